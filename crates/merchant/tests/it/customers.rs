//! Customers and merchants, against the sandbox.

use crate::forms::{documented_business, documented_individual, john};
use capecrypto_merchant::{
    customers::{CreateCustomer, FindCustomer, GetCustomer, ListCustomers, UpdateCustomer},
    forms::{Business, Individual, Person, Ubo},
    merchants::{CreateMerchant, FindMerchant, GetMerchant, ListMerchantCustomers, ListMerchants},
};
use capecrypto_models::{AccountRole, Customer, EntityType, KycStatus};
use capecrypto_probe::client;
use capecrypto_rest::{Client, Endpoint, Error, Kind, Outcome, Page};
use capecrypto_sandbox::{Fault, FaultKind, Sandbox};

fn individual(email: &str) -> CreateCustomer {
    let person = Person { email: email.into(), ..john() };
    CreateCustomer::individual(Individual::new(person, "+27821234567", "ZA").id_number("9001155800088"))
}

fn business(email: &str) -> Business {
    Business { email: email.into(), ..documented_business() }
}

fn emails(page: &Page<Customer>) -> Vec<&str> {
    page.iter().map(|row| row.email.as_ref().unwrap().expose().as_str()).collect()
}

async fn refused<E: Endpoint>(client: &Client, request: E) -> Error {
    client.send(request).await.err().unwrap()
}

#[tokio::test]
async fn every_request_example_of_the_documents_is_taken() {
    let sandbox = Sandbox::start().await.unwrap();
    let (merchant, aggregator) = (client(&sandbox, "merchant"), client(&sandbox, "aggregator"));
    let person = merchant.reply(CreateCustomer::individual(documented_individual())).await.unwrap();
    assert_eq!((person.status, person.value.entity_type), (201, Some(EntityType::Individual)));
    let update = UpdateCustomer::new(person.value.uid).custom_id("CUST-001-UPDATED");
    let update = update.external_verification_url("https://example.com/verify/updated");
    let updated = merchant.reply(update).await.unwrap();
    assert_eq!((updated.status, updated.value.custom_id.as_deref()), (200, Some("CUST-001-UPDATED")));
    assert_eq!(
        updated.value.external_verification_url.unwrap().expose(),
        "https://example.com/verify/updated"
    );
    let firm = merchant.reply(CreateCustomer::business(documented_business())).await.unwrap();
    assert_eq!((firm.status, firm.value.ubos.len()), (201, 2));
    let shop = aggregator.reply(CreateMerchant::new(documented_business())).await.unwrap();
    assert_eq!((shop.status, shop.value.role), (201, Some(AccountRole::Merchant)));
}

#[tokio::test]
async fn a_customer_is_created_read_listed_and_acted_for() {
    let sandbox = Sandbox::start().await.unwrap();
    let merchant = client(&sandbox, "merchant");
    let made = merchant.send(individual("first@example.com")).await.unwrap();
    let read = merchant.send(GetCustomer::new(&made.uid)).await.unwrap();
    assert_eq!(made, read);
    assert!(!read.is_verified() && read.kyc_status == Some(KycStatus::Pending));
    assert_eq!(read.profile.unwrap().dob.unwrap().expose(), "1990-01-15");
    merchant.send(CreateCustomer::business(business("second@example.com"))).await.unwrap();
    let rows = merchant.send(ListCustomers::new()).await.unwrap();
    assert_eq!((emails(&rows), rows.total), (vec!["first@example.com", "second@example.com"], Some(2)));
    let rows = merchant.items(ListCustomers::new().limit(1)).try_collect().await.unwrap();
    assert_eq!(rows.len(), 2);
    let balances =
        merchant.acting_as(made.uid.as_str()).raw(http::Method::GET, "/api/v2/atlas/account/balances");
    assert_eq!(balances.send().await.unwrap().status, 200);
    // Nobody sees the customers of somebody else.
    let other = client(&sandbox, "aggregator");
    assert_eq!(refused(&other, GetCustomer::new(&made.uid)).await.kind(), Kind::NotFound);
    assert_eq!(refused(&other, UpdateCustomer::new(&made.uid).custom_id("a")).await.kind(), Kind::NotFound);
    let nobody = refused(&client(&sandbox, "taker"), ListCustomers::new()).await;
    assert_eq!(nobody.kind(), Kind::Auth);
    assert!(nobody.hint().unwrap().contains("merchant or an aggregator"));
}

#[tokio::test]
async fn an_aggregator_sees_its_merchants_and_their_customers() {
    let sandbox = Sandbox::start().await.unwrap();
    let aggregator = client(&sandbox, "aggregator");
    let shop = aggregator.send(CreateMerchant::new(business("shop@example.com"))).await.unwrap();
    let merchants = aggregator.send(ListMerchants::new()).await.unwrap();
    assert_eq!((emails(&merchants), merchants.total), (vec!["shop@example.com"], Some(1)));
    let merchant = aggregator.send(GetMerchant::new(&shop.uid)).await.unwrap();
    assert!(
        merchant.ubos.len() == 2 && merchant.ubos.iter().all(|ubo| ubo.uid.is_some() && !ubo.is_verified())
    );
    assert_eq!(merchant.business_profile.unwrap().name(), Some("ACME Corp (Pty) Ltd"));

    aggregator.send(individual("own@example.com")).await.unwrap();
    aggregator.send(individual("theirs@example.com").merchant_uid(&shop.uid)).await.unwrap();
    let rows = aggregator.send(ListMerchantCustomers::new(&shop.uid)).await.unwrap();
    assert_eq!(emails(&rows), ["theirs@example.com"]);
    let rows = aggregator.send(ListCustomers::new().merchant_uid(&shop.uid)).await.unwrap();
    assert_eq!(emails(&rows), ["theirs@example.com"]);
    let rows = aggregator.send(ListCustomers::new()).await.unwrap();
    assert_eq!(emails(&rows), ["own@example.com", "theirs@example.com"]);

    let unknown = refused(&aggregator, individual("third@example.com").merchant_uid("CCT0000000")).await;
    assert!(unknown.has_code("sandbox.customer.merchant_doesnt_exist") && unknown.hint().is_some());
    let merchant = refused(&client(&sandbox, "merchant"), ListMerchants::new()).await;
    assert_eq!(merchant.kind(), Kind::Auth);
}

#[tokio::test]
async fn a_creation_whose_answer_was_lost_is_found_by_its_email() {
    let sandbox = Sandbox::start().await.unwrap();
    let (merchant, aggregator) = (client(&sandbox, "merchant"), client(&sandbox, "aggregator"));
    let lose = |kind, path| sandbox.control().inject(Fault::next(kind).on("POST", path));
    for (kind, absent) in [(FaultKind::ResetBeforeApply, true), (FaultKind::ResetAfterApply, false)] {
        lose(kind.clone(), "/resource/customers");
        let create = individual("Lost@example.com");
        let lost = merchant.send(create.clone()).await.unwrap_err();
        assert_eq!(lost.outcome(), Outcome::Unknown);
        assert_eq!(create.find(&merchant).await.unwrap().is_absent(), Some(absent));
        lose(kind, "/resource/merchants");
        let create = CreateMerchant::new(business("Lost@example.com"));
        let lost = aggregator.send(create.clone()).await.unwrap_err();
        assert_eq!(lost.outcome(), Outcome::Unknown);
        assert_eq!(create.find(&aggregator).await.unwrap().is_absent(), Some(absent));
    }
    // Each was done once.
    let found = FindCustomer::by_email("lost@example.com").find(&merchant).await.unwrap();
    assert_eq!((found.found.len(), found.rows), (1, 1));
    let found = FindMerchant::by_email("lost@example.com").find(&aggregator).await.unwrap();
    assert_eq!((found.found.len(), found.rows), (1, 1));
    let twice = refused(&merchant, individual("lost@EXAMPLE.com")).await;
    assert!(twice.has_code("sandbox.customer.email_taken") && twice.hint().unwrap().contains("FindCustomer"));
}

#[tokio::test]
async fn an_aggregator_looks_for_a_customer_among_those_of_one_merchant() {
    let sandbox = Sandbox::start().await.unwrap();
    let aggregator = client(&sandbox, "aggregator");
    let shop = aggregator.send(CreateMerchant::new(business("shop@example.com"))).await.unwrap();
    let of_shop = || individual("customer@example.com").merchant_uid(&shop.uid);
    aggregator.send(individual("customer@example.com")).await.unwrap();
    assert_eq!(of_shop().find(&aggregator).await.unwrap().is_absent(), Some(true));
    // The same e-mail may be used once for each of them.
    aggregator.send(of_shop()).await.unwrap();
    let found = of_shop().find(&aggregator).await.unwrap();
    assert_eq!((found.found.len(), found.rows), (1, 1));
    let found = FindCustomer::by_email("customer@example.com").find(&aggregator).await.unwrap();
    assert_eq!(found.found.len(), 2);
}

#[tokio::test]
async fn an_old_birthday_and_an_expired_document_are_sent_with_a_warning() {
    let sandbox = Sandbox::start().await.unwrap();
    let person = Person { dob: "1890-01-01".into(), nationality: "GB".into(), ..john() };
    let old = Individual::new(person, "+447911123456", "GB").doc_type("Passport").doc_expire("2020-01-01");
    let reply = client(&sandbox, "merchant").reply(CreateCustomer::individual(old)).await.unwrap();
    let warned: Vec<_> = reply.warnings.iter().map(|warning| &*warning.argument).collect();
    assert_eq!(warned, ["dob", "doc_expire"]);
}

#[tokio::test]
async fn texts_come_back_byte_for_byte_and_fifty_owners_too() {
    let sandbox = Sandbox::start().await.unwrap();
    let merchant = client(&sandbox, "merchant");
    for (number, name) in
        ["مريم\u{200f} \u{202e}", "👩\u{200d}🚀 é e\u{301}", &"ë".repeat(255), "<b>\"'\\/;--"]
            .iter()
            .enumerate()
    {
        let email = format!("c{number}@example.com");
        let person = Person { first_name: (*name).into(), email: email.into(), ..john() };
        let create = Individual::new(person, "+27821234567", "ZA").id_number("9001155800088");
        let made = merchant.send(CreateCustomer::individual(create)).await.unwrap();
        assert_eq!(made.profile.unwrap().first_name.unwrap().expose(), name);
    }
    let owner = |number: u32| {
        Ubo::new(Person { email: format!("o{number}@example.com").into(), ..john() }, format!("A{number}"), 5)
    };
    let ubos = (0..50).map(owner).collect();
    let made = merchant.send(CreateCustomer::business(Business { ubos, ..business("many@example.com") }));
    let made = made.await.unwrap();
    assert_eq!(made.ubos.len(), 50);
    let ids: std::collections::HashSet<_> = made.ubos.iter().map(|ubo| ubo.uid.clone().unwrap()).collect();
    assert_eq!(ids.len(), 50);
    assert_eq!(made.ubos[49].id_number.as_ref().unwrap().expose(), "A49");
}

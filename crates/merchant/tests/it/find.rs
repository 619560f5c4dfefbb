//! Customers and merchants are found again by their e-mail, or the search says that it cannot decide.

use crate::forms::{documented_business, documented_individual};
use capecrypto_auth::{Credentials, Environment};
use capecrypto_merchant::{
    customers::{CreateCustomer, FindCustomer, FoundByEmail},
    forms::Business,
    merchants::{CreateMerchant, FindMerchant},
};
use capecrypto_models::{Customer, Timestamp};
use capecrypto_rest::{Client, Kind, Outcome};
use serde_json::{Value, json};
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{method, path, query_param},
};

/// An exchange with this list, and with these answers for the single ones. Nothing else may be asked, and each answer is read
/// exactly once.
async fn exchange(of: &str, rows: Value, single: &[(&str, Value)]) -> (MockServer, Client) {
    let server = MockServer::start().await;
    let list = format!("/api/v2/persona/resource/{of}");
    for (uid, answer) in single {
        let answer = match answer {
            Value::Null => ResponseTemplate::new(404).set_body_json(json!({"errors": ["record.not_found"]})),
            answer => ResponseTemplate::new(200).set_body_json(answer),
        };
        let one = Mock::given(method("GET")).and(path(format!("{list}/{uid}"))).respond_with(answer);
        one.expect(1).mount(&server).await;
    }
    let total = rows.as_array().unwrap().len().to_string();
    let page = ResponseTemplate::new(200).insert_header("Total", &*total).set_body_json(rows);
    let one = Mock::given(method("GET")).and(path(list)).and(query_param("limit", "1000")).respond_with(page);
    one.expect(1).mount(&server).await;
    let client = Client::builder(Environment::local(&server.uri()).unwrap())
        .credentials(Credentials::new("sandbox_x", "y").unwrap())
        .build()
        .unwrap();
    (server, client)
}

/// A row as in the documents' example: without an e-mail.
fn row(uid: &str) -> Value {
    json!({"uid": uid, "account_name": uid, "state": "active", "kyc_status": "pending", "created_at": "2026-03-01T08:00:00.000Z"})
}

fn with(mut value: Value, more: Value) -> Value {
    if let (Value::Object(members), Value::Object(more)) = (&mut value, more) {
        members.extend(more);
    }
    value
}

fn uids(customers: &[Customer]) -> Vec<&str> {
    customers.iter().map(|customer| customer.uid.as_str()).collect()
}

/// Found, undecided, and whether nobody has the e-mail.
fn told(found: &FoundByEmail) -> (Vec<&str>, Vec<&str>, Option<bool>) {
    (uids(&found.found), uids(&found.undecided), found.is_absent())
}

#[tokio::test]
async fn a_row_without_an_email_is_read_on_its_own() {
    let rows = json!([
        with(row("CCT1"), json!({"email": "other@example.com"})),
        row("CCT2"),
        row("CCT3"),
        with(row("CCT4"), json!({"email": " Customer@Example.com"})),
    ]);
    let single = [
        ("CCT2", with(row("CCT2"), json!({"email": "CUSTOMER@example.com"}))),
        ("CCT3", with(row("CCT3"), json!({"email": "third@example.com"}))),
    ];
    let (_server, client) = exchange("customers", rows, &single).await;
    let found = FindCustomer::by_email("customer@example.com").find(&client).await.unwrap();
    assert_eq!(told(&found), (vec!["CCT2", "CCT4"], vec![], Some(false)));
    assert_eq!(found.rows, 4);
}

#[tokio::test]
async fn nobody_is_said_to_be_absent_whose_email_the_exchange_does_not_tell() {
    let rows = json!([row("CCT1"), row("CCT2"), row("CCT3"), row("CCT4"), row("CCT5")]);
    let single = [
        ("CCT1", row("CCT1")),
        // Another day of birth proves that it is another one; the same one proves nothing.
        ("CCT2", with(row("CCT2"), json!({"profile": {"dob": "1991-01-15"}}))),
        ("CCT3", with(row("CCT3"), json!({"profile": {"dob": "1990-01-15T00:00:00Z"}}))),
        ("CCT4", with(row("CCT4"), json!({"entity_type": "business"}))),
        // It was in the list, and now it is not there.
        ("CCT5", Value::Null),
    ];
    let (_server, client) = exchange("customers", rows, &single).await;
    let found = CreateCustomer::individual(documented_individual()).find(&client).await.unwrap();
    assert_eq!(told(&found), (vec![], vec!["CCT1", "CCT3", "CCT5"], None));
}

#[tokio::test]
async fn a_business_is_told_from_others_by_its_registration_number() {
    let business = |number: &str| json!({"business_profile": {"registration_number": number}});
    let rows = json!([row("CCT1"), row("CCT2"), with(row("CCT3"), json!({"entity_type": "individual"}))]);
    let single = [
        ("CCT1", with(row("CCT1"), business("2020/123456/08"))),
        ("CCT2", with(row("CCT2"), business("2020/123456 /07"))),
    ];
    let (_server, client) = exchange("customers", rows, &single).await;
    let found = CreateCustomer::business(documented_business()).find(&client).await.unwrap();
    assert_eq!(told(&found), (vec![], vec!["CCT2"], None));
}

#[tokio::test]
async fn older_rows_without_an_email_need_not_be_read() {
    let since: Timestamp = "2026-03-02T00:00:00Z".parse().unwrap();
    let rows = json!([
        row("CCT1"),
        with(row("CCT2"), json!({"email": "customer@example.com"})),
        with(row("CCT3"), json!({"created_at": "2026-03-02T00:00:00Z"})),
        with(row("CCT4"), json!({"created_at": null})),
    ]);
    let email = |email: &str| json!({"email": email});
    let single = [
        ("CCT3", with(row("CCT3"), email("third@example.com"))),
        ("CCT4", with(row("CCT4"), email("fourth@example.com"))),
    ];
    let (_server, client) = exchange("customers", rows, &single).await;
    let search = CreateCustomer::individual(documented_individual()).search().unwrap().created_since(since);
    // The second was there before, so the creation was refused; that is worth knowing.
    assert_eq!(told(&search.find(&client).await.unwrap()), (vec!["CCT2"], vec![], Some(false)));
}

#[tokio::test]
async fn an_unreadable_row_may_be_the_one() {
    let rows = json!([with(row("CCT1"), json!({"email": "other@example.com"})), {"uid": ["CCT2"]}]);
    let (_server, client) = exchange("customers", rows, &[]).await;
    let found = FindCustomer::by_email("customer@example.com").find(&client).await.unwrap();
    assert_eq!((found.is_absent(), found.unreadable.len()), (None, 1));

    let (_server, client) = exchange("customers", json!([]), &[]).await;
    let found = FindCustomer::by_email("customer@example.com").find(&client).await.unwrap();
    assert_eq!(found.is_absent(), Some(true));
}

#[tokio::test]
async fn merchants_are_found_in_the_same_way() {
    let rows = json!([row("CCM1"), row("CCM2")]);
    let single = [
        ("CCM1", with(row("CCM1"), json!({"email": "Admin@acmecorp.com"}))),
        ("CCM2", with(row("CCM2"), json!({"email": "admin@other.example"}))),
    ];
    let (_server, client) = exchange("merchants", rows.clone(), &single).await;
    let found = CreateMerchant::new(documented_business()).find(&client).await.unwrap();
    assert_eq!(told(&found), (vec!["CCM1"], vec![], Some(false)));
    let (_server, client) = exchange("merchants", rows, &single).await;
    let found = FindMerchant::by_email("nobody@acmecorp.com").find(&client).await.unwrap();
    assert_eq!(told(&found), (vec![], vec![], Some(true)));
}

#[tokio::test]
async fn a_request_with_a_wrong_email_was_never_sent() {
    let wrong = || Business { email: "acme".into(), ..documented_business() };
    let client = Client::builder(Environment::local("http://127.0.0.1:1").unwrap());
    let client = client.credentials(Credentials::new("sandbox_x", "y").unwrap()).build().unwrap();
    for error in [
        CreateCustomer::business(wrong()).find(&client).await.unwrap_err(),
        CreateMerchant::new(wrong()).find(&client).await.unwrap_err(),
    ] {
        assert_eq!((error.kind(), error.outcome()), (Kind::InvalidArgument, Outcome::NotSent));
    }
}

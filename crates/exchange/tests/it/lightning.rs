//! Lightning: what is refused before a byte is sent, what an answer must say, and a payment from one account to another.

use crate::{client, client_of};
use capecrypto_auth::{Credentials, Environment};
use capecrypto_exchange::account::{
    CreateLightningInvoice, LightningRecipient, LightningTravelRule, ListTransactions, PayLightning,
};
use capecrypto_models::{Bolt11, LightningNetwork, Sats, WithdrawQuote, dec};
use capecrypto_rest::{Client, Endpoint, Error, InvalidArgument, Kind, Outcome, Prepared};
use capecrypto_sandbox::{Fault, FaultKind, Profile, Sandbox};
use serde_json::{Value, json};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

/// An example of BOLT 11, over 250,000 satoshi.
const COFFEE: &str = "lnbc2500u1pvjluezsp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygspp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdq5xysxxatsyp3k7enxv4jsxqzpu9qrsgquk0rl77nj30yxdy8j9vdx85fkpmdla2087ne0xh8nhedh8w27kyke0lp53ut353s06fv3qfegext0eh0ymjpf39tuven09sam30g4vgpfna3rh";
const COFFEE_SATS: Sats = Sats::new(250_000);

/// A text of the right form whose checksum and signature are wrong.
fn unsigned(head: &str) -> String {
    format!("{head}1{}", "q".repeat(117))
}

/// What is refused before the request is sent, as argument and reason.
fn refused<E: Endpoint>(request: &E, environment: &Environment) -> Vec<InvalidArgument> {
    Prepared::new(request, environment).map_or_else(|refused| refused.all().to_vec(), |_| Vec::new())
}

/// The arguments that the exchange's environment refuses.
fn names<E: Endpoint>(request: &E) -> Vec<String> {
    refused(request, &Environment::live()).into_iter().map(|one| one.argument.into_owned()).collect()
}

fn local(server: &MockServer) -> Client {
    let credentials = Credentials::new("sandbox_x", "y").unwrap();
    Client::builder(Environment::local(&server.uri()).unwrap()).credentials(credentials).build().unwrap()
}

#[tokio::test]
async fn another_amount_than_the_invoices_is_refused_before_a_byte_is_sent() {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(201)).expect(0).mount(&server).await;
    let error = local(&server).send(PayLightning::invoice(COFFEE, Sats::new(250_001))).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::InvalidArgument, Outcome::NotSent));
    let argument = error.argument().unwrap();
    assert_eq!(argument.argument, "amount");
    assert!(argument.why.contains("250000 sat") && argument.why.contains("250001 sat"), "{error}");
    assert!(argument.remedy.contains("satoshi and not in bitcoin"), "{error}");
    assert!(!format!("{error} {error:?}").contains("lnbc"), "{error:?}");
}

#[test]
fn an_invoice_with_a_fraction_of_a_satoshi_cannot_be_paid() {
    let fraction = refused(&PayLightning::invoice(unsigned("lnbc15n"), Sats::new(1)), &Environment::live());
    assert_eq!(fraction[0].argument, "bolt");
    assert!(
        fraction[0].why.contains("1500 msat") && fraction[0].remedy.contains("whole satoshi"),
        "{fraction:?}"
    );
}

#[test]
fn an_invoice_of_another_network_is_refused_except_by_an_exchange_on_this_machine() {
    for head in ["lntb2500u", "lntbs2500u", "lnbcrt2500u", "lnsb2500u"] {
        let pay = PayLightning::invoice(unsigned(head), COFFEE_SATS);
        let elsewhere = refused(&pay, &Environment::live());
        assert!(
            elsewhere.iter().any(|one| one.argument == "bolt" && one.why.contains("another network")),
            "{head}"
        );
        let here = refused(&pay, &Environment::local("http://127.0.0.1:1").unwrap());
        assert!(here.iter().all(|one| !one.why.contains("another network")), "{head}");
    }
    assert_eq!(names(&PayLightning::invoice(COFFEE, COFFEE_SATS)), [""; 0]);
    assert_eq!(names(&PayLightning::invoice(COFFEE.to_ascii_uppercase(), COFFEE_SATS)), [""; 0]);
}

#[test]
fn all_problems_are_told_at_once_with_their_paths() {
    let recipient = LightningRecipient::person("", "Doe").address("a\r\nb").country("South Africa");
    let pay = PayLightning::invoice("canary", Sats::new(0))
        .travel_rule(LightningTravelRule::wallet_of(recipient))
        .description("x".repeat(640))
        .member_description("canary\n");
    let refused = refused(&pay, &Environment::live());
    let told: Vec<_> = refused.iter().map(|one| &*one.argument).collect();
    let expected = [
        "bolt",
        "amount",
        "data.recipient_data.first_name",
        "data.recipient_data.address",
        "data.recipient_data.country",
        "member_description",
        "description",
    ];
    assert_eq!(told, expected);
    assert!(!format!("{refused:?} {pay:?}").contains("canary"), "{refused:?} {pay:?}");

    assert_eq!(names_of_invoice(|invoice| invoice.conversion_percent(dec!(0))), ["conversion_percent"]);
    assert_eq!(names_of_invoice(|invoice| invoice.conversion_percent(dec!(1.0001))), ["conversion_percent"]);
    assert_eq!(names_of_invoice(|invoice| invoice.conversion_percent(dec!(1))), [""; 0]);
    assert_eq!(
        names_of_invoice(|invoice| invoice.description("ö".repeat(320))),
        ["description"],
        "640 bytes"
    );
    assert_eq!(names_of_invoice(|invoice| invoice.description("ö".repeat(319))), [""; 0]);
    assert_eq!(names(&CreateLightningInvoice::new(Sats::new(2_100_000_000_000_001))), ["amount"]);
    assert_eq!(names(&PayLightning::address("canary", Sats::new(1))), ["address"]);
}

fn names_of_invoice(change: impl Fn(CreateLightningInvoice) -> CreateLightningInvoice) -> Vec<String> {
    names(&change(CreateLightningInvoice::new(Sats::new(5))))
}

#[test]
fn the_older_version_has_invoices_and_nothing_else() {
    let older = Environment::legacy();
    let names = |pay: &PayLightning| -> Vec<String> {
        refused(pay, &older).into_iter().map(|one| one.argument.into_owned()).collect()
    };
    let invoice = || PayLightning::invoice(COFFEE, COFFEE_SATS);
    assert_eq!(names(&invoice().description("x").member_description("y")), [""; 0]);
    assert_eq!(names(&invoice().quote(quote("btc"))), ["quote_id"]);
    assert_eq!(names(&invoice().travel_rule(LightningTravelRule::own_wallet())), ["data"]);
    assert_eq!(names(&PayLightning::address("a@b.com", Sats::new(1))), ["address", "data"]);
}

/// A quote that never ends.
fn quote(currency: &str) -> WithdrawQuote {
    let quote =
        json!({"id": "2f1c-7", "currency": currency, "fee": "0.5", "expires_at": "9999-01-01T00:00:00Z"});
    serde_json::from_value(quote).unwrap()
}

#[test]
fn a_quote_must_be_for_bitcoin_and_its_fee_may_be_above_the_amount() {
    let pay = |currency| PayLightning::invoice(COFFEE, COFFEE_SATS).quote(quote(currency));
    assert_eq!(names(&pay("zar")), ["quote_id"]);
    let sent = Prepared::new(&pay("btc"), &Environment::live()).unwrap();
    assert!(sent.query.ends_with("&quote_id=2f1c-7") && sent.warnings.is_empty(), "{:?}", sent.warnings);
}

#[test]
fn a_payment_stands_in_the_query_and_its_travel_rule_in_the_body() {
    let pay = PayLightning::address("name+tip@example.com", Sats::new(7));
    let sent = Prepared::new(&pay, &Environment::live()).unwrap();
    assert_eq!(sent.query, "address=name%2Btip%40example.com&amount=7");
    let body = |sent: &Prepared| serde_json::from_slice::<Value>(sent.body.as_ref().unwrap()).unwrap();
    assert_eq!(body(&sent), json!({"data": {"address": "name+tip@example.com"}}));
    let pay = pay.travel_rule(LightningTravelRule::own_wallet());
    let sent = Prepared::new(&pay, &Environment::live()).unwrap();
    assert_eq!(body(&sent), json!({"data": {"is_own": true, "address": "name+tip@example.com"}}));
    let sent = Prepared::new(&PayLightning::invoice(COFFEE, COFFEE_SATS), &Environment::live()).unwrap();
    assert_eq!((sent.query, sent.body), (format!("bolt={COFFEE}&amount=250000"), None));
    let both = LightningTravelRule::own_wallet().is_unhosted(true).vasp_id(7_u64);
    let sent =
        Prepared::new(&PayLightning::invoice(COFFEE, COFFEE_SATS).travel_rule(both), &Environment::live());
    assert_eq!(sent.unwrap().warnings[0].argument, "data.is_unhosted");
}

/// The error for an answer to a request; `None` if the answer is accepted.
async fn answered<E: Endpoint>(body: Value, request: E) -> Option<Error> {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(201).set_body_json(body)).mount(&server).await;
    let error = local(&server).send(request).await.err()?;
    assert_eq!((error.kind(), error.outcome()), (Kind::Mismatch, Outcome::Unknown), "{error}");
    assert!(!format!("{error} {error:?}").contains("lnbc"), "{error:?}");
    Some(error)
}

#[tokio::test]
async fn an_invoice_over_another_amount_is_not_handed_on() {
    let create = || CreateLightningInvoice::new(COFFEE_SATS).conversion_percent(dec!(0.5));
    let good =
        json!({"bolt": COFFEE, "amount": "250000", "amount_msat": 250_000_000, "conversion_percent": "0.50"});
    assert!(answered(good.clone(), create()).await.is_none());
    assert!(answered(json!([good]), create()).await.is_none(), "a list of one");
    assert!(
        answered(json!({"bolt": "lno1...", "amount": 250_000}), create()).await.is_none(),
        "another form"
    );
    for (field, wrong) in [
        ("amount", json!(250_001)),
        ("amount_msat", json!(250_000)),
        ("conversion_percent", json!("1")),
        ("bolt", json!(unsigned("lnbc2501u"))),
        ("bolt", json!(unsigned("lnbc"))),
    ] {
        let mut answer = good.clone();
        answer[field] = wrong;
        let error = answered(answer, create()).await.unwrap();
        assert!(error.to_string().contains(field), "{error}");
    }
}

#[tokio::test]
async fn an_answer_about_another_payment_is_noticed() {
    let pay = || PayLightning::invoice(COFFEE, COFFEE_SATS);
    let good = json!({"bolt": COFFEE.to_ascii_uppercase(), "amount": 250_000, "state": "new"});
    assert!(answered(good.clone(), pay()).await.is_none());
    assert!(answered(json!([{"amount": 250_000}]), pay()).await.is_none(), "fields that are missing");
    for (field, wrong) in [("amount", json!(250)), ("bolt", json!(unsigned("lnbc2500u")))] {
        let mut answer = good.clone();
        answer[field] = wrong;
        assert!(answered(answer, pay()).await.unwrap().to_string().contains(field));
    }
    let address = PayLightning::address("a@b.com", Sats::new(5));
    let error = answered(json!({"address": "canary@b.com", "amount": 5}), address).await.unwrap();
    assert!(error.to_string().contains("address") && !format!("{error:?}").contains("canary"));
}

#[tokio::test]
async fn one_account_pays_another_ones_invoice() {
    let sandbox = Sandbox::start().await.unwrap();
    let (maker, taker) = (client(&sandbox, "maker"), client(&sandbox, "taker"));
    let create = CreateLightningInvoice::new(Sats::new(2_500)).description("Rooibos").member_description("7");
    let invoice = maker.send(create).await.unwrap();
    let text: Bolt11 = invoice.invoice().unwrap();
    assert_eq!((text.network(), text.amount()), (LightningNetwork::Regtest, Ok(Some(Sats::new(2_500)))));
    let seconds = |time: Option<capecrypto_models::Timestamp>| time.unwrap().as_unix_seconds();
    assert_eq!(seconds(invoice.expires_at) - seconds(invoice.created_at), 3_600);
    let payment = taker.send(PayLightning::invoice(text.clone(), Sats::new(2_500))).await.unwrap();
    assert_eq!(payment.bolt, Some(invoice.bolt.clone()));
    for shown in [format!("{invoice:?}"), format!("{payment:?}"), format!("{text:?}")] {
        assert!(!shown.contains("lnbcrt") && !shown.contains("Rooibos"), "{shown}");
    }
    sandbox.control().advance_clock(60_000);
    let credited = maker.send(ListTransactions::new().kind("deposit").limit(1)).await.unwrap();
    assert_eq!(credited[0].credit_amount, Some(dec!(0.000025)));
    assert_eq!(credited[0].member_description.as_ref().unwrap().expose(), "7");

    let again = taker.send(PayLightning::invoice(text, Sats::new(2_500))).await.unwrap_err();
    assert_eq!((again.kind(), again.outcome()), (Kind::Refused, Outcome::Refused));
    assert!(again.hint().unwrap().contains("paid"), "{:?}", again.hint());
}

#[tokio::test]
async fn a_payment_whose_answer_is_lost_is_found_by_its_invoice() {
    let sandbox = Sandbox::start().await.unwrap();
    let (maker, taker) = (client(&sandbox, "maker"), client(&sandbox, "taker"));
    let text =
        async || maker.send(CreateLightningInvoice::new(Sats::new(2_500))).await.unwrap().invoice().unwrap();
    let (one, another) = (text().await, text().await);
    // Another payment of the same amount, at about the same time.
    taker.send(PayLightning::invoice(another.clone(), Sats::new(2_500))).await.unwrap();
    let pay = PayLightning::invoice(one.clone(), Sats::new(2_500));
    let search = pay.search(taker.now()).unwrap();
    let nothing = search.find(&taker).await.unwrap().candidates;
    assert_eq!(nothing.iter().map(|found| found.same_destination).collect::<Vec<_>>(), [Some(false)]);
    sandbox.control().inject(Fault::next(FaultKind::ResetAfterApply).on("POST", "/account/lightning/pays"));
    let error = taker.send(pay).await.unwrap_err();
    assert_eq!(error.outcome(), Outcome::Unknown);
    let found = search.find(&taker).await.unwrap().candidates;
    let same: Vec<_> = found.iter().filter(|found| found.same_destination == Some(true)).collect();
    assert_eq!((found.len(), same.len()), (2, 1));
    assert_eq!(same[0].withdrawal.rid.as_ref().unwrap().expose(), one.as_str());
    assert_eq!(same[0].withdrawal.amount, dec!(0.00002501), "with the fee");
    assert!(!format!("{search:?} {found:?}").contains("lnbcrt"));
    // An address is found in the same way.
    let pay = PayLightning::address("name@example.com", Sats::new(7));
    sandbox.control().inject(Fault::next(FaultKind::ResetAfterApply).on("POST", "/account/lightning/pays"));
    assert_eq!(taker.send(pay.clone()).await.unwrap_err().outcome(), Outcome::Unknown);
    let found = pay.find(&taker, taker.now()).await.unwrap();
    assert_eq!(found.candidates[0].same_destination, Some(true));
    let wrong = PayLightning::invoice("x", Sats::new(7));
    assert!(wrong.search(taker.now()).is_none());
    assert_eq!(wrong.find(&taker, taker.now()).await.unwrap_err().outcome(), Outcome::NotSent);
}

#[tokio::test]
async fn refusals_of_the_exchange_come_with_advice() {
    let sandbox = Sandbox::start().await.unwrap();
    let (maker, taker) = (client(&sandbox, "maker"), client(&sandbox, "taker"));
    let small = CreateLightningInvoice::new(Sats::new(1_000)).conversion_percent(dec!(0.5));
    let error = maker.send(small).await.unwrap_err();
    assert!(error.hint().unwrap().contains("min_amount"), "{error}");
    let error = taker.send(PayLightning::invoice(COFFEE, COFFEE_SATS)).await.unwrap_err();
    assert!(error.hint().unwrap().contains("lnbcrt"), "{error}");
    let invoice = maker.send(CreateLightningInvoice::new(Sats::new(5))).await.unwrap();
    sandbox.control().advance_clock(2 * 60 * 60 * 1_000);
    // The clock of this client has not learnt the new time yet.
    let taker = client(&sandbox, "taker");
    let error =
        taker.send(PayLightning::invoice(invoice.invoice().unwrap(), Sats::new(5))).await.unwrap_err();
    assert!(error.hint().unwrap().contains("new invoice"), "{error}");
}

#[tokio::test]
async fn an_invoice_is_paid_on_an_older_server() {
    let sandbox = Sandbox::builder().profile(Profile::Legacy).start().await.unwrap();
    let older = || Environment::local(sandbox.origin()).unwrap().with_legacy_paths();
    let (maker, taker) = (client_of(older(), &sandbox, "maker"), client_of(older(), &sandbox, "taker"));
    let invoice = maker.send(CreateLightningInvoice::new(Sats::new(5))).await.unwrap();
    taker.send(PayLightning::invoice(invoice.invoice().unwrap(), Sats::new(5))).await.unwrap();
}

#[cfg(feature = "bolt11")]
#[test]
fn a_changed_invoice_is_refused_before_it_is_sent() {
    // The last letter of the amount's part is protected by the checksum only.
    let changed = COFFEE.replacen("2500u", "2600u", 1);
    let refused = refused(&PayLightning::invoice(changed, Sats::new(260_000)), &Environment::live());
    assert_eq!(refused[0].argument, "bolt");
    assert!(refused[0].why.contains("checksum") && refused[0].remedy.contains("do not pay"), "{refused:?}");
}

//! Malformed arguments are refused before anything is sent.

use crate::dec;
use capecrypto_auth::{Credentials, Environment};
use capecrypto_exchange::{account, public, trading};
use capecrypto_models::{Side, Timestamp};
use capecrypto_rest::{Client, Endpoint, Kind, Outcome};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

async fn refused<E: Endpoint>(client: &Client, request: E, argument: &str, remedy: &str) {
    let error = client.send(request).await.err().unwrap_or_else(|| panic!("{argument} was sent"));
    assert_eq!((error.kind(), error.outcome()), (Kind::InvalidArgument, Outcome::NotSent), "{error}");
    let refusal = error.argument().unwrap();
    assert_eq!(refusal.argument, argument, "{error}");
    assert!(refusal.remedy.contains(remedy) && !refusal.why.is_empty(), "{error}");
}

#[tokio::test]
async fn every_kind_of_argument() {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(200)).expect(0).mount(&server).await;
    let credentials = Credentials::new("sandbox_x", "y").unwrap();
    let client =
        Client::builder(Environment::local(&server.uri()).unwrap()).credentials(credentials).build().unwrap();
    let order = || trading::CreateOrder::limit("btczar", Side::Buy, dec("1"), dec("1"));
    let time = |seconds| Timestamp::from_unix_seconds(seconds).unwrap();

    refused(&client, trading::GetOrder::new(".."), "id", "1 to 64").await;
    refused(&client, trading::CancelOrder::new(""), "id", "1 to 64").await;
    refused(&client, trading::CancelOrder::new("1/../../cancel"), "id", "1 to 64").await;
    refused(&client, trading::CancelOrders::in_market("btc/zar"), "market", "1 to 64").await;
    refused(&client, trading::CreateOrder::market("BTC ZAR", Side::Buy, dec("1")), "market", "A-Z").await;
    refused(&client, trading::CreateOrder::market("btczar", Side::Buy, dec("0")), "volume", "positive").await;
    refused(
        &client,
        trading::CreateOrder::limit("btczar", Side::Buy, dec("1"), dec("-1")),
        "price",
        "positive",
    )
    .await;
    refused(&client, order().custom_order_id(""), "custom_order_id", "1 to 255").await;
    refused(&client, order().custom_order_id("a\nb"), "custom_order_id", "control").await;
    refused(&client, trading::ListOrders::new().state("wait").states(["done"]), "states", "either").await;
    let market_order = trading::CreateOrder::market("btczar", Side::Buy, dec("1"));
    refused(&client, market_order.post_only(true), "post_only", "limit order").await;
    refused(&client, trading::ListOrders::new().limit(1_001), "limit", "1 to 1000").await;
    refused(&client, trading::ListOrders::new().limit(0), "limit", "1 to 1000").await;
    refused(&client, trading::ListTrades::new().page(0), "page", "1 for the first").await;
    refused(&client, trading::ListOrders::new().time_from(time(2)).time_to(time(1)), "time_to", "time_from")
        .await;
    refused(&client, public::ListCandles::new("btczar").limit(10_001), "limit", "10000").await;
    refused(&client, public::GetDepth::new(""), "market", "1 to 64").await;
    refused(&client, public::GetCurrency::new("../../account"), "id", "1 to 64").await;
    refused(&client, account::GetBalance::new("zar?x=1"), "currency", "1 to 64").await;
}

#[tokio::test]
async fn what_the_older_version_would_ignore_in_silence_is_refused_there() {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(200).set_body_string("[]")).mount(&server).await;
    let client = |environment: Environment| {
        let credentials = Credentials::new("sandbox_x", "y").unwrap();
        Client::builder(environment).credentials(credentials).build().unwrap()
    };
    let environment = Environment::local(&server.uri()).unwrap();
    let fills = || trading::ListTrades::new().order_id(7);
    client(environment.clone()).send(fills()).await.unwrap();
    refused(&client(environment.with_legacy_paths()), fills(), "order_id", "leave it out").await;
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

#[test]
fn a_custom_order_id_may_be_any_text_on_one_line() {
    let long = "x".repeat(255);
    for name in ["my order #7 / 2026", "日本語", "..", long.as_str()] {
        let order = trading::CreateOrder::market("btczar", Side::Buy, dec("1")).custom_order_id(name);
        assert_eq!(order.name().map(capecrypto_models::CustomOrderId::as_str), Some(name));
        let sent = capecrypto_rest::Prepared::new(&order, &Environment::live()).unwrap();
        let body: serde_json::Value = serde_json::from_slice(&sent.body.unwrap()).unwrap();
        assert_eq!(body["custom_order_id"], name);
    }
}

#[test]
fn every_order_has_a_name_of_its_own_and_keeps_it() {
    let order = || trading::CreateOrder::limit("btczar", Side::Buy, dec("1"), dec("1"));
    let made: std::collections::HashSet<_> =
        (0..1_000).map(|_| order().name().unwrap().as_str().to_owned()).collect();
    assert_eq!(made.len(), 1_000);
    for name in made {
        let version = (name.as_bytes()[14], name.as_bytes()[19]);
        assert!(name.len() == 36 && version.0 == b'4' && b"89ab".contains(&version.1), "{name}");
    }
    let order = order();
    assert_eq!(order.clone().post_only(true).name(), order.name());
    let sent = capecrypto_rest::Prepared::new(&order, &Environment::live()).unwrap();
    let body = String::from_utf8(sent.body.unwrap()).unwrap();
    assert!(body.contains(order.name().unwrap().as_str()), "{body}");
}

#[test]
fn several_states_are_sent_as_a_list() {
    let several = trading::ListOrders::new().states(["wait", "done"]);
    let sent = capecrypto_rest::Prepared::new(&several, &Environment::live()).unwrap();
    assert_eq!(sent.query, "state%5B%5D=wait&state%5B%5D=done");
    let one = capecrypto_rest::Prepared::new(&trading::ListOrders::new().state("wait"), &Environment::live());
    assert_eq!(one.unwrap().query, "state=wait");
}

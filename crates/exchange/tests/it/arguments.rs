//! What is malformed never leaves the process.

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
    refused(&client, order().custom_order_id("my order"), "custom_order_id", "1 to 64").await;
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

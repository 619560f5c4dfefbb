//! An answer about something else is an error; fixtures of the documents, answered to the wrong question.

use crate::dec;
use capecrypto_auth::{Credentials, Environment};
use capecrypto_exchange::{account, public, trading};
use capecrypto_models::Side;
use capecrypto_rest::{Client, Endpoint, Kind, Outcome};
use capecrypto_testkit::Fixtures;
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

async fn answered<E: Endpoint>(body: &str, request: E) -> Option<String> {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(200).set_body_string(body)).mount(&server).await;
    let credentials = Credentials::new("sandbox_x", "y").unwrap();
    let client =
        Client::builder(Environment::local(&server.uri()).unwrap()).credentials(credentials).build().unwrap();
    let error = client.send(request).await.err()?;
    assert_eq!((error.kind(), error.outcome()), (Kind::Mismatch, Outcome::Unknown), "{error}");
    Some(error.to_string())
}

#[tokio::test]
async fn orders() {
    let fixtures = Fixtures::cape();
    let order = fixtures.text("create_order", "response");
    let create =
        |market: &str, side| trading::CreateOrder::limit(market, side, dec("0.00001"), dec("800000"));
    assert_eq!(answered(order, create("btczar", Side::Sell)).await, None);
    assert!(answered(order, create("ethzar", Side::Sell)).await.unwrap().contains("market"));
    assert!(answered(order, create("btczar", Side::Buy)).await.unwrap().contains("side"));
    let named = create("btczar", Side::Sell).custom_order_id("another");
    assert!(answered(order, named).await.unwrap().contains("custom_order_id"));
    assert_eq!(answered(order, trading::GetOrder::new(173_757)).await, None);
    assert_eq!(answered(order, trading::GetOrder::new("7E86A4FA-fcae-4953-b9bc-d6f328beea48")).await, None);
    assert!(answered(order, trading::GetOrder::new(173_758)).await.unwrap().contains("id"));
    assert!(
        answered(order, trading::CancelOrder::new("7e86a4fa-fcae-4953-b9bc-d6f328beea49"))
            .await
            .unwrap()
            .contains("uuid")
    );
    let list = format!("[{order}]");
    assert!(answered(&list, trading::ListOrders::new().market("ethzar")).await.is_some());
    assert!(answered(&list, trading::CancelOrders::in_market("ethzar")).await.is_some());
    assert_eq!(answered(&list, trading::CancelOrders::everything()).await, None);
}

#[tokio::test]
async fn balances_currencies_trades() {
    let fixtures = Fixtures::cape();
    let balance = r#"{"currency":"zar","balance":"1","locked":"0"}"#;
    assert_eq!(answered(balance, account::GetBalance::new("zar")).await, None);
    assert!(answered(balance, account::GetBalance::new("btc")).await.is_some());
    assert!(
        answered(fixtures.text("get_currency", "composed"), public::GetCurrency::new("xyz")).await.is_some()
    );
    assert!(
        answered(fixtures.text("list_public_trades", "composed"), public::ListTrades::new("xyzzar"))
            .await
            .is_some()
    );
    let trades = fixtures.text("list_own_trades", "composed");
    assert!(answered(trades, trading::ListTrades::new().order_id(1)).await.is_some());
    assert!(answered(trades, trading::ListTrades::new().market("xyzzar")).await.is_some());
}

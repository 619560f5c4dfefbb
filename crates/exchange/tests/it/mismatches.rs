//! An answer about something else is an error. The answers are the documents' fixtures for other requests.

use crate::dec;
use capecrypto_auth::{BalanceMeaning, Credentials, Environment};
use capecrypto_exchange::{account, public, trading};
use capecrypto_models::Side;
use capecrypto_rest::{Client, Endpoint, Kind, Outcome};
use capecrypto_testkit::Fixtures;
use serde_json::json;
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

#[tokio::test]
async fn deposits_and_addresses() {
    let fixtures = Fixtures::cape();
    let deposit = fixtures.text("get_deposit", "composed");
    assert_eq!(answered(deposit, account::GetDeposit::by_id(456)).await, None);
    assert!(answered(deposit, account::GetDeposit::by_id(457)).await.unwrap().contains("id"));
    let list = format!("[{deposit}]");
    let all = account::ListDeposits::new;
    let txid = "4E5F1B3C9d2a7f60818293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8";
    assert_eq!(answered(&list, all().currency("btc").state("accepted").txid(txid)).await, None);
    for request in [all().currency("zar"), all().state("hold"), all().txid("4e5f")] {
        assert!(answered(&list, request).await.is_some());
    }
    let held = fixtures.text("submit_travel_rule", "composed");
    let mine = |id: u64| account::SubmitTravelRule::own_wallet(id, account::Keeper::owner());
    assert_eq!(answered(held, mine(456)).await, None);
    assert!(answered(held, mine(457)).await.unwrap().contains("id"));
    let address = fixtures.text("get_deposit_address", "composed");
    assert_eq!(answered(address, account::GetDepositAddress::new("btc")).await, None);
    for other in [address, fixtures.text("get_deposit_address", "legacy")] {
        let mismatch = answered(other, account::GetDepositAddress::new("eth")).await.unwrap();
        assert!(mismatch.contains("currency"), "{mismatch}");
    }
}

/// The documents' order, with one field replaced or removed.
fn order_with(name: &str, value: serde_json::Value) -> String {
    let fixtures = Fixtures::cape();
    let mut order: serde_json::Value =
        serde_json::from_str(fixtures.text("create_order", "response")).unwrap();
    match value {
        serde_json::Value::String(absent) if absent == "(absent)" => {
            order.as_object_mut().unwrap().remove(name);
        }
        value => order[name] = value,
    }
    order.to_string()
}

#[tokio::test]
async fn of_a_placed_order_every_field_that_was_fixed_is_compared() {
    let name = "302b0494-1a06-4089-846c-0c6b13f1b661";
    let create = || {
        let order = trading::CreateOrder::limit("btczar", Side::Sell, dec("0.00001"), dec("800000"));
        order.post_only(true).custom_order_id(name)
    };
    for (field, same, another) in [
        ("market", json!("btczar"), json!("ethzar")),
        ("side", json!("sell"), json!("buy")),
        ("ord_type", json!("limit"), json!("market")),
        ("origin_volume", json!("0.0000100"), json!("0.0001")),
        ("price", json!(800000.0), json!("800000.01")),
        ("post_only", json!(true), json!(false)),
        ("custom_order_id", json!(name), json!("302b0494-1a06-4089-846c-0c6b13f1b662")),
    ] {
        assert_eq!(answered(&order_with(field, same), create()).await, None, "{field}");
        let mismatch = answered(&order_with(field, another), create()).await.unwrap();
        assert!(mismatch.contains(field), "{mismatch}");
    }
    // A field that is missing or null is accepted.
    for field in ["price", "post_only", "custom_order_id"] {
        for value in [json!(null), json!("(absent)")] {
            assert_eq!(answered(&order_with(field, value), create()).await, None, "{field}");
        }
    }
    // A random name is compared like a given one.
    let unnamed = trading::CreateOrder::limit("btczar", Side::Sell, dec("0.00001"), dec("800000"));
    let strangers = order_with("custom_order_id", json!("of somebody else"));
    assert!(answered(&strangers, unnamed).await.unwrap().contains("custom_order_id"));
}

#[tokio::test]
async fn an_order_that_is_answered_as_rejected_was_refused() {
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(201).set_body_string(order_with("state", json!("reject")));
    Mock::given(any()).respond_with(answer).mount(&server).await;
    let credentials = Credentials::new("sandbox_x", "y").unwrap();
    let client =
        Client::builder(Environment::local(&server.uri()).unwrap()).credentials(credentials).build().unwrap();
    let order = trading::CreateOrder::limit("btczar", Side::Sell, dec("0.00001"), dec("800000"));
    let order = order.custom_order_id("302b0494-1a06-4089-846c-0c6b13f1b661");
    let error = client.send(order).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::Refused, Outcome::Refused), "{error}");
    assert!(
        error.body().is_some_and(|body| body.starts_with(b"{")),
        "the error keeps the answer with the order"
    );
}

/// The documents' first currency, with its type replaced.
fn coins_of(list: &str, kind: &str) -> serde_json::Value {
    let list: serde_json::Value = serde_json::from_str(list).unwrap();
    let mut currency = list[0].clone();
    currency["type"] = json!(kind);
    currency
}

#[tokio::test]
async fn a_filter_that_the_server_ignores_is_noticed() {
    let fixtures = Fixtures::cape();
    let orders = format!("[{}]", order_with("state", json!("wait")));
    let all = trading::ListOrders::new;
    assert_eq!(answered(&orders, all().side("sell").ord_type("limit").state("wait")).await, None);
    assert_eq!(answered(&orders, all().states(["done", "wait"])).await, None);
    assert!(answered(&orders, all().side("buy")).await.unwrap().contains("side"));
    assert!(answered(&orders, all().ord_type("market")).await.unwrap().contains("ord_type"));
    assert!(answered(&orders, all().state("done")).await.unwrap().contains("state"));
    assert!(answered(&orders, all().states(["done", "cancel"])).await.unwrap().contains("state"));
    let everything = trading::CancelOrders::everything;
    assert!(answered(&orders, everything().side("buy")).await.unwrap().contains("side"));
    assert_eq!(answered(&orders, everything().side("sell")).await, None);

    let markets = fixtures.text("list_markets", "response");
    assert!(
        answered(markets, public::ListMarkets::new().base_unit("xyz")).await.unwrap().contains("base_unit")
    );
    assert!(answered(markets, public::ListMarkets::new().quote_unit("xyz")).await.unwrap().contains("quote"));
    let coins = fixtures.text("list_currencies", "composed");
    let kind = |kind: &str| public::ListCurrencies::new().kind(kind);
    let [coin, fiat] = ["coin", "fiat"].map(|kind| format!("[{}]", coins_of(coins, kind)));
    assert!(answered(&coin, kind("fiat")).await.unwrap().contains("type"));
    assert!(answered(&fiat, kind("coin")).await.unwrap().contains("type"));
    assert_eq!(answered(&coin, kind("crypto")).await, None, "the documents' other word for a coin");
    let empty =
        r#"[{"currency":"zar","balance":"1","locked":"0"},{"currency":"btc","balance":"0","locked":"0"}]"#;
    assert!(answered(empty, account::ListBalances::new().nonzero(true)).await.unwrap().contains("nonzero"));
    assert_eq!(answered(empty, account::ListBalances::new().nonzero(false)).await, None);
}

#[tokio::test]
async fn a_balance_is_read_as_the_environment_says_that_the_server_means_it() {
    let server = MockServer::start().await;
    let balance = r#"{"currency":"zar","balance":"10","locked":"4"}"#;
    let list = format!("[{balance}]");
    let at = |path: &str, body: &str| {
        let answer = ResponseTemplate::new(200).set_body_string(body);
        Mock::given(wiremock::matchers::path(format!("/api/v2/atlas/account/{path}"))).respond_with(answer)
    };
    at("balances/zar", balance).mount(&server).await;
    at("balances", &list).mount(&server).await;
    at("balances/btc", r#"{"currency":"btc","balance":"1","locked":"4"}"#).mount(&server).await;
    for (meaning, available, total) in
        [(BalanceMeaning::Available, "10", "14"), (BalanceMeaning::Total, "6", "10")]
    {
        let environment = Environment::local(&server.uri()).unwrap().with_rest_balance(meaning);
        let credentials = Credentials::new("sandbox_x", "y").unwrap();
        let client = Client::builder(environment).credentials(credentials).build().unwrap();
        let one = client.send(account::GetBalance::new("zar")).await.unwrap();
        let all = client.send(account::ListBalances::new()).await.unwrap();
        assert_eq!((one.available(), one.total()), (dec(available), dec(total)));
        assert_eq!(all[0], one);
        let impossible = client.send(account::GetBalance::new("btc")).await;
        match meaning {
            BalanceMeaning::Available => assert_eq!(impossible.unwrap().total(), dec("5")),
            BalanceMeaning::Total => {
                let error = impossible.unwrap_err();
                assert!(
                    error.kind() == Kind::Decode && error.to_string().contains("rest_balance"),
                    "{error}"
                );
            }
        }
    }
}

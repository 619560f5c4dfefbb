//! Where the legacy profile differs.

use crate::client::{Exchange, limit, market, text};
use capecrypto_sandbox::{Profile, Sandbox};
use serde_json::json;
use std::time::Duration;

async fn legacy() -> Exchange {
    let pace = Duration::from_millis(20);
    Exchange::with(Sandbox::builder().profile(Profile::Legacy).publish_every(pace, pace)).await
}

#[tokio::test]
async fn websocket_messages_are_terse() {
    let exchange = legacy().await;
    let streams = "?stream=order&stream=trade&stream=balance";
    let mut maker =
        exchange.socket(&format!("/stream/private{streams}"), &exchange.signed("maker")).await.unwrap();
    let mut taker =
        exchange.socket(&format!("/stream/private{streams}"), &exchange.signed("taker")).await.unwrap();
    maker.until_confirmed().await;
    taker.until_confirmed().await;
    let mut order = limit("sell", "0.001", "800000");
    order["custom_order_id"] = json!("mine");
    let id = exchange.place("maker", order).await;
    let pending = maker.next_of("order").await;
    let seconds = pending["at"].as_i64().unwrap();
    assert!(seconds < 10_000_000_000);
    assert_eq!(
        pending,
        json!({
            "at": seconds, "avg_price": "0.0", "created_at": seconds, "executed_volume": "0.0", "id": id, "kind": "ask",
            "market": "btczar", "ord_type": "limit", "origin_volume": "0.001", "price": "800000.0",
            "remaining_volume": "0.001", "side": "sell", "state": "pending", "trades_count": 0,
            "updated_at": pending["updated_at"]
        })
    );
    assert_eq!(
        maker.next_of("balance").await,
        json!({"balance": "99.999", "currency_id": "btc", "locked": "0.001"}),
        "the balance is what is available"
    );
    exchange.place("taker", market("buy", "0.001")).await;
    let trade = maker.next_of("trade").await;
    assert!(trade["created_at"].as_i64().unwrap() >= seconds);
    assert_eq!(
        trade,
        json!({
            "amount": "0.001", "created_at": trade["created_at"], "id": 1, "market": "btczar", "order_id": id,
            "price": "800000.0", "side": "sell", "taker_type": "buy", "total": "800.0"
        })
    );
    // A market order has no event before `done`.
    assert_eq!(taker.next_of("order").await["state"], "done");
}

#[tokio::test]
async fn self_trades_are_allowed_and_told_twice() {
    let exchange = legacy().await;
    let mut socket =
        exchange.socket("/stream/private?stream=trade", &exchange.signed("maker")).await.unwrap();
    socket.until_confirmed().await;
    let resting = exchange.place("maker", limit("sell", "0.001", "800000")).await;
    let taking = exchange.place("maker", limit("buy", "0.001", "800000")).await;
    exchange.order_in("maker", taking, |state| state == "done").await;
    let (one, other) = (socket.next().await, socket.next().await);
    assert_eq!(one, other, "both are the maker's view");
    assert_eq!((one.1["order_id"].as_u64(), &one.1["side"]), (Some(resting), &json!("sell")));
    assert_eq!(exchange.balance("maker", "btc").await.0, "99.999998", "both fees are paid");
    assert_eq!(exchange.balance("maker", "zar").await.0, "49999999.2");
    assert_eq!(exchange.get_as("maker", "/market/trades").await.expect(200).as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn times_are_seconds_and_shapes_are_older() {
    let exchange = legacy().await;
    let mut untyped = limit("sell", "0.001", "800000");
    untyped.as_object_mut().unwrap().remove("ord_type");
    let id = exchange.place("maker", untyped).await;
    exchange.place("taker", market("buy", "0.0001")).await;
    let order = exchange.order_in("maker", id, |_| true).await;
    assert!(order.get("post_only").is_none() && order.get("custom_order_id").is_none());
    assert!(text(&order["created_at"]).ends_with('Z'));
    assert!(order["trades"][0].get("fee").is_none(), "an order's trades have no fees");
    let at: jiff::Timestamp = order["created_at"].as_str().unwrap().parse().unwrap();
    let count = async |query: String| {
        let list = exchange.get_as("maker", &format!("/market/orders?{query}")).await.expect(200);
        list.as_array().unwrap().len()
    };
    assert_eq!(count(format!("time_from={}", at.as_second())).await, 1, "the start belongs to the span");
    assert_eq!(count(format!("time_from={}", at.as_second() + 1)).await, 0);
    assert_eq!(count(format!("time_to={}", at.as_second())).await, 0, "the end does not");
    assert_eq!(
        count(format!("time_from={}", at.as_millisecond())).await,
        0,
        "milliseconds are far in the future"
    );

    let trades = exchange.get("/public/markets/btczar/trades?page=7&order_by=odd").await.expect(200);
    assert!(trades[0]["created_at"].is_i64(), "page and order are ignored, times are numbers");
    let single = exchange.get("/public/markets/btczar/tickers").await.expect(200);
    assert!(single["at"].is_string() && single["ticker"].get("at").is_none());
    assert_eq!(single["ticker"]["vol"], single["ticker"]["volume"]);
    let all = exchange.get("/public/markets/tickers").await.expect(200);
    assert!(all["btczar"]["ticker"]["at"].is_string() && all["btczar"]["ticker"].get("vol").is_none());
    let refusal = exchange.get_as("maker", "/account/balances?limit=0").await.refusal();
    assert_eq!(refusal, "422 admin.pagination.invalid_limit");
    let refusal = exchange.post_as("maker", "/market/orders/cancel", &json!({"side": "x"})).await.refusal();
    assert_eq!(refusal, "422 value");
}

#[tokio::test]
async fn bare_names_subscribe_to_nothing_and_a_long_replay_kills() {
    let exchange = legacy().await;
    let mut socket = exchange.public("?stream=btczar.trades&ethzar.trades").await;
    assert_eq!(socket.until_confirmed().await.1, ["btczar.trades"]);
    for step in 0..260 {
        let order = limit("sell", "0.001", &format!("{}", 800_000 + step));
        exchange.post_as("maker", "/market/orders", &order).await.expect(201);
    }
    let mut killed = exchange.public("?stream=btczar.ob-inc").await;
    assert_eq!(killed.text().await, None, "a replay of more than 256 frames drops the connection");
    exchange.control.advance_clock(61_000);
    exchange.place("maker", limit("sell", "0.001", "900000")).await;
    exchange.public("?stream=btczar.ob-inc").await.until_confirmed().await;
}

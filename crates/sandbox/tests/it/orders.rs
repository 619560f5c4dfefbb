//! Orders, from the request to their end.

use crate::client::{API, Exchange, limit, market, text};
use rust_decimal::Decimal;
use serde_json::{Value, json};

#[tokio::test]
async fn a_limit_order_rests_trades_and_pays_fees_from_income() {
    let exchange = Exchange::start().await;
    let mut order = limit("sell", "0.001", "800000");
    order["custom_order_id"] = json!("302b0494-1a06-4089-846c-0c6b13f1b661");
    let answer = exchange.post_as("maker", "/market/orders", &order).await.expect(201);
    assert_eq!(answer["state"], "pending");
    assert_eq!(answer["price"], "800000.0");
    assert_eq!(answer["avg_price"], "0.0");
    assert_eq!(answer["remaining_volume"], answer["origin_volume"]);
    assert_eq!(answer["custom_order_id"], order["custom_order_id"]);
    assert!(answer.get("trades").is_none());
    let id = answer["id"].as_u64().unwrap();
    exchange.order_in("maker", id, |state| state == "wait").await;
    assert_eq!(exchange.balance("maker", "btc").await, ("99.999".into(), "0.001".into()));

    // The limit is above the resting order's price: it trades at the maker's price, and the rest of the lock is released.
    let bought = exchange.place("taker", limit("buy", "0.0004", "805000")).await;
    let done = exchange.order_in("taker", bought, |state| state == "done").await;
    assert_eq!(done["avg_price"], "800000.0");
    assert_eq!(done["executed_volume"], "0.0004");
    assert_eq!(done["trades"][0]["fee"], "0.002");
    assert_eq!(done["trades"][0]["fee_amount"], "0.0000008");
    assert_eq!(done["trades"][0]["fee_currency"], "btc");
    assert_eq!(exchange.balance("taker", "btc").await, ("100.0003992".into(), "0.0".into()));
    assert_eq!(exchange.balance("taker", "zar").await, ("49999680.0".into(), "0.0".into()));
    assert_eq!(exchange.balance("maker", "zar").await, ("50000319.68".into(), "0.0".into()));
    assert_eq!(exchange.balance("maker", "btc").await, ("99.999".into(), "0.0006".into()));

    let maker = exchange.order_in("maker", id, |_| true).await;
    assert_eq!((maker["state"].as_str(), maker["trades_count"].as_u64()), (Some("wait"), Some(1)));
    let by_uuid = format!("/market/orders/{}", text(&maker["uuid"]));
    assert_eq!(exchange.get_as("maker", &by_uuid).await.expect(200), maker);

    // The answer to a cancellation shows the order before it is cancelled.
    let shown = exchange.post_as("maker", &format!("/market/orders/{id}/cancel"), &json!({})).await;
    assert_eq!(shown.expect(201)["state"], "wait");
    let ended = exchange.order_in("maker", id, |state| state == "cancel").await;
    assert_eq!(ended["remaining_volume"], "0.0006");
    assert_eq!(exchange.balance("maker", "btc").await, ("99.9996".into(), "0.0".into()));
    let again = exchange.post_as("maker", &format!("{by_uuid}/cancel"), &json!({})).await.expect(201);
    assert_eq!(again["state"], "cancel", "a final order stays as it is, without an error");

    let ledger = exchange.control.ledger();
    assert!(ledger.sums_to_zero);
    assert_eq!(ledger.entry("fees", "zar").unwrap().available, Decimal::new(32, 2));
    assert_eq!(ledger.entry("fees", "btc").unwrap().available, Decimal::new(8, 7));
}

#[tokio::test]
async fn market_orders_lock_more_than_they_need_and_end_where_the_lock_does() {
    let exchange = Exchange::start().await;
    exchange.place("maker", limit("sell", "10", "1000000")).await;
    exchange.place("maker", limit("sell", "50", "1200000")).await;
    exchange.control.pause_matching();
    let bought = exchange.post_as("taker", "/market/orders", &market("buy", "1")).await.expect(201);
    assert_eq!(bought["price"], Value::Null);
    assert_eq!(exchange.balance("taker", "zar").await.1, "1100000.0", "ten per cent over the estimate");
    exchange.control.resume_matching();
    exchange.order_in("taker", bought["id"].as_u64().unwrap(), |state| state == "done").await;
    assert_eq!(exchange.balance("taker", "zar").await, ("49000000.0".into(), "0.0".into()));
    // More than its balance can buy: the whole balance is locked, and the order ends when that is used.
    let id = exchange.place("taker", market("buy", "45")).await;
    let ended = exchange.order_in("taker", id, |state| state == "cancel").await;
    assert_eq!(ended["executed_volume"], "42.33333333");
    let (available, locked) = exchange.balance("taker", "zar").await;
    assert_eq!((available.as_str(), locked.as_str()), ("0.004", "0.0"));
    let refused = exchange.post_as("taker", "/market/orders", &market("buy", "46")).await;
    assert_eq!(refused.refusal(), "422 market.order.insufficient_market_liquidity");
    exchange.place("merchant", limit("buy", "1", "900000")).await;
    let sold = exchange.place("taker", market("sell", "0.5")).await;
    assert_eq!(exchange.order_in("taker", sold, |state| state == "done").await["avg_price"], "900000.0");
    assert!(exchange.control.ledger().sums_to_zero);
}

#[tokio::test]
async fn refusals_come_in_order_and_change_nothing() {
    let exchange = Exchange::start().await;
    exchange.place("maker", limit("sell", "0.1", "800000")).await;
    let before = exchange.control.ledger();
    let good = limit("buy", "0.001", "700000");
    let with = |key: &str, value: Value| {
        let mut order = good.clone();
        order[key] = value;
        order
    };
    let without = |key: &str| {
        let mut order = good.clone();
        order.as_object_mut().unwrap().remove(key);
        order
    };
    let volume_not_a_number = "422 market.order.non_decimal_volume,market.order.non_positive_volume";
    for (order, refusal) in [
        (without("market"), "422 market.order.missing_market,market.market.doesnt_exist_or_not_enabled"),
        (without("side"), "422 market.order.missing_side,market.order.invalid_side"),
        (without("volume"), "422 market.order.missing_volume,market.order.non_positive_volume"),
        (without("price"), "422 market.order.missing_price,market.order.non_positive_price"),
        (without("ord_type"), "422 market.order.invalid_type"),
        (with("market", json!("BTCZAR")), "422 market.market.doesnt_exist_or_not_enabled"),
        (with("market", json!(7)), "422 market.market.doesnt_exist_or_not_enabled"),
        (with("side", json!("Buy")), "422 market.order.invalid_side"),
        (with("volume", json!("a lot")), volume_not_a_number),
        (with("volume", json!([1])), volume_not_a_number),
        (with("volume", json!("")), volume_not_a_number),
        (with("volume", json!("-1")), "422 market.order.non_positive_volume"),
        (with("volume", json!(0)), "422 market.order.non_positive_volume"),
        (with("price", json!("1,5")), "422 market.order.non_decimal_price,market.order.non_positive_price"),
        (with("price", json!("-0.5")), "422 market.order.non_positive_price"),
        (with("ord_type", json!("stop")), "422 market.order.invalid_type"),
        (with("ord_type", json!("market")), "422 market.order.market_order_price"),
        (with("post_only", json!("maybe")), "422 sandbox.order.invalid_post_only"),
        (with("custom_order_id", json!("")), "422 sandbox.order.invalid_custom_order_id"),
        (with("custom_order_id", json!("x".repeat(256))), "422 sandbox.order.invalid_custom_order_id"),
        // The balance is checked before the precision, and both before a match.
        (with("volume", json!("100000.000000001")), "422 market.account.insufficient_balance"),
        (with("volume", json!("1e27")), "422 market.account.insufficient_balance"),
        (with("volume", json!("0.000000001")), "422 market.order.invalid_volume_or_price"),
        (with("volume", json!("0.000009")), "422 market.order.invalid_volume_or_price"),
        (
            with("volume", json!("0.0010000000000000000000000000001")),
            "422 market.order.invalid_volume_or_price",
        ),
        (with("price", json!("700000.001")), "422 market.order.invalid_volume_or_price"),
        (with("price", json!("199999.99")), "422 market.order.invalid_volume_or_price"),
        (with("price", json!("1200000.01")), "422 market.order.invalid_volume_or_price"),
    ] {
        let answer = exchange.post_as("taker", "/market/orders", &order).await;
        assert_eq!(answer.refusal(), refusal, "{order}");
    }
    let mut crossing = with("price", json!("800000"));
    crossing["post_only"] = json!(true);
    let answer = exchange.post_as("taker", "/market/orders", &crossing).await;
    assert_eq!(answer.refusal(), "422 sandbox.order.post_only_would_match");
    let mut null_price = market("buy", "0.001");
    null_price["price"] = Value::Null;
    let answer = exchange.post_as("taker", "/market/orders", &null_price).await;
    assert_eq!(answer.refusal(), "422 market.order.market_order_price");
    null_price["post_only"] = json!(true);
    let answer = exchange.post_as("taker", "/market/orders", &null_price).await;
    assert_eq!(answer.refusal(), "422 sandbox.order.post_only_needs_limit");
    assert_eq!(exchange.control.ledger(), before);
    assert_eq!(exchange.get_as("taker", "/market/orders").await.expect(200), json!([]));
}

#[tokio::test]
async fn decimals_come_as_text_number_or_form() {
    let exchange = Exchange::start().await;
    let json = ("Content-Type".to_owned(), "application/json".to_owned());
    let form = ("Content-Type".to_owned(), "application/x-www-form-urlencoded".to_owned());
    for (kind, body) in [
        (&json, r#"{"market":"btczar","side":"buy","volume":1.0e-5,"ord_type":"limit","price":700000.10}"#),
        (
            &json,
            r#"{"market":"btczar","side":"buy","volume":"0.0000100","ord_type":"limit","price":"700000.1"}"#,
        ),
        (&form, "market=btczar&side=buy&volume=0.00001&ord_type=limit&price=700000.1"),
    ] {
        for prefix in [API, "/api/v2/trade", "/api/v2"] {
            let mut headers = exchange.signed("taker");
            headers.push(kind.clone());
            let target = format!("{prefix}/market/orders");
            let answer = exchange.send("POST", &target, &headers, body.as_bytes()).await.unwrap();
            let order = answer.expect(201);
            assert_eq!([&order["volume"], &order["price"]], [&Value::Null, &json!("700000.1")]);
            assert_eq!(order["origin_volume"], "0.00001", "{body}");
        }
    }
}

#[tokio::test]
async fn ids_are_numbers_or_uuids_and_only_ones_own() {
    let exchange = Exchange::start().await;
    let id = exchange.place("maker", limit("sell", "0.001", "800000")).await;
    let uuid = text(&exchange.order_in("maker", id, |_| true).await["uuid"]);
    for (name, id, refusal) in [
        ("maker", "abc".to_owned(), "422 market.order.invaild_id_or_uuid"),
        ("maker", "-1".to_owned(), "422 market.order.invaild_id_or_uuid"),
        ("maker", "1.0".to_owned(), "422 market.order.invaild_id_or_uuid"),
        ("maker", "..".to_owned(), "422 market.order.invaild_id_or_uuid"),
        ("maker", uuid.replace('-', ""), "422 market.order.invaild_id_or_uuid"),
        ("maker", "99".to_owned(), "404 record.not_found"),
        ("maker", "9".repeat(60), "404 record.not_found"),
        ("maker", "00000000-0000-4000-8000-000000000000".to_owned(), "404 record.not_found"),
        ("taker", id.to_string(), "404 record.not_found"),
        ("taker", uuid.clone(), "404 record.not_found"),
    ] {
        let get = exchange.get_as(name, &format!("/market/orders/{id}")).await;
        assert_eq!(get.refusal(), refusal, "{name} {id}");
        let cancel = exchange.post_as(name, &format!("/market/orders/{id}/cancel"), &json!({})).await;
        assert_eq!(cancel.refusal(), refusal, "{name} {id}");
    }
    exchange.order_in("maker", id, |state| state == "wait").await;
}

#[tokio::test]
async fn cancel_all_takes_only_what_it_is_told() {
    let exchange = Exchange::start().await;
    let sell = exchange.place("maker", limit("sell", "0.001", "800000")).await;
    let buy = exchange.place("maker", limit("buy", "0.001", "700000")).await;
    let mut other = limit("buy", "0.1", "20000");
    other["market"] = json!("ethzar");
    let other = exchange.place("maker", other).await;
    let foreign = exchange.place("taker", limit("buy", "0.001", "700000")).await;
    let cancel = async |body: Value| exchange.post_as("maker", "/market/orders/cancel", &body).await;
    assert_eq!(cancel(json!({"market": "x"})).await.refusal(), "422 market.market.doesnt_exist");
    assert_eq!(cancel(json!({"side": "x"})).await.refusal(), "422 market.order.invalid_side");
    let shown = cancel(json!({"market": "btczar", "side": "sell"})).await.expect(201);
    assert_eq!((shown[0]["id"].as_u64(), shown[0]["state"].as_str()), (Some(sell), Some("wait")));
    assert_eq!(shown.as_array().unwrap().len(), 1);
    let shown = cancel(json!({})).await.expect(201);
    let ids: Vec<_> = shown.as_array().unwrap().iter().map(|order| order["id"].as_u64().unwrap()).collect();
    assert_eq!(ids, [buy, other]);
    for id in [sell, buy, other] {
        exchange.order_in("maker", id, |state| state == "cancel").await;
    }
    exchange.order_in("taker", foreign, |state| state == "wait").await;
    assert_eq!(cancel(json!({})).await.expect(201), json!([]));
}

#[tokio::test]
async fn nobody_trades_with_itself_in_docs() {
    let exchange = Exchange::start().await;
    let own = exchange.place("maker", limit("sell", "0.002", "800000")).await;
    let taken = exchange.place("maker", limit("buy", "0.001", "800000")).await;
    let refused = exchange.order_in("maker", taken, |state| state != "wait").await;
    assert_eq!(refused["state"], "reject", "without a fill it is rejected");
    exchange.place("taker", limit("sell", "0.001", "790000")).await;
    let taken = exchange.place("maker", limit("buy", "0.003", "810000")).await;
    let ended = exchange.order_in("maker", taken, |state| state != "wait").await;
    assert_eq!(ended["state"], "cancel", "with a fill it is cancelled");
    assert_eq!(ended["executed_volume"], "0.001");
    let resting = exchange.order_in("maker", own, |_| true).await;
    assert_eq!(resting["remaining_volume"], "0.002", "the resting order stays");
    assert_eq!(exchange.balance("maker", "zar").await.1, "0.0");
}

#[tokio::test]
async fn pending_orders_show_while_matching_is_paused() {
    let exchange = Exchange::start().await;
    exchange.control.pause_matching();
    let order = exchange.post_as("maker", "/market/orders", &limit("sell", "0.001", "800000")).await;
    let id = order.expect(201)["id"].as_u64().unwrap();
    let mut crossing = limit("buy", "0.001", "800000");
    crossing["post_only"] = json!(true);
    // The order is not in the book yet, so a post-only order is accepted now and rejected when it is carried out.
    let late = exchange.post_as("taker", "/market/orders", &crossing).await.expect(201)["id"].as_u64();
    assert_eq!(exchange.order_in("maker", id, |_| true).await["state"], "pending");
    assert_eq!(exchange.post_as("maker", "/market/orders/cancel", &json!({})).await.expect(201), json!([]));
    exchange.control.lose_pending_cancels(true);
    let shown = exchange.post_as("maker", &format!("/market/orders/{id}/cancel"), &json!({})).await;
    assert_eq!(shown.expect(201)["state"], "pending");
    exchange.control.resume_matching();
    exchange.order_in("taker", late.unwrap(), |state| state == "reject").await;
    assert_eq!(exchange.order_in("maker", id, |_| true).await["state"], "wait", "the cancellation was lost");
}

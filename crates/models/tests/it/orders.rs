use capecrypto_models::{Decimal, Order, OrderState, OrderType, Side, Trade};
use serde_json::{Value, json};

fn sample() -> Value {
    json!({
        "id": 173757, "uuid": "7e86a4fa-fcae-4953-b9bc-d6f328beea48", "side": "sell", "ord_type": "limit",
        "price": "800000.0", "avg_price": "0.0", "state": "wait", "market": "btczar",
        "created_at": "2023-12-08T08:46:59+01:00", "updated_at": "2023-12-08T08:46:59+01:00",
        "origin_volume": "0.00003", "remaining_volume": "0.00002", "executed_volume": "0.00001",
        "trades_count": 1, "custom_order_id": "302b0494-1a06-4089-846c-0c6b13f1b661"
    })
}

fn read(value: &Value) -> Order {
    serde_json::from_str(&value.to_string()).unwrap_or_else(|error| panic!("{value}: {error}"))
}

fn with(change: impl FnOnce(&mut Value)) -> Order {
    let mut value = sample();
    change(&mut value);
    read(&value)
}

#[test]
fn the_documented_order_reads_and_counts() {
    let order = read(&sample());
    assert_eq!(order.price, Some(Decimal::from(800_000)));
    assert_eq!(order.key().unwrap().as_str(), "173757");
    assert!(order.is_named(&"302b0494-1a06-4089-846c-0c6b13f1b661".parse().unwrap()));
    assert_eq!(order.filled_fraction().unwrap().round_dp(4), Decimal::new(3333, 4));
    assert!(order.is_open() && !order.is_final());
    assert_eq!(with(|v| v["origin_volume"] = json!("0")).filled_fraction(), None);
}

#[test]
fn states_known_and_unknown() {
    for (text, open, is_final) in [
        ("pending", true, false),
        ("wait", true, false),
        ("done", false, true),
        ("cancel", false, true),
        ("reject", false, true),
    ] {
        let state = OrderState::from(text);
        assert!(state == text && state != "another");
        assert_eq!((state.is_open(), state.is_final(), state.is_known()), (open, is_final, true), "{text}");
    }
    for json in ["\"failed\"", "\"Failed\"", "\"WAIT\"", "7", "-3", "18446744073709551615"] {
        let state: OrderState = serde_json::from_str(json).unwrap();
        assert!(!state.is_known() && !state.is_open() && !state.is_final(), "{json}");
        assert_eq!(serde_json::to_string(&state).unwrap(), json, "kept byte for byte, numbers as numbers");
    }
    assert!(serde_json::from_str::<OrderState>("null").is_err());
}

#[test]
fn sides_read_the_streams_words_too() {
    assert_eq!(Side::from("bid"), Side::Buy);
    assert_eq!(Side::from("ask"), Side::Sell);
    assert_eq!(OrderType::KNOWN, ["limit", "market"]);
}

#[test]
fn an_order_without_a_number_is_named_by_its_uuid() {
    let order = with(|v| v["id"] = Value::Null);
    assert_eq!(order.id, None);
    assert_eq!(order.key().unwrap().as_str(), "7e86a4fa-fcae-4953-b9bc-d6f328beea48");
    let order = with(|v| {
        v.as_object_mut().unwrap().remove("id");
        v.as_object_mut().unwrap().remove("uuid");
    });
    assert_eq!(order.key(), None);
    assert_eq!(with(|v| v["id"] = json!("173757")).id.unwrap().get(), 173_757);
}

#[test]
fn a_market_orders_price_is_null_and_optional_fields_may_be_missing() {
    let order = with(|v| {
        v["price"] = Value::Null;
        for optional in ["uuid", "custom_order_id", "avg_price", "trades_count"] {
            v.as_object_mut().unwrap().remove(optional);
        }
    });
    assert_eq!((order.price, order.avg_price, order.trades_count), (None, None, None));
    assert_eq!(with(|v| v["trades"] = Value::Null).trades, []);
    let empty = with(|v| {
        v["uuid"] = json!("");
        v["custom_order_id"] = json!("");
        v["trades"] =
            json!([{"id":7,"price":"1","amount":"2","market":"btczar","created_at":1,"fee_currency":""}]);
    });
    assert_eq!((empty.uuid, empty.custom_order_id, &empty.trades[0].fee_currency), (None, None, &None));
    assert_eq!(with(|v| v["post_only"] = json!("true")).post_only, Some(true));
    assert_eq!(with(|v| v["custom_order_id"] = json!(42)).custom_order_id.unwrap(), "42");
    assert_eq!(with(|v| v["a_field_of_next_year"] = json!({"x": []})), read(&sample()));
}

#[test]
fn the_older_streams_order_reads() {
    let frame = r#"{"at":1700000000,"avg_price":"0.0","created_at":1700000000,"executed_volume":"0.0","id":22,"kind":"ask",
        "market":"btczar","ord_type":"limit","origin_volume":"0.001","price":"800000.0","remaining_volume":"0.001",
        "side":"sell","state":"wait","trades_count":0,"updated_at":1700000000}"#;
    let order: Order = serde_json::from_str(frame).unwrap();
    assert_eq!((order.uuid.clone(), order.created_at.as_unix_seconds()), (None, 1_700_000_000));
}

#[test]
fn trades_with_and_without_fees() {
    let trade: Trade = serde_json::from_str(
        r#"{"id":"12345","order_id":173757,"price":"800000.0","amount":"0.00001","total":"8.0","market":"btczar","side":"sell",
        "taker_type":"buy","fee_currency":"zar","fee":"0.002","fee_amount":"0.016","created_at":"2023-12-08T08:47:01+01:00","custom_order_id":7}"#,
    )
    .unwrap();
    assert_eq!(trade.id.number(), Some(12_345));
    assert_eq!(trade.fee_amount, Some(Decimal::new(16, 3)));
    assert_eq!(trade.is_maker(), Some(true));
    assert_eq!(trade.custom_order_id.as_deref(), Some("7"));
    let order = with(|v| {
        v["trades"] = json!([{"id":7,"price":"1","amount":2,"total":"2.0","market":"btczar","created_at":1700000001,"taker_type":"sell","side":"sell"}]);
    });
    assert_eq!(order.trades[0].is_maker(), Some(false));
    assert_eq!((&order.trades[0].fee, &order.trades[0].order_id), (&None, &None));
}

#[test]
fn a_side_that_is_not_known_makes_nobody_the_maker() {
    let trade = |side: &str, taker: &str| {
        let json = format!(
            r#"{{"id":1,"market":"btczar","price":"1","amount":"1",{side}"taker_type":{taker},"created_at":1702021619}}"#
        );
        serde_json::from_str::<Trade>(&json).unwrap().is_maker()
    };
    for taker in ["\"\"", "\"BUY\"", "\"maker\"", "7", "null"] {
        assert_eq!(trade("\"side\":\"buy\",", taker), None, "{taker}");
    }
    for side in ["\"side\":\"\",", "\"side\":\"Buy\",", "\"side\":null,", ""] {
        assert_eq!(trade(side, "\"buy\""), None, "{side}");
    }
    assert_eq!(trade("\"side\":\"\",", "\"\""), None, "two unknown words that are the same");
    assert_eq!(
        (trade("\"side\":\"bid\",", "\"ask\""), trade("\"side\":\"ask\",", "\"sell\"")),
        (Some(true), Some(false))
    );
}

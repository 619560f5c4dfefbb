//! The place of an error, compared with a reader that keeps the path.

use capecrypto_models::{
    Balance, Candle, Currency, DepositMethod, Depth, Market, Order, PublicTrade, Tickers, Trade, Transaction,
    json_path,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The path that was found, and that of the other reader; `None` if the text can be read.
fn paths<T: DeserializeOwned>(text: &str) -> Option<(String, String)> {
    let error = serde_json::from_str::<T>(text).err()?;
    let found = json_path::of(text, &error, |text| serde_json::from_str::<T>(text).err());
    let mut json = serde_json::Deserializer::from_str(text);
    let wanted = match serde_path_to_error::deserialize::<_, T>(&mut json) {
        Ok(_) => ".".to_owned(),
        Err(error) => {
            let path = error.path().to_string();
            let path = path.trim_end_matches("$serde_json::private::RawValue").trim_end_matches('.');
            if path.is_empty() { ".".to_owned() } else { path.to_owned() }
        }
    };
    Some((found, wanted))
}

/// All texts with one change: a value is replaced or left out.
fn changed(value: &Value) -> Vec<Value> {
    let odd = [
        json!(null),
        json!(true),
        json!(-1),
        json!(1.5),
        json!("canary"),
        json!(""),
        json!([]),
        json!([1]),
        json!({}),
        json!({"a": 1}),
    ];
    let mut all: Vec<Value> = odd.to_vec();
    match value {
        Value::Array(elements) => {
            for at in 0..elements.len() {
                let with = |new: Option<Value>| {
                    let mut elements = elements.clone();
                    match new {
                        Some(new) => elements[at] = new,
                        None => drop(elements.remove(at)),
                    }
                    Value::Array(elements)
                };
                all.push(with(None));
                all.extend(changed(&elements[at]).into_iter().map(|new| with(Some(new))));
            }
        }
        Value::Object(members) => {
            for key in members.keys() {
                let with = |new: Option<Value>| {
                    let mut members = members.clone();
                    match new {
                        Some(new) => drop(members.insert(key.clone(), new)),
                        None => drop(members.remove(key)),
                    }
                    Value::Object(members)
                };
                all.push(with(None));
                all.extend(changed(&members[key]).into_iter().map(|new| with(Some(new))));
            }
        }
        _ => {}
    }
    all
}

fn compare<T: DeserializeOwned>(good: &Value) {
    let name = std::any::type_name::<T>();
    let read = serde_json::from_str::<T>(&good.to_string());
    assert!(read.is_ok(), "{name}: {:?}", read.err());
    let mut errors = 0;
    for changed in changed(good) {
        for text in [changed.to_string(), format!(" {} ", serde_json::to_string_pretty(&changed).unwrap())] {
            let Some((found, wanted)) = paths::<T>(&text) else { continue };
            // The other reader does not know keys that are read as ids.
            if wanted.contains('?') {
                continue;
            }
            assert_eq!(found, wanted, "{name}: {:?} in {text}", serde_json::from_str::<T>(&text).err());
            errors += 1;
        }
    }
    assert!(errors > 0, "{name}");
}

#[test]
fn every_change_of_every_model_has_the_same_path_as_with_the_other_reader() {
    let trade = json!({"id": 3, "price": "1", "amount": "2", "total": "2", "market": "btczar", "created_at": "2023-12-08T08:46:59Z", "side": "buy", "order_id": 7});
    let order = json!({
        "id": 7, "uuid": "7e86a4fa-fcae-4953-b9bc-d6f328beea48", "market": "btczar", "side": "buy", "ord_type": "limit",
        "price": "1", "avg_price": "0", "state": "wait", "created_at": "2023-12-08T08:46:59Z",
        "updated_at": 1702021619, "origin_volume": "1", "remaining_volume": "1", "executed_volume": "0",
        "trades_count": 1, "post_only": true, "custom_order_id": "a", "trades": [trade, trade],
    });
    compare::<Vec<Order>>(&json!([order, order]));
    compare::<Order>(&order);
    compare::<Trade>(&trade);
    compare::<Vec<PublicTrade>>(&json!([trade, trade]));
    let candle = json!([1_700_000_000, "1", "2", "1", "2", "3"]);
    compare::<Candle>(&candle);
    compare::<Vec<Candle>>(&json!([candle, candle]));
    compare::<Depth>(&json!({"timestamp": 1, "asks": [["1", "2"], ["3", "4"]], "bids": [["1", "2"]]}));
    let ticker = json!({"at": 1_612_345_678, "ticker": {"low": "1", "high": "2", "price_change_percent": "+1%", "vol": "3"}});
    compare::<Tickers>(&json!({"btczar": ticker, "ethzar": ticker}));
    compare::<Tickers>(&json!([ticker, ticker]));
    compare::<Balance>(
        &json!({"currency": "zar", "balance": "2", "locked": "1", "available": "1", "updated_at": 1}),
    );
    compare::<Market>(&json!({
        "id": "btczar", "name": "BTC/ZAR", "base_unit": "btc", "quote_unit": "zar", "min_price": "1", "max_price": "0",
        "min_amount": "0.00001", "amount_precision": 8, "price_precision": 2, "state": "enabled",
    }));
    compare::<Currency>(&json!({
        "id": "btc", "name": "Bitcoin", "type": "coin", "precision": 8, "deposit_enabled": true,
        "withdrawal_enabled": true, "base_factor": 1, "position": 1, "min_confirmations": 1,
    }));
    compare::<Transaction>(&json!({
        "id": 1, "type": "deposit", "credit_amount": "1", "credit_currency": "btc", "created_at": 1, "voucher_pin": "x",
    }));
    compare::<Vec<DepositMethod>>(&json!([{
        "uuid": "5a1c1f0e", "name": "x", "currencyId": "zar", "minAmount": 1, "remainingLimits": {"day": 1, "week": 2},
    }]));
}

#[test]
fn plain_types_and_broken_texts_have_the_same_path() {
    type Plain = BTreeMap<String, Vec<(u64, String, Option<bool>)>>;
    compare::<Plain>(&json!({"a": [[1, "x", true], [2, "y", null]], "b": [], "c]}\"": [[3, "z", false]]}));
    let good = r#"{"a":[[1,"x",true],[2,"y",null]],"b":[],"c":[[3,"z",false]]}"#;
    for end in 0..good.len() {
        let cut = good.get(..end).unwrap();
        let (found, wanted) = paths::<Plain>(cut).unwrap();
        // Whether a value at the end of a text is complete, or only what holds it is not, makes no difference to a reader.
        let wanted = wanted.trim_end_matches(['?', '.']);
        assert!(found.starts_with(wanted), "{found} and {wanted} in {cut}");
    }
}

#[test]
fn any_text_has_a_path() {
    for text in [
        "",
        "}",
        "]]",
        "{",
        "[",
        ",",
        ":",
        "\"",
        "\\",
        "{]",
        "[}",
        "{\"a\":1,,",
        "nul",
        "\u{feff}[]",
        "[1 2]",
        "{\"a\" 1}",
        "\n\n[\n1,\n",
    ] {
        assert!(paths::<Vec<u64>>(text).is_some(), "{text}");
    }
    let deep = "[".repeat(100_000);
    assert!(paths::<Value>(&deep).is_some());
}

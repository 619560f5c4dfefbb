use capecrypto_models::{Arg, CustomOrderId, MarketId, OrderId, OrderKey, OrderUuid, TradeId, Uid};
use proptest::prelude::*;

#[test]
fn ids_hold_what_cannot_change_a_path() {
    let longest = "a".repeat(64);
    for good in ["btczar", "CCT1234567", "7e86a4fa-fcae-4953-b9bc-d6f328beea48", "a_b", "0", &longest] {
        assert_eq!(good.parse::<OrderKey>().unwrap().as_str(), good);
    }
    let too_long = "a".repeat(65);
    for bad in [
        "", ".", "..", "%2e%2e", "1\n2", "a/b", "a?b", "a#b", "a\\b", "a b", "a%", "é", "a\0", "a;b",
        &too_long,
    ] {
        let refusal = bad.parse::<OrderKey>().unwrap_err();
        assert!(!refusal.why().is_empty() && refusal.remedy().contains("1 to 64"), "{refusal}");
    }
    let flood = "/".repeat(10_000);
    assert!(flood.parse::<MarketId>().unwrap_err().to_string().len() < 300);
}

#[test]
fn numbers_are_numbers() {
    assert_eq!(serde_json::from_str::<OrderId>("7").unwrap(), OrderId::new(7));
    assert_eq!("18446744073709551615".parse::<OrderId>().unwrap().get(), u64::MAX);
    for bad in ["-1", "+1", "1.5", "", "18446744073709551616", " 1", "0x1"] {
        assert!(bad.parse::<OrderId>().is_err(), "{bad}");
    }
    for bad in ["-1", "1.5", "null", "\"\"", "18446744073709551616", "[1]"] {
        assert!(serde_json::from_str::<OrderId>(bad).is_err(), "{bad}");
    }
}

#[test]
fn text_ids_written_as_numbers_are_read() {
    assert_eq!(serde_json::from_str::<Uid>("1234567").unwrap(), "1234567");
    assert!(serde_json::from_str::<Uid>("\"..\"").is_err());
    assert!(serde_json::from_str::<Uid>("null").is_err());
}

#[test]
fn a_map_keyed_by_ids_is_asked_with_text() {
    let id: MarketId = "btczar".parse().unwrap();
    assert_eq!(std::collections::HashMap::from([(id.clone(), 1)]).get("btczar"), Some(&1));
    assert_eq!(std::collections::BTreeMap::from([(id, 1)]).get("btczar"), Some(&1));
}

#[test]
fn an_order_is_named_by_number_or_uuid() {
    assert_eq!(OrderKey::from(OrderId::new(12)).as_str(), "12");
    let uuid: OrderUuid = "7e86a4fa-fcae-4953-b9bc-d6f328beea48".parse().unwrap();
    assert_eq!(OrderKey::from(uuid.clone()).as_str(), uuid.as_str());
}

#[test]
fn a_malformed_argument_cannot_be_serialised() {
    let good: Arg<MarketId> = "btczar".into();
    assert_eq!(serde_json::to_string(&good).unwrap(), "\"btczar\"");
    let bad: Arg<MarketId> = "btc/zar".into();
    let refusal = serde_json::to_string(&bad).unwrap_err().to_string();
    assert!(refusal.contains("'btc/zar' holds '/'"), "{refusal}");
    assert!(bad.value().is_err());
    let from_id: Arg<CustomOrderId> = "mine".parse::<CustomOrderId>().unwrap().into();
    assert_eq!(from_id.value().unwrap(), "mine");
}

#[test]
fn every_pair_of_ascii_characters_is_an_id_or_refused() {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    for a in 0..128_u8 {
        for b in 0..128_u8 {
            let text: String = [char::from(a), char::from(b)].iter().collect();
            assert_eq!(text.parse::<OrderKey>().is_ok(), text.chars().all(allowed), "{text:?}");
        }
    }
}

proptest! {
    #[test]
    fn no_text_passes_that_a_path_could_read_otherwise(text in any::<String>()) {
        if let Ok(id) = text.parse::<OrderKey>() {
            prop_assert!(!id.as_str().is_empty());
            prop_assert!(id.as_str().bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-'));
        }
    }
}

#[test]
fn a_trade_id_is_a_number_or_a_text() {
    let read = |json: &str| serde_json::from_str::<TradeId>(json).unwrap();
    for (json, number) in [("7", 7), ("\"7\"", 7), ("7.0", 7), ("0", 0), ("18446744073709551615", u64::MAX)] {
        assert_eq!((read(json), read(json).number()), (TradeId::new(number), Some(number)), "{json}");
        assert_eq!(serde_json::to_string(&read(json)).unwrap(), number.to_string());
    }
    for json in ["\"T-7.b/é\"", "\"007\"", "\"18446744073709551616\""] {
        assert_eq!(
            (read(json).number(), serde_json::to_string(&read(json)).unwrap()),
            (None, json.to_owned())
        );
    }
    let mut ids = ["b", "10", "a", "9"].map(|id| id.parse::<TradeId>().unwrap());
    ids.sort();
    assert_eq!(ids.map(|id| id.to_string()), ["9", "10", "a", "b"], "numbers by size, and before texts");
    for bad in ["null", "\"\"", "-1", "1.5", "\"a\\nb\"", "true", "[7]"] {
        assert!(serde_json::from_str::<TradeId>(bad).is_err(), "{bad}");
    }
}

#[test]
fn your_own_name_for_an_order_is_any_text_of_one_line() {
    let longest = "é".repeat(255);
    for good in ["my order", "a/b?c#d..", "заказ №1", "302b0494-1a06-4089-846c-0c6b13f1b661", &longest]
    {
        assert_eq!(good.parse::<CustomOrderId>().unwrap().as_str(), good);
    }
    for bad in ["", "a\nb", "\0", "\u{85}", &"a".repeat(256)] {
        let refusal = bad.parse::<CustomOrderId>().unwrap_err();
        assert!(refusal.remedy().contains("1 to 255") && refusal.to_string().len() < 300, "{refusal}");
    }
}

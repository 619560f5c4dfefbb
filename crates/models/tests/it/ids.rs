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
    assert_eq!(serde_json::from_str::<TradeId>("\"7\"").unwrap(), TradeId::new(7));
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

//! Amounts, pairs and quotes.

use crate::{quote, quote_until};
use cabital::{
    Amount, Convention,
    conversions::Conversion,
    models::{Config, CurrencyType, Fee, FeeMethod, FeePayer, Iban, Limit, Pair, Symbol},
};
use capecrypto_models::{Decimal, Malformed, Timestamp, dec};
use capecrypto_testkit::Fixtures;
use std::time::Duration;

#[test]
fn an_amount_has_the_digits_of_its_currency_and_is_cut_off_never_rounded() {
    for (code, good, cut, from) in [
        ("BTC", dec!(0.00000001), dec!(0.99999999), dec!(0.999999999)),
        ("ETH", dec!(0.00000001), dec!(0.99999999), dec!(0.9999999999)),
        ("USDT", dec!(0.000001), dec!(0.999999), dec!(0.9999999)),
        ("EUR", dec!(0.01), dec!(0.99), dec!(0.999)),
        ("GBP", dec!(0.01), dec!(0.99), dec!(0.995)),
    ] {
        assert_eq!(Amount::new(code, good).unwrap().get(), good, "{code}");
        // Zeros at the end are no digits.
        assert!(Amount::new(code, dec!(1.5000000000000)).is_ok(), "{code}");
        let error = Amount::new(code, from).unwrap_err();
        assert!(error.remedy().contains(&cut.to_string()), "{code}: {error}");
        assert_eq!(Amount::truncated(code, from).unwrap().get(), cut, "{code}");
    }
    for wrong in [dec!(0), dec!(-1)] {
        assert!(Amount::new("BTC", wrong).is_err());
    }
    assert!(Amount::truncated("EUR", dec!(0.009)).is_err(), "nothing would be left");
    for strange in ["", "btc", "DOGE", "BTC ", "B"] {
        assert!(Amount::new(strange, dec!(1)).is_err(), "{strange}");
    }
    let doge = Symbol::listed("DOGE").unwrap();
    assert_eq!(Amount::new(&doge, dec!(1.123456789)).unwrap().get(), dec!(1.123456789));
}

#[test]
fn a_pair_has_two_different_currencies() {
    let pair: Pair = "BTC-EUR".parse().unwrap();
    assert_eq!(
        (pair.left().as_str(), pair.right().as_str(), pair.to_string().as_str()),
        ("BTC", "EUR", "BTC-EUR")
    );
    assert!(pair.is_same(&"EUR-BTC".parse().unwrap()) && !pair.is_same(&"BTC-GBP".parse().unwrap()));
    for wrong in ["", "BTC", "BTC-BTC", "BTC-EUR-GBP", "btc-eur", "BTC-DOGE", "BTC/EUR", "-EUR"] {
        assert!(wrong.parse::<Pair>().is_err(), "{wrong}");
    }
}

/// Pair, price, bought and sold amount, and the currency of the given amount.
fn sides(conversion: Conversion) -> Result<(String, Decimal, Decimal, Decimal, String), Malformed> {
    let sides = conversion.sides()?;
    Ok((sides.pair.to_string(), sides.price, sides.bought.get(), sides.sold.get(), sides.major.to_string()))
}

#[test]
fn the_other_side_is_computed_in_the_direction_of_the_pair() {
    let quote = quote("BTC-USDT", "61426.365", "0.00001628");
    let text = str::to_owned;
    // The documents' own sample.
    assert_eq!(
        sides(Conversion::buy(("BTC", dec!(0.001)), &quote)),
        Ok((text("BTC-USDT"), dec!(61426.365), dec!(0.001), dec!(61.426365), text("BTC")))
    );
    assert_eq!(
        sides(Conversion::sell(("USDT", dec!(61.426365)), &quote)),
        Ok((text("BTC-USDT"), dec!(61426.365), dec!(0.001), dec!(61.426365), text("USDT")))
    );
    // In the other direction, with the other price.
    assert_eq!(
        sides(Conversion::sell(("BTC", dec!(0.001)), &quote)),
        Ok((text("USDT-BTC"), dec!(0.00001628), dec!(61.425061), dec!(0.001), text("BTC")))
    );
    assert_eq!(
        sides(Conversion::buy(("USDT", dec!(61)), &quote)),
        Ok((text("USDT-BTC"), dec!(0.00001628), dec!(61), dec!(0.00099308), text("USDT")))
    );
    // Always the quoted pair, if that is set.
    let quoted = |conversion: Conversion| sides(conversion.convention(Convention::Quoted));
    assert_eq!(
        quoted(Conversion::sell(("BTC", dec!(0.001)), &quote)),
        Ok((text("BTC-USDT"), dec!(61426.365), dec!(61.426365), dec!(0.001), text("BTC")))
    );
    for (wrong, why) in [
        (Conversion::buy(("EUR", dec!(1)), &quote), "the amount is in EUR"),
        (Conversion::buy(("USDT", dec!(0.0001)), &quote), "nothing is left"),
        (Conversion::buy(("BTC", dec!(0.000000001)), &quote), "decimal places"),
    ] {
        let error = sides(wrong).unwrap_err();
        assert!(error.why().contains(why), "{error}");
    }
}

#[test]
fn a_division_is_cut_off_and_never_gives_too_much() {
    let mut random = fastrand_like(7);
    for _ in 0..2_000 {
        let price = Decimal::new(i64::try_from(random() % 9_999_999).unwrap() + 1, 3);
        let amount = Decimal::new(i64::try_from(random() % 99_999_999).unwrap() + 100, 2);
        let quote = quote("BTC-EUR", &price.to_string(), "0.00001");
        let Ok(sides) = Conversion::sell(("EUR", amount), &quote).sides() else { continue };
        let bought = sides.bought.get();
        assert!(bought * price <= amount, "{bought} * {price} > {amount}");
        assert!(
            (bought + Decimal::new(1, 8)) * price > amount,
            "{bought} + 1e-8 at {price} fits into {amount}"
        );
    }
}

/// Numbers in a fixed order.
fn fastrand_like(seed: u64) -> impl FnMut() -> u64 {
    let mut state = seed;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    }
}

#[test]
fn a_quote_knows_when_it_ends_and_which_pair_it_is_for() {
    let quote = quote_until("BTC-EUR", "38921.55", "0.00002569", 1_645_113_784);
    let at = |seconds: i64| Timestamp::from_unix_seconds(seconds).unwrap();
    assert!(quote.is_valid_at(at(1_645_113_783)) && !quote.is_valid_at(at(1_645_113_784)));
    assert_eq!(quote.time_left(at(1_645_113_774)), Duration::from_secs(10));
    assert_eq!(quote.time_left(at(1_645_113_790)), Duration::ZERO);
    assert_eq!(quote.pair().unwrap().to_string(), "BTC-EUR");
    let nameless = quote_until("", "1", "1", 1).pair();
    assert_eq!(nameless, None);
}

#[test]
fn minus_one_is_no_limit() {
    let limit: Limit = serde_json::from_str(r#"{"allow":true,"min":"10","max":"-1"}"#).unwrap();
    assert_eq!((limit.lowest(), limit.highest()), (Some(dec!(10)), None));
    assert!(limit.check(dec!(10)).is_ok() && limit.check(dec!(1_000_000_000)).is_ok());
    assert!(limit.check(dec!(9.99)).unwrap_err().remedy().contains("at least 10"));
    let closed: Limit = serde_json::from_str(r#"{"allow":false,"min":"0","max":"0"}"#).unwrap();
    assert!(closed.check(dec!(1)).is_err());
    let fixtures = Fixtures::cabital();
    let config: Config = serde_json::from_str(fixtures.text("get_config", "composed")).unwrap();
    let symbol = |code: &str| code.parse::<Symbol>().unwrap();
    assert_eq!(config.currency(&symbol("BTC")).unwrap().kind, CurrencyType::Crypto);
    assert!(config.converts(&"EUR-BTC".parse().unwrap()) && !config.converts(&"EUR-GBP".parse().unwrap()));
    let older: Config = serde_json::from_str(fixtures.text("get_config", "composed_older")).unwrap();
    assert_eq!(older.currencies[0].symbol, "USDT");
}

#[test]
fn spellings_vary_in_case() {
    let fee = |object: &str, method: &str| {
        let text = format!(r#"{{"object":"{object}","is_single":true,"method":"{method}","value":"1"}}"#);
        let fee: Fee = serde_json::from_str(&text).unwrap();
        (fee.object, fee.method)
    };
    for object in ["customer", "Customer", "CUSTOMER"] {
        assert_eq!(fee(object, "Fixed"), (FeePayer::Customer, FeeMethod::Fixed));
    }
    assert_eq!(fee("Partner", "Percent"), (FeePayer::Partner, FeeMethod::Percent));
}

#[test]
fn an_iban_has_right_check_digits() {
    for good in [
        "CH1808799927511379814",
        "CH18 0879 9927 5113 7981 4",
        "GB29NWBK60161331926819",
        "DE89370400440532013000",
    ] {
        assert!(good.parse::<Iban>().is_ok(), "{good}");
    }
    for wrong in [
        "",
        "CH",
        "CH1808799927511379815",
        "CH8108799927511379814",
        "ch1808799927511379814",
        "CH180879992751137981é",
        // 1 modulo 97, but check digits are 02 to 98.
        "CH0008799927511379071",
        "CH0108799927511379053",
        "CH9908799927511379035",
    ] {
        let error = wrong.parse::<Iban>().unwrap_err();
        assert!(wrong.len() < 5 || !error.to_string().contains(wrong), "{error}");
    }
    assert!(!format!("{:?}", "CH1808799927511379814".parse::<Iban>().unwrap()).contains("9814"));
}

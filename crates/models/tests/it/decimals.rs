use capecrypto_models::decimal::{self, DecimalError};
use capecrypto_models::{Decimal, Sats, dec};
use proptest::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
struct Holder {
    #[serde(with = "decimal")]
    needed: Decimal,
    #[serde(default, with = "decimal::option")]
    maybe: Option<Decimal>,
}

fn needed(json: &str) -> Result<Decimal, serde_json::Error> {
    serde_json::from_str::<Holder>(&format!(r#"{{"needed":{json}}}"#)).map(|holder| holder.needed)
}

#[test]
fn strings_and_numbers_of_any_notation_are_read_exactly() {
    for (json, expected) in [
        ("\"31.0\"", "31"),
        ("31", "31"),
        ("-0.5", "-0.5"),
        ("1e-8", "0.00000001"),
        ("1.0e-07", "0.0000001"),
        ("1e+21", "1000000000000000000000"),
        ("1E20", "100000000000000000000"),
        ("\"1e-8\"", "0.00000001"),
        ("-0", "0"),
        ("\"007.50\"", "7.5"),
        ("0e999999999999", "0"),
        // A float would change these two.
        ("123456789012345678.12345678", "123456789012345678.12345678"),
        ("0.1234567890123456789012345678", "0.1234567890123456789012345678"),
        // Trailing zeros beyond 28 digits do not change the value.
        ("1.00000000000000000000000000000000", "1"),
        ("\"\\u0031.5\"", "1.5"),
    ] {
        let expected: Decimal = decimal::parse(expected).unwrap();
        assert_eq!(needed(json).unwrap(), expected, "{json}");
    }
}

#[test]
fn what_cannot_be_held_exactly_is_an_error() {
    for json in [
        "12345678901234567890123456789",
        "\"0.12345678901234567890123456789\"",
        "1e-29",
        "1e29",
        "1e400",
        "\"\"",
        "\" 1\"",
        "\"1,5\"",
        "\"NaN\"",
        "\"1_000\"",
        "\"+1\"",
        "\".5\"",
        "\"5.\"",
        "\"1e\"",
        "\"--1\"",
        "null",
        "true",
        "[]",
        "{}",
    ] {
        assert!(needed(json).is_err(), "{json} was read");
    }
    assert!(matches!(decimal::parse("1e29"), Err(DecimalError::TooManyDigits(_))));
    assert!(matches!(decimal::parse("1\n2"), Err(DecimalError::NotANumber(_))));
    let tiny = format!("0.{}5e1000005", "0".repeat(1_000_000));
    assert_eq!(decimal::parse(&tiny), Ok(Decimal::from(50_000)));
    let long = "9".repeat(10_000);
    assert!(decimal::parse(&long).unwrap_err().to_string().len() < 200);
}

#[test]
fn an_optional_decimal_takes_null_empty_and_absent_as_none() {
    for json in [r#"{"needed":1}"#, r#"{"needed":1,"maybe":null}"#, r#"{"needed":1,"maybe":""}"#] {
        assert_eq!(serde_json::from_str::<Holder>(json).unwrap().maybe, None, "{json}");
    }
    let some: Holder = serde_json::from_str(r#"{"needed":1,"maybe":2.50}"#).unwrap();
    assert_eq!(some.maybe, Some(Decimal::new(25, 1)));
}

#[test]
fn literals_are_exact_and_checked_while_compiling() {
    for (literal, text) in [
        (dec!(0), "0"),
        (dec!(800_000), "800000"),
        (dec!(0.00001), "0.00001"),
        (dec!(-1.50), "-1.50"),
        (dec!(9999999999999999999999999999), "9999999999999999999999999999"),
        (dec!(0.1234567890123456789012345678), "0.1234567890123456789012345678"),
        (dec!(-12345678901234.56789012345678), "-12345678901234.56789012345678"),
    ] {
        assert_eq!(literal, decimal::parse(text).unwrap());
        assert_eq!(literal.to_string(), text, "the scale is kept");
    }
}

#[test]
fn values_from_a_json_value_are_read_too() {
    let value = serde_json::json!({"needed": "0.00001", "maybe": 3});
    let holder: Holder = serde_json::from_value(value).unwrap();
    assert_eq!((holder.needed, holder.maybe), (Decimal::new(1, 5), Some(Decimal::from(3))));
}

#[test]
fn satoshi_are_not_bitcoin() {
    assert_eq!(Sats::new(150_000_000).to_btc(), Decimal::new(15, 1));
    assert_eq!(Sats::from_btc(Decimal::new(15, 1)).unwrap(), Sats::new(150_000_000));
    assert_eq!(Sats::from_btc(Decimal::new(1, 8)).unwrap(), Sats::new(1));
    assert!(Sats::from_btc(Decimal::new(1, 9)).unwrap_err().why().contains("satoshi"));
    assert!(Sats::from_btc(Decimal::from(-1)).is_err());
    assert!(Sats::from_btc(Decimal::MAX).is_err());
    assert_eq!(serde_json::from_str::<Sats>("\"21\"").unwrap(), Sats::new(21));
    assert_eq!(serde_json::to_string(&Sats::new(21)).unwrap(), "21");
    assert!(serde_json::from_str::<Sats>("0.5").is_err());
}

#[test]
fn a_document_is_read_alike_from_text_bytes_a_reader_and_a_value() {
    let json = r#"{"needed":"\u0031.5","maybe":2.50}"#;
    let value: serde_json::Value = serde_json::from_str(json).unwrap();
    for holder in [
        serde_json::from_str::<Holder>(json),
        serde_json::from_slice(json.as_bytes()),
        serde_json::from_reader(json.as_bytes()),
        serde_json::from_value(value),
    ] {
        let holder = holder.unwrap();
        assert_eq!((holder.needed, holder.maybe), (Decimal::new(15, 1), Some(Decimal::new(25, 1))));
    }
}

proptest! {
    /// Any number of up to 28 digits comes back as it was, in each notation, as string and as number.
    #[test]
    fn no_digit_is_lost(digits in "[1-9][0-9]{0,27}", scale in 0_u32..=28, negative: bool) {
        let number: i128 = digits.parse().unwrap();
        let expected = Decimal::from_i128_with_scale(if negative { -number } else { number }, scale);
        let plain = expected.to_string();
        let exponent = format!("{}{digits}e-{scale}", if negative { "-" } else { "" });
        for json in [plain.clone(), format!("\"{plain}\""), exponent.clone(), format!("\"{exponent}\"")] {
            prop_assert_eq!(needed(&json).unwrap(), expected, "{}", json);
        }
    }

    /// A number of 29 digits is refused, wherever its point is.
    #[test]
    fn a_digit_too_many_is_never_rounded(digits in "[1-9][0-9]{27}[1-9]", point in 1_usize..29) {
        let (whole, fraction) = digits.split_at(point);
        let text = format!("{whole}.{fraction}");
        let text = text.trim_end_matches('.');
        prop_assert!(matches!(decimal::parse(text), Err(DecimalError::TooManyDigits(_))), "{}", text);
    }

    /// No text makes the parser panic, and a text that it accepts has the same value as in the decimal library.
    #[test]
    fn any_text_is_a_number_or_an_error(text in "[-+0-9.eE_ ]{0,40}") {
        if let (Ok(ours), Ok(theirs)) = (decimal::parse(&text), Decimal::from_str_exact(&text)) {
            prop_assert_eq!(ours, theirs);
        }
    }
}

#[test]
fn a_sum_is_exact_or_none() {
    let dec = |text| decimal::parse(text).unwrap();
    let most = "9999999999999999999999999999";
    for (a, b, expected) in [
        ("1.5", "2.25", Some("3.75")),
        ("0.1", "-0.1", Some("0")),
        ("0.000", "1.5", Some("1.5")),
        (most, "0", Some(most)),
        // The zeros do not fit beside the other number, but they are not needed.
        (most, "1.000", Some("10000000000000000000000000000")),
        (most, "0.5", None),
        ("1e27", "1e-28", None),
    ] {
        let expected = expected.map(|text| text.parse::<Decimal>().unwrap());
        assert_eq!(decimal::sum(dec(a), dec(b)), expected, "{a} + {b}");
        assert_eq!(decimal::sum(dec(b), dec(a)), expected, "{b} + {a}");
    }
}

#[test]
fn a_quotient_that_cannot_be_calculated_is_none() {
    let (one, seven) = (Decimal::ONE, Decimal::from(7));
    assert_eq!(decimal::quotient(one, Decimal::ZERO, 2), None);
    assert_eq!(decimal::quotient(one, seven, 29), None);
    assert_eq!(decimal::quotient(Decimal::from(1_000_000), seven, 28), None);
    assert_eq!(decimal::quotient(Decimal::ZERO, -seven, 2).unwrap().to_string(), "0.00");
}

#[test]
fn a_quotient_in_the_middle_goes_to_the_even_neighbour() {
    let by = Decimal::from(4);
    for (a, expected) in [(2, 0), (6, 2), (10, 2), (14, 4), (-6, -2), (-10, -2)] {
        assert_eq!(decimal::quotient(Decimal::from(a), by, 0), Some(Decimal::from(expected)), "{a} / 4");
    }
}

/// At the last possible digit, where the decimal library's own division rounds, also half to even.
#[test]
fn a_quotient_of_28_places_is_rounded_half_to_even_too() {
    let by = Decimal::from_i128_with_scale(20_000_000_000_000_000_000_000_000_000, 0);
    for (a, expected) in [(1, 0), (2, 1), (3, 2), (4, 2), (5, 2), (7, 4), (9, 4)] {
        let expected = Decimal::from_i128_with_scale(expected, 28);
        assert_eq!(decimal::quotient(Decimal::from(a), by, 28), Some(expected), "{a}");
    }
}

proptest! {
    /// Against a division of whole numbers with its remainder.
    #[test]
    fn a_quotient_is_rounded_half_to_even(a in -1_000_000_i64..1_000_000, b in 1_i64..2_000, places in 0_u32..6) {
        let steps = i128::from(a) * 10_i128.pow(places);
        let by = i128::from(b);
        let (down, left) = (steps.div_euclid(by), steps.rem_euclid(by));
        let up = 2 * left > by || (2 * left == by && down % 2 != 0);
        let expected = Decimal::from_i128_with_scale(down + i128::from(up), places);
        for (a, b) in [(a, b), (-a, -b)] {
            let quotient = decimal::quotient(Decimal::new(a, 3), Decimal::new(b, 3), places).unwrap();
            prop_assert_eq!(quotient, expected, "{} / {} to {}", a, b, places);
            prop_assert_eq!(quotient.scale(), places);
        }
    }
}

//! Decimals as JSON numbers, digit for digit, in the two notations of the real servers.
//!
//! Public trades and candles are numbers and not strings.

use rust_decimal::Decimal;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// A JSON number, already as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Number(String);

impl Number {
    /// As the REST server writes floats: `0.001`, `31.0`, `1.0e-05` below 0.0001, `1.0e+16` from there on.
    pub(crate) fn rest(value: Decimal) -> Self {
        let (sign, digits, point) = parts(value);
        if (-3..=16).contains(&point) {
            return Self(crate::base::money::text(value));
        }
        let exponent = point - 1;
        let mantissa = mantissa(&digits, "0");
        let mark = if exponent < 0 { '-' } else { '+' };
        Self(format!("{sign}{mantissa}e{mark}{:02}", exponent.unsigned_abs()))
    }

    /// As the websocket server writes them: `5`, `0.000001`, `5e-7` below that, `1e+21` from there on.
    pub(crate) fn stream(value: Decimal) -> Self {
        let (sign, digits, point) = parts(value);
        if (-5..=21).contains(&point) {
            return Self(crate::base::money::padded(value, 0));
        }
        let exponent = point - 1;
        let mantissa = mantissa(&digits, "");
        let mark = if exponent < 0 { '-' } else { '+' };
        Self(format!("{sign}{mantissa}e{mark}{}", exponent.unsigned_abs()))
    }

    pub(crate) fn whole(value: i64) -> Self {
        Self(value.to_string())
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(&self.0).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

/// Sign, significant digits, and the position of the point, counted from the first digit.
fn parts(value: Decimal) -> (&'static str, String, i64) {
    let value = value.normalize();
    if value.is_zero() {
        return ("", "0".to_owned(), 1);
    }
    let all = value.mantissa().unsigned_abs().to_string();
    let length = i64::try_from(all.len()).unwrap_or(i64::MAX);
    let digits = all.trim_end_matches('0').to_owned();
    (if value.is_sign_negative() { "-" } else { "" }, digits, length - i64::from(value.scale()))
}

/// The digits as `d.ddd`. A single digit becomes `d.` plus `alone`, or only `d` if `alone` is empty.
fn mantissa(digits: &str, alone: &str) -> String {
    let (first, rest) = digits.split_at(digits.len().min(1));
    let rest = if rest.is_empty() { alone } else { rest };
    if rest.is_empty() { first.to_owned() } else { format!("{first}.{rest}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::money::{Parsed, parse};

    #[test]
    fn follows_both_notations_and_keeps_the_value() {
        for (given, rest, stream) in [
            ("31", "31.0", "31"),
            ("0", "0.0", "0"),
            ("0.001", "0.001", "0.001"),
            ("0.0001", "0.0001", "0.0001"),
            ("0.00001", "1.0e-05", "0.00001"),
            ("0.000012", "1.2e-05", "0.000012"),
            ("0.000001", "1.0e-06", "0.000001"),
            ("0.0000005", "5.0e-07", "5e-7"),
            ("-0.00000015", "-1.5e-07", "-1.5e-7"),
            ("800000.25", "800000.25", "800000.25"),
            ("1234567890123456", "1234567890123456.0", "1234567890123456"),
            ("10000000000000000", "1.0e+16", "10000000000000000"),
            ("1000000000000000000000", "1.0e+21", "1e+21"),
        ] {
            let Parsed::Exact(value) = parse(given) else { panic!("{given}") };
            for (number, expected) in [(Number::rest(value), rest), (Number::stream(value), stream)] {
                assert_eq!(serde_json::to_string(&number).unwrap(), expected);
                assert_eq!(parse(expected), Parsed::Exact(value), "{expected}");
            }
        }
    }
}

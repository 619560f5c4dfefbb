//! Exact money: text to decimal, decimal to text, and arithmetic that refuses to round.
//!
//! The ledger keeps every digit of a product. Price (2 digits) times amount (8) times fee (3) needs 13 digits after
//! the point. The total supply of a currency is at most [`MAX_SUPPLY`], which needs 12 digits before the point. So the
//! 28 digits of a `Decimal` are always enough.

use rust_decimal::Decimal;

/// The most of one currency that may exist in the sandbox: 10^12.
pub(crate) const MAX_SUPPLY: Decimal = Decimal::from_parts(3_567_587_328, 232, 0, false, 0);

/// The result of reading a text as a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Parsed {
    /// A number that a `Decimal` holds digit for digit.
    Exact(Decimal),
    /// A number with more than 28 digits. It is never rounded to make it fit.
    Unrepresentable {
        /// Whether it is below zero.
        negative: bool,
    },
    /// Not a number at all.
    NotDecimal,
}

/// Reads `[+-]digits[.digits][e[+-]digits]`, the forms of a JSON number and a little more (`.5`, `5.`, `+5`).
pub(crate) fn parse(text: &str) -> Parsed {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => match exponent_value(exponent) {
            Some(value) => (mantissa, value),
            None => return Parsed::NotDecimal,
        },
        None => (text, 0),
    };
    let (negative, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all_digits = whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit());
    if !all_digits || (whole.is_empty() && fraction.is_empty()) {
        return Parsed::NotDecimal;
    }
    let both = format!("{whole}{fraction}");
    let significant = both.trim_start_matches('0').trim_end_matches('0');
    if significant.is_empty() {
        return Parsed::Exact(Decimal::ZERO);
    }
    let trailing = both.len() - both.trim_end_matches('0').len();
    let scale = length(fraction.len()).saturating_sub(length(trailing)).saturating_sub(exponent);
    build(significant, scale, negative).map_or(Parsed::Unrepresentable { negative }, Parsed::Exact)
}

fn exponent_value(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // An exponent that does not fit in `i64` is out of range anyway, and so is the value that replaces it.
    let size: i64 = digits.parse().unwrap_or(i64::from(u32::MAX));
    Some(if negative { -size } else { size })
}

fn length(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

/// The number `digits` × 10^-`scale`; `None` if it needs more than 28 digits before or after the point.
fn build(digits: &str, scale: i64, negative: bool) -> Option<Decimal> {
    if digits.len() > 28 || scale > 28 || length(digits.len()).saturating_sub(scale) > 28 {
        return None;
    }
    let size: i128 = digits.parse().ok()?;
    let (size, scale) = match u32::try_from(scale) {
        Ok(scale) => (size, scale),
        Err(_) => (size.checked_mul(10_i128.checked_pow(u32::try_from(-scale).ok()?)?)?, 0),
    };
    Decimal::try_from_i128_with_scale(if negative { -size } else { size }, scale).ok()
}

/// `a × b` with every digit; `None` if 28 digits are not enough.
pub(crate) fn mul(a: Decimal, b: Decimal) -> Option<Decimal> {
    let exact = |a: Decimal, b: Decimal| {
        let product = a.checked_mul(b)?;
        // `checked_mul` rounds a product that is too long. Then its scale is smaller than the sum of both scales.
        (product.scale() == a.scale() + b.scale()).then_some(product)
    };
    if a.is_zero() || b.is_zero() {
        return Some(Decimal::ZERO);
    }
    exact(a, b).or_else(|| exact(a.normalize(), b.normalize()))
}

/// `a + b` with every digit; `None` if 28 digits are not enough.
pub(crate) fn add(a: Decimal, b: Decimal) -> Option<Decimal> {
    let exact = |a: Decimal, b: Decimal| {
        let sum = a.checked_add(b)?;
        (sum.is_zero() || sum.scale() >= a.scale().max(b.scale())).then_some(sum)
    };
    if a.is_zero() {
        return Some(b);
    }
    if b.is_zero() {
        return Some(a);
    }
    exact(a, b).or_else(|| exact(a.normalize(), b.normalize()))
}

/// `a ÷ b`, cut (not rounded) to `digits` digits after the point; `None` if `b` is zero.
pub(crate) fn div_down(a: Decimal, b: Decimal, digits: u32) -> Option<Decimal> {
    let (a, b) = (a.normalize(), b.normalize());
    let shift = i64::from(digits) + i64::from(b.scale()) - i64::from(a.scale());
    let power = 10_i128.checked_pow(u32::try_from(shift.unsigned_abs()).ok()?);
    let exact = power.and_then(|power| {
        let (over, under) = if shift >= 0 {
            (a.mantissa().checked_mul(power)?, b.mantissa())
        } else {
            (a.mantissa(), b.mantissa().checked_mul(power)?)
        };
        Decimal::try_from_i128_with_scale(over.checked_div(under)?, digits).ok()
    });
    // Out of the range of i128: `checked_div` may round the last of 28 digits, which the cut then removes.
    exact.or_else(|| a.checked_div(b).map(|quotient| quotient.trunc_with_scale(digits)))
}

/// How many digits after the point the value needs; trailing zeros do not count.
pub(crate) fn fraction_digits(value: Decimal) -> u32 {
    value.normalize().scale()
}

/// Writes a decimal as the exchange does: plain notation, at least one digit after the point, no other trailing zeros.
pub(crate) fn text(value: Decimal) -> String {
    padded(value, 1)
}

/// Plain notation with at least `at_least` digits after the point.
pub(crate) fn padded(value: Decimal, at_least: u32) -> String {
    let mut value = value.normalize();
    if value.is_zero() {
        // No minus sign on a zero.
        value = Decimal::ZERO;
    }
    let mut text = value.to_string();
    let have = value.scale();
    if have == 0 && at_least > 0 {
        text.push('.');
    }
    for _ in have..at_least {
        text.push('0');
    }
    text
}

/// Exact amounts in JSON: written as text, read from a text or a number, digit for digit. Reading what was written gives
/// the same digits, including zeros at the end.
pub(crate) mod exact {
    use super::{Parsed, parse};
    use rust_decimal::Decimal;
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};
    use serde_json::value::RawValue;

    pub(crate) fn serialize<S: Serializer>(value: &Decimal, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decimal, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?.get();
        let bare = raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"')).unwrap_or(raw);
        match parse(bare) {
            Parsed::Exact(value) => Ok(Decimal::from_str_exact(bare).unwrap_or(value)),
            Parsed::Unrepresentable { .. } | Parsed::NotDecimal => {
                Err(D::Error::custom(format!("{raw} is not an amount; give a number of at most 28 digits")))
            }
        }
    }
}

/// The same for an optional amount.
pub(crate) mod exact_option {
    use rust_decimal::Decimal;
    use serde::{Deserialize, Deserializer, Serializer};

    #[derive(Deserialize)]
    #[serde(transparent)]
    struct Exact(#[serde(with = "super::exact")] Decimal);

    pub(crate) fn serialize<S: Serializer>(
        value: &Option<Decimal>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => super::exact::serialize(value, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Decimal>, D::Error> {
        Ok(Option::<Exact>::deserialize(deserializer)?.map(|exact| exact.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exact(text: &str) -> Decimal {
        match parse(text) {
            Parsed::Exact(value) => value,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn reads_every_form_and_nothing_else() {
        for (given, expected) in [
            ("0.00001", "0.00001"),
            ("800000", "800000.0"),
            ("1e-5", "0.00001"),
            ("1.0E+3", "1000.0"),
            ("-0", "0.0"),
            ("007.50", "7.5"),
            (".5", "0.5"),
            ("5.", "5.0"),
            ("+2", "2.0"),
            ("1234567890123456789012345678", "1234567890123456789012345678.0"),
            ("0.0000000000000000000000000001", "0.0000000000000000000000000001"),
            ("10e27", "10000000000000000000000000000.0"),
            ("0e999999999999999999999", "0.0"),
        ] {
            if given == "10e27" {
                // 29 digits before the point.
                assert_eq!(parse(given), Parsed::Unrepresentable { negative: false });
            } else {
                assert_eq!(text(exact(given)), expected, "{given}");
            }
        }
        for given in ["", ".", "-", "1e", "e5", "1.2.3", "1,5", " 1", "NaN", "Infinity", "0x10", "1_000", "١"]
        {
            assert_eq!(parse(given), Parsed::NotDecimal, "{given:?}");
        }
        for given in
            ["12345678901234567890123456789", "1e40", "1e-29", "1e99999999999999999999", "1e-99999999999"]
        {
            assert_eq!(parse(given), Parsed::Unrepresentable { negative: false }, "{given:?}");
        }
        assert_eq!(parse("-1e40"), Parsed::Unrepresentable { negative: true });
    }

    #[test]
    fn arithmetic_is_exact_or_nothing() {
        assert_eq!(mul(exact("0.00000001"), exact("0.002")), Some(exact("0.00000000002")));
        assert_eq!(mul(exact("0.00000000000001"), exact("0.000000000000001")), None);
        assert_eq!(mul(exact("1234567890123456"), exact("1234567890123456")), None);
        assert_eq!(
            add(exact("1000000000000"), exact("0.0000000000001")),
            Some(exact("1000000000000.0000000000001"))
        );
        assert_eq!(add(exact("10000000000000000000000"), exact("0.0000000001")), None);
        assert_eq!(div_down(exact("2"), exact("3"), 2), Some(exact("0.66")));
        assert_eq!(div_down(exact("8"), exact("0.00001"), 2), Some(exact("800000")));
        assert_eq!(div_down(exact("1"), Decimal::ZERO, 2), None);
        assert_eq!(text(MAX_SUPPLY), "1000000000000.0");
    }

    #[test]
    fn writes_plain_text() {
        assert_eq!(text(exact("31")), "31.0");
        assert_eq!(text(Decimal::new(1000, 4)), "0.1");
        assert_eq!(padded(exact("10000"), 2), "10000.00");
        assert_eq!(padded(exact("10007.984"), 2), "10007.984");
        assert_eq!(padded(exact("0.05"), 8), "0.05000000");
    }
}

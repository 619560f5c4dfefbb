//! Decimals, read exactly from the text of a JSON string or number.
//!
//! Nothing here passes through a float, and nothing is rounded: a value of more than 28 significant digits or
//! fraction digits is an error. The functions for serde work with `serde_json` only, because its `RawValue` gives
//! the number's own text; any other format gets an error.
//!
//! Use them in your own structs too:
//!
//! ```
//! use capecrypto_models::{Decimal, decimal};
//! #[derive(serde::Deserialize)]
//! struct Fee {
//!     #[serde(with = "decimal")]
//!     amount: Decimal,
//! }
//! let fee: Fee = serde_json::from_str(r#"{"amount": 123456789012345678.12345678}"#)?;
//! assert_eq!(fee.amount.to_string(), "123456789012345678.12345678");
//! # Ok::<(), serde_json::Error>(())
//! ```

use crate::{
    arg::excerpt,
    own_text::{self, Wrong},
};
use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Most digits of a decimal: the limit for all its digits, and also for its fraction digits.
pub const MOST_DIGITS: u32 = 28;

/// Why a text cannot be read as an exact decimal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecimalError {
    /// Not of the form `-12.5` or `1.25e-7`.
    #[error("'{0}' is not a decimal number; give one such as 0.25 or 1e-8")]
    NotANumber(String),
    /// It would have to be rounded.
    #[error("'{0}' has more than 28 digits and would have to be rounded; give at most 28")]
    TooManyDigits(String),
}

impl From<DecimalError> for Wrong {
    fn from(refusal: DecimalError) -> Self {
        refusal.to_string().into()
    }
}

/// Reads a decimal in plain (`-12.50`) or exponent (`1.25e-7`) notation, exactly.
///
/// # Errors
/// [`DecimalError::NotANumber`] for any other text, also for one with spaces or a leading `+`;
/// [`DecimalError::TooManyDigits`] if the value needs more than 28 digits.
pub fn parse(text: &str) -> Result<Decimal, DecimalError> {
    match short(text) {
        Some(number) => Ok(number),
        None => long(text),
    }
}

/// Number of digits that always fit into an `i64`.
const SHORT_DIGITS: u32 = 18;

/// Reads the usual case without an allocation: plain notation of at most 18 digits. `None` for any other text.
fn short(text: &str) -> Option<Decimal> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (mut number, mut count, mut scale, mut point) = (0_i64, 0, 0, false);
    for byte in digits.bytes() {
        match byte {
            b'0'..=b'9' if count < SHORT_DIGITS => {
                number = number * 10 + i64::from(byte - b'0');
                count += 1;
                scale += u32::from(point);
            }
            b'.' if count > 0 && !point => point = true,
            _ => return None,
        }
    }
    // A point needs a digit after it.
    if count == 0 || point == (scale == 0) {
        return None;
    }
    Some(Decimal::new(if negative { -number } else { number }, scale))
}

fn long(text: &str) -> Result<Decimal, DecimalError> {
    let not_a_number = || DecimalError::NotANumber(excerpt(text));
    let too_many = || DecimalError::TooManyDigits(excerpt(text));

    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, read_exponent(exponent).ok_or_else(not_a_number)?),
        None => (text, 0),
    };
    let (negative, digits) = match mantissa.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, mantissa),
    };
    let (whole, fraction) = match digits.split_once('.') {
        Some((_, "")) => return Err(not_a_number()),
        Some(parts) => parts,
        None => (digits, ""),
    };
    if whole.is_empty() || !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
        return Err(not_a_number());
    }

    // The value is `number * 10^-scale`.
    let mut scale = i64::try_from(fraction.len()).map_err(|_| too_many())? - exponent;
    let mut significant: Vec<u8> =
        whole.bytes().chain(fraction.bytes()).skip_while(|b| *b == b'0').map(|b| b - b'0').collect();
    let most = usize::try_from(MOST_DIGITS).unwrap_or(usize::MAX);
    // Trailing zeros do not change the value. They are removed only if the number would not fit with them.
    while significant.last() == Some(&0) && (significant.len() > most || scale > i64::from(MOST_DIGITS)) {
        significant.pop();
        scale -= 1;
    }
    if significant.is_empty() {
        let scale = u32::try_from(scale.clamp(0, i64::from(MOST_DIGITS))).unwrap_or(0);
        return Ok(Decimal::new(0, scale));
    }
    if scale < 0 {
        let missing = usize::try_from(-scale).map_err(|_| too_many())?;
        if significant.len().saturating_add(missing) > most {
            return Err(too_many());
        }
        significant.resize(significant.len() + missing, 0);
        scale = 0;
    }
    if significant.len() > most || scale > i64::from(MOST_DIGITS) {
        return Err(too_many());
    }
    let number = significant.iter().fold(0_i128, |sum, digit| sum * 10 + i128::from(*digit));
    let scale = u32::try_from(scale).map_err(|_| too_many())?;
    Decimal::try_from_i128_with_scale(if negative { -number } else { number }, scale).map_err(|_| too_many())
}

/// Reads an exponent; `None` if the text is not one. A huge exponent is limited, so that sums with it cannot overflow.
/// The limit changes no result: no text in memory has enough digits to bring such a number back into range.
fn read_exponent(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let size = digits.parse::<i64>().unwrap_or(i64::MAX).min(i64::MAX / 4);
    Some(if negative { -size } else { size })
}

/// The sum, or `None` if no [`Decimal`] holds it exactly. `a + b` rounds such a sum silently.
///
/// ```
/// use capecrypto_models::{dec, decimal};
/// assert_eq!(decimal::sum(dec!(0.1), dec!(0.25)), Some(dec!(0.35)));
/// assert_eq!(decimal::sum(dec!(9_000_000_000_000_000_000_000_000_000), dec!(0.001)), None);
/// ```
pub fn sum(a: Decimal, b: Decimal) -> Option<Decimal> {
    if a.is_zero() || b.is_zero() {
        return Some(if a.is_zero() { b } else { a });
    }
    // The addition rounds a sum that does not fit. Its scale is then smaller than the larger of both scales.
    let exact =
        |a: Decimal, b: Decimal| a.checked_add(b).filter(|sum| sum.scale() == a.scale().max(b.scale()));
    exact(a, b).or_else(|| exact(a.normalize(), b.normalize()))
}

/// The quotient, rounded to `places` decimal places, half to even. `None` for a division by zero, for more than 28
/// places, or if the calculation needs more than 28 digits.
///
/// ```
/// use capecrypto_models::{dec, decimal};
/// assert_eq!(decimal::quotient(dec!(2), dec!(3), 4), Some(dec!(0.6667)));
/// assert_eq!(decimal::quotient(dec!(0.5), dec!(10), 1), Some(dec!(0.0)));
/// ```
pub fn quotient(a: Decimal, b: Decimal, places: u32) -> Option<Decimal> {
    if places > MOST_DIGITS {
        return None;
    }
    let (size, by, step) = (a.abs(), b.abs(), Decimal::new(1, places));
    let mut quotient = size.checked_div(by)?.trunc_with_scale(places);
    quotient.rescale(places);
    if quotient.scale() != places {
        return None;
    }
    // What is left over decides. If the division has rounded at its last digit, it was half to even too, and what is left
    // over is below zero or too small to matter.
    let left = sum(size, -product(quotient, by)?)?;
    let (twice, whole_step) = (sum(left, left)?, product(step, by)?);
    let is_odd = quotient.mantissa() % 2 != 0;
    if twice > whole_step || (twice == whole_step && is_odd) {
        quotient = sum(quotient, step)?;
    }
    let negative = a.is_sign_negative() != b.is_sign_negative();
    Some(if negative && !quotient.is_zero() { -quotient } else { quotient })
}

/// The product, or `None` if no [`Decimal`] holds it exactly. `a * b` rounds such a product silently. Zeros at the end of
/// a factor do no harm.
pub fn product(a: Decimal, b: Decimal) -> Option<Decimal> {
    let plain = a.checked_mul(b);
    // The multiplication rounds a product that does not fit. Its scale is then smaller than the sum of both scales.
    if let Some(product) = plain.filter(|product| product.scale() == a.scale() + b.scale()) {
        return Some(product);
    }
    let (a, b) = (a.normalize(), b.normalize());
    let (mut a_number, mut b_number, mut scale) = (a.mantissa(), b.mantissa(), a.scale() + b.scale());
    // A factor 5 and a factor 2 make a zero at the end of the product. Removing both saves a fraction digit.
    while scale > 0 {
        if a_number % 5 == 0 && b_number % 2 == 0 {
            (a_number, b_number) = (a_number / 5, b_number / 2);
        } else if a_number % 2 == 0 && b_number % 5 == 0 {
            (a_number, b_number) = (a_number / 2, b_number / 5);
        } else {
            break;
        }
        scale -= 1;
    }
    Decimal::try_from_i128_with_scale(a_number.checked_mul(b_number)?, scale).ok()
}

/// A decimal from a literal, checked at compile time: `dec!(0.00001)`, `dec!(800_000)`, `dec!(-1.5)`.
///
/// (`"0.00001".parse::<Decimal>()` works too, but silently rounds a text of more than 28 digits.)
///
/// ```
/// use capecrypto_models::dec;
/// assert_eq!(dec!(800_000.50) * dec!(0.00001), dec!(8.000005));
/// ```
///
/// ```compile_fail
/// # use capecrypto_models::dec;
/// dec!(0.12345678901234567890123456789); // 29 digits
/// ```
#[macro_export]
macro_rules! dec {
    ($($number:tt)+) => {
        const { $crate::decimal::__literal(stringify!($($number)+)) }
    };
}

/// For `dec!` only, which calls it at compile time, where a panic is a compile error.
#[doc(hidden)]
#[allow(
    clippy::panic,
    clippy::as_conversions,
    clippy::missing_panics_doc,
    reason = "evaluated by the compiler"
)]
pub const fn __literal(text: &str) -> Decimal {
    let mut rest = text.as_bytes();
    let (mut number, mut scale, mut digits) = (0_u128, 0, 0);
    let (mut negative, mut point, mut any) = (false, false, false);
    while let [byte, after @ ..] = rest {
        match *byte {
            b'-' if !any && !point && !negative => negative = true,
            b'.' if any && !point => point = true,
            b'0'..=b'9' => {
                any = true;
                number = number * 10 + (*byte - b'0') as u128;
                if number > 0 {
                    digits += 1;
                }
                if point {
                    scale += 1;
                }
                assert!(digits <= MOST_DIGITS && scale <= MOST_DIGITS, "a decimal has 28 digits at most");
            }
            b'_' | b' ' => {}
            _ => panic!("a decimal is written like 800_000, 0.00001 or -1.5"),
        }
        rest = after;
    }
    assert!(any, "a decimal needs a digit");
    // 28 digits fit into 96 bits.
    Decimal::from_parts(number as u32, (number >> 32) as u32, (number >> 64) as u32, negative, scale)
}

/// What a JSON value holds where a decimal is expected.
pub(crate) enum Raw {
    Null,
    Empty,
    Value(Decimal),
}

/// Reads a JSON value's own text.
pub(crate) fn read_raw(text: &str) -> Result<Raw, Wrong> {
    // A text that `short` can read holds no escape, so this fast path does not look for one.
    let plain = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
    if let Some(number) = short(plain) {
        return Ok(Raw::Value(number));
    }
    match text.as_bytes().first() {
        Some(b'n') => Ok(Raw::Null),
        // JSON allows escapes in any string, also in one that holds a number.
        Some(b'"') => match own_text::unquoted(text)? {
            text if text.is_empty() => Ok(Raw::Empty),
            text => Ok(Raw::Value(parse(&text)?)),
        },
        Some(b'-' | b'0'..=b'9') => Ok(Raw::Value(parse(text)?)),
        _ => Err("expected a decimal as string or number".into()),
    }
}

/// A decimal that reads itself exactly, for places where a `with` attribute cannot be used, such as tuples.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Exact(pub(crate) Decimal);

impl<'de> Deserialize<'de> for Exact {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize(deserializer).map(Self)
    }
}

impl Serialize for Exact {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize(&self.0, serializer)
    }
}

/// Reads a decimal from a JSON string or number.
///
/// # Errors
/// `null`, an empty string, any other JSON type, and any text that [`parse`] refuses.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decimal, D::Error> {
    own_text::raw(deserializer, |text| match read_raw(text)? {
        Raw::Value(value) => Ok(value),
        Raw::Null => Err("expected a decimal, found null".into()),
        Raw::Empty => Err("expected a decimal, found an empty string".into()),
    })
}

/// Writes a decimal as a JSON string, in plain notation.
///
/// # Errors
/// Those of the serialiser.
pub fn serialize<S: Serializer>(value: &Decimal, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// The same functions for a decimal that may be absent: `null` and the empty string are `None`.
pub mod option {
    use super::{Raw, own_text, read_raw};
    use rust_decimal::Decimal;
    use serde::{Deserializer, Serializer};

    /// Reads a decimal, `null` or an empty string; add `#[serde(default)]` for an absent key.
    ///
    /// # Errors
    /// As for [`super::deserialize`], except that `null` and the empty string are `None`.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Decimal>, D::Error> {
        own_text::raw(deserializer, |text| match read_raw(text)? {
            Raw::Value(value) => Ok(Some(value)),
            Raw::Null | Raw::Empty => Ok(None),
        })
    }

    /// Writes a string, or `null`.
    ///
    /// # Errors
    /// Those of the serialiser.
    pub fn serialize<S: Serializer>(value: &Option<Decimal>, serializer: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => super::serialize(value, serializer),
            None => serializer.serialize_none(),
        }
    }
}

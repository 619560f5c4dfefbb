//! Fixed point: a decimal as an integer of 64 bits at a given scale (number of decimal places), and back.
//!
//! Nothing is ever rounded. A value that does not fit is a [`Misfit`], and the book then uses finer scales or [`Decimal`]s.

use crate::frame::{Entry, Number};
use capecrypto_models::Decimal;

/// The scales of a book: one for all its prices, one for all its amounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Scales {
    pub(crate) price: u32,
    pub(crate) amount: u32,
}

/// Why an entry does not fit at the current scales.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Misfit {
    /// It has more decimal places; at these scales it may fit.
    Finer(Scales),
    /// It is too large for 64 bits at these scales or finer ones.
    Large,
}

impl Scales {
    /// The entry's price and amount at these scales, if that needs no closer look.
    #[inline]
    pub(crate) fn fit_quickly(self, entry: &Entry) -> Option<(i64, i64)> {
        Some((fixed_quickly(entry.price, self.price)?, fixed_quickly(entry.amount, self.amount)?))
    }

    /// The entry's price and amount at these scales.
    pub(crate) fn fit(self, entry: &Entry) -> Result<(i64, i64), Misfit> {
        if let Some(row) = self.fit_quickly(entry) {
            return Ok(row);
        }
        match (fixed(entry.price, self.price), fixed(entry.amount, self.amount)) {
            (Ok(price), Ok(amount)) => Ok((price, amount)),
            (Err(None), _) | (_, Err(None)) => Err(Misfit::Large),
            (price, amount) => Err(Misfit::Finer(Scales {
                price: price.err().flatten().unwrap_or(self.price),
                amount: amount.err().flatten().unwrap_or(self.amount),
            })),
        }
    }

    /// The smallest scales, not below these, that hold the entry's digits.
    pub(crate) fn with(self, entry: &Entry) -> Self {
        Self { price: finer(entry.price, self.price), amount: finer(entry.amount, self.amount) }
    }
}

fn finer(value: Number, scale: u32) -> u32 {
    if value.scale <= scale { scale } else { value.decimal().normalize().scale().max(scale) }
}

/// The value as an integer at `scale`, if it has no digits to spare.
#[inline]
fn fixed_quickly(value: Number, scale: u32) -> Option<i64> {
    let (integer, missing) = (i64::try_from(value.low).ok()?, scale.checked_sub(value.scale)?);
    if value.high == 0 { times_power_of_ten(integer, missing) } else { None }
}

/// The value as an integer at `scale`. `Err(Some(finer))`: it needs that scale. `Err(None)`: it is too large for 64 bits.
fn fixed(value: Number, scale: u32) -> Result<i64, Option<u32>> {
    if let Some(integer) = fixed_quickly(value, scale) {
        return Ok(integer);
    }
    // Too many digits, but some of them may be trailing zeros.
    let value = value.decimal().normalize();
    let integer = i64::try_from(value.mantissa()).map_err(|_| None)?;
    match scale.checked_sub(value.scale()) {
        Some(missing) => times_power_of_ten(integer, missing).ok_or(None),
        None => Err(Some(value.scale())),
    }
}

/// `number * 10^exponent`, where that fits.
#[inline]
pub(crate) fn times_power_of_ten(number: i64, exponent: u32) -> Option<i64> {
    const POWERS: [i64; 19] = [
        1,
        10,
        100,
        1_000,
        10_000,
        100_000,
        1_000_000,
        10_000_000,
        100_000_000,
        1_000_000_000,
        10_000_000_000,
        100_000_000_000,
        1_000_000_000_000,
        10_000_000_000_000,
        100_000_000_000_000,
        1_000_000_000_000_000,
        10_000_000_000_000_000,
        100_000_000_000_000_000,
        1_000_000_000_000_000_000,
    ];
    match usize::try_from(exponent).ok().and_then(|exponent| POWERS.get(exponent)) {
        Some(power) => number.checked_mul(*power),
        None => (number == 0).then_some(0),
    }
}

/// `number / 10^scale`.
pub(crate) fn decimal(number: u64, scale: u32) -> Decimal {
    Number { low: number, high: 0, scale }.decimal()
}

/// The same with a sign.
pub(crate) fn signed(number: i64, scale: u32) -> Decimal {
    let size = decimal(number.unsigned_abs(), scale);
    if number < 0 { -size } else { size }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terms::BookSide;
    use capecrypto_models::decimal::parse;

    #[test]
    fn a_value_fits_at_its_own_scale_and_finer_ones() {
        for (text, scale, want) in [
            ("841039.73", 2, Ok(84_103_973)),
            ("841039.73", 8, Ok(84_103_973_000_000)),
            ("900000.0", 0, Ok(900_000)),
            ("900000.000000000000000000", 0, Ok(900_000)),
            ("0", 18, Ok(0)),
            ("0.000000000000000000000000000", 0, Ok(0)),
            ("0.5", 0, Err(Some(1))),
            ("0.50", 0, Err(Some(1))),
            ("9223372036854775807", 0, Ok(i64::MAX)),
            ("9223372036854775808", 0, Err(None)),
            ("9223372036854775807", 1, Err(None)),
            ("1.0000000000000000000000001", 2, Err(None)),
            ("0.0000000000000000001", 18, Err(Some(19))),
            ("0.0000000000000000001", 20, Ok(10)),
            ("0", 28, Ok(0)),
            ("1", 28, Err(None)),
            ("10", 18, Err(None)),
        ] {
            assert_eq!(fixed(Number::of(parse(text).unwrap()), scale), want, "{text} at {scale}");
        }
    }

    #[test]
    fn back_again_is_the_same_value() {
        for (number, scale, text) in [
            (84_103_973, 2, "841039.73"),
            (i64::MAX, 18, "9.223372036854775807"),
            (i64::MIN + 1, 0, "-9223372036854775807"),
            (0, 3, "0.000"),
        ] {
            assert_eq!(signed(number, scale).to_string(), text);
        }
    }

    #[test]
    fn an_entry_names_the_scales_it_needs() {
        let number = |text| Number::of(parse(text).unwrap());
        let entry =
            |price, amount| Entry { side: BookSide::Bid, price: number(price), amount: number(amount) };
        let scales = Scales { price: 1, amount: 2 };
        assert_eq!(scales.fit(&entry("1.5", "0.25")), Ok((15, 25)));
        assert_eq!(scales.fit(&entry("1.55", "0.25")), Err(Misfit::Finer(Scales { price: 2, amount: 2 })));
        assert_eq!(scales.fit(&entry("1.5", "0.250001")), Err(Misfit::Finer(Scales { price: 1, amount: 6 })));
        assert_eq!(scales.fit(&entry("1.55", "1e20")), Err(Misfit::Large));
        assert_eq!(scales.with(&entry("1.55", "3.10")), Scales { price: 2, amount: 2 });
    }
}

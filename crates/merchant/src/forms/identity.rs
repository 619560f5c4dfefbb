//! What can be told about a person's papers before they are sent.

use capecrypto_models::{Arg, Date, Text};
use capecrypto_rest::Checks;

/// Today's day in UTC by the exchange's clock, if that is known.
pub(crate) fn today(checks: &Checks<'_>) -> Option<Date> {
    Date::of(checks.now()?).ok()
}

/// Compares a South African identity number with its own check digit and with the day of birth. What does not fit is a warning,
/// because the documents' own examples have wrong check digits.
pub(crate) fn south_african(
    number: &str,
    born: Option<Date>,
    at: impl Fn() -> String,
    checks: &mut Checks<'_>,
) {
    const REMEDY: &str = "compare it with the identity document";
    if !is_thirteen_digits(number) {
        checks.warn(at(), "it does not have the 13 digits of a South African identity number", REMEDY);
        return;
    }
    if luhn(number) != 0 {
        checks.warn(at(), "its last digit is not the check digit of the others", REMEDY);
    }
    // The number has the last two digits of the year.
    let begins_with = |day: &str| {
        let parts = [(0..2, 2..4), (2..4, 5..7), (4..6, 8..10)];
        parts.into_iter().all(|(in_number, in_day)| number.get(in_number) == day.get(in_day))
    };
    if born.is_some_and(|born| !begins_with(&born.to_string())) {
        checks.warn(
            at(),
            "its first six digits are not the day of birth",
            "compare both with the identity document",
        );
    }
}

/// Whether a text has the form of a South African identity number.
pub(crate) fn is_thirteen_digits(text: &str) -> bool {
    text.len() == 13 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The sum of Luhn's algorithm, modulo 10; it is zero if the last digit is right.
fn luhn(digits: &str) -> u32 {
    let digits = digits.bytes().rev().map(|byte| u32::from(byte.wrapping_sub(b'0')));
    let weighed = digits.enumerate().map(|(place, digit)| match place % 2 {
        0 => digit,
        _ => digit * 2 / 10 + digit * 2 % 10,
    });
    weighed.sum::<u32>() % 10
}

/// Warns about an identity document whose validity has ended.
pub(crate) fn expiry(until: Option<&Arg<Date>>, checks: &mut Checks<'_>) {
    let until = until.and_then(|until| until.value().ok());
    if let (Some(until), Some(today)) = (until, today(checks))
        && *until < today
    {
        checks.warn("doc_expire", "the identity document is not valid any more", "give one that is valid");
    }
}

/// The text of an argument that was given and is good.
pub(crate) fn given<const MOST: usize>(argument: Option<&Arg<Text<MOST>>>) -> Option<&str> {
    argument?.value().ok().map(Text::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_digit_of_a_south_african_number() {
        // The first is an example of the identity number's description, the others are those of the exchange's documents.
        assert_eq!(luhn("8001015009087"), 0);
        assert_ne!(luhn("8001015009086"), 0);
        assert_ne!(luhn("9001155800087"), 0);
        assert!(is_thirteen_digits("8001015009087") && !is_thirteen_digits("A12345678"));
    }
}

//! Codes of an authenticator.

use crate::{
    Malformed, Sensitive,
    param::{Param, Place},
};
use std::str::FromStr;

/// A code of an authenticator: 6 to 8 digits. It lives about 30 seconds, and is never shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneTimeCode(Sensitive<String>);

impl FromStr for OneTimeCode {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        if (6..=8).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(Self(text.into()));
        }
        Err(Malformed::new("it is not a one-time code (the value is not shown)", "give its 6 to 8 digits"))
    }
}

/// Sent as text, so that zeros at the start stay.
impl Param for OneTimeCode {
    fn write(&self, place: &mut dyn Place) {
        self.0.write(place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_to_eight_digits_are_taken_and_never_shown() {
        for good in ["004217", "0042170", "00421700"] {
            let shown = format!("{:?}", good.parse::<OneTimeCode>().unwrap());
            assert!(!shown.contains("42"), "{shown}");
        }
        for wrong in ["", "04217", "004217001", "00421x", " 04217", "٠٠٤٢١٧"] {
            let error = wrong.parse::<OneTimeCode>().unwrap_err().to_string();
            assert!(wrong.is_empty() || !error.contains(wrong), "{error}");
        }
    }
}

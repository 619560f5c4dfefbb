//! Texts of limited length.

use crate::{
    Arg, Malformed, Sensitive,
    param::{Param, Place},
};
use std::str::FromStr;

/// A text of 1 to `MOST` characters on one line, such as a name or an address. It arrives exactly as it is given.
///
/// It may be personal: `Debug` and errors never show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text<const MOST: usize>(Sensitive<String>);

impl<const MOST: usize> Text<MOST> {
    /// The text itself. Use it only where it is needed.
    pub fn as_str(&self) -> &str {
        self.0.expose()
    }
}

impl<const MOST: usize> FromStr for Text<MOST> {
    type Err = Malformed;

    /// The reason does not quote the text.
    fn from_str(text: &str) -> Result<Self, Malformed> {
        let characters = text.chars().count();
        let why = if text.trim().is_empty() {
            "it is empty".to_owned()
        } else if characters > MOST {
            format!("it is {characters} characters long")
        } else if text.chars().any(char::is_control) {
            "it has a control character, such as a line break".to_owned()
        } else {
            return Ok(Self(text.into()));
        };
        Err(Malformed::new(why, format!("give 1 to {MOST} characters, without control characters")))
    }
}

impl<const MOST: usize> Param for Text<MOST> {
    fn write(&self, place: &mut dyn Place) {
        place.sensitive();
        place.text(self.as_str());
    }
}

impl<const MOST: usize> From<Text<MOST>> for Arg<Text<MOST>> {
    fn from(text: Text<MOST>) -> Self {
        Self::good(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_line_of_text_is_kept_and_control_characters_are_refused() {
        let longest = "é".repeat(255);
        for good in ["Ὀδυσσεύς", "\u{200f}مريم\u{200f}", "👩‍🚀", " padded ", &longest] {
            assert_eq!(good.parse::<Text<255>>().unwrap().as_str(), good);
        }
        let too_long = "é".repeat(256);
        for wrong in ["", "  ", "a\0b", "a\nb", "\u{85}x", &too_long] {
            assert!(wrong.parse::<Text<255>>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn neither_debug_nor_a_refusal_shows_it() {
        assert_eq!(format!("{:?}", "canary".parse::<Text<9>>().unwrap()), "Text(Sensitive(…))");
        assert!(!"canary\0".parse::<Text<9>>().unwrap_err().to_string().contains("canary"));
    }
}

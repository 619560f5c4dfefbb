//! How somebody is reached.

use capecrypto_models::{
    Arg, Malformed, Sensitive,
    param::{Param, Place},
};
use std::str::FromStr;

/// An e-mail address, of at most 254 bytes. Only its form is checked. `Debug` and errors never show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email(Sensitive<String>);

impl Email {
    /// The address itself. Use it only where it is needed.
    pub fn as_str(&self) -> &str {
        self.0.expose()
    }
}

impl FromStr for Email {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let why = match text.rsplit_once('@') {
            _ if text.chars().any(|c| c.is_whitespace() || c.is_control()) => {
                "it has a space or a control character"
            }
            _ if text.len() > 254 => "it is longer than 254 bytes",
            Some((name, domain)) if is_name(name) && is_domain(domain) => return Ok(Self(text.into())),
            _ => "it is not an e-mail address",
        };
        Err(Malformed::new(why, "give one such as jane@example.com"))
    }
}

/// Whether this may stand before the `@`. Quoted names may have any sign.
fn is_name(name: &str) -> bool {
    let quoted = name.len() > 2 && name.starts_with('"') && name.ends_with('"');
    (1..=64).contains(&name.len()) && (quoted || !name.contains('@'))
}

fn is_domain(domain: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c == '-' || c.is_alphanumeric() || !c.is_ascii())
    };
    domain.contains('.') && domain.split('.').all(is_label)
}

impl Param for Email {
    fn write(&self, place: &mut dyn Place) {
        self.0.write(place);
    }
}

impl From<Email> for Arg<Email> {
    fn from(email: Email) -> Self {
        Self::good(email)
    }
}

/// A telephone number in international form, such as `+27821234567`: `+` and 7 to 15 digits. `Debug` and errors never show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhoneNumber(Sensitive<String>);

impl FromStr for PhoneNumber {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let digits = text.strip_prefix('+').unwrap_or_default();
        let is_number = (7..=15).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && !digits.starts_with('0');
        if is_number {
            return Ok(Self(text.into()));
        }
        Err(Malformed::new(
            "it is not a telephone number in international form",
            "give `+`, the country's prefix and the number, without spaces, such as +27821234567",
        ))
    }
}

impl Param for PhoneNumber {
    fn write(&self, place: &mut dyn Place) {
        self.0.write(place);
    }
}

impl From<PhoneNumber> for Arg<PhoneNumber> {
    fn from(number: PhoneNumber) -> Self {
        Self::good(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_of_an_email_is_checked() {
        let long = format!("{}@example.com", "x".repeat(65));
        for good in
            ["jane@example.com", "jane.o'neil+x@sub.example.co.za", "用户@例え.jp", "\"a@b\"@example.com"]
        {
            assert_eq!(good.parse::<Email>().unwrap().as_str(), good);
        }
        for wrong in [
            "",
            "jane",
            "jane@",
            "@example.com",
            "jane@example",
            "jane@example..com",
            "jane@.com",
            "jane@-a.com",
            "a@b@example.com",
            "jane @example.com",
            "jane@exa\0mple.com",
            "jane@example.com\n",
            long.as_str(),
        ] {
            let refused = wrong.parse::<Email>().unwrap_err();
            assert!(wrong.is_empty() || !refused.why().contains(wrong), "{wrong}");
        }
        assert_eq!(format!("{:?}", "jane@example.com".parse::<Email>().unwrap()), "Email(Sensitive(…))");
    }

    #[test]
    fn a_telephone_number_is_international() {
        for good in ["+27821234567", "+1234567", "+123456789012345"] {
            assert!(good.parse::<PhoneNumber>().is_ok(), "{good}");
        }
        for wrong in [
            "",
            "+",
            "0821234567",
            "27821234567",
            "+27 82 123 4567",
            "+0821234567",
            "+123456",
            "+1234567890123456",
        ] {
            assert!(wrong.parse::<PhoneNumber>().is_err(), "{wrong}");
        }
    }
}

//! JSON as text.

use capecrypto_models::{
    Malformed, Sensitive,
    param::{Param, Place},
};
use serde::de::IgnoredAny;
use std::str::FromStr;

/// The text of any JSON. It arrives exactly as it is given.
///
/// It may be personal: `Debug` and errors never show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonText(Sensitive<String>);

impl FromStr for JsonText {
    type Err = Malformed;

    /// The reason does not quote the text.
    fn from_str(text: &str) -> Result<Self, Malformed> {
        match serde_json::from_str::<IgnoredAny>(text) {
            Ok(_) => Ok(Self(text.into())),
            Err(error) => {
                let why = format!("it is not JSON from line {}, column {} on", error.line(), error.column());
                Err(Malformed::new(why, r#"give JSON, such as {"branch":"Cape Town"}"#))
            }
        }
    }
}

impl Param for JsonText {
    fn write(&self, place: &mut dyn Place) {
        self.0.write(place);
    }
}

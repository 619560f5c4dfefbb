//! API key and secret: checked when they are created, hidden when printed, wiped when dropped.

use crate::{CapeSigner, Sign};
use std::{fmt, sync::Arc};
use zeroize::Zeroizing;

/// Which exchange a key belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// A key of the sandbox (it begins with `sandbox_`): worth nothing, and sent to this machine only.
    Sandbox,
    /// Any other key: worth money, and never sent over plain HTTP.
    Real,
}

/// An API key with its secret.
///
/// `Debug` shows neither. Both are wiped from memory when the last clone is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    key: Zeroizing<String>,
    secret: Zeroizing<String>,
}

/// Why credentials are refused. Key and secret are never quoted.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialsError {
    /// An environment variable is missing.
    #[error("the environment variable {0} is not set; set CAPE_API_KEY and CAPE_API_SECRET")]
    Missing(&'static str),
    /// The text is empty.
    #[error("the {0} is empty; copy it again from where the key was created")]
    Empty(&'static str),
    /// A space at the start or end, as a careless paste leaves it.
    #[error("the {0} begins or ends with a space; copy it again without the space")]
    EdgeSpace(&'static str),
    /// In quotation marks, as it stays when a file of variables is not read by a shell.
    #[error("the {0} is in quotation marks; give it without them")]
    Quoted(&'static str),
    /// A line break, tab, or other control character.
    #[error("the {0} holds a control character, such as a line break; copy it again without it")]
    Control(&'static str),
    /// A character outside of ASCII.
    #[error("the {0} holds a character outside of ASCII; copy it again")]
    NotAscii(&'static str),
}

/// With the text, because it is what a program prints whose `main` answers this error.
impl fmt::Debug for CredentialsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CredentialsError").field(&format_args!("{self}")).finish()
    }
}

impl Credentials {
    /// A signer of the exchange's scheme with this key and secret.
    pub fn signer(&self) -> Arc<dyn Sign> {
        Arc::new(CapeSigner::new(self))
    }

    /// Takes a key and its secret as they were shown when the key was created.
    ///
    /// # Errors
    /// [`CredentialsError`] if one of them cannot be valid, so that it never gets into a header.
    pub fn new(key: impl Into<String>, secret: impl Into<String>) -> Result<Self, CredentialsError> {
        let (key, secret) = (Zeroizing::new(key.into()), Zeroizing::new(secret.into()));
        check("API key", &key)?;
        check("API secret", &secret)?;
        Ok(Self { key, secret })
    }

    /// Reads `CAPE_API_KEY` and `CAPE_API_SECRET` from the process's environment.
    ///
    /// # Errors
    /// [`CredentialsError`] if one is missing or cannot be valid.
    pub fn from_env() -> Result<Self, CredentialsError> {
        Self::from_lookup(|name| match std::env::var(name) {
            Ok(value) => Ok(value),
            Err(std::env::VarError::NotPresent) => Err(CredentialsError::Missing(name)),
            Err(std::env::VarError::NotUnicode(_)) => Err(CredentialsError::NotAscii(name)),
        })
    }

    fn from_lookup(
        lookup: impl Fn(&'static str) -> Result<String, CredentialsError>,
    ) -> Result<Self, CredentialsError> {
        Self::new(lookup("CAPE_API_KEY")?, lookup("CAPE_API_SECRET")?)
    }

    /// The API key. It goes into a header. It is not a secret, but it names the account.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The secret's bytes, for signers.
    pub fn secret(&self) -> &[u8] {
        self.secret.as_bytes()
    }

    /// Whether it is a key of the sandbox or a real one.
    pub fn kind(&self) -> KeyKind {
        if self.key.starts_with("sandbox_") { KeyKind::Sandbox } else { KeyKind::Real }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(hidden)")
    }
}

fn check(what: &'static str, text: &str) -> Result<(), CredentialsError> {
    if text.is_empty() {
        Err(CredentialsError::Empty(what))
    } else if text.starts_with(' ') || text.ends_with(' ') {
        Err(CredentialsError::EdgeSpace(what))
    } else if ['"', '\''].iter().any(|mark| text.starts_with(*mark) && text.ends_with(*mark)) {
        Err(CredentialsError::Quoted(what))
    } else if text.chars().any(char::is_control) {
        Err(CredentialsError::Control(what))
    } else if !text.is_ascii() {
        Err(CredentialsError::NotAscii(what))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_variables_are_needed() {
        let only_key = |name| match name {
            "CAPE_API_KEY" => Ok("key".to_owned()),
            name => Err(CredentialsError::Missing(name)),
        };
        let error = Credentials::from_lookup(only_key).unwrap_err();
        assert_eq!(error, CredentialsError::Missing("CAPE_API_SECRET"));
        assert!(error.to_string().contains("CAPE_API_SECRET"));
        let both = Credentials::from_lookup(|name| Ok(name.to_lowercase())).unwrap();
        assert_eq!((both.key(), both.secret()), ("cape_api_key", "cape_api_secret".as_bytes()));
    }
}

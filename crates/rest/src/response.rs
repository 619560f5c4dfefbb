//! Reading a successful answer.

use crate::mask;
use http::HeaderMap;
use serde::de::DeserializeOwned;

/// Status and headers of an answer.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Head {
    /// HTTP status.
    pub status: u16,
    /// Headers; their names match in any case.
    pub headers: HeaderMap,
}

impl Head {
    /// A head, for reading an answer that was kept.
    pub fn new(status: u16, headers: HeaderMap) -> Self {
        Self { status, headers }
    }

    /// A whole number in a header, such as `Total`.
    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.headers.get(name)?.to_str().ok()?.trim().parse().ok()
    }
}

/// Where and why an answer could not be read. Values of the answer are masked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("at {path}: {why}")]
pub struct DecodeError {
    /// JSON path of the first part that does not fit, such as `[3].price`.
    pub path: String,
    /// What was expected.
    pub why: String,
}

/// What can be read from a successful answer.
pub trait FromResponse: Sized {
    /// Reads it.
    ///
    /// # Errors
    /// Where and why it cannot be read.
    fn from_response(head: &Head, body: &[u8]) -> Result<Self, DecodeError>;
}

impl<T: DeserializeOwned> FromResponse for T {
    fn from_response(_: &Head, body: &[u8]) -> Result<Self, DecodeError> {
        decode(body)
    }
}

pub(crate) fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, DecodeError> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let read = serde_path_to_error::deserialize(&mut json).map_err(|error| DecodeError {
        path: error.path().to_string(),
        why: mask::quoted(&error.inner().to_string()),
    })?;
    json.end()
        .map_err(|error| DecodeError { path: ".".to_owned(), why: mask::quoted(&error.to_string()) })?;
    Ok(read)
}

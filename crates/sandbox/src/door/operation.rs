//! What the door offers: one definition for the HTTP door and for the README's table; the library's method stands beside it.

use super::control::{Control, unreadable};
use crate::base::refusal::Refusal;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value as Json, json};

/// One operation.
#[derive(Serialize)]
pub(crate) struct Operation {
    /// The method of [`Control`] that does the same.
    pub(crate) library: &'static str,
    /// `GET` or `POST`.
    pub(crate) method: &'static str,
    /// Behind `/sandbox/`; `{…}` stands for one segment.
    pub(crate) path: &'static str,
    /// What the README says of it: the body, the answer.
    pub(crate) about: &'static str,
    #[serde(skip)]
    pub(crate) run: fn(&Control, &Input<'_>) -> Result<Json, Refusal>,
}

/// What was sent.
pub(crate) struct Input<'a> {
    /// What stands in the path's `{…}`.
    pub(super) segment: &'a str,
    pub(super) body: &'a [u8],
}

impl Input<'_> {
    /// The body as a value.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        serde_json::from_slice(self.body).map_err(|_| unreadable())
    }
}

/// An operation without an answer of its own went well.
pub(super) fn done() -> Result<Json, Refusal> {
    Ok(json!({ "ok": true }))
}

/// What an operation answers with.
pub(super) fn answer(value: &impl Serialize) -> Result<Json, Refusal> {
    serde_json::to_value(value).map_err(|_| unreadable())
}

//! The definition of an operation of the door, used for the HTTP door and for the README's table.

use super::control::{Control, unreadable};
use crate::base::refusal::Refusal;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value as Json, json};

/// One operation of the door.
#[derive(Serialize)]
pub(crate) struct Operation {
    /// The methods of [`Control`] that do the same, separated by commas.
    pub(crate) library: &'static str,
    /// `GET` or `POST`.
    pub(crate) method: &'static str,
    /// The path after `/sandbox/`; `{…}` stands for one segment.
    pub(crate) path: &'static str,
    /// The text in the README: body, effect, answer.
    pub(crate) about: &'static str,
    #[serde(skip)]
    pub(crate) run: fn(&Control, &Input<'_>) -> Result<Json, Refusal>,
}

/// A request to the door.
pub(crate) struct Input<'a> {
    /// The segment of the path at `{…}`.
    pub(super) segment: &'a str,
    pub(super) body: &'a [u8],
}

impl Input<'_> {
    /// The segment of the path as a number.
    pub(super) fn number(&self) -> Result<u64, Refusal> {
        self.segment.parse().map_err(|_| unreadable())
    }

    /// The body as a value.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        serde_json::from_slice(self.body).map_err(|_| unreadable())
    }
}

/// The answer of an operation that returns nothing.
pub(super) fn done() -> Result<Json, Refusal> {
    Ok(json!({ "ok": true }))
}

/// The answer of an operation, as JSON.
pub(super) fn answer(value: &impl Serialize) -> Result<Json, Refusal> {
    serde_json::to_value(value).map_err(|_| unreadable())
}

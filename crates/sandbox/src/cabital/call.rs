//! A call, as it came.

use super::{failure::Failure, room::Room};
use http::request::Parts;
use serde_json::{Map, Value as Json};

/// What a handler gets.
pub(super) struct Call<'a> {
    pub(super) room: &'a Room,
    pub(super) segments: &'a [String],
    pub(super) query: Vec<(String, String)>,
    pub(super) head: &'a Parts,
    pub(super) body: Map<String, Json>,
}

impl Call<'_> {
    pub(super) fn segment(&self, place: usize) -> &str {
        self.segments.get(place).map(String::as_str).unwrap_or_default()
    }

    /// A parameter of the query.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A text of the body that may be left out.
    pub(super) fn optional(&self, name: &str) -> Result<Option<String>, Failure> {
        match self.body.get(name) {
            None | Some(Json::Null) => Ok(None),
            Some(Json::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(Failure::bad(format!("{name} must be a text"))),
        }
    }

    /// A text of the body.
    pub(super) fn required(&self, name: &str) -> Result<String, Failure> {
        self.optional(name)?.ok_or_else(|| Failure::bad(format!("{name} is missing")))
    }
}

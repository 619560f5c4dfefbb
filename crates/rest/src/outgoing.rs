//! A call on its way out.

use crate::{Call, Part, PartContent, motion::Progress};
use bytes::Bytes;
use capecrypto_models::Sensitive;
use std::sync::Arc;

/// A call, ready to be sent.
#[derive(Clone)]
pub(crate) struct Outgoing {
    pub(crate) call: Call,
    pub(crate) path_and_query: String,
    pub(crate) content: Content,
    pub(crate) acting_as: Option<Arc<str>>,
    pub(crate) hint: fn(&str) -> Option<&'static str>,
    /// Whether sending it twice has the same effect as sending it once.
    pub(crate) idempotent: bool,
    /// Whether it may be sent a second time with the same nonce.
    pub(crate) same_key: bool,
    /// Whether it leaves before other calls that wait for the rate limit.
    pub(crate) urgent: bool,
    /// Values that neither a recording nor an intent may show; collected only for calls that have one.
    pub(crate) secrets: Vec<Sensitive<String>>,
}

/// The body that a call sends.
#[derive(Clone, Default)]
pub(crate) enum Content {
    #[default]
    Nothing,
    Json(Bytes),
    /// Fields of a form, and the function that is called with a file's progress.
    Form(Vec<Part>, Option<Progress>),
}

impl Content {
    /// The bytes that a signature may cover. A form is encoded while it is sent, so no scheme covers it.
    pub(crate) fn signed_bytes(&self) -> &[u8] {
        match self {
            Self::Json(body) => body,
            Self::Nothing | Self::Form(..) => &[],
        }
    }

    /// Whether it can be sent a second time.
    pub(crate) fn is_repeatable(&self) -> bool {
        let Self::Form(parts, _) = self else { return true };
        parts.iter().all(|part| match &part.content {
            PartContent::Text(_) => true,
            PartContent::File(file) => file.source().is_none_or(|source| source.is_repeatable()),
        })
    }
}

//! In place of `recording.rs` without the feature `recording`: a client has no recorder and no recording.

use crate::{
    Error, Head,
    connection::{AnswerBody, Http, RequestBody},
    motion::Motion,
    outgoing::Outgoing,
    transport::Shared,
};
use capecrypto_auth::Credentials;

/// The tape that a builder was given: none.
#[derive(Debug, Default)]
pub(crate) struct Tapes {}

/// The tape of a client: none.
#[derive(Debug)]
pub(crate) enum Tape {}

impl Tapes {
    pub(crate) fn replays(&self) -> bool {
        false
    }

    pub(crate) fn tape(self, _: Option<&Credentials>) -> Result<Option<Tape>, Error> {
        Ok(None)
    }
}

impl Tape {
    pub(crate) async fn carry(
        &self,
        _: &Http,
        _: http::Request<RequestBody>,
        _: &Outgoing,
        _: &Motion,
    ) -> Result<(Head, AnswerBody), Error> {
        match *self {}
    }
}

impl Shared {
    pub(crate) fn replays(&self) -> bool {
        false
    }
}

//! The seam between a signature scheme and the transport.

use std::fmt;
use zeroize::Zeroizing;

/// One attempt at a request, as a signature scheme sees it.
///
/// Everything that a scheme might cover is here, and all of it is a value: the signer asks no clock and keeps no
/// state, so the same input gives the same headers.
#[derive(Clone, Copy)]
pub struct ToSign<'a> {
    /// Strictly rising number of this attempt: Unix milliseconds, or more where two fall into one.
    pub nonce: u64,
    /// The exchange's time in Unix milliseconds.
    pub unix_millis: u64,
    /// Upper-case method.
    pub method: &'a str,
    /// Path from the host's root, with the query string.
    pub path_and_query: &'a str,
    /// The body's bytes; empty where there is none.
    pub body: &'a [u8],
    /// The sub-account, customer or merchant to act for.
    pub acting_as: Option<&'a str>,
}

impl fmt::Debug for ToSign<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Query and body may hold pins and invoices.
        f.debug_struct("ToSign")
            .field("nonce", &self.nonce)
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}

/// A header that a signature scheme adds. Its value is wiped when dropped and never printed.
pub struct SignedHeader {
    /// Lower-case name, as HTTP headers are named. Any other text makes the transport refuse the call.
    pub name: &'static str,
    /// ASCII value.
    pub value: Zeroizing<String>,
}

impl fmt::Debug for SignedHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: (hidden)", self.name)
    }
}

/// What an answer says about the signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rejection {
    /// The nonce was too old or too new: signed afresh, the request may be sent once more.
    Expired,
    /// The signature, the key or its rights were refused. Sending again changes nothing.
    Final,
    /// The gateway lets nobody in at the moment.
    Maintenance,
}

/// A signature scheme.
pub trait Sign: fmt::Debug + Send + Sync {
    /// The headers that authenticate this attempt.
    fn sign(&self, request: &ToSign<'_>) -> Vec<SignedHeader>;

    /// Whether an answer with this status and code comes from the check of the signature, before anything else was
    /// looked at: then nothing was done. Of [`Rejection::Expired`] the transport asks for more before it sends a write once
    /// more: the code must be all that the answer says.
    fn rejection(&self, status: u16, code: &str) -> Option<Rejection>;

    /// What to do about such a code.
    fn hint(&self, code: &str) -> Option<&'static str> {
        let _ = code;
        None
    }
}

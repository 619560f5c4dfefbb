//! The interface between a signature scheme and the transport.

use std::fmt;
use zeroize::Zeroizing;

/// One attempt at a request, as a signature scheme sees it.
///
/// It holds everything that a scheme may need, as values. A signer uses no clock and keeps no state, so the same input
/// gives the same headers.
#[derive(Clone, Copy)]
pub struct ToSign<'a> {
    /// Number of this attempt, strictly rising: Unix milliseconds, or more if two attempts are in the same millisecond.
    pub nonce: u64,
    /// The exchange's time in Unix milliseconds.
    pub unix_millis: u64,
    /// HTTP method, in upper case.
    pub method: &'a str,
    /// Path from the host's root, with the query string.
    pub path_and_query: &'a str,
    /// The body's bytes; empty if there is no body.
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
    /// The nonce was too old or too new: the request may be signed again and sent once more.
    Expired,
    /// The signature, the key or its rights were refused. Sending again does not help.
    Final,
    /// The gateway accepts no requests at the moment.
    Maintenance,
}

/// A signature scheme.
pub trait Sign: fmt::Debug + Send + Sync {
    /// The headers that authenticate this attempt.
    fn sign(&self, request: &ToSign<'_>) -> Vec<SignedHeader>;

    /// Whether an answer with this status and code proves that the request failed the check of the signature, so that
    /// nothing was done. Before the transport sends a write again after [`Rejection::Expired`], it also checks that the
    /// answer holds nothing but this code.
    fn rejection(&self, status: u16, code: &str) -> Option<Rejection>;

    /// What the user can do about an error code.
    fn hint(&self, code: &str) -> Option<&'static str> {
        let _ = code;
        None
    }
}

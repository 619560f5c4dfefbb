//! Why a stream could not be opened or changed.

use capecrypto_models::Malformed;
use std::fmt;

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// An argument was refused; nothing left the process.
    InvalidArgument,
    /// There is no tokio runtime with timers here; call it within one, such as `#[tokio::main]` gives.
    Runtime,
    /// The connection could not be made. The cause is the error's source.
    Connect,
    /// The stream has ended.
    Ended,
}

/// Why a stream could not be opened or changed.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    what: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    pub(crate) fn argument(argument: &str, refusal: &Malformed) -> Self {
        Self { kind: Kind::InvalidArgument, what: format!("{argument}: {refusal}"), source: None }
    }

    pub(crate) fn new(kind: Kind, what: impl Into<String>) -> Self {
        Self { kind, what: what.into(), source: None }
    }

    pub(crate) fn connect(what: String, source: Option<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { kind: Kind::Connect, what, source }
    }

    /// What went wrong.
    pub fn kind(&self) -> Kind {
        self.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            Kind::InvalidArgument => "invalid argument: ",
            Kind::Runtime => "no runtime: ",
            Kind::Connect => "the stream could not be opened: ",
            Kind::Ended => "the stream has ended: ",
        })?;
        f.write_str(&self.what)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| -> &(dyn std::error::Error + 'static) { source })
    }
}

//! What can go wrong, without what it was about.

use redis::ErrorKind;
use std::fmt;

/// Why the store could not do something. It quotes no password and no body.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RedisError {
    /// The prefix is empty, or has braces, which the store puts around it.
    #[error("the prefix of the keys is refused: give a text without braces, such as cape:inbox")]
    Prefix,
    /// The address of the server cannot be read.
    #[error(
        "the address of the server cannot be read: give redis://user:password@host:6379/0, without TLS (for TLS, give a \
         connection to RedisStore::new)"
    )]
    Address,
    /// There is no connection, or it was lost before the answer came.
    #[error("there is no connection to Redis: {0}")]
    NoConnection(Box<str>),
    /// The keys have something that this crate does not write there.
    #[error(
        "the keys of this prefix have something that this crate does not write there: give the inbox a prefix of its own"
    )]
    Unreadable,
    /// The server refused something.
    #[error("Redis: {code}: {message}")]
    Server {
        /// The first word of its answer, such as `OOM`.
        code: Box<str>,
        /// The rest.
        message: Box<str>,
    },
}

/// With the text, because it is what a program prints whose `main` answers this error.
impl fmt::Debug for RedisError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RedisError").field(&format_args!("{self}")).finish()
    }
}

impl From<redis::RedisError> for RedisError {
    fn from(error: redis::RedisError) -> Self {
        match (error.kind(), error.code()) {
            // What could not be read may be a body, so it is not repeated.
            (ErrorKind::UnexpectedReturnType | ErrorKind::Parse, _) => Self::Unreadable,
            (_, Some(code)) => {
                Self::Server { code: code.into(), message: error.detail().unwrap_or("no details").into() }
            }
            (ErrorKind::Io, None) => Self::NoConnection(error.to_string().into()),
            _ => Self::NoConnection(error.category().into()),
        }
    }
}

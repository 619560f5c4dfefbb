//! Why a delivery is refused.

use capecrypto_models::UnreadableEvent;
use std::fmt;

/// Why a delivery is refused. It quotes neither the body nor the header nor a secret, so it can be logged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Rejection {
    /// The body is longer than [`MAX_BODY`](crate::MAX_BODY). It has this many bytes, or more if it was not read to its end.
    #[error("the body has {0} bytes or more, and at most 1048576 are taken")]
    TooLarge(usize),
    /// There is no header `X-Auth-Webhook`.
    #[error(
        "there is no header X-Auth-Webhook: whoever sent this does not know the secret, or the webhook has \
         no protocol at the exchange, or a proxy on the way removes the header"
    )]
    Missing,
    /// There are several headers `X-Auth-Webhook`. The exchange sends one.
    #[error("there are several headers X-Auth-Webhook, and the exchange sends one")]
    Several,
    /// The header is not the base64 of 32 bytes, in its only canonical form.
    #[error(
        "the header X-Auth-Webhook is not the base64 of an HMAC-SHA256 (44 characters, the last one `=`): \
         whoever sent this does not know the secret, or the webhook's protocol at the exchange is not hmac"
    )]
    Malformed,
    /// The header fits none of the secrets.
    #[error(
        "the header X-Auth-Webhook fits none of the secrets: whoever sent this does not know them, or the webhook \
         has another secret or protocol at the exchange, or these are not the bytes that came (they must not be \
         decompressed, or parsed and written again)"
    )]
    WrongSignature,
    /// The body has a `Content-Encoding`, such as `gzip`. It is never decompressed: the signature covers the bytes that were
    /// sent, and they are sent plain.
    #[error(
        "the body has a Content-Encoding, and the sender gives none: let no proxy on the way compress it"
    )]
    Encoded,
    /// The connection ended before the body did.
    #[error("the body ended too early")]
    Interrupted,
    /// The body took too long.
    #[error("the body did not come within 10 seconds")]
    TooSlow,
    /// The method is none of these.
    #[error("the method is not {}", .0.join(" or "))]
    Method(&'static [&'static str]),
    /// The body has nothing but white space.
    #[error("the body is empty")]
    Empty,
    /// The body is not UTF-8.
    #[error("the body is not UTF-8")]
    NotUtf8,
    /// The body is not JSON.
    #[error("the body is not JSON")]
    NotJson,
    /// The body is JSON, and not an object with one text `event`.
    #[error("the body is not an object with one text `event`")]
    NoEvent,
    /// A field of a known event is missing or cannot be read.
    #[error(transparent)]
    Unreadable(UnreadableEvent),
    /// The reason of another [`Sender`](crate::Sender). It must quote neither the body nor a header nor a secret.
    #[error("{why}")]
    Other {
        /// The status to answer: 401 if nothing proves who sent it, otherwise 400.
        status: u16,
        /// Why.
        why: Box<str>,
    },
}

impl Rejection {
    /// Whether the sender is proved, as far as it proves itself, and the body is no event that this version can read.
    #[cfg(feature = "receiver")]
    pub(crate) fn is_unreadable(&self) -> bool {
        match self {
            Self::Empty | Self::NotUtf8 | Self::NotJson | Self::NoEvent | Self::Unreadable(_) => true,
            Self::Other { status, .. } => *status == 400,
            _ => false,
        }
    }

    /// The status to answer: 401 if nothing proves who sent it, 405 for another method, 408 for a body that took too
    /// long, 413 for one that is too long, otherwise 400.
    ///
    /// The exchange repeats whatever is not answered 2xx, seven times within four hours. So a secret that is put right within
    /// that time loses nothing.
    pub fn status(&self) -> u16 {
        match self {
            Self::Missing | Self::Several | Self::Malformed | Self::WrongSignature => 401,
            Self::Method(_) => 405,
            Self::TooSlow => 408,
            Self::TooLarge(_) => 413,
            Self::Other { status, .. } => *status,
            Self::Encoded
            | Self::Interrupted
            | Self::Empty
            | Self::NotUtf8
            | Self::NotJson
            | Self::NoEvent
            | Self::Unreadable(_) => 400,
        }
    }
}

/// Why a secret is refused. It is never quoted.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// The secret is empty. Anybody can sign with it.
    #[error(
        "the secret '{0}' is empty, and anybody can sign with it: give the one that the webhook has at the exchange"
    )]
    Empty(Box<str>),
    /// The secret begins or ends with white space, as a line of a file or a careless paste leaves it.
    #[error("the secret '{0}' begins or ends with white space: copy it again without that")]
    EdgeSpace(Box<str>),
    /// The name is empty.
    #[error("a secret has an empty name: give it one that a log may show, such as \"2026-04\"")]
    Nameless,
    /// Two secrets have the same name.
    #[error("two secrets are named '{0}': give each a name of its own")]
    SameName(Box<str>),
    /// An unauthenticated verifier compares no secret.
    #[error("the secret '{0}' would never be compared: begin with Verifier::hmac instead of unauthenticated")]
    Unused(Box<str>),
}

/// With the text, because it is what a program prints whose `main` answers this error.
impl fmt::Debug for SecretError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SecretError").field(&format_args!("{self}")).finish()
    }
}

//! Who sent a callback.

use super::{
    event::{Callback, Unreadable},
    replays::{KEPT, Replays, Seen},
};
use crate::signer::{PartnerSigner, Scheme};
use capecrypto_auth::Credentials;
use capecrypto_models::Timestamp;
use capecrypto_webhook::{EventKey, Inbox, Store, Taken};
use http::HeaderMap;
use sha2::{Digest as _, Sha256};
use std::{fmt, sync::Arc, time::Duration};
use subtle::ConstantTimeEq;

/// The longest body that is taken, in bytes: 1 MiB. Cabital's own have less than 1 KiB.
pub const MAX_BODY: usize = 1 << 20;

/// How far the signed time may be ahead: the difference of clocks that the documents allow.
const AHEAD: Duration = Duration::from_secs(30);

/// Checks who sent a callback.
///
/// The signature covers time, method, nonce, path and body, as that of a call does. A delivery is taken for 48 hours after its signed time,
/// because Cabital repeats one for a day and the documents do not say whether it signs it afresh. Within that time its nonce, and the key
/// of its event in the [`Inbox`](capecrypto_webhook::Inbox), tell that it came before.
#[derive(Clone)]
pub struct Verifier {
    signers: Vec<Arc<PartnerSigner>>,
    replays: Arc<Replays>,
}

/// A callback that Cabital sent. `Debug` leaves out the body.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verified {
    /// What it says.
    pub callback: Callback,
    /// The key of its event.
    pub key: EventKey,
    /// The time that it is signed with.
    pub signed_at: Timestamp,
    /// Whether its nonce came before, with the same bytes.
    pub is_repeated: bool,
    /// The body as it came, for a store.
    pub body: Box<str>,
}

impl fmt::Debug for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verified")
            .field("callback", &self.callback)
            .field("key", &self.key)
            .field("signed_at", &self.signed_at)
            .field("is_repeated", &self.is_repeated)
            .finish_non_exhaustive()
    }
}

/// Why a callback is refused. It quotes neither the body nor a header, so it can be logged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Rejection {
    /// The body is longer than [`MAX_BODY`].
    #[error("the body has {0} bytes, and at most 1048576 are taken")]
    TooLarge(usize),
    /// One of the four headers is missing, is there twice, or is not text.
    #[error("the header {0} is missing, is there twice, or is not text")]
    Header(&'static str),
    /// The key is not the partner's.
    #[error("the key in ACCESS-KEY is not one of those that this program has")]
    UnknownKey,
    /// The signature does not fit.
    #[error(
        "the signature does not fit: whoever sent this does not know the secret, or method, path or body are not those that came, or \
         Scheme has other settings than Cabital"
    )]
    WrongSignature,
    /// The signed time is more than 30 seconds ahead.
    #[error("its signed time is ahead of this machine's clock by more than 30 s: compare the clocks")]
    Early,
    /// The signed time is more than 48 hours ago.
    #[error("its signed time is more than 48 hours ago, so nobody can tell whether it was handled before")]
    Late,
    /// The nonce came before, with other bytes.
    #[error("its nonce came before with another content")]
    NonceReused,
    /// The body is signed, and cannot be read.
    #[error(transparent)]
    Unreadable(Unreadable),
}

impl Rejection {
    /// The status to answer: 401 if nothing proves who sent it now, 413 for a body that is too long, otherwise 400.
    pub fn status(&self) -> u16 {
        match self {
            Self::TooLarge(_) => 413,
            Self::Unreadable(_) => 400,
            _ => 401,
        }
    }
}

impl Verifier {
    /// Takes what is signed with this key and secret.
    pub fn new(credentials: &Credentials, scheme: Scheme) -> Self {
        Self {
            signers: vec![Arc::new(PartnerSigner::new(credentials, scheme))],
            replays: Arc::new(Replays::new()),
        }
    }

    /// Takes another key too, so that a key can be changed without losing a callback.
    #[must_use]
    pub fn also(mut self, credentials: &Credentials, scheme: Scheme) -> Self {
        self.signers.push(Arc::new(PartnerSigner::new(credentials, scheme)));
        self
    }

    /// Checks a delivery and reads its event. `method` is that of the request in capital letters (POST for the state of an account, PUT
    /// for that of a link), `path` is the path with the query as Cabital called it, `body` the bytes as they came.
    ///
    /// # Errors
    /// [`Rejection`], which names the [status](Rejection::status) to answer.
    pub fn verify(
        &self,
        method: &str,
        path: &str,
        headers: &HeaderMap,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Verified, Rejection> {
        if body.len() > MAX_BODY {
            return Err(Rejection::TooLarge(body.len()));
        }
        let key = only(headers, "ACCESS-KEY")?;
        let seconds = only(headers, "ACCESS-TIMESTAMP")?;
        let nonce = only(headers, "ACCESS-NONCE")?;
        let given = only(headers, "ACCESS-SIGN")?;
        // Leading zeros and signs are signed as they came, and Cabital sends none.
        let written: u64 = seconds.parse().map_err(|_| Rejection::Header("ACCESS-TIMESTAMP"))?;
        if written.to_string() != seconds {
            return Err(Rejection::Header("ACCESS-TIMESTAMP"));
        }
        let mut with_key = self.signers.iter().filter(|signer| signer.key() == key).peekable();
        if with_key.peek().is_none() {
            return Err(Rejection::UnknownKey);
        }
        let fits = |signer: &Arc<PartnerSigner>| {
            let expected = signer.signature(written, method, nonce, path, body);
            bool::from(expected.as_bytes().ct_eq(given.as_bytes()))
        };
        // All of them are compared, whichever fits.
        if !with_key.map(fits).fold(false, |any, one| any | one) {
            return Err(Rejection::WrongSignature);
        }
        let signed_at = i64::try_from(written).ok().and_then(|at| Timestamp::from_unix_seconds(at).ok());
        let signed_at = signed_at.ok_or(Rejection::Header("ACCESS-TIMESTAMP"))?;
        if now.checked_add(AHEAD).is_some_and(|latest| signed_at > latest) {
            return Err(Rejection::Early);
        }
        if now.checked_sub(KEPT).is_some_and(|oldest| signed_at < oldest) {
            return Err(Rejection::Late);
        }
        let callback = Callback::from_json(body).map_err(Rejection::Unreadable)?;
        let digest: [u8; 32] = Sha256::digest(body).into();
        let is_repeated = match self.replays.note(nonce, digest, now) {
            Seen::New => false,
            Seen::Again => true,
            Seen::Reused => return Err(Rejection::NonceReused),
        };
        // It was read as UTF-8 above.
        let body = String::from_utf8_lossy(body).trim_ascii().into();
        Ok(Verified { key: callback.key(), callback, signed_at, is_repeated, body })
    }
}

impl Verified {
    /// Takes the event from an inbox, which gives each one once. Keys must be kept for 48 hours at least, and they are.
    ///
    /// # Errors
    /// The store's. Answer 503: then the event comes again.
    pub async fn take<'a, S: Store>(
        &self,
        inbox: &'a Inbox<S>,
        now: Timestamp,
    ) -> Result<Taken<'a, S>, S::Error> {
        inbox.take_other(&self.key, Some(self.signed_at), now).await
    }
}

/// The value of the only header with this name.
fn only<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<&'a str, Rejection> {
    let mut values = headers.get_all(name).iter();
    match (values.next().and_then(|value| value.to_str().ok()), values.next()) {
        (Some(value), None) if !value.is_empty() => Ok(value),
        _ => Err(Rejection::Header(name)),
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").field("keys", &self.signers.len()).finish_non_exhaustive()
    }
}

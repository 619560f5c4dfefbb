//! Who sent a callback.

use super::{
    event::{Callback, Unreadable},
    replays::{KEPT, Replays},
};
use crate::signer::{PartnerSigner, Scheme};
use capecrypto_auth::Credentials;
use capecrypto_models::Timestamp;
use capecrypto_webhook::{Delivery, Sender};
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

/// A callback that Cabital sent. Its `time` is the one that it is signed with; its `secret_name` is `1` if the key of [`Verifier::new`]
/// fitted, `2` for the first of [`Verifier::also`], and so on.
pub type Verified = capecrypto_webhook::Verified<Callback>;

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
        Self { signers: vec![Arc::new(PartnerSigner::new(credentials, scheme))], replays: Arc::default() }
    }

    /// Takes another key too, so that a key can be changed without losing a callback. Remove the old one when the `secret_name` of no
    /// delivery has told its number for a day, the time of all repetitions.
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
        let mut with_key = (1..).zip(&self.signers).filter(|(_, signer)| signer.key() == key).peekable();
        if with_key.peek().is_none() {
            return Err(Rejection::UnknownKey);
        }
        // All of them are compared, whichever fits.
        let fitting = with_key.fold(None, |fitting, (number, signer): (u32, _)| {
            let expected = signer.signature(written, method, nonce, path, body);
            let fits = bool::from(expected.as_bytes().ct_eq(given.as_bytes()));
            fitting.or(fits.then_some(number))
        });
        let number = fitting.ok_or(Rejection::WrongSignature)?;
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
        if !self.replays.fits(nonce, digest, now) {
            return Err(Rejection::NonceReused);
        }
        // It was read as UTF-8 above.
        let body = String::from_utf8_lossy(body);
        let key = callback.key();
        Ok(Verified::new(callback, key, Some(signed_at), body.trim_ascii()).by_secret(number.to_string()))
    }
}

/// POST tells the state of an account or a transfer, PUT that of a link.
impl Sender for Verifier {
    type Event = Callback;

    const METHODS: &'static [&'static str] = &["POST", "PUT"];

    fn check(
        &self,
        delivery: &Delivery<'_>,
        now: Timestamp,
    ) -> Result<Verified, capecrypto_webhook::Rejection> {
        let Delivery { method, path, headers, body } = *delivery;
        self.verify(method, path, headers, body, now).map_err(|rejection| match rejection {
            Rejection::TooLarge(bytes) => capecrypto_webhook::Rejection::TooLarge(bytes),
            other => {
                capecrypto_webhook::Rejection::Other { status: other.status(), why: other.to_string().into() }
            }
        })
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

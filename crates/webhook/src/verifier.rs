//! Who sent a delivery.

use crate::{EventKey, Rejection, SecretError, Verified, read};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use capecrypto_models::Sensitive;
use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use sha2::{Digest, Sha256};
use std::{fmt, sync::Arc};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};
use zeroize::Zeroizing;

/// The header that proves who sent a delivery.
pub const HEADER: &str = "x-auth-webhook";

/// The longest body that is taken, in bytes: 1 MiB. The exchange's own have less than 1 KiB.
pub const MAX_BODY: usize = 1 << 20;

/// Bytes of a digest, and characters of its base64.
const DIGEST: usize = 32;
const ENCODED: usize = 44;

/// Checks who sent a delivery, and reads its event (documents: "Webhook Verification").
///
/// The signature covers the body alone: it has neither a time nor a number. So a delivery that somebody has seen stays valid
/// for ever. Only the [key](EventKey) of its event, kept by an [`Inbox`](crate::Inbox), tells that it came before.
///
/// A comparison takes the same time wherever the bytes differ, and all secrets are tried whichever fits. `Debug` hides the
/// secrets, and they are wiped from memory when the verifier is dropped.
#[derive(Clone)]
pub struct Verifier(Protocol);

#[derive(Clone)]
enum Protocol {
    /// Set up once and cloned for each delivery, which is cheaper than setting it up each time.
    Hmac(Vec<Named<Hmac<Sha256>>>),
    /// The secret's SHA-256. Digests have one length, so the comparison does not tell how long the secret is.
    PlainText(Vec<Named<Zeroizing<[u8; DIGEST]>>>),
    None,
}

#[derive(Clone)]
struct Named<T> {
    name: Arc<str>,
    secret: T,
}

impl Verifier {
    /// For the protocol `hmac`: the header is the base64 of the body's HMAC-SHA256 under the secret. Use this one.
    ///
    /// The name is yours. It is shown in logs, so that you see when no delivery uses an old secret any more.
    ///
    /// # Errors
    /// [`SecretError`] if the secret is empty or has white space at an end, or if the name is empty.
    pub fn hmac(name: &str, secret: impl Into<Sensitive<String>>) -> Result<Self, SecretError> {
        Self(Protocol::Hmac(Vec::new())).also(name, secret)
    }

    /// For the protocol `plain_text`: the header is the secret itself.
    ///
    /// It proves less than [`hmac`](Self::hmac): whoever sees one delivery knows the secret and can write any other. The
    /// documents recommend it for tests only.
    ///
    /// # Errors
    /// Those of [`hmac`](Self::hmac).
    pub fn plain_text(name: &str, secret: impl Into<Sensitive<String>>) -> Result<Self, SecretError> {
        Self(Protocol::PlainText(Vec::new())).also(name, secret)
    }

    /// For the protocol `none`: takes **every** delivery that can be read, whoever sent it.
    ///
    /// Anybody who knows or guesses the address can then tell your program that a payment is complete. The header is not looked
    /// at. So let nobody but the exchange reach the address (a list of allowed addresses at your proxy, or a long random path
    /// that no log shows), and before you act on an event, read its payment reference or deposit from the exchange.
    pub fn unauthenticated() -> Self {
        Self(Protocol::None)
    }

    /// Takes another secret of the same protocol too, to change the secret without losing a delivery: add the new one here, set
    /// it at the exchange, and remove the old one when [`Verified::secret_name`] has not named it for four hours, the time of
    /// all repetitions.
    ///
    /// # Errors
    /// [`SecretError`] if the secret is empty or has white space at an end, if the name is empty or taken, or if the verifier
    /// is [`unauthenticated`](Self::unauthenticated).
    pub fn also(mut self, name: &str, secret: impl Into<Sensitive<String>>) -> Result<Self, SecretError> {
        let secret: Sensitive<String> = secret.into();
        let text = secret.expose();
        if name.is_empty() {
            return Err(SecretError::Nameless);
        }
        if text.is_empty() {
            return Err(SecretError::Empty(name.into()));
        }
        if text.trim() != text {
            return Err(SecretError::EdgeSpace(name.into()));
        }
        if self.names().any(|known| known == name) {
            return Err(SecretError::SameName(name.into()));
        }
        match &mut self.0 {
            Protocol::Hmac(secrets) => secrets.push(Named { name: name.into(), secret: keyed(text) }),
            Protocol::PlainText(secrets) => {
                let secret = Zeroizing::new(Sha256::digest(text.as_bytes()).into());
                secrets.push(Named { name: name.into(), secret });
            }
            Protocol::None => return Err(SecretError::Unused(name.into())),
        }
        Ok(self)
    }

    /// The names of its secrets, in the order in which they were given.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let (macs, texts) = match &self.0 {
            Protocol::Hmac(secrets) => (secrets.as_slice(), [].as_slice()),
            Protocol::PlainText(secrets) => ([].as_slice(), secrets.as_slice()),
            Protocol::None => ([].as_slice(), [].as_slice()),
        };
        macs.iter().map(|secret| &*secret.name).chain(texts.iter().map(|secret| &*secret.name))
    }

    /// Checks a delivery and reads its event. `headers` are those of the request, `body` the bytes as they came: not
    /// decompressed, and not parsed and written again.
    ///
    /// # Errors
    /// [`Rejection`], which names the [status](Rejection::status) to answer.
    pub fn verify(&self, headers: &HeaderMap, body: &[u8]) -> Result<Verified, Rejection> {
        self.verify_values(headers.get_all(HEADER).iter().map(http::HeaderValue::as_bytes), body)
    }

    /// Like [`verify`](Self::verify), for a framework with other types: `values` are those of all headers with the name
    /// [`HEADER`], in any case of letters.
    ///
    /// # Errors
    /// [`Rejection`], which names the [status](Rejection::status) to answer.
    pub fn verify_values<'a>(
        &self,
        values: impl IntoIterator<Item = &'a [u8]>,
        body: &[u8],
    ) -> Result<Verified, Rejection> {
        let secret_name = self.authenticate(values, body)?;
        let (event, body) = read::event(body)?;
        let (key, time) = (EventKey::of(&event), event.created_at());
        Ok(Verified { event, secret_name, key, time, body: body.into() })
    }

    /// Checks only who sent the body, and answers the name of the secret that fitted. The body may be anything.
    ///
    /// # Errors
    /// [`Rejection`] with the status 401 or 413.
    pub fn authenticate<'a>(
        &self,
        values: impl IntoIterator<Item = &'a [u8]>,
        body: &[u8],
    ) -> Result<Option<Arc<str>>, Rejection> {
        if body.len() > MAX_BODY {
            return Err(Rejection::TooLarge(body.len()));
        }
        let matched = match &self.0 {
            Protocol::Hmac(secrets) => {
                let given = decoded(only(values)?)?;
                matching(secrets, &given, |mac| mac.clone().chain_update(body).finalize().into_bytes().into())
            }
            Protocol::PlainText(secrets) => {
                let given = Zeroizing::new(Sha256::digest(only(values)?).into());
                matching(secrets, &given, |digest| **digest)
            }
            Protocol::None => return Ok(None),
        };
        matched.map(Some).ok_or(Rejection::WrongSignature)
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let protocol = match &self.0 {
            Protocol::Hmac(_) => "hmac",
            Protocol::PlainText(_) => "plain_text",
            Protocol::None => "none",
        };
        let names: Vec<&str> = self.names().collect();
        f.debug_struct("Verifier").field("protocol", &protocol).field("names", &names).finish_non_exhaustive()
    }
}

/// An HMAC under this secret.
#[allow(clippy::expect_used, reason = "HMAC takes a key of any length")]
pub(crate) fn keyed(secret: &str) -> Hmac<Sha256> {
    Hmac::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length")
}

/// The value of the only header.
fn only<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> Result<&'a [u8], Rejection> {
    let mut values = values.into_iter();
    let value = values.next().ok_or(Rejection::Missing)?;
    if values.next().is_some() { Err(Rejection::Several) } else { Ok(value) }
}

/// The digest in a header. Each digest has one text: this decoder refuses other alphabets, missing padding, and bits behind the
/// end.
fn decoded(value: &[u8]) -> Result<[u8; DIGEST], Rejection> {
    // One more byte than a digest needs: the decoder asks for room for whole groups.
    let mut digest = [0; DIGEST + 1];
    if value.len() != ENCODED || STANDARD.decode_slice(value, &mut digest) != Ok(DIGEST) {
        return Err(Rejection::Malformed);
    }
    let (digest, _) = digest.split_first_chunk().ok_or(Rejection::Malformed)?;
    Ok(*digest)
}

/// The name of the first secret that fits. It compares all of them, so that its duration does not tell which one fits.
fn matching<T>(
    secrets: &[Named<T>],
    given: &[u8; DIGEST],
    expected: impl Fn(&T) -> [u8; DIGEST],
) -> Option<Arc<str>> {
    let (mut found, mut at) = (Choice::from(0), 0_u64);
    for (index, secret) in (0_u64..).zip(secrets) {
        let fits = expected(&secret.secret).ct_eq(given);
        at.conditional_assign(&index, fits & !found);
        found |= fits;
    }
    let secret = secrets.get(usize::try_from(at).ok()?)?;
    bool::from(found).then(|| secret.name.clone())
}

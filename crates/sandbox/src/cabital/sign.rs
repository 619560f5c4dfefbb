//! Signatures of calls and callbacks, and the nonces that were used ("API authentication").

use super::failure::Failure;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, StatusCode};
use sha2::Sha256;
use std::collections::{BTreeSet, VecDeque};

/// How far a timestamp may be from Cabital's clock, in both directions.
const WINDOW_MS: i64 = 30_000;
/// How long a nonce may not be used again.
const NONCE_MS: i64 = 60 * 60 * 1000;
/// The longest nonce, in bytes. The documents name no limit.
const NONCE_BYTES: usize = 255;

/// How a digest is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Digest {
    /// In lower-case hex.
    #[default]
    Hex,
    /// In base64 with padding.
    Base64,
}

/// What the documents leave open about a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signing {
    /// Whether the signed path has the query string.
    pub query_in_path: bool,
    /// How the digest is written.
    pub digest: Digest,
}

impl Default for Signing {
    /// The path with its query string, in lower-case hex.
    fn default() -> Self {
        Self { query_in_path: true, digest: Digest::Hex }
    }
}

impl Signing {
    /// The signature of a text.
    pub(super) fn sign(self, secret: &str, parts: &[&[u8]]) -> String {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return String::new() };
        for part in parts {
            mac.update(part);
        }
        let bytes = mac.finalize().into_bytes();
        let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or_default();
        match self.digest {
            Digest::Hex => bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect(),
            Digest::Base64 => BASE64_STANDARD.encode(bytes),
        }
    }

    /// The signature of a call: timestamp, method, nonce, path and body.
    pub(super) fn call(self, secret: &str, call: &Signed<'_>) -> String {
        let Signed { timestamp, method, nonce, path, body } = call;
        let path = if self.query_in_path { path } else { path.split('?').next().unwrap_or_default() };
        let texts = [*timestamp, *method, *nonce, path].map(str::as_bytes);
        let [timestamp, method, nonce, path] = texts;
        self.sign(secret, &[timestamp, method, nonce, path, body])
    }
}

/// What a signature covers.
pub(super) struct Signed<'a> {
    pub(super) timestamp: &'a str,
    /// In upper case.
    pub(super) method: &'a str,
    pub(super) nonce: &'a str,
    /// With its query string.
    pub(super) path: &'a str,
    pub(super) body: &'a [u8],
}

/// The partner's key and secret.
pub(super) struct Keys {
    pub(super) access_key: String,
    pub(super) secret: String,
}

/// The nonces of the last hour.
#[derive(Debug, Default)]
pub(super) struct Nonces {
    used: BTreeSet<String>,
    order: VecDeque<(i64, String)>,
}

impl Nonces {
    /// Uses a nonce up; false if it was used before.
    fn take(&mut self, nonce: &str, now_ms: i64) -> bool {
        let is_old = |(at_ms, _): &(i64, String)| at_ms.saturating_add(NONCE_MS) <= now_ms;
        while self.order.front().is_some_and(is_old) {
            if let Some((_, oldest)) = self.order.pop_front() {
                self.used.remove(&oldest);
            }
        }
        let is_new = self.used.insert(nonce.to_owned());
        if is_new {
            self.order.push_back((now_ms, nonce.to_owned()));
        }
        is_new
    }
}

fn refuse(message: &str) -> Failure {
    Failure::Http(StatusCode::UNAUTHORIZED, message.to_owned())
}

/// Checks the four headers of a call. Only a call with a right signature uses its nonce up.
pub(super) fn authenticate(
    (keys, signing): (&Keys, Signing),
    nonces: &mut Nonces,
    now_ms: i64,
    (method, path, body): (&str, &str, &[u8]),
    headers: &HeaderMap,
) -> Result<(), Failure> {
    let header = |name: &str| {
        let mut values = headers.get_all(name).iter();
        let value = values.next().and_then(|value| value.to_str().ok()).filter(|value| !value.is_empty());
        value
            .filter(|_| values.next().is_none())
            .ok_or_else(|| refuse(&format!("{name} is missing or not readable")))
    };
    let (key, timestamp) = (header("ACCESS-KEY")?, header("ACCESS-TIMESTAMP")?);
    let (nonce, signature) = (header("ACCESS-NONCE")?, header("ACCESS-SIGN")?);
    if key != keys.access_key {
        return Err(refuse("ACCESS-KEY is not known"));
    }
    let is_whole = timestamp.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = timestamp.parse::<i64>().ok().filter(|_| is_whole);
    let seconds = seconds.ok_or_else(|| refuse("ACCESS-TIMESTAMP must be whole seconds since 1970"))?;
    if now_ms.saturating_sub(seconds.saturating_mul(1000)).saturating_abs() > WINDOW_MS {
        return Err(refuse("ACCESS-TIMESTAMP is more than 30 seconds from this clock"));
    }
    let wanted = signing.call(&keys.secret, &Signed { timestamp, method, nonce, path, body });
    if wanted != signature {
        return Err(refuse("ACCESS-SIGN does not fit this key, timestamp, method, nonce, path and body"));
    }
    if nonce.len() > NONCE_BYTES {
        return Err(Failure::bad("ACCESS-NONCE must have at most 255 bytes"));
    }
    if !nonces.take(nonce, now_ms) {
        let message = "ACCESS-NONCE was used within the last 60 minutes".to_owned();
        return Err(Failure::Http(StatusCode::CONFLICT, message));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_633_445_162_000;

    fn keys() -> Keys {
        Keys { access_key: "sandbox_key".to_owned(), secret: "c4nary".to_owned() }
    }

    /// The status of a call with these headers; 200 if it is accepted.
    fn status(signing: Signing, nonces: &mut Nonces, now_ms: i64, headers: &[(&'static str, &str)]) -> u16 {
        let map = headers.iter().map(|(name, value)| {
            (http::HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap())
        });
        let call = ("POST", "/api/v1/x?a=1", &b"{}"[..]);
        match authenticate((&keys(), signing), nonces, now_ms, call, &map.collect()) {
            Ok(()) => 200,
            Err(Failure::Http(status, _)) => status.as_u16(),
            Err(other) => panic!("{other:?}"),
        }
    }

    fn signature(signing: Signing, nonce: &str) -> String {
        let signed =
            Signed { timestamp: "1633445162", method: "POST", nonce, path: "/api/v1/x?a=1", body: b"{}" };
        signing.call("c4nary", &signed)
    }

    #[test]
    fn a_signature_is_known_in_each_form() {
        // Computed with Python's hmac over "1633445162POSTn-1/api/v1/x?a=1{}".
        let hex = Signing::default();
        assert_eq!(signature(hex, "n-1"), "69b3830b116c05a859e5c467e1f1ae991a45c5f4548d8a5027ab38d35bcec4d6");
        let base64 = Signing { digest: Digest::Base64, ..hex };
        assert_eq!(signature(base64, "n-1"), "abODCxFsBahZ5cRn4fGumRpFxfRUjYpQJ6s401vOxNY=");
        let bare = Signing { query_in_path: false, ..hex };
        assert_eq!(
            signature(bare, "n-1"),
            "dd9539d670943c13ae619a7e8b775491c532c324e266dd3c83add217ed24b7af"
        );
    }

    #[test]
    fn what_is_wrong_is_refused_and_a_refused_signature_leaves_the_nonce() {
        let (signing, mut nonces) = (Signing::default(), Nonces::default());
        let right = signature(signing, "n-1");
        let with = |name: &'static str, value| {
            let mut headers = [
                ("ACCESS-KEY", "sandbox_key"),
                ("ACCESS-TIMESTAMP", "1633445162"),
                ("ACCESS-NONCE", "n-1"),
                ("ACCESS-SIGN", right.as_str()),
            ];
            if let Some(header) = headers.iter_mut().find(|(known, _)| *known == name) {
                header.1 = value;
            }
            headers
        };
        for (name, value) in [
            ("ACCESS-KEY", "other"),
            ("ACCESS-KEY", ""),
            ("ACCESS-TIMESTAMP", "1633445161"),
            ("ACCESS-TIMESTAMP", "1633445162000"),
            ("ACCESS-TIMESTAMP", "+1633445162"),
            ("ACCESS-TIMESTAMP", "now"),
            ("ACCESS-NONCE", "n-2"),
            ("ACCESS-NONCE", ""),
            ("ACCESS-SIGN", "00"),
        ] {
            assert_eq!(status(signing, &mut nonces, NOW, &with(name, value)), 401, "{name} {value}");
        }
        let call = with("", "");
        assert_eq!(status(signing, &mut nonces, NOW + 30_001, &call), 401);
        assert_eq!(status(signing, &mut nonces, NOW - 30_001, &call), 401);
        assert_eq!(status(signing, &mut nonces, NOW + 30_000, &call), 200);
        assert_eq!(status(signing, &mut nonces, NOW + 30_000, &call), 409);
        let other = Signing { digest: Digest::Base64, ..signing };
        assert_eq!(status(other, &mut Nonces::default(), NOW, &call), 401);
    }

    #[test]
    fn a_nonce_may_be_used_again_after_an_hour() {
        let mut nonces = Nonces::default();
        assert!(nonces.take("a", 0) && nonces.take("b", 1));
        assert!(!nonces.take("a", NONCE_MS - 1));
        assert!(nonces.take("a", NONCE_MS) && !nonces.take("b", NONCE_MS));
        assert!(!nonces.take("a", NONCE_MS + 1) && nonces.take("b", NONCE_MS + 1));
    }
}

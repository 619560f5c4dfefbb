//! The signature of Cabital's partner API.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use capecrypto_auth::{Credentials, Rejection, Sign, SignedHeader, ToSign};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::{fmt, fmt::Write as _};
use zeroize::Zeroizing;

/// What the documents leave open about the signature, as settings. The defaults are a guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Scheme {
    /// Whether the signed path has the query string. Default: it has.
    pub with_query: bool,
    /// How the signature is written. Default: lower-case hex.
    pub digest: Digest,
}

/// How a signature is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Digest {
    /// 64 hexadecimal digits in lower case.
    #[default]
    Hex,
    /// Base64 with padding.
    Base64,
}

impl Default for Scheme {
    fn default() -> Self {
        Self { with_query: true, digest: Digest::Hex }
    }
}

impl Scheme {
    /// The same without the query string in the signed path.
    #[must_use]
    pub fn without_query(self) -> Self {
        Self { with_query: false, ..self }
    }

    /// The same with signatures in base64.
    #[must_use]
    pub fn base64(self) -> Self {
        Self { digest: Digest::Base64, ..self }
    }

    /// The path that is signed.
    fn path(self, path_and_query: &str) -> &str {
        if self.with_query { path_and_query } else { path_and_query.split('?').next().unwrap_or_default() }
    }
}

/// Signs requests for Cabital (documents: "Authentication").
///
/// `ACCESS-SIGN` is the HMAC-SHA256, under the secret, of time, method, nonce, path and body, one behind the other. The time is in
/// whole seconds and may differ by 30 s from Cabital's. A nonce is taken once within 60 minutes.
///
/// The nonce is that of the transport, Unix milliseconds, with 16 hexadecimal digits behind it that each signer draws at random. So two
/// programs with one key never send the same nonce.
pub struct PartnerSigner {
    key: Zeroizing<String>,
    mac: Hmac<Sha256>,
    scheme: Scheme,
    instance: Box<str>,
}

impl PartnerSigner {
    /// A signer for these credentials.
    #[allow(clippy::missing_panics_doc, reason = "HMAC takes a key of any length")]
    pub fn new(credentials: &Credentials, scheme: Scheme) -> Self {
        #[allow(clippy::expect_used, reason = "HMAC takes a key of any length")]
        let mac = Hmac::new_from_slice(credentials.secret()).expect("HMAC takes a key of any length");
        let instance = format!("{:016x}", fastrand::u64(..)).into();
        Self { key: Zeroizing::new(credentials.key().to_owned()), mac, scheme, instance }
    }

    /// The same with another text behind each nonce, for tests that compare signatures.
    #[must_use]
    pub fn instance(self, instance: &str) -> Self {
        Self { instance: instance.into(), ..self }
    }

    /// The signature of these parts. `path` may have a query string.
    pub fn signature(&self, seconds: u64, method: &str, nonce: &str, path: &str, body: &[u8]) -> String {
        let mut mac = self.mac.clone();
        mac.update(seconds.to_string().as_bytes());
        for part in [method, nonce, self.scheme.path(path)] {
            mac.update(part.as_bytes());
        }
        mac.update(body);
        self.written(mac)
    }

    /// The key, which names the partner.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// The signature of the URL that starts a link. It has neither time nor nonce, so that method and path are signed alone.
    pub(crate) fn link_signature(&self, path_and_query: &str) -> String {
        let mut mac = self.mac.clone();
        mac.update(b"GET");
        mac.update(path_and_query.as_bytes());
        self.written(mac)
    }

    fn written(&self, mac: Hmac<Sha256>) -> String {
        let bytes = mac.finalize().into_bytes();
        match self.scheme.digest {
            Digest::Base64 => STANDARD.encode(bytes),
            Digest::Hex => bytes.iter().fold(String::with_capacity(64), |mut hex, byte| {
                // Writing into memory cannot fail.
                let _written = write!(hex, "{byte:02x}");
                hex
            }),
        }
    }
}

impl Sign for PartnerSigner {
    fn sign(&self, request: &ToSign<'_>) -> Vec<SignedHeader> {
        let header = |name, value| SignedHeader { name, value: Zeroizing::new(value) };
        let seconds = request.unix_millis / 1_000;
        let nonce = format!("{}{}", request.nonce, self.instance);
        let signature = self.signature(seconds, request.method, &nonce, request.path_and_query, request.body);
        vec![
            header("access-key", self.key.to_string()),
            header("access-timestamp", seconds.to_string()),
            header("access-nonce", nonce),
            header("access-sign", signature),
            // On every call, also on one without a body.
            header("content-type", "application/json".to_owned()),
        ]
    }

    /// The documents name no code of a refused signature, so nothing proves that only the time was wrong.
    fn rejection(&self, _: u16, _: &str) -> Option<Rejection> {
        None
    }
}

impl fmt::Debug for PartnerSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PartnerSigner(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signer(scheme: Scheme) -> PartnerSigner {
        let credentials = Credentials::new("sandbox_partner", "s3cr3t-of-the-partner").unwrap();
        PartnerSigner::new(&credentials, scheme).instance("-a")
    }

    fn headers(scheme: Scheme, request: &ToSign<'_>) -> Vec<(&'static str, String)> {
        let headers = signer(scheme).sign(request);
        headers.into_iter().map(|header| (header.name, header.value.to_string())).collect()
    }

    const LIST: &str =
        "/api/v1/accounts/6d92e7b4-715c-4ce3-a028-19f1c8c9fa6c/transfers?direction=DEBIT&page_size=30";
    const BODY: &[u8] = br#"{"status":"SUCCESS"}"#;

    fn get() -> ToSign<'static> {
        ToSign {
            nonce: 1_633_445_162_123,
            unix_millis: 1_633_445_162_999,
            method: "GET",
            path_and_query: LIST,
            body: b"",
            acting_as: None,
        }
    }

    /// The expected values come from Python: `hmac.new(secret, text, hashlib.sha256)`.
    #[test]
    fn the_known_answers() {
        let all = headers(Scheme::default(), &get());
        assert_eq!(
            all,
            [
                ("access-key", "sandbox_partner".to_owned()),
                ("access-timestamp", "1633445162".to_owned()),
                ("access-nonce", "1633445162123-a".to_owned()),
                (
                    "access-sign",
                    "6d82295126bee2c5c0912826802e8b2e6edb5160d1682e1858fba689a60d2e1b".to_owned()
                ),
                ("content-type", "application/json".to_owned()),
            ]
        );
        let sign = |scheme, request: &ToSign<'_>| headers(scheme, request)[3].1.clone();
        assert_eq!(sign(Scheme::default().base64(), &get()), "bYIpUSa+4sXAkSgmgC6LLm7bUWDRaC4YWPumiaYNLhs=");
        assert_eq!(
            sign(Scheme::default().without_query(), &get()),
            "e33e72f67e6a9bc200654963d72ac396e4b4f7b24b4734ed5a8030f62e8883fc"
        );
        let put = ToSign { method: "PUT", path_and_query: "/api/v1/x", body: BODY, ..get() };
        assert_eq!(
            sign(Scheme::default(), &put),
            "afe2bf83210f077e6e4cd1655eb7ad584ef8e22dd5dc81dd0fcecdef1e5d9e73"
        );
        assert_eq!(
            signer(Scheme::default()).link_signature("/api/v1/partner/link?partner_key=k"),
            "107b7d6415d36b2150ceaa977bf2a9d386b93dbf538ac0ea55d58e6c3812ae1a"
        );
    }

    #[test]
    fn each_part_and_each_signer_changes_what_is_sent() {
        let base = headers(Scheme::default(), &get())[3].1.clone();
        for other in [
            ToSign { nonce: 1_633_445_162_124, ..get() },
            ToSign { unix_millis: 1_633_445_163_000, ..get() },
            ToSign { method: "POST", ..get() },
            ToSign { path_and_query: "/api/v1/config", ..get() },
            ToSign { body: b"{}", ..get() },
        ] {
            assert_ne!(headers(Scheme::default(), &other)[3].1, base);
        }
        let credentials = Credentials::new("sandbox_partner", "s").unwrap();
        let nonce = || {
            let headers = PartnerSigner::new(&credentials, Scheme::default()).sign(&get());
            headers.into_iter().find(|header| header.name == "access-nonce").unwrap().value.to_string()
        };
        assert_ne!(nonce(), nonce());
    }

    #[test]
    fn nothing_of_it_is_printed() {
        let shown = format!("{:?} {:?}", signer(Scheme::default()), signer(Scheme::default()).sign(&get()));
        assert!(!shown.contains("s3cr3t") && !shown.contains("sandbox_partner"), "{shown}");
    }
}

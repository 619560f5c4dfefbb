//! Cape's signature scheme.

use crate::{Credentials, Sign, SignedHeader, ToSign};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt::{self, Write};
use zeroize::Zeroizing;

/// Signs requests for the exchange (documents: "Authentication").
///
/// The signature is HMAC-SHA256, in lower-case hex, over the nonce followed by the API key; the secret's ASCII
/// bytes are the key. Method, path and body are **not** covered, so whoever sees one signed request can send
/// another for the five seconds its nonce lives: the transport follows no redirects and uses no plain HTTP.
pub struct CapeSigner {
    key: Zeroizing<String>,
    // Keyed once, cloned for each request: a fifth cheaper than keying it anew.
    mac: Hmac<Sha256>,
}

impl CapeSigner {
    /// A signer for these credentials.
    #[allow(clippy::missing_panics_doc, reason = "HMAC takes a key of any length")]
    pub fn new(credentials: &Credentials) -> Self {
        #[allow(clippy::expect_used, reason = "HMAC takes a key of any length")]
        let mac = Hmac::new_from_slice(credentials.secret()).expect("HMAC takes a key of any length");
        Self { key: Zeroizing::new(credentials.key().to_owned()), mac }
    }

    /// The signature of a nonce.
    pub fn signature(&self, nonce: u64) -> String {
        let mut mac = self.mac.clone();
        mac.update(nonce.to_string().as_bytes());
        mac.update(self.key.as_bytes());
        let mut hex = String::with_capacity(64);
        for byte in mac.finalize().into_bytes() {
            // Writing into a String cannot fail.
            let _ = write!(hex, "{byte:02x}");
        }
        hex
    }
}

impl Sign for CapeSigner {
    fn sign(&self, request: &ToSign<'_>) -> Vec<SignedHeader> {
        let header = |name, value: String| SignedHeader { name, value: Zeroizing::new(value) };
        let mut headers = vec![
            header("x-auth-apikey", self.key.to_string()),
            header("x-auth-nonce", request.nonce.to_string()),
            header("x-auth-signature", self.signature(request.nonce)),
        ];
        // Left out when unused: the documents' sample would send "[object Object]".
        headers.extend(request.acting_as.map(|uid| header("x-auth-subaccount-uid", uid.to_owned())));
        headers
    }
}

impl fmt::Debug for CapeSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CapeSigner(hidden)")
    }
}

//! Cape's signature scheme.

use crate::{Credentials, Rejection, Sign, SignedHeader, ToSign};
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
    // Keyed once, cloned for each request: cheaper than keying it anew.
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

    fn rejection(&self, status: u16, code: &str) -> Option<Rejection> {
        match (status, code) {
            (401, "authz.nonce_expired") => Some(Rejection::Expired),
            // Restrictions of address or time come with whatever status they were set up with.
            (400..500, "authz.restrict.maintenance") => Some(Rejection::Maintenance),
            (400..500, code) if code.starts_with("authz.restrict.") => Some(Rejection::Final),
            (401 | 422, code) if code.starts_with("authz.") => Some(Rejection::Final),
            _ => None,
        }
    }

    fn hint(&self, code: &str) -> Option<&'static str> {
        Some(match code {
            "authz.invalid_api_key_headers" => "a proxy on the way removes headers that begin with X-Auth",
            "authz.invalid_session" => "the key's owner must be active, and the call needs a key",
            "authz.missing_csrf_token" => "the call needs a key: give the client credentials",
            "authz.unexistent_apikey" => {
                "the exchange does not know this key: check it, and which environment it is for"
            }
            "authz.nonce_not_valid_timestamp" => {
                "the nonce must be Unix milliseconds: check the clock given to the client"
            }
            "authz.nonce_expired" => {
                "this machine's clock is more than 5 s off, or the way to the exchange takes that long"
            }
            "authz.invalid_signature" => "the secret does not belong to the key: copy both again",
            "authz.apikey_not_active" => {
                "the key is disabled: look at it, and at two-factor authentication, in the profile"
            }
            "authz.disabled_2fa" => "enable two-factor authentication in the profile: keys work only with it",
            "authz.invalid_permission" => {
                "the account's role may not make this call, or not for that sub-account"
            }
            "authz.permission_denied" => "the exchange blocks this path",
            "authz.restrict.blacklist" => "the exchange blocks this machine's address",
            "authz.restrict.maintenance" => "the exchange is under maintenance: try later",
            _ => return None,
        })
    }
}

impl fmt::Debug for CapeSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CapeSigner(hidden)")
    }
}

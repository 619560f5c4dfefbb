//! The exchange's signature scheme.

use crate::{Credentials, Rejection, Sign, SignedHeader, ToSign};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;
use zeroize::Zeroizing;

/// Signs requests for the exchange (documents: "Authentication").
///
/// The signature is HMAC-SHA256, in lower-case hex, over the nonce followed by the API key; the HMAC's key is the
/// secret's ASCII bytes. Method, path and body are **not** covered. Anyone who sees a signed request can therefore send
/// another one while its nonce is valid, for five seconds. This is why the transport follows no redirects and uses no
/// plain HTTP.
pub struct CapeSigner {
    key: Zeroizing<String>,
    // Set up once and cloned for each request, which is cheaper than setting it up each time.
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
        self.signature_of(itoa::Buffer::new().format(nonce))
    }

    fn signature_of(&self, nonce: &str) -> String {
        let mut mac = self.mac.clone();
        mac.update(nonce.as_bytes());
        mac.update(self.key.as_bytes());
        lower_hex(&mac.finalize().into_bytes())
    }
}

fn lower_hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| if nibble < 10 { b'0' + nibble } else { b'a' - 10 + nibble };
    let mut hex = vec![0; 2 * bytes.len()];
    for (byte, pair) in bytes.iter().zip(hex.chunks_exact_mut(2)) {
        pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 0x0f)]);
    }
    // Hex digits are ASCII, so the default is never used.
    String::from_utf8(hex).unwrap_or_default()
}

impl Sign for CapeSigner {
    fn sign(&self, request: &ToSign<'_>) -> Vec<SignedHeader> {
        let header = |name, value: String| SignedHeader { name, value: Zeroizing::new(value) };
        let mut buffer = itoa::Buffer::new();
        let nonce = buffer.format(request.nonce);
        // Room for the fourth header, which is not always there.
        let mut headers = Vec::with_capacity(4);
        headers.push(header("x-auth-apikey", self.key.to_string()));
        headers.push(header("x-auth-nonce", nonce.to_owned()));
        headers.push(header("x-auth-signature", self.signature_of(nonce)));
        // Left out if there is none. The sample code in the documents would send "[object Object]" then.
        headers.extend(request.acting_as.map(|uid| header("x-auth-subaccount-uid", uid.to_owned())));
        headers
    }

    fn rejection(&self, status: u16, code: &str) -> Option<Rejection> {
        match (status, code) {
            (401, "authz.nonce_expired") => Some(Rejection::Expired),
            // A restriction of address or time has the status that was configured for it.
            (400..500, "authz.restrict.maintenance") => Some(Rejection::Maintenance),
            (400..500, code) if code.starts_with("authz.restrict.") => Some(Rejection::Final),
            (401 | 422, code) if code.starts_with("authz.") => Some(Rejection::Final),
            _ => None,
        }
    }

    fn hint(&self, code: &str) -> Option<&'static str> {
        Some(match code {
            "authz.invalid_api_key_headers" => {
                "a proxy on the way removes headers that begin with X-Auth: let it pass them"
            }
            "authz.invalid_session" => "the key's owner must be active, and the call needs a key",
            "authz.missing_csrf_token" => "the call needs a key: give the client credentials",
            "authz.unexistent_apikey" => {
                "the exchange does not know this key: check it, and which environment it is for"
            }
            "authz.nonce_not_valid_timestamp" => {
                "the nonce must be Unix milliseconds: check the clock given to the client"
            }
            "authz.nonce_expired" => {
                "this machine's clock is more than 5 s off, or a request takes that long to reach the exchange"
            }
            "authz.invalid_signature" => "the secret does not belong to the key: copy both again",
            "authz.apikey_not_active" => {
                "the key is disabled: check the key and two-factor authentication in the profile"
            }
            "authz.disabled_2fa" => "enable two-factor authentication in the profile: keys work only with it",
            "authz.invalid_permission" => {
                "the account's role does not allow this call, or not for that sub-account"
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

//! Signing and an HTTP client, as a user would write them without the SDK.

use capecrypto_auth::Credentials;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::sync::Arc;

/// A key of a sandbox, because the SDK never sends real keys over plain HTTP.
pub const KEY: &str = "sandbox_61d025b8573501c2";
pub const SECRET: &str = "2d0b4979c7fe6986daa8e21d1dc0644f";

pub fn credentials() -> Credentials {
    Credentials::new(KEY, SECRET).expect("the key is well formed")
}

/// Signs with an HMAC that is keyed only once.
pub struct Signer {
    key: String,
    mac: Hmac<Sha256>,
}

impl Signer {
    pub fn new(key: &str, secret: &str) -> Self {
        let mac = Hmac::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
        Self { key: key.to_owned(), mac }
    }

    pub fn signature(&self, nonce: u64) -> String {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut mac = self.mac.clone();
        mac.update(format!("{nonce}{}", self.key).as_bytes());
        let mut hex = String::with_capacity(64);
        for byte in mac.finalize().into_bytes() {
            hex.push(char::from(DIGITS[usize::from(byte >> 4)]));
            hex.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
        hex
    }

    /// The three headers, as names and values.
    pub fn headers(&self, nonce: u64) -> Vec<(&'static str, String)> {
        vec![
            ("x-auth-apikey", self.key.clone()),
            ("x-auth-nonce", nonce.to_string()),
            ("x-auth-signature", self.signature(nonce)),
        ]
    }
}

/// A client for plain HTTP, set up like the SDK's but without deadlines.
pub fn http() -> reqwest::ClientBuilder {
    // TLS is never used, but without this configuration reqwest would load certificates.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring knows the default versions")
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .tcp_nodelay(true)
        .user_agent("capecrypto-rust/0.1.0")
        .no_proxy()
}

pub fn now_ms() -> u64 {
    #[allow(clippy::disallowed_methods, reason = "the code without the SDK reads the clock itself")]
    let now = std::time::SystemTime::now();
    let since = now.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(0)
}

//! The header by which a receiver knows who sent a webhook (the documents' section "Authentication / Protocol Modes").

use crate::exchange::notice::{Protocol, Webhook};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Its name.
pub(crate) const HEADER: &str = "X-Auth-Webhook";

/// The value of the header for a body. `None` if the protocol has no header, or if it needs a secret and there is none.
pub(crate) fn header(webhook: &Webhook, body: &[u8]) -> Option<String> {
    let secret = webhook.secret.as_deref()?;
    match webhook.protocol {
        Protocol::Hmac => {
            // HMAC takes a key of any length.
            let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
            mac.update(body);
            Some(STANDARD.encode(mac.finalize().into_bytes()))
        }
        Protocol::PlainText => Some(secret.to_owned()),
        Protocol::None => None,
    }
}

/// The same webhook with another secret.
pub(super) fn with_wrong_secret(webhook: &Webhook) -> Webhook {
    let secret = webhook.secret.as_ref().map(|secret| format!("wrong-{secret}"));
    Webhook { secret, ..webhook.clone() }
}

/// The body with one byte changed. It is still the JSON of an event, if the body has a digit: then its last digit is another one.
pub(super) fn with_other_byte(body: &str) -> Vec<u8> {
    let mut bytes = body.as_bytes().to_vec();
    let place = bytes.iter().rposition(u8::is_ascii_digit).unwrap_or(0);
    if let Some(byte) = bytes.get_mut(place) {
        *byte = match *byte {
            b'0'..=b'8' => *byte + 1,
            b'9' => b'0',
            _ => b' ',
        };
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn webhook(protocol: Protocol, secret: Option<&str>) -> Webhook {
        Webhook { url: "http://localhost".to_owned(), secret: secret.map(str::to_owned), protocol }
    }

    #[test]
    fn each_protocol_has_its_header() {
        // The vector is RFC 4231, test case 2, in base64.
        let body = b"what do ya want for nothing?";
        let signed = header(&webhook(Protocol::Hmac, Some("Jefe")), body);
        assert_eq!(signed.as_deref(), Some("W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM="));
        assert_eq!(header(&webhook(Protocol::PlainText, Some("s3cret")), body).as_deref(), Some("s3cret"));
        assert_eq!(header(&webhook(Protocol::None, Some("s3cret")), body), None);
        assert_eq!(header(&webhook(Protocol::Hmac, None), body), None);
        let wrong = with_wrong_secret(&webhook(Protocol::Hmac, Some("Jefe")));
        assert_ne!(header(&wrong, body), signed);
        assert!(!format!("{wrong:?}").contains("Jefe"));
    }

    #[test]
    fn another_body_differs_in_one_byte() {
        for (body, other) in [
            (r#"{"a":"10.00","b":7}"#, r#"{"a":"10.00","b":8}"#),
            (r#"{"a":9}"#, r#"{"a":0}"#),
            ("{}", " }"),
            ("", ""),
        ] {
            assert_eq!(with_other_byte(body), other.as_bytes());
        }
    }
}

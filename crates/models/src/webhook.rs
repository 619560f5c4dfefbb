//! Webhook settings.

use crate::{
    Arg, Malformed, Sensitive,
    param::{Param, Place},
    tolerant,
};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

crate::open_enum! {
    /// How a webhook proves who sent it (documents: "Authentication / Protocol Modes").
    pub enum WebhookProtocol {
        /// The header has the body's HMAC-SHA256 under the secret, as base64.
        Hmac = "hmac",
        /// The header has the secret itself.
        PlainText = "plain_text",
        /// No header.
        None = "none",
    }
}

/// Where webhooks are sent. `Debug` shows scheme and host only, because the rest may be a secret: an address that nobody can
/// guess is what protects a webhook without authentication.
///
/// A text that is parsed must begin with `https://` or `http://`, name a host, and have at most 2048 characters without spaces
/// and control characters; the limits are ours. What the exchange answers is kept as it is.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WebhookUrl(Box<str>);

/// Most characters of a webhook's address.
const LONGEST: usize = 2048;

impl WebhookUrl {
    /// The whole address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is encrypted on its way: it begins with `https://`.
    pub fn is_encrypted(&self) -> bool {
        scheme_and_rest(&self.0).is_some_and(|(scheme, _)| scheme.eq_ignore_ascii_case("https"))
    }
}

fn scheme_and_rest(url: &str) -> Option<(&str, &str)> {
    url.split_once("://")
}

/// The host, with its port, without a user's name.
fn host(rest: &str) -> &str {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit('@').next().unwrap_or_default()
}

impl FromStr for WebhookUrl {
    type Err = Malformed;

    fn from_str(url: &str) -> Result<Self, Malformed> {
        const REMEDY: &str = "give one like https://merchant.example/webhooks";
        let refuse = |why: &'static str| Err(Malformed::new(why, REMEDY));
        let Some((scheme, rest)) = scheme_and_rest(url) else { return refuse("it is not a web address") };
        if !["https", "http"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
            return refuse("it begins with neither https:// nor http://");
        }
        if url.chars().any(|c| c.is_whitespace() || c.is_control() || c == '\\') {
            return refuse("it has a space, a control character or a backslash");
        }
        if url.chars().count() > LONGEST {
            return refuse("it has more than 2048 characters");
        }
        if host(rest).is_empty() || host(rest).starts_with(':') {
            return refuse("it names no host");
        }
        Ok(Self(url.into()))
    }
}

impl fmt::Debug for WebhookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match scheme_and_rest(&self.0) {
            Some((scheme, rest)) => write!(f, "WebhookUrl({scheme}://{}/…)", host(rest)),
            None => f.write_str("WebhookUrl(…)"),
        }
    }
}

impl Param for WebhookUrl {
    fn write(&self, place: &mut dyn Place) {
        place.text(&self.0);
    }
}

impl From<WebhookUrl> for Arg<WebhookUrl> {
    fn from(url: WebhookUrl) -> Self {
        Arg::good(url)
    }
}

/// Where an account's webhooks go, and how they prove who sent them (documents of 2026-04: "Webhook Configuration"). `Debug`
/// hides the secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Webhook {
    /// Where they go.
    pub url: WebhookUrl,
    /// The secret. The exchange answers it in clear.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "tolerant::optional_secret"
    )]
    pub secret: Option<Sensitive<String>>,
    /// How they prove who sent them. No header is sent if it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<WebhookProtocol>,
}

/// The answer about an account's webhook (documents of 2026-04: "Get Webhook").
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AccountWebhook {
    /// The webhook; `None` if the account has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<Webhook>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_checked_and_only_its_host_is_shown() {
        let url: WebhookUrl = "https://user:word@merchant.example:8443/hooks/k3y?token=t0k".parse().unwrap();
        assert_eq!(format!("{url:?}"), "WebhookUrl(https://merchant.example:8443/…)");
        assert!(url.is_encrypted());
        assert!(!"http://127.0.0.1/".parse::<WebhookUrl>().unwrap().is_encrypted());
        let long = format!("https://a/{}", "x".repeat(LONGEST));
        for wrong in [
            "",
            "merchant.example",
            "ftp://a/",
            "https://",
            "https:///x",
            "https://:80/",
            "https://a b/",
            "https://a\\b",
            "https://a/\n",
            long.as_str(),
        ] {
            assert!(wrong.parse::<WebhookUrl>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_secret_of_a_webhook_is_hidden() {
        let webhook: Webhook =
            serde_json::from_str(r#"{"url":"not checked","secret":"c4nary","protocol":"hmac"}"#).unwrap();
        assert_eq!(
            (webhook.protocol.clone(), webhook.url.as_str()),
            (Some(WebhookProtocol::Hmac), "not checked")
        );
        assert!(!format!("{webhook:?}").contains("c4nary"));
        assert_eq!(webhook.secret.unwrap().expose(), "c4nary");
    }
}

//! The event in a body.

use crate::Rejection;
use capecrypto_models::WebhookEvent;
use serde::{Deserialize, de::IgnoredAny};
use std::borrow::Cow;

/// Reads the event. What is wrong is looked for only if something is.
pub(crate) fn event(body: &[u8]) -> Result<WebhookEvent, Rejection> {
    WebhookEvent::from_json(body).map_err(|unreadable| {
        let Ok(text) = std::str::from_utf8(body) else { return Rejection::NotUtf8 };
        let text = text.trim_ascii();
        if text.is_empty() {
            return Rejection::Empty;
        }
        match (serde_json::from_str::<IgnoredAny>(text), serde_json::from_str::<Named<'_>>(text)) {
            (Err(_), _) => Rejection::NotJson,
            (Ok(_), Ok(named)) if WebhookEvent::KNOWN.contains(&&*named.event) => {
                Rejection::Unreadable(unreadable)
            }
            (Ok(_), _) => Rejection::NoEvent,
        }
    })
}

#[derive(Deserialize)]
struct Named<'a> {
    #[serde(borrow)]
    event: Cow<'a, str>,
}

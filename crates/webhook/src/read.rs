//! The event in a body.

use crate::Rejection;
use capecrypto_models::WebhookEvent;
use serde::{Deserialize, de::IgnoredAny};
use std::borrow::Cow;

/// Reads the event, and answers its text too. What is wrong is looked for only if something is.
pub(crate) fn event(body: &[u8]) -> Result<(WebhookEvent, &str), Rejection> {
    let text = std::str::from_utf8(body).map_err(|_| Rejection::NotUtf8)?.trim_ascii();
    let event = WebhookEvent::from_json(text.as_bytes()).map_err(|unreadable| {
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
    })?;
    Ok((event, text))
}

#[derive(Deserialize)]
struct Named<'a> {
    #[serde(borrow)]
    event: Cow<'a, str>,
}

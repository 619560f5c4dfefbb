//! What webhooks tell, and where they go.

use crate::base::id::AccountId;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::fmt;

/// How a webhook proves who sent it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Protocol {
    /// With a signature over its body.
    Hmac,
    /// With the secret itself.
    PlainText,
    /// Not at all.
    #[default]
    None,
}

/// Where events go. `Debug` hides the secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Webhook {
    pub(crate) url: String,
    pub(crate) secret: Option<String>,
    pub(crate) protocol: Protocol,
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { url, secret, protocol } = self;
        f.debug_struct("Webhook")
            .field("url", url)
            .field("secret", &secret.as_ref().map(|_| "…"))
            .field("protocol", protocol)
            .finish()
    }
}

/// What a webhook tells about an account.
#[derive(Debug)]
pub(crate) struct Notice {
    /// The account that it is about. The nearest webhook on the way up from it gets the notice.
    pub(crate) account: AccountId,
    /// A webhook that gets the notice instead: that of the payment reference.
    pub(crate) own: Option<Webhook>,
    /// The name of the event.
    pub(crate) event: &'static str,
    /// The fields of the body behind `event`, in their order.
    pub(crate) fields: Vec<(&'static str, Json)>,
}

//! The webhook of an account: where its events go (documents of 2026-04: "Webhook Configuration").
//!
//! An account has one webhook at most. A client that [acts for](capecrypto_rest::Client::acting_as) a sub-account or a customer
//! works on the webhook of that one. Events of an account without a webhook go to the webhook of the account that manages it;
//! a payment reference may have an address of its own, which is used before these.

use crate::{PERSONA, forms::WebhookSettings};
use capecrypto_auth::Environment;
use capecrypto_models::{
    AccountWebhook,
    param::{Fields, Params},
};
use capecrypto_rest::{Mismatch, Nothing, Objection, endpoints, request};

endpoints! { PERSONA signed; hints crate::hints::hint; probe capecrypto_probe::Probe;
    POST   "/resource/users/webhook" CreateWebhook -> AccountWebhook, secrets("url") reviewed;
    GET    "/resource/users/webhook" GetWebhook    -> AccountWebhook, secrets("url")
        unreviewed("the request has no arguments");
    PUT    "/resource/users/webhook" UpdateWebhook -> AccountWebhook, secrets("url") reviewed;
    DELETE "/resource/users/webhook" DeleteWebhook -> Nothing, unreviewed("only the status matters");
}

request! {
    /// Reads the account's webhook (documents: "Get Webhook"). The exchange answers its secret in clear; it is hidden in
    /// `Debug`.
    #[derive(Default)]
    pub struct GetWebhook {}
}

impl GetWebhook {
    /// The account's webhook.
    pub fn new() -> Self {
        Self::with()
    }
}

/// Gives the account a webhook (documents: "Create Webhook"). An account that has one is refused (409): see [`UpdateWebhook`].
///
/// The request is sent at most once. With the outcome `Unknown`, [`GetWebhook`] tells whether it was done.
///
/// ```
/// use capecrypto_merchant::{forms::WebhookSettings, account_webhook::CreateWebhook};
/// # let secret = "a long random text";
/// let webhook = CreateWebhook::new(WebhookSettings::hmac("https://merchant.example/webhooks", secret));
/// assert!(!format!("{webhook:?}").contains(secret));
/// ```
#[derive(Debug, Clone)]
#[must_use = "a request does nothing until it is sent"]
pub struct CreateWebhook {
    settings: WebhookSettings,
}

/// Replaces the account's webhook, or makes it if there is none (documents: "Update Webhook"). It sets all of it: a secret
/// that is left out is not kept from the old one.
///
/// The request is sent at most once. With the outcome `Unknown`, [`GetWebhook`] tells whether it was done. Sending it again
/// leads to the same webhook, unless another program has changed it meanwhile.
#[derive(Debug, Clone)]
#[must_use = "a request does nothing until it is sent"]
pub struct UpdateWebhook {
    settings: WebhookSettings,
}

impl Params for CreateWebhook {
    fn write_fields(&self, fields: &mut dyn Fields) {
        self.settings.write_fields(fields);
    }
}

impl Params for UpdateWebhook {
    fn write_fields(&self, fields: &mut dyn Fields) {
        self.settings.write_fields(fields);
    }
}

impl CreateWebhook {
    /// A webhook with these settings.
    pub fn new(settings: WebhookSettings) -> Self {
        Self { settings }
    }

    fn review_answer(&self, answer: &mut AccountWebhook, _: &Environment) -> Result<(), Objection> {
        review(&self.settings, answer)
    }
}

impl UpdateWebhook {
    /// A webhook with these settings, in place of the one that the account may have.
    pub fn new(settings: WebhookSettings) -> Self {
        Self { settings }
    }

    fn review_answer(&self, answer: &mut AccountWebhook, _: &Environment) -> Result<(), Objection> {
        review(&self.settings, answer)
    }
}

/// Does not compare address and secret: a recording leaves them out, and then they would not be what was sent.
fn review(settings: &WebhookSettings, answer: &AccountWebhook) -> Result<(), Objection> {
    let Some(webhook) = &answer.webhook else {
        return Err(Objection::Unusable("the answer says that the account has no webhook"));
    };
    Mismatch::check("webhook.protocol", Some(settings.protocol()), webhook.protocol.as_ref())?;
    Ok(())
}

request! {
    /// Takes the account's webhook away (documents: "Delete Webhook"). An account without one is refused as not found.
    ///
    /// The request is sent at most once. With the outcome `Unknown`, [`GetWebhook`] tells whether it was done.
    #[derive(Default)]
    pub struct DeleteWebhook {}
}

impl DeleteWebhook {
    /// The account's webhook.
    pub fn new() -> Self {
        Self::with()
    }
}

#[cfg(test)]
mod samples {
    use super::*;
    use capecrypto_probe::Samples;

    fn smallest() -> WebhookSettings {
        WebhookSettings::unauthenticated("https://merchant.example/canary-url")
    }

    fn fullest() -> WebhookSettings {
        WebhookSettings::hmac("https://merchant.example/canary-url", "canary-secret")
    }

    impl Samples for GetWebhook {
        fn smallest() -> Self {
            Self::new()
        }
        fn fullest() -> Self {
            Self::new()
        }
    }

    impl Samples for CreateWebhook {
        const MADE: &[&str] = &["protocol"];

        fn smallest() -> Self {
            Self::new(smallest())
        }
        fn fullest() -> Self {
            Self::new(fullest())
        }
        fn answered(_: &capecrypto_probe::Seed) -> Self {
            Self::fullest()
        }
    }

    impl Samples for UpdateWebhook {
        const MADE: &[&str] = &["protocol"];

        fn smallest() -> Self {
            Self::new(smallest())
        }
        fn fullest() -> Self {
            Self::new(fullest())
        }
        fn answered(_: &capecrypto_probe::Seed) -> Self {
            Self::fullest()
        }
    }

    impl Samples for DeleteWebhook {
        fn smallest() -> Self {
            Self::new()
        }
        fn fullest() -> Self {
            Self::new()
        }
    }
}

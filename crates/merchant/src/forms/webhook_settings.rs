//! Where webhooks shall go.

use capecrypto_models::{
    Arg, Malformed, Sensitive, WebhookProtocol, WebhookUrl,
    param::{Fields, Name, Param, Params, Place},
};

/// Where webhooks shall go, and how they prove who sent them (documents of 2026-04: "Webhook Configuration"). Each constructor
/// is one protocol, so that none can be chosen without what it needs. `Debug` hides the secret, and shows only the host of
/// the address.
#[derive(Debug, Clone)]
pub struct WebhookSettings {
    url: Arg<WebhookUrl>,
    secret: Option<Secret>,
    protocol: WebhookProtocol,
}

#[derive(Debug, Clone)]
struct Secret(Sensitive<String>);

impl WebhookSettings {
    /// Each webhook is signed with the secret (HMAC-SHA256 over its body). This is what the documents recommend.
    pub fn hmac(url: impl Into<Arg<WebhookUrl>>, secret: impl Into<Sensitive<String>>) -> Self {
        Self { url: url.into(), secret: Some(Secret(secret.into())), protocol: WebhookProtocol::Hmac }
    }

    /// Each webhook carries the secret itself in a header. Whoever sees one webhook can forge others.
    pub fn plain_text(url: impl Into<Arg<WebhookUrl>>, secret: impl Into<Sensitive<String>>) -> Self {
        Self { url: url.into(), secret: Some(Secret(secret.into())), protocol: WebhookProtocol::PlainText }
    }

    /// Webhooks prove nothing: anyone who knows the address can send them. Use an address that cannot be guessed, and take
    /// webhooks from the exchange's addresses only.
    pub fn unauthenticated(url: impl Into<Arg<WebhookUrl>>) -> Self {
        Self { url: url.into(), secret: None, protocol: WebhookProtocol::None }
    }

    /// How a webhook proves who sent it.
    pub(crate) fn protocol(&self) -> &WebhookProtocol {
        &self.protocol
    }

    /// Writes the three fields with these names: the calls have two sets of them.
    pub(crate) fn write_as(&self, names: [&'static str; 3], fields: &mut dyn Fields) {
        let [url, secret, protocol] = names.map(Name::new);
        fields.field(url, &Address(&self.url));
        fields.field(secret, &self.secret);
        fields.field(protocol, &self.protocol);
    }
}

/// As an object, or as the whole body.
impl Params for WebhookSettings {
    fn write_fields(&self, fields: &mut dyn Fields) {
        self.write_as(["url", "secret", "protocol"], fields);
    }
}

impl Param for WebhookSettings {
    fn write(&self, place: &mut dyn Place) {
        place.object(self);
    }
}

struct Address<'a>(&'a Arg<WebhookUrl>);

impl Param for Address<'_> {
    fn write(&self, place: &mut dyn Place) {
        if self.0.value().is_ok_and(|url| !url.is_encrypted()) {
            place.warn(Malformed::new(
                "it begins with http://, so anyone on the way can read and change the webhooks",
                "give an address that begins with https://",
            ));
        }
        self.0.write(place);
    }
}

impl Param for Secret {
    fn write(&self, place: &mut dyn Place) {
        if self.0.expose().is_empty() {
            return place.refuse(Malformed::new(
                "it is empty, so anyone could sign webhooks",
                "give a long random text",
            ));
        }
        self.0.write(place);
    }
}

//! The address that starts a link.

use crate::{
    LINK,
    args::RedirectUrl,
    client::Cabital,
    codes::CODES,
    light::{not_sent, url_of},
    models::UserRef,
    signer::PartnerSigner,
};
use capecrypto_auth::Environment;
use capecrypto_models::{
    Arg, Text,
    param::{Fields, Name, Params},
};
use capecrypto_rest::{Checks, Error, InvalidArgument, Nothing, Prepared, endpoints};

endpoints! { LINK public; codes CODES; hints crate::codes::hint; probe capecrypto_probe::Probe;
    GET "/partner/link" LinkPage -> Nothing, checked secrets("user_ext_ref") unreviewed("a browser follows it");
}

/// The page on which a customer links the account at Cabital (documents: "Link start"). It is a signed URL, and is not sent by this
/// client: see [`url`](Self::url).
///
/// The documents do not say what is signed. This is the signature of a call without time, nonce and body: of `GET` and the path with
/// all other parameters. They spell the name `siganture` in one place; see [`misspelt`](Self::misspelt).
#[derive(Debug, Clone)]
#[must_use = "a request does nothing until it is used"]
pub struct LinkPage {
    partner_key: Option<String>,
    user_ext_ref: Arg<UserRef>,
    redirect_url: Arg<RedirectUrl>,
    feature: Option<Arg<Text<150>>>,
    is_misspelt: bool,
    signature: Option<String>,
}

impl Params for LinkPage {
    fn write_fields(&self, fields: &mut dyn Fields) {
        fields.field(Name::new("partner_key"), &self.partner_key);
        fields.field(Name::new("user_ext_ref"), &self.user_ext_ref);
        fields.field(Name::new("redirect_url"), &self.redirect_url);
        fields.field(Name::new("feature"), &self.feature);
        let name = if self.is_misspelt { "siganture" } else { "signature" };
        fields.field(Name::new(name), &self.signature);
    }
}

impl LinkPage {
    /// Links the account of the customer whom you call so, and sends the browser to this address at the end: `https://`, or `http://`
    /// to this machine.
    pub fn new(user: impl Into<Arg<UserRef>>, redirect_to: impl Into<Arg<RedirectUrl>>) -> Self {
        Self {
            partner_key: None,
            user_ext_ref: user.into(),
            redirect_url: redirect_to.into(),
            feature: None,
            is_misspelt: false,
            signature: None,
        }
    }

    /// Sets the feature. The documents do not list its values.
    pub fn feature(self, feature: impl Into<Arg<Text<150>>>) -> Self {
        Self { feature: Some(feature.into()), ..self }
    }

    /// Calls the signature `siganture`, as a table of the documents does.
    pub fn misspelt(self) -> Self {
        Self { is_misspelt: true, ..self }
    }

    /// The URL for a customer's browser, signed with the client's key.
    ///
    /// # Errors
    /// Every argument that is malformed; and a client without credentials.
    pub fn url(&self, cabital: &Cabital) -> Result<String, Error> {
        let Some(signer) = cabital.signer() else {
            let why = "the client has no credentials, and the address must be signed";
            return Err(
                InvalidArgument::new("cabital", why, "set credentials when you build the client").into()
            );
        };
        let environment = cabital.hosts().of(LINK);
        Ok(url_of(&Prepared::new(&self.signed(signer, environment)?, environment)?, environment)?)
    }

    /// The same with key and signature.
    fn signed(&self, signer: &PartnerSigner, environment: &Environment) -> Result<Self, Error> {
        let key = signer.key().to_owned();
        let unsigned = Self { partner_key: Some(key), signature: None, ..self.clone() };
        let prepared = Prepared::new(&unsigned, environment)?;
        let signature = signer.link_signature(&format!("{}?{}", prepared.path, prepared.query));
        Ok(Self { signature: Some(signature), ..unsigned })
    }

    fn check_arguments(&self, checks: &mut Checks<'_>) {
        not_sent(checks);
    }
}

#[cfg(test)]
mod samples {
    use super::*;
    use crate::Scheme;
    use capecrypto_auth::Credentials;
    use capecrypto_probe::{PartnerSeed, Samples};

    impl Samples for LinkPage {
        fn smallest() -> Self {
            let key = Some("sandbox_partner".to_owned());
            let signature = Some("00ff".repeat(16));
            Self { partner_key: key, signature, ..Self::new("canary-42", "https://partner.example/linked") }
        }
        fn fullest() -> Self {
            Self::smallest().feature("cfx")
        }
        fn answered_to_partner(seed: &PartnerSeed) -> Vec<Self> {
            let credentials = Credentials::new(&seed.access.access_key, &seed.access.secret).unwrap();
            let signer = PartnerSigner::new(&credentials, Scheme::default());
            let environment = Environment::at(&seed.access.link_origin).unwrap();
            let page = Self::new("canary-42", "https://partner.example/linked?a=b&c=d");
            [page.clone(), page.clone().feature("cfx"), page.misspelt()]
                .iter()
                .map(|page| page.signed(&signer, &environment).unwrap())
                .collect()
        }
    }
}

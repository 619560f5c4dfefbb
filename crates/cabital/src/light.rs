//! The light mode: what everybody may read, and the address that a customer's browser is sent to. No key, no signature.

use crate::{
    AmountArg, LIGHT,
    client::Hosts,
    codes::CODES,
    models::{LightConfig, Pair, Quote, UserRef},
    partner::same_pair,
};
use capecrypto_auth::Environment;
use capecrypto_models::{
    Arg, Malformed, Text, open_enum,
    param::{Fields, Name, Param, Params, Place},
};
use capecrypto_rest::{Checks, InvalidArguments, Mismatch, Nothing, Prepared, endpoints, request};

endpoints! { LIGHT public; codes CODES; hints crate::codes::hint; probe capecrypto_probe::Probe;
    GET "/light/config"             GetLightConfig -> LightConfig, unreviewed("the request has no arguments");
    GET "/light/quotes/{code_pair}" GetLightQuote -> Quote, reviewed;
    GET "/light/partner/redirect"   RedirectPage -> Nothing,
        checked secrets("user_ext_ref") unreviewed("a browser follows it");
}

request! {
    /// Reads what Cabital offers in light mode (documents: "Light config").
    #[derive(Default)]
    pub struct GetLightConfig {}
}

impl GetLightConfig {
    /// The currencies and pairs.
    pub fn new() -> Self {
        Self::with()
    }
}

request! {
    /// Asks for a price in light mode (documents: "Light quote").
    pub struct GetLightQuote {
        code_pair: Arg<Pair>,
    }
}

impl GetLightQuote {
    /// A quote for these two currencies, such as `BTC-EUR`.
    pub fn new(pair: impl Into<Arg<Pair>>) -> Self {
        Self::with(pair.into())
    }

    fn review_answer(&self, quote: &mut Quote, _: &Environment) -> Result<(), Mismatch> {
        same_pair(&self.code_pair, quote)
    }
}

open_enum! {
    /// Whether a customer buys or sells.
    pub enum Side {
        /// Buys the amount.
        Buy = "buy",
        /// Sells the amount.
        Sell = "sell",
    }
}

/// The page of Cabital that a customer's browser is sent to (documents: "Light redirect"). It is a URL, and is not sent by this client:
/// see [`url`](Self::url).
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use cabital::{Hosts, light::{RedirectPage, Side}};
/// use capecrypto_models::dec;
/// let page = RedirectPage::convert("partner-7", Side::Buy, ("BTC", dec!(0.001))).user("customer-42");
/// let url = page.url(&Hosts::documented()?)?;
/// assert!(url.starts_with("https://api.cabital.com/api/v1/light/partner/redirect?partner_id=partner-7&"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "a request does nothing until it is used"]
pub struct RedirectPage {
    partner_id: Arg<Text<150>>,
    user_ext_ref: Option<Arg<UserRef>>,
    convert: Option<(Side, AmountArg)>,
    quote: Option<Arg<Pair>>,
}

/// The amount or the currency of an argument, or why it is malformed.
pub(crate) struct Part<'a, T>(pub(crate) &'a AmountArg, pub(crate) fn(&crate::Amount) -> T);

impl<T: Param> Param for Part<'_, T> {
    fn write(&self, place: &mut dyn Place) {
        match &self.0.0 {
            Ok(amount) => (self.1)(amount).write(place),
            Err(reason) => place.refuse(reason.clone()),
        }
    }
}

impl Params for RedirectPage {
    fn write_fields(&self, fields: &mut dyn Fields) {
        fields.field(Name::new("partner_id"), &Plain(&self.partner_id));
        fields.field(Name::new("user_ext_ref"), &self.user_ext_ref);
        let Some((side, amount)) = &self.convert else { return };
        fields.field(Name::new("feature"), &"cfx".to_owned());
        fields.field(Name::new("quote"), &self.quote);
        if amount.0.is_ok() {
            fields.field(Name::new("major_ccy"), &Part(amount, |amount| amount.symbol().clone()));
        }
        fields.field(Name::new("major_amount"), &Part(amount, crate::Amount::get));
        fields.field(Name::new("type"), side);
    }
}

/// A text that is not personal.
struct Plain<'a>(&'a Arg<Text<150>>);

impl Param for Plain<'_> {
    fn write(&self, place: &mut dyn Place) {
        match self.0.value() {
            Ok(text) => place.text(text.as_str()),
            Err(reason) => place.refuse(reason.clone()),
        }
    }
}

impl RedirectPage {
    /// The first page, for customers of this partner.
    pub fn new(partner: impl Into<Arg<Text<150>>>) -> Self {
        Self { partner_id: partner.into(), user_ext_ref: None, convert: None, quote: None }
    }

    /// The page on which a customer buys or sells this amount (`feature=cfx`).
    pub fn convert(partner: impl Into<Arg<Text<150>>>, side: Side, amount: impl Into<AmountArg>) -> Self {
        Self { convert: Some((side, amount.into())), ..Self::new(partner) }
    }

    /// Sets the pair whose quote is used, such as `BTC-EUR`; the amount is in one of its currencies. It belongs to
    /// [`convert`](Self::convert).
    pub fn quote(self, pair: impl Into<Arg<Pair>>) -> Self {
        Self { quote: Some(pair.into()), ..self }
    }

    /// Sets your own name for the customer.
    pub fn user(self, user: impl Into<Arg<UserRef>>) -> Self {
        Self { user_ext_ref: Some(user.into()), ..self }
    }

    /// The URL for a customer's browser.
    ///
    /// # Errors
    /// Every argument that is malformed.
    pub fn url(&self, hosts: &Hosts) -> Result<String, InvalidArguments> {
        url_of(&Prepared::new(self, hosts.of(LIGHT))?, hosts.of(LIGHT))
    }

    fn check_arguments(&self, checks: &mut Checks<'_>) {
        not_sent(checks);
        if self.convert.is_none() && self.quote.is_some() {
            checks.refuse(
                "quote",
                "it belongs to a conversion",
                "use RedirectPage::convert, or leave it out",
            );
        }
        if let Some(Ok(pair)) = self.quote.as_ref().map(Arg::value)
            && let Some((_, AmountArg(Ok(amount)))) = &self.convert
            && pair.other(amount.symbol()).is_none()
        {
            let why = format!("the amount is in {}, which is not in {pair}", amount.symbol());
            checks.refuse("quote", why, "give a pair that has the currency of the amount");
        }
    }
}

/// Refuses to send what a browser must open.
pub(crate) fn not_sent(checks: &mut Checks<'_>) {
    // A request that is only written out has no clock.
    if checks.now().is_some() {
        let why = "it is an address for a customer's browser, and this client does not open it";
        checks.refuse("request", why, "give the customer the address that `url` returns");
    }
}

/// The whole URL of a request that was written out.
pub(crate) fn url_of(prepared: &Prepared, environment: &Environment) -> Result<String, InvalidArguments> {
    Ok(format!("{}{}?{}", environment.origin(), prepared.path, prepared.query))
}

impl From<Malformed> for AmountArg {
    fn from(reason: Malformed) -> Self {
        Self(Err(reason))
    }
}

#[cfg(test)]
mod samples {
    use super::*;
    use capecrypto_models::dec;
    use capecrypto_probe::{PartnerSeed, Samples};

    impl Samples for GetLightConfig {
        fn smallest() -> Self {
            Self::new()
        }
        fn fullest() -> Self {
            Self::new()
        }
    }

    impl Samples for GetLightQuote {
        fn smallest() -> Self {
            Self::new("BTC-EUR")
        }
        fn fullest() -> Self {
            Self::new("BTC-EUR")
        }
    }

    impl Samples for RedirectPage {
        fn smallest() -> Self {
            Self::new("partner-7")
        }
        fn fullest() -> Self {
            let page = Self::convert("partner-7", Side::Buy, ("BTC", dec!(0.001)));
            page.quote("BTC-EUR").user("canary-42")
        }
        fn answered_to_partner(_: &PartnerSeed) -> Vec<Self> {
            vec![Self::smallest(), Self::fullest()]
        }
    }
}

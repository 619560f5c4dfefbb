//! What is the same for all accounts of a partner: the configuration, quotes, and transfers by their external id.

use crate::{
    PARTNER,
    codes::CODES,
    models::{Config, ExternalId, Pair, Quote, Reconciliation},
};
use capecrypto_auth::Environment;
use capecrypto_models::Arg;
use capecrypto_rest::{Mismatch, endpoints, request};

endpoints! { PARTNER signed; codes CODES; hints crate::codes::hint; probe capecrypto_probe::Probe;
    GET "/config"                        GetConfig -> Config, unreviewed("the request has no arguments");
    GET "/quotes/{code_pair}"            GetQuote -> Quote, reviewed;
    GET "/recon/transfers/{external_id}" GetReconciliation -> Reconciliation, secrets("external_ref_id") reviewed;
}

request! {
    /// Reads what is set for the partner: currencies, limits, fees, pairs (documents: "Partner configuration").
    #[derive(Default)]
    pub struct GetConfig {}
}

impl GetConfig {
    /// The partner's configuration.
    pub fn new() -> Self {
        Self::with()
    }
}

request! {
    /// Asks for a price (documents: "Latest quotation"). It is good for some seconds: see
    /// [`time_left`](crate::models::Quote::time_left).
    pub struct GetQuote {
        code_pair: Arg<Pair>,
    }
}

impl GetQuote {
    /// A quote for these two currencies, such as `BTC-EUR`. Either order gives the same quote, in Cabital's own order.
    pub fn new(pair: impl Into<Arg<Pair>>) -> Self {
        Self::with(pair.into())
    }

    fn review_answer(&self, quote: &mut Quote, _: &Environment) -> Result<(), Mismatch> {
        same_pair(&self.code_pair, quote)
    }
}

/// Compares the pair in a quote's id, if it has one, with the pair that was asked for, in either order.
pub(crate) fn same_pair(asked: &Arg<Pair>, quote: &Quote) -> Result<(), Mismatch> {
    match (asked.value(), quote.pair()) {
        (Ok(asked), Some(came)) if !asked.is_same(&came) => Err(Mismatch { field: "quote_id" }),
        _ => Ok(()),
    }
}

request! {
    /// Reads a transfer by your own id (documents: "Reconciliation"). One that does not exist is refused with PA030.
    pub struct GetReconciliation {
        external_id: Arg<ExternalId>,
    }
}

impl GetReconciliation {
    /// The transfer with this external id.
    pub fn new(external_id: impl Into<Arg<ExternalId>>) -> Self {
        Self::with(external_id.into())
    }

    fn review_answer(&self, answer: &mut Reconciliation, _: &Environment) -> Result<(), Mismatch> {
        let asked = self.external_id.value().ok().map(ExternalId::as_str);
        Mismatch::check("external_id", asked.as_ref(), answer.external_id.as_deref().as_ref())
    }
}

#[cfg(test)]
mod samples {
    use super::*;
    use capecrypto_probe::{PartnerSeed, Samples};

    impl Samples for GetConfig {
        fn smallest() -> Self {
            Self::new()
        }
        fn fullest() -> Self {
            Self::new()
        }
    }

    impl Samples for GetQuote {
        fn smallest() -> Self {
            Self::new("BTC-EUR")
        }
        fn fullest() -> Self {
            Self::new("BTC-EUR")
        }
    }

    impl Samples for GetReconciliation {
        fn smallest() -> Self {
            Self::new("adb8f31d-7a71-4003-85d7-3ac58158461f")
        }
        fn answered_to_partner(seed: &PartnerSeed) -> Vec<Self> {
            vec![Self::new(seed.external_id)]
        }
    }
}

//! Quotes: what a withdrawal costs.

use crate::{ACCOUNT, args};
use capecrypto_auth::Environment;
use capecrypto_models::{
    Arg, Bolt11, CurrencyId, Decimal, WithdrawQuote,
    param::{Param, Place},
};
use capecrypto_rest::{Checks, Mismatch, endpoints, request};

endpoints! { ACCOUNT signed; hints crate::hints::hint; probe capecrypto_probe::Probe;
    GET "/account/withdraws/quote/{currency}" GetWithdrawQuote -> WithdrawQuote, checked secrets("bolt") reviewed;
}

request! {
    /// Asks what a withdrawal costs (documents: "Withdraw quote"). The quote is sent with the withdrawal, before it expires (90
    /// seconds, by the documents): see [`CreateWithdrawal::quote`](crate::account::CreateWithdrawal::quote). Only the current
    /// version has it.
    ///
    /// A quote that cannot be made is refused; the error's codes have the reason.
    pub struct GetWithdrawQuote {
        currency: Arg<CurrencyId>,
        bolt: Option<Arg<Bolt11>>,
    }
}

impl GetWithdrawQuote {
    /// A quote for a withdrawal of this currency, such as `btc`.
    pub fn new(currency: impl Into<Arg<CurrencyId>>) -> Self {
        Self::with(currency.into(), None)
    }

    /// A quote for the payment of this lightning invoice (BOLT 11). Its fee is in bitcoin, not in satoshi.
    pub fn lightning(bolt: impl Into<Arg<Bolt11>>) -> Self {
        Self::with("btc".into(), Some(bolt.into()))
    }

    #[inline]
    fn check_arguments(&self, checks: &mut Checks<'_>) {
        args::current_only(checks, "GetWithdrawQuote");
    }

    #[inline]
    fn review_answer(&self, quote: &mut WithdrawQuote, _: &Environment) -> Result<(), Mismatch> {
        Mismatch::check("currency", self.currency.value().ok(), Some(&quote.currency))
    }
}

/// A quote as an argument: only its id is sent.
#[derive(Debug, Clone)]
pub struct Quoted(WithdrawQuote);

impl Quoted {
    /// Refuses a quote of another currency, or one that has expired by the exchange's clock. Warns if nothing would be left of
    /// the amount that the fee is taken out of.
    pub(crate) fn check(
        &self,
        checks: &mut Checks<'_>,
        currency: Option<&CurrencyId>,
        amount: Option<Decimal>,
    ) {
        const NAME: &str = "quote_id";
        let Self(quote) = self;
        if currency.is_some_and(|currency| *currency != quote.currency) {
            let why = format!("the quote is for {}", quote.currency);
            checks.refuse(NAME, why, "get a quote for the currency that is withdrawn");
        }
        if checks.now().is_some_and(|now| !quote.is_valid_at(now)) {
            let why = format!("the quote expired at {}", quote.expires_at);
            checks.refuse(NAME, why, "get a new quote, and send the request before it expires");
        }
        if amount.is_some_and(|amount| quote.fee >= amount) {
            let why = "the fee of the quote is not below the amount, so nothing would arrive";
            checks.warn(NAME, why, "withdraw more, or wait for a lower fee");
        }
    }
}

impl From<WithdrawQuote> for Quoted {
    fn from(quote: WithdrawQuote) -> Self {
        Self(quote)
    }
}

impl From<&WithdrawQuote> for Quoted {
    fn from(quote: &WithdrawQuote) -> Self {
        Self(quote.clone())
    }
}

impl Param for Quoted {
    fn write(&self, place: &mut dyn Place) {
        self.0.id.write(place);
    }
}

#[cfg(test)]
mod samples {
    use super::*;
    use capecrypto_probe::Samples;

    impl Samples for GetWithdrawQuote {
        fn smallest() -> Self {
            Self::new("btc")
        }
        fn fullest() -> Self {
            Self::lightning(crate::account::lightning::samples::COFFEE)
        }
    }
}

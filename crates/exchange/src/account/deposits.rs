//! Deposits, and the addresses for them.

use crate::ACCOUNT;
use capecrypto_auth::Environment;
use capecrypto_models::{Arg, CurrencyId, DepositAddress};
use capecrypto_rest::{Mismatch, endpoints, request};

endpoints! { ACCOUNT signed; hints crate::hints::hint; probe capecrypto_probe::Probe;
    GET "/account/deposit_address/{currency}" GetDepositAddress -> DepositAddress, reviewed;
}

request! {
    /// Reads the address for deposits of a currency (documents: "Deposit address"). The first request makes the exchange
    /// create the address, and its answer has none yet: ask again after a few seconds.
    pub struct GetDepositAddress {
        currency: Arg<CurrencyId>,
    }
}

impl GetDepositAddress {
    /// The address for this currency, such as `btc`.
    pub fn new(currency: impl Into<Arg<CurrencyId>>) -> Self {
        Self::with(currency.into())
    }

    fn review_answer(&self, answer: &mut DepositAddress, _: &Environment) -> Result<(), Mismatch> {
        Mismatch::check("currency", self.currency.value().ok(), answer.currency.as_ref())
    }
}

#[cfg(test)]
mod samples {
    use super::*;
    use capecrypto_probe::Samples;

    impl Samples for GetDepositAddress {
        fn smallest() -> Self {
            Self::new("btc")
        }
        fn fullest() -> Self {
            Self::smallest()
        }
    }
}

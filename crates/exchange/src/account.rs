//! Balances, history, and how money comes in and goes out (documents: "Account").

pub mod beneficiaries;
pub mod deposits;
pub mod export;
pub mod instant_methods;
pub mod ledger;
pub mod lightning;
pub mod methods;
pub mod parties;
pub mod quotes;
pub mod transactions;
pub mod travel_rule;
pub mod vouchers;
pub mod withdrawals;

pub use beneficiaries::*;
pub use deposits::*;
pub use export::*;
pub use instant_methods::*;
pub use ledger::*;
pub use lightning::*;
pub use methods::*;
pub use parties::*;
pub use quotes::*;
pub use transactions::*;
pub use travel_rule::*;
pub use vouchers::*;
pub use withdrawals::*;

use crate::ACCOUNT;
use capecrypto_auth::{BalanceMeaning, Environment};
use capecrypto_models::{Arg, Balance, CurrencyId, Decimal};
use capecrypto_rest::{Mismatch, Objection, Page, Paged, Paging, endpoints, request};

endpoints! { ACCOUNT signed; hints crate::hints::hint; probe capecrypto_probe::Probe;
    GET "/account/balances"            ListBalances -> Page<Balance>, paged reviewed;
    GET "/account/balances/{currency}" GetBalance   -> Balance, reviewed;
}

request! {
    /// Lists the account's balances (documents: "All balances").
    #[derive(Default)]
    pub struct ListBalances {}
    optional {
        /// Only balances that are not zero.
        nonzero: bool,
    }
    pages Paging<1_000>, "1 to 1,000, 100 when left out";
}

impl ListBalances {
    /// All balances.
    pub fn new() -> Self {
        Self::with()
    }

    #[inline]
    fn review_answer(&self, page: &mut Page<Balance>, environment: &Environment) -> Result<(), Objection> {
        for balance in &mut page.items {
            as_meant(balance, environment)?;
            if self.nonzero == Some(true) && balance.total() == Decimal::ZERO {
                return Err(Mismatch { field: "nonzero" }.into());
            }
        }
        Ok(())
    }
}

/// Converts the balance if the environment says that the `balance` field of this server is the total.
fn as_meant(balance: &mut Balance, environment: &Environment) -> Result<(), Objection> {
    if environment.rest_balance() == BalanceMeaning::Total {
        *balance = balance.clone().with_balance_as_total().map_err(|_| {
            Objection::Unusable(
                "`locked` is larger than `balance`, so `balance` is not the total; set rest_balance of the environment to Available",
            )
        })?;
    }
    Ok(())
}

impl Paged for ListBalances {
    type Row = Balance;
    type Key = CurrencyId;

    fn key(row: &Balance) -> CurrencyId {
        row.currency.clone()
    }
}

request! {
    /// Reads one balance (documents: "Balance"). A currency that the account never held may be answered as not found.
    pub struct GetBalance {
        currency: Arg<CurrencyId>,
    }
}

impl GetBalance {
    /// The balance of this currency, such as `zar`.
    pub fn new(currency: impl Into<Arg<CurrencyId>>) -> Self {
        Self::with(currency.into())
    }

    #[inline]
    fn review_answer(&self, balance: &mut Balance, environment: &Environment) -> Result<(), Objection> {
        Mismatch::check("currency", self.currency.value().ok(), Some(&balance.currency))?;
        as_meant(balance, environment)
    }
}

#[cfg(test)]
mod samples {
    use super::*;
    use capecrypto_probe::Samples;

    impl Samples for ListBalances {
        fn smallest() -> Self {
            Self::new()
        }
        fn fullest() -> Self {
            Self::new().limit(1_000).page(1).nonzero(true)
        }
    }

    impl Samples for GetBalance {
        fn smallest() -> Self {
            Self::new("zar")
        }
    }
}

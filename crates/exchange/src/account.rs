//! Balances (documents: "Account").

use crate::args::{Limit, PageNumber};
use capecrypto_auth::{BalanceMeaning, Environment};
use capecrypto_models::{Arg, Balance, CurrencyId, Decimal};
use capecrypto_rest::{Mismatch, Objection, Page, Paged, endpoints, setters};
use serde::Serialize;

endpoints! { Account signed {
    GET "/account/balances"            ListBalances -> Page<Balance>, reviewed;
    GET "/account/balances/{currency}" GetBalance   -> Balance, reviewed;
}}

/// Lists the account's balances (documents: "All balances").
#[derive(Debug, Clone, Default, Serialize)]
#[must_use = "a request does nothing until it is sent"]
pub struct ListBalances {
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<Limit<1_000>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<PageNumber>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonzero: Option<bool>,
}

impl ListBalances {
    /// All of them.
    pub fn new() -> Self {
        Self::default()
    }

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

/// Reads a balance as the environment says that this server means it.
fn as_meant(balance: &mut Balance, environment: &Environment) -> Result<(), Objection> {
    if environment.rest_balance() == BalanceMeaning::Total {
        *balance = balance.clone().with_balance_as_total().map_err(|_| {
            Objection::Unusable(
                "more is locked than `balance` holds, so it is not the total; set rest_balance of the environment to Available",
            )
        })?;
    }
    Ok(())
}

setters! { ListBalances {
    /// Most balances of a page, 1 to 1,000; 100 when left out.
    limit: Limit<1_000>;
    /// Page, from 1.
    page: PageNumber;
    /// Only balances that are not zero.
    nonzero: bool;
}}

impl Paged for ListBalances {
    type Row = Balance;
    type Key = CurrencyId;

    fn key(row: &Balance) -> CurrencyId {
        row.currency.clone()
    }

    fn set_page(&mut self, page: u32) {
        self.page = Some(page.into());
    }
}

/// Reads one balance (documents: "Balance"). A currency that the account never held may be answered as not found.
#[derive(Debug, Clone, Serialize)]
#[must_use = "a request does nothing until it is sent"]
pub struct GetBalance {
    currency: Arg<CurrencyId>,
}

impl GetBalance {
    /// Of this currency, such as `zar`.
    pub fn new(currency: impl Into<Arg<CurrencyId>>) -> Self {
        Self { currency: currency.into() }
    }

    fn review_answer(&self, balance: &mut Balance, environment: &Environment) -> Result<(), Objection> {
        Mismatch::check("currency", self.currency.value().ok(), Some(&balance.currency))?;
        as_meant(balance, environment)
    }
}

#[cfg(test)]
mod samples {
    use super::*;
    use crate::probe::Samples;

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
        fn fullest() -> Self {
            Self::smallest()
        }
    }
}

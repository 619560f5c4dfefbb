//! Sub-accounts (documents: "Sub-Accounts").

use crate::PERSONA;
use capecrypto_auth::Environment;
use capecrypto_models::{
    Arg, BeneficiaryId, CurrencyId, Decimal, Malformed, SubAccount,
    param::{Param, Place},
};
use capecrypto_rest::{Checks, Mismatch, endpoints, object, request};

endpoints! { PERSONA signed; hints crate::hints::hint; probe capecrypto_probe::Probe;
    POST "/resource/sub_accounts" CreateSubAccount -> SubAccount, checked reviewed;
}

request! {
    /// Creates a sub-account, which inherits the account's verification (documents: "Create Sub-Account"). The request is sent
    /// at most once.
    pub struct CreateSubAccount {
        account_name: String,
    }
    optional {
        /// What happens to deposits; they stay in the sub-account when left out.
        deposit_action: DepositAction,
        /// Further data, as JSON text.
        data: String,
    }
}

object! {
    /// What happens to a deposit (documents: "Deposit Action Options"). Each constructor is one action.
    pub struct DepositAction {
        action: &'static str,
        target_currency: Option<Arg<CurrencyId>>,
        beneficiary_id: Option<Arg<BeneficiaryId>>,
        lightning_invoice: Option<String>,
    }
    optional {
        /// Largest slippage of the price, in percent; above zero. The documents name two ranges, so only the exchange checks
        /// the upper limit.
        max_slippage: Percent,
        /// Amount that the beneficiary must receive, in the target currency. If a deposit does not cover it, nothing is
        /// withdrawn.
        beneficiary_amount: Decimal,
    }
}

/// Where converted money goes.
#[derive(Debug, Clone)]
pub enum Destination {
    /// A beneficiary of the account.
    Beneficiary(Arg<BeneficiaryId>),
    /// A lightning invoice.
    Invoice(String),
}

impl DepositAction {
    /// The deposit stays in the sub-account.
    pub fn none() -> Self {
        Self::with("none", None, None, None)
    }

    /// The deposit goes to the parent account.
    pub fn aggregate() -> Self {
        Self::with("aggregate", None, None, None)
    }

    /// The deposit is converted and withdrawn.
    pub fn convert_and_withdraw(target: impl Into<Arg<CurrencyId>>, to: Destination) -> Self {
        Self::converting("convert_and_withdraw", target.into(), to)
    }

    /// The deposit goes to the parent account, and is converted and withdrawn there.
    pub fn aggregate_convert_and_withdraw(target: impl Into<Arg<CurrencyId>>, to: Destination) -> Self {
        Self::converting("aggregate_convert_and_withdraw", target.into(), to)
    }

    fn converting(action: &'static str, target: Arg<CurrencyId>, to: Destination) -> Self {
        match to {
            Destination::Beneficiary(id) => Self::with(action, Some(target), Some(id), None),
            Destination::Invoice(invoice) => Self::with(action, Some(target), None, Some(invoice)),
        }
    }
}

/// A percentage above zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Percent(Decimal);

impl From<Decimal> for Percent {
    fn from(percent: Decimal) -> Self {
        Self(percent)
    }
}

impl Param for Percent {
    fn write(&self, place: &mut dyn Place) {
        if self.0 > Decimal::ZERO {
            return place.number(&self.0);
        }
        place.refuse(Malformed::new(format!("{} is not above zero", self.0), "give a percentage, such as 2"));
    }
}

impl CreateSubAccount {
    /// A sub-account with this name, of 1 to 100 characters.
    pub fn new(account_name: impl Into<String>) -> Self {
        Self::with(account_name.into())
    }

    fn check_arguments(&self, checks: &mut Checks<'_>) {
        if !(1..=100).contains(&self.account_name.chars().count()) {
            checks.refuse(
                "account_name",
                "it does not have 1 to 100 characters",
                "give a name of that length",
            );
        }
    }

    fn review_answer(&self, answer: &mut SubAccount, _: &Environment) -> Result<(), Mismatch> {
        Mismatch::check("account_name", Some(&self.account_name), Some(&answer.account_name))
    }
}

#[cfg(test)]
mod samples {
    use super::*;
    use capecrypto_models::dec;
    use capecrypto_probe::Samples;

    impl Samples for CreateSubAccount {
        fn smallest() -> Self {
            Self::new("Trading Account 1")
        }
        fn fullest() -> Self {
            let to = Destination::Beneficiary(789.into());
            let action = DepositAction::convert_and_withdraw("zar", to).max_slippage(dec!(1.5));
            Self::new("Conversion").deposit_action(action.beneficiary_amount(dec!(10))).data("{}")
        }
    }
}

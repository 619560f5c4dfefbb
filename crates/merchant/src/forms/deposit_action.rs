//! What shall happen to a deposit.

use super::Amount;
use capecrypto_models::{
    Arg, BeneficiaryId, CurrencyId, Decimal, DepositAction, DepositActionKind, Malformed,
    param::{Param, Place},
};
use capecrypto_rest::{Mismatch, object};

object! {
    /// What shall happen to a deposit (documents: "Deposit Action Options"). Each constructor is one action.
    ///
    /// For customers the documents say in one place that only `none` is available so far; the exchange decides.
    pub struct OnDeposit {
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
        beneficiary_amount: Amount,
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

impl OnDeposit {
    /// The deposit stays in the account.
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

    /// Whether the deposit does not just stay in the account.
    pub(crate) fn does_something(&self) -> bool {
        self.action != "none"
    }

    /// Compares an answered action with this one. A field that was not asked for, or is not answered, is not compared.
    ///
    /// # Errors
    /// The field that differs.
    pub(crate) fn compare(&self, answered: &DepositAction) -> Result<(), Mismatch> {
        let kind = DepositActionKind::from(self.action);
        let currency = self.target_currency.as_ref().and_then(|asked| asked.value().ok());
        let beneficiary = self.beneficiary_id.as_ref().and_then(|asked| asked.value().ok());
        let invoice = self.lightning_invoice.as_ref();
        let slippage = self.max_slippage.map(|percent| percent.0);
        let amount = self.beneficiary_amount.map(Amount::get);
        let DepositAction { target_currency, beneficiary_id, lightning_invoice, .. } = answered;
        let DepositAction { max_slippage, beneficiary_amount, .. } = answered;
        Mismatch::check("deposit_action.action", Some(&kind), Some(&answered.action))?;
        Mismatch::check("deposit_action.target_currency", currency, target_currency.as_ref())?;
        Mismatch::check("deposit_action.beneficiary_id", beneficiary, beneficiary_id.as_ref())?;
        Mismatch::check("deposit_action.lightning_invoice", invoice, lightning_invoice.as_ref())?;
        Mismatch::check("deposit_action.max_slippage", slippage.as_ref(), max_slippage.as_ref())?;
        Mismatch::check("deposit_action.beneficiary_amount", amount.as_ref(), beneficiary_amount.as_ref())
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

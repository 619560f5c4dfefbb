//! What happens to the deposits of a managed account.

use crate::base::id::Code;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// The name of a deposit action.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ActionName {
    /// The deposit stays where it is.
    #[default]
    None,
    /// The deposit goes to the account that manages this one.
    Aggregate,
    /// The deposit is converted, and withdrawn.
    ConvertAndWithdraw,
    /// The deposit goes to the account that manages this one, and is converted and withdrawn there.
    AggregateConvertAndWithdraw,
}

impl ActionName {
    /// Whether it needs a currency, and a beneficiary or an invoice.
    pub(crate) fn converts(self) -> bool {
        matches!(self, Self::ConvertAndWithdraw | Self::AggregateConvertAndWithdraw)
    }
}

/// How much worse than the best price a conversion may be if nothing is said, in percent: the documents' default.
pub(crate) const SLIPPAGE: Decimal = Decimal::from_parts(20, 0, 0, false, 1);

/// A deposit action, with everything that was sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DepositAction {
    pub(crate) action: ActionName,
    pub(crate) target_currency: Option<Code>,
    pub(crate) beneficiary_id: Option<u64>,
    pub(crate) lightning_invoice: Option<String>,
    /// In percent.
    pub(crate) max_slippage: Option<Decimal>,
    /// What the beneficiary must receive, in the target currency.
    pub(crate) beneficiary_amount: Option<Decimal>,
}

impl DepositAction {
    /// How much worse than the best price a conversion may be, in percent.
    pub(crate) fn slippage(&self) -> Decimal {
        self.max_slippage.unwrap_or(SLIPPAGE)
    }
}

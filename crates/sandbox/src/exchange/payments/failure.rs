//! Why a payment failed. The documents have a single text, that of a missing liquidity; the others are ours, in its manner.

use crate::{
    base::id::Code,
    exchange::{
        funds::{lightning::NotPaid, new_withdrawal::NotCreated, withdrawals::WithdrawalState},
        market::conversion::NotConverted,
    },
};
use rust_decimal::Decimal;

/// Its text is the `error` of the payment reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Failure {
    #[error("Account {0} has no parent account")]
    NoParent(String),
    #[error("Insufficient balance for internal transfer of {0}")]
    NotTransferred(Code),
    #[error("No market for {0} and {1}")]
    NoMarket(Code, Code),
    #[error("Trading is not permitted for account {0}")]
    MayNotTrade(String),
    #[error("Insufficient liquidity for market order on {0}")]
    NoLiquidity(Code),
    #[error("Slippage above {1}% for market order on {0}")]
    Slippage(Code, Decimal),
    #[error("Amount too small for market order on {0}")]
    TooSmall(Code),
    #[error("Insufficient balance for market order on {0}")]
    NotOrdered(Code),
    #[error("Market order on {0} was refused")]
    OrderRefused(Code),
    #[error("Market order {1} on {0} was not filled completely")]
    NotFilled(Code, u64),
    #[error("Two-factor authentication is disabled")]
    NoTwoFactor,
    #[error("Withdrawals are not permitted for account {0}")]
    MayNotWithdraw(String),
    #[error("Beneficiary {1} does not exist for {0}")]
    NoBeneficiary(Code, u64),
    #[error("Beneficiary {0} is not active")]
    InactiveBeneficiary(u64),
    #[error("Withdrawals of {0} are disabled")]
    WithdrawalsDisabled(Code),
    #[error("Insufficient balance for withdrawal of {0}")]
    NotCovered(Code),
    #[error("Invalid amount for withdrawal of {0}")]
    InvalidAmount(Code),
    #[error("Withdrawal limit exceeded for {0}")]
    OverLimit(Code),
    #[error("Lightning pays btc only, not {0}")]
    NoLightning(Code),
    #[error("Lightning invoice is not valid")]
    InvalidInvoice,
    #[error("Amount of the lightning invoice differs")]
    InvoiceAmount,
    #[error("Lightning invoice has expired")]
    InvoiceExpired,
    #[error("Lightning invoice is already paid")]
    InvoicePaid,
    #[error("Lightning invoice is from the same account")]
    OwnInvoice,
    #[error("No beneficiary and no lightning invoice")]
    NoTarget,
    #[error("Withdrawal {0} ended as {state}", state = .1.as_str())]
    WithdrawalEnded(u64, WithdrawalState),
}

impl Failure {
    pub(super) fn of_order(market: Code, slippage: Decimal, why: NotConverted) -> Self {
        match why {
            NotConverted::NoLiquidity => Self::NoLiquidity(market),
            NotConverted::Slippage => Self::Slippage(market, slippage.normalize()),
            NotConverted::TooSmall => Self::TooSmall(market),
            NotConverted::Insufficient => Self::NotOrdered(market),
            NotConverted::Refused => Self::OrderRefused(market),
        }
    }

    pub(super) fn of_withdrawal(currency: Code, beneficiary: u64, why: NotCreated) -> Self {
        match why {
            NotCreated::NoBeneficiary => Self::NoBeneficiary(currency, beneficiary),
            NotCreated::InactiveBeneficiary => Self::InactiveBeneficiary(beneficiary),
            NotCreated::WrongOtp => Self::NoTwoFactor,
            NotCreated::Disabled => Self::WithdrawalsDisabled(currency),
            NotCreated::Insufficient => Self::NotCovered(currency),
            // There is no quote.
            NotCreated::InvalidAmount | NotCreated::Quote(_) => Self::InvalidAmount(currency),
            NotCreated::OverLimit => Self::OverLimit(currency),
        }
    }

    pub(super) fn of_lightning(currency: Code, why: NotPaid) -> Self {
        match why {
            NotPaid::NoCurrency => Self::NoLightning(currency),
            NotPaid::Disabled => Self::WithdrawalsDisabled(currency),
            NotPaid::NotReadable(_) => Self::InvalidInvoice,
            NotPaid::AmountDiffers => Self::InvoiceAmount,
            NotPaid::Expired => Self::InvoiceExpired,
            NotPaid::AlreadyPaid => Self::InvoicePaid,
            NotPaid::OwnInvoice => Self::OwnInvoice,
            NotPaid::OverLimit | NotPaid::OverWithdrawalLimit => Self::OverLimit(currency),
            // There is no quote.
            NotPaid::Insufficient | NotPaid::Quote(_) => Self::NotCovered(currency),
        }
    }
}

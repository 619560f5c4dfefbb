//! The control door from inside the process, and what it refuses.

use crate::{
    base::{
        id::AccountId,
        refusal::{OwnCode, Refusal, own},
    },
    exchange::catalogue::NotAdded,
    host::Host,
};
use std::{fmt, sync::Arc};

/// Changes what no API call can: money from outside, the clock, faults. Clones are doors to the same exchange.
#[derive(Clone)]
pub struct Control {
    pub(crate) host: Arc<Host>,
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control").finish_non_exhaustive()
    }
}

/// What the control door refuses. Nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ControlError {
    /// No account has that name.
    #[error("no account has that name; use maker, taker, merchant or aggregator, or add it first")]
    UnknownAccount,
    /// No currency has that code.
    #[error("no currency has that code; use btc, eth, xrp, usdc or zar, or add it first")]
    UnknownCurrency,
    /// No market has that id.
    #[error("no market has that id; use btczar, ethzar, xrpzar or usdczar, or add it first")]
    UnknownMarket,
    /// The amount is not above zero, finer than the currency's precision, or the currency would pass 10^12 in all.
    #[error(
        "the amount must be above zero, within the currency's precision, and keep its supply within 10^12"
    )]
    InvalidAmount,
    /// The text is no transaction: a JSON object with a type, and fields of the documents' names.
    #[error("this is no transaction; give a JSON object with a `type`, and fields of the documents' names")]
    InvalidTransaction,
    /// An account, a currency or a market of that name is there already.
    #[error("that name is taken; choose another")]
    Taken,
    /// The name or the figures of an account, a currency or a market cannot be used.
    #[error(
        "an account's name is not empty, `fees` or `outside`; a market's currencies differ, its lowest price is above \
         zero, and its prices and amounts have at most 13 digits after the point together; a currency's have at most 13"
    )]
    Invalid,
    /// The exchange was not started with a record.
    #[error("nothing is recorded; start the exchange with a record")]
    NotRecorded,
}

const INVALID: &str = "sandbox.control.invalid_request";
const LOOPBACK_ONLY: &str = "sandbox.control.loopback_only";

/// The codes of the door.
pub(crate) const OWN_CODES: &[OwnCode] = &[
    own(LOOPBACK_ONLY, "403: the control door answers only programs on this machine, and no web pages"),
    own(INVALID, "422: the control door cannot read the request"),
    own("sandbox.control.unknown_account", "422: no account of that name"),
    own("sandbox.control.unknown_currency", "422: no currency of that code"),
    own("sandbox.control.unknown_market", "422: no market of that id"),
    own(
        "sandbox.control.invalid_amount",
        "422: an amount is not above zero, finer than the currency, or past 10^12 in all",
    ),
    own(
        "sandbox.control.invalid_transaction",
        "422: a transaction without a type, or with a field of another name",
    ),
    own("sandbox.control.taken", "422: the name is taken"),
    own("sandbox.control.invalid", "422: a name or figures that cannot be used"),
    own("sandbox.control.not_recorded", "422: the exchange was not started with a record"),
];

impl ControlError {
    /// The same in the answer of the HTTP door.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::UnknownAccount => "sandbox.control.unknown_account",
            Self::UnknownCurrency => "sandbox.control.unknown_currency",
            Self::UnknownMarket => "sandbox.control.unknown_market",
            Self::InvalidAmount => "sandbox.control.invalid_amount",
            Self::InvalidTransaction => "sandbox.control.invalid_transaction",
            Self::Taken => "sandbox.control.taken",
            Self::Invalid => "sandbox.control.invalid",
            Self::NotRecorded => "sandbox.control.not_recorded",
        }
    }
}

impl From<NotAdded> for ControlError {
    fn from(why: NotAdded) -> Self {
        match why {
            NotAdded::Taken => Self::Taken,
            NotAdded::UnknownCurrency => Self::UnknownCurrency,
            NotAdded::Invalid => Self::Invalid,
        }
    }
}

impl From<ControlError> for Refusal {
    fn from(error: ControlError) -> Self {
        Self::unprocessable(error.code())
    }
}

/// The door cannot read the request.
pub(super) fn unreadable() -> Refusal {
    Refusal::unprocessable(INVALID)
}

/// The door is not for that caller.
pub(super) fn loopback_only() -> Refusal {
    Refusal::Codes(http::StatusCode::FORBIDDEN, vec![LOOPBACK_ONLY])
}

impl Control {
    pub(super) fn account(&self, name: &str) -> Result<AccountId, ControlError> {
        self.host.people.by_name(name).ok_or(ControlError::UnknownAccount)
    }
}

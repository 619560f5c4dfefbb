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

/// The control door: changes what no API call can change, such as deposits, the clock and faults. Clones control the
/// same exchange.
#[derive(Clone)]
pub struct Control {
    pub(crate) host: Arc<Host>,
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control").finish_non_exhaustive()
    }
}

/// Why the control door refused. Nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ControlError {
    /// No account has that name.
    #[error("no account has that name; use maker, taker, merchant or aggregator, or add it first")]
    UnknownAccount,
    /// No currency has that code.
    #[error("no currency has that code; use btc, eth, xrp, usdc, zar, eur, gbp or usd, or add it first")]
    UnknownCurrency,
    /// No market has that id.
    #[error("no market has that id; use btczar, ethzar, xrpzar or usdczar, or add it first")]
    UnknownMarket,
    /// The amount is not above zero, has more digits than the currency's precision, or brings the currency's total
    /// supply above 10^12.
    #[error(
        "the amount must be above zero, have no more digits than the currency, and keep the currency's supply within 10^12"
    )]
    InvalidAmount,
    /// No deposit has that number.
    #[error("no deposit has that number; `add_deposit` and `GET /account/deposits` give the numbers")]
    UnknownDeposit,
    /// A deposit cannot be in that state, or cannot go there from the state that it is in.
    #[error(
        "the deposit cannot go to that state; see `Control::set_deposit_state`. Only coins can be on hold"
    )]
    WrongState,
    /// The text is not a transaction: a JSON object with a `type`, whose other fields are named in the documents.
    #[error(
        "this is not a transaction; give a JSON object with a `type`, and only fields that the documents name"
    )]
    InvalidTransaction,
    /// No pending beneficiary has that number.
    #[error("no pending beneficiary has that number; an active one has no pin any more")]
    UnknownBeneficiary,
    /// The pin is not 1 to 20 digits.
    #[error("the pin must be 1 to 20 digits")]
    InvalidPin,
    /// An account, a currency, a market or a voucher with that name or pin exists.
    #[error("that name is taken; choose another")]
    Taken,
    /// The name, the limits, the level or the pin of an account, a currency, a market or a voucher cannot be used.
    #[error(
        "cannot be used: an account's name must not be empty, `fees` or `outside`; a market needs two different \
         currencies, a lowest price above zero, and at most 13 digits after the point for price and amount together; a \
         currency may have at most 13 digits after the point; a voucher needs a pin; \
         a level of verification is at most 3, and a sub-account has that of the account that manages it"
    )]
    Invalid,
    /// No customer, merchant or owner has that uid.
    #[error("no customer, merchant or owner has that uid; the answer that created it has the uids")]
    UnknownCustomer,
    /// Documents are missing, or an owner is not verified.
    #[error(
        "documents are missing, or an owner is not verified; `Control::verification` lists what is missing"
    )]
    Incomplete,
    /// No withdrawal has that number.
    #[error("no withdrawal has that number; use the id from the answer that created it")]
    UnknownWithdrawal,
    /// The withdrawal has ended, so its money was moved already.
    #[error("the withdrawal has ended, and its money was moved; create another one")]
    WithdrawalEnded,
    /// The text is not an invoice that the node outside can pay, or an invoice cannot be made like this.
    #[error(
        "no account has this invoice, or it is expired or paid; a new one needs an amount above zero and a description of at most 639 bytes"
    )]
    InvalidInvoice,
    /// No delivery of a webhook has that number.
    #[error(
        "no delivery of a webhook has that number; `Control::webhooks` (`GET webhooks/{{after}}`) lists them"
    )]
    UnknownDelivery,
    /// Nobody gets the delivery.
    #[error(
        "this delivery has no receiver, because no webhook was set when its event happened; set one, and send a new event"
    )]
    NoReceiver,
    /// The event has no name of 1 to 255 characters, or its fields are not a JSON object with each name once.
    #[error(
        "an event needs a name of at most 255 characters, and a JSON object of fields, each once and none of them `event`"
    )]
    InvalidEvent,
    /// No payment reference has that code.
    #[error("no payment reference has that code; the answer that created it has the code as `reference`")]
    UnknownPayment,
    /// The account has no verification at all.
    #[error(
        "the account has no verification; verify it first, or start the sandbox with `Builder::verified_customers(false)`"
    )]
    NotVerified,
    /// The currency does not come on that way.
    #[error(
        "a currency of a state comes by `fiat`, a coin by `chain`, and only btc also by `lightning`, which is not a blockchain here"
    )]
    WrongMethod,
    /// Cabital has no account of that id.
    #[error("Cabital has no account of that id; `Sandbox::cabital` and the answer that added it have one")]
    UnknownCabitalAccount,
    /// Cabital has no transfer of that id.
    #[error("Cabital has no transfer of that id; use the id from the answer that created it")]
    UnknownTransfer,
    /// The transfer is not `PROCESSING`, or would not end by this.
    #[error(
        "the transfer is not PROCESSING any more, or PROCESSING is not an end; give SUCCESS, FAILED or CANCEL"
    )]
    TransferEnded,
    /// The URL of callbacks does not lead to this machine.
    #[error(
        "callbacks go only to this machine, and to hosts that --webhook-host allows; give a URL such as http://127.0.0.1:8080/callback"
    )]
    NotLoopback,
    /// Cabital would refuse this with a business error.
    #[error("Cabital refuses this with {0}; see the list of its codes")]
    Cabital(&'static str),
    /// Cabital has no business error of that code.
    #[error("Cabital has no business error of that code; give PA001 to PA032, or PA999")]
    UnknownCode,
    /// The exchange was not started with a record.
    #[error("nothing is recorded; start the sandbox with `--record` or `Builder::record`")]
    NotRecorded,
}

const INVALID: &str = "sandbox.control.invalid_request";
const LOOPBACK_ONLY: &str = "sandbox.control.loopback_only";

/// The codes of the door.
pub(crate) const OWN_CODES: &[OwnCode] = &[
    own(LOOPBACK_ONLY, "403: the control door answers only programs on this machine, and never a web page"),
    own(INVALID, "422: the control door cannot read the request"),
    own("sandbox.control.unknown_account", "422: no account has that name"),
    own("sandbox.control.unknown_currency", "422: no currency has that code"),
    own("sandbox.control.unknown_market", "422: no market has that id"),
    own(
        "sandbox.control.invalid_amount",
        "422: the amount is not above zero, has too many digits, or brings the supply above 10^12",
    ),
    own("sandbox.control.unknown_deposit", "422: no deposit has that number"),
    own("sandbox.control.wrong_state", "422: a deposit cannot be in that state, or cannot go there"),
    own(
        "sandbox.control.invalid_transaction",
        "422: a transaction without a type, or with a field that the documents do not name",
    ),
    own("sandbox.control.unknown_beneficiary", "422: no pending beneficiary has that number"),
    own("sandbox.control.invalid_pin", "422: the pin is not 1 to 20 digits"),
    own("sandbox.control.taken", "422: the name is taken"),
    own("sandbox.control.invalid", "422: a name, a limit or a pin that cannot be used"),
    own("sandbox.control.unknown_customer", "422: no customer, merchant or owner has that uid"),
    own("sandbox.control.incomplete", "422: documents are missing, or an owner is not verified"),
    own("sandbox.control.unknown_withdrawal", "422: no withdrawal has that number"),
    own("sandbox.control.withdrawal_ended", "422: the withdrawal has ended, so its money was moved already"),
    own(
        "sandbox.control.invalid_invoice",
        "422: an invoice that the node outside cannot pay, or that cannot be made",
    ),
    own("sandbox.control.unknown_delivery", "422: no delivery of a webhook has that number"),
    own("sandbox.control.no_receiver", "422: the delivery has no receiver"),
    own("sandbox.control.invalid_event", "422: the name or the fields of an event cannot be used"),
    own("sandbox.control.unknown_payment", "422: no payment reference has that code"),
    own("sandbox.control.not_verified", "422: the account has no verification at all"),
    own("sandbox.control.wrong_method", "422: the currency does not come on that way"),
    own("sandbox.control.unknown_cabital_account", "422: Cabital has no account of that id"),
    own("sandbox.control.unknown_transfer", "422: Cabital has no transfer of that id"),
    own("sandbox.control.transfer_ended", "422: the transfer has ended, or would not end by this"),
    own("sandbox.control.not_loopback", "422: the URL of callbacks does not lead to this machine"),
    own("sandbox.control.cabital", "422: Cabital would refuse this with a business error"),
    own("sandbox.control.unknown_code", "422: Cabital has no business error of that code"),
    own("sandbox.control.not_recorded", "422: the exchange was not started with a record"),
];

impl ControlError {
    /// The error code for this refusal over HTTP.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::UnknownAccount => "sandbox.control.unknown_account",
            Self::UnknownCurrency => "sandbox.control.unknown_currency",
            Self::UnknownMarket => "sandbox.control.unknown_market",
            Self::InvalidAmount => "sandbox.control.invalid_amount",
            Self::UnknownDeposit => "sandbox.control.unknown_deposit",
            Self::WrongState => "sandbox.control.wrong_state",
            Self::InvalidTransaction => "sandbox.control.invalid_transaction",
            Self::UnknownBeneficiary => "sandbox.control.unknown_beneficiary",
            Self::InvalidPin => "sandbox.control.invalid_pin",
            Self::Taken => "sandbox.control.taken",
            Self::Invalid => "sandbox.control.invalid",
            Self::UnknownCustomer => "sandbox.control.unknown_customer",
            Self::Incomplete => "sandbox.control.incomplete",
            Self::UnknownWithdrawal => "sandbox.control.unknown_withdrawal",
            Self::WithdrawalEnded => "sandbox.control.withdrawal_ended",
            Self::InvalidInvoice => "sandbox.control.invalid_invoice",
            Self::UnknownDelivery => "sandbox.control.unknown_delivery",
            Self::NoReceiver => "sandbox.control.no_receiver",
            Self::InvalidEvent => "sandbox.control.invalid_event",
            Self::UnknownPayment => "sandbox.control.unknown_payment",
            Self::NotVerified => "sandbox.control.not_verified",
            Self::WrongMethod => "sandbox.control.wrong_method",
            Self::UnknownCabitalAccount => "sandbox.control.unknown_cabital_account",
            Self::UnknownTransfer => "sandbox.control.unknown_transfer",
            Self::TransferEnded => "sandbox.control.transfer_ended",
            Self::NotLoopback => "sandbox.control.not_loopback",
            Self::Cabital(_) => "sandbox.control.cabital",
            Self::UnknownCode => "sandbox.control.unknown_code",
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

/// The refusal of a request that cannot be read.
pub(super) fn unreadable() -> Refusal {
    Refusal::unprocessable(INVALID)
}

/// The refusal of a caller from another machine, or of a web page.
pub(super) fn loopback_only() -> Refusal {
    Refusal::Codes(http::StatusCode::FORBIDDEN, vec![LOOPBACK_ONLY])
}

impl Control {
    pub(super) fn account(&self, name: &str) -> Result<AccountId, ControlError> {
        self.host.people.by_name(name).ok_or(ControlError::UnknownAccount)
    }

    /// The account of that name, and its uid.
    pub(super) fn account_and_uid(&self, name: &str) -> Result<(AccountId, String), ControlError> {
        let id = self.account(name)?;
        let person = self.host.people.get(id).ok_or(ControlError::UnknownAccount)?;
        Ok((id, person.uid))
    }
}

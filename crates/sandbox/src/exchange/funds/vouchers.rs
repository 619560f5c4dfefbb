//! Vouchers: prepaid pins that an account turns into money. They are worth rand. The control door issues them.

use super::{
    Funds,
    deposits::{Coming, DepositState, Origin},
};
use crate::{
    base::{
        id::{AccountId, Code},
        ledger::Refused,
        money::exact,
    },
    exchange::{
        command::{Command, Holds, Replayable, replayable},
        desk::Desk,
        history::{self, fields},
    },
};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The currency of vouchers.
pub(crate) const CURRENCY: &str = "zar";
/// The number of the payment method that redeems them.
pub(crate) const METHOD: &str = "7";
/// What the provider keeps of each redemption. The documents give no figure.
pub(crate) const FEE: Decimal = Decimal::ONE;
/// How long a voucher can be redeemed, if the control door does not say it; also the one that is given as change.
pub(crate) const LIFETIME_MS: i64 = 3 * 365 * 24 * 3_600_000;

/// The kind of ids from which pins are made; see [`Desk::uuid`].
const PINS: u64 = 4;

#[derive(Debug, Clone)]
struct Voucher {
    amount: Decimal,
    expires_ms: i64,
    is_used: bool,
}

/// Every voucher, by its pin.
#[derive(Debug, Default)]
pub(crate) struct Vouchers(BTreeMap<String, Voucher>);

/// The commands of this file.
pub(super) fn commands<E: Holds<Funds>>() -> [Replayable<E>; 2] {
    [replayable::<E, IssueVoucher>(), replayable::<E, RedeemVoucher>()]
}

/// Issues a voucher; the answer is whether its pin is new.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct IssueVoucher {
    pub(crate) pin: String,
    #[serde(with = "exact")]
    pub(crate) amount: Decimal,
    pub(crate) lifetime_ms: i64,
}

impl Command for IssueVoucher {
    const NAME: &'static str = "issue_voucher";
    type Part = Funds;
    type Answer = bool;

    fn run(self, funds: &mut Funds, _desk: &mut Desk, at_ms: i64) -> bool {
        let Self { pin, amount, lifetime_ms } = self;
        let is_new = !funds.vouchers.0.contains_key(&pin);
        if is_new {
            let expires_ms = at_ms.saturating_add(lifetime_ms);
            funds.vouchers.0.insert(pin, Voucher { amount, expires_ms, is_used: false });
        }
        is_new
    }
}

/// What an account got for a voucher.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Redeemed {
    /// What the account got, without the fee.
    pub(crate) amount: Decimal,
    /// What the voucher was worth.
    pub(crate) origin_amount: Decimal,
    pub(crate) change: Option<Change>,
}

/// A new voucher for the part that was not redeemed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) amount: Decimal,
    pub(crate) expires_ms: i64,
    pub(crate) pin: String,
}

/// Why a voucher was not redeemed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotRedeemed {
    UnknownPin,
    Used,
    Expired,
    /// It is worth less than what was asked for.
    TooMuch,
    /// The provider's fee takes all of it.
    TooLittle,
    /// The currency's supply would become too large.
    Supply,
}

/// Redeems a voucher, whole or in part.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RedeemVoucher {
    pub(crate) account: AccountId,
    pub(crate) currency: Code,
    pub(crate) pin: String,
    #[serde(with = "exact")]
    pub(crate) amount: Decimal,
}

impl Command for RedeemVoucher {
    const NAME: &'static str = "redeem_voucher";
    type Part = Funds;
    type Answer = Result<Redeemed, NotRedeemed>;

    fn run(self, funds: &mut Funds, desk: &mut Desk, at_ms: i64) -> Self::Answer {
        let Self { account, currency, pin, amount } = self;
        let voucher = funds.vouchers.0.get(&pin).cloned().ok_or(NotRedeemed::UnknownPin)?;
        if voucher.is_used {
            return Err(NotRedeemed::Used);
        }
        if voucher.expires_ms <= at_ms {
            return Err(NotRedeemed::Expired);
        }
        if amount > voucher.amount {
            return Err(NotRedeemed::TooMuch);
        }
        if amount <= FEE {
            return Err(NotRedeemed::TooLittle);
        }
        let rest = voucher.amount - amount;
        let change = (rest > Decimal::ZERO).then(|| {
            let number = funds.vouchers.0.len().try_into().unwrap_or(u64::MAX);
            let digits = desk.uuid(PINS, number).as_u64_pair().1 % 1_000_000_000_000_000;
            // It begins with a zero, so that whoever reads a pin as a number finds out.
            Change {
                amount: rest,
                expires_ms: at_ms.saturating_add(LIFETIME_MS),
                pin: format!("{digits:016}"),
            }
        });
        let change_of = |field: fn(&Change) -> Value| change.as_ref().map_or(Value::Null, field);
        let more = fields([
            ("payment_method_provider", "demovoucher".into()),
            ("payment_method_name", "Demo voucher".into()),
            ("payment_method_precision", 2.into()),
            ("payment_method_icon_url", "https://icons.example/demovoucher.svg".into()),
            ("voucher_pin", pin.clone().into()),
            ("change_voucher_pin", change_of(|change| change.pin.clone().into())),
            ("change_voucher_expiry", change_of(|change| change.expires_ms.into())),
            ("change_voucher_amount", change_of(|change| history::amount(change.amount))),
            ("description", "Voucher".into()),
            ("expires_at", voucher.expires_ms.into()),
        ]);
        let coming = Coming {
            account,
            currency,
            amount,
            fee: FEE,
            state: DepositState::Accepted,
            origin: Origin::default(),
            reference: None,
            is_settled: false,
            more,
        };
        funds.add_deposit(coming, desk, at_ms).map_err(|_: Refused| NotRedeemed::Supply)?;
        let origin_amount = voucher.amount;
        funds.vouchers.0.insert(pin, Voucher { is_used: true, ..voucher });
        if let Some(Change { amount, expires_ms, pin }) = change.clone() {
            funds.vouchers.0.insert(pin, Voucher { amount, expires_ms, is_used: false });
        }
        Ok(Redeemed { amount: amount - FEE, origin_amount, change })
    }
}

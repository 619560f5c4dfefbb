//! Creating a withdrawal to a beneficiary: the checks in the order of the server family, the fee, and the walk.

use super::{
    Funds,
    beneficiaries::Target,
    limits,
    methods::Way,
    quotes::{self, QuoteRefused},
    withdrawals::{Change, Payout, Step, Withdrawal, WithdrawalState as State},
};
use crate::{
    base::{
        id::{AccountId, Code},
        ledger::Refused,
        money::{self, exact},
    },
    exchange::{
        catalogue::Currency,
        command::{Command, Holds, Replayable, replayable},
        desk::Desk,
        history::fields,
    },
};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// The note of a faster withdrawal of rand.
pub(crate) const SAME_DAY: &str = "same_day_rtc";
/// How much more a faster withdrawal costs.
const SAME_DAY_FACTOR: u32 = 10;

/// How long each state lasts. The documents name no times; these are ours.
const SUBMITTED_MS: u32 = 30_000;
const ACCEPTED_MS: u32 = 60_000;
const PROCESSING_MS: u32 = 120_000;
/// The time of a bank transfer, and of a faster one.
const BANK_MS: u32 = 3_600_000;
const SAME_DAY_MS: u32 = 600_000;
/// The time between two confirmations on a blockchain.
const CONFIRMATION_MS: u32 = 600_000;

/// The one-time code, which only the older servers want. The code itself is compared before, so that no record has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Otp {
    NotNeeded,
    Right,
    Wrong,
}

/// Why a withdrawal is not created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotCreated {
    NoBeneficiary,
    InactiveBeneficiary,
    WrongOtp,
    Disabled,
    Quote(QuoteRefused),
    Insufficient,
    /// Too many digits, below the minimum, or not above the fee.
    InvalidAmount,
    /// More than the account may withdraw in 24 or 72 hours.
    OverLimit,
}

impl From<Refused> for NotCreated {
    fn from(why: Refused) -> Self {
        match why {
            Refused::Insufficient => Self::Insufficient,
            Refused::OutOfRange => Self::InvalidAmount,
        }
    }
}

/// The commands of this file.
pub(super) fn commands<E: Holds<Funds>>() -> [Replayable<E>; 1] {
    [replayable::<E, CreateWithdrawal>()]
}

/// Withdraws money to a beneficiary.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CreateWithdrawal {
    pub(crate) account: AccountId,
    pub(crate) beneficiary: u64,
    pub(crate) currency: Code,
    #[serde(with = "exact")]
    pub(crate) amount: Decimal,
    pub(crate) note: Option<String>,
    pub(crate) quote: Option<String>,
    pub(crate) otp: Otp,
    /// The account's level of verification.
    pub(crate) level: u8,
}

impl Command for CreateWithdrawal {
    const NAME: &'static str = "create_withdrawal";
    type Part = Funds;
    type Answer = Result<Withdrawal, NotCreated>;

    fn run(self, funds: &mut Funds, desk: &mut Desk, at_ms: i64) -> Self::Answer {
        let owner = self.account;
        self.pay_payee_of(owner, funds, desk, at_ms)
    }
}

impl CreateWithdrawal {
    /// The same, to a beneficiary of another account, which is the one that manages this account.
    pub(crate) fn pay_payee_of(
        self,
        owner: AccountId,
        funds: &mut Funds,
        desk: &mut Desk,
        at_ms: i64,
    ) -> Result<Withdrawal, NotCreated> {
        let Self { account, beneficiary, currency, amount, note, quote, otp, level } = self;
        let payee = funds.beneficiaries.get(owner, beneficiary);
        let payee = payee.filter(|payee| payee.details.currency == currency);
        let payee = payee.ok_or(NotCreated::NoBeneficiary)?;
        if !payee.is_active() {
            return Err(NotCreated::InactiveBeneficiary);
        }
        if otp == Otp::Wrong {
            return Err(NotCreated::WrongOtp);
        }
        let known = desk.catalogue.currency(&currency).filter(|known| known.withdrawal_enabled);
        let known = known.ok_or(NotCreated::Disabled)?;
        let quoted = quote.map(|id| funds.quotes.fee(&id, (account, currency, false), at_ms));
        let quoted = quoted.transpose().map_err(NotCreated::Quote)?;
        if desk.balance(account, currency).available < amount {
            return Err(NotCreated::Insufficient);
        }
        let same_day = note.as_deref() == Some(SAME_DAY);
        let fee = quoted.map_or_else(|| quotes::usual_fee(&known, false), |(_, fee)| fee);
        let fee = if same_day { money::mul(fee, SAME_DAY_FACTOR.into()) } else { Some(fee) };
        let fee = fee.filter(|fee| amount > *fee).ok_or(NotCreated::InvalidAmount)?;
        if amount < known.min_withdraw || money::fraction_digits(amount) > known.precision {
            return Err(NotCreated::InvalidAmount);
        }
        let moved = limits::moved(funds, Way::Out, account, currency);
        if !limits::allows(&known, level, &moved, amount, at_ms) {
            return Err(NotCreated::OverLimit);
        }
        let (chain, address) = match &payee.details.target {
            Target::Address { chain, address } => (Some(chain.clone()), Some(address.clone())),
            Target::Bank { .. } => (None, None),
        };
        let line = fields([
            ("beneficiary_id", beneficiary.into()),
            ("address", address.into()),
            ("blockchain_key", chain.clone().into()),
            ("blockchain_name", chain.into()),
        ]);
        let payout = Payout {
            account,
            currency,
            amount,
            fee,
            rid: payee.rid(),
            note,
            txid: None,
            on_chain: known.is_coin(),
            steps: steps(&known, same_day),
            line,
        };
        let id = funds.next_id();
        funds.withdrawals.begin(id, payout, desk, at_ms)?;
        if let Some((quote, _)) = quoted {
            funds.quotes.spend(quote);
        }
        funds.withdrawals.get(id).cloned().ok_or(NotCreated::InvalidAmount)
    }
}

/// The walk of a withdrawal to a beneficiary.
fn steps(currency: &Currency, same_day: bool) -> Vec<Step> {
    let mut steps = vec![Step::to(State::Accepted, SUBMITTED_MS), Step::to(State::Processing, ACCEPTED_MS)];
    if currency.is_coin() {
        steps.push(Step::to(State::Confirming, PROCESSING_MS));
        let confirmed = Step { after_ms: CONFIRMATION_MS, change: Change::Confirmed };
        let confirmations = usize::try_from(currency.min_confirmations.unwrap_or(1)).unwrap_or(1);
        steps.extend(std::iter::repeat_n(confirmed, confirmations));
        steps.push(Step::to(State::Succeed, 0));
    } else {
        steps.push(Step::to(State::Succeed, if same_day { SAME_DAY_MS } else { BANK_MS }));
    }
    steps
}

//! Accounts: their connection to the partner, their one-time code, their own limits, and the name match.

use super::{
    Cabital, Sort,
    callbacks::{CallbackKind, Notice},
    command::Command,
    failure::{Failure, Pa},
};
use crate::base::{
    clock,
    id::{AccountId, Code},
    ledger::{Party, Pocket, Posting, Reason},
    money::{self, exact, exact_option},
};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};
use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
};
use uuid::Uuid;

/// The state of an account's connection to the partner ("Account Connect status event").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum ConnectionState {
    /// The customer is connected, and has sent no documents yet.
    Initialized,
    /// The documents are being checked.
    Pending,
    /// The customer has to send better documents.
    TemporaryRejected,
    /// The customer was refused.
    FinalRejected,
    /// The customer passed, and waits for the name match.
    Created,
    /// The name match is checked by a person. Only some of the documents have this state.
    Matching,
    /// The name matched: transfers and conversions are open.
    Matched,
    /// The customer linked the account (link mode): transfers and conversions are open.
    Linked,
    /// The name did not match.
    Mismatched,
    /// The connection was ended.
    Unlinked,
}

impl ConnectionState {
    /// Its name on the wire, such as `MATCHED`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Initialized => "INITIALIZED",
            Self::Pending => "PENDING",
            Self::TemporaryRejected => "TEMPORARY_REJECTED",
            Self::FinalRejected => "FINAL_REJECTED",
            Self::Created => "CREATED",
            Self::Matching => "MATCHING",
            Self::Matched => "MATCHED",
            Self::Linked => "LINKED",
            Self::Mismatched => "MISMATCHED",
            Self::Unlinked => "UNLINKED",
        }
    }

    /// Refuses what needs an account whose money may be used.
    pub(super) fn is_open(self) -> Result<(), Pa> {
        match self {
            Self::Matched | Self::Linked => Ok(()),
            Self::Created | Self::Matching | Self::Mismatched => Err(Pa::NOT_MATCHED),
            Self::Initialized | Self::Pending | Self::TemporaryRejected | Self::FinalRejected => {
                Err(Pa::NO_KYC)
            }
            Self::Unlinked => Err(Pa::UNLINKED),
        }
    }

    /// How far the customer's own verification is, as the link status tells it.
    pub(super) fn kyc(self) -> &'static str {
        match self {
            Self::Initialized => "KYC_NONE",
            Self::Pending => "KYC_PENDING",
            Self::TemporaryRejected => "KYC_TEMPORARY_REJECTED",
            Self::FinalRejected => "KYC_FINAL_REJECTED",
            _ => "KYC_PASS",
        }
    }
}

/// What a name match may end with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE", tag = "result", content = "mismatch_fields")]
#[non_exhaustive]
pub enum MatchOutcome {
    /// The name matched; the account becomes `MATCHED`.
    Pass,
    /// These fields differ; the account becomes `MISMATCHED`.
    Mismatch(Vec<String>),
    /// A person checks it; the account becomes `MATCHING`.
    Pending,
}

/// A text that `Debug` does not show.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Hidden(pub(super) String);

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// The customer's authenticator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Otp {
    pub(super) code: Hidden,
    /// When the code stops being right; `None` means never.
    pub(super) until_ms: Option<i64>,
    /// Whether a debit without a code is refused.
    pub(super) required: bool,
}

/// An account.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) id: AccountId,
    pub(super) uuid: Uuid,
    pub(super) user_ext_ref: String,
    pub(super) email: Hidden,
    pub(super) state: ConnectionState,
    /// Whether it was connected by the link mode.
    pub(super) link_mode: bool,
    /// When the link ends, in seconds.
    pub(super) valid_until: Option<i64>,
    /// `None` if no authenticator is set up.
    pub(super) otp: Option<Otp>,
    pub(super) kyc_token: String,
    pub(super) ref_code: String,
    /// The most that it may move of a currency in a day, by UTC.
    pub(super) limits: BTreeMap<Code, Decimal>,
    /// What it moved of a currency, and on which day.
    moved: BTreeMap<Code, (i64, Decimal)>,
    outcomes: VecDeque<MatchOutcome>,
}

/// How long a link is valid, in seconds.
const LINK_LIFETIME_S: i64 = 365 * 24 * 60 * 60;

impl Account {
    /// Refuses a one-time code that is wrong or missing.
    pub(super) fn check_otp(&self, given: Option<&str>, is_debit: bool, at_ms: i64) -> Result<(), Pa> {
        match (&self.otp, given) {
            (None, Some(_)) => Err(Pa::NO_OTP),
            (None, None) => Ok(()),
            (Some(otp), None) => {
                if is_debit && otp.required {
                    Err(Pa::WRONG_OTP)
                } else {
                    Ok(())
                }
            }
            (Some(otp), Some(code)) => {
                let is_late = otp.until_ms.is_some_and(|until_ms| at_ms >= until_ms);
                if otp.code.0 == code && !is_late { Ok(()) } else { Err(Pa::WRONG_OTP) }
            }
        }
    }

    /// What it would have moved today with this amount; refused if that is above its own limit.
    pub(super) fn moved_with(&self, code: Code, amount: Decimal, at_ms: i64) -> Result<Decimal, Pa> {
        let today = clock::starts(at_ms).day;
        let before =
            self.moved.get(&code).filter(|(day, _)| *day == today).map_or(Decimal::ZERO, |(_, sum)| *sum);
        let sum = money::add(before, amount).ok_or(Pa::ABOVE_ACCOUNT_LIMIT)?;
        match self.limits.get(&code) {
            Some(limit) if sum > *limit => Err(Pa::ABOVE_ACCOUNT_LIMIT),
            _ => Ok(sum),
        }
    }

    pub(super) fn set_moved(&mut self, code: Code, sum: Decimal, at_ms: i64) {
        self.moved.insert(code, (clock::starts(at_ms).day, sum));
    }
}

/// A new account.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct AddAccount {
    pub(crate) user_ext_ref: String,
    pub(crate) state: ConnectionState,
    pub(crate) link_mode: bool,
}

/// The characters of a reference code.
const REF_CHARACTERS: &[u8] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Its id; `None` if the reference is taken, empty, or longer than 50 characters.
impl Command for AddAccount {
    const NAME: &'static str = "cabital_add_account";
    type Answer = Option<Uuid>;

    fn run(self, cabital: &mut Cabital, at_ms: i64) -> Option<Uuid> {
        let length = self.user_ext_ref.chars().count();
        if !(1..=50).contains(&length) || cabital.by_reference(&self.user_ext_ref).is_some() {
            return None;
        }
        let number = u64::try_from(cabital.accounts.len()).ok()?.checked_add(1)?;
        let uuid = cabital.uuid(Sort::Account, number);
        let mut bits = cabital.uuid(Sort::Reference, number).as_u128();
        let token = cabital.uuid(Sort::Token, number).simple().to_string();
        let ref_code = (0..6).filter_map(|_| {
            let place = usize::try_from(bits % 32).ok()?;
            bits /= 32;
            REF_CHARACTERS.get(place).copied().map(char::from)
        });
        let ref_code = ref_code.collect();
        let is_linked = self.state == ConnectionState::Linked;
        cabital.accounts.push(Account {
            id: AccountId(number),
            uuid,
            email: Hidden(format!("customer-{number}@example.com")),
            user_ext_ref: self.user_ext_ref,
            state: self.state,
            link_mode: self.link_mode,
            valid_until: is_linked.then_some(at_ms / 1000 + LINK_LIFETIME_S),
            otp: Some(Otp { code: Hidden("123456".to_owned()), until_ms: None, required: false }),
            kyc_token: token.chars().take(14).collect(),
            ref_code,
            limits: BTreeMap::new(),
            moved: BTreeMap::new(),
            outcomes: VecDeque::new(),
        });
        Some(uuid)
    }
}

/// Sets the available balance of an account. Refused if the account or the currency does not exist, or the amount has too
/// many digits.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SetBalance {
    pub(crate) account: Uuid,
    pub(crate) symbol: String,
    #[serde(with = "exact")]
    pub(crate) amount: Decimal,
}

impl Command for SetBalance {
    const NAME: &'static str = "cabital_set_balance";
    type Answer = Result<(), Pa>;

    fn run(self, cabital: &mut Cabital, at_ms: i64) -> Self::Answer {
        let account = cabital.account(self.account)?.id;
        let currency = cabital.terms.currency(&self.symbol)?;
        let fits = money::fraction_digits(self.amount) <= currency.precision;
        if !fits || self.amount < Decimal::ZERO || self.amount > money::MAX_SUPPLY {
            return Err(Pa::WRONG_AMOUNT);
        }
        let code = currency.code;
        let has = cabital.ledger.balance(Party::Member(account), code).available;
        let change = money::add(self.amount, -has).ok_or(Pa::WRONG_AMOUNT)?;
        let (outside, own) =
            ((Party::Outside, Pocket::Available), (Party::Member(account), Pocket::Available));
        let (from, to) = if change.is_sign_negative() { (own, outside) } else { (outside, own) };
        cabital.corrections += 1;
        let posting = Posting { currency: code, from, to, amount: change.abs() };
        cabital
            .ledger
            .post(at_ms, Reason::Correction(cabital.corrections), &[posting])
            .map_err(|_| Pa::WRONG_AMOUNT)
    }
}

/// Brings the connection of an account into a state. The partner is told by a callback, if the state is new.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SetState {
    pub(crate) account: Uuid,
    pub(crate) state: ConnectionState,
}

impl Command for SetState {
    const NAME: &'static str = "cabital_set_state";
    type Answer = Result<(), Pa>;

    fn run(self, cabital: &mut Cabital, at_ms: i64) -> Self::Answer {
        cabital.account(self.account)?;
        cabital.enter(self.account, self.state, &[], at_ms);
        Ok(())
    }
}

/// Sets up the authenticator of an account, or removes it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SetOtp {
    pub(crate) account: Uuid,
    pub(crate) code: Option<String>,
    pub(crate) required: bool,
    pub(crate) lifetime_ms: Option<i64>,
}

impl Command for SetOtp {
    const NAME: &'static str = "cabital_set_otp";
    type Answer = Result<(), Pa>;

    fn run(self, cabital: &mut Cabital, at_ms: i64) -> Self::Answer {
        let until_ms = self.lifetime_ms.map(|lifetime_ms| at_ms.saturating_add(lifetime_ms));
        let account = cabital.account_mut(self.account)?;
        account.otp = self.code.map(|code| Otp { code: Hidden(code), until_ms, required: self.required });
        Ok(())
    }
}

/// Sets the most that an account may move of a currency in a day; `None` removes the limit.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SetAccountLimit {
    pub(crate) account: Uuid,
    pub(crate) symbol: String,
    #[serde(with = "exact_option")]
    pub(crate) daily: Option<Decimal>,
}

impl Command for SetAccountLimit {
    const NAME: &'static str = "cabital_set_account_limit";
    type Answer = Result<(), Pa>;

    fn run(self, cabital: &mut Cabital, _at_ms: i64) -> Self::Answer {
        let code = cabital.terms.currency(&self.symbol)?.code;
        let account = cabital.account_mut(self.account)?;
        match self.daily {
            Some(daily) => account.limits.insert(code, daily),
            None => account.limits.remove(&code),
        };
        Ok(())
    }
}

/// Plans the outcome of the next name match of an account that has none planned yet.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PlanMatch {
    pub(crate) account: Uuid,
    pub(crate) outcome: MatchOutcome,
}

impl Command for PlanMatch {
    const NAME: &'static str = "cabital_plan_match";
    type Answer = Result<(), Pa>;

    fn run(self, cabital: &mut Cabital, _at_ms: i64) -> Self::Answer {
        cabital.account_mut(self.account)?.outcomes.push_back(self.outcome);
        Ok(())
    }
}

/// A name match, as it was sent. `Debug` hides it.
#[derive(Serialize, Deserialize)]
pub(super) struct SubmitMatch {
    pub(super) account: String,
    pub(super) name: String,
    pub(super) id: String,
    pub(super) id_document: String,
    pub(super) issued_by: Option<String>,
    pub(super) dob: String,
}

impl SubmitMatch {
    fn check(&self, at_ms: i64) -> Result<(), Pa> {
        let fits = |text: &str, most: usize| (1..=most).contains(&text.trim().chars().count());
        if !fits(&self.name, 150) || !self.name.chars().any(char::is_alphabetic) {
            return Err(Pa::WRONG_NAME);
        }
        if !fits(&self.id, 50)
            || !self.id.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '/' | ' '))
        {
            return Err(Pa::WRONG_ID);
        }
        if !["ID", "PASSPORT", "DRIVER_LICENSE"].contains(&self.id_document.as_str()) {
            return Err(Pa::WRONG_DOCUMENT);
        }
        let is_country = |code: &str| code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase());
        // The documents' own example leaves it out.
        if !self.issued_by.as_deref().is_none_or(is_country) {
            return Err(Pa::WRONG_COUNTRY);
        }
        let day = self.dob.get(..4).zip(self.dob.get(4..6)).zip(self.dob.get(6..));
        let day = day.and_then(|((year, month), day)| clock::read_day(&format!("{year}-{month}-{day}")));
        if day.is_none_or(|day| day > clock::day(at_ms)) { Err(Pa::WRONG_BIRTH) } else { Ok(()) }
    }
}

impl Command for SubmitMatch {
    const NAME: &'static str = "cabital_submit_match";
    type Answer = Result<MatchOutcome, Failure>;

    fn run(self, cabital: &mut Cabital, at_ms: i64) -> Self::Answer {
        let account = cabital.find(&self.account)?;
        match account.state {
            ConnectionState::Created | ConnectionState::Mismatched => {}
            ConnectionState::Matching | ConnectionState::Matched | ConnectionState::Linked => {
                return Err(Pa::KYC_REPEATED.into());
            }
            state => state.is_open()?,
        }
        self.check(at_ms)?;
        let uuid = account.uuid;
        let outcome = cabital.account_mut(uuid)?.outcomes.pop_front().unwrap_or(MatchOutcome::Pass);
        let (state, fields) = match &outcome {
            MatchOutcome::Pass => (ConnectionState::Matched, &[][..]),
            MatchOutcome::Mismatch(fields) => (ConnectionState::Mismatched, fields.as_slice()),
            MatchOutcome::Pending => (ConnectionState::Matching, &[][..]),
        };
        cabital.enter(uuid, state, fields, at_ms);
        Ok(outcome)
    }
}

impl Cabital {
    pub(super) fn account(&self, uuid: Uuid) -> Result<&Account, Pa> {
        self.accounts.iter().find(|account| account.uuid == uuid).ok_or(Pa::NO_ACCOUNT)
    }

    pub(super) fn account_mut(&mut self, uuid: Uuid) -> Result<&mut Account, Pa> {
        self.accounts.iter_mut().find(|account| account.uuid == uuid).ok_or(Pa::NO_ACCOUNT)
    }

    /// The account of an id in a path.
    pub(super) fn find(&self, id: &str) -> Result<&Account, Pa> {
        self.account(id.parse().map_err(|_| Pa::NO_ACCOUNT)?)
    }

    /// The account of an id in a path, if its money may be used.
    pub(super) fn find_open(&self, id: &str) -> Result<&Account, Pa> {
        let account = self.find(id)?;
        account.state.is_open().map(|()| account)
    }

    pub(super) fn by_reference(&self, user_ext_ref: &str) -> Option<&Account> {
        self.accounts.iter().find(|account| account.user_ext_ref == user_ext_ref)
    }

    /// Changes the state of an account, and tells the partner.
    fn enter(&mut self, uuid: Uuid, state: ConnectionState, fields: &[String], at_ms: i64) {
        let Ok(account) = self.account_mut(uuid) else { return };
        if account.state == state {
            return;
        }
        account.state = state;
        if state == ConnectionState::Linked {
            account.link_mode = true;
            account.valid_until = Some(at_ms / 1000 + LINK_LIFETIME_S);
        } else {
            account.valid_until = None;
        }
        let notice = account.notice(fields, at_ms);
        self.callbacks.announce(notice, at_ms);
    }
}

/// What the partner is told of an account.
#[derive(Serialize)]
struct StateBody<'a> {
    account_uuid: Uuid,
    user_ext_ref: &'a str,
    // The documents spell it so.
    staus: ConnectionState,
    event_time: String,
    data: Map<String, Json>,
}

impl Account {
    fn notice(&self, mismatch_fields: &[String], at_ms: i64) -> Notice {
        let mut data = Map::new();
        if !mismatch_fields.is_empty() {
            data.insert("mismatch_fields".to_owned(), json!(mismatch_fields));
        }
        if let Some(valid_until) = self.valid_until {
            data.insert("valid_until".to_owned(), json!(valid_until));
        }
        let body = StateBody {
            account_uuid: self.uuid,
            user_ext_ref: &self.user_ext_ref,
            staus: self.state,
            event_time: clock::iso_ms(at_ms),
            data,
        };
        Notice::new(if self.link_mode { CallbackKind::Link } else { CallbackKind::Account }, &body)
    }
}

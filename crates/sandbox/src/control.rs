//! The control door from inside the process. Over HTTP the same operations stand under `/sandbox/…`.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use rust_decimal::Decimal;
use serde::{Serialize, Serializer};

use crate::accounts::Restriction;
use crate::app::App;
use crate::clock;
use crate::errors;
use crate::faults::{Fault, FaultKind};
use crate::funds::Document;
use crate::ledger::{Balance, Party};
use crate::markets::{self, CURRENCIES, Market};
use crate::money;

/// Changes what no API call can: money from outside, the clock, faults. Clones are doors to the same exchange.
#[derive(Clone)]
pub struct Control {
    pub(crate) app: Arc<App>,
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
    /// No account has that name; `maker`, `taker`, `merchant` and `aggregator` do.
    #[error("no account has that name; use maker, taker, merchant or aggregator")]
    UnknownAccount,
    /// No currency has that code; `btc`, `eth`, `xrp`, `usdc` and `zar` do.
    #[error("no currency has that code; use btc, eth, xrp, usdc or zar")]
    UnknownCurrency,
    /// No market has that id; `btczar`, `ethzar`, `xrpzar` and `usdczar` do.
    #[error("no market has that id; use btczar, ethzar, xrpzar or usdczar")]
    UnknownMarket,
    /// The amount is not above zero, finer than the currency's precision, or the currency would pass 10^12 in all.
    #[error(
        "the amount must be above zero, within the currency's precision, and keep its supply within 10^12"
    )]
    InvalidAmount,
    /// The text is no transaction: a JSON object with a type, and fields of the documents' names.
    #[error("this is no transaction; give a JSON object with a `type`, and fields of the documents' names")]
    InvalidTransaction,
}

impl ControlError {
    /// The same in the answer of the HTTP door.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::UnknownAccount => errors::CONTROL_UNKNOWN_ACCOUNT,
            Self::UnknownCurrency => errors::CONTROL_UNKNOWN_CURRENCY,
            Self::UnknownMarket => errors::CONTROL_UNKNOWN_MARKET,
            Self::InvalidAmount => errors::CONTROL_INVALID_AMOUNT,
            Self::InvalidTransaction => errors::CONTROL_INVALID_TRANSACTION,
        }
    }
}

/// The exchange's books at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Ledger {
    /// Every account, then `fees` (the exchange's income) and `outside` (below zero by what came in).
    pub entries: Vec<LedgerEntry>,
    /// Each currency's sum over all entries, available and locked.
    #[serde(serialize_with = "texts")]
    pub sums: BTreeMap<String, Decimal>,
    /// Whether every sum is zero.
    pub sums_to_zero: bool,
}

/// One party's money in one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LedgerEntry {
    /// The account's name, `fees` or `outside`.
    pub account: String,
    /// The account's uid; none for `fees` and `outside`.
    pub uid: Option<String>,
    /// The currency's code.
    pub currency: String,
    /// Free to spend.
    #[serde(serialize_with = "plain_text")]
    pub available: Decimal,
    /// Held for open orders.
    #[serde(serialize_with = "plain_text")]
    pub locked: Decimal,
}

impl Ledger {
    /// One entry, where both names are known.
    #[must_use]
    pub fn entry(&self, account: &str, currency: &str) -> Option<&LedgerEntry> {
        self.entries.iter().find(|entry| entry.account == account && entry.currency == currency)
    }
}

fn plain_text<S: Serializer>(value: &Decimal, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&money::text(*value))
}

fn texts<S: Serializer>(values: &BTreeMap<String, Decimal>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(values.iter().map(|(key, value)| (key, money::text(*value))))
}

impl Control {
    /// Gives an account money from outside. The balance event is sent like any other.
    ///
    /// # Errors
    /// An unknown account or currency, or an amount out of range (see [`ControlError::InvalidAmount`]).
    pub fn deposit(&self, account: &str, currency: &str, amount: Decimal) -> Result<(), ControlError> {
        let account = self.account(account)?;
        let currency = markets::currency(currency).ok_or(ControlError::UnknownCurrency)?;
        if amount <= Decimal::ZERO || money::fraction_digits(amount) > currency.precision {
            return Err(ControlError::InvalidAmount);
        }
        let now_ms = self.app.clock.now_ms();
        self.app
            .engine()
            .deposit(account, currency.id, amount, now_ms)
            .map_err(|_| ControlError::InvalidAmount)?;
        self.app.wake();
        Ok(())
    }

    /// Gives an account a beneficiary, and says its number.
    ///
    /// # Errors
    /// An unknown account.
    pub fn add_beneficiary(&self, account: &str) -> Result<u64, ControlError> {
        let account = self.account(account)?;
        Ok(self.app.funds().add_beneficiary(account))
    }

    /// Adds a line to an account's history, and says its number: a JSON object with the documents' fields ("Transaction"). Its
    /// number and `created_at` are made here.
    ///
    /// # Errors
    /// An unknown account, or [`ControlError::InvalidTransaction`].
    pub fn add_transaction(&self, account: &str, transaction: &str) -> Result<u64, ControlError> {
        let account = self.account(account)?;
        let fields = serde_json::from_str(transaction).map_err(|_| ControlError::InvalidTransaction)?;
        let now_ms = self.app.clock.now_ms();
        let iso = clock::iso(now_ms, self.app.config.profile.zone_hours());
        let added = self.app.funds().add_transaction(account, fields, now_ms, iso);
        added.ok_or(ControlError::InvalidTransaction)
    }

    /// The documents that were sent for customers, in the order they came.
    #[must_use]
    pub fn documents(&self) -> Vec<Document> {
        self.app.funds().documents.clone()
    }

    /// Every balance, and the proof that each currency sums to zero.
    #[must_use]
    pub fn ledger(&self) -> Ledger {
        let engine = self.app.engine();
        let ledger = engine.ledger();
        let members = self.app.directory.all().iter().enumerate();
        let parties = members
            .map(|(id, account)| (Party::Member(id), account.name.clone(), Some(account.uid.clone())))
            .chain([(Party::Fees, "fees".to_owned(), None), (Party::Outside, "outside".to_owned(), None)]);
        let entries = parties
            .flat_map(|(party, account, uid)| {
                CURRENCIES.iter().map(move |currency| {
                    let Balance { available, locked } = ledger.balance(party, currency.id);
                    let (account, uid, currency) = (account.clone(), uid.clone(), currency.id.to_owned());
                    LedgerEntry { account, uid, currency, available, locked }
                })
            })
            .collect();
        let sums: BTreeMap<_, _> = CURRENCIES
            .iter()
            .filter_map(|currency| Some((currency.id.to_owned(), ledger.sum(currency.id)?)))
            .collect();
        // A sum without an exact value is missing, and proves nothing.
        let sums_to_zero = sums.len() == CURRENCIES.len() && sums.values().all(Decimal::is_zero);
        Ledger { entries, sums, sums_to_zero }
    }

    /// The exchange's clock, in milliseconds since the Unix epoch.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        self.app.clock.now_ms()
    }

    /// Moves the exchange's clock: order times, the `Date` header, the nonce window. Backwards where negative.
    pub fn advance_clock(&self, by_ms: i64) {
        self.app.clock.advance(by_ms);
    }

    /// Puts one restriction on an account's key or holder, or lifts it with `None`.
    ///
    /// # Errors
    /// An unknown account.
    pub fn restrict(&self, account: &str, restriction: Option<Restriction>) -> Result<(), ControlError> {
        self.app.directory.restrict(self.account(account)?, restriction);
        Ok(())
    }

    /// Drops every websocket without a close frame; gives how many there were.
    pub fn drop_sockets(&self) -> usize {
        self.app.hub.drop_sockets()
    }

    /// The market's next increment never reaches the live sockets: they see a gap in the sequence. Who subscribes
    /// again gets it with the replay.
    ///
    /// # Errors
    /// An unknown market.
    pub fn skip_increment(&self, market: &str) -> Result<(), ControlError> {
        self.app.engine().lose_next_increment(self::market(market)?);
        Ok(())
    }

    /// The market's matching engine restarts: orders stay, the next increment has sequence 2.
    ///
    /// # Errors
    /// An unknown market.
    pub fn restart_engine(&self, market: &str) -> Result<(), ControlError> {
        self.app.engine().restart(self::market(market)?, self.app.clock.now_ms());
        self.app.tell_all();
        Ok(())
    }

    /// The websocket server forgets the market's snapshot: new subscribers get the confirmation only, the next
    /// change of the book is lost, and the one after it arrives as an increment that no snapshot came before.
    ///
    /// # Errors
    /// An unknown market.
    pub fn forget_snapshot(&self, market: &str) -> Result<(), ControlError> {
        self.app.engine().forget_snapshot(self::market(market)?);
        self.app.tell_all();
        Ok(())
    }

    /// Sends an increment that deletes a level which isn't in the book.
    ///
    /// # Errors
    /// An unknown market.
    pub fn delete_unknown_level(&self, market: &str) -> Result<(), ControlError> {
        self.app.engine().delete_unknown_level(self::market(market)?, self.app.clock.now_ms());
        self.app.tell_all();
        Ok(())
    }

    /// Writes increments as `[["p","a"]]` instead of `["p","a"]`.
    pub fn nested_increments(&self, nested: bool) {
        self.app.hub.set_style(|style| style.nested = nested);
    }

    /// Writes `"0"` instead of `""` for a level that is gone.
    pub fn zero_removals(&self, zero: bool) {
        self.app.hub.set_style(|style| style.zero_removals = zero);
    }

    /// Sends a text as it is: to the sockets that hold the topic, or to all of them.
    pub fn publish_raw(&self, topic: Option<&str>, frame: &str) {
        self.app.tell_all();
        self.app.hub.publish_raw(topic, frame);
    }

    /// Plans a fault for coming REST calls or handshakes. Up to 1,000 are kept.
    pub fn inject(&self, fault: Fault) {
        self.app.faults.add(fault);
    }

    /// The next `n` REST calls get this answer and are not carried out. Handshakes are met by [`inject`](Self::inject) only.
    pub fn fail_next(&self, n: u32, status: u16, body: &str, content_type: Option<&str>) {
        let content_type = content_type.map(str::to_owned);
        self.inject(Fault::next(FaultKind::Answer { status, body: body.to_owned(), content_type }).times(n));
    }

    /// Forgets every planned fault.
    pub fn clear_faults(&self) {
        self.app.faults.clear();
    }

    /// Stops carrying out orders and cancellations: new orders stay `pending`.
    pub fn pause_matching(&self) {
        self.app.engine().set_paused(true);
    }

    /// Carries out what waits, and goes on.
    pub fn resume_matching(&self) {
        self.app.engine().set_paused(false);
        self.app.wake();
    }

    /// Whether a request to cancel an order that is still `pending` is lost, as it can be on the real exchange.
    pub fn lose_pending_cancels(&self, lose: bool) {
        self.app.engine().set_lose_pending_cancels(lose);
    }

    fn account(&self, name: &str) -> Result<usize, ControlError> {
        self.app.directory.by_name(name).ok_or(ControlError::UnknownAccount)
    }
}

fn market(id: &str) -> Result<&'static Market, ControlError> {
    markets::market(id).ok_or(ControlError::UnknownMarket)
}

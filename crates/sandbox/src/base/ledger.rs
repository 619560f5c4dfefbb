//! Double entry: every amount leaves one pocket and enters another, so each currency sums to zero for ever.
//!
//! Money from outside is a negative balance of [`Party::Outside`]; fees are income of [`Party::Fees`]. A batch of
//! postings is applied completely or not at all, and is one entry of the journal. Amounts are never rounded (see `money`).

use super::{
    id::{AccountId, Code},
    money,
};
use rust_decimal::Decimal;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// Whose money it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Party {
    /// The world that deposits come from; the only party that may be below zero.
    Outside,
    /// The exchange's own income.
    Fees,
    /// An account.
    Member(AccountId),
}

/// Which part of a party's money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pocket {
    /// Free to spend.
    Available,
    /// Held for open orders and withdrawals.
    Locked,
}

/// One movement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Posting {
    pub(crate) currency: Code,
    pub(crate) from: (Party, Pocket),
    pub(crate) to: (Party, Pocket),
    /// Zero or more.
    pub(crate) amount: Decimal,
}

/// What a party has of one currency.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Balance {
    pub(crate) available: Decimal,
    pub(crate) locked: Decimal,
}

/// Why a batch of postings was refused. No posting of the batch was applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// A balance other than the one of [`Party::Outside`] would become negative.
    Insufficient,
    /// An amount is negative, or the exact sum needs more than 28 digits.
    OutOfRange,
}

/// Why money moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// Money came from outside: the deposit's number.
    Deposit(u64),
    /// An order was accepted and its cost was locked: the order's number.
    OrderLocked(u64),
    /// An order ended and the rest of its lock was released: the order's number.
    OrderReleased(u64),
    /// A match: the trade's number.
    Trade(u64),
    /// A withdrawal was created and its amount was locked: the withdrawal's number.
    WithdrawalLocked(u64),
    /// A withdrawal succeeded: its amount left, and its fee was taken out of it.
    WithdrawalPaid(u64),
    /// A withdrawal ended without success, and its amount was given back.
    WithdrawalReleased(u64),
    /// Money moved from one account to another: the transfer's number.
    Transfer(u64),
    /// The exchange paid a reward: the reward's number.
    Reward(u64),
    /// An account sold one currency and bought another: the conversion's number.
    Conversion(u64),
    /// The control door set a balance: the correction's number.
    Correction(u64),
}

impl Reason {
    /// Its name in the journal, such as `order_locked`.
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::Deposit(_) => "deposit",
            Self::OrderLocked(_) => "order_locked",
            Self::OrderReleased(_) => "order_released",
            Self::Trade(_) => "trade",
            Self::WithdrawalLocked(_) => "withdrawal_locked",
            Self::WithdrawalPaid(_) => "withdrawal_paid",
            Self::WithdrawalReleased(_) => "withdrawal_released",
            Self::Transfer(_) => "transfer",
            Self::Reward(_) => "reward",
            Self::Conversion(_) => "conversion",
            Self::Correction(_) => "correction",
        }
    }
}

/// What it refers to, such as `order 12`.
impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deposit(id) => write!(f, "deposit {id}"),
            Self::OrderLocked(id) | Self::OrderReleased(id) => write!(f, "order {id}"),
            Self::Trade(id) => write!(f, "trade {id}"),
            Self::WithdrawalLocked(id) | Self::WithdrawalPaid(id) | Self::WithdrawalReleased(id) => {
                write!(f, "withdrawal {id}")
            }
            Self::Transfer(id) => write!(f, "transfer {id}"),
            Self::Reward(id) => write!(f, "reward {id}"),
            Self::Conversion(id) => write!(f, "conversion {id}"),
            Self::Correction(id) => write!(f, "correction {id}"),
        }
    }
}

/// A batch of postings in the journal. Its number is its position, counted from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) at_ms: i64,
    pub(crate) reason: Reason,
    pub(crate) postings: Vec<Posting>,
}

/// Every balance of every party, and the journal of the movements that led to them.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    balances: BTreeMap<(Party, Code), Balance>,
    journal: Vec<Entry>,
}

impl Ledger {
    /// A party's balance of a currency; zero if it never had any.
    pub(crate) fn balance(&self, party: Party, currency: Code) -> Balance {
        self.balances.get(&(party, currency)).copied().unwrap_or_default()
    }

    /// Every party's balance of every currency it ever touched, in a fixed order.
    pub(crate) fn balances(&self) -> impl Iterator<Item = (Party, Code, Balance)> + '_ {
        self.balances.iter().map(|(&(party, currency), &balance)| (party, currency, balance))
    }

    /// The sum of a currency over all parties and pockets. It must be zero; `None` if it has no exact value.
    pub(crate) fn sum(&self, currency: Code) -> Option<Decimal> {
        let mut sum = Decimal::ZERO;
        for (_, _, balance) in self.balances().filter(|&(_, held, _)| held == currency) {
            sum = money::add(money::add(sum, balance.available)?, balance.locked)?;
        }
        Some(sum)
    }

    /// How much of the currency is inside the exchange.
    pub(crate) fn supply(&self, currency: Code) -> Decimal {
        -self.balance(Party::Outside, currency).available
    }

    /// The journal, oldest first.
    pub(crate) fn journal(&self) -> &[Entry] {
        &self.journal
    }

    /// Applies all postings, or none.
    pub(crate) fn post(&mut self, at_ms: i64, reason: Reason, postings: &[Posting]) -> Result<(), Refused> {
        let mut changed: BTreeMap<(Party, Code), Balance> = BTreeMap::new();
        for posting in postings {
            if posting.amount.is_sign_negative() && !posting.amount.is_zero() {
                return Err(Refused::OutOfRange);
            }
            for ((party, pocket), amount) in [(posting.from, -posting.amount), (posting.to, posting.amount)] {
                let key = (party, posting.currency);
                let balance = changed
                    .entry(key)
                    .or_insert_with(|| self.balances.get(&key).copied().unwrap_or_default());
                let side = match pocket {
                    Pocket::Available => &mut balance.available,
                    Pocket::Locked => &mut balance.locked,
                };
                *side = money::add(*side, amount).ok_or(Refused::OutOfRange)?;
            }
        }
        let short = changed.iter().any(|(&(party, _), balance)| {
            party != Party::Outside
                && [balance.available, balance.locked].iter().any(|side| *side < Decimal::ZERO)
        });
        if short {
            return Err(Refused::Insufficient);
        }
        self.balances.extend(changed);
        self.journal.push(Entry { at_ms, reason, postings: postings.to_vec() });
        debug_assert!(self.is_balanced(postings), "the ledger no longer sums to zero after {postings:?}");
        Ok(())
    }

    fn is_balanced(&self, postings: &[Posting]) -> bool {
        let touched: BTreeSet<_> = postings.iter().map(|posting| posting.currency).collect();
        touched.iter().all(|currency| self.sum(*currency) == Some(Decimal::ZERO))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTSIDE: (Party, Pocket) = (Party::Outside, Pocket::Available);
    const MINE: (Party, Pocket) = (Party::Member(AccountId(1)), Pocket::Available);
    const LOCKED: (Party, Pocket) = (Party::Member(AccountId(1)), Pocket::Locked);

    fn posting(from: (Party, Pocket), to: (Party, Pocket), amount: i64) -> Posting {
        Posting { currency: Code::new("zar").unwrap(), from, to, amount: Decimal::new(amount, 2) }
    }

    #[test]
    fn a_batch_is_applied_whole_or_not_at_all() {
        let mut ledger = Ledger::default();
        let zar = Code::new("zar").unwrap();
        let came = [posting(OUTSIDE, MINE, 1000)];
        ledger.post(5, Reason::Deposit(1), &came).unwrap();
        let too_much = [posting(MINE, LOCKED, 700), posting(MINE, LOCKED, 400)];
        assert_eq!(ledger.post(6, Reason::OrderLocked(1), &too_much), Err(Refused::Insufficient));
        assert_eq!(ledger.balance(MINE.0, zar).available, Decimal::new(10, 0));
        let negative = [posting(MINE, LOCKED, -1)];
        assert_eq!(ledger.post(7, Reason::OrderLocked(2), &negative), Err(Refused::OutOfRange));
        let locked = [posting(MINE, LOCKED, 700)];
        ledger.post(8, Reason::OrderLocked(3), &locked).unwrap();
        let balance = ledger.balance(MINE.0, zar);
        assert_eq!((balance.available, balance.locked), (Decimal::new(3, 0), Decimal::new(7, 0)));
        assert_eq!(ledger.sum(zar), Some(Decimal::ZERO));
        assert_eq!(ledger.supply(zar), Decimal::new(10, 0));
        // A refused batch leaves no entry.
        let entry =
            |at_ms, reason, postings: &[Posting]| Entry { at_ms, reason, postings: postings.to_vec() };
        let wanted = [entry(5, Reason::Deposit(1), &came), entry(8, Reason::OrderLocked(3), &locked)];
        assert_eq!(ledger.journal(), wanted);
        let reasons: Vec<_> =
            wanted.iter().map(|entry| format!("{}: {}", entry.reason.kind(), entry.reason)).collect();
        assert_eq!(reasons, ["deposit: deposit 1", "order_locked: order 3"]);
    }
}

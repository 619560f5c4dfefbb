//! Double entry: every amount leaves one pocket and enters another, so each currency sums to zero for ever.
//!
//! What came from outside stands as a negative balance of [`Party::Outside`]; fees are income of [`Party::Fees`].
//! A batch of postings is applied whole or not at all. No digit is ever dropped (see `money`).

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use crate::money;

/// Whose money it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Party {
    /// The world that deposits come from; the only party that may be below zero.
    Outside,
    /// The exchange's own income.
    Fees,
    /// An account, by its place in the directory.
    Member(usize),
}

/// Which part of a party's money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pocket {
    /// Free to spend.
    Available,
    /// Held for open orders.
    Locked,
}

/// One movement.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Posting {
    pub(crate) currency: &'static str,
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

/// Why a batch was not applied. Nothing of it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// A pocket other than the outside's would go below zero.
    Insufficient,
    /// An amount is negative, or the exact sum needs more than 28 digits.
    OutOfRange,
}

/// Every balance of every party.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    balances: BTreeMap<(Party, &'static str), Balance>,
}

impl Ledger {
    /// What the party has; zero where it never had any.
    pub(crate) fn balance(&self, party: Party, currency: &'static str) -> Balance {
        self.balances.get(&(party, currency)).copied().unwrap_or_default()
    }

    /// Every party's balance of every currency it ever touched, in a fixed order.
    pub(crate) fn balances(&self) -> impl Iterator<Item = (Party, &'static str, Balance)> + '_ {
        self.balances.iter().map(|(&(party, currency), &balance)| (party, currency, balance))
    }

    /// The sum over all parties and pockets: zero, or the ledger is wrong. Nothing where it has no exact value.
    pub(crate) fn sum(&self, currency: &str) -> Option<Decimal> {
        let mut sum = Decimal::ZERO;
        for (_, _, balance) in self.balances().filter(|&(_, held, _)| held == currency) {
            sum = money::add(money::add(sum, balance.available)?, balance.locked)?;
        }
        Some(sum)
    }

    /// How much of the currency is inside the exchange.
    pub(crate) fn supply(&self, currency: &'static str) -> Decimal {
        -self.balance(Party::Outside, currency).available
    }

    /// Applies all postings, or none.
    pub(crate) fn post(&mut self, postings: &[Posting]) -> Result<(), Refused> {
        let mut changed: BTreeMap<(Party, &'static str), Balance> = BTreeMap::new();
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
        debug_assert!(self.is_balanced(postings), "the ledger no longer sums to zero after {postings:?}");
        Ok(())
    }

    fn is_balanced(&self, postings: &[Posting]) -> bool {
        let touched: BTreeSet<_> = postings.iter().map(|posting| posting.currency).collect();
        touched.iter().all(|currency| self.sum(currency) == Some(Decimal::ZERO))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTSIDE: (Party, Pocket) = (Party::Outside, Pocket::Available);
    const MINE: (Party, Pocket) = (Party::Member(0), Pocket::Available);
    const LOCKED: (Party, Pocket) = (Party::Member(0), Pocket::Locked);

    fn posting(from: (Party, Pocket), to: (Party, Pocket), amount: i64) -> Posting {
        Posting { currency: "zar", from, to, amount: Decimal::new(amount, 2) }
    }

    #[test]
    fn a_batch_is_applied_whole_or_not_at_all() {
        let mut ledger = Ledger::default();
        ledger.post(&[posting(OUTSIDE, MINE, 1000)]).unwrap();
        let too_much = [posting(MINE, LOCKED, 700), posting(MINE, LOCKED, 400)];
        assert_eq!(ledger.post(&too_much), Err(Refused::Insufficient));
        assert_eq!(ledger.balance(Party::Member(0), "zar").available, Decimal::new(10, 0));
        assert_eq!(ledger.post(&[posting(MINE, LOCKED, -1)]), Err(Refused::OutOfRange));
        ledger.post(&[posting(MINE, LOCKED, 700)]).unwrap();
        let balance = ledger.balance(Party::Member(0), "zar");
        assert_eq!((balance.available, balance.locked), (Decimal::new(3, 0), Decimal::new(7, 0)));
        assert_eq!(ledger.sum("zar"), Some(Decimal::ZERO));
        assert_eq!(ledger.supply("zar"), Decimal::new(10, 0));
    }
}

//! Deposits: money that comes in.

use super::Funds;
use crate::{
    base::{
        id::{AccountId, Code},
        ledger::{Party, Pocket, Posting, Reason, Refused},
        money::{self, exact},
    },
    exchange::{
        command::{Command, Holds, Replayable, replayable},
        desk::{Desk, Part},
        history::{self, fields},
    },
};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A deposit that has not arrived yet.
#[derive(Debug, Clone, Copy)]
struct Coming {
    account: AccountId,
    currency: Code,
    amount: Decimal,
    /// The number of its line in the history.
    line: u64,
}

/// Every deposit.
#[derive(Debug, Default)]
pub(crate) struct Deposits {
    coming: BTreeMap<u64, Coming>,
}

impl Deposits {
    fn credit(id: u64, coming: Coming, desk: &mut Desk, at_ms: i64) -> Result<(), Refused> {
        let Coming { account, currency, amount, line } = coming;
        let posting = Posting {
            currency,
            from: (Party::Outside, Pocket::Available),
            to: (Party::Member(account), Pocket::Available),
            amount,
        };
        desk.ledger.post(at_ms, Reason::Deposit(id), &[posting])?;
        desk.history.change(line, at_ms, fields([("state", "accepted".into())]));
        desk.tell_balances(&[(account, currency)], at_ms);
        Ok(())
    }

    /// The timer of a deposit, if `id` is one.
    pub(super) fn due(&mut self, id: u64, desk: &mut Desk, at_ms: i64) {
        if let Some(coming) = self.coming.remove(&id) {
            let credited = Self::credit(id, coming, desk, at_ms);
            debug_assert_eq!(credited, Ok(()), "the supply limit was checked when deposit {id} was accepted");
        }
    }
}

/// The commands of this file.
pub(super) fn commands<E: Holds<Funds>>() -> [Replayable<E>; 1] {
    [replayable::<E, Deposit>()]
}

/// Deposits money into an account, at once or later.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Deposit {
    pub(crate) account: AccountId,
    pub(crate) currency: Code,
    #[serde(with = "exact")]
    pub(crate) amount: Decimal,
    /// How long it takes to arrive.
    pub(crate) after_ms: u32,
}

impl Command for Deposit {
    const NAME: &'static str = "deposit";
    type Part = Funds;
    type Answer = Result<(), Refused>;

    fn run(self, funds: &mut Funds, desk: &mut Desk, at_ms: i64) -> Self::Answer {
        let Self { account, currency, amount, after_ms } = self;
        let coming = funds.deposits.coming.values().filter(|other| other.currency == currency);
        let amounts = coming.map(|other| other.amount).chain([amount]);
        let supply = desk.ledger.supply(currency);
        let supply = { amounts }.try_fold(supply, money::add).ok_or(Refused::OutOfRange)?;
        if supply > money::MAX_SUPPLY {
            return Err(Refused::OutOfRange);
        }
        let id = funds.next_id();
        let line = fields([
            ("type", "deposit".into()),
            ("reference_type", "Deposit".into()),
            ("reference_id", id.into()),
            ("credit_currency", currency.to_string().into()),
            ("credit_amount", history::amount(amount)),
            ("state", "submitted".into()),
        ]);
        let line = desk.history.add(account, at_ms, line);
        let coming = Coming { account, currency, amount, line };
        if after_ms == 0 {
            return Deposits::credit(id, coming, desk, at_ms);
        }
        funds.deposits.coming.insert(id, coming);
        desk.timers.set(at_ms.saturating_add(i64::from(after_ms)), (Part::Funds, id));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::{command::Due as _, desk::Part};

    fn deposit(amount: Decimal, after_ms: u32) -> Deposit {
        let currency = Code::new("zar").unwrap();
        Deposit { account: AccountId(1), currency, amount, after_ms }
    }

    #[test]
    fn money_on_its_way_has_its_room_in_the_supply_and_comes_once() {
        let (mut funds, mut desk) = (Funds::default(), Desk::new(1));
        let zar = Code::new("zar").unwrap();
        deposit(money::MAX_SUPPLY - Decimal::TWO, 500).run(&mut funds, &mut desk, 100).unwrap();
        deposit(Decimal::ONE, 0).run(&mut funds, &mut desk, 101).unwrap();
        let too_much = deposit(Decimal::TWO, 0).run(&mut funds, &mut desk, 102);
        assert_eq!(too_much, Err(Refused::OutOfRange));
        assert_eq!(desk.balance(AccountId(1), zar).available, Decimal::ONE);
        assert_eq!(desk.timers.take_due(599), None);
        let (at_ms, (part, key)) = desk.timers.take_due(700).unwrap();
        assert_eq!((at_ms, part), (600, Part::Funds));
        funds.due(key, &mut desk, at_ms);
        funds.due(key, &mut desk, at_ms);
        assert_eq!(desk.balance(AccountId(1), zar).available, money::MAX_SUPPLY - Decimal::ONE);
    }
}

//! How much an account may still pay in or out, by its level of verification and by what it did already.
//!
//! The documents name the limits and give no figures. Those of a currency are in its `withdraw_limit_24h` and
//! `withdraw_limit_72h`; everything else here is ours.

use super::{Funds, methods::Way};
use crate::{
    base::{
        clock::{self, Starts},
        id::{AccountId, Code},
        money,
    },
    exchange::{
        catalogue::Currency,
        command::{Command, Holds, Replayable, replayable},
        desk::Desk,
        people::VERIFIED,
    },
};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

const HOUR_MS: i64 = 3_600_000;
/// The limits of a week, a month and a year, as multiples of the limit of a day.
const WEEKLY: u32 = 5;
const MONTHLY: u32 = 15;
const YEARLY: u32 = 100;

/// The part of a limit that an account of this level has, in percent.
fn percent(level: u8) -> i64 {
    match level {
        0 => 0,
        1 => 10,
        2 => 50,
        VERIFIED.. => 100,
    }
}

/// A limit for an account of this level. A currency with the limit zero has none.
fn share(limit: Decimal, level: u8) -> Decimal {
    let limit = if limit.is_zero() { money::MAX_SUPPLY } else { limit };
    money::mul(limit, Decimal::new(percent(level), 2)).unwrap_or(limit)
}

/// The deposits that the demo accounts begin with. Those do not count, and nobody is told of them.
#[derive(Debug, Default)]
pub(crate) struct Opening {
    /// The number of the last one.
    last: u64,
    has_ended: bool,
}

impl Opening {
    pub(crate) fn has_ended(&self) -> bool {
        self.has_ended
    }
}

/// The commands of this file.
pub(super) fn commands<E: Holds<Funds>>() -> [Replayable<E>; 1] {
    [replayable::<E, EndOpening>()]
}

/// From here on, deposits count and are told.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct EndOpening {}

impl Command for EndOpening {
    const NAME: &'static str = "end_opening";
    type Part = Funds;
    type Answer = ();

    fn run(self, funds: &mut Funds, _desk: &mut Desk, _at_ms: i64) {
        funds.opening = Opening { last: funds.last_id, has_ended: true };
    }
}

/// When an account paid how much of a currency in or out.
pub(crate) fn moved(funds: &Funds, way: Way, account: AccountId, currency: Code) -> Vec<(i64, Decimal)> {
    match way {
        Way::In => {
            let deposits = funds.deposits.moved(account, currency);
            let counted = deposits.filter(|(id, ..)| *id > funds.opening.last);
            counted.map(|(_, at_ms, amount)| (at_ms, amount)).collect()
        }
        Way::Out => funds.withdrawals.moved(account, currency).collect(),
    }
}

/// What is left of an account's limits (the documents' "Remaining Limits").
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Left {
    pub(crate) transaction: Decimal,
    pub(crate) day: Decimal,
    pub(crate) week: Decimal,
    pub(crate) month: Decimal,
    pub(crate) year: Decimal,
}

impl Left {
    /// The largest payment that fits into all of them.
    pub(crate) fn most(&self) -> Decimal {
        [self.day, self.week, self.month, self.year].into_iter().fold(self.transaction, Decimal::min)
    }
}

/// What is left after these payments of a currency. Days, weeks (from Monday), months and years are those of UTC.
pub(crate) fn left(currency: &Currency, level: u8, moved: &[(i64, Decimal)], now_ms: i64) -> Left {
    let a_day = share(currency.withdraw_limit_24h, level);
    let Starts { day, week, month, year } = clock::starts(now_ms);
    let times = |factor: u32| money::mul(a_day, factor.into()).unwrap_or(a_day);
    let mut left = Left {
        transaction: a_day,
        day: a_day,
        week: times(WEEKLY),
        month: times(MONTHLY),
        year: times(YEARLY),
    };
    for &(at_ms, amount) in moved {
        for (start, rest) in
            [(day, &mut left.day), (week, &mut left.week), (month, &mut left.month), (year, &mut left.year)]
        {
            if at_ms >= start {
                *rest = (*rest - amount).max(Decimal::ZERO);
            }
        }
    }
    left
}

/// Whether a withdrawal keeps within the limits of 24 and 72 hours.
pub(crate) fn allows(
    currency: &Currency,
    level: u8,
    moved: &[(i64, Decimal)],
    amount: Decimal,
    now_ms: i64,
) -> bool {
    let limits = [(24, currency.withdraw_limit_24h), (72, currency.withdraw_limit_72h)];
    limits.into_iter().all(|(hours, limit)| {
        let since = now_ms.saturating_sub(hours * HOUR_MS);
        let mut amounts = moved.iter().filter(|(at_ms, _)| *at_ms > since).map(|(_, amount)| *amount);
        amounts.try_fold(amount, money::add).is_some_and(|sum| sum <= share(limit, level))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn currency() -> Currency {
        let limits = (Decimal::from(10), Decimal::from(20));
        Currency {
            withdraw_limit_24h: limits.0,
            withdraw_limit_72h: limits.1,
            ..Currency::coin("btc").unwrap()
        }
    }

    /// 2023-11-15, a Wednesday, at noon.
    const NOON_MS: i64 = 1_700_049_600_000;

    fn paid(payments: &[(i64, i64)]) -> Vec<(i64, Decimal)> {
        payments.iter().map(|(hours_ago, amount)| (NOON_MS - hours_ago * HOUR_MS, (*amount).into())).collect()
    }

    #[test]
    fn limits_shrink_by_what_was_paid_in_their_time() {
        let rest = |payments: &[(i64, i64)]| {
            let left = left(&currency(), VERIFIED, &paid(payments), NOON_MS);
            let Left { transaction, day, week, month, year } = left;
            [transaction, day, week, month, year].map(|left| left.to_string())
        };
        let fresh = ["10.00", "10.00", "50.00", "150.00", "1000.00"];
        assert_eq!(rest(&[]), fresh);
        assert_eq!(rest(&[(12, 3)]), ["10.00", "7.00", "47.00", "147.00", "997.00"], "midnight is today");
        assert_eq!(rest(&[(13, 3)]), ["10.00", "10.00", "47.00", "147.00", "997.00"], "yesterday");
        assert_eq!(rest(&[(61, 3)]), ["10.00", "10.00", "50.00", "147.00", "997.00"], "Sunday is last week");
        assert_eq!(rest(&[(15 * 24, 3)]), ["10.00", "10.00", "50.00", "150.00", "997.00"], "last month");
        assert_eq!(rest(&[(330 * 24, 3)]), fresh, "last year");
        assert_eq!(rest(&[(1, 30)])[1], "0", "never below zero");
        let most = left(&currency(), VERIFIED, &paid(&[(0, 4)]), NOON_MS).most();
        assert_eq!(most, Decimal::from(6));
    }

    #[test]
    fn a_level_decides_how_much_and_zero_means_no_limit() {
        let day = |level| left(&currency(), level, &[], NOON_MS).day;
        assert_eq!([0, 1, 2, VERIFIED].map(day), [0, 1, 5, 10].map(Decimal::from));
        let free = Currency::coin("new").unwrap();
        assert_eq!(left(&free, VERIFIED, &[], NOON_MS).day, money::MAX_SUPPLY);
    }

    #[test]
    fn withdrawals_of_24_and_72_hours_are_limited() {
        let fits = |payments: &[(i64, i64)], amount: i64| {
            allows(&currency(), VERIFIED, &paid(payments), amount.into(), NOON_MS)
        };
        assert!(fits(&[], 10) && !fits(&[], 11));
        assert!(fits(&[(23, 4)], 6) && !fits(&[(23, 4)], 7));
        assert!(fits(&[(24, 4)], 10), "24 hours ago is over");
        assert!(fits(&[(30, 8), (60, 6)], 6) && !fits(&[(30, 8), (60, 6)], 7), "72 hours");
        assert!(!allows(&currency(), 0, &[], Decimal::ONE, NOON_MS));
    }
}

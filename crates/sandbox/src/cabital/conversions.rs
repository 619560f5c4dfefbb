//! Conversions of one currency into another ("账户转换货币").
//!
//! The pair of a conversion names the bought currency and then the sold one. In Cabital's own order the quote counts, in the
//! other one the reversed quote: the sold amount is the bought one times this price. The amount that does not belong to
//! `major_ccy` follows from the other one, cut to its currency's digits.

use super::{
    Cabital, OUTSIDE, Sort, available,
    command::Command,
    failure::{Failure, Pa},
    terms::{Currency, TransactionKind},
    transfers::TransferStatus,
};
use crate::base::{
    id::{AccountId, Code},
    ledger::{Posting, Reason},
    money,
};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A conversion.
#[derive(Debug)]
pub(super) struct Conversion {
    pub(super) uuid: Uuid,
    pub(super) account: AccountId,
    pub(super) bought: (Code, Decimal),
    pub(super) status: TransferStatus,
    /// Whether a transfer named it.
    pub(super) is_used: bool,
}

/// A conversion, as it was sent.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Convert {
    pub(super) account: String,
    pub(super) quote_id: String,
    pub(super) quote: String,
    pub(super) pair: String,
    pub(super) buy_amount: String,
    pub(super) sell_amount: String,
    pub(super) major_ccy: String,
}

/// The answer.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Converted {
    transaction_id: Uuid,
    status: TransferStatus,
}

/// The amounts of a conversion, in Cabital's own words.
struct Amounts {
    bought: (Code, Decimal),
    sold: (Code, Decimal),
    /// The one that limits are about.
    major: (Code, Decimal),
}

impl Convert {
    fn check(&self, cabital: &Cabital, at_ms: i64) -> Result<Amounts, Pa> {
        let terms = &cabital.terms;
        let (pair, own_order) = terms.pair(&self.pair)?;
        let (buy, sell) = if own_order { (pair.left, pair.right) } else { (pair.right, pair.left) };
        let (buy, sell) = (terms.by_code(buy).ok_or(Pa::NO_PAIR)?, terms.by_code(sell).ok_or(Pa::NO_PAIR)?);
        terms.is_available(TransactionKind::Conversion, buy)?;
        terms.is_available(TransactionKind::Conversion, sell)?;
        let quote = cabital.quotes.get(&self.quote_id).ok_or(Pa::NO_QUOTE)?;
        if (quote.pair.left, quote.pair.right) != (pair.left, pair.right) {
            return Err(Pa::NO_QUOTE);
        }
        if at_ms > quote.valid_until.saturating_mul(1000) {
            return Err(Pa::QUOTE_EXPIRED);
        }
        let price = if own_order { quote.pair.quote } else { quote.reversed };
        if money::parse(&self.quote) != money::Parsed::Exact(price.normalize()) {
            return Err(Pa::WRONG_CALCULATION);
        }
        let major = terms.currency(&self.major_ccy)?;
        let wrong = || Pa::WRONG_CALCULATION;
        let bought = buy.amount(&self.buy_amount).ok_or_else(wrong)?;
        let sold = sell.amount(&self.sell_amount).ok_or_else(wrong)?;
        let (follows, major_amount) = if major.code == buy.code {
            (money::mul(bought, price).map(|sold| cut(sold, sell)) == Some(sold), bought)
        } else if major.code == sell.code {
            (money::div_down(sold, price, buy.precision) == Some(bought), sold)
        } else {
            (false, sold)
        };
        if !follows {
            return Err(wrong());
        }
        major.conversion.check(major_amount)?;
        Ok(Amounts { bought: (buy.code, bought), sold: (sell.code, sold), major: (major.code, major_amount) })
    }
}

/// The amount without the digits that the currency does not have.
fn cut(amount: Decimal, currency: &Currency) -> Decimal {
    amount.trunc_with_scale(currency.precision)
}

impl Command for Convert {
    const NAME: &'static str = "cabital_convert";
    type Answer = Result<Converted, Failure>;

    fn run(self, cabital: &mut Cabital, at_ms: i64) -> Self::Answer {
        let account = cabital.find_open(&self.account)?;
        let (id, uuid) = (account.id, account.uuid);
        let Amounts { bought, sold, major } = self.check(cabital, at_ms)?;
        let moved = cabital.account(uuid)?.moved_with(major.0, major.1, at_ms)?;
        let number = u64::try_from(cabital.conversions.len()).unwrap_or(u64::MAX).saturating_add(1);
        let planned = cabital.planned_conversions.front().copied();
        let status = planned.unwrap_or(TransferStatus::Success);
        if status == TransferStatus::Success {
            let own = available(id);
            let postings = [
                Posting { currency: sold.0, from: own, to: OUTSIDE, amount: sold.1 },
                Posting { currency: bought.0, from: OUTSIDE, to: own, amount: bought.1 },
            ];
            cabital.post(at_ms, Reason::Conversion(number), &postings)?;
        }
        cabital.planned_conversions.pop_front();
        cabital.account_mut(uuid)?.set_moved(major.0, moved, at_ms);
        let uuid = cabital.uuid(Sort::Conversion, number);
        cabital.conversions.push(Conversion { uuid, account: id, bought, status, is_used: false });
        Ok(Converted { transaction_id: uuid, status })
    }
}

/// Plans the status that the next conversion has instead of `SUCCESS`. Then no money moves.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PlanConversion(pub(crate) TransferStatus);

impl Command for PlanConversion {
    const NAME: &'static str = "cabital_plan_conversion";
    type Answer = ();

    fn run(self, cabital: &mut Cabital, _at_ms: i64) {
        cabital.planned_conversions.push_back(self.0);
    }
}

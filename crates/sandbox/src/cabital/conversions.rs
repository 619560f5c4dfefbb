//! Conversions of one currency into another ("账户转换货币").
//!
//! The documents order the pair in two ways, see [`PairOrder`]. The price is that of the left currency in the right one. The
//! amount that does not belong to `major_ccy` follows from the other one, cut to its currency's digits.

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

/// How a conversion names its pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum PairOrder {
    /// The bought currency, then the sold one. In Cabital's own order the quote counts, in the other one the reversed quote.
    #[default]
    BoughtSold,
    /// Always the pair of the quote, with its price. What is bought follows from the amounts.
    Quoted,
}

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
        if cabital.pair_order == PairOrder::Quoted && !own_order {
            return Err(Pa::NO_PAIR);
        }
        let (left, right) = if own_order { (pair.left, pair.right) } else { (pair.right, pair.left) };
        let (left, right) =
            (terms.by_code(left).ok_or(Pa::NO_PAIR)?, terms.by_code(right).ok_or(Pa::NO_PAIR)?);
        terms.is_available(TransactionKind::Conversion, left)?;
        terms.is_available(TransactionKind::Conversion, right)?;
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
        let amounts = match cabital.pair_order {
            PairOrder::BoughtSold => self.amounts((left, right), price, major, true),
            PairOrder::Quoted => self
                .amounts((left, right), price, major, true)
                .or_else(|| self.amounts((left, right), price, major, false)),
        };
        let amounts = amounts.ok_or(Pa::WRONG_CALCULATION)?;
        major.conversion.check(amounts.major.1)?;
        Ok(amounts)
    }

    /// The amounts, if the left currency is bought or sold and they follow from the price. `None` if they do not.
    fn amounts(
        &self,
        (left, right): (&Currency, &Currency),
        price: Decimal,
        major: &Currency,
        buys_left: bool,
    ) -> Option<Amounts> {
        let (of_left, of_right) = if buys_left {
            (&self.buy_amount, &self.sell_amount)
        } else {
            (&self.sell_amount, &self.buy_amount)
        };
        let (of_left, of_right) = (left.amount(of_left)?, right.amount(of_right)?);
        let (follows, moved) = if major.code == left.code {
            (money::mul(of_left, price).map(|amount| cut(amount, right)) == Some(of_right), of_left)
        } else if major.code == right.code {
            (money::div_down(of_right, price, left.precision) == Some(of_left), of_right)
        } else {
            return None;
        };
        let (of_left, of_right) = ((left.code, of_left), (right.code, of_right));
        let (bought, sold) = if buys_left { (of_left, of_right) } else { (of_right, of_left) };
        follows.then_some(Amounts { bought, sold, major: (major.code, moved) })
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

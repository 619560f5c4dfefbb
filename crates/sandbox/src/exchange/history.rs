//! The lines of every account's history (the documents' "Transaction"). Whoever moves an account's money adds a line, and
//! changes it when the payment changes.
//!
//! `credit_amount` is what a balance gains and `debit_amount` what it loses, with the fee already taken off or included. So
//! the lines of an account add up to its balances, once no payment is on its way. The documents do not say this; it is our reading.

use super::market::{
    order::Side,
    trade::{Trade, TradeSide},
};
use crate::base::{id::AccountId, money};
use rust_decimal::Decimal;
use serde_json::{Map, Value};
use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

/// The fields of a transaction, and the columns of the table, in the documents' order.
pub(crate) const FIELDS: [&str; 36] = [
    "id",
    "type",
    "reference_type",
    "reference_id",
    "credit_currency",
    "credit_amount",
    "debit_currency",
    "debit_amount",
    "fee_currency",
    "fee",
    "blockchain_key",
    "blockchain_name",
    "market_id",
    "order_id",
    "price",
    "origin_volume",
    "payment_method_provider",
    "payment_method_name",
    "payment_method_precision",
    "payment_method_icon_url",
    "voucher_pin",
    "change_voucher_pin",
    "change_voucher_expiry",
    "change_voucher_amount",
    "description",
    "member_description",
    "sender",
    "receiver",
    "state",
    "address",
    "txid",
    "beneficiary_id",
    "paid_at",
    "expires_at",
    "created_at",
    "updated_at",
];

/// The values of `type`.
pub(crate) const TYPES: [&str; 6] =
    ["deposit", "withdraw", "internal_transfer", "trade", "referral", "maker_reward"];

/// The documented fields of a line, without those that the history sets itself: number and times of creation and change.
pub(crate) type Fields = Map<String, Value>;

/// One line.
#[derive(Debug, Clone)]
pub(crate) struct Transaction {
    pub(crate) id: u64,
    pub(crate) created_ms: i64,
    pub(crate) updated_ms: i64,
    content: Content,
}

#[derive(Debug, Clone)]
enum Content {
    Fields(Fields),
    /// One half of a match. Its fields are made when they are read, because there are many matches.
    Trade {
        trade: Arc<Trade>,
        order_id: u64,
        origin_volume: Decimal,
    },
}

impl Transaction {
    /// Its fields, except number and times.
    pub(crate) fn fields(&self) -> Cow<'_, Fields> {
        match &self.content {
            Content::Fields(fields) => Cow::Borrowed(fields),
            Content::Trade { trade, order_id, origin_volume } => {
                let half = trade.side_of_order(*order_id);
                Cow::Owned(half.map(|half| trade_fields(trade, half, *origin_volume)).unwrap_or_default())
            }
        }
    }
}

/// A trade's half: the income without the fee comes in, the price of it goes out.
fn trade_fields(trade: &Trade, half: &TradeSide, origin_volume: Decimal) -> Fields {
    let market = &trade.market;
    let (income, paid_in, paid) = match half.side {
        Side::Buy => (trade.amount, market.quote, trade.total),
        Side::Sell => (trade.total, market.base, trade.amount),
    };
    let received_in = trade.income_currency(half.side);
    fields([
        ("type", "trade".into()),
        ("reference_type", "Order".into()),
        ("reference_id", half.order_id.into()),
        ("credit_currency", received_in.to_string().into()),
        ("credit_amount", amount(income - half.fee_amount)),
        ("debit_currency", paid_in.to_string().into()),
        ("debit_amount", amount(paid)),
        ("fee_currency", received_in.to_string().into()),
        ("fee", amount(half.fee_amount)),
        ("market_id", market.id.to_string().into()),
        ("order_id", half.order_id.to_string().into()),
        ("price", amount(trade.price)),
        ("origin_volume", amount(origin_volume)),
        ("state", "completed".into()),
    ])
}

/// Fields of a line. `null` means that the line does not have the field.
pub(crate) fn fields<const N: usize>(fields: [(&str, Value); N]) -> Fields {
    fields
        .into_iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// An amount as a field.
pub(crate) fn amount(amount: Decimal) -> Value {
    money::text(amount).into()
}

/// Every line, the oldest first. A line's number is its place, counted from 1.
#[derive(Debug, Default)]
pub(crate) struct History {
    lines: Vec<Arc<Transaction>>,
    by_account: BTreeMap<AccountId, Vec<usize>>,
}

impl History {
    /// Adds a line; the answer is its number.
    pub(crate) fn add(&mut self, account: AccountId, at_ms: i64, fields: Fields) -> u64 {
        self.push(account, at_ms, Content::Fields(fields))
    }

    /// Adds the line of one half of a match.
    pub(crate) fn add_trade(&mut self, trade: &Arc<Trade>, half: &TradeSide, origin_volume: Decimal) {
        let content = Content::Trade { trade: Arc::clone(trade), order_id: half.order_id, origin_volume };
        self.push(half.account, trade.at_ms, content);
    }

    fn push(&mut self, account: AccountId, at_ms: i64, content: Content) -> u64 {
        let place = self.lines.len();
        let id = u64::try_from(place).unwrap_or(u64::MAX).saturating_add(1);
        let line = Transaction { id, created_ms: at_ms, updated_ms: at_ms, content };
        self.lines.push(Arc::new(line));
        self.by_account.entry(account).or_default().push(place);
        id
    }

    /// Sets fields of a line; the others stay. Whoever has the line already keeps the older state of it.
    pub(crate) fn change(&mut self, id: u64, at_ms: i64, changes: Fields) {
        let place = usize::try_from(id.saturating_sub(1)).unwrap_or(usize::MAX);
        let Some(line) = self.lines.get_mut(place) else { return };
        let line = Arc::make_mut(line);
        if let Content::Fields(fields) = &mut line.content {
            fields.extend(changes);
            line.updated_ms = at_ms;
        }
    }

    /// An account's lines, the newest first.
    pub(crate) fn of(&self, account: AccountId) -> impl Iterator<Item = &Arc<Transaction>> {
        let places = self.by_account.get(&account).map(Vec::as_slice).unwrap_or_default();
        places.iter().rev().filter_map(|place| self.lines.get(*place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_line_keeps_its_number_and_its_other_fields() {
        let mut history = History::default();
        let (mine, other) = (AccountId(1), AccountId(2));
        let id = history.add(mine, 5, fields([("type", "deposit".into()), ("state", "submitted".into())]));
        assert_eq!(history.add(other, 6, Fields::new()), id + 1);
        let before = Arc::clone(history.of(mine).next().unwrap());
        history.change(id, 9, fields([("state", "accepted".into()), ("txid", Value::Null)]));
        let after = history.of(mine).next().unwrap();
        assert_eq!(before.fields()["state"], "submitted");
        assert_eq!((after.id, after.created_ms, after.updated_ms), (id, 5, 9));
        assert_eq!(
            after.fields().into_owned(),
            fields([("type", "deposit".into()), ("state", "accepted".into())])
        );
        assert_eq!(
            (history.of(mine).count(), history.of(other).count(), history.of(AccountId(3)).count()),
            (1, 1, 0)
        );
    }
}

//! The account's history, as pages.

use crate::{
    ACCOUNT,
    args::{self, Direction, Text},
};
use capecrypto_auth::Environment;
use capecrypto_models::{Arg, CurrencyId, Timestamp, Transaction, TransactionType};
use capecrypto_rest::{Mismatch, Page, Paged, Paging, TimeRange, Windowed, endpoints, request};
use std::time::Duration;

endpoints! { ACCOUNT signed; hints crate::hints::hint; probe capecrypto_probe::Probe;
    GET "/account/transactions" ListTransactions -> Page<Transaction>,
        paged secrets("description member_description sender receiver address") reviewed;
}

request! {
    /// Lists the account's history: deposits, withdrawals, trades and the rest, newest first (documents: "Get transaction
    /// history"). The time range is in seconds and includes both ends.
    #[derive(Default)]
    pub struct ListTransactions {}
    optional {
        /// Only transactions that credit or debit this currency.
        currency: Arg<CurrencyId>,
        /// Only transactions of this type (`type` on the wire).
        kind as "type": TransactionType,
        /// Only the transaction with this id: 1 to 255 characters without control characters. The limit is ours.
        txid: Arg<Text<255>>,
        /// Sort direction; newest first when left out.
        order_by: Direction,
    }
    pages Paging<1_000>, "1 to 1,000, 50 when left out";
    times TimeRange<true>;
}

impl ListTransactions {
    /// The whole history.
    pub fn new() -> Self {
        Self::with()
    }

    /// Does not compare times: the documents do not say which of a transaction's times the range means.
    #[inline]
    fn review_answer(&self, page: &mut Page<Transaction>, _: &Environment) -> Result<(), Mismatch> {
        if let Some(asked) = args::given(self.currency.as_ref()) {
            let is_in = |row: &Transaction| {
                let sides = [row.credit_currency.as_ref(), row.debit_currency.as_ref()];
                sides == [None, None] || sides.contains(&Some(asked))
            };
            if !page.iter().all(is_in) {
                return Err(Mismatch { field: "currency" });
            }
        }
        args::only("type", self.kind.as_ref(), page.iter().map(|row| Some(&row.kind)))?;
        let txid = args::given(self.txid.as_ref()).map(Text::as_str);
        page.iter().try_for_each(|row| Mismatch::check("txid", txid.as_ref(), row.txid.as_deref().as_ref()))
    }
}

/// By the time when a transaction was created. If the exchange means another time of it, that is later, so a transaction that was
/// created after the end does not belong to the span in either case.
impl Windowed for ListTransactions {
    fn window(&self) -> Duration {
        args::MONTH
    }

    fn oldest_first(&self) -> bool {
        self.order_by == Some(Direction::Ascending)
    }

    fn time(row: &Transaction) -> Option<Timestamp> {
        row.created_at
    }
}

impl Paged for ListTransactions {
    type Row = Transaction;
    type Key = u64;

    fn key(row: &Transaction) -> u64 {
        row.id
    }
}

#[cfg(test)]
mod samples {
    use super::*;
    use capecrypto_probe::{Samples, time};

    impl Samples for ListTransactions {
        fn smallest() -> Self {
            Self::new()
        }
        fn fullest() -> Self {
            Self::new()
                .currency("btc")
                .kind("deposit")
                .txid("302b0494")
                .order_by(Direction::Ascending)
                .limit(1_000)
                .page(1)
                .time_from(time(0))
                .time_to(time(1))
        }
    }
}

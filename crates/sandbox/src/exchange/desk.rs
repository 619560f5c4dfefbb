//! The state that all parts of the exchange share.

use super::{catalogue::Catalogue, event::Event, history::History, notice::Notice};
use crate::base::{
    id::{self, AccountId, Code},
    ledger::{Balance, Ledger, Party},
    timers::Timers,
};
use rust_decimal::Decimal;
use std::{collections::VecDeque, sync::Arc};
use uuid::Uuid;

/// The part that a timer calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Funds,
    Payments,
    DepositActions,
    Webhooks,
}

/// Currencies and markets, the ledger, the history, timers, and the events that are not yet published.
#[derive(Debug)]
pub(crate) struct Desk {
    /// The seed of ids that look random.
    seed: u64,
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) ledger: Ledger,
    pub(crate) history: History,
    /// Which part to call, and its key.
    pub(crate) timers: Timers<(Part, u64)>,
    outbox: VecDeque<Event>,
    sales: VecDeque<Sale>,
    notices: VecDeque<Notice>,
}

/// Coins that a part wants to sell in a market; only the engine can do it.
#[derive(Debug)]
pub(crate) struct Sale {
    pub(crate) account: AccountId,
    pub(crate) market: Code,
    pub(crate) volume: Decimal,
    /// The custom order id of the order.
    pub(crate) name: String,
}

impl Desk {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            seed,
            catalogue: Arc::default(),
            ledger: Ledger::default(),
            history: History::default(),
            timers: Timers::default(),
            outbox: VecDeque::new(),
            sales: VecDeque::new(),
            notices: VecDeque::new(),
        }
    }

    /// The uuid of item `number` of a kind (`sort`). It looks random, and is the same for the same seed.
    pub(crate) fn uuid(&self, sort: u64, number: u64) -> Uuid {
        id::uuid(self.seed, sort, number)
    }

    /// A number smaller than `below`, which depends only on the seed.
    pub(crate) fn number_below(&self, below: u64) -> u64 {
        id::mixed(self.seed).checked_rem(below).unwrap_or_default()
    }

    /// Queues a sale. It is placed as an order right after the command or the timer that queued it.
    pub(crate) fn sell(&mut self, sale: Sale) {
        self.sales.push_back(sale);
    }

    /// Takes the next sale to place.
    pub(crate) fn next_sale(&mut self) -> Option<Sale> {
        self.sales.pop_front()
    }

    /// Queues a notice. Its webhook is chosen, and it is sent, right after the command or the timer that queued it.
    pub(crate) fn announce(&mut self, notice: Notice) {
        self.notices.push_back(notice);
    }

    /// Takes the next notice to send.
    pub(crate) fn next_notice(&mut self) -> Option<Notice> {
        self.notices.pop_front()
    }

    /// Queues an event for the websocket.
    pub(crate) fn tell(&mut self, event: Event) {
        self.outbox.push_back(event);
    }

    /// Takes the next event to publish.
    pub(crate) fn next_event(&mut self) -> Option<Event> {
        self.outbox.pop_front()
    }

    /// The number of events that are not yet published.
    pub(crate) fn untold(&self) -> usize {
        self.outbox.len()
    }

    pub(crate) fn balance(&self, account: AccountId, currency: Code) -> Balance {
        self.ledger.balance(Party::Member(account), currency)
    }

    /// Queues one balance event for each account and currency, even if a pair is named twice.
    pub(crate) fn tell_balances(&mut self, changed: &[(AccountId, Code)], at_ms: i64) {
        for (place, &(account, currency)) in changed.iter().enumerate() {
            if changed.iter().take(place).any(|earlier| *earlier == (account, currency)) {
                continue;
            }
            let balance = self.balance(account, currency);
            let precision = self.catalogue.currency(&currency).map_or(1, |currency| currency.precision);
            self.tell(Event::Balance { account, currency, precision, balance, at_ms });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn ids_follow_from_the_seed_alone() {
        let (one, same, other) = (Desk::new(7), Desk::new(7), Desk::new(8));
        let mut seen = BTreeSet::new();
        for number in 0..1_000 {
            let id = one.uuid(1, number);
            assert_eq!(id, same.uuid(1, number));
            assert_eq!((id.get_version_num(), id.get_variant()), (4, uuid::Variant::RFC4122));
            assert!(
                seen.insert(id) && seen.insert(one.uuid(2, number)) && seen.insert(other.uuid(1, number))
            );
        }
        assert_eq!(one.number_below(9), same.number_below(9));
    }
}

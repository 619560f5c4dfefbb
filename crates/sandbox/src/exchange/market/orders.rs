//! Every order, and the lists that are updated with each change of an order: an account's open orders, and all its orders
//! by the time of their last change.

use super::order::{Order, OrderType, Side, State};
use crate::{
    base::{
        id::{AccountId, Code},
        listing::{Cut, Entry, Filter, Listing},
    },
    exchange::catalogue::Market,
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, hash_map::DefaultHasher},
    hash::BuildHasherDefault,
    ops::Range,
    sync::Arc,
};
use uuid::Uuid;

/// Which of an account's orders are wanted.
#[derive(Debug, Clone, Default)]
pub(crate) struct OrderFilter {
    pub(crate) market: Option<Arc<Market>>,
    pub(crate) base: Option<Code>,
    pub(crate) quote: Option<Code>,
    /// Empty means any state.
    pub(crate) states: Vec<State>,
    pub(crate) ord_type: Option<OrderType>,
    pub(crate) side: Option<Side>,
    /// When it was created, in milliseconds: from inclusive, to exclusive.
    pub(crate) created: Option<Range<i64>>,
}

/// The properties of an order that a filter compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Kind {
    /// The market's number.
    market: u32,
    side: Side,
    ord_type: OrderType,
    state: State,
}

impl OrderFilter {
    fn wants(&self, market: &Market) -> bool {
        self.market.as_ref().is_none_or(|wanted| wanted.id == market.id)
            && self.base.is_none_or(|unit| market.base == unit)
            && self.quote.is_none_or(|unit| market.quote == unit)
    }

    fn wants_kind(&self, markets: &[Arc<Market>], kind: &Kind) -> bool {
        let market = usize::try_from(kind.market).ok().and_then(|number| markets.get(number));
        market.is_some_and(|market| self.wants(market))
            && self.side.is_none_or(|side| side == kind.side)
            && self.ord_type.is_none_or(|ord_type| ord_type == kind.ord_type)
            && (self.states.is_empty() || self.states.contains(&kind.state))
    }
}

fn entry(order: &Order) -> Entry<Kind, u64> {
    let Order { side, ord_type, state, .. } = *order;
    let kind = Kind { market: order.market.number, side, ord_type, state };
    Entry { place: (order.updated_ms, order.id), at_ms: order.created_ms, kind, row: order.id }
}

/// All orders. Every change goes through it, so that the lists stay correct.
#[derive(Debug, Default)]
pub(super) struct Orders {
    all: BTreeMap<u64, Order>,
    /// The hasher has a fixed seed, so that two exchanges with the same orders have equal maps.
    by_uuid: HashMap<Uuid, u64, BuildHasherDefault<DefaultHasher>>,
    /// Each account's open orders: `pending` or `wait`.
    open: BTreeMap<AccountId, BTreeSet<u64>>,
    /// Each account's orders, by the time of their last change.
    listed: BTreeMap<AccountId, Listing<Kind, u64>>,
}

impl Orders {
    pub(super) fn get(&self, id: u64) -> Option<&Order> {
        self.all.get(&id)
    }

    pub(super) fn by_uuid(&self, uuid: Uuid) -> Option<&Order> {
        self.by_uuid.get(&uuid).and_then(|id| self.get(*id))
    }

    pub(super) fn insert(&mut self, order: Order) {
        self.by_uuid.insert(order.uuid, order.id);
        self.list(order.account, order.state, entry(&order));
        self.all.insert(order.id, order);
    }

    /// Changes an order and updates the lists.
    pub(super) fn change<T>(&mut self, id: u64, change: impl FnOnce(&mut Order) -> T) -> Option<T> {
        let order = self.all.get_mut(&id)?;
        let before = entry(order);
        let result = change(order);
        let (account, state, after) = (order.account, order.state, entry(order));
        if (before.place, before.kind) != (after.place, after.kind) {
            if let Some(listed) = self.listed.get_mut(&account) {
                listed.remove(before.place);
            }
            self.list(account, state, after);
        }
        Some(result)
    }

    fn list(&mut self, account: AccountId, state: State, entry: Entry<Kind, u64>) {
        let open = self.open.entry(account).or_default();
        if state.is_open() {
            open.insert(entry.row);
        } else {
            open.remove(&entry.row);
        }
        self.listed.entry(account).or_default().insert(entry);
    }

    /// An account's open orders, oldest first. It does not scan the closed ones.
    pub(super) fn open_of(&self, account: AccountId) -> impl Iterator<Item = &Order> {
        self.open.get(&account).into_iter().flatten().filter_map(|id| self.get(*id))
    }

    /// How many of an account's orders match the filter, and a part of them, by the time of their last change. `markets`
    /// must be sorted by number.
    pub(super) fn page(
        &self,
        markets: &[Arc<Market>],
        account: AccountId,
        filter: &OrderFilter,
        cut: Cut,
    ) -> (usize, Vec<&Order>) {
        let Some(listed) = self.listed.get(&account) else { return (0, Vec::new()) };
        let wants = |kind: &Kind| filter.wants_kind(markets, kind);
        let within = filter.created.clone().unwrap_or(i64::MIN..i64::MAX);
        let filter = Filter { wants: Some(&wants), within };
        let ids = listed.cut(&filter, cut);
        (listed.count(&filter), ids.into_iter().filter_map(|id| self.get(*id)).collect())
    }

    /// All of an account's orders, for comparisons.
    #[cfg(test)]
    pub(super) fn of(&self, account: AccountId) -> impl Iterator<Item = &Order> {
        self.all.values().filter(move |order| order.account == account)
    }
}

//! Every order, and the lists that follow each change of one: an account's open orders, and all of its orders in the
//! order of the exchange's list, last change last.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;

use uuid::Uuid;

use super::listing::{Cut, Entry, Filter, Listing};
use super::order::{Order, OrderType, Side, State};
use crate::markets::{MARKETS, Market};

const SIDES: [Side; 2] = [Side::Buy, Side::Sell];
const TYPES: [OrderType; 2] = [OrderType::Limit, OrderType::Market];
const STATES: [State; 5] = [State::Pending, State::Wait, State::Done, State::Cancel, State::Reject];
const KINDS: usize = MARKETS.len() * SIDES.len() * TYPES.len() * STATES.len();

/// Which of an account's orders are wanted.
#[derive(Debug, Clone, Default)]
pub(crate) struct OrderFilter {
    pub(crate) market: Option<&'static Market>,
    pub(crate) base: Option<String>,
    pub(crate) quote: Option<String>,
    /// None means any.
    pub(crate) states: Vec<State>,
    pub(crate) ord_type: Option<OrderType>,
    pub(crate) side: Option<Side>,
    /// When it was created, in milliseconds: from inclusive, to exclusive.
    pub(crate) created: Option<Range<i64>>,
}

impl OrderFilter {
    fn wants(&self, market: &Market, side: Side, ord_type: OrderType, state: State) -> bool {
        self.market.is_none_or(|wanted| wanted.id == market.id)
            && self.base.as_ref().is_none_or(|unit| market.base == unit)
            && self.quote.as_ref().is_none_or(|unit| market.quote == unit)
            && self.side.is_none_or(|wanted| wanted == side)
            && self.ord_type.is_none_or(|wanted| wanted == ord_type)
            && (self.states.is_empty() || self.states.contains(&state))
    }

    fn listing(&self) -> Filter {
        let mut filter = Filter { kinds: Vec::with_capacity(KINDS), ..Filter::all(0) };
        // The same order as in `kind`.
        for market in &MARKETS {
            for side in SIDES {
                for ord_type in TYPES {
                    filter.kinds.extend(STATES.map(|state| self.wants(market, side, ord_type, state)));
                }
            }
        }
        if let Some(created) = &self.created {
            filter.within = created.clone();
        }
        filter
    }
}

/// What a filter asks about, as one number.
fn kind(order: &Order) -> usize {
    let market = MARKETS.iter().position(|market| market.id == order.market.id).unwrap_or_default();
    let side = SIDES.iter().position(|side| *side == order.side).unwrap_or_default();
    let ord_type = TYPES.iter().position(|ord_type| *ord_type == order.ord_type).unwrap_or_default();
    let state = STATES.iter().position(|state| *state == order.state).unwrap_or_default();
    ((market * SIDES.len() + side) * TYPES.len() + ord_type) * STATES.len() + state
}

fn entry(order: &Order) -> Entry<u64> {
    Entry { place: (order.updated_ms, order.id), at_ms: order.created_ms, kind: kind(order), row: order.id }
}

/// The one owner of all orders: every change goes through it.
#[derive(Debug, Default)]
pub(super) struct Orders {
    all: BTreeMap<u64, Order>,
    by_uuid: HashMap<Uuid, u64>,
    /// Each account's orders that are `pending` or `wait`.
    open: BTreeMap<usize, BTreeSet<u64>>,
    /// Each account's orders, by the time of their last change.
    listed: BTreeMap<usize, Listing<u64>>,
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

    /// Changes an order; the lists follow.
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

    fn list(&mut self, account: usize, state: State, entry: Entry<u64>) {
        let open = self.open.entry(account).or_default();
        if state.is_open() {
            open.insert(entry.row);
        } else {
            open.remove(&entry.row);
        }
        self.listed.entry(account).or_insert_with(|| Listing::new(KINDS)).insert(entry);
    }

    /// An account's orders that are `pending` or `wait`, oldest first, however many others there were.
    pub(super) fn open_of(&self, account: usize) -> impl Iterator<Item = &Order> {
        self.open.get(&account).into_iter().flatten().filter_map(|id| self.get(*id))
    }

    /// How many of an account's orders the filter leaves, and a part of them, by their last change.
    pub(super) fn page(&self, account: usize, filter: &OrderFilter, cut: Cut) -> (usize, Vec<&Order>) {
        let Some(listed) = self.listed.get(&account) else { return (0, Vec::new()) };
        let filter = filter.listing();
        let ids = listed.cut(&filter, cut);
        (listed.count(&filter), ids.into_iter().filter_map(|id| self.get(*id)).collect())
    }

    /// All of an account's orders, for comparisons.
    #[cfg(test)]
    pub(super) fn of(&self, account: usize) -> impl Iterator<Item = &Order> {
        self.all.values().filter(move |order| order.account == account)
    }
}

//! Every match, by market, by account and by order, oldest first.

use super::{order::Side, trade::Trade};
use crate::{
    base::{
        id::{AccountId, Code},
        listing::{Cut, Entry, Filter, Listing},
    },
    exchange::catalogue::Market,
};
use std::{
    collections::{BTreeMap, HashMap, hash_map::DefaultHasher},
    hash::BuildHasherDefault,
    ops::Range,
    sync::Arc,
};

/// How many trades match a filter, and a part of them.
pub(crate) type Page<'a> = (usize, Vec<&'a Arc<Trade>>);

/// The matches. They are never changed and never removed.
#[derive(Debug, Default)]
pub(super) struct History {
    /// Each market's, oldest first.
    by_market: BTreeMap<Code, Vec<Arc<Trade>>>,
    /// The same, for reading pages.
    listed: BTreeMap<Code, Listing<(), Arc<Trade>>>,
    /// Each account's. A match of an account with itself is listed once, as the maker's.
    own: BTreeMap<AccountId, Listing<(u32, Side), Arc<Trade>>>,
    /// Each order's, oldest first.
    by_order: HashMap<u64, Vec<Arc<Trade>>, BuildHasherDefault<DefaultHasher>>,
}

impl History {
    pub(super) fn add(&mut self, trade: &Arc<Trade>) {
        let market = trade.market.id;
        let (place, at_ms) = ((0, trade.id), trade.at_ms);
        self.by_market.entry(market).or_default().push(Arc::clone(trade));
        self.listed.entry(market).or_default().insert(Entry {
            place,
            at_ms,
            kind: (),
            row: Arc::clone(trade),
        });
        let mut owners = vec![trade.maker.account, trade.taker.account];
        owners.dedup();
        for account in owners {
            let Some(half) = trade.side_of(account) else { continue };
            let entry =
                Entry { place, at_ms, kind: (trade.market.number, half.side), row: Arc::clone(trade) };
            self.own.entry(account).or_default().insert(entry);
        }
        for half in [&trade.maker, &trade.taker] {
            self.by_order.entry(half.order_id).or_default().push(Arc::clone(trade));
        }
    }

    pub(super) fn of_market(&self, market: &Market) -> &[Arc<Trade>] {
        self.by_market.get(&market.id).map(Vec::as_slice).unwrap_or_default()
    }

    pub(super) fn of_order(&self, order: u64) -> &[Arc<Trade>] {
        self.by_order.get(&order).map(Vec::as_slice).unwrap_or_default()
    }

    pub(super) fn public_page(&self, market: &Market, within: Range<i64>, cut: Cut) -> Page<'_> {
        page(self.listed.get(&market.id), &Filter::within(within), cut)
    }

    pub(super) fn own_page(
        &self,
        account: AccountId,
        market: Option<&Market>,
        side: Option<Side>,
        within: Range<i64>,
        cut: Cut,
    ) -> Page<'_> {
        let wants = |(of, own): &(u32, Side)| {
            market.is_none_or(|market| market.number == *of) && side.is_none_or(|side| side == *own)
        };
        page(self.own.get(&account), &Filter { wants: Some(&wants), within }, cut)
    }
}

fn page<'a, K: Ord + Copy>(
    list: Option<&'a Listing<K, Arc<Trade>>>,
    filter: &Filter<'_, K>,
    cut: Cut,
) -> Page<'a> {
    list.map_or_else(Default::default, |list| (list.count(filter), list.cut(filter, cut)))
}

//! Every match, by market, by account and by order, in the order in which they happened.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

use super::listing::{Cut, Entry, Filter, Listing};
use super::order::Side;
use super::trade::Trade;
use crate::markets::{MARKETS, Market};

const SIDES: [Side; 2] = [Side::Buy, Side::Sell];
const KINDS: usize = MARKETS.len() * SIDES.len();

/// How many matches a filter leaves, and a part of them.
pub(crate) type Page<'a> = (usize, Vec<&'a Arc<Trade>>);

/// The matches. They are never changed and never taken out.
#[derive(Debug, Default)]
pub(super) struct History {
    /// Each market's, oldest first.
    by_market: BTreeMap<&'static str, Vec<Arc<Trade>>>,
    /// The same, to cut pages from.
    listed: BTreeMap<&'static str, Listing<Arc<Trade>>>,
    /// Each account's; a match with itself stands once, as the maker's.
    own: BTreeMap<usize, Listing<Arc<Trade>>>,
    /// Each order's, oldest first.
    by_order: HashMap<u64, Vec<Arc<Trade>>>,
}

impl History {
    pub(super) fn add(&mut self, trade: &Arc<Trade>) {
        let market = trade.market;
        let entry = |kind| Entry { place: (0, trade.id), at_ms: trade.at_ms, kind, row: Arc::clone(trade) };
        self.by_market.entry(market.id).or_default().push(Arc::clone(trade));
        self.listed.entry(market.id).or_insert_with(|| Listing::new(1)).insert(entry(0));
        let mut owners = vec![trade.maker.account, trade.taker.account];
        owners.dedup();
        for account in owners {
            let Some(half) = trade.side_of(account) else { continue };
            let own = self.own.entry(account).or_insert_with(|| Listing::new(KINDS));
            own.insert(entry(kind(market, half.side)));
        }
        for half in [&trade.maker, &trade.taker] {
            self.by_order.entry(half.order_id).or_default().push(Arc::clone(trade));
        }
    }

    pub(super) fn of_market(&self, market: &Market) -> &[Arc<Trade>] {
        self.by_market.get(market.id).map(Vec::as_slice).unwrap_or_default()
    }

    pub(super) fn of_order(&self, order: u64) -> &[Arc<Trade>] {
        self.by_order.get(&order).map(Vec::as_slice).unwrap_or_default()
    }

    pub(super) fn public_page(&self, market: &Market, within: Range<i64>, cut: Cut) -> Page<'_> {
        page(self.listed.get(market.id), &Filter { within, ..Filter::all(1) }, cut)
    }

    pub(super) fn own_page(
        &self,
        account: usize,
        market: Option<&Market>,
        side: Option<Side>,
        within: Range<i64>,
        cut: Cut,
    ) -> Page<'_> {
        // The same order as in `kind`.
        let kinds = MARKETS.iter().flat_map(|known| {
            SIDES.map(|of| {
                market.is_none_or(|market| market.id == known.id) && side.is_none_or(|side| side == of)
            })
        });
        page(self.own.get(&account), &Filter { kinds: kinds.collect(), within }, cut)
    }
}

fn kind(market: &Market, side: Side) -> usize {
    let market = MARKETS.iter().position(|known| known.id == market.id).unwrap_or_default();
    market * SIDES.len() + SIDES.iter().position(|known| *known == side).unwrap_or_default()
}

fn page<'a>(list: Option<&'a Listing<Arc<Trade>>>, filter: &Filter, cut: Cut) -> Page<'a> {
    list.map_or_else(Default::default, |list| (list.count(filter), list.cut(filter, cut)))
}

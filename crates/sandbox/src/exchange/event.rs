//! Events: what happened, in order, for the websocket. Their form on the wire is made in `stream`.

use super::market::{
    book::Level,
    order::{Order, Side},
    trade::Trade,
};
use crate::base::{
    id::{AccountId, Code},
    ledger::Balance,
};
use rust_decimal::Decimal;
use std::sync::Arc;

/// One event.
#[derive(Debug, Clone)]
pub(crate) enum Event {
    /// A level of the book has a new total.
    Increment(Increment),
    /// The whole book, for the snapshot store (never sent to live sockets).
    Snapshot { market: Code, asks: Vec<Level>, bids: Vec<Level>, sequence: u64 },
    /// The snapshot store loses its snapshot (a fault).
    Forget { market: Code },
    /// A match, for the public.
    PublicTrade(Arc<Trade>),
    /// An order changed, for its owner.
    Order(Box<Order>),
    /// A match, for the owner of one of its halves.
    OwnTrade { trade: Arc<Trade>, account: AccountId, order_id: u64 },
    /// A balance changed, for its owner.
    Balance {
        account: AccountId,
        currency: Code,
        /// Digits after the point that the currency has.
        precision: u32,
        balance: Balance,
        at_ms: i64,
    },
}

/// A new total at one price of one side.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Increment {
    pub(crate) market: Code,
    pub(crate) side: Side,
    pub(crate) price: Decimal,
    /// `None` if the level is removed.
    pub(crate) total: Option<Decimal>,
    pub(crate) sequence: u64,
    /// Whether it is not sent to the subscribed sockets (a fault). It is stored in any case.
    pub(crate) lost: bool,
}

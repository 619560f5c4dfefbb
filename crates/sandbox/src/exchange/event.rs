//! What the exchange tells the websocket, in order. How it looks on the wire is not its business.

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

/// One thing that happened.
#[derive(Debug, Clone)]
pub(crate) enum Event {
    /// A level of the book has a new total.
    Increment(Increment),
    /// The whole book, for the snapshot store (never sent to live sockets).
    Snapshot { market: Code, asks: Vec<Level>, bids: Vec<Level>, sequence: u64 },
    /// The snapshot store lost what it had (a fault).
    Forget { market: Code },
    /// A match, for everybody.
    PublicTrade(Arc<Trade>),
    /// An own order changed.
    Order(Box<Order>),
    /// A match, for the owner of one of its halves.
    OwnTrade { trade: Arc<Trade>, account: AccountId, order_id: u64 },
    /// An own balance changed.
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
    /// None where the level is gone.
    pub(crate) total: Option<Decimal>,
    pub(crate) sequence: u64,
    /// Whether it gets lost on the way to the live sockets (a fault). The store has it.
    pub(crate) lost: bool,
}

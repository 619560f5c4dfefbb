//! What the engine tells the websocket, in order. Rendering to text happens outside of the engine.

use std::sync::Arc;

use rust_decimal::Decimal;

use super::book::Level;
use super::order::{Order, Side};
use super::trade::Trade;
use crate::ledger::Balance;
use crate::markets::Market;

/// One thing that happened.
#[derive(Debug, Clone)]
pub(crate) enum Event {
    /// A level of the book has a new total.
    Increment(Increment),
    /// The whole book, for the snapshot store (never sent to live sockets).
    Snapshot { market: &'static Market, asks: Vec<Level>, bids: Vec<Level>, sequence: u64 },
    /// The snapshot store lost what it had (a fault).
    Forget { market: &'static Market },
    /// A match, for everybody.
    PublicTrade(Arc<Trade>),
    /// An own order changed.
    Order(Box<Order>),
    /// A match, for the owner of one of its halves.
    OwnTrade { trade: Arc<Trade>, account: usize, order_id: u64 },
    /// An own balance changed.
    Balance { account: usize, currency: &'static str, balance: Balance, at_ms: i64 },
}

/// A new total at one price of one side.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Increment {
    pub(crate) market: &'static Market,
    pub(crate) side: Side,
    pub(crate) price: Decimal,
    /// None where the level is gone.
    pub(crate) total: Option<Decimal>,
    pub(crate) sequence: u64,
    /// Whether it gets lost on the way to the live sockets (a fault). The store has it.
    pub(crate) lost: bool,
}

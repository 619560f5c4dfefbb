#![doc = include_str!("../README.md")]

mod chaos;
mod events;
mod exchange;
mod fault;
mod journal;
mod line;
mod network;
mod peer;
mod witness;

pub use chaos::{Chaos, Kind, Traffic};
pub use events::{OrderEvent, TradeEvent};
pub use exchange::{Exchange, Happened, TrueBook};
pub use fault::{Direction, Fault, Frames, Opening};
pub use journal::Record;
pub use line::Wire;
pub use network::Network;
pub use peer::Peer;
pub use witness::{Missed, Witness};

#![doc = include_str!("../README.md")]

mod book;
mod keeper;
mod live;

pub use book::{LiveBook, WaitError};
pub use capecrypto_orderbook::{Best, BookSide, KnownDepth, NotLive, State};
pub use live::{Builder, Live, NotSubscribed};

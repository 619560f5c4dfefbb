#![doc = include_str!("../README.md")]

mod book;
mod deadlines;
mod error;
mod keeper;
mod live;
mod registry;
mod shared;
mod top;

pub use book::LiveBook;
pub use capecrypto_orderbook::{Best, Book, BookSide, KnownDepth, LostSync, State};
pub use capecrypto_stream::Topic;
pub use error::{NotLive, NotSubscribed, WaitError, Why};
pub use live::{Builder, Live};
pub use top::Top;

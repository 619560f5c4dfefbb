#![doc = include_str!("../README.md")]

mod client;
mod connect;
mod error;
mod event;
mod frame;
mod heard;
mod queue;
mod reconnect;
mod session;
#[cfg(test)]
mod tests;
mod topic;

pub use client::{Builder, Stream, Tap};
#[cfg(feature = "rest")]
pub use connect::STREAM;
pub use connect::{Connect, ConnectError, Connection, Handshake, Io};
pub use error::{Error, Kind};
pub use event::{Event, Interruption};
pub use session::Config;
pub use topic::Topic;

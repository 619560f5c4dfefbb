#![doc = include_str!("../README.md")]

mod builder;
mod client;
mod connect;
mod error;
mod event;
mod frame;
mod heard;
mod open;
mod queue;
mod reconcile;
mod reconnect;
mod session;
mod tap;
mod task;
#[cfg(test)]
mod tests;
mod topic;

pub use builder::Builder;
pub use client::Stream;
#[cfg(feature = "rest")]
pub use connect::STREAM;
pub use connect::{Connect, ConnectError, Connection, Handshake, Io};
pub use error::{Error, Kind};
pub use event::{Event, Interruption};
pub use reconcile::{Missed, Reconciler};
pub use session::Config;
pub use tap::{Context, Tap};
pub use topic::Topic;

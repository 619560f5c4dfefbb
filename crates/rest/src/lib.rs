#![doc = include_str!("../README.md")]

mod client;
mod config;
mod endpoint;
mod error;
mod limit;
mod mask;
mod motion;
mod page;
mod prepare;
mod raw;
mod response;
mod retry;
mod runtime;
mod tls;
mod transport;
mod upgrade;
mod words;

pub use client::{Client, Reply};
pub use config::{Builder, Rate, Timeouts};
pub use endpoint::{Call, Endpoint, InvalidArgument, Mismatch, Objection};
pub use error::{Error, Kind, Outcome};
pub use page::{Items, Page, Paged, Pages};
pub use prepare::{INSTANT_FROM, INSTANT_TO, Prepared};
pub use raw::{RawReply, RawRequest};
pub use response::{DecodeError, Entries, FromResponse, Head, UnreadableRow, without_bom};
pub use upgrade::{Upgrade, Upgraded};

/// What the macros need of other crates.
#[doc(hidden)]
pub mod __private {
    pub use capecrypto_auth::{Environment, Service};
}

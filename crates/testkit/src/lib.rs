#![doc = include_str!("../README.md")]
#![allow(clippy::panic, reason = "its functions fail tests by panicking")]

mod canon;
mod cases;
mod exact;
mod finding;
mod fixtures;
pub mod probe;
pub mod schema;
mod spec;
mod streams;

pub use finding::{Fault, Finding, assert_no_findings};
pub use fixtures::{Fixture, Fixtures};
pub use probe::{Covered, Sent};
pub use schema::Only;
pub use spec::{Answer, Channel, Operation, Parameter, Place, SPEC_FILE, Spec, Webhook};
pub use streams::{Body, Connection, Message, STREAMS_FILE, Server, Stream, Streams, Values};

#![doc = include_str!("../README.md")]
#![allow(clippy::panic, reason = "it fails tests; that is its job")]

mod canon;
mod cases;
mod complaint;
mod exact;
mod fixtures;
pub mod probe;
pub mod schema;
mod spec;

pub use complaint::{Complaint, Fault, assert_no_complaints};
pub use fixtures::{Fixture, Fixtures};
pub use probe::{Covered, Sent};
pub use spec::{Answer, Channel, Operation, Parameter, Place, SPEC_FILE, Spec};

//! Tests through the public API.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::string_slice, clippy::as_conversions, clippy::print_stdout)]

mod budget;
mod differential;
mod documents;
mod exchange;
mod faults;
mod figures;
mod forms;
mod hostile;
mod model;
mod operations;
mod repair;
mod support;
mod synchroniser;
mod values;

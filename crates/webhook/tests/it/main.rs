#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::indexing_slicing,
    clippy::string_slice,
    missing_docs,
    reason = "tests"
)]

mod axum;
mod bodies;
mod common;
mod durable;
mod exchange;
mod inbox;
mod keys;
mod kills;
mod mutants;
mod others;
mod places;
mod queue_store;
mod queues;
mod receiver;
mod reconcile;
mod samples;
mod secrets;
mod shop;
mod stores;
mod verifying;
mod worker;

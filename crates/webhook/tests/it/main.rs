#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    missing_docs,
    reason = "tests"
)]

mod bodies;
mod inbox;
mod keys;
mod mutants;
mod samples;
mod secrets;
mod stores;
mod verifying;

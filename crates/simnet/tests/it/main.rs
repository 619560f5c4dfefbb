//! Streams and live books over the simulated network.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests"
)]

mod burst;
mod chaos;
mod faults;
mod oracle;
mod seeds;
mod topics;
mod watched;

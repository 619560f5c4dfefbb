#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests"
)]

mod beneficiaries;
mod decimals;
mod deposits;
mod ids;
mod json_paths;
mod lightning;
mod market_data;
mod money;
mod orders;
mod rounding;
mod sensitive;
mod times;
mod webhook_events;

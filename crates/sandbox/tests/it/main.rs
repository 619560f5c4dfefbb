//! The sandbox from outside, over real loopback sockets, as a client uses it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

mod account_values;
mod auth;
mod beneficiaries;
mod bursts;
mod cabital;
mod client;
mod customers;
mod deposits;
mod described;
mod documents;
mod faults;
mod feed;
mod funds;
mod growth;
mod hostile;
mod legacy;
mod lightning;
mod lists;
mod onboarding;
mod orders;
mod pace;
mod payments;
mod program;
mod public;
mod stream;
mod sub_accounts;
mod tools;
mod transactions;
mod vouchers;
mod web;
mod webhooks;
mod withdrawals;

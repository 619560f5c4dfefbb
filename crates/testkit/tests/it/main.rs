//! The probe must be able to fail: these tests cause each kind of finding at least once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value
)]

mod answers;
mod calls;
mod cape;
mod events;
mod requests;
mod responses;
mod streams;
mod toy;
mod webhooks;

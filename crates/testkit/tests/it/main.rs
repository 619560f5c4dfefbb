//! The probe must be able to fail: each kind of finding is provoked here, once at least.
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
mod toy;

//! Live books against the sandbox and its faults.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests"
)]

mod books;
mod connection;
mod scripted;

use std::time::Duration;

/// Waits for at most ten seconds, which is more than any machine needs.
async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(10), what).await.expect("it did not come within ten seconds")
}

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests"
)]

mod faults;
mod handshake;
mod hostile;
mod sandbox;
mod simulated;
mod taps;

use capecrypto_stream::{Event, Stream};
use std::time::Duration;

/// Reads events until the wanted one comes, for at most ten seconds.
async fn wait_for<T>(stream: &Stream, mut wanted: impl FnMut(Event) -> Option<T>) -> T {
    let search = async {
        loop {
            let event = stream.next().await.expect("the stream ended");
            if let Some(found) = wanted(event) {
                return found;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(10), search)
        .await
        .expect("the wanted event did not come within ten seconds")
}

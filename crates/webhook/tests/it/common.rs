//! What the tests of stores begin with.

use capecrypto_models::Timestamp;
use capecrypto_webhook::{Inbox, Store, Taken, Verified, Verifier, Work, testing};

pub(crate) const HOUR: i64 = 3_600_000;
pub(crate) const LEASE: i64 = 300_000;

/// The time of the samples, and milliseconds later.
pub(crate) fn at(later: i64) -> Timestamp {
    let start: Timestamp = "2025-01-17T10:30:00Z".parse().unwrap();
    Timestamp::from_unix_millis(start.as_unix_millis() + later).unwrap()
}

pub(crate) fn verified(sample: &testing::Sample) -> Verified {
    Verifier::unauthenticated().verify_values([], sample.body().as_bytes()).unwrap()
}

/// Takes a delivery that is to be handled.
pub(crate) async fn handle<'a, S: Store>(
    inbox: &'a Inbox<S>,
    delivery: &Verified,
    now: Timestamp,
) -> Work<'a, S> {
    match inbox.take(delivery, now).await.unwrap() {
        Taken::Run(work) => work,
        other => panic!("not to be handled: {}", other.status()),
    }
}

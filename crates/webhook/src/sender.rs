//! Who sends deliveries.

use crate::{Event, HEADER, Rejection, Verified, Verifier};
use capecrypto_models::{Timestamp, WebhookEvent};
use http::{HeaderMap, HeaderValue};
use std::fmt;

/// Who sends deliveries: how it proves that, and what its events say.
///
/// The exchange's is the [`Verifier`]. With one of your own, or that of another crate, the same receivers, workers, inboxes and
/// stores serve another sender. Use a store (or a schema or prefix in it) for each sender whose events a
/// [`Worker`](crate::Worker) handles, because a worker reads events of one kind only.
pub trait Sender: Send + Sync + 'static {
    /// What its deliveries say.
    type Event: Event;

    /// The methods that its deliveries have, in capital letters. A receiver that knows the method refuses any other with 405.
    const METHODS: &'static [&'static str] = &["POST"];

    /// Checks who sent a delivery, and reads its event. It must not block.
    ///
    /// # Errors
    /// Why it is refused. For reasons of its own, a sender has [`Rejection::Other`].
    fn check(&self, delivery: &Delivery<'_>, now: Timestamp) -> Result<Verified<Self::Event>, Rejection>;
}

/// A request that may be a delivery, as it came. `Debug` leaves out the body and the values of the headers.
#[derive(Clone, Copy)]
pub struct Delivery<'a> {
    /// The method, in capital letters.
    pub method: &'a str,
    /// The path with its query, as the sender called it.
    pub path: &'a str,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// The bytes of the body: not decompressed, and not parsed and written again.
    pub body: &'a [u8],
}

impl fmt::Debug for Delivery<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.body.len();
        f.debug_struct("Delivery")
            .field("method", &self.method)
            .field("bytes", &bytes)
            .finish_non_exhaustive()
    }
}

/// The signature covers the body alone, so method and path do not count here.
impl Sender for Verifier {
    type Event = WebhookEvent;

    fn check(&self, delivery: &Delivery<'_>, _: Timestamp) -> Result<Verified, Rejection> {
        self.verify_values(delivery.headers.get_all(HEADER).iter().map(HeaderValue::as_bytes), delivery.body)
    }
}

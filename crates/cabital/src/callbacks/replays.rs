//! Nonces of deliveries, for as long as a delivery is taken.

use capecrypto_models::Timestamp;
use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// How long a delivery is taken after the time that it is signed with: the last repetition comes 24 hours after the first.
pub(crate) const KEPT: Duration = Duration::from_secs(48 * 3_600);
/// Most nonces that are remembered; then the oldest are forgotten first.
const MOST: usize = 200_000;

/// The nonces of the last 48 hours. Clones of a [`Verifier`](super::Verifier) share them; after a restart they are unknown, and then the
/// inbox alone knows what was handled.
#[derive(Default)]
pub(crate) struct Replays(Mutex<Known>);

#[derive(Default)]
struct Known {
    /// Nonce, and the digest of what came with it.
    digests: HashMap<Box<str>, [u8; 32]>,
    /// In the order in which they came.
    order: VecDeque<(Timestamp, Box<str>)>,
}

impl Replays {
    /// Notes a nonce with the digest of what came with it. Answers whether it fits: it did not come before, or with the same bytes, as
    /// a delivery that is sent again does. The inbox knows whether that one was handled.
    pub(crate) fn fits(&self, nonce: &str, digest: [u8; 32], now: Timestamp) -> bool {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let oldest = now.checked_sub(KEPT).unwrap_or(now);
        while let Some((at, _)) = known.order.front()
            && (*at < oldest || known.order.len() >= MOST)
        {
            if let Some((_, old)) = known.order.pop_front() {
                known.digests.remove(&old);
            }
        }
        if let Some(before) = known.digests.get(nonce) {
            return *before == digest;
        }
        known.digests.insert(nonce.into(), digest);
        known.order.push_back((now, nonce.into()));
        true
    }
}

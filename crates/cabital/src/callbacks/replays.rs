//! Nonces of deliveries, for as long as a delivery is taken.

use capecrypto_models::Timestamp;
use std::{
    collections::{HashMap, VecDeque},
    fmt,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// How long a delivery is taken after the time that it is signed with: the last repetition comes 24 hours after the first.
pub(crate) const KEPT: Duration = Duration::from_secs(48 * 3_600);
/// Most nonces that are remembered; then the oldest are forgotten first.
const MOST: usize = 200_000;

/// Whether a nonce came before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// It did not.
    New,
    /// It did, with the same bytes: a delivery that is sent again, or that somebody repeats. The inbox knows whether it was handled.
    Again,
    /// It did, with other bytes. Cabital never does this.
    Reused,
}

/// The nonces of the last 48 hours. Clones of a [`Verifier`](super::Verifier) share them; after a restart they are unknown, and then the
/// inbox alone knows what was handled.
#[derive(Default)]
pub struct Replays(Mutex<Known>);

#[derive(Default)]
struct Known {
    /// Nonce, and the digest of what came with it.
    digests: HashMap<Box<str>, [u8; 32]>,
    /// In the order in which they came.
    order: VecDeque<(Timestamp, Box<str>)>,
}

impl Replays {
    /// Without any nonce.
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes a nonce with the digest of what came with it, and tells whether it came before.
    pub fn note(&self, nonce: &str, digest: [u8; 32], now: Timestamp) -> Seen {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let oldest = now.checked_sub(KEPT).unwrap_or(now);
        while let Some((at, _)) = known.order.front()
            && (*at < oldest || known.order.len() >= MOST)
        {
            if let Some((_, old)) = known.order.pop_front() {
                known.digests.remove(&old);
            }
        }
        match known.digests.get(nonce) {
            Some(before) if *before == digest => Seen::Again,
            Some(_) => Seen::Reused,
            None => {
                known.digests.insert(nonce.into(), digest);
                known.order.push_back((now, nonce.into()));
                Seen::New
            }
        }
    }
}

impl fmt::Debug for Replays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Replays")
    }
}

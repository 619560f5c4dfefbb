//! Nonces: Unix milliseconds that never repeat.

use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, LazyLock, Mutex, PoisonError, Weak},
};

/// How far nonces may run ahead of the exchange's time. Its window is 5 s; what is left is for the way there.
const LONGEST_LEAD_MS: u64 = 2_000;
/// Runs of nonces that are remembered, the newest.
const MOST_RUNS: usize = 100_000;

/// Gives out the nonces of one key: `max(now, last + 1)`.
///
/// They rise strictly, but for the one case that [`rewind`](Self::rewind) is for; and even then none is given out a
/// second time, as far as the last 100,000 runs of neighbours reach.
#[derive(Debug, Default)]
pub struct NonceSource {
    given: Mutex<Given>,
}

#[derive(Debug, Default)]
struct Given {
    /// The last one since the last rewind.
    last: Option<u64>,
    /// The highest one ever.
    highest: u64,
    /// Runs of neighbours that were given out: first to last.
    runs: BTreeMap<u64, u64>,
}

/// No nonce can be given out at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NonceError {
    /// Too many were given out within a short time, or the clock was set back. Time catches up with it.
    #[error(
        "nonces run {ahead_ms} ms ahead of the exchange's time, more than it accepts; send fewer than 1,000 requests a second for one key"
    )]
    TooFarAhead {
        /// How far the next nonce would lie ahead, in milliseconds.
        ahead_ms: u64,
    },
    /// The clock stands at the end of what a nonce can hold.
    #[error("the clock is at the end of time, so there is no next nonce; set the clock right")]
    EndOfTime,
}

/// The sources of the keys in use, by the digest of the key.
static BY_KEY: LazyLock<Mutex<HashMap<[u8; 32], Weak<NonceSource>>>> = LazyLock::new(Mutex::default);

impl NonceSource {
    /// A source that has given out nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// The source of an API key: the same one for everybody in this process who uses the key, so that two clients never
    /// sign with the same nonce.
    pub fn of_key(key: &str) -> Arc<Self> {
        let digest: [u8; 32] = Sha256::digest(key.as_bytes()).into();
        let mut by_key = BY_KEY.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(source) = by_key.get(&digest).and_then(Weak::upgrade) {
            return source;
        }
        by_key.retain(|_, source| source.strong_count() > 0);
        let source = Arc::new(Self::new());
        by_key.insert(digest, Arc::downgrade(&source));
        source
    }

    /// The next nonce at this time (the exchange's, in Unix milliseconds).
    ///
    /// # Errors
    /// [`NonceError`] where it would lie more than 2 s ahead, or past the largest number; then none is used up.
    pub fn next(&self, now_ms: u64) -> Result<u64, NonceError> {
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        let after = |nonce: u64| nonce.checked_add(1).ok_or(NonceError::EndOfTime);
        let mut next = match given.last {
            Some(last) => now_ms.max(after(last)?),
            None => now_ms,
        };
        // Only after a rewind can time come to where nonces were given out before.
        while next <= given.highest
            && let Some((_, last)) = given.runs.range(..=next).next_back()
            && *last >= next
        {
            next = after(*last)?;
        }
        let ahead_ms = next - now_ms;
        if ahead_ms > LONGEST_LEAD_MS {
            return Err(NonceError::TooFarAhead { ahead_ms });
        }
        given.remember(next);
        Ok(next)
    }

    /// The clock was found to be ahead and was set back: later nonces may be smaller than earlier ones.
    pub fn rewind(&self) {
        self.given.lock().unwrap_or_else(PoisonError::into_inner).last = None;
    }
}

impl Given {
    fn remember(&mut self, nonce: u64) {
        self.last = Some(nonce);
        self.highest = self.highest.max(nonce);
        match self.runs.range_mut(..nonce).next_back() {
            Some((_, last)) if last.checked_add(1) == Some(nonce) => *last = nonce,
            _ => {
                self.runs.insert(nonce, nonce);
            }
        }
        if self.runs.len() > MOST_RUNS {
            self.runs.pop_first();
        }
    }
}

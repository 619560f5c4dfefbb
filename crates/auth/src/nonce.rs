//! Nonces: Unix milliseconds that never repeat.

use sha2::{Digest, Sha256};
use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, LazyLock, Mutex, PoisonError, Weak},
};

/// How far nonces may be ahead of the exchange's time. It accepts 5 s; the difference is left for the network.
const LONGEST_LEAD_MS: u64 = 2_000;
/// Number of runs of nonces that are remembered. When there are more, the run with the smallest nonces is forgotten.
const MOST_RUNS: usize = 100_000;

/// Gives out the nonces of one key: `max(now, last + 1)`.
///
/// Nonces strictly rise, except after a [`rewind`](Self::rewind). Even then no nonce is given out twice, as long as it is
/// in one of the 100,000 remembered runs of consecutive nonces.
#[derive(Debug, Default)]
pub struct NonceSource {
    given: Mutex<Given>,
}

#[derive(Debug, Default)]
struct Given {
    /// The last nonce since the last rewind.
    last: Option<u64>,
    /// The highest nonce ever given out.
    highest: u64,
    /// Runs of consecutive nonces that were given out: the first and the last of each. Smaller ones come first.
    runs: VecDeque<(u64, u64)>,
}

/// No nonce can be given out at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NonceError {
    /// Too many nonces were given out within a short time, or the clock was set back. Waiting helps.
    #[error(
        "nonces run {ahead_ms} ms ahead of the exchange's time, more than it accepts; send fewer than 1,000 requests a second for one key"
    )]
    TooFarAhead {
        /// How far ahead the next nonce would be, in milliseconds.
        ahead_ms: u64,
    },
    /// The clock shows the largest number that a nonce can hold.
    #[error("the clock shows the largest possible time, so there is no next nonce; set the clock right")]
    EndOfTime,
}

/// The sources of the keys in use, by the digest of the key.
static BY_KEY: LazyLock<Mutex<HashMap<[u8; 32], Weak<NonceSource>>>> = LazyLock::new(Mutex::default);

impl NonceSource {
    /// A source that has not given out any nonce.
    pub fn new() -> Self {
        Self::default()
    }

    /// The source of an API key. All users of the key in this process share it, so that two clients never sign with the
    /// same nonce.
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
    /// [`NonceError`] if the nonce would be more than 2 s ahead, or above the largest number. Then no nonce is used up.
    pub fn next(&self, now_ms: u64) -> Result<u64, NonceError> {
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        let after = |nonce: u64| nonce.checked_add(1).ok_or(NonceError::EndOfTime);
        let mut next = match given.last {
            Some(last) => now_ms.max(after(last)?),
            None => now_ms,
        };
        // After a rewind, the time may reach nonces that were given out before: skip their runs.
        while next <= given.highest
            && let Some(last) = given.last_of_run_before(next)
            && last >= next
        {
            next = after(last)?;
        }
        let ahead_ms = next - now_ms;
        if ahead_ms > LONGEST_LEAD_MS {
            return Err(NonceError::TooFarAhead { ahead_ms });
        }
        given.remember(next);
        Ok(next)
    }

    /// Lets later nonces be smaller than earlier ones. Call it when the clock was ahead and was set back.
    pub fn rewind(&self) {
        self.given.lock().unwrap_or_else(PoisonError::into_inner).last = None;
    }
}

impl Given {
    /// Number of runs that begin with this nonce or a smaller one.
    fn begun_by(&self, nonce: u64) -> usize {
        self.runs.partition_point(|(first, _)| *first <= nonce)
    }

    /// The last nonce of the run that begins with this nonce, or with the next smaller one.
    fn last_of_run_before(&self, nonce: u64) -> Option<u64> {
        let place = self.begun_by(nonce).checked_sub(1)?;
        self.runs.get(place).map(|(_, last)| *last)
    }

    fn remember(&mut self, nonce: u64) {
        self.last = Some(nonce);
        self.highest = self.highest.max(nonce);
        let place = self.begun_by(nonce);
        match place.checked_sub(1).and_then(|before| self.runs.get_mut(before)) {
            Some((_, last)) if last.checked_add(1) == Some(nonce) => *last = nonce,
            _ => self.runs.insert(place, (nonce, nonce)),
        }
        if self.runs.len() > MOST_RUNS {
            self.runs.pop_front();
        }
    }
}

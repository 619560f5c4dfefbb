//! Nonces: Unix milliseconds that never repeat.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
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
#[error(
    "nonces run {ahead_ms} ms ahead of the exchange's time, more than it accepts; send fewer than 1,000 requests a second for one key"
)]
pub struct NonceError {
    /// How far the next nonce would lie ahead.
    pub ahead_ms: u64,
}

impl NonceSource {
    /// A source that has given out nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// The next nonce at this time (the exchange's, in Unix milliseconds).
    ///
    /// # Errors
    /// [`NonceError`] where it would lie more than 2 s ahead; then none is used up.
    pub fn next(&self, now_ms: u64) -> Result<u64, NonceError> {
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = now_ms.max(given.last.map_or(0, |last| last.saturating_add(1)));
        // Only after a rewind can time come to where nonces were given out before.
        while next <= given.highest
            && let Some((_, last)) = given.runs.range(..=next).next_back()
            && *last >= next
        {
            next = last.saturating_add(1);
        }
        let ahead_ms = next - now_ms;
        if ahead_ms > LONGEST_LEAD_MS {
            return Err(NonceError { ahead_ms });
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

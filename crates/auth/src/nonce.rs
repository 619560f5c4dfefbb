//! Nonces: Unix milliseconds that never repeat.

use std::sync::{Mutex, PoisonError};

/// How far nonces may run ahead of the exchange's time. Its window is 5 s; what is left is for the way there.
const LONGEST_LEAD_MS: u64 = 2_000;

/// Gives out the nonces of one key: `max(now, last + 1)`.
///
/// No value is given out twice. They rise strictly, but for the one case that [`rewind`](Self::rewind) is for.
#[derive(Debug, Default)]
pub struct NonceSource {
    given: Mutex<Given>,
}

#[derive(Debug, Default)]
struct Given {
    /// First and last of those since the last rewind.
    recent: Option<(u64, u64)>,
    /// First and last of those before it: not to be given out again when time gets there.
    burnt: Option<(u64, u64)>,
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
        let mut next = now_ms.max(given.recent.map_or(0, |(_, last)| last.saturating_add(1)));
        if let Some((first, last)) = given.burnt
            && (first..=last).contains(&next)
        {
            next = last.saturating_add(1);
        }
        let ahead_ms = next - now_ms;
        if ahead_ms > LONGEST_LEAD_MS {
            return Err(NonceError { ahead_ms });
        }
        given.recent = Some((given.recent.map_or(next, |(first, _)| first), next));
        Ok(next)
    }

    /// The clock was found to be ahead and was set back to this time: later nonces may be smaller than earlier
    /// ones, though still none is given out twice.
    pub fn rewind(&self, now_ms: u64) {
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((first, last)) = given.recent.filter(|(_, last)| *last > now_ms) {
            let (low, high) = given.burnt.unwrap_or((first, last));
            given.burnt = Some((low.min(first), high.max(last)));
            given.recent = None;
        }
    }
}

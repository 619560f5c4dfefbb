//! Timers on the exchange's clock.

use std::collections::BTreeMap;

/// Work that waits for its time. Timers with the same time fire in the order in which they were set.
#[derive(Debug)]
pub(crate) struct Timers<T> {
    waiting: BTreeMap<(i64, u64), T>,
    last: u64,
}

impl<T> Default for Timers<T> {
    fn default() -> Self {
        Self { waiting: BTreeMap::new(), last: 0 }
    }
}

impl<T> Timers<T> {
    /// Sets a timer.
    pub(crate) fn set(&mut self, at_ms: i64, work: T) {
        self.last += 1;
        self.waiting.insert((at_ms, self.last), work);
    }

    /// When the next one is due.
    pub(crate) fn next_at(&self) -> Option<i64> {
        self.waiting.first_key_value().map(|(&(at_ms, _), _)| at_ms)
    }

    /// Removes the next timer that is due at `now_ms`, and gives it with its time.
    pub(crate) fn take_due(&mut self, now_ms: i64) -> Option<(i64, T)> {
        let first = self.waiting.first_entry().filter(|entry| entry.key().0 <= now_ms)?;
        let at_ms = first.key().0;
        Some((at_ms, first.remove()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_fire_in_the_order_of_their_times_and_then_of_their_setting() {
        let mut timers = Timers::default();
        for (at_ms, work) in [(20, "c"), (10, "a"), (20, "d"), (10, "b"), (31, "late")] {
            timers.set(at_ms, work);
        }
        assert_eq!(timers.next_at(), Some(10));
        let fired: Vec<_> = std::iter::from_fn(|| timers.take_due(30)).collect();
        assert_eq!(fired, [(10, "a"), (10, "b"), (20, "c"), (20, "d")]);
        assert_eq!(timers.next_at(), Some(31));
    }
}

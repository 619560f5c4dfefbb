//! Tells of something that happens often, and not each time.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// How often something is told at most.
const EVERY: Duration = Duration::from_secs(60);

/// Counts something that is told at once the first time, and then at most once a minute, with how often it happened.
#[derive(Debug, Default)]
pub(crate) struct Throttle(Mutex<Counted>);

#[derive(Debug, Default)]
struct Counted {
    told: Option<Instant>,
    /// Since it was told.
    count: u64,
    /// It was told, and not yet that it is over.
    lasts: bool,
}

impl Throttle {
    /// Counts once more. If it is time to tell, answers how often it happened since the last time.
    pub(crate) fn count(&self) -> Option<u64> {
        let mut counted = self.lock();
        counted.count = counted.count.saturating_add(1);
        let now = Instant::now();
        if counted.told.is_some_and(|told| now.saturating_duration_since(told) < EVERY) {
            return None;
        }
        counted.told = Some(now);
        counted.lasts = true;
        Some(std::mem::take(&mut counted.count))
    }

    /// It is over. Answers how often it happened since it was told last, if it was told and its end was not.
    pub(crate) fn over(&self) -> Option<u64> {
        let mut counted = self.lock();
        if !std::mem::take(&mut counted.lasts) {
            return None;
        }
        Some(std::mem::take(&mut counted.count))
    }

    fn lock(&self) -> MutexGuard<'_, Counted> {
        // No code that can panic runs under the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_is_told_at_once_and_then_once_a_minute_with_a_count() {
        let throttle = Throttle::default();
        assert_eq!(throttle.over(), None);
        assert_eq!(throttle.count(), Some(1));
        for _ in 0..59 {
            tokio::time::advance(Duration::from_secs(1)).await;
            assert_eq!(throttle.count(), None);
        }
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(throttle.count(), Some(60));
        assert_eq!((throttle.count(), throttle.over(), throttle.over()), (None, Some(1), None));
        // It comes and goes: still once a minute.
        assert_eq!((throttle.count(), throttle.over()), (None, None));
    }
}

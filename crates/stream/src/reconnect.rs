//! How long to wait before the next try.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(250);
const BASE: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(30);
/// A connection that lived this long was a good one.
pub(crate) const HEALTHY: Duration = Duration::from_secs(60);

/// Waits between tries: random, growing, capped, without end. From the second on at least half of the wait is kept, so
/// that even the unluckiest sees no more than thirty tries in five minutes.
#[derive(Debug)]
pub(crate) struct Backoff {
    failures: u32,
    random: fastrand::Rng,
}

impl Backoff {
    pub(crate) fn new(seed: u64) -> Self {
        Self { failures: 0, random: fastrand::Rng::with_seed(seed) }
    }

    /// The wait after a failed try, or after a connection that lived for some time.
    pub(crate) fn next(&mut self, lived: Option<Duration>) -> Duration {
        if lived.is_some_and(|lived| lived >= HEALTHY) {
            self.failures = 0;
        }
        let (shortest, longest) = match self.failures {
            0 => (Duration::ZERO, FIRST),
            failures => {
                let longest = BASE.saturating_mul(2_u32.saturating_pow(failures - 1)).min(LONGEST);
                (longest / 2, longest)
            }
        };
        self.failures = self.failures.saturating_add(1);
        shortest + (longest - shortest) * self.random.u32(0..=1_000) / 1_000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_of_five_minutes_sees_thirty_tries_at_most() {
        let tries = |seed| {
            let mut backoff = Backoff::new(seed);
            let mut now = Duration::ZERO;
            let mut tries = 0;
            while now < Duration::from_secs(300) {
                now += backoff.next(None);
                tries += 1;
            }
            tries
        };
        for seed in 0..1_000 {
            assert!((10..=30).contains(&tries(seed)), "seed {seed}: {}", tries(seed));
        }
    }

    #[test]
    fn only_a_healthy_minute_starts_over() {
        let mut backoff = Backoff::new(1);
        for _ in 0..20 {
            backoff.next(Some(Duration::from_secs(59)));
        }
        assert_eq!(backoff.failures, 20);
        assert!(backoff.next(Some(Duration::from_secs(60))) <= FIRST);
        assert_eq!(backoff.failures, 1);
    }
}

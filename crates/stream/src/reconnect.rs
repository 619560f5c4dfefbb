//! How long to wait before the next try.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(250);
const BASE: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(30);
/// After a connection on which the server answered, the wait is that after so many failures at most: 2 to 4 s.
const EARNED: u32 = 4;
/// A connection that lived this long was a good one.
pub(crate) const HEALTHY: Duration = Duration::from_secs(60);

/// Waits between tries: random, growing up to a limit, as often as needed. From the second wait on at least half of it is
/// fixed, so that there are at most thirty tries in five minutes.
#[derive(Debug)]
pub(crate) struct Backoff {
    failures: u32,
    random: fastrand::Rng,
}

impl Backoff {
    pub(crate) fn new(seed: u64) -> Self {
        Self { failures: 0, random: fastrand::Rng::with_seed(seed) }
    }

    /// The wait after a failed try, or after a connection: how long it lived, and whether the server answered on it.
    pub(crate) fn next(&mut self, lived: Option<(Duration, bool)>) -> Duration {
        match lived {
            Some((lived, _)) if lived >= HEALTHY => self.failures = 0,
            // The server is there: long waits would only lose more.
            Some((_, true)) => self.failures = self.failures.min(EARNED),
            Some((_, false)) | None => {}
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
    fn a_server_that_answered_is_not_waited_for_long() {
        for seed in 0..100 {
            let mut backoff = Backoff::new(seed);
            for _ in 0..20 {
                backoff.next(None);
            }
            let wait = backoff.next(Some((Duration::from_secs(5), true)));
            assert!(wait <= Duration::from_secs(4), "seed {seed}: {wait:?}");
        }
    }

    #[test]
    fn only_a_healthy_minute_starts_over() {
        let mut backoff = Backoff::new(1);
        for _ in 0..20 {
            backoff.next(Some((Duration::from_secs(59), false)));
        }
        assert_eq!(backoff.failures, 20);
        assert!(backoff.next(Some((Duration::from_secs(60), true))) <= FIRST);
        assert_eq!(backoff.failures, 1);
    }
}

//! Our own rate limit: requests leave evenly, so that the exchange never has to say no.

use crate::Rate;
use std::time::Duration;
use tokio::{
    sync::Mutex,
    time::{Instant, sleep_until},
};

/// Lets requests leave in the order of asking (generic cell rate algorithm). A request that is given up while it
/// waits takes nobody's turn.
#[derive(Debug)]
pub(crate) struct Limiter {
    interval: Duration,
    burst: Duration,
    /// When the next request would leave if there were no burst. Whoever waits for it holds the lock; the lock is fair.
    next: Mutex<Option<Instant>>,
}

impl Limiter {
    pub(crate) fn new(rate: Rate) -> Self {
        let interval = Duration::from_secs(1) / rate.per_second.get();
        Self { interval, burst: interval * (rate.burst.get() - 1), next: Mutex::new(None) }
    }

    /// Waits for this request's turn.
    pub(crate) async fn acquire(&self) {
        let mut next = self.next.lock().await;
        let now = Instant::now();
        let slot = next.unwrap_or(now).max(now);
        if let Some(leave) = slot.checked_sub(self.burst).filter(|leave| *leave > now) {
            sleep_until(leave).await;
        }
        *next = Some(slot + self.interval);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{num::NonZeroU32, sync::Arc};

    #[tokio::test(start_paused = true)]
    async fn a_burst_of_5_000_leaves_at_15_a_second_and_in_order() {
        let rate = Rate { per_second: NonZeroU32::new(15).unwrap(), burst: NonZeroU32::new(30).unwrap() };
        let limiter = Arc::new(Limiter::new(rate));
        let start = Instant::now();
        let mut waits = Vec::new();
        let tasks: Vec<_> = (0..5_000)
            .map(|_| {
                let limiter = limiter.clone();
                tokio::spawn(async move {
                    limiter.acquire().await;
                    start.elapsed()
                })
            })
            .collect();
        for task in tasks {
            waits.push(task.await.unwrap());
        }
        assert!(waits.is_sorted());
        assert_eq!(waits.iter().filter(|wait| wait.is_zero()).count(), 30, "the burst leaves at once");
        for (number, wait) in waits.iter().enumerate() {
            let due = Duration::from_secs(1) / 15 * u32::try_from(number.saturating_sub(29)).unwrap();
            assert!(
                *wait >= due && *wait <= due + Duration::from_millis(5),
                "{number}: {wait:?}, due {due:?}"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_is_given_up_takes_nobodys_turn() {
        let rate = Rate { per_second: NonZeroU32::new(10).unwrap(), burst: NonZeroU32::new(1).unwrap() };
        let limiter = Limiter::new(rate);
        limiter.acquire().await;
        for _ in 0..50 {
            assert!(tokio::time::timeout(Duration::from_millis(1), limiter.acquire()).await.is_err());
        }
        let start = Instant::now();
        limiter.acquire().await;
        assert!(start.elapsed() <= Duration::from_millis(100), "{:?}", start.elapsed());
    }
}

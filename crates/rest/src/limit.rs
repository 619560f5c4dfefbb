//! Our own rate limit: requests leave at an even rate, so that the exchange does not have to refuse any.
//!
//! 1. Requests leave in the order in which they asked (generic cell rate algorithm). Urgent ones, such as cancellations,
//!    wait in a separate queue and leave first.
//! 2. When the exchange says "too many requests", no request leaves until the time that it named is over.
//! 3. Waiting has an end: each request has a deadline, and the number of waiting requests is limited.

use crate::Rate;
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::Notify,
    time::{Instant, timeout_at},
};

/// Most requests that may wait at the same time.
pub(crate) const MOST_WAITING: usize = 1_024;
/// The longest pause that an answer can cause: a mistaken `Retry-After` must not stop a client for a day.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Why a request did not get its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoTurn {
    /// Too many requests are waiting already.
    Full,
    /// The deadline passed. `pause` is what is left of a pause that the exchange asked for.
    Late { pause: Option<Duration> },
}

/// Decides when a request may leave. Shared by a client's clones.
#[derive(Debug)]
pub(crate) struct Limiter {
    pace: Option<Pace>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct Pace {
    interval: Duration,
    burst: Duration,
}

#[derive(Debug, Default)]
struct State {
    /// When the next request would leave if there were no burst.
    next: Option<Instant>,
    paused_until: Option<Instant>,
    /// The waiting requests. Only the first one (of the urgent requests, or without any, of the others) waits for a time. All
    /// others wait until they are the first.
    urgent: VecDeque<Arc<Notify>>,
    others: VecDeque<Arc<Notify>>,
}

impl State {
    fn first(&self) -> Option<&Arc<Notify>> {
        self.urgent.front().or_else(|| self.others.front())
    }

    fn lane(&mut self, urgent: bool) -> &mut VecDeque<Arc<Notify>> {
        if urgent { &mut self.urgent } else { &mut self.others }
    }
}

/// A place in a queue. When it is dropped, it leaves the queue and wakes the first request, so that a cancelled request uses
/// up no turn.
struct Place<'a> {
    limiter: &'a Limiter,
    urgent: bool,
    turn: Arc<Notify>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut state = self.limiter.lock();
        state.lane(self.urgent).retain(|other| !Arc::ptr_eq(other, &self.turn));
        if let Some(first) = state.first() {
            first.notify_one();
        }
    }
}

impl Limiter {
    pub(crate) fn new(rate: Option<Rate>) -> Self {
        let pace = rate.map(|rate| {
            let interval = Duration::from_secs(1) / rate.per_second.get();
            Pace { interval, burst: interval * (rate.burst.get() - 1) }
        });
        Self { pace, state: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for this request's turn.
    pub(crate) async fn acquire(&self, urgent: bool, deadline: Instant) -> Result<(), NoTurn> {
        let place = {
            let mut state = self.lock();
            if state.first().is_none() && self.leave(&mut state).is_ok() {
                return Ok(());
            }
            if state.urgent.len() + state.others.len() >= MOST_WAITING {
                return Err(NoTurn::Full);
            }
            let turn = Arc::new(Notify::new());
            state.lane(urgent).push_back(turn.clone());
            Place { limiter: self, urgent, turn }
        };
        loop {
            let leaves_at = {
                let mut state = self.lock();
                match state.first() {
                    Some(first) if Arc::ptr_eq(first, &place.turn) => match self.leave(&mut state) {
                        Ok(()) => return Ok(()),
                        Err(at) => Some(at),
                    },
                    _ => None,
                }
            };
            let until = leaves_at.map_or(deadline, |at| at.min(deadline));
            let woken = timeout_at(until, place.turn.notified()).await.is_ok();
            if !woken && until >= deadline {
                let pause =
                    self.lock().paused_until.and_then(|end| end.checked_duration_since(Instant::now()));
                return Err(NoTurn::Late { pause: pause.filter(|pause| !pause.is_zero()) });
            }
        }
    }

    /// Lets the first request leave now, or says when it may leave.
    fn leave(&self, state: &mut State) -> Result<(), Instant> {
        // Without a pause and a pace, the clock is not read.
        if let Some(end) = state.paused_until {
            if end > Instant::now() {
                return Err(end);
            }
            state.paused_until = None;
        }
        let Some(Pace { interval, burst }) = &self.pace else { return Ok(()) };
        let now = Instant::now();
        let slot = state.next.unwrap_or(now).max(now);
        match slot.checked_sub(*burst).filter(|leave| *leave > now) {
            Some(leave) => Err(leave),
            None => {
                state.next = Some(slot + *interval);
                Ok(())
            }
        }
    }

    /// Lets no request leave for this time, at most a minute.
    pub(crate) fn pause(&self, wait: Duration) {
        let end = Instant::now() + wait.min(LONGEST_PAUSE);
        let mut state = self.lock();
        state.paused_until = Some(state.paused_until.map_or(end, |other| other.max(end)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroU32;

    fn limiter(per_second: u32, burst: u32) -> Arc<Limiter> {
        let count = |number| NonZeroU32::new(number).unwrap();
        Arc::new(Limiter::new(Some(Rate { per_second: count(per_second), burst: count(burst) })))
    }

    fn soon(millis: u64) -> Instant {
        Instant::now() + Duration::from_millis(millis)
    }

    const LONG: u64 = 1_000_000;

    #[tokio::test(start_paused = true)]
    async fn a_burst_of_1_000_leaves_at_15_a_second_and_in_order() {
        let limiter = limiter(15, 30);
        let start = Instant::now();
        let mut waits = Vec::new();
        let tasks: Vec<_> = (0..1_000)
            .map(|_| {
                let limiter = limiter.clone();
                tokio::spawn(async move {
                    limiter.acquire(false, soon(LONG)).await.unwrap();
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
        let limiter = limiter(10, 1);
        limiter.acquire(false, soon(LONG)).await.unwrap();
        for _ in 0..50 {
            let call = limiter.acquire(false, soon(LONG));
            assert!(tokio::time::timeout(Duration::from_millis(1), call).await.is_err());
        }
        let start = Instant::now();
        limiter.acquire(false, soon(LONG)).await.unwrap();
        assert!(start.elapsed() <= Duration::from_millis(100), "{:?}", start.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_behind_one_that_is_given_up_moves_up() {
        let limiter = limiter(10, 1);
        limiter.acquire(false, soon(LONG)).await.unwrap();
        let spawn = || {
            let limiter = limiter.clone();
            tokio::spawn(async move { limiter.acquire(false, soon(LONG)).await })
        };
        let (first, second) = (spawn(), spawn());
        while limiter.lock().others.len() < 2 {
            tokio::task::yield_now().await;
        }
        first.abort();
        let start = Instant::now();
        second.await.unwrap().unwrap();
        assert!(start.elapsed() <= Duration::from_millis(101), "{:?}", start.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn an_urgent_request_leaves_before_all_that_wait() {
        let limiter = limiter(2, 1);
        limiter.acquire(false, soon(LONG)).await.unwrap();
        let reads: Vec<_> = (0..6)
            .map(|_| {
                let limiter = limiter.clone();
                tokio::spawn(async move {
                    limiter.acquire(false, soon(LONG)).await.unwrap();
                    Instant::now()
                })
            })
            .collect();
        while limiter.lock().others.len() < 6 {
            tokio::task::yield_now().await;
        }
        let start = Instant::now();
        limiter.acquire(true, soon(600)).await.unwrap();
        assert!(start.elapsed() <= Duration::from_millis(501), "{:?}", start.elapsed());
        for (number, read) in (2..).zip(reads) {
            let waited = read.await.unwrap() - start;
            assert!(waited >= Duration::from_millis(500) * number, "{number}: {waited:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_ends_at_the_deadline_and_costs_nobody_a_turn() {
        let limiter = limiter(1, 1);
        limiter.acquire(false, soon(LONG)).await.unwrap();
        let start = Instant::now();
        assert_eq!(limiter.acquire(true, soon(300)).await, Err(NoTurn::Late { pause: None }));
        assert_eq!(start.elapsed().as_millis() / 10, 30);
        limiter.acquire(false, soon(800)).await.unwrap();
        assert!(start.elapsed() <= Duration::from_millis(1_001));
    }

    #[tokio::test(start_paused = true)]
    async fn so_many_may_wait_and_no_more() {
        let limiter = limiter(1, 1);
        limiter.acquire(false, soon(LONG)).await.unwrap();
        let tasks: Vec<_> = (0..MOST_WAITING)
            .map(|_| {
                let limiter = limiter.clone();
                tokio::spawn(async move { limiter.acquire(false, soon(LONG)).await })
            })
            .collect();
        while limiter.lock().others.len() < MOST_WAITING {
            tokio::task::yield_now().await;
        }
        assert_eq!(limiter.acquire(true, soon(LONG)).await, Err(NoTurn::Full));
        tasks.iter().for_each(tokio::task::JoinHandle::abort);
        for task in tasks {
            let _ = task.await;
        }
        limiter.acquire(true, soon(LONG)).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_holds_everybody_up_and_is_told_to_who_cannot_wait() {
        let limiter = Arc::new(Limiter::new(None));
        limiter.pause(Duration::from_secs(20));
        limiter.pause(Duration::from_secs(5));
        let start = Instant::now();
        let late = limiter.acquire(true, soon(1_000)).await.unwrap_err();
        let NoTurn::Late { pause: Some(pause) } = late else { panic!("{late:?}") };
        assert_eq!(pause.as_millis() / 100, 190);
        limiter.acquire(false, soon(LONG)).await.unwrap();
        assert_eq!(start.elapsed().as_secs(), 20);
        limiter.pause(Duration::MAX);
        limiter.acquire(false, soon(LONG)).await.unwrap();
        assert_eq!(start.elapsed().as_secs(), 80, "a minute at most");
    }
}

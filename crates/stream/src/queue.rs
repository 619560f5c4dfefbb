//! The queue of events between the socket and the consumer: bounded, in order, and never blocking the socket.

use crate::{Event, Topic};
use capecrypto_models::Timestamp;
use std::{
    collections::VecDeque,
    pin::pin,
    sync::{Mutex, PoisonError},
};
use tokio::sync::Notify;

/// Limits for waiting market data, in events and in bytes.
const MARKET_SLOTS: usize = 8_192;
const MARKET_BYTES: usize = 64 * 1024 * 1024;
/// Limits for waiting events of the account.
const ACCOUNT_SLOTS: usize = 65_536;
const ACCOUNT_BYTES: usize = 256 * 1024 * 1024;
/// Limit for waiting events about the connection: enough for days.
const CONNECTION_SLOTS: usize = 4_096;

/// Events that wait to be read. A full lane drops its oldest events and counts them.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    lanes: Mutex<Lanes>,
    filled: Notify,
}

/// The events by kind. Each has its `place` in the common order, so that they are read in the order of arrival: a frame
/// from before a disconnection must not be read after it.
#[derive(Debug, Default)]
struct Lanes {
    next: u64,
    market: Lane,
    account: Lane,
    connection: Lane,
    /// Gaps that fell out of the full lane, as one: a gap is never lost.
    gap: Option<Gap>,
    ended: bool,
}

#[derive(Debug)]
struct Gap {
    topics: Vec<Topic>,
    from: Timestamp,
    to: Timestamp,
}

impl Gap {
    /// One gap that covers both.
    fn with(mut self, other: Self) -> Self {
        for topic in other.topics {
            if !self.topics.contains(&topic) {
                self.topics.push(topic);
            }
        }
        Self { from: self.from.min(other.from), to: self.to.max(other.to), ..self }
    }
}

#[derive(Debug, Default)]
struct Lane {
    events: VecDeque<Waiting>,
    bytes: usize,
    dropped: u64,
}

#[derive(Debug)]
struct Waiting {
    place: u64,
    bytes: usize,
    event: Event,
}

impl Lane {
    /// Adds an event; the gaps that had to go for it are handed to `keep`.
    fn push(&mut self, waiting: Waiting, slots: usize, bytes: usize, mut keep: impl FnMut(Gap)) {
        self.bytes += waiting.bytes;
        self.events.push_back(waiting);
        while self.events.len() > slots || (self.bytes > bytes && self.events.len() > 1) {
            if let Some(Event::Gap { topics, from, to }) = self.pop() {
                keep(Gap { topics, from, to });
            } else {
                self.dropped += 1;
            }
        }
    }

    fn pop(&mut self) -> Option<Event> {
        let waiting = self.events.pop_front()?;
        self.bytes -= waiting.bytes;
        Some(waiting.event)
    }

    fn front(&self) -> Option<u64> {
        self.events.front().map(|waiting| waiting.place)
    }
}

impl Lanes {
    fn pop(&mut self) -> Option<Event> {
        let lanes = [&mut self.market, &mut self.account, &mut self.connection];
        let [market, account, connection] = lanes.map(|lane| std::mem::take(&mut lane.dropped));
        if market + account + connection > 0 {
            return Some(Event::Lagged { market, account, connection });
        }
        if let Some(Gap { topics, from, to }) = self.gap.take() {
            return Some(Event::Gap { topics, from, to });
        }
        let lanes = [&mut self.market, &mut self.account, &mut self.connection];
        let first =
            lanes.into_iter().filter(|lane| lane.front().is_some()).min_by_key(|lane| lane.front())?;
        first.pop()
    }
}

/// Roughly the memory that an event's content takes.
fn bytes(event: &Event) -> usize {
    match event {
        Event::Book { frame, .. } | Event::Unknown { frame, .. } => frame.len(),
        Event::MarketTrades { trades, .. } => trades.len() * 256,
        Event::Tickers(tickers) => tickers.len() * 512,
        Event::Order(order) => 512 + order.trades.len() * 256,
        _ => 256,
    }
}

impl Queue {
    pub(crate) fn push(&self, event: Event) {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = Waiting { place: lanes.next, bytes: bytes(&event), event };
        lanes.next += 1;
        match &waiting.event {
            Event::Book { .. }
            | Event::MarketTrades { .. }
            | Event::Candle { .. }
            | Event::Tickers(_)
            | Event::Unknown { .. } => lanes.market.push(waiting, MARKET_SLOTS, MARKET_BYTES, |_| ()),
            // A server that only talks nonsense must not fill the memory either.
            Event::Order(_)
            | Event::Trade(_)
            | Event::Balance(_)
            | Event::Unreadable { .. }
            | Event::ServerError { .. } => lanes.account.push(waiting, ACCOUNT_SLOTS, ACCOUNT_BYTES, |_| ()),
            _ => {
                let Lanes { connection, gap, .. } = &mut *lanes;
                connection.push(waiting, CONNECTION_SLOTS, usize::MAX, |dropped| {
                    *gap = Some(match gap.take() {
                        Some(kept) => kept.with(dropped),
                        None => dropped,
                    });
                });
            }
        }
        drop(lanes);
        self.filled.notify_one();
    }

    /// Ends the queue: nothing will be pushed any more.
    pub(crate) fn end(&self) {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner).ended = true;
        self.filled.notify_one();
    }

    /// The next event; `None` after the last. Dropping the future loses nothing.
    pub(crate) async fn pop(&self) -> Option<Event> {
        loop {
            // Register before the check, so that a push right after the check wakes this consumer, and a second push another.
            let mut filled = pin!(self.filled.notified());
            filled.as_mut().enable();
            {
                let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(event) = lanes.pop() {
                    return Some(event);
                }
                if lanes.ended {
                    // The next consumer that waits has to see the end too.
                    self.filled.notify_one();
                    return None;
                }
            }
            #[cfg(test)]
            tests::between_look_and_wait();
            filled.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn book(number: usize) -> Event {
        Event::Book { market: "btczar".parse().unwrap(), frame: Bytes::from(number.to_string()) }
    }

    fn complaint(number: usize) -> Event {
        Event::ServerError { message: number.to_string() }
    }

    #[tokio::test]
    async fn events_come_in_the_order_of_arrival_across_lanes() {
        let queue = Queue::default();
        let events = [book(1), complaint(2), Event::Connected { connections: 1 }, book(3), complaint(4)];
        for event in &events {
            queue.push(event.clone());
        }
        queue.end();
        for event in events {
            assert_eq!(queue.pop().await, Some(event));
        }
        assert_eq!(queue.pop().await, None);
        assert_eq!(queue.pop().await, None);
    }

    #[tokio::test]
    async fn a_stalled_consumer_learns_exactly_how_much_it_missed() {
        let queue = Queue::default();
        for number in 0..300_000 {
            queue.push(book(number));
        }
        for number in 0..70_000 {
            queue.push(complaint(number));
        }
        queue.push(Event::Connected { connections: 2 });
        queue.end();
        let lagged = Event::Lagged { market: 300_000 - 8_192, account: 70_000 - 65_536, connection: 0 };
        assert_eq!(queue.pop().await, Some(lagged));
        assert_eq!(queue.pop().await, Some(book(300_000 - 8_192)), "the newest are kept");
        let mut rest = 0;
        while queue.pop().await.is_some() {
            rest += 1;
        }
        assert_eq!(rest, 8_191 + 65_536 + 1);
    }

    #[tokio::test]
    async fn large_frames_are_bounded_by_their_bytes_and_flapping_by_its_count() {
        let queue = Queue::default();
        let frame = Bytes::from(vec![b'x'; 8 * 1024 * 1024]);
        for _ in 0..20 {
            queue.push(Event::Unknown { topic: "x".to_owned(), frame: frame.clone() });
        }
        for connections in 0..5_000 {
            queue.push(Event::Connected { connections });
        }
        assert_eq!(queue.pop().await, Some(Event::Lagged { market: 12, account: 0, connection: 904 }));
    }

    #[tokio::test]
    async fn a_gap_is_never_dropped_but_becomes_one_with_others() {
        let at = |millis| Timestamp::from_unix_millis(millis).unwrap();
        let gap =
            |topics: &[Topic], from, to| Event::Gap { topics: topics.to_vec(), from: at(from), to: at(to) };
        let queue = Queue::default();
        queue.push(gap(&[Topic::Orders], 5, 10));
        queue.push(gap(&[Topic::Orders, Topic::Trades], 2, 7));
        for connections in 0..5_000 {
            queue.push(Event::Connected { connections });
        }
        assert_eq!(queue.pop().await, Some(Event::Lagged { market: 0, account: 0, connection: 904 }));
        assert_eq!(queue.pop().await, Some(gap(&[Topic::Orders, Topic::Trades], 2, 10)));
        assert_eq!(queue.pop().await, Some(Event::Connected { connections: 904 }));
    }

    thread_local! {
        static BETWEEN: std::cell::RefCell<Option<Box<dyn FnOnce()>>> = const { std::cell::RefCell::new(None) };
    }

    /// Runs a test's code after a consumer has checked for events and before it waits.
    pub(super) fn between_look_and_wait() {
        if let Some(happens) = BETWEEN.take() {
            happens();
        }
    }

    #[tokio::test]
    async fn two_consumers_get_two_events_that_come_before_they_wait() {
        let queue = std::sync::Arc::new(Queue::default());
        // While the first consumer is between its check and its wait, the second one checks, and both events come.
        let second = std::rc::Rc::new(std::cell::RefCell::new(None));
        let (inner, outcome) = (queue.clone(), second.clone());
        BETWEEN.set(Some(Box::new(move || {
            let waits = Box::leak(Box::new(inner.clone()));
            let mut pop = Box::pin(waits.pop());
            let pushes = inner.clone();
            BETWEEN.set(Some(Box::new(move || {
                pushes.push(book(1));
                pushes.push(book(2));
            })));
            let waker = std::task::Waker::noop();
            let polled = Future::poll(pop.as_mut(), &mut std::task::Context::from_waker(waker));
            outcome.replace(Some((pop, polled)));
        })));
        let soon = std::time::Duration::from_secs(10);
        tokio::time::timeout(soon, queue.pop())
            .await
            .expect("the first consumer sleeps although an event is there")
            .unwrap();
        let Some((pop, polled)) = second.take() else { panic!() };
        if polled.is_pending() {
            tokio::time::timeout(soon, pop)
                .await
                .expect("the second consumer sleeps although an event is there")
                .unwrap();
        }
    }

    #[tokio::test]
    async fn everyone_who_waits_learns_of_the_end() {
        let queue = std::sync::Arc::new(Queue::default());
        let waiters: Vec<_> = (0..3)
            .map(|_| {
                let queue = queue.clone();
                tokio::spawn(async move { queue.pop().await })
            })
            .collect();
        tokio::task::yield_now().await;
        queue.end();
        for waiter in waiters {
            let ended = tokio::time::timeout(std::time::Duration::from_secs(10), waiter).await;
            assert_eq!(ended.expect("it still waits after the end").unwrap(), None);
        }
    }
}

//! The queue of events between the socket and the consumer: bounded, in order, and never blocking the socket.
//!
//! 1. Events are read in the order in which they came.
//! 2. Of what only the newest counts (the tickers, a candle, the notice that a book has changed), one event waits at a time: a
//!    newer one takes its place. Only an event about the connection ends this, because what came before it is read before it.
//! 3. When a lane is full, its oldest events are dropped and counted. A gap is never dropped: it becomes one with others.
//! 4. The limits count the memory that the events hold. A frame is copied, because it would keep the whole buffer that it was
//!    read into.

use crate::{Event, Topic};
use bytes::Bytes;
use capecrypto_models::{MarketId, Order, Period, PublicTrade, TickerEntry, Timestamp, Trade};
use std::{
    collections::{HashMap, VecDeque},
    mem::size_of,
    pin::pin,
    sync::{Mutex, PoisonError},
};
use tokio::sync::Notify;

/// Limits for waiting market data, in events and in bytes.
const MARKET: Limits = Limits { slots: 8_192, bytes: 64 * 1024 * 1024 };
/// Limits for waiting events of the account.
const ACCOUNT: Limits = Limits { slots: 65_536, bytes: 256 * 1024 * 1024 };
/// Limits for waiting events about the connection: enough for days.
const CONNECTION: Limits = Limits { slots: 4_096, bytes: 32 * 1024 * 1024 };

#[derive(Debug, Clone, Copy)]
struct Limits {
    slots: usize,
    bytes: usize,
}

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
    /// The waiting events that a newer one replaces, by their number in the lane of market data (rule 2).
    newest: HashMap<Key, u64>,
    /// Gaps that fell out of the full lane, as one: a gap is never lost.
    gap: Option<Gap>,
    /// Lost events of the account that the consumer has been told of, until the taps are told too.
    account_lag: u64,
    ended: bool,
}

/// What a newer event of the same key replaces (rule 2).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Tickers,
    /// One candle. The next candle of the market does not replace it, so that its last figures are read.
    Candle(MarketId, Period, Timestamp),
    BookChanged(MarketId),
}

impl Key {
    fn of(event: &Event) -> Option<Self> {
        match event {
            Event::Tickers(_) => Some(Self::Tickers),
            Event::Candle { market, period, candle } => {
                Some(Self::Candle(market.clone(), *period, candle.opened_at))
            }
            Event::BookChanged { market } => Some(Self::BookChanged(market.clone())),
            _ => None,
        }
    }
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
    /// Events that have left the lane: the number of the first one that waits.
    left: u64,
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
    /// Adds an event; the gaps that had to go for it are handed to `keep`. Gives the event's number in this lane.
    fn push(&mut self, waiting: Waiting, limits: Limits, mut keep: impl FnMut(Gap)) -> u64 {
        let number = self.left + u64::try_from(self.events.len()).unwrap_or(u64::MAX);
        self.bytes += waiting.bytes;
        self.events.push_back(waiting);
        while self.events.len() > limits.slots || (self.bytes > limits.bytes && self.events.len() > 1) {
            if let Some(Event::Gap { topics, from, to }) = self.pop() {
                keep(Gap { topics, from, to });
            } else {
                self.dropped += 1;
            }
        }
        number
    }

    fn pop(&mut self) -> Option<Event> {
        let waiting = self.events.pop_front()?;
        self.left += 1;
        self.bytes -= waiting.bytes;
        // After a flood the room is given back.
        if self.events.is_empty() && self.events.capacity() > KEPT {
            self.events = VecDeque::new();
        }
        Some(waiting.event)
    }

    /// The waiting event with this number.
    fn get_mut(&mut self, number: u64) -> Option<&mut Waiting> {
        self.events.get_mut(usize::try_from(number.checked_sub(self.left)?).ok()?)
    }

    fn front(&self) -> Option<u64> {
        self.events.front().map(|waiting| waiting.place)
    }
}

/// Places that an empty lane keeps.
const KEPT: usize = 1_024;

impl Lanes {
    fn push(&mut self, event: Event) {
        let waiting = Waiting { place: self.next, bytes: held(&event), event };
        self.next += 1;
        match &waiting.event {
            Event::Book { .. }
            | Event::BookChanged { .. }
            | Event::MarketTrades { .. }
            | Event::Candle { .. }
            | Event::Tickers(_)
            | Event::Unknown { .. } => self.push_market(waiting),
            // A server that only talks nonsense must not fill the memory either.
            Event::Order(_)
            | Event::Trade(_)
            | Event::Balance(_)
            | Event::Unreadable { .. }
            | Event::ServerError { .. } => {
                self.account.push(waiting, ACCOUNT, |_| ());
            }
            _ => {
                self.newest.clear();
                let Self { connection, gap, .. } = self;
                connection.push(waiting, CONNECTION, |dropped| {
                    *gap = Some(match gap.take() {
                        Some(kept) => kept.with(dropped),
                        None => dropped,
                    });
                });
            }
        }
    }

    /// Rule 2.
    fn push_market(&mut self, waiting: Waiting) {
        let Some(key) = Key::of(&waiting.event) else {
            self.market.push(waiting, MARKET, |_| ());
            return;
        };
        if let Some(older) = self.newest.get(&key).and_then(|number| self.market.get_mut(*number)) {
            let Waiting { bytes, event, .. } = waiting;
            let before = std::mem::replace(&mut older.bytes, bytes);
            older.event = event;
            self.market.bytes = self.market.bytes - before + bytes;
            return;
        }
        // Keys of events that have left the lane would pile up.
        if self.newest.len() > 2 * self.market.events.len() + KEPT {
            let left = self.market.left;
            self.newest.retain(|_, number| *number >= left);
        }
        let number = self.market.push(waiting, MARKET, |_| ());
        self.newest.insert(key, number);
    }

    fn pop(&mut self) -> Option<Event> {
        let lanes = [&mut self.market, &mut self.account, &mut self.connection];
        let [market, account, connection] = lanes.map(|lane| std::mem::take(&mut lane.dropped));
        if market + account + connection > 0 {
            self.account_lag += account;
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

/// The memory that a waiting event holds, within about a tenth.
fn held(event: &Event) -> usize {
    /// A text, or a text id with its counters.
    const TEXT: usize = 48;
    let topics = |topics: &Vec<Topic>| topics.capacity() * (size_of::<Topic>() + TEXT);
    let content = match event {
        Event::Book { frame, .. } => frame.len(),
        Event::Unknown { frame, topic } => frame.len() + topic.capacity(),
        Event::MarketTrades { trades, .. } => trades.capacity() * (size_of::<PublicTrade>() + 2 * TEXT),
        Event::Tickers(tickers) => tickers.len() * (size_of::<TickerEntry>() + 2 * TEXT),
        Event::Order(order) => {
            size_of::<Order>() + order.trades.capacity() * (size_of::<Trade>() + 4 * TEXT) + 6 * TEXT
        }
        Event::Trade(_) => size_of::<Trade>() + 6 * TEXT,
        Event::Balance(_) => 512,
        Event::Unreadable { topic, why } => topic.capacity() + why.capacity(),
        Event::ServerError { message } => message.capacity(),
        Event::Gap { topics: list, .. }
        | Event::Subscribed { topics: list }
        | Event::Unsubscribed { topics: list }
        | Event::NotSubscribed { topics: list }
        | Event::Reconciling { topics: list }
        | Event::Reconciled { topics: list } => topics(list),
        _ => TEXT,
    };
    size_of::<Waiting>() + content
}

impl Queue {
    pub(crate) fn push(&self, mut event: Event) {
        // Rule 4.
        if let Event::Book { frame, .. } | Event::Unknown { frame, .. } = &mut event {
            *frame = Bytes::copy_from_slice(frame);
        }
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner).push(event);
        self.filled.notify_one();
    }

    /// Ends the queue: nothing will be pushed any more.
    pub(crate) fn end(&self) {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner).ended = true;
        self.filled.notify_one();
    }

    /// How many lost events of the account the consumer has been told of since the last call.
    pub(crate) fn take_account_lag(&self) -> u64 {
        std::mem::take(&mut self.lanes.lock().unwrap_or_else(PoisonError::into_inner).account_lag)
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
        assert_eq!(queue.pop().await, Some(Event::Lagged { market: 13, account: 0, connection: 904 }));
    }

    fn json<T: serde::de::DeserializeOwned>(text: &str) -> T {
        serde_json::from_str(text).unwrap()
    }

    fn candle(minute: u32, close: u32) -> Event {
        let text = format!("[{}, \"1\", \"1\", \"1\", \"{close}\", \"1\"]", 1_700_000_000 + 60 * minute);
        let period = Period::OneMinute;
        Event::Candle { market: "btczar".parse().unwrap(), period, candle: json(&text) }
    }

    fn tickers(last: u32) -> Event {
        Event::Tickers(json(&format!(r#"{{"btczar":{{"last":"{last}"}}}}"#)))
    }

    fn changed(market: &str) -> Event {
        Event::BookChanged { market: market.parse().unwrap() }
    }

    async fn all(queue: &Queue) -> Vec<Event> {
        queue.end();
        let mut events = Vec::new();
        while let Some(event) = queue.pop().await {
            events.push(event);
        }
        events
    }

    #[tokio::test]
    async fn of_what_only_the_newest_counts_one_waits_in_the_place_of_the_first() {
        let queue = Queue::default();
        for number in 0..10 {
            queue.push(tickers(number));
            queue.push(candle(number / 5, number));
            queue.push(changed("btczar"));
            queue.push(changed("ethzar"));
            queue.push(book(usize::try_from(number).unwrap()));
        }
        let mut expected = vec![tickers(9), candle(0, 4), changed("btczar"), changed("ethzar")];
        expected.extend((0..5).map(book));
        // The next minute's candle does not take the place of this one.
        expected.push(candle(1, 9));
        expected.extend((5..10).map(book));
        assert_eq!(all(&queue).await, expected);
    }

    #[tokio::test]
    async fn what_was_read_or_came_before_the_connection_changed_is_not_replaced() {
        let queue = Queue::default();
        queue.push(tickers(1));
        assert_eq!(queue.pop().await, Some(tickers(1)));
        queue.push(tickers(2));
        queue.push(Event::Connected { connections: 2 });
        queue.push(tickers(3));
        queue.push(tickers(4));
        assert_eq!(all(&queue).await, [tickers(2), Event::Connected { connections: 2 }, tickers(4)]);
    }

    #[tokio::test]
    async fn keys_of_what_was_read_do_not_pile_up() {
        let queue = Queue::default();
        for minute in 0..100_000 {
            queue.push(candle(minute, 1));
            queue.pop().await;
        }
        assert!(queue.lanes.lock().unwrap().newest.len() < 2_000);
    }

    #[tokio::test]
    async fn the_counted_bytes_are_those_of_the_waiting_events() {
        let queue = Queue::default();
        let large = |size| {
            Event::Tickers(
                (0..size).map(|number| (format!("m{number}").parse().unwrap(), json("{}"))).collect(),
            )
        };
        for size in [10, 1_000, 3] {
            queue.push(large(size));
        }
        let counted = |queue: &Queue| queue.lanes.lock().unwrap().market.bytes;
        assert_eq!(counted(&queue), held(&large(3)), "the newest replaced the larger one");
        queue.pop().await;
        assert_eq!(counted(&queue), 0);
    }

    #[test]
    fn a_small_frame_does_not_keep_the_large_buffer_that_it_was_read_into() {
        let queue = Queue::default();
        let buffer = Bytes::from(vec![b'x'; 1024 * 1024]);
        queue.push(Event::Book { market: "btczar".parse().unwrap(), frame: buffer.slice(..60) });
        queue.push(Event::Unknown { topic: "x".to_owned(), frame: buffer.slice(60..120) });
        assert!(buffer.is_unique(), "nothing in the queue holds it");
    }

    #[tokio::test]
    async fn nothing_else_pushes_orders_trades_and_balances_out() {
        let queue = Queue::default();
        let fixtures = capecrypto_testkit::Fixtures::cape();
        let read = |component: &str, key: &str| {
            let fixture = fixtures.received(component).next().expect("a fixture");
            fixture.json().unwrap()[key].to_string()
        };
        let order = Event::Order(json(&read("stream_order", "order")));
        let trade = Event::Trade(json(&read("stream_trade", "trade")));
        let balance = Event::Balance(json(&read("stream_balance", "balance")));
        for event in [&order, &trade, &balance] {
            queue.push(event.clone());
        }
        for number in 0..20_000 {
            queue.push(book(number));
        }
        for connections in 0..5_000 {
            queue.push(Event::Connected { connections });
        }
        let lagged = Event::Lagged { market: 20_000 - 8_192, account: 0, connection: 904 };
        for expected in [lagged, order, trade, balance] {
            assert_eq!(queue.pop().await, Some(expected));
        }
    }

    #[tokio::test]
    async fn a_loss_of_account_events_alone_is_told_and_noted_for_the_taps() {
        let queue = Queue::default();
        for number in 0..=65_536 {
            queue.push(complaint(number));
        }
        assert_eq!(queue.take_account_lag(), 0, "not before the consumer knows it");
        assert_eq!(queue.pop().await, Some(Event::Lagged { market: 0, account: 1, connection: 0 }));
        assert_eq!((queue.take_account_lag(), queue.take_account_lag()), (1, 0));
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

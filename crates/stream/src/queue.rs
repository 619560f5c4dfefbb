//! Between the socket and the consumer: bounded, in order, and never blocking the socket.

use crate::Event;
use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};
use tokio::sync::Notify;

/// Market data that a slow consumer may be behind.
const MARKET_SLOTS: usize = 8_192;
/// Events of the account that it may be behind.
const ACCOUNT_SLOTS: usize = 65_536;

/// Events that wait to be read. A full lane loses its oldest, and says how many.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    lanes: Mutex<Lanes>,
    filled: Notify,
}

/// Each event carries its place in the whole, so that the lanes are read in the order of arrival: a frame from
/// before a disconnection must not be read after it.
#[derive(Debug, Default)]
struct Lanes {
    next: u64,
    market: Lane,
    account: Lane,
    /// About the connection itself: few, and never dropped.
    control: VecDeque<(u64, Event)>,
    ended: bool,
}

#[derive(Debug, Default)]
struct Lane {
    events: VecDeque<(u64, Event)>,
    dropped: u64,
}

impl Lane {
    fn push(&mut self, place: u64, event: Event, slots: usize) {
        if self.events.len() >= slots {
            self.events.pop_front();
            self.dropped += 1;
        }
        self.events.push_back((place, event));
    }
}

impl Lanes {
    fn pop(&mut self) -> Option<Event> {
        let (market, account) =
            (std::mem::take(&mut self.market.dropped), std::mem::take(&mut self.account.dropped));
        if market + account > 0 {
            return Some(Event::Lagged { market, account });
        }
        let fronts = [&self.market.events, &self.account.events, &self.control]
            .map(|lane| lane.front().map(|(place, _)| *place));
        let first = fronts.into_iter().flatten().min()?;
        let lane = match fronts.map(|front| front == Some(first)) {
            [true, ..] => &mut self.market.events,
            [_, true, _] => &mut self.account.events,
            _ => &mut self.control,
        };
        lane.pop_front().map(|(_, event)| event)
    }
}

impl Queue {
    pub(crate) fn push(&self, event: Event) {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let place = lanes.next;
        lanes.next += 1;
        match &event {
            Event::Book { .. }
            | Event::MarketTrades { .. }
            | Event::Candle { .. }
            | Event::Tickers(_)
            | Event::Unknown { .. } => {
                lanes.market.push(place, event, MARKET_SLOTS);
            }
            // A server that only talks nonsense must not fill the memory either.
            Event::Order(_)
            | Event::Trade(_)
            | Event::Balance(_)
            | Event::Unreadable { .. }
            | Event::ServerError { .. } => {
                lanes.account.push(place, event, ACCOUNT_SLOTS);
            }
            _ => lanes.control.push_back((place, event)),
        }
        drop(lanes);
        self.filled.notify_one();
    }

    /// Nothing will be pushed any more.
    pub(crate) fn end(&self) {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner).ended = true;
        self.filled.notify_one();
    }

    /// The next event; `None` after the last.
    pub(crate) async fn pop(&self) -> Option<Event> {
        loop {
            {
                let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(event) = lanes.pop() {
                    return Some(event);
                }
                if lanes.ended {
                    return None;
                }
            }
            self.filled.notified().await;
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
        let lagged = Event::Lagged { market: 300_000 - 8_192, account: 70_000 - 65_536 };
        assert_eq!(queue.pop().await, Some(lagged));
        assert_eq!(queue.pop().await, Some(book(300_000 - 8_192)), "the newest are kept");
        let mut rest = 0;
        while queue.pop().await.is_some() {
            rest += 1;
        }
        assert_eq!(rest, 8_191 + 65_536 + 1);
    }
}

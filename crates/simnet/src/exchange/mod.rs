//! The exchange behind the network: books, an account, and what it remembers of all it has sent.

mod book;
mod desk;
mod serve;
#[cfg(test)]
mod tests;

pub use book::TrueBook;
pub(crate) use serve::serve;

use crate::{
    events::{self, OrderEvent, TradeEvent},
    fault::Fault,
    journal::Journal,
};
use capecrypto_models::{Balance, Decimal, Level, Order, Timestamp, Trade};
use capecrypto_stream::{Event, Topic};
use desk::Desk;
use serde_json::Value;
use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Waker,
    time::Duration,
};

/// Something that happened to the account, whether a connection was there to hear of it or not.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Happened {
    /// Time since the network was made.
    pub at: Duration,
    /// The network's wall clock, in Unix milliseconds.
    pub unix_millis: u64,
    /// Orders, trades or balances.
    pub topic: Topic,
    /// The event as a consumer gets it.
    pub event: Event,
}

/// A simulated exchange: your test moves its books and its account, and may ask it for the truth. Clones are the same exchange.
///
/// It answers like the server that the exchange uses: a subscription to a book is answered by a stored snapshot, the increments
/// since, and then the list of all subscriptions. It takes any name of a market. A connection with more than 256 unsent
/// frames is dropped, and so is one that answers no ping for a minute.
#[derive(Clone)]
pub struct Exchange {
    journal: Journal,
    desk: Arc<Mutex<Desk>>,
}

impl Exchange {
    pub(crate) fn new(journal: Journal, random: fastrand::Rng) -> Self {
        let desk = Arc::new(Mutex::new(Desk::new(journal.clone(), random)));
        Self { journal, desk }
    }

    fn lock(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the desk, and wakes the connections that have something to do after it.
    fn change<T>(&self, change: impl FnOnce(&mut Desk) -> T) -> T {
        let (result, wakers) = {
            let mut desk = self.lock();
            let result = change(&mut desk);
            (result, desk.wakers())
        };
        wakers.into_iter().for_each(Waker::wake);
        result
    }

    fn now(&self) -> Timestamp {
        let millis = i64::try_from(self.journal.unix_millis()).unwrap_or(i64::MAX);
        Timestamp::from_unix_millis(millis).unwrap_or_else(|_| std::time::SystemTime::UNIX_EPOCH.into())
    }

    /// Opens a market with an empty book. The first level opens it too.
    pub fn open(&self, market: &str) {
        self.change(|desk| {
            desk.open(market);
        });
    }

    /// Sets the amount at a price among the bids, and sends the increment. Zero removes the level.
    ///
    /// A real exchange never shows a crossed book; here that is up to you.
    pub fn bid(&self, market: &str, price: impl Into<Decimal>, amount: impl Into<Decimal>) {
        self.change(|desk| desk.set(market, true, price.into(), amount.into()));
    }

    /// Sets the amount at a price among the asks, and sends the increment. Zero removes the level.
    pub fn ask(&self, market: &str, price: impl Into<Decimal>, amount: impl Into<Decimal>) {
        self.change(|desk| desk.set(market, false, price.into(), amount.into()));
    }

    /// Restarts the matching engine of a market: its sequence begins again at 1. Subscribers are not told.
    pub fn restart_engine(&self, market: &str) {
        self.change(|desk| desk.restart(market));
    }

    /// One of the account's orders changed.
    pub fn order(&self, order: &OrderEvent) {
        let body = order.body(self.now());
        let event = serde_json::from_value::<Order>(body.clone()).ok();
        self.happened(Topic::Orders, &body, event.map(|order| Event::Order(Box::new(order))));
    }

    /// One of the account's orders was filled.
    pub fn trade(&self, trade: &TradeEvent) {
        let body = trade.body(self.now());
        let event = serde_json::from_value::<Trade>(body.clone()).ok();
        self.happened(Topic::Trades, &body, event.map(|trade| Event::Trade(Box::new(trade))));
    }

    /// A balance of the account changed.
    pub fn balance(&self, currency: &str, available: impl Into<Decimal>, locked: impl Into<Decimal>) {
        let body = events::balance(currency, available.into(), locked.into(), self.now());
        let event = serde_json::from_value::<Balance>(body.clone()).ok();
        self.happened(Topic::Balances, &body, event.map(|balance| Event::Balance(Box::new(balance))));
    }

    fn happened(&self, topic: Topic, body: &Value, event: Option<Event>) {
        let name = topic.name();
        // What the models cannot read is sent all the same: the consumer is told that it is unreadable.
        let event =
            event.unwrap_or_else(|| Event::Unknown { topic: name.clone(), frame: text(&name, body).into() });
        let (at, unix_millis) = (self.journal.elapsed(), self.journal.unix_millis());
        self.change(|desk| {
            desk.happened.push(Happened { at, unix_millis, topic, event });
            desk.publish(&name, &text(&name, body));
        });
    }

    /// Sends the ticker of a market.
    pub fn ticker(&self, market: &str, last: impl Into<Decimal>) {
        let body = serde_json::json!({ market: events::ticker(last.into(), self.now()) });
        self.publish("global.tickers", &body.to_string());
    }

    /// Sends any JSON on any topic to its subscribers.
    pub fn publish(&self, topic: &str, body: &str) {
        let frame = format!("{{{}:{body}}}", Value::from(topic));
        self.change(|desk| desk.publish(topic, &frame));
    }

    /// Drops a connection that gets or sends more than so many frames within so short a time. No limit if not set.
    pub fn burst_limit(&self, frames: u32, within: Duration) {
        self.change(|desk| desk.burst_limit = Some((frames, within)));
    }

    /// A market's book as it is; empty for a market that is not open.
    pub fn book(&self, market: &str) -> TrueBook {
        self.lock().book(market).map(book::Book::truth).unwrap_or_default()
    }

    /// How long ago a market's book had exactly these levels, best first: zero if it has them now, `None` if it never had. It is
    /// of use for books of up to 301 levels a side, because a snapshot has no more.
    pub fn age(&self, market: &str, bids: &[Level], asks: &[Level]) -> Option<Duration> {
        let now = self.journal.elapsed();
        self.lock().book(market)?.age(bids, asks, now)
    }

    /// Everything that happened to the account so far.
    pub fn account_events(&self) -> Vec<Happened> {
        self.lock().happened.clone()
    }

    /// What happened to the account after so many events.
    pub(crate) fn account_events_from(&self, index: usize) -> Vec<Happened> {
        self.lock().happened.get(index..).unwrap_or_default().to_vec()
    }

    /// Time since the network was made.
    pub(crate) fn elapsed(&self) -> Duration {
        self.journal.elapsed()
    }

    /// The topics that connections have subscribed to now, each once.
    pub fn topics(&self) -> Vec<String> {
        self.lock().topics()
    }

    /// The markets that are open.
    pub(crate) fn markets(&self) -> Vec<String> {
        self.lock().markets()
    }

    pub(crate) fn random(&self) -> fastrand::Rng {
        self.lock().random.fork()
    }

    pub(crate) fn fault(&self, fault: Fault) {
        self.change(|desk| desk.fault(fault));
    }

    pub(crate) fn heal(&self) {
        self.change(Desk::heal);
    }
}

fn text(topic: &str, body: &Value) -> String {
    serde_json::json!({ topic: body }).to_string()
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange").field("markets", &self.markets()).finish_non_exhaustive()
    }
}

//! One socket of the hub: its subscriptions, and what it shares with its connection.

use super::queue::{Item, Put, Queue};
use crate::base::id::AccountId;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio::sync::Notify;
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// What hub and connection share in addition to the queue.
#[derive(Debug, Default)]
pub(super) struct Signals {
    /// Notified when the socket must be dropped without a close frame.
    pub(super) kill: Notify,
    /// Notified when the connection must stay open, but send and read nothing (a fault).
    pub(super) freeze: Notify,
    /// The largest number of bytes sent in a second (a fault); 0 means no limit.
    rate: AtomicU32,
    /// Whether the writer is waiting, because the client does not read or because of a fault.
    stuck: AtomicBool,
}

impl Signals {
    pub(super) fn set_rate(&self, bytes_per_second: u32) {
        self.rate.store(bytes_per_second, Ordering::Relaxed);
    }

    /// How long this many bytes take at the limited rate; `None` without a limit.
    pub(super) fn time_for(&self, bytes: usize) -> Option<Duration> {
        let rate = self.rate.load(Ordering::Relaxed);
        let micros = u64::try_from(bytes).ok()?.saturating_mul(1_000_000).checked_div(u64::from(rate))?;
        Some(Duration::from_micros(micros))
    }

    pub(super) fn set_stuck(&self, stuck: bool) {
        self.stuck.store(stuck, Ordering::Relaxed);
    }
}

/// The connection's end of the queue.
#[derive(Debug)]
pub(super) struct Subscriber {
    pub(super) id: u64,
    pub(super) queue: Arc<Queue>,
    pub(super) signals: Arc<Signals>,
}

/// The hub's end of the queue.
#[derive(Debug)]
pub(super) struct Socket {
    pub(super) account: Option<AccountId>,
    pub(super) streams: Vec<String>,
    pub(super) signals: Arc<Signals>,
    queue: Arc<Queue>,
    overrun: bool,
}

impl Socket {
    pub(super) fn new(id: u64, account: Option<AccountId>) -> (Self, Subscriber) {
        let queue = Arc::new(Queue::default());
        let signals = Arc::new(Signals::default());
        let subscriber = Subscriber { id, queue: Arc::clone(&queue), signals: Arc::clone(&signals) };
        (Self { account, streams: Vec::new(), signals, queue, overrun: false }, subscriber)
    }

    pub(super) fn has(&self, topic: &str) -> bool {
        self.streams.iter().any(|stream| stream == topic)
    }

    /// Queues a frame that only this socket gets, and wakes the connection.
    pub(super) fn send(&mut self, frame: Utf8Bytes) {
        if self.put(Item::Frame(frame)) {
            self.wake();
        }
    }

    /// Queues an item. True if the connection must be woken later.
    pub(super) fn put(&mut self, item: Item) -> bool {
        let put = self.queue.put(item);
        self.overrun |= put == Put::Full;
        put == Put::Wake
    }

    /// Wakes the connection, which then sends everything in the queue.
    pub(super) fn wake(&self) {
        self.queue.wake();
    }

    /// Whether the queue was full at some time.
    pub(super) fn is_overrun(&self) -> bool {
        self.overrun
    }

    /// Whether its queue is nearly full although its client reads.
    pub(super) fn is_crowded(&self) -> bool {
        self.queue.is_crowded() && !self.signals.stuck.load(Ordering::Relaxed)
    }

    /// Its streams, public ones first.
    pub(super) fn current(&self) -> Vec<&str> {
        let names = || self.streams.iter().map(String::as_str);
        names().filter(|name| is_public(name)).chain(names().filter(|name| !is_public(name))).collect()
    }
}

fn is_public(stream: &str) -> bool {
    stream.contains('.')
}

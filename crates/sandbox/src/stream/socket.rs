//! One subscriber's end of the hub: what it holds, and the queue of what it is yet to be sent.

use crate::base::id::AccountId;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio::sync::{Notify, mpsc};
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// Frames that may wait for a socket.
const QUEUE: usize = 256;

/// What stands in the queue.
#[derive(Debug)]
pub(super) enum Item {
    Frame(Utf8Bytes),
    /// Nothing is sent for so long (a fault).
    Pause(Duration),
}

/// What hub and connection say to each other beside the queue.
#[derive(Debug, Default)]
pub(super) struct Signals {
    /// Told when the socket must be dropped without a word.
    pub(super) kill: Notify,
    /// Told when the connection must stand still, open but dead (a fault).
    pub(super) freeze: Notify,
    /// Bytes a second that are sent at most (a fault); 0 is no limit.
    rate: AtomicU32,
    /// Whether the connection takes nothing at the moment, because its client does not read.
    stuck: AtomicBool,
}

impl Signals {
    pub(super) fn set_rate(&self, bytes_per_second: u32) {
        self.rate.store(bytes_per_second, Ordering::Relaxed);
    }

    /// How long so many bytes take.
    pub(super) fn time_for(&self, bytes: usize) -> Option<Duration> {
        let rate = self.rate.load(Ordering::Relaxed);
        let micros = u64::try_from(bytes).ok()?.saturating_mul(1_000_000).checked_div(u64::from(rate))?;
        Some(Duration::from_micros(micros))
    }

    pub(super) fn set_stuck(&self, stuck: bool) {
        self.stuck.store(stuck, Ordering::Relaxed);
    }
}

/// A socket's end of the hub.
#[derive(Debug)]
pub(super) struct Subscriber {
    pub(super) id: u64,
    pub(super) items: mpsc::Receiver<Item>,
    pub(super) signals: Arc<Signals>,
}

/// The hub's end of a socket.
#[derive(Debug)]
pub(super) struct Socket {
    pub(super) account: Option<AccountId>,
    pub(super) streams: Vec<String>,
    pub(super) signals: Arc<Signals>,
    queue: mpsc::Sender<Item>,
    overrun: bool,
}

impl Socket {
    pub(super) fn new(id: u64, account: Option<AccountId>) -> (Self, Subscriber) {
        let (queue, items) = mpsc::channel(QUEUE);
        let signals = Arc::new(Signals::default());
        let subscriber = Subscriber { id, items, signals: Arc::clone(&signals) };
        (Self { account, streams: Vec::new(), signals, queue, overrun: false }, subscriber)
    }

    pub(super) fn has(&self, topic: &str) -> bool {
        self.streams.iter().any(|stream| stream == topic)
    }

    pub(super) fn send(&mut self, frame: Utf8Bytes) {
        self.put(Item::Frame(frame));
    }

    pub(super) fn put(&mut self, item: Item) {
        self.overrun |= self.queue.try_send(item).is_err();
    }

    /// Whether its queue was full.
    pub(super) fn is_overrun(&self) -> bool {
        self.overrun
    }

    /// Whether its queue is nearly full although its client reads.
    pub(super) fn is_crowded(&self) -> bool {
        self.queue.capacity() < QUEUE / 4 && !self.signals.stuck.load(Ordering::Relaxed)
    }

    /// What it holds, public ones first.
    pub(super) fn current(&self) -> Vec<&str> {
        let names = || self.streams.iter().map(String::as_str);
        names().filter(|name| is_public(name)).chain(names().filter(|name| !is_public(name))).collect()
    }
}

fn is_public(stream: &str) -> bool {
    stream.contains('.')
}

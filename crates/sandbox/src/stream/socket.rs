//! One socket of the hub: its subscriptions, and the queue of frames to send.

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

/// The largest number of frames that may wait for a socket.
const QUEUE: usize = 256;

/// An item of the queue.
#[derive(Debug)]
pub(super) enum Item {
    Frame(Utf8Bytes),
    /// Send nothing for this long (a fault).
    Pause(Duration),
}

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
    pub(super) items: mpsc::Receiver<Item>,
    pub(super) signals: Arc<Signals>,
}

/// The hub's end of the queue.
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

    /// Whether the queue was full at some time.
    pub(super) fn is_overrun(&self) -> bool {
        self.overrun
    }

    /// Whether its queue is nearly full although its client reads.
    pub(super) fn is_crowded(&self) -> bool {
        self.queue.capacity() < QUEUE / 4 && !self.signals.stuck.load(Ordering::Relaxed)
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

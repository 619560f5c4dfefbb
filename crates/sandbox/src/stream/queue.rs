//! The queue of a socket: bounded, in order. Filling it does not wake the connection: the hub does that later, so that
//! the connection finds many frames at once.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::Notify;
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// The largest number of items that may wait for a socket.
pub(super) const QUEUE: usize = 256;

/// An item of the queue.
#[derive(Debug)]
pub(super) enum Item {
    Frame(Utf8Bytes),
    /// Send nothing for this long (a fault).
    Pause(Duration),
}

/// What became of an item.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Put {
    /// It is queued, and the connection must be woken.
    Wake,
    /// It is queued, and the connection will take it without being woken for it.
    Queued,
    /// It is lost, because the queue is full.
    Full,
}

/// The queue, which hub and connection share.
#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    wake: Notify,
}

#[derive(Debug, Default)]
struct State {
    items: VecDeque<Item>,
    /// Whether the connection takes items at the moment, or somebody has been told to wake it.
    awake: bool,
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an item. After [`Put::Wake`] the caller must see to it that [`Queue::wake`] is called.
    pub(super) fn put(&self, item: Item) -> Put {
        let mut state = self.state();
        if state.items.len() >= QUEUE {
            return Put::Full;
        }
        state.items.push_back(item);
        if std::mem::replace(&mut state.awake, true) { Put::Queued } else { Put::Wake }
    }

    /// Wakes the connection.
    pub(super) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Takes the oldest item, if there is one.
    pub(super) fn take(&self) -> Option<Item> {
        let mut state = self.state();
        let item = state.items.pop_front();
        state.awake = item.is_some();
        item
    }

    /// Waits for an item and takes it. Nothing is lost if the wait is given up.
    pub(super) async fn next(&self) -> Item {
        loop {
            if let Some(item) = self.take() {
                return item;
            }
            self.wake.notified().await;
        }
    }

    /// Whether it is nearly full.
    pub(super) fn is_crowded(&self) -> bool {
        self.state().items.len() > QUEUE - QUEUE / 4
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    fn frame(number: usize) -> Item {
        Item::Frame(number.to_string().into())
    }

    fn text(item: Option<Item>) -> Option<String> {
        match item? {
            Item::Frame(frame) => Some(frame.as_str().to_owned()),
            Item::Pause(_) => None,
        }
    }

    #[test]
    fn items_come_in_order_and_only_the_first_one_wakes() {
        let queue = Queue::default();
        assert_eq!(queue.put(frame(0)), Put::Wake);
        for number in 1..QUEUE {
            assert_eq!(queue.put(frame(number)), Put::Queued, "{number}");
        }
        assert_eq!(queue.put(frame(QUEUE)), Put::Full);
        assert!(queue.is_crowded());
        for number in 0..QUEUE {
            assert_eq!(text(queue.take()), Some(number.to_string()));
        }
        assert_eq!(queue.put(frame(0)), Put::Queued, "the connection has not found it empty yet");
        assert!(queue.take().is_some() && queue.take().is_none());
        assert!(!queue.is_crowded());
        assert_eq!(queue.put(frame(0)), Put::Wake);
    }

    #[test]
    fn a_connection_that_waits_is_woken_and_one_that_was_woken_early_does_not_wait() {
        let queue = Queue::default();
        let mut next = Box::pin(queue.next());
        assert!(next.as_mut().now_or_never().is_none());
        assert_eq!(queue.put(frame(1)), Put::Wake);
        queue.wake();
        assert_eq!(text(next.now_or_never()).as_deref(), Some("1"));
        queue.wake();
        assert!(queue.next().now_or_never().is_none(), "woken for nothing");
        assert_eq!(queue.put(frame(2)), Put::Wake);
        assert_eq!(text(queue.next().now_or_never()).as_deref(), Some("2"));
    }
}

//! Who is subscribed to what, and what new subscribers of a book are sent first.
//!
//! 1. Every socket has a queue of 256 frames. One that overruns it is dropped at once, without a close frame.
//! 2. A subscription to `{market}.ob-inc` first gets the stored snapshot and increments, then the confirmation; it
//!    does so each time it is asked for, subscribed or not.
//! 3. Stored snapshots are never sent to sockets that are subscribed already.
//! 4. While the store has no snapshot, increments of that market are dropped.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, mpsc};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::config::Profile;
use crate::engine::Event;
use crate::render::stream::{self, BookStyle};

/// Frames that may wait for a socket.
const QUEUE: usize = 256;
/// Names that one socket may hold; further ones are left out of the confirmation.
const MOST_STREAMS: usize = 500;

/// The sockets and the book store.
#[derive(Debug)]
pub(crate) struct Hub {
    profile: Profile,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    last_id: u64,
    sockets: BTreeMap<u64, Socket>,
    stores: BTreeMap<&'static str, Store>,
    style: BookStyle,
}

/// What a new subscriber of a book gets.
#[derive(Debug, Default)]
struct Store {
    snapshot: Option<Utf8Bytes>,
    increments: Vec<Utf8Bytes>,
}

#[derive(Debug)]
struct Socket {
    account: Option<usize>,
    streams: Vec<String>,
    queue: mpsc::Sender<Utf8Bytes>,
    kill: Arc<Notify>,
    overrun: bool,
}

impl Socket {
    fn has(&self, topic: &str) -> bool {
        self.streams.iter().any(|stream| stream == topic)
    }

    fn send(&mut self, frame: Utf8Bytes) {
        self.overrun |= self.queue.try_send(frame).is_err();
    }

    /// Public ones first.
    fn current(&self) -> Vec<&str> {
        let names = || self.streams.iter().map(String::as_str);
        names().filter(|name| is_public(name)).chain(names().filter(|name| !is_public(name))).collect()
    }
}

fn is_public(stream: &str) -> bool {
    stream.contains('.')
}

/// A socket's end of the hub.
#[derive(Debug)]
pub(super) struct Subscriber {
    pub(super) id: u64,
    pub(super) frames: mpsc::Receiver<Utf8Bytes>,
    /// Told when the socket must be dropped without a word.
    pub(super) kill: Arc<Notify>,
}

impl Hub {
    pub(crate) fn new(profile: Profile) -> Self {
        Self { profile, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new socket without subscriptions; private topics are for its account, if it has one.
    pub(super) fn join(&self, account: Option<usize>) -> Subscriber {
        let mut state = self.state();
        state.last_id += 1;
        let id = state.last_id;
        let (queue, frames) = mpsc::channel(QUEUE);
        let kill = Arc::new(Notify::new());
        let socket = Socket { account, streams: Vec::new(), queue, kill: Arc::clone(&kill), overrun: false };
        state.sockets.insert(id, socket);
        Subscriber { id, frames, kill }
    }

    pub(super) fn leave(&self, id: u64) {
        self.state().sockets.remove(&id);
    }

    /// Adds streams, replays books, confirms. A private name on a public socket is left out without a word.
    pub(super) fn subscribe(&self, id: u64, names: &[String]) {
        let mut state = self.state();
        let State { sockets, stores, .. } = &mut *state;
        let Some(socket) = sockets.get_mut(&id) else { return };
        for name in names {
            match name.matches('.').count() {
                0 if socket.account.is_none() => continue,
                0 | 1 => {}
                _ => {
                    socket.send(stream::cannot_subscribe(name).into());
                    continue;
                }
            }
            if !socket.has(name) {
                if socket.streams.len() >= MOST_STREAMS {
                    continue;
                }
                socket.streams.push(name.clone());
            }
            let store = name.strip_suffix(".ob-inc").and_then(|market| stores.get(market));
            if let Some(Store { snapshot: Some(snapshot), increments }) = store {
                socket.send(snapshot.clone());
                for increment in increments {
                    socket.send(increment.clone());
                }
            }
        }
        socket.send(stream::confirmation("subscribed", &socket.current()).into());
        state.drop_overrun();
    }

    /// Removes streams and confirms what is left.
    pub(super) fn unsubscribe(&self, id: u64, names: &[String]) {
        let mut state = self.state();
        let Some(socket) = state.sockets.get_mut(&id) else { return };
        socket.streams.retain(|stream| !names.contains(stream));
        socket.send(stream::confirmation("unsubscribed", &socket.current()).into());
        state.drop_overrun();
    }

    /// Queues one frame for one socket.
    pub(super) fn send(&self, id: u64, frame: String) {
        let mut state = self.state();
        if let Some(socket) = state.sockets.get_mut(&id) {
            socket.send(frame.into());
        }
        state.drop_overrun();
    }

    /// Hands an event of the engine to whoever it is for.
    pub(crate) fn publish(&self, event: &Event) {
        let mut state = self.state();
        match event {
            Event::Increment(increment) => {
                let frame = Utf8Bytes::from(stream::increment(increment, state.style));
                let store = state.stores.entry(increment.market.id).or_default();
                if store.snapshot.is_none() {
                    return;
                }
                store.increments.push(frame.clone());
                if !increment.lost {
                    state.send_public(&format!("{}.ob-inc", increment.market.id), &frame);
                }
            }
            Event::Snapshot { market, asks, bids, sequence } => {
                let snapshot = Some(stream::snapshot(market, asks, bids, *sequence).into());
                state.stores.insert(market.id, Store { snapshot, increments: Vec::new() });
            }
            Event::Forget { market } => {
                state.stores.insert(market.id, Store::default());
            }
            Event::PublicTrade(trade) => {
                let frame = stream::public_trade(trade).into();
                state.send_public(&format!("{}.trades", trade.market.id), &frame);
            }
            Event::Order(order) => {
                state.send_private("order", order.account, || Some(stream::order(self.profile, order)));
            }
            Event::OwnTrade { trade, account, order_id } => {
                state.send_private("trade", *account, || stream::trade(self.profile, trade, *order_id));
            }
            Event::Balance { account, currency, balance, at_ms } => {
                state.send_private("balance", *account, || {
                    Some(stream::balance(self.profile, currency, *balance, *at_ms))
                });
            }
        }
        state.drop_overrun();
    }

    /// A frame for every socket that holds the topic, or for all sockets.
    pub(crate) fn publish_raw(&self, topic: Option<&str>, frame: &str) {
        let mut state = self.state();
        let frame = Utf8Bytes::from(frame);
        match topic {
            Some(topic) => state.send_public(topic, &frame),
            None => state.sockets.values_mut().for_each(|socket| socket.send(frame.clone())),
        }
        state.drop_overrun();
    }

    /// Every topic that somebody holds.
    pub(super) fn topics(&self) -> BTreeSet<String> {
        self.state().sockets.values().flat_map(|socket| socket.streams.iter().cloned()).collect()
    }

    /// Whether some socket's queue is nearly full.
    pub(crate) fn is_crowded(&self) -> bool {
        self.state().sockets.values().any(|socket| socket.queue.capacity() < QUEUE / 4)
    }

    /// Changes how increments are written from now on.
    pub(crate) fn set_style(&self, change: impl FnOnce(&mut BookStyle)) {
        change(&mut self.state().style);
    }

    /// Drops every socket without a close frame; gives how many there were.
    pub(crate) fn drop_sockets(&self) -> usize {
        let sockets = std::mem::take(&mut self.state().sockets);
        sockets.values().for_each(|socket| socket.kill.notify_one());
        sockets.len()
    }
}

impl State {
    fn send_public(&mut self, topic: &str, frame: &Utf8Bytes) {
        for socket in self.sockets.values_mut().filter(|socket| socket.has(topic)) {
            socket.send(frame.clone());
        }
    }

    /// Renders only where somebody listens.
    fn send_private(&mut self, topic: &str, account: usize, render: impl FnOnce() -> Option<String>) {
        let mut listeners: Vec<&mut Socket> = self
            .sockets
            .values_mut()
            .filter(|socket| socket.account == Some(account) && socket.has(topic))
            .collect();
        if listeners.is_empty() {
            return;
        }
        let Some(frame) = render().map(Utf8Bytes::from) else { return };
        listeners.iter_mut().for_each(|socket| socket.send(frame.clone()));
    }

    fn drop_overrun(&mut self) {
        self.sockets.retain(|_, socket| {
            if socket.overrun {
                socket.kill.notify_one();
            }
            !socket.overrun
        });
    }
}

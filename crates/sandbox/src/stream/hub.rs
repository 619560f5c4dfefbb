//! The hub: which socket is subscribed to what, and what new subscribers of a book get first.
//!
//! 1. Every socket has a queue of 256 frames. If the queue is full, the socket is dropped at once, without a close frame.
//! 2. A subscription to `{market}.ob-inc` first gets the stored snapshot and increments, then the confirmation. This
//!    happens at each subscription request, even if the socket is already subscribed.
//! 3. A new snapshot is stored, but not sent to the subscribed sockets.
//! 4. While the store has no snapshot, increments of that market are dropped.

use super::{
    socket::{Item, Socket, Subscriber},
    trouble::{FrameFault, Step, Troubles},
    view::{self, BookStyle},
};
use crate::{
    base::{
        config::Profile,
        id::{AccountId, Code},
    },
    exchange::{event::Event, market::book::Level},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// The largest number of streams of one socket; further ones are missing from the confirmation.
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
    /// The sockets that are subscribed to each topic.
    holders: BTreeMap<String, BTreeSet<u64>>,
    stores: BTreeMap<Code, Store>,
    style: BookStyle,
    troubles: Troubles<Utf8Bytes>,
}

/// What a new subscriber of a book gets first.
#[derive(Debug, Default)]
struct Store {
    snapshot: Option<Snapshot>,
    increments: Vec<Utf8Bytes>,
}

/// A stored book. Most are replaced before anybody subscribes, so the frame is made only for the first subscriber.
#[derive(Debug)]
enum Snapshot {
    Levels { asks: Vec<Level>, bids: Vec<Level>, sequence: u64 },
    Frame(Utf8Bytes),
}

impl Store {
    /// The frames for a new subscriber; none if there is no snapshot.
    fn replay(&mut self, market: Code) -> Vec<Utf8Bytes> {
        let frame = match &self.snapshot {
            None => return Vec::new(),
            Some(Snapshot::Frame(frame)) => frame.clone(),
            Some(Snapshot::Levels { asks, bids, sequence }) => {
                let frame = Utf8Bytes::from(view::snapshot(market, asks, bids, *sequence));
                self.snapshot = Some(Snapshot::Frame(frame.clone()));
                frame
            }
        };
        std::iter::once(frame).chain(self.increments.iter().cloned()).collect()
    }
}

impl Hub {
    pub(crate) fn new(profile: Profile) -> Self {
        Self { profile, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a socket without subscriptions. It gets the private topics of its account, if it has one.
    pub(super) fn join(&self, account: Option<AccountId>) -> Subscriber {
        let mut state = self.state();
        state.last_id += 1;
        let (socket, subscriber) = Socket::new(state.last_id, account);
        state.sockets.insert(subscriber.id, socket);
        subscriber
    }

    pub(super) fn leave(&self, id: u64) {
        self.state().remove(id);
    }

    /// Adds streams, replays books, and confirms. A private name on a public socket is ignored silently.
    pub(super) fn subscribe(&self, id: u64, names: &[String]) {
        let mut state = self.state();
        let State { sockets, holders, stores, .. } = &mut *state;
        let Some(socket) = sockets.get_mut(&id) else { return };
        for name in names {
            match name.matches('.').count() {
                0 if socket.account.is_none() => continue,
                0 | 1 => {}
                _ => {
                    socket.send(view::cannot_subscribe(name).into());
                    continue;
                }
            }
            if !socket.has(name) {
                if socket.streams.len() >= MOST_STREAMS {
                    continue;
                }
                socket.streams.push(name.clone());
                holders.entry(name.clone()).or_default().insert(id);
            }
            let market = name.strip_suffix(".ob-inc").and_then(Code::new);
            let store = market.and_then(|market| Some((market, stores.get_mut(&market)?)));
            for frame in store.map(|(market, store)| store.replay(market)).unwrap_or_default() {
                socket.send(frame);
            }
        }
        socket.send(view::confirmation("subscribed", &socket.current()).into());
        state.drop_overrun(&BTreeSet::from([id]));
    }

    /// Removes streams and confirms the remaining ones.
    pub(super) fn unsubscribe(&self, id: u64, names: &[String]) {
        let mut state = self.state();
        let State { sockets, holders, .. } = &mut *state;
        let Some(socket) = sockets.get_mut(&id) else { return };
        socket.streams.retain(|stream| !names.contains(stream));
        for name in names {
            if let Some(ids) = holders.get_mut(name) {
                ids.remove(&id);
            }
        }
        socket.send(view::confirmation("unsubscribed", &socket.current()).into());
        state.drop_overrun(&BTreeSet::from([id]));
    }

    /// Queues one frame for one socket.
    pub(super) fn send(&self, id: u64, frame: String) {
        let mut state = self.state();
        if let Some(socket) = state.sockets.get_mut(&id) {
            socket.send(frame.into());
        }
        state.drop_overrun(&BTreeSet::from([id]));
    }

    /// Sends an event of the exchange to its subscribers.
    pub(crate) fn publish(&self, event: Event) {
        let mut state = self.state();
        let profile = self.profile;
        match event {
            Event::Increment(increment) => {
                let frame = Utf8Bytes::from(view::increment(&increment, state.style));
                let store = state.stores.entry(increment.market).or_default();
                if store.snapshot.is_none() {
                    return;
                }
                store.increments.push(frame.clone());
                if !increment.lost {
                    state.send_public(&format!("{}.ob-inc", increment.market), || frame);
                }
            }
            Event::Snapshot { market, asks, bids, sequence } => {
                let snapshot = Some(Snapshot::Levels { asks, bids, sequence });
                state.stores.insert(market, Store { snapshot, increments: Vec::new() });
            }
            Event::Forget { market } => {
                state.stores.insert(market, Store::default());
            }
            Event::PublicTrade(trade) => {
                let topic = format!("{}.trades", trade.market.id);
                state.send_public(&topic, || view::public_trade(&trade).into());
            }
            Event::Order(order) => {
                state.send_private("order", order.account, || Some(view::order(profile, &order)));
            }
            Event::OwnTrade { trade, account, order_id } => {
                state.send_private("trade", account, || view::trade(profile, &trade, order_id));
            }
            Event::Balance { account, currency, precision, balance, at_ms } => {
                state.send_private("balance", account, || {
                    Some(view::balance(profile, (currency, precision), balance, at_ms))
                });
            }
        }
    }

    /// Sends a frame to every subscriber of the topic; with `None` to all sockets.
    pub(crate) fn publish_raw(&self, topic: Option<&str>, frame: &str) {
        let mut state = self.state();
        let frame = Utf8Bytes::from(frame);
        match topic {
            Some(topic) => state.send_public(topic, || frame),
            None => {
                let all = state.sockets.keys().copied().collect();
                state.send_to(&all, &[Step::Send(frame)]);
            }
        }
    }

    /// Whether the topic has a subscriber.
    pub(super) fn is_held(&self, topic: &str) -> bool {
        self.state().holders.get(topic).is_some_and(|ids| !ids.is_empty())
    }

    /// Every topic that has a subscriber.
    pub(super) fn held(&self) -> Vec<String> {
        let state = self.state();
        let held = state.holders.iter().filter(|(_, ids)| !ids.is_empty());
        held.map(|(topic, _)| topic.clone()).collect()
    }

    /// Whether any socket's queue is nearly full although its client reads.
    pub(crate) fn is_crowded(&self) -> bool {
        self.state().sockets.values().any(Socket::is_crowded)
    }

    /// Changes how increments are written from now on.
    pub(crate) fn set_style(&self, change: impl FnOnce(&mut BookStyle)) {
        change(&mut self.state().style);
    }

    /// Plans a fault for the next frames of a topic.
    pub(crate) fn trouble(&self, topic: &str, fault: FrameFault, times: u32) {
        self.state().troubles.add(topic, fault, times);
    }

    /// Removes every planned fault, and lets every socket send at full speed again.
    pub(crate) fn clear_troubles(&self) {
        let mut state = self.state();
        state.troubles.clear();
        state.sockets.values().for_each(|socket| socket.signals.set_rate(0));
    }

    /// Drops every socket without a close frame. Returns how many there were.
    pub(crate) fn drop_sockets(&self) -> usize {
        let mut state = self.state();
        state.holders.clear();
        let sockets = std::mem::take(&mut state.sockets);
        sockets.values().for_each(|socket| socket.signals.kill.notify_one());
        sockets.len()
    }

    /// Leaves every socket open but unused. Returns how many there were.
    pub(crate) fn freeze_sockets(&self) -> usize {
        let mut state = self.state();
        state.holders.clear();
        let sockets = std::mem::take(&mut state.sockets);
        sockets.values().for_each(|socket| socket.signals.freeze.notify_one());
        sockets.len()
    }

    /// Limits each open socket to this many bytes a second. Returns how many there are.
    pub(crate) fn throttle_sockets(&self, bytes_per_second: u32) -> usize {
        let state = self.state();
        state.sockets.values().for_each(|socket| socket.signals.set_rate(bytes_per_second));
        state.sockets.len()
    }
}

impl State {
    fn send_public(&mut self, topic: &str, frame: impl FnOnce() -> Utf8Bytes) {
        // The frame is made only if the topic has a subscriber.
        let Some(ids) = self.holders.get(topic).filter(|ids| !ids.is_empty()).cloned() else { return };
        self.send_topic(topic, &ids, frame());
    }

    fn send_private(&mut self, topic: &str, account: AccountId, render: impl FnOnce() -> Option<String>) {
        let holders = self.holders.get(topic).into_iter().flatten().copied();
        let own = |id: &u64| self.sockets.get(id).is_some_and(|socket| socket.account == Some(account));
        let ids: BTreeSet<u64> = holders.filter(own).collect();
        if ids.is_empty() {
            return;
        }
        if let Some(frame) = render() {
            self.send_topic(topic, &ids, frame.into());
        }
    }

    fn send_topic(&mut self, topic: &str, ids: &BTreeSet<u64>, frame: Utf8Bytes) {
        if self.troubles.is_empty() {
            self.send_to(ids, &[Step::Send(frame)]);
        } else {
            let steps = self.troubles.meet(topic, frame);
            self.send_to(ids, &steps);
        }
    }

    fn send_to(&mut self, ids: &BTreeSet<u64>, steps: &[Step<Utf8Bytes>]) {
        for id in ids {
            let Some(socket) = self.sockets.get_mut(id) else { continue };
            for step in steps {
                socket.put(match step {
                    Step::Send(frame) => Item::Frame(frame.clone()),
                    Step::Wait(pause) => Item::Pause(*pause),
                });
            }
        }
        self.drop_overrun(ids);
    }

    /// Drops those of these sockets whose queue was full.
    fn drop_overrun(&mut self, ids: &BTreeSet<u64>) {
        for id in ids {
            if self.sockets.get(id).is_some_and(Socket::is_overrun) {
                self.remove(*id);
            }
        }
    }

    /// Removes a socket, and ends its connection if it is still open.
    fn remove(&mut self, id: u64) {
        let Some(socket) = self.sockets.remove(&id) else { return };
        for stream in &socket.streams {
            if let Some(ids) = self.holders.get_mut(stream) {
                ids.remove(&id);
                if ids.is_empty() {
                    self.holders.remove(stream);
                }
            }
        }
        socket.signals.kill.notify_one();
    }
}

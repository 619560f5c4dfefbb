//! The hub: which socket is subscribed to what, and what new subscribers of a book get first.
//!
//! 1. Every socket has a queue of 256 frames. If the queue is full, the socket is dropped at once, without a close frame.
//! 2. A subscription to `{market}.ob-inc` first gets the stored snapshot and increments, then the confirmation. This
//!    happens at each subscription request, even if the socket is already subscribed.
//! 3. A new snapshot is stored, but not sent to the subscribed sockets.
//! 4. While the store has no snapshot, increments of that market are dropped.
//! 5. An event does not wake the connections; [`Hub::wake_connections`] does, a few at a time. With many sockets, more
//!    events happen meanwhile, and each connection sends all of its frames in one write.

use super::{
    queue::Item,
    socket::{Socket, Subscriber},
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
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio::sync::Notify;
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// The largest number of streams of one socket; further ones are missing from the confirmation.
const MOST_STREAMS: usize = 500;
/// How many connections are woken before others get time to run.
const WOKEN_AT_ONCE: usize = 32;

/// The sockets and the book store.
#[derive(Debug)]
pub(crate) struct Hub {
    profile: Profile,
    state: Mutex<State>,
    /// Notified when a socket was added to `to_wake`.
    more_to_wake: Notify,
}

#[derive(Debug, Default)]
struct State {
    last_id: u64,
    sockets: BTreeMap<u64, Socket>,
    /// The sockets that have frames and whose connections must be woken.
    to_wake: VecDeque<u64>,
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
        Self { profile, state: Mutex::default(), more_to_wake: Notify::new() }
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
        state.drop_if_overrun(id);
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
        state.drop_if_overrun(id);
    }

    /// Queues one frame for one socket.
    pub(super) fn send(&self, id: u64, frame: String) {
        let mut state = self.state();
        if let Some(socket) = state.sockets.get_mut(&id) {
            socket.send(frame.into());
        }
        state.drop_if_overrun(id);
    }

    /// Sends an event of the exchange to its subscribers. False if it has none.
    pub(crate) fn publish(&self, event: Event) -> bool {
        let sent = self.state().publish(self.profile, event);
        if sent {
            self.more_to_wake.notify_one();
        }
        sent
    }

    /// Sends a frame to every subscriber of the topic; with `None` to all sockets.
    pub(crate) fn publish_raw(&self, topic: Option<&str>, frame: &str) {
        let mut state = self.state();
        let frame = Utf8Bytes::from(frame);
        match topic {
            Some(topic) => {
                state.send_public(topic, || frame);
            }
            None => {
                let all: Vec<u64> = state.sockets.keys().copied().collect();
                let State { sockets, to_wake, .. } = &mut *state;
                let overrun = put(sockets, to_wake, &all, &[Step::Send(frame)]);
                state.remove_all(&overrun);
            }
        }
        self.more_to_wake.notify_one();
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

    /// Wakes the connections that have something to send, a few at a time. Never returns.
    pub(crate) async fn wake_connections(&self) {
        loop {
            if self.wake_some() {
                // Those that were woken write first. Requests that come meanwhile are answered, and their events are sent
                // together with those that wait.
                tokio::task::yield_now().await;
            } else {
                self.more_to_wake.notified().await;
            }
        }
    }

    fn wake_some(&self) -> bool {
        let State { sockets, to_wake, .. } = &mut *self.state();
        let some = to_wake.len().min(WOKEN_AT_ONCE);
        for id in to_wake.drain(..some) {
            // A socket that is gone needs nothing.
            sockets.get(&id).into_iter().for_each(Socket::wake);
        }
        some > 0
    }

    /// Whether connections must still be woken.
    pub(crate) fn is_waking(&self) -> bool {
        !self.state().to_wake.is_empty()
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
    fn publish(&mut self, profile: Profile, event: Event) -> bool {
        match event {
            Event::Increment(increment) => {
                let frame = Utf8Bytes::from(view::increment(&increment, self.style));
                let store = self.stores.entry(increment.market).or_default();
                if store.snapshot.is_none() {
                    return false;
                }
                store.increments.push(frame.clone());
                !increment.lost && self.send_public(&format!("{}.ob-inc", increment.market), || frame)
            }
            Event::Snapshot { market, asks, bids, sequence } => {
                let snapshot = Some(Snapshot::Levels { asks, bids, sequence });
                self.stores.insert(market, Store { snapshot, increments: Vec::new() });
                false
            }
            Event::Forget { market } => {
                self.stores.insert(market, Store::default());
                false
            }
            Event::PublicTrade(trade) => {
                let topic = format!("{}.trades", trade.market.id);
                self.send_public(&topic, || view::public_trade(&trade).into())
            }
            Event::Order(order) => {
                self.send_private("order", order.account, || Some(view::order(profile, &order)))
            }
            Event::OwnTrade { trade, account, order_id } => {
                self.send_private("trade", account, || view::trade(profile, &trade, order_id))
            }
            Event::Balance { account, currency, precision, balance, at_ms } => {
                self.send_private("balance", account, || {
                    Some(view::balance(profile, (currency, precision), balance, at_ms))
                })
            }
        }
    }

    /// Sends a frame to the topic's subscribers. It is made only if there is one; false if there is none.
    fn send_public(&mut self, topic: &str, frame: impl FnOnce() -> Utf8Bytes) -> bool {
        let Self { holders, sockets, to_wake, troubles, .. } = self;
        let Some(ids) = holders.get(topic).filter(|ids| !ids.is_empty()) else { return false };
        let overrun = put(sockets, to_wake, ids, &troubles.meet(topic, frame()));
        self.remove_all(&overrun);
        true
    }

    fn send_private(
        &mut self,
        topic: &str,
        account: AccountId,
        render: impl FnOnce() -> Option<String>,
    ) -> bool {
        let Self { holders, sockets, to_wake, troubles, .. } = self;
        let own = |id: &&u64| sockets.get(id).is_some_and(|socket| socket.account == Some(account));
        let ids: Vec<u64> = holders.get(topic).into_iter().flatten().filter(own).copied().collect();
        if ids.is_empty() {
            return false;
        }
        let Some(frame) = render() else { return false };
        let overrun = put(sockets, to_wake, &ids, &troubles.meet(topic, frame.into()));
        self.remove_all(&overrun);
        true
    }

    /// Drops the socket if its queue was full.
    fn drop_if_overrun(&mut self, id: u64) {
        if self.sockets.get(&id).is_some_and(Socket::is_overrun) {
            self.remove(id);
        }
    }

    fn remove_all(&mut self, ids: &[u64]) {
        ids.iter().for_each(|id| self.remove(*id));
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

/// Queues the same for several sockets, and notes who must be woken. Returns those whose queue was full.
fn put<'a>(
    sockets: &mut BTreeMap<u64, Socket>,
    to_wake: &mut VecDeque<u64>,
    ids: impl IntoIterator<Item = &'a u64>,
    steps: &[Step<Utf8Bytes>],
) -> Vec<u64> {
    let mut overrun = Vec::new();
    for id in ids {
        let Some(socket) = sockets.get_mut(id) else { continue };
        for step in steps {
            let must_wake = socket.put(match step {
                Step::Send(frame) => Item::Frame(frame.clone()),
                Step::Wait(pause) => Item::Pause(*pause),
            });
            if must_wake {
                to_wake.push_back(*id);
            }
        }
        if socket.is_overrun() {
            overrun.push(*id);
        }
    }
    overrun
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_woken_a_few_at_a_time_and_once_for_many_frames() {
        let hub = Hub::new(Profile::Docs);
        let subscribers: Vec<_> = (0..=WOKEN_AT_ONCE).map(|_| hub.join(None)).collect();
        assert!(!hub.is_waking() && !hub.wake_some());
        for _ in 0..3 {
            hub.publish_raw(None, "text");
        }
        assert!(hub.wake_some());
        assert!(hub.is_waking(), "one is left");
        hub.leave(subscribers[WOKEN_AT_ONCE].id);
        assert!(hub.wake_some(), "it is gone, and needs nothing");
        assert!(!hub.is_waking() && !hub.wake_some());
        let mut taken = 0;
        while subscribers[0].queue.take().is_some() {
            taken += 1;
        }
        assert_eq!(taken, 3);
        hub.publish_raw(None, "text");
        assert!(hub.wake_some(), "the first one has emptied its queue and sleeps again");
        assert!(!hub.wake_some(), "the others have not taken anything yet");
    }
}

//! The state of a stream, without I/O and without a clock: time comes in as a value, what to do goes out.
//!
//! The exchange's rules, as far as they matter here:
//!
//! 1. A connection and each request is answered by a list of **all** current subscriptions. There is no request id:
//!    answers come in order.
//! 2. A name that the connection may not see is dropped in silence: it is missing from that list.
//! 3. A book's snapshot and stored increments come before the answer to its subscription. Subscribing again, also to
//!    what is subscribed, brings them again.
//! 4. More than 256 frames of that kind, over all streams in the handshake, kill the connection at once: after a
//!    connection that died before its handshake was confirmed, books are subscribed to one by one, until a connection
//!    has lived for a minute.
//! 5. A text frame of more than 512 bytes from us closes the connection.
//! 6. A nonce is checked at the handshake only, so each connection is signed anew.
//! 7. Nothing is replayed for topics of the account: what happened while they were not confirmed is a gap.

use crate::{
    Error, Event, Interruption, Kind, Topic,
    frame::{self, Frame},
    reconnect::{Backoff, HEALTHY},
};
use bytes::Bytes;
use capecrypto_models::Timestamp;
use std::{
    collections::{BTreeSet, VecDeque},
    time::Duration,
};

/// Longest text frame that the server takes.
const LONGEST_FRAME: usize = 512;
/// Longest query that is put into a handshake; what does not fit is subscribed to afterwards.
const LONGEST_QUERY: usize = 1_500;
/// Refusals of the credentials in a row after which the stream ends.
const MOST_REFUSALS: u32 = 2;
/// What came last before a loss may not have been the last that was sent: a gap begins this much earlier.
const OVERLAP_MS: u64 = 5_000;

/// Deadlines of a stream. Each has a default; only staleness can be switched off, and is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// How often the connection is pinged. Default 15 s.
    pub ping_every: Duration,
    /// How long after a ping anything has to come. Default 10 s.
    pub pong_within: Duration,
    /// How long a subscription may stay unconfirmed before the connection is given up. Default 10 s.
    pub confirm_within: Duration,
    /// After how long without a message [`Event::Stale`] is told. Default never: a market may be quiet.
    pub stale_after: Option<Duration>,
    /// What the random part of the waits between two connections begins with. Default a random number; with a number of
    /// your own a run can be repeated.
    pub seed: Option<u64>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            ping_every: Duration::from_secs(15),
            pong_within: Duration::from_secs(10),
            confirm_within: Duration::from_secs(10),
            stale_after: None,
            seed: None,
        }
    }
}

impl Config {
    /// The same with other times for the heartbeat.
    #[must_use]
    pub fn heartbeat(self, ping_every: Duration, pong_within: Duration) -> Self {
        Self { ping_every, pong_within, ..self }
    }

    /// The same with another time for the answer to a subscription.
    #[must_use]
    pub fn confirm_within(self, confirm_within: Duration) -> Self {
        Self { confirm_within, ..self }
    }

    /// The same with a start for the random part of the waits.
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        Self { seed: Some(seed), ..self }
    }

    /// A time of zero would ping or reconnect without end, and a very long one would never notice a dead connection.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let day = Duration::from_secs(24 * 60 * 60);
        let times = [
            ("ping_every", Some(self.ping_every)),
            ("pong_within", Some(self.pong_within)),
            ("confirm_within", Some(self.confirm_within)),
            ("stale_after", self.stale_after),
        ];
        let bad = times.into_iter().find(|(_, time)| time.is_some_and(|time| time.is_zero() || time > day));
        match bad {
            Some((name, Some(time))) => Err(Error::new(
                Kind::InvalidArgument,
                format!("config: {name} is {time:?}; give a time above zero and up to a day"),
            )),
            _ => Ok(()),
        }
    }

    /// The same with a time after which silence is told.
    #[must_use]
    pub fn stale_after(self, stale_after: Duration) -> Self {
        Self { stale_after: Some(stale_after), ..self }
    }
}

/// A moment: time since the session began, and the wall's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Now {
    pub(crate) elapsed: Duration,
    pub(crate) unix_millis: u64,
}

/// What the socket's task has to do next.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Action {
    /// Make a connection with this query.
    Connect { query: String, private: bool },
    /// Send a text frame.
    Send(String),
    /// Send a ping of the protocol.
    Ping,
    /// Give the connection up.
    Disconnect,
    /// Tell the consumer.
    Emit(Event),
    /// Nothing follows.
    Stop,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// A connection is to be made at this time.
    Waiting { until: Duration },
    /// A handshake is under way.
    Connecting,
    /// A connection stands.
    Open(Open),
    /// Nothing follows.
    Stopped,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Open {
    since: Duration,
    /// When a ping is to be sent, or was sent and not answered.
    ping: Ping,
    /// When a message came last.
    message: Duration,
    told_stale: bool,
    /// How often the server has told what is subscribed.
    confirmations: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ping {
    DueAt(Duration),
    SentAt(Duration),
}

/// A request to be sent, of names that fit one frame.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Request {
    event: &'static str,
    names: Vec<String>,
}

#[derive(Debug)]
pub(crate) struct Session {
    config: Config,
    /// Whether connections are signed: decided by the first topics, and kept.
    private: bool,
    state: State,
    backoff: Backoff,
    /// What the consumer wants, in the order of asking.
    wanted: Vec<Topic>,
    /// What this connection has asked for by now, by name.
    asked_for: BTreeSet<String>,
    /// What the server listed last, by name.
    confirmed: BTreeSet<String>,
    /// Requests that wait to be sent, one at a time.
    requests: VecDeque<Request>,
    /// When the handshake or request was sent that the server has not answered yet.
    unanswered: Option<Duration>,
    /// Rule 4 struck: subscribe to books one by one.
    one_by_one: bool,
    missing: BTreeSet<Topic>,
    connections: u64,
    refusals: u32,
    /// Everything wanted is confirmed, so that nothing is missed.
    covered: bool,
    /// Until when nothing was missed, on the wall clock; nothing before the first connection.
    covered_until: Option<u64>,
    actions: VecDeque<Action>,
}

impl Session {
    pub(crate) fn new(config: Config, wanted: Vec<Topic>, seed: u64) -> Self {
        let mut session = Self {
            config,
            private: wanted.iter().any(Topic::is_private),
            state: State::Connecting,
            backoff: Backoff::new(seed),
            wanted: Vec::new(),
            asked_for: BTreeSet::new(),
            confirmed: BTreeSet::new(),
            requests: VecDeque::new(),
            unanswered: None,
            one_by_one: false,
            missing: BTreeSet::new(),
            connections: 0,
            refusals: 0,
            covered: false,
            covered_until: None,
            actions: VecDeque::new(),
        };
        for topic in wanted {
            if !session.wanted.contains(&topic) {
                session.wanted.push(topic);
            }
        }
        session.connect();
        session
    }

    /// What to do next; `None` until something happens.
    pub(crate) fn poll(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When [`tick`](Self::tick) has something to do, if nothing happens before.
    pub(crate) fn wake_at(&self) -> Option<Duration> {
        match self.state {
            State::Waiting { until } => Some(until),
            State::Open(open) => {
                let ping = match open.ping {
                    Ping::DueAt(due) => due,
                    Ping::SentAt(sent) => sent.saturating_add(self.config.pong_within),
                };
                let confirm = self.unanswered.map(|at| at.saturating_add(self.config.confirm_within));
                let age = self.config.stale_after.filter(|_| !open.told_stale);
                let stale = age.map(|age| open.message.saturating_add(age));
                [Some(ping), confirm, stale].into_iter().flatten().min()
            }
            State::Connecting | State::Stopped => None,
        }
    }

    fn connect(&mut self) {
        self.state = State::Connecting;
        self.confirmed.clear();
        self.requests.clear();
        self.asked_for.clear();
        let mut query = String::new();
        for topic in &self.wanted {
            let name = topic.name();
            // Only books are replayed.
            let later = self.one_by_one && matches!(topic, Topic::Book(_));
            if !later && query.len() + name.len() <= LONGEST_QUERY {
                let separator = if query.is_empty() { "" } else { "&" };
                query.extend([separator, "stream=", &name]);
                self.asked_for.insert(name);
            }
        }
        self.actions.push_back(Action::Connect { query, private: self.private });
    }

    /// The handshake was accepted.
    pub(crate) fn connected(&mut self, now: Now) {
        self.connections += 1;
        self.refusals = 0;
        self.state = State::Open(Open {
            since: now.elapsed,
            ping: Ping::DueAt(now.elapsed.saturating_add(self.config.ping_every)),
            message: now.elapsed,
            told_stale: false,
            confirmations: 0,
        });
        // What the handshake did not ask for, or no longer has to: the consumer may have changed its mind meanwhile.
        let wanted: Vec<_> = self.wanted.iter().map(Topic::name).collect();
        let rest: Vec<_> = wanted.iter().filter(|name| !self.asked_for.contains(*name)).cloned().collect();
        let surplus: Vec<_> = self.asked_for.iter().filter(|name| !wanted.contains(name)).cloned().collect();
        self.enqueue("subscribe", &rest, self.one_by_one);
        self.enqueue("unsubscribe", &surplus, false);
        // Rule 1: the handshake is answered too.
        self.unanswered = Some(now.elapsed);
        self.covered = false;
        self.covered_until.get_or_insert(now.unix_millis);
        self.emit(Event::Connected { connections: self.connections });
    }

    /// The handshake failed. Refused credentials end the stream at the second time in a row.
    pub(crate) fn connect_failed(&mut self, now: Now, refused: bool, what: String) {
        if !refused {
            self.refusals = 0;
            return self.wait(now, None, Interruption::Failed { what });
        }
        self.refusals += 1;
        let why = Interruption::Refused { what };
        if self.refusals < MOST_REFUSALS {
            return self.wait(now, None, why);
        }
        self.state = State::Stopped;
        self.emit(Event::Ended { why });
        self.actions.push_back(Action::Stop);
    }

    /// The connection is gone.
    pub(crate) fn disconnected(&mut self, now: Now, why: Interruption) {
        let State::Open(open) = self.state else { return };
        let lived = now.elapsed.saturating_sub(open.since);
        if open.confirmations == 0 {
            self.one_by_one = true;
        } else if lived >= HEALTHY {
            self.one_by_one = false;
        }
        self.covered = false;
        self.unanswered = None;
        self.wait(now, Some(lived), why);
    }

    fn wait(&mut self, now: Now, lived: Option<Duration>, why: Interruption) {
        let retry_in = self.backoff.next(lived);
        self.state = State::Waiting { until: now.elapsed + retry_in };
        self.missing.clear();
        self.emit(Event::Disconnected { why, retry_in });
    }

    /// Bytes came, of a message that is not complete yet: the connection lives, and what it is asked for may be in them.
    pub(crate) fn bytes_came(&mut self, now: Now) {
        if let State::Open(open) = &mut self.state {
            open.ping = Ping::DueAt(now.elapsed.saturating_add(self.config.ping_every));
            if self.unanswered.is_some() {
                self.unanswered = Some(now.elapsed);
            }
        }
    }

    /// A ping or pong came.
    pub(crate) fn heard(&mut self, now: Now) {
        if let State::Open(open) = &mut self.state {
            open.ping = Ping::DueAt(now.elapsed.saturating_add(self.config.ping_every));
            if self.covered {
                self.covered_until = Some(now.unix_millis);
            }
        }
    }

    /// A text frame came.
    pub(crate) fn received(&mut self, now: Now, text: Bytes) {
        self.heard(now);
        if let State::Open(open) = &mut self.state {
            open.message = now.elapsed;
            open.told_stale = false;
        }
        let mut frames = Vec::new();
        let actions = &mut self.actions;
        frame::read(text, |frame| match frame {
            Frame::Event(event) => actions.push_back(Action::Emit(event)),
            frame => frames.push(frame),
        });
        for frame in frames {
            if let Frame::Subscriptions(names) = frame {
                self.answered(now, names);
            }
        }
    }

    /// The server answered the handshake or a request with what is subscribed now.
    fn answered(&mut self, now: Now, names: Option<Vec<String>>) {
        self.unanswered = None;
        if let State::Open(open) = &mut self.state {
            open.confirmations += 1;
        }
        match names {
            Some(names) => self.confirmed = names.into_iter().collect(),
            // A server that does not list them: take its word.
            None => self.confirmed.clone_from(&self.asked_for),
        }
        let topics = self.confirmed.iter().filter_map(|name| Topic::parse(name)).collect();
        self.emit(Event::Subscribed { topics });
        self.send_next(now);
        let missing = self.missing_now();
        let all_asked = self.unanswered.is_none();
        // Books have a sequence and snapshots; what is missed of the account, nothing brings back (rule 7).
        if !self.covered && (all_asked || !missing.iter().any(Topic::is_private)) {
            self.cover(now);
        }
        if all_asked {
            if !missing.is_subset(&self.missing) {
                self.emit(Event::NotSubscribed { topics: missing.iter().cloned().collect() });
            }
            self.missing = missing;
        }
    }

    /// From now on nothing is missed.
    fn cover(&mut self, now: Now) {
        self.covered = true;
        let until = self.covered_until.replace(now.unix_millis);
        if self.connections > 1
            && let Some(until) = until
        {
            let from = wall(until.saturating_sub(OVERLAP_MS));
            self.emit(Event::Gap { from, to: wall(now.unix_millis) });
        }
    }

    fn missing_now(&self) -> BTreeSet<Topic> {
        self.wanted.iter().filter(|topic| !self.confirmed.contains(&topic.name())).cloned().collect()
    }

    fn send_next(&mut self, now: Now) {
        if self.unanswered.is_some() || !matches!(self.state, State::Open(_)) {
            return;
        }
        if let Some(Request { event, names }) = self.requests.pop_front() {
            self.unanswered = Some(now.elapsed);
            let text = format!(r#"{{"event":"{event}","streams":["{}"]}}"#, names.join("\",\""));
            for name in names {
                if event == "subscribe" {
                    self.asked_for.insert(name);
                } else {
                    self.asked_for.remove(&name);
                }
            }
            self.actions.push_back(Action::Send(text));
        }
    }

    /// Subscribes to more, or again to what is subscribed (rule 3).
    pub(crate) fn subscribe(&mut self, now: Now, topics: Vec<Topic>) {
        let names: Vec<_> = topics.iter().map(Topic::name).collect();
        for topic in topics {
            if !self.wanted.contains(&topic) {
                self.wanted.push(topic);
            }
        }
        self.request(now, "subscribe", &names, self.one_by_one);
    }

    /// Subscribes again to each of these that is still wanted, in a request of its own: each brings a replay (rule 4).
    pub(crate) fn subscribe_again(&mut self, now: Now, topics: &[Topic]) {
        let wanted = topics.iter().filter(|topic| self.wanted.contains(topic));
        let names: Vec<_> = wanted.map(Topic::name).collect();
        self.request(now, "subscribe", &names, true);
    }

    pub(crate) fn unsubscribe(&mut self, now: Now, topics: &[Topic]) {
        self.wanted.retain(|topic| !topics.contains(topic));
        self.missing.retain(|topic| !topics.contains(topic));
        let names: Vec<_> = topics.iter().map(Topic::name).collect();
        self.request(now, "unsubscribe", &names, false);
    }

    /// Without a connection there is nothing to ask: the next one asks for what is wanted then.
    fn request(&mut self, now: Now, event: &'static str, names: &[String], singly: bool) {
        if let State::Open(_) = self.state {
            // The last word on a name counts.
            for waiting in &mut self.requests {
                waiting.names.retain(|name| !names.contains(name));
            }
            self.requests.retain(|waiting| !waiting.names.is_empty());
            self.enqueue(event, names, singly);
            self.send_next(now);
        }
    }

    /// Adds requests of at most 512 bytes (rule 5). A name has 64 + 10 bytes at most, so one always fits. Topic names
    /// are made of checked ids, so nothing in them needs escaping.
    fn enqueue(&mut self, event: &'static str, names: &[String], singly: bool) {
        const FRAME: usize = r#"{"event":"unsubscribe","streams":[]}"#.len();
        let mut size = usize::MAX;
        for name in names {
            let longer = size.saturating_add(name.len() + 3);
            match self.requests.back_mut() {
                Some(last) if !singly && longer <= LONGEST_FRAME => {
                    last.names.push(name.clone());
                    size = longer;
                }
                _ => {
                    self.requests.push_back(Request { event, names: vec![name.clone()] });
                    size = FRAME + name.len() + 3;
                }
            }
        }
    }

    /// Time has passed.
    pub(crate) fn tick(&mut self, now: Now) {
        match self.state {
            State::Waiting { until } if now.elapsed >= until => self.connect(),
            State::Open(open) => self.tick_open(now, open),
            State::Waiting { .. } | State::Connecting | State::Stopped => {}
        }
    }

    fn tick_open(&mut self, now: Now, mut open: Open) {
        if self.unanswered.is_some_and(|at| now.elapsed >= at.saturating_add(self.config.confirm_within)) {
            return self.give_up(now, Interruption::Unconfirmed);
        }
        match open.ping {
            Ping::SentAt(sent) if now.elapsed >= sent.saturating_add(self.config.pong_within) => {
                return self.give_up(now, Interruption::Silent);
            }
            Ping::DueAt(due) if now.elapsed >= due => {
                open.ping = Ping::SentAt(now.elapsed);
                self.actions.push_back(Action::Ping);
            }
            Ping::SentAt(_) | Ping::DueAt(_) => {}
        }
        let silent_for = now.elapsed.saturating_sub(open.message);
        if !open.told_stale && self.config.stale_after.is_some_and(|age| silent_for >= age) {
            open.told_stale = true;
            self.emit(Event::Stale { silent_for });
        }
        self.state = State::Open(open);
    }

    fn give_up(&mut self, now: Now, why: Interruption) {
        self.actions.push_back(Action::Disconnect);
        self.disconnected(now, why);
    }

    fn emit(&mut self, event: Event) {
        self.actions.push_back(Action::Emit(event));
    }
}

fn wall(unix_millis: u64) -> Timestamp {
    let millis = i64::try_from(unix_millis).unwrap_or(i64::MAX);
    Timestamp::from_unix_millis(millis).unwrap_or_else(|_| std::time::SystemTime::UNIX_EPOCH.into())
}

#[cfg(test)]
mod tests;

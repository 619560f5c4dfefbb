//! The state of a stream, without I/O and without a clock: time comes in as a value, actions go out.
//!
//! 1. [`subscriptions`] decides what is asked for, and when. [`coverage`] knows which events of the account may be lost.
//! 2. A ping is sent at a steady pace. If nothing at all comes for some time after a ping, the connection is given up. The server is
//!    also asked for its list of subscriptions: it proves until when nothing of the account was missed, and shows topics that have
//!    ended without a word.
//! 3. A nonce is checked at the handshake only, so each connection is signed anew.
//! 4. If the wall clock jumps ahead of the monotonic one, the machine slept. The connection is given up at once, because it may
//!    have died meanwhile.

mod config;
mod coverage;
mod subscriptions;
#[cfg(test)]
mod tests;

use self::{coverage::Coverage, subscriptions::Subscriptions};
use crate::{
    Event, Interruption, Topic,
    frame::{self, Frame, Names},
    reconnect::{Backoff, HEALTHY},
};
use bytes::Bytes;
use capecrypto_models::{MarketId, Timestamp};
use std::{
    collections::{BTreeSet, VecDeque},
    time::Duration,
};

pub use self::config::Config;

/// Refusals of the credentials in a row after which the stream ends.
const MOST_REFUSALS: u32 = 2;
/// The longest wait that a server may ask for.
const LONGEST_ASKED: Duration = Duration::from_secs(60 * 60);
/// How much the wall clock may gain on the monotonic one before it counts as a jump (rule 4).
const JUMP_MS: i128 = 10_000;
/// The first and the longest wait before a topic that the server did not list is asked for again.
const MISSING_FIRST: Duration = Duration::from_secs(10);
const MISSING_LONGEST: Duration = Duration::from_secs(300);

/// A moment: the time since the session began, and the wall clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Now {
    pub(crate) elapsed: Duration,
    pub(crate) unix_millis: u64,
}

impl Now {
    /// How far the wall clock is ahead of the monotonic one.
    fn ahead_ms(self) -> i128 {
        i128::from(self.unix_millis) - i128::try_from(self.elapsed.as_millis()).unwrap_or(i128::MAX)
    }
}

/// Why a handshake failed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) what: String,
    /// Whether the server refuses the credentials.
    pub(crate) refused: bool,
    /// The wait that the server asked for.
    pub(crate) retry_after: Option<Duration>,
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
    /// Drop the connection.
    Disconnect,
    /// Give the consumer an event.
    Emit(Event),
    /// End the task; no action follows.
    Stop,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// A connection is to be made at this time.
    Waiting { until: Duration },
    /// A handshake is under way.
    Connecting,
    /// A connection is open.
    Open(Open),
    /// The stream has ended.
    Stopped,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Open {
    since: Duration,
    /// When the next ping is to be sent.
    next_ping: Duration,
    /// When the next list is to be asked for.
    next_list: Duration,
    /// When the first ping after the last sign of life was sent.
    unheard: Option<Duration>,
    /// When a message came last.
    message: Duration,
    told_stale: bool,
    /// Whether the server has answered the handshake.
    answered: bool,
    /// Whether it has lived long enough to be a good connection.
    healthy: bool,
    ahead_ms: i128,
}

/// The handshake or request that the server has not answered yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Asked {
    /// The deadline for the answer counts from here.
    at: Duration,
    sent_ms: u64,
}

/// When what is missing is asked for again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Retry {
    at: Duration,
    wait: Duration,
}

#[derive(Debug)]
pub(crate) struct Session {
    config: Config,
    /// Whether connections are signed. The first topics decide it for the whole stream.
    private: bool,
    state: State,
    backoff: Backoff,
    subscriptions: Subscriptions,
    coverage: Coverage,
    asked: Option<Asked>,
    /// The topics that the consumer was told are missing.
    missing: BTreeSet<Topic>,
    retry: Option<Retry>,
    connections: u64,
    refusals: u32,
    actions: VecDeque<Action>,
}

impl Session {
    pub(crate) fn new(config: Config, wanted: &[Topic], seed: u64, now: Now) -> Self {
        let mut session = Self {
            config,
            private: wanted.iter().any(Topic::is_private),
            state: State::Connecting,
            backoff: Backoff::new(seed),
            subscriptions: Subscriptions::default(),
            coverage: Coverage::default(),
            asked: None,
            missing: BTreeSet::new(),
            retry: None,
            connections: 0,
            refusals: 0,
            actions: VecDeque::new(),
        };
        session.subscriptions.want_all(wanted);
        session.connect(now);
        session
    }

    /// What to do next; `None` until something happens.
    pub(crate) fn poll(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// Whether there is something to do.
    pub(crate) fn has_actions(&self) -> bool {
        !self.actions.is_empty()
    }

    /// When [`tick`](Self::tick) has something to do, if nothing happens before.
    pub(crate) fn wake_at(&self) -> Option<Duration> {
        match self.state {
            State::Waiting { until } => Some(until),
            State::Open(open) => {
                let silent = open.unheard.map(|at| at.saturating_add(self.config.pong_within));
                let confirm = self.asked.map(|asked| asked.at.saturating_add(self.config.confirm_within));
                let age = self.config.stale_after.filter(|_| !open.told_stale);
                let stale = age.map(|age| open.message.saturating_add(age));
                let healthy = (!open.healthy).then(|| open.since.saturating_add(HEALTHY));
                // Not while a request is under way: its answer brings the time to look.
                let retry = self.retry.filter(|_| self.subscriptions.is_settled()).map(|retry| retry.at);
                let next = [open.next_ping, open.next_list].map(Some);
                [silent, confirm, stale, healthy, retry].into_iter().chain(next).flatten().min()
            }
            State::Connecting | State::Stopped => None,
        }
    }

    fn connect(&mut self, now: Now) {
        self.state = State::Connecting;
        let (query, topics) = self.subscriptions.handshake();
        self.note_asked(now, &topics);
        self.actions.push_back(Action::Connect { query, private: self.private });
    }

    fn note_asked(&mut self, now: Now, topics: &[Topic]) {
        self.asked = Some(Asked { at: now.elapsed, sent_ms: now.unix_millis });
        topics.iter().for_each(|topic| self.coverage.asked(topic, now.unix_millis));
    }

    /// The handshake was accepted.
    pub(crate) fn connected(&mut self, now: Now) {
        self.connections += 1;
        self.refusals = 0;
        self.state = State::Open(Open {
            since: now.elapsed,
            next_ping: now.elapsed.saturating_add(self.config.ping_every),
            next_list: now.elapsed.saturating_add(self.config.list_every),
            unheard: None,
            message: now.elapsed,
            told_stale: false,
            answered: false,
            healthy: false,
            ahead_ms: now.ahead_ms(),
        });
        self.subscriptions.connected();
        // The server answers the handshake with a list. The deadline for it starts when the connection is open.
        if let Some(asked) = &mut self.asked {
            asked.at = now.elapsed;
        }
        self.emit(Event::Connected { connections: self.connections });
    }

    /// The handshake failed. Refused credentials end the stream at the second time in a row.
    pub(crate) fn connect_failed(&mut self, now: Now, failure: Failure) {
        let Failure { what, refused, retry_after } = failure;
        if !refused {
            self.refusals = 0;
            return self.wait(now, None, retry_after, Interruption::Failed { what });
        }
        self.refusals += 1;
        let why = Interruption::Refused { what };
        if self.refusals < MOST_REFUSALS {
            return self.wait(now, None, retry_after, why);
        }
        self.state = State::Stopped;
        self.emit(Event::Ended { why });
        self.actions.push_back(Action::Stop);
    }

    /// The connection is gone.
    pub(crate) fn disconnected(&mut self, now: Now, why: Interruption) {
        let State::Open(open) = self.state else { return };
        let lived = now.elapsed.saturating_sub(open.since);
        self.subscriptions.disconnected(open.answered, lived >= HEALTHY);
        self.coverage.disconnected();
        self.wait(now, Some((lived, open.answered)), None, why);
    }

    fn wait(
        &mut self,
        now: Now,
        lived: Option<(Duration, bool)>,
        retry_after: Option<Duration>,
        why: Interruption,
    ) {
        let retry_in = self.backoff.next(lived).max(retry_after.unwrap_or_default().min(LONGEST_ASKED));
        self.state = State::Waiting { until: now.elapsed.saturating_add(retry_in) };
        self.asked = None;
        self.missing.clear();
        self.retry = None;
        self.emit(Event::Disconnected { why, retry_in });
    }

    /// Bytes of an incomplete message came: the connection is alive, and the message may be the answer that is awaited.
    pub(crate) fn bytes_came(&mut self, now: Now) {
        if let State::Open(open) = &mut self.state {
            open.unheard = None;
            if let Some(asked) = &mut self.asked {
                asked.at = now.elapsed;
            }
        }
    }

    /// A message or a ping or pong came. `false`: the connection was given up, so it does not count.
    pub(crate) fn heard(&mut self, now: Now) -> bool {
        if self.slept(now) {
            return false;
        }
        if let State::Open(open) = &mut self.state {
            open.unheard = None;
        }
        true
    }

    /// A text frame came.
    pub(crate) fn message_came(&mut self, now: Now) {
        if let State::Open(open) = &mut self.state {
            open.message = now.elapsed;
            open.told_stale = false;
        }
    }

    /// If the frame is one of a book that was asked for, and of nothing else: the topic's place, and the market.
    pub(crate) fn book_of(&self, text: &[u8]) -> Option<(usize, &MarketId)> {
        self.subscriptions.book_of(frame::book_market(text)?)
    }

    /// Reads a text frame.
    pub(crate) fn read(&mut self, now: Now, text: Bytes) {
        let mut frames = Vec::new();
        let actions = &mut self.actions;
        frame::read(text, |frame| match frame {
            Frame::Event(event) if !matches!(event, Event::ServerError { .. }) => {
                actions.push_back(Action::Emit(event));
            }
            frame => frames.push(frame),
        });
        for frame in frames {
            match frame {
                Frame::Subscriptions(names) => self.answered(now, names.as_ref()),
                Frame::Refusal(name) => self.subscriptions.refused_by_name(&name),
                Frame::Event(event) => {
                    self.emit(event);
                    self.complained(now);
                }
            }
        }
    }

    /// The server answered the handshake or a request with what is subscribed now.
    fn answered(&mut self, now: Now, names: Option<&Names>) {
        let State::Open(open) = &mut self.state else { return };
        open.answered = true;
        // A list that nobody asked for proves nothing about times.
        let sent_ms = self.asked.take().map_or(0, |asked| asked.sent_ms);
        let answer = self.subscriptions.answered(names);
        if !answer.confirmed.is_empty() {
            self.emit(Event::Subscribed { topics: answer.confirmed });
        }
        if !answer.ended.is_empty() {
            self.emit(Event::Unsubscribed { topics: answer.ended });
        }
        self.coverage.missing(&answer.vanished);
        self.coverage.missing(&answer.left_out);
        for lost in self.coverage.listed(&answer.private, sent_ms, now.unix_millis) {
            self.emit(Event::Gap { topics: lost.topics, from: wall(lost.from_ms), to: wall(lost.to_ms) });
        }
        if !answer.vanished.is_empty() {
            self.missing.extend(answer.vanished.iter().cloned());
            self.emit(Event::NotSubscribed { topics: answer.vanished });
            self.retry_missing(now);
        }
        self.go_on(now);
    }

    /// The server sent an error. If a request is not answered yet, this is its answer.
    fn complained(&mut self, now: Now) {
        if self.asked.take().is_some() {
            let refused = self.subscriptions.complained();
            self.coverage.missing(&refused);
            self.go_on(now);
        }
    }

    /// Sends the next request or, if all are answered, tells what is missing.
    fn go_on(&mut self, now: Now) {
        self.send_next(now);
        if !self.subscriptions.is_settled() {
            return;
        }
        let missing: BTreeSet<Topic> = self.subscriptions.missing().into_iter().collect();
        if !missing.is_subset(&self.missing) {
            self.emit(Event::NotSubscribed { topics: missing.iter().cloned().collect() });
        }
        if missing.is_empty() {
            self.retry = None;
        } else {
            self.retry_missing(now);
        }
        self.missing = missing;
    }

    /// Sets the time for asking again, if none is set. One that has passed meanwhile stays: it is used at the next tick.
    fn retry_missing(&mut self, now: Now) {
        self.retry
            .get_or_insert(Retry { at: now.elapsed.saturating_add(MISSING_FIRST), wait: MISSING_FIRST });
    }

    /// Asks again for what is missing, and sets a later time for the next try.
    fn ask_for_missing(&mut self, now: Now, last: Retry) {
        self.subscriptions.ask_for_missing();
        let wait = last.wait.saturating_mul(2).min(MISSING_LONGEST);
        self.retry = Some(Retry { at: now.elapsed.saturating_add(wait), wait });
    }

    fn send_next(&mut self, now: Now) {
        if !matches!(self.state, State::Open(_)) || self.asked.is_some() {
            return;
        }
        if let Some((text, topics)) = self.subscriptions.next_request() {
            self.note_asked(now, &topics);
            self.actions.push_back(Action::Send(text));
        }
    }

    fn is_open(&self) -> bool {
        matches!(self.state, State::Open(_))
    }

    /// Subscribes to more, or again to what is subscribed.
    pub(crate) fn subscribe(&mut self, now: Now, topics: &[Topic]) {
        self.subscriptions.subscribe(topics, self.is_open());
        self.send_next(now);
    }

    /// Subscribes again to each of these that is still wanted: each brings a replay.
    pub(crate) fn subscribe_again(&mut self, now: Now, topics: &[Topic]) {
        self.subscriptions.subscribe_again(topics, self.is_open());
        self.send_next(now);
    }

    pub(crate) fn unsubscribe(&mut self, now: Now, topics: &[Topic]) {
        self.missing.retain(|topic| !topics.contains(topic));
        topics.iter().for_each(|topic| self.coverage.forget(topic));
        self.subscriptions.unsubscribe(topics, self.is_open());
        self.send_next(now);
    }

    /// Handles deadlines that have passed.
    pub(crate) fn tick(&mut self, now: Now) {
        if self.slept(now) {
            return;
        }
        match self.state {
            State::Waiting { until } if now.elapsed >= until => self.connect(now),
            State::Open(open) => self.tick_open(now, open),
            State::Waiting { .. } | State::Connecting | State::Stopped => {}
        }
    }

    fn tick_open(&mut self, now: Now, mut open: Open) {
        if open.unheard.is_some_and(|at| now.elapsed >= at.saturating_add(self.config.pong_within)) {
            return self.give_up(now, Interruption::Silent);
        }
        if self.asked.is_some_and(|asked| now.elapsed >= asked.at.saturating_add(self.config.confirm_within))
        {
            return self.give_up(now, Interruption::Unconfirmed);
        }
        if now.elapsed >= open.next_ping {
            open.next_ping = now.elapsed.saturating_add(self.config.ping_every);
            open.unheard.get_or_insert(now.elapsed);
            self.actions.push_back(Action::Ping);
        }
        if now.elapsed >= open.next_list {
            open.next_list = now.elapsed.saturating_add(self.config.list_every);
            // If a request is under way, its answer has the list.
            self.subscriptions.ask_for_list();
        }
        let silent_for = now.elapsed.saturating_sub(open.message);
        if !open.told_stale && self.config.stale_after.is_some_and(|age| silent_for >= age) {
            open.told_stale = true;
            self.emit(Event::Stale { silent_for });
        }
        let becomes_healthy = !open.healthy && now.elapsed >= open.since.saturating_add(HEALTHY);
        open.healthy |= becomes_healthy;
        self.state = State::Open(open);
        if becomes_healthy {
            self.subscriptions.healthy();
        }
        if let Some(retry) = self.retry.filter(|retry| now.elapsed >= retry.at)
            && self.subscriptions.is_settled()
        {
            self.ask_for_missing(now, retry);
        }
        self.send_next(now);
    }

    /// Gives the connection up if the machine slept (rule 4).
    fn slept(&mut self, now: Now) -> bool {
        let State::Open(open) = &mut self.state else { return false };
        let by_ms = now.ahead_ms() - open.ahead_ms;
        if by_ms > JUMP_MS {
            let by = Duration::from_millis(u64::try_from(by_ms).unwrap_or(u64::MAX));
            self.give_up(now, Interruption::ClockJumped { by });
            return true;
        }
        open.ahead_ms = now.ahead_ms();
        false
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

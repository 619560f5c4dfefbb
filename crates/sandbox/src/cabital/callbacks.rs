//! Callbacks: what the partner is told, and the attempts to tell it.
//!
//! A callback that is not answered with 2xx is sent again 5 minutes, 1 hour, 5 hours and 18 hours after the attempt
//! before ("Callback event"); then it is given up. Every attempt is signed afresh, with its own nonce.

use super::{Cabital, Due, command::Command};
use http::Method;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    ops::Bound,
};

/// The times between the attempts.
const RETRIES_MS: [i64; 4] = [5 * MINUTE_MS, 60 * MINUTE_MS, 5 * 60 * MINUTE_MS, 18 * 60 * MINUTE_MS];
const MINUTE_MS: i64 = 60_000;

/// What a callback is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum CallbackKind {
    /// The state of a connection; sent with POST.
    Account,
    /// The state of an account of the link mode; sent with PUT.
    Link,
    /// A transfer that the customer asked for; sent with POST.
    Transfer,
}

impl CallbackKind {
    const ALL: [Self; 3] = [Self::Account, Self::Link, Self::Transfer];

    fn method(self) -> Method {
        match self {
            Self::Link => Method::PUT,
            Self::Account | Self::Transfer => Method::POST,
        }
    }
}

/// How far a callback is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CallbackState {
    /// It is being sent, or waits for its next attempt.
    Waiting,
    /// An attempt was answered with 2xx.
    Delivered,
    /// Five attempts failed, or it is from a replayed record.
    GivenUp,
}

/// A callback, and what became of it. It contains personal data of the customer, as the partner gets it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Callback {
    /// Its number, counted from 1.
    pub number: u64,
    /// What it is about.
    pub kind: CallbackKind,
    /// Where it is sent.
    pub url: String,
    /// The body, as it is sent.
    pub body: String,
    /// The number of attempts that ended.
    pub attempts: u32,
    /// How far it is.
    pub state: CallbackState,
    /// When the next attempt begins, in milliseconds since the Unix epoch; `None` if none is planned.
    pub next_at_ms: Option<i64>,
}

/// An attempt that has to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attempt {
    pub(super) number: u64,
    pub(super) method: Method,
    pub(super) url: String,
    pub(super) body: String,
}

/// Something to tell.
#[derive(Debug)]
pub(super) struct Notice {
    kind: CallbackKind,
    body: String,
}

impl Notice {
    /// This kind, with this body.
    pub(super) fn new(kind: CallbackKind, body: &impl Serialize) -> Self {
        Self { kind, body: serde_json::to_string(body).unwrap_or_default() }
    }
}

/// How many of the newest callbacks are kept. Older ones are kept until they have ended.
const KEPT: u64 = 10_000;

/// The callbacks, and where they go.
#[derive(Debug, Default)]
pub(super) struct Callbacks {
    urls: BTreeMap<CallbackKind, String>,
    /// By their numbers.
    all: BTreeMap<u64, Callback>,
    /// The number of the newest one.
    newest: u64,
    /// Those that have ended.
    ended: BTreeSet<u64>,
    /// The numbers of those whose next attempt has to be made now.
    outbox: VecDeque<u64>,
}

impl Callbacks {
    /// Makes a callback, to be sent at once. Without a URL for its kind, nothing is sent.
    pub(super) fn announce(&mut self, notice: Notice, at_ms: i64) {
        let Some(url) = self.urls.get(&notice.kind) else { return };
        let number = self.newest.saturating_add(1);
        self.newest = number;
        let callback = Callback {
            number,
            kind: notice.kind,
            url: url.clone(),
            body: notice.body,
            attempts: 0,
            state: CallbackState::Waiting,
            next_at_ms: Some(at_ms),
        };
        self.all.insert(number, callback);
        self.outbox.push_back(number);
        self.drop_old();
    }

    fn get_mut(&mut self, number: u64) -> Option<&mut Callback> {
        self.all.get_mut(&number)
    }

    /// Notes that a callback has ended.
    fn end(&mut self, number: u64) {
        self.ended.insert(number);
        self.drop_old();
    }

    fn drop_old(&mut self) {
        let last = self.newest.saturating_sub(KEPT);
        while let Some(oldest) = self.ended.first().copied().filter(|oldest| *oldest <= last) {
            self.ended.remove(&oldest);
            self.all.remove(&oldest);
        }
    }

    /// The time of an attempt came.
    pub(super) fn due(&mut self, number: u64) {
        if self.get_mut(number).is_some_and(|callback| callback.state == CallbackState::Waiting) {
            self.outbox.push_back(number);
        }
    }

    /// Takes the next attempt that has to be made.
    pub(super) fn take(&mut self) -> Option<Attempt> {
        let number = self.outbox.pop_front()?;
        let callback = self.get_mut(number)?;
        callback.next_at_ms = None;
        let Callback { kind, url, body, .. } = callback;
        Some(Attempt { number, method: kind.method(), url: url.clone(), body: body.clone() })
    }

    /// Those with a number above `after`, the oldest first.
    pub(super) fn after(&self, after: u64) -> impl Iterator<Item = &Callback> {
        self.all.range((Bound::Excluded(after), Bound::Unbounded)).map(|(_, callback)| callback)
    }
}

/// Sets where the callbacks of a kind, or of all kinds, are sent; `None` ends them. Callbacks on their way keep their URL.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SetCallbackUrl {
    pub(crate) kind: Option<CallbackKind>,
    pub(crate) url: Option<String>,
}

impl Command for SetCallbackUrl {
    const NAME: &'static str = "cabital_set_callback_url";
    type Answer = ();

    fn run(self, cabital: &mut Cabital, _at_ms: i64) {
        for kind in
            CallbackKind::ALL.into_iter().filter(|kind| self.kind.is_none_or(|wanted| wanted == *kind))
        {
            match &self.url {
                Some(url) => cabital.callbacks.urls.insert(kind, url.clone()),
                None => cabital.callbacks.urls.remove(&kind),
            };
        }
    }
}

/// An attempt ended.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct AttemptEnded {
    pub(super) number: u64,
    pub(super) delivered: bool,
}

impl Command for AttemptEnded {
    const NAME: &'static str = "cabital_attempt_ended";
    type Answer = ();

    fn run(self, cabital: &mut Cabital, at_ms: i64) {
        // A replay makes no attempts, so that the attempt is still in the outbox.
        cabital.callbacks.outbox.retain(|number| *number != self.number);
        let Some(callback) = cabital.callbacks.get_mut(self.number) else { return };
        let pause = usize::try_from(callback.attempts).ok().and_then(|attempts| RETRIES_MS.get(attempts));
        callback.attempts = callback.attempts.saturating_add(1);
        callback.next_at_ms = None;
        if self.delivered {
            callback.state = CallbackState::Delivered;
        } else if let Some(pause) = pause {
            let next_ms = at_ms.saturating_add(*pause);
            callback.next_at_ms = Some(next_ms);
            cabital.timers.set(next_ms, Due::Callback(self.number));
        } else {
            callback.state = CallbackState::GivenUp;
        }
        if callback.state != CallbackState::Waiting {
            cabital.callbacks.end(self.number);
        }
    }
}

/// Ends every callback that waits. Those of a replayed record are not sent: their receiver was told at that time.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct GiveUpAll {}

impl Command for GiveUpAll {
    const NAME: &'static str = "cabital_give_up_all";
    type Answer = ();

    fn run(self, cabital: &mut Cabital, _at_ms: i64) {
        let callbacks = &mut cabital.callbacks;
        callbacks.outbox.clear();
        for callback in callbacks.all.values_mut().filter(|callback| callback.state == CallbackState::Waiting)
        {
            (callback.state, callback.next_at_ms) = (CallbackState::GivenUp, None);
            callbacks.ended.insert(callback.number);
        }
        callbacks.drop_old();
    }
}

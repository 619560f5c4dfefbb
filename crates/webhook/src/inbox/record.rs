//! What a database keeps of an event, and how it changes. The rules are those of [`Store`](super::Store).

use super::{Claim, Entry, numbers::millis};
use capecrypto_models::Timestamp;

/// An event in a database. Times are Unix milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) state: State,
    /// Waiting: when it is due. Claimed: when the lease is over. Finished or dead: since when.
    pub(super) at: i64,
    /// The time that the event names.
    pub(super) time: Option<i64>,
    /// How many claims there were.
    pub(super) attempt: i64,
    /// How many of them have failed since the last retry.
    pub(super) failures: i64,
    /// Why the last attempt of a dead event has failed.
    pub(super) reason: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Waiting,
    Claimed,
    Finished,
    Dead,
}

impl State {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Claimed => "claimed",
            Self::Finished => "finished",
            Self::Dead => "dead",
        }
    }

    pub(super) fn from_text(text: &str) -> Option<Self> {
        [Self::Waiting, Self::Claimed, Self::Finished, Self::Dead]
            .into_iter()
            .find(|state| state.as_str() == text)
    }
}

/// What a claim is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Yes,
    Running,
    Finished,
    Dead,
}

impl Record {
    /// An event that the store did not know, with its first claim.
    pub(super) fn claimed(claim: &Claim<'_>) -> Self {
        Self {
            state: State::Claimed,
            at: millis(claim.until),
            attempt: 1,
            ..Self::waiting(claim.time, claim.now)
        }
    }

    /// An event that the store did not know, for a worker.
    pub(super) fn put(entry: &Entry<'_>) -> Self {
        Self::waiting(entry.time, entry.now)
    }

    fn waiting(time: Option<Timestamp>, now: Timestamp) -> Self {
        Self {
            state: State::Waiting,
            at: millis(now),
            time: time.map(millis),
            attempt: 0,
            failures: 0,
            reason: None,
        }
    }

    /// The same event was sent again, and names this time.
    pub(super) fn heard(&mut self, time: Option<Timestamp>) {
        self.time = self.time.max(time.map(millis));
    }

    /// Somebody wants it.
    pub(super) fn claim(&mut self, now: Timestamp, until: Timestamp, attempts: u32) -> Answer {
        if self.state == State::Claimed {
            if millis(now) < self.at {
                return Answer::Running;
            }
            self.fail(attempts, None, now, now);
        }
        match self.state {
            State::Finished => Answer::Finished,
            State::Dead => Answer::Dead,
            State::Waiting | State::Claimed => {
                self.state = State::Claimed;
                self.at = millis(until);
                self.attempt = self.attempt.saturating_add(1);
                Answer::Yes
            }
        }
    }

    /// An attempt has failed.
    pub(super) fn fail(&mut self, attempts: u32, reason: Option<&str>, now: Timestamp, again: Timestamp) {
        self.failures = self.failures.saturating_add(1);
        if self.failures >= i64::from(attempts) {
            (self.state, self.at, self.reason) = (State::Dead, millis(now), reason.map(Into::into));
        } else {
            (self.state, self.at) = (State::Waiting, millis(again));
        }
    }

    /// The number for a ticket.
    pub(super) fn ticket(&self) -> u32 {
        u32::try_from(self.attempt).unwrap_or(u32::MAX)
    }
}

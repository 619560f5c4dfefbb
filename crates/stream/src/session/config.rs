//! How a stream is set up.

use crate::{Error, Kind};
use std::time::Duration;

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
    /// How often the server is asked for its list of subscriptions. A gap begins at the last list that had its topics; a topic
    /// that has ended without a word, such as a book's, is noticed by the next list. Default 30 s.
    pub list_every: Duration,
    /// After how long without a message [`Event::Stale`](crate::Event::Stale) is told. Default never: a market may be quiet.
    pub stale_after: Option<Duration>,
    /// Seed for the random part of the waits between two connections. Default a random number; with your own number, a run can
    /// be repeated.
    pub seed: Option<u64>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            ping_every: Duration::from_secs(15),
            pong_within: Duration::from_secs(10),
            confirm_within: Duration::from_secs(10),
            list_every: Duration::from_secs(30),
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

    /// The same with another time between two lists.
    #[must_use]
    pub fn list_every(self, list_every: Duration) -> Self {
        Self { list_every, ..self }
    }

    /// The same with a seed for the random part of the waits.
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
            ("list_every", Some(self.list_every)),
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

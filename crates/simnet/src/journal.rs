//! The clocks of a simulation, and the record of what happened.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// The wall clock at the start of each simulation, in Unix milliseconds.
const START_MS: u64 = 1_700_000_000_000;
/// Longest text of a record, in bytes.
const LONGEST: usize = 160;

/// Something that happened in the simulation.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Record {
    /// Time since the network was made.
    pub at: Duration,
    /// The number of the connection, from 1; `None` for what concerns all of them.
    pub connection: Option<u64>,
    /// What happened, in words. A frame is cut after some characters.
    pub what: String,
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>4}.{:03} s ", self.at.as_secs(), self.at.subsec_millis())?;
        match self.connection {
            Some(number) => write!(f, "#{number} {}", self.what),
            None => f.write_str(&self.what),
        }
    }
}

struct Inner {
    start: Instant,
    /// How far the wall clock has jumped, and the records.
    state: Mutex<(Duration, Vec<Record>)>,
}

/// Clones are the same journal.
#[derive(Clone)]
pub(crate) struct Journal(Arc<Inner>);

impl Journal {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Inner { start: Instant::now(), state: Mutex::default() }))
    }

    fn lock(&self) -> MutexGuard<'_, (Duration, Vec<Record>)> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.0.start.elapsed()
    }

    pub(crate) fn unix_millis(&self) -> u64 {
        let passed = self.elapsed().saturating_add(self.lock().0).as_millis();
        START_MS.saturating_add(u64::try_from(passed).unwrap_or(u64::MAX))
    }

    pub(crate) fn jump(&self, by: Duration) {
        let mut state = self.lock();
        state.0 = state.0.saturating_add(by);
    }

    pub(crate) fn note(&self, connection: Option<u64>, what: &str) {
        let start = (0..=LONGEST).rev().find_map(|end| what.get(..end));
        let what = start.filter(|_| what.len() > LONGEST).unwrap_or(what).to_owned();
        let record = Record { at: self.elapsed(), connection, what };
        self.lock().1.push(record);
    }

    pub(crate) fn records(&self) -> Vec<Record> {
        self.lock().1.clone()
    }
}

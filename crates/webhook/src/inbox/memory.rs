//! The store that ends with the process.

use super::{Claim, Claimed, Dead, Failure, Finish, Known, Store};
use crate::EventKey;
use capecrypto_models::Timestamp;
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    convert::Infallible,
    fmt,
    ops::Bound,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Keeps the keys in memory, for one process.
///
/// They are lost with the process: after a restart, an event that comes again is handled again. So its handlers must be able to
/// bear that, or a store that lasts must be used. It grows by each event until [`Inbox::forget`](crate::Inbox::forget) is
/// called.
#[derive(Default)]
pub struct MemoryStore(Mutex<Rows>);

#[derive(Default)]
struct Rows {
    rows: HashMap<EventKey, Row>,
    references: BTreeMap<Box<str>, Reference>,
}

/// A payment reference.
struct Reference {
    /// Its events.
    events: HashSet<EventKey>,
    /// Whether some are still awaited.
    is_open: bool,
}

struct Row {
    state: State,
    reference: Option<Box<str>>,
    time: Option<Timestamp>,
    /// How many claims there were.
    attempt: u32,
    /// How many of them have failed since the last retry.
    failures: u32,
}

enum State {
    Claimed { until: Timestamp },
    Waiting,
    Finished,
    Dead { reason: Option<Box<str>>, at: Timestamp },
}

impl MemoryStore {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many events it knows.
    pub fn len(&self) -> usize {
        self.lock().rows.len()
    }

    /// Whether it knows none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn lock(&self) -> MutexGuard<'_, Rows> {
        // No code that can panic runs under the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Row {
    /// Counts a failure. After the last one, the event is dead.
    fn failed(&mut self, attempts: u32, reason: Option<&str>, at: Timestamp) {
        self.failures = self.failures.saturating_add(1);
        let dead = self.failures >= attempts;
        self.state = if dead { State::Dead { reason: reason.map(Into::into), at } } else { State::Waiting };
    }
}

impl Rows {
    fn claim(&mut self, claim: &Claim<'_>) -> Claimed {
        if let Some(row) = self.rows.get_mut(claim.key) {
            row.time = row.time.max(claim.time);
            if let State::Claimed { until } = row.state {
                if claim.now < until {
                    return Claimed::Running(until);
                }
                row.failed(claim.attempts, None, claim.now);
            }
            match row.state {
                State::Finished => return Claimed::Finished,
                State::Dead { .. } => return Claimed::Dead,
                State::Waiting | State::Claimed { .. } => {}
            }
            row.state = State::Claimed { until: claim.until };
            row.attempt = row.attempt.saturating_add(1);
            let attempt = row.attempt;
            return Claimed::Yes { attempt, known: self.known(claim) };
        }
        if claim.only_known {
            return Claimed::Unknown;
        }
        let known = self.known(claim);
        let row = Row {
            state: State::Claimed { until: claim.until },
            reference: claim.reference.map(Into::into),
            time: claim.time,
            attempt: 1,
            failures: 0,
        };
        self.rows.insert(claim.key.clone(), row);
        if let Some(reference) = claim.reference {
            let new = || Reference { events: HashSet::new(), is_open: claim.opens };
            let reference = self.references.entry(reference.into()).or_insert_with(new);
            reference.events.insert(claim.key.clone());
        }
        Claimed::Yes { attempt: 1, known }
    }

    /// The other events of the same payment reference.
    fn known(&self, claim: &Claim<'_>) -> Vec<Known> {
        let reference = claim.reference.and_then(|reference| self.references.get(reference));
        let events = reference.into_iter().flat_map(|reference| &reference.events);
        let others = events.filter(|key| *key != claim.key);
        let finished = |key| self.rows.get(key).is_some_and(|row: &Row| matches!(row.state, State::Finished));
        others.map(|key| Known { key: key.clone(), finished: finished(key) }).collect()
    }

    /// Whether an event of it is not finished.
    fn is_left(&self, reference: &str) -> bool {
        let events = self.references.get(reference).map(|known| &known.events);
        let is_left = |key| self.rows.get(key).is_some_and(|row| !matches!(row.state, State::Finished));
        events.is_some_and(|events| events.iter().any(is_left))
    }

    fn close(&mut self, reference: &str) -> bool {
        let Some(known) = self.references.get_mut(reference) else { return false };
        let was_open = known.is_open;
        known.is_open = false;
        if known.events.is_empty() {
            self.references.remove(reference);
        }
        was_open
    }

    fn forget(&mut self, before: Timestamp) -> u64 {
        let Self { rows, references } = self;
        let mut dropped = 0;
        rows.retain(|key, row| {
            let old = row.time.is_some_and(|time| time < before);
            let open =
                row.reference.as_ref().and_then(|name| references.get(name)).is_some_and(|it| it.is_open);
            let keep = open || !(old && matches!(row.state, State::Finished));
            if !keep {
                dropped += 1;
                if let Some(name) = &row.reference
                    && let Some(reference) = references.get_mut(name)
                {
                    reference.events.remove(key);
                    if reference.events.is_empty() && !reference.is_open {
                        references.remove(name);
                    }
                }
            }
            keep
        });
        dropped
    }
}

impl Store for MemoryStore {
    type Error = Infallible;
    type Transaction<'a> = ();

    async fn claim(&self, claim: &Claim<'_>) -> Result<Claimed, Infallible> {
        Ok(self.lock().claim(claim))
    }

    async fn begin(&self) -> Result<(), Infallible> {
        Ok(())
    }

    async fn finish(&self, (): (), end: &Finish<'_>) -> Result<bool, Infallible> {
        let mut rows = self.lock();
        let Some(row) = rows.rows.get_mut(&end.ticket.key) else { return Ok(false) };
        row.state = State::Finished;
        if let Some(reference) = end.closes
            && !rows.is_left(reference)
        {
            rows.close(reference);
        }
        Ok(true)
    }

    async fn fail(&self, failure: &Failure<'_>) -> Result<bool, Infallible> {
        let mut rows = self.lock();
        let Some(row) = rows.rows.get_mut(&failure.ticket.key) else { return Ok(false) };
        let newest = row.attempt == failure.ticket.attempt && matches!(row.state, State::Claimed { .. });
        if newest {
            row.failed(failure.attempts, Some(failure.reason), failure.now);
        }
        Ok(newest)
    }

    async fn dead(&self, most: usize) -> Result<Vec<Dead>, Infallible> {
        let rows = self.lock();
        let dead = rows.rows.iter().filter_map(|(key, row)| match &row.state {
            State::Dead { reason, at } => Some(Dead { key: key.clone(), reason: reason.clone(), at: *at }),
            _ => None,
        });
        let mut dead: Vec<Dead> = dead.collect();
        dead.sort_by(|a, b| (a.at, &a.key).cmp(&(b.at, &b.key)));
        dead.truncate(most);
        Ok(dead)
    }

    async fn retry(&self, key: &EventKey) -> Result<bool, Infallible> {
        let mut rows = self.lock();
        let Some(row) = rows.rows.get_mut(key) else { return Ok(false) };
        let dead = matches!(row.state, State::Dead { .. });
        if dead {
            (row.state, row.failures) = (State::Waiting, 0);
        }
        Ok(dead)
    }

    async fn forget(&self, before: Timestamp) -> Result<u64, Infallible> {
        Ok(self.lock().forget(before))
    }

    async fn open(&self, reference: &str) -> Result<(), Infallible> {
        let new = || Reference { events: HashSet::new(), is_open: true };
        self.lock().references.entry(reference.into()).or_insert_with(new);
        Ok(())
    }

    async fn close(&self, reference: &str) -> Result<bool, Infallible> {
        Ok(self.lock().close(reference))
    }

    async fn awaited(&self, after: Option<&str>, most: usize) -> Result<Vec<Box<str>>, Infallible> {
        let rows = self.lock();
        let behind = (after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded);
        let behind = rows.references.range::<str, _>(behind);
        Ok(behind.filter(|(_, it)| it.is_open).take(most).map(|(name, _)| name.clone()).collect())
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("events", &self.len()).finish_non_exhaustive()
    }
}

//! A store with a queue and with transactions, that can be broken.

use capecrypto_models::Timestamp;
use capecrypto_webhook::{
    Claim, Claimed, Dead, Entry, EventKey, Failure, Finish, Known, Next, Put, Queue, Queued, Store, Ticket,
};
use std::{
    collections::BTreeMap,
    fmt,
    future::pending,
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicUsize, Ordering},
    },
};

/// How it is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Fault {
    #[default]
    None,
    Down,
    /// It never answers.
    Silent,
    Panics,
    /// Only what ends an event fails.
    EndsFail,
}

#[derive(Debug)]
pub(crate) struct Gone;

impl fmt::Display for Gone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the database is gone")
    }
}

impl std::error::Error for Gone {}

#[derive(Debug, Default)]
pub(crate) struct QueueStore {
    rows: Mutex<Rows>,
    fault: Mutex<Fault>,
    asked: AtomicUsize,
}

#[derive(Debug, Default)]
struct Rows {
    rows: BTreeMap<EventKey, Row>,
    /// Whether each is open.
    references: BTreeMap<Box<str>, bool>,
    effects: Vec<String>,
}

#[derive(Debug, Clone, Default)]
struct Row {
    json: Option<Box<str>>,
    reference: Option<Box<str>>,
    attempt: u32,
    failures: u32,
    state: State,
}

#[derive(Debug, Clone, Default, PartialEq)]
enum State {
    #[default]
    New,
    Waiting(Timestamp),
    Claimed(Timestamp),
    Finished,
    Dead(Option<Box<str>>, Timestamp),
}

impl Row {
    fn failed(&mut self, attempts: u32, reason: Option<&str>, at: Timestamp, again: Timestamp) {
        self.failures += 1;
        let dead = self.failures >= attempts;
        self.state = if dead { State::Dead(reason.map(Into::into), at) } else { State::Waiting(again) };
    }

    /// A lease that is over is a failure.
    fn expire(&mut self, now: Timestamp, attempts: u32) {
        if let State::Claimed(until) = self.state
            && until <= now
        {
            self.failed(attempts, None, now, until);
        }
    }
}

impl Rows {
    fn open(&mut self, reference: Option<&str>, opens: bool) {
        if let Some(reference) = reference {
            self.references.entry(reference.into()).or_insert(opens);
        }
    }

    fn known(&self, key: &EventKey, reference: Option<&str>) -> Vec<Known> {
        let same = |(other, row): &(&EventKey, &Row)| *other != key && row.reference.as_deref() == reference;
        let rows = self.rows.iter().filter(|_| reference.is_some()).filter(same);
        rows.map(|(key, row)| Known { key: key.clone(), finished: row.state == State::Finished }).collect()
    }
}

impl QueueStore {
    pub(crate) fn break_it(&self, fault: Fault) {
        *self.fault.lock().unwrap() = fault;
    }

    /// What handlers have written, and was kept.
    pub(crate) fn effects(&self) -> Vec<String> {
        self.lock().effects.clone()
    }

    /// How often it was asked for anything.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn lock(&self) -> MutexGuard<'_, Rows> {
        self.rows.lock().unwrap()
    }

    async fn ask(&self, is_end: bool) -> Result<MutexGuard<'_, Rows>, Gone> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let fault = *self.fault.lock().unwrap();
        match fault {
            Fault::Silent => pending().await,
            Fault::Panics => panic!("a store that panics"),
            Fault::Down => Err(Gone),
            Fault::EndsFail if is_end => Err(Gone),
            Fault::None | Fault::EndsFail => Ok(self.lock()),
        }
    }
}

impl Store for QueueStore {
    type Error = Gone;
    type Transaction<'a> = Vec<String>;

    async fn claim(&self, claim: &Claim<'_>) -> Result<Claimed, Gone> {
        let mut rows = self.ask(false).await?;
        if claim.only_known && !rows.rows.contains_key(claim.key) {
            return Ok(Claimed::Unknown);
        }
        let known = rows.known(claim.key, claim.reference);
        rows.open(claim.reference, claim.opens);
        let row = rows.rows.entry(claim.key.clone()).or_default();
        row.reference = claim.reference.map(Into::into);
        row.expire(claim.now, claim.attempts);
        match row.state {
            State::Finished => return Ok(Claimed::Finished),
            State::Dead(..) => return Ok(Claimed::Dead),
            State::Claimed(until) => return Ok(Claimed::Running(until)),
            State::New | State::Waiting(_) => {}
        }
        row.state = State::Claimed(claim.until);
        row.attempt += 1;
        Ok(Claimed::Yes { attempt: row.attempt, known })
    }

    async fn begin(&self) -> Result<Vec<String>, Gone> {
        self.ask(false).await.map(|_| Vec::new())
    }

    async fn finish(&self, effects: Vec<String>, end: &Finish<'_>) -> Result<bool, Gone> {
        let mut rows = self.ask(true).await?;
        let Some(row) = rows.rows.get_mut(&end.ticket.key) else { return Ok(false) };
        if row.attempt != end.ticket.attempt || !matches!(row.state, State::Claimed(_)) {
            return Ok(false);
        }
        (row.state, row.json) = (State::Finished, None);
        rows.effects.extend(effects);
        let is_left = |row: &Row| {
            row.reference.as_deref() == end.closes && row.state != State::Finished && row.json.is_none()
        };
        if let Some(reference) = end.closes
            && !rows.rows.values().any(is_left)
        {
            rows.references.insert(reference.into(), false);
        }
        Ok(true)
    }

    async fn fail(&self, failure: &Failure<'_>) -> Result<bool, Gone> {
        let mut rows = self.ask(true).await?;
        let Some(row) = rows.rows.get_mut(&failure.ticket.key) else { return Ok(false) };
        let newest = row.attempt == failure.ticket.attempt && matches!(row.state, State::Claimed(_));
        if newest {
            row.failed(failure.attempts, Some(failure.reason), failure.now, failure.again);
        }
        Ok(newest)
    }

    async fn dead(&self, most: usize) -> Result<Vec<Dead>, Gone> {
        let rows = self.ask(false).await?;
        let dead = rows.rows.iter().filter_map(|(key, row)| match &row.state {
            State::Dead(reason, at) => Some(Dead { key: key.clone(), reason: reason.clone(), at: *at }),
            _ => None,
        });
        Ok(dead.take(most).collect())
    }

    async fn retry(&self, key: &EventKey) -> Result<bool, Gone> {
        let mut rows = self.ask(false).await?;
        let Some(row) = rows.rows.get_mut(key) else { return Ok(false) };
        let State::Dead(_, at) = row.state else { return Ok(false) };
        (row.state, row.failures) = (State::Waiting(at), 0);
        Ok(true)
    }

    async fn forget(&self, _: Timestamp) -> Result<u64, Gone> {
        Ok(0)
    }

    async fn open(&self, reference: &str) -> Result<(), Gone> {
        self.ask(false).await?.open(Some(reference), true);
        Ok(())
    }

    async fn close(&self, reference: &str) -> Result<bool, Gone> {
        Ok(self.ask(false).await?.references.insert(reference.into(), false) == Some(true))
    }

    async fn awaited(&self, after: Option<&str>, most: usize) -> Result<Vec<Box<str>>, Gone> {
        let rows = self.ask(false).await?;
        let open = rows.references.iter().filter(|(_, open)| **open).map(|(name, _)| name);
        Ok(open.filter(|name| after.is_none_or(|after| &***name > after)).take(most).cloned().collect())
    }
}

impl Queue for QueueStore {
    async fn put(&self, entry: &Entry<'_>) -> Result<Put, Gone> {
        let mut rows = self.ask(false).await?;
        if let Some(row) = rows.rows.get_mut(entry.key) {
            if row.state != State::Finished {
                row.json.get_or_insert_with(|| entry.json.into());
            }
            return Ok(Put::Known);
        }
        if entry.only_known {
            return Ok(Put::Unknown);
        }
        rows.open(entry.reference, entry.opens);
        let row = Row {
            json: Some(entry.json.into()),
            reference: entry.reference.map(Into::into),
            state: State::Waiting(entry.now),
            ..Row::default()
        };
        rows.rows.insert(entry.key.clone(), row);
        Ok(Put::New)
    }

    async fn next(&self, ask: &Next) -> Result<Option<Queued>, Gone> {
        let mut rows = self.ask(false).await?;
        for row in rows.rows.values_mut().filter(|row| row.json.is_some()) {
            row.expire(ask.now, ask.attempts);
        }
        let due = |row: &Row| match row.state {
            State::Waiting(due) if due <= ask.now && row.json.is_some() => Some(due),
            _ => None,
        };
        let waiting = rows.rows.iter().filter_map(|(key, row)| Some((due(row)?, key.clone())));
        let Some((_, key)) = waiting.min() else { return Ok(None) };
        let row = rows.rows.get_mut(&key).unwrap();
        row.state = State::Claimed(ask.until);
        row.attempt += 1;
        let (attempt, json, reference) = (row.attempt, row.json.clone().unwrap(), row.reference.clone());
        let known = rows.known(&key, reference.as_deref());
        Ok(Some(Queued { ticket: Ticket { key, attempt }, json, known }))
    }
}

//! Intents in memory.

use super::{Intent, IntentId, IntentLog, IntentLogError, IntentState, LogFuture};
use crate::Outcome;
use std::{
    collections::VecDeque,
    fmt,
    future::ready,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Most open intents that are kept. Without a limit, a program that never closes one would need ever more memory.
const MOST_OPEN: usize = 1_024;

/// Keeps intents in memory, so they are lost with the process. A client has one of these unless it is given another log.
///
/// It keeps at most 1,024 open intents; after that, the oldest one is dropped with a warning.
#[derive(Default)]
pub struct MemoryIntentLog(Mutex<VecDeque<Intent>>);

impl MemoryIntentLog {
    /// An empty log.
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Intent>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl IntentLog for MemoryIntentLog {
    #[inline]
    fn begin(&self, intent: Intent) -> LogFuture<'_, ()> {
        let mut open = self.lock();
        open.push_back(intent);
        let dropped = if open.len() > MOST_OPEN { open.pop_front() } else { None };
        drop(open);
        if let Some(intent) = dropped {
            let (id, call) = (intent.id(), intent.call());
            tracing::warn!(%id, call, "an open intent is dropped: too many are open; look them up and close them");
        }
        Box::pin(ready(Ok(())))
    }

    #[inline]
    fn end(&self, id: IntentId, outcome: Outcome) -> LogFuture<'_, ()> {
        let mut open = self.lock();
        // It is one of the newest.
        if let Some(place) = open.iter().rposition(|intent| intent.id == id) {
            match (outcome, open.get_mut(place)) {
                (Outcome::Unknown, Some(intent)) => intent.state = IntentState::Unknown,
                _ => drop(open.remove(place)),
            }
        }
        Box::pin(ready(Ok(())))
    }

    #[inline]
    fn open(&self) -> LogFuture<'_, Vec<Intent>> {
        Box::pin(ready(Ok(self.lock().iter().cloned().collect())))
    }

    #[inline]
    fn close<'a>(&'a self, id: IntentId, _: &'a str) -> LogFuture<'a, ()> {
        let mut open = self.lock();
        let before = open.len();
        open.retain(|intent| intent.id != id);
        let closed = open.len() < before;
        Box::pin(ready(if closed { Ok(()) } else { Err(IntentLogError::not_open(id)) }))
    }
}

impl fmt::Debug for MemoryIntentLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemoryIntentLog({} open)", self.lock().len())
    }
}

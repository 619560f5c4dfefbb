//! A store with transactions, as a database has them.

use capecrypto_models::Timestamp;
use capecrypto_webhook::{Claim, Claimed, Dead, EventKey, Failure, Finish, MemoryStore, Store};
use std::{collections::HashMap, convert::Infallible, sync::Mutex};

/// Keeps what handlers write, if they finish with their event's newest ticket.
#[derive(Debug, Default)]
pub(crate) struct Transactional {
    rows: MemoryStore,
    written: Mutex<Written>,
}

#[derive(Debug, Default)]
struct Written {
    newest: HashMap<EventKey, u32>,
    effects: Vec<String>,
}

impl Transactional {
    pub(crate) fn effects(&self) -> Vec<String> {
        self.written.lock().unwrap().effects.clone()
    }
}

impl Store for Transactional {
    type Error = Infallible;
    type Transaction<'a> = Vec<String>;

    async fn claim(&self, claim: &Claim<'_>) -> Result<Claimed, Infallible> {
        let claimed = self.rows.claim(claim).await?;
        let newest = &mut self.written.lock().unwrap().newest;
        match claimed {
            Claimed::Yes { attempt, .. } => newest.insert(claim.key.clone(), attempt),
            // The lease of its last attempt was over.
            Claimed::Dead => newest.remove(claim.key),
            _ => None,
        };
        Ok(claimed)
    }

    async fn begin(&self) -> Result<Vec<String>, Infallible> {
        Ok(Vec::new())
    }

    async fn finish(&self, transaction: Vec<String>, end: &Finish<'_>) -> Result<bool, Infallible> {
        {
            let mut written = self.written.lock().unwrap();
            if written.newest.get(&end.ticket.key) != Some(&end.ticket.attempt) {
                return Ok(false);
            }
            written.newest.remove(&end.ticket.key);
            written.effects.extend(transaction);
        }
        self.rows.finish((), end).await
    }

    async fn fail(&self, failure: &Failure<'_>) -> Result<bool, Infallible> {
        self.rows.fail(failure).await
    }

    async fn dead(&self, most: usize) -> Result<Vec<Dead>, Infallible> {
        self.rows.dead(most).await
    }

    async fn retry(&self, key: &EventKey) -> Result<bool, Infallible> {
        self.rows.retry(key).await
    }

    async fn forget(&self, before: Timestamp) -> Result<u64, Infallible> {
        self.rows.forget(before).await
    }

    async fn open(&self, reference: &str) -> Result<(), Infallible> {
        self.rows.open(reference).await
    }

    async fn close(&self, reference: &str) -> Result<bool, Infallible> {
        self.rows.close(reference).await
    }

    async fn awaited(&self, after: Option<&str>, most: usize) -> Result<Vec<Box<str>>, Infallible> {
        self.rows.awaited(after, most).await
    }
}

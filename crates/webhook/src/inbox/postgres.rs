//! The store in PostgreSQL.

mod error;
mod schema;
mod sql;
mod transaction;

pub use error::PostgresError;
pub use transaction::PostgresTransaction;

use super::{
    numbers,
    record::{Answer, Record, State},
    store::{Claim, Claimed, Dead, Entry, Failure, Finish, Known, Next, Put, Queue, Queued, Store, Ticket},
};
use crate::EventKey;
use capecrypto_models::Timestamp;
use deadpool_postgres::{Manager, Object, Pool, Runtime, Transaction};
use sql::Statements;
use std::{borrow::Cow, fmt, sync::Arc, time::Duration};
use tokio::runtime::Handle;
use tokio_postgres::{Config, IsolationLevel, NoTls, Row, types::ToSql};

/// How long [`PostgresStore::connect`] waits for a connection.
const WAIT: Duration = Duration::from_secs(5);

/// Keeps the events in PostgreSQL, for receivers on several machines. Feature `postgres`.
///
/// A handler writes with the store's [transaction](PostgresTransaction), and its effect happens once, also over a crash. For that
/// its tables must be in the same database. The transaction begins at its first use, so a handler that does what takes long
/// first, and writes last, keeps a connection for a short time only.
///
/// What was answered is kept as well as your server keeps a commit: leave `synchronous_commit` on. All rules hold at `READ
/// COMMITTED`, which the store sets by itself. Its statements are prepared: a pool in front of the server must be able to do
/// that.
///
/// It needs a tokio runtime. `Debug` does not show how to reach the database.
///
/// ```
/// # async fn receive(verified: capecrypto_webhook::Verified, now: capecrypto_models::Timestamp) -> Result<(), Box<dyn std::error::Error>> {
/// use capecrypto_webhook::{Inbox, PostgresStore, Taken};
///
/// let store = PostgresStore::connect("postgres://shop@127.0.0.1:5432/shop", "cape_inbox")?; // without TLS
/// store.migrate().await?;
/// let inbox = Inbox::new(store);
/// let Taken::Run(mut work) = inbox.take(&verified, now).await? else { return Ok(()) };
/// let client = work.transaction().client().await?;
/// client.execute("INSERT INTO paid VALUES ($1)", &[&verified.event.reference()]).await?;
/// work.finish(now).await?; // both, or neither
/// # Ok(()) }
/// ```
///
/// # Tables
/// They are in a schema of your choice. [`migrate`](Self::migrate) makes them, and brings those of an older version to the newest.
/// `inbox_version` has the version. The program itself needs the rights `USAGE` of the schema, and `SELECT`, `INSERT`, `UPDATE`
/// and `DELETE` of the tables.
///
#[doc = concat!("```sql\n", include_str!("postgres/1.sql"), "```")]
#[derive(Clone)]
pub struct PostgresStore {
    pool: Pool,
    schema: Arc<str>,
    sql: Arc<Statements>,
}

impl PostgresStore {
    /// Uses a pool of yours, for example one with TLS. The schema has 1 to 63 of `a-z`, `0-9` and `_`.
    ///
    /// A handler that writes has a connection until it ends, so the pool must have more connections than handlers run at once. Set
    /// its deadlines, so that a server that is down is an error and no wait.
    ///
    /// # Errors
    /// [`SchemaName`](PostgresError::SchemaName).
    pub fn new(pool: Pool, schema: &str) -> Result<Self, PostgresError> {
        if !schema::is_name(schema) {
            return Err(PostgresError::SchemaName);
        }
        Ok(Self { pool, schema: schema.into(), sql: Arc::new(Statements::new(schema)) })
    }

    /// Makes a pool of at most 16 connections **without TLS**, for a server on this machine or in a network that nobody else can
    /// read. It connects at the first use, and waits at most 5 seconds for a connection.
    ///
    /// # Errors
    /// [`Address`](PostgresError::Address); [`SchemaName`](PostgresError::SchemaName).
    pub fn connect(address: &str, schema: &str) -> Result<Self, PostgresError> {
        let config: Config = address.parse().map_err(|_| PostgresError::Address)?;
        let pool = Pool::builder(Manager::new(config, NoTls))
            .max_size(16)
            .runtime(Runtime::Tokio1)
            .timeouts(deadpool_postgres::Timeouts {
                wait: Some(WAIT),
                create: Some(WAIT),
                recycle: Some(WAIT),
            })
            .build();
        Self::new(pool.map_err(|_| PostgresError::Address)?, schema)
    }

    /// Makes the schema and its tables, or brings them to the newest version. Calling it again does nothing, and several processes
    /// may call it at once.
    ///
    /// # Errors
    /// The role may not make tables; the tables are [newer](PostgresError::Newer).
    pub async fn migrate(&self) -> Result<(), PostgresError> {
        schema::migrate(&mut self.client().await?, &self.schema).await
    }

    /// The pool.
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    async fn client(&self) -> Result<Object, PostgresError> {
        connection(&self.pool).await
    }

    /// One attempt of [`claim`](Store::claim). `None`: the event was forgotten at the same time.
    async fn try_claim(
        &self,
        client: &mut Object,
        claim: &Claim<'_>,
    ) -> Result<Option<Claimed>, PostgresError> {
        let transaction = short(client).await?;
        let (key, reference) = (claim.key, claim.reference.map(text));
        let mut answer = Answer::Yes;
        let mut record = Record::claimed(claim);
        let is_new = !claim.only_known
            && self.insert(&transaction, key, &reference, claim.opens, &record, None).await?;
        if !is_new {
            let found = match self.find(&transaction, key).await? {
                Some(found) => found,
                // Nothing was written.
                None if claim.only_known => return Ok(Some(Claimed::Unknown)),
                None => return Ok(None),
            };
            record = found.clone();
            record.heard(claim.time);
            answer = record.claim(claim.now, claim.until, claim.attempts);
            if record != found {
                self.update(&transaction, key, &record).await?;
            }
        }
        let claimed = match answer {
            Answer::Yes => {
                let known = self.known(&transaction, key, reference.as_deref()).await?;
                Claimed::Yes { attempt: record.ticket(), known }
            }
            Answer::Running => {
                Claimed::Running(numbers::time(record.at).ok_or(PostgresError::Unreadable("at"))?)
            }
            Answer::Finished => Claimed::Finished,
            Answer::Dead => Claimed::Dead,
        };
        transaction.commit().await?;
        Ok(Some(claimed))
    }

    /// One attempt of [`put`](Queue::put). `None`: the event was forgotten at the same time.
    async fn try_put(&self, client: &mut Object, entry: &Entry<'_>) -> Result<Option<Put>, PostgresError> {
        let transaction = short(client).await?;
        let (key, reference) = (entry.key, entry.reference.map(text));
        let record = Record::put(entry);
        let body = Some(entry.json);
        if !entry.only_known && self.insert(&transaction, key, &reference, entry.opens, &record, body).await?
        {
            transaction.commit().await?;
            return Ok(Some(Put::New));
        }
        let Some(mut record) = self.find(&transaction, key).await? else {
            return Ok(entry.only_known.then_some(Put::Unknown));
        };
        record.heard(entry.time);
        self.update(&transaction, key, &record).await?;
        let sql = transaction.prepare_cached(&self.sql.add_body).await?;
        transaction.execute(&sql, &[&key.as_str(), &entry.json]).await?;
        transaction.commit().await?;
        Ok(Some(Put::Known))
    }

    /// Answers whether the event is new. Its payment reference is locked before it, as everywhere, so that nobody waits in a
    /// circle.
    async fn insert(
        &self,
        transaction: &Transaction<'_>,
        key: &EventKey,
        reference: &Option<Cow<'_, str>>,
        opens: bool,
        record: &Record,
        body: Option<&str>,
    ) -> Result<bool, PostgresError> {
        if let Some(reference) = reference {
            let sql = transaction.prepare_cached(&self.sql.lock_reference).await?;
            transaction.execute(&sql, &[reference, &opens]).await?;
        }
        let sql = transaction.prepare_cached(&self.sql.insert).await?;
        let Record { state, at, time, attempt, failures, reason: _ } = record;
        let row: [&(dyn ToSql + Sync); 8] =
            [&key.as_str(), reference, &state.as_str(), at, time, attempt, failures, &body];
        Ok(transaction.execute(&sql, &row).await? == 1)
    }

    async fn find(
        &self,
        transaction: &Transaction<'_>,
        key: &EventKey,
    ) -> Result<Option<Record>, PostgresError> {
        let sql = transaction.prepare_cached(&self.sql.find).await?;
        transaction.query_opt(&sql, &[&key.as_str()]).await?.map(|row| read(&row)).transpose()
    }

    async fn update(
        &self,
        transaction: &Transaction<'_>,
        key: &EventKey,
        record: &Record,
    ) -> Result<(), PostgresError> {
        let sql = transaction.prepare_cached(&self.sql.update).await?;
        let Record { state, at, time, attempt, failures, reason } = record;
        let reason = reason.as_deref().map(text);
        let row: [&(dyn ToSql + Sync); 7] =
            [&key.as_str(), &state.as_str(), at, time, attempt, failures, &reason];
        transaction.execute(&sql, &row).await?;
        Ok(())
    }

    /// The other events of a payment reference.
    async fn known(
        &self,
        transaction: &Transaction<'_>,
        key: &EventKey,
        reference: Option<&str>,
    ) -> Result<Vec<Known>, PostgresError> {
        let Some(reference) = reference else { return Ok(Vec::new()) };
        let sql = transaction.prepare_cached(&self.sql.known).await?;
        let rows = transaction.query(&sql, &[&reference, &key.as_str()]).await?;
        rows.iter().map(|row| Ok(Known { key: parse(row.try_get(0)?)?, finished: row.try_get(1)? })).collect()
    }

    /// Runs one statement, and answers how many rows it has changed.
    async fn execute(&self, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<u64, PostgresError> {
        let client = self.client().await?;
        let sql = client.prepare_cached(sql).await?;
        Ok(client.execute(&sql, parameters).await?)
    }
}

async fn connection(pool: &Pool) -> Result<Object, PostgresError> {
    // Without one, the pool would panic.
    if Handle::try_current().is_err() {
        return Err(PostgresError::NoConnection(
            "there is no running tokio runtime: call the store in one".into(),
        ));
    }
    Ok(pool.get().await?)
}

/// A transaction of the store itself.
async fn short(client: &mut Object) -> Result<Transaction<'_>, PostgresError> {
    Ok(client.build_transaction().isolation_level(IsolationLevel::ReadCommitted).start().await?)
}

fn read(row: &Row) -> Result<Record, PostgresError> {
    Ok(Record {
        state: State::from_text(row.try_get("state")?).ok_or(PostgresError::Unreadable("state"))?,
        at: row.try_get("at")?,
        time: row.try_get("time")?,
        attempt: row.try_get("attempt")?,
        failures: row.try_get("failures")?,
        reason: row.try_get("reason")?,
    })
}

fn parse(key: &str) -> Result<EventKey, PostgresError> {
    key.parse().map_err(|_| PostgresError::Unreadable("key"))
}

/// PostgreSQL cannot keep the character with number 0.
fn text(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { text.replace('\0', "\u{fffd}").into() } else { text.into() }
}

impl Store for PostgresStore {
    type Error = PostgresError;
    type Transaction<'a> = PostgresTransaction;

    async fn claim(&self, claim: &Claim<'_>) -> Result<Claimed, PostgresError> {
        let mut client = self.client().await?;
        loop {
            if let Some(claimed) = self.try_claim(&mut client, claim).await? {
                return Ok(claimed);
            }
        }
    }

    async fn begin(&self) -> Result<PostgresTransaction, PostgresError> {
        Ok(PostgresTransaction::new(self.pool.clone()))
    }

    async fn finish(
        &self,
        mut transaction: PostgresTransaction,
        end: &Finish<'_>,
    ) -> Result<bool, PostgresError> {
        let begun = transaction.begin().await?;
        let transaction = begun.client()?;
        let closes = end.closes.map(text);
        if let Some(reference) = &closes {
            let sql = transaction.prepare_cached(&self.sql.lock_known_reference).await?;
            transaction.execute(&sql, &[reference]).await?;
        }
        let sql = transaction.prepare_cached(&self.sql.finish).await?;
        let (key, attempt, now) =
            (end.ticket.key.as_str(), i64::from(end.ticket.attempt), numbers::millis(end.now));
        if transaction.execute(&sql, &[&key, &attempt, &now]).await? != 1 {
            return Ok(false);
        }
        if let Some(reference) = &closes {
            let sql = transaction.prepare_cached(&self.sql.close_if_done).await?;
            transaction.execute(&sql, &[reference]).await?;
        }
        begun.commit().await?;
        Ok(true)
    }

    async fn fail(&self, failure: &Failure<'_>) -> Result<bool, PostgresError> {
        let mut client = self.client().await?;
        let transaction = short(&mut client).await?;
        let key = &failure.ticket.key;
        let Some(mut record) = self.find(&transaction, key).await? else { return Ok(false) };
        if record.state != State::Claimed || record.ticket() != failure.ticket.attempt {
            return Ok(false);
        }
        record.fail(failure.attempts, Some(failure.reason), failure.now, failure.again);
        self.update(&transaction, key, &record).await?;
        transaction.commit().await?;
        Ok(true)
    }

    async fn dead(&self, most: usize) -> Result<Vec<Dead>, PostgresError> {
        let client = self.client().await?;
        let sql = client.prepare_cached(&self.sql.dead).await?;
        let rows = client.query(&sql, &[&numbers::limit(most)]).await?;
        let dead = rows.iter().map(|row| {
            let reason = row.try_get::<_, Option<String>>(1)?.map(Into::into);
            let at = numbers::time(row.try_get(2)?).ok_or(PostgresError::Unreadable("at"))?;
            Ok(Dead { key: parse(row.try_get(0)?)?, reason, at })
        });
        dead.collect()
    }

    async fn retry(&self, key: &EventKey) -> Result<bool, PostgresError> {
        Ok(self.execute(&self.sql.retry, &[&key.as_str()]).await? == 1)
    }

    async fn forget(&self, before: Timestamp) -> Result<u64, PostgresError> {
        let dropped = self.execute(&self.sql.forget, &[&numbers::millis(before)]).await?;
        let mut client = self.client().await?;
        let transaction = short(&mut client).await?;
        // First the locks, then a second look: an event may have come in between.
        let sql = transaction.prepare_cached(&self.sql.lock_empty).await?;
        let rows = transaction.query(&sql, &[]).await?;
        let names = rows.iter().map(|row| row.try_get(0)).collect::<Result<Vec<String>, _>>()?;
        let sql = transaction.prepare_cached(&self.sql.drop_empty).await?;
        transaction.execute(&sql, &[&names]).await?;
        transaction.commit().await?;
        Ok(dropped)
    }

    async fn open(&self, reference: &str) -> Result<(), PostgresError> {
        self.execute(&self.sql.open, &[&text(reference), &true]).await?;
        Ok(())
    }

    async fn close(&self, reference: &str) -> Result<bool, PostgresError> {
        let mut client = self.client().await?;
        let transaction = short(&mut client).await?;
        let reference = text(reference);
        // The lock is what keeps an event from coming in between.
        let sql = transaction.prepare_cached(&self.sql.lock_known_reference).await?;
        transaction.execute(&sql, &[&reference]).await?;
        let sql = transaction.prepare_cached(&self.sql.close).await?;
        let was_open = transaction.execute(&sql, &[&reference]).await? == 1;
        let sql = transaction.prepare_cached(&self.sql.drop_closed).await?;
        transaction.execute(&sql, &[&reference]).await?;
        transaction.commit().await?;
        Ok(was_open)
    }

    async fn awaited(&self, after: Option<&str>, most: usize) -> Result<Vec<Box<str>>, PostgresError> {
        let client = self.client().await?;
        let sql = client.prepare_cached(&self.sql.awaited).await?;
        let rows = client.query(&sql, &[&after.map(text), &numbers::limit(most)]).await?;
        rows.iter().map(|row| Ok(row.try_get::<_, String>(0)?.into())).collect()
    }
}

impl Queue for PostgresStore {
    async fn put(&self, entry: &Entry<'_>) -> Result<Put, PostgresError> {
        let mut client = self.client().await?;
        loop {
            if let Some(put) = self.try_put(&mut client, entry).await? {
                return Ok(put);
            }
        }
    }

    async fn next(&self, ask: &Next) -> Result<Option<Queued>, PostgresError> {
        let mut client = self.client().await?;
        loop {
            let transaction = short(&mut client).await?;
            let sql = transaction.prepare_cached(&self.sql.due).await?;
            let Some(row) = transaction.query_opt(&sql, &[&numbers::millis(ask.now)]).await? else {
                return Ok(None);
            };
            let (mut record, key) = (read(&row)?, parse(row.try_get("key")?)?);
            let answer = record.claim(ask.now, ask.until, ask.attempts);
            self.update(&transaction, &key, &record).await?;
            // Otherwise its last lease was over, and it is dead now.
            if answer != Answer::Yes {
                transaction.commit().await?;
                continue;
            }
            let known = self.known(&transaction, &key, row.try_get("reference")?).await?;
            transaction.commit().await?;
            let ticket = Ticket { key, attempt: record.ticket() };
            return Ok(Some(Queued { ticket, json: row.try_get::<_, String>("body")?.into(), known }));
        }
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore").field("schema", &self.schema).finish_non_exhaustive()
    }
}

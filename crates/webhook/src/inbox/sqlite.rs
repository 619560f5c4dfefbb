//! The store in one file.

mod connection;
mod owned;
mod rows;
mod schema;

use super::{
    numbers,
    store::{Claim, Claimed, Dead, Entry, Failure, Finish, Next, Put, Queue, Queued, Store},
};
use crate::EventKey;
use capecrypto_models::Timestamp;
use connection::Held;
use owned::{OwnedClaim, OwnedEntry, OwnedFailure, OwnedFinish};
use rusqlite::{Connection, ErrorCode};
use std::{fmt, mem, path::Path};

/// Keeps the events in one SQLite file. It needs no server, and survives a restart and a power cut. Feature `sqlite`.
///
/// The file is in write-ahead mode with `synchronous = FULL`: what was answered is on the disk. So each change costs a write
/// that waits for the disk. Several processes of one machine may use the file; a network file system does not keep it safe.
///
/// A handler writes with the store's [transaction](SqliteTransaction), and its effect happens once, also over a crash. For that
/// its tables must be in the same file. Make them with [`run`](Self::run), or with another connection.
///
/// SQLite has one writer at a time. The transaction begins at its first use, and from then on everybody else waits, at most 5
/// seconds. **So a handler should do what takes long first, and write last.** While it has written, it must not call the inbox,
/// which would wait for it.
///
/// It needs a tokio runtime with its timer. SQLite runs on the runtime's threads for blocking work, never on the others.
///
/// ```
/// # async fn receive(verified: capecrypto_webhook::Verified, now: capecrypto_models::Timestamp) -> Result<(), Box<dyn std::error::Error>> {
/// use capecrypto_webhook::{Inbox, SqliteStore, Taken};
///
/// let store = SqliteStore::open("payments.db").await?;
/// store.run(|file| file.execute_batch("CREATE TABLE IF NOT EXISTS paid (reference TEXT PRIMARY KEY) STRICT")).await?;
/// let inbox = Inbox::new(store);
/// let Taken::Run(mut work) = inbox.take(&verified, now).await? else { return Ok(()) };
/// let reference = verified.event.reference().map(str::to_owned);
/// work.transaction().run(move |file| file.execute("INSERT INTO paid VALUES (?1)", [reference])).await?;
/// work.finish(now).await?; // both, or neither
/// # Ok(()) }
/// ```
///
/// # Tables
/// [`open`](Self::open) makes them, and brings those of an older version to the newest. `inbox_version` has the version.
///
#[doc = concat!("```sql\n", include_str!("sqlite/1.sql"), "```")]
#[derive(Clone)]
pub struct SqliteStore {
    queue: connection::Queue,
}

/// What a handler writes its effect with: it is kept with the end of the handler, or not at all.
///
/// It begins at its first use, and holds the lock for writing until it ends.
pub struct SqliteTransaction {
    queue: connection::Queue,
    state: State,
}

enum State {
    NotBegun,
    Open(Held),
    /// It was undone behind the handler's back, so what comes later must not be kept without what came before.
    Undone,
}

/// Why the store could not do something. It quotes no body.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum SqliteError {
    /// Somebody else writes for too long.
    #[error(
        "the database is busy: another handler or process has been writing for 5 seconds (a handler should write last, and \
         must not call the inbox after its first write)"
    )]
    Busy,
    /// A newer version of this crate has changed the tables.
    #[error(
        "the tables have version {found}, and this program knows version {known}: use a newer capecrypto-webhook"
    )]
    Newer {
        /// The version of the tables.
        found: i64,
        /// The newest version that is known here.
        known: i64,
    },
    /// The file cannot have write-ahead logging.
    #[error(
        "the file cannot have write-ahead logging: put it on a disk of this machine, in a folder that can be written"
    )]
    NoWriteAheadLog,
    /// The transaction was undone.
    #[error(
        "the transaction was undone (an error ended it, the handler ended it by itself, or a call to `run` was cut off): let the \
         handler fail, so that the event is handled again"
    )]
    Undone,
    /// A row has something that this crate does not write there.
    #[error("the column '{0}' of a row has something that this crate does not write there")]
    Unreadable(&'static str),
    /// There is no tokio runtime, or it is being shut down.
    #[error("there is no running tokio runtime: call the store in one")]
    NoRuntime,
    /// SQLite.
    #[error(transparent)]
    Database(rusqlite::Error),
}

/// With the text, because it is what a program prints whose `main` answers this error.
impl fmt::Debug for SqliteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SqliteError").field(&format_args!("{self}")).finish()
    }
}

impl From<rusqlite::Error> for SqliteError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            _ => Self::Database(error),
        }
    }
}

impl SqliteStore {
    /// Opens the file. If it does not exist, it is made. `:memory:` makes a store that ends with the process, for tests.
    ///
    /// # Errors
    /// The file cannot be opened or written, or its tables are [newer](SqliteError::Newer).
    pub async fn open(path: impl AsRef<Path> + Send) -> Result<Self, SqliteError> {
        Ok(Self { queue: connection::Queue::open(path.as_ref()).await? })
    }

    /// Does something in a transaction of its own, for example to make your tables. It is kept if the closure answers `Ok`.
    ///
    /// # Errors
    /// The closure's, and those of the store.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, SqliteError> {
        self.queue.write(|connection| Ok(work(connection)?)).await
    }
}

impl SqliteTransaction {
    /// Writes, or reads what it has written. It runs on a thread that may block.
    ///
    /// Do not end the transaction in the closure. If the closure answers an error, what it wrote before the error is still in the
    /// transaction: let the handler fail. A panic of the closure goes on here.
    ///
    /// # Errors
    /// The closure's; [`Busy`](SqliteError::Busy); [`Undone`](SqliteError::Undone).
    pub async fn run<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, SqliteError> {
        let held = self.begin().await?;
        // `begin` has left `Undone`, for the case that this is cut off here.
        let (held, done) = held.run(|connection| (work(connection), connection.is_autocommit())).await?;
        match done {
            (done, false) => {
                self.state = State::Open(held);
                Ok(done?)
            }
            (Err(error), true) => Err(error.into()),
            (Ok(_), true) => Err(SqliteError::Undone),
        }
    }

    async fn begin(&mut self) -> Result<Held, SqliteError> {
        match mem::replace(&mut self.state, State::Undone) {
            State::Open(held) => Ok(held),
            State::Undone => Err(SqliteError::Undone),
            State::NotBegun => {
                // Nothing is lost if it cannot begin.
                self.state = State::NotBegun;
                let (held, begun) = self
                    .queue
                    .hold()
                    .await?
                    .run(|connection| connection.execute_batch("BEGIN IMMEDIATE"))
                    .await?;
                begun?;
                self.state = State::Undone;
                Ok(held)
            }
        }
    }
}

impl Store for SqliteStore {
    type Error = SqliteError;
    type Transaction<'a> = SqliteTransaction;

    async fn claim(&self, claim: &Claim<'_>) -> Result<Claimed, SqliteError> {
        let claim = OwnedClaim::from(claim);
        self.queue.write(move |connection| rows::claim(connection, &claim.borrowed())).await
    }

    async fn begin(&self) -> Result<SqliteTransaction, SqliteError> {
        Ok(SqliteTransaction { queue: self.queue.clone(), state: State::NotBegun })
    }

    async fn finish(
        &self,
        mut transaction: SqliteTransaction,
        end: &Finish<'_>,
    ) -> Result<bool, SqliteError> {
        let end = OwnedFinish::from(end);
        let held = transaction.begin().await?;
        let finish = move |connection: &Connection| {
            if connection.is_autocommit() {
                return Err(SqliteError::Undone);
            }
            let finished = rows::finish(connection, &end.borrowed())?;
            connection.execute_batch(if finished { "COMMIT" } else { "ROLLBACK" })?;
            Ok(finished)
        };
        held.run(finish).await?.1
    }

    async fn fail(&self, failure: &Failure<'_>) -> Result<bool, SqliteError> {
        let failure = OwnedFailure::from(failure);
        self.queue.write(move |connection| rows::fail(connection, &failure.borrowed())).await
    }

    async fn dead(&self, most: usize) -> Result<Vec<Dead>, SqliteError> {
        self.queue.read(move |connection| rows::dead(connection, most)).await
    }

    async fn retry(&self, key: &EventKey) -> Result<bool, SqliteError> {
        let key = key.clone();
        self.queue.write(move |connection| rows::retry(connection, &key)).await
    }

    async fn forget(&self, before: Timestamp) -> Result<u64, SqliteError> {
        let before = numbers::millis(before);
        self.queue.write(move |connection| rows::forget(connection, before)).await
    }

    async fn open(&self, reference: &str) -> Result<(), SqliteError> {
        let reference: Box<str> = reference.into();
        self.queue.write(move |connection| rows::open(connection, &reference, true)).await
    }

    async fn close(&self, reference: &str) -> Result<bool, SqliteError> {
        let reference: Box<str> = reference.into();
        self.queue.write(move |connection| rows::close(connection, &reference)).await
    }

    async fn awaited(&self, after: Option<&str>, most: usize) -> Result<Vec<Box<str>>, SqliteError> {
        let after: Option<Box<str>> = after.map(Into::into);
        self.queue.read(move |connection| rows::awaited(connection, after.as_deref(), most)).await
    }
}

impl Queue for SqliteStore {
    async fn put(&self, entry: &Entry<'_>) -> Result<Put, SqliteError> {
        let entry = OwnedEntry::from(entry);
        self.queue.write(move |connection| rows::put(connection, &entry.borrowed())).await
    }

    async fn next(&self, ask: &Next) -> Result<Option<Queued>, SqliteError> {
        let ask = *ask;
        self.queue.write(move |connection| rows::next(connection, &ask)).await
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").finish_non_exhaustive()
    }
}

impl fmt::Debug for SqliteTransaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::NotBegun => "not begun",
            State::Open(_) => "open",
            State::Undone => "undone",
        };
        f.debug_struct("SqliteTransaction").field("state", &state).finish_non_exhaustive()
    }
}

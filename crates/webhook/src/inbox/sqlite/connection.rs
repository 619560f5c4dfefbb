//! The one connection of the process, and how work reaches it without blocking the runtime.

use super::{SqliteError, schema};
use rusqlite::{Connection, TransactionBehavior};
use std::{panic, path::Path, sync::Arc, time::Duration};
use tokio::{
    runtime::Handle,
    sync::{Mutex, OwnedMutexGuard},
    time,
};

/// How long to wait for the database, here and in SQLite.
const WAIT: Duration = Duration::from_secs(5);

/// SQLite has one writer at a time. So there is one connection, and a fair queue in front of it.
#[derive(Clone)]
pub(super) struct Queue(Arc<Mutex<Connection>>);

/// The connection, for one user. What is not committed when it is dropped is undone.
pub(super) struct Held(OwnedMutexGuard<Connection>);

impl Queue {
    pub(super) async fn open(path: &Path) -> Result<Self, SqliteError> {
        let path = path.to_owned();
        let connection = on_thread(move || open(&path)).await??;
        Ok(Self(Arc::new(Mutex::new(connection))))
    }

    /// Waits for the connection.
    pub(super) async fn hold(&self) -> Result<Held, SqliteError> {
        runtime()?;
        let held = time::timeout(WAIT, Arc::clone(&self.0).lock_owned()).await;
        held.map(Held).map_err(|_| SqliteError::Busy)
    }

    /// Does the work in a transaction of its own.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, SqliteError> + Send + 'static,
    ) -> Result<T, SqliteError> {
        let mut held = self.hold().await?;
        on_thread(move || {
            let transaction = held.0.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let done = work(&transaction)?;
            transaction.commit()?;
            Ok(done)
        })
        .await?
    }

    /// Does the work without a transaction.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, SqliteError> + Send + 'static,
    ) -> Result<T, SqliteError> {
        let held = self.hold().await?;
        on_thread(move || work(&held.0)).await?
    }
}

impl Held {
    /// Does some work, and gives the connection back.
    pub(super) async fn run<T: Send + 'static>(
        self,
        work: impl FnOnce(&Connection) -> T + Send + 'static,
    ) -> Result<(Self, T), SqliteError> {
        on_thread(move || {
            let done = work(&self.0);
            (self, done)
        })
        .await
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if !self.0.is_autocommit() {
            // What a transaction has written is in memory until it is committed, so this does not wait for the disk. If it fails,
            // the next one cannot begin, and says so.
            let _ = self.0.execute_batch("ROLLBACK");
        }
    }
}

/// Without one, tokio would panic.
fn runtime() -> Result<Handle, SqliteError> {
    Handle::try_current().map_err(|_| SqliteError::NoRuntime)
}

/// Runs on a thread that may block. A panic goes on in the caller.
async fn on_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, SqliteError> {
    match runtime()?.spawn_blocking(work).await {
        Ok(done) => Ok(done),
        Err(error) => match error.try_into_panic() {
            Ok(payload) => panic::resume_unwind(payload),
            Err(_) => Err(SqliteError::NoRuntime),
        },
    }
}

fn open(path: &Path) -> Result<Connection, SqliteError> {
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(WAIT)?;
    connection.set_prepared_statement_cache_capacity(64);
    connection.pragma_update(None, "synchronous", "FULL")?;
    // Only macOS knows these: there, a plain `fsync` leaves the data in the memory of the disk.
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "checkpoint_fullfsync", true)?;
    write_ahead(&connection)?;
    schema::migrate(&mut connection)?;
    Ok(connection)
}

/// Turns on write-ahead logging. The file keeps it, so only its first user must.
fn write_ahead(connection: &Connection) -> Result<(), SqliteError> {
    // While another process does the same, SQLite answers "busy" at once, without waiting.
    const TRIES: u32 = 50;
    let mode =
        || connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0));
    let mut left = TRIES;
    loop {
        let error = match mode().map_err(SqliteError::from) {
            // A database in memory has none, and needs none.
            Ok(mode) if mode == "wal" || mode == "memory" => return Ok(()),
            Ok(_) => SqliteError::NoWriteAheadLog,
            Err(SqliteError::Busy) => SqliteError::Busy,
            Err(error) => return Err(error),
        };
        if left == 0 {
            return Err(error);
        }
        left -= 1;
        // This thread may block.
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

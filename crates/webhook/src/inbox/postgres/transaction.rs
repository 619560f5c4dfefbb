//! What a handler writes with.

use super::PostgresError;
use deadpool_postgres::{ClientWrapper, Object, Pool};
use std::fmt;
use tokio::runtime::Handle;

/// What a handler writes its effect with: it is kept with the end of the handler, or not at all.
///
/// It begins at its first use, at the isolation level `READ COMMITTED`, and has a connection of the pool until it ends. When it
/// is dropped, it is undone as soon as the statement that runs has ended: set `statement_timeout` at the server, so that none runs
/// for ever.
pub struct PostgresTransaction {
    pool: Pool,
    begun: Option<Begun>,
}

/// A connection with an open transaction.
pub(super) struct Begun(Option<Object>);

impl PostgresTransaction {
    pub(super) fn new(pool: Pool) -> Self {
        Self { pool, begun: None }
    }

    /// The connection, in the transaction. It derefs to [`tokio_postgres::Client`].
    ///
    /// Answer the errors of your statements as [`PostgresError`], which has what the server says; the text of
    /// [`tokio_postgres::Error`] is only "db error".
    ///
    /// Do not end the transaction. After a statement that failed, let the handler fail: nothing can be written any more, except
    /// after `ROLLBACK TO` a savepoint of yours.
    ///
    /// # Errors
    /// There is [no connection](PostgresError::NoConnection).
    pub async fn client(&mut self) -> Result<&ClientWrapper, PostgresError> {
        let begun = self.begin().await?;
        self.begun.insert(begun).client()
    }

    /// Takes the transaction out.
    pub(super) async fn begin(&mut self) -> Result<Begun, PostgresError> {
        if let Some(begun) = self.begun.take() {
            return Ok(begun);
        }
        let begun = Begun(Some(super::connection(&self.pool).await?));
        begun.client()?.batch_execute("BEGIN ISOLATION LEVEL READ COMMITTED").await?;
        Ok(begun)
    }
}

impl Begun {
    pub(super) fn client(&self) -> Result<&ClientWrapper, PostgresError> {
        // It is taken out only when this ends.
        self.0.as_deref().ok_or_else(|| PostgresError::NoConnection("the transaction has ended".into()))
    }

    pub(super) async fn commit(mut self) -> Result<(), PostgresError> {
        self.client()?.batch_execute("COMMIT").await?;
        // Back to the pool.
        drop(self.0.take());
        Ok(())
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        let Some(client) = self.0.take() else { return };
        let open = Open(Some(client));
        // Without a runtime, the connection is closed, and the server undoes the transaction by itself.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(open.roll_back());
        }
    }
}

/// A connection that does not go back to the pool before its transaction has ended.
struct Open(Option<Object>);

impl Open {
    async fn roll_back(mut self) {
        if let Some(client) = &self.0
            && client.batch_execute("ROLLBACK").await.is_ok()
        {
            drop(self.0.take());
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(client) = self.0.take() {
            drop(Object::take(client));
        }
    }
}

impl fmt::Debug for PostgresTransaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresTransaction").field("begun", &self.begun.is_some()).finish_non_exhaustive()
    }
}

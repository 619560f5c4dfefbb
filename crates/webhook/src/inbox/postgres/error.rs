//! What can go wrong, without what it was about.

use deadpool_postgres::{PoolError, TimeoutType};
use std::{error::Error as _, fmt};

/// Why the store could not do something. It quotes no password and no body: of what the server says, only the message is kept,
/// without the details, which may have a row in them.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PostgresError {
    /// This cannot be the name of a schema here.
    #[error(
        "the name of the schema is refused: give 1 to 63 of a-z, 0-9 and _, not beginning with a digit or with pg_, such as \
         cape_inbox"
    )]
    SchemaName,
    /// The address of the database cannot be read.
    #[error("the address of the database cannot be read: give postgres://user:password@host:5432/database")]
    Address,
    /// The schema has no tables.
    #[error(
        "the schema has no tables of the inbox: call PostgresStore::migrate, with a role that may make them"
    )]
    NotMigrated,
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
    /// There is no connection.
    #[error("there is no connection to the database: {0}")]
    NoConnection(Box<str>),
    /// A row has something that this crate does not write there.
    #[error("the column '{0}' of a row has something that this crate does not write there")]
    Unreadable(&'static str),
    /// The server refused something, or the connection was lost.
    #[error("the database: {message}")]
    Database {
        /// The server's code of five letters and digits (SQLSTATE). `None` if the server did not answer.
        code: Option<Box<str>>,
        /// What it says.
        message: Box<str>,
    },
}

/// With the text, because it is what a program prints whose `main` answers this error.
impl fmt::Debug for PostgresError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PostgresError").field(&format_args!("{self}")).finish()
    }
}

impl From<tokio_postgres::Error> for PostgresError {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(said) = error.as_db_error() else {
            // The kind, and the system's word for it. Neither has anything of a request in it.
            let io = error.source().filter(|source| source.is::<std::io::Error>());
            let message = io.map_or_else(|| error.to_string(), |io| format!("{error}: {io}"));
            return Self::Database { code: None, message: message.into() };
        };
        match said.code().code() {
            // No such table, no such schema. A table of the handler may be missing too; then the message names it.
            "42P01" if said.message().contains("inbox_") => Self::NotMigrated,
            "3F000" => Self::NotMigrated,
            code => Self::Database { code: Some(code.into()), message: said.message().into() },
        }
    }
}

impl From<PoolError> for PostgresError {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) => match Self::from(error) {
                Self::Database { message, .. } => Self::NoConnection(message),
                other => other,
            },
            PoolError::Timeout(TimeoutType::Wait) => Self::NoConnection(
                "all connections of the pool are in use (each handler that writes has one): make the pool larger".into(),
            ),
            PoolError::Timeout(_) => Self::NoConnection("the server did not answer in time".into()),
            PoolError::Closed => Self::NoConnection("the pool is closed".into()),
            PoolError::NoRuntimeSpecified => {
                Self::NoConnection("the pool has deadlines and no runtime: give it Runtime::Tokio1".into())
            }
            _ => Self::NoConnection("the pool refused it".into()),
        }
    }
}

#![doc = include_str!("../README.md")]

mod inbox;
mod key;
mod read;
mod rejection;
#[cfg(feature = "testing")]
pub mod testing;
mod verifier;

pub use inbox::{
    Claim, Claimed, Dead, Ended, Entry, Failure, Finish, Inbox, Kept, Known, MemoryStore, Next, Put, Queue,
    Queued, Store, Taken, Ticket, Work,
};
#[cfg(feature = "postgres")]
pub use inbox::{PostgresError, PostgresStore, PostgresTransaction};
#[cfg(feature = "redis")]
pub use inbox::{RedisError, RedisStore};
#[cfg(feature = "sqlite")]
pub use inbox::{SqliteError, SqliteStore, SqliteTransaction};
pub use key::EventKey;
pub use rejection::{Rejection, SecretError};
pub use verifier::{HEADER, MAX_BODY, Verified, Verifier};

// The types in this crate's signatures.
#[doc(no_inline)]
pub use capecrypto_models::{Sensitive, WebhookEvent};

// The drivers, in the version whose types are in these signatures.
#[cfg(feature = "redis")]
#[doc(no_inline)]
pub use redis;
#[cfg(feature = "sqlite")]
#[doc(no_inline)]
pub use rusqlite;
#[cfg(feature = "postgres")]
#[doc(no_inline)]
pub use {deadpool_postgres, tokio_postgres};

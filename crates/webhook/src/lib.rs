#![doc = include_str!("../README.md")]

#[cfg(feature = "axum")]
mod axum_handler;
mod event;
#[cfg(feature = "receiver")]
mod handler;
#[cfg(feature = "receiver")]
mod handling;
mod inbox;
mod key;
#[cfg(feature = "receiver")]
mod notice;
mod read;
#[cfg(feature = "receiver")]
mod receiver;
#[cfg(feature = "reconcile")]
pub mod reconcile;
mod rejection;
mod sender;
#[cfg(feature = "tower")]
mod service;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(feature = "receiver")]
mod throttle;
mod verifier;
#[cfg(feature = "worker")]
mod worker;

#[cfg(feature = "axum")]
pub use axum_handler::RawRequest;
pub use event::{Event, Verified};
#[cfg(feature = "receiver")]
pub use handler::{Handler, Incoming, Transaction};
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
#[cfg(feature = "receiver")]
pub use notice::{Failed, Notice, StoreError};
#[cfg(feature = "receiver")]
pub use receiver::{Answer, Receiver, Receiving};
pub use rejection::{Rejection, SecretError};
pub use sender::{Delivery, Sender};
pub use verifier::{HEADER, MAX_BODY, Verifier};
#[cfg(feature = "worker")]
pub use worker::{Bell, Drained, NoRuntime, Worker};

// The types in this crate's signatures.
#[cfg(feature = "receiver")]
#[doc(no_inline)]
pub use capecrypto_auth::Clock;
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

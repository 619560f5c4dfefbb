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
pub use key::EventKey;
pub use rejection::{Rejection, SecretError};
pub use verifier::{HEADER, MAX_BODY, Verified, Verifier};

// The types in this crate's signatures.
#[doc(no_inline)]
pub use capecrypto_models::{Sensitive, WebhookEvent};

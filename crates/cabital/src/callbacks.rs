//! What Cabital calls back: who sent it, what it says, and whether it came before (feature `callbacks`).
//!
//! A delivery is signed with the four headers of a call. After every answer but 2xx it comes again, 5 minutes, 1 hour, 5 hours and 18 hours
//! later, so answer 2xx only when the event is safe. The [`Receiver`] does all of this with the stores of
//! [`capecrypto_webhook`], which keep the keys of events so that each one is handled once:
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
//! use cabital::{Scheme, callbacks::{Callback, Incoming, Receiver, Verifier}};
//! use capecrypto_auth::Credentials;
//! use capecrypto_webhook::{Delivery, Inbox, MemoryStore};
//!
//! let verifier = Verifier::new(&Credentials::new("partner-key", "s3cr3t")?, Scheme::default());
//! let receiver = Receiver::new(verifier, Inbox::new(MemoryStore::new()), |incoming: Incoming| async move {
//!     match incoming.event {
//!         Callback::Connection(event) => println!("{} is {}", event.account_uuid, event.status),
//!         Callback::Transfer(event) => println!("move {} {}, then report the result", event.amount, event.symbol),
//!         other => println!("{other:?}"),
//!     }
//!     Ok::<(), std::io::Error>(())
//! });
//! let headers = http::HeaderMap::new();
//! let delivery = Delivery { method: "POST", path: "/cabital/events", headers: &headers, body: b"{}" };
//! assert_eq!(receiver.receive_delivery(&delivery).await.status, 401); // nobody has signed it
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).map_err(|error| error.to_string())?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! It is the receiver of the exchange's webhooks, with another [`Sender`](capecrypto_webhook::Sender). So with the features of
//! [`capecrypto_webhook`] it is a service of tower, a handler for `axum::routing::any` (Cabital sends POST and PUT), and it can keep events
//! for a `Worker`; and a [`Handler`](capecrypto_webhook::Handler)`<S, Callback>` can write its effect with the store's transaction. Use a
//! store for Cabital alone if a worker handles its events. The path is signed too: let a proxy on the way leave it as it is.
//!
//! The states of a connection are a [`Connection`](crate::connection::Connection). A customer's transfer is answered later, by a
//! [`ReportResult`](crate::transfers::ReportResult).

mod event;
mod replays;
mod verifier;

pub use event::{Callback, ConnectionData, ConnectionEvent, TransferEvent, Unreadable};
pub use verifier::{MAX_BODY, Rejection, Verified, Verifier};

/// Receives callbacks: see [`capecrypto_webhook::Receiver`], whose statuses it answers.
pub type Receiver = capecrypto_webhook::Receiver<Verifier>;

/// What a handler is given.
pub type Incoming = capecrypto_webhook::Incoming<Callback>;

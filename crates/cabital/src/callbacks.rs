//! What Cabital calls back: who sent it, what it says, and whether it came before (feature `callbacks`).
//!
//! A delivery is signed with the four headers of a call. After every answer but 2xx it comes again, 5 minutes, 1 hour, 5 hours and 18 hours
//! later, so answer 2xx only when the event is safe. An [`Inbox`](capecrypto_webhook::Inbox) gives each event to your program once:
//!
//! ```
//! # async fn receive(
//! #     verifier: &cabital::callbacks::Verifier, inbox: &capecrypto_webhook::Inbox<capecrypto_webhook::MemoryStore>,
//! #     headers: http::HeaderMap, body: &[u8], now: capecrypto_models::Timestamp,
//! # ) -> Result<u16, Box<dyn std::error::Error>> {
//! use cabital::callbacks::Callback;
//! use capecrypto_webhook::Taken;
//! let verified = match verifier.verify("POST", "/cabital/events", &headers, body, now) {
//!     Ok(verified) => verified,
//!     Err(rejection) => return Ok(rejection.status()),
//! };
//! let taken = verified.take(inbox, now).await?; // if the store is down: answer 503
//! let Taken::Run(work) = taken else { return Ok(taken.status()) };
//! match &verified.callback {
//!     Callback::Connection(event) => println!("{} is {}", event.account_uuid, event.status),
//!     Callback::Transfer(event) => println!("move {} {}", event.amount, event.symbol),
//!     _ => println!("an event of next year"),
//! }
//! work.finish(now).await?;
//! Ok(200)
//! # }
//! ```
//!
//! Use an inbox for Cabital alone if your store is a queue. The states of a connection are a
//! [`Connection`](crate::connection::Connection). A customer's transfer is answered later, by a
//! [`ReportResult`](crate::transfers::ReportResult).

mod event;
mod receiver;
mod replays;
mod verifier;

pub use event::{Callback, ConnectionData, ConnectionEvent, TransferEvent, Unreadable};
pub use receiver::{Incoming, Receiver};
pub use replays::{Replays, Seen};
pub use verifier::{MAX_BODY, Rejection, Verified, Verifier};

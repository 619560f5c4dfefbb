#![doc = include_str!("../README.md")]

mod argument;
mod body;
mod builder;
mod call;
mod client;
mod connection;
mod cursor;
mod endpoint;
mod error;
mod export;
mod files;
mod form;
mod hiding;
mod intent;
mod limit;
mod macros;
mod mask;
mod motion;
#[cfg(feature = "multipart")]
mod multipart;
mod names;
#[cfg(not(feature = "recording"))]
mod no_recording;
mod outgoing;
mod page;
mod pieces;
mod polling;
mod prepare;
mod raw;
#[cfg(feature = "recording")]
mod recording;
mod response;
mod retry;
mod runtime;
#[cfg(feature = "multipart")]
mod streamed;
mod table;
mod tls;
mod transport;
mod upgrade;
pub mod upload;
mod windows;
mod words;

#[cfg(not(feature = "recording"))]
use no_recording as recording;

/// The bytes of an answer's body.
pub use bytes::Bytes;

pub use argument::{Checks, InvalidArgument, InvalidArguments, Warning};
pub use builder::{Builder, Rate, Timeouts};
pub use call::{Accept, Call, Codes, Deadline, Form, Method, Repeat};
pub use client::{Client, Exported, Reply, Table};
pub use connection::Upgraded;
pub use cursor::Cursored;
pub use endpoint::{Endpoint, Mismatch, Objection};
pub use error::{Error, Kind, Outcome};
pub use intent::{
    FileIntentLog, Intent, IntentId, IntentLog, IntentLogError, IntentState, LogFuture, MemoryIntentLog,
};
pub use page::{Items, Page, Paged, Pages, SetPage};
pub use pieces::{Limit, Paging, TimeRange};
pub use polling::Polling;
pub use prepare::{Part, PartContent, Prepared};
pub use raw::{RawReply, RawRequest};
#[cfg(feature = "recording")]
pub use recording::{RecordedCall, Recorder, Recording, RecordingError, Replay};
pub use response::{
    DecodeError, Entries, FromResponse, Head, Nothing, RawBody, Rows, UnreadableRow, without_bom,
};
pub use table::{Joined, Tables};
pub use upgrade::Upgrade;
pub use windows::{SetTimes, Span, Windowed};

/// Items of other crates that the macros use.
#[doc(hidden)]
pub mod __private {
    pub use capecrypto_auth::Environment;
    pub use capecrypto_models::{
        Timestamp,
        param::{Fields, Name, Param, Params, Place},
    };
}

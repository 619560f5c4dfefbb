//! Intents in a file that outlives the process.
//!
//! `lines.rs` is the file's format, `folder.rs` makes and replaces files, `writer.rs` appends to one.

mod folder;
mod lines;
mod writer;

use super::{Intent, IntentId, IntentLog, IntentLogError, LogFuture};
use crate::Outcome;
use lines::Line;
use std::{fmt, future::ready, path::Path};
use writer::Writer;

/// Keeps intents in a file, so that a program that starts again knows which of its writes may have been done.
///
/// ```
/// use capecrypto_auth::Environment;
/// use capecrypto_rest::{Client, FileIntentLog, IntentLog};
/// use std::sync::Arc;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = std::env::temp_dir().join(format!("capecrypto-doc-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// let log = Arc::new(FileIntentLog::at(folder.join("intents.jsonl"))?);
///
/// // What an earlier run of the program left open.
/// for intent in log.open().await? {
///     println!("{} at {}: order {:?}", intent.call(), intent.at(), intent.argument("custom_order_id"));
///     // Look it up at the exchange here. Then:
///     log.close(intent.id(), "found as order 77").await?;
/// }
///
/// let client = Client::builder(Environment::live()).intent_log(log.clone()).build()?;
/// # let _ = client;
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok(())
/// # }
/// ```
///
/// The file is text, one JSON object in a line. Lines are only added to it. On Unix it is created so that only its owner can
/// read and write it (mode 0600), because arguments may be personal.
///
/// * An intent is on the disk (`fsync`) before its write leaves. Intents that begin at the same time share one `fsync`.
/// * The end of a write is written at once, which is enough if the process ends or is killed, and gets to the disk with the
///   next intent. A power cut may lose it. Then the intent is open again, which costs a look-up and no more.
/// * If an intent cannot be written, for example because the disk is full, the write is not sent ([`Kind::IntentLog`],
///   [`Outcome::NotSent`]). After the disk itself failed (`fsync`), nothing is sent until the log is opened anew.
///
/// Use one file for each account: an intent does not tell the key. Only one process may use it, and it holds the lock file
/// beside it, whose name ends in `.lock`, as long as the log lives. (Rust 1.88 has no file locks, so if the program is built
/// with that version, a second process is not noticed.) Several clients of one process can share the log.
///
/// [`Kind::IntentLog`]: crate::Kind::IntentLog
pub struct FileIntentLog {
    writer: Writer,
}

impl FileIntentLog {
    /// Opens the log, or creates it; its folder must exist. Reads what is open, and replaces the file by one that has only
    /// that, if it has more.
    ///
    /// A last line without its end is what a crash leaves, and is dropped: its write was not sent.
    ///
    /// It blocks until the disk is done, so call it when the program starts.
    ///
    /// # Errors
    /// The file cannot be read, written or locked; another process uses it; or a line is damaged. The error names the line
    /// and what to do.
    #[inline]
    pub fn at(path: impl AsRef<Path>) -> Result<Self, IntentLogError> {
        let path = path.as_ref();
        let lock = folder::lock(path)?;
        let found = match folder::existing(path)? {
            Some(file) => lines::read(path, file)?,
            None => lines::Found::nothing(),
        };
        if found.has_more {
            folder::replace(path, &lines::whole(&found.open)?)?;
        }
        Ok(Self { writer: Writer::new(folder::for_appending(path, lock)?, found.open) })
    }
}

impl IntentLog for FileIntentLog {
    #[inline]
    fn begin(&self, intent: Intent) -> LogFuture<'_, ()> {
        self.writer.append(Line::Begin(intent.written()))
    }

    #[inline]
    fn end(&self, id: IntentId, outcome: Outcome) -> LogFuture<'_, ()> {
        self.writer.append(Line::End { id, outcome: outcome.into() })
    }

    #[inline]
    fn open(&self) -> LogFuture<'_, Vec<Intent>> {
        Box::pin(ready(Ok(self.writer.open())))
    }

    #[inline]
    fn close<'a>(&'a self, id: IntentId, note: &'a str) -> LogFuture<'a, ()> {
        if !self.writer.is_open(id) {
            return Box::pin(ready(Err(IntentLogError::not_open(id))));
        }
        self.writer.append(Line::Close { id, note: note.to_owned() })
    }
}

impl fmt::Debug for FileIntentLog {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FileIntentLog({} open)", self.writer.open().len())
    }
}

//! The tables of several requests as one table: rows checked, header once, secret columns left out.
//!
//! `split.rs` splits answers into rows (`masks.rs` finds their commas and ends, `header.rs` knows their columns), `file.rs`
//! is a file that gets its name when it is whole.

mod file;
mod header;
mod masks;
mod split;

use crate::{
    Client, Endpoint, Error, Head, Table, Warning,
    connection::AnswerBody,
    export::{self, Receive},
    motion::Motion,
    transport::{self, Trace},
};
use file::NewFile;
use split::Splitter;
use std::{fmt, io, path::Path, pin::pin, time::Duration};
use tokio::{
    io::{AsyncWrite, AsyncWriteExt as _},
    task::spawn_blocking,
    time::Instant,
};

/// How many bytes are collected before they are handed on. Each time, another thread has to take them, so fewer times cost less.
const COLLECTED: usize = 2 * 1024 * 1024;

/// The tables that answer several requests, joined to one: see [`Client::tables`].
#[derive(Debug)]
#[must_use = "nothing is sent until the table is written"]
pub struct Tables<I> {
    client: Client,
    requests: I,
    keep: Vec<String>,
}

/// Result of [`Tables`]: what was written.
///
/// `Debug` does not show the last row, because it may be personal.
#[derive(Clone)]
#[non_exhaustive]
pub struct Joined {
    /// Number of rows, without the header.
    pub rows: u64,
    /// Number of bytes.
    pub bytes: u64,
    /// Number of answers.
    pub answers: u32,
    /// Names of the columns, without quotes. Empty if no answer had a header.
    pub columns: Vec<String>,
    /// Names of the columns that were left out, because they stand for a secret.
    pub left_out: Vec<String>,
    /// The last row as it was written, with its line end; `None` without rows.
    pub last_row: Option<Vec<u8>>,
    /// Time from the start to the last byte.
    pub elapsed: Duration,
    /// Arguments that were sent although they may be wrong: those of the first request.
    pub warnings: Vec<Warning>,
}

impl fmt::Debug for Joined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rows, bytes, answers, columns, left_out, last_row: _, elapsed, warnings } = self;
        f.debug_struct("Joined")
            .field("rows", rows)
            .field("bytes", bytes)
            .field("answers", answers)
            .field("columns", columns)
            .field("left_out", left_out)
            .field("elapsed", elapsed)
            .field("warnings", warnings)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// The tables that answer these requests, one after the other, as one table. A quote begins or ends a part of a cell in
    /// which commas and line ends are text; a line ends with LF or CR LF; empty lines are left out.
    ///
    /// * All answers must have the same header. It is written once.
    /// * Columns whose name stands for a secret, such as `voucher_pin`, are left out, unless [`Tables::keep`] names them.
    /// * Each row must have as many cells as the header, and each answer must end with the end of a line, so that a table
    ///   that was cut off is an error. Only whole rows are written. Their bytes are not changed.
    /// * A request is tried again as any read, but only until the first of its rows is written.
    ///
    /// The memory that it needs does not grow with the tables.
    pub fn tables<E: Endpoint<Response = Table>, I: IntoIterator<Item = E>>(&self, requests: I) -> Tables<I> {
        Tables { client: self.clone(), requests, keep: Vec::new() }
    }
}

impl<E, I> Tables<I>
where
    E: Endpoint<Response = Table>,
    I: IntoIterator<Item = E>,
{
    /// Keeps the column of this name, although it stands for a secret. The name may be written in any way: `voucher_pin` is
    /// the same as `Voucher PIN`.
    pub fn keep(mut self, column: impl Into<String>) -> Self {
        self.keep.push(column.into());
        self
    }

    /// Writes the table to a writer. After an error, the output is incomplete; unless the writer failed, it ends with a whole
    /// row.
    ///
    /// # Errors
    /// As [`Client::export`]. [`Kind::Interrupted`](crate::Kind::Interrupted) if an answer is cut off,
    /// [`Kind::Decode`](crate::Kind::Decode) if a row has another number of cells,
    /// [`Kind::Mismatch`](crate::Kind::Mismatch) if the answers have different headers, or if there is no column of a name
    /// that should be kept, [`Kind::TooLarge`](crate::Kind::TooLarge) for a row of more than 1 MiB.
    pub async fn write_to<W: AsyncWrite + Unpin + Send>(self, writer: &mut W) -> Result<Joined, Error> {
        self.join(ToWriter(writer)).await
    }

    /// Writes the table to a file. Until the table is whole, it is written to a file of another name in the same folder, which
    /// ends in `.part`; then it gets this name, in place of a file that has it. After an error, or if the future is dropped,
    /// nothing is left, and a file that was there is not changed. On Unix only its owner can read it (mode 0600).
    ///
    /// # Errors
    /// As [`write_to`](Self::write_to); [`Kind::Output`](crate::Kind::Output) if the file cannot be
    /// written.
    pub async fn save(self, path: impl AsRef<Path>) -> Result<Joined, Error> {
        let path = path.as_ref().to_owned();
        self.client.shared.check_runtime(E::CALL)?;
        let file = blocking(move || NewFile::begin(&path)).await;
        let file = file.map_err(|error| export::output(error).with_call(E::CALL))?;
        self.join(ToFile(Some(file))).await
    }

    async fn join<S: Sink>(self, sink: S) -> Result<Joined, Error> {
        let Self { client, requests, keep } = self;
        let start = Instant::now();
        let mut join = Join::new(keep, sink);
        let mut warnings = None;
        for request in requests {
            let told = {
                let mut part = Part { join: &mut join, has_begun: false };
                let work = pin!(async {
                    let (outgoing, warned) = client.prepare(&request, None)?;
                    warnings.get_or_insert(warned);
                    let answer = client.shared.call(&outgoing, &mut part).await?;
                    Ok(Answered { status: answer.head.status, attempts: answer.attempts })
                });
                transport::traced(E::CALL, work).await
            };
            told.map_err(|error| join.tell(error))?;
            join.answers += 1;
        }
        let Join { sink, splitter, answers, rows, bytes, last, .. } = join;
        sink.finish().await.map_err(|error| export::output(error).with_call(E::CALL))?;
        let names = |kept| splitter.header().map(|header| header.names(kept)).unwrap_or_default();
        Ok(Joined {
            rows,
            bytes,
            answers,
            columns: names(true),
            left_out: names(false),
            last_row: (rows > 0).then_some(last),
            elapsed: start.elapsed(),
            warnings: warnings.unwrap_or_default(),
        })
    }
}

/// What a span records of one answer.
struct Answered {
    status: u16,
    attempts: u32,
}

impl Trace for Answered {
    fn trace(&self) -> (u16, u32) {
        (self.status, self.attempts)
    }
}

/// A table while it is joined.
struct Join<S> {
    splitter: Splitter,
    sink: S,
    /// Number of whole answers.
    answers: u32,
    /// Number of rows that were handed on.
    rows: u64,
    bytes: u64,
    last: Vec<u8>,
}

impl<S> Join<S> {
    fn new(keep: Vec<String>, sink: S) -> Self {
        let splitter = Splitter::new(keep);
        Self { splitter, sink, answers: 0, rows: 0, bytes: 0, last: Vec::new() }
    }

    /// Adds to an error how far the table came.
    fn tell(&self, error: Error) -> Error {
        if self.answers == 0 && self.bytes == 0 {
            return error;
        }
        error.with_advice(&format!(
            "this was answer {}, and {} rows had been written",
            self.answers + 1,
            self.rows
        ))
    }
}

/// Receives one of the answers.
struct Part<'j, S> {
    join: &'j mut Join<S>,
    /// Whether something of this answer was handed on.
    has_begun: bool,
}

impl<S: Sink> Part<'_, S> {
    /// Hands on the rows that are whole.
    async fn hand_on(&mut self, motion: &Motion) -> Result<(), Error> {
        let Join { splitter, sink, rows, bytes, last, .. } = &mut *self.join;
        if splitter.ready() == 0 {
            return Ok(());
        }
        let (whole, count) = splitter.take(last);
        self.has_begun = true;
        let length = u64::try_from(whole.len()).unwrap_or(0);
        splitter.give_back(motion.hold(sink.put(whole)).await.map_err(export::output)?);
        *rows += count;
        *bytes += length;
        Ok(())
    }
}

impl<S: Sink> Receive for Part<'_, S> {
    type Body = ();

    async fn receive(&mut self, head: &Head, mut answer: AnswerBody, motion: &Motion) -> Result<(), Error> {
        export::check(head, &answer)?;
        self.join.splitter.begin();
        while let Some(piece) = answer.next().await? {
            motion.moved(piece.len());
            self.join.splitter.feed(&piece)?;
            if self.join.splitter.ready() >= COLLECTED {
                self.hand_on(motion).await?;
            }
        }
        self.join.splitter.finish()?;
        self.hand_on(motion).await
    }

    fn has_begun(&self) -> bool {
        self.has_begun
    }
}

/// Where rows go.
trait Sink: Send {
    /// Writes these bytes, and gives the buffer back.
    fn put(&mut self, bytes: Vec<u8>) -> impl Future<Output = io::Result<Vec<u8>>> + Send;

    /// Ends the output: it is whole.
    fn finish(self) -> impl Future<Output = io::Result<()>> + Send;
}

struct ToWriter<'w, W>(&'w mut W);

impl<W: AsyncWrite + Unpin + Send> Sink for ToWriter<'_, W> {
    async fn put(&mut self, bytes: Vec<u8>) -> io::Result<Vec<u8>> {
        self.0.write_all(&bytes).await?;
        Ok(bytes)
    }

    async fn finish(self) -> io::Result<()> {
        self.0.flush().await
    }
}

/// A file; `None` after it could not be written.
struct ToFile(Option<NewFile>);

impl Sink for ToFile {
    async fn put(&mut self, bytes: Vec<u8>) -> io::Result<Vec<u8>> {
        let mut file = self.0.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let (file, bytes) = blocking(move || {
            file.write(&bytes)?;
            Ok((file, bytes))
        })
        .await?;
        self.0 = Some(file);
        Ok(bytes)
    }

    async fn finish(self) -> io::Result<()> {
        let file = self.0.ok_or(io::ErrorKind::BrokenPipe)?;
        blocking(move || file.finish()).await
    }
}

/// Does work that may wait for the disk. If the future is dropped, its result is dropped when it is done, and with it a file
/// that is not whole.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    spawn_blocking(work).await.unwrap_or_else(|ended| Err(io::Error::other(ended)))
}

//! Receives a successful answer: reads it completely, or writes it out while it arrives.

use crate::{Error, Head, Kind, Outcome, body, connection::AnswerBody, motion::Motion};
use bytes::Bytes;
use http::header;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

/// Receives a successful answer.
pub(crate) trait Receive: Send {
    /// The result for the body.
    type Body: Send;

    /// Reads the body.
    fn receive(
        &mut self,
        head: &Head,
        answer: AnswerBody,
        motion: &Motion,
    ) -> impl Future<Output = Result<Self::Body, Error>> + Send;

    /// Whether a part of an answer was already written out, so that no other attempt may follow.
    fn has_begun(&self) -> bool {
        false
    }
}

/// Reads the whole body, up to a limit.
pub(crate) struct Whole;

impl Receive for Whole {
    type Body = Bytes;

    async fn receive(&mut self, head: &Head, answer: AnswerBody, motion: &Motion) -> Result<Bytes, Error> {
        body::read(answer, head.status, motion).await
    }
}

/// Writes a table of any length out while it arrives.
pub(crate) struct Table<'w, W> {
    writer: &'w mut W,
    written: Written,
    lines: Lines,
}

/// How much was written out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) bytes: u64,
    pub(crate) rows: u64,
}

impl<'w, W> Table<'w, W> {
    pub(crate) fn new(writer: &'w mut W) -> Self {
        Self { writer, written: Written::default(), lines: Lines::default() }
    }
}

impl<W: AsyncWrite + Unpin + Send> Receive for Table<'_, W> {
    type Body = Written;

    async fn receive(
        &mut self,
        head: &Head,
        mut answer: AnswerBody,
        motion: &Motion,
    ) -> Result<Written, Error> {
        check(head, &answer)?;
        loop {
            let piece = match answer.next().await {
                Ok(Some(piece)) => piece,
                Ok(None) => break,
                Err(error) => return Err(error.with_advice(&self.so_far())),
            };
            motion.moved(piece.len());
            // Count the piece before writing, because a failed write may have written a part of it.
            self.written.bytes += u64::try_from(piece.len()).unwrap_or(0);
            self.lines.read(&piece);
            motion.hold(self.writer.write_all(&piece)).await.map_err(output)?;
        }
        motion.hold(self.writer.flush()).await.map_err(output)?;
        self.written.rows = self.lines.rows();
        Ok(self.written)
    }

    fn has_begun(&self) -> bool {
        self.written.bytes > 0
    }
}

impl<W> Table<'_, W> {
    fn so_far(&self) -> String {
        format!("{} whole rows had arrived; the output is incomplete", self.lines.complete.saturating_sub(1))
    }
}

/// Checks that an answer is a table, and that it tells where it ends.
pub(crate) fn check(head: &Head, answer: &AnswerBody) -> Result<(), Error> {
    let kind = head.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    let what = if !kind.eq_ignore_ascii_case("text/csv") {
        "the server did not answer with CSV; it may not support this form of the list"
    } else if answer.length().is_none() && !head.headers.contains_key(header::TRANSFER_ENCODING) {
        "the answer does not tell its length, so a table that is cut off would look complete; a proxy may be the reason"
    } else {
        return Ok(());
    };
    Err(Error::new(Kind::Unexpected, Outcome::Unknown, what))
}

pub(crate) fn output(error: std::io::Error) -> Error {
    Error::new(Kind::Output, Outcome::Confirmed, error.to_string()).with_source(error)
}

/// Counts the lines of a table. A line break between quotes is a part of a value.
#[derive(Debug, Default)]
struct Lines {
    complete: u64,
    quoted: bool,
    /// Whether the last line is not empty and has no end yet.
    open: bool,
}

impl Lines {
    fn read(&mut self, piece: &[u8]) {
        for byte in piece {
            match byte {
                b'"' => {
                    self.quoted = !self.quoted;
                    self.open = true;
                }
                b'\n' if !self.quoted => {
                    self.complete += u64::from(self.open);
                    self.open = false;
                }
                b'\r' if !self.quoted => {}
                _ => self.open = true,
            }
        }
    }

    /// Number of lines after the first, which names the columns. Empty lines do not count.
    fn rows(&self) -> u64 {
        (self.complete + u64::from(self.open)).saturating_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::Lines;

    #[test]
    fn rows_are_counted_wherever_the_text_is_cut() {
        for (text, rows) in [
            ("", 0),
            ("id,note\n", 0),
            ("id,note", 0),
            ("id,note\n1,a\n", 1),
            ("id,note\r\n1,a\r\n2,b", 2),
            ("id,note\n1,\"two\nlines\"\n2,\"a \"\"quote\"\"\"\n\n", 2),
        ] {
            for cut in 0..=text.len() {
                let (mut lines, (head, tail)) = (Lines::default(), text.as_bytes().split_at(cut));
                lines.read(head);
                lines.read(tail);
                assert_eq!(lines.rows(), rows, "{text:?} cut at {cut}");
            }
        }
    }
}

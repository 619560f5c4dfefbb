//! The body of a file that is read while it is sent.

use crate::{
    motion::{Motion, PIECE, Progress},
    upload::{InputError, size},
};
use bytes::Bytes;
use capecrypto_models::upload::Pieces;
use http_body::{Body, Frame, SizeHint};
use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

/// A body from pieces of any size, which must be `total` bytes together.
///
/// The piece that would complete the body is held back until the pieces have ended. So if there are too many, as if there are
/// too few, the request stays incomplete and the exchange cannot take it for a whole one.
pub(crate) struct Streamed {
    pieces: Pieces,
    /// What was read and not passed on yet.
    ahead: Bytes,
    read: u64,
    sent: u64,
    total: u64,
    has_ended: bool,
    motion: Motion,
    progress: Option<Progress>,
}

impl Streamed {
    pub(crate) fn new(pieces: Pieces, total: u64, motion: Motion, progress: Option<Progress>) -> Self {
        Self { pieces, ahead: Bytes::new(), read: 0, sent: 0, total, has_ended: false, motion, progress }
    }

    /// Reads one more piece, or finds the end. If all bytes were read, one more is too many, so nothing that waits is lost.
    fn read_on(&mut self, context: &mut Context<'_>) -> Poll<Result<(), InputError>> {
        let next = self.pieces.as_mut().poll_next(context);
        self.motion.waits_for_file(next.is_pending());
        let piece = match next {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Some(Ok(piece))) => piece,
            Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(InputError::Failed(error))),
            Poll::Ready(None) if self.read < self.total => {
                return Poll::Ready(Err(InputError::Short { read: self.read, total: self.total }));
            }
            Poll::Ready(None) => {
                self.has_ended = true;
                return Poll::Ready(Ok(()));
            }
        };
        if piece.is_empty() {
            // Endless empty pieces must not keep the thread.
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.read = self.read.saturating_add(size(&piece));
        if self.read > self.total {
            return Poll::Ready(Err(InputError::Long { total: self.total }));
        }
        self.ahead = piece;
        Poll::Ready(Ok(()))
    }
}

impl Body for Streamed {
    type Data = Bytes;
    type Error = InputError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, InputError>>> {
        loop {
            let may_go = self.read < self.total || self.has_ended;
            if may_go && !self.ahead.is_empty() {
                break;
            }
            if self.has_ended {
                return Poll::Ready(None);
            }
            if let Err(error) = ready!(self.read_on(context)) {
                return Poll::Ready(Some(Err(error)));
            }
        }
        let size = self.ahead.len().min(PIECE);
        let piece = self.ahead.split_to(size);
        self.motion.moved(size);
        self.sent += u64::try_from(size).unwrap_or(0);
        if let Some(progress) = &self.progress {
            progress(self.sent, self.total);
        }
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.has_ended && self.ahead.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.total.saturating_sub(self.sent))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::{StreamExt as _, stream};
    use std::{future::poll_fn, time::Duration};
    use tokio::time::{Instant, sleep};

    const SECOND: Duration = Duration::from_secs(1);

    /// Passes a body on, at the pace of a line, and returns how many bytes passed within the deadlines of an upload.
    async fn pass(pieces: Pieces, total: u64, line: Duration) -> (u64, Option<Result<(), String>>) {
        let motion = Motion::new();
        let mut body = Box::pin(Streamed::new(pieces, total, motion.clone(), None));
        let mut passed = 0;
        let work = async {
            while let Some(frame) = poll_fn(|context| body.as_mut().poll_frame(context)).await {
                passed += frame.map_err(|error| error.to_string())?.data_ref().map_or(0, |data| size(data));
                sleep(line).await;
            }
            assert!(body.is_end_stream() && body.size_hint().exact() == Some(0));
            Ok(())
        };
        let done = {
            let work = std::pin::pin!(work);
            motion.watch(60 * SECOND, Instant::now() + 60 * SECOND, work).await
        };
        (passed, done)
    }

    fn pieces(count: usize, pause: Duration) -> Pieces {
        let piece = move |_| async move {
            sleep(pause).await;
            Ok(Bytes::from(vec![7; 20_000]))
        };
        Box::pin(stream::iter(0..count).then(piece))
    }

    #[tokio::test(start_paused = true)]
    async fn neither_a_slow_line_nor_a_slow_file_is_cut_while_bytes_move() {
        let start = Instant::now();
        let whole = (2_000_000, Some(Ok(())));
        assert_eq!(pass(pieces(100, Duration::ZERO), 2_000_000, SECOND).await, whole);
        assert_eq!(pass(pieces(100, SECOND), 2_000_000, Duration::ZERO).await, whole);
        assert_eq!(start.elapsed(), 200 * SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn a_file_that_stops_is_cut_after_the_idle_time() {
        let start = Instant::now();
        let stops = Box::pin(pieces(3, SECOND).chain(stream::pending()));
        assert_eq!(pass(stops, 2_000_000, Duration::ZERO).await, (60_000, None));
        assert_eq!(start.elapsed(), 63 * SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_piece_waits_until_the_length_is_known_to_be_right() {
        let told = |error: &str| Some(Err(error.to_owned()));
        let long =
            "the file that is sent has more than the 60000 bytes that were stated; give its length exactly";
        assert_eq!(pass(pieces(4, SECOND), 60_000, Duration::ZERO).await, (40_000, told(long)));
        let short = "the file that is sent ended after 60000 of 60001 bytes; give its length exactly";
        assert_eq!(pass(pieces(3, SECOND), 60_001, Duration::ZERO).await, (60_000, told(short)));
    }

    #[tokio::test(start_paused = true)]
    async fn empty_pieces_are_no_end_and_keep_no_thread() {
        let mixed =
            pieces(2, SECOND).flat_map(|piece| stream::iter([Ok(Bytes::new()), piece, Ok(Bytes::new())]));
        assert_eq!(pass(Box::pin(mixed), 40_000, Duration::ZERO).await, (40_000, Some(Ok(()))));
        let endless = Box::pin(stream::repeat_with(|| Ok(Bytes::new())));
        tokio::select! {
            biased;
            _ = pass(endless, 1, Duration::ZERO) => unreachable!("the end never comes"),
            () = tokio::task::yield_now() => {}
        }
    }
}

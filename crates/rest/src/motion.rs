//! Deadlines that are extended while bytes move.

use crate::{connection::RequestBody, upload::InputError};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::{Instant, timeout_at};

/// Bodies above this size are passed to the connection in pieces, so that progress can be seen.
pub(crate) const PIECE: usize = 64 * 1024;
/// The largest piece of a file on a fast line. Even a line that slows down to `SLOWEST` after such a piece takes it within the
/// idle time of an upload.
#[cfg(feature = "multipart")]
const LARGEST_PIECE: usize = 1024 * 1024;
/// A line is fast if it takes a piece in less than this time. Then the next piece is twice as large, because a write of the
/// system costs about the same for each size.
const FAST: Duration = Duration::from_millis(100);
/// Number of bytes that extend the deadline of the whole transfer by a second. A slower transfer ends at its deadline.
const SLOWEST: u64 = 16 * 1024;

/// How many bytes moved over a connection, and when the last one moved.
#[derive(Debug, Clone)]
pub(crate) struct Motion(Arc<Mutex<Moved>>);

#[derive(Debug, Clone, Copy)]
struct Moved {
    bytes: u64,
    last: Instant,
    /// Whether we wait for something else than the connection now.
    held: bool,
    /// Total time of such waits.
    held_for: Duration,
    /// Whether the file that is sent has given nothing since it was asked.
    waits_for_file: bool,
}

impl Motion {
    /// Starts without any bytes; the idle time begins now.
    pub(crate) fn new() -> Self {
        Self::starting(Instant::now())
    }

    /// Starts without any bytes; the idle time begins at this time.
    pub(crate) fn starting(at: Instant) -> Self {
        let moved =
            Moved { bytes: 0, last: at, held: false, held_for: Duration::ZERO, waits_for_file: false };
        Self(Arc::new(Mutex::new(moved)))
    }

    fn lock(&self) -> MutexGuard<'_, Moved> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that this many bytes were sent or received.
    pub(crate) fn moved(&self, bytes: usize) {
        self.moved_at(bytes, Instant::now());
    }

    /// The same with a time that is known already.
    pub(crate) fn moved_at(&self, bytes: usize, now: Instant) {
        let mut moved = self.lock();
        moved.bytes = moved.bytes.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        moved.last = now;
    }

    /// Notes whether the file that is sent gives nothing now.
    #[cfg(feature = "multipart")]
    pub(crate) fn waits_for_file(&self, waits: bool) {
        self.lock().waits_for_file = waits;
    }

    /// What stands still.
    pub(crate) fn what_stands_still(&self) -> &'static str {
        if self.lock().waits_for_file {
            "the file that is sent gave no more bytes within the deadline; check where it comes from"
        } else {
            "no complete answer within the deadline"
        }
    }

    /// How much the deadline is extended: for the bytes that moved so far, and for waits that were not for the connection.
    pub(crate) fn allowance(&self) -> Duration {
        let moved = self.lock();
        Duration::from_secs(moved.bytes / SLOWEST) + moved.held_for
    }

    /// Does work that has nothing to do with the connection, such as writing to a slow disk. Deadlines of the connection do
    /// not run meanwhile.
    pub(crate) async fn hold<T>(&self, work: impl Future<Output = T>) -> T {
        let start = Instant::now();
        self.lock().held = true;
        let done = work.await;
        let mut moved = self.lock();
        moved.held = false;
        let now = Instant::now();
        moved.last = now;
        moved.held_for += now - start;
        drop(moved);
        done
    }

    /// Waits for the end of the work; `None` if no byte moved for the time `idle`, or if the deadline passed.
    pub(crate) async fn watch<T>(
        &self,
        idle: Duration,
        deadline: Instant,
        mut work: Pin<&mut impl Future<Output = T>>,
    ) -> Option<T> {
        let end = || {
            let Moved { last, held, .. } = *self.lock();
            if held {
                // This wait is not for the connection, so check again later.
                return Instant::now() + idle;
            }
            (last + idle).min(deadline + self.allowance())
        };
        let mut until = end();
        loop {
            if let Ok(done) = timeout_at(until, work.as_mut()).await {
                return Some(done);
            }
            until = end();
            if until <= Instant::now() {
                return None;
            }
        }
    }

    /// A request's body; a large one is sent in pieces, so that its progress is seen.
    pub(crate) fn body(&self, bytes: Bytes) -> RequestBody {
        if bytes.len() <= PIECE {
            return RequestBody::Whole(bytes);
        }
        RequestBody::Pieces(Box::pin(Pieces::new(bytes, self.clone(), PIECE, None)))
    }

    /// The content of a file in pieces; `progress` is called after each piece.
    #[cfg(feature = "multipart")]
    pub(crate) fn pieces(&self, bytes: Bytes, progress: Option<Progress>) -> RequestBody {
        RequestBody::Pieces(Box::pin(Pieces::new(bytes, self.clone(), LARGEST_PIECE, progress)))
    }
}

/// Function that gets the number of bytes that were passed to the connection, and the total.
pub(crate) type Progress = Arc<dyn Fn(u64, u64) + Send + Sync>;

/// A body in pieces.
struct Pieces {
    rest: Bytes,
    motion: Motion,
    /// Size of the last piece, and of the largest one.
    size: usize,
    largest: usize,
    /// When the last piece was taken.
    last: Option<Instant>,
    sent: u64,
    total: u64,
    progress: Option<Progress>,
}

impl Pieces {
    fn new(rest: Bytes, motion: Motion, largest: usize, progress: Option<Progress>) -> Self {
        let total = u64::try_from(rest.len()).unwrap_or(u64::MAX);
        Self { rest, motion, size: PIECE, largest, last: None, sent: 0, total, progress }
    }

    /// The size of the piece that is taken now.
    fn next_size(&mut self, now: Instant) -> usize {
        let is_fast = self.last.is_some_and(|last| now - last < FAST);
        self.size = if is_fast { (2 * self.size).min(self.largest) } else { PIECE };
        self.last = Some(now);
        self.size.min(self.rest.len())
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = InputError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, InputError>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        let now = Instant::now();
        let size = self.next_size(now);
        let piece = self.rest.split_to(size);
        // The connection asks for a piece when it has room for it, so this piece counts as sent.
        self.motion.moved_at(size, now);
        self.sent += u64::try_from(size).unwrap_or(0);
        if let Some(progress) = &self.progress {
            progress(self.sent, self.total);
        }
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(u64::try_from(self.rest.len()).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;
    use tokio::time::sleep;

    const IDLE: Duration = Duration::from_secs(10);

    #[cfg(feature = "multipart")]
    #[tokio::test(start_paused = true)]
    async fn pieces_grow_on_a_fast_line_only() {
        let mut body = Pieces::new(vec![7; 4_000 * 1024].into(), Motion::new(), LARGEST_PIECE, None);
        let mut next = move || match Pin::new(&mut body)
            .poll_frame(&mut Context::from_waker(std::task::Waker::noop()))
        {
            Poll::Ready(Some(Ok(frame))) => frame.into_data().unwrap().len() / 1024,
            Poll::Ready(None) => 0,
            other => unreachable!("{other:?}"),
        };
        assert_eq!([(); 6].map(|()| next()), [64, 128, 256, 512, 1024, 1024]);
        sleep(FAST).await;
        assert_eq!([(); 2].map(|()| next()), [64, 128]);
        sleep(FAST).await;
        sleep(FAST).await;
        assert_eq!([(); 6].map(|()| next()), [64, 128, 256, 352, 0, 0]);
        let mut fixed = Pieces::new(vec![7; 200_000].into(), Motion::new(), PIECE, None);
        assert!((0..3).all(|_| fixed.next_size(Instant::now()) == PIECE));
    }

    #[tokio::test(start_paused = true)]
    async fn bytes_in_motion_never_time_out() {
        let motion = Motion::new();
        let work = pin!(async {
            for _ in 0..100 {
                sleep(Duration::from_secs(9)).await;
                motion.moved(200_000);
            }
        });
        let deadline = Instant::now() + Duration::from_secs(15);
        assert_eq!(motion.watch(IDLE, deadline, work).await, Some(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_standstill_ends_after_the_idle_time_wherever_it_comes() {
        let motion = Motion::new();
        let start = Instant::now();
        let work = pin!(async {
            sleep(Duration::from_secs(4)).await;
            motion.moved(1_000_000);
            std::future::pending::<()>().await;
        });
        let deadline = start + Duration::from_secs(60);
        assert_eq!(motion.watch(IDLE, deadline, work).await, None);
        assert_eq!(start.elapsed().as_secs(), 14);
    }

    #[tokio::test(start_paused = true)]
    async fn a_trickle_ends_at_the_deadline() {
        let motion = Motion::new();
        let start = Instant::now();
        let work = pin!(async {
            loop {
                sleep(Duration::from_secs(1)).await;
                motion.moved(1);
            }
        });
        let deadline = start + Duration::from_secs(15);
        assert_eq!(motion.watch(IDLE, deadline, work).await, None::<()>);
        assert_eq!(start.elapsed().as_secs(), 15);
    }
}

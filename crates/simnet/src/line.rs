//! One connection's bytes: a way in each direction, each with its own pace and faults.

use crate::fault::Direction;
use bytes::Bytes;
use std::{
    collections::VecDeque,
    fmt,
    io::{Error, ErrorKind, Result},
    num::NonZeroU32,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep_until},
};

/// Bytes that may be on their way before the sender has to wait.
const CAPACITY: usize = 64 * 1024;
/// A slow line brings so many pieces in a second.
const PIECES: u32 = 20;

/// How fast bytes travel.
#[derive(Debug, Clone)]
pub(crate) struct Pace {
    pub(crate) shortest: Duration,
    pub(crate) longest: Duration,
    pub(crate) bytes_per_second: Option<NonZeroU32>,
}

/// The bytes in one direction.
struct Way {
    /// Pieces with the time of their arrival.
    queue: VecDeque<(Instant, Bytes)>,
    buffered: usize,
    /// When the line can take the next byte.
    free_at: Instant,
    /// When the last piece arrives; nothing overtakes it.
    last_at: Instant,
    pace: Pace,
    random: fastrand::Rng,
    /// The writer has ended: the reader sees the end after what is on its way.
    ended: bool,
    /// The reader is gone.
    unread: bool,
    /// The connection was cut: what was on its way is lost.
    dead: bool,
    /// Nothing arrives until it goes on.
    stopped: bool,
    /// What is written is lost without a word.
    swallows: bool,
    /// The next write is cut in its middle.
    cut_next: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Way {
    fn new(pace: Pace, random: fastrand::Rng) -> Self {
        let now = Instant::now();
        Self {
            queue: VecDeque::new(),
            buffered: 0,
            free_at: now,
            last_at: now,
            pace,
            random,
            ended: false,
            unread: false,
            dead: false,
            stopped: false,
            swallows: false,
            cut_next: false,
            reader: None,
            writer: None,
        }
    }

    fn push(&mut self, bytes: &[u8]) {
        let now = Instant::now();
        let Pace { shortest, longest, bytes_per_second } = self.pace;
        let (least, most) = (micros(shortest), micros(longest).max(micros(shortest)));
        let latency = Duration::from_micros(self.random.u64(least..=most));
        let piece = bytes_per_second.map_or(bytes.len(), |speed| size(speed.get() / PIECES).max(1));
        for piece in bytes.chunks(piece.max(1)) {
            self.free_at = self.free_at.max(now);
            if let Some(speed) = bytes_per_second {
                let bytes = u32::try_from(piece.len()).unwrap_or(u32::MAX);
                self.free_at += Duration::from_secs(1) * bytes / speed.get();
            }
            self.last_at = self.last_at.max(self.free_at + latency);
            self.buffered += piece.len();
            self.queue.push_back((self.last_at, Bytes::copy_from_slice(piece)));
        }
    }

    fn lose(&mut self) {
        self.queue.clear();
        self.buffered = 0;
    }

    fn wakers(&mut self) -> [Option<Waker>; 2] {
        [self.reader.take(), self.writer.take()]
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn size(bytes: u32) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

struct Ways {
    up: Way,
    down: Way,
}

/// A connection as the network sees it. Clones are the same connection.
#[derive(Clone)]
pub(crate) struct Line(Arc<Mutex<Ways>>);

impl Line {
    /// A new connection: the client's end and the server's.
    pub(crate) fn new(pace: &Pace, random: &mut fastrand::Rng) -> (Self, Wire, Wire) {
        let ways =
            Ways { up: Way::new(pace.clone(), random.fork()), down: Way::new(pace.clone(), random.fork()) };
        let line = Self(Arc::new(Mutex::new(ways)));
        let end = |is_client| Wire { line: line.clone(), is_client, sleep: None };
        let (client, server) = (end(true), end(false));
        (line, client, server)
    }

    fn lock(&self) -> MutexGuard<'_, Ways> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the ways and wakes who waits for them.
    fn change(&self, change: impl FnOnce(&mut Ways)) {
        let wakers = {
            let mut ways = self.lock();
            change(&mut ways);
            [ways.up.wakers(), ways.down.wakers()]
        };
        wakers.into_iter().flatten().flatten().for_each(Waker::wake);
    }

    /// Whether both ends still have it, and nobody has cut it.
    pub(crate) fn is_open(&self) -> bool {
        let ways = self.lock();
        [&ways.up, &ways.down].into_iter().all(|way| !way.ended && !way.unread && !way.dead)
    }

    /// Breaks it at once for both ends.
    pub(crate) fn cut(&self) {
        self.change(|ways| {
            for way in [&mut ways.up, &mut ways.down] {
                way.lose();
                way.dead = true;
            }
        });
    }

    /// Breaks it in the middle of the next frame to the client.
    pub(crate) fn cut_in_next_frame(&self, wanted: bool) {
        self.change(|ways| ways.down.cut_next = wanted);
    }

    /// Loses all bytes from now on. Neither end is told.
    pub(crate) fn vanish(&self) {
        self.change(|ways| {
            for way in [&mut ways.up, &mut ways.down] {
                way.lose();
                way.swallows = true;
            }
        });
    }

    /// Stops the bytes in a direction; `None` lets both go on.
    pub(crate) fn stop(&self, direction: Option<Direction>) {
        self.change(|ways| {
            let goes = |other| direction.is_none_or(|direction| direction == other);
            ways.up.stopped = !goes(Direction::ToClient);
            ways.down.stopped = !goes(Direction::ToServer);
        });
    }

    /// Sets the pace of the bytes that are written from now on.
    pub(crate) fn pace(&self, pace: &Pace) {
        self.change(|ways| {
            ways.up.pace = pace.clone();
            ways.down.pace = pace.clone();
        });
    }
}

/// One end of a simulated connection.
pub struct Wire {
    line: Line,
    is_client: bool,
    /// Waits for the next arrival.
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Wire {
    /// The way to this end, and the way from it.
    fn ways<'a>(&self, ways: &'a mut Ways) -> (&'a mut Way, &'a mut Way) {
        if self.is_client { (&mut ways.down, &mut ways.up) } else { (&mut ways.up, &mut ways.down) }
    }

    /// Reads what has arrived; otherwise, when something arrives.
    fn arrived(&self, cx: &Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<Result<Option<Instant>>> {
        let mut ways = self.line.lock();
        let (way, _) = self.ways(&mut ways);
        if way.dead {
            return Poll::Ready(Err(Error::new(ErrorKind::ConnectionReset, "the connection was cut")));
        }
        if !way.stopped && !way.swallows {
            let now = Instant::now();
            let mut read = 0;
            while let Some((_, bytes)) = way.queue.front_mut().filter(|(at, _)| *at <= now) {
                let taken = bytes.len().min(buffer.remaining());
                buffer.put_slice(&bytes.split_to(taken));
                read += taken;
                if !bytes.is_empty() {
                    break;
                }
                way.queue.pop_front();
            }
            way.buffered = way.buffered.saturating_sub(read);
            if read > 0 {
                let writer = way.writer.take();
                drop(ways);
                writer.into_iter().for_each(Waker::wake);
                return Poll::Ready(Ok(None));
            }
            if way.queue.is_empty() && way.ended {
                return Poll::Ready(Ok(None));
            }
        }
        way.reader = Some(cx.waker().clone());
        let next = way.queue.front().map(|(at, _)| *at).filter(|_| !way.stopped);
        next.map_or(Poll::Pending, |at| Poll::Ready(Ok(Some(at))))
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        loop {
            let at = match self.arrived(cx, buffer) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Ready(Ok(None)) => return Poll::Ready(Ok(())),
                Poll::Ready(Ok(Some(at))) => at,
            };
            let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(at)));
            if sleep.deadline() != at {
                sleep.as_mut().reset(at);
            }
            if sleep.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        let mut ways = self.line.lock();
        let (back, way) = self.ways(&mut ways);
        // Who is cut off from the other end does not learn that it is gone.
        if way.swallows || (way.unread && back.stopped && !way.dead) {
            return Poll::Ready(Ok(bytes.len()));
        }
        if way.dead || way.unread || way.ended {
            return Poll::Ready(Err(Error::new(ErrorKind::BrokenPipe, "the connection is gone")));
        }
        let taken = CAPACITY.saturating_sub(way.buffered).min(bytes.len());
        if taken == 0 && !bytes.is_empty() {
            way.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let cut = way.cut_next && taken > 1;
        let arrives = if cut { taken / 2 } else { taken };
        way.push(bytes.get(..arrives).unwrap_or_default());
        let mut reader = way.reader.take();
        if cut {
            way.ended = true;
            back.lose();
            back.dead = true;
            let other = back.reader.take();
            drop(ways);
            other.into_iter().for_each(Waker::wake);
        } else {
            drop(ways);
        }
        if let Some(reader) = reader.take() {
            reader.wake();
        }
        Poll::Ready(Ok(taken))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<()>> {
        let is_client = self.is_client;
        self.line.change(|ways| if is_client { ways.up.ended = true } else { ways.down.ended = true });
        Poll::Ready(Ok(()))
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        let is_client = self.is_client;
        self.line.change(|ways| {
            let (to, from) =
                if is_client { (&mut ways.down, &mut ways.up) } else { (&mut ways.up, &mut ways.down) };
            to.unread = true;
            to.lose();
            from.ended = true;
        });
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire").field("is_client", &self.is_client).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        time::timeout,
    };

    fn open(millis: u64, bytes_per_second: Option<u32>) -> (Line, Wire, Wire) {
        let latency = Duration::from_millis(millis);
        let bytes_per_second = bytes_per_second.and_then(NonZeroU32::new);
        let pace = Pace { shortest: latency, longest: latency, bytes_per_second };
        Line::new(&pace, &mut fastrand::Rng::with_seed(1))
    }

    /// What comes within this time, and whether it is the end.
    async fn read(wire: &mut Wire, within: Duration) -> (Vec<u8>, bool) {
        let mut bytes = Vec::new();
        let ended = timeout(within, wire.read_to_end(&mut bytes)).await.is_ok();
        (bytes, ended)
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn bytes_take_their_time_and_the_end_comes_behind_them() {
        let (line, mut client, mut server) = open(100, None);
        server.write_all(b"hello").await.unwrap();
        drop(server);
        assert!(!line.is_open());
        let start = Instant::now();
        assert_eq!(read(&mut client, SECOND).await, (b"hello".to_vec(), true));
        assert_eq!(start.elapsed(), Duration::from_millis(100));
        assert_eq!(client.write_all(b"x").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
    }

    #[tokio::test(start_paused = true)]
    async fn of_a_frame_that_is_cut_only_the_first_half_arrives() {
        let (line, mut client, mut server) = open(100, None);
        line.cut_in_next_frame(true);
        server.write_all(b"0123456789").await.unwrap();
        assert_eq!(read(&mut client, SECOND).await, (b"01234".to_vec(), true));
        assert!(server.write_all(b"x").await.is_err() && client.write_all(b"x").await.is_err());
        assert!(server.read(&mut [0]).await.is_err() && !line.is_open());
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_line_brings_pieces() {
        let (_line, mut client, mut server) = open(0, Some(100));
        server.write_all(&[7; 100]).await.unwrap();
        assert_eq!(read(&mut client, SECOND / 2).await, (vec![7; 50], false));
        assert_eq!(read(&mut client, SECOND).await, (vec![7; 50], false));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_stopped_waits_and_what_vanishes_does_not() {
        let (line, mut client, mut server) = open(0, None);
        line.stop(Some(Direction::ToClient));
        server.write_all(b"a").await.unwrap();
        client.write_all(b"b").await.unwrap();
        assert_eq!(read(&mut client, SECOND).await, (vec![], false));
        assert_eq!(read(&mut server, SECOND).await, (b"b".to_vec(), false));
        line.stop(None);
        assert_eq!(read(&mut client, SECOND).await, (b"a".to_vec(), false));
        line.vanish();
        server.write_all(b"a").await.unwrap();
        drop(server);
        client.write_all(b"b").await.unwrap();
        assert_eq!(read(&mut client, SECOND).await, (vec![], false), "neither bytes nor the end");
        line.cut();
        assert!(client.read(&mut [0]).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_sender_waits_for_a_reader_that_is_far_behind() {
        let (_line, mut client, mut server) = open(0, None);
        server.write_all(&vec![1; CAPACITY]).await.unwrap();
        assert!(timeout(SECOND, server.write_all(b"x")).await.is_err());
        let sending = tokio::spawn(async move { server.write_all(b"x").await });
        assert_eq!(read(&mut client, SECOND).await.0.len(), CAPACITY + 1);
        sending.await.unwrap().unwrap();
    }
}

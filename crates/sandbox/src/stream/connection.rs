//! One websocket: a reader, a writer and a watchdog run side by side, so that pongs are read even while a write waits for
//! a slow client.

use super::{
    hub::Hub,
    queue::{Item, QUEUE, Queue},
    request::{self, Request},
    socket::{Signals, Subscriber},
    view,
};
use crate::base::id::AccountId;
use futures_util::{
    FutureExt, SinkExt, StreamExt,
    stream::{SplitSink, SplitStream},
};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::Instant,
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Bytes, Error, Message, Utf8Bytes,
        protocol::{CloseFrame, frame::coding::CloseCode},
    },
};

/// The largest message that a client may send.
const MAX_MESSAGE: usize = 512;
/// How long the exchange of close frames may take.
const FAREWELL: Duration = Duration::from_secs(1);

/// The settings of a session, until its socket is ready.
pub(crate) struct Session {
    pub(crate) hub: Arc<Hub>,
    pub(crate) ping_every: Duration,
    /// How long the connection stays open without a pong.
    pub(crate) drop_after: Duration,
    /// `None` on the public endpoint.
    pub(crate) account: Option<AccountId>,
    /// The streams named in the URL.
    pub(crate) streams: Vec<String>,
}

/// Why a session ends.
enum End {
    /// The connection is closed without a close frame: a fault, a full queue, or no pong.
    Drop,
    /// The connection stays open, but nothing is sent or read any more (a fault).
    Freeze,
    /// The client closed the connection.
    Gone,
    /// The connection is closed with a close frame of that code.
    Close(CloseCode),
}

impl Session {
    /// Serves the socket until the connection or the exchange ends.
    pub(crate) async fn run<S: AsyncRead + AsyncWrite + Unpin>(
        self,
        socket: WebSocketStream<S>,
        stopped: impl Future<Output = ()>,
    ) {
        let Self { hub, ping_every, drop_after, account, streams } = self;
        let Subscriber { id, queue, signals } = hub.join(account);
        // The replay is queued before the writer starts. If it does not fit in the queue, the connection ends before
        // anything is sent.
        hub.subscribe(id, &streams);
        let (mut sink, mut source) = socket.split();
        let alive = Alive { deadline: Mutex::new(Instant::now() + drop_after), drop_after };
        let mut stopped = std::pin::pin!(stopped);
        let end = tokio::select! {
            biased;
            () = signals.kill.notified() => End::Drop,
            () = signals.freeze.notified() => End::Freeze,
            () = &mut stopped => End::Close(CloseCode::Away),
            () = alive.silence() => End::Drop,
            end = read(&hub, id, &mut source, &alive) => end,
            end = write(&queue, &mut sink, ping_every, &signals) => end,
        };
        hub.leave(id);
        if matches!(end, End::Freeze) {
            // Nothing is read, written or closed any more, as after a cut cable.
            stopped.await;
        } else if let End::Close(code) = end {
            // An error or a timeout means that the client does not listen; the connection ends in any case.
            let _unheard = tokio::time::timeout(FAREWELL, farewell(&mut sink, &mut source, code)).await;
        }
    }
}

/// The watchdog: until when the next pong must arrive.
struct Alive {
    deadline: Mutex<Instant>,
    drop_after: Duration,
}

impl Alive {
    /// Extends the deadline after a pong.
    fn heard(&self) {
        *self.deadline.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now() + self.drop_after;
    }

    /// Returns when no pong arrived before the deadline.
    async fn silence(&self) {
        loop {
            let until = *self.deadline.lock().unwrap_or_else(PoisonError::into_inner);
            if Instant::now() >= until {
                return;
            }
            tokio::time::sleep_until(until).await;
        }
    }
}

async fn read<S: AsyncRead + AsyncWrite + Unpin>(
    hub: &Hub,
    id: u64,
    source: &mut SplitStream<WebSocketStream<S>>,
    alive: &Alive,
) -> End {
    while let Some(message) = source.next().await {
        let text = match message {
            Ok(Message::Text(text)) => text,
            // Upstream treats binary messages like text.
            Ok(Message::Binary(bytes)) if bytes.len() > MAX_MESSAGE => return End::Close(CloseCode::Size),
            Ok(Message::Binary(bytes)) => String::from_utf8_lossy(&bytes).into_owned().into(),
            // Only a protocol pong proves that the client is alive; a text does not.
            Ok(Message::Pong(_)) => {
                alive.heard();
                continue;
            }
            // The websocket library answers pings and close frames on the next read.
            Ok(Message::Ping(_) | Message::Close(_) | Message::Frame(_)) => continue,
            Err(Error::Capacity(_)) => return End::Close(CloseCode::Size),
            Err(Error::Utf8(_)) => return End::Close(CloseCode::Invalid),
            Err(_) => return End::Gone,
        };
        if text.len() > MAX_MESSAGE {
            return End::Close(CloseCode::Size);
        }
        match request::parse(&text) {
            Ok(Request::Ping) => hub.send(id, "pong".to_owned()),
            Ok(Request::Subscribe(names)) => hub.subscribe(id, &names),
            Ok(Request::Unsubscribe(names)) => hub.unsubscribe(id, &names),
            Err(message) => hub.send(id, view::error(&message)),
        }
    }
    End::Gone
}

async fn write<S: AsyncRead + AsyncWrite + Unpin>(
    queue: &Queue,
    sink: &mut SplitSink<WebSocketStream<S>, Message>,
    ping_every: Duration,
    signals: &Signals,
) -> End {
    let ping_every = ping_every.max(Duration::from_millis(1));
    let mut pings = tokio::time::interval_at(Instant::now() + ping_every, ping_every);
    loop {
        let first = tokio::select! {
            item = queue.next() => Some(item),
            _ = pings.tick() => None,
        };
        let sent = match first {
            Some(first) => write_ready(first, queue, sink, signals).await,
            None => told_if_stuck(signals, sink.send(Message::Ping(Bytes::new()))).await,
        };
        if sent.is_err() {
            return End::Gone;
        }
    }
}

/// Sends an item and all that are ready behind it, frames in one write: a write costs much more than a frame.
async fn write_ready<S: AsyncRead + AsyncWrite + Unpin>(
    first: Item,
    queue: &Queue,
    sink: &mut SplitSink<WebSocketStream<S>, Message>,
    signals: &Signals,
) -> Result<(), Error> {
    let ready = std::iter::once(first).chain(std::iter::from_fn(|| queue.take()));
    // Limited, because the queue may be filled as fast as it is emptied, and pings must be sent in between.
    for item in ready.take(QUEUE) {
        let (frame, pause) = match item {
            Item::Frame(frame) => {
                let pause = signals.time_for(frame.len());
                (Some(frame), pause)
            }
            Item::Pause(pause) => (None, Some(pause)),
        };
        if let Some(pause) = pause {
            // The frames before a pause do not wait for its end.
            told_if_stuck(signals, sink.flush()).await?;
            stand_still(signals, pause).await;
        }
        if let Some(frame) = frame {
            told_if_stuck(signals, sink.feed(Message::Text(frame))).await?;
        }
    }
    told_if_stuck(signals, sink.flush()).await
}

/// Waits for a write. Tells the hub if it takes time, because the client does not read fast enough.
async fn told_if_stuck<T>(signals: &Signals, mut writing: impl Future<Output = T> + Unpin) -> T {
    match (&mut writing).now_or_never() {
        Some(written) => written,
        None => {
            signals.set_stuck(true);
            let written = writing.await;
            signals.set_stuck(false);
            written
        }
    }
}

/// Writes nothing for this long.
async fn stand_still(signals: &Signals, pause: Duration) {
    signals.set_stuck(true);
    tokio::time::sleep(pause).await;
    signals.set_stuck(false);
}

/// Sends a close frame and waits for the client's close frame.
async fn farewell<S: AsyncRead + AsyncWrite + Unpin>(
    sink: &mut SplitSink<WebSocketStream<S>, Message>,
    source: &mut SplitStream<WebSocketStream<S>>,
    code: CloseCode,
) {
    let close = Message::Close(Some(CloseFrame { code, reason: Utf8Bytes::default() }));
    if sink.send(close).await.is_ok() {
        while let Some(Ok(_)) = source.next().await {}
    }
}

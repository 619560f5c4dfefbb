//! One websocket: a reader, a writer and a watchdog side by side, so that a slow reader on the other end never
//! keeps us from hearing its pongs.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Bytes, Error, Message, Utf8Bytes};

use super::hub::Subscriber;
use super::request::{self, Request};
use crate::app::App;
use crate::render::stream;

/// The largest message that a client may send.
const MAX_MESSAGE: usize = 512;
/// How long a farewell may take.
const FAREWELL: Duration = Duration::from_secs(1);

/// A session that waits for its socket.
pub(super) struct Session {
    pub(super) app: Arc<App>,
    /// None on the public endpoint.
    pub(super) account: Option<usize>,
    /// From the URL.
    pub(super) streams: Vec<String>,
}

/// Why a session ends.
enum End {
    /// The connection just goes away: fault, overrun, silence.
    Drop,
    /// The other side left.
    Gone,
    /// With a close frame of that code.
    Close(CloseCode),
}

impl Session {
    /// Serves the socket until it ends.
    pub(super) async fn run<S: AsyncRead + AsyncWrite + Unpin>(self, socket: WebSocketStream<S>) {
        let Self { app, account, streams } = self;
        let Subscriber { id, mut frames, kill } = app.hub.join(account);
        // The replay is queued before the writer starts: more than the queue holds ends the connection unheard.
        app.hub.subscribe(id, &streams);
        let (mut sink, mut source) = socket.split();
        let deadline = Mutex::new(Instant::now() + app.config.drop_after);
        let end = tokio::select! {
            biased;
            () = kill.notified() => End::Drop,
            () = app.stopped() => End::Close(CloseCode::Away),
            () = silence(&deadline) => End::Drop,
            end = read(&app, id, &mut source, &deadline) => end,
            end = write(&mut frames, &mut sink, app.config.ping_every) => end,
        };
        app.hub.leave(id);
        if let End::Close(code) = end {
            // Errors and the timeout mean that the other side doesn't listen; the connection ends either way.
            let _unheard = tokio::time::timeout(FAREWELL, farewell(&mut sink, &mut source, code)).await;
        }
    }
}

/// Returns once no pong came for too long.
async fn silence(deadline: &Mutex<Instant>) {
    loop {
        let until = *deadline.lock().unwrap_or_else(PoisonError::into_inner);
        if Instant::now() >= until {
            return;
        }
        tokio::time::sleep_until(until).await;
    }
}

async fn read<S: AsyncRead + AsyncWrite + Unpin>(
    app: &App,
    id: u64,
    source: &mut SplitStream<WebSocketStream<S>>,
    deadline: &Mutex<Instant>,
) -> End {
    while let Some(message) = source.next().await {
        let text = match message {
            Ok(Message::Text(text)) => text,
            // Upstream doesn't look at the kind of a message.
            Ok(Message::Binary(bytes)) if bytes.len() > MAX_MESSAGE => return End::Close(CloseCode::Size),
            Ok(Message::Binary(bytes)) => String::from_utf8_lossy(&bytes).into_owned().into(),
            // Only a pong of the protocol proves that the client is alive.
            Ok(Message::Pong(_)) => {
                *deadline.lock().unwrap_or_else(PoisonError::into_inner) =
                    Instant::now() + app.config.drop_after;
                continue;
            }
            // Pings and close frames are answered below us, on the next read.
            Ok(Message::Ping(_) | Message::Close(_) | Message::Frame(_)) => continue,
            Err(Error::Capacity(_)) => return End::Close(CloseCode::Size),
            Err(Error::Utf8(_)) => return End::Close(CloseCode::Invalid),
            Err(_) => return End::Gone,
        };
        if text.len() > MAX_MESSAGE {
            return End::Close(CloseCode::Size);
        }
        match request::parse(&text) {
            Ok(Request::Ping) => app.hub.send(id, "pong".to_owned()),
            Ok(Request::Subscribe(names)) => app.hub.subscribe(id, &names),
            Ok(Request::Unsubscribe(names)) => app.hub.unsubscribe(id, &names),
            Err(message) => app.hub.send(id, stream::error(&message)),
        }
    }
    End::Gone
}

async fn write<S: AsyncRead + AsyncWrite + Unpin>(
    frames: &mut tokio::sync::mpsc::Receiver<Utf8Bytes>,
    sink: &mut SplitSink<WebSocketStream<S>, Message>,
    ping_every: Duration,
) -> End {
    let ping_every = ping_every.max(Duration::from_millis(1));
    let mut pings = tokio::time::interval_at(Instant::now() + ping_every, ping_every);
    loop {
        let message = tokio::select! {
            frame = frames.recv() => match frame {
                Some(frame) => Message::Text(frame),
                None => return End::Drop,
            },
            _ = pings.tick() => Message::Ping(Bytes::new()),
        };
        if sink.send(message).await.is_err() {
            return End::Gone;
        }
    }
}

/// Sends a close frame and waits for the other side's.
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

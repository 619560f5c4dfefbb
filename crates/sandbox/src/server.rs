//! The listener and its connections: HTTP/1.1, upgrades, and connections that end abruptly on order.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::app::App;
use crate::http;

/// How long a request's head may take; idle connections end after it too.
const HEAD_TIMEOUT: Duration = Duration::from_secs(75);
/// How long connections may take to end on shutdown.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// The pause after a connection that could not be accepted (no file descriptors left, as a rule).
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

type Afterwards = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What a request may do to its own connection.
#[derive(Default)]
pub(crate) struct ConnectionHandle {
    resets: Arc<AtomicBool>,
    reset: Notify,
    then: Mutex<Option<Afterwards>>,
}

impl ConnectionHandle {
    /// Resets the connection. Never returns: the connection's task, and with it the caller, ends.
    pub(crate) async fn reset<T>(&self) -> T {
        self.resets.store(true, Ordering::Relaxed);
        self.reset.notify_one();
        std::future::pending().await
    }

    /// Leaves work for the connection's task, after HTTP is done with it.
    pub(crate) fn then(&self, work: impl Future<Output = ()> + Send + 'static) {
        *self.then.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::pin(work));
    }

    fn take_afterwards(&self) -> Option<Afterwards> {
        self.then.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Accepts connections until the app stops, then ends them.
pub(crate) async fn run(app: Arc<App>, listener: TcpListener) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = app.stopped() => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    connections.spawn(connection(Arc::clone(&app), stream, peer));
                }
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    // Whoever isn't done by then is ended with the set.
    let _late =
        tokio::time::timeout(LAST_WORDS, async { while connections.join_next().await.is_some() {} }).await;
}

async fn connection(app: Arc<App>, stream: TcpStream, peer: SocketAddr) {
    // Frames and answers are small: waiting to fill a packet only delays them. Failing to say so is harmless.
    let _slower = stream.set_nodelay(true);
    let link = Arc::new(ConnectionHandle::default());
    let socket = Socket { stream, resets: Arc::clone(&link.resets) };
    let service = service_fn(|request| {
        let (app, link) = (Arc::clone(&app), Arc::clone(&link));
        async move { Ok::<_, std::convert::Infallible>(Box::pin(http::serve(app, peer, link, request)).await) }
    });
    let http = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(64 * 1024)
        .serve_connection(TokioIo::new(socket), service)
        .with_upgrades();
    tokio::select! {
        // A broken connection concerns only its client.
        _ = http => {}
        () = link.reset.notified() => return,
        () = app.stopped() => return,
    }
    if let Some(afterwards) = link.take_afterwards() {
        afterwards.await;
    }
}

/// A TCP stream that can end with a reset instead of an orderly close.
struct Socket {
    stream: TcpStream,
    resets: Arc<AtomicBool>,
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.resets.load(Ordering::Relaxed) {
            // Closing a socket that doesn't linger sends RST and discards what is unsent.
            let _orderly = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, buffer)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

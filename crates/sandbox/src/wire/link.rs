//! A connection as a request sees it, and its TCP stream, which can end with a reset.

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::Notify,
};

type Afterwards = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What a request may do to its own connection.
#[derive(Default)]
pub(super) struct ConnectionHandle {
    resets: Arc<AtomicBool>,
    reset: Notify,
    then: Mutex<Option<Afterwards>>,
}

impl ConnectionHandle {
    /// Resets the connection. Never returns, because this ends the connection's task, and the caller with it.
    pub(super) async fn reset<T>(&self) -> T {
        self.resets.store(true, Ordering::Relaxed);
        self.reset.notify_one();
        std::future::pending().await
    }

    /// Resolves when a request asks for a reset.
    pub(super) async fn is_reset(&self) {
        self.reset.notified().await;
    }

    /// Sets work that the connection's task does after HTTP has ended.
    pub(super) fn then(&self, work: impl Future<Output = ()> + Send + 'static) {
        *self.then.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::pin(work));
    }

    /// Takes the work that was set with [`Self::then`].
    pub(super) fn take_afterwards(&self) -> Option<Afterwards> {
        self.then.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Splits a connection into the socket, which HTTP reads and writes, and the handle for its requests.
pub(super) fn link(stream: TcpStream) -> (Socket, Arc<ConnectionHandle>) {
    let link = Arc::new(ConnectionHandle::default());
    (Socket { stream, resets: Arc::clone(&link.resets) }, link)
}

/// A TCP stream that can end with a reset instead of an orderly close.
pub(super) struct Socket {
    stream: TcpStream,
    resets: Arc<AtomicBool>,
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.resets.load(Ordering::Relaxed) {
            // With linger zero, closing the socket sends RST and discards unsent data.
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

//! Opens connections: TCP, TLS, and the way through a proxy.

use super::{Proxy, without_brackets};
use http::{Uri, uri::Scheme};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::{
    client::legacy::connect::{Connected, Connection, HttpConnector, proxy::Tunnel},
    rt::TokioIo,
};
use rustls::{ClientConfig, pki_types::ServerName};
use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio_rustls::TlsConnector;
use tower_service::Service;

/// How often the system asks the other side of a silent connection whether it is still there.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How many such questions may stay without an answer.
const UNANSWERED: u32 = 3;
/// How long sent bytes may stay unconfirmed.
#[cfg(target_os = "linux")]
const UNCONFIRMED: Duration = Duration::from_secs(30);

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Opening = Pin<Box<dyn Future<Output = Result<Link, BoxError>> + Send>>;

/// The way to the origin.
#[derive(Clone)]
pub(super) enum Route {
    Direct,
    /// The proxy passes on bytes that it cannot read.
    Tunnel(Proxy),
    /// The proxy reads each request, and sends it on.
    Forward(Proxy),
}

/// Opens connections to an origin.
#[derive(Clone)]
pub(super) struct Connector {
    route: Arc<Route>,
    dial: Dial,
    /// How long it may take to open a connection, with everything that belongs to it.
    limit: Duration,
}

impl Connector {
    pub(super) fn new(route: Route, tls: Arc<ClientConfig>, limit: Duration) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        // If a host has several addresses, each gets a part of this time.
        tcp.set_connect_timeout(Some(limit));
        tcp.set_keepalive(Some(KEEP_ALIVE));
        tcp.set_keepalive_interval(Some(KEEP_ALIVE));
        tcp.set_keepalive_retries(Some(UNANSWERED));
        #[cfg(target_os = "linux")]
        tcp.set_tcp_user_timeout(Some(UNCONFIRMED));
        Self { route: Arc::new(route), dial: Dial { tcp, tls }, limit }
    }
}

impl Service<Uri> for Connector {
    type Response = Link;
    type Error = BoxError;
    type Future = Opening;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.dial.poll_ready(context)
    }

    fn call(&mut self, origin: Uri) -> Opening {
        let opening = match &*self.route {
            Route::Direct => self.dial.call(origin),
            Route::Tunnel(proxy) => {
                let mut tunnel = Tunnel::new(proxy.address.clone(), self.dial.clone());
                if let Some(credentials) = &proxy.credentials {
                    tunnel = tunnel.with_auth(credentials.clone());
                }
                let tls = self.dial.tls.clone();
                Box::pin(async move {
                    let link = tunnel.call(origin.clone()).await?;
                    encrypted(link, &origin, tls).await
                })
            }
            Route::Forward(proxy) => {
                let link = self.dial.call(proxy.address.clone());
                Box::pin(async { Ok(Link { is_forwarded: true, ..link.await? }) })
            }
        };
        let limit = self.limit;
        Box::pin(async move {
            tokio::time::timeout(limit, opening).await.unwrap_or_else(|_| {
                Err(io::Error::new(io::ErrorKind::TimedOut, "the connection was not opened in time").into())
            })
        })
    }
}

/// Opens a connection to a host, with TLS if the address asks for it.
#[derive(Clone)]
struct Dial {
    tcp: HttpConnector,
    tls: Arc<ClientConfig>,
}

impl Service<Uri> for Dial {
    type Response = Link;
    type Error = BoxError;
    type Future = Opening;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(ready!(self.tcp.poll_ready(context))?))
    }

    fn call(&mut self, address: Uri) -> Opening {
        let tcp = self.tcp.call(address.clone());
        let tls = (address.scheme() == Some(&Scheme::HTTPS)).then(|| self.tls.clone());
        Box::pin(async move {
            let link = Link::new(tcp.await?);
            match tls {
                None => Ok(link),
                Some(tls) => encrypted(link, &address, tls).await,
            }
        })
    }
}

/// Begins TLS with the host of this address.
async fn encrypted(link: Link, address: &Uri, tls: Arc<ClientConfig>) -> Result<Link, BoxError> {
    let host = without_brackets(address.host().unwrap_or_default());
    let name = ServerName::try_from(host.to_owned())?;
    let stream = TlsConnector::from(tls).connect(name, TokioIo::new(link)).await?;
    Ok(Link::new(TokioIo::new(stream)))
}

/// Bytes both ways.
trait Bytes: Read + Write + Send + Unpin {}

impl<T: Read + Write + Send + Unpin> Bytes for T {}

/// An open connection. What is behind it, TCP or TLS, with or without a proxy, is not a part of the type, so that the HTTP
/// client is compiled once.
pub(super) struct Link {
    bytes: Box<dyn Bytes>,
    /// Whether a proxy reads the requests, so that each must name its origin.
    is_forwarded: bool,
}

impl Link {
    fn new(bytes: impl Bytes + 'static) -> Self {
        Self { bytes: Box::new(bytes), is_forwarded: false }
    }
}

impl Connection for Link {
    fn connected(&self) -> Connected {
        Connected::new().proxy(self.is_forwarded)
    }
}

impl Read for Link {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.bytes).poll_read(context, buffer)
    }
}

impl Write for Link {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.bytes).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.bytes).poll_write_vectored(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.bytes.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.bytes).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.bytes).poll_shutdown(context)
    }
}

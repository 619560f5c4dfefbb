//! The HTTP client: keeps connections open, sends one request, and gives its answer. It follows no redirect and sends
//! nothing twice: only a request of which no byte was written goes to another connection.

mod connect;
mod proxy;
mod upgraded;

pub use upgraded::Upgraded;

pub(crate) use proxy::Proxy;

use crate::{Error, Head, body, upload::InputError};
use bytes::Bytes;
use connect::{Connector, Route};
use http::{
    HeaderMap, HeaderValue, Method, Request, Uri, header,
    uri::{Authority, PathAndQuery, Scheme},
};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper_util::{
    client::legacy::{self, Client, ResponseFuture},
    rt::{TokioExecutor, TokioTimer},
};
use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

/// How long a connection may be unused. Servers often close it after 20 s or more, so a request rarely meets a connection
/// that is just being closed.
const UNUSED: Duration = Duration::from_secs(15);

/// The connections to one origin. Clones share them.
#[derive(Clone)]
pub(crate) struct Http {
    client: Arc<dyn Start>,
    scheme: Scheme,
    authority: Authority,
    user_agent: HeaderValue,
    /// The credentials of a proxy that reads each request.
    proxy_credentials: Option<HeaderValue>,
}

/// What the connections of a client have in common.
#[derive(Clone)]
pub(crate) struct Settings {
    /// Scheme, host and port.
    pub(crate) origin: Uri,
    pub(crate) tls: Arc<rustls::ClientConfig>,
    pub(crate) proxy: Option<Proxy>,
    /// How long it may take to open a connection, including TLS.
    pub(crate) limit: Duration,
    pub(crate) user_agent: HeaderValue,
}

/// What is used of the HTTP client. As a trait object it is compiled in this crate only, and not again in each crate and
/// program that awaits a call.
trait Start: Send + Sync {
    fn start(&self, request: Request<RequestBody>) -> ResponseFuture;
}

impl Start for Client<Connector, RequestBody> {
    fn start(&self, request: Request<RequestBody>) -> ResponseFuture {
        self.request(request)
    }
}

impl Http {
    pub(crate) fn new(settings: Settings) -> Result<Self, Error> {
        let Settings { origin, tls, proxy, limit, user_agent } = settings;
        let parts = origin.into_parts();
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else {
            return Err(Error::config("environment: its origin has no scheme or no host; give another"));
        };
        let route = match proxy {
            None => Route::Direct,
            // A proxy cannot read what is encrypted, so it passes it on.
            Some(proxy) if scheme == Scheme::HTTPS => Route::Tunnel(proxy),
            Some(proxy) => Route::Forward(proxy),
        };
        let proxy_credentials = match &route {
            Route::Forward(proxy) => proxy.credentials.clone(),
            Route::Direct | Route::Tunnel(_) => None,
        };
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(UNUSED)
            .build(Connector::new(route, tls, limit));
        Ok(Self { client: Arc::new(client), scheme, authority, user_agent, proxy_credentials })
    }

    /// A request with exactly this path and query.
    pub(crate) fn request(
        &self,
        method: Method,
        path_and_query: &str,
        mut headers: HeaderMap,
        body: RequestBody,
    ) -> Result<Request<RequestBody>, Error> {
        let path_and_query = PathAndQuery::try_from(path_and_query)
            .map_err(|error| Error::config("the path cannot be sent").with_source(error))?;
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = Some(path_and_query);
        let uri = Uri::from_parts(parts)
            .map_err(|error| Error::config("the address cannot be used").with_source(error))?;
        headers.insert(header::USER_AGENT, self.user_agent.clone());
        if let Some(credentials) = &self.proxy_credentials {
            headers.insert(header::PROXY_AUTHORIZATION, credentials.clone());
        }
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        Ok(request)
    }

    /// Sends a request, and returns the answer's head when it has come.
    pub(crate) async fn send(&self, request: Request<RequestBody>) -> Result<(Head, AnswerBody), Error> {
        let answer = self.client.start(request).await.map_err(without_answer)?;
        let (head, body) = answer.into_parts();
        Ok((Head { status: head.status.as_u16(), headers: head.headers }, AnswerBody::Arriving(body)))
    }

    /// The same for a request to change the protocol. With the status 101 the connection is returned, too.
    pub(crate) async fn upgrade(
        &self,
        request: Request<RequestBody>,
    ) -> Result<(Head, Result<Upgraded, AnswerBody>), Error> {
        let mut answer = self.client.start(request).await.map_err(without_answer)?;
        let head = Head { status: answer.status().as_u16(), headers: std::mem::take(answer.headers_mut()) };
        if head.status != 101 {
            return Ok((head, Err(AnswerBody::Arriving(answer.into_body()))));
        }
        let connection = hyper::upgrade::on(answer).await.map_err(body::interrupted)?;
        Ok((head, Ok(Upgraded::new(connection))))
    }
}

/// The host of an address, without the brackets of IPv6.
fn without_brackets(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']')
}

/// The error for a request that got no answer.
fn without_answer(error: legacy::Error) -> Error {
    if error.is_connect() { body::not_connected(error) } else { body::interrupted(error) }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Http({}://{})", self.scheme, self.authority)
    }
}

/// The body of a request.
pub(crate) enum RequestBody {
    /// In one piece; it is taken when it is sent.
    Whole(Bytes),
    /// In pieces.
    Pieces(Pin<Box<dyn Body<Data = Bytes, Error = InputError> + Send>>),
}

impl RequestBody {
    /// No body.
    pub(crate) fn empty() -> Self {
        Self::Whole(Bytes::new())
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = InputError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, InputError>>> {
        match &mut *self {
            Self::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Self::Pieces(pieces) => pieces.as_mut().poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.is_empty(),
            Self::Pieces(pieces) => pieces.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(crate::upload::size(bytes)),
            Self::Pieces(pieces) => pieces.size_hint(),
        }
    }
}

/// The body of an answer.
pub(crate) enum AnswerBody {
    /// Its pieces arrive over the connection.
    Arriving(Incoming),
    /// All of it is here already.
    #[cfg_attr(not(feature = "recording"), expect(dead_code, reason = "only recordings have such answers"))]
    Whole(Bytes),
}

impl AnswerBody {
    /// The next piece; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        match self {
            Self::Whole(bytes) => Ok(Some(std::mem::take(bytes)).filter(|bytes| !bytes.is_empty())),
            Self::Arriving(body) => loop {
                let frame = std::future::poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await;
                match frame.transpose().map_err(body::interrupted)? {
                    None => return Ok(None),
                    // Fields after the body say nothing that is used.
                    Some(frame) => {
                        if let Ok(piece) = frame.into_data() {
                            return Ok(Some(piece));
                        }
                    }
                }
            },
        }
    }

    /// The number of bytes, if it is known.
    pub(crate) fn length(&self) -> Option<u64> {
        match self {
            Self::Whole(bytes) => Some(crate::upload::size(bytes)),
            Self::Arriving(body) => body.size_hint().exact(),
        }
    }
}

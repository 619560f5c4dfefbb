//! The interface to the network: a signed request goes out, a response head and a byte stream come back.

use futures_util::future::BoxFuture;
use http::HeaderMap;
use std::{fmt, sync::Arc, time::Duration};
use tokio::io::{AsyncRead, AsyncWrite};

/// A byte stream in both directions.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// The request of a websocket's handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Handshake {
    /// Whether it has to be signed, because it asks for topics of the account.
    pub private: bool,
    /// The query string. Send it unchanged: the server does not decode it.
    pub query: String,
    /// The protocol's headers.
    pub headers: Vec<(&'static str, String)>,
}

/// An accepted handshake.
#[non_exhaustive]
pub struct Connection {
    /// Headers of the answer.
    pub headers: HeaderMap,
    /// The byte stream that follows the answer.
    pub io: Box<dyn Io>,
}

impl Connection {
    /// A connection out of its parts.
    pub fn new(headers: HeaderMap, io: impl Io + 'static) -> Self {
        Self { headers, io: Box::new(io) }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connection")
    }
}

/// Why a handshake failed.
#[derive(Debug)]
#[non_exhaustive]
pub struct ConnectError {
    /// What happened, without secrets.
    pub what: String,
    /// Whether the server refuses the credentials. If so, more tries would only get the address blocked.
    pub refused: bool,
    /// How long the server asks to wait before the next try.
    pub retry_after: Option<Duration>,
    /// The cause.
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl ConnectError {
    /// A failure after which another try may succeed.
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), refused: false, retry_after: None, source: None }
    }

    /// A refusal of the credentials.
    pub fn refused(what: impl Into<String>) -> Self {
        Self { refused: true, ..Self::new(what) }
    }

    /// The same with a wait that the server asks for.
    #[must_use]
    pub fn retry_after(self, wait: Duration) -> Self {
        Self { retry_after: Some(wait), ..self }
    }
}

/// The websocket service.
#[cfg(feature = "rest")]
pub const STREAM: capecrypto_auth::Service =
    capecrypto_auth::Service::new("stream", "/api/v2/websocket").older("/api/v2/stream");

/// Makes the connections of a stream: the REST client in production, a simulated network in tests.
pub trait Connect: Send + Sync + 'static {
    /// Makes one handshake. A private one must be signed now, because a signature is valid only for a short time.
    fn connect<'a>(&'a self, handshake: &'a Handshake) -> BoxFuture<'a, Result<Connection, ConnectError>>;

    /// The wall clock in Unix milliseconds, for the times of `Event::Gap`.
    fn unix_millis(&self) -> u64;
}

/// Several owners of one.
impl<C: Connect + ?Sized> Connect for Arc<C> {
    fn connect<'a>(&'a self, handshake: &'a Handshake) -> BoxFuture<'a, Result<Connection, ConnectError>> {
        (**self).connect(handshake)
    }

    fn unix_millis(&self) -> u64 {
        (**self).unix_millis()
    }
}

#[cfg(feature = "rest")]
impl Connect for capecrypto_rest::Client {
    fn connect<'a>(&'a self, handshake: &'a Handshake) -> BoxFuture<'a, Result<Connection, ConnectError>> {
        use capecrypto_rest::Upgrade;
        Box::pin(async move {
            let mut upgrade = Upgrade::new(STREAM, if handshake.private { "/private" } else { "/public" });
            upgrade.query.clone_from(&handshake.query);
            upgrade.signed = handshake.private;
            upgrade.headers.clone_from(&handshake.headers);
            match self.upgrade(&upgrade).await {
                Ok((headers, io)) => Ok(Connection::new(headers, io)),
                Err(error) => Err(ConnectError {
                    what: error.to_string(),
                    refused: is_refusal(handshake.private, &error),
                    retry_after: error.retry_after(),
                    source: Some(Box::new(error)),
                }),
            }
        })
    }

    fn unix_millis(&self) -> u64 {
        self.clock().now_ms()
    }
}

/// Whether the credentials are refused. A page of a gateway (a block of the address, a maintenance) is not that, and without
/// credentials nothing can be; a bare 401 is.
#[cfg(feature = "rest")]
fn is_refusal(private: bool, error: &capecrypto_rest::Error) -> bool {
    use capecrypto_rest::Kind;
    match error.kind() {
        // Ours: it would fail each time.
        Kind::Config | Kind::InvalidArgument => true,
        Kind::Auth => private,
        Kind::Maintenance => false,
        _ => private && error.status() == Some(401),
    }
}

#[cfg(feature = "rest")]
#[cfg(test)]
mod tests {
    use super::*;
    use capecrypto_auth::{Credentials, Environment};
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    /// What comes of a handshake that is answered like this.
    async fn failure(private: bool, answer: &'static str) -> ConnectError {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            assert!(socket.read(&mut [0; 4096]).await.unwrap() > 0);
            socket.write_all(answer.as_bytes()).await.unwrap();
        });
        let credentials = Credentials::new("sandbox_x", "y").unwrap();
        let client = capecrypto_rest::Client::builder(Environment::local(&origin).unwrap());
        let client = client.credentials(credentials).build().unwrap();
        let handshake = Handshake { private, query: "stream=order".to_owned(), headers: Vec::new() };
        client.connect(&handshake).await.unwrap_err()
    }

    #[tokio::test]
    async fn only_refused_credentials_are_a_refusal() {
        let own = "HTTP/1.1 422 Unprocessable\r\ncontent-length: 44\r\n\r\n{\"errors\":[\"authz.invalid_api_key_headers\"]}";
        let bare = "HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n";
        let page = "HTTP/1.1 403 Forbidden\r\ncontent-length: 13\r\n\r\n<html></html>";
        let maintenance = "HTTP/1.1 403 Forbidden\r\ncontent-length: 41\r\n\r\n{\"errors\":[\"authz.restrict.maintenance\"]}";
        let busy = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n";
        let unknown = "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n";
        for (answer, refused) in
            [(own, true), (bare, true), (page, false), (maintenance, false), (busy, false), (unknown, false)]
        {
            assert_eq!(failure(true, answer).await.refused, refused, "{answer}");
            assert!(
                !failure(false, answer).await.refused,
                "without credentials nothing is refused: {answer}"
            );
        }
    }

    #[tokio::test]
    async fn a_wait_that_the_server_asks_for_is_handed_on() {
        for answer in [
            "HTTP/1.1 503 Service Unavailable\r\nretry-after: 90\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 429 Too Many Requests\r\nretry-after: 90\r\ncontent-length: 0\r\n\r\n",
        ] {
            assert_eq!(failure(true, answer).await.retry_after, Some(Duration::from_secs(90)), "{answer}");
        }
        let silent = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n";
        assert_eq!(failure(true, silent).await.retry_after, None);
    }
}

//! Subscribing to many books: a server that answers each request at once with the list of all subscriptions.

use super::feed::{accepted, frame, unix_millis};
use capecrypto_stream::{Connect, ConnectError, Connection, Event, Handshake, Stream};
use futures_util::future::BoxFuture;
use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Prepared answers: the first one lists the books of the handshake, and each next one has one book more.
#[derive(Clone)]
pub struct Answers(Arc<Vec<Vec<u8>>>);

/// Books in a handshake.
const AT_ONCE: usize = 4;

impl Answers {
    pub fn new(markets: &[String]) -> Self {
        let names: Vec<String> = markets.iter().map(|market| format!("\"{market}.ob-inc\"")).collect();
        let answer = |count: usize| {
            let names = names[..count].join(",");
            let mut bytes = Vec::new();
            frame(&format!(r#"{{"success":{{"message":"subscribed","streams":[{names}]}}}}"#), &mut bytes);
            bytes
        };
        Self(Arc::new((AT_ONCE..=markets.len()).map(answer).collect()))
    }

    /// Subscribes to all books, until the last one is confirmed.
    pub async fn subscribe(&self, markets: &[String]) {
        let mut builder = Stream::builder(self.clone());
        for market in markets {
            builder = builder.book(market.as_str());
        }
        let stream = builder.connect().await.expect("a connection");
        let mut confirmed = 0;
        while confirmed < markets.len() {
            if let Some(Event::Subscribed { topics }) = stream.next().await {
                confirmed += topics.len();
            }
        }
    }
}

/// The server's end: an answer for the handshake, and one for each request.
struct Server {
    answers: Arc<Vec<Vec<u8>>>,
    /// How many answers may be read.
    asked: usize,
    answer: usize,
    at: usize,
    waiting: Option<Waker>,
}

impl AsyncRead for Server {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let Some(answer) = this.answers.get(this.answer).filter(|_| this.answer < this.asked) else {
            this.waiting = Some(cx.waker().clone());
            return Poll::Pending;
        };
        let end = answer.len().min(this.at + buffer.remaining());
        buffer.put_slice(&answer[this.at..end]);
        this.at = end;
        if end == answer.len() {
            (this.answer, this.at) = (this.answer + 1, 0);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Server {
    /// Each write is one request.
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.asked += 1;
        if let Some(waiting) = self.waiting.take() {
            waiting.wake();
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Connect for Answers {
    fn connect<'a>(&'a self, handshake: &'a Handshake) -> BoxFuture<'a, Result<Connection, ConnectError>> {
        Box::pin(async move {
            let server = Server { answers: self.0.clone(), asked: 1, answer: 0, at: 0, waiting: None };
            Ok(Connection::new(accepted(handshake), server))
        })
    }

    fn unix_millis(&self) -> u64 {
        unix_millis()
    }
}

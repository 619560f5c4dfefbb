//! The same work with bare tungstenite: what somebody would write for a connection that never breaks.

use super::feed::{Feed, Reader};
use capecrypto_orderbook::Book;
use futures_util::StreamExt;
use std::{collections::HashMap, hint::black_box};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Message,
        protocol::{Role, WebSocketConfig},
    },
};

/// A connection with its books.
pub struct Connection<S> {
    socket: WebSocketStream<S>,
    books: HashMap<String, Book>,
}

impl Connection<Reader> {
    /// Opens a feed and reads its beginning.
    pub async fn open(feed: &Feed) -> Self {
        Self::over(feed.open(), feed).await
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// Reads the beginning of a feed over this connection.
    pub async fn over(io: S, feed: &Feed) -> Self {
        let config = WebSocketConfig::default().read_buffer_size(8 * 1024);
        let socket = WebSocketStream::from_raw_socket(io, Role::Client, Some(config)).await;
        let book = |market: &String| (market.clone(), Book::new(market.parse().expect("a market")));
        let books = feed.markets().iter().map(book).collect();
        let mut connection = Self { socket, books };
        connection.read(feed.beginning()).await;
        for book in connection.books.values_mut() {
            assert!(book.confirmed());
        }
        connection
    }

    /// Reads the increments, and asks for the best price after each.
    pub async fn increments(mut self, feed: Feed) {
        self.read(feed.increments()).await;
    }

    async fn read(&mut self, frames: usize) {
        for _ in 0..frames {
            let Some(Ok(Message::Text(text))) = self.socket.next().await else {
                panic!("the feed is too short")
            };
            let market = text.split_once('.').map_or("", |(market, _)| &market[2..]);
            if let Some(book) = self.books.get_mut(market) {
                let _ = black_box(book.apply_frame(text.as_bytes()).expect("a frame of this book"));
                let _ = black_box(book.best());
            }
        }
    }
}

//! The server's end of a connection, for a script that says everything itself.

use crate::line::Wire;
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncWriteExt, Result};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Message, protocol::Role},
};

/// The server's end of one connection: see [`Network::scripted`](crate::Network::scripted). When it is dropped, the connection
/// breaks without a close message.
#[derive(Debug)]
#[non_exhaustive]
pub struct Peer {
    /// The number of the connection, from 1.
    pub number: u64,
    /// Whether the handshake was for the account.
    pub private: bool,
    /// The handshake's query.
    pub query: String,
    /// The websocket itself, for what the methods do not do.
    pub socket: WebSocketStream<Wire>,
}

impl Peer {
    pub(crate) async fn new(number: u64, private: bool, query: String, wire: Wire) -> Self {
        let socket = WebSocketStream::from_raw_socket(wire, Role::Server, None).await;
        Self { number, private, query, socket }
    }

    /// Sends a text frame; `false` if the connection is gone.
    pub async fn say(&mut self, text: impl Into<String>) -> bool {
        self.socket.send(Message::text(text.into())).await.is_ok()
    }

    /// Sends the list of subscriptions, which answers a handshake and each request.
    pub async fn confirm(&mut self, topics: &[&str]) -> bool {
        self.say(list("subscribed", topics)).await
    }

    /// The next request of the client; `None` when the connection has ended. Pings are answered meanwhile.
    pub async fn request(&mut self) -> Option<String> {
        while let Some(Ok(message)) = self.socket.next().await {
            if let Message::Text(text) = message {
                return Some(text.as_str().to_owned());
            }
        }
        None
    }

    /// Answers pings until the client goes away; tells whether it said goodbye with a close message.
    pub async fn idle(&mut self) -> bool {
        let mut goodbye = false;
        while let Some(Ok(message)) = self.socket.next().await {
            goodbye |= message.is_close();
        }
        goodbye
    }

    /// Writes bytes past the protocol, such as half a frame.
    ///
    /// # Errors
    /// The connection is gone.
    pub async fn raw(&mut self, bytes: &[u8]) -> Result<()> {
        self.socket.get_mut().write_all(bytes).await
    }
}

/// The server's list of subscriptions.
pub(crate) fn list(message: &str, topics: &[&str]) -> String {
    serde_json::json!({ "success": { "message": message, "streams": topics } }).to_string()
}

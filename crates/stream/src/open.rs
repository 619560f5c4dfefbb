//! Opens the websocket of a connection, and says why one broke.

use crate::{Connect, ConnectError, Connection, Handshake, Interruption, heard::Heard};
use futures_util::SinkExt;
use std::{sync::Arc, time::Duration};
use tokio::time::timeout;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        self, Message,
        handshake::{client::generate_key, derive_accept_key},
        protocol::{Role, WebSocketConfig},
    },
};

/// Largest message that is read; a snapshot of 301 levels a side has 16 KiB.
const LARGEST_MESSAGE: usize = 8 * 1024 * 1024;
/// Small, because the library clears the whole buffer before each read.
const READ_BUFFER: usize = 8 * 1024;
/// Deadline for a handshake. The REST client has its own, shorter one.
const OPEN_WITHIN: Duration = Duration::from_secs(15);
/// Deadline for sending a frame.
const SEND_WITHIN: Duration = Duration::from_secs(5);

pub(crate) type Socket = WebSocketStream<Heard>;

/// Opens a websocket within a deadline, because `Connect` may have none.
pub(crate) async fn open_in_time(
    connect: Arc<dyn Connect>,
    query: String,
    private: bool,
) -> Result<Box<Socket>, ConnectError> {
    match timeout(OPEN_WITHIN, open(connect, query, private)).await {
        Ok(opened) => opened,
        Err(_) => Err(ConnectError::new(
            "no answer to the handshake in time; check the network and the address of the stream",
        )),
    }
}

/// Makes a connection, and a websocket from it.
async fn open(connect: Arc<dyn Connect>, query: String, private: bool) -> Result<Box<Socket>, ConnectError> {
    let key = generate_key();
    let accept = derive_accept_key(key.as_bytes());
    let headers = vec![
        ("connection", "Upgrade".to_owned()),
        ("upgrade", "websocket".to_owned()),
        ("sec-websocket-version", "13".to_owned()),
        ("sec-websocket-key", key),
    ];
    let Connection { headers, io } = connect.connect(&Handshake { private, query, headers }).await?;
    // Another protocol's server could answer 101 as well.
    if headers.get("sec-websocket-accept").is_none_or(|value| value.as_bytes() != accept.as_bytes()) {
        return Err(ConnectError::new(
            "the server's handshake is not a websocket's; check the address of the stream",
        ));
    }
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .max_message_size(Some(LARGEST_MESSAGE))
        .max_frame_size(Some(LARGEST_MESSAGE));
    Ok(Box::new(WebSocketStream::from_raw_socket(Heard::new(io), Role::Client, Some(config)).await))
}

/// Sends a message within a deadline: a peer that takes no bytes is as dead as a silent one.
pub(crate) async fn send_in_time(socket: &mut Socket, message: Message) -> Result<(), Interruption> {
    match timeout(SEND_WITHIN, socket.send(message)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(broken(&error)),
        Err(_) => Err(Interruption::Silent),
    }
}

/// Why the connection broke. The library's text may be shown: it contains only the size of a message, no content.
pub(crate) fn broken(error: &tungstenite::Error) -> Interruption {
    use tungstenite::{Error, error::ProtocolError};
    match error {
        Error::ConnectionClosed
        | Error::AlreadyClosed
        | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)
        | Error::Io(_) => Interruption::Closed { code: 1006 },
        error => Interruption::Failed { what: error.to_string() },
    }
}

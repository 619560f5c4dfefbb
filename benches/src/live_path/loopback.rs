//! The same path over a socket of this machine. The server writes many frames at once; only the client's thread counts.

use super::{
    by_hand,
    feed::{Feed, accepted},
};
use crate::measure::pin;
use capecrypto_stream::{Connect, ConnectError, Connection, Handshake};
use futures_util::future::BoxFuture;
use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    sync::mpsc::{Receiver, Sender, channel},
};
use tokio::net::TcpStream;

/// About 640 frames.
const WRITE: usize = 60_000;

/// Serves a feed to each connection: its beginning at once, and the increments when it is told to go on.
#[derive(Clone)]
pub struct Server {
    address: SocketAddr,
    go_on: Sender<()>,
}

impl Server {
    pub fn start(feed: &Feed) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let (go_on, told) = channel();
        let feed = feed.clone();
        std::thread::spawn(move || {
            pin(1);
            while let Ok((connection, _)) = listener.accept() {
                // A client that is gone ends this connection only.
                let _ = serve(connection, &feed, &told);
            }
        });
        Self { address, go_on }
    }

    /// Lets the increments pass.
    pub fn go_on(&self) {
        self.go_on.send(()).expect("the server runs");
    }

    /// Opens the connection by hand.
    pub async fn by_hand(&self, feed: &Feed) -> by_hand::Connection<TcpStream> {
        let socket = TcpStream::connect(self.address).await.expect("a connection");
        by_hand::Connection::over(socket, feed).await
    }
}

fn serve(mut connection: std::net::TcpStream, feed: &Feed, told: &Receiver<()>) -> std::io::Result<()> {
    let (beginning, increments) = feed.bytes();
    connection.write_all(beginning)?;
    let Ok(()) = told.recv() else { return Ok(()) };
    increments.chunks(WRITE).try_for_each(|chunk| connection.write_all(chunk))?;
    // Waits until the client has left.
    let _ = connection.read_to_end(&mut Vec::new());
    Ok(())
}

impl Connect for Server {
    fn connect<'a>(&'a self, handshake: &'a Handshake) -> BoxFuture<'a, Result<Connection, ConnectError>> {
        Box::pin(async move {
            let socket = TcpStream::connect(self.address).await;
            let socket = socket.map_err(|error| ConnectError::new(error.to_string()))?;
            Ok(Connection::new(accepted(handshake), socket))
        })
    }

    fn unix_millis(&self) -> u64 {
        super::feed::unix_millis()
    }
}

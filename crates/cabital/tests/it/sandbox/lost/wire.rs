//! The wire between a client and the sandbox: bytes go through unchanged, and are kept.

use std::sync::{Arc, Mutex};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// The bytes of one connection: what the client sent, and what came back.
type Kept = Arc<(Mutex<Vec<u8>>, Mutex<Vec<u8>>)>;

pub(super) struct Wire {
    pub(super) origin: String,
    connections: Arc<Mutex<Vec<Kept>>>,
}

/// A request, with the status of its answer if one came.
#[derive(Debug)]
pub(super) struct Exchanged {
    /// Method and path.
    pub(super) target: String,
    pub(super) nonce: String,
    pub(super) body: String,
    pub(super) status: Option<u16>,
}

impl Wire {
    pub(super) async fn to(origin: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let wire = Self {
            origin: format!("http://{}", listener.local_addr().unwrap()),
            connections: Arc::default(),
        };
        let (target, connections) =
            (origin.strip_prefix("http://").unwrap().to_owned(), wire.connections.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&target).await.unwrap();
                let kept = Kept::default();
                connections.lock().unwrap().push(kept.clone());
                tokio::spawn(async move {
                    let ((from_client, to_client), (from_server, to_server)) =
                        (client.into_split(), server.into_split());
                    // If one side ends, both are closed.
                    tokio::select! {
                        () = pass(from_client, to_server, &kept.0) => {}
                        () = pass(from_server, to_client, &kept.1) => {}
                    }
                });
            }
        });
        wire
    }

    /// What was exchanged since the last call, connection by connection.
    pub(super) fn take(&self) -> Vec<Exchanged> {
        let mut all = Vec::new();
        for kept in self.connections.lock().unwrap().iter() {
            let text = |bytes: &Mutex<Vec<u8>>| {
                String::from_utf8(std::mem::take(&mut *bytes.lock().unwrap())).unwrap()
            };
            let (sent, came) = (messages(&text(&kept.0)), messages(&text(&kept.1)));
            let mut answers = came.into_iter();
            all.extend(sent.into_iter().map(|(head, body)| {
                let mut words = head.split(' ');
                let target = format!("{} {}", words.next().unwrap(), words.next().unwrap());
                let nonce = header(&head, "access-nonce").unwrap_or_default();
                let status = answers.next().map(|(head, _)| head.split(' ').nth(1).unwrap().parse().unwrap());
                Exchanged { target, nonce, body, status }
            }));
        }
        all
    }
}

async fn pass(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, kept: &Mutex<Vec<u8>>) {
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        kept.lock().unwrap().extend_from_slice(&buffer[..length]);
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}

/// Head and body of each message.
fn messages(mut text: &str) -> Vec<(String, String)> {
    let mut all = Vec::new();
    while let Some((head, rest)) = text.split_once("\r\n\r\n") {
        let length = header(head, "content-length").map_or(0, |length| length.parse().unwrap());
        let (body, next) = rest.split_at(length);
        all.push((head.to_owned(), body.to_owned()));
        text = next;
    }
    all
}

fn header(head: &str, wanted: &str) -> Option<String> {
    head.lines().skip(1).find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case(wanted).then(|| value.to_owned())
    })
}

//! What is known about a write when the connection fails, tested for a failure at every byte.

use crate::calls::{CreateOrder, ORDER, client_at, get};
use capecrypto_auth::Environment;
use capecrypto_rest::{Client, Kind, Outcome, Timeouts};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// A server that takes one connection after the other and handles each by a script.
struct Scripted {
    origin: String,
    requests: Arc<AtomicU32>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Reads a whole request (our tests send small bodies), then writes `answer` up to `cut` and closes.
async fn serve(answer: Vec<u8>, cut: usize) -> Scripted {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let requests = Arc::new(AtomicU32::new(0));
    let counter = requests.clone();
    let task = tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            if read_request(&mut socket).await {
                counter.fetch_add(1, Ordering::SeqCst);
            }
            let _ = socket.write_all(&answer[..cut.min(answer.len())]).await;
            let _ = socket.shutdown().await;
        }
    });
    Scripted { origin, requests, task }
}

async fn read_request(socket: &mut TcpStream) -> bool {
    let mut seen = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let Ok(count) = socket.read(&mut buffer).await else { return false };
        if count == 0 {
            return false;
        }
        seen.extend_from_slice(&buffer[..count]);
        let text = String::from_utf8_lossy(&seen);
        if let Some(end) = text.find("\r\n\r\n") {
            let length = text
                .to_lowercase()
                .split("content-length: ")
                .nth(1)
                .and_then(|rest| rest.split("\r\n").next()?.parse().ok());
            if seen.len() >= end + 4 + length.unwrap_or(0_usize) {
                return true;
            }
        }
    }
}

fn created() -> Vec<u8> {
    format!(
        "HTTP/1.1 201 Created\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{ORDER}",
        ORDER.len()
    )
    .into_bytes()
}

#[tokio::test]
async fn an_answer_cut_at_every_byte_is_unknown_and_never_sent_again() {
    let answer = created();
    for cut in 0..answer.len() {
        let server = serve(answer.clone(), cut).await;
        let error = client_at(&server.origin).send(CreateOrder::new()).await.unwrap_err();
        assert_eq!(error.outcome(), Outcome::Unknown, "cut at {cut}: {error}");
        assert_eq!(error.kind(), Kind::Interrupted, "cut at {cut}: {error}");
        assert_eq!(server.requests.load(Ordering::SeqCst), 1, "cut at {cut}");
    }
    let server = serve(answer.clone(), answer.len()).await;
    assert_eq!(client_at(&server.origin).send(CreateOrder::new()).await.unwrap().id, 7);
}

#[tokio::test]
async fn a_closed_port_is_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = client_at(&origin).send(CreateOrder::new()).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome(), error.attempts()), (Kind::Connect, Outcome::NotSent, 1));
    let error = client_at(&origin).send(get("7")).await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (Kind::Connect, 3), "reads are tried again");
}

#[tokio::test]
async fn deadlines_for_a_silent_and_for_a_slow_server() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let task = tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((mut socket, _)) = listener.accept().await {
            let _ = read_request(&mut socket).await;
            let _ = socket.write_all(b"HTTP/1.1 201 Created\r\ncontent-length: 26\r\n\r\n{").await;
            held.push(socket);
        }
    });
    let timeouts = Timeouts::default().connect(Duration::from_millis(100)).idle(Duration::from_millis(150));
    let client = |timeouts| {
        Client::builder(Environment::local(&origin).unwrap())
            .credentials(crate::calls::credentials())
            .timeouts(timeouts)
            .build()
            .unwrap()
    };
    let error = client(timeouts).send(CreateOrder::new()).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::Timeout, Outcome::Unknown));
    assert!(error.is_timeout() && error.is_outcome_unknown());
    let timeouts =
        Timeouts::default().connect(Duration::from_millis(100)).attempt(Duration::from_millis(150));
    let error = client(timeouts).send(CreateOrder::new()).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome(), error.attempts()), (Kind::Timeout, Outcome::Unknown, 1));
    task.abort();
}

#[tokio::test]
async fn a_request_cut_at_every_byte_is_unknown_and_sent_once() {
    // The server reads this much of the request, then resets the connection, so the rest never arrives.
    let cuts: Vec<_> = (0..260).step_by(3).map(|cut| tokio::spawn(cut_request(cut))).collect();
    for cut in cuts {
        cut.await.unwrap();
    }
}

async fn cut_request(cut: usize) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let connections = tokio::spawn(async move {
        let mut connections = 0;
        let mut patience = Duration::from_secs(60);
        while let Ok(Ok((mut socket, _))) = tokio::time::timeout(patience, listener.accept()).await {
            connections += 1;
            let _ = socket.read_exact(&mut vec![0; cut]).await;
            let _ = socket.set_zero_linger();
            // A second connection, if there is one, comes at once.
            patience = Duration::from_millis(500);
        }
        connections
    });
    let error = client_at(&origin).send(CreateOrder::new()).await.unwrap_err();
    // A reset before anything was written is reported as a failure to connect.
    let expected = if error.kind() == Kind::Connect { Outcome::NotSent } else { Outcome::Unknown };
    assert_eq!((error.outcome(), error.attempts()), (expected, 1), "cut at {cut}: {error}");
    assert!(error.kind() != Kind::Connect || cut == 0, "cut at {cut}: {error}");
    assert_eq!(connections.await.unwrap(), 1, "cut at {cut}");
}

#[tokio::test]
async fn a_connection_that_died_in_the_pool_costs_a_read_nothing_and_doubles_no_write() {
    let server = keep_alive_then_close().await;
    let client = client_at(&server.origin);
    for _ in 0..200 {
        client.send(get("7")).await.unwrap();
        if let Err(error) = client.send(CreateOrder::new()).await {
            assert_ne!(error.outcome(), Outcome::Refused, "{error}");
        }
    }
    // Reads may be repeated, but no write arrives more often than it was sent by the caller.
    assert!(
        server.requests.load(Ordering::SeqCst) <= 200,
        "{} writes arrived",
        server.requests.load(Ordering::SeqCst)
    );
}

/// A server that answers once on each connection as if it stayed open, then closes it. It counts the POSTs.
async fn keep_alive_then_close() -> Scripted {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let requests = Arc::new(AtomicU32::new(0));
    let counter = requests.clone();
    let task = tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let counter = counter.clone();
            tokio::spawn(async move {
                let mut first = [0; 1];
                let posts = socket.peek(&mut first).await.is_ok_and(|count| count == 1 && first == *b"P");
                if read_request(&mut socket).await {
                    counter.fetch_add(u32::from(posts), Ordering::SeqCst);
                    let _ = socket.write_all(&created()).await;
                }
            });
        }
    });
    Scripted { origin, requests, task }
}

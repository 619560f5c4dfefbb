//! What is known of a write when the connection fails: at every byte.

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

/// A server of one connection after the other, each handled by a script.
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
    let timeouts = Timeouts::default().idle_read(Duration::from_millis(150)).attempt(Duration::from_secs(10));
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
    let timeouts = Timeouts::default().attempt(Duration::from_millis(150));
    let error = client(timeouts).send(CreateOrder::new()).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome(), error.attempts()), (Kind::Timeout, Outcome::Unknown, 1));
    task.abort();
}

#[tokio::test]
async fn a_connection_that_died_in_the_pool_costs_a_read_nothing_and_doubles_no_write() {
    // The server closes each connection after its first answer, without saying so.
    let server = serve(created(), usize::MAX).await;
    let client = client_at(&server.origin);
    let mut confirmed = 0;
    for _ in 0..200 {
        client.send(get("7")).await.unwrap();
        match client.send(CreateOrder::new()).await {
            Ok(_) => confirmed += 1,
            Err(error) => assert_ne!(error.outcome(), Outcome::Refused, "{error}"),
        }
    }
    assert!(confirmed > 0);
    // Reads may be repeated; writes were at most one each.
    assert!(server.requests.load(Ordering::SeqCst) >= 200 + confirmed);
}

//! A transfer does not time out while bytes move, but does when they stop.

use crate::calls::credentials;
use capecrypto_auth::Environment;
use capecrypto_rest::{Client, Kind, Timeouts};
use http::Method;
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket},
    time::sleep,
};

const PAUSE: Duration = Duration::from_millis(20);

fn client(origin: &str) -> Client {
    let timeouts = Timeouts::default()
        .connect(Duration::from_millis(200))
        // The kernel takes bytes in bursts of more than a MiB, so on a busy machine there are pauses between them.
        .idle(Duration::from_secs(1))
        .attempt(Duration::from_millis(400))
        .call(Duration::from_millis(400));
    Client::builder(Environment::local(origin).unwrap())
        .credentials(credentials())
        .timeouts(timeouts)
        .build()
        .unwrap()
}

/// A server with small buffers, so that bytes that it does not read stay in the client.
fn listen() -> (TcpListener, String) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(16 * 1024).unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(8).unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    (listener, origin)
}

#[tokio::test]
async fn an_upload_in_steady_motion_is_not_cut() {
    const SIZE: usize = 16 * 1024 * 1024;
    let (listener, origin) = listen();
    let server = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut buffer = vec![0; 256 * 1024];
        let mut read = 0;
        while read < SIZE {
            // Slower than all deadlines: the whole transfer takes more than a second.
            let mut piece = 0;
            while piece < buffer.len() && read + piece < SIZE {
                piece += socket.read(&mut buffer).await.unwrap();
            }
            read += piece;
            sleep(PAUSE).await;
        }
        let _ = socket.write_all(b"HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\n{}").await;
        while socket.read(&mut buffer).await.is_ok_and(|count| count > 0) {}
    });
    let start = std::time::Instant::now();
    let body = "x".repeat(SIZE);
    let reply =
        client(&origin).raw(Method::POST, "/api/v2/atlas/documents").json(&body).send().await.unwrap();
    assert_eq!(reply.status, 201);
    assert!(
        start.elapsed() > Duration::from_secs(1),
        "the transfer was too fast to test anything: {:?}",
        start.elapsed()
    );
    server.abort();
}

#[tokio::test]
async fn an_upload_that_stands_still_is_cut() {
    let (listener, origin) = listen();
    let server = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut buffer = vec![0; 64 * 1024];
        let _ = socket.read(&mut buffer).await;
        std::future::pending::<()>().await;
    });
    let body = "x".repeat(16 * 1024 * 1024);
    let upload = client(&origin).raw(Method::POST, "/api/v2/atlas/documents").json(&body).send();
    let error = tokio::time::timeout(Duration::from_secs(60), upload).await.expect("it hangs").unwrap_err();
    assert_eq!(error.kind(), Kind::Timeout);
    server.abort();
}

#[tokio::test]
async fn a_download_in_steady_motion_is_not_cut() {
    let (listener, origin) = listen();
    let server = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut buffer = vec![0; 64 * 1024];
        let _ = socket.read(&mut buffer).await;
        let size = 60 * 20_000;
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {size}\r\n\r\n");
        socket.write_all(head.as_bytes()).await.unwrap();
        for _ in 0..60 {
            socket.write_all(&[b'1'; 20_000]).await.unwrap();
            sleep(PAUSE).await;
        }
    });
    let reply = client(&origin).raw(Method::GET, "/api/v2/atlas/export").send().await.unwrap();
    assert_eq!(reply.body.len(), 60 * 20_000);
    server.abort();
}

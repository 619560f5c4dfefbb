//! Calls and websockets through a proxy, which opens a tunnel for what is encrypted.

use crate::{
    calls::get,
    tls::{acceptor, assert_greeted, authority, serve, trusting},
};
use capecrypto_auth::Environment;
use capecrypto_rest::{Client, Kind, Outcome, Timeouts};
use std::{sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
    sync::Mutex,
};

/// The heads of the requests that a proxy got.
type Heads = Arc<Mutex<Vec<String>>>;

/// Reads the head of a request for a tunnel, and opens the tunnel.
async fn tunnel(mut socket: impl AsyncRead + AsyncWrite + Unpin, heads: Heads) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(socket.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    let address = head.split(' ').nth(1).unwrap().replace("localhost", "127.0.0.1");
    heads.lock().await.push(head);
    let mut behind = TcpStream::connect(address).await.unwrap();
    socket.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.unwrap();
    let _ = copy_bidirectional(&mut socket, &mut behind).await;
}

#[tokio::test]
async fn calls_and_websockets_reach_the_server_through_a_tunnel_that_sees_no_key() {
    let authority = authority("trusted");
    let server = serve(&authority, "localhost", 2090).await;
    for scheme in ["http", "https"] {
        let acceptor = acceptor(&authority, "localhost", 2090);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let heads = Heads::default();
        let (seen, encrypted) = (heads.clone(), scheme == "https");
        let proxy = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (acceptor, seen) = (acceptor.clone(), seen.clone());
                tokio::spawn(async move {
                    if encrypted {
                        tunnel(acceptor.accept(socket).await.unwrap(), seen).await;
                    } else {
                        tunnel(socket, seen).await;
                    }
                });
            }
        });
        let client = trusting(&server, &authority)
            .proxy(format!("{scheme}://user:p%40ss@localhost:{port}"))
            .build()
            .unwrap();
        assert_eq!(client.send(get("7")).await.unwrap().id, 7);
        assert_greeted(&client).await;
        let heads = heads.lock().await;
        assert_eq!(heads.len(), 2, "{scheme}");
        for head in &*heads {
            let host = server.origin.strip_prefix("https://").unwrap();
            assert!(head.starts_with(&format!("CONNECT {host} HTTP/1.1\r\n")), "{head}");
            assert!(head.contains("\r\nProxy-Authorization: Basic dXNlcjpwQHNz\r\n"), "{head}");
            assert!(!head.contains("a-real-key") && !head.to_lowercase().contains("user-agent"), "{head}");
        }
        proxy.abort();
    }
}

#[tokio::test]
async fn a_tunnel_that_is_not_opened_is_no_connection_and_nothing_goes_around_it() {
    let authority = authority("trusted");
    let server = serve(&authority, "localhost", 2090).await;
    for (answer, cause) in [
        (Some("HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n"), "authorization"),
        (Some("HTTP/1.1 503 Service Unavailable\r\n\r\n"), "tunnel"),
        (Some("SSH-2.0-OpenSSH\r\n"), "tunnel"),
        (Some(""), "tunnel"),
        (None, "in time"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let proxy = tokio::spawn(async move {
            let mut silent = Vec::new();
            while let Ok((mut socket, _)) = listener.accept().await {
                let _ = socket.read(&mut [0; 1024]).await;
                match answer {
                    Some(answer) => drop(socket.write_all(answer.as_bytes()).await),
                    None => silent.push(socket),
                }
            }
        });
        let client = trusting(&server, &authority)
            .proxy(format!("http://user:canary@localhost:{port}"))
            .timeouts(Timeouts::default().connect(Duration::from_millis(200)))
            .build()
            .unwrap();
        let error = client.send(get("7")).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (Kind::Connect, Outcome::NotSent), "{error}");
        assert!(error.to_string().contains(cause), "{cause}: {error}");
        assert!(!format!("{error} {error:?} {client:?}").contains("canary"));
        proxy.abort();
    }
    assert_eq!(server.requests(), 0);
}

#[tokio::test]
async fn tls_that_is_never_answered_is_no_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("https://{}", listener.local_addr().unwrap());
    // The system opens the connection, and nobody answers on it.
    let client = Client::builder(Environment::at(&origin).unwrap())
        .credentials(crate::calls::credentials())
        .add_root_pem(authority("ours").pem())
        .timeouts(Timeouts::default().connect(Duration::from_millis(200)))
        .build()
        .unwrap();
    let error = client.send(get("7")).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::Connect, Outcome::NotSent), "{error}");
    assert!(error.to_string().contains("in time"), "{error}");
}

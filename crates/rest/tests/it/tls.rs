//! TLS against a server on this machine, with certificates made for the test.

use crate::calls::{ORDER, get};
use capecrypto_auth::{Credentials, Environment};
use capecrypto_rest::{Builder, Client, Kind, Outcome, Upgrade};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::ring, pki_types::PrivateKeyDer, version},
};

pub(crate) struct Server {
    pub(crate) origin: String,
    /// Number of requests whose head could be read, so that a key was exposed.
    requests: Arc<AtomicU32>,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    pub(crate) fn requests(&self) -> u32 {
        self.requests.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(crate) fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// Accepts TLS with a certificate for this name, valid until this year.
pub(crate) fn acceptor(
    authority: &CertifiedIssuer<'static, KeyPair>,
    name: &str,
    last_year: i32,
) -> TlsAcceptor {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(last_year, 1, 1);
    let certificate = params.signed_by(&key, authority).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&version::TLS13, &version::TLS12])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

pub(crate) async fn serve(
    authority: &CertifiedIssuer<'static, KeyPair>,
    name: &str,
    last_year: i32,
) -> Server {
    let acceptor = acceptor(authority, name, last_year);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    let requests = Arc::new(AtomicU32::new(0));
    let counter = requests.clone();
    let task = tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let Ok(mut socket) = acceptor.accept(socket).await else { continue };
            let mut buffer = [0; 4096];
            let Ok(count @ 1..) = socket.read(&mut buffer).await else { continue };
            counter.fetch_add(1, Ordering::SeqCst);
            let answer = if String::from_utf8_lossy(&buffer[..count]).contains("upgrade") {
                "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\nhello"
                    .to_owned()
            } else {
                format!(
                    "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{ORDER}",
                    ORDER.len()
                )
            };
            socket.write_all(answer.as_bytes()).await.unwrap();
            socket.flush().await.unwrap();
            if answer.starts_with("HTTP/1.1 101") {
                let _ = socket.read(&mut buffer).await;
            }
        }
    });
    Server { origin, requests, task }
}

pub(crate) fn trusting(server: &Server, trusted: &CertifiedIssuer<'static, KeyPair>) -> Builder {
    Client::builder(Environment::at(&server.origin).unwrap())
        .credentials(Credentials::new("a-real-key", "canary-secret").unwrap())
        .add_root_pem(trusted.pem())
}

fn client(server: &Server, trusted: &CertifiedIssuer<'static, KeyPair>) -> Client {
    trusting(server, trusted).build().unwrap()
}

/// Upgrades, and reads what the server then says.
pub(crate) async fn assert_greeted(client: &Client) {
    let mut upgrade = Upgrade::new(crate::calls::STREAM, "/private");
    upgrade.signed = true;
    upgrade.headers = vec![("connection", "upgrade".to_owned()), ("upgrade", "websocket".to_owned())];
    let (_, mut connection) = client.upgrade(&upgrade).await.unwrap();
    let mut hello = [0; 5];
    connection.read_exact(&mut hello).await.unwrap();
    assert_eq!(&hello, b"hello");
}

#[tokio::test]
async fn calls_and_websockets_reach_a_server_of_a_trusted_root() {
    let authority = authority("trusted");
    let server = serve(&authority, "localhost", 2090).await;
    let client = client(&server, &authority);
    assert_eq!(client.send(get("7")).await.unwrap().id, 7);
    assert_greeted(&client).await;
    assert_eq!(server.requests(), 2);
}

#[tokio::test]
async fn a_wrong_certificate_is_refused_before_a_key_is_shown() {
    let (trusted, foreign) = (authority("trusted"), authority("foreign"));
    for (issuer, name, last_year, cause) in [
        (&foreign, "localhost", 2090, "unknownissuer"),
        (&trusted, "example.com", 2090, "not valid for name"),
        (&trusted, "localhost", 2021, "expired"),
    ] {
        let server = serve(issuer, name, last_year).await;
        let error = client(&server, &trusted).send(get("7")).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (Kind::Connect, Outcome::NotSent), "{error}");
        assert!(error.to_string().to_lowercase().contains(cause), "{cause}: {error}");
        assert_eq!(server.requests(), 0, "{cause}");
    }
}

use crate::calls::{ListOrders, get};
use capecrypto_auth::{Credentials, Environment};
use capecrypto_rest::{Client, Kind, Outcome};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

fn local() -> Environment {
    Environment::local("http://127.0.0.1:9").unwrap()
}

#[test]
fn what_does_not_belong_together_is_not_built() {
    let refused = |builder: capecrypto_rest::Builder| {
        let error = builder.build().unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (Kind::Config, Outcome::NotSent));
        error.to_string()
    };
    let real = Credentials::new("canary", "canary").unwrap();
    assert!(refused(Client::builder(local()).credentials(real)).contains("plain http"));
    let sandbox = Credentials::new("sandbox_canary", "canary").unwrap();
    assert!(refused(Client::builder(Environment::live()).credentials(sandbox)).contains("sandbox"));
    for bad in ["", "a\r\nb", "é", "a\tb"] {
        assert!(refused(Client::builder(local()).user_agent(bad)).contains("user_agent"));
    }
    let proxy = refused(Client::builder(local()).proxy("canary:canary@"));
    assert!(proxy.contains("proxy") && !proxy.contains("canary"), "{proxy}");
    for bad in [std::time::Duration::ZERO, std::time::Duration::MAX] {
        let timeouts = capecrypto_rest::Timeouts::default().attempt(bad);
        assert!(refused(Client::builder(local()).timeouts(timeouts)).contains("timeouts"));
    }
    assert!(refused(Client::builder(local()).add_root_pem("garbage")).contains("root certificate"));
    let https = || Client::builder(Environment::at("https://localhost:9").unwrap());
    assert!(refused(https().add_root_pem("not a certificate")).contains("root certificate"));
    let broken = "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n";
    assert!(refused(https().add_root_pem(broken)).contains("root certificate"));
}

#[tokio::test]
async fn a_signed_call_without_credentials_does_not_leave() {
    let client = Client::builder(local()).build().unwrap();
    let error = client.send(get("7")).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome(), error.attempts()), (Kind::Config, Outcome::NotSent, 0));
    assert!(error.to_string().contains("credentials"), "{error}");
}

#[tokio::test]
async fn an_invalid_argument_does_not_leave() {
    let client = Client::builder(local()).credentials(crate::calls::credentials()).build().unwrap();
    let error = client.send(get("..")).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.outcome(), error.attempts()),
        (Kind::InvalidArgument, Outcome::NotSent, 0)
    );
    let mut items = client.items(ListOrders::default());
    assert_eq!(items.try_next().await.unwrap_err().kind(), Kind::Connect, "a good list request is sent");
}

#[tokio::test]
async fn requests_go_through_the_proxy_that_was_given() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = format!("http://user:canary@{}", listener.local_addr().unwrap());
    let seen = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut buffer = [0; 4096];
        let count = socket.read(&mut buffer).await.unwrap();
        socket
            .write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n")
            .await
            .unwrap();
        String::from_utf8_lossy(&buffer[..count]).into_owned()
    });
    let client =
        Client::builder(local()).credentials(crate::calls::credentials()).proxy(proxy).build().unwrap();
    let error = client.send(get("7")).await.unwrap_err();
    let seen = seen.await.unwrap();
    assert!(seen.starts_with("GET http://127.0.0.1:9/api/v2/atlas/market/orders/7 HTTP/1.1"), "{seen}");
    assert!(seen.contains("\r\nproxy-authorization: Basic dXNlcjpjYW5hcnk=\r\n"), "{seen}");
    assert_eq!((error.kind(), error.status()), (Kind::Unexpected, Some(407)));
    assert!(!format!("{error:?} {client:?}").contains("canary"));
}

#[tokio::test]
async fn plain_text_on_a_tls_port_is_no_connection_and_no_credentials_leave() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let environment = Environment::at(&format!("https://{}", listener.local_addr().unwrap())).unwrap();
    let seen = tokio::spawn(async move {
        let mut all = Vec::new();
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut buffer = [0; 4096];
            let count = socket.read(&mut buffer).await.unwrap();
            all.extend_from_slice(&buffer[..count]);
            let _ = socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await;
            if all.len() > 3 * count - 1 {
                break;
            }
        }
        all
    });
    // Adds a root certificate, because some machines have none.
    let client = Client::builder(environment)
        .credentials(crate::calls::credentials())
        .add_root_pem(crate::tls::authority("ours").pem())
        .build()
        .unwrap();
    let error = client.send(get("7")).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::Connect, Outcome::NotSent));
    let sent = String::from_utf8_lossy(&seen.await.unwrap()).into_owned();
    assert!(!sent.contains("canary") && !sent.contains("GET"), "{sent}");
}

#[tokio::test]
async fn a_proxy_that_cannot_be_used_is_refused_and_nothing_goes_around_it() {
    for bad in [
        "socks://127.0.0.1:9",
        "socks5://127.0.0.1:9",
        "socks5h://127.0.0.1:9",
        "ftp://127.0.0.1:9",
        "htpp://127.0.0.1:9",
        "tcp://127.0.0.1:9",
        "ws://127.0.0.1:9",
        "nonsense",
        "127.0.0.1:9",
        "localhost:9",
        "",
        "http:127.0.0.1:9",
        "http:///127.0.0.1:9",
        "http://",
        "http://:9",
        "http://127.0.0.1:9/path",
        "http://127.0.0.1:9?canary",
        "http://127.0.0.1:99999",
        "http://127.0.0.1:",
        "http://127.0.0.1:9#canary",
        "http://canary@",
        "http://user:can ary@127.0.0.1:9",
    ] {
        let error = Client::builder(local()).proxy(bad).build().unwrap_err();
        assert_eq!(error.kind(), Kind::Config, "{bad}");
        assert!(error.to_string().contains("proxy") && !error.to_string().contains("canary"), "{error}");
    }
    for good in ["http://127.0.0.1:9", "https://user:canary@localhost:9/", "http://[::1]:9"] {
        Client::builder(local()).proxy(good).build().unwrap();
    }
    let live = Client::builder(Environment::live()).add_root_pem(crate::tls::authority("ours").pem());
    live.proxy("http://proxy.example.com:3128").build().unwrap();
}

#[test]
fn keys_of_the_sandbox_do_not_leave_this_machine_through_a_proxy() {
    for remote in ["http://10.0.0.1:3128", "http://proxy.example.com:3128", "http://[2001:db8::1]:3128"] {
        let error = Client::builder(local()).proxy(remote).build().unwrap_err();
        assert!(error.kind() == Kind::Config && error.to_string().contains("this machine"), "{error}");
    }
}

#[test]
fn deadlines_that_contradict_each_other_are_refused_by_name() {
    use std::time::Duration;
    let refused = |timeouts| {
        let error = Client::builder(local()).timeouts(timeouts).build().unwrap_err();
        assert_eq!(error.kind(), Kind::Config);
        error.to_string()
    };
    let timeouts = capecrypto_rest::Timeouts::default();
    let text = refused(timeouts.attempt(Duration::from_secs(5)));
    assert!(text.contains("connect (5s)") && text.contains("attempt (5s)"), "{text}");
    assert!(refused(timeouts.idle(Duration::from_secs(3))).contains("idle (3s)"));
    assert!(refused(timeouts.call(Duration::from_secs(14))).contains("call (14s)"));
    for zero in [timeouts.queue(Duration::ZERO), timeouts.idle(Duration::ZERO)] {
        assert!(refused(zero).contains("zero"));
    }
}

/// A user's signature scheme with a header that HTTP does not allow.
#[derive(Debug)]
struct Scheme(&'static str, &'static str);

impl capecrypto_auth::Sign for Scheme {
    fn sign(&self, _: &capecrypto_auth::ToSign<'_>) -> Vec<capecrypto_auth::SignedHeader> {
        vec![capecrypto_auth::SignedHeader { name: self.0, value: self.1.to_owned().into() }]
    }

    fn rejection(&self, _: u16, _: &str) -> Option<capecrypto_auth::Rejection> {
        None
    }
}

#[tokio::test]
async fn a_signers_header_that_cannot_be_sent_is_an_error() {
    for (name, value) in [("X-Key", "1"), ("x key", "1"), ("", "1"), ("x-key", "a\r\nb"), ("é", "1")] {
        let client =
            Client::builder(local()).signer(std::sync::Arc::new(Scheme(name, value))).build().unwrap();
        let error = client.send(get("7")).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (Kind::Config, Outcome::NotSent), "{name:?}");
        assert!(!error.to_string().contains("a\r"), "{error}");
    }
}

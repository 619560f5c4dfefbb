//! The handshake, and where it goes to, against the description of the websocket.

use capecrypto_auth::{Credentials, Environment};
use capecrypto_models::Period;
use capecrypto_rest::Client;
use capecrypto_stream::{STREAM, Stream};
use capecrypto_testkit::{Streams, assert_no_findings, probe};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::TcpListener,
};

#[test]
fn both_environments_connect_where_the_description_says() {
    let environments = [("current", Environment::live()), ("legacy", Environment::legacy())];
    let have = environments.iter().map(|(id, environment)| {
        let host = environment.origin().as_str().strip_prefix("https://").unwrap();
        (*id, host, environment.path(STREAM))
    });
    assert_no_findings(probe::servers(&Streams::cape(), "STREAM in crates/stream/src/connect.rs", have));
}

/// The path with the query, and the names of the headers, of the first handshake to a server.
async fn handshake(legacy: bool, private: bool) -> (String, Vec<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let environment = Environment::local(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let environment = if legacy { environment.with_legacy_paths() } else { environment };
    let client = Client::builder(environment).credentials(Credentials::new("sandbox_x", "y").unwrap());
    let builder = Stream::builder(client.build().unwrap()).book("btczar").market_trades("btczar").tickers();
    let builder = builder.candles("btczar", Period::OneDay);
    let builder = if private { builder.orders().trades().balances() } else { builder };
    let connecting = tokio::spawn(builder.connect());
    let (socket, _) = listener.accept().await.unwrap();
    let mut lines = BufReader::new(socket).lines();
    let request = lines.next_line().await.unwrap().unwrap();
    let mut headers = Vec::new();
    while let Some(line) = lines.next_line().await.unwrap().filter(|line| !line.is_empty()) {
        headers.push(line.split(':').next().unwrap().to_owned());
    }
    connecting.abort();
    let target = request.strip_prefix("GET ").and_then(|rest| rest.strip_suffix(" HTTP/1.1"));
    (target.unwrap_or_else(|| panic!("{request}")).to_owned(), headers)
}

#[tokio::test]
async fn each_handshake_is_as_described() {
    let streams = Streams::cape();
    for (server, legacy) in [("current", false), ("legacy", true)] {
        for (connection, private) in [("public", false), ("private", true)] {
            let (target, headers) = handshake(legacy, private).await;
            assert!(target.contains("stream="), "{target}");
            let headers = headers.iter().map(String::as_str);
            assert_no_findings(probe::handshake(&streams, server, connection, &target, headers));
        }
    }
}

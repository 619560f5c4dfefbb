//! The websocket against its description, `docs/api/cape.asyncapi.yaml`: topics, requests, and every frame.

use crate::client::{Exchange, Socket, in_time, limit, market};
use capecrypto_sandbox::{Profile, Sandbox};
use capecrypto_testkit::{Body, Connection, Spec, Stream, Streams, assert_no_findings, probe};
use futures_util::StreamExt;
use serde_json::Value;
use std::{collections::BTreeSet, time::Duration};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

/// A socket, and every text that came on it.
struct Listener<'a> {
    connection: &'a Connection,
    socket: Socket,
    texts: Vec<String>,
}

impl Listener<'_> {
    async fn next(&mut self) -> Value {
        let text = self.socket.text().await.expect("the connection ended");
        let frame = serde_json::from_str(&text).unwrap_or_else(|_| Value::from(text.as_str()));
        self.texts.push(text);
        frame
    }

    /// The names in the next confirmation.
    async fn confirmed(&mut self) -> Vec<String> {
        loop {
            let frame = self.next().await;
            assert_eq!(frame.get("error"), None);
            if let Some(names) = frame["success"]["streams"].as_array() {
                return names.iter().map(|name| name.as_str().unwrap().to_owned()).collect();
            }
        }
    }

    /// Waits until a frame of each of these keys came.
    async fn hear(&mut self, keys: &[&str]) {
        let mut missing = keys.to_vec();
        while !missing.is_empty() {
            let frame = self.next().await;
            missing.retain(|key| frame.get(*key).is_none() && frame != *key);
        }
    }

    /// Sends the examples of every request, which must be understood, and one that is not.
    async fn ask(&mut self) {
        for request in &self.connection.requests {
            for (_, example) in &request.examples {
                match &request.body {
                    Body::Word(word) => {
                        self.socket.send(word).await;
                        self.hear(&["pong"]).await;
                    }
                    _ => {
                        self.socket.send(&example.to_string()).await;
                        self.confirmed().await;
                    }
                }
            }
        }
        self.socket.send("{}").await;
        self.hear(&["error"]).await;
    }
}

/// Opens a connection of the description with these topics.
async fn listen<'a>(
    exchange: &Exchange,
    path: &str,
    connection: &'a Connection,
    topics: &[String],
) -> Listener<'a> {
    let names: Vec<_> = topics.iter().map(|name| format!("{}={name}", connection.query[0])).collect();
    let target = format!("{path}{}?{}", connection.address, names.join("&"));
    let target = target.strip_prefix("/api/v2").unwrap();
    let mut headers = exchange.signed("maker");
    headers.retain(|(name, _)| connection.headers.contains(name));
    assert_eq!(headers.len(), connection.headers.len());
    let socket = exchange.socket(target, &headers).await.unwrap();
    Listener { connection, socket, texts: Vec::new() }
}

#[tokio::test]
async fn both_profiles_send_what_the_description_says() {
    let (spec, streams) = (Spec::cape(), Streams::cape());
    for server in &streams.servers {
        let is_legacy = server.id == "legacy";
        let profile = if is_legacy { Profile::Legacy } else { Profile::Docs };
        let pace = Duration::from_millis(20);
        let exchange = Exchange::with(Sandbox::builder().profile(profile).publish_every(pace, pace)).await;
        // The store of books begins with the first order.
        exchange.place("maker", limit("sell", "0.002", "800000")).await;
        let who = format!("the local exchange ({})", server.id);
        let names: Vec<String> = streams.topics.iter().flat_map(Stream::names).collect();
        let mut listeners = Vec::new();
        for connection in &streams.connections {
            let mut listener = listen(&exchange, &server.path, connection, &names).await;
            let confirmed = in_time(listener.confirmed()).await;
            let confirmed = confirmed.iter().map(String::as_str);
            assert_no_findings(probe::confirmed(&streams, &who, &connection.id, confirmed));
            listeners.push(listener);
        }
        exchange.place("taker", market("buy", "0.001")).await;
        let public =
            ["btczar.ob-inc", "btczar.trades", "global.tickers", "btczar.kline-1m", "btczar.kline-1w"];
        let account = ["order", "trade", "balance"];
        for listener in &mut listeners {
            let account = if listener.connection.headers.is_empty() { &[][..] } else { &account };
            // What does not come is a finding below.
            let _late = timeout(Duration::from_secs(5), listener.hear(&[&public, account].concat())).await;
            in_time(listener.ask()).await;
        }
        let sent = listeners.iter().flat_map(|listener| {
            listener.texts.iter().map(|text| (listener.connection.id.as_str(), text.as_str()))
        });
        assert_no_findings(probe::frames(&spec, &streams, &who, is_legacy, sent));
    }
}

#[tokio::test]
async fn a_request_may_be_as_long_as_the_description_says() {
    let streams = Streams::cape();
    let exchange = Exchange::start().await;
    let limits: BTreeSet<_> =
        streams.connections.iter().flat_map(|c| &c.requests).map(|request| request.max_bytes).collect();
    assert_eq!(limits.len(), 1, "all requests have one limit: {limits:?}");
    let limit = limits.first().unwrap().unwrap();
    let mut socket = exchange.public("").await;
    socket.until_confirmed().await;
    for (size, is_read) in [(limit, true), (limit + 1, false)] {
        socket.send(&" ".repeat(size)).await;
        let answer = loop {
            match in_time(socket.0.next()).await.unwrap().unwrap() {
                Message::Ping(_) => {}
                answer => break answer,
            }
        };
        let as_said = match answer {
            Message::Text(_) => is_read,
            Message::Close(frame) => !is_read && u16::from(frame.unwrap().code) == 1009,
            _ => false,
        };
        assert!(
            as_said,
            "{size} bytes; correct x-max-bytes in docs/api/cape.asyncapi.yaml, or the local exchange"
        );
    }
}

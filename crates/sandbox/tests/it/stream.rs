//! The websocket without the book: handshake, subscriptions, private events, heartbeats, limits.

use crate::client::{Exchange, in_time, limit, market, text};
use capecrypto_sandbox::Sandbox;
use futures_util::StreamExt;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::tungstenite::Message;

#[tokio::test]
async fn subscriptions_are_confirmed_in_full_and_private_ones_dropped_silently() {
    let exchange = Exchange::start().await;
    let mut socket =
        exchange.public("?stream=order,btczar.trades&stream=global.tickers&ethzar.trades&x=1").await;
    assert_eq!(
        socket.next().await,
        (
            "success".into(),
            json!({
                "message": "subscribed", "streams": ["btczar.trades", "global.tickers", "ethzar.trades"]
            })
        )
    );
    let (_, streams) = socket.request("subscribe", &["trade", "nozar.trades", "btczar%2Eob-inc"]).await;
    assert_eq!(streams, ["btczar.trades", "global.tickers", "ethzar.trades", "nozar.trades"]);
    let (_, streams) = socket.request("unsubscribe", &["ethzar.trades", "never.was"]).await;
    assert_eq!(streams, ["btczar.trades", "global.tickers", "nozar.trades"]);
    socket.send(r#"{"event":"subscribe","streams":["admin.a.b"]}"#).await;
    let refusal = loop {
        let (topic, payload) = socket.next().await;
        // Skips the tickers, which arrive every few seconds.
        if topic != "global.tickers" {
            break payload;
        }
    };
    assert_eq!(refusal, json!({"message": "cannot subscribe to admin.a.b"}));
    socket.until_confirmed().await;
    // On the private endpoint public names come first.
    let mut private = exchange.private("maker", "?stream=order&stream=btczar.trades&stream=balance").await;
    assert_eq!(private.until_confirmed().await.1, ["btczar.trades", "order", "balance"]);
    let mut empty = exchange.public("").await;
    assert!(empty.until_confirmed().await.1.is_empty());
    let mut twice = exchange.public("?stream=btczar.trades?stream=x.y").await;
    assert!(twice.until_confirmed().await.1.is_empty(), "more than one question mark");
    let mut older = exchange.socket("/stream/anything?stream=btczar.trades", &[]).await.unwrap();
    assert_eq!(older.until_confirmed().await.1, ["btczar.trades"]);
}

#[tokio::test]
async fn bad_frames_are_answered() {
    let exchange = Exchange::start().await;
    let mut socket = exchange.public("").await;
    socket.until_confirmed().await;
    for (frame, answer) in [
        (r#"{"event":"subscribe"}"#, r#"{"error":"No streams provided"}"#),
        (r#"{"event":"subscribe","streams":[]}"#, r#"{"error":"No streams provided"}"#),
        (r#"{"event":"hello","streams":["a.b"]}"#, r#"{"error":"Could not parse Type: Invalid event"}"#),
        (
            r#"{"event":"subscribe","streams":null}"#,
            r#"{"error":"Could not parse message: streams is not a list"}"#,
        ),
        ("ping", "pong"),
    ] {
        socket.send(frame).await;
        assert_eq!(socket.text().await.as_deref(), Some(answer), "{frame}");
    }
    socket.send("{").await;
    assert!(socket.text().await.unwrap().starts_with(r#"{"error":"Could not parse message: "#));
    socket.send(r#"{"event":"subscribe","streams":"btczar.trades"}"#).await;
    assert!(socket.until_confirmed().await.1.is_empty(), "a text is ignored but confirmed");
}

#[tokio::test]
async fn handshakes_are_refused_with_a_body() {
    let exchange = Exchange::start().await;
    let refused = async |headers: &[(String, String)]| {
        exchange.socket("/websocket/private?stream=order", headers).await.err().unwrap()
    };
    assert_eq!(refused(&[]).await.refusal(), "401 authz.invalid_session");
    let mut headers = exchange.signed("maker");
    headers[2].1 = "x".into();
    assert_eq!(refused(&headers).await.refusal(), "401 authz.invalid_signature");
    headers.pop();
    assert_eq!(refused(&headers).await.refusal(), "422 authz.invalid_api_key_headers");
    let mut foreign = exchange.signed("maker");
    foreign.push(("Origin".into(), "https://example.org".into()));
    assert_eq!(refused(&foreign).await.status, 403);
    let plain = exchange.send("GET", "/api/v2/websocket/public", &[], b"").await.unwrap();
    assert_eq!(plain.status, 400);
}

#[tokio::test]
async fn private_events_tell_an_orders_life() {
    let exchange = Exchange::start().await;
    let streams = "?stream=order&stream=trade&stream=balance&stream=btczar.trades";
    let mut maker = exchange.private("maker", streams).await;
    let mut taker = exchange.private("taker", streams).await;
    maker.until_confirmed().await;
    taker.until_confirmed().await;
    let mut order = limit("sell", "0.001", "800000");
    order["custom_order_id"] = json!("mine");
    let id = exchange.place("maker", order).await;
    let pending = maker.next().await;
    assert_eq!((pending.0.as_str(), &pending.1["state"]), ("order", &json!("pending")));
    let balance = maker.next().await.1;
    assert_eq!(
        balance,
        json!({
            "available": "99.99900000", "balance": "100.00000000", "currency": "btc", "locked": "0.00100000",
            "updated_at": balance["updated_at"]
        })
    );
    assert!(balance["updated_at"].as_i64().unwrap() > 1_000_000_000_000, "milliseconds");
    let wait = maker.next().await.1;
    let expected = json!({
        "id": id, "uuid": wait["uuid"], "side": "sell", "ord_type": "limit", "price": "800000.0",
        "avg_price": "0.0", "state": "wait", "market": "btczar", "created_at": wait["created_at"],
        "updated_at": wait["updated_at"], "origin_volume": "0.001", "remaining_volume": "0.001",
        "executed_volume": "0.0", "trades_count": 0, "custom_order_id": "mine"
    });
    assert_eq!(wait, expected);
    assert!(text(&wait["created_at"]).ends_with("+01:00"));

    let bought = exchange.place("taker", market("buy", "0.0004")).await;
    // Per match: own trade, public trade, own order, base balance, quote balance.
    let mut topics = Vec::new();
    let mut frames = Vec::new();
    for _ in 0..5 {
        let (topic, body) = maker.next().await;
        topics.push(topic);
        frames.push(body);
    }
    assert_eq!(topics, ["trade", "btczar.trades", "order", "balance", "balance"]);
    assert_eq!(
        frames[0],
        json!({
            "id": 1, "order_id": id, "price": "800000.0", "amount": "0.0004", "total": "320.0", "market": "btczar",
            "side": "sell", "taker_type": "buy", "fee_currency": "zar", "fee": "0.001", "fee_amount": "0.32",
            "created_at": frames[0]["created_at"], "custom_order_id": "mine"
        })
    );
    let entry = &frames[1]["trades"][0];
    assert_eq!(
        frames[1],
        json!({"trades": [{
            "amount": "0.0004", "date": entry["date"], "price": "800000.0", "taker_type": "buy", "tid": 1
        }]})
    );
    assert!(entry["date"].as_i64().unwrap() < 10_000_000_000, "whole seconds");
    assert_eq!((&frames[2]["state"], &frames[2]["trades_count"]), (&json!("wait"), &json!(1)));
    assert_eq!((&frames[3]["currency"], &frames[3]["balance"]), (&json!("btc"), &json!("99.99960000")));
    assert_eq!((&frames[4]["currency"], &frames[4]["available"]), (&json!("zar"), &json!("50000319.68")));

    let states = async |socket: &mut crate::client::Socket, count: usize| {
        let mut states = Vec::new();
        for _ in 0..count {
            states.push(text(&socket.next_of("order").await["state"]));
        }
        states
    };
    assert_eq!(states(&mut taker, 3).await, ["pending", "wait", "done"]);
    let own = exchange.order_in("taker", bought, |state| state == "done").await;
    assert_eq!(own["trades"][0]["id"], 1);
    exchange.post_as("maker", "/market/orders/cancel", &json!({})).await.expect(201);
    assert_eq!(states(&mut maker, 1).await, ["cancel"]);
    assert_eq!(maker.next_of("balance").await["locked"], "0.00000000");
    // Another account gets no private event.
    let mut stranger = exchange.private("merchant", streams).await;
    stranger.until_confirmed().await;
    exchange.place("maker", limit("sell", "0.001", "900000")).await;
    stranger.send("ping").await;
    assert_eq!(stranger.text().await.as_deref(), Some("pong"));
}

#[tokio::test]
async fn tickers_and_candles_come_at_their_own_pace() {
    let pace = Duration::from_millis(20);
    let exchange = Exchange::with(Sandbox::builder().publish_every(pace, pace)).await;
    exchange.place("maker", limit("sell", "0.001", "800000")).await;
    exchange.place("taker", market("buy", "0.001")).await;
    let mut socket =
        exchange.public("?stream=global.tickers&stream=btczar.kline-15m&stream=ethzar.kline-1m").await;
    let tickers = socket.next_of("global.tickers").await;
    let entry = &tickers["btczar"];
    assert_eq!(entry["last"], "800000.0");
    assert!(entry["at"].is_string() && entry.get("vol").is_none());
    assert_eq!(tickers.as_object().unwrap().len(), 4);
    for _ in 0..2 {
        let candle = socket.next_of("btczar.kline-15m").await;
        let start_s = candle[0].as_i64().unwrap();
        assert_eq!(start_s % 900, 0);
        assert_eq!(candle, json!([start_s, 800_000, 800_000, 800_000, 800_000, 0.001]));
    }
}

#[tokio::test]
async fn a_large_message_is_closed_with_1009() {
    let exchange = Exchange::start().await;
    for size in [513, 70_000, 200_000] {
        let mut socket = exchange.public("").await;
        socket.until_confirmed().await;
        socket.send(&" ".repeat(size)).await;
        assert_eq!(socket.close_code().await, Some(1009), "{size}");
    }
    let mut socket = exchange.public("").await;
    socket.until_confirmed().await;
    let name = "x".repeat(512 - r#"{"event":"subscribe","streams":["a."]}"#.len());
    let frame = format!(r#"{{"event":"subscribe","streams":["a.{name}"]}}"#);
    assert_eq!(frame.len(), 512);
    socket.send(&frame).await;
    assert_eq!(socket.until_confirmed().await.1.len(), 1, "512 bytes are allowed");
}

#[tokio::test]
async fn without_pongs_the_connection_drops() {
    let (ping, drop) = (Duration::from_millis(50), Duration::from_millis(800));
    let exchange = Exchange::with(Sandbox::builder().heartbeat(ping, drop)).await;
    // A client that reads answers pings automatically, and stays connected after the deadline.
    let mut alive = exchange.public("").await;
    let started = Instant::now();
    let mut pings = 0;
    while pings < 10 || started.elapsed() < drop * 3 / 2 {
        match in_time(alive.0.next()).await {
            Some(Ok(Message::Ping(_))) => pings += 1,
            Some(Ok(_)) => {}
            other => panic!("dropped after {pings} pings: {other:?}"),
        }
    }
    // A client that answers each ping with the text `ping` instead of a pong, on the raw connection.
    let mut silent = exchange.public("").await;
    silent.until_confirmed().await;
    let started = Instant::now();
    let stream = silent.0.get_mut();
    let mut received = Vec::new();
    loop {
        assert!(started.elapsed() < drop * 3, "text pings must not keep it alive");
        let mut chunk = [0; 1024];
        match in_time(stream.read(&mut chunk)).await {
            Ok(0) | Err(_) => break,
            Ok(count) => received.extend_from_slice(&chunk[..count]),
        }
        if chunk[..2] == [0x89, 0] {
            // A text of four bytes, masked with zeros. The server may have closed already.
            let _gone = stream.write_all(b"\x81\x84\0\0\0\0ping").await;
        }
    }
    let pongs = received.windows(6).filter(|bytes| bytes == b"\x81\x04pong").count();
    assert!(pongs > 3, "the texts were answered: {received:?}");
    assert!(!received.ends_with(&[0x88, 0]), "there is no close frame");
}

#[tokio::test]
async fn a_slow_reader_is_dropped() {
    let exchange = Exchange::start().await;
    let mut socket = exchange.public("?stream=btczar.trades").await;
    socket.until_confirmed().await;
    // Much more than the system buffers and the queue can hold, while the client does not read.
    let frame = Value::String("x".repeat(256 * 1024)).to_string();
    for _ in 0..600 {
        exchange.control.publish_raw(Some("btczar.trades"), &frame);
        tokio::task::yield_now().await;
    }
    assert_eq!(exchange.control.drop_sockets(), 0, "it was dropped already");
    let mut received = 0;
    while socket.text().await.is_some() {
        received += 1;
    }
    assert!(received < 600, "{received}");
    // Other sockets still work.
    exchange.public("?stream=btczar.trades").await.until_confirmed().await;
}

#[tokio::test]
async fn shutdown_says_goodbye_and_closes_the_door() {
    let exchange = Exchange::start().await;
    let mut socket = exchange.public("").await;
    socket.until_confirmed().await;
    let address = exchange.sandbox.address();
    let (code, ()) = tokio::join!(socket.close_code(), in_time(exchange.sandbox.shutdown()));
    assert_eq!(code, Some(1001));
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

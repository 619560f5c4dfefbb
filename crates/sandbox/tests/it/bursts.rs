//! Many frames at once: they come in one write, whole, in order, to every client; faults within a burst still work.

use crate::client::{Exchange, Socket, in_time, limit};
use capecrypto_sandbox::FrameFault;
use futures_util::{SinkExt, StreamExt};
use std::time::{Duration, Instant};
use tokio::io::AsyncReadExt;
use tokio_tungstenite::tungstenite::Message;

const TOPIC: &str = "btczar.trades";

async fn subscribed(exchange: &Exchange) -> Socket {
    let mut socket = exchange.public(&format!("?stream={TOPIC}")).await;
    socket.until_confirmed().await;
    socket
}

/// Sends these texts to the subscribers of the topic, without giving a connection time to run in between.
fn publish(exchange: &Exchange, texts: impl IntoIterator<Item = impl AsRef<str>>) {
    texts.into_iter().for_each(|text| exchange.control.publish_raw(Some(TOPIC), text.as_ref()));
}

async fn texts(socket: &mut Socket, count: usize) -> Vec<String> {
    let mut texts = Vec::new();
    for _ in 0..count {
        texts.push(socket.text().await.expect("the connection ended"));
    }
    texts
}

#[tokio::test]
async fn the_events_of_many_commands_come_in_one_write() {
    let exchange = Exchange::start().await;
    let mut socket = exchange.public("?stream=btczar.ob-inc").await;
    socket.until_confirmed().await;
    exchange.control.pause_matching();
    for cents in 10..20 {
        let order = limit("sell", "0.001", &format!("8000{cents}"));
        exchange.post_as("maker", "/market/orders", &order).await.expect(201);
    }
    exchange.control.resume_matching();
    let mut chunk = vec![0; 64 * 1024];
    let count = in_time(socket.0.get_mut().read(&mut chunk)).await.unwrap();
    let text = String::from_utf8_lossy(&chunk[..count]);
    assert_eq!(text.matches("btczar.ob-inc").count(), 10, "{text}");
}

#[tokio::test]
async fn a_burst_larger_than_the_buffer_comes_whole_and_in_order() {
    let exchange = Exchange::start().await;
    let mut sockets = [subscribed(&exchange).await, subscribed(&exchange).await];
    // 256 frames fill the queue; the sizes are around every border of a frame's length field and of the write buffer.
    for size in [0, 125, 126, 4_000, 70_000] {
        let burst: Vec<String> = (0..256).map(|number| format!("{number} {}", "x".repeat(size))).collect();
        publish(&exchange, &burst);
        let (first, second) = {
            let [first, second] = &mut sockets;
            // Both read at the same time, so that neither looks like a client that does not read.
            tokio::join!(texts(first, burst.len()), texts(second, burst.len()))
        };
        assert!(first == burst && second == burst, "{size}");
    }
    assert_eq!(exchange.control.drop_sockets(), 2);
}

#[tokio::test]
async fn many_clients_get_every_event_of_a_long_burst() {
    let exchange = Exchange::start().await;
    let mut sockets = Vec::new();
    for _ in 0..100 {
        let mut socket = exchange.public("?stream=btczar.ob-inc").await;
        socket.until_confirmed().await;
        sockets.push(socket);
    }
    exchange.control.pause_matching();
    let orders: u64 = 600;
    let mut first = None;
    for number in 0..orders {
        let order = limit("sell", "0.001", &format!("80{number:04}"));
        exchange.post_as("maker", "/market/orders", &order).await.expect(201);
    }
    exchange.control.resume_matching();
    for socket in &mut sockets {
        let mut sequences = Vec::new();
        for _ in 0..orders {
            sequences.push(socket.next_of("btczar.ob-inc").await["sequence"].as_u64().unwrap());
        }
        let begin = *first.get_or_insert(sequences[0]);
        assert!(sequences.iter().copied().eq(begin..begin + orders), "{sequences:?}");
    }
    assert_eq!(exchange.control.drop_sockets(), sockets.len());
}

#[tokio::test]
async fn faults_within_a_burst_change_only_their_frames() {
    let exchange = Exchange::start().await;
    let mut socket = subscribed(&exchange).await;
    let disturb = |fault| exchange.control.disturb_frames(TOPIC, fault, 1);
    publish(&exchange, ["1"]);
    disturb(FrameFault::Lose);
    publish(&exchange, ["lost", "2"]);
    disturb(FrameFault::Double);
    publish(&exchange, ["3", "4"]);
    disturb(FrameFault::Swap);
    publish(&exchange, ["6", "5", "7"]);
    assert_eq!(texts(&mut socket, 8).await, ["1", "2", "3", "3", "4", "5", "6", "7"]);
}

#[tokio::test]
async fn a_delay_within_a_burst_does_not_hold_the_frames_before_it() {
    let exchange = Exchange::start().await;
    let mut socket = subscribed(&exchange).await;
    publish(&exchange, ["1", "2"]);
    exchange.control.disturb_frames(TOPIC, FrameFault::Delay(600), 1);
    publish(&exchange, ["3", "4"]);
    assert_eq!(texts(&mut socket, 2).await, ["1", "2"]);
    let started = Instant::now();
    assert_eq!(texts(&mut socket, 2).await, ["3", "4"]);
    assert!(started.elapsed() > Duration::from_millis(300), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_throttled_burst_comes_frame_by_frame() {
    let exchange = Exchange::start().await;
    let mut socket = subscribed(&exchange).await;
    exchange.control.throttle_sockets(1_000);
    let burst: Vec<String> = (1..=4).map(|number| number.to_string().repeat(200)).collect();
    publish(&exchange, &burst);
    // Each frame takes 200 ms. If they came together, there would be no time between the first and the last.
    assert_eq!(texts(&mut socket, 1).await, burst[..1]);
    let started = Instant::now();
    assert_eq!(texts(&mut socket, 2).await, burst[1..3]);
    assert!(started.elapsed() > Duration::from_millis(200), "{:?}", started.elapsed());
    exchange.control.clear_faults();
    assert_eq!(texts(&mut socket, 1).await, burst[3..]);
}

#[tokio::test]
async fn pings_are_answered_during_a_burst() {
    let exchange = Exchange::start().await;
    let mut socket = subscribed(&exchange).await;
    for round in 0..20 {
        let burst: Vec<String> = (0..200).map(|number| format!("{round} {number}")).collect();
        socket.send("ping").await;
        in_time(socket.0.send(Message::Ping("here".into()))).await.unwrap();
        publish(&exchange, &burst);
        let (mut got, mut pongs) = (Vec::new(), Vec::new());
        while got.len() < burst.len() || pongs.len() < 2 {
            match in_time(socket.0.next()).await.unwrap().unwrap() {
                Message::Text(text) if text == "pong" => pongs.push("text"),
                Message::Pong(payload) if payload == "here" => pongs.push("protocol"),
                Message::Text(text) => got.push(text.to_string()),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(got, burst);
        pongs.sort_unstable();
        assert_eq!(pongs, ["protocol", "text"]);
    }
    publish(&exchange, ["last"]);
    in_time(socket.0.send(Message::Close(None))).await.unwrap();
    assert_eq!(texts(&mut socket, 1).await, ["last"]);
    let answer = in_time(socket.0.next()).await.unwrap().unwrap();
    assert!(matches!(answer, Message::Close(_)), "{answer:?}");
}

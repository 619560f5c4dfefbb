//! Slow or frozen readers do not delay others; faults of frames.

use crate::client::{Exchange, in_time, limit, text};
use capecrypto_sandbox::{Fault, FaultKind, FrameFault, Role, Sandbox};
use futures_util::{SinkExt, StreamExt};
use rust_decimal::Decimal;
use serde_json::json;
use std::time::{Duration, Instant};
use tokio_tungstenite::tungstenite::Message;

/// Causes a balance event.
fn balance_event(exchange: &Exchange) {
    exchange.control.deposit("maker", "zar", Decimal::ONE).unwrap();
}

#[tokio::test]
async fn a_client_that_does_not_read_holds_nobody_up() {
    let exchange = Exchange::start().await;
    let mut sleepers = Vec::new();
    for _ in 0..3 {
        let mut socket = exchange.private("maker", "?stream=balance").await;
        socket.until_confirmed().await;
        sleepers.push(socket);
    }
    // The throttle makes their writers wait longer than the test takes, as if the client's buffers were full.
    exchange.control.throttle_sockets(1);
    let mut reader = exchange.private("maker", "?stream=balance").await;
    reader.until_confirmed().await;
    let started = Instant::now();
    let events: u32 = 20_000;
    (0..events).for_each(|_| balance_event(&exchange));
    let wanted = exchange.control.ledger().entry("maker", "zar").unwrap().available;
    let mut seen = 0_u32;
    loop {
        let event = reader.next_of("balance").await;
        seen += 1;
        if text(&event["available"]).parse::<Decimal>().unwrap() == wanted {
            break;
        }
    }
    assert_eq!(seen, events, "the one that reads missed nothing");
    // If each batch of 32 events waited 50 ms for the sleepers, this would take half a minute.
    assert!(started.elapsed() < Duration::from_secs(25), "{:?}", started.elapsed());
    assert_eq!(exchange.control.drop_sockets(), 1, "the sleepers were dropped with their queues full");
    drop(sleepers);
}

#[tokio::test]
async fn a_frozen_socket_stays_open_and_says_nothing() {
    let quick = Duration::from_millis(50);
    let exchange = Exchange::with(Sandbox::builder().heartbeat(quick, Duration::from_secs(60))).await;
    let mut socket = exchange.private("maker", "?stream=balance").await;
    socket.until_confirmed().await;
    assert_eq!(exchange.control.freeze_sockets(), 1);
    balance_event(&exchange);
    socket.0.send(Message::Ping("x".into())).await.unwrap();
    // A ping that was already on its way may still arrive.
    let quiet = async {
        while let Some(frame) = socket.0.next().await {
            match frame.unwrap() {
                Message::Ping(_) => {}
                other => panic!("{other:?} from a socket that is dead"),
            }
        }
        panic!("it was closed");
    };
    assert!(tokio::time::timeout(Duration::from_millis(400), quiet).await.is_err());
    // New sockets work.
    let mut other = exchange.private("maker", "?stream=balance").await;
    other.until_confirmed().await;
    balance_event(&exchange);
    other.next_of("balance").await;
    assert_eq!(exchange.control.drop_sockets(), 1, "the frozen one is not counted");
    in_time(exchange.sandbox.shutdown()).await;
}

#[tokio::test]
async fn frames_are_lost_doubled_swapped_and_late_as_told() {
    let exchange = Exchange::start().await;
    let mut socket = exchange.private("maker", "?stream=balance&stream=order").await;
    socket.until_confirmed().await;
    let begin = exchange.control.ledger().entry("maker", "zar").unwrap().available;
    let disturb = |fault, times| exchange.control.disturb_frames("balance", fault, times);
    let mut got = async |events: u32, frames: usize| {
        (0..events).for_each(|_| balance_event(&exchange));
        let mut steps = Vec::new();
        for _ in 0..frames {
            let event = socket.next_of("balance").await;
            steps.push((text(&event["available"]).parse::<Decimal>().unwrap() - begin).to_string());
        }
        steps.iter().map(|step| step.trim_end_matches(['0', '.']).to_owned()).collect::<Vec<_>>().join(" ")
    };
    disturb(FrameFault::Lose, 2);
    assert_eq!(got(3, 1).await, "3");
    disturb(FrameFault::Double, 1);
    assert_eq!(got(2, 3).await, "4 4 5");
    disturb(FrameFault::Swap, 1);
    assert_eq!(got(3, 3).await, "7 6 8");
    disturb(FrameFault::Delay(300), 1);
    let started = Instant::now();
    assert_eq!(got(1, 1).await, "9");
    assert!(started.elapsed() >= Duration::from_millis(300));
    // The same over HTTP; the default of `times` is 1.
    let headers = [("Content-Type".to_owned(), "application/json".to_owned())];
    let door =
        async |body: &str| exchange.send("POST", "/sandbox/frames", &headers, body.as_bytes()).await.unwrap();
    door(r#"{"topic":"balance","kind":"lose"}"#).await.expect(200);
    assert_eq!(got(2, 1).await, "11");
    assert_eq!(
        door(r#"{"topic":"balance","kind":"delay"}"#).await.refusal(),
        "422 sandbox.control.invalid_request"
    );
    disturb(FrameFault::Lose, 100);
    exchange.control.clear_faults();
    assert_eq!(got(1, 1).await, "12");
}

#[tokio::test]
async fn a_lost_order_event_is_still_in_the_list() {
    let exchange = Exchange::start().await;
    let mut socket = exchange.private("maker", "?stream=order").await;
    socket.until_confirmed().await;
    exchange.control.disturb_frames("order", FrameFault::Lose, 2);
    let lost = exchange.place("maker", limit("sell", "0.001", "800000")).await;
    let seen = exchange.place("maker", limit("sell", "0.001", "800000")).await;
    assert_eq!(socket.next_of("order").await["id"], json!(seen));
    let order = exchange.get_as("maker", &format!("/market/orders/{lost}")).await.expect(200);
    assert_eq!(order["state"], "wait");
}

#[tokio::test]
async fn a_throttled_socket_comes_slowly_and_whole() {
    let exchange = Exchange::start().await;
    let mut socket = exchange.private("maker", "?stream=balance").await;
    socket.until_confirmed().await;
    assert_eq!(exchange.control.throttle_sockets(2_000), 1);
    let started = Instant::now();
    (0..10).for_each(|_| balance_event(&exchange));
    let mut bytes = 0;
    for _ in 0..10 {
        bytes += socket.text().await.unwrap().len();
    }
    let least = Duration::from_millis(u64::try_from(bytes / 2).unwrap());
    assert!(started.elapsed() >= least, "{bytes} bytes in {:?}", started.elapsed());
}

#[tokio::test]
async fn too_many_requests_are_answered_with_a_pause_or_without() {
    let exchange = Exchange::start().await;
    for retry_after_s in [Some(7), None] {
        let kind = FaultKind::TooManyRequests { retry_after_s };
        exchange.control.inject(Fault::next(kind).on("POST", "/market/orders"));
        let answer = exchange.post_as("maker", "/market/orders", &limit("sell", "0.001", "800000")).await;
        assert_eq!(answer.status, 429);
        let told = answer.headers.get("retry-after").map(String::as_str);
        assert_eq!(told, retry_after_s.map(|_| "7"));
    }
    let list = exchange.get_as("maker", "/market/orders").await.expect(200);
    assert_eq!(list, json!([]), "nothing was done");
}

#[tokio::test]
async fn a_long_list_does_not_hold_the_exchange() {
    let exchange = Exchange::start().await;
    exchange.control.add_account("clerk", Role::Member).unwrap();
    let line =
        json!({"type": "deposit", "credit_currency": "zar", "description": "x".repeat(200)}).to_string();
    for _ in 0..20_000 {
        exchange.control.add_transaction("clerk", &line).unwrap();
    }
    let mut headers = exchange.signed("clerk");
    headers.push(("Accept".to_owned(), "text/csv".to_owned()));
    let table = exchange.send("GET", "/api/v2/atlas/account/transactions", &headers, b"");
    let control = exchange.control.clone();
    // On another thread, because making the table blocks this one.
    let longest = tokio::task::spawn_blocking(move || {
        let (started, mut longest) = (Instant::now(), Duration::ZERO);
        while started.elapsed() < Duration::from_millis(800) {
            let step = Instant::now();
            control.deposit("taker", "zar", Decimal::ONE).unwrap();
            longest = longest.max(step.elapsed());
        }
        longest
    });
    let (table, longest) = tokio::join!(table, longest);
    let (table, longest) = (table.unwrap(), longest.unwrap());
    assert_eq!(table.text.lines().count(), 20_001);
    assert!(longest < Duration::from_millis(100), "a command waited {longest:?}");
}

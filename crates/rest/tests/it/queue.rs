//! Waiting for our own rate limit has an end, and cancellations leave first.

use crate::calls::{CreateOrder, ORDER, client, credentials, get, rate};
use capecrypto_auth::{Clock, Environment};
use capecrypto_rest::{Client, Kind, Outcome, Timeouts};
use std::time::{Duration, Instant};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

async fn exchange() -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(200).set_body_string(ORDER)).mount(&server).await;
    server
}

#[tokio::test]
async fn a_call_that_cannot_leave_in_time_was_not_sent() {
    let server = exchange().await;
    let client = Client::builder(Environment::local(&server.uri()).unwrap())
        .credentials(credentials())
        .rate(rate(1, 1))
        .timeouts(Timeouts::default().queue(Duration::from_millis(300)))
        .build()
        .unwrap();
    client.send(get("7")).await.unwrap();
    let start = Instant::now();
    let error = client.send(CreateOrder::new()).await.unwrap_err();
    assert!(start.elapsed() < Duration::from_millis(900), "{:?}", start.elapsed());
    assert_eq!((error.kind(), error.outcome(), error.attempts()), (Kind::Queue, Outcome::NotSent, 0));
    assert!(error.is_safe_to_retry() && error.to_string().contains("rate"), "{error}");
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

#[tokio::test]
async fn too_many_requests_pause_every_clone() {
    let server = MockServer::start().await;
    let limited = ResponseTemplate::new(429).insert_header("retry-after", "1").set_body_string("Retry later");
    Mock::given(any()).respond_with(limited).up_to_n_times(1).mount(&server).await;
    Mock::given(any()).respond_with(ResponseTemplate::new(200).set_body_string(ORDER)).mount(&server).await;
    let first = client(&server);
    let second = first.clone();
    let start = Instant::now();
    assert_eq!(first.send(CreateOrder::new()).await.unwrap_err().kind(), Kind::RateLimited);
    second.send(get("7")).await.unwrap();
    assert!(start.elapsed() >= Duration::from_secs(1), "{:?}", start.elapsed());
}

#[tokio::test]
async fn whoever_cannot_wait_out_the_pause_is_told_how_long_it_is() {
    let server = MockServer::start().await;
    let limited = ResponseTemplate::new(429).insert_header("retry-after", "30");
    Mock::given(any()).respond_with(limited).mount(&server).await;
    let client = Client::builder(Environment::local(&server.uri()).unwrap())
        .credentials(credentials())
        .timeouts(Timeouts::default().queue(Duration::from_millis(50)))
        .build()
        .unwrap();
    client.send(CreateOrder::new()).await.unwrap_err();
    let error = client.send(CreateOrder::new()).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::Queue, Outcome::NotSent));
    assert!(error.retry_after().unwrap() > Duration::from_secs(25), "{error}");
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

/// A burst uses up the nonces, and the next nonce comes only after the deadline of the call.
#[tokio::test]
async fn a_request_that_gets_its_nonce_too_late_does_not_leave() {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(201).set_body_string(ORDER)).mount(&server).await;
    let (clock, time) = Clock::manual(1_700_000_000_000);
    let ms = Duration::from_millis;
    let timeouts = Timeouts::default().connect(ms(5)).idle(ms(50)).attempt(ms(50)).call(ms(50));
    let client = Client::builder(Environment::local(&server.uri()).unwrap())
        .credentials(credentials())
        .clock(clock)
        .timeouts(timeouts)
        .build()
        .unwrap();
    let mut error = None;
    for _ in 0..10_000 {
        let turning = time.clone();
        let turn = tokio::spawn(async move {
            tokio::time::sleep(ms(300)).await;
            turning.advance(Duration::from_secs(60));
        });
        let sent = client.send(CreateOrder::new()).await;
        turn.abort();
        match sent {
            Ok(_) => {}
            // A busy machine may not answer within the deadline.
            Err(slow) if slow.outcome() == Outcome::Unknown => {}
            Err(failed) => {
                error = Some(failed);
                break;
            }
        }
    }
    let error = error.expect("the nonces are used up");
    assert_eq!((error.kind(), error.outcome()), (Kind::Timeout, Outcome::NotSent), "{error}");
}

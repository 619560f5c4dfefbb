use crate::calls::{CancelOrder, CreateOrder, ORDER, client, credentials, get, rate};
use capecrypto_auth::Environment;
use capecrypto_rest::{Client, Kind, Outcome, Timeouts};
use std::time::{Duration, Instant};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

/// A server that answers with each status in turn, then with success.
async fn failing(statuses: &[u16]) -> MockServer {
    let server = MockServer::start().await;
    for status in statuses {
        Mock::given(any()).respond_with(ResponseTemplate::new(*status)).up_to_n_times(1).mount(&server).await;
    }
    Mock::given(any()).respond_with(ResponseTemplate::new(200).set_body_string(ORDER)).mount(&server).await;
    server
}

async fn requests(server: &MockServer) -> usize {
    server.received_requests().await.unwrap().len()
}

#[tokio::test]
async fn reads_and_idempotent_writes_are_tried_three_times() {
    for status in [500, 502, 503, 504] {
        let server = failing(&[status, status]).await;
        let reply = client(&server).reply(get("7")).await.unwrap();
        assert_eq!((reply.attempts, requests(&server).await), (3, 3), "{status}");
        let server = failing(&[status, status, status]).await;
        let error = client(&server).send(get("7")).await.unwrap_err();
        assert_eq!((error.attempts(), requests(&server).await), (3, 3), "{status}");
        let server = failing(&[status]).await;
        client(&server).send(CancelOrder { id: "7".to_owned() }).await.unwrap();
        assert_eq!(requests(&server).await, 2);
    }
}

#[tokio::test]
async fn a_write_leaves_once_whatever_comes_back() {
    for status in [408, 429, 500, 502, 503, 504] {
        let server = failing(&[status]).await;
        client(&server).send(CreateOrder::new()).await.unwrap_err();
        assert_eq!(requests(&server).await, 1, "{status}");
    }
}

#[tokio::test]
async fn what_an_earlier_attempt_may_have_done_stays_in_doubt() {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(502)).up_to_n_times(1).mount(&server).await;
    let refusal = ResponseTemplate::new(401).set_body_string(r#"{"errors":["authz.apikey_not_active"]}"#);
    Mock::given(any()).respond_with(refusal).mount(&server).await;
    let error = client(&server).send(CancelOrder { id: "7".to_owned() }).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome(), error.attempts()), (Kind::Auth, Outcome::Unknown, 2));
}

#[tokio::test]
async fn waiting_for_our_own_limiter_never_makes_an_unknown_of_a_refusal() {
    let server = MockServer::start().await;
    let refusal = ResponseTemplate::new(401).set_body_string(r#"{"errors":["authz.nonce_expired"]}"#);
    Mock::given(any()).respond_with(refusal).mount(&server).await;
    let client = Client::builder(Environment::local(&server.uri()).unwrap())
        .credentials(credentials())
        .rate(rate(1, 1))
        .timeouts(
            Timeouts::default()
                .connect(Duration::from_millis(500))
                .attempt(Duration::from_millis(900))
                .call(Duration::from_millis(900)),
        )
        .build()
        .unwrap();
    let error = client.send(CreateOrder::new()).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome(), requests(&server).await), (Kind::Auth, Outcome::Refused, 1));
}

#[tokio::test]
async fn refusals_are_not_tried_again() {
    for status in [400, 401, 403, 404, 422] {
        let server = failing(&[status]).await;
        client(&server).send(get("7")).await.unwrap_err();
        assert_eq!(requests(&server).await, 1, "{status}");
    }
}

#[tokio::test]
async fn every_attempt_has_its_own_nonce_and_signature() {
    let server = failing(&[500, 500]).await;
    client(&server).send(get("7")).await.unwrap();
    let requests = server.received_requests().await.unwrap();
    for name in ["x-auth-nonce", "x-auth-signature"] {
        let mut values: Vec<_> = requests.iter().map(|request| request.headers[name].clone()).collect();
        values.dedup();
        assert_eq!(values.len(), 3, "{name}");
    }
}

#[tokio::test]
async fn retry_after_is_waited_for_up_to_a_minute() {
    let limited = |wait: &str| {
        ResponseTemplate::new(429).insert_header("retry-after", wait).set_body_string("Retry later")
    };
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(limited("1")).up_to_n_times(1).mount(&server).await;
    Mock::given(any()).respond_with(ResponseTemplate::new(200).set_body_string(ORDER)).mount(&server).await;
    let start = Instant::now();
    client(&server).send(get("7")).await.unwrap();
    let waited = start.elapsed();
    assert!(waited >= Duration::from_secs(1) && waited < Duration::from_secs(3), "{waited:?}");

    for (value, seconds) in [("61", 61), ("1000000000", 1_000_000_000)] {
        let server = MockServer::start().await;
        Mock::given(any()).respond_with(limited(value)).mount(&server).await;
        let error = client(&server).send(get("7")).await.unwrap_err();
        assert!(error.is_rate_limited());
        assert_eq!((error.retry_after(), error.attempts()), (Some(Duration::from_secs(seconds)), 1));
    }
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(limited("30")).mount(&server).await;
    let error = client(&server).send(CreateOrder::new()).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.attempts()),
        (Kind::RateLimited, 1),
        "a write does not wait and is not retried"
    );
}

#[tokio::test]
async fn in_a_storm_the_load_falls_to_one_attempt_a_call() {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(500)).mount(&server).await;
    let client = client(&server);
    // The budget of 500 pays for 35 retries.
    for _ in 0..100 {
        client.send(get("7")).await.unwrap_err();
    }
    assert_eq!(requests(&server).await, 135);
}

#[tokio::test]
async fn the_rate_is_kept() {
    let server = failing(&[]).await;
    let client = Client::builder(Environment::local(&server.uri()).unwrap())
        .credentials(credentials())
        .rate(rate(20, 1))
        .build()
        .unwrap();
    let start = Instant::now();
    for _ in 0..5 {
        client.clone().send(get("7")).await.unwrap();
    }
    assert!(start.elapsed() >= Duration::from_millis(200), "clones share the rate: {:?}", start.elapsed());
}

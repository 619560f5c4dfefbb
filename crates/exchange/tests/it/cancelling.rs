//! How often a cancellation is sent, and when.

use crate::dec;
use capecrypto_auth::{Credentials, Environment};
use capecrypto_exchange::{public, trading};
use capecrypto_models::Side;
use capecrypto_rest::{Client, Rate, Timeouts};
use std::{
    num::NonZeroU32,
    time::{Duration, Instant},
};
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{any, method},
};

fn builder(server: &MockServer) -> capecrypto_rest::Builder {
    let credentials = Credentials::new("sandbox_x", "y").unwrap();
    Client::builder(Environment::local(&server.uri()).unwrap()).credentials(credentials)
}

#[tokio::test]
async fn cancelling_everything_is_asked_for_once_and_a_part_up_to_three_times() {
    let everything = trading::CancelOrders::everything;
    for (request, sent) in [
        (everything(), 1),
        (trading::CancelOrders::in_market("btczar"), 3),
        (everything().side(Side::Buy), 3),
    ] {
        let server = MockServer::start().await;
        Mock::given(any()).respond_with(ResponseTemplate::new(502)).mount(&server).await;
        let error = builder(&server).build().unwrap().send(request.clone()).await.unwrap_err();
        assert_eq!(server.received_requests().await.unwrap().len(), sent, "{request:?}");
        assert_eq!(error.is_safe_to_retry(), sent == 3, "{request:?}");
    }
}

#[tokio::test]
async fn a_cancellation_does_not_stand_in_line_behind_reads() {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(200).set_body_string("[]")).mount(&server).await;
    let count = |number| NonZeroU32::new(number).unwrap();
    let client = builder(&server)
        .rate(Rate { per_second: count(2), burst: count(1) })
        .timeouts(Timeouts::default().queue(Duration::from_secs(5)))
        .build()
        .unwrap();
    client.send(public::ListMarkets::new()).await.unwrap();
    let reads: Vec<_> = (0..6)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.send(public::ListMarkets::new()).await })
        })
        .collect();
    tokio::task::yield_now().await;
    let start = Instant::now();
    client.send(trading::CancelOrders::in_market("btczar")).await.unwrap();
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    reads.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn an_order_is_sent_once_whatever_a_gateway_says() {
    for status in [400, 409, 460, 502] {
        let server = MockServer::start().await;
        let gone = ResponseTemplate::new(status).set_body_string(r#"{"error":"upstream gone"}"#);
        Mock::given(method("POST")).respond_with(gone).mount(&server).await;
        let order = trading::CreateOrder::limit("btczar", Side::Buy, dec("1"), dec("1"));
        let error = builder(&server).build().unwrap().send(order).await.unwrap_err();
        assert!(error.is_outcome_unknown() && !error.is_safe_to_retry(), "{status}: {error}");
        assert_eq!(server.received_requests().await.unwrap().len(), 1, "{status}");
    }
}

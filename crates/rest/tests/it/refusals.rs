//! What an answer proves: whether a write or its nonce was refused, and what an error keeps to find out more.

use crate::calls::{CancelOrder, CreateOrder, ORDER, client, credentials, get};
use capecrypto_auth::{Environment, Rejection, Sign, SignedHeader, ToSign};
use capecrypto_rest::{Client, Error, Kind, Outcome, Reply};
use http::Method;
use std::sync::Arc;
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

async fn answering(status: u16, body: impl Into<Vec<u8>>) -> MockServer {
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(status).set_body_bytes(body);
    Mock::given(any()).respond_with(answer).mount(&server).await;
    server
}

async fn placed(status: u16, body: impl Into<Vec<u8>>) -> Error {
    client(&answering(status, body).await).send(CreateOrder::new()).await.unwrap_err()
}

async fn requests(server: &MockServer) -> usize {
    server.received_requests().await.unwrap().len()
}

#[tokio::test]
async fn a_write_is_sent_again_only_where_a_refused_nonce_is_all_that_the_answer_says() {
    let server = answering(401, r#"{"errors":["authz.nonce_expired"]}"#).await;
    let error = client(&server).send(CreateOrder::new()).await.unwrap_err();
    assert_eq!((error.attempts(), requests(&server).await), (2, 2), "only this answer is a proof");
    for (status, body) in [
        (401, r#"{"errors":["authz.nonce_expired","market.order.create_error"]}"#),
        (401, r#"{"errors":["authz.nonce_expired","authz.nonce_expired"]}"#),
        (401, r#"{"errors":["authz.nonce_expired"],"id":7}"#),
        (401, r#"{"errors":"authz.nonce_expired"}"#),
        (401, r#"{"error":{"message":"authz.nonce_expired"}}"#),
        (401, r#"{"errors":["authz.invalid_signature"]}"#),
        (403, r#"{"errors":["authz.nonce_expired"]}"#),
        (422, r#"{"errors":["authz.nonce_expired"]}"#),
        (500, r#"{"errors":["authz.nonce_expired"]}"#),
        (200, r#"{"errors":["authz.nonce_expired"]}"#),
    ] {
        let server = answering(status, body).await;
        let error = client(&server).send(CreateOrder::new()).await.unwrap_err();
        assert_eq!((error.attempts(), requests(&server).await), (1, 1), "{status} {body}");
    }
}

/// A signature scheme that treats every refusal as a refused nonce.
#[derive(Debug)]
struct Eager;

impl Sign for Eager {
    fn sign(&self, _: &ToSign<'_>) -> Vec<SignedHeader> {
        Vec::new()
    }

    fn rejection(&self, _: u16, _: &str) -> Option<Rejection> {
        Some(Rejection::Expired)
    }
}

#[tokio::test]
async fn no_scheme_can_widen_the_proof() {
    for (status, body, sent) in [
        (401, r#"{"errors":["any.code"]}"#, 2),
        (401, r#"{"errors":["any.code","other.code"]}"#, 1),
        (403, r#"{"errors":["any.code"]}"#, 1),
    ] {
        let server = answering(status, body).await;
        let builder = Client::builder(Environment::local(&server.uri()).unwrap());
        let client = builder.signer(Arc::new(Eager)).build().unwrap();
        client.send(CreateOrder::new()).await.unwrap_err();
        assert_eq!(requests(&server).await, sent, "{status} {body}");
    }
}

#[tokio::test]
async fn what_carried_no_signature_is_not_signed_afresh() {
    let server = answering(401, r#"{"errors":["authz.nonce_expired"]}"#).await;
    let request = client(&server).raw(Method::POST, "/api/v2/atlas/market/orders").unsigned();
    request.send().await.unwrap_err();
    assert_eq!(requests(&server).await, 1);
}

#[tokio::test]
async fn on_422_and_404_any_errors_are_the_exchanges_word() {
    for (body, codes) in [
        (r#"{"errors":["market.order.invalid_side"]}"#, 1),
        (r#"{"errors":["value"]}"#, 1),
        (r#"{"error":{"code":2002,"message":"Failed to create order. Reason: balance too small"}}"#, 2),
        (r#"{"error":{"code":"","message":"volume is too small"}}"#, 1),
        (r#"{"error":{"code":null,"message":"volume is too small"}}"#, 1),
        (r#"{"errors":null,"error":"price is invalid"}"#, 1),
        (r#"{"errors":[2002]}"#, 1),
        (r#"{"errors":[]}"#, 0),
    ] {
        let error = placed(422, body).await;
        assert_eq!((error.kind(), error.outcome()), (Kind::Refused, Outcome::Refused), "{body}");
        assert_eq!(error.codes().len(), codes, "{body}");
        let error = placed(404, body).await;
        assert!(error.is_not_found() && error.outcome() == Outcome::Refused, "{body}");
    }
    for body in ["", "[]", "null", r#"{"message":"gone"}"#, "<html></html>", "Retry later"] {
        for status in [404, 422] {
            assert_eq!(placed(status, body).await.outcome(), Outcome::Unknown, "{status} {body}");
        }
    }
}

#[tokio::test]
async fn a_gateways_word_refuses_no_write() {
    for status in [400, 401, 402, 403, 405, 406, 409, 415, 423, 451, 460] {
        for body in [
            r#"{"error":"upstream gone"}"#,
            r#"{"errors":["upstream gone"]}"#,
            r#"{"errors":["market.order.invalid_side","upstream gone"]}"#,
            r#"{"error":{"code":502,"message":"upstream gone"}}"#,
            r#"{"errors":null}"#,
            "<html></html>",
        ] {
            let error = placed(status, body).await;
            assert_eq!(
                (error.kind(), error.outcome()),
                (Kind::Unexpected, Outcome::Unknown),
                "{status} {body}"
            );
            assert!(!error.is_safe_to_retry());
        }
        let own = placed(status, r#"{"errors":["server.method_not_allowed"]}"#).await;
        assert_eq!(own.outcome(), Outcome::Refused, "{status}");
    }
    let own = placed(415, r#"{"error":"The provided content-type 'text/plain' is not supported."}"#).await;
    assert_eq!((own.kind(), own.outcome()), (Kind::Refused, Outcome::Refused));
}

#[tokio::test]
async fn a_refused_key_is_refused_and_not_worth_another_try() {
    for code in ["authz.unexistent_apikey", "authz.invalid_signature", "authz.restrict.blacklist"] {
        let error = placed(401, format!(r#"{{"errors":["{code}"]}}"#)).await;
        assert_eq!((error.kind(), error.outcome()), (Kind::Auth, Outcome::Refused), "{code}");
        assert!(!error.is_safe_to_retry(), "{code}");
    }
    let error = placed(403, r#"{"errors":["authz.restrict.maintenance"]}"#).await;
    assert_eq!((error.kind(), error.outcome()), (Kind::Maintenance, Outcome::Refused));
    assert!(error.is_safe_to_retry(), "nothing was done, and the cause is temporary");
}

#[tokio::test]
async fn another_try_is_safe_where_nothing_was_done_or_nothing_is_done_twice() {
    let nowhere = Client::builder(Environment::local("http://127.0.0.1:9").unwrap());
    let nowhere = nowhere.credentials(credentials()).build().unwrap();
    assert!(nowhere.send(CreateOrder::new()).await.unwrap_err().is_safe_to_retry(), "not sent");
    assert!(!placed(502, "").await.is_safe_to_retry(), "it may have been done");
    let server = answering(502, "").await;
    assert!(client(&server).send(get("7")).await.unwrap_err().is_safe_to_retry(), "a read");
    assert!(!placed(422, r#"{"errors":["a.b"]}"#).await.is_safe_to_retry(), "it would be refused again");

    // The message says the same.
    let order = placed(502, "").await.to_string();
    assert!(order.ends_with("it may have been done: look it up before sending it again"), "{order}");
    let cancel = client(&server).send(CancelOrder { id: "7".into() }).await.unwrap_err();
    assert_eq!((cancel.outcome(), cancel.is_safe_to_retry()), (Outcome::Unknown, true));
    assert!(cancel.to_string().ends_with("it may have been done, and may be sent again"), "{cancel}");
}

#[tokio::test]
async fn a_mark_before_a_body_is_no_part_of_it() {
    let error = placed(422, "\u{feff}{\"errors\":[\"market.order.invalid_side\"]}").await;
    assert_eq!((error.kind(), error.outcome()), (Kind::Refused, Outcome::Refused));
    let error = placed(401, "\u{feff}{\"errors\":[\"authz.nonce_expired\"]}").await;
    assert_eq!(error.attempts(), 2);
}

#[tokio::test]
async fn a_huge_error_costs_little() {
    let mut body = br#"{"errors":["market.order.create_error""#.to_vec();
    body.extend(b",\"a.b\"".repeat(2_000_000));
    body.extend(b"]}");
    let error = placed(422, body).await;
    assert!(error.body().unwrap().len() <= 64 * 1024);
    assert!(error.codes().len() <= 16 && error.to_string().len() < 2_000, "{}", error.to_string().len());
    let many = format!(r#"{{"errors":[{}"a.b"]}}"#, r#""a.b","#.repeat(5_000));
    let error = placed(422, many).await;
    assert_eq!((error.kind(), error.codes().len()), (Kind::Refused, 16));
    assert!(error.to_string().len() < 300, "{error}");
}

#[tokio::test]
async fn the_body_of_an_answer_that_cannot_be_used_is_at_hand_and_never_printed() {
    for (status, body) in [
        (201, r#"{"id":"canary","market":7}"#),
        (201, r#"{"id":7,"market":"canary"}"#),
        (422, r#"{"error":"canary"}"#),
        (502, "canary"),
    ] {
        let error = placed(status, body).await;
        assert_eq!(error.body().unwrap(), body.as_bytes());
        assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
    }
    let error = placed(200, r#"{"error":"market.order.create_error"}"#).await;
    assert_eq!((error.kind(), error.outcome()), (Kind::Decode, Outcome::Unknown));
    assert!(error.has_code("market.order.create_error"), "a success whose body says it failed");
}

#[tokio::test]
async fn a_reply_has_the_headers() {
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(200).set_body_string(ORDER).insert_header("x-request-id", "42");
    Mock::given(any()).respond_with(answer).mount(&server).await;
    let Reply { headers, status, .. } = client(&server).reply(get("7")).await.unwrap();
    assert_eq!((&headers["X-Request-Id"], status), (&http::HeaderValue::from_static("42"), 200));
}

#[tokio::test]
async fn an_unknown_path_says_where_to_look() {
    let server = answering(404, "404 Not Found").await;
    let error = client(&server).send(get("7")).await.unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains(&format!("{}/api/v2/atlas", server.uri())) && text.contains("environment"),
        "{text}"
    );
}

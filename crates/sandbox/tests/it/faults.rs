//! Faults on request, and the control door over HTTP.

use crate::client::{Answer, Exchange, in_time, limit};
use capecrypto_sandbox::{Fault, FaultKind};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[tokio::test]
async fn the_next_answers_fail_as_told() {
    let exchange = Exchange::start().await;
    exchange.control.fail_next(2, 503, "<html>maintenance</html>", Some("text/html"));
    for _ in 0..2 {
        let answer = exchange.get("/public/markets").await;
        assert_eq!((answer.status, answer.text.as_str()), (503, "<html>maintenance</html>"));
        assert_eq!(answer.headers["content-type"], "text/html");
    }
    assert_eq!(exchange.get("/public/markets").await.status, 200);
    exchange.control.fail_next(1, 471, "", None);
    let order = limit("sell", "0.001", "800000");
    let answer = exchange.post_as("maker", "/market/orders", &order).await;
    assert_eq!((answer.status, answer.text.as_str()), (471, ""));
    assert!(!answer.headers.contains_key("content-type"));
    exchange.control.fail_next(5, 500, "x", None);
    exchange.control.clear_faults();
    assert_eq!(exchange.get_as("maker", "/market/orders").await.expect(200), json!([]), "nothing was done");
}

#[tokio::test]
async fn a_reset_comes_before_or_after_the_write() {
    let exchange = Exchange::start().await;
    let order = limit("sell", "0.001", "800000");
    let orders =
        async || exchange.get_as("maker", "/market/orders").await.expect(200).as_array().unwrap().len();
    for (kind, placed) in [(FaultKind::ResetBeforeApply, 0), (FaultKind::ResetAfterApply, 1)] {
        exchange.control.inject(Fault::next(kind).on("POST", "/market/orders"));
        let broken = exchange.try_post("maker", "/market/orders", &order).await;
        assert!(broken.is_err(), "{broken:?}");
        assert_eq!(orders().await, placed);
    }
}

#[tokio::test]
async fn an_answer_takes_the_place_of_the_calls_own_before_or_after_the_write() {
    let exchange = Exchange::start().await;
    let order = limit("sell", "0.001", "800000");
    let orders =
        async || exchange.get_as("maker", "/market/orders").await.expect(200).as_array().unwrap().len();
    let (body, content_type) = ("<h1>504 Gateway Time-out</h1>".to_owned(), Some("text/html".to_owned()));
    let answer = FaultKind::Answer { status: 504, body: body.clone(), content_type: content_type.clone() };
    let after = FaultKind::AnswerAfterApply { status: 504, body: body.clone(), content_type };
    for (kind, placed) in [(answer, 0), (after, 1)] {
        exchange.control.inject(Fault::next(kind).on("POST", "/market/orders"));
        let answer = exchange.post_as("maker", "/market/orders", &order).await;
        assert_eq!((answer.status, &answer.text), (504, &body));
        assert_eq!(orders().await, placed);
    }
}

#[tokio::test]
async fn a_fault_of_one_key_waits_for_that_key() {
    let exchange = Exchange::start().await;
    let body = json!({"kind": "answer", "status": 502, "api_key": exchange.sandbox.account("maker").unwrap().api_key});
    let headers = [("Content-Type".to_owned(), "application/json".to_owned())];
    let planned =
        exchange.send("POST", "/sandbox/faults", &headers, body.to_string().as_bytes()).await.unwrap();
    planned.expect(200);
    assert_eq!(exchange.get("/public/markets").await.status, 200);
    assert_eq!(exchange.get_as("taker", "/market/orders").await.status, 200);
    assert_eq!(exchange.get_as("maker", "/market/orders").await.status, 502);
    assert_eq!(exchange.get_as("maker", "/market/orders").await.status, 200);
}

#[tokio::test]
async fn a_reset_is_a_reset_and_not_an_end() {
    let exchange = Exchange::start().await;
    exchange.control.inject(Fault::next(FaultKind::ResetBeforeApply));
    let mut stream = tokio::net::TcpStream::connect(exchange.sandbox.address()).await.unwrap();
    stream.write_all(b"GET /api/v2/public/markets HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let error = in_time(stream.read(&mut [0; 16])).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_stall_comes_before_or_after_the_write() {
    let exchange = Exchange::start().await;
    let order = limit("sell", "0.001", "800000");
    for kind in [FaultKind::Delay(600), FaultKind::DelayAfterApply(600)] {
        let after = kind == FaultKind::DelayAfterApply(600);
        exchange.control.inject(Fault::next(kind).on("POST", "/market/orders"));
        let before = exchange.control.ledger();
        let started = Instant::now();
        let post = exchange.post_as("maker", "/market/orders", &order);
        let applied = async {
            // The answer is delayed: see whether the write is applied before it.
            while exchange.control.ledger() == before && started.elapsed() < Duration::from_millis(400) {
                tokio::task::yield_now().await;
            }
            exchange.control.ledger() != before
        };
        let (answer, applied) = tokio::join!(post, applied);
        answer.expect(201);
        assert!(started.elapsed() >= Duration::from_millis(600));
        assert_eq!(applied, after);
    }
}

#[tokio::test]
async fn sockets_drop_without_a_word() {
    let exchange = Exchange::start().await;
    let mut sockets = [exchange.public("").await, exchange.private("maker", "?stream=order").await];
    for socket in &mut sockets {
        socket.until_confirmed().await;
    }
    assert_eq!(exchange.control.drop_sockets(), 2);
    for socket in &mut sockets {
        assert_eq!(socket.close_code().await, None);
    }
    let fault = Fault::next(FaultKind::Answer { status: 502, body: "bad".into(), content_type: None });
    exchange.control.inject(fault.on("GET", "/websocket/public"));
    let refused = exchange.socket("/websocket/public", &[]).await.err().unwrap();
    assert_eq!((refused.status, refused.text.as_str()), (502, "bad"));
    exchange.public("").await.until_confirmed().await;
}

#[tokio::test]
async fn raw_frames_reach_a_topic_or_all() {
    let exchange = Exchange::start().await;
    let mut holder = exchange.public("?stream=btczar.trades").await;
    let mut other = exchange.public("").await;
    holder.until_confirmed().await;
    other.until_confirmed().await;
    exchange.control.publish_raw(Some("btczar.trades"), "{\"half\":");
    exchange.control.publish_raw(None, "to everybody");
    assert_eq!(holder.text().await.as_deref(), Some("{\"half\":"));
    assert_eq!(holder.text().await.as_deref(), Some("to everybody"));
    assert_eq!(other.text().await.as_deref(), Some("to everybody"));
}

/// A request to the control door.
async fn door(exchange: &Exchange, method: &str, path: &str, body: &str) -> Answer {
    exchange.send(method, &format!("/sandbox{path}"), &[], body.as_bytes()).await.unwrap()
}

#[tokio::test]
async fn the_door_does_over_http_what_the_library_does() {
    let exchange = Exchange::start().await;
    let done = async |path: &str, body: Value| {
        assert_eq!(door(&exchange, "POST", path, &body.to_string()).await.expect(200)["ok"], true, "{path}");
    };
    done("/deposit", json!({"account": "maker", "currency": "zar", "amount": "10.25"})).await;
    door(&exchange, "POST", "/deposit", r#"{"account":"maker","currency":"zar","amount":0.50}"#)
        .await
        .expect(200);
    assert_eq!(exchange.balance("maker", "zar").await.0, "50000010.75");
    let ledger = door(&exchange, "GET", "/ledger", "").await.expect(200);
    assert_eq!(ledger["sums_to_zero"], true);
    assert_eq!(ledger["sums"]["zar"], "0.0");
    let entries = ledger["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 6 * 8, "four accounts, fees and outside, in eight currencies");
    let outside = entries.iter().find(|entry| entry["account"] == "outside" && entry["currency"] == "zar");
    assert_eq!(outside.unwrap()["available"], "-200000010.75");
    let before = door(&exchange, "GET", "/clock", "").await.expect(200)["now_ms"].as_i64().unwrap();
    let after = door(&exchange, "POST", "/clock", r#"{"advance_ms":60000}"#).await.expect(200);
    assert!(after["now_ms"].as_i64().unwrap() >= before + 60_000);
    done("/restrict", json!({"account": "taker", "restriction": "no_two_factor"})).await;
    assert_eq!(exchange.get_as("taker", "/market/orders").await.refusal(), "401 authz.disabled_2fa");
    done("/restrict", json!({"account": "taker", "restriction": null})).await;
    done("/faults", json!({"kind": "answer", "status": 429, "body": "Retry later", "times": 1})).await;
    assert_eq!(exchange.get("/public/markets").await.text, "Retry later");
    done("/faults", json!({"kind": "reset_after_apply", "method": "POST", "path": "/market/orders"})).await;
    done("/faults", json!({"kind": "answer_after_apply", "status": 504, "path": "/public/timestamp"})).await;
    assert_eq!(exchange.get("/public/timestamp").await.status, 504);
    done("/faults", json!({"kind": "delay", "delay_ms": 1, "path": "/public/markets"})).await;
    done("/faults/clear", json!({})).await;
    done("/matching/pause", json!({})).await;
    let order = exchange.post_as("maker", "/market/orders", &limit("sell", "0.001", "800000")).await;
    let id = order.expect(201)["id"].as_u64().unwrap();
    assert_eq!(exchange.order_in("maker", id, |_| true).await["state"], "pending");
    done("/matching", json!({"lose_pending_cancels": true})).await;
    done("/matching/resume", json!({})).await;
    exchange.order_in("maker", id, |state| state == "wait").await;
    let mut socket = exchange.public("?stream=btczar.ob-inc").await;
    socket.until_confirmed().await;
    done("/increments", json!({"nested": true, "zero_removals": true})).await;
    done("/markets/btczar/delete_unknown_level", json!({})).await;
    assert_eq!(socket.next().await.1["asks"], json!([["1200001.0", "0"]]));
    done("/markets/btczar/skip_increment", json!({})).await;
    done("/markets/btczar/restart_engine", json!({})).await;
    done("/markets/btczar/forget_snapshot", json!({})).await;
    done("/publish", json!({"topic": "btczar.ob-inc", "frame": "raw"})).await;
    assert_eq!(socket.text().await.as_deref(), Some("raw"));
    assert_eq!(door(&exchange, "POST", "/sockets/drop", "").await.expect(200)["dropped"], 1);
    assert_eq!(socket.close_code().await, None);
}

#[tokio::test]
async fn the_door_refuses_what_it_cannot_do() {
    let exchange = Exchange::start().await;
    let before = exchange.control.ledger();
    for (path, body, refusal) in [
        ("/deposit", "{}", "422 sandbox.control.invalid_request"),
        ("/deposit", r#"{"account":"x","currency":"zar","amount":1}"#, "422 sandbox.control.unknown_account"),
        (
            "/deposit",
            r#"{"account":"maker","currency":"x","amount":1}"#,
            "422 sandbox.control.unknown_currency",
        ),
        (
            "/deposit",
            r#"{"account":"maker","currency":"zar","amount":-1}"#,
            "422 sandbox.control.invalid_amount",
        ),
        (
            "/deposit",
            r#"{"account":"maker","currency":"zar","amount":0.001}"#,
            "422 sandbox.control.invalid_amount",
        ),
        (
            "/deposit",
            r#"{"account":"maker","currency":"zar","amount":1e12}"#,
            "422 sandbox.control.invalid_amount",
        ),
        (
            "/deposit",
            r#"{"account":"maker","currency":"zar","amount":"much"}"#,
            "422 sandbox.control.invalid_amount",
        ),
        ("/markets/nozar/skip_increment", "", "422 sandbox.control.unknown_market"),
        ("/faults", r#"{"kind":"answer","status":99}"#, "422 sandbox.control.invalid_request"),
        ("/faults", r#"{"kind":"delay"}"#, "422 sandbox.control.invalid_request"),
        ("/clock", "null", "422 sandbox.control.invalid_request"),
    ] {
        assert_eq!(door(&exchange, "POST", path, body).await.refusal(), refusal, "{path} {body}");
    }
    assert_eq!(door(&exchange, "GET", "/nothing", "").await.status, 404);
    assert_eq!(door(&exchange, "DELETE", "/ledger", "").await.status, 405);
    let page = [("Origin".to_owned(), "http://127.0.0.1".to_owned())];
    let answer = exchange.send("POST", "/sandbox/sockets/drop", &page, b"").await.unwrap();
    assert_eq!(answer.refusal(), "403 sandbox.control.loopback_only", "web pages are refused");
    assert_eq!(exchange.control.ledger(), before);
    assert!(exchange.control.deposit("maker", "btc", Decimal::new(1, 9)).is_err());
}

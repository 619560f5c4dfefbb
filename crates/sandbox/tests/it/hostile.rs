//! Requests that no client should send: refused with the documented shapes, and nothing changes.

use crate::client::{API, Exchange, in_time, limit};
use capecrypto_sandbox::{NewDeposit, Profile, Sandbox, calls, own_codes};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

#[tokio::test]
async fn routes_methods_and_bodies_are_refused_as_documented() {
    let exchange = Exchange::start().await;
    for path in ["/", "/api/v2/atlas/nothing", "/api/v2/atlas/market/orders/1/2", "/api/v2/persona/users"] {
        let answer = exchange.send("GET", path, &[], b"").await.unwrap();
        assert_eq!((answer.status, answer.text.as_str()), (404, "404 Not Found"), "{path}");
        assert!(!answer.headers.contains_key("content-type"));
    }
    let answer = exchange.send("DELETE", &format!("{API}/market/orders"), &[], b"").await.unwrap();
    let body = r#"{"errors":"server.method_not_allowed"}"#;
    assert_eq!((answer.status, answer.text.as_str()), (405, body));
    let post = async |kind: Option<&str>, body: &[u8]| {
        let mut headers = exchange.signed("maker");
        headers.extend(kind.map(|kind| ("content-type".to_owned(), kind.to_owned())));
        exchange.send("POST", &format!("{API}/market/orders"), &headers, body).await.unwrap()
    };
    let answer = post(Some("application/json"), b"{\"market\":").await;
    let body = r#"{"errors":"server.method.invalid_message_body"}"#;
    assert_eq!((answer.status, answer.text.as_str()), (400, body));
    let answer = post(Some("text/csv"), b"a,b").await;
    let body = r#"{"error":"The provided content-type 'text/csv' is not supported."}"#;
    assert_eq!((answer.status, answer.text.as_str()), (415, body));
    let large = vec![b' '; 64 * 1024 + 1];
    assert_eq!(post(Some("application/json"), &large).await.refusal(), "413 sandbox.request.body_too_large");
    let form = Some("application/x-www-form-urlencoded");
    assert_eq!(post(form, b"\xff\xfe=%zz&side=\xc3").await.status, 422, "a broken form has no parameters");
    assert_eq!(
        post(None, b"market=btczar").await.status,
        400,
        "a body without a content type is read as JSON"
    );
    assert_eq!(post(Some("application/json"), b"\xff\xfe").await.status, 400);
    for body in ["[]", "null", "3", "\"text\"", "{\"market\":{\"a\":[]}}", "{\"volume\":1e999999999}"] {
        let answer = post(Some("application/json"), body.as_bytes()).await;
        assert_eq!(answer.status, 422, "{body}");
    }
    let head = exchange.send("HEAD", &format!("{API}/public/markets"), &[], b"").await.unwrap();
    assert_eq!((head.status, head.text.as_str()), (200, ""));
}

/// Sends bytes unchanged and returns everything that arrives until the server closes.
async fn raw(exchange: &Exchange, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(exchange.sandbox.address()).await.unwrap();
    // The server may close before it has read everything.
    let _cut_off = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let _reset = in_time(stream.read_to_end(&mut answer)).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn broken_http_ends_the_connection_and_nothing_else() {
    let exchange = Exchange::start().await;
    for request in [
        b"\x16\x03\x01\x02\x00\x01\x00".as_slice(),
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /api/v2/atlas/market/orders HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /api/v2/atlas/market/orders HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ] {
        let answer = raw(&exchange, request).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    let long = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(1 << 20));
    let answer = raw(&exchange, long.as_bytes()).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    exchange.get("/public/markets").await.expect(200);
}

#[tokio::test]
async fn random_requests_never_harm() {
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    let exchange = Exchange::with(Sandbox::builder().auth_window(Duration::from_secs(600))).await;
    exchange.place("maker", limit("sell", "0.001", "800000")).await;
    let before = exchange.control.ledger();
    let words = [
        "market",
        "orders",
        "cancel",
        "public",
        "markets",
        "btczar",
        "..",
        "%2e%2e",
        "%00",
        "trades",
        "1",
        "account",
        "balances",
        "zar",
        "k-line",
        "depth",
        "tickers",
        "%ff",
        "é",
        "{id}",
        "currencies",
    ];
    let values =
        ["1", "-1", "1e9", "", "null", "wait", "%F0%9F", "999999999999999999999", "btczar", "é", "[]"];
    let keys = ["limit", "page", "state[]", "time_from", "market", "period", "order_by", "type", "nonzero"];
    for _ in 0..400 {
        let mut target = String::from(["/api/v2", API, "/api/v2/trade"][random.usize(..3)]);
        for _ in 0..random.usize(1..6) {
            target = format!("{target}/{}", words[random.usize(..words.len())]);
        }
        for place in 0..random.usize(0..4) {
            let (key, value) = (keys[random.usize(..keys.len())], values[random.usize(..values.len())]);
            target = format!("{target}{}{key}={value}", if place == 0 { '?' } else { '&' });
        }
        let target: String = target.chars().filter(char::is_ascii).collect();
        let method = ["GET", "POST", "PUT", "HEAD"][random.usize(..4)];
        // Sent as an account without orders, so that a random request cannot cancel the order.
        let answer = exchange.send(method, &target, &exchange.signed("merchant"), b"").await;
        let status = answer.unwrap_or_else(|error| panic!("seed {seed}: {method} {target}: {error}")).status;
        assert!([200, 201, 401, 404, 405, 422].contains(&status), "seed {seed}: {method} {target}: {status}");
    }
    assert_eq!(exchange.control.ledger(), before, "seed {seed}");
}

#[tokio::test]
async fn only_loopback_unless_allowed() {
    let outside = "0.0.0.0:0".parse().unwrap();
    let refused = Sandbox::builder().listen(outside).start().await.unwrap_err().to_string();
    assert!(refused.contains("--allow-non-loopback"), "{refused}");
    let open =
        Sandbox::builder().listen(outside).allow_non_loopback(true).profile(Profile::Legacy).start().await;
    open.unwrap().shutdown().await;
    let taken = Exchange::start().await;
    let refused = Sandbox::builder().listen(taken.sandbox.address()).start().await.unwrap_err().to_string();
    assert!(refused.starts_with("cannot listen on 127.0.0.1:"), "{refused}");
}

#[tokio::test]
async fn every_call_that_is_named_is_served() {
    let exchange = Exchange::start().await;
    let id = exchange.place("maker", limit("sell", "0.001", "800000")).await;
    assert!(!calls().is_empty());
    for call in calls().into_iter().filter(|call| call.only != Some(Profile::Legacy)) {
        // These have their own prefix. They refuse a request without parameters, or find nothing, or list nothing.
        if ["verification", "persona"].contains(&call.service) {
            let merchant = exchange.signed("aggregator");
            let target = format!("/api/v2/{}{}", call.service, call.path);
            let answer = exchange.send(call.method, &target, &merchant, b"").await.unwrap();
            assert!([200, 400, 404, 422].contains(&answer.status), "{call:?}: {answer:?}");
            let _served = answer.json();
            let elsewhere = format!("{API}{}", call.path);
            let answer = exchange.send(call.method, &elsewhere, &merchant, b"").await.unwrap();
            assert_eq!(answer.status, 404, "and nowhere else: {answer:?}");
            continue;
        }
        assert!(["trade", "account", "payments"].contains(&call.service));
        let path = call.path.replace("{market}", "btczar").replace("{currency}", "btc");
        let id = match path.split('/').nth(2) {
            Some("currencies") => "btc".to_owned(),
            Some("deposits") => {
                let deposit = NewDeposit::new("btc", 1.into());
                exchange.control.add_deposit("maker", deposit).unwrap().to_string()
            }
            Some("payments") if path.starts_with("/account/") => {
                let uid = exchange.sandbox.account("merchant").unwrap().uid;
                let body = serde_json::json!({ "uid": uid, "currency": "btc" });
                let made = exchange.post_as("merchant", "/account/payments", &body).await.expect(201);
                made["id"].to_string()
            }
            Some("beneficiaries") => exchange.sandbox.control().add_beneficiary("maker").unwrap().to_string(),
            _ => id.to_string(),
        };
        let target = format!("{API}{}", path.replace("{id}", &id));
        let caller = if path.starts_with("/account/payments") { "merchant" } else { "maker" };
        let answer = exchange.send(call.method, &target, &exchange.signed(caller), b"").await.unwrap();
        assert!([200, 201, 204, 422].contains(&answer.status), "{call:?}: {answer:?}");
        if answer.status == 422 {
            assert!(
                ["POST", "PATCH"].contains(&call.method) && answer.text.contains("missing_"),
                "only a write may need parameters: {call:?}: {answer:?}"
            );
        }
    }
    assert!(own_codes().iter().all(|own| own.code.starts_with("sandbox.")));
}

//! Authentication over HTTP: codes, statuses, headers, the clock.

use crate::client::{API, Exchange, sign};
use capecrypto_sandbox::{Restriction, Sandbox};
use std::time::Duration;

#[tokio::test]
async fn every_refusal_has_its_code() {
    let exchange = Exchange::start().await;
    let path = format!("{API}/account/balances");
    let get = async |headers: &[(String, String)]| {
        exchange.send("GET", &path, headers, b"").await.unwrap().refusal()
    };
    assert_eq!(get(&[]).await, "401 authz.invalid_session");
    let post = exchange.send("POST", &format!("{API}/market/orders"), &[], b"").await.unwrap();
    assert_eq!(post.refusal(), "401 authz.missing_csrf_token");
    let mut headers = exchange.signed("maker");
    headers.pop();
    assert_eq!(get(&headers).await, "422 authz.invalid_api_key_headers");
    headers.push(("x-auth-signature".into(), "AB".into()));
    assert_eq!(get(&headers).await, "401 authz.invalid_signature");
    headers[1].1 = "1".into();
    assert_eq!(get(&headers).await, "401 authz.nonce_expired");
    headers[1].1 = "now".into();
    assert_eq!(get(&headers).await, "401 authz.nonce_not_valid_timestamp");
    headers[0].1 = "sandbox_nobody".into();
    assert_eq!(get(&headers).await, "401 authz.unexistent_apikey");
    for (restriction, code) in [
        (Restriction::KeyInactive, "401 authz.apikey_not_active"),
        (Restriction::HolderInactive, "401 authz.invalid_session"),
        (Restriction::NoTwoFactor, "401 authz.disabled_2fa"),
        (Restriction::NoPermission, "401 authz.invalid_permission"),
    ] {
        exchange.control.restrict("maker", Some(restriction)).unwrap();
        assert_eq!(get(&exchange.signed("maker")).await, code);
    }
    exchange.control.restrict("maker", None).unwrap();
    exchange.send("GET", &path, &exchange.signed("maker"), b"").await.unwrap().expect(200);
}

#[tokio::test]
async fn acts_for_itself_only() {
    let exchange = Exchange::start().await;
    let own = exchange.sandbox.account("merchant").unwrap().uid.clone();
    let other = exchange.sandbox.account("taker").unwrap().uid.clone();
    for (uid, status) in [(own, 200), (other, 401), ("CCT0000000".into(), 401)] {
        let mut headers = exchange.signed("merchant");
        headers.push(("X-AUTH-SUBACCOUNT-UID".into(), uid));
        let answer = exchange.send("GET", &format!("{API}/account/balances"), &headers, b"").await.unwrap();
        assert_eq!(answer.status, status);
        if status == 401 {
            assert_eq!(answer.refusal(), "401 authz.invalid_permission");
        }
    }
}

#[tokio::test]
async fn public_calls_ignore_even_wrong_headers() {
    let exchange = Exchange::start().await;
    let wrong = [("X-Auth-Apikey".to_owned(), "x".to_owned())];
    let answer = exchange.send("GET", &format!("{API}/public/markets"), &wrong, b"").await.unwrap();
    answer.expect(200);
    exchange.socket("/websocket/public?stream=btczar.trades", &wrong).await.unwrap();
}

#[tokio::test]
async fn the_clock_moves_date_timestamp_and_window_together() {
    let exchange = Exchange::start().await;
    let account = exchange.sandbox.account("maker").unwrap();
    let path = format!("{API}/account/balances");
    let before = exchange.control.now_ms();
    let headers = sign(&account, &before.to_string());
    // A nonce may be used twice, and the signature does not cover the body.
    for _ in 0..2 {
        exchange.send("GET", &path, &headers, b"").await.unwrap().expect(200);
    }
    exchange.control.advance_clock(86_400_000);
    let late = exchange.send("GET", &path, &headers, b"").await.unwrap();
    assert_eq!(late.refusal(), "401 authz.nonce_expired");
    let date: jiff::Timestamp =
        jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(&late.headers["date"]).unwrap();
    let skew_s = date.as_second() - before / 1000;
    assert!((86_400..86_460).contains(&skew_s), "{skew_s}");
    let now: jiff::Timestamp =
        exchange.get("/public/timestamp").await.expect(200).as_str().unwrap().parse().unwrap();
    assert!((0..60).contains(&(now.as_second() - date.as_second())));
}

#[tokio::test]
async fn the_window_is_a_setting() {
    let exchange = Exchange::with(Sandbox::builder().auth_window(Duration::from_secs(3600))).await;
    let account = exchange.sandbox.account("maker").unwrap();
    for (skew_ms, status) in [(-3_500_000, 200), (3_500_000, 200), (3_700_000, 401)] {
        let headers = sign(&account, &(exchange.control.now_ms() + skew_ms).to_string());
        let answer = exchange.send("GET", &format!("{API}/market/orders"), &headers, b"").await.unwrap();
        assert_eq!(answer.status, status, "{skew_ms}");
    }
}

//! Who may call, and in which form.

use super::{Partner, pairs, refusal};
use crate::client::request;
use capecrypto_sandbox::{
    Fault, FaultKind, Sandbox, StartError,
    cabital::{Digest, Signing},
};
use serde_json::json;

#[tokio::test]
async fn each_wrong_header_is_401_and_an_old_time_too() {
    let partner = Partner::start().await;
    let target = "/api/v1/config";
    let send = async |headers: &[(String, String)]| {
        request(partner.host(), "GET", target, headers, b"").await.unwrap()
    };
    let right = partner.headers("GET", target, "n-1", "");
    for place in 0..4 {
        let mut without = right.clone();
        let (name, _) = without.remove(place);
        let answer = send(&without).await;
        assert_eq!(refusal(&answer), "401");
        assert!(answer.text.contains(&name), "{answer:?}");
        let mut other = right.clone();
        other[place].1.insert(0, '1');
        assert_eq!(refusal(&send(&other).await), "401", "{}", right[place].0);
    }
    // Far enough for a slow machine; the exact limit is tested beside the code.
    partner.control.advance_clock(31_000);
    assert_eq!(refusal(&send(&right).await), "401");
    partner.control.advance_clock(-121_000);
    assert_eq!(refusal(&send(&right).await), "401");
    partner.control.advance_clock(90_000);
    // No refused call used the nonce up.
    send(&right).await.expect(200);
    assert_eq!(refusal(&send(&right).await), "409");
}

#[tokio::test]
async fn a_nonce_is_used_up_whatever_the_call_ended_with() {
    let partner = Partner::start().await;
    let path = partner.path("/transfers");
    let refused = json!({"amount": "0", "symbol": "USDT", "direction": "CREDIT"}).to_string();
    let answer = partner.with_nonce("POST", &path, "n-1", &refused).await.unwrap();
    assert_eq!(refusal(&answer), "400 PA028");
    let credit = json!({"amount": "5", "symbol": "USDT", "direction": "CREDIT"}).to_string();
    let again = partner.with_nonce("POST", &path, "n-1", &credit).await.unwrap();
    assert_eq!(refusal(&again), "409");
    let unreadable = partner.with_nonce("POST", &path, "n-2", "{").await.unwrap();
    assert_eq!(refusal(&unreadable), "400");
    assert_eq!(refusal(&partner.with_nonce("POST", &path, "n-2", &credit).await.unwrap()), "409");
    // The connection broke after the transfer was made: the repetition says that the first one arrived.
    partner.cabital.inject(Fault::next(FaultKind::ResetAfterApply));
    assert!(partner.with_nonce("POST", &path, "n-3", &credit).await.is_err());
    assert_eq!(refusal(&partner.with_nonce("POST", &path, "n-3", &credit).await.unwrap()), "409");
    assert_eq!(partner.balance("USDT").await, "100005.000000");
    // A call that never arrived did not use its nonce up.
    partner.cabital.inject(Fault::next(FaultKind::ResetBeforeApply));
    assert!(partner.with_nonce("POST", &path, "n-4", &credit).await.is_err());
    partner.with_nonce("POST", &path, "n-4", &credit).await.unwrap().expect(200);
    partner.control.advance_clock(60 * 60 * 1000);
    partner.with_nonce("POST", &path, "n-4", &credit).await.unwrap().expect(200);
    assert_eq!(partner.balance("USDT").await, "100015.000000");
}

#[tokio::test]
async fn paths_methods_and_forms_are_checked_first() {
    let partner = Partner::start().await;
    for path in ["/nothing", "/accounts", "/light/config", "/partner/link"] {
        assert_eq!(refusal(&partner.get(path).await), "404", "{path}");
    }
    let answer = partner.call("DELETE", &partner.path("/transfers"), "").await;
    assert_eq!((refusal(&answer), answer.headers["allow"].as_str()), ("405".to_owned(), "GET, POST"));
    let target = format!("/api/v1{}", partner.path("/transfers"));
    let body = r#"{"amount":"5","symbol":"USDT","direction":"CREDIT"}"#;
    for (name, value) in [
        ("Content-Type", Some("text/plain")),
        ("Content-Type", Some("application/x-www-form-urlencoded")),
        ("Content-Type", None),
        ("Accept", Some("text/html")),
    ] {
        let mut headers = partner.headers("POST", &target, "n-1", body);
        headers.retain(|(known, _)| known != name);
        headers.extend(value.map(|value| (name.to_owned(), value.to_owned())));
        let answer = request(partner.host(), "POST", &target, &headers, body.as_bytes()).await.unwrap();
        assert_eq!(refusal(&answer), "406", "{name} {value:?}");
    }
    let mut headers = partner.headers("POST", &target, "n-1", body);
    headers.retain(|(known, _)| known != "Content-Type");
    headers.extend(pairs(&[("Content-Type", "application/json; charset=utf-8"), ("Accept", "*/*")]));
    request(partner.host(), "POST", &target, &headers, body.as_bytes()).await.unwrap().expect(200);
    for (name, value) in [("amount", json!(5)), ("amount", json!(null)), ("symbol", json!(["USDT"]))] {
        let mut wrong: serde_json::Value = serde_json::from_str(body).unwrap();
        wrong[name] = value;
        let answer = partner.transfer(&wrong).await;
        assert_eq!(refusal(&answer), "400", "{wrong}");
        assert!(answer.text.contains(name), "{answer:?}");
    }
}

#[tokio::test]
async fn the_two_hosts_and_the_exchange_share_no_call() {
    let partner = Partner::start().await;
    let exchange = partner.sandbox.address().to_string();
    let get = async |host: &str, target: &str| request(host, "GET", target, &[], b"").await.unwrap().status;
    assert_eq!(get(&exchange, "/api/v1/light/config").await, 404);
    assert_eq!(get(&exchange, "/pages/link").await, 404);
    for host in [partner.host(), partner.link_host()] {
        for target in ["/sandbox", "/sandbox/clock", "/api/v2/atlas/public/markets", "/", "/api/v1"] {
            assert_eq!(get(host, target).await, 404, "{target}");
        }
    }
    assert_eq!(get(partner.link_host(), "/api/v1/config").await, 404);
    assert_eq!(get(partner.host(), "/api/v1/light/config").await, 404);
    assert_eq!(get(partner.link_host(), "/api/v1/light/config").await, 200);
}

#[tokio::test]
async fn its_hosts_listen_where_they_are_told_and_on_this_machine_only() {
    let free = "127.0.0.1:0".parse().unwrap();
    let partner = Partner::with(Sandbox::builder().cabital_listen(free, free)).await;
    partner.get("/config").await.expect(200);
    let open = "0.0.0.0:0".parse().unwrap();
    for (one, other) in [(open, free), (free, open)] {
        let refused = Sandbox::builder().cabital_listen(one, other).start().await.unwrap_err();
        assert!(matches!(refused, StartError::NonLoopback(address) if address == open), "{refused}");
    }
}

#[tokio::test]
async fn what_the_documents_leave_open_is_a_setting() {
    let signing = Signing { query_in_path: false, digest: Digest::Base64 };
    let partner = Partner::with(Sandbox::builder().cabital_signing(signing)).await;
    let target = format!("/api/v1{}", partner.path("/transfers?page_size=3"));
    // The default form is refused.
    let headers = partner.headers("GET", &target, "n-1", "");
    assert_eq!(request(partner.host(), "GET", &target, &headers, b"").await.unwrap().status, 401);
    let mut headers = partner.headers("GET", target.split('?').next().unwrap(), "n-1", "");
    let digits: Vec<u8> =
        headers[3].1.chars().map(|digit| digit.to_digit(16).unwrap().try_into().unwrap()).collect();
    let bytes: Vec<u8> = digits.chunks(2).map(|pair| pair[0] * 16 + pair[1]).collect();
    headers[3].1 = base64(&bytes);
    request(partner.host(), "GET", &target, &headers, b"").await.unwrap().expect(200);
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let mut three = [0; 3];
        three[..chunk.len()].copy_from_slice(chunk);
        let number = u32::from_be_bytes([0, three[0], three[1], three[2]]);
        for place in 0..4 {
            let digit = usize::try_from((number >> (18 - 6 * place)) & 63).unwrap();
            text.push(if place <= chunk.len() { char::from(ALPHABET[digit]) } else { '=' });
        }
    }
    text
}

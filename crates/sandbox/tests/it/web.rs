//! Rules of HTTP: bodies without a content type, `Allow`, `Host`, and pages in a browser.

use crate::client::{API, Answer, Exchange, in_time, limit};
use capecrypto_sandbox::{Profile, Restriction, Sandbox};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn header(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

async fn raw(exchange: &Exchange, request: &str) -> String {
    let mut stream = tokio::net::TcpStream::connect(exchange.sandbox.address()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    in_time(stream.read_to_string(&mut answer)).await.unwrap();
    answer
}

#[tokio::test]
async fn a_body_without_a_content_type_is_json_and_a_wrong_one_is_refused() {
    let exchange = Exchange::start().await;
    let body = limit("sell", "0.001", "800000").to_string();
    let post = async |kind: Option<&str>| {
        let mut headers = exchange.signed("maker");
        headers.extend(kind.map(|kind| header("Content-Type", kind)));
        exchange.send("POST", &format!("{API}/market/orders"), &headers, body.as_bytes()).await.unwrap()
    };
    assert_eq!(post(None).await.expect(201)["origin_volume"], "0.001");
    assert_eq!(post(Some("text/plain")).await.status, 415);
}

#[tokio::test]
async fn a_refused_method_says_what_is_allowed() {
    let exchange = Exchange::start().await;
    let refused = exchange.send("DELETE", &format!("{API}/market/orders"), &[], b"").await.unwrap();
    assert_eq!((refused.status, refused.headers["allow"].as_str()), (405, "POST, GET, HEAD, OPTIONS"));
    let refused = exchange.send("PUT", "/sandbox/clock", &[], b"").await.unwrap();
    assert_eq!((refused.status, refused.headers["allow"].as_str()), (405, "GET, POST"));
    let asked = exchange.send("OPTIONS", &format!("{API}/public/markets"), &[], b"").await.unwrap();
    assert_eq!((asked.status, asked.headers["allow"].as_str()), (204, "GET, HEAD, OPTIONS"));
}

#[tokio::test]
async fn http_1_1_names_one_host() {
    let exchange = Exchange::start().await;
    let get = |version: &str, hosts: &str| {
        format!("GET {API}/public/timestamp HTTP/{version}\r\n{hosts}Connection: close\r\n\r\n")
    };
    for (version, hosts, status) in [
        ("1.1", "", "400"),
        ("1.1", "Host: a\r\nHost: b\r\n", "400"),
        ("1.1", "Host: a\r\n", "200"),
        ("1.0", "", "200"),
    ] {
        let answer = raw(&exchange, &get(version, hosts)).await;
        assert_eq!(answer.split(' ').nth(1), Some(status), "{version} {hosts}: {answer}");
    }
}

#[tokio::test]
async fn a_page_of_this_machine_may_call_and_read_the_paging_headers() {
    let exchange = Exchange::start().await;
    let target = format!("{API}/market/orders");
    let from = |origin: &str| vec![header("Origin", origin), header("Access-Control-Request-Method", "POST")];
    let page = "http://localhost:3000";
    let preflight = exchange.send("OPTIONS", &target, &from(page), b"").await.unwrap();
    assert_eq!(preflight.status, 204);
    assert_eq!(preflight.headers["access-control-allow-origin"], page);
    assert!(preflight.headers["access-control-allow-methods"].contains("POST"));
    let allowed = &preflight.headers["access-control-allow-headers"];
    for name in ["X-Auth-Apikey", "X-Auth-Nonce", "X-Auth-Signature", "X-Auth-Subaccount-Uid", "Content-Type"]
    {
        assert!(allowed.contains(name), "{name} in {allowed}");
    }
    let mut headers = exchange.signed("maker");
    headers.push(header("Origin", page));
    for (path, status) in [("/market/orders", 200), ("/market/orders?limit=x", 422), ("/nothing", 404)] {
        let answer: Answer = exchange.send("GET", &format!("{API}{path}"), &headers, b"").await.unwrap();
        assert_eq!(answer.status, status);
        assert_eq!(answer.headers["access-control-allow-origin"], page, "{path}");
        assert!(answer.headers["access-control-expose-headers"].contains("Total, Per-Page, Page"));
    }
}

#[tokio::test]
async fn a_page_of_another_machine_is_let_in_by_no_header() {
    let exchange = Exchange::start().await;
    for origin in ["https://example.com", "null"] {
        let headers = [header("Origin", origin), header("Access-Control-Request-Method", "GET")];
        for (method, target) in
            [("OPTIONS", format!("{API}/public/markets")), ("GET", format!("{API}/public/markets"))]
        {
            let answer = exchange.send(method, &target, &headers, b"").await.unwrap();
            assert!(!answer.headers.contains_key("access-control-allow-origin"), "{method} {origin}");
            assert_eq!(answer.headers["vary"], "Origin");
        }
        let control = exchange.send("GET", "/sandbox/ledger", &headers, b"").await.unwrap();
        assert_eq!(control.refusal(), "403 sandbox.control.loopback_only");
    }
}

#[tokio::test]
async fn an_account_without_the_level_for_trading_may_only_look_at_its_balances() {
    let exchange = Exchange::start().await;
    let resting = exchange.place("maker", limit("sell", "0.001", "800000")).await;
    exchange.control.restrict("maker", Some(Restriction::NotVerified)).unwrap();
    let refused = exchange.post_as("maker", "/market/orders", &limit("sell", "0.001", "800000")).await;
    assert_eq!(refused.refusal(), "403 market.trade.not_permitted");
    for path in
        ["/market/orders".to_owned(), format!("/market/orders/{resting}"), "/market/trades".to_owned()]
    {
        assert_eq!(exchange.get_as("maker", &path).await.refusal(), "403 market.trade.not_permitted");
    }
    exchange.get_as("maker", "/account/balances").await.expect(200);
    exchange.control.restrict("maker", None).unwrap();
    exchange.get_as("maker", "/market/orders").await.expect(200);
}

#[tokio::test]
async fn any_text_of_up_to_255_characters_names_an_order() {
    let exchange = Exchange::start().await;
    for (name, status) in [(" é\n\"{}'; 1".to_owned(), 201), ("é".repeat(255), 201), ("é".repeat(256), 422)]
    {
        let mut order = limit("sell", "0.001", "800000");
        order["custom_order_id"] = json!(name);
        let answer = exchange.post_as("maker", "/market/orders", &order).await.expect(status);
        if status == 201 {
            assert_eq!(answer["custom_order_id"], json!(name));
        }
    }
}

#[tokio::test]
async fn legacy_answers_at_its_oldest_places_and_docs_does_not() {
    let legacy = Exchange::with(Sandbox::builder().profile(Profile::Legacy)).await;
    let docs = Exchange::start().await;
    for (exchange, status) in [(&legacy, 200), (&docs, 404)] {
        let answer = exchange.send("GET", "/api/v2/peatio/public/markets", &[], b"").await.unwrap();
        assert_eq!(answer.status, status);
    }
    let mut socket = legacy.socket("/ranger/private/?stream=order", &legacy.signed("maker")).await.unwrap();
    assert_eq!(socket.until_confirmed().await.1, ["order"]);
    assert_eq!(docs.socket("/ranger/public?stream=order", &[]).await.err().unwrap().status, 404);
    // With a slash at the end it is the same endpoint, which requires a signature.
    let refused = docs.socket("/websocket/private/?stream=order", &[]).await.err().unwrap();
    assert_eq!(refused.refusal(), "401 authz.invalid_session");
}

#[tokio::test]
async fn legacy_shows_the_single_orders_of_a_book() {
    let exchange = Exchange::with(Sandbox::builder().profile(Profile::Legacy)).await;
    let mut ids = Vec::new();
    for (side, price) in [("sell", "810000"), ("sell", "800000"), ("sell", "800000"), ("buy", "700000")] {
        ids.push(exchange.place("maker", limit(side, "0.001", price)).await);
    }
    let path = "/public/markets/btczar/order-book";
    let book = exchange.get(path).await.expect(200);
    let shown = |side: &str| -> Vec<u64> {
        book[side].as_array().unwrap().iter().map(|order| order["id"].as_u64().unwrap()).collect()
    };
    assert_eq!(shown("asks"), [ids[1], ids[2], ids[0]], "best price first, then the oldest");
    assert_eq!(shown("bids"), [ids[3]]);
    assert_eq!(book["asks"][0]["remaining_volume"], "0.001");
    let one = exchange.get(&format!("{path}?asks_limit=1&bids_limit=200")).await.expect(200);
    assert_eq!(one["asks"].as_array().unwrap().len(), 1);
    for (query, code) in [
        ("asks_limit=0", "invalid_ask_limit"),
        ("asks_limit=201", "invalid_ask_limit"),
        ("bids_limit=x", "invalid_bid_limit"),
    ] {
        let refusal = exchange.get(&format!("{path}?{query}")).await.refusal();
        assert_eq!(refusal, format!("422 public.order_book.{code}"));
    }
    let answer = exchange.get_as("maker", "/market/orders").await;
    assert!(!answer.headers.contains_key("total"), "orders have no total in this profile");
    exchange.get_as("maker", "/market/trades?order_id=x").await.expect(200);
    assert_eq!(Exchange::start().await.get(path).await.status, 404);
}

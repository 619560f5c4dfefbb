use crate::calls::{CancelOrder, CreateOrder, ListOrders, ORDER, client, get};
use capecrypto_rest::{Kind, Outcome};
use http::Method;
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{any, body_json_string, header, header_exists, method, path, query_param},
};

async fn answering(status: u16, body: impl AsRef<[u8]>, content_type: &str) -> MockServer {
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(status).set_body_raw(body.as_ref(), content_type);
    Mock::given(any()).respond_with(answer).mount(&server).await;
    server
}

#[tokio::test]
async fn a_signed_write_as_it_leaves() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/api/v2/atlas/market/orders"))
        .and(header("content-type", "application/json"))
        .and(header("accept", "application/json"))
        .and(header("x-auth-apikey", "sandbox_canary-key"))
        .and(header_exists("x-auth-nonce"))
        .and(header_exists("x-auth-signature"))
        .and(body_json_string(r#"{"market":"btczar","volume":"0.00001","note":"good"}"#))
        .respond_with(ResponseTemplate::new(201).set_body_raw(ORDER, "application/json"))
        .expect(1)
        .mount(&server)
        .await;
    let client = client(&server);
    let reply = client.reply(CreateOrder::new()).await.unwrap();
    assert_eq!((reply.status, reply.attempts, reply.value.id), (201, 1, 7));
    let request = &server.received_requests().await.unwrap()[0];
    assert!(request.headers.get("x-auth-subaccount-uid").is_none());
    assert!(request.headers["user-agent"].to_str().unwrap().starts_with("capecrypto-rust/"));
    let nonce: u64 = request.headers["x-auth-nonce"].to_str().unwrap().parse().unwrap();
    assert!(client.clock().local_ms().abs_diff(nonce) < 60_000, "Unix milliseconds");
}

#[tokio::test]
async fn acting_for_another_lasts_for_that_handle_only() {
    let server = answering(200, ORDER, "application/json").await;
    let client = client(&server);
    let acting = client.acting_as("CCT1234567");
    acting.send(get("7")).await.unwrap();
    client.send(get("7")).await.unwrap();
    let requests = server.received_requests().await.unwrap();
    assert_eq!(requests[0].headers["x-auth-subaccount-uid"], "CCT1234567");
    assert!(requests[1].headers.get("x-auth-subaccount-uid").is_none());
    let error = client.acting_as("CCT 1\r\nx: y").send(get("7")).await.unwrap_err();
    assert_eq!(error.argument().unwrap().argument, "acting_as");
    assert_eq!(server.received_requests().await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_page_has_its_counters_or_none() {
    let server = MockServer::start().await;
    let rows = ResponseTemplate::new(200).set_body_raw(format!("[{ORDER}]"), "application/json");
    let with = rows
        .clone()
        .insert_header("TOTAL", "150")
        .insert_header("Per-Page", "100")
        .insert_header("page", "2");
    Mock::given(query_param("market", "counted")).respond_with(with).mount(&server).await;
    Mock::given(any()).respond_with(rows).mount(&server).await;
    let client = client(&server);
    let page = client
        .send(ListOrders { market: Some("counted".to_owned()), ..ListOrders::default() })
        .await
        .unwrap();
    assert_eq!((page.len(), page.total, page.per_page, page.page), (1, Some(150), Some(100), Some(2)));
    let page = client.send(ListOrders::default()).await.unwrap();
    assert_eq!((page.total, page.per_page, page.page), (None, None, None));
    assert_eq!(page.into_iter().next().unwrap().id, 7);
}

#[tokio::test]
async fn error_bodies_in_every_shape_of_the_wire() {
    for (status, body, kind, outcome, codes) in [
        (422, r#"{"errors":["a.b","c.d"]}"#, Kind::Refused, Outcome::Refused, vec!["a.b", "c.d"]),
        (
            405,
            r#"{"errors":"server.method_not_allowed"}"#,
            Kind::Refused,
            Outcome::Refused,
            vec!["server.method_not_allowed"],
        ),
        (
            415,
            r#"{"error":"The provided content-type 'x' is not supported."}"#,
            Kind::Refused,
            Outcome::Refused,
            vec!["The provided content-type 'x' is not supported."],
        ),
        (404, r#"{"error":{"code":"x.y","message":"z"}}"#, Kind::NotFound, Outcome::Refused, vec!["x.y"]),
        (
            404,
            r#"{"errors":["record.not_found"]}"#,
            Kind::NotFound,
            Outcome::Refused,
            vec!["record.not_found"],
        ),
        (
            401,
            r#"{"errors":["authz.invalid_signature"]}"#,
            Kind::Auth,
            Outcome::Refused,
            vec!["authz.invalid_signature"],
        ),
        (
            401,
            r#"{"errors":["jwt.decode_and_verify"]}"#,
            Kind::Auth,
            Outcome::Refused,
            vec!["jwt.decode_and_verify"],
        ),
        (
            403,
            r#"{"errors":["market.trade.not_permitted"]}"#,
            Kind::Auth,
            Outcome::Refused,
            vec!["market.trade.not_permitted"],
        ),
        (422, r#"{"errors":[]}"#, Kind::Refused, Outcome::Refused, vec![]),
        (422, r#"{"error":null}"#, Kind::Refused, Outcome::Refused, vec![]),
        (
            408,
            r#"{"error":"upstream_request_timeout"}"#,
            Kind::Timeout,
            Outcome::Unknown,
            vec!["upstream_request_timeout"],
        ),
        (
            471,
            r#"{"errors":["authz.restrict.maintenance"]}"#,
            Kind::Maintenance,
            Outcome::Refused,
            vec!["authz.restrict.maintenance"],
        ),
        (
            423,
            r#"{"errors":["authz.restrict.blacklist"]}"#,
            Kind::Auth,
            Outcome::Refused,
            vec!["authz.restrict.blacklist"],
        ),
        (
            422,
            r#"{"errors":[{"message":"deep"},7,null]}"#,
            Kind::Refused,
            Outcome::Refused,
            vec!["deep", "7"],
        ),
        (404, "404 Not Found", Kind::Unexpected, Outcome::Unknown, vec![]),
        (403, "<html><body>denied</body></html>", Kind::Unexpected, Outcome::Unknown, vec![]),
        (400, "", Kind::Unexpected, Outcome::Unknown, vec![]),
        (400, r#"{"errors":["cut"#, Kind::Unexpected, Outcome::Unknown, vec![]),
        (429, "Retry later", Kind::RateLimited, Outcome::Unknown, vec![]),
        (471, "maintenance", Kind::Maintenance, Outcome::Unknown, vec![]),
        (503, "", Kind::Maintenance, Outcome::Unknown, vec![]),
        (
            500,
            r#"{"errors":["server.internal_error"]}"#,
            Kind::Server,
            Outcome::Unknown,
            vec!["server.internal_error"],
        ),
        (502, "<html>bad gateway</html>", Kind::Server, Outcome::Unknown, vec![]),
        (302, "", Kind::Redirect, Outcome::Unknown, vec![]),
    ] {
        let server = answering(status, body, "text/plain").await;
        let error = client(&server).send(CreateOrder::new()).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (kind, outcome), "{status} {body}");
        assert_eq!(error.codes(), codes, "{status} {body}");
        assert_eq!(error.status(), Some(status));
        assert_eq!(error.call().unwrap().name, "CreateOrder");
        assert!(error.to_string().starts_with("CreateOrder (POST /market/orders): "), "{error}");
        assert_eq!(
            server.received_requests().await.unwrap().len(),
            1,
            "a write is sent once: {status} {body}"
        );
    }
}

#[tokio::test]
async fn a_success_that_cannot_be_read_is_an_error_with_path_and_masked_shape() {
    for (body, path, shows) in [
        (r#"{"id":"canary","market":"canary"}"#, "id", r#"{"id":"…","market":"…"}"#),
        (r#"{"id":7,"market":["canary"]}"#, "market", r#"{"id":0,"market":["…"]}"#),
        (r#"{"id":7,"market":"can"#, "market", r#"{"id":0,"market":"…""#),
        ("", ".", "in an empty body"),
        ("<html><b>canary</b></html>", ".", "<html><b>…</b></html>"),
        (r#"{"id":7} canary"#, ".", r#"{"id":0}…"#),
        ("[[[[", "[0]", "[[[["),
    ] {
        let server = answering(201, body, "application/json").await;
        let error = client(&server).send(CreateOrder::new()).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.outcome(), error.status()),
            (Kind::Decode, Outcome::Unknown, Some(201)),
            "{body}"
        );
        assert_eq!(error.path(), Some(path), "{body}");
        let text = format!("{error} {error:?}");
        assert!(text.contains(shows) && !text.contains("canary"), "{body}: {text}");
        assert!(text.contains("look it up"), "{text}");
    }
}

#[tokio::test]
async fn an_odd_row_of_a_list_hides_no_other_and_is_told_without_its_values() {
    let body = r#"[{"id":1},{"id":"canary","market":"canary"},{"id":3,"market":["canary"]},{"id":4}]"#;
    let server = answering(200, body, "application/json").await;
    let page = client(&server).send(ListOrders::default()).await.unwrap();
    assert_eq!(page.iter().map(|order| order.id).collect::<Vec<_>>(), [1, 4]);
    let told: Vec<_> = page.unreadable.iter().map(|row| (row.index, row.page, row.path.as_str())).collect();
    assert_eq!(told, [(1, None, "id"), (2, None, "market")]);
    let text = format!("{} {:?}", page.unreadable[0], page.unreadable);
    assert!(text.contains("row 1, at id: invalid type: string …") && !text.contains("canary"), "{text}");
}

#[tokio::test]
async fn a_list_of_which_nothing_can_be_read_is_an_error_and_not_an_empty_list() {
    for (body, path) in [
        (r#"[{"id":"canary"},{"id":"canary"}]"#, "[0].id"),
        (r#"["canary"]"#, "[0]"),
        (r#"{"id":1}"#, "."),
        (r#"[{"id":1},{"id":"#, "[1].id"),
        (r#"[{"id":1}] canary"#, "."),
        ("null", "."),
    ] {
        let server = answering(200, body, "application/json").await;
        let error = client(&server).send(ListOrders::default()).await.unwrap_err();
        assert_eq!((error.kind(), error.path()), (Kind::Decode, Some(path)), "{body}");
        assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
    }
}

#[tokio::test]
async fn a_mark_of_utf_8_before_a_body_is_passed_over() {
    let server = answering(201, &format!("\u{feff}{ORDER}"), "application/json").await;
    assert_eq!(client(&server).send(CreateOrder::new()).await.unwrap().id, 7);
    let list = answering(200, &format!("\u{feff}[{ORDER},{{}}]"), "application/json").await;
    let page = client(&list).send(ListOrders::default()).await.unwrap();
    assert_eq!((page.len(), page.unreadable.len()), (1, 1));
    let error = answering(201, "\u{feff}{\"id\":true}", "application/json").await;
    assert_eq!(client(&error).send(CreateOrder::new()).await.unwrap_err().path(), Some("id"));
}

#[tokio::test]
async fn bytes_that_are_not_utf_8_hurt_only_the_value_that_they_are_in() {
    // In a field that nobody reads, alone, behind a backslash, and beside half a pair of escapes.
    for odd in [&b"\xff"[..], b"caf\xe9", b"\xed\xa0\x80", b"\\\\\xff", b"\\ud800\xff"] {
        let body = [br#"{"id":7,"note":""#, odd, br#"","market":"btczar"}"#].concat();
        let server = answering(201, &body, "application/json").await;
        assert_eq!(client(&server).send(CreateOrder::new()).await.unwrap().id, 7, "{odd:?}");
    }
    // In one that is read: it is an error, and not another text.
    for odd in [
        &b"\xff"[..],
        b"caf\xe9 au lait",
        b"\xed\xa0\x80",
        b"\\\xff",
        b"\\\\\xff",
        b"\xff\\udc00",
        b"\\ud800\xff",
        b"\\ud800\\\xff",
        b"\\\xff\\udc00",
    ] {
        let body = [br#"{"id":7,"market":""#, odd, br#""}"#].concat();
        let server = answering(201, &body, "application/json").await;
        let error = client(&server).send(CreateOrder::new()).await.unwrap_err();
        let told = (error.kind(), error.outcome(), error.path());
        assert_eq!(told, (Kind::Decode, Outcome::Unknown, Some("market")), "{odd:?}");
        assert!(error.to_string().contains("not UTF-8"), "{error}");
    }
    let rows = [&br#"[{"id":1},{"id":2,"market":""#[..], b"\xff", br#""},{"id":3}]"#].concat();
    let server = answering(200, &rows, "application/json").await;
    let page = client(&server).send(ListOrders::default()).await.unwrap();
    assert_eq!(page.iter().map(|order| order.id).collect::<Vec<_>>(), [1, 3]);
    assert_eq!((page.unreadable[0].index, page.unreadable[0].path.as_str()), (1, "market"));
    assert!(page.unreadable[0].to_string().contains("not UTF-8"), "{}", page.unreadable[0]);
    let server = answering(200, b"[{\"id\":1}]\xff", "application/json").await;
    assert_eq!(client(&server).send(ListOrders::default()).await.unwrap_err().kind(), Kind::Decode);
}

#[test]
fn entries_of_an_object_or_a_list_are_read_each_by_itself() {
    use capecrypto_rest::{Entries, FromResponse, Head};
    let read = |body: &'static str| {
        Entries::<u64>::from_response(&Head::new(200, http::HeaderMap::new()), &body.into())
    };
    let both = read(r#"{"a":1,"b":"canary","!":3,"d":4}"#).unwrap();
    let a_to_z = |name: &str| name.parse::<char>().ok().filter(char::is_ascii_alphabetic).ok_or("no letter");
    assert_eq!(both.unreadable().len(), 1);
    let (entries, unreadable) = both.with_names(a_to_z);
    assert_eq!(entries, [(Some('a'), 1), (Some('d'), 4)]);
    assert_eq!(unreadable.iter().map(|row| row.index).collect::<Vec<_>>(), [1, 2]);
    assert!(!format!("{unreadable:?}").contains("canary"));
    let list = read("[1,null,3]").unwrap();
    assert_eq!(list.with_names(a_to_z).0, [(None, 1), (None, 3)]);
    for (body, path) in [(r#"{"a":true}"#, "[0]"), ("7", "."), ("[1,", "."), ("", ".")] {
        assert_eq!(read(body).unwrap_err().path, path, "{body}");
    }
    assert!(read("{}").unwrap().entries.is_empty());
}

#[tokio::test]
async fn an_answer_that_says_no_is_a_refusal() {
    let server = answering(201, r#"{"id":7,"market":"btczar","rejected":true}"#, "application/json").await;
    let error = client(&server).send(CreateOrder::new()).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome(), error.status()), (Kind::Refused, Outcome::Refused, Some(201)));
    assert!(error.to_string().contains("the order was rejected"), "{error}");
}

#[tokio::test]
async fn deep_and_large_answers_are_refused() {
    let server = answering(200, &"[".repeat(100_000), "application/json").await;
    assert_eq!(client(&server).send(get("7")).await.unwrap_err().kind(), Kind::Decode);
    let server = answering(200, &" ".repeat(16 * 1024 * 1024 + 1), "application/json").await;
    assert_eq!(client(&server).send(get("7")).await.unwrap_err().kind(), Kind::TooLarge);
}

#[tokio::test]
async fn an_answer_about_something_else_is_no_data() {
    let server = answering(201, r#"{"id":7,"market":"ethzar"}"#, "application/json").await;
    let error = client(&server).send(CreateOrder::new()).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::Mismatch, Outcome::Unknown));
    assert!(error.to_string().contains("market"), "{error}");
}

#[tokio::test]
async fn hints_come_from_the_scheme_and_from_the_calls_crate() {
    let server = answering(401, r#"{"errors":["authz.disabled_2fa"]}"#, "application/json").await;
    let error = client(&server).send(get("7")).await.unwrap_err();
    assert!(error.hint().unwrap().contains("two-factor") && error.is_auth());
    let server = answering(422, r#"{"errors":["x","market.order.create_error"]}"#, "application/json").await;
    let error = client(&server).send(CreateOrder::new()).await.unwrap_err();
    assert_eq!(error.hint(), Some("a hint of the calls' own crate"));
    assert!(error.has_code("market.order.create_error") && error.to_string().contains("a hint of"));
}

#[tokio::test]
async fn redirects_are_not_followed() {
    for status in [301, 302, 303, 307, 308] {
        let target = answering(200, ORDER, "application/json").await;
        let server = MockServer::start().await;
        for location in [format!("{}/elsewhere", target.uri()), "/here".to_owned()] {
            server.reset().await;
            let answer = ResponseTemplate::new(status).insert_header("location", location.as_str());
            Mock::given(any()).respond_with(answer).mount(&server).await;
            let error = client(&server).send(CancelOrder { id: "7".to_owned() }).await.unwrap_err();
            assert_eq!(error.kind(), Kind::Redirect);
            assert!(!format!("{error:?}").contains("elsewhere"));
            assert_eq!(server.received_requests().await.unwrap().len(), 1);
        }
        assert_eq!(target.received_requests().await.unwrap().len(), 0, "{status}");
    }
}

#[tokio::test]
async fn the_raw_door_signs_and_fails_alike() {
    let server = MockServer::start().await;
    Mock::given(method("PUT"))
        .and(path("/api/v2/new/thing"))
        .and(query_param("a", "b&c"))
        .and(header_exists("x-auth-signature"))
        .and(body_json_string(r#"{"x":1}"#))
        .respond_with(ResponseTemplate::new(200).insert_header("total", "3").set_body_string("whatever"))
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(404).set_body_string(r#"{"errors":["record.not_found"]}"#))
        .mount(&server)
        .await;
    let client = client(&server);
    let reply = client
        .raw(Method::PUT, "/api/v2/new/thing")
        .query("a", "b&c")
        .json(&serde_json::json!({"x": 1}))
        .send()
        .await
        .unwrap();
    assert_eq!(
        (reply.status, &*reply.body, reply.headers["total"].to_str().unwrap()),
        (200, b"whatever".as_slice(), "3")
    );
    let error = client.raw(Method::GET, "/x").unsigned().send().await.unwrap_err();
    assert!(error.is_not_found() && error.has_code("record.not_found"));
    assert!(server.received_requests().await.unwrap()[1].headers.get("x-auth-apikey").is_none());
    for bad in ["", "x", "/a/../b", "/a//b", "/%2e", "/a?b", "//evil.example", "/a\n", "/.", "/a/"] {
        let error = client.raw(Method::GET, bad).send().await.unwrap_err();
        assert_eq!(error.argument().unwrap().argument, "path", "{bad}");
    }
    let error = client.raw(Method::TRACE, "/x").send().await.unwrap_err();
    assert_eq!(error.argument().unwrap().argument, "method");
    assert_eq!(server.received_requests().await.unwrap().len(), 2);
}

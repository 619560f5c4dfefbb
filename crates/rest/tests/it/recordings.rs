//! Calls that are recorded from a server and then answered without one.

mod matching;
mod secrets;

use crate::calls::{CreateOrder, ListOrders, ORDER, ReadPaper, ReadTable, credentials, get, millis};
use capecrypto_auth::{Clock, Credentials, Environment};
use capecrypto_rest::{
    Client, Kind, Outcome, RecordedCall, Recorder, Recording, RecordingError, Replay, TimeRange,
};
use http::Method;
use std::time::Duration;
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

pub(crate) fn recording_client(server: &MockServer, recorder: &Recorder) -> Client {
    let environment = Environment::local(&server.uri()).unwrap();
    Client::builder(environment).credentials(credentials()).record(recorder).build().unwrap()
}

/// A client that replays, with other credentials than those of the recording and for an exchange that does not exist.
pub(crate) fn replaying_client(replay: impl Into<Replay>) -> Client {
    let other = Credentials::new("another-key", "another-secret").unwrap();
    Client::builder(Environment::live()).credentials(other).replay(replay).build().unwrap()
}

/// Writes a recording to text and reads it again.
pub(crate) fn through_json(recorder: &Recorder) -> Recording {
    let recording = recorder.recording();
    let text = recording.to_json();
    let read = Recording::from_json(&text).unwrap();
    assert_eq!((&read, read.to_json()), (&recording, text));
    read
}

async fn answering(answers: Vec<ResponseTemplate>) -> MockServer {
    let server = MockServer::start().await;
    for answer in answers {
        Mock::given(any()).respond_with(answer).up_to_n_times(1).mount(&server).await;
    }
    server
}

fn json(status: u16, body: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_raw(body, "application/json")
}

fn all_of_bitcoin() -> ListOrders {
    let times = TimeRange::default().from(millis(1_999));
    ListOrders {
        market: Some("btczar".to_owned()),
        states: vec!["wait", "done"],
        times,
        ..ListOrders::default()
    }
}

#[tokio::test]
async fn what_a_server_said_is_said_again_when_it_is_gone() {
    let page = r#"[{"id":7,"market":"btczar","price":1.10000000000000000000000000010,"note":"é \" %"}]"#;
    let server = answering(vec![
        json(200, ORDER),
        json(200, page).insert_header("total", "31").insert_header("page", "1").insert_header("x-other", "1"),
        json(422, r#"{"errors":["market.order.create_error"]}"#),
        ResponseTemplate::new(204),
    ])
    .await;
    let recorder = Recorder::new();
    let client = recording_client(&server, &recorder);
    let talk = async |client: Client| {
        let order = client.send(CreateOrder::new()).await.unwrap();
        let list = client.reply(all_of_bitcoin()).await.unwrap();
        let refused = client.send(CreateOrder::new()).await.unwrap_err();
        let raw = client.raw(Method::DELETE, "/x").query("a", "b&c d").send().await.unwrap();
        let page = (list.value.total, list.value.page, list.value.to_vec());
        (order, page, refused.to_string(), refused.body().map(<[u8]>::to_vec), refused.outcome(), raw.status)
    };
    let first = talk(client).await;
    drop(server);
    let recording = through_json(&recorder);
    assert!(recording.to_json().contains("1.10000000000000000000000000010"), "{}", recording.to_json());
    let replay = Replay::new(recording);
    assert_eq!(talk(replaying_client(&replay)).await, first);
    assert!(replay.unused().is_empty());
}

#[tokio::test]
async fn an_answer_keeps_its_digits_and_of_its_headers_those_that_are_read() {
    let body = r#"{"price":1.50E+3,"id":12345678901234567890123,"z":1,"a":[1.0,{}]}"#;
    let answer = json(200, body).insert_header("set-cookie", "canary").insert_header("per-page", "5");
    let server = answering(vec![answer]).await;
    let recorder = Recorder::new();
    recording_client(&server, &recorder).raw(Method::GET, "/x").send().await.unwrap();
    let recording = through_json(&recorder);
    let reply = replaying_client(recording).raw(Method::GET, "/x").send().await.unwrap();
    assert_eq!(reply.body, body.as_bytes());
    let mut names: Vec<_> = reply.headers.keys().map(http::HeaderName::as_str).collect();
    names.sort_unstable();
    names.retain(|name| *name != "date");
    assert_eq!(names, ["content-type", "per-page"]);
}

#[tokio::test]
async fn each_attempt_is_an_entry_and_a_call_is_tried_again_in_a_replay_too() {
    let expired = json(401, r#"{"errors":["authz.nonce_expired"]}"#);
    let server =
        answering(vec![expired, json(201, ORDER), ResponseTemplate::new(502), json(200, ORDER)]).await;
    let recorder = Recorder::new();
    let talk = async |client: Client| {
        let placed = client.reply(CreateOrder::new()).await.unwrap();
        let read = client.reply(get("7")).await.unwrap();
        assert_eq!((placed.attempts, read.attempts), (2, 2));
    };
    talk(recording_client(&server, &recorder)).await;
    drop(server);
    talk(replaying_client(through_json(&recorder))).await;
    let recording = recorder.recording();
    let seen: Vec<_> = recording.calls().iter().map(|call| (call.call(), call.status())).collect();
    assert_eq!(seen, [("CreateOrder", 401), ("CreateOrder", 201), ("GetOrder", 502), ("GetOrder", 200)]);
}

#[tokio::test]
async fn a_table_is_written_out_from_a_recording() {
    const TABLE: &str = "id,note\n1,\"two\nlines\"\n2,b\n";
    let csv = ResponseTemplate::new(200).set_body_raw(TABLE, "text/csv; charset=utf-8");
    let server = answering(vec![csv]).await;
    let recorder = Recorder::new();
    let client = recording_client(&server, &recorder);
    let export = async |client: Client| {
        let mut out = Vec::new();
        let exported = client.export(ReadTable::default(), &mut out).await.unwrap();
        (exported.rows, exported.bytes, String::from_utf8(out).unwrap())
    };
    let first = export(client).await;
    assert_eq!((first.0, first.2.as_str()), (2, TABLE));
    assert_eq!(export(replaying_client(through_json(&recorder))).await, first);
}

#[tokio::test]
async fn bytes_that_are_no_text_are_replayed_as_zeros() {
    let server =
        answering(vec![ResponseTemplate::new(200).set_body_raw(vec![0, 159, 146], "image/png")]).await;
    let recorder = Recorder::new();
    recording_client(&server, &recorder).send(ReadPaper::default()).await.unwrap();
    let body = replaying_client(through_json(&recorder)).send(ReadPaper::default()).await.unwrap();
    assert_eq!((body.bytes.to_vec(), body.content_type.as_deref()), (vec![0, 0, 0], Some("image/png")));
}

#[tokio::test]
async fn of_other_text_the_shape_is_kept() {
    let html = "<html><a href=\"/canary\">canary</a></html>";
    let server = answering(vec![ResponseTemplate::new(400).set_body_raw(html, "text/html")]).await;
    let recorder = Recorder::new();
    recording_client(&server, &recorder).send(CreateOrder::new()).await.unwrap_err();
    let recording = through_json(&recorder);
    assert!(!recording.to_json().contains("canary"), "{}", recording.to_json());
    let error = replaying_client(recording).send(CreateOrder::new()).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::Unexpected, Outcome::Unknown));
}

#[cfg(feature = "multipart")]
#[tokio::test]
async fn a_form_is_recorded_by_its_fields_and_the_size_of_its_files() {
    use crate::params::SendPaper;
    use capecrypto_models::Upload;
    let paper = |name: &str, bytes: usize| {
        SendPaper::new("canary-uid", Upload::new(name, "image/jpeg", vec![b'c'; bytes])).kind("canary-kind")
    };
    let server = answering(vec![ResponseTemplate::new(204)]).await;
    let recorder = Recorder::new();
    let client = recording_client(&server, &recorder);
    client.send(paper("canary.jpg", 70_000)).await.unwrap();
    let recording = through_json(&recorder);
    let text = recording.to_json();
    assert!(text.contains("\"bytes\": 70000") && text.contains("doc_type"), "{text}");
    assert!(!text.contains("canary-kind") && !text.contains("canary.jpg") && !text.contains("ccc"), "{text}");
    let client = replaying_client(recording);
    let other = client.send(paper("other.jpg", 70_001)).await.unwrap_err();
    assert_eq!(other.kind(), Kind::NotRecorded);
    client.send(paper("canary.jpg", 70_000)).await.unwrap();
}

#[tokio::test]
async fn an_answer_can_be_written_by_hand() {
    let recording = Recording::new()
        .answer(Method::POST, "/api/v2/atlas/market/orders", 201, ORDER)
        .answer(Method::GET, "/api/v2/atlas/market/orders/9", 404, r#"{"errors":["record.not_found"]}"#)
        .with(
            RecordedCall::new(Method::GET, "/api/v2/atlas/account/table", 200)
                .header("Content-Type", "text/csv")
                .body("id\n1\n"),
        );
    let client = replaying_client(recording);
    assert_eq!(client.send(CreateOrder::new()).await.unwrap().id, 7);
    let error = client.send(get("9")).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::NotFound, Outcome::Refused));
    assert_eq!(client.export(ReadTable::default(), &mut Vec::new()).await.unwrap().rows, 1);
}

#[test]
fn a_replay_needs_no_network_and_no_certificates() {
    // A runtime without network, where opening a socket panics.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let recording = Recording::new().answer(Method::GET, "/api/v2/atlas/market/orders/7", 200, ORDER);
    let order = runtime.block_on(async { replaying_client(recording).send(get("7")).await.unwrap() });
    assert_eq!(order.id, 7);
    let bare = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let error = bare.block_on(async { replaying_client(Recording::new()).send(get("7")).await.unwrap_err() });
    assert_eq!(error.kind(), Kind::Config);
}

#[tokio::test]
async fn what_holds_with_a_connection_holds_without_one() {
    // Signed calls need credentials, arguments are checked, and a websocket is refused.
    let replay =
        Replay::new(Recording::new().answer(Method::GET, "/api/v2/atlas/market/orders/7", 200, ORDER));
    let nobody = Client::builder(Environment::live()).replay(&replay).build().unwrap();
    assert_eq!(nobody.send(get("7")).await.unwrap_err().kind(), Kind::Config);
    let client = replaying_client(&replay);
    let error = client.send(CreateOrder::new().post_only(false)).await.unwrap_err();
    assert_eq!(error.kind(), Kind::InvalidArgument);
    let upgrade = capecrypto_rest::Upgrade::new(crate::calls::STREAM, "/public");
    let error = client.upgrade(&upgrade).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::NotRecorded, Outcome::NotSent));
    assert_eq!(replay.unused().calls().len(), 1);
}

#[tokio::test]
async fn a_recorded_date_does_not_turn_the_clock() {
    let (clock, _time) = Clock::manual(1_700_000_000_000);
    let answer = |second: u32| {
        RecordedCall::new(Method::GET, "/api/v2/atlas/market/orders/7", 200)
            .header("date", &format!("Tue, 14 Nov 2023 22:00:0{second} GMT"))
            .body(ORDER)
    };
    let recording = Recording::new().with(answer(0)).with(answer(0)).with(answer(1));
    let nowhere = Environment::local("http://127.0.0.1:9").unwrap();
    let builder = Client::builder(nowhere).credentials(credentials()).clock(clock.clone());
    let client = builder.replay(recording).build().unwrap();
    for _ in 0..3 {
        let reply = client.reply(get("7")).await.unwrap();
        assert!(reply.headers.contains_key("date"));
    }
    assert_eq!(clock.now_ms(), 1_700_000_000_000);
}

#[test]
fn what_cannot_be_replayed_is_refused_with_its_number() {
    let good = || Recording::new().answer(Method::GET, "/x", 200, "");
    let call = || RecordedCall::new(Method::GET, "/x", 200);
    for (bad, word) in [
        (good().answer(Method::GET, "x", 200, ""), "slash"),
        (good().answer(Method::TRACE, "/x", 200, ""), "method"),
        (good().answer(Method::GET, "/x", 101, ""), "status"),
        (good().with(call().header("set-cookie", "a=b")), "set-cookie"),
        (good().with(call().header("total", "a\nb")), "total"),
    ] {
        let error = Client::builder(Environment::live()).replay(bad.clone()).build().unwrap_err().to_string();
        assert!(error.contains("entry 2") && error.contains(word), "{error}");
        let error = Recording::from_json(&bad.to_json()).unwrap_err();
        assert!(matches!(error, RecordingError::Entry { number: 2, .. }), "{error}");
    }
    let both = Client::builder(Environment::live()).record(&Recorder::new()).replay(good()).build();
    assert!(both.unwrap_err().to_string().contains("record and replay"));
    assert!(call().asking("{").unwrap_err().to_string().contains("JSON"));
}

#[test]
fn a_file_that_is_no_recording_says_what_it_is() {
    let read = |text: &str| Recording::from_json(text).unwrap_err().to_string();
    assert!(read("[]").contains("not a recording"));
    assert!(read(r#"{"format":2,"later":[]}"#).contains("format is 2"));
    assert!(read(r#"{"format":1,"calls":[{"method":"GET","path":"/x"}]}"#).contains("status"));
    let huge =
        r#"{"format":1,"calls":[{"method":"GET","path":"/x","status":200,"answer":{"bytes":999999999999}}]}"#;
    assert!(read(huge).contains("16 MiB"));
    let null = r#"{"format":1,"calls":[{"method":"GET","path":"/x","status":200,"answer":{"json":null}}]}"#;
    assert!(Recording::from_json(null).unwrap().to_json().contains("null"));
    let missing = Recording::load("no/such/file.json").unwrap_err().to_string();
    assert!(missing.contains("no/such/file.json") && missing.contains("check the path"), "{missing}");
}

#[test]
fn a_file_can_be_saved_and_loaded() {
    let path = std::env::temp_dir().join(format!("capecrypto-recording-{}.json", std::process::id()));
    let recording = Recording::new().answer(Method::GET, "/x?b=1&a=%20", 200, r#"{"b":1.10,"a":[]}"#);
    recording.save(&path).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(Recording::load(&path).unwrap(), recording);
    std::fs::remove_file(&path).unwrap();
    let expected = r#"{
  "format": 1,
  "calls": [
    {
      "method": "GET",
      "path": "/x",
      "query": [
        "b=1",
        "a= "
      ],
      "status": 200,
      "answer": {
        "json": {
          "b": 1.10,
          "a": []
        }
      }
    }
  ]
}
"#;
    assert_eq!(text, expected);
}

/// Recordings of a walk over pages, with an entry for each page.
#[tokio::test]
async fn pages_are_walked_in_a_replay() {
    let server = MockServer::start().await;
    Mock::given(wiremock::matchers::query_param("page", "2"))
        .respond_with(json(200, "[]"))
        .mount(&server)
        .await;
    Mock::given(any()).respond_with(json(200, &format!("[{ORDER}]"))).mount(&server).await;
    let recorder = Recorder::new();
    let client = recording_client(&server, &recorder);
    let walk = async |client: Client| {
        let mut items = client.items(ListOrders::default());
        let mut ids = Vec::new();
        while let Some(order) = items.try_next().await.unwrap() {
            ids.push(order.id);
        }
        ids
    };
    assert_eq!(walk(client).await, [7]);
    drop(server);
    let replay = Replay::new(through_json(&recorder));
    let walked = tokio::time::timeout(Duration::from_secs(5), walk(replaying_client(&replay))).await.unwrap();
    assert_eq!(walked, [7]);
    assert!(replay.unused().is_empty());
}

//! Which writes have an intent, what it says, and when it is open.

use crate::{
    calls::{CancelOrder, CreateOrder, Note, ORDER, TRADE, client_at, credentials, get},
    params::Pin,
};
use capecrypto_auth::Environment;
use capecrypto_models::{Arg, Sensitive, Upload};
use capecrypto_rest::{
    Builder, Client, Intent, IntentId, IntentLog, IntentLogError, IntentState, Kind, LogFuture,
    MemoryIntentLog, Nothing, Outcome, Timeouts, endpoints, object, request,
};
use http::Method;
use serde_json::json;
use std::{
    future::{pending, ready},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio::net::TcpListener;
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

endpoints! { TRADE signed; hints crate::hints::hint; probe crate::probe::Probe;
    POST "/pays/{wallet}" Pay -> Nothing, secrets("payee") facts unreviewed("the answer is not read");
    POST "/pays/{wallet}/paper" SendReceipt -> Nothing, multipart unreviewed("the answer is not read");
}

object! {
    /// What is paid with.
    pub struct Means {
        voucher_pin: String,
        name: String,
    }
}

request! {
    /// Pays.
    pub struct Pay {
        wallet: String,
        payee: String,
        code: Arg<Sensitive<Pin>>,
        means: Vec<Means>,
        callback: String,
        amount: u64,
    }
}

request! {
    /// Sends a receipt.
    pub struct SendReceipt {
        wallet: String,
        kind: String,
        upload: Upload,
    }
}

impl Pay {
    fn facts_of_intent(&self) -> Vec<(&'static str, String)> {
        vec![("payment_hash", format!("hash of {}", self.amount))]
    }
}

fn pay() -> Pay {
    let means = Means { voucher_pin: "canary-pin".to_owned(), name: "voucher".to_owned() };
    let callback = "https://example.com/?token=canary-token&page=1".to_owned();
    Pay::with("w-7".to_owned(), "canary-payee".to_owned(), "7700077".into(), vec![means], callback, 12)
}

pub(crate) fn builder(origin: &str, log: Arc<dyn IntentLog>) -> Builder {
    Client::builder(Environment::local(origin).unwrap()).credentials(credentials()).intent_log(log)
}

async fn answering(status: u16, body: &str) -> MockServer {
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(status).set_body_raw(body, "application/json");
    Mock::given(any()).respond_with(answer).mount(&server).await;
    server
}

/// The open intents.
pub(crate) async fn open(client: &Client) -> Vec<Intent> {
    client.intents().open().await.unwrap()
}

#[tokio::test]
async fn only_a_write_whose_end_is_not_known_stays_open() {
    for (status, body, stays) in [
        (201, ORDER, None),
        (422, r#"{"errors":["market.order.create_error"]}"#, None),
        (201, r#"{"id":7,"market":"btczar","rejected":true}"#, None),
        (500, "", Some(Kind::Server)),
        (201, r#"{"id":7,"market":"ethzar"}"#, Some(Kind::Mismatch)),
        (201, "{", Some(Kind::Decode)),
    ] {
        let server = answering(status, body).await;
        let client = client_at(&server.uri());
        let result = client.send(CreateOrder::new()).await;
        let open = open(&client).await;
        match stays {
            None => assert!(open.is_empty(), "{status} {body}: {open:?}"),
            Some(kind) => {
                let error = result.unwrap_err();
                assert_eq!((error.kind(), error.intent()), (kind, Some(open[0].id())), "{status} {body}");
                assert_eq!((open.len(), open[0].state()), (1, IntentState::Unknown), "{status} {body}");
                client.intents().close(open[0].id(), "looked up").await.unwrap();
                assert!(client.intents().open().await.unwrap().is_empty());
                let again = client.intents().close(open[0].id(), "").await.unwrap_err();
                assert!(again.to_string().contains("is not open; take the id"), "{again}");
            }
        }
    }
    // Not sent, because nobody listens.
    let client = client_at("http://127.0.0.1:1");
    let error = client.send(CreateOrder::new()).await.unwrap_err();
    assert_eq!((error.outcome(), error.intent(), open(&client).await.len()), (Outcome::NotSent, None, 0));
}

#[tokio::test]
async fn reads_and_idempotent_writes_have_no_intent_and_raw_writes_have_one() {
    let server = answering(500, "").await;
    let client = client_at(&server.uri());
    client.send(get("7")).await.unwrap_err();
    client.send(CancelOrder { id: "7".to_owned() }).await.unwrap_err();
    client.raw(Method::GET, "/api/v2/things").send().await.unwrap_err();
    client.raw(Method::PUT, "/api/v2/things").idempotent().send().await.unwrap_err();
    assert!(open(&client).await.is_empty());
    let raw = client.acting_as("CCT7").raw(Method::POST, "/api/v2/things");
    let body = json!({"secret": "canary", "ids": [1, 2], "of": {"name": "x"}});
    raw.query("dry", "no").query("otp", "canary").json(&body).send().await.unwrap_err();
    let intents = open(&client).await;
    let intent = &intents[0];
    assert_eq!((intents.len(), intent.call(), &*intent.path()), (1, "raw", "/api/v2/things"));
    assert_eq!((intent.acting_as(), intent.origin()), (Some("CCT7"), &*server.uri()));
    let arguments = intent.arguments();
    let arguments: Vec<_> = arguments.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let expected = [
        ("dry", "no"),
        ("otp", "[sensitive]"),
        ("ids[0]", "1"),
        ("ids[1]", "2"),
        ("of.name", "x"),
        ("secret", "[sensitive]"),
    ];
    assert_eq!(arguments, expected);
}

#[tokio::test]
async fn an_intent_has_the_arguments_and_facts_but_no_secret() {
    let server = answering(500, "").await;
    let log = Arc::new(MemoryIntentLog::new());
    let client = builder(&server.uri(), log.clone()).build().unwrap();
    client.send(pay()).await.unwrap_err();
    let intent = log.open().await.unwrap().remove(0);
    assert_eq!((intent.call(), &*intent.path()), ("Pay", "/api/v2/atlas/pays/w-7"));
    for (name, value) in [
        ("wallet", "w-7"),
        ("payee", "[sensitive]"),
        ("code", "[sensitive]"),
        ("means[0].voucher_pin", "[sensitive]"),
        ("means[0].name", "voucher"),
        ("callback", "https://example.com/?token=[sensitive]&page=1"),
        ("amount", "12"),
        ("payment_hash", "hash of 12"),
    ] {
        assert_eq!(intent.argument(name).as_deref(), Some(value), "{name}");
    }
    assert_eq!((intent.arguments().len(), intent.argument("other")), (8, None));
    let written = serde_json::to_string(&intent).unwrap();
    let debug = format!("{intent:?}");
    for text in [&written, &debug] {
        assert!(!text.contains("canary") && !text.contains("7700077"), "{text}");
    }
    // Values may be personal, so only names are printed.
    assert!(debug.contains("payment_hash") && !debug.contains("hash of"), "{debug}");
    let read: Intent = serde_json::from_str(&written).unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap(), written);
    assert_eq!(read.id().to_string().parse::<IntentId>(), Ok(intent.id()));
    assert!("7".parse::<IntentId>().is_err() && "+".repeat(32).parse::<IntentId>().is_err());
}

#[tokio::test]
async fn of_a_file_only_the_size_is_kept() {
    let server = answering(500, "").await;
    let client = client_at(&server.uri());
    let upload = Upload::new("canary.jpg", "image/jpeg", vec![7; 300]);
    let _unsent_without_the_feature =
        client.send(SendReceipt::with("w-7".to_owned(), "Receipt".to_owned(), upload)).await;
    if cfg!(feature = "multipart") {
        let intent = open(&client).await.remove(0);
        let arguments = intent.arguments().into_owned();
        let expected = [("wallet", "w-7"), ("kind", "Receipt"), ("upload", "a file of 300 bytes")];
        assert_eq!(arguments, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
}

#[tokio::test]
async fn a_dropped_call_leaves_its_intent_open() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = client_at(&format!("http://{}", listener.local_addr().unwrap()));
    let sending = client.clone();
    let call = tokio::spawn(async move { sending.send(CreateOrder::new()).await });
    let (socket, _) = listener.accept().await.unwrap();
    assert_eq!(open(&client).await.len(), 1, "it is open while it is sent");
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    drop(socket);
    let intents = open(&client).await;
    assert_eq!((intents.len(), intents[0].state()), (1, IntentState::Begun));
    assert_eq!(intents[0].argument("volume").as_deref(), Some("0.00001"));
}

#[tokio::test]
async fn memory_keeps_the_newest_thousand() {
    let server = answering(500, "").await;
    let log = Arc::new(MemoryIntentLog::new());
    let client = builder(&server.uri(), log.clone()).build().unwrap();
    client.send(CreateOrder::new()).await.unwrap_err();
    let first = log.open().await.unwrap().remove(0);
    let copy = |number: u128| -> Intent {
        let mut form = serde_json::to_value(&first).unwrap();
        form["id"] = format!("{number:032x}").into();
        serde_json::from_value(form).unwrap()
    };
    for number in 1..=1_024 {
        log.begin(copy(number)).await.unwrap();
    }
    let kept = log.open().await.unwrap();
    assert_eq!((kept.len(), kept[0].id(), kept[1_023].id()), (1_024, copy(1).id(), copy(1_024).id()));
}

/// A log that fails, or never answers.
#[derive(Debug)]
struct Broken {
    hangs: bool,
}

impl IntentLog for Broken {
    fn begin(&self, _: Intent) -> LogFuture<'_, ()> {
        if self.hangs {
            return Box::pin(pending());
        }
        Box::pin(ready(Err(IntentLogError::new("the disk is full"))))
    }
    fn end(&self, _: IntentId, _: Outcome) -> LogFuture<'_, ()> {
        Box::pin(ready(Err(IntentLogError::new("the disk is full"))))
    }
    fn open(&self) -> LogFuture<'_, Vec<Intent>> {
        Box::pin(ready(Ok(Vec::new())))
    }
    fn close<'a>(&'a self, _: IntentId, _: &'a str) -> LogFuture<'a, ()> {
        Box::pin(ready(Ok(())))
    }
}

/// A server that counts connections.
async fn counting() -> (String, Arc<AtomicU32>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let count = Arc::new(AtomicU32::new(0));
    let counter = count.clone();
    tokio::spawn(async move {
        while listener.accept().await.is_ok() {
            counter.fetch_add(1, Ordering::SeqCst);
        }
    });
    (origin, count)
}

#[tokio::test]
async fn nothing_is_sent_if_the_intent_cannot_be_kept() {
    for (hangs, why) in [(false, "the disk is full"), (true, "did not answer within 200ms")] {
        let (origin, connections) = counting().await;
        let timeouts = Timeouts::default().queue(Duration::from_millis(200));
        let client = builder(&origin, Arc::new(Broken { hangs })).timeouts(timeouts).build().unwrap();
        let error = client.send(CreateOrder::new()).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (Kind::IntentLog, Outcome::NotSent), "{error}");
        assert!(error.to_string().contains(why), "{error}");
        assert!(
            error.to_string().starts_with("CreateOrder (POST /market/orders): nothing was sent"),
            "{error}"
        );
        assert!(!error.is_safe_to_retry() && error.attempts() == 0);
        assert_eq!(connections.load(Ordering::SeqCst), 0);
        // A refused argument is told before the log is asked.
        let error = client.send(CreateOrder { note: Note("bad"), ..CreateOrder::new() }).await.unwrap_err();
        assert_eq!(error.kind(), Kind::InvalidArgument);
    }
}

/// A log that keeps the first note and fails at the end.
#[derive(Debug, Default)]
struct FailsAtTheEnd(MemoryIntentLog);

impl IntentLog for FailsAtTheEnd {
    fn begin(&self, intent: Intent) -> LogFuture<'_, ()> {
        self.0.begin(intent)
    }
    fn end(&self, _: IntentId, _: Outcome) -> LogFuture<'_, ()> {
        Box::pin(ready(Err(IntentLogError::new("the disk is full"))))
    }
    fn open(&self) -> LogFuture<'_, Vec<Intent>> {
        self.0.open()
    }
    fn close<'a>(&'a self, id: IntentId, note: &'a str) -> LogFuture<'a, ()> {
        self.0.close(id, note)
    }
}

#[tokio::test]
async fn a_result_is_told_even_if_its_end_cannot_be_kept() {
    let server = answering(201, ORDER).await;
    let client = builder(&server.uri(), Arc::new(FailsAtTheEnd::default())).build().unwrap();
    assert_eq!(client.send(CreateOrder::new()).await.unwrap().id, 7);
    assert_eq!(open(&client).await.len(), 1);
}

//! The receiver's answers.

use crate::callbacks::{BODY, NOW, PATH, headers, verifier};
use ::axum::{Router, routing::any};
use cabital::callbacks::{Callback, Incoming, MAX_BODY, Receiver};
use capecrypto_auth::{Clock, ManualTime};
use capecrypto_webhook::{
    Answer, Delivery, Handler, Inbox, MemoryStore, Notice, SqliteStore, Transaction, Worker,
};
use http::HeaderMap;
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use tower_service::Service as _;

/// A clock that stands still.
fn clock() -> (Clock, ManualTime) {
    Clock::manual(u64::try_from(NOW).unwrap() * 1_000)
}

fn signed(nonce: &str, body: &str) -> HeaderMap {
    headers("s3cr3t", &NOW.to_string(), nonce, "POST", body)
}

async fn receive(receiver: &Receiver, headers: &HeaderMap, body: &str) -> Answer {
    receiver.receive_delivery(&Delivery { method: "POST", path: PATH, headers, body: body.as_bytes() }).await
}

#[tokio::test]
async fn each_event_is_handled_once_and_a_failure_is_told() {
    let runs = Arc::new(AtomicU32::new(0));
    let seen = Arc::clone(&runs);
    let handler = move |incoming: Incoming| {
        let run = seen.fetch_add(1, Ordering::Relaxed) + 1;
        async move {
            assert_eq!(incoming.attempt, run);
            assert!(matches!(incoming.event, Callback::Connection(_)));
            if run == 1 { Err("the database is down") } else { Ok(()) }
        }
    };
    let receiver = Receiver::new(verifier(), Inbox::new(MemoryStore::new()), handler).clock(clock().0);
    let come = async |nonce| {
        let answer = receive(&receiver, &signed(nonce, BODY), BODY).await;
        (answer.status, answer.text)
    };
    assert_eq!(come("n-1").await, (503, "the handler has failed: send it again"));
    assert_eq!(come("n-2").await, (200, "handled"));
    assert_eq!(come("n-2").await, (200, "handled before"));
    assert_eq!(come("n-3").await, (200, "handled before"));
    assert_eq!(runs.load(Ordering::Relaxed), 2);
    assert!(!format!("{receiver:?}").contains("s3cr3t"));
}

#[tokio::test]
async fn what_is_refused_has_the_statuses_of_the_exchanges_receiver() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let tell = Arc::clone(&told);
    let handler = |_: Incoming| async { Ok::<(), &str>(()) };
    let receiver = Receiver::new(verifier(), Inbox::new(MemoryStore::new()), handler).clock(clock().0).on(
        move |notice| {
            if let Notice::Rejected(why) = notice {
                tell.lock().unwrap().push(why.to_string());
            }
        },
    );
    let come = async |headers: HeaderMap, body: &str| receive(&receiver, &headers, body).await.status;
    assert_eq!(come(HeaderMap::new(), BODY).await, 401);
    assert_eq!(come(signed("n-1", BODY), "{}").await, 401);
    assert_eq!(come(signed("n-1", "[]"), "[]").await, 400);
    let large = "x".repeat(MAX_BODY + 1);
    assert_eq!(come(signed("n-1", &large), &large).await, 413);
    let mut encoded = signed("n-1", BODY);
    encoded.insert("content-encoding", "gzip".parse().unwrap());
    assert_eq!(come(encoded, BODY).await, 400);
    let beginnings = [
        "the header ACCESS-KEY is missing",
        "the signature does not fit",
        "the body is not a JSON object",
        "the body has 1048577 bytes",
        "the body has a Content-Encoding",
    ];
    let told = told.lock().unwrap().clone();
    assert_eq!(told.len(), beginnings.len());
    for (why, beginning) in told.iter().zip(beginnings) {
        assert!(why.starts_with(beginning), "{why}");
    }
    assert_eq!(come(signed("n-1", BODY), BODY).await, 200, "a refused delivery uses nothing up");
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_takes_too_long_is_cut_off_and_another_one_is_not_started_beside_it() {
    let (clock, time) = clock();
    let handler = |incoming: Incoming| async move {
        if incoming.attempt == 1 {
            std::future::pending::<()>().await;
        }
        Ok::<(), &str>(())
    };
    let receiver = Receiver::new(verifier(), Inbox::new(MemoryStore::new()), handler).clock(clock);
    let (headers, other) = (signed("n-1", BODY), signed("n-2", BODY));
    let second = async {
        tokio::task::yield_now().await;
        receive(&receiver, &other, BODY).await
    };
    let (first, second) = tokio::join!(receive(&receiver, &headers, BODY), second);
    assert_eq!((first.status, second.status), (503, 503));
    assert!(second.text.starts_with("another delivery"), "{}", second.text);
    time.advance(Duration::from_secs(1));
    assert_eq!(receive(&receiver, &headers, BODY).await.text, "handled");
}

/// Writes each event into a table of the store, and fails or panics at first.
struct Books;

impl Handler<SqliteStore, Callback> for Books {
    type Error = &'static str;

    async fn handle(
        &self,
        incoming: Incoming,
        books: &mut Transaction<'_, SqliteStore>,
    ) -> Result<(), &'static str> {
        let key = incoming.key.as_str().to_owned();
        books
            .run(move |connection| connection.execute("INSERT INTO books VALUES (?1)", [key]))
            .await
            .map_err(|_| "the book is closed")?;
        match incoming.attempt {
            1 => Err("the bank is closed"),
            2 => panic!("a defect of the handler"),
            _ => Ok(()),
        }
    }
}

async fn sqlite() -> SqliteStore {
    let store = SqliteStore::open(":memory:").await.unwrap();
    store.run(|connection| connection.execute_batch("CREATE TABLE books (event TEXT)")).await.unwrap();
    store
}

async fn booked(store: &SqliteStore) -> u32 {
    let count = "SELECT COUNT(*) FROM books";
    store.run(|connection| connection.query_row(count, [], |row| row.get(0))).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_writes_with_the_stores_transaction_and_its_panic_is_one_failure() {
    let store = sqlite().await;
    let receiver = Receiver::new(verifier(), Inbox::new(store.clone()), Books).clock(clock().0);
    for (nonce, expected) in [("n-1", 503), ("n-2", 503), ("n-3", 200), ("n-4", 200)] {
        assert_eq!(receive(&receiver, &signed(nonce, BODY), BODY).await.status, expected, "{nonce}");
        assert_eq!(booked(&store).await, u32::from(expected == 200));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_handles_what_a_queued_receiver_has_kept() {
    let store = sqlite().await;
    let inbox = Arc::new(Inbox::new(store.clone()).backoff(Duration::ZERO, Duration::ZERO));
    let worker = Worker::new(inbox.clone(), Books).clock(clock().0).poll_every(Duration::from_millis(10));
    let receiver = Receiver::queued(verifier(), inbox).clock(clock().0).wakes(&worker.bell());
    for (nonce, text) in [("n-1", "kept"), ("n-2", "kept before")] {
        let Answer { status, text: answered, .. } = receive(&receiver, &signed(nonce, BODY), BODY).await;
        assert_eq!((status, answered), (200, text));
    }
    let done = async {
        while booked(&store).await == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let within =
        async { tokio::time::timeout(Duration::from_secs(20), done).await.expect("nothing is booked") };
    let drained = worker.run_until(within).await.unwrap();
    assert_eq!((drained.finished, drained.failed, booked(&store).await), (1, 2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_server_takes_the_methods_that_cabital_sends() {
    let handler = |_: Incoming| async { Ok::<(), &str>(()) };
    let receiver = Receiver::new(verifier(), Inbox::new(MemoryStore::new()), handler).clock(clock().0);
    let mut app: Router = Router::new().nest("/cabital", Router::new().route("/events", any(receiver)));
    for (method, expected) in [("POST", 200), ("PUT", 200), ("GET", 405), ("DELETE", 405)] {
        let mut request = http::Request::builder().method(method).uri(PATH);
        *request.headers_mut().unwrap() = headers("s3cr3t", &NOW.to_string(), method, method, BODY);
        let answer = app.call(request.body(::axum::body::Body::from(BODY)).unwrap()).await.unwrap();
        assert_eq!(answer.status(), expected, "{method}");
        let allow = answer.headers().get("allow").map(|allow| allow.to_str().unwrap());
        assert_eq!(allow, (expected == 405).then_some("POST, PUT"));
    }
}

#[test]
fn both_spellings_may_stand_in_one_body_unless_amounts_differ() {
    let body = |more: &str| {
        format!(
            r#"{{"transfer_id":"4c416854-8970-4838-99ad-febc437ac81d",{more},"symbol":"EUR","direction":"debit",
                "created_at":1633445162,"status":"PROCESSING"}}"#
        )
    };
    let read = |more: &str| Callback::from_json(body(more).as_bytes());
    for more in [
        r#""amount":"5""#,
        r#""instructed_amount":"5""#,
        r#""amount":"5","instructed_amount":"5.00""#,
        r#""instructed_amount":5,"amount":"5""#,
        r#""amount":"5","instructed_amount":null"#,
        r#""amount":"5","account_id":"6d92e7b4-715c-4ce3-a028-19f1c8c9fa6c","account_uuid":"6d92e7b4-715c-4ce3-a028-19f1c8c9fa6c""#,
    ] {
        let Ok(Callback::Transfer(event)) = read(more) else { panic!("{more}: {:?}", read(more)) };
        assert_eq!(event.amount, capecrypto_models::dec!(5), "{more}");
    }
    for more in [
        r#""amount":"5","instructed_amount":"6""#,
        r#""amount":null"#,
        r#""amount":"5","account_id":"6d92e7b4-715c-4ce3-a028-19f1c8c9fa6c","account_uuid":"7d92e7b4-715c-4ce3-a028-19f1c8c9fa6c""#,
    ] {
        assert!(read(more).is_err(), "{more}");
    }
    let both = BODY.replace(r#""staus":"MATCHED""#, r#""staus":"MATCHED","status":"CREATED""#);
    let Ok(Callback::Connection(event)) = Callback::from_json(both.as_bytes()) else { panic!("{both}") };
    assert_eq!(event.status, "MATCHED");
    let detail =
        r#"{"account_status":"CREATED","match_status":"MATCHED","otp_ready":true,"email_address":"a@b.c"}"#;
    let detail: cabital::models::AccountDetail = serde_json::from_str(detail).unwrap();
    assert_eq!(detail.status, "MATCHED");
}

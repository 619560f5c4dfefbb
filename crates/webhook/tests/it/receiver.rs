//! The plain function: what is answered, and what becomes of the event.

use crate::{
    queue_store::{Fault, QueueStore},
    shop::{Act, Log, SECRET, Shop, Told, clock, start, verifier},
};
use capecrypto_models::WebhookEvent;
use capecrypto_webhook::{
    Answer, HEADER, Handler, Inbox, Incoming, MAX_BODY, MemoryStore, Notice, Receiver, SqliteError,
    SqliteStore, Taken, Transaction, rusqlite, testing,
    testing::{Delivery, Sample},
};
use std::{
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

const KEY: &str = "payment_reference.completed/PAY-ABC123/456";

/// A receiver, and what can be seen of it.
struct Stall {
    receiver: Receiver,
    inbox: Arc<Inbox<QueueStore>>,
    shop: Shop,
    told: Told,
    time: capecrypto_auth::ManualTime,
}

impl Stall {
    fn of(inbox: Inbox<QueueStore>, shop: Shop) -> Self {
        let (inbox, told, (clock, time)) = (Arc::new(inbox), Told::default(), clock());
        let receiver = Receiver::new(verifier(), inbox.clone(), shop.clone());
        Self { receiver: receiver.clock(clock).on(told.observer()), inbox, shop, told, time }
    }

    fn acting(acts: impl IntoIterator<Item = Act>) -> Self {
        Self::of(Inbox::new(QueueStore::default()), Shop::acting(acts))
    }

    async fn deliver(&self, sample: &Sample) -> Answer {
        let Delivery { body, header, .. } = sample.signed(SECRET);
        self.receiver.receive([header.unwrap().as_bytes()], body.as_bytes()).await
    }

    async fn status(&self) -> u16 {
        self.deliver(&testing::completed()).await.status
    }
}

#[tokio::test]
async fn a_body_that_is_no_event_is_refused_and_not_handled() {
    let stall = Stall::acting([]);
    let signed = |body: &[u8]| testing::sign(SECRET, body);
    let completed = testing::completed().body();
    let good = signed(completed.as_bytes());
    let receive = async |values: &[&str], body: &[u8]| {
        let values = values.iter().map(|value| value.as_bytes());
        stall.receiver.receive(values, body).await
    };
    let spaced = completed.replace("\":", "\": ");
    let gzip = b"\x1f\x8b\x08\x00\x00\x00\x00\x00".as_slice();
    let large = vec![b' '; MAX_BODY + 1];
    for (expected, values, body) in [
        (401, vec![], completed.as_bytes()),
        (401, vec![&*good, &*good], completed.as_bytes()),
        (401, vec![""], completed.as_bytes()),
        (401, vec![&*signed(b"x")], completed.as_bytes()),
        // Parsed and written again.
        (401, vec![&*good], spaced.as_bytes()),
        (401, vec![&*good], gzip),
        (400, vec![&*signed(gzip)], gzip),
        (400, vec![&*signed(b"")], b""),
        (400, vec![&*signed(b"\xff{}")], b"\xff{}"),
        (400, vec![&*signed(b"paid=1")], b"paid=1"),
        (400, vec![&*signed(b"[]")], b"[]"),
        (413, vec![&*signed(&large)], &*large),
    ] {
        let answer = receive(&values, body).await;
        assert_eq!((answer.status, answer.text), (expected, "refused"), "{} bytes", body.len());
        assert_eq!(stall.told.take(), [format!("rejected {expected}")]);
    }
    assert_eq!((stall.shop.given().len(), stall.inbox.store().asked()), (0, 0));

    // With the types of `http`, a header tells that the body is compressed.
    let delivery = testing::completed().signed(SECRET);
    for (encoding, status) in [("gzip", 400), ("identity, gzip", 400), ("", 400), ("Identity", 200)] {
        let mut headers = delivery.headers();
        headers.insert("content-encoding", encoding.parse().unwrap());
        let answer = stall.receiver.receive_request(&headers, delivery.body.as_bytes()).await;
        assert_eq!(answer.status, status, "{encoding:?}");
    }
    assert!(delivery.headers().contains_key(HEADER));
}

#[tokio::test]
async fn it_is_answered_200_once_its_handler_has_finished() {
    let stall = Stall::acting([Act::Fail("no stock"), Act::Finish]);
    assert_eq!(stall.status().await, 503);
    assert_eq!(stall.told.take(), ["started 1", r#"failed 1 Error("no stock")"#]);
    assert_eq!(stall.inbox.store().effects(), Vec::<String>::new(), "undone");
    assert_eq!((stall.status().await, stall.status().await), (200, 200));
    assert_eq!(stall.told.take(), ["started 2", "finished 2", &format!("duplicate {KEY}")]);
    assert_eq!(stall.inbox.store().effects(), [KEY]);
    // The same event with another time.
    assert_eq!(stall.deliver(&testing::completed().at(start())).await.text, "handled before");
    assert_eq!(stall.shop.given().len(), 2);
}

#[tokio::test]
async fn an_event_that_fails_too_often_is_dead_until_somebody_retries_it() {
    let stall = Stall::of(Inbox::new(QueueStore::default()).attempts(2), Shop::acting([Act::Fail("no"); 2]));
    assert_eq!((stall.status().await, stall.status().await), (503, 503));
    assert_eq!(stall.told.take()[2..], ["started 2", r#"failed 2 Error("no"), the last"#]);
    assert_eq!(stall.status().await, 503);
    assert_eq!(stall.told.take(), [format!("dead {KEY}")]);
    let dead = stall.inbox.dead(9).await.unwrap();
    assert_eq!((dead.len(), dead[0].reason.as_deref()), (1, Some("no")));
    assert!(stall.inbox.retry(&dead[0].key).await.unwrap());
    assert_eq!(stall.status().await, 200);
}

#[tokio::test]
async fn an_event_that_is_too_old_is_answered_200_and_told() {
    let stall = Stall::acting([]);
    stall.time.advance(Duration::from_secs(73 * 3600));
    let answer = stall.deliver(&testing::completed()).await;
    assert_eq!((answer.status, answer.text), (200, "too old"));
    assert_eq!(stall.told.take(), ["stale payment_reference.completed of 2025-01-17T10:05:00Z"]);
    assert!(stall.shop.given().is_empty());
}

#[tokio::test]
async fn an_unknown_event_reaches_the_handler_whole() {
    let stall = Stall::acting([]);
    let sample = testing::named("order.filled").with("n", "0012").with("deep", vec![1, 2]);
    assert_eq!(stall.deliver(&sample).await.status, 200);
    let incoming = stall.shop.incoming();
    let WebhookEvent::Unknown(event) = &incoming[0].event else { panic!("known") };
    assert_eq!((event.name(), event.json()), ("order.filled", &*sample.body()));
    assert!(!incoming[0].recovered && incoming[0].attempt == 1 && incoming[0].known.is_empty());
}

#[tokio::test]
async fn the_handler_learns_what_came_before() {
    let stall = Stall::acting([]);
    assert_eq!(stall.status().await, 200);
    assert_eq!(stall.deliver(&testing::deposit_matched()).await.status, 200);
    let known = &stall.shop.incoming()[1].known;
    assert_eq!((known.len(), known[0].key.as_str(), known[0].finished), (1, KEY, true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_fifty_deliveries_at_once_one_is_handled() {
    for round in 0..20 {
        let handled = Arc::new(AtomicUsize::new(0));
        let count = handled.clone();
        let handler = move |_: Incoming| {
            let count = count.clone();
            async move {
                tokio::task::yield_now().await;
                count.fetch_add(1, Ordering::SeqCst);
                Ok::<(), String>(())
            }
        };
        let receiver = Receiver::new(verifier(), Inbox::new(MemoryStore::new()), handler).clock(clock().0);
        let delivery = testing::completed().signed(SECRET);
        let deliveries: Vec<_> = (0..50)
            .map(|_| tokio::spawn(receiver.receive_request(&delivery.headers(), delivery.body.as_bytes())))
            .collect();
        let mut finished = 0;
        for delivery in deliveries {
            match delivery.await.unwrap() {
                Answer { status: 200, .. } => finished += 1,
                answer => assert_eq!(answer.text, "another delivery of it is being handled: send it again"),
            }
        }
        assert_eq!(handled.load(Ordering::SeqCst), 1, "round {round}");
        assert!(finished >= 1, "round {round}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_takes_too_long_is_cut_off() {
    let stall = Stall::acting([Act::Hang, Act::Sleep(Duration::from_secs(9))]);
    let began = tokio::time::Instant::now();
    assert_eq!(stall.status().await, 503);
    assert_eq!(began.elapsed().as_secs(), 10);
    assert_eq!((stall.shop.running(), stall.inbox.store().effects().len()), (0, 0), "dropped and undone");
    assert_eq!(stall.told.take(), ["started 1", "failed 1 Deadline(10s)"]);
    // It can be handled again at once.
    assert_eq!(stall.status().await, 200);

    // The lease is shorter than the deadline.
    let inbox = Inbox::new(QueueStore::default()).lease(Duration::from_secs(4)).attempts(1);
    let stall = Stall::of(inbox, Shop::acting([Act::Hang]));
    assert_eq!(stall.status().await, 503);
    assert_eq!(stall.told.take(), ["started 1", "failed 1 Deadline(3s), the last"]);
    assert_eq!(stall.inbox.dead(1).await.unwrap()[0].reason.as_deref(), Some("deadline"));
}

#[tokio::test(start_paused = true)]
async fn another_delivery_of_a_running_event_is_answered_503() {
    let stall = Stall::acting([Act::Sleep(Duration::from_secs(5))]);
    let (first, second) = tokio::join!(stall.status(), stall.status());
    assert_eq!((first, second), (200, 503));
    assert_eq!(stall.told.take()[1], format!("running {KEY} until 2025-01-17T10:35:00Z"));
    assert_eq!(stall.shop.given().len(), 1);
}

/// As if the handler had blocked its thread for longer than the lease, and another delivery had come meanwhile.
#[tokio::test]
async fn a_handler_that_has_lost_its_event_is_logged_with_the_cause() {
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());
    let (inbox, told) = (Arc::new(Inbox::new(QueueStore::default())), Told::default());
    let other = inbox.clone();
    let handler = move |incoming: Incoming| {
        let other = other.clone();
        async move {
            let late = start().checked_add(Duration::from_secs(301)).unwrap();
            let taken = other.recover(&incoming.event, &incoming.key, late).await.unwrap();
            assert!(matches!(taken, Taken::Run(_)));
            Ok::<(), std::io::Error>(())
        }
    };
    let receiver = Receiver::new(verifier(), inbox, handler).clock(clock().0).on(told.observer());
    let delivery = testing::completed().signed(SECRET);
    let answer = receiver.receive_request(&delivery.headers(), delivery.body.as_bytes()).await;
    assert_eq!((answer.status, answer.text), (503, "the handler took too long: send it again"));
    assert_eq!(told.take(), ["started 1", "lost 1"]);
    let [line] = &*log.lines("longer than the lease") else { panic!("{}", log.text()) };
    assert!(line.contains("blocked its thread") && line.contains("clocks") && line.contains(KEY), "{line}");
}

#[tokio::test]
async fn a_panic_of_the_handler_is_a_failure() {
    let stall = Stall::acting([Act::Panic, Act::PanicAtOnce]);
    assert_eq!((stall.status().await, stall.status().await), (503, 503));
    assert_eq!(stall.told.take(), ["started 1", "failed 1 Panic", "started 2", "failed 2 Panic"]);
    assert!(stall.inbox.store().effects().is_empty());
    assert_eq!((stall.status().await, stall.inbox.store().effects().len()), (200, 1));
}

#[tokio::test]
async fn a_panic_of_the_observer_changes_nothing() {
    let receiver = Receiver::new(verifier(), Inbox::new(QueueStore::default()), Shop::default());
    let receiver = receiver.clock(clock().0).on(|_| panic!("an observer that panics"));
    let delivery = testing::completed().signed(SECRET);
    let receive = || receiver.receive_request(&delivery.headers(), delivery.body.as_bytes());
    assert_eq!((receive().await.text, receive().await.text), ("handled", "handled before"));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_down_is_answered_503_and_told_once_a_minute() {
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());
    let stall = Stall::acting([]);
    stall.inbox.store().break_it(Fault::Down);
    for _ in 0..150 {
        assert_eq!(stall.status().await, 503);
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    let told = log.lines("store is down");
    let failures: Vec<&str> =
        told.iter().map(|line| line.split("failures=").nth(1).unwrap().split(' ').next().unwrap()).collect();
    assert_eq!(failures, ["1", "60", "60"], "{told:?}");
    assert!(told[0].contains("the database is gone") && told[0].starts_with("ERROR"), "{told:?}");
    assert_eq!(stall.told.take(), vec!["down: the database is gone"; 150]);
    assert!(stall.shop.given().is_empty());

    stall.inbox.store().break_it(Fault::None);
    assert_eq!((stall.status().await, stall.status().await), (200, 200));
    assert_eq!(log.lines("works again").len(), 1);
    assert!(log.lines("works again")[0].contains("failures=29"));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_does_not_answer_or_panics_is_down() {
    for (fault, error, seconds) in [
        (Fault::Silent, "down: the store did not answer within 5000 ms", 5),
        (Fault::Panics, "down: the code of the store panicked", 0),
    ] {
        let stall = Stall::acting([]);
        stall.inbox.store().break_it(fault);
        let began = tokio::time::Instant::now();
        assert_eq!((stall.status().await, began.elapsed().as_secs()), (503, seconds));
        assert_eq!(stall.told.take(), [error]);
        stall.inbox.store().break_it(Fault::None);
        assert_eq!(stall.status().await, 200);
    }
}

#[tokio::test]
async fn an_end_that_cannot_be_kept_is_answered_503() {
    let stall = Stall::acting([]);
    stall.inbox.store().break_it(Fault::EndsFail);
    assert_eq!(stall.status().await, 503);
    assert_eq!(stall.told.take(), ["started 1", "down: the database is gone"]);
    assert_eq!(stall.inbox.store().effects().len(), 0);
    // It is given again after the lease.
    stall.inbox.store().break_it(Fault::None);
    assert_eq!(stall.status().await, 503);
    stall.time.advance(Duration::from_secs(300));
    assert_eq!((stall.status().await, stall.inbox.store().effects().len()), (200, 1));
}

#[tokio::test]
async fn a_delivery_that_is_dropped_is_given_again_after_its_lease() {
    let stall = Stall::acting([Act::Hang]);
    {
        let sample = testing::completed();
        let mut delivery = pin!(stall.deliver(&sample));
        while stall.shop.given().is_empty() {
            assert!(delivery.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        }
    }
    assert_eq!(stall.shop.running(), 0);
    assert_eq!(stall.status().await, 503);
    stall.time.advance(Duration::from_secs(300));
    assert_eq!(stall.status().await, 200);
    assert_eq!((stall.shop.incoming()[1].attempt, stall.inbox.store().effects().len()), (2, 1));
}

#[test]
fn without_a_runtime_it_answers_503() {
    let stall = Stall::acting([]);
    let delivery = pin!(stall.deliver(&testing::completed())).poll(&mut Context::from_waker(Waker::noop()));
    let Poll::Ready(answer) = delivery else { panic!("it waits") };
    assert_eq!(answer.status, 503);
    assert!(stall.told.take()[0].contains("no tokio runtime with timers"));
}

#[tokio::test]
async fn a_queued_delivery_is_answered_200_once_it_lies_in_the_store() {
    let (inbox, told, (clock, time)) =
        (Arc::new(Inbox::new(QueueStore::default())), Told::default(), clock());
    let receiver = Receiver::queued(verifier(), inbox.clone()).clock(clock).on(told.observer());
    let receive = async |sample: &Sample| {
        let delivery = sample.signed(SECRET);
        receiver.receive_request(&delivery.headers(), delivery.body.as_bytes()).await
    };
    inbox.store().break_it(Fault::Down);
    assert_eq!(receive(&testing::completed()).await.status, 503);
    inbox.store().break_it(Fault::None);
    for text in ["kept", "kept before"] {
        let answer = receive(&testing::completed()).await;
        assert_eq!((answer.status, answer.text), (200, text));
    }
    let expected = ["down: the database is gone", &format!("queued {KEY}"), &format!("duplicate {KEY}")];
    assert_eq!(told.take(), expected);
    let (event, work) = inbox.next(start()).await.unwrap().unwrap();
    assert_eq!(event, testing::completed().event().unwrap());
    let _ = work.finish(start()).await.unwrap();
    assert_eq!(receive(&testing::completed()).await.text, "kept before");

    time.advance(Duration::from_secs(73 * 3600));
    assert_eq!(receive(&testing::failed()).await.text, "too old");
    assert!(inbox.next(start()).await.unwrap().is_none());
    let mut wrong = testing::completed().signed("another");
    assert_eq!(receiver.receive_request(&wrong.headers(), wrong.body.as_bytes()).await.status, 401);
    wrong.header = None;
    assert_eq!(receiver.receive_request(&wrong.headers(), wrong.body.as_bytes()).await.status, 401);
}

/// Notes each event in a table of its own.
struct Till;

impl Handler<SqliteStore> for Till {
    type Error = SqliteError;

    async fn handle(
        &self,
        incoming: Incoming,
        transaction: &mut Transaction<'_, SqliteStore>,
    ) -> Result<(), SqliteError> {
        let key = incoming.key.to_string();
        let fails = incoming.attempt == 1;
        transaction.run(move |connection| connection.execute("INSERT INTO paid VALUES (?1)", [key])).await?;
        if fails { Err(SqliteError::NoRuntime) } else { Ok(()) }
    }
}

#[tokio::test]
async fn a_handler_writes_with_the_transaction_of_a_database() {
    let store = SqliteStore::open(":memory:").await.unwrap();
    store.run(|connection| connection.execute_batch("CREATE TABLE paid (event TEXT)")).await.unwrap();
    let inbox = Arc::new(Inbox::new(store));
    let receiver = Receiver::new(verifier(), inbox.clone(), Till).clock(clock().0);
    let delivery = testing::completed().signed(SECRET);
    for text in ["the handler has failed: send it again", "handled", "handled before"] {
        let answer = receiver.receive_request(&delivery.headers(), delivery.body.as_bytes()).await;
        assert_eq!(answer.text, text);
    }
    let count = |connection: &rusqlite::Connection| {
        connection.query_row("SELECT count(*) FROM paid", [], |row| row.get::<_, i64>(0))
    };
    assert_eq!(inbox.store().run(count).await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn neither_log_nor_debug_shows_a_secret_or_a_body() {
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());
    let printed = Arc::new(Mutex::new(String::new()));
    let acts = [Act::Fail("canary-reason"), Act::Panic, Act::Hang, Act::Finish];
    let stall = Stall::of(Inbox::new(QueueStore::default()).attempts(4), Shop::acting(acts));
    let print = printed.clone();
    let receiver = stall.receiver.clone().on(move |notice| {
        // The reason is the program's own.
        if !matches!(notice, Notice::Failed { .. }) {
            print.lock().unwrap().push_str(&format!("{notice:?}\n"));
        }
    });
    let samples = [
        testing::completed().with("canary-field", "canary-value").with("invoice", "canary-invoice"),
        testing::named("order.filled").with("pin", "canary-pin"),
        testing::completed().with("deposit_id", "canary-id"),
    ];
    for sample in &samples {
        for _ in 0..5 {
            let delivery = sample.signed(SECRET);
            let _ = receiver.receive_request(&delivery.headers(), delivery.body.as_bytes()).await;
            let forged = sample.plain_text(SECRET).unwrap();
            let _ = receiver.receive_request(&forged.headers(), forged.body.as_bytes()).await;
        }
    }
    stall.inbox.store().break_it(Fault::Down);
    let _ = stall.deliver(&samples[0]).await;
    stall.time.advance(Duration::from_secs(100 * 3600));
    stall.inbox.store().break_it(Fault::None);
    let _ = stall.deliver(&testing::failed().with("error", "canary-error")).await;
    let log = log.text();
    for wanted in ["span webhook", "has failed", "was handled", "were refused", "store is down", "too old"] {
        assert!(log.contains(wanted), "{wanted}: {log}");
    }
    assert!(!log.contains("canary"), "{log}");
    let printed = printed.lock().unwrap().clone() + &format!("{receiver:?}");
    assert!(printed.contains("Duplicate") && !printed.contains("canary"), "{printed}");
}

/// Whoever can reach the address can send forged deliveries all the time.
#[tokio::test(start_paused = true)]
async fn what_is_lost_is_logged_also_among_forged_deliveries() {
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());
    let acts = [Act::Fail("no"), Act::Panic];
    let stall = Stall::of(Inbox::new(QueueStore::default()).attempts(2), Shop::acting(acts));
    let forged = testing::completed().signed("another secret");
    for _ in 0..3 {
        let _ = stall.receiver.receive_request(&forged.headers(), forged.body.as_bytes()).await;
        let digits = "0.123456789012345678901234567890";
        assert_eq!(stall.deliver(&testing::deposit_matched().with("amount", digits)).await.status, 400);
        assert_eq!(stall.deliver(&testing::completed()).await.status, 503);
    }
    let errors = log.lines("ERROR");
    let [unreadable, last] = errors.as_slice() else { panic!("{errors:?}") };
    for wanted in ["deliveries=1", "status=400", "`amount` cannot be read", "look them up"] {
        assert!(unreadable.contains(wanted), "{wanted}: {unreadable}");
    }
    for wanted in [KEY, "attempt=2", "why=\"panic\"", "for the last time", "Inbox::retry"] {
        assert!(last.contains(wanted), "{wanted}: {last}");
    }
    // Somebody looks at the address, or a check of a proxy does.
    for _ in 0..3 {
        let looked = Delivery { header: None, ..testing::completed().signed(SECRET) };
        assert_eq!(stall.receiver.receive_request(&looked.headers(), b"").await.status, 401);
    }
    let refused = log.lines("were refused");
    let [wrong, missing] = refused.as_slice() else { panic!("{refused:?}") };
    assert!(
        wrong.contains("fits none of the secrets") && missing.contains("there is no header"),
        "{refused:?}"
    );
    assert_eq!(log.lines("has failed").len(), 2);
    tokio::time::advance(Duration::from_secs(61)).await;
    let _ = stall.deliver(&testing::deposit_matched().without("amount")).await;
    assert!(log.lines("cannot be read")[1].contains("deliveries=3"), "{}", log.text());
}

#[tokio::test]
async fn the_secret_that_fits_is_told_so_that_an_old_one_can_be_removed() {
    let named = Arc::new(Mutex::new(Vec::new()));
    let told = named.clone();
    let verifier = verifier().also("2027", "the next one").unwrap();
    let receiver = Receiver::new(verifier, Inbox::new(MemoryStore::new()), |_: Incoming| async {
        Ok::<(), std::io::Error>(())
    });
    let receiver = receiver.clock(clock().0).on(move |notice| {
        if let Notice::Verified { key, secret_name } = notice {
            told.lock().unwrap().push((key.to_string(), secret_name.map(str::to_owned)));
        }
    });
    for secret in ["the next one", SECRET, "neither"] {
        let delivery = testing::completed().signed(secret);
        let _ = receiver.receive_request(&delivery.headers(), delivery.body.as_bytes()).await;
    }
    let key = "payment_reference.completed/PAY-ABC123/456".to_owned();
    let expected = ["2027", "2026"].map(|name| (key.clone(), Some(name.to_owned())));
    assert_eq!(*named.lock().unwrap(), expected);
}

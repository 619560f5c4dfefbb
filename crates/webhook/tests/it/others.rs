//! Another sender than the exchange, in the same inboxes, receivers and workers.

use crate::{
    queue_store::QueueStore,
    shop::{Log, clock, start},
};
use ::axum::{Router, body::Body, routing::any};
use capecrypto_models::Timestamp;
use capecrypto_webhook::{
    Answer, Delivery, Ended, Event, EventKey, Inbox, Incoming, MemoryStore, Receiver, Rejection, Sender,
    Taken, Verified, Worker,
};
use http::{HeaderMap, Request};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tower_service::Service as _;

/// An event of a bank: its body is a number.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Booking(u64);

impl Event for Booking {
    fn from_kept(json: &str) -> Result<Self, String> {
        json.parse().map(Self).map_err(|_| "it is not a number".to_owned())
    }
}

/// It signs with the path.
#[derive(Debug)]
struct Bank;

impl Sender for Bank {
    type Event = Booking;

    const METHODS: &'static [&'static str] = &["POST", "PUT"];

    fn check(&self, delivery: &Delivery<'_>, now: Timestamp) -> Result<Verified<Booking>, Rejection> {
        if delivery.path != "/bank/bookings?all" {
            return Err(Rejection::Other { status: 401, why: "the path is not the bank's".into() });
        }
        let text = std::str::from_utf8(delivery.body).map_err(|_| Rejection::NotUtf8)?;
        let booking =
            Booking::from_kept(text).map_err(|why| Rejection::Other { status: 400, why: why.into() })?;
        Ok(verified(booking.0, Some(now)))
    }
}

fn verified(number: u64, time: Option<Timestamp>) -> Verified<Booking> {
    let text = number.to_string();
    Verified::new(Booking(number), EventKey::other("bank.booking", &[&text]), time, &text)
}

fn after(seconds: u64) -> Timestamp {
    start().checked_add(Duration::from_secs(seconds)).unwrap()
}

#[tokio::test]
async fn an_event_of_another_sender_is_given_once() {
    let inbox = Inbox::new(MemoryStore::new());
    let booking = verified(7, Some(after(0)));
    let take = async |now| inbox.take(&booking, now).await.unwrap();
    let Taken::Run(work) = take(after(1)).await else { panic!("it is new") };
    assert!(matches!(take(after(2)).await, Taken::Running(_)));
    assert_eq!(work.fail("the bank is closed", after(3)).await.unwrap(), Ended::Kept);
    let Taken::Run(work) = take(after(4)).await else { panic!("it has failed once") };
    assert_eq!((work.attempt(), work.finish(after(5)).await.unwrap()), (2, Ended::Kept));
    assert!(matches!(take(after(6)).await, Taken::Finished));
}

#[tokio::test]
async fn one_that_is_older_than_keys_are_kept_is_stale() {
    let inbox = Inbox::new(MemoryStore::new());
    let late = after(4 * 24 * 3_600);
    let taken = inbox.take(&verified(7, Some(after(0))), late).await.unwrap();
    assert!(matches!(taken, Taken::Stale(time) if time == after(0)));
    assert!(matches!(inbox.take(&verified(7, None), late).await.unwrap(), Taken::Run(_)));
}

#[tokio::test]
async fn a_server_gives_the_sender_the_method_and_the_whole_path() {
    let handled = Arc::new(Mutex::new(Vec::new()));
    let seen = handled.clone();
    let receiver = Receiver::new(Bank, Inbox::new(MemoryStore::new()), move |incoming: Incoming<Booking>| {
        seen.lock().unwrap().push(incoming.event.0);
        async { Ok::<(), &str>(()) }
    })
    .clock(clock().0);
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());
    let inner = Router::new().route("/bookings", any(receiver));
    let mut app: Router = Router::new().nest("/bank", inner);
    for (method, path, body, status) in [
        ("POST", "/bank/bookings?all", "1", 200),
        ("PUT", "/bank/bookings?all", "2", 200),
        ("PUT", "/bank/bookings", "3", 401),
        ("POST", "/bank/bookings?all", "x", 400),
        ("GET", "/bank/bookings?all", "4", 405),
    ] {
        let request = Request::builder().method(method).uri(path).body(Body::from(body)).unwrap();
        let answer = app.call(request).await.unwrap();
        assert_eq!(answer.status(), status, "{method} {path}");
        let allow = answer.headers().get("allow").map(|allow| allow.to_str().unwrap());
        assert_eq!(allow, (status == 405).then_some("POST, PUT"));
    }
    assert_eq!(*handled.lock().unwrap(), [1, 2]);
    let levels =
        |level: &str| log.lines(level).iter().map(|line| line.contains("status=400")).collect::<Vec<_>>();
    assert_eq!((levels("WARN"), levels("ERROR")), (vec![false; 2], vec![true]), "{}", log.text());
}

#[tokio::test(start_paused = true)]
async fn a_worker_handles_the_events_of_another_sender() {
    let inbox = Arc::new(Inbox::new(QueueStore::default()));
    let (handled, clock) = (Arc::new(Mutex::new(Vec::new())), clock().0);
    let seen = handled.clone();
    let worker = Worker::new(inbox.clone(), move |incoming: Incoming<Booking>| {
        seen.lock().unwrap().push((incoming.event, incoming.attempt));
        async { Ok::<(), &str>(()) }
    })
    .clock(clock.clone());
    let receiver = Receiver::queued(Bank, inbox.clone()).clock(clock).wakes(&worker.bell());
    let headers = HeaderMap::new();
    for text in ["kept", "kept before"] {
        let delivery = Delivery { method: "POST", path: "/bank/bookings?all", headers: &headers, body: b"7" };
        let Answer { status, text: answered, .. } = receiver.receive_delivery(&delivery).await;
        assert_eq!((status, answered), (200, text));
    }
    // One that cannot be read counts as a failed attempt, and does not stop the worker.
    let broken = Verified::new(Booking(8), EventKey::other("bank.booking", &["8"]), Some(start()), "x");
    let _ = inbox.put(&broken, start()).await.unwrap();
    let drained = worker.run_until(tokio::time::sleep(Duration::from_secs(3))).await.unwrap();
    assert_eq!((drained.finished, drained.failed), (1, 0));
    assert_eq!(*handled.lock().unwrap(), [(Booking(7), 1)]);
    assert!(inbox.next_as::<Booking>(start()).await.unwrap().is_none());
}

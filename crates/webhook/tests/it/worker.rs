//! What lies in the store is handled.

use crate::{
    queue_store::{Fault, QueueStore},
    shop::{Act, Log, SECRET, Shop, Told, clock, start, verifier},
};
use capecrypto_auth::ManualTime;
use capecrypto_webhook::{Bell, Drained, Inbox, NoRuntime, Receiver, Verified, Worker, testing};
use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};
use tokio::{sync::oneshot, task::JoinHandle, time::sleep};

/// A worker at work.
struct Shift {
    inbox: Arc<Inbox<QueueStore>>,
    shop: Shop,
    told: Told,
    time: ManualTime,
    bell: Bell,
    stop: oneshot::Sender<()>,
    working: JoinHandle<Result<Drained, NoRuntime>>,
}

type Plan = Worker<QueueStore, Shop>;

fn verified(reference: &str) -> Verified {
    let delivery = testing::completed().reference(reference).signed(SECRET);
    verifier().verify(&delivery.headers(), delivery.body.as_bytes()).unwrap()
}

fn key(reference: &str) -> String {
    format!("payment_reference.completed/{reference}/456")
}

impl Shift {
    fn of(inbox: Inbox<QueueStore>, acts: &[Act], plan: impl FnOnce(Plan) -> Plan) -> Self {
        let (inbox, told, (clock, time)) = (Arc::new(inbox), Told::default(), clock());
        let shop = Shop::acting(acts.iter().copied());
        let worker = Worker::new(inbox.clone(), shop.clone()).clock(clock).on(told.observer());
        let worker = plan(worker);
        let (bell, (stop, stopped)) = (worker.bell(), oneshot::channel());
        let working = tokio::spawn(worker.run_until(async { stopped.await.unwrap() }));
        Self { inbox, shop, told, time, bell, stop, working }
    }

    fn new(acts: &[Act]) -> Self {
        Self::of(Inbox::new(QueueStore::default()), acts, |worker| worker)
    }

    async fn put(&self, reference: &str) {
        let _ = self.inbox.put(&verified(reference), start()).await.unwrap();
    }

    async fn stop(self) -> (u64, u64) {
        self.stop.send(()).unwrap();
        let drained = self.working.await.unwrap().unwrap();
        (drained.finished, drained.failed)
    }
}

#[tokio::test(start_paused = true)]
async fn each_event_is_handled_once_and_four_at_a_time() {
    let shift = Shift::new(&[Act::Sleep(Duration::from_secs(5)); 30]);
    for number in 0..30 {
        shift.put(&format!("PAY-{number:02}")).await;
    }
    sleep(Duration::from_secs(60)).await;
    let mut finished = shift.shop.finished();
    finished.sort();
    assert_eq!(finished, (0..30).map(|number| key(&format!("PAY-{number:02}"))).collect::<Vec<_>>());
    assert_eq!((shift.shop.most_running(), shift.inbox.store().effects().len()), (4, 30));
    assert_eq!(shift.stop().await, (30, 0));

    let one = Shift::of(Inbox::new(QueueStore::default()), &[], |worker| worker.tasks(0));
    one.put("PAY-1").await;
    one.put("PAY-2").await;
    sleep(Duration::from_secs(2)).await;
    assert_eq!(one.shop.most_running(), 1);
    assert_eq!(one.stop().await, (2, 0));
}

#[tokio::test(start_paused = true)]
async fn an_idle_worker_asks_once_a_second_whatever_its_tasks_are() {
    let shift = Shift::of(Inbox::new(QueueStore::default()), &[], |worker| worker.tasks(50));
    sleep(Duration::from_millis(60_500)).await;
    assert_eq!(shift.inbox.store().asked(), 61);
    assert_eq!(shift.stop().await, (0, 0));
}

#[tokio::test(start_paused = true)]
async fn the_receiver_wakes_the_worker() {
    let shift = Shift::of(Inbox::new(QueueStore::default()), &[], |worker| {
        worker.poll_every(Duration::from_secs(3600))
    });
    let receiver = Receiver::queued(verifier(), shift.inbox.clone()).wakes(&shift.bell).clock(clock().0);
    for reference in ["PAY-1", "PAY-2"] {
        sleep(Duration::from_secs(1)).await;
        let delivery = testing::completed().reference(reference).signed(SECRET);
        let answer = receiver.receive_request(&delivery.headers(), delivery.body.as_bytes()).await;
        assert_eq!((answer.status, answer.text), (200, "kept"));
        sleep(Duration::from_millis(1)).await;
        assert_eq!(shift.shop.finished().last(), Some(&key(reference)));
    }
    assert_eq!(shift.told.take(), ["started 1", "finished 1", "started 1", "finished 1"]);
    assert_eq!(shift.stop().await, (2, 0));
}

#[tokio::test(start_paused = true)]
async fn a_failed_event_waits_for_the_backoff_and_is_dead_in_the_end() {
    let inbox = Inbox::new(QueueStore::default()).attempts(3);
    let shift = Shift::of(inbox, &[Act::Fail("no"), Act::Panic, Act::Hang], |worker| worker);
    shift.put("PAY-1").await;
    // After 10 and after 20 seconds of the inbox's time.
    for (seconds, given) in [(0, 1), (9, 1), (1, 2), (19, 2), (1, 3), (3600, 3)] {
        shift.time.advance(Duration::from_secs(seconds));
        sleep(Duration::from_secs(2)).await;
        assert_eq!(shift.shop.given().len(), given, "after {seconds} s more");
        if given == 3 {
            // The deadline.
            sleep(Duration::from_secs(60)).await;
        }
    }
    let told = shift.told.take();
    let failed: Vec<&String> = told.iter().filter(|text| text.starts_with("failed")).collect();
    assert_eq!(failed, ["failed 1 Error(\"no\")", "failed 2 Panic", "failed 3 Deadline(60s), the last"]);
    let dead = shift.inbox.dead(9).await.unwrap();
    assert_eq!((dead.len(), dead[0].reason.as_deref()), (1, Some("deadline")));
    assert!(shift.inbox.retry(&dead[0].key).await.unwrap());
    sleep(Duration::from_secs(2)).await;
    assert_eq!(shift.shop.finished(), [key("PAY-1")]);
    assert_eq!(shift.stop().await, (1, 3));
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_running_handlers_and_takes_nothing_new() {
    let shift =
        Shift::of(Inbox::new(QueueStore::default()), &[Act::Sleep(Duration::from_secs(20))], |worker| {
            worker.tasks(1)
        });
    shift.put("PAY-1").await;
    shift.put("PAY-2").await;
    sleep(Duration::from_secs(1)).await;
    let (shop, inbox, began) = (shift.shop.clone(), shift.inbox.clone(), tokio::time::Instant::now());
    assert_eq!(shift.stop().await, (1, 0));
    assert_eq!((began.elapsed().as_secs(), shop.given().len()), (19, 1));
    let (event, work) = inbox.next(start()).await.unwrap().unwrap();
    assert_eq!((event.reference(), work.attempt()), (Some("PAY-2"), 1));
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_does_not_end_is_cut_off_and_its_event_given_again() {
    let plan = |worker: Plan| worker.grace(Duration::from_secs(5)).deadline(Duration::from_secs(100));
    let shift = Shift::of(Inbox::new(QueueStore::default()), &[Act::Hang, Act::Hang], plan);
    shift.put("PAY-1").await;
    shift.put("PAY-2").await;
    sleep(Duration::from_secs(2)).await;
    let (shop, inbox, told) = (shift.shop.clone(), shift.inbox.clone(), shift.told.clone());
    assert_eq!(shop.running(), 2);
    let began = tokio::time::Instant::now();
    assert_eq!(shift.stop().await, (0, 2));
    assert_eq!((began.elapsed().as_secs(), shop.running()), (5, 0));
    assert_eq!(told.take()[2..], ["failed 1 Stopped", "failed 1 Stopped"]);
    assert!(inbox.store().effects().is_empty());
    let later = start().checked_add(Duration::from_secs(10)).unwrap();
    assert_eq!(inbox.next(later).await.unwrap().unwrap().1.attempt(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_even_if_the_store_does_not_answer() {
    let shift =
        Shift::of(Inbox::new(QueueStore::default()), &[Act::Sleep(Duration::from_secs(3))], |worker| {
            worker.grace(Duration::from_secs(1))
        });
    shift.put("PAY-1").await;
    sleep(Duration::from_millis(1_500)).await;
    shift.inbox.store().break_it(Fault::Silent);
    let began = tokio::time::Instant::now();
    assert_eq!(shift.stop().await, (0, 1));
    assert!(began.elapsed() < Duration::from_secs(12), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_down_is_waited_for_and_told_once_a_minute() {
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());
    for fault in [Fault::Down, Fault::Panics] {
        let shift = Shift::new(&[]);
        shift.put("PAY-1").await;
        let before = (shift.inbox.store().asked(), log.lines("store is down").len());
        shift.inbox.store().break_it(fault);
        sleep(Duration::from_secs(601)).await;
        // After 1, 2, 4, 8, 16 seconds, then each 30.
        let asked = shift.inbox.store().asked() - before.0;
        assert!((20..30).contains(&asked), "{asked}");
        let lines = log.lines("store is down").len() - before.1;
        assert!((9..=11).contains(&lines), "{lines}");
        shift.inbox.store().break_it(Fault::None);
        sleep(Duration::from_secs(31)).await;
        assert_eq!(shift.shop.finished(), [key("PAY-1")]);
        assert_eq!(shift.stop().await, (1, 0));
    }
    assert_eq!(log.lines("works again").len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_is_dropped_leaves_its_events_for_after_the_lease() {
    let shift = Shift::new(&[Act::Hang]);
    shift.put("PAY-1").await;
    sleep(Duration::from_secs(2)).await;
    assert_eq!(shift.shop.running(), 1);
    shift.working.abort();
    sleep(Duration::from_secs(1)).await;
    assert_eq!(shift.shop.running(), 0);
    assert!(shift.inbox.next(start()).await.unwrap().is_none());
    let later = start().checked_add(Duration::from_secs(300)).unwrap();
    assert_eq!(shift.inbox.next(later).await.unwrap().unwrap().1.attempt(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_log_of_a_worker_shows_no_body() {
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());
    let shift = Shift::new(&[Act::Fail("canary-reason")]);
    let sample = testing::completed().with("invoice", "canary-invoice").with("more", "canary-more");
    let delivery = sample.signed(SECRET);
    let verified = verifier().verify(&delivery.headers(), delivery.body.as_bytes()).unwrap();
    let _ = shift.inbox.put(&verified, start()).await.unwrap();
    sleep(Duration::from_secs(2)).await;
    shift.time.advance(Duration::from_secs(10));
    sleep(Duration::from_secs(2)).await;
    assert_eq!(shift.stop().await, (1, 1));
    let log = log.text();
    assert!(log.contains("span webhook") && log.contains("has failed"), "{log}");
    assert!(!log.contains("canary"), "{log}");
}

#[test]
fn without_a_runtime_it_says_so() {
    let worker = Worker::new(Inbox::new(QueueStore::default()), Shop::default());
    let run = pin!(worker.run_until(std::future::pending())).poll(&mut Context::from_waker(Waker::noop()));
    let Poll::Ready(Err(error)) = run else { panic!("it runs") };
    assert!(error.to_string().contains("enable_time"), "{error}");
}

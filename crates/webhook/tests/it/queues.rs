//! Events that wait for a worker. The rules run on each store that outlives the process.

use crate::{
    common::{HOUR, LEASE, at, handle, verified},
    places::{Durable, every_place},
};
use capecrypto_models::{Timestamp, WebhookEvent};
use capecrypto_webhook::{Ended, Inbox, Kept, Queue, Taken, Verified, Work, testing};
use std::{sync::Mutex, time::Duration};
use tokio::runtime::Handle;

every_place!(RULES = with [sqlite: Sqlite, postgres: Postgres, redis: Redis] [
    what_is_put_is_given_in_the_order_of_being_due,
    an_event_is_put_once,
    what_is_too_old_is_not_put,
    a_worker_waits_after_a_failure_and_a_delivery_does_not,
    one_that_was_cut_off_is_given_again_after_its_lease_until_it_is_dead,
    a_dead_one_is_given_again_after_a_retry,
    an_event_without_a_body_gets_it_from_a_later_delivery,
    a_body_is_kept_to_the_byte_until_its_event_is_finished,
    each_of_twenty_is_given_to_one_of_fifty_workers,
    what_is_put_is_known_to_the_others_of_its_reference,
    a_reference_is_closed_while_the_rest_of_it_lies_in_the_queue,
    a_later_time_is_kept_also_for_what_was_put,
    a_body_that_cannot_be_read_fails_and_the_next_one_is_given,
]);

fn delivery(number: usize) -> Verified {
    verified(&testing::completed().reference(&format!("PAY-{number}")))
}

/// The next event, which must be there.
async fn next<S: Queue>(inbox: &Inbox<S>, now: Timestamp) -> (WebhookEvent, Work<'_, S>) {
    inbox.next(now).await.unwrap().expect("an event that is due")
}

async fn none_is_due<S: Queue>(inbox: &Inbox<S>, now: Timestamp) -> bool {
    inbox.next(now).await.unwrap().is_none()
}

async fn what_is_put_is_given_in_the_order_of_being_due<P: Durable<Store: Queue>>(place: &P) {
    let inbox = Inbox::new(place.store());
    assert!(none_is_due(&inbox, at(HOUR)).await);
    for (number, time) in [(1, 30), (2, 10), (3, 20)] {
        assert_eq!(inbox.put(&delivery(number), at(time)).await.unwrap(), Kept::New);
    }
    assert!(none_is_due(&inbox, at(9)).await);
    for (number, now) in [(2, 10), (3, 30), (1, 30)] {
        let (event, work) = next(&inbox, at(now)).await;
        assert_eq!((event, work.attempt()), (delivery(number).event, 1));
        assert_eq!(work.finish(at(now)).await.unwrap(), Ended::Kept);
    }
    assert!(none_is_due(&inbox, at(100 * HOUR)).await);
    assert!(matches!(inbox.take(&delivery(1), at(HOUR)).await.unwrap(), Taken::Finished));
}

async fn an_event_is_put_once<P: Durable<Store: Queue>>(place: &P) {
    let inbox = Inbox::new(place.store());
    assert_eq!(inbox.put(&delivery(1), at(0)).await.unwrap(), Kept::New);
    assert_eq!(inbox.put(&delivery(1), at(1)).await.unwrap(), Kept::Known);
    let (_, work) = next(&inbox, at(2)).await;
    assert_eq!(inbox.put(&delivery(1), at(2)).await.unwrap(), Kept::Known);
    assert!(none_is_due(&inbox, at(LEASE)).await);
    assert!(
        matches!(inbox.take(&delivery(1), at(3)).await.unwrap(), Taken::Running(until) if until == at(2 + LEASE))
    );
    let _ = work.finish(at(4)).await.unwrap();
    assert_eq!(inbox.put(&delivery(1), at(5)).await.unwrap(), Kept::Known);
    assert!(none_is_due(&inbox, at(100 * HOUR)).await);
    assert_eq!(place.bodies().await, 0);
}

async fn what_is_too_old_is_not_put<P: Durable<Store: Queue>>(place: &P) {
    let inbox = Inbox::new(place.store()).keep(Duration::ZERO);
    let old = verified(&testing::completed().at(at(-49 * HOUR)));
    assert_eq!(inbox.put(&old, at(0)).await.unwrap(), Kept::Stale(at(-49 * HOUR)));
    assert!(none_is_due(&inbox, at(HOUR)).await && inbox.awaited(None, 9).await.unwrap().is_empty());
    let Taken::Run(work) = inbox.recover(&old.event, &old.key, at(0)).await.unwrap() else { panic!() };
    let _ = work.fail("later", at(0)).await.unwrap();
    // What is known is late, and not lost.
    assert_eq!(inbox.put(&old, at(0)).await.unwrap(), Kept::Known);
    let _ = next(&inbox, at(HOUR)).await.1.finish(at(HOUR)).await.unwrap();
}

async fn a_worker_waits_after_a_failure_and_a_delivery_does_not<P: Durable<Store: Queue>>(place: &P) {
    let inbox = Inbox::new(place.store()).backoff(Duration::from_secs(10), Duration::from_secs(15));
    let _ = inbox.put(&delivery(1), at(0)).await.unwrap();
    let _ = next(&inbox, at(0)).await.1.fail("no", at(100)).await.unwrap();
    assert!(none_is_due(&inbox, at(10_099)).await);
    let _ = next(&inbox, at(10_100)).await.1.fail("no", at(20_000)).await.unwrap();
    assert!(none_is_due(&inbox, at(34_999)).await);
    let third = handle(&inbox, &delivery(1), at(20_001)).await;
    assert_eq!(third.attempt(), 3);
    let _ = third.fail("no", at(20_001)).await.unwrap();
    let (_, work) = next(&inbox, at(35_001)).await;
    assert_eq!(work.attempt(), 4);
}

async fn one_that_was_cut_off_is_given_again_after_its_lease_until_it_is_dead<P: Durable<Store: Queue>>(
    place: &P,
) {
    let inbox = Inbox::new(place.store()).attempts(2);
    let _ = inbox.put(&delivery(1), at(0)).await.unwrap();
    let _ = inbox.put(&delivery(2), at(2 * LEASE)).await.unwrap();
    drop(next(&inbox, at(0)).await);
    assert!(none_is_due(&inbox, at(LEASE - 1)).await);
    let (event, work) = next(&inbox, at(LEASE)).await;
    assert_eq!((event, work.attempt()), (delivery(1).event, 2));
    drop(work);
    // That was its last attempt, so the next one is given.
    let (event, _work) = next(&inbox, at(2 * LEASE)).await;
    assert_eq!(event, delivery(2).event);
    let dead = inbox.dead(9).await.unwrap();
    assert_eq!((dead.len(), &dead[0].key, dead[0].at), (1, &delivery(1).key, at(2 * LEASE)));
    assert_eq!(dead[0].reason, None);
    assert!(matches!(inbox.take(&delivery(1), at(9 * LEASE)).await.unwrap(), Taken::Dead));
    assert_eq!(inbox.put(&delivery(1), at(9 * LEASE)).await.unwrap(), Kept::Known);
}

async fn a_dead_one_is_given_again_after_a_retry<P: Durable<Store: Queue>>(place: &P) {
    let inbox = Inbox::new(place.store()).attempts(1);
    let _ = inbox.put(&delivery(1), at(0)).await.unwrap();
    let _ = next(&inbox, at(0)).await.1.fail("the disk is full: \"\\\u{1}ü", at(7)).await.unwrap();
    assert!(none_is_due(&inbox, at(HOUR)).await);
    let dead = inbox.dead(9).await.unwrap();
    assert_eq!((dead[0].reason.as_deref(), dead[0].at), (Some("the disk is full: \"\\\u{1}ü"), at(7)));
    assert!(inbox.retry(&delivery(1).key).await.unwrap());
    assert!(inbox.dead(9).await.unwrap().is_empty());
    let (event, work) = next(&inbox, at(7)).await;
    assert_eq!((event, work.attempt()), (delivery(1).event, 2));
    let _ = work.finish(at(7)).await.unwrap();
    assert_eq!(place.bodies().await, 0);
}

async fn an_event_without_a_body_gets_it_from_a_later_delivery<P: Durable<Store: Queue>>(place: &P) {
    let inbox = Inbox::new(place.store());
    let _ = handle(&inbox, &delivery(1), at(0)).await.fail("no", at(0)).await.unwrap();
    let running = handle(&inbox, &delivery(2), at(0)).await;
    assert!(none_is_due(&inbox, at(9 * LEASE)).await);
    for number in [1, 2] {
        assert_eq!(inbox.put(&delivery(number), at(0)).await.unwrap(), Kept::Known);
    }
    let (event, work) = next(&inbox, at(10_000)).await;
    assert_eq!((event, work.attempt()), (delivery(1).event, 2));
    drop(running);
    let (event, _work) = next(&inbox, at(LEASE)).await;
    assert_eq!(event, delivery(2).event);
}

async fn a_body_is_kept_to_the_byte_until_its_event_is_finished<P: Durable<Store: Queue>>(place: &P) {
    let inbox = Inbox::new(place.store());
    let odd = "\"a/b\\c'd\"\u{0}\u{1}\u{7f}\n\r\t\u{e9}\u{2028}\u{10348} %s $1 ?1 {} -- ';";
    let long = verified(&testing::named("x").with("text", odd).with("long", "ä".repeat(300_000)));
    let _ = inbox.put(&long, at(0)).await.unwrap();
    let (event, work) = next(&inbox, at(0)).await;
    let WebhookEvent::Unknown(unknown) = &event else { panic!("{event:?}") };
    assert_eq!((unknown.json(), &event), (&*long.body, &long.event));
    drop(work);
    assert_eq!(place.bodies().await, 1);
    let Taken::Run(work) = inbox.take(&long, at(10 * LEASE)).await.unwrap() else { panic!("to be handled") };
    let _ = work.finish(at(10 * LEASE)).await.unwrap();
    assert_eq!(place.bodies().await, 0);
}

async fn each_of_twenty_is_given_to_one_of_fifty_workers<P: Durable<Store: Queue>>(place: &P) {
    let (inbox, given) = (Inbox::new(place.store()), Mutex::new(Vec::new()));
    for number in 0..20 {
        let _ = inbox.put(&delivery(number), at(0)).await.unwrap();
    }
    let ask = async || {
        if let Some((event, work)) = inbox.next(at(0)).await.unwrap() {
            given.lock().unwrap().push(event.reference().unwrap().to_owned());
            assert_eq!(work.finish(at(0)).await.unwrap(), Ended::Kept);
        }
    };
    let runtime = Handle::current();
    std::thread::scope(|scope| {
        for _ in 0..50 {
            scope.spawn(|| runtime.block_on(ask()));
        }
    });
    let mut given = given.into_inner().unwrap();
    given.sort();
    let mut all: Vec<String> = (0..20).map(|number| format!("PAY-{number}")).collect();
    all.sort();
    assert_eq!(given, all);
}

async fn what_is_put_is_known_to_the_others_of_its_reference<P: Durable<Store: Queue>>(place: &P) {
    let inbox = Inbox::new(place.store());
    for (sample, now) in
        [(testing::completed(), 1), (testing::deposit_matched(), 2), (testing::named("x"), 3)]
    {
        let _ = inbox.put(&verified(&sample), at(now)).await.unwrap();
    }
    let _ = inbox.put(&delivery(2), at(4)).await.unwrap();
    let known = |work: &Work<'_, P::Store>| -> Vec<(String, bool)> {
        work.known().iter().map(|known| (known.key.event().to_owned(), known.finished)).collect()
    };
    let (_, completed) = next(&inbox, at(9)).await;
    assert_eq!(known(&completed), [("payment_reference.deposit_matched".to_owned(), false)]);
    let _ = completed.finish(at(9)).await.unwrap();
    let (_, matched) = next(&inbox, at(9)).await;
    assert_eq!(known(&matched), [("payment_reference.completed".to_owned(), true)]);
    let (_, unknown) = next(&inbox, at(9)).await;
    assert_eq!(known(&unknown), []);
    // It was completed before the deposit was told.
    let open: Vec<_> = inbox.awaited(None, 9).await.unwrap();
    assert_eq!(open, [Box::from("PAY-2")]);
}

async fn a_reference_is_closed_while_the_rest_of_it_lies_in_the_queue<P: Durable<Store: Queue>>(place: &P) {
    let inbox = Inbox::new(place.store());
    for queued in [true, false] {
        let reference = format!("PAY-{queued}");
        let matched = verified(&testing::deposit_matched().reference(&reference));
        if queued {
            assert_eq!(inbox.put(&matched, at(0)).await.unwrap(), Kept::New);
        }
        let _ = handle(&inbox, &matched, at(0)).await.fail("no", at(0)).await.unwrap();
        let completed = verified(&testing::completed().reference(&reference));
        let _ = handle(&inbox, &completed, at(0)).await.finish(at(0)).await.unwrap();
    }
    // A worker gives the one again, and nobody the other.
    assert_eq!(inbox.awaited(None, 9).await.unwrap(), [Box::from("PAY-false")]);
}

async fn a_later_time_is_kept_also_for_what_was_put<P: Durable<Store: Queue>>(place: &P) {
    let inbox = Inbox::new(place.store()).keep(Duration::ZERO);
    let _ = inbox.put(&verified(&testing::completed().at(at(0))), at(0)).await.unwrap();
    let _ = next(&inbox, at(0)).await.1.finish(at(0)).await.unwrap();
    let _ = inbox.put(&verified(&testing::completed().at(at(24 * HOUR))), at(24 * HOUR)).await.unwrap();
    assert_eq!(inbox.forget(at(60 * HOUR)).await.unwrap(), 0);
    assert_eq!(inbox.forget(at(73 * HOUR + 1)).await.unwrap(), 1);
}

async fn a_body_that_cannot_be_read_fails_and_the_next_one_is_given<P: Durable<Store: Queue>>(place: &P) {
    let inbox = Inbox::new(place.store()).attempts(1);
    let mut odd = delivery(1);
    odd.body = "{\"canary\"".into();
    let _ = inbox.put(&odd, at(0)).await.unwrap();
    let _ = inbox.put(&delivery(2), at(1)).await.unwrap();
    assert_eq!(next(&inbox, at(1)).await.0, delivery(2).event);
    let dead = inbox.dead(9).await.unwrap();
    assert_eq!(dead[0].key, odd.key);
    assert!(!dead[0].reason.as_deref().unwrap().contains("canary"));
}

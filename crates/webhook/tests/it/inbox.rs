//! Each event is handled once. The rules of stores run on each of them.

use crate::{
    common::{HOUR, LEASE, at, handle, verified},
    places::{self, Durable, InTest, Memory, Place, every_place},
    stores::Transactional,
};
use capecrypto_models::{DepositEventKind, Timestamp};
use capecrypto_webhook::{Ended, EventKey, Inbox, MemoryStore, Store, Taken, Work, testing};
use proptest::prelude::*;
use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};
use tokio::runtime::Handle;

every_place!(RULES = on [memory: Memory, in_test: InTest, sqlite: Sqlite, postgres: Postgres, redis: Redis] [
    one_of_fifty_at_once_is_handled,
    a_finished_event_is_not_handled_again_at_any_time_of_delivery,
    a_handler_that_failed_is_run_again_at_once_until_it_is_dead,
    the_dead_are_listed_by_when_they_failed,
    a_handler_that_was_cut_off_is_run_again_after_its_lease,
    a_handler_that_ends_after_its_lease_and_before_another_is_kept,
    an_old_handler_cannot_fail_what_a_new_one_has,
    an_event_that_is_too_old_and_not_known_is_stale,
    only_what_is_finished_and_too_old_is_forgotten,
    an_event_that_came_again_with_a_later_time_is_kept_longer,
    what_came_before_of_the_same_reference_is_told,
    open_references_are_listed_in_the_order_of_their_bytes,
    a_reference_is_open_from_its_first_event_until_its_last_has_finished,
    a_closed_reference_is_forgotten_with_its_last_event,
    a_reference_stays_open_until_an_event_that_failed_is_handled,
    what_an_open_reference_has_is_not_forgotten,
]);

async fn one_of_fifty_at_once_is_handled<S: Store>(inbox: Inbox<S>) {
    let (delivery, handled) = (verified(&testing::completed()), AtomicUsize::new(0));
    let take = async || match inbox.take(&delivery, at(0)).await.unwrap() {
        Taken::Run(work) => {
            handled.fetch_add(1, Ordering::SeqCst);
            assert_eq!(work.finish(at(0)).await.unwrap(), Ended::Kept);
        }
        Taken::Running(until) => assert_eq!(until, at(LEASE)),
        Taken::Finished => {}
        Taken::Dead | Taken::Stale(_) => panic!("neither dead nor old"),
    };
    let runtime = Handle::current();
    std::thread::scope(|scope| {
        for _ in 0..50 {
            scope.spawn(|| runtime.block_on(take()));
        }
    });
    assert_eq!(handled.into_inner(), 1);
}

async fn a_finished_event_is_not_handled_again_at_any_time_of_delivery<S: Store>(inbox: Inbox<S>) {
    let delivery = verified(&testing::completed());
    let _ = handle(&inbox, &delivery, at(0)).await.finish(at(0)).await.unwrap();
    let mut now = 0;
    for seconds in [30, 60, 300, 600, 1800, 3600, 7200, 100 * 3600] {
        now += seconds * 1000;
        let taken = inbox.take(&delivery, at(now)).await.unwrap();
        assert!(matches!(taken, Taken::Finished) && taken.status() == 200);
        // The same event in another body, with another time.
        let rebuilt = verified(&testing::completed().at(at(now)).with("more", 1));
        assert!(matches!(inbox.take(&rebuilt, at(now)).await.unwrap(), Taken::Finished));
        assert!(matches!(
            inbox.recover(&rebuilt.event, &rebuilt.key, at(now)).await.unwrap(),
            Taken::Finished
        ));
    }
}

async fn a_handler_that_failed_is_run_again_at_once_until_it_is_dead<S: Store>(inbox: Inbox<S>) {
    let (inbox, delivery) = (inbox.attempts(3), verified(&testing::completed()));
    for attempt in 1..=3 {
        let work = handle(&inbox, &delivery, at(0)).await;
        assert_eq!(work.attempt(), attempt);
        assert_eq!(work.fail(&format!("no {attempt}"), at(i64::from(attempt))).await.unwrap(), Ended::Kept);
    }
    let taken = inbox.take(&delivery, at(HOUR)).await.unwrap();
    assert!(matches!(taken, Taken::Dead) && taken.status() == 503);
    let dead = inbox.dead(10).await.unwrap();
    assert_eq!((dead.len(), &dead[0].key, dead[0].at), (1, &delivery.key, at(3)));
    assert_eq!(dead[0].reason.as_deref(), Some("no 3"));
    assert!(inbox.dead(0).await.unwrap().is_empty());

    assert!(inbox.retry(&delivery.key).await.unwrap() && !inbox.retry(&delivery.key).await.unwrap());
    assert!(inbox.dead(10).await.unwrap().is_empty());
    let work = handle(&inbox, &delivery, at(HOUR)).await;
    assert_eq!(work.attempt(), 4);
    let _ = work.fail("once more", at(HOUR)).await.unwrap();
    let _ = handle(&inbox, &delivery, at(HOUR)).await.finish(at(HOUR)).await.unwrap();
    assert!(!inbox.retry(&delivery.key).await.unwrap());
    assert!(matches!(inbox.take(&delivery, at(HOUR)).await.unwrap(), Taken::Finished));
}

async fn the_dead_are_listed_by_when_they_failed<S: Store>(inbox: Inbox<S>) {
    let inbox = inbox.attempts(1);
    for number in [3, 1, 4, 2, 5] {
        let delivery = verified(&testing::completed().reference(&format!("PAY-{number}")));
        let _ = handle(&inbox, &delivery, at(0)).await.fail("no", at(100 - number)).await.unwrap();
    }
    let dead: Vec<Timestamp> = inbox.dead(4).await.unwrap().iter().map(|dead| dead.at).collect();
    assert_eq!(dead, [at(95), at(96), at(97), at(98)]);
}

async fn a_handler_that_was_cut_off_is_run_again_after_its_lease<S: Store>(inbox: Inbox<S>) {
    let (inbox, delivery) = (inbox.attempts(2), verified(&testing::completed()));
    drop(handle(&inbox, &delivery, at(0)).await);
    let taken = inbox.take(&delivery, at(LEASE - 1)).await.unwrap();
    assert!(matches!(taken, Taken::Running(until) if until == at(LEASE)) && taken.status() == 503);
    let work = handle(&inbox, &delivery, at(LEASE)).await;
    assert_eq!(work.attempt(), 2);
    drop(work);
    // The second one was the last.
    assert!(matches!(inbox.take(&delivery, at(2 * LEASE)).await.unwrap(), Taken::Dead));
    let dead = inbox.dead(10).await.unwrap();
    assert_eq!((dead[0].reason.clone(), dead[0].at), (None, at(2 * LEASE)));
}

async fn a_handler_that_ends_after_its_lease_and_before_another_is_kept<S: Store>(inbox: Inbox<S>) {
    let delivery = verified(&testing::completed());
    let work = handle(&inbox, &delivery, at(0)).await;
    assert_eq!(work.finish(at(10 * LEASE)).await.unwrap(), Ended::Kept);
    assert!(matches!(inbox.take(&delivery, at(10 * LEASE)).await.unwrap(), Taken::Finished));
}

async fn an_old_handler_cannot_fail_what_a_new_one_has<S: Store>(inbox: Inbox<S>) {
    let delivery = verified(&testing::completed());
    let old = handle(&inbox, &delivery, at(0)).await;
    let new = handle(&inbox, &delivery, at(LEASE)).await;
    assert_eq!(old.fail("late", at(LEASE)).await.unwrap(), Ended::Lost);
    assert!(matches!(inbox.take(&delivery, at(LEASE)).await.unwrap(), Taken::Running(_)));
    assert_eq!(new.finish(at(LEASE)).await.unwrap(), Ended::Kept);
}

async fn an_event_that_is_too_old_and_not_known_is_stale<S: Store>(inbox: Inbox<S>) {
    let inbox = inbox.keep(Duration::ZERO);
    let old = verified(&testing::completed().at(at(-48 * HOUR - 1)));
    let taken = inbox.take(&old, at(0)).await.unwrap();
    assert!(matches!(taken, Taken::Stale(time) if time == at(-48 * HOUR - 1)) && taken.status() == 200);
    // It left no trace, and what you know of yourself has any age.
    let Taken::Run(work) = inbox.recover(&old.event, &old.key, at(0)).await.unwrap() else { panic!() };
    assert_eq!(work.attempt(), 1);
    let _ = work.fail("later", at(0)).await.unwrap();
    // What the store knows is late, and not lost.
    let _ = handle(&inbox, &old, at(0)).await.finish(at(0)).await.unwrap();
    assert!(matches!(inbox.take(&old, at(0)).await.unwrap(), Taken::Finished));

    let just = verified(&testing::failed().at(at(-48 * HOUR)));
    let _ = handle(&inbox, &just, at(0)).await;
    let timeless = verified(&testing::deposit(DepositEventKind::Accepted));
    let _ = handle(&inbox, &timeless, at(1_000_000 * HOUR)).await;
}

async fn only_what_is_finished_and_too_old_is_forgotten<S: Store>(inbox: Inbox<S>) {
    let inbox = inbox.keep(Duration::ZERO);
    let finish = async |sample: &testing::Sample| {
        let delivery = verified(sample);
        let _ = handle(&inbox, &delivery, at(0)).await.finish(at(0)).await.unwrap();
        delivery
    };
    let finished = finish(&testing::completed().at(at(0))).await;
    let timeless = finish(&testing::deposit(DepositEventKind::Accepted)).await;
    let failed = verified(&testing::failed().at(at(0)));
    let _ = handle(&inbox, &failed, at(0)).await.fail("no", at(0)).await.unwrap();
    let running = verified(&testing::deposit_matched().at(at(0)));
    drop(handle(&inbox, &running, at(0)).await);

    assert_eq!(inbox.forget(at(49 * HOUR)).await.unwrap(), 0);
    assert_eq!(inbox.forget(at(49 * HOUR + 1)).await.unwrap(), 1);
    let now = at(49 * HOUR + 1);
    // Forgotten, and too old to be handled again.
    assert!(matches!(inbox.take(&finished, now).await.unwrap(), Taken::Stale(_)));
    assert!(matches!(inbox.take(&timeless, now).await.unwrap(), Taken::Finished));
    assert_eq!(inbox.forget(at(10_000 * HOUR)).await.unwrap(), 0);
    let work = handle(&inbox, &failed, now).await;
    let known: Vec<&str> = work.known().iter().map(|known| known.key.event()).collect();
    assert_eq!(known, ["payment_reference.deposit_matched"]);
}

async fn an_event_that_came_again_with_a_later_time_is_kept_longer<S: Store>(inbox: Inbox<S>) {
    let inbox = inbox.keep(Duration::ZERO);
    let _ =
        handle(&inbox, &verified(&testing::completed().at(at(0))), at(0)).await.finish(at(0)).await.unwrap();
    let again = verified(&testing::completed().at(at(24 * HOUR)));
    assert!(matches!(inbox.take(&again, at(24 * HOUR)).await.unwrap(), Taken::Finished));
    assert_eq!(inbox.forget(at(60 * HOUR)).await.unwrap(), 0);
    assert!(matches!(inbox.take(&again, at(60 * HOUR)).await.unwrap(), Taken::Finished));
}

async fn what_came_before_of_the_same_reference_is_told<S: Store>(inbox: Inbox<S>) {
    let completed = handle(&inbox, &verified(&testing::completed()), at(0)).await;
    assert_eq!(completed.known(), []);
    let _ = completed.finish(at(0)).await.unwrap();
    let _ = handle(&inbox, &verified(&testing::failed().reference("PAY-2")), at(0)).await;
    let _ = handle(&inbox, &verified(&testing::duplicate_deposit()), at(0)).await;
    let _ = handle(&inbox, &verified(&testing::named("x")), at(0)).await;
    // It comes last, and is handled all the same.
    let matched = handle(&inbox, &verified(&testing::deposit_matched()), at(0)).await;
    let mut known: Vec<(&str, bool)> =
        matched.known().iter().map(|known| (known.key.event(), known.finished)).collect();
    known.sort_unstable();
    let expected = [("payment_reference.completed", true), ("payment_reference.duplicate_deposit", false)];
    assert_eq!(known, expected);
}

async fn open_references_are_listed_in_the_order_of_their_bytes<S: Store>(inbox: Inbox<S>) {
    let names = ["PAY-10", "PAY-9", "PAY-A", "PAY-_", "PAY-a", "PAY-b 'x'", "PAY-\u{e9}", "PAY-\u{10348}"];
    for name in
        ["PAY-a", "PAY-\u{10348}", "PAY-9", "PAY-b 'x'", "PAY-_", "PAY-\u{e9}", "PAY-10", "PAY-A", "PAY-9"]
    {
        inbox.expect(name).await.unwrap();
    }
    let all: Vec<&str> = names.to_vec();
    assert_eq!(awaited(&inbox, None, 100).await, all);
    assert_eq!(awaited(&inbox, None, 3).await, all[..3]);
    assert_eq!(awaited(&inbox, Some("PAY-A"), 2).await, all[3..5]);
    assert_eq!(awaited(&inbox, Some("PAY-B"), 100).await, all[3..]);
    assert_eq!(awaited(&inbox, Some("PAY-\u{10348}"), 100).await, [""; 0]);
    assert_eq!(awaited(&inbox, None, 0).await, [""; 0]);
    assert!(inbox.close("PAY-A").await.unwrap() && !inbox.close("PAY-A").await.unwrap());
    assert!(!inbox.close("PAY-nobody").await.unwrap());
    assert_eq!(awaited(&inbox, Some("PAY-9"), 1).await, ["PAY-_"]);
}

async fn a_reference_is_open_from_its_first_event_until_its_last_has_finished<S: Store>(inbox: Inbox<S>) {
    let further = verified(&testing::duplicate_deposit().reference("PAY-1"));
    drop(handle(&inbox, &further, at(0)).await);
    assert_eq!(awaited(&inbox, None, 9).await, [""; 0]);

    let matched = verified(&testing::deposit_matched().reference("PAY-2"));
    let _ = handle(&inbox, &matched, at(0)).await.finish(at(0)).await.unwrap();
    for (sample, reference) in [(testing::completed(), "PAY-2"), (testing::failed(), "PAY-3")] {
        let last = verified(&sample.reference(reference));
        let _ = handle(&inbox, &last, at(0)).await.fail("no", at(0)).await.unwrap();
        assert_eq!(awaited(&inbox, None, 9).await, [reference]);
        let _ = handle(&inbox, &last, at(0)).await.finish(at(0)).await.unwrap();
        assert_eq!(awaited(&inbox, None, 9).await, [""; 0]);
    }
    // Closed ones stay closed, whatever comes late.
    inbox.expect("PAY-3").await.unwrap();
    drop(handle(&inbox, &verified(&testing::deposit_matched().reference("PAY-3")), at(0)).await);
    assert_eq!(awaited(&inbox, None, 9).await, [""; 0]);
}

async fn a_closed_reference_is_forgotten_with_its_last_event<S: Store>(inbox: Inbox<S>) {
    let inbox = inbox.keep(Duration::ZERO);
    let events =
        [testing::deposit_matched().at(at(0)), testing::completed().at(at(HOUR))].map(|it| verified(&it));
    for event in &events {
        let _ = handle(&inbox, event, at(HOUR)).await.finish(at(HOUR)).await.unwrap();
    }
    assert_eq!(inbox.forget(at(49 * HOUR + 1)).await.unwrap(), 1);
    inbox.expect("PAY-ABC123").await.unwrap();
    assert_eq!(awaited(&inbox, None, 9).await, [""; 0]);
    assert_eq!(inbox.forget(at(50 * HOUR + 1)).await.unwrap(), 1);
    // It is new again.
    inbox.expect("PAY-ABC123").await.unwrap();
    assert_eq!(awaited(&inbox, None, 9).await, ["PAY-ABC123"]);
}

/// Otherwise nobody would look for it again: the exchange sends it eight times, and its body is not kept.
async fn a_reference_stays_open_until_an_event_that_failed_is_handled<S: Store>(inbox: Inbox<S>) {
    let matched = verified(&testing::deposit_matched());
    let _ = handle(&inbox, &matched, at(0)).await.fail("no", at(0)).await.unwrap();
    let completed = verified(&testing::completed());
    let _ = handle(&inbox, &completed, at(0)).await.finish(at(0)).await.unwrap();
    assert_eq!(awaited(&inbox, None, 9).await, ["PAY-ABC123"]);
    let _ = handle(&inbox, &matched, at(0)).await.finish(at(0)).await.unwrap();
    assert!(inbox.close("PAY-ABC123").await.unwrap());
}

/// An end that was forgotten would be given again, because whatever is awaited may have any age.
async fn what_an_open_reference_has_is_not_forgotten<S: Store>(inbox: Inbox<S>) {
    let inbox = inbox.keep(Duration::ZERO);
    let open = verified(&testing::completed().reference("PAY-open").at(at(0)));
    let matched = verified(&testing::deposit_matched().reference("PAY-open").at(at(0)));
    let _ = handle(&inbox, &matched, at(0)).await.fail("no", at(0)).await.unwrap();
    let _ = handle(&inbox, &open, at(0)).await.finish(at(0)).await.unwrap();
    // On both sides of the open one.
    for number in 0..3 {
        let closed = verified(&testing::completed().reference(&format!("PAY-{number}")).at(at(number - 1)));
        let _ = handle(&inbox, &closed, at(0)).await.finish(at(0)).await.unwrap();
    }
    assert_eq!(inbox.forget(at(100 * HOUR)).await.unwrap(), 3);
    assert!(matches!(inbox.take(&open, at(0)).await.unwrap(), Taken::Finished));
    assert!(inbox.close("PAY-open").await.unwrap());
    assert_eq!(inbox.forget(at(100 * HOUR)).await.unwrap(), 1);
}

async fn awaited<S: Store>(inbox: &Inbox<S>, after: Option<&str>, most: usize) -> Vec<String> {
    inbox.awaited(after, most).await.unwrap().into_iter().map(Into::into).collect()
}

#[tokio::test]
async fn an_effect_in_a_transaction_happens_once_also_if_two_handlers_run() {
    let inbox = Inbox::new(Transactional::default());
    let delivery = verified(&testing::completed());
    let mut slow = handle(&inbox, &delivery, at(0)).await;
    slow.transaction().push("slow".to_owned());
    let mut cut_off = handle(&inbox, &delivery, at(LEASE)).await;
    cut_off.transaction().push("cut off".to_owned());
    drop(cut_off);
    let mut failed = handle(&inbox, &delivery, at(2 * LEASE)).await;
    failed.transaction().push("failed".to_owned());
    assert_eq!(failed.fail("no", at(2 * LEASE)).await.unwrap(), Ended::Kept);
    let mut last = handle(&inbox, &delivery, at(2 * LEASE)).await;
    last.transaction().push("last".to_owned());
    assert_eq!(slow.finish(at(2 * LEASE)).await.unwrap(), Ended::Lost);
    assert!(inbox.store().effects().is_empty());
    assert_eq!(last.finish(at(2 * LEASE)).await.unwrap(), Ended::Kept);
    assert_eq!(inbox.store().effects(), ["last"]);
}

#[tokio::test]
async fn without_transactions_a_handler_that_ends_late_still_ends_the_event() {
    let inbox = Inbox::new(MemoryStore::new());
    let delivery = verified(&testing::completed());
    let old = handle(&inbox, &delivery, at(0)).await;
    let new = handle(&inbox, &delivery, at(LEASE)).await;
    assert_eq!(old.finish(at(LEASE)).await.unwrap(), Ended::Kept);
    // The failure of the other one does not open it again.
    assert_eq!(new.fail("no", at(LEASE)).await.unwrap(), Ended::Lost);
    assert!(matches!(inbox.take(&delivery, at(10 * LEASE)).await.unwrap(), Taken::Finished));
}

#[tokio::test]
async fn limits_are_kept_within_reason() {
    let delivery = verified(&testing::completed());
    let brief = Inbox::new(MemoryStore::new()).lease(Duration::ZERO).attempts(0);
    let work = handle(&brief, &delivery, at(0)).await;
    assert!(matches!(brief.take(&delivery, at(999)).await.unwrap(), Taken::Running(_)));
    let _ = work.fail("no", at(0)).await.unwrap();
    assert!(matches!(brief.take(&delivery, at(0)).await.unwrap(), Taken::Dead));
    let long = Inbox::new(MemoryStore::new()).lease(Duration::MAX).keep(Duration::MAX);
    let _ = handle(&long, &delivery, at(0)).await;
    let _ = handle(&long, &delivery, at(24 * HOUR)).await;
    assert_eq!(long.forget(at(24 * HOUR)).await.unwrap(), 0);
}

/// What somebody does with one of three events.
#[derive(Debug, Clone)]
enum Step {
    Take(usize),
    Finish(usize),
    Fail(usize),
    Drop(usize),
    Wait(i64),
    Retry(usize),
    Forget,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..3_usize).prop_map(Step::Take),
        2 => (0..8_usize).prop_map(Step::Finish),
        2 => (0..8_usize).prop_map(Step::Fail),
        1 => (0..8_usize).prop_map(Step::Drop),
        2 => (0..2 * LEASE).prop_map(Step::Wait),
        1 => (0..3_usize).prop_map(Step::Retry),
        1 => Just(Step::Forget),
    ]
}

/// In any order of steps: nothing that has finished is handled again, and no two handlers have an event within a lease. Answers
/// what became of each step.
async fn holds<S: Store>(inbox: &Inbox<S>, steps: &[Step]) -> Vec<String> {
    let events = [testing::completed(), testing::failed(), testing::duplicate_deposit()]
        .map(|sample| verified(&sample));
    let (mut now, mut works): (i64, Vec<(usize, Work<'_, S>)>) = (0, Vec::new());
    let (mut finished, mut until) = ([false; 3], [i64::MIN; 3]);
    let index = |key: &EventKey| events.iter().position(|event| event.key == *key).unwrap();
    let mut log = Vec::new();
    for step in steps {
        let became = match step {
            Step::Take(event) => match inbox.take(&events[*event], at(now)).await.unwrap() {
                Taken::Run(work) => {
                    assert!(!finished[*event] && until[*event] <= now);
                    until[*event] = now + LEASE;
                    let mut known: Vec<_> =
                        work.known().iter().map(|it| (it.key.event(), it.finished)).collect();
                    known.sort_unstable();
                    let became = format!("attempt {} {known:?}", work.attempt());
                    works.push((*event, work));
                    became
                }
                Taken::Finished => {
                    assert!(finished[*event]);
                    "finished".to_owned()
                }
                Taken::Running(end) => {
                    assert!(end == at(until[*event]) && now < until[*event]);
                    format!("running until {end}")
                }
                Taken::Dead => {
                    let dead = inbox.dead(9).await.unwrap();
                    assert!(dead.iter().any(|dead| index(&dead.key) == *event));
                    format!("{dead:?}")
                }
                Taken::Stale(_) => panic!("none is old"),
            },
            Step::Finish(at_work) | Step::Fail(at_work) | Step::Drop(at_work) if *at_work < works.len() => {
                let (event, work) = works.remove(*at_work);
                match step {
                    Step::Finish(_) => {
                        let ended = work.finish(at(now)).await.unwrap();
                        finished[event] |= ended == Ended::Kept;
                        format!("{ended:?}")
                    }
                    Step::Fail(_) => {
                        let ended = work.fail("no", at(now)).await.unwrap();
                        if ended == Ended::Kept {
                            until[event] = now;
                        }
                        format!("{ended:?}")
                    }
                    _ => "dropped".to_owned(),
                }
            }
            Step::Wait(time) => {
                now += time;
                "later".to_owned()
            }
            Step::Retry(event) => {
                let dead = inbox.retry(&events[*event].key).await.unwrap();
                assert!(!(dead && finished[*event]));
                format!("was dead: {dead}")
            }
            Step::Forget => inbox.forget(at(now)).await.unwrap().to_string(),
            Step::Finish(_) | Step::Fail(_) | Step::Drop(_) => "nothing".to_owned(),
        };
        log.push(format!("{became}; awaited {:?}", inbox.awaited(None, 9).await.unwrap()));
    }
    log
}

/// How many tests below run in a place that may be missing.
pub(crate) const PROPERTIES: usize = 2;

/// The rules hold, and the store does the same as one in memory of its kind.
fn agrees<P: Durable>(steps: &[Step]) {
    places::with::<P>(async |place| {
        let log = holds(&Inbox::new(place.store()).attempts(4), steps).await;
        let expected = if P::TRANSACTIONS {
            holds(&Inbox::new(Transactional::default()).attempts(4), steps).await
        } else {
            holds(&Inbox::new(MemoryStore::new()).attempts(4), steps).await
        };
        assert_eq!(log, expected);
    });
}

proptest! {
    #[test]
    fn any_order_of_steps_keeps_the_rules(steps in proptest::collection::vec(step(), 0..60)) {
        places::runtime().block_on(async {
            holds(&Inbox::new(Memory.store()).attempts(4), &steps).await;
            holds(&Inbox::new(InTest.store()).attempts(4), &steps).await;
        });
    }
}

/// A late end of the last attempt: the event is dead by then, so a store with transactions does not keep it.
#[test]
fn the_end_of_a_dead_events_last_attempt_is_the_same_in_every_store() {
    let take = || [Step::Take(1), Step::Wait(LEASE)];
    let steps: Vec<Step> = (0..4).flat_map(|_| take()).chain([Step::Take(1), Step::Finish(3)]).collect();
    agrees::<places::Sqlite>(&steps);
    agrees::<places::Postgres>(&steps);
    agrees::<places::Redis>(&steps);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_order_of_steps_is_the_same_in_sqlite(steps in proptest::collection::vec(step(), 0..60)) {
        agrees::<places::Sqlite>(&steps);
    }

    #[test]
    fn any_order_of_steps_is_the_same_in_postgres(steps in proptest::collection::vec(step(), 0..60)) {
        agrees::<places::Postgres>(&steps);
    }

    #[test]
    fn any_order_of_steps_is_the_same_in_redis(steps in proptest::collection::vec(step(), 0..60)) {
        agrees::<places::Redis>(&steps);
    }
}

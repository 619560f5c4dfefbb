//! Each event is handled once. The rules of stores run on each of them.

use crate::stores::Transactional;
use capecrypto_models::{DepositEventKind, Timestamp};
use capecrypto_webhook::{
    Ended, EventKey, Inbox, MemoryStore, Store, Taken, Verified, Verifier, Work, testing,
};
use proptest::prelude::*;
use std::{
    pin::pin,
    sync::atomic::{AtomicUsize, Ordering},
    task::{Context, Poll, Waker},
    time::Duration,
};

const HOUR: i64 = 3_600_000;
const LEASE: i64 = 300_000;

/// The time of the samples, and milliseconds later.
fn at(later: i64) -> Timestamp {
    let start: Timestamp = "2025-01-17T10:30:00Z".parse().unwrap();
    Timestamp::from_unix_millis(start.as_unix_millis() + later).unwrap()
}

/// The stores of these tests never wait.
fn done<T, E: std::fmt::Debug>(future: impl Future<Output = Result<T, E>> + Send) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result.unwrap(),
        Poll::Pending => panic!("a store that waits"),
    }
}

fn verified(sample: &testing::Sample) -> Verified {
    Verifier::unauthenticated().verify_values([], sample.body().as_bytes()).unwrap()
}

fn run<'a, S: Store>(taken: Taken<'a, S>) -> Work<'a, S> {
    match taken {
        Taken::Run(work) => work,
        _ => panic!("not to be handled"),
    }
}

/// Runs a rule on every store.
macro_rules! on_every_store {
    ($($(#[$attribute:meta])* fn $name:ident($inbox:ident: Inbox<S>) $body:block)*) => {$(
        $(#[$attribute])*
        #[test]
        fn $name() {
            fn rule<S: Store>($inbox: Inbox<S>) $body
            rule(Inbox::new(MemoryStore::new()));
            rule(Inbox::new(Transactional::default()));
        }
    )*};
}

on_every_store! {
    fn one_of_fifty_at_once_is_handled(inbox: Inbox<S>) {
        let (delivery, handled) = (verified(&testing::completed()), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..50 {
                scope.spawn(|| match done(inbox.take(&delivery, at(0))) {
                    Taken::Run(work) => {
                        handled.fetch_add(1, Ordering::SeqCst);
                        assert_eq!(done(work.finish(at(0))), Ended::Kept);
                    }
                    Taken::Running(until) => assert_eq!(until, at(LEASE)),
                    Taken::Finished => {}
                    Taken::Dead | Taken::Stale(_) => panic!("neither dead nor old"),
                });
            }
        });
        assert_eq!(handled.into_inner(), 1);
    }

    fn a_finished_event_is_not_handled_again_at_any_time_of_delivery(inbox: Inbox<S>) {
        let delivery = verified(&testing::completed());
        let _ = done(run(done(inbox.take(&delivery, at(0)))).finish(at(0)));
        let mut now = 0;
        for seconds in [30, 60, 300, 600, 1800, 3600, 7200, 100 * 3600] {
            now += seconds * 1000;
            let taken = done(inbox.take(&delivery, at(now)));
            assert!(matches!(taken, Taken::Finished) && taken.status() == 200);
            // The same event in another body, with another time.
            let rebuilt = verified(&testing::completed().at(at(now)).with("more", 1));
            assert!(matches!(done(inbox.take(&rebuilt, at(now))), Taken::Finished));
            assert!(matches!(done(inbox.recover(&rebuilt.event, &rebuilt.key, at(now))), Taken::Finished));
        }
    }

    fn a_handler_that_failed_is_run_again_at_once_until_it_is_dead(inbox: Inbox<S>) {
        let (inbox, delivery) = (inbox.attempts(3), verified(&testing::completed()));
        for attempt in 1..=3 {
            let work = run(done(inbox.take(&delivery, at(0))));
            assert_eq!(work.attempt(), attempt);
            assert_eq!(done(work.fail(&format!("no {attempt}"), at(i64::from(attempt)))), Ended::Kept);
        }
        let taken = done(inbox.take(&delivery, at(HOUR)));
        assert!(matches!(taken, Taken::Dead) && taken.status() == 503);
        let dead = done(inbox.dead(10));
        assert_eq!((dead.len(), &dead[0].key, dead[0].at), (1, &delivery.key, at(3)));
        assert_eq!(dead[0].reason.as_deref(), Some("no 3"));
        assert!(done(inbox.dead(0)).is_empty());

        assert!(done(inbox.retry(&delivery.key)) && !done(inbox.retry(&delivery.key)));
        assert!(done(inbox.dead(10)).is_empty());
        let work = run(done(inbox.take(&delivery, at(HOUR))));
        assert_eq!(work.attempt(), 4);
        let _ = done(work.fail("once more", at(HOUR)));
        let _ = done(run(done(inbox.take(&delivery, at(HOUR)))).finish(at(HOUR)));
        assert!(!done(inbox.retry(&delivery.key)));
        assert!(matches!(done(inbox.take(&delivery, at(HOUR))), Taken::Finished));
    }

    fn the_dead_are_listed_by_when_they_failed(inbox: Inbox<S>) {
        let inbox = inbox.attempts(1);
        for number in [3, 1, 4, 2, 5] {
            let delivery = verified(&testing::completed().reference(&format!("PAY-{number}")));
            let _ = done(run(done(inbox.take(&delivery, at(0)))).fail("no", at(100 - number)));
        }
        let dead: Vec<Timestamp> = done(inbox.dead(4)).iter().map(|dead| dead.at).collect();
        assert_eq!(dead, [at(95), at(96), at(97), at(98)]);
    }

    fn a_handler_that_was_cut_off_is_run_again_after_its_lease(inbox: Inbox<S>) {
        let (inbox, delivery) = (inbox.attempts(2), verified(&testing::completed()));
        drop(run(done(inbox.take(&delivery, at(0)))));
        let taken = done(inbox.take(&delivery, at(LEASE - 1)));
        assert!(matches!(taken, Taken::Running(until) if until == at(LEASE)) && taken.status() == 503);
        let work = run(done(inbox.take(&delivery, at(LEASE))));
        assert_eq!(work.attempt(), 2);
        drop(work);
        // The second one was the last.
        assert!(matches!(done(inbox.take(&delivery, at(2 * LEASE))), Taken::Dead));
        let dead = done(inbox.dead(10));
        assert_eq!((dead[0].reason.clone(), dead[0].at), (None, at(2 * LEASE)));
    }

    fn a_handler_that_ends_after_its_lease_and_before_another_is_kept(inbox: Inbox<S>) {
        let delivery = verified(&testing::completed());
        let work = run(done(inbox.take(&delivery, at(0))));
        assert_eq!(done(work.finish(at(10 * LEASE))), Ended::Kept);
        assert!(matches!(done(inbox.take(&delivery, at(10 * LEASE))), Taken::Finished));
    }

    fn an_old_handler_cannot_fail_what_a_new_one_has(inbox: Inbox<S>) {
        let delivery = verified(&testing::completed());
        let old = run(done(inbox.take(&delivery, at(0))));
        let new = run(done(inbox.take(&delivery, at(LEASE))));
        assert_eq!(done(old.fail("late", at(LEASE))), Ended::Lost);
        assert!(matches!(done(inbox.take(&delivery, at(LEASE))), Taken::Running(_)));
        assert_eq!(done(new.finish(at(LEASE))), Ended::Kept);
    }

    fn an_event_that_is_too_old_and_not_known_is_stale(inbox: Inbox<S>) {
        let inbox = inbox.keep(Duration::ZERO);
        let old = verified(&testing::completed().at(at(-48 * HOUR - 1)));
        let taken = done(inbox.take(&old, at(0)));
        assert!(matches!(taken, Taken::Stale(time) if time == at(-48 * HOUR - 1)) && taken.status() == 200);
        // It left no trace, and what you know of yourself has any age.
        let work = run(done(inbox.recover(&old.event, &old.key, at(0))));
        assert_eq!(work.attempt(), 1);
        let _ = done(work.fail("later", at(0)));
        // What the store knows is late, and not lost.
        let _ = done(run(done(inbox.take(&old, at(0)))).finish(at(0)));
        assert!(matches!(done(inbox.take(&old, at(0))), Taken::Finished));

        let just = verified(&testing::failed().at(at(-48 * HOUR)));
        let _ = run(done(inbox.take(&just, at(0))));
        let timeless = verified(&testing::deposit(DepositEventKind::Accepted));
        let _ = run(done(inbox.take(&timeless, at(1_000_000 * HOUR))));
    }

    fn only_what_is_finished_and_too_old_is_forgotten(inbox: Inbox<S>) {
        let inbox = inbox.keep(Duration::ZERO);
        let finish = |sample: &testing::Sample| {
            let delivery = verified(sample);
            let _ = done(run(done(inbox.take(&delivery, at(0)))).finish(at(0)));
            delivery
        };
        let finished = finish(&testing::completed().at(at(0)));
        let timeless = finish(&testing::deposit(DepositEventKind::Accepted));
        let failed = verified(&testing::failed().at(at(0)));
        let _ = done(run(done(inbox.take(&failed, at(0)))).fail("no", at(0)));
        let running = verified(&testing::deposit_matched().at(at(0)));
        drop(run(done(inbox.take(&running, at(0)))));

        assert_eq!(done(inbox.forget(at(49 * HOUR))), 0);
        assert_eq!(done(inbox.forget(at(49 * HOUR + 1))), 1);
        let now = at(49 * HOUR + 1);
        // Forgotten, and too old to be handled again.
        assert!(matches!(done(inbox.take(&finished, now)), Taken::Stale(_)));
        assert!(matches!(done(inbox.take(&timeless, now)), Taken::Finished));
        assert_eq!(done(inbox.forget(at(10_000 * HOUR))), 0);
        let work = run(done(inbox.take(&failed, now)));
        let known: Vec<&str> = work.known().iter().map(|known| known.key.event()).collect();
        assert_eq!(known, ["payment_reference.deposit_matched"]);
    }

    fn an_event_that_came_again_with_a_later_time_is_kept_longer(inbox: Inbox<S>) {
        let inbox = inbox.keep(Duration::ZERO);
        let _ = done(run(done(inbox.take(&verified(&testing::completed().at(at(0))), at(0)))).finish(at(0)));
        let again = verified(&testing::completed().at(at(24 * HOUR)));
        assert!(matches!(done(inbox.take(&again, at(24 * HOUR))), Taken::Finished));
        assert_eq!(done(inbox.forget(at(60 * HOUR))), 0);
        assert!(matches!(done(inbox.take(&again, at(60 * HOUR))), Taken::Finished));
    }

    fn what_came_before_of_the_same_reference_is_told(inbox: Inbox<S>) {
        let completed = run(done(inbox.take(&verified(&testing::completed()), at(0))));
        assert_eq!(completed.known(), []);
        let _ = done(completed.finish(at(0)));
        let _ = run(done(inbox.take(&verified(&testing::failed().reference("PAY-2")), at(0))));
        let _ = run(done(inbox.take(&verified(&testing::duplicate_deposit()), at(0))));
        let _ = run(done(inbox.take(&verified(&testing::named("x")), at(0))));
        // It comes last, and is handled all the same.
        let matched = run(done(inbox.take(&verified(&testing::deposit_matched()), at(0))));
        let mut known: Vec<(&str, bool)> =
            matched.known().iter().map(|known| (known.key.event(), known.finished)).collect();
        known.sort_unstable();
        let expected = [("payment_reference.completed", true), ("payment_reference.duplicate_deposit", false)];
        assert_eq!(known, expected);
    }
}

#[test]
fn an_effect_in_a_transaction_happens_once_also_if_two_handlers_run() {
    let inbox = Inbox::new(Transactional::default());
    let delivery = verified(&testing::completed());
    let mut slow = run(done(inbox.take(&delivery, at(0))));
    slow.transaction().push("slow".to_owned());
    let mut cut_off = run(done(inbox.take(&delivery, at(LEASE))));
    cut_off.transaction().push("cut off".to_owned());
    drop(cut_off);
    let mut failed = run(done(inbox.take(&delivery, at(2 * LEASE))));
    failed.transaction().push("failed".to_owned());
    assert_eq!(done(failed.fail("no", at(2 * LEASE))), Ended::Kept);
    let mut last = run(done(inbox.take(&delivery, at(2 * LEASE))));
    last.transaction().push("last".to_owned());
    assert_eq!(done(slow.finish(at(2 * LEASE))), Ended::Lost);
    assert!(inbox.store().effects().is_empty());
    assert_eq!(done(last.finish(at(2 * LEASE))), Ended::Kept);
    assert_eq!(inbox.store().effects(), ["last"]);
}

#[test]
fn without_transactions_a_handler_that_ends_late_still_ends_the_event() {
    let inbox = Inbox::new(MemoryStore::new());
    let delivery = verified(&testing::completed());
    let old = run(done(inbox.take(&delivery, at(0))));
    let new = run(done(inbox.take(&delivery, at(LEASE))));
    assert_eq!(done(old.finish(at(LEASE))), Ended::Kept);
    // The failure of the other one does not open it again.
    assert_eq!(done(new.fail("no", at(LEASE))), Ended::Lost);
    assert!(matches!(done(inbox.take(&delivery, at(10 * LEASE))), Taken::Finished));
}

#[test]
fn limits_are_kept_within_reason() {
    let delivery = verified(&testing::completed());
    let brief = Inbox::new(MemoryStore::new()).lease(Duration::ZERO).attempts(0);
    let work = run(done(brief.take(&delivery, at(0))));
    assert!(matches!(done(brief.take(&delivery, at(999))), Taken::Running(_)));
    let _ = done(work.fail("no", at(0)));
    assert!(matches!(done(brief.take(&delivery, at(0))), Taken::Dead));
    let long = Inbox::new(MemoryStore::new()).lease(Duration::MAX).keep(Duration::MAX);
    let _ = run(done(long.take(&delivery, at(0))));
    let _ = run(done(long.take(&delivery, at(24 * HOUR))));
    assert_eq!(done(long.forget(at(24 * HOUR))), 0);
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

/// In any order of steps: nothing that has finished is handled again, and no two handlers have an event within a lease.
fn holds<S: Store>(inbox: &Inbox<S>, steps: &[Step]) {
    let events = [testing::completed(), testing::failed(), testing::duplicate_deposit()]
        .map(|sample| verified(&sample));
    let (mut now, mut works): (i64, Vec<(usize, Work<'_, S>)>) = (0, Vec::new());
    let (mut finished, mut until) = ([false; 3], [i64::MIN; 3]);
    let index = |key: &EventKey| events.iter().position(|event| event.key == *key).unwrap();
    for step in steps {
        match step {
            Step::Take(event) => match done(inbox.take(&events[*event], at(now))) {
                Taken::Run(work) => {
                    assert!(!finished[*event] && until[*event] <= now);
                    until[*event] = now + LEASE;
                    works.push((*event, work));
                }
                Taken::Finished => assert!(finished[*event]),
                Taken::Running(end) => assert!(end == at(until[*event]) && now < until[*event]),
                Taken::Dead => assert!(done(inbox.dead(9)).iter().any(|dead| index(&dead.key) == *event)),
                Taken::Stale(_) => panic!("none is old"),
            },
            Step::Finish(at_work) | Step::Fail(at_work) | Step::Drop(at_work) if *at_work < works.len() => {
                let (event, work) = works.remove(*at_work);
                match step {
                    Step::Finish(_) => finished[event] |= done(work.finish(at(now))) == Ended::Kept,
                    Step::Fail(_) if done(work.fail("no", at(now))) == Ended::Kept => until[event] = now,
                    _ => {}
                }
            }
            Step::Wait(time) => now += time,
            Step::Retry(event) => {
                let dead = done(inbox.retry(&events[*event].key));
                assert!(!(dead && finished[*event]));
            }
            Step::Forget => assert_eq!(done(inbox.forget(at(now))), 0),
            Step::Finish(_) | Step::Fail(_) | Step::Drop(_) => {}
        }
    }
}

proptest! {
    #[test]
    fn any_order_of_steps_keeps_the_rules(steps in proptest::collection::vec(step(), 0..60)) {
        holds(&Inbox::new(MemoryStore::new()).attempts(4), &steps);
        holds(&Inbox::new(Transactional::default()).attempts(4), &steps);
    }
}

//! When repairs happen, on simulated time.

use crate::support::{Random, apply, increment, live_book, snapshot};
use capecrypto_orderbook::{Applied, Repair};
use proptest::prelude::*;
use std::time::Duration;

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn lost() -> Applied {
    let applied = apply(&mut live_book(), &increment(7, "asks", "1", "1"));
    assert!(matches!(applied, Applied::Lost(_)));
    applied
}

const SNAPSHOT: Applied = Applied::Snapshot { sequence: 1 };

#[test]
fn the_first_loss_is_repaired_at_once_and_a_snapshot_ends_it() {
    let mut repair = Repair::new();
    assert_eq!((repair.due(), repair.poll(ms(0))), (None, false));
    assert!(!repair.after(&Applied::Increment { sequence: 5 }, ms(10)));
    assert!(repair.after(&lost(), ms(20)));
    assert!(!repair.after(&Applied::Ignored, ms(21)));
    assert_eq!(repair.due(), Some(ms(2_020)));
    assert!(!repair.after(&SNAPSHOT, ms(300)));
    assert_eq!(repair.due(), None);
    assert!(!repair.poll(ms(1_000_000)));
}

#[test]
fn the_next_repair_waits_for_a_second_since_the_last() {
    let mut repair = Repair::new();
    assert!(repair.after(&lost(), ms(5_000)));
    assert!(!repair.after(&SNAPSHOT, ms(5_100)));
    assert!(!repair.after(&lost(), ms(5_200)));
    assert_eq!(repair.due(), Some(ms(6_000)));
    assert!(!repair.poll(ms(5_999)));
    assert!(repair.poll(ms(6_000)));
    assert!(!repair.poll(ms(6_000)), "one repair is enough");
}

#[test]
fn without_a_snapshot_it_is_asked_for_again_ever_more_slowly() {
    let mut repair = Repair::new();
    assert!(repair.after(&lost(), ms(0)));
    let mut asked = vec![ms(0)];
    while asked.len() < 8 {
        let due = repair.due().unwrap();
        assert!(!repair.poll(due - ms(1)));
        assert!(repair.poll(due));
        asked.push(due);
    }
    let gaps: Vec<_> = asked.windows(2).map(|two| (two[1] - two[0]).as_secs()).collect();
    assert_eq!(gaps, [2, 4, 8, 16, 30, 30, 30]);
    // After a snapshot it is quick again.
    assert!(!repair.after(&SNAPSHOT, ms(200_000)));
    assert!(repair.after(&lost(), ms(200_001)));
    assert_eq!(repair.due(), Some(ms(202_001)));
}

#[test]
fn a_new_connection_counts_as_asked() {
    let mut repair = Repair::new();
    repair.subscribed(ms(100));
    assert_eq!(repair.due(), Some(ms(2_100)));
    // An increment came instead of the snapshot, so that subscription brings no snapshot.
    assert!(!repair.after(&lost(), ms(150)));
    assert_eq!(repair.due(), Some(ms(1_100)));
    repair.disconnected();
    assert_eq!((repair.due(), repair.poll(ms(60_000))), (None, false));
}

#[test]
fn a_clock_that_steps_back_only_makes_it_wait() {
    let mut repair = Repair::new();
    assert!(repair.after(&lost(), ms(10_000)));
    assert!(!repair.after(&SNAPSHOT, ms(9_000)));
    assert!(!repair.after(&lost(), ms(3_000)));
    assert_eq!(repair.due(), Some(ms(11_000)));
    // The largest Duration does no harm either.
    assert!(repair.poll(Duration::MAX));
    assert!(!repair.after(&SNAPSHOT, Duration::MAX));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    /// Whatever happens, repairs are at least a second apart, and a lost book is always repaired.
    #[test]
    fn no_storm_and_no_silence(seed in any::<u64>()) {
        let mut random = Random(seed);
        let mut repair = Repair::new();
        let mut book = live_book();
        let (mut now, mut asked, mut sequence) = (0, Vec::new(), 100);
        for _ in 0..2_000 {
            now += random.below(300) as u64;
            let frame = match random.below(20) {
                // A server that answers some subscriptions, and some of them badly.
                0 => snapshot(sequence, &[], &[]),
                1 => snapshot(sequence, &[("5", "1")], &[("4", "1")]),
                2 => r#"{"btczar.ob-snap":{}}"#.to_owned(),
                3..=5 => { sequence += 2; increment(sequence, "asks", "200", "1") }
                _ => { sequence += 1; increment(sequence, "asks", "200", "1") }
            };
            let applied = apply(&mut book, &frame);
            if repair.after(&applied, ms(now)) {
                asked.push(now);
            }
            if book.best().is_ok() {
                prop_assert_eq!(repair.due(), None);
            } else {
                let due = repair.due();
                prop_assert!(due.is_some_and(|due| due <= ms(now + 30_000)), "{:?} at {}", due, now);
            }
        }
        prop_assert!(asked.len() > 20, "only {} repairs", asked.len());
        for two in asked.windows(2) {
            prop_assert!(two[1] - two[0] >= 1_000, "{} after {}", two[1], two[0]);
        }
    }
}

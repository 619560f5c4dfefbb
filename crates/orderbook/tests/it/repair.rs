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
    // A minute after a snapshot it is quick again.
    assert!(!repair.after(&SNAPSHOT, ms(200_000)));
    assert!(repair.after(&lost(), ms(260_000)));
    assert_eq!(repair.due(), Some(ms(262_000)));
}

#[test]
fn a_book_that_breaks_again_after_each_repair_causes_no_storm() {
    let mut repair = Repair::new();
    let mut asked = Vec::new();
    for now in (0..600_000).step_by(10).map(ms) {
        // The exchange answers each subscription at once, and each book breaks at once.
        let again = if repair.due().is_none() { repair.after(&lost(), now) } else { repair.poll(now) };
        if again {
            asked.push(now);
            assert!(!repair.after(&SNAPSHOT, now));
        }
    }
    let gaps: Vec<_> = asked.windows(2).map(|two| (two[1] - two[0]).as_secs()).collect();
    assert_eq!(gaps.iter().take(7).copied().collect::<Vec<_>>(), [1, 2, 4, 8, 16, 30, 30]);
    assert!(asked.len() < 26, "{} subscriptions in 600 s", asked.len());
}

#[test]
fn a_snapshot_that_comes_again_does_not_make_a_book_younger() {
    let mut repair = Repair::new();
    assert!(repair.after(&lost(), ms(0)));
    assert!(!repair.after(&SNAPSHOT, ms(100)));
    assert!(!repair.after(&SNAPSHOT, ms(50_000)));
    assert!(repair.after(&lost(), ms(60_100)));
    assert_eq!(repair.due(), Some(ms(62_100)), "the first try of a healthy book");
}

#[test]
fn a_book_that_was_right_for_less_than_a_minute_is_not_healthy() {
    let mut repair = Repair::new();
    assert!(repair.after(&lost(), ms(0)));
    assert!(!repair.after(&SNAPSHOT, ms(100)));
    assert!(repair.after(&lost(), ms(60_000)));
    assert_eq!(repair.due(), Some(ms(64_000)), "the second try");
}

#[test]
fn an_increment_shows_that_an_exchange_without_a_snapshot_has_one_now() {
    let mut repair = Repair::new();
    repair.subscribed(ms(0));
    for at in [2_000, 6_000, 14_000] {
        assert!(repair.poll(ms(at)));
        repair.confirmed(false, ms(at + 50));
    }
    assert_eq!(repair.due(), Some(ms(30_000)));
    assert!(repair.after(&Applied::Ignored, ms(16_000)));
    // One that was on its way when the exchange was asked shows nothing.
    assert!(!repair.after(&Applied::Ignored, ms(17_500)));
    repair.confirmed(true, ms(17_600));
    assert_eq!(repair.due(), None);
    assert!(!repair.after(&Applied::Ignored, ms(20_000)));
}

#[test]
fn a_confirmation_without_a_snapshot_is_not_the_end() {
    let mut repair = Repair::new();
    repair.confirmed(false, ms(100));
    assert_eq!(repair.due(), Some(ms(2_100)));
    // An increment just after is a loss; the second between two subscriptions is kept.
    assert!(!repair.after(&lost(), ms(200)));
    assert_eq!(repair.due(), Some(ms(1_100)));
}

#[test]
fn a_snapshot_after_its_confirmation_counts_too() {
    let mut repair = Repair::new();
    repair.confirmed(false, ms(0));
    assert!(!repair.after(&SNAPSHOT, ms(10)));
    assert!(!repair.after(&Applied::Ignored, ms(5_000)));
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
        prop_assert!(asked.len() > 8, "only {} repairs", asked.len());
        for two in asked.windows(2) {
            prop_assert!(two[1] - two[0] >= 1_000, "{} after {}", two[1], two[0]);
        }
    }
}

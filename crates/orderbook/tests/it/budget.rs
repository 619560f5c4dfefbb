//! How many repairs a connection may make, on simulated time.

use crate::support::{Random, seed_or};
use capecrypto_orderbook::RepairBudget;
use std::time::Duration;

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// How many it gives at this moment.
fn all(budget: &mut RepairBudget, now: Duration) -> usize {
    std::iter::from_fn(|| budget.take(now).ok()).take(1_000).count()
}

#[test]
fn twenty_at_once_then_ten_a_second() {
    let mut budget = RepairBudget::default();
    assert_eq!(all(&mut budget, ms(7_000)), 20);
    assert_eq!(budget.take(ms(7_000)), Err(ms(7_100)));
    let later: usize = (7_001..=8_000).map(|now| all(&mut budget, ms(now))).sum();
    assert_eq!(later, 10);
}

#[test]
fn the_time_of_a_refusal_is_exact_and_a_refusal_takes_nothing() {
    let mut budget = RepairBudget::new(1, 4);
    assert_eq!(budget.take(ms(100)), Ok(()));
    for now in [100, 101, 200, 349] {
        assert_eq!(budget.take(ms(now)), Err(ms(350)));
    }
    assert_eq!(budget.take(ms(350)), Ok(()));
    assert_eq!(budget.take(ms(350)), Err(ms(600)));
}

#[test]
fn a_quiet_time_saves_no_more_than_one_burst() {
    let mut budget = RepairBudget::new(3, 10);
    assert_eq!(all(&mut budget, ms(0)), 3);
    assert_eq!(all(&mut budget, ms(250)), 2, "what half a quiet time gives back");
    assert_eq!(all(&mut budget, ms(86_400_000)), 3);
}

#[test]
fn odd_settings_and_times_do_no_harm() {
    let mut least = RepairBudget::new(0, 0);
    assert_eq!((least.take(ms(0)), least.take(ms(0))), (Ok(()), Err(ms(1_000))));
    let mut most = RepairBudget::new(u32::MAX, u32::MAX);
    assert_eq!(all(&mut most, ms(1)), 1_000);
    let mut back = RepairBudget::new(1, 10);
    assert_eq!((back.take(ms(500)), back.take(ms(100))), (Ok(()), Err(ms(600))));
    assert_eq!(back.take(ms(600)), Ok(()));
    assert_eq!(back.take(Duration::MAX), Ok(()));
}

/// Whatever is asked for and when: no window of time has more than its budget, and whoever comes back when told gets one.
#[test]
fn no_window_has_more_than_a_burst_and_its_rate() {
    let seed = seed_or(41);
    let mut random = Random(seed);
    for _ in 0..50 {
        let (burst, rate) = (1 + random.below(30), 1 + random.below(20));
        let mut budget = RepairBudget::new(burst as u32, rate as u32);
        let (mut now, mut taken) = (random.next() % 10_000, Vec::new());
        for _ in 0..400 {
            now += if random.once_in(10) { random.next() % 3_000 } else { random.next() % 50 };
            for _ in 0..random.below(4) {
                match budget.take(ms(now)) {
                    Ok(()) => taken.push(now),
                    Err(at) => {
                        assert!(at > ms(now) && at <= ms(now + 1_000), "{at:?} at {now}");
                        assert!(budget.clone().take(at).is_ok(), "{at:?} at {now}");
                        assert!(
                            budget.clone().take(at - Duration::from_nanos(1)).is_err(),
                            "{at:?} at {now}"
                        );
                    }
                }
            }
        }
        for (first, start) in taken.iter().enumerate() {
            for (last, end) in taken.iter().enumerate().skip(first) {
                let most = burst as u64 + (end - start) * rate as u64 / 1_000;
                assert!((last - first) as u64 <= most, "{start} to {end}: more than {most}");
            }
        }
    }
}

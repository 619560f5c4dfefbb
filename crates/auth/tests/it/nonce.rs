use capecrypto_auth::{NonceError, NonceSource};
use proptest::prelude::*;
use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

#[test]
fn sixty_four_threads_never_get_the_same() {
    let source = Arc::new(NonceSource::new());
    // A millisecond passes with each call. A thread that slept between reading the time and asking for a nonce may get an
    // error, and asks again.
    let time = Arc::new(AtomicU64::new(1));
    let workers: Vec<_> = (0..64)
        .map(|_| {
            let (source, time) = (source.clone(), time.clone());
            let ask = move || source.next(time.fetch_add(1, Ordering::SeqCst)).ok();
            let next = move || std::iter::repeat_with(&ask).flatten().next().unwrap();
            thread::spawn(move || (0..10_000).map(|_| next()).collect::<Vec<_>>())
        })
        .collect();
    let mut all = HashSet::new();
    for worker in workers {
        let mine = worker.join().unwrap();
        assert!(mine.is_sorted_by(|a, b| a < b), "each thread gets rising nonces");
        all.extend(mine);
    }
    assert_eq!(all.len(), 640_000);
}

#[test]
fn a_burst_runs_ahead_by_two_seconds_at_most() {
    let source = NonceSource::new();
    for expected in 1_000..=3_000 {
        assert_eq!(source.next(1_000).unwrap(), expected);
    }
    assert_eq!(source.next(1_000).unwrap_err(), NonceError::TooFarAhead { ahead_ms: 2_001 });
    assert_eq!(source.next(1_001).unwrap(), 3_001, "the refusal used up no nonce");
}

#[test]
fn a_clock_that_was_ahead_can_be_set_back_without_repeating() {
    let source = NonceSource::new();
    assert_eq!(source.next(60_000).unwrap(), 60_000);
    assert_eq!(source.next(60_000).unwrap(), 60_001);
    assert!(source.next(1_000).is_err());
    source.rewind();
    assert_eq!(source.next(1_000).unwrap(), 1_000);
    assert_eq!(source.next(59_999).unwrap(), 59_999);
    assert_eq!(source.next(60_000).unwrap(), 60_002, "60,000 and 60,001 were used before");
}

#[test]
fn a_clock_that_jumps_ahead_after_hours_of_work_and_back_again() {
    let source = NonceSource::new();
    let mut seen = HashSet::new();
    for now in (0..3_600_000).step_by(500).chain([7_200_000, 7_200_250]) {
        assert!(seen.insert(source.next(now).unwrap()));
    }
    source.rewind();
    for now in (0..3_600_000).step_by(250) {
        let nonce = source.next(now).unwrap();
        assert!(seen.insert(nonce) && nonce <= now + 1, "{nonce} at {now}");
    }
}

#[test]
fn at_the_end_of_time_there_is_an_error_and_no_endless_loop() {
    let source = NonceSource::new();
    assert_eq!(source.next(u64::MAX), Ok(u64::MAX));
    assert_eq!(source.next(u64::MAX), Err(NonceError::EndOfTime));
    source.rewind();
    assert_eq!(source.next(u64::MAX), Err(NonceError::EndOfTime), "a rewind does not repeat a nonce");
    assert_eq!(source.next(5), Ok(5));
}

#[test]
fn everybody_who_uses_a_key_shares_its_nonces() {
    let (first, second) = (NonceSource::of_key("shared"), NonceSource::of_key("shared"));
    assert_eq!((first.next(7), second.next(7)), (Ok(7), Ok(8)));
    assert_eq!(NonceSource::of_key("another").next(7), Ok(7));
}

proptest! {
    #[test]
    fn whatever_the_clock_does_none_comes_twice(steps in prop::collection::vec((0_u64..10_000, any::<bool>()), 1..300)) {
        let source = NonceSource::new();
        let mut seen = HashSet::new();
        for (now, rewind) in steps {
            if rewind {
                source.rewind();
            }
            match source.next(now) {
                Ok(nonce) => {
                    prop_assert!(seen.insert(nonce), "{nonce} twice");
                    prop_assert!(nonce >= now && nonce <= now + 2_000);
                }
                // 300 nonces never fill two seconds, so there is always a free one after a rewind.
                Err(error) => prop_assert!(!rewind, "{error}"),
            }
        }
    }
}

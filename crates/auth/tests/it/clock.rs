use capecrypto_auth::{Clock, Skew};
use std::time::Duration;

const NOW: u64 = 1_700_000_000_400;

/// The answer of a server whose clock is `ahead_ms` ahead of ours, after a round trip of 20 ms.
fn answer(clock: &Clock, ahead_ms: i64) -> (u64, u64, Duration) {
    let sent = clock.local_ms();
    (sent.saturating_add(10).saturating_add_signed(ahead_ms) / 1_000, sent + 20, Duration::from_millis(20))
}

fn observe(clock: &Clock, ahead_ms: i64) -> Option<Skew> {
    let (date, received, took) = answer(clock, ahead_ms);
    clock.observe(date, received, took)
}

#[test]
fn a_clock_that_is_right_stays_as_it_is() {
    let (clock, time) = Clock::manual(NOW);
    for step in 0..1_000 {
        assert_eq!(observe(&clock, 0), None, "step {step}");
        time.advance(Duration::from_millis(37));
    }
    assert_eq!((clock.offset_ms(), clock.now_ms()), (0, clock.local_ms()));
}

#[test]
fn two_answers_in_a_row_set_it_right() {
    for ahead in [-3_600_000, -60_000, -6_000, -4_000, 4_000, 6_000, 60_000, 3_600_000] {
        let (clock, time) = Clock::manual(NOW);
        assert_eq!(observe(&clock, ahead), None);
        assert_eq!(clock.offset_ms(), 0, "one answer is not enough");
        time.advance(Duration::from_millis(300));
        let skew = observe(&clock, ahead).unwrap();
        assert!(skew.applied && (skew.offset_ms - ahead).abs() <= 1_000, "{ahead}: {skew:?}");
        assert_eq!(clock.offset_ms(), skew.offset_ms);
        assert_eq!(observe(&clock, ahead), None, "the clock is right now");
    }
}

#[test]
fn answers_that_disagree_change_nothing() {
    let (clock, _) = Clock::manual(NOW);
    for ahead in [60_000, -60_000, 30_000, 0, 60_000] {
        assert_eq!(observe(&clock, ahead), None);
    }
    assert_eq!(clock.offset_ms(), 0);
}

#[test]
fn a_refused_nonce_corrects_at_once_and_only_where_it_helps() {
    let (clock, _) = Clock::manual(NOW);
    let (date, received, took) = answer(&clock, -60_000);
    let skew = clock.correct(date, received, took);
    assert!(skew.applied && (skew.offset_ms + 60_000).abs() <= 1_000, "{skew:?}");
    assert!(!clock.correct(date, received, took).applied, "a second correction would change nothing");
    let (date, received, took) = answer(&clock, 0);
    assert_eq!(clock.correct(date, received, took), Skew { offset_ms: 0, applied: true });
}

#[test]
fn a_lying_server_is_reported_and_not_believed() {
    let (clock, _) = Clock::manual(NOW);
    for ahead in [-48 * 3_600_000, 48 * 3_600_000, 25 * 3_600_000] {
        for _ in 0..3 {
            let skew = observe(&clock, ahead).unwrap();
            assert!(!skew.applied && (skew.offset_ms - ahead).abs() <= 1_000);
        }
        let (date, received, took) = answer(&clock, ahead);
        assert!(!clock.correct(date, received, took).applied);
    }
    assert!(!clock.observe(u64::MAX, 0, Duration::ZERO).unwrap().applied);
    assert_eq!(clock.offset_ms(), 0);
}

#[test]
fn a_long_way_there_says_little() {
    let (clock, _) = Clock::manual(NOW);
    for _ in 0..3 {
        // The round trip took ten seconds and the date lies within them, so it proves nothing.
        assert_eq!(clock.observe(NOW / 1_000 + 5, NOW + 10_000, Duration::from_secs(10)), None);
    }
    assert_eq!(clock.offset_ms(), 0);
}

#[test]
fn a_wall_clock_that_is_set_during_an_answer_shows_no_difference() {
    for step_ms in [-3_600_000_i64, 3_600_000, -6_000, 6_000] {
        // The clock was wrong by `step_ms` when the request left, and was corrected before the answer came.
        let (clock, time) = Clock::manual(NOW.saturating_add_signed(-step_ms));
        time.set(NOW);
        for _ in 0..3 {
            assert_eq!(clock.observe(NOW / 1_000, clock.local_ms(), Duration::from_millis(20)), None);
        }
        let skew = clock.correct(NOW / 1_000, clock.local_ms(), Duration::from_millis(20));
        assert!(!skew.applied && skew.offset_ms.abs() <= 1_000, "{step_ms}: {skew:?}");
        assert_eq!(clock.offset_ms(), 0);
    }
}

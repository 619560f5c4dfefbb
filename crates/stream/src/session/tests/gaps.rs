//! What may be lost of the account is told.

use super::*;

/// The told gaps, with the number of their topics.
fn gaps(events: &[Event]) -> Vec<(usize, i64, i64)> {
    let start = 1_700_000_000_000;
    let gap = |event: &Event| match event {
        Event::Gap { topics, from, to } => {
            Some((topics.len(), from.as_unix_millis() - start, to.as_unix_millis() - start))
        }
        _ => None,
    };
    events.iter().filter_map(gap).collect()
}

#[test]
fn a_gap_reaches_from_the_last_list_to_the_confirmation() {
    let mut session = open(&[market("btczar"), Topic::Orders]);
    list(&mut session, 30, &["order", "btczar.ob-inc"]);
    assert_eq!(events(&mut session), [], "a list that shows what is known is no news");
    // Neither a message nor an answered ping proves anything: it may have been on its way for long.
    say(&mut session, at(45_000), r#"{"order":{}}"#);
    session.heard(at(46_000));
    session.disconnected(at(47_000), closed());
    session.tick(at(48_000));
    // Neither a failure nor a connection without a confirmation shortens it.
    session.connect_failed(at(48_000), failed());
    session.tick(at(60_000));
    session.connected(at(60_500));
    session.disconnected(at(78_000), Interruption::Unconfirmed);
    session.tick(at(110_000));
    session.connected(at(110_500));
    assert_eq!(gaps(&events(&mut session)), [], "not before the confirmation");
    confirm(&mut session, at(111_000), &["order"]);
    assert_eq!(gaps(&events(&mut session)), [(1, 25_000, 111_000)], "the book is asked for next");
    session.disconnected(at(112_000), closed());
    session.tick(at(145_000));
    session.connected(at(145_500));
    confirm(&mut session, at(146_000), &["order"]);
    assert_eq!(gaps(&events(&mut session)), [(1, 105_000, 146_000)], "from the handshake that was answered");
}

#[test]
fn a_frozen_process_reads_its_backlog_late_and_still_tells_the_whole_gap() {
    let mut session = open(&[Topic::Orders]);
    session.tick(at(30_000));
    // The process stands still for a minute. Then it reads what had come before the line broke, the list too.
    confirm(&mut session, at(90_000), &["order"]);
    say(&mut session, at(90_000), r#"{"order":{}}"#);
    session.heard(at(90_000));
    session.disconnected(at(90_001), closed());
    session.tick(at(91_000));
    session.connected(at(91_100));
    confirm(&mut session, at(91_200), &["order"]);
    assert_eq!(gaps(&events(&mut session)), [(1, 25_000, 91_200)]);
}

#[test]
fn a_list_that_nobody_asked_for_proves_nothing() {
    let mut session = open(&[Topic::Orders]);
    confirm(&mut session, at(29_000), &["order"]);
    session.disconnected(at(29_500), closed());
    session.tick(at(31_000));
    session.connected(at(31_100));
    confirm(&mut session, at(31_200), &["order"]);
    assert_eq!(gaps(&events(&mut session)), [(1, -5_000, 31_200)]);
}

#[test]
fn a_topic_that_vanishes_from_the_list_is_told_asked_for_again_and_has_a_gap() {
    let mut session = open(&[Topic::Orders, Topic::Balances]);
    list(&mut session, 30, &["order", "balance"]);
    list(&mut session, 60, &["balance"]);
    let told = events(&mut session);
    assert!(told.contains(&Event::NotSubscribed { topics: vec![Topic::Orders] }), "{told:?}");
    session.tick(at(71_000));
    assert_eq!(sent(&mut session), [r#"{"event":"subscribe","streams":["order"]}"#]);
    confirm(&mut session, at(71_300), &["balance", "order"]);
    assert_eq!(gaps(&events(&mut session)), [(1, 25_000, 71_300)], "it may have gone right after the list");
}

#[test]
fn a_topic_that_vanished_before_the_connection_was_lost_has_its_gap_since_the_last_list() {
    let mut session = open(&[Topic::Orders, Topic::Balances]);
    list(&mut session, 30, &["order", "balance"]);
    // It goes at 40 s without a word; pings are answered all the time.
    session.tick(at(45_000));
    session.heard(at(45_100));
    session.disconnected(at(59_000), closed());
    session.tick(at(60_000));
    session.connected(at(60_100));
    confirm(&mut session, at(60_200), &["order", "balance"]);
    assert_eq!(gaps(&events(&mut session)), [(2, 25_000, 60_200)]);
}

#[test]
fn a_first_connection_that_never_was_confirmed_is_a_gap_too() {
    let mut session = session(&[Topic::Orders]);
    session.connected(at(10_000));
    session.disconnected(at(12_000), closed());
    session.tick(at(13_000));
    session.connected(at(13_500));
    confirm(&mut session, at(14_000), &["order"]);
    assert_eq!(gaps(&events(&mut session)), [(1, -5_000, 14_000)], "since it was asked for");
}

#[test]
fn a_first_confirmation_that_lacks_one_topic_is_no_gap_of_the_others() {
    let mut session = session(&[Topic::Orders, Topic::Trades]);
    session.connected(at(100));
    confirm(&mut session, at(200), &["order"]);
    assert_eq!(gaps(&events(&mut session)), []);
    session.tick(at(10_200));
    confirm(&mut session, at(10_300), &["order", "trade"]);
    assert_eq!(gaps(&events(&mut session)), [(1, -5_000, 10_300)], "trades were asked for at the start");
}

#[test]
fn a_list_that_is_under_way_when_a_missing_topic_is_due_does_not_put_it_off() {
    let config = Config::default().list_every(Duration::from_secs(5));
    let mut session = Session::new(config, &[Topic::Orders, Topic::Trades], 7, at(0));
    session.connected(at(0));
    confirm(&mut session, at(1_000), &["order"]);
    // Trades are due at 11 s, while the list of 10 s is still on its way.
    session.tick(at(10_000));
    assert_eq!(sent(&mut session), [LIST]);
    session.tick(at(11_500));
    assert_eq!(sent(&mut session), [""; 0]);
    assert!(session.wake_at().unwrap() > at(11_500).elapsed, "it does not spin until the answer");
    confirm(&mut session, at(12_500), &["order"]);
    session.tick(at(12_500));
    assert_eq!(sent(&mut session), [r#"{"event":"subscribe","streams":["trade"]}"#]);
}

#[test]
fn a_book_that_ended_without_a_word_is_noticed_on_a_public_connection_too() {
    let mut session = open(&[market("btczar"), market("ethzar")]);
    list(&mut session, 30, &["ethzar.ob-inc"]);
    assert_eq!(events(&mut session), [Event::NotSubscribed { topics: vec![market("btczar")] }]);
}

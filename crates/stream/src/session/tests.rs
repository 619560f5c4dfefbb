//! The session alone, with time as a number.

use super::*;

/// So many milliseconds after the start.
fn at(millis: u64) -> Now {
    Now { elapsed: Duration::from_millis(millis), unix_millis: 1_700_000_000_000 + millis }
}

fn market(name: &str) -> Topic {
    Topic::Book(name.parse().unwrap())
}

fn session(wanted: Vec<Topic>) -> Session {
    Session::new(Config::default(), wanted, 7)
}

fn actions(session: &mut Session) -> Vec<Action> {
    std::iter::from_fn(|| session.poll()).collect()
}

fn events(session: &mut Session) -> Vec<Event> {
    let events = actions(session).into_iter().filter_map(|action| match action {
        Action::Emit(event) => Some(event),
        _ => None,
    });
    events.collect()
}

fn sent(session: &mut Session) -> Vec<String> {
    let sent = actions(session).into_iter().filter_map(|action| match action {
        Action::Send(text) => Some(text),
        _ => None,
    });
    sent.collect()
}

fn say(session: &mut Session, now: Now, text: &str) {
    session.received(now, Bytes::copy_from_slice(text.as_bytes()));
}

fn confirm(session: &mut Session, now: Now, names: &[&str]) {
    let names = serde_json::to_string(names).unwrap();
    say(session, now, &format!(r#"{{"success":{{"message":"subscribed","streams":{names}}}}}"#));
}

/// An open session with everything confirmed.
fn open(wanted: Vec<Topic>) -> Session {
    let names: Vec<_> = wanted.iter().map(Topic::name).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let mut session = session(wanted);
    session.connected(at(0));
    confirm(&mut session, at(100), &names);
    actions(&mut session);
    session
}

#[test]
fn the_handshake_asks_for_everything_in_the_documented_form() {
    let mut public = session(vec![market("btczar"), market("ethzar"), market("btczar")]);
    let query = "stream=btczar.ob-inc&stream=ethzar.ob-inc".to_owned();
    assert_eq!(actions(&mut public), [Action::Connect { query, private: false }]);
    let mut private = session(vec![market("btczar"), Topic::Orders, Topic::Trades, Topic::Balances]);
    let query = "stream=btczar.ob-inc&stream=order&stream=trade&stream=balance".to_owned();
    assert_eq!(actions(&mut private), [Action::Connect { query, private: true }]);
}

#[test]
fn a_signed_stream_stays_signed() {
    let mut session = open(vec![market("btczar"), Topic::Orders]);
    session.unsubscribe(at(1_000), &[Topic::Orders]);
    session.disconnected(at(2_000), Interruption::Closed { code: 1006 });
    session.tick(at(3_000));
    let connect = Action::Connect { query: "stream=btczar.ob-inc".to_owned(), private: true };
    assert!(actions(&mut session).contains(&connect));
}

#[test]
fn what_is_missing_from_the_confirmation_is_told() {
    let mut session = session(vec![market("btczar"), Topic::Orders]);
    session.connected(at(0));
    confirm(&mut session, at(100), &["btczar.ob-inc"]);
    assert_eq!(
        events(&mut session),
        [
            Event::Connected { connections: 1 },
            Event::Subscribed { topics: vec![market("btczar")] },
            Event::NotSubscribed { topics: vec![Topic::Orders] },
        ]
    );
    confirm(&mut session, at(200), &["btczar.ob-inc"]);
    assert_eq!(events(&mut session), [Event::Subscribed { topics: vec![market("btczar")] }], "told once");
}

#[test]
fn a_topic_that_is_dropped_and_asked_for_again_is_told_as_missing_again() {
    let mut session = session(vec![market("btczar"), Topic::Orders]);
    session.connected(at(0));
    confirm(&mut session, at(100), &["btczar.ob-inc"]);
    session.unsubscribe(at(200), &[Topic::Orders]);
    session.subscribe(at(300), vec![Topic::Orders]);
    events(&mut session);
    confirm(&mut session, at(400), &["btczar.ob-inc"]);
    confirm(&mut session, at(500), &["btczar.ob-inc"]);
    let told = events(&mut session);
    assert!(told.contains(&Event::NotSubscribed { topics: vec![Topic::Orders] }), "{told:?}");
}

#[test]
fn in_band_requests_go_one_at_a_time_and_are_short() {
    let mut session = open(vec![market("btczar")]);
    let many: Vec<_> = (0..100).map(|number| market(&format!("market{number}"))).collect();
    session.subscribe(at(1_000), many.clone());
    let mut confirmed = vec!["btczar.ob-inc".to_owned()];
    let mut requests = 0;
    loop {
        let sent = sent(&mut session);
        if sent.is_empty() {
            break;
        }
        assert_eq!(sent.len(), 1, "one at a time");
        assert!(sent[0].len() <= 512, "{}", sent[0].len());
        let request: serde_json::Value = serde_json::from_str(&sent[0]).unwrap();
        assert_eq!(request["event"], "subscribe");
        confirmed.extend(
            request["streams"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()),
        );
        let names: Vec<_> = confirmed.iter().map(String::as_str).collect();
        confirm(&mut session, at(1_100), &names);
        requests += 1;
    }
    assert!(requests > 2);
    assert_eq!(confirmed.len(), 101);
    session.unsubscribe(at(2_000), &many[..1]);
    assert_eq!(sent(&mut session), [r#"{"event":"unsubscribe","streams":["market0.ob-inc"]}"#]);
}

#[test]
fn of_requests_that_wait_the_last_word_on_a_name_counts() {
    let mut session = open(vec![market("btczar"), market("ethzar")]);
    let (btc, eth) = (market("btczar"), market("ethzar"));
    session.subscribe_again(at(1_000), std::slice::from_ref(&eth));
    for _ in 0..500 {
        session.subscribe_again(at(1_000), std::slice::from_ref(&btc));
    }
    session.subscribe(at(1_000), vec![market("xrpzar")]);
    session.unsubscribe(at(1_000), &[market("xrpzar")]);
    session.subscribe(at(1_000), vec![market("xrpzar")]);
    let all = ["btczar.ob-inc", "ethzar.ob-inc"];
    let mut requests = sent(&mut session);
    for _ in 0..5 {
        confirm(&mut session, at(1_100), &all);
        requests.extend(sent(&mut session));
    }
    let subscribe = |name: &str| format!(r#"{{"event":"subscribe","streams":["{name}.ob-inc"]}}"#);
    assert_eq!(requests, ["ethzar", "btczar", "xrpzar"].map(subscribe));
    session.unsubscribe(at(2_000), &[eth]);
    session.subscribe(at(2_000), vec![market("usdczar")]);
    session.unsubscribe(at(2_000), &[market("usdczar")]);
    confirm(&mut session, at(2_100), &all);
    let unsubscribe = |name: &str| format!(r#"{{"event":"unsubscribe","streams":["{name}.ob-inc"]}}"#);
    assert_eq!(sent(&mut session), ["ethzar", "usdczar"].map(unsubscribe));
}

#[test]
fn repairs_ask_for_one_book_at_a_time() {
    let books: Vec<_> = (0..30).map(|number| market(&format!("m{number}"))).collect();
    let mut session = open(books.clone());
    session.subscribe_again(at(1_000), &books);
    let names: Vec<_> = books.iter().map(Topic::name).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    for book in &books {
        assert_eq!(sent(&mut session), [format!(r#"{{"event":"subscribe","streams":["{book}"]}}"#)]);
        confirm(&mut session, at(1_100), &names);
    }
}

#[test]
fn a_silent_connection_is_pinged_and_then_given_up() {
    let mut session = open(vec![market("btczar")]);
    assert_eq!(session.wake_at(), Some(Duration::from_millis(15_100)));
    session.tick(at(15_100));
    assert_eq!(actions(&mut session), [Action::Ping]);
    session.heard(at(15_200));
    session.tick(at(30_200));
    assert_eq!(actions(&mut session), [Action::Ping]);
    session.tick(at(40_100));
    assert!(actions(&mut session).is_empty());
    session.tick(at(40_200));
    let given_up = actions(&mut session);
    assert_eq!(given_up[0], Action::Disconnect);
    let Action::Emit(Event::Disconnected { why: Interruption::Silent, retry_in }) = &given_up[1] else {
        panic!("{given_up:?}")
    };
    assert!(*retry_in <= Duration::from_millis(250));
    session.tick(at(40_500));
    assert!(matches!(actions(&mut session)[..], [Action::Connect { .. }]));
}

fn gaps(events: &[Event]) -> Vec<(i64, i64)> {
    let start = 1_700_000_000_000;
    let gap = |event: &Event| match event {
        Event::Gap { from, to } => Some((from.as_unix_millis() - start, to.as_unix_millis() - start)),
        _ => None,
    };
    events.iter().filter_map(gap).collect()
}

#[test]
fn a_gap_reaches_from_the_last_sign_of_life_to_the_confirmation() {
    let mut session = open(vec![market("btczar"), Topic::Orders]);
    say(&mut session, at(25_000), r#"{"order":{}}"#);
    session.disconnected(at(27_000), Interruption::Closed { code: 1006 });
    session.tick(at(28_000));
    // Neither a failure nor a connection without a confirmation shortens it.
    session.connect_failed(at(28_000), false, "no way".to_owned());
    session.tick(at(40_000));
    session.connected(at(40_500));
    session.heard(at(45_000));
    say(&mut session, at(46_000), r#"{"btczar.ob-inc":{}}"#);
    session.disconnected(at(48_000), Interruption::Unconfirmed);
    session.tick(at(80_000));
    session.connected(at(80_500));
    assert_eq!(gaps(&events(&mut session)), [], "not before the confirmation");
    confirm(&mut session, at(81_000), &["order"]);
    assert_eq!(
        gaps(&events(&mut session)),
        [(20_000, 81_000)],
        "orders are confirmed; the book is asked for next"
    );
    session.disconnected(at(90_000), Interruption::Closed { code: 1006 });
    session.tick(at(125_000));
    session.connected(at(125_500));
    confirm(&mut session, at(126_000), &["btczar.ob-inc", "order"]);
    assert_eq!(gaps(&events(&mut session)), [(76_000, 126_000)]);
}

#[test]
fn a_first_connection_that_never_was_confirmed_is_a_gap_too() {
    let mut session = session(vec![Topic::Orders]);
    session.connected(at(10_000));
    session.disconnected(at(12_000), Interruption::Closed { code: 1006 });
    session.tick(at(13_000));
    session.connected(at(13_500));
    confirm(&mut session, at(14_000), &["order"]);
    assert_eq!(gaps(&events(&mut session)), [(5_000, 14_000)]);
}

#[test]
fn an_unconfirmed_subscription_ends_the_connection() {
    let mut session = session(vec![market("btczar")]);
    session.connected(at(0));
    actions(&mut session);
    say(&mut session, at(9_000), r#"{"btczar.ob-inc":{}}"#);
    assert_eq!(session.wake_at(), Some(Duration::from_secs(10)));
    session.tick(at(10_000));
    let events = events(&mut session);
    assert!(
        matches!(
            events[..],
            [Event::Book { .. }, Event::Disconnected { why: Interruption::Unconfirmed, .. }]
        ),
        "{events:?}"
    );
}

#[test]
fn after_a_connection_that_died_unconfirmed_books_come_one_by_one_until_one_was_healthy() {
    let mut session = session(vec![market("btczar"), market("ethzar"), Topic::Orders]);
    session.connected(at(0));
    // A part of the replay may get out before the server drops the connection.
    say(&mut session, at(50), r#"{"btczar.ob-snap":{}}"#);
    session.disconnected(at(100), Interruption::Closed { code: 1006 });
    session.tick(at(1_000));
    let connect = Action::Connect { query: "stream=order".to_owned(), private: true };
    assert!(actions(&mut session).contains(&connect), "what has no replay stays in the handshake");
    session.connected(at(1_100));
    assert!(sent(&mut session).is_empty(), "the handshake's own answer comes first");
    confirm(&mut session, at(1_200), &["order"]);
    assert_eq!(sent(&mut session), [r#"{"event":"subscribe","streams":["btczar.ob-inc"]}"#]);
    confirm(&mut session, at(1_300), &["order", "btczar.ob-inc"]);
    assert_eq!(sent(&mut session), [r#"{"event":"subscribe","streams":["ethzar.ob-inc"]}"#]);
    confirm(&mut session, at(1_400), &["order", "btczar.ob-inc", "ethzar.ob-inc"]);
    assert!(events(&mut session).iter().all(|event| !matches!(event, Event::NotSubscribed { .. })));
    session.disconnected(at(30_000), Interruption::Closed { code: 1006 });
    session.tick(at(32_000));
    assert!(actions(&mut session).contains(&connect), "half a minute proves nothing");
    session.connected(at(32_100));
    confirm(&mut session, at(32_200), &["order"]);
    session.disconnected(at(95_000), Interruption::Closed { code: 1006 });
    session.tick(at(96_000));
    let query = "stream=btczar.ob-inc&stream=ethzar.ob-inc&stream=order".to_owned();
    assert!(actions(&mut session).contains(&Action::Connect { query, private: true }));
}

#[test]
fn refused_credentials_end_the_stream_at_the_second_time() {
    let mut session = session(vec![Topic::Orders]);
    session.connect_failed(at(0), true, "authz".to_owned());
    assert!(matches!(
        events(&mut session)[..],
        [Event::Disconnected { why: Interruption::Refused { .. }, .. }]
    ));
    session.tick(at(1_000));
    session.connect_failed(at(1_000), true, "authz".to_owned());
    let ended = actions(&mut session);
    let [.., Action::Emit(Event::Ended { .. }), Action::Stop] = &ended[..] else { panic!("{ended:?}") };
    assert_eq!(session.wake_at(), None);
    session.tick(at(1_000_000));
    assert!(actions(&mut session).is_empty());

    // In a row: a failure of another kind in between starts the count anew.
    let mut session = self::session(vec![Topic::Orders]);
    for refused in [true, false, true] {
        session.connect_failed(at(0), refused, "x".to_owned());
        assert!(!actions(&mut session).contains(&Action::Stop));
    }
}

#[test]
fn staleness_is_told_once_until_something_comes() {
    let config = Config::default().stale_after(Duration::from_secs(5));
    let mut session = Session::new(config, vec![market("btczar")], 7);
    session.connected(at(0));
    confirm(&mut session, at(1_000), &["btczar.ob-inc"]);
    actions(&mut session);
    session.heard(at(5_000));
    session.tick(at(5_900));
    assert!(events(&mut session).is_empty());
    assert_eq!(session.wake_at(), Some(Duration::from_secs(6)));
    session.tick(at(6_000));
    assert_eq!(events(&mut session), [Event::Stale { silent_for: Duration::from_secs(5) }]);
    session.tick(at(9_000));
    assert!(events(&mut session).is_empty());
    say(&mut session, at(9_500), "pong");
    session.tick(at(14_500));
    assert_eq!(events(&mut session), [Event::Stale { silent_for: Duration::from_secs(5) }]);
}

#[test]
fn changes_of_mind_while_connecting_are_carried_out_when_the_connection_stands() {
    let mut session = session(vec![market("btczar"), market("ethzar")]);
    session.subscribe(at(0), vec![market("xrpzar")]);
    session.unsubscribe(at(0), &[market("ethzar")]);
    session.connected(at(100));
    confirm(&mut session, at(200), &["btczar.ob-inc", "ethzar.ob-inc"]);
    assert_eq!(sent(&mut session), [r#"{"event":"subscribe","streams":["xrpzar.ob-inc"]}"#]);
    confirm(&mut session, at(300), &["btczar.ob-inc", "ethzar.ob-inc", "xrpzar.ob-inc"]);
    assert_eq!(sent(&mut session), [r#"{"event":"unsubscribe","streams":["ethzar.ob-inc"]}"#]);
}

#[test]
fn a_server_that_lists_nothing_is_taken_at_its_word() {
    let mut session = session(vec![market("btczar")]);
    session.connected(at(0));
    say(&mut session, at(100), r#"{"success":{"message":"cannot subscribe to a.b.c"}}"#);
    say(&mut session, at(100), r#"{"success":{"message":"subscribed"}}"#);
    let expected =
        [Event::Connected { connections: 1 }, Event::Subscribed { topics: vec![market("btczar")] }];
    assert_eq!(events(&mut session), expected);
}

#[test]
fn a_thousand_flaps_leave_nothing_behind() {
    let mut session = session(vec![market("btczar"), Topic::Orders]);
    let mut now = 0;
    let mut connections = 0;
    for flap in 0..1_000 {
        let mut connected = false;
        for action in actions(&mut session) {
            connected |= matches!(action, Action::Connect { .. });
        }
        assert!(connected, "flap {flap}");
        session.connected(at(now));
        connections += 1;
        confirm(&mut session, at(now), &["btczar.ob-inc", "order"]);
        session.disconnected(at(now), Interruption::Closed { code: 1006 });
        now = u64::try_from(session.wake_at().unwrap().as_millis()).unwrap() + 1;
        session.tick(at(now));
        assert!(session.requests.is_empty() && session.wanted.len() == 2 && session.missing.is_empty());
    }
    assert_eq!(session.connections, connections);
    assert!(session.wake_at().is_none());
}

#[test]
fn a_deadline_longer_than_time_is_no_deadline() {
    let forever = Config::default().stale_after(Duration::MAX).heartbeat(Duration::MAX, Duration::MAX);
    let mut session = Session::new(forever, vec![market("btczar")], 7);
    session.connected(at(1_000));
    confirm(&mut session, at(2_000), &["btczar.ob-inc"]);
    session.tick(at(1_000_000_000));
    assert_eq!(session.wake_at(), Some(Duration::MAX));
}

#[test]
fn what_nobody_wants_any_more_is_not_subscribed_to_again() {
    let mut session = open(vec![market("btczar"), market("ethzar")]);
    session.unsubscribe(at(200), &[market("btczar")]);
    confirm(&mut session, at(300), &["ethzar.ob-inc"]);
    actions(&mut session);
    session.subscribe_again(at(400), &[market("btczar"), market("ethzar")]);
    assert_eq!(sent(&mut session), [r#"{"event":"subscribe","streams":["ethzar.ob-inc"]}"#]);
}

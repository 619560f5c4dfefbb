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
fn a_repeated_request_that_still_waits_is_not_doubled() {
    let mut session = open(vec![market("btczar"), market("ethzar")]);
    session.subscribe(at(1_000), vec![market("ethzar")]);
    for _ in 0..500 {
        session.subscribe(at(1_000), vec![market("btczar")]);
    }
    assert_eq!(sent(&mut session).len(), 1);
    confirm(&mut session, at(1_100), &["btczar.ob-inc", "ethzar.ob-inc"]);
    assert_eq!(sent(&mut session), [r#"{"event":"subscribe","streams":["btczar.ob-inc"]}"#]);
    confirm(&mut session, at(1_200), &["btczar.ob-inc", "ethzar.ob-inc"]);
    assert!(sent(&mut session).is_empty());
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

#[test]
fn after_a_reconnection_the_gap_is_told_with_its_times() {
    let mut session = open(vec![market("btczar"), Topic::Orders]);
    say(&mut session, at(5_000), r#"{"order":{}}"#);
    session.disconnected(at(7_000), Interruption::Closed { code: 1006 });
    session.tick(at(8_000));
    // A second failure does not shorten the gap.
    session.connect_failed(at(8_000), false, "no way".to_owned());
    session.tick(at(20_000));
    actions(&mut session);
    session.connected(at(20_500));
    let gap = Event::Gap { from: wall(at(5_000).unix_millis), to: wall(at(20_500).unix_millis) };
    assert_eq!(events(&mut session), [Event::Connected { connections: 2 }, gap]);
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
fn a_connection_that_dies_before_its_first_message_is_built_up_stream_by_stream() {
    let mut session = session(vec![market("btczar"), market("ethzar"), Topic::Tickers]);
    session.connected(at(0));
    session.disconnected(at(100), Interruption::Closed { code: 1006 });
    session.tick(at(1_000));
    let connect = Action::Connect { query: String::new(), private: false };
    assert!(actions(&mut session).contains(&connect));
    session.connected(at(1_100));
    assert!(sent(&mut session).is_empty(), "the handshake's own answer comes first");
    confirm(&mut session, at(1_200), &[]);
    assert_eq!(sent(&mut session), [r#"{"event":"subscribe","streams":["btczar.ob-inc"]}"#]);
    confirm(&mut session, at(1_300), &["btczar.ob-inc"]);
    assert_eq!(sent(&mut session), [r#"{"event":"subscribe","streams":["ethzar.ob-inc"]}"#]);
    confirm(&mut session, at(1_400), &["btczar.ob-inc", "ethzar.ob-inc"]);
    assert_eq!(sent(&mut session), [r#"{"event":"subscribe","streams":["global.tickers"]}"#]);
    confirm(&mut session, at(1_500), &["btczar.ob-inc", "ethzar.ob-inc", "global.tickers"]);
    assert!(events(&mut session).iter().all(|event| !matches!(event, Event::NotSubscribed { .. })));
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

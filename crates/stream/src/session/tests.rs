//! The session alone, with time as a number.

mod gaps;
mod oracle;
mod plan;

use super::*;

/// The moment `millis` milliseconds after the start.
fn at(millis: u64) -> Now {
    Now { elapsed: Duration::from_millis(millis), unix_millis: 1_700_000_000_000 + millis }
}

fn market(name: &str) -> Topic {
    Topic::Book(name.parse().unwrap())
}

fn session(wanted: &[Topic]) -> Session {
    Session::new(Config::default(), wanted, 7, at(0))
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

/// What a failed handshake says.
fn failed() -> Failure {
    Failure { what: "no way".to_owned(), ..Failure::default() }
}

fn closed() -> Interruption {
    Interruption::Closed { code: 1006 }
}

/// What the socket's task does with a text frame.
fn say(session: &mut Session, now: Now, text: &str) {
    if session.heard(now) {
        session.message_came(now);
        session.read(now, Bytes::copy_from_slice(text.as_bytes()));
    }
}

fn confirm(session: &mut Session, now: Now, names: &[&str]) {
    let names = serde_json::to_string(names).unwrap();
    say(session, now, &format!(r#"{{"success":{{"message":"subscribed","streams":{names}}}}}"#));
}

/// The request for a list.
const LIST: &str = r#"{"event":"unsubscribe","streams":["list.none"]}"#;

/// Lets the time come for a list, which the server answers with these names.
fn list(session: &mut Session, seconds: u64, names: &[&str]) {
    session.tick(at(seconds * 1_000));
    assert_eq!(sent(session), [LIST]);
    confirm(session, at(seconds * 1_000 + 100), names);
}

/// An open session with everything confirmed.
fn open(wanted: &[Topic]) -> Session {
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
    let mut public = session(&[market("btczar"), market("ethzar"), market("btczar")]);
    let query = "stream=btczar.ob-inc&stream=ethzar.ob-inc".to_owned();
    assert_eq!(actions(&mut public), [Action::Connect { query, private: false }]);
    let mut private = session(&[market("btczar"), Topic::Orders, Topic::Trades, Topic::Balances]);
    let query = "stream=order&stream=trade&stream=balance&stream=btczar.ob-inc".to_owned();
    assert_eq!(actions(&mut private), [Action::Connect { query, private: true }]);
}

#[test]
fn a_signed_stream_stays_signed() {
    let mut session = open(&[market("btczar"), Topic::Orders]);
    session.unsubscribe(at(1_000), &[Topic::Orders]);
    session.disconnected(at(2_000), closed());
    session.tick(at(3_000));
    let connect = Action::Connect { query: "stream=btczar.ob-inc".to_owned(), private: true };
    assert!(actions(&mut session).contains(&connect));
}

#[test]
fn what_is_missing_from_the_confirmation_is_told() {
    let mut session = session(&[market("btczar"), Topic::Orders]);
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
    // A list that nobody asked for confirms what it lists.
    confirm(&mut session, at(200), &["btczar.ob-inc"]);
    assert_eq!(
        events(&mut session),
        [Event::Subscribed { topics: vec![market("btczar")] }],
        "reported only once"
    );
}

#[test]
fn a_topic_that_is_dropped_and_asked_for_again_is_told_as_missing_again() {
    let mut session = session(&[market("btczar"), Topic::Orders]);
    session.connected(at(0));
    confirm(&mut session, at(100), &["btczar.ob-inc"]);
    session.unsubscribe(at(200), &[Topic::Orders]);
    session.subscribe(at(300), &[Topic::Orders]);
    events(&mut session);
    confirm(&mut session, at(400), &["btczar.ob-inc"]);
    confirm(&mut session, at(500), &["btczar.ob-inc"]);
    let told = events(&mut session);
    assert!(told.contains(&Event::NotSubscribed { topics: vec![Topic::Orders] }), "{told:?}");
}

#[test]
fn in_band_requests_go_one_at_a_time_and_are_short() {
    let mut session = open(&[market("btczar"), Topic::Orders]);
    let trades = |number: i32| Topic::MarketTrades(format!("market{number}").parse().unwrap());
    let many: Vec<_> = (0..100).map(trades).chain([Topic::Balances]).collect();
    session.subscribe(at(1_000), &many);
    let mut confirmed = vec!["btczar.ob-inc".to_owned(), "order".to_owned()];
    let (mut requests, mut names) = (0, Vec::new());
    loop {
        let sent = sent(&mut session);
        if sent.is_empty() {
            break;
        }
        assert_eq!(sent.len(), 1, "one at a time");
        assert!(sent[0].len() <= 512, "{}", sent[0].len());
        let request: serde_json::Value = serde_json::from_str(&sent[0]).unwrap();
        assert_eq!(request["event"], "subscribe");
        let asked =
            request["streams"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned());
        names.extend(asked.clone());
        confirmed.extend(asked);
        let list: Vec<_> = confirmed.iter().map(String::as_str).collect();
        confirm(&mut session, at(1_100), &list);
        requests += 1;
    }
    assert!(requests > 2 && requests < 20, "{requests}");
    assert_eq!(confirmed.len(), 103);
    session.unsubscribe(at(2_000), &many[..1]);
    assert_eq!(sent(&mut session), [r#"{"event":"unsubscribe","streams":["market0.trades"]}"#]);
}

#[test]
fn of_requests_that_wait_the_last_word_on_a_name_counts() {
    let mut session = open(&[market("btczar"), market("ethzar")]);
    let (btc, eth) = (market("btczar"), market("ethzar"));
    session.subscribe_again(at(1_000), std::slice::from_ref(&eth));
    for _ in 0..500 {
        session.subscribe_again(at(1_000), std::slice::from_ref(&btc));
    }
    session.subscribe(at(1_000), &[market("xrpzar")]);
    session.unsubscribe(at(1_000), &[market("xrpzar")]);
    session.subscribe(at(1_000), &[market("xrpzar")]);
    let all = ["btczar.ob-inc", "ethzar.ob-inc"];
    let mut requests = sent(&mut session);
    for _ in 0..5 {
        confirm(&mut session, at(1_100), &all);
        requests.extend(sent(&mut session));
    }
    let subscribe = |name: &str| format!(r#"{{"event":"subscribe","streams":["{name}.ob-inc"]}}"#);
    assert_eq!(requests, ["ethzar", "btczar", "xrpzar"].map(subscribe));
    session.unsubscribe(at(2_000), &[eth]);
    session.subscribe(at(2_000), &[market("usdczar")]);
    session.unsubscribe(at(2_000), &[market("usdczar")]);
    confirm(&mut session, at(2_100), &all);
    let unsubscribe = |name: &str| format!(r#"{{"event":"unsubscribe","streams":["{name}.ob-inc"]}}"#);
    assert_eq!(sent(&mut session), ["ethzar", "usdczar"].map(unsubscribe));
}

/// An open session with so many books, each confirmed in its own request.
fn open_books(books: &[Topic]) -> Session {
    let mut session = session(books);
    session.connected(at(0));
    let names: Vec<_> = books.iter().map(Topic::name).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    confirm(&mut session, at(10), &names[..4.min(names.len())]);
    for known in 5..=names.len() {
        let requests = sent(&mut session);
        assert_eq!(requests, [format!(r#"{{"event":"subscribe","streams":["{}"]}}"#, names[known - 1])]);
        confirm(&mut session, at(10), &names[..known]);
    }
    actions(&mut session);
    session
}

#[test]
fn books_come_one_by_one_behind_everything_else() {
    let books: Vec<_> = (0..30).map(|number| market(&format!("m{number}"))).collect();
    let wanted: Vec<_> = books.iter().cloned().chain([Topic::Tickers, Topic::Orders]).collect();
    let mut session = session(&wanted);
    let first: Vec<_> = actions(&mut session);
    let query = "stream=order&stream=global.tickers&stream=m0.ob-inc&stream=m1.ob-inc&stream=m2.ob-inc&stream=m3.ob-inc";
    assert_eq!(first, [Action::Connect { query: query.to_owned(), private: true }]);
    open_books(&books);
}

#[test]
fn repairs_ask_for_one_book_at_a_time() {
    let books: Vec<_> = (0..30).map(|number| market(&format!("m{number}"))).collect();
    let mut session = open_books(&books);
    session.subscribe_again(at(1_000), &books);
    let names: Vec<_> = books.iter().map(Topic::name).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    for book in &books {
        assert_eq!(sent(&mut session), [format!(r#"{{"event":"subscribe","streams":["{book}"]}}"#)]);
        confirm(&mut session, at(1_100), &names);
        // Only the book that was asked for has its replay now.
        assert!(session.actions.contains(&Action::Emit(Event::Subscribed { topics: vec![book.clone()] })));
    }
}

#[test]
fn a_thousand_books_cost_the_session_little() {
    let books: Vec<_> = (0..1_000).map(|number| market(&format!("market{number}"))).collect();
    let start = std::time::Instant::now();
    open_books(&books);
    // In release it has 20 ms (see the measures); a walk over all books for each name would take minutes here.
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[test]
fn a_silent_connection_is_pinged_and_then_given_up() {
    let mut session = open(&[market("btczar")]);
    assert_eq!(session.wake_at(), Some(Duration::from_millis(15_000)));
    session.tick(at(15_000));
    assert_eq!(actions(&mut session), [Action::Ping]);
    assert!(session.heard(at(15_100)));
    session.tick(at(30_000));
    assert_eq!(actions(&mut session), [Action::Ping, Action::Send(LIST.to_owned())]);
    session.tick(at(39_900));
    assert!(actions(&mut session).is_empty());
    session.tick(at(40_000));
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
fn pings_go_on_while_messages_come() {
    let mut session = open(&[market("btczar")]);
    let mut pings = 0;
    for second in 1..=60 {
        say(&mut session, at(second * 1_000 - 500), r#"{"global.tickers":{}}"#);
        session.tick(at(second * 1_000));
        for action in actions(&mut session) {
            match action {
                Action::Ping => pings += 1,
                Action::Send(_) => confirm(&mut session, at(second * 1_000 + 100), &["btczar.ob-inc"]),
                _ => {}
            }
        }
    }
    assert_eq!(pings, 4, "a line that is stalled brings old messages and no answer");
}

#[test]
fn a_topic_that_stays_away_is_asked_for_ever_more_rarely() {
    let mut session = open(&[Topic::Orders]);
    session.subscribe(at(1_000), &[Topic::Trades]);
    confirm(&mut session, at(1_100), &["order"]);
    actions(&mut session);
    let (mut asked, mut now) = (Vec::new(), 1_100);
    while now < 3_600_000 {
        now = u64::try_from(session.wake_at().unwrap().as_millis()).unwrap();
        session.tick(at(now));
        for action in actions(&mut session) {
            match action {
                Action::Ping => assert!(session.heard(at(now))),
                Action::Send(text) => {
                    if text.contains("trade") {
                        asked.push(now);
                    }
                    confirm(&mut session, at(now), &["order"]);
                }
                Action::Emit(Event::NotSubscribed { .. }) => panic!("it was told already"),
                _ => {}
            }
        }
    }
    assert!((10..25).contains(&asked.len()), "{asked:?}");
    let waits: Vec<_> = asked.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(waits.is_sorted() && *waits.last().unwrap() <= 301_000, "{waits:?}");
}

#[test]
fn an_error_answers_the_request_and_refuses_its_topic() {
    let mut session = open(&[Topic::Orders]);
    session.subscribe(at(1_000), &[market("nozar"), market("btczar")]);
    assert_eq!(sent(&mut session), [r#"{"event":"subscribe","streams":["nozar.ob-inc"]}"#]);
    say(&mut session, at(1_100), r#"{"error":"no such market"}"#);
    assert_eq!(sent(&mut session), [r#"{"event":"subscribe","streams":["btczar.ob-inc"]}"#], "it goes on");
    confirm(&mut session, at(1_200), &["order", "btczar.ob-inc"]);
    let told = events(&mut session);
    assert!(told.contains(&Event::NotSubscribed { topics: vec![market("nozar")] }), "{told:?}");
    session.tick(at(12_000));
    assert!(actions(&mut session).is_empty(), "neither given up nor asked again");
    list(&mut session, 600, &["order", "btczar.ob-inc"]);
    assert!(sent(&mut session).is_empty());
}

#[test]
fn an_error_to_a_request_of_several_asks_for_each_alone() {
    let mut session = open(&[Topic::Orders]);
    let trades = |name: &str| Topic::MarketTrades(name.parse().unwrap());
    session.subscribe(at(1_000), &[trades("nozar"), trades("btczar")]);
    assert_eq!(sent(&mut session), [r#"{"event":"subscribe","streams":["nozar.trades","btczar.trades"]}"#]);
    say(&mut session, at(1_100), r#"{"error":"no such market"}"#);
    assert_eq!(sent(&mut session), [r#"{"event":"subscribe","streams":["nozar.trades"]}"#]);
    say(&mut session, at(1_200), r#"{"error":"no such market"}"#);
    assert_eq!(sent(&mut session), [r#"{"event":"subscribe","streams":["btczar.trades"]}"#]);
    confirm(&mut session, at(1_300), &["order", "btczar.trades"]);
    let told = events(&mut session);
    assert!(told.contains(&Event::NotSubscribed { topics: vec![trades("nozar")] }), "{told:?}");
    // An error that answers nothing is told, and changes nothing.
    say(&mut session, at(1_400), r#"{"error":"x"}"#);
    assert_eq!(events(&mut session), [Event::ServerError { message: "x".to_owned() }]);
}

#[test]
fn a_wait_that_the_server_asks_for_is_kept() {
    let mut session = session(&[Topic::Orders]);
    let failure = Failure { retry_after: Some(Duration::from_secs(90)), ..failed() };
    session.connect_failed(at(0), failure.clone());
    assert!(session.wake_at() >= Some(Duration::from_secs(90)));
    session.tick(at(90_000));
    session.connect_failed(at(90_000), Failure { retry_after: Some(Duration::MAX), ..failure });
    assert!(session.wake_at() <= Some(Duration::from_secs(3_700)), "an hour at most");
}

#[test]
fn a_machine_that_slept_gives_its_connection_up_at_once() {
    let slept =
        |elapsed: u64, asleep: u64| Now { unix_millis: at(elapsed).unix_millis + asleep, ..at(elapsed) };
    for input in 0..3 {
        let mut session = open(&[market("btczar"), Topic::Orders]);
        // A clock that is set right by a little, or back, is no sleep.
        assert!(session.heard(slept(1_000, 9_000)));
        assert!(session.heard(slept(2_000, 0)));
        assert!(actions(&mut session).is_empty());
        match input {
            0 => session.tick(slept(3_000, 60_000)),
            1 => say(&mut session, slept(3_000, 60_000), "{\"order\":{}}"),
            _ => assert!(!session.heard(slept(3_000, 60_000))),
        }
        let told = actions(&mut session);
        let [Action::Disconnect, Action::Emit(Event::Disconnected { why, .. })] = &told[..] else {
            panic!("{told:?}")
        };
        assert_eq!(*why, Interruption::ClockJumped { by: Duration::from_secs(60) });
        assert!(why.to_string().ends_with("the machine slept, or its clock was set"), "{why}");
    }
}

#[test]
fn an_unconfirmed_subscription_ends_the_connection() {
    let mut session = session(&[market("btczar")]);
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
    let mut session = session(&[market("btczar"), market("ethzar"), Topic::Orders]);
    session.connected(at(0));
    // The server may send a part of the replay before it drops the connection.
    say(&mut session, at(50), r#"{"btczar.ob-snap":{}}"#);
    session.disconnected(at(100), closed());
    session.tick(at(1_000));
    let connect = Action::Connect { query: "stream=order".to_owned(), private: true };
    assert!(actions(&mut session).contains(&connect), "a topic without a replay stays in the handshake");
    session.connected(at(1_100));
    assert!(sent(&mut session).is_empty(), "the handshake's own answer comes first");
    confirm(&mut session, at(1_200), &["order"]);
    assert_eq!(sent(&mut session), [r#"{"event":"subscribe","streams":["btczar.ob-inc"]}"#]);
    confirm(&mut session, at(1_300), &["order", "btczar.ob-inc"]);
    assert_eq!(sent(&mut session), [r#"{"event":"subscribe","streams":["ethzar.ob-inc"]}"#]);
    confirm(&mut session, at(1_400), &["order", "btczar.ob-inc", "ethzar.ob-inc"]);
    assert!(events(&mut session).iter().all(|event| !matches!(event, Event::NotSubscribed { .. })));
    session.disconnected(at(30_000), closed());
    session.tick(at(32_000));
    assert!(actions(&mut session).contains(&connect), "half a minute is not long enough");
    session.connected(at(32_100));
    confirm(&mut session, at(32_200), &["order"]);
    confirm(&mut session, at(32_300), &["order", "btczar.ob-inc"]);
    confirm(&mut session, at(32_400), &["order", "btczar.ob-inc", "ethzar.ob-inc"]);
    session.disconnected(at(95_000), closed());
    session.tick(at(96_000));
    let query = "stream=order&stream=btczar.ob-inc&stream=ethzar.ob-inc".to_owned();
    assert!(actions(&mut session).contains(&Action::Connect { query, private: true }));
}

#[test]
fn refused_credentials_end_the_stream_at_the_second_time() {
    let mut session = session(&[Topic::Orders]);
    session.connect_failed(at(0), Failure { refused: true, ..failed() });
    assert!(matches!(
        events(&mut session)[..],
        [Event::Disconnected { why: Interruption::Refused { .. }, .. }]
    ));
    session.tick(at(1_000));
    session.connect_failed(at(1_000), Failure { refused: true, ..failed() });
    let ended = actions(&mut session);
    let [.., Action::Emit(Event::Ended { .. }), Action::Stop] = &ended[..] else { panic!("{ended:?}") };
    assert_eq!(session.wake_at(), None);
    session.tick(at(1_000_000));
    assert!(actions(&mut session).is_empty());

    // In a row: a failure of another kind in between starts the count anew.
    let mut session = self::session(&[Topic::Orders]);
    for refused in [true, false, true] {
        session.connect_failed(at(0), Failure { refused, ..failed() });
        assert!(!actions(&mut session).contains(&Action::Stop));
    }
}

#[test]
fn staleness_is_told_once_until_something_comes() {
    let config = Config::default().stale_after(Duration::from_secs(5));
    let mut session = Session::new(config, &[market("btczar")], 7, at(0));
    session.connected(at(0));
    confirm(&mut session, at(1_000), &["btczar.ob-inc"]);
    actions(&mut session);
    assert!(session.heard(at(5_000)));
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
    let mut session = session(&[market("btczar"), market("ethzar")]);
    session.subscribe(at(0), &[market("xrpzar")]);
    session.unsubscribe(at(0), &[market("ethzar")]);
    session.connected(at(100));
    confirm(&mut session, at(200), &["btczar.ob-inc", "ethzar.ob-inc"]);
    assert_eq!(sent(&mut session), [r#"{"event":"subscribe","streams":["xrpzar.ob-inc"]}"#]);
    confirm(&mut session, at(300), &["btczar.ob-inc", "ethzar.ob-inc", "xrpzar.ob-inc"]);
    assert_eq!(sent(&mut session), [r#"{"event":"unsubscribe","streams":["ethzar.ob-inc"]}"#]);
}

#[test]
fn a_server_that_lists_nothing_is_taken_at_its_word() {
    let mut session = session(&[market("btczar")]);
    session.connected(at(0));
    say(&mut session, at(100), r#"{"success":{"message":"cannot subscribe to a.b.c"}}"#);
    say(&mut session, at(100), r#"{"success":{"message":"subscribed"}}"#);
    let expected =
        [Event::Connected { connections: 1 }, Event::Subscribed { topics: vec![market("btczar")] }];
    assert_eq!(events(&mut session), expected);
}

#[test]
fn a_thousand_flaps_leave_nothing_behind() {
    let mut session = session(&[market("btczar"), Topic::Orders]);
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
        session.disconnected(at(now), closed());
        now = u64::try_from(session.wake_at().unwrap().as_millis()).unwrap() + 1;
        session.tick(at(now));
        assert!(session.missing.is_empty() && session.retry.is_none());
    }
    assert_eq!(session.connections, connections);
    assert!(session.wake_at().is_none());
}

#[test]
fn a_deadline_longer_than_time_is_no_deadline() {
    let forever = Config::default().stale_after(Duration::MAX).heartbeat(Duration::MAX, Duration::MAX);
    let forever = forever.list_every(Duration::MAX);
    let mut session = Session::new(forever, &[market("btczar")], 7, at(0));
    session.connected(at(1_000));
    confirm(&mut session, at(2_000), &["btczar.ob-inc"]);
    session.tick(at(1_000_000_000));
    assert_eq!(session.wake_at(), Some(Duration::MAX));
}

#[test]
fn what_nobody_wants_any_more_is_not_subscribed_to_again() {
    let mut session = open(&[market("btczar"), market("ethzar")]);
    session.unsubscribe(at(200), &[market("btczar")]);
    confirm(&mut session, at(300), &["ethzar.ob-inc"]);
    actions(&mut session);
    session.subscribe_again(at(400), &[market("btczar"), market("ethzar")]);
    assert_eq!(sent(&mut session), [r#"{"event":"subscribe","streams":["ethzar.ob-inc"]}"#]);
}

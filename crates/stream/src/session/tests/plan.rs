//! What is asked for, and in which order, where servers drop connections.

use super::*;
use std::collections::BTreeMap;

#[test]
fn a_connection_that_dies_with_a_request_unanswered_changes_the_plan() {
    let books = ["a", "poison", "b"].map(market);
    let wanted: Vec<_> = books.iter().cloned().chain([Topic::Orders]).collect();
    let mut session = session(&wanted);
    let mut now = 0;
    let mut confirmed = BTreeMap::new();
    // A server that drops the connection on one book, whenever that is asked for in-band or in the handshake.
    for _ in 0..10 {
        let mut listed = Vec::new();
        let Some(Action::Connect { query, .. }) =
            actions(&mut session).into_iter().find(|action| matches!(action, Action::Connect { .. }))
        else {
            panic!("no connection at {now}")
        };
        session.connected(at(now));
        if !query.contains("poison") {
            listed.extend(query.split('&').map(|name| name.trim_start_matches("stream=").to_owned()));
            loop {
                let names: Vec<_> = listed.iter().map(String::as_str).collect();
                confirm(&mut session, at(now), &names);
                let Some(request) = sent(&mut session).pop() else { break };
                let name = request.split('"').nth(7).unwrap().to_owned();
                if name.starts_with("poison") {
                    break;
                }
                listed.push(name);
            }
        }
        for name in listed {
            *confirmed.entry(name).or_insert(0) += 1;
        }
        session.disconnected(at(now + 10), closed());
        now = u64::try_from(session.wake_at().unwrap().as_millis()).unwrap() + 1;
        session.tick(at(now));
    }
    for name in ["order", "a.ob-inc", "b.ob-inc"] {
        assert!(confirmed[name] >= 8, "{name}: {confirmed:?}");
    }
    assert!(!confirmed.contains_key("poison.ob-inc"));
    // From the third death on it has to wait until the connection is healthy.
    session.connected(at(now));
    confirm(&mut session, at(now), &["order", "a.ob-inc", "b.ob-inc"]);
    for _ in 0..3 {
        confirm(&mut session, at(now), &["order", "a.ob-inc", "b.ob-inc"]);
    }
    let told = events(&mut session);
    assert!(told.contains(&Event::NotSubscribed { topics: vec![market("poison")] }), "{told:?}");
    session.tick(at(now + 60_000));
    assert_eq!(sent(&mut session), [LIST], "a list is due");
    confirm(&mut session, at(now + 60_000), &["order", "a.ob-inc", "b.ob-inc"]);
    assert_eq!(sent(&mut session), [r#"{"event":"subscribe","streams":["poison.ob-inc"]}"#]);
}

#[test]
fn a_hundred_books_are_live_within_a_minute_though_25_at_once_kill_the_connection() {
    let books: Vec<_> = (0..100).map(|number| market(&format!("m{number}"))).collect();
    let mut session = session(&books);
    let (mut now, mut live) = (0, 0);
    while now < 60_000 && live < 100 {
        let mut listed: Vec<String> = Vec::new();
        for action in actions(&mut session) {
            let names: Vec<String> = match action {
                Action::Connect { query, .. } => {
                    session.connected(at(now));
                    let names = query.split('&').filter(|name| !name.is_empty());
                    names.map(|name| name.trim_start_matches("stream=").to_owned()).collect()
                }
                _ => continue,
            };
            assert!(names.len() < 25);
            listed.extend(names);
        }
        loop {
            let names: Vec<_> = listed.iter().map(String::as_str).collect();
            confirm(&mut session, at(now), &names);
            now += 50;
            let Some(request) = sent(&mut session).pop() else { break };
            let request: serde_json::Value = serde_json::from_str(&request).unwrap();
            let names = request["streams"].as_array().unwrap();
            assert!(names.len() < 25);
            listed.extend(names.iter().map(|name| name.as_str().unwrap().to_owned()));
        }
        live = listed.len();
    }
    assert_eq!(live, 100, "after {now} ms");
}

#[test]
fn what_is_ended_and_wanted_again_at_once_is_not_missing() {
    let mut session = open(&[market("btczar"), market("ethzar")]);
    session.unsubscribe(at(1_000), &[market("ethzar")]);
    session.subscribe(at(1_000), &[market("ethzar")]);
    actions(&mut session);
    confirm(&mut session, at(1_100), &["btczar.ob-inc"]);
    let told = actions(&mut session);
    assert_eq!(
        told,
        [
            Action::Emit(Event::Unsubscribed { topics: vec![market("ethzar")] }),
            Action::Send(r#"{"event":"subscribe","streams":["ethzar.ob-inc"]}"#.to_owned()),
        ]
    );
    confirm(&mut session, at(1_200), &["btczar.ob-inc", "ethzar.ob-inc"]);
    assert_eq!(events(&mut session), [Event::Subscribed { topics: vec![market("ethzar")] }]);
}

#[test]
fn a_topic_that_the_server_listed_before_it_was_wanted_is_confirmed() {
    let mut session = open(&[market("btczar")]);
    confirm(&mut session, at(500), &["btczar.ob-inc", "ethzar.trades"]);
    actions(&mut session);
    let trades = Topic::MarketTrades("ethzar".parse().unwrap());
    session.subscribe(at(1_000), std::slice::from_ref(&trades));
    confirm(&mut session, at(1_100), &["btczar.ob-inc", "ethzar.trades"]);
    assert_eq!(events(&mut session), [Event::Subscribed { topics: vec![trades] }]);
}

#[test]
fn a_request_that_waits_keeps_its_place_when_it_is_asked_for_again() {
    let names = ["aaazar", "bbbzar", "ccczar"].map(market);
    let mut session = open(&[Topic::Tickers]);
    session.subscribe(at(1_000), &names);
    session.subscribe_again(at(1_000), &names[1..2]);
    session.subscribe_again(at(1_000), &names[1..2]);
    let (mut asked, mut listed) = (Vec::new(), vec!["global.tickers".to_owned()]);
    while let [text] = &sent(&mut session)[..] {
        let name = text.split('"').nth(7).unwrap().to_owned();
        listed.push(name.clone());
        asked.push(name);
        let listed: Vec<&str> = listed.iter().map(String::as_str).collect();
        confirm(&mut session, at(2_000), &listed);
    }
    assert_eq!(asked, ["aaazar.ob-inc", "bbbzar.ob-inc", "ccczar.ob-inc"]);
}

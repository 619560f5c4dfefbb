//! Faults: lost connections, wrong clocks, revoked keys, unreadable frames.

use crate::{
    sandbox::{book, client},
    wait_for,
};
use capecrypto_exchange::trading;
use capecrypto_models::{Decimal, Side};
use capecrypto_sandbox::{Restriction, Sandbox};
use capecrypto_stream::{Event, Interruption, Stream, Topic};

/// Waits until so many topics are confirmed.
async fn subscribed(stream: &Stream, count: usize) {
    let mut confirmed = 0;
    wait_for(stream, |event| match event {
        Event::Subscribed { topics } => {
            confirmed += topics.len();
            (confirmed == count).then_some(())
        }
        _ => None,
    })
    .await;
}

#[tokio::test]
async fn a_lost_connection_comes_back_signed_anew_with_all_its_topics() {
    let sandbox = Sandbox::start().await.unwrap();
    let maker = client(&sandbox, "maker", false);
    let stream =
        Stream::builder(maker.clone()).book("btczar").orders().trades().balances().connect().await.unwrap();
    subscribed(&stream, 4).await;
    stream.subscribe([book("ethzar")]).await.unwrap();
    subscribed(&stream, 1).await;
    for round in 1..=3_u64 {
        sandbox.control().drop_sockets();
        let mut told = Vec::new();
        wait_for(&stream, |event| {
            match event {
                Event::Disconnected { why, .. } => {
                    assert_eq!(why, Interruption::Closed { code: 1006 });
                    told.push("disconnected");
                }
                Event::Connected { connections } => {
                    assert_eq!(connections, round + 1);
                    told.push("connected");
                }
                Event::Gap { topics, from, to } => {
                    assert!(from <= to);
                    assert_eq!(topics.len(), 3);
                    told.push("gap");
                }
                Event::Subscribed { topics } => return (topics.len() == 5).then_some(()),
                _ => {}
            }
            None
        })
        .await;
        assert_eq!(told, ["disconnected", "connected"]);
        wait_for(&stream, |event| matches!(event, Event::Gap { .. }).then_some(())).await;
    }
    let order = trading::CreateOrder::limit("btczar", Side::Buy, Decimal::new(1, 3), Decimal::from(700_000));
    let placed = maker.send(order).await.unwrap();
    wait_for(&stream, |event| match event {
        Event::Order(order) => (order.id == placed.id).then_some(()),
        _ => None,
    })
    .await;
}

#[tokio::test]
async fn a_clock_that_went_wrong_meanwhile_is_corrected_at_the_handshake() {
    let sandbox = Sandbox::start().await.unwrap();
    let stream = Stream::builder(client(&sandbox, "maker", false)).orders().connect().await.unwrap();
    subscribed(&stream, 1).await;
    sandbox.control().advance_clock(60_000);
    sandbox.control().drop_sockets();
    wait_for(&stream, |event| matches!(event, Event::Connected { connections: 2 }).then_some(())).await;
}

#[tokio::test]
async fn a_revoked_key_ends_the_stream_after_two_tries() {
    let sandbox = Sandbox::start().await.unwrap();
    let stream = Stream::builder(client(&sandbox, "maker", false)).orders().connect().await.unwrap();
    subscribed(&stream, 1).await;
    sandbox.control().restrict("maker", Some(Restriction::KeyInactive)).unwrap();
    sandbox.control().drop_sockets();
    let mut refusals = 0;
    let why = wait_for(&stream, |event| match event {
        Event::Disconnected { why: Interruption::Refused { .. }, .. } => {
            refusals += 1;
            None
        }
        Event::Ended { why } => Some(why),
        _ => None,
    })
    .await;
    assert_eq!(refusals, 1);
    let Interruption::Refused { what } = why else { panic!("{why:?}") };
    assert!(what.contains("authz.apikey_not_active"), "{what}");
    assert_eq!(stream.next().await, None);
    assert!(stream.subscribe([Topic::Orders]).await.is_err());
}

#[tokio::test]
async fn nonsense_from_the_server_is_told_and_nothing_is_lost_by_it() {
    let sandbox = Sandbox::start().await.unwrap();
    let stream = Stream::builder(client(&sandbox, "maker", false)).orders().connect().await.unwrap();
    subscribed(&stream, 1).await;
    let control = sandbox.control();
    for frame in [
        "<html>",
        r#"{"order":{"id":"x"}}"#,
        r#"{"order":"#,
        "pong",
        r#"{"deposit_address":{"type":"create"}}"#,
    ] {
        control.publish_raw(None, frame);
    }
    let (mut unreadable, mut unknown) = (0, 0);
    wait_for(&stream, |event| {
        match event {
            Event::Unreadable { .. } => unreadable += 1,
            Event::Unknown { topic, .. } => {
                assert_eq!(topic, "deposit_address");
                unknown += 1;
            }
            Event::Disconnected { .. } => panic!("an unreadable frame ended the connection"),
            _ => {}
        }
        ((unreadable, unknown) == (3, 1)).then_some(())
    })
    .await;
}

//! What a connection does with its books: adding and removing them, telling their changes, saying why one is not live.

use crate::{
    scripted::{Peer, asked, best_bid, bid, confirm, live_book, network, say, settle, snapshot},
    soon,
};
use capecrypto_live::{Builder, Live, State, Topic, WaitError, Why};
use capecrypto_models::Decimal;
use capecrypto_orderbook::LostSync;
use capecrypto_stream::{Config, Event, Interruption};
use futures_util::StreamExt;
use std::time::Duration;
use tokio::sync::mpsc;

const BTC: &str = "\"btczar.ob-inc\"";
const BOTH: &str = "\"btczar.ob-inc\",\"ethzar.ob-inc\"";

fn eth() -> Topic {
    Topic::Book("ethzar".parse().unwrap())
}

/// An open connection, its first peer, and the peers to come.
async fn open(build: impl FnOnce(Builder) -> Builder) -> (Live, Peer, mpsc::UnboundedReceiver<Peer>) {
    let (peers, mut received) = mpsc::unbounded_channel();
    let live = build(Live::builder(network(peers))).connect().await.unwrap();
    let peer = received.recv().await.unwrap();
    (live, peer, received)
}

/// Reads until the peer gets a request, and gives it.
async fn request(peer: &mut Peer) -> String {
    loop {
        let message = soon(peer.next()).await.unwrap().unwrap();
        if message.is_text() {
            return message.into_text().unwrap().to_string();
        }
    }
}

async fn eth_snapshot(peer: &mut Peer, price: u32) {
    say(peer, &format!(r#"{{"ethzar.ob-snap":{{"asks":[],"bids":[["{price}","1"]],"sequence":1}}}}"#)).await;
}

#[tokio::test(start_paused = true)]
async fn a_book_can_be_added_to_an_open_connection_and_removed_again() {
    let (live, btc, mut peer) = live_book().await;
    assert!(live.book("ethzar").unwrap_err().to_string().contains("'ethzar' is not kept"));
    live.subscribe([eth()]).await.unwrap();
    let mut book = live.book("ethzar").unwrap();
    assert_eq!(book.best().unwrap_err().why, Why::New);
    assert_eq!(request(&mut peer).await, r#"{"event":"subscribe","streams":["ethzar.ob-inc"]}"#);
    eth_snapshot(&mut peer, 10).await;
    confirm(&mut peer, BOTH).await;
    soon(book.live()).await.unwrap();
    assert_eq!(best_bid(&book), Some(Decimal::from(10)));

    live.unsubscribe([eth()]).await.unwrap();
    let gone = book.best().unwrap_err();
    assert_eq!((gone.state, gone.why), (State::Stale, Why::Unsubscribed), "at once");
    assert!(matches!(soon(book.changed()).await, Err(WaitError::Ended { .. })));
    assert!(live.book("ethzar").is_err());
    assert_eq!(request(&mut peer).await, r#"{"event":"unsubscribe","streams":["ethzar.ob-inc"]}"#);
    // A frame that is still on its way changes nothing, and the other book goes on.
    say(&mut peer, r#"{"ethzar.ob-inc":{"bids":["11","1"],"sequence":2}}"#).await;
    confirm(&mut peer, BTC).await;
    bid(&mut peer, 101, "1", 8).await;
    settle().await;
    assert!(book.best().is_err());
    assert_eq!(best_bid(&btc), Some(Decimal::from(101)));

    // Added again, it is another book.
    live.subscribe([eth()]).await.unwrap();
    let mut again = live.book("ethzar").unwrap();
    assert_eq!(request(&mut peer).await, r#"{"event":"subscribe","streams":["ethzar.ob-inc"]}"#);
    eth_snapshot(&mut peer, 20).await;
    confirm(&mut peer, BOTH).await;
    soon(again.live()).await.unwrap();
    assert_eq!(best_bid(&again), Some(Decimal::from(20)));
    assert!(book.best().is_err(), "the old handle stays stale");
}

#[tokio::test(start_paused = true)]
async fn an_added_book_is_there_after_a_reconnect_and_a_removed_one_is_not() {
    let (live, mut first, mut received) = open(|builder| builder.book("btczar")).await;
    snapshot(&mut first, 100, 7).await;
    confirm(&mut first, BTC).await;
    live.subscribe([eth()]).await.unwrap();
    request(&mut first).await;
    live.unsubscribe([Topic::Book("btczar".parse().unwrap())]).await.unwrap();
    drop(first);
    let mut second = soon(received.recv()).await.unwrap();
    eth_snapshot(&mut second, 10).await;
    confirm(&mut second, "\"ethzar.ob-inc\"").await;
    let mut book = live.book("ethzar").unwrap();
    soon(book.live()).await.unwrap();
    assert!(live.book("btczar").is_err());
}

#[tokio::test(start_paused = true)]
async fn a_book_that_is_removed_and_added_at_once_is_waited_for() {
    let (live, _btc, mut peer) = live_book().await;
    live.subscribe([eth()]).await.unwrap();
    request(&mut peer).await;
    eth_snapshot(&mut peer, 10).await;
    confirm(&mut peer, BOTH).await;
    soon(live.book("ethzar").unwrap().live()).await.unwrap();
    live.unsubscribe([eth()]).await.unwrap();
    live.subscribe([eth()]).await.unwrap();
    let mut book = live.book("ethzar").unwrap();
    assert_eq!(request(&mut peer).await, r#"{"event":"unsubscribe","streams":["ethzar.ob-inc"]}"#);
    confirm(&mut peer, BTC).await;
    settle().await;
    assert_eq!(book.best().unwrap_err().why, Why::New, "it is neither unsubscribed nor missing");
    assert_eq!(request(&mut peer).await, r#"{"event":"subscribe","streams":["ethzar.ob-inc"]}"#);
    eth_snapshot(&mut peer, 20).await;
    confirm(&mut peer, BOTH).await;
    soon(book.live()).await.unwrap();
    assert_eq!(best_bid(&book), Some(Decimal::from(20)));
}

#[tokio::test(start_paused = true)]
async fn a_topic_that_cannot_be_had_adds_no_book_beside_it() {
    let (live, _btc, _peer) = live_book().await;
    assert!(live.subscribe([eth(), Topic::Orders]).await.is_err());
    assert!(live.book("ethzar").is_err());
}

#[tokio::test(start_paused = true)]
async fn a_closed_connection_adds_no_book() {
    let (live, _book, _peer) = live_book().await;
    soon(live.close()).await;
    let error = live.subscribe([eth()]).await.unwrap_err();
    assert!(error.to_string().contains("ended"), "{error}");
    assert!(live.book("ethzar").is_err());
}

/// The next events, for so long that everything that is due has come.
async fn told(live: &Live) -> Vec<Event> {
    let mut told = Vec::new();
    while let Ok(Some(event)) = tokio::time::timeout(Duration::from_millis(100), live.next()).await {
        told.push(event);
    }
    told
}

#[tokio::test(start_paused = true)]
async fn changes_are_told_once_until_they_are_read() {
    let (live, mut peer, _received) =
        open(|builder| builder.book("btczar").book("ethzar").book_events()).await;
    snapshot(&mut peer, 100, 7).await;
    eth_snapshot(&mut peer, 10).await;
    confirm(&mut peer, BOTH).await;
    settle().await;
    told(&live).await;
    for sequence in 8..1_000 {
        bid(&mut peer, sequence, "1", sequence).await;
        if sequence == 500 {
            say(&mut peer, r#"{"ethzar.ob-inc":{"bids":["11","1"],"sequence":2}}"#).await;
        }
    }
    settle().await;
    let changed = |market: &str| Event::BookChanged { market: market.parse().unwrap() };
    assert_eq!(told(&live).await, [changed("btczar"), changed("ethzar")]);
    // A lost connection is a change of both, after it was told.
    drop(peer);
    settle().await;
    let events = told(&live).await;
    let lost = events.iter().position(|event| matches!(event, Event::Disconnected { .. })).unwrap();
    assert!(
        events[lost..].contains(&changed("btczar")) && events[lost..].contains(&changed("ethzar")),
        "{events:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn without_being_asked_for_changes_are_not_told() {
    let (live, _book, mut peer) = live_book().await;
    bid(&mut peer, 101, "1", 8).await;
    settle().await;
    assert!(!told(&live).await.iter().any(|event| matches!(event, Event::BookChanged { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_book_says_why_it_is_not_live_and_since_when() {
    let (live, mut peer, _received) = open(|builder| builder.book("btczar")).await;
    let mut book = live.book("btczar").unwrap();
    let why = |book: &capecrypto_live::LiveBook| book.best().unwrap_err().why;
    assert_eq!(why(&book), Why::New);
    snapshot(&mut peer, 100, 7).await;
    settle().await;
    assert_eq!((book.state(), why(&book)), (State::CatchingUp, Why::New));
    confirm(&mut peer, BTC).await;
    soon(book.live()).await.unwrap();
    assert_eq!((book.sequence(), book.top().sequence), (Some(7), Some(7)));

    bid(&mut peer, 101, "1", 9).await;
    settle().await;
    let lost = book.best().unwrap_err();
    assert_eq!(lost.why, Why::Lost(LostSync::Sequence { expected: 8, got: 9 }));
    let since = lost.since.as_unix_millis() - 1_700_000_000_000;
    assert!((0..1_000).contains(&since), "{since}");
    for word in ["btczar", "resyncing", "since 2023-11-14", "instead of 8"] {
        assert!(lost.to_string().contains(word), "{lost}");
    }
    assert_eq!((book.sequence(), book.top().best), (None, None));

    asked(&mut peer).await;
    snapshot(&mut peer, 100, 9).await;
    confirm(&mut peer, BTC).await;
    soon(book.live()).await.unwrap();
    snapshot(&mut peer, 100, 5).await;
    settle().await;
    assert_eq!(why(&book), Why::Replayed);
    confirm(&mut peer, "").await;
    settle().await;
    assert_eq!(why(&book), Why::NotListed);
    drop(peer);
    settle().await;
    assert_eq!(why(&book), Why::Disconnected(Interruption::Closed { code: 1006 }));
    drop(live);
    assert_eq!(why(&book), Why::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_silent_connection_takes_its_books_out_of_live_where_that_was_asked_for() {
    let silence = Config::default().stale_after(Duration::from_secs(5));
    let (live, mut peer, _received) = open(|builder| builder.book("btczar").config(silence)).await;
    snapshot(&mut peer, 100, 7).await;
    confirm(&mut peer, BTC).await;
    let mut book = live.book("btczar").unwrap();
    soon(book.live()).await.unwrap();
    // Pings are answered, so the connection stays.
    asked(&mut peer).await;
    let gone = book.best().unwrap_err();
    assert_eq!((gone.state, gone.why), (State::Stale, Why::Silent(Duration::from_secs(5))));
    snapshot(&mut peer, 101, 8).await;
    confirm(&mut peer, BTC).await;
    soon(book.live()).await.unwrap();
    assert_eq!(best_bid(&book), Some(Decimal::from(101)));
}

#[tokio::test(start_paused = true)]
async fn many_books_that_break_at_once_are_repaired_at_a_steady_pace() {
    let markets: Vec<String> = (0..60).map(|number| format!("m{number:02}zar")).collect();
    let (live, mut peer, _received) =
        open(|builder| markets.iter().fold(builder, |builder, market| builder.book(market.as_str()))).await;
    let names: Vec<String> = markets.iter().map(|market| format!("\"{market}.ob-inc\"")).collect();
    let names = names.join(",");
    let snapshot = |market: &str, sequence: u32| {
        format!(r#"{{"{market}.ob-snap":{{"asks":[],"bids":[["1","1"]],"sequence":{sequence}}}}}"#)
    };
    confirm(&mut peer, &names).await;
    // The handshake has four books, and each other one is asked for alone.
    for _ in 4..markets.len() {
        request(&mut peer).await;
        confirm(&mut peer, &names).await;
    }
    for market in &markets {
        say(&mut peer, &snapshot(market, 1)).await;
    }
    confirm(&mut peer, &names).await;
    settle().await;
    for market in &markets {
        assert_eq!(live.book(market).unwrap().state(), State::Live);
        // An increment was lost.
        say(&mut peer, &format!(r#"{{"{market}.ob-inc":{{"bids":["2","1"],"sequence":9}}}}"#)).await;
    }
    let start = tokio::time::Instant::now();
    let mut repaired = Vec::new();
    while repaired.len() < markets.len() {
        let text = request(&mut peer).await;
        let market = markets.iter().find(|market| text.contains(market.as_str()));
        if let Some(market) = market {
            say(&mut peer, &snapshot(market, 9)).await;
            repaired.push((start.elapsed(), market.clone()));
        }
        confirm(&mut peer, &names).await;
    }
    settle().await;
    let first = repaired.first().unwrap().0;
    let at_once = repaired.iter().filter(|(at, _)| *at < first + Duration::from_millis(90)).count();
    assert!((20..=21).contains(&at_once), "{at_once} were asked for at once");
    let last = repaired.last().unwrap().0 - first;
    assert!((Duration::from_millis(3_500)..Duration::from_secs(6)).contains(&last), "{last:?}");
    let all: std::collections::BTreeSet<_> = repaired.iter().map(|(_, market)| market).collect();
    assert_eq!(all.len(), markets.len(), "each once: {repaired:?}");
    assert!(markets.iter().all(|market| live.book(market).unwrap().state() == State::Live));
}

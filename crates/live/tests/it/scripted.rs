//! Books against a peer that answers late, twice, or not for this book: what no real exchange does on request.

use capecrypto_live::{Live, LiveBook, State};
use capecrypto_models::Decimal;
use capecrypto_stream::{Connect, ConnectError, Connection, Event, Handshake};
use futures_util::{SinkExt, StreamExt, future::BoxFuture};
use std::time::Duration;
use tokio::{io::DuplexStream, sync::mpsc};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Message, handshake::derive_accept_key, protocol::Role},
};

type Peer = WebSocketStream<DuplexStream>;

/// Hands the other end of each connection to the test.
struct Network(mpsc::UnboundedSender<Peer>);

impl Connect for Network {
    fn connect<'a>(&'a self, handshake: &'a Handshake) -> BoxFuture<'a, Result<Connection, ConnectError>> {
        Box::pin(async move {
            let (ours, theirs) = tokio::io::duplex(64 * 1024);
            self.0.send(WebSocketStream::from_raw_socket(theirs, Role::Server, None).await).unwrap();
            let key = &handshake.headers.iter().find(|(name, _)| *name == "sec-websocket-key").unwrap().1;
            let mut headers = http::HeaderMap::new();
            headers.insert("sec-websocket-accept", derive_accept_key(key.as_bytes()).parse().unwrap());
            Ok(Connection::new(headers, ours))
        })
    }

    fn unix_millis(&self) -> u64 {
        1_700_000_000_000
    }
}

async fn connected() -> (Live, LiveBook, Peer) {
    let (peers, mut received) = mpsc::unbounded_channel();
    let live = Live::builder(Network(peers)).book("btczar").connect().await.unwrap();
    let book = live.book("btczar").unwrap();
    (live, book, received.recv().await.unwrap())
}

async fn say(peer: &mut Peer, text: &str) {
    peer.send(Message::text(text)).await.unwrap();
}

async fn snapshot(peer: &mut Peer, bid: u32, sequence: u32) {
    say(peer, &format!(r#"{{"btczar.ob-snap":{{"asks":[],"bids":[["{bid}","1"]],"sequence":{sequence}}}}}"#))
        .await;
}

async fn bid(peer: &mut Peer, price: u32, amount: &str, sequence: u32) {
    say(peer, &format!(r#"{{"btczar.ob-inc":{{"bids":["{price}","{amount}"],"sequence":{sequence}}}}}"#))
        .await;
}

async fn confirm(peer: &mut Peer, names: &str) {
    say(peer, &format!(r#"{{"success":{{"message":"subscribed","streams":[{names}]}}}}"#)).await;
}

/// Waits until the book has taken in everything that was said.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(10)).await;
}

fn best(book: &LiveBook) -> Option<Decimal> {
    book.best().ok().map(|best| best.bid.unwrap().price)
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_alone_is_not_live_nor_is_one_that_comes_again() {
    let (_live, book, mut peer) = connected().await;
    snapshot(&mut peer, 1, 100).await;
    settle().await;
    assert_eq!((book.state(), best(&book)), (State::Resyncing, None), "it may be a minute old");
    bid(&mut peer, 50, "1", 101).await;
    confirm(&mut peer, "\"btczar.ob-inc\"").await;
    settle().await;
    assert_eq!((book.state(), best(&book)), (State::Live, Some(Decimal::from(50))));
    // The same answer a second time, as after a doubled subscription: back to the past, and forth again.
    snapshot(&mut peer, 1, 100).await;
    settle().await;
    assert_eq!((book.state(), best(&book)), (State::Resyncing, None));
    bid(&mut peer, 50, "1", 101).await;
    settle().await;
    assert_eq!(best(&book), None);
    confirm(&mut peer, "\"btczar.ob-inc\"").await;
    settle().await;
    assert_eq!(best(&book), Some(Decimal::from(50)));
}

#[tokio::test(start_paused = true)]
async fn a_book_that_the_server_no_longer_lists_is_not_live() {
    let (live, book, mut peer) = connected().await;
    snapshot(&mut peer, 1, 100).await;
    confirm(&mut peer, "\"btczar.ob-inc\"").await;
    settle().await;
    assert_eq!(book.state(), State::Live);
    confirm(&mut peer, "").await;
    settle().await;
    assert_eq!((book.state(), best(&book)), (State::Stale, None));
    let mut told = false;
    while let Ok(Some(event)) = tokio::time::timeout(Duration::from_secs(1), live.next()).await {
        told |= matches!(event, Event::NotSubscribed { .. });
    }
    assert!(told);
}

#[tokio::test(start_paused = true)]
async fn a_book_is_stale_from_the_first_moment_of_a_goodbye() {
    for drop_it in [false, true] {
        let (live, book, mut peer) = connected().await;
        snapshot(&mut peer, 1, 100).await;
        confirm(&mut peer, "\"btczar.ob-inc\"").await;
        settle().await;
        assert_eq!(book.state(), State::Live);
        // The peer goes on talking and does not answer the goodbye.
        let closing = tokio::spawn(async move {
            if !drop_it {
                live.close().await;
            }
        });
        settle().await;
        bid(&mut peer, 50, "1", 101).await;
        settle().await;
        assert_eq!((book.state(), best(&book)), (State::Stale, None));
        closing.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_book_is_asked_for_again_once_at_a_time_and_a_second_apart() {
    let (_live, book, mut peer) = connected().await;
    snapshot(&mut peer, 1, 100).await;
    confirm(&mut peer, "\"btczar.ob-inc\"").await;
    settle().await;
    bid(&mut peer, 50, "1", 107).await;
    settle().await;
    assert_eq!(book.state(), State::Resyncing);
    let mut requests = Vec::new();
    let start = tokio::time::Instant::now();
    while start.elapsed() < Duration::from_secs(60) {
        match tokio::time::timeout(Duration::from_secs(60), peer.next()).await {
            Ok(Some(Ok(Message::Text(text)))) => {
                assert_eq!(text.as_str(), r#"{"event":"subscribe","streams":["btczar.ob-inc"]}"#);
                requests.push(start.elapsed());
                // It is confirmed, and no snapshot comes.
                confirm(&mut peer, "\"btczar.ob-inc\"").await;
            }
            Ok(Some(Ok(_))) => {}
            other => panic!("{other:?}"),
        }
    }
    assert!((3..=8).contains(&requests.len()), "{requests:?}");
    assert!(requests.windows(2).all(|pair| pair[1] - pair[0] >= Duration::from_secs(1)), "{requests:?}");
    assert_eq!(book.state(), State::Resyncing);
}

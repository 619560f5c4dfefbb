//! Books against a peer that answers late, twice, or not for this book. No real exchange does that on request.

use crate::soon;
use capecrypto_live::{BookSide, Live, LiveBook, State, WaitError};
use capecrypto_models::Decimal;
use capecrypto_simnet::{Network, Wire};
use capecrypto_stream::{Config, Event};
use futures_util::{SinkExt, StreamExt};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_tungstenite::{WebSocketStream, tungstenite::Message};

pub(crate) type Peer = WebSocketStream<Wire>;

/// Hands the other end of each connection to the test.
pub(crate) fn network(peers: mpsc::UnboundedSender<Peer>) -> Network {
    Network::scripted(7, move |peer| {
        // The test may have ended.
        let _ = peers.send(peer.socket);
        std::future::ready(())
    })
}

/// These peers do not answer the periodic lists.
fn without_lists() -> Config {
    Config::default().list_every(Duration::from_secs(3_600))
}

pub(crate) async fn connected() -> (Live, LiveBook, Peer) {
    let (peers, mut received) = mpsc::unbounded_channel();
    let live = Live::builder(network(peers)).book("btczar").config(without_lists()).connect().await.unwrap();
    let book = live.book("btczar").unwrap();
    (live, book, received.recv().await.unwrap())
}

pub(crate) async fn say(peer: &mut Peer, text: &str) {
    peer.send(Message::text(text)).await.unwrap();
}

pub(crate) async fn snapshot(peer: &mut Peer, bid: u32, sequence: u32) {
    say(peer, &format!(r#"{{"btczar.ob-snap":{{"asks":[],"bids":[["{bid}","1"]],"sequence":{sequence}}}}}"#))
        .await;
}

pub(crate) async fn bid(peer: &mut Peer, price: u32, amount: &str, sequence: u32) {
    say(peer, &format!(r#"{{"btczar.ob-inc":{{"bids":["{price}","{amount}"],"sequence":{sequence}}}}}"#))
        .await;
}

pub(crate) async fn confirm(peer: &mut Peer, names: &str) {
    say(peer, &format!(r#"{{"success":{{"message":"subscribed","streams":[{names}]}}}}"#)).await;
}

/// Waits until the book has processed everything that the peer sent.
pub(crate) async fn settle() {
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
    assert_eq!((book.state(), best(&book)), (State::CatchingUp, None), "the snapshot may be a minute old");
    bid(&mut peer, 50, "1", 101).await;
    confirm(&mut peer, "\"btczar.ob-inc\"").await;
    settle().await;
    assert_eq!((book.state(), best(&book)), (State::Live, Some(Decimal::from(50))));
    // The same answer again, as after a repeated subscription: the book goes back to the old snapshot, then forward.
    snapshot(&mut peer, 1, 100).await;
    settle().await;
    assert_eq!((book.state(), best(&book)), (State::CatchingUp, None));
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
        // The peer keeps sending and does not answer the close message.
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
                // The peer confirms, but sends no snapshot.
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

/// Reads until the peer is asked for the book.
pub(crate) async fn asked(peer: &mut Peer) {
    while !matches!(soon(peer.next()).await, Some(Ok(Message::Text(text))) if text.contains("btczar.ob-inc"))
    {
    }
}

#[tokio::test(start_paused = true)]
async fn an_increment_ends_the_wait_for_an_exchange_without_a_snapshot() {
    let (_live, mut book, mut peer) = connected().await;
    snapshot(&mut peer, 1, 100).await;
    confirm(&mut peer, "\"btczar.ob-inc\"").await;
    bid(&mut peer, 50, "1", 107).await;
    // The waits double: after these four, the next one is 16 s.
    for _ in 0..4 {
        asked(&mut peer).await;
        confirm(&mut peer, "\"btczar.ob-inc\"").await;
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    let start = tokio::time::Instant::now();
    bid(&mut peer, 51, "1", 8).await;
    asked(&mut peer).await;
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    snapshot(&mut peer, 51, 8).await;
    confirm(&mut peer, "\"btczar.ob-inc\"").await;
    soon(book.live()).await.unwrap();
    assert_eq!(best_bid(&book), Some(Decimal::from(51)));
}

/// A live book that is audited after five quiet seconds.
async fn audited() -> (Live, LiveBook, Peer, mpsc::UnboundedReceiver<Peer>) {
    let (peers, mut received) = mpsc::unbounded_channel();
    let live = Live::builder(network(peers)).book("btczar").audit_after(Duration::from_secs(5));
    let live = live.config(without_lists()).connect().await.unwrap();
    let mut book = live.book("btczar").unwrap();
    let mut peer = received.recv().await.unwrap();
    snapshot(&mut peer, 1, 100).await;
    confirm(&mut peer, "\"btczar.ob-inc\"").await;
    soon(book.live()).await.unwrap();
    (live, book, peer, received)
}

#[tokio::test(start_paused = true)]
async fn a_book_without_a_connection_is_not_audited() {
    let (_live, _book, peer, mut received) = audited().await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    drop(peer);
    let mut peer = soon(received.recv()).await.unwrap();
    let asked = tokio::time::timeout(Duration::from_secs(4), asked(&mut peer)).await;
    assert!(asked.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_lost_last_increment_is_noticed_by_the_audit() {
    let (_live, mut book, mut peer, _received) = audited().await;
    let start = tokio::time::Instant::now();
    asked(&mut peer).await;
    assert!((4..=6).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    assert_eq!(best_bid(&book), Some(Decimal::from(1)), "live until the answer");
    // Increment 101 was lost on the way. The answer has it.
    snapshot(&mut peer, 1, 100).await;
    bid(&mut peer, 50, "1", 101).await;
    confirm(&mut peer, "\"btczar.ob-inc\"").await;
    settle().await;
    soon(book.live()).await.unwrap();
    assert_eq!(best_bid(&book), Some(Decimal::from(50)));
    // The next audit comes five seconds later.
    let start = tokio::time::Instant::now();
    asked(&mut peer).await;
    assert!((4..=6).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_book_that_moves_is_not_audited() {
    let (_live, book, mut peer, _received) = audited().await;
    for sequence in 101..111 {
        tokio::time::sleep(Duration::from_secs(4)).await;
        bid(&mut peer, sequence, "1", sequence).await;
    }
    settle().await;
    assert_eq!(best_bid(&book), Some(Decimal::from(110)));
    let mut requests = Vec::new();
    while let Ok(Some(Ok(message))) = tokio::time::timeout(Duration::from_secs(1), peer.next()).await {
        requests.extend(message.to_text().ok().map(str::to_owned));
    }
    assert!(!requests.iter().any(|text| text.contains("btczar.ob-inc")), "{requests:?}");
}

#[tokio::test(start_paused = true)]
async fn a_book_that_is_not_live_is_not_audited() {
    let (_live, book, mut peer, _received) = audited().await;
    confirm(&mut peer, "").await;
    settle().await;
    assert_eq!(book.state(), State::Stale);
    // The stream asks for a missing topic again after ten seconds. The audit would ask after five.
    let asked = tokio::time::timeout(Duration::from_secs(8), asked(&mut peer)).await;
    assert!(asked.is_err());
}

/// A live book with one bid.
pub(crate) async fn live_book() -> (Live, LiveBook, Peer) {
    let (live, mut book, mut peer) = connected().await;
    snapshot(&mut peer, 100, 7).await;
    confirm(&mut peer, r#""btczar.ob-inc""#).await;
    soon(book.live()).await.unwrap();
    (live, book, peer)
}

pub(crate) fn best_bid(book: &LiveBook) -> Option<Decimal> {
    book.best().unwrap().bid.map(|bid| bid.price)
}

#[tokio::test]
async fn a_read_within_a_read_answers() {
    let (_live, book, _peer) = live_book().await;
    let same = book.clone();
    let within = book.read(|outer| {
        let inner = same.read(|inner| inner.best().unwrap()).unwrap();
        assert_eq!(same.best().unwrap(), inner);
        (outer.best().unwrap(), inner)
    });
    let (outer, inner) = within.unwrap();
    assert_eq!(outer, inner);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_reader_holds_neither_the_socket_nor_other_readers_up() {
    let (_live, book, mut peer) = live_book().await;
    let (entered, inside) = tokio::sync::oneshot::channel();
    let other = book.clone();
    let reader = tokio::task::spawn_blocking(move || {
        book.read(|frozen| {
            entered.send(()).unwrap();
            // Keeps reading until another reader has seen the new increment.
            let start = std::time::Instant::now();
            while best_bid(&other) != Some(Decimal::from(101)) {
                assert!(start.elapsed() < Duration::from_secs(20), "the reader blocks the writer");
                std::thread::yield_now();
            }
            frozen.best().unwrap().bid.map(|bid| bid.price)
        })
    });
    inside.await.unwrap();
    bid(&mut peer, 101, "1", 8).await;
    assert_eq!(soon(reader).await.unwrap(), Ok(Some(Decimal::from(100))), "the copy does not change");
}

#[tokio::test(start_paused = true)]
async fn a_market_that_the_exchange_does_not_list_is_an_error_and_no_wait() {
    let (_live, mut book, mut peer) = connected().await;
    confirm(&mut peer, "").await;
    let error = tokio::time::timeout(Duration::from_secs(5), book.live())
        .await
        .expect("it must not wait")
        .unwrap_err();
    assert!(matches!(&error, WaitError::NotListed { market } if market == "btczar"), "{error}");
    assert!(error.to_string().contains("ListMarkets"), "{error}");
    let until = tokio::time::timeout(Duration::from_secs(5), book.until(|_| Some(())));
    assert!(matches!(until.await.expect("it must not wait"), Err(WaitError::NotListed { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_market_that_is_listed_after_all_is_waited_for() {
    let (peers, mut received) = mpsc::unbounded_channel();
    let live = Live::builder(network(peers)).book("btczar").connect().await.unwrap();
    let mut book = live.book("btczar").unwrap();
    let mut peer = received.recv().await.unwrap();
    confirm(&mut peer, "").await;
    assert!(matches!(book.live().await, Err(WaitError::NotListed { .. })));
    // Listed, but without a snapshot yet: this waits and is no error.
    confirm(&mut peer, "\"btczar.ob-inc\"").await;
    settle().await;
    assert!(tokio::time::timeout(Duration::from_millis(100), book.live()).await.is_err());
    confirm(&mut peer, "").await;
    settle().await;
    // A new connection has not answered yet.
    drop(peer);
    let mut peer = received.recv().await.unwrap();
    settle().await;
    assert!(tokio::time::timeout(Duration::from_millis(100), book.live()).await.is_err());
    snapshot(&mut peer, 5, 100).await;
    confirm(&mut peer, "\"btczar.ob-inc\"").await;
    soon(book.live()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_time_for_a_book_begins_anew_once_it_was_live() {
    let (peers, mut received) = mpsc::unbounded_channel();
    let builder = Live::builder(network(peers)).book("btczar").live_within(Duration::from_secs(7));
    let live = builder.connect().await.unwrap();
    let mut peer = received.recv().await.unwrap();
    let mut book = live.book("btczar").unwrap();
    let waiting = tokio::spawn(async move {
        book.until(|book| (book.best().ok()?.bid?.price == Decimal::from(9)).then_some(())).await
    });
    let five = || tokio::time::sleep(Duration::from_secs(5));
    five().await;
    snapshot(&mut peer, 5, 100).await;
    confirm(&mut peer, "\"btczar.ob-inc\"").await;
    settle().await;
    // An increment is lost, and the repair takes another five seconds.
    bid(&mut peer, 6, "1", 109).await;
    five().await;
    snapshot(&mut peer, 9, 200).await;
    confirm(&mut peer, "\"btczar.ob-inc\"").await;
    soon(waiting).await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn waiting_for_a_snapshot_that_does_not_come_has_an_end() {
    let (peers, mut received) = mpsc::unbounded_channel();
    let builder = Live::builder(network(peers)).book("btczar").live_within(Duration::from_secs(7));
    let live = builder.connect().await.unwrap();
    let mut peer = received.recv().await.unwrap();
    confirm(&mut peer, r#""btczar.ob-inc""#).await;
    let answering = tokio::spawn(async move { while peer.next().await.is_some() {} });
    let mut book = live.book("btczar").unwrap();
    for _ in 0..2 {
        let start = tokio::time::Instant::now();
        let error = book.live().await.unwrap_err();
        assert!(matches!(error, WaitError::NotLiveInTime { within, .. } if within.as_secs() == 7), "{error}");
        assert_eq!(start.elapsed().as_secs(), 7);
    }
    assert!(matches!(book.until(|_| Some(())).await, Err(WaitError::NotLiveInTime { .. })));
    answering.abort();
}

#[test]
fn waiting_outside_of_a_runtime_is_an_error() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (_live, mut book, _peer) = runtime.block_on(connected());
    let outside = futures_util::FutureExt::now_or_never(book.live());
    assert_eq!(outside.expect("it must not wait"), Err(WaitError::NoRuntime));
}

#[tokio::test]
async fn no_book_looks_live_after_its_connection_was_dropped_or_closed() {
    let (live, book, mut peer) = live_book().await;
    // A frame that is on its way when the connection is dropped changes nothing.
    bid(&mut peer, 101, "1", 8).await;
    drop(live);
    assert_eq!(book.best().unwrap_err().state, State::Stale, "at once, before the socket's task runs");
    tokio::task::yield_now().await;
    assert_eq!(book.state(), State::Stale);
    let (live, book, _peer) = live_book().await;
    let closing = live.close();
    assert_eq!(book.best().unwrap_err().state, State::Stale, "at once, before anything is awaited");
    drop(closing);
}

#[tokio::test]
async fn a_loop_that_waits_for_changes_first_sees_the_book_that_is_there() {
    let (live, mut book, mut peer) = live_book().await;
    soon(book.changed()).await.unwrap();
    assert!(
        futures_util::FutureExt::now_or_never(book.changed()).is_none(),
        "only the first wait returns at once"
    );
    let mut late = live.book("btczar").unwrap();
    soon(late.live()).await.unwrap();
    soon(late.changed()).await.unwrap();
    assert!(futures_util::FutureExt::now_or_never(late.changed()).is_none());
    soon(late.live()).await.unwrap();
    assert!(
        futures_util::FutureExt::now_or_never(late.changed()).is_none(),
        "a book that was already live is no change"
    );
    bid(&mut peer, 101, "1", 8).await;
    soon(late.changed()).await.unwrap();
    assert_eq!(best_bid(&late), Some(Decimal::from(101)));
}

#[tokio::test]
async fn an_exchange_that_cuts_its_snapshots_elsewhere_is_known_to() {
    for (depth, complete) in [(301, true), (1, false)] {
        let (peers, mut received) = mpsc::unbounded_channel();
        let builder = Live::builder(network(peers)).book("btczar").snapshot_depth(depth);
        let live = builder.connect().await.unwrap();
        let mut peer = received.recv().await.unwrap();
        snapshot(&mut peer, 100, 7).await;
        confirm(&mut peer, r#""btczar.ob-inc""#).await;
        let mut book = live.book("btczar").unwrap();
        soon(book.live()).await.unwrap();
        assert_eq!(book.depth(BookSide::Bid).unwrap().complete, complete, "{depth}");
    }
}

#[tokio::test]
async fn of_two_books_in_one_frame_both_are_kept() {
    let (peers, mut received) = mpsc::unbounded_channel();
    let live = Live::builder(network(peers)).book("btczar").book("ethzar").connect().await.unwrap();
    let mut peer = received.recv().await.unwrap();
    let message = |market: &str, price: u32| {
        format!(r#""{market}.ob-snap":{{"asks":[],"bids":[["{price}","1"]],"sequence":1}}"#)
    };
    say(&mut peer, &format!("{{{},{}}}", message("btczar", 100), message("ethzar", 10))).await;
    confirm(&mut peer, r#""btczar.ob-inc","ethzar.ob-inc""#).await;
    for (market, price) in [("btczar", 100), ("ethzar", 10)] {
        let mut book = live.book(market).unwrap();
        soon(book.live()).await.unwrap();
        assert_eq!(best_bid(&book), Some(Decimal::from(price)), "{market}");
    }
}

//! A server that drops a connection on too many frames at once.

use crate::watched::Watched;
use capecrypto_live::{BookSide, Live};
use capecrypto_simnet::{Fault, Network};
use capecrypto_stream::{Config, Stream, Topic};
use std::time::Duration;

const BOOKS: u32 = 100;
/// Increments behind each stored snapshot.
const STORED: u32 = 15;

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn markets() -> Vec<String> {
    (0..BOOKS).map(|number| format!("m{number}zar")).collect()
}

/// A network with a hundred books whose replays have 17 frames each, and a server that takes 25 at once.
fn network() -> Network {
    let network = Network::new(7).with_latency(Duration::from_millis(20), Duration::from_millis(60));
    let exchange = network.exchange();
    exchange.burst_limit(25, Duration::from_millis(5));
    for market in markets() {
        for price in 1..=STORED {
            exchange.bid(&market, price, 1);
        }
    }
    network
}

fn all_are_right(live: &Live, network: &Network) {
    for market in markets() {
        let book = live.book(&market).unwrap();
        assert_eq!(
            book.levels(BookSide::Bid, 301).unwrap(),
            network.exchange().book(&market).bids,
            "{market}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_hundred_books_are_live_within_a_minute_though_bursts_kill_connections() {
    let network = network();
    let live = markets()
        .iter()
        .fold(Live::builder(Watched::new(&network)), |live, market| live.book(market.as_str()));
    let live = live.orders().config(Config::default().seed(7)).live_within(secs(60)).connect().await.unwrap();
    let reader = async { while live.next().await.is_some() {} };
    let all = async {
        for market in markets() {
            let mut book = live.book(&market).unwrap();
            book.live().await.unwrap();
        }
    };
    tokio::select! {
        () = reader => panic!("the stream ended"),
        () = all => {}
    }
    assert!(network.elapsed() <= secs(60), "{:?}", network.elapsed());
    println!("all live after {:?}, {} connections", network.elapsed(), network.connections());
    all_are_right(&live, &network);
    // All of them break at once: the connection stays, since they are repaired one by one.
    let before = network.connections();
    for market in markets() {
        network.fault(Fault::DropFrame(capecrypto_simnet::Frames::Of(format!("{market}.ob-inc"))));
        network.exchange().bid(&market, 20, 1);
        tokio::time::sleep(Duration::from_millis(10)).await;
        network.exchange().bid(&market, 21, 1);
    }
    tokio::time::sleep(secs(60)).await;
    all_are_right(&live, &network);
    assert_eq!(network.connections(), before);
}

#[tokio::test(start_paused = true)]
async fn a_burst_of_either_side_ends_the_connection() {
    let network = network();
    let stream = Stream::builder(network.clone()).tickers().connect().await.unwrap();
    tokio::time::sleep(secs(1)).await;
    for _ in 0..26 {
        network.exchange().ticker("m1zar", 5);
    }
    tokio::time::sleep(secs(5)).await;
    assert_eq!(network.connections(), 2);
    // The client sends one request at a time, so it has no burst.
    for market in markets() {
        stream.subscribe([Topic::MarketTrades(market.parse().unwrap())]).await.unwrap();
    }
    tokio::time::sleep(secs(30)).await;
    assert_eq!((network.connections(), network.exchange().topics().len()), (2, 101));
}

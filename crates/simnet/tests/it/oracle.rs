//! What the oracle knows.

use capecrypto_models::{Decimal, Level};
use capecrypto_simnet::{Fault, Network, OrderEvent, TradeEvent, Witness};
use capecrypto_stream::{Config, Event, Stream, Topic};
use std::time::Duration;
use tokio::time::{sleep, timeout};

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn level(price: u32, amount: u32) -> Level {
    Level::new(Decimal::from(price), Decimal::from(amount))
}

#[tokio::test(start_paused = true)]
async fn every_state_that_a_book_had_is_known_and_no_other() {
    let network = Network::new(7);
    let exchange = network.exchange();
    exchange.bid("btczar", 900, 1);
    sleep(secs(10)).await;
    exchange.ask("btczar", 1_100, 2);
    sleep(secs(5)).await;
    exchange.bid("btczar", 900, 0);
    sleep(secs(1)).await;
    let age = |bids: &[Level], asks: &[Level]| exchange.age("btczar", bids, asks);
    assert_eq!(age(&[], &[level(1_100, 2)]), Some(secs(0)));
    assert_eq!(age(&[level(900, 1)], &[level(1_100, 2)]), Some(secs(1)));
    assert_eq!(age(&[level(900, 1)], &[]), Some(secs(6)));
    assert_eq!(age(&[level(900, 2)], &[]), None);
    assert_eq!(age(&[level(1_100, 2)], &[]), None, "the sides count");
    assert_eq!(exchange.age("ethzar", &[], &[]), None);
    let book = exchange.book("btczar");
    assert_eq!((book.bids, book.asks, book.sequence), (vec![], vec![level(1_100, 2)], 4));
}

/// A private stream and its witness, after its first confirmation.
async fn witnessed(network: &Network) -> (Stream, Witness) {
    let stream = Stream::builder(network.clone()).orders().trades().balances();
    let stream = stream.config(Config::default().seed(7)).connect().await.unwrap();
    let mut witness = Witness::new(&network.exchange());
    read(&stream, &mut witness).await;
    (stream, witness)
}

/// Reads what is there.
async fn read(stream: &Stream, witness: &mut Witness) {
    while let Ok(Some(event)) = timeout(Duration::from_millis(10), stream.next()).await {
        witness.read(&event);
    }
}

fn all_three(network: &Network, id: u64) {
    let exchange = network.exchange();
    exchange
        .order(&OrderEvent::sell(id, "btczar", 900.into(), 3.into()).filled(2.into(), 1).custom_id("mine"));
    exchange.trade(&TradeEvent::sell(id, id, "btczar", 900.into(), 2.into()).as_taker());
    exchange.balance("zar", id, 7);
}

#[tokio::test(start_paused = true)]
async fn what_arrives_is_not_missed_even_if_it_comes_twice() {
    let network = Network::new(7);
    let (stream, mut witness) = witnessed(&network).await;
    network.fault(Fault::DoubleFrame(capecrypto_simnet::Frames::Account));
    all_three(&network, 1);
    read(&stream, &mut witness).await;
    assert_eq!((witness.arrived(), witness.missed(Duration::ZERO)), (3, vec![]));
    let events = network.exchange().account_events();
    let topics: Vec<_> = events.iter().map(|happened| happened.topic.clone()).collect();
    assert_eq!(topics, [Topic::Orders, Topic::Trades, Topic::Balances]);
    let Event::Order(order) = &events[0].event else { panic!("{events:?}") };
    assert_eq!((order.remaining_volume, order.custom_order_id.as_deref()), (1.into(), Some("mine")));
    let Event::Trade(trade) = &events[1].event else { panic!("{events:?}") };
    assert_eq!((trade.total, trade.is_maker()), (Some(1_800.into()), Some(false)));
    let Event::Balance(balance) = &events[2].event else { panic!("{events:?}") };
    assert_eq!((balance.total(), balance.available(), balance.locked()), (8.into(), 1.into(), 7.into()));
}

#[tokio::test(start_paused = true)]
async fn what_does_not_arrive_is_missed_and_told_or_not() {
    let network = Network::new(7);
    let (stream, mut witness) = witnessed(&network).await;
    sleep(secs(60)).await;
    network.fault(Fault::Cut);
    all_three(&network, 1);
    assert_eq!(witness.missed(secs(1)), [], "it may still be on its way");
    sleep(secs(5)).await;
    assert_eq!(witness.missed(secs(1)).iter().filter(|missed| !missed.told).count(), 3);
    read(&stream, &mut witness).await;
    assert_eq!(witness.missed(secs(1)).iter().filter(|missed| missed.told).count(), 3);
    // Nobody can notice the loss of a single frame.
    sleep(secs(60)).await;
    network.fault(Fault::DropFrame(capecrypto_simnet::Frames::Account));
    network.exchange().balance("zar", 2, 7);
    sleep(secs(60)).await;
    read(&stream, &mut witness).await;
    let missed = witness.missed(secs(1));
    let untold: Vec<_> = missed.iter().filter(|missed| !missed.told).collect();
    assert!(
        missed.len() == 4 && untold.len() == 1 && untold[0].happened.topic == Topic::Balances,
        "{missed:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn the_wall_clock_follows_the_paused_one_and_can_jump() {
    use capecrypto_stream::Connect;
    let network = Network::new(7);
    let start = network.unix_millis();
    sleep(secs(5)).await;
    assert_eq!(network.unix_millis() - start, 5_000);
    network.fault(Fault::ClockJump(secs(60)));
    assert_eq!(network.unix_millis() - start, 65_000);
    assert_eq!(network.elapsed(), secs(5));
}

#[tokio::test(start_paused = true)]
async fn a_scripted_peer_says_everything_itself() {
    let network = Network::scripted(7, |mut peer| async move {
        assert_eq!((peer.private, peer.query.as_str()), (false, "stream=global.tickers"));
        peer.confirm(&["global.tickers"]).await;
        if peer.number == 1 {
            let request = peer.request().await.unwrap();
            assert_eq!(request, r#"{"event":"subscribe","streams":["btczar.trades"]}"#);
            peer.say(r#"{"x":{}}"#).await;
            // A text frame that announces 100 bytes and has 3.
            peer.raw(&[0x81, 100, b'{', b'"', b'b']).await.unwrap();
        } else {
            peer.idle().await;
        }
    });
    let stream = Stream::builder(network.clone()).tickers().connect().await.unwrap();
    stream.subscribe([Topic::MarketTrades("btczar".parse().unwrap())]).await.unwrap();
    let mut events = Vec::new();
    while network.connections() < 2 {
        events.push(stream.next().await.unwrap());
    }
    assert!(
        events.iter().any(|event| matches!(event, Event::Unknown { topic, .. } if topic == "x")),
        "{events:?}"
    );
    assert_eq!(network.open_connections(), 1);
}

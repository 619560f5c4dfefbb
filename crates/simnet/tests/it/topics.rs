//! Subscriptions that change at random while the network fails: in the end the exchange has exactly what is wanted.

use crate::{
    seeds::{seeds, with_seed},
    watched::Watched,
};
use capecrypto_simnet::{Chaos, Network};
use capecrypto_stream::{Config, Event, Stream, Topic};
use std::{collections::BTreeSet, time::Duration};
use tokio::time::sleep;

const SEEDS: u64 = 40;
const TROUBLE: Duration = Duration::from_secs(240);
const CALM: Duration = Duration::from_secs(200);

async fn run(seed: u64, chaos: Chaos) -> u64 {
    let network = Network::new(seed).with_latency(Duration::from_millis(5), Duration::from_millis(40));
    let exchange = network.exchange();
    let topic = |number: u32| -> Topic {
        let market = format!("m{number}zar").parse().unwrap();
        if number.is_multiple_of(2) { Topic::MarketTrades(market) } else { Topic::Book(market) }
    };
    (0..30).for_each(|number| exchange.open(&format!("m{number}zar")));
    let stream = Stream::builder(Watched::new(&network)).orders().tickers();
    let stream = stream.config(Config::default().seed(seed)).connect().await.unwrap();
    let mut wanted = BTreeSet::from(["order".to_owned(), "global.tickers".to_owned()]);
    // What the consumer was told: it must agree in the end.
    let mut told = BTreeSet::new();
    let changes = async {
        let mut random = fastrand::Rng::with_seed(seed);
        while network.elapsed() < TROUBLE {
            sleep(Duration::from_millis(random.u64(0..8_000))).await;
            let topics: Vec<Topic> = (0..random.u32(1..6)).map(|_| topic(random.u32(..30))).collect();
            if random.u8(..3) == 0 {
                stream.unsubscribe(topics.clone()).await.unwrap();
                wanted.retain(|name| !topics.iter().any(|topic| topic.name() == *name));
            } else {
                stream.subscribe(topics.clone()).await.unwrap();
                wanted.extend(topics.iter().map(Topic::name));
            }
        }
        sleep(CALM).await;
    };
    let read = async {
        while let Some(event) = stream.next().await {
            match event {
                Event::Subscribed { topics, .. } => told.extend(topics.iter().map(Topic::name)),
                Event::Unsubscribed { topics, .. } | Event::NotSubscribed { topics, .. } => {
                    told.retain(|name| !topics.iter().any(|topic| topic.name() == *name));
                }
                Event::Disconnected { .. } => told.clear(),
                _ => {}
            }
        }
    };
    let trouble = chaos.run(network.clone(), TROUBLE);
    tokio::select! {
        biased;
        () = read => panic!("the stream ended"),
        _ = async { tokio::join!(changes, trouble) } => {}
    }
    let has: BTreeSet<String> = exchange.topics().into_iter().collect();
    assert_eq!(has, wanted, "left: what the exchange has; right: what is wanted");
    assert_eq!(told, wanted, "left: what the consumer was told; right: what is wanted");
    network.connections()
}

#[test]
fn in_the_end_the_exchange_has_what_is_wanted() {
    let connections: u64 = seeds(SEEDS).map(|seed| with_seed(seed, |seed| run(seed, Chaos::default()))).sum();
    println!("{connections} connections");
}

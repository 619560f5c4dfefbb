//! Compares what a consumer got with what happened to the account.

use crate::{Exchange, Happened};
use capecrypto_stream::{Event, Topic};
use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    time::Duration,
};

/// An event of the account that no consumer got.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Missed {
    /// The event.
    pub happened: Happened,
    /// Whether it lies in an [`Event::Gap`] of its topic that the consumer was told.
    pub told: bool,
}

/// Reads along with a consumer of orders, trades and balances, and says afterwards what the consumer missed.
///
/// Events are told apart by their content: give each order and trade its own id.
///
/// ```
/// # use capecrypto_simnet::{Network, Witness};
/// # use capecrypto_stream::Stream;
/// # use std::time::Duration;
/// # async fn example(stream: Stream, network: Network) {
/// let mut witness = Witness::new(&network.exchange());
/// while let Ok(Some(event)) = tokio::time::timeout(Duration::from_secs(60), stream.next()).await {
///     witness.read(&event);
///     // … and your bot reads it too
/// }
/// assert!(witness.missed(Duration::from_secs(5)).iter().all(|missed| missed.told));
/// # }
/// ```
pub struct Witness {
    exchange: Exchange,
    /// How many events of the exchange are known.
    known: usize,
    /// Events that have not arrived, by topic.
    open: BTreeMap<Topic, VecDeque<Happened>>,
    /// When each topic was confirmed first. What happened before was never promised.
    since: BTreeMap<Topic, Duration>,
    gaps: Vec<(Topic, i64, i64)>,
    arrived: u64,
    lagged: u64,
}

impl Witness {
    /// A witness of a consumer that has read nothing yet.
    pub fn new(exchange: &Exchange) -> Self {
        Self {
            exchange: exchange.clone(),
            known: 0,
            open: BTreeMap::new(),
            since: BTreeMap::new(),
            gaps: Vec::new(),
            arrived: 0,
            lagged: 0,
        }
    }

    /// Takes note of an event that the consumer read.
    pub fn read(&mut self, event: &Event) {
        let topic = match event {
            Event::Order(_) => Topic::Orders,
            Event::Trade(_) => Topic::Trades,
            Event::Balance(_) => Topic::Balances,
            Event::Gap { topics, from, to, .. } => {
                let (from, to) = (from.as_unix_millis(), to.as_unix_millis());
                return self.gaps.extend(topics.iter().map(|topic| (topic.clone(), from, to)));
            }
            Event::Subscribed { topics, .. } => {
                let now = self.exchange.elapsed();
                return topics.iter().filter(|topic| topic.is_private()).for_each(|topic| {
                    self.since.entry(topic.clone()).or_insert(now);
                });
            }
            Event::Lagged { account, .. } => return self.lagged += account,
            _ => return,
        };
        self.learn();
        let open = self.open.entry(topic).or_default();
        // An event that comes twice is found once.
        if let Some(place) = open.iter().position(|happened| happened.event == *event) {
            open.remove(place);
            self.arrived += 1;
        }
    }

    fn learn(&mut self) {
        let news = self.exchange.account_events_from(self.known);
        self.known += news.len();
        for happened in news {
            self.open.entry(happened.topic.clone()).or_default().push_back(happened);
        }
    }

    /// How many events have arrived.
    pub fn arrived(&self) -> u64 {
        self.arrived
    }

    /// How many events of the account the consumer's own queue has dropped, as [`Event::Lagged`] told.
    pub fn lagged(&self) -> u64 {
        self.lagged
    }

    /// What happened on confirmed topics and did not arrive. What happened within the last `settle` may still be on its way, and
    /// is left out.
    pub fn missed(&mut self, settle: Duration) -> Vec<Missed> {
        self.learn();
        let until = self.exchange.elapsed().saturating_sub(settle);
        let promised = |happened: &&Happened| {
            let since = self.since.get(&happened.topic);
            since.is_some_and(|since| *since <= happened.at) && happened.at <= until
        };
        let missed = |happened: &Happened| {
            let at = i64::try_from(happened.unix_millis).unwrap_or(i64::MAX);
            let told = self
                .gaps
                .iter()
                .any(|(topic, from, to)| *topic == happened.topic && (*from..=*to).contains(&at));
            Missed { happened: happened.clone(), told }
        };
        self.open.values().flatten().filter(promised).map(missed).collect()
    }
}

impl fmt::Debug for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Witness")
            .field("arrived", &self.arrived)
            .field("gaps", &self.gaps)
            .finish_non_exhaustive()
    }
}

//! A tap that reads over REST what a stream of the account has missed.

use crate::{Context, Event, Tap, Topic};
use capecrypto_models::Timestamp;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
    time::Duration,
};

/// The first and the longest wait after a failed read.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// What has to be read elsewhere, because the stream may not have brought it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Missed {
    /// Topics of the account.
    pub topics: Vec<Topic>,
    /// From when on events may be missing; some of what is read may be known already. `None`: the whole state, because nothing
    /// is known of it yet, or because the consumer was too slow.
    pub from: Option<Timestamp>,
}

/// A tap that reads the account's state whenever the stream may have missed something of it: when a topic is confirmed for the
/// first time, after each [`Event::Gap`], and after an [`Event::Lagged`] with events of the account.
///
/// `read` usually asks over REST, and gives what it found as events, which the consumer then reads. A failed read is repeated
/// after a wait, until it works or the connection is lost. [`Event::Reconciling`] and [`Event::Reconciled`] stand around it.
/// Events of the stream are handed on meanwhile, so a consumer may see one of them before, and again among the events that were
/// read: orders by their last state, trades by their id. What `read` does not give does not come: an order that has ended
/// is in no list of open orders, so the consumer has to look it up, as the example `follow_my_orders` of the crate `capecrypto` does.
///
/// ```
/// # use capecrypto_stream::{Builder, Event, Missed, Reconciler};
/// # fn example(builder: Builder, open_orders: impl Fn() -> Vec<capecrypto_models::Order> + Clone + Send + Sync + 'static) {
/// builder.orders().tap(Reconciler::new(move |missed: Missed| {
///     let open_orders = open_orders.clone();
///     async move {
///         println!("reading {:?} since {:?}", missed.topics, missed.from);
///         let orders = open_orders(); // over REST
///         Ok::<_, std::io::Error>(orders.into_iter().map(|order| Event::Order(Box::new(order))).collect())
///     }
/// }));
/// # }
/// ```
pub struct Reconciler<F> {
    read: Arc<F>,
    unread: BTreeMap<Topic, Unread>,
    /// Topics whose state was read at least once.
    known: BTreeSet<Topic>,
    /// Topics that are confirmed on this connection. Others are read once they are.
    confirmed: BTreeSet<Topic>,
    reads: u64,
}

/// What was not read yet of a topic.
#[derive(Debug, Clone, Copy)]
struct Unread {
    /// From when on; `None`: everything.
    from: Option<Timestamp>,
    /// The number of the last read that was begun for it.
    read: u64,
}

impl<F, R, E> Reconciler<F>
where
    F: Fn(Missed) -> R + Send + Sync + 'static,
    R: Future<Output = Result<Vec<Event>, E>> + Send + 'static,
    E: Send + 'static,
{
    /// A tap that reads with this function.
    pub fn new(read: F) -> Self {
        Self {
            read: Arc::new(read),
            unread: BTreeMap::new(),
            known: BTreeSet::new(),
            confirmed: BTreeSet::new(),
            reads: 0,
        }
    }

    /// Notes that a topic has to be read from this time on.
    fn missed(&mut self, topic: &Topic, from: Option<Timestamp>) {
        let from = match self.unread.get(topic) {
            Some(Unread { from: earlier, .. }) => earlier.zip(from).map(|(earlier, from)| earlier.min(from)),
            None => from,
        };
        self.unread.insert(topic.clone(), Unread { from, read: 0 });
    }

    /// Reads what is unread of these topics, as far as they are confirmed, in one read for each time.
    fn read(&mut self, topics: &[Topic], context: &mut Context<'_, Answer>) {
        self.reads += 1;
        let number = self.reads;
        let mut by_time: Vec<(Option<Timestamp>, Vec<Topic>)> = Vec::new();
        for topic in topics.iter().filter(|topic| self.confirmed.contains(*topic)) {
            if let Some(unread) = self.unread.get_mut(topic) {
                unread.read = number;
                match by_time.iter_mut().find(|(from, _)| *from == unread.from) {
                    Some((_, topics)) => topics.push(topic.clone()),
                    None => by_time.push((unread.from, vec![topic.clone()])),
                }
            }
        }
        for (from, topics) in by_time {
            let (read, missed) = (self.read.clone(), Missed { topics: topics.clone(), from });
            context.reconcile(topics, async move {
                let mut wait = FIRST_WAIT;
                loop {
                    match read(missed.clone()).await {
                        Ok(events) => return Answer { number, topics: missed.topics, events },
                        // The error is the caller's; it may hold anything, so it is not printed.
                        Err(_) => tracing::debug!(wait = ?wait, "reading what was missed failed"),
                    }
                    tokio::time::sleep(wait).await;
                    wait = wait.saturating_mul(2).min(LONGEST_WAIT);
                }
            });
        }
    }
}

/// What a read has brought.
pub struct Answer {
    /// The number of the read.
    number: u64,
    topics: Vec<Topic>,
    events: Vec<Event>,
}

impl<F, R, E> Tap for Reconciler<F>
where
    F: Fn(Missed) -> R + Send + Sync + 'static,
    R: Future<Output = Result<Vec<Event>, E>> + Send + 'static,
    E: Send + 'static,
{
    type Answer = Answer;

    fn event(&mut self, event: Event, context: &mut Context<'_, Answer>) {
        let topics: Vec<Topic> = match &event {
            Event::Subscribed { topics } => {
                self.confirmed.extend(topics.iter().filter(|topic| topic.is_private()).cloned());
                let new = topics.iter().filter(|topic| topic.is_private() && !self.known.contains(*topic));
                let new: Vec<Topic> = new.cloned().collect();
                new.iter().for_each(|topic| self.missed(topic, None));
                new
            }
            Event::Gap { topics, from, .. } => {
                topics.iter().for_each(|topic| self.missed(topic, Some(*from)));
                topics.clone()
            }
            Event::Unsubscribed { topics } => {
                for topic in topics {
                    self.unread.remove(topic);
                    self.known.remove(topic);
                    self.confirmed.remove(topic);
                }
                Vec::new()
            }
            Event::NotSubscribed { topics } => {
                self.confirmed.retain(|topic| !topics.contains(topic));
                Vec::new()
            }
            Event::Disconnected { .. } => {
                self.confirmed.clear();
                Vec::new()
            }
            _ => Vec::new(),
        };
        context.emit(event);
        self.read(&topics, context);
    }

    fn lagged(&mut self, _: u64, context: &mut Context<'_, Answer>) {
        // A read that is under way may have asked before the loss.
        let all: BTreeSet<Topic> = self.known.iter().chain(self.unread.keys()).cloned().collect();
        let all: Vec<Topic> = all.into_iter().collect();
        all.iter().for_each(|topic| self.missed(topic, None));
        self.read(&all, context);
    }

    fn answered(&mut self, answer: Answer, context: &mut Context<'_, Answer>) {
        for topic in answer.topics {
            // Something newer may have been missed since that read began.
            if self.unread.get(&topic).is_some_and(|unread| unread.read == answer.number) {
                self.unread.remove(&topic);
                self.known.insert(topic);
            }
        }
        answer.events.into_iter().for_each(|event| context.emit(event));
    }
}

impl<F> fmt::Debug for Reconciler<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reconciler").field("unread", &self.unread).finish_non_exhaustive()
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("topics", &self.topics).finish_non_exhaustive()
    }
}

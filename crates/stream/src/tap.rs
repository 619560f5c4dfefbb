//! Where state is kept that must not lag behind the socket: taps see each event before the consumer does.

use crate::{Event, Topic, queue::Queue, session::Now};
use futures_util::future::BoxFuture;
use std::{
    collections::{BTreeSet, VecDeque},
    fmt,
    task::Poll,
    time::Duration,
};

/// Sees every event in the socket's own task, before it is queued for the consumer. It is for state that must not lag behind
/// when the consumer is slow, such as order books or the orders of an account. It must not block.
///
/// A stream can have several taps: each gets what the one before it emits, and the consumer gets what the last one emits.
///
/// ```
/// use capecrypto_stream::{Context, Event, Tap};
///
/// /// Counts the account's fills, and hands every event on.
/// struct Fills(u64);
///
/// impl Tap for Fills {
///     type Answer = (); // it asks for nothing
///
///     fn event(&mut self, event: Event, context: &mut Context<'_, ()>) {
///         self.0 += u64::from(matches!(event, Event::Trade(_)));
///         context.emit(event);
///     }
/// }
/// ```
pub trait Tap: Send + 'static {
    /// What [`Context::reconcile`] brings; `()` for a tap that never uses it.
    type Answer: Send + 'static;

    /// Handles an event. Hand it on with [`Context::emit`]; without that, it goes no further.
    fn event(&mut self, event: Event, context: &mut Context<'_, Self::Answer>);

    /// Handles the answer to a [`Context::reconcile`] of this tap. If it is a failure, ask again here.
    fn answered(&mut self, answer: Self::Answer, context: &mut Context<'_, Self::Answer>) {
        let _ = (answer, context);
    }

    /// Handles that the consumer has just read [`Event::Lagged`]: it misses this many events of the account.
    fn lagged(&mut self, account: u64, context: &mut Context<'_, Self::Answer>) {
        let _ = (account, context);
    }

    /// The time at which to call [`wake`](Self::wake), if nothing happens before; `None` if no call is needed.
    fn due(&self) -> Option<Duration> {
        None
    }

    /// Handles that time has passed: called at [`due`](Self::due), and perhaps earlier.
    fn wake(&mut self, context: &mut Context<'_, Self::Answer>) {
        let _ = context;
    }
}

/// What a tap can ask of the stream.
pub struct Context<'a, A> {
    now: Now,
    topic_index: Option<usize>,
    outbox: &'a mut Outbox,
    jobs: &'a mut Jobs<A>,
}

impl<A> Context<'_, A> {
    /// The time since the stream was opened.
    pub fn elapsed(&self) -> Duration {
        self.now.elapsed
    }

    /// The wall clock in Unix milliseconds.
    pub fn unix_millis(&self) -> u64 {
        self.now.unix_millis
    }

    /// A small number for the topic of an [`Event::Book`], always the same for one topic of this stream: for tables. `None` for
    /// other events, and sometimes for a book.
    pub fn topic_index(&self) -> Option<usize> {
        self.topic_index
    }

    /// Hands an event on: to the next tap, or to the consumer. Any number of events can be handed on, in this order.
    pub fn emit(&mut self, event: Event) {
        self.outbox.events.push_back(event);
    }

    /// Subscribes again to a topic that is still wanted. A book's snapshot comes again.
    pub fn subscribe_again(&mut self, topic: Topic) {
        self.outbox.again.push(topic);
    }

    /// Asks for the state of these topics elsewhere, usually over REST, while the stream goes on. The answer comes to
    /// [`Tap::answered`]. The future may wait and try again by itself.
    ///
    /// [`Event::Reconciling`] is emitted now, and [`Event::Reconciled`] after the answer was handled, unless it was asked for
    /// again by then. A newer request for a topic replaces an older one. When the connection is lost, or the topic's
    /// subscription, the request is dropped: it has to be made again when the topic is confirmed again.
    pub fn reconcile(
        &mut self,
        topics: impl IntoIterator<Item = Topic>,
        read: impl Future<Output = A> + Send + 'static,
    ) {
        let topics: BTreeSet<Topic> = topics.into_iter().collect();
        self.jobs.forget(|topic| topics.contains(topic));
        let told: Vec<Topic> = topics.difference(&self.jobs.open).cloned().collect();
        if !told.is_empty() {
            self.jobs.open.extend(told.iter().cloned());
            self.emit(Event::Reconciling { topics: told });
        }
        self.jobs.running.push(Job { topics, read: Box::pin(read) });
        self.outbox.has_new_job = true;
    }
}

impl<A> fmt::Debug for Context<'_, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("elapsed", &self.now.elapsed).finish_non_exhaustive()
    }
}

/// What taps have emitted and asked for in one call.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    events: VecDeque<Event>,
    again: Vec<Topic>,
    /// A reconciliation was asked for, and nobody has polled it yet.
    has_new_job: bool,
}

struct Job<A> {
    topics: BTreeSet<Topic>,
    read: BoxFuture<'static, A>,
}

/// The reconciliations of one tap.
struct Jobs<A> {
    running: Vec<Job<A>>,
    /// Topics that were told as reconciling, and not yet as reconciled.
    open: BTreeSet<Topic>,
}

impl<A> Jobs<A> {
    /// Takes these topics out of the running jobs. A job without topics is dropped.
    fn forget(&mut self, is_gone: impl Fn(&Topic) -> bool) {
        for job in &mut self.running {
            job.topics.retain(|topic| !is_gone(topic));
        }
        self.running.retain(|job| !job.topics.is_empty());
    }

    /// What is gone with the connection, or with a subscription, is asked for again after the next confirmation.
    fn follow(&mut self, event: &Event) {
        match event {
            Event::Disconnected { .. } | Event::Ended { .. } => {
                self.running.clear();
                self.open.clear();
            }
            Event::NotSubscribed { topics } | Event::Unsubscribed { topics } => {
                self.forget(|topic| topics.contains(topic));
                self.open.retain(|topic| !topics.contains(topic));
            }
            _ => {}
        }
    }
}

/// A tap with its reconciliations.
struct Slot<T: Tap> {
    tap: T,
    jobs: Jobs<T::Answer>,
}

fn slot<T: Tap>(tap: T) -> Box<dyn AnyTap> {
    Box::new(Slot { tap, jobs: Jobs { running: Vec::new(), open: BTreeSet::new() } })
}

/// A slot whose type of answer does not matter.
trait AnyTap: Send {
    fn event(&mut self, event: Event, now: Now, topic_index: Option<usize>, outbox: &mut Outbox);
    fn lagged(&mut self, account: u64, now: Now, outbox: &mut Outbox);
    fn due(&self) -> Option<Duration>;
    fn wake(&mut self, now: Now, outbox: &mut Outbox);
    fn waits_for_answers(&self) -> bool;
    /// Handles one answer that is there. Otherwise it arranges a wake-up for the next one.
    fn poll_answer(&mut self, cx: &mut std::task::Context<'_>, now: Now, outbox: &mut Outbox) -> bool;
}

impl<T: Tap> AnyTap for Slot<T> {
    fn event(&mut self, event: Event, now: Now, topic_index: Option<usize>, outbox: &mut Outbox) {
        if !self.jobs.open.is_empty() {
            self.jobs.follow(&event);
        }
        self.tap.event(event, &mut Context { now, topic_index, outbox, jobs: &mut self.jobs });
    }

    fn lagged(&mut self, account: u64, now: Now, outbox: &mut Outbox) {
        self.tap.lagged(account, &mut Context { now, topic_index: None, outbox, jobs: &mut self.jobs });
    }

    fn due(&self) -> Option<Duration> {
        self.tap.due()
    }

    fn wake(&mut self, now: Now, outbox: &mut Outbox) {
        self.tap.wake(&mut Context { now, topic_index: None, outbox, jobs: &mut self.jobs });
    }

    fn waits_for_answers(&self) -> bool {
        !self.jobs.running.is_empty()
    }

    fn poll_answer(&mut self, cx: &mut std::task::Context<'_>, now: Now, outbox: &mut Outbox) -> bool {
        let mut done = None;
        for (at, job) in self.jobs.running.iter_mut().enumerate() {
            if let Poll::Ready(answer) = job.read.as_mut().poll(cx) {
                done = Some((at, answer));
                break;
            }
        }
        let Some((at, answer)) = done else { return false };
        let job = self.jobs.running.remove(at);
        self.tap.answered(answer, &mut Context { now, topic_index: None, outbox, jobs: &mut self.jobs });
        let again = |topic: &Topic| self.jobs.running.iter().any(|job| job.topics.contains(topic));
        let topics: Vec<Topic> = job.topics.into_iter().filter(|topic| !again(topic)).collect();
        if !topics.is_empty() {
            self.jobs.open.retain(|topic| !topics.contains(topic));
            outbox.events.push_back(Event::Reconciled { topics });
        }
        true
    }
}

/// The taps of a stream, in order, and what they have asked for.
#[derive(Default)]
pub(crate) struct Taps {
    slots: Vec<Box<dyn AnyTap>>,
    outbox: Outbox,
}

impl Taps {
    pub(crate) fn push(&mut self, tap: impl Tap) {
        self.slots.push(slot(tap));
    }

    pub(crate) fn push_front(&mut self, tap: impl Tap) {
        self.slots.insert(0, slot(tap));
    }

    /// Drops all taps, so that they can mark their state as stale.
    pub(crate) fn clear(&mut self) {
        self.slots.clear();
    }

    /// Gives an event to the first tap, what it emits to the second, and so on; what the last one emits goes to the queue.
    pub(crate) fn deliver(&mut self, event: Event, topic_index: Option<usize>, now: Now, queue: &Queue) {
        self.deliver_from(0, event, topic_index, now, queue);
    }

    fn deliver_from(
        &mut self,
        first: usize,
        event: Event,
        topic_index: Option<usize>,
        now: Now,
        queue: &Queue,
    ) {
        match self.slots.get_mut(first) {
            Some(slot) => slot.event(event, now, topic_index, &mut self.outbox),
            None => return queue.push(event),
        }
        self.hand_on(first, topic_index, now, queue);
    }

    /// Gives what a tap has emitted to the next one.
    fn hand_on(&mut self, from: usize, topic_index: Option<usize>, now: Now, queue: &Queue) {
        if self.outbox.events.is_empty() {
            return;
        }
        let mut events = std::mem::take(&mut self.outbox.events);
        while let Some(event) = events.pop_front() {
            let topic_index = topic_index.filter(|_| matches!(event, Event::Book { .. }));
            self.deliver_from(from + 1, event, topic_index, now, queue);
        }
        // Kept to reuse its allocation.
        self.outbox.events = events;
    }

    /// Whether taps have asked for something that the task has to begin.
    pub(crate) fn want_something(&self) -> bool {
        self.outbox.has_new_job || !self.outbox.again.is_empty()
    }

    /// The topics that taps want to subscribe to again.
    pub(crate) fn take_again(&mut self) -> Vec<Topic> {
        std::mem::take(&mut self.outbox.again)
    }

    pub(crate) fn due(&self) -> Option<Duration> {
        self.slots.iter().filter_map(|slot| slot.due()).min()
    }

    pub(crate) fn wake(&mut self, now: Now, queue: &Queue) {
        for at in 0..self.slots.len() {
            if let Some(slot) = self.slots.get_mut(at) {
                slot.wake(now, &mut self.outbox);
            }
            self.hand_on(at, None, now, queue);
        }
    }

    pub(crate) fn lagged(&mut self, account: u64, now: Now, queue: &Queue) {
        for at in 0..self.slots.len() {
            if let Some(slot) = self.slots.get_mut(at) {
                slot.lagged(account, now, &mut self.outbox);
            }
            self.hand_on(at, None, now, queue);
        }
    }

    /// Handles answers that are there; whether there was one.
    pub(crate) fn poll_answers(
        &mut self,
        cx: &mut std::task::Context<'_>,
        now: impl Fn() -> Now,
        queue: &Queue,
    ) -> bool {
        let mut any = false;
        self.outbox.has_new_job = false;
        for at in 0..self.slots.len() {
            let Some(slot) = self.slots.get_mut(at).filter(|slot| slot.waits_for_answers()) else { continue };
            let now = now();
            if slot.poll_answer(cx, now, &mut self.outbox) {
                any = true;
                self.hand_on(at, None, now, queue);
            }
        }
        any
    }
}

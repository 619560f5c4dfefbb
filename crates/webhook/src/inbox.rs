//! Whether an event came before, and what became of it. No clock, no I/O: the time is a parameter, and a store does the rest.

mod memory;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "redis"))]
mod numbers;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod record;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "sqlite")]
mod sqlite;
mod store;

pub use memory::MemoryStore;
#[cfg(feature = "postgres")]
pub use postgres::{PostgresError, PostgresStore, PostgresTransaction};
#[cfg(feature = "redis")]
pub use redis::{RedisError, RedisStore};
#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteError, SqliteStore, SqliteTransaction};
pub use store::{
    Claim, Claimed, Dead, Entry, Failure, Finish, Known, Next, Put, Queue, Queued, Store, Ticket,
};

use crate::{Event, EventKey, Verified};
use capecrypto_models::{Timestamp, WebhookEvent};
use std::{fmt, time::Duration};

/// Shortest time for which keys are kept: the exchange repeats an event for four hours, and a person may send it again the next
/// day.
const SHORTEST_KEEP: Duration = Duration::from_secs(48 * 3600);

const SHORTEST_LEASE: Duration = Duration::from_secs(1);
const LONGEST_LEASE: Duration = Duration::from_secs(24 * 3600);

/// Keys are kept a little longer than events are taken, because the clocks of two receivers differ.
const MARGIN: Duration = Duration::from_secs(3600);

/// Gives each event to a handler once.
///
/// A delivery is taken with [`take`](Self::take). If its event is [to be handled](Taken::Run), nobody else gets it until the
/// [`Work`] has ended or its lease is over. An event whose handler has finished is never given again. One whose handler has
/// failed, was dropped, or died with its process is given again: at once after [`Work::fail`], otherwise after the lease.
///
/// How often an *effect* can happen depends on the store. With a transaction that the handler shares, it happens once. Without
/// one ([`MemoryStore`]), it can happen again if the process dies between the effect and [`Work::finish`], or if the handler
/// takes longer than its lease.
///
/// ```
/// # async fn receive(verified: capecrypto_webhook::Verified, now: capecrypto_models::Timestamp) -> Result<u16, Box<dyn std::error::Error>> {
/// use capecrypto_webhook::{Ended, Inbox, MemoryStore, Taken};
///
/// let inbox = Inbox::new(MemoryStore::new()); // one for the whole program
/// let taken = inbox.take(&verified, now).await?; // if the store is down: answer 503
/// let Taken::Run(work) = taken else { return Ok(taken.status()) };
/// let ended = match ship(&verified.event) {
///     Ok(()) => work.finish(now).await?,
///     Err(why) => {
///         work.fail(&why.to_string(), now).await?;
///         return Ok(503);
///     }
/// };
/// Ok(if ended == Ended::Kept { 200 } else { 503 })
/// # }
/// # fn ship(_: &capecrypto_webhook::WebhookEvent) -> Result<(), std::fmt::Error> { Ok(()) }
/// ```
#[derive(Debug)]
pub struct Inbox<S> {
    store: S,
    lease: Duration,
    keep: Duration,
    attempts: u32,
    backoff: Backoff,
}

/// How long a worker waits before the next attempt.
#[derive(Debug, Clone, Copy)]
struct Backoff {
    first: Duration,
    longest: Duration,
}

impl Backoff {
    fn after(self, attempt: u32) -> Duration {
        let doubled = 2_u32.saturating_pow(attempt.saturating_sub(1));
        self.first.saturating_mul(doubled).min(self.longest)
    }
}

/// What became of a delivery.
#[derive(Debug)]
#[must_use = "an event that is to be handled is kept from all others until its lease is over"]
pub enum Taken<'a, S: Store + 'a> {
    /// Handle it now.
    Run(Work<'a, S>),
    /// Its handler has finished. Answer 200.
    Finished,
    /// Another delivery of it is being handled; its lease is over at this time. Answer 503, so that it comes again if that one
    /// fails.
    Running(Timestamp),
    /// Its handler has failed too often. It waits for [`Inbox::retry`]. Answer 503.
    Dead,
    /// It is older than keys are kept, and the store does not know it. Nobody can tell whether it was handled, so it is not:
    /// either it was sent again by somebody who has seen it, or it was lost for days. Look its payment reference up, and answer
    /// 200.
    Stale(Timestamp),
}

impl<'a, S: Store + 'a> Taken<'a, S> {
    /// The status to answer. It is 503 for [`Run`](Self::Run), as long as the handler has not finished.
    pub fn status(&self) -> u16 {
        match self {
            Self::Finished | Self::Stale(_) => 200,
            Self::Run(_) | Self::Running(_) | Self::Dead => 503,
        }
    }
}

/// What became of a delivery that is handled later. In each case it can be answered with 200: the event is safe, or nobody can
/// tell whether it was handled before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "tell your program of an event that is stale"]
pub enum Kept {
    /// The store keeps it for a worker.
    New,
    /// The store knows it already.
    Known,
    /// See [`Taken::Stale`].
    Stale(Timestamp),
}

/// An event that is to be handled. End it with [`finish`](Self::finish) or [`fail`](Self::fail). If it is dropped, the event
/// is given again when the lease is over.
#[must_use = "end it with `finish` or `fail`"]
pub struct Work<'a, S: Store + 'a> {
    store: &'a S,
    attempts: u32,
    backoff: Backoff,
    ticket: Ticket,
    /// The payment reference that the event closes.
    closes: Option<Box<str>>,
    known: Vec<Known>,
    transaction: S::Transaction<'a>,
}

/// Whether the end of a handler was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It was kept.
    Kept,
    /// The lease was over, and the event had been given to another handler. A store with transactions has undone what this one
    /// wrote.
    Lost,
}

impl<S: Store> Inbox<S> {
    /// An inbox with a lease of 5 minutes, keys that are kept for 72 hours, 20 attempts, and a backoff of 10 seconds to an hour.
    pub fn new(store: S) -> Self {
        Self {
            store,
            lease: Duration::from_secs(300),
            keep: Duration::from_secs(72 * 3600),
            attempts: 20,
            backoff: Backoff { first: Duration::from_secs(10), longest: Duration::from_secs(3600) },
        }
    }

    /// How long a handler has an event for itself: from a second to a day. It must be longer than a handler can take, otherwise
    /// two run at once.
    #[must_use]
    pub fn lease(self, lease: Duration) -> Self {
        Self { lease: lease.clamp(SHORTEST_LEASE, LONGEST_LEASE), ..self }
    }

    /// How long keys are kept, from the time that an event names. Less than 48 hours becomes 48 hours.
    #[must_use]
    pub fn keep(self, keep: Duration) -> Self {
        Self { keep: keep.max(SHORTEST_KEEP), ..self }
    }

    /// After how many attempts an event is [dead](Taken::Dead), at least 1.
    #[must_use]
    pub fn attempts(self, attempts: u32) -> Self {
        Self { attempts: attempts.max(1), ..self }
    }

    /// How long a [worker](Self::next) waits after the first failure of an event. The time doubles with each further attempt, up
    /// to the longest. It does not hold back a [delivery](Self::take) of the event.
    #[must_use]
    pub fn backoff(self, first: Duration, longest: Duration) -> Self {
        Self { backoff: Backoff { first, longest: longest.max(first) }, ..self }
    }

    /// The store.
    pub fn store(&self) -> &S {
        &self.store
    }

    /// How long a handler may take: what is left of the lease is for recording its end.
    #[cfg(feature = "receiver")]
    pub(crate) fn longest_handling(&self) -> Duration {
        self.lease - self.lease / 4
    }

    /// Takes a delivery.
    ///
    /// # Errors
    /// The store's. Answer 503: then the event comes again. If the store has already noted the claim, that is after the lease.
    pub async fn take<E: Event>(
        &self,
        delivery: &Verified<E>,
        now: Timestamp,
    ) -> Result<Taken<'_, S>, S::Error> {
        let Verified { event, key, time, .. } = delivery;
        self.claim(event, key, *time, now, self.stale(*time, now)).await
    }

    /// This time, if it is longer ago than keys are kept, so that the store may have forgotten what happened then. If the store
    /// still knows the event, it is no more than late.
    fn stale(&self, time: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
        let oldest = now.checked_sub(self.keep)?;
        time.filter(|time| *time < oldest)
    }

    /// Takes an event that you know of without a delivery, for example from a list of the exchange. It may have any age.
    ///
    /// # Errors
    /// The store's.
    pub async fn recover(
        &self,
        event: &WebhookEvent,
        key: &EventKey,
        now: Timestamp,
    ) -> Result<Taken<'_, S>, S::Error> {
        self.claim(event, key, event.created_at(), now, None).await
    }

    /// Like [`recover`](Self::recover), for an event that happened at this time or later. If its key may have been forgotten since
    /// then, it is taken only if the store still knows it; otherwise it is [`Taken::Stale`], because it may have been handled.
    ///
    /// # Errors
    /// The store's.
    pub async fn recover_since(
        &self,
        event: &WebhookEvent,
        key: &EventKey,
        happened: Timestamp,
        now: Timestamp,
    ) -> Result<Taken<'_, S>, S::Error> {
        self.claim(event, key, event.created_at(), now, self.stale(Some(happened), now)).await
    }

    async fn claim<E: Event>(
        &self,
        event: &E,
        key: &EventKey,
        time: Option<Timestamp>,
        now: Timestamp,
        stale: Option<Timestamp>,
    ) -> Result<Taken<'_, S>, S::Error> {
        let claim = Claim {
            key,
            reference: event.reference(),
            opens: event.opens(),
            time,
            now,
            until: now.checked_add(self.lease).unwrap_or(now),
            attempts: self.attempts,
            only_known: stale.is_some(),
        };
        Ok(match self.store.claim(&claim).await? {
            Claimed::Yes { attempt, known } => {
                Taken::Run(self.work(event, Ticket { key: key.clone(), attempt }, known).await?)
            }
            Claimed::Running(until) => Taken::Running(until),
            Claimed::Finished => Taken::Finished,
            Claimed::Dead => Taken::Dead,
            Claimed::Unknown => Taken::Stale(stale.unwrap_or(now)),
        })
    }

    async fn work<E: Event>(
        &self,
        event: &E,
        ticket: Ticket,
        known: Vec<Known>,
    ) -> Result<Work<'_, S>, S::Error> {
        Ok(Work {
            store: &self.store,
            attempts: self.attempts,
            backoff: self.backoff,
            closes: event.reference().filter(|_| event.closes()).map(Into::into),
            ticket,
            known,
            transaction: self.store.begin().await?,
        })
    }

    /// Tells that events of this payment reference will come, for example right after it was made. A
    /// [look](Self::awaited) at what is missing then finds it, also if none of its webhooks ever comes.
    ///
    /// # Errors
    /// The store's.
    pub async fn expect(&self, reference: &str) -> Result<(), S::Error> {
        self.store.open(reference).await
    }

    /// Tells that nobody waits for this payment reference any more, for example because the customer gave up. It is closed by
    /// itself when `completed` or `failed` was handled. But if another event of it has come by then, is not handled, and lies in
    /// no queue, it stays open, so that a reconciliation gives that one again and closes it. Answers whether it was awaited.
    ///
    /// # Errors
    /// The store's.
    pub async fn close(&self, reference: &str) -> Result<bool, S::Error> {
        self.store.close(reference).await
    }

    /// At most this many payment references of which an event was not handled yet, in the order of their bytes, behind `after`.
    ///
    /// # Errors
    /// The store's.
    pub async fn awaited(&self, after: Option<&str>, most: usize) -> Result<Vec<Box<str>>, S::Error> {
        self.store.awaited(after, most).await
    }

    /// Events whose handlers have failed too often, the oldest failure first.
    ///
    /// # Errors
    /// The store's.
    pub async fn dead(&self, most: usize) -> Result<Vec<Dead>, S::Error> {
        self.store.dead(most).await
    }

    /// Lets a dead event be handled again, when it is taken the next time. Answers whether it was dead.
    ///
    /// # Errors
    /// The store's.
    pub async fn retry(&self, key: &EventKey) -> Result<bool, S::Error> {
        self.store.retry(key).await
    }

    /// Drops the keys of finished events that are too old to be taken again, and answers how many. Call it once in a while,
    /// such as every hour. An event without a time is never dropped, because its age cannot be told, and none of an
    /// [awaited](Self::awaited) payment reference.
    ///
    /// # Errors
    /// The store's.
    pub async fn forget(&self, now: Timestamp) -> Result<u64, S::Error> {
        match now.checked_sub(self.keep.saturating_add(MARGIN)) {
            Some(before) => self.store.forget(before).await,
            None => Ok(0),
        }
    }
}

impl<S: Queue> Inbox<S> {
    /// Keeps a delivery, to be handled later by whoever asks for the [next](Self::next) one. Answer 200.
    ///
    /// # Errors
    /// The store's. Answer 503: then the event comes again.
    pub async fn put<E: Event>(&self, delivery: &Verified<E>, now: Timestamp) -> Result<Kept, S::Error> {
        let Verified { event, key, time, body, .. } = delivery;
        let stale = self.stale(*time, now);
        let entry = Entry {
            key,
            reference: event.reference(),
            opens: event.opens(),
            time: *time,
            json: body,
            now,
            only_known: stale.is_some(),
        };
        Ok(match self.store.put(&entry).await? {
            Put::New => Kept::New,
            Put::Known => Kept::Known,
            Put::Unknown => Kept::Stale(stale.unwrap_or(now)),
        })
    }

    /// Gives the event of the exchange that is due for the longest time, or `None` if none is due.
    ///
    /// # Errors
    /// The store's. If the store has already noted the claim, the event is given again after the lease.
    pub async fn next(&self, now: Timestamp) -> Result<Option<(WebhookEvent, Work<'_, S>)>, S::Error> {
        self.next_as(now).await
    }

    /// Like [`next`](Self::next), for the events of any sender. One that cannot be read counts as a failed attempt.
    ///
    /// # Errors
    /// The store's. If the store has already noted the claim, the event is given again after the lease.
    pub async fn next_as<E: Event>(&self, now: Timestamp) -> Result<Option<(E, Work<'_, S>)>, S::Error> {
        let until = now.checked_add(self.lease).unwrap_or(now);
        let next = Next { now, until, attempts: self.attempts };
        while let Some(Queued { ticket, json, known }) = self.store.next(&next).await? {
            match E::from_kept(&json) {
                Ok(event) => {
                    let work = self.work(&event, ticket, known).await?;
                    return Ok(Some((event, work)));
                }
                // It was readable when it was put, so an earlier version of this program is running now.
                Err(reason) => {
                    let again = now.checked_add(self.backoff.longest).unwrap_or(now);
                    let failure =
                        Failure { ticket: &ticket, reason: &reason, now, attempts: self.attempts, again };
                    self.store.fail(&failure).await?;
                }
            }
        }
        Ok(None)
    }
}

impl<'a, S: Store + 'a> Work<'a, S> {
    /// What the handler writes its effect with. It is kept together with [`finish`](Self::finish), or not at all. `()` for a
    /// store without transactions.
    pub fn transaction(&mut self) -> &mut S::Transaction<'a> {
        &mut self.transaction
    }

    /// The event.
    pub fn key(&self) -> &EventKey {
        &self.ticket.key
    }

    /// Which attempt this is, from 1.
    pub fn attempt(&self) -> u32 {
        self.ticket.attempt
    }

    /// Whether the event is dead if this attempt fails. It is not certain if the number of [attempts](Inbox::attempts) was
    /// changed after the event came.
    pub fn is_last(&self) -> bool {
        // An event is dead after each `attempts` of its attempts, because a retry starts to count again.
        self.ticket.attempt.is_multiple_of(self.attempts)
    }

    /// The other events of the same payment reference that came before, in no order. Events can come in another order than
    /// things happened: if `completed` is here while you handle `deposit_matched`, the payment is complete.
    pub fn known(&self) -> &[Known] {
        &self.known
    }

    /// Records that the handler has finished, together with what it wrote in the transaction. The event is never given again.
    ///
    /// # Errors
    /// The store's. Then it is unknown whether the end was recorded: answer 503.
    pub async fn finish(self, now: Timestamp) -> Result<Ended, S::Error> {
        let end = Finish { ticket: &self.ticket, now, closes: self.closes.as_deref() };
        let kept = self.store.finish(self.transaction, &end).await?;
        Ok(if kept { Ended::Kept } else { Ended::Lost })
    }

    /// Records that the handler has failed, and undoes what it wrote in the transaction. A delivery of the event is handled again
    /// at once, a worker waits for the [backoff](Inbox::backoff), until it has failed too often. The reason is for people: do not put secrets into it.
    ///
    /// # Errors
    /// The store's. Then the event is given again when the lease is over.
    pub async fn fail(self, reason: &str, now: Timestamp) -> Result<Ended, S::Error> {
        // Before the failure is kept, because a store may lock what the transaction has written.
        drop(self.transaction);
        let again = now.checked_add(self.backoff.after(self.ticket.attempt)).unwrap_or(now);
        let failure = Failure { ticket: &self.ticket, reason, now, attempts: self.attempts, again };
        let kept = self.store.fail(&failure).await?;
        Ok(if kept { Ended::Kept } else { Ended::Lost })
    }
}

impl<'a, S: Store + 'a> fmt::Debug for Work<'a, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Work")
            .field("ticket", &self.ticket)
            .field("known", &self.known)
            .finish_non_exhaustive()
    }
}

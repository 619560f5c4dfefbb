//! What a store must do.

use crate::EventKey;
use capecrypto_models::Timestamp;
use std::{error::Error, fmt};

/// Records which events were handled.
///
/// Each event is in one of four states:
///
/// | State | Left by |
/// | --- | --- |
/// | claimed: a handler has it, until its lease is over | `finish`; `fail`; a `claim` after the lease, which is the next attempt |
/// | waiting: it was put for a worker, or its handler has failed | `claim`; `next` |
/// | finished | never; `forget` may drop it |
/// | dead: it has failed too often | `retry` |
///
/// Every method must be atomic: of several claims at one time, one gets the event. A change must be kept for good when its
/// method returns, as far as the store keeps anything. Times are kept to the millisecond at least.
///
/// A store borrows nothing: otherwise the compiler cannot see that what works with it may be spawned.
pub trait Store: Send + Sync + 'static {
    /// What can go wrong. It must not quote a secret.
    type Error: Error + Send + Sync + 'static;

    /// What a handler writes its effect with. Dropping it undoes what was written. `()` for a store without transactions.
    type Transaction<'a>: Send
    where
        Self: 'a;

    /// Gives the event to the caller, if nobody has it and it is neither finished nor dead.
    ///
    /// A claim whose lease is over counts as a failed attempt: if it was the last one, the event is dead now. If the event is
    /// known, and the claim has a later [time](Claim::time) than the store, the store takes over the time.
    fn claim(&self, claim: &Claim<'_>) -> impl Future<Output = Result<Claimed, Self::Error>> + Send;

    /// Begins what the handler writes with.
    fn begin(&self) -> impl Future<Output = Result<Self::Transaction<'_>, Self::Error>> + Send;

    /// Commits the transaction, records that the event is finished, and [closes](Self::close) its payment reference if the event
    /// is the [last one](Finish::closes): all in one step. Drops the body that a [`Queue`] has kept. Answers whether it did.
    ///
    /// It leaves the payment reference open if another event of it is not finished and has no body here: nobody may send that
    /// one again, so it must be looked for.
    ///
    /// A store with transactions does it only if the ticket is the event's newest and the event is claimed; otherwise it undoes
    /// the transaction. One without does it whatever the ticket is: the effect is there, so the event must not be given again.
    fn finish<'a>(
        &'a self,
        transaction: Self::Transaction<'a>,
        end: &Finish<'_>,
    ) -> impl Future<Output = Result<bool, Self::Error>> + Send;

    /// Makes the event wait again, or dead after its last attempt. Does nothing and answers `false` if the ticket is not the
    /// event's newest, or the event is not claimed.
    fn fail(&self, failure: &Failure<'_>) -> impl Future<Output = Result<bool, Self::Error>> + Send;

    /// At most this many dead events, the oldest failure first.
    fn dead(&self, most: usize) -> impl Future<Output = Result<Vec<Dead>, Self::Error>> + Send;

    /// Makes a dead event wait, due at once, with no attempts counted. Answers whether it was dead.
    fn retry(&self, key: &EventKey) -> impl Future<Output = Result<bool, Self::Error>> + Send;

    /// Drops finished events with a time before this one, and answers how many. Those without a time stay, and those of an open
    /// payment reference: its last event may be among them, and must not be given again. A closed one is dropped with its last
    /// event.
    fn forget(&self, before: Timestamp) -> impl Future<Output = Result<u64, Self::Error>> + Send;

    /// Opens a payment reference: its events are awaited. One that the store knows stays as it is. A `claim` and a `put` of one
    /// of its events do the same if they say [so](Claim::opens).
    fn open(&self, reference: &str) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Closes a payment reference: no event of it is awaited any more. Answers whether it was open.
    fn close(&self, reference: &str) -> impl Future<Output = Result<bool, Self::Error>> + Send;

    /// At most this many open payment references, in the order of their bytes, behind `after`.
    fn awaited(
        &self,
        after: Option<&str>,
        most: usize,
    ) -> impl Future<Output = Result<Vec<Box<str>>, Self::Error>> + Send;
}

/// A store that outlives the process and keeps the bodies of events, so that a delivery can be answered before its event is
/// handled: whoever asks for [`next`](Self::next) handles it later.
pub trait Queue: Store {
    /// Keeps an event until it is handled, due at once. If the store knows the event, it takes over a later time, as `claim` does;
    /// and if it has no body of it, and the event is not finished, the body.
    fn put(&self, entry: &Entry<'_>) -> impl Future<Output = Result<Put, Self::Error>> + Send;

    /// Gives one waiting event with a body to the caller, that which is due for the longest time. One whose lease is over counts
    /// as due since then, and as a failed attempt: if it was the last one, the event is dead now, and the next one is taken.
    fn next(&self, ask: &Next) -> impl Future<Output = Result<Option<Queued>, Self::Error>> + Send;
}

/// An event for a worker.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry<'a> {
    /// The event.
    pub key: &'a EventKey,
    /// The payment reference that it is about.
    pub reference: Option<&'a str>,
    /// Whether a payment reference that the store does not know is open then. A further deposit does not open one: it comes
    /// after the events that are awaited.
    pub opens: bool,
    /// The time that it names.
    pub time: Option<Timestamp>,
    /// The whole event.
    pub json: &'a str,
    /// Now.
    pub now: Timestamp,
    /// An event that the store does not know stays unknown.
    pub only_known: bool,
}

impl fmt::Debug for Entry<'_> {
    /// Without the body, which may have a person's data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").field("key", &self.key).field("time", &self.time).finish_non_exhaustive()
    }
}

/// The answer to an event that was put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It is kept now.
    New,
    /// The store knows it: it waits, is being handled, is dead, or is finished.
    Known,
    /// The store does not know it, and the entry is for [known ones](Entry::only_known) only.
    Unknown,
}

/// A request for any event that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Next {
    /// Now.
    pub now: Timestamp,
    /// When the lease is over.
    pub until: Timestamp,
    /// How many attempts there are.
    pub attempts: u32,
}

/// An event that a worker was given.
#[derive(Clone, PartialEq, Eq)]
pub struct Queued {
    /// The event, and which attempt this is.
    pub ticket: Ticket,
    /// The whole event, as it was put.
    pub json: Box<str>,
    /// The other events of the same payment reference.
    pub known: Vec<Known>,
}

impl fmt::Debug for Queued {
    /// Without the body, which may have a person's data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queued")
            .field("ticket", &self.ticket)
            .field("known", &self.known)
            .finish_non_exhaustive()
    }
}

/// A request for an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Claim<'a> {
    /// The event.
    pub key: &'a EventKey,
    /// The payment reference that it is about.
    pub reference: Option<&'a str>,
    /// Whether a payment reference that the store does not know is open then. A further deposit does not open one: it comes
    /// after the events that are awaited.
    pub opens: bool,
    /// The time that it names.
    pub time: Option<Timestamp>,
    /// Now.
    pub now: Timestamp,
    /// When the lease is over.
    pub until: Timestamp,
    /// How many attempts there are.
    pub attempts: u32,
    /// An event that the store does not know stays unknown.
    pub only_known: bool,
}

/// The answer to a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claimed {
    /// The caller has it.
    Yes {
        /// Which attempt it is. It rises with each claim of the event, also after a retry, so that an old ticket is recognised.
        attempt: u32,
        /// The other events of the same payment reference.
        known: Vec<Known>,
    },
    /// Another one has it, until this time.
    Running(Timestamp),
    /// It is finished.
    Finished,
    /// It has failed too often.
    Dead,
    /// The store does not know it, and the claim is for [known ones](Claim::only_known) only.
    Unknown,
}

/// Another event of the same payment reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The event. Its name is [`EventKey::event`].
    pub key: EventKey,
    /// Whether its handler has finished.
    pub finished: bool,
}

/// What a claim has given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// The event.
    pub key: EventKey,
    /// Which attempt it is.
    pub attempt: u32,
}

/// A handler that has finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finish<'a> {
    /// What it was given.
    pub ticket: &'a Ticket,
    /// Now.
    pub now: Timestamp,
    /// The payment reference that this event closes: `completed` and `failed` do.
    pub closes: Option<&'a str>,
}

/// A handler that has failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure<'a> {
    /// What it was given.
    pub ticket: &'a Ticket,
    /// Why, for people.
    pub reason: &'a str,
    /// Now.
    pub now: Timestamp,
    /// How many attempts there are.
    pub attempts: u32,
    /// When a worker may take it again. A `claim` may at any time.
    pub again: Timestamp,
}

/// An event whose handler has failed too often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dead {
    /// The event.
    pub key: EventKey,
    /// Why the last attempt has failed. `None`: nobody knows, because its lease was over.
    pub reason: Option<Box<str>>,
    /// When it was found out.
    pub at: Timestamp,
}

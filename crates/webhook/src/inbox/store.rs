//! What a store must do.

use crate::EventKey;
use capecrypto_models::Timestamp;
use std::error::Error;

/// Records which events were handled.
///
/// Each event is in one of four states:
///
/// | State | Left by |
/// | --- | --- |
/// | claimed: a handler has it, until its lease is over | `finish`; `fail`; a `claim` after the lease, which is the next attempt |
/// | failed: it waits for the next claim | `claim` |
/// | finished | never; `forget` may drop it |
/// | dead: it has failed too often | `retry` |
///
/// Every method must be atomic: of several claims at one time, one gets the event. A change must be kept for good when its
/// method returns, as far as the store keeps anything.
pub trait Store: Send + Sync {
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

    /// Commits the transaction and records that the event is finished, in one step. Answers whether it did.
    ///
    /// A store with transactions does it only if the ticket is the event's newest and the event is claimed; otherwise it undoes
    /// the transaction. One without does it whatever the ticket is: the effect is there, so the event must not be given again.
    fn finish<'a>(
        &'a self,
        transaction: Self::Transaction<'a>,
        ticket: &Ticket,
        now: Timestamp,
    ) -> impl Future<Output = Result<bool, Self::Error>> + Send;

    /// Makes the event failed, or dead after its last attempt. Does nothing and answers `false` if the ticket is not the
    /// event's newest, or the event is not claimed.
    fn fail(&self, failure: &Failure<'_>) -> impl Future<Output = Result<bool, Self::Error>> + Send;

    /// At most this many dead events, the oldest failure first.
    fn dead(&self, most: usize) -> impl Future<Output = Result<Vec<Dead>, Self::Error>> + Send;

    /// Makes a dead event failed, with no attempts counted. Answers whether it was dead.
    fn retry(&self, key: &EventKey) -> impl Future<Output = Result<bool, Self::Error>> + Send;

    /// Drops finished events with a time before this one, and answers how many. Those without a time stay.
    fn forget(&self, before: Timestamp) -> impl Future<Output = Result<u64, Self::Error>> + Send;
}

/// A request for an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Claim<'a> {
    /// The event.
    pub key: &'a EventKey,
    /// The payment reference that it is about.
    pub reference: Option<&'a str>,
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

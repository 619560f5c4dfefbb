//! Requests that can go to another thread.

use crate::{
    EventKey, Ticket,
    inbox::store::{Claim, Entry, Failure, Finish},
};
use capecrypto_models::Timestamp;

pub(super) struct OwnedClaim {
    key: EventKey,
    reference: Option<Box<str>>,
    opens: bool,
    time: Option<Timestamp>,
    now: Timestamp,
    until: Timestamp,
    attempts: u32,
    only_known: bool,
}

impl From<&Claim<'_>> for OwnedClaim {
    fn from(claim: &Claim<'_>) -> Self {
        let Claim { key, reference, opens, time, now, until, attempts, only_known } = *claim;
        Self {
            key: key.clone(),
            reference: reference.map(Into::into),
            opens,
            time,
            now,
            until,
            attempts,
            only_known,
        }
    }
}

impl OwnedClaim {
    pub(super) fn borrowed(&self) -> Claim<'_> {
        let Self { ref key, ref reference, opens, time, now, until, attempts, only_known } = *self;
        Claim { key, reference: reference.as_deref(), opens, time, now, until, attempts, only_known }
    }
}

pub(super) struct OwnedEntry {
    key: EventKey,
    reference: Option<Box<str>>,
    opens: bool,
    time: Option<Timestamp>,
    json: Box<str>,
    now: Timestamp,
    only_known: bool,
}

impl From<&Entry<'_>> for OwnedEntry {
    fn from(entry: &Entry<'_>) -> Self {
        let Entry { key, reference, opens, time, json, now, only_known } = *entry;
        Self {
            key: key.clone(),
            reference: reference.map(Into::into),
            opens,
            time,
            json: json.into(),
            now,
            only_known,
        }
    }
}

impl OwnedEntry {
    pub(super) fn borrowed(&self) -> Entry<'_> {
        let Self { ref key, ref reference, opens, time, ref json, now, only_known } = *self;
        Entry { key, reference: reference.as_deref(), opens, time, json, now, only_known }
    }
}

pub(super) struct OwnedFinish {
    ticket: Ticket,
    now: Timestamp,
    closes: Option<Box<str>>,
}

impl From<&Finish<'_>> for OwnedFinish {
    fn from(end: &Finish<'_>) -> Self {
        Self { ticket: end.ticket.clone(), now: end.now, closes: end.closes.map(Into::into) }
    }
}

impl OwnedFinish {
    pub(super) fn borrowed(&self) -> Finish<'_> {
        Finish { ticket: &self.ticket, now: self.now, closes: self.closes.as_deref() }
    }
}

pub(super) struct OwnedFailure {
    ticket: Ticket,
    reason: Box<str>,
    now: Timestamp,
    attempts: u32,
    again: Timestamp,
}

impl From<&Failure<'_>> for OwnedFailure {
    fn from(failure: &Failure<'_>) -> Self {
        let Failure { ticket, reason, now, attempts, again } = *failure;
        Self { ticket: ticket.clone(), reason: reason.into(), now, attempts, again }
    }
}

impl OwnedFailure {
    pub(super) fn borrowed(&self) -> Failure<'_> {
        let Self { ref ticket, ref reason, now, attempts, again } = *self;
        Failure { ticket, reason, now, attempts, again }
    }
}

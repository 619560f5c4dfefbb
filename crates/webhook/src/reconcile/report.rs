//! What a reconciliation has found.

use crate::{EventKey, StoreError};
use capecrypto_models::{DepositId, PaymentReferenceId, Timestamp, Uid};
use capecrypto_rest::Error;
use std::fmt;

/// What a reconciliation has found.
#[derive(Debug, Default)]
#[non_exhaustive]
#[must_use = "it tells what has to be looked up by hand"]
pub struct Report {
    /// How many payment references were read.
    pub references: u64,
    /// How many of them still wait for a deposit.
    pub waiting: u64,
    /// How many deposits were looked at.
    pub deposits: u64,
    /// Events that were handled now.
    pub told: Vec<EventKey>,
    /// How many events were handled before.
    pub known: u64,
    /// Events that somebody else is handling. Run it again later.
    pub running: Vec<EventKey>,
    /// Events whose handler has failed now.
    pub failed: Vec<EventKey>,
    /// Events whose handler has failed too often before. They wait for [`Inbox::retry`](crate::Inbox::retry).
    pub dead: Vec<EventKey>,
    /// What cannot be told. Look it up yourself.
    pub untold: Vec<Untold>,
    /// Awaited payment references that were not found in the exchange's list, or not read because of an error: see
    /// [`errors`](Self::errors).
    pub unread: Vec<Box<str>>,
    /// How many rows of the exchange's lists could not be read. Each may be one that matters.
    pub unreadable_rows: u64,
    /// What could not be read.
    pub errors: Vec<ReadError>,
    /// Why it has stopped: the inbox's store is down.
    pub stopped: Option<StoreError>,
}

impl Report {
    /// Whether nothing is left to do: everything that the exchange shows was handled, now or before.
    pub fn is_complete(&self) -> bool {
        let Self { running, failed, dead, untold, unread, unreadable_rows, errors, stopped, .. } = self;
        let events = running.is_empty() && failed.is_empty() && dead.is_empty() && untold.is_empty();
        events && unread.is_empty() && *unreadable_rows == 0 && errors.is_empty() && stopped.is_none()
    }
}

/// Something of the exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Subject {
    /// The payment reference with this code.
    Reference(Box<str>),
    /// The list of payment references. It was not read to its end.
    References,
    /// The deposit with this number.
    Deposit(DepositId),
    /// The list of the deposits of an account: of the client's own if there is no uid. It was not read to its end.
    Deposits(Option<Uid>),
}

/// Something that could not be read. The walk went on.
#[derive(Debug)]
#[non_exhaustive]
pub struct ReadError {
    /// What.
    pub subject: Subject,
    /// Why.
    pub error: Error,
}

/// Something that happened and cannot be told to the handler.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Untold {
    /// What it is about.
    pub subject: Subject,
    /// Why.
    pub why: Why,
}

/// Why something cannot be told.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Why {
    /// The payment reference was used so often. All but one are further deposits, and no call tells which ones, so
    /// `payment_reference.duplicate_deposit` cannot be told. The account's deposits show them.
    UsedOften(u64),
    /// The payment reference has a deposit, but the exchange does not tell its number, which is part of the event's key.
    NoDepositNumber,
    /// The exchange does not show this deposit, so the amount of `payment_reference.deposit_matched` is not known.
    NoDeposit(DepositId),
    /// This version does not know the state.
    UnknownState(Box<str>),
    /// The payment reference waits for a deposit, and has this one.
    Contradiction(DepositId),
    /// The number that you have given belongs to another payment reference.
    OtherReference(PaymentReferenceId),
    /// The event happened at this time or later. That is longer ago than keys are kept, and the store does not know the event,
    /// so it may have been handled and forgotten.
    TooOld(Timestamp),
    /// An event cannot be made of it. This is an error of this crate.
    Unusable,
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reference(code) => write!(f, "payment reference {code}"),
            Self::References => f.write_str("the list of payment references"),
            Self::Deposit(id) => write!(f, "deposit {id}"),
            Self::Deposits(None) => f.write_str("the deposits of the account"),
            Self::Deposits(Some(uid)) => write!(f, "the deposits of {uid}"),
        }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.subject, self.error)
    }
}

impl fmt::Display for Untold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.subject, self.why)
    }
}

/// What it is, and what a person can do.
impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UsedOften(count) => {
                write!(f, "{count} deposits have come for it: look for the further ones in the account of its customer")
            }
            Self::NoDepositNumber => {
                f.write_str("it has a deposit, and the exchange does not tell its number: look for it in the account of its customer")
            }
            Self::NoDeposit(id) => {
                write!(f, "the exchange does not show its deposit {id}: look for the amount in the account of its customer")
            }
            Self::UnknownState(state) => {
                write!(f, "this version does not know the state '{state}': look it up, and use a newer version")
            }
            Self::Contradiction(id) => write!(f, "it waits for a deposit, and has deposit {id}: ask the exchange"),
            Self::OtherReference(id) => {
                write!(f, "the number {id} that you gave for it is that of another payment reference: correct it")
            }
            Self::TooOld(time) => {
                write!(f, "it happened at {time} or later, and may have been handled and forgotten: compare it with your books")
            }
            Self::Unusable => f.write_str("no event can be made of it: this is an error of capecrypto-webhook"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_says_what_a_person_can_do() {
        let time: Timestamp = "2026-03-01T08:00:00Z".parse().unwrap();
        let id = DepositId::new(7);
        let texts = [
            (Why::UsedOften(2), "2 deposits have come for it: look for"),
            (Why::NoDepositNumber, "does not tell its number: look for it"),
            (Why::NoDeposit(id), "deposit 7: look for the amount"),
            (Why::UnknownState("odd".into()), "'odd': look it up"),
            (Why::Contradiction(id), "has deposit 7: ask the exchange"),
            (Why::OtherReference(PaymentReferenceId::new(9)), "number 9 that you gave for it"),
            (Why::TooOld(time), "at 2026-03-01T08:00:00Z or later"),
            (Why::Unusable, "an error of capecrypto-webhook"),
        ];
        let uid: Uid = "CCT1".parse().unwrap();
        let subjects = [Subject::Deposit(id), Subject::Deposits(None), Subject::Deposits(Some(uid))];
        let subjects = subjects.map(|subject| subject.to_string());
        assert_eq!(subjects, ["deposit 7", "the deposits of the account", "the deposits of CCT1"]);
        for (why, part) in texts {
            let text = Untold { subject: Subject::Deposit(id), why }.to_string();
            assert!(text.starts_with("deposit 7: ") && text.contains(part), "{text}");
        }
    }
}

//! Verification. A person and an owner are verified when their documents are complete. A business, and so a merchant, waits for
//! the exchange to approve it.

use super::{
    Lists, People, UNVERIFIED, VERIFIED,
    documents::{Document, Received},
    facts::Entity,
};
use crate::{
    base::{
        clock,
        id::AccountId,
        lists::{self, DocumentRule, Holder},
    },
    exchange::{
        command::{Command, Holds, Replayable, replayable},
        desk::Desk,
    },
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How far a verification is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum KycStatus {
    /// Documents are missing, or nobody has decided.
    #[default]
    Pending,
    /// It is verified.
    Verified,
    /// It was rejected. The next document makes it pending again.
    Rejected,
}

/// The verification of a customer, a merchant or an owner.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Verification {
    pub(crate) status: KycStatus,
    /// Why it was rejected.
    pub(crate) reason: Option<String>,
    pub(crate) verified_ms: Option<i64>,
    /// Places in the list of all documents.
    documents: Vec<usize>,
}

/// A verification, and what is missing for it.
#[derive(Debug)]
pub(crate) struct Progress {
    pub(crate) verification: Verification,
    pub(crate) documents: Vec<Document>,
    /// What no document shows yet, and owners that are not verified.
    pub(crate) missing: Vec<String>,
}

/// Why nothing was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotDecided {
    /// Nobody has that uid.
    Unknown,
    /// Documents are missing, or an owner is not verified.
    Incomplete,
}

impl People {
    /// The verification of a customer, a merchant or an owner; `None` if nobody has that uid.
    pub(crate) fn progress(&self, uid: &str, now_ms: i64) -> Option<Progress> {
        let lists = self.lists();
        lists.holder(uid)?;
        let verification = lists.verification(uid);
        let documents = lists.documents_of(uid).map(|received| received.document.clone()).collect();
        Some(Progress { missing: lists.missing(uid, now_ms), verification, documents })
    }

    /// Which list of documents applies to a uid.
    pub(crate) fn holder(&self, uid: &str) -> Option<Holder> {
        self.lists().holder(uid)
    }

    /// Whether a uid is that of an owner whose business the account sees.
    pub(crate) fn sees_ubo(&self, caller: AccountId, uid: &str) -> bool {
        let lists = self.lists();
        lists.ubos.get(uid).is_some_and(|business| lists.is_below(*business, caller))
    }
}

impl Lists {
    /// Which list of documents applies to a uid.
    pub(super) fn holder(&self, uid: &str) -> Option<Holder> {
        if self.ubos.contains_key(uid) {
            return Some(Holder::Ubo);
        }
        let customer = self.customers.get(self.by_uid.get(uid)?)?;
        Some(match customer.entity {
            Entity::Individual => Holder::Person,
            Entity::Business => Holder::Business,
        })
    }

    pub(super) fn verification(&self, uid: &str) -> Verification {
        self.verifications.get(uid).cloned().unwrap_or_default()
    }

    fn documents_of(&self, uid: &str) -> impl Iterator<Item = &Received> {
        let places = self.verifications.get(uid).map_or(&[][..], |verification| &verification.documents);
        places.iter().filter_map(|place| self.documents.get(*place))
    }

    /// What is missing until a uid is complete.
    fn missing(&self, uid: &str, now_ms: i64) -> Vec<String> {
        let Some(holder) = self.holder(uid) else { return Vec::new() };
        let rules = |received: &Received| {
            let is_it = |rule: &&DocumentRule| rule.doc_type == received.document.doc_type;
            lists::documents(holder).find(is_it).filter(|rule| is_young(rule, received.at_ms, now_ms))
        };
        let has: Vec<&DocumentRule> = self.documents_of(uid).filter_map(rules).collect();
        let mut missing = missing_slots(holder, &has);
        let customer = self.by_uid.get(uid).and_then(|id| self.customers.get(id));
        let owners = customer.into_iter().flat_map(|customer| &customer.ubos);
        let unverified = owners.filter(|ubo| self.verification(&ubo.uid).status != KycStatus::Verified);
        missing.extend(unverified.map(|ubo| format!("owner {}", ubo.uid)));
        missing
    }

    /// A document came: a rejected verification is open again, and that of a person or an owner may be complete.
    pub(super) fn document_came(&mut self, uid: &str, place: usize, at_ms: i64) {
        let verification = self.verifications.entry(uid.to_owned()).or_default();
        verification.documents.push(place);
        if verification.status == KycStatus::Rejected {
            (verification.status, verification.reason) = (KycStatus::Pending, None);
        }
        let decides_itself = matches!(self.holder(uid), Some(Holder::Person | Holder::Ubo));
        let is_open = self.verification(uid).status == KycStatus::Pending;
        if decides_itself && is_open && self.missing(uid, at_ms).is_empty() {
            self.decide(uid, KycStatus::Verified, None, at_ms);
        }
    }

    fn decide(&mut self, uid: &str, status: KycStatus, reason: Option<String>, at_ms: i64) {
        let verification = self.verifications.entry(uid.to_owned()).or_default();
        let is_verified = status == KycStatus::Verified;
        let verified_ms = is_verified.then_some(at_ms);
        *verification = Verification {
            status,
            reason,
            verified_ms,
            documents: std::mem::take(&mut verification.documents),
        };
        let Some(id) = self.by_uid.get(uid) else { return };
        if let Some(person) = self.all.get_mut(id) {
            person.level = if is_verified { VERIFIED } else { UNVERIFIED };
        }
        if let Some(customer) = self.customers.get_mut(id) {
            customer.updated_ms = at_ms;
        }
    }
}

/// Whether a document of that age still counts.
fn is_young(rule: &DocumentRule, at_ms: i64, now_ms: i64) -> bool {
    rule.most_months.is_none_or(|months| clock::months_after(at_ms, months) > now_ms)
}

/// The slots that these documents do not fill. For a front without its back, the slot is named with `(back side)`.
fn missing_slots(holder: Holder, has: &[&DocumentRule]) -> Vec<String> {
    let mut slots: Vec<&str> = Vec::new();
    for rule in lists::documents(holder).filter(|rule| rule.is_required) {
        if !slots.contains(&rule.slot) {
            slots.push(rule.slot);
        }
    }
    let has_type = |doc_type: &&str| has.iter().any(|rule| rule.doc_type == *doc_type);
    let is_whole = |rule: &DocumentRule| rule.backs.is_empty() || rule.backs.iter().any(has_type);
    let missing = |slot: &str| {
        let fronts: Vec<_> = has.iter().filter(|rule| rule.slot == slot).collect();
        match fronts.is_empty() {
            true => Some(slot.to_owned()),
            false if fronts.iter().any(|rule| is_whole(rule)) => None,
            false => Some(format!("{slot} (back side)")),
        }
    };
    slots.into_iter().filter_map(missing).collect()
}

/// The commands of this file.
pub(super) fn commands<E: Holds<Arc<People>>>() -> [Replayable<E>; 3] {
    [replayable::<E, Approve>(), replayable::<E, Reject>(), replayable::<E, VerifyAtOnce>()]
}

/// Approves a verification whose documents are complete.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Approve {
    pub(crate) uid: String,
}

impl Command for Approve {
    const NAME: &'static str = "approve";
    type Part = Arc<People>;
    type Answer = Result<(), NotDecided>;

    fn run(self, people: &mut Arc<People>, _desk: &mut Desk, at_ms: i64) -> Result<(), NotDecided> {
        let lists: &mut Lists = &mut people.change();
        lists.holder(&self.uid).ok_or(NotDecided::Unknown)?;
        if !lists.missing(&self.uid, at_ms).is_empty() {
            return Err(NotDecided::Incomplete);
        }
        lists.decide(&self.uid, KycStatus::Verified, None, at_ms);
        Ok(())
    }
}

/// Rejects a verification, whatever its state.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Reject {
    pub(crate) uid: String,
    pub(crate) reason: String,
}

impl Command for Reject {
    const NAME: &'static str = "reject";
    type Part = Arc<People>;
    type Answer = Result<(), NotDecided>;

    fn run(self, people: &mut Arc<People>, _desk: &mut Desk, at_ms: i64) -> Result<(), NotDecided> {
        let Self { uid, reason } = self;
        let lists: &mut Lists = &mut people.change();
        lists.holder(&uid).ok_or(NotDecided::Unknown)?;
        lists.decide(&uid, KycStatus::Rejected, Some(reason), at_ms);
        Ok(())
    }
}

/// Verifies a customer, a merchant or an owner without any document, and the owners of a business with it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct VerifyAtOnce {
    pub(crate) uid: String,
}

impl Command for VerifyAtOnce {
    const NAME: &'static str = "verify_at_once";
    type Part = Arc<People>;
    type Answer = Result<(), NotDecided>;

    fn run(self, people: &mut Arc<People>, _desk: &mut Desk, at_ms: i64) -> Result<(), NotDecided> {
        let lists: &mut Lists = &mut people.change();
        lists.holder(&self.uid).ok_or(NotDecided::Unknown)?;
        let customer = lists.by_uid.get(&self.uid).and_then(|id| lists.customers.get(id));
        let owners = customer.into_iter().flat_map(|customer| &customer.ubos).map(|ubo| ubo.uid.clone());
        let all: Vec<String> = owners.chain([self.uid]).collect();
        for uid in all {
            lists.decide(&uid, KycStatus::Verified, None, at_ms);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing(holder: Holder, types: &[&str]) -> Vec<String> {
        let rule =
            |doc_type: &&str| lists::documents(holder).find(|rule| rule.doc_type == *doc_type).unwrap();
        missing_slots(holder, &types.iter().map(rule).collect::<Vec<_>>())
    }

    #[test]
    fn a_slot_is_filled_by_one_type_and_a_front_needs_its_own_back() {
        for holder in [Holder::Person, Holder::Ubo] {
            assert_eq!(missing(holder, &[]), ["identity front", "selfie", "proof of address"]);
            let rest = ["Selfie", "Proof of Address"];
            for (identity, expected) in [
                (&["Passport"][..], &[][..]),
                (&["Identity card"], &["identity front (back side)"]),
                (&["Identity card", "Drivers license back"], &["identity front (back side)"]),
                (&["Identity card back"], &["identity front"]),
                (&["Driver license front", "Drivers license back"], &[]),
                (&["Identity card", "Driver license", "Driver license back"], &[]),
            ] {
                assert_eq!(missing(holder, &[&rest, identity].concat()), expected, "{identity:?}");
            }
        }
        let all: Vec<&str> = lists::documents(Holder::Business).map(|rule| rule.doc_type).collect();
        assert!(missing(Holder::Business, &all).is_empty());
        assert_eq!(missing(Holder::Business, &all[..8]), ["tax statement"]);
        assert_eq!(missing(Holder::Business, &[]).len(), 9);
    }
}

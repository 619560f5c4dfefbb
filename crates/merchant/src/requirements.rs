//! What a verification still needs (documents: "Required Documents", "Required UBO Documents", "Business KYB Completion").
//!
//! No call of the exchange lists the documents that it has. So a program that uploads documents keeps an
//! [`UploadedDocument`] for each, and asks [`Requirements`] what they fill.
//!
//! ```
//! use capecrypto_merchant::{lists::Slot, requirements::Requirements};
//! use capecrypto_models::{Timestamp, Uid, UploadedDocument};
//!
//! let person: Uid = "CCT1234567".parse()?;
//! let now = Timestamp::from_unix_seconds(1_780_000_000)?;
//! let documents = [
//!     UploadedDocument::new(person.clone(), "Identity card", now),
//!     UploadedDocument::new(person.clone(), "Proof of Address", now).issued("2026-05-01".parse()?),
//! ];
//! let requirements = Requirements::for_person(&person, &documents, now);
//! let open: Vec<Slot> = requirements.open().map(|(_, slot)| slot.slot).collect();
//! assert_eq!(open, [Slot::IdentityBack, Slot::Selfie]);
//! # Ok::<(), capecrypto_models::Malformed>(())
//! ```

use crate::lists::{DocumentRule, Holder, Slot};
use capecrypto_models::{Customer, Date, EntityType, Timestamp, Uid, UploadedDocument};
use std::fmt;

/// What the documents of a person, a UBO or a business fill, and what is missing. It is the state at one time: a proof of
/// address grows old.
///
/// Every document that was given for the holder is either in [`slots`](Self::slots) or in [`extra`](Self::extra).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Requirements {
    /// Whose documents these are.
    pub holder: Holder,
    /// The holder's uid.
    pub uid: Uid,
    /// What is required, in the order of the documents: 3 or 4 slots of a person or a UBO, 9 of a business. The back side of
    /// an identity paper is among them if there is a front that needs one.
    pub slots: Vec<Requirement>,
    /// Documents that fill none of the slots.
    pub extra: Vec<Extra>,
    /// The same for each owner of a business.
    pub ubos: Vec<Self>,
    /// How many owners of a business have no uid in the exchange's answer, so that nobody knows what they need.
    pub unknown_ubos: usize,
}

/// A slot that must be filled.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Requirement {
    /// What must be shown.
    pub slot: Slot,
    /// The types of documents that show it, as they are sent.
    pub accepts: Vec<&'static str>,
    /// Whether it is filled.
    pub state: SlotState,
}

/// Whether a slot is filled.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SlotState {
    /// There is no document for it.
    Missing,
    /// There is one.
    Filled {
        /// The document: of several, the best one.
        document: UploadedDocument,
        /// The first day on which it is too old, if it grows old. It is counted from the day of issue, or from that of the
        /// upload if that is not known: then it may be older.
        until: Option<Date>,
    },
    /// There is one, but it is too old.
    TooOld {
        /// The document.
        document: UploadedDocument,
        /// The first day on which it was too old.
        since: Date,
    },
}

/// A document that fills no slot.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Extra {
    /// The document.
    pub document: UploadedDocument,
    /// Why it fills none.
    pub reason: ExtraReason,
}

/// Why a document fills no slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ExtraReason {
    /// This version does not know its type. The exchange may.
    Unknown,
    /// The documents do not list its type for this holder, such as a source of funds for a UBO.
    NotListed,
    /// It is not required.
    NotRequired,
    /// It is the back side of a front that is not there.
    WithoutFront,
    /// Another document fills its slot.
    Replaced,
}

impl Requirements {
    /// What a customer or a merchant needs, as the exchange answers it: a person or a business with its UBOs. One of which
    /// the answer does not say what it is counts as a business if it has owners or the data of a business.
    ///
    /// A row of a list may lack the owners, so take the answer to the creation, or to the call for one customer.
    pub fn for_customer(customer: &Customer, documents: &[UploadedDocument], now: Timestamp) -> Self {
        let is_business = match customer.entity_type {
            Some(EntityType::Business) => true,
            Some(EntityType::Individual) => false,
            _ => !customer.ubos.is_empty() || customer.business_profile.is_some(),
        };
        if !is_business {
            return Self::for_person(&customer.uid, documents, now);
        }
        let ubos: Vec<Uid> = customer.ubos.iter().filter_map(|ubo| ubo.uid.clone()).collect();
        let unknown_ubos = customer.ubos.len() - ubos.len();
        Self { unknown_ubos, ..Self::for_business(&customer.uid, &ubos, documents, now) }
    }

    /// What a customer who is a person needs: an identity paper, with its back side unless it is a passport or an identity
    /// book; a selfie; a proof of address. Of the documents, those with this uid count. `now` is the exchange's time, which
    /// [`Client::now`](capecrypto_rest::Client::now) knows.
    pub fn for_person(uid: &Uid, documents: &[UploadedDocument], now: Timestamp) -> Self {
        Self::of(Holder::Person, uid, documents, now)
    }

    /// What a UBO needs: the same as a person.
    pub fn for_ubo(uid: &Uid, documents: &[UploadedDocument], now: Timestamp) -> Self {
        Self::of(Holder::Ubo, uid, documents, now)
    }

    /// What a business needs, as a customer or as a merchant: nine documents, and those of each of its UBOs, whose uids are
    /// in the answer to its creation.
    pub fn for_business(uid: &Uid, ubos: &[Uid], documents: &[UploadedDocument], now: Timestamp) -> Self {
        let ubos = ubos.iter().map(|ubo| Self::for_ubo(ubo, documents, now)).collect();
        Self { ubos, ..Self::of(Holder::Business, uid, documents, now) }
    }

    /// Whether nothing is missing. A business has at least one UBO.
    pub fn is_complete(&self) -> bool {
        self.open().next().is_none() && !self.lacks_ubos() && self.unknown_ubos == 0
    }

    /// Whether it is a business without any UBO.
    pub fn lacks_ubos(&self) -> bool {
        self.holder == Holder::Business && self.ubos.is_empty() && self.unknown_ubos == 0
    }

    /// The slots that are not filled, each with the uid of its holder; those of a business first, then those of its UBOs.
    pub fn open(&self) -> impl Iterator<Item = (&Uid, &Requirement)> {
        let all = std::iter::once(self).chain(&self.ubos);
        let slots = all.flat_map(|holder| holder.slots.iter().map(move |slot| (&holder.uid, slot)));
        slots.filter(|(_, slot)| !slot.state.is_filled())
    }

    fn of(holder: Holder, uid: &Uid, documents: &[UploadedDocument], now: Timestamp) -> Self {
        // `None` for a year that no date is written with: then nothing is too old.
        let today = Date::of(now).ok();
        let mut own: Vec<Candidate<'_>> = documents
            .iter()
            .filter(|document| document.uid == *uid)
            .map(|document| Candidate { document, rule: holder.document(&document.kind), is_used: false })
            .collect();
        let mut slots = Vec::new();
        for slot in holder.required_slots() {
            slots.extend(fill(holder, slot, &mut own, today));
        }
        let has_back = slots.iter().any(|slot| slot.slot == Slot::IdentityBack && slot.state.is_filled());
        let extra = own.iter().filter(|candidate| !candidate.is_used);
        let extra = extra.map(|candidate| Extra {
            document: candidate.document.clone(),
            reason: match candidate.rule {
                None if !candidate.document.kind.is_known() => ExtraReason::Unknown,
                None => ExtraReason::NotListed,
                Some(rule) if rule.is_required => ExtraReason::Replaced,
                Some(rule) if rule.slot == Slot::IdentityBack && has_back => ExtraReason::Replaced,
                Some(rule) if rule.slot == Slot::IdentityBack => ExtraReason::WithoutFront,
                Some(_) => ExtraReason::NotRequired,
            },
        });
        let extra = extra.collect();
        Self { holder, uid: uid.clone(), slots, extra, ubos: Vec::new(), unknown_ubos: 0 }
    }
}

/// A document of the holder, with what is said about its type.
struct Candidate<'a> {
    document: &'a UploadedDocument,
    rule: Option<&'static DocumentRule>,
    is_used: bool,
}

/// Fills a slot with the best document, and the slot of its back side with another one.
fn fill(holder: Holder, slot: Slot, own: &mut [Candidate<'_>], today: Option<Date>) -> Vec<Requirement> {
    let accepts = holder.documents().filter(|rule| rule.slot == slot).map(|rule| rule.name).collect();
    let best = (0..own.len())
        .filter_map(|index| {
            let candidate = own.get(index)?;
            let rule = candidate.rule.filter(|rule| rule.slot == slot)?;
            let back = back_of(rule, own);
            let is_whole = !rule.needs_back() || back.is_some();
            // Of several documents a whole one is better, then a newer one.
            Some(((is_whole, dated(candidate.document), candidate.document.at), index, rule, back))
        })
        .max_by_key(|(order, ..)| *order);
    let Some((_, index, rule, back)) = best else {
        return vec![Requirement { slot, accepts, state: SlotState::Missing }];
    };
    let mut filled = vec![Requirement { slot, accepts, state: take(own, index, rule.most_months, today) }];
    if rule.needs_back() {
        let state = back.map_or(SlotState::Missing, |index| take(own, index, None, today));
        filled.push(Requirement { slot: Slot::IdentityBack, accepts: rule.backs.to_vec(), state });
    }
    filled
}

/// The newest document that can be the back side of such a front.
fn back_of(front: &DocumentRule, own: &[Candidate<'_>]) -> Option<usize> {
    let fitting =
        own.iter().enumerate().filter(|(_, candidate)| front.is_completed_by(&candidate.document.kind));
    fitting.max_by_key(|(_, candidate)| candidate.document.at).map(|(index, _)| index)
}

fn take(own: &mut [Candidate<'_>], index: usize, months: Option<u8>, today: Option<Date>) -> SlotState {
    let Some(candidate) = own.get_mut(index) else { return SlotState::Missing };
    candidate.is_used = true;
    let document = candidate.document.clone();
    match months.and_then(|months| dated(&document)?.months_later(months)) {
        Some(since) if today.is_some_and(|today| since <= today) => SlotState::TooOld { document, since },
        until => SlotState::Filled { document, until },
    }
}

/// The day from which a document's age is counted.
fn dated(document: &UploadedDocument) -> Option<Date> {
    document.issued.or_else(|| Date::of(document.at).ok())
}

impl SlotState {
    /// Whether it is filled by a document that is not too old.
    pub const fn is_filled(&self) -> bool {
        matches!(self, Self::Filled { .. })
    }

    /// The document that is there.
    pub const fn document(&self) -> Option<&UploadedDocument> {
        match self {
            Self::Missing => None,
            Self::Filled { document, .. } | Self::TooOld { document, .. } => Some(document),
        }
    }
}

/// A line for each slot, and one for each document that fills none.
impl fmt::Display for Requirements {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { holder, uid, slots, extra, ubos, unknown_ubos } = self;
        let filled = slots.iter().filter(|slot| slot.state.is_filled()).count();
        write!(f, "{uid}, {holder}: {filled} of {}", slots.len())?;
        slots.iter().try_for_each(|slot| write!(f, "\n    {slot}"))?;
        extra.iter().try_for_each(|extra| write!(f, "\n    {extra}"))?;
        if self.lacks_ubos() {
            f.write_str("\n    UBOs: none was given, and at least one is needed")?;
        }
        if *unknown_ubos > 0 {
            write!(f, "\n    UBOs: {unknown_ubos} without a uid; read the customer again")?;
        }
        ubos.iter().try_for_each(|ubo| write!(f, "\n{ubo}"))
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { slot, accepts, state } = self;
        match state {
            SlotState::Missing => write!(f, "{slot}: missing; upload {}", accepts.join(" or ")),
            SlotState::Filled { document, until: None } => write!(f, "{slot}: {}", document.kind),
            SlotState::Filled { document, until: Some(until) } => {
                write!(f, "{slot}: {}, until {until}", document.kind)
            }
            SlotState::TooOld { document, since } => {
                write!(f, "{slot}: {}, too old since {since}; upload a newer one", document.kind)
            }
        }
    }
}

impl fmt::Display for Extra {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.document.kind, self.reason)
    }
}

impl fmt::Display for ExtraReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "this version does not know its type",
            Self::NotListed => "the documents do not list it for this holder",
            Self::NotRequired => "not required",
            Self::WithoutFront => "a back side without its front",
            Self::Replaced => "another document fills its slot",
        })
    }
}

#[cfg(test)]
mod tests;

//! What the documents say about a type of document.

use capecrypto_models::DocumentType;
use std::fmt;

/// Whose documents: each holder has a list of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Holder {
    /// A customer who is a person (documents: "Upload Individual Customer Documents").
    Person,
    /// An ultimate beneficial owner of a business (documents: "Upload UBO Documents").
    Ubo,
    /// A business: a customer or a merchant (documents: "Upload Business Customer Documents").
    Business,
}

/// What a document shows. Several types can fill one slot: a passport and an identity card both show the identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Slot {
    /// The identity: the front of a paper, or the page with the photograph.
    IdentityFront,
    /// The back of a paper that has one.
    IdentityBack,
    /// The person, with the identity document in hand.
    Selfie,
    /// A bill or a statement with name and address; of a person, a UBO or a business.
    ProofOfAddress,
    /// Where the money comes from.
    SourceOfFunds,
    /// The resolution to open the account.
    BoardResolution,
    /// That the company is registered.
    CompanyRegistration,
    /// The policy against money laundering.
    AmlPolicy,
    /// The licence of the industry.
    BusinessLicense,
    /// Who owns the company.
    ShareholderCertificate,
    /// That the company was founded, or its articles.
    IncorporationCertificate,
    /// A statement of the company's bank.
    BankStatement,
    /// That the company's taxes are in order.
    TaxStatement,
}

/// A type of document that a holder can give, and what the documents say about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct DocumentRule {
    /// Whose document it is.
    pub holder: Holder,
    /// What it shows.
    pub slot: Slot,
    /// The type's spelling, as it is sent in `doc_type`.
    pub name: &'static str,
    /// The types that can be its back side. One of them is required beside it, unless there are none.
    pub backs: &'static [&'static str],
    /// Whether the slot must be filled. A back side is required only with its front.
    pub is_required: bool,
    /// How old it may be, in months; `None` means that the documents give no limit.
    pub most_months: Option<u8>,
    /// Whether the documents of 2026-04 require the number of the paper, `doc_number`.
    pub has_number: bool,
    /// Whether the documents of 2026-04 require the end of its validity, `doc_expire`.
    pub has_expiry: bool,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Person => "a person",
            Self::Ubo => "a UBO",
            Self::Business => "a business",
        })
    }
}

impl DocumentRule {
    /// The type.
    pub fn kind(&self) -> DocumentType {
        self.name.into()
    }

    /// Whether a back side is required beside it.
    pub const fn needs_back(&self) -> bool {
        !self.backs.is_empty()
    }

    /// Whether that type can be its back side.
    pub fn is_completed_by(&self, back: &DocumentType) -> bool {
        self.backs.iter().any(|known| back == known)
    }
}

impl Slot {
    /// The name, for messages: `identity front`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::IdentityFront => "identity front",
            Self::IdentityBack => "identity back",
            Self::Selfie => "selfie",
            Self::ProofOfAddress => "proof of address",
            Self::SourceOfFunds => "source of funds",
            Self::BoardResolution => "board resolution",
            Self::CompanyRegistration => "company registration",
            Self::AmlPolicy => "AML policy",
            Self::BusinessLicense => "business license",
            Self::ShareholderCertificate => "shareholder certificate",
            Self::IncorporationCertificate => "incorporation certificate",
            Self::BankStatement => "bank statement",
            Self::TaxStatement => "tax statement",
        }
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A row of the table. What is not added is not required.
pub(super) const fn rule(holder: Holder, slot: Slot, name: &'static str) -> DocumentRule {
    DocumentRule {
        holder,
        slot,
        name,
        backs: &[],
        is_required: false,
        most_months: None,
        has_number: false,
        has_expiry: false,
    }
}

impl DocumentRule {
    pub(super) const fn required(self) -> Self {
        Self { is_required: true, ..self }
    }

    pub(super) const fn back(self, backs: &'static [&'static str]) -> Self {
        Self { backs, ..self }
    }

    pub(super) const fn months(self, months: u8) -> Self {
        Self { most_months: Some(months), ..self }
    }

    pub(super) const fn doc_number(self) -> Self {
        Self { has_number: true, ..self }
    }

    pub(super) const fn doc_expire(self) -> Self {
        Self { has_expiry: true, ..self }
    }
}

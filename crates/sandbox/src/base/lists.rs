//! The lists of the documents: occupations, sources of funds, and the types of documents.

mod generated;

/// Whose documents: each holder has a list of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holder {
    Person,
    Ubo,
    Business,
}

/// A type of document that a holder can give.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DocumentRule {
    pub(crate) holder: Holder,
    /// What it shows, such as `identity front`. Several types can fill one slot.
    pub(crate) slot: &'static str,
    /// Its spelling in `doc_type`.
    pub(crate) doc_type: &'static str,
    /// The types that can be its back side. One of them is required beside it, unless there are none.
    pub(crate) backs: &'static [&'static str],
    /// Whether the slot must be filled.
    pub(crate) is_required: bool,
    /// How old it may be, in months.
    pub(crate) most_months: Option<u8>,
    /// Whether the number of the paper is required, by the documents of 2026-04.
    pub(crate) has_number: bool,
    /// Whether the end of its validity is required, by the documents of 2026-04.
    pub(crate) has_expiry: bool,
}

/// The types of documents of a holder.
pub(crate) fn documents(holder: Holder) -> impl Iterator<Item = &'static DocumentRule> {
    generated::DOCUMENTS.iter().filter(move |rule| rule.holder == holder)
}

/// Whether any holder has documents of that type.
pub(crate) fn is_document_type(text: &str) -> bool {
    generated::DOCUMENTS.iter().any(|rule| rule.doc_type == text)
}

/// Whether the list of occupations has exactly this text.
pub(crate) fn is_occupation(text: &str) -> bool {
    generated::OCCUPATIONS.binary_search(&text).is_ok()
}

/// Whether the list of sources of funds has exactly this text.
pub(crate) fn is_source_of_funds(text: &str) -> bool {
    generated::SOURCES_OF_FUNDS.binary_search(&text).is_ok()
}

/// A row of the table. What is not added is not required.
const fn rule(holder: Holder, slot: &'static str, doc_type: &'static str) -> DocumentRule {
    DocumentRule {
        holder,
        slot,
        doc_type,
        backs: &[],
        is_required: false,
        most_months: None,
        has_number: false,
        has_expiry: false,
    }
}

impl DocumentRule {
    const fn required(self) -> Self {
        Self { is_required: true, ..self }
    }

    const fn back(self, backs: &'static [&'static str]) -> Self {
        Self { backs, ..self }
    }

    const fn months(self, months: u8) -> Self {
        Self { most_months: Some(months), ..self }
    }

    const fn doc_number(self) -> Self {
        Self { has_number: true, ..self }
    }

    const fn doc_expire(self) -> Self {
        Self { has_expiry: true, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_found_by_their_exact_spelling() {
        assert!(is_occupation("Software Engineer") && !is_occupation("software engineer"));
        assert!(is_source_of_funds("Client funds") && !is_source_of_funds(""));
        assert!(is_document_type("AML Policy") && !is_document_type("aml policy"));
        assert!(generated::OCCUPATIONS.is_sorted() && generated::SOURCES_OF_FUNDS.is_sorted());
        let counts = [Holder::Person, Holder::Ubo, Holder::Business].map(|holder| documents(holder).count());
        assert_eq!(counts, [15, 14, 9]);
        let with_back = documents(Holder::Ubo).filter(|rule| !rule.backs.is_empty()).count();
        assert_eq!(with_back, 5);
    }
}

//! The types of documents that each holder has.

use super::{
    generated::DOCUMENTS,
    rule::{DocumentRule, Holder, Slot},
};
use capecrypto_models::DocumentType;

impl Holder {
    /// The types of documents of this holder: 15 of a person, 14 of a UBO, 9 of a business.
    pub fn documents(self) -> impl Iterator<Item = &'static DocumentRule> {
        DOCUMENTS.iter().filter(move |rule| rule.holder == self)
    }

    /// What the documents say about this type; `None` if they do not list it for this holder.
    pub fn document(self, kind: &DocumentType) -> Option<&'static DocumentRule> {
        self.documents().find(|rule| kind == rule.name)
    }

    /// The slots that must be filled, each once. The back side of an identity paper depends on its front, so it is not
    /// among them.
    pub fn required_slots(self) -> impl Iterator<Item = Slot> {
        let mut last = None;
        let required = self.documents().filter(|rule| rule.is_required).map(|rule| rule.slot);
        required.filter(move |slot| last.replace(*slot) != Some(*slot))
    }
}

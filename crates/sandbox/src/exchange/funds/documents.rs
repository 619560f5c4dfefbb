//! Documents that were sent for customers.

use super::Funds;
use crate::exchange::{
    command::{Command, Holds, Replayable, replayable},
    desk::Desk,
};
use serde::{Deserialize, Serialize};

/// A document that was sent for a customer. Only the size of its content is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Document {
    /// The uid of the customer.
    pub uid: String,
    /// The type of the document (`doc_type`).
    pub doc_type: String,
    /// The file's name.
    pub file_name: String,
    /// The file's size in bytes.
    pub bytes: usize,
}

/// The documents, in order of arrival.
#[derive(Debug, Default)]
pub(crate) struct Documents(Vec<Document>);

impl Documents {
    pub(crate) fn all(&self) -> &[Document] {
        &self.0
    }
}

/// The commands of this file.
pub(super) fn commands<E: Holds<Funds>>() -> [Replayable<E>; 1] {
    [replayable::<E, AddDocument>()]
}

/// Keeps the facts of a document.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AddDocument(pub(crate) Document);

impl Command for AddDocument {
    const NAME: &'static str = "add_document";
    type Part = Funds;
    type Answer = ();

    fn run(self, funds: &mut Funds, _desk: &mut Desk, _at_ms: i64) {
        funds.documents.0.push(self.0);
    }
}

//! Documents that were sent for customers, merchants and owners. Their content is not kept.

use super::{Lists, People};
use crate::exchange::{
    command::{Command, Holds, Replayable, replayable},
    desk::Desk,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Within how many bytes a PDF has its mark.
const PDF_WITHIN: usize = 1024;

/// What a file is, by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FileKind {
    /// A JPEG image.
    Jpeg,
    /// A PNG image.
    Png,
    /// A PDF document.
    Pdf,
}

impl FileKind {
    /// The kind of a file with this content; `None` if it is none of the three that the documents list.
    pub(crate) fn of(content: &[u8]) -> Option<Self> {
        // A PDF may have other bytes before its mark.
        let head = content.get(..PDF_WITHIN).unwrap_or(content);
        if content.starts_with(b"\xff\xd8\xff") {
            Some(Self::Jpeg)
        } else if content.starts_with(b"\x89PNG\r\n\x1a\n") {
            Some(Self::Png)
        } else if head.windows(5).any(|bytes| bytes == b"%PDF-") {
            Some(Self::Pdf)
        } else {
            None
        }
    }
}

/// A document that was sent for a customer, a merchant or an owner. Of its content only kind, size and hash are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Document {
    /// The uid of the customer, the merchant or the owner.
    pub uid: String,
    /// The type of the document (`doc_type`).
    pub doc_type: String,
    /// The number of the paper, if it was sent (`doc_number`).
    pub doc_number: Option<String>,
    /// Until when the paper is valid, if it was sent (`doc_expire`).
    pub doc_expire: Option<String>,
    /// The file's name.
    pub file_name: String,
    /// What the file is.
    pub kind: FileKind,
    /// The file's size in bytes.
    pub bytes: usize,
    /// The SHA-256 of the file, in lower-case hex.
    pub sha256: String,
}

/// A document, and when it came.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) document: Document,
    pub(super) at_ms: i64,
}

impl People {
    /// Every document, in order of arrival.
    pub(crate) fn documents(&self) -> Vec<Document> {
        self.lists().documents.iter().map(|received| received.document.clone()).collect()
    }
}

/// The commands of this file.
pub(super) fn commands<E: Holds<Arc<People>>>() -> [Replayable<E>; 1] {
    [replayable::<E, AddDocument>()]
}

/// Keeps the facts of a document. It may complete a verification. A uid that nobody has is ignored.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AddDocument(pub(crate) Document);

impl Command for AddDocument {
    const NAME: &'static str = "add_document";
    type Part = Arc<People>;
    type Answer = ();

    fn run(self, people: &mut Arc<People>, _desk: &mut Desk, at_ms: i64) {
        let Self(document) = self;
        let lists: &mut Lists = &mut people.change();
        let uid = document.uid.clone();
        if lists.holder(&uid).is_some() {
            let place = lists.documents.len();
            lists.documents.push(Received { document, at_ms });
            lists.document_came(&uid, place, at_ms);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_told_by_its_first_bytes() {
        let pdf = |before: usize| [vec![b' '; before], b"%PDF-1.7".to_vec()].concat();
        for (content, kind) in [
            (b"\xff\xd8\xff\xe0".to_vec(), Some(FileKind::Jpeg)),
            (b"\x89PNG\r\n\x1a\n".to_vec(), Some(FileKind::Png)),
            (pdf(0), Some(FileKind::Pdf)),
            (pdf(PDF_WITHIN - 5), Some(FileKind::Pdf)),
            (pdf(PDF_WITHIN - 4), None),
            (b" \xff\xd8\xff".to_vec(), None),
            (b"%PDF".to_vec(), None),
            (Vec::new(), None),
        ] {
            assert_eq!(FileKind::of(&content), kind, "{content:?}");
        }
    }
}

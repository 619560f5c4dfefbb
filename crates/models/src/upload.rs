//! Files to send.

use crate::{
    Malformed,
    param::{Param, Place},
};
use bytes::Bytes;
use futures_core::Stream;
use std::{fmt, io, pin::Pin, sync::Arc};

/// Most characters of a file's name: no file system has longer ones.
const LONGEST_NAME: usize = 255;

/// The bytes of a file, in pieces of any size.
pub type Pieces = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

/// The result of opening a [`Source`]: its pieces from the start, or why it cannot be read.
pub type Opened<'a> = Pin<Box<dyn Future<Output = Result<Pieces, Malformed>> + Send + 'a>>;

/// Gives the bytes of a file that is not in memory, while it is sent. `capecrypto_rest::upload` makes uploads from files,
/// readers and streams, so you need this only for a source of your own.
pub trait Source: Send + Sync {
    /// Opens the file, to be read from its start.
    fn open(&self) -> Opened<'_>;

    /// Whether it can be opened more than once.
    fn is_repeatable(&self) -> bool;
}

/// A file to send, with its bytes in memory or read while they are sent.
///
/// `Debug` shows only name, type and size, because documents are personal.
#[derive(Clone)]
pub struct Upload {
    name: String,
    content_type: String,
    content: Content,
}

#[derive(Clone)]
enum Content {
    Bytes(Bytes),
    Source { length: u64, head: Bytes, source: Arc<dyn Source> },
}

impl Upload {
    /// How many bytes of a file are looked at to find out its format. A PDF may begin anywhere in them.
    pub const HEAD: usize = 1024;

    /// A file of this name, media type (such as `image/jpeg`) and content, such as a `Vec<u8>` or an `Arc<[u8]>`. The content
    /// is not copied.
    pub fn new(
        name: impl Into<String>,
        content_type: impl Into<String>,
        content: impl AsRef<[u8]> + Send + 'static,
    ) -> Self {
        let content = Content::Bytes(Bytes::from_owner(content));
        Self { name: name.into(), content_type: content_type.into(), content }
    }

    /// A file of this length in bytes that is read from a source while it is sent. `head` is its first [`HEAD`](Self::HEAD)
    /// bytes, or all of a shorter file.
    pub fn from_source(
        name: impl Into<String>,
        content_type: impl Into<String>,
        length: u64,
        head: impl Into<Bytes>,
        source: Arc<dyn Source>,
    ) -> Self {
        let content = Content::Source { length, head: head.into(), source };
        Self { name: name.into(), content_type: content_type.into(), content }
    }

    /// The same with another media type.
    #[must_use = "the changed upload is returned"]
    pub fn with_content_type(self, content_type: impl Into<String>) -> Self {
        Self { content_type: content_type.into(), ..self }
    }

    /// The same with another name.
    #[must_use = "the changed upload is returned"]
    pub fn with_name(self, name: impl Into<String>) -> Self {
        Self { name: name.into(), ..self }
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The media type.
    pub fn content_type(&self) -> &str {
        &self.content_type
    }

    /// The size in bytes.
    pub fn length(&self) -> u64 {
        match &self.content {
            Content::Bytes(bytes) => u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            Content::Source { length, .. } => *length,
        }
    }

    /// The first bytes, at most [`HEAD`](Self::HEAD).
    pub fn head(&self) -> &[u8] {
        let known = match &self.content {
            Content::Bytes(bytes) => bytes,
            Content::Source { head, .. } => head,
        };
        known.get(..Self::HEAD).unwrap_or(known)
    }

    /// The content, if it is in memory.
    pub fn bytes(&self) -> Option<&Bytes> {
        match &self.content {
            Content::Bytes(bytes) => Some(bytes),
            Content::Source { .. } => None,
        }
    }

    /// Where the content comes from, if it is not in memory.
    pub fn source(&self) -> Option<&Arc<dyn Source>> {
        match &self.content {
            Content::Bytes(_) => None,
            Content::Source { source, .. } => Some(source),
        }
    }

    /// What is wrong with the name or the type, so that they cannot stand in a form.
    fn problems(&self) -> impl Iterator<Item = Malformed> {
        let Self { name, content_type, .. } = self;
        let count = name.chars().count();
        let name = if name.is_empty() {
            Some(("the file has no name", "give one, such as passport.jpg"))
        } else if count > LONGEST_NAME {
            Some(("the file's name has more than 255 characters", "give a shorter one"))
        } else if name.chars().any(char::is_control) {
            // A line break would end the name's header, and what follows would be read as another header.
            Some(("the file's name has a control character, such as a line break", "leave it out"))
        } else if name.contains(['/', '\\']) {
            Some(("the file's name is a path", "give its last part only, such as passport.jpg"))
        } else {
            None
        };
        let form = "give one of the form type/subtype, such as image/jpeg";
        let kind = (!is_media_type(content_type)).then_some(("the file's type is not a media type", form));
        [name, kind].into_iter().flatten().map(|(why, remedy)| Malformed::new(why, remedy))
    }
}

/// Whether a text has the form `type/subtype`.
fn is_media_type(text: &str) -> bool {
    let token = |part: &str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "!#$&-^_.+".contains(c);
        !part.is_empty() && part.chars().all(plain)
    };
    text.split_once('/').is_some_and(|(kind, subtype)| token(kind) && token(subtype))
}

/// Two uploads are equal if they have the same name, type and bytes. Bytes that are not in memory are equal only to those of a
/// clone.
impl PartialEq for Upload {
    fn eq(&self, other: &Self) -> bool {
        let same_content = match (&self.content, &other.content) {
            (Content::Bytes(one), Content::Bytes(other)) => one == other,
            (Content::Source { source: one, .. }, Content::Source { source: other, .. }) => {
                Arc::ptr_eq(one, other)
            }
            _ => false,
        };
        same_content && self.name == other.name && self.content_type == other.content_type
    }
}

impl Eq for Upload {}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upload")
            .field("name", &self.name)
            .field("content_type", &self.content_type)
            .field("bytes", &self.length())
            .finish()
    }
}

impl Param for Upload {
    fn write(&self, place: &mut dyn Place) {
        let mut is_good = true;
        for problem in self.problems() {
            is_good = false;
            place.refuse(problem);
        }
        if is_good {
            place.file(self);
        }
    }
}

/// A format of files that the exchange takes (documents: "JPG, PNG, PDF").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FileFormat {
    /// A JPEG image.
    Jpeg,
    /// A PNG image.
    Png,
    /// A PDF.
    Pdf,
}

impl FileFormat {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Jpeg, Self::Png, Self::Pdf];

    /// The format of a file with these first bytes. A PDF's mark may stand anywhere in the first 1024 bytes.
    ///
    /// ```
    /// use capecrypto_models::FileFormat;
    /// assert_eq!(FileFormat::of_content(b"\xff\xd8\xff\xe0"), Some(FileFormat::Jpeg));
    /// assert_eq!(FileFormat::of_content(b"<html>"), None);
    /// ```
    pub fn of_content(head: &[u8]) -> Option<Self> {
        const PDF: &[u8] = b"%PDF-";
        if head.starts_with(b"\xff\xd8\xff") {
            return Some(Self::Jpeg);
        }
        if head.starts_with(b"\x89PNG\r\n\x1a\n") {
            return Some(Self::Png);
        }
        let head = head.get(..Upload::HEAD).unwrap_or(head);
        head.windows(PDF.len()).any(|window| window == PDF).then_some(Self::Pdf)
    }

    /// The format that a media type names.
    pub fn of_media_type(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.media_type().eq_ignore_ascii_case(text))
    }

    /// The format that the end of a file's name stands for.
    pub fn of_name(name: &str) -> Option<Self> {
        let (_, end) = name.rsplit_once('.')?;
        Self::ALL
            .into_iter()
            .find(|format| format.endings().iter().any(|known| known.eq_ignore_ascii_case(end)))
    }

    /// Its media type.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Pdf => "application/pdf",
        }
    }

    const fn endings(self) -> &'static [&'static str] {
        match self {
            Self::Jpeg => &["jpg", "jpeg"],
            Self::Png => &["png"],
            Self::Pdf => &["pdf"],
        }
    }
}

impl fmt::Display for FileFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::Pdf => "PDF",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_known_by_its_first_bytes_alone() {
        let png = b"\x89PNG\r\n\x1a\n\0";
        assert_eq!(FileFormat::of_content(png), Some(FileFormat::Png));
        for wrong in [&b""[..], b"\xff\xd8", b"\x89PNG", b"PDF-1.7", b"GIF89a", b"PK\x03\x04"] {
            assert_eq!(FileFormat::of_content(wrong), None, "{wrong:?}");
        }
        let pdf_at = |place: usize| {
            let mut file = vec![b' '; place];
            file.extend_from_slice(b"%PDF-1.7");
            FileFormat::of_content(&file)
        };
        assert_eq!(pdf_at(Upload::HEAD - 5), Some(FileFormat::Pdf));
        assert_eq!(pdf_at(Upload::HEAD - 4), None);
        // A picture may carry a PDF's mark in its notes.
        assert_eq!(FileFormat::of_content(b"\xff\xd8\xff %PDF-1.7"), Some(FileFormat::Jpeg));
    }

    #[test]
    fn a_format_is_named_by_types_and_endings_in_any_case() {
        assert_eq!(FileFormat::of_name("my.passport.JPG"), Some(FileFormat::Jpeg));
        assert_eq!(FileFormat::of_media_type("Application/PDF"), Some(FileFormat::Pdf));
        for name in ["jpg", "passport", "passport.jpg.exe", ""] {
            assert_eq!(FileFormat::of_name(name), None, "{name}");
        }
    }

    #[test]
    fn media_types_are_two_tokens() {
        for good in ["image/jpeg", "application/vnd.ms-excel", "image/svg+xml"] {
            assert!(is_media_type(good), "{good}");
        }
        for bad in
            ["", "image", "image/", "/jpeg", "image/jpeg\r\nX: y", "a/b/c", "image/jpeg; q=1", "ima ge/x"]
        {
            assert!(!is_media_type(bad), "{bad}");
        }
    }

    #[test]
    fn content_is_not_copied_and_not_printed() {
        let content: Arc<[u8]> = Arc::from(&b"canary"[..]);
        let upload = Upload::new("id.jpg", "image/jpeg", content.clone());
        assert_eq!(upload.bytes().map(|bytes| bytes.as_ptr()), Some(content.as_ptr()));
        assert_eq!((upload.length(), upload.head()), (6, &b"canary"[..]));
        let shown = format!("{upload:?}");
        assert!(shown.contains("id.jpg") && !shown.contains("canary"), "{shown}");
        assert_eq!(upload, Upload::new("id.jpg", "image/jpeg", *b"canary"));
        assert_ne!(upload, upload.clone().with_name("other.jpg"));
    }
}

//! Reading a successful answer.

use crate::mask;
use bytes::Bytes;
use capecrypto_models::json_path;
use http::HeaderMap;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeOwned, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;
use std::{
    borrow::Cow,
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
    marker::PhantomData,
};

/// Status and headers of an answer.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Head {
    /// HTTP status.
    pub status: u16,
    /// Headers; their names match in any case.
    pub headers: HeaderMap,
}

impl Head {
    /// Creates a head, to read an answer that was stored.
    pub fn new(status: u16, headers: HeaderMap) -> Self {
        Self { status, headers }
    }

    /// A whole number in a header, such as `Total`.
    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.headers.get(name)?.to_str().ok()?.trim().parse().ok()
    }
}

/// Where and why an answer could not be read. Values of the answer are masked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("at {path}: {why}")]
pub struct DecodeError {
    /// JSON path of the first part that does not fit, such as `[3].price`.
    pub path: String,
    /// What was expected.
    pub why: String,
}

/// A row of a list that could not be read. None of its values are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnreadableRow {
    /// Its position in the answer, from 0.
    pub index: usize,
    /// The page, from 1, if several pages were read; `None` for a single answer.
    pub page: Option<u32>,
    /// JSON path within the row, such as `price`; `.` is the row itself.
    pub path: String,
    /// What was expected.
    pub why: String,
    /// Identifies the row, so that a walk counts it only once.
    pub(crate) fingerprint: u64,
}

impl UnreadableRow {
    fn new(index: usize, row: &str, error: DecodeError) -> Self {
        let mut hasher = DefaultHasher::new();
        row.hash(&mut hasher);
        let DecodeError { path, why } = error;
        Self { index, page: None, path, why, fingerprint: hasher.finish() }
    }

    /// The error for an answer of which no row could be read: then its form is unknown, and not just one row is odd.
    fn into_error(self) -> DecodeError {
        let Self { index, path, why, .. } = self;
        DecodeError {
            path: if path == "." { format!("[{index}]") } else { format!("[{index}].{path}") },
            why,
        }
    }
}

impl fmt::Display for UnreadableRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(page) = self.page {
            write!(f, "page {page}, ")?;
        }
        write!(f, "row {}, at {}: {}", self.index, self.path, self.why)
    }
}

/// A type that can be read from a successful answer.
pub trait FromResponse: Sized {
    /// Reads the answer.
    ///
    /// # Errors
    /// Where and why it cannot be read.
    fn from_response(head: &Head, body: &Bytes) -> Result<Self, DecodeError>;

    /// The rows of a list that could not be read.
    fn unreadable(&self) -> &[UnreadableRow] {
        &[]
    }
}

/// An answer of which only the status matters. Its body is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct Nothing;

impl FromResponse for Nothing {
    fn from_response(_: &Head, _: &Bytes) -> Result<Self, DecodeError> {
        Ok(Self)
    }
}

/// An answer's body as it came.
///
/// `Debug` shows its size only.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RawBody {
    /// The bytes.
    pub bytes: Bytes,
    /// Their media type, if the server names it.
    pub content_type: Option<String>,
}

impl fmt::Debug for RawBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawBody({} bytes)", self.bytes.len())
    }
}

impl FromResponse for RawBody {
    fn from_response(head: &Head, body: &Bytes) -> Result<Self, DecodeError> {
        let content_type = head.headers.get(http::header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        Ok(Self { bytes: body.clone(), content_type: content_type.map(str::to_owned) })
    }
}

impl<T: DeserializeOwned> FromResponse for T {
    fn from_response(_: &Head, body: &Bytes) -> Result<Self, DecodeError> {
        decode(body)
    }
}

/// A body without the byte order mark that some servers put before UTF-8.
pub fn without_bom(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)
}

/// An escape that no text can have, in place of bytes that are not UTF-8. It stands twice, because one could make a pair with the escape
/// before it, or follow a backslash.
const NO_TEXT: &str = "\\udc00\\udc00";

/// A body as text. Checking it at once is much quicker than checking each of its strings.
///
/// Bytes that are not UTF-8 become [`NO_TEXT`]. So a value with them cannot be read, and in a value that nobody reads they do no harm.
fn text_of(body: &[u8]) -> Cow<'_, str> {
    let body = without_bom(body);
    if let Ok(text) = std::str::from_utf8(body) {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(body.len() + NO_TEXT.len());
    for chunk in body.utf8_chunks() {
        text.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            text.push_str(NO_TEXT);
        }
    }
    Cow::Owned(text)
}

pub(crate) fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, DecodeError> {
    let text = text_of(body);
    serde_json::from_str(&text).map_err(|error| wrong::<T>(&text, &error))
}

/// Where and why a text could not be read.
fn wrong<T: DeserializeOwned>(text: &str, error: &serde_json::Error) -> DecodeError {
    let why = mask::quoted(&error.to_string());
    DecodeError {
        path: json_path::of(text, error, |changed| serde_json::from_str::<T>(changed).err()),
        why: if text.contains(NO_TEXT) { format!("{why}; there are bytes that are not UTF-8") } else { why },
    }
}

/// The rows of a list. If they cannot be read together, each row is read separately.
pub(crate) fn decode_rows<T: DeserializeOwned>(
    body: &[u8],
) -> Result<(Vec<T>, Vec<UnreadableRow>), DecodeError> {
    let text = text_of(body);
    let error = match serde_json::from_str(&text) {
        Ok(rows) => return Ok((rows, Vec::new())),
        Err(error) => error,
    };
    let Ok(each) = serde_json::from_str::<Vec<&RawValue>>(&text) else {
        return Err(wrong::<Vec<T>>(&text, &error));
    };
    let mut unreadable = Vec::new();
    let rows = each.into_iter().enumerate();
    let rows = rows.filter_map(|(index, row)| read_one(index, row.get(), &mut unreadable)).collect();
    Ok((rows, unreadable))
}

fn read_one<T: DeserializeOwned>(index: usize, row: &str, unreadable: &mut Vec<UnreadableRow>) -> Option<T> {
    decode(row.as_bytes()).map_err(|error| unreadable.push(UnreadableRow::new(index, row, error))).ok()
}

/// Makes an error if no row can be read. Such an answer has another form than expected, and an empty list would wrongly say
/// that there is nothing.
pub(crate) fn some_readable(rows: usize, unreadable: &[UnreadableRow]) -> Result<(), DecodeError> {
    match unreadable.first() {
        Some(first) if rows == 0 => Err(first.clone().into_error()),
        _ => Ok(()),
    }
}

/// The rows of a list that is a member of an answer. Each row is read by itself, so that one that cannot be read does not hide the
/// others.
///
/// An answer of which no row can be read is [not usable](Self::check).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rows<T> {
    /// The rows that could be read.
    pub items: Vec<T>,
    /// Rows that could not be read.
    pub unreadable: Vec<UnreadableRow>,
}

impl<T> Rows<T> {
    /// Refuses a list of which no row can be read: then its form is unknown, and an empty list would wrongly say that there is
    /// nothing.
    ///
    /// # Errors
    /// Why its first row cannot be read.
    pub fn check(&self) -> Result<(), DecodeError> {
        some_readable(self.items.len(), &self.unreadable)
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Rows<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let each = Vec::<Box<RawValue>>::deserialize(deserializer)?;
        let mut unreadable = Vec::new();
        let rows = each.iter().enumerate();
        let items = rows.filter_map(|(index, row)| read_one(index, row.get(), &mut unreadable)).collect();
        Ok(Self { items, unreadable })
    }
}

impl<T: Serialize> Serialize for Rows<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.items.serialize(serializer)
    }
}

/// The entries of a list, or of an object with names as keys, and those that could not be read.
///
/// An entry that cannot be read does not hide the others. If no entry can be read, the answer is an error.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entries<T> {
    /// Position in the answer, name (`None` in a list) and value, in the server's order.
    pub entries: Vec<(usize, Option<String>, T)>,
    /// Entries that could not be read.
    pub unreadable: Vec<UnreadableRow>,
}

impl<T> Entries<T> {
    /// Reads the names. An entry whose name cannot be read counts as unreadable.
    #[must_use]
    pub fn with_names<N>(
        self,
        read: impl Fn(&str) -> Result<N, &'static str>,
    ) -> (Vec<(Option<N>, T)>, Vec<UnreadableRow>) {
        let Self { entries, mut unreadable } = self;
        let mut named = Vec::with_capacity(entries.len());
        for (index, name, value) in entries {
            match name.as_deref().map(&read).transpose() {
                Ok(read) => named.push((read, value)),
                Err(why) => {
                    let error = DecodeError { path: ".".to_owned(), why: why.to_owned() };
                    let place = unreadable.partition_point(|row| row.index < index);
                    unreadable.insert(place, UnreadableRow::new(index, &name.unwrap_or_default(), error));
                }
            }
        }
        (named, unreadable)
    }
}

impl<T: DeserializeOwned> FromResponse for Entries<T> {
    fn from_response(_: &Head, body: &Bytes) -> Result<Self, DecodeError> {
        let text = text_of(body);
        let Named(each) = serde_json::from_str::<Named<&RawValue>>(&text)
            .map_err(|error| wrong::<Named<IgnoredAny>>(&text, &error))?;
        let mut unreadable = Vec::new();
        let each = each.into_iter().enumerate();
        let entries = each.filter_map(|(index, (name, raw))| {
            Some((index, name, read_one(index, raw.get(), &mut unreadable)?))
        });
        let entries: Vec<_> = entries.collect();
        some_readable(entries.len(), &unreadable)?;
        Ok(Self { entries, unreadable })
    }

    fn unreadable(&self) -> &[UnreadableRow] {
        &self.unreadable
    }
}

/// An object's members, or a list's elements without names.
pub(crate) struct Named<V>(pub(crate) Vec<(Option<String>, V)>);

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Named<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either<V>(PhantomData<V>);
        impl<'de, V: Deserialize<'de>> Visitor<'de> for Either<V> {
            type Value = Named<V>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object or a list")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Named<V>, A::Error> {
                let mut all = Vec::new();
                while let Some((name, value)) = map.next_entry()? {
                    all.push((Some(name), value));
                }
                Ok(Named(all))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Named<V>, A::Error> {
                let mut all = Vec::new();
                while let Some(value) = seq.next_element()? {
                    all.push((None, value));
                }
                Ok(Named(all))
            }
        }
        deserializer.deserialize_any(Either(PhantomData))
    }
}

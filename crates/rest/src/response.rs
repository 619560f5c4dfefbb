//! Reading a successful answer.

use crate::mask;
use bytes::Bytes;
use http::HeaderMap;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeOwned, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;
use std::{
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
    /// A head, for reading an answer that was kept.
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

/// A row of a list that could not be read, while others could. Nothing of its values is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnreadableRow {
    /// Its place in the answer, from 0.
    pub index: usize,
    /// The page of a walk over several, from 1; `None` for an answer by itself.
    pub page: Option<u32>,
    /// JSON path inside of the row, such as `price`; `.` is the row itself.
    pub path: String,
    /// What was expected.
    pub why: String,
    /// Tells the row from others, so that a walk counts it once.
    pub(crate) fingerprint: u64,
}

impl UnreadableRow {
    fn new(index: usize, row: &str, error: DecodeError) -> Self {
        let mut hasher = DefaultHasher::new();
        row.hash(&mut hasher);
        let DecodeError { path, why } = error;
        Self { index, page: None, path, why, fingerprint: hasher.finish() }
    }

    /// For an answer of which no row at all could be read: then it is the form that is not known, not a row.
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

/// What can be read from a successful answer.
pub trait FromResponse: Sized {
    /// Reads it.
    ///
    /// # Errors
    /// Where and why it cannot be read.
    fn from_response(head: &Head, body: &Bytes) -> Result<Self, DecodeError>;

    /// The rows of a list that could not be read.
    fn unreadable(&self) -> &[UnreadableRow] {
        &[]
    }
}

/// An answer that says nothing beside its status. Whatever its body holds is not read.
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
    /// Their media type, where the server says it.
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

/// A body without the mark that some servers put before UTF-8.
pub fn without_bom(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)
}

pub(crate) fn decode<'de, T: Deserialize<'de>>(body: &'de [u8]) -> Result<T, DecodeError> {
    let body = without_bom(body);
    // To keep the path costs time, so it is asked for only where something does not fit.
    if let Ok(read) = serde_json::from_slice(body) {
        return Ok(read);
    }
    let mut json = serde_json::Deserializer::from_slice(body);
    let read = serde_path_to_error::deserialize(&mut json).map_err(|error| DecodeError {
        path: plain_path(&error.path().to_string()),
        why: mask::quoted(&error.inner().to_string()),
    })?;
    json.end()
        .map_err(|error| DecodeError { path: ".".to_owned(), why: mask::quoted(&error.to_string()) })?;
    Ok(read)
}

/// A path without the parser's own word for a value that is taken as its text.
fn plain_path(path: &str) -> String {
    match path.trim_end_matches("$serde_json::private::RawValue").trim_end_matches('.') {
        "" => ".".to_owned(),
        path => path.to_owned(),
    }
}

/// The rows of a list, each read by itself where they cannot be read together.
pub(crate) fn decode_rows<T: DeserializeOwned>(
    body: &[u8],
) -> Result<(Vec<T>, Vec<UnreadableRow>), DecodeError> {
    let body = without_bom(body);
    if let Ok(rows) = serde_json::from_slice(body) {
        return Ok((rows, Vec::new()));
    }
    let Ok(each) = serde_json::from_slice::<Vec<&RawValue>>(body) else {
        return decode(body).map(|rows| (rows, Vec::new()));
    };
    let mut unreadable = Vec::new();
    let rows = each.into_iter().enumerate();
    let rows = rows.filter_map(|(index, row)| read_one(index, row.get(), &mut unreadable)).collect();
    Ok((rows, unreadable))
}

fn read_one<T: DeserializeOwned>(index: usize, row: &str, unreadable: &mut Vec<UnreadableRow>) -> Option<T> {
    decode(row.as_bytes()).map_err(|error| unreadable.push(UnreadableRow::new(index, row, error))).ok()
}

/// An answer of which no row at all can be read is of another form, rather than a list with odd rows: to show it as
/// an empty list would say that there is nothing.
pub(crate) fn some_readable(rows: usize, unreadable: &[UnreadableRow]) -> Result<(), DecodeError> {
    match unreadable.first() {
        Some(first) if rows == 0 => Err(first.clone().into_error()),
        _ => Ok(()),
    }
}

/// The entries of a list, or of an object that is keyed by names, with what of it could not be read.
///
/// An entry that does not fit hides no other. Where none fits at all, the answer is an error.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entries<T> {
    /// Place in the answer, name (none in a list) and value, in the server's order.
    pub entries: Vec<(usize, Option<String>, T)>,
    /// Entries that could not be read.
    pub unreadable: Vec<UnreadableRow>,
}

impl<T> Entries<T> {
    /// Counts the entries as unreadable whose name is none.
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
                    unreadable.push(UnreadableRow::new(index, &name.unwrap_or_default(), error));
                }
            }
        }
        unreadable.sort_by_key(|row| row.index);
        (named, unreadable)
    }
}

impl<T: DeserializeOwned> FromResponse for Entries<T> {
    fn from_response(_: &Head, body: &Bytes) -> Result<Self, DecodeError> {
        let body = without_bom(body);
        let number = |entries: Vec<(Option<String>, T)>| {
            let entries = entries.into_iter().enumerate();
            entries.map(|(index, (name, value))| (index, name, value)).collect()
        };
        let (entries, unreadable) = match serde_json::from_slice::<Named<&RawValue>>(body) {
            Err(_) => (number(decode::<Named<T>>(body)?.0), Vec::new()),
            Ok(Named(each)) => {
                let mut unreadable = Vec::new();
                let each = each.into_iter().enumerate();
                let entries = each.filter_map(|(index, (name, raw))| {
                    Some((index, name, read_one(index, raw.get(), &mut unreadable)?))
                });
                (entries.collect::<Vec<_>>(), unreadable)
            }
        };
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

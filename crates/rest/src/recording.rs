//! Calls and their answers, kept in a file, for tests without a socket.
//!
//! `entries.rs` makes an entry of a call, without what `hiding.rs` leaves out, `compare.rs` finds the entry that answers a call, and `tape.rs` puts
//! both between a client and its connection.

mod compare;
mod entries;
mod table;
mod tape;

pub use tape::{Recorder, Replay};
pub(crate) use tape::{Tape, Tapes};

use crate::Method;
use crate::hiding::{Json, MARK};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, path::Path};

/// Version of the file's format. It is raised by a change that an older version of this crate cannot read.
const FORMAT: u32 = 1;
/// Most bytes of a body that is replayed as zeros, so that a file cannot ask for any amount of memory.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// Calls with their answers, in order: recorded by a [`Recorder`], or written by hand, and replayed by a [`Replay`].
///
/// The file is readable JSON, in a stable order and with every digit as it came, so that it can be kept beside a test and
/// checked in a review.
///
/// A recording holds no header of a request, no key, no nonce, no signature and no secret. `"[sensitive]"` replaces:
///
/// * each value of a [`Sensitive`](capecrypto_models::Sensitive) argument, and each value whose name stands for a secret, such
///   as `secret`, `otp_code` or `voucher_pin`, at any depth, and the names that [`Call::secrets`](crate::Call::secrets) adds;
/// * each text or number that holds the client's key or secret, the attempt's nonce or signature, a sensitive argument, or
///   a text given to [`Recorder::hide`], escaped or not. A secret shorter than six characters is replaced only if it is the
///   whole text. A number of the answer that equals the nonce is a time in the same millisecond: it is cut to its second.
///
/// The mark is always a text. A field of text can therefore still be read, but one that was a number or an object cannot. Of
/// a form, only the names of its fields and the sizes of its files are kept. An answer in JSON or CSV is kept. Of any other
/// text the shape is kept, and of bytes the number; they are replayed as zeros.
///
/// Entries that you write by hand are kept as you wrote them.
///
/// ```
/// use capecrypto_rest::Recording;
/// use http::Method;
/// let recording = Recording::new()
///     .answer(Method::GET, "/api/v2/atlas/public/timestamp", 200, "1700000000123")
///     .answer(Method::GET, "/api/v2/atlas/public/markets?limit=1", 503, "");
/// assert_eq!(Recording::from_json(&recording.to_json())?, recording);
/// # Ok::<(), capecrypto_rest::RecordingError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recording {
    calls: Vec<RecordedCall>,
}

/// A call with its answer.
///
/// To write one by hand, set the question with [`new`](Self::new) and [`asking`](Self::asking), and the answer with
/// [`body`](Self::body) and [`header`](Self::header).
///
/// ```
/// use capecrypto_rest::{RecordedCall, Recording};
/// use http::Method;
/// let placed = RecordedCall::new(Method::POST, "/api/v2/atlas/market/orders", 201)
///     .asking(r#"{"market":"btczar","side":"buy","volume":"0.1","price":"800000"}"#)?
///     .body(r#"{"id":7,"market":"btczar","state":"pending"}"#);
/// let table = RecordedCall::new(Method::GET, "/api/v2/atlas/account/transactions", 200)
///     .header("content-type", "text/csv")
///     .body("id,type\n1,deposit\n");
/// let recording = Recording::new().with(placed).with(table);
/// assert_eq!(recording.calls().len(), 2);
/// # Ok::<(), capecrypto_rest::RecordingError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct RecordedCall(Entry);

/// Why a recording cannot be read, written or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordingError {
    /// The file cannot be read or written.
    #[error(
        "the recording {path} cannot be read or written: {source}; check the path, which in a test is relative to the crate's folder"
    )]
    File {
        /// The file.
        path: String,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// The text is not a recording.
    #[error("this is not a recording: {0}; record it again, or compare it with one that was recorded")]
    Malformed(String),
    /// Its format is not known to this version.
    #[error(
        "the recording's format is {0}, but this version reads {FORMAT}; record it again with this version"
    )]
    Format(u32),
    /// An entry that was written by hand is malformed.
    #[error("entry {number}: {problem}")]
    Entry {
        /// Its number, from 1; 0 if it is not in a recording yet.
        number: usize,
        /// What is wrong, and what to write instead.
        problem: String,
    },
}

/// Content of the file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: u32,
    calls: Vec<Entry>,
}

/// The part of the file that is the same in all formats.
#[derive(Deserialize)]
struct Format {
    format: u32,
}

/// The question: a call without its answer.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    call: String,
    method: String,
    path: String,
    /// Each `name=value`, without escapes.
    query: Vec<String>,
    request: Option<Request>,
}

/// A call with its answer, as the file has it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    /// Name of the request's type; empty if the entry was written by hand.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    call: String,
    method: String,
    path: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    query: Vec<String>,
    /// The body that the call sends. Without one, a call with any body fits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    request: Option<Request>,
    status: u16,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<String, String>,
    /// `None` if the body is empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answer: Option<Body>,
}

/// The body that a call sends.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Request {
    Json(Json),
    Form(Vec<Field>),
}

/// A field of a form; for a file, with its size.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Field {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
}

/// The body of an answer.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Body {
    Json(Json),
    Text(String),
    /// This many bytes that are not text.
    Bytes(usize),
}

impl Recording {
    /// An empty recording.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an answer by hand, for a call with this method, path and query and with any body.
    ///
    /// The path starts at the host's root, as in `/api/v2/atlas/public/markets?limit=10`. The answer's body is JSON, any
    /// other text, or empty. [`RecordedCall`] can set more.
    #[must_use = "a recording is returned, not changed"]
    #[allow(clippy::needless_pass_by_value, reason = "as `Client::raw` takes it")]
    pub fn answer(self, method: http::Method, path_and_query: &str, status: u16, body: &str) -> Self {
        self.with(RecordedCall::new(method, path_and_query, status).body(body))
    }

    /// Adds a call.
    #[must_use = "a recording is returned, not changed"]
    pub fn with(mut self, call: RecordedCall) -> Self {
        self.calls.push(call);
        self
    }

    /// The calls, in order.
    pub fn calls(&self) -> &[RecordedCall] {
        &self.calls
    }

    /// Whether it has no calls.
    pub fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// Reads the text that [`to_json`](Self::to_json) wrote.
    ///
    /// # Errors
    /// [`RecordingError`] if the text is not a recording, or has another format.
    pub fn from_json(text: &str) -> Result<Self, RecordingError> {
        let malformed = |error: serde_json::Error| RecordingError::Malformed(error.to_string());
        let Format { format } = serde_json::from_str(text).map_err(malformed)?;
        if format != FORMAT {
            return Err(RecordingError::Format(format));
        }
        let File { calls, .. } = serde_json::from_str(text).map_err(malformed)?;
        let recording = Self { calls: calls.into_iter().map(RecordedCall).collect() };
        recording.check()?;
        Ok(recording)
    }

    /// The recording as readable JSON, with a line break at its end.
    pub fn to_json(&self) -> String {
        let calls = self.calls.iter().map(|call| call.0.clone()).collect();
        // This could only fail for a map whose keys are not text, and there is none.
        let mut text = serde_json::to_string_pretty(&File { format: FORMAT, calls }).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Reads a file. It blocks while it reads.
    ///
    /// # Errors
    /// [`RecordingError`] if the file cannot be read or is not a recording.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, RecordingError> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path).map_err(|source| file_error(path, source))?;
        Self::from_json(&text)
    }

    /// Writes a file and replaces an existing one. It blocks while it writes.
    ///
    /// # Errors
    /// [`RecordingError::File`] if the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), RecordingError> {
        let path = path.as_ref();
        std::fs::write(path, self.to_json()).map_err(|source| file_error(path, source))
    }

    /// Checks that each entry can be replayed.
    pub(crate) fn check(&self) -> Result<(), RecordingError> {
        for (number, call) in (1..).zip(&self.calls) {
            call.0.check().map_err(|problem| RecordingError::Entry { number, problem })?;
        }
        Ok(())
    }
}

fn file_error(path: &Path, source: std::io::Error) -> RecordingError {
    RecordingError::File { path: path.display().to_string(), source }
}

impl RecordedCall {
    /// An answer without a body, for a call with this method, path and query. The path starts at the host's root.
    #[allow(clippy::needless_pass_by_value, reason = "as `Client::raw` takes it")]
    pub fn new(method: http::Method, path_and_query: &str, status: u16) -> Self {
        let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
        let pairs = form_urlencoded::parse(query.as_bytes());
        let asked = Asked {
            call: String::new(),
            method: method.to_string(),
            path: path.to_owned(),
            query: pairs.map(|(name, value)| format!("{name}={value}")).collect(),
            request: None,
        };
        Self(Entry::new(asked, status, BTreeMap::new(), None))
    }

    /// Makes it answer only a call that sends this JSON. Members may be in any order, but numbers must have the same digits.
    /// The text `"[sensitive]"` fits any value.
    ///
    /// # Errors
    /// [`RecordingError::Entry`] if the text is not JSON.
    pub fn asking(mut self, json: &str) -> Result<Self, RecordingError> {
        let Some(json) = Json::parse(json.as_bytes()) else {
            let problem =
                "the text given to `asking` is not JSON; give the body that the call sends".to_owned();
            return Err(RecordingError::Entry { number: 0, problem });
        };
        self.0.request = Some(Request::Json(json));
        Ok(self)
    }

    /// Sets the answer's body: JSON, any other text, or no body if the text is empty.
    #[must_use = "a call is returned, not changed"]
    pub fn body(mut self, text: &str) -> Self {
        self.0.answer = match Json::parse(text.as_bytes()) {
            Some(json) => Some(Body::Json(json)),
            None => Some(Body::Text(text.to_owned())).filter(|_| !text.is_empty()),
        };
        self
    }

    /// Sets a header of the answer: `content-type`, `page`, `per-page`, `total`, `retry-after` or `date`. A client refuses to
    /// replay any other header.
    #[must_use = "a call is returned, not changed"]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.0.headers.insert(name.to_ascii_lowercase(), value.to_owned());
        self
    }

    /// Name of the request's type, such as `CreateOrder`; empty if the entry was written by hand.
    pub fn call(&self) -> &str {
        &self.0.call
    }

    /// Name of the method, in upper case.
    pub fn method(&self) -> &str {
        &self.0.method
    }

    /// The path, from the host's root.
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// The query's parameters, each as `name=value` without escapes.
    pub fn query(&self) -> &[String] {
        &self.0.query
    }

    /// HTTP status of the answer.
    pub fn status(&self) -> u16 {
        self.0.status
    }
}

/// Prints the call without query and bodies, because they may be personal.
impl fmt::Debug for RecordedCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Entry { call, method, path, status, .. } = &self.0;
        write!(f, "RecordedCall({call} {method} {path}: {status})")
    }
}

impl Entry {
    fn new(asked: Asked, status: u16, headers: BTreeMap<String, String>, answer: Option<Body>) -> Self {
        let Asked { call, method, path, query, request } = asked;
        Self { call, method, path, query, request, status, headers, answer }
    }

    /// All parts that come from the call, as one text.
    fn whole_text(&self) -> String {
        let parts = (&self.path, &self.query, &self.request, &self.headers, &self.answer);
        let mut text = serde_json::to_string(&parts).unwrap_or_default();
        if let Some(Body::Text(plain)) = &self.answer {
            text.push_str(plain);
        }
        text
    }

    /// Leaves out all parts that come from the call.
    fn withhold(&mut self) {
        MARK.clone_into(&mut self.path);
        self.query.clear();
        self.request = None;
        self.headers.clear();
        self.answer = Some(Body::Text(MARK.to_owned()));
    }

    fn check(&self) -> Result<(), String> {
        let known =
            http::Method::from_bytes(self.method.as_bytes()).ok().and_then(|method| Method::of(&method));
        if known.is_none() {
            return Err(format!(
                "the API does not use the method {:?}; give GET, POST, PUT, PATCH or DELETE",
                self.method
            ));
        }
        if !self.path.starts_with('/') && self.path != MARK {
            return Err(format!(
                "the path {:?} does not begin with a slash; give the whole path from the host's root",
                self.path
            ));
        }
        if !(200..1_000).contains(&self.status) {
            return Err(format!(
                "the status {} does not belong to a complete answer; give one from 200 to 999",
                self.status
            ));
        }
        for (name, value) in &self.headers {
            if !entries::HEADERS.contains(&name.as_str()) {
                return Err(format!(
                    "the header {name:?} is not replayed; give one of {}",
                    entries::HEADERS.join(", ")
                ));
            }
            if http::HeaderValue::from_str(value).is_err() {
                return Err(format!("the value of the header {name:?} cannot be sent; give plain ASCII"));
            }
        }
        match self.answer {
            Some(Body::Bytes(bytes)) if bytes > MOST_BYTES => {
                Err("the answer has more than 16 MiB, which no call reads; give fewer bytes".to_owned())
            }
            _ => Ok(()),
        }
    }
}

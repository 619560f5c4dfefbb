//! The part between a client and its connection: a recorder, or a recording that replaces the connection.

use super::{
    Asked, Body, Entry, RecordedCall, Recording,
    compare::{Difference, difference},
};
use crate::{
    Error, Head, Kind, Outcome, body,
    connection::{AnswerBody, Http, RequestBody},
    hiding::Secrets,
    motion::Motion,
    outgoing::Outgoing,
    transport::Shared,
};
use bytes::Bytes;
use capecrypto_auth::Credentials;
use capecrypto_models::Sensitive;
use http::{HeaderMap, HeaderName, HeaderValue};
use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Records the calls of a client, for [`Builder::record`](crate::Builder::record). Clones are cheap and share what was
/// recorded. [`Recording`] says what is left out.
///
/// Each attempt that got an answer is an entry, so a call that was tried again has several. Entries are in the order in
/// which the answers were complete. Use a recorder in tests only: it holds all entries in memory, and reads each answer
/// completely (up to 16 MiB) before it passes it on.
///
/// ```no_run
/// use capecrypto_auth::{Credentials, Environment};
/// use capecrypto_rest::{Client, Recorder};
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let recorder = Recorder::new();
/// let client =
///     Client::builder(Environment::live()).credentials(Credentials::from_env()?).record(&recorder).build()?;
/// client.raw(http::Method::GET, "/api/v2/atlas/account/balances").send().await?;
/// recorder.recording().save("tests/recordings/balances.json")?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Recorder(Arc<Mutex<Recorded>>);

#[derive(Default)]
struct Recorded {
    calls: Vec<RecordedCall>,
    hidden: Vec<Sensitive<String>>,
}

/// Answers the calls of a client from a recording, for [`Builder::replay`](crate::Builder::replay). Clones are cheap and share
/// the list of used entries.
///
/// A call is answered by the first unused entry with the same method, path, query and JSON body. Parameters and members may
/// be in any order, but numbers must have the same digits. A call without an entry is an error of
/// [`Kind::NotRecorded`], which says how the nearest entry differs.
///
/// ```
/// use capecrypto_auth::Environment;
/// use capecrypto_rest::{Client, Kind, Recording, Replay};
/// use http::Method;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let recording = Recording::new().answer(Method::GET, "/api/v2/atlas/public/timestamp", 200, "1700000000123");
/// let replay = Replay::new(recording);
/// let client = Client::builder(Environment::live()).replay(&replay).build()?;
///
/// let reply = client.raw(Method::GET, "/api/v2/atlas/public/timestamp").send().await?;
/// assert_eq!(&*reply.body, b"1700000000123");
/// assert!(replay.unused().is_empty());
///
/// let error = client.raw(Method::GET, "/api/v2/atlas/public/timestamp").send().await.unwrap_err();
/// assert_eq!(error.kind(), Kind::NotRecorded);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Replay(Arc<Mutex<Vec<(RecordedCall, bool)>>>);

/// What a builder was given of the two.
#[derive(Debug, Default)]
pub(crate) struct Tapes {
    pub(crate) recorder: Option<Recorder>,
    pub(crate) replay: Option<Replay>,
}

impl Tapes {
    /// Whether answers come from a recording.
    pub(crate) fn replays(&self) -> bool {
        self.replay.is_some()
    }

    /// The tape of a client with these credentials.
    pub(crate) fn tape(self, credentials: Option<&Credentials>) -> Result<Option<Tape>, Error> {
        if let Some(replay) = &self.replay {
            replay.check()?;
        }
        match (self.replay, self.recorder) {
            (Some(_), Some(_)) => {
                Err(Error::config("record and replay: a client can do only one of them; leave the other out"))
            }
            (Some(replay), None) => Ok(Some(Tape::Replay(replay))),
            (None, Some(recorder)) => Ok(Some(Tape::Record(recorder, credentials.cloned()))),
            (None, None) => Ok(None),
        }
    }
}

/// The recorder or recording of a client.
#[derive(Debug)]
pub(crate) enum Tape {
    /// The credentials must not be recorded.
    Record(Recorder, Option<Credentials>),
    Replay(Replay),
}

impl Recorder {
    /// A recorder without any calls.
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on, leaves out each text that holds this value. Use it for a secret that this crate cannot know, such as the
    /// secret of your own signature scheme, or a person's name. For a value shorter than six characters, only a text that is
    /// equal to it is left out.
    pub fn hide(&self, value: impl Into<Sensitive<String>>) {
        self.lock().hidden.push(value.into());
    }

    /// The calls recorded so far.
    pub fn recording(&self) -> Recording {
        Recording { calls: self.lock().calls.clone() }
    }

    fn lock(&self) -> MutexGuard<'_, Recorded> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends the request, and records it with its answer.
    async fn carry(
        &self,
        credentials: Option<&Credentials>,
        http: &Http,
        request: http::Request<RequestBody>,
        outgoing: &Outgoing,
        motion: &Motion,
    ) -> Result<(Head, AnswerBody), Error> {
        let mut secrets = Secrets::of(outgoing);
        secrets.add_signed(outgoing, request.headers());
        if let Some(credentials) = credentials {
            secrets.add(credentials.key());
            secrets.add(&String::from_utf8_lossy(credentials.secret()));
        }
        let (head, answer) = http.send(request).await?;
        let body = body::read(answer, head.status, motion).await;
        let body = body.map_err(|error| error.with_status(head.status))?;
        let mut recorded = self.lock();
        for hidden in &recorded.hidden {
            secrets.add(hidden.expose());
        }
        recorded.calls.push(RecordedCall(secrets.entry(outgoing, &head, &body)));
        drop(recorded);
        Ok((head, AnswerBody::Whole(body)))
    }
}

impl Replay {
    /// A replay of this recording.
    pub fn new(recording: Recording) -> Self {
        Self(Arc::new(Mutex::new(recording.calls.into_iter().map(|call| (call, false)).collect())))
    }

    /// The entries that have not answered a call so far: there are none when a test has made all calls.
    pub fn unused(&self) -> Recording {
        let unused = self.lock().iter().filter(|(_, used)| !used).map(|(call, _)| call.clone()).collect();
        Recording { calls: unused }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(RecordedCall, bool)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Checks that each entry can be replayed.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let calls = self.lock().iter().map(|(call, _)| call.clone()).collect();
        Recording { calls }.check().map_err(|error| Error::config(format!("replay: {error}")))
    }

    fn answer(&self, outgoing: &Outgoing) -> Result<(Head, AnswerBody), Error> {
        // Leave out of the question what was left out of the recording, so that both can be equal.
        let asked = Secrets::of(outgoing).asked(outgoing);
        let mut calls = self.lock();
        let fits = |(call, used): &&mut (RecordedCall, bool)| {
            !*used && difference(&asked, &call.0) == Difference::None
        };
        match calls.iter_mut().find(fits) {
            Some((call, used)) => {
                *used = true;
                Ok(call.0.answer())
            }
            None => Err(not_recorded(&asked, &calls)),
        }
    }
}

fn not_recorded(asked: &Asked, calls: &[(RecordedCall, bool)]) -> Error {
    let names: Vec<_> = asked.query.iter().filter_map(|pair| pair.split('=').next()).collect();
    let query = if names.is_empty() { String::new() } else { format!("?{}", names.join("&")) };
    let all =
        (1..).zip(calls).map(|(number, (call, used))| (difference(asked, &call.0), *used, number, &call.0));
    // If two entries differ equally, an unused one is more likely the one that the test means.
    let nearest =
        all.min_by(|one, other| (rank(&one.0), one.1, one.2).cmp(&(rank(&other.0), other.1, other.2)));
    let hint = match nearest {
        None => "the recording is empty".to_owned(),
        Some((Difference::Call, ..)) => "the recording has no similar entry".to_owned(),
        Some((difference, _, number, entry)) => {
            format!("the nearest entry, number {number}, {}", difference.in_words(entry))
        }
    };
    let what = format!(
        "no answer is left for {} {}{query}; {hint}; record the call, or write its answer by hand",
        asked.method, asked.path
    );
    Error::new(Kind::NotRecorded, Outcome::NotSent, what)
}

/// Sorts differences from near to far; if two are in the same part, the one with fewer differences comes first.
fn rank(difference: &Difference) -> (u8, usize) {
    match difference {
        Difference::None => (0, 0),
        Difference::Body(places) => (1, places.len()),
        Difference::Query(names) => (2, names.len()),
        Difference::Path => (3, 0),
        Difference::Call => (4, 0),
    }
}

impl Shared {
    /// Whether answers come from a recording, so that no connection is opened.
    pub(crate) fn replays(&self) -> bool {
        matches!(self.tape, Some(Tape::Replay(_)))
    }
}

impl Tape {
    /// Gets the answer to a request, from the exchange or from the recording.
    pub(crate) async fn carry(
        &self,
        http: &Http,
        request: http::Request<RequestBody>,
        outgoing: &Outgoing,
        motion: &Motion,
    ) -> Result<(Head, AnswerBody), Error> {
        match self {
            Self::Record(recorder, credentials) => {
                recorder.carry(credentials.as_ref(), http, request, outgoing, motion).await
            }
            Self::Replay(replay) => replay.answer(outgoing),
        }
    }
}

impl Entry {
    fn answer(&self) -> (Head, AnswerBody) {
        let body = match &self.answer {
            None => Bytes::new(),
            Some(Body::Json(json)) => json.to_text().into(),
            Some(Body::Text(text)) => text.clone().into(),
            Some(Body::Bytes(bytes)) => vec![0; *bytes].into(),
        };
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let name = HeaderName::from_bytes(name.as_bytes());
            let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) else { continue };
            headers.insert(name, value);
        }
        (Head { status: self.status, headers }, AnswerBody::Whole(body))
    }
}

impl From<Recording> for Replay {
    fn from(recording: Recording) -> Self {
        Self::new(recording)
    }
}

impl From<&Self> for Replay {
    fn from(replay: &Self) -> Self {
        replay.clone()
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recorder({} calls)", self.lock().calls.len())
    }
}

impl fmt::Debug for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Replay({} calls)", self.lock().len())
    }
}

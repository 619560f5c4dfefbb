//! Intents: what is known of each write that must not be repeated, kept from before its first byte leaves until its end is
//! known.
//!
//! `arguments.rs` decides what an intent says about its request, `memory.rs` and `file.rs` keep intents.

mod arguments;
mod file;
mod memory;

pub use file::FileIntentLog;
pub use memory::MemoryIntentLog;

use crate::{Client, Error, Kind, Outcome, outgoing::Outgoing, transport::Shared};
use arguments::Said;
use capecrypto_models::{Malformed, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::{borrow::Cow, fmt, future::poll_fn, pin::Pin, str::FromStr, sync::Arc, task::Poll};

/// The answer of an [`IntentLog`], which may take time to write.
pub type LogFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, IntentLogError>> + Send + 'a>>;

/// Keeps intents: notes of writes that must not be repeated.
///
/// Before such a write leaves, the client notes its intent here: which call, when, for whom, and with which arguments. When
/// the end is known, the client notes it too. An intent stays open if its write may have been done:
///
/// * the outcome is [`Outcome::Unknown`];
/// * the call's future was dropped, or the process ended, before the end was known.
///
/// Look up each open intent at the exchange before you send the write again, then [`close`](Self::close) it.
///
/// Reads and idempotent writes have no intent. The values of secret arguments are never noted, only their names: those that
/// a recording leaves out too (see [`Recording`](crate::Recording)).
///
/// The default is [`MemoryIntentLog`], which is lost with the process. [`FileIntentLog`] outlives it. Set another one with
/// [`Builder::intent_log`](crate::Builder::intent_log).
pub trait IntentLog: fmt::Debug + Send + Sync {
    /// Notes that a write is about to be sent. It must be kept for good when this returns.
    ///
    /// # Errors
    /// The intent cannot be kept. Then nothing is sent, and the call fails with [`Kind::IntentLog`] and
    /// [`Outcome::NotSent`].
    fn begin(&self, intent: Intent) -> LogFuture<'_, ()>;

    /// Notes the end of a write. [`Outcome::Unknown`] keeps the intent open, any other outcome closes it. An id that is not
    /// open is no error.
    ///
    /// # Errors
    /// The end cannot be kept, so the intent stays open. The call's result is not changed by this; a warning is logged.
    fn end(&self, id: IntentId, outcome: Outcome) -> LogFuture<'_, ()>;

    /// The intents that are open, oldest first. Those of writes that are being sent now are among them.
    ///
    /// # Errors
    /// The log cannot be read.
    fn open(&self) -> LogFuture<'_, Vec<Intent>>;

    /// Closes an intent after you have looked up what became of its write. The note is for people who read the log; do not
    /// put secrets into it.
    ///
    /// # Errors
    /// The intent is not open, or the note cannot be kept.
    fn close<'a>(&'a self, id: IntentId, note: &'a str) -> LogFuture<'a, ()>;
}

/// Why an intent cannot be kept or read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct IntentLogError(String);

impl IntentLogError {
    /// An error with this text. It becomes a part of the call's error, so it must not hold secrets.
    pub fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }

    /// The error for closing what is not open.
    fn not_open(id: IntentId) -> Self {
        Self(format!("the intent {id} is not open; take the id from an open intent"))
    }
}

/// Identifies an intent: 128 random bits, written as 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IntentId(u128);

impl IntentId {
    /// A new one.
    fn random() -> Self {
        // It must be unique and need not be secret, so a fast generator is enough.
        Self(fastrand::u128(..))
    }
}

impl fmt::Display for IntentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for IntentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for IntentId {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let digits = text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit());
        let id = u128::from_str_radix(text, 16).ok().filter(|_| digits);
        id.map(Self).ok_or_else(|| {
            Malformed::new("it is not the id of an intent", "give 32 hexadecimal digits, as the log has them")
        })
    }
}

impl Serialize for IntentId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for IntentId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<str>::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// What is known of the end of an open intent's write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntentState {
    /// No end was noted: the write is being sent now, its future was dropped, or the process ended.
    Begun,
    /// The call failed with [`Outcome::Unknown`].
    Unknown,
}

/// A note of a write that must not be repeated: which call, when, for whom, and with which arguments.
///
/// Values of secret arguments are replaced by `"[sensitive]"`. `Debug` shows only the names of the arguments, because their
/// values may be personal. As JSON it has all values, so that a log of your own can store it.
#[derive(Clone)]
pub struct Intent {
    id: IntentId,
    at: Timestamp,
    call: Cow<'static, str>,
    origin: Arc<str>,
    acting_as: Option<Arc<str>>,
    said: Said,
    state: IntentState,
}

impl Intent {
    /// A note of your own, for work that needs several calls: what a program must know about it after a crash. Give it to
    /// [`IntentLog::begin`], and [`close`](IntentLog::close) it when the work is done.
    ///
    /// `work` is the name of the work, which no call may have. The facts are kept as they are, so they must not be secret.
    pub fn of_work(client: &Client, work: &'static str, facts: Vec<(&'static str, String)>) -> Self {
        let arguments = facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Self {
            id: IntentId::random(),
            at: client.now(),
            call: Cow::Borrowed(work),
            origin: client.shared.origin_text.clone(),
            acting_as: None,
            said: Said::Written { path: String::new(), arguments },
            state: IntentState::Begun,
        }
    }

    /// Its id.
    pub fn id(&self) -> IntentId {
        self.id
    }

    /// When the call began, by the client's clock.
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// The call's name, such as `CreateOrder`; `raw` for a call by hand.
    pub fn call(&self) -> &str {
        &self.call
    }

    /// The environment's origin, such as `https://trade.capecrypto.com`.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The uid that the call acts for.
    pub fn acting_as(&self) -> Option<&str> {
        self.acting_as.as_deref()
    }

    /// The path from the host's root.
    pub fn path(&self) -> Cow<'_, str> {
        self.said.path()
    }

    /// The arguments as they are sent: names and values, from path, query and body. A member of an object has a name such as
    /// `address.city`, an element of a list one such as `tags[0]`. Of a file only the size is kept. Then come the facts that
    /// the request itself adds ([`Endpoint::facts`](crate::Endpoint::facts)).
    pub fn arguments(&self) -> Cow<'_, [(String, String)]> {
        self.said.arguments()
    }

    /// The value of the argument with this name.
    pub fn argument(&self, name: &str) -> Option<String> {
        self.arguments().iter().find(|(given, _)| given == name).map(|(_, value)| value.clone())
    }

    /// What is known of its end.
    pub fn state(&self) -> IntentState {
        self.state
    }

    /// The same without anything that only memory may hold, such as a body with a secret.
    fn written(self) -> Self {
        Self { said: self.said.written(), ..self }
    }
}

impl fmt::Debug for Intent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let arguments = self.arguments();
        let names: Vec<_> = arguments.iter().map(|(name, _)| name).collect();
        f.debug_struct("Intent")
            .field("id", &self.id)
            .field("at", &self.at)
            .field("call", &self.call)
            .field("state", &self.state)
            .field("arguments", &names)
            .finish_non_exhaustive()
    }
}

/// An intent as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form<'a> {
    id: IntentId,
    at: Timestamp,
    call: Cow<'a, str>,
    origin: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    acting_as: Option<Cow<'a, str>>,
    path: Cow<'a, str>,
    arguments: Cow<'a, [(String, String)]>,
    state: IntentState,
}

impl Serialize for Intent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Form {
            id: self.id,
            at: self.at,
            call: Cow::Borrowed(&self.call),
            origin: Cow::Borrowed(&self.origin),
            acting_as: self.acting_as().map(Cow::Borrowed),
            path: self.path(),
            arguments: self.arguments(),
            state: self.state,
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Intent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Form { id, at, call, origin, acting_as, path, arguments, state } =
            Form::deserialize(deserializer)?;
        Ok(Self {
            id,
            at,
            call: Cow::Owned(call.into_owned()),
            origin: origin.into(),
            acting_as: acting_as.map(Arc::from),
            said: Said::Written { path: path.into_owned(), arguments: arguments.into_owned() },
            state,
        })
    }
}

impl Shared {
    /// Notes the intent of a write that must not be repeated; `None` for any other call.
    pub(crate) async fn begin_intent(
        &self,
        outgoing: &Outgoing,
        facts: impl FnOnce() -> Vec<(&'static str, String)>,
    ) -> Result<Option<IntentId>, Error> {
        if outgoing.idempotent {
            return Ok(None);
        }
        let id = IntentId::random();
        let now = i64::try_from(self.clock.now_ms()).unwrap_or(i64::MAX);
        let intent = Intent {
            id,
            at: Timestamp::from_unix_millis(now).map_err(|error| Error::config(error.to_string()))?,
            call: Cow::Borrowed(outgoing.call.name),
            origin: self.origin_text.clone(),
            acting_as: outgoing.acting_as.clone(),
            said: Said::of(outgoing, facts()),
            state: IntentState::Begun,
        };
        let Err(error) = self.in_time(self.intents.begin(intent)).await else { return Ok(Some(id)) };
        let what = error.to_string();
        let error = Error::new(Kind::IntentLog, Outcome::NotSent, what).with_source(error);
        Err(self.add_context(error, outgoing))
    }

    /// Waits for the log, with a deadline.
    async fn in_time(&self, mut work: LogFuture<'_, ()>) -> Result<(), IntentLogError> {
        // The log in memory is ready at once and needs no timer.
        if let Poll::Ready(done) = poll_fn(|context| Poll::Ready(work.as_mut().poll(context))).await {
            return done;
        }
        let limit = self.timeouts.queue;
        tokio::time::timeout(limit, work).await.unwrap_or_else(|_| {
            Err(IntentLogError::new(format!(
                "the intent log did not answer within {limit:?}; check the disk"
            )))
        })
    }

    /// Notes the end of a write. If it may have been done, the error gets the intent's id; nothing else of the result changes.
    pub(crate) async fn end_intent<T>(&self, id: Option<IntentId>, result: &mut Result<T, Error>) {
        let Some(id) = id else { return };
        let outcome = result.as_ref().map_or_else(Error::outcome, |_| Outcome::Confirmed);
        if let Err(why) = self.in_time(self.intents.end(id, outcome)).await {
            tracing::warn!(%id, ?outcome, %why, "the end of a write could not be noted; its intent stays open");
        }
        if let Err(error) = result
            && outcome == Outcome::Unknown
        {
            error.set_intent(id);
        }
    }
}

//! The error type of all calls.

use crate::{Call, Codes, IntentId, InvalidArgument, InvalidArguments, Method, mask, words};
use bytes::Bytes;
use std::{fmt, time::Duration};

/// What is known about the effect of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Nothing left this process.
    NotSent,
    /// The exchange itself refused the request or its signature: nothing was done.
    Refused,
    /// The exchange did it.
    Confirmed,
    /// It may have been done. Look it up before you send it again; this client never does.
    Unknown,
}

/// What went wrong. Each kind says whether the call is retried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// An argument was refused before anything was sent; the same call fails again.
    InvalidArgument,
    /// The client cannot be built or used with its settings, for example for a signed call without credentials.
    Config,
    /// Our own rate limit did not let the call leave in time, or too many calls are waiting; see
    /// [`Timeouts::queue`](crate::Timeouts::queue) and [`Rate`](crate::Rate). Nothing was sent.
    Queue,
    /// No connection: DNS, TCP, TLS or the proxy. Nothing was sent; reads are retried.
    Connect,
    /// A deadline passed. Reads are retried; the outcome of a write is unknown.
    Timeout,
    /// The connection broke. Reads are retried; the outcome of a write is unknown.
    Interrupted,
    /// The server redirects to another address. It is not followed, because the key would be sent there too.
    Redirect,
    /// Key, signature, clock or rights are wrong; see [`Error::hint`]. Not retried.
    Auth,
    /// The exchange does not have what was asked for (404). Not retried.
    NotFound,
    /// The exchange refuses the request as it stands. Not retried.
    Refused,
    /// The server has had a request with the same idempotency key before (409), so the earlier one arrived. This does not tell
    /// whether it succeeded. Not retried.
    Repeated,
    /// Too many requests; see [`Error::retry_after`]. Reads are retried if that is at most a minute. The outcome of a write is
    /// unknown unless the exchange itself says so in a code: a gateway may have counted a request that it had passed on.
    RateLimited,
    /// The exchange is under maintenance (503, 471). Reads are retried.
    Maintenance,
    /// The exchange failed (5xx). Reads are retried; the outcome of a write is unknown.
    Server,
    /// The answer is not from the exchange's API: an HTML page, or a status without meaning. Not retried.
    Unexpected,
    /// The answer is a success that cannot be read; see [`Error::path`]. Not retried.
    Decode,
    /// The answer is about something else than what was asked. Not retried.
    Mismatch,
    /// The answer is larger than the limit. Not retried.
    TooLarge,
    /// The answer could not be written out, because the writer failed. Not retried.
    Output,
    /// A file that is sent cannot be read, or has another length than was stated. Not retried.
    Input,
    /// The recording that is replayed has no entry for the call; see [`Replay`](crate::Replay). Nothing was sent. Not
    /// retried.
    NotRecorded,
    /// The intent of a write could not be kept; see [`IntentLog`](crate::IntentLog). Nothing was sent. Not retried.
    IntentLog,
}

/// Why a call failed, and what is known about its effect.
///
/// Its text holds no URL and no value of an answer. Of a JSON body it shows the keys and masks the values; of an error
/// answer it shows only the codes. Of a request it shows the start of a refused argument.
pub struct Error(Box<Inner>);

struct Inner {
    kind: Kind,
    outcome: Outcome,
    call: Option<Call>,
    what: String,
    status: Option<u16>,
    codes: Vec<String>,
    hint: Option<&'static str>,
    path: Option<String>,
    arguments: Vec<InvalidArgument>,
    body: Option<Bytes>,
    retry_after: Option<Duration>,
    skew_ms: Option<i64>,
    attempts: u32,
    /// Whether sending the call twice does no more than sending it once.
    repeatable: bool,
    intent: Option<IntentId>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    pub(crate) fn new(kind: Kind, outcome: Outcome, what: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            outcome,
            call: None,
            what: what.into(),
            status: None,
            codes: Vec::new(),
            hint: None,
            path: None,
            arguments: Vec::new(),
            body: None,
            retry_after: None,
            skew_ms: None,
            attempts: 0,
            repeatable: false,
            intent: None,
            source: None,
        }))
    }

    pub(crate) fn config(what: impl Into<String>) -> Self {
        Self::new(Kind::Config, Outcome::NotSent, what)
    }

    /// An error for an answer that is not a success, of any shape.
    pub(crate) fn answer(
        kind: Kind,
        outcome: Outcome,
        status: u16,
        codes: Vec<String>,
        body: impl Into<Bytes>,
    ) -> Self {
        let body = body.into();
        let what = if codes.is_empty() { mask::body(&body) } else { words::shown(&codes) };
        let mut error = Self::new(kind, outcome, what);
        error.0.status = Some(status);
        error.0.codes = codes;
        error.0.body = Some(body);
        error
    }

    /// An error for a successful answer that cannot be used. Error codes in its body are kept.
    pub(crate) fn unusable(
        kind: Kind,
        outcome: Outcome,
        what: String,
        status: u16,
        body: Bytes,
        form: Codes,
    ) -> Self {
        let mut error = Self::new(kind, outcome, what);
        error.0.status = Some(status);
        error.0.codes = words::read(&body, form).map(|words| words.codes).unwrap_or_default();
        error.0.body = Some(body);
        error
    }

    pub(crate) fn with_call(mut self, call: Call) -> Self {
        self.0.call = Some(call);
        self
    }

    pub(crate) fn with_attempts(mut self, attempts: u32) -> Self {
        self.0.attempts = attempts;
        self
    }

    /// Whether sending the call twice does no more than sending it once.
    pub(crate) fn with_repeatable(mut self, repeatable: bool) -> Self {
        self.0.repeatable = repeatable;
        self
    }

    /// Adds advice to the message.
    pub(crate) fn with_advice(mut self, advice: &str) -> Self {
        self.0.what.push_str("; ");
        self.0.what.push_str(advice);
        self
    }

    /// Makes the outcome unknown if an earlier attempt may have done the write.
    pub(crate) fn with_earlier_doubt(mut self, maybe_done: bool) -> Self {
        if maybe_done {
            self.0.outcome = Outcome::Unknown;
        }
        self
    }

    pub(crate) fn with_status(mut self, status: u16) -> Self {
        self.0.status = Some(status);
        self
    }

    pub(crate) fn with_path(mut self, path: String) -> Self {
        self.0.path = Some(path);
        self
    }

    pub(crate) fn with_retry_after(mut self, wait: Option<Duration>) -> Self {
        self.0.retry_after = wait;
        self
    }

    pub(crate) fn with_skew(mut self, skew_ms: Option<i64>) -> Self {
        self.0.skew_ms = skew_ms;
        self
    }

    /// Sets the hint of the first code that has one, if there is no hint yet.
    pub(crate) fn with_hint(mut self, hint: impl Fn(&str) -> Option<&'static str>) -> Self {
        self.0.hint = self.0.hint.or_else(|| self.0.codes.iter().find_map(|code| hint(code)));
        self
    }

    pub(crate) fn set_intent(&mut self, intent: IntentId) {
        self.0.intent = Some(intent);
    }

    pub(crate) fn with_source(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.0.source = Some(Box::new(source));
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// What is known about the effect of a write. For a read, it says how far the call got.
    pub fn outcome(&self) -> Outcome {
        self.0.outcome
    }

    /// The call that failed; `None` if the client could not be built.
    pub fn call(&self) -> Option<Call> {
        self.0.call
    }

    /// HTTP status of the last answer.
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// Error codes from the server, such as `market.account.insufficient_balance`, at most 16. There may be several in any
    /// order, so use [`has_code`](Self::has_code). If the server sends a sentence or a number instead, it is kept here, cut
    /// after 100 characters, and masked when the error is printed.
    pub fn codes(&self) -> &[String] {
        &self.0.codes
    }

    /// Whether the server named this code.
    pub fn has_code(&self, code: &str) -> bool {
        self.0.codes.iter().any(|each| each == code)
    }

    /// What to do about the error, for known codes.
    pub fn hint(&self) -> Option<&'static str> {
        self.0.hint
    }

    /// All refused arguments, each with the remedy.
    pub fn arguments(&self) -> &[InvalidArgument] {
        &self.0.arguments
    }

    /// The first refused argument.
    pub fn argument(&self) -> Option<&InvalidArgument> {
        self.0.arguments.first()
    }

    /// JSON path of the part of an answer that could not be read.
    pub fn path(&self) -> Option<&str> {
        self.0.path.as_deref()
    }

    /// How long the server asked to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The exchange's clock minus this machine's in milliseconds, if it was measured after a nonce was refused.
    pub fn skew_ms(&self) -> Option<i64> {
        self.0.skew_ms
    }

    /// The answer's body as it came, to find out what was done. It is complete for a successful answer that could not be
    /// used; of any other answer it has the first 64 KiB. It may hold secrets and personal data, so it is never printed.
    pub fn body(&self) -> Option<&[u8]> {
        self.0.body.as_deref()
    }

    /// Whether the same call may be sent again: the cause may be temporary, and either nothing was done or repeating the
    /// call does no harm. Wait first: see [`retry_after`](Self::retry_after).
    ///
    /// It is false for a refused key or argument: that fails again, and the exchange blocks an address that keeps trying.
    pub fn is_safe_to_retry(&self) -> bool {
        let may_pass = matches!(
            self.0.kind,
            Kind::Queue
                | Kind::Connect
                | Kind::Timeout
                | Kind::Interrupted
                | Kind::RateLimited
                | Kind::Maintenance
                | Kind::Server
        );
        may_pass && (self.0.outcome != Outcome::Unknown || self.0.repeatable)
    }

    /// The intent that stays open, because the write may have been done. Look it up, then
    /// [`close`](crate::IntentLog::close) it.
    pub fn intent(&self) -> Option<IntentId> {
        self.0.intent
    }

    /// Number of attempts that were made.
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// Whether a deadline passed.
    pub fn is_timeout(&self) -> bool {
        self.0.kind == Kind::Timeout
    }

    /// Whether the exchange does not have what was asked for.
    pub fn is_not_found(&self) -> bool {
        self.0.kind == Kind::NotFound
    }

    /// Whether there were too many requests.
    pub fn is_rate_limited(&self) -> bool {
        self.0.kind == Kind::RateLimited
    }

    /// Whether key, signature, clock or rights were refused.
    pub fn is_auth(&self) -> bool {
        self.0.kind == Kind::Auth
    }

    /// Whether the write may have been done.
    pub fn is_outcome_unknown(&self) -> bool {
        self.0.outcome == Outcome::Unknown
    }
}

impl From<InvalidArguments> for Error {
    fn from(arguments: InvalidArguments) -> Self {
        let mut error = Self::new(Kind::InvalidArgument, Outcome::NotSent, arguments.to_string());
        error.0.arguments = arguments.into_all();
        error
    }
}

impl From<InvalidArgument> for Error {
    fn from(argument: InvalidArgument) -> Self {
        InvalidArguments::from(argument).into()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(call) = self.0.call {
            write!(f, "{call}: ")?;
        }
        f.write_str(match self.0.kind {
            Kind::InvalidArgument => "invalid argument: ",
            Kind::Config => "the client cannot do this: ",
            Kind::Queue => "our own rate limit held the call back: ",
            Kind::Connect => "no connection: ",
            Kind::Timeout => "timed out: ",
            Kind::Interrupted => "the connection broke: ",
            Kind::Redirect => "a redirect is not followed: ",
            Kind::Auth => "not authorised: ",
            Kind::NotFound => "not found: ",
            Kind::Refused => "refused: ",
            Kind::Repeated => "the server has had this request before: ",
            Kind::RateLimited => "too many requests: ",
            Kind::Maintenance => "under maintenance: ",
            Kind::Server => "the exchange failed: ",
            Kind::Unexpected => "not an answer of the exchange: ",
            Kind::Decode => "the answer cannot be read: ",
            Kind::Mismatch => "the answer is about something else: ",
            Kind::TooLarge => "the answer is too large: ",
            Kind::Output => "the answer could not be written out: ",
            Kind::Input => "the file cannot be sent: ",
            Kind::NotRecorded => "not in the recording: ",
            Kind::IntentLog => "nothing was sent, because its intent could not be kept: ",
        })?;
        f.write_str(&self.0.what)?;
        if let Some(status) = self.0.status {
            write!(f, " (status {status})")?;
        }
        if let Some(wait) = self.0.retry_after {
            write!(f, "; wait {} s", wait.as_secs())?;
        }
        if let Some(skew) = self.0.skew_ms {
            write!(f, "; the exchange's clock is {skew} ms from this machine's")?;
        }
        if let Some(hint) = self.0.hint {
            write!(f, "; {hint}")?;
        }
        if self.0.outcome == Outcome::Unknown && self.0.call.is_some_and(|call| call.method != Method::Get) {
            f.write_str(if self.is_safe_to_retry() {
                "; it may have been done, and may be sent again"
            } else {
                "; it may have been done: look it up before sending it again"
            })?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error({:?}, {:?}, {:?})", self.0.kind, self.0.outcome, self.to_string())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| -> &(dyn std::error::Error + 'static) { source })
    }
}

//! The way of a call: limiter, clock, signature, sending, status, and whether to do it again.
//!
//! 1. A signature is made inside of the attempt: each has its own nonce.
//! 2. The status is looked at before anything is parsed.
//! 3. A write is tried again in one case only: a 401 names a refused nonce and says nothing else, which proves that the
//!    exchange did nothing.
//! 4. A write counts as refused only on the exchange's own word: on 422 and 404 an object with `errors` or `error`, on any
//!    other 4xx codes of its form or sentences of its software. All else may come from a gateway: the outcome is unknown.
//! 5. Nothing that a span or an error prints comes from a URL, a header or a body.

use crate::{
    Accept, Call, Error, Head, Kind, Outcome, Part, Timeouts,
    export::Receive,
    form,
    limit::{Limiter, MOST_WAITING, NoTurn},
    motion::{Motion, Progress},
    recording::Tape,
    retry::{self, Budget, Cause, Dates},
    words,
};
use bytes::Bytes;
use capecrypto_auth::{Clock, Environment, NonceError, NonceSource, Rejection, Sign, Skew, ToSign};
use capecrypto_models::Sensitive;
use http::{HeaderMap, HeaderValue, header};
use reqwest::Url;
use std::{
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;
use tracing::Instrument;

/// Largest body of a successful answer.
const LARGEST_BODY: usize = 16 * 1024 * 1024;
/// So much of any other answer is read: an error needs no more.
const LARGEST_ERROR: usize = 64 * 1024;
/// How long a burst of thousands of calls a second may hold back the next one.
const SIGN_WITHIN: Duration = Duration::from_secs(3);
/// The pause after a 429 that names no time.
const PAUSE: Duration = Duration::from_secs(1);

/// What a client's clones share.
pub(crate) struct Shared {
    pub(crate) environment: Environment,
    /// The environment's origin, parsed once.
    pub(crate) origin: Url,
    pub(crate) signer: Option<Arc<dyn Sign>>,
    pub(crate) clock: Clock,
    pub(crate) dates: Dates,
    pub(crate) nonces: Arc<NonceSource>,
    pub(crate) timeouts: Timeouts,
    pub(crate) limiter: Limiter,
    pub(crate) budget: Budget,
    pub(crate) calls: reqwest::Client,
    pub(crate) sockets: reqwest::Client,
    /// What takes calls down, or answers them without a connection.
    pub(crate) tape: Option<Tape>,
    /// Whether we already warned about an implausible date.
    pub(crate) warned_of_date: AtomicBool,
    /// Whether the runtime around us was found good.
    pub(crate) runtime_known: AtomicBool,
}

/// A call, written out.
pub(crate) struct Outgoing {
    pub(crate) call: Call,
    pub(crate) path_and_query: String,
    pub(crate) content: Content,
    pub(crate) acting_as: Option<Arc<str>>,
    pub(crate) hint: fn(&str) -> Option<&'static str>,
    /// Whether sending it twice does no more than sending it once.
    pub(crate) idempotent: bool,
    /// Whether it leaves before others that wait for the rate limit.
    pub(crate) urgent: bool,
    /// Values that no recording may hold; gathered only where there is one.
    pub(crate) secrets: Vec<Sensitive<String>>,
}

/// What a call sends behind its headers.
#[derive(Default)]
pub(crate) enum Content {
    #[default]
    Nothing,
    Json(Bytes),
    /// Fields of a form, and who is told how far a file is.
    Form(Vec<Part>, Option<Progress>),
}

impl Content {
    /// The bytes that a signature may cover. A form's are made as they are sent, and no scheme covers them.
    fn signed_bytes(&self) -> &[u8] {
        match self {
            Self::Json(body) => body,
            Self::Nothing | Self::Form(..) => &[],
        }
    }
}

/// When an answer came.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Came {
    /// By this machine's clock.
    received_ms: u64,
    /// By a clock that nobody sets.
    took: Duration,
}

/// A successful answer.
pub(crate) struct Answer<T = Bytes> {
    pub(crate) head: Head,
    pub(crate) body: T,
    pub(crate) elapsed: Duration,
    pub(crate) attempts: u32,
}

/// What an attempt came to.
pub(crate) enum Attempt<T> {
    Success(T),
    /// The nonce was refused; the clock was corrected by what the answer said.
    Expired(Error),
    Failed(Error),
}

/// What a span tells of a success.
pub(crate) trait Trace {
    /// Status and attempts.
    fn trace(&self) -> (u16, u32);
}

/// Runs a call within its span, which learns how it ended. The outcome is the one that the caller gets.
///
/// The work is pinned by the caller: a future that is handed on by value is copied, and this one is large.
pub(crate) async fn traced<T: Trace>(
    call: Call,
    work: Pin<&mut impl Future<Output = Result<T, Error>>>,
) -> Result<T, Error> {
    let span = tracing::debug_span!(
        "call",
        call = call.name,
        attempt = tracing::field::Empty,
        status = tracing::field::Empty,
        elapsed_ms = tracing::field::Empty,
        outcome = tracing::field::Empty,
    );
    if span.is_disabled() {
        return work.await;
    }
    let start = Instant::now();
    let result = work.instrument(span.clone()).await;
    let (status, attempts, outcome) = match &result {
        Ok(success) => {
            let (status, attempts) = success.trace();
            (Some(status), attempts, Outcome::Confirmed)
        }
        Err(error) => (error.status(), error.attempts(), error.outcome()),
    };
    span.record("attempt", attempts).record("outcome", tracing::field::debug(outcome));
    span.record("elapsed_ms", start.elapsed().as_millis());
    if let Some(status) = status {
        span.record("status", status);
    }
    result
}

impl Shared {
    pub(crate) async fn call<R: Receive>(
        &self,
        outgoing: &Outgoing,
        receive: &mut R,
    ) -> Result<Answer<R::Body>, Error> {
        let call = outgoing.call;
        let timeouts = self.timeouts.of(call.deadline);
        // Our own queue is no fault of the exchange's: the first wait in it has a deadline of its own.
        self.wait_for_turn(outgoing, Instant::now() + timeouts.queue)
            .await
            .map_err(|error| self.add_context(error, outgoing))?;
        let start = Instant::now();
        let mut attempt_from = start;
        let mut deadline = start + timeouts.call;
        let mut attempts = 0;
        let mut signed_afresh = false;
        let mut maybe_done = false;
        loop {
            attempts += 1;
            let motion = Motion::starting(attempt_from);
            let attempt = self.attempt(outgoing, &motion, deadline, timeouts, receive).await;
            deadline += motion.allowance();
            let (error, expired) = match attempt {
                Attempt::Success((head, body)) => {
                    self.budget.earn();
                    return Ok(Answer { head, body, elapsed: start.elapsed(), attempts });
                }
                Attempt::Expired(error) => (error, true),
                Attempt::Failed(error) => (error, false),
            };
            // What an earlier attempt may have done is not undone by a later one that did nothing.
            maybe_done |= error.outcome() == Outcome::Unknown;
            let error =
                self.add_context(error, outgoing).with_attempts(attempts).with_earlier_doubt(maybe_done);
            // What has gone out to the caller cannot be taken back.
            if receive.has_begun() {
                return Err(error);
            }
            let wait = if expired && !signed_afresh {
                signed_afresh = true;
                Duration::ZERO
            } else {
                let Some(cause) =
                    retry_cause(&error).filter(|_| outgoing.idempotent && attempts < retry::ATTEMPTS)
                else {
                    return Err(error);
                };
                let asked = error.retry_after().unwrap_or_default();
                if asked > retry::LONGEST_WAIT || !self.budget.take(cause) {
                    return Err(error);
                }
                deadline += asked;
                retry::backoff(cause, attempts - 1).max(asked)
            };
            let again = async {
                tokio::time::sleep(wait).await;
                self.wait_for_turn(outgoing, deadline).await
            };
            let turn = tokio::time::timeout_at(deadline, again).await;
            attempt_from = Instant::now();
            if !matches!(turn, Ok(Ok(()))) || attempt_from >= deadline {
                return Err(error);
            }
            tracing::debug!(call = call.name, attempt = attempts, kind = ?error.kind(), "trying again");
        }
    }

    async fn wait_for_turn(&self, outgoing: &Outgoing, deadline: Instant) -> Result<(), Error> {
        let (what, pause) = match self.limiter.acquire(outgoing.urgent, deadline).await {
            Ok(()) => return Ok(()),
            Err(NoTurn::Full) => {
                (format!("{MOST_WAITING} calls wait already; send fewer at a time, or set another rate"), None)
            }
            Err(NoTurn::Late { pause: Some(pause) }) => {
                ("the exchange asked for a pause after too many requests; wait it out".to_owned(), Some(pause))
            }
            Err(NoTurn::Late { pause: None }) => (
                "the call did not leave within the deadline for our queue; send fewer at a time, or set another rate"
                    .to_owned(),
                None,
            ),
        };
        Err(Error::new(Kind::Queue, Outcome::NotSent, what).with_retry_after(pause))
    }

    /// Adds what is known of the call and of the codes.
    pub(crate) fn add_context(&self, error: Error, outgoing: &Outgoing) -> Error {
        let error =
            error.with_call(outgoing.call).with_repeatable(outgoing.idempotent).with_hint(outgoing.hint);
        match &self.signer {
            Some(signer) => error.with_hint(|code| signer.hint(code)),
            None => error,
        }
    }

    async fn attempt<R: Receive>(
        &self,
        outgoing: &Outgoing,
        motion: &Motion,
        deadline: Instant,
        timeouts: Timeouts,
        receive: &mut R,
    ) -> Attempt<(Head, R::Body)> {
        // Signing may have to wait, and nothing has left then: it does not count as a part of the sending.
        let mut headers = HeaderMap::new();
        if outgoing.call.signed {
            match self.sign(outgoing).await {
                Ok(signed) => headers = signed,
                Err(error) => return Attempt::Failed(error),
            }
        }
        let sent = Instant::now();
        motion.moved_at(0, sent);
        let limit = deadline.min(sent + timeouts.attempt);
        if limit <= sent {
            let what = "the deadline passed before the request left";
            return Attempt::Failed(Error::new(Kind::Timeout, Outcome::NotSent, what));
        }
        let work = pin!(self.send_and_receive(outgoing, headers, motion, sent, receive));
        match motion.watch(timeouts.idle, limit, work).await {
            Some(attempt) => attempt,
            None => Attempt::Failed(Error::new(
                Kind::Timeout,
                Outcome::Unknown,
                "no complete answer within the deadline",
            )),
        }
    }

    /// Sends the request and reads the answer.
    async fn send_and_receive<R: Receive>(
        &self,
        outgoing: &Outgoing,
        mut headers: HeaderMap,
        motion: &Motion,
        sent: Instant,
        receive: &mut R,
    ) -> Attempt<(Head, R::Body)> {
        let call = outgoing.call;
        let accept = match call.accept {
            Accept::Json => "application/json",
            // Refusals are JSON all the same.
            Accept::Csv => "text/csv, application/json;q=0.5",
        };
        headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
        let mut request = reqwest::Request::new(call.method.into(), self.url(&outgoing.path_and_query));
        match &outgoing.content {
            Content::Nothing => *request.headers_mut() = headers,
            Content::Json(body) => {
                headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
                *request.body_mut() = Some(motion.body(body.clone()));
                *request.headers_mut() = headers;
            }
            Content::Form(parts, progress) => {
                *request.headers_mut() = headers;
                request = match form::fill(&self.calls, request, parts, motion, progress.as_ref()) {
                    Ok(request) => request,
                    Err(error) => return Attempt::Failed(error),
                };
            }
        }
        let answered = match &self.tape {
            None => self.calls.execute(request).await.map_err(failure),
            // On the heap, so that calls without it are no larger for it.
            Some(tape) => Box::pin(tape.carry(&self.calls, request, outgoing, motion)).await,
        };
        let mut response = match answered {
            Ok(response) => response,
            Err(error) => return Attempt::Failed(error),
        };
        let now = Instant::now();
        motion.moved_at(1, now);
        let came = self.came(sent, now);
        let head =
            Head { status: response.status().as_u16(), headers: std::mem::take(response.headers_mut()) };
        // A success is the receiver's to read, anything else is read here.
        if (200..300).contains(&head.status) {
            let received = receive.receive(&head, response, motion).await;
            self.observe_date(outgoing, &head, came);
            return match received {
                Ok(body) => Attempt::Success((head, body)),
                Err(error) => Attempt::Failed(error.with_status(head.status)),
            };
        }
        match read(response, head.status, motion).await {
            Ok(body) => self.classify(outgoing, &head, &body, came),
            Err(error) => Attempt::Failed(error.with_status(head.status)),
        }
    }

    pub(crate) fn came(&self, sent: Instant, now: Instant) -> Came {
        Came { received_ms: self.clock.local_ms(), took: now - sent }
    }

    /// The headers that authenticate an attempt made now.
    pub(crate) async fn sign(&self, outgoing: &Outgoing) -> Result<HeaderMap, Error> {
        let Some(signer) = &self.signer else { return Ok(HeaderMap::new()) };
        let (nonce, unix_millis) = self.nonce().await?;
        let signed = signer.sign(&ToSign {
            nonce,
            unix_millis,
            method: outgoing.call.method.as_str(),
            path_and_query: &outgoing.path_and_query,
            body: outgoing.content.signed_bytes(),
            acting_as: outgoing.acting_as.as_deref(),
        });
        // Room for the three that every call has besides; more would be copied along by the HTTP client.
        let mut headers = HeaderMap::with_capacity(signed.len() + 3);
        for part in signed {
            let name = header::HeaderName::from_lowercase(part.name.as_bytes());
            let (Ok(name), Ok(mut value)) = (name, HeaderValue::from_str(&part.value)) else {
                return Err(Error::config(format!(
                    "the signer's header {:?} cannot be sent; give a lower-case name and a value of ASCII",
                    part.name
                )));
            };
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        Ok(headers)
    }

    /// A nonce, and the time it was made at.
    async fn nonce(&self) -> Result<(u64, u64), Error> {
        let mut deadline = None;
        loop {
            let now = self.clock.now_ms();
            let refused = match self.nonces.next(now) {
                Ok(nonce) => return Ok((nonce, now)),
                // Either the clock was set back, or this is a burst of thousands in a second. A rewind gives the first its
                // nonce at once, repeats none, and changes nothing for the second.
                Err(NonceError::TooFarAhead { .. }) => {
                    self.nonces.rewind();
                    match self.nonces.next(now) {
                        Ok(nonce) => return Ok((nonce, now)),
                        Err(refused) => refused,
                    }
                }
                Err(refused) => refused,
            };
            if refused == NonceError::EndOfTime {
                return Err(Error::config(refused.to_string()));
            }
            let now = Instant::now();
            if now >= *deadline.get_or_insert(now + SIGN_WITHIN) {
                return Err(Error::new(Kind::Queue, Outcome::NotSent, refused.to_string()));
            }
            // Time catches up with a burst.
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// The URL whose request line is exactly this path and query.
    pub(crate) fn url(&self, path_and_query: &str) -> Url {
        let (path, query) = match path_and_query.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (path_and_query, None),
        };
        let mut url = self.origin.clone();
        url.set_path(path);
        url.set_query(query);
        url
    }

    /// Takes note of an answer's date: the date, and a skew that it showed.
    fn observe_date(&self, outgoing: &Outgoing, head: &Head, came: Came) -> (Option<u64>, Option<Skew>) {
        let signer = self.signer.as_ref().filter(|_| outgoing.call.signed);
        // Public answers may come out of a cache, with the date of when they were made, as those with an age do.
        // The date of a recording says nothing of the time now.
        let fresh = signer.is_some()
            && !self.replays()
            && head.headers.get(header::AGE).is_none_or(|age| age.as_bytes() == b"0");
        let date = head.headers.get(header::DATE).filter(|_| fresh);
        let date = date.and_then(|date| self.dates.read(date));
        let skew = date.and_then(|date| self.clock.observe(date, came.received_ms, came.took));
        self.warn_of_skew(skew);
        (date, skew)
    }

    /// What an answer that is no success means, from its status first.
    pub(crate) fn classify<T>(
        &self,
        outgoing: &Outgoing,
        head: &Head,
        body: &Bytes,
        came: Came,
    ) -> Attempt<T> {
        let signer = self.signer.as_ref().filter(|_| outgoing.call.signed);
        let (date, skew) = self.observe_date(outgoing, head, came);
        let status = head.status;
        let words = words::read(body);
        // Rule 4.
        let own = words.as_ref().is_some_and(|words| match status {
            404 | 422 => true,
            400..500 => words.are_its_own(),
            _ => false,
        });
        let codes = words.map(|words| words.codes).unwrap_or_default();
        let rejection = self
            .signer
            .as_ref()
            .filter(|_| own)
            .and_then(|signer| codes.iter().find_map(|code| signer.rejection(status, code)));
        let (kind, outcome) = match (rejection, status) {
            (Some(Rejection::Maintenance), _) => (Kind::Maintenance, Outcome::Refused),
            (Some(_), _) => (Kind::Auth, Outcome::Refused),
            (None, 300..400) => (Kind::Redirect, Outcome::Unknown),
            (None, 429) => (Kind::RateLimited, Outcome::Unknown),
            (None, status) if self.environment.is_maintenance(status) => {
                (Kind::Maintenance, Outcome::Unknown)
            }
            (None, 500..) => (Kind::Server, Outcome::Unknown),
            // A gateway on the way gave up waiting; what is behind it may not have.
            (None, 408 | 425 | 499) => (Kind::Timeout, Outcome::Unknown),
            (None, 401 | 403) if own => (Kind::Auth, Outcome::Refused),
            (None, 404) if own => (Kind::NotFound, Outcome::Refused),
            (None, 400..500) if own => (Kind::Refused, Outcome::Refused),
            _ => (Kind::Unexpected, Outcome::Unknown),
        };
        let wait = head
            .headers
            .get(header::RETRY_AFTER)
            .and_then(|wait| retry::retry_after(wait.to_str().ok()?, self.clock.now_ms()));
        if kind == Kind::RateLimited {
            self.limiter.pause(wait.unwrap_or(PAUSE));
        }
        let mut error = Error::answer(kind, outcome, status, codes, body.clone()).with_retry_after(wait);
        if status == 404 && !own {
            error = error.with_advice(&format!(
                "the server may not know the path: check origin and version of the environment ({}{})",
                self.environment.origin(),
                self.environment.path(outgoing.call.service)
            ));
        }
        // Rule 3: the refused nonce is all that the answer says, and the request carried one.
        let proof = signer
            .filter(|_| status == 401)
            .and_then(|signer| signer.rejection(status, &words::sole_code(body)?));
        if proof != Some(Rejection::Expired) {
            return Attempt::Failed(error);
        }
        let corrected = date.map(|date| self.clock.correct(date, came.received_ms, came.took));
        self.warn_of_skew(corrected.filter(|skew| skew.applied));
        Attempt::Expired(error.with_skew(corrected.or(skew).map(|skew| skew.offset_ms)))
    }

    fn warn_of_skew(&self, skew: Option<Skew>) {
        match skew {
            Some(Skew { offset_ms, applied: true }) => {
                self.nonces.rewind();
                tracing::warn!(offset_ms, "this machine's clock differs from the exchange's; corrected");
            }
            Some(Skew { offset_ms, applied: false })
                if !self.warned_of_date.swap(true, Ordering::Relaxed) =>
            {
                tracing::warn!(offset_ms, "the exchange's date is more than a day off; not believed");
            }
            Some(_) | None => {}
        }
    }
}

/// Why a call that may be repeated is tried again after this error; `None` where it is not.
fn retry_cause(error: &Error) -> Option<Cause> {
    match error.kind() {
        Kind::Connect | Kind::Timeout | Kind::Interrupted | Kind::Server | Kind::Maintenance => {
            Some(Cause::Transient)
        }
        Kind::RateLimited => Some(Cause::Throttled),
        _ => None,
    }
}

/// An attempt that brought no answer.
pub(crate) fn failure(error: reqwest::Error) -> Error {
    let error = error.without_url();
    let (kind, outcome) = if error.is_connect() {
        (Kind::Connect, Outcome::NotSent)
    } else if error.is_builder() {
        (Kind::Config, Outcome::NotSent)
    } else if error.is_timeout() {
        (Kind::Timeout, Outcome::Unknown)
    } else {
        (Kind::Interrupted, Outcome::Unknown)
    };
    let mut cause: &dyn std::error::Error = &error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    let what = crate::mask::quoted(&cause.to_string());
    Error::new(kind, outcome, what).with_source(error)
}

/// Reads a body. What is no success is cut: its words stand at the start.
pub(crate) async fn read(
    mut response: reqwest::Response,
    status: u16,
    motion: &Motion,
) -> Result<Bytes, Error> {
    let success = (200..300).contains(&status);
    // Most answers come in one piece, which is kept as it is.
    let mut first = Bytes::new();
    let mut whole = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(failure)? {
        motion.moved(piece.len());
        let length = first.len().max(whole.len()) + piece.len();
        if success && length > LARGEST_BODY {
            return Err(Error::new(Kind::TooLarge, Outcome::Unknown, "more than 16 MiB"));
        }
        if first.is_empty() && whole.is_empty() {
            first = piece;
        } else {
            if whole.is_empty() {
                whole.extend_from_slice(&first);
            }
            whole.extend_from_slice(&piece);
        }
        if !success && length >= LARGEST_ERROR {
            break;
        }
    }
    let mut body = if whole.is_empty() { first } else { whole.into() };
    if !success {
        body.truncate(LARGEST_ERROR);
    }
    Ok(body)
}

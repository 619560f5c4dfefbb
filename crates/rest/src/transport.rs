//! The steps of a call: rate limit, clock, signature, sending, status, and whether to try again.
//!
//! 1. Each attempt is signed separately, so that it has its own nonce.
//! 2. The status is checked before anything is parsed.
//! 3. A write is tried again in one case only: a 401 names a refused nonce and says nothing else, which proves that the
//!    exchange did nothing.
//!    Where the server takes a nonce only once (`Repeat::SameKey`), a write is also tried again after an unknown outcome, once,
//!    with the same nonce and bytes, and a new time and signature.
//! 4. A write counts as refused only if the exchange itself says so: for 422 and 404 with an object that has `errors` or
//!    `error`, for any other 4xx with codes of its form or sentences of its software. Any other answer may come from a
//!    gateway, so the outcome is unknown. With `Codes::Numbered`, only a code of that form counts.
//! 5. Spans and errors show no query, no header, and of a body only its codes and its shape.

use crate::{
    Accept, Call, Codes, Error, Head, IntentLog, Kind, Outcome, Timeouts, body,
    connection::{Http, RequestBody},
    export::Receive,
    form,
    limit::{Limiter, MOST_WAITING, NoTurn},
    motion::Motion,
    outgoing::{Content, Outgoing},
    recording::Tape,
    retry::{self, Budget, Cause, Dates},
    runtime, words,
};
use bytes::Bytes;
use capecrypto_auth::{Clock, Environment, NonceError, NonceSource, Rejection, Sign, Skew, ToSign};
use capecrypto_models::upload::Pieces;
use http::{HeaderMap, HeaderValue, header};
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

/// How long a call may wait for a nonce after a burst of thousands of calls a second.
const SIGN_WITHIN: Duration = Duration::from_secs(3);
/// The pause after a 429 that names no time.
const PAUSE: Duration = Duration::from_secs(1);

/// State that a client's clones share.
pub(crate) struct Shared {
    pub(crate) environment: Environment,
    /// The environment's origin as text.
    pub(crate) origin_text: Arc<str>,
    pub(crate) signer: Option<Arc<dyn Sign>>,
    pub(crate) clock: Clock,
    pub(crate) dates: Dates,
    pub(crate) nonces: Arc<NonceSource>,
    pub(crate) timeouts: Timeouts,
    pub(crate) limiter: Limiter,
    pub(crate) budget: Budget,
    pub(crate) calls: Http,
    pub(crate) sockets: Http,
    /// Records calls, or answers them without a connection.
    pub(crate) tape: Option<Tape>,
    /// Notes of writes that must not be repeated.
    pub(crate) intents: Arc<dyn IntentLog>,
    /// Whether a warning about an implausible date was already logged.
    pub(crate) warned_of_date: AtomicBool,
    /// Whether the current runtime was checked successfully.
    pub(crate) runtime_known: AtomicBool,
}

impl Shared {
    /// Checks that the current runtime can run this call.
    pub(crate) fn check_runtime(&self, call: Call) -> Result<(), Error> {
        self.check_any_runtime().map_err(|error| error.with_call(call))
    }

    /// The same for something that is no call.
    pub(crate) fn check_any_runtime(&self) -> Result<(), Error> {
        runtime::check(&self.runtime_known, !self.replays())
    }
}

/// When an answer came.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Came {
    /// The time by this machine's wall clock.
    received_ms: u64,
    /// Time since the request was sent, by a monotonic clock.
    took: Duration,
}

/// A successful answer.
pub(crate) struct Answer<T = Bytes> {
    pub(crate) head: Head,
    pub(crate) body: T,
    pub(crate) elapsed: Duration,
    pub(crate) attempts: u32,
}

/// Result of an attempt.
pub(crate) enum Attempt<T> {
    Success(T),
    /// The nonce was refused; the clock was corrected by the answer's date.
    Expired(Error),
    Failed(Error),
}

/// What a span records about a success.
pub(crate) trait Trace {
    /// Status and attempts.
    fn trace(&self) -> (u16, u32);
}

/// Runs a call within its span, which records how it ended. Its outcome is the one that the caller gets.
///
/// The work is pinned by the caller, because a future that is passed by value is copied, and this one is large.
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
        // Waiting in our own queue is not the exchange's fault, so the first wait has a separate deadline.
        self.wait_for_turn(outgoing, Instant::now() + timeouts.queue)
            .await
            .map_err(|error| self.add_context(error, outgoing))?;
        let start = Instant::now();
        let mut attempt_from = start;
        let mut deadline = start + timeouts.call;
        let mut attempts = 0;
        let mut signed_afresh = false;
        let mut maybe_done = false;
        // The nonce of the first attempt, if the second one must have it too.
        let mut key = None;
        loop {
            attempts += 1;
            let motion = Motion::starting(attempt_from);
            let attempt = self.attempt(outgoing, &motion, deadline, timeouts, &mut key, receive).await;
            deadline += motion.allowance();
            let (error, expired) = match attempt {
                Attempt::Success((head, body)) => {
                    self.budget.earn();
                    return Ok(Answer { head, body, elapsed: start.elapsed(), attempts });
                }
                Attempt::Expired(error) => (error, true),
                Attempt::Failed(error) => (error, false),
            };
            // An earlier attempt may have done the write, even if a later one did nothing.
            let in_doubt = error.outcome() == Outcome::Unknown;
            maybe_done |= in_doubt;
            let error =
                self.add_context(error, outgoing).with_attempts(attempts).with_earlier_doubt(maybe_done);
            // What the caller's writer already got cannot be taken back.
            if receive.has_begun() {
                return Err(error);
            }
            let wait = if expired && !signed_afresh {
                if !outgoing.content.is_repeatable() {
                    return Err(error.with_advice(
                        "the clock is corrected now: send it again, with a new upload because its stream was read",
                    ));
                }
                signed_afresh = true;
                Duration::ZERO
            } else {
                let again = (outgoing.idempotent && attempts < retry::ATTEMPTS)
                    || (outgoing.same_key && in_doubt && attempts == 1);
                let Some(cause) = retry_cause(&error).filter(|_| again) else { return Err(error) };
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
                (format!("{MOST_WAITING} calls are waiting already; send fewer at a time, or set another rate"), None)
            }
            Err(NoTurn::Late { pause: Some(pause) }) => {
                ("the exchange asked for a pause after too many requests; wait until it is over".to_owned(), Some(pause))
            }
            Err(NoTurn::Late { pause: None }) => (
                "the call did not leave within the deadline for our queue; send fewer at a time, or set another rate"
                    .to_owned(),
                None,
            ),
        };
        Err(Error::new(Kind::Queue, Outcome::NotSent, what).with_retry_after(pause))
    }

    /// Adds the call, and a hint for the codes.
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
        key: &mut Option<u64>,
        receive: &mut R,
    ) -> Attempt<(Head, R::Body)> {
        // Files are opened, and signing may have to wait for a nonce. Nothing was sent then, so this is not part of the
        // attempt's deadline.
        let mut files = Vec::new();
        if let Content::Form(parts, _) = &outgoing.content {
            // On the heap, so that the future of a call without files is not larger.
            match Box::pin(form::open(parts, timeouts.queue)).await {
                Ok(opened) => files = opened,
                Err(error) => return Attempt::Failed(error),
            }
        }
        let mut headers = HeaderMap::new();
        if outgoing.call.signed {
            match self.sign_with(outgoing, key).await {
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
        let work = pin!(self.send_and_receive(outgoing, headers, files, motion, sent, receive));
        match motion.watch(timeouts.idle, limit, work).await {
            Some(attempt) => attempt,
            None => Attempt::Failed(Error::new(Kind::Timeout, Outcome::Unknown, motion.what_stands_still())),
        }
    }

    /// Sends the request and reads the answer.
    async fn send_and_receive<R: Receive>(
        &self,
        outgoing: &Outgoing,
        mut headers: HeaderMap,
        files: Vec<Pieces>,
        motion: &Motion,
        sent: Instant,
        receive: &mut R,
    ) -> Attempt<(Head, R::Body)> {
        let call = outgoing.call;
        let accept = match call.accept {
            Accept::Json => "application/json",
            // Refusals are JSON in any case.
            Accept::Csv => "text/csv, application/json;q=0.5",
        };
        headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
        let body = match &outgoing.content {
            Content::Nothing => RequestBody::empty(),
            Content::Json(body) => {
                headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
                motion.body(body.clone())
            }
            Content::Form(parts, progress) => match form::encode(parts, files, motion, progress.as_ref()) {
                Ok((kind, body)) => {
                    headers.insert(header::CONTENT_TYPE, kind);
                    body
                }
                Err(error) => return Attempt::Failed(error),
            },
        };
        let request = match self.calls.request(call.method.into(), &outgoing.path_and_query, headers, body) {
            Ok(request) => request,
            Err(error) => return Attempt::Failed(error),
        };
        let answered = match &self.tape {
            None => self.calls.send(request).await,
            // On the heap, so that the future of a call without a tape is not larger.
            Some(tape) => Box::pin(tape.carry(&self.calls, request, outgoing, motion)).await,
        };
        let (head, answer) = match answered {
            Ok(answered) => answered,
            Err(error) => return Attempt::Failed(error),
        };
        let now = Instant::now();
        motion.moved_at(1, now);
        let came = self.came(sent, now);
        // The receiver reads a success; any other answer is read here.
        if (200..300).contains(&head.status) {
            let received = receive.receive(&head, answer, motion).await;
            self.observe_date(outgoing, &head, came);
            return match received {
                Ok(body) => Attempt::Success((head, body)),
                Err(error) => Attempt::Failed(error.with_status(head.status)),
            };
        }
        match body::read(answer, head.status, motion).await {
            Ok(body) => self.classify(outgoing, &head, &body, came),
            Err(error) => Attempt::Failed(error.with_status(head.status)),
        }
    }

    pub(crate) fn came(&self, sent: Instant, now: Instant) -> Came {
        Came { received_ms: self.clock.local_ms(), took: now - sent }
    }

    /// The headers that sign an attempt made now.
    pub(crate) async fn sign(&self, outgoing: &Outgoing) -> Result<HeaderMap, Error> {
        self.sign_with(outgoing, &mut None).await
    }

    /// The same with the nonce of an earlier attempt, if the call must keep it.
    async fn sign_with(&self, outgoing: &Outgoing, key: &mut Option<u64>) -> Result<HeaderMap, Error> {
        let Some(signer) = &self.signer else { return Ok(HeaderMap::new()) };
        let (nonce, unix_millis) = match *key {
            Some(nonce) => (nonce, self.clock.now_ms()),
            None => self.nonce().await?,
        };
        if outgoing.same_key {
            *key = Some(nonce);
        }
        let signed = signer.sign(&ToSign {
            nonce,
            unix_millis,
            method: outgoing.call.method.as_str(),
            path_and_query: &outgoing.path_and_query,
            body: outgoing.content.signed_bytes(),
            acting_as: outgoing.acting_as.as_deref(),
        });
        // Room for the five headers that are added later.
        let mut headers = HeaderMap::with_capacity(signed.len() + 5);
        for part in signed {
            let name = header::HeaderName::from_lowercase(part.name.as_bytes());
            let (Ok(name), Ok(mut value)) = (name, HeaderValue::from_str(&part.value)) else {
                return Err(Error::config(format!(
                    "the signer's header {:?} cannot be sent; give a lower-case name and an ASCII value",
                    part.name
                )));
            };
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        Ok(headers)
    }

    /// A nonce, and the time when it was made.
    async fn nonce(&self) -> Result<(u64, u64), Error> {
        let mut deadline = None;
        loop {
            let now = self.clock.now_ms();
            let refused = match self.nonces.next(now) {
                Ok(nonce) => return Ok((nonce, now)),
                // Either the clock was set back, or this is a burst of thousands of calls in a second. A rewind helps at
                // once in the first case and changes nothing in the second. It repeats no nonce.
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
            // After a burst, waiting helps: the time catches up with the nonces.
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Learns from an answer's date. Returns the date, and the skew that it showed.
    fn observe_date(&self, outgoing: &Outgoing, head: &Head, came: Came) -> (Option<u64>, Option<Skew>) {
        let signer = self.signer.as_ref().filter(|_| outgoing.call.signed);
        // A public answer may come from a cache, with an old date; so may an answer with an age. The date of a recording
        // is old too.
        let fresh = signer.is_some()
            && !self.replays()
            && head.headers.get(header::AGE).is_none_or(|age| age.as_bytes() == b"0");
        let date = head.headers.get(header::DATE).filter(|_| fresh);
        let date = date.and_then(|date| self.dates.read(date));
        let skew = date.and_then(|date| self.clock.observe(date, came.received_ms, came.took));
        self.warn_of_skew(skew);
        (date, skew)
    }

    /// Decides what an answer means that is not a success, by its status first.
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
        let form = outgoing.call.codes;
        let is_numbered = matches!(form, Codes::Numbered { .. });
        let words = words::read(body, form);
        // Rule 4 of this module: whether the exchange itself wrote the answer.
        let own = words.as_ref().is_some_and(|words| match status {
            404 | 422 if !is_numbered => true,
            400..500 => words.are_its_own(),
            _ => false,
        });
        let doubtful = words.as_ref().is_some_and(words::Words::are_doubtful);
        // Such a server has words without a code too. They tell what happened, and prove nothing about a write.
        let plain = is_numbered && !own && (words.is_some() || body.is_empty());
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
            // A gateway on the way stopped waiting, but the exchange may still carry out the request.
            (None, 408 | 425 | 499) => (Kind::Timeout, Outcome::Unknown),
            (None, 400..500) if own && doubtful => (Kind::Server, Outcome::Unknown),
            (None, 409) if is_numbered && !own => (Kind::Repeated, Outcome::Unknown),
            (None, 401 | 403) if own => (Kind::Auth, Outcome::Refused),
            (None, 404) if own => (Kind::NotFound, Outcome::Refused),
            (None, 400..500) if own => (Kind::Refused, Outcome::Refused),
            (None, 401 | 403) if plain => (Kind::Auth, Outcome::Unknown),
            (None, 404) if plain => (Kind::NotFound, Outcome::Unknown),
            (None, 400..500) if plain => (Kind::Refused, Outcome::Unknown),
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
        // Rule 3 of this module: the answer says nothing but that the nonce was refused, and the request was signed.
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
                tracing::warn!(offset_ms, "the exchange's date is more than a day off; it is ignored");
            }
            Some(_) | None => {}
        }
    }
}

/// The cause for trying a repeatable call again after this error; `None` if it is not tried again.
fn retry_cause(error: &Error) -> Option<Cause> {
    match error.kind() {
        Kind::Connect | Kind::Timeout | Kind::Interrupted | Kind::Server | Kind::Maintenance => {
            Some(Cause::Transient)
        }
        Kind::RateLimited => Some(Cause::Throttled),
        _ => None,
    }
}

//! The way of a call: limiter, clock, signature, sending, status, and whether to do it again.
//!
//! 1. A signature is made inside of the attempt: each has its own nonce.
//! 2. The status is looked at before anything is parsed.
//! 3. A write is tried again in one case only: the exchange refused its nonce, which proves that it did nothing.
//! 4. Nothing that a span or an error holds comes from a URL, a header or a body.

use crate::{
    Call, Error, Head, Kind, Outcome, Timeouts,
    error::read_codes,
    limit::Limiter,
    retry::{self, Budget, Cause},
};
use bytes::Bytes;
use capecrypto_auth::{Clock, Environment, NonceSource, Rejection, Sign, Skew, ToSign};
use http::{HeaderMap, HeaderValue, header};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;
use tracing::Instrument;

/// Largest body that is read.
const LARGEST_BODY: usize = 16 * 1024 * 1024;
/// Nonces this far ahead come from a clock that was set back, not from a burst.
const CLOCK_STEP_MS: u64 = 10_000;

/// What a client's clones share.
pub(crate) struct Shared {
    pub(crate) environment: Environment,
    pub(crate) signer: Option<Arc<dyn Sign>>,
    pub(crate) clock: Clock,
    pub(crate) nonces: NonceSource,
    pub(crate) timeouts: Timeouts,
    pub(crate) limiter: Option<Limiter>,
    pub(crate) budget: Budget,
    pub(crate) calls: reqwest::Client,
    pub(crate) sockets: reqwest::Client,
    /// Whether a date past belief was warned of.
    pub(crate) told_of_date: AtomicBool,
}

/// A call, written out.
pub(crate) struct Outgoing {
    pub(crate) call: Call,
    pub(crate) path_and_query: String,
    pub(crate) body: Option<Bytes>,
    pub(crate) acting_as: Option<Arc<str>>,
    pub(crate) hint: fn(&str) -> Option<&'static str>,
}

/// A successful answer.
pub(crate) struct Answer {
    pub(crate) head: Head,
    pub(crate) body: Vec<u8>,
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
pub(crate) async fn traced<T: Trace>(
    call: Call,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let span = tracing::debug_span!(
        "call",
        call = call.name,
        attempt = tracing::field::Empty,
        status = tracing::field::Empty,
        elapsed_ms = tracing::field::Empty,
        outcome = tracing::field::Empty,
    );
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
    pub(crate) async fn call(&self, outgoing: &Outgoing) -> Result<Answer, Error> {
        let call = outgoing.call;
        // Our own limiter's turn is no fault of the exchange's: the first wait for it is not counted.
        self.turn().await;
        let start = Instant::now();
        let mut deadline = start + self.timeouts.call;
        let mut attempts = 0;
        let mut resigned = false;
        let mut may_be_done = false;
        loop {
            attempts += 1;
            let limit = deadline.min(Instant::now() + self.timeouts.attempt);
            let attempt = match tokio::time::timeout_at(limit, self.attempt(outgoing)).await {
                Ok(attempt) => attempt,
                Err(_) => Attempt::Failed(Error::new(
                    Kind::Timeout,
                    Outcome::Unknown,
                    "no complete answer within the deadline",
                )),
            };
            let (error, expired) = match attempt {
                Attempt::Success((head, body)) => {
                    self.budget.earn();
                    return Ok(Answer { head, body, elapsed: start.elapsed(), attempts });
                }
                Attempt::Expired(error) => (error, true),
                Attempt::Failed(error) => (error, false),
            };
            // What an earlier attempt may have done is not undone by a later one that did nothing.
            may_be_done |= error.outcome() == Outcome::Unknown;
            let error = self.finish(error, outgoing).with_attempts(attempts).with_doubt(may_be_done);
            let wait = if expired && !resigned {
                resigned = true;
                Duration::ZERO
            } else {
                let Some(cause) =
                    worth_another(&error).filter(|_| call.idempotent && attempts < retry::ATTEMPTS)
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
                self.turn().await;
            };
            if tokio::time::timeout_at(deadline, again).await.is_err() || Instant::now() >= deadline {
                return Err(error);
            }
            tracing::debug!(call = call.name, attempt = attempts, kind = ?error.kind(), "trying again");
        }
    }

    async fn turn(&self) {
        if let Some(limiter) = &self.limiter {
            limiter.acquire().await;
        }
    }

    /// Adds what is known of the call and of the codes.
    pub(crate) fn finish(&self, error: Error, outgoing: &Outgoing) -> Error {
        let error = error.with_call(outgoing.call).with_hint(outgoing.hint);
        match &self.signer {
            Some(signer) => error.with_hint(|code| signer.hint(code)),
            None => error,
        }
    }

    async fn attempt(&self, outgoing: &Outgoing) -> Attempt<(Head, Vec<u8>)> {
        let call = outgoing.call;
        let mut headers = HeaderMap::new();
        if call.signed {
            match self.sign(outgoing).await {
                Ok(signed) => headers = signed,
                Err(error) => return Attempt::Failed(error),
            }
        }
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        let mut request = self.calls.request(method(call.method), self.url(&outgoing.path_and_query));
        if let Some(body) = &outgoing.body {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            request = request.body(body.clone());
        }
        let sent_ms = self.clock.local_ms();
        let mut response = match request.headers(headers).send().await {
            Ok(response) => response,
            Err(error) => return Attempt::Failed(failure(error)),
        };
        let received_ms = self.clock.local_ms();
        let head =
            Head { status: response.status().as_u16(), headers: std::mem::take(response.headers_mut()) };
        let body = match read(response).await {
            Ok(body) => body,
            Err(error) => return Attempt::Failed(error.with_status(head.status)),
        };
        match self.judge(&head, &body, sent_ms, received_ms) {
            None => Attempt::Success((head, body)),
            Some(failed) => failed,
        }
    }

    /// The headers that authenticate an attempt made now.
    pub(crate) async fn sign(&self, outgoing: &Outgoing) -> Result<HeaderMap, Error> {
        let Some(signer) = &self.signer else { return Ok(HeaderMap::new()) };
        let (nonce, unix_millis) = loop {
            let now = self.clock.now_ms();
            match self.nonces.next(now) {
                Ok(nonce) => break (nonce, now),
                Err(error) => {
                    if error.ahead_ms >= CLOCK_STEP_MS {
                        self.nonces.rewind();
                    }
                    // Else a burst of thousands in a second: time catches up with it.
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            }
        };
        let signed = signer.sign(&ToSign {
            nonce,
            unix_millis,
            method: outgoing.call.method,
            path_and_query: &outgoing.path_and_query,
            body: outgoing.body.as_deref().unwrap_or_default(),
            acting_as: outgoing.acting_as.as_deref(),
        });
        let mut headers = HeaderMap::with_capacity(signed.len() + 2);
        for part in signed {
            let mut value = HeaderValue::from_str(&part.value)
                .map_err(|_| Error::config(format!("the signature's header {} cannot be sent", part.name)))?;
            value.set_sensitive(true);
            headers.insert(header::HeaderName::from_static(part.name), value);
        }
        Ok(headers)
    }

    pub(crate) fn url(&self, path_and_query: &str) -> String {
        format!("{}{path_and_query}", self.environment.origin().as_str())
    }

    /// What an answer means, from its status first; `None` for a success.
    pub(crate) fn judge<T>(
        &self,
        head: &Head,
        body: &[u8],
        sent_ms: u64,
        received_ms: u64,
    ) -> Option<Attempt<T>> {
        // An answer out of a cache carries the date of when it was made.
        let fresh = head.headers.get(header::AGE).is_none_or(|age| age.as_bytes() == b"0");
        let date = head.headers.get(header::DATE).filter(|_| fresh);
        let date = date.and_then(|date| retry::http_date(date.to_str().ok()?));
        let skew = date.and_then(|date| self.clock.observe(date, sent_ms, received_ms));
        self.note(skew);
        let status = head.status;
        if (200..300).contains(&status) {
            return None;
        }
        let own_codes = read_codes(body);
        let codes = own_codes.clone().unwrap_or_default();
        let rejection = self
            .signer
            .as_ref()
            .and_then(|signer| codes.iter().find_map(|code| signer.rejection(status, code)));
        let (kind, outcome) = match (rejection, status) {
            (Some(Rejection::Maintenance), _) => (Kind::Maintenance, Outcome::NotSent),
            (Some(_), _) => (Kind::Auth, Outcome::NotSent),
            (None, 300..400) => (Kind::Redirect, Outcome::Unknown),
            (None, 429) => (Kind::RateLimited, Outcome::Unknown),
            (None, 471 | 503) => (Kind::Maintenance, Outcome::Unknown),
            (None, 500..) => (Kind::Server, Outcome::Unknown),
            // A gateway on the way gave up waiting; what is behind it may not have.
            (None, 408 | 425 | 499) => (Kind::Timeout, Outcome::Unknown),
            (None, 400..500) if own_codes.is_some() => {
                let kind = match status {
                    401 | 403 => Kind::Auth,
                    404 => Kind::NotFound,
                    _ => Kind::Refused,
                };
                (kind, Outcome::Refused)
            }
            _ => (Kind::Unexpected, Outcome::Unknown),
        };
        let wait = head
            .headers
            .get(header::RETRY_AFTER)
            .and_then(|wait| retry::retry_after(wait.to_str().ok()?, self.clock.now_ms()));
        let error = Error::answer(kind, outcome, status, codes, body).with_retry_after(wait);
        if rejection != Some(Rejection::Expired) {
            return Some(Attempt::Failed(error));
        }
        let corrected = date.map(|date| self.clock.correct(date, sent_ms, received_ms));
        self.note(corrected.filter(|skew| skew.applied));
        Some(Attempt::Expired(error.with_skew(corrected.or(skew).map(|skew| skew.offset_ms))))
    }

    fn note(&self, skew: Option<Skew>) {
        match skew {
            Some(Skew { offset_ms, applied: true }) => {
                self.nonces.rewind();
                tracing::warn!(offset_ms, "this machine's clock differs from the exchange's; corrected");
            }
            Some(Skew { offset_ms, applied: false }) if !self.told_of_date.swap(true, Ordering::Relaxed) => {
                tracing::warn!(offset_ms, "the exchange's date is more than a day off; not believed");
            }
            Some(_) | None => {}
        }
    }
}

/// Whether a call that may be repeated is tried again after this error.
fn worth_another(error: &Error) -> Option<Cause> {
    match error.kind() {
        Kind::Connect | Kind::Timeout | Kind::Interrupted | Kind::Server | Kind::Maintenance => {
            Some(Cause::Transient)
        }
        Kind::RateLimited => Some(Cause::Throttled),
        _ => None,
    }
}

/// Methods come from the table of calls; one that is none would be a GET, and no table has it.
fn method(name: &str) -> http::Method {
    http::Method::from_bytes(name.as_bytes()).unwrap_or(http::Method::GET)
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

pub(crate) async fn read(mut response: reqwest::Response) -> Result<Vec<u8>, Error> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(failure)? {
        if body.len() + piece.len() > LARGEST_BODY {
            return Err(Error::new(Kind::TooLarge, Outcome::Unknown, "more than 16 MiB"));
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

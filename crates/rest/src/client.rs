//! The client, which sends every call in the same way.

use crate::{
    Builder, Call, DecodeError, Endpoint, Error, Form, FromResponse, Head, IntentLog, Items, Kind, Objection,
    Outcome, Page, Paged, Pages, Prepared, RawRequest, Repeat, Warning,
    export::{Table as WriteOut, Whole},
    motion::Progress,
    outgoing::{Content, Outgoing},
    page,
    prepare::join,
    transport::{self, Shared, Trace},
};
use bytes::Bytes;
use capecrypto_auth::{Clock, Environment};
use http::HeaderMap;
use std::{
    fmt,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::io::AsyncWrite;

/// A client of one environment. Clones are cheap and share connections, rate limit, clock and nonces.
#[derive(Clone)]
pub struct Client {
    pub(crate) shared: Arc<Shared>,
    acting_as: Option<Arc<str>>,
}

/// A successful answer, with its status, time and number of attempts.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Reply<T> {
    /// The content of the answer.
    pub value: T,
    /// HTTP status.
    pub status: u16,
    /// Headers; their names match in any case.
    pub headers: HeaderMap,
    /// Time from the start of the first attempt to the last byte.
    pub elapsed: Duration,
    /// Number of attempts.
    pub attempts: u32,
    /// Arguments that were sent although they may be wrong.
    pub warnings: Vec<Warning>,
}

/// The answer of a call that [`Client::export`] writes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Table;

/// The table is not read here: [`Client::export`] writes it out, and `send` ignores it.
impl FromResponse for Table {
    fn from_response(_: &Head, _: &Bytes) -> Result<Self, DecodeError> {
        Ok(Self)
    }
}

/// Result of [`Client::export`]: how much was written.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Exported {
    /// Number of rows, without the line that names the columns.
    pub rows: u64,
    /// Number of bytes.
    pub bytes: u64,
    /// HTTP status.
    pub status: u16,
    /// Headers; their names match in any case.
    pub headers: HeaderMap,
    /// Time from the start of the first attempt to the last byte.
    pub elapsed: Duration,
    /// Number of attempts.
    pub attempts: u32,
    /// Arguments that were sent although they may be wrong.
    pub warnings: Vec<Warning>,
}

impl Trace for Exported {
    fn trace(&self) -> (u16, u32) {
        (self.status, self.attempts)
    }
}

impl<T> Trace for Reply<T> {
    fn trace(&self) -> (u16, u32) {
        (self.status, self.attempts)
    }
}

impl Client {
    pub(crate) fn new(shared: Shared) -> Self {
        Self { shared: Arc::new(shared), acting_as: None }
    }

    /// A builder with the settings for a client of an environment.
    pub fn builder(environment: Environment) -> Builder {
        Builder::new(environment)
    }

    /// The environment.
    pub fn environment(&self) -> &Environment {
        &self.shared.environment
    }

    /// The clock, with the offset learnt so far.
    pub fn clock(&self) -> &Clock {
        &self.shared.clock
    }

    /// The log of intents: which writes may have been done, and were not looked up yet.
    pub fn intents(&self) -> &Arc<dyn IntentLog> {
        &self.shared.intents
    }

    /// The same client, acting for a sub-account, customer or merchant. The original is not changed.
    #[must_use = "this returns a new client; the original still acts for the account"]
    pub fn acting_as(&self, uid: impl Into<String>) -> Self {
        Self { shared: self.shared.clone(), acting_as: Some(uid.into().into()) }
    }

    /// Sends a request and reads the answer.
    ///
    /// Reads, and writes marked idempotent, are tried up to three times. Any other write is sent only once, with two
    /// exceptions. If the answer is a 401 that names a refused nonce and says nothing else, nothing was done, so the write is
    /// signed again and sent once more. And where a nonce is an idempotency key ([`Repeat::SameKey`]), the write is sent once
    /// more with the same nonce after an unknown outcome.
    ///
    /// Dropping the future stops the call at any point. If a write was already sent, the exchange may still do it, and its
    /// outcome is lost; its [`Intent`](crate::Intent) stays open. To stop waiting for a write without losing its outcome, run
    /// it in a separate task.
    ///
    /// # Errors
    /// [`Error`]; for a write, [`Error::outcome`] says whether it may have been done.
    pub async fn send<E: Endpoint>(&self, request: E) -> Result<E::Response, Error> {
        self.reply(request).await.map(|reply| reply.value)
    }

    /// Like [`send`](Self::send), but also returns status, time and attempts.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn reply<E: Endpoint>(&self, request: E) -> Result<Reply<E::Response>, Error> {
        let work = pin!(self.execute(request, E::Response::from_response, None));
        transport::traced(E::CALL, work).await
    }

    /// Reads a page of a walk after its first. It is no error if none of its rows can be read, since the walk has read others.
    pub(crate) async fn later_page<E: Paged>(&self, request: E) -> Result<Page<E::Row>, Error> {
        let work = pin!(self.execute(request, Page::any_from_response, None));
        transport::traced(E::CALL, work).await.map(|reply| reply.value)
    }

    /// Turns a request into what is sent, and returns warnings about arguments that may be wrong.
    pub(crate) fn prepare<E: Endpoint>(
        &self,
        request: &E,
        progress: Option<Progress>,
    ) -> Result<(Outgoing, Vec<Warning>), Error> {
        let call = E::CALL;
        self.shared.check_runtime(call)?;
        let repeat = request.repeat();
        let idempotent = repeat == Repeat::Safely;
        // A write that must not be repeated has an intent.
        let keep = self.shared.tape.is_some() || !idempotent;
        let (prepared, secrets) = Prepared::with_secrets(request, self.environment(), Some(self.now()), keep)
            .map_err(|error| Error::from(error).with_call(call))?;
        for warning in &prepared.warnings {
            // The reason may quote the value, so it is not logged.
            let (call, argument, remedy) = (call.name, &*warning.argument, &*warning.remedy);
            tracing::warn!(call, argument, remedy, "an argument may be wrong; it is sent");
        }
        let content = match prepared.body {
            Some(body) => Content::Json(body.into()),
            None if call.form == Form::Multipart => Content::Form(prepared.form, progress),
            None => Content::Nothing,
        };
        let outgoing = Outgoing {
            call,
            path_and_query: join(prepared.path, &prepared.query),
            content,
            acting_as: self.acting_for(call)?,
            hint: E::hint,
            idempotent,
            same_key: repeat == Repeat::SameKey,
            urgent: call.urgent,
            secrets,
        };
        Ok((outgoing, prepared.warnings))
    }

    async fn execute<E: Endpoint>(
        &self,
        request: E,
        read: fn(&Head, &Bytes) -> Result<E::Response, DecodeError>,
        progress: Option<Progress>,
    ) -> Result<Reply<E::Response>, Error> {
        let (outgoing, warnings) = self.prepare(&request, progress)?;
        let intent = self.shared.begin_intent(&outgoing, || request.facts()).await?;
        let mut reply = self.ask(&request, read, &outgoing, warnings).await;
        self.shared.end_intent(intent, &mut reply).await;
        reply
    }

    /// Sends a prepared request, and reads and reviews the answer.
    async fn ask<E: Endpoint>(
        &self,
        request: &E,
        read: fn(&Head, &Bytes) -> Result<E::Response, DecodeError>,
        outgoing: &Outgoing,
        warnings: Vec<Warning>,
    ) -> Result<Reply<E::Response>, Error> {
        let call = E::CALL;
        let answer = self.shared.call(outgoing, &mut Whole).await?;
        let status = answer.head.status;
        let body = answer.body;
        // The exchange did it, but this response may belong to another request, or cannot be read.
        let unusable = |kind, outcome, what| {
            Error::unusable(kind, outcome, what, status, body.clone(), call.codes)
                .with_attempts(answer.attempts)
                .with_call(call)
                .with_repeatable(outgoing.idempotent)
        };
        let mut value = read(&answer.head, &body).map_err(|error| {
            let what = format!("{error}, in {}", crate::mask::body(&body));
            unusable(Kind::Decode, Outcome::Unknown, what).with_path(error.path)
        })?;
        if let [first, ..] = value.unreadable() {
            let (call, rows) = (call.name, value.unreadable().len());
            tracing::warn!(call, rows, path = first.path, "rows of the answer could not be read");
        }
        request.review(&mut value, self.environment()).map_err(|objection| {
            let (kind, outcome) = match objection {
                Objection::Mismatch(_) => (Kind::Mismatch, Outcome::Unknown),
                Objection::Refused(_) => (Kind::Refused, Outcome::Refused),
                Objection::Unusable(_) => (Kind::Decode, Outcome::Unknown),
            };
            unusable(kind, outcome, objection.to_string())
        })?;
        Ok(Reply {
            value,
            status,
            headers: answer.head.headers,
            elapsed: answer.elapsed,
            attempts: answer.attempts,
            warnings,
        })
    }

    /// Like [`reply`](Self::reply), for a call that sends a file. `progress` gets the number of the file's bytes that were
    /// passed to the connection, and the file's size. The number only grows, and reaches the size once, when the last bytes
    /// leave; the answer comes after that. It is called on the task that sends, so it must not block.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn send_with_progress<E: Endpoint>(
        &self,
        request: E,
        progress: impl Fn(u64, u64) + Send + Sync + 'static,
    ) -> Result<Reply<E::Response>, Error> {
        // If a refused nonce makes a second attempt necessary, it begins again at zero, and the caller need not know.
        let most = AtomicU64::new(0);
        let growing = move |sent, total| {
            if most.fetch_max(sent, Ordering::Relaxed) < sent {
                progress(sent, total);
            }
        };
        let work = pin!(self.execute(request, E::Response::from_response, Some(Arc::new(growing))));
        transport::traced(E::CALL, work).await
    }

    /// Writes the answer of a call to a writer while it arrives, for a call whose answer is a table. The table may have any
    /// length, because it is not held in memory.
    ///
    /// Deadlines of the connection do not run while the writer is busy. Once something has been written, the call is not
    /// tried again: after an error, the output is incomplete.
    ///
    /// # Errors
    /// As [`send`](Self::send); [`Kind::Output`] if the writer fails.
    pub async fn export<E, W>(&self, request: E, writer: &mut W) -> Result<Exported, Error>
    where
        E: Endpoint<Response = Table>,
        W: AsyncWrite + Unpin + Send,
    {
        let work = pin!(async {
            let (outgoing, warnings) = self.prepare(&request, None)?;
            let answer = self.shared.call(&outgoing, &mut WriteOut::new(writer)).await?;
            Ok(Exported {
                rows: answer.body.rows,
                bytes: answer.body.bytes,
                status: answer.head.status,
                headers: answer.head.headers,
                elapsed: answer.elapsed,
                attempts: answer.attempts,
                warnings,
            })
        });
        transport::traced(E::CALL, work).await
    }

    /// The pages of a list, one after the other. Rows that an earlier page had are left out, so a page may be empty.
    pub fn pages<E: Paged + 'static>(&self, request: E) -> Pages<E::Row> {
        page::pages(self.clone(), request)
    }

    /// The rows of a list over all its pages, each row once.
    ///
    /// No row is lost if new rows shift the pages meanwhile, as long as they are added at the start of the list. A list
    /// whose rows move when they change is walked twice, and a third time if the second walk finds a row that the first has
    /// missed; rows that came to the start of the list meanwhile do not count. If the newest rows come first, each row
    /// that did not move during one of the walks is found.
    pub fn items<E: Paged + 'static>(&self, request: E) -> Items<E::Row> {
        page::items(self.clone(), request)
    }

    /// A call for which this version has no type, with the same signing, limits and errors.
    ///
    /// The path starts at the host's root, such as `/api/v2/atlas/public/markets`.
    pub fn raw(&self, method: http::Method, path: impl Into<String>) -> RawRequest {
        RawRequest::new(self.clone(), method, path.into())
    }

    /// The uid that a call acts for.
    pub(crate) fn acting_for(&self, call: Call) -> Result<Option<Arc<str>>, Error> {
        if call.signed && self.shared.signer.is_none() {
            let what = "the call must be signed, but the client has no credentials; set them when you build the client";
            return Err(Error::config(what).with_call(call));
        }
        let Some(uid) = self.acting_as.clone().filter(|_| call.signed) else { return Ok(None) };
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
        if uid.is_empty() || uid.len() > 64 || !uid.bytes().all(plain) {
            let refused = crate::InvalidArgument::new(
                "acting_as",
                "it is not a uid",
                "give 1 to 64 characters out of A-Z, a-z, 0-9, '_' and '-', such as CCT1234567",
            );
            return Err(Error::from(refused).with_call(call));
        }
        Ok(Some(uid))
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("origin", &self.shared.environment.origin().as_str())
            .field("signs", &self.shared.signer.is_some())
            .finish_non_exhaustive()
    }
}

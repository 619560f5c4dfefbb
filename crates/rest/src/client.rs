//! The client: one verb for every call.

use crate::{
    Builder, Call, DecodeError, Endpoint, Error, Form, FromResponse, Head, Items, Kind, Objection, Outcome,
    Page, Paged, Pages, Prepared, RawRequest, Repeat, Warning,
    export::{Table as WriteOut, Whole},
    motion::Progress,
    page,
    prepare::join,
    transport::{self, Content, Outgoing, Shared, Trace},
};
use bytes::Bytes;
use capecrypto_auth::{Clock, Environment};
use http::HeaderMap;
use std::{fmt, pin::pin, sync::Arc, time::Duration};
use tokio::io::AsyncWrite;

/// A client of one environment. Clones are cheap and share connections, rate limit, clock and nonces.
#[derive(Clone)]
pub struct Client {
    pub(crate) shared: Arc<Shared>,
    acting_as: Option<Arc<str>>,
}

/// A successful answer with how it came about.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Reply<T> {
    /// What the answer holds.
    pub value: T,
    /// HTTP status.
    pub status: u16,
    /// Headers; their names match in any case.
    pub headers: HeaderMap,
    /// From the first attempt's leaving to the last byte.
    pub elapsed: Duration,
    /// How many attempts it took.
    pub attempts: u32,
    /// Arguments that were sent, though something about them is not known to be right.
    pub warnings: Vec<Warning>,
}

/// The answer of a call that [`Client::export`] writes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Table;

/// It is written out, never read: `send` gives its head alone.
impl FromResponse for Table {
    fn from_response(_: &Head, _: &Bytes) -> Result<Self, DecodeError> {
        Ok(Self)
    }
}

/// What was written out.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Exported {
    /// Rows, without the line that names the columns.
    pub rows: u64,
    /// Bytes.
    pub bytes: u64,
    /// HTTP status.
    pub status: u16,
    /// Headers; their names match in any case.
    pub headers: HeaderMap,
    /// From the first attempt's leaving to the last byte.
    pub elapsed: Duration,
    /// How many attempts it took.
    pub attempts: u32,
    /// Arguments that were sent, though something about them is not known to be right.
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

    /// Settings for a client of an environment.
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

    /// The same client, acting for a sub-account, customer or merchant. The original is not changed.
    #[must_use = "the client itself goes on acting for the account"]
    pub fn acting_as(&self, uid: impl Into<String>) -> Self {
        Self { shared: self.shared.clone(), acting_as: Some(uid.into().into()) }
    }

    /// Sends a request and reads the answer.
    ///
    /// Reads, and writes marked idempotent, are tried three times. Any other write leaves at most once, but for one
    /// case: where the exchange proves that it looked at nothing but the nonce, it is signed afresh and sent once more. The
    /// proof is a 401 that names a refused nonce and says nothing else.
    ///
    /// Dropping the future gives the call up wherever it stands: a write that has left may be done all the same, and nobody
    /// learns of it. To stop waiting for a write without losing its outcome, run it in a task of its own.
    ///
    /// # Errors
    /// [`Error`]; for a write, [`Error::outcome`] says whether it may have been done.
    pub async fn send<E: Endpoint>(&self, request: E) -> Result<E::Response, Error> {
        self.reply(request).await.map(|reply| reply.value)
    }

    /// As [`send`](Self::send), with status, time and attempts.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn reply<E: Endpoint>(&self, request: E) -> Result<Reply<E::Response>, Error> {
        let work = pin!(self.execute(request, E::Response::from_response, None));
        transport::traced(E::CALL, work).await
    }

    /// One page of a walk over several. Not a single row of it may be readable, where others were before.
    pub(crate) async fn later_page<E: Paged>(&self, request: E) -> Result<Page<E::Row>, Error> {
        let work = pin!(self.execute(request, Page::any_from_response, None));
        transport::traced(E::CALL, work).await.map(|reply| reply.value)
    }

    /// Writes a request out, ready to be sent, and says what about it is not known to be right.
    fn prepare<E: Endpoint>(
        &self,
        request: &E,
        progress: Option<Progress>,
    ) -> Result<(Outgoing, Vec<Warning>), Error> {
        let call = E::CALL;
        self.shared.check_runtime(call)?;
        let (prepared, secrets) =
            Prepared::with_secrets(request, self.environment(), self.shared.tape.is_some())
                .map_err(|error| Error::from(error).with_call(call))?;
        for warning in &prepared.warnings {
            // The reason may quote the value, so it is not logged.
            let (call, argument, remedy) = (call.name, &*warning.argument, &*warning.remedy);
            tracing::warn!(call, argument, remedy, "an argument is not known to be right");
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
            idempotent: request.repeat() == Repeat::Safely,
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
        let call = E::CALL;
        let (outgoing, warnings) = self.prepare(&request, progress)?;
        let answer = self.shared.call(&outgoing, &mut Whole).await?;
        let status = answer.head.status;
        let body = answer.body;
        // The exchange did it, but this response may belong to another request, or cannot be read.
        let unusable = |kind, outcome, what| {
            Error::unusable(kind, outcome, what, status, body.clone())
                .with_attempts(answer.attempts)
                .with_call(call)
                .with_repeatable(outgoing.idempotent)
        };
        let mut value = read(&answer.head, &body).map_err(|error| {
            let what = format!("{error}, in {}", crate::mask::snippet(&body));
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

    /// As [`reply`](Self::reply), for a call that sends a file: `progress` is told how many of the file's bytes were handed
    /// to the connection, and how many there are. It is called on the task that sends, so it must not block.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn send_with_progress<E: Endpoint>(
        &self,
        request: E,
        progress: impl Fn(u64, u64) + Send + Sync + 'static,
    ) -> Result<Reply<E::Response>, Error> {
        let work = pin!(self.execute(request, E::Response::from_response, Some(Arc::new(progress))));
        transport::traced(E::CALL, work).await
    }

    /// Writes a table out as it comes, for a call that is answered with one: of any length, without holding it in memory.
    ///
    /// A slow writer holds the answer back and is no fault of the connection's. Once a row has been written the call is not
    /// tried again: after an error what was written is incomplete.
    ///
    /// # Errors
    /// As [`send`](Self::send); [`Kind::Output`] where the writer fails.
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

    /// The pages of a list, one after the other, each without the rows that an earlier one had. A page may be empty.
    pub fn pages<E: Paged + 'static>(&self, request: E) -> Pages<E::Row> {
        page::pages(self.clone(), request)
    }

    /// The rows of a list over all its pages, each row once.
    ///
    /// Rows that come in meanwhile, at the head, shift the pages and cost nothing. A list whose rows change their place
    /// as they change is walked up to three times, until a walk brings nothing new: newest first, every row that stood
    /// still during one of them is seen.
    pub fn items<E: Paged + 'static>(&self, request: E) -> Items<E::Row> {
        page::items(self.clone(), request)
    }

    /// A call that this version has no type for, with the same signing, limits and errors.
    ///
    /// The path stands from the host's root, such as `/api/v2/atlas/public/markets`.
    pub fn raw(&self, method: http::Method, path: impl Into<String>) -> RawRequest {
        RawRequest::new(self.clone(), method, path.into())
    }

    /// Whom a call acts for.
    pub(crate) fn acting_for(&self, call: Call) -> Result<Option<Arc<str>>, Error> {
        if call.signed && self.shared.signer.is_none() {
            let what = "the call is signed, and the client has no credentials; give it some when building it";
            return Err(Error::config(what).with_call(call));
        }
        let Some(uid) = self.acting_as.clone().filter(|_| call.signed) else { return Ok(None) };
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
        if uid.is_empty() || uid.len() > 64 || !uid.bytes().all(plain) {
            let refused = crate::InvalidArgument::new(
                "acting_as",
                "it is no uid",
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

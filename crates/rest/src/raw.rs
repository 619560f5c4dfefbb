//! Raw calls: for calls that have no type yet.

use crate::{
    Call, Client, Codes, Error, InvalidArgument, call,
    export::Whole,
    outgoing::{Content, Outgoing},
    prepare,
    transport::{self, Trace},
};
use bytes::Bytes;
use capecrypto_auth::Service;
use http::{HeaderMap, Method};
use serde::Serialize;
use std::{fmt, pin::pin, time::Duration};

/// Stands for no service, because the path of a raw call starts at the host's root.
const ROOT: Service = Service::new("any", "");

/// A call that is built by hand, with the same signing, limits and errors as a typed one.
#[must_use = "a request does nothing until it is sent"]
pub struct RawRequest {
    client: Client,
    method: Method,
    path: String,
    query: form_urlencoded::Serializer<'static, String>,
    body: Result<Option<Bytes>, serde_json::Error>,
    signed: bool,
    idempotent: bool,
    codes: Codes,
}

/// A successful answer, as it came.
#[derive(Clone)]
#[non_exhaustive]
pub struct RawReply {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
    /// Time from the start of the first attempt to the last byte.
    pub elapsed: Duration,
    /// Number of attempts.
    pub attempts: u32,
}

impl RawRequest {
    pub(crate) fn new(client: Client, method: Method, path: String) -> Self {
        let signed = client.shared.signer.is_some();
        let idempotent = method == Method::GET;
        let query = form_urlencoded::Serializer::new(String::new());
        Self { client, method, path, query, body: Ok(None), signed, idempotent, codes: Codes::Dotted }
    }

    /// Adds a parameter to the query; name and value are escaped.
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.query.append_pair(name, value);
        self
    }

    /// Sends a JSON body.
    pub fn json(mut self, body: &impl Serialize) -> Self {
        self.body = serde_json::to_vec(body).map(|body| Some(body.into()));
        self
    }

    /// Sends no signature, even if the client could sign.
    pub fn unsigned(mut self) -> Self {
        self.signed = false;
        self
    }

    /// Declares that sending it twice has the same effect as sending it once, so that it may be retried. A GET always is.
    pub fn idempotent(mut self) -> Self {
        self.idempotent = true;
        self
    }

    /// Reads the codes of a refusal in another form, for a server other than the exchange.
    pub fn codes(mut self, codes: Codes) -> Self {
        self.codes = codes;
        self
    }

    /// Sends the call.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn send(mut self) -> Result<RawReply, Error> {
        let mut call =
            Call::new("raw", ROOT, known(&self.method)?, "a path of the caller's").with_codes(self.codes);
        call.signed = self.signed;
        if self.idempotent {
            call = call.idempotent();
        }
        check_path(&self.path).map_err(|error| Error::from(error).with_call(call))?;
        let body = self.body.map_err(|error| {
            let why = crate::mask::quoted(&error.to_string());
            Error::from(InvalidArgument::new("json", why, "give something that can be written as JSON"))
                .with_call(call)
        })?;
        let query = self.query.finish();
        let path_and_query = prepare::join(self.path, &query);
        let acting_as = self.client.acting_for(call)?;
        self.client.shared.check_runtime(call)?;
        let outgoing = Outgoing {
            call,
            path_and_query,
            content: body.map_or(Content::Nothing, Content::Json),
            acting_as,
            hint: |_| None,
            idempotent: self.idempotent,
            same_key: false,
            urgent: false,
            secrets: Vec::new(),
        };
        let shared = &self.client.shared;
        let work = pin!(async {
            let intent = shared.begin_intent(&outgoing, Vec::new).await?;
            let mut answer = shared.call(&outgoing, &mut Whole).await;
            shared.end_intent(intent, &mut answer).await;
            let answer = answer?;
            Ok(RawReply {
                status: answer.head.status,
                headers: answer.head.headers,
                body: answer.body,
                elapsed: answer.elapsed,
                attempts: answer.attempts,
            })
        });
        transport::traced(call, work).await
    }
}

fn known(method: &Method) -> Result<call::Method, Error> {
    call::Method::of(method).ok_or_else(|| {
        let what = "the API does not use this method";
        InvalidArgument::new("method", what, "give GET, POST, PUT, PATCH or DELETE").into()
    })
}

/// Checks that a path has only segments of plain characters. An HTTP client might resolve any other path to a different one.
fn check_path(path: &str) -> Result<(), InvalidArgument> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let good = path.strip_prefix('/').is_some_and(|rest| {
        rest.split('/')
            .all(|part| !part.is_empty() && part.chars().all(plain) && !part.chars().all(|c| c == '.'))
    });
    if good {
        return Ok(());
    }
    Err(InvalidArgument::new(
        "path",
        "it is not a plain path",
        "begin with a slash, use letters, digits, '_', '-', '.' between single slashes, and set the query with `query`",
    ))
}

impl Trace for RawReply {
    fn trace(&self) -> (u16, u32) {
        (self.status, self.attempts)
    }
}

impl fmt::Debug for RawRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawRequest({})", self.method)
    }
}

impl fmt::Debug for RawReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawReply")
            .field("status", &self.status)
            .field("bytes", &self.body.len())
            .field("attempts", &self.attempts)
            .finish_non_exhaustive()
    }
}

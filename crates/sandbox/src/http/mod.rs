//! REST: the table of calls, and the way of a request through it.

mod account;
mod book;
pub(crate) mod codes;
pub(crate) mod control;
mod cors;
mod documents;
mod form;
mod funds;
mod paging;
pub(crate) mod params;
mod public;
pub(crate) mod reply;
mod routes;
mod sub_accounts;
mod trading;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Request, StatusCode, Version, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;

use self::params::Params;
use self::reply::{Outgoing, Reply};
use self::routes::Found;
pub(crate) use self::routes::{Route, all};
use crate::accounts::Restriction;
use crate::app::App;
use crate::auth::authenticate;
use crate::errors::{self, Refusal};
use crate::faults::FaultKind;
use crate::server::ConnectionHandle;
use crate::ws;

/// The largest body that is read.
pub(crate) const MAX_BODY: usize = 64 * 1024;
/// The same where a call takes a file.
const MAX_FORM: usize = 12 * 1024 * 1024;
/// How long a body may take.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// The longest stall that a fault may ask for.
const MAX_DELAY_MS: u64 = 600_000;

/// A call as its handler sees it.
pub(crate) struct ApiRequest<'a> {
    pub(crate) app: &'a App,
    /// What stands in the path's `{…}`, in order.
    path: Vec<String>,
    pub(crate) params: &'a Params,
    /// Who calls; none on public calls.
    account: Option<usize>,
    /// What the caller takes as an answer.
    accept: &'a str,
}

impl ApiRequest<'_> {
    /// The path's `{…}` of that place.
    pub(crate) fn path(&self, place: usize) -> &str {
        self.path.get(place).map_or("", String::as_str)
    }

    /// Whether the caller names this media type among those that it takes.
    pub(crate) fn accepts(&self, media_type: &str) -> bool {
        self.accept
            .split(',')
            .any(|range| range.split(';').next().is_some_and(|kind| kind.trim() == media_type))
    }

    /// Who calls. The error never shows: private calls are authenticated before their handler.
    pub(crate) fn account(&self) -> Result<usize, Refusal> {
        self.account.ok_or_else(|| Refusal::unauthorized("authz.invalid_session"))
    }
}

/// Serves one request of a connection.
pub(crate) async fn serve(
    app: Arc<App>,
    peer: SocketAddr,
    link: Arc<ConnectionHandle>,
    request: Request<Incoming>,
) -> Outgoing {
    let path = request.uri().path();
    let now_ms = app.clock.now_ms();
    if !names_one_host(&request) {
        return Reply::from(Refusal::Plain(StatusCode::BAD_REQUEST, "400 Bad Request")).into_response(now_ms);
    }
    if path == "/sandbox" || path.starts_with("/sandbox/") {
        return control::serve(&app, peer, request).await.into_response(now_ms);
    }
    if let Some(target) = ws::target(app.config.profile, path) {
        let fault = app.faults.take(request.method().as_str(), &[&target.path], false);
        if let Some(reply) = before(fault.as_ref(), &link).await {
            return reply.into_response(now_ms);
        }
        return ws::upgrade(&app, &link, &target, request);
    }
    let origin = cors::allowed_origin(request.headers(), app.config.allow_non_loopback);
    let preflight = cors::is_preflight(&request);
    let reply = match rest(&app, &link, request).await {
        Ok(reply) => reply,
        Err(refusal) => refusal.into(),
    };
    let mut response = reply.into_response(app.clock.now_ms());
    cors::mark(&mut response, origin, preflight);
    response
}

/// HTTP/1.1 wants exactly one `Host`; HTTP/1.0 may do without.
fn names_one_host(request: &Request<Incoming>) -> bool {
    let hosts = request.headers().get_all(header::HOST).iter().count();
    hosts == 1 || (hosts == 0 && request.version() < Version::HTTP_11)
}

/// A REST call: route, fault, body, authentication, parameters, handler.
async fn rest(app: &App, link: &ConnectionHandle, request: Request<Incoming>) -> Result<Reply, Refusal> {
    let (head, body) = request.into_parts();
    let profile = app.config.profile;
    let found = routes::find(profile, head.uri.path())
        .ok_or(Refusal::Plain(StatusCode::NOT_FOUND, "404 Not Found"))?;
    let methods = found.methods();
    if head.method == Method::OPTIONS {
        return Ok(Reply::nothing().allow(&methods));
    }
    let Found { path, routes, segments } = found;
    // An answer to HEAD is the one to GET without its body.
    let method = if head.method == Method::HEAD { Method::GET } else { head.method.clone() };
    let route: &Route =
        routes.iter().find(|route| route.method == method.as_str()).ok_or(Refusal::Method(methods))?;
    let fault = app.faults.take(route.method, &[route.path, path.as_str()], true);
    if let Some(reply) = before(fault.as_ref(), link).await {
        return Ok(reply);
    }
    let most = if route.takes_files() { MAX_FORM } else { MAX_BODY };
    let body = read_body(body, &head.headers, most).await?;
    let form = if route.takes_files() { form::read(&head.headers, &body).await? } else { None };
    let answer = answer(app, route, &head, segments, &body, form);
    if let Some((status, codes)) = answer.as_ref().err().and_then(Refusal::codes) {
        debug_assert!(
            codes.iter().all(|code| codes::is_declared(route, status, code)),
            "{} {} may not answer {status} {codes:?}: declare it in its line of the table, and in the spec",
            route.method,
            route.path
        );
    }
    app.wake();
    match fault {
        Some(FaultKind::ResetAfterApply) => link.reset().await,
        Some(FaultKind::DelayAfterApply(ms)) => stall(ms).await,
        _ => {}
    }
    answer
}

/// Authentication, parameters, handler.
fn answer(
    app: &App,
    route: &Route,
    head: &Parts,
    path: Vec<String>,
    body: &[u8],
    form: Option<Vec<(String, params::Value)>>,
) -> Result<Reply, Refusal> {
    let account = if route.is_public() {
        None
    } else {
        let window_ms = i128::try_from(app.config.auth_window.as_millis()).unwrap_or(i128::MAX);
        let now_ms = app.clock.now_ms();
        Some(authenticate(&app.directory, now_ms, window_ms, &head.method, &head.headers)?)
    };
    let params = match form {
        Some(fields) => Params::of_form(head.uri.query(), fields),
        None => Params::read(head.uri.query(), &head.headers, body)?,
    };
    let unverified = |id| app.directory.restriction(id) == Some(Restriction::NotVerified);
    if route.is_trading() && account.is_some_and(unverified) {
        return Err(Refusal::Codes(StatusCode::FORBIDDEN, vec![errors::NOT_PERMITTED]));
    }
    let accept = head.headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    (route.handle)(&ApiRequest { app, path, params: &params, account, accept })
}

/// What a fault does ahead of the call: an answer in its stead, a reset (then this never returns), a stall.
async fn before(fault: Option<&FaultKind>, link: &ConnectionHandle) -> Option<Reply> {
    match fault {
        Some(FaultKind::Answer { status, body, content_type }) => {
            Some(Reply::raw(*status, content_type.as_deref(), body.clone()))
        }
        Some(FaultKind::ResetBeforeApply) => link.reset().await,
        Some(FaultKind::Delay(ms)) => {
            stall(*ms).await;
            None
        }
        _ => None,
    }
}

async fn stall(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms.min(MAX_DELAY_MS))).await;
}

/// The whole body, where it is small enough and comes in time.
pub(crate) async fn read_body(
    body: Incoming,
    headers: &http::HeaderMap,
    most: usize,
) -> Result<Bytes, Refusal> {
    let too_large = || Refusal::Codes(StatusCode::PAYLOAD_TOO_LARGE, vec![errors::BODY_TOO_LARGE]);
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: u64| length > u64::try_from(most).unwrap_or(u64::MAX)) {
        return Err(too_large());
    }
    match tokio::time::timeout(BODY_TIMEOUT, Limited::new(body, most).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) | Err(_) => Err(Refusal::Codes(StatusCode::BAD_REQUEST, vec![errors::BODY_INCOMPLETE])),
    }
}

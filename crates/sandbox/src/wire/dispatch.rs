//! Sends a request to the control door, the websocket, or a REST call, and applies the planned faults.

use super::{body, cors, link::ConnectionHandle};
use crate::{
    api,
    base::{
        refusal::Refusal,
        reply::{Outgoing, Reply},
    },
    cabital::{self, api::Side},
    door,
    host::{Host, faults::FaultKind},
    stream::{
        connection::Session,
        handshake::{self, Target},
    },
};
use http::{HeaderMap, Method, Request, StatusCode, Version, header};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use std::{net::SocketAddr, sync::Arc, time::Duration};

/// The longest delay that a fault may ask for.
const MAX_DELAY_MS: u64 = 600_000;

/// Whose listener a request came to.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Site {
    /// The exchange, with its websocket and the control door.
    Exchange,
    /// One of Cabital's hosts.
    Cabital(Side),
}

/// Serves one request of a connection.
pub(super) async fn serve(
    host: Arc<Host>,
    site: Site,
    peer: SocketAddr,
    link: Arc<ConnectionHandle>,
    request: Request<Incoming>,
) -> Outgoing {
    let path = request.uri().path();
    let now_ms = host.clock.now_ms();
    if !names_one_host(&request) {
        return Reply::from(Refusal::Plain(StatusCode::BAD_REQUEST, "400 Bad Request")).into_response(now_ms);
    }
    if let Site::Cabital(side) = site {
        let reply = cabital(&host, side, &link, request).await.unwrap_or_else(|reply| reply);
        return reply.into_response(host.clock.now_ms());
    }
    if path == "/sandbox" || path.starts_with("/sandbox/") {
        let reply = door(&host, peer, request).await.unwrap_or_else(Reply::from);
        return reply.into_response(host.clock.now_ms());
    }
    if let Some(target) = handshake::target(host.config.profile, path) {
        let fault =
            host.faults.take(request.method().as_str(), &[&target.path], api_key(request.headers()), false);
        if let Some(reply) = before(fault.as_ref(), &link).await {
            return reply.into_response(now_ms);
        }
        return match upgrade(&host, &link, &target, request) {
            Ok(switching) => switching,
            Err(refusal) => Reply::from(refusal).into_response(now_ms),
        };
    }
    let origin = cors::allowed_origin(request.headers(), host.config.allow_non_loopback);
    let preflight = cors::is_preflight(&request);
    let reply = rest(&host, &link, request).await.unwrap_or_else(Reply::from);
    let mut response = reply.into_response(host.clock.now_ms());
    cors::mark(&mut response, origin, preflight);
    response
}

/// HTTP/1.1 requires exactly one `Host`; HTTP/1.0 allows none.
fn names_one_host(request: &Request<Incoming>) -> bool {
    let hosts = request.headers().get_all(header::HOST).iter().count();
    hosts == 1 || (hosts == 0 && request.version() < Version::HTTP_11)
}

async fn door(host: &Arc<Host>, peer: SocketAddr, request: Request<Incoming>) -> Result<Reply, Refusal> {
    let (head, body) = request.into_parts();
    door::admit(peer, &head)?;
    let body = body::read(body, &head.headers, api::MAX_BODY).await?;
    door::serve(host, &head, &body)
}

/// Answers the handshake; the session then runs in the connection's task.
fn upgrade(
    host: &Arc<Host>,
    link: &ConnectionHandle,
    target: &Target,
    mut request: Request<Incoming>,
) -> Result<Outgoing, Refusal> {
    let account = if target.private {
        Some(host.authenticate(request.method(), request.headers())?.account)
    } else {
        None
    };
    let accept = handshake::accept_key(request.method(), request.headers())?;
    let config = &host.config;
    let session = Session {
        hub: Arc::clone(&host.hub),
        ping_every: config.ping_every,
        drop_after: config.drop_after,
        account,
        streams: handshake::streams(request.uri().query(), config.profile),
    };
    let upgraded = hyper::upgrade::on(&mut request);
    let host = Arc::clone(host);
    let now_ms = host.clock.now_ms();
    link.then(async move {
        if let Ok(upgraded) = upgraded.await {
            session.run(handshake::server(TokioIo::new(upgraded)).await, host.stopped()).await;
        }
    });
    Ok(handshake::switching(&accept, now_ms))
}

/// A REST call: route, fault, body, answer.
async fn rest(host: &Host, link: &ConnectionHandle, request: Request<Incoming>) -> Result<Reply, Refusal> {
    let (head, body) = request.into_parts();
    let found = api::find(host.config.profile, head.uri.path())
        .ok_or(Refusal::Plain(StatusCode::NOT_FOUND, "404 Not Found"))?;
    let methods = found.methods();
    if head.method == Method::OPTIONS {
        return Ok(Reply::nothing().allow(&methods));
    }
    let api::Found { path, routes, segments } = found;
    // HEAD is answered like GET, without the body.
    let method = if head.method == Method::HEAD { Method::GET } else { head.method.clone() };
    let route = routes.iter().find(|route| route.method == method.as_str());
    let route: &api::Route = route.ok_or(Refusal::Method(methods))?;
    let fault = host.faults.take(route.method, &[route.path, path.as_str()], api_key(&head.headers), true);
    if let Some(reply) = before(fault.as_ref(), link).await {
        return Ok(reply);
    }
    let body = body::read(body, &head.headers, route.max_body()).await?;
    let answer = api::answer(host, route, &head, segments, &body).await;
    after(fault, link).await.map_or(answer, Ok)
}

/// A call to one of Cabital's hosts: route, fault, body, answer.
async fn cabital(
    host: &Host,
    side: Side,
    link: &ConnectionHandle,
    request: Request<Incoming>,
) -> Result<Reply, Reply> {
    let (head, body) = request.into_parts();
    if let Some(page) = cabital::links::page(head.uri.path()).filter(|_| side == Side::Link) {
        return Ok(page);
    }
    let found = cabital::api::find(side, head.method.as_str(), head.uri.path())?;
    let paths = [found.route.path, found.path.as_str()];
    let fault = host.cabital_faults.take(found.route.method, &paths, None, true);
    if let Some(reply) = before(fault.as_ref(), link).await {
        return Ok(reply);
    }
    let body = body::read(body, &head.headers, api::MAX_BODY).await.map_err(Reply::from)?;
    let answer = cabital::api::answer(&host.cabital, &found, &head, &body);
    Ok(after(fault, link).await.unwrap_or(answer))
}

/// The API key that a request names, right or wrong.
fn api_key(headers: &HeaderMap) -> Option<&str> {
    headers.get("x-auth-apikey")?.to_str().ok()
}

/// What a fault does before the call: it answers instead, resets the connection (then this never returns), or delays.
async fn before(fault: Option<&FaultKind>, link: &ConnectionHandle) -> Option<Reply> {
    match fault {
        Some(FaultKind::Answer { status, body, content_type }) => {
            Some(Reply::raw(*status, content_type.as_deref(), body.clone()))
        }
        Some(FaultKind::TooManyRequests { retry_after_s }) => {
            let reply = Reply::raw(429, Some("text/html"), "429 Too Many Requests".to_owned());
            Some(match retry_after_s {
                Some(seconds) => reply.count("retry-after", usize::try_from(*seconds).unwrap_or(usize::MAX)),
                None => reply,
            })
        }
        Some(FaultKind::ResetBeforeApply) => link.reset().await,
        Some(FaultKind::Delay(ms)) => {
            stall(*ms).await;
            None
        }
        _ => None,
    }
}

/// What a fault does after the call: it resets the connection (then this never returns), delays, or answers instead.
async fn after(fault: Option<FaultKind>, link: &ConnectionHandle) -> Option<Reply> {
    match fault {
        Some(FaultKind::ResetAfterApply) => link.reset().await,
        Some(FaultKind::DelayAfterApply(ms)) => {
            stall(ms).await;
            None
        }
        Some(FaultKind::AnswerAfterApply { status, body, content_type }) => {
            Some(Reply::raw(status, content_type.as_deref(), body))
        }
        _ => None,
    }
}

async fn stall(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms.min(MAX_DELAY_MS))).await;
}

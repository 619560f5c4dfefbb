//! The websocket: handshake, subscriptions, the hub that feeds them.

mod connection;
pub(crate) mod hub;
pub(crate) mod periodic;
mod request;

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use self::connection::Session;
use crate::app::App;
use crate::auth::authenticate;
use crate::config::Profile;
use crate::errors::Refusal;
use crate::http::reply::{Outgoing, Reply};
use crate::server::ConnectionHandle;

/// Frames above the limit of 512 bytes are read up to here, so that they can be answered with a close frame.
const READ_LIMIT: usize = 64 * 1024;

/// What a path of the websocket asks for.
#[derive(Debug)]
pub(crate) struct Target {
    /// Without `/api/v2`.
    pub(crate) path: String,
    /// Whether it is the private endpoint; any other path is public.
    private: bool,
}

/// Whether the path belongs to the websocket.
pub(crate) fn target(profile: Profile, path: &str) -> Option<Target> {
    let path = path.strip_prefix("/api/v2")?;
    // The oldest name, which public clients of the older API still use.
    let oldest = (profile == Profile::Legacy).then_some("/ranger");
    let rest =
        ["/websocket", "/stream"].into_iter().chain(oldest).find_map(|base| path.strip_prefix(base))?;
    // Clients that put the query behind a slash mean the same.
    (rest.is_empty() || rest.starts_with('/')).then(|| Target {
        path: path.to_owned(),
        private: rest.strip_suffix('/').unwrap_or(rest) == "/private",
    })
}

/// Answers the handshake and leaves the session to the connection's task.
pub(crate) fn upgrade(
    app: &Arc<App>,
    link: &ConnectionHandle,
    target: &Target,
    mut request: Request<Incoming>,
) -> Outgoing {
    let now_ms = app.clock.now_ms();
    let account = if target.private {
        let window_ms = i128::try_from(app.config.auth_window.as_millis()).unwrap_or(i128::MAX);
        match authenticate(&app.directory, now_ms, window_ms, request.method(), request.headers()) {
            Ok(account) => Some(account),
            Err(refusal) => return Reply::from(refusal).into_response(now_ms),
        }
    } else {
        None
    };
    let accept = match accept_key(request.method(), request.headers()) {
        Ok(accept) => accept,
        Err(refusal) => return Reply::from(refusal).into_response(now_ms),
    };
    let streams = request::streams_of_query(request.uri().query(), app.config.profile);
    let session = Session { app: Arc::clone(app), account, streams };
    let upgraded = hyper::upgrade::on(&mut request);
    link.then(async move {
        let Ok(upgraded) = upgraded.await else { return };
        let config = WebSocketConfig::default()
            .read_buffer_size(4 * 1024)
            .max_message_size(Some(READ_LIMIT))
            .max_frame_size(Some(READ_LIMIT));
        let socket =
            WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(config)).await;
        session.run(socket).await;
    });
    switching(&accept, now_ms)
}

/// The proof for the client's key, or why this is no handshake.
fn accept_key(method: &Method, headers: &HeaderMap) -> Result<String, Refusal> {
    let bad = |text| Err(Refusal::Plain(StatusCode::BAD_REQUEST, text));
    let names = |name, wanted: &str| {
        headers
            .get_all(name)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .any(|value| value.split(',').any(|part| part.trim().eq_ignore_ascii_case(wanted)))
    };
    if method != Method::GET || !names(header::CONNECTION, "upgrade") || !names(header::UPGRADE, "websocket")
    {
        return bad("Bad Request: not a websocket handshake");
    }
    if !names(header::SEC_WEBSOCKET_VERSION, "13") {
        return bad("Bad Request: unsupported websocket version");
    }
    // Only a page of the exchange's own host may connect from a browser.
    if let Some(origin) = headers.get(header::ORIGIN) {
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let same = origin.to_str().is_ok_and(|origin| {
            origin.split_once("://").is_some_and(|(_, named)| named.eq_ignore_ascii_case(host))
        });
        if !same {
            return Err(Refusal::Plain(StatusCode::FORBIDDEN, "Forbidden"));
        }
    }
    match headers.get(header::SEC_WEBSOCKET_KEY) {
        Some(key) if !key.is_empty() => Ok(derive_accept_key(key.as_bytes())),
        _ => bad("Bad Request: no websocket key"),
    }
}

fn switching(accept: &str, now_ms: i64) -> Outgoing {
    let mut response = Response::new(Full::new(Bytes::new()));
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, header::HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, header::HeaderValue::from_static("websocket"));
    for (name, text) in
        [(header::SEC_WEBSOCKET_ACCEPT, accept.to_owned()), (header::DATE, crate::clock::http_date(now_ms))]
    {
        if let Ok(value) = text.parse() {
            headers.insert(name, value);
        }
    }
    response
}

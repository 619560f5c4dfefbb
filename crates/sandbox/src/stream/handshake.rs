//! The websocket handshake: which endpoint a path means, the check of the headers, and the answer.

use super::request;
use crate::base::{clock::http_date, config::Profile, refusal::Refusal, reply::Outgoing};
use bytes::Bytes;
use http::{HeaderMap, Method, Response, StatusCode, header};
use http_body_util::Full;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        handshake::derive_accept_key,
        protocol::{Role, WebSocketConfig},
    },
};

/// The largest frame that is read. It is above the limit of 512 bytes, so that a too long frame gets a close frame.
const READ_LIMIT: usize = 64 * 1024;
/// From how many bytes on frames are written although more frames are ready. Each connection keeps a buffer of that size.
const WRITE_BUFFER: usize = 16 * 1024;

/// The endpoint that a path names.
#[derive(Debug)]
pub(crate) struct Target {
    /// The path without `/api/v2`.
    pub(crate) path: String,
    /// Whether it is the private endpoint; every other path is public.
    pub(crate) private: bool,
}

/// The endpoint of a path; `None` if it is not a websocket path.
pub(crate) fn target(profile: Profile, path: &str) -> Option<Target> {
    let path = path.strip_prefix("/api/v2")?;
    // The oldest name, which public clients of the older API still use.
    let oldest = (profile == Profile::Legacy).then_some("/ranger");
    let rest =
        ["/websocket", "/stream"].into_iter().chain(oldest).find_map(|base| path.strip_prefix(base))?;
    // Some clients write a slash before the query; it is the same endpoint.
    (rest.is_empty() || rest.starts_with('/')).then(|| Target {
        path: path.to_owned(),
        private: rest.strip_suffix('/').unwrap_or(rest) == "/private",
    })
}

/// The streams that a handshake's query names.
pub(crate) fn streams(query: Option<&str>, profile: Profile) -> Vec<String> {
    request::streams_of_query(query, profile)
}

/// The server's end of an upgraded connection.
pub(crate) async fn server<S: AsyncRead + AsyncWrite + Unpin>(io: S) -> WebSocketStream<S> {
    let config = WebSocketConfig::default()
        .read_buffer_size(4 * 1024)
        .write_buffer_size(WRITE_BUFFER)
        .max_message_size(Some(READ_LIMIT))
        .max_frame_size(Some(READ_LIMIT));
    WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await
}

/// The value of `Sec-WebSocket-Accept` for the client's key, or why this is not a valid handshake.
pub(crate) fn accept_key(method: &Method, headers: &HeaderMap) -> Result<String, Refusal> {
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

/// The answer 101, which switches the connection to the websocket.
pub(crate) fn switching(accept: &str, now_ms: i64) -> Outgoing {
    let mut response = Response::new(Full::new(Bytes::new()));
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, header::HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, header::HeaderValue::from_static("websocket"));
    for (name, text) in [(header::SEC_WEBSOCKET_ACCEPT, accept.to_owned()), (header::DATE, http_date(now_ms))]
    {
        if let Ok(value) = text.parse() {
            headers.insert(name, value);
        }
    }
    response
}

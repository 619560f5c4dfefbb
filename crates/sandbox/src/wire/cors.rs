//! CORS headers, which let a web page of another origin call the exchange.
//!
//! Pages of this machine may call it. If the sandbox was opened to other machines, any page may. The control door refuses
//! all pages, and the websocket handshake has its own rule.

use crate::base::reply::Outgoing;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, header};

/// Headers that a page may send: the content type, the three of a signature, and the account to act for.
const ALLOWED: HeaderValue = HeaderValue::from_static(
    "Content-Type, X-Auth-Apikey, X-Auth-Nonce, X-Auth-Signature, X-Auth-Subaccount-Uid",
);
/// Headers that a page may read, in addition to those that browsers always show.
const EXPOSED: HeaderValue = HeaderValue::from_static("Total, Per-Page, Page, Date, Allow, Retry-After");
/// How long a browser may cache a preflight's answer, in seconds.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");

/// The origin of a request; `None` if there is none, or if its pages may not call.
pub(super) fn allowed_origin(headers: &HeaderMap, any: bool) -> Option<HeaderValue> {
    let origin = headers.get(header::ORIGIN)?;
    (any || origin.to_str().is_ok_and(is_of_this_machine)).then(|| origin.clone())
}

/// Whether an origin is on this machine, such as `http://localhost:3000`, `http://127.0.0.1:8080` or `http://[::1]`.
fn is_of_this_machine(origin: &str) -> bool {
    let Some((_, host)) = origin.split_once("://") else { return false };
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let inner = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    name.eq_ignore_ascii_case("localhost")
        || inner.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whether the request is a preflight: the browser asks what a page may send.
pub(super) fn is_preflight<T>(request: &Request<T>) -> bool {
    request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// Adds the CORS headers: the page may read the answer; for a preflight also what it may send.
pub(super) fn mark(response: &mut Outgoing, origin: Option<HeaderValue>, preflight: bool) {
    let methods = response.headers().get(header::ALLOW).cloned();
    let headers = response.headers_mut();
    // Answers differ by origin, so a cache must keep them apart.
    headers.insert(header::VARY, HeaderValue::from_static("Origin"));
    let Some(origin) = origin else { return };
    let mut insert = |name: HeaderName, value| headers.insert(name, value);
    insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    if let Some(methods) = methods.filter(|_| preflight) {
        insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
        insert(header::ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED);
        insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_this_machine_are_known_by_their_host() {
        for origin in [
            "http://localhost",
            "http://LOCALHOST:3000",
            "https://127.0.0.1:1",
            "http://127.9.9.9",
            "http://[::1]:8080",
        ] {
            assert!(is_of_this_machine(origin), "{origin}");
        }
        for origin in [
            "null",
            "http://example.com",
            "http://localhost.example.com",
            "http://127.0.0.1.example.com:80",
            "http://10.0.0.1",
            "localhost",
            "http://[::2]",
        ] {
            assert!(!is_of_this_machine(origin), "{origin}");
        }
    }
}

//! What a page in a browser needs, so that it may call the exchange from another origin than its own.
//!
//! Pages of this machine may; any page may where the sandbox was opened to other machines. The control door is not
//! for pages at all, and a websocket's handshake has its own rule.

use crate::base::reply::Outgoing;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, header};

/// What a page may send. The names of the three headers of a signature, and of the account that is acted for.
const ALLOWED: HeaderValue = HeaderValue::from_static(
    "Content-Type, X-Auth-Apikey, X-Auth-Nonce, X-Auth-Signature, X-Auth-Subaccount-Uid",
);
/// What a page may read beside the headers that browsers always show.
const EXPOSED: HeaderValue = HeaderValue::from_static("Total, Per-Page, Page, Date, Allow, Retry-After");
/// How long a browser may keep the answer, in seconds.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");

/// A request's origin, where a page of that origin may call.
pub(super) fn allowed_origin(headers: &HeaderMap, any: bool) -> Option<HeaderValue> {
    let origin = headers.get(header::ORIGIN)?;
    (any || origin.to_str().is_ok_and(is_of_this_machine)).then(|| origin.clone())
}

/// `http://localhost:3000`, `http://127.0.0.1:8080`, `http://[::1]`.
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

/// Whether a browser asks beforehand what a page may do.
pub(super) fn is_preflight<T>(request: &Request<T>) -> bool {
    request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// Tells the browser that the page may read the answer; a preflight also what it may send.
pub(super) fn mark(response: &mut Outgoing, origin: Option<HeaderValue>, preflight: bool) {
    let methods = response.headers().get(header::ALLOW).cloned();
    let headers = response.headers_mut();
    // Answers differ by origin, which caches have to know.
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

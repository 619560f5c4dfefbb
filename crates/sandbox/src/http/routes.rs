//! The one table of REST calls. What is served and what [`crate::calls`] says are this table.

use super::reply::Reply;
use super::{Ask, account, public, trading};
use crate::errors::Refusal;

type Handler = fn(&Ask<'_>) -> Result<Reply, Refusal>;

/// One call.
#[derive(Debug)]
pub(crate) struct Route {
    /// The service of the documents' base URLs: `trade` or `account`.
    pub(crate) service: &'static str,
    pub(crate) method: &'static str,
    /// Without the prefix; `{…}` stands for one segment.
    pub(crate) path: &'static str,
    pub(crate) handle: Handler,
}

impl Route {
    /// Public calls don't look at authentication headers, not even at wrong ones.
    pub(crate) fn is_public(&self) -> bool {
        self.path.starts_with("/public/")
    }
}

const fn route(service: &'static str, method: &'static str, path: &'static str, handle: Handler) -> Route {
    Route { service, method, path, handle }
}

/// Every call. Where two paths fit, the earlier one counts: fixed segments stand before `{…}`.
pub(crate) static ROUTES: &[Route] = &[
    route("trade", "GET", "/public/health/alive", public::alive),
    route("trade", "GET", "/public/timestamp", public::timestamp),
    route("trade", "GET", "/public/markets", public::markets),
    route("trade", "GET", "/public/markets/tickers", public::tickers),
    route("trade", "GET", "/public/markets/{market}/tickers", public::ticker),
    route("trade", "GET", "/public/markets/{market}/depth", public::depth),
    route("trade", "GET", "/public/markets/{market}/k-line", public::candles),
    route("trade", "GET", "/public/markets/{market}/trades", public::trades),
    route("trade", "GET", "/public/currencies", public::currencies),
    route("trade", "GET", "/public/currencies/{id}", public::currency),
    route("trade", "POST", "/market/orders", trading::create),
    route("trade", "GET", "/market/orders", trading::orders),
    route("trade", "POST", "/market/orders/cancel", trading::cancel_all),
    route("trade", "GET", "/market/orders/{id}", trading::order),
    route("trade", "POST", "/market/orders/{id}/cancel", trading::cancel),
    route("trade", "GET", "/market/trades", trading::trades),
    route("account", "GET", "/account/balances", account::balances),
    route("account", "GET", "/account/balances/{currency}", account::balance),
];

/// Where calls are answered: the current base, the older one, and the documents' paths without a service name.
const PREFIXES: [&str; 3] = ["/api/v2/atlas", "/api/v2/trade", "/api/v2"];

/// What a path leads to.
#[derive(Debug)]
pub(crate) struct Found {
    /// The path without its prefix.
    pub(crate) path: String,
    /// The calls of the best fitting template, one for each method.
    pub(crate) routes: Vec<&'static Route>,
    /// What stands in the template's `{…}`.
    pub(crate) segments: Vec<String>,
}

/// The calls of a path, whatever their method.
pub(crate) fn find(full: &str) -> Option<Found> {
    PREFIXES.iter().find_map(|prefix| {
        let path = full.strip_prefix(prefix)?;
        let (template, segments) =
            ROUTES.iter().find_map(|route| Some((route.path, matches(route.path, path)?)))?;
        let routes = ROUTES.iter().filter(|route| route.path == template).collect();
        Some(Found { path: path.to_owned(), routes, segments })
    })
}

/// The segments in place of `{…}`, where the path fits the template.
fn matches(template: &str, path: &str) -> Option<Vec<String>> {
    let mut segments = Vec::new();
    let mut given = path.split('/');
    for wanted in template.split('/') {
        let segment = given.next()?;
        if wanted.starts_with('{') {
            // An empty segment is another path, not an empty id.
            segments.push(percent_decoded(segment).filter(|text| !text.is_empty())?);
        } else if wanted != segment {
            return None;
        }
    }
    given.next().is_none().then_some(segments)
}

/// `%41` becomes `A`; nothing where the escapes are broken or don't give UTF-8.
fn percent_decoded(segment: &str) -> Option<String> {
    let mut bytes = segment.bytes();
    let mut decoded = Vec::new();
    while let Some(byte) = bytes.next() {
        decoded.push(if byte == b'%' {
            let high = char::from(bytes.next()?).to_digit(16)?;
            let low = char::from(bytes.next()?).to_digit(16)?;
            u8::try_from(high * 16 + low).ok()?
        } else {
            byte
        });
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_is_found_at_each_of_its_places_and_nowhere_else() {
        for route in ROUTES {
            for prefix in PREFIXES {
                let path = route.path.replace("{market}", "btczar").replace("{", "").replace("}", "");
                let found = find(&format!("{prefix}{path}")).unwrap();
                assert!(found.routes.iter().any(|found| std::ptr::eq(*found, route)), "{prefix}{path}");
                assert_eq!(found.path, path);
            }
            assert!(find(route.path).is_none());
        }
        for path in [
            "/api/v2/atlas",
            "/api/v2/atlas/",
            "/api/v2/atlas/public/markets/",
            "/api/v2/atlas//public/markets",
            "/api/v2/atlas/market/orders//cancel",
            "/api/v2/atlas/market/orders/%zz",
            "/api/v2/atlas/market/orders/1/cancel/2",
            "/api/v2/atlasmarket/orders",
            "/api/v3/market/orders",
        ] {
            assert!(find(path).is_none(), "{path}");
        }
    }

    #[test]
    fn fixed_segments_come_before_ids() {
        let found = find("/api/v2/trade/market/orders/cancel").unwrap();
        assert_eq!(found.routes.first().map(|route| route.path), Some("/market/orders/cancel"));
        let found = find("/api/v2/account/balances/%7Aar").unwrap();
        assert_eq!(found.segments, ["zar"]);
    }
}

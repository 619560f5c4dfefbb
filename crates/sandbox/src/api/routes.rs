//! Which call a path leads to. Each theme has its own table of calls; what is served and what [`crate::calls`] says are these
//! tables.

use super::call::{Route, Theme};
use super::{account, book, documents, funds, market_data, markets, orders, sub_accounts, trades};
use crate::base::config::Profile;
use crate::base::refusal::{self, OwnCode};

/// All themes. Where two paths fit, the earlier one counts: fixed segments stand before `{…}`.
const THEMES: [&Theme; 9] = [
    &markets::THEME,
    &market_data::THEME,
    &book::THEME,
    &orders::THEME,
    &trades::THEME,
    &account::THEME,
    &funds::THEME,
    &documents::THEME,
    &sub_accounts::THEME,
];

/// Every call.
pub(crate) fn all() -> impl Iterator<Item = &'static Route> {
    THEMES.into_iter().flat_map(|theme| theme.routes)
}

/// Every code that the documents don't have.
pub(crate) fn own_codes() -> impl Iterator<Item = &'static OwnCode> {
    THEMES.into_iter().flat_map(|theme| theme.own_codes).chain(refusal::OWN_CODES)
}

/// Services with a place of their own.
const OWN_PREFIXES: [(&str, &str); 2] =
    [("verification", "/api/v2/verification"), ("persona", "/api/v2/persona")];

/// Where calls are answered: the current base, the older one, and the documents' paths without a service name.
const PREFIXES: [&str; 3] = ["/api/v2/atlas", "/api/v2/trade", "/api/v2"];
/// The oldest base, which public clients of the older API still use.
const OLDEST: &str = "/api/v2/peatio";

/// Whether a call stands under that prefix.
fn stands_under(route: &Route, prefix: &str) -> bool {
    let own = OWN_PREFIXES.into_iter().find(|(service, _)| *service == route.service);
    own.map_or_else(|| OWN_PREFIXES.iter().all(|(_, other)| *other != prefix), |(_, own)| own == prefix)
}

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
pub(crate) fn find(profile: Profile, full: &str) -> Option<Found> {
    let oldest = (profile == Profile::Legacy).then_some(OLDEST);
    let prefixes = oldest.into_iter().chain(OWN_PREFIXES.map(|(_, prefix)| prefix)).chain(PREFIXES);
    prefixes.into_iter().find_map(|prefix| {
        let path = full.strip_prefix(prefix)?;
        let served = || all().filter(|route| route.is_served_by(profile) && stands_under(route, prefix));
        let (template, segments) =
            served().find_map(|route| Some((route.path, matches(route.path, path)?)))?;
        let routes = served().filter(|route| route.path == template).collect();
        Some(Found { path: path.to_owned(), routes, segments })
    })
}

impl Found {
    /// What may be asked of this path, for `Allow`.
    pub(crate) fn methods(&self) -> Vec<&'static str> {
        let mut methods: Vec<&'static str> = self.routes.iter().map(|route| route.method).collect();
        if methods.contains(&"GET") {
            methods.push("HEAD");
        }
        methods.push("OPTIONS");
        methods
    }
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
        for profile in [Profile::Docs, Profile::Legacy] {
            let oldest = (profile == Profile::Legacy).then_some(OLDEST);
            for (route, prefix) in all().flat_map(|route| {
                let own = OWN_PREFIXES.map(|(_, prefix)| prefix);
                PREFIXES.into_iter().chain(oldest).chain(own).map(move |at| (route, at))
            }) {
                let path = route.path.replace("{market}", "btczar").replace("{", "").replace("}", "");
                let found = find(profile, &format!("{prefix}{path}"));
                let is_there = found.is_some_and(|found| {
                    found.path == path && found.routes.iter().any(|found| std::ptr::eq(*found, route))
                });
                let there = route.is_served_by(profile) && stands_under(route, prefix);
                assert_eq!(is_there, there, "{profile:?} {prefix}{path}");
            }
            for path in [
                "/market/orders",
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
                assert!(find(profile, path).is_none(), "{path}");
            }
        }
        assert!(find(Profile::Docs, "/api/v2/peatio/public/markets").is_none());
    }

    #[test]
    fn fixed_segments_come_before_ids() {
        let found = find(Profile::Docs, "/api/v2/trade/market/orders/cancel").unwrap();
        assert_eq!(found.routes.first().map(|route| route.path), Some("/market/orders/cancel"));
        let found = find(Profile::Docs, "/api/v2/account/balances/%7Aar").unwrap();
        assert_eq!(found.segments, ["zar"]);
        assert_eq!(found.methods(), ["GET", "HEAD", "OPTIONS"]);
    }
}

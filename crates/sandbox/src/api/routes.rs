//! Which call a path leads to.

use super::call::Route;
use crate::base::config::Profile;

/// Services that have their own prefix.
pub(super) const OWN_PREFIXES: [(&str, &str); 2] =
    [("verification", "/api/v2/verification"), ("persona", "/api/v2/persona")];

/// The prefixes of all other calls: the current one, the older one, and the documents' paths without a service name.
pub(super) const PREFIXES: [&str; 3] = ["/api/v2/atlas", "/api/v2/trade", "/api/v2"];
/// The oldest prefix, which public clients of the older API still use.
pub(super) const OLDEST: &str = "/api/v2/peatio";

/// Whether a call is served under that prefix.
pub(super) fn stands_under(route: &Route, prefix: &str) -> bool {
    let own = OWN_PREFIXES.into_iter().find(|(service, _)| *service == route.service);
    own.map_or_else(|| OWN_PREFIXES.iter().all(|(_, other)| *other != prefix), |(_, own)| own == prefix)
}

/// The calls of a path.
#[derive(Debug)]
pub(crate) struct Found {
    /// The path without its prefix.
    pub(crate) path: String,
    /// The calls of the template that matches, one for each method.
    pub(crate) routes: Vec<&'static Route>,
    /// The segments at the template's `{…}`.
    pub(crate) segments: Vec<String>,
}

/// A path with its calls of all methods.
pub(super) struct Template {
    /// The path, split at its slashes.
    segments: Vec<&'static str>,
    routes: Vec<&'static Route>,
}

/// The paths of these calls, in their order. They are split only once, because each request searches them.
pub(super) fn templates(all: impl Iterator<Item = &'static Route>) -> Vec<Template> {
    let mut templates: Vec<Template> = Vec::new();
    for route in all {
        let same = |template: &&mut Template| template.routes.iter().any(|other| other.path == route.path);
        match templates.iter_mut().find(same) {
            Some(template) => template.routes.push(route),
            None => {
                let segments = route.path.split('/').collect();
                templates.push(Template { segments, routes: vec![route] });
            }
        }
    }
    templates
}

/// The calls of a path, for all methods.
pub(super) fn find(templates: &[Template], profile: Profile, full: &str) -> Option<Found> {
    let oldest = (profile == Profile::Legacy).then_some(OLDEST);
    let prefixes = oldest.into_iter().chain(OWN_PREFIXES.map(|(_, prefix)| prefix)).chain(PREFIXES);
    prefixes.into_iter().find_map(|prefix| {
        let path = full.strip_prefix(prefix)?;
        let given: Vec<&str> = path.split('/').collect();
        let served = |route: &&&Route| route.is_served_by(profile) && stands_under(route, prefix);
        templates.iter().find_map(|template| {
            let segments = matches(&template.segments, &given)?;
            let routes: Vec<&Route> = template.routes.iter().filter(served).copied().collect();
            (!routes.is_empty()).then(|| Found { path: path.to_owned(), routes, segments })
        })
    })
}

impl Found {
    /// The methods that this path has, for the header `Allow`.
    pub(crate) fn methods(&self) -> Vec<&'static str> {
        let mut methods: Vec<&'static str> = self.routes.iter().map(|route| route.method).collect();
        if methods.contains(&"GET") {
            methods.push("HEAD");
        }
        methods.push("OPTIONS");
        methods
    }
}

/// The segments at `{…}`; `None` if the path does not match the template.
fn matches(template: &[&str], given: &[&str]) -> Option<Vec<String>> {
    let fits = |(wanted, segment): (&&str, &&str)| wanted.starts_with('{') || wanted == segment;
    if template.len() != given.len() || !template.iter().zip(given).all(fits) {
        return None;
    }
    let variable = template.iter().zip(given).filter(|(wanted, _)| wanted.starts_with('{'));
    // An empty segment does not match: an id is never empty.
    variable.map(|(_, segment)| percent_decoded(segment).filter(|text| !text.is_empty())).collect()
}

/// Decodes percent escapes: `%41` becomes `A`. `None` if an escape is broken or the result is not UTF-8.
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

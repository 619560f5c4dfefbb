//! Which call a path leads to.

use super::call::Route;
use crate::base::{config::Profile, path};

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
            let segments = path::matches(&template.segments, &given)?;
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

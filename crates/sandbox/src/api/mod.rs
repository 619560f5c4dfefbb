//! REST: one file for each theme, with its calls, their error codes, handlers and JSON.

mod account;
mod account_webhook;
mod beneficiaries;
mod beneficiary_data;
mod book;
mod call;
pub(crate) mod codes;
mod customers;
mod deposit_action;
mod deposits;
mod documents;
mod fields;
mod form;
mod lightning;
mod market_data;
mod markets;
mod merchants;
mod methods;
mod onboarding;
mod orders;
mod paging;
pub(crate) mod params;
mod payments;
mod routes;
mod sub_accounts;
mod trades;
mod transactions;
mod travel_rule;
mod vasps;
mod vouchers;
mod withdrawals;

pub(crate) use self::call::Route;
use self::call::{ApiRequest, Theme};
use self::params::Params;
pub(crate) use self::routes::Found;
use crate::{
    base::{
        config::Profile,
        refusal::{self, NOT_PERMITTED, OwnCode, Refusal},
        reply::Reply,
    },
    exchange::people::UNVERIFIED,
    host::Host,
};
use bytes::Bytes;
use http::{StatusCode, header, request::Parts};
use std::sync::LazyLock;

/// All themes. Where two paths fit, the earlier one counts: fixed segments stand before `{…}`.
const THEMES: [&Theme; 21] = [
    &markets::THEME,
    &market_data::THEME,
    &book::THEME,
    &vasps::THEME,
    &orders::THEME,
    &trades::THEME,
    &account::THEME,
    &transactions::THEME,
    &beneficiaries::THEME,
    &deposits::THEME,
    &travel_rule::THEME,
    &vouchers::THEME,
    &withdrawals::THEME,
    &lightning::THEME,
    &methods::THEME,
    &documents::THEME,
    &sub_accounts::THEME,
    &customers::THEME,
    &merchants::THEME,
    &payments::THEME,
    &account_webhook::THEME,
];

/// Every call.
pub(crate) fn all() -> impl Iterator<Item = &'static Route> {
    THEMES.into_iter().flat_map(|theme| theme.routes)
}

/// Every code that the documents do not have.
pub(crate) fn own_codes() -> impl Iterator<Item = &'static OwnCode> {
    THEMES
        .into_iter()
        .flat_map(|theme| theme.own_codes)
        .chain(onboarding::own_codes())
        .chain(refusal::OWN_CODES)
}

/// The calls of a path, whatever their method.
pub(crate) fn find(profile: Profile, path: &str) -> Option<Found> {
    static TEMPLATES: LazyLock<Vec<routes::Template>> = LazyLock::new(|| routes::templates(all()));
    routes::find(&TEMPLATES, profile, path)
}

/// The largest body that is read.
pub(crate) const MAX_BODY: usize = 64 * 1024;
/// The largest body of a call that takes a file.
const MAX_FORM: usize = 12 * 1024 * 1024;

impl Route {
    /// The largest body that the call takes.
    pub(crate) fn max_body(&self) -> usize {
        if self.takes_files { MAX_FORM } else { MAX_BODY }
    }
}

/// Answers a call: authentication, parameters, handler.
pub(crate) async fn answer(
    host: &Host,
    route: &Route,
    head: &Parts,
    segments: Vec<String>,
    body: &Bytes,
) -> Result<Reply, Refusal> {
    let form = if route.takes_files { form::read(&head.headers, body).await? } else { None };
    let caller = if route.is_public() { None } else { Some(host.authenticate(&head.method, &head.headers)?) };
    let params = match form {
        Some(fields) => Params::of_form(head.uri.query(), fields),
        None => Params::read(head.uri.query(), &head.headers, body)?,
    };
    if route.is_trading() && caller.is_some_and(|caller| !caller.may_trade) {
        return Err(Refusal::Codes(StatusCode::FORBIDDEN, vec![NOT_PERMITTED]));
    }
    let account = caller.map(|caller| caller.account);
    let is_unverified = || account.is_some_and(|account| host.people.level(account) == UNVERIFIED);
    if let Some(code) = route.not_permitted.first().filter(|_| is_unverified()) {
        return Err(Refusal::Codes(StatusCode::FORBIDDEN, vec![code]));
    }
    let accept = head.headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let answer = (route.handle)(&ApiRequest { host, path: segments, params: &params, account, accept });
    if let Some((status, codes)) = answer.as_ref().err().and_then(Refusal::codes) {
        debug_assert!(
            codes.iter().all(|code| codes::is_declared(route, status, code)),
            "{} {} answered {status} {codes:?}, which is not declared: add it to the call's line in its table, and to the spec",
            route.method,
            route.path
        );
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::routes::{OLDEST, OWN_PREFIXES, PREFIXES, stands_under};
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

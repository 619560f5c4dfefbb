//! A REST call: its line in a theme's table, and the request that its handler gets.

use super::params::Params;
use crate::{
    base::{
        config::Profile,
        id::AccountId,
        refusal::{OwnCode, Refusal},
        reply::Reply,
    },
    exchange::catalogue::Market,
    host::Host,
};
use std::sync::Arc;

/// Answers a call.
pub(crate) type Handler = fn(&ApiRequest<'_>) -> Result<Reply, Refusal>;

/// The calls of one file, and the error codes that it has in addition to the documents.
#[derive(Debug)]
pub(crate) struct Theme {
    pub(crate) routes: &'static [Route],
    pub(crate) own_codes: &'static [OwnCode],
}

/// One call.
#[derive(Debug)]
pub(crate) struct Route {
    /// The service of the documents' base URLs, such as `trade` or `account`.
    pub(crate) service: &'static str,
    pub(crate) method: &'static str,
    /// The path without its prefix; `{…}` stands for one segment.
    pub(crate) path: &'static str,
    /// The only profile that serves it; `None` means both.
    pub(crate) only: Option<Profile>,
    /// The codes of a 422 from its handler, in addition to those of [`super::codes`].
    pub(crate) codes: &'static [&'static [&'static str]],
    /// Status and code of further refusals.
    pub(crate) also: &'static [(u16, &'static str)],
    /// The codes of the 403 for an account without any verification; it is refused with the first one. Empty: it may call.
    pub(crate) not_permitted: &'static [&'static str],
    /// Whether it takes a form with a file.
    pub(crate) takes_files: bool,
    pub(crate) handle: Handler,
}

impl Route {
    /// The same call with further refusals.
    pub(super) const fn also(self, also: &'static [(u16, &'static str)]) -> Self {
        Self { also, ..self }
    }

    /// The same call, which is refused with the first of these codes (403) if the account has no verification at all.
    pub(super) const fn verified(self, not_permitted: &'static [&'static str]) -> Self {
        Self { not_permitted, ..self }
    }

    /// The same call, which takes a form with a file.
    pub(super) const fn with_files(self) -> Self {
        Self { takes_files: true, ..self }
    }

    /// Whether it is public. Public calls ignore authentication headers, even wrong ones.
    pub(crate) fn is_public(&self) -> bool {
        self.path.starts_with("/public/")
    }

    /// Whether it needs the level of verification for trading.
    pub(crate) fn is_trading(&self) -> bool {
        self.path.starts_with("/market/")
    }

    pub(crate) fn is_served_by(&self, profile: Profile) -> bool {
        self.only.is_none_or(|only| only == profile)
    }
}

pub(super) const fn route(
    service: &'static str,
    method: &'static str,
    path: &'static str,
    handle: Handler,
    codes: &'static [&'static [&'static str]],
) -> Route {
    Route {
        service,
        method,
        path,
        only: None,
        codes,
        also: &[],
        not_permitted: &[],
        takes_files: false,
        handle,
    }
}

/// A call of the current documents only.
pub(super) const fn current(
    service: &'static str,
    method: &'static str,
    path: &'static str,
    handle: Handler,
    codes: &'static [&'static [&'static str]],
) -> Route {
    Route { only: Some(Profile::Docs), ..route(service, method, path, handle, codes) }
}

pub(super) const fn legacy(
    service: &'static str,
    method: &'static str,
    path: &'static str,
    handle: Handler,
    codes: &'static [&'static [&'static str]],
) -> Route {
    Route { only: Some(Profile::Legacy), ..route(service, method, path, handle, codes) }
}

/// A call as its handler sees it.
pub(crate) struct ApiRequest<'a> {
    pub(crate) host: &'a Host,
    /// The segments of the path at `{…}`, in order.
    pub(crate) path: Vec<String>,
    pub(crate) params: &'a Params,
    /// The account that calls; `None` on public calls.
    pub(crate) account: Option<AccountId>,
    /// The header `Accept`.
    pub(crate) accept: &'a str,
}

impl ApiRequest<'_> {
    /// The segment of the path at the `{…}` with that index.
    pub(crate) fn path(&self, place: usize) -> &str {
        self.path.get(place).map_or("", String::as_str)
    }

    pub(crate) fn profile(&self) -> Profile {
        self.host.config.profile
    }

    pub(crate) fn now_ms(&self) -> i64 {
        self.host.clock.now_ms()
    }

    /// The market that the path names, or a 422 with that code.
    pub(super) fn market(&self, code: &'static str) -> Result<Arc<Market>, Refusal> {
        self.find_market(self.path(0)).ok_or_else(|| Refusal::unprocessable(code))
    }

    pub(super) fn find_market(&self, id: &str) -> Option<Arc<Market>> {
        self.host.catalogue.market(id)
    }

    /// Whether the exchange has that currency.
    pub(super) fn has_currency(&self, code: &str) -> bool {
        self.host.catalogue.currency(code).is_some()
    }

    /// Whether the header `Accept` names this media type.
    pub(crate) fn accepts(&self, media_type: &str) -> bool {
        self.accept
            .split(',')
            .any(|range| range.split(';').next().is_some_and(|kind| kind.trim() == media_type))
    }

    /// The account that calls. It cannot fail on private calls: they are authenticated before their handler runs.
    pub(crate) fn account(&self) -> Result<AccountId, Refusal> {
        self.account.ok_or_else(|| Refusal::unauthorized("authz.invalid_session"))
    }
}

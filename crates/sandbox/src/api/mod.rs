//! REST: one file a theme, with its calls, their codes, their handlers and the JSON that they answer with.

mod account;
mod book;
mod call;
pub(crate) mod codes;
mod documents;
mod form;
mod funds;
mod market_data;
mod markets;
mod orders;
mod paging;
pub(crate) mod params;
mod routes;
mod sub_accounts;
mod trades;

use self::call::ApiRequest;
pub(crate) use self::call::Route;
use self::params::Params;
pub(crate) use self::routes::{Found, all, find, own_codes};
use crate::{
    base::{
        refusal::{NOT_PERMITTED, Refusal},
        reply::Reply,
    },
    host::Host,
};
use bytes::Bytes;
use http::{StatusCode, header, request::Parts};

/// The largest body that is read.
pub(crate) const MAX_BODY: usize = 64 * 1024;
/// The same where a call takes a file.
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
    let accept = head.headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let answer = (route.handle)(&ApiRequest { host, path: segments, params: &params, account, accept });
    if let Some((status, codes)) = answer.as_ref().err().and_then(Refusal::codes) {
        debug_assert!(
            codes.iter().all(|code| codes::is_declared(route, status, code)),
            "{} {} may not answer {status} {codes:?}: declare it in its line of the table, and in the spec",
            route.method,
            route.path
        );
    }
    answer
}

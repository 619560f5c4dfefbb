//! The merchants of an aggregator (the documents' section "Merchant Management").

use super::{
    account_webhook::SETTINGS_CODES,
    call::{ApiRequest, Theme, route},
    customers::{self, EMAIL_TAKEN, FORBIDDEN, NOT_SEEN},
    onboarding,
    paging::{Page, SHARED_CODES, SHARED_LEGACY_CODES, shared_limits},
};
use crate::{
    base::{id::AccountId, refusal::Refusal, reply::Reply},
    exchange::people::Role,
};

/// The calls of this file.
pub(super) const THEME: Theme = Theme {
    routes: &[
        route("persona", "POST", "/resource/merchants", create, CREATE_CODES).also(FORBIDDEN),
        route("persona", "GET", "/resource/merchants", list, LIST_CODES).also(FORBIDDEN),
        route("persona", "GET", "/resource/merchants/{uid}", one, &[]).also(NOT_SEEN),
        route("persona", "GET", "/resource/merchants/{uid}/customers", customers, LIST_CODES).also(NOT_SEEN),
    ],
    own_codes: &[],
};

const CREATE_CODES: &[&[&str]] = &[
    onboarding::CODES,
    onboarding::ACCOUNT_CODES,
    onboarding::BUSINESS_CODES,
    onboarding::UBO_CODES,
    &[EMAIL_TAKEN],
    SETTINGS_CODES,
];
const LIST_CODES: &[&[&str]] = &[SHARED_CODES, SHARED_LEGACY_CODES];

fn aggregator(request: &ApiRequest<'_>) -> Result<AccountId, Refusal> {
    customers::caller(request, &[Role::Aggregator])
}

fn create(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    customers::open(request, aggregator(request)?, Role::Merchant, Vec::new())
}

fn list(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let all = request.host.people.merchants(aggregator(request)?);
    Ok(customers::page_of(request, page(request)?, &all, customers::view))
}

/// The merchant that the path names.
fn named(request: &ApiRequest<'_>) -> Result<AccountId, Refusal> {
    let merchant = request.host.people.merchant(aggregator(request)?, request.path(0));
    merchant.ok_or_else(Refusal::not_found)
}

fn one(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let seen = request.host.people.seen(named(request)?);
    Ok(Reply::ok(&customers::view(&seen.ok_or_else(Refusal::not_found)?)))
}

fn customers(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let merchant = named(request)?;
    let all = request.host.people.customers(merchant, Some(merchant));
    Ok(customers::page_of(request, page(request)?, &all, customers::row))
}

fn page(request: &ApiRequest<'_>) -> Result<Page, Refusal> {
    let mut codes = Vec::new();
    let page = Page::read(request.params, &shared_limits(request.profile()), &mut codes);
    Refusal::all(codes)?;
    Ok(page)
}

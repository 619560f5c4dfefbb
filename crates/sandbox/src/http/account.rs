//! Balances (the documents' section "Account").

use super::ApiRequest;
use super::paging::Page;
use super::params::Value;
use super::public::{SHARED_CODES, SHARED_LEGACY_CODES, shared_limits};
use super::reply::Reply;
use super::routes::{Route, route};
use crate::errors::{self, Refusal};
use crate::ledger::Balance;
use crate::markets::{self, CURRENCIES};
use crate::render::rest;

/// The calls of this file.
pub(super) const ROUTES: &[Route] = &[
    route("account", "GET", "/account/balances", balances, BALANCES_CODES),
    route("account", "GET", "/account/balances/{currency}", balance, BALANCE_CODES),
];

const NO_CURRENCY: &str = "account.currency.doesnt_exist";

const BALANCES_CODES: &[&[&str]] = &[SHARED_CODES, SHARED_LEGACY_CODES, &[errors::INVALID_NONZERO]];
const BALANCE_CODES: &[&[&str]] = &[&[NO_CURRENCY]];

fn balances(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let account = request.account()?;
    let mut codes = Vec::new();
    let page = Page::read(request.params, &shared_limits(request.app.config.profile), &mut codes);
    let nonzero = match request.params.get("nonzero").map(Value::as_bool) {
        None => false,
        Some(Some(nonzero)) => nonzero,
        Some(None) => {
            codes.push(errors::INVALID_NONZERO);
            false
        }
    };
    Refusal::all(codes)?;
    let engine = request.app.engine();
    let all: Vec<_> = CURRENCIES
        .iter()
        .map(|currency| (currency.id, engine.balance(account, currency.id)))
        .filter(|(_, balance)| !nonzero || *balance != Balance::default())
        .collect();
    drop(engine);
    let views = page.of(all.iter().map(|(currency, balance)| rest::balance(currency, *balance)));
    Ok(page.headers(Reply::ok(&views), Some(all.len())))
}

fn balance(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let account = request.account()?;
    let currency = markets::currency(request.path(0)).ok_or_else(|| Refusal::unprocessable(NO_CURRENCY))?;
    Ok(Reply::ok(&rest::balance(currency.id, request.app.engine().balance(account, currency.id))))
}

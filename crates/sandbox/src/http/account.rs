//! Balances (the documents' section "Account").

use super::Ask;
use super::paging::Page;
use super::params::Value;
use super::public::{SHARED_CODES, SHARED_LEGACY_CODES, shared_limits};
use super::reply::Reply;
use crate::errors::{self, Refusal};
use crate::ledger::Balance;
use crate::markets::{self, CURRENCIES};
use crate::render::rest;

const NO_CURRENCY: &str = "account.currency.doesnt_exist";

pub(super) const BALANCES_CODES: &[&[&str]] =
    &[SHARED_CODES, SHARED_LEGACY_CODES, &[errors::INVALID_NONZERO]];
pub(super) const BALANCE_CODES: &[&[&str]] = &[&[NO_CURRENCY]];

pub(super) fn balances(ask: &Ask<'_>) -> Result<Reply, Refusal> {
    let account = ask.account()?;
    let mut codes = Vec::new();
    let page = Page::read(ask.params, &shared_limits(ask.app.config.profile), &mut codes);
    let nonzero = match ask.params.get("nonzero").map(Value::as_bool) {
        None => false,
        Some(Some(nonzero)) => nonzero,
        Some(None) => {
            codes.push(errors::INVALID_NONZERO);
            false
        }
    };
    Refusal::all(codes)?;
    let engine = ask.app.engine();
    let all: Vec<_> = CURRENCIES
        .iter()
        .map(|currency| (currency.id, engine.balance(account, currency.id)))
        .filter(|(_, balance)| !nonzero || *balance != Balance::default())
        .collect();
    drop(engine);
    let views = page.of(all.iter().map(|(currency, balance)| rest::balance(currency, *balance)));
    Ok(page.headers(Reply::ok(&views), Some(all.len())))
}

pub(super) fn balance(ask: &Ask<'_>) -> Result<Reply, Refusal> {
    let account = ask.account()?;
    let currency = markets::currency(ask.path(0)).ok_or_else(|| Refusal::unprocessable(NO_CURRENCY))?;
    Ok(Reply::ok(&rest::balance(currency.id, ask.app.engine().balance(account, currency.id))))
}

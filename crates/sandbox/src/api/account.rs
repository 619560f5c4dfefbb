//! Balances (the documents' section "Account").

use super::{
    call::{ApiRequest, Theme, route},
    paging::{Page, SHARED_CODES, SHARED_LEGACY_CODES, shared_limits},
    params::Value,
};
use crate::{
    base::{
        id::{AccountId, Code},
        ledger::{Balance, Party},
        money::text,
        refusal::{OwnCode, Refusal, own},
        reply::Reply,
    },
    exchange::Exchange,
};
use serde::Serialize;

/// The calls of this file.
pub(super) const THEME: Theme = Theme {
    routes: &[
        route("account", "GET", "/account/balances", balances, BALANCES_CODES),
        route("account", "GET", "/account/balances/{currency}", balance, BALANCE_CODES),
    ],
    own_codes: OWN_CODES,
};

const NO_CURRENCY: &str = "account.currency.doesnt_exist";
const INVALID_NONZERO: &str = "sandbox.balance.invalid_nonzero";

const OWN_CODES: &[OwnCode] =
    &[own(INVALID_NONZERO, "422: `nonzero` is neither true nor false; no code is documented")];
const BALANCES_CODES: &[&[&str]] = &[SHARED_CODES, SHARED_LEGACY_CODES, &[INVALID_NONZERO]];
const BALANCE_CODES: &[&[&str]] = &[&[NO_CURRENCY]];

#[derive(Debug, Serialize)]
struct BalanceView {
    currency: Code,
    /// The available part; over REST it does not include the locked part.
    balance: String,
    locked: String,
}

fn view(currency: Code, balance: Balance) -> BalanceView {
    BalanceView { currency, balance: text(balance.available), locked: text(balance.locked) }
}

fn balance_of(exchange: &Exchange, account: AccountId, currency: Code) -> Balance {
    exchange.ledger().balance(Party::Member(account), currency)
}

fn balances(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let account = request.account()?;
    let mut codes = Vec::new();
    let page = Page::read(request.params, &shared_limits(request.profile()), &mut codes);
    let nonzero = match request.params.get("nonzero").map(Value::as_bool) {
        None => false,
        Some(Some(nonzero)) => nonzero,
        Some(None) => {
            codes.push(INVALID_NONZERO);
            false
        }
    };
    Refusal::all(codes)?;
    let currencies = request.host.catalogue.currencies();
    let mut all: Vec<(Code, Balance)> = request.host.read(|exchange| {
        currencies.iter().map(|currency| (currency.id, balance_of(exchange, account, currency.id))).collect()
    });
    all.retain(|(_, balance)| !nonzero || *balance != Balance::default());
    let views = page.of(all.iter().map(|(currency, balance)| view(*currency, *balance)));
    Ok(page.headers(Reply::ok(&views), Some(all.len())))
}

fn balance(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let account = request.account()?;
    let currency = request.host.catalogue.currency(request.path(0));
    let currency = currency.ok_or_else(|| Refusal::unprocessable(NO_CURRENCY))?.id;
    let balance = request.host.read(|exchange| balance_of(exchange, account, currency));
    Ok(Reply::ok(&view(currency, balance)))
}

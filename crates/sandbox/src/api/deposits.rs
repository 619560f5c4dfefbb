//! Deposits, and the addresses for them.

use super::call::{ApiRequest, Theme, route};
use crate::base::{refusal::Refusal, reply::Reply};
use serde_json::json;

/// The calls of this file.
pub(super) const THEME: Theme = Theme {
    routes: &[route("account", "GET", "/account/deposit_address/{currency}", deposit_address, ADDRESS_CODES)],
    own_codes: &[],
};

const NO_COIN: &str = "account.currency.doesnt_exist";
const ADDRESS_CODES: &[&[&str]] = &[&[NO_COIN]];

/// A deposit address that is unique to the account, made from its uid.
fn deposit_address(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let (account, code) = (request.account()?, request.path(0));
    let coin = request.host.catalogue.currency(code).filter(|currency| currency.is_coin());
    let currency = coin.ok_or_else(|| Refusal::unprocessable(NO_COIN))?.id;
    let uid = request.host.people.get(account).ok_or_else(Refusal::not_found)?.uid;
    let address = format!("sandbox-{currency}-{uid}");
    Ok(Reply::ok(&json!({ "currency": currency, "address": address, "state": "active" })))
}

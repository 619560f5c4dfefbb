//! Deposits, and the addresses for them.

use super::{
    call::{ApiRequest, Theme, route},
    paging::{Limits, Page},
    params::Value,
};
use crate::{
    base::{
        clock::iso,
        config::Profile,
        id::Code,
        money::text,
        refusal::{DEPOSIT_NOT_PERMITTED, NOT_FOUND, OwnCode, Refusal, own},
        reply::Reply,
    },
    exchange::funds::{
        addresses::{MakeAddress, address},
        deposits::{Confirmations, DepositState, Deposited},
    },
};
use serde::Serialize;
use serde_json::{Value as Json, json};

/// The calls of this file.
pub(super) const THEME: Theme = Theme {
    routes: &[
        route("account", "GET", "/account/deposit_address/{currency}", deposit_address, ADDRESS_CODES)
            .verified(&[DEPOSIT_NOT_PERMITTED]),
        route("account", "GET", "/account/deposits", deposits, DEPOSITS_CODES)
            .verified(&[DEPOSIT_NOT_PERMITTED]),
        route("account", "GET", "/account/deposits/{id}", deposit, DEPOSIT_CODES)
            .verified(&[DEPOSIT_NOT_PERMITTED])
            .also(&[(404, NOT_FOUND)]),
    ],
    own_codes: OWN_CODES,
};

const NO_CURRENCY: &str = "account.currency.doesnt_exist";
const INVALID_STATE: &str = "account.deposit.invalid_state";
const NON_POSITIVE_PAGE: &str = "account.deposit.non_positive_page";
pub(super) const NON_INTEGER_ID: &str = "sandbox.deposit.non_integer_id";
const LIMITS: Limits = Limits {
    default: 100,
    least: 1,
    most: 100,
    non_integer_limit: "account.deposit.non_integer_limit",
    invalid_limit: "account.deposit.invalid_limit",
    // The server family has it.
    non_integer_page: Some("account.deposit.non_integer_page"),
};

const OWN_CODES: &[OwnCode] = &[own(
    NON_INTEGER_ID,
    "422: a deposit is named by something else than its number; no code is documented",
)];
const ADDRESS_CODES: &[&[&str]] = &[&[NO_CURRENCY]];
const DEPOSITS_CODES: &[&[&str]] = &[&LIMITS.codes(), &[NO_CURRENCY, INVALID_STATE, NON_POSITIVE_PAGE]];
const DEPOSIT_CODES: &[&[&str]] = &[&[NON_INTEGER_ID]];

/// The account's address for a coin. The first request begins to make it; until it is made, the answer has none.
fn deposit_address(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let (account, code) = (request.account()?, request.path(0));
    let coin = request.host.catalogue.currency(code).filter(|currency| currency.is_coin());
    let coin = coin.ok_or_else(|| Refusal::unprocessable(NO_CURRENCY))?;
    let uid = request.host.people.get(account).ok_or_else(Refusal::not_found)?.uid;
    let now_ms = request.now_ms();
    let is_made = request.host.read(|exchange| exchange.funds().addresses.is_made(account, coin.id, now_ms));
    if is_made.is_none() {
        let after_ms = i64::try_from(request.host.config.address_after.as_millis()).unwrap_or(i64::MAX);
        request.host.command(MakeAddress { account, currency: coin.id, after_ms });
    }
    let is_made = is_made.unwrap_or(false);
    let address = is_made.then(|| address(coin.id, account, &uid));
    Ok(Reply::ok(&match request.profile() {
        Profile::Docs => json!({
            "currencies": [coin.id],
            "blockchain_key": coin.blockchain().map(|blockchain| blockchain.key),
            "address": address,
            "state": if is_made { "active" } else { "pending" },
        }),
        Profile::Legacy => json!({ "currency": coin.id, "address": address }),
    }))
}

/// A deposit as it is answered.
#[derive(Debug, Serialize)]
pub(super) struct View {
    id: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    blockchain: Option<String>,
    currency: Code,
    amount: String,
    fee: String,
    txid: Option<String>,
    /// Coins only: a number, or a text if it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    confirmations: Option<Json>,
    state: DepositState,
    created_at: String,
    completed_at: Option<String>,
    tid: String,
}

pub(super) fn view(deposit: Deposited, request: &ApiRequest<'_>) -> View {
    let zone_hours = request.profile().zone_hours();
    let confirmations = deposit.confirmations(request.now_ms()).map(|confirmations| match confirmations {
        Confirmations::Count(count) => count.into(),
        Confirmations::NotAvailable => "N/A".into(),
    });
    let blockchain = deposit.origin.blockchain.filter(|_| request.profile() == Profile::Docs);
    View {
        id: deposit.id,
        blockchain: blockchain.map(|blockchain| blockchain.key),
        currency: deposit.currency,
        amount: text(deposit.amount),
        fee: text(deposit.fee),
        txid: deposit.origin.txid,
        confirmations,
        state: deposit.state,
        created_at: iso(deposit.created_ms, zone_hours),
        completed_at: deposit.completed_ms.map(|at_ms| iso(at_ms, zone_hours)),
        tid: deposit.tid,
    }
}

fn deposits(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let account = request.account()?;
    let mut codes = Vec::new();
    let page = Page::read(request.params, &LIMITS, &mut codes);
    if request.params.get("page").and_then(Value::as_integer).is_some_and(|page| page < 1) {
        codes.push(NON_POSITIVE_PAGE);
    }
    let text = |name| request.params.get(name).map(|value| value.as_text().unwrap_or_default());
    let (currency, state, txid) = (text("currency"), text("state"), text("txid"));
    if currency.is_some_and(|currency| !request.has_currency(currency)) {
        codes.push(NO_CURRENCY);
    }
    if state.is_some_and(|state| DepositState::ALL.iter().all(|known| known.as_str() != state)) {
        codes.push(INVALID_STATE);
    }
    Refusal::all(codes)?;
    let wanted = |deposit: &&Deposited| {
        currency.is_none_or(|currency| deposit.currency == *currency)
            && state.is_none_or(|state| deposit.state.as_str() == state)
            && txid.is_none_or(|txid| deposit.origin.txid.as_deref() == Some(txid))
    };
    let all: Vec<Deposited> =
        request.host.read(|exchange| exchange.funds().deposits.of(account).filter(wanted).cloned().collect());
    let total = all.len();
    let views = page.of(all.into_iter().map(|deposit| view(deposit, request)));
    Ok(page.headers(Reply::ok(&views), Some(total)))
}

/// One deposit: by its number, or on the older servers by its transaction id.
fn deposit(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let (account, key) = (request.account()?, request.path(0));
    let found = match request.profile() {
        Profile::Docs => {
            let id = key.parse().map_err(|_| Refusal::unprocessable(NON_INTEGER_ID))?;
            request.host.read(|exchange| exchange.funds().deposits.get(account, id).cloned())
        }
        Profile::Legacy => request.host.read(|exchange| {
            let mut mine = exchange.funds().deposits.of(account);
            mine.find(|deposit| deposit.origin.txid.as_deref() == Some(key)).cloned()
        }),
    };
    Ok(Reply::ok(&view(found.ok_or_else(Refusal::not_found)?, request)))
}

//! History, beneficiaries and payment methods (the documents' section "Account").

use super::{
    call::{ApiRequest, Theme, route},
    paging::{Limits, Page, ascending},
    params::Value,
};
use crate::{
    base::{
        clock::iso,
        config::Profile,
        number::Number,
        refusal::{NOT_FOUND, OwnCode, Refusal, own},
        reply::Reply,
    },
    exchange::funds::{DeleteBeneficiary, FIELDS, Transaction},
};
use serde_json::{Map, Value as Json, json};
use std::{fmt::Write as _, sync::Arc};

/// The calls of this file.
pub(super) const THEME: Theme = Theme {
    routes: &[
        route("account", "GET", "/account/transactions", transactions, TRANSACTIONS_CODES),
        route("account", "DELETE", "/account/beneficiaries/{id}", delete_beneficiary, BENEFICIARY_CODES)
            .also(&[(404, NOT_FOUND)]),
        route("account", "GET", "/account/deposit_address/{currency}", deposit_address, ADDRESS_CODES),
        route("payments", "GET", "/payments/deposits/methods", deposit_methods, &[]),
    ],
    own_codes: OWN_CODES,
};

const LIMITS: Limits = Limits {
    default: 50,
    least: 1,
    most: 1000,
    non_integer_limit: "account.transactions.non_integer_limit",
    invalid_limit: "account.transactions.invalid_limit",
    non_integer_page: Some("account.transactions.non_integer_page"),
};
const NO_CURRENCY: &str = "account.transactions.currency_doesnt_exist";
const INVALID_ORDER: &str = "account.transactions.order_by_invalid";
const NON_POSITIVE_PAGE: &str = "account.transactions.non_positive_page";
const NON_INTEGER_FROM: &str = "account.transactions.non_integer_time_from";
const NON_INTEGER_TO: &str = "account.transactions.non_integer_time_to";
const NON_INTEGER_ID: &str = "account.beneficiary.non_integer_id";
const TABLE_TOO_LONG: &str = "sandbox.transactions.table_too_long";
/// How many days a table covers if no start is given, and at most.
const TABLE_DAYS: i64 = 31;
const MOST_TABLE_DAYS: i64 = 18 * 31;
const DAY: i64 = 24 * 60 * 60;

const OWN_CODES: &[OwnCode] =
    &[own(TABLE_TOO_LONG, "422: a table of transactions over more than 18 months; no code is documented")];
const TRANSACTIONS_CODES: &[&[&str]] = &[
    &LIMITS.codes(),
    &[NO_CURRENCY, INVALID_ORDER, NON_POSITIVE_PAGE, NON_INTEGER_FROM, NON_INTEGER_TO],
    &[TABLE_TOO_LONG],
];
const NO_COIN: &str = "account.currency.doesnt_exist";
const ADDRESS_CODES: &[&[&str]] = &[&[NO_COIN]];
const BENEFICIARY_CODES: &[&[&str]] = &[&[NON_INTEGER_ID]];

/// A page as JSON, or the whole history as CSV if the caller accepts CSV.
fn transactions(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let account = request.account()?;
    let as_table = request.accepts("text/csv") && request.profile() == Profile::Docs;
    let mut codes = Vec::new();
    let page = Page::read(request.params, &LIMITS, &mut codes);
    if request.params.get("page").and_then(Value::as_integer).is_some_and(|page| page < 1) {
        codes.push(NON_POSITIVE_PAGE);
    }
    let oldest_first = ascending(request.params, "order_by", false, INVALID_ORDER, &mut codes);
    let mut bound = |name, code| {
        let seconds = request.params.get(name)?.as_integer();
        if seconds.is_none() {
            codes.push(code);
        }
        seconds
    };
    let (mut from, to) = (bound("time_from", NON_INTEGER_FROM), bound("time_to", NON_INTEGER_TO));
    let text = |name| request.params.get(name).map(|value| value.as_text().unwrap_or_default());
    let (currency, kind, txid) = (text("currency"), text("type"), text("txid"));
    if currency.is_some_and(|currency| !request.has_currency(currency)) {
        codes.push(NO_CURRENCY);
    }
    if as_table {
        let end = to.unwrap_or_else(|| request.now_ms().div_euclid(1000));
        let start = *from.get_or_insert(end - TABLE_DAYS * DAY);
        if end - start > MOST_TABLE_DAYS * DAY {
            codes.push(TABLE_TOO_LONG);
        }
    }
    Refusal::all(codes)?;
    let wanted = |line: &Arc<Transaction>| {
        let at = line.at_ms.div_euclid(1000);
        let sides = [line.text("credit_currency"), line.text("debit_currency")];
        from.is_none_or(|from| at >= from)
            && to.is_none_or(|to| at <= to)
            && currency.is_none_or(|currency| sides.contains(&Some(currency)))
            && kind.is_none_or(|kind| line.text("type") == Some(kind))
            && txid.is_none_or(|txid| line.text("txid") == Some(txid))
    };
    // Only pointers are copied under the lock; a long table is made after it is released.
    let mut lines: Vec<Arc<Transaction>> =
        request.host.read(|exchange| exchange.funds().transactions(account).cloned().collect());
    lines.retain(wanted);
    if oldest_first {
        lines.reverse();
    }
    let zone_hours = request.profile().zone_hours();
    let view = |line: &Arc<Transaction>| view(line, zone_hours);
    if as_table {
        return Ok(Reply::raw(200, Some("text/csv"), table(lines.iter().map(view))));
    }
    Ok(page.headers(Reply::ok(&page.of(lines.iter().map(view))), Some(lines.len())))
}

/// A line with the two fields that the exchange adds.
fn view(line: &Transaction, zone_hours: i8) -> Map<String, Json> {
    let mut fields = line.fields.clone();
    fields.insert("id".to_owned(), line.id.into());
    fields.insert("created_at".to_owned(), iso(line.at_ms, zone_hours).into());
    fields
}

/// The CSV table: a line with the names of the columns, then one line for each transaction.
fn table(lines: impl Iterator<Item = Map<String, Json>>) -> String {
    let mut table = FIELDS.join(",") + "\n";
    for line in lines {
        let cells = FIELDS.map(|field| cell(line.get(field)));
        let _never_fails = writeln!(table, "{}", cells.join(","));
    }
    table
}

fn cell(value: Option<&Json>) -> String {
    match value {
        None | Some(Json::Null) => String::new(),
        Some(Json::String(text)) if text.contains([',', '"', '\n', '\r']) => {
            format!("\"{}\"", text.replace('"', "\"\""))
        }
        Some(Json::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

fn delete_beneficiary(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let account = request.account()?;
    let id = request.path(0).parse().map_err(|_| Refusal::unprocessable(NON_INTEGER_ID))?;
    if request.host.command(DeleteBeneficiary { account, id }) {
        Ok(Reply::nothing())
    } else {
        Err(Refusal::not_found())
    }
}

/// A deposit address that is unique to the account, made from its uid.
fn deposit_address(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let (account, code) = (request.account()?, request.path(0));
    let coin = request.host.catalogue.currency(code).filter(|currency| currency.is_coin());
    let currency = coin.ok_or_else(|| Refusal::unprocessable(NO_COIN))?.id;
    let uid = request.host.people.get(account).ok_or_else(Refusal::not_found)?.uid;
    let address = format!("sandbox-{currency}-{uid}");
    Ok(Reply::ok(&json!({ "currency": currency, "address": address, "state": "active" })))
}

/// The payment methods of the documents. Their limits never shrink, because deposits come through the control door.
fn deposit_methods(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    request.account()?;
    let methods = [
        ("5a1c1f0e-7a5e-4b83-9a30-9fd1f3a1b2c3", "zar", "Bank transfer", "fiat", "bank", "stitch"),
        ("0c2f7c3a-51a2-49a4-8f0c-2a9cf5f7d111", "btc", "Bitcoin", "bitcoin", "crypto", "cape"),
    ];
    let views: Vec<Json> = (1..)
        .zip(methods)
        .filter_map(|(position, (uuid, currency, name, blockchain, kind, provider))| {
            let currency = request.host.catalogue.currency(currency)?;
            Some(json!({
                "uuid": uuid,
                "id": position,
                "name": name,
                "description": format!("Deposit {} to your account", currency.name),
                "currencyId": currency.id,
                "symbol": currency.symbol,
                "blockchainName": blockchain,
                "type": kind,
                "currencyType": if currency.is_coin() { "crypto" } else { "fiat" },
                "providerId": provider,
                "minAmount": number(currency.min_deposit),
                "maxAmount": number(currency.withdraw_limit_24h),
                "baseFactor": currency.base_factor,
                "precision": currency.precision,
                "feeCape": 0,
                "feeProvider": 0,
                "position": position,
                "iconUrl": format!("https://icons.example/{}.svg", currency.id),
                "verified": true,
                "remainingLimits": {
                    "transaction_max": number(currency.withdraw_limit_24h),
                    "day": number(currency.withdraw_limit_24h),
                    "week": number(currency.withdraw_limit_72h),
                    "month": number(currency.withdraw_limit_72h),
                    "year_to_date": number(currency.withdraw_limit_72h),
                },
            }))
        })
        .collect();
    Ok(Reply::ok(&views))
}

fn number(value: rust_decimal::Decimal) -> Number {
    Number::rest(value)
}

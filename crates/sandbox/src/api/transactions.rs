//! An account's history, as pages and as a table.

use super::{
    call::{ApiRequest, Theme, route},
    paging::{Limits, Page, ascending},
    params::Value,
};
use crate::{
    base::{
        clock::iso,
        config::Profile,
        refusal::{DEPOSIT_NOT_PERMITTED, OwnCode, Refusal, WITHDRAW_NOT_PERMITTED, own},
        reply::Reply,
    },
    exchange::history::{FIELDS, Fields, TYPES, Transaction},
};
use serde_json::Value as Json;
use std::{fmt::Write as _, sync::Arc};

/// The calls of this file.
pub(super) const THEME: Theme = Theme {
    routes: &[route("account", "GET", "/account/transactions", transactions, TRANSACTIONS_CODES)
        .verified(&[DEPOSIT_NOT_PERMITTED, WITHDRAW_NOT_PERMITTED])],
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
const UNKNOWN_TYPE: &str = "sandbox.transactions.unknown_type";
const TABLE_TOO_LONG: &str = "sandbox.transactions.table_too_long";
/// How many days a table covers if no start is given, and at most.
const TABLE_DAYS: i64 = 31;
const MOST_TABLE_DAYS: i64 = 18 * 31;
const DAY: i64 = 24 * 60 * 60;

const OWN_CODES: &[OwnCode] = &[
    own(UNKNOWN_TYPE, "422: a type of transactions that the documents do not list; no code is documented"),
    own(TABLE_TOO_LONG, "422: a table of transactions over more than 18 months; no code is documented"),
];
const TRANSACTIONS_CODES: &[&[&str]] = &[
    &LIMITS.codes(),
    &[NO_CURRENCY, INVALID_ORDER, NON_POSITIVE_PAGE, NON_INTEGER_FROM, NON_INTEGER_TO],
    &[UNKNOWN_TYPE, TABLE_TOO_LONG],
];

/// A page as JSON, or the whole history as CSV if the caller accepts CSV.
fn transactions(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let account = request.account()?;
    let as_table = request.accepts("text/csv") && request.profile() == Profile::Docs;
    let mut codes = Vec::new();
    let page = Page::read(request.params, &LIMITS, &mut codes);
    if request.params.get("page").and_then(Value::as_integer).is_some_and(|page| page < 1) {
        codes.push(NON_POSITIVE_PAGE);
    }
    if as_table {
        // A table ignores limit and page, so a wrong one does no harm.
        codes.clear();
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
    if kind.is_some_and(|kind| !TYPES.contains(&kind)) {
        codes.push(UNKNOWN_TYPE);
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
        let (at, fields) = (line.created_ms.div_euclid(1000), line.fields());
        let text = |name| fields.get(name).and_then(Json::as_str);
        let sides = [text("credit_currency"), text("debit_currency")];
        from.is_none_or(|from| at >= from)
            && to.is_none_or(|to| at <= to)
            && currency.is_none_or(|currency| sides.contains(&Some(currency)))
            && kind.is_none_or(|kind| text("type") == Some(kind))
            && txid.is_none_or(|txid| text("txid") == Some(txid))
    };
    // Only pointers are copied under the lock; a long table is made after it is released.
    let mut lines: Vec<Arc<Transaction>> =
        request.host.read(|exchange| exchange.history().of(account).cloned().collect());
    lines.retain(wanted);
    if oldest_first {
        lines.reverse();
    }
    let zone_hours = request.profile().zone_hours();
    let view = |line: &Arc<Transaction>| view(line, zone_hours);
    if as_table {
        let table = Reply::raw(200, Some("text/csv"), table(lines.iter().map(view)));
        return Ok(table.attachment("transactions.csv"));
    }
    Ok(page.headers(Reply::ok(&page.of(lines.iter().map(view))), Some(lines.len())))
}

/// Times of a line that are milliseconds, if the exchange wrote them.
const TIMES: [&str; 3] = ["paid_at", "expires_at", "change_voucher_expiry"];

/// A line with the fields that the history sets.
fn view(line: &Transaction, zone_hours: i8) -> Fields {
    let mut fields = line.fields().into_owned();
    for time in TIMES {
        if let Some(at_ms) = fields.get(time).and_then(Json::as_i64) {
            fields.insert(time.to_owned(), iso(at_ms, zone_hours).into());
        }
    }
    fields.insert("id".to_owned(), line.id.into());
    for (name, at_ms) in [("created_at", line.created_ms), ("updated_at", line.updated_ms)] {
        fields.insert(name.to_owned(), iso(at_ms, zone_hours).into());
    }
    fields
}

/// The CSV table: a line with the names of the columns, then one line for each transaction.
fn table(lines: impl Iterator<Item = Fields>) -> String {
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

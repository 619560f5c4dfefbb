//! What the calls that only read answer.

use super::{
    Cabital,
    accounts::Account,
    failure::Pa,
    terms::{Currency, Limit, Pair, TransferFee},
};
use crate::base::{ledger::Party, money};
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::{Map, Value as Json, json};

/// An amount in the currency's digits; longer ones are cut.
fn shown(amount: Decimal, precision: u32) -> String {
    money::padded(amount.trunc_with_scale(precision), precision)
}

fn plain(amount: Decimal) -> String {
    money::padded(amount, 0)
}

#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Balance {
    code: String,
    balances: String,
}

fn balance_of(cabital: &Cabital, account: &Account, currency: &Currency) -> Balance {
    let has = cabital.ledger.balance(Party::Member(account.id), currency.code).available;
    Balance { code: currency.symbol(), balances: shown(has, currency.precision) }
}

/// One balance.
pub(super) fn balance(cabital: &Cabital, account: &str, symbol: &str) -> Result<Balance, Pa> {
    let account = cabital.find_open(account)?;
    Ok(balance_of(cabital, account, cabital.terms.currency(symbol)?))
}

/// All balances, in the order of their codes, as in the documents' sample.
pub(super) fn balances(cabital: &Cabital, account: &str) -> Result<Json, Pa> {
    let account = cabital.find_open(account)?;
    let currencies = cabital.terms.currencies.iter();
    let mut balances: Vec<_> = currencies.map(|currency| balance_of(cabital, account, currency)).collect();
    balances.sort_unstable_by(|one, other| one.code.cmp(&other.code));
    Ok(json!({ "balances": balances }))
}

/// Where money of a currency is paid in. The fields are those of the documents' two samples.
pub(super) fn deposit(
    cabital: &Cabital,
    account: &str,
    symbol: &str,
    method: Option<&str>,
) -> Result<Json, Pa> {
    let account = cabital.find_open(account)?;
    let currency = cabital.terms.currency(symbol)?;
    let mut meta = match symbol {
        "EUR" => json!({
            "iban": "CH1808799927511379814",
            "bic": "INCOCHZZXXX",
            "bank_name": "InCore Bank AG",
            "bank_address": "Wiesenstrasse 17",
            "bank_country": "Switzerland",
        }),
        "GBP" => json!({
            "account_number": "00003157",
            "sort_code": "040541",
            "bank_name": "BCB Payments Ltd",
            "bank_address": "5 Merchant Square London",
            "bank_country": "United Kingdom",
        }),
        _ => return Err(Pa::CURRENCY_UNAVAILABLE),
    };
    if method.is_some_and(|method| method != currency.method) {
        return Err(Pa::WRONG_METHOD);
    }
    if let Json::Object(meta) = &mut meta {
        meta.insert("account_name".to_owned(), json!("Cabital Fintech (LT) UAB"));
        meta.insert("ref_code".to_owned(), json!(account.ref_code));
    }
    Ok(json!({ "symbol": symbol, "method": currency.method, "meta": meta }))
}

/// The state of an account's connection.
pub(super) fn detail(cabital: &Cabital, account: &str) -> Result<Json, Pa> {
    let account = cabital.find(account)?;
    if account.state == super::ConnectionState::Unlinked {
        return Err(Pa::UNLINKED);
    }
    let symbol = |code| cabital.terms.by_code(code).map(Currency::symbol).unwrap_or_default();
    let limits =
        account.limits.iter().map(|(code, daily)| (symbol(*code), json!({ "daily": plain(*daily) })));
    Ok(json!({
        "match_status": account.state,
        "otp_ready": account.otp.is_some(),
        "email_address": account.email.0,
        "ext_id": account.user_ext_ref,
        "kyc_token": account.kyc_token,
        "limits": limits.collect::<Map<_, _>>(),
    }))
}

/// The two ends of a limit; `-1` means none.
fn ends(limit: &Limit) -> (String, String) {
    let end = |end: Option<Decimal>| end.map_or_else(|| "-1".to_owned(), plain);
    (end(limit.min), end(limit.max))
}

fn fee(fee: &TransferFee, original: Decimal) -> Json {
    let mut view = json!({
        "is_single": true,
        "object": if fee.customer { "customer" } else { "partner" },
        "method": if fee.percent { "percent" } else { "fixed" },
        "value": plain(fee.value),
        // What a customer pays without the partner; it is for display only.
        "original_value": plain(if fee.percent { fee.value } else { original }),
    });
    if let Json::Object(view) = &mut view {
        for (name, bound) in [("min_value", fee.min), ("max_value", fee.max)] {
            if let Some(bound) = bound {
                view.insert(name.to_owned(), json!(plain(bound)));
                view.insert(format!("original_{name}"), json!(plain(bound)));
            }
        }
    }
    view
}

fn pairs(cabital: &Cabital) -> Vec<Json> {
    cabital.terms.pairs.iter().map(Pair::name).map(|pair| json!({ "pair": pair })).collect()
}

/// The type of a currency: 1 is money of a state, 2 a coin.
fn kind(currency: &Currency) -> u8 {
    if currency.is_crypto { 2 } else { 1 }
}

/// The partner's configuration.
pub(super) fn config(cabital: &Cabital) -> Json {
    let limit = |limit: &Limit| {
        let (min, max) = ends(limit);
        json!({ "allow": limit.allow, "min": min, "max": max })
    };
    let currency = |currency: &Currency| {
        let mut view = json!({
            "symbol": currency.symbol(),
            "type": kind(currency),
            "deposit_methods": [currency.method],
            "withdraw_methods": [currency.method],
            "config": {
                "credit": limit(&currency.credit),
                "debit": limit(&currency.debit),
                "conversion": limit(&currency.conversion),
            },
        });
        if let (Json::Object(view), Some(debit_fee)) = (&mut view, &currency.fee) {
            view.insert("fees".to_owned(), json!({ "debit_fee": fee(debit_fee, currency.original_fee) }));
        }
        view
    };
    let currencies: Vec<_> = cabital.terms.currencies.iter().map(currency).collect();
    json!({ "currencies": currencies, "pairs": pairs(cabital) })
}

/// The configuration of the light mode: the terms without a partner.
pub(super) fn light_config(cabital: &Cabital) -> Json {
    let limit = |limit: &Limit| {
        let (min, max) = ends(limit);
        json!({ "min": min, "max": max })
    };
    let currency = |currency: &Currency| {
        json!({
            "symbol": currency.symbol(),
            "type": kind(currency),
            "deposit": { "methods": [currency.method] },
            "withdraw": {
                "methods": [currency.method],
                "limit": limit(&currency.debit),
                // In this sample most values begin with a capital letter.
                "fee": {
                    "is_single": true,
                    "object": "Customer",
                    "method": "Fixed",
                    "value": plain(currency.original_fee),
                },
            },
            "conversion": { "limit": limit(&currency.conversion) },
        })
    };
    let currencies: Vec<_> = cabital.terms.currencies.iter().map(currency).collect();
    json!({ "currencies": currencies, "pairs": pairs(cabital) })
}

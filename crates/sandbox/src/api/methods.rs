//! Payment methods.

use super::call::{ApiRequest, Theme, route};
use crate::base::{number::Number, refusal::Refusal, reply::Reply};
use serde_json::{Value as Json, json};

/// The calls of this file.
pub(super) const THEME: Theme = Theme {
    routes: &[route("payments", "GET", "/payments/deposits/methods", deposit_methods, &[])],
    own_codes: &[],
};

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

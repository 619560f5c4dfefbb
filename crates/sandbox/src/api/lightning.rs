//! Lightning: invoices to be paid, and payments.

use super::{
    call::{ApiRequest, Theme, route},
    params::{Params, Value},
    withdrawals::{DISABLED, INSUFFICIENT, NO_CURRENCY, NO_QUOTE, OVER_LIMIT, QUOTE_EXPIRED},
};
use crate::{
    base::{
        bolt11::{LONGEST_DESCRIPTION, NoInvoice},
        clock::iso,
        config::Profile,
        money::{Parsed, text},
        refusal::{DEPOSIT_NOT_PERMITTED, OwnCode, Refusal, WITHDRAW_NOT_PERMITTED, own},
        reply::Reply,
    },
    exchange::funds::{
        lightning::{CreateInvoice, NotMade, NotPaid, PayOut, Target},
        quotes::QuoteRefused,
    },
};
use http::StatusCode;
use rust_decimal::{Decimal, prelude::ToPrimitive};
use serde_json::{Map, Value as Json, json};

/// The calls of this file.
pub(super) const THEME: Theme = Theme {
    routes: &[
        route("account", "POST", "/account/lightning/invoices", create, CREATE_CODES)
            .verified(&[DEPOSIT_NOT_PERMITTED]),
        route("account", "POST", "/account/lightning/pays", pay, PAY_CODES)
            .verified(&[WITHDRAW_NOT_PERMITTED]),
    ],
    own_codes: OWN_CODES,
};

const MISSING_AMOUNT: &str = "sandbox.lightning.missing_amount";
const INVALID_AMOUNT: &str = "sandbox.lightning.invalid_amount";
const INVALID_CONVERSION: &str = "sandbox.lightning.invalid_conversion_percent";
const CONVERSION_TOO_SMALL: &str = "sandbox.lightning.conversion_too_small";
const TOO_LONG: &str = "sandbox.lightning.too_long_description";
const TOO_MUCH: &str = "sandbox.lightning.over_limit";
const NO_TARGET: &str = "sandbox.lightning.missing_bolt_or_address";
const TWO_TARGETS: &str = "sandbox.lightning.bolt_and_address";
const INVALID_BOLT: &str = "sandbox.lightning.invalid_bolt";
const WRONG_NETWORK: &str = "sandbox.lightning.wrong_network";
const INVALID_ADDRESS: &str = "sandbox.lightning.invalid_address";
const INVALID_DATA: &str = "sandbox.lightning.invalid_data";
const AMOUNT_DIFFERS: &str = "sandbox.lightning.amount_differs";
const EXPIRED: &str = "sandbox.lightning.expired";
const ALREADY_PAID: &str = "sandbox.lightning.already_paid";
const OWN_INVOICE: &str = "sandbox.lightning.own_invoice";

const OWN_CODES: &[OwnCode] = &[
    own(MISSING_AMOUNT, "422: there is no amount; no code is known"),
    own(INVALID_AMOUNT, "422: the amount is not a whole number of satoshi above 0; no code is known"),
    own(INVALID_CONVERSION, "422: `conversion_percent` is not above 0 and at most 1; no code is known"),
    own(
        CONVERSION_TOO_SMALL,
        "422: the converted amount is below the least order of the market; the documents say that the creation fails",
    ),
    own(TOO_LONG, "422: an invoice holds at most 639 bytes of a description (BOLT 11); no code is known"),
    own(
        TOO_MUCH,
        "422: more than `layer_two_max_deposit_amount` or `layer_two_max_withdraw_amount`; no code is known",
    ),
    own(NO_TARGET, "422: neither `bolt` nor `address`; the documents require one and name no code"),
    own(TWO_TARGETS, "422: both `bolt` and `address`; the documents require one and name no code"),
    own(INVALID_BOLT, "422: not an invoice, or its checksum or signature is wrong; no code is known"),
    own(WRONG_NETWORK, "422: the invoice is not for `regtest`, the network of the sandbox (`lnbcrt`)"),
    own(INVALID_ADDRESS, "422: the address is not of the form `name@host`; no code is known"),
    own(INVALID_DATA, "422: `data` is not an object with the documents' types; no code is known"),
    own(
        AMOUNT_DIFFERS,
        "422: the amount is not the invoice's; the documents announce the check and name no code",
    ),
    own(EXPIRED, "422: the invoice is older than it allows; no code is known"),
    own(ALREADY_PAID, "422: the invoice was paid, or its payment is on its way; no code is known"),
    own(OWN_INVOICE, "422: the account would pay itself; no code is known"),
];
const CREATE_CODES: &[&[&str]] = &[&[
    MISSING_AMOUNT,
    INVALID_AMOUNT,
    INVALID_CONVERSION,
    CONVERSION_TOO_SMALL,
    TOO_LONG,
    TOO_MUCH,
    NO_CURRENCY,
]];
const PAY_CODES: &[&[&str]] = &[
    &[
        MISSING_AMOUNT,
        INVALID_AMOUNT,
        TOO_LONG,
        NO_TARGET,
        TWO_TARGETS,
        INVALID_BOLT,
        WRONG_NETWORK,
        INVALID_ADDRESS,
        INVALID_DATA,
    ],
    &[AMOUNT_DIFFERS, EXPIRED, ALREADY_PAID, OWN_INVOICE, TOO_MUCH],
    &[NO_CURRENCY, DISABLED, INSUFFICIENT, OVER_LIMIT, NO_QUOTE, QUOTE_EXPIRED],
];

impl From<NotMade> for Refusal {
    fn from(why: NotMade) -> Self {
        Self::unprocessable(match why {
            NotMade::NoCurrency => NO_CURRENCY,
            NotMade::OverLimit => TOO_MUCH,
            NotMade::ConversionTooSmall => CONVERSION_TOO_SMALL,
            NotMade::TooLongDescription => TOO_LONG,
        })
    }
}

impl From<NotPaid> for Refusal {
    fn from(why: NotPaid) -> Self {
        Self::unprocessable(match why {
            NotPaid::NoCurrency => NO_CURRENCY,
            NotPaid::Disabled => DISABLED,
            NotPaid::NotReadable(NoInvoice::Invalid) => INVALID_BOLT,
            NotPaid::NotReadable(NoInvoice::WrongNetwork) => WRONG_NETWORK,
            NotPaid::AmountDiffers => AMOUNT_DIFFERS,
            NotPaid::Expired => EXPIRED,
            NotPaid::AlreadyPaid => ALREADY_PAID,
            NotPaid::OwnInvoice => OWN_INVOICE,
            NotPaid::OverLimit => TOO_MUCH,
            NotPaid::OverWithdrawalLimit => OVER_LIMIT,
            NotPaid::Quote(QuoteRefused::Unknown) => NO_QUOTE,
            NotPaid::Quote(QuoteRefused::Expired) => QUOTE_EXPIRED,
            NotPaid::Insufficient => INSUFFICIENT,
        })
    }
}

fn create(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let (account, params) = (request.account()?, request.params);
    let mut codes = Vec::new();
    let sats = amount(params, &mut codes);
    let conversion = params.get("conversion_percent").map(Value::as_decimal).map(|share| match share {
        Parsed::Exact(share) if share > Decimal::ZERO && share <= Decimal::ONE => share,
        _ => {
            codes.push(INVALID_CONVERSION);
            Decimal::ONE
        }
    });
    let description = description(params, &mut codes);
    let note = words(params, "member_description");
    let Some(sats) = sats.filter(|_| codes.is_empty()) else { return Err(unprocessable(codes)) };
    let invoice = request.host.command(CreateInvoice { account, sats, conversion, description, note })?;
    let time = |ms| iso(ms, request.profile().zone_hours());
    Ok(Reply::created(&json!({
        "bolt": invoice.bolt,
        "amount": invoice.sats,
        "conversion_percent": invoice.conversion.map(text),
        "amount_msat": invoice.sats.saturating_mul(1_000),
        "description": invoice.description,
        "member_description": invoice.note,
        "state": "pending",
        "created_at": time(invoice.created_ms),
        "expires_at": time(invoice.expires_ms),
        "paid_at": null,
    })))
}

fn pay(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let (account, params) = (request.account()?, request.params);
    let is_current = request.profile() == Profile::Docs;
    let mut codes = Vec::new();
    let sats = amount(params, &mut codes);
    let data = if is_current { data(params, &mut codes) } else { Map::new() };
    let target = target(params, &data, is_current, &mut codes);
    let description = description(params, &mut codes);
    let note = words(params, "member_description");
    // An empty one is no quote either: whoever sends it relies on its fee.
    let quote = params.get("quote_id").filter(|_| is_current);
    let quote = quote.map(|quote| quote.as_text().unwrap_or_default().to_owned());
    let (Some(sats), Some(target), true) = (sats, target, codes.is_empty()) else {
        return Err(unprocessable(codes));
    };
    let level = request.host.people.level(account);
    let payment = request.host.command(PayOut { account, target, sats, quote, description, note, level })?;
    let (bolt, address) = match payment.target {
        Target::Bolt(bolt) => (Some(bolt), None),
        Target::Address(address) => (None, Some(address)),
    };
    Ok(Reply::created(&json!({
        "bolt": bolt,
        "address": address,
        "amount": payment.sats,
        "description": payment.description,
        "member_description": payment.note,
        "state": "submitted",
        "created_at": iso(payment.created_ms, request.profile().zone_hours()),
    })))
}

fn unprocessable(codes: Vec<&'static str>) -> Refusal {
    Refusal::Codes(StatusCode::UNPROCESSABLE_ENTITY, codes)
}

/// A text that is not empty.
fn words(params: &Params, name: &str) -> Option<String> {
    params.get(name).and_then(Value::as_text).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// A whole number of satoshi above zero; `1000.0` is one.
fn amount(params: &Params, codes: &mut Vec<&'static str>) -> Option<u64> {
    let Some(amount) = params.get("amount") else {
        codes.push(MISSING_AMOUNT);
        return None;
    };
    let sats = match amount.as_decimal() {
        Parsed::Exact(amount) if amount.is_integer() => amount.to_u64().filter(|sats| *sats > 0),
        _ => None,
    };
    if sats.is_none() {
        codes.push(INVALID_AMOUNT);
    }
    sats
}

fn description(params: &Params, codes: &mut Vec<&'static str>) -> Option<String> {
    let description = words(params, "description");
    if description.as_ref().is_some_and(|text| text.len() > LONGEST_DESCRIPTION) {
        codes.push(TOO_LONG);
    }
    description
}

/// The invoice or the address. The documents name the address only inside of `data`.
fn target(
    params: &Params,
    data: &Map<String, Json>,
    is_current: bool,
    codes: &mut Vec<&'static str>,
) -> Option<Target> {
    let bolt = words(params, "bolt");
    let address = words(params, "address").filter(|_| is_current);
    if bolt.is_some() && address.is_some() {
        codes.push(TWO_TARGETS);
        return None;
    }
    let inside = || data.get("address").and_then(Json::as_str).map(str::to_owned);
    match (bolt, address) {
        (Some(bolt), _) => Some(Target::Bolt(bolt)),
        (None, address) => {
            let address = address.or_else(inside);
            let code = match &address {
                None => Some(NO_TARGET),
                Some(address) if !is_address(address) => Some(INVALID_ADDRESS),
                Some(_) => None,
            };
            codes.extend(code);
            address.map(Target::Address)
        }
    }
}

fn is_address(text: &str) -> bool {
    let fits = |part: &str, more: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c))
    };
    text.split_once('@').is_some_and(|(name, host)| fits(name, "._-+") && fits(host, ".-"))
}

/// The travel rule: in JSON an object, in a form the text of one.
fn data(params: &Params, codes: &mut Vec<&'static str>) -> Map<String, Json> {
    let read = |text: &str| serde_json::from_str::<Map<String, Json>>(text).ok().filter(is_travel_rule);
    let data = match params.get("data") {
        None => return Map::new(),
        Some(Value::Object(text) | Value::Text(text)) => read(text),
        Some(_) => None,
    };
    if data.is_none() {
        codes.push(INVALID_DATA);
    }
    data.unwrap_or_default()
}

/// Whether each field that the documents name has their type.
fn is_travel_rule(data: &Map<String, Json>) -> bool {
    const NAMES: [&str; 6] =
        ["first_name", "last_name", "company_name", "address", "country", "identity_type"];
    let fits = |name: &str, fits: fn(&Json) -> bool| {
        data.get(name).is_none_or(|value| value.is_null() || fits(value))
    };
    let recipient = |value: &Json| {
        value.as_object().is_some_and(|recipient| {
            NAMES
                .iter()
                .all(|name| recipient.get(*name).is_none_or(|text| text.is_null() || text.is_string()))
        })
    };
    fits("is_own", Json::is_boolean)
        && fits("is_unhosted", Json::is_boolean)
        && fits("vasp_id", Json::is_u64)
        && fits("address", Json::is_string)
        && fits("recipient_data", recipient)
}

//! Vouchers.

use super::{
    call::{ApiRequest, Theme, route},
    params::Value,
};
use crate::{
    base::{
        clock::iso,
        money::{self, Parsed},
        number::Number,
        refusal::{DEPOSIT_NOT_PERMITTED, OwnCode, Refusal, own},
        reply::Reply,
    },
    exchange::funds::vouchers::{CURRENCY, METHOD, NotRedeemed, RedeemVoucher},
};
use rust_decimal::Decimal;
use serde::Serialize;

/// The calls of this file.
pub(super) const THEME: Theme = Theme {
    routes: &[
        route("payments", "POST", "/payments/vouchers/new", redeem, CODES).verified(&[DEPOSIT_NOT_PERMITTED])
    ],
    own_codes: OWN_CODES,
};

const NO_METHOD_ID: &str = "sandbox.voucher.missing_payment_method_id";
const METHOD_ID: &str = "sandbox.voucher.invalid_payment_method_id";
const NO_AMOUNT: &str = "sandbox.voucher.missing_amount";
const AMOUNT: &str = "sandbox.voucher.invalid_amount";
const NO_PIN: &str = "sandbox.voucher.missing_voucher_pin";
const UNKNOWN_PIN: &str = "sandbox.voucher.unknown_pin";
const USED: &str = "sandbox.voucher.used";
const EXPIRED: &str = "sandbox.voucher.expired";
const TOO_MUCH: &str = "sandbox.voucher.amount_too_large";
const TOO_LITTLE: &str = "sandbox.voucher.amount_too_small";

const OWN_CODES: &[OwnCode] = &[
    own(NO_METHOD_ID, "422: `payment_method_id` is missing; no code is documented"),
    own(
        METHOD_ID,
        "422: `payment_method_id` is not the number of a method for vouchers; no code is documented",
    ),
    own(NO_AMOUNT, "422: `amount` is missing; no code is documented"),
    own(
        AMOUNT,
        "422: the amount is not above zero, or has more digits than the currency; no code is documented",
    ),
    own(NO_PIN, "422: `voucher_pin` is missing or empty; no code is documented"),
    own(UNKNOWN_PIN, "422: no voucher has that pin; no code is documented"),
    own(USED, "422: the voucher was redeemed before; no code is documented"),
    own(EXPIRED, "422: the voucher is too old; no code is documented"),
    own(TOO_MUCH, "422: the voucher is worth less than the amount; no code is documented"),
    own(TOO_LITTLE, "422: the provider's fee would take the whole amount; no code is documented"),
];
const CODES: &[&[&str]] = &[
    &[NO_METHOD_ID, METHOD_ID, NO_AMOUNT, AMOUNT, NO_PIN],
    &[UNKNOWN_PIN, USED, EXPIRED, TOO_MUCH, TOO_LITTLE],
];

/// Redeems a voucher. The documents have the parameters in the query; the body is read as well.
fn redeem(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let account = request.account()?;
    let text = |name| request.params.get(name).and_then(Value::as_text).filter(|text| !text.is_empty());
    let mut codes = Vec::new();
    let currency = request.host.catalogue.currency(CURRENCY);
    // Without that currency there is no such method either.
    let currency = currency.filter(|_| text("payment_method_id") == Some(METHOD));
    if currency.is_none() {
        codes.push(if text("payment_method_id").is_none() { NO_METHOD_ID } else { METHOD_ID });
    }
    let digits = currency.as_ref().map_or(u32::MAX, |currency| currency.precision);
    let amount = request.params.get("amount").map(Value::as_decimal);
    let is_valid = |amount: &Decimal| *amount > Decimal::ZERO && money::fraction_digits(*amount) <= digits;
    let amount = match amount {
        Some(Parsed::Exact(amount)) => Some(amount).filter(is_valid).ok_or(AMOUNT),
        Some(_) => Err(AMOUNT),
        None => Err(NO_AMOUNT),
    };
    codes.extend(amount.err());
    let pin = text("voucher_pin");
    if pin.is_none() {
        codes.push(NO_PIN);
    }
    let (Some(currency), Ok(amount), Some(pin)) = (currency, amount, pin) else {
        return Err(Refusal::Codes(http::StatusCode::UNPROCESSABLE_ENTITY, codes));
    };
    let command = RedeemVoucher { account, currency: currency.id, pin: pin.to_owned(), amount };
    let redeemed = request.host.command(command).map_err(|why| {
        Refusal::unprocessable(match why {
            NotRedeemed::UnknownPin => UNKNOWN_PIN,
            NotRedeemed::Used => USED,
            NotRedeemed::Expired => EXPIRED,
            NotRedeemed::TooMuch => TOO_MUCH,
            NotRedeemed::TooLittle => TOO_LITTLE,
            NotRedeemed::Supply => AMOUNT,
        })
    })?;
    let change_voucher = redeemed.change.map(|change| ChangeView {
        change_amount: Number::rest(change.amount),
        change_expiry: iso(change.expires_ms, request.profile().zone_hours()),
        change_pin: change.pin,
    });
    Ok(Reply::created(&View {
        amount: Number::rest(redeemed.amount),
        origin_amount: Number::rest(redeemed.origin_amount),
        change_voucher,
    }))
}

#[derive(Debug, Serialize)]
struct View {
    amount: Number,
    origin_amount: Number,
    /// Left out if the whole voucher was redeemed.
    #[serde(skip_serializing_if = "Option::is_none")]
    change_voucher: Option<ChangeView>,
}

#[derive(Debug, Serialize)]
struct ChangeView {
    change_amount: Number,
    change_expiry: String,
    /// The documents say number, but a number would lose the zeros at its start.
    change_pin: String,
}

//! Withdrawals, and the quotes of their fees.

use super::{
    call::{ApiRequest, Theme, current, route},
    paging::{Limits, Page},
    params::{Params, Value},
};
use crate::{
    base::{
        clock::iso,
        config::Profile,
        id::Code,
        money::{Parsed, text},
        refusal::{OwnCode, Refusal, WITHDRAW_NOT_PERMITTED, own},
        reply::Reply,
    },
    exchange::{
        catalogue::Currency,
        funds::{
            new_withdrawal::{CreateWithdrawal, NotCreated, Otp},
            quotes::{MakeQuote, QuoteRefused},
            withdrawals::{Withdrawal, WithdrawalState},
        },
    },
};
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::{Value as Json, json};
use std::sync::Arc;

/// The calls of this file.
pub(super) const THEME: Theme = Theme {
    routes: &[
        current("account", "GET", "/account/withdraws/quote/{currency}", quote, QUOTE_CODES)
            .verified(&[WITHDRAW_NOT_PERMITTED]),
        route("account", "POST", "/account/withdraws", create, CREATE_CODES)
            .verified(&[WITHDRAW_NOT_PERMITTED]),
        route("account", "GET", "/account/withdraws", withdrawals, LIST_CODES)
            .verified(&[WITHDRAW_NOT_PERMITTED]),
    ],
    own_codes: OWN_CODES,
};

const LIMITS: Limits = Limits {
    default: 100,
    least: 1,
    most: 100,
    non_integer_limit: "sandbox.withdraw.non_integer_limit",
    invalid_limit: "account.withdraw.invalid_limit",
    non_integer_page: Some("sandbox.withdraw.non_integer_page"),
};
const NON_POSITIVE_PAGE: &str = "account.withdraw.non_positive_page";
const INVALID_STATE: &str = "account.withdraw.invalid_state";
pub(super) const NO_CURRENCY: &str = "account.currency.doesnt_exist";
pub(super) const DISABLED: &str = "account.currency.withdrawal_disabled";
const NO_BENEFICIARY: &str = "account.beneficiary.doesnt_exist";
const INACTIVE_BENEFICIARY: &str = "account.beneficiary.invalid_state_for_withdrawal";
const MISSING_CURRENCY: &str = "account.withdraw.missing_currency";
const INVALID_OTP: &str = "account.withdraw.invalid_otp";
pub(super) const INSUFFICIENT: &str = "account.withdraw.insufficient_balance";
const INVALID_AMOUNT: &str = "account.withdraw.invalid_amount";
const TOO_LONG_NOTE: &str = "account.withdraw.too_long_note";
/// Missing, empty, not an integer.
const BENEFICIARY_CODES: [&str; 3] = [
    "account.withdraw.missing_beneficiary_id",
    "account.withdraw.empty_beneficiary_id",
    "account.withdraw.non_integer_beneficiary_id",
];
const OTP_CODES: [&str; 3] =
    ["account.withdraw.missing_otp", "account.withdraw.empty_otp", "account.withdraw.non_integer_otp"];
/// Missing, not a decimal, not positive.
const AMOUNT_CODES: [&str; 3] = [
    "account.withdraw.missing_amount",
    "account.withdraw.non_decimal_amount",
    "account.withdraw.non_positive_amount",
];
/// The longest note, in characters.
const NOTE_CHARS: usize = 256;

const NOTE_ZAR_ONLY: &str = "sandbox.withdraw.note_zar_only";
const UNEXPECTED_OTP: &str = "sandbox.withdraw.unexpected_otp";
pub(super) const OVER_LIMIT: &str = "sandbox.withdraw.over_limit";
pub(super) const NO_QUOTE: &str = "sandbox.withdraw.quote_doesnt_exist";
pub(super) const QUOTE_EXPIRED: &str = "sandbox.withdraw.quote_expired";
const NO_LIGHTNING: &str = "sandbox.withdraw_quote.no_lightning";

const OWN_CODES: &[OwnCode] = &[
    own(LIMITS.non_integer_limit, "422: the limit of the history is not an integer; no code is known"),
    own(
        "sandbox.withdraw.non_integer_page",
        "422: the page of the history is not an integer; no code is known",
    ),
    own(NOTE_ZAR_ONLY, "422: a note with another currency than zar; the documents offer it for zar only"),
    own(UNEXPECTED_OTP, "422: a one-time code, which the current documents do not have"),
    own(
        OVER_LIMIT,
        "422: more than the account's level of verification allows in 24 or 72 hours; no code is documented",
    ),
    own(
        NO_QUOTE,
        "422: no quote has that id, it is for another currency, network or account, or it was used already",
    ),
    own(QUOTE_EXPIRED, "422: the quote is older than 90 seconds; no code is documented"),
    own(NO_LIGHTNING, "422: a quote for an invoice, in a currency without lightning, or without an invoice"),
];

const QUOTE_CODES: &[&[&str]] = &[&[NO_CURRENCY, DISABLED, NO_LIGHTNING]];
const CREATE_CODES: &[&[&str]] = &[
    &BENEFICIARY_CODES,
    &OTP_CODES,
    &AMOUNT_CODES,
    &[MISSING_CURRENCY, NO_CURRENCY, DISABLED, NO_BENEFICIARY, INACTIVE_BENEFICIARY, INVALID_OTP],
    &[INSUFFICIENT, INVALID_AMOUNT, TOO_LONG_NOTE, NOTE_ZAR_ONLY, UNEXPECTED_OTP, OVER_LIMIT],
    &[NO_QUOTE, QUOTE_EXPIRED],
];
const LIST_CODES: &[&[&str]] = &[&LIMITS.codes(), &[NON_POSITIVE_PAGE, INVALID_STATE, NO_CURRENCY]];

impl From<NotCreated> for Refusal {
    fn from(why: NotCreated) -> Self {
        Self::unprocessable(match why {
            NotCreated::NoBeneficiary => NO_BENEFICIARY,
            NotCreated::InactiveBeneficiary => INACTIVE_BENEFICIARY,
            NotCreated::WrongOtp => INVALID_OTP,
            NotCreated::Disabled => DISABLED,
            NotCreated::Quote(QuoteRefused::Unknown) => NO_QUOTE,
            NotCreated::Quote(QuoteRefused::Expired) => QUOTE_EXPIRED,
            NotCreated::Insufficient => INSUFFICIENT,
            NotCreated::InvalidAmount => INVALID_AMOUNT,
            NotCreated::OverLimit => OVER_LIMIT,
        })
    }
}

#[derive(Debug, Serialize)]
struct WithdrawalView {
    id: u64,
    currency: Code,
    r#type: &'static str,
    amount: String,
    fee: String,
    blockchain_txid: Option<String>,
    rid: String,
    state: &'static str,
    /// Coins only.
    #[serde(skip_serializing_if = "Option::is_none")]
    confirmations: Option<Json>,
    note: Option<String>,
    created_at: String,
    updated_at: String,
    done_at: Option<String>,
}

fn view(request: &ApiRequest<'_>, withdrawal: Withdrawal) -> WithdrawalView {
    let profile = request.profile();
    let time = |ms| iso(ms, profile.zone_hours());
    let currency = request.host.catalogue.currency(&withdrawal.currency);
    let is_coin = currency.is_some_and(|currency| currency.is_coin());
    let confirmations = match (withdrawal.confirmations, profile) {
        (Some(count), _) => json!(count),
        (None, Profile::Docs) => json!(0),
        (None, Profile::Legacy) => json!("N/A"),
    };
    WithdrawalView {
        id: withdrawal.id,
        currency: withdrawal.currency,
        r#type: if is_coin { "coin" } else { "fiat" },
        amount: text(withdrawal.amount),
        fee: text(withdrawal.fee),
        blockchain_txid: withdrawal.txid,
        rid: withdrawal.rid,
        state: withdrawal.state.as_str(),
        confirmations: is_coin.then_some(confirmations),
        note: withdrawal.note,
        created_at: time(withdrawal.created_ms),
        updated_at: time(withdrawal.updated_ms),
        done_at: withdrawal.done_ms.map(time),
    }
}

fn quote(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let (account, currency) = (request.account()?, request.host.catalogue.currency(request.path(0)));
    let currency = currency.ok_or_else(|| Refusal::unprocessable(NO_CURRENCY))?;
    let lightning = request.params.get("bolt").is_some();
    if !currency.withdrawal_enabled {
        return Err(Refusal::unprocessable(DISABLED));
    }
    let invoice = request.params.get("bolt").and_then(Value::as_text).unwrap_or_default();
    if lightning && (invoice.is_empty() || currency.lightning_fee.is_none()) {
        return Err(Refusal::unprocessable(NO_LIGHTNING));
    }
    let made = request.host.command(MakeQuote { account, currency: currency.id, lightning });
    let quote = made.ok_or_else(|| Refusal::unprocessable(NO_CURRENCY))?;
    let time = |ms| iso(ms, request.profile().zone_hours());
    Ok(Reply::ok(&json!({
        "id": quote.id.to_string(),
        "currency": quote.currency,
        "fee": text(quote.fee),
        "blockchain": quote.blockchain,
        "created_at": time(quote.created_ms),
        "expires_at": time(quote.expires_ms),
    })))
}

fn create(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let withdrawal = request.host.command(new_withdrawal(request)?)?;
    Ok(Reply::created(&view(request, withdrawal)))
}

/// Reads the parameters of a withdrawal. All errors are reported at once.
fn new_withdrawal(request: &ApiRequest<'_>) -> Result<CreateWithdrawal, Refusal> {
    let (account, params, profile) = (request.account()?, request.params, request.profile());
    let mut codes = Vec::new();
    let beneficiary = integer(params, "beneficiary_id", BENEFICIARY_CODES, &mut codes);
    let otp = otp(request, &mut codes);
    let currency = currency(request, &mut codes);
    let amount = amount(params, &mut codes);
    let words = |name| params.get(name).map(|value| value.as_text().unwrap_or_default().to_owned());
    let note = words("note").filter(|note| !note.is_empty());
    if note.as_ref().is_some_and(|note| note.chars().count() > NOTE_CHARS) {
        codes.push(TOO_LONG_NOTE);
    }
    let is_zar = currency.as_ref().is_none_or(|currency| currency.id == *"zar");
    if profile == Profile::Docs && note.is_some() && !is_zar {
        codes.push(NOTE_ZAR_ONLY);
    }
    let quote = words("quote_id").filter(|_| profile == Profile::Docs);
    let (Some(beneficiary), Some(currency), Some(amount), true) =
        (beneficiary, currency, amount, codes.is_empty())
    else {
        return Err(Refusal::Codes(http::StatusCode::UNPROCESSABLE_ENTITY, codes));
    };
    let (beneficiary, level) = (u64::try_from(beneficiary).unwrap_or(0), request.host.people.level(account));
    Ok(CreateWithdrawal { account, beneficiary, currency: currency.id, amount, note, quote, otp, level })
}

/// An integer, or one of three codes: missing, empty, not an integer.
fn integer(
    params: &Params,
    name: &str,
    [missing, empty, non_integer]: [&'static str; 3],
    codes: &mut Vec<&'static str>,
) -> Option<i64> {
    let found = match params.get(name) {
        None => Err(missing),
        Some(Value::Text(text)) if text.is_empty() => Err(empty),
        Some(value) => value.as_integer().ok_or(non_integer),
    };
    found.map_err(|code| codes.push(code)).ok()
}

/// The one-time code: needed on the older servers, and unknown to the current ones.
fn otp(request: &ApiRequest<'_>, codes: &mut Vec<&'static str>) -> Otp {
    if request.profile() == Profile::Docs {
        if request.params.get("otp").is_some() {
            codes.push(UNEXPECTED_OTP);
        }
        return Otp::NotNeeded;
    }
    integer(request.params, "otp", OTP_CODES, codes);
    let code = request.params.get("otp").and_then(Value::as_text).unwrap_or_default();
    let is_right = request.account.is_some_and(|account| {
        request.host.read(|exchange| exchange.funds().one_time_codes.is_right(account, code))
    });
    if is_right { Otp::Right } else { Otp::Wrong }
}

fn currency(request: &ApiRequest<'_>, codes: &mut Vec<&'static str>) -> Option<Arc<Currency>> {
    let code = request.params.get("currency").map(|value| value.as_text().unwrap_or_default());
    if code.is_none() {
        codes.push(MISSING_CURRENCY);
    }
    let currency = request.host.catalogue.currency(code.unwrap_or_default());
    if currency.is_none() {
        codes.push(NO_CURRENCY);
    }
    currency
}

fn amount(params: &Params, codes: &mut Vec<&'static str>) -> Option<Decimal> {
    let [missing, non_decimal, non_positive] = AMOUNT_CODES;
    let Some(value) = params.get("amount") else {
        codes.push(missing);
        return None;
    };
    match value.as_decimal() {
        Parsed::Exact(amount) if amount > Decimal::ZERO => Some(amount),
        Parsed::Unrepresentable { negative: false } => {
            codes.push(INVALID_AMOUNT);
            None
        }
        Parsed::Exact(_) | Parsed::Unrepresentable { negative: true } => {
            codes.push(non_positive);
            None
        }
        Parsed::NotDecimal => {
            codes.push(non_decimal);
            None
        }
    }
}

fn withdrawals(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let (account, params) = (request.account()?, request.params);
    let mut codes = Vec::new();
    let page = Page::read(params, &LIMITS, &mut codes);
    if params.get("page").and_then(Value::as_integer).is_some_and(|page| page < 1) {
        codes.push(NON_POSITIVE_PAGE);
    }
    let text = |name| params.get(name).map(|value| value.as_text().unwrap_or_default());
    let (currency, rid) = (text("currency"), text("rid"));
    if currency.is_some_and(|currency| !request.has_currency(currency)) {
        codes.push(NO_CURRENCY);
    }
    let state = text("state").map(WithdrawalState::named);
    if state == Some(None) {
        codes.push(INVALID_STATE);
    }
    Refusal::all(codes)?;
    let wanted = |one: &&Withdrawal| {
        currency.is_none_or(|currency| one.currency == *currency)
            && rid.is_none_or(|rid| one.rid == rid)
            && state.is_none_or(|state| Some(one.state) == state)
    };
    // Only this page is copied under the lock.
    let (total, rows) = request.host.read(|exchange| {
        let all = || exchange.funds().withdrawals.of(account).filter(wanted);
        (all().count(), page.of(all().cloned()))
    });
    let views: Vec<_> = rows.into_iter().map(|row| view(request, row)).collect();
    Ok(page.headers(Reply::ok(&views), Some(total)))
}

//! Payment references (the documents' "Create payment reference" and what follows it).

use super::{
    account_webhook::{self, SETTINGS_CODES},
    call::{ApiRequest, Theme, current},
    customers::{HAVE_CUSTOMERS, caller},
    deposit_action,
    paging::{Page, SHARED_CODES, payment_limits},
    params::Value,
};
use crate::{
    base::{
        clock::iso,
        id::{AccountId, Code},
        money::{self, Parsed},
        refusal::{NOT_FOUND, OwnCode, ROLE_NOT_PERMITTED, Refusal, own},
        reply::Reply,
    },
    exchange::{
        notice::{Protocol, Webhook},
        payments::reference::{CreatePaymentReference, PaymentReference, Terms},
        people::{UNVERIFIED, deposit_action::SLIPPAGE},
    },
};
use rust_decimal::Decimal;
use serde::Serialize;

/// The calls of this file.
pub(super) const THEME: Theme = Theme {
    routes: &[
        current("account", "POST", "/account/payments", create, CREATE_CODES)
            .also(&[(403, ROLE_NOT_PERMITTED)]),
        current("account", "GET", "/account/payments", list, LIST_CODES).also(&[(403, ROLE_NOT_PERMITTED)]),
        current("account", "GET", "/account/payments/{id}", one, &[&[INVALID_INCLUDE]])
            .also(&[(403, ROLE_NOT_PERMITTED), (404, NOT_FOUND)]),
    ],
    own_codes: OWN_CODES,
};

const NO_CURRENCY: &str = "account.currency.doesnt_exist";
const MISSING_UID: &str = "sandbox.payment.missing_uid";
const UNKNOWN_UID: &str = "sandbox.payment.unknown_uid";
const NOT_VERIFIED: &str = "sandbox.payment.customer_not_verified";
const MISSING_CURRENCY: &str = "sandbox.payment.missing_currency";
const INVALID_AMOUNT: &str = "sandbox.payment.invalid_expected_amount";
const INVALID_ACTION: &str = "sandbox.payment.invalid_deposit_action";
const INVALID_INCLUDE: &str = "sandbox.payment.invalid_include_secret";

const OWN_CODES: &[OwnCode] = &[
    own(MISSING_UID, "422: there is no `uid`; no code is documented"),
    own(
        UNKNOWN_UID,
        "422: `uid` is no account, or one that the caller does not manage; the documents require it and name no code",
    ),
    own(
        NOT_VERIFIED,
        "422: the account has no verification at all; the documents say that customers must be verified, and name no code",
    ),
    own(MISSING_CURRENCY, "422: there is no `currency`; no code is documented"),
    own(
        INVALID_AMOUNT,
        "422: `expected_amount` is not a decimal above 0 with at most 28 digits; no code is documented",
    ),
    own(INVALID_ACTION, "422: `deposit_action` has none of the documented forms; no code is documented"),
    own(INVALID_INCLUDE, "422: `includeSecret` is neither true nor false; no code is documented"),
];
const CREATE_CODES: &[&[&str]] = &[
    &[MISSING_UID, UNKNOWN_UID, NOT_VERIFIED, MISSING_CURRENCY, NO_CURRENCY, INVALID_AMOUNT, INVALID_ACTION],
    SETTINGS_CODES,
];
const LIST_CODES: &[&[&str]] = &[SHARED_CODES, &[UNKNOWN_UID]];

/// A text parameter; `None` if it is missing or empty.
fn text<'a>(request: &ApiRequest<'a>, name: &str) -> Option<&'a str> {
    request.params.get(name).and_then(Value::as_text).filter(|text| !text.is_empty())
}

fn create(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let owner = caller(request, HAVE_CUSTOMERS)?;
    let mut codes = Vec::new();
    let account = payer(request, owner, &mut codes);
    let currency = currency(request, &mut codes);
    let expected_amount = match request.params.get("expected_amount").map(Value::as_decimal) {
        Some(Parsed::Exact(amount)) if amount > Decimal::ZERO => Some(amount),
        None => None,
        Some(_) => {
            codes.push(INVALID_AMOUNT);
            None
        }
    };
    let mut action = deposit_action::read(request, INVALID_ACTION, &mut codes);
    if let Some(action) = action.as_mut().filter(|action| action.action.converts()) {
        action.max_slippage.get_or_insert(SLIPPAGE);
    }
    let webhook = webhook(request, &mut codes);
    Refusal::all(codes)?;
    let (Some(account), Some(currency)) = (account, currency) else { return Err(Refusal::not_found()) };
    let lifetime = request.host.config.payment_lifetime;
    let lifetime_ms = i64::try_from(lifetime.as_millis()).unwrap_or(i64::MAX);
    let verified_only = request.host.config.verified_customers;
    let terms =
        Terms { owner, account, currency, expected_amount, action, webhook, lifetime_ms, verified_only };
    let made = request.host.command(CreatePaymentReference(terms));
    Ok(Reply::created(&view(request, &made, false)))
}

/// The account that the deposit is for: the caller itself, or one that it manages.
fn payer(request: &ApiRequest<'_>, owner: AccountId, codes: &mut Vec<&'static str>) -> Option<AccountId> {
    let Some(uid) = text(request, "uid") else {
        codes.push(MISSING_UID);
        return None;
    };
    let people = &request.host.people;
    let account = people.acting_as(owner, uid);
    match account {
        None => codes.push(UNKNOWN_UID),
        Some(account) if request.host.config.verified_customers && people.level(account) == UNVERIFIED => {
            codes.push(NOT_VERIFIED);
        }
        Some(_) => {}
    }
    account
}

fn currency(request: &ApiRequest<'_>, codes: &mut Vec<&'static str>) -> Option<Code> {
    let code = text(request, "currency");
    let currency = code.and_then(|code| request.host.catalogue.currency(code)).map(|currency| currency.id);
    if currency.is_none() {
        codes.push(if code.is_some() { NO_CURRENCY } else { MISSING_CURRENCY });
    }
    currency
}

/// Where the webhooks of the reference go; `None` if no field of it was sent.
fn webhook(request: &ApiRequest<'_>, codes: &mut Vec<&'static str>) -> Option<Webhook> {
    const NAMES: [&str; 3] = ["webhook_url", "webhook_secret", "webhook_protocol"];
    let is_sent = NAMES.iter().any(|name| request.params.get(name).is_some());
    if is_sent { account_webhook::read(request.params, NAMES, codes) } else { None }
}

fn list(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let caller = caller(request, HAVE_CUSTOMERS)?;
    let mut codes = Vec::new();
    let page = Page::read(request.params, &payment_limits(), &mut codes);
    let asked = text(request, "uid").map(|uid| request.host.people.acting_as(caller, uid));
    if asked == Some(None) {
        codes.push(UNKNOWN_UID);
    }
    Refusal::all(codes)?;
    let account = asked.flatten();
    let found: Vec<PaymentReference> = request.host.read(|exchange| {
        let fits = |reference: &&PaymentReference| {
            account.is_none_or(|account| reference.terms.account == account)
                && is_seen(request, caller, reference)
        };
        exchange.payments().newest_first().filter(fits).cloned().collect()
    });
    let views = page.of(found.iter().map(|reference| view(request, reference, false)));
    Ok(page.headers(Reply::ok(&views), Some(found.len())))
}

/// Whether a reference is the caller's own, or for an account that it manages.
fn is_seen(request: &ApiRequest<'_>, caller: AccountId, reference: &PaymentReference) -> bool {
    let Terms { owner, account, .. } = reference.terms;
    let people = &request.host.people;
    owner == caller || people.get(account).is_some_and(|it| people.acting_as(caller, &it.uid).is_some())
}

fn one(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let caller = caller(request, HAVE_CUSTOMERS)?;
    let id: u64 = request.path(0).parse().map_err(|_| Refusal::not_found())?;
    let found = request.host.read(|exchange| exchange.payments().get(id).cloned());
    let found = found.filter(|reference| is_seen(request, caller, reference));
    let found = found.ok_or_else(Refusal::not_found)?;
    let asks = match request.params.get("includeSecret") {
        None => false,
        Some(flag) => flag.as_bool().ok_or_else(|| Refusal::unprocessable(INVALID_INCLUDE))?,
    };
    let with_secret = asks && found.terms.owner == caller;
    Ok(Reply::ok(&view(request, &found, with_secret)))
}

/// A payment reference as it is sent. The documents say which fields are null and which are absent.
#[derive(Debug, Serialize)]
struct View<'a> {
    id: u64,
    reference: &'a str,
    uid: String,
    currency: Code,
    expected_amount: Option<String>,
    deposit_action: Option<deposit_action::Object<'a>>,
    state: &'static str,
    expires_at: String,
    usage_count: u64,
    last_used_at: Option<String>,
    #[serde(flatten)]
    webhook: Option<WebhookView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deposit_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    order_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    withdraw_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    internal_transfer_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    created_at: String,
    updated_at: String,
}

#[derive(Debug, Serialize)]
struct WebhookView<'a> {
    webhook_url: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook_secret: Option<&'a str>,
    webhook_protocol: Protocol,
}

fn view<'a>(request: &ApiRequest<'_>, made: &'a PaymentReference, with_secret: bool) -> View<'a> {
    let time = |ms: i64| iso(ms, request.profile().zone_hours());
    let Terms { account, currency, expected_amount, action, webhook, .. } = &made.terms;
    let walk = made.walk.as_ref();
    View {
        id: made.id,
        reference: &made.code,
        uid: request.host.people.get(*account).map(|person| person.uid).unwrap_or_default(),
        currency: *currency,
        expected_amount: expected_amount.map(money::text),
        deposit_action: action.as_ref().map(deposit_action::object),
        state: made.state.as_str(),
        expires_at: time(made.expires_ms()),
        usage_count: made.usage_count,
        last_used_at: made.last_used_ms.map(time),
        webhook: webhook.as_ref().map(|webhook| WebhookView {
            webhook_url: &webhook.url,
            webhook_secret: webhook.secret.as_deref().filter(|_| with_secret),
            webhook_protocol: webhook.protocol,
        }),
        deposit_id: walk.map(|walk| walk.deposit.id),
        order_id: walk.and_then(|walk| walk.order),
        withdraw_id: walk.and_then(|walk| walk.withdrawal),
        internal_transfer_id: walk.and_then(|walk| walk.transfer),
        error: made.error.as_deref(),
        created_at: time(made.created_ms),
        updated_at: time(made.updated_ms),
    }
}

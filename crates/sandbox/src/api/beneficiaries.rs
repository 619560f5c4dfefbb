//! Beneficiaries.

use super::{
    beneficiary_data::{self, DATA_CODES, Data},
    call::{ApiRequest, Theme, route},
    paging::{Page, SHARED_CODES, SHARED_LEGACY_CODES, shared_limits},
    params::Value,
};
use crate::{
    base::{
        clock::iso,
        config::Profile,
        id::Code,
        refusal::{NOT_FOUND, OwnCode, Refusal, WITHDRAW_NOT_PERMITTED, own},
        reply::Reply,
    },
    exchange::{
        catalogue::Currency,
        chains,
        funds::{
            beneficiaries::{
                ActivateBeneficiary, Beneficiary, CreateBeneficiary, DeleteBeneficiary, Details,
                NotActivated, Start, Target,
            },
            methods,
        },
    },
};
use serde::Serialize;
use serde_json::value::RawValue;
use std::sync::Arc;

/// The calls of this file.
pub(super) const THEME: Theme = Theme {
    routes: &[
        route("account", "POST", "/account/beneficiaries", create, CREATE_CODES)
            .verified(&[WITHDRAW_NOT_PERMITTED]),
        route("account", "GET", "/account/beneficiaries", list, LIST_CODES)
            .verified(&[WITHDRAW_NOT_PERMITTED]),
        route("account", "GET", "/account/beneficiaries/{id}", one, ID_CODES)
            .verified(&[WITHDRAW_NOT_PERMITTED])
            .also(&[(404, NOT_FOUND)]),
        route("account", "DELETE", "/account/beneficiaries/{id}", delete, ID_CODES)
            .verified(&[WITHDRAW_NOT_PERMITTED])
            .also(&[(404, NOT_FOUND)]),
        route("account", "PATCH", "/account/beneficiaries/{id}/activate", activate, ACTIVATE_CODES)
            .verified(&[WITHDRAW_NOT_PERMITTED])
            .also(&[(404, NOT_FOUND)]),
    ],
    own_codes: OWN_CODES,
};

const NO_CURRENCY: &str = "account.currency.doesnt_exist";
const MISSING_CURRENCY: &str = "account.beneficiary.missing_currency";
const MISSING_NAME: &str = "account.beneficiary.missing_name";
const LONG_NAME: &str = "account.beneficiary.too_long_name";
const LONG_DESCRIPTION: &str = "account.beneficiary.too_long_description";
const NO_BLOCKCHAIN: &str = "account.beneficiary.blockchain_key_doesnt_exist";
const DUPLICATE: &str = "account.beneficiary.duplicate_address";
const NON_INTEGER_ID: &str = "account.beneficiary.non_integer_id";
const MISSING_PIN: &str = "account.beneficiary.missing_pin";
const NON_INTEGER_PIN: &str = "account.beneficiary.non_integer_pin";
const INVALID_PIN: &str = "account.beneficiary.invalid_pin";
const CANT_ACTIVATE: &str = "account.beneficiary.cant_activate";
const INVALID_STATE: &str = "account.beneficiary.invalid_state";
const LONG_CURRENCY: &str = "sandbox.beneficiary.too_long_currency";
const LONG_BLOCKCHAIN: &str = "sandbox.beneficiary.too_long_blockchain_key";
const NON_INTEGER_METHOD: &str = "sandbox.beneficiary.non_integer_withdraw_method_id";
const NO_METHOD: &str = "sandbox.beneficiary.withdraw_method_doesnt_exist";

const OWN_CODES: &[OwnCode] = &[
    own(LONG_CURRENCY, "422: `currency` has more than 10 characters; no code is documented"),
    own(LONG_BLOCKCHAIN, "422: `blockchain_key` has more than 255 characters; no code is documented"),
    own(NON_INTEGER_METHOD, "422: `withdraw_method_id` is not a whole number; no code is documented"),
    own(
        NO_METHOD,
        "422: `withdraw_method_id` is not the number of a withdraw method of the currency; no code is documented",
    ),
    beneficiary_data::INVALID_ADDRESS,
    beneficiary_data::INVALID_TAG,
    beneficiary_data::INVALID_FIELD,
    beneficiary_data::INVALID_TRAVEL_RULE,
    beneficiary_data::NO_VASP,
    beneficiary_data::INVALID_RECIPIENT,
];
const CREATE_CODES: &[&[&str]] = &[
    &[MISSING_CURRENCY, NO_CURRENCY, MISSING_NAME, LONG_NAME, LONG_DESCRIPTION, NO_BLOCKCHAIN, DUPLICATE],
    &[LONG_CURRENCY, LONG_BLOCKCHAIN, NON_INTEGER_METHOD, NO_METHOD],
    DATA_CODES,
];
const LIST_CODES: &[&[&str]] = &[SHARED_CODES, SHARED_LEGACY_CODES, &[NO_CURRENCY, INVALID_STATE]];
const ID_CODES: &[&[&str]] = &[&[NON_INTEGER_ID]];
const ACTIVATE_CODES: &[&[&str]] =
    &[&[NON_INTEGER_ID, MISSING_PIN, NON_INTEGER_PIN, INVALID_PIN, CANT_ACTIVATE]];

/// A text parameter; `None` if it is missing or blank.
fn text<'a>(request: &ApiRequest<'a>, name: &str) -> Option<&'a str> {
    request.params.get(name).and_then(Value::as_text).filter(|text| !text.trim().is_empty())
}

fn is_longer(text: &str, most: usize) -> bool {
    text.chars().count() > most
}

/// On the docs profile a beneficiary can be used at once; on the older servers it waits for a pin.
fn create(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let account = request.account()?;
    let is_current = request.profile() == Profile::Docs;
    let mut codes = Vec::new();
    let code = text(request, "currency");
    if code.is_some_and(|code| is_longer(code, 10)) {
        codes.push(LONG_CURRENCY);
    }
    let currency = code.and_then(|code| request.host.catalogue.currency(code));
    if currency.is_none() {
        codes.push(if code.is_some() { NO_CURRENCY } else { MISSING_CURRENCY });
    }
    let name = text(request, "name").unwrap_or_default();
    if name.is_empty() {
        codes.push(MISSING_NAME);
    } else if is_longer(name, 64) {
        codes.push(LONG_NAME);
    }
    let description = text(request, "description");
    if description.is_some_and(|description| is_longer(description, 255)) {
        codes.push(LONG_DESCRIPTION);
    }
    let mut asked_chain = None;
    if is_current {
        asked_chain = text(request, "blockchain_key");
        if asked_chain.is_some_and(|chain| is_longer(chain, 255)) {
            codes.push(LONG_BLOCKCHAIN);
        }
        let method = request.params.get("withdraw_method_id").map(Value::as_integer);
        match (method, &currency) {
            (Some(None), _) => codes.push(NON_INTEGER_METHOD),
            (Some(Some(id)), Some(currency)) if !methods::pays_out(id, &currency.id) => codes.push(NO_METHOD),
            _ => {}
        }
    }
    let data = Data::read(request.params.get("data"), &mut codes);
    let target = match (&currency, &data) {
        (Some(currency), Some(data)) => target(currency, asked_chain, data, is_current, &mut codes),
        _ => None,
    };
    let (Some(currency), Some(data), Some(target)) = (currency, data, target) else {
        return Refusal::all(codes).map(|()| Reply::nothing());
    };
    Refusal::all(codes)?;
    let details = Details {
        currency: currency.id,
        name: name.to_owned(),
        description: description.map(str::to_owned),
        target,
        data: data.json,
    };
    let start = if is_current { Start::Active } else { Start::Pending(None) };
    let made = request.host.command(CreateBeneficiary { account, details, start });
    let made = made.ok_or_else(|| Refusal::unprocessable(DUPLICATE))?;
    Ok(Reply::created(&view(request, &made)))
}

/// Where the money goes, by the currency's kind. `None` if a code says why not.
fn target(
    currency: &Arc<Currency>,
    asked_chain: Option<&str>,
    data: &Data,
    is_current: bool,
    codes: &mut Vec<&'static str>,
) -> Option<Target> {
    if !currency.is_coin() {
        // The name that the documents give to the blockchain of fiat methods.
        if asked_chain.is_some_and(|chain| chain != "fiat") {
            codes.push(NO_BLOCKCHAIN);
        }
        let full_name = data.bank(codes)?;
        return Some(Target::Bank { full_name });
    }
    let chain = match asked_chain {
        None => Some(chains::usual(&currency.id)),
        Some(asked) => chains::of(&currency.id).into_iter().find(|chain| *chain == asked),
    };
    if chain.is_none() {
        codes.push(NO_BLOCKCHAIN);
    }
    let address = data.address(chain, is_current, codes)?;
    Some(Target::Address { chain: chain?.to_owned(), address })
}

fn list(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let account = request.account()?;
    let mut codes = Vec::new();
    let page = Page::read(request.params, &shared_limits(request.profile()), &mut codes);
    let wanted = |name| request.params.get(name).map(|value| value.as_text().unwrap_or_default());
    let (currency, state) = (wanted("currency"), wanted("state"));
    if currency.is_some_and(|currency| !request.has_currency(currency)) {
        codes.push(NO_CURRENCY);
    }
    if state.is_some_and(|state| !["active", "pending"].contains(&state)) {
        codes.push(INVALID_STATE);
    }
    Refusal::all(codes)?;
    let found: Vec<Beneficiary> = request.host.read(|exchange| {
        let fits = |beneficiary: &&Beneficiary| {
            currency.is_none_or(|currency| beneficiary.details.currency == *currency)
                && state.is_none_or(|state| beneficiary.state() == state)
        };
        exchange.funds().beneficiaries.of(account).filter(fits).cloned().collect()
    });
    let views = page.of(found.iter().map(|beneficiary| view(request, beneficiary)));
    Ok(page.headers(Reply::ok(&views), Some(found.len())))
}

/// The number in the path.
fn id(request: &ApiRequest<'_>) -> Result<u64, Refusal> {
    request.path(0).parse().map_err(|_| Refusal::unprocessable(NON_INTEGER_ID))
}

fn one(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let (account, id) = (request.account()?, id(request)?);
    let found = request.host.read(|exchange| exchange.funds().beneficiaries.get(account, id).cloned());
    Ok(Reply::ok(&view(request, &found.ok_or_else(Refusal::not_found)?)))
}

fn delete(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let (account, id) = (request.account()?, id(request)?);
    if request.host.command(DeleteBeneficiary { account, id }) {
        Ok(Reply::nothing())
    } else {
        Err(Refusal::not_found())
    }
}

/// The pin is compared as text: one that lost its zeros on the way is another pin.
fn activate(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let (account, id) = (request.account()?, id(request)?);
    let pin = text(request, "pin").ok_or_else(|| Refusal::unprocessable(MISSING_PIN))?;
    if !pin.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Refusal::unprocessable(NON_INTEGER_PIN));
    }
    let activated = request.host.command(ActivateBeneficiary { account, id, pin: pin.to_owned() });
    match activated {
        Ok(beneficiary) => Ok(Reply::ok(&view(request, &beneficiary))),
        Err(NotActivated::Unknown) => Err(Refusal::not_found()),
        Err(NotActivated::Active) => Err(Refusal::unprocessable(CANT_ACTIVATE)),
        Err(NotActivated::WrongPin) => Err(Refusal::unprocessable(INVALID_PIN)),
    }
}

/// A beneficiary as it is sent. The documents name the number `uuid`, and the older servers `id`: the docs profile sends both.
#[derive(Debug, Serialize)]
struct View {
    id: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    uuid: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uid: Option<String>,
    currency: Code,
    name: String,
    description: Option<String>,
    /// Just as it came.
    data: Option<Box<RawValue>>,
    state: &'static str,
    /// When the pin was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    sent_at: Option<String>,
}

fn view(request: &ApiRequest<'_>, beneficiary: &Beneficiary) -> View {
    let Beneficiary { id, account, details, created_ms, .. } = beneficiary.clone();
    let is_current = request.profile() == Profile::Docs;
    let uid = if is_current { None } else { request.host.people.get(account).map(|person| person.uid) };
    View {
        id,
        uuid: is_current.then_some(id),
        uid,
        currency: details.currency,
        name: details.name,
        description: details.description,
        data: RawValue::from_string(details.data).ok(),
        state: beneficiary.state(),
        sent_at: (!is_current).then(|| iso(created_ms, request.profile().zone_hours())),
    }
}

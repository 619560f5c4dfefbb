//! Sub-accounts (the documents' section "Sub-Accounts").

use super::{
    account_webhook::{self, SETTINGS_CODES},
    call::{ApiRequest, Theme, route},
    deposit_action,
    paging::{Page, SHARED_CODES, SHARED_LEGACY_CODES, shared_limits},
    params::Value,
};
use crate::{
    base::{
        clock::iso,
        refusal::{NOT_FOUND, OwnCode, Refusal, own},
        reply::Reply,
    },
    exchange::people::sub_accounts::{
        CreateSubAccount, DeleteSubAccount, NotDeleted, SubAccount, UpdateSubAccount,
    },
};
use serde::de::IgnoredAny;
use serde_json::{Value as Json, json};

/// The calls of this file.
pub(super) const THEME: Theme = Theme {
    routes: &[
        route("persona", "POST", "/resource/sub_accounts", create, &[&[NAME, ACTION, DATA], SETTINGS_CODES]),
        route("persona", "GET", "/resource/sub_accounts", list, &[SHARED_CODES, SHARED_LEGACY_CODES]),
        route("persona", "GET", "/resource/sub_accounts/{uid}", one, &[]).also(&[(404, NOT_FOUND)]),
        route("persona", "PUT", "/resource/sub_accounts/{uid}", update, &[&[ACTION]])
            .also(&[(404, NOT_FOUND)]),
        route("persona", "DELETE", "/resource/sub_accounts/{uid}", delete, &[&[HAS_MONEY]])
            .also(&[(404, NOT_FOUND)]),
    ],
    own_codes: OWN_CODES,
};

const NAME: &str = "sandbox.sub_account.invalid_name";
const ACTION: &str = "sandbox.sub_account.invalid_deposit_action";
const DATA: &str = "sandbox.sub_account.invalid_data";
const HAS_MONEY: &str = "sandbox.sub_account.has_money";

const OWN_CODES: &[OwnCode] = &[
    own(
        NAME,
        "422: `account_name` is blank, longer than 100 characters, or has a NUL; no code is documented",
    ),
    own(ACTION, "422: `deposit_action` has none of the documented forms; no code is documented"),
    own(DATA, "422: `data` is not JSON; no code is documented"),
    own(
        HAS_MONEY,
        "422: a sub-account that is to be deleted, or an account below it, has money, also locked money. Nobody \
         could reach it any more; the documents do not say what happens to it",
    ),
];

fn create(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let parent = request.account()?;
    let mut codes = Vec::new();
    let name = request.params.get("account_name").and_then(Value::as_text).unwrap_or_default();
    if name.trim().is_empty() || name.chars().count() > 100 || name.contains('\0') {
        codes.push(NAME);
    }
    let deposit_action = deposit_action::read(request, ACTION, &mut codes).unwrap_or_default();
    let webhook = account_webhook::read_object(request, &mut codes);
    // No answer has it, so it is not kept.
    if !request.params.get("data").is_none_or(is_json) {
        codes.push(DATA);
    }
    Refusal::all(codes)?;
    let name = name.to_owned();
    let made = request.host.command(CreateSubAccount { parent, name, deposit_action, webhook });
    Ok(Reply::created(&view(request, &made)))
}

/// Whether a parameter is JSON: an object, or the text of any JSON.
fn is_json(value: &Value) -> bool {
    match value {
        Value::Object(_) | Value::List(_) => true,
        other => other.as_text().is_some_and(|text| serde_json::from_str::<IgnoredAny>(text).is_ok()),
    }
}

/// The oldest come first; the documents name no order.
fn list(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let account = request.account()?;
    let mut codes = Vec::new();
    let page = Page::read(request.params, &shared_limits(request.profile()), &mut codes);
    Refusal::all(codes)?;
    let found = request.host.people.sub_accounts(account);
    let views = page.of(found.iter().map(|sub_account| view(request, sub_account)));
    Ok(page.headers(Reply::ok(&views), Some(found.len())))
}

fn one(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let found = request.host.people.sub_account(request.account()?, request.path(0));
    Ok(Reply::ok(&view(request, &found.ok_or_else(Refusal::not_found)?)))
}

/// Takes the action as one of two texts, as in the documents' table, and not as the object of the creation.
fn update(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let (parent, uid) = (request.account()?, request.path(0).to_owned());
    if request.host.people.sub_account(parent, &uid).is_none() {
        return Err(Refusal::not_found());
    }
    let deposit_action = match request.params.get("deposit_action") {
        None => None,
        Some(value) => {
            let named = value.as_text().and_then(deposit_action::named);
            Some(named.ok_or_else(|| Refusal::unprocessable(ACTION))?)
        }
    };
    let changed = request.host.command(UpdateSubAccount { parent, uid, deposit_action });
    Ok(Reply::ok(&view(request, &changed.ok_or_else(Refusal::not_found)?)))
}

fn delete(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let (parent, uid) = (request.account()?, request.path(0).to_owned());
    match request.host.command(DeleteSubAccount { parent, uid }) {
        Ok(()) => Ok(Reply::nothing()),
        Err(NotDeleted::Unknown) => Err(Refusal::not_found()),
        Err(NotDeleted::HasMoney) => Err(Refusal::unprocessable(HAS_MONEY)),
    }
}

fn view(request: &ApiRequest<'_>, sub_account: &SubAccount) -> Json {
    let SubAccount { uid, is_deleted, details } = sub_account;
    json!({
        "uid": uid,
        "account_name": details.name,
        "state": if *is_deleted { "deleted" } else { "active" },
        "deposit_action": deposit_action::text_or_object(&details.deposit_action),
        "created_at": iso(details.created_ms, request.profile().zone_hours()),
    })
}

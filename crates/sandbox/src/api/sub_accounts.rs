//! Sub-accounts (the documents' section "Sub-Accounts").

use super::{
    call::{ApiRequest, Theme, route},
    deposit_action,
    params::Value,
};
use crate::{
    base::{
        clock::iso,
        refusal::{OwnCode, Refusal, own},
        reply::Reply,
    },
    exchange::people::sub_accounts::CreateSubAccount,
};
use serde_json::json;

/// The calls of this file.
pub(super) const THEME: Theme = Theme {
    routes: &[route("persona", "POST", "/resource/sub_accounts", create, CODES)],
    own_codes: OWN_CODES,
};

const NAME: &str = "sandbox.sub_account.invalid_name";
const ACTION: &str = "sandbox.sub_account.invalid_deposit_action";

const OWN_CODES: &[OwnCode] = &[
    own(NAME, "422: `account_name` is empty or longer than 100 characters; no code is documented"),
    own(ACTION, "422: `deposit_action` has none of the documented forms; no code is documented"),
];
const CODES: &[&[&str]] = &[&[NAME, ACTION]];

fn create(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let parent = request.account()?;
    let mut codes = Vec::new();
    let name = request.params.get("account_name").and_then(Value::as_text).unwrap_or_default();
    if !(1..=100).contains(&name.chars().count()) {
        codes.push(NAME);
    }
    let action = deposit_action::read(request, ACTION, &mut codes);
    Refusal::all(codes)?;
    let deposit_action = action.unwrap_or_default();
    let made = request.host.command(CreateSubAccount { parent, name: name.to_owned(), deposit_action });
    Ok(Reply::created(&json!({
        "uid": made.uid,
        "account_name": made.name,
        "state": "active",
        "deposit_action": deposit_action::text_or_object(&made.deposit_action),
        "created_at": iso(made.created_ms, request.profile().zone_hours()),
    })))
}

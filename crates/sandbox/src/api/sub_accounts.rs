//! Sub-accounts (the documents' section "Sub-Accounts").

use super::{
    call::{ApiRequest, Theme, route},
    params::Value,
};
use crate::{
    base::{
        clock::iso,
        money,
        refusal::{OwnCode, Refusal, own},
        reply::Reply,
    },
    exchange::people::sub_accounts::CreateSubAccount,
};
use rust_decimal::Decimal;
use serde_json::{Value as Json, json};

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
    let action = match request.params.get("deposit_action") {
        None => Some("none".to_owned()),
        Some(Value::Object(text)) => {
            serde_json::from_str(text).ok().and_then(|action| named(request, &action))
        }
        // The form of the sample in the documents.
        Some(other) => {
            other.as_text().filter(|text| ["none", "transfer_to_parent"].contains(text)).map(str::to_owned)
        }
    };
    if action.is_none() {
        codes.push(ACTION);
    }
    Refusal::all(codes)?;
    let deposit_action = action.unwrap_or_default();
    let made = request.host.command(CreateSubAccount { parent, name: name.to_owned(), deposit_action });
    Ok(Reply::created(&json!({
        "uid": made.uid,
        "account_name": made.name,
        "state": "active",
        "deposit_action": made.deposit_action,
        "created_at": iso(made.created_ms, request.profile().zone_hours()),
    })))
}

/// The name of an action; `None` if a field that it needs is missing.
fn named(request: &ApiRequest<'_>, action: &Json) -> Option<String> {
    let name = action["action"].as_str()?;
    let slippage = &action["max_slippage"];
    let range = Decimal::new(1, 1)..=Decimal::from(10);
    let in_range = match money::parse(&slippage.to_string()) {
        money::Parsed::Exact(percent) => range.contains(&percent),
        _ => slippage.is_null(),
    };
    let has_currency = action["target_currency"].as_str().is_some_and(|code| request.has_currency(code));
    let has_target = action["beneficiary_id"].is_u64() || action["lightning_invoice"].is_string();
    let complete = match name {
        "none" | "aggregate" => true,
        "convert_and_withdraw" | "aggregate_convert_and_withdraw" => has_currency && has_target,
        _ => false,
    };
    (in_range && complete).then(|| name.to_owned())
}

//! Sub-accounts (the documents' section "Sub-Accounts"). They cannot be acted for yet.

use rust_decimal::Decimal;
use serde_json::{Value as Json, json};

use super::ApiRequest;
use super::params::Value;
use super::reply::Reply;
use super::routes::{Route, route};
use crate::clock::iso;
use crate::errors::{self, Refusal};
use crate::{markets, money};

/// The calls of this file.
pub(super) const ROUTES: &[Route] = &[route("persona", "POST", "/resource/sub_accounts", create, CODES)];

const CODES: &[&[&str]] = &[&[errors::SUB_ACCOUNT_NAME, errors::SUB_ACCOUNT_ACTION]];

fn create(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    request.account()?;
    let mut codes = Vec::new();
    let name = request.params.get("account_name").and_then(Value::as_text).unwrap_or_default();
    if !(1..=100).contains(&name.chars().count()) {
        codes.push(errors::SUB_ACCOUNT_NAME);
    }
    let action = match request.params.get("deposit_action") {
        None => Some("none".to_owned()),
        Some(Value::Object(text)) => serde_json::from_str(text).ok().and_then(|action| named(&action)),
        // As the documents' own sample sends it.
        Some(other) => {
            other.as_text().filter(|text| ["none", "transfer_to_parent"].contains(text)).map(str::to_owned)
        }
    };
    if action.is_none() {
        codes.push(errors::SUB_ACCOUNT_ACTION);
    }
    Refusal::all(codes)?;
    let number = request.app.funds().next_id();
    let created_at = iso(request.app.clock.now_ms(), request.app.config.profile.zone_hours());
    Ok(Reply::created(&json!({
        "uid": format!("CCT{}", 9_000_000 + number),
        "account_name": name,
        "state": "active",
        "deposit_action": action,
        "created_at": created_at,
    })))
}

/// The action's name, where it has what it needs.
fn named(action: &Json) -> Option<String> {
    let name = action["action"].as_str()?;
    let slippage = &action["max_slippage"];
    let range = Decimal::new(1, 1)..=Decimal::from(10);
    let in_range = match money::parse(&slippage.to_string()) {
        money::Parsed::Exact(percent) => range.contains(&percent),
        _ => slippage.is_null(),
    };
    let has_currency = action["target_currency"].as_str().and_then(markets::currency).is_some();
    let has_target = action["beneficiary_id"].is_u64() || action["lightning_invoice"].is_string();
    let complete = match name {
        "none" | "aggregate" => true,
        "convert_and_withdraw" | "aggregate_convert_and_withdraw" => has_currency && has_target,
        _ => false,
    };
    (in_range && complete).then(|| name.to_owned())
}

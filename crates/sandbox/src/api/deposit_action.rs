//! The parameter `deposit_action` of several calls ("Deposit Action Options"): read, checked, and written back.

use super::{call::ApiRequest, params::Value};
use crate::{
    base::{
        id::Code,
        money::{self, Parsed},
        number::Number,
    },
    exchange::people::deposit_action::{ActionName, DepositAction},
};
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// The name of [`ActionName::Aggregate`] in a text ("SubAccount").
const TO_PARENT: &str = "transfer_to_parent";

/// Reads the parameter: an object, a text with the object's JSON, or one of the two names that may stand alone. Without the
/// parameter there is no action. A wrong one gives the code.
pub(super) fn read(
    request: &ApiRequest<'_>,
    code: &'static str,
    codes: &mut Vec<&'static str>,
) -> Option<DepositAction> {
    let action = match request.params.get("deposit_action")? {
        Value::Object(text) => of_object(request, text),
        Value::Text(text) if text.trim_start().starts_with('{') => of_object(request, text),
        Value::Text(name) => named(name),
        _ => None,
    };
    if action.is_none() {
        codes.push(code);
    }
    action
}

/// One of the two actions that a text may name.
pub(super) fn named(name: &str) -> Option<DepositAction> {
    match name {
        "none" => Some(DepositAction::default()),
        TO_PARENT => Some(DepositAction { action: ActionName::Aggregate, ..DepositAction::default() }),
        _ => None,
    }
}

/// `None` if a field is wrong, or one that the action needs is missing.
fn of_object(request: &ApiRequest<'_>, text: &str) -> Option<DepositAction> {
    // Not as JSON values: a number must keep its digits.
    let fields: BTreeMap<String, Box<RawValue>> = serde_json::from_str(text).ok()?;
    let field = |name: &str| fields.get(name).map_or(Value::Null, |raw| Value::from_json(raw));
    let action: ActionName = serde_json::from_str(fields.get("action")?.get()).ok()?;
    let target_currency = match field("target_currency") {
        Value::Null => None,
        Value::Text(code) if request.has_currency(&code) => Some(Code::new(&code)?),
        _ => return None,
    };
    let beneficiary_id = match field("beneficiary_id") {
        Value::Null => None,
        Value::Number(id) => Some(id.parse().ok()?),
        _ => return None,
    };
    let lightning_invoice = match field("lightning_invoice") {
        Value::Null => None,
        Value::Text(invoice) if !invoice.trim().is_empty() => Some(invoice),
        _ => return None,
    };
    let slippages = Decimal::new(1, 1)..=Decimal::from(10);
    let max_slippage = decimal(&field("max_slippage"), |percent| slippages.contains(&percent))?;
    let beneficiary_amount = decimal(&field("beneficiary_amount"), |amount| amount > Decimal::ZERO)?;
    let read = DepositAction {
        action,
        target_currency,
        beneficiary_id,
        lightning_invoice,
        max_slippage,
        beneficiary_amount,
    };
    let has_one_target = read.beneficiary_id.is_some() != read.lightning_invoice.is_some();
    let is_complete = !read.action.converts() || (read.target_currency.is_some() && has_one_target);
    is_complete.then_some(read)
}

/// A decimal that may be absent; `None` if it is wrong.
fn decimal(value: &Value, fits: impl Fn(Decimal) -> bool) -> Option<Option<Decimal>> {
    match (value, value.as_decimal()) {
        (Value::Null, _) => Some(None),
        (_, Parsed::Exact(decimal)) if fits(decimal) => Some(Some(decimal)),
        _ => None,
    }
}

/// The object ("Deposit Action Object Structure"). What was not sent is absent.
#[derive(Debug, Serialize)]
pub(super) struct Object<'a> {
    action: ActionName,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_currency: Option<Code>,
    #[serde(skip_serializing_if = "Option::is_none")]
    beneficiary_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lightning_invoice: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_slippage: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    beneficiary_amount: Option<String>,
}

/// As a sub-account shows it.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Short<'a> {
    Text(&'static str),
    Object(Object<'a>),
}

pub(super) fn object(action: &DepositAction) -> Object<'_> {
    Object {
        action: action.action,
        target_currency: action.target_currency,
        beneficiary_id: action.beneficiary_id,
        lightning_invoice: action.lightning_invoice.as_deref(),
        max_slippage: action.max_slippage.map(Number::rest),
        beneficiary_amount: action.beneficiary_amount.map(money::text),
    }
}

/// A text where the documents have one ("SubAccount"), the object for actions that a text cannot tell.
pub(super) fn text_or_object(action: &DepositAction) -> Short<'_> {
    match action.action {
        ActionName::None => Short::Text("none"),
        ActionName::Aggregate => Short::Text(TO_PARENT),
        ActionName::ConvertAndWithdraw | ActionName::AggregateConvertAndWithdraw => {
            Short::Object(object(action))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        api::params::Params, base::config::Config, exchange::market::commands::AddCurrency, host::Host,
    };
    use http::HeaderMap;

    /// What is answered for this body: the object, and the form of a sub-account; empty if it is refused.
    fn answered(host: &Host, body: &str) -> (String, String) {
        let params = Params::read(None, &HeaderMap::new(), body.as_bytes()).unwrap();
        let request = ApiRequest { host, path: Vec::new(), params: &params, account: None, accept: "" };
        let mut codes = Vec::new();
        let Some(action) = read(&request, "wrong", &mut codes) else {
            assert_eq!(codes, ["wrong"], "{body}");
            return Default::default();
        };
        assert!(codes.is_empty());
        let record = serde_json::to_string(&action).unwrap();
        assert_eq!(serde_json::from_str::<DepositAction>(&record).unwrap(), action, "{record}");
        let texts =
            (serde_json::to_string(&object(&action)), serde_json::to_string(&text_or_object(&action)));
        (texts.0.unwrap(), texts.1.unwrap())
    }

    #[test]
    fn everything_that_was_sent_is_kept_and_a_wrong_field_is_refused() {
        let host = Host::new(Config::default(), 1, None);
        for currency in crate::exchange::demo::currencies() {
            host.command(AddCurrency(currency)).unwrap();
        }
        let whole = r#"{"action":"aggregate_convert_and_withdraw","target_currency":"zar","beneficiary_id":456,"max_slippage":0.12345678901234567890,"beneficiary_amount":"99.5"}"#;
        let kept = whole.replace("67890,", "6789,");
        assert_eq!(answered(&host, &format!("{{\"deposit_action\":{whole}}}")), (kept.clone(), kept.clone()));
        let as_text = serde_json::to_string(whole).unwrap();
        assert_eq!(answered(&host, &format!("{{\"deposit_action\":{as_text}}}")).0, kept);
        for (sent, object, short) in [
            (r#""none""#, r#"{"action":"none"}"#, r#""none""#),
            (r#""transfer_to_parent""#, r#"{"action":"aggregate"}"#, r#""transfer_to_parent""#),
            (
                r#"{"action":"aggregate","beneficiary_id":null}"#,
                r#"{"action":"aggregate"}"#,
                r#""transfer_to_parent""#,
            ),
        ] {
            let (whole, brief) = answered(&host, &format!("{{\"deposit_action\":{sent}}}"));
            assert_eq!((whole.as_str(), brief.as_str()), (object, short));
        }
        let to = r#""action":"convert_and_withdraw","target_currency":"zar""#;
        for wrong in [
            r#""aggregate_all""#,
            "5",
            "[]",
            "{}",
            r#"{"action":"burn"}"#,
            r#"{"action":"convert_and_withdraw","beneficiary_id":1}"#,
            &format!("{{{to}}}"),
            &format!(r#"{{{to},"beneficiary_id":"x"}}"#),
            &format!(r#"{{{to},"beneficiary_id":1,"lightning_invoice":"lnbc1"}}"#),
            &format!(r#"{{{to},"lightning_invoice":" "}}"#),
            &format!(r#"{{{},"beneficiary_id":1}}"#, to.replace("zar", "abc")),
            &format!(r#"{{{to},"beneficiary_id":1,"max_slippage":0.09}}"#),
            &format!(r#"{{{to},"beneficiary_id":1,"max_slippage":"10.1"}}"#),
            &format!(r#"{{{to},"beneficiary_id":1,"beneficiary_amount":0}}"#),
        ] {
            assert_eq!(answered(&host, &format!("{{\"deposit_action\":{wrong}}}")).0, "", "{wrong}");
        }
    }
}

//! The calls of the specification.

use serde_norway::Value;
use std::collections::BTreeSet;

/// All calls, in the specification's order.
pub(crate) fn calls(spec: &Value) -> Result<Vec<Call>, String> {
    let mut calls = Vec::new();
    for (path, item) in members(spec, "paths") {
        for (method, node) in item.as_mapping().into_iter().flatten() {
            if let Some(method @ ("get" | "post" | "put" | "patch" | "delete")) = method.as_str() {
                calls.push(Call::read(path, method, node)?);
            }
        }
    }
    Ok(calls)
}

/// The statuses that some call may answer.
pub(crate) fn statuses(spec: &Value) -> BTreeSet<String> {
    let items = members(spec, "paths").flat_map(|(_, item)| item.as_mapping().into_iter().flatten());
    let answers = items.flat_map(|(_, operation)| members(operation, "responses"));
    answers.map(|(status, _)| status.to_owned()).collect()
}

/// A call of the specification.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) tag: String,
    /// The heading in the documents; `-` if only the server family has the call.
    pub(crate) section: String,
    pub(crate) id: String,
    pub(crate) service: String,
    /// In upper case.
    pub(crate) method: String,
    pub(crate) path: String,
    /// The client's type; `-` if only the local exchange has the call.
    pub(crate) sdk: String,
    pub(crate) since: String,
    /// The only version that has the call (`x-only`).
    pub(crate) only: Option<String>,
    pub(crate) signed: bool,
    pub(crate) retried: bool,
    /// Whether it may be sent again with the same nonce (`x-same-key`).
    pub(crate) same_key: bool,
}

impl Call {
    /// Whether the client has it.
    pub(crate) fn is_offered(&self) -> bool {
        self.sdk != "-"
    }

    #[cfg(test)]
    pub(crate) fn example(method: &str, path: &str, sdk: &str, section: &str) -> Self {
        let text = format!(
            "{{ tags: [Things], operationId: a_call, x-service: trade, x-sdk: '{sdk}', x-section: '{section}', x-since: 0.1.0 }}"
        );
        Self::read(path, method, &serde_norway::from_str(&text).unwrap()).unwrap()
    }

    fn read(path: &str, method: &str, node: &Value) -> Result<Self, String> {
        let place = format!("{} {path}", method.to_uppercase());
        let text = |key: &str| {
            let found = node.get(key).and_then(Value::as_str).map(str::to_owned);
            found.ok_or_else(|| format!("{place}: {key} is missing"))
        };
        let tag = node.get("tags").and_then(|tags| tags.get(0)).and_then(Value::as_str);
        let open = node.get("security").and_then(Value::as_sequence).is_some_and(Vec::is_empty);
        let idempotent = node.get("x-idempotent").and_then(Value::as_bool).unwrap_or(false);
        Ok(Self {
            tag: tag.map(str::to_owned).ok_or_else(|| format!("{place}: tags is missing"))?,
            section: text("x-section")?,
            id: text("operationId")?,
            service: text("x-service")?,
            method: method.to_uppercase(),
            path: path.to_owned(),
            sdk: text("x-sdk")?,
            since: text("x-since")?,
            only: text("x-only").ok(),
            signed: !open,
            retried: method == "get" || idempotent,
            same_key: node.get("x-same-key").and_then(Value::as_bool).unwrap_or(false),
        })
    }
}

fn members<'a>(spec: &'a Value, key: &str) -> impl Iterator<Item = (&'a str, &'a Value)> {
    let members = spec.get(key).and_then(Value::as_mapping).into_iter().flatten();
    members.filter_map(|(key, value)| Some((key.as_str()?, value)))
}

//! Checks that values marked `x-sensitive` are not shown and not recorded.

use super::Sent;
use crate::{
    Fault, Finding, Operation, SPEC_FILE, exact,
    schema::{Kind, Schema},
};
use serde_json::Value;

/// Checks that a printed value shows no text that the schema marks as sensitive. `value` is its JSON, `shown` its `Debug`
/// text.
pub fn hidden(schema: &Schema, what: &str, value: &Value, shown: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    walk(schema, value, "", &mut |path, text| {
        if shown.contains(text) {
            findings.push(Finding::new(
                Fault::Shown,
                what,
                format!("Debug shows {path}, which the spec marks x-sensitive"),
                format!("make it a Sensitive<…>, or remove the mark in {SPEC_FILE}"),
            ));
        }
    });
    findings
}

/// The sensitive values of a request, each with its path: of its parameters and of its body.
pub fn secrets(operation: &Operation, sent: &Sent) -> Vec<(String, String)> {
    let mut secrets = Vec::new();
    let mut found = |path: &str, text: &str| secrets.push((path.to_owned(), text.to_owned()));
    for (name, value) in &sent.query {
        let parameter = operation.parameters.iter().find(|parameter| parameter.name == *name);
        if let Some(parameter) = parameter {
            walk(&parameter.schema, &Value::from(value.as_str()), &format!(".{name}"), &mut found);
        }
    }
    if let (Some(schema), Some(body)) = (&operation.body, &sent.body) {
        walk(schema, body, "", &mut found);
    }
    secrets
}

/// Checks that the `Debug` text of a request shows none of its sensitive values.
pub fn request_hidden(operation: &Operation, sent: &Sent, shown: &str) -> Vec<Finding> {
    let secrets = secrets(operation, sent);
    let seen = secrets.iter().filter(|(_, text)| shown.contains(text.as_str()));
    let what = format!("{}: request", operation.id);
    seen.map(|(path, _)| {
        Finding::new(
            Fault::Shown,
            &what,
            format!("Debug shows {path}, which the spec marks x-sensitive"),
            format!("make it a Sensitive<…>, or remove the mark in {SPEC_FILE}"),
        )
    })
    .collect()
}

/// Checks that a recording leaves out the values that the schema marks as sensitive. `hides` says whether the values of a
/// name are left out.
pub fn unrecorded(schema: &Schema, call: &str, hides: &dyn Fn(&str) -> bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    names(schema, "", &mut |name| {
        if !hides(name) {
            findings.push(Finding::new(
                Fault::Shown,
                call,
                format!("a recording shows {name:?}, which the spec marks x-sensitive"),
                format!("add it to secrets(\"…\") in the call's line, or remove the mark in {SPEC_FILE}"),
            ));
        }
    });
    findings
}

/// Calls `found` with the name of each sensitive value: its own, or the one of the list or map that it is in.
fn names(schema: &Schema, name: &str, found: &mut dyn FnMut(&str)) {
    if schema.sensitive {
        return found(name);
    }
    match &schema.kind {
        Kind::Object(object) => {
            for property in &object.properties {
                property.names().for_each(|name| names(&property.schema, name, found));
            }
        }
        Kind::List(items) | Kind::Map { values: items, .. } => names(items, name, found),
        Kind::Tuple(places) => places.iter().for_each(|place| names(place, name, found)),
        _ => {}
    }
}

/// Calls `found` with each sensitive text and its path.
fn walk(schema: &Schema, value: &Value, path: &str, found: &mut dyn FnMut(&str, &str)) {
    if schema.sensitive {
        return leaves(value, path, found);
    }
    match (&schema.kind, value) {
        (Kind::Object(object), Value::Object(map)) => {
            for (key, value) in map {
                if let Some(property) = object.property(key) {
                    walk(&property.schema, value, &format!("{path}.{key}"), found);
                }
            }
        }
        (Kind::Map { values, .. }, Value::Object(map)) => {
            map.iter().for_each(|(key, value)| walk(values, value, &format!("{path}.{key}"), found));
        }
        (Kind::List(items) | Kind::Map { values: items, .. }, Value::Array(list)) => {
            list.iter().for_each(|row| walk(items, row, &format!("{path}[]"), found));
        }
        _ => {}
    }
}

/// Calls `found` with each text and number in a sensitive value.
fn leaves(value: &Value, path: &str, found: &mut dyn FnMut(&str, &str)) {
    match value {
        Value::Object(map) => {
            map.iter().for_each(|(key, value)| leaves(value, &format!("{path}.{key}"), found));
        }
        Value::Array(list) => list.iter().for_each(|item| leaves(item, &format!("{path}[]"), found)),
        // A text of one or two characters could appear by chance.
        leaf => {
            if let Some(text) = exact::text(leaf).filter(|text| text.len() > 2) {
                found(path, &text);
            }
        }
    }
}

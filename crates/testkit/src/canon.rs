//! Canonical forms: two documents have the same meaning if their canonical forms are equal.

use crate::{
    exact,
    schema::{Kind, Object, Property, Schema},
};
use serde_json::{Map, Value};

/// What to do with keys that the schema does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strangers {
    /// They are left out, because a client drops unknown keys.
    Drop,
    /// They are kept, to find keys that a client made up.
    Keep,
}

/// The canonical form of a value under a schema. A value that does not match the schema is not changed.
pub(crate) fn canonical(schema: &Schema, value: &Value, strangers: Strangers) -> Value {
    let by_text = |spelling: fn(&str) -> Option<String>| {
        exact::text(value).and_then(|text| spelling(&text)).map_or_else(|| value.clone(), Value::String)
    };
    match &schema.kind {
        Kind::OpenEnum(known) if schema.any_case => {
            let is_it = |text: &&String| value.as_str().is_some_and(|value| text.eq_ignore_ascii_case(value));
            known.iter().find(is_it).map_or_else(|| value.clone(), |known| Value::String(known.clone()))
        }
        Kind::Any | Kind::Text | Kind::OpenEnum(_) => value.clone(),
        Kind::Flag => match value.as_str() {
            Some("true") => Value::Bool(true),
            Some("false") => Value::Bool(false),
            _ => value.clone(),
        },
        Kind::Decimal { empty: Some(empty) } if value == "" => Value::String(empty.clone()),
        Kind::Integer | Kind::Decimal { .. } => by_text(exact::decimal),
        Kind::Time(_) => by_text(|text| exact::instant(text).map(|millis| format!("{millis} ms"))),
        Kind::Id { .. } => exact::text(value).map_or_else(|| value.clone(), Value::String),
        Kind::Object(object) => match value {
            Value::Object(map) => canonical_object(object, map, strangers),
            Value::Array(list) if object.or_list => match list.as_slice() {
                [Value::Object(map)] => canonical_object(object, map, strangers),
                _ => value.clone(),
            },
            _ => value.clone(),
        },
        Kind::Map { values, or_list } => match value {
            Value::Object(map) => {
                map.iter().map(|(k, v)| (k.clone(), canonical(values, v, strangers))).collect()
            }
            Value::Array(list) if *or_list && list.is_empty() => Value::Object(Map::new()),
            Value::Array(list) if *or_list => list.iter().map(|v| canonical(values, v, strangers)).collect(),
            _ => value.clone(),
        },
        Kind::List(items) => match value.as_array() {
            Some(list) => list.iter().map(|item| canonical(items, item, strangers)).collect(),
            None => value.clone(),
        },
        Kind::Tuple(places) => match value.as_array() {
            Some(list) => {
                let mut places = places.iter();
                let each = |item| {
                    places.next().map_or_else(|| Value::clone(item), |p| canonical(p, item, strangers))
                };
                list.iter().map(each).collect()
            }
            None => value.clone(),
        },
    }
}

fn canonical_object(object: &Object, map: &Map<String, Value>, strangers: Strangers) -> Value {
    let mut out = Map::new();
    for (key, value) in map {
        match object.property(key) {
            Some(property) => {
                if let Some(value) = canonical_property(property, value, strangers) {
                    out.insert(property.name.clone(), value);
                }
            }
            None if object.open => {
                out.insert(key.clone(), value.clone());
            }
            None if object.ignored.contains(key) || strangers == Strangers::Drop || value.is_null() => {}
            None => {
                out.insert(key.clone(), value.clone());
            }
        }
    }
    Value::Object(out)
}

/// The canonical form of a property; `None` if it means the same as an absent one.
fn canonical_property(property: &Property, value: &Value, strangers: Strangers) -> Option<Value> {
    if value.is_null() && !property.required {
        return None;
    }
    let many = match &property.schema.kind {
        Kind::List(items) if property.one_or_many && is_bare_item(items, value) => {
            Value::Array(vec![value.clone()])
        }
        _ => value.clone(),
    };
    let value = canonical(&property.schema, &many, strangers);
    let is_empty_list = value.as_array().is_some_and(Vec::is_empty);
    (property.required || !is_empty_list).then_some(value)
}

/// Whether a value is one item rather than a list of them.
pub(crate) fn is_bare_item(items: &Schema, value: &Value) -> bool {
    match (&items.kind, value) {
        (Kind::Tuple(_), Value::Array(list)) => list.first().is_some_and(|first| !first.is_array()),
        (_, value) => !value.is_array(),
    }
}

/// The differences of two canonical documents: place, expected value, actual value.
pub(crate) fn differences(expected: &Value, got: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare(expected, got, "", &mut found);
    found
}

fn compare(expected: &Value, got: &Value, place: &str, found: &mut Vec<String>) {
    let shown = if place.is_empty() { "the whole" } else { place };
    match (expected, got) {
        (Value::Object(left), Value::Object(right)) => {
            for (key, value) in left {
                match right.get(key) {
                    Some(other) => compare(value, other, &format!("{place}/{key}"), found),
                    None => found.push(format!("{place}/{key} ({value}) was lost")),
                }
            }
            let made_up = right.iter().filter(|(key, _)| !left.contains_key(*key));
            found.extend(made_up.map(|(key, value)| format!("{place}/{key} ({value}) was made up")));
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            for (index, (value, other)) in left.iter().zip(right).enumerate() {
                compare(value, other, &format!("{place}/{index}"), found);
            }
        }
        _ if expected != got => {
            found.push(format!("{shown} was {expected} and came back as {got}"));
        }
        _ => {}
    }
}

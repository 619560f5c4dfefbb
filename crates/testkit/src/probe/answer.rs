//! Checks the answers of a server against the spec: statuses, codes, and bodies field by field.

use crate::{
    Fault, Finding, Operation, SPEC_FILE, Spec,
    canon::is_bare_item,
    exact,
    probe::operation,
    schema::{Kind, Object, Only, Schema, Unit},
};
use serde_json::Value;

/// Checks the body that a server of the current environment sends with a successful status.
///
/// Each field must be in the spec and have its form, and required fields must be there. No list may be empty, and at least
/// one row of each list must have every field of the spec, because otherwise the check proves nothing. So first make the
/// server have such rows.
pub fn answer<'a>(
    spec: &Spec,
    call: &str,
    status: u16,
    headers: impl IntoIterator<Item = &'a str>,
    body: &[u8],
) -> Vec<Finding> {
    let operation = match operation(spec, call) {
        Ok(operation) => operation,
        Err(findings) => return findings,
    };
    let mut check = Check { operation, findings: Vec::new() };
    let Some(known) = operation.answer(status).filter(|_| (200..300).contains(&status)) else {
        let allowed: Vec<u16> = operation.answers.iter().map(|answer| answer.status).collect();
        check.report(Fault::WrongAnswer, "", format!("the status is {status}; the spec knows {allowed:?}"));
        return check.findings;
    };
    let sent: Vec<String> = headers.into_iter().map(str::to_lowercase).collect();
    for header in known.headers.iter().filter(|header| !sent.contains(&header.to_lowercase())) {
        check.report(Fault::WrongAnswer, "", format!("the header {header} is missing"));
    }
    let Some(schema) = &known.schema else { return check.findings };
    match serde_json::from_slice(body) {
        Err(error) => check.report(Fault::WrongAnswer, "", format!("the body is not JSON: {error}")),
        Ok(value) => {
            for Misfit { path, problem } in misfits(schema, &value) {
                check.report(Fault::WrongAnswer, &path, problem);
            }
            if let Some(Lack { path, problem }) = lacks(schema, &value, "") {
                check.report(Fault::ProvesNothing, &path, problem);
            }
        }
    }
    check.findings
}

/// Checks several answers to one call, each a status and a body: for a call of which no single answer can have every field. Each
/// answer must be as the spec has it, and all of them together must have every field. A redirect of the spec has no body to check.
pub fn answers(spec: &Spec, call: &str, answers: &[(u16, &[u8])]) -> Vec<Finding> {
    let operation = match operation(spec, call) {
        Ok(operation) => operation,
        Err(findings) => return findings,
    };
    let mut check = Check { operation, findings: Vec::new() };
    let mut together: Option<(&Schema, Value)> = None;
    for (status, body) in answers {
        let Some(known) = operation.answer(*status).filter(|_| (200..400).contains(status)) else {
            check.report(
                Fault::WrongAnswer,
                "",
                format!("the status is {status}, which the spec does not know"),
            );
            continue;
        };
        let Some(schema) = &known.schema else { continue };
        match serde_json::from_slice(body) {
            Err(error) => check.report(Fault::WrongAnswer, "", format!("the body is not JSON: {error}")),
            Ok(value) => {
                for Misfit { path, problem } in misfits(schema, &value) {
                    check.report(Fault::WrongAnswer, &path, problem);
                }
                together = Some((
                    schema,
                    match together.take() {
                        Some((_, all)) => joined(all, value),
                        None => value,
                    },
                ));
            }
        }
    }
    if answers.is_empty() {
        check.report(Fault::ProvesNothing, "", "there is no answer to check".to_owned());
    }
    if let Some((schema, value)) = together
        && let Some(Lack { path, problem }) = lacks(schema, &value, "")
    {
        check.report(Fault::ProvesNothing, &path, problem);
    }
    check.findings
}

/// Both values in one: the fields of both, the rows of both.
fn joined(one: Value, other: Value) -> Value {
    match (one, other) {
        (Value::Object(mut one), Value::Object(other)) => {
            for (key, value) in other {
                let value = match one.remove(&key) {
                    Some(known) => joined(known, value),
                    None => value,
                };
                one.insert(key, value);
            }
            Value::Object(one)
        }
        (Value::Array(mut one), Value::Array(other)) => {
            one.extend(other);
            Value::Array(one)
        }
        (Value::Null, other) => other,
        (one, _) => one,
    }
}

/// Checks that the spec has every code that a server may answer a call with, under its status.
pub fn codes(spec: &Spec, call: &str, codes: impl IntoIterator<Item = (u16, &'static str)>) -> Vec<Finding> {
    let operation = match operation(spec, call) {
        Ok(operation) => operation,
        Err(findings) => return findings,
    };
    let unknown = codes.into_iter().filter(|(status, code)| {
        !operation.answer(*status).is_some_and(|answer| answer.codes.iter().any(|known| known == code))
    });
    unknown
        .map(|(status, code)| {
            Finding::new(
                Fault::WrongAnswer,
                call,
                format!("the code {code} of status {status} is not in the spec"),
                format!("add it to the x-codes of {call} in {SPEC_FILE}, or take it from the server"),
            )
        })
        .collect()
}

/// Checks that each call in the spec has the statuses `any` for refusals, and the statuses `signed` too if it is signed.
pub fn statuses(spec: &Spec, any: &[u16], signed: &[u16]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for call in &spec.operations {
        let wanted = any.iter().chain(signed.iter().filter(|_| call.signed));
        for status in wanted.filter(|status| call.answer(**status).is_none()) {
            findings.push(Finding::new(
                Fault::NotInSpec,
                call.id.clone(),
                format!("the spec does not say what a {status} means"),
                format!("add the shared response of {status} to {} in {SPEC_FILE}", call.id),
            ));
        }
    }
    findings
}

struct Check<'a> {
    operation: &'a Operation,
    findings: Vec<Finding>,
}

impl Check<'_> {
    fn report(&mut self, fault: Fault, path: &str, problem: String) {
        let id = &self.operation.id;
        let place =
            format!("{id}: answer{}", if path.is_empty() { String::new() } else { format!(" at {path}") });
        let remedy = match fault {
            Fault::ProvesNothing => {
                format!("let the test of {id} first give the server a row with every field")
            }
            _ => format!("correct what the server sends, or the answer of {id} in {SPEC_FILE}"),
        };
        self.findings.push(Finding::new(fault, place, problem, remedy));
    }
}

/// A part of a value that does not match the schema.
pub(crate) struct Misfit {
    pub(crate) path: String,
    pub(crate) problem: String,
}

/// Everything in a value that a server of the current environment may not send.
pub(crate) fn misfits(schema: &Schema, value: &Value) -> Vec<Misfit> {
    let mut found = Vec::new();
    form(schema, value, "", &mut found);
    found
}

fn form(schema: &Schema, value: &Value, path: &str, found: &mut Vec<Misfit>) {
    if value.is_null() && schema.nullable {
        return;
    }
    let mut report = |path: &str, problem: String| found.push(Misfit { path: path.to_owned(), problem });
    if let Some(wanted) = misfit(schema, value) {
        report(path, format!("{} is sent, the spec requires {wanted}", shown(value)));
        return;
    }
    match (&schema.kind, value) {
        (Kind::Object(object), Value::Object(map)) => {
            for property in object.properties.iter().filter(|property| property.required) {
                if !property.names().any(|name| map.contains_key(name)) {
                    report(&format!("{path}.{}", property.name), "it is required and missing".to_owned());
                }
            }
            for (key, value) in map {
                let path = format!("{path}.{key}");
                match object.property(key) {
                    Some(property) => match &property.schema.kind {
                        Kind::List(items) if property.one_or_many && is_bare_item(items, value) => {
                            form(items, value, &path, found);
                        }
                        _ => form(&property.schema, value, &path, found),
                    },
                    None if object.open || object.ignored.contains(key) => {}
                    None => found.push(Misfit { path, problem: "the spec does not know it".to_owned() }),
                }
            }
        }
        (Kind::Map { values, .. }, Value::Object(map)) => {
            map.iter().for_each(|(key, value)| form(values, value, &format!("{path}.{key}"), found));
        }
        (Kind::List(items) | Kind::Map { values: items, .. }, Value::Array(list)) => {
            let rows = list.iter().enumerate();
            rows.for_each(|(index, row)| form(items, row, &format!("{path}[{index}]"), found));
        }
        (Kind::Tuple(places), Value::Array(list)) => {
            let each = places.iter().zip(list).enumerate();
            each.for_each(|(index, (place, value))| form(place, value, &format!("{path}[{index}]"), found));
        }
        _ => {}
    }
}

/// The start of a value, for a message.
fn shown(value: &Value) -> String {
    value.to_string().chars().take(60).collect()
}

/// What the spec requires, if a sent value does not have this form.
fn misfit(schema: &Schema, value: &Value) -> Option<&'static str> {
    let text = exact::text(value);
    let written = match value {
        Value::String(_) => schema.as_text,
        Value::Number(_) => schema.as_number,
        _ => false,
    };
    let whole = text.as_deref().and_then(|text| text.parse::<i64>().ok());
    let in_time =
        |range: std::ops::Range<i64>| written && whole.is_some_and(|number| range.contains(&number));
    const MILLISECONDS: i64 = 100_000_000_000;
    let (fits, wanted) = match &schema.kind {
        Kind::Decimal { empty } => {
            let number = text.as_deref().and_then(exact::decimal).is_some();
            (written && (number || (empty.is_some() && value == "")), "a decimal")
        }
        Kind::Time(Unit::Iso) => (written && text.as_deref().and_then(exact::instant).is_some(), "ISO 8601"),
        Kind::Time(Unit::Seconds) => (in_time(0..MILLISECONDS), "Unix seconds"),
        Kind::Time(Unit::Milliseconds) => (in_time(MILLISECONDS..i64::MAX), "Unix milliseconds"),
        Kind::Integer => (written && whole.is_some(), "a whole number"),
        Kind::Id { number } => {
            (written && text.is_some_and(|text| !text.is_empty() && (!number || whole.is_some())), "an id")
        }
        Kind::OpenEnum(known) => (
            text.is_some_and(|text| {
                let is_it =
                    |known: &String| *known == text || (schema.any_case && known.eq_ignore_ascii_case(&text));
                value.is_string() && known.iter().any(is_it)
            }),
            "one of its known values (add a new one to x-open-enum)",
        ),
        Kind::Text => match &schema.constant {
            Some(constant) => (value == constant, "its only value"),
            None => (value.is_string(), "text"),
        },
        Kind::Flag => {
            (value.is_boolean() || (schema.as_text && (value == "true" || value == "false")), "true or false")
        }
        Kind::Object(_) => (value.is_object(), "an object"),
        Kind::Map { or_list, .. } => (value.is_object() || (*or_list && value.is_array()), "an object"),
        Kind::List(_) => (value.is_array(), "a list"),
        Kind::Tuple(places) => {
            (value.as_array().is_some_and(|list| list.len() >= places.len()), "a list with as many places")
        }
        Kind::Any => (true, "anything"),
    };
    (!fits).then_some(wanted)
}

/// Why a value is not complete: a field without a value, or a list without a full row.
struct Lack {
    path: String,
    problem: String,
}

impl Lack {
    fn at(path: impl Into<String>, problem: &str) -> Option<Self> {
        Some(Self { path: path.into(), problem: problem.to_owned() })
    }
}

fn lacks(schema: &Schema, value: &Value, path: &str) -> Option<Lack> {
    match (&schema.kind, value) {
        (_, Value::Null) => Lack::at(path, "it is null"),
        (Kind::Object(object), Value::Object(map)) => lacking_field(object, map, path),
        (Kind::Map { values, .. }, Value::Object(map)) => {
            let mut rows = map.iter().map(|(key, value)| lacks(values, value, &format!("{path}.{key}")));
            first_unless_any_is_full(&mut rows, path)
        }
        (Kind::List(items) | Kind::Map { values: items, .. }, Value::Array(list)) => {
            let rows = list.iter().enumerate();
            let mut rows = rows.map(|(index, row)| lacks(items, row, &format!("{path}[{index}]")));
            first_unless_any_is_full(&mut rows, path)
        }
        _ => None,
    }
}

fn lacking_field(object: &Object, map: &serde_json::Map<String, Value>, path: &str) -> Option<Lack> {
    let mut here = object.properties.iter().filter(|p| !p.sometimes && p.only != Some(Only::Legacy));
    here.find_map(|property| {
        let path = format!("{path}.{}", property.name);
        match property.names().find_map(|name| map.get(name)) {
            Some(value) => lacks(&property.schema, value, &path),
            None => Lack::at(path, "it is missing in every row"),
        }
    })
}

fn first_unless_any_is_full(rows: &mut dyn Iterator<Item = Option<Lack>>, path: &str) -> Option<Lack> {
    let mut first = None;
    for row in rows {
        match row {
            None => return None,
            Some(lack) => first = first.or(Some(lack)),
        }
    }
    first.or_else(|| Lack::at(path, "the list is empty"))
}

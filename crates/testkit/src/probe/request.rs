//! Checks what a call sends.

use crate::{
    Fault, Finding, Fixtures, Operation, SPEC_FILE, Spec,
    canon::{Strangers, canonical, differences},
    exact,
    probe::operation,
    schema::{Kind, Object, Only, Schema, Unit},
    spec::Place,
};
use serde_json::Value;
use std::collections::BTreeSet;

/// A request as the transport was asked to send it.
#[derive(Debug, Clone, PartialEq)]
pub struct Sent {
    /// The HTTP method, in upper case.
    pub method: String,
    /// The service's name in the spec.
    pub service: String,
    /// The filled path without version prefix: `/market/orders/7/cancel`.
    pub path: String,
    /// The query, decoded.
    pub query: Vec<(String, String)>,
    /// The body.
    pub body: Option<Value>,
}

/// Checks two samples of a call: the smallest must have exactly the required keys, the fullest exactly all keys. Each key
/// must have the place and the form of the spec.
pub fn request(spec: &Spec, call: &str, smallest: &Sent, fullest: &Sent) -> Vec<Finding> {
    let operation = match operation(spec, call) {
        Ok(operation) => operation,
        Err(findings) => return findings,
    };
    let mut check = Check::new(operation);
    check.sample("smallest", smallest, &check.form_of(smallest), Some);
    check.sample("fullest", fullest, &check.body(), |_| Some(true));
    for (one, other) in alternatives(operation) {
        let has = |sample: &Sent, name: &str| sample.query.iter().any(|(key, _)| key == name);
        let unseen = [one, other].into_iter().find(|name| !has(smallest, name) && !has(fullest, name));
        if let Some(name) = unseen {
            check.report("each", Fault::MissingKey, format!("no sample sends '{name}'"));
        }
    }
    check.findings
}

/// Checks a further sample of a call whose body has several forms: it has the required keys of its own form, and no key of
/// another one.
pub fn request_form(spec: &Spec, call: &str, sent: &Sent) -> Vec<Finding> {
    let operation = match operation(spec, call) {
        Ok(operation) => operation,
        Err(findings) => return findings,
    };
    let mut check = Check::new(operation);
    if check.body().forms.is_some() {
        check.sample("further", sent, &check.form_of(sent), |required| required.then_some(true));
    }
    check.findings
}

/// Checks the sample of a call with parameters that only the older environment has: it must have exactly the keys of that
/// environment. A call without such parameters needs no sample.
pub fn older_request(spec: &Spec, call: &str, older: Option<&Sent>) -> Vec<Finding> {
    let operation = match operation(spec, call) {
        Ok(operation) => operation,
        Err(findings) => return findings,
    };
    let mut check = Check { elsewhere: Only::Current, ..Check::new(operation) };
    let body = check.body();
    let marks = operation.parameters.iter().map(|parameter| parameter.only);
    let mut marks = marks.chain(body.properties.iter().map(|property| property.only));
    let has_own = operation.only.is_none() && marks.any(|only| only == Some(Only::Legacy));
    match older {
        Some(older) => check.sample("older", older, &check.body(), |_| Some(true)),
        None if has_own => {
            let problem = "it has parameters of the older environment, and no sample with them";
            check.report("older", Fault::MissingKey, problem.to_owned());
        }
        None => {}
    }
    check.findings
}

/// Pairs of parameters of the query of which exactly one is sent.
fn alternatives(operation: &Operation) -> impl Iterator<Item = (&str, &str)> {
    let parameters = operation.parameters.iter();
    parameters.filter_map(|parameter| Some((parameter.instead_of.as_deref()?, parameter.name.as_str())))
}

/// Checks a sample of another form of a call: it may leave out required keys, but must not have keys that are not in the
/// spec.
pub fn part_of(spec: &Spec, call: &str, sent: &Sent) -> Vec<Finding> {
    let operation = match operation(spec, call) {
        Ok(operation) => operation,
        Err(findings) => return findings,
    };
    let mut check = Check::new(operation);
    check.sample("partial", sent, &check.body(), |_| Some(true));
    check.findings.retain(|finding| finding.fault != Fault::MissingKey);
    check.findings
}

/// Compares a sent body with a request fixture of the call: decimals by value, everything else exactly.
pub fn request_fixture(
    spec: &Spec,
    fixtures: &Fixtures,
    call: &str,
    name: &str,
    sent: &Sent,
) -> Vec<Finding> {
    let operation = match operation(spec, call) {
        Ok(operation) => operation,
        Err(findings) => return findings,
    };
    let place = format!("{call}: fixture {name}");
    let remedy = format!("fix the request {}, or crates/testkit/fixtures/{call}/{name}.json", operation.sdk);
    let report = |fault, problem: String| vec![Finding::new(fault, place.clone(), problem, remedy.clone())];
    let Some(fixture) = fixtures.get(call, name) else {
        return report(Fault::NoFixture, "there is no such fixture".to_owned());
    };
    let (schema, expected) = match (&operation.body, fixture.json()) {
        (Some(schema), Ok(expected)) => (schema, expected),
        (None, _) => return report(Fault::NotInSpec, "the spec gives the call no body".to_owned()),
        (_, Err(error)) => return report(Fault::NoFixture, error),
    };
    let Some(body) = &sent.body else {
        return report(Fault::MissingKey, "the request has no body".to_owned());
    };
    let same = |value| canonical(schema, value, Strangers::Keep);
    let found = differences(&same(&expected), &same(body));
    found.into_iter().flat_map(|difference| report(Fault::Changed, difference)).collect()
}

/// The parameter that may be sent instead of this one.
fn alternative<'a>(operation: &'a Operation, name: &str) -> Option<&'a str> {
    alternatives(operation).find_map(|(one, other)| match name {
        _ if name == one => Some(other),
        _ if name == other => Some(one),
        _ => None,
    })
}

struct Check<'a> {
    operation: &'a Operation,
    /// The environment that the request is not for: a parameter that only this one has must not be sent.
    elsewhere: Only,
    findings: Vec<Finding>,
}

impl<'a> Check<'a> {
    /// A check for the environment that has the call; that is the current one if both have it.
    fn new(operation: &'a Operation) -> Self {
        let elsewhere = match operation.only {
            Some(Only::Legacy) => Only::Current,
            Some(Only::Current) | None => Only::Legacy,
        };
        Self { operation, elsewhere, findings: Vec::new() }
    }

    /// The body, with the properties of all its forms.
    fn body(&self) -> Object {
        match self.operation.body.as_ref().map(|body| &body.kind) {
            Some(Kind::Object(object)) => object.clone(),
            _ => Object::default(),
        }
    }

    /// The body's form that this request has.
    fn form_of(&self, sent: &Sent) -> Object {
        self.body().form_of(sent.body.as_ref()).clone()
    }

    fn report(&mut self, sample: &str, fault: Fault, problem: String) {
        let Operation { id, sdk, .. } = self.operation;
        let remedy = format!("fix {sdk} or its {sample} sample, or the entry of {id} in {SPEC_FILE}");
        self.findings.push(Finding::new(fault, format!("{id}: {sample} sample"), problem, remedy));
    }

    /// `wanted` says of a required and of an optional key whether it must be there; `None` if both is right.
    fn sample(&mut self, sample: &str, sent: &Sent, object: &Object, wanted: impl Fn(bool) -> Option<bool>) {
        let call = self.operation;
        if (&sent.method, &sent.service) != (&call.method, &call.service) {
            let problem = format!(
                "goes to {} of {}, the spec says {} of {}",
                sent.method, sent.service, call.method, call.service
            );
            self.report(sample, Fault::WrongTarget, problem);
        }
        let last = call.parameters.iter().find(|parameter| parameter.may_be_left_out);
        let shorter = last.and_then(|last| call.path.strip_suffix(&format!("/{{{}}}", last.name)));
        if !fills(&call.path, &sent.path) && !shorter.is_some_and(|path| fills(path, &sent.path)) {
            let problem = format!("the path {} does not fill {}", sent.path, call.path);
            self.report(sample, Fault::WrongTarget, problem);
        }

        let is_sent = |name: &str| sent.query.iter().any(|(key, _)| key == name);
        for (one, other) in alternatives(call).filter(|(one, other)| is_sent(one) && is_sent(other)) {
            let problem = format!("'{one}' and '{other}' are both in the query, and one replaces the other");
            self.report(sample, Fault::StrangeKey, problem);
        }
        // Of two alternatives, the one that is sent is required, and the other one is not.
        let in_query: Vec<(&str, bool, &Schema)> = call
            .parameters
            .iter()
            .filter(|parameter| parameter.place == Place::Query && parameter.only != Some(self.elsewhere))
            .filter(|parameter| {
                is_sent(&parameter.name) || !alternative(call, &parameter.name).is_some_and(is_sent)
            })
            .map(|parameter| {
                let required = parameter.required || alternative(call, &parameter.name).is_some();
                (parameter.name.as_str(), required, &parameter.schema)
            })
            .collect();
        let in_body: Vec<(&str, bool, &Schema)> = object
            .properties
            .iter()
            .filter(|property| property.only != Some(self.elsewhere))
            .map(|property| (property.name.as_str(), property.required, &property.schema))
            .collect();

        // `state[]=wait&state[]=done` is the parameter `state`.
        let query: Vec<(&str, Value)> = sent
            .query
            .iter()
            .map(|(key, value)| (key.strip_suffix("[]").unwrap_or(key), Value::from(value.as_str())))
            .collect();
        let body: Vec<(&str, Value)> = match &sent.body {
            None => Vec::new(),
            Some(Value::Object(map)) => {
                map.iter().map(|(key, value)| (key.as_str(), value.clone())).collect()
            }
            Some(other) => {
                self.report(sample, Fault::WrongForm, format!("the body is not an object: {other}"));
                Vec::new()
            }
        };
        self.keys(sample, "query", &in_query, &query, "body", &in_body, &wanted);
        self.keys(sample, "body", &in_body, &body, "query", &in_query, &wanted);
        self.forms(sample, "query", &in_query, &query);
        self.forms(sample, "body", &in_body, &body);
    }

    #[allow(clippy::too_many_arguments, reason = "one place, and the other for the message")]
    fn keys(
        &mut self,
        sample: &str,
        place: &str,
        known: &[(&str, bool, &Schema)],
        got: &[(&str, Value)],
        other_place: &str,
        elsewhere: &[(&str, bool, &Schema)],
        wanted: &impl Fn(bool) -> Option<bool>,
    ) {
        let got: BTreeSet<&str> = got.iter().map(|(key, _)| *key).collect();
        for (key, required, _) in known {
            match (wanted(*required), got.contains(key)) {
                (Some(true), false) => {
                    self.report(sample, Fault::MissingKey, format!("'{key}' is missing in the {place}"));
                }
                (Some(false), true) => {
                    let problem = format!("'{key}' is in the {place} though it is optional");
                    self.report(sample, Fault::StrangeKey, problem);
                }
                _ => {}
            }
        }
        for key in got.into_iter().filter(|key| !known.iter().any(|(name, _, _)| name == key)) {
            if elsewhere.iter().any(|(name, _, _)| *name == key) {
                let problem = format!("'{key}' is in the {place} and belongs in the {other_place}");
                self.report(sample, Fault::WrongPlace, problem);
            } else {
                let problem = format!("'{key}' is in the {place}, and the spec does not know it");
                self.report(sample, Fault::StrangeKey, problem);
            }
        }
    }

    fn forms(&mut self, sample: &str, place: &str, known: &[(&str, bool, &Schema)], got: &[(&str, Value)]) {
        for (key, value) in got {
            let Some((_, _, schema)) = known.iter().find(|(name, _, _)| name == key) else { continue };
            self.form(sample, key, schema, value, place == "query");
        }
    }

    /// Checks a value and everything inside it: each key is known, required keys are there, each value has its form.
    fn form(&mut self, sample: &str, path: &str, schema: &Schema, value: &Value, in_query: bool) {
        if let Some(wanted) = misfit(schema, value, in_query) {
            let problem = format!("'{path}' is {value}, and the spec requires {wanted}");
            return self.report(sample, Fault::WrongForm, problem);
        }
        let number = exact::text(value).and_then(|text| text.parse::<i64>().ok());
        if let (Some(number), Some(maximum)) = (number, schema.maximum)
            && number != maximum
        {
            // A sample must send the maximum, to show that the client has the same maximum as the spec.
            let problem = format!("'{path}' is {number}; a sample must send the maximum, {maximum}");
            self.report(sample, Fault::WrongForm, problem);
        }
        if let Some(number) =
            number.filter(|number| !schema.numbers.is_empty() && !schema.numbers.contains(number))
        {
            let problem = format!("'{path}' is {number}, and the spec allows {:?}", schema.numbers);
            self.report(sample, Fault::WrongForm, problem);
        }
        match (&schema.kind, value) {
            (Kind::Object(object), Value::Object(map)) => {
                for (key, value) in map {
                    let path = format!("{path}.{key}");
                    match object.property(key) {
                        Some(property) => self.form(sample, &path, &property.schema, value, false),
                        None => {
                            let problem = format!("'{path}' is in the body, and the spec does not know it");
                            self.report(sample, Fault::StrangeKey, problem);
                        }
                    }
                }
                for property in object.properties.iter().filter(|property| property.required) {
                    if !map.contains_key(&property.name) {
                        let problem = format!("'{path}.{}' is missing in the body", property.name);
                        self.report(sample, Fault::MissingKey, problem);
                    }
                }
            }
            (Kind::List(items), Value::Array(list)) => {
                for (index, value) in list.iter().enumerate() {
                    self.form(sample, &format!("{path}[{index}]"), items, value, false);
                }
            }
            (Kind::Map { values, .. }, Value::Object(map)) => {
                for (key, value) in map {
                    self.form(sample, &format!("{path}.{key}"), values, value, false);
                }
            }
            _ => {}
        }
    }
}

/// Whether a filled path matches a template, part by part.
fn fills(template: &str, path: &str) -> bool {
    let (template, path): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
    let fits = |(template, part): (&&str, &&str)| {
        if template.starts_with('{') { !part.is_empty() && !part.starts_with('{') } else { template == part }
    };
    template.len() == path.len() && template.iter().zip(&path).all(fits)
}

/// What the schema requires, if a sent value does not have this form. All query values are text on the wire.
fn misfit(schema: &Schema, value: &Value, in_query: bool) -> Option<&'static str> {
    let text = exact::text(value);
    let is_text = value.is_string();
    let digits = text.as_deref().and_then(|text| text.parse::<i64>().ok());
    let (fits, wanted) = match &schema.kind {
        Kind::Decimal { .. } => (
            text.as_deref().and_then(exact::decimal).is_some() && (in_query || is_text || schema.as_number),
            "a decimal, as text",
        ),
        Kind::Time(Unit::Milliseconds) => (digits.is_some_and(|d| d > 100_000_000_000), "Unix milliseconds"),
        Kind::Time(Unit::Seconds) => {
            (digits.is_some_and(|d| (1..100_000_000_000).contains(&d)), "Unix seconds")
        }
        Kind::Time(Unit::Iso) => {
            let iso = is_text && digits.is_none() && text.as_deref().and_then(exact::instant).is_some();
            (iso, "ISO 8601")
        }
        Kind::Integer => (digits.is_some() && (in_query || !is_text), "a whole number"),
        Kind::Flag => {
            (value.is_boolean() || (in_query && (value == "true" || value == "false")), "true or false")
        }
        Kind::OpenEnum(known) => (
            text.as_ref().is_some_and(|text| is_text && known.contains(text)),
            "one of its known values (add a new one to x-open-enum)",
        ),
        Kind::Id { number: true } => (digits.is_some(), "a number"),
        Kind::Id { number: false } => (text.is_some_and(|text| !text.is_empty()), "an id"),
        Kind::Text => (is_text && value != "", "text"),
        Kind::List(_) => (value.is_array() || in_query, "a list"),
        Kind::Object(_) | Kind::Map { .. } => (value.is_object(), "an object"),
        Kind::Tuple(_) => (value.is_array(), "a list"),
        Kind::Any => (true, "anything"),
    };
    (!fits).then_some(wanted)
}

//! Checks the set of calls, and how the client describes each of them.

use crate::{
    Fault, Finding, SPEC_FILE, Spec,
    probe::operation,
    schema::{Kind, Only, Schema},
};
use std::collections::BTreeSet;

/// Whose calls are compared, with their place in the repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who<'a> {
    /// A client: it has the calls that the spec gives to it.
    Client(&'a str),
    /// A server: it has all calls.
    Server(&'a str),
}

/// Compares the calls of the client or the local exchange with those of the spec, in both directions.
///
/// A call is service, method and path without version prefix: `("trade", "GET", "/market/orders/{id}")`. The names
/// in braces are compared too, because requests and messages use them. A client does not need the calls that the spec
/// marks `x-sdk: "-"`.
pub fn calls<S, M, P>(spec: &Spec, who: Who<'_>, calls: impl IntoIterator<Item = (S, M, P)>) -> Vec<Finding>
where
    S: AsRef<str>,
    M: AsRef<str>,
    P: AsRef<str>,
{
    let (who, is_client) = match who {
        Who::Client(who) => (who, true),
        Who::Server(who) => (who, false),
    };
    let mut findings = Vec::new();
    let mut have = BTreeSet::new();
    for (service, method, path) in calls {
        let (service, method, path) = (service.as_ref(), method.as_ref(), path.as_ref());
        let place = format!("{who}: {method} {path} ({service})");
        if spec.find(service, method, path).is_none() {
            findings.push(Finding::new(
                Fault::NotInSpec,
                place.clone(),
                "the spec does not have this call",
                format!("add an entry to {SPEC_FILE}, or fix {who}"),
            ));
        }
        if !have.insert((service.to_owned(), method.to_owned(), path.to_owned())) {
            findings.push(Finding::new(
                Fault::StrangeKey,
                place,
                "the call is listed twice",
                format!("remove one of the two from {who}"),
            ));
        }
    }
    for call in spec.operations.iter().filter(|call| call.is_offered() || !is_client) {
        if !have.contains(&(call.service.clone(), call.method.clone(), call.path.clone())) {
            findings.push(Finding::new(
                Fault::NotInCode,
                format!("{who}: {} {} ({})", call.method, call.path, call.service),
                format!("the spec has {} and {who} does not", call.id),
                if is_client {
                    let sdk = &call.sdk;
                    let module = sdk.split("::").next().unwrap_or_default();
                    format!("add to {who}/src/{module}.rs, or below {module}/, a line in the table of calls and the struct {sdk}")
                } else {
                    format!("add to the theme's file in {who}/src/api/ a route and its handler")
                },
            ));
        }
    }
    findings
}

/// Compares the client's description of a call with the spec: the type's name, whether it is signed, whether it may be
/// sent again. ENDPOINTS.md is made from the spec, so this check keeps it true.
///
/// `type_name` comes from `std::any::type_name`. Its last part must be the type, and another part the module of `x-sdk`.
pub fn described(spec: &Spec, call: &str, type_name: &str, signed: bool, idempotent: bool) -> Vec<Finding> {
    let operation = match operation(spec, call) {
        Ok(operation) => operation,
        Err(findings) => return findings,
    };
    let mut findings = Vec::new();
    let mut compare = |what: &str, spec_says: &str, code_says: &str| {
        if spec_says != code_says {
            findings.push(Finding::new(
                Fault::WrongDescription,
                call,
                format!("{what}: the spec says {spec_says}, the code says {code_says}"),
                format!("fix the call's table line, or {SPEC_FILE}"),
            ));
        }
    };
    // A module may be split into files: then `type_name` has more parts than the path in the documentation.
    let (module, name) = operation.sdk.rsplit_once("::").unwrap_or_default();
    let (path, short) = type_name.rsplit_once("::").unwrap_or_default();
    let same = short == name && path.split("::").any(|part| part == module);
    compare("x-sdk", &operation.sdk, if same { &operation.sdk } else { type_name });
    compare("signed", &operation.signed.to_string(), &signed.to_string());
    compare("idempotent", &operation.idempotent.to_string(), &idempotent.to_string());
    findings
}

/// Checks the mark `x-same-key`: whether the client may send a call again with the same nonce.
pub fn same_key(spec: &Spec, call: &str, client_does: bool) -> Vec<Finding> {
    let operation = match operation(spec, call) {
        Ok(operation) => operation,
        Err(findings) => return findings,
    };
    if operation.same_key == client_does {
        return Vec::new();
    }
    let problem = format!("same key: the spec says {}, the code says {client_does}", operation.same_key);
    let remedy = format!("fix the call's table line, or {SPEC_FILE}");
    vec![Finding::new(Fault::WrongDescription, call, problem, remedy)]
}

/// Checks the mark `x-only`: for the older environment the client refuses the fullest sample of a call if the call, or one
/// of its parameters, exists in the current environment only. It refuses no other call. `refused` is the argument that the
/// client's error names.
pub fn only(spec: &Spec, call: &str, refused: Option<impl AsRef<str>>) -> Vec<Finding> {
    let operation = match operation(spec, call) {
        Ok(operation) => operation,
        Err(findings) => return findings,
    };
    let mut current: Vec<String> = Vec::new();
    let parameters = operation.parameters.iter().filter(|p| p.only == Some(Only::Current));
    current.extend(parameters.map(|parameter| parameter.name.clone()));
    if let Some(body) = &operation.body {
        current_only(body, "", &mut current);
    }
    let fits = match &refused {
        None => current.is_empty() && operation.only != Some(Only::Current),
        Some(refused) => {
            current.iter().any(|name| name == refused.as_ref()) || operation.only == Some(Only::Current)
        }
    };
    if fits {
        return Vec::new();
    }
    let problem = match refused {
        Some(refused) => format!("the client refuses {} for the older environment", refused.as_ref()),
        None => "the client sends the whole sample to the older environment".to_owned(),
    };
    vec![Finding::new(
        Fault::WrongDescription,
        call,
        format!("{problem}; the spec marks {current:?} as x-only: current"),
        format!("correct the check of {}, or the marks in {SPEC_FILE}", operation.sdk),
    )]
}

/// Finds the properties of a body that exist in the current environment only, by their paths, such as `data.tag`.
fn current_only(schema: &Schema, path: &str, found: &mut Vec<String>) {
    let Kind::Object(object) = &schema.kind else { return };
    for property in &object.properties {
        let path = format!("{path}{}", property.name);
        if property.only == Some(Only::Current) {
            found.push(path);
        } else {
            current_only(&property.schema, &format!("{path}."), found);
        }
    }
}

/// Checks that the client reads page after page for the calls with a parameter `page`, and only for them.
pub fn paged(spec: &Spec, call: &str, is_paged: bool) -> Vec<Finding> {
    let operation = match operation(spec, call) {
        Ok(operation) => operation,
        Err(findings) => return findings,
    };
    if operation.parameters.iter().any(|parameter| parameter.name == "page") == is_paged {
        return Vec::new();
    }
    let problem = if is_paged {
        "the client reads page after page, but the spec has no parameter `page`"
    } else {
        "the spec has a parameter `page`, but the client does not read page after page"
    };
    let remedy = format!("make {} `paged` in its table and `Paged`, or correct {SPEC_FILE}", operation.sdk);
    vec![Finding::new(Fault::WrongDescription, call, problem, remedy)]
}

//! Checks that nothing was forgotten: calls without samples, fixtures without a call.

use crate::{
    Fault, Finding, Fixtures, SPEC_FILE, Spec,
    canon::{Strangers, canonical, differences},
    schema::Only,
};
use std::collections::BTreeSet;

/// Which check a test ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Covered {
    /// [`request`](super::request) was run for these operations.
    Requests,
    /// [`response`](super::response) was run for these operations.
    Responses,
    /// [`event`](super::event) was run for these schemas.
    Events,
    /// [`webhook`](super::webhook) was run for these events.
    Webhooks,
    /// [`answer`](super::answer) was run for these operations. Operations of only the older environment are not needed.
    Answers,
}

fn offered(spec: &Spec) -> BTreeSet<String> {
    spec.operations.iter().filter(|call| call.is_offered()).map(|call| call.id.clone()).collect()
}

/// Compares the names that a test checked with the spec, so that a call without samples is found.
pub fn covered<T: AsRef<str>>(
    spec: &Spec,
    what: Covered,
    names: impl IntoIterator<Item = T>,
) -> Vec<Finding> {
    let names: BTreeSet<String> = names.into_iter().map(|name| name.as_ref().to_owned()).collect();
    let (wanted, check): (BTreeSet<String>, _) = match what {
        Covered::Requests => (offered(spec), "probe::request"),
        Covered::Responses => (offered(spec), "probe::response"),
        Covered::Answers => {
            // Of the calls that only the older environment has, those that the client has too.
            let calls =
                spec.operations.iter().filter(|call| call.is_offered() || call.only != Some(Only::Legacy));
            (calls.map(|call| call.id.clone()).collect(), "probe::answer")
        }
        Covered::Events => {
            (spec.channels.iter().map(|channel| channel.name.clone()).collect(), "probe::event")
        }
        Covered::Webhooks => {
            (spec.webhooks.iter().map(|event| event.name.clone()).collect(), "probe::webhook")
        }
    };
    let missing = wanted.difference(&names).map(|name| {
        let remedy = format!(
            "add it to the crate's table of calls, if the test reads that table; else to the test that calls {check}"
        );
        Finding::new(
            Fault::NotProbed,
            name.clone(),
            format!("the spec has it, but {check} was not run"),
            remedy,
        )
    });
    let strange = names.difference(&wanted).map(|name| {
        let remedy = format!("add an entry for {name} to {SPEC_FILE}, or fix the name in the test");
        Finding::new(
            Fault::NotInSpec,
            name.clone(),
            format!("{check} was run, but the spec has no such name"),
            remedy,
        )
    });
    missing.chain(strange).collect()
}

/// Checks the fixtures themselves: each belongs to a call or topic and is JSON, and a request has only known fields.
pub fn fixtures(spec: &Spec, fixtures: &Fixtures) -> Vec<Finding> {
    let mut findings = Vec::new();
    let events = spec.webhooks.iter().map(|event| event.id.clone());
    let folders: BTreeSet<String> = spec.channels.iter().map(crate::Channel::folder).chain(events).collect();
    for fixture in fixtures.iter() {
        let mut report = |fault, problem: String| {
            let remedy = format!("fix crates/testkit/fixtures/{}, or {SPEC_FILE}", fixture.path());
            findings.push(Finding::new(fault, fixture.path(), problem, remedy));
        };
        let operation = spec.operation(&fixture.operation);
        if operation.is_none() && !folders.contains(&fixture.operation) {
            report(Fault::NoFixture, "no operationId, webhook or x-channel schema has this name".to_owned());
        }
        let document = match fixture.json() {
            Ok(document) => document,
            Err(error) => {
                report(Fault::NoFixture, error);
                continue;
            }
        };
        if fixture.is_request() {
            let Some(schema) = operation.and_then(|operation| operation.body.as_ref()) else {
                report(Fault::NotInSpec, "the call has no body in the spec".to_owned());
                continue;
            };
            let [known, shown] =
                [Strangers::Drop, Strangers::Keep].map(|strangers| canonical(schema, &document, strangers));
            for stranger in differences(&known, &shown) {
                report(Fault::NotInSpec, format!("the spec does not know the field: {stranger}"));
            }
        }
    }
    findings
}

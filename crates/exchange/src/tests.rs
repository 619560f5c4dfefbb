//! Checks every call of this crate against the specification, `docs/api/cape.openapi.yaml`, and against the sandbox.

use crate::{
    SECTIONS,
    account::{CreateWithdrawal, PayLightning},
    trading::CreateOrder,
};
use capecrypto_models::{Decimal, Side};
use capecrypto_probe::{Probe, Samples, sent, without};
use capecrypto_testkit::{
    Fixtures, Spec, assert_no_findings,
    probe::{self, Who},
};
use std::{fs, path::Path};

fn all_calls() -> Probe {
    Probe::of(&SECTIONS)
}

#[test]
fn every_call_is_as_specified() {
    assert_no_findings(all_calls().findings("crates/exchange"));
}

#[tokio::test]
async fn the_sandbox_understands_every_sample_and_is_understood() {
    all_calls().send_samples().await;
}

#[tokio::test]
async fn neither_errors_nor_the_log_show_a_sensitive_argument() {
    all_calls().keeps_secrets().await;
}

/// The sandbox's answers match the specification, key by key, with at least one full row in each list.
#[tokio::test]
async fn the_sandbox_answers_as_specified() {
    assert_no_findings(all_calls().answers().await);
}

/// A crate checks only the sections that it names, so each must be named by one.
#[test]
fn every_call_of_the_specification_belongs_to_a_crate() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let roots = crates.read_dir().unwrap().map(|entry| entry.unwrap().path().join("src/lib.rs"));
    let roots: Vec<String> = roots.filter_map(|root| fs::read_to_string(root).ok()).collect();
    for operation in Spec::cape().operations.iter().filter(|operation| operation.is_offered()) {
        let module = operation.sdk.split("::").next().unwrap();
        let named = format!("(\"{module}\", {module}::");
        assert!(
            roots.iter().any(|root| root.contains(&named)),
            "{}: no crate checks {}\n    fix: name the section {module} in SECTIONS of the crate's src/lib.rs, beside `pub mod {module}`",
            operation.id,
            operation.sdk
        );
    }
}

#[test]
fn fixtures_belong_to_calls() {
    assert_no_findings(probe::fixtures(&Spec::cape(), &Fixtures::cape()));
}

#[test]
fn the_sandbox_serves_the_same_calls() {
    let spec = Spec::cape();
    let served = capecrypto_sandbox::calls();
    let calls = served.iter().map(|call| (call.service, call.method, call.path));
    let mut findings = probe::calls(&spec, Who::Server("crates/sandbox"), calls);
    for call in &served {
        let Some(operation) = spec.find(call.service, call.method, call.path) else { continue };
        // Codes that begin with `sandbox.` are the sandbox's own, not the exchange's.
        let codes = call.codes().into_iter().filter(|(_, code)| !code.starts_with("sandbox."));
        findings.extend(probe::codes(&spec, &operation.id, codes));
        assert_eq!(operation.only.is_some(), call.only.is_some(), "x-only of {}", operation.id);
    }
    assert_no_findings(findings);
}

#[test]
fn every_call_says_how_it_may_be_refused() {
    assert_no_findings(probe::statuses(&Spec::cape(), &[400, 405, 429, 500, 503], &[401, 403]));
    for operation in Spec::cape().operations {
        let acts = operation.parameters.iter().any(|parameter| parameter.name == "X-Auth-Subaccount-Uid");
        assert_eq!(
            acts, operation.signed,
            "{}: the parameter acting_as belongs to signed calls",
            operation.id
        );
        let says = |status| operation.answer(status).is_some();
        let has_body = operation.body.is_some();
        assert_eq!([says(413), says(415)], [has_body; 2], "{}: 413 and 415 are about a body", operation.id);
        // A client made from the spec reads the codes only where the refusal has a body. A gateway answers 429 in any form.
        let refusals = operation.answers.iter().filter(|answer| (400..500).contains(&answer.status));
        for answer in refusals.filter(|answer| answer.status != 429) {
            assert!(answer.schema.is_some(), "{}: {} has no body", operation.id, answer.status);
        }
    }
}

#[test]
fn the_documents_own_requests_can_be_sent() {
    let spec = Spec::cape();
    let fixtures = Fixtures::cape();
    let sample = sent(&CreateOrder::fullest());
    assert_no_findings(probe::request_fixture(&spec, &fixtures, "create_order", "request", &sample));
    let sub_account = CreateOrder::limit("btczar", Side::Buy, Decimal::new(1, 5), Decimal::from(750_000));
    let mut sample = sent(&sub_account);
    without(&mut sample, CreateOrder::MADE);
    assert_no_findings(probe::request_fixture(
        &spec,
        &fixtures,
        "create_order",
        "request_as_sub_account",
        &sample,
    ));
    let sample = sent(&CreateWithdrawal::smallest());
    let findings = probe::request_fixture(&spec, &fixtures, "create_withdrawal", "request_composed", &sample);
    assert_no_findings(findings);

    // The example has no invoice to pay, only the first letters of one.
    let mut sample = sent(&PayLightning::fullest());
    let data = sample.body.as_mut().unwrap().pointer_mut("/data/address").unwrap();
    assert!(data.as_str().unwrap().starts_with("lnbc2500u1"));
    *data = "lnbc...".into();
    assert_no_findings(probe::request_fixture(&spec, &fixtures, "pay_lightning", "request", &sample));
}

//! Holds every call of this crate against the specification, `docs/api/cape.openapi.yaml`, and against the sandbox.

pub(crate) use capecrypto_probe::{Probe, Samples, Seed, time};

use crate::{account, public, trading::CreateOrder};
use capecrypto_models::{Decimal, Side};
use capecrypto_probe::{sent, without};
use capecrypto_testkit::{
    Fixtures, Spec, assert_no_findings,
    probe::{self, Who},
};

/// The modules of this crate, as the specification names them.
const MODULES: [&str; 3] = ["public", "trading", "account"];

fn all_calls() -> Probe {
    let mut probe = Probe::new(&MODULES);
    public::probe(&mut probe);
    crate::trading::probe(&mut probe);
    account::probe(&mut probe);
    account::methods::probe(&mut probe);
    account::funds::probe(&mut probe);
    account::transactions::probe(&mut probe);
    probe
}

#[test]
fn every_call_is_as_specified() {
    assert_no_findings(all_calls().findings("crates/exchange"));
}

#[tokio::test]
async fn the_sandbox_understands_every_sample_and_is_understood() {
    all_calls().send_samples().await;
}

/// What the sandbox answers is what the specification says, key by key, with at least one full row in each list.
#[tokio::test]
async fn the_sandbox_answers_as_specified() {
    assert_no_findings(all_calls().answers().await);
}

#[test]
fn every_call_of_the_specification_belongs_to_a_crate() {
    let known = [MODULES.as_slice(), &["documents", "sub_accounts"]].concat();
    for operation in Spec::cape().operations.iter().filter(|operation| operation.is_offered()) {
        let module = operation.sdk.split("::").next().unwrap();
        assert!(known.contains(&module), "{}: no crate has the module {module}", operation.id);
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
        // Codes of the sandbox's own are marked as such, and are not the exchange's.
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
}

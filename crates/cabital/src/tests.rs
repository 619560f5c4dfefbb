//! Checks every call of this crate against the specification, `docs/api/cabital.openapi.yaml`.

use crate::{
    Cabital, Hosts, PARTNER, SECTIONS,
    accounts::MatchName,
    codes::CODES,
    conversions::CreateConversion,
    transfers::{CreateTransfer, ReportResult},
};
use capecrypto_auth::{Credentials, Service};
use capecrypto_probe::{Probe, Samples, sent};
use capecrypto_rest::{Call, Client};
use capecrypto_sandbox::CabitalAccess;
use capecrypto_testkit::{Fixtures, Spec, assert_no_findings, probe};
use serde_json::json;

fn all_calls() -> Probe {
    Probe::cabital(&SECTIONS)
}

/// The clients of both hosts of the sandbox.
fn connect(access: &CabitalAccess) -> (Client, Client) {
    let credentials = Credentials::new(&access.access_key, &access.secret).unwrap();
    let hosts = Hosts::at(&access.origin, &access.link_origin).unwrap();
    let cabital = Cabital::builder(hosts).credentials(credentials).build().unwrap();
    (cabital.partner().clone(), cabital.link().clone())
}

#[test]
fn every_call_is_as_specified() {
    assert_no_findings(all_calls().findings("crates/cabital"));
    assert_eq!(Spec::cabital().operations.len(), 18);
}

#[tokio::test]
async fn the_sandbox_answers_every_call_as_specified_and_the_models_read_it() {
    assert_no_findings(all_calls().partner_answers(connect).await);
}

#[tokio::test]
async fn the_sandbox_understands_every_request() {
    all_calls().send_partner_samples(connect).await;
}

#[tokio::test]
async fn neither_errors_nor_the_log_show_a_sensitive_argument() {
    all_calls().partner_keeps_secrets(connect).await;
}

#[test]
fn fixtures_belong_to_calls() {
    assert_no_findings(probe::fixtures(&Spec::cabital(), &Fixtures::cabital()));
}

#[test]
fn every_call_says_how_it_may_be_refused() {
    let spec = Spec::cabital();
    for operation in spec.operations.iter().filter(|operation| operation.answer(303).is_none()) {
        for status in [400, 404, 405, 406, 429, 500, 503] {
            assert!(operation.answer(status).is_some(), "{}: {status}", operation.id);
        }
        for status in [401, 403, 409] {
            assert_eq!(operation.answer(status).is_some(), operation.signed, "{}: {status}", operation.id);
        }
    }
}

#[test]
fn every_call_reads_the_codes_of_cabital() {
    let all: Vec<Call> = [
        crate::accounts::CALLS,
        crate::partner::CALLS,
        crate::conversions::CALLS,
        crate::transfers::CALLS,
        crate::light::CALLS,
        crate::link::CALLS,
        crate::link::url::CALLS,
    ]
    .concat();
    assert_eq!(all.len(), 18);
    for call in all {
        assert_eq!(call.codes, CODES, "{call}");
    }
    assert_ne!(PARTNER, Service::new("link", "/api/v1"));
}

#[test]
fn the_documents_own_requests_can_be_sent() {
    let (spec, fixtures) = (Spec::cabital(), Fixtures::cabital());
    let sample = sent(&CreateConversion::smallest());
    assert_no_findings(probe::request_fixture(&spec, &fixtures, "create_conversion", "request", &sample));
    let sample = sent(&MatchName::smallest());
    assert_no_findings(probe::request_fixture(&spec, &fixtures, "match_name", "request_composed", &sample));
    // The sample sends the direction in lower case, and this client in capital letters, as the table has it.
    let transfer = CreateTransfer::smallest().conversion("d81adf6d-0322-41d7-8c32-669203e35f11");
    let mut sample = sent(&transfer);
    let direction = sample.body.as_mut().unwrap().pointer_mut("/direction").unwrap();
    assert_eq!(*direction, json!("DEBIT"));
    *direction = json!("debit");
    assert_no_findings(probe::request_fixture(&spec, &fixtures, "create_transfer", "request", &sample));
    // An empty `data` is left out.
    let mut sample = sent(
        &ReportResult::success(
            "6d92e7b4-715c-4ce3-a028-19f1c8c9fa6c",
            "4c416854-8970-4838-99ad-febc437ac81d",
        )
        .message("ok"),
    );
    sample.body.as_mut().unwrap()["data"] = json!({});
    assert_no_findings(probe::request_fixture(&spec, &fixtures, "report_result", "request", &sample));
}

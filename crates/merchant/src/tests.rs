//! Checks every call of this crate against the specification, `docs/api/cape.openapi.yaml`, and against the sandbox.

use crate::SECTIONS;
use capecrypto_probe::Probe;
use capecrypto_testkit::assert_no_findings;

fn all_calls() -> Probe {
    Probe::of(&SECTIONS)
}

#[test]
fn every_call_is_as_specified() {
    assert_no_findings(all_calls().findings("crates/merchant"));
}

#[tokio::test]
async fn neither_errors_nor_the_log_show_a_sensitive_argument() {
    all_calls().keeps_secrets().await;
}

#[tokio::test]
async fn the_sandbox_understands_every_sample_and_is_understood() {
    all_calls().send_samples().await;
}

#[tokio::test]
async fn the_sandbox_answers_as_specified() {
    assert_no_findings(all_calls().answers().await);
}

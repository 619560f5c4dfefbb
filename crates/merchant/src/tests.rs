//! Checks every call of this crate against the specification, `docs/api/cape.openapi.yaml`, and against the sandbox.

use crate::{
    SECTIONS,
    account_webhook::{CreateWebhook, UpdateWebhook},
    forms::{Destination, OnDeposit, WebhookSettings},
    payments::{CreatePaymentReference, samples::documented},
    sub_accounts::{CreateSubAccount, SubAccountDeposits, UpdateSubAccount},
};
use capecrypto_models::dec;
use capecrypto_probe::{Probe, sent};
use capecrypto_testkit::{Fixtures, Spec, assert_no_findings, probe};

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

#[test]
fn the_documents_own_payment_references_can_be_asked_for() {
    let (spec, fixtures) = (Spec::cape(), Fixtures::cape());
    let simple = || CreatePaymentReference::new("ID123456789", "btc");
    let invoice = Destination::Invoice("lnbc100n1...".to_owned());
    let lightning = OnDeposit::convert_and_withdraw("btc", invoice).max_slippage(dec!(1));
    let webhook = WebhookSettings::hmac("https://merchant.com/webhooks/deposits", "my_secret_key");
    let requests = [
        ("request", documented()),
        ("request_no_action", simple()),
        ("request_aggregate", simple().deposit_action(OnDeposit::aggregate())),
        ("request_lightning", simple().deposit_action(lightning).webhook(webhook)),
    ];
    for (name, request) in &requests {
        let call = "create_payment_reference";
        assert_no_findings(probe::request_fixture(&spec, &fixtures, call, name, &sent(request)));
    }
    assert_eq!(fixtures.sent("create_payment_reference").count(), requests.len());
}

#[test]
fn the_documents_own_requests_can_be_sent() {
    let (spec, fixtures) = (Spec::cape(), Fixtures::cape());
    let to = Destination::Beneficiary(789.into());
    let action = OnDeposit::convert_and_withdraw("usd", to).max_slippage(dec!(1.5));
    let webhook = || WebhookSettings::hmac("https://merchant.com/webhooks/deposits", "my_secret_key");
    let till = CreateSubAccount::new("Trading Account 1").deposit_action(OnDeposit::aggregate());
    let conversion = CreateSubAccount::new("USD Conversion Account").deposit_action(action);
    let keep = UpdateSubAccount::new("CCT1234567").deposits(SubAccountDeposits::Keep);
    for (call, name, sample) in [
        ("create_sub_account", "request_aggregate", sent(&till)),
        ("create_sub_account", "request_convert_and_withdraw", sent(&conversion)),
        ("update_sub_account", "request", sent(&keep)),
        ("create_webhook", "request_composed", sent(&CreateWebhook::new(webhook()))),
        ("update_webhook", "request_composed", sent(&UpdateWebhook::new(webhook()))),
    ] {
        assert_no_findings(probe::request_fixture(&spec, &fixtures, call, name, &sample));
    }
}

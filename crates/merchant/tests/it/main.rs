//! The calls for merchants, against the sandbox.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod customers;
mod find;
mod forms;
mod payments;

use capecrypto_merchant::{
    documents::UploadCustomerDocument,
    forms::{Destination, OnDeposit},
    sub_accounts::CreateSubAccount,
};
use capecrypto_models::{SubAccountState, Upload, dec};
use capecrypto_probe::client;
use capecrypto_rest::{Kind, Outcome, Prepared};
use capecrypto_sandbox::Sandbox;
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

const MIB: usize = 1024 * 1024;

fn image(bytes: usize) -> Upload {
    let mut content = vec![7; bytes];
    content[..8].copy_from_slice(b"\x89PNG\r\n\x1a\n");
    Upload::new("id.png", "image/png", content)
}

#[tokio::test]
async fn a_document_arrives_whole_and_its_progress_is_told() {
    let sandbox = Sandbox::start().await.unwrap();
    let told = Arc::new(AtomicU64::new(0));
    let seen = told.clone();
    let customer = sandbox.control().add_customer("merchant").unwrap();
    let document = UploadCustomerDocument::individual(&*customer, "Driver license front", image(3 * MIB))
        .doc_number("canary".to_owned())
        .doc_expire("2028-12-31");
    assert!(!format!("{document:?}").contains("canary"));
    let client = client(&sandbox, "merchant");
    let sent = client.send_with_progress(document, move |sent, _| seen.store(sent, Ordering::SeqCst)).await;
    assert_eq!((sent.unwrap().status, told.load(Ordering::SeqCst)), (200, 3 * 1024 * 1024));
    let kept = sandbox.control().documents();
    assert_eq!(kept.len(), 1);
    let document = &kept[0];
    assert_eq!((document.uid.as_str(), document.doc_type.as_str()), (&*customer, "Driver license front"));
    assert_eq!((document.file_name.as_str(), document.bytes), ("id.png", 3 * MIB));
}

#[tokio::test]
async fn everything_that_is_wrong_is_told_at_once_and_nothing_leaves() {
    let sandbox = Sandbox::start().await.unwrap();
    let document =
        UploadCustomerDocument::individual("CCT 1", "Passport", image(4 * MIB + 1)).doc_expire("31.12.2028");
    let error = client(&sandbox, "merchant").send(document).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::InvalidArgument, Outcome::NotSent));
    let named: Vec<_> = error.arguments().iter().map(|each| &*each.argument).collect();
    assert_eq!(named, ["uid", "doc_expire", "upload"]);
    assert!(sandbox.control().documents().is_empty());
}

#[tokio::test]
async fn what_is_not_known_is_sent_with_a_warning() {
    let sandbox = Sandbox::start().await.unwrap();
    let large = Upload::new("bill.gif", "image/gif", vec![7; 4 * MIB + 1]);
    let document = UploadCustomerDocument::business("CCT1234567", "Proof of Moon", large);
    let prepared = Prepared::new(&document, client(&sandbox, "merchant").environment()).unwrap();
    let told: Vec<_> = prepared.warnings.iter().map(|warning| &*warning.argument).collect();
    assert_eq!(told, ["doc_type", "upload", "upload"]);
    // The exchange decides, and refuses this document.
    let error = client(&sandbox, "merchant").send(document).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome(), error.status()), (Kind::Refused, Outcome::Refused, Some(400)));
}

#[tokio::test]
async fn who_has_no_customers_is_refused() {
    let sandbox = Sandbox::start().await.unwrap();
    let document = UploadCustomerDocument::individual("CCT1234567", "Selfie", image(9));
    let error = client(&sandbox, "maker").send(document).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::Auth, Outcome::Refused));
    assert!(error.hint().unwrap().contains("merchants"), "{error}");
}

#[tokio::test]
async fn a_sub_account_is_created_with_what_its_deposits_shall_do() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = client(&sandbox, "merchant");
    let invoice = || Destination::Invoice("lnbc1".to_owned());
    for (action, name) in [
        (OnDeposit::none(), "none"),
        (OnDeposit::aggregate(), "aggregate"),
        (OnDeposit::convert_and_withdraw("zar", Destination::Beneficiary(7.into())), "convert_and_withdraw"),
        (
            OnDeposit::aggregate_convert_and_withdraw("zar", invoice()).max_slippage(dec!(1.5)),
            "aggregate_convert_and_withdraw",
        ),
    ] {
        let created = client.send(CreateSubAccount::new("Till 1").deposit_action(action)).await.unwrap();
        assert_eq!((created.account_name.as_str(), created.state), ("Till 1", SubAccountState::Active));
        assert_eq!(created.deposit_action.unwrap().action, name);
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_sub_account_is_told_with_its_path() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = client(&sandbox, "merchant");
    let to = Destination::Beneficiary(7.into());
    let action = OnDeposit::convert_and_withdraw("z r", to).max_slippage(dec!(0));
    let error = client.send(CreateSubAccount::new("").deposit_action(action)).await.unwrap_err();
    let named: Vec<_> = error.arguments().iter().map(|each| &*each.argument).collect();
    assert_eq!(named, ["deposit_action.target_currency", "deposit_action.max_slippage", "account_name"]);
    // The documents name two ranges, so only the exchange can check the upper limit.
    let action = OnDeposit::aggregate().max_slippage(dec!(11));
    let error = client.send(CreateSubAccount::new("Till 1").deposit_action(action)).await.unwrap_err();
    assert!(error.has_code("sandbox.sub_account.invalid_deposit_action"), "{error}");
}

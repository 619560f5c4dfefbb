//! The calls for merchants, against the sandbox.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::as_conversions)]

mod customers;
mod documents;
mod find;
mod forms;
mod payments;
mod requirements;

use capecrypto_merchant::{
    forms::{Destination, OnDeposit},
    sub_accounts::CreateSubAccount,
};
use capecrypto_models::{SubAccountState, dec};
use capecrypto_probe::client;
use capecrypto_sandbox::Sandbox;

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

//! Sub-accounts.

use capecrypto_merchant::{
    forms::{Destination, OnDeposit},
    sub_accounts::{
        CreateSubAccount, DeleteSubAccount, GetSubAccount, ListSubAccounts, SubAccountDeposits,
        UpdateSubAccount,
    },
};
use capecrypto_models::{DepositAction, DepositActionKind, SubAccount, SubAccountState, dec};
use capecrypto_probe::client;
use capecrypto_rest::{Client, Error, Kind, Outcome, Prepared};
use capecrypto_sandbox::{Fault, FaultKind, Sandbox};

const SUB_ACCOUNTS: &str = "/resource/sub_accounts";

async fn create(client: &Client, name: &str) -> SubAccount {
    client.send(CreateSubAccount::new(name)).await.unwrap()
}

async fn all(client: &Client) -> Vec<SubAccount> {
    client.items(ListSubAccounts::new().limit(2)).try_collect().await.unwrap().items
}

/// The names of the refused arguments of a call that was not sent.
fn refused(error: &Error) -> Vec<&str> {
    assert_eq!((error.kind(), error.outcome()), (Kind::InvalidArgument, Outcome::NotSent), "{error}");
    error.arguments().iter().map(|each| &*each.argument).collect()
}

#[tokio::test]
async fn a_sub_account_is_created_with_what_its_deposits_shall_do() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = client(&sandbox, "merchant");
    let invoice = || Destination::Invoice("lnbc1".to_owned());
    for (action, kind) in [
        (OnDeposit::none(), DepositActionKind::None),
        (OnDeposit::aggregate(), DepositActionKind::Aggregate),
        (
            OnDeposit::convert_and_withdraw("zar", Destination::Beneficiary(7.into())),
            DepositActionKind::ConvertAndWithdraw,
        ),
        (
            OnDeposit::aggregate_convert_and_withdraw("zar", invoice()).max_slippage(dec!(1.5)),
            DepositActionKind::AggregateConvertAndWithdraw,
        ),
    ] {
        let created = client.send(CreateSubAccount::new("Till 1").deposit_action(action)).await.unwrap();
        assert_eq!((created.account_name.as_str(), created.state), ("Till 1", SubAccountState::Active));
        assert_eq!(created.deposit_action.unwrap().action, kind);
    }
}

#[tokio::test]
async fn every_field_of_a_deposit_action_is_kept() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = client(&sandbox, "merchant");
    let to = Destination::Beneficiary(789.into());
    let action = OnDeposit::convert_and_withdraw("zar", to).max_slippage(dec!(1.5));
    let action = action.beneficiary_amount(dec!(99.50));
    let made = client.send(CreateSubAccount::new("Shop").deposit_action(action)).await.unwrap();
    let read = client.send(GetSubAccount::new(made.uid.clone())).await.unwrap();
    assert_eq!(read, made);
    let DepositAction { action, target_currency, beneficiary_id, max_slippage, beneficiary_amount, .. } =
        read.deposit_action.unwrap();
    assert_eq!(
        (action, target_currency.unwrap().as_str(), beneficiary_id, max_slippage, beneficiary_amount),
        (DepositActionKind::ConvertAndWithdraw, "zar", Some(789.into()), Some(dec!(1.5)), Some(dec!(99.5)))
    );
}

#[tokio::test]
async fn they_are_listed_page_by_page_read_changed_and_deleted() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = client(&sandbox, "merchant");
    let mut made = Vec::new();
    for number in 1..=5 {
        made.push(create(&client, &format!("Till {number}")).await);
    }
    assert_eq!(all(&client).await, made);
    let page = client.send(ListSubAccounts::new().limit(2).page(3)).await.unwrap();
    assert_eq!((page.total, page.page, page.per_page), (Some(5), Some(3), Some(2)));
    assert_eq!(page.items, made[4..]);

    let uid = || made[1].uid.clone();
    let change = |deposits| UpdateSubAccount::new(uid()).deposits(deposits);
    for (deposits, kind) in [
        (SubAccountDeposits::TransferToParent, DepositActionKind::Aggregate),
        (SubAccountDeposits::Keep, DepositActionKind::None),
    ] {
        let changed = client.send(change(deposits)).await.unwrap();
        assert_eq!(changed.deposit_action.as_ref().unwrap().action, kind);
        assert_eq!(client.send(GetSubAccount::new(uid())).await.unwrap(), changed);
    }
    // Without a setter nothing is changed, and a warning says so.
    let reply = client.reply(UpdateSubAccount::new(uid())).await.unwrap();
    assert_eq!((&reply.value, reply.warnings.len()), (&made[1], 1));
    assert_eq!(reply.warnings[0].argument, "deposit_action");

    client.send(DeleteSubAccount::new(uid())).await.unwrap();
    let deleted = client.send(GetSubAccount::new(uid())).await.unwrap();
    assert_eq!(deleted.state, SubAccountState::Deleted);
    assert_eq!(all(&client).await[1], deleted);
    for error in [
        client.send(DeleteSubAccount::new(uid())).await.unwrap_err(),
        client.send(change(SubAccountDeposits::Keep)).await.unwrap_err(),
    ] {
        assert_eq!((error.kind(), error.outcome()), (Kind::NotFound, Outcome::Refused));
    }
}

#[tokio::test]
async fn another_accounts_sub_account_is_not_found() {
    let sandbox = Sandbox::start().await.unwrap();
    let (merchant, other) = (client(&sandbox, "merchant"), client(&sandbox, "aggregator"));
    let till = create(&merchant, "Till 1").await;
    let drawer = create(&merchant.acting_as(till.uid.as_str()), "Drawer").await;
    assert_eq!(all(&other).await, []);
    assert_eq!(all(&merchant).await, std::slice::from_ref(&till));
    assert_eq!(all(&merchant.acting_as(till.uid.as_str())).await, std::slice::from_ref(&drawer));
    let own = sandbox.account("merchant").unwrap().uid;
    for (client, uid) in [
        (&other, till.uid.as_str()),
        (&merchant, drawer.uid.as_str()),
        (&merchant, own.as_str()),
        (&merchant, "CCT0000000"),
        (&merchant, "no-account"),
    ] {
        for error in [
            client.send(GetSubAccount::new(uid)).await.unwrap_err(),
            client.send(UpdateSubAccount::new(uid).deposits(SubAccountDeposits::Keep)).await.unwrap_err(),
            client.send(DeleteSubAccount::new(uid)).await.unwrap_err(),
        ] {
            assert_eq!((error.kind(), error.outcome()), (Kind::NotFound, Outcome::Refused), "{uid}");
        }
    }
    assert_eq!(all(&merchant).await, [till], "nothing was changed");
}

#[tokio::test]
async fn a_name_arrives_byte_for_byte_or_is_refused() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = client(&sandbox, "merchant");
    let longest = "é".repeat(100);
    for name in [
        "x",
        " Till 1 ",
        "\u{200f}חנות\u{200e} 1\u{202e}",
        "متجر ١",
        "Café 👩🏽\u{200d}🍳 ☕",
        "\"\\ <b>&amp;</b> {uid}",
        longest.as_str(),
    ] {
        let made = create(&client, name).await;
        assert_eq!(made.account_name, name);
        assert_eq!(client.send(GetSubAccount::new(made.uid)).await.unwrap().account_name, name);
    }
    let before = all(&client).await.len();
    for name in ["", "  ", &"x".repeat(101), &"👩".repeat(101), "Till\0", "Till\n1", "\u{85}"] {
        let error = client.send(CreateSubAccount::new(name)).await.unwrap_err();
        assert_eq!(refused(&error), ["account_name"]);
        assert!(error.to_string().contains("1 to 100 characters"), "{error}");
    }
    assert_eq!(all(&client).await.len(), before);
}

#[tokio::test]
async fn what_is_wrong_is_told_at_once_with_its_path() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = client(&sandbox, "merchant");
    let to = Destination::Beneficiary(7.into());
    let action = OnDeposit::convert_and_withdraw("z r", to).max_slippage(dec!(0));
    let request = CreateSubAccount::new("").deposit_action(action).data("{canary");
    let error = client.send(request).await.unwrap_err();
    assert_eq!(
        refused(&error),
        ["account_name", "deposit_action.target_currency", "deposit_action.max_slippage", "data"]
    );
    assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
    for (error, argument) in [
        (client.send(GetSubAccount::new("CCT 1")).await.unwrap_err(), "uid"),
        (client.send(UpdateSubAccount::new("")).await.unwrap_err(), "uid"),
        (client.send(DeleteSubAccount::new("..")).await.unwrap_err(), "uid"),
        (client.send(ListSubAccounts::new().page(0)).await.unwrap_err(), "page"),
        (client.send(ListSubAccounts::new().limit(0)).await.unwrap_err(), "limit"),
        (client.send(ListSubAccounts::new().limit(1_001)).await.unwrap_err(), "limit"),
    ] {
        assert_eq!(refused(&error), [argument]);
    }
    // The documents name two ranges, so only the exchange can check the upper limit.
    let action = OnDeposit::aggregate().max_slippage(dec!(11));
    let error = client.send(CreateSubAccount::new("Till 1").deposit_action(action)).await.unwrap_err();
    assert!(error.has_code("sandbox.sub_account.invalid_deposit_action"), "{error}");
}

#[tokio::test]
async fn further_data_is_sent_as_it_is_and_never_shown() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = client(&sandbox, "merchant");
    let data = r#"{ "branch": "canary", "number": 1.000000000000000000001 }"#;
    let request = CreateSubAccount::new("Till 1").data(data);
    assert!(!format!("{request:?}").contains("canary"));
    let prepared = Prepared::new(&request, client.environment()).unwrap();
    let sent = String::from_utf8(prepared.body.unwrap()).unwrap();
    assert!(sent.contains(&data.replace('"', r#"\""#)), "{sent}");
    client.send(request).await.unwrap();
}

#[tokio::test]
async fn after_a_lost_answer_it_is_found_by_its_name() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = client(&sandbox, "merchant");
    let lose = |kind| sandbox.control().inject(Fault::next(kind).on("POST", SUB_ACCOUNTS));
    create(&client, "Till 2").await;
    let request = CreateSubAccount::new("Till 1");
    for (kind, found) in
        [(FaultKind::ResetBeforeApply, 0), (FaultKind::ResetAfterApply, 1), (FaultKind::ResetAfterApply, 2)]
    {
        lose(kind);
        let error = client.send(request.clone()).await.unwrap_err();
        assert_eq!((error.outcome(), error.attempts()), (Outcome::Unknown, 1), "{error}");
        let candidates = request.find(&client).await.unwrap();
        assert_eq!((candidates.len(), candidates.total), (found, None));
        assert!(candidates.iter().all(|row| row.account_name == "Till 1"));
    }
    assert_eq!(all(&client).await.len(), 3, "nothing was sent twice");
}

#[tokio::test]
async fn one_with_money_is_not_deleted() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = client(&sandbox, "merchant");
    let till = create(&client, "Till 1").await;
    let drawer = create(&client.acting_as(till.uid.as_str()), "Drawer").await;
    sandbox.control().deposit(drawer.uid.as_str(), "zar", dec!(0.01)).unwrap();
    let error = client.send(DeleteSubAccount::new(till.uid.clone())).await.unwrap_err();
    assert!(error.has_code("sandbox.sub_account.has_money"), "{error}");
    assert!(error.hint().unwrap().contains("withdraw"), "{error}");
    assert_eq!(client.send(GetSubAccount::new(till.uid)).await.unwrap().state, SubAccountState::Active);
}

#[tokio::test]
async fn an_answer_about_something_else_is_an_error() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = client(&sandbox, "merchant");
    let till = create(&client, "Till 1").await;
    let answer = |name: &str, uid: &str, action: &str| {
        let body = format!(
            r#"{{"uid":"{uid}","account_name":"{name}","state":"active","deposit_action":"{action}",
                "created_at":"2025-11-22T08:46:59+01:00"}}"#
        );
        let content_type = Some("application/json".to_owned());
        sandbox.control().inject(Fault::next(FaultKind::Answer { status: 200, body, content_type }));
    };
    let own = till.uid.as_str();
    let collect = || CreateSubAccount::new("Till 1").deposit_action(OnDeposit::aggregate());
    let keep = || UpdateSubAccount::new(own).deposits(SubAccountDeposits::Keep);
    let mut errors = Vec::new();
    answer("Till 2", own, "none");
    errors.push((client.send(CreateSubAccount::new("Till 1")).await.unwrap_err(), "account_name"));
    answer("Till 1", own, "none");
    errors.push((client.send(collect()).await.unwrap_err(), "deposit_action"));
    answer("Till 1", "CCT0000000", "none");
    errors.push((client.send(GetSubAccount::new(own)).await.unwrap_err(), "uid"));
    answer("Till 1", "CCT0000000", "none");
    errors.push((client.send(keep()).await.unwrap_err(), "uid"));
    answer("Till 1", own, "transfer_to_parent");
    errors.push((client.send(keep()).await.unwrap_err(), "deposit_action"));
    for (error, field) in errors {
        assert_eq!((error.kind(), error.outcome()), (Kind::Mismatch, Outcome::Unknown));
        assert!(error.to_string().contains(field), "{error}");
    }
    answer("Till 1", own, "transfer_to_parent");
    assert!(client.send(collect()).await.is_ok(), "this text means the same");
}

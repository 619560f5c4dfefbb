//! Payment references, and the search after an unknown outcome.

use capecrypto_merchant::{
    forms::{Destination, OnDeposit, WebhookSettings},
    payments::{CreatePaymentReference, FindPaymentReference, GetPaymentReference, ListPaymentReferences},
    sub_accounts::CreateSubAccount,
};
use capecrypto_models::{Decimal, PaymentReferenceState, WebhookProtocol, dec};
use capecrypto_probe::{client, older_client};
use capecrypto_rest::{Client, Error, Intent, Kind, Outcome};
use capecrypto_sandbox::{Fault, FaultKind, Profile, Sandbox};
use capecrypto_testkit::Fixtures;
use std::time::Duration;

/// An exchange, a client of the merchant, and the uid of a sub-account that pays.
async fn exchange() -> (Sandbox, Client, String) {
    let sandbox = Sandbox::start().await.unwrap();
    let client = client(&sandbox, "merchant");
    let till = client.send(CreateSubAccount::new("Till 1")).await.unwrap();
    (sandbox, client, till.uid.as_str().to_owned())
}

fn to_bank() -> OnDeposit {
    OnDeposit::aggregate_convert_and_withdraw("zar", Destination::Beneficiary(456.into()))
}

fn webhook() -> WebhookSettings {
    WebhookSettings::hmac("https://shop.example/c4nary", "c4nary of mine")
}

fn names(error: &Error) -> Vec<&str> {
    error.arguments().iter().map(|refused| &*refused.argument).collect()
}

#[track_caller]
fn assert_not_sent(error: &Error, arguments: &[&str]) {
    assert_eq!((error.kind(), error.outcome()), (Kind::InvalidArgument, Outcome::NotSent), "{error}");
    assert_eq!(names(error), arguments, "{error}");
}

#[tokio::test]
async fn a_reference_is_made_and_read_and_its_secret_only_on_request() {
    let (_sandbox, client, till) = exchange().await;
    let request = CreatePaymentReference::new(&till, "btc").expected_amount(dec!(0.01500000));
    let request = request.deposit_action(to_bank().max_slippage(dec!(0.5))).webhook(webhook());
    assert!(!format!("{request:?}").contains("c4nary"), "{request:?}");
    let made = client.send(request).await.unwrap();
    assert_eq!((made.uid.as_str(), made.currency.as_str()), (till.as_str(), "btc"));
    assert_eq!((made.expected_amount, made.usage_count), (Some(dec!(0.015)), Some(0)));
    assert_eq!((made.state.clone(), made.deposit_id), (PaymentReferenceState::PendingDeposit, None));
    assert!(made.reference.starts_with("PAY-") && !made.state.is_final());
    let expires = made.created_at.unwrap().checked_add(Duration::from_secs(24 * 60 * 60));
    assert_eq!(made.expires_at, expires);
    let action = made.deposit_action.clone().unwrap();
    assert_eq!((action.beneficiary_id, action.max_slippage), (Some(456.into()), Some(dec!(0.5))));

    let read = client.send(GetPaymentReference::new(made.id)).await.unwrap();
    assert_eq!(read, made);
    assert_eq!(read.webhook_secret, None);
    let read = client.send(GetPaymentReference::new(made.id).with_secret()).await.unwrap();
    assert_eq!(read.webhook_secret.as_ref().unwrap().expose(), "c4nary of mine");
    assert_eq!(read.webhook_url.as_ref().unwrap().as_str(), "https://shop.example/c4nary");
    assert_eq!(read.webhook_protocol, Some(WebhookProtocol::Hmac));
    assert!(!format!("{read:?}").contains("c4nary"), "{read:?}");
}

#[tokio::test]
async fn what_is_wrong_is_told_at_once_and_nothing_leaves() {
    let (_sandbox, client, till) = exchange().await;
    let to = OnDeposit::aggregate().max_slippage(dec!(-1)).beneficiary_amount(dec!(0));
    let request = CreatePaymentReference::new("CCT 1", "b/tc").expected_amount(dec!(0)).deposit_action(to);
    let request = request.webhook(WebhookSettings::hmac("shop.example", ""));
    assert_not_sent(
        &client.send(request).await.unwrap_err(),
        &[
            "uid",
            "currency",
            "expected_amount",
            "deposit_action.max_slippage",
            "deposit_action.beneficiary_amount",
            "webhook_url",
            "webhook_secret",
        ],
    );
    // 29 digits: the answer could not be read.
    for amount in [dec!(-0.1), Decimal::MAX] {
        let request = CreatePaymentReference::new(&till, "btc").expected_amount(amount);
        assert_not_sent(&client.send(request).await.unwrap_err(), &["expected_amount"]);
    }
    let long = dec!(1234567890.123456789012345678);
    let made = client.send(CreatePaymentReference::new(&till, "btc").expected_amount(long)).await.unwrap();
    assert_eq!(made.expected_amount, Some(long), "28 digits arrive");
    let limits = ListPaymentReferences::new().uid("").limit(101).page(0);
    assert_not_sent(&client.send(limits).await.unwrap_err(), &["uid", "limit", "page"]);
}

#[tokio::test]
async fn what_only_the_exchange_knows_is_refused_with_a_hint() {
    let (sandbox, client, till) = exchange().await;
    let refused = async |request: CreatePaymentReference, code: &str| {
        let error = client.send(request).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (Kind::Refused, Outcome::Refused), "{error}");
        assert!(error.has_code(code) && error.hint().is_some(), "{error}");
    };
    let rival = sandbox.account("aggregator").unwrap().uid;
    for uid in [rival.as_str(), "CCT0000000", "x"] {
        refused(CreatePaymentReference::new(uid, "btc"), "sandbox.payment.unknown_uid").await;
    }
    refused(CreatePaymentReference::new(&till, "BTC"), "account.currency.doesnt_exist").await;
    let action = to_bank().max_slippage(dec!(11));
    let request = CreatePaymentReference::new(&till, "btc").deposit_action(action);
    refused(request, "sandbox.payment.invalid_deposit_action").await;
    sandbox.control().set_verification_level("merchant", 0).unwrap();
    let request = CreatePaymentReference::new(&till, "btc");
    refused(request, "sandbox.payment.customer_not_verified").await;

    for id in [0, 999_999, u64::MAX] {
        let error = client.send(GetPaymentReference::new(id)).await.unwrap_err();
        assert_eq!((error.kind(), error.status()), (Kind::NotFound, Some(404)), "{error}");
    }
    let far = client.send(ListPaymentReferences::new().page(u32::MAX)).await.unwrap();
    assert!(far.is_empty());
    let member = capecrypto_probe::client(&sandbox, "maker");
    let error = member.send(ListPaymentReferences::new()).await.unwrap_err();
    assert!(error.kind() == Kind::Auth && error.hint().unwrap().contains("merchants"), "{error}");
}

#[tokio::test]
async fn the_older_version_is_never_asked() {
    let sandbox = Sandbox::builder().profile(Profile::Legacy).start().await.unwrap();
    let client = older_client(&sandbox, "merchant");
    let request = CreatePaymentReference::new("CCT1234567", "btc");
    assert_not_sent(&client.send(request).await.unwrap_err(), &["CreatePaymentReference"]);
    assert_not_sent(
        &client.send(ListPaymentReferences::new()).await.unwrap_err(),
        &["ListPaymentReferences"],
    );
    assert_not_sent(&client.send(GetPaymentReference::new(1)).await.unwrap_err(), &["GetPaymentReference"]);
}

#[tokio::test]
async fn an_answer_about_something_else_is_a_mismatch() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = client(&sandbox, "merchant");
    let answered = async |request: CreatePaymentReference, answer: serde_json::Value| {
        let fault = FaultKind::Answer {
            status: 201,
            body: answer.to_string(),
            content_type: Some("application/json".to_owned()),
        };
        sandbox.control().inject(Fault::next(fault));
        let error = client.send(request).await.err()?;
        assert_eq!((error.kind(), error.outcome()), (Kind::Mismatch, Outcome::Unknown), "{error}");
        Some(error.to_string())
    };
    let fixtures = Fixtures::cape();
    let documented = fixtures.get("create_payment_reference", "response").unwrap().json().unwrap();
    let asked = |currency: &str| {
        let request = CreatePaymentReference::new("ID123456789", currency).expected_amount(dec!(100));
        request.deposit_action(to_bank().max_slippage(dec!(0.5))).webhook(webhook())
    };
    // The documents' sample asks for zar and is answered btc. The amount is not in the answer.
    assert!(answered(asked("zar"), documented.clone()).await.unwrap().contains("currency"));
    assert_eq!(answered(asked("btc"), documented.clone()).await, None);
    for (pointer, value, field) in [
        ("/uid", "\"ID1\"", "uid"),
        ("/deposit_action/action", "\"aggregate\"", "deposit_action.action"),
        ("/deposit_action/target_currency", "\"usdc\"", "deposit_action.target_currency"),
        ("/deposit_action/beneficiary_id", "457", "deposit_action.beneficiary_id"),
        ("/deposit_action/max_slippage", "2", "deposit_action.max_slippage"),
        ("/deposit_action", "null", "deposit_action"),
        ("/state", "\"expired\"", ""),
    ] {
        let mut other = documented.clone();
        *other.pointer_mut(pointer).unwrap() = serde_json::from_str(value).unwrap();
        let error = answered(asked("btc"), other).await;
        assert_eq!(error.is_some(), !field.is_empty(), "{pointer}");
        assert!(error.is_none_or(|error| error.contains(field)), "{pointer}");
    }
    let mut amount = documented.clone();
    amount["expected_amount"] = "100.01".into();
    assert!(answered(asked("btc"), amount).await.unwrap().contains("expected_amount"));
    let mut none = documented;
    none["deposit_action"] = serde_json::Value::Null;
    let nothing = CreatePaymentReference::new("ID123456789", "btc").deposit_action(OnDeposit::none());
    assert_eq!(answered(nothing, none).await, None);
}

#[tokio::test]
async fn the_list_is_walked_and_filtered() {
    let (sandbox, client, till) = exchange().await;
    let own = sandbox.account("merchant").unwrap().uid;
    let mut made = Vec::new();
    for uid in [&till, &own, &till, &till] {
        made.push(client.send(CreatePaymentReference::new(uid, "btc")).await.unwrap().id);
    }
    let ids = async |list: ListPaymentReferences| {
        let rows = client.items(list).try_collect().await.unwrap();
        let mut ids: Vec<_> = rows.into_iter().map(|row| row.id).collect();
        ids.sort_unstable();
        ids
    };
    assert_eq!(ids(ListPaymentReferences::new().limit(1)).await, made);
    made.remove(1);
    assert_eq!(ids(ListPaymentReferences::new().uid(&till).limit(2)).await, made);
}

async fn open(client: &Client) -> Vec<Intent> {
    client.intents().open().await.unwrap()
}

#[tokio::test]
async fn a_reference_of_unknown_outcome_is_found_again() {
    let (sandbox, client, till) = exchange().await;
    let plain = |amount: Decimal| CreatePaymentReference::new(&till, "btc").expected_amount(amount);
    let request = plain(dec!(0.015)).deposit_action(to_bank()).webhook(webhook());
    let sent_at = client.now();
    // Others that do not fit: another amount, another currency, another account.
    client.send(plain(dec!(0.016))).await.unwrap();
    client.send(CreatePaymentReference::new(&till, "eth").expected_amount(dec!(0.015))).await.unwrap();
    let own = sandbox.account("merchant").unwrap().uid;
    client.send(CreatePaymentReference::new(&own, "btc").expected_amount(dec!(0.015))).await.unwrap();
    assert!(request.find(&client, sent_at).await.unwrap().candidates.is_empty());

    sandbox.control().inject(Fault::next(FaultKind::ResetAfterApply).on("POST", "/account/payments"));
    let error = client.send(request.clone()).await.unwrap_err();
    assert_eq!(error.outcome(), Outcome::Unknown, "{error}");
    let found = request.find(&client, sent_at).await.unwrap();
    assert_eq!((found.candidates.len(), found.rows), (1, 3));
    let candidate = &found.candidates[0];
    assert_eq!((candidate.same_amount, candidate.same_action), (Some(true), Some(true)));
    assert!(candidate.has_time && candidate.reference.deposit_action.is_some());

    // After a restart only the intent is left. It has neither the secret nor the address.
    let intents = open(&client).await;
    let written = serde_json::to_string(&intents).unwrap();
    assert!(intents.len() == 1 && error.intent() == Some(intents[0].id()) && !written.contains("c4nary"));
    let again = FindPaymentReference::of_intent(&intents[0]).unwrap().find(&client).await.unwrap();
    assert_eq!(again.candidates.len(), 1);
    assert_eq!(again.candidates[0].reference.id, candidate.reference.id);
    assert_eq!(again.candidates[0].same_action, None);
    client.intents().close(intents[0].id(), "found").await.unwrap();

    // An equal one that was made at the same time cannot be told apart; one with another action can.
    client.send(plain(dec!(0.015)).deposit_action(OnDeposit::aggregate())).await.unwrap();
    let found = request.find(&client, sent_at).await.unwrap();
    let same: Vec<_> = found.candidates.iter().map(|candidate| candidate.same_action).collect();
    assert_eq!(same, [Some(false), Some(true)]);
    // An answer has closed the intent: a program that ends right then finds the reference by what it has stored before.
    assert!(open(&client).await.is_empty());
    // If it was not made, the equal ones are found all the same: only who has made them can leave them out.
    sandbox.control().inject(Fault::next(FaultKind::ResetBeforeApply).on("POST", "/account/payments"));
    assert_eq!(client.send(request.clone()).await.unwrap_err().outcome(), Outcome::Unknown);
    assert_eq!(request.find(&client, sent_at).await.unwrap().candidates.len(), 2);
    let intents = open(&client).await;
    client.intents().close(intents[0].id(), "not made").await.unwrap();
    // Later, and without an amount.
    sandbox.control().advance_clock(600_000);
    let late = sent_at.checked_add(Duration::from_secs(600)).unwrap();
    assert!(request.find(&client, late).await.unwrap().candidates.is_empty());
    assert!(CreatePaymentReference::new("", "btc").search(late).is_none());
    let never = CreatePaymentReference::new("", "btc").find(&client, late).await.unwrap_err();
    assert_eq!(never.kind(), Kind::InvalidArgument);
}

#[tokio::test]
async fn a_row_without_amount_or_time_may_be_the_one() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = client(&sandbox, "merchant");
    let rows = Fixtures::cape();
    let rows = rows.get("list_payment_references", "response").unwrap().json().unwrap();
    let mut bare = rows[0].clone();
    bare["id"] = 124.into();
    bare.as_object_mut().unwrap().remove("created_at");
    let list = serde_json::json!([rows[0], bare, { "id": "x" }]).to_string();
    let fault =
        FaultKind::Answer { status: 200, body: list, content_type: Some("application/json".to_owned()) };
    sandbox.control().inject(Fault::next(fault).times(50));
    let made = "2024-01-15T10:30:00Z".parse().unwrap();
    let request = CreatePaymentReference::new("ID123456789", "btc").expected_amount(dec!(100));
    let found = request.find(&client, made).await.unwrap();
    let told: Vec<_> =
        found.candidates.iter().map(|candidate| (candidate.same_amount, candidate.has_time)).collect();
    assert_eq!(told, [(None, true), (None, false)]);
    assert_eq!(found.unreadable.len(), 1);
}

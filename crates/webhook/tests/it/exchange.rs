//! The whole way with the local exchange: what a webhook tells, and what a reconciliation finds, is the same event.

use crate::{
    queue_store::QueueStore,
    shop::{SECRET, Shop, Told, verifier},
};
use ::axum::{Router, routing::post};
use capecrypto_auth::{Credentials, Environment};
use capecrypto_merchant::{
    account_webhook::CreateWebhook,
    forms::{OnDeposit, WebhookSettings},
    payments::CreatePaymentReference,
};
use capecrypto_models::{Timestamp, Uid, dec};
use capecrypto_rest::Client;
use capecrypto_sandbox::{
    DepositState, NewDeposit, ReferenceDeposit, Sandbox, WebhookDelivery, WebhookFault, WebhookState,
};
use capecrypto_webhook::{Inbox, Receiver, reconcile::Reconcile};
use std::{sync::Arc, time::Duration};
use tokio::net::TcpListener;

/// Polls until this is so, with a deadline.
async fn until(what: &str, done: impl Fn() -> bool) {
    for _ in 0..2_000 {
        if done() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{what}: not after 20 seconds");
}

/// The order of the numbers of the exchange's events does not matter here.
fn sorted(mut keys: Vec<String>) -> Vec<String> {
    keys.sort_unstable();
    keys
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reconciliation_and_a_late_webhook_are_one_event() {
    let (shop, told) = (Shop::default(), Told::default());
    let inbox = Arc::new(Inbox::new(QueueStore::default()));
    let receiver = Receiver::new(verifier(), inbox.clone(), shop.clone()).on(told.observer());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hooks", listener.local_addr().unwrap());
    tokio::spawn(async move { ::axum::serve(listener, Router::new().route("/hooks", post(receiver))).await });

    let sandbox = Sandbox::start().await.unwrap();
    let (control, keys) = (sandbox.control(), sandbox.account("merchant").unwrap());
    let credentials = Credentials::new(&keys.api_key, &keys.secret).unwrap();
    let environment = Environment::local(sandbox.origin()).unwrap();
    let client = Client::builder(environment).credentials(credentials).build().unwrap();
    client.send(CreateWebhook::new(WebhookSettings::hmac(url, SECRET))).await.unwrap();

    // Three payments. Two are made, and none of their webhooks comes.
    let customer: Uid = control.add_customer("merchant").unwrap().parse().unwrap();
    let since = client.now();
    control.disturb_webhooks(None, WebhookFault::Never, 1_000);
    let mut references = Vec::new();
    for action in [OnDeposit::aggregate(), OnDeposit::aggregate(), OnDeposit::none()] {
        let payment = CreatePaymentReference::new(&customer, "zar").deposit_action(action);
        let payment = client.send(payment).await.unwrap();
        inbox.expect(&payment.reference).await.unwrap();
        references.push(payment.reference);
    }
    let deposits: Vec<u64> = references[..2]
        .iter()
        .map(|code| control.deposit_for_reference(code, ReferenceDeposit::new(dec!(1500))).unwrap())
        .collect();
    control.advance_clock(60_000);
    let lost = || {
        let all = control.webhooks(0).into_iter();
        all.filter(|delivery| delivery.state == WebhookState::Dropped).collect::<Vec<WebhookDelivery>>()
    };
    until("six events", || lost().len() == 6).await;
    assert!(shop.given().is_empty());

    let reconcile = Reconcile::new(client).deposits_of(customer, since);
    let report = reconcile.run(&inbox, &shop).await;
    assert!(report.is_complete(), "{report:?}");
    assert_eq!((report.references, report.waiting, report.deposits), (3, 1, 2));
    let expected = |deposit: &u64, code: &str| {
        [
            format!("deposit.accepted/{deposit}"),
            format!("payment_reference.deposit_matched/{code}/{deposit}"),
            format!("payment_reference.completed/{code}/{deposit}"),
        ]
    };
    let expected: Vec<String> =
        deposits.iter().zip(&references).flat_map(|(deposit, code)| expected(deposit, code)).collect();
    assert_eq!(sorted(shop.finished()), sorted(expected.clone()));
    assert!(shop.incoming().iter().all(|incoming| incoming.recovered));
    assert_eq!(inbox.awaited(None, 9).await.unwrap(), [Box::<str>::from(references[2].as_str())]);

    // The webhooks come after all. Each is known.
    control.clear_faults();
    let _ = told.take();
    for delivery in lost() {
        control.send_webhook_again(delivery.number).unwrap();
    }
    until("six answers", || lost().is_empty()).await;
    let duplicates = expected.into_iter().map(|key| format!("duplicate {key}")).collect();
    assert_eq!(sorted(told.take()), sorted(duplicates));
    assert_eq!(shop.given().len(), 6);

    // And the other way: an event that a webhook has told is known to a reconciliation.
    let code = &references[2];
    let deposit = control.deposit_for_reference(code, ReferenceDeposit::new(dec!(1500))).unwrap();
    control.advance_clock(60_000);
    until("its end", || shop.finished().len() == 9).await;
    let completed = format!("payment_reference.completed/{code}/{deposit}");
    assert!(shop.finished().contains(&completed), "{:?}", shop.finished());
    let report = reconcile.run(&inbox, &shop).await;
    assert!(report.is_complete() && report.told.is_empty(), "{report:?}");
    // Its deposit; and the two others, if its end was handled while its match was not.
    assert!(matches!((report.known, shop.given().len()), (3 | 5, 9)), "{report:?}");
}

/// As `docs/PAYMENTS.md` says it: no webhook comes, and everything is found by runs every 15 minutes.
#[tokio::test]
async fn what_comes_late_or_for_a_customer_is_found_by_the_next_runs() {
    let sandbox = Sandbox::start().await.unwrap();
    let (control, keys) = (sandbox.control(), sandbox.account("merchant").unwrap());
    let credentials = Credentials::new(&keys.api_key, &keys.secret).unwrap();
    let environment = Environment::local(sandbox.origin()).unwrap();
    let client = Client::builder(environment).credentials(credentials).build().unwrap();
    let (inbox, shop) = (Inbox::new(QueueStore::default()), Shop::default());
    let customer: Uid = control.add_customer("merchant").unwrap().parse().unwrap();
    let payment = CreatePaymentReference::new(&customer, "zar").deposit_action(OnDeposit::aggregate());
    let code = client.send(payment).await.unwrap().reference;
    inbox.expect(&code).await.unwrap();
    control.deposit_for_reference(&code, ReferenceDeposit::new(dec!(1500))).unwrap();
    let submitted = NewDeposit::new("btc", dec!(0.5)).state(DepositState::Submitted);
    let late = control.add_deposit("merchant", submitted).unwrap();
    control.advance_clock(60_000);

    let before = Duration::from_secs(48 * 3600);
    let run = async |last: Timestamp| {
        let since = last.checked_sub(before).unwrap();
        let reconcile = Reconcile::new(client.clone()).deposits(since).deposits_of(customer.clone(), since);
        let report = reconcile.run(&inbox, &shop).await;
        assert!(report.is_complete(), "{report:?}");
        sorted(report.told.iter().map(ToString::to_string).collect())
    };
    let last = client.now();
    assert!(run(last).await.contains(&format!("payment_reference.completed/{code}/{}", late - 1)));
    assert!(inbox.awaited(None, 1).await.unwrap().is_empty());

    control.advance_clock(15 * 60_000);
    let last = client.now();
    assert_eq!(run(last).await, [""; 0]);
    control.set_deposit_state(late, DepositState::Accepted).unwrap();
    let further = control.deposit_for_reference(&code, ReferenceDeposit::new(dec!(7))).unwrap();
    control.advance_clock(60_000);

    // The deposits of the own account since the last run have neither.
    let report = Reconcile::new(client.clone()).deposits(last).run(&inbox, &shop).await;
    assert_eq!((report.deposits, report.is_complete()), (0, true));
    assert_eq!(run(last).await, [late, further].map(|deposit| format!("deposit.accepted/{deposit}")));
}

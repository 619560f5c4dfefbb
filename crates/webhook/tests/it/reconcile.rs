//! After a downtime: what no webhook has told is read from the exchange.

use crate::{
    queue_store::{Fault, QueueStore},
    shop::{Act, SECRET, Shop, Told, verifier},
};
use capecrypto_auth::{Clock, Credentials, Environment};
use capecrypto_models::{DepositId, PaymentReferenceId, Timestamp};
use capecrypto_rest::Client;
use capecrypto_webhook::{
    EventKey, Inbox, Receiver, Taken,
    reconcile::{Reconcile, Report, Subject, Untold, Why},
    testing,
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers::any};

const PAYMENTS: &str = "/api/v2/atlas/account/payments";
const DEPOSITS: &str = "/api/v2/atlas/account/deposits";

fn now() -> Timestamp {
    "2026-03-10T12:00:00Z".parse().unwrap()
}

/// An exchange with these answers by path; a list is answered in pages.
struct Exchange {
    server: MockServer,
    client: Client,
}

impl Exchange {
    async fn of(answers: impl IntoIterator<Item = (String, Value)>) -> Self {
        let answers: BTreeMap<String, Value> = answers.into_iter().collect();
        let server = MockServer::start().await;
        let answer = move |request: &Request| {
            let query = |name: &str| {
                let pair = request.url.query_pairs().find(|(key, _)| key == name);
                pair.and_then(|(_, value)| value.parse::<usize>().ok())
            };
            match answers.get(request.url.path()) {
                Some(Value::Array(rows)) => {
                    let (limit, page) = (query("limit").unwrap_or(100), query("page").unwrap_or(1));
                    let rows_of_page: Vec<_> = rows.iter().skip((page - 1) * limit).take(limit).collect();
                    let total = rows.len().to_string();
                    ResponseTemplate::new(200).insert_header("Total", &*total).set_body_json(rows_of_page)
                }
                Some(Value::Number(status)) => {
                    let status = u16::try_from(status.as_u64().unwrap()).unwrap();
                    ResponseTemplate::new(status).set_body_json(json!({"errors": ["authz.denied"]}))
                }
                Some(row) => ResponseTemplate::new(200).set_body_json(row),
                None => ResponseTemplate::new(404).set_body_json(json!({"errors": ["record.not_found"]})),
            }
        };
        Mock::given(any()).respond_with(answer).mount(&server).await;
        let time = Clock::manual(u64::try_from(now().as_unix_millis()).unwrap()).0;
        let client = Client::builder(Environment::local(&server.uri()).unwrap())
            .credentials(Credentials::new("sandbox_x", "y").unwrap())
            .clock(time)
            .rate(None)
            .build()
            .unwrap();
        Self { server, client }
    }

    /// The paths that were read, with the account. Nothing was written.
    async fn read(&self) -> Vec<String> {
        let requests = self.server.received_requests().await.unwrap();
        let read = requests.iter().map(|request| {
            assert_eq!(request.method.as_str(), "GET", "a write");
            let account = request.headers.get("x-auth-subaccount-uid");
            let account = account.map(|uid| format!(" of {}", uid.to_str().unwrap())).unwrap_or_default();
            let path = request.url.path().strip_prefix("/api/v2/atlas/account").unwrap();
            format!("{path}{account}")
        });
        read.collect()
    }
}

fn reference(id: u64, state: &str, deposit: Option<u64>) -> Value {
    let row = json!({
        "id": id, "reference": format!("PAY-{id}"), "uid": "CCT1", "currency": "btc", "state": state,
        "created_at": "2026-03-01T08:00:00Z",
    });
    match deposit {
        Some(deposit) => with(row, json!({"deposit_id": deposit})),
        None => row,
    }
}

fn deposit(id: u64, state: &str, created: &str) -> Value {
    json!({"id": id, "currency": "btc", "amount": "0.1", "state": state, "created_at": created, "txid": "t"})
}

fn with(mut row: Value, more: Value) -> Value {
    let Value::Object(more) = more else { panic!("no object") };
    row.as_object_mut().unwrap().extend(more);
    row
}

fn single(of: &str, id: u64, row: Value) -> (String, Value) {
    (format!("{of}/{id}"), row)
}

async fn awaiting(references: impl IntoIterator<Item = u64>) -> Inbox<QueueStore> {
    let inbox = Inbox::new(QueueStore::default());
    for id in references {
        inbox.expect(&format!("PAY-{id}")).await.unwrap();
    }
    inbox
}

fn told(report: &Report) -> Vec<&str> {
    report.told.iter().map(EventKey::as_str).collect()
}

fn names(names: &[Box<str>]) -> Vec<&str> {
    names.iter().map(AsRef::as_ref).collect()
}

fn of_reference(id: u64, why: Why) -> (Subject, Why) {
    (Subject::Reference(format!("PAY-{id}").into()), why)
}

fn untold(report: &Report) -> Vec<(Subject, Why)> {
    report.untold.iter().map(|Untold { subject, why, .. }| (subject.clone(), why.clone())).collect()
}

const FRESH: &str = "2026-03-09T09:00:00Z";

#[tokio::test]
async fn what_the_list_shows_is_told_once() {
    let rows = json!([
        reference(1, "pending_deposit", None),
        reference(2, "pending_withdraw", Some(20)),
        with(reference(3, "completed", Some(30)), json!({"usage_count": 3, "withdraw_id": 9})),
        with(reference(4, "failed", Some(40)), json!({"error": "slippage"})),
        // The list leaves the number of the deposit out.
        reference(5, "completed", None),
        // Not awaited.
        reference(6, "completed", Some(60)),
        reference(7, "expired", None),
    ]);
    let answers = [
        (PAYMENTS.to_owned(), rows),
        single(PAYMENTS, 5, reference(5, "completed", Some(50))),
        single(DEPOSITS, 20, deposit(20, "accepted", FRESH)),
        single(DEPOSITS, 30, deposit(30, "collected", FRESH)),
        single(DEPOSITS, 40, deposit(40, "accepted", FRESH)),
    ];
    let exchange = Exchange::of(answers).await;
    let inbox = awaiting([1, 2, 3, 4, 5, 7, 8]).await;
    let (shop, seen) = (Shop::default(), Told::default());
    let reconcile = Reconcile::new(exchange.client.clone()).on(seen.observer());
    let report = reconcile.run(&inbox, &shop).await;
    let all = [
        "payment_reference.deposit_matched/PAY-2/20",
        "payment_reference.deposit_matched/PAY-3/30",
        "payment_reference.completed/PAY-3/30",
        "payment_reference.deposit_matched/PAY-4/40",
        "payment_reference.failed/PAY-4/40",
        "payment_reference.completed/PAY-5/50",
    ];
    assert_eq!(told(&report), all);
    assert_eq!((shop.given(), inbox.store().effects().len()), (all.map(str::to_owned).to_vec(), 6));
    assert!(
        shop.incoming().iter().all(|incoming| incoming.recovered && incoming.event.created_at().is_none())
    );
    assert_eq!(shop.incoming()[2].known.len(), 1, "it knows of the match");
    assert_eq!((report.references, report.waiting, report.known), (6, 1, 0));
    assert_eq!(
        untold(&report),
        [
            of_reference(3, Why::UsedOften(3)),
            of_reference(5, Why::NoDeposit(50.into())),
            of_reference(7, Why::UnknownState("expired".into())),
        ]
    );
    let texts: Vec<String> = report.untold.iter().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        [
            "payment reference PAY-3: 3 deposits have come for it: look for the further ones in the account of its customer",
            "payment reference PAY-5: the exchange does not show its deposit 50: look for the amount in the account of its customer",
            "payment reference PAY-7: this version does not know the state 'expired': look it up, and use a newer version",
        ]
    );
    assert_eq!(names(&report.unread), ["PAY-8"]);
    assert!(report.errors.is_empty() && report.stopped.is_none() && !report.is_complete(), "{report:?}");
    assert_eq!(seen.take().len(), 12);
    let read = exchange.read().await;
    let deposits = |id: u64| format!("/deposits/{id} of CCT1");
    let expected = ["/payments", &deposits(20), &deposits(30), &deposits(40), "/payments/5", &deposits(50)];
    assert_eq!(read, expected);

    // What is final is not awaited any more, and the rest is known.
    assert_eq!(names(&inbox.awaited(None, 9).await.unwrap()), ["PAY-1", "PAY-2", "PAY-7", "PAY-8"]);
    let report = reconcile.run(&inbox, &shop).await;
    assert_eq!((told(&report), report.known, shop.given().len()), (vec![], 1, 6));
}

#[tokio::test]
async fn a_webhook_and_a_reconciliation_are_the_same_event() {
    let rows = json!([reference(1, "completed", Some(456)), reference(2, "completed", Some(456))]);
    let deposit = single(DEPOSITS, 456, deposit(456, "accepted", FRESH));
    let exchange = Exchange::of([(PAYMENTS.to_owned(), rows), deposit]).await;
    let (inbox, shop) = (Arc::new(awaiting([1, 2]).await), Shop::default());
    let receiver =
        Receiver::new(verifier(), inbox.clone(), shop.clone()).clock(exchange.client.clock().clone());
    let deliver = async |sample: testing::Sample| {
        let delivery = sample.at(FRESH.parse().unwrap()).signed(SECRET);
        receiver.receive_request(&delivery.headers(), delivery.body.as_bytes()).await.text
    };
    assert_eq!(deliver(testing::deposit_matched().reference("PAY-1")).await, "handled");
    let report = Reconcile::new(exchange.client.clone()).run(&inbox, &shop).await;
    assert_eq!((report.told.len(), report.known, report.is_complete()), (3, 1, true));
    for reference in ["PAY-1", "PAY-2"] {
        assert_eq!(deliver(testing::completed().reference(reference)).await, "handled before");
        assert_eq!(deliver(testing::deposit_matched().reference(reference)).await, "handled before");
    }
    assert_eq!(shop.given().len(), 4);
}

/// The end closes the payment reference only if nothing of it is left to do.
#[tokio::test]
async fn a_match_that_failed_is_told_again_after_the_end_was_handled() {
    let rows = json!([reference(1, "completed", Some(456))]);
    let deposit = single(DEPOSITS, 456, deposit(456, "accepted", FRESH));
    let exchange = Exchange::of([(PAYMENTS.to_owned(), rows), deposit]).await;
    let (inbox, shop) = (awaiting([1]).await.attempts(3), Shop::acting([Act::Fail("no")]));
    let reconcile = Reconcile::new(exchange.client.clone());
    let matched = ["payment_reference.deposit_matched/PAY-1/456"];
    let report = reconcile.run(&inbox, &shop).await;
    assert_eq!(told(&report), ["payment_reference.completed/PAY-1/456"]);
    assert_eq!(report.failed.iter().map(EventKey::as_str).collect::<Vec<_>>(), matched);
    assert_eq!(names(&inbox.awaited(None, 9).await.unwrap()), ["PAY-1"]);
    let report = reconcile.run(&inbox, &shop).await;
    assert_eq!((told(&report), report.known, report.is_complete()), (matched.to_vec(), 1, true));
    assert!(inbox.awaited(None, 9).await.unwrap().is_empty());
    assert_eq!(inbox.store().effects().len(), 2);
}

#[tokio::test]
async fn one_that_cannot_be_read_does_not_stop_the_others() {
    let answers = [
        single(PAYMENTS, 1, json!(403)),
        single(PAYMENTS, 2, reference(2, "completed", Some(20))),
        single(DEPOSITS, 20, json!(403)),
        single(PAYMENTS, 3, with(reference(3, "completed", Some(30)), json!({"reference": "PAY-33"}))),
        single(PAYMENTS, 5, reference(5, "pending_deposit", None)),
        (PAYMENTS.to_owned(), json!([reference(6, "pending_deposit", None)])),
    ];
    let exchange = Exchange::of(answers).await;
    let (inbox, shop) = (awaiting([1, 2, 3, 4, 5, 6]).await, Shop::default());
    let number = |code: &str| {
        let number: u64 = code.strip_prefix("PAY-")?.parse().ok()?;
        (number != 6).then(|| PaymentReferenceId::new(number))
    };
    let report = Reconcile::new(exchange.client.clone()).numbers(number).run(&inbox, &shop).await;
    assert_eq!(told(&report), ["payment_reference.completed/PAY-2/20"]);
    let errors: Vec<_> = report.errors.iter().map(|error| error.subject.clone()).collect();
    assert_eq!(errors, [1, 2, 4].map(|id| Subject::Reference(format!("PAY-{id}").into())));
    assert_eq!(
        untold(&report),
        [of_reference(2, Why::NoDeposit(20.into())), of_reference(3, Why::OtherReference(3.into()))]
    );
    assert_eq!((report.references, report.waiting), (3, 2));
    assert_eq!(names(&report.unread), ["PAY-1", "PAY-4"]);
    // The list was read only for the one without a number.
    assert_eq!(exchange.read().await.iter().filter(|path| *path == "/payments").count(), 1);
}

#[tokio::test]
async fn an_exchange_that_is_down_is_not_asked_for_each_reference() {
    let exchange = Exchange::of((1..=40).map(|id| single(PAYMENTS, id, json!(403)))).await;
    let (inbox, shop) = (awaiting(1..=40).await, Shop::default());
    let number = |code: &str| code.strip_prefix("PAY-")?.parse().ok();
    let report = Reconcile::new(exchange.client.clone()).numbers(number).run(&inbox, &shop).await;
    assert_eq!((report.errors.len(), report.unread.len(), exchange.read().await.len()), (10, 40, 10));
}

#[tokio::test]
async fn many_references_are_read_in_pages() {
    let rows: Vec<Value> = (1..=350).map(|id| reference(id, "completed", Some(id))).collect();
    let mut answers = vec![(PAYMENTS.to_owned(), Value::from(rows))];
    answers.extend((1..=350).map(|id| single(DEPOSITS, id, deposit(id, "accepted", FRESH))));
    let exchange = Exchange::of(answers).await;
    // More than the store is asked for at once; the list ends when all were seen.
    let (inbox, shop) = (awaiting((1..=250).chain(1_000..1_400)).await, Shop::default());
    let report = Reconcile::new(exchange.client.clone()).run(&inbox, &shop).await;
    assert_eq!((report.references, report.told.len(), report.unread.len()), (250, 500, 400));
    let (inbox, lists) = (awaiting([5, 105]).await, exchange.read().await.len());
    let report = Reconcile::new(exchange.client.clone()).run(&inbox, &shop).await;
    assert!(report.is_complete(), "{report:?}");
    assert_eq!(exchange.read().await.len() - lists, 4, "two pages and two deposits");
}

#[tokio::test]
async fn deposits_are_told_as_far_as_keys_are_kept() {
    let rows = json!([
        deposit(9, "submitted", "2026-03-10T11:00:00Z"),
        deposit(8, "accepted", FRESH),
        deposit(7, "rejected", FRESH),
        deposit(6, "on_hold_travel_rule_customer", FRESH),
        deposit(5, "frozen", FRESH),
        // Seen long ago, and accepted lately.
        with(deposit(4, "collected", "2026-03-02T09:00:00Z"), json!({"completed_at": FRESH})),
        deposit(3, "accepted", "2026-03-02T09:00:00Z"),
        deposit(2, "rejected", "2026-03-02T09:00:00Z"),
        deposit(1, "accepted", "2026-02-01T09:00:00Z"),
    ]);
    let exchange = Exchange::of([(DEPOSITS.to_owned(), rows)]).await;
    let (inbox, shop) = (awaiting([]).await, Shop::acting([Act::Finish, Act::Fail("no")]));
    // The store knows this one: its handler has failed once.
    let old = capecrypto_models::DepositEventKind::Rejected;
    let event = testing::deposit(old).deposit(DepositId::new(2)).event().unwrap();
    let taken = inbox.recover(&event, &EventKey::of(&event), now()).await.unwrap();
    let Taken::Run(work) = taken else { panic!("known") };
    let _ = work.fail("no", now()).await.unwrap();

    let since = "2026-03-01T00:00:00Z".parse().unwrap();
    let reconcile = Reconcile::new(exchange.client.clone()).deposits(since);
    let reconcile = reconcile.deposits_of("CCT7".parse().unwrap(), now());
    let report = reconcile.run(&inbox, &shop).await;
    let expected =
        ["deposit.accepted/8", "deposit.travel_rule_required/6", "deposit.accepted/4", "deposit.rejected/2"];
    assert_eq!(told(&report), expected);
    assert_eq!(report.failed.iter().map(EventKey::as_str).collect::<Vec<_>>(), ["deposit.rejected/7"]);
    let too_old = Why::TooOld("2026-03-02T09:00:00Z".parse().unwrap());
    assert_eq!(
        untold(&report),
        [
            (Subject::Deposit(5.into()), Why::UnknownState("frozen".into())),
            (Subject::Deposit(3.into()), too_old),
        ]
    );
    assert_eq!((report.deposits, report.known, report.is_complete()), (8, 0, false));
    assert_eq!(exchange.read().await, ["/deposits", "/deposits of CCT7"]);
    let report = reconcile.run(&inbox, &shop).await;
    assert_eq!((told(&report), report.known), (vec!["deposit.rejected/7"], 4));
}

#[tokio::test]
async fn the_list_of_deposits_ends_where_all_are_too_old() {
    let rows = (0..350)
        .map(|id| deposit(1_000 - id, "accepted", if id < 150 { FRESH } else { "2026-02-01T09:00:00Z" }));
    let exchange = Exchange::of([(DEPOSITS.to_owned(), rows.collect())]).await;
    let (inbox, shop) = (awaiting([]).await, Shop::default());
    let since = "2026-03-01T00:00:00Z".parse().unwrap();
    let report = Reconcile::new(exchange.client.clone()).deposits(since).run(&inbox, &shop).await;
    assert_eq!((report.told.len(), report.deposits, report.is_complete()), (150, 150, true));
    assert_eq!(exchange.read().await.len(), 3);
}

#[tokio::test]
async fn running_and_dead_events_are_reported() {
    let rows = json!([reference(1, "completed", Some(10)), reference(2, "completed", Some(20))]);
    let exchange = Exchange::of([(PAYMENTS.to_owned(), rows)]).await;
    let (inbox, shop) = (awaiting([1, 2]).await.attempts(1), Shop::default());
    let completed = |reference: &str, deposit: u64| {
        let event =
            testing::completed().reference(reference).deposit(DepositId::new(deposit)).event().unwrap();
        (EventKey::of(&event), event)
    };
    let (first, event) = completed("PAY-1", 10);
    let running = inbox.recover(&event, &first, now()).await.unwrap();
    let (second, event) = completed("PAY-2", 20);
    let Taken::Run(work) = inbox.recover(&event, &second, now()).await.unwrap() else { panic!() };
    let _ = work.fail("no", now()).await.unwrap();
    let report = Reconcile::new(exchange.client.clone()).run(&inbox, &shop).await;
    assert_eq!(
        (report.running.clone(), report.dead.clone(), report.told.len()),
        (vec![first], vec![second], 0)
    );
    assert!(!report.is_complete() && shop.given().is_empty());
    drop(running);
}

#[tokio::test]
async fn a_store_that_is_down_ends_the_walk() {
    let rows = json!([reference(1, "failed", Some(10)), reference(2, "failed", Some(20))]);
    let exchange = Exchange::of([(PAYMENTS.to_owned(), rows)]).await;
    let (inbox, shop) = (awaiting([1, 2]).await, Shop::default());
    let reconcile = Reconcile::new(exchange.client.clone()).deposits(now());
    for (fault, given, read) in [(Fault::Down, 0, 0), (Fault::EndsFail, 1, 2)] {
        inbox.store().break_it(fault);
        let report = reconcile.run(&inbox, &shop).await;
        assert_eq!(report.stopped.as_ref().unwrap().to_string(), "the database is gone");
        assert_eq!((shop.given().len(), report.failed.len()), (given, given));
        assert_eq!((exchange.read().await.len(), report.is_complete()), (read, false));
    }
}

#[tokio::test]
async fn a_list_that_breaks_off_is_told_as_an_error() {
    let exchange = Exchange::of([(PAYMENTS.to_owned(), json!(403)), (DEPOSITS.to_owned(), json!(403))]).await;
    let (inbox, shop) = (awaiting([1]).await, Shop::default());
    let since = now().checked_sub(Duration::from_secs(3600)).unwrap();
    let reconcile = Reconcile::new(exchange.client.clone()).deposits(since);
    // It can run in a task of its own.
    let report = tokio::spawn(async move { reconcile.run(&inbox, &shop).await }).await.unwrap();
    let errors: Vec<_> = report.errors.iter().map(|error| error.subject.clone()).collect();
    assert_eq!(errors, [Subject::References, Subject::Deposits(None)]);
    let text = report.errors[0].to_string();
    assert!(
        text.starts_with("the list of payment references: ListPaymentReferences (GET /account/"),
        "{text}"
    );
    assert_eq!(names(&report.unread), ["PAY-1"]);
}

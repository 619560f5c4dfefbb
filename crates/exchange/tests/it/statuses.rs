//! Every status that the documents name, for one call of each kind: how it arrives, and with which advice.

use capecrypto_exchange::{
    account::{DeleteBeneficiary, ExportTransactions, GetBalance, ListTransactions},
    public::ListMarkets,
    trading::CreateOrder,
};
use capecrypto_models::{Side, dec};
use capecrypto_probe::client;
use capecrypto_rest::{Error, Kind, Outcome};
use capecrypto_sandbox::{Fault, FaultKind, Sandbox};
use std::time::Duration;

/// A status with a body of the exchange, the kind of error it becomes, and whether it proves that a write was not done.
const STATUSES: [(u16, &str, Kind, bool); 9] = [
    (400, "server.method.invalid_message_body", Kind::Refused, true),
    (401, "authz.invalid_signature", Kind::Auth, true),
    (403, "authz.invalid_permission", Kind::Auth, true),
    (404, "record.not_found", Kind::NotFound, true),
    (405, "server.method_not_allowed", Kind::Refused, true),
    (409, "webhook.already_exists", Kind::Refused, true),
    (422, "account.currency.doesnt_exist", Kind::Refused, true),
    (500, "server.internal_error", Kind::Server, false),
    (503, "server.maintenance", Kind::Maintenance, false),
];

/// The codes of this list that people meet: the error says what to do.
const HINTED: [&str; 4] = [
    "authz.invalid_signature",
    "authz.invalid_permission",
    "record.not_found",
    "account.currency.doesnt_exist",
];

/// Sends one call of each kind: public, one record, a page, a table, a write with a body, a write without.
async fn each_kind(sandbox: &Sandbox) -> Vec<(&'static str, bool, Error)> {
    // A new client for each call: after a 429 a client waits before its next call.
    let client = || client(sandbox, "maker");
    let mut table = Vec::new();
    let order = CreateOrder::limit("btczar", Side::Buy, dec!(0.001), dec!(1_000));
    let history = ListTransactions::new();
    let errors = [
        ("public", false, client().send(ListMarkets::new()).await.map(drop)),
        ("record", false, client().send(GetBalance::new("zar")).await.map(drop)),
        ("page", false, client().send(history.clone()).await.map(drop)),
        ("table", false, client().export(ExportTransactions::of(history), &mut table).await.map(drop)),
        ("write with a body", true, client().send(order).await.map(drop)),
        ("write without", true, client().send(DeleteBeneficiary::new(7)).await.map(drop)),
    ];
    assert!(table.is_empty(), "nothing of a refused table is written");
    errors.into_iter().map(|(kind, writes, result)| (kind, writes, result.unwrap_err())).collect()
}

#[tokio::test]
async fn every_status_arrives_typed_with_its_codes() {
    let sandbox = Sandbox::start().await.unwrap();
    for (status, code, kind, refused) in STATUSES {
        let body = format!(r#"{{"errors":["{code}"]}}"#);
        let content_type = Some("application/json".to_owned());
        sandbox.control().inject(Fault::next(FaultKind::Answer { status, body, content_type }).times(1_000));
        for (call, writes, error) in each_kind(&sandbox).await {
            assert_eq!((error.kind(), error.status()), (kind, Some(status)), "{call}: {error}");
            assert_eq!(error.codes(), [code], "{call}");
            if HINTED.contains(&code) {
                assert!(
                    error.hint().is_some() && error.to_string().contains(error.hint().unwrap()),
                    "{call} {code}"
                );
            }
            if writes {
                let outcome = if refused { Outcome::Refused } else { Outcome::Unknown };
                assert_eq!((error.outcome(), error.attempts()), (outcome, 1), "{call} {status}");
            }
        }
        sandbox.control().clear_faults();
    }
}

/// A gateway limits requests, so a 429 proves nothing about a write.
#[tokio::test]
async fn too_many_requests_says_how_long_to_wait() {
    let sandbox = Sandbox::start().await.unwrap();
    let fault = FaultKind::TooManyRequests { retry_after_s: Some(120) };
    sandbox.control().inject(Fault::next(fault).times(1_000));
    for (call, writes, error) in each_kind(&sandbox).await {
        assert_eq!((error.kind(), error.status()), (Kind::RateLimited, Some(429)), "{call}: {error}");
        assert_eq!((error.retry_after(), error.attempts()), (Some(Duration::from_secs(120)), 1), "{call}");
        assert!(!writes || error.outcome() == Outcome::Unknown, "{call}");
    }
}

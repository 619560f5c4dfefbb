//! Recordings for a program's own tests: its calls are recorded once, then answered from the file.

use crate::dec;
use capecrypto_auth::{Credentials, Environment};
use capecrypto_exchange::{
    account::{ExportTransactions, ListBalances, ListTransactions},
    public, trading,
};
use capecrypto_models::Side;
use capecrypto_rest::{Client, Kind, Outcome, Recorder, Recording, Replay};
use capecrypto_sandbox::Sandbox;
use serde_json::json;

fn recording(sandbox: &Sandbox, recorder: &Recorder) -> Client {
    let keys = sandbox.account("maker").unwrap();
    let credentials = Credentials::new(&keys.api_key, &keys.secret).unwrap();
    let builder = Client::builder(Environment::local(sandbox.origin()).unwrap());
    builder.credentials(credentials).record(recorder).build().unwrap()
}

/// A client that answers from a recording, with other keys and without reaching an exchange.
fn replaying(replay: &Replay) -> Client {
    let credentials = Credentials::new("any-key", "any-secret").unwrap();
    Client::builder(Environment::live()).credentials(credentials).replay(replay).build().unwrap()
}

fn order() -> trading::CreateOrder {
    trading::CreateOrder::limit("btczar", Side::Sell, dec("0.001"), dec("900000"))
}

async fn a_day(client: &Client) -> (String, usize, String, Outcome) {
    let market = client.send(public::ListMarkets::new()).await.unwrap()[0].name.clone();
    // An order without an id gets another random id each time, so a test has to set one.
    let placed = client.send(order().custom_order_id("mine-1")).await.unwrap();
    let balances = client.send(ListBalances::new()).await.unwrap().len();
    let unknown = client.send(trading::CancelOrder::new(999_999_999)).await.unwrap_err();
    (market, balances, placed.market.to_string(), unknown.outcome())
}

#[tokio::test]
async fn a_day_at_the_sandbox_is_replayed_without_it() {
    let sandbox = Sandbox::start().await.unwrap();
    let recorder = Recorder::new();
    let first = a_day(&recording(&sandbox, &recorder)).await;
    let text = recorder.recording().to_json();
    let keys = sandbox.account("maker").unwrap();
    assert!(!text.contains(&keys.api_key) && !text.contains(&keys.secret), "{text}");
    sandbox.shutdown().await;
    let replay = Replay::new(Recording::from_json(&text).unwrap());
    assert_eq!(a_day(&replaying(&replay)).await, first);
    assert!(replay.unused().is_empty());
}

#[tokio::test]
async fn an_id_that_was_made_is_named_as_what_differs() {
    let sandbox = Sandbox::start().await.unwrap();
    let recorder = Recorder::new();
    recording(&sandbox, &recorder).send(order()).await.unwrap();
    sandbox.shutdown().await;
    let error = replaying(&Replay::new(recorder.recording())).send(order()).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::NotRecorded, Outcome::NotSent));
    assert!(error.to_string().contains("sends something else at .custom_order_id;"), "{error}");
}

#[tokio::test]
async fn what_is_personal_in_the_history_is_left_out_and_can_still_be_read() {
    let sandbox = Sandbox::start().await.unwrap();
    let line = json!({
        "type": "deposit", "credit_currency": "zar", "credit_amount": "1.50", "voucher_pin": "canary-1",
        "change_voucher_pin": "canary-2", "sender": "canary-3", "receiver": "canary-4",
        "member_description": "canary-5",
    });
    sandbox.control().add_transaction("maker", &line.to_string()).unwrap();
    let recorder = Recorder::new();
    let read = async |client: Client| {
        let rows = client.send(ListTransactions::new()).await.unwrap();
        let mut table = Vec::new();
        client.export(ExportTransactions::default(), &mut table).await.unwrap();
        (rows[0].credit_amount, rows[0].voucher_pin.is_some(), String::from_utf8(table).unwrap())
    };
    let (amount, has_pin, table) = read(recording(&sandbox, &recorder)).await;
    assert!(
        table.contains("canary-1") && table.contains("canary-5"),
        "the table itself contains what the recording leaves out"
    );
    sandbox.shutdown().await;
    let text = recorder.recording().to_json();
    assert!(!text.contains("canary"), "{text}");
    let (same, still, masked) = read(replaying(&Replay::new(recorder.recording()))).await;
    assert_eq!((same, still), (amount, has_pin));
    assert_eq!(masked.lines().count(), table.lines().count());
}

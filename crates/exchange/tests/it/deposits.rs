//! Deposits and the addresses for them: through the sandbox, and by recorded answers on a paused clock.

use crate::{client, client_of, dec};
use capecrypto_auth::{Credentials, Environment};
use capecrypto_exchange::account::{AddressError, GetDeposit, GetDepositAddress, ListDeposits};
use capecrypto_models::{Confirmations, DepositState};
use capecrypto_rest::{Client, Kind, Outcome, Recording, Replay};
use capecrypto_sandbox::{DepositState as Sandboxed, NewDeposit, Profile, Sandbox};
use http::Method;
use std::time::Duration;
use tokio::time::Instant;

const ADDRESS: &str = "/api/v2/atlas/account/deposit_address/btc";
const PENDING: &str = r#"{"currencies":["btc"],"address":null,"state":"pending"}"#;
const READY: &str = r#"{"currencies":["btc"],"address":"bc1q","state":"active"}"#;

/// A client that answers from a recording, without a socket, so that a test can use a paused clock.
fn replaying(answers: &[(u16, &str)]) -> Client {
    let one = |recording: Recording, (status, body): &(u16, &str)| {
        recording.answer(Method::GET, ADDRESS, *status, body)
    };
    let replay = Replay::new(answers.iter().fold(Recording::new(), one));
    let credentials = Credentials::new("any-key", "any-secret").unwrap();
    Client::builder(Environment::live()).credentials(credentials).replay(&replay).build().unwrap()
}

async fn until_ready(answers: &[(u16, &str)], within_ms: u64) -> (Result<String, AddressError>, Duration) {
    let started = Instant::now();
    let request = GetDepositAddress::new("btc");
    let address = request.until_ready(&replaying(answers), Duration::from_millis(within_ms)).await;
    (address.map(|address| address.address.unwrap()), started.elapsed())
}

#[tokio::test(start_paused = true)]
async fn an_address_is_asked_for_until_it_exists() {
    let (address, took) = until_ready(&[(200, READY)], 0).await;
    assert_eq!((address.unwrap().as_str(), took), ("bc1q", Duration::ZERO));
    // "The result may return empty": also a body without anything in it.
    let answers = [(200, PENDING), (200, ""), (200, "null"), (200, r#"{"currency":"btc","address":""}"#)];
    let (address, took) = until_ready(&[&answers[..], &[(200, READY)]].concat(), 60_000).await;
    assert_eq!(
        (address.unwrap().as_str(), took),
        ("bc1q", Duration::from_millis(500 + 1_000 + 2_000 + 4_000))
    );
}

#[tokio::test(start_paused = true)]
async fn the_waits_grow_and_stay_short() {
    let (address, took) =
        until_ready(&[[(200, PENDING); 7].as_slice(), &[(200, READY)]].concat(), 60_000).await;
    // 0.5 + 1 + 2 + 4 + 5 + 5 + 5
    assert_eq!((address.is_ok(), took), (true, Duration::from_millis(22_500)));
}

#[tokio::test(start_paused = true)]
async fn the_deadline_is_kept_and_its_error_says_what_was_done() {
    // 0, 0.5, 1.5, and the last one at the deadline.
    let (address, took) = until_ready(&[(200, PENDING); 4], 3_000).await;
    let error = address.unwrap_err();
    assert_eq!(took, Duration::from_secs(3));
    assert!(matches!(error, AddressError::NotReady { asked: 4, waited } if waited == took), "{error:?}");
    assert!(error.to_string().contains("after 3 s, asked 4 times"), "{error}");
    let (address, took) = until_ready(&[(200, PENDING)], 0).await;
    assert!(matches!(address, Err(AddressError::NotReady { asked: 1, .. })));
    assert_eq!(took, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_question_that_fails_ends_the_waiting() {
    let refused = r#"{"errors":["account.currency.deposit_disabled"]}"#;
    let (address, _) = until_ready(&[(200, PENDING), (422, refused)], 60_000).await;
    let Err(AddressError::Call(error)) = address else { panic!("{address:?}") };
    assert!(error.has_code("account.currency.deposit_disabled") && error.hint().is_some(), "{error}");
    // Something that is no address, and the address of another currency.
    let other = r#"{"currencies":["eth"],"address":"0x1","state":"active"}"#;
    for (body, kind) in [("<html></html>", Kind::Decode), ("7", Kind::Decode), (other, Kind::Mismatch)] {
        let (address, _) = until_ready(&[(200, body)], 60_000).await;
        let Err(AddressError::Call(error)) = address else { panic!("{address:?}") };
        assert_eq!(error.kind(), kind, "{error}");
    }
    let request = GetDepositAddress::new("../x");
    let refused = request.until_ready(&replaying(&[]), Duration::ZERO).await;
    let Err(AddressError::Call(error)) = refused else { panic!("{refused:?}") };
    assert_eq!((error.kind(), error.outcome()), (Kind::InvalidArgument, Outcome::NotSent));
}

#[tokio::test]
async fn the_sandbox_makes_an_address_with_its_tag() {
    for profile in [Profile::Docs, Profile::Legacy] {
        let builder = Sandbox::builder().profile(profile).address_after(Duration::ZERO);
        let sandbox = builder.start().await.unwrap();
        let environment = Environment::local(sandbox.origin()).unwrap();
        let environment =
            if profile == Profile::Docs { environment } else { environment.with_legacy_paths() };
        let client = client_of(environment, &sandbox, "maker");
        let first = client.send(GetDepositAddress::new("xrp")).await.unwrap();
        assert!(!first.is_ready(), "{profile:?}: the first answer has no address");
        let address =
            GetDepositAddress::new("xrp").until_ready(&client, Duration::from_secs(20)).await.unwrap();
        assert_eq!(address.without_tag(), Some("sandbox-xrp"), "{profile:?}");
        assert!(address.tag().unwrap().parse::<u32>().is_ok());
        assert_eq!(address.is_for(&"xrp".parse().unwrap()), Some(true));
    }
}

#[tokio::test]
async fn deposits_are_read_by_number_filtered_and_walked() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = client(&sandbox, "maker");
    let control = sandbox.control();
    for number in 0..150 {
        let state = if number % 3 == 0 { Sandboxed::Rejected } else { Sandboxed::Accepted };
        let deposit = NewDeposit::new("btc", dec("0.5")).state(state).txid(format!("TX-{number}"));
        control.add_deposit("maker", deposit).unwrap();
    }
    let mut rejected = client.items(ListDeposits::new().state("rejected").limit(20));
    let mut ids = Vec::new();
    while let Some(deposit) = rejected.try_next().await.unwrap() {
        assert_eq!(deposit.state, DepositState::Rejected);
        ids.push(deposit.id);
    }
    assert_eq!(ids.len(), 50);
    let found = client.send(ListDeposits::new().currency("btc").txid("TX-7")).await.unwrap();
    let [deposit] = &found[..] else { panic!("{found:?}") };
    assert_eq!((deposit.amount, deposit.state.is_credited()), (dec("0.5"), true));
    assert_eq!(deposit.confirmations, Some(Confirmations::Count(2)));
    assert_eq!(&client.send(GetDeposit::by_id(deposit.id)).await.unwrap(), deposit);
    let missing = client.send(GetDeposit::by_id(999_999)).await.unwrap_err();
    assert!(missing.is_not_found() && missing.hint().is_some(), "{missing}");
}

#[tokio::test]
async fn each_version_refuses_the_key_of_the_other_one() {
    let sandbox = Sandbox::builder().profile(Profile::Legacy).start().await.unwrap();
    let txid = format!("0x{}", "4e5f1b3c".repeat(8));
    sandbox.control().add_deposit("maker", NewDeposit::new("eth", dec("1")).txid(&txid)).unwrap();
    let environment = Environment::local(sandbox.origin()).unwrap();
    let current = client_of(environment.clone(), &sandbox, "maker");
    let older = client_of(environment.with_legacy_paths(), &sandbox, "maker");
    let found = older.send(GetDeposit::by_txid(txid.as_str())).await.unwrap();
    assert_eq!((found.txid.as_deref(), found.blockchain), (Some(txid.as_str()), None));
    for (client, request, remedy) in [
        (&older, GetDeposit::by_id(7), "by_txid"),
        (&current, GetDeposit::by_txid("TX-7"), "ListDeposits::txid"),
    ] {
        let error = client.send(request).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (Kind::InvalidArgument, Outcome::NotSent), "{error}");
        assert!(error.arguments().len() == 1 && error.argument().unwrap().remedy.contains(remedy), "{error}");
    }
    for txid in ["", "..", "a/b", "a?b", "a%2Fb", "a\r\nb", "a b", "é", &"a".repeat(129)] {
        let error = older.send(GetDeposit::by_txid(txid)).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (Kind::InvalidArgument, Outcome::NotSent), "{txid:?}");
        assert_eq!(error.arguments().len(), 1, "{error}");
    }
    // In the query any text on one line arrives as it is.
    let odd = "a b/..?&limit=1#%2e";
    sandbox.control().add_deposit("maker", NewDeposit::new("eth", dec("1")).txid(odd)).unwrap();
    assert_eq!(older.send(ListDeposits::new().txid(odd)).await.unwrap()[0].txid.as_deref(), Some(odd));
    for txid in ["", "a\r\nb", &"a".repeat(256)] {
        let error = older.send(ListDeposits::new().txid(txid)).await.unwrap_err();
        assert_eq!(error.argument().unwrap().argument, "txid", "{error}");
    }
    for (limit, page) in [(0, 1), (101, 1), (1, 0)] {
        let error = older.send(ListDeposits::new().limit(limit).page(page)).await.unwrap_err();
        assert_eq!(error.kind(), Kind::InvalidArgument, "{error}");
    }
}

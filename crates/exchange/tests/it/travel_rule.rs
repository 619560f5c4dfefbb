//! The travel rule of a deposit, through the sandbox.

use crate::{client, client_of, dec};
use capecrypto_auth::Environment;
use capecrypto_exchange::account::{GetDeposit, Keeper, Party, SubmitTravelRule};
use capecrypto_models::{DepositId, DepositState};
use capecrypto_rest::{Client, Error, Kind, Outcome, Prepared};
use capecrypto_sandbox::{DepositState as Sandboxed, Fault, FaultKind, NewDeposit, Sandbox};
use capecrypto_testkit::Fixtures;
use serde_json::Value;

const HELD: Sandboxed = Sandboxed::OnHoldTravelRuleCustomer;

async fn exchange() -> (Sandbox, Client) {
    let sandbox = Sandbox::start().await.unwrap();
    let client = client(&sandbox, "maker");
    (sandbox, client)
}

fn held(sandbox: &Sandbox, state: Sandboxed) -> u64 {
    sandbox.control().add_deposit("maker", NewDeposit::new("btc", dec("1")).state(state)).unwrap()
}

fn ada() -> Party {
    Party::individual("Ada", "Lovelace", "GB")
}

fn body(request: &SubmitTravelRule) -> Value {
    let prepared = Prepared::new(request, &Environment::live()).unwrap();
    assert_eq!(
        (prepared.path.as_str(), prepared.query.as_str()),
        ("/api/v2/atlas/account/deposits/7/travel_rule", "")
    );
    serde_json::from_slice(&prepared.body.unwrap()).unwrap()
}

#[test]
fn each_way_to_say_it_is_sent_as_the_documents_describe_it() {
    let fixture = |name| Fixtures::cape().get("submit_travel_rule", name).unwrap().json().unwrap();
    for (request, name) in [
        (SubmitTravelRule::own_wallet(7, Keeper::owner()), "request_composed_own"),
        (
            SubmitTravelRule::wallet_of(
                7,
                ada().identity_type("passport"),
                Keeper::unlisted_vasp("Far Exchange", "https://far.example"),
            ),
            "request_composed",
        ),
        (
            SubmitTravelRule::wallet_of(7, Party::business("Baobab Ltd", "ZA"), Keeper::vasp(12)),
            "request_composed_vasp",
        ),
    ] {
        assert_eq!(body(&request), fixture(name), "{name}");
    }
}

#[tokio::test]
async fn money_on_hold_is_released() {
    let (sandbox, client) = exchange().await;
    for keeper in [Keeper::owner(), Keeper::vasp(12), Keeper::unlisted_vasp("Far", "far.example")] {
        let mine = SubmitTravelRule::own_wallet(held(&sandbox, HELD), keeper.clone());
        assert_eq!(client.send(mine).await.unwrap().state, DepositState::Hold);
        let id = held(&sandbox, HELD);
        let theirs = SubmitTravelRule::wallet_of(id, ada(), keeper);
        let deposit = client.send(theirs.clone()).await.unwrap();
        assert_eq!((deposit.id, &deposit.state), (DepositId::new(id), &DepositState::Hold));
        sandbox.control().advance_clock(61_000);
        // The client learns the new time from a refused call.
        let found = theirs.find(&client).await.unwrap();
        assert!(found.state.is_credited(), "{found:?}");
    }
}

/// Whether it was submitted can be found out in two ways: by reading the deposit, and by the refusal of a second one.
#[tokio::test]
async fn an_unknown_outcome_is_found_out() {
    let (sandbox, client) = exchange().await;
    for (fault, arrived) in [(FaultKind::ResetAfterApply, true), (FaultKind::ResetBeforeApply, false)] {
        let id = held(&sandbox, HELD);
        let request = SubmitTravelRule::own_wallet(id, Keeper::owner());
        let path = format!("/account/deposits/{id}/travel_rule");
        sandbox.control().inject(Fault::next(fault).on("POST", &path));
        let error = client.send(request.clone()).await.unwrap_err();
        assert_eq!(error.outcome(), Outcome::Unknown, "{error}");
        let found = request.find(&client).await.unwrap();
        assert_eq!(found.state != DepositState::OnHoldTravelRuleCustomer, arrived);
        let again = client.send(request).await;
        assert_eq!(again.is_ok(), !arrived);
        if let Err(error) = again {
            assert!(error.has_code("sandbox.travel_rule.already_submitted"), "{error}");
            assert_eq!(error.outcome(), Outcome::Refused);
            assert!(error.hint().unwrap().contains("done"), "{error}");
        }
    }
    let changes = sandbox.control().deposit_changes(0);
    assert_eq!(
        changes.iter().filter(|change| change.state == Sandboxed::Hold).count(),
        2,
        "none was taken twice"
    );
}

#[tokio::test]
async fn a_deposit_that_takes_none_refuses_it_with_a_hint() {
    let (sandbox, client) = exchange().await;
    let fiat = sandbox.control().add_deposit("maker", NewDeposit::new("zar", dec("1"))).unwrap();
    for (id, code) in [
        (fiat, "sandbox.travel_rule.not_a_coin"),
        (held(&sandbox, Sandboxed::Accepted), "sandbox.travel_rule.wrong_state"),
        (999_999, "record.not_found"),
    ] {
        let error = client.send(SubmitTravelRule::own_wallet(id, Keeper::owner())).await.unwrap_err();
        assert!(error.has_code(code) && error.hint().is_some(), "{error}");
        assert_eq!(error.outcome(), Outcome::Refused);
    }
}

async fn refused(client: &Client, request: SubmitTravelRule) -> (Error, Vec<String>) {
    let shown = format!("{request:?}");
    let error = client.send(request).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::InvalidArgument, Outcome::NotSent), "{error}");
    let arguments = error.arguments().iter().map(|refused| refused.argument.to_string()).collect();
    for secret in ["canary", "Canary"] {
        let printed = format!("{error} {error:?} {shown}");
        assert!(!printed.contains(secret), "{printed}");
    }
    (error, arguments)
}

#[tokio::test]
async fn everything_that_is_wrong_is_told_at_once_with_its_path() {
    let (sandbox, client) = exchange().await;
    let long = "x".repeat(256);
    let worst = SubmitTravelRule::wallet_of(
        7,
        Party::individual("canary\r\nX: y", "", "Canary").identity_type("\u{0}"),
        Keeper::unlisted_vasp(long.as_str(), "canary\u{7}"),
    );
    let (_, arguments) = refused(&client, worst).await;
    assert_eq!(
        arguments,
        [
            "custom_vasp_name",
            "custom_vasp_url",
            "originator_data.identity_type",
            "originator_data.first_name",
            "originator_data.last_name",
            "originator_data.country",
        ]
    );
    let (_, arguments) =
        refused(&client, SubmitTravelRule::wallet_of(7, Party::business(" ", ""), Keeper::owner())).await;
    assert_eq!(arguments, ["originator_data.company_name", "originator_data.country"]);

    let environment = Environment::local(sandbox.origin()).unwrap().with_legacy_paths();
    let older = client_of(environment, &sandbox, "maker");
    let (error, arguments) = refused(&older, SubmitTravelRule::own_wallet(7, Keeper::owner())).await;
    assert_eq!(arguments.len(), 1);
    assert!(error.to_string().contains("older version"), "{error}");
}

#[tokio::test]
async fn odd_names_arrive_as_they_are_and_are_never_shown() {
    let (sandbox, client) = exchange().await;
    let id = held(&sandbox, HELD);
    let odd = r#"Ünï "quoted" \ ' <b> ../.. %2e {} ; -- 日本"#;
    let request = SubmitTravelRule::wallet_of(
        id,
        Party::individual(odd, odd, "ZA"),
        Keeper::unlisted_vasp(odd, format!("https://far.example/?a=b&c={odd}")),
    );
    let shown = format!("{request:?}");
    assert!(!shown.contains("quoted") && !shown.contains("日本"), "{shown}");
    let sent = Prepared::new(&request, &Environment::live()).unwrap().body.unwrap();
    let sent: Value = serde_json::from_slice(&sent).unwrap();
    assert_eq!(
        (&sent["originator_data"]["first_name"], &sent["custom_vasp_name"]),
        (&odd.into(), &odd.into())
    );
    assert_eq!(client.send(request).await.unwrap().state, DepositState::Hold);
    assert_eq!(client.send(GetDeposit::by_id(id)).await.unwrap().state, DepositState::Hold);
}

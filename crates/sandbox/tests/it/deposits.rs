//! Deposits, their addresses and their travel rule.

use crate::client::{API, Answer, Exchange, text};
use capecrypto_sandbox::{ControlError, Currency, DepositState, NewDeposit, Profile, Role, Sandbox};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use std::time::Duration;

fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn btc(amount: &str, state: DepositState) -> NewDeposit {
    NewDeposit::new("btc", dec(amount)).state(state)
}

/// An exchange where a deposit of btc costs 0.1, with an account that has nothing.
async fn exchange(profile: Profile) -> Exchange {
    let coin = Currency::coin("btc").unwrap().deposit_fee(dec("0.1"));
    let exchange = Exchange::with(Sandbox::builder().profile(profile).currency(coin)).await;
    exchange.control.add_account("clerk", Role::Member).unwrap();
    exchange
}

async fn deposit(exchange: &Exchange, id: u64) -> Value {
    exchange.get_as("clerk", &format!("/account/deposits/{id}")).await.expect(200)
}

async fn line(exchange: &Exchange) -> Value {
    exchange.get_as("clerk", "/account/transactions?type=deposit").await.expect(200)[0].clone()
}

#[tokio::test]
async fn a_deposit_is_answered_in_every_state_and_counts_from_accepted_on() {
    let exchange = exchange(Profile::Docs).await;
    for (state, name, is_credited, is_complete) in [
        (DepositState::Submitted, "submitted", false, false),
        (DepositState::Canceled, "canceled", false, true),
        (DepositState::Rejected, "rejected", false, true),
        (DepositState::Accepted, "accepted", true, true),
        (DepositState::Collected, "collected", true, true),
        (DepositState::Skipped, "skipped", true, true),
        (DepositState::OnHoldTravelRuleCustomer, "on_hold_travel_rule_customer", false, false),
        (DepositState::Hold, "hold", false, false),
    ] {
        let before: Decimal = exchange.balance("clerk", "btc").await.0.parse().unwrap();
        let sent = btc("2", state).txid(format!("tx-{name}")).sender("Ada").address("bc1qother");
        let id = exchange.control.add_deposit("clerk", sent).unwrap();
        let got = deposit(&exchange, id).await;
        assert_eq!(
            got,
            json!({
                "id": id, "blockchain": "bitcoin", "currency": "btc", "amount": "1.9", "fee": "0.1",
                "txid": format!("tx-{name}"), "confirmations": got["confirmations"], "state": name,
                "created_at": got["created_at"], "completed_at": got["completed_at"], "tid": got["tid"],
            })
        );
        assert!(text(&got["created_at"]).ends_with("+01:00") && text(&got["tid"]).starts_with("TID"));
        assert_eq!(got["completed_at"].is_string(), is_complete, "{name}");
        let after: Decimal = exchange.balance("clerk", "btc").await.0.parse().unwrap();
        assert_eq!(after - before, if is_credited { dec("1.9") } else { dec("0") }, "{name}");
        let line = line(&exchange).await;
        for (field, value) in [
            ("reference_type", json!("Deposit")),
            ("reference_id", json!(id)),
            ("credit_currency", json!("btc")),
            ("credit_amount", json!("1.9")),
            ("fee_currency", json!("btc")),
            ("fee", json!("0.1")),
            ("blockchain_key", json!("bitcoin")),
            ("blockchain_name", json!("Bitcoin")),
            ("sender", json!("Ada")),
            ("address", json!("bc1qother")),
            ("txid", got["txid"].clone()),
            ("state", json!(name)),
        ] {
            assert_eq!(line[field], value, "{field} of {name}");
        }
        assert_eq!(line["paid_at"].is_string(), is_credited);
    }
    let ledger = exchange.control.ledger();
    assert!(ledger.sums_to_zero);
    assert_eq!(ledger.entry("fees", "btc").unwrap().available, dec("0.3"));
}

#[tokio::test]
async fn the_list_is_filtered_paged_and_the_accounts_own() {
    let exchange = exchange(Profile::Docs).await;
    let add = |deposit| exchange.control.add_deposit("clerk", deposit).unwrap();
    let a = add(btc("1", DepositState::Submitted).txid("a&b=c"));
    let b = add(NewDeposit::new("zar", dec("10")));
    let c = add(btc("3", DepositState::Accepted));
    exchange.control.add_deposit("maker", btc("1", DepositState::Hold).txid("a&b=c")).unwrap();
    let list = async |query: &str| {
        let list = exchange.get_as("clerk", &format!("/account/deposits?{query}")).await.expect(200);
        list.as_array().unwrap().iter().map(|one| one["id"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(list("").await, [c, b, a]);
    assert_eq!(list("currency=btc").await, [c, a]);
    assert_eq!(list("state=accepted").await, [c, b]);
    assert_eq!(list("state=hold").await, [0; 0]);
    assert_eq!(list("txid=a%26b%3Dc").await, [a]);
    assert_eq!(list("limit=2&page=2").await, [a]);
    let answer = exchange.get_as("clerk", "/account/deposits?limit=2").await;
    let headers = ["total", "per-page", "page"].map(|name| answer.headers[name].as_str());
    assert_eq!(headers, ["3", "2", "1"]);
    // Fiat has no confirmations and no blockchain; a coin gets a transaction id.
    let fiat = deposit(&exchange, b).await;
    assert!(fiat.get("confirmations").is_none() && fiat.get("blockchain").is_none());
    assert_eq!(fiat["txid"], Value::Null);
    assert_eq!(text(&deposit(&exchange, c).await["txid"]).len(), 64);

    for (query, code) in [
        ("limit=0", "deposit.invalid_limit"),
        ("limit=101", "deposit.invalid_limit"),
        ("limit=x", "deposit.non_integer_limit"),
        ("page=0", "deposit.non_positive_page"),
        ("page=x", "deposit.non_integer_page"),
        ("state=done", "deposit.invalid_state"),
        ("currency=doge", "currency.doesnt_exist"),
    ] {
        let answer = exchange.get_as("clerk", &format!("/account/deposits?{query}")).await;
        assert_eq!(answer.refusal(), format!("422 account.{code}"), "{query}");
    }
    let both = exchange.get_as("clerk", "/account/deposits?limit=0&state=x").await.refusal();
    assert_eq!(both, "422 account.deposit.invalid_limit,account.deposit.invalid_state");
    let others = exchange.get_as("taker", &format!("/account/deposits/{a}")).await;
    assert_eq!(others.refusal(), "404 record.not_found");
    let malformed = exchange.get_as("clerk", "/account/deposits/abc").await;
    assert_eq!(malformed.refusal(), "422 sandbox.deposit.non_integer_id");
}

#[tokio::test]
async fn the_older_servers_find_a_deposit_by_its_transaction_and_have_no_travel_rule() {
    let exchange = exchange(Profile::Legacy).await;
    let id = exchange.control.add_deposit("clerk", btc("1", DepositState::Hold).txid("0xAB")).unwrap();
    let found = exchange.get_as("clerk", "/account/deposits/0xAB").await.expect(200);
    assert_eq!((&found["id"], found.get("blockchain")), (&json!(id), None));
    assert!(text(&found["created_at"]).ends_with('Z'));
    for key in [id.to_string().as_str(), "0xAC"] {
        let missing = exchange.get_as("clerk", &format!("/account/deposits/{key}")).await;
        assert_eq!(missing.refusal(), "404 record.not_found");
    }
    let rule = exchange.post_as("clerk", &format!("/account/deposits/{id}/travel_rule"), &json!({})).await;
    assert_eq!(rule.status, 404);
    let address = exchange.get_as("clerk", "/account/deposit_address/btc").await.expect(200);
    assert_eq!(address, json!({"currency": "btc", "address": null}));
}

#[tokio::test]
async fn an_address_takes_a_few_seconds_and_belongs_to_one_account() {
    let exchange = Exchange::start().await;
    let ask = async |name: &str, currency: &str| {
        exchange.get_as(name, &format!("/account/deposit_address/{currency}")).await
    };
    let coming = ask("maker", "btc").await.expect(200);
    let wanted =
        json!({"currencies": ["btc"], "blockchain_key": "bitcoin", "address": null, "state": "pending"});
    assert_eq!(coming, wanted);
    exchange.control.advance_clock(2_000);
    assert_eq!(ask("maker", "btc").await.expect(200), wanted, "asking again does not begin again");
    exchange.control.advance_clock(1_000);
    let ready = ask("maker", "btc").await.expect(200);
    assert_eq!(ready["state"], "active");
    let uid = exchange.sandbox.account("maker").unwrap().uid;
    assert_eq!(ready["address"], format!("sandbox-btc-{uid}"));
    assert_eq!(ask("maker", "eth").await.expect(200)["state"], "pending", "each currency has its own");
    assert_eq!(ask("taker", "btc").await.expect(200)["state"], "pending", "each account has its own");
    for name in ["maker", "taker"] {
        ask(name, "xrp").await.expect(200);
    }
    exchange.control.advance_clock(3_000);
    let [one, other] = [ask("maker", "xrp").await, ask("taker", "xrp").await]
        .map(|answer| text(&answer.expect(200)["address"]));
    assert!(one.starts_with("sandbox-xrp?dt=") && other.starts_with("sandbox-xrp?dt=") && one != other);
    for currency in ["zar", "doge"] {
        assert_eq!(ask("maker", currency).await.refusal(), "422 account.currency.doesnt_exist");
    }

    let at_once = Exchange::with(Sandbox::builder().address_after(Duration::ZERO)).await;
    let ask = async || at_once.get_as("maker", "/account/deposit_address/btc").await.expect(200);
    assert_eq!((ask().await["address"].is_null(), ask().await["address"].is_null()), (true, false));
}

#[tokio::test]
async fn a_coin_is_accepted_when_it_has_its_confirmations() {
    let exchange = Exchange::start().await;
    exchange.control.add_account("clerk", Role::Member).unwrap();
    let sent = btc("1", DepositState::Submitted).confirmed_every_ms(600_000);
    let id = exchange.control.add_deposit("clerk", sent).unwrap();
    let state = async || {
        let got = deposit(&exchange, id).await;
        (text(&got["state"]), got["confirmations"].as_u64())
    };
    assert_eq!(state().await, ("submitted".to_owned(), Some(0)));
    exchange.control.advance_clock(600_000);
    assert_eq!(state().await, ("submitted".to_owned(), Some(1)));
    assert_eq!(exchange.balance("clerk", "btc").await.0, "0.0");
    exchange.control.advance_clock(600_000);
    assert_eq!(state().await, ("accepted".to_owned(), Some(2)));
    assert_eq!(exchange.balance("clerk", "btc").await.0, "1.0");
    let sent = btc("1", DepositState::Submitted).blockchain("lightning");
    let id = exchange.control.add_deposit("clerk", sent).unwrap();
    let lightning = deposit(&exchange, id).await;
    assert_eq!((&lightning["confirmations"], &lightning["txid"]), (&json!("N/A"), &Value::Null));
    let told: Vec<_> = exchange.control.deposit_changes(0).iter().map(|change| change.state).collect();
    let last = [DepositState::Submitted, DepositState::Accepted, DepositState::Submitted];
    assert_eq!(told[told.len() - 3..], last);
}

/// Somebody else's wallet at a VASP that is not listed, as a form and as JSON.
fn originator() -> Value {
    json!({"identity_type": "Individual", "first_name": "Ada", "last_name": "Lovelace", "country": "GB"})
}

async fn submit(exchange: &Exchange, id: u64, body: &Value) -> Answer {
    exchange.post_as("clerk", &format!("/account/deposits/{id}/travel_rule"), body).await
}

async fn submit_form(exchange: &Exchange, id: u64, form: &str) -> Answer {
    let mut headers = exchange.signed("clerk");
    headers.push(("Content-Type".into(), "application/x-www-form-urlencoded".into()));
    let target = format!("{API}/account/deposits/{id}/travel_rule");
    exchange.send("POST", &target, &headers, form.as_bytes()).await.unwrap()
}

#[tokio::test]
async fn a_travel_rule_releases_money_on_hold_after_a_minute() {
    let exchange = exchange(Profile::Docs).await;
    let held = || exchange.control.add_deposit("clerk", btc("1", DepositState::OnHoldTravelRuleCustomer));
    let state = async |id| text(&deposit(&exchange, id).await["state"]);
    // The documents' form, with the originator as JSON in it, and each way to say where the wallet is.
    let first = held().unwrap();
    let form = format!(
        "is_own=false&is_unhosted=false&custom_vasp_name=Far+Exchange&custom_vasp_url=https%3A%2F%2Ffar.example&originator_data={}",
        originator()
    );
    let answer = submit_form(&exchange, first, &form).await.expect(200);
    assert_eq!((&answer["id"], &answer["state"]), (&json!(first), &json!("hold")));
    for body in [
        json!({"is_own": true, "is_unhosted": true}),
        json!({"is_own": true, "is_unhosted": false, "vasp_id": 3}),
        json!({"is_own": false, "is_unhosted": true, "originator_data": originator()}),
        json!({"is_own": false, "is_unhosted": false, "vasp_id": "3", "originator_data":
            {"identity_type": "Business", "company_name": "Baobab Ltd", "country": "ZA"}}),
    ] {
        let id = held().unwrap();
        assert_eq!(submit(&exchange, id, &body).await.expect(200)["state"], "hold", "{body}");
    }
    assert_eq!(exchange.balance("clerk", "btc").await, ("0.0".to_owned(), "0.0".to_owned()));
    let again = submit(&exchange, first, &json!({"is_own": true, "is_unhosted": true})).await;
    assert_eq!(again.refusal(), "422 sandbox.travel_rule.already_submitted");
    exchange.control.advance_clock(59_000);
    assert_eq!(state(first).await, "hold");
    let rejected = held().unwrap();
    submit(&exchange, rejected, &json!({"is_own": true, "is_unhosted": true})).await.expect(200);
    exchange.control.set_deposit_state(rejected, DepositState::Rejected).unwrap();
    exchange.control.advance_clock(1_000);
    assert_eq!(state(first).await, "accepted");
    assert_eq!(exchange.balance("clerk", "btc").await.0, "4.5", "five deposits of 0.9");
    let again = submit(&exchange, first, &json!({"is_own": true, "is_unhosted": true})).await;
    assert_eq!(again.refusal(), "422 sandbox.travel_rule.already_submitted");
    exchange.control.advance_clock(60_000);
    assert_eq!(state(rejected).await, "rejected");
    assert_eq!(exchange.balance("clerk", "btc").await.0, "4.5");
}

#[tokio::test]
async fn a_travel_rule_that_contradicts_itself_is_refused_with_every_code() {
    let exchange = exchange(Profile::Docs).await;
    let held = exchange.control.add_deposit("clerk", btc("1", DepositState::OnHoldTravelRuleCustomer));
    let held = held.unwrap();
    for (body, codes) in [
        (json!({}), "missing_is_own,missing_is_unhosted"),
        (json!({"is_own": "perhaps", "is_unhosted": 7}), "invalid_is_own,invalid_is_unhosted"),
        (json!({"is_own": true, "is_unhosted": false}), "missing_vasp"),
        (json!({"is_own": true, "is_unhosted": false, "custom_vasp_name": "Far"}), "missing_vasp"),
        (json!({"is_own": true, "is_unhosted": true, "vasp_id": 1}), "unhosted_at_vasp"),
        (json!({"is_own": true, "is_unhosted": true, "custom_vasp_url": "x"}), "unhosted_at_vasp"),
        (
            json!({"is_own": false, "is_unhosted": false, "vasp_id": 0, "custom_vasp_name": "Far"}),
            "invalid_vasp_id,two_vasps,missing_originator_data",
        ),
        (
            json!({"is_own": false, "is_unhosted": true, "originator_data": {"first_name": "Ada"}}),
            "invalid_originator_data",
        ),
        (
            json!({"is_own": false, "is_unhosted": true, "originator_data": "no JSON"}),
            "invalid_originator_data",
        ),
    ] {
        let codes: Vec<_> = codes.split(',').map(|code| format!("sandbox.travel_rule.{code}")).collect();
        let refusal = submit(&exchange, held, &body).await.refusal();
        assert_eq!(refusal, format!("422 {}", codes.join(",")), "{body}");
    }
    assert_eq!(deposit(&exchange, held).await["state"], "on_hold_travel_rule_customer");

    let good = json!({"is_own": true, "is_unhosted": true});
    let fiat = exchange.control.add_deposit("clerk", NewDeposit::new("zar", dec("10"))).unwrap();
    assert_eq!(submit(&exchange, fiat, &good).await.refusal(), "422 sandbox.travel_rule.not_a_coin");
    for state in [DepositState::Submitted, DepositState::Accepted, DepositState::Hold] {
        let id = exchange.control.add_deposit("clerk", btc("1", state)).unwrap();
        let refusal = submit(&exchange, id, &good).await.refusal();
        assert_eq!(refusal, "422 sandbox.travel_rule.wrong_state", "{state:?}");
    }
    assert_eq!(submit(&exchange, 999_999, &good).await.refusal(), "404 record.not_found");
    let others = exchange.control.add_deposit("maker", btc("1", DepositState::OnHoldTravelRuleCustomer));
    assert_eq!(submit(&exchange, others.unwrap(), &good).await.refusal(), "404 record.not_found");
    let path = "/account/deposits/x/travel_rule";
    let malformed = exchange.post_as("clerk", path, &good).await.refusal();
    assert_eq!(malformed, "422 sandbox.deposit.non_integer_id");
}

#[tokio::test]
async fn the_control_door_refuses_what_no_deposit_can_be() {
    let exchange = exchange(Profile::Docs).await;
    let add = |deposit| exchange.control.add_deposit("clerk", deposit);
    let held = DepositState::OnHoldTravelRuleCustomer;
    for (deposit, why) in [
        (NewDeposit::new("doge", dec("1")), ControlError::UnknownCurrency),
        (NewDeposit::new("btc", dec("0.1")), ControlError::InvalidAmount),
        (NewDeposit::new("btc", dec("1.123456789")), ControlError::InvalidAmount),
        (NewDeposit::new("zar", dec("0")), ControlError::InvalidAmount),
        (NewDeposit::new("zar", dec("1000000000000")), ControlError::InvalidAmount),
        (NewDeposit::new("zar", dec("1")).state(held), ControlError::WrongState),
        (NewDeposit::new("zar", dec("1")).blockchain("bitcoin"), ControlError::WrongState),
    ] {
        assert_eq!(add(deposit.clone()), Err(why), "{deposit:?}");
    }
    assert_eq!(
        exchange.control.add_deposit("nobody", NewDeposit::new("zar", dec("1"))),
        Err(ControlError::UnknownAccount)
    );
    let set = |id, state| exchange.control.set_deposit_state(id, state);
    assert_eq!(set(999_999, DepositState::Accepted), Err(ControlError::UnknownDeposit));
    let accepted = add(btc("1", DepositState::Accepted)).unwrap();
    assert_eq!(set(accepted, DepositState::Rejected), Err(ControlError::WrongState));
    let fiat = add(NewDeposit::new("zar", dec("1")).state(DepositState::Submitted)).unwrap();
    assert_eq!(set(fiat, held), Err(ControlError::WrongState));

    let door = async |method: &str, path: &str, body: Value| {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        exchange.send(method, &format!("/sandbox/{path}"), &[], body.as_bytes()).await.unwrap()
    };
    let added = door(
        "POST",
        "deposits",
        json!({"account": "clerk", "currency": "btc", "amount": "1", "state": "submitted"}),
    );
    let id = added.await.expect(200)["id"].as_u64().unwrap();
    door("POST", &format!("deposits/{id}"), json!({"state": "accepted"})).await.expect(200);
    let changes = exchange.control.deposit_changes(0).len();
    let told = door("GET", &format!("deposits/changes/{}", changes - 2), Value::Null).await.expect(200);
    let told: Vec<_> = told.as_array().unwrap().iter().map(|one| (&one["deposit"], &one["state"])).collect();
    assert_eq!(told, [(&json!(id), &json!("submitted")), (&json!(id), &json!("accepted"))]);
    for (path, body, code) in [
        ("deposits/1x", json!({"state": "accepted"}), "invalid_request"),
        ("deposits/999999", json!({"state": "accepted"}), "unknown_deposit"),
        (&format!("deposits/{id}"), json!({"state": "done"}), "invalid_request"),
        (&format!("deposits/{id}"), json!({"state": "submitted"}), "wrong_state"),
        ("deposits", json!({"account": "clerk", "currency": "btc"}), "invalid_request"),
    ] {
        let refusal = door("POST", path, body).await.refusal();
        assert_eq!(refusal, format!("422 sandbox.control.{code}"), "{path}");
    }
}

use capecrypto_models::{AddressState, Confirmations, Deposit, DepositAddress, DepositState};
use serde_json::{Value, json};

fn deposit(field: &str, value: Value) -> Result<Deposit, serde_json::Error> {
    let mut deposit = json!({
        "id": 7, "currency": "btc", "amount": "1.5", "state": "accepted", "created_at": "2026-02-19T10:20:30Z"
    });
    deposit[field] = value;
    serde_json::from_value(deposit)
}

#[test]
fn confirmations_are_a_number_or_a_text_and_come_back_as_they_were() {
    for (sent, count, back) in [
        (json!(12), Some(12), json!(12)),
        (json!("12"), Some(12), json!(12)),
        (json!("N/A"), None, json!("N/A")),
        (json!("unknown \"height\""), None, json!("unknown \"height\"")),
        (json!(-1), None, json!("-1")),
    ] {
        let read = deposit("confirmations", sent.clone()).unwrap();
        assert_eq!(read.confirmations.as_ref().and_then(Confirmations::count), count, "{sent}");
        assert_eq!(serde_json::to_value(&read).unwrap()["confirmations"], back, "{sent}");
    }
    for absent in [json!(null), json!("")] {
        assert_eq!(deposit("confirmations", absent).unwrap().confirmations, None);
    }
}

#[test]
fn a_state_says_only_what_is_certain() {
    let states = |wanted: fn(&DepositState) -> bool| {
        let all = DepositState::KNOWN.iter().map(|state| DepositState::from(*state));
        all.filter(wanted).map(|state| state.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(states(DepositState::is_credited), ["accepted", "collected"]);
    assert_eq!(states(DepositState::is_final), ["canceled", "rejected", "collected"]);
    let unknown = deposit("state", json!("invoiced")).unwrap().state;
    assert!(!unknown.is_known() && !unknown.is_credited() && !unknown.is_final());
    let held = deposit("state", json!("on_hold_travel_rule_customer")).unwrap().state;
    assert_eq!(held, DepositState::OnHoldTravelRuleCustomer);
}

fn address(json: Value) -> DepositAddress {
    serde_json::from_value(json).unwrap()
}

#[test]
fn an_address_is_read_in_each_of_its_forms() {
    let btc = "btc".parse().unwrap();
    // The older servers, the newer ones, and the documents' "Deposit", which has no address.
    let older = address(json!({"currency": "btc", "address": "bc1q"}));
    assert_eq!((older.is_ready(), older.is_for(&btc)), (true, Some(true)));
    let newer = address(json!({
        "currencies": ["usdc", "btc"], "blockchain_key": "bitcoin", "address": "bc1q", "state": "active"
    }));
    assert_eq!((newer.is_ready(), newer.is_for(&btc)), (true, Some(true)));
    assert_eq!(newer.is_for(&"eth".parse().unwrap()), Some(false));
    let documents = address(json!({"id": 7, "currency": "btc", "amount": "0.0", "state": "submitted"}));
    assert_eq!((documents.is_ready(), documents.is_for(&btc)), (false, Some(true)));
    assert_eq!(address(json!({})).is_for(&btc), None);
}

#[test]
fn an_address_is_ready_when_it_is_there_and_not_called_pending() {
    for (json, is_ready) in [
        (json!({"address": "bc1q"}), true),
        (json!({"address": "bc1q", "state": "something"}), true),
        (json!({"address": "bc1q", "state": "pending"}), false),
        (json!({"address": null, "state": "active"}), false),
        (json!({"address": ""}), false),
        (json!({"address": " "}), false),
        (json!({}), false),
    ] {
        assert_eq!(address(json.clone()).is_ready(), is_ready, "{json}");
    }
    assert_eq!(address(json!({"state": "pending"})).state, Some(AddressState::Pending));
}

#[test]
fn a_tag_is_told_apart_from_its_address() {
    for (text, without, tag) in [
        ("rExample?dt=12345", "rExample", Some("12345")),
        ("rExample?dt=0", "rExample", Some("0")),
        ("bc1qexample", "bc1qexample", None),
        ("", "", None),
    ] {
        let address = address(json!({"address": text}));
        let without = Some(without).filter(|_| !text.is_empty());
        assert_eq!((address.without_tag(), address.tag()), (without, tag), "{text}");
    }
}

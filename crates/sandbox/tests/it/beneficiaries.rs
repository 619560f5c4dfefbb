//! Beneficiaries and VASPs.

use crate::client::{API, Answer, Exchange};
use capecrypto_sandbox::{ControlError, Profile, Sandbox};
use serde_json::{Value, json};

const BTC: &str = "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq";
const ETH: &str = "0x742d35Cc6634C0532925a3b844Bc9e7595f0bEb";

async fn create(exchange: &Exchange, body: &Value) -> Answer {
    exchange.post_as("maker", "/account/beneficiaries", body).await
}

async fn act(exchange: &Exchange, name: &str, method: &str, path: &str, body: &Value) -> Answer {
    let mut headers = exchange.signed(name);
    headers.push(("Content-Type".into(), "application/json".into()));
    let target = format!("{API}/account/beneficiaries{path}");
    exchange.send(method, &target, &headers, body.to_string().as_bytes()).await.unwrap()
}

fn bitcoin(address: &str) -> Value {
    json!({"currency": "btc", "name": "Mine", "data": {"address": address}})
}

#[tokio::test]
async fn the_documents_requests_are_accepted_and_answered_in_their_shape() {
    let exchange = Exchange::start().await;
    for body in [
        json!({"currency": "btc", "name": "My Bitcoin Wallet", "description": "cold", "data": {"address": BTC}}),
        json!({"currency": "xrp", "name": "x", "data": {"address": "rN7n7otQDd6FczFgLdlqtyMVrn3qHwuSaDcqC", "tag": "4294967295"}}),
        json!({"currency": "eth", "name": "x", "data": {"address": ETH, "is_own": false, "is_unhosted": true,
            "recipient_data": {"first_name": "John", "last_name": "Doe", "country": "US"}}}),
        json!({"currency": "gbp", "name": "x", "data": {"full_name": "John Smith", "account_number": "12345678"}}),
        json!({"currency": "zar", "name": "x", "withdraw_method_id": "21", "data": {"full_name": "Thabo Mbeki"}}),
        json!({"currency": "eur", "name": "x", "data": {"full_name": "Jean Dupont", "iban": "FR14"}}),
        json!({"currency": "usd", "name": "x", "data": "{\"full_name\":\"ABC\",\"unknown\":0.1000}"}),
    ] {
        let made = create(&exchange, &body).await.expect(201);
        let id = made["id"].as_u64().unwrap();
        let data = match &body["data"] {
            Value::String(text) => serde_json::from_str(text).unwrap(),
            object => object.clone(),
        };
        let wanted = json!({
            "id": id, "uuid": id, "currency": body["currency"], "name": body["name"],
            "description": body.get("description"), "data": data, "state": "active",
        });
        assert_eq!(made, wanted);
        assert_eq!(
            exchange.get_as("maker", &format!("/account/beneficiaries/{id}")).await.expect(200),
            wanted
        );
    }
    let kept = exchange.get_as("maker", "/account/beneficiaries?currency=usd").await;
    assert!(kept.text.contains("0.1000"), "the data is sent as it came: {}", kept.text);
    // A form has the object as text.
    let mut headers = exchange.signed("maker");
    headers.push(("Content-Type".into(), "application/x-www-form-urlencoded".into()));
    let form = format!("currency=zar&name=x&data={}", "%7B%22full_name%22%3A%22Thabo%22%7D");
    let target = format!("{API}/account/beneficiaries");
    let made = exchange.send("POST", &target, &headers, form.as_bytes()).await.unwrap().expect(201);
    assert_eq!(made["data"]["full_name"], "Thabo");
}

#[tokio::test]
async fn what_is_wrong_is_told_all_at_once() {
    let exchange = Exchange::start().await;
    let with = |change: Value| {
        let mut body = bitcoin(BTC);
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        body
    };
    let crypto = |data: Value| with(json!({ "data": data }));
    let fiat = |data: Value| json!({"currency": "zar", "name": "x", "data": data});
    let beneficiary = "account.beneficiary";
    for (body, codes) in [
        (json!({}), format!("{beneficiary}.missing_currency,{beneficiary}.missing_name,{beneficiary}.missing_data")),
        (with(json!({"currency": "doge"})), "account.currency.doesnt_exist".into()),
        (with(json!({"currency": "elevenchars"})), "sandbox.beneficiary.too_long_currency,account.currency.doesnt_exist".into()),
        (with(json!({"name": "  "})), format!("{beneficiary}.missing_name")),
        (
            with(json!({"name": "é".repeat(65), "description": "d".repeat(256), "withdraw_method_id": "x"})),
            format!("{beneficiary}.too_long_name,{beneficiary}.too_long_description,sandbox.beneficiary.non_integer_withdraw_method_id"),
        ),
        (with(json!({"blockchain_key": "ripple"})), format!("{beneficiary}.blockchain_key_doesnt_exist")),
        (
            with(json!({"blockchain_key": "b".repeat(256)})),
            format!("sandbox.beneficiary.too_long_blockchain_key,{beneficiary}.blockchain_key_doesnt_exist"),
        ),
        (with(json!({"withdraw_method_id": 0})), "sandbox.beneficiary.withdraw_method_doesnt_exist".into()),
        (with(json!({"withdraw_method_id": 2})), "sandbox.beneficiary.withdraw_method_doesnt_exist".into()),
        (with(json!({"withdraw_method_id": "23"})), "sandbox.beneficiary.withdraw_method_doesnt_exist".into()),
        (with(json!({"withdraw_method_id": 24})), "sandbox.beneficiary.withdraw_method_doesnt_exist".into()),
        (with(json!({"data": ""})), format!("{beneficiary}.empty_data")),
        (with(json!({"data": {}})), format!("{beneficiary}.empty_data")),
        (with(json!({"data": "no JSON"})), format!("{beneficiary}.non_json_data")),
        (with(json!({"data": [1]})), format!("{beneficiary}.non_json_data")),
        (crypto(json!({"full_name": "x"})), format!("{beneficiary}.missing_address_in_data")),
        (crypto(json!({"address": ETH})), "sandbox.beneficiary.invalid_address".into()),
        (
            crypto(json!({"address": "x", "tag": "4294967296", "is_own": "yes", "vasp_id": 7, "recipient_data": "x"})),
            "sandbox.beneficiary.invalid_address,sandbox.beneficiary.invalid_tag,sandbox.beneficiary.invalid_travel_rule,\
             sandbox.beneficiary.vasp_doesnt_exist,sandbox.beneficiary.invalid_recipient_data"
                .into(),
        ),
        (crypto(json!({"address": BTC, "tag": -1})), "sandbox.beneficiary.invalid_tag".into()),
        (crypto(json!({"address": BTC, "vasp_id": 10_000})), "sandbox.beneficiary.vasp_doesnt_exist".into()),
        (
            crypto(json!({"address": BTC, "recipient_data": {"identity_type": "Robot"}})),
            "sandbox.beneficiary.invalid_recipient_data".into(),
        ),
        (fiat(json!({"account_number": "1"})), format!("{beneficiary}.missing_full_name_in_data")),
        (fiat(json!({"full_name": " ", "iban": {}})), format!("sandbox.beneficiary.invalid_field_in_data,{beneficiary}.missing_full_name_in_data")),
    ] {
        assert_eq!(create(&exchange, &body).await.refusal(), format!("422 {codes}"), "{body}");
    }
    assert_eq!(
        exchange.get_as("maker", "/account/beneficiaries").await.expect(200),
        json!([]),
        "nothing was made"
    );
}

#[tokio::test]
async fn an_address_is_refused_twice_for_its_currency_and_blockchain() {
    let exchange = Exchange::start().await;
    let usdc = |address: &str, chain: Value| json!({"currency": "usdc", "name": "x", "blockchain_key": chain, "data": {"address": address}});
    let eth = json!({"currency": "eth", "name": "x", "data": {"address": ETH}});
    let made = create(&exchange, &usdc(ETH, json!(null))).await.expect(201);
    for twin in [usdc(ETH, json!("ethereum")), usdc(&ETH.to_lowercase(), json!(null))] {
        assert_eq!(
            create(&exchange, &twin).await.refusal(),
            "422 account.beneficiary.duplicate_address",
            "{twin}"
        );
    }
    create(&exchange, &usdc(ETH, json!("polygon"))).await.expect(201);
    create(&exchange, &eth).await.expect(201);
    let other = act(&exchange, "taker", "POST", "", &eth).await;
    assert_eq!(other.status, 201, "another account may have the same one");
    assert_eq!(act(&exchange, "maker", "DELETE", &format!("/{}", made["id"]), &json!({})).await.status, 204);
    create(&exchange, &usdc(ETH, json!(null))).await.expect(201);
    let bank = json!({"currency": "zar", "name": "x", "data": {"full_name": "x", "account_number": "1"}});
    for _ in 0..2 {
        create(&exchange, &bank).await.expect(201);
    }
}

#[tokio::test]
async fn a_beneficiary_belongs_to_its_account_and_is_gone_when_it_is_deleted() {
    let exchange = Exchange::start().await;
    let id = create(&exchange, &bitcoin(BTC)).await.expect(201)["id"].as_u64().unwrap();
    let pending = exchange.control.add_pending_beneficiary("maker", "0042").unwrap();
    let list = async |name: &str, query: &str| -> Vec<u64> {
        let list = exchange.get_as(name, &format!("/account/beneficiaries?{query}")).await.expect(200);
        list.as_array().unwrap().iter().map(|row| row["uuid"].as_u64().unwrap()).collect()
    };
    assert_eq!(list("maker", "").await, [id, pending]);
    assert_eq!(list("maker", "state=pending").await, [pending]);
    assert_eq!(list("maker", "currency=btc&state=active").await, [id]);
    assert_eq!(list("maker", "limit=1&page=2").await, [pending]);
    assert!(list("taker", "").await.is_empty() && list("maker", "currency=eth").await.is_empty());
    let headers = exchange.get_as("maker", "/account/beneficiaries?limit=1").await.headers;
    assert_eq!(
        (headers["total"].as_str(), headers["per-page"].as_str(), headers["page"].as_str()),
        ("2", "1", "1")
    );
    for (query, code) in [
        ("currency=doge", "account.currency.doesnt_exist"),
        ("state=archived", "account.beneficiary.invalid_state"),
        ("limit=1001", "pagination.invalid_limit"),
    ] {
        let answer = exchange.get_as("maker", &format!("/account/beneficiaries?{query}")).await;
        assert_eq!(answer.refusal(), format!("422 {code}"));
    }
    let path = format!("/{id}");
    let nothing = json!({});
    for (name, method, path) in
        [("taker", "GET", path.as_str()), ("taker", "DELETE", &path), ("maker", "GET", "/999")]
    {
        assert_eq!(act(&exchange, name, method, path, &nothing).await.refusal(), "404 record.not_found");
    }
    assert_eq!(
        act(&exchange, "maker", "GET", "/x", &nothing).await.refusal(),
        "422 account.beneficiary.non_integer_id"
    );
    assert_eq!(act(&exchange, "maker", "DELETE", &path, &nothing).await.status, 204);
    for method in ["GET", "DELETE"] {
        assert_eq!(act(&exchange, "maker", method, &path, &nothing).await.refusal(), "404 record.not_found");
    }
}

#[tokio::test]
async fn a_pin_activates_it_once() {
    let exchange = Exchange::start().await;
    let id = exchange.control.add_pending_beneficiary("maker", "0042").unwrap();
    assert_eq!(exchange.control.beneficiary_pin(id).unwrap(), "0042");
    let path = format!("/{id}/activate");
    let activate =
        async |name: &str, pin: Value| act(&exchange, name, "PATCH", &path, &json!({ "pin": pin })).await;
    assert_eq!(activate("maker", json!(null)).await.refusal(), "422 account.beneficiary.missing_pin");
    assert_eq!(activate("maker", json!("4 2")).await.refusal(), "422 account.beneficiary.non_integer_pin");
    assert_eq!(
        activate("maker", json!(42)).await.refusal(),
        "422 account.beneficiary.invalid_pin",
        "its zeros count"
    );
    assert_eq!(activate("taker", json!("0042")).await.refusal(), "404 record.not_found");
    let active = activate("maker", json!("0042")).await.expect(200);
    assert_eq!((active["state"].as_str(), active["id"].as_u64()), (Some("active"), Some(id)));
    assert_eq!(activate("maker", json!("0042")).await.refusal(), "422 account.beneficiary.cant_activate");
    assert_eq!(exchange.control.beneficiary_pin(id), Err(ControlError::UnknownBeneficiary));
}

#[tokio::test]
async fn on_the_older_profile_it_waits_for_a_pin_and_has_the_familys_fields() {
    let exchange = Exchange::with(Sandbox::builder().profile(Profile::Legacy)).await;
    let mut body = bitcoin(BTC);
    body["blockchain_key"] = json!("of next year");
    body["data"]["is_own"] = json!("ignored");
    let made = create(&exchange, &body).await.expect(201);
    assert_eq!((made["state"].as_str(), made.get("uuid")), (Some("pending"), None));
    assert!(
        made["sent_at"].as_str().unwrap().ends_with('Z') && made["uid"].as_str().unwrap().starts_with("CCT")
    );
    let id = made["id"].as_u64().unwrap();
    let pin = exchange.control.beneficiary_pin(id).unwrap();
    // A server of this family takes a number too.
    let pin: u32 = pin.parse().unwrap();
    let active = act(&exchange, "maker", "PATCH", &format!("/{id}/activate"), &json!({ "pin": pin })).await;
    assert_eq!(active.expect(200)["state"], "active");
    assert_eq!(exchange.get("/public/vasps").await.status, 404);
    let refusal = exchange.get_as("maker", "/account/beneficiaries?limit=0").await.refusal();
    assert_eq!(refusal, "422 admin.pagination.invalid_limit");
}

#[tokio::test]
async fn the_door_makes_beneficiaries_that_differ() {
    let exchange = Exchange::start().await;
    for _ in 0..40 {
        exchange.control.add_beneficiary("maker").unwrap();
    }
    let list = exchange.get_as("maker", "/account/beneficiaries").await.expect(200);
    let addresses: std::collections::BTreeSet<_> =
        list.as_array().unwrap().iter().map(|row| row["data"]["address"].as_str().unwrap()).collect();
    assert_eq!(addresses.len(), 40);
    let taken = (*addresses.first().unwrap()).to_owned();
    assert_eq!(
        create(&exchange, &bitcoin(&taken)).await.refusal(),
        "422 account.beneficiary.duplicate_address"
    );
    let door = async |path: &str, body: Value| {
        let headers = [("Content-Type".to_owned(), "application/json".to_owned())];
        let method = if body.is_null() { "GET" } else { "POST" };
        exchange
            .send(method, &format!("/sandbox/{path}"), &headers, body.to_string().as_bytes())
            .await
            .unwrap()
    };
    let id = door("beneficiaries/pending", json!({"account": "maker", "pin": "000"})).await.expect(200)["id"]
        .clone();
    assert_eq!(door(&format!("beneficiaries/{id}/pin"), json!(null)).await.expect(200)["pin"], "000");
    for pin in ["", "12a", "123456789012345678901"] {
        let refused = door("beneficiaries/pending", json!({"account": "maker", "pin": pin})).await;
        assert_eq!(refused.refusal(), "422 sandbox.control.invalid_pin");
    }
    let refused = door("beneficiaries/1/pin", json!(null)).await;
    assert_eq!(refused.refusal(), "422 sandbox.control.unknown_beneficiary");
    assert_eq!(exchange.control.add_beneficiary("nobody"), Err(ControlError::UnknownAccount));
}

#[tokio::test]
async fn vasps_are_paged_and_only_active_ones_are_listed() {
    let exchange = Exchange::start().await;
    let first = exchange.get("/public/vasps").await;
    assert_eq!((first.headers["per-page"].as_str(), first.headers["page"].as_str()), ("25", "1"));
    let total: usize = first.headers["total"].parse().unwrap();
    let mut rows = Vec::new();
    for page in 1..=3 {
        let page = exchange.get(&format!("/public/vasps?page={page}")).await.expect(200);
        rows.extend(page.as_array().unwrap().clone());
    }
    assert_eq!(rows.len(), total);
    assert!(total > 50 && rows.iter().all(|row| row["state"] == "active"), "{rows:?}");
    let ids: std::collections::BTreeSet<_> = rows.iter().map(|row| row["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), total, "each is listed once");
    assert!(!ids.contains(&7), "one that is pending");
    assert_eq!(exchange.get("/public/vasps?limit=100").await.expect(200).as_array().unwrap().len(), total);
    assert_eq!(exchange.get("/public/vasps?limit=101").await.refusal(), "422 pagination.invalid_limit");
    assert_eq!(exchange.get("/public/vasps?page=x").await.refusal(), "422 pagination.non_integer_page");
}

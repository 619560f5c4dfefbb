//! The control door over HTTP, faults, and the record.

use super::{Partner, refusal};
use crate::growth::Temporary;
use capecrypto_sandbox::{
    Sandbox,
    cabital::{CallbackState, ConnectionState, TransferDirection, TransferStatus},
    cabital_calls,
};
use rust_decimal::Decimal;
use serde_json::{Value, json};

#[tokio::test]
async fn the_door_does_the_same_over_http() {
    let partner = Partner::start().await;
    let door = async |path: &str, body: Value| partner.door("POST", &format!("cabital/{path}"), &body).await;
    let added = door("accounts", json!({"user_ext_ref": "anna", "state": "MATCHED"})).await.expect(200);
    let account = added["account_id"].as_str().unwrap();
    let plain = door("accounts", json!({"user_ext_ref": "ben"})).await.expect(200);
    let link = format!("/accounts/{}/detail", plain["account_id"].as_str().unwrap());
    assert_eq!(partner.get(&link).await.expect(200)["match_status"], "CREATED");
    door("balance", json!({"account": account, "symbol": "USDT", "amount": "500.5"})).await.expect(200);
    door("otp", json!({"account": account, "code": "111111", "required": true})).await.expect(200);
    door("limit", json!({"account": account, "symbol": "USDT", "daily": 400})).await.expect(200);
    door("match", json!({"account": account, "outcome": {"result": "PASS"}})).await.expect(200);
    door("available", json!({"kind": "credit", "allow": true})).await.expect(200);
    let fee = json!({"customer": true, "percent": false, "value": "1.5"});
    door("fee", json!({"symbol": "USDT", "fee": fee})).await.expect(200);
    door("quote", json!({"pair": "BTC-USDT", "quote": "50000"})).await.expect(200);
    door("transfers/next", json!({"status": "PROCESSING"})).await.expect(200);
    door("conversions/next", json!({"status": "FAILED"})).await.expect(200);
    door("callbacks", json!({"url": "http://127.0.0.1:9/", "kind": "account"})).await.expect(200);
    let body = json!({"amount": "100", "symbol": "USDT", "direction": "DEBIT", "otp": "111111"});
    let created = partner.post(&format!("/accounts/{account}/transfers"), &body).await.expect(200);
    assert_eq!((&created["status"], &created["customer_fee"]), (&json!("PROCESSING"), &json!("1.5")));
    let end = json!({"transfer_id": created["transfer_id"], "status": "SUCCESS"});
    door("transfers/end", end.clone()).await.expect(200);
    assert_eq!(door("transfers/end", end).await.refusal(), "422 sandbox.control.transfer_ended");
    let ask = json!({"account": account, "symbol": "USDT", "direction": "CREDIT", "amount": "7"});
    let asked = door("transfers", ask).await.expect(200);
    assert_eq!(asked["transfer_id"].as_str().unwrap().len(), 36);
    door("state", json!({"account": account, "state": "UNLINKED"})).await.expect(200);
    let callbacks = partner.door("GET", "cabital/callbacks/0", &json!({})).await.expect(200);
    assert_eq!((&callbacks[0]["kind"], &callbacks[0]["number"]), (&json!("account"), &json!(1)));
    let ledger = partner.door("GET", "cabital/ledger", &json!({})).await.expect(200);
    assert_eq!(ledger["sums_to_zero"], true);
    let journal = partner.door("GET", "cabital/journal/5", &json!({})).await.expect(200);
    assert_eq!((&journal[0]["kind"], &journal[1]["kind"]), (&json!("correction"), &json!("transfer")));
    assert_eq!(partner.quote("BTC-USDT").await["quote"], "50000");
    for (path, body, refused) in [
        ("accounts", json!({"user_ext_ref": "anna"}), "taken"),
        ("accounts", json!({"user_ext_ref": "x", "state": "GONE"}), "invalid_request"),
        ("balance", json!({"account": "x", "symbol": "USDT", "amount": "1"}), "unknown_cabital_account"),
        ("balance", json!({"account": account, "symbol": "XRP", "amount": "1"}), "cabital"),
        ("balance", json!({"account": account, "symbol": "EUR", "amount": "0.001"}), "cabital"),
        ("state", json!({"account": "x", "state": "LINKED"}), "unknown_cabital_account"),
        ("available", json!({"kind": "debit", "symbol": "XRP", "allow": true}), "cabital"),
        ("quote", json!({"pair": "USDT-BTC", "quote": "1"}), "cabital"),
        ("quote", json!({"pair": "BTC-USDT", "quote": "0"}), "cabital"),
        ("transfers/end", json!({"transfer_id": "x", "status": "SUCCESS"}), "unknown_transfer"),
        ("callbacks", json!({"url": "http://example.com/"}), "not_loopback"),
        ("faults", json!({"code": "PA033"}), "unknown_code"),
    ] {
        assert_eq!(
            door(path, body.clone()).await.refusal(),
            format!("422 sandbox.control.{refused}"),
            "{path} {body}"
        );
    }
}

#[tokio::test]
async fn every_code_and_every_status_can_be_asked_for() {
    let partner = Partner::start().await;
    let codes = (1..=32).chain([999]).map(|number| format!("PA{number:03}"));
    for code in codes {
        partner.cabital.fail_next_with(&code).unwrap();
        let status = match code.as_str() {
            "PA013" => 403,
            "PA999" => 500,
            _ => 400,
        };
        assert_eq!(refusal(&partner.get("/config").await), format!("{status} {code}"));
        partner.get("/config").await.expect(200);
    }
    let door = async |body: Value| partner.door("POST", "cabital/faults", &body).await.expect(200);
    for status in [429, 500, 503] {
        door(json!({"kind": "answer", "status": status, "body": "later"})).await;
        let answer = partner.get("/config").await;
        assert_eq!((answer.status, answer.text.as_str()), (status, "later"));
    }
    door(json!({"kind": "too_many_requests", "retry_after_s": 3})).await;
    assert_eq!(partner.get("/config").await.headers["retry-after"], "3");
    // A fault of one call leaves the others, and the exchange's faults are not Cabital's.
    door(json!({"code": "PA021", "method": "GET", "path": "/quotes/{pair}", "times": 2})).await;
    partner.control.fail_next(1, 500, "", None);
    partner.get("/config").await.expect(200);
    assert_eq!(refusal(&partner.get("/quotes/BTC-EUR").await), "400 PA021");
    partner.door("POST", "cabital/faults/clear", &json!({})).await.expect(200);
    partner.get("/quotes/BTC-EUR").await.expect(200);
}

#[test]
fn the_calls_are_those_of_the_documents() {
    let calls: Vec<_> = cabital_calls()
        .into_iter()
        .map(|call| format!("{} {} {}", call.service, call.method, call.path))
        .collect();
    assert_eq!(
        calls,
        [
            "partner GET /config",
            "partner GET /quotes/{pair}",
            "partner GET /recon/transfers/{external_id}",
            "partner GET /accounts/{account_id}/balances",
            "partner GET /accounts/{account_id}/balances/{symbol}",
            "partner GET /accounts/{account_id}/balances/{symbol}/deposit",
            "partner GET /accounts/{account_id}/balances/{symbol}/deposit/{method}",
            "partner POST /accounts/{account_id}/conversions",
            "partner GET /accounts/{account_id}/transfers",
            "partner POST /accounts/{account_id}/transfers",
            "partner GET /accounts/{account_id}/transfers/{transfer_id}",
            "partner PUT /accounts/{account_id}/transfers/{transfer_id}",
            "partner GET /accounts/{account_id}/detail",
            "partner PUT /accounts/{account_id}/match",
            "partner GET /link/links/{user_ext_ref}",
            "partner GET /links/{user_ext_ref}",
            "link GET /partner/link",
            "link GET /light/config",
            "link GET /light/quotes/{pair}",
            "link GET /light/partner/redirect",
        ]
    );
    // What no request gets by itself is explained in the module's documentation.
    let mut missing: Vec<_> = (1..=32).chain([999]).map(|number| format!("PA{number:03}")).collect();
    missing.retain(|code| {
        !cabital_calls().iter().any(|call| call.codes().iter().any(|(_, known)| known == code))
    });
    assert_eq!(missing, ["PA022", "PA999"]);
}

#[tokio::test]
async fn a_record_brings_back_the_same_state_with_the_same_ids() {
    let file = Temporary::new("cabital.jsonl");
    let partner = Partner::with(Sandbox::builder().seed(7).record(&file.0)).await;
    partner.cabital.set_callback_url(None, Some("http://127.0.0.1:9/")).unwrap();
    let conversion = partner.buy_btc("0.01", "614.26365").await;
    let body = json!({
        "amount": "0.01", "symbol": "BTC", "direction": "DEBIT", "conversion_id": conversion,
        "external_id": "order-1", "otp": "123456",
    });
    partner.transfer(&body).await.expect(200);
    partner.cabital.plan_transfer(TransferStatus::Processing, Some(1_000));
    partner.transfer(&json!({"amount": "50", "symbol": "GBP", "direction": "DEBIT"})).await.expect(200);
    let asked = partner
        .cabital
        .customer_transfer(&partner.account, "EUR", TransferDirection::Debit, Decimal::from(30))
        .unwrap();
    partner.control.advance_clock(5_000);
    partner.cabital.add_account("second", ConnectionState::Pending, false).unwrap();
    let list = partner.get(&partner.path("/transfers")).await.expect(200);
    assert_eq!(list["transfers"][1]["status"], "SUCCESS", "its time came");
    let (account, ledger, secret) =
        (partner.account.clone(), partner.cabital.ledger(), partner.sandbox.cabital().secret.clone());
    let journal = partner.cabital.journal(0);
    partner.sandbox.shutdown().await;
    assert!(!std::fs::read_to_string(&file.0).unwrap().contains(&secret), "a key was recorded");

    let again = Partner::with(Sandbox::builder().replay(&file.0)).await;
    assert_ne!(again.sandbox.cabital().secret, secret);
    assert_eq!(again.account, account);
    assert_eq!((again.cabital.ledger(), again.cabital.journal(0)), (ledger, journal));
    assert_eq!(again.get(&again.path("/transfers")).await.expect(200), list);
    let refused = again.transfer(&body).await;
    assert_eq!(refusal(&refused), "400 PA029");
    // It continues from there: the old callback is not sent again, and the result is taken.
    assert_eq!(again.cabital.callbacks(0)[0].state, CallbackState::GivenUp);
    let path = again.path(&format!("/transfers/{asked}"));
    again.put(&path, &json!({"status": "SUCCESS"})).await;
    assert_eq!(again.get(&path).await.expect(200)["status"], "SUCCESS");
}

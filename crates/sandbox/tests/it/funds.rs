//! History, beneficiaries, payment methods, and documents of customers.

use crate::client::{API, Exchange};
use capecrypto_sandbox::{ControlError, Profile, Role, Sandbox};
use serde_json::{Value, json};

fn add(exchange: &Exchange, transaction: &Value) -> u64 {
    exchange.control.add_transaction("clerk", &transaction.to_string()).unwrap()
}

/// The same exchange, with an account that has no history.
fn with_clerk(exchange: Exchange) -> Exchange {
    exchange.control.add_account("clerk", Role::Member).unwrap();
    exchange
}

/// An exchange with three lines, ten seconds apart.
async fn with_history() -> (Exchange, [u64; 3]) {
    let exchange = with_clerk(Exchange::start().await);
    let lines = [
        json!({"type": "deposit", "credit_currency": "zar", "credit_amount": "5.0", "txid": "a,b"}),
        json!({"type": "trade", "credit_currency": "zar", "debit_currency": "btc", "description": "two\nlines"}),
        json!({"type": "withdraw", "debit_currency": "eth", "member_description": "a \"quote\""}),
    ];
    let ids = lines.map(|line| {
        let id = add(&exchange, &line);
        exchange.control.advance_clock(10_000);
        id
    });
    (exchange, ids)
}

fn ids(list: &Value) -> Vec<u64> {
    list.as_array().unwrap().iter().map(|one| one["id"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn history_is_filtered_paged_and_the_accounts_own() {
    let (exchange, [a, b, c]) = with_history().await;
    let list = async |query: &str| {
        ids(&exchange.get_as("clerk", &format!("/account/transactions?{query}")).await.expect(200))
    };
    assert_eq!(list("").await, [c, b, a]);
    assert_eq!(list("order_by=asc").await, [a, b, c]);
    assert_eq!(list("currency=zar").await, [b, a], "either side");
    assert_eq!(list("currency=btc&type=trade").await, [b]);
    assert_eq!(list("txid=a,b").await, [a]);
    assert_eq!(list("limit=2&page=2").await, [a]);
    // The unit is seconds, and both bounds are included.
    let all = exchange.get_as("clerk", "/account/transactions").await.expect(200);
    let [from, to] = [1, 0].map(|line: usize| {
        let time: jiff::Timestamp = all[line]["created_at"].as_str().unwrap().parse().unwrap();
        time.as_second()
    });
    assert_eq!(list(&format!("time_from={from}&time_to={to}")).await, [c, b]);
    let answer = exchange.get_as("clerk", "/account/transactions?limit=2").await;
    assert_eq!((answer.headers["total"].as_str(), answer.headers["per-page"].as_str()), ("3", "2"));
    let others = exchange.get_as("taker", "/account/transactions?txid=a,b").await;
    assert_eq!(others.expect(200), json!([]));
}

#[tokio::test]
async fn wrong_filters_of_the_history_have_their_codes() {
    let exchange = with_clerk(Exchange::start().await);
    for (query, code) in [
        ("currency=doge", "currency_doesnt_exist"),
        ("order_by=up", "order_by_invalid"),
        ("limit=0", "invalid_limit"),
        ("limit=1001", "invalid_limit"),
        ("limit=x", "non_integer_limit"),
        ("page=0", "non_positive_page"),
        ("page=x", "non_integer_page"),
        ("time_from=1.5", "non_integer_time_from"),
        ("time_to=x", "non_integer_time_to"),
    ] {
        let answer = exchange.get_as("clerk", &format!("/account/transactions?{query}")).await;
        assert_eq!(answer.refusal(), format!("422 account.transactions.{code}"), "{query}");
    }
}

async fn table(exchange: &Exchange, query: &str) -> crate::client::Answer {
    let mut headers = exchange.signed("clerk");
    headers.push(("Accept".into(), "text/csv, application/json;q=0.5".into()));
    exchange.send("GET", &format!("{API}/account/transactions?{query}"), &headers, b"").await.unwrap()
}

#[tokio::test]
async fn history_is_a_table_where_one_is_accepted() {
    let (exchange, [_, b, _]) = with_history().await;
    let answer = table(&exchange, "limit=1&page=2").await;
    assert_eq!((answer.status, answer.headers["content-type"].as_str()), (200, "text/csv"));
    assert!(answer.text.starts_with("id,type,reference_type,"), "{}", answer.text);
    assert!(answer.text.contains("\"a,b\"") && answer.text.contains("\"two\nlines\""), "{}", answer.text);
    assert!(answer.text.contains("\"a \"\"quote\"\"\""), "page and limit are ignored: {}", answer.text);
    let one = table(&exchange, "type=trade").await.text;
    assert!(one.lines().nth(1).unwrap().starts_with(&format!("{b},trade,")), "{one}");
    // A month if no start is given, and 18 months at most.
    exchange.control.advance_clock(40 * 24 * 60 * 60 * 1000);
    assert_eq!(table(&exchange, "").await.text.lines().count(), 1);
    assert_eq!(table(&exchange, "time_from=1").await.refusal(), "422 sandbox.transactions.table_too_long");
    let legacy = with_clerk(Exchange::with(Sandbox::builder().profile(Profile::Legacy)).await);
    assert_eq!(table(&legacy, "").await.expect(200), json!([]), "the older servers know no table");
}

#[tokio::test]
async fn a_beneficiary_is_deleted_once_and_by_its_owner() {
    let exchange = Exchange::start().await;
    let id = exchange.control.add_beneficiary("maker").unwrap();
    let delete = async |name: &str, id: &str| {
        let target = format!("{API}/account/beneficiaries/{id}");
        exchange.send("DELETE", &target, &exchange.signed(name), b"").await.unwrap()
    };
    let id = id.to_string();
    assert_eq!(delete("taker", &id).await.refusal(), "404 record.not_found");
    assert_eq!(delete("maker", "x").await.refusal(), "422 account.beneficiary.non_integer_id");
    let answer = delete("maker", &id).await;
    assert_eq!((answer.status, answer.text.as_str()), (204, ""));
    assert_eq!(delete("maker", &id).await.refusal(), "404 record.not_found");
}

#[tokio::test]
async fn methods_to_deposit_stand_where_the_documents_write_them() {
    let exchange = Exchange::start().await;
    for prefix in ["/api/v2", "/api/v2/atlas"] {
        let target = format!("{prefix}/payments/deposits/methods");
        let answer = exchange.send("GET", &target, &exchange.signed("maker"), b"").await.unwrap();
        let methods = answer.expect(200);
        assert_eq!(methods[0]["currencyId"], "zar");
        assert_eq!(methods[1]["remainingLimits"]["day"], methods[1]["maxAmount"]);
    }
    let unsigned = exchange.send("GET", "/api/v2/payments/deposits/methods", &[], b"").await.unwrap();
    assert_eq!(unsigned.status, 401);
}

#[tokio::test]
async fn the_control_door_refuses_what_is_no_transaction() {
    let exchange = Exchange::start().await;
    for bad in ["", "[]", "{}", "{\"type\":1}", "{\"type\":\"deposit\",\"amonut\":\"1\"}"] {
        assert_eq!(
            exchange.control.add_transaction("maker", bad),
            Err(ControlError::InvalidTransaction),
            "{bad}"
        );
    }
    assert_eq!(exchange.control.add_transaction("nobody", "{}"), Err(ControlError::UnknownAccount));
    let door = async |path: &str, body: Value| {
        let headers = [("Content-Type".to_owned(), "application/json".to_owned())];
        exchange
            .send("POST", &format!("/sandbox/{path}"), &headers, body.to_string().as_bytes())
            .await
            .unwrap()
    };
    let added = door("transactions", json!({"account": "maker", "transaction": {"type": "referral"}})).await;
    let id = added.expect(200)["id"].clone();
    assert_eq!(exchange.get_as("maker", "/account/transactions").await.expect(200)[0]["id"], id);
    assert!(door("beneficiaries", json!({"account": "maker"})).await.expect(200)["id"].is_u64());
    let bad = door("transactions", json!({"account": "maker", "transaction": {"kind": "referral"}})).await;
    assert_eq!(bad.refusal(), "422 sandbox.control.invalid_transaction");
}

#[tokio::test]
async fn without_verification_no_money_comes_in_or_goes_out() {
    const DEPOSIT: &str = "403 account.deposit.not_permitted";
    const WITHDRAW: &str = "403 account.withdraw.not_permitted";
    let exchange = Exchange::start().await;
    exchange.control.set_verification_level("taker", 0).unwrap();
    for (path, refusal) in [
        ("/account/deposits", DEPOSIT),
        ("/account/deposits/1", DEPOSIT),
        ("/account/deposit_address/btc", DEPOSIT),
        ("/account/transactions", DEPOSIT),
        ("/account/withdraws", WITHDRAW),
        ("/account/withdraws/quote/btc", WITHDRAW),
        ("/account/beneficiaries", WITHDRAW),
        ("/account/beneficiaries/1", WITHDRAW),
    ] {
        assert_eq!(exchange.get_as("taker", path).await.refusal(), refusal, "{path}");
    }
    for (path, refusal) in [
        ("/account/deposits/1/travel_rule", DEPOSIT),
        ("/account/lightning/invoices", DEPOSIT),
        ("/payments/vouchers/new", DEPOSIT),
        ("/account/lightning/pays", WITHDRAW),
        ("/account/withdraws", WITHDRAW),
        ("/account/beneficiaries", WITHDRAW),
    ] {
        assert_eq!(exchange.post_as("taker", path, &json!({})).await.refusal(), refusal, "{path}");
    }
    exchange.get_as("taker", "/account/balances").await.expect(200);
    exchange.get_as("taker", "/payments/withdraws/methods").await.expect(200);
    exchange.control.set_verification_level("taker", 1).unwrap();
    exchange.get_as("taker", "/account/transactions").await.expect(200);
}

//! The whole history: what each kind of line says, transfers and rewards with their money, and the table.

use crate::client::{API, Answer, Exchange, limit, market};
use capecrypto_sandbox::{ControlError, RewardKind, Role};
use rust_decimal::Decimal;
use serde_json::{Value, json};

/// An exchange with two accounts that have no history and no money.
async fn with_clerks() -> Exchange {
    let exchange = Exchange::start().await;
    for name in ["clerk", "other"] {
        exchange.control.add_account(name, Role::Member).unwrap();
    }
    exchange
}

async fn lines(exchange: &Exchange, name: &str, query: &str) -> Vec<Value> {
    let answer = exchange.get_as(name, &format!("/account/transactions?{query}")).await;
    answer.expect(200).as_array().unwrap().clone()
}

fn available(exchange: &Exchange, account: &str, currency: &str) -> String {
    exchange.control.ledger().entry(account, currency).unwrap().available.normalize().to_string()
}

async fn door(exchange: &Exchange, path: &str, body: &Value) -> Answer {
    let headers = [("Content-Type".to_owned(), "application/json".to_owned())];
    let target = format!("/sandbox/{path}");
    exchange.send("POST", &target, &headers, body.to_string().as_bytes()).await.unwrap()
}

#[tokio::test]
async fn a_transfer_moves_money_and_stands_in_both_histories() {
    let exchange = with_clerks().await;
    exchange.control.deposit("clerk", "zar", Decimal::TEN).unwrap();
    let four = Decimal::from(4);
    let id = exchange.control.transfer("clerk", "other", "zar", four, Some("rent")).unwrap();
    assert_eq!(
        (available(&exchange, "clerk", "zar"), available(&exchange, "other", "zar")),
        ("6".into(), "4".into())
    );
    let sent = lines(&exchange, "clerk", "type=internal_transfer").await.remove(0);
    let came = lines(&exchange, "other", "type=internal_transfer").await.remove(0);
    let uid = |name| exchange.sandbox.account(name).unwrap().uid.clone();
    for line in [&sent, &came] {
        assert_eq!(line["reference_type"], "InternalTransfer");
        assert_eq!((&line["reference_id"], &line["state"]), (&json!(id), &json!("completed")));
        assert_eq!((&line["sender"], &line["receiver"]), (&json!(uid("clerk")), &json!(uid("other"))));
        assert_eq!((&line["fee_currency"], &line["fee"]), (&json!("zar"), &json!("0.0")));
        assert_eq!(line["paid_at"], line["created_at"]);
    }
    assert_eq!(sent["txid"], came["txid"]);
    assert_eq!((&sent["debit_currency"], &sent["debit_amount"]), (&json!("zar"), &json!("4.0")));
    assert_eq!((&came["credit_currency"], &came["credit_amount"]), (&json!("zar"), &json!("4.0")));
    assert_eq!((&sent["member_description"], &came["member_description"]), (&json!("rent"), &Value::Null));
    assert!(sent.get("credit_amount").is_none() && came.get("debit_amount").is_none());
    let found = lines(&exchange, "other", &format!("txid={}", came["txid"].as_str().unwrap())).await;
    assert_eq!(found.len(), 1);
    assert!(exchange.control.ledger().sums_to_zero);
    let entry = exchange.control.journal(0).pop().unwrap();
    assert_eq!((entry.kind.as_str(), entry.reference), ("transfer", format!("transfer {id}")));
}

#[tokio::test]
async fn what_cannot_be_moved_is_refused_and_leaves_no_line() {
    let exchange = with_clerks().await;
    let transfer = |from: &str, to: &str, currency: &str, amount: Decimal| {
        exchange.control.transfer(from, to, currency, amount, None)
    };
    let one = Decimal::ONE;
    assert_eq!(transfer("clerk", "other", "zar", one), Err(ControlError::InvalidAmount), "no money");
    assert_eq!(transfer("maker", "other", "zar", -one), Err(ControlError::InvalidAmount));
    assert_eq!(transfer("maker", "other", "zar", Decimal::new(1, 3)), Err(ControlError::InvalidAmount));
    assert_eq!(transfer("maker", "nobody", "zar", one), Err(ControlError::UnknownAccount));
    assert_eq!(transfer("maker", "other", "doge", one), Err(ControlError::UnknownCurrency));
    let most = Decimal::from(1_000_000_000_000_u64);
    let reward = exchange.control.reward("other", RewardKind::Referral, "zar", most);
    assert_eq!(reward, Err(ControlError::InvalidAmount), "above the supply");
    assert_eq!(lines(&exchange, "other", "").await, Vec::<Value>::new());
    let bad = json!({"from": "maker", "to": "other", "currency": "zar", "amount": "x"});
    assert_eq!(door(&exchange, "transfer", &bad).await.refusal(), "422 sandbox.control.invalid_amount");
    let bad = json!({"account": "maker", "kind": "gift", "currency": "zar", "amount": 1});
    assert_eq!(door(&exchange, "reward", &bad).await.refusal(), "422 sandbox.control.invalid_request");
}

#[tokio::test]
async fn rewards_come_from_outside_and_stand_in_the_history() {
    let exchange = with_clerks().await;
    let referral = json!({"account": "clerk", "kind": "referral", "currency": "zar", "amount": "2.50"});
    let id = door(&exchange, "reward", &referral).await.expect(200)["id"].clone();
    exchange.control.reward("clerk", RewardKind::MakerReward, "btc", Decimal::new(1, 8)).unwrap();
    assert_eq!(
        (available(&exchange, "clerk", "zar"), available(&exchange, "clerk", "btc")),
        ("2.5".into(), "0.00000001".into())
    );
    let line = lines(&exchange, "clerk", "type=referral").await.remove(0);
    assert_eq!((&line["reference_type"], &line["reference_id"]), (&json!("Referral"), &id));
    assert_eq!((&line["credit_currency"], &line["credit_amount"]), (&json!("zar"), &json!("2.5")));
    let line = lines(&exchange, "clerk", "type=maker_reward").await.remove(0);
    assert_eq!(
        (&line["reference_type"], &line["credit_amount"]),
        (&json!("MakerReward"), &json!("0.00000001"))
    );
    assert!(exchange.control.ledger().sums_to_zero);
    let moved = json!({"from": "clerk", "to": "other", "currency": "zar", "amount": 2.5});
    door(&exchange, "transfer", &moved).await.expect(200);
    assert_eq!(available(&exchange, "clerk", "zar"), "0");
}

#[tokio::test]
async fn both_halves_of_a_match_say_what_the_account_got_and_paid() {
    let exchange = Exchange::start().await;
    let sell = exchange.place("maker", limit("sell", "0.01", "800000")).await;
    let buy = exchange.place("taker", market("buy", "0.01")).await;
    let maker = lines(&exchange, "maker", "type=trade").await.remove(0);
    let taker = lines(&exchange, "taker", "type=trade").await.remove(0);
    let facts = |line: &Value| {
        let text = |name: &str| line[name].as_str().unwrap().to_owned();
        [
            "credit_currency",
            "credit_amount",
            "debit_currency",
            "debit_amount",
            "fee_currency",
            "fee",
            "order_id",
        ]
        .map(text)
    };
    assert_eq!(facts(&maker), ["zar", "7992.0", "btc", "0.01", "zar", "8.0", &sell.to_string()]);
    assert_eq!(facts(&taker), ["btc", "0.00998", "zar", "8000.0", "btc", "0.00002", &buy.to_string()]);
    for (line, order) in [(&maker, sell), (&taker, buy)] {
        assert_eq!((&line["reference_type"], &line["reference_id"]), (&json!("Order"), &json!(order)));
        assert_eq!((&line["market_id"], &line["price"]), (&json!("btczar"), &json!("800000.0")));
        assert_eq!((&line["origin_volume"], &line["state"]), (&json!("0.01"), &json!("completed")));
    }
}

#[tokio::test]
async fn a_type_that_is_not_documented_is_refused() {
    let exchange = Exchange::start().await;
    let answer = exchange.get_as("maker", "/account/transactions?type=gift").await;
    assert_eq!(answer.refusal(), "422 sandbox.transactions.unknown_type");
}

#[tokio::test]
async fn a_table_is_a_file_and_ignores_even_a_wrong_limit() {
    let exchange = with_clerks().await;
    exchange.control.reward("clerk", RewardKind::Referral, "zar", Decimal::ONE).unwrap();
    let mut headers = exchange.signed("clerk");
    headers.push(("Accept".into(), "text/csv".into()));
    let target = format!("{API}/account/transactions?limit=5000&page=x");
    let answer = exchange.send("GET", &target, &headers, b"").await.unwrap();
    assert_eq!((answer.status, answer.headers["content-type"].as_str()), (200, "text/csv"));
    assert_eq!(answer.headers["content-disposition"], "attachment; filename=\"transactions.csv\"");
    let mut rows = answer.text.lines();
    let names: Vec<_> = rows.next().unwrap().split(',').collect();
    let cells: Vec<_> = rows.next().unwrap().split(',').collect();
    let json = lines(&exchange, "clerk", "").await.remove(0);
    for (name, cell) in names.iter().zip(cells) {
        let shown = json.get(*name).map_or_else(String::new, |value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        });
        assert_eq!(shown, cell, "{name}");
    }
    assert!(names.contains(&"paid_at") && json["paid_at"].as_str().unwrap().ends_with("+01:00"));
    assert_eq!(rows.next(), None);
}

#[tokio::test]
async fn a_reward_leaves_room_for_a_deposit_that_is_on_its_way() {
    let exchange = with_clerks().await;
    let most: Decimal = "1000000000000".parse().unwrap();
    exchange.control.deposit_after("other", "eur", Decimal::TEN, 1_000).unwrap();
    let reward = exchange.control.reward("clerk", RewardKind::Referral, "eur", most - Decimal::ONE);
    assert_eq!(reward, Err(ControlError::InvalidAmount));
    exchange.control.advance_clock(2_000);
    assert_eq!(available(&exchange, "other", "eur"), "10");
}

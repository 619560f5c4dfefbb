//! The account's calls: the documents' own requests, and odd values in each field of each write.

use crate::client::{API, Answer, Exchange};
use capecrypto_sandbox::{NewDeposit, Sandbox};
use capecrypto_testkit::Fixtures;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use std::time::Duration;

async fn post(exchange: &Exchange, target: &str, body: &str) -> Answer {
    let mut headers = exchange.signed("maker");
    headers.push(("Content-Type".into(), "application/json".into()));
    exchange.send("POST", target, &headers, body.as_bytes()).await.unwrap()
}

#[tokio::test]
async fn the_documents_own_requests_are_accepted_as_they_stand() {
    let exchange = Exchange::start().await;
    let fixtures = Fixtures::cape();
    let mut sent = 0;
    for sample in fixtures.sent("create_beneficiary") {
        let answer = post(&exchange, &format!("{API}/account/beneficiaries"), &sample.text).await;
        assert_eq!(answer.status, 201, "{}: {answer:?}", sample.path());
        sent += 1;
    }
    assert_eq!(sent, 7);
    let history = "/api/v2/account/transactions?currency=btc&type=deposit&limit=25&page=1";
    exchange.control.add_deposit("maker", NewDeposit::new("btc", Decimal::ONE)).unwrap();
    let answer = exchange.send("GET", history, &exchange.signed("maker"), b"").await.unwrap();
    assert_eq!((answer.headers["per-page"].as_str(), answer.headers["page"].as_str()), ("25", "1"));
    let rows = answer.expect(200);
    let rows = rows.as_array().unwrap();
    assert!(!rows.is_empty() && rows.iter().all(|row| row["type"] == "deposit"), "{rows:?}");
    for sample in fixtures.sent("pay_lightning") {
        let bolt = exchange.control.outside_invoice(Some(50), "").unwrap();
        let target = format!("{API}/account/lightning/pays?bolt={bolt}&amount=50");
        let answer = post(&exchange, &target, &sample.text).await;
        assert_eq!(answer.status, 201, "{}: {answer:?}", sample.path());
    }
}

/// Values that no field expects, and a few that one or the other takes.
fn odd_values() -> Vec<Value> {
    let mut values: Vec<Value> = [
        "null",
        "true",
        "[]",
        "{}",
        "[null]",
        "-1",
        "0",
        "0.1",
        "1e-30",
        "1e400",
        "-0.0",
        "18446744073709551616",
        "79228162514264337593543950336",
        "0.00000000000000000000000000001",
        "99999999999999999999999999999",
    ]
    .map(|text| serde_json::from_str(text).unwrap_or_else(|_| json!(text)))
    .into();
    let texts = [
        "",
        " ",
        "a\r\nX-Odd: 1",
        "\0",
        "../../7",
        "%2e%2e%2f",
        "NaN",
        "Infinity",
        "1e-30",
        "1e400",
        "-1",
        "0",
        "+1",
        "1_000",
        "0x10",
        "1,5",
        "79228162514264337593543950336",
        "0.00000000000000000000000000001",
        "٣",
        "{}",
        "null",
    ];
    values.extend(texts.map(Value::from));
    values.push("x".repeat(10_000).into());
    values
}

/// How many lines and beneficiaries an account has. Each movement of money adds a line. What earlier payments do as time passes
/// adds none.
async fn state(exchange: &Exchange) -> [String; 2] {
    let mut totals = [const { String::new() }; 2];
    for (total, path) in totals.iter_mut().zip(["transactions", "beneficiaries"]) {
        let list = exchange.get_as("maker", &format!("/account/{path}?limit=1")).await;
        total.clone_from(&list.headers["total"]);
    }
    totals
}

#[tokio::test]
async fn an_odd_value_is_taken_whole_or_refused_and_then_nothing_has_changed() {
    let exchange = Exchange::with(Sandbox::builder().auth_window(Duration::from_secs(600))).await;
    let to = exchange.control.add_beneficiary("maker").unwrap();
    let deposit = exchange.control.add_deposit("maker", NewDeposit::new("btc", Decimal::ONE)).unwrap();
    exchange.control.issue_voucher("004217", Decimal::ONE_HUNDRED).unwrap();
    let party =
        json!({"first_name": "Ada", "last_name": "Lovelace", "country": "GB", "identity_type": "Individual"});
    let address = "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq";
    let writes = [
        (
            "/account/withdraws".to_owned(),
            json!({"beneficiary_id": to, "currency": "btc", "amount": "0.5", "note": null, "quote_id": null}),
        ),
        (
            "/account/beneficiaries".to_owned(),
            json!({
                "currency": "btc", "name": "x", "description": "y", "blockchain_key": "bitcoin", "withdraw_method_id": 22,
                "data": {"address": address, "tag": "1", "is_own": false, "is_unhosted": true, "vasp_id": 12, "recipient_data": party},
            }),
        ),
        (
            "/account/lightning/pays".to_owned(),
            json!({"address": "a@b.example", "amount": 5, "data": {"is_own": true}, "quote_id": null, "description": "x"}),
        ),
        (
            "/account/lightning/invoices".to_owned(),
            json!({"amount": 5000, "conversion_percent": "1", "description": "x", "member_description": "y"}),
        ),
        (
            "/payments/vouchers/new".to_owned(),
            json!({"payment_method_id": 7, "amount": "10", "voucher_pin": "004217"}),
        ),
        (
            format!("/account/deposits/{deposit}/travel_rule"),
            json!({
                "is_own": false, "is_unhosted": false, "vasp_id": 12, "custom_vasp_name": null, "originator_data": party,
            }),
        ),
    ];
    for (path, good) in &writes {
        for field in good.as_object().unwrap().keys() {
            for value in odd_values() {
                let mut body = good.clone();
                body[field] = value.clone();
                let before = state(&exchange).await;
                let answer = post(&exchange, &format!("{API}{path}"), &body.to_string()).await;
                let what = format!("{path} {field}={value}: {answer:?}");
                if answer.status == 201 {
                    continue;
                }
                assert_eq!(answer.status, 422, "{what}");
                assert!(!answer.text.contains("X-Odd") && !answer.headers.contains_key("x-odd"), "{what}");
                assert_eq!(state(&exchange).await, before, "{what}");
            }
        }
    }
    assert!(exchange.control.ledger().sums_to_zero);
}

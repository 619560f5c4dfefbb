//! Vouchers.

use crate::client::{Answer, Exchange, text};
use capecrypto_sandbox::{ControlError, Profile, Role, Sandbox};
use rust_decimal::Decimal;
use serde_json::{Value, json};

fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

async fn exchange(profile: Profile) -> Exchange {
    let exchange = Exchange::with(Sandbox::builder().profile(profile)).await;
    exchange.control.add_account("clerk", Role::Member).unwrap();
    exchange
}

/// The documents' form: everything in the query.
async fn redeem(exchange: &Exchange, query: &str) -> Answer {
    let target = format!("/api/v2/payments/vouchers/new?{query}");
    exchange.send("POST", &target, &exchange.signed("clerk"), b"").await.unwrap()
}

#[tokio::test]
async fn a_voucher_becomes_money_and_its_rest_a_new_voucher() {
    for (profile, zone) in [(Profile::Docs, "+01:00"), (Profile::Legacy, "Z")] {
        let exchange = exchange(profile).await;
        exchange.control.issue_voucher("0012 34", dec("100")).unwrap();
        let answer = redeem(&exchange, "payment_method_id=7&amount=30.5&voucher_pin=0012+34").await;
        let got = answer.expect(201);
        let change = got["change_voucher"].clone();
        assert_eq!(
            got,
            json!({"amount": 29.5, "origin_amount": 100.0, "change_voucher": {
                "change_amount": 69.5, "change_pin": change["change_pin"], "change_expiry": change["change_expiry"],
            }})
        );
        let pin = text(&change["change_pin"]);
        assert!(pin.len() == 16 && pin.starts_with('0') && pin.bytes().all(|b| b.is_ascii_digit()), "{pin}");
        assert!(text(&change["change_expiry"]).ends_with(zone));
        assert_eq!(exchange.balance("clerk", "zar").await.0, "29.5");
        assert_eq!(exchange.control.ledger().entry("fees", "zar").unwrap().available, dec("1"));
        let line = exchange.get_as("clerk", "/account/transactions").await.expect(200)[0].clone();
        for (field, value) in [
            ("type", json!("deposit")),
            ("reference_type", json!("Deposit")),
            ("credit_currency", json!("zar")),
            ("credit_amount", json!("29.5")),
            ("fee", json!("1.0")),
            ("voucher_pin", json!("0012 34")),
            ("change_voucher_pin", json!(pin)),
            ("change_voucher_expiry", change["change_expiry"].clone()),
            ("change_voucher_amount", json!("69.5")),
            ("state", json!("accepted")),
        ] {
            assert_eq!(line[field], value, "{field}");
        }
        for time in ["paid_at", "expires_at"] {
            assert!(text(&line[time]).ends_with(zone), "{time}");
        }
        let deposits = exchange.get_as("clerk", "/account/deposits").await.expect(200);
        assert_eq!((&deposits[0]["id"], &deposits[0]["amount"]), (&line["reference_id"], &json!("29.5")));

        // The change is a voucher like any other; redeemed whole, it gives none. The body works as well.
        let body = json!({"payment_method_id": 7, "amount": "69.5", "voucher_pin": pin});
        let rest = exchange.post_as("clerk", "/payments/vouchers/new", &body).await.expect(201);
        assert_eq!(rest, json!({"amount": 68.5, "origin_amount": 69.5}));
        assert_eq!(exchange.balance("clerk", "zar").await.0, "98.0");
        assert!(exchange.control.ledger().sums_to_zero);
    }
}

#[tokio::test]
async fn a_voucher_is_redeemed_once_in_time_and_for_what_it_is_worth() {
    let exchange = exchange(Profile::Docs).await;
    exchange.control.issue_voucher_for("1", dec("50"), 1_000).unwrap();
    exchange.control.issue_voucher("2", dec("50")).unwrap();
    exchange.control.issue_voucher("3", dec("50")).unwrap();
    exchange.control.advance_clock(1_000);
    redeem(&exchange, "payment_method_id=7&amount=50&voucher_pin=2").await.expect(201);
    for (query, codes) in [
        ("payment_method_id=7&amount=50&voucher_pin=1", "expired"),
        ("payment_method_id=7&amount=50&voucher_pin=2", "used"),
        ("payment_method_id=7&amount=50&voucher_pin=02", "unknown_pin"),
        ("payment_method_id=7&amount=50.01&voucher_pin=3", "amount_too_large"),
        ("payment_method_id=7&amount=1&voucher_pin=3", "amount_too_small"),
        ("payment_method_id=2&amount=50&voucher_pin=3", "invalid_payment_method_id"),
        ("payment_method_id=7&amount=50.001&voucher_pin=3", "invalid_amount"),
        ("", "missing_payment_method_id,missing_amount,missing_voucher_pin"),
        (
            "payment_method_id=x&amount=-1&voucher_pin=",
            "invalid_payment_method_id,invalid_amount,missing_voucher_pin",
        ),
    ] {
        let codes: Vec<_> = codes.split(',').map(|code| format!("sandbox.voucher.{code}")).collect();
        let refusal = redeem(&exchange, query).await.refusal();
        assert_eq!(refusal, format!("422 {}", codes.join(",")), "{query}");
    }
    assert_eq!(exchange.balance("clerk", "zar").await.0, "49.0", "what was refused changed nothing");
    redeem(&exchange, "payment_method_id=7&amount=50&voucher_pin=3").await.expect(201);
}

#[tokio::test]
async fn the_control_door_issues_a_pin_once() {
    let exchange = exchange(Profile::Docs).await;
    let door = async |body: Value| {
        exchange.send("POST", "/sandbox/vouchers", &[], body.to_string().as_bytes()).await.unwrap()
    };
    door(json!({"pin": "1", "amount": "10", "lifetime_ms": 5})).await.expect(200);
    let again = door(json!({"pin": "1", "amount": 10})).await.refusal();
    assert_eq!(again, "422 sandbox.control.taken");
    let issue = |pin: &str, amount| exchange.control.issue_voucher(pin, dec(amount));
    assert_eq!(issue("", "1"), Err(ControlError::Invalid));
    for amount in ["0", "-1", "0.001"] {
        assert_eq!(issue("2", amount), Err(ControlError::InvalidAmount), "{amount}");
    }
    assert_eq!(issue("2", "0.01"), Ok(()));
}

//! Lightning: invoices, payments with both accounts' histories, and every refusal.

use crate::client::{API, Answer, Exchange, limit};
use capecrypto_sandbox::{ControlError, Profile, Role, Sandbox, WithdrawalState};
use rust_decimal::Decimal;
use serde_json::{Value, json};

const INVOICES: &str = "/account/lightning/invoices";
const PAYS: &str = "/account/lightning/pays";
const HOUR_MS: i64 = 60 * 60 * 1000;
/// Longer than a payment takes.
const A_WHILE_MS: i64 = 60_000;

/// An exchange with two accounts that have no history, of which the payer has one bitcoin.
async fn exchange() -> Exchange {
    let exchange = Exchange::start().await;
    for name in ["payer", "payee"] {
        exchange.control.add_account(name, Role::Member).unwrap();
    }
    exchange.control.deposit("payer", "btc", Decimal::ONE).unwrap();
    exchange
}

/// A call with its parameters in the query, as in the documents.
async fn call(exchange: &Exchange, name: &str, path: &str, query: &str) -> Answer {
    exchange.send("POST", &format!("{API}{path}?{query}"), &exchange.signed(name), b"").await.unwrap()
}

async fn invoice(exchange: &Exchange, name: &str, query: &str) -> Value {
    call(exchange, name, INVOICES, query).await.expect(201)
}

async fn bolt(exchange: &Exchange, sats: u64) -> String {
    invoice(exchange, "payee", &format!("amount={sats}")).await["bolt"].as_str().unwrap().to_owned()
}

async fn first(exchange: &Exchange, name: &str, path: &str) -> Value {
    exchange.get_as(name, path).await.expect(200)[0].clone()
}

/// What an account has available and locked, in satoshi.
fn balance(exchange: &Exchange, account: &str) -> (Decimal, Decimal) {
    let ledger = exchange.control.ledger();
    assert!(ledger.sums_to_zero);
    let entry = ledger.entry(account, "btc").unwrap();
    let sats = |amount: Decimal| (amount * Decimal::from(100_000_000)).normalize();
    (sats(entry.available), sats(entry.locked))
}

fn sats(available: i64, locked: i64) -> (Decimal, Decimal) {
    (available.into(), locked.into())
}

#[tokio::test]
async fn an_invoice_has_what_the_documents_say() {
    let exchange = exchange().await;
    let made =
        invoice(&exchange, "payee", "amount=2500&description=Rooibos&member_description=no.%207").await;
    assert!(made["bolt"].as_str().unwrap().starts_with("lnbcrt25u1"), "{made}");
    assert_eq!((&made["amount"], &made["amount_msat"]), (&json!(2_500), &json!(2_500_000)));
    assert_eq!((&made["description"], &made["member_description"]), (&json!("Rooibos"), &json!("no. 7")));
    assert_eq!(
        (&made["state"], &made["paid_at"], &made["conversion_percent"]),
        (&json!("pending"), &Value::Null, &Value::Null)
    );
    let plain = invoice(&exchange, "payee", "amount=2500.0").await;
    assert_eq!(plain["description"], "Cape Crypto Invoice");
    assert_ne!(plain["bolt"], made["bolt"]);
    // In the body it is the same.
    let posted =
        exchange.post_as("payee", INVOICES, &json!({"amount": 1, "description": "x"})).await.expect(201);
    assert!(posted["bolt"].as_str().unwrap().starts_with("lnbcrt10n1"), "{posted}");
}

#[tokio::test]
async fn a_payment_between_two_accounts_stands_in_both_histories() {
    let exchange = exchange().await;
    let made = invoice(&exchange, "payee", "amount=2500&description=Rooibos&member_description=theirs").await;
    let bolt = made["bolt"].as_str().unwrap();
    let paid = call(&exchange, "payer", PAYS, &format!("bolt={bolt}&amount=2500&member_description=mine"))
        .await
        .expect(201);
    assert_eq!((&paid["bolt"], &paid["address"]), (&json!(bolt), &Value::Null));
    assert_eq!((&paid["amount"], &paid["state"]), (&json!(2_500), &json!("submitted")));
    assert_eq!((&paid["description"], &paid["member_description"]), (&json!("Rooibos"), &json!("mine")));
    // One satoshi is the fee.
    assert_eq!(balance(&exchange, "payer"), sats(100_000_000 - 2_501, 2_501));
    assert_eq!(balance(&exchange, "payee"), sats(0, 0));
    exchange.control.advance_clock(A_WHILE_MS);
    assert_eq!(balance(&exchange, "payer"), sats(100_000_000 - 2_501, 0));
    assert_eq!(balance(&exchange, "payee"), sats(2_500, 0));

    let withdrawal = first(&exchange, "payer", &format!("/account/withdraws?rid={bolt}")).await;
    assert_eq!((&withdrawal["state"], &withdrawal["rid"]), (&json!("succeed"), &json!(bolt)));
    assert_eq!((&withdrawal["amount"], &withdrawal["fee"]), (&json!("0.00002501"), &json!("0.00000001")));
    let deposit = first(&exchange, "payee", "/account/deposits").await;
    assert_eq!((&deposit["amount"], &deposit["state"]), (&json!("0.000025"), &json!("accepted")));
    assert_eq!(deposit["txid"], withdrawal["blockchain_txid"], "the payment hash");
    let sent = first(&exchange, "payer", "/account/transactions").await;
    assert_eq!(
        (&sent["type"], &sent["debit_amount"], &sent["state"]),
        (&json!("withdraw"), &json!("0.00002501"), &json!("succeed"))
    );
    assert_eq!((&sent["description"], &sent["member_description"]), (&json!("Rooibos"), &json!("mine")));
    let came = first(&exchange, "payee", "/account/transactions").await;
    assert_eq!(
        (&came["type"], &came["credit_amount"], &came["state"]),
        (&json!("deposit"), &json!("0.000025"), &json!("accepted"))
    );
    assert_eq!((&came["description"], &came["member_description"]), (&json!("Rooibos"), &json!("theirs")));
    for line in [&sent, &came] {
        assert_eq!((&line["blockchain_key"], &line["txid"]), (&json!("lightning"), &deposit["txid"]));
        assert!(!line.to_string().contains("lnbcrt"), "the invoice is not in the history: {line}");
    }
    let again = call(&exchange, "payer", PAYS, &format!("bolt={bolt}&amount=2500")).await;
    assert_eq!(again.refusal(), "422 sandbox.lightning.already_paid");
}

#[tokio::test]
async fn an_outside_invoice_is_paid_or_fails_as_the_door_says() {
    let exchange = exchange().await;
    let outside = |amount| exchange.control.outside_invoice(amount, "a shop").unwrap();
    let pay = async |bolt: &str| call(&exchange, "payer", PAYS, &format!("bolt={bolt}&amount=700")).await;
    exchange.control.fail_lightning(true);
    let bolt = outside(Some(700));
    pay(&bolt).await.expect(201);
    assert_eq!(pay(&bolt).await.refusal(), "422 sandbox.lightning.already_paid", "it is on its way");
    exchange.control.advance_clock(A_WHILE_MS);
    let state = async || first(&exchange, "payer", "/account/withdraws").await["state"].clone();
    assert_eq!((state().await, balance(&exchange, "payer")), (json!("failed"), sats(100_000_000, 0)));
    // What failed can be paid again. Without an amount the payer's counts.
    exchange.control.fail_lightning(false);
    for bolt in [bolt, outside(None)] {
        pay(&bolt).await.expect(201);
        exchange.control.advance_clock(A_WHILE_MS);
        assert_eq!(state().await, "succeed");
    }
    assert_eq!(balance(&exchange, "payer"), sats(100_000_000 - 1_402, 0));
    // The door can also decide about a single payment.
    let last = outside(Some(700));
    pay(&last).await.expect(201);
    let id = first(&exchange, "payer", "/account/withdraws").await["id"].as_u64().unwrap();
    exchange.control.move_withdrawal(id, WithdrawalState::Canceled).unwrap();
    assert_eq!(balance(&exchange, "payer"), sats(100_000_000 - 1_402, 0));
    pay(&last).await.expect(201);
}

#[tokio::test]
async fn an_invoice_can_be_paid_for_an_hour_and_from_outside() {
    let exchange = exchange().await;
    let (late, early, held) = (bolt(&exchange, 5).await, bolt(&exchange, 6).await, bolt(&exchange, 7).await);
    exchange.control.advance_clock(HOUR_MS - 60_000);
    exchange.control.pay_invoice(&early).unwrap();
    assert_eq!(exchange.control.pay_invoice(&early), Err(ControlError::InvalidInvoice), "paid");
    assert_eq!(balance(&exchange, "payee"), sats(6, 0));
    // A payment that is on its way when the hour ends still arrives.
    call(&exchange, "payer", PAYS, &format!("bolt={held}&amount=7")).await.expect(201);
    let id = first(&exchange, "payer", "/account/withdraws").await["id"].as_u64().unwrap();
    exchange.control.hold_withdrawal(id, true).unwrap();
    exchange.control.advance_clock(2 * 60_000);
    let refused = call(&exchange, "payer", PAYS, &format!("bolt={late}&amount=5")).await;
    assert_eq!(refused.refusal(), "422 sandbox.lightning.expired");
    assert_eq!(exchange.control.pay_invoice(&late), Err(ControlError::InvalidInvoice), "expired");
    exchange.control.hold_withdrawal(id, false).unwrap();
    exchange.control.advance_clock(A_WHILE_MS);
    assert_eq!(balance(&exchange, "payee"), sats(13, 0));
    let others = exchange.control.outside_invoice(Some(1), "").unwrap();
    assert_eq!(exchange.control.pay_invoice(&others), Err(ControlError::InvalidInvoice), "nobody's here");
}

#[tokio::test]
async fn an_address_is_paid_with_the_travel_rule_of_the_documents() {
    let exchange = exchange().await;
    let rule = json!({
        "is_own": false, "is_unhosted": true, "vasp_id": 123, "address": "lnbc...",
        "recipient_data": {
            "first_name": "John", "last_name": "Doe", "company_name": "Acme Corp", "address": "123 Main St",
            "country": "US", "identity_type": "Passport",
        },
    });
    let paid = call(&exchange, "payer", PAYS, "address=name%40example.com&amount=900").await.expect(201);
    assert_eq!((&paid["address"], &paid["bolt"]), (&json!("name@example.com"), &Value::Null));
    // The documents name the address inside of `data` only.
    let inside = json!({"amount": 900, "data": {"address": "name@example.com"}});
    exchange.post_as("payer", PAYS, &inside).await.expect(201);
    // The documents' own example, as JSON and as a form.
    let bolt = bolt(&exchange, 50).await;
    let target = format!("{API}{PAYS}?bolt={bolt}&amount=50");
    let mut headers = exchange.signed("payer");
    headers.push(("Content-Type".into(), "application/json".into()));
    let body = json!({"data": rule}).to_string();
    exchange.send("POST", &target, &headers, body.as_bytes()).await.unwrap().expect(201);
    let another = self::bolt(&exchange, 50).await;
    let target = format!("{API}{PAYS}?bolt={another}&amount=50");
    let mut headers = exchange.signed("payer");
    headers.push(("Content-Type".into(), "application/x-www-form-urlencoded".into()));
    let form: String =
        form_urlencoded::Serializer::new(String::new()).append_pair("data", &rule.to_string()).finish();
    exchange.send("POST", &target, &headers, form.as_bytes()).await.unwrap().expect(201);
    exchange.control.advance_clock(A_WHILE_MS);
    let line = first(&exchange, "payer", "/account/transactions?order_by=asc&type=withdraw").await;
    assert_eq!((&line["receiver"], &line["state"]), (&json!("name@example.com"), &json!("succeed")));
    assert_eq!(balance(&exchange, "payer"), sats(100_000_000 - 2 * 901 - 2 * 51, 0));
}

#[tokio::test]
async fn the_converted_part_is_sold_when_the_invoice_is_paid() {
    let exchange = exchange().await;
    let buyer = exchange.place("taker", limit("buy", "1", "800000")).await;
    let made = invoice(&exchange, "payee", "amount=4001&conversion_percent=0.5").await;
    assert_eq!(made["conversion_percent"], "0.5");
    exchange.control.pay_invoice(made["bolt"].as_str().unwrap()).unwrap();
    let id = first(&exchange, "payee", "/market/orders").await["id"].as_u64().unwrap();
    let order = exchange.order_in("payee", id, |state| state == "done").await;
    assert_eq!((&order["ord_type"], &order["side"]), (&json!("market"), &json!("sell")));
    assert_eq!(order["origin_volume"], "0.00002", "of 2,000.5 sat");
    assert!(order["custom_order_id"].as_str().unwrap().starts_with("lightning-"), "{order}");
    assert_eq!(balance(&exchange, "payee"), sats(2_001, 0));
    let ledger = exchange.control.ledger();
    assert_eq!(
        ledger.entry("payee", "zar").unwrap().available,
        Decimal::new(15_968, 3),
        "16 zar without 0.2 %"
    );
    // Without a buyer it stays bitcoin.
    exchange.post_as("taker", &format!("/market/orders/{buyer}/cancel"), &json!({})).await.expect(201);
    exchange.order_in("taker", buyer, |state| state == "cancel").await;
    let made = invoice(&exchange, "payee", "amount=1000&conversion_percent=1").await;
    exchange.control.pay_invoice(made["bolt"].as_str().unwrap()).unwrap();
    assert_eq!(balance(&exchange, "payee"), sats(3_001, 0));
}

#[tokio::test]
async fn the_converted_part_must_reach_the_least_order() {
    let exchange = exchange().await;
    // The documents' own figures: 1,000 sat are the least order of btczar.
    invoice(&exchange, "payee", "amount=1000&conversion_percent=1").await;
    let refused = call(&exchange, "payee", INVOICES, "amount=1000&conversion_percent=0.999").await;
    assert_eq!(refused.refusal(), "422 sandbox.lightning.conversion_too_small");
}

#[tokio::test]
async fn wrong_invoices_are_refused_with_all_codes() {
    let exchange = exchange().await;
    let long = "x".repeat(640);
    for (query, codes) in [
        ("", "missing_amount"),
        ("amount=", "invalid_amount"),
        ("amount=0", "invalid_amount"),
        ("amount=-5", "invalid_amount"),
        ("amount=1.5", "invalid_amount"),
        ("amount=x", "invalid_amount"),
        ("amount=1e40", "invalid_amount"),
        ("amount=5000&conversion_percent=0", "invalid_conversion_percent"),
        ("amount=5000&conversion_percent=1.1", "invalid_conversion_percent"),
        ("amount=5000&conversion_percent=x", "invalid_conversion_percent"),
        ("amount=4000001", "over_limit"),
        (&format!("amount=5000&description={long}"), "too_long_description"),
    ] {
        let answer = call(&exchange, "payee", INVOICES, query).await;
        assert_eq!(answer.refusal(), format!("422 sandbox.lightning.{codes}"), "{query}");
    }
    let both = call(&exchange, "payee", INVOICES, "conversion_percent=5").await;
    assert_eq!(
        both.refusal(),
        "422 sandbox.lightning.missing_amount,sandbox.lightning.invalid_conversion_percent"
    );
}

#[tokio::test]
async fn wrong_payments_are_refused_and_move_nothing() {
    let exchange = exchange().await;
    let bolt = bolt(&exchange, 2_500).await;
    let own = invoice(&exchange, "payer", "amount=2500").await["bolt"].as_str().unwrap().to_owned();
    let live = "lnbc2500u1pvjluezsp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygspp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdq5xysxxatsyp3k7enxv4jsxqzpu9qrsgquk0rl77nj30yxdy8j9vdx85fkpmdla2087ne0xh8nhedh8w27kyke0lp53ut353s06fv3qfegext0eh0ymjpf39tuven09sam30g4vgpfna3rh";
    let changed = bolt.replacen("lnbcrt25u", "lnbcrt26u", 1);
    let long = "x".repeat(640);
    for (query, codes) in [
        ("amount=2500", "missing_bolt_or_address"),
        (&format!("bolt={bolt}"), "missing_amount"),
        (&format!("bolt={bolt}&amount=2501"), "amount_differs"),
        (&format!("bolt={bolt}&amount=2500&address=a%40b.com"), "bolt_and_address"),
        ("bolt=lnbc1&amount=2500", "invalid_bolt"),
        (&format!("bolt={changed}&amount=2600"), "invalid_bolt"),
        (&format!("bolt={live}&amount=250000"), "wrong_network"),
        (&format!("bolt={own}&amount=2500"), "own_invoice"),
        ("address=nobody&amount=2500", "invalid_address"),
        ("address=a%40b.com&amount=4000001", "over_limit"),
        (&format!("bolt={bolt}&amount=2500&description={long}"), "too_long_description"),
    ] {
        let answer = call(&exchange, "payer", PAYS, query).await;
        assert_eq!(answer.refusal(), format!("422 sandbox.lightning.{codes}"), "{query}");
    }
    for data in [
        json!("x"),
        json!([1]),
        json!({"is_own": 1}),
        json!({"recipient_data": []}),
        json!({"recipient_data": {"country": 5}}),
    ] {
        let answer =
            exchange.post_as("payer", PAYS, &json!({"bolt": bolt, "amount": 2_500, "data": data})).await;
        assert_eq!(answer.refusal(), "422 sandbox.lightning.invalid_data", "{data}");
    }
    let poor = call(&exchange, "payee", PAYS, "address=a%40b.com&amount=1").await;
    assert_eq!(poor.refusal(), "422 account.withdraw.insufficient_balance");
    exchange.control.set_verification_level("payer", 0).unwrap();
    let query = format!("bolt={bolt}&amount=2500");
    assert_eq!(call(&exchange, "payer", PAYS, &query).await.refusal(), "403 account.withdraw.not_permitted");
    exchange.control.set_verification_level("payer", 3).unwrap();
    assert_eq!(balance(&exchange, "payer"), sats(100_000_000, 0));
    assert_eq!(exchange.get_as("payer", "/account/withdraws").await.expect(200), json!([]));
    let door = |amount, text: &str| exchange.control.outside_invoice(amount, text);
    assert_eq!(door(Some(0), ""), Err(ControlError::InvalidInvoice));
    assert_eq!(door(None, &long), Err(ControlError::InvalidInvoice));
}

#[tokio::test]
async fn payments_count_in_the_limits_of_withdrawals() {
    let exchange = exchange().await;
    exchange.control.deposit("payer", "btc", Decimal::ONE).unwrap();
    exchange.control.set_verification_level("payer", 1).unwrap();
    let to = exchange.control.add_beneficiary("payer").unwrap();
    let body = json!({"beneficiary_id": to, "currency": "btc", "amount": "0.99"});
    exchange.post_as("payer", "/account/withdraws", &body).await.expect(201);
    let pay = async |sats: u64| {
        let bolt = bolt(&exchange, sats).await;
        call(&exchange, "payer", PAYS, &format!("bolt={bolt}&amount={sats}")).await
    };
    assert_eq!(
        pay(1_000_000).await.refusal(),
        "422 sandbox.withdraw.over_limit",
        "with the fee, 1 satoshi more"
    );
    pay(999_999).await.expect(201);
}

#[tokio::test]
async fn a_quote_keeps_its_fee() {
    let exchange = exchange().await;
    let bolt = bolt(&exchange, 2_500).await;
    exchange.control.set_quoted_fee("btc", Some(Decimal::new(7, 8))).unwrap();
    let quote =
        exchange.get_as("payer", &format!("/account/withdraws/quote/btc?bolt={bolt}")).await.expect(200);
    exchange.control.set_quoted_fee("btc", None).unwrap();
    let id = quote["id"].as_str().unwrap();
    let pay = async |id: &str| {
        call(&exchange, "payer", PAYS, &format!("bolt={bolt}&amount=2500&quote_id={id}")).await
    };
    for wrong in ["x", ""] {
        assert_eq!(pay(wrong).await.refusal(), "422 sandbox.withdraw.quote_doesnt_exist", "{wrong:?}");
    }
    pay(id).await.expect(201);
    exchange.control.advance_clock(A_WHILE_MS);
    assert_eq!(balance(&exchange, "payer"), sats(100_000_000 - 2_507, 0));
    let quote = exchange.get_as("payer", "/account/withdraws/quote/btc?bolt=lnbcrt1").await.expect(200);
    exchange.control.advance_clock(91_000);
    let late = format!("address=a%40b.com&amount=5&quote_id={}", quote["id"].as_str().unwrap());
    assert_eq!(call(&exchange, "payer", PAYS, &late).await.refusal(), "422 sandbox.withdraw.quote_expired");
}

#[tokio::test]
async fn the_older_servers_know_invoices_only() {
    let exchange = Exchange::with(Sandbox::builder().profile(Profile::Legacy)).await;
    let made = call(&exchange, "maker", INVOICES, "amount=5").await.expect(201);
    let bolt = made["bolt"].as_str().unwrap();
    let refused = call(&exchange, "taker", PAYS, "address=a%40b.com&amount=5").await;
    assert_eq!(refused.refusal(), "422 sandbox.lightning.missing_bolt_or_address");
    let query = format!("bolt={bolt}&amount=5&quote_id=x&data=x");
    call(&exchange, "taker", PAYS, &query).await.expect(201);
}

#[tokio::test]
async fn the_same_commands_make_the_same_invoices() {
    let made = async || {
        let exchange = Exchange::with(Sandbox::builder().seed(7)).await;
        let answer = invoice(&exchange, "maker", "amount=5").await;
        let text = answer["bolt"].as_str().unwrap().to_owned();
        (text, exchange.control.now_ms() / 1000)
    };
    let (mut one, mut other) = (made().await, made().await);
    while one.1 != other.1 {
        // The second began in between; the texts have the time in them.
        (one, other) = (made().await, made().await);
    }
    assert_eq!(one.0, other.0);
}

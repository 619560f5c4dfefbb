//! Payment references: what is answered, who may make and see them, and every refusal.

use crate::{
    client::{API, Answer, Exchange, limit},
    onboarding::{CUSTOMERS, MERCHANTS, business, person, with},
    webhooks::Receiver,
};
use capecrypto_sandbox::{
    ControlError, DepositMethod, DepositState, NewDeposit, Profile, ReferenceDeposit, Role, Sandbox,
    WithdrawalState,
};
use capecrypto_testkit::Fixtures;
use capecrypto_webhook::Verifier;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use std::time::Duration;

const PAYMENTS: &str = "/account/payments";
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// Opens a sub-account of an account; the answer is its uid.
async fn sub_account(exchange: &Exchange, parent: &str) -> String {
    let body = json!({ "account_name": "Till 1" }).to_string();
    let mut headers = exchange.signed(parent);
    headers.push(("content-type".to_owned(), "application/json".to_owned()));
    let path = "/api/v2/persona/resource/sub_accounts";
    let made = exchange.send("POST", path, &headers, body.as_bytes()).await.unwrap().expect(201);
    made["uid"].as_str().unwrap().to_owned()
}

fn own_uid(exchange: &Exchange, name: &str) -> String {
    exchange.sandbox.account(name).unwrap().uid
}

async fn create(exchange: &Exchange, uid: &str, more: Value) -> Value {
    let mut body = json!({ "uid": uid, "currency": "btc" });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    exchange.post_as("merchant", PAYMENTS, &body).await.expect(201)
}

fn millis(time: &Value) -> i64 {
    time.as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_millisecond()
}

#[tokio::test]
async fn the_documents_own_requests_are_accepted_for_a_real_account() {
    let exchange = Exchange::start().await;
    let uid = sub_account(&exchange, "merchant").await;
    let fixtures = Fixtures::cape();
    let mut sent = 0;
    for fixture in fixtures.sent("create_payment_reference") {
        let mut body = fixture.json().unwrap();
        assert_eq!(body["uid"], "ID123456789");
        body["uid"] = uid.as_str().into();
        let made = exchange.post_as("merchant", PAYMENTS, &body).await.expect(201);
        assert_eq!((&made["uid"], &made["currency"]), (&body["uid"], &body["currency"]));
        assert_eq!(made["deposit_action"]["action"], body["deposit_action"]["action"]);
        sent += 1;
    }
    assert_eq!(sent, 4);
}

#[tokio::test]
async fn what_is_not_set_is_null_or_absent_as_documented() {
    let exchange = Exchange::start().await;
    let uid = sub_account(&exchange, "merchant").await;
    let made = create(&exchange, &uid, json!({})).await;
    for null in ["expected_amount", "deposit_action", "last_used_at"] {
        assert_eq!(made.get(null), Some(&Value::Null), "{null}");
    }
    for absent in ["webhook_url", "webhook_protocol", "webhook_secret", "deposit_id", "error"] {
        assert_eq!(made.get(absent), None, "{absent}");
    }
    assert_eq!((&made["state"], &made["usage_count"]), (&json!("pending_deposit"), &json!(0)));
    assert_eq!(millis(&made["expires_at"]) - millis(&made["created_at"]), DAY_MS);
    let code = made["reference"].as_str().unwrap().strip_prefix("PAY-").unwrap();
    assert!(code.len() == 6 && code.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit()), "{code}");

    let to = json!({ "action": "convert_and_withdraw", "target_currency": "zar", "beneficiary_id": 7 });
    let made = create(&exchange, &uid, json!({ "expected_amount": 0.015, "deposit_action": to })).await;
    assert_eq!(
        (&made["expected_amount"], &made["deposit_action"]["max_slippage"]),
        (&json!("0.015"), &json!(2.0))
    );
}

#[tokio::test]
async fn a_lifetime_can_be_set_and_expires_nothing() {
    let exchange = Exchange::with(Sandbox::builder().payment_lifetime(Duration::from_secs(60))).await;
    let uid = own_uid(&exchange, "merchant");
    let made = create(&exchange, &uid, json!({})).await;
    assert_eq!(millis(&made["expires_at"]) - millis(&made["created_at"]), 60_000);
    exchange.control.advance_clock(120_000);
    let later = exchange.get_as("merchant", &format!("{PAYMENTS}/{}", made["id"])).await.expect(200);
    assert_eq!(later, made);
}

#[tokio::test]
async fn only_its_owner_gets_the_secret_and_only_on_request() {
    let exchange = Exchange::start().await;
    let uid = own_uid(&exchange, "merchant");
    let webhook = json!({
        "webhook_url": "https://shop.example/hook", "webhook_secret": "s3cret", "webhook_protocol": "hmac"
    });
    let made = create(&exchange, &uid, webhook).await;
    assert_eq!(
        (&made["webhook_url"], &made["webhook_protocol"]),
        (&json!("https://shop.example/hook"), &json!("hmac"))
    );
    assert_eq!(made.get("webhook_secret"), None);
    let path = format!("{PAYMENTS}/{}", made["id"]);
    for (query, secret) in
        [("", None), ("?includeSecret=false", None), ("?includeSecret=true", Some(&json!("s3cret")))]
    {
        let read = exchange.get_as("merchant", &format!("{path}{query}")).await.expect(200);
        assert_eq!(read.get("webhook_secret"), secret, "{query}");
    }
    let wrong = exchange.get_as("merchant", &format!("{path}?includeSecret=yes")).await;
    assert_eq!(wrong.refusal(), "422 sandbox.payment.invalid_include_secret");
    let listed = exchange.get_as("merchant", &format!("{PAYMENTS}?includeSecret=true")).await.expect(200);
    assert_eq!(listed[0].get("webhook_secret"), None);
    // Another merchant sees nothing of it.
    assert_eq!(exchange.get_as("aggregator", &path).await.refusal(), "404 record.not_found");
    assert_eq!(exchange.get_as("aggregator", PAYMENTS).await.expect(200), json!([]));
}

#[tokio::test]
async fn members_and_those_who_act_for_one_are_refused() {
    let exchange = Exchange::start().await;
    let uid = sub_account(&exchange, "merchant").await;
    let body = json!({ "uid": uid, "currency": "btc" });
    let refused = "403 sandbox.role.not_permitted";
    assert_eq!(exchange.post_as("maker", PAYMENTS, &body).await.refusal(), refused);
    assert_eq!(exchange.get_as("maker", PAYMENTS).await.refusal(), refused);
    assert_eq!(exchange.get_as("maker", "/account/payments/1").await.refusal(), refused);
    let mut headers = exchange.signed("merchant");
    headers.push(("x-auth-subaccount-uid".to_owned(), uid));
    let answer = exchange.send("GET", &format!("{API}{PAYMENTS}"), &headers, b"").await.unwrap();
    assert_eq!(answer.refusal(), refused);
    let legacy = Exchange::with(Sandbox::builder().profile(Profile::Legacy)).await;
    assert_eq!(legacy.get_as("merchant", PAYMENTS).await.status, 404);
}

#[tokio::test]
async fn an_account_must_belong_to_the_caller_and_have_some_verification() {
    let exchange = Exchange::start().await;
    exchange.control.add_account("rival", Role::Merchant).unwrap();
    let (own, foreign) = (sub_account(&exchange, "merchant").await, sub_account(&exchange, "rival").await);
    let rival = own_uid(&exchange, "rival");
    let refused = async |uid: &str| {
        let body = json!({ "uid": uid, "currency": "btc" });
        exchange.post_as("merchant", PAYMENTS, &body).await.refusal()
    };
    for uid in [foreign.as_str(), &rival, "CCT0000000", "nonsense", "../1", "\u{202e}"] {
        assert_eq!(refused(uid).await, "422 sandbox.payment.unknown_uid", "{uid}");
    }
    let listed = exchange.get_as("merchant", &format!("{PAYMENTS}?uid={foreign}")).await;
    assert_eq!(listed.refusal(), "422 sandbox.payment.unknown_uid");
    exchange.control.set_verification_level("merchant", 0).unwrap();
    assert_eq!(refused(&own).await, "422 sandbox.payment.customer_not_verified");

    let exchange = Exchange::with(Sandbox::builder().verified_customers(false)).await;
    let own = sub_account(&exchange, "merchant").await;
    exchange.control.set_verification_level("merchant", 0).unwrap();
    create(&exchange, &own, json!({})).await;
}

#[tokio::test]
async fn a_customer_can_pay_once_it_is_verified_and_the_aggregator_sees_it() {
    let exchange = Exchange::start().await;
    let shop = exchange.open("aggregator", MERCHANTS, &business("shop@example.com")).await;
    let shop = shop["uid"].as_str().unwrap();
    exchange.control.make_keys(shop).unwrap();
    let customer = exchange.open(shop, CUSTOMERS, &person("jane@example.com")).await;
    let customer = customer["uid"].as_str().unwrap();
    let webhook = json!({ "webhook_url": "https://a.example/", "webhook_secret": "s3cret" });
    let body = with(&webhook, &[("/uid", json!(customer)), ("/currency", json!("btc"))]);
    let refused = exchange.post_as(shop, PAYMENTS, &body).await.refusal();
    assert_eq!(refused, "422 sandbox.payment.customer_not_verified");
    exchange.control.verify_at_once(customer).unwrap();
    let made = exchange.post_as(shop, PAYMENTS, &body).await.expect(201);
    assert_eq!(exchange.get_as("aggregator", PAYMENTS).await.expect(200), json!([made]));
    // The shop made it, so only the shop gets the secret.
    let path = format!("{PAYMENTS}/{}?includeSecret=true", made["id"]);
    assert_eq!(exchange.get_as("aggregator", &path).await.expect(200).get("webhook_secret"), None);
    assert_eq!(exchange.get_as(shop, &path).await.expect(200)["webhook_secret"], "s3cret");
    // One that the aggregator made for the shop's customer is the shop's to see, without the secret.
    let other = exchange.post_as("aggregator", PAYMENTS, &body).await.expect(201);
    assert_eq!(exchange.get_as(shop, PAYMENTS).await.expect(200), json!([other, made]));
    assert_eq!(exchange.get_as("merchant", PAYMENTS).await.expect(200), json!([]));
    assert_eq!(exchange.get_as("merchant", &path).await.refusal(), "404 record.not_found");
}

#[tokio::test]
async fn each_wrong_field_has_its_code_and_all_are_named_at_once() {
    let exchange = Exchange::start().await;
    let uid = own_uid(&exchange, "merchant");
    let refused = async |body: &Value| exchange.post_as("merchant", PAYMENTS, body).await.refusal();
    let all = json!({
        "uid": "x", "currency": "BTC", "expected_amount": "0", "deposit_action": "all",
        "webhook_url": "nonsense", "webhook_protocol": "hmac",
    });
    assert_eq!(
        refused(&all).await,
        "422 sandbox.payment.unknown_uid,account.currency.doesnt_exist,\
         sandbox.payment.invalid_expected_amount,sandbox.payment.invalid_deposit_action,\
         sandbox.webhook.invalid_url,sandbox.webhook.missing_secret"
    );
    assert_eq!(refused(&json!({})).await, "422 sandbox.payment.missing_uid,sandbox.payment.missing_currency");
    let mut wrong: Vec<(Value, &str)> = Vec::new();
    for amount in
        [json!(0), json!(-1), json!("-0.1"), json!("1,5"), json!(""), json!(true), json!([1]), json!("1e40")]
    {
        wrong.push((json!({ "expected_amount": amount }), "payment.invalid_expected_amount"));
    }
    wrong.push((
        json!({ "expected_amount": "12345678901234567890.123456789" }),
        "payment.invalid_expected_amount",
    ));
    for url in ["ftp://a/", "//a", "https://", "a.example", "https://a b/", "javascript:alert(1)"] {
        wrong.push((json!({ "webhook_url": url }), "webhook.invalid_url"));
    }
    for protocol in ["hmac", "plain_text"] {
        let empty =
            json!({ "webhook_url": "https://a/", "webhook_protocol": protocol, "webhook_secret": "" });
        wrong.push((empty, "webhook.missing_secret"));
    }
    wrong.push((
        json!({ "webhook_url": "https://a/", "webhook_protocol": "HMAC" }),
        "webhook.invalid_protocol",
    ));
    wrong.push((json!({ "webhook_secret": "x" }), "webhook.invalid_url"));
    wrong.push((
        json!({ "deposit_action": { "action": "aggregate", "max_slippage": 10.1 } }),
        "payment.invalid_deposit_action",
    ));
    wrong.push((
        json!({ "deposit_action": { "action": "convert_and_withdraw" } }),
        "payment.invalid_deposit_action",
    ));
    for (more, code) in wrong {
        let mut body = json!({ "uid": uid, "currency": "btc" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        assert_eq!(refused(&body).await, format!("422 sandbox.{code}"), "{more}");
    }
    for id in ["0", "999999", "x", "-1", "18446744073709551616"] {
        let answer = exchange.get_as("merchant", &format!("{PAYMENTS}/{id}")).await;
        assert_eq!(answer.refusal(), "404 record.not_found", "{id}");
    }
}

#[tokio::test]
async fn the_list_has_the_newest_first_and_pages() {
    let exchange = Exchange::start().await;
    let (till, own) = (sub_account(&exchange, "merchant").await, own_uid(&exchange, "merchant"));
    let mut made = Vec::new();
    for uid in [&till, &own, &till] {
        made.push(create(&exchange, uid, json!({})).await);
    }
    made.reverse();
    assert_eq!(exchange.get_as("merchant", PAYMENTS).await.expect(200), json!(made));
    let of_till = exchange.get_as("merchant", &format!("{PAYMENTS}?uid={till}")).await.expect(200);
    assert_eq!(of_till, json!([made[0], made[2]]));
    let answer = exchange.get_as("merchant", &format!("{PAYMENTS}?limit=2&page=2")).await;
    let header = |name: &str| answer.headers.get(name).map(String::as_str);
    assert_eq!([header("total"), header("page"), header("per-page")], [Some("3"), Some("2"), Some("2")]);
    assert_eq!(answer.json(), json!([made[2]]));
    let far = format!("{PAYMENTS}?page=99999999999999999999");
    assert_eq!(exchange.get_as("merchant", &far).await.expect(200), json!([]));
    for (query, code) in
        [("limit=101", "invalid_limit"), ("limit=0", "invalid_limit"), ("page=x", "non_integer_page")]
    {
        let answer = exchange.get_as("merchant", &format!("{PAYMENTS}?{query}")).await;
        assert_eq!(answer.refusal(), format!("422 pagination.{code}"), "{query}");
    }
}

/// What the exchange waits before each action.
const STEP_MS: i64 = 5_000;
const HOUR_MS: i64 = 60 * 60 * 1_000;

fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// Does what is due after one step, and leaves an hour until the next one, however slow this machine is.
fn step(exchange: &Exchange) {
    exchange.control.advance_clock(HOUR_MS + STEP_MS);
    exchange.control.advance_clock(-HOUR_MS);
}

/// A deposit for a reference through the door over HTTP; the clock is an hour before its first step.
async fn deposit(exchange: &Exchange, payment: &Value, body: &Value) -> Answer {
    let target = format!("/sandbox/payments/{}/deposit", payment["reference"].as_str().unwrap());
    let headers = [("Content-Type".to_owned(), "application/json".to_owned())];
    let answer = exchange.send("POST", &target, &headers, body.to_string().as_bytes()).await.unwrap();
    exchange.control.advance_clock(-HOUR_MS);
    answer
}

async fn read(exchange: &Exchange, payment: &Value) -> Value {
    exchange.get_as("merchant", &format!("{PAYMENTS}/{}", payment["id"])).await.expect(200)
}

fn available(exchange: &Exchange, account: &str, currency: &str) -> Decimal {
    exchange.control.ledger().entry(account, currency).unwrap().available
}

#[tokio::test]
async fn a_payment_shows_each_state_and_every_id_on_its_way() {
    let exchange = Exchange::start().await;
    exchange.place("maker", limit("sell", "1", "800000")).await;
    let till = sub_account(&exchange, "merchant").await;
    let payee = exchange.control.add_beneficiary("merchant").unwrap();
    let action = json!({
        "action": "aggregate_convert_and_withdraw", "target_currency": "btc", "beneficiary_id": payee,
    });
    let made = create(&exchange, &till, json!({ "currency": "zar", "deposit_action": action })).await;
    let before = ["btc", "zar"].map(|currency| available(&exchange, "merchant", currency));
    let answer = deposit(&exchange, &made, &json!({ "amount": "8000.00" })).await.expect(200);
    let id = answer["id"].as_u64().unwrap();
    let ids = |payment: &Value| {
        ["deposit_id", "internal_transfer_id", "order_id", "withdraw_id"]
            .map(|name| payment.get(name).is_some())
    };
    let got = read(&exchange, &made).await;
    assert_eq!((&got["state"], &got["deposit_id"]), (&json!("pending_internal_transfer"), &json!(id)));
    assert_eq!((&got["usage_count"], ids(&got)), (&json!(1), [true, false, false, false]));
    assert!(got["last_used_at"].is_string());
    step(&exchange);
    let got = read(&exchange, &made).await;
    assert_eq!((&got["state"], ids(&got)), (&json!("pending_buy_order"), [true, true, false, false]));
    assert_eq!(available(&exchange, &till, "zar"), Decimal::ZERO);
    assert_eq!(available(&exchange, "merchant", "zar") - before[1], dec("8000"));
    step(&exchange);
    let got = read(&exchange, &made).await;
    assert_eq!((&got["state"], ids(&got)), (&json!("pending_withdraw"), [true, true, true, false]));
    let order = exchange.get_as("merchant", &format!("/market/orders/{}", got["order_id"])).await.expect(200);
    assert_eq!((&order["state"], &order["custom_order_id"]), (&json!("done"), &made["reference"]));
    assert_eq!(
        (&order["side"], &order["price"], &order["ord_type"]),
        (&json!("buy"), &Value::Null, &json!("market"))
    );
    step(&exchange);
    let got = read(&exchange, &made).await;
    assert_eq!((&got["state"], ids(&got)), (&json!("pending_withdraw"), [true; 4]), "until the coins arrive");
    let withdrawal = exchange.get_as("merchant", "/account/withdraws").await.expect(200)[0].clone();
    // 0.01 without 0.2 %, of which the beneficiary gets what the fee leaves.
    assert_eq!((&withdrawal["id"], &withdrawal["amount"]), (&got["withdraw_id"], &json!("0.00998")));
    exchange.control.advance_clock(DAY_MS);
    let got = read(&exchange, &made).await;
    assert_eq!((&got["state"], got.get("error"), ids(&got)), (&json!("completed"), None, [true; 4]));
    assert!(millis(&got["updated_at"]) > millis(&got["last_used_at"]));
    assert_eq!(["btc", "zar"].map(|currency| available(&exchange, "merchant", currency)), before);
    assert!(exchange.control.ledger().sums_to_zero);
    assert_eq!(exchange.get_as("merchant", PAYMENTS).await.expect(200), json!([got]));
}

#[tokio::test]
async fn a_payment_that_fails_says_why_and_the_money_stays() {
    let exchange = Exchange::start().await;
    let till = sub_account(&exchange, "merchant").await;
    let action = json!({ "action": "convert_and_withdraw", "target_currency": "zar", "beneficiary_id": 7 });
    let made = create(&exchange, &till, json!({ "deposit_action": action })).await;
    deposit(&exchange, &made, &json!({ "amount": 0.5 })).await.expect(200);
    assert_eq!(read(&exchange, &made).await["state"], "pending_sell_order");
    step(&exchange);
    let got = read(&exchange, &made).await;
    assert_eq!(
        (&got["state"], &got["error"], got.get("order_id")),
        (&json!("failed"), &json!("Insufficient liquidity for market order on btczar"), None)
    );
    assert_eq!(available(&exchange, &till, "btc"), dec("0.5"));

    let payee = exchange.control.add_beneficiary("merchant").unwrap();
    let action =
        json!({ "action": "convert_and_withdraw", "target_currency": "btc", "beneficiary_id": payee });
    let made = create(&exchange, &till, json!({ "deposit_action": action })).await;
    deposit(&exchange, &made, &json!({ "amount": "0.25" })).await.expect(200);
    step(&exchange);
    let id = read(&exchange, &made).await["withdraw_id"].as_u64().unwrap();
    exchange.control.move_withdrawal(id, WithdrawalState::Rejected).unwrap();
    let got = read(&exchange, &made).await;
    assert_eq!(got["error"], format!("Withdrawal {id} ended as rejected"));
    assert_eq!(available(&exchange, &till, "btc"), dec("0.75"));
}

#[tokio::test]
async fn deposits_come_on_each_way_and_a_second_one_is_counted() {
    let exchange = Exchange::start().await;
    let till = sub_account(&exchange, "merchant").await;
    let coin = create(&exchange, &till, json!({})).await;
    let rand = create(&exchange, &till, json!({ "currency": "zar" })).await;
    for (payment, body) in [
        (&coin, json!({ "amount": "0.01", "txid": "ab12", "blockchain": "bitcoin-test", "sender": "Ada" })),
        (&coin, json!({ "amount": "0.02", "method": "chain" })),
        (&coin, json!({ "amount": "0.03", "method": "lightning" })),
        (&rand, json!({ "amount": 100.5, "method": "fiat", "currency": "zar" })),
    ] {
        deposit(&exchange, payment, &body).await.expect(200);
    }
    let got = read(&exchange, &coin).await;
    assert_eq!((&got["state"], &got["usage_count"]), (&json!("completed"), &json!(3)));
    assert_eq!(available(&exchange, &till, "btc"), dec("0.06"));
    // As a bank would send it, and another currency, which is not the reference's.
    let text = rand["reference"].as_str().unwrap().to_lowercase();
    let by_bank = NewDeposit::new("zar", dec("7")).description(&*text);
    exchange.control.add_deposit(&till, by_bank).unwrap();
    deposit(&exchange, &rand, &json!({ "amount": "1", "currency": "eth" })).await.expect(200);
    assert_eq!(read(&exchange, &rand).await["usage_count"], 2);
    let mut headers = exchange.signed("merchant");
    headers.push(("x-auth-subaccount-uid".to_owned(), till.clone()));
    let path = format!("{API}/account/transactions?type=deposit");
    let lines = exchange.send("GET", &path, &headers, b"").await.unwrap().expect(200);
    let texts: Vec<_> = lines.as_array().unwrap().iter().map(|line| line["description"].clone()).collect();
    let (coin, rand) = (&coin["reference"], &rand["reference"]);
    assert_eq!(json!(texts), json!([null, text, rand, coin, null, null]));

    // Held for the travel rule, it counts once it is accepted.
    let held = create(&exchange, &till, json!({})).await;
    let code = held["reference"].as_str().unwrap();
    let new = ReferenceDeposit::new(dec("1")).state(DepositState::OnHoldTravelRuleCustomer);
    let id = exchange.control.deposit_for_reference(code, new).unwrap();
    assert_eq!(read(&exchange, &held).await["state"], "pending_deposit");
    exchange.control.set_deposit_state(id, DepositState::Accepted).unwrap();
    assert_eq!(read(&exchange, &held).await["deposit_id"], id);
}

#[tokio::test]
async fn the_door_refuses_deposits_that_cannot_be() {
    let exchange = Exchange::start().await;
    let till = sub_account(&exchange, "merchant").await;
    let coin = create(&exchange, &till, json!({})).await;
    let rand = create(&exchange, &till, json!({ "currency": "zar" })).await;
    for (payment, body, code) in [
        (&json!({ "reference": "PAY-000" }), json!({ "amount": "1" }), "unknown_payment"),
        (&coin, json!({}), "invalid_request"),
        (&coin, json!({ "amount": "1", "method": "cash" }), "invalid_request"),
        (&coin, json!({ "amount": "0" }), "invalid_amount"),
        (&coin, json!({ "amount": "0.000000001" }), "invalid_amount"),
        (&coin, json!({ "amount": "1", "currency": "doge" }), "unknown_currency"),
        (&coin, json!({ "amount": "1", "method": "fiat" }), "wrong_method"),
        (&rand, json!({ "amount": "1", "method": "chain" }), "wrong_method"),
        (&rand, json!({ "amount": "1", "method": "lightning" }), "wrong_method"),
        (&coin, json!({ "amount": "1", "blockchain": "lightning" }), "wrong_method"),
        (&rand, json!({ "amount": "1", "state": "hold" }), "wrong_state"),
        (&coin, json!({ "amount": "0.01", "method": "lightning", "state": "submitted" }), "wrong_state"),
        // An invoice is at most 0.04.
        (&coin, json!({ "amount": "0.05", "method": "lightning" }), "invalid_amount"),
        (&coin, json!({ "amount": "0.000000005", "method": "lightning" }), "invalid_amount"),
    ] {
        let refusal = deposit(&exchange, payment, &body).await.refusal();
        assert_eq!(refusal, format!("422 sandbox.control.{code}"), "{body}");
    }
    exchange.control.set_verification_level("merchant", 0).unwrap();
    let code = coin["reference"].as_str().unwrap();
    let new = || ReferenceDeposit::new(dec("0.01")).method(DepositMethod::Lightning);
    let refused = exchange.control.deposit_for_reference(code, new()).unwrap_err();
    assert_eq!(refused, ControlError::NotVerified);
    for payment in [&coin, &rand] {
        assert_eq!(read(&exchange, payment).await, *payment, "nothing was changed");
    }

    let exchange = Exchange::with(Sandbox::builder().verified_customers(false)).await;
    let till = sub_account(&exchange, "merchant").await;
    exchange.control.set_verification_level("merchant", 0).unwrap();
    let coin = create(&exchange, &till, json!({})).await;
    exchange.control.deposit_for_reference(coin["reference"].as_str().unwrap(), new()).unwrap();
    assert_eq!(read(&exchange, &coin).await["state"], "completed");
}

#[tokio::test]
async fn receivers_are_told_and_the_clients_crate_reads_every_event() {
    let (exchange, receiver) = (Exchange::start().await, Receiver::start().await);
    assert!(exchange.control.webhooks(0).is_empty(), "nobody is told what the accounts begin with");
    let of_account = receiver.url.replace("shop=1", "shop=2");
    exchange.hook("merchant", &of_account, "hmac").await;
    let till = sub_account(&exchange, "merchant").await;
    let settings = |action: Value| {
        json!({
            "deposit_action": action, "webhook_url": receiver.url, "webhook_secret": "my_secret_key",
            "webhook_protocol": "hmac",
        })
    };
    let to_parent = create(&exchange, &till, settings(json!({ "action": "aggregate" }))).await;
    let to_nobody =
        json!({ "action": "convert_and_withdraw", "target_currency": "zar", "beneficiary_id": 7 });
    let to_nobody = create(&exchange, &till, settings(to_nobody)).await;
    for (payment, method) in [(&to_parent, "chain"), (&to_parent, "lightning"), (&to_nobody, "lightning")] {
        deposit(&exchange, payment, &json!({ "amount": "0.01", "method": method })).await.expect(200);
    }
    // Each deposit was made an hour before the last one, so the last payment ends first.
    exchange.control.advance_clock(3 * HOUR_MS + STEP_MS);
    // No payment, so it is told to the webhook of the account that manages the till.
    let rejected = NewDeposit::new("btc", dec("1")).state(DepositState::Rejected);
    exchange.control.add_deposit(&till, rejected).unwrap();
    let mut told = Vec::new();
    for delivery in exchange.control.webhooks(0) {
        exchange.until_all_attempts_end(delivery.number, 1).await;
        let account = delivery.receiver.as_ref().unwrap().account.clone();
        told.push((delivery.event.clone(), account));
    }
    let own = |event: &str| (event.to_owned(), None);
    assert_eq!(
        told,
        [
            own("deposit.accepted"),
            own("payment_reference.deposit_matched"),
            own("deposit.accepted"),
            own("payment_reference.duplicate_deposit"),
            own("deposit.accepted"),
            own("payment_reference.deposit_matched"),
            own("payment_reference.failed"),
            own("payment_reference.completed"),
            ("deposit.rejected".to_owned(), Some("merchant".to_owned())),
        ]
    );
    let verifier = Verifier::hmac("now", "my_secret_key").unwrap();
    let mut got: Vec<_> = receiver.got();
    assert_eq!(got.len(), told.len());
    let other = got.iter().position(|got| got.path.ends_with("shop=2")).unwrap();
    got.swap_remove(other);
    for got in got {
        let event = verifier.verify(&got.headers, &got.body).unwrap().event;
        assert!(got.path.ends_with("shop=1"));
        if let Some(reference) = event.reference() {
            assert!([&to_parent, &to_nobody].iter().any(|payment| payment["reference"] == reference));
            assert!(event.created_at().is_some(), "{event:?}");
        }
    }
}

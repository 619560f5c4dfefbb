//! Payment references: what is answered, who may make and see them, and every refusal.

use crate::{
    client::{API, Exchange},
    onboarding::{CUSTOMERS, MERCHANTS, business, person, with},
};
use capecrypto_sandbox::{Profile, Role, Sandbox};
use capecrypto_testkit::Fixtures;
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

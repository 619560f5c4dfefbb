//! Sub-accounts and the webhooks of accounts.

use crate::{
    client::{Answer, Exchange},
    onboarding::{CUSTOMERS, person, with},
};
use capecrypto_sandbox::{Profile, Restriction, Sandbox};
use rust_decimal::Decimal;
use serde_json::{Value, json};

const API: &str = "/api/v2/persona/resource";

impl Exchange {
    /// A signed call to the persona service, with a JSON body, for the account itself or one that it acts for.
    async fn resource(&self, method: &str, path: &str, acting: Option<&str>, body: &Value) -> Answer {
        let mut headers = self.signed("merchant");
        headers.push(("Content-Type".into(), "application/json".into()));
        headers.extend(acting.map(|uid| ("X-Auth-Subaccount-Uid".to_owned(), uid.to_owned())));
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.send(method, &format!("{API}{path}"), &headers, body.as_bytes()).await.unwrap()
    }

    async fn create(&self, body: &Value) -> Answer {
        self.resource("POST", "/sub_accounts", None, body).await
    }

    async fn webhook(&self, method: &str, acting: Option<&str>, body: &Value) -> Answer {
        self.resource(method, "/users/webhook", acting, body).await
    }

    /// A new sub-account's uid.
    async fn till(&self) -> String {
        let made = self.create(&json!({ "account_name": "Till" })).await.expect(201);
        made["uid"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn actions_are_answered_in_the_documents_forms() {
    let exchange = Exchange::start().await;
    let convert = json!({
        "action": "convert_and_withdraw", "target_currency": "usd", "beneficiary_id": 789, "max_slippage": 1.5,
    });
    for (sent, answered) in [
        (Value::Null, json!("none")),
        (json!("none"), json!("none")),
        (json!("transfer_to_parent"), json!("transfer_to_parent")),
        (json!({ "action": "aggregate" }), json!("transfer_to_parent")),
        (convert.clone(), convert),
    ] {
        let made =
            exchange.create(&json!({ "account_name": "Till", "deposit_action": sent })).await.expect(201);
        assert_eq!(made["deposit_action"], answered);
        let uid = made["uid"].as_str().unwrap();
        let path = format!("/sub_accounts/{uid}");
        assert_eq!(exchange.resource("GET", &path, None, &Value::Null).await.expect(200), made);
        let changed = exchange.resource("PUT", &path, None, &json!({})).await.expect(200);
        assert_eq!(changed, made, "nothing was asked for");
        // Here only the two texts are taken.
        for action in ["transfer_to_parent", "none"] {
            let body = json!({ "deposit_action": action });
            let changed = exchange.resource("PUT", &path, None, &body).await.expect(200);
            assert_eq!(changed["deposit_action"], action);
        }
        for action in [json!({ "action": "aggregate" }), json!("aggregate"), json!(7), json!("")] {
            let body = json!({ "deposit_action": action });
            let refusal = exchange.resource("PUT", &path, None, &body).await.refusal();
            assert_eq!(refusal, "422 sandbox.sub_account.invalid_deposit_action", "{action}");
        }
    }
}

#[tokio::test]
async fn a_deposit_goes_to_the_parent_account_until_the_action_is_changed() {
    let exchange = Exchange::start().await;
    let body = json!({ "account_name": "Till", "deposit_action": "transfer_to_parent" });
    let made = exchange.create(&body).await.expect(201);
    let uid = made["uid"].as_str().unwrap();
    let available =
        |account: &str| exchange.control.ledger().entry(account, "btc").unwrap().available.normalize();
    let before = available("merchant");
    exchange.control.deposit(uid, "btc", 2.into()).unwrap();
    exchange.control.advance_clock(5_000);
    assert_eq!((available(uid), available("merchant")), (0.into(), before + Decimal::TWO));
    // It is an ordinary transfer in both histories.
    let target = "/account/transactions?type=internal_transfer";
    let lines = exchange.get_as("merchant", target).await.expect(200);
    assert_eq!((&lines[0]["credit_amount"], &lines[0]["sender"]), (&json!("2.0"), &json!(uid)));
    let none = json!({ "deposit_action": "none" });
    exchange.resource("PUT", &format!("/sub_accounts/{uid}"), None, &none).await.expect(200);
    exchange.control.deposit(uid, "btc", 3.into()).unwrap();
    exchange.control.advance_clock(3_600_000);
    assert_eq!((available(uid), available("merchant")), (3.into(), before + Decimal::TWO));
    assert!(exchange.control.ledger().sums_to_zero);
}

#[tokio::test]
async fn what_is_wrong_is_told_at_once() {
    let exchange = Exchange::start().await;
    let own =
        |codes: &str| codes.split(' ').map(|code| format!("sandbox.{code}")).collect::<Vec<_>>().join(",");
    for (body, codes) in [
        (json!({}), "sub_account.invalid_name"),
        (json!({ "account_name": " " }), "sub_account.invalid_name"),
        (json!({ "account_name": "x".repeat(101) }), "sub_account.invalid_name"),
        (json!({ "account_name": "a\0" }), "sub_account.invalid_name"),
        (json!({ "account_name": { "a": 1 } }), "sub_account.invalid_name"),
        (
            json!({ "account_name": "", "deposit_action": "all", "data": "{", "webhook": {} }),
            "sub_account.invalid_name sub_account.invalid_deposit_action webhook.invalid_url sub_account.invalid_data",
        ),
        (
            json!({ "account_name": "Till", "webhook": { "url": "https://a/", "protocol": "hmac" } }),
            "webhook.missing_secret",
        ),
        (json!({ "account_name": "Till", "webhook": "https://a/" }), "webhook.invalid_url"),
        (json!({ "account_name": "Till", "webhook": 7 }), "webhook.invalid_url"),
    ] {
        assert_eq!(exchange.create(&body).await.refusal(), format!("422 {}", own(codes)), "{body}");
    }
    let listed = exchange.resource("GET", "/sub_accounts", None, &Value::Null).await.expect(200);
    assert_eq!(listed, json!([]), "nothing was made");
    for data in [json!({ "a": 1 }), json!("{\"a\":1}"), json!("7"), json!(["a"])] {
        exchange.create(&json!({ "account_name": "Till", "data": data })).await.expect(201);
    }
}

#[tokio::test]
async fn pages_are_those_of_the_other_lists() {
    let exchange = Exchange::start().await;
    for number in 0..3 {
        exchange.create(&json!({ "account_name": number.to_string() })).await.expect(201);
    }
    let page = async |query: &str| {
        exchange.resource("GET", &format!("/sub_accounts{query}"), None, &Value::Null).await
    };
    for (query, names) in
        [("", "012"), ("?limit=2", "01"), ("?limit=2&page=2", "2"), ("?page=0", "012"), ("?page=9", "")]
    {
        let answer = page(query).await;
        assert_eq!(answer.headers["total"], "3");
        assert_eq!(answer.headers["per-page"], if query.contains("limit") { "2" } else { "100" });
        let rows = answer.expect(200);
        let got: String =
            rows.as_array().unwrap().iter().map(|row| row["account_name"].as_str().unwrap()).collect();
        assert_eq!(got, names, "{query}");
    }
    for limit in ["0", "1001"] {
        assert_eq!(page(&format!("?limit={limit}")).await.refusal(), "422 pagination.invalid_limit");
    }
    assert_eq!(
        page("?limit=x&page=y").await.refusal(),
        "422 pagination.non_integer_limit,pagination.non_integer_page"
    );
    let older = Exchange::with(Sandbox::builder().profile(Profile::Legacy)).await;
    let refusal = older.resource("GET", "/sub_accounts?limit=0", None, &Value::Null).await.refusal();
    assert_eq!(refusal, "422 admin.pagination.invalid_limit");
}

#[tokio::test]
async fn one_that_has_money_or_orders_is_not_deleted_and_a_deleted_one_is_out_of_reach() {
    let exchange = Exchange::start().await;
    let uid = exchange.till().await;
    let path = format!("/sub_accounts/{uid}");
    let delete = async || exchange.resource("DELETE", &path, None, &Value::Null).await;
    exchange.control.deposit(&uid, "btc", 1.into()).unwrap();
    assert_eq!(delete().await.refusal(), "422 sandbox.sub_account.has_money");
    // All of it is locked by an order: it is still there.
    let order =
        json!({ "market": "btczar", "side": "sell", "volume": "1", "ord_type": "limit", "price": "900000" });
    let mut headers = exchange.signed("merchant");
    headers.push(("Content-Type".into(), "application/json".into()));
    headers.push(("X-Auth-Subaccount-Uid".into(), uid.clone()));
    let orders = "/api/v2/atlas/market/orders";
    let placed = exchange.send("POST", orders, &headers, order.to_string().as_bytes()).await.unwrap();
    placed.expect(201);
    assert_eq!(delete().await.refusal(), "422 sandbox.sub_account.has_money");

    let empty = exchange.till().await;
    let path = format!("/sub_accounts/{empty}");
    let gone = exchange.resource("DELETE", &path, None, &Value::Null).await;
    assert_eq!((gone.status, gone.text.as_str()), (204, ""));
    let row = exchange.resource("GET", &path, None, &Value::Null).await.expect(200);
    assert_eq!(row["state"], "deleted");
    for method in ["DELETE", "PUT"] {
        let refusal =
            exchange.resource(method, &path, None, &json!({ "deposit_action": "none" })).await.refusal();
        assert_eq!(refusal, "404 record.not_found", "{method}");
    }
    for path in ["/sub_accounts", "/users/webhook"] {
        let refusal = exchange.resource("GET", path, Some(&empty), &Value::Null).await.refusal();
        assert_eq!(refusal, "401 authz.invalid_permission");
    }
}

#[tokio::test]
async fn the_verification_is_the_parents() {
    let exchange = Exchange::start().await;
    let uid = exchange.till().await;
    let get = async |path: &str| {
        let mut headers = exchange.signed("merchant");
        headers.push(("X-Auth-Subaccount-Uid".into(), uid.clone()));
        exchange.send("GET", &format!("/api/v2/atlas{path}"), &headers, b"").await.unwrap()
    };
    assert_eq!(get("/account/deposits").await.status, 200);
    exchange.control.set_verification_level("merchant", 0).unwrap();
    assert_eq!(get("/account/deposits").await.refusal(), "403 account.deposit.not_permitted");
    exchange.control.set_verification_level("merchant", 3).unwrap();
    assert_eq!(get("/account/deposits").await.status, 200);
    let error = exchange.control.set_verification_level(&uid, 1).unwrap_err();
    assert_eq!(error.code(), "sandbox.control.invalid");
    assert_eq!(get("/market/orders").await.status, 200);
    exchange.control.restrict("merchant", Some(Restriction::NotVerified)).unwrap();
    assert_eq!(get("/market/orders").await.refusal(), "403 market.trade.not_permitted");
}

#[tokio::test]
async fn an_account_has_one_webhook() {
    let exchange = Exchange::start().await;
    let uid = exchange.till().await;
    let none = json!({ "webhook": null });
    let whole = json!({ "url": "https://merchant.example/hooks?k=1", "secret": "s", "protocol": "hmac" });
    let bare = json!({ "url": "http://127.0.0.1:9/" });
    for acting in [None, Some(uid.as_str())] {
        let call = async |method, body: &Value| exchange.webhook(method, acting, body).await;
        assert_eq!(call("GET", &Value::Null).await.expect(200), none);
        assert_eq!(call("DELETE", &Value::Null).await.refusal(), "404 record.not_found");
        assert_eq!(call("POST", &whole).await.expect(201), json!({ "webhook": whole }));
        assert_eq!(call("POST", &bare).await.refusal(), "409 sandbox.webhook.exists");
        assert_eq!(call("GET", &Value::Null).await.expect(200), json!({ "webhook": whole }));
        // All of it is replaced: the secret is not kept.
        let replaced = json!({ "webhook": { "url": "http://127.0.0.1:9/", "protocol": "none" } });
        assert_eq!(call("PUT", &bare).await.expect(200), replaced);
        assert_eq!(call("GET", &Value::Null).await.expect(200), replaced);
        assert!(call("DELETE", &Value::Null).await.expect(200)["message"].is_string());
        assert_eq!(call("GET", &Value::Null).await.expect(200), none);
        assert_eq!(call("PUT", &whole).await.expect(200), json!({ "webhook": whole }), "it makes one too");
    }
}

#[tokio::test]
async fn wrong_settings_are_told_at_once() {
    let exchange = Exchange::start().await;
    for (body, codes) in [
        (json!({}), "invalid_url"),
        (json!({ "url": "merchant.example" }), "invalid_url"),
        (json!({ "url": "ftp://a/" }), "invalid_url"),
        (json!({ "url": "https://" }), "invalid_url"),
        (json!({ "url": format!("https://a/{}", "x".repeat(2_048)) }), "invalid_url"),
        (json!({ "url": 7, "protocol": "md5" }), "invalid_url,sandbox.webhook.invalid_protocol"),
        (json!({ "url": "https://a/", "protocol": {} }), "invalid_protocol"),
        (json!({ "url": "https://a/", "protocol": "hmac" }), "missing_secret"),
        (json!({ "url": "https://a/", "protocol": "plain_text", "secret": "" }), "missing_secret"),
    ] {
        for method in ["POST", "PUT"] {
            let refusal = exchange.webhook(method, None, &body).await.refusal();
            assert_eq!(refusal, format!("422 sandbox.webhook.{codes}"), "{body}");
        }
    }
    // Also where a customer comes with one, or gets one.
    let wrong = json!({ "url": "https://a/", "protocol": "hmac" });
    let body = with(&person("a@b.example"), &[("/webhook", wrong.clone())]);
    let refusal = exchange.persona("POST", "merchant", CUSTOMERS, &body).await.refusal();
    assert_eq!(refusal, "422 sandbox.webhook.missing_secret");
    let made = exchange.open("merchant", CUSTOMERS, &person("a@b.example")).await;
    let path = format!("{CUSTOMERS}/{}", made["uid"].as_str().unwrap());
    let refusal = exchange.persona("PUT", "merchant", &path, &json!({ "webhook": wrong })).await.refusal();
    assert_eq!(refusal, "422 sandbox.webhook.missing_secret");
    let read = exchange.webhook("GET", None, &Value::Null).await.expect(200);
    assert_eq!(read, json!({ "webhook": null }));
}

//! A local exchange in a state in which no answer is empty.

use capecrypto_auth::{Credentials, Environment};
use capecrypto_rest::Client;
use capecrypto_sandbox::{DepositState, NewDeposit, ReferenceDeposit, Sandbox, WithdrawalState};
use capecrypto_testkit::Fixtures;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// The ids of what the exchange has for the calling account.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Seed {
    /// A limit order with a custom order id and a fill. The rest of it is in the book.
    pub filled: u64,
    /// An open order.
    pub to_cancel: u64,
    /// A beneficiary.
    pub beneficiary: u64,
    /// A beneficiary that waits for [`Seed::PIN`].
    pub pending_beneficiary: u64,
    /// A beneficiary that may be deleted.
    pub beneficiary_to_delete: u64,
    /// A deposit of a coin.
    pub deposit: u64,
    /// A deposit that waits for its travel rule.
    pub held: u64,
    /// A beneficiary for btc, of which nothing else is asked.
    pub payee: u64,
    /// A payment reference with an action and a webhook. Its deposit was transferred and converted, and its withdrawal failed.
    pub payment_reference: u64,
    /// A person who is a customer of the account.
    pub customer: &'static str,
    /// A business that is a customer of the account, with everything that can be said about it.
    pub business: &'static str,
    /// An owner of that business.
    pub ubo: &'static str,
    /// A merchant of the account. It has a customer.
    pub merchant: &'static str,
    /// Uid of a sub-account.
    pub sub_account: &'static str,
    /// Uid of a sub-account that may be deleted.
    pub sub_account_to_delete: &'static str,
}

impl Seed {
    /// The account that calls. Aggregators may make every call.
    pub const ACCOUNT: &str = "aggregator";
    /// The pin of the pending beneficiary.
    pub const PIN: &str = "004217";
    /// The pin of a voucher of R100.
    pub const VOUCHER: &str = "0049210056781234";
}

/// A client of one of the demo accounts.
pub fn client(sandbox: &Sandbox, account: &str) -> Client {
    client_of(Environment::local(sandbox.origin()).unwrap(), sandbox, account)
}

/// The same with the paths of the older exchange.
pub fn older_client(sandbox: &Sandbox, account: &str) -> Client {
    client_of(Environment::local(sandbox.origin()).unwrap().with_legacy_paths(), sandbox, account)
}

fn client_of(environment: Environment, sandbox: &Sandbox, account: &str) -> Client {
    let account = sandbox.account(account).unwrap();
    let credentials = Credentials::new(&account.api_key, &account.secret).unwrap();
    Client::builder(environment).credentials(credentials).build().unwrap()
}

async fn order(client: &Client, order: Value) -> u64 {
    let reply = client.raw(http::Method::POST, "/api/v2/atlas/market/orders").json(&order).send();
    let order: Value = serde_json::from_slice(&reply.await.unwrap().body).unwrap();
    order["id"].as_u64().unwrap()
}

/// Makes a withdrawal that was paid out.
async fn withdrawal(client: &Client, sandbox: &Sandbox, payee: u64) {
    let body = json!({"beneficiary_id": payee, "currency": "btc", "amount": "0.5"});
    let reply = client.raw(http::Method::POST, "/api/v2/atlas/account/withdraws").json(&body).send();
    let made: Value = serde_json::from_slice(&reply.await.unwrap().body).unwrap();
    let control = sandbox.control();
    control.move_withdrawal(made["id"].as_u64().unwrap(), WithdrawalState::Succeed).unwrap();
}

/// Creates a customer or a merchant that is a business; gives its uid and that of its first owner.
async fn open(client: &Client, what: &str, form: Value) -> (&'static str, &'static str) {
    let reply = client.raw(http::Method::POST, format!("/api/v2/persona/resource/{what}")).json(&form).send();
    let made: Value = serde_json::from_slice(&reply.await.unwrap().body).unwrap();
    (kept(&made["uid"]), kept(&made["ubos"][0]["uid"]))
}

/// A uid that lives as long as the test, so that a seed can be copied.
fn kept(uid: &Value) -> &'static str {
    uid.as_str().unwrap().to_owned().leak()
}

/// The form of a business with every field that the documents have.
fn business_form(email: &str) -> Value {
    let owner = json!({
        "email": "owner@example.com", "first_name": "Thandi", "last_name": "Nkosi", "phone_number": "+27821111111",
        "dob": "1985-05-15", "address": "1 Long Street", "postcode": "8001", "city": "Cape Town", "country": "ZA",
        "nationality": "ZA", "id_number": "8505155800088", "occupation": "Accountant",
        "source_of_funds": "Business Income", "ownership_percentage": 60, "is_director": true,
        "is_authorized_signatory": true, "is_pep_occupation": true, "pep_occupation_data": "Judge until 2020",
        "is_pep_related": true, "pep_related_data": "Sister of a senator", "is_pip": true, "pip_data": "Bishop",
    });
    let profile = json!({
        "company_name": "Shop (Pty) Ltd", "registration_number": "2020/123456/07", "registration_country": "ZA",
        "industry": "Retail", "purpose_of_account": "Payments", "expected_monthly_volume_usd": 500_000,
        "jurisdictions_of_operation": ["ZA"], "website": "https://shop.example", "employee_count": 25,
        "address": "1 Long Street", "city": "Cape Town", "postcode": "8001", "country": "ZA",
        "license_status": "Licensed", "license_number": "FSP1", "license_jurisdictions": ["ZA"],
    });
    json!({
        "entity_type": "business", "email": email, "phone_number": "+27821234567", "account_name": "Shop",
        "business_profile": profile, "ubos": [owner],
    })
}

/// Makes a payment reference for this account, and a deposit for it, whose last action fails. So no field is left out.
async fn payment_reference(client: &Client, sandbox: &Sandbox, uid: &str, payee: u64) -> u64 {
    let to = json!({
        "action": "aggregate_convert_and_withdraw", "target_currency": "btc", "beneficiary_id": payee,
        "max_slippage": 0.5, "beneficiary_amount": "0.001",
    });
    let body = json!({
        "uid": uid, "currency": "zar", "expected_amount": "1300", "deposit_action": to,
        "webhook_url": "https://merchant.example/hooks", "webhook_secret": "canary", "webhook_protocol": "hmac",
    });
    let reply = client.raw(http::Method::POST, "/api/v2/atlas/account/payments").json(&body).send();
    let made: Value = serde_json::from_slice(&reply.await.unwrap().body).unwrap();
    let (id, control) = (made["id"].as_u64().unwrap(), sandbox.control());
    let code = made["reference"].as_str().unwrap();
    control.deposit_for_reference(code, ReferenceDeposit::new(1_300.into())).unwrap();
    // Three actions, each after five seconds. Then the clock is right again for the nonces of the client.
    control.advance_clock(15_000);
    control.advance_clock(-15_000);
    let path = format!("/api/v2/atlas/account/payments/{id}");
    let reply = client.raw(http::Method::GET, path).send();
    let made: Value = serde_json::from_slice(&reply.await.unwrap().body).unwrap();
    control.move_withdrawal(made["withdraw_id"].as_u64().unwrap(), WithdrawalState::Failed).unwrap();
    id
}

async fn sub_account(client: &Client, name: &str) -> &'static str {
    let body = json!({ "account_name": name });
    let reply = client.raw(http::Method::POST, "/api/v2/persona/resource/sub_accounts").json(&body).send();
    let made: Value = serde_json::from_slice(&reply.await.unwrap().body).unwrap();
    kept(&made["uid"])
}

/// Starts the exchange and fills it, and makes a client of the account that has the seed.
pub async fn seeded() -> (Sandbox, Client, Seed) {
    let sandbox = Sandbox::builder().address_after(Duration::ZERO).start().await.unwrap();
    let (account, taker) = (client(&sandbox, Seed::ACCOUNT), client(&sandbox, "taker"));
    let limit = |side, volume, price| {
        json!({
            "market": "btczar", "side": side, "volume": volume, "ord_type": "limit", "price": price,
            "custom_order_id": "302b0494-1a06-4089-846c-0c6b13f1b661",
        })
    };
    // Sent by hand: without price and custom order id, so that both are null in the answer. `CreateOrder` always sets an id.
    let market =
        |side, volume| json!({"market": "btczar", "side": side, "volume": volume, "ord_type": "market"});
    let filled = order(&account, limit("sell", "0.5", "700000")).await;
    let to_cancel = order(&account, limit("sell", "0.5", "900000")).await;
    order(&taker, limit("buy", "0.1", "500000")).await;
    order(&account, market("sell", "0.01")).await;
    order(&account, limit("buy", "0.1", "600000")).await;
    order(&taker, market("buy", "0.1")).await;
    // For the payment reference, which takes all of it.
    order(&taker, limit("sell", "0.002", "650000")).await;

    // A transaction with every field that any transaction of the fixture has.
    let rows = Fixtures::cape();
    let rows = rows.get("list_transactions", "composed").unwrap().json().unwrap();
    let all: Map<String, Value> =
        rows.as_array().unwrap().iter().flat_map(|row| row.as_object().unwrap().clone()).collect();
    let control = sandbox.control();
    control.add_transaction(Seed::ACCOUNT, &Value::from(all).to_string()).unwrap();
    // The first request makes the address.
    let address = account.raw(http::Method::GET, "/api/v2/atlas/account/deposit_address/btc").send();
    address.await.unwrap();
    control.issue_voucher(Seed::VOUCHER, 100.into()).unwrap();
    let held = NewDeposit::new("btc", 1.into()).state(DepositState::OnHoldTravelRuleCustomer);
    let payee = control.add_beneficiary(Seed::ACCOUNT).unwrap();
    withdrawal(&account, &sandbox, payee).await;
    let (business, ubo) = open(&account, "customers", business_form("shop@example.com")).await;
    let (merchant, _) = open(&account, "merchants", business_form("merchant@example.com")).await;
    control.add_customer(merchant).unwrap();
    let customer = kept(&control.add_customer(Seed::ACCOUNT).unwrap().into());
    let seed = Seed {
        filled,
        to_cancel,
        beneficiary: control.add_beneficiary(Seed::ACCOUNT).unwrap(),
        pending_beneficiary: control.add_pending_beneficiary(Seed::ACCOUNT, Seed::PIN).unwrap(),
        beneficiary_to_delete: control.add_beneficiary(Seed::ACCOUNT).unwrap(),
        deposit: control.add_deposit(Seed::ACCOUNT, NewDeposit::new("btc", 1.into())).unwrap(),
        held: control.add_deposit(Seed::ACCOUNT, held).unwrap(),
        payee,
        payment_reference: payment_reference(&account, &sandbox, customer, payee).await,
        customer,
        business,
        ubo,
        merchant,
        sub_account: sub_account(&account, "Trading Account 1").await,
        sub_account_to_delete: sub_account(&account, "Trading Account 2").await,
    };
    (sandbox, account, seed)
}

//! A local exchange in a state in which no answer is empty.

use capecrypto_auth::{Credentials, Environment};
use capecrypto_rest::Client;
use capecrypto_sandbox::{DepositState, NewDeposit, Sandbox, WithdrawalState};
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
    /// A customer of the merchant. The sandbox has no customers yet, so this is the account itself.
    pub customer: &'static str,
}

impl Seed {
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

/// Starts the exchange and fills it, and makes a client of the account that has the seed.
pub async fn seeded() -> (Sandbox, Client, Seed) {
    let sandbox = Sandbox::builder().address_after(Duration::ZERO).start().await.unwrap();
    let (merchant, taker) = (client(&sandbox, "merchant"), client(&sandbox, "taker"));
    let limit = |side, volume, price| {
        json!({
            "market": "btczar", "side": side, "volume": volume, "ord_type": "limit", "price": price,
            "custom_order_id": "302b0494-1a06-4089-846c-0c6b13f1b661",
        })
    };
    // Sent by hand: without price and custom order id, so that both are null in the answer. `CreateOrder` always sets an id.
    let market =
        |side, volume| json!({"market": "btczar", "side": side, "volume": volume, "ord_type": "market"});
    let filled = order(&merchant, limit("sell", "0.5", "700000")).await;
    let to_cancel = order(&merchant, limit("sell", "0.5", "900000")).await;
    order(&taker, limit("buy", "0.1", "500000")).await;
    order(&merchant, market("sell", "0.01")).await;
    order(&merchant, limit("buy", "0.1", "600000")).await;
    order(&taker, market("buy", "0.1")).await;

    // A transaction with every field that any transaction of the fixture has.
    let rows = Fixtures::cape();
    let rows = rows.get("list_transactions", "composed").unwrap().json().unwrap();
    let all: Map<String, Value> =
        rows.as_array().unwrap().iter().flat_map(|row| row.as_object().unwrap().clone()).collect();
    let control = sandbox.control();
    control.add_transaction("merchant", &Value::from(all).to_string()).unwrap();
    // The first request makes the address.
    let address = merchant.raw(http::Method::GET, "/api/v2/atlas/account/deposit_address/btc").send();
    address.await.unwrap();
    control.issue_voucher(Seed::VOUCHER, 100.into()).unwrap();
    let held = NewDeposit::new("btc", 1.into()).state(DepositState::OnHoldTravelRuleCustomer);
    let payee = control.add_beneficiary("merchant").unwrap();
    withdrawal(&merchant, &sandbox, payee).await;
    let seed = Seed {
        filled,
        to_cancel,
        beneficiary: control.add_beneficiary("merchant").unwrap(),
        pending_beneficiary: control.add_pending_beneficiary("merchant", Seed::PIN).unwrap(),
        beneficiary_to_delete: control.add_beneficiary("merchant").unwrap(),
        deposit: control.add_deposit("merchant", NewDeposit::new("btc", 1.into())).unwrap(),
        held: control.add_deposit("merchant", held).unwrap(),
        payee,
        customer: "CCT1234567",
    };
    (sandbox, merchant, seed)
}

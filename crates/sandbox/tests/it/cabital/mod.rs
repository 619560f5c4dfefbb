//! Cabital's side of the sandbox, as a partner calls it. The signing code is the tests' own.

mod callbacks;
mod connection;
mod conversions;
mod door;
mod reads;
mod signing;
mod transfers;

use crate::client::{Answer, request};
use capecrypto_sandbox::{Builder, CabitalControl, Control, Sandbox};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use std::fmt::Write as _;

/// A sandbox and calls to its Cabital.
struct Partner {
    sandbox: Sandbox,
    control: Control,
    cabital: CabitalControl,
    /// The account that is linked from the start.
    account: String,
}

/// HMAC-SHA256 in lower-case hex.
fn hex(secret: &str, text: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    })
}

fn pairs(headers: &[(&str, &str)]) -> Vec<(String, String)> {
    headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

impl Partner {
    async fn start() -> Self {
        Self::with(Sandbox::builder()).await
    }

    async fn with(builder: Builder) -> Self {
        let sandbox = builder.start().await.unwrap();
        let (control, account) = (sandbox.control(), sandbox.cabital().account_id.clone());
        Self { cabital: control.cabital(), control, account, sandbox }
    }

    fn host(&self) -> &str {
        self.sandbox.cabital().origin.strip_prefix("http://").unwrap()
    }

    fn link_host(&self) -> &str {
        self.sandbox.cabital().link_origin.strip_prefix("http://").unwrap()
    }

    /// The headers of a call with this nonce, at the exchange's time.
    fn headers(&self, method: &str, target: &str, nonce: &str, body: &str) -> Vec<(String, String)> {
        let access = self.sandbox.cabital();
        let timestamp = (self.control.now_ms() / 1000).to_string();
        let signature = hex(&access.secret, &format!("{timestamp}{method}{nonce}{target}{body}"));
        pairs(&[
            ("ACCESS-KEY", &access.access_key),
            ("ACCESS-TIMESTAMP", &timestamp),
            ("ACCESS-NONCE", nonce),
            ("ACCESS-SIGN", &signature),
            ("Content-Type", "application/json"),
        ])
    }

    async fn with_nonce(&self, method: &str, path: &str, nonce: &str, body: &str) -> Result<Answer, String> {
        let target = format!("/api/v1{path}");
        let headers = self.headers(method, &target, nonce, body);
        request(self.host(), method, &target, &headers, body.as_bytes()).await
    }

    async fn call(&self, method: &str, path: &str, body: &str) -> Answer {
        let nonce = format!("nonce-{}", fastrand::u64(..));
        self.with_nonce(method, path, &nonce, body).await.unwrap()
    }

    async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, "").await
    }

    async fn post(&self, path: &str, body: &Value) -> Answer {
        self.call("POST", path, &body.to_string()).await
    }

    async fn put(&self, path: &str, body: &Value) -> Answer {
        self.call("PUT", path, &body.to_string()).await
    }

    /// A path of the account that is linked from the start.
    fn path(&self, path: &str) -> String {
        format!("/accounts/{}{path}", self.account)
    }

    async fn balance(&self, symbol: &str) -> String {
        let balance = self.get(&self.path(&format!("/balances/{symbol}"))).await.expect(200);
        balance["balances"].as_str().unwrap().to_owned()
    }

    /// A new quote of a pair.
    async fn quote(&self, pair: &str) -> Value {
        self.get(&format!("/quotes/{pair}")).await.expect(200)
    }

    /// Buys this many BTC for USDT, and returns the id of the conversion.
    async fn buy_btc(&self, amount: &str, cost: &str) -> String {
        let quote = self.quote("BTC-USDT").await;
        let body = json!({
            "quote_id": quote["quote_id"], "quote": quote["quote"], "pair": "BTC-USDT",
            "buy_amount": amount, "sell_amount": cost, "major_ccy": "BTC",
        });
        let converted = self.post(&self.path("/conversions"), &body).await.expect(200);
        assert_eq!(converted["status"], "SUCCESS");
        converted["transaction_id"].as_str().unwrap().to_owned()
    }

    async fn transfer(&self, body: &Value) -> Answer {
        self.post(&self.path("/transfers"), body).await
    }

    /// A request to the control door.
    async fn door(&self, method: &str, path: &str, body: &Value) -> Answer {
        let address = self.sandbox.address().to_string();
        let headers = pairs(&[("Content-Type", "application/json")]);
        request(&address, method, &format!("/sandbox/{path}"), &headers, body.to_string().as_bytes())
            .await
            .unwrap()
    }
}

/// Status and code of a refusal, such as `400 PA002`; a refusal without a code is its status alone.
#[track_caller]
fn refusal(answer: &Answer) -> String {
    let body = answer.json();
    assert!(body["message"].as_str().is_some_and(|message| message.len() > 5), "{answer:?}");
    match body["code"].as_str() {
        Some(code) => format!("{} {code}", answer.status),
        None => answer.status.to_string(),
    }
}

/// The same object with other values; `null` leaves a key out.
fn but(object: &Value, changes: &Value) -> Value {
    let mut object = object.clone();
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            object.as_object_mut().unwrap().remove(name);
        } else {
            object[name] = value.clone();
        }
    }
    object
}

//! Deliveries as the exchange would send them, for your tests: no network, no sandbox.
//!
//! The times of the samples are in January 2025, which is too old for an inbox with today's clock: set another with
//! [`at`](Sample::at).
//!
//! ```
//! use capecrypto_models::{DepositId, WebhookEvent, dec};
//! use capecrypto_webhook::{Verifier, testing};
//!
//! let verifier = Verifier::hmac("2026", "my_secret_key")?;
//! let paid = testing::deposit_matched().reference("PAY-7").deposit(DepositId::new(9)).amount(dec!(1500), "zar");
//! let delivery = paid.signed("my_secret_key");
//! let verified = verifier.verify(&delivery.headers(), delivery.body.as_bytes())?;
//! let WebhookEvent::DepositMatched(matched) = verified.event else { panic!("another event") };
//! assert_eq!((matched.reference.as_str(), matched.amount), ("PAY-7", dec!(1500)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use crate::{HEADER, verifier};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use capecrypto_models::{Decimal, DepositEventKind, DepositId, Timestamp, UnreadableEvent, WebhookEvent};
use hmac::Mac;
use http::{HeaderMap, HeaderName, HeaderValue, header::InvalidHeaderValue};
use serde_json::Value;

/// An event that is sent in a test. Each has realistic values, which the setters replace.
///
/// A setter for something that this kind of event does not have changes nothing; [`with`](Self::with) adds any field.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "an event does nothing until it is signed"]
pub struct Sample {
    names: Names,
    /// In the documents' order.
    fields: Vec<(String, Value)>,
}

/// What a kind of event calls its fields.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Names {
    uid: &'static str,
    deposit: &'static str,
    currency: &'static str,
    time: &'static str,
}

const USUAL: Names = Names { uid: "uid", deposit: "deposit_id", currency: "currency", time: "created_at" };

/// One request of the exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The body.
    pub body: String,
    /// The value of the header `X-Auth-Webhook`. `Debug` hides it.
    pub header: Option<HeaderValue>,
}

/// `payment_reference.deposit_matched`: 100 usd came on Ethereum.
pub fn deposit_matched() -> Sample {
    Sample::of_payment("payment_reference.deposit_matched", "2025-01-17T10:00:00.000Z")
        .with("amount", "100.00")
        .with("currency", "usd")
        .with("deposit_blockchain", "ethereum-erc20")
        .with("txid", "0x5c504ed432cb51138bcf09aa5e8a410dd4a1e204ef84bfed1be16dfba1b22060")
        .time_last()
}

/// `payment_reference.completed`: moved to the parent, converted and withdrawn.
pub fn completed() -> Sample {
    Sample::of_payment("payment_reference.completed", "2025-01-17T10:05:00.000Z")
        .with("internal_transfer_id", 202)
        .with("order_id", 789)
        .with("withdraw_id", 101)
        .with("deposit_blockchain", "ethereum-erc20")
        .with("withdraw_blockchain", "bitcoin")
        .time_last()
}

/// `payment_reference.failed`: nobody offered enough.
pub fn failed() -> Sample {
    Sample::of_payment("payment_reference.failed", "2025-01-17T10:10:00.000Z")
        .with("error", "Insufficient liquidity for market order on btcusd")
        .with("deposit_blockchain", "ethereum-erc20")
        .time_last()
}

/// `payment_reference.duplicate_deposit`: the first further deposit. Its [`deposit`](Sample::deposit) is the further one.
pub fn duplicate_deposit() -> Sample {
    let names = Names {
        uid: "member_uid",
        deposit: "duplicate_deposit_id",
        currency: "currency_id",
        time: "timestamp",
    };
    Sample::new(names, "payment_reference.duplicate_deposit")
        .with("reference", "PAY-ABC123")
        .with("member_uid", "ID123456789")
        .with("currency_id", "usd")
        .with("amount", "100.00")
        .with("original_deposit_id", 456)
        .with("duplicate_deposit_id", 789)
        .with("duplicate_count", 1)
        .with("timestamp", "2025-01-17T10:15:00.000Z")
}

/// One of the three events of a deposit. No document describes their fields: these are our guess.
pub fn deposit(kind: DepositEventKind) -> Sample {
    Sample::new(USUAL, kind.name())
        .with("deposit_id", 456)
        .with("uid", "ID123456789")
        .with("amount", "100.00")
        .with("currency", "usd")
}

/// An event of any name, without fields: how does your program take one that it does not know?
pub fn named(event: &str) -> Sample {
    Sample::new(USUAL, event)
}

/// The header of a body under the protocol `hmac`: the base64 of its HMAC-SHA256.
pub fn sign(secret: &str, body: &[u8]) -> String {
    STANDARD.encode(verifier::keyed(secret).chain_update(body).finalize().into_bytes())
}

impl Sample {
    fn new(names: Names, event: &str) -> Self {
        Self { names, fields: vec![("event".to_owned(), event.into())] }
    }

    fn of_payment(event: &str, time: &str) -> Self {
        Self::new(USUAL, event)
            .with("payment_reference_id", 123)
            .with("reference", "PAY-ABC123")
            .with("uid", "ID123456789")
            .with("deposit_id", 456)
            .with("created_at", time)
    }

    fn time_last(mut self) -> Self {
        self.fields.sort_by_key(|(name, _)| name == self.names.time);
        self
    }

    /// Another code of the payment reference.
    pub fn reference(self, reference: &str) -> Self {
        self.replace("reference", reference.into())
    }

    /// Another account.
    pub fn uid(self, uid: &str) -> Self {
        let name = self.names.uid;
        self.replace(name, uid.into())
    }

    /// Another deposit.
    pub fn deposit(self, deposit: DepositId) -> Self {
        let name = self.names.deposit;
        self.replace(name, deposit.get().into())
    }

    /// Another amount, in this currency.
    pub fn amount(self, amount: Decimal, currency: &str) -> Self {
        let name = self.names.currency;
        self.replace("amount", amount.to_string().into()).replace(name, currency.into())
    }

    /// Another time.
    pub fn at(self, time: Timestamp) -> Self {
        let name = self.names.time;
        self.replace(name, time.to_string().into())
    }

    /// Sets the field with this name on the wire, whether the event has it or not.
    pub fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        match self.fields.iter_mut().find(|(name, _)| name == field) {
            Some((_, old)) => *old = value.into(),
            None => self.fields.push((field.to_owned(), value.into())),
        }
        self
    }

    /// Leaves out the field with this name on the wire.
    pub fn without(mut self, field: &str) -> Self {
        self.fields.retain(|(name, _)| name != field);
        self
    }

    fn replace(mut self, field: &str, value: Value) -> Self {
        if let Some((_, old)) = self.fields.iter_mut().find(|(name, _)| name == field) {
            *old = value;
        }
        self
    }

    /// Its body.
    pub fn body(&self) -> String {
        // By hand, because a map of `serde_json` sorts the fields. `Display` of a `Value` writes JSON.
        let fields =
            self.fields.iter().map(|(name, value)| format!("{}:{value}", Value::from(name.as_str())));
        format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
    }

    /// The event as your program reads it.
    ///
    /// # Errors
    /// A field that you have set or left out makes it unreadable.
    pub fn event(&self) -> Result<WebhookEvent, UnreadableEvent> {
        WebhookEvent::from_json(self.body().as_bytes())
    }

    /// As the protocol `hmac` sends it.
    pub fn signed(&self, secret: &str) -> Delivery {
        let body = self.body();
        // Base64 is a valid header, so there always is one.
        let header = HeaderValue::try_from(sign(secret, body.as_bytes())).ok().map(hidden);
        Delivery { body, header }
    }

    /// As the protocol `plain_text` sends it.
    ///
    /// # Errors
    /// The secret has a character that a header cannot have.
    pub fn plain_text(&self, secret: &str) -> Result<Delivery, InvalidHeaderValue> {
        let header = HeaderValue::from_bytes(secret.as_bytes())?;
        Ok(Delivery { body: self.body(), header: Some(hidden(header)) })
    }

    /// As it is sent without a protocol.
    pub fn unauthenticated(&self) -> Delivery {
        Delivery { body: self.body(), header: None }
    }
}

impl Delivery {
    /// Its headers: the one of the webhook, if it has one, and the type of the body.
    pub fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(header) = &self.header {
            headers.insert(HeaderName::from_static(HEADER), header.clone());
        }
        headers
    }
}

fn hidden(mut value: HeaderValue) -> HeaderValue {
    value.set_sensitive(true);
    value
}

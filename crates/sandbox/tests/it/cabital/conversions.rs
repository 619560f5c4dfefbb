//! Conversions and their refusals.

use super::{Partner, but, refusal};
use capecrypto_sandbox::{
    Sandbox,
    cabital::{ConnectionState, TransactionKind},
};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use std::time::Duration;

impl Partner {
    /// The documents' sample with a fresh quote: 0.001 BTC for 61.426365 USDT.
    async fn sample(&self) -> Value {
        let quote = self.quote("BTC-USDT").await;
        json!({
            "quote_id": quote["quote_id"], "quote": quote["quote"], "pair": "BTC-USDT",
            "buy_amount": "0.001", "sell_amount": "61.426365", "major_ccy": "BTC",
        })
    }

    /// With quotes that outlive a slow machine.
    async fn with_long_quotes() -> Self {
        Self::with(Sandbox::builder().cabital_quote_valid(Duration::from_secs(600))).await
    }

    async fn convert(&self, body: &Value) -> crate::client::Answer {
        self.post(&self.path("/conversions"), body).await
    }
}

#[tokio::test]
async fn the_documents_sample_moves_exactly_its_amounts() {
    let partner = Partner::with_long_quotes().await;
    let sample = partner.sample().await;
    assert_eq!(sample["quote"], "61426.365");
    let converted = partner.convert(&sample).await.expect(200);
    assert_eq!(converted["status"], "SUCCESS");
    assert_eq!(converted["transaction_id"].as_str().unwrap().len(), 36);
    assert_eq!(converted.as_object().unwrap().len(), 2);
    assert_eq!(partner.balance("BTC").await, "10.00100000");
    assert_eq!(partner.balance("USDT").await, "99938.573635");
    // The other direction has the reversed quote, and the fixed amount may be either one.
    let quote = partner.quote("USDT-BTC").await;
    let reversed = json!({
        "quote_id": quote["quote_id"], "quote": quote["reversed_quote"], "pair": "USDT-BTC",
        "buy_amount": "100", "sell_amount": "0.001644", "major_ccy": "USDT",
    });
    assert_eq!(quote["reversed_quote"], "0.00001644");
    partner.convert(&reversed).await.expect(200);
    let by_sold =
        but(&reversed, &json!({"buy_amount": "608.272506", "sell_amount": "0.01", "major_ccy": "BTC"}));
    partner.convert(&by_sold).await.expect(200);
    assert_eq!(partner.balance("BTC").await, "9.98935600");
    assert_eq!(partner.balance("USDT").await, "100646.846141");
    let journal = partner.cabital.journal(5);
    let kinds: Vec<_> = journal.iter().map(|entry| entry.kind.as_str()).collect();
    assert_eq!(kinds, ["conversion"; 3]);
    assert!(partner.cabital.ledger().sums_to_zero);
}

#[tokio::test]
async fn each_wrong_conversion_has_its_code_and_moves_nothing() {
    let partner = Partner::with_long_quotes().await;
    let other = partner.quote("ETH-USDT").await;
    let sample = partner.sample().await;
    for (change, code) in [
        (json!({"sell_amount": "61.426366"}), "PA011"),
        (json!({"buy_amount": "0.00100001"}), "PA011"),
        (json!({"sell_amount": "61.4263650001"}), "PA011"),
        (json!({"sell_amount": "-61.426365"}), "PA011"),
        (json!({"sell_amount": "much"}), "PA011"),
        (json!({"quote": "61426.366"}), "PA011"),
        (json!({"major_ccy": "EUR"}), "PA011"),
        (json!({"major_ccy": "USDT"}), "PA011"),
        (json!({"major_ccy": "XRP"}), "PA015"),
        (json!({"pair": "USDT-BTC"}), "PA011"),
        (json!({"pair": "BTC-XRP"}), "PA015"),
        (json!({"pair": "EUR-GBP"}), "PA018"),
        (json!({"pair": "ETH-USDT"}), "PA019"),
        (json!({"quote_id": "20210416225049:BTC-USDT:Customer"}), "PA019"),
        (json!({"quote_id": other["quote_id"]}), "PA019"),
        (json!({"buy_amount": "0.0001", "sell_amount": "6.142636"}), "PA003"),
        (json!({"buy_amount": "5.1", "sell_amount": "313274.4615"}), "PA004"),
        (json!({"buy_amount": "2", "sell_amount": "122852.73"}), "PA002"),
    ] {
        let answer = partner.convert(&but(&sample, &change)).await;
        // The sold USDT are the fixed amount: then the bought BTC follow from them, and they do.
        if change == json!({"major_ccy": "USDT"}) {
            answer.expect(200);
            continue;
        }
        assert_eq!(refusal(&answer), format!("400 {code}"), "{change}");
    }
    for name in ["quote_id", "quote", "pair", "buy_amount", "sell_amount", "major_ccy"] {
        let answer = partner.convert(&but(&sample, &json!({name: null}))).await;
        assert_eq!(refusal(&answer), "400");
        assert!(answer.text.contains(name));
    }
    assert_eq!(partner.balance("BTC").await, "10.00100000");
    assert_eq!(partner.balance("USDT").await, "99938.573635");
    partner.control.advance_clock(601_000);
    assert_eq!(refusal(&partner.convert(&sample).await), "400 PA007");
}

#[tokio::test]
async fn what_is_switched_off_limited_or_not_open_is_refused() {
    let partner = Partner::with_long_quotes().await;
    let sample = partner.sample().await;
    let code = async || refusal(&partner.convert(&sample).await);
    let set =
        |symbol, allow| partner.cabital.set_available(TransactionKind::Conversion, symbol, allow).unwrap();
    set(None, false);
    assert_eq!(code().await, "400 PA005");
    set(None, true);
    set(Some("USDT"), false);
    assert_eq!(code().await, "400 PA006");
    let config = partner.get("/config").await.expect(200);
    assert_eq!(config["currencies"][2]["config"]["conversion"]["allow"], false);
    set(Some("USDT"), true);
    partner.cabital.set_account_limit(&partner.account, "BTC", Some(Decimal::new(15, 4))).unwrap();
    partner.convert(&sample).await.expect(200);
    assert_eq!(code().await, "400 PA020");
    let detail = partner.get(&partner.path("/detail")).await.expect(200);
    assert_eq!(detail["limits"], json!({"BTC": {"daily": "0.0015"}}));
    // The next day the limit begins again.
    partner.control.advance_clock(24 * 60 * 60 * 1000);
    let sample = partner.sample().await;
    partner.convert(&sample).await.expect(200);
    for (state, code) in [
        (ConnectionState::Created, "400 PA009"),
        (ConnectionState::Mismatched, "400 PA009"),
        (ConnectionState::Pending, "400 PA012"),
        (ConnectionState::FinalRejected, "400 PA012"),
        (ConnectionState::Unlinked, "403 PA013"),
    ] {
        partner.cabital.set_state(&partner.account, state).unwrap();
        assert_eq!(refusal(&partner.convert(&sample).await), code, "{state:?}");
        assert_eq!(refusal(&partner.get(&partner.path("/balances")).await), code, "{state:?}");
    }
    let unknown = "/accounts/6d92e7b4-715c-4ce3-a028-19f1c8c9fa6c/conversions";
    assert_eq!(refusal(&partner.post(unknown, &sample).await), "400 PA001");
}

//! Balances, deposit information, configuration and quotes.

use super::{Partner, refusal};
use crate::client::request;
use capecrypto_sandbox::{Sandbox, cabital::TransferFee};
use rust_decimal::Decimal;
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn balances_have_the_digits_of_their_currencies() {
    let partner = Partner::start().await;
    let all = partner.get(&partner.path("/balances")).await.expect(200);
    assert_eq!(
        all,
        json!({"balances": [
            {"code": "BTC", "balances": "10.00000000"},
            {"code": "ETH", "balances": "100.00000000"},
            {"code": "EUR", "balances": "100000.00"},
            {"code": "GBP", "balances": "100000.00"},
            {"code": "USDT", "balances": "100000.000000"},
        ]})
    );
    let one = partner.get(&partner.path("/balances/BTC")).await.expect(200);
    assert_eq!(one, json!({"code": "BTC", "balances": "10.00000000"}));
    for path in ["/balances/XRP", "/balances/btc"] {
        assert_eq!(refusal(&partner.get(&partner.path(path)).await), "400 PA015", "{path}");
    }
    for id in ["6d92e7b4-715c-4ce3-a028-19f1c8c9fa6c", "x"] {
        assert_eq!(refusal(&partner.get(&format!("/accounts/{id}/balances")).await), "400 PA001");
    }
}

#[tokio::test]
async fn deposit_information_differs_by_currency_and_has_a_default_method() {
    let partner = Partner::start().await;
    let euro = partner.get(&partner.path("/balances/EUR/deposit/SEPA")).await.expect(200);
    for path in ["/balances/EUR/deposit", "/balances/EUR/deposit/"] {
        assert_eq!(partner.get(&partner.path(path)).await.expect(200), euro);
    }
    let keys = |value: &serde_json::Value| {
        value["meta"].as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ")
    };
    assert_eq!((&euro["symbol"], &euro["method"]), (&json!("EUR"), &json!("SEPA")));
    assert_eq!(keys(&euro), "account_name bank_address bank_country bank_name bic iban ref_code");
    let pound = partner.get(&partner.path("/balances/GBP/deposit/FPS")).await.expect(200);
    assert_eq!(
        keys(&pound),
        "account_name account_number bank_address bank_country bank_name ref_code sort_code"
    );
    assert_eq!(pound["meta"]["ref_code"], euro["meta"]["ref_code"]);
    assert_eq!(euro["meta"]["ref_code"].as_str().unwrap().len(), 6);
    for (path, code) in [
        ("/balances/GBP/deposit/SEPA", "PA014"),
        ("/balances/BTC/deposit", "PA006"),
        ("/balances/XRP/deposit", "PA015"),
    ] {
        assert_eq!(refusal(&partner.get(&partner.path(path)).await), format!("400 {code}"));
    }
}

#[tokio::test]
async fn the_configuration_is_the_documents_sample() {
    let partner = Partner::start().await;
    let config = partner.get("/config").await.expect(200);
    assert_eq!(
        config["currencies"][0],
        json!({
            "symbol": "ETH", "type": 2, "deposit_methods": ["ERC20"], "withdraw_methods": ["ERC20"],
            "config": {
                "credit": {"allow": true, "min": "-1", "max": "-1"},
                "debit": {"allow": true, "min": "0.02", "max": "-1"},
                "conversion": {"allow": true, "min": "0.002", "max": "100"},
            },
            "fees": {"debit_fee": {
                "is_single": true, "object": "customer", "method": "fixed",
                "value": "0.00025", "original_value": "0.001",
            }},
        })
    );
    assert_eq!(
        (&config["currencies"][3]["symbol"], config["currencies"][3].get("fees")),
        (&json!("EUR"), None)
    );
    assert_eq!(
        config["currencies"][4]["config"]["debit"],
        json!({"allow": true, "min": "20", "max": "40000"})
    );
    assert_eq!(config["pairs"][2], json!({"pair": "EUR-USDT"}));
    assert_eq!(config["pairs"].as_array().unwrap().len(), 9);
    let fee = TransferFee {
        customer: false,
        percent: true,
        value: Decimal::new(5, 1),
        min: Some(Decimal::ONE),
        max: None,
    };
    partner.cabital.set_fee("EUR", Some(fee)).unwrap();
    let config = partner.get("/config").await.expect(200);
    assert_eq!(
        config["currencies"][3]["fees"]["debit_fee"],
        json!({
            "is_single": true, "object": "partner", "method": "percent", "value": "0.5",
            "original_value": "0.5", "min_value": "1", "original_min_value": "1",
        })
    );
    let light = request(partner.link_host(), "GET", "/api/v1/light/config", &[], b"").await.unwrap();
    assert_eq!(
        light.expect(200)["currencies"][1],
        json!({
            "symbol": "BTC", "type": 2, "deposit": {"methods": ["BTC"]},
            "withdraw": {
                "methods": ["BTC"], "limit": {"min": "0.001", "max": "-1"},
                "fee": {"is_single": true, "object": "Customer", "method": "Fixed", "value": "0.0001"},
            },
            "conversion": {"limit": {"min": "0.0002", "max": "5"}},
        })
    );
}

#[tokio::test]
async fn a_quote_has_one_order_and_ends_on_the_clock() {
    let valid = Duration::from_secs(20);
    let partner = Partner::with(Sandbox::builder().cabital_quote_valid(valid)).await;
    let quote = partner.quote("USDT-EUR").await;
    let id = quote["quote_id"].as_str().unwrap();
    let (time, rest) = id.split_once(':').unwrap();
    assert_eq!(rest, "EUR-USDT:Customer");
    assert!(time.len() == 14 && time.starts_with("20") && time.bytes().all(|byte| byte.is_ascii_digit()));
    assert_eq!((&quote["quote"], &quote["valid_interval"]), (&json!("1.085"), &json!(20)));
    assert_eq!(quote["reversed_quote"], "0.93087557");
    let until = quote["valid_until"].as_i64().unwrap();
    assert!((until - 20 - partner.control.now_ms() / 1000).abs() <= 1);
    let target = "/api/v1/light/quotes/EUR-USDT";
    let light = request(partner.link_host(), "GET", target, &[], b"").await.unwrap().expect(200);
    assert_eq!(light["quote"], quote["quote"]);
    for (pair, code) in [("EUR-GBP", "PA018"), ("EUR-XRP", "PA015"), ("EUR", "PA018"), ("EUR-EUR", "PA018")] {
        assert_eq!(refusal(&partner.get(&format!("/quotes/{pair}")).await), format!("400 {code}"));
    }
}

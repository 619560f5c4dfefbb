//! Transfers of the partner, their list, and reconciliation.

use super::{Partner, but, refusal};
use capecrypto_sandbox::cabital::{ConnectionState, TransactionKind, TransferFee, TransferStatus};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn debit() -> Value {
    json!({"amount": "1002.865", "symbol": "USDT", "direction": "debit", "external_id": "adb8f31d"})
}

#[tokio::test]
async fn a_debit_pays_its_fee_out_of_the_amount() {
    let partner = Partner::start().await;
    let created = partner.transfer(&debit()).await.expect(200);
    let keys: Vec<_> = created.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        keys,
        [
            "actual_amount",
            "customer_fee",
            "external_id",
            "instructed_amount",
            "instruction_id",
            "status",
            "transfer_id"
        ]
    );
    assert_eq!((&created["status"], &created["external_id"]), (&json!("SUCCESS"), &json!("adb8f31d")));
    assert_eq!(
        (&created["instructed_amount"], &created["customer_fee"]),
        (&json!("1002.865"), &json!("0.99"))
    );
    assert_eq!(created["actual_amount"], "1001.875");
    assert_eq!(partner.balance("USDT").await, "98997.135000");
    assert_eq!(partner.cabital.ledger().entry("fees", "usdt").unwrap().available, Decimal::new(99, 2));
    let id = created["transfer_id"].as_str().unwrap();
    let read = partner.get(&partner.path(&format!("/transfers/{id}"))).await.expect(200);
    assert_eq!((&read["direction"], &read["transfer_by"]), (&json!("DEBIT"), &json!("PARTNER")));
    assert!(read["external_ref_id"].as_str().unwrap().contains('@') && read.get("conversion_id").is_none());
    assert!((read["created_at"].as_i64().unwrap() - partner.control.now_ms() / 1000).abs() <= 2);
    let found = partner.get("/recon/transfers/adb8f31d").await.expect(200);
    assert_eq!(found["instruction_id"], created["instruction_id"]);
    assert_eq!(
        (&found["account_id"], &found["transfer_id"]),
        (&json!(partner.account), &created["transfer_id"])
    );
    assert!(found.get("transfer_by").is_none() && found.get("external_ref_id").is_none());
    assert_eq!(refusal(&partner.get("/recon/transfers/other").await), "400 PA030");
    assert_eq!(refusal(&partner.get(&partner.path("/transfers/x")).await), "404");

    let credit = json!({"amount": "2.865", "symbol": "BTC", "direction": "CREDIT"});
    let created = partner.transfer(&credit).await.expect(200);
    assert_eq!((&created["customer_fee"], created.get("external_id")), (&json!("0"), None));
    assert_eq!(partner.balance("BTC").await, "12.86500000");
    // A fee of the partner, and a percentage between its bounds.
    let fee = TransferFee { customer: false, percent: true, value: Decimal::ONE, min: None, max: None };
    for (customer, charged) in [(false, "0"), (true, "1.23")] {
        partner.cabital.set_fee("EUR", Some(TransferFee { customer, ..fee })).unwrap();
        let body = json!({"amount": "123.45", "symbol": "EUR", "direction": "DEBIT"});
        assert_eq!(partner.transfer(&body).await.expect(200)["customer_fee"], charged);
    }
    assert_eq!(partner.balance("EUR").await, "99753.10");
    assert!(partner.cabital.ledger().sums_to_zero);
}

#[tokio::test]
async fn convert_then_transfer_uses_a_conversion_once() {
    let partner = Partner::start().await;
    let conversion = partner.buy_btc("0.01", "614.26365").await;
    let body = json!({
        "amount": "0.01", "symbol": "BTC", "direction": "DEBIT", "conversion_id": conversion,
        "external_id": "order-1",
    });
    for (change, code) in [
        (json!({"amount": "0.01000001"}), "PA032"),
        (json!({"symbol": "ETH", "amount": "0.02"}), "PA031"),
        (json!({"direction": "CREDIT"}), "PA031"),
        (json!({"conversion_id": "d81adf6d-0322-41d7-8c32-669203e35f11"}), "PA031"),
        (json!({"conversion_id": "x"}), "PA031"),
    ] {
        assert_eq!(refusal(&partner.transfer(&but(&body, &change)).await), format!("400 {code}"), "{change}");
    }
    // Another account does not see the conversion.
    let other = partner.cabital.add_account("another", ConnectionState::Matched, false).unwrap();
    partner.cabital.set_balance(&other, "BTC", Decimal::ONE).unwrap();
    let path = format!("/accounts/{other}/transfers");
    assert_eq!(refusal(&partner.post(&path, &body).await), "400 PA031");
    partner.transfer(&body).await.expect(200);
    assert_eq!(refusal(&partner.transfer(&body).await), "400 PA029");
    assert_eq!(
        refusal(&partner.transfer(&but(&body, &json!({"external_id": "order-2"}))).await),
        "400 PA029"
    );
    assert_eq!(refusal(&partner.transfer(&but(&body, &json!({"conversion_id": null}))).await), "400 PA029");
    let found = partner.get("/recon/transfers/order-1").await.expect(200);
    assert_eq!(found["conversion_id"], conversion.as_str());
    // A conversion that did not succeed cannot be transferred.
    partner.cabital.plan_conversion(TransferStatus::Failed);
    let quote = partner.quote("BTC-USDT").await;
    let convert = json!({
        "quote_id": quote["quote_id"], "quote": quote["quote"], "pair": "BTC-USDT",
        "buy_amount": "0.001", "sell_amount": "61.426365", "major_ccy": "BTC",
    });
    let failed = partner.post(&partner.path("/conversions"), &convert).await.expect(200);
    assert_eq!(failed["status"], "FAILED");
    let change =
        json!({"conversion_id": failed["transaction_id"], "external_id": "order-3", "amount": "0.001"});
    assert_eq!(refusal(&partner.transfer(&but(&body, &change)).await), "400 PA031");
    assert_eq!(partner.balance("BTC").await, "10.00000000");
}

#[tokio::test]
async fn each_wrong_transfer_has_its_code_and_moves_nothing() {
    let partner = Partner::start().await;
    for (change, code) in [
        (json!({"direction": "out"}), "PA027"),
        (json!({"symbol": "XRP"}), "PA015"),
        (json!({"amount": "0"}), "PA028"),
        (json!({"amount": "-50"}), "PA028"),
        (json!({"amount": "50.0000001"}), "PA028"),
        (json!({"amount": "5e1"}), "PA028"),
        (json!({"amount": "all"}), "PA028"),
        (json!({"amount": "39.999999"}), "PA003"),
        (json!({"symbol": "EUR", "amount": "50000.01"}), "PA004"),
        (json!({"amount": "100000.000001"}), "PA002"),
        (json!({"otp": "654321"}), "PA008"),
    ] {
        assert_eq!(
            refusal(&partner.transfer(&but(&debit(), &change)).await),
            format!("400 {code}"),
            "{change}"
        );
    }
    for external_id in ["", &"x".repeat(51)] {
        let change = json!({"external_id": external_id});
        assert_eq!(refusal(&partner.transfer(&but(&debit(), &change)).await), "400");
    }
    let unknown = "/accounts/6d92e7b4-715c-4ce3-a028-19f1c8c9fa6c/transfers";
    assert_eq!(refusal(&partner.post(unknown, &debit()).await), "400 PA001");
    let set = |symbol, allow| partner.cabital.set_available(TransactionKind::Debit, symbol, allow).unwrap();
    set(None, false);
    assert_eq!(refusal(&partner.transfer(&debit()).await), "400 PA005");
    set(None, true);
    set(Some("USDT"), false);
    assert_eq!(refusal(&partner.transfer(&debit()).await), "400 PA006");
    set(Some("USDT"), true);
    partner.cabital.set_account_limit(&partner.account, "USDT", Some(Decimal::from(1_000))).unwrap();
    assert_eq!(refusal(&partner.transfer(&debit()).await), "400 PA020");
    partner.cabital.set_account_limit(&partner.account, "USDT", None).unwrap();
    for (state, code) in [
        (ConnectionState::Matching, "400 PA009"),
        (ConnectionState::Initialized, "400 PA012"),
        (ConnectionState::Unlinked, "403 PA013"),
    ] {
        partner.cabital.set_state(&partner.account, state).unwrap();
        assert_eq!(refusal(&partner.transfer(&debit()).await), code);
    }
    partner.cabital.set_state(&partner.account, ConnectionState::Linked).unwrap();
    assert_eq!(partner.balance("USDT").await, "100000.000000");
    assert!(partner.cabital.journal(5).is_empty());
    partner.transfer(&but(&debit(), &json!({"external_id": "ü".repeat(50)}))).await.expect(200);
}

#[tokio::test]
async fn a_one_time_code_is_checked_and_lives_on_the_clock() {
    let partner = Partner::start().await;
    let set = |code, required, lifetime| {
        partner.cabital.set_one_time_code(&partner.account, code, required, lifetime).unwrap();
    };
    let send = async |otp: Option<&str>, direction: &str| {
        let body = json!({"amount": "50", "symbol": "USDT", "direction": direction, "otp": otp});
        let answer = partner.transfer(&body).await;
        if answer.status == 200 { "200".to_owned() } else { refusal(&answer) }
    };
    assert_eq!(send(Some("123456"), "DEBIT").await, "200");
    assert_eq!(send(None, "DEBIT").await, "200");
    set(Some("777777"), true, Some(30_000));
    assert_eq!(send(None, "DEBIT").await, "400 PA008");
    assert_eq!(send(None, "CREDIT").await, "200");
    assert_eq!(send(Some("777777"), "DEBIT").await, "200");
    partner.control.advance_clock(30_000);
    assert_eq!(send(Some("777777"), "DEBIT").await, "400 PA008");
    set(None, false, None);
    assert_eq!(send(Some("777777"), "DEBIT").await, "400 PA010");
    assert_eq!(partner.get(&partner.path("/detail")).await.expect(200)["otp_ready"], false);
}

#[tokio::test]
async fn a_transfer_may_be_worked_on_and_end_later() {
    let partner = Partner::start().await;
    let status = async |id: &str| {
        let read = partner.get(&partner.path(&format!("/transfers/{id}"))).await.expect(200);
        read["status"].as_str().unwrap().to_owned()
    };
    let create = async |number: u8| {
        let body = but(&debit(), &json!({"external_id": format!("order-{number}"), "amount": "100"}));
        partner.transfer(&body).await.expect(200)["transfer_id"].as_str().unwrap().to_owned()
    };
    partner.cabital.plan_transfer(TransferStatus::Processing, Some(60_000));
    partner.cabital.plan_transfer(TransferStatus::Processing, None);
    partner.cabital.plan_transfer(TransferStatus::Failed, None);
    let ids = [create(1).await, create(2).await, create(3).await];
    assert_eq!(status(&ids[0]).await, "PROCESSING");
    assert_eq!(status(&ids[2]).await, "FAILED");
    assert_eq!(partner.balance("USDT").await, "99800.000000");
    assert_eq!(partner.cabital.ledger().entry(&partner.account, "usdt").unwrap().locked, Decimal::from(200));
    partner.control.advance_clock(60_000);
    assert_eq!((status(&ids[0]).await, status(&ids[1]).await), ("SUCCESS".into(), "PROCESSING".into()));
    partner.cabital.end_transfer(&ids[1], TransferStatus::Cancel).unwrap();
    assert_eq!(status(&ids[1]).await, "CANCEL");
    assert_eq!(partner.balance("USDT").await, "99900.000000");
    assert_eq!(partner.cabital.ledger().entry(&partner.account, "usdt").unwrap().locked, Decimal::ZERO);
    // A name that was used stays used, whatever became of the transfer.
    let again = but(&debit(), &json!({"external_id": "order-3"}));
    assert_eq!(refusal(&partner.transfer(&again).await), "400 PA029");
}

#[tokio::test]
async fn pages_have_each_row_once_and_filters_count() {
    let partner = Partner::start().await;
    let conversion = partner.buy_btc("0.02", "1228.5273").await;
    for number in 0..23 {
        let symbol = if number % 2 == 0 { "USDT" } else { "GBP" };
        let direction = if number % 3 == 0 { "DEBIT" } else { "CREDIT" };
        let body = json!({
            "amount": "50", "symbol": symbol, "direction": direction, "external_id": number.to_string(),
        });
        partner.transfer(&body).await.expect(200);
    }
    let with = json!({
        "amount": "0.02", "symbol": "BTC", "direction": "DEBIT", "conversion_id": conversion,
    });
    partner.transfer(&with).await.expect(200);
    let page = async |query: &str| {
        let page = partner.get(&partner.path(&format!("/transfers{query}"))).await.expect(200);
        let rows = page["transfers"].as_array().unwrap().clone();
        (rows, page["pagination_response"]["cursor"].as_str().unwrap().to_owned())
    };
    assert_eq!(page("").await.0.len(), 10);
    for size in [1, 7, 12, 24, 30] {
        let (mut cursor, mut seen) = ("-1".to_owned(), Vec::new());
        loop {
            let (rows, next) = page(&format!("?page_size={size}&cursor={cursor}")).await;
            assert!(rows.len() <= size);
            seen.extend(rows.iter().map(|row| row["transfer_id"].as_str().unwrap().to_owned()));
            // A row that comes meanwhile does not move the others.
            if size == 12 && seen.len() == 12 {
                partner
                    .transfer(&json!({"amount": "1", "symbol": "EUR", "direction": "CREDIT"}))
                    .await
                    .expect(200);
            }
            cursor = next;
            if cursor == "-1" {
                break;
            }
        }
        let wanted = if size > 12 { 25 } else { 24 };
        assert_eq!((seen.len(), seen.iter().collect::<BTreeSet<_>>().len()), (wanted, wanted), "{size}");
    }
    let now_s = partner.control.now_ms() / 1000;
    for (query, rows) in [
        ("?direction=DEBIT", 9),
        ("?direction=credit", 16),
        ("?symbol=GBP", 11),
        ("?symbol=GBP&direction=DEBIT", 4),
        ("?has_conversion=true", 1),
        ("?has_conversion=false", 24),
        (&format!("?created_from={}", now_s + 60), 0),
        (&format!("?created_to={}", now_s - 600), 0),
        (&format!("?created_from={}&created_to={}", now_s - 600, now_s + 60), 25),
    ] {
        assert_eq!(page(&format!("{query}&page_size=30")).await.0.len(), rows, "{query}");
    }
    for (query, refused) in [
        ("?page_size=0", "400"),
        ("?page_size=31", "400"),
        ("?page_size=x", "400"),
        ("?cursor=x", "400"),
        ("?has_conversion=1", "400"),
        ("?created_from=now", "400"),
        ("?direction=out", "400 PA027"),
        ("?symbol=XRP", "400 PA015"),
    ] {
        assert_eq!(
            refusal(&partner.get(&partner.path(&format!("/transfers{query}"))).await),
            refused,
            "{query}"
        );
    }
}

//! Accounts, currencies and markets that are added; records; the clock's timers; the journal.

use crate::client::{Exchange, in_time, limit};
use capecrypto_sandbox::{
    ControlError, Currency, Market, MarketState, ReferenceDeposit, Role, Sandbox, StartError,
};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

/// A file that is removed after the test.
pub(crate) struct Temporary(pub(crate) PathBuf);

impl Temporary {
    pub(crate) fn new(name: &str) -> Self {
        let name = format!("capecrypto-sandbox-it-{}-{}-{name}", std::process::id(), fastrand::u64(..));
        Self(std::env::temp_dir().join(name))
    }

    pub(crate) fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // Fails if the test ended before the file was written.
        let _gone = std::fs::remove_file(&self.0);
    }
}

#[tokio::test]
async fn what_is_added_while_it_runs_trades_like_the_rest() {
    let exchange = Exchange::start().await;
    let door = async |path: &str, body: Value| {
        let headers = [("Content-Type".to_owned(), "application/json".to_owned())];
        let target = format!("/sandbox/{path}");
        exchange.send("POST", &target, &headers, body.to_string().as_bytes()).await.unwrap()
    };
    door("currencies", json!({"id": "sol", "precision": 9})).await.expect(200);
    door("markets", json!({"id": "solzar", "base_unit": "sol", "quote_unit": "zar", "min_amount": 0.001}))
        .await
        .expect(200);
    let keys = door("accounts", json!({"name": "carol", "role": "member"})).await.expect(200);
    assert_eq!(keys["api_key"], exchange.sandbox.account("carol").unwrap().api_key);
    assert_eq!(exchange.sandbox.accounts().len(), 5);
    exchange.control.deposit("carol", "sol", Decimal::new(5, 0)).unwrap();
    let mut socket = exchange.public("?stream=solzar.ob-inc&stream=solzar.trades").await;
    let (before, _) = socket.until_confirmed().await;
    assert_eq!(before[0].0, "solzar.ob-snap");
    let order = |side: &str| json!({"market": "solzar", "side": side, "ord_type": "limit", "volume": "1.5", "price": "2000.01"});
    exchange.place("carol", order("sell")).await;
    exchange.place("taker", order("buy")).await;
    assert_eq!(socket.next_of("solzar.trades").await["trades"][0]["price"], "2000.01");
    assert_eq!(exchange.balance("carol", "sol").await, ("3.5".into(), "0.0".into()));
    let markets = exchange.get("/public/markets").await.expect(200);
    assert_eq!(markets[4]["id"], "solzar");
    assert_eq!(exchange.get("/public/currencies/sol").await.expect(200)["position"], 9);
    assert!(exchange.control.ledger().sums_to_zero);

    let refusal = async |path: &str, body| door(path, body).await.refusal();
    assert_eq!(refusal("currencies", json!({"id": "sol"})).await, "422 sandbox.control.taken");
    assert_eq!(refusal("currencies", json!({"id": "SOL"})).await, "422 sandbox.control.invalid_request");
    let unknown = json!({"id": "adazar", "base_unit": "ada", "quote_unit": "zar"});
    assert_eq!(refusal("markets", unknown).await, "422 sandbox.control.unknown_currency");
    let alike = json!({"id": "solsol", "base_unit": "sol", "quote_unit": "sol"});
    assert_eq!(refusal("markets", alike).await, "422 sandbox.control.invalid");
    let taken = json!({"name": "carol", "role": "merchant"});
    assert_eq!(refusal("accounts", taken).await, "422 sandbox.control.taken");
    assert_eq!(exchange.control.add_account("fees", Role::Member).unwrap_err(), ControlError::Invalid);
    let offered: Value = exchange.send("GET", "/sandbox", &[], b"").await.unwrap().expect(200);
    assert!(offered.as_array().unwrap().iter().any(|operation| operation["path"] == "accounts"));
}

#[tokio::test]
async fn a_closed_market_takes_no_orders_and_keeps_those_that_it_has() {
    let exchange = Exchange::start().await;
    let door = async |path: &str, body: Value| {
        let headers = [("Content-Type".to_owned(), "application/json".to_owned())];
        let target = format!("/sandbox/{path}");
        exchange.send("POST", &target, &headers, body.to_string().as_bytes()).await.unwrap()
    };
    let order = |market: &str| json!({"market": market, "side": "buy", "ord_type": "limit", "volume": "0.1", "price": "50000"});
    let refusal = async |market| exchange.post_as("maker", "/market/orders", &order(market)).await.refusal();
    let closed = "422 market.market.doesnt_exist_or_not_enabled";
    let eurzar =
        |state: &str| json!({"id": "eurzar", "base_unit": "eur", "quote_unit": "zar", "state": state});
    assert_eq!(door("markets", eurzar("asleep")).await.refusal(), "422 sandbox.control.invalid_request");
    door("markets", eurzar("locked")).await.expect(200);
    assert_eq!(refusal("eurzar").await, closed, "it is added as it was given");
    let open = exchange.place("maker", order("ethzar")).await;
    door("markets/ethzar/state", json!({"state": "disabled"})).await.expect(200);
    assert_eq!(refusal("ethzar").await, closed);
    let markets = exchange.get("/public/markets").await.expect(200);
    let state = |id: &str| {
        markets.as_array().unwrap().iter().find(|market| market["id"] == id).unwrap()["state"].clone()
    };
    assert_eq!([state("btczar"), state("ethzar"), state("eurzar")], ["enabled", "disabled", "locked"]);
    let cancel = format!("/market/orders/{open}/cancel");
    exchange.post_as("maker", &cancel, &json!({})).await.expect(201);
    exchange.order_in("maker", open, |state| state == "cancel").await;
    door("markets/ethzar/state", json!({"state": "hidden"})).await.expect(200);
    exchange.place("maker", order("ethzar")).await;
    let unknown = door("markets/nozar/state", json!({"state": "enabled"})).await.refusal();
    assert_eq!(unknown, "422 sandbox.control.unknown_market");
}

#[tokio::test]
async fn a_thousand_markets_are_served() {
    let markets = (0..1_000).map(|n| Market::new(&format!("c{n}zar"), &format!("c{n}"), "zar").unwrap());
    let currencies = (0..1_000).map(|n| Currency::coin(&format!("c{n}")).unwrap());
    let builder = currencies.fold(Sandbox::builder(), capecrypto_sandbox::Builder::currency);
    let exchange = Exchange::with(markets.fold(builder, capecrypto_sandbox::Builder::market)).await;
    let page = exchange.get("/public/markets?limit=1000&page=2").await;
    assert_eq!(page.headers["total"], "1004");
    assert_eq!(page.expect(200)[3]["id"], "c999zar");
    let mut socket = exchange.public("?stream=c999zar.ob-inc").await;
    assert_eq!(socket.next().await.0, "c999zar.ob-snap");
    exchange.control.deposit("maker", "c999", Decimal::ONE).unwrap();
    let order = json!({
        "market": "c999zar", "side": "sell", "ord_type": "limit", "volume": "1", "price": "12.34"
    });
    exchange.place("maker", order).await;
    assert_eq!(socket.next_of("c999zar.ob-inc").await["asks"], json!(["12.34", "1.0"]));
    let tickers = exchange.get("/public/markets/tickers").await.expect(200);
    assert_eq!(tickers.as_object().unwrap().len(), 1_004);
}

#[tokio::test]
async fn markets_come_from_a_file_and_what_is_wrong_with_it_is_told() {
    let file = Temporary::new("markets.json");
    let start = async |text: &str| {
        std::fs::write(&file.0, text).unwrap();
        Sandbox::builder().markets_file(&file.0).start().await
    };
    let sandbox = start(
        r#"{"currencies":[{"id":"ada","type":"coin"}],
            "markets":[{"id":"adazar","base_unit":"ada","quote_unit":"zar"},
                       {"id":"btczar","base_unit":"btc","quote_unit":"zar","min_price":"1.0","max_price":"0.0"}]}"#,
    )
    .await
    .unwrap();
    let exchange = Exchange { control: sandbox.control(), sandbox };
    let markets = exchange.get("/public/markets").await.expect(200);
    assert_eq!(markets.as_array().unwrap().len(), 5, "btczar is replaced, not doubled");
    assert_eq!((&markets[0]["id"], &markets[0]["min_price"]), (&json!("btczar"), &json!("1.0")));
    let problem = async |text: &str| start(text).await.unwrap_err().to_string();
    let told = problem(r#"{"markets":[{"id":"xzar","base_unit":"x","quote_unit":"zar"}]}"#).await;
    assert!(told.contains("xzar") && told.contains("add the currency first"), "{told}");
    let told = problem(r#"{"markets":[{"id":"XZAR"}]}"#).await;
    assert!(told.contains(file.path()) && told.contains("XZAR"), "{told}");
    let missing = Sandbox::builder().markets_file("/nowhere/at/all").start().await.unwrap_err();
    assert!(matches!(&missing, StartError::MarketsFile { path, .. } if path.ends_with("all")), "{missing}");
}

#[tokio::test]
async fn a_record_brings_another_sandbox_to_the_same_state() {
    let file = Temporary::new("record");
    let exchange = Exchange::with(Sandbox::builder().record(&file.0)).await;
    #[cfg(unix)]
    {
        let mode =
            std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file.0).unwrap().permissions());
        assert_eq!(mode & 0o077, 0, "it has pins and names: only its owner may read it");
    }
    exchange.place("maker", limit("sell", "0.002", "800000")).await;
    let taken = exchange.place("taker", limit("buy", "0.001", "800000")).await;
    exchange.control.advance_clock(90_000);
    exchange.control.deposit_after("taker", "zar", Decimal::TEN, 60_000).unwrap();
    let wanted = exchange.get_as("taker", &format!("/market/orders/{taken}")).await.expect(200);
    exchange.control.set_market_state("ethzar", MarketState::Locked).unwrap();
    let payee = exchange.control.add_beneficiary("merchant").unwrap();
    let action =
        json!({ "action": "convert_and_withdraw", "target_currency": "btc", "beneficiary_id": payee });
    let payment = json!({ "uid": exchange.sandbox.account("merchant").unwrap().uid, "currency": "btc",
        "expected_amount": "0.015", "deposit_action": action, "webhook_url": "https://a.example/" });
    let payment = exchange.post_as("merchant", "/account/payments", &payment).await.expect(201);
    let code = payment["reference"].as_str().unwrap();
    exchange.control.deposit_for_reference(code, ReferenceDeposit::new(Decimal::ONE)).unwrap();
    exchange.control.advance_clock(5_000);
    let payment =
        exchange.get_as("merchant", &format!("/account/payments/{}", payment["id"])).await.expect(200);
    assert!(payment["state"] == "pending_withdraw" && payment["withdraw_id"].is_u64(), "{payment}");
    let ledger = exchange.control.ledger();
    let commands = exchange.control.recorded().unwrap().unwrap();
    assert!(commands > 30, "{commands}");
    assert!(
        Sandbox::builder()
            .record(&file.0)
            .start()
            .await
            .unwrap_err()
            .to_string()
            .contains("give the name of a new file")
    );
    let (now_ms, old) = (exchange.control.now_ms(), exchange.sandbox.account("taker").unwrap());
    exchange.sandbox.shutdown().await;

    let second = Temporary::new("second");
    let again = Exchange::with(Sandbox::builder().replay(&file.0).record(&second.0)).await;
    let got = again.get_as("taker", &format!("/market/orders/{}", wanted["uuid"].as_str().unwrap())).await;
    assert_eq!(got.expect(200), wanted, "ids and times are the same");
    assert_eq!(again.get("/public/markets").await.expect(200)[1]["state"], "locked");
    assert_eq!(again.get_as("merchant", "/account/payments").await.expect(200), json!([payment]));
    assert_eq!(again.control.ledger(), ledger);
    let account = again.sandbox.account("taker").unwrap();
    assert_eq!(account.uid, old.uid);
    assert_ne!(account.secret, old.secret, "keys are new at each start");
    assert!(again.control.now_ms() >= now_ms - 1_000, "the clock goes on");
    // A deposit that was on its way arrives after the replay.
    again.control.advance_clock(61_000);
    assert_ne!(again.control.ledger(), ledger);
    // The replayed sandbox can be recorded too.
    again.place("maker", limit("sell", "0.003", "810000")).await;
    let ledger = again.control.ledger();
    again.sandbox.shutdown().await;
    let third = Sandbox::builder().replay(&second.0).start().await.unwrap();
    assert_eq!(third.control().ledger(), ledger);
    assert_eq!(third.control().recorded(), Err(ControlError::NotRecorded));

    std::fs::write(&file.0, "{}\n").unwrap();
    let told = Sandbox::builder().replay(&file.0).start().await.unwrap_err().to_string();
    assert!(told.contains(file.path()) && told.contains("first line"), "{told}");
}

#[tokio::test]
async fn the_same_seed_gives_the_same_ids() {
    let ids = async |seed| {
        let exchange = Exchange::with(Sandbox::builder().seed(seed)).await;
        let order = exchange.place("maker", limit("sell", "0.002", "800000")).await;
        let order = exchange.get_as("maker", &format!("/market/orders/{order}")).await.expect(200);
        (order["uuid"].clone(), exchange.sandbox.account("maker").unwrap().uid)
    };
    assert_eq!(ids(7).await, ids(7).await);
    assert_ne!(ids(7).await, ids(8).await);
}

#[tokio::test]
async fn money_on_its_way_comes_when_the_clock_says_so() {
    let exchange = Exchange::start().await;
    let before = exchange.control.ledger().entry("maker", "zar").unwrap().available;
    let has = || exchange.control.ledger().entry("maker", "zar").unwrap().available - before;
    let start_ms = exchange.control.now_ms();
    for (amount, after_ms) in [(4, 7_200_000), (1, 3_600_000), (2, 3_600_000)] {
        exchange.control.deposit_after("maker", "zar", Decimal::from(amount), after_ms).unwrap();
    }
    exchange.control.deposit_after("maker", "zar", Decimal::from(8), 50).unwrap();
    let mut socket = exchange.private("maker", "?stream=balance").await;
    let waited = Instant::now();
    while has() < Decimal::from(8) {
        assert!(waited.elapsed() < Duration::from_secs(20));
        tokio::task::yield_now().await;
    }
    exchange.control.advance_clock(3_600_000);
    assert_eq!(has(), Decimal::from(11), "two of three are due");
    exchange.control.advance_clock(36_000_000);
    assert_eq!(has(), Decimal::from(15));
    // They arrived in the order of their times, each at its own time.
    let journal = exchange.control.journal(0);
    let late: Vec<_> = journal.iter().rev().take(3).rev().collect();
    let amounts: Vec<_> = late.iter().map(|entry| entry.postings[0].amount).collect();
    assert_eq!(amounts, [Decimal::ONE, Decimal::TWO, Decimal::from(4)]);
    let after: Vec<_> = late.iter().map(|entry| (entry.at_ms - start_ms) / 1_000).collect();
    assert_eq!(after, [3_600, 3_600, 7_200]);
    let mut told = Vec::new();
    while told.len() < 3 {
        told.push(in_time(socket.next_of("balance")).await["updated_at"].as_i64().unwrap());
    }
    assert!(told.is_sorted(), "{told:?}");
}

#[tokio::test]
async fn the_journal_shows_how_each_balance_came_about() {
    let exchange = Exchange::start().await;
    let begin = exchange.control.journal(0).last().unwrap().id;
    let sell = exchange.place("maker", limit("sell", "0.002", "800000")).await;
    let buy = exchange.place("taker", limit("buy", "0.001", "800100")).await;
    let cancel = format!("/market/orders/{sell}/cancel");
    exchange.post_as("maker", &cancel, &json!({})).await.expect(201);
    exchange.order_in("maker", sell, |state| state == "cancel").await;
    let answer = exchange.send("GET", &format!("/sandbox/journal/{begin}"), &[], b"").await.unwrap();
    let told: Vec<_> = answer
        .expect(200)
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            let text = |name: &str| entry[name].as_str().unwrap().to_owned();
            format!("{} {}", text("kind"), text("reference"))
        })
        .collect();
    assert_eq!(
        told,
        [
            format!("order_locked order {sell}"),
            format!("order_locked order {buy}"),
            "trade trade 1".to_owned(),
            format!("order_released order {buy}"),
            format!("order_released order {sell}"),
        ]
    );
    // The sum of all movements is the balance.
    let mut sums = std::collections::BTreeMap::<(String, String), Decimal>::new();
    for posting in exchange.control.journal(0).iter().flat_map(|entry| &entry.postings) {
        *sums.entry((posting.from.clone(), posting.currency.clone())).or_default() -= posting.amount;
        *sums.entry((posting.to.clone(), posting.currency.clone())).or_default() += posting.amount;
    }
    let sum = |holder: String, currency: &str| sums.get(&(holder, currency.to_owned())).copied();
    for entry in &exchange.control.ledger().entries {
        let name = entry.account.clone();
        assert_eq!(sum(name.clone(), &entry.currency).unwrap_or_default(), entry.available, "{entry:?}");
        assert_eq!(sum(format!("{name}:locked"), &entry.currency).unwrap_or_default(), entry.locked);
    }
}

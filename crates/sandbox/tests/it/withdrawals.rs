//! Withdrawals, quotes and payment methods.

use crate::client::{API, Answer, Exchange, limit, text};
use capecrypto_sandbox::{ControlError, Currency, Profile, Restriction, Sandbox, WithdrawalState as State};
use rust_decimal::Decimal;
use serde_json::{Value, json};

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;

/// An exchange, and the number of a beneficiary of the taker.
async fn with_beneficiary(currency: &str) -> (Exchange, u64) {
    let exchange = Exchange::start().await;
    let id = beneficiary(&exchange, currency).await;
    (exchange, id)
}

async fn beneficiary(exchange: &Exchange, currency: &str) -> u64 {
    let data = match currency {
        "btc" => return exchange.control.add_beneficiary("taker").unwrap(),
        "zar" => json!({"full_name": "Jane Doe", "account_number": "62012345678"}),
        "xrp" => json!({"address": "rN7n7otQDd6FczFgLdlqtyMVrn3qHwuSaDcqC"}),
        other => json!({"address": format!("{other}-address")}),
    };
    let body = json!({"currency": currency, "name": "mine", "data": data});
    let made = exchange.post_as("taker", "/account/beneficiaries", &body).await;
    made.expect(201)["id"].as_u64().unwrap()
}

fn request(beneficiary: u64, currency: &str, amount: &str) -> Value {
    json!({"beneficiary_id": beneficiary, "currency": currency, "amount": amount})
}

impl Exchange {
    async fn withdraw(&self, body: &Value) -> Answer {
        self.post_as("taker", "/account/withdraws", body).await
    }

    async fn withdrawn(&self, body: &Value) -> u64 {
        self.withdraw(body).await.expect(201)["id"].as_u64().unwrap()
    }

    async fn withdrawals(&self, query: &str) -> Vec<Value> {
        let answer = self.get_as("taker", &format!("/account/withdraws?{query}")).await.expect(200);
        answer.as_array().unwrap().clone()
    }

    async fn withdrawal(&self, id: u64) -> Value {
        let found = self.withdrawals("").await.into_iter().find(|one| one["id"] == id);
        found.unwrap_or_else(|| panic!("no withdrawal {id}"))
    }

    async fn quote(&self, currency: &str) -> Value {
        self.get_as("taker", &format!("/account/withdraws/quote/{currency}")).await.expect(200)
    }

    /// Moves the clock and checks the state.
    async fn walk(&self, id: u64, by_ms: i64, state: &str) -> Value {
        self.control.advance_clock(by_ms);
        let withdrawal = self.withdrawal(id).await;
        assert_eq!(withdrawal["state"], state, "after {by_ms} ms: {withdrawal}");
        withdrawal
    }

    fn kinds(&self) -> Vec<String> {
        self.control.journal(0).into_iter().map(|entry| entry.kind).collect()
    }

    fn fees(&self, currency: &str) -> String {
        self.control.ledger().entry("fees", currency).unwrap().available.normalize().to_string()
    }
}

#[tokio::test]
async fn a_coin_walks_to_its_success_and_its_money_leaves() {
    let (exchange, to) = with_beneficiary("btc").await;
    let created = exchange.withdraw(&request(to, "btc", "1.5")).await.expect(201);
    let id = created["id"].as_u64().unwrap();
    let rid = text(&created["rid"]);
    assert_eq!(
        created,
        json!({
            "id": id, "currency": "btc", "type": "coin", "amount": "1.5", "fee": "0.0001", "blockchain_txid": null,
            "rid": rid, "state": "submitted", "confirmations": 0, "note": null,
            "created_at": created["created_at"], "updated_at": created["created_at"], "done_at": null
        })
    );
    assert_eq!(exchange.balance("taker", "btc").await, ("98.5".into(), "1.5".into()), "it is locked");
    exchange.walk(id, 29 * SECOND, "submitted").await;
    exchange.walk(id, SECOND, "accepted").await;
    exchange.walk(id, MINUTE, "processing").await;
    let sent = exchange.walk(id, 2 * MINUTE, "confirming").await;
    assert_eq!((text(&sent["blockchain_txid"]).len(), &sent["confirmations"]), (64, &json!(0)));
    let once = exchange.walk(id, 10 * MINUTE, "confirming").await;
    assert_eq!((&once["confirmations"], &once["done_at"]), (&json!(1), &Value::Null));
    assert_eq!(exchange.balance("taker", "btc").await.1, "1.5");
    let done = exchange.walk(id, 10 * MINUTE, "succeed").await;
    assert_eq!((&done["confirmations"], &done["done_at"]), (&json!(2), &done["updated_at"]));
    assert_eq!(done["blockchain_txid"], sent["blockchain_txid"]);
    assert_eq!(exchange.balance("taker", "btc").await, ("98.5".into(), "0.0".into()));
    assert_eq!(exchange.fees("btc"), "0.0001");
    let ledger = exchange.control.ledger();
    assert!(ledger.sums_to_zero);
    assert_eq!(ledger.entry("outside", "btc").unwrap().available, Decimal::new(-3_985_001, 4));
    let moves = exchange.kinds();
    assert_eq!(moves[moves.len() - 2..], ["withdrawal_locked", "withdrawal_paid"]);

    let line = &exchange.get_as("taker", "/account/transactions?type=withdraw").await.expect(200)[0];
    assert_eq!((&line["reference_id"], &line["state"]), (&json!(id), &json!("succeed")));
    assert_eq!(
        (&line["debit_amount"], &line["fee"], &line["txid"]),
        (&json!("1.5"), &json!("0.0001"), &sent["blockchain_txid"])
    );
    assert!(
        line["beneficiary_id"] == json!(to)
            && line["paid_at"].is_string()
            && line.get("credit_amount").is_none()
    );
}

#[tokio::test]
async fn rand_goes_to_a_bank_and_faster_for_a_higher_fee() {
    let (exchange, to) = with_beneficiary("zar").await;
    let slow = exchange.withdraw(&request(to, "zar", "1000")).await.expect(201);
    assert_eq!(slow["rid"], format!("jane-doe-zar-{to:08}"));
    assert!(slow.get("confirmations").is_none() && slow["type"] == "fiat" && slow["fee"] == "8.0");
    let mut body = request(to, "zar", "1000");
    body["note"] = json!("same_day_rtc");
    let fast = exchange.withdraw(&body).await.expect(201);
    assert_eq!((&fast["note"], &fast["fee"]), (&json!("same_day_rtc"), &json!("80.0")));
    let [slow, fast] = [slow, fast].map(|one| one["id"].as_u64().unwrap());
    exchange.walk(fast, 90 * SECOND + 10 * MINUTE, "succeed").await;
    exchange.walk(slow, 0, "processing").await;
    let done = exchange.walk(slow, 50 * MINUTE, "succeed").await;
    assert_eq!(done["blockchain_txid"], Value::Null);
    assert_eq!(
        (exchange.fees("zar").as_str(), exchange.balance("taker", "zar").await.0.as_str()),
        ("88", "49998000.0")
    );
}

#[tokio::test]
async fn the_control_door_sets_every_state_and_moves_the_money_once() {
    let (exchange, to) = with_beneficiary("xrp").await;
    for end in [State::Rejected, State::Canceled, State::Failed] {
        let id = exchange.withdrawn(&request(to, "xrp", "100")).await;
        exchange.control.advance_clock(90 * SECOND);
        exchange.control.move_withdrawal(id, end).unwrap();
        let ended = exchange.walk(id, 5 * HOUR, end.as_str()).await;
        assert_eq!(ended["done_at"], Value::Null);
        assert_eq!(exchange.balance("taker", "xrp").await, ("1000000.0".into(), "0.0".into()));
        assert_eq!(exchange.kinds().last().unwrap(), "withdrawal_released");
        assert_eq!(exchange.control.move_withdrawal(id, State::Succeed), Err(ControlError::WithdrawalEnded));
    }
    let id = exchange.withdrawn(&request(to, "xrp", "100")).await;
    // These states are no part of the walk, so it stops.
    for stop in [State::Prepared, State::Errored, State::Skipped, State::ToReject, State::UnderReview] {
        exchange.control.move_withdrawal(id, stop).unwrap();
        exchange.walk(id, 5 * HOUR, stop.as_str()).await;
        assert_eq!(exchange.balance("taker", "xrp").await.1, "100.0", "still locked");
    }
    // From a state of the walk it goes on.
    exchange.control.move_withdrawal(id, State::Submitted).unwrap();
    exchange.walk(id, 30 * SECOND, "accepted").await;
    exchange.control.hold_withdrawal(id, true).unwrap();
    exchange.walk(id, 5 * HOUR, "accepted").await;
    exchange.control.hold_withdrawal(id, false).unwrap();
    exchange.walk(id, 59 * SECOND, "accepted").await;
    exchange.walk(id, SECOND, "processing").await;
    exchange.control.move_withdrawal(id, State::Confirming).unwrap();
    exchange.control.move_withdrawal(id, State::Succeed).unwrap();
    let done = exchange.walk(id, 5 * HOUR, "succeed").await;
    assert!(done["blockchain_txid"].is_string());
    assert_eq!(exchange.balance("taker", "xrp").await, ("999900.0".into(), "0.0".into()));
    assert!(exchange.control.ledger().sums_to_zero);
    assert_eq!(exchange.control.move_withdrawal(99_999, State::Failed), Err(ControlError::UnknownWithdrawal));
    assert_eq!(exchange.control.hold_withdrawal(99_999, true), Err(ControlError::UnknownWithdrawal));

    let door = async |path: &str, body: Value| {
        let headers = [("Content-Type".to_owned(), "application/json".to_owned())];
        let target = format!("/sandbox/{path}");
        exchange.send("POST", &target, &headers, body.to_string().as_bytes()).await.unwrap()
    };
    let id = exchange.withdrawn(&request(to, "xrp", "100")).await;
    door(&format!("withdrawals/{id}/hold"), json!({"held": true})).await.expect(200);
    door(&format!("withdrawals/{id}"), json!({"state": "under_review"})).await.expect(200);
    exchange.walk(id, 0, "under_review").await;
    let ended = door(&format!("withdrawals/{}", id - 1), json!({"state": "failed"})).await;
    assert_eq!(ended.refusal(), "422 sandbox.control.withdrawal_ended");
    assert_eq!(
        door("withdrawals/x", json!({"state": "failed"})).await.refusal(),
        "422 sandbox.control.invalid_request"
    );
    door("quoted_fee", json!({"currency": "xrp", "fee": "0.25"})).await.expect(200);
    assert_eq!(exchange.quote("xrp").await["fee"], "0.25");
    door("quoted_fee", json!({"currency": "xrp", "fee": null})).await.expect(200);
    door("one_time_code", json!({"account": "taker", "code": "654321"})).await.expect(200);
    door("verification_level", json!({"account": "taker", "level": 0})).await.expect(200);
    assert_eq!(
        door("verification_level", json!({"account": "taker", "level": 4})).await.refusal(),
        "422 sandbox.control.invalid"
    );
}

#[tokio::test]
async fn a_quote_keeps_its_fee_for_90_seconds() {
    let (exchange, to) = with_beneficiary("btc").await;
    exchange.control.set_quoted_fee("btc", Some(Decimal::new(7, 5))).unwrap();
    let quote = exchange.quote("btc").await;
    assert_eq!(
        (&quote["fee"], &quote["currency"], &quote["blockchain"]),
        (&json!("0.00007"), &json!("btc"), &json!("bitcoin"))
    );
    exchange.control.set_quoted_fee("btc", Some(Decimal::ONE)).unwrap();
    let with = |quote: &Value| {
        let mut body = request(to, "btc", "0.5");
        body["quote_id"] = quote["id"].clone();
        body
    };
    exchange.control.advance_clock(80 * SECOND);
    assert_eq!(exchange.withdraw(&with(&quote)).await.expect(201)["fee"], "0.00007");
    assert_eq!(
        exchange.withdraw(&request(to, "btc", "0.5")).await.expect(201)["fee"],
        "0.0001",
        "without a quote"
    );
    let unknown = "422 sandbox.withdraw.quote_doesnt_exist";
    assert_eq!(exchange.withdraw(&with(&quote)).await.refusal(), unknown, "used");
    assert_eq!(exchange.withdraw(&with(&json!({"id": "no quote"}))).await.refusal(), unknown);
    assert_eq!(exchange.withdraw(&with(&exchange.quote("eth").await)).await.refusal(), unknown);
    let foreign = exchange.get_as("maker", "/account/withdraws/quote/btc").await.expect(200);
    assert_eq!(exchange.withdraw(&with(&foreign)).await.refusal(), unknown);
    exchange.control.set_quoted_fee("btc", None).unwrap();
    let late = exchange.quote("btc").await;
    exchange.control.advance_clock(90 * SECOND);
    assert_eq!(exchange.withdraw(&with(&late)).await.refusal(), "422 sandbox.withdraw.quote_expired");

    let of_invoice = exchange.get_as("taker", "/account/withdraws/quote/btc?bolt=lnbc1").await.expect(200);
    assert_eq!((&of_invoice["fee"], &of_invoice["blockchain"]), (&json!("0.00000001"), &json!("lightning")));
    assert_eq!(exchange.withdraw(&with(&of_invoice)).await.refusal(), unknown, "it is for lightning");
    for (path, refusal) in [
        ("doge", "422 account.currency.doesnt_exist"),
        ("eth?bolt=lnbc1", "422 sandbox.withdraw_quote.no_lightning"),
        ("btc?bolt=", "422 sandbox.withdraw_quote.no_lightning"),
    ] {
        let answer = exchange.get_as("taker", &format!("/account/withdraws/quote/{path}")).await;
        assert_eq!(answer.refusal(), refusal, "{path}");
    }
    assert_eq!(exchange.control.set_quoted_fee("btc", Some(-Decimal::ONE)), Err(ControlError::InvalidAmount));
    assert_eq!(exchange.control.set_quoted_fee("doge", None), Err(ControlError::UnknownCurrency));
}

#[tokio::test]
async fn what_is_wrong_has_its_code_and_changes_nothing() {
    let (exchange, to) = with_beneficiary("btc").await;
    let good = || request(to, "btc", "0.5");
    let changed = |name: &str, value: Value| {
        let mut body = good();
        body[name] = value;
        body
    };
    let without = |name: &str| {
        let mut body = good();
        body.as_object_mut().unwrap().remove(name);
        body
    };
    let withdraw = "account.withdraw";
    for (body, refusal) in [
        (without("beneficiary_id"), format!("{withdraw}.missing_beneficiary_id")),
        (changed("beneficiary_id", json!("")), format!("{withdraw}.empty_beneficiary_id")),
        (changed("beneficiary_id", json!("x")), format!("{withdraw}.non_integer_beneficiary_id")),
        (changed("beneficiary_id", json!(99_999)), "account.beneficiary.doesnt_exist".to_owned()),
        (changed("beneficiary_id", json!(-1)), "account.beneficiary.doesnt_exist".to_owned()),
        (without("currency"), format!("{withdraw}.missing_currency,account.currency.doesnt_exist")),
        (changed("currency", json!("doge")), "account.currency.doesnt_exist".to_owned()),
        (without("amount"), format!("{withdraw}.missing_amount")),
        (changed("amount", json!("1,5")), format!("{withdraw}.non_decimal_amount")),
        (changed("amount", json!(0)), format!("{withdraw}.non_positive_amount")),
        (changed("amount", json!("-1e40")), format!("{withdraw}.non_positive_amount")),
        (changed("amount", json!("1e40")), format!("{withdraw}.invalid_amount")),
        (changed("amount", json!("0.123456789")), format!("{withdraw}.invalid_amount")),
        (changed("amount", json!("0.00019")), format!("{withdraw}.invalid_amount")),
        (changed("amount", json!("100.1")), format!("{withdraw}.insufficient_balance")),
        (
            changed("note", json!("x".repeat(257))),
            format!("{withdraw}.too_long_note,sandbox.withdraw.note_zar_only"),
        ),
        (changed("note", json!("same_day_rtc")), "sandbox.withdraw.note_zar_only".to_owned()),
        (changed("otp", json!(123_456)), "sandbox.withdraw.unexpected_otp".to_owned()),
        (
            json!({}),
            format!(
                "{withdraw}.missing_beneficiary_id,{withdraw}.missing_currency,account.currency.doesnt_exist,{withdraw}.missing_amount"
            ),
        ),
    ] {
        assert_eq!(exchange.withdraw(&body).await.refusal(), format!("422 {refusal}"), "{body}");
    }
    assert_eq!(exchange.balance("taker", "btc").await, ("100.0".into(), "0.0".into()));
    assert!(exchange.withdrawals("").await.is_empty());
    let pending = exchange.control.add_pending_beneficiary("taker", "1234").unwrap();
    let pending = exchange.withdraw(&request(pending, "btc", "1")).await;
    assert_eq!(pending.refusal(), "422 account.beneficiary.invalid_state_for_withdrawal");
    let other = exchange.withdraw(&changed("currency", json!("xrp"))).await;
    assert_eq!(other.refusal(), "422 account.beneficiary.doesnt_exist", "it is for btc");
    let others = exchange.post_as("maker", "/account/withdraws", &good()).await;
    assert_eq!(others.refusal(), "422 account.beneficiary.doesnt_exist", "it is the taker's");
    exchange.control.restrict("taker", Some(Restriction::NoTwoFactor)).unwrap();
    assert_eq!(exchange.withdraw(&good()).await.refusal(), "401 authz.disabled_2fa");
    exchange.control.restrict("taker", None).unwrap();
    // A form, as the documents have it, with a number.
    let mut headers = exchange.signed("taker");
    headers.push(("Content-Type".into(), "application/x-www-form-urlencoded".into()));
    let body = format!("beneficiary_id={to}&currency=btc&amount=0.5");
    let sent = exchange.send("POST", "/api/v2/atlas/account/withdraws", &headers, body.as_bytes()).await;
    assert_eq!(sent.unwrap().status, 201);
}

#[tokio::test]
async fn a_currency_may_be_closed_for_withdrawals() {
    let exchange = Exchange::start().await;
    let closed = r#"{"id":"sol","type":"coin","withdrawal_enabled":false}"#;
    exchange.control.add_currency(serde_json::from_str::<Currency>(closed).unwrap()).unwrap();
    exchange.control.deposit("taker", "sol", 10.into()).unwrap();
    let to = beneficiary(&exchange, "sol").await;
    let disabled = "422 account.currency.withdrawal_disabled";
    assert_eq!(exchange.withdraw(&request(to, "sol", "1")).await.refusal(), disabled);
    assert_eq!(exchange.get_as("taker", "/account/withdraws/quote/sol").await.refusal(), disabled);
    assert_eq!(exchange.get("/public/currencies/sol").await.expect(200)["withdrawal_enabled"], false);
}

#[tokio::test]
async fn limits_hold_for_24_and_72_hours_and_by_level() {
    let (exchange, to) = with_beneficiary("btc").await;
    // The limits of btc are 10 in 24 hours and 20 in 72 hours.
    let over = "422 sandbox.withdraw.over_limit";
    let returned = exchange.withdrawn(&request(to, "btc", "6")).await;
    assert_eq!(exchange.withdraw(&request(to, "btc", "4.1")).await.refusal(), over);
    exchange.control.move_withdrawal(returned, State::Failed).unwrap();
    exchange.withdrawn(&request(to, "btc", "10")).await;
    assert_eq!(exchange.withdraw(&request(to, "btc", "0.1")).await.refusal(), over);
    exchange.control.advance_clock(24 * HOUR);
    exchange.withdrawn(&request(to, "btc", "10")).await;
    exchange.control.advance_clock(24 * HOUR);
    assert_eq!(exchange.withdraw(&request(to, "btc", "0.1")).await.refusal(), over, "72 hours");
    exchange.control.advance_clock(24 * HOUR);
    exchange.withdrawn(&request(to, "btc", "4")).await;
    exchange.control.set_verification_level("taker", 1).unwrap();
    exchange.control.advance_clock(72 * HOUR);
    assert_eq!(exchange.withdraw(&request(to, "btc", "1.1")).await.refusal(), over, "10 % of it");
    exchange.withdrawn(&request(to, "btc", "1")).await;
    assert_eq!(exchange.control.set_verification_level("taker", 4), Err(ControlError::Invalid));
    assert_eq!(exchange.control.set_verification_level("nobody", 1), Err(ControlError::UnknownAccount));
}

#[tokio::test]
async fn the_history_is_filtered_and_paged() {
    let (exchange, to) = with_beneficiary("btc").await;
    let mut ids = Vec::new();
    for currency in ["btc", "xrp", "btc", "btc"] {
        let to = if currency == "btc" { to } else { beneficiary(&exchange, currency).await };
        ids.push(exchange.withdrawn(&request(to, currency, "10").clone()).await);
        exchange.control.advance_clock(24 * HOUR * 3);
    }
    let list = async |query: &str| {
        let rows = exchange.withdrawals(query).await;
        rows.iter().map(|row| row["id"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    let [a, b, c, d] = ids[..] else { panic!("{ids:?}") };
    let fresh = beneficiary(&exchange, "zar").await;
    let fresh = exchange.withdrawn(&request(fresh, "zar", "100")).await;
    assert_eq!(list("").await, [fresh, d, c, b, a], "the newest first");
    assert_eq!(list("currency=btc").await, [d, c, a]);
    assert_eq!(list("currency=btc&limit=2&page=2").await, [a]);
    assert_eq!(list("state=submitted").await, [fresh]);
    assert_eq!(list("state=succeed&currency=xrp").await, [b]);
    let rid = text(&exchange.withdrawal(a).await["rid"]);
    assert_eq!(list(&format!("rid={rid}")).await, [d, c, a]);
    assert!(list("rid=elsewhere").await.is_empty());
    let answer = exchange.get_as("taker", "/account/withdraws?limit=2").await;
    assert_eq!((answer.headers["total"].as_str(), answer.headers["per-page"].as_str()), ("5", "2"));
    assert_eq!(exchange.get_as("maker", "/account/withdraws").await.expect(200), json!([]));
    for (query, code) in [
        ("limit=101", "account.withdraw.invalid_limit"),
        ("limit=0", "account.withdraw.invalid_limit"),
        ("limit=x", "sandbox.withdraw.non_integer_limit"),
        ("page=0", "account.withdraw.non_positive_page"),
        ("page=x", "sandbox.withdraw.non_integer_page"),
        ("state=gone", "account.withdraw.invalid_state"),
        ("currency=doge", "account.currency.doesnt_exist"),
    ] {
        let answer = exchange.get_as("taker", &format!("/account/withdraws?{query}")).await;
        assert_eq!(answer.refusal(), format!("422 {code}"), "{query}");
    }
}

#[tokio::test]
async fn the_older_servers_want_a_one_time_code_and_know_no_quotes() {
    let exchange = Exchange::with(Sandbox::builder().profile(Profile::Legacy)).await;
    let to = beneficiary(&exchange, "btc").await;
    let with = |otp: Value| {
        let mut body = request(to, "btc", "0.5");
        body["otp"] = otp;
        body
    };
    let code = |name: &str| format!("422 account.withdraw.{name}");
    assert_eq!(exchange.withdraw(&request(to, "btc", "0.5")).await.refusal(), code("missing_otp"));
    assert_eq!(exchange.withdraw(&with(json!(""))).await.refusal(), code("empty_otp"));
    assert_eq!(exchange.withdraw(&with(json!("12345x"))).await.refusal(), code("non_integer_otp"));
    assert_eq!(exchange.withdraw(&with(json!("123457"))).await.refusal(), code("invalid_otp"));
    let created = exchange.withdraw(&with(json!(123_456))).await.expect(201);
    assert_eq!((&created["confirmations"], &created["state"]), (&json!("N/A"), &json!("submitted")));
    exchange.control.set_one_time_code("taker", "004217").unwrap();
    assert_eq!(exchange.withdraw(&with(json!("123456"))).await.refusal(), code("invalid_otp"));
    let mut body = with(json!("004217"));
    body["quote_id"] = json!("ignored");
    body["note"] = json!("taken with every currency");
    exchange.withdraw(&body).await.expect(201);
    // The beneficiary is checked before the code, the balance after it.
    body["beneficiary_id"] = json!(99_999);
    body["otp"] = json!("1");
    assert_eq!(exchange.withdraw(&body).await.refusal(), "422 account.beneficiary.doesnt_exist");
    let mut rich = request(to, "btc", "1000");
    rich["otp"] = json!("1");
    assert_eq!(exchange.withdraw(&rich).await.refusal(), code("invalid_otp"));
    assert_eq!(exchange.get_as("taker", "/account/withdraws/quote/btc").await.status, 404);
}

async fn methods(exchange: &Exchange, path: &str) -> Vec<Value> {
    let answer = exchange.get_as("taker", &format!("/payments/{path}")).await.expect(200);
    answer.as_array().unwrap().clone()
}

fn of<'a>(methods: &'a [Value], name: &str) -> Option<&'a Value> {
    methods.iter().find(|method| method["name"] == name)
}

#[tokio::test]
async fn methods_follow_the_level_and_what_was_withdrawn() {
    let (exchange, to) = with_beneficiary("btc").await;
    let all = methods(&exchange, "withdraws/methods").await;
    assert!(all.iter().all(|method| method["verified"] == true && method["uuid"] != ""));
    let lightning = of(&all, "Bitcoin Lightning").unwrap();
    assert_eq!(
        (&lightning["blockchainName"], &lightning["feeCape"]),
        (&json!("lightning"), &json!(0.000_000_01))
    );
    assert_eq!((&lightning["maxAmount"], &lightning["remainingLimits"]["day"]), (&json!(0.04), &json!(10.0)));
    let bank = of(&all, "Bank transfer").unwrap();
    assert_eq!(
        (&bank["symbol"], &bank["currencyType"], &bank["processorId"]),
        (&json!("ZAR"), &json!("fiat"), &json!("stitch"))
    );

    let given_back = exchange.withdrawn(&request(to, "btc", "1")).await;
    exchange.control.move_withdrawal(given_back, State::Canceled).unwrap();
    exchange.withdrawn(&request(to, "btc", "4")).await;
    let all = methods(&exchange, "withdraws/methods").await;
    let left = &of(&all, "Bitcoin").unwrap()["remainingLimits"];
    let wanted =
        json!({"transaction_max": 10.0, "day": 6.0, "week": 46.0, "month": 146.0, "year_to_date": 996.0});
    assert_eq!((left, &of(&all, "Bitcoin").unwrap()["maxAmount"]), (&wanted, &json!(6.0)));
    assert_eq!(of(&all, "Ether").unwrap()["remainingLimits"]["day"], 200.0, "each currency has its own");

    // Deposits have limits of their own; the money of the start does not count.
    exchange.control.deposit("taker", "btc", 3.into()).unwrap();
    let deposits = methods(&exchange, "deposits/methods").await;
    let left = &of(&deposits, "Bitcoin").unwrap()["remainingLimits"];
    assert_eq!((&left["day"], &left["transaction_max"]), (&json!(7.0), &json!(10.0)));
    let voucher = of(&deposits, "Demo voucher").unwrap();
    assert_eq!((&voucher["type"], &voucher["id"]), (&json!("voucher"), &json!(7)));

    for (level, bank, bitcoin) in
        [(2, Some(true), Some(true)), (1, Some(false), Some(true)), (0, None, Some(false))]
    {
        exchange.control.set_verification_level("taker", level).unwrap();
        for path in ["withdraws/methods", "deposits/methods"] {
            let all = methods(&exchange, path).await;
            let verified = |name| of(&all, name).map(|method| method["verified"].as_bool().unwrap());
            assert_eq!((verified("Bank transfer"), verified("Bitcoin")), (bank, bitcoin), "{level} {path}");
            for closed in all.iter().filter(|method| method["verified"] == false) {
                assert_eq!(closed["maxAmount"], 0.0, "{closed}");
            }
        }
    }
}

#[tokio::test]
async fn the_older_servers_list_vouchers_and_instant_payments() {
    let exchange = Exchange::with(Sandbox::builder().profile(Profile::Legacy)).await;
    let list = exchange.get_as("taker", "/payments/methods").await.expect(201);
    let kinds: Vec<_> = list.as_array().unwrap().iter().map(|method| text(&method["type"])).collect();
    assert_eq!(kinds, ["voucher", "instanteft"]);
    assert!(list[0]["id"].is_string() && list[0]["min_amount"].is_number());
    exchange.control.set_verification_level("taker", 0).unwrap();
    assert_eq!(exchange.get_as("taker", "/payments/methods").await.expect(201), json!([]));
    let current = Exchange::start().await;
    assert_eq!(current.get_as("taker", "/payments/methods").await.status, 404);
}

#[tokio::test]
async fn nothing_goes_to_a_deleted_beneficiary_and_no_money_goes_twice() {
    let (exchange, to) = with_beneficiary("btc").await;
    exchange.place("taker", limit("sell", "1", "900000")).await;
    assert_eq!(
        exchange.balance("taker", "btc").await,
        ("99.0".into(), "1.0".into()),
        "the order locks its part"
    );
    let mut body = request(to, "btc", "1");
    body["amount"] = json!("99.5");
    assert_eq!(exchange.withdraw(&body).await.refusal(), "422 account.withdraw.insufficient_balance");
    body["amount"] = json!("9");
    // The limit of a day is 10, so only one of both fits.
    let (one, other) = tokio::join!(exchange.withdraw(&body), exchange.withdraw(&body));
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 422]);
    assert_eq!(exchange.balance("taker", "btc").await, ("90.0".into(), "10.0".into()));

    let target = format!("{API}/account/beneficiaries/{to}");
    let deleted = exchange.send("DELETE", &target, &exchange.signed("taker"), b"").await.unwrap();
    assert_eq!(deleted.status, 204);
    body["amount"] = json!("1");
    assert_eq!(exchange.withdraw(&body).await.refusal(), "422 account.beneficiary.doesnt_exist");
}

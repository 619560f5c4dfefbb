//! Payments that succeed, and deposits that are no payment.

use super::*;
use crate::exchange::{
    funds::{
        deposits::SetDepositState,
        lightning::{CreateInvoice, MakeOutsideInvoice, PayFromOutside},
    },
    people::SetLevel,
};
use capecrypto_testkit::Fixtures;
use serde_json::json;

const STEP_S: i64 = STEP_MS / 1_000;
/// A withdrawal to a bank, from its creation to its success.
const BANK_S: i64 = 30 + 60 + 3_600;

/// The fields of the documents' sample are those of the event, in the same order, without those that it lacks.
fn as_documented(told: &Told, call: &str, lacks: &[&str]) {
    let sample = Fixtures::cape().get(call, "event").unwrap().text.clone();
    let fields: Json = serde_json::from_str(&sample).unwrap();
    let mut names: Vec<&String> = fields.as_object().unwrap().keys().collect();
    names.sort_by_key(|name| sample.find(&format!("\"{name}\":")).unwrap());
    names.retain(|name| *name != "event" && !lacks.contains(&name.as_str()));
    assert_eq!(told.names(), names, "{call}");
    assert_eq!(fields["event"], told.event);
    for (name, value) in &told.fields {
        let documented = &fields[name];
        let is_alike = (value.is_string(), value.is_u64()) == (documented.is_string(), documented.is_u64());
        assert!(is_alike, "{call}: {name} is {value}, documented {documented}");
    }
}

#[test]
fn without_an_action_the_money_stays_and_the_reference_is_completed_at_once() {
    let mut world = World::new();
    for action in [None, Some(DepositAction::default())] {
        let reference = world.refer("usd", action);
        let before = world.available(world.till, "usd");
        let deposit = world.deposit(&reference, "100");
        assert_eq!(world.available(world.till, "usd") - before, dec("100"));
        let now = world.now(&reference);
        assert_eq!((now.state, now.usage_count, now.last_used_ms), (State::Completed, 1, Some(START_MS)));
        let told = world.told();
        let events: Vec<_> = told.iter().map(|told| told.event.as_str()).collect();
        assert_eq!(
            events,
            ["deposit.accepted", "payment_reference.deposit_matched", "payment_reference.completed"]
        );
        for told in &told {
            assert_eq!((told.account, told.own.as_deref()), (world.till, Some("https://shop.example/hook")));
        }
        // Fiat has neither a blockchain nor a transaction.
        as_documented(&told[1], "deposit_matched_event", &["deposit_blockchain", "txid", "invoice"]);
        assert_eq!(told[1].get("deposit_id"), &json!(deposit));
        assert_eq!((told[1].get("amount"), told[1].get("currency")), (&json!("100.00"), &json!("usd")));
        assert_eq!(told[1].get("created_at"), &json!("2025-01-17T10:00:00.000Z"));
        assert_eq!(told[1].get("uid"), &json!(world.uid(world.till)));
        let actions = ["internal_transfer_id", "order_id", "withdraw_id"];
        let lacks = [&actions[..], &["deposit_blockchain", "invoice", "withdraw_blockchain"]].concat();
        as_documented(&told[2], "payment_completed_event", &lacks);
    }
}

#[test]
fn aggregate_moves_the_deposit_to_the_parent_account() {
    let mut world = World::new();
    let reference = world.refer("btc", Some(aggregate()));
    world.deposit(&reference, "0.5");
    assert_eq!(world.walk(&reference), [(State::PendingInternalTransfer, STEP_S), (State::Completed, 1)]);
    assert_eq!(
        (world.available(world.till, "btc"), world.available(world.shop, "btc")),
        (dec("0"), dec("0.5"))
    );
    let walk = world.now(&reference).walk.unwrap();
    assert!(walk.transfer.is_some() && walk.order.is_none() && walk.withdrawal.is_none());
    let line = world.exchange.history().of(world.till).next().unwrap().fields().into_owned();
    assert_eq!(
        (&line["type"], &line["reference_id"], &line["member_description"], &line["receiver"]),
        (
            &json!("internal_transfer"),
            &json!(walk.transfer),
            &json!(reference.code),
            &json!(world.uid(world.shop))
        )
    );
    let told = world.told();
    as_documented(&told[1], "deposit_matched_event", &["invoice"]);
    assert_eq!(told[1].get("deposit_blockchain"), &json!("bitcoin"));
    as_documented(
        &told[2],
        "payment_completed_event",
        &["order_id", "withdraw_id", "invoice", "withdraw_blockchain"],
    );
    assert_eq!(told[2].get("internal_transfer_id"), &json!(walk.transfer));
}

#[test]
fn the_longest_walk_transfers_sells_and_withdraws_what_the_sale_brought() {
    let mut world = World::new();
    world.offer(Side::Buy, "1", "800000");
    let payee = world.beneficiary(world.shop, "zar", Start::Active);
    let reference = world.refer("btc", Some(pay(ActionName::AggregateConvertAndWithdraw, "zar", payee)));
    world.deposit(&reference, "0.5");
    assert_eq!(
        world.walk(&reference),
        [
            (State::PendingInternalTransfer, STEP_S),
            (State::PendingSellOrder, STEP_S),
            (State::PendingWithdraw, STEP_S + BANK_S),
            (State::Completed, 1),
        ]
    );
    let walk = world.now(&reference).walk.unwrap();
    let order = world.exchange.engine().order(world.shop, walk.order.unwrap()).unwrap();
    assert_eq!(order.custom_order_id.as_deref(), Some(&*reference.code));
    // 0.5 × 800000, without the taker's fee.
    let withdrawal = world.exchange.funds().withdrawals.get(walk.withdrawal.unwrap()).unwrap();
    assert_eq!((withdrawal.account, withdrawal.amount), (world.shop, dec("399200")));
    for currency in ["btc", "zar"] {
        assert_eq!([world.till, world.shop].map(|account| world.available(account, currency)), [dec("0"); 2]);
    }
    let told = world.told();
    assert_eq!(told.len(), 3);
    as_documented(&told[2], "payment_completed_event", &["invoice", "withdraw_blockchain"]);
    assert_eq!(told[2].get("order_id"), &json!(walk.order));
    assert_eq!(told[2].get("withdraw_id"), &json!(walk.withdrawal));
}

#[test]
fn a_purchase_is_withdrawn_to_a_blockchain_from_the_account_itself() {
    let mut world = World::new();
    world.offer(Side::Sell, "1", "800000");
    // The till's own beneficiary.
    let payee = world.beneficiary(world.till, "btc", Start::Active);
    let reference = world.refer("zar", Some(pay(ActionName::ConvertAndWithdraw, "btc", payee)));
    world.deposit(&reference, "400000.01");
    let walked = world.walk(&reference);
    let states: Vec<State> = walked.iter().map(|(state, _)| *state).collect();
    assert_eq!(states, [State::PendingBuyOrder, State::PendingWithdraw, State::Completed]);
    let walk = world.now(&reference).walk.unwrap();
    // 400000.01 / 800000 is 0.5000000125, of which 0.5 could be bought; 0.2 % is the fee.
    let withdrawal = world.exchange.funds().withdrawals.get(walk.withdrawal.unwrap()).unwrap();
    assert_eq!((withdrawal.account, withdrawal.amount), (world.till, dec("0.49900000")));
    assert_eq!(world.available(world.till, "zar"), dec("0.002"), "0.50000001 were bought");
    let told = world.told();
    as_documented(
        &told[2],
        "payment_completed_event",
        &["internal_transfer_id", "deposit_blockchain", "invoice"],
    );
    assert_eq!(told[2].get("withdraw_blockchain"), &json!("bitcoin"));
}

#[test]
fn the_same_currency_needs_no_order() {
    let mut world = World::new();
    let payee = world.beneficiary(world.shop, "zar", Start::Active);
    let reference = world.refer("zar", Some(pay(ActionName::ConvertAndWithdraw, "zar", payee)));
    world.deposit(&reference, "1000");
    let states: Vec<State> = world.walk(&reference).into_iter().map(|(state, _)| state).collect();
    assert_eq!(states, [State::PendingWithdraw, State::Completed]);
    assert_eq!(world.now(&reference).walk.unwrap().order, None);
    assert_eq!(world.available(world.till, "zar"), Decimal::ZERO);
}

#[test]
fn over_lightning_an_invoice_or_an_address_is_paid() {
    let mut world = World::new();
    let invoice = |world: &mut World, sats| {
        world.run(MakeOutsideInvoice { sats, description: "shop".to_owned() }).unwrap()
    };
    let (fixed, open) = (invoice(&mut world, Some(90_000)), invoice(&mut world, None));
    let cases = [
        (fixed.as_str(), None, 90_000),
        (&fixed, Some("0.0009"), 90_000),
        // All but the fee of one satoshi.
        (&open, None, 99_999),
        ("till@shop.example", None, 99_999),
        ("till@shop.example", Some("0.00000001"), 1),
    ];
    for (place, (target, beneficiary_amount, sats)) in cases.into_iter().enumerate() {
        let fresh = invoice(&mut world, Some(90_000));
        let target = if target == fixed && place > 0 { &fresh } else { target };
        let beneficiary_amount = beneficiary_amount.map(dec);
        let action = DepositAction { beneficiary_amount, ..pay_invoice("btc", target) };
        let reference = world.refer("btc", Some(action));
        let before = world.available(world.till, "btc");
        world.deposit(&reference, "0.001");
        assert_eq!(
            world.walk(&reference),
            [(State::PendingWithdraw, STEP_S + 15), (State::Completed, 1)],
            "{target}"
        );
        let left = world.available(world.till, "btc") - before;
        assert_eq!(left, dec("0.00099999") - Decimal::new(sats, 8), "{target}");
        let told = world.told();
        assert_eq!(told[2].get("withdraw_blockchain"), &json!("lightning"));
        assert!(told[2].get("withdraw_id").is_u64());
    }
}

#[test]
fn a_beneficiary_amount_is_what_arrives_or_nothing_is_withdrawn() {
    let mut world = World::new();
    let payee = world.beneficiary(world.shop, "zar", Start::Active);
    let open = world.run(MakeOutsideInvoice { sats: None, description: "shop".to_owned() }).unwrap();
    let to_bank = |wanted: &str| DepositAction {
        beneficiary_amount: Some(dec(wanted)),
        ..pay(ActionName::ConvertAndWithdraw, "zar", payee)
    };
    // The fee is 8.
    let covered = world.refer("zar", Some(to_bank("992")));
    world.deposit(&covered, "1000.5");
    world.walk(&covered);
    assert_eq!(world.available(world.till, "zar"), dec("0.5"));
    let withdrawal = world.now(&covered).walk.unwrap().withdrawal.unwrap();
    let withdrawal = world.exchange.funds().withdrawals.get(withdrawal).unwrap();
    assert_eq!(withdrawal.amount - withdrawal.fee, dec("992"));
    world.told();

    let too_much = DepositAction { beneficiary_amount: Some(dec("0.001")), ..pay_invoice("btc", &open) };
    for (currency, action, amount) in [("zar", to_bank("992.01"), "1000"), ("btc", too_much, "0.001")] {
        let reference = world.refer(currency, Some(action));
        let before = world.available(world.till, currency);
        world.deposit(&reference, amount);
        assert_eq!(world.walk(&reference), [(State::PendingWithdraw, STEP_S), (State::Completed, 1)]);
        assert_eq!(world.available(world.till, currency) - before, dec(amount), "the funds are kept");
        let told = world.told();
        let last = told.last().unwrap();
        assert_eq!(
            (last.event.as_str(), last.get("withdraw_id")),
            ("payment_reference.completed", &Json::Null)
        );
        assert_eq!(last.get("withdraw_blockchain"), &Json::Null);
    }
}

#[test]
fn any_amount_and_a_late_deposit_are_matched_with_what_came() {
    let mut world = World::new();
    // 1 is expected.
    for (amount, told) in [("0.00000001", "0.00000001"), ("7.5", "7.50")] {
        let reference = world.refer("btc", Some(aggregate()));
        let before = world.available(world.shop, "btc");
        world.deposit(&reference, amount);
        world.walk(&reference);
        assert_eq!(world.available(world.shop, "btc") - before, dec(amount));
        assert_eq!(world.told()[1].get("amount"), &json!(told));
    }
    let late = world.refer("btc", Some(aggregate()));
    world.wait(DAY_MS + 1);
    assert!(world.now_ms > late.expires_ms());
    assert_eq!(world.state(&late), State::PendingDeposit);
    world.deposit(&late, "1");
    world.walk(&late);
    assert_eq!(world.state(&late), State::Completed);
}

#[test]
fn a_second_deposit_stays_in_the_account_and_is_told() {
    let mut world = World::new();
    let reference = world.refer("btc", Some(aggregate()));
    let original = world.deposit(&reference, "1");
    world.told();
    world.wait(1_000);
    for count in 1..=2_u64 {
        let second = world.deposit(&reference, "0.25");
        let told = world.told();
        assert_eq!((told.len(), told[0].event.as_str()), (2, "deposit.accepted"));
        as_documented(&told[1], "duplicate_deposit_event", &[]);
        assert_eq!(told[1].own.as_deref(), Some("https://shop.example/hook"));
        let values =
            ["original_deposit_id", "duplicate_deposit_id", "duplicate_count", "amount", "member_uid"]
                .map(|name| told[1].get(name).clone());
        assert_eq!(json!(values), json!([original, second, count, "0.25", world.uid(world.till)]));
        let now = world.now(&reference);
        assert_eq!((now.usage_count, now.last_used_ms), (count + 1, Some(world.now_ms)));
        assert_eq!(now.updated_ms, world.now_ms);
    }
    world.walk(&reference);
    // Also after the end.
    world.deposit(&reference, "0.25");
    assert_eq!(world.events().last().unwrap(), "payment_reference.duplicate_deposit");
    world.wait(DAY_MS);
    assert_eq!(
        (world.available(world.till, "btc"), world.available(world.shop, "btc")),
        (dec("0.75"), dec("1"))
    );
    assert_eq!(world.now(&reference).walk.unwrap().deposit.id, original);
}

#[test]
fn only_the_account_and_the_currency_of_the_reference_count() {
    let mut world = World::new();
    let reference = world.refer("btc", Some(aggregate()));
    let till = world.till;
    for (account, currency, text) in [
        (till, "eth", reference.code.as_str()),
        (world.shop, "btc", &reference.code),
        (till, "btc", "PAY-"),
        (till, "btc", ""),
    ] {
        world.deposit_of(account, code(currency), "1", text);
        let told = world.told();
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(
            (told[0].event.as_str(), told[0].account, &told[0].own),
            ("deposit.accepted", account, &None)
        );
    }
    assert_eq!((world.state(&reference), world.now(&reference).usage_count), (State::PendingDeposit, 0));
    // Whoever types the code may change the case of its letters.
    let text = format!(" {}\n", reference.code.to_lowercase());
    world.deposit_of(till, code("btc"), "1", &text);
    assert_eq!(world.state(&reference), State::PendingInternalTransfer);
}

#[test]
fn an_invoice_with_the_code_is_matched_when_it_is_paid() {
    let mut world = World::new();
    world.offer(Side::Buy, "1", "800000");
    let reference = world.refer("btc", None);
    let invoice = |world: &mut World, conversion| {
        let (account, description) = (world.till, Some(reference.code.clone()));
        let create = CreateInvoice { account, sats: 100_000, conversion, description, note: None };
        let bolt = world.run(create).unwrap().bolt;
        world.run(PayFromOutside { bolt: bolt.clone() }).unwrap();
        world.wait(0);
        bolt
    };
    // The invoice itself says what happens to the money.
    invoice(&mut world, Some(Decimal::ONE));
    assert_eq!(world.events(), ["deposit.accepted"]);
    let bolt = invoice(&mut world, None);
    let told = world.told();
    as_documented(&told[1], "deposit_matched_event", &[]);
    assert_eq!(
        (told[1].get("invoice"), told[1].get("deposit_blockchain")),
        (&json!(bolt), &json!("lightning"))
    );
    assert_eq!(told[2].get("invoice"), &json!(bolt));
    assert_eq!(world.state(&reference), State::Completed);
}

#[test]
fn a_deposit_is_matched_once_it_is_in_the_balance() {
    let mut world = World::new();
    let reference = world.refer("btc", None);
    let (account, currency) = (world.till, code("btc"));
    let held = DepositState::OnHoldTravelRuleCustomer;
    let coming = world.coming(account, currency, "1", &reference.code, held);
    let id = world.run(coming).unwrap();
    let told = world.told();
    assert_eq!((told[0].event.as_str(), told[0].own.is_some()), ("deposit.travel_rule_required", true));
    let fields = json!([told[0].names(), told[0].get("deposit_id"), told[0].get("amount")]);
    assert_eq!(fields, json!([["deposit_id", "uid", "amount", "currency"], id, "1.00"]));
    assert_eq!(world.state(&reference), State::PendingDeposit);
    world.run(SetDepositState { id, state: DepositState::Accepted }).unwrap();
    assert_eq!(world.events()[..2], ["deposit.accepted", "payment_reference.deposit_matched"]);
    world.run(SetDepositState { id, state: DepositState::Collected }).unwrap();
    assert!(world.told().is_empty(), "it is accepted once");

    let reference = world.refer("btc", None);
    for (state, events) in [
        (DepositState::Submitted, &[][..]),
        (DepositState::Canceled, &[]),
        (DepositState::Rejected, &["deposit.rejected"]),
    ] {
        let coming = world.coming(account, currency, "1", &reference.code, state);
        world.run(coming).unwrap();
        assert_eq!(world.events(), events);
    }
    assert_eq!(world.state(&reference), State::PendingDeposit);
    // In the balance from the beginning.
    let coming = world.coming(account, currency, "1", &reference.code, DepositState::Collected);
    world.run(coming).unwrap();
    assert_eq!(world.events()[0], "deposit.accepted");
    assert_eq!(world.state(&reference), State::Completed);
}

#[test]
fn an_account_needs_its_verification_when_the_deposit_comes() {
    let mut world = World::new();
    let strict = world.refer("btc", Some(aggregate()));
    let terms = Terms { verified_only: false, ..strict.terms.clone() };
    let lenient = world.run(CreatePaymentReference(terms));
    // The till has that of the shop.
    world.run(SetLevel { account: world.shop, level: 0 });
    world.deposit(&strict, "1");
    assert_eq!((world.state(&strict), world.now(&strict).usage_count), (State::PendingDeposit, 0));
    assert_eq!(world.available(world.till, "btc"), dec("1"), "money cannot be sent back");
    world.deposit(&lenient, "1");
    assert_eq!(world.walk(&lenient).last(), Some(&(State::Completed, 1)));
    world.run(SetLevel { account: world.shop, level: 1 });
    world.deposit(&strict, "1");
    assert_eq!(world.state(&strict), State::PendingInternalTransfer);
}

//! Deposits of a sub-account that has a deposit action of its own.

use super::*;
use crate::exchange::{
    funds::{
        deposits::SetDepositState,
        lightning::{CreateInvoice, PayFromOutside},
    },
    people::{
        customers::{Application, CreateCustomer},
        facts::Entity,
        sub_accounts::{DeleteSubAccount, UpdateSubAccount},
    },
};

/// A withdrawal to a bank, from its creation to its success.
const BANK_MS: i64 = (30 + 60 + 3_600) * 1_000;

impl World {
    /// Sets the action of the till.
    fn act(&mut self, action: DepositAction) {
        let (parent, uid, deposit_action) = (self.shop, self.uid(self.till), Some(action));
        self.run(UpdateSubAccount { parent, uid, deposit_action }).unwrap();
    }

    fn plain(&mut self, currency: &str, amount: &str) -> u64 {
        self.deposit_of(self.till, code(currency), amount, "")
    }

    /// What the till and the shop have.
    fn both(&self, currency: &str) -> [String; 2] {
        [self.till, self.shop].map(|account| self.available(account, currency).normalize().to_string())
    }

    fn on_their_way(&self) -> usize {
        self.exchange.payments().errands.len()
    }
}

#[test]
fn a_deposit_goes_to_the_parent_account_and_nobody_is_told_more_than_the_deposit() {
    let mut world = World::new();
    world.act(aggregate());
    for (currency, amount) in [("btc", "0.5"), ("usd", "100")] {
        world.plain(currency, amount);
        world.wait(STEP_MS - 1);
        assert_eq!(world.both(currency), [amount, "0"]);
        world.wait(1);
        assert_eq!(world.both(currency), ["0", amount]);
    }
    world.wait(DAY_MS);
    assert_eq!(world.events(), ["deposit.accepted", "deposit.accepted"]);
    assert_eq!(world.on_their_way(), 0);
    // Money of the account that is no deposit stays. It is begun when the deposit is in the balance, and not before.
    let coming = world.coming(world.till, code("btc"), "1", "", DepositState::OnHoldTravelRuleCustomer);
    let id = world.run(coming).unwrap();
    world.wait(DAY_MS);
    assert_eq!((world.both("btc"), world.on_their_way()), (["0".to_owned(), "0.5".to_owned()], 0));
    world.run(SetDepositState { id, state: DepositState::Accepted }).unwrap();
    world.wait(STEP_MS);
    assert_eq!(world.both("btc"), ["0", "1.5"]);
}

#[test]
fn a_deposit_is_converted_and_withdrawn_in_its_account_or_in_the_parent_account() {
    for (action, transfers) in
        [(ActionName::ConvertAndWithdraw, false), (ActionName::AggregateConvertAndWithdraw, true)]
    {
        let mut world = World::new();
        world.offer(Side::Buy, "2", "800000");
        // The beneficiary is the parent account's.
        let payee = world.beneficiary(world.shop, "zar", Start::Active);
        world.act(pay(action, "zar", payee));
        let deposit = world.plain("btc", "0.5");
        let account = if transfers { world.shop } else { world.till };
        if transfers {
            world.wait(STEP_MS);
            assert_eq!(world.both("btc"), ["0", "0.5"]);
        }
        world.wait(STEP_MS);
        let order = world.exchange.payments().errands[&deposit].walk.order.unwrap();
        let order = world.exchange.engine().order(account, order).unwrap();
        assert_eq!(order.custom_order_id, Some(format!("deposit-{deposit}")));
        world.wait(STEP_MS);
        // 0.5 × 800000, without the taker's fee.
        let withdrawal = world.exchange.funds().withdrawals.of(account).next().unwrap();
        assert_eq!((withdrawal.currency, withdrawal.amount), (code("zar"), dec("399200")));
        assert_eq!(world.on_their_way(), 1);
        world.wait(BANK_MS);
        assert_eq!((world.on_their_way(), world.both("btc"), world.both("zar")), (0, nothing(), nothing()));
        assert_eq!(world.events(), ["deposit.accepted"]);
    }
}

#[test]
fn a_failed_action_leaves_the_money_where_it_is_and_the_next_deposit_walks() {
    let mut world = World::new();
    let payee = world.beneficiary(world.shop, "zar", Start::Active);
    world.act(pay(ActionName::AggregateConvertAndWithdraw, "zar", payee));
    // Nobody buys.
    world.plain("btc", "0.5");
    world.wait(DAY_MS);
    assert_eq!((world.both("btc"), world.on_their_way()), (["0".to_owned(), "0.5".to_owned()], 0));
    world.offer(Side::Buy, "2", "800000");
    world.plain("btc", "0.25");
    world.wait(DAY_MS);
    assert_eq!((world.both("btc"), world.both("zar")), (["0".to_owned(), "0.5".to_owned()], nothing()));
    // What cannot begin does not move either: there is no market of both.
    world.act(pay(ActionName::ConvertAndWithdraw, "usd", payee));
    world.plain("usdc", "100");
    world.wait(DAY_MS);
    assert_eq!((world.both("usdc"), world.on_their_way()), (["100".to_owned(), "0".to_owned()], 0));
}

#[test]
fn the_action_is_the_one_of_the_moment_when_the_deposit_comes() {
    let mut world = World::new();
    world.plain("btc", "1");
    world.act(aggregate());
    world.wait(DAY_MS);
    assert_eq!(world.both("btc"), ["1", "0"]);
    world.plain("btc", "2");
    world.act(DepositAction::default());
    world.plain("btc", "4");
    world.wait(DAY_MS);
    assert_eq!(world.both("btc"), ["5", "2"]);
}

#[test]
fn a_deposit_of_a_payment_reference_is_the_references_alone() {
    let mut world = World::new();
    world.act(aggregate());
    let reference = world.refer("btc", None);
    for amount in ["1", "2"] {
        world.deposit(&reference, amount);
    }
    // Another currency than that of the reference makes it an ordinary deposit.
    world.deposit_of(world.till, code("usdc"), "100", &reference.code);
    world.wait(DAY_MS);
    assert_eq!((world.state(&reference), world.now(&reference).usage_count), (State::Completed, 2));
    assert_eq!(world.both("btc"), ["3", "0"]);
    assert_eq!(world.both("usdc"), ["0", "100"]);
}

#[test]
fn what_an_invoice_sells_stays_in_its_account() {
    let mut world = World::new();
    world.offer(Side::Buy, "1", "800000");
    // Other money of the account, which an action must not take instead.
    world.plain("btc", "1");
    world.act(aggregate());
    for (conversion, btc) in [(Some(Decimal::ONE), ["1", "0"]), (None, ["1", "0.001"])] {
        let (account, sats) = (world.till, 100_000);
        let create = CreateInvoice { account, sats, conversion, description: None, note: None };
        let bolt = world.run(create).unwrap().bolt;
        world.run(PayFromOutside { bolt }).unwrap();
        world.wait(0);
        world.wait(DAY_MS);
        // 0.001 × 800000, without the taker's fee.
        assert_eq!(
            (world.both("btc"), world.both("zar")),
            (btc.map(str::to_owned), ["798.4", "0"].map(str::to_owned))
        );
    }
}

#[test]
fn neither_a_customer_nor_a_deleted_sub_account_nor_an_account_without_a_parent_acts() {
    let mut world = World::new();
    let form = Application {
        entity: Entity::Individual,
        email: "thandi@example.com".to_owned(),
        phone_number: "+27821234567".to_owned(),
        account_name: None,
        profile: std::collections::BTreeMap::default(),
        ubos: Vec::new(),
        deposit_action: aggregate(),
        webhook: None,
    };
    let customer = world.run(CreateCustomer { parent: world.shop, role: Role::Member, form }).unwrap();
    world.act(aggregate());
    let uid = world.uid(world.till);
    world.run(DeleteSubAccount { parent: world.shop, uid }).unwrap();
    for account in [customer, world.till, world.maker] {
        let before = world.available(account, "btc");
        world.deposit_of(account, code("btc"), "1", "");
        assert_eq!(world.on_their_way(), 0);
        world.wait(DAY_MS);
        assert_eq!(world.available(account, "btc") - before, dec("1"));
    }
}

fn nothing() -> [String; 2] {
    ["0", "0"].map(str::to_owned)
}

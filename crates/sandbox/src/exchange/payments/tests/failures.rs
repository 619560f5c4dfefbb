//! Payments that fail: the text, what is told, and where the money stays.

use super::*;
use crate::exchange::{
    funds::{
        beneficiaries::DeleteBeneficiary,
        lightning::{FailOutside, MakeOutsideInvoice},
        transfers::Transfer,
        withdrawals::{MoveWithdrawal, WithdrawalState},
    },
    market::commands::PauseMatching,
    people::{Restrict, Restriction, SetLevel},
};
use serde_json::json;

const CONVERT: ActionName = ActionName::ConvertAndWithdraw;

impl World {
    /// A reference of this action fails with this text. Its deposit stays as it came, in the till.
    #[track_caller]
    fn fails(&mut self, currency: &str, action: DepositAction, amount: &str, text: &str) -> PaymentReference {
        self.fails_in(self.till, currency, action, amount, text)
    }

    /// The same; the money stays in this account.
    #[track_caller]
    fn fails_in(
        &mut self,
        account: AccountId,
        currency: &str,
        action: DepositAction,
        amount: &str,
        text: &str,
    ) -> PaymentReference {
        let reference = self.refer(currency, Some(action));
        let before = self.available(account, currency);
        self.deposit(&reference, amount);
        self.walk(&reference);
        self.failed(&reference, text);
        assert_eq!(self.available(account, currency) - before, dec(amount), "{text}");
        self.now(&reference)
    }

    #[track_caller]
    fn failed(&mut self, reference: &PaymentReference, text: &str) {
        let now = self.now(reference);
        assert_eq!((now.state, now.error.as_deref()), (State::Failed, Some(text)));
        assert_eq!(now.updated_ms, self.now_ms);
        let told = self.told();
        let last = told.last().unwrap();
        assert_eq!(last.event, "payment_reference.failed");
        let walk = now.walk.unwrap();
        let blockchain = walk.deposit.blockchain.as_ref().map(|_| "deposit_blockchain");
        let mut names = vec!["payment_reference_id", "reference", "uid", "deposit_id", "error"];
        names.extend(blockchain.into_iter().chain(["created_at"]));
        assert_eq!(last.names(), names);
        assert_eq!((last.get("error"), last.get("deposit_id")), (&json!(text), &json!(walk.deposit.id)));
    }
}

#[test]
fn nothing_is_converted_without_enough_offers_within_the_limit() {
    let mut world = World::new();
    let payee = world.beneficiary(world.shop, "zar", Start::Active);
    let sell =
        |slippage: &str| DepositAction { max_slippage: Some(dec(slippage)), ..pay(CONVERT, "zar", payee) };
    let no_offers = "Insufficient liquidity for market order on btczar";
    world.fails("btc", sell("10"), "0.5", no_offers);
    world.offer(Side::Buy, "0.3", "800000");
    world.offer(Side::Buy, "1", "783999");
    let reference = world.fails("btc", sell("10"), "2", no_offers);
    assert_eq!(reference.walk.unwrap().order, None);
    world.fails("btc", sell("2.0"), "0.5", "Slippage above 2% for market order on btczar");
    // The documents' default is 2 % too.
    world.fails("btc", pay(CONVERT, "zar", payee), "0.5", "Slippage above 2% for market order on btczar");
    world.fails("btc", sell("1"), "0.000009", "Amount too small for market order on btczar");
    let to_usdc = pay(CONVERT, "usdc", payee);
    world.fails("btc", to_usdc, "0.5", "No market for btc and usdc");
    // Within the limit it works.
    let reference = world.refer("btc", Some(sell("2.1")));
    world.deposit(&reference, "0.5");
    assert_eq!(world.walk(&reference).last(), Some(&(State::Completed, 1)));
    world.told();

    world.offer(Side::Sell, "0.1", "900000");
    world.offer(Side::Sell, "5", "950000");
    let payee = world.beneficiary(world.shop, "btc", Start::Active);
    world.fails("zar", pay(CONVERT, "btc", payee), "100000", "Slippage above 2% for market order on btczar");
    world.fails("zar", pay(CONVERT, "btc", payee), "8.9", "Amount too small for market order on btczar");
    world.fails("zar", pay(CONVERT, "btc", payee), "90000000", no_offers);
}

#[test]
fn an_own_offer_in_the_way_and_a_changed_book_leave_an_order_that_is_not_filled() {
    let mut world = World::new();
    let payee = world.beneficiary(world.shop, "zar", Start::Active);
    world.offer(Side::Buy, "0.3", "800000");
    world.offer(Side::Buy, "0.3", "700000");
    let reference = world.refer("btc", Some(pay(CONVERT, "zar", payee)));
    world.deposit(&reference, "0.3");
    // The maker takes its offer from the book, but that is carried out before the order only because it came before.
    world.run(PauseMatching(true));
    let taken = PlaceOrder {
        account: world.maker,
        market: code("btczar"),
        side: Side::Sell,
        ord_type: OrderType::Limit,
        volume: dec("0.2"),
        price: Some(dec("800000")),
        post_only: false,
        custom_order_id: None,
    };
    // The maker would trade with itself, so another account takes it.
    let taker = AccountId(4);
    world.run(AddAccount { name: "taker".to_owned(), role: Role::Member }).unwrap();
    world.run(Deposit { account: taker, currency: code("btc"), amount: dec("1"), after_ms: 0 }).unwrap();
    world.run(PlaceOrder { account: taker, ..taken }).unwrap();
    world.wait(STEP_MS + 60_000);
    assert_eq!(world.state(&reference), State::PendingSellOrder, "it waits for the order");
    let order = world.now(&reference).walk.unwrap().order.unwrap();
    world.run(PauseMatching(false));
    world.wait(0);
    world.failed(&reference, &format!("Market order {order} on btczar was not filled completely"));
    assert_eq!(world.available(world.till, "btc"), dec("0.2"));
    assert_eq!(world.available(world.till, "zar"), dec("0.1") * dec("800000") * dec("0.998"));
}

#[test]
fn without_a_parent_or_the_money_nothing_is_transferred() {
    let mut world = World::new();
    let terms = Terms { account: world.shop, ..world.terms("btc", Some(aggregate())) };
    let reference = world.run(CreatePaymentReference(terms));
    world.deposit(&reference, "1");
    world.walk(&reference);
    let uid = world.uid(world.shop);
    world.failed(&reference, &format!("Account {uid} has no parent account"));
    assert_eq!(world.available(world.shop, "btc"), dec("1"));

    // Somebody spends the deposit between two steps.
    let spend = |world: &mut World, currency: &str, amount: &str| {
        let (from, to, currency, amount) = (world.till, world.maker, code(currency), dec(amount));
        let (sender, receiver) = (String::new(), String::new());
        world.run(Transfer { from, to, currency, amount, sender, receiver, note: None }).unwrap();
    };
    let reference = world.refer("btc", Some(aggregate()));
    world.deposit(&reference, "1");
    spend(&mut world, "btc", "0.5");
    world.walk(&reference);
    world.failed(&reference, "Insufficient balance for internal transfer of btc");
    assert_eq!(world.available(world.till, "btc"), dec("0.5"));

    world.offer(Side::Buy, "1", "800000");
    let payee = world.beneficiary(world.shop, "zar", Start::Active);
    for (currency, text) in [
        ("btc", "Insufficient balance for market order on btczar"),
        ("zar", "Insufficient balance for withdrawal of zar"),
    ] {
        let reference = world.refer(currency, Some(pay(CONVERT, "zar", payee)));
        world.deposit(&reference, "0.60");
        let left = world.available(world.till, currency) - dec("0.1");
        spend(&mut world, currency, &left.to_string());
        world.walk(&reference);
        world.failed(&reference, text);
        assert_eq!(world.available(world.till, currency), dec("0.1"));
        spend(&mut world, currency, "0.1");
    }
}

#[test]
fn a_withdrawal_is_refused_for_the_same_reasons_as_one_by_hand() {
    let mut world = World::new();
    let (shop, till) = (world.shop, world.till);
    let payee = world.beneficiary(shop, "zar", Start::Active);
    let to = |payee| pay(CONVERT, "zar", payee);
    world.fails("zar", to(999), "1000", "Beneficiary 999 does not exist for zar");
    let of_another = world.beneficiary(world.maker, "zar", Start::Active);
    let text = format!("Beneficiary {of_another} does not exist for zar");
    world.fails("zar", to(of_another), "1000", &text);
    let of_btc = world.beneficiary(shop, "btc", Start::Active);
    world.fails("zar", to(of_btc), "1000", &format!("Beneficiary {of_btc} does not exist for zar"));
    let pending = world.beneficiary(till, "zar", Start::Pending(None));
    world.fails("zar", to(pending), "1000", &format!("Beneficiary {pending} is not active"));
    let deleted = world.beneficiary(shop, "zar", Start::Active);
    world.run(DeleteBeneficiary { account: shop, id: deleted });
    world.fails("zar", to(deleted), "1000", &format!("Beneficiary {deleted} does not exist for zar"));
    // At least 50 are withdrawn, at most 5000000 a day.
    world.fails("zar", to(payee), "49.99", "Invalid amount for withdrawal of zar");
    world.fails("zar", to(payee), "5000000.01", "Withdrawal limit exceeded for zar");
    for account in [shop, till] {
        world.run(Restrict { account, restriction: Some(Restriction::NoTwoFactor) });
        world.fails("zar", to(payee), "1000", "Two-factor authentication is disabled");
        world.run(Restrict { account, restriction: Some(Restriction::HolderInactive) });
        let uid = world.uid(account);
        world.fails("zar", to(payee), "1000", &format!("Withdrawals are not permitted for account {uid}"));
        world.run(Restrict { account, restriction: None });
    }
    world.offer(Side::Buy, "1", "800000");
    world.run(Restrict { account: till, restriction: Some(Restriction::NotVerified) });
    let text = format!("Trading is not permitted for account {}", world.uid(till));
    world.fails("btc", to(payee), "0.1", &text);
    world.run(Restrict { account: till, restriction: None });
    world.run(SetLevel { account: shop, level: 1 });
    world.fails("zar", to(payee), "500000.01", "Withdrawal limit exceeded for zar");
    // What was aggregated stays with the parent.
    let all = pay(ActionName::AggregateConvertAndWithdraw, "zar", 999);
    let reference = world.fails_in(shop, "zar", all, "1000", "Beneficiary 999 does not exist for zar");
    assert!(reference.walk.unwrap().transfer.is_some());
}

#[test]
fn what_was_converted_stays_if_the_withdrawal_is_refused() {
    let mut world = World::new();
    world.offer(Side::Buy, "1", "800000");
    let reference = world.refer("btc", Some(pay(CONVERT, "zar", 999)));
    world.deposit(&reference, "0.5");
    world.walk(&reference);
    world.failed(&reference, "Beneficiary 999 does not exist for zar");
    let walk = world.now(&reference).walk.unwrap();
    assert!(walk.order.is_some() && walk.withdrawal.is_none());
    let left = [world.available(world.till, "btc"), world.available(world.till, "zar")];
    assert_eq!(left, [dec("0"), dec("399200")]);
}

#[test]
fn a_withdrawal_that_ends_without_success_gives_the_money_back() {
    let mut world = World::new();
    let payee = world.beneficiary(world.shop, "zar", Start::Active);
    for (state, name) in [
        (WithdrawalState::Rejected, "rejected"),
        (WithdrawalState::Canceled, "canceled"),
        (WithdrawalState::Failed, "failed"),
    ] {
        let reference = world.refer("zar", Some(pay(CONVERT, "zar", payee)));
        let before = world.available(world.till, "zar");
        world.deposit(&reference, "1000");
        world.wait(STEP_MS + 1_000);
        assert_eq!(world.available(world.till, "zar"), before);
        let id = world.now(&reference).walk.unwrap().withdrawal.unwrap();
        world.run(MoveWithdrawal { id, state: WithdrawalState::UnderReview }).unwrap();
        world.wait(DAY_MS);
        assert_eq!(world.state(&reference), State::PendingWithdraw, "nobody has decided");
        world.run(MoveWithdrawal { id, state }).unwrap();
        world.failed(&reference, &format!("Withdrawal {id} ended as {name}"));
        assert_eq!(world.available(world.till, "zar") - before, dec("1000"));
    }
}

#[test]
fn over_lightning_each_obstacle_has_its_text() {
    let mut world = World::new();
    let invoice = |world: &mut World, sats| {
        world.run(MakeOutsideInvoice { sats, description: "shop".to_owned() }).unwrap()
    };
    let fixed = invoice(&mut world, Some(100_000));
    for wrong in ["lnbc100n1...", "@", "name@", ""] {
        world.fails("btc", pay_invoice("btc", wrong), "0.001", "Lightning invoice is not valid");
    }
    world.fails("zar", pay_invoice("zar", &fixed), "1000", "Lightning pays btc only, not zar");
    // 0.001 and the fee of one satoshi.
    world.fails("btc", pay_invoice("btc", &fixed), "0.001", "Insufficient balance for withdrawal of btc");
    let wanted =
        |amount: &str| DepositAction { beneficiary_amount: Some(dec(amount)), ..pay_invoice("btc", &fixed) };
    world.fails("btc", wanted("0.002"), "0.001", "Amount of the lightning invoice differs");
    world.fails("btc", wanted("0.000000001"), "0.001", "Invalid amount for withdrawal of btc");
    world.fails(
        "btc",
        pay_invoice("btc", "a@b.example"),
        "0.00000001",
        "Insufficient balance for withdrawal of btc",
    );
    world.fails("btc", pay_invoice("btc", "a@b.example"), "0.05", "Withdrawal limit exceeded for btc");

    world.run(FailOutside(true));
    let reference = world.refer("btc", Some(pay_invoice("btc", &fixed)));
    let before = world.available(world.till, "btc");
    world.deposit(&reference, "0.002");
    world.walk(&reference);
    let id = world.now(&reference).walk.unwrap().withdrawal.unwrap();
    world.failed(&reference, &format!("Withdrawal {id} ended as failed"));
    assert_eq!(world.available(world.till, "btc") - before, dec("0.002"));
    world.run(FailOutside(false));

    let reference = world.refer("btc", Some(pay_invoice("btc", &fixed)));
    world.deposit(&reference, "0.002");
    world.walk(&reference);
    assert_eq!(world.state(&reference), State::Completed);
    world.fails("btc", pay_invoice("btc", &fixed), "0.002", "Lightning invoice is already paid");
    let old = invoice(&mut world, None);
    world.wait(3_601_000);
    world.fails("btc", pay_invoice("btc", &old), "0.002", "Lightning invoice has expired");
}

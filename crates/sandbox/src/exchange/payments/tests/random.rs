//! Random references, deposits and offers against the rules: each currency sums to zero, no balance is negative, what is in the
//! accounts came with deposits and left with withdrawals, and each reference that got a deposit ends.

use super::*;
use crate::exchange::{
    funds::{
        lightning::MakeOutsideInvoice,
        withdrawals::{HoldWithdrawal, MoveWithdrawal, WithdrawalState},
    },
    market::commands::{CancelOrders, PauseMatching},
    people::{Restrict, Restriction, SetLevel, sub_accounts::UpdateSubAccount},
};
use std::collections::{BTreeMap, BTreeSet};

const STEPS: u32 = 3_000;

/// Prints the seed if the test fails.
struct Seed(u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("failed with seed {0}: run again with SANDBOX_SEED={0}", self.0);
        }
    }
}

struct Random {
    world: World,
    /// Carries out what the record of the first one would have.
    twin: Exchange,
    random: fastrand::Rng,
    references: Vec<PaymentReference>,
    beneficiaries: Vec<u64>,
    events: BTreeMap<String, u32>,
    errors: BTreeSet<String>,
    /// How many deposits began an action of their sub-account.
    errands: u32,
}

impl Random {
    fn new(seed: u64) -> Self {
        let mut world = World::new();
        // The same beginning.
        let twin = std::mem::replace(&mut world, World::new()).exchange;
        let (events, errors, references) = Default::default();
        let random = fastrand::Rng::with_seed(seed);
        let mut it =
            Self { world, twin, random, references, beneficiaries: Vec::new(), events, errors, errands: 0 };
        for account in [it.world.shop, it.world.till] {
            for currency in ["btc", "zar", "usdc"] {
                let start = if it.random.u8(..5) == 0 { Start::Pending(None) } else { Start::Active };
                let id = it.run(AddBeneficiary { account, currency: code(currency), start });
                it.beneficiaries.push(id);
            }
        }
        it
    }

    fn run<C: Command>(&mut self, command: C) -> C::Answer
    where
        Exchange: Holds<C::Part>,
    {
        let with = serde_json::to_string(&command).unwrap();
        self.twin.replay(C::NAME, &with, self.world.now_ms).unwrap();
        while self.twin.next_event().is_some() {}
        self.world.run(command)
    }

    fn wait(&mut self, ms: i64) {
        self.world.now_ms += ms;
        let now_ms = self.world.now_ms;
        self.world.exchange.fire_due(now_ms);
        self.twin.replay("", "null", now_ms).unwrap();
    }

    fn currency(&mut self) -> &'static str {
        ["btc", "zar", "usdc"][self.random.usize(..3)]
    }

    fn amount(&mut self, currency: &str) -> String {
        let digits = match currency {
            "btc" => self.random.i64(1..40_000_000),
            _ => self.random.i64(1..40_000_000) * 100,
        };
        let digits = digits / [1, 10, 1_000][self.random.usize(..3)];
        let scale = if currency == "btc" { 8 } else { 2 };
        Decimal::new(digits.max(1), scale).to_string()
    }

    fn action(&mut self) -> Option<DepositAction> {
        let action = match self.random.u8(..10) {
            0 => return None,
            1 => ActionName::None,
            2 | 3 => ActionName::Aggregate,
            4..7 => ActionName::ConvertAndWithdraw,
            _ => ActionName::AggregateConvertAndWithdraw,
        };
        let target = self.currency();
        let beneficiary = self.beneficiaries[self.random.usize(..self.beneficiaries.len())];
        let mut made = match self.random.u8(..5) {
            0 => {
                let sats = self.random.bool().then(|| self.random.u64(1..100_000));
                let invoice = MakeOutsideInvoice { sats, description: "x".to_owned() };
                let invoice = self.run(invoice).unwrap();
                pay_invoice(if self.random.bool() { "btc" } else { target }, &invoice)
            }
            _ => pay(action, target, beneficiary),
        };
        made.action = action;
        made.max_slippage = self.random.bool().then(|| Decimal::new(self.random.i64(1..=100), 1));
        if self.random.u8(..4) == 0 {
            made.beneficiary_amount = Some(dec(&self.amount(target)));
        }
        Some(made)
    }

    fn step(&mut self) {
        match self.random.u8(..23) {
            0..4 => {
                let (currency, action) = (self.currency(), self.action());
                let mut terms = self.world.terms(currency, action);
                if self.random.u8(..6) == 0 {
                    terms.account = self.world.shop;
                }
                terms.lifetime_ms = self.random.i64(0..DAY_MS);
                let made = self.run(CreatePaymentReference(terms));
                self.references.push(made);
            }
            4..9 => self.deposit(),
            9..14 => self.offer(),
            14 => {
                let account = [self.world.maker, self.world.shop, self.world.till][self.random.usize(..3)];
                self.run(CancelOrders { account, market: None, side: None }).unwrap();
            }
            15 => {
                let paused = self.random.u8(..3) == 0;
                self.run(PauseMatching(paused));
            }
            16 => self.withdrawal(),
            17 => {
                let account = [self.world.shop, self.world.till][self.random.usize(..2)];
                let restriction = match self.random.u8(..6) {
                    0 => Some(Restriction::NoTwoFactor),
                    1 => Some(Restriction::NotVerified),
                    _ => None,
                };
                self.run(Restrict { account, restriction });
                let level = self.random.u8(..12).min(3);
                self.run(SetLevel { account: self.world.shop, level });
            }
            18 => {
                let (parent, uid) = (self.world.shop, self.world.uid(self.world.till));
                let deposit_action = self.action();
                self.run(UpdateSubAccount { parent, uid, deposit_action }).unwrap();
            }
            19 | 20 => {
                let currency = self.currency();
                let amount = self.amount(currency);
                let text = "no reference";
                let till = self.world.till;
                let coming = self.world.coming(till, code(currency), &amount, text, DepositState::Accepted);
                let id = self.run(coming).unwrap();
                self.errands += u32::from(self.world.exchange.payments().errands.contains_key(&id));
            }
            _ => {
                let ms = self.random.i64(0..20_000) * [1, 1, 1, 200][self.random.usize(..4)];
                self.wait(ms);
            }
        }
        if self.random.bool() && self.world.exchange.engine().has_work() {
            self.run(CarryOut {});
        }
    }

    /// Mostly for one of the newest references, sometimes of another currency.
    fn deposit(&mut self) {
        let Some(last) = self.references.len().checked_sub(1) else { return };
        let place = last.saturating_sub(self.random.usize(..6));
        let (text, Terms { account, mut currency, .. }) =
            (self.references[place].code.clone(), self.references[place].terms.clone());
        if self.random.u8(..8) == 0 {
            currency = code(self.currency());
        }
        let amount = self.amount(&currency);
        let state = match self.random.u8(..8) {
            0 => DepositState::Submitted,
            1 => DepositState::Rejected,
            _ => DepositState::Accepted,
        };
        let mut coming = self.world.coming(account, currency, &amount, &text, state);
        coming.confirmed_every_ms = Some(1_000);
        self.run(coming).unwrap();
    }

    /// An offer of the maker, or of the shop, which gets in the way of its own conversions.
    fn offer(&mut self) {
        let market = ["btczar", "usdczar"][self.random.usize(..2)];
        let price = if market == "btczar" {
            Decimal::from(800_000 + self.random.i64(-30..30) * 1_000)
        } else {
            Decimal::new(1_800 + self.random.i64(-50..50), 2)
        };
        let volume = if market == "btczar" { self.random.i64(1..200) } else { self.random.i64(100..900_000) };
        let order = PlaceOrder {
            account: if self.random.u8(..10) == 0 { self.world.shop } else { self.world.maker },
            market: code(market),
            side: if self.random.bool() { Side::Buy } else { Side::Sell },
            ord_type: OrderType::Limit,
            volume: Decimal::new(volume, 2),
            price: Some(price),
            post_only: false,
            custom_order_id: None,
        };
        let _poor = self.run(order);
    }

    fn withdrawal(&mut self) {
        let account = [self.world.shop, self.world.till][self.random.usize(..2)];
        let newest = self.world.exchange.funds().withdrawals.of(account).next().map(|one| one.id);
        let Some(id) = newest else { return };
        if self.random.bool() {
            let held = self.random.bool();
            self.run(HoldWithdrawal { id, held }).unwrap();
        } else {
            let states = [WithdrawalState::Failed, WithdrawalState::Rejected, WithdrawalState::Succeed];
            let state = states[self.random.usize(..3)];
            let _ended = self.run(MoveWithdrawal { id, state });
        }
    }

    /// What must hold after every step.
    fn check(&mut self) {
        let ledger = self.world.exchange.ledger();
        for currency in ["btc", "zar", "usdc"] {
            assert_eq!(ledger.sum(code(currency)), Some(Decimal::ZERO), "{currency}");
        }
        for (party, currency, balance) in ledger.balances() {
            let is_positive = balance.available >= Decimal::ZERO && balance.locked >= Decimal::ZERO;
            assert!(party == Party::Outside || is_positive, "{party:?} {currency} {balance:?}");
        }
        for told in self.world.told() {
            assert!(told.fields.iter().all(|(_, value)| !value.is_null()), "{told:?}");
            *self.events.entry(told.event).or_default() += 1;
        }
    }

    /// What came with deposits and left with withdrawals is what the exchange has.
    fn add_up(&self) {
        let exchange = &self.world.exchange;
        for currency in ["btc", "zar", "usdc"] {
            let mut inside = Decimal::ZERO;
            for account in [self.world.maker, self.world.shop, self.world.till] {
                let came = exchange.funds().deposits.of(account);
                let came =
                    came.filter(|one| one.currency == *currency && one.state == DepositState::Accepted);
                inside += came.map(|one| one.amount).sum::<Decimal>();
                let left = exchange.funds().withdrawals.of(account);
                let left =
                    left.filter(|one| one.currency == *currency && one.state == WithdrawalState::Succeed);
                inside -= left.map(|one| one.amount - one.fee).sum::<Decimal>();
            }
            assert_eq!(exchange.ledger().supply(code(currency)), inside, "{currency}");
        }
    }
}

#[test]
fn no_money_appears_or_is_lost_and_every_payment_ends() {
    let seed = std::env::var("SANDBOX_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = Seed(seed.unwrap_or_else(|| fastrand::u64(..)));
    let mut it = Random::new(seed.0);
    for _ in 0..STEPS {
        it.step();
        it.check();
    }
    it.add_up();
    // Everything that is on its way ends.
    it.run(PauseMatching(false));
    for account in [it.world.shop, it.world.till] {
        let ids: Vec<u64> = it.world.exchange.funds().withdrawals.of(account).map(|one| one.id).collect();
        for id in ids {
            it.run(HoldWithdrawal { id, held: false }).unwrap();
        }
    }
    for _ in 0..10 {
        it.wait(DAY_MS);
        while it.world.exchange.engine().has_work() {
            it.run(CarryOut {});
        }
        it.check();
    }
    it.add_up();
    let mut ends: BTreeMap<&str, u32> = BTreeMap::new();
    for reference in &it.references {
        let now = it.world.now(reference);
        let has_deposit = now.walk.is_some();
        assert!(!now.state.is_on_the_way(), "{now:?}");
        assert_eq!(has_deposit, now.state != State::PendingDeposit, "{now:?}");
        assert_eq!(now.state == State::Failed, now.error.is_some(), "{now:?}");
        assert_eq!(now.usage_count > 0, has_deposit);
        *ends.entry(now.state.as_str()).or_default() += 1;
        it.errors.extend(now.error);
    }
    let told = |event: &str| it.events.get(event).copied().unwrap_or_default();
    assert_eq!(told("payment_reference.completed"), ends["completed"]);
    assert_eq!(told("payment_reference.failed"), ends["failed"]);
    assert_eq!(told("payment_reference.deposit_matched"), ends["completed"] + ends["failed"]);
    // The test proves something only if there is enough of everything.
    assert!(ends["completed"] > 50 && ends["failed"] > 50 && it.errors.len() > 8, "{ends:?} {:?}", it.errors);
    assert!(told("payment_reference.duplicate_deposit") > 20, "{:?}", it.events);
    assert!(it.errands > 50 && it.world.exchange.payments().errands.is_empty(), "{}", it.errands);
    // A record leads to the same state.
    assert_eq!(it.world.exchange.ledger().journal(), it.twin.ledger().journal());
    let all = |exchange: &Exchange| -> Vec<_> { exchange.payments().newest_first().cloned().collect() };
    assert_eq!(all(&it.world.exchange), all(&it.twin));
}

//! Payments from the deposit to the end: each action, what others are told, and where the money is.

mod account_actions;
mod failures;
mod random;
mod walks;

use super::{
    STEP_MS,
    reference::{CreatePaymentReference, PaymentReference, Terms},
    state::State,
};
use crate::{
    base::{
        config::Profile,
        id::{AccountId, Code},
        ledger::Party,
    },
    exchange::{
        Exchange,
        command::{Command, Holds},
        demo,
        funds::{
            beneficiaries::{AddBeneficiary, Start},
            deposits::{AddDeposit, Deposit, DepositState, Origin},
            limits::EndOpening,
        },
        market::{
            commands::{AddCurrency, AddMarket, CarryOut, PlaceOrder},
            engine::Rules,
            order::{OrderType, Side},
        },
        notice::{Protocol, Webhook},
        people::{
            AddAccount, Role,
            deposit_action::{ActionName, DepositAction},
            sub_accounts::CreateSubAccount,
        },
        webhooks::delivery::Delivery,
    },
};
use rust_decimal::Decimal;
use serde_json::{Map, Value as Json};

/// 2025-01-17T10:00:00.000Z
const START_MS: i64 = 1_737_108_000_000;
const DAY_MS: i64 = 24 * 3_600_000;

fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn code(text: &str) -> Code {
    Code::new(text).unwrap()
}

/// What a webhook would tell.
#[derive(Debug)]
struct Told {
    account: AccountId,
    /// The address of the reference's own webhook.
    own: Option<String>,
    event: String,
    /// In the order of the body.
    fields: Vec<(String, Json)>,
}

impl Told {
    fn new(delivery: &Delivery) -> Self {
        let body: Map<String, Json> = serde_json::from_str(&delivery.body).unwrap();
        let mut fields: Vec<_> = body.into_iter().filter(|(name, _)| name != "event").collect();
        fields.sort_by_key(|(name, _)| delivery.body.find(&format!("\"{name}\":")).unwrap());
        let own = delivery.receiver.as_ref().filter(|receiver| receiver.account.is_none());
        let own = own.map(|receiver| receiver.webhook.url.clone());
        Self { account: delivery.account, own, event: delivery.event.clone(), fields }
    }

    fn names(&self) -> Vec<&str> {
        self.fields.iter().map(|(name, _)| name.as_str()).collect()
    }

    fn get(&self, name: &str) -> &Json {
        let found = self.fields.iter().find(|(field, _)| field == name);
        found.map_or(&Json::Null, |(_, value)| value)
    }
}

/// An exchange with a maker that has a lot, and a shop with a till, which have nothing.
struct World {
    exchange: Exchange,
    now_ms: i64,
    maker: AccountId,
    shop: AccountId,
    till: AccountId,
    /// The number of the last delivery that was looked at.
    seen: u64,
}

impl World {
    fn new() -> Self {
        let exchange = Exchange::new(7, Rules::of(Profile::Docs));
        let (maker, shop, till) = (AccountId(1), AccountId(2), AccountId(3));
        let mut world = Self { exchange, now_ms: START_MS, maker, shop, till, seen: 0 };
        for currency in demo::currencies() {
            world.run(AddCurrency(currency)).unwrap();
        }
        for market in demo::markets() {
            world.run(AddMarket(market)).unwrap();
        }
        for (name, role, id) in [("maker", Role::Member, maker), ("shop", Role::Merchant, shop)] {
            assert_eq!(world.run(AddAccount { name: name.to_owned(), role }), Ok(id));
        }
        let uid = world.run(CreateSubAccount::of(shop)).uid;
        assert_eq!(world.exchange.people().by_name(&uid), Some(till));
        for (currency, amount) in demo::FUNDS {
            let deposit =
                Deposit { account: maker, currency: code(currency), amount: amount.into(), after_ms: 0 };
            world.run(deposit).unwrap();
        }
        world.run(EndOpening {});
        assert!(world.told().is_empty(), "nobody is told what the accounts begin with");
        world
    }

    fn run<C: Command>(&mut self, command: C) -> C::Answer
    where
        Exchange: Holds<C::Part>,
    {
        let answer = self.exchange.run(command, self.now_ms);
        while self.exchange.next_event().is_some() {}
        answer
    }

    /// Lets time pass.
    fn wait(&mut self, ms: i64) {
        self.now_ms += ms;
        self.exchange.fire_due(self.now_ms);
        while self.exchange.engine().has_work() {
            self.run(CarryOut {});
        }
    }

    /// An offer of the maker in btczar.
    fn offer(&mut self, side: Side, volume: &str, price: &str) {
        self.offer_in("btczar", side, volume, price);
    }

    fn offer_in(&mut self, market: &str, side: Side, volume: &str, price: &str) {
        let order = PlaceOrder {
            account: self.maker,
            market: code(market),
            side,
            ord_type: OrderType::Limit,
            volume: dec(volume),
            price: Some(dec(price)),
            post_only: false,
            custom_order_id: None,
        };
        self.run(order).unwrap();
        self.wait(0);
    }

    fn terms(&self, currency: &str, action: Option<DepositAction>) -> Terms {
        let webhook = Webhook {
            url: "https://shop.example/hook".to_owned(),
            secret: Some("c4nary".to_owned()),
            protocol: Protocol::Hmac,
        };
        Terms {
            owner: self.shop,
            account: self.till,
            currency: code(currency),
            expected_amount: Some(dec("1")),
            action,
            webhook: Some(webhook),
            lifetime_ms: DAY_MS,
            verified_only: true,
        }
    }

    /// A reference of the shop for its till.
    fn refer(&mut self, currency: &str, action: Option<DepositAction>) -> PaymentReference {
        let terms = self.terms(currency, action);
        self.run(CreatePaymentReference(terms))
    }

    /// A deposit that names a reference, on the usual way of its currency.
    fn deposit(&mut self, reference: &PaymentReference, amount: &str) -> u64 {
        let Terms { account, currency, .. } = reference.terms;
        self.deposit_of(account, currency, amount, &reference.code)
    }

    fn deposit_of(&mut self, account: AccountId, currency: Code, amount: &str, text: &str) -> u64 {
        let deposit = self.coming(account, currency, amount, text, DepositState::Accepted);
        self.run(deposit).unwrap()
    }

    fn coming(
        &self,
        account: AccountId,
        currency: Code,
        amount: &str,
        text: &str,
        state: DepositState,
    ) -> AddDeposit {
        let blockchain = self.exchange.catalogue().currency(&currency).unwrap().blockchain();
        let text = Some(text.to_owned());
        let (description, reference) = if blockchain.is_none() { (text, None) } else { (None, text) };
        AddDeposit {
            account,
            currency,
            amount: dec(amount),
            state,
            origin: Origin { blockchain, ..Origin::default() },
            description,
            reference,
            confirmed_every_ms: None,
        }
    }

    fn beneficiary(&mut self, account: AccountId, currency: &str, start: Start) -> u64 {
        self.run(AddBeneficiary { account, currency: code(currency), start })
    }

    fn now(&self, reference: &PaymentReference) -> PaymentReference {
        self.exchange.payments().get(reference.id).unwrap().clone()
    }

    fn state(&self, reference: &PaymentReference) -> State {
        self.now(reference).state
    }

    /// The states of a reference, and for how many seconds it was in each of them, until it ends.
    fn walk(&mut self, reference: &PaymentReference) -> Vec<(State, i64)> {
        let mut walked: Vec<(State, i64)> = Vec::new();
        for _ in 0..DAY_MS / 1_000 {
            let state = self.state(reference);
            match walked.last_mut() {
                Some((last, seconds)) if *last == state => *seconds += 1,
                _ => walked.push((state, 1)),
            }
            if !state.is_on_the_way() {
                return walked;
            }
            self.wait(1_000);
        }
        panic!("no end: {walked:?}");
    }

    fn available(&self, account: AccountId, currency: &str) -> Decimal {
        self.exchange.ledger().balance(Party::Member(account), code(currency)).available
    }

    fn uid(&self, account: AccountId) -> String {
        self.exchange.people().get(account).unwrap().uid
    }

    /// What was told since the last time.
    fn told(&mut self) -> Vec<Told> {
        let all = self.exchange.webhooks().after(self.seen).map(Told::new).collect();
        self.seen = self.exchange.webhooks().newest();
        all
    }

    /// The names of the events since the last time.
    fn events(&mut self) -> Vec<String> {
        self.told().into_iter().map(|told| told.event).collect()
    }
}

fn aggregate() -> DepositAction {
    DepositAction { action: ActionName::Aggregate, ..DepositAction::default() }
}

/// To a beneficiary, after a conversion.
fn pay(action: ActionName, target: &str, beneficiary: u64) -> DepositAction {
    DepositAction {
        action,
        target_currency: Some(code(target)),
        beneficiary_id: Some(beneficiary),
        ..DepositAction::default()
    }
}

/// Over lightning.
fn pay_invoice(target: &str, invoice: &str) -> DepositAction {
    DepositAction {
        action: ActionName::ConvertAndWithdraw,
        target_currency: Some(code(target)),
        lightning_invoice: Some(invoice.to_owned()),
        ..DepositAction::default()
    }
}

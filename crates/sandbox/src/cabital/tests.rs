//! Random commands against the rules of money: each currency sums to zero, no account is below zero, and money comes and goes
//! only with transfers, conversions and the control door. A second state that carries out the record is the same.

use super::{
    Cabital, ConnectionState, MatchOutcome, Moment, TransactionKind, TransferDirection, TransferFee,
    TransferStatus,
    accounts::{AddAccount, PlanMatch, SetAccountLimit, SetBalance, SetOtp, SetState, SubmitMatch},
    callbacks::{AttemptEnded, CallbackState, SetCallbackUrl},
    command::{Command, PREFIX},
    commands,
    conversions::{Convert, PairOrder, PlanConversion},
    failure::{Failure, Pa},
    quotes::MakeQuote,
    terms::{SetAvailable, SetFee, SetRate},
    transfers::{CreateTransfer, CustomerTransfer, EndTransfer, PlanTransfer, ReportResult},
};
use crate::base::{
    id::Code,
    ledger::{Party, Reason},
    money::{self, Parsed},
};
use rust_decimal::Decimal;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

const STEPS: u32 = 8_000;
const SYMBOLS: [&str; 6] = ["BTC", "ETH", "USDT", "EUR", "GBP", "XRP"];

/// Prints the seed of a failed test.
struct Seed(u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("repeat it with SANDBOX_SEED={}", self.0);
        }
    }
}

fn amount(text: &str) -> Decimal {
    match money::parse(text) {
        Parsed::Exact(amount) => amount,
        other => panic!("{text}: {other:?}"),
    }
}

struct World {
    cabital: Cabital,
    random: fastrand::Rng,
    now_ms: i64,
    lines: Vec<(i64, &'static str, String)>,
    accounts: Vec<Uuid>,
    conversions: Vec<Uuid>,
    transfers: Vec<Uuid>,
    done: BTreeMap<&'static str, u32>,
    refused: BTreeSet<&'static str>,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut world = Self {
            cabital: Cabital::new(seed, 10, PairOrder::default()),
            random: fastrand::Rng::with_seed(seed),
            now_ms: 1_700_000_000_000,
            lines: Vec::new(),
            accounts: Vec::new(),
            conversions: Vec::new(),
            transfers: Vec::new(),
            done: BTreeMap::new(),
            refused: BTreeSet::new(),
        };
        for number in 0..3 {
            let link_mode = number == 0;
            let state = if link_mode { ConnectionState::Linked } else { ConnectionState::Matched };
            let add = AddAccount { user_ext_ref: format!("customer {number}"), state, link_mode };
            let account = world.run(add).unwrap();
            world.accounts.push(account);
        }
        world.run(SetCallbackUrl { kind: None, url: Some("http://127.0.0.1:9/x".to_owned()) });
        world
    }

    fn run<C: Command>(&mut self, command: C) -> C::Answer {
        assert!(C::NAME.starts_with(PREFIX));
        self.lines.push((self.now_ms, C::NAME, serde_json::to_string(&command).unwrap()));
        self.cabital.run(command, self.now_ms)
    }

    /// Runs a command that may be refused, and counts what came of it.
    fn attempt<T, C: Command<Answer = Result<T, Failure>>>(&mut self, command: C) -> Option<T> {
        let before = (self.cabital.ledger.journal().len(), self.cabital.transfers.len());
        match self.run(command) {
            Ok(answer) => {
                *self.done.entry(C::NAME).or_default() += 1;
                Some(answer)
            }
            Err(failure) => {
                // Timers may have ended a transfer, but nothing else changed.
                assert_eq!(before.1, self.cabital.transfers.len());
                self.refused.insert(match failure {
                    Failure::Pa(pa) => pa.code,
                    Failure::Http(..) => "http",
                });
                None
            }
        }
    }

    fn account(&mut self) -> Uuid {
        self.random.choice(&self.accounts).copied().unwrap()
    }

    fn symbol(&mut self) -> String {
        let most = if self.random.u32(..50) == 0 { SYMBOLS.len() } else { SYMBOLS.len() - 1 };
        SYMBOLS[self.random.usize(..most)].to_owned()
    }

    fn some_amount(&mut self) -> Decimal {
        Decimal::new(self.random.i64(1..2_000_000), self.random.u32(2..5))
    }

    fn status(&mut self) -> TransferStatus {
        let all = [
            TransferStatus::Success,
            TransferStatus::Failed,
            TransferStatus::Processing,
            TransferStatus::Cancel,
        ];
        self.random.choice(all).unwrap()
    }

    fn convert(&mut self) {
        let own = self.random.choice(self.cabital.terms.pairs.clone()).unwrap();
        let is_own = self.random.bool();
        let (buy, sell) = if is_own { (own.left, own.right) } else { (own.right, own.left) };
        let quote = self.run(MakeQuote { pair: own.name() }).unwrap();
        let quote: BTreeMap<String, serde_json::Value> =
            serde_json::from_value(serde_json::to_value(quote).unwrap()).unwrap();
        let text = |name: &str| quote[name].as_str().unwrap().to_owned();
        let price = text(if is_own { "quote" } else { "reversed_quote" });
        let digits = |code| self.cabital.terms.by_code(code).unwrap().precision;
        let (buy_digits, sell_digits) = (digits(buy), digits(sell));
        let by_buying = self.random.bool();
        let fixed = self.some_amount();
        let (bought, sold) = if by_buying {
            let bought = fixed.trunc_with_scale(buy_digits);
            (bought, money::mul(bought, amount(&price)).unwrap().trunc_with_scale(sell_digits))
        } else {
            let sold = fixed.trunc_with_scale(sell_digits);
            (money::div_down(sold, amount(&price), buy_digits).unwrap(), sold)
        };
        let wrong = Decimal::new(i64::from(self.random.u32(..20) == 0), sell_digits);
        let name = |code: Code| code.to_ascii_uppercase();
        if self.random.u32(..10) == 0 {
            self.now_ms += self.random.i64(0..30_000);
        }
        let command = Convert {
            account: self.account().to_string(),
            quote_id: text("quote_id"),
            quote: price,
            pair: format!("{}-{}", name(buy), name(sell)),
            buy_amount: bought.to_string(),
            sell_amount: (sold + wrong).to_string(),
            major_ccy: name(if by_buying { buy } else { sell }),
        };
        if let Some(converted) = self.attempt(command) {
            let id = serde_json::to_value(converted).unwrap()["transaction_id"].as_str().unwrap().parse();
            self.conversions.push(id.unwrap());
        }
    }

    fn transfer(&mut self) {
        let external_id = match self.random.u32(..10) {
            0 => None,
            1 => Some("always the same".to_owned()),
            _ => Some(format!("order {}", self.lines.len())),
        };
        let conversion = (self.random.u32(..3) == 0).then(|| self.random.choice(&self.conversions).copied());
        let conversion = conversion.flatten();
        let of = |conversion: &Uuid| self.cabital.conversions.iter().find(|known| known.uuid == *conversion);
        let bought =
            conversion.as_ref().and_then(of).map(|conversion| (conversion.account, conversion.bought));
        let (account, symbol, sum) = match bought {
            Some((id, (code, bought))) => {
                let account = self.cabital.accounts.iter().find(|account| account.id == id).unwrap().uuid;
                let more = Decimal::new(i64::from(self.random.u32(..10) == 0), 2);
                (account, code.to_ascii_uppercase(), bought + more)
            }
            None => (self.account(), self.symbol(), self.some_amount()),
        };
        let command = CreateTransfer {
            account: account.to_string(),
            amount: sum.to_string(),
            symbol,
            direction: if bought.is_some() || self.random.bool() { "debit" } else { "CREDIT" }.to_owned(),
            otp: (self.random.u32(..4) == 0).then(|| self.random.choice(["123456", "0"]).unwrap().to_owned()),
            conversion_id: conversion.map(|id| id.to_string()),
            external_id,
        };
        if let Some(created) = self.attempt(command) {
            let id = serde_json::to_value(created).unwrap()["transfer_id"].as_str().unwrap().parse();
            self.transfers.push(id.unwrap());
        }
    }

    fn step(&mut self) {
        let account = self.account();
        match self.random.u32(..40) {
            0..10 => self.convert(),
            10..20 => self.transfer(),
            20..24 => {
                let (symbol, sum) = (self.symbol(), self.some_amount());
                let direction =
                    if self.random.bool() { TransferDirection::Credit } else { TransferDirection::Debit };
                let amount = sum.to_string();
                match self.run(CustomerTransfer { account, symbol, direction, amount }) {
                    Ok(id) => {
                        *self.done.entry(CustomerTransfer::NAME).or_default() += 1;
                        self.transfers.push(id);
                    }
                    Err(pa) => {
                        self.refused.insert(pa.code);
                    }
                }
            }
            24..29 => {
                let Some(id) = self.random.choice(&self.transfers).copied() else { return };
                let transfer = self.cabital.transfers.iter().find(|known| known.uuid == id).unwrap();
                let of = transfer.account;
                let account = self.cabital.accounts.iter().find(|known| known.id == of).unwrap().uuid;
                let status = serde_json::to_value(self.status()).unwrap().as_str().unwrap().to_owned();
                let message = self.random.bool().then(|| "because".to_owned());
                let (account, transfer) = (account.to_string(), id.to_string());
                self.attempt(ReportResult { account, transfer, status, message });
            }
            29..31 => {
                let Some(transfer) = self.random.choice(&self.transfers).copied() else { return };
                let status = self.status();
                self.run(EndTransfer { transfer, status });
            }
            31 => {
                let status = self.status();
                let succeeds_after_ms = self.random.bool().then(|| self.random.i64(0..60_000));
                self.run(PlanTransfer { status, succeeds_after_ms });
            }
            32 => {
                let status = self.status();
                self.run(PlanConversion(status));
            }
            33 => {
                let (symbol, sum) = (self.symbol(), self.some_amount().trunc_with_scale(2));
                // Refused for a symbol that does not exist.
                let _refused = self.run(SetBalance { account, symbol, amount: sum });
            }
            34 => {
                let outcome = match self.random.u32(..3) {
                    0 => MatchOutcome::Pass,
                    1 => MatchOutcome::Pending,
                    _ => MatchOutcome::Mismatch(vec!["name".to_owned()]),
                };
                self.run(PlanMatch { account, outcome }).unwrap();
                self.run(SetState { account, state: ConnectionState::Created }).unwrap();
                let submit = SubmitMatch {
                    account: account.to_string(),
                    name: "John Doe".to_owned(),
                    id: "J12345678D".to_owned(),
                    id_document: "PASSPORT".to_owned(),
                    issued_by: Some("HKG".to_owned()),
                    dob: "19700101".to_owned(),
                };
                self.attempt(submit);
            }
            35 => {
                let state =
                    self.random.choice([ConnectionState::Unlinked, ConnectionState::Matched]).unwrap();
                self.run(SetState { account, state }).unwrap();
            }
            36 => {
                let (symbol, customer, percent) = (self.symbol(), self.random.bool(), self.random.bool());
                let value = Decimal::new(self.random.i64(0..100), 2);
                let fee = TransferFee { customer, percent, value, min: None, max: None };
                let fee = self.random.bool().then_some(fee);
                self.run(SetFee { symbol, fee });
                let pair = self.random.choice(self.cabital.terms.pairs.clone()).unwrap();
                let quote = Decimal::new(self.random.i64(1..10_000_000), 3);
                assert!(self.run(SetRate { pair: pair.name(), quote }));
            }
            37 => {
                let (symbol, allow) = (Some(self.symbol()), self.random.u32(..4) > 0);
                self.run(SetAvailable { kind: TransactionKind::Debit, symbol, allow });
                let daily = self.random.bool().then(|| self.some_amount());
                let symbol = SYMBOLS[self.random.usize(..5)].to_owned();
                self.run(SetAccountLimit { account, symbol, daily }).unwrap();
                let code = self.random.bool().then(|| "123456".to_owned());
                self.run(SetOtp { account, code, required: false, lifetime_ms: None }).unwrap();
            }
            _ => {
                self.now_ms += self.random.i64(0..3_600_000);
                // As the sender does: what has to be sent is taken, and its end is a command.
                while let Some(attempt) = self.cabital.callbacks.take() {
                    let delivered = self.random.u32(..4) == 0;
                    self.run(AttemptEnded { number: attempt.number, delivered });
                }
            }
        }
        if self.random.u32(..3) == 0 {
            for account in self.accounts.clone() {
                let state = self.cabital.account(account).unwrap().state;
                if state.is_open().is_err() && self.random.u32(..4) == 0 {
                    self.run(SetState { account, state: ConnectionState::Matched }).unwrap();
                }
            }
        }
    }

    fn check(&self) {
        let ledger = &self.cabital.ledger;
        for currency in &self.cabital.terms.currencies {
            assert_eq!(ledger.sum(currency.code), Some(Decimal::ZERO), "{}", currency.symbol());
        }
        for (party, code, balance) in ledger.balances() {
            let is_fine = party == Party::Outside || balance.available.min(balance.locked) >= Decimal::ZERO;
            assert!(is_fine, "{party:?} {code} {balance:?}");
        }
    }

    /// Money comes from the outside, and goes there, only by what may move it, and as much as that says.
    fn add_up(&self) {
        let mut supply: BTreeMap<Code, Decimal> = BTreeMap::new();
        let mut locked: BTreeMap<Code, Decimal> = BTreeMap::new();
        for transfer in &self.cabital.transfers {
            let view = serde_json::to_value(transfer.view()).unwrap();
            let sum = |name: &str| amount(view[name].as_str().unwrap());
            assert_eq!(sum("instructed_amount"), sum("actual_amount") + sum("customer_fee"));
            let change = match (transfer.direction, transfer.status) {
                (TransferDirection::Credit, TransferStatus::Success) => sum("instructed_amount"),
                (TransferDirection::Debit, TransferStatus::Success) => -sum("actual_amount"),
                (TransferDirection::Debit, TransferStatus::Processing) => {
                    *locked.entry(transfer.currency).or_default() += sum("instructed_amount");
                    Decimal::ZERO
                }
                _ => Decimal::ZERO,
            };
            *supply.entry(transfer.currency).or_default() += change;
        }
        for entry in self.cabital.ledger.journal() {
            if let Reason::Conversion(_) | Reason::Correction(_) = entry.reason {
                for posting in &entry.postings {
                    let sign = if posting.from.0 == Party::Outside { Decimal::ONE } else { -Decimal::ONE };
                    *supply.entry(posting.currency).or_default() += sign * posting.amount;
                }
            }
        }
        for currency in &self.cabital.terms.currencies {
            let code = currency.code;
            assert_eq!(self.cabital.ledger.supply(code), supply.get(&code).copied().unwrap_or_default());
            let held = self.cabital.ledger.balances().filter(|(_, held, _)| *held == code);
            let held: Decimal = held.map(|(_, _, balance)| balance.locked).sum();
            assert_eq!(held, locked.get(&code).copied().unwrap_or_default(), "locked {code}");
        }
        // Each conversion and each external id at most once.
        let used: Vec<_> = self.cabital.transfers.iter().filter_map(|transfer| transfer.conversion).collect();
        assert_eq!(used.iter().collect::<BTreeSet<_>>().len(), used.len());
    }
}

#[test]
fn money_adds_up_after_random_commands() {
    let seed = std::env::var("SANDBOX_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = Seed(seed.unwrap_or_else(|| fastrand::u64(..)));
    let mut world = World::new(seed.0);
    for step in 1..=STEPS {
        world.step();
        world.check();
        if step % 500 == 0 {
            world.add_up();
        }
    }
    world.add_up();
    // A record gives the same state. Both are without attempts that have to be made.
    while world.cabital.callbacks.take().is_some() {}
    let mut twin = Cabital::new(seed.0, 10, PairOrder::default());
    for (at_ms, name, with) in &world.lines {
        twin.replay(name, with, *at_ms).unwrap();
    }
    while twin.callbacks.take().is_some() {}
    let (wanted, got) = (format!("{:#?}", world.cabital), format!("{twin:#?}"));
    let line = wanted.lines().zip(got.lines()).find(|(wanted, got)| wanted != got);
    assert!(wanted == got, "the states differ: {line:?}");
    // The test proves something only if the commands are not all refused.
    for name in [Convert::NAME, CreateTransfer::NAME, ReportResult::NAME, CustomerTransfer::NAME] {
        let times = world.done.get(name).copied().unwrap_or_default();
        assert!(times > 50, "{name} succeeded only {times} times: {:?}, {:?}", world.done, world.refused);
    }
    for pa in [Pa::NO_BALANCE, Pa::WRONG_CALCULATION, Pa::DUPLICATE, Pa::MORE_THAN_CONVERTED] {
        assert!(world.refused.contains(pa.code), "{} never came: {:?}", pa.code, world.refused);
    }
    for end in [CallbackState::Delivered, CallbackState::GivenUp] {
        assert!(
            world.cabital.callbacks.after(0).any(|callback| callback.state == end),
            "no callback is {end:?}"
        );
    }
}

#[test]
fn each_command_has_a_name_of_its_own() {
    let names: Vec<_> = commands().iter().map(|command| command.name).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{names:?}");
    assert!(names.iter().all(|name| name.starts_with(PREFIX)), "{names:?}");
}

#[test]
fn a_round_trip_never_gains() {
    let mut cabital = Cabital::new(3, 10, PairOrder::default());
    let linked = AddAccount { user_ext_ref: "x".to_owned(), state: ConnectionState::Linked, link_mode: true };
    let account = cabital.run(linked, 0).unwrap();
    let set = SetBalance { account, symbol: "EUR".to_owned(), amount: amount("1000") };
    cabital.run(set, 0).unwrap();
    let convert = |cabital: &mut Cabital, pair: &str, buy: &str, sell: &str, major: &str, quote: &str| {
        cabital.run(MakeQuote { pair: pair.to_owned() }, 1_000).unwrap();
        let command = Convert {
            account: account.to_string(),
            quote_id: "19700101000001:BTC-EUR:Customer".to_owned(),
            quote: quote.to_owned(),
            pair: pair.to_owned(),
            buy_amount: buy.to_owned(),
            sell_amount: sell.to_owned(),
            major_ccy: major.to_owned(),
        };
        cabital.run(command, 1_000)
    };
    // 566.14 / 56614.16 = 0.00999997…; sold back at 0.00001784 for one euro.
    convert(&mut cabital, "BTC-EUR", "0.00999997", "566.14", "EUR", "56614.16").unwrap();
    convert(&mut cabital, "EUR-BTC", "560.53", "0.00999997", "BTC", "0.00001784").unwrap();
    let eur = Code::new("eur").unwrap();
    let has = cabital.ledger.balance(Party::Member(cabital.account(account).unwrap().id), eur).available;
    assert_eq!(has, amount("994.39"));
    let wrong = convert(&mut cabital, "EUR-BTC", "560.54", "0.00999997", "BTC", "0.00001784");
    assert_eq!(wrong.unwrap_err(), Failure::Pa(Pa::WRONG_CALCULATION));
}

#[test]
fn the_newest_callbacks_are_kept_and_older_ones_until_they_have_ended() {
    let mut cabital = Cabital::new(3, 10, PairOrder::default());
    cabital.run(SetCallbackUrl { kind: None, url: Some("http://127.0.0.1:1/".to_owned()) }, 0);
    let account =
        AddAccount { user_ext_ref: "x".to_owned(), state: ConnectionState::Created, link_mode: false };
    let account = cabital.run(account, 0).unwrap();
    for at_ms in 0..10_100 {
        let states = [ConnectionState::Pending, ConnectionState::Created];
        let state = states[usize::from(at_ms % 2 == 1)];
        cabital.run(SetState { account, state }, at_ms).unwrap();
        let number = cabital.callbacks.take().unwrap().number;
        // The fifth one fails, and waits for its next attempt.
        cabital.run(AttemptEnded { number, delivered: number != 5 }, at_ms);
    }
    let kept: Vec<u64> = cabital.callbacks.after(0).map(|callback| callback.number).collect();
    assert_eq!((kept[0], kept[1], kept.len()), (5, 101, 10_001));
    // Its attempt comes, and then it is dropped.
    cabital.run(Moment {}, 300_005);
    assert_eq!(cabital.callbacks.take().unwrap().number, 5);
    cabital.run(AttemptEnded { number: 5, delivered: true }, 300_006);
    assert_eq!(cabital.callbacks.after(0).next().unwrap().number, 101);
}

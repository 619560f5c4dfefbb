//! The ledger of an account's history, against what really happened on the sandbox.

use crate::{dec, until};
use capecrypto_auth::{Clock, Credentials, Environment, ManualTime};
use capecrypto_exchange::{
    account::{
        CreateLightningInvoice, CreateWithdrawal, Ledger, LedgerAccount, ListBalances, ListWithdrawals,
        PayLightning, Posting, Records, RedeemVoucher, Source,
    },
    trading::{CreateOrder, ListTrades},
};
use capecrypto_models::{Balance, CurrencyId, Decimal, Sats, Side, Timestamp};
use capecrypto_rest::Client;
use capecrypto_sandbox::{DepositState, NewDeposit, RewardKind, Sandbox, WithdrawalState};
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};

/// A month on a sandbox: its clock is moved by hand, and the clients' clock with it.
struct Month {
    sandbox: Sandbox,
    time: ManualTime,
    me: Client,
    other: Client,
    random: fastrand::Rng,
    beneficiary: u64,
    trades: usize,
}

impl Month {
    async fn new(seed: u64) -> Self {
        let sandbox = Sandbox::start().await.unwrap();
        let now = u64::try_from(sandbox.control().now_ms()).unwrap();
        let (clock, time) = Clock::manual(now);
        let sign_in = |name: &str| {
            let keys = sandbox.account(name).unwrap();
            let credentials = Credentials::new(&keys.api_key, &keys.secret).unwrap();
            let client = Client::builder(Environment::local(sandbox.origin()).unwrap()).clock(clock.clone());
            client.rate(None).credentials(credentials).build().unwrap()
        };
        let (me, other) = (sign_in("taker"), sign_in("maker"));
        let beneficiary = sandbox.control().add_beneficiary("taker").unwrap();
        let random = fastrand::Rng::with_seed(seed);
        Self { sandbox, time, me, other, random, beneficiary, trades: 0 }
    }

    fn wait(&mut self, milliseconds: u64) {
        self.sandbox.control().advance_clock(i64::try_from(milliseconds).unwrap());
        self.time.advance(Duration::from_millis(milliseconds));
    }

    fn now(&self) -> Timestamp {
        let seconds = self.sandbox.control().now_ms() / 1_000;
        Timestamp::from_unix_seconds(seconds).unwrap()
    }

    /// A random amount with so many fraction digits, at least one unit of the last one.
    fn amount(&mut self, below: i64, scale: u32) -> Decimal {
        Decimal::new(self.random.i64(1..below), scale)
    }

    async fn step(&mut self) {
        match self.random.u8(0..9) {
            0 | 1 => self.trade().await,
            2 => self.deposit(),
            3 => self.withdraw().await,
            4 => self.redeem().await,
            5 => self.pay().await,
            6 => self.get_paid().await,
            7 => self.transfer(),
            _ => self.rest_an_order().await,
        }
        let pause = self.random.u64(1_000..60_000_000);
        self.wait(pause);
    }

    /// Two orders that match. The account is maker or taker, buyer or seller.
    async fn trade(&mut self) {
        let (volume, price) =
            (self.amount(9_999, 5), Decimal::new(self.random.i64(70_000_000..90_000_000), 2));
        let sides = if self.random.bool() { [Side::Buy, Side::Sell] } else { [Side::Sell, Side::Buy] };
        let [first, second] =
            if self.random.bool() { [&self.me, &self.other] } else { [&self.other, &self.me] };
        // No other order has a price near these, so only these two match.
        let [one, two] = sides.map(|side| CreateOrder::limit("btczar", side, volume, price));
        first.send(one).await.unwrap();
        second.send(two).await.unwrap();
        self.trades += 1;
        let all = || async {
            let trades = self.me.items(ListTrades::new().limit(1_000)).try_collect().await.unwrap();
            (trades.len() == self.trades).then_some(())
        };
        until(all).await;
    }

    /// A deposit that may be credited, or rejected, or on hold.
    fn deposit(&mut self) {
        let (currency, scale) = if self.random.bool() { ("btc", 8) } else { ("zar", 2) };
        let states = [
            DepositState::Accepted,
            DepositState::Submitted,
            DepositState::Rejected,
            DepositState::Accepted,
            DepositState::Collected,
        ];
        let state = states[self.random.usize(..states.len())];
        let amount = dec("20") + self.amount(1_000_000, scale);
        self.sandbox.control().add_deposit("taker", NewDeposit::new(currency, amount).state(state)).unwrap();
    }

    /// A withdrawal that succeeds, fails, or is held.
    async fn withdraw(&mut self) {
        let amount = dec("0.01") + self.amount(9_999, 6);
        let sent = self.me.send(CreateWithdrawal::new("btc", self.beneficiary, amount)).await;
        // A limit for the day may be reached.
        let Ok(created) = sent else { return };
        let id: u64 = created.id().unwrap().to_string().parse().unwrap();
        match self.random.u8(0..4) {
            0 => self.sandbox.control().move_withdrawal(id, WithdrawalState::Failed).unwrap(),
            1 => self.sandbox.control().hold_withdrawal(id, true).unwrap(),
            _ => {}
        }
    }

    async fn redeem(&mut self) {
        let pin = self.random.u64(10_000_000..99_999_999).to_string();
        self.sandbox.control().issue_voucher(&pin, dec("150")).unwrap();
        let amount = dec("20") + self.amount(9_999, 2);
        self.me.send(RedeemVoucher::new(7, amount, pin)).await.unwrap();
    }

    /// Pays an invoice of the other account, or one of somebody outside.
    async fn pay(&mut self) {
        let sats = self.random.u64(1_000..50_000);
        let bolt = if self.random.bool() {
            let invoice = self.other.send(CreateLightningInvoice::new(Sats::new(sats))).await.unwrap();
            invoice.bolt.expose().clone()
        } else {
            self.sandbox.control().outside_invoice(Some(sats), "coffee").unwrap()
        };
        self.sandbox.control().fail_lightning(self.random.u8(0..4) == 0);
        self.me.send(PayLightning::invoice(bolt, Sats::new(sats))).await.unwrap();
    }

    /// Somebody outside pays an invoice of the account.
    async fn get_paid(&mut self) {
        let sats = self.random.u64(1_000..50_000);
        let invoice = self.me.send(CreateLightningInvoice::new(Sats::new(sats))).await.unwrap();
        self.sandbox.control().pay_invoice(invoice.bolt.expose()).unwrap();
    }

    /// A transfer between the two accounts, or a reward.
    fn transfer(&mut self) {
        let amount = self.amount(9_999, 2);
        let control = self.sandbox.control();
        match self.random.u8(0..4) {
            0 => control.transfer("taker", "maker", "zar", amount, None),
            1 => control.transfer("maker", "taker", "zar", amount, Some("rent")),
            2 => control.reward("taker", RewardKind::Referral, "zar", amount),
            _ => control.reward("taker", RewardKind::MakerReward, "zar", amount),
        }
        .unwrap();
    }

    /// Money in an open order is still the account's.
    async fn rest_an_order(&mut self) {
        let order =
            CreateOrder::limit("btczar", Side::Buy, dec("0.01") + self.amount(9_999, 5), dec("250000"));
        self.me.send(order).await.unwrap();
    }

    async fn balances(&self) -> Vec<Balance> {
        self.me.items(ListBalances::new()).try_collect().await.unwrap().items
    }
}

#[tokio::test]
async fn a_random_month_explains_every_change_of_a_balance() {
    for seed in [1, 2, fastrand::u64(..)] {
        let mut month = Month::new(seed).await;
        month.wait(2_000);
        let (start, before) = (month.now(), month.balances().await);
        for _ in 0..80 {
            month.step().await;
        }
        // A day later, what was not held has come to its end.
        month.wait(86_400_000);
        let (end, after) = (month.now(), month.balances().await);
        assert!(end.as_unix_seconds() - start.as_unix_seconds() > 14 * 86_400, "seed {seed}");

        let records = Records::read(&month.me, start..end).await.unwrap();
        let ledger = Ledger::of(&records);
        assert_eq!(ledger.unbooked, [], "seed {seed}");
        let differences = ledger.differences(&before, &after).unwrap();
        assert_eq!(differences, BTreeMap::new(), "seed {seed}");
        for entry in &ledger.entries {
            let mut sums = BTreeMap::<_, Decimal>::new();
            for posting in &entry.postings {
                *sums.entry(&posting.currency).or_default() += posting.amount;
            }
            assert!(sums.values().all(Decimal::is_zero), "seed {seed}: {entry:?}");
        }
        // The month was not empty, and the ledger says the same as the exchange's own.
        let sums = ledger.sums().unwrap();
        let withdrawn = month.me.items(ListWithdrawals::new()).try_collect().await.unwrap();
        let withdrawn = withdrawn.iter().filter(|row| row.state.is_success());
        let paid_out: Decimal = withdrawn.map(|row| row.amount - row.fee.unwrap_or_default()).sum();
        let booked = sums.get(&("btc".parse().unwrap(), LedgerAccount::Withdrawals)).copied();
        assert_eq!(booked.unwrap_or_default(), paid_out, "seed {seed}");
        let trades = ledger.entries.iter().filter(|entry| matches!(entry.source, Source::Trade(_))).count();
        assert!(trades > 5 && trades == month.trades, "seed {seed}: {trades} trades");
        month.sandbox.shutdown().await;
    }
}

/// Records of the year 2026, from the JSON of each list.
fn records(trades: Value, deposits: Value, withdrawals: Value, transactions: Value) -> Records {
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let mut records = Records::none(at("2026-01-01T00:00:00Z")..at("2027-01-01T00:00:00Z"));
    records.markets = vec![
        serde_json::from_value(json!({
            "id": "btczar", "name": "BTC/ZAR", "base_unit": "btc", "quote_unit": "zar", "min_price": "1", "max_price": "0",
            "min_amount": "0.00001", "amount_precision": 8, "price_precision": 2, "state": "enabled",
        }))
        .unwrap(),
    ];
    records.trades = serde_json::from_value(trades).unwrap();
    records.deposits = serde_json::from_value(deposits).unwrap();
    records.withdrawals = serde_json::from_value(withdrawals).unwrap();
    records.transactions = serde_json::from_value(transactions).unwrap();
    records
}

fn shown(ledger: &Ledger) -> Vec<String> {
    let posting = |posting: &Posting| format!("{} {} {}", posting.account, posting.currency, posting.amount);
    let all = ledger.entries.iter();
    all.map(|entry| {
        format!("{}: {}", entry.source, entry.postings.iter().map(posting).collect::<Vec<_>>().join(", "))
    })
    .collect()
}

const DAY: &str = "2026-06-01T10:00:00Z";

#[test]
fn each_record_has_its_lines() {
    let trade = |id: u64, side: &str, fee: Value| {
        let mut trade = json!({"id": id, "order_id": 7, "market": "btczar", "price": "800000", "amount": "0.5", "side": side, "created_at": DAY});
        trade.as_object_mut().unwrap().extend(fee.as_object().unwrap().clone());
        trade
    };
    let records = records(
        json!([
            trade(1, "buy", json!({"fee": "0.002"})),
            trade(2, "sell", json!({"fee_amount": "400", "fee_currency": "zar", "total": "400000"})),
        ]),
        json!([
            {"id": 3, "currency": "btc", "amount": "0.9", "fee": "0.1", "state": "accepted", "created_at": DAY, "txid": "abc"},
            {"id": 4, "currency": "btc", "amount": "5", "state": "rejected", "created_at": DAY},
            {"id": 5, "currency": "btc", "amount": "5", "state": "accepted", "created_at": "2025-12-31T23:59:59Z"},
            {"id": 6, "currency": "zar", "amount": "5", "state": "collected", "created_at": "2025-12-31T00:00:00Z", "completed_at": DAY},
        ]),
        json!([
            {"id": 8, "currency": "zar", "amount": "100", "fee": "8.5", "state": "succeed", "done_at": DAY, "updated_at": "2027-02-01T00:00:00Z"},
            {"id": 9, "currency": "zar", "amount": "100", "state": "failed", "done_at": DAY},
            {"id": 10, "currency": "zar", "amount": "100", "state": "succeed", "done_at": "2027-01-01T00:00:00Z"},
        ]),
        json!([
            {"id": 11, "type": "trade", "order_id": "7", "credit_currency": "btc", "credit_amount": "0.5", "created_at": DAY},
            {"id": 12, "type": "deposit", "txid": "abc", "credit_currency": "btc", "credit_amount": "0.9", "created_at": DAY},
            {"id": 13, "type": "withdraw", "reference_id": 8, "debit_currency": "zar", "debit_amount": "100", "created_at": DAY},
            {"id": 14, "type": "internal_transfer", "debit_currency": "zar", "debit_amount": "20", "created_at": DAY},
            {"id": 15, "type": "maker_reward", "credit_currency": "zar", "credit_amount": "0.25", "created_at": DAY},
            {"id": 16, "type": "deposit", "credit_currency": "zar", "credit_amount": "50", "created_at": DAY, "paid_at": DAY},
        ]),
    );
    let ledger = Ledger::of(&records);
    assert_eq!(ledger.unbooked, []);
    assert_eq!(
        shown(&ledger),
        [
            "trade 1: balance btc 0.4990, trading btc -0.5, fees btc 0.0010, balance zar -400000.0, trading zar 400000.0",
            "trade 2: balance btc -0.5, trading btc 0.5, balance zar 399600, trading zar -400000, fees zar 400",
            "deposit 3: balance btc 0.9, deposits btc -1.0, fees btc 0.1",
            "deposit 6: balance zar 5, deposits zar -5",
            "withdrawal 8: balance zar -100.0, withdrawals zar 91.5, fees zar 8.5",
            "transaction 14: balance zar -20, transfers zar 20",
            "transaction 15: balance zar 0.25, rewards zar -0.25",
            "transaction 16: balance zar 50, deposits zar -50",
        ]
    );
    let balance = |zar: &str| {
        vec![serde_json::from_value(json!({"currency": "zar", "balance": zar, "locked": "0"})).unwrap()]
    };
    let before = balance("1000");
    let btc: CurrencyId = "btc".parse().unwrap();
    let after = balance("535.25");
    let differences = ledger.differences(&before, &after).unwrap();
    assert_eq!(
        differences,
        BTreeMap::from([(btc, dec("-0.899"))]),
        "the change of btc is not in the balances"
    );
    let wrong = ledger.differences(&before, &balance("535.5")).unwrap();
    assert_eq!(wrong.get("zar").copied(), Some(dec("0.25")));
}

#[test]
fn what_cannot_be_booked_is_listed_with_its_reason() {
    let base = json!({"id": 1, "market": "btczar", "price": "1", "amount": "1", "side": "buy", "fee": "0", "created_at": DAY});
    let with = |name: &str, value: Value| {
        let mut trade = base.clone();
        trade[name] = value;
        json!([trade])
    };
    let line = |fields: Value| {
        let mut line = json!({"id": 2, "credit_currency": "zar", "credit_amount": "5", "created_at": DAY});
        line.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        json!([line])
    };
    let none = || json!([]);
    for (records, reason) in [
        (records(with("market", json!("ethzar")), none(), none(), none()), "market is not in the list"),
        (records(with("side", json!("short")), none(), none(), none()), "bought or sold"),
        (records(with("fee", Value::Null), none(), none(), none()), "does not name its fee"),
        (
            records(none(), none(), none(), line(json!({"type": "trade", "order_id": "7"}))),
            "no trade of its order",
        ),
        (records(none(), none(), none(), line(json!({"type": "deposit"}))), "no time of payment"),
        (records(none(), none(), none(), line(json!({"type": "referral", "fee": "1"}))), "include its fee"),
        (
            records(none(), none(), none(), line(json!({"type": "gift", "credit_amount": null}))),
            "names no amount",
        ),
        (
            records(
                none(),
                none(),
                json!([{"id": 3, "currency": "zar", "amount": "1", "state": "succeed"}]),
                none(),
            ),
            "has no time",
        ),
    ] {
        let ledger = Ledger::of(&records);
        assert_eq!(ledger.entries, [], "{reason}");
        let [unbooked] = ledger.unbooked.as_slice() else { panic!("{reason}: {ledger:?}") };
        assert!(unbooked.to_string().contains(reason), "{unbooked}");
    }
}

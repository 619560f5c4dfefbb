//! Replaying a record gives the same state with the same ids, for random commands of every kind.

mod payments;

use super::Host;
use crate::{
    base::{
        config::{Config, Profile},
        id::{AccountId, Code},
        record::{self, Record, Unreadable},
    },
    exchange::{
        catalogue::{Currency, Market},
        demo,
        funds::{
            AddTransaction,
            addresses::MakeAddress,
            beneficiaries::{
                ActivateBeneficiary, AddBeneficiary, CreateBeneficiary, DeleteBeneficiary, Details, Start,
                Target,
            },
            deposits::{AddDeposit, Deposit, DepositState, Origin, SetDepositState, SubmitTravelRule},
            lightning::{
                CreateInvoice, FailOutside, MakeOutsideInvoice, PayFromOutside, PayOut, Target as Payee,
            },
            limits::EndOpening,
            new_withdrawal::{CreateWithdrawal, Otp},
            otp::SetOneTimeCode,
            quotes::{MakeQuote, SetQuotedFee},
            transfers::{Reward, RewardKind, Transfer},
            vouchers::{IssueVoucher, RedeemVoucher},
            withdrawals::{HoldWithdrawal, MoveWithdrawal, WithdrawalState},
        },
        market::{
            commands::{
                AddCurrency, AddMarket, CancelOrder, CancelOrders, CarryOut, DisturbFeed, Disturbance,
                PauseMatching, PlaceOrder,
            },
            order::{OrderType, Side},
        },
        notice::{Protocol, Webhook},
        people::{
            Restrict, Restriction, Role, SetLevel,
            customers::{Application, CreateCustomer, UpdateCustomer},
            deposit_action::{ActionName, DepositAction},
            documents::{AddDocument, Document, FileKind},
            facts::{Entity, Fact, Facts},
            sub_accounts::{CreateSubAccount, DeleteSubAccount, UpdateSubAccount},
            verification::{Approve, Reject, VerifyAtOnce},
            webhooks::{AddWebhook, RemoveWebhook, SetWebhook},
        },
        webhooks::{
            ClearWebhookFaults, DisturbWebhooks, SendAgain, SendEvent,
            delivery::{AttemptEnd, WebhookState},
            faults::WebhookFault,
        },
    },
};
use rust_decimal::Decimal;
use std::path::{Path, PathBuf};

const COMMANDS: u32 = 5_000;

/// A file that is removed after the test.
struct Temporary(PathBuf);

impl Temporary {
    fn new(name: &str) -> Self {
        let name = format!("capecrypto-sandbox-{}-{}-{name}", std::process::id(), fastrand::u64(..));
        Self(std::env::temp_dir().join(name))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // Fails if the test ended before the file was written.
        let _gone = std::fs::remove_file(&self.0);
    }
}

/// Prints the seed if the test fails.
struct Seed(u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("failed with seed {0}: run again with SANDBOX_SEED={0}", self.0);
        }
    }
}

fn code(text: &str) -> Code {
    Code::new(text).unwrap()
}

fn begin(host: &Host) {
    for currency in demo::currencies() {
        host.command(AddCurrency(currency)).unwrap();
    }
    for market in demo::markets() {
        host.command(AddMarket(market)).unwrap();
    }
    for (name, role) in demo::ACCOUNTS {
        host.add_account(name, role).unwrap();
    }
    host.command(EndOpening {});
}

fn place(random: &mut fastrand::Rng, account: AccountId) -> PlaceOrder {
    let ord_type = if random.u8(..8) == 0 { OrderType::Market } else { OrderType::Limit };
    let price = Decimal::from(400_000 + random.i64(-5..=5) * 100);
    PlaceOrder {
        account,
        market: code("btczar"),
        side: if random.bool() { Side::Buy } else { Side::Sell },
        ord_type,
        volume: Decimal::new(random.i64(1..100_000), 6),
        price: (ord_type == OrderType::Limit).then_some(price),
        post_only: random.u8(..20) == 0 && ord_type == OrderType::Limit,
        custom_order_id: random
            .bool()
            .then(|| format!("mine {}\n\"{}\"", random.u8(..), random.char('a'..'é'))),
    }
}

/// Deposits on their way, one that waits for its travel rule, an address, and vouchers.
fn fund(host: &Host, random: &mut fastrand::Rng, account: AccountId) {
    let currency = code("btc");
    host.command(MakeAddress { account, currency, after_ms: 3_000 });
    let mut add = |state| {
        let origin = Origin { sender: Some("\"Ada\"".to_owned()), ..Origin::lightning() };
        let amount = Decimal::new(random.i64(1..1_000), 4);
        let confirmed_every_ms = random.bool().then(|| random.u32(..2_000));
        let (description, reference) = (None, None);
        host.command(AddDeposit {
            account,
            currency,
            amount,
            state,
            origin,
            description,
            reference,
            confirmed_every_ms,
        })
        .unwrap()
    };
    let (submitted, held) = (add(DepositState::Submitted), add(DepositState::OnHoldTravelRuleCustomer));
    let state = DepositState::ALL[random.usize(..DepositState::ALL.len())];
    let _refused = host.command(SetDepositState { id: submitted, state });
    host.command(SubmitTravelRule { account, id: held }).unwrap();
    let (pin, currency) = (random.u8(..).to_string(), code("zar"));
    let _taken = host.command(IssueVoucher { pin: pin.clone(), amount: Decimal::TEN, lifetime_ms: 60_000 });
    let _refused = host.command(RedeemVoucher { account, currency, pin, amount: random.i64(1..12).into() });
}

/// A new sub-account, and changes of it and of webhooks.
fn manage(host: &Host, random: &mut fastrand::Rng, parent: AccountId) {
    let webhook = |url: &str| Webhook { url: url.to_owned(), secret: None, protocol: Protocol::None };
    let webhook_of_it = random.bool().then(|| webhook("https://till.example"));
    let made = host.command(CreateSubAccount { webhook: webhook_of_it, ..CreateSubAccount::of(parent) });
    let uid = made.uid;
    if random.bool() {
        let action = DepositAction { action: ActionName::Aggregate, ..DepositAction::default() };
        host.command(UpdateSubAccount { parent, uid: uid.clone(), deposit_action: Some(action) }).unwrap();
        let _exists = host.command(AddWebhook { account: parent, webhook: webhook("https://one.example") });
    }
    if random.bool() {
        host.command(SetWebhook { account: parent, webhook: webhook("https://other.example") });
        host.command(DeleteSubAccount { parent, uid }).unwrap();
    } else {
        let _none = host.command(RemoveWebhook { account: parent });
    }
}

/// An event for a webhook, a fault, and the ends of some attempts.
fn tell(host: &Host, random: &mut fastrand::Rng, account: AccountId) {
    const FAULTS: [WebhookFault; 6] = [
        WebhookFault::Twice,
        WebhookFault::OutOfOrder,
        WebhookFault::Never,
        WebhookFault::Slow(700),
        WebhookFault::WrongSecret,
        WebhookFault::OtherBody,
    ];
    if random.bool() {
        let (event, fault) = (None, FAULTS[random.usize(..FAULTS.len())]);
        host.command(DisturbWebhooks { event, fault, times: random.u32(..3) });
    }
    if random.u8(..8) == 0 {
        host.command(ClearWebhookFaults {});
    }
    let body = r#"{"event":"x","note":"é \"\n"}"#.to_owned();
    let delivery = host.command(SendEvent { account, event: "x".to_owned(), body });
    let _no_receiver = host.command(SendAgain { delivery: random.u64(1..=delivery) });
    let mut taken = Vec::new();
    while let Some(outgoing) = host.next_attempt().filter(|_| taken.len() < 4) {
        taken.push((outgoing.delivery, outgoing.attempt));
    }
    for (delivery, attempt) in taken {
        let end = match random.u8(..4) {
            0 => AttemptEnd::Status(204),
            1 => AttemptEnd::NotMade("another machine".to_owned()),
            2 => AttemptEnd::Failed("timeout".to_owned()),
            _ => AttemptEnd::Status(500),
        };
        host.end_attempt(delivery, attempt, end);
    }
}

/// A withdrawal with or without a quote, or a change of an earlier one.
fn withdraw(host: &Host, random: &mut fastrand::Rng, account: AccountId) {
    let currency = code("btc");
    let beneficiary = host.command(AddBeneficiary { account, currency, start: Start::Active });
    let latest = host.read(|exchange| exchange.funds().withdrawals.of(account).next().map(|one| one.id));
    let latest = latest.unwrap_or(beneficiary);
    match random.u8(..8) {
        0 => {
            let fee = random.bool().then(|| Decimal::new(random.i64(1..9), 5));
            host.command(SetQuotedFee { currency, fee });
        }
        1 => host.command(SetLevel { account, level: random.u8(1..=3) }),
        2 => host.command(SetOneTimeCode { account, code: random.u32(..).to_string() }),
        3 => {
            let _unknown = host.command(HoldWithdrawal { id: latest, held: random.bool() });
        }
        4 => {
            let state = [WithdrawalState::Errored, WithdrawalState::Failed][random.usize(..2)];
            let _unknown = host.command(MoveWithdrawal { id: latest, state });
        }
        _ => {
            let quote = random.bool().then_some(MakeQuote { account, currency, lightning: false });
            let quote = quote.and_then(|make| host.command(make)).map(|quote| quote.id.to_string());
            let amount = Decimal::new(random.i64(1..10_000), 3);
            let (note, otp, level) = (None, Otp::NotNeeded, 3);
            let create = CreateWithdrawal { account, beneficiary, currency, amount, note, quote, otp, level };
            let _refused = host.command(create);
        }
    }
}

/// Payments over the lightning network, in both directions.
fn lightning(host: &Host, random: &mut fastrand::Rng, account: AccountId) {
    host.command(FailOutside(random.bool()));
    let payer = AccountId(random.u64(1..=4));
    let sats = random.u64(1_000..100_000);
    let conversion = random.bool().then_some(Decimal::ONE);
    let (description, note) = (Some("\"tea\"".to_owned()), None);
    let invoice = host.command(CreateInvoice { account, sats, conversion, description, note }).unwrap();
    let outside = MakeOutsideInvoice { sats: random.bool().then_some(sats), description: "é".to_owned() };
    let outside = host.command(outside).unwrap();
    if random.bool() {
        host.command(PayFromOutside { bolt: invoice.bolt.clone() }).unwrap();
    }
    for target in [Payee::Bolt(invoice.bolt), Payee::Bolt(outside), Payee::Address("a@b.example".to_owned())]
    {
        let make =
            random.bool().then_some(MakeQuote { account: payer, currency: code("btc"), lightning: true });
        let quote = make.and_then(|make| host.command(make)).map(|quote| quote.id.to_string());
        let (description, note, level) = (None, Some("rent".to_owned()), 3);
        let _refused = host.command(PayOut { account: payer, target, sats, quote, description, note, level });
    }
}

/// A transfer and a reward.
fn give(host: &Host, random: &mut fastrand::Rng, account: AccountId) {
    let (to, currency) = (AccountId(random.u64(1..=4)), code("btc"));
    let (amount, note) = (Decimal::new(random.i64(1..1_000), 3), Some("gift".to_owned()));
    let (sender, receiver) = ("CCT1".to_owned(), "CCT2".to_owned());
    let _poor = host.command(Transfer {
        from: account,
        to,
        currency,
        amount,
        sender,
        receiver: receiver.clone(),
        note,
    });
    let kind = RewardKind::MakerReward;
    host.command(Reward { account, kind, currency, amount, receiver: receiver.clone() }).unwrap();
}

/// A customer with owners, its documents, and decisions about it.
fn onboard(host: &Host, random: &mut fastrand::Rng, parent: AccountId) {
    let role = if random.bool() { Role::Member } else { Role::Merchant };
    let entity = if random.bool() { Entity::Individual } else { Entity::Business };
    let facts = || {
        let facts = [
            ("first_name", Fact::Text("J\u{202e} \"é\"".to_owned())),
            ("is_pip", Fact::Flag(true)),
            ("employee_count", Fact::Whole(7)),
            ("ownership_percentage", Fact::Decimal(Decimal::new(605, 1))),
            ("license_jurisdictions", Fact::Texts(vec!["ZA".to_owned()])),
        ];
        facts.into_iter().map(|(name, fact)| (name.to_owned(), fact)).collect::<Facts>()
    };
    let form = Application {
        entity,
        email: format!("{}@x.example", random.u8(..)),
        phone_number: "+27821234567".to_owned(),
        account_name: random.bool().then(|| "Shop".to_owned()),
        profile: facts(),
        ubos: (0..random.usize(..3)).map(|_| facts()).collect(),
        deposit_action: DepositAction::default(),
        webhook: None,
    };
    let Some(id) = host.command(CreateCustomer { parent, role, form }) else { return };
    let (custom_id, external_verification_url) = (random.bool().then(|| "é".to_owned()), None);
    host.command(UpdateCustomer { id, custom_id, external_verification_url, webhook: None });
    let seen = host.people.seen(id).unwrap();
    let owner = seen.customer.ubos.first().map(|owner| owner.uid.clone());
    let uid = owner.filter(|_| random.bool()).unwrap_or(seen.person.uid);
    for doc_type in ["Passport", "Selfie", "Proof of Address"] {
        let (doc_type, file_name) = (doc_type.to_owned(), "a \"b\".png".to_owned());
        host.command(AddDocument(Document {
            uid: uid.clone(),
            doc_type,
            doc_number: Some("M1".to_owned()),
            doc_expire: None,
            file_name,
            kind: FileKind::Png,
            bytes: 7,
            sha256: "00".repeat(32),
        }));
    }
    if random.bool() {
        host.command(Reject { uid: uid.clone(), reason: "\"blurred\"".to_owned() }).unwrap();
    }
    let _incomplete = host.command(Approve { uid: uid.clone() });
    if random.bool() {
        host.command(VerifyAtOnce { uid }).unwrap();
    }
}

/// One command of any kind.
fn step(host: &Host, random: &mut fastrand::Rng) {
    let account = AccountId(random.u64(1..=4));
    match random.u8(..100) {
        0..48 => {
            // Refused commands are recorded too.
            let _refused = host.command(place(random, account));
        }
        48 => lightning(host, random, account),
        49 => {
            give(host, random, account);
            payments::pay(host, random, account);
        }
        50..52 => tell(host, random, account),
        52..70 => host.command(CarryOut {}),
        70..80 => {
            let _refused = host.command(CancelOrder { account, order: random.u64(1..3_000) });
        }
        80..82 => {
            let market = random.bool().then(|| code("btczar"));
            let _refused = host.command(CancelOrders { account, market, side: Some(Side::Buy) });
        }
        82..85 => withdraw(host, random, account),
        85..88 => {
            let currency = code(["btc", "zar"][random.usize(..2)]);
            let amount = Decimal::new(random.i64(1..100_000_000), 2);
            let after_ms = random.u32(..2_000) * u32::from(random.bool());
            host.command(Deposit { account, currency, amount, after_ms }).unwrap();
        }
        88..92 => host.advance_clock(random.i64(-500..2_000)),
        92 => {
            let restriction = (random.u8(..4) == 0).then_some(Restriction::NoTwoFactor);
            host.command(Restrict { account, restriction });
        }
        93 => {
            let currency = code(["btc", "zar"][random.usize(..2)]);
            let start = if random.bool() { Start::Active } else { Start::Pending(None) };
            let id = host.command(AddBeneficiary { account, currency, start });
            let pin = host.read(|exchange| exchange.funds().beneficiaries.pin(id).map(str::to_owned));
            if let Some(pin) = pin {
                let _wrong = host.command(ActivateBeneficiary { account, id, pin: format!("{pin}0") });
                host.command(ActivateBeneficiary { account, id, pin }).unwrap();
            }
            let details = Details {
                currency,
                name: "A \"name\"".to_owned(),
                description: None,
                target: Target::Address { chain: "bitcoin".to_owned(), address: "bc1q".to_owned() },
                data: "{}".to_owned(),
            };
            let _duplicate = host.command(CreateBeneficiary { account, details, start: Start::Active });
            host.command(DeleteBeneficiary { account, id: id - u64::from(random.bool()) });
        }
        94 => {
            let fields = serde_json::from_str(r#"{"type":"deposit","credit_amount":"0.10"}"#).unwrap();
            host.command(AddTransaction { account, fields }).unwrap();
            fund(host, random, account);
        }
        95 => {
            manage(host, random, account);
            onboard(host, random, account);
        }
        96 => host.command(PauseMatching(random.bool())),
        97 => {
            let disturbance = [Disturbance::SkipIncrement, Disturbance::RestartEngine][random.usize(..2)];
            host.command(DisturbFeed { market: code("btczar"), disturbance });
        }
        _ => {
            let name = format!("c{}", random.u32(..1_000));
            if let Ok(()) = host.command(AddCurrency(Currency::coin(&name).unwrap())) {
                host.command(AddMarket(Market::new(&format!("{name}zar"), &name, "zar").unwrap())).unwrap();
                host.add_account(&name, Role::Merchant).unwrap();
            }
        }
    }
}

fn state(host: &Host) -> String {
    host.tell_all();
    host.read(|exchange| format!("{exchange:#?}"))
}

fn replayed(path: &Path) -> Host {
    let (header, lines) = record::read(path).unwrap();
    let host = Host::new(Config { profile: header.profile, ..Config::default() }, header.seed, None);
    for line in &lines {
        host.replay(line).unwrap();
    }
    host
}

fn check(profile: Profile) {
    let seed = std::env::var("SANDBOX_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = Seed(seed.unwrap_or_else(|| fastrand::u64(..)));
    let mut random = fastrand::Rng::with_seed(seed.0);
    let file = Temporary::new("any");
    let record = Record::create(&file.0, profile, seed.0).unwrap();
    let host = Host::new(Config { profile, ..Config::default() }, seed.0, Some(record));
    begin(&host);
    for _ in 0..COMMANDS {
        step(&host, &mut random);
    }
    let wanted = state(&host);
    let got = state(&replayed(&file.0));
    // Not `assert_eq!`: both texts have millions of characters.
    let line = wanted.lines().zip(got.lines()).find(|(wanted, got)| wanted != got);
    assert!(wanted == got, "the states differ: {line:?}");

    let text = std::fs::read_to_string(&file.0).unwrap();
    for account in host.keys.all() {
        assert!(!text.contains(&account.secret) && !text.contains(&account.api_key), "a key was recorded");
    }
    let lines = text.lines().count() - 1;
    assert_eq!(host.recorded(), Some(Ok(u64::try_from(lines).unwrap())));
}

/// With a fixed seed, because a random one may miss a kind.
#[test]
fn the_random_commands_reach_every_kind() {
    let host = Host::new(Config::default(), 1, None);
    let mut random = fastrand::Rng::with_seed(1);
    begin(&host);
    for _ in 0..COMMANDS {
        step(&host, &mut random);
    }
    let reached = state(&host);
    assert!(
        [
            "Wait",
            "Done",
            "Trade(",
            "WithdrawalLocked(",
            "WithdrawalReleased(",
            "Transfer(",
            "Reward(",
            "lnbcrt",
            "status: Verified",
            "status: Rejected",
            "reason: Retry",
            "state: Delivered",
            "state: Dropped",
            "Completed",
            "PendingWithdraw",
            "error: Some("
        ]
        .iter()
        .all(|found| reached.contains(found)),
        "the random commands must lead to orders, fills, trades, withdrawals, transfers, rewards, invoices and payments"
    );
}

#[test]
fn the_same_commands_lead_to_the_same_state_in_docs() {
    check(Profile::Docs);
}

#[test]
fn the_same_commands_lead_to_the_same_state_in_legacy() {
    check(Profile::Legacy);
}

#[test]
fn a_replay_sends_nothing_and_what_comes_after_it_is_sent() {
    let (file, again) = (Temporary::new("webhooks"), Temporary::new("webhooks-again"));
    let record = Record::create(&file.0, Profile::Docs, 1).unwrap();
    let host = Host::new(Config::default(), 1, Some(record));
    begin(&host);
    let account = AccountId(1);
    let webhook = Webhook { url: "http://localhost".to_owned(), secret: None, protocol: Protocol::None };
    host.command(SetWebhook { account, webhook });
    let send = |host: &Host| {
        let (event, body) = ("x".to_owned(), "{}".to_owned());
        host.command(SendEvent { account, event, body })
    };
    // One fails and waits for its retry, one is on its way when the record ends.
    let (failed, open) = (send(&host), send(&host));
    assert_eq!(host.next_attempt().unwrap().delivery, failed);
    assert_eq!(host.next_attempt().unwrap().delivery, open);
    assert!(host.next_attempt().is_none(), "what is taken is not given out twice");
    host.end_attempt(failed, 0, AttemptEnd::Status(500));

    let (header, lines) = record::read(&file.0).unwrap();
    let record = Record::create(&again.0, header.profile, header.seed).unwrap();
    let next = Host::new(Config::default(), header.seed, Some(record));
    for line in &lines {
        next.replay(line).unwrap();
    }
    assert_eq!(state(&host), state(&next));
    next.send_no_old_webhooks();
    next.clock.reach(lines.iter().map(|line| line.at_ms).max().unwrap());
    next.advance_clock(60_000);
    assert!(next.next_attempt().is_none(), "neither the open attempt nor the retry");
    let states = |host: &Host| {
        host.read(|exchange| exchange.webhooks().after(0).map(|delivery| delivery.state).collect::<Vec<_>>())
    };
    assert_eq!(states(&next), [WebhookState::NotSent, WebhookState::NotSent]);
    let new = send(&next);
    assert_eq!(next.next_attempt().unwrap().delivery, new);
    next.command(SendAgain { delivery: failed }).unwrap();
    assert_eq!(next.next_attempt().unwrap().delivery, failed, "by hand it is sent");
    // What the second record has leads to the same state.
    assert_eq!(state(&next), state(&replayed(&again.0)));
}

#[test]
fn a_record_that_was_cut_off_lacks_its_last_line_only() {
    let file = Temporary::new("cut");
    let record = Record::create(&file.0, Profile::Docs, 1).unwrap();
    let host = Host::new(Config::default(), 1, Some(record));
    begin(&host);
    let text = std::fs::read_to_string(&file.0).unwrap();
    let whole = text.lines().count();
    std::fs::write(&file.0, &text.as_bytes()[..text.len() - 5]).unwrap();
    let (_, lines) = record::read(&file.0).unwrap();
    assert_eq!(lines.len(), whole - 2, "all lines except the header and the cut line");
}

#[test]
fn what_is_no_record_is_told_with_its_line() {
    let file = Temporary::new("bad");
    let header = r#"{"capecrypto_sandbox_record":1,"profile":"docs","seed":1}"#;
    let read = |text: &str| {
        std::fs::write(&file.0, text).unwrap();
        record::read(&file.0).map(|(_, lines)| lines)
    };
    assert!(matches!(read("hello\n"), Err(Unreadable::Header)));
    assert!(matches!(read(&header.replace(":1,", ":9,")), Err(Unreadable::Header)));
    let error = read(&format!("{header}\n{{\"at_ms\":1}}\n{{}}\n")).unwrap_err().to_string();
    assert!(error.contains("line 3") && error.contains("at_ms"), "{error}");
    for (line, problem) in [
        (r#"{"at_ms":1,"do":"fly","with":{}}"#, "there is no command 'fly'"),
        (r#"{"at_ms":1,"do":"cancel_order","with":{"account":1}}"#, "missing field `order`"),
    ] {
        let lines = read(&format!("{header}\n{line}\n")).unwrap();
        let error = Host::new(Config::default(), 1, None).replay(&lines[0]).unwrap_err().to_string();
        assert!(error.contains(problem), "{error}");
    }
    assert!(Record::create(&file.0, Profile::Docs, 1).is_err(), "an existing file must not be overwritten");
}

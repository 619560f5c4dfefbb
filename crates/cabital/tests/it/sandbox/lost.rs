//! Conversion with transfer while answers get lost and the program is killed. What became of the money is read from the sandbox's own ledger.

mod books;
mod life;
mod wire;

use super::started;
use books::Books;
use cabital::{
    Cabital, ConvertAndTransfer, Hosts, PartnerCode,
    conversions::{Conversion, Converted, CreateConversion},
    convert_and_transfer::{Done, TransferDone, resume, unfinished},
    models::{ExternalId, Symbol},
    partner::GetQuote,
    transfers::{CreateTransfer, Submitted},
};
use capecrypto_auth::Credentials;
use capecrypto_models::{Decimal, dec};
use capecrypto_sandbox::{CabitalControl, Fault, FaultKind, Sandbox, cabital::TransferFee};
use life::{Life, LogFile, Plan};
use std::time::Duration;
use wire::Wire;

const CONVERSIONS: &str = "/accounts/{account_id}/conversions";
const TRANSFERS: &str = "/accounts/{account_id}/transfers";
const RECONCILIATION: &str = "/recon/transfers/{external_id}";

/// How often each thing happened, over all seeds.
#[derive(Debug, Default)]
struct Classes {
    killed_before_the_conversion: u32,
    killed_between: u32,
    killed_in_the_transfer: u32,
    conversions_answer_lost: u32,
    transfers_answer_lost: u32,
    /// PA029: another program used the conversion.
    used_by_another: u32,
    /// PA029: two programs went on with the same work.
    two_at_once: u32,
    ended_unknown: u32,
    ended_transferred: u32,
}

impl Classes {
    fn all(&self) -> [u32; 9] {
        [
            self.killed_before_the_conversion,
            self.killed_between,
            self.killed_in_the_transfer,
            self.conversions_answer_lost,
            self.transfers_answer_lost,
            self.used_by_another,
            self.two_at_once,
            self.ended_unknown,
            self.ended_transferred,
        ]
    }
}

/// Prints the seed if its trial fails.
struct Seed(u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("repeat it with SEED={}", self.0);
        }
    }
}

/// Money is converted once and moved once, whatever is killed and lost. Once the conversion's answer was stored, there is exactly one
/// transfer in the end.
#[tokio::test]
async fn kills_and_lost_answers_never_make_two_of_anything_in_the_ledger() {
    let one = std::env::var("SEED").ok().map(|seed| seed.parse::<u64>().unwrap());
    let mut classes = Classes::default();
    for seed in one.map_or(0..150, |seed| seed..seed + 1) {
        let printed = Seed(seed);
        let mut trial = Trial::start(seed).await;
        trial.run(&mut classes).await;
        trial.sandbox.shutdown().await;
        drop(printed);
    }
    println!("{classes:?}");
    if one.is_none() {
        assert!(classes.all().iter().all(|times| *times > 0), "not everything was reached: {classes:?}");
    }
}

/// One work with its sandbox, its log, and what the ledger has to say at the end.
struct Trial {
    random: fastrand::Rng,
    sandbox: Sandbox,
    control: CabitalControl,
    log: LogFile,
    work: ConvertAndTransfer,
    id: ExternalId,
    /// What is sold, what is bought, and what is moved of it.
    sold: (Symbol, Decimal),
    bought: (Symbol, Decimal),
    moved: Decimal,
    begin: Books,
    /// Whether the answer of the conversion was stored.
    stored: bool,
    /// What another program has moved with our conversion.
    strange: Option<Decimal>,
}

impl Trial {
    async fn start(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        // The quote must outlive all lives.
        let builder = Sandbox::builder().seed(seed).cabital_quote_valid(Duration::from_secs(3_600));
        let sandbox = builder.start().await.unwrap();
        let control = sandbox.control().cabital();
        let account = sandbox.cabital().account_id.clone();
        let log = LogFile::new(seed);
        let cabital = life::client(&sandbox).build().unwrap();
        let (pair, sells, amount) = random
            .choice([
                ("BTC-EUR", true, ("BTC", dec!(0.01))),
                ("BTC-EUR", false, ("EUR", dec!(321.09))),
                ("ETH-USDT", true, ("ETH", dec!(0.1))),
            ])
            .unwrap();
        let quote = cabital.send(GetQuote::new(pair)).await.unwrap();
        let conversion =
            if sells { Conversion::sell(amount, &quote) } else { Conversion::buy(amount, &quote) };
        let sides = conversion.sides().unwrap();
        let id: ExternalId = format!("order-{seed}").parse().unwrap();
        let bought = (sides.bought.symbol().clone(), sides.bought.get());
        let work = ConvertAndTransfer::new(account.as_str(), conversion, &id).otp("123456");
        let part = random.bool().then_some(dec!(75.5));
        let work = match part {
            Some(part) => work.amount((bought.0.as_str(), part)),
            None => work,
        };
        if random.bool() {
            let fee = TransferFee { customer: true, percent: false, value: dec!(1), min: None, max: None };
            control.set_fee(bought.0.as_str(), Some(fee)).unwrap();
        }
        let begin = Books::read(&control, &account);
        Self {
            random,
            control,
            log,
            work,
            id,
            sold: (sides.sold.symbol().clone(), sides.sold.get()),
            moved: part.unwrap_or(bought.1),
            bought,
            begin,
            stored: false,
            strange: None,
            sandbox,
        }
    }

    async fn run(&mut self, classes: &mut Classes) {
        for _ in 0..self.random.u32(1..=3) {
            let before = self.books();
            let life = Life::random(&mut self.random, before.conversions.len(), before.transfers.len());
            let done = self.live(&life).await;
            self.count(&life, &before, done.as_ref(), classes);
            self.meet_another().await;
        }
        self.end(classes).await;
    }

    fn books(&self) -> Books {
        Books::read(&self.control, &self.sandbox.cabital().account_id)
    }

    /// Runs the program until it ends or is killed, and checks the ledger.
    async fn live(&mut self, life: &Life) -> Option<Done> {
        let log = self.log.open().await;
        for fault in &life.faults {
            self.control.inject(fault.clone());
        }
        let cabital = life::client(&self.sandbox).intent_log(log.killing(&life.plan)).build().unwrap();
        let done = life::until_killed(&life.plan, log.kill(), &self.control, self.work.run(&cabital)).await;
        drop((cabital, log));
        self.control.clear_faults();
        let log = self.log.open().await;
        let open = log.inner().open().await.unwrap();
        self.stored |= open.iter().any(|intent| intent.call() == "ConvertAndTransfer.converted");
        self.stored |= matches!(done, Some(Done::Transferred(_)));
        self.check(done.as_ref());
        done
    }

    /// What must hold at any time.
    fn check(&self, done: Option<&Done>) -> Books {
        let books = self.books();
        let (conversions, transfers) = (books.conversions.len(), books.transfers.len());
        assert!(books.sums_to_zero && conversions <= 1 && transfers <= conversions, "{books:?}: {done:?}");
        let times = |times: usize, amount: Decimal| amount * Decimal::from(times);
        let moved = times(transfers, self.strange.unwrap_or(self.moved));
        assert!(moved <= times(conversions, self.bought.1), "{books:?}: {done:?}");
        let change =
            |symbol: &Symbol| books.available(symbol.as_str()) - self.begin.available(symbol.as_str());
        assert_eq!(change(&self.sold.0), -times(conversions, self.sold.1), "{books:?}: {done:?}");
        assert_eq!(change(&self.bought.0), times(conversions, self.bought.1) - moved, "{books:?}: {done:?}");
        assert_eq!(
            (books.sold, books.bought),
            (times(conversions, self.sold.1), times(conversions, self.bought.1))
        );
        assert_eq!(books.moved, moved, "{books:?}: {done:?}");
        let Some(done) = done else { return books };
        match done {
            Done::Transferred(made) => {
                assert_eq!((conversions, transfers), (1, 1), "{books:?}: {made:?}");
                assert!(self.strange.is_none(), "{made:?} is of another program");
            }
            Done::Nothing(error) => assert_eq!((conversions, transfers), (0, 0), "{error}"),
            Done::ConversionUnknown(unknown) => {
                assert_eq!(transfers, 0, "{books:?}: {unknown:?}");
                if let (Some(sold), Some(bought)) =
                    (unknown.change(&self.sold.0), unknown.change(&self.bought.0))
                {
                    assert_eq!((sold, bought), (change(&self.sold.0), change(&self.bought.0)));
                }
            }
            Done::ConversionInterrupted { before, after } => {
                assert_eq!(transfers, 0, "{books:?}: {before:?}");
                if let Ok(after) = after {
                    let noted = |symbol: &Symbol| {
                        let noted = before.iter().find(|(code, _)| code == symbol.as_str()).unwrap();
                        after.of(symbol).unwrap() - noted.1.parse::<Decimal>().unwrap()
                    };
                    // The person who compares them sees what the ledger has.
                    assert_eq!(
                        (noted(&self.sold.0), noted(&self.bought.0)),
                        (change(&self.sold.0), change(&self.bought.0))
                    );
                }
            }
            Done::NotTransferred { error, .. } => {
                assert_eq!(PartnerCode::of(error), Some(PartnerCode::RepeatedTransfer), "{error}");
                assert!(self.strange.is_some() && transfers == 1, "{books:?}: {error}");
            }
            Done::NotLookedUp(_) => {}
            Done::TransferUnknown { error, .. } => assert_eq!(conversions, 1, "{books:?}: {error}"),
            other => panic!("{books:?}: {other:?}"),
        }
        books
    }

    fn count(&self, life: &Life, before: &Books, done: Option<&Done>, classes: &mut Classes) {
        let now = self.books();
        let converts = now.conversions.len() > before.conversions.len();
        let moves = now.transfers.len() > before.transfers.len();
        match done {
            None if now.conversions.is_empty() => classes.killed_before_the_conversion += 1,
            None if now.transfers.is_empty() => classes.killed_between += 1,
            None if moves => classes.killed_in_the_transfer += 1,
            Some(Done::ConversionUnknown(unknown)) if life.loses(CONVERSIONS) && converts => {
                assert_eq!(unknown.error.status(), Some(409), "{unknown:?}");
                classes.conversions_answer_lost += 1;
            }
            // It was made by this life, and its answer did not come.
            Some(Done::Transferred(TransferDone::Found(_))) if life.loses(TRANSFERS) && moves => {
                classes.transfers_answer_lost += 1;
            }
            _ => {}
        }
    }

    /// In some trials, another program uses the conversion.
    async fn meet_another(&mut self) {
        if self.random.bool() || !self.books().transfers.is_empty() {
            return;
        }
        let open = self.log.open().await.inner().open().await.unwrap();
        let Some(note) = open.iter().find(|intent| intent.call() == "ConvertAndTransfer.converted") else {
            return;
        };
        let cabital = life::client(&self.sandbox).build().unwrap();
        let account = self.sandbox.cabital().account_id.as_str();
        let request =
            CreateTransfer::to_partner(account, (self.bought.0.as_str(), dec!(50)), "other-program");
        let conversion = note.argument("conversion_id").unwrap();
        let submitted = request.conversion(conversion.as_str()).otp("123456").submit(&cabital).await;
        assert!(matches!(submitted, Submitted::Made(_)), "{submitted:?}");
        self.strange = Some(dec!(50));
    }

    /// The last life has no faults.
    async fn end(&mut self, classes: &mut Classes) {
        let log = self.log.open().await;
        let cabital = life::client(&self.sandbox).intent_log(log.killing(&Plan::Lives)).build().unwrap();
        let begun = unfinished(&cabital).await.unwrap();
        assert!(begun.is_empty() || begun == [self.id.clone()], "{begun:?}");
        let otp = || Some("123456".into());
        let is_open = self.stored && self.books().transfers.is_empty();
        let done = if is_open && self.random.u32(0..3) > 0 {
            // Both ask whether the transfer is there before one of them makes it.
            let slow = Fault::next(FaultKind::DelayAfterApply(30)).on("GET", RECONCILIATION);
            self.control.inject(slow.times(2));
            let second = life::client(&self.sandbox).intent_log(log.killing(&Plan::Lives)).build().unwrap();
            let both = tokio::join!(resume(&cabital, &self.id, otp()), resume(&second, &self.id, otp()));
            let (made, found) = match (both.0.unwrap(), both.1.unwrap()) {
                (made @ Done::Transferred(TransferDone::Made(_)), found)
                | (found, made @ Done::Transferred(TransferDone::Made(_))) => (made, found),
                other => panic!("{other:?}"),
            };
            assert!(matches!(found, Done::Transferred(TransferDone::Found(_))), "{found:?}");
            classes.two_at_once += 1;
            made
        } else if begun.is_empty() || self.random.bool() {
            self.work.run(&cabital).await
        } else {
            resume(&cabital, &self.id, otp()).await.unwrap()
        };
        let books = self.check(Some(&done));
        let left = unfinished(&cabital).await.unwrap();
        match &done {
            Done::Transferred(_) => {
                classes.ended_transferred += 1;
                assert!(left.is_empty(), "{left:?}");
                let again = self.work.run(&cabital).await;
                assert!(matches!(again, Done::Transferred(TransferDone::Found(_))), "{again:?}");
                assert_eq!(self.books(), books);
            }
            Done::ConversionInterrupted { .. } => {
                classes.ended_unknown += 1;
                assert!(!self.stored, "the answer of the conversion was stored: {done:?}");
                assert_eq!(left, std::slice::from_ref(&self.id));
            }
            Done::NotTransferred { .. } => classes.used_by_another += 1,
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_with_the_same_nonce_and_bytes_and_the_transfer_is_found_by_its_id() {
    let (sandbox, _, account) = started().await;
    let control = sandbox.control().cabital();
    let wire = Wire::to(&sandbox.cabital().origin).await;
    let access = sandbox.cabital();
    let cabital = Cabital::builder(Hosts::at(&wire.origin, &access.link_origin).unwrap())
        .credentials(Credentials::new(&access.access_key, &access.secret).unwrap())
        .build()
        .unwrap();
    let begin = Books::read(&control, &account);

    control.inject(Fault::next(FaultKind::ResetAfterApply).on("POST", TRANSFERS));
    let transfer = CreateTransfer::to_partner(account.as_str(), ("USDT", dec!(50)), "lost-1").otp("123456");
    let submitted = transfer.submit(&cabital).await;
    let Submitted::Found(found) = &submitted else { panic!("{submitted:?}") };
    assert_eq!(found.external_id.as_deref(), Some("lost-1"));
    let books = Books::read(&control, &account);
    assert_eq!((books.transfers.len(), books.moved), (1, dec!(50)));
    let [first, second, reading] = &wire.take()[..] else { panic!("not three requests") };
    assert_eq!((first.status, second.status, reading.status), (None, Some(409), Some(200)));
    assert_eq!(
        (&*first.target, &*second.target),
        (&*format!("POST /api/v1/accounts/{account}/transfers"), &*first.target)
    );
    assert_eq!((&first.nonce, &first.body), (&second.nonce, &second.body));
    assert!(first.body.contains("\"lost-1\"") && first.nonce != reading.nonce);
    assert_eq!(reading.target, "GET /api/v1/recon/transfers/lost-1");

    // A conversion has no call that reads it: it stays unknown, and the ledger has one.
    control.inject(Fault::next(FaultKind::ResetAfterApply).on("POST", CONVERSIONS));
    let quote = cabital.send(GetQuote::new("BTC-EUR")).await.unwrap();
    let conversion = Conversion::sell(("BTC", dec!(0.01)), &quote);
    wire.take();
    let converted = CreateConversion::new(account.as_str(), conversion).submit(&cabital).await;
    let Converted::Unknown(unknown) = &converted else { panic!("{converted:?}") };
    let [_, first, second, _] = &wire.take()[..] else { panic!("not four requests") };
    assert_eq!((first.status, second.status), (None, Some(409)));
    assert_eq!((&first.target, &first.nonce, &first.body), (&second.target, &second.nonce, &second.body));
    let books = Books::read(&control, &account);
    assert_eq!((books.conversions.len(), books.transfers.len(), books.sold), (1, 1, dec!(0.01)));
    let btc = "BTC".parse().unwrap();
    assert_eq!(unknown.change(&btc), Some(books.available("BTC") - begin.available("BTC")));
    assert!(books.sums_to_zero);
    sandbox.shutdown().await;
}

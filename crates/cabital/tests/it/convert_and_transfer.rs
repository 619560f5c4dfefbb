//! Conversion with transfer, with faults and with a program that is killed.

use crate::{
    ACCOUNT, credentials,
    fake::{Fake, Fault},
    quote,
};
use cabital::{
    Cabital, ConvertAndTransfer, Hosts, PartnerCode,
    conversions::Conversion,
    convert_and_transfer::{Done, TransferDone, forget, resume, unfinished},
    models::ExternalId,
    transfers::CreateTransfer,
};
use capecrypto_models::dec;
use capecrypto_rest::{Intent, IntentId, IntentLog, IntentLogError, LogFuture, MemoryIntentLog, Outcome};
use std::sync::{Arc, Mutex};
use tokio::sync::Notify;

const ID: &str = "order-4711";

/// A log that outlives the program, and in which the program can be killed.
pub(crate) struct Durable {
    pub(crate) inner: Box<dyn IntentLog>,
    /// How many steps of the log are left until the program is killed in one of them, and whether that is after the step.
    pub(crate) left: Mutex<Option<(u32, bool)>>,
    kill: Arc<Notify>,
}

impl std::fmt::Debug for Durable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Durable")
    }
}

impl Durable {
    pub(crate) fn new(kill: Arc<Notify>) -> Arc<Self> {
        Self::over(MemoryIntentLog::new(), kill)
    }

    pub(crate) fn over(inner: impl IntentLog + 'static, kill: Arc<Notify>) -> Arc<Self> {
        Arc::new(Self { inner: Box::new(inner), left: Mutex::new(None), kill })
    }

    /// The work is a function, because a log may do it before its future is polled.
    fn step<'a, T: Send + 'a>(
        &'a self,
        work: impl FnOnce() -> LogFuture<'a, T> + Send + 'a,
    ) -> LogFuture<'a, T> {
        Box::pin(async move {
            let now = {
                let mut left = self.left.lock().unwrap();
                let now = left.filter(|(left, _)| *left == 0).map(|(_, after)| after);
                *left = left.and_then(|(left, after)| Some((left.checked_sub(1)?, after)));
                now
            };
            match now {
                None => work().await,
                Some(after) => {
                    if after {
                        let _kept = work().await;
                    }
                    self.kill.notify_one();
                    std::future::pending().await
                }
            }
        })
    }
}

impl IntentLog for Durable {
    fn begin(&self, intent: Intent) -> LogFuture<'_, ()> {
        self.step(move || self.inner.begin(intent))
    }
    fn end(&self, id: IntentId, outcome: Outcome) -> LogFuture<'_, ()> {
        self.step(move || self.inner.end(id, outcome))
    }
    fn open(&self) -> LogFuture<'_, Vec<Intent>> {
        self.inner.open()
    }
    fn close<'a>(&'a self, id: IntentId, note: &'a str) -> LogFuture<'a, ()> {
        self.step(move || self.inner.close(id, note))
    }
}

fn program(fake: &Fake, log: &Arc<Durable>) -> Cabital {
    let hosts = Hosts::at(&fake.origin, &fake.origin).unwrap();
    Cabital::builder(hosts).credentials(credentials()).intent_log(log.clone()).build().unwrap()
}

fn work() -> ConvertAndTransfer {
    let conversion = Conversion::sell(("BTC", dec!(0.01)), &quote("BTC-EUR", "38921.55", "0.00002569"));
    ConvertAndTransfer::new(ACCOUNT, conversion, ID)
}

fn id() -> ExternalId {
    ID.parse().unwrap()
}

/// Runs the work until it ends or the program is killed.
async fn run(fake: &Fake, log: &Arc<Durable>) -> Option<Done> {
    let cabital = program(fake, log);
    tokio::select! {
        done = work_of(&cabital) => Some(done),
        () = fake.kill.notified() => None,
    }
}

async fn work_of(cabital: &Cabital) -> Done {
    work().run(cabital).await
}

#[tokio::test]
async fn without_faults_there_is_one_conversion_and_one_transfer_of_all_that_was_bought() {
    let fake = Fake::start().await;
    let log = Durable::new(fake.kill.clone());
    let done = run(&fake, &log).await.unwrap();
    let Done::Transferred(TransferDone::Made(made)) = &done else { panic!("{done:?}") };
    // 0.01 BTC at 0.00002569 BTC a euro, cut off at the cent.
    assert_eq!(made.instructed_amount, dec!(389.25));
    assert_eq!(fake.counts(), (1, 1));
    assert_eq!(log.inner.open().await.unwrap().len(), 0);
    // Once more: it is found, and nothing is done.
    let again = run(&fake, &log).await.unwrap();
    assert!(
        matches!(&again, Done::Transferred(TransferDone::Found(found)) if found.transfer_id == made.transfer_id)
    );
    assert_eq!(fake.counts(), (1, 1));
}

#[tokio::test]
async fn more_than_is_bought_is_refused_before_anything_is_sent() {
    let fake = Fake::start().await;
    let cabital = program(&fake, &Durable::new(fake.kill.clone()));
    for (work, argument) in [
        (work().amount(("EUR", dec!(389.26))), "amount"),
        (work().amount(("BTC", dec!(0.01))), "amount"),
        (work().amount(("EUR", dec!(1.001))), "amount"),
        (work().otp("12"), "otp"),
    ] {
        let Done::Nothing(error) = work.run(&cabital).await else { panic!("{argument}") };
        assert_eq!(error.argument().unwrap().argument, argument);
    }
    assert_eq!(fake.state().requests.len(), 0);
    let done = work().amount(("EUR", dec!(100))).run(&cabital).await;
    assert!(
        matches!(done, Done::Transferred(TransferDone::Made(made)) if made.instructed_amount == dec!(100))
    );
}

#[tokio::test]
async fn a_refused_conversion_can_be_tried_again_and_a_refused_transfer_goes_on() {
    let fake = Fake::start().await;
    let log = Durable::new(fake.kill.clone());
    let btc = fake.state().balances.insert("BTC".to_owned(), dec!(0)).unwrap();
    let Done::Nothing(error) = run(&fake, &log).await.unwrap() else { panic!("it was done") };
    assert_eq!(PartnerCode::of(&error), Some(PartnerCode::InsufficientBalance));
    assert_eq!(log.inner.open().await.unwrap().len(), 0);

    fake.state().balances.insert("BTC".to_owned(), btc);
    fake.plan(|method, path| match (method, path.ends_with("/transfers")) {
        ("POST", true) => Fault::StatusBefore(401),
        _ => Fault::None,
    });
    let done = run(&fake, &log).await.unwrap();
    // The body of the 401 is empty, so nothing proves that Cabital itself has refused it.
    assert!(matches!(done, Done::TransferUnknown { .. }), "{done:?}");
    let cabital = program(&fake, &log);
    assert_eq!(unfinished(&cabital).await.unwrap(), [id()]);
    fake.plan(|_, _| Fault::None);
    let done = resume(&cabital, &id(), None).await.unwrap();
    assert!(matches!(done, Done::Transferred(TransferDone::Made(_))), "{done:?}");
    assert!(unfinished(&cabital).await.unwrap().is_empty());
    assert!(resume(&cabital, &id(), None).await.is_none());
    assert_eq!(fake.counts(), (1, 1));
}

#[tokio::test]
async fn work_that_is_done_is_not_told_as_nothing_while_it_cannot_be_looked_up() {
    let fake = Fake::start().await;
    let log = Durable::new(fake.kill.clone());
    assert!(matches!(run(&fake, &log).await.unwrap(), Done::Transferred(_)));
    fake.plan(|method, _| if method == "GET" { Fault::StatusBefore(503) } else { Fault::None });
    let done = run(&fake, &log).await.unwrap();
    assert!(matches!(&done, Done::NotLookedUp(error) if error.status() == Some(503)), "{done:?}");
    fake.plan(|_, _| Fault::None);
    assert!(matches!(run(&fake, &log).await.unwrap(), Done::Transferred(TransferDone::Found(_))));
    assert_eq!(fake.counts(), (1, 1));
}

#[tokio::test]
async fn begun_work_goes_on_with_its_own_amount_whatever_the_next_run_asks_for() {
    let fake = Fake::start().await;
    let cabital = program(&fake, &Durable::new(fake.kill.clone()));
    fake.plan(|method, path| match (method, path.ends_with("/transfers")) {
        ("POST", true) => Fault::StatusBefore(503),
        _ => Fault::None,
    });
    let done = work().amount(("EUR", dec!(100))).run(&cabital).await;
    assert!(matches!(done, Done::TransferUnknown { .. }), "{done:?}");
    fake.plan(|_, _| Fault::None);
    // It was converted, so that a refused argument is not "nothing".
    let done = work().otp("12").run(&cabital).await;
    let Done::NotTransferred { error, .. } = &done else { panic!("{done:?}") };
    assert_eq!(error.argument().unwrap().argument, "otp");
    let done = work().amount(("EUR", dec!(389.26))).run(&cabital).await;
    let Done::Transferred(TransferDone::Made(made)) = &done else { panic!("{done:?}") };
    assert_eq!(made.instructed_amount, dec!(100));
    assert_eq!(fake.counts(), (1, 1));
}

#[tokio::test]
async fn an_unknown_conversion_is_not_made_again_before_a_person_has_looked() {
    let fake = Fake::start().await;
    let log = Durable::new(fake.kill.clone());
    // Done, and both answers are lost: the second attempt is told 409, which does not say that the first one succeeded.
    let mut posts = 0;
    fake.plan(move |method, path| match (method, path.ends_with("/conversions")) {
        ("POST", true) => {
            posts += 1;
            if posts == 1 { Fault::LostAfter } else { Fault::None }
        }
        _ => Fault::None,
    });
    let Done::ConversionUnknown(unknown) = run(&fake, &log).await.unwrap() else { panic!("it is known") };
    assert_eq!(unknown.error.attempts(), 2);
    assert_eq!(unknown.change(&"BTC".parse().unwrap()), Some(dec!(-0.01)));
    assert_eq!(unknown.change(&"EUR".parse().unwrap()), Some(dec!(389.25)));
    for _ in 0..2 {
        let done = run(&fake, &log).await.unwrap();
        let Done::ConversionInterrupted { before, after } = done else { panic!("{done:?}") };
        assert!(before.contains(&("BTC".to_owned(), "10".to_owned())), "{before:?}");
        assert_eq!(after.unwrap().of(&"BTC".parse().unwrap()), Some(dec!(9.99)));
    }
    assert_eq!(fake.counts(), (1, 0));
    forget(&program(&fake, &log), &id()).await.unwrap();
    assert!(matches!(run(&fake, &log).await.unwrap(), Done::Transferred(_)));
}

#[tokio::test]
async fn the_transfer_of_another_currency_is_not_taken_for_earlier_work() {
    let fake = Fake::start().await;
    let cabital = program(&fake, &Durable::new(fake.kill.clone()));
    assert!(matches!(work_of(&cabital).await, Done::Transferred(_)));
    let conversion = Conversion::sell(("EUR", dec!(100)), &quote("BTC-EUR", "38921.55", "0.00002569"));
    let done = ConvertAndTransfer::new(ACCOUNT, conversion, ID).run(&cabital).await;
    let Done::Nothing(error) = &done else { panic!("{done:?}") };
    assert_eq!(error.argument().unwrap().argument, "external_id");
    assert_eq!(fake.counts(), (1, 1));
}

#[tokio::test]
async fn the_transfer_of_another_amount_is_not_taken_for_earlier_work_if_the_amount_was_given() {
    let fake = Fake::start().await;
    let cabital = program(&fake, &Durable::new(fake.kill.clone()));
    assert!(matches!(work_of(&cabital).await, Done::Transferred(_)));
    let quote = quote("BTC-EUR", "38921.55", "0.00002569");
    let new = |conversion| ConvertAndTransfer::new(ACCOUNT, conversion, ID);
    let sell = |amount| new(Conversion::sell(("BTC", amount), &quote));
    let buy = |amount| new(Conversion::buy(("EUR", amount), &quote));
    for (work, is_found) in [
        // What is bought follows from the quote, which may have been another one.
        (sell(dec!(0.02)), true),
        (sell(dec!(0.02)).amount(("EUR", dec!(389.25))), true),
        (buy(dec!(389.250)), true),
        (sell(dec!(0.02)).amount(("EUR", dec!(389.26))), false),
        (buy(dec!(389.26)), false),
    ] {
        match work.run(&cabital).await {
            Done::Transferred(TransferDone::Found(_)) => assert!(is_found, "{work:?}"),
            Done::Nothing(error) => {
                assert!(!is_found, "{work:?}: {error}");
                let argument = error.argument().unwrap();
                assert_eq!(argument.argument, "external_id");
                assert!(error.to_string().contains("389.25 EUR"), "{error}");
            }
            other => panic!("{work:?}: {other:?}"),
        }
    }
    assert_eq!(fake.counts(), (1, 1));
}

#[tokio::test]
async fn a_foreign_transfer_with_the_id_of_begun_work_does_not_end_the_work() {
    let fake = Fake::start().await;
    let cabital = program(&fake, &Durable::new(fake.kill.clone()));
    fake.plan(|method, path| match (method, path.ends_with("/transfers")) {
        ("POST", true) => Fault::StatusBefore(503),
        _ => Fault::None,
    });
    assert!(matches!(work_of(&cabital).await, Done::TransferUnknown { .. }));
    fake.plan(|_, _| Fault::None);
    // Somebody else used the id meanwhile, for a transfer without a conversion.
    let other = CreateTransfer::to_partner(ACCOUNT, ("EUR", dec!(5)), id());
    cabital.send(other).await.unwrap();
    for _ in 0..2 {
        let done = work_of(&cabital).await;
        let Done::NotTransferred { error, .. } = &done else { panic!("{done:?}") };
        assert_eq!(PartnerCode::of(error), Some(PartnerCode::RepeatedTransfer));
        assert_eq!(unfinished(&cabital).await.unwrap(), [id()]);
    }
    assert_eq!(fake.counts(), (1, 1));
}

#[tokio::test]
async fn two_runs_at_once_convert_once() {
    let fake = Fake::start().await;
    let log = Durable::new(fake.kill.clone());
    let cabital = program(&fake, &log);
    let runs = (0..4).map(|_| work_of(&cabital));
    let all = futures_of(runs.collect()).await;
    assert_eq!(fake.state().conversions.len(), 1, "{all:?}");
    assert_eq!(fake.state().transfers.len(), 1, "{all:?}");
}

async fn futures_of<T>(all: Vec<impl Future<Output = T>>) -> Vec<T> {
    let mut pinned: Vec<_> = all.into_iter().map(Box::pin).collect();
    let mut done: Vec<Option<T>> = pinned.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (future, slot) in pinned.iter_mut().zip(&mut done) {
            if slot.is_none()
                && let std::task::Poll::Ready(value) = future.as_mut().poll(context)
            {
                *slot = Some(value);
            }
        }
        if done.iter().all(Option::is_some) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done.into_iter().map(Option::unwrap).collect()
}

#[tokio::test]
async fn a_log_that_keeps_nothing_stops_the_work() {
    #[derive(Debug)]
    struct Full;
    impl IntentLog for Full {
        fn begin(&self, _: Intent) -> LogFuture<'_, ()> {
            Box::pin(async { Err(IntentLogError::new("the disk is full")) })
        }
        fn end(&self, _: IntentId, _: Outcome) -> LogFuture<'_, ()> {
            Box::pin(async { Ok(()) })
        }
        fn open(&self) -> LogFuture<'_, Vec<Intent>> {
            Box::pin(async { Ok(Vec::new()) })
        }
        fn close<'a>(&'a self, _: IntentId, _: &'a str) -> LogFuture<'a, ()> {
            Box::pin(async { Ok(()) })
        }
    }
    let fake = Fake::start().await;
    let hosts = Hosts::at(&fake.origin, &fake.origin).unwrap();
    let cabital =
        Cabital::builder(hosts).credentials(credentials()).intent_log(Arc::new(Full)).build().unwrap();
    assert!(matches!(work_of(&cabital).await, Done::NotKept { conversion: None, .. }));
    assert_eq!(fake.state().conversions.len(), 0);
}

/// What a seed led to.
#[derive(Debug, Default)]
struct Tally {
    transferred: u32,
    unknown: u32,
    killed: u32,
}

/// The program is killed at random points, and the network loses what it likes. There are never two conversions or two transfers; if the
/// conversion's answer was noted, there is exactly one transfer in the end.
#[tokio::test]
async fn a_kill_at_random_points_never_makes_two_of_anything() {
    let mut tally = Tally::default();
    let seeds = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok());
    let seeds = seeds.map_or(0..150, |seed: u64| seed..seed + 1);
    for seed in seeds {
        one_life(seed, &mut tally).await;
    }
    println!("{tally:?}");
    assert!(tally.killed >= 1 && tally.transferred >= 1, "{tally:?}");
}

async fn one_life(seed: u64, tally: &mut Tally) {
    let context = format!("SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let fake = Fake::start().await;
    let log = Durable::new(fake.kill.clone());
    let mut noted = false;
    let lives = random.u32(1..=3);
    for life in 0..lives {
        let faulty = random.u64(..);
        let mut faults = fastrand::Rng::with_seed(faulty);
        fake.plan(move |method, _| match (method, faults.u32(0..100)) {
            ("POST", 60..68) => Fault::LostBefore,
            ("POST", 68..76) => Fault::LostAfter,
            ("POST", 76..80) => Fault::StatusAfter(500),
            ("POST", 80..84) => Fault::StatusBefore(503),
            (_, 84..92) => Fault::KillBefore,
            (_, 92..100) => Fault::KillAfter,
            _ => Fault::None,
        });
        *log.left.lock().unwrap() = random.bool().then(|| (random.u32(0..10), random.bool()));
        let done = run(&fake, &log).await;
        tally.killed += u32::from(done.is_none());
        let open = log.inner.open().await.unwrap();
        noted |= open.iter().any(|intent| intent.call() == "ConvertAndTransfer.converted");
        noted |= matches!(done, Some(Done::Transferred(_)));
        let state = fake.state();
        assert!(
            state.conversions.len() <= 1 && state.transfers.len() <= 1,
            "{context}, life {life}: {done:?}"
        );
    }
    // The last life has no faults.
    fake.plan(|_, _| Fault::None);
    *log.left.lock().unwrap() = None;
    let done = run(&fake, &log).await.unwrap();
    let state = fake.state();
    assert!(state.conversions.len() <= 1 && state.transfers.len() <= 1, "{context}: {done:?}");
    match &done {
        Done::Transferred(_) => {
            tally.transferred += 1;
            assert_eq!((state.conversions.len(), state.transfers.len()), (1, 1), "{context}");
        }
        Done::ConversionUnknown(_) | Done::ConversionInterrupted { .. } => {
            tally.unknown += 1;
            assert!(!noted, "{context}: the conversion was noted: {done:?}");
            assert_eq!(state.transfers.len(), 0, "{context}");
        }
        other => panic!("{context}: {other:?}"),
    }
}

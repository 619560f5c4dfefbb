//! The other process: how it is started, what it does, and what it says.

use super::delivery;
use crate::{
    common::at,
    places::{self, Durable},
};
use capecrypto_webhook::{Ended, Inbox, Kept, Queue, Taken, Verified, Work};
use fastrand::Rng;
use std::{
    collections::HashMap,
    env,
    io::{BufRead as _, Write as _},
    process::Stdio,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{ChildStdout, Command},
};

/// What the process is to do: store, place, mode, time, seed, and events, with a line for each.
const TASK: &str = "CAPECRYPTO_TEST_CHILD";

/// Handlers that run at once.
const TASKS: usize = 8;

/// What a process says on a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    Ready,
    /// A handler of this event begins.
    Began(usize),
    /// It fails. This is said before the store knows it, because the next handler may begin at once then.
    Failed(usize),
    Finished(usize),
    /// A delivery of this event was answered with 200.
    Answered(usize),
    /// Something that must not happen.
    Other(String),
}

impl Said {
    fn say(&self) {
        let text = match self {
            Self::Ready => "ready 0".to_owned(),
            Self::Began(event) => format!("began {event}"),
            Self::Failed(event) => format!("failed {event}"),
            Self::Finished(event) => format!("finished {event}"),
            Self::Answered(event) => format!("answered {event}"),
            Self::Other(problem) => format!("problem: {}", problem.replace('\n', " ")),
        };
        // In one write, past the capture of the test's output. If nobody reads it, the other one is gone.
        let _ = std::io::stdout().write_all(format!("@{text}\n").as_bytes());
    }

    fn hear(text: &str) -> Self {
        let other = || Self::Other(text.to_owned());
        let Some((word, event)) = text.split_once(' ') else { return other() };
        let Ok(event) = event.parse() else { return other() };
        match word {
            "ready" => Self::Ready,
            "began" => Self::Began(event),
            "failed" => Self::Failed(event),
            "finished" => Self::Finished(event),
            "answered" => Self::Answered(event),
            _ => other(),
        }
    }
}

pub(super) struct Child {
    process: tokio::process::Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Child {
    pub(super) fn start(store: &str, place: &str, mode: &str, now: i64, seed: u64, events: &[usize]) -> Self {
        let events: Vec<String> = events.iter().map(ToString::to_string).collect();
        let mut process = Command::new(env::current_exe().unwrap())
            .args(["--exact", "kills::child", "--nocapture", "--test-threads=1"])
            .env(TASK, format!("{store}\n{place}\n{mode}\n{now}\n{seed}\n{}", events.join(" ")))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { process, lines }
    }

    /// What it says next. `None`: it has ended.
    pub(super) async fn next(&mut self) -> Option<Said> {
        loop {
            let line = self.lines.next_line().await.unwrap()?;
            // The harness writes lines too. A last line that was cut off cannot be told from a whole one, but each is one write.
            if let Some((_, text)) = line.split_once('@') {
                return Some(Said::hear(text));
            }
        }
    }

    pub(super) async fn go(&mut self) {
        self.process.stdin.as_mut().unwrap().write_all(b"go\n").await.unwrap();
    }

    pub(super) fn kill(&mut self) {
        self.process.start_kill().unwrap();
    }

    pub(super) async fn was_killed(mut self) {
        let status = self.process.wait().await.unwrap();
        assert!(!status.success(), "it ended by itself: {status}");
    }

    pub(super) async fn ended(mut self) {
        let status = self.process.wait().await.unwrap();
        assert!(status.success(), "{status}");
    }
}

/// Does what the variable says. Without it, this is an ordinary test.
pub(super) fn run() {
    let Ok(task) = env::var(TASK) else { return };
    let task: Vec<&str> = task.split('\n').collect();
    let [store, place, mode, now, seed, events] = task[..] else { panic!("{task:?}") };
    let events = events.split_whitespace().map(|event| event.parse().unwrap()).collect();
    let task =
        Task { mode, now: now.parse().unwrap(), seed: seed.parse().unwrap(), events: Mutex::new(events) };
    places::runtime().block_on(async {
        match store {
            "sqlite" => task.run(places::Sqlite::at(place).await).await,
            "postgres" => task.run(places::Postgres::at(place).await).await,
            _ => task.run(places::Redis::at(place).await).await,
        }
    });
}

struct Task<'a> {
    mode: &'a str,
    now: i64,
    seed: u64,
    events: Mutex<Vec<usize>>,
}

impl Task<'_> {
    async fn run<P: Durable<Store: Queue>>(self, place: P) {
        let hangs = self.mode == "until killed";
        let handlers = Handlers {
            inbox: Inbox::new(place.store()).attempts(u32::MAX).backoff(Duration::ZERO, Duration::ZERO),
            place,
            now: self.now,
            hangs,
            random: Mutex::new(Rng::with_seed(self.seed)),
            running: AtomicUsize::new(0),
            names: (0..super::EVENTS).map(|event| (format!("PAY-{event}"), event)).collect(),
        };
        Said::Ready.say();
        if self.mode == "claim" {
            std::io::stdin().lock().read_line(&mut String::new()).unwrap();
            let one = delivery(0);
            let claims = (0..25).map(|_| handlers.claim(&one));
            futures_util::future::join_all(claims).await;
            return;
        }
        let tasks = (0..TASKS).map(|number| handlers.work(&self.events, number % 2 == 0));
        futures_util::future::join_all(tasks).await;
    }
}

struct Handlers<P: Durable> {
    place: P,
    inbox: Inbox<P::Store>,
    now: i64,
    /// Handlers may hang, and the process does not end by itself.
    hangs: bool,
    random: Mutex<Rng>,
    running: AtomicUsize,
    names: HashMap<String, usize>,
}

impl<P: Durable<Store: Queue>> Handlers<P> {
    /// Takes a delivery as a receiver does, with a handler that fails at its first attempt.
    async fn claim(&self, one: &Verified) {
        let now = at(self.now);
        match self.inbox.take(one, now).await {
            Ok(Taken::Run(mut work)) => {
                Said::Began(0).say();
                tokio::time::sleep(Duration::from_millis(1)).await;
                if P::TRANSACTIONS || work.attempt() > 1 {
                    self.place.effect(work.transaction(), "0").await;
                }
                if work.attempt() == 1 {
                    Said::Failed(0).say();
                    self.check(&work.fail("on purpose", now).await);
                } else {
                    if self.check(&work.finish(now).await) {
                        Said::Finished(0).say();
                    }
                }
            }
            Ok(Taken::Running(_) | Taken::Finished) => {}
            other => Said::Other(format!("{other:?}")).say(),
        }
    }

    /// Delivers events, or handles those that wait.
    async fn work(&self, events: &Mutex<Vec<usize>>, delivers: bool) {
        loop {
            let event = if delivers { events.lock().unwrap().pop() } else { None };
            let now = at(self.now);
            match event {
                // Half of them are handled at once, half are kept for a worker.
                Some(event) if event % 2 == 0 => match self.inbox.put(&delivery(event), now).await {
                    Ok(Kept::New | Kept::Known) => Said::Answered(event).say(),
                    other => Said::Other(format!("{other:?}")).say(),
                },
                Some(event) => match self.inbox.take(&delivery(event), now).await {
                    Ok(Taken::Run(work)) => {
                        if self.handle(event, work).await {
                            Said::Answered(event).say();
                        } else {
                            events.lock().unwrap().insert(0, event);
                        }
                    }
                    Ok(Taken::Finished) => Said::Answered(event).say(),
                    Ok(Taken::Running(_)) => {}
                    other => Said::Other(format!("{other:?}")).say(),
                },
                None => match self.inbox.next(now).await {
                    Ok(Some((event, work))) => {
                        let event = self.names[event.reference().unwrap()];
                        self.handle(event, work).await;
                    }
                    Ok(None) => {
                        let idle =
                            events.lock().unwrap().is_empty() && self.running.load(Ordering::SeqCst) == 0;
                        if idle && !self.hangs {
                            return;
                        }
                        tokio::time::sleep(Duration::from_millis(5)).await;
                    }
                    Err(error) => Said::Other(format!("{error:?}")).say(),
                },
            }
        }
    }

    /// Answers whether it has finished.
    async fn handle(&self, event: usize, mut work: Work<'_, P::Store>) -> bool {
        self.running.fetch_add(1, Ordering::SeqCst);
        Said::Began(event).say();
        let (dice, wait) = {
            let mut random = self.random.lock().unwrap();
            (random.u32(0..100), random.u64(0..3_000))
        };
        tokio::time::sleep(Duration::from_micros(wait)).await;
        let (now, text) = (at(self.now), event.to_string());
        let finished = match dice {
            0..10 => {
                Said::Failed(event).say();
                self.check(&work.fail("on purpose", now).await);
                false
            }
            10..12 if self.hangs => std::future::pending().await,
            12..14 if self.hangs => {
                self.place.effect(work.transaction(), &text).await;
                std::future::pending().await
            }
            // Without a transaction, this effect would stay.
            14..20 if P::TRANSACTIONS => {
                self.place.effect(work.transaction(), &text).await;
                Said::Failed(event).say();
                self.check(&work.fail("on purpose", now).await);
                false
            }
            _ => {
                self.place.effect(work.transaction(), &text).await;
                let finished = self.check(&work.finish(now).await);
                if finished {
                    Said::Finished(event).say();
                }
                finished
            }
        };
        self.running.fetch_sub(1, Ordering::SeqCst);
        finished
    }

    /// Answers whether the end was kept. Nothing else may happen here.
    fn check<E: std::fmt::Debug>(&self, ended: &Result<Ended, E>) -> bool {
        let kept = matches!(ended, Ok(Ended::Kept));
        if !kept {
            Said::Other(format!("{ended:?}")).say();
        }
        kept
    }
}

//! What the tests of receivers, workers and reconciliations have in common: a handler that can be told what to do, and what it and
//! the observer have seen.

use crate::queue_store::QueueStore;
use capecrypto_auth::{Clock, ManualTime};
use capecrypto_models::Timestamp;
use capecrypto_webhook::{Handler, Incoming, Notice, Transaction, Verifier};
use std::{
    collections::VecDeque,
    fmt::Write as _,
    future::pending,
    sync::{Arc, Mutex},
    time::Duration,
};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

pub(crate) const SECRET: &str = "canary-secret";

pub(crate) fn verifier() -> Verifier {
    Verifier::hmac("2026", SECRET).unwrap()
}

/// Some minutes after the time of the samples.
pub(crate) fn start() -> Timestamp {
    "2025-01-17T10:30:00Z".parse().unwrap()
}

/// A clock that stands at the start.
pub(crate) fn clock() -> (Clock, ManualTime) {
    Clock::manual(u64::try_from(start().as_unix_millis()).unwrap())
}

/// What a handler does.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Act {
    Finish,
    Fail(&'static str),
    /// Before it has a future.
    PanicAtOnce,
    Panic,
    Hang,
    Sleep(Duration),
}

/// A handler that writes the key of each event with the store's transaction, and then acts as it is told; it finishes if nothing
/// is left to do.
#[derive(Debug, Default, Clone)]
pub(crate) struct Shop(Arc<Mutex<Seen>>);

#[derive(Debug, Default)]
struct Seen {
    acts: VecDeque<Act>,
    incoming: Vec<Incoming>,
    finished: Vec<String>,
    running: usize,
    most_running: usize,
}

/// Also if the handler is cut off.
struct Running(Arc<Mutex<Seen>>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.lock().unwrap().running -= 1;
    }
}

impl Shop {
    pub(crate) fn acting(acts: impl IntoIterator<Item = Act>) -> Self {
        Self(Arc::new(Mutex::new(Seen { acts: acts.into_iter().collect(), ..Seen::default() })))
    }

    pub(crate) fn incoming(&self) -> Vec<Incoming> {
        self.0.lock().unwrap().incoming.clone()
    }

    /// The keys of the events that it was given.
    pub(crate) fn given(&self) -> Vec<String> {
        self.incoming().iter().map(|incoming| incoming.key.to_string()).collect()
    }

    pub(crate) fn finished(&self) -> Vec<String> {
        self.0.lock().unwrap().finished.clone()
    }

    pub(crate) fn running(&self) -> usize {
        self.0.lock().unwrap().running
    }

    pub(crate) fn most_running(&self) -> usize {
        self.0.lock().unwrap().most_running
    }

    fn enter(&self, incoming: Incoming) -> (Act, Running) {
        let mut seen = self.0.lock().unwrap();
        seen.incoming.push(incoming);
        seen.running += 1;
        seen.most_running = seen.most_running.max(seen.running);
        (seen.acts.pop_front().unwrap_or(Act::Finish), Running(self.0.clone()))
    }
}

impl Handler<QueueStore> for Shop {
    type Error = &'static str;

    fn handle(
        &self,
        incoming: Incoming,
        transaction: &mut Transaction<'_, QueueStore>,
    ) -> impl Future<Output = Result<(), &'static str>> + Send {
        let key = incoming.key.to_string();
        let (act, running) = self.enter(incoming);
        assert!(!matches!(act, Act::PanicAtOnce), "canary in a panic");
        async move {
            let _running = running;
            transaction.push(key.clone());
            tokio::task::yield_now().await;
            match act {
                Act::Fail(why) => return Err(why),
                Act::Panic => panic!("canary in a panic"),
                Act::Hang => pending().await,
                Act::Sleep(time) => tokio::time::sleep(time).await,
                Act::Finish | Act::PanicAtOnce => {}
            }
            self.0.lock().unwrap().finished.push(key);
            Ok(())
        }
    }
}

/// What the observer was told, each in a few words.
#[derive(Debug, Default, Clone)]
pub(crate) struct Told(Arc<Mutex<Vec<String>>>);

impl Told {
    pub(crate) fn observer(&self) -> impl Fn(Notice<'_>) + Send + Sync + 'static {
        let told = self.0.clone();
        move |notice| {
            let text = match notice {
                Notice::Rejected(rejection) => format!("rejected {}", rejection.status()),
                // With every delivery; it has a test of its own.
                Notice::Verified { .. } => return,
                Notice::Queued { key } => format!("queued {key}"),
                Notice::Duplicate { key } => format!("duplicate {key}"),
                Notice::Running { key, until } => format!("running {key} until {until}"),
                Notice::Dead { key } => format!("dead {key}"),
                Notice::Stale { key, time } => format!("stale {} of {time}", key.event()),
                Notice::Started { attempt, .. } => format!("started {attempt}"),
                Notice::Finished { attempt, .. } => format!("finished {attempt}"),
                Notice::Failed { attempt, why, last, .. } => {
                    format!("failed {attempt} {why:?}{}", if last { ", the last" } else { "" })
                }
                Notice::Lost { attempt, .. } => format!("lost {attempt}"),
                Notice::StoreDown(error) => format!("down: {error}"),
                _ => "something new".to_owned(),
            };
            told.lock().unwrap().push(text);
        }
    }

    /// What was told since the last time.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// Writes down every span and event of every crate, at every level.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<String>>);

impl Log {
    pub(crate) fn text(&self) -> String {
        self.0.lock().unwrap().clone()
    }

    /// The lines with this text.
    pub(crate) fn lines(&self, with: &str) -> Vec<String> {
        self.text().lines().filter(|line| line.contains(with)).map(str::to_owned).collect()
    }
}

struct Fields<'a>(&'a mut String);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        write!(self.0, "{field}={value:?} ").unwrap();
    }
}

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, attributes: &span::Attributes<'_>) -> span::Id {
        let mut text = self.0.lock().unwrap();
        write!(text, "span {} ", attributes.metadata().name()).unwrap();
        attributes.record(&mut Fields(&mut text));
        text.push('\n');
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, values: &span::Record<'_>) {
        values.record(&mut Fields(&mut self.0.lock().unwrap()));
    }
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut text = self.0.lock().unwrap();
        write!(text, "{} ", event.metadata().level()).unwrap();
        event.record(&mut Fields(&mut text));
        text.push('\n');
    }
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

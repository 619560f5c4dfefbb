//! Handles the events that a store keeps.

use crate::{
    Event, Handler, Inbox, Incoming, Notice, Queue, WebhookEvent,
    handling::{Handling, Panicked, Ran, caught, first, has_timers},
    notice::Observer,
};
use capecrypto_auth::Clock;
use std::{
    fmt,
    marker::PhantomData,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    runtime::Handle,
    sync::{Mutex, Notify, watch},
    task::JoinSet,
    time::{sleep, timeout},
};

const DEADLINE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_secs(1);
const SHORTEST_POLL: Duration = Duration::from_millis(10);
const GRACE: Duration = Duration::from_secs(30);
/// For the ends of the handlers that were cut off: each asks the store once.
const LAST_WORDS: Duration = Duration::from_secs(10);
const MOST_TASKS: usize = 1_000;

/// How long it waits after the store has failed. The time doubles up to the longest.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Handles the events that a [queued](crate::Receiver::queued) receiver has kept, also those of other processes with the same
/// store.
///
/// It asks the store for the event that is due for the longest time, and handles up to four at once. When none is due, it asks
/// again after a second, or when its [bell](Self::bell) rings. An event whose handler has failed is due again after the
/// [backoff](Inbox::backoff) of the inbox, and dead after its last attempt: [`Inbox::dead`] lists those, [`Inbox::retry`] makes
/// one due again. If the store is down, it asks again after a second, and doubles that up to 30 seconds.
///
/// ```no_run
/// # async fn example<S: capecrypto_webhook::Queue + 'static>(store: S) -> Result<(), Box<dyn std::error::Error>> {
/// use capecrypto_webhook::{Inbox, Incoming, Receiver, Verifier, Worker};
/// use std::sync::Arc;
///
/// let inbox = Arc::new(Inbox::new(store));
/// let worker = Worker::new(inbox.clone(), |incoming: Incoming| async move {
///     println!("{}", incoming.key);
///     Ok::<(), std::io::Error>(())
/// });
/// let receiver = Receiver::queued(Verifier::hmac("2026", "my_secret_key")?, inbox).wakes(&worker.bell());
/// // … give the receiver to your server
/// let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
/// let working = tokio::spawn(worker.run_until(async { stopped.await.unwrap_or_default() }));
/// // … at the end of your program
/// let _ = stop.send(());
/// println!("{:?}", working.await??);
/// # Ok(())
/// # }
/// ```
#[must_use = "a worker does nothing until it is run"]
pub struct Worker<S, H, E = WebhookEvent> {
    shared: Shared<S, H, E>,
    tasks: usize,
    grace: Duration,
}

struct Shared<S, H, E> {
    inbox: Arc<Inbox<S>>,
    handler: H,
    handling: Handling,
    poll: Duration,
    bell: Bell,
    /// Whoever has it asks the store, and waits if nothing is due. So an idle worker asks once in a while, not once for each of
    /// its tasks. Inside is how long the next failure of the store makes it wait.
    turn: Mutex<Duration>,
    counts: Counts,
    events: PhantomData<fn() -> E>,
}

#[derive(Default)]
struct Counts {
    finished: AtomicU64,
    failed: AtomicU64,
}

/// Wakes a [`Worker`] that has nothing to do.
#[derive(Debug, Clone, Default)]
pub struct Bell(Arc<Notify>);

impl Bell {
    /// Lets the worker ask the store now. If it is just asking, it asks once more.
    pub fn ring(&self) {
        self.0.notify_one();
    }
}

/// What a worker has done until it was stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Drained {
    /// Handlers that have finished.
    pub finished: u64,
    /// Handlers that have failed, those included that had not finished after the time for it. Their events are given again.
    pub failed: u64,
}

/// A worker was run without a tokio runtime.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no tokio runtime with timers here: run the worker within one, built with `enable_time` or `enable_all`"
)]
pub struct NoRuntime;

/// How far the end of a worker is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Working,
    /// Nothing new is taken.
    Stopping,
    /// Handlers that are still running are cut off.
    Cutting,
}

impl<S: Queue, E: Event, H: Handler<S, E> + 'static> Worker<S, H, E> {
    /// A worker with four tasks.
    pub fn new(inbox: impl Into<Arc<Inbox<S>>>, handler: H) -> Self {
        let shared = Shared {
            inbox: inbox.into(),
            handler,
            handling: Handling::new(DEADLINE),
            poll: POLL,
            bell: Bell::default(),
            turn: Mutex::new(FIRST_WAIT),
            counts: Counts::default(),
            events: PhantomData,
        };
        Self { shared, tasks: 4, grace: GRACE }
    }

    /// How many events are handled at once: 1 to 1,000.
    pub fn tasks(self, tasks: usize) -> Self {
        Self { tasks: tasks.clamp(1, MOST_TASKS), ..self }
    }

    /// How long a handler may take; a minute if it is not set, and at most three quarters of the inbox's lease. When the time is
    /// over, its future is dropped, and what it wrote in the transaction is undone.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.shared.handling.deadline = deadline;
        self
    }

    /// How long it waits before it asks again when nothing is due; a second if it is not set, and at least 10 ms.
    pub fn poll_every(mut self, poll: Duration) -> Self {
        self.shared.poll = poll.max(SHORTEST_POLL);
        self
    }

    /// How long running handlers may take when it is stopped; 30 seconds if it is not set. Then they are cut off, which counts
    /// as a failed attempt.
    pub fn grace(self, grace: Duration) -> Self {
        Self { grace, ..self }
    }

    /// Tells what happened, for metrics and alarms. It replaces the last one, and must not block.
    pub fn on(mut self, tell: impl Fn(Notice<'_>) + Send + Sync + 'static) -> Self {
        self.shared.handling.observer = Observer::new(tell);
        self
    }

    /// Another clock than this machine's, for tests.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.shared.handling.clock = clock;
        self
    }

    /// What wakes it: for [`Receiver::wakes`](crate::Receiver::wakes), or to ring yourself, for example after
    /// [`Inbox::retry`].
    pub fn bell(&self) -> Bell {
        self.shared.bell.clone()
    }

    /// Works until `stop` is ready. Then it takes no more events, and waits until the running handlers have finished, or the
    /// [time](Self::grace) for that is over.
    ///
    /// If this future is dropped, the handlers are cut off, and their events are given again when their leases are over.
    ///
    /// # Errors
    /// [`NoRuntime`] if there is no tokio runtime with timers.
    pub async fn run_until(self, stop: impl Future<Output = ()>) -> Result<Drained, NoRuntime> {
        if Handle::try_current().is_err() || !has_timers() {
            return Err(NoRuntime);
        }
        let shared = Arc::new(self.shared);
        let (phase, phases) = watch::channel(Phase::Working);
        let mut tasks = JoinSet::new();
        for _ in 0..self.tasks {
            tasks.spawn(drain(shared.clone(), phases.clone()));
        }
        stop.await;
        phase.send_replace(Phase::Stopping);
        if timeout(self.grace, all(&mut tasks)).await.is_err() {
            phase.send_replace(Phase::Cutting);
            // What is left then asks a store that does not answer.
            let _ = timeout(LAST_WORDS, all(&mut tasks)).await;
            tasks.shutdown().await;
        }
        let Counts { finished, failed } = &shared.counts;
        Ok(Drained { finished: finished.load(Ordering::SeqCst), failed: failed.load(Ordering::SeqCst) })
    }
}

async fn all(tasks: &mut JoinSet<()>) {
    while tasks.join_next().await.is_some() {}
}

/// One of the tasks.
async fn drain<S: Queue, E: Event, H: Handler<S, E>>(
    shared: Arc<Shared<S, H, E>>,
    phases: watch::Receiver<Phase>,
) {
    while *phases.borrow() == Phase::Working {
        // The store's code may panic where `ask` does not catch it: when a transaction is dropped.
        if let Err(Panicked) = caught(shared.step(&phases)).await {
            let _ = first(sleep(FIRST_WAIT), reached(&phases, Phase::Stopping)).await;
        }
    }
}

/// Ready when the worker is so far, or was dropped.
async fn reached(phases: &watch::Receiver<Phase>, wanted: Phase) {
    let _ = phases.clone().wait_for(|phase| *phase >= wanted).await;
}

impl<S: Queue, E: Event, H: Handler<S, E>> Shared<S, H, E> {
    /// Handles one event, or waits.
    async fn step(&self, phases: &watch::Receiver<Phase>) {
        let stopping = || reached(phases, Phase::Stopping);
        let Some(mut wait) = first(self.turn.lock(), stopping()).await else { return };
        // A stop does not cut this off, because the store may already have noted the claim.
        match self.handling.ask(self.inbox.next_as::<E>(self.handling.now())).await {
            Ok(Some((event, work))) => {
                *wait = FIRST_WAIT;
                drop(wait);
                let incoming = Incoming::new(event, &work);
                let cut = reached(phases, Phase::Cutting);
                let ran = self.handling.run(&self.inbox, work, &self.handler, incoming, cut).await;
                let counts = &self.counts;
                let count = if matches!(ran, Ok(Ran::Finished)) { &counts.finished } else { &counts.failed };
                count.fetch_add(1, Ordering::SeqCst);
            }
            Ok(None) => {
                *wait = FIRST_WAIT;
                let rung = first(self.bell.0.notified(), sleep(self.poll));
                let _ = first(rung, stopping()).await;
            }
            Err(_) => {
                let now = *wait;
                *wait = now.saturating_mul(2).min(LONGEST_WAIT);
                // Not woken by the bell: what rings it cannot reach the store either.
                let _ = first(sleep(now), stopping()).await;
            }
        }
    }
}

impl<S, H, E> fmt::Debug for Worker<S, H, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker")
            .field("tasks", &self.tasks)
            .field("handling", &self.shared.handling)
            .finish_non_exhaustive()
    }
}

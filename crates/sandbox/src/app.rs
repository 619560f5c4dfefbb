//! What all sockets share: one engine behind one lock, the clock, the accounts, the websocket hub, the faults.
//!
//! Lock order: engine, then hub; the funds stand alone. Nothing is awaited while a lock is held.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};

use crate::accounts::Directory;
use crate::clock::Clock;
use crate::config::Config;
use crate::engine::Engine;
use crate::faults::Faults;
use crate::funds::Funds;
use crate::ws::hub::Hub;

/// Events told in one go before sockets get a turn to write theirs.
const BATCH: usize = 32;
/// How often, and how long each time, a batch waits for a crowded socket.
const CROWDED_WAITS: usize = 50;
const CROWDED_PAUSE: Duration = Duration::from_millis(1);

/// The shared state.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) config: Config,
    pub(crate) clock: Clock,
    pub(crate) directory: Directory,
    pub(crate) hub: Hub,
    pub(crate) faults: Faults,
    engine: Mutex<Engine>,
    funds: Mutex<Funds>,
    wake: Notify,
    stop: watch::Sender<bool>,
}

impl App {
    pub(crate) fn new(config: Config) -> Self {
        let clock = Clock::default();
        let engine = Engine::new(config.profile.rules(), clock.now_ms());
        let app = Self {
            hub: Hub::new(config.profile),
            config,
            clock,
            directory: Directory::demo(),
            faults: Faults::default(),
            engine: Mutex::new(engine),
            funds: Mutex::default(),
            wake: Notify::new(),
            stop: watch::Sender::new(false),
        };
        app.tell_all();
        app
    }

    /// The engine, for as long as the guard lives.
    pub(crate) fn engine(&self) -> MutexGuard<'_, Engine> {
        self.engine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Beneficiaries and history, for as long as the guard lives.
    pub(crate) fn funds(&self) -> MutexGuard<'_, Funds> {
        self.funds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says that there is something to carry out or to tell.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Hands every waiting event to the hub now, ahead of the worker's own pace.
    pub(crate) fn tell_all(&self) {
        let mut engine = self.engine();
        while let Some(event) = engine.next_event() {
            self.hub.publish(&event);
        }
    }

    /// Ends every socket and task.
    pub(crate) fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Resolves once [`App::stop`] was called.
    pub(crate) async fn stopped(&self) {
        let mut stop = self.stop.subscribe();
        // An error means that the sender is gone, which is the end as well.
        let _ended = stop.wait_for(|stopped| *stopped).await;
    }

    /// Carries out accepted commands and tells their events, until stopped.
    pub(crate) async fn work(&self) {
        loop {
            if self.work_once() {
                self.let_sockets_write().await;
                continue;
            }
            tokio::select! {
                () = self.wake.notified() => {}
                () = self.stopped() => return,
            }
        }
    }

    /// Gives sockets a turn between batches, so that a burst of ours doesn't overrun the queue of a client that
    /// reads. One that doesn't read holds things up for a moment only, and is dropped with the next batches.
    async fn let_sockets_write(&self) {
        tokio::task::yield_now().await;
        for _ in 0..CROWDED_WAITS {
            if !self.hub.is_crowded() {
                return;
            }
            tokio::time::sleep(CROWDED_PAUSE).await;
        }
    }

    /// Tells a batch of events or, where none wait, carries out one command. False where there is nothing to do.
    fn work_once(&self) -> bool {
        let mut engine = self.engine();
        for told in 0..BATCH {
            match engine.next_event() {
                Some(event) => self.hub.publish(&event),
                None if told > 0 => return true,
                None => return engine.step(self.clock.now_ms()),
            }
        }
        true
    }

    /// Publishes tickers and candles to whoever subscribed to them, until stopped.
    pub(crate) async fn publish_periodically(&self) {
        let mut tickers = interval(self.config.tickers_every);
        let mut candles = interval(self.config.candles_every);
        loop {
            tokio::select! {
                _ = tickers.tick() => crate::ws::periodic::tickers(self),
                _ = candles.tick() => crate::ws::periodic::candles(self),
                () = self.stopped() => return,
            }
        }
    }
}

fn interval(every: Duration) -> tokio::time::Interval {
    let mut interval = tokio::time::interval(every.max(Duration::from_millis(1)));
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    interval
}

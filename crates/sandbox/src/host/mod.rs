//! The running exchange: one state behind one lock, the clock, the keys, the websocket hub, the faults.
//!
//! 1. Only the methods of [`Host`] change the state; all other code reads it with [`Host::read`].
//! 2. The lock is held to carry out commands and to copy data; answers are made after it is released.
//! 3. Lock order: state, then hub, then a socket's queue. The locks of keys and faults are never held together with
//!    others. Nothing is awaited while a lock is held.

pub(crate) mod auth;
pub(crate) mod faults;
pub(crate) mod keys;
#[cfg(test)]
mod tests;
mod webhooks;

use self::{
    auth::Caller,
    faults::Faults,
    keys::{Account, Keys},
};
use crate::{
    base::{
        clock::Clock,
        config::Config,
        id::AccountId,
        record::{Line, Record, Shared},
        refusal::Refusal,
    },
    cabital::{
        Cabital, Digest, PairOrder, ReplayError as CabitalReplayError, Signing,
        command::PREFIX,
        room::{Outlet, Room},
    },
    exchange::{
        Exchange, ReplayError,
        catalogue::{Catalogue, Market, NotAdded},
        command::{Command, Holds},
        market::{
            commands::CarryOut,
            engine::Rules,
            stats::{self, PERIODS, Ticker},
        },
        people::{AddAccount, People, Role},
    },
    stream::{hub::Hub, periodic},
};
use http::{HeaderMap, Method};
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicU64},
    time::Duration,
};
use tokio::sync::{Notify, watch};

/// How many events with subscribers are sent to the hub before the sockets get time to write.
const BATCH: usize = 32;
/// How many commands and events are handled at most before others may use the state, and the sockets get time to write.
const STEPS: usize = 256;
/// How often, and how long each time, the worker waits for sockets whose queue is nearly full.
const CROWDED_WAITS: usize = 50;
const CROWDED_PAUSE: Duration = Duration::from_millis(1);
/// The longest wait for a timer, because the clock may be moved during the wait.
const LONGEST_WAIT_MS: i64 = 3_600_000;

/// Why a line of a record could not be carried out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotReplayed {
    #[error("{0}")]
    Exchange(#[from] ReplayError),
    #[error("{0}")]
    Cabital(#[from] CabitalReplayError),
}

/// The shared state.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) config: Config,
    pub(crate) clock: Arc<Clock>,
    pub(crate) keys: Keys,
    pub(crate) hub: Arc<Hub>,
    pub(crate) faults: Faults,
    /// Cabital, which has its own state, keys and faults.
    pub(crate) cabital: Arc<Room>,
    pub(crate) cabital_faults: Faults,
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) people: Arc<People>,
    state: Mutex<State>,
    wake: Notify,
    /// Wakes who sends webhooks.
    due_attempt: Notify,
    /// The newest delivery of a webhook that was made by a replay; 0 if there is none.
    last_replayed: AtomicU64,
    stop: watch::Sender<bool>,
}

#[derive(Debug)]
struct State {
    exchange: Exchange,
    record: Shared,
    /// The deliveries of webhooks with an attempt on its way.
    sending: BTreeSet<u64>,
}

impl State {
    /// Carries out a command now. Writes it to the record, if there is one.
    fn command<C: Command>(&mut self, clock: &Clock, command: C) -> C::Answer
    where
        Exchange: Holds<C::Part>,
    {
        // Read under the lock, so that the record's times are in the order of its lines.
        let now_ms = clock.now_ms();
        self.record.command(now_ms, C::NAME, &command);
        self.exchange.run(command, now_ms)
    }
}

impl Host {
    /// An exchange without currencies, markets and accounts.
    pub(crate) fn new(config: Config, seed: u64, record: Option<Record>) -> Self {
        let exchange = Exchange::new(seed, Rules::of(config.profile));
        let (clock, record) = (Arc::<Clock>::default(), Shared::new(record));
        let quote_valid_s = i64::try_from(config.cabital.quote_valid.as_secs()).unwrap_or(i64::MAX);
        let signing = Signing {
            query_in_path: config.cabital.query_in_path,
            digest: if config.cabital.base64 { Digest::Base64 } else { Digest::Hex },
        };
        let pair_order = if config.cabital.quoted_pairs { PairOrder::Quoted } else { PairOrder::BoughtSold };
        let cabital = Cabital::new(seed, quote_valid_s, pair_order);
        let outlet = Outlet { hosts: config.webhook_hosts.clone(), longest: config.webhook_timeout };
        let cabital = Room::new(cabital, Arc::clone(&clock), record.clone(), signing, outlet);
        Self {
            cabital: Arc::new(cabital),
            cabital_faults: Faults::default(),
            hub: Arc::new(Hub::new(config.profile)),
            config,
            clock,
            keys: Keys::default(),
            faults: Faults::default(),
            catalogue: Arc::clone(exchange.catalogue()),
            people: Arc::clone(exchange.people()),
            state: Mutex::new(State { exchange, record, sending: BTreeSet::new() }),
            wake: Notify::new(),
            due_attempt: Notify::new(),
            last_replayed: AtomicU64::new(0),
            stop: watch::Sender::new(false),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the exchange. Writes the command to the record, if there is one.
    pub(crate) fn command<C: Command>(&self, command: C) -> C::Answer
    where
        Exchange: Holds<C::Part>,
    {
        let mut state = self.state();
        let answer = state.command(&self.clock, command);
        self.tell_sender(&state);
        drop(state);
        self.wake.notify_one();
        answer
    }

    /// Reads the exchange under the lock. The closure copies out what it needs.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&Exchange) -> T) -> T {
        read(&self.state().exchange)
    }

    /// Carries out a line of a record, and publishes its events.
    pub(crate) fn replay(&self, line: &Line) -> Result<(), NotReplayed> {
        if line.name.starts_with(PREFIX) {
            return Ok(self.cabital.replay(line)?);
        }
        let mut state = self.state();
        let State { exchange, record, .. } = &mut *state;
        exchange.replay(&line.name, line.with(), line.at_ms)?;
        record.line(line);
        while let Some(event) = exchange.next_event() {
            self.hub.publish(event);
        }
        Ok(())
    }

    /// The number of recorded commands, or why recording stopped. `None` if there is no record.
    pub(crate) fn recorded(&self) -> Option<Result<u64, String>> {
        self.state().record.state()
    }

    /// Opens an account and makes its keys.
    pub(crate) fn add_account(&self, name: &str, role: Role) -> Result<Arc<Account>, NotAdded> {
        let id = self.command(AddAccount { name: name.to_owned(), role })?;
        self.make_keys(id).ok_or(NotAdded::Invalid)
    }

    /// Makes the keys of an existing account.
    pub(crate) fn make_keys(&self, id: AccountId) -> Option<Arc<Account>> {
        let person = self.people.get(id)?;
        Some(self.keys.make(id, &person))
    }

    /// Who is calling, by the headers of a request.
    pub(crate) fn authenticate(&self, method: &Method, headers: &HeaderMap) -> Result<Caller, Refusal> {
        let window_ms = i128::try_from(self.config.auth_window.as_millis()).unwrap_or(i128::MAX);
        auth::authenticate(&self.keys, &self.people, self.clock.now_ms(), window_ms, method, headers)
    }

    /// Moves the clock, and fires the timers that are due, in order.
    pub(crate) fn advance_clock(&self, by_ms: i64) {
        self.clock.advance(by_ms);
        self.fire_due();
        self.cabital.fire_due();
        self.tell_all();
    }

    /// Sends all waiting events to the hub now, without waiting for the worker.
    pub(crate) fn tell_all(&self) {
        let mut state = self.state();
        while let Some(event) = state.exchange.next_event() {
            self.hub.publish(event);
        }
    }

    /// Ends every socket and task.
    pub(crate) fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Resolves once [`Host::stop`] was called.
    pub(crate) async fn stopped(&self) {
        let mut stop = self.stop.subscribe();
        // An error means that the sender is gone, which is the end as well.
        let _ended = stop.wait_for(|stopped| *stopped).await;
    }

    /// The worker: carries out accepted commands, fires timers and publishes events, until stopped.
    pub(crate) async fn work(&self) {
        loop {
            if self.work_once() {
                self.let_sockets_write().await;
                continue;
            }
            let due = self.until_due();
            tokio::select! {
                () = self.wake.notified() => {}
                () = tokio::time::sleep(due.unwrap_or_default()), if due.is_some() => {}
                () = self.stopped() => return,
            }
        }
    }

    /// Gives the sockets time to write between batches, so that a burst of events does not fill the queue of a client
    /// that reads. Sockets whose client does not read are not waited for.
    async fn let_sockets_write(&self) {
        tokio::task::yield_now().await;
        let mut waits = 0;
        while waits < CROWDED_WAITS && self.hub.is_crowded() {
            // As long as connections are being woken, they make progress.
            waits += usize::from(!self.hub.is_waking());
            tokio::time::sleep(CROWDED_PAUSE).await;
        }
    }

    /// Carries out commands and publishes their events, at most one batch, so that each socket can write the frames of
    /// many commands at once. If there is nothing to do, fires timers. False if there was nothing to do at all.
    fn work_once(&self) -> bool {
        let mut state = self.state();
        let (mut steps, mut told) = (0, 0);
        while steps < STEPS && told < BATCH {
            if let Some(event) = state.exchange.next_event() {
                told += usize::from(self.hub.publish(event));
            } else if state.exchange.engine().has_work() {
                state.command(&self.clock, CarryOut {});
            } else {
                break;
            }
            steps += 1;
        }
        if steps > 0 {
            self.tell_sender(&state);
            return true;
        }
        drop(state);
        self.fire_due()
    }

    /// Fires the timers that are due. False if there are none.
    fn fire_due(&self) -> bool {
        let mut state = self.state();
        let State { exchange, record, .. } = &mut *state;
        let now_ms = self.clock.now_ms();
        if exchange.next_due().is_none_or(|due_ms| due_ms > now_ms) {
            return false;
        }
        record.moment(now_ms);
        exchange.fire_due(now_ms);
        self.tell_sender(&state);
        true
    }

    /// The time until the next timer is due.
    fn until_due(&self) -> Option<Duration> {
        let due_ms = self.read(Exchange::next_due)?;
        let wait_ms = due_ms.saturating_sub(self.clock.now_ms()).clamp(1, LONGEST_WAIT_MS);
        Some(Duration::from_millis(wait_ms.unsigned_abs()))
    }

    /// Wakes the connections that have something to send, until stopped.
    pub(crate) async fn wake_connections(&self) {
        tokio::select! {
            () = self.hub.wake_connections() => {}
            () = self.stopped() => {}
        }
    }

    /// Publishes tickers and candles to their subscribers, until stopped.
    pub(crate) async fn publish_periodically(&self) {
        let mut tickers = interval(self.config.tickers_every);
        let mut candles = interval(self.config.candles_every);
        loop {
            tokio::select! {
                _ = tickers.tick() => periodic::tickers(&self.hub, || self.tickers()),
                _ = candles.tick() => periodic::candles(&self.hub, |market, period| {
                    let minutes = PERIODS.iter().find(|(name, _)| *name == period)?.1;
                    let market = self.catalogue.market(market)?;
                    self.read(|exchange| stats::last_candle(exchange.engine().trades(&market), minutes))
                }),
                () = self.stopped() => return,
            }
        }
    }

    /// The time, and the ticker of every market.
    pub(crate) fn tickers(&self) -> periodic::Tickers {
        let (now_ms, markets) = (self.clock.now_ms(), self.catalogue.markets());
        self.read(|exchange| {
            let ticker = |market: &Arc<Market>| Ticker::of(market, exchange.engine().trades(market), now_ms);
            (now_ms, markets.iter().map(|market| (market.id, ticker(market))).collect())
        })
    }
}

fn interval(every: Duration) -> tokio::time::Interval {
    let mut interval = tokio::time::interval(every.max(Duration::from_millis(1)));
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    interval
}

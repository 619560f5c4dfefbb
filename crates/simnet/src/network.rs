//! The network: handshakes, lines, and their faults.

use crate::{
    exchange::{Exchange, serve},
    fault::{Direction, Fault, Opening},
    journal::{Journal, Record},
    line::{Line, Pace},
    peer::Peer,
};
use capecrypto_stream::{Connect, ConnectError, Connection, Handshake};
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderValue};
use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{sync::Notify, time::sleep};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

type Script = dyn Fn(Peer) -> BoxFuture<'static, ()> + Send + Sync;

/// A simulated network to one exchange, for `Stream::builder` and `Live::builder`. Clones are the same network.
///
/// It needs a tokio runtime. Everything follows tokio's clock and the seed: on a paused clock and a single thread, the same seed
/// always gives the same run.
#[derive(Clone)]
pub struct Network(Arc<Inner>);

struct Inner {
    journal: Journal,
    exchange: Exchange,
    script: Option<Box<Script>>,
    state: Mutex<State>,
    healed: Notify,
}

struct State {
    random: fastrand::Rng,
    attempts: u64,
    next: VecDeque<Opening>,
    all: Option<Opening>,
    partition: Option<Direction>,
    usual: Pace,
    pace: Pace,
    lines: Vec<(u64, Line)>,
}

impl Network {
    /// A network without faults to a simulated [`Exchange`].
    pub fn new(seed: u64) -> Self {
        Self::build(seed, None)
    }

    /// A network where `script` is the server: it gets the raw websocket of each connection.
    pub fn scripted<F>(seed: u64, script: impl Fn(Peer) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self::build(seed, Some(Box::new(move |peer| Box::pin(script(peer)))))
    }

    fn build(seed: u64, script: Option<Box<Script>>) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let journal = Journal::new();
        let exchange = Exchange::new(journal.clone(), random.fork());
        let pace = Pace { shortest: Duration::ZERO, longest: Duration::ZERO, bytes_per_second: None };
        let state = State {
            random,
            attempts: 0,
            next: VecDeque::new(),
            all: None,
            partition: None,
            usual: pace.clone(),
            pace,
            lines: Vec::new(),
        };
        Self(Arc::new(Inner { journal, exchange, script, state: Mutex::new(state), healed: Notify::new() }))
    }

    /// Sets the usual latency of each write, a random time between the two. Without it, bytes arrive at once.
    #[must_use]
    pub fn with_latency(self, shortest: Duration, longest: Duration) -> Self {
        self.change(|state| {
            (state.usual.shortest, state.usual.longest) = (shortest, longest);
            state.pace = state.usual.clone();
        });
        self
    }

    /// The exchange behind the network. A scripted network does not use it.
    pub fn exchange(&self) -> Exchange {
        self.0.exchange.clone()
    }

    /// How many handshakes were tried so far.
    pub fn connections(&self) -> u64 {
        self.lock().attempts
    }

    /// How many connections are open now.
    pub fn open_connections(&self) -> usize {
        self.lock().lines.iter().filter(|(_, line)| line.is_open()).count()
    }

    /// Time since the network was made.
    pub fn elapsed(&self) -> Duration {
        self.0.journal.elapsed()
    }

    /// What happened so far: handshakes, frames, faults.
    pub fn records(&self) -> Vec<Record> {
        self.0.journal.records()
    }

    /// Makes something go wrong.
    pub fn fault(&self, fault: Fault) {
        self.0.journal.note(None, &format!("fault {fault:?}"));
        match fault {
            Fault::Opening(opening) => self.change(|state| state.next.push_back(opening)),
            Fault::Openings(opening) => self.change(|state| state.all = Some(opening)),
            Fault::Cut => self.lines().iter().for_each(Line::cut),
            Fault::CutInFrame => self.lines().iter().for_each(|line| line.cut_in_next_frame(true)),
            Fault::Partition(direction) => {
                self.change(|state| state.partition = Some(direction));
                self.lines().iter().for_each(|line| line.stop(Some(direction)));
            }
            Fault::Vanish => self.lines().iter().for_each(Line::vanish),
            Fault::Latency(shortest, longest) => self.pace(|pace| Pace { shortest, longest, ..pace }),
            Fault::Slow(speed) => self.pace(|pace| Pace { bytes_per_second: Some(speed), ..pace }),
            Fault::ClockJump(by) => self.0.journal.jump(by),
            fault => self.0.exchange.fault(fault),
        }
    }

    /// Ends all faults that last, and those that have not happened yet. Connections that are lost stay lost.
    pub fn heal(&self) {
        self.0.journal.note(None, "healed");
        self.change(|state| {
            state.next.clear();
            (state.all, state.partition) = (None, None);
            state.pace = state.usual.clone();
        });
        let usual = self.lock().usual.clone();
        for line in self.lines() {
            line.stop(None);
            line.cut_in_next_frame(false);
            line.pace(&usual);
        }
        self.0.exchange.heal();
        self.0.healed.notify_waiters();
    }

    /// A source of random numbers that follows from the seed.
    pub(crate) fn random(&self) -> fastrand::Rng {
        self.lock().random.fork()
    }

    fn pace(&self, change: impl Fn(Pace) -> Pace) {
        let pace = {
            let mut state = self.lock();
            state.pace = change(state.pace.clone());
            state.pace.clone()
        };
        self.lines().iter().for_each(|line| line.pace(&pace));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
    }

    fn lines(&self) -> Vec<Line> {
        let mut state = self.lock();
        state.lines.retain(|(_, line)| line.is_open());
        state.lines.iter().map(|(_, line)| line.clone()).collect()
    }

    /// Counts a handshake: its number, and what it comes to.
    fn begin(&self) -> (u64, Option<Opening>, Duration) {
        let mut state = self.lock();
        state.attempts += 1;
        let opening = state.next.pop_front().or(state.all);
        (state.attempts, opening, state.pace.longest)
    }

    /// Waits until a handshake can reach the server and its answer can come back.
    async fn reachable(&self) {
        loop {
            let healed = self.0.healed.notified();
            if self.lock().partition.is_none() {
                return;
            }
            healed.await;
        }
    }

    async fn open(&self, handshake: &Handshake) -> Result<Connection, ConnectError> {
        let (number, opening, latency) = self.begin();
        let note = |what: &str| self.0.journal.note(Some(number), what);
        let kind = if handshake.private { "private" } else { "public" };
        note(&format!("{kind} handshake {}: {}", handshake.query, words(opening)));
        self.reachable().await;
        if !latency.is_zero() {
            sleep(latency.saturating_mul(2)).await;
        }
        match opening {
            Some(Opening::Reset) => {
                return Err(ConnectError::new("the connection was reset in the handshake"));
            }
            Some(Opening::Unavailable { retry_after }) => {
                let error = ConnectError::new("the server answered 503");
                return Err(match retry_after {
                    Some(wait) => error.retry_after(wait),
                    None => error,
                });
            }
            Some(Opening::Unauthorized) => {
                return Err(ConnectError::refused("the server refused the credentials"));
            }
            Some(Opening::Silent) => std::future::pending::<()>().await,
            Some(Opening::NotAWebsocket | Opening::DropBeforeRead | Opening::LivesFor(_)) | None => {}
        }
        let (line, ours, theirs) = {
            let mut state = self.lock();
            let pace = state.pace.clone();
            let opened = Line::new(&pace, &mut state.random);
            state.lines.push((number, opened.0.clone()));
            opened
        };
        match opening {
            Some(Opening::DropBeforeRead) => line.cut(),
            Some(Opening::LivesFor(time)) => {
                let line = line.clone();
                tokio::spawn(async move {
                    sleep(time).await;
                    line.cut();
                });
            }
            _ => {}
        }
        let (private, query) = (handshake.private, handshake.query.clone());
        let (network, exchange) = (self.clone(), self.exchange());
        tokio::spawn(async move {
            match &network.0.script {
                Some(script) => script(Peer::new(number, private, query, theirs).await).await,
                None => serve(exchange, line, number, private, &query, theirs).await,
            }
        });
        let key = handshake.headers.iter().find(|(name, _)| *name == "sec-websocket-key");
        let accept = match (key, opening) {
            (Some(_), Some(Opening::NotAWebsocket)) => "of another protocol".to_owned(),
            (Some((_, key)), _) => derive_accept_key(key.as_bytes()),
            (None, _) => return Err(ConnectError::new("the handshake has no sec-websocket-key")),
        };
        let mut headers = HeaderMap::new();
        if let Ok(accept) = HeaderValue::from_str(&accept) {
            headers.insert("sec-websocket-accept", accept);
        }
        Ok(Connection::new(headers, ours))
    }
}

fn words(opening: Option<Opening>) -> String {
    opening.map_or_else(|| "accepted".to_owned(), |opening| format!("{opening:?}"))
}

impl Connect for Network {
    fn connect<'a>(&'a self, handshake: &'a Handshake) -> BoxFuture<'a, Result<Connection, ConnectError>> {
        Box::pin(self.open(handshake))
    }

    fn unix_millis(&self) -> u64 {
        self.0.journal.unix_millis()
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network").field("connections", &self.connections()).finish_non_exhaustive()
    }
}

//! Starting and stopping.

use crate::{
    base::{
        config::{Config, Profile},
        id::Code,
    },
    door::control::Control,
    exchange::{
        catalogue::{Currency, Market, NotAdded},
        demo,
        funds::Deposit,
        market::commands::{AddCurrency, AddMarket},
    },
    host::{
        Host,
        keys::Account,
        record::{self, Line, Record},
    },
    wire::listener,
};
use std::{
    fmt, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::{net::TcpListener, task::JoinHandle};

/// A running exchange. Dropping it ends its listener, its sockets and its tasks.
pub struct Sandbox {
    host: Arc<Host>,
    address: SocketAddr,
    origin: String,
    websocket: String,
    legacy_websocket: String,
    control_url: String,
    server: Option<JoinHandle<()>>,
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox").field("origin", &self.origin).finish_non_exhaustive()
    }
}

/// Why a sandbox could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The address is not this machine's own, and nobody said that this is wanted.
    #[error(
        "{0} can be reached from other machines, and the sandbox's keys are no secret; \
         listen on 127.0.0.1, or allow it with --allow-non-loopback"
    )]
    NonLoopback(SocketAddr),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// A currency or a market cannot be added at the start.
    #[error("cannot add {name}: {reason}")]
    Markets {
        /// The currency's code or the market's id.
        name: String,
        /// Why not, and what to do.
        reason: String,
    },
    /// The file of currencies and markets cannot be read.
    #[error("cannot read the markets of {}: {reason}", path.display())]
    MarketsFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The record cannot be written.
    #[error("cannot record to {}: {source}; give a file that is not there yet", path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The record cannot be carried out again.
    #[error("cannot replay {}: {reason}", path.display())]
    Replay {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, with the line.
        reason: String,
    },
}

/// Settings of a sandbox that is to be started.
#[derive(Debug, Clone, Default)]
#[must_use = "nothing runs before `start`"]
pub struct Builder {
    config: Config,
    seed: Option<u64>,
    currencies: Vec<Currency>,
    markets: Vec<Market>,
    markets_file: Option<PathBuf>,
    record: Option<PathBuf>,
    replay: Option<PathBuf>,
}

/// A file of currencies and markets.
#[derive(serde::Deserialize)]
struct MarketsFile {
    #[serde(default)]
    currencies: Vec<Currency>,
    #[serde(default)]
    markets: Vec<Market>,
}

impl Builder {
    /// Whose behaviour it shows; [`Profile::Docs`] unless said otherwise.
    pub fn profile(mut self, profile: Profile) -> Self {
        self.config.profile = profile;
        self
    }

    /// Where it listens; 127.0.0.1 and a free port unless said otherwise.
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.config.listen = address;
        self
    }

    /// Allows an address that other machines can reach. The control door stays with this machine.
    pub fn allow_non_loopback(mut self, allow: bool) -> Self {
        self.config.allow_non_loopback = allow;
        self
    }

    /// How near a nonce must be to the exchange's clock, on either side; 5 s as on the real exchange.
    pub fn auth_window(mut self, window: Duration) -> Self {
        self.config.auth_window = window;
        self
    }

    /// How often websockets are pinged, and how long without a pong they live; 54 s and 60 s as on the real one.
    pub fn heartbeat(mut self, ping_every: Duration, drop_after: Duration) -> Self {
        self.config.ping_every = ping_every;
        self.config.drop_after = drop_after;
        self
    }

    /// How often tickers and candles are published; 5 s and 2 s as on the real exchange.
    pub fn publish_every(mut self, tickers: Duration, candles: Duration) -> Self {
        self.config.tickers_every = tickers;
        self.config.candles_every = candles;
        self
    }

    /// What ids follow from: with the same seed, the same commands give the same uids and uuids. Random unless said otherwise.
    /// Keys are made afresh all the same.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Has that currency from the start; in place of the one of the documents where it has the same code.
    pub fn currency(mut self, currency: Currency) -> Self {
        self.currencies.push(currency);
        self
    }

    /// Has that market from the start; in place of the one of the documents where it has the same id.
    pub fn market(mut self, market: Market) -> Self {
        self.markets.push(market);
        self
    }

    /// The same with every currency and market of a JSON file: an object with the lists `currencies` and `markets`, each as
    /// the exchange itself answers to `GET /public/currencies` and `GET /public/markets`.
    pub fn markets_file(mut self, path: impl AsRef<Path>) -> Self {
        self.markets_file = Some(path.as_ref().to_owned());
        self
    }

    /// Writes every command to a new file, from which [`replay`](Self::replay) brings another sandbox to the same state.
    /// No key is written.
    pub fn record(mut self, path: impl AsRef<Path>) -> Self {
        self.record = Some(path.as_ref().to_owned());
        self
    }

    /// Begins with the state of a record, with the same ids, and goes on from there. Profile, seed, currencies, markets and
    /// accounts are those of the record; keys are made afresh. The clock goes on where the record ends, or at this
    /// machine's time where that is later.
    pub fn replay(mut self, path: impl AsRef<Path>) -> Self {
        self.replay = Some(path.as_ref().to_owned());
        self
    }

    /// Starts on the current tokio runtime, with its I/O and time drivers.
    ///
    /// # Errors
    /// The address is taken, not this machine's, or open to others without leave; a currency or market cannot be added; a
    /// record cannot be read or written.
    pub async fn start(self) -> Result<Sandbox, StartError> {
        let listen = self.config.listen;
        if !listen.ip().is_loopback() && !self.config.allow_non_loopback {
            return Err(StartError::NonLoopback(listen));
        }
        let failed = |source| StartError::Listen { address: listen, source };
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let host = Arc::new(self.open()?);
        let (worker, periodic) = (Arc::clone(&host), Arc::clone(&host));
        tokio::spawn(async move { worker.work().await });
        tokio::spawn(async move { periodic.publish_periodically().await });
        let server = tokio::spawn(listener::run(Arc::clone(&host), listener));
        Ok(Sandbox {
            host,
            address,
            origin: format!("http://{address}"),
            websocket: format!("ws://{address}/api/v2/websocket"),
            legacy_websocket: format!("ws://{address}/api/v2/stream"),
            control_url: format!("http://{address}/sandbox"),
            server: Some(server),
        })
    }

    /// The exchange, with all that it begins with.
    fn open(mut self) -> Result<Host, StartError> {
        let replay = match self.replay.take() {
            Some(path) => {
                let (header, lines) = record::read(&path)
                    .map_err(|error| StartError::Replay { path: path.clone(), reason: error.to_string() })?;
                (self.config.profile, self.seed) = (header.profile, Some(header.seed));
                Some((path, lines))
            }
            None => None,
        };
        let seed = self.seed.unwrap_or_else(|| uuid::Uuid::new_v4().as_u64_pair().0);
        let record = match self.record.take() {
            Some(path) => Some(
                Record::create(&path, self.config.profile, seed)
                    .map_err(|source| StartError::Record { path, source })?,
            ),
            None => None,
        };
        let host = Host::new(self.config.clone(), seed, record);
        match replay {
            Some((path, lines)) => again(&host, &path, &lines)?,
            None => self.begin(&host)?,
        }
        host.tell_all();
        Ok(host)
    }

    /// Adds currencies, markets and the demo accounts with their money.
    fn begin(mut self, host: &Host) -> Result<(), StartError> {
        if let Some(path) = self.markets_file.take() {
            let file = |reason: String| StartError::MarketsFile { path: path.clone(), reason };
            let text = std::fs::read_to_string(&path).map_err(|error| file(error.to_string()))?;
            let MarketsFile { currencies, markets } =
                serde_json::from_str(&text).map_err(|error| file(error.to_string()))?;
            self.currencies.extend(currencies);
            self.markets.extend(markets);
        }
        let refused = |name: Code, why: NotAdded| StartError::Markets {
            name: name.to_string(),
            reason: why.to_string(),
        };
        for currency in replaced(demo::currencies(), self.currencies, |currency| currency.id) {
            let name = currency.id;
            host.command(AddCurrency(currency)).map_err(|why| refused(name, why))?;
        }
        for market in replaced(demo::markets(), self.markets, |market| market.id) {
            let name = market.id;
            host.command(AddMarket(market)).map_err(|why| refused(name, why))?;
        }
        for (name, role) in demo::ACCOUNTS {
            let added = host.add_account(name, role);
            debug_assert!(added.is_ok(), "the demo accounts are the first ones");
        }
        let ids: Vec<_> = host.people.all().into_iter().map(|(id, _)| id).collect();
        for account in ids {
            for (currency, amount) in demo::FUNDS {
                let Some(currency) = Code::new(currency) else { continue };
                let deposit = Deposit { account, currency, amount: amount.into(), after_ms: 0 };
                let funded = host.command(deposit);
                debug_assert_eq!(funded, Ok(()), "demo funds are within the supply");
            }
        }
        Ok(())
    }
}

/// The list with what was named besides: in the place of what has the same name, or at its end.
fn replaced<T>(mut all: Vec<T>, named: Vec<T>, name: impl Fn(&T) -> Code) -> Vec<T> {
    for one in named {
        match all.iter_mut().find(|other| name(other) == name(&one)) {
            Some(place) => *place = one,
            None => all.push(one),
        }
    }
    all
}

/// Carries out a record, and makes keys for its accounts.
fn again(host: &Host, path: &Path, lines: &[Line]) -> Result<(), StartError> {
    for (number, line) in (2..).zip(lines) {
        host.replay(line).map_err(|error| StartError::Replay {
            path: path.to_owned(),
            reason: format!("line {number}: {error}"),
        })?;
    }
    host.clock.reach(lines.iter().map(|line| line.at_ms).max().unwrap_or_default());
    let ids: Vec<_> = host.people.all().into_iter().map(|(id, _)| id).collect();
    for id in ids {
        host.make_keys(id);
    }
    Ok(())
}

impl Sandbox {
    /// Starts with every default: 127.0.0.1, a free port, the profile of the current documents.
    ///
    /// # Errors
    /// No port is free.
    pub async fn start() -> Result<Self, StartError> {
        Self::builder().start().await
    }

    /// Settings to change before the start.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// `ws://127.0.0.1:PORT/api/v2/websocket`; `/public` or `/private` comes behind it.
    #[must_use]
    pub fn websocket(&self) -> &str {
        &self.websocket
    }

    /// `ws://127.0.0.1:PORT/api/v2/stream`, the older name.
    #[must_use]
    pub fn legacy_websocket(&self) -> &str {
        &self.legacy_websocket
    }

    /// `http://127.0.0.1:PORT/sandbox`.
    #[must_use]
    pub fn control_url(&self) -> &str {
        &self.control_url
    }

    /// The account of that name: `maker`, `taker`, `merchant`, `aggregator`, or one that was added.
    #[must_use]
    pub fn account(&self, name: &str) -> Option<Account> {
        let id = self.host.people.by_name(name)?;
        self.host.keys.get(id).map(|account| Account::clone(&account))
    }

    /// All accounts, the oldest first.
    #[must_use]
    pub fn accounts(&self) -> Vec<Account> {
        self.host.keys.all().iter().map(|account| Account::clone(account)).collect()
    }

    /// The control door, without HTTP.
    #[must_use]
    pub fn control(&self) -> Control {
        Control { host: Arc::clone(&self.host) }
    }

    /// Ends it: the listener at once, websockets with a close frame, whatever does not end within two seconds
    /// anyway.
    pub async fn shutdown(mut self) {
        self.host.stop();
        if let Some(server) = self.server.take() {
            // The task only fails where it panicked, and then it is gone too.
            let _ended = server.await;
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.host.stop();
    }
}

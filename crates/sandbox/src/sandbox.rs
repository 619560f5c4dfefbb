//! Starts and stops a sandbox.

use crate::{
    base::{
        config::{Config, Profile},
        id::Code,
        record::{self, Line, Record},
    },
    cabital::{
        self, ConnectionState,
        accounts::{AddAccount, SetBalance},
        api::Side,
        callbacks::GiveUpAll,
    },
    door::control::Control,
    exchange::{
        catalogue::{Currency, Market, NotAdded},
        demo,
        funds::{deposits::Deposit, limits::EndOpening},
        market::commands::{AddCurrency, AddMarket},
    },
    host::{Host, keys::Account},
    wire::{dispatch::Site, listener, webhooks},
};
use std::{
    fmt, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::{net::TcpListener, task::JoinHandle};

/// A running local exchange. Dropping it ends its listener, sockets and tasks.
pub struct Sandbox {
    host: Arc<Host>,
    address: SocketAddr,
    origin: String,
    websocket: String,
    legacy_websocket: String,
    control_url: String,
    cabital: CabitalAccess,
    servers: Vec<JoinHandle<()>>,
}

/// What a partner needs to call Cabital's side of the sandbox. `Debug` hides the secret. `Serialize` shows it, because the
/// program prints it in its first line.
#[derive(Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct CabitalAccess {
    /// The base URL of the partner's calls: `http://127.0.0.1:PORT`.
    pub origin: String,
    /// The base URL of the link and light modes.
    pub link_origin: String,
    /// The key; it begins with `sandbox_`, and is new at each start.
    pub access_key: String,
    /// The signing secret. Its ASCII bytes are the HMAC key.
    pub secret: String,
    /// The id of an account that is linked already and has money.
    pub account_id: String,
}

impl fmt::Debug for CabitalAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CabitalAccess")
            .field("origin", &self.origin)
            .field("link_origin", &self.link_origin)
            .field("access_key", &self.access_key)
            .field("secret", &"…")
            .field("account_id", &self.account_id)
            .finish()
    }
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
    /// Other machines can reach the address, and this was not allowed.
    #[error(
        "{0} can be reached from other machines, and the sandbox's keys are not secret; \
         listen on 127.0.0.1, or allow it with --allow-non-loopback (`Builder::allow_non_loopback`)"
    )]
    NonLoopback(SocketAddr),
    /// Listening on the address failed.
    #[error("cannot listen on {address}: {source}; choose another address, or port 0 for a free port")]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// The error of the system.
        source: io::Error,
    },
    /// A currency or a market cannot be added at the start.
    #[error("cannot add {name}: {reason}")]
    Markets {
        /// The currency's code or the market's id.
        name: String,
        /// The reason, and what to do.
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
    #[error("cannot record to {}: {source}; give the name of a new file", path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// The record cannot be replayed.
    #[error("cannot replay {}: {reason}", path.display())]
    Replay {
        /// The file.
        path: PathBuf,
        /// What is wrong, with the line number.
        reason: String,
    },
}

/// The settings of a sandbox, before it starts.
#[derive(Debug, Clone, Default)]
#[must_use = "a builder does nothing until `start` is called"]
pub struct Builder {
    config: Config,
    seed: Option<u64>,
    currencies: Vec<Currency>,
    markets: Vec<Market>,
    markets_file: Option<PathBuf>,
    record: Option<PathBuf>,
    replay: Option<PathBuf>,
}

/// The file of `--markets`.
#[derive(serde::Deserialize)]
struct MarketsFile {
    #[serde(default)]
    currencies: Vec<Currency>,
    #[serde(default)]
    markets: Vec<Market>,
}

impl Builder {
    /// Sets whose behaviour the sandbox shows; [`Profile::Docs`] by default.
    pub fn profile(mut self, profile: Profile) -> Self {
        self.config.profile = profile;
        self
    }

    /// Sets the address to listen on; 127.0.0.1 and a free port by default.
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.config.listen = address;
        self
    }

    /// Allows an address that other machines can reach. The control door still answers only this machine.
    pub fn allow_non_loopback(mut self, allow: bool) -> Self {
        self.config.allow_non_loopback = allow;
        self
    }

    /// Sets how far a nonce may be from the exchange's clock, in both directions; by default 5 s, as on the real exchange.
    pub fn auth_window(mut self, window: Duration) -> Self {
        self.config.auth_window = window;
        self
    }

    /// Sets how long it takes to make an address for deposits, on the exchange's clock; 3 s by default. The documents promise
    /// "a few seconds". The answer to the first request never has the address.
    pub fn address_after(mut self, after: Duration) -> Self {
        self.config.address_after = after;
        self
    }

    /// Sets whether a payment reference is refused for an account without any verification; true by default. The documents say
    /// that customers must be verified before.
    pub fn verified_customers(mut self, verified_customers: bool) -> Self {
        self.config.verified_customers = verified_customers;
        self
    }

    /// Sets whether an occupation and a source of funds must be in the documents' lists, letter by letter; false by default,
    /// because the documents' own examples have two that are not.
    pub fn only_listed(mut self, only_listed: bool) -> Self {
        self.config.only_listed = only_listed;
        self
    }

    /// Sets how long payment references are valid, on the exchange's clock; 24 h by default. The documents name a time of
    /// expiration and no lifetime, and no state for what has expired.
    pub fn payment_lifetime(mut self, lifetime: Duration) -> Self {
        self.config.payment_lifetime = lifetime;
        self
    }

    /// Allows webhooks to a host in addition to this machine: a name or an address, without a port. By default they are sent only to
    /// `localhost`, 127.0.0.0/8 and `::1`, whatever the accounts set. Webhooks are sent over plain HTTP only.
    pub fn webhook_host(mut self, host: &str) -> Self {
        self.config.webhook_hosts.push(host.to_owned());
        self
    }

    /// Sets how long a receiver may take to answer a webhook, on this machine's clock; 10 s by default. The documents name no time.
    pub fn webhook_timeout(mut self, timeout: Duration) -> Self {
        self.config.webhook_timeout = timeout;
        self
    }

    /// Sets where Cabital's two hosts listen: the one of the partner's calls, and the one of the link and light modes. By
    /// default both listen on a free port of the exchange's address.
    pub fn cabital_listen(mut self, partner: SocketAddr, link: SocketAddr) -> Self {
        (self.config.cabital.listen, self.config.cabital.listen_link) = (Some(partner), Some(link));
        self
    }

    /// Sets what the documents leave open about Cabital's signatures; by default the path has its query string, and the
    /// digest is in lower-case hex.
    pub fn cabital_signing(mut self, signing: cabital::Signing) -> Self {
        self.config.cabital.query_in_path = signing.query_in_path;
        self.config.cabital.base64 = signing.digest == cabital::Digest::Base64;
        self
    }

    /// Sets how a conversion names its pair, which the documents describe in two ways; by default the bought currency comes first.
    pub fn cabital_pair_order(mut self, order: cabital::PairOrder) -> Self {
        self.config.cabital.quoted_pairs = order == cabital::PairOrder::Quoted;
        self
    }

    /// Sets how long Cabital's quotes are valid, in whole seconds of the exchange's clock; 10 s by default, as in the
    /// documents' sample.
    pub fn cabital_quote_valid(mut self, valid: Duration) -> Self {
        self.config.cabital.quote_valid = valid;
        self
    }

    /// Sets how often websockets are pinged, and how long they stay open without a pong; by default 54 s and 60 s, as on
    /// the real exchange.
    pub fn heartbeat(mut self, ping_every: Duration, drop_after: Duration) -> Self {
        self.config.ping_every = ping_every;
        self.config.drop_after = drop_after;
        self
    }

    /// Sets how often tickers and candles are published; by default 5 s and 2 s, as on the real exchange.
    pub fn publish_every(mut self, tickers: Duration, candles: Duration) -> Self {
        self.config.tickers_every = tickers;
        self.config.candles_every = candles;
        self
    }

    /// Sets the seed of the ids: with the same seed, the same commands give the same uids and uuids. Random by default. API
    /// keys are always new.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Adds a currency at the start. It replaces the documents' currency with the same code.
    pub fn currency(mut self, currency: Currency) -> Self {
        self.currencies.push(currency);
        self
    }

    /// Adds a market at the start. It replaces the documents' market with the same id.
    pub fn market(mut self, market: Market) -> Self {
        self.markets.push(market);
        self
    }

    /// Adds every currency and market of a JSON file at the start: an object with the lists `currencies` and `markets`, as
    /// the exchange answers to `GET /public/currencies` and `GET /public/markets`.
    pub fn markets_file(mut self, path: impl AsRef<Path>) -> Self {
        self.markets_file = Some(path.as_ref().to_owned());
        self
    }

    /// Records every command in a new file, from which [`replay`](Self::replay) brings another sandbox to the same state.
    /// No API key is written, but pins of vouchers, invoices, secrets of webhooks, names and addresses of beneficiaries, and what
    /// is personal about customers are; on Unix only the file's owner can read it.
    pub fn record(mut self, path: impl AsRef<Path>) -> Self {
        self.record = Some(path.as_ref().to_owned());
        self
    }

    /// Begins with the state of a record, with the same ids. Profile, seed, currencies, markets and accounts come from the
    /// record; API keys are new. The clock begins at the end of the record, or at this machine's time if that is later.
    pub fn replay(mut self, path: impl AsRef<Path>) -> Self {
        self.replay = Some(path.as_ref().to_owned());
        self
    }

    /// Starts the sandbox on the current tokio runtime, which needs its I/O and time drivers.
    ///
    /// # Errors
    /// The address cannot be listened on, or other machines can reach it and this was not allowed; a currency or market
    /// cannot be added; a record cannot be read or written.
    pub async fn start(self) -> Result<Sandbox, StartError> {
        let listen = self.config.listen;
        let (listener, address) = self.bind(listen).await?;
        let free = SocketAddr::new(listen.ip(), 0);
        let (partner, partner_address) = self.bind(self.config.cabital.listen.unwrap_or(free)).await?;
        let (link, link_address) = self.bind(self.config.cabital.listen_link.unwrap_or(free)).await?;
        let (host, account) = self.open()?;
        let host = Arc::new(host);
        let (worker, waker, periodic) = (Arc::clone(&host), Arc::clone(&host), Arc::clone(&host));
        tokio::spawn(async move { worker.work().await });
        tokio::spawn(async move { waker.wake_connections().await });
        tokio::spawn(async move { periodic.publish_periodically().await });
        tokio::spawn(webhooks::run(Arc::clone(&host)));
        let (room, stop) = (Arc::clone(&host.cabital), Arc::clone(&host));
        tokio::spawn(async move { room.work(stop.stopped()).await });
        let sites = [
            (listener, Site::Exchange),
            (partner, Site::Cabital(Side::Partner)),
            (link, Site::Cabital(Side::Link)),
        ];
        let run = |(listener, site)| tokio::spawn(listener::run(Arc::clone(&host), listener, site));
        let cabital = CabitalAccess {
            origin: format!("http://{partner_address}"),
            link_origin: format!("http://{link_address}"),
            access_key: host.cabital.access_key().to_owned(),
            secret: host.cabital.secret().to_owned(),
            account_id: account,
        };
        Ok(Sandbox {
            servers: sites.into_iter().map(run).collect(),
            host,
            address,
            origin: format!("http://{address}"),
            websocket: format!("ws://{address}/api/v2/websocket"),
            legacy_websocket: format!("ws://{address}/api/v2/stream"),
            control_url: format!("http://{address}/sandbox"),
            cabital,
        })
    }

    /// Listens on an address, unless other machines can reach it and this was not allowed.
    async fn bind(&self, address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
        if !address.ip().is_loopback() && !self.config.allow_non_loopback {
            return Err(StartError::NonLoopback(address));
        }
        let failed = |source| StartError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok((listener, address))
    }

    /// Makes the exchange, from a record or with the demo data.
    /// Also gives the id of Cabital's first account.
    fn open(mut self) -> Result<(Host, String), StartError> {
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
        let account = host.cabital.first_account().map(|account| account.to_string());
        Ok((host, account.unwrap_or_default()))
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
        host.command(EndOpening {});
        begin_cabital(host);
        Ok(())
    }
}

/// What Cabital's first account has.
const CABITAL_FUNDS: [(&str, u32); 5] =
    [("BTC", 10), ("ETH", 100), ("USDT", 100_000), ("EUR", 100_000), ("GBP", 100_000)];

/// Adds Cabital's first account, which is linked and has money.
fn begin_cabital(host: &Host) {
    let linked = AddAccount {
        user_ext_ref: "fce4fd45-7dd7-4d4c-b06c-e17ff12f3e30".to_owned(),
        state: ConnectionState::Linked,
        link_mode: true,
    };
    let Some(account) = host.cabital.command(linked) else { return };
    for (symbol, amount) in CABITAL_FUNDS {
        let set = SetBalance { account, symbol: symbol.to_owned(), amount: amount.into() };
        let funded = host.cabital.command(set);
        debug_assert_eq!(funded, Ok(()), "the account and the currency exist");
    }
}

/// Adds `named` to the list: an item replaces the one with the same name, or goes to the end.
fn replaced<T>(mut all: Vec<T>, named: Vec<T>, name: impl Fn(&T) -> Code) -> Vec<T> {
    for one in named {
        match all.iter_mut().find(|other| name(other) == name(&one)) {
            Some(place) => *place = one,
            None => all.push(one),
        }
    }
    all
}

/// Replays a record, and makes keys for its accounts. An account that another one manages has none.
fn again(host: &Host, path: &Path, lines: &[Line]) -> Result<(), StartError> {
    for (number, line) in (2..).zip(lines) {
        host.replay(line).map_err(|error| StartError::Replay {
            path: path.to_owned(),
            reason: format!("line {number}: {error}"),
        })?;
    }
    host.send_no_old_webhooks();
    host.clock.reach(lines.iter().map(|line| line.at_ms).max().unwrap_or_default());
    host.cabital.command(GiveUpAll {});
    // A record of a version without Cabital.
    if host.cabital.first_account().is_none() {
        begin_cabital(host);
    }
    let own = host.people.all().into_iter().filter(|(_, person)| person.parent.is_none());
    for (id, _) in own {
        host.make_keys(id);
    }
    Ok(())
}

impl Sandbox {
    /// Starts a sandbox with the defaults: 127.0.0.1, a free port, the profile of the current documents.
    ///
    /// # Errors
    /// No port is free.
    pub async fn start() -> Result<Self, StartError> {
        Self::builder().start().await
    }

    /// A builder, to change settings before the start.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The address it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The base URL of REST calls: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The websocket URL: `ws://127.0.0.1:PORT/api/v2/websocket`; append `/public` or `/private`.
    #[must_use]
    pub fn websocket(&self) -> &str {
        &self.websocket
    }

    /// The websocket URL under its older name: `ws://127.0.0.1:PORT/api/v2/stream`.
    #[must_use]
    pub fn legacy_websocket(&self) -> &str {
        &self.legacy_websocket
    }

    /// The URL of the control door: `http://127.0.0.1:PORT/sandbox`.
    #[must_use]
    pub fn control_url(&self) -> &str {
        &self.control_url
    }

    /// Cabital's side: where it listens, the partner's key and secret, and an account that is linked already.
    #[must_use]
    pub fn cabital(&self) -> &CabitalAccess {
        &self.cabital
    }

    /// Whose behaviour it shows.
    #[must_use]
    pub fn profile(&self) -> Profile {
        self.host.config.profile
    }

    /// The account with that name: `maker`, `taker`, `merchant`, `aggregator`, or one that was added.
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

    /// Stops the sandbox: the listener closes at once, websockets get a close frame. Connections still open after two
    /// seconds are dropped.
    pub async fn shutdown(mut self) {
        self.host.stop();
        for server in std::mem::take(&mut self.servers) {
            // An error means that the task panicked, so it ended too.
            let _ended = server.await;
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.host.stop();
    }
}

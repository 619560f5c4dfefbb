//! Starting and stopping.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::accounts::Account;
use crate::app::App;
use crate::config::{Config, Profile};
use crate::control::Control;
use crate::markets::CURRENCIES;
use crate::server;

/// A running exchange. Dropping it ends its listener, its sockets and its tasks.
pub struct Sandbox {
    app: Arc<App>,
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
    /// The address can't be listened on.
    #[error("can't listen on {address}: {source}")]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
}

/// Settings of a sandbox that is to be started.
#[derive(Debug, Clone, Default)]
#[must_use = "nothing runs before `start`"]
pub struct Builder {
    config: Config,
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

    /// Starts on the current tokio runtime, with its I/O and time drivers.
    ///
    /// # Errors
    /// The address is taken, not this machine's, or open to others without leave.
    pub async fn start(self) -> Result<Sandbox, StartError> {
        let listen = self.config.listen;
        if !listen.ip().is_loopback() && !self.config.allow_non_loopback {
            return Err(StartError::NonLoopback(listen));
        }
        let failed = |source| StartError::Listen { address: listen, source };
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let app = Arc::new(App::new(self.config));
        fund(&app);
        let (worker, periodic) = (Arc::clone(&app), Arc::clone(&app));
        tokio::spawn(async move { worker.work().await });
        tokio::spawn(async move { periodic.publish_periodically().await });
        let server = tokio::spawn(server::run(Arc::clone(&app), listener));
        Ok(Sandbox {
            app,
            address,
            origin: format!("http://{address}"),
            websocket: format!("ws://{address}/api/v2/websocket"),
            legacy_websocket: format!("ws://{address}/api/v2/stream"),
            control_url: format!("http://{address}/sandbox"),
            server: Some(server),
        })
    }
}

/// Gives every demo account its first money.
fn fund(app: &App) {
    let now_ms = app.clock.now_ms();
    let mut engine = app.engine();
    for (account, _) in app.directory.all().iter().enumerate() {
        for currency in &CURRENCIES {
            let funded = engine.deposit(account, currency.id, currency.demo_funds, now_ms);
            debug_assert_eq!(funded, Ok(()), "demo funds are within the supply");
        }
    }
    drop(engine);
    app.tell_all();
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

    /// The demo account of that name: `maker`, `taker`, `merchant` or `aggregator`.
    #[must_use]
    pub fn account(&self, name: &str) -> Option<&Account> {
        self.app.directory.by_name(name).and_then(|id| self.app.directory.get(id))
    }

    /// All demo accounts.
    #[must_use]
    pub fn accounts(&self) -> &[Account] {
        self.app.directory.all()
    }

    /// The control door, without HTTP.
    #[must_use]
    pub fn control(&self) -> Control {
        Control { app: Arc::clone(&self.app) }
    }

    /// Ends it: the listener at once, websockets with a close frame, whatever doesn't end within two seconds
    /// anyway.
    pub async fn shutdown(mut self) {
        self.app.stop();
        if let Some(server) = self.server.take() {
            // The task only fails where it panicked, and then it is gone too.
            let _ended = server.await;
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.app.stop();
    }
}

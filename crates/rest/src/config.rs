//! How a client is set up.

use crate::{Client, Error, client, tls};
use capecrypto_auth::{CapeSigner, Clock, Credentials, Environment, Sign};
use std::{num::NonZeroU32, sync::Arc, time::Duration};

/// Deadlines. Each has a default; none can be switched off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// Until a connection stands, TLS included. Default 5 s.
    pub connect: Duration,
    /// Between two pieces of an answer. Default 10 s.
    pub idle_read: Duration,
    /// One attempt, from connecting to the last byte. Default 15 s.
    pub attempt: Duration,
    /// A call with all its attempts. Default 30 s, counted from the first attempt; a wait that the server asked for
    /// comes on top.
    pub call: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            idle_read: Duration::from_secs(10),
            attempt: Duration::from_secs(15),
            call: Duration::from_secs(30),
        }
    }
}

impl Timeouts {
    /// The same with another deadline for connecting.
    #[must_use]
    pub fn connect(self, connect: Duration) -> Self {
        Self { connect, ..self }
    }

    /// The same with another deadline between two pieces of an answer.
    #[must_use]
    pub fn idle_read(self, idle_read: Duration) -> Self {
        Self { idle_read, ..self }
    }

    /// The same with another deadline for an attempt.
    #[must_use]
    pub fn attempt(self, attempt: Duration) -> Self {
        Self { attempt, ..self }
    }

    /// The same with another deadline for a call.
    #[must_use]
    pub fn call(self, call: Duration) -> Self {
        Self { call, ..self }
    }
}

/// A rate of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Sustained requests a second.
    pub per_second: NonZeroU32,
    /// Requests that may leave at once after a pause.
    pub burst: NonZeroU32,
}

impl Rate {
    /// What a client keeps to unless told otherwise: 15 a second, 30 at once. The exchange's software allows 6,000
    /// in 5 minutes.
    pub const DEFAULT: Self = match (NonZeroU32::new(15), NonZeroU32::new(30)) {
        (Some(per_second), Some(burst)) => Self { per_second, burst },
        _ => unreachable!(),
    };
}

/// Settings of a [`Client`].
#[derive(Debug)]
#[must_use = "a builder does nothing until it is built"]
pub struct Builder {
    pub(crate) environment: Environment,
    credentials: Option<Credentials>,
    signer: Option<Arc<dyn Sign>>,
    pub(crate) clock: Clock,
    pub(crate) timeouts: Timeouts,
    rate: Option<Option<Rate>>,
    user_agent: String,
    proxy: Option<Proxy>,
    roots: Vec<Vec<u8>>,
}

/// A proxy's URL may hold a password.
struct Proxy(String);

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(hidden)")
    }
}

impl Builder {
    pub(crate) fn new(environment: Environment) -> Self {
        Self {
            environment,
            credentials: None,
            signer: None,
            clock: Clock::system(),
            timeouts: Timeouts::default(),
            rate: None,
            user_agent: concat!("capecrypto-rust/", env!("CARGO_PKG_VERSION")).to_owned(),
            proxy: None,
            roots: Vec::new(),
        }
    }

    /// Signs with these credentials. Without any, public calls work.
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// Signs with another scheme than the exchange's.
    pub fn signer(mut self, signer: Arc<dyn Sign>) -> Self {
        self.signer = Some(signer);
        self
    }

    /// Takes the time from another clock.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Sets deadlines.
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// Sets the rate of requests, `None` for none. The default is [`Rate::DEFAULT`], and no limit on this machine.
    pub fn rate(mut self, rate: impl Into<Option<Rate>>) -> Self {
        self.rate = Some(rate.into());
        self
    }

    /// Sets the `User-Agent` header.
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = user_agent.into();
        self
    }

    /// Sends everything, websocket included, through an HTTP proxy (`http://user:password@host:port`). Proxies from
    /// the process's environment are not looked at.
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.proxy = Some(Proxy(url.into()));
        self
    }

    /// Trusts the certificates of a PEM file besides the machine's.
    pub fn add_root_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.roots.push(pem.into());
        self
    }

    /// Builds the client.
    ///
    /// # Errors
    /// [`Kind::Config`](crate::Kind::Config) where a setting cannot be used: credentials and environment do not
    /// belong together, the proxy is no URL, no TLS provider is compiled in, the machine has no certificates, …
    pub fn build(self) -> Result<Client, Error> {
        if let Some(credentials) = &self.credentials {
            self.environment.admit(credentials).map_err(|error| Error::config(error.to_string()))?;
        }
        if self.user_agent.is_empty() || !self.user_agent.bytes().all(|b| (0x20..0x7f).contains(&b)) {
            return Err(Error::config(
                "user_agent: it must be ASCII without control characters; give another",
            ));
        }
        let Timeouts { connect, idle_read, attempt, call } = self.timeouts;
        let day = Duration::from_secs(24 * 60 * 60);
        if [connect, idle_read, attempt, call].iter().any(|limit| limit.is_zero() || *limit > day) {
            return Err(Error::config(
                "timeouts: one is zero or longer than a day; give each a time in between",
            ));
        }
        let signer: Option<Arc<dyn Sign>> = match (self.signer, &self.credentials) {
            (Some(signer), _) => Some(signer),
            (None, Some(credentials)) => Some(Arc::new(CapeSigner::new(credentials))),
            (None, None) => None,
        };
        let origin = self.environment.origin();
        let rate = self.rate.unwrap_or(if origin.is_loopback() { None } else { Some(Rate::DEFAULT) });
        let tls = tls::config(origin.is_https(), &self.roots)?;
        let http = |tls| {
            let mut http = reqwest::Client::builder()
                .tls_backend_preconfigured(tls)
                .https_only(origin.is_https())
                .redirect(reqwest::redirect::Policy::none())
                .referer(false)
                .connect_timeout(self.timeouts.connect)
                .pool_idle_timeout(Duration::from_secs(15))
                .tcp_nodelay(true)
                .user_agent(&self.user_agent)
                .no_proxy();
            if let Some(Proxy(url)) = &self.proxy {
                // The error would print the URL, and with it a password.
                let proxy = reqwest::Proxy::all(url)
                    .map_err(|_| Error::config("proxy: it is no URL; give http://host:port"))?;
                http = http.proxy(proxy);
            }
            Ok::<_, Error>(http)
        };
        let build = |http: reqwest::ClientBuilder| {
            http.build().map_err(|error| {
                Error::config("the HTTP client could not be set up").with_source(error.without_url())
            })
        };
        let calls = build(http(tls.clone())?.read_timeout(self.timeouts.idle_read))?;
        // A websocket needs HTTP/1.1, and may be silent for longer than an answer.
        let sockets = build(http(tls)?.http1_only())?;
        Ok(client::assemble(client::Parts {
            environment: self.environment,
            signer,
            clock: self.clock,
            timeouts: self.timeouts,
            rate,
            calls,
            sockets,
        }))
    }
}

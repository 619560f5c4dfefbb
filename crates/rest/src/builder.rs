//! How a client is set up.

use crate::{
    Client, Deadline, Error, Recorder, Replay,
    limit::Limiter,
    recording::Tape,
    retry::{Budget, Dates},
    tls,
    transport::Shared,
};
use capecrypto_auth::{Clock, Credentials, Environment, NonceSource, Origin, Sign};
use std::{
    marker::PhantomData,
    num::NonZeroU32,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};
use url::{Host, Url};

/// Deadlines. Each has a default; none can be switched off.
///
/// `connect` is shorter than `idle` and `attempt`, and `attempt` not longer than `call`: a client whose deadlines contradict
/// each other is not built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// In our own queue, before the call leaves: see [`Rate`]. Default 30 s.
    pub queue: Duration,
    /// Until a connection stands, TLS included. Default 5 s.
    pub connect: Duration,
    /// Without a byte that moves, sent or received. Default 10 s.
    pub idle: Duration,
    /// One attempt, from connecting to the last byte. Default 15 s. Each 16 KiB that move put this and the deadline of the
    /// call off by a second, so that a large transfer is not cut while it gets on.
    pub attempt: Duration,
    /// A call with all its attempts. Default 30 s, counted from the first attempt; a wait that the server asked for
    /// comes on top.
    pub call: Duration,
    /// The same as `attempt`, and as `idle` until the answer begins, for a call that sends files: the server looks at them
    /// before it answers. Default 60 s. Deadlines of the whole call are not shorter.
    pub upload: Duration,
    /// The same for a call that is answered with a long table. Default 120 s.
    pub export: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            queue: Duration::from_secs(30),
            connect: Duration::from_secs(5),
            idle: Duration::from_secs(10),
            attempt: Duration::from_secs(15),
            call: Duration::from_secs(30),
            upload: Duration::from_secs(60),
            export: Duration::from_secs(120),
        }
    }
}

impl Timeouts {
    /// The same with another deadline for our own queue.
    #[must_use]
    pub fn queue(self, queue: Duration) -> Self {
        Self { queue, ..self }
    }

    /// The same with another deadline for connecting.
    #[must_use]
    pub fn connect(self, connect: Duration) -> Self {
        Self { connect, ..self }
    }

    /// The same with another deadline for a connection on which nothing moves.
    #[must_use]
    pub fn idle(self, idle: Duration) -> Self {
        Self { idle, ..self }
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

    /// The same with another deadline for calls that send files.
    #[must_use]
    pub fn upload(self, upload: Duration) -> Self {
        Self { upload, ..self }
    }

    /// The same with another deadline for calls that are answered with a long table.
    #[must_use]
    pub fn export(self, export: Duration) -> Self {
        Self { export, ..self }
    }

    /// Those of a class of calls.
    pub(crate) fn of(self, class: Deadline) -> Self {
        let longer = match class {
            Deadline::Default => return self,
            Deadline::Upload => self.upload,
            Deadline::Export => self.export,
        };
        Self { idle: self.idle.max(longer), attempt: longer, call: self.call.max(longer), ..self }
    }

    fn check(&self) -> Result<(), Error> {
        let Self { queue, connect, idle, attempt, call, upload, export } = *self;
        let day = Duration::from_secs(24 * 60 * 60);
        let named = [
            ("queue", queue),
            ("connect", connect),
            ("idle", idle),
            ("attempt", attempt),
            ("call", call),
            ("upload", upload),
            ("export", export),
        ];
        for (name, limit) in named {
            if limit.is_zero() || limit > day {
                return Err(Error::config(format!(
                    "timeouts: {name} is zero or longer than a day; give a time in between"
                )));
            }
        }
        // A connection that hangs must end as one that does not stand, since then it is known that nothing was sent.
        for (name, limit) in [("idle", idle), ("attempt", attempt), ("upload", upload), ("export", export)] {
            if connect >= limit {
                return Err(Error::config(format!(
                    "timeouts: connect ({connect:?}) is not shorter than {name} ({limit:?}); shorten connect or lengthen {name}"
                )));
            }
        }
        if attempt > call {
            return Err(Error::config(format!(
                "timeouts: attempt ({attempt:?}) is longer than call ({call:?}); shorten attempt or lengthen call"
            )));
        }
        Ok(())
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

/// Settings of a [`Client`], or of what is made of one.
#[derive(Debug)]
#[must_use = "a builder does nothing until it is built"]
pub struct Builder<C = Client> {
    builds: PhantomData<fn() -> C>,
    pub(crate) environment: Environment,
    credentials: Option<Credentials>,
    signer: Option<Arc<dyn Sign>>,
    pub(crate) clock: Clock,
    pub(crate) timeouts: Timeouts,
    rate: Option<Option<Rate>>,
    user_agent: String,
    proxy: Option<Proxy>,
    roots: Vec<Vec<u8>>,
    recorder: Option<Recorder>,
    replay: Option<Replay>,
}

/// A proxy's URL may hold a password.
struct Proxy(String);

impl Proxy {
    /// A proxy that cannot be used is an error: an HTTP client might leave it out without a word, and send signed calls
    /// around it. The error does not repeat the URL.
    fn check(&self, origin: &Origin) -> Result<Url, Error> {
        let refused = |why: &str| {
            Error::config(format!("proxy: {why}; give http://host:port or https://user:password@host:port"))
        };
        // `Url` would take `http:host` and `http:///host` too.
        if !self.0.contains("://") || self.0.contains(":///") {
            return Err(refused("it is no URL"));
        }
        let url = Url::parse(&self.0).map_err(|_| refused("it is no URL"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refused("only http and https proxies are supported, no SOCKS"));
        }
        let Some(host) = url.host() else { return Err(refused("it has no host")) };
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(refused("it has more than scheme, user, host and port"));
        }
        let on_this_machine = match host {
            Host::Domain(name) => name.eq_ignore_ascii_case("localhost"),
            Host::Ipv4(address) => address.is_loopback(),
            Host::Ipv6(address) => address.is_loopback(),
        };
        if origin.is_loopback() && !on_this_machine {
            return Err(Error::config(
                "proxy: the environment is this machine, and the proxy is another one: keys of the sandbox would leave it; \
                 leave the proxy out, or take another environment",
            ));
        }
        Ok(url)
    }
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(hidden)")
    }
}

impl<C: From<Client>> Builder<C> {
    /// Settings for an environment.
    pub fn new(environment: Environment) -> Self {
        Self {
            builds: PhantomData,
            environment,
            credentials: None,
            signer: None,
            clock: Clock::system(),
            timeouts: Timeouts::default(),
            rate: None,
            user_agent: concat!("capecrypto-rust/", env!("CARGO_PKG_VERSION")).to_owned(),
            proxy: None,
            roots: Vec::new(),
            recorder: None,
            replay: None,
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

    /// Sets the rate of requests, `None` for none. The default is [`Rate::DEFAULT`], and no limit on this machine or in a
    /// replay.
    pub fn rate(mut self, rate: impl Into<Option<Rate>>) -> Self {
        self.rate = Some(rate.into());
        self
    }

    /// Sets the `User-Agent` header.
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = user_agent.into();
        self
    }

    /// Sends everything, websocket included, through an HTTP proxy (`http://user:password@host:port`, or `https://`).
    /// Nothing goes around it: a URL that is none, and any other scheme, such as `socks5`, are refused by
    /// [`build`](Self::build). Proxies from the process's environment are not looked at.
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.proxy = Some(Proxy(url.into()));
        self
    }

    /// Trusts the certificates of a PEM file besides the machine's.
    pub fn add_root_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.roots.push(pem.into());
        self
    }

    /// Takes down each call and its answer, for tests that [`replay`](Self::replay) them. A websocket is not taken down.
    pub fn record(mut self, recorder: &Recorder) -> Self {
        self.recorder = Some(recorder.clone());
        self
    }

    /// Answers each call from a [`Recording`](crate::Recording), or from a [`Replay`] that tells later which entries were not
    /// used. No connection is ever opened.
    ///
    /// All else is as it is with a connection: arguments are checked, signed calls need credentials (any that fit the
    /// environment), a rate limit holds back, statuses are read, reads are tried again. But the clock learns nothing from a
    /// recorded date, no progress is told, and a websocket cannot be replayed.
    pub fn replay(mut self, replay: impl Into<Replay>) -> Self {
        self.replay = Some(replay.into());
        self
    }

    /// Builds the client.
    ///
    /// # Errors
    /// [`Kind::Config`](crate::Kind::Config) where a setting cannot be used: credentials and environment do not
    /// belong together, deadlines contradict each other, the proxy cannot be used, a
    /// recording has an entry that cannot be replayed, no TLS provider is compiled in, the machine has no certificates, …
    pub fn build(self) -> Result<C, Error> {
        if let Some(credentials) = &self.credentials {
            self.environment.admit(credentials).map_err(|error| Error::config(error.to_string()))?;
        }
        if self.user_agent.is_empty() || !self.user_agent.bytes().all(|b| (0x20..0x7f).contains(&b)) {
            return Err(Error::config(
                "user_agent: it must be ASCII without control characters; give another",
            ));
        }
        self.timeouts.check()?;
        let origin = self.environment.origin();
        let url = Url::parse(origin.as_str()).map_err(|error| {
            Error::config(format!("environment: its origin is no URL ({error}); give another"))
        })?;
        let signer: Option<Arc<dyn Sign>> = match (self.signer, &self.credentials) {
            (Some(signer), _) => Some(signer),
            (None, Some(credentials)) => Some(credentials.signer()),
            (None, None) => None,
        };
        if let Some(replay) = &self.replay {
            replay.check()?;
        }
        let replays = self.replay.is_some();
        let tape = match (self.replay, self.recorder) {
            (Some(_), Some(_)) => {
                return Err(Error::config(
                    "record and replay: a client does one of them; leave the other one out",
                ));
            }
            (Some(replay), None) => Some(Tape::Replay(replay)),
            (None, Some(recorder)) => Some(Tape::Record(recorder, self.credentials.clone())),
            (None, None) => None,
        };
        let proxy = self.proxy.as_ref().map(|proxy| proxy.check(origin)).transpose()?;
        let rate =
            self.rate.unwrap_or(if origin.is_loopback() || replays { None } else { Some(Rate::DEFAULT) });
        // Without a connection there is no certificate to check, so a machine without any can replay.
        let tls = tls::config(origin.is_https() && !replays, &self.roots)?;
        let http = |tls| {
            let mut http = reqwest::Client::builder()
                .tls_backend_preconfigured(tls)
                .https_only(origin.is_https())
                .redirect(reqwest::redirect::Policy::none())
                .referer(false)
                .connect_timeout(self.timeouts.connect)
                .pool_idle_timeout(Duration::from_secs(15))
                .tcp_nodelay(true)
                .http1_only()
                .retry(reqwest::retry::never())
                .user_agent(&self.user_agent)
                .no_proxy();
            if let Some(url) = &proxy {
                // The error would print the URL, and with it a password.
                let proxy = reqwest::Proxy::all(url.clone())
                    .map_err(|_| Error::config("proxy: it cannot be used; give http://host:port"))?;
                http = http.proxy(proxy);
            }
            Ok::<_, Error>(http)
        };
        let build = |http: reqwest::ClientBuilder| {
            http.build().map_err(|error| {
                Error::config("the HTTP client could not be set up").with_source(error.without_url())
            })
        };
        let calls = build(http(tls.clone())?)?;
        // Sockets live long: they are kept apart from the connections of calls.
        let sockets = build(http(tls)?)?;
        // A manual clock is a test's, and so is a replay: their nonces have nothing to do with those of other clients.
        let nonces = match &self.credentials {
            Some(credentials) if !self.clock.is_manual() && !replays => {
                NonceSource::of_key(credentials.key())
            }
            _ => Arc::new(NonceSource::new()),
        };
        Ok(C::from(Client::new(Shared {
            environment: self.environment,
            origin: url,
            signer,
            clock: self.clock,
            dates: Dates::default(),
            nonces,
            timeouts: self.timeouts,
            limiter: Limiter::new(rate),
            budget: Budget::new(),
            calls,
            sockets,
            tape,
            warned_of_date: AtomicBool::new(false),
            runtime_known: AtomicBool::new(false),
        })))
    }
}

//! Settings and construction of a client.

use crate::{
    Client, Deadline, Error, IntentLog, MemoryIntentLog,
    connection::{Http, Proxy, Settings},
    limit::Limiter,
    recording::Tapes,
    retry::{Budget, Dates},
    tls,
    transport::Shared,
};
#[cfg(feature = "recording")]
use crate::{Recorder, Replay};
use capecrypto_auth::{Clock, Credentials, Environment, NonceSource, Sign};
use capecrypto_models::Sensitive;
use http::{HeaderValue, Uri};
use std::{
    marker::PhantomData,
    num::NonZeroU32,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

/// Deadlines. Each has a default; none can be switched off.
///
/// `connect` must be shorter than `idle`, `attempt`, `upload` and `export`, and `attempt` must not be longer than `call`.
/// Otherwise [`Builder::build`] returns an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// How long a call may wait in our own queue before it is sent: see [`Rate`]. Default 30 s.
    pub queue: Duration,
    /// How long it may take to open a connection, including TLS. Default 5 s.
    pub connect: Duration,
    /// How long a connection may be idle, without a byte sent or received. Default 10 s.
    pub idle: Duration,
    /// How long one attempt may take, from connecting to the last byte. Default 15 s. Each 16 KiB sent or received extend
    /// this deadline and that of the call by a second, so that a large transfer is not cut off while it makes progress.
    pub attempt: Duration,
    /// How long a call may take with all its attempts. Default 30 s, counted from the first attempt. A wait that the server
    /// asked for is added.
    pub call: Duration,
    /// The deadline of an attempt, and the least idle time, for a call that sends files, because the server checks them
    /// before it answers. Default 60 s. The deadline of the whole call is at least as long.
    pub upload: Duration,
    /// The same for a call whose answer is a long table. Default 120 s.
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

    /// The same with another deadline for calls whose answer is a long table.
    #[must_use]
    pub fn export(self, export: Duration) -> Self {
        Self { export, ..self }
    }

    /// The deadlines for a class of calls.
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
        // A connection that cannot be opened must fail by its own deadline, because then it is known that nothing was sent.
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
    /// The default: 15 a second, 30 at once. The exchange's software allows 6,000 in 5 minutes.
    pub const DEFAULT: Self = match (NonZeroU32::new(15), NonZeroU32::new(30)) {
        (Some(per_second), Some(burst)) => Self { per_second, burst },
        _ => unreachable!(),
    };
}

/// Settings of a [`Client`], or of a type that is made from one.
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
    proxy: Option<Sensitive<String>>,
    roots: Vec<Vec<u8>>,
    tapes: Tapes,
    intents: Option<Arc<dyn IntentLog>>,
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
            tapes: Tapes::default(),
            intents: None,
        }
    }

    /// Signs with these credentials. Without credentials, only public calls work.
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// Signs with another scheme instead of the exchange's.
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

    /// Sets the rate of requests; `None` means no limit. The default is [`Rate::DEFAULT`], but no limit for an environment on
    /// this machine or a replay.
    pub fn rate(mut self, rate: impl Into<Option<Rate>>) -> Self {
        self.rate = Some(rate.into());
        self
    }

    /// Sets the `User-Agent` header.
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = user_agent.into();
        self
    }

    /// Sends everything, also websockets, through an HTTP proxy (`http://user:password@host:port`, or `https://`).
    /// Nothing is sent without it: [`build`](Self::build) refuses a malformed URL and any other scheme, such as `socks5`.
    /// Proxies in the process's environment variables are ignored.
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.proxy = Some(Sensitive::new(url.into()));
        self
    }

    /// Trusts the certificates of a PEM file, in addition to the machine's.
    pub fn add_root_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.roots.push(pem.into());
        self
    }

    /// Records each call and its answer, for tests that [`replay`](Self::replay) them. A websocket is not recorded.
    #[cfg(feature = "recording")]
    pub fn record(mut self, recorder: &Recorder) -> Self {
        self.tapes.recorder = Some(recorder.clone());
        self
    }

    /// Answers each call from a [`Recording`](crate::Recording), or from a [`Replay`], which also says which entries were not
    /// used. No connection is ever opened.
    ///
    /// Everything else works as with a connection: arguments are checked, signed calls need credentials (any that fit the
    /// environment), a rate limit delays calls, statuses are read, reads are tried again. But the clock ignores recorded
    /// dates, progress is not reported, and a websocket cannot be replayed.
    #[cfg(feature = "recording")]
    pub fn replay(mut self, replay: impl Into<Replay>) -> Self {
        self.tapes.replay = Some(replay.into());
        self
    }

    /// Keeps the intents of writes in this log, such as a [`FileIntentLog`](crate::FileIntentLog). The default is a
    /// [`MemoryIntentLog`].
    pub fn intent_log(mut self, log: Arc<dyn IntentLog>) -> Self {
        self.intents = Some(log);
        self
    }

    /// Builds the client.
    ///
    /// # Errors
    /// [`Kind::Config`](crate::Kind::Config) if a setting cannot be used: the credentials do not belong to the environment,
    /// deadlines contradict each other, the proxy cannot be used, a recording has an entry that cannot be replayed, no TLS
    /// provider is compiled in, the machine has no certificates, …
    pub fn build(self) -> Result<C, Error> {
        if let Some(credentials) = &self.credentials {
            self.environment.admit(credentials).map_err(|error| Error::config(error.to_string()))?;
        }
        let is_good =
            !self.user_agent.is_empty() && self.user_agent.bytes().all(|b| (0x20..0x7f).contains(&b));
        let user_agent =
            HeaderValue::try_from(&self.user_agent).ok().filter(|_| is_good).ok_or_else(|| {
                Error::config("user_agent: it must be ASCII without control characters; give another")
            })?;
        self.timeouts.check()?;
        let origin = self.environment.origin();
        let uri: Uri = origin.as_str().parse().map_err(|error| {
            Error::config(format!("environment: its origin is not a URL ({error}); give another"))
        })?;
        let signer: Option<Arc<dyn Sign>> = match (self.signer, &self.credentials) {
            (Some(signer), _) => Some(signer),
            (None, Some(credentials)) => Some(credentials.signer()),
            (None, None) => None,
        };
        let replays = self.tapes.replays();
        let tape = self.tapes.tape(self.credentials.as_ref())?;
        let proxy = self.proxy.as_ref().map(|url| Proxy::parse(url.expose(), origin)).transpose()?;
        let rate =
            self.rate.unwrap_or(if origin.is_loopback() || replays { None } else { Some(Rate::DEFAULT) });
        // A replay checks no certificate, so a machine without certificates can replay.
        let tls = tls::config(origin.is_https() && !replays, &self.roots)?;
        let settings =
            Settings { origin: uri, tls: Arc::new(tls), proxy, limit: self.timeouts.connect, user_agent };
        // Websockets live long, so they do not share a pool with the connections of calls.
        let sockets = Http::new(settings.clone())?;
        let calls = Http::new(settings)?;
        // Manual clocks and replays belong to tests: their nonces must not mix with those of other clients.
        let nonces = match &self.credentials {
            Some(credentials) if !self.clock.is_manual() && !replays => {
                NonceSource::of_key(credentials.key())
            }
            _ => Arc::new(NonceSource::new()),
        };
        Ok(C::from(Client::new(Shared {
            origin_text: origin.as_str().into(),
            environment: self.environment,
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
            intents: self.intents.unwrap_or_else(|| Arc::new(MemoryIntentLog::new())),
            warned_of_date: AtomicBool::new(false),
            runtime_known: AtomicBool::new(false),
        })))
    }
}

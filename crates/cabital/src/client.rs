//! The client: one handle for both hosts.

use crate::{
    LIGHT, LINK,
    codes::CODES,
    signer::{PartnerSigner, Scheme},
};
use capecrypto_auth::{Clock, Credentials, Environment, EnvironmentError, Service};
use capecrypto_models::Timestamp;
use capecrypto_rest::{
    Builder, Client, Cursored, Endpoint, Error, IntentLog, Items, MemoryIntentLog, RawRequest, Reply,
};
use std::{fmt, sync::Arc};

/// Where Cabital is: the host of the partner API, and that of the link and light modes.
///
/// Cabital has ceased trading, so that the hosts of the documents do not answer. Use a local server, or another host that speaks the
/// same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hosts {
    partner: Environment,
    link: Environment,
}

impl Hosts {
    /// The hosts of the documents: `https://partner.cabital.com` and `https://api.cabital.com`.
    ///
    /// # Errors
    /// None; the two are origins.
    pub fn documented() -> Result<Self, EnvironmentError> {
        Self::at("https://partner.cabital.com", "https://api.cabital.com")
    }

    /// Other hosts: the origin of the partner API, and the one of the link and light modes.
    ///
    /// # Errors
    /// [`EnvironmentError`] if a text is not an origin, or is plain HTTP to another machine.
    pub fn at(partner: &str, link: &str) -> Result<Self, EnvironmentError> {
        Ok(Self { partner: Environment::at(partner)?, link: Environment::at(link)? })
    }

    /// The same with the other way in which the documents write the path of a link's status: `/links/…` instead of `/link/links/…`.
    #[must_use]
    pub fn with_short_link_paths(self) -> Self {
        Self { link: self.link.with_legacy_paths(), ..self }
    }

    pub(crate) fn of(&self, service: Service) -> &Environment {
        if is_link(service) { &self.link } else { &self.partner }
    }
}

fn is_link(service: Service) -> bool {
    service == LINK || service == LIGHT
}

/// The order of the two currencies in a conversion, which the documents describe in two ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Convention {
    /// Bought on the left, sold on the right; with the reversed quote if that is not Cabital's own order. The default.
    #[default]
    BoughtSold,
    /// Always the pair of the quote, and its quote.
    Quoted,
}

/// A client of Cabital's partner API. Clones are cheap and share connections, clock and nonces.
#[derive(Clone)]
pub struct Cabital {
    partner: Client,
    link: Client,
    hosts: Arc<Hosts>,
    signer: Option<Arc<PartnerSigner>>,
}

type Settings = Box<dyn Fn(Builder) -> Builder + Send + Sync>;

/// Settings of a [`Cabital`].
#[must_use = "a builder does nothing until it is built"]
pub struct CabitalBuilder {
    hosts: Hosts,
    credentials: Option<Credentials>,
    scheme: Scheme,
    intents: Option<Arc<dyn IntentLog>>,
    clock: Clock,
    settings: Vec<Settings>,
}

impl fmt::Debug for CabitalBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CabitalBuilder")
            .field("hosts", &self.hosts)
            .field("scheme", &self.scheme)
            .finish_non_exhaustive()
    }
}

impl CabitalBuilder {
    /// Signs with this key and secret. Without them, only the light mode works.
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// Signs in another way than the default, where the documents leave it open.
    pub fn scheme(mut self, scheme: Scheme) -> Self {
        self.scheme = scheme;
        self
    }

    /// Keeps the intents of writes in this log, such as a [`FileIntentLog`](capecrypto_rest::FileIntentLog). The default is lost with
    /// the process.
    pub fn intent_log(mut self, log: Arc<dyn IntentLog>) -> Self {
        self.intents = Some(log);
        self
    }

    /// Takes the time from another clock.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Changes further settings of the transport, such as deadlines or a proxy. It is called once for each of the two hosts.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use cabital::{Cabital, Hosts};
    /// use capecrypto_rest::Timeouts;
    /// use std::time::Duration;
    /// let hosts = Hosts::at("http://127.0.0.1:8080", "http://127.0.0.1:8080")?;
    /// let quick = Timeouts::default().attempt(Duration::from_secs(7));
    /// let cabital = Cabital::builder(hosts).transport(move |builder| builder.timeouts(quick)).build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn transport(mut self, settings: impl Fn(Builder) -> Builder + Send + Sync + 'static) -> Self {
        self.settings.push(Box::new(settings));
        self
    }

    /// Builds the client.
    ///
    /// # Errors
    /// [`Kind::Config`](capecrypto_rest::Kind::Config) if a setting cannot be used: see [`Builder::build`].
    pub fn build(self) -> Result<Cabital, Error> {
        let Self { hosts, credentials, scheme, intents, clock, settings } = self;
        let signer =
            credentials.as_ref().map(|credentials| Arc::new(PartnerSigner::new(credentials, scheme)));
        let intents = intents.unwrap_or_else(|| Arc::new(MemoryIntentLog::new()));
        let client = |environment: &Environment| {
            let mut builder =
                Client::builder(environment.clone()).clock(clock.clone()).intent_log(intents.clone());
            if let (Some(credentials), Some(signer)) = (&credentials, &signer) {
                builder = builder.credentials(credentials.clone()).signer(signer.clone());
            }
            settings.iter().fold(builder, |builder, change| change(builder)).build()
        };
        let (partner, link) = (client(&hosts.partner)?, client(&hosts.link)?);
        Ok(Cabital { partner, link, hosts: Arc::new(hosts), signer })
    }
}

impl Cabital {
    /// A builder with the settings for these hosts.
    pub fn builder(hosts: Hosts) -> CabitalBuilder {
        CabitalBuilder {
            hosts,
            credentials: None,
            scheme: Scheme::default(),
            intents: None,
            clock: Clock::system(),
            settings: Vec::new(),
        }
    }

    /// Sends a request to its host and reads the answer.
    ///
    /// Reads, and the report of a result, are tried up to three times. A conversion, a transfer and a match are sent once, and after
    /// an unknown outcome once more with the same nonce and the same bytes, because Cabital takes a nonce only once.
    ///
    /// # Errors
    /// [`Error`]; for a write, [`Error::outcome`] says whether it may have been done. [`PartnerCode::of`](crate::PartnerCode::of) gives
    /// the code of a refusal.
    pub async fn send<E: Endpoint>(&self, request: E) -> Result<E::Response, Error> {
        self.client(E::CALL.service).send(request).await
    }

    /// Like [`send`](Self::send), but also returns status, time and attempts.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn reply<E: Endpoint>(&self, request: E) -> Result<Reply<E::Response>, Error> {
        self.client(E::CALL.service).reply(request).await
    }

    /// The rows of a list over all its parts, each row once.
    pub fn items<E: Cursored + 'static>(&self, request: E) -> Items<E::Row> {
        self.client(E::CALL.service).items_by_cursor(request)
    }

    /// A call of the partner API for which this version has no type. The path starts at the host's root, such as `/api/v1/config`.
    pub fn raw(&self, method: http::Method, path: impl Into<String>) -> RawRequest {
        self.partner.raw(method, path).codes(CODES)
    }

    /// Cabital's time, as far as this client knows it.
    pub fn now(&self) -> Timestamp {
        self.partner.now()
    }

    /// The log of intents: which writes may have been done, and were not looked up yet.
    pub fn intents(&self) -> &Arc<dyn IntentLog> {
        self.partner.intents()
    }

    /// The client of the partner API alone.
    pub fn partner(&self) -> &Client {
        &self.partner
    }

    /// The client of the link and light modes alone.
    pub fn link(&self) -> &Client {
        &self.link
    }

    /// The hosts.
    pub fn hosts(&self) -> &Hosts {
        &self.hosts
    }

    pub(crate) fn signer(&self) -> Option<&PartnerSigner> {
        self.signer.as_deref()
    }

    fn client(&self, service: Service) -> &Client {
        if is_link(service) { &self.link } else { &self.partner }
    }
}

impl fmt::Debug for Cabital {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cabital")
            .field("hosts", &self.hosts)
            .field("signs", &self.signer.is_some())
            .finish_non_exhaustive()
    }
}

//! Settings of the handle.

use crate::Cape;
use capecrypto_auth::{Clock, Credentials, Environment, Sign};
use capecrypto_rest::{Client, Error, Rate, Timeouts};
use std::sync::Arc;

/// Settings of a [`Cape`]. All have a default: without credentials the public calls work.
#[derive(Debug)]
#[must_use = "a builder does nothing until it is built"]
pub struct Builder(capecrypto_rest::Builder);

impl Builder {
    pub(crate) fn new(environment: Environment) -> Self {
        Self(Client::builder(environment))
    }

    /// Signs with these credentials.
    pub fn credentials(self, credentials: Credentials) -> Self {
        Self(self.0.credentials(credentials))
    }

    /// Signs with another scheme than the exchange's.
    pub fn signer(self, signer: Arc<dyn Sign>) -> Self {
        Self(self.0.signer(signer))
    }

    /// Takes the time from another clock.
    pub fn clock(self, clock: Clock) -> Self {
        Self(self.0.clock(clock))
    }

    /// Sets deadlines.
    pub fn timeouts(self, timeouts: Timeouts) -> Self {
        Self(self.0.timeouts(timeouts))
    }

    /// Sets the rate of requests, `None` for none. The default is [`Rate::DEFAULT`], and no limit on this machine.
    pub fn rate(self, rate: impl Into<Option<Rate>>) -> Self {
        Self(self.0.rate(rate))
    }

    /// Sets the `User-Agent` header.
    pub fn user_agent(self, user_agent: impl Into<String>) -> Self {
        Self(self.0.user_agent(user_agent))
    }

    /// Sends everything, websocket included, through an HTTP proxy (`http://user:password@host:port`).
    pub fn proxy(self, url: impl Into<String>) -> Self {
        Self(self.0.proxy(url))
    }

    /// Trusts the certificates of a PEM file besides the machine's.
    pub fn add_root_pem(self, pem: impl Into<Vec<u8>>) -> Self {
        Self(self.0.add_root_pem(pem))
    }

    /// Builds the handle. Nothing is sent.
    ///
    /// # Errors
    /// [`Kind::Config`](crate::Kind::Config) where a setting cannot be used: credentials and environment do not
    /// belong together, the proxy is no URL, no TLS provider is compiled in, …
    pub fn build(self) -> Result<Cape, Error> {
        self.0.build().map(Cape::from)
    }
}

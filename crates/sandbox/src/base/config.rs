//! How a sandbox is set up: the profile and the figures that a test or a user may want to change.

use serde::{Deserialize, Serialize};
use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

/// Whose behaviour the sandbox shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// The shapes and promises of the current documents (2026). Where the documents name no error code, the
    /// sandbox uses its own, which begins with `sandbox.`.
    #[default]
    Docs,
    /// The behaviour of the OpenDAX family that Cape's older API was built on (2023 and before): times in
    /// seconds, terse websocket messages, self-trades allowed.
    Legacy,
}

impl Profile {
    /// The zone of ISO times, in hours: the documents' samples have `+01:00`.
    pub(crate) fn zone_hours(self) -> i8 {
        match self {
            Self::Docs => 1,
            Self::Legacy => 0,
        }
    }

    /// Milliseconds in one unit of `time_from` and `time_to`.
    pub(crate) fn time_unit_ms(self) -> i64 {
        match self {
            Self::Docs => 1,
            Self::Legacy => 1000,
        }
    }
}

/// All settings, with their defaults.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub(crate) profile: Profile,
    pub(crate) listen: SocketAddr,
    pub(crate) allow_non_loopback: bool,
    /// How far a nonce may be from the exchange's clock, in both directions.
    pub(crate) auth_window: Duration,
    /// How long it takes to make an address for deposits.
    pub(crate) address_after: Duration,
    /// Whether payment references need an account with some verification.
    pub(crate) verified_customers: bool,
    /// Whether an occupation and a source of funds must be in the documents' lists.
    pub(crate) only_listed: bool,
    /// How long a payment reference is valid.
    pub(crate) payment_lifetime: Duration,
    /// Hosts that webhooks are sent to, in addition to this machine.
    pub(crate) webhook_hosts: Vec<String>,
    /// How long a receiver may take to answer a webhook, on the machine's clock.
    pub(crate) webhook_timeout: Duration,
    pub(crate) cabital: CabitalConfig,
    pub(crate) ping_every: Duration,
    pub(crate) drop_after: Duration,
    pub(crate) tickers_every: Duration,
    pub(crate) candles_every: Duration,
}

/// The settings of Cabital's side.
#[derive(Debug, Clone)]
pub(crate) struct CabitalConfig {
    /// Where its two hosts listen; the exchange's address with a free port if there is none.
    pub(crate) listen: Option<SocketAddr>,
    pub(crate) listen_link: Option<SocketAddr>,
    /// How long a quote is valid, in whole seconds.
    pub(crate) quote_valid: Duration,
    /// Whether the signed path has the query string.
    pub(crate) query_in_path: bool,
    /// Whether digests are written in base64, not in hex.
    pub(crate) base64: bool,
    /// Whether a conversion names the pair of its quote, not the bought currency first.
    pub(crate) quoted_pairs: bool,
}

impl Default for CabitalConfig {
    fn default() -> Self {
        Self {
            listen: None,
            listen_link: None,
            quote_valid: Duration::from_secs(10),
            query_in_path: true,
            base64: false,
            quoted_pairs: false,
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            profile: Profile::Docs,
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            allow_non_loopback: false,
            auth_window: Duration::from_secs(5),
            address_after: Duration::from_secs(3),
            verified_customers: true,
            only_listed: false,
            payment_lifetime: Duration::from_secs(24 * 60 * 60),
            webhook_hosts: Vec::new(),
            webhook_timeout: Duration::from_secs(10),
            cabital: CabitalConfig::default(),
            ping_every: Duration::from_secs(54),
            drop_after: Duration::from_secs(60),
            tickers_every: Duration::from_secs(5),
            candles_every: Duration::from_secs(2),
        }
    }
}

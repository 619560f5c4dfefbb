//! Which host a client talks to, and which paths and units of time that host uses.

use crate::{Credentials, KeyKind};
use std::{fmt, net::IpAddr};

/// A part of the API, such as trading or accounts, with the path that it is served at.
///
/// Each service is a constant in the crate that declares its calls. An [`Environment`] may set another path for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Service {
    name: &'static str,
    current: &'static str,
    older: &'static str,
}

impl Service {
    /// A service with this name and, in both versions, this path from the host's root, such as `/api/v2/atlas`.
    pub const fn new(name: &'static str, path: &'static str) -> Self {
        Self { name, current: path, older: path }
    }

    /// The same with another path in the older version.
    #[must_use]
    pub const fn older(self, path: &'static str) -> Self {
        Self { older: path, ..self }
    }

    /// The name that the specification uses.
    pub const fn name(self) -> &'static str {
        self.name
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// How times are written in a request's parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeUnit {
    /// Unix seconds.
    Seconds,
    /// Unix milliseconds.
    Milliseconds,
}

/// What the key `balance` means in an answer over REST.
///
/// The documents do not say. The server family sends the available amount; the current stream sends the total.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BalanceMeaning {
    /// The amount that can be used, without what open orders and pending withdrawals lock.
    #[default]
    Available,
    /// Available and locked together.
    Total,
}

/// Scheme, host and port, as in `https://trade.capecrypto.com`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    text: String,
    https: bool,
    loopback: bool,
}

impl Origin {
    /// Parses an origin.
    ///
    /// # Errors
    /// [`EnvironmentError::NotAnOrigin`] if the text is not `http://` or `https://`, a host and perhaps a port, or if it
    /// has a path, a user or a query. [`EnvironmentError::PlainHttp`] for `http://` to another machine.
    pub fn parse(text: &str) -> Result<Self, EnvironmentError> {
        let bad = || EnvironmentError::NotAnOrigin;
        let text = text.strip_suffix('/').unwrap_or(text);
        let (https, authority) = match text.split_once("://") {
            Some(("https", rest)) => (true, rest),
            Some(("http", rest)) => (false, rest),
            _ => return Err(bad()),
        };
        let (host, port) = match authority.strip_prefix('[') {
            Some(rest) => {
                let (host, after) = rest.split_once(']').ok_or_else(bad)?;
                host.parse::<std::net::Ipv6Addr>().map_err(|_| bad())?;
                (host, if after.is_empty() { None } else { Some(after.strip_prefix(':').ok_or_else(bad)?) })
            }
            None => {
                let (host, port) = match authority.split_once(':') {
                    Some((host, port)) => (host, Some(port)),
                    None => (authority, None),
                };
                let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
                if host.is_empty() || !host.chars().all(plain) {
                    return Err(bad());
                }
                (host, port)
            }
        };
        if let Some(port) = port {
            let digits = !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
            if !digits || port.parse::<u16>().is_err() {
                return Err(bad());
            }
        }
        let loopback = host.eq_ignore_ascii_case("localhost")
            || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        if !https && !loopback {
            return Err(EnvironmentError::PlainHttp);
        }
        Ok(Self { text: text.to_owned(), https, loopback })
    }

    /// The origin as text, without a slash at the end.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it is `https://`.
    pub fn is_https(&self) -> bool {
        self.https
    }

    /// Whether the host is this machine.
    pub fn is_loopback(&self) -> bool {
        self.loopback
    }
}

/// An exchange to talk to: its origin, the path of each service, the unit of times.
///
/// Environments differ in data only; a client works with any of them.
///
/// | | current | legacy |
/// | --- | --- | --- |
/// | trade, account | `/api/v2/atlas` | `/api/v2/trade` |
/// | stream | `/api/v2/websocket` | `/api/v2/stream` |
/// | other [services](Service) | as their constants say | the same |
/// | times in parameters | milliseconds | seconds |
///
/// The documents of both versions say milliseconds, but the server family of the legacy version uses seconds. If the
/// unit is wrong, a server answers with an empty list and no error. Set another unit with
/// [`with_time_unit`](Self::with_time_unit).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    origin: Origin,
    /// Services with another path than their constants say.
    moved: Vec<(Service, String)>,
    time_unit: TimeUnit,
    rest_balance: BalanceMeaning,
    legacy: bool,
}

/// Why an environment cannot be used.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EnvironmentError {
    /// Not an origin.
    #[error(
        "this is not an origin; give scheme, host and perhaps a port, such as https://trade.capecrypto.com"
    )]
    NotAnOrigin,
    /// Plain HTTP to another machine, which would show every key to the network.
    #[error("plain http is for this machine only; use https")]
    PlainHttp,
    /// `Environment::local` got the origin of another machine.
    #[error("the origin is not this machine's; use Environment::at for another host")]
    NotLocal,
    /// The path for a service is malformed.
    #[error("this is not a path; give one of the form /api/v2/atlas")]
    NotAPath,
    /// A sandbox key with the origin of another machine.
    #[error(
        "a sandbox key is for the sandbox on this machine; use a key of the exchange, or Environment::local"
    )]
    SandboxKeyElsewhere,
    /// `CAPE_ENVIRONMENT` does not name an environment.
    #[error(
        "CAPE_ENVIRONMENT does not name an environment; set it to live, legacy, or an origin such as https://trade.capecrypto.com"
    )]
    Unnamed,
    /// A real key over plain HTTP.
    #[error("a real key never goes over plain http; use https, or a key of the sandbox")]
    RealKeyOverHttp,
}

/// With the text, because it is what a program prints whose `main` answers this error.
impl fmt::Debug for EnvironmentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EnvironmentError").field(&format_args!("{self}")).finish()
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Environment {
    /// The exchange: `https://trade.capecrypto.com`, the paths of the current documents.
    pub fn live() -> Self {
        Self::current(Origin {
            text: "https://trade.capecrypto.com".to_owned(),
            https: true,
            loopback: false,
        })
    }

    /// The exchange with the paths of the documents of 2023.
    pub fn legacy() -> Self {
        Self::live().with_legacy_paths()
    }

    /// Reads `CAPE_ENVIRONMENT`: `live` (also if it is empty or not set), `legacy`, or an origin, such as the sandbox's
    /// `http://127.0.0.1:8080`.
    ///
    /// # Errors
    /// [`EnvironmentError::Unnamed`] for any other text; [`EnvironmentError::PlainHttp`] for `http://` to another machine.
    pub fn from_env() -> Result<Self, EnvironmentError> {
        Self::named(std::env::var_os("CAPE_ENVIRONMENT").unwrap_or_default().to_str().unwrap_or("\u{fffd}"))
    }

    fn named(name: &str) -> Result<Self, EnvironmentError> {
        match name {
            "" | "live" => Ok(Self::live()),
            "legacy" => Ok(Self::legacy()),
            origin => Self::at(origin).map_err(|error| match error {
                EnvironmentError::NotAnOrigin => EnvironmentError::Unnamed,
                other => other,
            }),
        }
    }

    /// The sandbox, or another server on this machine.
    ///
    /// # Errors
    /// [`EnvironmentError`] if the text is not an origin, or is another machine's.
    pub fn local(origin: &str) -> Result<Self, EnvironmentError> {
        let origin = Origin::parse(origin)?;
        if origin.is_loopback() { Ok(Self::current(origin)) } else { Err(EnvironmentError::NotLocal) }
    }

    /// Another host with the paths of the current documents.
    ///
    /// # Errors
    /// [`EnvironmentError`] if the text is not an origin, or is plain HTTP to another machine.
    pub fn at(origin: &str) -> Result<Self, EnvironmentError> {
        Origin::parse(origin).map(Self::current)
    }

    fn current(origin: Origin) -> Self {
        Self {
            origin,
            moved: Vec::new(),
            time_unit: TimeUnit::Milliseconds,
            rest_balance: BalanceMeaning::Available,
            legacy: false,
        }
    }

    /// The same host with the paths and the time unit of the legacy version.
    #[must_use]
    pub fn with_legacy_paths(self) -> Self {
        Self { time_unit: TimeUnit::Seconds, legacy: true, ..self }
    }

    /// The same with another path for a service.
    ///
    /// # Errors
    /// [`EnvironmentError::NotAPath`] if it does not begin with a slash, ends with one, or holds anything but letters,
    /// digits, `_`, `-` and single slashes.
    pub fn with_path(mut self, service: Service, path: &str) -> Result<Self, EnvironmentError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        let good = path.strip_prefix('/').is_some_and(|rest| {
            rest.split('/').all(|segment| !segment.is_empty() && segment.chars().all(plain))
        });
        if !good {
            return Err(EnvironmentError::NotAPath);
        }
        self.moved.retain(|(moved, _)| *moved != service);
        self.moved.push((service, path.to_owned()));
        Ok(self)
    }

    /// The same with another unit for times in parameters.
    #[must_use]
    pub fn with_time_unit(self, time_unit: TimeUnit) -> Self {
        Self { time_unit, ..self }
    }

    /// The same with another meaning of `balance` in answers over REST. The default is
    /// [`Available`](BalanceMeaning::Available).
    #[must_use]
    pub fn with_rest_balance(self, rest_balance: BalanceMeaning) -> Self {
        Self { rest_balance, ..self }
    }

    /// Scheme, host and port.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The path of a service, from the host's root.
    pub fn path(&self, service: Service) -> &str {
        match self.moved.iter().find(|(moved, _)| *moved == service) {
            Some((_, path)) => path,
            None if self.legacy => service.older,
            None => service.current,
        }
    }

    /// Whether an answer with this status says that the exchange is under maintenance. The body does not matter. 471 is
    /// used by the exchange's gateway only.
    pub fn is_maintenance(&self, status: u16) -> bool {
        matches!(status, 471 | 503)
    }

    /// Whether it is the version of the documents of 2023, which has fewer parameters.
    pub fn is_legacy(&self) -> bool {
        self.legacy
    }

    /// How times are written in parameters.
    pub fn time_unit(&self) -> TimeUnit {
        self.time_unit
    }

    /// What `balance` means in answers over REST.
    pub fn rest_balance(&self) -> BalanceMeaning {
        self.rest_balance
    }

    /// Checks that the credentials may be sent to this environment.
    ///
    /// # Errors
    /// [`EnvironmentError`] for a sandbox key to another machine, and for any other key over plain HTTP.
    pub fn admit(&self, credentials: &Credentials) -> Result<(), EnvironmentError> {
        match credentials.kind() {
            KeyKind::Sandbox if !self.origin.is_loopback() => Err(EnvironmentError::SandboxKeyElsewhere),
            KeyKind::Real if !self.origin.is_https() => Err(EnvironmentError::RealKeyOverHttp),
            KeyKind::Sandbox | KeyKind::Real => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_is_named_or_given_by_its_origin() {
        for live in ["", "live", "https://trade.capecrypto.com"] {
            assert_eq!(Environment::named(live), Ok(Environment::live()), "{live}");
        }
        assert_eq!(Environment::named("legacy"), Ok(Environment::legacy()));
        assert_eq!(
            Environment::named("http://127.0.0.1:8080"),
            Ok(Environment::local("http://127.0.0.1:8080").unwrap())
        );
        for bad in ["production", "\u{fffd}", "trade.capecrypto.com", "ftp://127.0.0.1"] {
            assert_eq!(Environment::named(bad), Err(EnvironmentError::Unnamed), "{bad}");
        }
        assert_eq!(Environment::named("http://10.0.0.1"), Err(EnvironmentError::PlainHttp));
    }
}

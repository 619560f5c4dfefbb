#![doc = include_str!("../README.md")]

mod accounts;
mod app;
mod auth;
mod clock;
mod config;
mod control;
mod engine;
mod errors;
mod faults;
mod funds;
mod http;
mod ledger;
mod markets;
mod money;
mod render;
mod sandbox;
mod server;
mod ws;

pub use crate::accounts::{Account, Restriction, Role};
pub use crate::config::Profile;
pub use crate::control::{Control, ControlError, Ledger, LedgerEntry};
pub use crate::errors::OwnCode;
pub use crate::faults::{Fault, FaultKind};
pub use crate::sandbox::{Builder, Sandbox, StartError};

/// One API call that the sandbox serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Call {
    /// The service it belongs to: `trade` or `account`.
    pub service: &'static str,
    /// `GET` or `POST`.
    pub method: &'static str,
    /// The path without its prefix, such as `/public/markets/{market}/depth`.
    pub path: &'static str,
    /// The profile that alone serves it; none means both.
    pub only: Option<Profile>,
}

impl Call {
    /// Status and code of everything that the call may be refused with, those of our own included.
    #[must_use]
    pub fn codes(&self) -> Vec<(u16, &'static str)> {
        let is_it = |route: &&http::Route| (route.method, route.path) == (self.method, self.path);
        http::all().find(is_it).map(http::codes::of).unwrap_or_default()
    }
}

/// Every API call that is served, read off the table that serves them.
#[must_use]
pub fn calls() -> Vec<Call> {
    let call = |route: &http::Route| Call {
        service: route.service,
        method: route.method,
        path: route.path,
        only: route.only,
    };
    http::all().map(call).collect()
}

/// Every error code that is the sandbox's own, with its reason.
#[must_use]
pub fn own_codes() -> &'static [OwnCode] {
    errors::OWN_CODES
}

#![doc = include_str!("../README.md")]

mod api;
mod base;
pub mod cabital;
mod client;
mod door;
mod exchange;
mod host;
#[doc(hidden)]
pub mod program;
mod sandbox;
mod stream;
mod wire;

pub use crate::base::config::Profile;
pub use crate::base::refusal::OwnCode;
pub use crate::door::cabital::CabitalControl;
pub use crate::door::control::{Control, ControlError};
pub use crate::door::deposits::NewDeposit;
pub use crate::door::money::{JournalEntry, JournalPosting, Ledger, LedgerEntry};
pub use crate::door::payments::{DepositMethod, ReferenceDeposit};
pub use crate::door::verification::Verification;
pub use crate::door::webhooks::{WebhookAttempt, WebhookDelivery, WebhookReceiver, WebhookRequest};
pub use crate::exchange::catalogue::{Currency, Market, MarketState};
pub use crate::exchange::funds::deposit_state::DepositState;
pub use crate::exchange::funds::deposits::DepositChange;
pub use crate::exchange::funds::transfers::RewardKind;
pub use crate::exchange::funds::withdrawals::WithdrawalState;
pub use crate::exchange::people::documents::{Document, FileKind};
pub use crate::exchange::people::verification::KycStatus;
pub use crate::exchange::people::{Restriction, Role};
pub use crate::exchange::webhooks::delivery::{AttemptEnd, AttemptReason, WebhookState};
pub use crate::exchange::webhooks::faults::WebhookFault;
pub use crate::host::faults::{Fault, FaultKind};
pub use crate::host::keys::Account;
pub use crate::sandbox::{Builder, CabitalAccess, Sandbox, StartError};
pub use crate::stream::trouble::FrameFault;

/// One API call that the sandbox serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Call {
    /// The service it belongs to, such as `trade` or `account`.
    pub service: &'static str,
    /// The HTTP method, such as `GET`.
    pub method: &'static str,
    /// The path without its prefix, such as `/public/markets/{market}/depth`.
    pub path: &'static str,
    /// The only profile that serves it; `None` means both.
    pub only: Option<Profile>,
}

impl Call {
    /// Status and code of every refusal that the call may answer, including the sandbox's own codes.
    #[must_use]
    pub fn codes(&self) -> Vec<(u16, &'static str)> {
        let is_it = |route: &&api::Route| (route.method, route.path) == (self.method, self.path);
        if let Some(route) = api::all().find(is_it) {
            return api::codes::of(route);
        }
        let is_it = |route: &&cabital::api::Route| (route.method, route.path) == (self.method, self.path);
        let codes = cabital::api::ROUTES.iter().find(is_it).map(|route| route.codes).unwrap_or_default();
        codes.iter().map(|pa| (pa.status().as_u16(), pa.code)).collect()
    }
}

/// Every call of Cabital's side, read from the router's own table. The services are `partner`, and `link` for the link and
/// light modes; paths stand after `/api/v1`.
#[must_use]
pub fn cabital_calls() -> Vec<Call> {
    let call = |route: &cabital::api::Route| Call {
        service: route.service(),
        method: route.method,
        path: route.path,
        only: None,
    };
    cabital::api::ROUTES.iter().map(call).collect()
}

/// Every API call that is served, read from the router's own table.
#[must_use]
pub fn calls() -> Vec<Call> {
    let call = |route: &api::Route| Call {
        service: route.service,
        method: route.method,
        path: route.path,
        only: route.only,
    };
    api::all().map(call).collect()
}

/// Every error code that only the sandbox uses, with its reason.
#[must_use]
pub fn own_codes() -> Vec<OwnCode> {
    api::own_codes().chain(door::control::OWN_CODES).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_codes_are_marked_explained_and_listed_once() {
        let codes = own_codes();
        for (place, own) in codes.iter().enumerate() {
            assert!(own.code.starts_with("sandbox."), "{own:?}");
            assert!(own.reason.len() > 10, "{own:?}");
            assert!(codes.iter().skip(place + 1).all(|other| other.code != own.code), "{own:?} twice");
        }
        for call in cabital_calls() {
            assert!(
                !calls().iter().any(|other| (other.method, other.path) == (call.method, call.path)),
                "{call:?}"
            );
        }
        let declared = calls().into_iter().flat_map(|call| call.codes()).map(|(_, code)| code);
        for code in declared.filter(|code| code.starts_with("sandbox.")) {
            assert!(codes.iter().any(|own| own.code == code), "{code} has no reason");
        }
    }
}

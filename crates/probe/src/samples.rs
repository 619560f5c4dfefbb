//! The samples of a call, for the checks.

use crate::{PartnerSeed, Seed};
use capecrypto_models::Timestamp;

/// Samples of a request, from which the probe checks what it sends.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no samples for the check against the specification",
    note = "add `impl Samples for {Self}` to the `samples` module of its section's file"
)]
pub trait Samples: Sized {
    /// A request with only the required parameters.
    fn smallest() -> Self;
    /// A request with all parameters, except those that only [`alternatives`](Self::alternatives) have. It is left out where the
    /// smallest one has all.
    fn fullest() -> Self {
        Self::smallest()
    }
    /// Further requests, with parameters that cannot stand together with some of the fullest one. All of them together have
    /// every parameter.
    fn alternatives() -> Vec<Self> {
        Vec::new()
    }
    /// A request with all parameters of the older environment, if that has some that the current one does not have.
    fn older() -> Option<Self> {
        None
    }
    /// A request that an exchange in the state of the [`Seed`] answers with a full row.
    fn answered(_: &Seed) -> Self {
        Self::smallest()
    }
    /// Requests that Cabital's side of the sandbox, in the state of the [`PartnerSeed`], answers with full rows. All answers together
    /// have every field.
    fn answered_to_partner(_: &PartnerSeed) -> Vec<Self> {
        vec![Self::smallest()]
    }
    /// Optional parameters that the request fills by itself if they are not given.
    const MADE: &[&str] = &[];
}

/// A time for samples: this many minutes after a fixed time.
pub fn time(minutes: i64) -> Timestamp {
    Timestamp::from_unix_seconds(1_700_000_000 + 60 * minutes).unwrap()
}

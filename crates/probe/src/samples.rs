//! What a call's tests give for it.

use crate::Seed;
use capecrypto_models::Timestamp;

/// Two samples of a request, beside its type: the probe sends both on paper.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no samples for the check against the specification",
    note = "add `impl Samples for {Self}` to the `samples` module of its section's file"
)]
pub trait Samples {
    /// Only what is required.
    fn smallest() -> Self;
    /// Every parameter there is.
    fn fullest() -> Self;
    /// What an exchange in the state of the [`Seed`] answers with a full row.
    fn answered(_: &Seed) -> Self
    where
        Self: Sized,
    {
        Self::smallest()
    }
    /// Optional parameters that the request makes by itself where none is given.
    const MADE: &[&str] = &[];
}

/// Minutes after a certain time, for samples.
pub fn time(minutes: i64) -> Timestamp {
    Timestamp::from_unix_seconds(1_700_000_000 + 60 * minutes).unwrap()
}

//! Satoshi, as a type separate from amounts of bitcoin.

use crate::{arg::Malformed, tolerant};
use rust_decimal::{Decimal, prelude::ToPrimitive};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;

/// A whole number of satoshi (1 BTC = 100,000,000 sat), as the lightning calls count.
///
/// It is a separate type because an amount in the wrong unit is wrong by a factor of a hundred million.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Sats(u64);

impl Sats {
    /// An amount of this many satoshi.
    pub const fn new(sats: u64) -> Self {
        Self(sats)
    }

    /// The number of satoshi.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The same amount in bitcoin, exact.
    pub fn to_btc(self) -> Decimal {
        Decimal::from_i128_with_scale(i128::from(self.0), 8)
    }

    /// An amount of bitcoin in satoshi.
    ///
    /// # Errors
    /// [`Malformed`] if the amount is negative, finer than a satoshi, or too large: nothing is rounded.
    pub fn from_btc(btc: Decimal) -> Result<Self, Malformed> {
        let sats = btc.checked_mul(Decimal::from(100_000_000)).filter(Decimal::is_integer);
        sats.and_then(|sats| sats.to_u64()).map(Self).ok_or_else(|| {
            Malformed::new(
                format!("{btc} BTC is not a whole number of satoshi"),
                "give a positive amount of at most 8 fraction digits",
            )
        })
    }
}

impl fmt::Display for Sats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} sat", self.0)
    }
}

impl<'de> Deserialize<'de> for Sats {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        tolerant::whole(deserializer).map(Self)
    }
}

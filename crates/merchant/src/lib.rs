#![doc = include_str!("../README.md")]

use capecrypto_auth::Service;

/// Documents for the verification of persons and businesses.
pub const VERIFICATION: Service = Service::new("verification", "/api/v2/verification");

pub mod documents;
mod hints;

#[cfg(test)]
mod probe;

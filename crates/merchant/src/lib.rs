#![doc = include_str!("../README.md")]

use capecrypto_auth::Service;

/// Documents for the verification of persons and businesses.
pub const VERIFICATION: Service = Service::new("verification", "/api/v2/verification");

/// Who somebody is: sub-accounts.
pub const PERSONA: Service = Service::new("persona", "/api/v2/persona");

pub mod documents;
mod hints;
pub mod sub_accounts;

#[cfg(test)]
mod probe;

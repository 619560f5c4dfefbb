#![doc = include_str!("../README.md")]

use capecrypto_auth::Service;

/// Documents for the verification of persons and businesses.
pub const VERIFICATION: Service = Service::new("verification", "/api/v2/verification");

/// The persona service: sub-accounts, customers, merchants and the account's webhook.
pub const PERSONA: Service = Service::new("persona", "/api/v2/persona");

pub mod documents;
pub mod forms;
mod hints;
pub mod lists;
pub mod sub_accounts;

/// The sections, as the specification names them: what is not named here misses in the tests.
#[cfg(test)]
const SECTIONS: [capecrypto_probe::Section; 2] =
    [("documents", documents::probe), ("sub_accounts", sub_accounts::probe)];

#[cfg(test)]
mod tests;

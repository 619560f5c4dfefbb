#![doc = include_str!("../README.md")]

use capecrypto_auth::Service;

/// The partner API.
pub const PARTNER: Service = Service::new("partner", "/api/v1");
/// The link mode.
pub const LINK: Service = Service::new("link", "/api/v1");
/// The light mode.
pub const LIGHT: Service = Service::new("light", "/api/v1");

pub mod accounts;
mod amount;
pub mod args;
mod client;
mod codes;
pub mod connection;
pub mod conversions;
pub mod convert_and_transfer;
pub mod light;
pub mod link;
pub mod models;
pub mod partner;
mod signer;
pub mod transfers;

#[cfg(feature = "callbacks")]
pub mod callbacks;

pub use amount::{Amount, AmountArg};
pub use client::{Cabital, CabitalBuilder, Convention, Hosts};
pub use codes::{Again, HttpError, PartnerCode};
pub use convert_and_transfer::ConvertAndTransfer;
pub use signer::{Digest, PartnerSigner, Scheme};

/// The sections, as the specification names them: what is not named here misses in the tests.
#[cfg(test)]
const SECTIONS: [capecrypto_probe::Section; 7] = [
    ("accounts", accounts::probe),
    ("partner", partner::probe),
    ("conversions", conversions::probe),
    ("transfers", transfers::probe),
    ("light", light::probe),
    ("link", link::probe),
    ("link", link::url::probe),
];

#[cfg(test)]
mod tests;

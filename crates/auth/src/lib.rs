#![doc = include_str!("../README.md")]

mod clock;
mod credentials;
mod environment;
mod nonce;
mod sign;
mod signer;

pub use clock::{Clock, ManualTime, Skew};
pub use credentials::{Credentials, CredentialsError, KeyKind};
pub use environment::{BalanceMeaning, Environment, EnvironmentError, Origin, Service, TimeUnit};
pub use nonce::{NonceError, NonceSource};
pub use sign::{Rejection, Sign, SignedHeader, ToSign};
pub use signer::CapeSigner;

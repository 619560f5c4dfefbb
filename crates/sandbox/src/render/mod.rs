//! How the exchange's facts look on the wire. Everything that depends on the profile stands here.

pub(crate) mod number;
pub(crate) mod rest;
pub(crate) mod stream;

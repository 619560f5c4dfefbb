#![doc = include_str!("../README.md")]

use capecrypto_auth::Service;

/// Public market data and trading.
pub const TRADE: Service = Service::new("trade", "/api/v2/atlas").older("/api/v2/trade");
/// The account: balances, history, deposit addresses and beneficiaries.
pub const ACCOUNT: Service = Service::new("account", "/api/v2/atlas").older("/api/v2/trade");

/// Payment methods.
pub const PAYMENTS: Service = Service::new("payments", "/api/v2");

pub mod account;
pub mod args;
mod hints;
pub mod public;
pub mod trading;

/// The sections, as the specification names them: what is not named here misses in the tests.
#[cfg(test)]
const SECTIONS: [capecrypto_probe::Section; 15] = [
    ("public", public::probe),
    ("public", public::vasps::probe),
    ("trading", trading::probe),
    ("account", account::probe),
    ("account", account::methods::probe),
    ("account", account::instant_methods::probe),
    ("account", account::beneficiaries::probe),
    ("account", account::deposits::probe),
    ("account", account::lightning::probe),
    ("account", account::transactions::probe),
    ("account", account::export::probe),
    ("account", account::travel_rule::probe),
    ("account", account::vouchers::probe),
    ("account", account::quotes::probe),
    ("account", account::withdrawals::probe),
];

#[cfg(test)]
mod tests;

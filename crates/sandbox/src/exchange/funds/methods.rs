//! The payment methods. The documents describe their fields and name a few providers; which methods there are is ours.

use crate::exchange::{catalogue::Currency, people::VERIFIED};

/// Whether money comes in or goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    In,
    Out,
}

/// One payment method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Method {
    pub(crate) way: Way,
    pub(crate) uuid: &'static str,
    /// The older number; a voucher is redeemed by it.
    pub(crate) id: u32,
    pub(crate) name: &'static str,
    pub(crate) currency: &'static str,
    /// The blockchain; `None` for the usual one of the currency, or none.
    pub(crate) network: Option<&'static str>,
    pub(crate) kind: &'static str,
    pub(crate) provider: &'static str,
    /// Who carries out a withdrawal.
    pub(crate) processor: &'static str,
    /// The level of verification that it needs.
    pub(crate) level: u8,
}

/// The network of lightning payments.
pub(crate) const LIGHTNING: &str = "lightning";
/// The kind of a voucher.
pub(crate) const VOUCHER: &str = "voucher";
/// The kind of an instant bank payment. Only the older servers list it.
pub(crate) const INSTANT_EFT: &str = "instanteft";

const COIN: Method = Method {
    way: Way::In,
    uuid: "",
    id: 0,
    name: "",
    currency: "",
    network: None,
    kind: "crypto",
    provider: "cape",
    processor: "cape",
    level: 1,
};
const BANK: Method = Method { currency: "zar", kind: "bank", level: 2, ..COIN };

const ALL: [Method; 14] = [
    Method {
        uuid: "5a1c1f0e-7a5e-4b83-9a30-9fd1f3a1b2c3",
        id: 1,
        name: "Bank transfer",
        provider: "stitch",
        ..BANK
    },
    Method { uuid: "0c2f7c3a-51a2-49a4-8f0c-2a9cf5f7d111", id: 2, name: "Bitcoin", currency: "btc", ..COIN },
    Method {
        uuid: "7d0c2a84-33f8-4b6a-9a1e-6c8a30ee5f01",
        id: 3,
        name: "Bitcoin Lightning",
        currency: "btc",
        network: Some(LIGHTNING),
        kind: "wallet",
        ..COIN
    },
    Method { uuid: "b3a5d8c2-0f63-4c0e-8d52-1f9f0f7e2a02", id: 4, name: "XRP", currency: "xrp", ..COIN },
    Method { uuid: "1f4be0c9-9c57-4c7a-b4a6-0d5f4f6b8c03", id: 5, name: "Ether", currency: "eth", ..COIN },
    Method {
        uuid: "c8e1a6f7-2b5d-4d1c-a3f9-7e2b6d9c4a04",
        id: 6,
        name: "USD Coin",
        currency: "usdc",
        ..COIN
    },
    Method {
        uuid: "e2d7b940-6a1f-4f3b-8c25-5b0a9d3f7e05",
        id: 7,
        name: "Demo voucher",
        kind: VOUCHER,
        provider: "demovoucher",
        level: 1,
        ..BANK
    },
    Method {
        uuid: "9b6f3c18-d4e5-4a7b-b0c1-2d8e7f5a6b06",
        id: 8,
        name: "Instant EFT",
        kind: INSTANT_EFT,
        provider: "demoeft",
        level: 1,
        ..BANK
    },
    Method {
        way: Way::Out,
        uuid: "4e8c5d72-1b3a-4f6e-9d0b-8a7c6e5f4d07",
        id: 21,
        name: "Bank transfer",
        provider: "celbux",
        processor: "stitch",
        ..BANK
    },
    Method {
        way: Way::Out,
        uuid: "d5f0e7a3-8c2b-4b9d-a6e4-3f1c0b2d5e08",
        id: 22,
        name: "Bitcoin",
        currency: "btc",
        ..COIN
    },
    Method {
        way: Way::Out,
        uuid: "6c9a1b5e-f7d2-4e8c-8b3f-9e0d4a6c7b09",
        id: 23,
        name: "Bitcoin Lightning",
        currency: "btc",
        network: Some(LIGHTNING),
        kind: "wallet",
        ..COIN
    },
    Method {
        way: Way::Out,
        uuid: "a7e3d6c4-5f9b-4c2a-9e8d-0b1f3c5a7d10",
        id: 24,
        name: "XRP",
        currency: "xrp",
        provider: "xago",
        ..COIN
    },
    Method {
        way: Way::Out,
        uuid: "2d5b8f1a-c6e4-4d7f-a9b0-7c3e2f4d6a11",
        id: 25,
        name: "Ether",
        currency: "eth",
        ..COIN
    },
    Method {
        way: Way::Out,
        uuid: "f0c4a9e7-3d8b-4a5c-b7f6-1e9d5b2c8a12",
        id: 26,
        name: "USD Coin",
        currency: "usdc",
        ..COIN
    },
];

impl Method {
    pub(crate) fn is_lightning(&self) -> bool {
        self.network == Some(LIGHTNING)
    }

    /// The name of its blockchain.
    pub(crate) fn blockchain<'a>(&'a self, currency: &'a Currency) -> &'a str {
        self.network.unwrap_or_else(|| currency.network())
    }

    /// Whether an account of this level may use it.
    pub(crate) fn is_open_to(&self, level: u8) -> bool {
        level.min(VERIFIED) >= self.level
    }
}

/// Whether a withdrawal of this currency to a beneficiary may go by the method with this number. A lightning payment has no
/// beneficiary.
pub(crate) fn pays_out(id: i64, currency: &str) -> bool {
    let is_it = |method: &&Method| i64::from(method.id) == id && method.currency == currency;
    ALL.iter().filter(is_it).any(|method| method.way == Way::Out && !method.is_lightning())
}

/// The methods that an account of this level sees: its own, and those of the next level, which it may not use yet.
pub(crate) fn shown_to(level: u8, way: Way) -> impl Iterator<Item = &'static Method> {
    ALL.iter().filter(move |method| method.way == way && method.level <= level.saturating_add(1))
}

//! The currencies and markets of the exchange, with the numbers of the documents ("Get available markets").

use rust_decimal::Decimal;

/// A currency's fixed facts (the documents' "Currency").
#[derive(Debug)]
pub(crate) struct Currency {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    pub(crate) symbol: &'static str,
    /// What only a coin has; a fiat currency omits these keys.
    pub(crate) coin: Option<Coin>,
    /// The smallest deposit and withdrawal.
    pub(crate) min_deposit: Decimal,
    pub(crate) min_withdraw: Decimal,
    pub(crate) withdraw_fee: Decimal,
    pub(crate) withdraw_limit_24h: Decimal,
    pub(crate) withdraw_limit_72h: Decimal,
    /// Base units in one whole, a power of ten.
    pub(crate) base_factor: u64,
    /// Digits after the point of a deposit.
    pub(crate) precision: u32,
    /// Place in lists.
    pub(crate) position: u32,
    /// The lightning figures, where the currency has that layer: fee, most in, most out.
    pub(crate) layer_two: Option<[Decimal; 3]>,
    /// What each demo account is given at the start.
    pub(crate) demo_funds: Decimal,
}

/// What a coin has and a fiat currency has not.
#[derive(Debug)]
pub(crate) struct Coin {
    pub(crate) explorer: &'static str,
    pub(crate) min_confirmations: u32,
}

/// A market's fixed facts (the documents' "Market").
#[derive(Debug)]
pub(crate) struct Market {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    pub(crate) base: &'static str,
    pub(crate) quote: &'static str,
    pub(crate) min_price: Decimal,
    /// Zero means no cap.
    pub(crate) max_price: Decimal,
    pub(crate) min_amount: Decimal,
    pub(crate) amount_precision: u32,
    pub(crate) price_precision: u32,
}

/// What a maker pays of its income: 0.1 %.
pub(crate) const MAKER_FEE: Decimal = dec(1, 3);
/// What a taker pays of its income: 0.2 %.
pub(crate) const TAKER_FEE: Decimal = dec(2, 3);

const fn dec(digits: u32, scale: u32) -> Decimal {
    Decimal::from_parts(digits, 0, 0, false, scale)
}

pub(crate) static CURRENCIES: [Currency; 5] = [
    Currency {
        id: "btc",
        name: "Bitcoin",
        symbol: "₿",
        coin: Some(Coin { explorer: "https://explorer.example/btc", min_confirmations: 2 }),
        min_deposit: dec(1, 5),
        min_withdraw: dec(2, 4),
        withdraw_fee: dec(1, 4),
        withdraw_limit_24h: dec(10, 0),
        withdraw_limit_72h: dec(20, 0),
        base_factor: 100_000_000,
        precision: 8,
        position: 1,
        layer_two: Some([dec(1, 8), dec(4, 2), dec(4, 2)]),
        demo_funds: dec(100, 0),
    },
    Currency {
        id: "eth",
        name: "Ethereum",
        symbol: "Ξ",
        coin: Some(Coin { explorer: "https://explorer.example/eth", min_confirmations: 12 }),
        min_deposit: dec(1, 3),
        min_withdraw: dec(2, 3),
        withdraw_fee: dec(1, 3),
        withdraw_limit_24h: dec(200, 0),
        withdraw_limit_72h: dec(400, 0),
        base_factor: 1_000_000_000_000_000_000,
        precision: 8,
        position: 2,
        layer_two: None,
        demo_funds: dec(1_000, 0),
    },
    Currency {
        id: "xrp",
        name: "Ripple",
        symbol: "XRP",
        coin: Some(Coin { explorer: "https://explorer.example/xrp", min_confirmations: 1 }),
        min_deposit: dec(1, 0),
        min_withdraw: dec(2, 0),
        withdraw_fee: dec(1, 1),
        withdraw_limit_24h: dec(500_000, 0),
        withdraw_limit_72h: dec(1_000_000, 0),
        base_factor: 1_000_000,
        precision: 6,
        position: 3,
        layer_two: None,
        demo_funds: dec(1_000_000, 0),
    },
    Currency {
        id: "usdc",
        name: "USD Coin",
        symbol: "USDC",
        coin: Some(Coin { explorer: "https://explorer.example/usdc", min_confirmations: 12 }),
        min_deposit: dec(1, 0),
        min_withdraw: dec(2, 0),
        withdraw_fee: dec(1, 0),
        withdraw_limit_24h: dec(500_000, 0),
        withdraw_limit_72h: dec(1_000_000, 0),
        base_factor: 1_000_000,
        precision: 6,
        position: 4,
        layer_two: None,
        demo_funds: dec(1_000_000, 0),
    },
    Currency {
        id: "zar",
        name: "South African Rand",
        symbol: "R",
        coin: None,
        min_deposit: dec(10, 0),
        min_withdraw: dec(50, 0),
        withdraw_fee: dec(8, 0),
        withdraw_limit_24h: dec(5_000_000, 0),
        withdraw_limit_72h: dec(10_000_000, 0),
        base_factor: 1,
        precision: 2,
        position: 5,
        layer_two: None,
        demo_funds: dec(50_000_000, 0),
    },
];

pub(crate) static MARKETS: [Market; 4] = [
    Market {
        id: "btczar",
        name: "BTC/ZAR",
        base: "btc",
        quote: "zar",
        min_price: dec(200_000, 0),
        max_price: dec(1_200_000, 0),
        min_amount: dec(1, 5),
        amount_precision: 8,
        price_precision: 2,
    },
    Market {
        id: "ethzar",
        name: "ETH/ZAR",
        base: "eth",
        quote: "zar",
        min_price: dec(10_000, 0),
        max_price: dec(100_000, 0),
        min_amount: dec(1, 4),
        amount_precision: 8,
        price_precision: 2,
    },
    Market {
        id: "xrpzar",
        name: "XRP/ZAR",
        base: "xrp",
        quote: "zar",
        min_price: dec(1, 0),
        max_price: dec(100, 0),
        min_amount: dec(1, 0),
        amount_precision: 6,
        price_precision: 2,
    },
    Market {
        id: "usdczar",
        name: "USDC/ZAR",
        base: "usdc",
        quote: "zar",
        min_price: dec(14, 0),
        max_price: dec(29, 0),
        min_amount: dec(5, 1),
        amount_precision: 2,
        price_precision: 2,
    },
];

/// The market of that id (lower case, as upstream).
pub(crate) fn market(id: &str) -> Option<&'static Market> {
    MARKETS.iter().find(|market| market.id == id)
}

/// The currency of that code.
pub(crate) fn currency(id: &str) -> Option<&'static Currency> {
    CURRENCIES.iter().find(|currency| currency.id == id)
}

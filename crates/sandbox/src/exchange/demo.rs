//! The data that a sandbox begins with: the currencies and markets of the documents ("Get available markets"), and four
//! accounts with money.

use super::{
    catalogue::{Currency, Market},
    people::Role,
};
use rust_decimal::Decimal;

/// The accounts.
pub(crate) const ACCOUNTS: [(&str, Role); 4] = [
    ("maker", Role::Member),
    ("taker", Role::Member),
    ("merchant", Role::Merchant),
    ("aggregator", Role::Aggregator),
];

/// The money that each account gets.
pub(crate) const FUNDS: [(&str, u32); 5] =
    [("btc", 100), ("eth", 1_000), ("xrp", 1_000_000), ("usdc", 1_000_000), ("zar", 50_000_000)];

/// The values of a coin.
struct Coin {
    code: &'static str,
    name: &'static str,
    symbol: &'static str,
    min_confirmations: u32,
    min_deposit: Decimal,
    min_withdraw: Decimal,
    withdraw_fee: Decimal,
    withdraw_limit_24h: u32,
    base_factor: u64,
    precision: u32,
}

const fn dec(digits: u32, scale: u32) -> Decimal {
    Decimal::from_parts(digits, 0, 0, false, scale)
}

const COINS: [Coin; 4] = [
    Coin {
        code: "btc",
        name: "Bitcoin",
        symbol: "₿",
        min_confirmations: 2,
        min_deposit: dec(1, 5),
        min_withdraw: dec(2, 4),
        withdraw_fee: dec(1, 4),
        withdraw_limit_24h: 10,
        base_factor: 100_000_000,
        precision: 8,
    },
    Coin {
        code: "eth",
        name: "Ethereum",
        symbol: "Ξ",
        min_confirmations: 12,
        min_deposit: dec(1, 3),
        min_withdraw: dec(2, 3),
        withdraw_fee: dec(1, 3),
        withdraw_limit_24h: 200,
        base_factor: 1_000_000_000_000_000_000,
        precision: 8,
    },
    Coin {
        code: "xrp",
        name: "Ripple",
        symbol: "XRP",
        min_confirmations: 1,
        min_deposit: dec(1, 0),
        min_withdraw: dec(2, 0),
        withdraw_fee: dec(1, 1),
        withdraw_limit_24h: 500_000,
        base_factor: 1_000_000,
        precision: 6,
    },
    Coin {
        code: "usdc",
        name: "USD Coin",
        symbol: "USDC",
        min_confirmations: 12,
        min_deposit: dec(1, 0),
        min_withdraw: dec(2, 0),
        withdraw_fee: dec(1, 0),
        withdraw_limit_24h: 500_000,
        base_factor: 1_000_000,
        precision: 6,
    },
];

/// The currencies, in the order of their lists.
pub(crate) fn currencies() -> Vec<Currency> {
    let coins = COINS.iter().filter_map(coin).chain(rand()).chain(foreign());
    (1..).zip(coins).map(|(position, currency)| Currency { position, ..currency }).collect()
}

fn coin(coin: &Coin) -> Option<Currency> {
    let explorer = format!("https://explorer.example/{}", coin.code);
    let lightning = (coin.code == "btc").then_some(());
    Some(Currency {
        name: coin.name.to_owned(),
        symbol: coin.symbol.to_owned(),
        explorer_transaction: Some(format!("{explorer}/tx/#{{txid}}")),
        explorer_address: Some(format!("{explorer}/address/#{{address}}")),
        min_confirmations: Some(coin.min_confirmations),
        min_deposit: coin.min_deposit,
        min_withdraw: coin.min_withdraw,
        withdraw_fee: coin.withdraw_fee,
        withdraw_limit_24h: Decimal::from(coin.withdraw_limit_24h),
        withdraw_limit_72h: Decimal::from(coin.withdraw_limit_24h) * Decimal::TWO,
        base_factor: coin.base_factor,
        precision: coin.precision,
        lightning_fee: lightning.map(|()| dec(1, 8)),
        lightning_max_deposit: lightning.map(|()| dec(4, 2)),
        lightning_max_withdraw: lightning.map(|()| dec(4, 2)),
        ..Currency::coin(coin.code)?
    })
}

fn rand() -> Option<Currency> {
    Some(Currency {
        name: "South African Rand".to_owned(),
        symbol: "R".to_owned(),
        min_deposit: dec(10, 0),
        min_withdraw: dec(50, 0),
        withdraw_fee: dec(8, 0),
        withdraw_limit_24h: dec(5_000_000, 0),
        withdraw_limit_72h: dec(10_000_000, 0),
        ..Currency::fiat("zar")?
    })
}

/// Money of other states, to which the documents' examples withdraw. It has no market, and no account has any of it.
fn foreign() -> impl Iterator<Item = Currency> {
    let all = [("eur", "Euro", "€"), ("gbp", "Pound Sterling", "£"), ("usd", "US Dollar", "$")];
    all.into_iter().filter_map(|(code, name, symbol)| {
        Some(Currency { name: name.to_owned(), symbol: symbol.to_owned(), ..Currency::fiat(code)? })
    })
}

/// The markets, in the order of their list.
pub(crate) fn markets() -> Vec<Market> {
    let market = |base: &str, (least, most), min_amount, amount_precision| {
        let market = Market::new(&format!("{base}zar"), base, "zar")?;
        let prices = market.prices(Decimal::from(least), Decimal::from(most));
        Some(prices.min_amount(min_amount).precision(2, amount_precision))
    };
    let all = [
        market("btc", (200_000_u32, 1_200_000_u32), dec(1, 5), 8),
        market("eth", (10_000, 100_000), dec(1, 4), 8),
        market("xrp", (1, 100), dec(1, 0), 6),
        market("usdc", (14, 29), dec(5, 1), 2),
    ];
    all.into_iter().flatten().collect()
}

/// A catalogue with only these currencies and markets.
#[cfg(test)]
pub(crate) fn catalogue() -> super::catalogue::Catalogue {
    catalogue_with_fee(Decimal::ZERO)
}

/// The same with a fee for every deposit.
#[cfg(test)]
pub(crate) fn catalogue_with_fee(deposit_fee: Decimal) -> super::catalogue::Catalogue {
    let catalogue = super::catalogue::Catalogue::default();
    for currency in currencies() {
        catalogue.add_currency(currency.deposit_fee(deposit_fee)).unwrap();
    }
    for market in markets() {
        catalogue.add_market(market).unwrap();
    }
    catalogue
}

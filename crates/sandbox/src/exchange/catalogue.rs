//! The currencies and markets of the exchange. They can be added while it runs, and are never removed. A market can be closed.

use super::chains;
use crate::base::{
    id::Code,
    money::{exact, exact_option},
};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

/// The largest number of digits after the point of a market's price and amount together. With three digits for a fee, and
/// twelve before the point for the largest supply, every product has at most 28 digits and stays exact.
const MOST_DIGITS: u32 = 13;

/// A currency. Its JSON has the fields of the documents' model "Currency", so that an item of `GET /public/currencies` can
/// be read. Only `id` is required.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Currency {
    pub(crate) id: Code,
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) symbol: String,
    #[serde(rename = "type", default)]
    pub(crate) kind: CurrencyKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) explorer_transaction: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) explorer_address: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) min_confirmations: Option<u32>,
    #[serde(default, with = "exact")]
    pub(crate) deposit_fee: Decimal,
    #[serde(rename = "min_deposit_amount", default, with = "exact")]
    pub(crate) min_deposit: Decimal,
    #[serde(rename = "min_withdraw_amount", default, with = "exact")]
    pub(crate) min_withdraw: Decimal,
    #[serde(default = "yes")]
    pub(crate) withdrawal_enabled: bool,
    #[serde(default, with = "exact")]
    pub(crate) withdraw_fee: Decimal,
    #[serde(default, with = "exact")]
    pub(crate) withdraw_limit_24h: Decimal,
    #[serde(default, with = "exact")]
    pub(crate) withdraw_limit_72h: Decimal,
    /// The number of base units in one unit of the currency, a power of ten.
    #[serde(default = "one")]
    pub(crate) base_factor: u64,
    /// The largest number of digits after the point of a deposit.
    #[serde(default = "eight")]
    pub(crate) precision: u32,
    /// Position in lists; [`UNSAID`] means after all others.
    #[serde(default = "unsaid")]
    pub(crate) position: u32,
    /// The fee and limits of the lightning network, if the currency has it.
    #[serde(rename = "layer_two_withdraw_fee", default, with = "exact_option")]
    pub(crate) lightning_fee: Option<Decimal>,
    #[serde(rename = "layer_two_max_deposit_amount", default, with = "exact_option")]
    pub(crate) lightning_max_deposit: Option<Decimal>,
    #[serde(rename = "layer_two_max_withdraw_amount", default, with = "exact_option")]
    pub(crate) lightning_max_withdraw: Option<Decimal>,
}

/// A blockchain that coins move on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Blockchain {
    /// As the documents write it, such as `ethereum-erc20`.
    pub(crate) key: String,
    pub(crate) name: String,
}

impl Blockchain {
    /// The one with that key.
    pub(crate) fn of(key: &str) -> Self {
        let name = match key {
            "bitcoin" => "Bitcoin",
            "ethereum" => "Ethereum",
            "polygon" => "Polygon",
            "ripple" => "XRP Ledger",
            "lightning" => "Lightning",
            own => own,
        };
        Self { key: key.to_owned(), name: name.to_owned() }
    }
}

/// The documents' `type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CurrencyKind {
    #[default]
    Coin,
    Fiat,
}

impl CurrencyKind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Coin => "coin",
            Self::Fiat => "fiat",
        }
    }
}

/// Whether a market can be traded: the documents' `state`. Only `enabled` and `hidden` markets take orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MarketState {
    /// Open.
    #[default]
    Enabled,
    /// Closed.
    Disabled,
    /// Open, but not shown by the exchange. The sandbox lists it.
    Hidden,
    /// Closed for a while.
    Locked,
    /// In a token sale.
    Sale,
    /// Before a token sale.
    Presale,
}

/// A market. Its JSON has the fields of the documents' model "Market", so that an item of `GET /public/markets` can be
/// read. Only the id and the two currencies are required.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Market {
    pub(crate) id: Code,
    #[serde(default)]
    pub(crate) name: String,
    #[serde(rename = "base_unit")]
    pub(crate) base: Code,
    #[serde(rename = "quote_unit")]
    pub(crate) quote: Code,
    #[serde(default = "cent", with = "exact")]
    pub(crate) min_price: Decimal,
    /// The largest price; zero means no limit.
    #[serde(default, with = "exact")]
    pub(crate) max_price: Decimal,
    #[serde(default = "cent", with = "exact")]
    pub(crate) min_amount: Decimal,
    #[serde(default = "eight")]
    pub(crate) amount_precision: u32,
    #[serde(default = "two")]
    pub(crate) price_precision: u32,
    #[serde(default)]
    pub(crate) state: MarketState,
    /// Its position in the exchange's list, counted from 0; set when it is added.
    #[serde(skip)]
    pub(crate) number: u32,
}

fn one() -> u64 {
    1
}

fn yes() -> bool {
    true
}

fn two() -> u32 {
    2
}

fn eight() -> u32 {
    8
}

/// The position of a currency whose JSON names none.
const UNSAID: u32 = u32::MAX;

fn unsaid() -> u32 {
    UNSAID
}

fn cent() -> Decimal {
    Decimal::new(1, 2)
}

/// Why a currency, a market or an account was not added. Nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotAdded {
    /// The name is already used.
    #[error("the name is taken; choose another")]
    Taken,
    /// A market names a currency that does not exist.
    #[error("it names a currency that does not exist; add the currency first")]
    UnknownCurrency,
    /// A name or a limit that is not allowed.
    #[error(
        "codes are 1 to 23 of a-z, 0-9, - and _, two currencies of a market differ, and the digits after the point \
         of its prices and amounts are at most 13 together"
    )]
    Invalid,
}

impl Currency {
    /// A coin with that code and eight digits after the point. `None` if the code is not 1 to 23 characters of a-z, 0-9,
    /// `-` and `_`.
    #[must_use]
    pub fn coin(code: &str) -> Option<Self> {
        let id = Code::new(code)?;
        Some(Self {
            id,
            name: code.to_uppercase(),
            symbol: code.to_uppercase(),
            kind: CurrencyKind::Coin,
            explorer_transaction: None,
            explorer_address: None,
            min_confirmations: Some(1),
            deposit_fee: Decimal::ZERO,
            min_deposit: Decimal::ZERO,
            min_withdraw: Decimal::ZERO,
            withdrawal_enabled: true,
            withdraw_fee: Decimal::ZERO,
            withdraw_limit_24h: Decimal::ZERO,
            withdraw_limit_72h: Decimal::ZERO,
            base_factor: one(),
            precision: eight(),
            position: UNSAID,
            lightning_fee: None,
            lightning_max_deposit: None,
            lightning_max_withdraw: None,
        })
    }

    /// A fiat currency with that code and two digits after the point. `None` if the code is not valid.
    #[must_use]
    pub fn fiat(code: &str) -> Option<Self> {
        let coin = Self::coin(code)?;
        Some(Self { kind: CurrencyKind::Fiat, min_confirmations: None, precision: two(), ..coin })
    }

    /// Sets the number of digits after the point.
    #[must_use]
    pub fn precision(self, precision: u32) -> Self {
        Self { precision, ..self }
    }

    /// Sets the fee of a deposit.
    #[must_use]
    pub fn deposit_fee(self, deposit_fee: Decimal) -> Self {
        Self { deposit_fee, ..self }
    }

    pub(crate) fn is_coin(&self) -> bool {
        self.kind == CurrencyKind::Coin
    }

    /// The blockchain that it uses if none is named; `fiat` if it has none.
    pub(crate) fn network(&self) -> &str {
        if self.is_coin() { chains::usual(&self.id) } else { "fiat" }
    }

    /// The usual blockchain of a coin.
    pub(crate) fn blockchain(&self) -> Option<Blockchain> {
        self.is_coin().then(|| Blockchain::of(chains::usual(&self.id)))
    }
}

impl Market {
    /// A market of two currencies. Prices are at least 0.01, in steps of 0.01, without an upper limit; amounts are at least
    /// 0.01, with eight digits after the point. `None` if a code is not valid.
    #[must_use]
    pub fn new(id: &str, base: &str, quote: &str) -> Option<Self> {
        Some(Self {
            id: Code::new(id)?,
            name: format!("{}/{}", base.to_uppercase(), quote.to_uppercase()),
            base: Code::new(base)?,
            quote: Code::new(quote)?,
            min_price: cent(),
            max_price: Decimal::ZERO,
            min_amount: cent(),
            amount_precision: eight(),
            price_precision: two(),
            state: MarketState::Enabled,
            number: 0,
        })
    }

    /// Sets whether it can be traded.
    #[must_use]
    pub fn state(self, state: MarketState) -> Self {
        Self { state, ..self }
    }

    pub(crate) fn takes_orders(&self) -> bool {
        matches!(self.state, MarketState::Enabled | MarketState::Hidden)
    }

    /// Sets the smallest and the largest price; a largest price of zero means no limit.
    #[must_use]
    pub fn prices(self, min_price: Decimal, max_price: Decimal) -> Self {
        Self { min_price, max_price, ..self }
    }

    /// Sets the smallest amount.
    #[must_use]
    pub fn min_amount(self, min_amount: Decimal) -> Self {
        Self { min_amount, ..self }
    }

    /// Sets the number of digits after the point of a price and of an amount; at most 13 together.
    #[must_use]
    pub fn precision(self, price: u32, amount: u32) -> Self {
        Self { price_precision: price, amount_precision: amount, ..self }
    }
}

/// Every currency and market. It has its own lock, so that it can be read while the exchange is busy; nothing in it is
/// ever removed or changed.
#[derive(Debug, Default)]
pub(crate) struct Catalogue(RwLock<Lists>);

#[derive(Debug, Default)]
struct Lists {
    currencies: BTreeMap<Code, Arc<Currency>>,
    /// Sorted by position.
    listed_currencies: Vec<Arc<Currency>>,
    markets: BTreeMap<Code, Arc<Market>>,
    /// In the order in which they were added.
    listed_markets: Vec<Arc<Market>>,
}

impl Catalogue {
    fn lists(&self) -> RwLockReadGuard<'_, Lists> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self) -> RwLockWriteGuard<'_, Lists> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add_currency(&self, mut currency: Currency) -> Result<(), NotAdded> {
        let mut lists = self.change();
        if lists.currencies.contains_key(&currency.id) {
            return Err(NotAdded::Taken);
        }
        if currency.precision > MOST_DIGITS {
            return Err(NotAdded::Invalid);
        }
        if currency.position == UNSAID {
            let positions = lists.listed_currencies.iter().map(|other| other.position);
            currency.position = positions.max().unwrap_or_default().saturating_add(1);
        }
        let currency = Arc::new(currency);
        let place = lists.listed_currencies.partition_point(|other| other.position <= currency.position);
        lists.listed_currencies.insert(place, Arc::clone(&currency));
        lists.currencies.insert(currency.id, currency);
        Ok(())
    }

    pub(super) fn add_market(&self, mut market: Market) -> Result<Arc<Market>, NotAdded> {
        let mut lists = self.change();
        if lists.markets.contains_key(&market.id) {
            return Err(NotAdded::Taken);
        }
        if [market.base, market.quote].iter().any(|code| !lists.currencies.contains_key(code)) {
            return Err(NotAdded::UnknownCurrency);
        }
        let digits = market.price_precision.saturating_add(market.amount_precision);
        if market.base == market.quote || digits > MOST_DIGITS || market.min_price <= Decimal::ZERO {
            return Err(NotAdded::Invalid);
        }
        market.number = u32::try_from(lists.listed_markets.len()).map_err(|_| NotAdded::Invalid)?;
        let market = Arc::new(market);
        lists.listed_markets.push(Arc::clone(&market));
        lists.markets.insert(market.id, Arc::clone(&market));
        Ok(market)
    }

    /// Closes or opens a market. Orders that it has keep what they know of it.
    pub(super) fn set_market_state(&self, id: Code, state: MarketState) {
        let mut lists = self.change();
        let Some(market) = lists.markets.get(&id) else { return };
        let market = Arc::new(Market::clone(market).state(state));
        if let Some(listed) = lists.listed_markets.iter_mut().find(|listed| listed.id == id) {
            *listed = Arc::clone(&market);
        }
        lists.markets.insert(id, market);
    }

    /// The market of that id (lower case, as upstream).
    pub(crate) fn market(&self, id: &str) -> Option<Arc<Market>> {
        self.lists().markets.get(&Code::new(id)?).cloned()
    }

    /// The currency of that code.
    pub(crate) fn currency(&self, id: &str) -> Option<Arc<Currency>> {
        self.lists().currencies.get(&Code::new(id)?).cloned()
    }

    /// Every market, in the order in which they were added.
    pub(crate) fn markets(&self) -> Vec<Arc<Market>> {
        self.lists().listed_markets.clone()
    }

    /// Every currency, in the order of their position.
    pub(crate) fn currencies(&self) -> Vec<Arc<Currency>> {
        self.lists().listed_currencies.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn currency(json: &str) -> Currency {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn what_the_exchange_answers_can_be_read() {
        let coin = currency(
            r#"{"id":"sol","name":"Solana","type":"coin","min_deposit_amount":"0.01","withdraw_fee":0.001,
                "precision":9,"position":2,"icon_url":"https://icons.example/sol.svg","deposit_enabled":true}"#,
        );
        assert_eq!((coin.id.as_str(), coin.precision, coin.is_coin()), ("sol", 9, true));
        assert_eq!((coin.min_deposit, coin.withdraw_fee), (Decimal::new(1, 2), Decimal::new(1, 3)));
        assert_eq!(currency(r#"{"id":"kes","type":"fiat"}"#).position, UNSAID);
        let market: Market = serde_json::from_str(
            r#"{"id":"solzar","base_unit":"sol","quote_unit":"zar","min_price":"1.0","max_price":0,"state":"enabled"}"#,
        )
        .unwrap();
        assert_eq!((market.min_price, market.price_precision), (Decimal::ONE, 2));
        // Written JSON can be read again.
        let json = serde_json::to_string(&(&coin, &market)).unwrap();
        assert_eq!(serde_json::from_str::<(Currency, Market)>(&json).unwrap(), (coin, market));
    }

    #[test]
    fn a_market_needs_its_currencies_and_a_name_of_its_own() {
        let catalogue = Catalogue::default();
        let market = || Market::new("solzar", "sol", "zar").unwrap();
        assert_eq!(catalogue.add_market(market()).unwrap_err(), NotAdded::UnknownCurrency);
        for (code, position) in [("zar", 2), ("sol", 1), ("btc", 2)] {
            let currency = Currency { position, ..Currency::coin(code).unwrap() };
            catalogue.add_currency(currency.clone()).unwrap();
            assert_eq!(catalogue.add_currency(currency), Err(NotAdded::Taken));
        }
        catalogue.add_market(market()).unwrap();
        assert_eq!(catalogue.add_market(market()).unwrap_err(), NotAdded::Taken);
        for bad in [
            Market::new("solsol", "sol", "sol").unwrap(),
            Market::new("btczar", "btc", "zar").unwrap().precision(6, 8),
            Market::new("btczar", "btc", "zar").unwrap().prices(Decimal::ZERO, Decimal::ONE),
        ] {
            assert_eq!(catalogue.add_market(bad).unwrap_err(), NotAdded::Invalid);
        }
        let codes: Vec<_> = catalogue.currencies().iter().map(|currency| currency.id.to_string()).collect();
        assert_eq!(codes, ["sol", "zar", "btc"], "by position, then by the order of adding");
        assert_eq!(catalogue.market("solzar").unwrap().name, "SOL/ZAR");
        assert!(catalogue.market("SOLZAR").is_none());
    }
}

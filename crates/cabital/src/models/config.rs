//! What a partner may do with which currency.

use super::{DepositMethod, Fees, Pair, Symbol};
use capecrypto_models::{Decimal, Malformed, decimal};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// What is set for a partner (documents: "Partner configuration").
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Config {
    /// The currencies.
    pub currencies: Vec<CurrencyConfig>,
    /// The pairs that can be converted.
    pub pairs: Vec<ConfiguredPair>,
}

impl Config {
    /// What is set for this currency.
    pub fn currency(&self, symbol: &Symbol) -> Option<&CurrencyConfig> {
        self.currencies.iter().find(|currency| currency.symbol == *symbol)
    }

    /// Whether the two currencies can be converted, in either direction.
    pub fn converts(&self, pair: &Pair) -> bool {
        let known = self.pairs.iter().filter_map(|known| Pair::of_listed(&known.pair).ok());
        known.into_iter().any(|known| known.is_same(pair))
    }
}

/// A pair that can be converted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ConfiguredPair {
    /// Such as `BTC-EUR`.
    pub pair: String,
}

/// What is set for a currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "ReadCurrency")]
#[non_exhaustive]
pub struct CurrencyConfig {
    /// The currency. Older answers spell the key `symobl`.
    pub symbol: Symbol,
    /// Money of a state, or crypto.
    #[serde(rename = "type")]
    pub kind: CurrencyType,
    /// How it can come in.
    pub deposit_methods: Vec<DepositMethod>,
    /// How it can go out. Older answers spell the key `withdrew_methods`.
    pub withdraw_methods: Vec<DepositMethod>,
    /// What is allowed, and how much.
    pub config: Limits,
    /// What it costs; the documents' own EUR and GBP have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fees: Option<Fees>,
}

/// With both spellings of each key. If both are there, the right one counts.
#[derive(Deserialize)]
struct ReadCurrency {
    #[serde(default)]
    symbol: Option<Symbol>,
    #[serde(default)]
    symobl: Option<Symbol>,
    #[serde(rename = "type")]
    kind: CurrencyType,
    #[serde(default)]
    deposit_methods: Option<Vec<DepositMethod>>,
    #[serde(default)]
    withdraw_methods: Option<Vec<DepositMethod>>,
    #[serde(default)]
    withdrew_methods: Option<Vec<DepositMethod>>,
    config: Limits,
    #[serde(default)]
    fees: Option<Fees>,
}

impl TryFrom<ReadCurrency> for CurrencyConfig {
    type Error = &'static str;

    fn try_from(read: ReadCurrency) -> Result<Self, Self::Error> {
        Ok(Self {
            symbol: read.symbol.or(read.symobl).ok_or("missing field `symbol`")?,
            kind: read.kind,
            deposit_methods: read.deposit_methods.unwrap_or_default(),
            withdraw_methods: read.withdraw_methods.or(read.withdrew_methods).unwrap_or_default(),
            config: read.config,
            fees: read.fees,
        })
    }
}

/// The kind of a currency: 1 or 2 on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CurrencyType {
    /// 1: money of a state.
    Fiat,
    /// 2: crypto.
    Crypto,
    /// A number that this version does not know, as it came.
    Unknown(u64),
}

impl Serialize for CurrencyType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(match self {
            Self::Fiat => 1,
            Self::Crypto => 2,
            Self::Unknown(number) => *number,
        })
    }
}

impl<'de> Deserialize<'de> for CurrencyType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match u64::deserialize(deserializer).map_err(D::Error::custom)? {
            1 => Self::Fiat,
            2 => Self::Crypto,
            other => Self::Unknown(other),
        })
    }
}

/// What is allowed with a currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Limits {
    /// Transfers to Cabital.
    pub credit: Limit,
    /// Transfers from Cabital.
    pub debit: Limit,
    /// Conversions.
    pub conversion: Limit,
}

/// Whether something is allowed, and for which amounts. `-1` means that there is no limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Limit {
    /// Whether it is allowed.
    pub allow: bool,
    /// The smallest amount as it came; see [`lowest`](Self::lowest).
    #[serde(with = "decimal")]
    pub min: Decimal,
    /// The largest amount as it came; see [`highest`](Self::highest).
    #[serde(with = "decimal")]
    pub max: Decimal,
}

impl Limit {
    /// The smallest amount; `None` if there is no limit.
    pub fn lowest(&self) -> Option<Decimal> {
        bound(self.min)
    }

    /// The largest amount; `None` if there is no limit.
    pub fn highest(&self) -> Option<Decimal> {
        bound(self.max)
    }

    /// Whether this amount is allowed.
    ///
    /// # Errors
    /// Why it is not, and which amount is.
    pub fn check(&self, amount: Decimal) -> Result<(), Malformed> {
        if !self.allow {
            return Err(Malformed::new("it is not allowed for this currency", "take another currency"));
        }
        match (self.lowest(), self.highest()) {
            (Some(lowest), _) if amount < lowest => {
                Err(Malformed::new(format!("{amount} is too little"), format!("give at least {lowest}")))
            }
            (_, Some(highest)) if amount > highest => {
                Err(Malformed::new(format!("{amount} is too much"), format!("give at most {highest}")))
            }
            _ => Ok(()),
        }
    }
}

/// A limit as an amount: `-1`, and any other amount below zero, is no limit.
pub(crate) fn bound(limit: Decimal) -> Option<Decimal> {
    (!limit.is_sign_negative() || limit.is_zero()).then_some(limit)
}

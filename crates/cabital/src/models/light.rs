//! What everybody may read: the light mode.

use super::{ConfiguredPair, CurrencyType, DepositMethod, Fee, Symbol, config::bound, tolerant::list};
use capecrypto_models::{Decimal, decimal};
use serde::{Deserialize, Serialize};

/// What Cabital offers in light mode (documents: "Light config").
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LightConfig {
    /// The currencies.
    pub currencies: Vec<LightCurrency>,
    /// The pairs that can be converted.
    pub pairs: Vec<ConfiguredPair>,
}

/// A currency in light mode.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LightCurrency {
    /// The currency.
    pub symbol: Symbol,
    /// Money of a state, or crypto.
    #[serde(rename = "type")]
    pub kind: CurrencyType,
    /// How it comes in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deposit: Option<LightMethods>,
    /// How it goes out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdraw: Option<LightWithdraw>,
    /// What can be converted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversion: Option<LightConversion>,
}

/// How a currency comes in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LightMethods {
    /// The methods.
    #[serde(default, deserialize_with = "list")]
    pub methods: Vec<DepositMethod>,
}

/// How a currency goes out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LightWithdraw {
    /// The methods.
    #[serde(default, deserialize_with = "list")]
    pub methods: Vec<DepositMethod>,
    /// For which amounts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<LightLimit>,
    /// What it costs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fee: Option<Fee>,
}

/// What can be converted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LightConversion {
    /// For which amounts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<LightLimit>,
}

/// For which amounts something is offered. `-1` means that there is no limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LightLimit {
    /// The smallest amount as it came.
    #[serde(with = "decimal")]
    pub min: Decimal,
    /// The largest amount as it came.
    #[serde(with = "decimal")]
    pub max: Decimal,
}

impl LightLimit {
    /// The smallest amount; `None` if there is no limit.
    pub fn lowest(&self) -> Option<Decimal> {
        bound(self.min)
    }

    /// The largest amount; `None` if there is no limit.
    pub fn highest(&self) -> Option<Decimal> {
        bound(self.max)
    }
}

//! Currencies.

use crate::{CurrencyId, Decimal, decimal, tolerant};
use serde::{Deserialize, Serialize};

crate::open_enum! {
    /// Kind of a currency.
    pub enum CurrencyType {
        /// A coin on a blockchain.
        Coin = "coin",
        /// Money issued by a state.
        Fiat = "fiat",
    }
}

/// A currency (documents: "Currency"). Amounts are in units of the currency. The server leaves out fields that do not
/// apply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Currency {
    /// The currency's code, such as `btc`.
    pub id: CurrencyId,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its symbol.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symbol: Option<String>,
    /// URL template of a transaction in a block explorer; coins only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explorer_transaction: Option<String>,
    /// URL template of an address in a block explorer; coins only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explorer_address: Option<String>,
    /// Coin or fiat.
    #[serde(rename = "type")]
    pub kind: CurrencyType,
    /// Whether deposits are possible.
    #[serde(deserialize_with = "tolerant::bool")]
    pub deposit_enabled: bool,
    /// Whether withdrawals are possible.
    #[serde(deserialize_with = "tolerant::bool")]
    pub withdrawal_enabled: bool,
    /// Fee of a deposit.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    pub deposit_fee: Option<Decimal>,
    /// Smallest deposit.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    pub min_deposit_amount: Option<Decimal>,
    /// Fee of a withdrawal.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    pub withdraw_fee: Option<Decimal>,
    /// Smallest withdrawal.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    pub min_withdraw_amount: Option<Decimal>,
    /// Most that can be withdrawn in 24 hours.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    pub withdraw_limit_24h: Option<Decimal>,
    /// Most that can be withdrawn in 72 hours.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    pub withdraw_limit_72h: Option<Decimal>,
    /// Number of smallest units in one unit: 10^8 for bitcoin, 10^18 for ether.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    pub base_factor: Option<Decimal>,
    /// Most fraction digits of an amount.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_small")]
    pub precision: Option<u32>,
    /// Position in the exchange's list of currencies.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_small")]
    pub position: Option<u32>,
    /// URL of an icon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icon_url: Option<String>,
    /// Confirmations until a deposit or withdrawal counts; coins only.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_small")]
    pub min_confirmations: Option<u32>,
    /// Base fee of a withdrawal over the second layer (lightning).
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    pub layer_two_withdraw_fee: Option<Decimal>,
    /// Largest deposit over the second layer.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    pub layer_two_max_deposit_amount: Option<Decimal>,
    /// Largest withdrawal over the second layer.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    pub layer_two_max_withdraw_amount: Option<Decimal>,
}

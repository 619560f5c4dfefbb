//! How money comes in.

use crate::{CurrencyId, Decimal, decimal, tolerant};
use serde::{Deserialize, Serialize};

crate::open_enum! {
    /// Kind of a payment method.
    pub enum MethodType {
        /// A bank transfer.
        Bank = "bank",
        /// On a blockchain.
        Crypto = "crypto",
        /// A voucher.
        Voucher = "voucher",
        /// A wallet.
        Wallet = "wallet",
    }
}

crate::open_enum! {
    /// Kind of a payment method's currency. The list of currencies says `coin` where this says `crypto`.
    pub enum MethodCurrencyType {
        /// On a blockchain.
        Crypto = "crypto" | "coin",
        /// Of a state.
        Fiat = "fiat",
    }
}

/// A way to deposit (documents: "Deposit Method"), with what the account may still deposit by it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DepositMethod {
    /// The method's name for the exchange.
    pub uuid: String,
    /// Its older id, which a voucher is redeemed by. The documents give it for withdrawals only.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub id: Option<String>,
    /// Its name for people.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub name: Option<String>,
    /// What it is, for people.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub description: Option<String>,
    /// The currency, such as `zar`.
    #[serde(rename = "currencyId")]
    pub currency: CurrencyId,
    /// The currency's symbol.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub symbol: Option<String>,
    /// The network, such as `bitcoin`; `fiat` for none.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub blockchain_name: Option<String>,
    /// Kind of the method.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<MethodType>,
    /// Kind of the currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency_type: Option<MethodCurrencyType>,
    /// Who carries the payment, such as `stitch`.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub provider_id: Option<String>,
    /// Least amount of a deposit, in the currency itself.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    pub min_amount: Option<Decimal>,
    /// Most, by what the account has left of its limits.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    pub max_amount: Option<Decimal>,
    /// Smallest units in one. The documents divide *stored* amounts by it; the two amounts above are divided already.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    pub base_factor: Option<Decimal>,
    /// Fraction digits shown.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_small")]
    pub precision: Option<u32>,
    /// The exchange's fee. Whether it is an amount or a percentage is not documented.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    pub fee_cape: Option<Decimal>,
    /// The provider's fee, as above.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    pub fee_provider: Option<Decimal>,
    /// Place in lists.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_small")]
    pub position: Option<u32>,
    /// Its icon.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub icon_url: Option<String>,
    /// Whether the account is verified for it.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_bool")]
    pub verified: Option<bool>,
    /// What is left of the account's limits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remaining_limits: Option<RemainingLimits>,
}

/// What is left of an account's limits (documents: "Remaining Limits"). The documents do not say in which currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RemainingLimits {
    /// In one payment.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    pub transaction_max: Option<Decimal>,
    /// Today.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    pub day: Option<Decimal>,
    /// This week.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    pub week: Option<Decimal>,
    /// This month.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    pub month: Option<Decimal>,
    /// This year.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    pub year_to_date: Option<Decimal>,
}

/// An address to deposit to. The documents type the answer as a deposit, which has no address: all parts are optional.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DepositAddress {
    /// The currency.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "tolerant::optional_text_id"
    )]
    pub currency: Option<CurrencyId>,
    /// The address; none while it is being made, which takes a few seconds.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub address: Option<String>,
    /// Where it stands; the server family sends it.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub state: Option<String>,
}

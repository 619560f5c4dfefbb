//! Ways to deposit and withdraw money.

use crate::{CurrencyId, Decimal, PaymentMethodId, WithdrawMethodId, decimal, tolerant};
use serde::{Deserialize, Serialize};

crate::open_enum! {
    /// Kind of a payment method.
    pub enum MethodType {
        /// A bank transfer.
        Bank = "bank",
        /// A transfer on a blockchain.
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
        /// A coin on a blockchain.
        Crypto = "crypto" | "coin",
        /// Money issued by a state.
        Fiat = "fiat",
    }
}

/// A way to deposit (documents: "Deposit Method"), with how much the account may still deposit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DepositMethod {
    /// The id by which the exchange knows the method.
    pub uuid: String,
    /// The older id, needed to redeem a voucher. The documents list it for withdrawals only.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "tolerant::optional_text_id"
    )]
    pub id: Option<PaymentMethodId>,
    /// Name to display.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub name: Option<String>,
    /// Description to display.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub description: Option<String>,
    /// The currency, such as `zar`.
    #[serde(rename = "currencyId")]
    pub currency: CurrencyId,
    /// The currency's symbol.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub symbol: Option<String>,
    /// The network, such as `bitcoin`; `fiat` if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub blockchain_name: Option<String>,
    /// Kind of the method.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<MethodType>,
    /// Kind of the currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency_type: Option<MethodCurrencyType>,
    /// The company that carries out the payment, such as `stitch`.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub provider_id: Option<String>,
    /// Smallest deposit, in units of the currency.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    pub min_amount: Option<Decimal>,
    /// Largest deposit that the account's limits still allow.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    pub max_amount: Option<Decimal>,
    /// Number of smallest units in one unit of the currency. The documents divide *stored* amounts by it;
    /// [`min_amount`](Self::min_amount) and [`max_amount`](Self::max_amount) are divided already.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    pub base_factor: Option<Decimal>,
    /// Number of fraction digits to display.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_small")]
    pub precision: Option<u32>,
    /// The exchange's fee. Whether it is an amount or a percentage is not documented.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    pub fee_cape: Option<Decimal>,
    /// The provider's fee. Here, too, the documents do not say whether it is an amount or a percentage.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    pub fee_provider: Option<Decimal>,
    /// Position in lists.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_small")]
    pub position: Option<u32>,
    /// URL of an icon.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub icon_url: Option<String>,
    /// Whether the account is verified for this method.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_bool")]
    pub verified: Option<bool>,
    /// What is left of the account's limits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remaining_limits: Option<RemainingLimits>,
}

/// A way to withdraw (documents: "Withdraw Method"), with how much the account may still withdraw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct WithdrawMethod {
    /// The id by which the exchange knows the method.
    pub uuid: String,
    /// Its number, by which a beneficiary names it (documents: "included for legacy support").
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_id")]
    pub id: Option<WithdrawMethodId>,
    /// Name to display.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub name: Option<String>,
    /// Description to display.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub description: Option<String>,
    /// The currency, such as `zar`.
    #[serde(rename = "currencyId")]
    pub currency: CurrencyId,
    /// The currency's symbol.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub symbol: Option<String>,
    /// The network, such as `bitcoin`; `fiat` if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub blockchain_name: Option<String>,
    /// Kind of the method.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<MethodType>,
    /// Kind of the currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency_type: Option<MethodCurrencyType>,
    /// The company that carries out the payment, such as `xago`.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub provider_id: Option<String>,
    /// The processor that handles withdrawals by this method.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub processor_id: Option<String>,
    /// Smallest withdrawal, in units of the currency.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    pub min_amount: Option<Decimal>,
    /// Largest withdrawal that the account's limits still allow.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    pub max_amount: Option<Decimal>,
    /// Number of smallest units in one unit of the currency. The documents divide *stored* amounts by it;
    /// [`min_amount`](Self::min_amount) and [`max_amount`](Self::max_amount) are divided already.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    pub base_factor: Option<Decimal>,
    /// Number of fraction digits to display.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_small")]
    pub precision: Option<u32>,
    /// The exchange's fee. Whether it is an amount or a percentage is not documented.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    pub fee_cape: Option<Decimal>,
    /// The provider's fee. Here, too, the documents do not say whether it is an amount or a percentage.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    pub fee_provider: Option<Decimal>,
    /// Position in lists.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_small")]
    pub position: Option<u32>,
    /// URL of an icon.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub icon_url: Option<String>,
    /// Whether the account is verified for this method.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_bool")]
    pub verified: Option<bool>,
    /// What is left of the account's limits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remaining_limits: Option<RemainingLimits>,
}

crate::open_enum! {
    /// Kind of an instant deposit method, which only the older version has.
    pub enum InstantMethodType {
        /// A voucher.
        Voucher = "voucher",
        /// An instant bank payment.
        InstantEft = "instanteft",
    }
}

/// A way to deposit rand at once, which only the older version lists (older documents: "Instant Deposit Method").
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct InstantDepositMethod {
    /// The id by which a voucher is redeemed. The documents want a whole number there.
    pub id: PaymentMethodId,
    /// The company that carries out the payment.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub provider_id: Option<String>,
    /// Name to display.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub name: Option<String>,
    /// Kind of the method.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<InstantMethodType>,
    /// Description to display.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub description: Option<String>,
    /// Smallest deposit.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    pub min_amount: Option<Decimal>,
    /// Largest deposit.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    pub max_amount: Option<Decimal>,
}

/// What is left of an account's limits (documents: "Remaining Limits"). The documents do not say in which currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RemainingLimits {
    /// Largest single payment.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    pub transaction_max: Option<Decimal>,
    /// What is left for today.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    pub day: Option<Decimal>,
    /// What is left for this week.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    pub week: Option<Decimal>,
    /// What is left for this month.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    pub month: Option<Decimal>,
    /// What is left for this year.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    pub year_to_date: Option<Decimal>,
}

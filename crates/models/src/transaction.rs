//! The account's history.

use crate::{CurrencyId, Decimal, MarketId, Sensitive, Timestamp, decimal, time, tolerant};
use serde::{Deserialize, Serialize};

crate::open_enum! {
    /// Kind of a transaction (documents: "Transaction").
    pub enum TransactionType {
        /// Money that came in.
        Deposit = "deposit",
        /// Money that went out.
        Withdraw = "withdraw",
        /// A transfer between accounts of the exchange.
        InternalTransfer = "internal_transfer",
        /// A fill of an order.
        Trade = "trade",
        /// A reward for a new member whom the account referred.
        Referral = "referral",
        /// A reward for market making.
        MakerReward = "maker_reward",
    }
}

/// A line of the account's history (documents: "Transaction"). Which fields it has depends on its type.
///
/// `Debug` hides the pins, the sender, the receiver and your own note, because lists of transactions end up in logs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Transaction {
    /// Its number.
    #[serde(deserialize_with = "tolerant::whole")]
    pub id: u64,
    /// Its kind.
    #[serde(rename = "type")]
    pub kind: TransactionType,
    /// Kind of the record that it belongs to, such as `Deposit` or `Order`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference_type: Option<String>,
    /// Number of that record.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_whole")]
    pub reference_id: Option<u64>,
    /// Currency that came in.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "tolerant::optional_text_id"
    )]
    pub credit_currency: Option<CurrencyId>,
    /// How much came in.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    pub credit_amount: Option<Decimal>,
    /// Currency that went out.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "tolerant::optional_text_id"
    )]
    pub debit_currency: Option<CurrencyId>,
    /// How much went out.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    pub debit_amount: Option<Decimal>,
    /// Currency of the fee.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "tolerant::optional_text_id"
    )]
    pub fee_currency: Option<CurrencyId>,
    /// The fee.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    pub fee: Option<Decimal>,
    /// The blockchain's key; coins only.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub blockchain_key: Option<String>,
    /// The blockchain's name; coins only.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub blockchain_name: Option<String>,
    /// The market; trades only.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "tolerant::optional_text_id"
    )]
    pub market_id: Option<MarketId>,
    /// The order; trades only. The documents have text here and a number in other calls; both are kept as text.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub order_id: Option<String>,
    /// The price; trades only.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    pub price: Option<Decimal>,
    /// The order's volume as it was placed; trades only.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    pub origin_volume: Option<Decimal>,
    /// The company that carried out a fiat payment.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub payment_method_provider: Option<String>,
    /// Name of the payment method.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub payment_method_name: Option<String>,
    /// Number of fraction digits that the method displays.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_small")]
    pub payment_method_precision: Option<u32>,
    /// URL of the method's icon.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub payment_method_icon_url: Option<String>,
    /// A voucher's pin. Anyone who knows it can redeem the voucher.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "tolerant::optional_secret"
    )]
    pub voucher_pin: Option<Sensitive<String>>,
    /// The pin of the voucher that was given as change.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "tolerant::optional_secret"
    )]
    pub change_voucher_pin: Option<Sensitive<String>>,
    /// When that voucher expires.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "time::optional::deserialize"
    )]
    pub change_voucher_expiry: Option<Timestamp>,
    /// What that voucher is worth.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    pub change_voucher_amount: Option<Decimal>,
    /// The description. Of a lightning payment it is what payer and payee see, so `Debug` hides it.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "tolerant::optional_secret"
    )]
    pub description: Option<Sensitive<String>>,
    /// Your own note.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "tolerant::optional_secret"
    )]
    pub member_description: Option<Sensitive<String>>,
    /// The sender.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "tolerant::optional_secret"
    )]
    pub sender: Option<Sensitive<String>>,
    /// The receiver.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "tolerant::optional_secret"
    )]
    pub receiver: Option<Sensitive<String>>,
    /// State of the transaction. The documents do not list the possible states.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub state: Option<String>,
    /// Address on the blockchain; coins only. It may be somebody's, so `Debug` hides it.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "tolerant::optional_secret"
    )]
    pub address: Option<Sensitive<String>>,
    /// Id of the transaction on the blockchain, or a reference of the exchange.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub txid: Option<String>,
    /// Number of the beneficiary; withdrawals only.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_whole")]
    pub beneficiary_id: Option<u64>,
    /// When the payment was complete.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "time::optional::deserialize"
    )]
    pub paid_at: Option<Timestamp>,
    /// When it expires; vouchers only.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "time::optional::deserialize"
    )]
    pub expires_at: Option<Timestamp>,
    /// When it was made.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "time::optional::deserialize"
    )]
    pub created_at: Option<Timestamp>,
    /// When it was changed last.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "time::optional::deserialize"
    )]
    pub updated_at: Option<Timestamp>,
}

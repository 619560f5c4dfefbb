//! The account's history.

use crate::{CurrencyId, Decimal, MarketId, Sensitive, Timestamp, decimal, time, tolerant};
use serde::{Deserialize, Serialize};

crate::open_enum! {
    /// What a transaction is (documents: "Transaction").
    pub enum TransactionType {
        /// Money that came in.
        Deposit = "deposit",
        /// Money that went out.
        Withdraw = "withdraw",
        /// Between accounts of the exchange.
        InternalTransfer = "internal_transfer",
        /// A fill of an order.
        Trade = "trade",
        /// For having brought somebody.
        Referral = "referral",
        /// For having made a market.
        MakerReward = "maker_reward",
    }
}

/// A line of the account's history (documents: "Transaction"). Which fields it has depends on its type.
///
/// Pins, and who sent and received, are hidden in `Debug`: a list of transactions ends up in logs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Transaction {
    /// Its number.
    #[serde(deserialize_with = "tolerant::whole")]
    pub id: u64,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: TransactionType,
    /// What it belongs to, such as `Deposit` or `Order`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference_type: Option<String>,
    /// The number of what it belongs to.
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
    /// The order; trades only. Text in the documents, a number elsewhere: the text is kept.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub order_id: Option<String>,
    /// The price; trades only.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    pub price: Option<Decimal>,
    /// The order's volume as it was placed; trades only.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    pub origin_volume: Option<Decimal>,
    /// Who carried a payment of fiat.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub payment_method_provider: Option<String>,
    /// By which method.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub payment_method_name: Option<String>,
    /// Fraction digits that the method shows.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_small")]
    pub payment_method_precision: Option<u32>,
    /// The method's icon.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub payment_method_icon_url: Option<String>,
    /// A voucher's pin: it is worth its amount.
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
    /// When that voucher ends.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "time::optional::deserialize"
    )]
    pub change_voucher_expiry: Option<Timestamp>,
    /// What that voucher is worth.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    pub change_voucher_amount: Option<Decimal>,
    /// The exchange's description.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub description: Option<String>,
    /// Your own note.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "tolerant::optional_secret"
    )]
    pub member_description: Option<Sensitive<String>>,
    /// Who sent it.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "tolerant::optional_secret"
    )]
    pub sender: Option<Sensitive<String>>,
    /// Who received it.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "tolerant::optional_secret"
    )]
    pub receiver: Option<Sensitive<String>>,
    /// Where it stands. The documents list no states.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub state: Option<String>,
    /// Address on the blockchain; coins only.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub address: Option<String>,
    /// The blockchain's transaction, or a reference of the exchange's.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub txid: Option<String>,
    /// To whom it went; withdrawals only.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_whole")]
    pub beneficiary_id: Option<u64>,
    /// When the payment was complete.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "time::optional::deserialize"
    )]
    pub paid_at: Option<Timestamp>,
    /// When it ends; vouchers only.
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
}

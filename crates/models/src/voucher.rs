//! Vouchers.

use crate::{Decimal, Sensitive, decimal, tolerant};
use serde::{Deserialize, Serialize};

/// What a voucher was turned into (documents: "Voucher Redemption").
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct VoucherRedemption {
    /// What the account got, after fees.
    #[serde(with = "decimal")]
    pub amount: Decimal,
    /// What the voucher was worth.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    pub origin_amount: Option<Decimal>,
    /// A new voucher for what was not redeemed, if the provider offers it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change_voucher: Option<ChangeVoucher>,
}

/// A voucher that was given as change (documents: "Change voucher"). `Debug` hides its pin: anyone who knows it can redeem
/// the voucher.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ChangeVoucher {
    /// What it is worth.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    pub change_amount: Option<Decimal>,
    /// When it expires, as the exchange wrote it: the documents do not say in which form.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub change_expiry: Option<String>,
    /// Its pin. Store it: only this answer and the account's history have it.
    ///
    /// The documents call it a number here, and text in the history. It is kept as text, with the zeros at its start. If the
    /// exchange sends it as a number, zeros may be missing: compare it with [`Transaction::change_voucher_pin`].
    ///
    /// [`Transaction::change_voucher_pin`]: crate::Transaction::change_voucher_pin
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "tolerant::optional_secret"
    )]
    pub change_pin: Option<Sensitive<String>>,
}

//! Payment references.

use crate::{
    CurrencyId, Decimal, DepositAction, DepositId, InternalTransferId, OrderId, PaymentReferenceId,
    Sensitive, Timestamp, Uid, WebhookProtocol, WebhookUrl, WithdrawalId, decimal, deposit_action, time,
    tolerant,
};
use serde::{Deserialize, Serialize};

crate::open_enum! {
    /// State of a payment reference (documents: "PaymentReference States").
    pub enum PaymentReferenceState {
        /// It waits for a deposit.
        PendingDeposit = "pending_deposit",
        /// A deposit came, and is transferred to the parent account.
        PendingInternalTransfer = "pending_internal_transfer",
        /// The deposit is converted by buying the target currency. Which side an order has depends on the market.
        PendingBuyOrder = "pending_buy_order",
        /// The deposit is converted by selling it.
        PendingSellOrder = "pending_sell_order",
        /// The money is withdrawn.
        PendingWithdraw = "pending_withdraw",
        /// All actions are done.
        Completed = "completed",
        /// An action failed; see [`PaymentReference::error`].
        Failed = "failed",
    }
}

impl PaymentReferenceState {
    /// Whether the state will not change any more: `completed` and `failed`. False for a state that this version does not know.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Completed | Self::Failed)
    }

    /// Whether all actions are done: `completed` only.
    pub fn is_success(&self) -> bool {
        *self == Self::Completed
    }

    /// Whether a deposit has come: every known state but `pending_deposit`. False for a state that this version does not know.
    pub fn has_deposit(&self) -> bool {
        self.is_known() && *self != Self::PendingDeposit
    }
}

/// A code that a customer gives with a deposit, and what happens to this deposit (documents: "PaymentReference").
///
/// `Debug` hides the webhook's secret, and of its address shows only the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PaymentReference {
    /// Its number.
    pub id: PaymentReferenceId,
    /// The code that the customer gives, such as `PAY-ABC123`.
    pub reference: String,
    /// The account that the deposit is for.
    pub uid: Uid,
    /// The currency of the deposit.
    pub currency: CurrencyId,
    /// The amount that was announced, in [`currency`](Self::currency). The documents do not say what the exchange does with a
    /// deposit of another amount.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    pub expected_amount: Option<Decimal>,
    /// What happens to the deposit; it stays in the account if there is none.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "deposit_action::optional_deposit_action"
    )]
    pub deposit_action: Option<DepositAction>,
    /// The state.
    pub state: PaymentReferenceState,
    /// A time that the documents call the expiration. They name no lifetime and no state for it, and do not say what becomes of a
    /// later deposit. So do not conclude from it that a payment is lost.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "time::optional::deserialize"
    )]
    pub expires_at: Option<Timestamp>,
    /// How often it was used. More than once means duplicate deposits.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_whole")]
    pub usage_count: Option<u64>,
    /// When it was used last; `None` if never.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "time::optional::deserialize"
    )]
    pub last_used_at: Option<Timestamp>,
    /// Where its webhooks go; `None` if it has no address of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook_url: Option<WebhookUrl>,
    /// The secret of its webhooks. Only its owner gets it, and only on request.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "tolerant::optional_secret"
    )]
    pub webhook_secret: Option<Sensitive<String>>,
    /// How its webhooks prove who sent them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook_protocol: Option<WebhookProtocol>,
    /// The deposit; `None` until it came.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_id")]
    pub deposit_id: Option<DepositId>,
    /// The order that converts it, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_id")]
    pub order_id: Option<OrderId>,
    /// The withdrawal, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_id")]
    pub withdraw_id: Option<WithdrawalId>,
    /// The transfer to the parent account, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_id")]
    pub internal_transfer_id: Option<InternalTransferId>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub error: Option<String>,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_says_only_what_is_certain() {
        let is = |wanted: fn(&PaymentReferenceState) -> bool| {
            let all = PaymentReferenceState::KNOWN.iter().copied().chain(["expired"]);
            all.filter(|name| wanted(&(*name).into())).collect::<Vec<_>>()
        };
        assert_eq!(is(PaymentReferenceState::is_final), ["completed", "failed"]);
        assert_eq!(is(PaymentReferenceState::is_success), ["completed"]);
        assert_eq!(is(PaymentReferenceState::has_deposit), &PaymentReferenceState::KNOWN[1..]);
    }

    #[test]
    fn the_secret_and_the_way_to_the_receiver_are_hidden() {
        let row = r#"{"id":"7","reference":"PAY-1","uid":"CCT1","currency":"btc","state":"failed",
            "webhook_url":"https://shop.example/c4nary","webhook_secret":"c4nary","error":"no liquidity"}"#;
        let row: PaymentReference = serde_json::from_str(row).unwrap();
        assert_eq!((row.id.get(), row.state.is_success()), (7, false));
        let shown = format!("{row:?}");
        assert!(!shown.contains("c4nary") && shown.contains("shop.example"), "{shown}");
    }
}

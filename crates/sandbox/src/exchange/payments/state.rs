//! How far a payment is.

/// The documents' "PaymentReference States".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    PendingDeposit,
    PendingInternalTransfer,
    PendingBuyOrder,
    PendingSellOrder,
    PendingWithdraw,
    Completed,
    Failed,
}

impl State {
    /// The name on the wire.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::PendingDeposit => "pending_deposit",
            Self::PendingInternalTransfer => "pending_internal_transfer",
            Self::PendingBuyOrder => "pending_buy_order",
            Self::PendingSellOrder => "pending_sell_order",
            Self::PendingWithdraw => "pending_withdraw",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }

    /// Whether an action is being carried out.
    pub(crate) fn is_on_the_way(self) -> bool {
        !matches!(self, Self::PendingDeposit | Self::Completed | Self::Failed)
    }
}

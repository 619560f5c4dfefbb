//! The states of a deposit, and which of them leads to which.

use serde::{Deserialize, Serialize};

/// The state of a deposit: the documents' "Deposit states", and the two of the travel rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DepositState {
    /// Seen, but not in the balance yet.
    Submitted,
    /// Ended without money.
    Canceled,
    /// Ended without money.
    Rejected,
    /// In the balance.
    Accepted,
    /// In the balance, and moved to the exchange's own wallet.
    Collected,
    /// In the balance; the move to the exchange's own wallet was left out for now.
    Skipped,
    /// Waits for the account's answer to the travel rule. In no balance.
    OnHoldTravelRuleCustomer,
    /// The answer to the travel rule is checked. In no balance.
    Hold,
}

impl DepositState {
    /// Every state.
    pub(crate) const ALL: [Self; 8] = [
        Self::Submitted,
        Self::Canceled,
        Self::Rejected,
        Self::Accepted,
        Self::Collected,
        Self::Skipped,
        Self::OnHoldTravelRuleCustomer,
        Self::Hold,
    ];

    /// The spelling on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Submitted => "submitted",
            Self::Canceled => "canceled",
            Self::Rejected => "rejected",
            Self::Accepted => "accepted",
            Self::Collected => "collected",
            Self::Skipped => "skipped",
            Self::OnHoldTravelRuleCustomer => "on_hold_travel_rule_customer",
            Self::Hold => "hold",
        }
    }

    pub(super) fn is_credited(self) -> bool {
        matches!(self, Self::Accepted | Self::Collected | Self::Skipped)
    }

    /// Whether no money will come.
    pub(super) fn is_refused(self) -> bool {
        matches!(self, Self::Canceled | Self::Rejected)
    }

    /// Whether only a coin can be in this state.
    pub(crate) fn is_of_coins(self) -> bool {
        matches!(self, Self::OnHoldTravelRuleCustomer | Self::Hold)
    }

    /// Whether a deposit may go from this state to the other one.
    pub(super) fn may_become(self, next: Self) -> bool {
        match self {
            Self::Submitted => matches!(
                next,
                Self::Canceled | Self::Rejected | Self::Accepted | Self::OnHoldTravelRuleCustomer
            ),
            Self::OnHoldTravelRuleCustomer => matches!(next, Self::Hold | Self::Rejected | Self::Accepted),
            Self::Hold => matches!(next, Self::Rejected | Self::Accepted),
            Self::Accepted => matches!(next, Self::Skipped | Self::Collected),
            Self::Skipped => next == Self::Collected,
            Self::Canceled | Self::Rejected | Self::Collected => false,
        }
    }
}

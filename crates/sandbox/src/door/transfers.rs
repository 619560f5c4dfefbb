//! Money that moves inside of the exchange.

use super::{
    control::{Control, ControlError},
    money::exact_amount,
    operation::Operation,
};
use crate::exchange::funds::transfers::{Reward, RewardKind, Transfer};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{json, value::RawValue};

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        library: "transfer",
        method: "POST",
        path: "transfer",
        about: r#"`{"from","to","currency","amount","note"}`: moves money from one account to another; each gets a line of the history; answers with its number"#,
        run: |control, input| {
            let NewTransfer { from, to, currency, amount, note } = input.read()?;
            let amount = exact_amount(&amount)?;
            Ok(json!({ "id": control.transfer(&from, &to, &currency, amount, note.as_deref())? }))
        },
    },
    Operation {
        library: "reward",
        method: "POST",
        path: "reward",
        about: r#"`{"account","kind","currency","amount"}`: pays a reward, with a line of the history; kinds `referral`, `maker_reward`; answers with its number"#,
        run: |control, input| {
            let NewReward { account, kind, currency, amount } = input.read()?;
            Ok(json!({ "id": control.reward(&account, kind, &currency, exact_amount(&amount)?)? }))
        },
    },
];

#[derive(Deserialize)]
struct NewTransfer {
    from: String,
    to: String,
    currency: String,
    amount: Box<RawValue>,
    note: Option<String>,
}

#[derive(Deserialize)]
struct NewReward {
    account: String,
    kind: RewardKind,
    currency: String,
    amount: Box<RawValue>,
}

impl Control {
    /// Moves money from one account to another, as an internal transfer. The line of the sender has the note. Returns the
    /// transfer's number.
    ///
    /// # Errors
    /// An unknown account or currency, or an amount that is out of range or more than the sender has available.
    pub fn transfer(
        &self,
        from: &str,
        to: &str,
        currency: &str,
        amount: Decimal,
        note: Option<&str>,
    ) -> Result<u64, ControlError> {
        let (from, sender) = self.account_and_uid(from)?;
        let (to, receiver) = self.account_and_uid(to)?;
        let currency = self.amount_of(currency, amount)?;
        let note = note.map(str::to_owned);
        let transfer = Transfer { from, to, currency, amount, sender, receiver, note };
        self.host.command(transfer).map_err(|_| ControlError::InvalidAmount)
    }

    /// Pays a reward to an account, from outside. Returns the reward's number.
    ///
    /// # Errors
    /// An unknown account or currency, or an amount out of range (see [`ControlError::InvalidAmount`]).
    pub fn reward(
        &self,
        account: &str,
        kind: RewardKind,
        currency: &str,
        amount: Decimal,
    ) -> Result<u64, ControlError> {
        let (account, receiver) = self.account_and_uid(account)?;
        let currency = self.amount_of(currency, amount)?;
        let reward = Reward { account, kind, currency, amount, receiver };
        self.host.command(reward).map_err(|_| ControlError::InvalidAmount)
    }
}

//! Deposits in every state.

use super::{
    control::{Control, ControlError, unreadable},
    operation::{Operation, answer, done},
};
use crate::{
    base::{
        id::AccountId,
        money::{self, exact},
    },
    exchange::{
        catalogue::Blockchain,
        funds::{
            addresses::address,
            deposits::{
                AddDeposit, DepositChange, DepositState, LIGHTNING, NotChanged, Origin, SetDepositState,
            },
        },
    },
};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::json;

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        library: "add_deposit",
        method: "POST",
        path: "deposits",
        about: r#"`{"account","currency","amount"}`, and what else is wanted of `state` (`accepted` if left out), `txid`, `blockchain`, `address`, `sender`, `description`; the currency's fee is taken off. A currency of a state whose description is the code of a payment reference is matched with it. With `"confirmed_every_ms"` a `submitted` deposit gets a confirmation each time, and is accepted when it has enough. Answers with its number"#,
        run: |control, input| {
            let Owner { account } = input.read()?;
            let id = control.add_deposit(&account, input.read()?)?;
            Ok(json!({ "id": id }))
        },
    },
    Operation {
        library: "set_deposit_state",
        method: "POST",
        path: "deposits/{id}",
        about: r#"`{"state"}`: moves a deposit to its next state, such as `accepted`, `rejected` or `on_hold_travel_rule_customer`"#,
        run: |control, input| {
            let id = input.segment.parse().map_err(|_| unreadable())?;
            control.set_deposit_state(id, input.read::<NewState>()?.state)?;
            done()
        },
    },
    Operation {
        library: "deposit_changes",
        method: "GET",
        path: "deposits/changes/{after}",
        about: "up to 1,000 changes of deposits' states after that many, oldest first",
        run: |control, input| {
            answer(&control.deposit_changes(input.segment.parse().map_err(|_| unreadable())?))
        },
    },
];

/// The largest number of changes that [`Control::deposit_changes`] returns.
const MOST_CHANGES: usize = 1_000;

#[derive(Deserialize)]
struct Owner {
    account: String,
}

#[derive(Deserialize)]
struct NewState {
    state: DepositState,
}

/// A deposit that [`Control::add_deposit`] adds.
#[derive(Debug, Clone, Deserialize)]
pub struct NewDeposit {
    currency: String,
    #[serde(with = "exact")]
    amount: Decimal,
    #[serde(default = "accepted")]
    state: DepositState,
    pub(super) txid: Option<String>,
    pub(super) blockchain: Option<String>,
    address: Option<String>,
    pub(super) sender: Option<String>,
    description: Option<String>,
    confirmed_every_ms: Option<u32>,
}

fn accepted() -> DepositState {
    DepositState::Accepted
}

impl NewDeposit {
    /// A deposit of this amount, in the state `accepted`. The account gets it without the currency's fee.
    #[must_use]
    pub fn new(currency: impl Into<String>, amount: Decimal) -> Self {
        Self {
            currency: currency.into(),
            amount,
            state: accepted(),
            txid: None,
            blockchain: None,
            address: None,
            sender: None,
            description: None,
            confirmed_every_ms: None,
        }
    }

    /// Sets the state in which it begins. Only coins can be on hold for the travel rule.
    #[must_use]
    pub fn state(self, state: DepositState) -> Self {
        Self { state, ..self }
    }

    /// Sets the transaction id. Without it, a coin gets one that looks random, and fiat has none.
    #[must_use]
    pub fn txid(self, txid: impl Into<String>) -> Self {
        Self { txid: Some(txid.into()), ..self }
    }

    /// Sets the key of the blockchain, such as `tron-trc20`; that of the coin if left out. A deposit over `lightning` has
    /// neither address nor confirmations.
    #[must_use]
    pub fn blockchain(self, blockchain: impl Into<String>) -> Self {
        Self { blockchain: Some(blockchain.into()), ..self }
    }

    /// Sets the address that the coins were sent to; the account's own one if left out.
    #[must_use]
    pub fn address(self, address: impl Into<String>) -> Self {
        Self { address: Some(address.into()), ..self }
    }

    /// Sets who sent it, as the history shows it.
    #[must_use]
    pub fn sender(self, sender: impl Into<String>) -> Self {
        Self { sender: Some(sender.into()), ..self }
    }

    /// Sets the text of the payer, as the history shows it. If it is the code of a payment reference for this account and
    /// currency, and the currency is no coin, the deposit is the reference's.
    #[must_use]
    pub fn description(self, description: impl Into<String>) -> Self {
        Self { description: Some(description.into()), ..self }
    }

    /// Gives a coin in the state `submitted` a confirmation each time that this much passes on the exchange's clock. It is
    /// accepted as soon as it has the confirmations that the currency needs.
    #[must_use]
    pub fn confirmed_every_ms(self, confirmed_every_ms: u32) -> Self {
        Self { confirmed_every_ms: Some(confirmed_every_ms), ..self }
    }
}

impl From<NotChanged> for ControlError {
    fn from(why: NotChanged) -> Self {
        match why {
            NotChanged::Unknown => Self::UnknownDeposit,
            NotChanged::WrongState | NotChanged::NotACoin | NotChanged::AlreadySubmitted => Self::WrongState,
        }
    }
}

impl Control {
    /// Adds a deposit in any state to an account, and returns its number.
    ///
    /// # Errors
    /// An unknown account or currency, an amount out of range or not larger than the currency's fee
    /// ([`ControlError::InvalidAmount`]), or a state that only coins have ([`ControlError::WrongState`]).
    pub fn add_deposit(&self, account: &str, deposit: NewDeposit) -> Result<u64, ControlError> {
        let account = self.account(account)?;
        self.add_deposit_to(account, deposit, None)
    }

    /// The same, and the code of the payment reference that a coin is for.
    pub(super) fn add_deposit_to(
        &self,
        account: AccountId,
        deposit: NewDeposit,
        reference: Option<String>,
    ) -> Result<u64, ControlError> {
        let uid = self.host.people.get(account).ok_or(ControlError::UnknownAccount)?.uid;
        let currency =
            self.host.catalogue.currency(&deposit.currency).ok_or(ControlError::UnknownCurrency)?;
        let NewDeposit { amount, state, txid, sender, description, confirmed_every_ms, .. } = deposit;
        if amount <= currency.deposit_fee
            || amount <= Decimal::ZERO
            || money::fraction_digits(amount) > currency.precision
        {
            return Err(ControlError::InvalidAmount);
        }
        let own = currency.blockchain();
        if own.is_none() && (state.is_of_coins() || deposit.blockchain.is_some()) {
            return Err(ControlError::WrongState);
        }
        let origin = match deposit.blockchain.as_deref() {
            Some(LIGHTNING) => Origin::lightning(),
            Some(key) => Origin { blockchain: Some(Blockchain::of(key)), ..Origin::default() },
            None => Origin { blockchain: own, ..Origin::default() },
        };
        let own_address = || origin.is_on_chain().then(|| address(currency.id, account, &uid));
        let address = deposit.address.or_else(own_address);
        let origin = Origin { txid, address, sender, ..origin };
        let currency = currency.id;
        let command = AddDeposit {
            account,
            currency,
            amount,
            state,
            origin,
            description,
            reference,
            confirmed_every_ms,
        };
        self.host.command(command).map_err(|_| ControlError::InvalidAmount)
    }

    /// Moves a deposit to another state. `submitted` leads to `canceled`, `rejected`, `accepted` and
    /// `on_hold_travel_rule_customer`; that one and `hold` lead to `rejected` and `accepted`; `accepted` leads to `skipped` and
    /// `collected`, `skipped` to `collected`.
    ///
    /// # Errors
    /// No deposit has that number, or its state does not lead there ([`ControlError::WrongState`]).
    pub fn set_deposit_state(&self, id: u64, state: DepositState) -> Result<(), ControlError> {
        Ok(self.host.command(SetDepositState { id, state })?)
    }

    /// Up to 1,000 changes of deposits' states, oldest first, without the first `after` of them.
    #[must_use]
    pub fn deposit_changes(&self, after: usize) -> Vec<DepositChange> {
        self.host.read(|exchange| {
            exchange.funds().deposits.changes().iter().skip(after).take(MOST_CHANGES).cloned().collect()
        })
    }
}

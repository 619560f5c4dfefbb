//! Deposits for payment references.

use super::{
    control::{Control, ControlError},
    deposits::NewDeposit,
    operation::Operation,
};
use crate::{
    base::{
        id::AccountId,
        money::{self, exact},
    },
    exchange::{
        funds::{
            deposits::{DepositState, LIGHTNING},
            lightning::{BTC, CreateInvoice, NotMade, PayFromOutside},
        },
        people::UNVERIFIED,
    },
};
use rust_decimal::{Decimal, prelude::ToPrimitive};
use serde::Deserialize;
use serde_json::json;

pub(super) const OPERATIONS: &[Operation] = &[Operation {
    library: "deposit_for_reference",
    method: "POST",
    path: "payments/{code}/deposit",
    about: r#"`{"amount"}`, and what else is wanted of `currency` (the reference's if left out), `method` (`fiat`, `chain` or `lightning`; if left out, `fiat` or `chain` by the currency), `state` (`accepted` if left out), `txid`, `blockchain`, `sender`: a deposit that names the payment reference; over lightning an invoice is made and paid. Answers with its number"#,
    run: |control, input| Ok(json!({ "id": control.deposit_for_reference(input.segment, input.read()?)? })),
}];

/// The way on which a deposit comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DepositMethod {
    /// A bank transfer. The code is its description.
    Fiat,
    /// A transaction on a blockchain.
    Chain,
    /// A paid invoice of the lightning network. The code is its description.
    Lightning,
}

/// A deposit that [`Control::deposit_for_reference`] makes.
#[derive(Debug, Clone, Deserialize)]
pub struct ReferenceDeposit {
    #[serde(with = "exact")]
    amount: Decimal,
    currency: Option<String>,
    method: Option<DepositMethod>,
    #[serde(default = "accepted")]
    state: DepositState,
    txid: Option<String>,
    blockchain: Option<String>,
    sender: Option<String>,
}

fn accepted() -> DepositState {
    DepositState::Accepted
}

impl ReferenceDeposit {
    /// A deposit of this amount, in the reference's currency and in the state `accepted`. The account gets it without the
    /// currency's fee; over lightning there is none.
    #[must_use]
    pub fn new(amount: Decimal) -> Self {
        let (currency, method, txid, blockchain, sender) = (None, None, None, None, None);
        Self { amount, currency, method, state: accepted(), txid, blockchain, sender }
    }

    /// Sets another currency than the reference's. Such a deposit is not the reference's: it stays in the account.
    #[must_use]
    pub fn currency(self, currency: impl Into<String>) -> Self {
        Self { currency: Some(currency.into()), ..self }
    }

    /// Sets the way; if left out, [`Fiat`](DepositMethod::Fiat) or [`Chain`](DepositMethod::Chain) by the currency.
    #[must_use]
    pub fn method(self, method: DepositMethod) -> Self {
        Self { method: Some(method), ..self }
    }

    /// Sets the state in which it begins. The reference gets it as soon as it is accepted. Over lightning it is always accepted.
    #[must_use]
    pub fn state(self, state: DepositState) -> Self {
        Self { state, ..self }
    }

    /// Sets the transaction id; see [`NewDeposit::txid`].
    #[must_use]
    pub fn txid(self, txid: impl Into<String>) -> Self {
        Self { txid: Some(txid.into()), ..self }
    }

    /// Sets the key of the blockchain, such as `tron-trc20`; that of the coin if left out.
    #[must_use]
    pub fn blockchain(self, blockchain: impl Into<String>) -> Self {
        Self { blockchain: Some(blockchain.into()), ..self }
    }

    /// Sets who sent it, as the history shows it.
    #[must_use]
    pub fn sender(self, sender: impl Into<String>) -> Self {
        Self { sender: Some(sender.into()), ..self }
    }
}

impl Control {
    /// Makes a deposit that names a payment reference by its code, and returns the deposit's number.
    ///
    /// # Errors
    /// An unknown code or currency; an account without the verification that it needs; a method that the currency does not have
    /// ([`ControlError::WrongMethod`]); an amount out of range, or too much for an invoice; a state that the deposit cannot
    /// have.
    pub fn deposit_for_reference(&self, code: &str, deposit: ReferenceDeposit) -> Result<u64, ControlError> {
        let found = self.host.read(|exchange| {
            let found = exchange.payments().by_code(code)?;
            Some((found.code.clone(), found.terms.account, found.terms.currency, found.terms.verified_only))
        });
        let (code, account, currency, verified_only) = found.ok_or(ControlError::UnknownPayment)?;
        if verified_only && self.host.people.level(account) == UNVERIFIED {
            return Err(ControlError::NotVerified);
        }
        let ReferenceDeposit { amount, method, state, txid, blockchain, sender, .. } = deposit;
        let currency = deposit.currency.unwrap_or_else(|| currency.to_string());
        let known = self.host.catalogue.currency(&currency).ok_or(ControlError::UnknownCurrency)?;
        let usual = if known.is_coin() { DepositMethod::Chain } else { DepositMethod::Fiat };
        let method = method.unwrap_or(usual);
        if method == DepositMethod::Lightning {
            return match (known.id == *BTC, state) {
                (false, _) => Err(ControlError::WrongMethod),
                (true, DepositState::Accepted) => self.pay_own_invoice(account, code, amount),
                (true, _) => Err(ControlError::WrongState),
            };
        }
        if method != usual || blockchain.as_deref() == Some(LIGHTNING) {
            return Err(ControlError::WrongMethod);
        }
        let mut new = NewDeposit::new(currency, amount).state(state);
        (new.txid, new.blockchain, new.sender) = (txid, blockchain, sender);
        match method {
            DepositMethod::Fiat => self.add_deposit_to(account, new.description(code), None),
            _ => self.add_deposit_to(account, new, Some(code)),
        }
    }

    /// Makes an invoice of an account, and lets the node outside pay it.
    fn pay_own_invoice(
        &self,
        account: AccountId,
        description: String,
        amount: Decimal,
    ) -> Result<u64, ControlError> {
        let sats = money::mul(amount, Decimal::from(100_000_000_u32)).filter(Decimal::is_integer);
        let sats = sats.and_then(|sats| sats.to_u64()).filter(|sats| *sats > 0);
        let sats = sats.ok_or(ControlError::InvalidAmount)?;
        let (conversion, description, note) = (None, Some(description), None);
        let made = self.host.command(CreateInvoice { account, sats, conversion, description, note });
        let invoice = made.map_err(|why| match why {
            NotMade::NoCurrency => ControlError::UnknownCurrency,
            _ => ControlError::InvalidAmount,
        })?;
        let paid = self.host.command(PayFromOutside { bolt: invoice.bolt });
        paid.map_err(|_| ControlError::InvalidAmount)
    }
}

//! The walk of a deposit through the actions of its payment reference, or of its sub-account.
//!
//! It may only use the money of its deposit and what was made of it, never more: what the account has besides stays untouched. The
//! digits that a market or a withdrawal cannot take stay in the account too.

use super::{Parts, STEP_MS, failure::Failure, state::State};
use crate::{
    base::{
        bolt11,
        id::{AccountId, Code},
        money,
    },
    exchange::{
        command::Command,
        desk::Part,
        funds::{
            beneficiaries::Target,
            deposits::{Deposited, LIGHTNING},
            lightning::{BTC, PayOut, Target as Payee},
            new_withdrawal::{CreateWithdrawal, Otp},
            quotes,
            transfers::Transfer,
            withdrawals::WithdrawalState,
        },
        market::{
            conversion::{Conversion, market_between},
            order::{Side, State as OrderState},
        },
        people::{
            Restriction,
            deposit_action::{ActionName, DepositAction},
        },
    },
};
use rust_decimal::{Decimal, prelude::ToPrimitive};

/// The deposit, as the events of a reference tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Linked {
    pub(crate) id: u64,
    pub(crate) blockchain: Option<String>,
    pub(crate) invoice: Option<String>,
}

/// How far a deposit is, and where its money is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Walk {
    pub(crate) deposit: Linked,
    /// Who has the money now, and how much of which currency.
    holder: AccountId,
    currency: Code,
    amount: Decimal,
    pub(crate) transfer: Option<u64>,
    pub(crate) order: Option<u64>,
    pub(crate) withdrawal: Option<u64>,
    /// Where the withdrawal goes, if that is a blockchain.
    pub(crate) withdraw_blockchain: Option<String>,
    /// When the action of the current state begins. `None` if it has begun.
    due_ms: Option<i64>,
}

/// What follows an action that has begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    To(State),
    /// The end of the order or of the withdrawal.
    Wait,
}

/// What a walk goes by.
#[derive(Debug)]
pub(super) struct Way<'a> {
    pub(super) action: &'a DepositAction,
    /// Who wants it.
    pub(super) owner: AccountId,
    /// The note of the transfer, and the custom id of the order.
    pub(super) name: &'a str,
}

impl Walk {
    pub(super) fn new(deposit: &Deposited) -> Self {
        let origin = &deposit.origin;
        Self {
            deposit: Linked {
                id: deposit.id,
                blockchain: origin.blockchain.as_ref().map(|blockchain| blockchain.key.clone()),
                invoice: origin.invoice.clone(),
            },
            holder: deposit.account,
            currency: deposit.currency,
            amount: deposit.amount,
            transfer: None,
            order: None,
            withdrawal: None,
            withdraw_blockchain: None,
            due_ms: None,
        }
    }

    /// Where it begins.
    pub(super) fn first_state(&self, action: &DepositAction, parts: &Parts<'_>) -> Result<State, Failure> {
        match action.action {
            ActionName::None => Ok(State::Completed),
            ActionName::Aggregate | ActionName::AggregateConvertAndWithdraw => {
                Ok(State::PendingInternalTransfer)
            }
            ActionName::ConvertAndWithdraw => self.before_withdrawal(action, parts),
        }
    }

    /// Sets the timer of the current state's action.
    pub(super) fn act_later(&mut self, timer: (Part, u64), parts: &mut Parts<'_>) {
        let due_ms = parts.at_ms.saturating_add(STEP_MS);
        self.due_ms = Some(due_ms);
        parts.desk.timers.set(due_ms, timer);
    }

    /// Begins the action of this state. `None` if none is due.
    pub(super) fn act(
        &mut self,
        state: State,
        way: &Way<'_>,
        parts: &mut Parts<'_>,
    ) -> Option<Result<Next, Failure>> {
        self.due_ms.take_if(|due_ms| *due_ms == parts.at_ms)?;
        Some(match state {
            State::PendingInternalTransfer => self.transfer(way, parts),
            State::PendingBuyOrder | State::PendingSellOrder => self.order(way, parts),
            State::PendingWithdraw => self.withdraw(way, parts),
            State::PendingDeposit | State::Completed | State::Failed => return None,
        })
    }

    /// What follows the order or the withdrawal that it waits for in this state. `None` if that has not ended.
    pub(super) fn end_of_wait(&mut self, state: State, parts: &Parts<'_>) -> Option<Result<State, Failure>> {
        match state {
            State::PendingBuyOrder | State::PendingSellOrder => self.after_order(parts),
            State::PendingWithdraw => self.after_withdrawal(parts),
            _ => None,
        }
    }

    /// The state in which the money is converted, or the withdrawal if it is in the target currency already.
    fn before_withdrawal(&self, action: &DepositAction, parts: &Parts<'_>) -> Result<State, Failure> {
        let target = action.target_currency.unwrap_or(self.currency);
        if target == self.currency {
            return Ok(State::PendingWithdraw);
        }
        match market_between(&parts.desk.catalogue.markets(), self.currency, target) {
            Some((_, Side::Buy)) => Ok(State::PendingBuyOrder),
            Some((_, Side::Sell)) => Ok(State::PendingSellOrder),
            None => Err(Failure::NoMarket(self.currency, target)),
        }
    }

    fn transfer(&mut self, way: &Way<'_>, parts: &mut Parts<'_>) -> Result<Next, Failure> {
        let (from, sender) = (self.holder, parts.uid(self.holder));
        let parent = parts.people.get(from).and_then(|person| person.parent);
        let Some(to) = parent else { return Err(Failure::NoParent(sender)) };
        let transfer = Transfer {
            from,
            to,
            currency: self.currency,
            amount: self.amount,
            sender,
            receiver: parts.uid(to),
            note: Some(way.name.to_owned()),
        };
        let made = transfer.run(parts.funds, parts.desk, parts.at_ms);
        self.transfer = Some(made.map_err(|_| Failure::NotTransferred(self.currency))?);
        self.holder = to;
        if way.action.action == ActionName::Aggregate {
            return Ok(Next::To(State::Completed));
        }
        self.before_withdrawal(way.action, parts).map(Next::To)
    }

    fn order(&mut self, way: &Way<'_>, parts: &mut Parts<'_>) -> Result<Next, Failure> {
        let target = way.action.target_currency.unwrap_or(self.currency);
        let (market, side) = market_between(&parts.desk.catalogue.markets(), self.currency, target)
            .ok_or(Failure::NoMarket(self.currency, target))?;
        if !parts.people.may_trade(self.holder) {
            return Err(Failure::MayNotTrade(parts.uid(self.holder)));
        }
        let (id, slippage) = (market.id, way.action.slippage());
        let (account, amount, name) = (self.holder, self.amount, way.name.to_owned());
        let conversion = Conversion { account, market, side, amount, slippage, name };
        let order = parts.engine.convert(parts.desk, conversion, parts.at_ms);
        self.order = Some(order.map_err(|why| Failure::of_order(id, slippage, why))?);
        Ok(Next::Wait)
    }

    fn after_order(&mut self, parts: &Parts<'_>) -> Option<Result<State, Failure>> {
        let id = self.order?;
        let order = parts.engine.order(self.holder, id)?;
        if order.state.is_open() {
            return None;
        }
        let not_filled = Err(Failure::NotFilled(order.market.id, id));
        let proceeds = parts.engine.proceeds(self.holder, id).filter(|_| order.state == OrderState::Done);
        let Some((currency, amount)) = proceeds else { return Some(not_filled) };
        (self.currency, self.amount) = (currency, amount);
        Some(Ok(State::PendingWithdraw))
    }

    fn withdraw(&mut self, way: &Way<'_>, parts: &mut Parts<'_>) -> Result<Next, Failure> {
        // A managed account has no second factor of its own; who wants the action has one.
        for account in [self.holder, way.owner] {
            match parts.people.restriction(account) {
                Some(Restriction::NoTwoFactor) => return Err(Failure::NoTwoFactor),
                Some(Restriction::HolderInactive | Restriction::NoPermission) => {
                    return Err(Failure::MayNotWithdraw(parts.uid(account)));
                }
                _ => {}
            }
        }
        match (way.action.beneficiary_id, &way.action.lightning_invoice) {
            (Some(beneficiary), _) => self.pay_beneficiary(beneficiary, way, parts),
            (None, Some(invoice)) => self.pay_lightning(invoice, way.action, parts),
            (None, None) => Err(Failure::NoTarget),
        }
    }

    /// Withdraws to a beneficiary of the account that has the money, or of the one that wants the action.
    fn pay_beneficiary(
        &mut self,
        beneficiary: u64,
        way: &Way<'_>,
        parts: &mut Parts<'_>,
    ) -> Result<Next, Failure> {
        let (account, currency) = (self.holder, self.currency);
        let refused = |why| Failure::of_withdrawal(currency, beneficiary, why);
        let known = parts.desk.catalogue.currency(&currency);
        let known = known.ok_or(Failure::WithdrawalsDisabled(currency))?;
        let amount = match way.action.beneficiary_amount {
            Some(wanted) => {
                let needed = money::add(wanted, quotes::usual_fee(&known, false));
                match needed.filter(|needed| *needed <= self.amount) {
                    Some(needed) => needed,
                    // Documented: nothing is withdrawn, and the money is kept.
                    None => return Ok(Next::To(State::Completed)),
                }
            }
            None => self.amount.trunc_with_scale(known.precision),
        };
        let owned_by = |owner: &AccountId| parts.funds.beneficiaries.get(*owner, beneficiary).is_some();
        let payee_of = [account, way.owner].into_iter().find(owned_by).unwrap_or(account);
        let chain = parts.funds.beneficiaries.get(payee_of, beneficiary).and_then(|payee| {
            match &payee.details.target {
                Target::Address { chain, .. } => Some(chain.clone()),
                Target::Bank { .. } => None,
            }
        });
        let (note, quote, otp) = (None, None, Otp::NotNeeded);
        let level = parts.people.level(account);
        let withdrawal = CreateWithdrawal { account, beneficiary, currency, amount, note, quote, otp, level };
        let made = withdrawal.pay_payee_of(payee_of, parts.funds, parts.desk, parts.at_ms);
        self.withdrawal = Some(made.map_err(refused)?.id);
        self.withdraw_blockchain = chain;
        Ok(Next::Wait)
    }

    /// Pays an invoice or an address over the lightning network.
    fn pay_lightning(
        &mut self,
        invoice: &str,
        action: &DepositAction,
        parts: &mut Parts<'_>,
    ) -> Result<Next, Failure> {
        let (account, currency) = (self.holder, self.currency);
        let known = parts.desk.catalogue.currency(&currency);
        let known = known.filter(|known| known.id == *BTC && known.lightning_fee.is_some());
        let known = known.ok_or(Failure::NoLightning(currency))?;
        let most = money::add(self.amount, -quotes::usual_fee(&known, true)).unwrap_or_default();
        let most = satoshi(most.max(Decimal::ZERO).trunc_with_scale(8)).unwrap_or_default();
        let (target, asked_msat) = match invoice.trim().split_once('@') {
            Some((name, host)) if !name.is_empty() && !host.is_empty() => {
                (Payee::Address(invoice.trim().to_owned()), None)
            }
            _ => {
                let read = bolt11::read(invoice.trim()).map_err(|_| Failure::InvalidInvoice)?;
                (Payee::Bolt(invoice.trim().to_owned()), read.amount_msat)
            }
        };
        let asked = match asked_msat {
            Some(msat) if msat % 1_000 != 0 => return Err(Failure::InvoiceAmount),
            asked => asked.map(|msat| msat / 1_000),
        };
        let sats = match action.beneficiary_amount {
            Some(wanted) => {
                let wanted = satoshi(wanted).ok_or(Failure::InvalidAmount(currency))?;
                if asked.is_some_and(|asked| asked != wanted) {
                    return Err(Failure::InvoiceAmount);
                }
                if wanted > most {
                    // Documented: nothing is withdrawn, and the money is kept.
                    return Ok(Next::To(State::Completed));
                }
                wanted
            }
            None => asked.unwrap_or(most),
        };
        if sats > most || sats == 0 {
            return Err(Failure::NotCovered(currency));
        }
        let level = parts.people.level(account);
        let (quote, description, note) = (None, None, None);
        let payment = PayOut { account, target, sats, quote, description, note, level };
        let made = payment.run(parts.funds, parts.desk, parts.at_ms);
        self.withdrawal = Some(made.map_err(|why| Failure::of_lightning(currency, why))?.id);
        self.withdraw_blockchain = Some(LIGHTNING.to_owned());
        Ok(Next::Wait)
    }

    fn after_withdrawal(&self, parts: &Parts<'_>) -> Option<Result<State, Failure>> {
        let withdrawal = parts.funds.withdrawals.get(self.withdrawal?)?;
        match withdrawal.state {
            WithdrawalState::Succeed => Some(Ok(State::Completed)),
            state => state.is_end().then_some(Err(Failure::WithdrawalEnded(withdrawal.id, state))),
        }
    }
}

/// An amount of bitcoin as a number of satoshi; `None` if it is no whole number of them.
fn satoshi(btc: Decimal) -> Option<u64> {
    let sats = money::mul(btc, Decimal::from(100_000_000_u32))?;
    sats.is_integer().then(|| sats.to_u64()).flatten()
}

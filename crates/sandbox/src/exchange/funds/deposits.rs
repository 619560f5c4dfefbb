//! Deposits: money that comes in. A deposit walks through the documents' states, and is in the account's balance from
//! `accepted` on. Money on hold for the travel rule is in no balance.

pub(crate) use super::deposit_state::DepositState;

use super::Funds;
use crate::{
    base::{
        id::{AccountId, Code},
        ledger::{Party, Pocket, Posting, Reason, Refused},
        money::{self, exact},
    },
    exchange::{
        catalogue::Blockchain,
        command::{Command, Holds, Replayable, replayable},
        desk::{Desk, Part},
        history::{self, Fields, fields},
    },
};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};

/// The blockchain of a lightning payment. Its deposits have no address, and nobody can count their confirmations.
pub(crate) const LIGHTNING: &str = "lightning";

/// How long a deposit stays in `hold` after its travel rule was submitted. The documents give no time; this one is ours.
pub(crate) const TRAVEL_RULE_MS: i64 = 60_000;

/// The kinds of ids that look random; see [`Desk::uuid`].
const TIDS: u64 = 2;
const TXIDS: u64 = 3;

/// Where a deposit comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Origin {
    /// `None` for fiat.
    pub(crate) blockchain: Option<Blockchain>,
    pub(crate) txid: Option<String>,
    pub(crate) address: Option<String>,
    pub(crate) sender: Option<String>,
    /// The lightning invoice that was paid.
    #[serde(default)]
    pub(crate) invoice: Option<String>,
}

impl Origin {
    /// A payment over the lightning network.
    pub(crate) fn lightning() -> Self {
        Self { blockchain: Some(Blockchain::of(LIGHTNING)), ..Self::default() }
    }

    /// Whether it is a transaction on a blockchain, with an address and confirmations.
    pub(crate) fn is_on_chain(&self) -> bool {
        self.blockchain.as_ref().is_some_and(|blockchain| blockchain.key != LIGHTNING)
    }
}

/// A deposit that is being made.
#[derive(Debug, Clone)]
pub(crate) struct Coming {
    pub(crate) account: AccountId,
    pub(crate) currency: Code,
    /// What was sent: the account gets it without the fee.
    pub(crate) amount: Decimal,
    /// Less than the amount.
    pub(crate) fee: Decimal,
    pub(crate) state: DepositState,
    pub(crate) origin: Origin,
    /// What the payer wrote, which may be the code of a payment reference.
    pub(crate) reference: Option<String>,
    /// Whether the account has said what happens to this deposit, so that its deposit action does not count.
    pub(crate) is_settled: bool,
    /// Further fields of its line in the history.
    pub(crate) more: Fields,
}

/// A deposit.
#[derive(Debug, Clone)]
pub(crate) struct Deposited {
    pub(crate) id: u64,
    pub(crate) account: AccountId,
    pub(crate) currency: Code,
    /// What the account gets.
    pub(crate) amount: Decimal,
    pub(crate) fee: Decimal,
    pub(crate) state: DepositState,
    pub(crate) origin: Origin,
    /// What the payer wrote, which may be the code of a payment reference.
    pub(crate) reference: Option<String>,
    /// Whether the account has said what happens to this deposit, so that its deposit action does not count.
    pub(crate) is_settled: bool,
    /// The documents' "shared transaction id".
    pub(crate) tid: String,
    pub(crate) created_ms: i64,
    pub(crate) completed_ms: Option<i64>,
    /// The time of a confirmation, if confirmations are counted.
    confirmed_every_ms: Option<u32>,
    min_confirmations: u32,
    /// When its timer accepts it, if it is still in the same state.
    accepted_at_ms: Option<i64>,
    has_travel_rule: bool,
    /// The number of its line in the history.
    line: u64,
}

/// How many confirmations a deposit has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Confirmations {
    Count(i64),
    /// The exchange cannot tell.
    NotAvailable,
}

impl Deposited {
    /// `None` for fiat.
    pub(crate) fn confirmations(&self, now_ms: i64) -> Option<Confirmations> {
        let blockchain = self.origin.blockchain.as_ref()?;
        if blockchain.key == LIGHTNING {
            return Some(Confirmations::NotAvailable);
        }
        let every_ms = self.confirmed_every_ms.map_or(i64::MAX, |every| i64::from(every).max(1));
        let counted = now_ms.saturating_sub(self.created_ms).max(0) / every_ms;
        let is_confirmed = self.state.is_credited() || self.state.is_of_coins();
        let least = if is_confirmed { i64::from(self.min_confirmations) } else { 0 };
        Some(Confirmations::Count(counted.max(least)))
    }
}

/// A deposit entered a state. All of them together are what a webhook about deposits would tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DepositChange {
    /// The deposit's number.
    pub deposit: u64,
    /// The state that it entered.
    pub state: DepositState,
    /// When, in milliseconds since the Unix epoch, by the exchange's clock.
    pub at_ms: i64,
}

/// What others are told of a deposit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum News {
    /// Its money is in the balance now.
    Accepted,
    Rejected,
    TravelRuleRequired,
}

/// Every deposit.
#[derive(Debug, Default)]
pub(crate) struct Deposits {
    all: BTreeMap<u64, Deposited>,
    by_account: BTreeMap<AccountId, Vec<u64>>,
    /// What is on its way, so that its room in the supply is kept free.
    coming: BTreeMap<Code, Decimal>,
    changes: Vec<DepositChange>,
    /// What was not yet told, with the number of the deposit.
    news: VecDeque<(u64, News)>,
}

impl Deposits {
    /// An account's deposits, the newest first.
    pub(crate) fn of(&self, account: AccountId) -> impl Iterator<Item = &Deposited> {
        let ids = self.by_account.get(&account).map(Vec::as_slice).unwrap_or_default();
        ids.iter().rev().filter_map(|id| self.all.get(id))
    }

    /// An account's deposit.
    pub(crate) fn get(&self, account: AccountId, id: u64) -> Option<&Deposited> {
        self.all.get(&id).filter(|deposit| deposit.account == account)
    }

    /// The deposit with this number, whosever it is.
    pub(crate) fn by_id(&self, id: u64) -> Option<&Deposited> {
        self.all.get(&id)
    }

    /// Takes the oldest piece of news.
    pub(crate) fn next_news(&mut self) -> Option<(u64, News)> {
        self.news.pop_front()
    }

    /// When an account deposited how much of a currency, the newest first. What will not come does not count.
    pub(crate) fn moved(
        &self,
        account: AccountId,
        currency: Code,
    ) -> impl Iterator<Item = (u64, i64, Decimal)> {
        self.of(account)
            .filter(move |one| one.currency == currency && !one.state.is_refused())
            .map(|one| (one.id, one.created_ms, one.amount + one.fee))
    }

    /// How much of a currency is on its way.
    pub(super) fn on_its_way(&self, currency: Code) -> Decimal {
        self.coming.get(&currency).copied().unwrap_or_default()
    }

    /// Every change of a state, the oldest first.
    pub(crate) fn changes(&self) -> &[DepositChange] {
        &self.changes
    }

    /// The timer of a deposit, if `id` is one.
    pub(super) fn due(&mut self, id: u64, desk: &mut Desk, at_ms: i64) {
        if self.all.get(&id).is_some_and(|deposit| deposit.accepted_at_ms == Some(at_ms)) {
            self.enter(id, DepositState::Accepted, desk, at_ms);
        }
    }

    /// Adds a deposit; the answer is its number. Refused if the currency's supply would become too large.
    fn add(&mut self, id: u64, coming: Coming, desk: &mut Desk, at_ms: i64) -> Result<u64, Refused> {
        let Coming { account, currency, amount: sent, fee, state, mut origin, reference, is_settled, more } =
            coming;
        let on_its_way = self.on_its_way(currency);
        let supply = [on_its_way, sent].into_iter().try_fold(desk.ledger.supply(currency), money::add);
        if supply.is_none_or(|supply| supply > money::MAX_SUPPLY) {
            return Err(Refused::OutOfRange);
        }
        if origin.is_on_chain() && origin.txid.is_none() {
            let half = |number| desk.uuid(TXIDS, number).simple().to_string();
            origin.txid = Some(half(2 * id) + &half(2 * id + 1));
        }
        let tid: String = desk.uuid(TIDS, id).simple().to_string().to_uppercase().chars().take(10).collect();
        let amount = sent - fee;
        let mut line = line(id, currency, amount, fee, &origin);
        line.extend(more);
        let currency_of = desk.catalogue.currency(&currency);
        let deposit = Deposited {
            id,
            account,
            currency,
            amount,
            fee,
            // `enter` sets the state.
            state: DepositState::Submitted,
            origin,
            reference,
            is_settled,
            tid: format!("TID{tid}"),
            created_ms: at_ms,
            completed_ms: None,
            confirmed_every_ms: None,
            min_confirmations: currency_of.and_then(|currency| currency.min_confirmations).unwrap_or(0),
            accepted_at_ms: None,
            has_travel_rule: false,
            line: desk.history.add(account, at_ms, line),
        };
        self.all.insert(id, deposit);
        self.by_account.entry(account).or_default().push(id);
        self.coming.insert(currency, on_its_way + sent);
        self.enter(id, state, desk, at_ms);
        Ok(id)
    }

    /// Moves a deposit to a state, with its money and its line in the history.
    fn enter(&mut self, id: u64, state: DepositState, desk: &mut Desk, at_ms: i64) {
        let Some(deposit) = self.all.get_mut(&id) else { return };
        let before = std::mem::replace(&mut deposit.state, state);
        deposit.accepted_at_ms = None;
        let is_credit = state.is_credited() && !before.is_credited();
        if is_credit || state.is_refused() {
            deposit.completed_ms = Some(at_ms);
            if let Some(coming) = self.coming.get_mut(&deposit.currency) {
                *coming -= deposit.amount + deposit.fee;
            }
        }
        let mut change = fields([("state", state.as_str().into())]);
        if is_credit {
            let from = (Party::Outside, Pocket::Available);
            let to = |party, amount| {
                let to = (party, Pocket::Available);
                Posting { currency: deposit.currency, from, to, amount }
            };
            let mut postings = vec![to(Party::Member(deposit.account), deposit.amount)];
            if !deposit.fee.is_zero() {
                postings.push(to(Party::Fees, deposit.fee));
            }
            let credited = desk.ledger.post(at_ms, Reason::Deposit(id), &postings);
            debug_assert_eq!(credited, Ok(()), "the supply limit was checked when deposit {id} was added");
            desk.tell_balances(&[(deposit.account, deposit.currency)], at_ms);
            change.insert("paid_at".to_owned(), at_ms.into());
        }
        desk.history.change(deposit.line, at_ms, change);
        self.changes.push(DepositChange { deposit: id, state, at_ms });
        let news = match state {
            _ if is_credit => Some(News::Accepted),
            DepositState::Rejected => Some(News::Rejected),
            DepositState::OnHoldTravelRuleCustomer => Some(News::TravelRuleRequired),
            _ => None,
        };
        self.news.extend(news.map(|news| (id, news)));
    }

    /// Sets the timer that accepts a deposit.
    fn accept_at(&mut self, id: u64, desk: &mut Desk, due_ms: i64) {
        if let Some(deposit) = self.all.get_mut(&id) {
            deposit.accepted_at_ms = Some(due_ms);
            desk.timers.set(due_ms, (Part::Funds, id));
        }
    }
}

/// The line of a deposit in the history, without its state.
fn line(id: u64, currency: Code, amount: Decimal, fee: Decimal, origin: &Origin) -> Fields {
    let Origin { blockchain, txid, address, sender, invoice: _ } = origin;
    let text = |text: &Option<String>| Value::from(text.clone());
    fields([
        ("type", "deposit".into()),
        ("reference_type", "Deposit".into()),
        ("reference_id", id.into()),
        ("credit_currency", currency.to_string().into()),
        ("credit_amount", history::amount(amount)),
        ("fee_currency", currency.to_string().into()),
        ("fee", history::amount(fee)),
        ("blockchain_key", blockchain.as_ref().map(|chain| chain.key.clone()).into()),
        ("blockchain_name", blockchain.as_ref().map(|chain| chain.name.clone()).into()),
        ("sender", text(sender)),
        ("address", text(address)),
        ("txid", text(txid)),
    ])
}

impl Funds {
    /// Adds a deposit in any state, such as the payment of an invoice, which is `accepted` at once. The answer is its number.
    /// Refused if the currency's supply would become too large.
    pub(crate) fn add_deposit(
        &mut self,
        coming: Coming,
        desk: &mut Desk,
        at_ms: i64,
    ) -> Result<u64, Refused> {
        let id = self.next_id();
        self.deposits.add(id, coming, desk, at_ms)
    }
}

/// The commands of this file.
pub(super) fn commands<E: Holds<Funds>>() -> [Replayable<E>; 4] {
    [
        replayable::<E, Deposit>(),
        replayable::<E, AddDeposit>(),
        replayable::<E, SetDepositState>(),
        replayable::<E, SubmitTravelRule>(),
    ]
}

/// Deposits money into an account, at once or later, without a fee.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Deposit {
    pub(crate) account: AccountId,
    pub(crate) currency: Code,
    #[serde(with = "exact")]
    pub(crate) amount: Decimal,
    /// How long it takes to arrive.
    pub(crate) after_ms: u32,
}

impl Command for Deposit {
    const NAME: &'static str = "deposit";
    type Part = Funds;
    type Answer = Result<(), Refused>;

    fn run(self, funds: &mut Funds, desk: &mut Desk, at_ms: i64) -> Self::Answer {
        let Self { account, currency, amount, after_ms } = self;
        let blockchain = desk.catalogue.currency(&currency).and_then(|currency| currency.blockchain());
        let coming = Coming {
            account,
            currency,
            amount,
            fee: Decimal::ZERO,
            state: if after_ms == 0 { DepositState::Accepted } else { DepositState::Submitted },
            origin: Origin { blockchain, ..Origin::default() },
            reference: None,
            is_settled: false,
            more: Fields::new(),
        };
        let id = funds.add_deposit(coming, desk, at_ms)?;
        if after_ms > 0 {
            funds.deposits.accept_at(id, desk, at_ms.saturating_add(i64::from(after_ms)));
        }
        Ok(())
    }
}

/// Adds a deposit in a state, with the currency's fee. The answer is its number.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AddDeposit {
    pub(crate) account: AccountId,
    pub(crate) currency: Code,
    /// More than the currency's fee.
    #[serde(with = "exact")]
    pub(crate) amount: Decimal,
    pub(crate) state: DepositState,
    pub(crate) origin: Origin,
    /// What the history shows as its description.
    #[serde(default)]
    pub(crate) description: Option<String>,
    /// The code of the payment reference that it is for.
    #[serde(default)]
    pub(crate) reference: Option<String>,
    /// If it is given, a `submitted` deposit gets a confirmation each time, and is accepted with the last one it needs.
    pub(crate) confirmed_every_ms: Option<u32>,
}

impl Command for AddDeposit {
    const NAME: &'static str = "add_deposit";
    type Part = Funds;
    type Answer = Result<u64, Refused>;

    fn run(self, funds: &mut Funds, desk: &mut Desk, at_ms: i64) -> Self::Answer {
        let Self { account, currency, amount, state, origin, description, reference, confirmed_every_ms } =
            self;
        let fee = desk.catalogue.currency(&currency).map(|currency| currency.deposit_fee).unwrap_or_default();
        let more: Fields =
            description.iter().map(|text| ("description".to_owned(), text.as_str().into())).collect();
        // A bank transfer carries a text. A transaction on a blockchain does not.
        let reference = reference.or(description.filter(|_| origin.blockchain.is_none()));
        let is_settled = false;
        let coming = Coming { account, currency, amount, fee, state, origin, reference, is_settled, more };
        let id = funds.add_deposit(coming, desk, at_ms)?;
        if let (Some(every_ms), Some(deposit)) = (confirmed_every_ms, funds.deposits.all.get_mut(&id)) {
            deposit.confirmed_every_ms = Some(every_ms);
            let wait_ms = i64::from(every_ms) * i64::from(deposit.min_confirmations.max(1));
            if state == DepositState::Submitted {
                funds.deposits.accept_at(id, desk, at_ms.saturating_add(wait_ms));
            }
        }
        Ok(id)
    }
}

/// Why a deposit was not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotChanged {
    /// There is no such deposit, or it belongs to another account.
    Unknown,
    /// Its state does not allow the change.
    WrongState,
    /// It is fiat, and only coins have a travel rule.
    NotACoin,
    /// Its travel rule was submitted before.
    AlreadySubmitted,
}

/// Moves a deposit to another state.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SetDepositState {
    pub(crate) id: u64,
    pub(crate) state: DepositState,
}

impl Command for SetDepositState {
    const NAME: &'static str = "set_deposit_state";
    type Part = Funds;
    type Answer = Result<(), NotChanged>;

    fn run(self, funds: &mut Funds, desk: &mut Desk, at_ms: i64) -> Self::Answer {
        let Self { id, state } = self;
        let deposit = funds.deposits.all.get(&id).ok_or(NotChanged::Unknown)?;
        if state.is_of_coins() && deposit.origin.blockchain.is_none() {
            return Err(NotChanged::NotACoin);
        }
        if !deposit.state.may_become(state) {
            return Err(NotChanged::WrongState);
        }
        funds.deposits.enter(id, state, desk, at_ms);
        Ok(())
    }
}

/// Takes an account's answer to the travel rule. The deposit goes to `hold`, and is accepted after a while. What the answer
/// says is not kept, because it is personal.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SubmitTravelRule {
    pub(crate) account: AccountId,
    pub(crate) id: u64,
}

impl Command for SubmitTravelRule {
    const NAME: &'static str = "submit_travel_rule";
    type Part = Funds;
    type Answer = Result<Deposited, NotChanged>;

    fn run(self, funds: &mut Funds, desk: &mut Desk, at_ms: i64) -> Self::Answer {
        let deposits = &mut funds.deposits;
        let deposit = deposits.get(self.account, self.id).ok_or(NotChanged::Unknown)?;
        if deposit.origin.blockchain.is_none() {
            return Err(NotChanged::NotACoin);
        }
        if deposit.has_travel_rule {
            return Err(NotChanged::AlreadySubmitted);
        }
        if deposit.state != DepositState::OnHoldTravelRuleCustomer {
            return Err(NotChanged::WrongState);
        }
        deposits.enter(self.id, DepositState::Hold, desk, at_ms);
        deposits.accept_at(self.id, desk, at_ms.saturating_add(TRAVEL_RULE_MS));
        let deposit = deposits.all.get_mut(&self.id).ok_or(NotChanged::Unknown)?;
        deposit.has_travel_rule = true;
        Ok(deposit.clone())
    }
}

#[cfg(test)]
mod tests;

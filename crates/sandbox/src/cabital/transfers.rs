//! Transfers between Cabital and the partner ("账户双向划转"), and the result of those that a customer asked for
//! ("划转结果通知").
//!
//! The amount of a debit that is not ended is locked; a fee is taken out of it. A credit is in the balance from its
//! success on.

use super::{
    Cabital, Due, OUTSIDE, Sort, available,
    callbacks::{CallbackKind, Notice},
    command::Command,
    failure::{Failure, Pa},
    terms::{TransactionKind, symbol},
};
use crate::base::{
    id::{AccountId, Code},
    ledger::{Party, Pocket, Posting, Reason},
    money,
};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The state of a transfer or a conversion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[non_exhaustive]
pub enum TransferStatus {
    /// It is done.
    Success,
    /// It failed; no money moved.
    Failed,
    /// It is being worked on.
    Processing,
    /// It was cancelled; no money moved.
    Cancel,
}

impl TransferStatus {
    /// The status of that name.
    fn read(text: &str) -> Option<Self> {
        match text {
            "SUCCESS" => Some(Self::Success),
            "FAILED" => Some(Self::Failed),
            "PROCESSING" => Some(Self::Processing),
            "CANCEL" => Some(Self::Cancel),
            _ => None,
        }
    }
}

/// The direction of a transfer, seen from Cabital.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[non_exhaustive]
pub enum TransferDirection {
    /// From the partner to Cabital.
    Credit,
    /// From Cabital to the partner.
    Debit,
}

impl TransferDirection {
    /// The documents' sample has it in lower case, their table in upper case.
    pub(super) fn read(text: &str) -> Result<Self, Pa> {
        match text {
            _ if text.eq_ignore_ascii_case("CREDIT") => Ok(Self::Credit),
            _ if text.eq_ignore_ascii_case("DEBIT") => Ok(Self::Debit),
            _ => Err(Pa::WRONG_DIRECTION),
        }
    }

    fn kind(self) -> TransactionKind {
        match self {
            Self::Credit => TransactionKind::Credit,
            Self::Debit => TransactionKind::Debit,
        }
    }
}

/// Who asked for a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum By {
    Partner,
    Customer,
}

/// A transfer.
#[derive(Debug)]
pub(super) struct Transfer {
    /// Counted from 1.
    pub(super) number: u64,
    pub(super) uuid: Uuid,
    pub(super) instruction: Uuid,
    pub(super) account: AccountId,
    pub(super) currency: Code,
    pub(super) direction: TransferDirection,
    pub(super) amount: Decimal,
    /// What the customer pays of it.
    fee: Decimal,
    pub(super) conversion: Option<Uuid>,
    pub(super) external_id: Option<String>,
    external_ref_id: String,
    pub(super) created_s: i64,
    pub(super) status: TransferStatus,
    by: By,
}

/// Its form on the wire.
#[derive(Debug, Serialize)]
pub(super) struct View {
    transfer_id: Uuid,
    instructed_amount: String,
    customer_fee: String,
    actual_amount: String,
    symbol: String,
    direction: TransferDirection,
    #[serde(skip_serializing_if = "Option::is_none")]
    conversion_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_ref_id: Option<String>,
    created_at: i64,
    status: TransferStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    transfer_by: Option<By>,
}

/// The answer to a new transfer.
#[derive(Debug, Serialize)]
pub(super) struct Created {
    transfer_id: Uuid,
    status: TransferStatus,
    instructed_amount: String,
    customer_fee: String,
    actual_amount: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_id: Option<String>,
    instruction_id: Uuid,
}

/// The answer to a reconciliation. The documents' sample has neither `external_ref_id` nor `transfer_by`.
#[derive(Debug, Serialize)]
pub(super) struct Reconciled {
    instruction_id: Uuid,
    account_id: Uuid,
    #[serde(flatten)]
    transfer: View,
}

impl Transfer {
    fn actual(&self) -> Decimal {
        money::add(self.amount, -self.fee).unwrap_or(self.amount)
    }

    pub(super) fn view(&self) -> View {
        View {
            transfer_id: self.uuid,
            instructed_amount: money::padded(self.amount, 0),
            customer_fee: money::padded(self.fee, 0),
            actual_amount: money::padded(self.actual(), 0),
            symbol: symbol(self.currency),
            direction: self.direction,
            conversion_id: self.conversion,
            external_id: self.external_id.clone(),
            external_ref_id: Some(self.external_ref_id.clone()),
            created_at: self.created_s,
            status: self.status,
            transfer_by: Some(self.by),
        }
    }

    fn created(&self) -> Created {
        let View { transfer_id, instructed_amount, customer_fee, actual_amount, external_id, .. } =
            self.view();
        let (status, instruction_id) = (self.status, self.instruction);
        Created {
            transfer_id,
            status,
            instructed_amount,
            customer_fee,
            actual_amount,
            external_id,
            instruction_id,
        }
    }

    pub(super) fn reconciled(&self, account: Uuid) -> Reconciled {
        let transfer = View { external_ref_id: None, transfer_by: None, ..self.view() };
        Reconciled { instruction_id: self.instruction, account_id: account, transfer }
    }

    fn locked(&self) -> (Party, Pocket) {
        (Party::Member(self.account), Pocket::Locked)
    }

    /// The movements that bring it from nothing, or from `PROCESSING`, into a status.
    fn postings(&self, from_start: bool, status: TransferStatus) -> Vec<Posting> {
        let (own, locked) = (available(self.account), self.locked());
        let posting = |from, to, amount| Posting { currency: self.currency, from, to, amount };
        let source = if from_start { own } else { locked };
        match (self.direction, status) {
            (TransferDirection::Debit, TransferStatus::Success) => vec![
                posting(source, OUTSIDE, self.actual()),
                posting(source, (Party::Fees, Pocket::Available), self.fee),
            ],
            (TransferDirection::Debit, TransferStatus::Processing) => vec![posting(own, locked, self.amount)],
            (TransferDirection::Debit, TransferStatus::Failed | TransferStatus::Cancel) => {
                if from_start {
                    Vec::new()
                } else {
                    vec![posting(locked, own, self.amount)]
                }
            }
            (TransferDirection::Credit, TransferStatus::Success) => vec![posting(OUTSIDE, own, self.amount)],
            (TransferDirection::Credit, _) => Vec::new(),
        }
    }
}

/// What the next transfer of the partner becomes instead of `SUCCESS`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PlanTransfer {
    pub(crate) status: TransferStatus,
    /// When a transfer that is `PROCESSING` succeeds by itself, after its creation.
    pub(crate) succeeds_after_ms: Option<i64>,
}

impl Command for PlanTransfer {
    const NAME: &'static str = "cabital_plan_transfer";
    type Answer = ();

    fn run(self, cabital: &mut Cabital, _at_ms: i64) {
        cabital.planned_transfers.push_back(self);
    }
}

/// A transfer of the partner, as it was sent.
#[derive(Serialize, Deserialize)]
pub(super) struct CreateTransfer {
    pub(super) account: String,
    pub(super) amount: String,
    pub(super) symbol: String,
    pub(super) direction: String,
    pub(super) otp: Option<String>,
    pub(super) conversion_id: Option<String>,
    pub(super) external_id: Option<String>,
}

impl CreateTransfer {
    /// The conversion that the transfer is the second half of.
    fn conversion(
        &self,
        cabital: &Cabital,
        account: AccountId,
        direction: TransferDirection,
    ) -> Result<Option<usize>, Pa> {
        let Some(id) = &self.conversion_id else { return Ok(None) };
        let uuid: Uuid = id.parse().map_err(|_| Pa::NO_CONVERSION)?;
        let is_it = |conversion: &super::Conversion| conversion.uuid == uuid && conversion.account == account;
        let place = cabital.conversions.iter().position(is_it).ok_or(Pa::NO_CONVERSION)?;
        let conversion = cabital.conversions.get(place).ok_or(Pa::NO_CONVERSION)?;
        if conversion.is_used {
            return Err(Pa::DUPLICATE);
        }
        let is_bought = symbol(conversion.bought.0) == self.symbol;
        let is_done = conversion.status == TransferStatus::Success;
        // Only what was converted before can be transferred out; a credit brings money in.
        if !is_bought || !is_done || direction != TransferDirection::Debit {
            return Err(Pa::NO_CONVERSION);
        }
        Ok(Some(place))
    }
}

impl Command for CreateTransfer {
    const NAME: &'static str = "cabital_create_transfer";
    type Answer = Result<Created, Failure>;

    fn run(self, cabital: &mut Cabital, at_ms: i64) -> Self::Answer {
        let account = cabital.find_open(&self.account)?;
        let (id, uuid) = (account.id, account.uuid);
        let direction = TransferDirection::read(&self.direction)?;
        if let Some(external_id) = &self.external_id {
            if !(1..=50).contains(&external_id.chars().count()) {
                return Err(Failure::bad("external_id must have 1 to 50 characters"));
            }
            if cabital.by_external_id(external_id).is_some() {
                return Err(Pa::DUPLICATE.into());
            }
        }
        let currency = cabital.terms.currency(&self.symbol)?;
        let amount = currency.amount(&self.amount).ok_or(Pa::WRONG_AMOUNT)?;
        let draft = cabital.draft(id, currency.code, direction, amount)?;
        let conversion = self.conversion(cabital, id, direction)?;
        let converted = conversion.and_then(|place| cabital.conversions.get(place));
        if converted.is_some_and(|conversion| amount > conversion.bought.1) {
            return Err(Pa::MORE_THAN_CONVERTED.into());
        }
        let (code, conversion_id) = (draft.currency, converted.map(|conversion| conversion.uuid));
        let account = cabital.account(uuid)?;
        account.check_otp(self.otp.as_deref(), direction == TransferDirection::Debit, at_ms)?;
        let moved = account.moved_with(code, amount, at_ms)?;
        let plan = cabital.planned_transfers.front().copied();
        let status = plan.map_or(TransferStatus::Success, |plan| plan.status);
        let transfer = Transfer {
            conversion: conversion_id,
            external_id: self.external_id,
            created_s: at_ms.div_euclid(1000),
            status,
            ..draft
        };
        cabital.post(at_ms, Reason::Transfer(transfer.number), &transfer.postings(true, status))?;
        cabital.planned_transfers.pop_front();
        cabital.account_mut(uuid)?.set_moved(code, moved, at_ms);
        if let Some(conversion) = conversion.and_then(|place| cabital.conversions.get_mut(place)) {
            conversion.is_used = true;
        }
        if let Some(after_ms) = plan.and_then(|plan| plan.succeeds_after_ms)
            && status == TransferStatus::Processing
        {
            cabital.timers.set(at_ms.saturating_add(after_ms.max(0)), Due::Transfer(transfer.number));
        }
        let created = transfer.created();
        cabital.add_transfer(transfer);
        Ok(created)
    }
}

/// A transfer that the customer asks for in Cabital's own program. The partner is told, and reports the result.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CustomerTransfer {
    pub(crate) account: Uuid,
    pub(crate) symbol: String,
    pub(crate) direction: TransferDirection,
    pub(crate) amount: String,
}

impl Command for CustomerTransfer {
    const NAME: &'static str = "cabital_customer_transfer";
    type Answer = Result<Uuid, Pa>;

    fn run(self, cabital: &mut Cabital, at_ms: i64) -> Self::Answer {
        let account = cabital.account(self.account)?;
        account.state.is_open()?;
        let (id, uuid) = (account.id, account.uuid);
        let currency = cabital.terms.currency(&self.symbol)?;
        let amount = currency.amount(&self.amount).ok_or(Pa::WRONG_AMOUNT)?;
        let draft = cabital.draft(id, currency.code, self.direction, amount)?;
        let moved = cabital.account(uuid)?.moved_with(draft.currency, amount, at_ms)?;
        let status = TransferStatus::Processing;
        let transfer = Transfer { by: By::Customer, created_s: at_ms.div_euclid(1000), status, ..draft };
        cabital.post(at_ms, Reason::Transfer(transfer.number), &transfer.postings(true, status))?;
        cabital.account_mut(uuid)?.set_moved(transfer.currency, moved, at_ms);
        let transfer_id = transfer.uuid;
        cabital.callbacks.announce(transfer.notice(uuid), at_ms);
        cabital.add_transfer(transfer);
        Ok(transfer_id)
    }
}

/// What the partner is told of it: the fields of the documents' sample, which stands in a comment there, and the account, without
/// which the partner could not report the result.
#[derive(Serialize)]
struct RequestBody {
    transfer_id: Uuid,
    amount: String,
    symbol: String,
    direction: TransferDirection,
    created_at: i64,
    status: TransferStatus,
    account_id: Uuid,
}

impl Transfer {
    fn notice(&self, account: Uuid) -> Notice {
        let body = RequestBody {
            transfer_id: self.uuid,
            amount: money::padded(self.amount, 0),
            symbol: symbol(self.currency),
            direction: self.direction,
            created_at: self.created_s,
            status: self.status,
            account_id: account,
        };
        Notice::new(CallbackKind::Transfer, &body)
    }
}

/// Ends a transfer that is `PROCESSING`, by the control door.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct EndTransfer {
    pub(crate) transfer: Uuid,
    pub(crate) status: TransferStatus,
}

impl Command for EndTransfer {
    const NAME: &'static str = "cabital_end_transfer";
    /// `None` if there is no such transfer; false if it has ended.
    type Answer = Option<bool>;

    fn run(self, cabital: &mut Cabital, at_ms: i64) -> Option<bool> {
        let transfer = cabital.transfer(self.transfer)?;
        if transfer.status != TransferStatus::Processing || self.status == TransferStatus::Processing {
            return Some(false);
        }
        let number = transfer.number;
        Some(cabital.end(number, self.status, at_ms).is_ok())
    }
}

/// The partner's result of a transfer that the customer asked for.
#[derive(Serialize, Deserialize)]
pub(super) struct ReportResult {
    pub(super) account: String,
    pub(super) transfer: String,
    pub(super) status: String,
    pub(super) message: Option<String>,
}

impl Command for ReportResult {
    const NAME: &'static str = "cabital_report_result";
    type Answer = Result<(), Failure>;

    fn run(self, cabital: &mut Cabital, at_ms: i64) -> Self::Answer {
        let account = cabital.find(&self.account)?;
        if account.state == super::ConnectionState::Unlinked {
            return Err(Pa::UNLINKED.into());
        }
        let transfer = cabital.transfer_of(account.id, &self.transfer)?;
        let status = match TransferStatus::read(&self.status) {
            Some(status) if status != TransferStatus::Processing => status,
            _ => return Err(Failure::bad("status must be SUCCESS, FAILED or CANCEL")),
        };
        let message = self.message.as_deref().unwrap_or_default();
        if status != TransferStatus::Success && message.trim().is_empty() {
            return Err(Failure::bad("message is needed with FAILED and CANCEL"));
        }
        if message.chars().count() > 150 {
            return Err(Failure::bad("message must have at most 150 characters"));
        }
        if transfer.by != By::Customer {
            return Err(Failure::bad("the partner asked for this transfer: no result is expected"));
        }
        let (number, before) = (transfer.number, transfer.status);
        if before == TransferStatus::Processing {
            cabital.end(number, status, at_ms)?;
        } else if before != status {
            return Err(Failure::bad("the transfer has ended with another result"));
        }
        Ok(())
    }
}

impl Cabital {
    /// A transfer of the partner that succeeds, without what only its caller knows. Refused if its kind is not available
    /// or its amount is outside of the limits.
    fn draft(
        &self,
        account: AccountId,
        code: Code,
        direction: TransferDirection,
        amount: Decimal,
    ) -> Result<Transfer, Pa> {
        let kind = direction.kind();
        let currency = self.terms.by_code(code).ok_or(Pa::WRONG_SYMBOL)?;
        self.terms.is_available(kind, currency)?;
        currency.limit(kind).check(amount)?;
        let charged = currency.fee.filter(|fee| fee.customer && direction == TransferDirection::Debit);
        let fee = charged.map_or(Some(Decimal::ZERO), |fee| fee.of(amount, currency.precision));
        let fee = fee.ok_or(Pa::WRONG_AMOUNT)?;
        if fee >= amount {
            return Err(Pa::BELOW_MINIMUM);
        }
        let number = u64::try_from(self.transfers.len()).unwrap_or(u64::MAX).saturating_add(1);
        let email = self.accounts.iter().find(|known| known.id == account).map(|known| known.email.0.clone());
        Ok(Transfer {
            number,
            uuid: self.uuid(Sort::Transfer, number),
            instruction: self.uuid(Sort::Instruction, number),
            account,
            currency: code,
            direction,
            amount,
            fee,
            conversion: None,
            external_id: None,
            external_ref_id: email.unwrap_or_default(),
            created_s: 0,
            status: TransferStatus::Success,
            by: By::Partner,
        })
    }

    fn add_transfer(&mut self, transfer: Transfer) {
        if let Some(external_id) = &transfer.external_id {
            self.external_ids.insert(external_id.clone(), transfer.number);
        }
        self.transfers.push(transfer);
    }

    /// Brings a transfer that is `PROCESSING` to its end.
    pub(super) fn end(&mut self, number: u64, status: TransferStatus, at_ms: i64) -> Result<(), Pa> {
        let place =
            number.checked_sub(1).and_then(|place| usize::try_from(place).ok()).ok_or(Pa::INTERNAL)?;
        let transfer = self.transfers.get(place).ok_or(Pa::INTERNAL)?;
        if transfer.status != TransferStatus::Processing {
            return Ok(());
        }
        let postings = transfer.postings(false, status);
        self.post(at_ms, Reason::Transfer(number), &postings)?;
        if let Some(transfer) = self.transfers.get_mut(place) {
            transfer.status = status;
        }
        Ok(())
    }

    fn transfer(&self, uuid: Uuid) -> Option<&Transfer> {
        self.transfers.iter().find(|transfer| transfer.uuid == uuid)
    }

    /// A transfer of an account, by its id in a path.
    pub(super) fn transfer_of(&self, account: AccountId, id: &str) -> Result<&Transfer, Failure> {
        let found = id.parse().ok().and_then(|uuid| self.transfer(uuid));
        found.filter(|transfer| transfer.account == account).ok_or_else(|| {
            Failure::Http(http::StatusCode::NOT_FOUND, "the account has no transfer of this id".to_owned())
        })
    }

    pub(super) fn by_external_id(&self, external_id: &str) -> Option<&Transfer> {
        let number = self.external_ids.get(external_id)?;
        self.transfers.get(usize::try_from(number.checked_sub(1)?).ok()?)
    }
}

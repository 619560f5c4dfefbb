//! Random payments for the record.

use super::code;
use crate::{
    base::id::AccountId,
    exchange::{
        funds::{
            beneficiaries::{AddBeneficiary, Start},
            deposits::{AddDeposit, DepositState, Origin},
        },
        payments::reference::{CreatePaymentReference, Terms},
        people::{
            deposit_action::{ActionName, DepositAction},
            sub_accounts::CreateSubAccount,
        },
    },
    host::Host,
};
use rust_decimal::Decimal;

/// A payment reference, and deposits that name it.
pub(super) fn pay(host: &Host, random: &mut fastrand::Rng, owner: AccountId) {
    let currency = code(["btc", "zar"][random.usize(..2)]);
    let target = code(["btc", "zar"][random.usize(..2)]);
    let beneficiary = host.command(AddBeneficiary { account: owner, currency: target, start: Start::Active });
    let actions =
        [ActionName::Aggregate, ActionName::ConvertAndWithdraw, ActionName::AggregateConvertAndWithdraw];
    let action = DepositAction {
        action: actions[random.usize(..3)],
        target_currency: Some(target),
        beneficiary_id: Some(beneficiary),
        max_slippage: random.bool().then_some(Decimal::TEN),
        ..DepositAction::default()
    };
    let deposit_action = if random.bool() { action.clone() } else { DepositAction::default() };
    let uid = host.command(CreateSubAccount { deposit_action, ..CreateSubAccount::of(owner) }).uid;
    let account = if random.bool() { owner } else { host.people.by_name(&uid).unwrap() };
    let terms = Terms {
        owner,
        account,
        currency,
        expected_amount: random.bool().then_some(Decimal::ONE_HUNDRED),
        action: random.bool().then_some(action),
        webhook: None,
        lifetime_ms: 1_000,
        verified_only: random.bool(),
    };
    let made = host.command(CreatePaymentReference(terms));
    let blockchain = host.catalogue.currency(&currency).unwrap().blockchain();
    for _ in 0..random.u8(1..3) {
        host.command(AddDeposit {
            account,
            currency,
            amount: Decimal::new(random.i64(1..1_000_000), 2),
            state: DepositState::Accepted,
            origin: Origin { blockchain: blockchain.clone(), ..Origin::default() },
            description: None,
            reference: random.bool().then(|| made.code.clone()),
            confirmed_every_ms: None,
        })
        .unwrap();
    }
}

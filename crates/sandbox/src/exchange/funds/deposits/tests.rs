//! Deposits on their way through the states: money comes once, and its room in the supply is kept.

use super::*;
use crate::exchange::{command::Due as _, demo, desk::Part};
use std::sync::Arc;

fn deposit(amount: Decimal, after_ms: u32) -> Deposit {
    let currency = Code::new("zar").unwrap();
    Deposit { account: AccountId(1), currency, amount, after_ms }
}

#[test]
fn money_on_its_way_has_its_room_in_the_supply_and_comes_once() {
    let (mut funds, mut desk) = (Funds::default(), Desk::new(1));
    let zar = Code::new("zar").unwrap();
    deposit(money::MAX_SUPPLY - Decimal::TWO, 500).run(&mut funds, &mut desk, 100).unwrap();
    deposit(Decimal::ONE, 0).run(&mut funds, &mut desk, 101).unwrap();
    let too_much = deposit(Decimal::TWO, 0).run(&mut funds, &mut desk, 102);
    assert_eq!(too_much, Err(Refused::OutOfRange));
    assert_eq!(desk.balance(AccountId(1), zar).available, Decimal::ONE);
    assert_eq!(desk.timers.take_due(599), None);
    let (at_ms, (part, key)) = desk.timers.take_due(700).unwrap();
    assert_eq!((at_ms, part), (600, Part::Funds));
    funds.due(key, &mut desk, at_ms);
    funds.due(key, &mut desk, at_ms);
    assert_eq!(desk.balance(AccountId(1), zar).available, money::MAX_SUPPLY - Decimal::ONE);
}

const FEE: Decimal = Decimal::from_parts(5, 0, 0, false, 1);

fn exchange() -> (Funds, Desk, Code) {
    let (funds, mut desk) = (Funds::default(), Desk::new(1));
    desk.catalogue = Arc::new(demo::catalogue_with_fee(FEE));
    (funds, desk, Code::new("btc").unwrap())
}

fn add(funds: &mut Funds, desk: &mut Desk, state: DepositState, confirmed_every_ms: Option<u32>) -> u64 {
    let currency = Code::new("btc").unwrap();
    let blockchain = desk.catalogue.currency(&currency).unwrap().blockchain();
    let origin = Origin { blockchain, ..Origin::default() };
    let (account, amount) = (AccountId(1), Decimal::TWO);
    let command = AddDeposit {
        account,
        currency,
        amount,
        state,
        origin,
        description: None,
        reference: None,
        confirmed_every_ms,
    };
    command.run(funds, desk, 1_000).unwrap()
}

/// The only way through the states, whatever the order of the attempts: money comes once, without the fee, and never
/// goes again; a deposit that ended without money leaves its room in the supply to others.
#[test]
fn every_walk_through_the_states_credits_at_most_once() {
    use DepositState as S;
    for first in S::ALL {
        for second in S::ALL {
            for third in S::ALL {
                let (mut funds, mut desk, btc) = exchange();
                let id = add(&mut funds, &mut desk, first, None);
                let mut walked = vec![first];
                for next in [second, third] {
                    let before = *walked.last().unwrap();
                    let moved = SetDepositState { id, state: next }.run(&mut funds, &mut desk, 2_000);
                    assert_eq!(moved.is_ok(), before.may_become(next), "{before:?} to {next:?}");
                    assert!(moved.is_ok() || moved == Err(NotChanged::WrongState));
                    if moved.is_ok() {
                        walked.push(next);
                    }
                }
                let last = *walked.last().unwrap();
                let balance = desk.balance(AccountId(1), btc).available;
                let fees = desk.ledger.balance(Party::Fees, btc).available;
                let (wanted, fee) =
                    if last.is_credited() { (Decimal::TWO - FEE, FEE) } else { Default::default() };
                assert_eq!((balance, fees), (wanted, fee), "{walked:?}");
                assert_eq!(desk.ledger.sum(btc), Some(Decimal::ZERO));
                let room = funds.deposits.coming[&btc];
                let on_its_way = !last.is_credited() && !last.is_refused();
                assert_eq!(room, if on_its_way { Decimal::TWO } else { Decimal::ZERO }, "{walked:?}");
                let told: Vec<_> = funds.deposits.changes().iter().map(|change| change.state).collect();
                assert_eq!(told, walked);
                let line = desk.history.of(AccountId(1)).next().unwrap().fields().into_owned();
                assert_eq!(line["state"], last.as_str());
                assert_eq!(line.contains_key("paid_at"), last.is_credited());
                assert_eq!((&line["credit_amount"], &line["fee"]), (&"1.5".into(), &"0.5".into()));
            }
        }
    }
}

#[test]
fn confirmations_grow_on_the_clock_until_they_are_enough() {
    let (mut funds, mut desk, btc) = exchange();
    let id = add(&mut funds, &mut desk, DepositState::Submitted, Some(10));
    let get = |funds: &Funds| funds.deposits.get(AccountId(1), id).unwrap().clone();
    let count = |funds: &Funds, now_ms| get(funds).confirmations(now_ms);
    for (now_ms, confirmations) in [(999, 0), (1_009, 0), (1_010, 1), (1_019, 1), (1_020, 2)] {
        assert_eq!(count(&funds, now_ms), Some(Confirmations::Count(confirmations)), "{now_ms}");
    }
    assert_eq!(desk.timers.take_due(1_019), None);
    let (at_ms, (_, key)) = desk.timers.take_due(1_020).unwrap();
    funds.due(key, &mut desk, at_ms);
    assert_eq!((get(&funds).state, get(&funds).completed_ms), (DepositState::Accepted, Some(1_020)));
    assert_eq!(desk.balance(AccountId(1), btc).available, Decimal::TWO - FEE);
    assert_eq!(count(&funds, 1_075), Some(Confirmations::Count(7)));

    let at_once = add(&mut funds, &mut desk, DepositState::Accepted, None);
    let deposit = funds.deposits.get(AccountId(1), at_once).unwrap();
    assert_eq!(deposit.confirmations(1_000), Some(Confirmations::Count(2)), "as many as it needs");
}

/// The timer of the confirmations does not accept it, not even if it fires while the travel rule is checked.
#[test]
fn on_hold_a_deposit_is_not_accepted_by_its_confirmations() {
    let (mut funds, mut desk, _) = exchange();
    let id = add(&mut funds, &mut desk, DepositState::Submitted, Some(10));
    let hold = SetDepositState { id, state: DepositState::OnHoldTravelRuleCustomer };
    hold.run(&mut funds, &mut desk, 1_005).unwrap();
    SubmitTravelRule { account: AccountId(1), id }.run(&mut funds, &mut desk, 1_010).unwrap();
    let mut walked = Vec::new();
    while let Some((at_ms, (_, key))) = desk.timers.take_due(100_000) {
        funds.due(key, &mut desk, at_ms);
        walked.push((at_ms, funds.deposits.get(AccountId(1), id).unwrap().state));
    }
    let accepted_at = 1_010 + TRAVEL_RULE_MS;
    assert_eq!(walked, [(1_020, DepositState::Hold), (accepted_at, DepositState::Accepted)]);
}

#[test]
fn what_is_needed_for_lightning() {
    let (mut funds, mut desk, btc) = exchange();
    let coming = Coming {
        account: AccountId(1),
        currency: btc,
        amount: FEE,
        fee: Decimal::ZERO,
        state: DepositState::Accepted,
        origin: Origin::lightning(),
        reference: None,
        is_settled: false,
        more: fields([("member_description", "coffee".into())]),
    };
    let id = funds.add_deposit(coming, &mut desk, 5).unwrap();
    let deposit = funds.deposits.get(AccountId(1), id).unwrap();
    assert_eq!(deposit.confirmations(9), Some(Confirmations::NotAvailable));
    assert_eq!((&deposit.origin.txid, &deposit.origin.address), (&None, &None));
    let line = desk.history.of(AccountId(1)).next().unwrap().fields().into_owned();
    assert_eq!(
        (&line["blockchain_key"], &line["member_description"]),
        (&"lightning".into(), &"coffee".into())
    );
    assert_eq!(desk.balance(AccountId(1), btc).available, FEE);
}

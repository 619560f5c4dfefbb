//! The states of a connection.

use cabital::{
    connection::{Connection, LONGEST_WAIT, Step, leads},
    models::ConnectionState,
};
use capecrypto_models::Timestamp;
use std::time::Duration;

fn at(minutes: i64) -> Timestamp {
    Timestamp::from_unix_seconds(1_646_000_000 + 60 * minutes).unwrap()
}

/// Applies the states one minute after the other.
fn steps(states: &[&str]) -> (Vec<Step>, Connection) {
    let mut connection = Connection::new();
    let steps = states
        .iter()
        .zip(0..)
        .map(|(state, minute)| connection.apply(&(*state).into(), at(minute)))
        .collect();
    (steps, connection)
}

#[test]
fn the_documented_flows_are_known() {
    for flow in [
        &["INITIALIZED", "PENDING", "CREATED", "MATCHED"][..],
        &["INITIALIZED", "PENDING", "TEMPORARY_REJECTED", "PENDING", "CREATED", "MISMATCHED", "MATCHED"],
        &["INITIALIZED", "PENDING", "FINAL_REJECTED"],
        // A person compares the names.
        &["CREATED", "MATCHING", "MISMATCHED", "MATCHING", "MATCHED"],
        &["CREATED", "MATCHING", "UNLINKED", "CREATED"],
        &["CREATED", "LINKED", "UNLINKED", "LINKED"],
        // Somebody who connects again begins at CREATED, matched or not.
        &["CREATED", "MATCHED", "UNLINKED", "CREATED", "MATCHED"],
        &["CREATED", "MISMATCHED", "UNLINKED", "CREATED", "MISMATCHED"],
        // The same, if the event of the end was lost.
        &["CREATED", "MATCHED", "CREATED"],
        &["CREATED", "MISMATCHED", "CREATED"],
    ] {
        let (steps, connection) = steps(flow);
        assert_eq!(steps[0], Step::First);
        assert!(steps[1..].iter().all(|step| *step == Step::Moved), "{flow:?}: {steps:?}");
        assert_eq!(connection.state().unwrap(), flow.last().unwrap());
    }
}

#[test]
fn what_is_not_documented_is_taken_and_told() {
    for flow in [
        &["FINAL_REJECTED", "CREATED"][..],
        &["CREATED", "ON_HOLD"],
        &["LINKED", "MATCHED"],
        &["ON_HOLD", "CREATED"],
    ] {
        let (steps, connection) = steps(flow);
        assert_eq!(steps[1], Step::Strange, "{flow:?}");
        assert_eq!(connection.state().unwrap(), flow.last().unwrap());
    }
    let (steps, _) = steps(&["MATCHED", "MATCHED"]);
    assert_eq!(steps, [Step::First, Step::Same]);
}

#[test]
fn an_older_event_changes_nothing() {
    let mut connection = Connection::since(ConnectionState::Unlinked, at(10));
    assert_eq!(connection.apply(&ConnectionState::Matched, at(9)), Step::Late);
    assert_eq!((connection.state(), connection.at()), (Some(&ConnectionState::Unlinked), Some(at(10))));
    assert!(!connection.may_transfer());
}

#[test]
fn what_may_be_done_follows_from_the_state() {
    for state in ConnectionState::KNOWN {
        let connection = Connection::since((*state).into(), at(0));
        assert_eq!(connection.may_transfer(), matches!(*state, "MATCHED" | "LINKED"), "{state}");
        assert_eq!(connection.may_match(), matches!(*state, "CREATED" | "MISMATCHED"), "{state}");
        let waits = matches!(*state, "INITIALIZED" | "PENDING" | "MATCHING");
        let later = at(0).checked_add(LONGEST_WAIT + Duration::from_secs(1)).unwrap();
        assert_eq!((connection.is_overdue(at(1)), connection.is_overdue(later)), (false, waits), "{state}");
        // Nothing leads to itself, and nothing leads away from the end.
        assert!(!leads(&(*state).into(), &(*state).into()), "{state}");
    }
    let unknown = Connection::new();
    assert!(!unknown.may_transfer() && !unknown.may_match() && !unknown.is_overdue(at(9_999_999)));
}

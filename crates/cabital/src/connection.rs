//! The connection between a customer's account and the partner, as a state machine (documents: "Connection states").
//!
//! Cabital tells of each state by a callback, in any order and up to five times. A [`Connection`] takes them and says what changed.

use crate::models::ConnectionState;
use capecrypto_models::Timestamp;
use std::time::Duration;

/// How long a callback may take, by the documents. After that, ask with
/// [`GetAccountDetail`](crate::accounts::GetAccountDetail).
pub const LONGEST_WAIT: Duration = Duration::from_secs(24 * 3_600);

/// The state of a connection, and when it was reached.
///
/// ```
/// use cabital::{connection::{Connection, Step}, models::ConnectionState};
/// let at = |minute: u8| format!("2022-03-01T10:{minute:02}:00Z").parse().unwrap();
/// let mut connection = Connection::new();
/// assert_eq!(connection.apply(&ConnectionState::Created, at(1)), Step::First);
/// assert_eq!(connection.apply(&ConnectionState::Matched, at(3)), Step::Moved);
/// assert_eq!(connection.apply(&ConnectionState::Created, at(1)), Step::Late);
/// assert!(connection.may_transfer());
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Connection {
    now: Option<(ConnectionState, Timestamp)>,
}

/// What an event did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// The first state that is known.
    First,
    /// The state changed, as the documents describe it.
    Moved,
    /// The state changed in a way that the documents do not describe, or to a state that this version does not know. It is taken,
    /// because Cabital knows better.
    Strange,
    /// The state is the one that was known.
    Same,
    /// The event is older than the state that is known. Nothing changed.
    Late,
}

impl Connection {
    /// A connection of which nothing is known.
    pub fn new() -> Self {
        Self::default()
    }

    /// A connection in this state since this time, for example from a store, or from
    /// [`GetAccountDetail`](crate::accounts::GetAccountDetail).
    pub fn since(state: ConnectionState, at: Timestamp) -> Self {
        Self { now: Some((state, at)) }
    }

    /// The state; `None` if nothing is known.
    pub fn state(&self) -> Option<&ConnectionState> {
        self.now.as_ref().map(|(state, _)| state)
    }

    /// When the state was reached.
    pub fn at(&self) -> Option<Timestamp> {
        self.now.as_ref().map(|(_, at)| *at)
    }

    /// Takes an event: a state, and the time that the event names.
    pub fn apply(&mut self, state: &ConnectionState, at: Timestamp) -> Step {
        let step = match &self.now {
            None => Step::First,
            Some((_, known)) if at < *known => return Step::Late,
            Some((known, _)) if known == state => return Step::Same,
            Some((known, _)) if leads(known, state) => Step::Moved,
            Some(_) => Step::Strange,
        };
        self.now = Some((state.clone(), at));
        step
    }

    /// Whether money can be moved: the account is matched or linked.
    pub fn may_transfer(&self) -> bool {
        matches!(self.state(), Some(ConnectionState::Matched | ConnectionState::Linked))
    }

    /// Whether the partner may [match](crate::accounts::MatchName) the name now.
    pub fn may_match(&self) -> bool {
        matches!(self.state(), Some(ConnectionState::Created | ConnectionState::Mismatched))
    }

    /// Whether Cabital is expected to tell of another state, and has not done so for a day. Then ask with
    /// [`GetAccountDetail`](crate::accounts::GetAccountDetail).
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        let waits = |state: &ConnectionState| {
            matches!(
                state,
                ConnectionState::Initialized | ConnectionState::Pending | ConnectionState::Matching
            )
        };
        self.now.as_ref().is_some_and(|(state, at)| {
            waits(state) && at.checked_add(LONGEST_WAIT).is_some_and(|end| end < now)
        })
    }
}

/// Whether the documents describe a way from one state to the next.
///
/// | from | to |
/// | --- | --- |
/// | INITIALIZED | PENDING, and what follows it |
/// | PENDING | TEMPORARY_REJECTED, FINAL_REJECTED, CREATED |
/// | TEMPORARY_REJECTED | PENDING, FINAL_REJECTED, CREATED |
/// | CREATED | MATCHING, MATCHED, MISMATCHED, LINKED |
/// | MATCHING | MATCHED, MISMATCHED |
/// | MISMATCHED | MATCHING, MATCHED |
/// | each of CREATED, MATCHING, MATCHED, MISMATCHED, LINKED | UNLINKED |
/// | UNLINKED | CREATED: a customer who connects again, matched or not, begins there; in link mode LINKED |
/// | MATCHING, MATCHED, MISMATCHED | CREATED, if the event of the end was lost |
pub fn leads(from: &ConnectionState, to: &ConnectionState) -> bool {
    use ConnectionState::{
        Created, FinalRejected, Initialized, Linked, Matched, Matching, Mismatched, Pending,
        TemporaryRejected, Unlinked,
    };
    match from {
        Initialized => matches!(to, Pending | TemporaryRejected | FinalRejected | Created | Linked),
        Pending => matches!(to, TemporaryRejected | FinalRejected | Created | Linked),
        TemporaryRejected => matches!(to, Pending | FinalRejected | Created | Linked),
        Created => matches!(to, Matching | Matched | Mismatched | Linked | Unlinked),
        Matching => matches!(to, Matched | Mismatched | Created | Unlinked),
        Mismatched => matches!(to, Matching | Matched | Created | Unlinked),
        Matched => matches!(to, Created | Unlinked),
        Linked => matches!(to, Unlinked),
        Unlinked => matches!(to, Created | Linked | Initialized | Pending),
        FinalRejected | ConnectionState::Unknown(_) => false,
    }
}

//! The synchroniser: which frames may be applied, and which mean that the book is lost.
//!
//! The exchange's rules. The documents name the two messages and the sequence ("Subscribe orderbook", "Websocket
//! orderbook snapshot", "Websocket orderbook increment"); the rest comes from the behaviour of its server.
//!
//! 1. A subscription is answered by a snapshot and the increments stored since, and only then confirmed. The snapshot may be
//!    a minute old, so the book is not live before the confirmation.
//! 2. A snapshot replaces everything, whatever its sequence: after a restart of the engine the sequence is smaller.
//! 3. The increment after snapshot N has the sequence N + 1, and each next one is one higher. Any other number is a lost
//!    sync, also a repeated or a smaller one: a restarted engine begins at 1 again, and a book that waited for the old
//!    numbers would wait for ever.
//! 4. When the server holds no snapshot, increments come without one. Then nothing is known: subscribe again.
//! 5. Repair is another subscription to the same stream on the same connection. Until its snapshot comes,
//!    increments of the old subscription may still arrive; they are ignored.
//! 6. Amounts are totals, not differences; an empty or zero amount removes the level. An increment may remove a level that
//!    is not there (a late cancel), or set one to the amount that it has (a snapshot one increment ahead of its sequence).
//! 7. A snapshot holds up to 301 levels a side. Increments tell only some of the levels beyond.
//! 8. The engine publishes after matching, so no snapshot and no increment leaves bid and ask crossed or equal.
//! 9. A frame carries one message, an object with the topic as its key.
//!
//! A gap cannot be filled: the server keeps no old increments to ask for.

use crate::{
    error::{LostSync, Unreadable},
    frame::Kind,
    terms::State,
};
/// What to do with an increment.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Apply,
    Ignore,
    Lost(LostSync),
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Sync {
    Live {
        last: u64,
    },
    /// As `Live`, but not confirmed yet (rule 1).
    CatchingUp {
        last: u64,
    },
    Stale,
    Resyncing {
        /// Whether the caller subscribes again beside an older subscription, so that its increments are ignored (rule 5).
        asked: bool,
    },
}

impl Sync {
    pub(crate) fn new() -> Self {
        Self::Resyncing { asked: false }
    }

    pub(crate) fn state(self) -> State {
        match self {
            Self::Live { .. } => State::Live,
            Self::CatchingUp { .. } => State::CatchingUp,
            Self::Stale => State::Stale,
            Self::Resyncing { .. } => State::Resyncing,
        }
    }

    pub(crate) fn is_live(self) -> bool {
        matches!(self, Self::Live { .. })
    }

    pub(crate) fn last(self) -> Option<u64> {
        match self {
            Self::Live { last } => Some(last),
            Self::CatchingUp { .. } | Self::Stale | Self::Resyncing { .. } => None,
        }
    }

    /// Rule 2. A snapshot with the sequence that a live book has already is not older than the book, so it stays live.
    pub(crate) fn snapshot(&mut self, sequence: u64) {
        *self = match *self {
            Self::Live { last } if last == sequence => Self::Live { last },
            _ => Self::CatchingUp { last: sequence },
        };
    }

    /// Rule 1. Tells whether there was a snapshot.
    pub(crate) fn confirmed(&mut self) -> bool {
        if let Self::CatchingUp { last } = *self {
            *self = Self::Live { last };
        }
        self.is_live()
    }

    /// Rule 3: the sequence before this one, if that is the book's last.
    #[inline]
    pub(crate) fn before(&mut self, got: u64) -> Option<&mut u64> {
        match self {
            Self::Live { last } | Self::CatchingUp { last } if last.checked_add(1) == Some(got) => Some(last),
            _ => None,
        }
    }

    /// Rules 3, 4 and 5.
    pub(crate) fn increment(&mut self, got: u64) -> Verdict {
        match self {
            // Rule 3: the next one.
            Self::Live { last } | Self::CatchingUp { last } if last.checked_add(1) == Some(got) => {
                *last = got;
                Verdict::Apply
            }
            // Rule 3: any other one.
            Self::Live { last } | Self::CatchingUp { last } => {
                let expected = last.saturating_add(1);
                Verdict::Lost(self.lose(LostSync::Sequence { expected, got }))
            }
            // Rule 5: an increment of the old subscription.
            Self::Resyncing { asked: true } => Verdict::Ignore,
            // Rule 4. The first frame of a stale book comes from a new subscription.
            Self::Resyncing { asked: false } | Self::Stale => {
                Verdict::Lost(self.lose(LostSync::NoSnapshot { got }))
            }
        }
    }

    /// Takes a frame for this book that cannot be read; `kind` is `None` if its topic cannot be read.
    pub(crate) fn unreadable(&mut self, kind: Option<Kind>, why: Unreadable) -> Option<LostSync> {
        match (*self, kind) {
            // Rule 5: what it says would be ignored anyway.
            (Self::Resyncing { asked: true }, Some(Kind::Increment)) => None,
            _ => Some(self.lose(LostSync::Unreadable(why))),
        }
    }

    #[cold]
    pub(crate) fn lose(&mut self, why: LostSync) -> LostSync {
        *self = Self::Resyncing { asked: true };
        why
    }

    pub(crate) fn stale(&mut self) {
        *self = Self::Stale;
    }

    /// Takes note of a subscription. On a new connection its snapshot comes first (rule 1); on the old one increments may
    /// come before it (rule 5).
    pub(crate) fn resyncing(&mut self) {
        *self = match self {
            Self::Stale => Self::Resyncing { asked: false },
            Self::Live { .. } | Self::CatchingUp { .. } => Self::Resyncing { asked: true },
            Self::Resyncing { asked } => Self::Resyncing { asked: *asked },
        };
    }
}

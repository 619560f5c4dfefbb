//! The synchroniser: which frames may be applied, and which mean that the book is lost.
//!
//! The exchange's rules. The documents name the two messages and the sequence ("Subscribe orderbook", "Websocket
//! orderbook snapshot", "Websocket orderbook increment"); the rest is how its server behaves.
//!
//! 1. A subscription is answered by a snapshot and the increments stored since, and only then confirmed.
//! 2. A snapshot replaces everything, whatever its sequence: after a restart of the engine it is a smaller one.
//! 3. The increment after snapshot N is N + 1, and each next one is one more. Any other number is a lost sync, a
//!    repeated or a smaller one too: a restart of the engine begins at 1 again, and a book that waited for
//!    its old numbers would wait for ever.
//! 4. When the server holds no snapshot, increments come without one. Then nothing is known: subscribe again.
//! 5. Repair is another subscription to the same stream on the same connection. Until its snapshot comes,
//!    increments of the old subscription may still arrive; they say nothing.
//! 6. Amounts are totals, not differences; no amount or zero takes the level away. Taking away what is not there
//!    and setting what is there already are normal (late cancels; a snapshot one increment ahead of its number).
//! 7. A snapshot holds up to 301 levels a side. What lies beyond is told only in parts, by increments.
//! 8. The engine matches before it tells: no snapshot and no increment leaves bid and ask crossed or equal.
//! 9. A frame carries one message, an object with the topic as its key.
//!
//! Nothing here repairs a gap by itself: the server keeps nothing that could be asked for again.

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
    Stale,
    Resyncing {
        /// The caller knows that a subscription is needed, or has made one besides an older one.
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
            Self::Stale | Self::Resyncing { .. } => None,
        }
    }

    /// Rule 2.
    pub(crate) fn snapshot(&mut self, sequence: u64) {
        *self = Self::Live { last: sequence };
    }

    /// Rules 3, 4 and 5.
    pub(crate) fn increment(&mut self, got: u64) -> Verdict {
        match *self {
            // Rule 3: the next one.
            Self::Live { last } if last.checked_add(1) == Some(got) => {
                *self = Self::Live { last: got };
                Verdict::Apply
            }
            // Rule 3: any other one.
            Self::Live { last } => {
                Verdict::Lost(self.lose(LostSync::Sequence { expected: last.saturating_add(1), got }))
            }
            // Rule 5: an increment of the old subscription.
            Self::Resyncing { asked: true } => Verdict::Ignore,
            // Rule 4. A stale book's first frame is that of a new subscription.
            Self::Resyncing { asked: false } | Self::Stale => {
                Verdict::Lost(self.lose(LostSync::NoSnapshot { got }))
            }
        }
    }

    /// A frame for this book that cannot be read; `kind` as far as its topic tells.
    pub(crate) fn unreadable(&mut self, kind: Option<Kind>, why: Unreadable) -> Option<LostSync> {
        match (*self, kind) {
            // Rule 5: what it says would be ignored anyway.
            (Self::Resyncing { asked: true }, Some(Kind::Increment)) => None,
            _ => Some(self.lose(LostSync::Unreadable(why))),
        }
    }

    pub(crate) fn lose(&mut self, why: LostSync) -> LostSync {
        *self = Self::Resyncing { asked: true };
        why
    }

    pub(crate) fn stale(&mut self) {
        *self = Self::Stale;
    }

    /// A subscription was made. On a new connection its snapshot comes first (rule 1); on the old one increments may
    /// come before it (rule 5).
    pub(crate) fn resyncing(&mut self) {
        *self = match self {
            Self::Stale => Self::Resyncing { asked: false },
            Self::Live { .. } => Self::Resyncing { asked: true },
            Self::Resyncing { asked } => Self::Resyncing { asked: *asked },
        };
    }
}

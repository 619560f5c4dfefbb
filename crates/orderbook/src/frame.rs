//! The content of a frame for one market, the same from both readers.

use capecrypto_models::{Decimal, MarketId};

/// The two messages that the exchange sends for a book.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Snapshot,
    Increment,
}

/// A price and the new total amount at it. An amount of zero removes the level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) price: Decimal,
    pub(crate) amount: Decimal,
}

/// A frame's content. A book keeps one and reads every frame into it, to reuse its allocations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) kind: Kind,
    pub(crate) sequence: u64,
    pub(crate) bids: Vec<Entry>,
    pub(crate) asks: Vec<Entry>,
}

/// Entries a side that the buffer keeps room for: enough for a full snapshot. More room is freed after a larger frame.
const KEPT: usize = 512;

impl Frame {
    pub(crate) fn new() -> Self {
        Self { kind: Kind::Increment, sequence: 0, bids: Vec::new(), asks: Vec::new() }
    }

    /// Clears the buffer for the next message.
    pub(crate) fn clear(&mut self, kind: Kind) {
        self.kind = kind;
        self.sequence = 0;
        for side in [&mut self.bids, &mut self.asks] {
            side.clear();
            if side.capacity() > KEPT {
                side.shrink_to(KEPT);
            }
        }
    }
}

/// The topics of one market, and how their frames begin in the exchange's usual form.
#[derive(Debug, Clone)]
pub(crate) struct Topics {
    stem: String,
    snapshot: String,
    increment: String,
    pub(crate) snapshot_head: Vec<u8>,
    pub(crate) increment_head: Vec<u8>,
}

impl Topics {
    pub(crate) fn new(market: &MarketId) -> Self {
        // A market's name holds letters, digits, '_' and '-' only, so that JSON needs no escapes for it.
        let stem = format!("{market}.ob-");
        let snapshot = format!("{market}.ob-snap");
        let increment = format!("{market}.ob-inc");
        let head = |topic: &str| format!("{{\"{topic}\":{{").into_bytes();
        Self { snapshot_head: head(&snapshot), increment_head: head(&increment), stem, snapshot, increment }
    }

    /// What both topics begin with.
    pub(crate) fn stem(&self) -> &str {
        &self.stem
    }

    /// The kind of message that the topic brings; `None` for a topic of another book.
    pub(crate) fn kind(&self, topic: &str) -> Option<Kind> {
        if topic == self.increment {
            Some(Kind::Increment)
        } else if topic == self.snapshot {
            Some(Kind::Snapshot)
        } else {
            None
        }
    }
}

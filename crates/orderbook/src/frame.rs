//! The content of a frame for one market, the same from both readers.

use crate::terms::BookSide;
use capecrypto_models::{Decimal, MarketId};

/// The two messages that the exchange sends for a book.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Snapshot,
    Increment,
}

/// A number that is not below zero: an integer of 96 bits and the number of its decimal places, like a [`Decimal`]. But for
/// almost all numbers a look at `high` shows that `low` is the whole integer, which is quicker than a look into a `Decimal`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Number {
    pub(crate) low: u64,
    pub(crate) high: u32,
    pub(crate) scale: u32,
}

impl Number {
    pub(crate) const ZERO: Self = Self { low: 0, high: 0, scale: 0 };

    /// The number without its sign.
    pub(crate) fn of(value: Decimal) -> Self {
        let parts = value.unpack();
        Self { low: u64::from(parts.mid) << 32 | u64::from(parts.lo), high: parts.hi, scale: parts.scale }
    }

    pub(crate) fn is_zero(self) -> bool {
        self.low == 0 && self.high == 0
    }

    /// All scales come from decimals and from our scanner, so that they are 28 at most.
    pub(crate) fn decimal(self) -> Decimal {
        let [a, b, c, d, e, f, g, h] = self.low.to_le_bytes();
        let (low, middle) = (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]));
        Decimal::from_parts(low, middle, self.high, false, self.scale.min(Decimal::MAX_SCALE))
    }
}

/// A price and the new total amount at it. An amount of zero removes the level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) side: BookSide,
    pub(crate) price: Number,
    pub(crate) amount: Number,
}

/// A frame's content. All books of a thread read their frames into one, to reuse its allocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) kind: Kind,
    pub(crate) sequence: u64,
    /// Of both sides. One list for both lets an increment be applied without a branch on the side, which no processor could
    /// foresee.
    pub(crate) entries: Vec<Entry>,
}

/// Entries that the buffer keeps room for: enough for almost any increment. Larger frames are rare.
pub(crate) const KEPT: usize = 32;

impl Frame {
    pub(crate) const fn new() -> Self {
        Self { kind: Kind::Increment, sequence: 0, entries: Vec::new() }
    }

    /// Clears the buffer for the next message.
    pub(crate) fn clear(&mut self, kind: Kind) {
        self.kind = kind;
        self.sequence = 0;
        self.shrink();
        self.entries.clear();
    }

    /// Frees the room of a large frame.
    #[inline]
    pub(crate) fn shrink(&mut self) {
        if self.entries.capacity() > KEPT {
            self.entries = Vec::new();
        }
    }
}

/// The topics of one market. A market's name holds letters, digits, '_' and '-' only, so that JSON needs no escapes for it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Topics<'m>(pub(crate) &'m MarketId);

impl Topics<'_> {
    /// What both topics begin with.
    pub(crate) fn stem(self) -> String {
        format!("{}.ob-", self.0)
    }

    /// The kind of message that the topic brings; `None` for a topic of another book.
    pub(crate) fn kind(self, topic: &str) -> Option<Kind> {
        match topic.strip_prefix(self.0.as_str())? {
            ".ob-inc" => Some(Kind::Increment),
            ".ob-snap" => Some(Kind::Snapshot),
            _ => None,
        }
    }
}

//! The book: frames in, best prices and levels out.

use crate::{
    decode::{self, Refusal},
    error::{ForeignFrame, LostSync, NotLive},
    frame::{Frame, Kind, Topics},
    scan,
    store::Store,
    sync::{Sync, Verdict},
    terms::{Best, BookSide, KnownDepth, State},
    view::Levels,
};
use capecrypto_models::MarketId;
use std::{cell::RefCell, fmt};

thread_local! {
    /// Frame buffer of all books of a thread, kept to reuse its allocation.
    static BUFFER: RefCell<Frame> = const { RefCell::new(Frame::new()) };
}

/// The most levels a side that the exchange puts into a snapshot.
pub const SNAPSHOT_DEPTH: usize = 301;

/// What a frame did to the book.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "Lost means: subscribe again"]
pub enum Applied {
    /// A snapshot replaced everything. The book is live once the subscription is [confirmed](Book::confirmed).
    Snapshot {
        /// Its sequence.
        sequence: u64,
    },
    /// An increment was applied. The state of the book did not change.
    Increment {
        /// Its sequence.
        sequence: u64,
    },
    /// An increment came while the book waits for a snapshot. Nothing changed, nothing needs to be done.
    Ignored,
    /// The book may differ from the exchange's, so it is not live until the next snapshot: subscribe again.
    Lost(LostSync),
}

/// A market's order book, kept from the frames of the stream `{market}.ob-inc`.
///
/// It is right or it says that it is not: while it is not [`State::Live`], asking for prices is an error. It does
/// no I/O, uses no clock and never panics, whatever the input.
// What each frame needs stands together at the front: with a thousand books, memory that is far apart is what costs.
#[derive(Clone)]
#[repr(C)]
pub struct Book {
    sync: Sync,
    market: MarketId,
    store: Store,
    snapshot_depth: usize,
}

/// What [`Book::apply_frame`] gives.
type Outcome = Result<Applied, ForeignFrame>;

impl Book {
    /// An empty book that waits for its snapshot.
    pub fn new(market: MarketId) -> Self {
        Self { market, sync: Sync::new(), store: Store::new(), snapshot_depth: SNAPSHOT_DEPTH }
    }

    /// Sets at how many levels a side the exchange cuts its snapshots, if not at [`SNAPSHOT_DEPTH`].
    ///
    /// A side with that many levels or more counts as cut: the exchange may hold more. If the number is too small, the book
    /// needs a few extra snapshots. If it is too large, a cut side looks complete.
    #[must_use]
    pub fn with_snapshot_depth(mut self, levels: usize) -> Self {
        self.snapshot_depth = levels;
        self
    }

    /// The market.
    pub fn market(&self) -> &MarketId {
        &self.market
    }

    /// Whether the book can be relied on.
    pub fn state(&self) -> State {
        self.sync.state()
    }

    /// The sequence of the last message in the book; `None` while it is not live.
    pub fn sequence(&self) -> Option<u64> {
        self.sync.last()
    }

    /// Applies an unchanged text frame of the websocket: `{"btczar.ob-snap":{…}}` or `{"btczar.ob-inc":{…}}`
    /// (documents: "Websocket orderbook snapshot", "Websocket orderbook increment").
    ///
    /// # Errors
    /// [`ForeignFrame`] if the frame is about another market or another topic; the book does not change. A frame for this
    /// book that cannot be read is no error but [`Applied::Lost`], because nobody knows what it changed.
    pub fn apply_frame(&mut self, frame: &[u8]) -> Result<Applied, ForeignFrame> {
        let applied = BUFFER.try_with(|buffer| {
            let mut buffer = buffer.try_borrow_mut().ok()?;
            Some(self.apply_with(frame, &mut buffer))
        });
        let applied = match applied {
            Ok(Some(applied)) => applied,
            // The thread is about to end.
            Ok(None) | Err(_) => self.apply_with(frame, &mut Frame::new()),
        };
        match applied {
            Ok(sequence) => Ok(Applied::Increment { sequence }),
            Err(other) => *other,
        }
    }

    /// The sequence of an increment that was applied, which most frames are, or any other result. That is large and rare, so
    /// it is boxed: otherwise each frame would move it from place to place.
    #[inline]
    fn apply_with(&mut self, frame: &[u8], buffer: &mut Frame) -> Result<u64, Box<Outcome>> {
        self.store.warm();
        if scan::read(frame, Topics(&self.market), buffer).is_none() {
            return Err(Box::new(self.apply_unusual(frame, buffer)));
        }
        if buffer.kind == Kind::Increment
            && let Some(last) = self.sync.before(buffer.sequence)
            && self.store.apply_usual(buffer)
        {
            *last = buffer.sequence;
            return Ok(buffer.sequence);
        }
        // Nothing is wrong if some of the entries are applied once more.
        Err(Box::new(Ok(self.apply(buffer))))
    }

    /// Applies a frame that the exact scanner does not accept.
    #[cold]
    fn apply_unusual(&mut self, frame: &[u8], buffer: &mut Frame) -> Result<Applied, ForeignFrame> {
        if scan::read_loosely(frame, Topics(&self.market), buffer).is_none()
            && let Err(refusal) = decode::read(frame, Topics(&self.market), buffer)
        {
            buffer.shrink();
            return match refusal {
                Refusal::Foreign => Err(ForeignFrame { market: self.market.clone() }),
                Refusal::Unreadable(kind, why) => {
                    Ok(self.sync.unreadable(kind, why).map_or(Applied::Ignored, Applied::Lost))
                }
            };
        }
        Ok(self.apply(buffer))
    }

    /// Applies the message in the frame buffer, by the rules of `sync`.
    #[cold]
    fn apply(&mut self, buffer: &mut Frame) -> Applied {
        match buffer.kind {
            Kind::Snapshot => self.load(buffer),
            Kind::Increment => self.step(buffer),
        }
    }

    /// Rule 2.
    fn load(&mut self, buffer: &mut Frame) -> Applied {
        let sequence = buffer.sequence;
        self.sync.snapshot(sequence);
        let loaded = self.store.load(buffer, self.snapshot_depth);
        buffer.shrink();
        match loaded {
            Ok(()) => Applied::Snapshot { sequence },
            Err(why) => self.lose(why),
        }
    }

    /// Rules 3 to 6.
    fn step(&mut self, buffer: &Frame) -> Applied {
        let sequence = buffer.sequence;
        match self.sync.increment(sequence) {
            Verdict::Apply if self.store.apply(buffer) => Applied::Increment { sequence },
            Verdict::Apply => self.lose(self.store.fault()),
            Verdict::Ignore => Applied::Ignored,
            Verdict::Lost(why) => Applied::Lost(why),
        }
    }

    /// Rules 7 and 8. The store may be wrong now, and far too large.
    #[cold]
    fn lose(&mut self, why: LostSync) -> Applied {
        self.store = Store::new();
        Applied::Lost(self.sync.lose(why))
    }

    /// The best level of each side.
    ///
    /// # Errors
    /// [`NotLive`] instead of an old price.
    pub fn best(&self) -> Result<Best, NotLive> {
        match self.sync {
            Sync::Live { .. } => Ok(self.store.best()),
            _ => Err(self.not_live()),
        }
    }

    /// The levels on that side, best first.
    ///
    /// # Errors
    /// [`NotLive`] instead of old levels.
    pub fn levels(&self, side: BookSide) -> Result<Levels<'_>, NotLive> {
        self.live().map(|store| Levels::new(store.rows(side), store.len(side)))
    }

    /// The buyers' levels, highest price first.
    ///
    /// # Errors
    /// [`NotLive`] instead of old levels.
    pub fn bids(&self) -> Result<Levels<'_>, NotLive> {
        self.levels(BookSide::Bid)
    }

    /// The sellers' levels, lowest price first.
    ///
    /// # Errors
    /// [`NotLive`] instead of old levels.
    pub fn asks(&self) -> Result<Levels<'_>, NotLive> {
        self.levels(BookSide::Ask)
    }

    /// How many levels of that side are known, and whether these are all.
    ///
    /// A snapshot holds up to [`SNAPSHOT_DEPTH`] levels a side. Increments tell only some of the levels beyond, so the book
    /// leaves those out. When no known level of a cut side is left, the sync is [lost](LostSync::Exhausted).
    ///
    /// # Errors
    /// [`NotLive`] instead of an old figure.
    pub fn depth(&self, side: BookSide) -> Result<KnownDepth, NotLive> {
        self.live().map(|store| KnownDepth { levels: store.len(side), complete: !store.is_cut(side) })
    }

    /// Call it when the exchange confirms the subscription, which it does after the snapshot and the increments since: the book
    /// is live from now on. `false` means that there was no snapshot, so the exchange has none yet: give this result to
    /// [`Repair::confirmed`](crate::Repair::confirmed), which subscribes again.
    #[must_use = "false means that the book is not live: tell the repair"]
    pub fn confirmed(&mut self) -> bool {
        self.sync.confirmed()
    }

    /// Call it when the connection is lost: the book is [`State::Stale`] until the next snapshot.
    pub fn mark_stale(&mut self) {
        self.sync.stale();
    }

    /// Call it when a subscription was made: the book is [`State::Resyncing`] until its snapshot comes.
    ///
    /// This is needed after a reconnect, and to refresh a live book on purpose. After [`Applied::Lost`] the book already is
    /// in that state.
    pub fn mark_resyncing(&mut self) {
        self.sync.resyncing();
    }

    fn live(&self) -> Result<&Store, NotLive> {
        if self.sync.is_live() { Ok(&self.store) } else { Err(self.not_live()) }
    }

    #[cold]
    fn not_live(&self) -> NotLive {
        NotLive { market: self.market.clone(), state: self.state() }
    }
}

impl fmt::Debug for Book {
    // The levels would fill pages.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Book")
            .field("market", &self.market)
            .field("state", &self.state())
            .field("sequence", &self.sequence())
            .field("bids", &self.store.len(BookSide::Bid))
            .field("asks", &self.store.len(BookSide::Ask))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::KEPT;

    fn levels(count: u32, level: impl Fn(u32) -> String) -> String {
        format!("[{}]", (1..=count).map(level).collect::<Vec<_>>().join(","))
    }

    // The memory cannot be seen from outside.
    #[test]
    fn a_large_frame_leaves_no_large_buffer() {
        let quoted = |price: u32| format!(r#"["{price}","1"]"#);
        let bare = |price: u32| format!("[{price}, 1]");
        let odd = |price: u32| format!("[{price}e0,1]");
        let snap = |asks: String| format!(r#"{{"btczar.ob-snap":{{"asks":{asks},"bids":[],"sequence":1}}}}"#);
        let inc = |asks: String, end: &str| format!(r#"{{"btczar.ob-inc":{{"asks":{asks},"sequence":2{end}"#);
        for (frame, lost) in [
            (snap(levels(300, quoted)), false),
            (snap(levels(300, bare)), false),
            (snap(levels(300, odd)), false),
            (snap(levels(300_000, quoted)), true),
            (inc(levels(5_000, odd), "}}"), false),
            (inc(levels(5_000, quoted), "}"), true),
            (inc(levels(5_000, bare), "}"), true),
            (inc(levels(5_000, odd), r#","sequence":2}}"#), true),
        ] {
            let start = frame.get(..60);
            let mut book = Book::new("btczar".parse().unwrap());
            let first = snap(levels(5, quoted));
            assert!(matches!(book.apply_frame(first.as_bytes()), Ok(Applied::Snapshot { .. })));
            let applied = book.apply_frame(frame.as_bytes()).unwrap();
            assert_eq!(matches!(applied, Applied::Lost(_)), lost, "{start:?}: {applied:?}");
            if matches!(applied, Applied::Increment { .. }) {
                // Its room is freed before the next one is read.
                let _ = book.apply_frame(br#"{"btczar.ob-inc":{"sequence":3}}"#);
            }
            assert!(BUFFER.with_borrow(|buffer| buffer.entries.capacity()) <= KEPT, "{start:?}");
            assert!(!lost || book.store.len(BookSide::Ask) <= 5, "{start:?}");
        }
    }
}

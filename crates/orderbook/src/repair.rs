//! When to subscribe again. The caller passes the time in; nothing here waits.

use crate::book::Applied;
use std::time::Duration;

/// Shortest time between two subscriptions for one market.
const SPACING: Duration = Duration::from_secs(1);
/// A subscription that brought no snapshot in this time is repeated.
const PATIENCE: Duration = Duration::from_secs(2);
/// Both times double with each subscription since the book was last healthy, up to this limit.
const LONGEST: Duration = Duration::from_secs(30);
/// A book that was right for this long is healthy.
const HEALTHY: Duration = Duration::from_secs(60);

/// Decides when to subscribe to a book again: one repair at a time, at least a second apart, repeated when no snapshot comes.
/// A book that breaks again and again is repaired ever more slowly, up to every 30 seconds, until it was right for a minute.
///
/// Times are measured from any fixed start, such as that of the connection's task. Give each result of the book to
/// [`after`](Self::after), and subscribe when it returns `true`. Also call [`poll`](Self::poll) at [`due`](Self::due).
///
/// ```
/// # use capecrypto_orderbook::{Book, Repair};
/// # use std::time::Duration;
/// let mut book = Book::new("btczar".parse()?);
/// let mut repair = Repair::new();
/// let now = Duration::from_millis(1_500); // from your clock
/// let applied = book.apply_frame(br#"{"btczar.ob-inc":{"asks":["900000.0",""],"sequence":7}}"#)?;
/// // It came before any snapshot, so the book knows nothing:
/// assert!(repair.after(&applied, now)); // subscribe to btczar.ob-inc again, now
/// assert!(!repair.poll(now + Duration::from_millis(1_999)));
/// assert!(repair.poll(now + Duration::from_secs(2))); // no snapshot came: once more
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Repair {
    /// When the last subscription was made.
    asked: Option<Duration>,
    /// Number of subscriptions since the book was last healthy.
    tries: u32,
    /// When the next one is to be made, if no snapshot comes before.
    due: Option<Duration>,
    /// Since when the book is right; `None` while it is not.
    right_since: Option<Duration>,
    /// The last subscription was confirmed without a snapshot. An increment then shows that the exchange has one by now.
    confirmed_empty: bool,
}

impl Repair {
    /// Nothing to repair yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a result of the book. `true` means: subscribe again now; this counts as done from then on.
    #[must_use = "true means: subscribe again now"]
    pub fn after(&mut self, applied: &Applied, now: Duration) -> bool {
        match applied {
            Applied::Snapshot { .. } => self.right(now),
            Applied::Lost(_) => return self.lost(now),
            Applied::Ignored if self.confirmed_empty => return self.lost(now),
            Applied::Increment { .. } | Applied::Ignored => {}
        }
        self.poll(now)
    }

    /// Call it when the book is wrong for any reason. `true` means: subscribe again now; this counts as done from then on.
    #[must_use = "true means: subscribe again now"]
    pub fn lost(&mut self, now: Duration) -> bool {
        let right_since = self.right_since.take();
        if right_since.is_some_and(|since| now.saturating_sub(since) >= HEALTHY) {
            self.tries = 0;
        }
        let pause = if self.confirmed_empty { SPACING } else { backoff(SPACING, self.tries) };
        let free = self.asked.map_or(now, |asked| asked.saturating_add(pause));
        // A repair in flight may become due earlier, never later.
        self.due = Some(self.due.map_or(free, |due| due.min(free)));
        self.poll(now)
    }

    /// Call it when the exchange has confirmed the subscription: with a snapshot before it, nothing is due any more; without
    /// one, the exchange has none yet, and the first increment will show that it has.
    pub fn confirmed(&mut self, has_snapshot: bool, now: Duration) {
        if has_snapshot {
            self.right(now);
            return;
        }
        if self.due.is_none() {
            self.subscribed(now);
        }
        self.confirmed_empty = true;
    }

    /// Checks whether a repair is due. `true` means: subscribe again now; this counts as done from then on.
    #[must_use = "true means: subscribe again now"]
    pub fn poll(&mut self, now: Duration) -> bool {
        let due = self.due.is_some_and(|due| due <= now);
        if due {
            self.subscribed(now);
        }
        due
    }

    /// When [`poll`](Self::poll) returns `true` next; `None` if no repair waits.
    pub fn due(&self) -> Option<Duration> {
        self.due
    }

    /// Call it when the book was subscribed to for another reason, such as a new connection: its snapshot is expected from
    /// now on.
    pub fn subscribed(&mut self, now: Duration) {
        self.asked = Some(now);
        self.tries = self.tries.saturating_add(1);
        self.due = Some(now.saturating_add(backoff(PATIENCE, self.tries)));
        self.confirmed_empty = false;
    }

    /// Call it when a subscription that was said to be due could be made only now: its snapshot is expected from now on.
    pub fn delayed(&mut self, now: Duration) {
        self.asked = Some(now);
        self.due = Some(now.saturating_add(backoff(PATIENCE, self.tries)));
    }

    /// Call it when the connection is lost: what was asked will not be answered.
    pub fn disconnected(&mut self) {
        *self = Self { asked: self.asked, ..Self::default() };
    }

    fn right(&mut self, now: Duration) {
        self.due = None;
        self.confirmed_empty = false;
        self.right_since.get_or_insert(now);
    }
}

fn backoff(base: Duration, tries: u32) -> Duration {
    let doublings = tries.saturating_sub(1).min(16);
    base.saturating_mul(1 << doublings).min(LONGEST)
}

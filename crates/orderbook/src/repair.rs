//! When to subscribe again. The caller passes the time in; nothing here waits.

use crate::book::Applied;
use std::time::Duration;

/// Shortest time between two subscriptions for one market.
const SPACING: Duration = Duration::from_secs(1);
/// A subscription that brought no snapshot in this time is repeated.
const PATIENCE: Duration = Duration::from_secs(2);
/// Both times double with each subscription that brought no snapshot, up to this limit.
const LONGEST: Duration = Duration::from_secs(30);

/// Decides when to subscribe to a book again: one repair at a time, at least a second apart, repeated when no snapshot comes.
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
    /// Number of subscriptions since the last snapshot.
    tries: u32,
    /// When the next one is to be made, if no snapshot comes before.
    due: Option<Duration>,
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
            Applied::Snapshot { .. } => self.settle(),
            Applied::Lost(_) => return self.lost(now),
            Applied::Increment { .. } | Applied::Ignored => {}
        }
        self.poll(now)
    }

    /// Call it when the book is wrong for any reason. `true` means: subscribe again now; this counts as done from then on.
    #[must_use = "true means: subscribe again now"]
    pub fn lost(&mut self, now: Duration) -> bool {
        let free = self.asked.map_or(now, |asked| asked.saturating_add(backoff(SPACING, self.tries)));
        // A repair in flight may become due earlier, never later.
        self.due = Some(self.due.map_or(free, |due| due.min(free)));
        self.poll(now)
    }

    /// Call it when the subscription was answered and the book is up to date: nothing is due any more.
    pub fn settled(&mut self) {
        self.settle();
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
    }

    /// Call it when the connection is lost: what was asked will not be answered.
    pub fn disconnected(&mut self) {
        self.settle();
    }

    fn settle(&mut self) {
        self.tries = 0;
        self.due = None;
    }
}

fn backoff(base: Duration, tries: u32) -> Duration {
    let doublings = tries.saturating_sub(1).min(16);
    base.saturating_mul(1 << doublings).min(LONGEST)
}

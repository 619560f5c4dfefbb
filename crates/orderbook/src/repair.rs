//! When to subscribe again. Time is a value; nothing here waits.

use crate::book::Applied;
use std::time::Duration;

/// Between two subscriptions for one market lies at least this much.
const SPACING: Duration = Duration::from_secs(1);
/// A subscription that brought no snapshot in this time is made once more.
const PATIENCE: Duration = Duration::from_secs(2);
/// Both times double with each subscription that brought nothing, up to this.
const LONGEST: Duration = Duration::from_secs(30);

/// Paces the repairs of one book: one in flight, at least a second apart, again when no snapshot comes.
///
/// The times are those since any fixed start, such as that of the connection's task. Feed it what the book says and
/// subscribe when it answers `true`; when nothing happens, wake up at [`due`](Self::due) and [`poll`](Self::poll).
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
    /// How many were made since the last snapshot.
    tries: u32,
    /// When the next one is to be made, if no snapshot comes before.
    due: Option<Duration>,
}

impl Repair {
    /// Nothing to repair yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes note of what the book said. `true`: subscribe again now; that then counts as done.
    #[must_use = "true means: subscribe again now"]
    pub fn after(&mut self, applied: &Applied, now: Duration) -> bool {
        match applied {
            Applied::Snapshot { .. } => self.settle(),
            Applied::Lost(_) => return self.lost(now),
            Applied::Increment { .. } | Applied::Ignored => {}
        }
        self.poll(now)
    }

    /// The book is not to be trusted, for whatever reason. `true`: subscribe again now; that then counts as done.
    #[must_use = "true means: subscribe again now"]
    pub fn lost(&mut self, now: Duration) -> bool {
        let free = self.asked.map_or(now, |asked| asked.saturating_add(backoff(SPACING, self.tries)));
        // A repair that is in flight may be due earlier now, never later.
        self.due = Some(self.due.map_or(free, |due| due.min(free)));
        self.poll(now)
    }

    /// The subscription was answered, and the book has what it brought: nothing is due any more.
    pub fn settled(&mut self) {
        self.settle();
    }

    /// `true`: subscribe again now; that then counts as done.
    #[must_use = "true means: subscribe again now"]
    pub fn poll(&mut self, now: Duration) -> bool {
        let due = self.due.is_some_and(|due| due <= now);
        if due {
            self.subscribed(now);
        }
        due
    }

    /// When [`poll`](Self::poll) answers `true` next; `None` while there is nothing to wait for.
    pub fn due(&self) -> Option<Duration> {
        self.due
    }

    /// The book was subscribed to without our asking, such as with a new connection: its snapshot is awaited from
    /// now.
    pub fn subscribed(&mut self, now: Duration) {
        self.asked = Some(now);
        self.tries = self.tries.saturating_add(1);
        self.due = Some(now.saturating_add(backoff(PATIENCE, self.tries)));
    }

    /// The connection is gone, and with it all that was asked.
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

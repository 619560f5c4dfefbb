//! How many books of one connection may be repaired at once. The caller passes the time in; nothing here waits.

use std::time::Duration;

/// Subscriptions that may be made at once after a quiet time.
const BURST: u32 = 20;
/// Subscriptions a second after that.
const PER_SECOND: u32 = 10;

/// A cap on the repairs of all books of one connection.
///
/// [`Repair`](crate::Repair) looks at one book only. If a connection loses a frame of a hundred books at the same moment, a hundred
/// repairs are due at once, and each asks the exchange for a whole snapshot. Take one from this budget before each subscription:
/// by default twenty may be made at once, and then ten a second.
///
/// Times are measured from any fixed start, as for a `Repair`. A clock that steps back only makes it wait.
///
/// ```
/// # use capecrypto_orderbook::RepairBudget;
/// # use std::time::Duration;
/// let mut budget = RepairBudget::new(2, 10); // two at once, ten a second
/// let now = Duration::from_secs(5); // from your clock
/// assert_eq!(budget.take(now), Ok(())); // subscribe to one book
/// assert_eq!(budget.take(now), Ok(())); // and to another
/// let at = Duration::from_millis(5_100);
/// assert_eq!(budget.take(now), Err(at)); // the third has to wait: ask again then
/// assert_eq!(budget.take(at), Ok(()));
/// ```
#[derive(Debug, Clone)]
pub struct RepairBudget {
    /// The time that one subscription costs.
    cost: Duration,
    /// How much time can be saved for later, at most.
    most: Duration,
    /// When all that was taken is paid for. It is ahead of the clock by what the burst has lent.
    paid: Duration,
}

impl Default for RepairBudget {
    /// Twenty at once, ten a second.
    fn default() -> Self {
        Self::new(BURST, PER_SECOND)
    }
}

impl RepairBudget {
    /// A full budget: `burst` subscriptions at once, then `per_second`. Zero counts as one for both.
    pub fn new(burst: u32, per_second: u32) -> Self {
        // Rounded up, so that there are never more in a second.
        let nanos = 1_000_000_000_u64.div_ceil(u64::from(per_second.max(1)));
        let cost = Duration::from_nanos(nanos);
        Self { cost, most: cost.saturating_mul(burst.max(1)), paid: Duration::ZERO }
    }

    /// Takes one subscription from the budget: make it now. Nothing is taken by an `Err`, and calling it more often changes nothing.
    ///
    /// # Errors
    /// The budget is used up. The error is the time from which there will be one more, if nobody else takes it.
    pub fn take(&mut self, now: Duration) -> Result<(), Duration> {
        let paid = self.paid.max(now).saturating_add(self.cost);
        let latest = now.saturating_add(self.most);
        if paid > latest {
            return Err(paid.saturating_sub(self.most));
        }
        self.paid = paid;
        Ok(())
    }
}

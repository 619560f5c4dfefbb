//! The exchange's time: this machine's, plus an offset learnt from answers.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

/// Differences below this are left alone: the exchange's window is five times as wide.
const TOLERANCE_MS: i64 = 1_000;
/// A `Date` further off than this says more about the server than about this machine.
const FURTHEST_MS: i64 = 24 * 60 * 60 * 1_000;

/// Wall time with a learnt offset. Clones share it.
///
/// The offset is learnt from the `Date` header of answers. It changes when two answers in a row agree that it is
/// wrong by more than a second, or at once when the exchange has refused a nonce for its age. A `Date` more than
/// 24 hours away is never believed.
#[derive(Debug, Clone)]
pub struct Clock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    source: Source,
    offset_ms: AtomicI64,
    /// What the last answer that disagreed with the offset said.
    suspicion: Mutex<Option<Bounds>>,
}

enum Source {
    System,
    Manual(Arc<AtomicU64>),
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::System => "system",
            Self::Manual(_) => "manual",
        })
    }
}

/// The hand that turns a manual clock.
#[derive(Debug, Clone)]
pub struct ManualTime(Arc<AtomicU64>);

impl ManualTime {
    /// Sets the time, in Unix milliseconds.
    pub fn set(&self, unix_millis: u64) {
        self.0.store(unix_millis, Ordering::SeqCst);
    }

    /// Moves the time on.
    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(u64::try_from(by.as_millis()).unwrap_or(u64::MAX), Ordering::SeqCst);
    }
}

/// How far this machine's clock was found to be from the exchange's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Skew {
    /// The exchange's time minus this machine's, in milliseconds: negative where this machine is ahead.
    pub offset_ms: i64,
    /// Whether the offset was taken over. It is not where it is more than 24 hours.
    pub applied: bool,
}

#[derive(Debug, Clone, Copy)]
struct Bounds {
    low: i64,
    high: i64,
}

impl Bounds {
    /// A `Date` is cut to the second, and was written somewhere between sending and receiving.
    fn new(date_seconds: u64, received_ms: u64, took: Duration) -> Self {
        let signed = |ms: u64| i64::try_from(ms).unwrap_or(i64::MAX);
        let date = signed(date_seconds.saturating_mul(1_000));
        let sent = signed(received_ms).saturating_sub(i64::try_from(took.as_millis()).unwrap_or(i64::MAX));
        Self {
            low: date.saturating_sub(signed(received_ms)),
            high: date.saturating_add(999).saturating_sub(sent),
        }
    }

    fn middle(self) -> i64 {
        self.low.saturating_add(self.high) / 2
    }

    fn allow(self, offset: i64) -> bool {
        (self.low.saturating_sub(TOLERANCE_MS)..=self.high.saturating_add(TOLERANCE_MS)).contains(&offset)
    }

    fn and(self, other: Self) -> Option<Self> {
        let both = Self { low: self.low.max(other.low), high: self.high.min(other.high) };
        (both.low <= both.high).then_some(both)
    }
}

impl Clock {
    /// This machine's clock.
    pub fn system() -> Self {
        Self::new(Source::System)
    }

    /// A clock that stands still until it is turned, for tests.
    pub fn manual(unix_millis: u64) -> (Self, ManualTime) {
        let time = Arc::new(AtomicU64::new(unix_millis));
        (Self::new(Source::Manual(time.clone())), ManualTime(time))
    }

    /// Whether the time comes from the hand of a test.
    pub fn is_manual(&self) -> bool {
        matches!(self.0.source, Source::Manual(_))
    }

    fn new(source: Source) -> Self {
        Self(Arc::new(Inner { source, offset_ms: AtomicI64::new(0), suspicion: Mutex::new(None) }))
    }

    /// This machine's time in Unix milliseconds, uncorrected.
    pub fn local_ms(&self) -> u64 {
        match &self.0.source {
            Source::System => {
                #[allow(clippy::disallowed_methods, reason = "the one place that asks the system")]
                let now = SystemTime::now();
                let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
                u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
            }
            Source::Manual(time) => time.load(Ordering::SeqCst),
        }
    }

    /// The exchange's time in Unix milliseconds, as far as it is known.
    pub fn now_ms(&self) -> u64 {
        self.local_ms().saturating_add_signed(self.offset_ms())
    }

    /// The exchange's time minus this machine's, in milliseconds.
    pub fn offset_ms(&self) -> i64 {
        self.0.offset_ms.load(Ordering::Acquire)
    }

    /// Takes note of an answer's `Date` (Unix seconds), with this machine's time of receiving and how long the answer
    /// took on a clock that nobody sets: a wall clock that is set in between would show a wrong difference.
    ///
    /// Returns the skew where this observation changed the offset, or where the date is past belief.
    pub fn observe(&self, date_seconds: u64, received_ms: u64, took: Duration) -> Option<Skew> {
        let seen = Bounds::new(date_seconds, received_ms, took);
        let mut suspicion = self.0.suspicion.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.allow(self.offset_ms()) {
            *suspicion = None;
            return None;
        }
        if seen.middle().saturating_abs() > FURTHEST_MS {
            return Some(Skew { offset_ms: seen.middle(), applied: false });
        }
        match suspicion.take().and_then(|before| before.and(seen)) {
            Some(agreed) => Some(self.apply(agreed)),
            None => {
                *suspicion = Some(seen);
                None
            }
        }
    }

    /// The same after the exchange refused a nonce for its age: one date is enough.
    ///
    /// Returns the skew; `applied` is false where the date is past belief, or agrees with the offset in use, so that
    /// signing again would change nothing.
    pub fn correct(&self, date_seconds: u64, received_ms: u64, took: Duration) -> Skew {
        let seen = Bounds::new(date_seconds, received_ms, took);
        let mut suspicion = self.0.suspicion.lock().unwrap_or_else(PoisonError::into_inner);
        *suspicion = None;
        if seen.allow(self.offset_ms()) || seen.middle().saturating_abs() > FURTHEST_MS {
            return Skew { offset_ms: seen.middle(), applied: false };
        }
        self.apply(seen)
    }

    fn apply(&self, bounds: Bounds) -> Skew {
        // A difference that could be none is none.
        let offset_ms = if bounds.allow(0) { 0 } else { bounds.middle() };
        self.0.offset_ms.store(offset_ms, Ordering::Release);
        Skew { offset_ms, applied: true }
    }
}

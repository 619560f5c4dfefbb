//! The exchange's time: this machine's time plus an offset learnt from answers.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

/// Smaller differences are not corrected: the exchange accepts nonces for five times as long.
const TOLERANCE_MS: i64 = 1_000;
/// A `Date` that differs by more than this is not used: it is more likely that the server is wrong than this machine.
const FURTHEST_MS: i64 = 24 * 60 * 60 * 1_000;

/// Wall time with a learnt offset. Clones share the offset.
///
/// The offset is learnt from the `Date` header of answers. It changes when two answers in a row agree that it is
/// wrong by more than a second. It changes at once when the exchange refused a nonce as too old or too new. A `Date`
/// that differs by more than 24 hours is never used.
#[derive(Debug, Clone)]
pub struct Clock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    source: Source,
    offset_ms: AtomicI64,
    /// The offset that the last answer showed, if it disagreed with the one in use.
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

/// Sets the time of a manual clock.
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
    /// Whether the clock now uses the offset. An offset of more than 24 hours is not used.
    pub applied: bool,
}

#[derive(Debug, Clone, Copy)]
struct Bounds {
    low: i64,
    high: i64,
}

impl Bounds {
    /// The smallest and largest offset that a `Date` allows: it is cut to the second, and the server wrote it at some time
    /// between sending and receiving.
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

    /// A clock that stands still until it is set, for tests.
    pub fn manual(unix_millis: u64) -> (Self, ManualTime) {
        let time = Arc::new(AtomicU64::new(unix_millis));
        (Self::new(Source::Manual(time.clone())), ManualTime(time))
    }

    /// Whether the time is set by a test.
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

    /// Learns from an answer's `Date` (Unix seconds). `received_ms` is this machine's time when the answer came, and `took`
    /// how long it took, measured by a monotonic clock: a wall clock that is set meanwhile would give a wrong duration.
    ///
    /// Returns the skew if this observation changed the offset, or if the date differs by more than 24 hours.
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

    /// Like [`observe`](Self::observe), after the exchange refused a nonce as too old or too new: one date is enough.
    ///
    /// Returns the skew. `applied` is false if the date differs by more than 24 hours, or if it agrees with the offset in
    /// use, so that signing again would not help.
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
        // If the clocks may agree, assume that they do.
        let offset_ms = if bounds.allow(0) { 0 } else { bounds.middle() };
        self.0.offset_ms.store(offset_ms, Ordering::Release);
        Skew { offset_ms, applied: true }
    }
}

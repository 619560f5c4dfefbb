//! When a read is tried again: up to three attempts, with full jitter, and a budget that ends retries when many calls fail.

use http::HeaderValue;
use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// Most attempts of a call that may be repeated.
pub(crate) const ATTEMPTS: u32 = 3;
/// The longest `Retry-After` that a call waits for.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(60);

const LONGEST_BACKOFF: Duration = Duration::from_secs(20);
const FULL: u32 = 500;

/// Why a call is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// No connection, a broken one, a deadline, a 5xx.
    Transient,
    /// 429.
    Throttled,
}

impl Cause {
    fn base(self) -> Duration {
        match self {
            Self::Transient => Duration::from_millis(50),
            Self::Throttled => Duration::from_secs(1),
        }
    }

    fn cost(self) -> u32 {
        match self {
            Self::Transient => 14,
            Self::Throttled => 5,
        }
    }
}

/// Tokens for retries, shared by a client's clones. When the exchange is down they run out, and each call is sent
/// once instead of three times.
#[derive(Debug)]
pub(crate) struct Budget(Mutex<u32>);

impl Budget {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(FULL))
    }

    /// Takes the tokens for a retry; `false` if there are not enough.
    pub(crate) fn take(&self, cause: Cause) -> bool {
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match tokens.checked_sub(cause.cost()) {
            Some(left) => {
                *tokens = left;
                true
            }
            None => false,
        }
    }

    /// A success earns a token back.
    pub(crate) fn earn(&self) {
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *tokens = (*tokens + 1).min(FULL);
    }
}

/// A random wait before the next attempt: up to `base * 2^attempt`, at most 20 s.
pub(crate) fn backoff(cause: Cause, attempt: u32) -> Duration {
    let longest = cause.base().saturating_mul(2_u32.saturating_pow(attempt)).min(LONGEST_BACKOFF);
    longest * fastrand::u32(0..=1_000) / 1_000
}

/// Reads `Retry-After`: seconds or an HTTP date; `None` for anything else. Some gateways send fractions of a second, which are
/// rounded up.
pub(crate) fn retry_after(value: &str, now_ms: u64) -> Option<Duration> {
    let value = value.trim();
    let (whole, part) = value.split_once('.').unwrap_or((value, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if digits(whole) && digits(part) {
        let more = u64::from(part.bytes().any(|b| b != b'0'));
        return Some(Duration::from_secs(whole.parse::<u64>().ok()?.checked_add(more)?));
    }
    let until_ms = http_date(value)?.checked_mul(1_000)?;
    Some(Duration::from_millis(until_ms.saturating_sub(now_ms)))
}

/// Reads `Date` headers. A busy client gets the same text many times within a second, so the last one is cached.
#[derive(Debug, Default)]
pub(crate) struct Dates(Mutex<Option<(HeaderValue, u64)>>);

impl Dates {
    /// Unix seconds.
    pub(crate) fn read(&self, date: &HeaderValue) -> Option<u64> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((text, seconds)) = &*last
            && text == date
        {
            return Some(*seconds);
        }
        let seconds = http_date(date.to_str().ok()?)?;
        *last = Some((date.clone(), seconds));
        Some(seconds)
    }
}

/// An HTTP date in Unix seconds.
fn http_date(value: &str) -> Option<u64> {
    let time = chrono::DateTime::parse_from_rfc2822(value).ok()?;
    u64::try_from(time.timestamp()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_are_capped() {
        for (cause, base) in [(Cause::Transient, 50), (Cause::Throttled, 1_000)] {
            for attempt in 0..40 {
                let longest = (base * 2_u64.pow(attempt.min(20))).min(20_000);
                assert!(backoff(cause, attempt) <= Duration::from_millis(longest), "{cause:?} {attempt}");
            }
        }
        let distinct: std::collections::HashSet<_> = (0..100).map(|_| backoff(Cause::Throttled, 3)).collect();
        assert!(distinct.len() > 50, "jittered");
    }

    #[test]
    fn the_budget_runs_out_and_comes_back() {
        let budget = Budget::new();
        assert_eq!((0..1_000).filter(|_| budget.take(Cause::Transient)).count(), 35);
        assert!(!budget.take(Cause::Transient));
        for _ in 0..14 {
            budget.earn();
        }
        assert!(budget.take(Cause::Transient));
        assert!((0..10_000).all(|_| {
            budget.earn();
            *budget.0.lock().unwrap() <= FULL
        }));
    }

    #[test]
    fn a_date_is_read_anew_when_its_text_changes() {
        let dates = Dates::default();
        let read = |text: &'static str| dates.read(&HeaderValue::from_static(text));
        for _ in 0..2 {
            assert_eq!(read("Wed, 21 Oct 2015 07:28:00 GMT"), Some(1_445_412_480));
        }
        assert_eq!(read("Wed, 21 Oct 2015 07:28:01 GMT"), Some(1_445_412_481));
        assert_eq!(read("soon"), None);
        assert_eq!(read("Wed, 21 Oct 2015 07:28:00 GMT"), Some(1_445_412_480));
    }

    #[test]
    fn retry_after_in_every_shape() {
        let now = 1_445_412_480_000;
        assert_eq!(retry_after("7", now), Some(Duration::from_secs(7)));
        assert_eq!(retry_after("Wed, 21 Oct 2015 07:28:30 GMT", now), Some(Duration::from_secs(30)));
        assert_eq!(retry_after("Wed, 21 Oct 2015 07:00:00 GMT", now), Some(Duration::ZERO));
        assert_eq!(retry_after("1000000000", now), Some(Duration::from_secs(1_000_000_000)));
        assert_eq!(retry_after("1.5", now), Some(Duration::from_secs(2)));
        assert_eq!(retry_after("3.0", now), Some(Duration::from_secs(3)));
        for garbage in ["soon", "-5", ".5", "1.", "1.2.3", "", "99999999999999999999999"] {
            assert_eq!(retry_after(garbage, now), None, "{garbage}");
        }
    }
}

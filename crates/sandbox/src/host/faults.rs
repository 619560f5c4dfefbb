//! Faults of REST answers, on order: the next so many matching calls fail, stall or lose their connection.

use std::sync::{Mutex, PoisonError};

/// What happens to a matching call.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FaultKind {
    /// This answer instead of the real one; the call is not carried out.
    Answer {
        /// The status, 200 to 599.
        status: u16,
        /// The body, as it is.
        body: String,
        /// The content type; none sends no such header.
        content_type: Option<String>,
    },
    /// 429 with the code-less body of a gateway; the call is not carried out. `Retry-After` says so many seconds, or is
    /// left out.
    TooManyRequests {
        /// Seconds of `Retry-After`.
        retry_after_s: Option<u32>,
    },
    /// The connection is reset; the call is not carried out.
    ResetBeforeApply,
    /// The call is carried out, then the connection is reset before a byte of the answer.
    ResetAfterApply,
    /// The call is carried out so many milliseconds later. A caller who hangs up meanwhile is not served.
    Delay(u64),
    /// The call is carried out at once and answered so many milliseconds later.
    DelayAfterApply(u64),
}

/// A fault and the calls that it meets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What happens.
    pub kind: FaultKind,
    /// Only calls of this method; none means any.
    pub method: Option<String>,
    /// Only calls of this path, as a template (`/market/orders/{id}`) or filled in, without the prefix; none means
    /// any REST call. Handshakes are met by `/websocket/private` and the like only.
    pub path: Option<String>,
    /// How many calls it meets before it is used up.
    pub times: u32,
}

impl Fault {
    /// The next REST call, whichever it is.
    #[must_use]
    pub fn next(kind: FaultKind) -> Self {
        Self { kind, method: None, path: None, times: 1 }
    }

    /// Only calls of this method and path.
    #[must_use]
    pub fn on(mut self, method: &str, path: &str) -> Self {
        self.method = Some(method.to_owned());
        self.path = Some(path.to_owned());
        self
    }

    /// So many calls instead of one.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }

    fn meets(&self, method: &str, paths: &[&str], is_rest: bool) -> bool {
        self.method.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
            && self.path.as_ref().map_or(is_rest, |wanted| paths.contains(&wanted.as_str()))
    }
}

/// Faults kept at most; older ones are met first.
const MOST: usize = 1_000;

/// The faults that still wait for their call.
#[derive(Debug, Default)]
pub(crate) struct Faults(Mutex<Vec<Fault>>);

impl Faults {
    pub(crate) fn add(&self, fault: Fault) {
        let mut faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if fault.times > 0 && faults.len() < MOST {
            faults.push(fault);
        }
    }

    pub(crate) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Uses up one time of the oldest fault that meets the call; `paths` are its template and its own path.
    pub(crate) fn take(&self, method: &str, paths: &[&str], is_rest: bool) -> Option<FaultKind> {
        let mut faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = faults.iter().position(|fault| fault.meets(method, paths, is_rest))?;
        let fault = faults.get_mut(place)?;
        let kind = fault.kind.clone();
        fault.times -= 1;
        if fault.times == 0 {
            faults.remove(place);
        }
        Some(kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meets_the_named_call_so_often() {
        let faults = Faults::default();
        faults.add(Fault::next(FaultKind::ResetBeforeApply).on("POST", "/market/orders").times(2));
        faults.add(Fault::next(FaultKind::Delay(5)));
        assert_eq!(faults.take("GET", &["/market/orders"], true), Some(FaultKind::Delay(5)));
        assert_eq!(faults.take("GET", &["/market/orders"], true), None);
        for _ in 0..2 {
            let kind = faults.take("POST", &["/market/orders"], true);
            assert_eq!(kind, Some(FaultKind::ResetBeforeApply));
        }
        assert_eq!(faults.take("POST", &["/market/orders"], true), None);
        faults.add(Fault::next(FaultKind::ResetBeforeApply));
        assert_eq!(faults.take("GET", &["/websocket/public"], false), None);
        assert!(faults.take("GET", &["/public/markets"], true).is_some());
    }
}

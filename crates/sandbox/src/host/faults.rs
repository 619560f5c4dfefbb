//! Faults of REST calls on request: the next matching calls fail, stall or lose their connection.

use std::sync::{Mutex, PoisonError};

/// What happens to a matching call.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FaultKind {
    /// The call gets this answer and is not carried out.
    Answer {
        /// The status, 200 to 599.
        status: u16,
        /// The body, sent unchanged.
        body: String,
        /// The content type; `None` sends no such header.
        content_type: Option<String>,
    },
    /// 429 with the body of a gateway, which has no error code; the call is not carried out.
    TooManyRequests {
        /// Seconds in the header `Retry-After`; `None` sends no such header.
        retry_after_s: Option<u32>,
    },
    /// The connection is reset; the call is not carried out.
    ResetBeforeApply,
    /// The call is carried out, then the connection is reset before any byte of the answer is sent.
    ResetAfterApply,
    /// The call is carried out, and answered by this instead: for example by a gateway that waited too long.
    AnswerAfterApply {
        /// The status, 200 to 599.
        status: u16,
        /// The body, sent unchanged.
        body: String,
        /// The content type; `None` sends no such header.
        content_type: Option<String>,
    },
    /// The call is carried out this many milliseconds later. If the caller disconnects before, it is not carried out.
    Delay(u64),
    /// The call is carried out at once and answered this many milliseconds later.
    DelayAfterApply(u64),
}

/// A fault, and which calls it applies to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What happens.
    pub kind: FaultKind,
    /// Only calls with this method; `None` means any method.
    pub method: Option<String>,
    /// Only calls with this path, without the prefix: a template (`/market/orders/{id}`) or a filled path. `None` means
    /// any REST call. For a websocket handshake the path must be given, such as `/websocket/private`.
    pub path: Option<String>,
    /// Only calls that name this API key; `None` means any call, of whoever comes first. Cabital's calls have no such key.
    pub api_key: Option<String>,
    /// How many calls it applies to.
    pub times: u32,
}

impl Fault {
    /// A fault of the next REST call, for any method and path.
    #[must_use]
    pub fn next(kind: FaultKind) -> Self {
        Self { kind, method: None, path: None, api_key: None, times: 1 }
    }

    /// Limits it to calls with this method and path.
    #[must_use]
    pub fn on(mut self, method: &str, path: &str) -> Self {
        self.method = Some(method.to_owned());
        self.path = Some(path.to_owned());
        self
    }

    /// Limits it to calls with this API key, so that it does not meet another account that is faster.
    #[must_use]
    pub fn of(mut self, api_key: &str) -> Self {
        self.api_key = Some(api_key.to_owned());
        self
    }

    /// Applies it to this many calls instead of one.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }

    fn meets(&self, method: &str, paths: &[&str], api_key: Option<&str>, is_rest: bool) -> bool {
        self.api_key.as_deref().is_none_or(|wanted| api_key == Some(wanted))
            && self.method.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
            && self.path.as_ref().map_or(is_rest, |wanted| paths.contains(&wanted.as_str()))
    }
}

/// The largest number of planned faults; further ones are ignored.
const MOST: usize = 1_000;

/// The planned faults that are not used up.
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

    /// Takes the oldest fault that applies to the call, once. `paths` are the template and the path of the call.
    pub(crate) fn take(
        &self,
        method: &str,
        paths: &[&str],
        api_key: Option<&str>,
        is_rest: bool,
    ) -> Option<FaultKind> {
        let mut faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = faults.iter().position(|fault| fault.meets(method, paths, api_key, is_rest))?;
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
        assert_eq!(faults.take("GET", &["/market/orders"], None, true), Some(FaultKind::Delay(5)));
        assert_eq!(faults.take("GET", &["/market/orders"], None, true), None);
        for _ in 0..2 {
            let kind = faults.take("POST", &["/market/orders"], None, true);
            assert_eq!(kind, Some(FaultKind::ResetBeforeApply));
        }
        assert_eq!(faults.take("POST", &["/market/orders"], None, true), None);
        faults.add(Fault::next(FaultKind::Delay(7)).of("mine"));
        assert_eq!(faults.take("GET", &["/market/orders"], None, true), None);
        assert_eq!(faults.take("GET", &["/market/orders"], Some("other"), true), None);
        assert_eq!(faults.take("GET", &["/market/orders"], Some("mine"), true), Some(FaultKind::Delay(7)));
        faults.add(Fault::next(FaultKind::ResetBeforeApply));
        assert_eq!(faults.take("GET", &["/websocket/public"], None, false), None);
        assert!(faults.take("GET", &["/public/markets"], None, true).is_some());
    }
}

//! One delivery: an event on its way to a receiver, with its attempts.

use super::{faults::WebhookFault, signature};
use crate::{base::id::AccountId, exchange::notice::Webhook};
use serde::{Deserialize, Serialize};

/// How long the exchange waits before each retry (the documents' section "Successful Response Requirement"). The time begins with the
/// end of the attempt before it.
pub(crate) const RETRIES_MS: [i64; 7] = [30_000, 60_000, 300_000, 600_000, 1_800_000, 3_600_000, 7_200_000];

/// How far a delivery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WebhookState {
    /// Nobody gets it: neither the payment reference, nor the account, nor one that manages it has a webhook.
    NoReceiver,
    /// An attempt is on its way, or waits for its time.
    Waiting,
    /// It waits for the next delivery ([`WebhookFault::OutOfOrder`]).
    Held,
    /// The receiver has answered with a status from 200 to 299.
    Delivered,
    /// The first attempt and all seven retries failed.
    GivenUp,
    /// The sandbox does not send it to this receiver: it is on another machine, or needs TLS.
    NotSent,
    /// A fault has dropped it ([`WebhookFault::Never`]).
    Dropped,
}

/// Why an attempt is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AttemptReason {
    /// The event has just happened.
    First,
    /// The attempt before it failed.
    Retry,
    /// A fault sends the delivery twice ([`WebhookFault::Twice`]).
    Copy,
    /// The control door asked for it.
    ByHand,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AttemptEnd {
    /// The receiver has answered with this status.
    Status(u16),
    /// There was no answer, and why.
    Failed(String),
    /// The attempt was not made, and why.
    NotMade(String),
}

impl AttemptEnd {
    fn is_success(&self) -> bool {
        matches!(self, Self::Status(200..300))
    }
}

/// One attempt of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attempt {
    pub(crate) reason: AttemptReason,
    /// When it became due.
    pub(crate) at_ms: i64,
    /// When and how it ended.
    pub(crate) end: Option<(i64, AttemptEnd)>,
}

/// Who gets a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Receiver {
    /// The account whose webhook it is; `None` if it is the payment reference's own.
    pub(crate) account: Option<AccountId>,
    /// As it was when the event happened.
    pub(crate) webhook: Webhook,
}

/// A delivery.
#[derive(Debug)]
pub(crate) struct Delivery {
    /// From 1, one more for each delivery.
    pub(crate) number: u64,
    pub(crate) event: String,
    /// The account that it is about.
    pub(crate) account: AccountId,
    pub(crate) receiver: Option<Receiver>,
    /// The body of every attempt, byte for byte.
    pub(crate) body: String,
    pub(crate) at_ms: i64,
    pub(crate) fault: Option<WebhookFault>,
    pub(crate) state: WebhookState,
    /// When the next attempt is due, if it waits for its time.
    pub(crate) next_at_ms: Option<i64>,
    pub(crate) attempts: Vec<Attempt>,
    /// The delivery that is held back until the first attempt of this one has ended.
    pub(super) releases: Option<u64>,
}

/// What the end of an attempt leads to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    Nothing,
    /// A retry at this time.
    RetryAt(i64),
}

impl Delivery {
    /// Whether no attempt is on its way or planned.
    pub(super) fn is_finished(&self) -> bool {
        !matches!(self.state, WebhookState::Waiting | WebhookState::Held)
            && self.attempts.iter().all(|attempt| attempt.end.is_some())
    }

    /// Notes the end of an attempt. `None` if there is no such attempt, or if it has ended before.
    pub(super) fn end(&mut self, attempt: usize, end: AttemptEnd, at_ms: i64) -> Option<Next> {
        let ended = self.attempts.get_mut(attempt).filter(|attempt| attempt.end.is_none())?;
        let reason = ended.reason;
        let (is_success, is_made) = (end.is_success(), !matches!(end, AttemptEnd::NotMade(_)));
        ended.end = Some((at_ms, end));
        if is_success {
            (self.state, self.next_at_ms) = (WebhookState::Delivered, None);
            return Some(Next::Nothing);
        }
        let is_scheduled = matches!(reason, AttemptReason::First | AttemptReason::Retry);
        if !is_scheduled || self.state != WebhookState::Waiting {
            return Some(Next::Nothing);
        }
        if !is_made {
            self.state = WebhookState::NotSent;
            return Some(Next::Nothing);
        }
        let retries = self.attempts.iter().filter(|attempt| attempt.reason == AttemptReason::Retry).count();
        let Some(wait_ms) = RETRIES_MS.get(retries) else {
            self.state = WebhookState::GivenUp;
            return Some(Next::Nothing);
        };
        let next_ms = at_ms.saturating_add(*wait_ms);
        self.next_at_ms = Some(next_ms);
        Some(Next::RetryAt(next_ms))
    }

    /// What an attempt sends. The fault, if there is one, is in the first attempt and its copy.
    pub(super) fn outgoing(&self, attempt: usize) -> Option<Outgoing> {
        let reason = self.attempts.get(attempt)?.reason;
        let is_first = matches!(reason, AttemptReason::First | AttemptReason::Copy);
        let request = self.request(self.fault.filter(|_| is_first))?;
        Some(Outgoing { delivery: self.number, attempt, reason, request })
    }

    /// The request of an attempt with this fault. `None` if there is no receiver.
    pub(super) fn request(&self, fault: Option<WebhookFault>) -> Option<Request> {
        let webhook = &self.receiver.as_ref()?.webhook;
        let header = match fault {
            Some(WebhookFault::WrongSecret) => {
                signature::header(&signature::with_wrong_secret(webhook), self.body.as_bytes())
            }
            _ => signature::header(webhook, self.body.as_bytes()),
        };
        let body = match fault {
            Some(WebhookFault::OtherBody) => signature::with_other_byte(&self.body),
            _ => self.body.clone().into_bytes(),
        };
        Some(Request { url: webhook.url.clone(), header, body })
    }
}

/// An attempt that is due.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) delivery: u64,
    /// Its place in the list of attempts.
    pub(crate) attempt: usize,
    pub(crate) reason: AttemptReason,
    pub(crate) request: Request,
}

/// What an attempt sends. `Debug` hides the header, which may be the secret itself.
pub(crate) struct Request {
    pub(crate) url: String,
    /// The value of the header `X-Auth-Webhook`.
    pub(crate) header: Option<String>,
    pub(crate) body: Vec<u8>,
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request").field("url", &self.url).finish_non_exhaustive()
    }
}

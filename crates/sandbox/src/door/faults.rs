//! Faults of REST calls.

use super::{
    control::{Control, unreadable},
    operation::{Operation, done},
};
use crate::{
    base::refusal::Refusal,
    host::faults::{Fault, FaultKind},
};
use serde::Deserialize;

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        library: "inject, fail_next",
        method: "POST",
        path: "faults",
        about: r#"`{"kind","method","path","api_key","times","status","body","content_type","delay_ms","retry_after_s"}`; kinds `answer`, `too_many_requests`, `reset_before_apply`, `reset_after_apply`, `answer_after_apply`, `delay`, `delay_after_apply`"#,
        run: |control, input| {
            control.inject(input.read::<NewFault>()?.fault()?);
            done()
        },
    },
    Operation {
        library: "clear_faults",
        method: "POST",
        path: "faults/clear",
        about: "removes all faults of calls, frames and webhooks, and the throttle; sends the webhook that was held back",
        run: |control, _| {
            control.clear_faults();
            done()
        },
    },
];

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Answer,
    TooManyRequests,
    ResetBeforeApply,
    ResetAfterApply,
    AnswerAfterApply,
    Delay,
    DelayAfterApply,
}

/// A fault as sent; `kind` decides which of the other fields are used.
#[derive(Deserialize)]
pub(super) struct NewFault {
    kind: Kind,
    method: Option<String>,
    path: Option<String>,
    api_key: Option<String>,
    times: Option<u32>,
    status: Option<u16>,
    body: Option<String>,
    content_type: Option<String>,
    delay_ms: Option<u64>,
    retry_after_s: Option<u32>,
}

impl NewFault {
    pub(super) fn fault(self) -> Result<Fault, Refusal> {
        let status = || self.status.filter(|status| (200..600).contains(status)).ok_or_else(unreadable);
        let (body, content_type) = (self.body.unwrap_or_default(), self.content_type);
        let kind = match self.kind {
            Kind::Answer => FaultKind::Answer { status: status()?, body, content_type },
            Kind::TooManyRequests => FaultKind::TooManyRequests { retry_after_s: self.retry_after_s },
            Kind::ResetBeforeApply => FaultKind::ResetBeforeApply,
            Kind::ResetAfterApply => FaultKind::ResetAfterApply,
            Kind::AnswerAfterApply => FaultKind::AnswerAfterApply { status: status()?, body, content_type },
            Kind::Delay => FaultKind::Delay(self.delay_ms.ok_or_else(unreadable)?),
            Kind::DelayAfterApply => FaultKind::DelayAfterApply(self.delay_ms.ok_or_else(unreadable)?),
        };
        let Self { method, path, api_key, times, .. } = self;
        Ok(Fault { kind, method, path, api_key, times: times.unwrap_or(1) })
    }
}

impl Control {
    /// Plans a fault for the next REST calls or handshakes. Up to 1,000 faults can be planned; further ones are ignored.
    pub fn inject(&self, fault: Fault) {
        self.host.faults.add(fault);
    }

    /// Answers the next `n` REST calls with this; they are not carried out. For handshakes use [`inject`](Self::inject).
    pub fn fail_next(&self, n: u32, status: u16, body: &str, content_type: Option<&str>) {
        let content_type = content_type.map(str::to_owned);
        self.inject(Fault::next(FaultKind::Answer { status, body: body.to_owned(), content_type }).times(n));
    }

    /// Removes every planned fault of calls, frames and webhooks, lets sockets send at full speed again, and sends the webhook that
    /// was held back. Frozen sockets stay frozen.
    pub fn clear_faults(&self) {
        self.host.faults.clear();
        self.host.hub.clear_troubles();
        self.clear_webhook_faults();
    }
}

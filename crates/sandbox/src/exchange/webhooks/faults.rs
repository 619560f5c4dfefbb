//! Faults of deliveries on request: twice, out of order, never, late, forged.
//!
//! They are part of the state, unlike the faults of calls and frames, because they decide what the log of the deliveries says.

use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// What goes wrong with the first attempt of a delivery. Retries are sent as they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WebhookFault {
    /// It is sent twice, the second time right after the first has ended, whatever its end was.
    Twice,
    /// It is sent only after the first attempt of the next delivery has ended.
    OutOfOrder,
    /// It is not sent at all, and never again. The log shows it.
    Never,
    /// It is sent this many milliseconds later, on the exchange's clock.
    Slow(u32),
    /// Its header is made with another secret. Without a protocol there is no header, and nothing changes.
    WrongSecret,
    /// One byte of its body is changed after the body was signed.
    OtherBody,
}

/// The largest number of planned faults; further ones are ignored.
const MOST: usize = 1_000;

/// A planned fault.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Plan {
    /// Only deliveries of this event.
    event: Option<String>,
    fault: WebhookFault,
    times: u32,
}

/// The planned faults that are not used up, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Planned(VecDeque<Plan>);

impl Planned {
    pub(super) fn add(&mut self, event: Option<String>, fault: WebhookFault, times: u32) {
        if times > 0 && self.0.len() < MOST {
            self.0.push_back(Plan { event, fault, times });
        }
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Takes the oldest fault for a delivery of this event, once. While another delivery is held back, none of
    /// [`WebhookFault::OutOfOrder`]: the two would wait for each other.
    pub(super) fn take(&mut self, event: &str, one_is_held: bool) -> Option<WebhookFault> {
        let fits = |plan: &Plan| {
            plan.event.as_ref().is_none_or(|wanted| wanted == event)
                && !(one_is_held && plan.fault == WebhookFault::OutOfOrder)
        };
        let place = self.0.iter().position(fits)?;
        let plan = self.0.get_mut(place)?;
        let fault = plan.fault;
        plan.times -= 1;
        if plan.times == 0 {
            self.0.remove(place);
        }
        Some(fault)
    }
}

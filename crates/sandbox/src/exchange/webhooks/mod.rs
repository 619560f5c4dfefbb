//! Webhooks: what the exchange tells programs of others. The state knows which attempts are due, and what came of them; it sends
//! nothing itself. `wire` sends what is due, and reports the end of each attempt as a command, so that a record has it too.
//!
//! 1. A delivery is made right after the command or the timer that announced its event. Its receiver and its body never change.
//! 2. An attempt is due until its end is noted. A delivery with a failed attempt waits for the next of seven retries.
//! 3. The attempts of one delivery are made one after the other.
//! 4. The newest deliveries are kept, and older ones until they are finished.

pub(crate) mod delivery;
pub(crate) mod faults;
pub(crate) mod signature;
#[cfg(test)]
mod tests;

use self::{
    delivery::{
        Attempt, AttemptEnd, AttemptReason, Delivery, Next, Outgoing, Receiver, Request, WebhookState,
    },
    faults::{Planned, WebhookFault},
};
use super::{
    command::{Command, Due, Holds, Replayable, replayable},
    desk::{Desk, Part},
    notice::Notice,
};
use crate::base::id::AccountId;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    ops::Bound,
};

/// How many of the newest deliveries are kept. Older ones are kept until they are finished.
const KEPT: u64 = 10_000;

/// The deliveries, and what is to be sent.
#[derive(Debug, Default)]
pub(crate) struct Webhooks {
    /// By their numbers.
    deliveries: BTreeMap<u64, Delivery>,
    /// The number of the newest one.
    newest: u64,
    /// Those that nothing will happen to by itself.
    finished: BTreeSet<u64>,
    /// The attempts that are due: number of the delivery, place of the attempt.
    due: VecDeque<(u64, usize)>,
    planned: Planned,
    /// The delivery that waits for the next one.
    held: Option<u64>,
    /// Events that the control door asked for, and whose receiver is not yet chosen.
    asked: VecDeque<SendEvent>,
}

/// The body of an event: its name, then its fields in their order, without white space.
pub(crate) fn body<'a>(event: &str, fields: impl Iterator<Item = (&'a str, String)>) -> String {
    // By hand, because a map of `serde_json` sorts the fields. `Display` of a `Value` writes JSON.
    let mut body = format!(r#"{{"event":{}"#, Json::from(event));
    for (name, value) in fields {
        body.push_str(&format!(",{}:{value}", Json::from(name)));
    }
    body.push('}');
    body
}

impl From<&Notice> for SendEvent {
    fn from(notice: &Notice) -> Self {
        let fields = notice.fields.iter().map(|(name, value)| (*name, value.to_string()));
        let Notice { account, event, .. } = notice;
        Self { account: *account, event: (*event).to_owned(), body: body(event, fields) }
    }
}

impl Webhooks {
    /// The deliveries with a number above `after`, the oldest first.
    pub(crate) fn after(&self, after: u64) -> impl Iterator<Item = &Delivery> {
        self.deliveries.range((Bound::Excluded(after), Bound::Unbounded)).map(|(_, delivery)| delivery)
    }

    /// The number of the newest delivery; 0 if there is none.
    pub(crate) fn newest(&self) -> u64 {
        self.newest
    }

    /// What a delivery sends, without its fault. `None` if it is unknown or has no receiver.
    pub(crate) fn request(&self, number: u64) -> Option<Request> {
        self.get(number)?.request(None)
    }

    /// The delivery of this number, unless it was dropped.
    pub(crate) fn get(&self, number: u64) -> Option<&Delivery> {
        self.deliveries.get(&number)
    }

    fn get_mut(&mut self, number: u64) -> Option<&mut Delivery> {
        self.deliveries.get_mut(&number)
    }

    /// Notes whether a delivery is finished, and drops those that are finished and too old.
    fn settle(&mut self, number: u64) {
        if self.get(number).is_some_and(Delivery::is_finished) {
            self.finished.insert(number);
        } else {
            self.finished.remove(&number);
        }
        let last_dropped = self.newest.saturating_sub(KEPT);
        while let Some(oldest) = self.finished.first().copied().filter(|oldest| *oldest <= last_dropped) {
            self.finished.remove(&oldest);
            self.deliveries.remove(&oldest);
        }
    }

    /// How many attempts are due, those on their way included.
    pub(crate) fn due_attempts(&self) -> usize {
        self.due.len()
    }

    /// The attempt that became due first, of a delivery that is not busy with another one. It stays due until its end is noted.
    pub(crate) fn next_attempt(&self, is_busy: impl Fn(u64) -> bool) -> Option<Outgoing> {
        let &(number, attempt) = self.due.iter().find(|(number, _)| !is_busy(*number))?;
        self.get(number)?.outgoing(attempt)
    }

    /// Takes the next event whose receiver is to be chosen.
    pub(super) fn next_asked(&mut self) -> Option<SendEvent> {
        self.asked.pop_front()
    }

    /// Makes a delivery, and its first attempt, unless there is no receiver or a fault says otherwise.
    pub(super) fn deliver(
        &mut self,
        event: SendEvent,
        receiver: Option<Receiver>,
        desk: &mut Desk,
        at_ms: i64,
    ) {
        let number = self.newest + 1;
        self.newest = number;
        let SendEvent { account, event, body } = event;
        let fault = match receiver {
            Some(_) => self.planned.take(&event, self.held.is_some()),
            None => None,
        };
        let state = match (&receiver, fault) {
            (None, _) => WebhookState::NoReceiver,
            (_, Some(WebhookFault::Never)) => WebhookState::Dropped,
            (_, Some(WebhookFault::OutOfOrder)) => WebhookState::Held,
            _ => WebhookState::Waiting,
        };
        let is_sent = state == WebhookState::Waiting;
        let releases = if is_sent { self.held.take() } else { None };
        let (next_at_ms, attempts) = (None, Vec::new());
        let delivery = Delivery {
            number,
            event,
            account,
            receiver,
            body,
            at_ms,
            fault,
            state,
            next_at_ms,
            attempts,
            releases,
        };
        self.deliveries.insert(number, delivery);
        match fault {
            Some(WebhookFault::OutOfOrder) => self.held = Some(number),
            Some(WebhookFault::Slow(ms)) => self.wait(number, at_ms.saturating_add(ms.into()), desk),
            _ if is_sent => self.begin(number, at_ms),
            _ => {}
        }
        self.settle(number);
    }

    fn wait(&mut self, number: u64, until_ms: i64, desk: &mut Desk) {
        if let Some(delivery) = self.get_mut(number) {
            delivery.next_at_ms = Some(until_ms);
            desk.timers.set(until_ms, (Part::Webhooks, number));
        }
    }

    /// Makes the first attempt due.
    fn begin(&mut self, number: u64, at_ms: i64) {
        self.attempt(number, AttemptReason::First, at_ms);
        if self.get(number).is_some_and(|delivery| delivery.fault == Some(WebhookFault::Twice)) {
            self.attempt(number, AttemptReason::Copy, at_ms);
        }
    }

    /// Makes an attempt due.
    fn attempt(&mut self, number: u64, reason: AttemptReason, at_ms: i64) {
        let Some(delivery) = self.get_mut(number) else { return };
        delivery.attempts.push(Attempt { reason, at_ms, end: None });
        let attempt = delivery.attempts.len() - 1;
        self.due.push_back((number, attempt));
    }

    /// Sends a delivery that was held back, if it still is.
    fn release(&mut self, number: u64, at_ms: i64) {
        let held = self.get_mut(number).filter(|delivery| delivery.state == WebhookState::Held);
        if let Some(delivery) = held {
            delivery.state = WebhookState::Waiting;
            self.begin(number, at_ms);
        }
    }
}

impl Due for Webhooks {
    /// Makes the attempt due that was planned for this time. A delivery that has arrived in the meantime has no such plan any more.
    fn due(&mut self, number: u64, _desk: &mut Desk, at_ms: i64) {
        let waiting = self.get_mut(number).filter(|delivery| delivery.next_at_ms == Some(at_ms));
        let Some(delivery) = waiting else { return };
        delivery.next_at_ms = None;
        if delivery.attempts.iter().any(|attempt| attempt.reason == AttemptReason::First) {
            self.attempt(number, AttemptReason::Retry, at_ms);
        } else {
            self.begin(number, at_ms);
        }
    }
}

/// The commands of this folder.
pub(crate) fn commands<E: Holds<Webhooks>>() -> [Replayable<E>; 5] {
    [
        replayable::<E, SendEvent>(),
        replayable::<E, EndAttempt>(),
        replayable::<E, SendAgain>(),
        replayable::<E, DisturbWebhooks>(),
        replayable::<E, ClearWebhookFaults>(),
    ]
}

/// Sends an event about an account. The answer is the number of its delivery.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SendEvent {
    pub(crate) account: AccountId,
    pub(crate) event: String,
    pub(crate) body: String,
}

impl Command for SendEvent {
    const NAME: &'static str = "send_event";
    type Part = Webhooks;
    type Answer = u64;

    fn run(self, webhooks: &mut Webhooks, _desk: &mut Desk, _at_ms: i64) -> u64 {
        webhooks.asked.push_back(self);
        webhooks.newest() + 1
    }
}

/// Notes how an attempt ended. One that has ended before stays as it is.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct EndAttempt {
    pub(crate) delivery: u64,
    /// Its place in the list of attempts.
    pub(crate) attempt: usize,
    pub(crate) end: AttemptEnd,
}

impl Command for EndAttempt {
    const NAME: &'static str = "end_attempt";
    type Part = Webhooks;
    type Answer = ();

    fn run(self, webhooks: &mut Webhooks, desk: &mut Desk, at_ms: i64) {
        let Self { delivery: number, attempt, end } = self;
        let Some(delivery) = webhooks.get_mut(number) else { return };
        let Some(next) = delivery.end(attempt, end, at_ms) else { return };
        let was_first =
            delivery.attempts.get(attempt).is_some_and(|attempt| attempt.reason == AttemptReason::First);
        let released = if was_first { delivery.releases.take() } else { None };
        webhooks.due.retain(|due| *due != (number, attempt));
        if let Next::RetryAt(next_ms) = next {
            desk.timers.set(next_ms, (Part::Webhooks, number));
        }
        if let Some(held) = released {
            webhooks.release(held, at_ms);
        }
        webhooks.settle(number);
    }
}

/// Why a delivery cannot be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotAgain {
    Unknown,
    NoReceiver,
}

/// Sends a delivery again now, whatever its state is. Its retries go on as planned, unless this attempt arrives.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SendAgain {
    pub(crate) delivery: u64,
}

impl Command for SendAgain {
    const NAME: &'static str = "send_webhook_again";
    type Part = Webhooks;
    type Answer = Result<(), NotAgain>;

    fn run(self, webhooks: &mut Webhooks, _desk: &mut Desk, at_ms: i64) -> Result<(), NotAgain> {
        let delivery = webhooks.get(self.delivery).ok_or(NotAgain::Unknown)?;
        if delivery.receiver.is_none() {
            return Err(NotAgain::NoReceiver);
        }
        webhooks.attempt(self.delivery, AttemptReason::ByHand, at_ms);
        webhooks.settle(self.delivery);
        Ok(())
    }
}

/// Plans a fault for the next deliveries that have a receiver.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct DisturbWebhooks {
    /// Only those of this event.
    pub(crate) event: Option<String>,
    pub(crate) fault: WebhookFault,
    pub(crate) times: u32,
}

impl Command for DisturbWebhooks {
    const NAME: &'static str = "disturb_webhooks";
    type Part = Webhooks;
    type Answer = ();

    fn run(self, webhooks: &mut Webhooks, _desk: &mut Desk, _at_ms: i64) {
        webhooks.planned.add(self.event, self.fault, self.times);
    }
}

/// Forgets the planned faults, and sends the delivery that is held back.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ClearWebhookFaults {}

impl Command for ClearWebhookFaults {
    const NAME: &'static str = "clear_webhook_faults";
    type Part = Webhooks;
    type Answer = ();

    fn run(self, webhooks: &mut Webhooks, _desk: &mut Desk, at_ms: i64) {
        webhooks.planned.clear();
        // The one that is held, and one whose next delivery is on its way.
        let waiting = webhooks.deliveries.values_mut().filter_map(|delivery| delivery.releases.take());
        let released: Vec<u64> = webhooks.held.take().into_iter().chain(waiting).collect();
        for number in released {
            webhooks.release(number, at_ms);
        }
    }
}

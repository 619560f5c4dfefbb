//! The attempts of webhooks that are due: who takes them, and what is noted of their end.

use super::{Host, State};
use crate::exchange::webhooks::{
    EndAttempt,
    delivery::{AttemptEnd, AttemptReason, Outgoing},
};
use std::sync::atomic::Ordering;

/// Why the attempts of a replayed record are not made.
const REPLAYED: &str =
    "the event is from a replayed record, and its receiver was told at that time; send it again by hand";

impl Host {
    /// Wakes who sends webhooks, if an attempt is due that nobody has taken.
    pub(super) fn tell_sender(&self, state: &State) {
        if state.exchange.webhooks().due_attempts() > state.sending.len() {
            self.due_attempt.notify_one();
        }
    }

    /// Resolves when an attempt may be due.
    pub(crate) async fn attempt_is_due(&self) {
        self.due_attempt.notified().await;
    }

    /// Takes the next attempt that is due. No other one of the same delivery is given out before [`Self::end_attempt`].
    pub(crate) fn next_attempt(&self) -> Option<Outgoing> {
        let mut state = self.state();
        loop {
            let sending = &state.sending;
            let outgoing = state.exchange.webhooks().next_attempt(|delivery| sending.contains(&delivery))?;
            let is_old = outgoing.delivery <= self.last_replayed.load(Ordering::Relaxed);
            if !is_old || outgoing.reason == AttemptReason::ByHand {
                state.sending.insert(outgoing.delivery);
                return Some(outgoing);
            }
            let Outgoing { delivery, attempt, .. } = outgoing;
            let end = AttemptEnd::NotMade(REPLAYED.to_owned());
            state.command(&self.clock, EndAttempt { delivery, attempt, end });
        }
    }

    /// Notes how an attempt ended.
    pub(crate) fn end_attempt(&self, delivery: u64, attempt: usize, end: AttemptEnd) {
        let mut state = self.state();
        state.sending.remove(&delivery);
        state.command(&self.clock, EndAttempt { delivery, attempt, end });
        self.tell_sender(&state);
        drop(state);
        // A retry may be due before what the worker waits for.
        self.wake.notify_one();
    }

    /// Makes no further attempt of the deliveries that are known now, except by hand.
    pub(crate) fn send_no_old_webhooks(&self) {
        let newest = self.read(|exchange| exchange.webhooks().newest());
        self.last_replayed.store(newest, Ordering::Relaxed);
    }
}

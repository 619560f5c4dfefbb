//! Runs a handler: its deadline, its panics, and what becomes of its event.

use crate::{
    Ended, Failed, Handler, Inbox, Incoming, Notice, Store, StoreError, Work, notice::Observer,
    throttle::Throttle,
};
use capecrypto_auth::Clock;
use capecrypto_models::Timestamp;
use std::{
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    sync::Arc,
    task::Poll,
    time::{Duration, SystemTime},
};
use tokio::time::{Instant, timeout};
use tracing::Instrument as _;

/// How long a question to the store may take.
pub(crate) const STORE_WITHIN: Duration = Duration::from_secs(5);

/// Longest reason that is kept with a failure, in bytes.
const LONGEST_REASON: usize = 1_000;

/// What receivers, workers and reconciliations have in common.
#[derive(Debug, Clone)]
pub(crate) struct Handling {
    pub(crate) clock: Clock,
    pub(crate) deadline: Duration,
    pub(crate) observer: Observer,
    /// The store is down. Clones share it, so that the log has it once a minute for all of them.
    down: Arc<Throttle>,
}

/// What became of an event that was handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ran {
    Finished,
    Failed,
    Lost,
}

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Something panicked.
pub(crate) struct Panicked;

impl Handling {
    pub(crate) fn new(deadline: Duration) -> Self {
        Self { clock: Clock::system(), deadline, observer: Observer::default(), down: Arc::default() }
    }

    pub(crate) fn now(&self) -> Timestamp {
        let since_1970 = Duration::from_millis(self.clock.now_ms());
        SystemTime::UNIX_EPOCH.checked_add(since_1970).unwrap_or(SystemTime::UNIX_EPOCH).into()
    }

    /// Asks the store. An error was told when this returns.
    pub(crate) async fn ask<T, E>(
        &self,
        question: impl Future<Output = Result<T, E>>,
    ) -> Result<T, StoreError>
    where
        E: std::error::Error + Send + Sync + 'static,
    {
        if !has_timers() {
            return Err(self.is_down(StoreError::NoRuntime));
        }
        Err(self.is_down(match timeout(STORE_WITHIN, caught(question)).await {
            Ok(Ok(Ok(answer))) => {
                if let Some(failures) = self.down.over() {
                    tracing::info!(failures, "the inbox's store works again");
                }
                return Ok(answer);
            }
            Ok(Ok(Err(error))) => StoreError::Failed(Box::new(error)),
            Ok(Err(Panicked)) => StoreError::Panicked,
            Err(_) => StoreError::Silent(STORE_WITHIN),
        }))
    }

    /// Tells that the store is of no use now.
    pub(crate) fn is_down(&self, error: StoreError) -> StoreError {
        if let Some(failures) = self.down.count() {
            tracing::error!(failures, %error, "the inbox's store is down: deliveries are answered 503, and nothing is lost as long as they are sent again");
        }
        self.observer.tell(Notice::StoreDown(&error));
        error
    }

    /// Runs a handler until it has finished, its deadline is over, or `cut` is ready. Records the end of its event; an error means that
    /// it may not have been recorded.
    ///
    /// Boxed, as the handler's future is, because the oldest compiler that we promise cannot see otherwise that they may be spawned.
    pub(crate) fn run<'a, E: Send + 'a, S: Store, H: Handler<S, E>>(
        &'a self,
        inbox: &'a Inbox<S>,
        mut work: Work<'a, S>,
        handler: &'a H,
        incoming: Incoming<E>,
        cut: impl Future<Output = ()> + Send + 'a,
    ) -> Boxed<'a, Result<Ran, StoreError>> {
        Box::pin(async move {
            let (key, attempt, last) = (incoming.key.clone(), incoming.attempt, work.is_last());
            let key = &key;
            let deadline = self.deadline.min(inbox.longest_handling());
            self.observer.tell(Notice::Started { key, attempt });
            let span = tracing::debug_span!("webhook", %key, attempt);
            let started = Instant::now();
            let ended = {
                let transaction = work.transaction();
                // A handler may already panic before it answers its future.
                let begin = || -> Boxed<'_, _> { Box::pin(handler.handle(incoming, transaction)) };
                match span.in_scope(|| catch_unwind(AssertUnwindSafe(begin))) {
                    Ok(handled) => timeout(deadline, first(caught(handled), cut)).instrument(span).await,
                    Err(_) => Ok(Some(Err(Panicked))),
                }
            };
            let took = started.elapsed();
            let text;
            let why = match ended {
                Ok(Some(Ok(Ok(())))) => {
                    return Ok(match self.ask(work.finish(self.now())).await? {
                        Ended::Kept => {
                            tracing::debug!(%key, attempt, "an event was handled");
                            self.observer.tell(Notice::Finished { key, attempt, took });
                            Ran::Finished
                        }
                        Ended::Lost => {
                            tracing::warn!(%key, attempt, "the handler of an event took longer than the lease, and the event was given again: it has blocked its thread, or the clocks of two machines differ");
                            self.observer.tell(Notice::Lost { key, attempt, took });
                            Ran::Lost
                        }
                    });
                }
                Ok(Some(Ok(Err(error)))) => {
                    text = shortened(error.to_string());
                    Failed::Error(&text)
                }
                Ok(Some(Err(Panicked))) => Failed::Panic,
                Ok(None) => Failed::Stopped,
                Err(_) => Failed::Deadline(deadline),
            };
            let word = why.word();
            let reason = if let Failed::Error(text) = why { text } else { word };
            // The reason is the program's own text, which may quote the event. It is for the observer and `Inbox::dead`.
            if last {
                tracing::error!(%key, attempt, last, why = word, "the handler of an event has failed for the last time: fix the cause, then call Inbox::retry");
            } else {
                tracing::warn!(%key, attempt, last, why = word, "the handler of an event has failed");
            }
            self.observer.tell(Notice::Failed { key, attempt, why, last, took });
            // If the event was given to another handler meanwhile, nothing is to be recorded.
            let (Ended::Kept | Ended::Lost) = self.ask(work.fail(reason, self.now())).await?;
            Ok(Ran::Failed)
        })
    }
}

/// A text that is not longer than what is kept.
fn shortened(mut text: String) -> String {
    let end = (0..=LONGEST_REASON.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    text.truncate(end.unwrap_or_default());
    text
}

/// Ends with an error if the future panics.
pub(crate) async fn caught<T>(future: impl Future<Output = T>) -> Result<T, Panicked> {
    let mut future = pin!(future);
    poll_fn(|context| {
        // After a panic, the future is not polled again.
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
            Ok(poll) => poll.map(Ok),
            Err(_) => Poll::Ready(Err(Panicked)),
        }
    })
    .await
}

/// The answer of a future, or `None` if `cut` is ready before it.
pub(crate) async fn first<T>(future: impl Future<Output = T>, cut: impl Future<Output = ()>) -> Option<T> {
    let (mut future, mut cut) = (pin!(future), pin!(cut));
    poll_fn(|context| {
        if let Poll::Ready(answer) = future.as_mut().poll(context) {
            return Poll::Ready(Some(answer));
        }
        cut.as_mut().poll(context).map(|()| None)
    })
    .await
}

/// Whether the current task has a tokio runtime with timers. Without it, tokio would panic.
pub(crate) fn has_timers() -> bool {
    catch_unwind(|| drop(tokio::time::sleep(Duration::ZERO))).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_reason_is_cut_between_characters() {
        assert_eq!(shortened("short".to_owned()), "short");
        assert_eq!(shortened("x".repeat(2_000)).len(), LONGEST_REASON);
        let cut = shortened(format!("x{}", "é".repeat(1_000)));
        assert_eq!((cut.len(), cut.chars().last()), (999, Some('é')));
    }
}

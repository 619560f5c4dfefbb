//! What happened, for metrics and for alarms.

use crate::{EventKey, Rejection};
use capecrypto_models::Timestamp;
use std::{
    error::Error,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

/// Something that happened to a delivery or an event. It holds no secret, and of an event only the key.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Notice<'a> {
    /// A delivery was refused.
    Rejected(&'a Rejection),
    /// The sender of a delivery is proved. What becomes of it is told next.
    Verified {
        /// The event.
        key: &'a EventKey,
        /// The name of the secret that fitted; `None` if the verifier is
        /// [`unauthenticated`](crate::Verifier::unauthenticated). When an old one is not named any more, it can be removed.
        secret_name: Option<&'a str>,
    },
    /// The store keeps an event for a worker.
    Queued {
        /// The event.
        key: &'a EventKey,
    },
    /// A delivery came whose event is finished, or, if a worker handles it, is known.
    Duplicate {
        /// The event.
        key: &'a EventKey,
    },
    /// A delivery came while another one of the same event was being handled.
    Running {
        /// The event.
        key: &'a EventKey,
        /// When that one's lease is over.
        until: Timestamp,
    },
    /// A delivery came whose event has failed too often. It waits for [`Inbox::retry`](crate::Inbox::retry).
    Dead {
        /// The event.
        key: &'a EventKey,
    },
    /// An event is too old to tell whether it was handled before, so it was not handled: see
    /// [`Taken::Stale`](crate::Taken::Stale). Look its payment reference up.
    Stale {
        /// The event.
        key: &'a EventKey,
        /// The time that it names.
        time: Timestamp,
    },
    /// A handler was started.
    Started {
        /// The event.
        key: &'a EventKey,
        /// Which attempt it is, from 1.
        attempt: u32,
    },
    /// A handler has finished, and the store has kept that.
    Finished {
        /// The event.
        key: &'a EventKey,
        /// Which attempt it was.
        attempt: u32,
        /// How long the handler took.
        took: Duration,
    },
    /// A handler has failed. Its event is given again, unless this was the last attempt.
    Failed {
        /// The event.
        key: &'a EventKey,
        /// Which attempt it was.
        attempt: u32,
        /// Why.
        why: Failed<'a>,
        /// Whether it was the last attempt. The event is dead now.
        last: bool,
        /// How long the handler took.
        took: Duration,
    },
    /// A handler has finished after the lease of its event was over, and another one has got the event. A store with
    /// transactions has undone what this one wrote.
    Lost {
        /// The event.
        key: &'a EventKey,
        /// Which attempt it was.
        attempt: u32,
        /// How long the handler took.
        took: Duration,
    },
    /// The store cannot be reached, or does not answer. It is told each time; the log has it once a minute.
    StoreDown(&'a StoreError),
}

/// Why a handler has failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failed<'a> {
    /// It answered an error with this text.
    Error(&'a str),
    /// It had not finished after this time.
    Deadline(Duration),
    /// It panicked.
    Panic,
    /// The worker was stopped, and the handler had not finished after the time for that.
    Stopped,
}

impl Failed<'_> {
    /// A word for it: `error`, `deadline`, `panic` or `stopped`.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Error(_) => "error",
            Self::Deadline(_) => "deadline",
            Self::Panic => "panic",
            Self::Stopped => "stopped",
        }
    }
}

/// Why the store is of no use.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Its own error.
    #[error("{0}")]
    Failed(#[source] Box<dyn Error + Send + Sync>),
    /// It did not answer within this time. It may have done what was asked.
    #[error("the store did not answer within {} ms", .0.as_millis())]
    Silent(Duration),
    /// Its code panicked.
    #[error("the code of the store panicked")]
    Panicked,
    /// There is no tokio runtime with timers, so the store was not asked: nothing could end the wait.
    #[error(
        "there is no tokio runtime with timers here: call this within one, built with `enable_time` or `enable_all`"
    )]
    NoRuntime,
}

/// What a program wants to be told.
#[derive(Clone, Default)]
pub(crate) struct Observer(Option<Arc<Tell>>);

type Tell = dyn Fn(Notice<'_>) + Send + Sync;

impl Observer {
    pub(crate) fn new(tell: impl Fn(Notice<'_>) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(tell)))
    }

    /// A panic of it has no effect on the delivery.
    pub(crate) fn tell(&self, notice: Notice<'_>) {
        if let Some(tell) = &self.0 {
            let _ = catch_unwind(AssertUnwindSafe(|| tell(notice)));
        }
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Observer" } else { "none" })
    }
}

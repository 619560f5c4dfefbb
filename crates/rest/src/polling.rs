//! Asking again and again until something has happened.

use crate::{Client, Error};
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout_at};

/// How long, and how often, to ask until something has happened.
///
/// The pauses begin with one second and double up to 30 seconds; [`pauses`](Self::pauses) sets others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Polling {
    within: Duration,
    first: Duration,
    longest: Duration,
}

/// The shortest pause. A shorter one would only use up the rate limit.
const SHORTEST: Duration = Duration::from_millis(100);
/// The longest time, so that no deadline is out of range.
const FURTHEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

impl Polling {
    /// For at most this long, but never longer than a year. Even with zero it is asked once.
    pub fn within(time: Duration) -> Self {
        Self { within: time.min(FURTHEST), first: Duration::from_secs(1), longest: Duration::from_secs(30) }
    }

    /// Sets the first pause, which doubles until it is `longest`. Neither is shorter than 100 ms.
    #[must_use = "a setter returns the changed value"]
    pub fn pauses(self, first: Duration, longest: Duration) -> Self {
        let longest = longest.clamp(SHORTEST, FURTHEST);
        Self { first: first.clamp(SHORTEST, longest), longest, ..self }
    }
}

impl Client {
    /// Asks until there is a value, or the time is over; then the result is `None`.
    ///
    /// An error that may pass is not the end: it is asked again, and the error is returned only if the time is over after it. Any
    /// other error is returned at once. `ask` must not write anything, because it is repeated, and dropped when the time is
    /// over.
    ///
    /// # Errors
    /// As `ask`.
    pub async fn poll<T, F>(&self, polling: Polling, mut ask: impl FnMut() -> F) -> Result<Option<T>, Error>
    where
        F: Future<Output = Result<Option<T>, Error>>,
    {
        self.shared.check_any_runtime()?;
        let deadline = Instant::now() + polling.within;
        let mut pause = polling.first;
        // The first question has its own deadlines, so that there is an answer even if the time is short.
        let mut last = ask().await;
        loop {
            match last {
                Ok(Some(value)) => return Ok(Some(value)),
                Err(error) if !error.is_safe_to_retry() => return Err(error),
                _ if Instant::now() + pause >= deadline => return last,
                _ => sleep(pause).await,
            }
            pause = (pause * 2).min(polling.longest);
            match timeout_at(deadline, ask()).await {
                Ok(asked) => last = asked,
                Err(_) => return last,
            }
        }
    }
}

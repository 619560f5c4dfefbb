//! Receives callbacks: from the bytes that came to the status to answer.

use super::{Callback, Rejection, Verified, Verifier};
use capecrypto_auth::Clock;
use capecrypto_models::Timestamp;
use capecrypto_webhook::{Answer, Ended, EventKey, Inbox, Store, Taken, Work};
use http::{HeaderMap, HeaderValue, header};
use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};
use tokio::time::timeout;

/// How long a handler may take while Cabital waits for the answer. No document says how long it waits.
const DEADLINE: Duration = Duration::from_secs(10);

/// What a handler is given.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Incoming {
    /// What Cabital says.
    pub callback: Callback,
    /// The key of its event.
    pub key: EventKey,
    /// Which attempt to handle it this is, from 1.
    pub attempt: u32,
    /// The time that the delivery is signed with.
    pub signed_at: Timestamp,
}

/// Receives callbacks: checks who sent them, gives each event to a handler once, and tells the status to answer. It is for Cabital what
/// [`capecrypto_webhook::Receiver`] is for the exchange, with the same statuses. Clones are the same receiver.
///
/// | What happened | Status |
/// | --- | --- |
/// | The handler has finished, now or before; or the event is too old to tell whether it was handled | 200 |
/// | The body is signed and cannot be read, or it is compressed | 400 |
/// | Nothing proves that Cabital sent it now | 401 |
/// | The body is longer than [`MAX_BODY`](super::MAX_BODY) | 413 |
/// | The handler failed or took too long; another delivery of the event is being handled; it has failed too often; the store is down | 503 |
///
/// Cabital sends whatever is not answered 2xx again, after 5 minutes, 1 hour, 5 hours and 18 hours.
///
/// A handler can be run more than once for one event: after an error, a deadline, or the end of its process. A handler that writes with
/// the store's transaction uses [`Verified::take`] instead.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// use cabital::{Scheme, callbacks::{Callback, Incoming, Receiver, Verifier}};
/// use capecrypto_auth::Credentials;
/// use capecrypto_webhook::{Inbox, MemoryStore};
///
/// let credentials = Credentials::new("partner-key", "s3cr3t")?;
/// let verifier = Verifier::new(&credentials, Scheme::default());
/// let receiver = Receiver::new(verifier, Inbox::new(MemoryStore::new()), |incoming: Incoming| async move {
///     match incoming.callback {
///         Callback::Connection(event) => println!("{} is {}", event.account_uuid, event.status),
///         Callback::Transfer(event) => println!("move {} {}, then report the result", event.amount, event.symbol),
///         other => println!("{other:?}"),
///     }
///     Ok::<(), std::io::Error>(())
/// });
/// let answer = receiver.receive("POST", "/cabital", &http::HeaderMap::new(), b"{}").await;
/// assert_eq!(answer.status, 401); // nobody has signed it
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).map_err(|error| error.to_string())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Receiver<S, H> {
    verifier: Verifier,
    inbox: Arc<Inbox<S>>,
    handler: Arc<H>,
    clock: Clock,
    deadline: Duration,
    on_rejection: Option<Arc<Tell>>,
}

type Tell = dyn Fn(&Rejection) + Send + Sync;

impl<S, H> Clone for Receiver<S, H> {
    fn clone(&self) -> Self {
        Self {
            verifier: self.verifier.clone(),
            inbox: self.inbox.clone(),
            handler: self.handler.clone(),
            clock: self.clock.clone(),
            deadline: self.deadline,
            on_rejection: self.on_rejection.clone(),
        }
    }
}

impl<S, H> fmt::Debug for Receiver<S, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver")
            .field("verifier", &self.verifier)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

impl<S, H> Receiver<S, H> {
    /// Handles each event before it is answered. A handler gets 10 seconds.
    ///
    /// The inbox may be an `Arc<Inbox<_>>`, so that the program can use it for other things. Use one for Cabital alone if its store is a
    /// queue.
    pub fn new(verifier: Verifier, inbox: impl Into<Arc<Inbox<S>>>, handler: H) -> Self {
        Self {
            verifier,
            inbox: inbox.into(),
            handler: Arc::new(handler),
            clock: Clock::system(),
            deadline: DEADLINE,
            on_rejection: None,
        }
    }

    /// How long a handler may take; 10 seconds if it is not set. Keep it well below the inbox's lease. When the time is over, the
    /// handler's future is dropped, and the answer is 503.
    #[must_use]
    pub fn deadline(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    /// Another clock than this machine's, for tests.
    #[must_use]
    pub fn clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// Tells of each delivery that is refused, for metrics and alarms. Anybody who can reach the address can cause one, so do not write a
    /// line into a log each time.
    #[must_use]
    pub fn on_rejection(self, tell: impl Fn(&Rejection) + Send + Sync + 'static) -> Self {
        Self { on_rejection: Some(Arc::new(tell)), ..self }
    }

    fn now(&self) -> Timestamp {
        let since_1970 = Duration::from_millis(self.clock.now_ms());
        SystemTime::UNIX_EPOCH.checked_add(since_1970).unwrap_or(SystemTime::UNIX_EPOCH).into()
    }
}

impl<S, H, A, E> Receiver<S, H>
where
    S: Store,
    H: Fn(Incoming) -> A,
    A: Future<Output = Result<(), E>>,
    E: fmt::Display,
{
    /// Receives a delivery, in any framework. `method` is that of the request in capital letters, `path` is the path with the query as
    /// Cabital called it, `body` the bytes as they came: do not decompress them, or parse them and write them again.
    ///
    /// If the future is dropped before its end, for example because Cabital has hung up, the handler is cut off, and the event is given
    /// again when its lease is over. To let the handler finish, spawn the future. It needs a tokio runtime with timers.
    pub async fn receive(&self, method: &str, path: &str, headers: &HeaderMap, body: &[u8]) -> Answer {
        if is_encoded(headers) {
            tracing::debug!("a callback with a compressed body was refused");
            return Answer::new(400, "refused");
        }
        let delivery = match self.verifier.verify(method, path, headers, body, self.now()) {
            Ok(delivery) => delivery,
            Err(rejection) => {
                tracing::debug!(status = rejection.status(), %rejection, "a callback was refused");
                if let Some(tell) = &self.on_rejection {
                    tell(&rejection);
                }
                return Answer::new(rejection.status(), "refused");
            }
        };
        match delivery.take(&self.inbox, self.now()).await {
            Ok(Taken::Run(work)) => self.handle(delivery, work).await,
            Ok(Taken::Finished) => Answer::new(200, "handled before"),
            Ok(Taken::Stale(_)) => Answer::new(200, "too old"),
            Ok(Taken::Running(_)) => {
                Answer::new(503, "another delivery of it is being handled: send it again")
            }
            Ok(Taken::Dead) => Answer::new(503, "it has failed too often, and waits for a person"),
            Err(error) => store_is_down(&error),
        }
    }

    async fn handle(&self, delivery: Verified, work: Work<'_, S>) -> Answer {
        let Verified { callback, key, signed_at, .. } = delivery;
        let incoming = Incoming { callback, key: key.clone(), attempt: work.attempt(), signed_at };
        let reason = match timeout(self.deadline, (self.handler)(incoming)).await {
            Ok(Ok(())) => {
                return match work.finish(self.now()).await {
                    Ok(Ended::Kept) => Answer::new(200, "handled"),
                    Ok(Ended::Lost) => Answer::new(503, "the handler took too long: send it again"),
                    Err(error) => store_is_down(&error),
                };
            }
            // The reason is the program's own text, which may quote the event. It is kept, and not logged.
            Ok(Err(error)) => error.to_string(),
            Err(_) => "deadline".to_owned(),
        };
        tracing::warn!(%key, "the handler of a callback has failed");
        match work.fail(&reason, self.now()).await {
            Ok(Ended::Kept | Ended::Lost) => Answer::new(503, "the handler has failed: send it again"),
            Err(error) => store_is_down(&error),
        }
    }
}

fn store_is_down(error: &dyn std::error::Error) -> Answer {
    tracing::error!(%error, "the inbox's store is down; nothing is lost, and callbacks are answered 503");
    Answer::new(503, "the store is down: send it again")
}

/// Whether the body has an encoding, such as `gzip`.
fn is_encoded(headers: &HeaderMap) -> bool {
    let plain = |value: &HeaderValue| value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"identity");
    !headers.get_all(header::CONTENT_ENCODING).iter().all(plain)
}

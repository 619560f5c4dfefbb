//! Receives deliveries: from the bytes that came to the status to answer.

use crate::{
    Delivery, EventKey, Handler, Inbox, Incoming, Kept, Notice, Queue, Rejection, Sender, Store, Taken,
    Verified, Verifier,
    handling::{Handling, Ran},
    notice::Observer,
    throttle::Throttle,
};
use capecrypto_auth::Clock;
use capecrypto_models::Timestamp;
use http::HeaderMap;
use std::{
    collections::HashMap,
    fmt,
    future::pending,
    mem::{Discriminant, discriminant},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// How long a handler may take while the exchange waits for the answer.
const DEADLINE: Duration = Duration::from_secs(10);

/// Receives deliveries: checks who sent them, gives each event to a handler once or keeps it for a worker, and tells the status to
/// answer.
///
/// It answers 2xx only once the event is safe. All clones are the same receiver. `V` is the [`Sender`]: the exchange, if nothing
/// else is named.
///
/// | What happened | Status |
/// | --- | --- |
/// | The handler has finished, now or before; or the event lies in the store for a worker | 200 |
/// | The event is too old to tell whether it was handled ([`Notice::Stale`]) | 200 |
/// | The body cannot be read, is compressed, or broke off | 400 |
/// | Nothing proves who sent it | 401 |
/// | Not `POST`, or another [method](Sender::METHODS) of the sender (features `tower`, `axum`) | 405 |
/// | The body took longer than 10 s (features `tower`, `axum`) | 408 |
/// | The body is longer than 1 MiB | 413 |
/// | The handler failed, panicked, or took too long; another delivery of the event is being handled; it has failed too often; the store is down | 503 |
///
/// The exchange sends whatever is not answered 2xx again, seven times within four hours.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// use capecrypto_webhook::{Inbox, Incoming, MemoryStore, Receiver, Verifier, testing};
///
/// let verifier = Verifier::hmac("2026", "my_secret_key")?;
/// let receiver = Receiver::new(verifier, Inbox::new(MemoryStore::new()), |incoming: Incoming| async move {
///     println!("attempt {} of {}", incoming.attempt, incoming.event.name());
///     Ok::<(), std::io::Error>(())
/// });
/// // Without a time, because that of the sample is long ago.
/// let delivery = testing::completed().without("created_at").signed("my_secret_key");
/// let answer = receiver.receive_request(&delivery.headers(), delivery.body.as_bytes()).await;
/// assert_eq!((answer.status, answer.text), (200, "handled"));
/// let again = receiver.receive_request(&delivery.headers(), delivery.body.as_bytes()).await;
/// assert_eq!((again.status, again.text), (200, "handled before"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).map_err(|error| error.to_string())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Receiver<V: Sender = Verifier> {
    verifier: Arc<V>,
    intake: Arc<dyn Intake<V>>,
    handling: Handling,
    told: Arc<Told>,
    /// Called when the store has kept an event.
    wake: Option<Arc<dyn Fn() + Send + Sync>>,
}

/// What anybody who can reach the address could write into the log without end.
#[derive(Debug, Default)]
struct Told {
    /// Each reason by itself. Otherwise forged deliveries, or somebody who looks at the address with GET, would hide a wrong
    /// secret and an event that cannot be read.
    refused: Mutex<HashMap<(Discriminant<Rejection>, u16), Throttle>>,
    stale: Throttle,
}

impl Told {
    /// Counts a refused delivery. If it is time to tell, answers how many had the same reason.
    fn refused(&self, rejection: &Rejection) -> Option<u64> {
        // No code that can panic runs under the lock.
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.entry((discriminant(rejection), rejection.status())).or_default().count()
    }
}

/// What to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Why, in a few words, for a person who sends a delivery by hand. It quotes nothing.
    pub text: &'static str,
}

impl Answer {
    const fn new(status: u16, text: &'static str) -> Self {
        Self { status, text }
    }

    pub(crate) const DOWN: Self = Self::new(503, "the store is down: send it again");
}

/// An answer that is on its way. It owns what it needs, so it can be given to `tokio::spawn`.
pub type Receiving = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// What is done with a delivery that was verified.
trait Intake<V: Sender>: Send + Sync {
    fn take_in(self: Arc<Self>, delivery: Verified<V::Event>, receiver: Receiver<V>) -> Receiving;
}

struct Inline<S, H> {
    inbox: Arc<Inbox<S>>,
    handler: H,
}

struct Lasting<S> {
    inbox: Arc<Inbox<S>>,
}

impl<V: Sender> Receiver<V> {
    /// Handles each event before it is answered: 200 once the handler has finished. A handler gets 10 seconds.
    ///
    /// The inbox may be an `Arc<Inbox<_>>`, so that the program can use it for other things.
    pub fn new<S, H>(verifier: V, inbox: impl Into<Arc<Inbox<S>>>, handler: H) -> Self
    where
        S: Store,
        H: Handler<S, V::Event> + 'static,
    {
        Self::with(verifier, Arc::new(Inline { inbox: inbox.into(), handler }))
    }

    /// Keeps each event in the store, for a worker: 200 once it lies there.
    pub fn queued<S: Queue>(verifier: V, inbox: impl Into<Arc<Inbox<S>>>) -> Self {
        Self::with(verifier, Arc::new(Lasting { inbox: inbox.into() }))
    }

    fn with(verifier: V, intake: Arc<dyn Intake<V>>) -> Self {
        let (verifier, told) = (Arc::new(verifier), Arc::default());
        Self { verifier, intake, handling: Handling::new(DEADLINE), told, wake: None }
    }

    /// How long a handler may take; 10 seconds if it is not set, and at most three quarters of the inbox's lease. When the time
    /// is over, its future is dropped, what it wrote in the transaction is undone, and the answer is 503. No document says how
    /// long the exchange waits for an answer.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.handling.deadline = deadline;
        self
    }

    /// Tells what happened, for metrics and alarms. It replaces the last one, and must not block.
    #[must_use]
    pub fn on(mut self, tell: impl Fn(Notice<'_>) + Send + Sync + 'static) -> Self {
        self.handling.observer = Observer::new(tell);
        self
    }

    /// Another clock than this machine's, for tests.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.handling.clock = clock;
        self
    }

    /// Wakes a worker in this process as soon as an event was kept. Without this, it finds the event at its next look.
    #[cfg(feature = "worker")]
    #[must_use]
    pub fn wakes(mut self, bell: &crate::Bell) -> Self {
        let bell = bell.clone();
        self.wake = Some(Arc::new(move || bell.ring()));
        self
    }

    /// Receives a delivery, in any framework. It refuses a body with a `Content-Encoding`.
    ///
    /// It is verified before this returns. If the future is dropped before its end, for example because the client has gone,
    /// the handler is cut off, and the event is given again when its lease is over: it is neither lost nor handled twice at
    /// once. To let the handler finish, spawn the future.
    #[must_use = "without its answer, the event is not handled"]
    pub fn receive_delivery(&self, delivery: &Delivery<'_>) -> Receiving {
        self.take_in(if is_encoded(delivery.headers) {
            Err(Rejection::Encoded)
        } else {
            self.verifier.check(delivery, self.handling.now())
        })
    }

    fn take_in(&self, checked: Result<Verified<V::Event>, Rejection>) -> Receiving {
        match checked {
            Ok(delivery) => {
                let Verified { key, secret_name, .. } = &delivery;
                self.handling.observer.tell(Notice::Verified { key, secret_name: secret_name.as_deref() });
                self.intake.clone().take_in(delivery, self.clone())
            }
            Err(rejection) => {
                let answer = self.refuse(&rejection);
                Box::pin(async move { answer })
            }
        }
    }

    /// The answer if there is no runtime for what is needed.
    #[cfg(feature = "tower")]
    pub(crate) fn no_runtime(&self) -> Answer {
        self.handling.is_down(crate::StoreError::NoRuntime);
        Answer::DOWN
    }

    /// The answer to a delivery that is refused.
    pub(crate) fn refuse(&self, rejection: &Rejection) -> Answer {
        let status = rejection.status();
        match self.told.refused(rejection) {
            Some(deliveries) if rejection.is_unreadable() => {
                tracing::error!(deliveries, status, %rejection, "events cannot be read, and were not handled: once their sender gives up, look them up");
            }
            Some(deliveries) => tracing::warn!(deliveries, status, %rejection, "deliveries were refused"),
            None => {}
        }
        self.handling.observer.tell(Notice::Rejected(rejection));
        Answer::new(status, "refused")
    }

    fn stale(&self, key: &EventKey, time: Timestamp) -> Answer {
        if let Some(deliveries) = self.told.stale.count() {
            tracing::warn!(deliveries, %key, %time, "events are too old, and were not handled: look them up, and compare this machine's clock");
        }
        self.handling.observer.tell(Notice::Stale { key, time });
        Answer::new(200, "too old")
    }
}

/// What fits the exchange alone, whose signature covers nothing but the body.
impl Receiver {
    /// Like [`receive_delivery`](Self::receive_delivery), in any framework and without a type of the crate `http`. `values` are
    /// those of all headers with the name [`HEADER`](crate::HEADER), in any case of letters; `body` the bytes as they came:
    /// refuse a compressed body, and do not parse it and write it again.
    #[must_use = "without its answer, the event is not handled"]
    pub fn receive<'a>(&self, values: impl IntoIterator<Item = &'a [u8]>, body: &[u8]) -> Receiving {
        self.take_in(self.verifier.verify_values(values, body))
    }

    /// Like [`receive_delivery`](Self::receive_delivery), without the method and the path.
    #[must_use = "without its answer, the event is not handled"]
    pub fn receive_request(&self, headers: &HeaderMap, body: &[u8]) -> Receiving {
        self.receive_delivery(&Delivery { method: "POST", path: "/", headers, body })
    }
}

impl<V, S, H> Intake<V> for Inline<S, H>
where
    V: Sender,
    S: Store,
    H: Handler<S, V::Event> + 'static,
{
    fn take_in(self: Arc<Self>, delivery: Verified<V::Event>, receiver: Receiver<V>) -> Receiving {
        Box::pin(async move {
            let handling = &receiver.handling;
            let key = &delivery.key;
            let Ok(taken) = handling.ask(self.inbox.take(&delivery, handling.now())).await else {
                return Answer::DOWN;
            };
            match taken {
                Taken::Run(work) => {
                    let incoming = Incoming::new(delivery.event, &work);
                    match handling.run(&self.inbox, work, &self.handler, incoming, pending()).await {
                        Ok(Ran::Finished) => Answer::new(200, "handled"),
                        Ok(Ran::Failed) => Answer::new(503, "the handler has failed: send it again"),
                        Ok(Ran::Lost) => Answer::new(503, "the handler took too long: send it again"),
                        Err(_) => Answer::DOWN,
                    }
                }
                Taken::Finished => {
                    handling.observer.tell(Notice::Duplicate { key });
                    Answer::new(200, "handled before")
                }
                Taken::Running(until) => {
                    handling.observer.tell(Notice::Running { key, until });
                    Answer::new(503, "another delivery of it is being handled: send it again")
                }
                Taken::Dead => {
                    handling.observer.tell(Notice::Dead { key });
                    Answer::new(503, "it has failed too often, and waits for a person")
                }
                Taken::Stale(time) => receiver.stale(key, time),
            }
        })
    }
}

impl<V: Sender, S: Queue> Intake<V> for Lasting<S> {
    fn take_in(self: Arc<Self>, delivery: Verified<V::Event>, receiver: Receiver<V>) -> Receiving {
        Box::pin(async move {
            let handling = &receiver.handling;
            let key = &delivery.key;
            match handling.ask(self.inbox.put(&delivery, handling.now())).await {
                Ok(Kept::New) => {
                    handling.observer.tell(Notice::Queued { key });
                    if let Some(wake) = &receiver.wake {
                        wake();
                    }
                    Answer::new(200, "kept")
                }
                Ok(Kept::Known) => {
                    handling.observer.tell(Notice::Duplicate { key });
                    Answer::new(200, "kept before")
                }
                Ok(Kept::Stale(time)) => receiver.stale(key, time),
                Err(_) => Answer::DOWN,
            }
        })
    }
}

/// Whether the body has an encoding, such as `gzip`.
pub(crate) fn is_encoded(headers: &HeaderMap) -> bool {
    let plain = |value: &http::HeaderValue| value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"identity");
    !headers.get_all(http::header::CONTENT_ENCODING).iter().all(plain)
}

impl<V: Sender> Clone for Receiver<V> {
    fn clone(&self) -> Self {
        let Self { verifier, intake, handling, told, wake } = self;
        Self {
            verifier: verifier.clone(),
            intake: intake.clone(),
            handling: handling.clone(),
            told: told.clone(),
            wake: wake.clone(),
        }
    }
}

impl<V: Sender + fmt::Debug> fmt::Debug for Receiver<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver")
            .field("verifier", &self.verifier)
            .field("handling", &self.handling)
            .finish_non_exhaustive()
    }
}

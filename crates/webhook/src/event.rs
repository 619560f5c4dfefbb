//! What an inbox has to know of an event, whoever sent it.

use crate::EventKey;
use capecrypto_models::{Timestamp, WebhookEvent};
use std::{fmt, sync::Arc};

/// What an event says. An [`Inbox`](crate::Inbox) gives events of any sender to handlers; those of the exchange are a
/// [`WebhookEvent`].
pub trait Event: Sized + Send + Sync + 'static {
    /// Reads an event that a store has kept. The text is the body of its delivery.
    ///
    /// # Errors
    /// Why it cannot be read. The text is kept with the event, so it must quote nothing of it.
    fn from_kept(json: &str) -> Result<Self, String>;

    /// What it is about, if several events are about the same thing: for the exchange's, the payment reference. A handler is told
    /// the [other ones](crate::Incoming::known).
    fn reference(&self) -> Option<&str> {
        None
    }

    /// Whether further events of its [reference](Self::reference) are awaited when it comes.
    fn opens(&self) -> bool {
        false
    }

    /// Whether no event of its [reference](Self::reference) is awaited after it.
    fn closes(&self) -> bool {
        false
    }
}

impl Event for WebhookEvent {
    fn from_kept(json: &str) -> Result<Self, String> {
        Self::from_json(json.as_bytes()).map_err(|unreadable| unreadable.to_string())
    }

    fn reference(&self) -> Option<&str> {
        self.reference()
    }

    /// A further deposit does not open one: it comes after the events that are awaited.
    fn opens(&self) -> bool {
        !matches!(self, Self::DuplicateDeposit(_))
    }

    fn closes(&self) -> bool {
        matches!(self, Self::Completed(_) | Self::Failed(_))
    }
}

/// A delivery whose sender is proved. `Debug` leaves out the body.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verified<E = WebhookEvent> {
    /// What it says.
    pub event: E,
    /// The name of the secret that fitted. `None` if the verifier is [`unauthenticated`](crate::Verifier::unauthenticated).
    pub secret_name: Option<Arc<str>>,
    /// Its key, by which a repeated event is recognised.
    pub key: EventKey,
    /// The time from which its age is counted: for the exchange's events, the one that they name. An event without it is never
    /// stale and never forgotten.
    pub time: Option<Timestamp>,
    /// The body as it came, for a store.
    pub body: Box<str>,
}

impl<E> Verified<E> {
    /// A delivery of another sender, for a [`Sender`](crate::Sender) of yours. Make the key with [`EventKey::other`].
    pub fn new(event: E, key: EventKey, time: Option<Timestamp>, body: &str) -> Self {
        Self { event, secret_name: None, key, time, body: body.into() }
    }

    /// Names the secret that fitted.
    #[must_use]
    pub fn by_secret(self, name: impl Into<Arc<str>>) -> Self {
        Self { secret_name: Some(name.into()), ..self }
    }
}

impl<E: fmt::Debug> fmt::Debug for Verified<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verified")
            .field("event", &self.event)
            .field("secret_name", &self.secret_name)
            .field("key", &self.key)
            .field("time", &self.time)
            .finish_non_exhaustive()
    }
}

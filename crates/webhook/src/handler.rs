//! What a program does with an event.

use crate::{EventKey, Known, Store, WebhookEvent, Work};
use std::{fmt, sync::Arc};

/// What a handler is given.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Incoming<E = WebhookEvent> {
    /// The event.
    pub event: E,
    /// Its key, for example as the key of the row that you write.
    pub key: EventKey,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// The other events of the same payment reference that came before, in no order. See [`Work::known`].
    pub known: Vec<Known>,
    /// Whether the event was built from what the exchange answers to a read, because no webhook came. It then has only the
    /// fields that are known: for example no time.
    pub recovered: bool,
}

impl<E> Incoming<E> {
    pub(crate) fn new<S: Store>(event: E, work: &Work<'_, S>) -> Self {
        Self {
            event,
            key: work.key().clone(),
            attempt: work.attempt(),
            known: work.known().to_vec(),
            recovered: false,
        }
    }
}

/// What a handler writes with, in a store of this type. Name it like this in your [`Handler`]: Rust does not take the type behind it
/// in its place.
pub type Transaction<'a, S> = <S as Store>::Transaction<'a>;

/// Does something with an event, such as shipping what was paid.
///
/// A closure that takes [`Incoming`] and answers a future is a handler of every store. `E` is what its events say. Implement the trait yourself if the
/// handler writes with the store's transaction: then its effect is kept together with the end of the event, or not at all.
///
/// A handler can be run more than once for one event: after an error, a deadline, a panic, or the end of its process. With a
/// store without transactions, it can be run again even after its effect. It must be cancel-safe: when its deadline is over,
/// its future is dropped.
///
/// A handler that blocks its thread cannot be stopped at its deadline.
///
/// ```
/// use capecrypto_webhook::{Handler, Incoming, MemoryStore, Store, Transaction, WebhookEvent};
///
/// struct Shop;
///
/// impl<S: Store> Handler<S> for Shop {
///     type Error = std::io::Error;
///
///     async fn handle(&self, incoming: Incoming, _: &mut Transaction<'_, S>) -> Result<(), Self::Error> {
///         match incoming.event {
///             WebhookEvent::Completed(paid) => println!("ship what {} has paid", paid.reference),
///             event => println!("{}", event.name()),
///         }
///         Ok(())
///     }
/// }
///
/// fn is_handler<S: Store>(_: impl Handler<S>) {}
/// is_handler::<MemoryStore>(Shop);
/// is_handler::<MemoryStore>(|incoming: Incoming| async move {
///     println!("{}", incoming.key);
///     Ok::<(), std::io::Error>(())
/// });
/// ```
pub trait Handler<S: Store, E = WebhookEvent>: Send + Sync {
    /// Why it has failed. Its text is kept for [`Inbox::dead`](crate::Inbox::dead) and told to the
    /// [observer](crate::Notice::Failed), never to a log. Do not put secrets into it.
    type Error: fmt::Display + Send;

    /// Handles an event. What it writes with the transaction is kept only if it answers `Ok`.
    ///
    /// # Errors
    /// The event is given again.
    fn handle(
        &self,
        incoming: Incoming<E>,
        transaction: &mut Transaction<'_, S>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

impl<S, E, F, A, W> Handler<S, E> for F
where
    S: Store,
    E: Send,
    F: Fn(Incoming<E>) -> A + Send + Sync,
    A: Future<Output = Result<(), W>> + Send,
    W: fmt::Display + Send,
{
    type Error = W;

    async fn handle(&self, incoming: Incoming<E>, _: &mut Transaction<'_, S>) -> Result<(), W> {
        self(incoming).await
    }
}

/// One handler for several places, such as a receiver and a reconciliation.
impl<S: Store, E, H: Handler<S, E>> Handler<S, E> for Arc<H> {
    type Error = H::Error;

    fn handle(
        &self,
        incoming: Incoming<E>,
        transaction: &mut Transaction<'_, S>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send {
        H::handle(self, incoming, transaction)
    }
}

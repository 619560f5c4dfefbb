//! An open stream: reading its events, changing its subscriptions, closing it.

use crate::{Builder, Connect, Error, Event, Kind, Topic, queue::Queue, task::Command};
use futures_util::{
    StreamExt,
    stream::{self, BoxStream},
};
use std::{fmt, sync::Arc};
use tokio::sync::{mpsc, oneshot};

/// An open stream: one connection, which is opened again after each loss until the stream is closed or dropped.
pub struct Stream {
    pub(crate) private: bool,
    pub(crate) queue: Arc<Queue>,
    pub(crate) commands: mpsc::Sender<Command>,
}

impl Stream {
    /// Starts the builder of a stream over the connections that `connect` makes.
    pub fn builder(connect: impl Connect) -> Builder {
        Builder::new(Arc::new(connect))
    }

    /// The next event; `None` after [`Event::Ended`] or [`close`](Self::close). Dropping the future loses nothing.
    pub async fn next(&self) -> Option<Event> {
        let event = self.queue.pop().await;
        if let Some(Event::Lagged { account: 1.., .. }) = event {
            // The taps are told too. If the channel is full, the task wakes up anyway, and then looks.
            let _ = self.commands.try_send(Command::Lagged);
        }
        event
    }

    /// The events as a stream of the `futures` crates, for their combinators. It ends where [`next`](Self::next) returns
    /// `None`. Dropping it loses nothing: what was not read waits for the next reader.
    ///
    /// Read from one place at a time: a second reader takes events from the first one, and a reader that is kept but not
    /// polled can make the other one wait.
    pub fn events(&self) -> BoxStream<'_, Event> {
        stream::unfold(self, |stream| async move { Some((stream.next().await?, stream)) }).boxed()
    }

    /// Subscribes to more topics on the same connection. Subscribing to a book again brings a new snapshot.
    ///
    /// It waits for a place in the task's line of commands, not for the server. If the future is dropped before, nothing is
    /// subscribed.
    ///
    /// # Errors
    /// [`Kind::InvalidArgument`] for a topic of the account on a public connection, which would not bring it;
    /// [`Kind::Ended`] if the stream has ended.
    pub async fn subscribe(&self, topics: impl IntoIterator<Item = Topic>) -> Result<(), Error> {
        let topics: Vec<_> = topics.into_iter().collect();
        if let Some(topic) = topics.iter().find(|topic| topic.is_private() && !self.private) {
            let what = format!(
                "topics: {topic} is the account's, and this connection is public; choose it before connecting"
            );
            return Err(Error::new(Kind::InvalidArgument, what));
        }
        self.command(Command::Subscribe(topics)).await
    }

    /// Ends subscriptions. Dropping the future is as with [`subscribe`](Self::subscribe).
    ///
    /// # Errors
    /// [`Kind::Ended`] if the stream has ended.
    pub async fn unsubscribe(&self, topics: impl IntoIterator<Item = Topic>) -> Result<(), Error> {
        self.command(Command::Unsubscribe(topics.into_iter().collect())).await
    }

    async fn command(&self, command: Command) -> Result<(), Error> {
        self.commands.send(command).await.map_err(|_| Error::new(Kind::Ended, "open another one"))
    }

    /// Ends the stream, after a close message to the server. Events that came before can still be read. If the future is dropped
    /// while it waits, the stream ends all the same, unless it had no place in the task's line of commands yet.
    pub async fn close(&self) {
        let (done, ended) = oneshot::channel();
        if self.command(Command::Close(done)).await.is_ok() {
            // An error means that the task has already ended, as wanted.
            let _ = ended.await;
        }
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").field("ended", &self.commands.is_closed()).finish_non_exhaustive()
    }
}

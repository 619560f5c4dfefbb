//! The socket's task: it carries bytes and does what the session says.

use crate::{
    Connect, ConnectError, Error, Event, Interruption, Topic,
    open::{Socket, broken, open_in_time, send_in_time},
    queue::Queue,
    session::{Action, Failure, Now, Session},
    tap::Taps,
};
use bytes::Bytes;
use futures_util::{StreamExt, future::BoxFuture};
use std::{
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, Sleep, sleep_until, timeout},
};
use tokio_tungstenite::{WebSocketStream, tungstenite::Message};

/// Most commands that may wait for the task.
pub(crate) const COMMANDS: usize = 64;
/// Deadline for the answer to our close message.
const GOODBYE_WITHIN: Duration = Duration::from_secs(1);
/// How often the clocks are compared at least while a connection is open. Timers stand still while the machine sleeps, and the line
/// may be dead afterwards, so nothing else wakes the task: for this long, what was true before the sleep looks true.
const COMPARE_CLOCKS_EVERY: Duration = Duration::from_secs(1);
/// Most messages that are read before commands and deadlines are looked at again. The clock is read once for all of them.
const BATCH: u32 = 64;

/// What the consumer wants of the task.
pub(crate) enum Command {
    Subscribe(Vec<Topic>),
    Unsubscribe(Vec<Topic>),
    /// The consumer has read that it lost events of the account.
    Lagged,
    Close(oneshot::Sender<()>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Go,
    Stop,
}

pub(crate) struct Task {
    session: Session,
    connect: Arc<dyn Connect>,
    start: Instant,
    queue: Arc<Queue>,
    taps: Taps,
    link: Link,
    /// Bytes read from the connection at the last check; see `bytes_came`.
    known_bytes: u64,
}

/// However the task ends, the queue is closed, so that consumers wake up.
impl Drop for Task {
    fn drop(&mut self) {
        self.queue.end();
    }
}

/// The state of the connection to the server.
enum Link {
    Down,
    Connecting(BoxFuture<'static, Result<Box<Socket>, ConnectError>>),
    Up(Box<Socket>),
}

/// What the task has to handle next.
enum Input {
    Connected(Result<Box<Socket>, ConnectError>),
    /// Messages were handled.
    Messages,
    Lost(Interruption),
    Command(Option<Command>),
    /// A tap has handled an answer.
    Answered,
    TimePassed,
}

impl Task {
    pub(crate) fn new(
        session: Session,
        connect: Arc<dyn Connect>,
        start: Instant,
        queue: Arc<Queue>,
        taps: Taps,
    ) -> Self {
        Self { session, connect, start, queue, taps, link: Link::Down, known_bytes: 0 }
    }

    /// Makes the first connection.
    pub(crate) async fn open_first(&mut self) -> Result<(), Error> {
        self.act().await;
        let first = poll_fn(|cx| self.poll_link(cx, None)).await;
        if let Input::Connected(Err(failure)) = first {
            return Err(Error::connect(failure.what, failure.source));
        }
        self.take(first);
        Ok(())
    }

    fn now(&self) -> Now {
        Now { elapsed: self.start.elapsed(), unix_millis: self.connect.unix_millis() }
    }

    pub(crate) async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        let mut alarm = Alarm::new(self.start);
        // When the clocks are compared next.
        let mut compare_at = Duration::ZERO;
        while self.act().await == Next::Go {
            let comparison = matches!(self.link, Link::Up(_)).then_some(compare_at);
            alarm.set(self.session.wake_at().into_iter().chain(self.taps.due()).chain(comparison).min());
            let input = poll_fn(|cx| self.poll_input(cx, &mut commands, &mut alarm)).await;
            match input {
                Input::Command(Some(Command::Close(done))) => {
                    self.say_goodbye().await;
                    drop(self);
                    // The caller of `close` may be gone.
                    let _ = done.send(());
                    return;
                }
                // The consumer is gone.
                Input::Command(None) => return self.say_goodbye().await,
                Input::TimePassed => {
                    self.take(Input::TimePassed);
                    compare_at = self.start.elapsed().saturating_add(COMPARE_CLOCKS_EVERY);
                }
                input => self.take(input),
            }
        }
    }

    /// Waits for the next input. The socket is polled last, so that much traffic does not delay commands and deadlines.
    fn poll_input(
        &mut self,
        cx: &mut Context<'_>,
        commands: &mut mpsc::Receiver<Command>,
        alarm: &mut Alarm,
    ) -> Poll<Input> {
        if let Poll::Ready(command) = commands.poll_recv(cx) {
            return Poll::Ready(Input::Command(command));
        }
        if alarm.poll(cx).is_ready() {
            return Poll::Ready(Input::TimePassed);
        }
        let (start, connect) = (self.start, &self.connect);
        let now = || Now { elapsed: start.elapsed(), unix_millis: connect.unix_millis() };
        if self.taps.poll_answers(cx, now, &self.queue) {
            return Poll::Ready(Input::Answered);
        }
        self.poll_link(cx, alarm.rings_at)
    }

    /// Whether nothing is to be done before the alarm rings.
    fn is_idle(&self, rings_at: Option<Duration>) -> bool {
        let due = self.session.wake_at().into_iter().chain(self.taps.due()).min();
        !self.session.has_actions()
            && !self.taps.want_something()
            && due.is_none_or(|due| rings_at.is_some_and(|rings_at| rings_at <= due))
    }

    /// Waits for the next input over the link, and handles messages.
    fn poll_link(&mut self, cx: &mut Context<'_>, rings_at: Option<Duration>) -> Poll<Input> {
        match &mut self.link {
            Link::Down => Poll::Pending,
            Link::Connecting(connecting) => {
                let connected = ready!(connecting.as_mut().poll(cx));
                self.link = Link::Down;
                Poll::Ready(Input::Connected(connected))
            }
            Link::Up(_) => self.poll_messages(cx, rings_at),
        }
    }

    /// Handles the messages that are there, until the session has something to do.
    fn poll_messages(&mut self, cx: &mut Context<'_>, rings_at: Option<Duration>) -> Poll<Input> {
        let mut now = None;
        for _ in 0..BATCH {
            let Link::Up(socket) = &mut self.link else { break };
            let message = match socket.poll_next_unpin(cx) {
                Poll::Ready(message) => message,
                // The usual end: everything was read, and nothing else is to be done.
                Poll::Pending if now.is_none() || self.is_idle(rings_at) => return Poll::Pending,
                Poll::Pending => break,
            };
            let now = match now {
                Some(now) => now,
                None => {
                    let begins = *now.insert(self.now());
                    // A machine that slept gives its connection up, so what the line still brings does not count.
                    if !self.session.heard(begins) {
                        break;
                    }
                    begins
                }
            };
            // What belongs to this message is not a sign of an incomplete one.
            self.bytes_came();
            match message {
                Some(Ok(Message::Text(text))) => self.read(now, text.into()),
                // The exchange sends text. A binary message with the same content is accepted too.
                Some(Ok(Message::Binary(bytes))) => self.read(now, bytes),
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Ok(Message::Close(close))) => {
                    let code = close.map_or(1005, |close| close.code.into());
                    return Poll::Ready(Input::Lost(Interruption::Closed { code }));
                }
                Some(Err(error)) => return Poll::Ready(Input::Lost(broken(&error))),
                None => return Poll::Ready(Input::Lost(Interruption::Closed { code: 1006 })),
            }
            if self.session.has_actions() {
                break;
            }
        }
        Poll::Ready(Input::Messages)
    }

    /// Handles a text frame.
    fn read(&mut self, now: Now, text: Bytes) {
        self.session.message_came(now);
        match self.session.book_of(&text) {
            // Most frames: nothing but the taps has to see them.
            Some((place, market)) => {
                let event = Event::Book { market: market.clone(), frame: text };
                self.taps.deliver(event, Some(place), now, &self.queue);
            }
            None => self.session.read(now, text),
        }
    }

    /// Passes an input on to the session.
    fn take(&mut self, input: Input) {
        if matches!(input, Input::Messages | Input::Answered) {
            return;
        }
        let now = self.now();
        match input {
            Input::Connected(Ok(socket)) => {
                self.known_bytes = 0;
                self.link = Link::Up(socket);
                self.session.connected(now);
            }
            Input::Connected(Err(error)) => {
                tracing::debug!(refused = error.refused, "the stream's handshake failed");
                let ConnectError { what, refused, retry_after, .. } = error;
                self.session.connect_failed(now, Failure { what, refused, retry_after });
            }
            Input::Lost(why) => self.lost(now, why),
            Input::Command(Some(Command::Subscribe(topics))) => self.session.subscribe(now, &topics),
            Input::Command(Some(Command::Unsubscribe(topics))) => self.session.unsubscribe(now, &topics),
            Input::Command(Some(Command::Lagged | Command::Close(_)) | None)
            | Input::Messages
            | Input::Answered => {}
            Input::TimePassed => {
                if self.bytes_came() {
                    self.session.bytes_came(now);
                }
                self.session.tick(now);
                self.taps.wake(now, &self.queue);
            }
        }
        let lag = self.queue.take_account_lag();
        if lag > 0 {
            self.taps.lagged(lag, now, &self.queue);
        }
    }

    /// Whether bytes came since the last check. They are a sign of life of a large message that is not complete yet.
    fn bytes_came(&mut self) -> bool {
        let Link::Up(socket) = &self.link else { return false };
        let bytes = socket.get_ref().bytes();
        std::mem::replace(&mut self.known_bytes, bytes) != bytes
    }

    fn lost(&mut self, now: Now, why: Interruption) {
        self.link = Link::Down;
        self.session.disconnected(now, why);
    }

    /// Carries out what the taps and the session want, until there is nothing left.
    async fn act(&mut self) -> Next {
        loop {
            let again = self.taps.take_again();
            if !again.is_empty() {
                self.session.subscribe_again(self.now(), &again);
            }
            let Some(action) = self.session.poll() else { return Next::Go };
            match action {
                Action::Emit(event) => self.taps.deliver(event, None, self.now(), &self.queue),
                Action::Connect { query, private } => {
                    self.link =
                        Link::Connecting(Box::pin(open_in_time(self.connect.clone(), query, private)));
                }
                Action::Send(text) => self.send(Message::text(text)).await,
                Action::Ping => self.send(Message::Ping(Bytes::new())).await,
                Action::Disconnect => self.link = Link::Down,
                Action::Stop => return Next::Stop,
            }
        }
    }

    async fn send(&mut self, message: Message) {
        let Link::Up(socket) = &mut self.link else { return };
        if let Err(why) = send_in_time(socket, message).await {
            self.lost(self.now(), why);
        }
    }

    async fn say_goodbye(&mut self) {
        // Nothing is read from now on. The taps are dropped now, so that they can mark their state as stale.
        self.taps.clear();
        let Link::Up(socket) = &mut self.link else { return };
        let goodbye = async {
            // The connection ends whether the message arrives or not.
            let _ = WebSocketStream::close(socket, None).await;
            while let Some(Ok(_)) = socket.next().await {}
        };
        let _ = timeout(GOODBYE_WITHIN, goodbye).await;
    }
}

/// The timer of the task. It is kept, and only set again for an earlier time: it may ring too early, never too late.
struct Alarm {
    start: Instant,
    sleep: Pin<Box<Sleep>>,
    rings_at: Option<Duration>,
}

impl Alarm {
    fn new(start: Instant) -> Self {
        Self { start, sleep: Box::pin(sleep_until(start)), rings_at: None }
    }

    /// Rings at this time after the start at the latest.
    fn set(&mut self, at: Option<Duration>) {
        if let Some(at) = at
            && self.rings_at.is_none_or(|rings_at| at < rings_at)
            && let Some(instant) = self.start.checked_add(at)
        {
            self.sleep.as_mut().reset(instant);
            self.rings_at = Some(at);
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.rings_at.is_none() {
            return Poll::Pending;
        }
        ready!(self.sleep.as_mut().poll(cx));
        self.rings_at = None;
        Poll::Ready(())
    }
}

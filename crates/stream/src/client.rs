//! The socket's task: it carries bytes and does what the session says.

use crate::{
    Config, Connect, ConnectError, Connection, Error, Event, Handshake, Interruption, Kind, Topic,
    heard::Heard,
    queue::Queue,
    session::{Action, Failure, Now, Session},
};
use bytes::Bytes;
use capecrypto_models::{Arg, MarketId, Period};
use futures_util::{
    SinkExt, StreamExt,
    future::BoxFuture,
    stream::{self, BoxStream},
};
use std::{
    fmt,
    future::poll_fn,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep_until, timeout},
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        self, Message,
        handshake::{client::generate_key, derive_accept_key},
        protocol::{Role, WebSocketConfig},
    },
};

/// Largest message that is read; a snapshot of 301 levels a side has 16 KiB.
const LARGEST_MESSAGE: usize = 8 * 1024 * 1024;
/// Small, because the library clears the whole buffer before each read.
const READ_BUFFER: usize = 8 * 1024;
/// Deadline for a handshake. The REST client has its own, shorter one.
const OPEN_WITHIN: Duration = Duration::from_secs(15);
/// Deadline for sending a frame.
const SEND_WITHIN: Duration = Duration::from_secs(5);
/// Deadline for the answer to our close message.
const GOODBYE_WITHIN: Duration = Duration::from_secs(1);

/// Most commands that may wait for the task.
const COMMANDS: usize = 64;

type Socket = WebSocketStream<Heard>;

/// Chooses the topics and deadlines of a stream, and opens it.
#[must_use = "a builder does nothing until it is connected"]
pub struct Builder {
    connect: Arc<dyn Connect>,
    topics: Vec<Result<Topic, Error>>,
    config: Config,
    tap: Option<Box<dyn Tap>>,
}

/// Sees every event in the socket's own task, before it is queued for the consumer. It is for state that must not lag behind
/// when the consumer is slow. It must not block.
pub trait Tap: Send + 'static {
    /// Handles an event; `false` hides it from the consumer. The stream subscribes again to the topics put into `again`.
    /// `elapsed` is the time since the stream was opened.
    fn event(&mut self, event: &Event, elapsed: Duration, again: &mut Vec<Topic>) -> bool;

    /// The time at which to call [`wake`](Self::wake), if nothing happens before; `None` if no call is needed.
    fn due(&self) -> Option<Duration>;

    /// Handles that time has passed: called at [`due`](Self::due), and perhaps earlier.
    fn wake(&mut self, elapsed: Duration, again: &mut Vec<Topic>);
}

/// An open stream: one connection, which is opened again after each loss until the stream is closed or dropped.
pub struct Stream {
    private: bool,
    queue: Arc<Queue>,
    commands: mpsc::Sender<Command>,
}

enum Command {
    Subscribe(Vec<Topic>),
    Unsubscribe(Vec<Topic>),
    Close(oneshot::Sender<()>),
}

impl Builder {
    fn topic(mut self, topic: Topic) -> Self {
        self.topics.push(Ok(topic));
        self
    }

    fn of_market(mut self, market: &Arg<MarketId>, topic: impl FnOnce(MarketId) -> Topic) -> Self {
        self.topics.push(match market.value() {
            Ok(market) => Ok(topic(market.clone())),
            Err(refusal) => Err(Error::argument("market", refusal)),
        });
        self
    }

    /// A market's order book, as frames for the orderbook crate.
    pub fn book(self, market: impl Into<Arg<MarketId>>) -> Self {
        self.of_market(&market.into(), Topic::Book)
    }

    /// A market's trades.
    pub fn market_trades(self, market: impl Into<Arg<MarketId>>) -> Self {
        self.of_market(&market.into(), Topic::MarketTrades)
    }

    /// A market's candles of a length.
    pub fn candles(self, market: impl Into<Arg<MarketId>>, period: Period) -> Self {
        self.of_market(&market.into(), |market| Topic::Candles(market, period))
    }

    /// The tickers of all markets, about every five seconds.
    pub fn tickers(self) -> Self {
        self.topic(Topic::Tickers)
    }

    /// The account's orders.
    pub fn orders(self) -> Self {
        self.topic(Topic::Orders)
    }

    /// The account's trades.
    pub fn trades(self) -> Self {
        self.topic(Topic::Trades)
    }

    /// The account's balances.
    pub fn balances(self) -> Self {
        self.topic(Topic::Balances)
    }

    /// Adds a tap, which sees every event before the consumer does.
    pub fn tap(mut self, tap: impl Tap) -> Self {
        self.tap = Some(Box::new(tap));
        self
    }

    /// Sets deadlines.
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Opens the stream. The connection is signed if a topic of the account was chosen, and public otherwise.
    ///
    /// It returns when the first connection is open. From then on a lost connection is opened again without limit, and events
    /// report it.
    ///
    /// # Errors
    /// [`Kind::InvalidArgument`] for a malformed market, for a time in the configuration that is zero or longer than a day, or
    /// if no topic was chosen; [`Kind::Connect`] if the first connection fails; [`Kind::Runtime`] outside of a tokio runtime.
    pub async fn connect(self) -> Result<Stream, Error> {
        check_runtime()?;
        self.config.check()?;
        let topics = self.topics.into_iter().collect::<Result<Vec<_>, _>>()?;
        if topics.is_empty() {
            return Err(Error::new(
                Kind::InvalidArgument,
                "topics: none was chosen; choose at least one, such as book",
            ));
        }
        let private = topics.iter().any(Topic::is_private);
        let queue = Arc::new(Queue::default());
        let (commands, received) = mpsc::channel(COMMANDS);
        let start = Instant::now();
        let now = Now { elapsed: Duration::ZERO, unix_millis: self.connect.unix_millis() };
        let seed = self.config.seed.unwrap_or_else(|| fastrand::u64(..));
        let mut task = Task {
            session: Session::new(self.config, &topics, seed, now),
            connect: self.connect,
            start,
            queue: queue.clone(),
            tap: self.tap,
            link: Link::Down,
            known_bytes: 0,
        };
        task.act().await;
        let first = poll_fn(|cx| task.link.poll_next(cx)).await;
        if let Input::Connected(Err(failure)) = first {
            return Err(Error::connect(failure.what, failure.source));
        }
        task.take(first);
        tokio::spawn(task.run(received));
        Ok(Stream { private, queue, commands })
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("topics", &self.topics)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl Stream {
    /// Starts the builder of a stream over the connections that `connect` makes.
    pub fn builder(connect: impl Connect) -> Builder {
        Builder { connect: Arc::new(connect), topics: Vec::new(), config: Config::default(), tap: None }
    }

    /// The next event; `None` after [`Event::Ended`] or [`close`](Self::close). Dropping the future loses nothing.
    pub async fn next(&self) -> Option<Event> {
        self.queue.pop().await
    }

    /// The events as a stream of the `futures` crates, for their combinators. It ends where [`next`](Self::next) returns
    /// `None`. Dropping it loses nothing: what was not read waits for the next reader.
    ///
    /// Read from one place at a time: a second reader takes events from the first one, and a reader that is kept but not
    /// polled can make the other one wait.
    pub fn events(&self) -> BoxStream<'_, Event> {
        stream::unfold(&*self.queue, |queue| async move { Some((queue.pop().await?, queue)) }).boxed()
    }

    /// Subscribes to more topics on the same connection. Subscribing to a book again brings a new snapshot.
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

    /// Ends subscriptions.
    ///
    /// # Errors
    /// [`Kind::Ended`] if the stream has ended.
    pub async fn unsubscribe(&self, topics: impl IntoIterator<Item = Topic>) -> Result<(), Error> {
        self.command(Command::Unsubscribe(topics.into_iter().collect())).await
    }

    async fn command(&self, command: Command) -> Result<(), Error> {
        self.commands.send(command).await.map_err(|_| Error::new(Kind::Ended, "open another one"))
    }

    /// Ends the stream, after a close message to the server. Events that came before can still be read.
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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Go,
    Stop,
}

struct Task {
    session: Session,
    connect: Arc<dyn Connect>,
    start: Instant,
    queue: Arc<Queue>,
    tap: Option<Box<dyn Tap>>,
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
    Message(Option<Result<Message, tungstenite::Error>>),
    Command(Option<Command>),
    TimePassed,
}

impl Link {
    /// Waits for the next input over the link.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Input> {
        match self {
            Self::Down => Poll::Pending,
            Self::Connecting(connecting) => {
                let connected = ready!(connecting.as_mut().poll(cx));
                *self = Self::Down;
                Poll::Ready(Input::Connected(connected))
            }
            Self::Up(socket) => socket.poll_next_unpin(cx).map(Input::Message),
        }
    }
}

impl Task {
    fn now(&self) -> Now {
        Now { elapsed: self.start.elapsed(), unix_millis: self.connect.unix_millis() }
    }

    async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        while self.act().await == Next::Go {
            let tap = self.tap.as_ref().and_then(|tap| tap.due());
            let wake =
                self.session.wake_at().into_iter().chain(tap).min().and_then(|at| self.start.checked_add(at));
            let mut alarm = pin!(until(wake));
            // The socket is polled last, so that much traffic does not delay commands and deadlines.
            let input = poll_fn(|cx| {
                if let Poll::Ready(command) = commands.poll_recv(cx) {
                    return Poll::Ready(Input::Command(command));
                }
                if alarm.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(Input::TimePassed);
                }
                self.link.poll_next(cx)
            })
            .await;
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
                input => self.take(input),
            }
        }
    }

    /// Passes an input on to the session.
    fn take(&mut self, input: Input) {
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
            Input::Message(Some(Ok(message))) => self.take_message(now, message),
            Input::Message(Some(Err(error))) => self.lost(now, broken(&error)),
            Input::Message(None) => self.lost(now, Interruption::Closed { code: 1006 }),
            Input::Command(Some(Command::Subscribe(topics))) => self.session.subscribe(now, &topics),
            Input::Command(Some(Command::Unsubscribe(topics))) => self.session.unsubscribe(now, &topics),
            Input::Command(Some(Command::Close(_)) | None) | Input::TimePassed => {
                if self.bytes_came() {
                    self.session.bytes_came(now);
                }
                self.session.tick(now);
                let mut again = Vec::new();
                if let Some(tap) = &mut self.tap {
                    tap.wake(now.elapsed, &mut again);
                }
                self.subscribe_again(now, &again);
            }
        }
    }

    /// Whether bytes came since the last check. They are a sign of life of a large message that is not complete yet.
    fn bytes_came(&mut self) -> bool {
        let Link::Up(socket) = &self.link else { return false };
        let bytes = socket.get_ref().bytes();
        std::mem::replace(&mut self.known_bytes, bytes) != bytes
    }

    fn take_message(&mut self, now: Now, message: Message) {
        self.bytes_came();
        match message {
            Message::Text(text) => self.session.received(now, text.into()),
            // The exchange sends text. A binary message with the same content is accepted too.
            Message::Binary(bytes) => self.session.received(now, bytes),
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => self.session.heard(now),
            Message::Close(close) => {
                self.lost(now, Interruption::Closed { code: close.map_or(1005, |close| close.code.into()) });
            }
        }
    }

    fn emit(&mut self, event: Event) {
        let Some(tap) = &mut self.tap else { return self.queue.push(event) };
        let now = Now { elapsed: self.start.elapsed(), unix_millis: self.connect.unix_millis() };
        let mut again = Vec::new();
        if tap.event(&event, now.elapsed, &mut again) {
            self.queue.push(event);
        }
        self.subscribe_again(now, &again);
    }

    fn subscribe_again(&mut self, now: Now, topics: &[Topic]) {
        if !topics.is_empty() {
            self.session.subscribe_again(now, topics);
        }
    }

    fn lost(&mut self, now: Now, why: Interruption) {
        self.link = Link::Down;
        self.session.disconnected(now, why);
    }

    /// Carries out the session's actions until there are none left.
    async fn act(&mut self) -> Next {
        while let Some(action) = self.session.poll() {
            match action {
                Action::Emit(event) => self.emit(event),
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
        Next::Go
    }

    async fn send(&mut self, message: Message) {
        let Link::Up(socket) = &mut self.link else { return };
        let why = match timeout(SEND_WITHIN, socket.send(message)).await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => broken(&error),
            Err(_) => Interruption::Silent,
        };
        self.lost(self.now(), why);
    }

    async fn say_goodbye(&mut self) {
        // Nothing is read from now on. The tap is dropped now, so that it can mark its state as stale.
        self.tap = None;
        let Link::Up(socket) = &mut self.link else { return };
        let goodbye = async {
            // The connection ends whether the message arrives or not.
            let _ = WebSocketStream::close(socket, None).await;
            while let Some(Ok(_)) = socket.next().await {}
        };
        let _ = timeout(GOODBYE_WITHIN, goodbye).await;
    }
}

/// Opens a websocket within a deadline, because `Connect` may have none.
async fn open_in_time(
    connect: Arc<dyn Connect>,
    query: String,
    private: bool,
) -> Result<Box<Socket>, ConnectError> {
    match timeout(OPEN_WITHIN, open(connect, query, private)).await {
        Ok(opened) => opened,
        Err(_) => Err(ConnectError::new(
            "no answer to the handshake in time; check the network and the address of the stream",
        )),
    }
}

/// Makes a connection, and a websocket from it.
async fn open(connect: Arc<dyn Connect>, query: String, private: bool) -> Result<Box<Socket>, ConnectError> {
    let key = generate_key();
    let accept = derive_accept_key(key.as_bytes());
    let headers = vec![
        ("connection", "Upgrade".to_owned()),
        ("upgrade", "websocket".to_owned()),
        ("sec-websocket-version", "13".to_owned()),
        ("sec-websocket-key", key),
    ];
    let Connection { headers, io } = connect.connect(&Handshake { private, query, headers }).await?;
    // Another protocol's server could answer 101 as well.
    if headers.get("sec-websocket-accept").is_none_or(|value| value.as_bytes() != accept.as_bytes()) {
        return Err(ConnectError::new(
            "the server's handshake is not a websocket's; check the address of the stream",
        ));
    }
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .max_message_size(Some(LARGEST_MESSAGE))
        .max_frame_size(Some(LARGEST_MESSAGE));
    Ok(Box::new(WebSocketStream::from_raw_socket(Heard::new(io), Role::Client, Some(config)).await))
}

/// Checks for a runtime with timers: without it tokio panics, and a caller's mistake has to be an error instead.
fn check_runtime() -> Result<(), Error> {
    let works = tokio::runtime::Handle::try_current().is_ok()
        && std::panic::catch_unwind(|| drop(tokio::time::sleep(Duration::ZERO))).is_ok();
    if works {
        return Ok(());
    }
    Err(Error::new(
        Kind::Runtime,
        "call this within a tokio runtime with timers, such as #[tokio::main] gives",
    ))
}

async fn until(wake: Option<Instant>) {
    match wake {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// Why the connection broke. The library's text may be shown: it contains only the size of a message, no content.
fn broken(error: &tungstenite::Error) -> Interruption {
    use tungstenite::{Error, error::ProtocolError};
    match error {
        Error::ConnectionClosed
        | Error::AlreadyClosed
        | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)
        | Error::Io(_) => Interruption::Closed { code: 1006 },
        error => Interruption::Failed { what: error.to_string() },
    }
}

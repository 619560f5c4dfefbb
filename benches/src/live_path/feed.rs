//! A connection in memory that brings prepared frames.

use capecrypto_auth::Clock;
use capecrypto_stream::{Connect, ConnectError, Connection, Handshake};
use futures_util::future::BoxFuture;
use std::{
    fmt::Write,
    io,
    pin::Pin,
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// How the frames come.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// As many bytes a read as the reader takes.
    Batched,
    /// One frame a read, and before the next one the reader has to wait, and is woken.
    Singly,
}

/// Prepared frames: snapshots, the list of subscriptions, then increments. Clones share them.
#[derive(Clone)]
pub struct Feed(Arc<Content>);

struct Content {
    bytes: Vec<u8>,
    /// Where each frame ends.
    ends: Vec<usize>,
    shape: Shape,
    markets: Vec<String>,
    last_sequences: Vec<u64>,
    /// Frames before the first increment.
    beginning: usize,
    gate: Gate,
}

/// Holds frames back. When the feed is opened again, only its beginning may pass.
#[derive(Default)]
struct Gate {
    /// How many frames may pass.
    frames: AtomicUsize,
    waiting: Mutex<Vec<Waker>>,
}

/// Levels a side.
const LEVELS: u64 = 100;

impl Feed {
    pub fn new(markets: usize, increments: u32, shape: Shape) -> Self {
        let mut random = Random(7);
        let markets: Vec<String> = (0..markets).map(|number| format!("m{number:03}zar")).collect();
        let mut content = Content {
            bytes: Vec::new(),
            ends: Vec::new(),
            shape,
            last_sequences: vec![1; markets.len()],
            beginning: markets.len() + 1,
            markets,
            gate: Gate::default(),
        };
        for at in 0..content.markets.len() {
            let text = snapshot(&content.markets[at], &mut random);
            content.push(&text);
        }
        let names: Vec<String> =
            content.markets.iter().map(|market| format!("\"{market}.ob-inc\"")).collect();
        content.push(&format!(r#"{{"success":{{"message":"subscribed","streams":[{}]}}}}"#, names.join(",")));
        for _ in 0..increments {
            let at = random.below(content.markets.len() as u64) as usize;
            content.last_sequences[at] += 1;
            let text = increment(&content.markets[at], content.last_sequences[at], &mut random);
            content.push(&text);
        }
        Self(Arc::new(content))
    }

    pub fn markets(&self) -> &[String] {
        &self.0.markets
    }

    /// The sequence of the last frame of each market.
    pub fn last_sequences(&self) -> &[u64] {
        &self.0.last_sequences
    }

    /// Frames before the first increment: a snapshot for each market, and the list of subscriptions.
    pub fn beginning(&self) -> usize {
        self.0.beginning
    }

    pub fn increments(&self) -> usize {
        self.0.ends.len() - self.0.beginning
    }

    /// Whether everything that may pass was read.
    pub fn is_read(&self) -> bool {
        !self.0.gate.waiting.lock().expect("no panic").is_empty()
    }

    /// The bytes on the wire: the beginning, and the increments.
    pub fn bytes(&self) -> (&[u8], &[u8]) {
        self.0.bytes.split_at(self.0.ends[self.0.beginning - 1])
    }

    /// A reader that stops before the first increment.
    pub fn open(&self) -> Reader {
        self.0.gate.frames.store(self.0.beginning, Ordering::SeqCst);
        Reader { content: self.0.clone(), at: 0, frame: 0, waits: false }
    }

    /// Lets the increments pass.
    pub fn go_on(&self) {
        self.go_on_until(self.increments());
    }

    /// Lets so many increments pass.
    pub fn go_on_until(&self, increments: usize) {
        self.0.gate.frames.store(self.0.beginning + increments, Ordering::SeqCst);
        self.0.gate.waiting.lock().expect("no panic").drain(..).for_each(Waker::wake);
    }
}

impl Content {
    fn push(&mut self, text: &str) {
        frame(text, &mut self.bytes);
        self.ends.push(self.bytes.len());
    }
}

/// Adds a text frame as a server writes it.
pub fn frame(text: &str, bytes: &mut Vec<u8>) {
    bytes.push(0x81);
    match text.len() {
        small @ 0..126 => bytes.push(small as u8),
        middle @ 126..65_536 => {
            bytes.push(126);
            bytes.extend((middle as u16).to_be_bytes());
        }
        large => {
            bytes.push(127);
            bytes.extend((large as u64).to_be_bytes());
        }
    }
    bytes.extend(text.as_bytes());
}

/// The price of a level: bids below 841,000, asks above.
fn price(is_ask: bool, level: u64) -> String {
    let cents = if is_ask { 84_100_000 + level * 37 } else { 84_100_000 - level * 37 };
    format!("{}.{:02}", cents / 100, cents % 100)
}

fn amount(random: &mut Random) -> String {
    format!("0.{:06}", 1 + random.below(999_999))
}

fn snapshot(market: &str, random: &mut Random) -> String {
    let mut text = format!("{{\"{market}.ob-snap\":{{");
    for (is_ask, name) in [(true, "asks"), (false, "bids")] {
        let levels: Vec<String> = (1..=LEVELS)
            .map(|level| format!("[\"{}\",\"{}\"]", price(is_ask, level), amount(random)))
            .collect();
        let _ = write!(text, "\"{name}\":[{}],", levels.join(","));
    }
    text + "\"sequence\":1}}"
}

/// Most changes are near the best price; half of them change an amount, the others remove a level or bring one back.
fn increment(market: &str, sequence: u64, random: &mut Random) -> String {
    let is_ask = random.below(2) == 0;
    let level = 1 + if random.below(10) < 8 { random.below(10) } else { random.below(LEVELS) };
    // Level 1 stays, so that no side runs empty.
    let amount = if level > 1 && random.below(4) == 0 { String::new() } else { amount(random) };
    let side = if is_ask { "asks" } else { "bids" };
    let price = price(is_ask, level);
    format!("{{\"{market}.ob-inc\":{{\"{side}\":[[\"{price}\",\"{amount}\"]],\"sequence\":{sequence}}}}}")
}

struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// Reads a feed from its beginning. What is written to it is dropped.
pub struct Reader {
    content: Arc<Content>,
    at: usize,
    frame: usize,
    /// The next read has to wait.
    waits: bool,
}

impl AsyncRead for Reader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let content = &this.content;
        let passing = content.gate.frames.load(Ordering::SeqCst);
        if this.frame >= passing {
            content.gate.waiting.lock().expect("no panic").push(cx.waker().clone());
            return Poll::Pending;
        }
        if std::mem::take(&mut this.waits) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let last = match content.shape {
            Shape::Singly if this.frame >= content.beginning => this.frame + 1,
            Shape::Batched | Shape::Singly => passing,
        };
        let end = content.ends[last - 1];
        let count = (end - this.at).min(buffer.remaining());
        buffer.put_slice(&content.bytes[this.at..this.at + count]);
        this.at += count;
        if this.at == end {
            this.frame = last;
            this.waits = content.shape == Shape::Singly;
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Reader {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Connect for Feed {
    fn connect<'a>(&'a self, handshake: &'a Handshake) -> BoxFuture<'a, Result<Connection, ConnectError>> {
        Box::pin(async move { Ok(Connection::new(accepted(handshake), self.open())) })
    }

    fn unix_millis(&self) -> u64 {
        unix_millis()
    }
}

/// The time of the clock that a REST client asks too.
pub fn unix_millis() -> u64 {
    static CLOCK: LazyLock<Clock> = LazyLock::new(Clock::system);
    CLOCK.now_ms()
}

/// The headers of an accepted handshake.
pub fn accepted(handshake: &Handshake) -> http::HeaderMap {
    let key = handshake.headers.iter().find(|(name, _)| *name == "sec-websocket-key");
    let accept = derive_accept_key(key.map_or(&[], |(_, key)| key.as_bytes()));
    let mut headers = http::HeaderMap::new();
    headers.insert("sec-websocket-accept", accept.parse().expect("a header"));
    headers
}

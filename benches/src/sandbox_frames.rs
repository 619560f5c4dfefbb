//! Measures the CPU time that the sandbox takes for each websocket frame that a client gets, with all work for the orders
//! that cause the frames. It is compared with a bare program that makes one write for each frame.

use crate::{
    by_hand::{self, Signer},
    measure::{self, Bar, Clock, Measured, median, report},
};
use capecrypto_sandbox::{Account, Sandbox};
use rustix::time::{ClockId, clock_gettime};
use std::{
    cell::Cell,
    io::Write,
    net::{SocketAddr, TcpListener},
    rc::Rc,
    sync::mpsc,
    thread::JoinHandle,
    time::{Duration, Instant},
};
use tokio::{
    net::TcpStream,
    sync::{Notify, mpsc as asynchronous, oneshot},
    task::LocalSet,
};

/// One way to cause frames.
struct Shape {
    clients: usize,
    /// Whether an order is sent only after the answer to the one before; if not, all orders of a burst are sent at once.
    in_turn: bool,
    /// Bursts of one round.
    bursts: usize,
    bars: &'static [Bar],
}

const SANDBOX: &str = "sandbox";
const SHAPES: &[Shape] = &[
    Shape { clients: 1_000, in_turn: false, bursts: 4, bars: BARS },
    Shape { clients: 1_000, in_turn: true, bursts: 4, bars: &[] },
    Shape { clients: 10, in_turn: false, bursts: 100, bars: &[] },
    Shape { clients: 10, in_turn: true, bursts: 100, bars: &[] },
];
const BARS: &[Bar] = &[Bar { candidate: SANDBOX, clock: Clock::Cpu, at_most: 0.6 }];
const ROUNDS: usize = 11;
/// Pairs of orders that match, in one burst.
const PAIRS: usize = 16;
/// Longer than a measurement takes.
const LONG: Duration = Duration::from_secs(3_600);
/// The increment of an order that rests, the increment of its end, and the trade.
const FRAMES_OF_PAIR: usize = 3;
const FRAME: &str = r#"{"xrpzar.ob-inc":{"asks":["95.25","1.0"],"sequence":123456}}"#;

pub fn run() -> bool {
    let all: Vec<bool> = SHAPES.iter().map(of_shape).collect();
    all.into_iter().all(|ok| ok)
}

fn of_shape(shape: &Shape) -> bool {
    let (sandbox, bare) = (SandboxThread::start(), BareThread::start(shape.clients));
    measure::pin(0);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let rounds = LocalSet::new().block_on(&runtime, rounds(shape, &sandbox, &bare));
    sandbox.stop();
    bare.stop();
    let frames = shape.clients * shape.bursts * PAIRS * FRAMES_OF_PAIR;
    let each = |figure: &dyn Fn(&[Spent; 2]) -> Duration| {
        let all = rounds.iter().map(|round| figure(round).as_secs_f64() / frames as f64).collect();
        Duration::from_secs_f64(median(all))
    };
    let ratio = |figure: &dyn Fn(&Spent) -> Duration, index: usize| {
        let of_round =
            |round: &[Spent; 2]| figure(&round[index]).as_secs_f64() / figure(&round[0]).as_secs_f64();
        median(rounds.iter().map(of_round).collect())
    };
    let measured = ["one write a frame", SANDBOX].into_iter().enumerate().map(|(index, name)| Measured {
        name,
        wall: each(&|round| round[index].wall),
        cpu: each(&|round| round[index].cpu),
        wall_ratio: ratio(&|spent| spent.wall, index),
        cpu_ratio: ratio(&|spent| spent.cpu, index),
    });
    let title = format!(
        "sandbox-frames: {} clients, {} orders {}; here a call is a frame that a client gets",
        shape.clients,
        PAIRS * 2,
        if shape.in_turn { "in turn" } else { "at once" }
    );
    report(&title, &measured.collect::<Vec<_>>(), shape.bars)
}

/// What a round took. The CPU time is that of the server's thread.
struct Spent {
    wall: Duration,
    cpu: Duration,
}

/// Each round: first the bare program, then the sandbox.
async fn rounds(shape: &Shape, sandbox: &SandboxThread, bare: &BareThread) -> Vec<[Spent; 2]> {
    let (of_sandbox, of_bare) = (Rc::new(Tally::default()), Rc::new(Tally::default()));
    of_sandbox.connect(sandbox.address, shape.clients).await;
    of_bare.connect(bare.address, shape.clients).await;
    let mut trader = Trader::new(sandbox).await;
    let frames = shape.clients * PAIRS * FRAMES_OF_PAIR;
    let mut rounds = Vec::new();
    // The first round warms up.
    for round in 0..=ROUNDS {
        let start = Instant::now();
        let mut cpu = Duration::ZERO;
        for _ in 0..shape.bursts {
            bare.burst.send(PAIRS * FRAMES_OF_PAIR).expect("the thread runs");
            of_bare.reach(frames).await;
            cpu += bare.took.recv().expect("the thread runs");
        }
        let by_hand = Spent { wall: start.elapsed(), cpu };
        let (start, cpu) = (Instant::now(), sandbox.cpu().await);
        for _ in 0..shape.bursts {
            trader.burst(shape.in_turn).await;
            of_sandbox.reach(frames).await;
        }
        let spent = Spent { wall: start.elapsed(), cpu: sandbox.cpu().await - cpu };
        if round > 0 {
            rounds.push([by_hand, spent]);
        }
    }
    rounds
}

fn thread_cpu() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or(0))
}

/// The sandbox on a thread of its own, which tells its CPU time.
struct SandboxThread {
    address: SocketAddr,
    maker: Account,
    taker: Account,
    ask: asynchronous::UnboundedSender<oneshot::Sender<Duration>>,
    thread: JoinHandle<()>,
}

impl SandboxThread {
    fn start() -> Self {
        let (tell, told) = mpsc::channel();
        let (ask, mut asked) = asynchronous::unbounded_channel::<oneshot::Sender<Duration>>();
        let thread = std::thread::spawn(move || {
            measure::pin(1);
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                // The clients answer no ping, and orders wait after they were signed.
                let builder = Sandbox::builder().heartbeat(LONG, LONG).auth_window(LONG);
                let sandbox = builder.start().await.expect("a port is free");
                let account = |name| sandbox.account(name).expect("the demo account exists");
                tell.send((sandbox.address(), account("maker"), account("taker"))).expect("the client waits");
                while let Some(answer) = asked.recv().await {
                    answer.send(thread_cpu()).expect("the client waits");
                }
                sandbox.shutdown().await;
            });
        });
        let (address, maker, taker) = told.recv().expect("the sandbox has started");
        Self { address, maker, taker, ask, thread }
    }

    async fn cpu(&self) -> Duration {
        let (answer, answered) = oneshot::channel();
        self.ask.send(answer).expect("the sandbox runs");
        answered.await.expect("the sandbox answers")
    }

    fn stop(self) {
        drop(self.ask);
        self.thread.join().expect("the sandbox ends without a panic");
    }
}

/// The work by hand: every frame is written to every client, one write each.
struct BareThread {
    address: SocketAddr,
    burst: mpsc::Sender<usize>,
    took: mpsc::Receiver<Duration>,
    thread: JoinHandle<()>,
}

impl BareThread {
    fn start(clients: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("it listens");
        let (burst, bursts) = mpsc::channel();
        let (tell, took) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            measure::pin(1);
            let mut sockets = Vec::new();
            for _ in 0..clients {
                let (mut socket, _) = listener.accept().expect("a client connects");
                socket.set_nodelay(true).expect("a TCP socket");
                socket.write_all(b"HTTP/1.1 101\r\n\r\n").expect("the client reads");
                socket.write_all(&frame("success")).expect("the client reads");
                sockets.push(socket);
            }
            let frame = frame(FRAME);
            for frames in bursts {
                let start = thread_cpu();
                for _ in 0..frames {
                    for socket in &mut sockets {
                        socket.write_all(&frame).expect("the client reads");
                    }
                }
                tell.send(thread_cpu() - start).expect("the client waits");
            }
        });
        Self { address, burst, took, thread }
    }

    fn stop(self) {
        drop(self.burst);
        self.thread.join().expect("it ends without a panic");
    }
}

/// A short text as a frame.
fn frame(text: &str) -> Vec<u8> {
    let length = u8::try_from(text.len()).expect("a short text");
    [&[0x81, length], text.as_bytes()].concat()
}

/// Counts the frames of all clients of a server.
#[derive(Default)]
struct Tally {
    ready: Cell<usize>,
    frames: Cell<usize>,
    changed: Notify,
}

impl Tally {
    /// Opens sockets, which read until their server closes them, and waits until all are subscribed.
    async fn connect(self: &Rc<Self>, address: SocketAddr, clients: usize) {
        for place in 0..clients {
            tokio::task::spawn_local(Rc::clone(self).client(address));
            // One after the other, so that the queue of the listener never overflows.
            while self.ready.get() <= place {
                self.changed.notified().await;
            }
        }
    }

    /// Waits until the clients have got this many frames more.
    async fn reach(&self, frames: usize) {
        while self.frames.get() < frames {
            self.changed.notified().await;
        }
        assert_eq!(self.frames.replace(0), frames, "no frame is sent twice");
    }

    async fn client(self: Rc<Self>, address: SocketAddr) {
        let stream = TcpStream::connect(address).await.expect("the server listens");
        send(
            &stream,
            "GET /api/v2/websocket/public?stream=xrpzar.ob-inc&stream=xrpzar.trades HTTP/1.1\r\nHost: x\r\n\
             Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        )
        .await;
        let (mut buffer, mut filled) = (vec![0; 16 * 1024], 0);
        let mut confirmed = false;
        while let Some(more) = receive(&stream, &mut buffer[filled..]).await {
            filled += more;
            let mut start = 0;
            let mut frames = 0;
            while let Some(length) = first_part(&buffer[start..filled]) {
                let part = &buffer[start..start + length];
                start += length;
                if confirmed {
                    frames += 1;
                } else if part.windows(7).any(|text| text == b"success") {
                    confirmed = true;
                    self.ready.set(self.ready.get() + 1);
                    self.changed.notify_one();
                }
            }
            buffer.copy_within(start..filled, 0);
            filled -= start;
            if frames > 0 {
                self.frames.set(self.frames.get() + frames);
                self.changed.notify_one();
            }
        }
    }
}

/// The length of the frame, or of the head of the HTTP answer, that the bytes begin with.
fn first_part(bytes: &[u8]) -> Option<usize> {
    let length = match *bytes {
        [b'H', ..] => bytes.windows(4).position(|end| end == b"\r\n\r\n")? + 4,
        [_, 126, high, low, ..] => 4 + usize::from(u16::from_be_bytes([high, low])),
        [_, length @ 0..126, ..] => 2 + usize::from(length),
        _ => return None,
    };
    (bytes.len() >= length).then_some(length)
}

/// Reads what is there; `None` at the end.
async fn receive(stream: &TcpStream, buffer: &mut [u8]) -> Option<usize> {
    loop {
        stream.readable().await.ok()?;
        match stream.try_read(buffer) {
            Ok(0) => return None,
            Ok(count) => return Some(count),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => return None,
        }
    }
}

async fn send(stream: &TcpStream, text: &str) {
    let mut rest = text.as_bytes();
    while !rest.is_empty() {
        stream.writable().await.expect("the server reads");
        match stream.try_write(rest) {
            Ok(count) => rest = &rest[count..],
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock, "the server reads"),
        }
    }
}

/// Places orders over one connection.
struct Trader {
    stream: TcpStream,
    host: SocketAddr,
    sides: [(&'static str, Signer); 2],
    pairs: usize,
}

impl Trader {
    async fn new(sandbox: &SandboxThread) -> Self {
        let signer = |account: &Account| Signer::new(&account.api_key, &account.secret);
        Self {
            stream: TcpStream::connect(sandbox.address).await.expect("the sandbox listens"),
            host: sandbox.address,
            sides: [("sell", signer(&sandbox.maker)), ("buy", signer(&sandbox.taker))],
            pairs: 0,
        }
    }

    /// Sends the orders of a burst, and reads the answers.
    async fn burst(&mut self, in_turn: bool) {
        let requests: Vec<String> = (0..PAIRS).flat_map(|_| self.pair()).collect();
        if in_turn {
            for request in &requests {
                self.exchange(request, 1).await;
            }
        } else {
            self.exchange(&requests.concat(), requests.len()).await;
        }
    }

    /// Two orders that match.
    fn pair(&mut self) -> [String; 2] {
        self.pairs += 1;
        let cents = self.pairs % 100;
        self.sides.each_ref().map(|(side, signer)| {
            let headers = signer.headers(by_hand::now_ms());
            let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
            let body = format!(
                r#"{{"market":"xrpzar","side":"{side}","ord_type":"limit","volume":"1","price":"95.{cents:02}"}}"#
            );
            format!(
                "POST /api/v2/atlas/market/orders HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n\
                 {headers}Content-Length: {}\r\n\r\n{body}",
                self.host,
                body.len()
            )
        })
    }

    /// Sends this, and reads as many answers.
    async fn exchange(&self, requests: &str, answers: usize) {
        send(&self.stream, requests).await;
        let (mut text, mut chunk) = (String::new(), vec![0; 64 * 1024]);
        while text.matches("HTTP/1.1 201 ").count() < answers {
            let more = receive(&self.stream, &mut chunk).await.expect("the sandbox answers");
            text.push_str(&String::from_utf8_lossy(&chunk[..more]));
            assert_eq!(text.matches("HTTP/1.1 ").count(), text.matches("HTTP/1.1 201 ").count(), "{text}");
        }
    }
}

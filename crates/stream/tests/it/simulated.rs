//! A simulated network on a paused clock, for faults that no real server shows on request.

use capecrypto_simnet::{Fault, Network, Opening, Peer};
use capecrypto_stream::{
    Builder, Config, Connect, ConnectError, Connection, Event, Handshake, Interruption, Io, Kind, Stream,
    Topic,
};
use futures_util::{FutureExt, SinkExt, future::BoxFuture};
use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Instant,
};
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::{
        CloseFrame,
        frame::{
            Frame,
            coding::{CloseCode, Data, OpCode},
        },
    },
};

async fn confirm(peer: &mut Peer) {
    peer.confirm(&["btczar.ob-inc"]).await;
}

/// A network whose peers confirm the book and then answer pings.
fn network() -> Network {
    Network::scripted(7, |mut peer| async move {
        confirm(&mut peer).await;
        peer.idle().await;
    })
}

/// A network whose peers hang up at once.
fn hanging_up() -> Network {
    Network::scripted(7, |_| async {})
}

/// Opens a stream whose topics and taps the test chooses.
pub(crate) async fn opened_with(network: &Network, choose: impl FnOnce(Builder) -> Builder) -> Stream {
    choose(Stream::builder(network.clone())).connect().await.unwrap()
}

/// These peers do not answer the periodic lists.
async fn opened(network: &Network, config: Config) -> Stream {
    let config = config.list_every(Duration::from_secs(24 * 3_600));
    Stream::builder(network.clone()).book("btczar").config(config).connect().await.unwrap()
}

/// The events up to and including the one that `last` accepts, each with the time since the start.
async fn until(stream: &Stream, start: Instant, last: fn(&Event) -> bool) -> Vec<(Duration, Event)> {
    let mut events: Vec<(Duration, Event)> = Vec::new();
    let day = Duration::from_secs(24 * 3_600);
    while let Some(event) = tokio::time::timeout(day, stream.next()).await.expect("nothing for a day") {
        let done = last(&event);
        events.push((start.elapsed(), event));
        if done {
            return events;
        }
        assert!(events.len() < 10_000, "it does not come: {:?}", events.get(..20));
    }
    panic!("the stream ended: {events:?}");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_vanishes_is_noticed_within_25_seconds() {
    let network = network();
    let start = Instant::now();
    let stream = opened(&network, Config::default()).await;
    until(&stream, start, |event| matches!(event, Event::Subscribed { .. })).await;
    network.fault(Fault::Vanish);
    let events = until(&stream, start, |event| matches!(event, Event::Connected { connections: 2 })).await;
    let (at, lost) = events.iter().find(|(_, event)| matches!(event, Event::Disconnected { .. })).unwrap();
    assert!(matches!(lost, Event::Disconnected { why: Interruption::Silent, .. }), "{lost:?}");
    assert!(*at <= Duration::from_secs(25), "{at:?}");
    // The second peer answers pings: nothing more happens for an hour.
    let more = tokio::time::timeout(
        Duration::from_secs(3_600),
        until(&stream, start, |event| matches!(event, Event::Disconnected { .. })),
    )
    .await;
    assert!(more.is_err());
    assert_eq!(network.connections(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_hour_of_refused_connections_is_survived_at_a_decent_pace() {
    let network = network();
    let start = Instant::now();
    let stream = opened(&network, Config::default()).await;
    network.fault(Fault::Cut);
    for _ in 0..129 {
        network.fault(Fault::Opening(Opening::DropBeforeRead));
    }
    let events = until(&stream, start, |event| matches!(event, Event::Connected { connections: 131 })).await;
    let took = events.last().unwrap().0;
    assert!(took >= Duration::from_secs(130 * 15 - 200), "{took:?}");
    let waits = events.iter().filter_map(|(_, event)| match event {
        Event::Disconnected { retry_in, .. } => Some(*retry_in),
        _ => None,
    });
    assert!(waits.max().unwrap() <= Duration::from_secs(30));
    assert_eq!(network.connections(), 131);
}

#[tokio::test(start_paused = true)]
async fn goodbyes_oversized_messages_and_cut_frames_end_one_connection_only() {
    let network = Network::scripted(7, |mut peer| async move {
        confirm(&mut peer).await;
        match peer.number {
            1 => {
                let frame = CloseFrame { code: CloseCode::Restart, reason: "".into() };
                peer.socket.close(Some(frame)).await.unwrap();
            }
            2 => {
                peer.say("x".repeat(8 * 1024 * 1024 + 1)).await;
            }
            // A text frame that announces 100 bytes and sends 3.
            3 => peer.raw(&[0x81, 100, b'{', b'"', b'b']).await.unwrap(),
            _ => {
                peer.idle().await;
            }
        }
    });
    let stream = opened(&network, Config::default()).await;
    let events =
        until(&stream, Instant::now(), |event| matches!(event, Event::Connected { connections: 4 })).await;
    let whys: Vec<_> = events
        .into_iter()
        .filter_map(|(_, event)| match event {
            Event::Disconnected { why, .. } => Some(why),
            _ => None,
        })
        .collect();
    assert_eq!(whys[0], Interruption::Closed { code: 1012 });
    assert!(
        matches!(&whys[1], Interruption::Failed { what } if what.contains("too long") || what.contains("too large") || what.contains("space limit")),
        "{whys:?}"
    );
    assert_eq!(whys[2], Interruption::Closed { code: 1006 });
}

#[tokio::test(start_paused = true)]
async fn a_handshake_of_another_protocol_is_refused() {
    let network = network();
    network.fault(Fault::Opening(Opening::NotAWebsocket));
    let error = Stream::builder(network).book("btczar").connect().await.unwrap_err();
    assert!(error.to_string().contains("not a websocket"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn silence_is_told_where_it_was_asked_for() {
    let network = network();
    let start = Instant::now();
    let stream = opened(&network, Config::default().stale_after(Duration::from_secs(90))).await;
    let events = until(&stream, start, |event| matches!(event, Event::Stale { .. })).await;
    let at = events.last().unwrap().0;
    assert!((Duration::from_secs(90)..=Duration::from_secs(91)).contains(&at), "{at:?}");
    assert_eq!(network.connections(), 1, "pings are answered, so the connection stays");
}

#[tokio::test(start_paused = true)]
async fn closing_and_dropping_say_goodbye_and_leave_no_task() {
    let goodbyes = Arc::new(AtomicUsize::new(0));
    let counted = goodbyes.clone();
    let network = Network::scripted(7, move |mut peer| {
        let counted = counted.clone();
        async move {
            confirm(&mut peer).await;
            counted.fetch_add(usize::from(peer.idle().await), Ordering::SeqCst);
        }
    });
    let stream = opened(&network, Config::default()).await;
    stream.close().await;
    assert_eq!(goodbyes.load(Ordering::SeqCst), 1);
    while let Some(event) = stream.next().await {
        assert!(!matches!(event, Event::Disconnected { .. }), "a wanted end is no lost connection");
    }
    assert!(stream.subscribe([Topic::Tickers]).await.is_err());
    stream.close().await;

    drop(opened(&network, Config::default()).await);
    let metrics = tokio::runtime::Handle::current().metrics();
    for _ in 0..1_000 {
        if metrics.num_alive_tasks() == 0 {
            break;
        }
        tokio::time::advance(Duration::from_millis(10)).await;
    }
    assert_eq!(metrics.num_alive_tasks(), 0, "no task is left");
    assert_eq!(goodbyes.load(Ordering::SeqCst), 2);
}

/// Sends a text message of some size as one frame, a piece every 20 ms.
async fn send_slowly(peer: &mut Peer, text: &str) {
    let mut frame = vec![0x81, 127];
    frame.extend(u64::try_from(text.len()).unwrap().to_be_bytes());
    frame.extend(text.as_bytes());
    for piece in frame.chunks(1_000) {
        peer.raw(piece).await.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn large_tickers() -> String {
    format!(r#"{{"global.tickers":{{}},"pad":"{}"}}"#, "x".repeat(60_000))
}

#[tokio::test(start_paused = true)]
async fn a_large_message_over_a_slow_line_is_a_sign_of_life() {
    let network = Network::scripted(7, |mut peer| async move {
        confirm(&mut peer).await;
        send_slowly(&mut peer, &large_tickers()).await;
        peer.idle().await;
    });
    let start = Instant::now();
    let config = Config::default().heartbeat(Duration::from_millis(300), Duration::from_millis(200));
    let stream = opened(&network, config).await;
    let events = until(&stream, start, |event| matches!(event, Event::Tickers(_))).await;
    assert!(!events.iter().any(|(_, event)| matches!(event, Event::Disconnected { .. })), "{events:?}");
    assert!(start.elapsed() > Duration::from_secs(1), "the message came too fast for this test");
    assert_eq!(network.connections(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_large_answer_to_a_subscription_may_take_its_time_while_bytes_come() {
    let network = Network::scripted(7, |mut peer| async move {
        send_slowly(&mut peer, &large_tickers()).await;
        confirm(&mut peer).await;
        peer.idle().await;
    });
    let start = Instant::now();
    let config = Config::default()
        .heartbeat(Duration::from_millis(300), Duration::from_millis(200))
        .confirm_within(Duration::from_millis(400));
    let stream = opened(&network, config).await;
    until(&stream, start, |event| matches!(event, Event::Subscribed { .. })).await;
    assert_eq!(network.connections(), 1);
}

#[tokio::test]
async fn times_that_cannot_be_kept_are_refused_by_name_before_anything_is_opened() {
    let second = Duration::from_secs(1);
    for (config, name) in [
        (Config::default().heartbeat(Duration::ZERO, second), "ping_every"),
        (Config::default().heartbeat(second, Duration::ZERO), "pong_within"),
        (Config::default().heartbeat(Duration::MAX, second), "ping_every"),
        (Config::default().confirm_within(Duration::ZERO), "confirm_within"),
        (Config::default().stale_after(Duration::ZERO), "stale_after"),
    ] {
        let network = network();
        let error =
            Stream::builder(network.clone()).book("btczar").config(config).connect().await.unwrap_err();
        assert_eq!(error.kind(), Kind::InvalidArgument);
        assert!(error.to_string().contains(name), "{error}");
        assert_eq!(network.connections(), 0);
    }
}

#[test]
fn without_a_runtime_or_its_timers_opening_is_an_error() {
    let connect = || Stream::builder(hanging_up()).book("btczar").connect();
    let error = connect().now_or_never().expect("it must not wait").unwrap_err();
    assert!(error.kind() == Kind::Runtime && error.to_string().contains("tokio"), "{error}");
    let bare = tokio::runtime::Builder::new_current_thread().build().unwrap();
    assert_eq!(bare.block_on(connect()).unwrap_err().kind(), Kind::Runtime);
}

#[tokio::test(start_paused = true)]
async fn a_seed_repeats_the_waits_between_connections() {
    async fn waits(seed: u64) -> Vec<Duration> {
        let stream = opened(&hanging_up(), Config::default().seed(seed)).await;
        let mut waits = Vec::new();
        while waits.len() < 5 {
            if let Some(Event::Disconnected { retry_in, .. }) = stream.next().await {
                waits.push(retry_in);
            }
        }
        waits
    }
    assert_eq!(waits(7).await, waits(7).await);
    assert_ne!(waits(7).await, waits(8).await);
}

#[test]
fn an_interruption_says_what_happened_in_words() {
    let failed = Interruption::Failed { what: "no route".to_owned() };
    for (interruption, words) in [
        (Interruption::Silent, "nothing came"),
        (Interruption::Unconfirmed, "did not answer"),
        (Interruption::Closed { code: 1006 }, "without a goodbye"),
        (Interruption::Closed { code: 1009 }, "1009"),
        (failed, "no route"),
        (Interruption::Refused { what: "authz.invalid_signature".to_owned() }, "authz.invalid_signature"),
    ] {
        assert!(interruption.to_string().contains(words), "{interruption}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_in_many_fragments_is_bounded_as_a_whole() {
    let network = Network::scripted(7, |mut peer| async move {
        confirm(&mut peer).await;
        let piece = "x".repeat(1024 * 1024);
        for at in 0..if peer.number == 1 { 9 } else { 0 } {
            let code = OpCode::Data(if at == 0 { Data::Text } else { Data::Continue });
            let frame = Frame::message(piece.clone(), code, at == 8);
            if peer.socket.send(Message::Frame(frame)).await.is_err() {
                return;
            }
        }
        peer.idle().await;
    });
    let stream = opened(&network, Config::default()).await;
    let events =
        until(&stream, Instant::now(), |event| matches!(event, Event::Connected { connections: 2 })).await;
    let told = events.iter().any(|(_, event)| {
        matches!(event, Event::Disconnected { why: Interruption::Failed { what }, .. } if what.contains("too"))
    });
    assert!(told, "{events:?}");
}

/// A connection that brings bytes and takes none.
struct Stuck(Box<dyn Io>);

impl AsyncRead for Stuck {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Stuck {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<std::io::Result<usize>> {
        Poll::Pending
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Pending
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Pending
    }
}

/// The same network, whose connections take no bytes.
struct TakesNothing(Network);

impl Connect for TakesNothing {
    fn connect<'a>(&'a self, handshake: &'a Handshake) -> BoxFuture<'a, Result<Connection, ConnectError>> {
        Box::pin(async move {
            let connection = self.0.connect(handshake).await?;
            Ok(Connection::new(connection.headers, Stuck(connection.io)))
        })
    }

    fn unix_millis(&self) -> u64 {
        self.0.unix_millis()
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_no_bytes_is_given_up_after_five_seconds() {
    // No deadline but that of sending can end it after the first ping.
    let (ping, long) = (Duration::from_secs(15), Duration::from_secs(3_600));
    let start = Instant::now();
    let stream = Stream::builder(TakesNothing(network()))
        .book("btczar")
        .config(Config::default().heartbeat(ping, long))
        .connect()
        .await
        .unwrap();
    let events = until(&stream, start, |event| matches!(event, Event::Disconnected { .. })).await;
    let (at, lost) = events.last().unwrap();
    assert!(matches!(lost, Event::Disconnected { why: Interruption::Silent, .. }), "{lost:?}");
    assert_eq!(at.as_secs(), 20);
}

#[tokio::test(start_paused = true)]
async fn a_handshake_without_an_answer_is_given_up_after_fifteen_seconds() {
    let network = network();
    network.fault(Fault::Opening(Opening::Silent));
    let start = Instant::now();
    let error = Stream::builder(network.clone()).book("btczar").connect().await.unwrap_err();
    assert_eq!((error.kind(), start.elapsed().as_secs()), (Kind::Connect, 15));
    assert!(error.to_string().contains("in time"), "{error}");
    // Later ones are tried again.
    let stream = opened(&network, Config::default()).await;
    network.fault(Fault::Openings(Opening::Silent));
    network.fault(Fault::Cut);
    let failed = |event: &Event| matches!(event, Event::Disconnected { why: Interruption::Failed { what }, .. } if what.contains("in time"));
    until(&stream, start, failed).await;
    until(&stream, start, failed).await;
    network.heal();
    until(&stream, start, |event| matches!(event, Event::Connected { .. })).await;
}

#[tokio::test(start_paused = true)]
async fn silence_is_told_in_time_again_after_a_message() {
    let network = Network::scripted(7, |mut peer| async move {
        confirm(&mut peer).await;
        tokio::time::sleep(Duration::from_secs(4)).await;
        peer.say(r#"{"btczar.ob-inc":{"asks":["1","1"],"sequence":2}}"#).await;
        peer.idle().await;
    });
    let start = Instant::now();
    let stream = opened(&network, Config::default().stale_after(Duration::from_secs(1))).await;
    for second in [1, 5] {
        let events = until(&stream, start, |event| matches!(event, Event::Stale { .. })).await;
        assert_eq!(events.last().unwrap().0.as_secs(), second);
    }
}

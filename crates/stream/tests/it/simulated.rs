//! A simulated network on a paused clock, for faults that no real server shows on request.

use capecrypto_simnet::{Fault, Network, Opening, Peer};
use capecrypto_stream::{Config, Event, Interruption, Kind, Stream, Topic};
use futures_util::FutureExt;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, frame::coding::CloseCode};

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

async fn opened(network: &Network, config: Config) -> Stream {
    Stream::builder(network.clone()).book("btczar").config(config).connect().await.unwrap()
}

/// The events up to and including the one that `last` accepts, each with the time since the start.
async fn until(stream: &Stream, start: Instant, last: fn(&Event) -> bool) -> Vec<(Duration, Event)> {
    let mut events = Vec::new();
    while let Some(event) = stream.next().await {
        let done = last(&event);
        events.push((start.elapsed(), event));
        if done {
            return events;
        }
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
        (Interruption::Unconfirmed, "did not confirm"),
        (Interruption::Closed { code: 1006 }, "without a goodbye"),
        (Interruption::Closed { code: 1009 }, "1009"),
        (failed, "no route"),
        (Interruption::Refused { what: "authz.invalid_signature".to_owned() }, "authz.invalid_signature"),
    ] {
        assert!(interruption.to_string().contains(words), "{interruption}");
    }
}

//! What a server must not be able to do: nothing that it sends loses anything beside it, or ends the stream.

use crate::simulated::opened_with;
use capecrypto_simnet::{Network, Peer};
use capecrypto_stream::{Event, Interruption, Stream};
use futures_util::SinkExt;
use std::time::Duration;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

const TOPICS: &str = r#"{"success":{"message":"subscribed","streams":["balance","btczar.ob-inc"]}}"#;
const GOOD: &str = r#"{"balance":{"currency":"zar","balance":"7","locked":"0"}}"#;

/// What has to be told of a bad message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Nothing,
    Unreadable,
    Unknown,
    /// A book's frame; the book itself finds that it cannot be read.
    Book,
    /// As many as there are topics or documents.
    All(usize),
}

fn nested(levels: usize) -> String {
    format!("{}{}", "[".repeat(levels), "]".repeat(levels))
}

/// Messages that leave the connection as it is.
fn bad() -> Vec<(Message, Told)> {
    let order = |value: &str| format!(r#"{{"order":{value}}}"#);
    let text = |text: &str| Message::text(text.to_owned());
    vec![
        (text(""), Told::Nothing),
        (text("pong"), Told::Nothing),
        (text("<html>"), Told::Unreadable),
        (text("null"), Told::Unreadable),
        (text("[]"), Told::Unreadable),
        (text("7"), Told::Unreadable),
        (text("{}"), Told::Unreadable),
        (text("{\"order\":"), Told::Unreadable),
        (text("{\"order\":{}} trailing"), Told::All(2)),
        (Message::binary(vec![0xff, 0xfe, b'{']), Told::Unreadable),
        (Message::binary(b"{\"order\":\"\xff\"}".to_vec()), Told::Unreadable),
        (text(&order("{}")), Told::Unreadable),
        (text(&order("[]")), Told::Unreadable),
        (text(&order(r#"{"id":1e999}"#)), Told::Unreadable),
        (text(&order(r#"{"id":-7}"#)), Told::Unreadable),
        (text(&order(&nested(10_000))), Told::Unreadable),
        (text(&format!(r#"{{"stranger":{}}}"#, nested(10_000))), Told::Unknown),
        (text(r#"{"stranger":{"a":1}}"#), Told::Unknown),
        (text(r#"{"":{}}"#), Told::Unknown),
        (text(&format!(r#"{{"{}":{{}}}}"#, "x".repeat(100_000))), Told::Unknown),
        (text(&format!(r#"{{"stranger":"{}"}}"#, "x".repeat(8_000_000))), Told::Unknown),
        (text(r#"{"btczar.ob-inc":{"asks":["1e400","1"],"sequence":2}}"#), Told::Book),
        (text(r#"{"btczar.ob-inc":7}"#), Told::Book),
        (text(r#"{"btczar.ob-snap":null}"#), Told::Book),
        (text(r#"{"a":{},"b":{},"c":{}}"#), Told::All(3)),
        (text(r#"{"a":{}}{"b":{}}"#), Told::All(2)),
        (text(r#"{"success":7}"#), Told::Unreadable),
        (text(r#"{"success":{"message":"subscribed","streams":[7]}}"#), Told::Unreadable),
        (text(r#"{"success":{"message":"cannot subscribe to stranger"}}"#), Told::Nothing),
    ]
}

/// What was told between two good events.
fn told(events: &[Event]) -> Told {
    let kind = |event: &Event| match event {
        Event::Unreadable { .. } => Told::Unreadable,
        Event::Unknown { .. } => Told::Unknown,
        Event::Book { .. } => Told::Book,
        event => panic!("{event:?}"),
    };
    match events {
        [] => Told::Nothing,
        [one] => kind(one),
        more => Told::All(more.len()),
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_that_a_server_sends_loses_what_comes_after_it() {
    let network = Network::scripted(7, |mut peer| async move {
        let _ = peer.socket.send(Message::text(TOPICS)).await;
        for (message, _) in bad() {
            for message in [message, Message::text(GOOD)] {
                let _ = peer.socket.send(message).await;
            }
        }
        peer.idle().await;
    });
    let stream = opened_with(&network, |builder| builder.balances().book("btczar")).await;
    let (mut between, mut goods) = (Vec::new(), 0);
    for expected in bad() {
        loop {
            match tokio::time::timeout(Duration::from_secs(60), stream.next()).await.unwrap().unwrap() {
                Event::Connected { .. } | Event::Subscribed { .. } => {}
                Event::Balance(_) => break,
                Event::Unreadable { topic, why } => {
                    assert!(topic.len() + why.len() < 400, "{topic} {why}");
                    between.push(Event::Unreadable { topic, why });
                }
                event => between.push(event),
            }
        }
        goods += 1;
        let message: String = format!("{:?}", expected.0).chars().take(100).collect();
        assert_eq!(told(&between), expected.1, "{message}: {between:?}");
        between.clear();
    }
    assert_eq!(goods, bad().len());
}

/// Messages that end their connection, because after them nobody knows where the next one begins.
async fn send_broken(number: u64, peer: &mut Peer) {
    use tokio_tungstenite::tungstenite::protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    };
    let raw = |bytes: Vec<u8>, code, last| Message::Frame(Frame::message(bytes, OpCode::Data(code), last));
    let _ = match number {
        1 => peer.socket.send(Message::text("x".repeat(8 * 1024 * 1024 + 1))).await,
        2 => peer.socket.send(raw(vec![0xff, 0xfe], Data::Text, true)).await,
        // A continuation of nothing.
        3 => peer.socket.send(raw(b"{}".to_vec(), Data::Continue, true)).await,
        _ => Ok(()),
    };
}

#[tokio::test(start_paused = true)]
async fn a_message_that_breaks_the_protocol_ends_one_connection_only() {
    let network = Network::scripted(7, |mut peer| async move {
        let number = peer.number;
        let _ = peer.socket.send(Message::text(TOPICS)).await;
        let _ = peer.socket.send(Message::text(GOOD)).await;
        send_broken(number, &mut peer).await;
        peer.idle().await;
    });
    let stream = opened_with(&network, |builder| builder.balances().book("btczar")).await;
    let (mut goods, mut broken, mut gaps) = (0, 0, 0);
    while goods < 4 {
        match tokio::time::timeout(Duration::from_secs(60), stream.next()).await.unwrap().unwrap() {
            Event::Balance(_) => goods += 1,
            Event::Disconnected { why: Interruption::Failed { what }, .. } => {
                assert!(what.len() < 200, "{what}");
                broken += 1;
            }
            Event::Gap { .. } => gaps += 1,
            Event::Connected { .. } | Event::Subscribed { .. } => {}
            event => panic!("{event:?}"),
        }
    }
    assert_eq!((goods, broken, gaps), (4, 3, 3));
}

/// The memory of the queue is bounded by what it holds; here, that the stream goes on however long nobody reads.
#[tokio::test(start_paused = true)]
async fn a_flood_that_nobody_reads_is_counted_and_the_newest_is_there() {
    let network = Network::scripted(7, |mut peer| async move {
        let _ = peer.socket.send(Message::text(TOPICS)).await;
        let large: Utf8Bytes = format!(r#"{{"stranger":"{}"}}"#, "x".repeat(1_000_000)).into();
        for sequence in 0..200 {
            let _ = peer.socket.send(Message::Text(large.clone())).await;
            let book = format!(r#"{{"btczar.ob-inc":{{"asks":["1","1"],"sequence":{sequence}}}}}"#);
            let _ = peer.socket.send(Message::text(book)).await;
        }
        let _ = peer.socket.send(Message::text(GOOD)).await;
        peer.idle().await;
    });
    let stream = opened_with(&network, |builder| builder.balances().book("btczar")).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    let lagged = stream.next().await;
    let Some(Event::Lagged { market, account: 0, connection: 0 }) = lagged else { panic!("{lagged:?}") };
    let mut waiting = 0;
    let last = loop {
        match tokio::time::timeout(Duration::from_secs(1), next_of_market(&stream)).await.unwrap() {
            Event::Balance(_) => break waiting,
            _ => waiting += 1,
        }
    };
    assert_eq!(market + last, 400, "each of them was counted, or waits");
    assert!((100..=140).contains(&last), "{last}: about 64 MiB wait");
}

/// The next event that is not about the connection.
async fn next_of_market(stream: &Stream) -> Event {
    loop {
        match stream.next().await.unwrap() {
            Event::Connected { .. } | Event::Subscribed { .. } => {}
            event => return event,
        }
    }
}

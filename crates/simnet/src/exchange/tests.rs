use super::*;
use crate::{
    Frames,
    line::{Line, Pace, Wire},
};
use futures_util::{SinkExt, StreamExt};
use tokio::time::{sleep, timeout};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Message, protocol::Role},
};

/// A client that shows the frames as they are.
struct Bare(WebSocketStream<Wire>);

impl Bare {
    async fn new(exchange: &Exchange, private: bool, query: &'static str) -> Self {
        let pace = Pace { shortest: Duration::ZERO, longest: Duration::ZERO, bytes_per_second: None };
        let (line, ours, theirs) = Line::new(&pace, &mut fastrand::Rng::with_seed(1));
        let exchange = exchange.clone();
        tokio::spawn(async move { serve(exchange, line, 1, private, query, theirs).await });
        Self(WebSocketStream::from_raw_socket(ours, Role::Client, None).await)
    }

    async fn ask(&mut self, text: &str) -> Vec<String> {
        self.0.send(Message::text(text)).await.unwrap();
        self.frames().await
    }

    /// The frames that are there; `end` at the end of the connection.
    async fn frames(&mut self) -> Vec<String> {
        let mut frames = Vec::new();
        loop {
            match timeout(Duration::from_millis(10), self.0.next()).await {
                Ok(Some(Ok(Message::Text(text)))) => frames.push(text.to_string()),
                Ok(Some(Ok(Message::Close(Some(close))))) => frames.push(u16::from(close.code).to_string()),
                Ok(Some(Ok(_))) => {}
                Ok(Some(Err(_)) | None) => {
                    frames.push("end".to_owned());
                    return frames;
                }
                Err(_) => return frames,
            }
        }
    }
}

fn exchange() -> Exchange {
    Exchange::new(Journal::new(), fastrand::Rng::with_seed(1))
}

fn subscribed(names: &[&str]) -> String {
    crate::peer::list("subscribed", names)
}

#[tokio::test(start_paused = true)]
async fn a_book_comes_as_a_stored_snapshot_its_increments_and_the_list() {
    let exchange = exchange();
    exchange.bid("btczar", 900, 2);
    sleep(Duration::from_secs(61)).await;
    exchange.ask("btczar", 1_100, 3);
    exchange.bid("btczar", 900, 0);
    let mut bare = Bare::new(&exchange, false, "stream=btczar.ob-inc").await;
    let expected = [
        r#"{"btczar.ob-snap":{"asks":[["1100","3"]],"bids":[["900","2"]],"sequence":3}}"#,
        r#"{"btczar.ob-inc":{"bids":["900",""],"sequence":4}}"#,
        r#"{"success":{"message":"subscribed","streams":["btczar.ob-inc"]}}"#,
    ];
    assert_eq!(bare.frames().await, expected);
    exchange.ask("btczar", 1_101, 1);
    let next = r#"{"btczar.ob-inc":{"asks":["1101","1"],"sequence":5}}"#;
    assert_eq!(bare.frames().await, [next]);
    // The same request again brings everything again.
    let again = bare.ask(r#"{"event":"subscribe","streams":["btczar.ob-inc"]}"#).await;
    assert_eq!(again, [expected[0], expected[1], next, expected[2]]);
    exchange.restart_engine("btczar");
    exchange.bid("btczar", 800, 1);
    assert_eq!(bare.frames().await, [r#"{"btczar.ob-inc":{"bids":["800","1"],"sequence":2}}"#]);
}

#[tokio::test(start_paused = true)]
async fn the_list_has_all_subscriptions_and_never_the_account_on_a_public_connection() {
    let exchange = exchange();
    let mut public = Bare::new(&exchange, false, "stream=order,x.trades&btczar.ob-inc&stream=a.b.c").await;
    let refusal = r#"{"success":{"message":"cannot subscribe to a.b.c"}}"#;
    assert_eq!(public.frames().await, [refusal.to_owned(), subscribed(&["x.trades"])]);
    let mut private = Bare::new(&exchange, true, "stream=order&stream=x.trades").await;
    assert_eq!(private.frames().await, [subscribed(&["x.trades", "order"])]);
    let list = private.ask(r#"{"event":"unsubscribe","streams":["x.trades","nothing"]}"#).await;
    assert_eq!(list, [crate::peer::list("unsubscribed", &["order"])]);
    let none = Bare::new(&exchange, false, "").await.frames().await;
    assert_eq!(none, [subscribed(&[])]);
}

#[tokio::test(start_paused = true)]
async fn what_is_no_request_is_answered_by_an_error() {
    let mut bare = Bare::new(&exchange(), false, "").await;
    bare.frames().await;
    for (text, answer) in [
        ("ping", "pong"),
        ("{", r#"{"error":"Could not parse message"}"#),
        (r#"{"event":"x"}"#, r#"{"error":"Could not parse Type: Invalid event"}"#),
        (r#"{"event":"subscribe","streams":[]}"#, r#"{"error":"No streams provided"}"#),
    ] {
        assert_eq!(bare.ask(text).await, [answer], "{text}");
    }
    let long = format!(r#"{{"event":"subscribe","streams":["{}"]}}"#, "x".repeat(600));
    assert_eq!(bare.ask(&long).await, ["1009", "end"]);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_is_dropped() {
    let exchange = exchange();
    let mut bare = Bare::new(&exchange, false, "stream=x.trades").await;
    bare.frames().await;
    for _ in 0..257 {
        exchange.publish("x.trades", "{}");
    }
    assert_eq!(bare.frames().await, ["end"]);
    let mut bare = Bare::new(&exchange, false, "stream=x.trades").await;
    bare.frames().await;
    sleep(Duration::from_secs(61)).await;
    assert_eq!(bare.frames().await.pop().unwrap(), "end", "no pong came for a minute");
}

#[tokio::test(start_paused = true)]
async fn frames_are_lost_doubled_swapped_and_late_as_told() {
    let exchange = exchange();
    let mut bare = Bare::new(&exchange, false, "stream=x.trades").await;
    bare.frames().await;
    let any = Frames::Any;
    for (fault, expected) in [
        (Fault::DropFrame(any.clone()), "23"),
        (Fault::DoubleFrame(any.clone()), "1123"),
        (Fault::SwapFrames(any.clone()), "213"),
        (Fault::DelayFrame(any, Duration::from_secs(5)), "23"),
        (Fault::DropFrame(Frames::Account), "123"),
        (Fault::DropFrame(Frames::Books), "123"),
        (Fault::DropFrame(Frames::Of("x.trades".to_owned())), "23"),
    ] {
        exchange.fault(fault.clone());
        for number in ["1", "2", "3"] {
            exchange.publish("x.trades", number);
        }
        let numbers = |frames: Vec<String>| -> String {
            frames.concat().chars().filter(char::is_ascii_digit).collect()
        };
        assert_eq!(numbers(bare.frames().await), expected, "{fault:?}");
        sleep(Duration::from_secs(5)).await;
        let late = numbers(bare.frames().await);
        assert_eq!(late, if matches!(fault, Fault::DelayFrame(..)) { "1" } else { "" });
        exchange.heal();
    }
}

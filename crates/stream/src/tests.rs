//! Checks every topic against the specification: payloads against `docs/api/cape.openapi.yaml`, names against
//! `docs/api/cape.asyncapi.yaml`.

use crate::{
    Event, Topic,
    frame::{self, Frame, Names},
};
use bytes::Bytes;
use capecrypto_models::{Level, Period, PublicTrade};
use capecrypto_orderbook::{Applied, Book};
use capecrypto_testkit::{Covered, Fixtures, Spec, Streams, assert_no_findings, probe};
use serde_json::{Value, json};

/// Reads a frame that holds one topic.
fn only(text: Vec<u8>) -> Frame {
    let mut frames = Vec::new();
    frame::read(Bytes::from(text), |frame| frames.push(frame));
    assert_eq!(frames.len(), 1);
    frames.remove(0)
}

/// Reads a payload as if the server sent it under a topic's name.
fn read(topic: &str, payload: &[u8]) -> Result<Event, String> {
    let mut text = format!("{{\"{topic}\":").into_bytes();
    text.extend_from_slice(payload);
    text.push(b'}');
    match only(text) {
        Frame::Event(Event::Unreadable { why, .. }) => Err(why),
        Frame::Event(event) => Ok(event),
        frame => Err(format!("{frame:?}")),
    }
}

fn written(value: impl serde::Serialize) -> Result<Value, String> {
    serde_json::to_value(value).map_err(|error| error.to_string())
}

fn order(payload: &[u8]) -> Result<Value, String> {
    match read("order", payload)? {
        Event::Order(order) => written(*order),
        event => Err(format!("{event:?}")),
    }
}

fn trade(payload: &[u8]) -> Result<Value, String> {
    match read("trade", payload)? {
        Event::Trade(trade) => written(*trade),
        event => Err(format!("{event:?}")),
    }
}

fn balance(payload: &[u8]) -> Result<Value, String> {
    match read("balance", payload)? {
        Event::Balance(balance) => written(*balance),
        event => Err(format!("{event:?}")),
    }
}

fn candle(payload: &[u8]) -> Result<Value, String> {
    match read("btczar.kline-15m", payload)? {
        Event::Candle { candle, .. } => written(candle),
        event => Err(format!("{event:?}")),
    }
}

fn tickers(payload: &[u8]) -> Result<Value, String> {
    match read("global.tickers", payload)? {
        Event::Tickers(tickers) => written(tickers),
        event => Err(format!("{event:?}")),
    }
}

/// The model has the field names of REST, so those of the stream are put back.
fn market_trades(payload: &[u8]) -> Result<Value, String> {
    let Event::MarketTrades { trades, .. } = read("btczar.trades", payload)? else {
        return Err("no trades".into());
    };
    let rename = |trade: PublicTrade| {
        let mut trade = written(trade)?;
        let fields = trade.as_object_mut().ok_or("no object")?;
        for (model, wire) in [("id", "tid"), ("created_at", "date")] {
            if let Some(value) = fields.remove(model) {
                fields.insert(wire.to_owned(), value);
            }
        }
        Ok(trade)
    };
    Ok(json!({ "trades": trades.into_iter().map(rename).collect::<Result<Vec<_>, String>>()? }))
}

fn success(payload: &[u8]) -> Result<Value, String> {
    let mut text = b"{\"success\":".to_vec();
    text.extend_from_slice(payload);
    text.push(b'}');
    let message =
        |payload: &[u8]| serde_json::from_slice::<Value>(payload).map(|value| value["message"].clone());
    match only(text) {
        Frame::Subscriptions(names) => {
            let mut value = json!({ "message": message(payload).map_err(|error| error.to_string())? });
            if let Some(names) = names {
                value["streams"] = json!(names.after(&Names::default()).collect::<Vec<_>>());
            }
            Ok(value)
        }
        Frame::Refusal(name) => Ok(json!({ "message": format!("cannot subscribe to {name}") })),
        frame => Err(format!("{frame:?}")),
    }
}

fn levels<'a>(levels: impl Iterator<Item = Level> + 'a) -> Value {
    json!(levels.collect::<Vec<_>>())
}

fn book(payload: &[u8], mut book: Book, topic: &str) -> Result<(Book, Applied), String> {
    let Event::Book { frame, .. } = read(topic, payload)? else { return Err("no book".to_owned()) };
    match book.apply_frame(&frame).map_err(|error| error.to_string())? {
        Applied::Lost(why) => Err(why.to_string()),
        applied if book.confirmed() => Ok((book, applied)),
        applied => Err(format!("{applied:?} leaves no live book")),
    }
}

/// Reads a payload and writes it again.
type RoundTrip = fn(&[u8]) -> Result<Value, String>;

#[test]
fn every_topic_is_as_specified() {
    let (spec, fixtures) = (Spec::cape(), Fixtures::cape());
    let checks: [(&str, RoundTrip); 7] = [
        ("StreamOrder", order),
        ("StreamTrade", trade),
        ("StreamBalance", balance),
        ("StreamCandle", candle),
        ("StreamTickers", tickers),
        ("StreamTrades", market_trades),
        ("StreamSuccess", success),
    ];
    let mut findings = Vec::new();
    for (schema, round_trip) in checks {
        findings.extend(probe::event(&spec, &fixtures, schema, &round_trip));
    }
    // A book cannot be written back as JSON, so the two tests below check books.
    let names = checks.iter().map(|(name, _)| *name).chain(["BookSnapshot", "BookIncrement"]);
    findings.extend(probe::covered(&spec, Covered::Events, names));
    assert_no_findings(findings);
}

/// The topics that follow one in this list: the compiler finds a new kind of topic that is not in it.
fn next(topic: Option<&Topic>) -> Vec<Topic> {
    let market = || "btczar".parse().unwrap();
    match topic {
        None => vec![Topic::Book(market())],
        Some(Topic::Book(_)) => vec![Topic::MarketTrades(market())],
        Some(Topic::MarketTrades(_)) => {
            Period::ALL.into_iter().map(|period| Topic::Candles(market(), period)).collect()
        }
        Some(Topic::Candles(..)) => vec![Topic::Tickers],
        Some(Topic::Tickers) => vec![Topic::Orders],
        Some(Topic::Orders) => vec![Topic::Trades],
        Some(Topic::Trades) => vec![Topic::Balances],
        Some(Topic::Balances) => Vec::new(),
    }
}

/// The topic and the kind of an event, such as `Event::Book`. An answer of the exchange is no event of a topic.
fn heard(frame: &[u8]) -> Result<probe::Heard, String> {
    if frame.trim_ascii() == b"pong" {
        let mut frames = 0;
        frame::read(Bytes::copy_from_slice(frame), |_| frames += 1);
        return if frames == 0 { Ok(None) } else { Err("a pong is an event".to_owned()) };
    }
    let event = match only(frame.to_vec()) {
        Frame::Event(Event::ServerError { .. }) | Frame::Subscriptions(_) | Frame::Refusal(_) => {
            return Ok(None);
        }
        Frame::Event(event) => event,
    };
    let topic = match &event {
        Event::Book { market, frame } => {
            // The stream passes the frame on unread; the book reads it. What it does to a book is tested below.
            let _applied = Book::new(market.clone()).apply_frame(frame).map_err(|error| error.to_string())?;
            Topic::Book(market.clone())
        }
        Event::MarketTrades { market, .. } => Topic::MarketTrades(market.clone()),
        Event::Candle { market, period, .. } => Topic::Candles(market.clone(), *period),
        Event::Tickers(_) => Topic::Tickers,
        Event::Order(_) => Topic::Orders,
        Event::Trade(_) => Topic::Trades,
        Event::Balance(_) => Topic::Balances,
        other => return Err(format!("{other:?}")),
    };
    let shown = format!("{event:?}");
    let kind = shown.split(|letter: char| !letter.is_alphanumeric()).next().unwrap_or_default();
    Ok(Some((topic.name(), format!("Event::{kind}"))))
}

#[test]
fn every_topic_is_in_the_description_of_the_websocket_and_the_reverse() {
    let named = |topic: &Topic| (topic.name(), topic.is_private());
    let (mut made, mut topics) = (Vec::new(), next(None));
    while let Some(last) = topics.last().cloned() {
        made.extend(topics.iter().map(named));
        topics = next(Some(&last));
    }
    let client = probe::Topics {
        place: "Topic in crates/stream/src/topic.rs",
        made,
        parse: &|name| Topic::parse(name).map(|topic| topic.name()),
        read: &heard,
    };
    assert_no_findings(probe::streams(&Spec::cape(), &Streams::cape(), &client));
}

#[test]
fn snapshots_of_the_documents_are_what_the_book_shows() {
    let fixtures = Fixtures::cape();
    let mut checked = 0;
    for fixture in fixtures.received("book_snapshot") {
        let payload = fixture.json().unwrap()["btczar.ob-snap"].to_string();
        let (book, _) =
            book(payload.as_bytes(), Book::new("btczar".parse().unwrap()), "btczar.ob-snap").unwrap();
        let payload: Snapshot = serde_json::from_str(&payload).unwrap();
        assert_eq!(book.asks().unwrap().collect::<Vec<_>>(), payload.asks, "{}", fixture.path());
        assert_eq!(book.bids().unwrap().collect::<Vec<_>>(), payload.bids, "{}", fixture.path());
        assert_eq!(book.sequence(), Some(payload.sequence));
        checked += payload.asks.len();
    }
    assert!(checked >= 3);
}

#[derive(serde::Deserialize)]
struct Snapshot {
    asks: Vec<Level>,
    bids: Vec<Level>,
    sequence: u64,
}

/// An increment cannot be compared with a book, so this checks what it does to one.
#[test]
fn increments_of_the_documents_change_a_book_as_they_say() {
    let fixtures = Fixtures::cape();
    let mut checked = 0;
    for fixture in fixtures.received("book_increment") {
        let frame = fixture.json().unwrap();
        let payload = &frame["btczar.ob-inc"];
        let before = payload["sequence"].as_u64().unwrap() - 1;
        let start = json!({ "asks": [["900000.0", "1.0"]], "bids": [["1.0", "1.0"]], "sequence": before });
        let (book_before, _) =
            book(start.to_string().as_bytes(), Book::new("btczar".parse().unwrap()), "btczar.ob-snap")
                .unwrap();
        let (after, applied) = book(payload.to_string().as_bytes(), book_before, "btczar.ob-inc").unwrap();
        assert_eq!(applied, Applied::Increment { sequence: before + 1 }, "{}", fixture.path());
        let shown = json!({ "asks": levels(after.asks().unwrap()), "bids": levels(after.bids().unwrap()) });
        for side in ["asks", "bids"] {
            let changes = match &payload[side] {
                Value::Array(pair) if pair.first().is_some_and(Value::is_string) => vec![json!(pair)],
                Value::Array(pairs) => pairs.clone(),
                _ => Vec::new(),
            };
            for change in changes {
                let same = |level: &Value, at: usize| {
                    let number =
                        |value: &Value| capecrypto_models::decimal::parse(value.as_str().unwrap()).ok();
                    number(&level[at]) == number(&change[at])
                };
                let level = shown[side].as_array().unwrap().iter().find(|level| same(level, 0));
                match change[1].as_str().unwrap() {
                    "" | "0" | "0.0" => assert_eq!(level, None, "{}", fixture.path()),
                    _ => assert!(same(level.unwrap(), 1), "{}", fixture.path()),
                }
                checked += 1;
            }
        }
    }
    assert!(checked >= 3);
}

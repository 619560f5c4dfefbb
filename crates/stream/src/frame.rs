//! From a text frame to an event.

use crate::{Event, Topic};
use bytes::Bytes;
use capecrypto_models::{Candle, PublicTrade, json_path};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, MapAccess, Visitor},
};
use serde_json::value::RawValue;
use std::{borrow::Cow, fmt};

/// What a frame is.
#[derive(Debug, PartialEq)]
pub(crate) enum Frame {
    /// An event for the consumer.
    Event(Event),
    /// The server's list of subscriptions; `None` where it sent none.
    Subscriptions(Option<Names>),
    /// A topic was refused by name.
    Refusal(String),
}

/// A list of names, as the server sent it: with a thousand topics it comes a thousand times, mostly the same with one more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Names(String);

impl Names {
    const BETWEEN: &str = "\",\"";

    /// The list, where it is one of texts.
    fn read(json: &str) -> Option<Self> {
        if let Some(names) = json.strip_prefix("[\"").and_then(|json| json.strip_suffix("\"]"))
            && is_plain(names.as_bytes())
        {
            return Some(Self(names.to_owned()));
        }
        let names: Vec<String> = serde_json::from_str(json).ok()?;
        let known: Vec<String> = names.into_iter().filter(|name| !name.contains('"')).collect();
        Some(Self(known.join(Self::BETWEEN)))
    }

    /// Whether it has the same names first, and perhaps more.
    pub(crate) fn begins_with(&self, others: &Self) -> bool {
        let more = self.0.strip_prefix(&others.0);
        !others.0.is_empty() && more.is_some_and(|more| more.is_empty() || more.starts_with(Self::BETWEEN))
    }

    /// The names after those of another list, with which it begins.
    pub(crate) fn after(&self, others: &Self) -> impl Iterator<Item = &str> {
        let more = self.0.get(others.0.len()..).unwrap_or_default();
        let more = more.strip_prefix(Self::BETWEEN).unwrap_or(more);
        more.split(Self::BETWEEN).filter(|name| !name.is_empty())
    }
}

/// Whether a list of names can be cut at `","`, without a look at escapes, spaces, other brackets and other values.
fn is_plain(names: &[u8]) -> bool {
    // All bytes are looked at without a way out, because that can be done many at a time.
    let odd = |byte: u8| matches!(byte, b'\\' | b' ' | b'\n' | b'[' | b'{');
    let has_odd = names.iter().fold(false, |found, byte| found | odd(*byte));
    let count = |wanted: u8| names.iter().filter(|byte| **byte == wanted).count();
    !has_odd && count(b'"') == 2 * count(b',')
}

/// The list in the server's usual answer: `{"success":{"message":"subscribed","streams":["btczar.ob-inc",…]}}`.
fn usual_list(text: &[u8]) -> Option<Names> {
    let names = text.strip_prefix(br#"{"success":{"message":"subscribed","streams":[""#)?;
    let names = names.strip_suffix(br#""]}}"#).filter(|names| is_plain(names))?;
    Some(Names(std::str::from_utf8(names).ok()?.to_owned()))
}

/// Reads a frame and tells what it is; of several topics or documents in one, each. It never fails: what cannot be read is
/// an event.
pub(crate) fn read(text: Bytes, mut tell: impl FnMut(Frame)) {
    let text = if text.starts_with(BOM) { text.slice(BOM.len()..) } else { text };
    if let Some(names) = usual_list(&text) {
        return tell(Frame::Subscriptions(Some(names)));
    }
    if text.trim_ascii() == b"pong" {
        return;
    }
    let mut documents = serde_json::Deserializer::from_slice(&text).into_iter::<Envelope<'_>>();
    let mut start = 0;
    while let Some(document) = documents.next() {
        let end = documents.byte_offset();
        match document {
            Ok(Envelope(topics)) => {
                // Only this document is passed on, not the others in the message.
                let whole = text.slice(start..end);
                topics.into_iter().for_each(|(topic, body)| tell(one(&topic, body, &whole)));
            }
            // After an error the start of the next document is not known.
            Err(error) => {
                let why = describe(".", &error);
                return tell(Frame::Event(Event::Unreadable { topic: String::new(), why }));
            }
        }
        start = end;
    }
}

/// The byte order mark that some servers put before a text in UTF-8.
const BOM: &[u8] = b"\xef\xbb\xbf";

fn one(topic: &str, body: &RawValue, whole: &Bytes) -> Frame {
    match topic {
        "success" => success(body.get()),
        "error" => Frame::Event(Event::ServerError { message: message(body.get()) }),
        name => Frame::Event(event(name, body, whole)),
    }
}

/// The market of a book's frame in the server's usual spelling, `{"btczar.ob-inc":{…}}`, if nothing stands behind the book.
/// Order books are most of the traffic, and the book itself reads their frames.
pub(crate) fn book_market(text: &[u8]) -> Option<&str> {
    let rest = text.strip_prefix(b"{\"")?;
    let end = rest.get(..=LONGEST_MARKET).unwrap_or(rest).iter().position(|byte| *byte == b'.')?;
    let (market, topic) = rest.split_at_checked(end)?;
    let body = topic.strip_prefix(b".ob-inc\":{").or_else(|| topic.strip_prefix(b".ob-snap\":{"))?;
    // A book's body holds no other object.
    if !body.ends_with(b"}}") || body.contains(&b'{') {
        return None;
    }
    std::str::from_utf8(market).ok()
}

/// Bytes of a market's name.
const LONGEST_MARKET: usize = 64;

fn event(name: &str, body: &RawValue, text: &Bytes) -> Event {
    let read = |result: Result<Event, String>| {
        result.unwrap_or_else(|why| Event::Unreadable { topic: name.to_owned(), why })
    };
    match Topic::parse(name) {
        Some(Topic::Book(market)) => Event::Book { market, frame: text.clone() },
        Some(Topic::MarketTrades(market)) => read(
            decode_text::<Trades>(body.get()).map(|Trades { trades }| Event::MarketTrades { market, trades }),
        ),
        Some(Topic::Candles(market, period)) => {
            read(decode_text::<Candle>(body.get()).map(|candle| Event::Candle { market, period, candle }))
        }
        Some(Topic::Tickers) => read(decode_text(body.get()).map(Event::Tickers)),
        Some(Topic::Orders) => read(decode_text(body.get()).map(Event::Order)),
        Some(Topic::Trades) => read(decode_text(body.get()).map(Event::Trade)),
        Some(Topic::Balances) => read(decode_text(body.get()).map(Event::Balance)),
        None => Event::Unknown { topic: name.chars().take(100).collect(), frame: text.clone() },
    }
}

#[derive(Deserialize)]
struct Trades {
    trades: Vec<PublicTrade>,
}

#[derive(Deserialize)]
struct Success<'a> {
    message: String,
    #[serde(borrow)]
    streams: Option<&'a RawValue>,
}

fn success(body: &str) -> Frame {
    let read = serde_json::from_str::<Success<'_>>(body);
    match read.map_err(|error| describe(".", &error)) {
        Ok(Success { message, streams: None }) => match message.strip_prefix("cannot subscribe to ") {
            Some(name) => Frame::Refusal(name.to_owned()),
            None => Frame::Subscriptions(None),
        },
        Ok(Success { streams: Some(streams), .. }) => match Names::read(streams.get()) {
            Some(names) => Frame::Subscriptions(Some(names)),
            None => {
                let why = "at streams: this is no list of names".to_owned();
                Frame::Event(Event::Unreadable { topic: "success".to_owned(), why })
            }
        },
        Err(why) => Frame::Event(Event::Unreadable { topic: "success".to_owned(), why }),
    }
}

fn message(body: &str) -> String {
    let text = serde_json::from_str::<String>(body).unwrap_or_else(|_| body.to_owned());
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}

/// A frame's topics with their bodies; the server sends one topic per frame.
struct Envelope<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Envelope<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Topics;
        impl<'de> Visitor<'de> for Topics {
            type Value = Envelope<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with a topic")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Envelope<'de>, A::Error> {
                #[derive(Deserialize)]
                struct Key<'a>(#[serde(borrow)] Cow<'a, str>);
                let mut topics = Vec::with_capacity(1);
                while let Some((Key(topic), body)) = map.next_entry::<Key<'de>, &'de RawValue>()? {
                    topics.push((topic, body));
                }
                if topics.is_empty() {
                    return Err(serde::de::Error::custom("an object without a topic"));
                }
                Ok(Envelope(topics))
            }
        }
        deserializer.deserialize_map(Topics)
    }
}

fn decode_text<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|error| {
        let path = json_path::of(text, &error, |changed| serde_json::from_str::<T>(changed).err());
        describe(&path, &error)
    })
}

/// Describes an error without its message, which may quote the frame's content.
fn describe(path: &str, error: &serde_json::Error) -> String {
    format!("at {path}: {:?} error in column {}", error.classify(), error.column()).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(text: &str) -> Vec<Frame> {
        let mut frames = Vec::new();
        read(Bytes::copy_from_slice(text.as_bytes()), |frame| frames.push(frame));
        frames
    }

    fn read_text(text: &str) -> Frame {
        let mut frames = read_all(text);
        assert_eq!(frames.len(), 1, "{text}");
        frames.remove(0)
    }

    #[test]
    fn of_several_topics_in_one_frame_none_is_lost() {
        let text =
            r#"{"balance":{"currency":"zar","balance":"1","locked":"0"},"deposit_address":{},"order":{}}"#;
        let [
            Frame::Event(Event::Balance(_)),
            Frame::Event(Event::Unknown { .. }),
            Frame::Event(Event::Unreadable { topic, .. }),
        ] = &read_all(text)[..]
        else {
            panic!()
        };
        assert_eq!(topic, "order");
    }

    const ORDER: &str = r#"{"id":7,"market":"btczar","side":"buy","ord_type":"limit","price":"1","avg_price":"0","state":"wait","created_at":"2023-12-08T08:46:59Z","updated_at":"2023-12-08T08:46:59Z","origin_volume":"1","remaining_volume":"1","executed_volume":"0","trades_count":0}"#;

    #[test]
    fn what_stands_behind_a_book_in_one_frame_is_told() {
        let book = r#""btczar.ob-inc":{"asks":["1",""],"sequence":2}"#;
        for (behind, told) in [
            (format!(r#""order":{ORDER}"#), "Order"),
            (r#""ethzar.ob-inc":{"asks":["1",""],"sequence":2}"#.to_owned(), "Book"),
            (r#""btczar.kline-1m":[1588001398,"1","1","1","1","1"]"#.to_owned(), "Candle"),
            (r#""x":"}}""#.to_owned(), "Unknown"),
            (r#""x":7"#.to_owned(), "Unknown"),
            (r#""x":[]"#.to_owned(), "Unknown"),
        ] {
            let text = format!("{{{book},{behind}}}");
            let [Frame::Event(Event::Book { market, frame }), Frame::Event(second)] = &read_all(&text)[..]
            else {
                panic!("{text}")
            };
            assert_eq!(
                (market.as_str(), &**frame),
                ("btczar", text.as_bytes()),
                "the book finds its own message"
            );
            assert!(format!("{second:?}").starts_with(told), "{second:?}");
        }
    }

    #[test]
    fn of_several_documents_in_one_message_none_is_lost() {
        let two = format!("{{\"order\":{ORDER}}}\n{{\"order\":{ORDER}}}");
        let [Frame::Event(Event::Order(_)), Frame::Event(Event::Order(_))] = &read_all(&two)[..] else {
            panic!()
        };
        let book = r#"{"btczar.ob-inc":{"asks":["1",""],"sequence":2}}"#;
        let books = format!("{book}{book}");
        let [Frame::Event(Event::Book { frame: first, .. }), Frame::Event(Event::Book { frame: second, .. })] =
            &read_all(&books)[..]
        else {
            panic!()
        };
        assert_eq!((&**first, &**second), (book.as_bytes(), book.as_bytes()), "each is handed on by itself");
        let broken = format!("{book} {{\"order\":");
        let [Frame::Event(Event::Book { .. }), Frame::Event(Event::Unreadable { .. })] =
            &read_all(&broken)[..]
        else {
            panic!()
        };
    }

    #[test]
    fn a_mark_before_a_frame_is_no_part_of_it() {
        let book = r#"{"btczar.ob-inc":{"asks":["1",""],"sequence":2}}"#;
        for text in [book.to_owned(), format!("{{\"order\":{ORDER}}}")] {
            assert_eq!(read_all(&format!("\u{feff}{text}")), read_all(&text));
        }
    }

    #[test]
    fn books_are_handed_on_as_they_came() {
        for text in [
            r#"{"btczar.ob-snap":{"asks":[["1.0","2.0"]],"bids":[],"sequence":1}}"#,
            r#"{"btczar.ob-inc":{"asks":["1.0",""],"sequence":2}}"#,
            r#" { "btczar.ob-inc" : {"sequence":3} } "#,
            r#"{"btczar\u002eob-inc":{"sequence":3}}"#,
            r#"{"btczar.ob-inc":"whatever"}"#,
        ] {
            let Frame::Event(Event::Book { market, frame }) = read_text(text) else { panic!("{text}") };
            assert_eq!((market.as_str(), &*frame), ("btczar", text.trim_end().as_bytes()));
        }
    }

    #[test]
    fn the_servers_own_words() {
        let names = |names: &[&str]| {
            let names = Names::read(&serde_json::to_string(names).unwrap()).unwrap();
            Frame::Subscriptions(Some(names))
        };
        let text = r#"{"success":{"message":"subscribed","streams":["btczar.ob-inc","order"]}}"#;
        assert_eq!(read_text(text), names(&["btczar.ob-inc", "order"]));
        assert_eq!(read_text(r#"{"success":{"message":"subscribed","streams":[]}}"#), names(&[]));
        assert_eq!(read_text(r#"{"success":{"message":"subscribed"}}"#), Frame::Subscriptions(None));
        let refusal = Frame::Refusal("admin.a.b".to_owned());
        assert_eq!(read_text(r#"{"success":{"message":"cannot subscribe to admin.a.b"}}"#), refusal);
        for (text, expected) in [
            (r#"{"error":"No streams provided"}"#, "No streams provided"),
            (r#"{"error":{"a":1}}"#, r#"{"a":1}"#),
        ] {
            assert_eq!(read_text(text), Frame::Event(Event::ServerError { message: expected.to_owned() }));
        }
        for text in ["pong", " pong\n", "", "  "] {
            assert_eq!(read_all(text), []);
        }
    }

    #[test]
    fn a_list_of_names_is_read_however_it_is_written() {
        for (json, wanted) in [
            ("[]", &[][..]),
            (r#"["btczar.ob-inc"]"#, &["btczar.ob-inc"]),
            (r#"["btczar.ob-inc","order"]"#, &["btczar.ob-inc", "order"]),
            (r#"[ "btczar.ob-inc" , "order" ]"#, &["btczar.ob-inc", "order"]),
            (r#"["btczar\u002eob-inc"]"#, &["btczar.ob-inc"]),
            (r#"["a\"b","order"]"#, &["order"]),
            ("[\"order\",\n\"trade\"]", &["order", "trade"]),
        ] {
            let names = Names::read(json).unwrap();
            assert_eq!(names.after(&Names::default()).collect::<Vec<_>>(), wanted, "{json}");
        }
        for json in [r#""x""#, "[1]", r#"["a",1]"#, r#"["a",null,"b"]"#, "null", "{}", r#"["a"],["b"]"#] {
            assert_eq!(Names::read(json), None, "{json}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_told_without_its_content() {
        for text in [
            "canary",
            "[1]",
            "{}",
            "\u{feff}{\"order\":{}}",
            r#"{"order":{"id":"canary"}}"#,
            r#"{"balance":{"currency":"zar","balance":"canary","locked":"0"}}"#,
            r#"{"btczar.trades":{"trades":[{"tid":"canary"}]}}"#,
            r#"{"btczar.kline-1m":[1,2]}"#,
            r#"{"global.tickers":{"btczar":"canary"}}"#,
            r#"{"success":"canary"}"#,
            r#"{"success":{"message":"subscribed","streams":"canary"}}"#,
            r#"{"order":"#,
            r#"{"order":{"id":"\ud800"}}"#,
        ] {
            let Frame::Event(Event::Unreadable { topic, why }) = read_text(text) else { panic!("{text}") };
            assert!(!why.contains("canary") && !topic.contains("canary"), "{text}: {topic} {why}");
        }
        let deep = format!("{{\"order\":{}", "[".repeat(100_000));
        assert!(matches!(read_text(&deep), Frame::Event(Event::Unreadable { .. })));
    }

    #[test]
    fn topics_of_next_year_are_handed_on() {
        let text = r#"{"deposit_address":{"type":"create"}}"#;
        let Frame::Event(Event::Unknown { topic, frame }) = read_text(text) else { panic!() };
        assert_eq!((topic.as_str(), &*frame), ("deposit_address", text.as_bytes()));
    }
}

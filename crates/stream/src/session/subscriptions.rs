//! What the consumer wants, what was asked for, and what the server has confirmed.
//!
//! 1. A handshake and each request is answered by a list of **all** current subscriptions. There is no request id: answers
//!    come in order, and one request is under way at a time.
//! 2. Topics of the account come first. Then come those of the markets, several in a request. Books come last, each in a
//!    request of its own, since each brings a replay, and too many frames at once kill the connection.
//! 3. The handshake has up to four books, so that a small set is there after one round trip. If a connection died before its
//!    handshake was answered, the next handshakes have no books, until a connection has lived for a minute.
//! 4. A connection that dies with a request unanswered may have died of it: on the next one those topics come after all others,
//!    each alone. At the third time they wait until the connection has lived for a minute.
//! 5. A topic that the server refuses by an error is not asked for again on this connection. A topic that the server does not
//!    list, without an error, is asked for again after some time.

use crate::{Topic, frame::Names};
use capecrypto_models::MarketId;
use std::{
    collections::{HashMap, VecDeque},
    hash::{BuildHasherDefault, Hasher},
};

/// Longest text frame that the server takes.
const LONGEST_FRAME: usize = 512;
/// Longest query of a handshake.
const LONGEST_QUERY: usize = 1_500;
/// Books in a handshake (rule 3).
const HANDSHAKE_BOOKS: usize = 4;
/// Deaths of a connection after which a topic has to wait (rule 4).
const MOST_DEATHS: u32 = 3;

/// The name in a request for a list. Nothing has it.
const NOTHING: &str = "list.none";

/// The hash FNV-1a of 64 bits: quick for short names. The names in the table are ours, so nobody can choose them to collide.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// A topic's place in the table. It never changes.
type Place = usize;

#[derive(Debug)]
struct Entry {
    topic: Topic,
    name: String,
    wanted: bool,
    state: State,
    /// Connections in a row that died while it was asked for.
    deaths: u32,
    /// Whether the last answer listed it.
    listed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Not asked for on this connection.
    Open,
    /// Asked for; the answer has not come.
    Asked,
    /// The server lists it.
    Confirmed,
    /// The server answered, and does not list it.
    Missing,
    /// The server refused it by an error.
    Refused,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Subscribe,
    Unsubscribe,
    /// Ask for a list: end a subscription that does not exist; the answer has the list. Subscribing again to a topic of the
    /// account would bring a list too. But if that topic was gone, it would come back, and nobody would notice the loss.
    List,
}

/// A request of topics that fit one frame.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Request {
    verb: Verb,
    places: Vec<Place>,
}

/// What an answer of the server means.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Answer {
    /// Topics of the answered request that are listed, and others that are listed for the first time. If nobody asked for the
    /// list, all of its topics: a replay may have come before it.
    pub(super) confirmed: Vec<Topic>,
    /// Topics that were confirmed before, are wanted, and are not listed any more.
    pub(super) vanished: Vec<Topic>,
    /// Topics of the answered request that are not listed.
    pub(super) left_out: Vec<Topic>,
    /// Topics that the answered request ended.
    pub(super) ended: Vec<Topic>,
    /// Every topic of the account that is listed.
    pub(super) private: Vec<Topic>,
}

/// The table of topics and the requests to come.
#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    entries: Vec<Entry>,
    by_name: HashMap<String, Place>,
    /// The books, by their markets.
    books: HashMap<MarketId, Place, BuildHasherDefault<Fnv>>,
    requests: VecDeque<Request>,
    /// The handshake or request that the server has not answered yet.
    in_flight: Option<Request>,
    /// What the server listed last, in its order.
    listed: Vec<Place>,
    /// The same as it came: the next list mostly begins with it, and has one name more.
    last_list: Names,
    /// The account's topics in the table.
    private: Vec<Place>,
    /// A connection died before its handshake was answered (rule 3).
    careful: bool,
}

impl Subscriptions {
    /// Marks a topic as wanted. Returns its place in the table.
    fn want(&mut self, topic: &Topic) -> Place {
        let name = topic.name();
        let place = match self.by_name.get(&name) {
            Some(place) => *place,
            None => {
                let place = self.entries.len();
                // The name may be in the last list already, where nobody knew it.
                self.last_list = Names::default();
                self.by_name.insert(name.clone(), place);
                if let Topic::Book(market) = topic {
                    self.books.insert(market.clone(), place);
                }
                if topic.is_private() {
                    self.private.push(place);
                }
                let topic = topic.clone();
                self.entries.push(Entry {
                    topic,
                    name,
                    wanted: false,
                    state: State::Open,
                    deaths: 0,
                    listed: false,
                });
                place
            }
        };
        if let Some(entry) = self.entries.get_mut(place) {
            entry.wanted = true;
        }
        place
    }

    /// The book of this market, if it was ever asked for.
    pub(super) fn book_of(&self, market: &str) -> Option<(Place, &MarketId)> {
        self.books.get_key_value(market).map(|(market, place)| (*place, market))
    }

    fn is_wanted(&self, topic: &Topic) -> bool {
        self.by_name
            .get(&topic.name())
            .is_some_and(|place| self.entry(*place).is_some_and(|entry| entry.wanted))
    }

    fn entry(&self, place: Place) -> Option<&Entry> {
        self.entries.get(place)
    }

    fn set(&mut self, places: &[Place], state: State) {
        for place in places {
            if let Some(entry) = self.entries.get_mut(*place) {
                entry.state = state;
            }
        }
    }

    /// Marks topics as wanted before a connection is open.
    pub(super) fn want_all(&mut self, topics: &[Topic]) {
        for topic in topics {
            self.want(topic);
        }
    }

    /// Begins a connection: the query of its handshake, and the topics in it.
    pub(super) fn handshake(&mut self) -> (String, Vec<Topic>) {
        self.requests.clear();
        self.listed.clear();
        self.last_list = Names::default();
        self.in_flight = None;
        for entry in &mut self.entries {
            (entry.state, entry.listed) = (State::Open, false);
        }
        let mut query = String::new();
        let (mut places, mut books) = (Vec::new(), 0);
        for place in self.in_order() {
            let Some(entry) = self.entries.get(place) else { continue };
            let is_book = matches!(entry.topic, Topic::Book(_));
            let later = entry.deaths > 0 || (is_book && (self.careful || books == HANDSHAKE_BOOKS));
            if later || query.len() + entry.name.len() > LONGEST_QUERY {
                continue;
            }
            books += usize::from(is_book);
            let separator = if query.is_empty() { "" } else { "&" };
            query.extend([separator, "stream=", &entry.name]);
            places.push(place);
        }
        self.set(&places, State::Asked);
        let topics = self.topics(&places);
        self.in_flight = Some(Request { verb: Verb::Subscribe, places });
        (query, topics)
    }

    /// Wanted topics in the order of rules 2 and 4.
    fn in_order(&self) -> Vec<Place> {
        let rank = |entry: &Entry| {
            let kind = match entry.topic {
                Topic::Book(_) => 2,
                _ if entry.topic.is_private() => 0,
                _ => 1,
            };
            (entry.deaths, kind)
        };
        let mut places: Vec<_> = self.entries.iter().zip(0..).filter(|(entry, _)| entry.wanted).collect();
        places.sort_by_key(|(entry, place)| (rank(entry), *place));
        places.into_iter().map(|(_, place)| place).collect()
    }

    fn topics(&self, places: &[Place]) -> Vec<Topic> {
        places.iter().filter_map(|place| self.entry(*place)).map(|entry| entry.topic.clone()).collect()
    }

    /// The connection is open. Topics that its handshake did not have are asked for in requests.
    pub(super) fn connected(&mut self) {
        let rest: Vec<Place> =
            self.in_order().into_iter().filter(|place| self.is(*place, State::Open)).collect();
        self.ask(&rest);
        let surplus: Vec<Place> = (0..self.entries.len())
            .filter(|place| {
                self.entry(*place).is_some_and(|entry| !entry.wanted && entry.state == State::Asked)
            })
            .collect();
        self.enqueue(Verb::Unsubscribe, &surplus, false);
    }

    fn is(&self, place: Place, state: State) -> bool {
        self.entry(place).is_some_and(|entry| entry.state == state)
    }

    /// Puts subscriptions in line, by rules 2 and 4.
    fn ask(&mut self, places: &[Place]) {
        let is_alone = |place: &&Place| {
            self.entry(**place).is_none_or(|entry| entry.deaths > 0 || matches!(entry.topic, Topic::Book(_)))
        };
        let alone: Vec<Place> = places.iter().filter(is_alone).copied().collect();
        let together: Vec<Place> = places.iter().filter(|place| !is_alone(place)).copied().collect();
        let blocked = |place: &Place| self.entry(*place).is_some_and(|entry| entry.deaths >= MOST_DEATHS);
        let alone: Vec<Place> = alone.into_iter().filter(|place| !blocked(place)).collect();
        self.enqueue(Verb::Subscribe, &together, false);
        self.enqueue(Verb::Subscribe, &alone, true);
    }

    /// Topics that wait until the connection is healthy (rule 4).
    fn blocked(&self) -> Vec<Place> {
        let blocked =
            |entry: &&Entry| entry.wanted && entry.state == State::Open && entry.deaths >= MOST_DEATHS;
        self.entries.iter().zip(0..).filter(|(entry, _)| blocked(entry)).map(|(_, place)| place).collect()
    }

    /// The connection has lived for a minute.
    pub(super) fn healthy(&mut self) {
        self.careful = false;
        let blocked = self.blocked();
        self.enqueue(Verb::Subscribe, &blocked, true);
    }

    /// More topics, or the same again, which brings a book's replay again.
    pub(super) fn subscribe(&mut self, topics: &[Topic], is_open: bool) {
        let places: Vec<Place> = topics.iter().map(|topic| self.want(topic)).collect();
        if is_open {
            self.take_back(&places);
            self.ask(&places);
        }
    }

    /// Asks again for those that are still wanted. A request that waits already keeps its place in the line.
    pub(super) fn subscribe_again(&mut self, topics: &[Topic], is_open: bool) {
        let wanted = topics.iter().filter(|topic| self.is_wanted(topic) && !self.waits(topic));
        let wanted: Vec<Topic> = wanted.cloned().collect();
        self.subscribe(&wanted, is_open);
    }

    /// Whether a subscription to the topic waits in the line.
    fn waits(&self, topic: &Topic) -> bool {
        let Some(place) = self.by_name.get(&topic.name()) else { return false };
        self.requests.iter().any(|request| request.verb == Verb::Subscribe && request.places.contains(place))
    }

    /// Asks for a list, if something is confirmed. If requests are under way, their answers have lists.
    pub(super) fn ask_for_list(&mut self) {
        let confirmed = |entry: &Entry| entry.wanted && entry.state == State::Confirmed;
        if self.is_settled() && self.entries.iter().any(confirmed) {
            self.requests.push_back(Request { verb: Verb::List, places: Vec::new() });
        }
    }

    /// Asks again for topics that the server did not list.
    pub(super) fn ask_for_missing(&mut self) {
        let missing = self.missing_places();
        self.ask(&missing);
    }

    fn missing_places(&self) -> Vec<Place> {
        let missing = |place: &Place| {
            self.entry(*place).is_some_and(|entry| entry.wanted && entry.state == State::Missing)
        };
        (0..self.entries.len()).filter(missing).collect()
    }

    /// Wanted topics that bring nothing at present: not listed, refused, or made to wait (rule 4).
    pub(super) fn missing(&self) -> Vec<Topic> {
        let blocked = self.blocked();
        let missing = |(entry, place): &(&Entry, Place)| {
            entry.wanted
                && (matches!(entry.state, State::Missing | State::Refused) || blocked.contains(place))
        };
        self.entries.iter().zip(0..).filter(missing).map(|(entry, _)| entry.topic.clone()).collect()
    }

    pub(super) fn unsubscribe(&mut self, topics: &[Topic], is_open: bool) {
        let mut places = Vec::new();
        for topic in topics {
            let Some(place) = self.by_name.get(&topic.name()).copied() else { continue };
            if let Some(entry) = self.entries.get_mut(place) {
                entry.wanted = false;
                entry.deaths = 0;
            }
            places.push(place);
        }
        if is_open {
            self.take_back(&places);
            self.enqueue(Verb::Unsubscribe, &places, false);
        }
    }

    /// Removes topics from the requests that wait, because the newest request for a topic counts.
    fn take_back(&mut self, places: &[Place]) {
        for waiting in &mut self.requests {
            waiting.places.retain(|place| !places.contains(place));
        }
        self.requests.retain(|waiting| waiting.verb == Verb::List || !waiting.places.is_empty());
    }

    /// Adds requests of at most 512 bytes. A name has 64 + 10 bytes at most, so one always fits.
    fn enqueue(&mut self, verb: Verb, places: &[Place], singly: bool) {
        const FRAME: usize = r#"{"event":"unsubscribe","streams":[]}"#.len();
        let mut size = usize::MAX;
        for &place in places {
            let Some(length) = self.entry(place).map(|entry| entry.name.len() + 3) else { continue };
            let longer = size.saturating_add(length);
            match self.requests.back_mut() {
                Some(last) if !singly && longer <= LONGEST_FRAME => {
                    last.places.push(place);
                    size = longer;
                }
                _ => {
                    self.requests.push_back(Request { verb, places: vec![place] });
                    size = FRAME + length;
                }
            }
        }
    }

    /// Whether everything was asked for and answered.
    pub(super) fn is_settled(&self) -> bool {
        self.in_flight.is_none() && self.requests.is_empty()
    }

    /// The next request, if none is under way: its text, and the topics that it subscribes to. Topic names are made of
    /// checked ids, so nothing in them needs escaping.
    pub(super) fn next_request(&mut self) -> Option<(String, Vec<Topic>)> {
        if self.in_flight.is_some() {
            return None;
        }
        let request = self.requests.pop_front()?;
        let mut names: Vec<&str> = request
            .places
            .iter()
            .filter_map(|place| self.entry(*place))
            .map(|entry| entry.name.as_str())
            .collect();
        if request.verb == Verb::List {
            names.push(NOTHING);
        }
        let event = match request.verb {
            Verb::Subscribe => "subscribe",
            Verb::Unsubscribe | Verb::List => "unsubscribe",
        };
        let text = format!(r#"{{"event":"{event}","streams":["{}"]}}"#, names.join("\",\""));
        let topics = match request.verb {
            Verb::Subscribe => self.topics(&request.places),
            Verb::Unsubscribe | Verb::List => Vec::new(),
        };
        if request.verb == Verb::Subscribe {
            let places: Vec<Place> =
                request.places.iter().filter(|place| !self.is(**place, State::Confirmed)).copied().collect();
            self.set(&places, State::Asked);
        }
        self.in_flight = Some(request);
        Some((text, topics))
    }

    /// The server answered with its list of subscriptions. Without a list, the request counts as granted.
    pub(super) fn answered(&mut self, names: Option<&Names>) -> Answer {
        let request = self.in_flight.take();
        let of = |verb: Verb| {
            let request = request.as_ref().filter(|request| request.verb == verb);
            request.map(|request| request.places.clone()).unwrap_or_default()
        };
        let (asked, ended) = (of(Verb::Subscribe), of(Verb::Unsubscribe));
        let (mut confirmed, vanished) = match (&request, names) {
            // Most answers to a subscription list what was there, and then what is new.
            (Some(_), Some(names)) if names.begins_with(&self.last_list) => {
                let more = self.places(names.after(&self.last_list));
                // Topics that were asked for again may be among the old ones.
                let again: Vec<Place> =
                    asked.iter().copied().filter(|place| self.is_listed(*place)).collect();
                let mut confirmed = self.listed(&again, false);
                confirmed.extend(self.listed(&more, false));
                self.listed.extend(more);
                (confirmed, Vec::new())
            }
            (_, names) => {
                let now = match names {
                    Some(names) => self.places(names.after(&Names::default())),
                    None => {
                        let mut now = self.listed.clone();
                        now.retain(|place| !ended.contains(place));
                        now.extend(asked.iter().filter(|place| !self.is(**place, State::Confirmed)));
                        now
                    }
                };
                let before = std::mem::replace(&mut self.listed, now.clone());
                for place in &before {
                    self.entries.get_mut(*place).into_iter().for_each(|entry| entry.listed = false);
                }
                let confirmed = self.listed(&now, request.is_none());
                (confirmed, self.unlisted(&before, &asked, &ended))
            }
        };
        self.last_list = names.cloned().unwrap_or_default();
        let again = asked.iter().filter(|place| {
            self.entry(**place).is_some_and(|entry| entry.wanted && entry.state == State::Confirmed)
        });
        let again: Vec<Place> = again.filter(|place| !confirmed.contains(place)).copied().collect();
        confirmed.extend(again);
        let unlisted = |place: &Place| !self.is(*place, State::Confirmed) && !self.is(*place, State::Refused);
        let left_out: Vec<Place> = asked.into_iter().filter(unlisted).collect();
        self.set(&left_out, State::Missing);
        let private: Vec<Place> =
            self.private.iter().copied().filter(|place| self.is_listed(*place)).collect();
        let ended: Vec<Place> = ended.into_iter().filter(|place| !self.is_listed(*place)).collect();
        Answer {
            confirmed: self.topics(&confirmed),
            vanished,
            left_out: self.topics(&left_out),
            ended: self.topics(&ended),
            private: self.topics(&private),
        }
    }

    /// Notes that these are listed. Gives those that are news: all that are wanted, or only those that were not confirmed.
    fn listed(&mut self, places: &[Place], all: bool) -> Vec<Place> {
        let mut news = Vec::new();
        for place in places {
            let Some(entry) = self.entries.get_mut(*place) else { continue };
            if entry.wanted && (all || entry.state != State::Confirmed) {
                news.push(*place);
            }
            (entry.state, entry.deaths, entry.listed) = (State::Confirmed, 0, true);
        }
        news
    }

    /// Looks which of those that were listed before are not any more. Gives those that are wanted, except what was just asked for
    /// or ended: what was ended and is wanted again is asked for by a request that waits.
    fn unlisted(&mut self, before: &[Place], asked: &[Place], ended: &[Place]) -> Vec<Topic> {
        let mut vanished = Vec::new();
        for place in before {
            let Some(entry) = self.entries.get_mut(*place).filter(|entry| !entry.listed) else { continue };
            let is_missing = entry.wanted && !ended.contains(place);
            if is_missing && !asked.contains(place) {
                vanished.push(entry.topic.clone());
            }
            entry.state = if is_missing { State::Missing } else { State::Open };
        }
        vanished
    }

    fn is_listed(&self, place: Place) -> bool {
        self.entry(place).is_some_and(|entry| entry.listed)
    }

    /// The places of these names. Unknown names are left out.
    fn places<'n>(&self, names: impl Iterator<Item = &'n str>) -> Vec<Place> {
        names.filter_map(|name| self.by_name.get(name).copied()).collect()
    }

    /// A topic was refused by its name.
    pub(super) fn refused_by_name(&mut self, name: &str) {
        if let Some(place) = self.by_name.get(name).copied() {
            self.set(&[place], State::Refused);
        }
    }

    /// The server sent an error. If a request is not answered yet, this is its answer. Returns the refused topics. If the request
    /// had several, each is asked for alone, because the error names none.
    pub(super) fn complained(&mut self) -> Vec<Topic> {
        let Some(request) = self.in_flight.take().filter(|request| request.verb == Verb::Subscribe) else {
            return Vec::new();
        };
        let open: Vec<Place> =
            request.places.iter().filter(|place| !self.is(**place, State::Confirmed)).copied().collect();
        if request.places.len() > 1 {
            self.set(&open, State::Open);
            self.enqueue(Verb::Subscribe, &request.places, true);
            return Vec::new();
        }
        self.set(&open, State::Refused);
        self.topics(&open)
    }

    /// The connection is gone. `was_answered`: the server had answered its handshake.
    pub(super) fn disconnected(&mut self, was_answered: bool, was_healthy: bool) {
        self.careful = !was_answered || (self.careful && !was_healthy);
        let Some(request) =
            self.in_flight.take().filter(|request| was_answered && request.verb == Verb::Subscribe)
        else {
            return;
        };
        for place in request.places {
            if let Some(entry) = self.entries.get_mut(place) {
                entry.deaths += 1;
            }
        }
    }
}

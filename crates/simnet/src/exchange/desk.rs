//! The state of the exchange: its books, the connections with their subscriptions, and the faults of its frames.

use super::{Happened, book::Book};
use crate::{
    fault::{Fault, Frames},
    journal::Journal,
    line::Line,
    peer::list,
};
use capecrypto_models::Decimal;
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    task::{Context, Poll, Waker},
    time::Duration,
};
use tokio::time::Instant;

/// Most frames that may wait for a connection.
const MOST_UNSENT: usize = 256;

/// What is done to the next frame of a kind.
#[derive(Debug, Clone, Copy)]
enum Trick {
    Drop,
    Double,
    Swap,
    Delay(Duration),
}

/// Frames within a short time.
#[derive(Debug, Default)]
struct Burst {
    since: Option<Instant>,
    frames: u32,
}

impl Burst {
    /// Counts a frame; tells whether there are too many.
    fn is_over(&mut self, limit: Option<(u32, Duration)>) -> bool {
        let Some((most, within)) = limit else { return false };
        let now = Instant::now();
        if self.since.is_none_or(|since| now.saturating_duration_since(since) > within) {
            (self.since, self.frames) = (Some(now), 0);
        }
        self.frames += 1;
        self.frames > most
    }
}

/// The server's side of a connection.
struct Seat {
    line: Line,
    private: bool,
    /// The subscriptions. What has no dot is the account's.
    topics: BTreeSet<String>,
    outbox: VecDeque<String>,
    late: Vec<(Instant, String)>,
    /// A frame that is sent behind the next one.
    held: Option<String>,
    up: Burst,
    down: Burst,
    waker: Option<Waker>,
}

pub(super) struct Desk {
    journal: Journal,
    pub(super) random: fastrand::Rng,
    books: BTreeMap<String, Book>,
    seats: BTreeMap<u64, Seat>,
    pub(super) happened: Vec<Happened>,
    pub(super) burst_limit: Option<(u32, Duration)>,
    tricks: Vec<(Frames, Trick)>,
    late_lists: Option<Duration>,
    silent: bool,
}

impl Desk {
    pub(super) fn new(journal: Journal, random: fastrand::Rng) -> Self {
        Self {
            journal,
            random,
            books: BTreeMap::new(),
            seats: BTreeMap::new(),
            happened: Vec::new(),
            burst_limit: None,
            tricks: Vec::new(),
            late_lists: None,
            silent: false,
        }
    }

    pub(super) fn book(&self, market: &str) -> Option<&Book> {
        self.books.get(market)
    }

    pub(super) fn markets(&self) -> Vec<String> {
        self.books.keys().cloned().collect()
    }

    pub(super) fn topics(&self) -> Vec<String> {
        let topics: BTreeSet<_> = self.seats.values().flat_map(|seat| seat.topics.iter().cloned()).collect();
        topics.into_iter().collect()
    }

    pub(super) fn open(&mut self, market: &str) -> &mut Book {
        let now = self.journal.elapsed();
        self.books.entry(market.to_owned()).or_insert_with(|| Book::new(market, now))
    }

    pub(super) fn set(&mut self, market: &str, is_bid: bool, price: Decimal, amount: Decimal) {
        let now = self.journal.elapsed();
        let increment = self.open(market).set(is_bid, price, amount, now);
        self.publish(&format!("{market}.ob-inc"), &increment);
    }

    pub(super) fn restart(&mut self, market: &str) {
        let now = self.journal.elapsed();
        self.journal.note(None, &format!("the engine of {market} restarts"));
        self.open(market).restart(now);
    }

    pub(super) fn fault(&mut self, fault: Fault) {
        match fault {
            Fault::Silent => self.silent = true,
            Fault::LateLists(by) => self.late_lists = Some(by),
            Fault::DropFrame(frames) => self.tricks.push((frames, Trick::Drop)),
            Fault::DoubleFrame(frames) => self.tricks.push((frames, Trick::Double)),
            Fault::SwapFrames(frames) => self.tricks.push((frames, Trick::Swap)),
            Fault::DelayFrame(frames, by) => self.tricks.push((frames, Trick::Delay(by))),
            Fault::EndTopic(topic) => self.seats.values_mut().for_each(|seat| {
                seat.topics.remove(&topic);
            }),
            _ => {}
        }
    }

    pub(super) fn heal(&mut self) {
        self.tricks.clear();
        self.late_lists = None;
        self.silent = false;
        for seat in self.seats.values_mut() {
            seat.outbox.extend(seat.held.take());
        }
    }

    /// Sends a frame to each subscriber of a topic.
    pub(super) fn publish(&mut self, topic: &str, frame: &str) {
        let seats: Vec<u64> = self
            .seats
            .iter()
            .filter(|(_, seat)| seat.topics.contains(topic))
            .map(|(number, _)| *number)
            .collect();
        for number in seats {
            self.send(number, Some(topic), frame);
        }
    }

    /// Sends a frame to a connection, with the trick that waits for it.
    fn send(&mut self, number: u64, topic: Option<&str>, frame: &str) {
        let trick = self.tricks.iter().position(|(frames, _)| frames.has(topic));
        let trick = trick.map(|place| self.tricks.remove(place).1);
        let Some(seat) = self.seats.get_mut(&number) else { return };
        let words = trick.map_or_else(String::new, |trick| format!(" ({trick:?})"));
        self.journal.note(Some(number), &format!("sends{words} {frame}"));
        let mut frames = Vec::new();
        match trick {
            Some(Trick::Drop) => return,
            Some(Trick::Double) => frames.extend([frame.to_owned(), frame.to_owned()]),
            Some(Trick::Delay(by)) => return seat.late.push((Instant::now() + by, frame.to_owned())),
            Some(Trick::Swap) if seat.held.is_none() => {
                seat.held = Some(frame.to_owned());
                return;
            }
            None | Some(Trick::Swap) => frames.push(frame.to_owned()),
        }
        frames.extend(seat.held.take());
        for frame in frames {
            let too_many = seat.down.is_over(self.burst_limit) || seat.outbox.len() >= MOST_UNSENT;
            if too_many {
                self.journal.note(Some(number), "dropped: too many frames for the client");
                seat.line.cut();
                return;
            }
            seat.outbox.push_back(frame);
        }
    }

    /// A connection has come: its subscriptions are answered.
    pub(super) fn enter(&mut self, number: u64, line: Line, private: bool, query: &str) {
        let seat = Seat {
            line,
            private,
            topics: BTreeSet::new(),
            outbox: VecDeque::new(),
            late: Vec::new(),
            held: None,
            up: Burst::default(),
            down: Burst::default(),
            waker: None,
        };
        self.seats.insert(number, seat);
        let parts = query.split('&').filter_map(|part| part.strip_prefix("stream="));
        let names: Vec<String> = parts
            .flat_map(|part| part.split(','))
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect();
        self.subscribe(number, &names);
    }

    pub(super) fn leave(&mut self, number: u64) {
        self.journal.note(Some(number), "has ended");
        self.seats.remove(&number);
    }

    fn subscribe(&mut self, number: u64, names: &[String]) {
        for name in names {
            let Some(seat) = self.seats.get_mut(&number) else { return };
            match name.matches('.').count() {
                // The server does not say why an account's topic is missing on a public connection.
                0 if !seat.private => {}
                0 | 1 => {
                    seat.topics.insert(name.clone());
                    self.replay(number, name);
                }
                _ => {
                    let refusal = serde_json::json!({
                        "success": { "message": format!("cannot subscribe to {name}") }
                    });
                    self.send(number, None, &refusal.to_string());
                }
            }
        }
        self.list(number, "subscribed");
    }

    fn replay(&mut self, number: u64, name: &str) {
        let book = name.strip_suffix(".ob-inc").and_then(|market| self.books.get(market));
        let frames: Vec<String> = book.map(|book| book.replay().cloned().collect()).unwrap_or_default();
        for (index, frame) in frames.iter().enumerate() {
            let topic = if index == 0 { name.replace(".ob-inc", ".ob-snap") } else { name.to_owned() };
            self.send(number, Some(&topic), frame);
        }
    }

    /// Sends the list of all subscriptions: the public ones first.
    fn list(&mut self, number: u64, message: &str) {
        let Some(seat) = self.seats.get_mut(&number) else { return };
        let (public, private): (Vec<&str>, Vec<&str>) =
            seat.topics.iter().map(String::as_str).partition(|name| name.contains('.'));
        let text = list(message, &[public, private].concat());
        match self.late_lists {
            Some(by) => {
                self.journal.note(Some(number), &format!("sends late {text}"));
                seat.late.push((Instant::now() + by, text));
            }
            None => self.send(number, None, &text),
        }
    }

    /// A text frame of the client.
    pub(super) fn request(&mut self, number: u64, text: &str) {
        self.journal.note(Some(number), &format!("hears {text}"));
        let limit = self.burst_limit;
        let Some(seat) = self.seats.get_mut(&number) else { return };
        if seat.up.is_over(limit) {
            self.journal.note(Some(number), "dropped: too many frames of the client");
            return seat.line.cut();
        }
        if text == "ping" {
            return self.send(number, None, "pong");
        }
        let complain = |what: &str| serde_json::json!({ "error": what }).to_string();
        let Ok(request) = serde_json::from_str::<serde_json::Value>(text) else {
            return self.send(number, None, &complain("Could not parse message"));
        };
        let field = |name: &str| request.as_object().and_then(|request| request.get(name));
        let streams = field("streams").and_then(|streams| streams.as_array()).cloned().unwrap_or_default();
        let names: Vec<String> = streams.iter().filter_map(|name| name.as_str()).map(str::to_owned).collect();
        match field("event").and_then(|event| event.as_str()) {
            Some("subscribe" | "unsubscribe") if streams.is_empty() => {
                self.send(number, None, &complain("No streams provided"));
            }
            Some("subscribe") => self.subscribe(number, &names),
            Some("unsubscribe") => {
                if let Some(seat) = self.seats.get_mut(&number) {
                    seat.topics.retain(|topic| !names.contains(topic));
                }
                self.list(number, "unsubscribed");
            }
            _ => self.send(number, None, &complain("Could not parse Type: Invalid event")),
        }
    }

    /// Whether the exchange neither reads nor sends. If so, the connection is woken when that ends.
    pub(super) fn is_silent(&mut self, number: u64, cx: &Context<'_>) -> bool {
        if let Some(seat) = self.seats.get_mut(&number) {
            seat.waker = Some(cx.waker().clone());
        }
        self.silent
    }

    /// The next frame for a connection.
    pub(super) fn poll_frame(&mut self, number: u64, cx: &Context<'_>) -> Poll<String> {
        let Some(seat) = self.seats.get_mut(&number) else { return Poll::Pending };
        let now = Instant::now();
        if let Some(place) = seat.late.iter().position(|(at, _)| *at <= now) {
            return Poll::Ready(seat.late.remove(place).1);
        }
        seat.waker = Some(cx.waker().clone());
        seat.outbox.pop_front().map_or(Poll::Pending, Poll::Ready)
    }

    /// When the next late frame is to be sent to a connection.
    pub(super) fn next_late(&self, number: u64) -> Option<Instant> {
        self.seats.get(&number)?.late.iter().map(|(at, _)| *at).min()
    }

    /// Who has something to do.
    pub(super) fn wakers(&mut self) -> Vec<Waker> {
        self.seats.values_mut().filter_map(|seat| seat.waker.take()).collect()
    }
}

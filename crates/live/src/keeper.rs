//! Updates the books from the stream's events, in the stream's own task.
//!
//! 1. The confirmation of a subscription makes its book live.
//! 2. When the connection is gone, every book is stale at once; so is one that the server does not list, or no longer.
//! 3. When an increment was lost, the book is not live and its topic is subscribed to again; one repair at a time.
//! 4. A confirmation without a snapshot before it means that the exchange has none yet: the keeper subscribes again, at
//!    the latest when an increment shows that the exchange has one by now.
//! 5. When no frame of a live book has come for the time of the audit, its topic is subscribed to again: the answer is the
//!    whole book, so a lost last increment is noticed. The book stays live until that answer comes.
//! 6. When the connection is silent for longer than `stale_after`, the books are stale and are subscribed to again.

use crate::book::Shared;
use capecrypto_models::MarketId;
use capecrypto_orderbook::{Applied, Repair, State};
use capecrypto_stream::{Event, Tap, Topic};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

/// The books of a stream with their repairs.
pub(crate) struct Keeper(pub(crate) BTreeMap<MarketId, KeptBook>);

pub(crate) struct KeptBook {
    shared: Arc<Shared>,
    repair: Repair,
    /// How long a live book may be quiet before it is audited; `None`: for ever.
    audit_after: Option<Duration>,
    /// When the book is audited, if no frame comes before.
    audit: Option<Duration>,
}

impl KeptBook {
    pub(crate) fn new(shared: Arc<Shared>, audit_after: Option<Duration>) -> Self {
        Self { shared, repair: Repair::new(), audit_after, audit: None }
    }

    fn frame(&mut self, frame: &[u8], elapsed: Duration) -> bool {
        if self.audit.is_some() {
            self.audit_later(elapsed);
        }
        let repair = &mut self.repair;
        self.shared.change(|kept| {
            // A frame of another market cannot come here: it was routed by its topic.
            let Ok(applied) = kept.book.apply_frame(frame) else { return false };
            match applied {
                Applied::Lost(_) | Applied::Ignored => repair.after(&applied, elapsed),
                // The repair is over with the confirmation.
                Applied::Snapshot { .. } | Applied::Increment { .. } => false,
            }
        })
    }

    fn audit_later(&mut self, elapsed: Duration) {
        self.audit = self.audit_after.map(|after| elapsed.saturating_add(after));
    }

    /// Whether to subscribe again now: for a repair, or for an audit.
    fn wake(&mut self, elapsed: Duration) -> bool {
        if self.repair.poll(elapsed) {
            return true;
        }
        let audit = self.audit.is_some_and(|due| due <= elapsed);
        if audit {
            self.audit_later(elapsed);
        }
        audit
    }

    fn due(&self) -> Option<Duration> {
        self.repair.due().into_iter().chain(self.audit).min()
    }

    fn stale(&mut self) {
        self.audit = None;
        self.repair.disconnected();
        self.shared.change(|kept| kept.book.mark_stale());
    }

    fn connected(&mut self) {
        self.repair.disconnected();
        self.shared.change(|kept| {
            kept.not_listed = false;
            kept.book.mark_resyncing();
        });
    }

    /// The server has confirmed the subscription. What it had stored came before.
    fn confirmed(&mut self, elapsed: Duration) {
        let has_snapshot = self.shared.change(|kept| {
            kept.not_listed = false;
            kept.book.confirmed()
        });
        self.repair.confirmed(has_snapshot, elapsed);
        if has_snapshot {
            self.audit_later(elapsed);
        }
    }

    /// The server does not list the book, or no longer.
    fn not_listed(&mut self) {
        self.audit = None;
        self.shared.change(|kept| {
            kept.not_listed = true;
            if matches!(kept.book.state(), State::Live | State::CatchingUp) {
                kept.book.mark_stale();
            }
        });
    }
}

impl Keeper {
    /// The books among these topics.
    fn of(&mut self, topics: &[Topic]) -> impl Iterator<Item = &mut KeptBook> {
        let markets: BTreeSet<&MarketId> = topics
            .iter()
            .filter_map(|topic| match topic {
                Topic::Book(market) => Some(market),
                _ => None,
            })
            .collect();
        self.0.iter_mut().filter(move |(market, _)| markets.contains(market)).map(|(_, place)| place)
    }
}

impl Tap for Keeper {
    fn event(&mut self, event: &Event, elapsed: Duration, again: &mut Vec<Topic>) -> bool {
        match event {
            Event::Book { market, frame } => {
                if let Some(place) = self.0.get_mut(market)
                    && place.frame(frame, elapsed)
                {
                    again.push(Topic::Book(market.clone()));
                }
                return false;
            }
            Event::Connected { .. } => self.0.values_mut().for_each(KeptBook::connected),
            Event::Disconnected { .. } | Event::Ended { .. } => self.0.values_mut().for_each(KeptBook::stale),
            Event::Stale { .. } => {
                for (market, place) in &mut self.0 {
                    place.audit = None;
                    place.shared.change(|kept| kept.book.mark_stale());
                    if place.repair.lost(elapsed) {
                        again.push(Topic::Book(market.clone()));
                    }
                }
            }
            Event::Subscribed { topics } => {
                self.of(topics).for_each(|place| place.confirmed(elapsed));
            }
            Event::NotSubscribed { topics } => self.of(topics).for_each(KeptBook::not_listed),
            _ => {}
        }
        true
    }

    fn due(&self) -> Option<Duration> {
        self.0.values().filter_map(KeptBook::due).min()
    }

    fn wake(&mut self, elapsed: Duration, again: &mut Vec<Topic>) {
        for (market, place) in &mut self.0 {
            if place.wake(elapsed) {
                again.push(Topic::Book(market.clone()));
            }
        }
    }
}

/// However the task ends, its books are stale and everyone who waits for them wakes up.
impl Drop for Keeper {
    fn drop(&mut self) {
        for place in self.0.values_mut() {
            place.stale();
            place.shared.end();
        }
    }
}

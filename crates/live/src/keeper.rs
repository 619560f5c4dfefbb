//! Keeps the books from the stream's events, in the stream's own task.
//!
//! 1. A subscription is answered by a snapshot, which may be a minute old, by the increments since, and by the
//!    confirmation. From any such snapshot on the book is not live until the confirmation.
//! 2. When the connection is gone, every book is stale at once; so is one that a confirmation does not list.
//! 3. When an increment was lost, the book is not live and its topic is subscribed to again; one repair at a time.
//! 4. When a confirmation comes and no snapshot came before it, the exchange has none yet: it is asked again.
//! 5. When the connection is silent for longer than was allowed, the books are stale, and asked for again.

use crate::book::Shared;
use capecrypto_models::MarketId;
use capecrypto_orderbook::{Applied, Repair};
use capecrypto_stream::{Event, Tap, Topic};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// The books of a stream with their repairs.
pub(crate) struct Keeper(pub(crate) BTreeMap<MarketId, KeptBook>);

pub(crate) struct KeptBook {
    shared: Arc<Shared>,
    repair: Repair,
}

impl KeptBook {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, repair: Repair::new() }
    }

    fn frame(&mut self, frame: &[u8], elapsed: Duration) -> bool {
        let repair = &mut self.repair;
        self.shared.change(|kept| {
            let before = kept.book.sequence();
            // A frame of another market cannot come here: it was routed by its topic.
            let Ok(applied) = kept.book.apply_frame(frame) else { return false };
            match applied {
                Applied::Snapshot { sequence } if before != Some(sequence) => kept.caught_up = false,
                Applied::Lost(_) => {
                    kept.caught_up = false;
                    return repair.lost(elapsed);
                }
                Applied::Snapshot { .. } | Applied::Increment { .. } | Applied::Ignored => {}
            }
            false
        })
    }

    fn stale(&mut self) {
        self.repair.disconnected();
        self.shared.change(|kept| {
            kept.caught_up = false;
            kept.book.mark_stale();
        });
    }

    fn connected(&mut self) {
        self.repair.disconnected();
        self.shared.change(|kept| {
            kept.caught_up = false;
            kept.not_listed = false;
            kept.book.mark_resyncing();
        });
    }

    /// The server has told what is subscribed.
    fn confirmed(&mut self, listed: bool, elapsed: Duration) {
        let has_snapshot = self.shared.change(|kept| {
            let has_snapshot = kept.book.sequence().is_some();
            kept.caught_up = listed && has_snapshot;
            kept.not_listed &= !listed;
            if !listed && has_snapshot {
                kept.book.mark_stale();
            }
            has_snapshot
        });
        match (listed, has_snapshot) {
            (true, true) => self.repair.settled(),
            (true, false) if self.repair.due().is_none() => self.repair.subscribed(elapsed),
            _ => {}
        }
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
                    place.shared.change(|kept| {
                        kept.caught_up = false;
                        kept.book.mark_stale();
                    });
                    if place.repair.lost(elapsed) {
                        again.push(Topic::Book(market.clone()));
                    }
                }
            }
            Event::Subscribed { topics } => {
                for (market, place) in &mut self.0 {
                    let listed =
                        topics.iter().any(|topic| matches!(topic, Topic::Book(listed) if listed == market));
                    place.confirmed(listed, elapsed);
                }
            }
            // Every request is answered: what is missing now will not come.
            Event::NotSubscribed { topics } => {
                for topic in topics {
                    if let Topic::Book(market) = topic
                        && let Some(place) = self.0.get(market)
                    {
                        place.shared.change(|kept| kept.not_listed = true);
                    }
                }
            }
            _ => {}
        }
        true
    }

    fn due(&self) -> Option<Duration> {
        self.0.values().filter_map(|place| place.repair.due()).min()
    }

    fn wake(&mut self, elapsed: Duration, again: &mut Vec<Topic>) {
        for (market, place) in &mut self.0 {
            if place.repair.poll(elapsed) {
                again.push(Topic::Book(market.clone()));
            }
        }
    }
}

/// However the task ends, nobody keeps the books any more.
impl Drop for Keeper {
    fn drop(&mut self) {
        for place in self.0.values_mut() {
            place.stale();
            place.shared.end();
        }
    }
}

//! Keeps the books from the stream's events, in the stream's own task.
//!
//! 1. A book starts with its subscription and is not live before the exchange has confirmed it: the snapshot may be
//!    a minute old, and the increments since then come between the two.
//! 2. When the connection is gone, every book is stale at once.
//! 3. When an increment was lost, the book is not live and its topic is subscribed to again; one repair at a time.
//! 4. When the connection is silent for longer than was allowed, the books are stale, and asked for again.

use crate::book::Shared;
use capecrypto_models::MarketId;
use capecrypto_orderbook::{Applied, Repair};
use capecrypto_stream::{Event, Tap, Topic};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// The books of a stream with their repairs.
pub(crate) struct Keeper(pub(crate) BTreeMap<MarketId, Place>);

pub(crate) struct Place {
    shared: Arc<Shared>,
    repair: Repair,
}

impl Place {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, repair: Repair::new() }
    }

    fn frame(&mut self, frame: &[u8], elapsed: Duration) -> bool {
        let repair = &mut self.repair;
        self.shared.change(|kept| {
            // A frame of another market cannot come here: it was routed by its topic.
            let Ok(applied) = kept.book.apply_frame(frame) else { return false };
            if let Applied::Lost(_) = applied {
                kept.caught_up = false;
            }
            repair.after(&applied, elapsed)
        })
    }

    fn stale(&mut self) {
        self.repair.disconnected();
        self.shared.change(|kept| {
            kept.caught_up = false;
            kept.book.mark_stale();
        });
    }

    fn subscribed(&mut self, elapsed: Duration) {
        self.repair.subscribed(elapsed);
        self.shared.change(|kept| {
            kept.caught_up = false;
            kept.book.mark_resyncing();
        });
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
            Event::Connected { .. } => self.0.values_mut().for_each(|place| place.subscribed(elapsed)),
            Event::Disconnected { .. } | Event::Ended { .. } => self.0.values_mut().for_each(Place::stale),
            Event::Stale { .. } => {
                for (market, place) in &mut self.0 {
                    place.stale();
                    place.subscribed(elapsed);
                    again.push(Topic::Book(market.clone()));
                }
            }
            Event::Subscribed { topics } => {
                for topic in topics {
                    if let Topic::Book(market) = topic
                        && let Some(place) = self.0.get(market)
                    {
                        // Without a snapshot it stays what it is; the repair asks again.
                        place.shared.change(|kept| kept.caught_up = kept.book.sequence().is_some());
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

/// The task is gone, by whatever way: nobody keeps the books any more.
impl Drop for Keeper {
    fn drop(&mut self) {
        self.0.values_mut().for_each(Place::stale);
    }
}

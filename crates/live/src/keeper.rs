//! Updates the books from the stream's events, in the stream's own task.
//!
//! 1. The confirmation of a subscription makes its book live.
//! 2. When the connection is gone, every book is stale at once; so is one that the server does not list, or no longer.
//! 3. When an increment was lost, the book is not live and its topic is subscribed to again; one repair at a time, and of all
//!    books together only so many in a time.
//! 4. A confirmation without a snapshot before it means that the exchange has none yet: the keeper subscribes again, at
//!    the latest when an increment shows that the exchange has one by now.
//! 5. When no frame of a live book has come for the time of the audit, its topic is subscribed to again: the answer is the
//!    whole book, so a lost last increment is noticed. The book stays live until that answer comes.
//! 6. When the connection is silent for longer than `stale_after`, the books are stale and are subscribed to again.
//! 7. Nothing here looks at all books for one frame or one deadline.

use crate::{
    deadlines::Deadlines,
    error::Why,
    registry::{Change, Registry},
    shared::Shared,
};
use capecrypto_models::MarketId;
use capecrypto_orderbook::{Applied, Repair, RepairBudget};
use capecrypto_stream::{Context, Event, Tap, Topic};
use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

/// The books of a stream with their repairs.
pub(crate) struct Keeper {
    registry: Arc<Registry>,
    books: Vec<KeptBook>,
    by_market: HashMap<MarketId, usize>,
    /// The books by the stream's numbers for their topics: all that most frames need.
    by_topic: Vec<Option<Arc<Shared>>>,
    deadlines: Deadlines,
    budget: RepairBudget,
    /// Books whose repair waits for the budget, in the order of their losses, and when the first one can go.
    postponed: VecDeque<usize>,
    resume_at: Option<Duration>,
    /// How long a live book may be quiet before it is audited; `None`: for ever.
    audit_after: Option<Duration>,
    /// Whether each change of a book is told as an event.
    tells_changes: bool,
}

struct KeptBook {
    shared: Arc<Shared>,
    repair: Repair,
    /// A repair waits for the budget.
    is_postponed: bool,
    /// The book was removed. Its place is kept for another one of the same market.
    is_gone: bool,
    /// When the last frame came, while the book is live and audits are made.
    quiet_since: Option<Duration>,
}

impl KeptBook {
    fn new(shared: Arc<Shared>) -> Self {
        Self { shared, repair: Repair::new(), is_postponed: false, is_gone: false, quiet_since: None }
    }

    /// Nothing is to be repaired or audited until the next subscription.
    fn rest(&mut self) {
        self.repair.disconnected();
        (self.is_postponed, self.quiet_since) = (false, None);
    }

    fn due(&self, audit_after: Option<Duration>) -> Option<Duration> {
        if self.is_postponed {
            return None;
        }
        let audit = self.quiet_since.zip(audit_after).map(|(since, after)| since.saturating_add(after));
        self.repair.due().into_iter().chain(audit).min()
    }
}

impl Keeper {
    pub(crate) fn new(registry: Arc<Registry>, audit_after: Option<Duration>, tells_changes: bool) -> Self {
        let mut keeper = Self {
            registry,
            books: Vec::new(),
            by_market: HashMap::new(),
            by_topic: Vec::new(),
            deadlines: Deadlines::default(),
            budget: RepairBudget::default(),
            postponed: VecDeque::new(),
            resume_at: None,
            audit_after,
            tells_changes,
        };
        keeper.follow_registry();
        keeper
    }

    /// Takes over the books that were added or removed.
    fn follow_registry(&mut self) {
        for change in self.registry.take_changes() {
            match change {
                Change::Added(shared) => match self.number_of(&shared.market) {
                    Some(number) => {
                        if let Some(book) = self.books.get_mut(number) {
                            *book = KeptBook::new(shared);
                        }
                    }
                    None => {
                        self.by_market.insert(shared.market.clone(), self.books.len());
                        self.books.push(KeptBook::new(shared));
                    }
                },
                Change::Removed(market) => {
                    let number = self.number_of(&market);
                    if let Some(book) = number.and_then(|number| self.books.get_mut(number)) {
                        book.rest();
                        book.is_gone = true;
                    }
                }
            }
        }
    }

    fn number_of(&self, market: &MarketId) -> Option<usize> {
        self.by_market.get(market).copied()
    }

    /// Applies a frame to its book. `None`: there is no such book.
    fn apply(&mut self, market: &MarketId, frame: &[u8], context: &Context<'_, ()>) -> Option<Applied> {
        let (index, now_ms) = (context.topic_index(), context.unix_millis());
        if let Some(shared) = index.and_then(|index| self.by_topic.get(index)?.as_ref())
            && let Some(applied) = shared.apply(frame, now_ms)
        {
            return Some(applied);
        }
        // The first frame of a book, or of another book of the same market.
        self.follow_registry();
        let shared = self.books.get(self.number_of(market)?)?.shared.clone();
        let applied = shared.apply(frame, now_ms);
        if let Some(index) = index {
            if self.by_topic.len() <= index {
                self.by_topic.resize(index + 1, None);
            }
            if let Some(place) = self.by_topic.get_mut(index) {
                *place = Some(shared);
            }
        }
        applied
    }

    fn frame(&mut self, market: MarketId, frame: &[u8], context: &mut Context<'_, ()>) {
        let Some(applied) = self.apply(&market, frame, context) else { return };
        // A repair is over with the confirmation, so that most frames are done here.
        let is_lost = matches!(applied, Applied::Lost(_) | Applied::Ignored);
        if is_lost || self.audit_after.is_some() {
            self.repair_after(&market, &applied, context);
        }
        if self.tells_changes && applied != Applied::Ignored {
            context.emit(Event::BookChanged { market });
        }
    }

    /// Looks whether the book needs a repair after a frame, and when the next audit is due.
    fn repair_after(&mut self, market: &MarketId, applied: &Applied, context: &mut Context<'_, ()>) {
        let Some(number) = self.number_of(market) else { return };
        let Some(book) = self.books.get_mut(number) else { return };
        let now = context.elapsed();
        match applied {
            Applied::Lost(_) | Applied::Ignored => {
                book.quiet_since = None;
                if book.repair.after(applied, now) {
                    self.repair(number, context);
                }
                self.look_later(number);
            }
            Applied::Snapshot { .. } | Applied::Increment { .. } => {
                book.quiet_since = book.quiet_since.map(|_| now);
            }
        }
    }

    /// Subscribes to a book again, now or as soon as the budget of all books allows it.
    fn repair(&mut self, number: usize, context: &mut Context<'_, ()>) {
        let Some(book) = self.books.get_mut(number).filter(|book| !book.is_postponed) else { return };
        // Those that wait already come first.
        let budget =
            if self.postponed.is_empty() { self.budget.take(context.elapsed()) } else { Err(Duration::ZERO) };
        match budget {
            Ok(()) => context.subscribe_again(Topic::Book(book.shared.market.clone())),
            Err(at) => {
                book.is_postponed = true;
                if self.postponed.is_empty() {
                    self.resume_at = Some(at);
                }
                self.postponed.push_back(number);
            }
        }
    }

    /// Subscribes to the books whose repair waits, as far as the budget allows it.
    fn resume(&mut self, context: &mut Context<'_, ()>) {
        let now = context.elapsed();
        while let Some(number) = self.postponed.front().copied() {
            // A book that was confirmed or disconnected meanwhile needs no repair.
            let waits = self.books.get_mut(number).filter(|book| book.is_postponed);
            if let Some(book) = waits {
                if let Err(at) = self.budget.take(now) {
                    self.resume_at = Some(at);
                    return;
                }
                book.is_postponed = false;
                book.repair.delayed(now);
                context.subscribe_again(Topic::Book(book.shared.market.clone()));
                self.look_later(number);
            }
            self.postponed.pop_front();
        }
        self.resume_at = None;
    }

    /// Sets the time at which the book is looked at again.
    fn look_later(&mut self, number: usize) {
        if let Some(book) = self.books.get(number) {
            self.deadlines.at_latest(number, book.due(self.audit_after));
        }
    }

    /// Looks whether a book has to be subscribed to again: for a repair, or for an audit.
    fn look(&mut self, number: usize, context: &mut Context<'_, ()>) {
        let Some(book) = self.books.get_mut(number) else { return };
        let now = context.elapsed();
        if !book.is_postponed && book.repair.poll(now) {
            self.repair(number, context);
        } else if let (Some(since), Some(after)) = (book.quiet_since, self.audit_after)
            && now.saturating_sub(since) >= after
        {
            book.quiet_since = Some(now);
            context.subscribe_again(Topic::Book(book.shared.market.clone()));
        }
        self.look_later(number);
    }

    /// The books among these topics.
    fn among(&self, topics: &[Topic]) -> Vec<usize> {
        let book = |topic: &Topic| match topic {
            Topic::Book(market) => self.number_of(market),
            _ => None,
        };
        topics.iter().filter_map(book).collect()
    }

    /// The server has confirmed the subscription. What it had stored came before.
    fn confirmed(&mut self, number: usize, context: &Context<'_, ()>) {
        let Some(book) = self.books.get_mut(number) else { return };
        let is_live = book.shared.confirmed(context.unix_millis());
        book.repair.confirmed(is_live, context.elapsed());
        if is_live {
            book.is_postponed = false;
            book.quiet_since = self.audit_after.map(|_| context.elapsed());
        }
        self.look_later(number);
    }

    /// Does something with all books, or with some. Gives their markets.
    fn each(&mut self, numbers: Option<Vec<usize>>, mut change: impl FnMut(&mut KeptBook)) -> Vec<MarketId> {
        let numbers = numbers.unwrap_or_else(|| (0..self.books.len()).collect());
        let mut markets = Vec::new();
        for number in numbers {
            let Some(book) = self.books.get_mut(number).filter(|book| !book.is_gone) else { continue };
            change(book);
            if self.tells_changes {
                markets.push(book.shared.market.clone());
            }
        }
        markets
    }

    /// Handles an event that is not a book's. Gives the markets whose books have changed, if that is to be told.
    fn handle(&mut self, event: &Event, context: &mut Context<'_, ()>) -> Vec<MarketId> {
        let now_ms = context.unix_millis();
        match event {
            Event::Connected { .. } => self.each(None, |book| {
                book.rest();
                book.shared.resyncing(now_ms);
            }),
            Event::Disconnected { why, .. } => self.each(None, |book| {
                book.rest();
                book.shared.stale(Why::Disconnected(why.clone()), now_ms);
            }),
            Event::Ended { .. } => self.each(None, |book| {
                book.rest();
                book.shared.stale(Why::Closed, now_ms);
            }),
            Event::Stale { silent_for } => {
                for number in 0..self.books.len() {
                    let Some(book) = self.books.get_mut(number).filter(|book| !book.is_gone) else {
                        continue;
                    };
                    book.quiet_since = None;
                    book.shared.stale(Why::Silent(*silent_for), now_ms);
                    if book.repair.lost(context.elapsed()) {
                        self.repair(number, context);
                    }
                    self.look_later(number);
                }
                self.each(None, |_| ())
            }
            Event::Subscribed { topics } => {
                let numbers = self.among(topics);
                for number in &numbers {
                    self.confirmed(*number, context);
                }
                self.each(Some(numbers), |_| ())
            }
            Event::NotSubscribed { topics } => {
                let numbers = self.among(topics);
                self.each(Some(numbers), |book| {
                    // The stream asks for it again.
                    book.rest();
                    book.shared.not_listed(now_ms);
                })
            }
            Event::Unsubscribed { topics } => {
                let numbers = self.among(topics);
                self.each(Some(numbers), |book| {
                    book.rest();
                    book.shared.unsubscribed(now_ms);
                })
            }
            _ => Vec::new(),
        }
    }
}

impl Tap for Keeper {
    type Answer = ();

    fn event(&mut self, event: Event, context: &mut Context<'_, ()>) {
        if let Event::Book { market, frame } = event {
            return self.frame(market, &frame, context);
        }
        self.follow_registry();
        let changed = self.handle(&event, context);
        context.emit(event);
        changed.into_iter().for_each(|market| context.emit(Event::BookChanged { market }));
    }

    fn due(&self) -> Option<Duration> {
        self.deadlines.next().into_iter().chain(self.resume_at).min()
    }

    fn wake(&mut self, context: &mut Context<'_, ()>) {
        if self.resume_at.is_some_and(|at| at <= context.elapsed()) {
            self.resume(context);
        }
        while let Some(number) = self.deadlines.pop(context.elapsed()) {
            self.look(number, context);
        }
    }
}

/// However the task ends, its books are stale and everyone who waits for them wakes up.
impl Drop for Keeper {
    fn drop(&mut self) {
        self.registry.end();
    }
}

//! Both sides of a book: in fixed point as long as all values fit, in decimals otherwise. Exact either way.

use crate::{
    error::LostSync,
    frame::{Entry, Frame},
    scale::{self, Misfit, Scales},
    side::{Key, MOST_LEVELS, Row, Rows, Side},
    terms::{Best, BookSide},
};
use capecrypto_models::{Decimal, Level};

/// The two sides, with keys of one type.
#[derive(Debug, Clone)]
pub(crate) struct Pair<T> {
    bids: Side<T>,
    asks: Side<T>,
}

impl<T: Key> Pair<T> {
    fn side(&self, side: BookSide) -> &Side<T> {
        match side {
            BookSide::Bid => &self.bids,
            BookSide::Ask => &self.asks,
        }
    }

    fn put(&mut self, side: BookSide, price: T, amount: T, gone: bool) {
        let (side, key) = match side {
            BookSide::Bid => (&mut self.bids, price),
            BookSide::Ask => (&mut self.asks, -price),
        };
        side.put(key, amount, gone);
    }

    fn convert<U: Key>(
        &self,
        key: impl Fn(T) -> Option<U>,
        amount: impl Fn(T) -> Option<U>,
    ) -> Option<Pair<U>> {
        Some(Pair { bids: self.bids.convert(&key, &amount)?, asks: self.asks.convert(&key, &amount)? })
    }

    fn is_sound(&self) -> bool {
        !self.is_crossed() && self.bids.is_sound() && self.asks.is_sound()
    }

    fn is_crossed(&self) -> bool {
        matches!((self.bids.best(), self.asks.best()), (Some((bid, _)), Some((ask, _))) if *bid >= -*ask)
    }
}

#[derive(Debug, Clone)]
pub(crate) enum Store {
    Fixed(Scales, Pair<i64>),
    /// For values that do not fit 64 bits. Slower; the next snapshot goes back to `Fixed` if it fits.
    Wide(Pair<Decimal>),
}

impl Store {
    pub(crate) fn new() -> Self {
        Self::Fixed(Scales::default(), Pair { bids: Side::new(), asks: Side::new() })
    }

    /// Replaces everything with a snapshot. A side of `cut_at` entries or more counts as cut.
    pub(crate) fn load(&mut self, frame: &Frame, cut_at: usize) -> Result<(), LostSync> {
        let scales = frame.entries.iter().fold(Scales::default(), Scales::with);
        // The error `None` means that a value does not fit.
        *self = match pair(frame, cut_at, |entry| scales.fit(entry).map_err(|_| None)) {
            Ok(mut pair) => {
                if let Self::Fixed(_, old) = self {
                    pair.bids.take_place_of(&mut old.bids);
                    pair.asks.take_place_of(&mut old.asks);
                }
                Self::Fixed(scales, pair)
            }
            Err(Some(lost)) => return Err(lost),
            Err(None) => Self::Wide(pair::<_, LostSync>(frame, cut_at, |entry| {
                Ok((entry.price.decimal(), entry.amount.decimal()))
            })?),
        };
        if self.is_sound() { Ok(()) } else { Err(self.fault()) }
    }

    /// Starts to read what a usual increment changes.
    #[inline]
    pub(crate) fn warm(&self) {
        if let Self::Fixed(_, pair) = self {
            pair.bids.warm();
            pair.asks.warm();
        }
    }

    /// Applies an increment that fits the current scales. After `false` some of it is applied, and `apply` has to follow.
    #[inline]
    pub(crate) fn apply_usual(&mut self, frame: &Frame) -> bool {
        self.apply_at_once(frame) && self.is_sound()
    }

    /// Applies an increment. `false` if the book cannot be right any more; `fault` says why.
    pub(crate) fn apply(&mut self, frame: &Frame) -> bool {
        if !self.apply_at_once(frame) {
            self.apply_one_by_one(frame);
        }
        self.is_sound()
    }

    /// Applies entries that fit the current scales. After `false` some of them are applied; nothing is wrong if they are
    /// applied once more.
    #[inline]
    fn apply_at_once(&mut self, frame: &Frame) -> bool {
        let Self::Fixed(scales, pair) = self else { return false };
        for entry in &frame.entries {
            let Some((price, amount)) = scales.fit_quickly(entry) else { return false };
            pair.put(entry.side, price, amount, amount == 0);
        }
        true
    }

    /// Applies entries that may need finer scales, or decimals.
    #[cold]
    fn apply_one_by_one(&mut self, frame: &Frame) {
        for entry in &frame.entries {
            self.put(entry);
        }
    }

    fn put(&mut self, entry: &Entry) {
        let side = entry.side;
        let gone = entry.amount.is_zero();
        // At most three rounds: at the current scales, at finer ones, in decimals.
        loop {
            let misfit = match self {
                Self::Wide(pair) => {
                    return pair.put(side, entry.price.decimal(), entry.amount.decimal(), gone);
                }
                Self::Fixed(scales, pair) => match scales.fit(entry) {
                    Ok((price, amount)) => return pair.put(side, price, amount, gone),
                    Err(misfit) => misfit,
                },
            };
            self.make_room(misfit);
        }
    }

    fn make_room(&mut self, misfit: Misfit) {
        let Self::Fixed(old, pair) = self else { return };
        let old = *old;
        if let Misfit::Finer(new) = misfit {
            let (key, amount) = (new.price.saturating_sub(old.price), new.amount.saturating_sub(old.amount));
            let finer = pair.convert(
                |value| scale::times_power_of_ten(value, key),
                |value| scale::times_power_of_ten(value, amount),
            );
            if let Some(pair) = finer {
                *self = Self::Fixed(new, pair);
                return;
            }
        }
        let wide = pair.convert(
            |key| Some(scale::signed(key, old.price)),
            |amount| Some(scale::signed(amount, old.amount)),
        );
        // A conversion to decimals always succeeds.
        if let Some(pair) = wide {
            *self = Self::Wide(pair);
        }
    }

    /// Whether a correct book can be in this state.
    #[inline]
    fn is_sound(&self) -> bool {
        match self {
            Self::Fixed(_, pair) => pair.is_sound(),
            Self::Wide(pair) => pair.is_sound(),
        }
    }

    /// What is wrong with a state that is not sound.
    #[cold]
    pub(crate) fn fault(&self) -> LostSync {
        for side in [BookSide::Bid, BookSide::Ask] {
            if self.len(side) == 0 && self.is_cut(side) {
                return LostSync::Exhausted { side };
            }
            if self.len(side) > MOST_LEVELS {
                return LostSync::TooDeep { side };
            }
        }
        let price = |level: Option<Level>| level.map_or(Decimal::ZERO, |level| level.price);
        let best = self.best();
        LostSync::Crossed { bid: price(best.bid), ask: price(best.ask) }
    }

    #[inline]
    pub(crate) fn best(&self) -> Best {
        match self {
            Self::Fixed(scales, pair) => {
                let level = |row: &Row<i64>| narrow(*scales, row);
                Best { bid: pair.bids.best().map(level), ask: pair.asks.best().map(level) }
            }
            Self::Wide(pair) => Best { bid: pair.bids.best().map(broad), ask: pair.asks.best().map(broad) },
        }
    }

    pub(crate) fn len(&self, side: BookSide) -> usize {
        match self {
            Self::Fixed(_, pair) => pair.side(side).len(),
            Self::Wide(pair) => pair.side(side).len(),
        }
    }

    pub(crate) fn is_cut(&self, side: BookSide) -> bool {
        match self {
            Self::Fixed(_, pair) => pair.side(side).is_cut(),
            Self::Wide(pair) => pair.side(side).is_cut(),
        }
    }

    pub(crate) fn rows(&self, side: BookSide) -> StoreRows<'_> {
        match self {
            Self::Fixed(scales, pair) => StoreRows::Fixed(*scales, pair.side(side).rows()),
            Self::Wide(pair) => StoreRows::Wide(pair.side(side).rows()),
        }
    }
}

/// Builds both sides of a snapshot. The error is that of `fit`, or a price that comes twice.
fn pair<T: Key, E: From<LostSync>>(
    frame: &Frame,
    cut_at: usize,
    fit: impl Fn(&Entry) -> Result<Row<T>, E>,
) -> Result<Pair<T>, E> {
    let side = |side| -> Result<_, E> {
        let mut rows = Vec::with_capacity(frame.entries.len());
        let mut told = 0;
        // The exchange writes the best level first, so the reverse order usually needs no sorting.
        for entry in frame.entries.iter().rev().filter(|entry| entry.side == side) {
            told += 1;
            if entry.amount.is_zero() {
                continue;
            }
            let (price, amount) = fit(entry)?;
            rows.push((if side == BookSide::Bid { price } else { -price }, amount));
        }
        if !rises(&rows) {
            rows.sort_unstable_by_key(|row| row.0);
            if !rises(&rows) {
                return Err(LostSync::PriceTwice { side }.into());
            }
        }
        Ok(Side::load(&rows, told >= cut_at))
    };
    Ok(Pair { bids: side(BookSide::Bid)?, asks: side(BookSide::Ask)? })
}

/// Whether each key is above the one before.
fn rises<T: Key>(rows: &[Row<T>]) -> bool {
    rows.is_sorted_by(|one, other| one.0 < other.0)
}

/// Rows of a side as levels, best first.
#[derive(Debug, Clone)]
pub(crate) enum StoreRows<'a> {
    Fixed(Scales, Rows<'a, i64>),
    Wide(Rows<'a, Decimal>),
}

impl Iterator for StoreRows<'_> {
    type Item = Level;

    fn next(&mut self) -> Option<Level> {
        match self {
            Self::Fixed(scales, rows) => rows.next().map(|row| narrow(*scales, row)),
            Self::Wide(rows) => rows.next().map(broad),
        }
    }
}

fn narrow(scales: Scales, row: &Row<i64>) -> Level {
    Level::new(
        scale::decimal(row.0.unsigned_abs(), scales.price),
        scale::decimal(row.1.unsigned_abs(), scales.amount),
    )
}

fn broad(row: &Row<Decimal>) -> Level {
    Level::new(row.0.abs(), row.1)
}

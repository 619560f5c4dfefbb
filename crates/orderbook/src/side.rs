//! One side of the book: its levels in sorted runs, the best one last.
//!
//! Most changes happen near the best price, so the best levels are in a short run of their own: a change there moves few rows
//! and touches little memory. The other runs are short enough to keep a change as quick at 10,000 levels as at 100.

use std::{hint, mem, ops::Neg, slice};

/// A price as a key that rises towards the best: bids as they are, asks negated.
pub(crate) trait Key: Copy + Ord + Default + Neg<Output = Self> {}
impl<T: Copy + Ord + Default + Neg<Output = T>> Key for T {}

/// A key and the amount there.
pub(crate) type Row<T> = (T, T);

/// When the best run reaches this many levels, half of them move to the other runs.
const LONGEST_BEST: usize = 32;
/// Levels in the best run after a snapshot, and after it has become empty.
const FRESH_BEST: usize = 16;

/// Another run that reaches this many levels is split, so it never needs more room.
const LONGEST: usize = 128;
/// Levels per run after a snapshot; the rest of the room is for new levels.
const FRESH: usize = 96;

/// The most levels a side may hold. It is far above any real book, so more levels mean a fault.
pub(crate) const MOST_LEVELS: usize = 1 << 18;

#[derive(Debug, Clone)]
struct Run<T> {
    /// Lower bound: not above the run's first key, and above all keys of the run before. The first run also takes lower keys.
    low: T,
    /// In rising order.
    rows: Vec<Row<T>>,
}

/// The levels of one side. What each frame needs stands at the front.
#[derive(Debug, Clone)]
#[repr(C)]
pub(crate) struct Side<T> {
    /// The run with the best levels. It is empty only if the side is.
    top: Run<T>,
    /// A copy of the best row, if there is one. Each frame needs it of both sides, and the rows themselves are elsewhere.
    best: Row<T>,
    len: usize,
    /// The exchange holds more levels than the snapshot did.
    cut: bool,
    /// The other runs, none of them empty.
    worse: Vec<Run<T>>,
    /// The worst key of a cut snapshot: levels below it are not known and not kept.
    floor: Option<T>,
    /// Buffers of runs that became empty, for new runs.
    spare: Vec<Vec<Row<T>>>,
}

impl<T: Key> Side<T> {
    pub(crate) fn new() -> Self {
        Self::load(&[], false)
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The exchange holds more levels than are known here.
    pub(crate) fn is_cut(&self) -> bool {
        self.cut
    }

    /// Whether it is neither used up nor deeper than any real one.
    pub(crate) fn is_sound(&self) -> bool {
        (self.len != 0 || !self.cut) && self.len <= MOST_LEVELS
    }

    pub(crate) fn best(&self) -> Option<&Row<T>> {
        (self.len != 0).then_some(&self.best)
    }

    /// Builds a side from a snapshot's rows, in rising order and each key once. `cut`: the exchange has more levels.
    pub(crate) fn load(rows: &[Row<T>], cut: bool) -> Self {
        let (others, top) = rows.split_at(rows.len().saturating_sub(FRESH_BEST));
        // The shorter run comes first, far from the best level.
        let (remainder, chunks) = others.split_at(others.len() % FRESH);
        let worse = std::iter::once(remainder).chain(chunks.chunks(FRESH));
        let worse = worse.filter(|chunk| !chunk.is_empty()).map(|chunk| run(chunk, LONGEST));
        Self {
            top: run(top, LONGEST_BEST),
            best: rows.last().copied().unwrap_or_default(),
            len: rows.len(),
            cut,
            worse: worse.collect(),
            floor: rows.first().filter(|_| cut).map(|(key, _)| *key),
            spare: Vec::new(),
        }
    }

    /// Moves the best run into the buffer of an older side. The buffers of books that were made together lie together, so that
    /// a thousand books need few pages of memory for most frames.
    pub(crate) fn take_place_of(&mut self, old: &mut Self) {
        let mut rows = mem::take(&mut old.top.rows);
        rows.clear();
        rows.append(&mut self.top.rows);
        self.top.rows = rows;
    }

    /// Reads the middle of the best rows, where a search begins, and their end, so that both are on their way from memory while
    /// a frame is read. With a thousand books they are not in a cache.
    #[inline]
    pub(crate) fn warm(&self) {
        let rows = &self.top.rows;
        if let (Some(middle), Some(last)) = (rows.get(rows.len() / 2), rows.last()) {
            hint::black_box((middle.1, last.1));
        }
    }

    /// Sets the total amount at a price, or removes the level. It is normal to remove a level that is not there: late
    /// cancels look like this.
    pub(crate) fn put(&mut self, key: T, amount: T, gone: bool) {
        // The floor is never above this bound.
        if key < self.top.low {
            return self.put_below(key, amount, gone);
        }
        self.put_on_top(key, amount, gone);
    }

    #[inline]
    fn put_on_top(&mut self, key: T, amount: T, gone: bool) {
        let rows = &mut self.top.rows;
        match rows.binary_search_by_key(&key, |row| row.0) {
            Ok(found) if gone => {
                rows.remove(found);
                self.len -= 1;
                if rows.is_empty() {
                    self.refill();
                }
            }
            Ok(found) => {
                if let Some(row) = rows.get_mut(found) {
                    row.1 = amount;
                }
            }
            Err(_) if gone => return,
            Err(place) => {
                rows.insert(place, (key, amount));
                self.len += 1;
                if rows.len() >= LONGEST_BEST {
                    self.spill();
                }
            }
        }
        if let Some(best) = self.top.rows.last() {
            self.best = *best;
        }
    }

    /// A change that is not among the best levels.
    #[inline(never)]
    fn put_below(&mut self, key: T, amount: T, gone: bool) {
        if self.floor.is_some_and(|floor| key < floor) {
            return;
        }
        let at = self.worse.partition_point(|run| run.low <= key).saturating_sub(1);
        let Some(run) = self.worse.get_mut(at) else {
            // The best run is the only one, so it takes lower keys too.
            if !gone {
                self.top.low = key;
                self.put_on_top(key, amount, gone);
            }
            return;
        };
        match run.rows.binary_search_by_key(&key, |row| row.0) {
            Ok(found) if gone => {
                run.rows.remove(found);
                self.len -= 1;
                if run.rows.is_empty() {
                    let run = self.worse.remove(at);
                    self.spare.push(run.rows);
                }
            }
            Ok(found) => {
                if let Some(row) = run.rows.get_mut(found) {
                    row.1 = amount;
                }
            }
            Err(_) if gone => {}
            Err(place) => {
                run.low = run.low.min(key);
                run.rows.insert(place, (key, amount));
                self.len += 1;
                if run.rows.len() >= LONGEST {
                    self.split(at);
                }
            }
        }
    }

    /// The same side in other keys and amounts; `None` where one of them does not fit.
    pub(crate) fn convert<U: Key>(
        &self,
        key: impl Fn(T) -> Option<U>,
        amount: impl Fn(T) -> Option<U>,
    ) -> Option<Side<U>> {
        let row = |row: &Row<T>| Some((key(row.0)?, amount(row.1)?));
        let run = |old: &Run<T>, room| {
            let mut rows = Vec::with_capacity(room);
            for old in &old.rows {
                rows.push(row(old)?);
            }
            let low = match rows.first() {
                Some((low, _)) => *low,
                None => key(old.low)?,
            };
            Some(Run { low, rows })
        };
        let worse = self.worse.iter().map(|old| run(old, LONGEST));
        let floor = match self.floor {
            Some(floor) => Some(key(floor)?),
            None => None,
        };
        let best = match self.best() {
            Some(best) => row(best)?,
            None => Row::default(),
        };
        Some(Side {
            top: run(&self.top, LONGEST_BEST)?,
            best,
            len: self.len,
            cut: self.cut,
            worse: worse.collect::<Option<_>>()?,
            floor,
            spare: Vec::new(),
        })
    }

    /// The rows from the best to the worst.
    pub(crate) fn rows(&self) -> Rows<'_, T> {
        Rows { runs: self.worse.iter(), rows: self.top.rows.iter() }
    }

    /// Moves the worse half of the best run to the next one.
    #[cold]
    fn spill(&mut self) {
        let half = LONGEST_BEST / 2;
        if self.worse.last().is_none_or(|run| run.rows.len() + half >= LONGEST) {
            let rows = self.room();
            self.worse.push(Run { low: self.top.low, rows });
        }
        if let Some(run) = self.worse.last_mut() {
            run.rows.extend(self.top.rows.drain(..half));
        }
        if let Some((low, _)) = self.top.rows.first() {
            self.top.low = *low;
        }
    }

    /// Fills the empty best run from the next one, if there is one.
    #[cold]
    fn refill(&mut self) {
        let Some(run) = self.worse.last_mut() else { return };
        let first = run.rows.len().saturating_sub(FRESH_BEST);
        self.top.rows.extend(run.rows.drain(first..));
        if let Some((low, _)) = self.top.rows.first() {
            self.top.low = *low;
        }
        if run.rows.is_empty() {
            self.spare.extend(self.worse.pop().map(|run| run.rows));
        }
    }

    fn split(&mut self, at: usize) {
        let mut upper = self.room();
        let Some(run) = self.worse.get_mut(at) else { return };
        upper.extend(run.rows.drain(LONGEST / 2..));
        if let Some((low, _)) = upper.first() {
            self.worse.insert(at + 1, Run { low: *low, rows: upper });
        }
    }

    fn room(&mut self) -> Vec<Row<T>> {
        self.spare.pop().unwrap_or_else(|| Vec::with_capacity(LONGEST))
    }
}

fn run<T: Key>(first: &[Row<T>], room: usize) -> Run<T> {
    let mut rows = Vec::with_capacity(room);
    rows.extend_from_slice(first);
    Run { low: first.first().map_or_else(T::default, |(low, _)| *low), rows }
}

/// Rows of a side, best first.
#[derive(Debug, Clone)]
pub(crate) struct Rows<'a, T> {
    runs: slice::Iter<'a, Run<T>>,
    rows: slice::Iter<'a, Row<T>>,
}

impl<'a, T> Iterator for Rows<'a, T> {
    type Item = &'a Row<T>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(row) = self.rows.next_back() {
                return Some(row);
            }
            self.rows = self.runs.next_back()?.rows.iter();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn same(side: &Side<i64>, model: &BTreeMap<i64, i64>) {
        assert!(side.rows().copied().eq(model.iter().rev().map(|(k, v)| (*k, *v))));
        assert_eq!(side.len(), model.len());
        assert_eq!(side.best().copied(), model.last_key_value().map(|(k, v)| (*k, *v)));
        assert_eq!(side.top.rows.is_empty(), model.is_empty(), "the best levels are elsewhere");
        assert!(side.top.rows.len() < LONGEST_BEST, "the best run holds {}", side.top.rows.len());
        let runs: Vec<_> = side.worse.iter().chain([&side.top]).filter(|run| !run.rows.is_empty()).collect();
        for (at, run) in runs.iter().enumerate() {
            assert!(run.rows.len() < LONGEST, "run {at} holds {}", run.rows.len());
            assert!(run.low <= run.rows[0].0, "run {at} begins above its first row");
            assert!(
                at == 0 || runs[at - 1].rows.last().unwrap().0 < run.low,
                "run {at} overlaps the one before"
            );
        }
        assert!(side.worse.iter().all(|run| !run.rows.is_empty()), "an empty run is left");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        // Few keys make hits and removals likely, many make runs split and vanish.
        #[test]
        fn behaves_as_a_sorted_map(
            width in prop_oneof![Just(40_i64), Just(3_000)],
            (first, snapshot) in (0_i64..2_000, prop_oneof![Just(0_i64), 1_i64..1_200]),
            moves in proptest::collection::vec((0_i64..3_000, 0_i64..5), 1..3_000),
        ) {
            // Some keys are below all of the snapshot's.
            let first = first % width;
            let rows: Vec<_> = (first..(first + snapshot).min(width)).map(|key| (key, 1)).collect();
            let mut side = Side::load(&rows, false);
            let mut model: BTreeMap<_, _> = rows.into_iter().collect();
            same(&side, &model);
            for (step, (key, amount)) in moves.iter().enumerate() {
                // Two fifths of the moves remove the best level, so that the best run becomes empty too.
                let best = model.last_key_value().map(|(best, _)| *best).filter(|_| *amount > 2);
                let (key, amount) = best.map_or((key % width, *amount), |best| (best, 0));
                if amount == 0 {
                    side.put(key, 0, true);
                    model.remove(&key);
                } else {
                    side.put(key, amount, false);
                    model.insert(key, amount);
                }
                if step % 64 == 0 {
                    same(&side, &model);
                }
            }
            same(&side, &model);
            let doubled = side.convert(|key| key.checked_mul(2), Some).unwrap();
            same(&doubled, &model.iter().map(|(k, v)| (2 * k, *v)).collect());
        }
    }

    #[test]
    fn emptied_runs_are_used_again() {
        let rows: Vec<_> = (0..1_000).map(|key| (key, 1)).collect();
        let mut side = Side::load(&rows, false);
        let runs = side.worse.len();
        for key in (0..1_000).rev() {
            side.put(key, 0, true);
            assert_eq!(side.best().copied(), (key > 0).then_some((key - 1, 1)));
        }
        same(&side, &BTreeMap::new());
        assert_eq!(side.spare.len(), runs);
        for key in 0..1_000 {
            side.put(key, 1, false);
        }
        same(&side, &rows.into_iter().collect());
        assert_eq!(side.spare.len() + side.worse.len(), runs, "a buffer was made or lost");
    }

    #[test]
    fn below_the_end_of_a_cut_snapshot_nothing_is_kept() {
        let mut side = Side::load(&[(10, 1), (20, 2)], true);
        assert!(side.is_cut());
        side.put(9, 5, false);
        side.put(15, 5, false);
        side.put(10, 0, true);
        side.put(10, 6, false);
        assert!(side.rows().copied().eq([(20, 2), (15, 5), (10, 6)]));
        for key in [10, 15, 20] {
            side.put(key, 0, true);
        }
        assert!(!side.is_sound());
        let mut side = side.convert(|key| Some(key * 10), Some).unwrap();
        side.put(99, 5, false);
        side.put(100, 5, false);
        assert!(side.rows().copied().eq([(100, 5)]));
        let mut whole = Side::load(&[(10, 1)], false);
        whole.put(9, 5, false);
        assert_eq!(whole.len(), 2);
    }

    #[test]
    fn a_conversion_that_does_not_fit_is_refused_whole() {
        let side = Side::load(&[(1, 1), (i64::MAX, 1)], true);
        assert!(side.convert(|key: i64| key.checked_mul(10), Some).is_none());
        assert!(side.convert(Some, |amount: i64| amount.checked_mul(10)).is_some());
    }
}

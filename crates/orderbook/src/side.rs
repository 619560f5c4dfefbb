//! One side of the book: its levels in sorted runs, the best one last.
//!
//! Most changes happen near the best price. With the best level *last*, a change there moves few levels of a sorted array.
//! Short runs keep it as quick at 10,000 levels as at 100.

use std::{ops::Neg, slice};

/// A price as a key that rises towards the best: bids as they are, asks negated.
pub(crate) trait Key: Copy + Ord + Neg<Output = Self> {}
impl<T: Copy + Ord + Neg<Output = T>> Key for T {}

/// A key and the amount there.
pub(crate) type Row<T> = (T, T);

/// A run that reaches this many levels is split, so it never needs more room.
const LONGEST: usize = 128;
/// Levels per run after a snapshot; the rest of the room is for new levels.
const FRESH: usize = 96;

/// The most levels a side may hold. It is far above any real book, so more levels mean a fault.
pub(crate) const MOST_LEVELS: usize = 1 << 18;

#[derive(Debug, Clone)]
struct Run<T> {
    /// Lower bound: not above the run's first key, and above all keys of the run before. The first run also takes lower keys.
    low: T,
    /// In rising order, never empty.
    rows: Vec<Row<T>>,
}

/// The levels of one side.
#[derive(Debug, Clone)]
pub(crate) struct Side<T> {
    /// A copy of the best row. Each frame needs it of both sides, and the rows themselves are far apart in memory.
    best: Option<Row<T>>,
    runs: Vec<Run<T>>,
    len: usize,
    /// The exchange holds more levels than the snapshot did.
    cut: bool,
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
        self.best.as_ref()
    }

    /// Builds a side from a snapshot's rows, in rising order and each key once. `cut`: the exchange has more levels.
    pub(crate) fn load(rows: &[Row<T>], cut: bool) -> Self {
        // The shorter run comes first, far from the best level.
        let (remainder, chunks) = rows.split_at(rows.len() % FRESH);
        let runs = std::iter::once(remainder).chain(chunks.chunks(FRESH)).filter_map(|chunk| {
            let (low, _) = *chunk.first()?;
            let mut rows = Vec::with_capacity(LONGEST);
            rows.extend_from_slice(chunk);
            Some(Run { low, rows })
        });
        let floor = rows.first().filter(|_| cut).map(|(key, _)| *key);
        let best = rows.last().copied();
        Self { best, runs: runs.collect(), len: rows.len(), cut, floor, spare: Vec::new() }
    }

    /// Sets the total amount at a price, or removes the level. It is normal to remove a level that is not there: late
    /// cancels look like this.
    pub(crate) fn put(&mut self, key: T, amount: T, gone: bool) {
        if self.floor.is_some_and(|floor| key < floor) {
            return;
        }
        self.change(key, amount, gone);
        if self.best.is_none_or(|(best, _)| key >= best) {
            self.best = self.runs.last().and_then(|run| run.rows.last()).copied();
        }
    }

    fn change(&mut self, key: T, amount: T, gone: bool) {
        let at = self.run_of(key);
        let Some(run) = self.runs.get_mut(at) else {
            if !gone {
                let mut rows = self.room();
                rows.push((key, amount));
                self.runs.push(Run { low: key, rows });
                self.len += 1;
            }
            return;
        };
        match find(&run.rows, key) {
            Ok(found) if gone => {
                run.rows.remove(found);
                self.len -= 1;
                if run.rows.is_empty() {
                    let run = self.runs.remove(at);
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
        let runs = self.runs.iter().map(|run| {
            let mut rows = Vec::with_capacity(LONGEST);
            for row in &run.rows {
                rows.push((key(row.0)?, amount(row.1)?));
            }
            Some(Run { low: rows.first()?.0, rows })
        });
        let floor = match self.floor {
            Some(floor) => Some(key(floor)?),
            None => None,
        };
        let best = match self.best {
            Some((best, of)) => Some((key(best)?, amount(of)?)),
            None => None,
        };
        Some(Side {
            best,
            runs: runs.collect::<Option<_>>()?,
            len: self.len,
            cut: self.cut,
            floor,
            spare: Vec::new(),
        })
    }

    /// The rows from the best to the worst.
    pub(crate) fn rows(&self) -> Rows<'_, T> {
        Rows { runs: self.runs.iter(), rows: [].iter() }
    }

    /// Index of the run that holds this key or would hold it; 0 if there are no runs.
    fn run_of(&self, key: T) -> usize {
        match self.runs.split_last() {
            Some((last, worse)) if key < last.low => {
                worse.partition_point(|run| run.low <= key).saturating_sub(1)
            }
            Some((_, worse)) => worse.len(),
            None => 0,
        }
    }

    fn split(&mut self, at: usize) {
        let mut upper = self.room();
        let Some(run) = self.runs.get_mut(at) else { return };
        upper.extend(run.rows.drain(LONGEST / 2..));
        if let Some((low, _)) = upper.first() {
            self.runs.insert(at + 1, Run { low: *low, rows: upper });
        }
    }

    fn room(&mut self) -> Vec<Row<T>> {
        self.spare.pop().unwrap_or_else(|| Vec::with_capacity(LONGEST))
    }
}

/// How many rows at the end of a run are looked at first.
const NEAR: usize = 8;

/// Finds a key in a run, as `binary_search` does. Most changes are near the best price, and the last rows lie together in memory: a
/// search of the whole run would touch some that are far away.
fn find<T: Key>(rows: &[Row<T>], key: T) -> Result<usize, usize> {
    let far = rows.len().saturating_sub(NEAR);
    match rows.split_at_checked(far) {
        Some((_, near)) if near.first().is_some_and(|(first, _)| key >= *first) => {
            let found = near.binary_search_by_key(&key, |row| row.0);
            found.map(|at| far + at).map_err(|at| far + at)
        }
        _ => rows.binary_search_by_key(&key, |row| row.0),
    }
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
        for (at, run) in side.runs.iter().enumerate() {
            assert!(!run.rows.is_empty() && run.rows.len() <= LONGEST, "run {at} holds {}", run.rows.len());
            assert!(run.low <= run.rows[0].0, "run {at} begins above its first row");
            assert!(
                at == 0 || side.runs[at - 1].rows.last().unwrap().0 < run.low,
                "run {at} overlaps the one before"
            );
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        // Few keys make hits and removals likely, many make runs split and vanish.
        #[test]
        fn behaves_as_a_sorted_map(
            width in prop_oneof![Just(40_i64), Just(3_000)],
            (first, snapshot) in (0_i64..2_000, prop_oneof![Just(0_i64), 1_i64..1_200]),
            moves in proptest::collection::vec((0_i64..3_000, 0_i64..3), 1..3_000),
        ) {
            // Some keys are below all of the snapshot's.
            let first = first % width;
            let rows: Vec<_> = (first..(first + snapshot).min(width)).map(|key| (key, 1)).collect();
            let mut side = Side::load(&rows, false);
            let mut model: BTreeMap<_, _> = rows.into_iter().collect();
            same(&side, &model);
            for (step, (key, amount)) in moves.iter().enumerate() {
                let key = key % width;
                if *amount == 0 {
                    side.put(key, 0, true);
                    model.remove(&key);
                } else {
                    side.put(key, *amount, false);
                    model.insert(key, *amount);
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
        let runs = side.runs.len();
        for key in (0..1_000).rev() {
            side.put(key, 0, true);
        }
        same(&side, &BTreeMap::new());
        assert_eq!(side.spare.len(), runs);
        for key in 0..1_000 {
            side.put(key, 1, false);
        }
        same(&side, &rows.into_iter().collect());
        assert_eq!(side.spare.len(), 0);
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

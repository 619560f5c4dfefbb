//! A long sorted list from which one page can be read without a scan of all rows.
//!
//! The rows are stored in blocks. Each block knows its number of rows of each kind, and its earliest and latest time.
//! Counting rows, or skipping to a page, reads the rows of a block only if these figures are not enough.

use std::{collections::BTreeMap, fmt, ops::Range};

/// The number of rows in a full block.
const BLOCK: usize = 256;

/// The sort key of a row: time, then number.
pub(crate) type Place = (i64, u64);

/// One row.
#[derive(Debug, Clone)]
pub(crate) struct Entry<K, T> {
    /// Unique in the list.
    pub(crate) place: Place,
    /// The time that a filter compares.
    pub(crate) at_ms: i64,
    /// Everything else that a filter compares. Many rows have the same kind.
    pub(crate) kind: K,
    pub(crate) row: T,
}

/// Which rows are wanted.
pub(crate) struct Filter<'a, K> {
    /// Whether a kind is wanted; `None` means all kinds.
    pub(crate) wants: Option<&'a dyn Fn(&K) -> bool>,
    /// From inclusive, to exclusive.
    pub(crate) within: Range<i64>,
}

impl<K> fmt::Debug for Filter<'_, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Filter").field("within", &self.within).finish_non_exhaustive()
    }
}

impl<K> Filter<'_, K> {
    /// Every row within these times.
    pub(crate) fn within(within: Range<i64>) -> Self {
        Self { wants: None, within }
    }

    fn wants<T>(&self, entry: &Entry<K, T>) -> bool {
        self.wants_kind(&entry.kind) && self.wants_time(entry.at_ms)
    }

    fn wants_kind(&self, kind: &K) -> bool {
        self.wants.is_none_or(|wants| wants(kind))
    }

    /// A span without an end includes `i64::MAX` too.
    fn wants_time(&self, at_ms: i64) -> bool {
        at_ms >= self.within.start && (at_ms < self.within.end || self.within.end == i64::MAX)
    }
}

/// Which part of a list is wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cut {
    pub(crate) skip: usize,
    pub(crate) take: usize,
    /// The list's own order, or its reverse.
    pub(crate) oldest_first: bool,
}

#[derive(Debug)]
struct Block<K, T> {
    /// Sorted, never empty.
    entries: Vec<Entry<K, T>>,
    /// The number of rows of each kind in this block.
    counts: BTreeMap<K, usize>,
    /// All rows are between these two times. After a removal the range may be wider than necessary.
    earliest_ms: i64,
    latest_ms: i64,
}

/// The list.
#[derive(Debug)]
pub(crate) struct Listing<K, T> {
    blocks: Vec<Block<K, T>>,
    len: usize,
}

impl<K, T> Default for Listing<K, T> {
    fn default() -> Self {
        Self { blocks: Vec::new(), len: 0 }
    }
}

impl<K: Ord + Copy, T> Listing<K, T> {
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Inserts a row at its place. Cheapest at the end of the list.
    pub(crate) fn insert(&mut self, entry: Entry<K, T>) {
        // The row belongs in the last block that begins at or before it.
        let next = self.blocks.partition_point(|block| block.first() <= Some(entry.place));
        let mut at = next.saturating_sub(1);
        match self.blocks.get(at) {
            None => self.blocks.push(Block::new()),
            Some(block) if block.entries.len() < BLOCK => {}
            // At the end of the list a full block is kept and a new one begun; anywhere else it is split in two halves.
            Some(block) if next == self.blocks.len() && block.last() < Some(entry.place) => {
                at = next;
                self.blocks.push(Block::new());
            }
            Some(_) => {
                let upper = self.blocks.get_mut(at).map(Block::split);
                if let Some(upper) = upper {
                    let belongs_above = upper.first() <= Some(entry.place);
                    self.blocks.insert(at + 1, upper);
                    at += usize::from(belongs_above);
                }
            }
        }
        if let Some(block) = self.blocks.get_mut(at) {
            block.insert(entry);
            self.len += 1;
        }
    }

    /// Removes the row with that place.
    pub(crate) fn remove(&mut self, place: Place) -> Option<Entry<K, T>> {
        let at = self.blocks.partition_point(|block| block.first() <= Some(place)).checked_sub(1)?;
        let block = self.blocks.get_mut(at)?;
        let entry = block.remove(place)?;
        if block.entries.is_empty() {
            self.blocks.remove(at);
        }
        self.len -= 1;
        Some(entry)
    }

    /// How many rows match the filter.
    pub(crate) fn count(&self, filter: &Filter<'_, K>) -> usize {
        if filter.wants.is_none() && filter.within == (i64::MIN..i64::MAX) {
            return self.len;
        }
        self.blocks.iter().map(|block| block.count(filter)).sum()
    }

    /// A part of the rows that match the filter.
    pub(crate) fn cut(&self, filter: &Filter<'_, K>, cut: Cut) -> Vec<&T> {
        if cut.oldest_first {
            collect(self.blocks.iter(), |block| block.entries.iter(), filter, cut)
        } else {
            collect(self.blocks.iter().rev(), |block| block.entries.iter().rev(), filter, cut)
        }
    }
}

fn collect<'a, K: Ord + Copy + 'a, T: 'a, Entries: Iterator<Item = &'a Entry<K, T>>>(
    blocks: impl Iterator<Item = &'a Block<K, T>>,
    entries: impl Fn(&'a Block<K, T>) -> Entries,
    filter: &Filter<'_, K>,
    cut: Cut,
) -> Vec<&'a T> {
    let (mut skip, mut found) = (cut.skip, Vec::new());
    for block in blocks {
        if found.len() == cut.take {
            break;
        }
        let here = block.count(filter);
        if here <= skip {
            skip -= here;
            continue;
        }
        let wanted = entries(block).filter(|entry| filter.wants(entry)).skip(skip);
        found.extend(wanted.take(cut.take - found.len()).map(|entry| &entry.row));
        skip = 0;
    }
    found
}

impl<K: Ord + Copy, T> Block<K, T> {
    fn new() -> Self {
        Self {
            entries: Vec::with_capacity(BLOCK),
            counts: BTreeMap::new(),
            earliest_ms: i64::MAX,
            latest_ms: i64::MIN,
        }
    }

    fn first(&self) -> Option<Place> {
        self.entries.first().map(|entry| entry.place)
    }

    fn last(&self) -> Option<Place> {
        self.entries.last().map(|entry| entry.place)
    }

    fn insert(&mut self, entry: Entry<K, T>) {
        *self.counts.entry(entry.kind).or_default() += 1;
        self.earliest_ms = self.earliest_ms.min(entry.at_ms);
        self.latest_ms = self.latest_ms.max(entry.at_ms);
        let at = self.entries.partition_point(|other| other.place < entry.place);
        self.entries.insert(at, entry);
    }

    fn remove(&mut self, place: Place) -> Option<Entry<K, T>> {
        let at = self.entries.binary_search_by_key(&place, |entry| entry.place).ok()?;
        let entry = self.entries.remove(at);
        self.uncount(entry.kind);
        Some(entry)
    }

    fn uncount(&mut self, kind: K) {
        if let Some(count) = self.counts.get_mut(&kind) {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&kind);
            }
        }
    }

    /// Moves the upper half into a new block.
    fn split(&mut self) -> Self {
        let mut upper = Self::new();
        for entry in self.entries.split_off(self.entries.len() / 2) {
            self.uncount(entry.kind);
            upper.insert(entry);
        }
        upper
    }

    /// How many rows match the filter. Reads the rows only if the span covers a part of the block.
    fn count(&self, filter: &Filter<'_, K>) -> usize {
        if self.latest_ms < filter.within.start
            || (self.earliest_ms >= filter.within.end && filter.within.end != i64::MAX)
        {
            return 0;
        }
        if filter.wants_time(self.earliest_ms) && filter.wants_time(self.latest_ms) {
            return self
                .counts
                .iter()
                .filter(|(kind, _)| filter.wants_kind(kind))
                .map(|(_, count)| count)
                .sum();
        }
        self.entries.iter().filter(|entry| filter.wants(entry)).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KINDS: usize = 6;

    /// Random wanted kinds and wanted times.
    fn random_filter(random: &mut fastrand::Rng, latest: i64) -> ([bool; KINDS], Range<i64>) {
        let mut kinds = [true; KINDS];
        if random.bool() {
            kinds.iter_mut().for_each(|wanted| *wanted = random.bool());
        }
        let mut within = i64::MIN..i64::MAX;
        if random.u8(..3) == 0 {
            within.start = random.i64(-5..latest.max(0) + 5);
        }
        if random.u8(..3) == 0 {
            within.end = random.i64(-5..latest.max(0) + 5);
        }
        (kinds, within)
    }

    /// The expected count and page, by filtering and sorting all rows.
    fn naive(
        all: &[Entry<usize, u64>],
        (kinds, within): &([bool; KINDS], Range<i64>),
        cut: Cut,
    ) -> (usize, Vec<u64>) {
        let mut wanted: Vec<_> =
            all.iter().filter(|entry| kinds[entry.kind] && within.contains(&entry.at_ms)).collect();
        wanted.sort_by_key(|entry| entry.place);
        if !cut.oldest_first {
            wanted.reverse();
        }
        let page = wanted.iter().skip(cut.skip).take(cut.take).map(|entry| entry.row).collect();
        (wanted.len(), page)
    }

    #[test]
    fn a_page_is_what_sorting_and_filtering_everything_gives() {
        let seed = fastrand::u64(..);
        let mut random = fastrand::Rng::with_seed(seed);
        let mut list = Listing::default();
        let mut plain: Vec<Entry<usize, u64>> = Vec::new();
        let mut now = 0;
        for id in 0..6_000 {
            // The time can also stay the same or go back, as the exchange's clock can be moved.
            now += [-40, 0, 1, 7, 9, 9, 20, 30][random.usize(..8)];
            let entry = Entry {
                place: (now, id),
                at_ms: now - random.i64(0..50),
                kind: random.usize(..KINDS),
                row: id,
            };
            plain.push(entry.clone());
            list.insert(entry);
            if random.u8(..3) == 0 {
                // A row that changes is moved to the end of the list; others are only removed.
                let old = plain.swap_remove(random.usize(..plain.len()));
                let mut entry = list.remove(old.place).unwrap();
                assert_eq!((entry.row, entry.kind), (old.row, old.kind));
                assert!(list.remove(old.place).is_none(), "it is gone");
                if random.bool() {
                    entry.place.0 = now;
                    entry.kind = random.usize(..KINDS);
                    plain.push(entry.clone());
                    list.insert(entry);
                }
            }
            assert_eq!(list.len(), plain.len());
            if id % 16 == 0 {
                let filter = random_filter(&mut random, now);
                let cut = Cut {
                    skip: random.usize(..plain.len() + 3),
                    take: random.usize(..300),
                    oldest_first: random.bool(),
                };
                let wanted = naive(&plain, &filter, cut);
                let (kinds, within) = filter;
                let wants = |kind: &usize| kinds[*kind];
                let all = kinds.iter().all(|wanted| *wanted);
                let filter = Filter { wants: if all { None } else { Some(&wants) }, within: within.clone() };
                let page = list.cut(&filter, cut).into_iter().copied().collect();
                assert_eq!((list.count(&filter), page), wanted, "seed {seed}: {kinds:?} {within:?} {cut:?}");
            }
        }
        for entry in plain {
            list.remove(entry.place).unwrap();
        }
        assert!(list.blocks.is_empty());
    }

    #[test]
    fn blocks_fill_up_so_that_a_long_list_has_few() {
        let mut list = Listing::default();
        for id in 0..100_000 {
            list.insert(Entry { place: (0, id), at_ms: 0, kind: (), row: id });
        }
        assert!(list.blocks.len() <= 100_000 / BLOCK + 1, "{}", list.blocks.len());
        let cut = Cut { skip: 99_990, take: 100, oldest_first: false };
        assert_eq!(
            list.cut(&Filter::within(i64::MIN..i64::MAX), cut),
            (0..10).rev().collect::<Vec<_>>().iter().collect::<Vec<_>>()
        );
    }

    #[test]
    fn a_span_without_an_end_has_the_end_of_time_in_it() {
        let mut list = Listing::default();
        list.insert(Entry { place: (0, 1), at_ms: i64::MAX, kind: (), row: () });
        assert_eq!(list.count(&Filter::within(5..i64::MAX)), 1);
        assert_eq!(list.count(&Filter::within(0..5)), 0);
    }
}

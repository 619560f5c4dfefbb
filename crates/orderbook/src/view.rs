//! The levels that a live book shows.

use crate::store::StoreRows;
use capecrypto_models::Level;

/// The levels of a side from the best to the worst; [`KnownDepth`](crate::KnownDepth) says whether the exchange has more.
#[derive(Debug, Clone)]
pub struct Levels<'a> {
    rows: StoreRows<'a>,
    left: usize,
}

impl<'a> Levels<'a> {
    pub(crate) fn new(rows: StoreRows<'a>, left: usize) -> Self {
        Self { rows, left }
    }
}

impl Iterator for Levels<'_> {
    type Item = Level;

    fn next(&mut self) -> Option<Level> {
        self.left = self.left.saturating_sub(1);
        self.rows.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Levels<'_> {}
impl std::iter::FusedIterator for Levels<'_> {}

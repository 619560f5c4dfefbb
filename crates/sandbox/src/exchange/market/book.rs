//! The resting orders of one market: best price first, oldest first within a price.

use super::order::Side;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// A price and the total amount of its orders.
pub(crate) type Level = (Decimal, Decimal);

/// Both sides of the book.
#[derive(Debug, Default)]
pub(crate) struct Book {
    bids: BTreeMap<Decimal, Queue>,
    asks: BTreeMap<Decimal, Queue>,
}

/// The orders of one price. Order ids rise in order of arrival, so the smallest id is the oldest order.
#[derive(Debug, Default)]
struct Queue {
    total: Decimal,
    orders: BTreeMap<u64, Decimal>,
}

/// The order of one side that is matched next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Best {
    pub(crate) price: Decimal,
    pub(crate) order: u64,
}

impl Book {
    fn side(&self, side: Side) -> &BTreeMap<Decimal, Queue> {
        match side {
            Side::Buy => &self.bids,
            Side::Sell => &self.asks,
        }
    }

    fn side_mut(&mut self, side: Side) -> &mut BTreeMap<Decimal, Queue> {
        match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        }
    }

    /// The highest bid or the lowest ask, and the oldest order there.
    pub(crate) fn best(&self, side: Side) -> Option<Best> {
        let levels = self.side(side);
        let (price, queue) = match side {
            Side::Buy => levels.last_key_value()?,
            Side::Sell => levels.first_key_value()?,
        };
        let (order, _) = queue.orders.first_key_value()?;
        Some(Best { price: *price, order: *order })
    }

    /// Sets the remaining amount of an order at a price; zero removes it. Returns the level's new total, `None` if the
    /// level is removed.
    pub(crate) fn set(&mut self, side: Side, price: Decimal, order: u64, left: Decimal) -> Option<Decimal> {
        let levels = self.side_mut(side);
        let queue = levels.entry(price).or_default();
        let before = if left.is_zero() {
            queue.orders.remove(&order).unwrap_or_default()
        } else {
            queue.orders.insert(order, left).unwrap_or_default()
        };
        queue.total += left - before;
        if queue.orders.is_empty() {
            levels.remove(&price);
            return None;
        }
        Some(queue.total)
    }

    /// Up to `limit` levels, best first.
    pub(crate) fn levels(&self, side: Side, limit: usize) -> Vec<Level> {
        self.walk(side).take(limit).collect()
    }

    /// Every level, best first.
    pub(crate) fn walk(&self, side: Side) -> Box<dyn Iterator<Item = Level> + '_> {
        let level = |(price, queue): (&Decimal, &Queue)| (*price, queue.total);
        match side {
            Side::Buy => Box::new(self.bids.iter().rev().map(level)),
            Side::Sell => Box::new(self.asks.iter().map(level)),
        }
    }

    /// Every resting order of a side: best price first, oldest first within a price.
    pub(crate) fn orders(&self, side: Side) -> Box<dyn Iterator<Item = u64> + '_> {
        match side {
            Side::Buy => Box::new(self.bids.values().rev().flat_map(|queue| queue.orders.keys().copied())),
            Side::Sell => Box::new(self.asks.values().flat_map(|queue| queue.orders.keys().copied())),
        }
    }

    /// The cost of taking `volume` from that side; `None` if the side has less than that. `Some(None)`: it has enough, but
    /// the cost needs more than 28 digits.
    pub(crate) fn cost(&self, side: Side, volume: Decimal) -> Option<Option<Decimal>> {
        let mut left = volume;
        let mut cost = Some(Decimal::ZERO);
        for (price, total) in self.walk(side) {
            let part = left.min(total);
            cost = cost.and_then(|cost| cost.checked_add(price.checked_mul(part)?));
            left -= part;
            if left.is_zero() {
                return Some(cost);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dec(value: i64) -> Decimal {
        Decimal::new(value, 0)
    }

    #[test]
    fn best_price_first_then_the_oldest() {
        let mut book = Book::default();
        assert_eq!(book.set(Side::Sell, dec(11), 1, dec(2)), Some(dec(2)));
        assert_eq!(book.set(Side::Sell, dec(10), 2, dec(1)), Some(dec(1)));
        assert_eq!(book.set(Side::Sell, dec(10), 3, dec(4)), Some(dec(5)));
        assert_eq!(book.best(Side::Sell), Some(Best { price: dec(10), order: 2 }));
        assert_eq!(book.cost(Side::Sell, dec(6)), Some(Some(dec(61))));
        assert_eq!(book.cost(Side::Sell, dec(8)), None);
        assert_eq!(book.set(Side::Sell, dec(10), 2, dec(0)), Some(dec(4)));
        assert_eq!(book.set(Side::Sell, dec(10), 3, dec(0)), None);
        assert_eq!(book.levels(Side::Sell, 9), [(dec(11), dec(2))]);
        // Removing an order that is not in the book must not leave an empty level.
        assert_eq!(book.set(Side::Buy, dec(9), 7, dec(0)), None);
        assert_eq!(book.best(Side::Buy), None);
    }
}

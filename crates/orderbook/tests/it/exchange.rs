//! A small exchange: a true book, its snapshots and its increments.

use crate::support::{Random, dec, pairs};
use capecrypto_models::{Decimal, Level};
use std::collections::BTreeMap;

/// A change of one level; an amount of zero removes it.
#[derive(Clone)]
pub(crate) struct Change {
    pub(crate) is_bid: bool,
    pub(crate) price: Decimal,
    pub(crate) amount: Decimal,
}

/// Holds the true book. It sends its numbers in one of several spellings.
pub(crate) struct Exchange {
    bids: BTreeMap<Decimal, Decimal>,
    asks: BTreeMap<Decimal, Decimal>,
    pub(crate) sequence: u64,
    /// What the last increment told.
    pub(crate) changes: Vec<Change>,
    middle: i64,
    snapshot_depth: usize,
}

impl Exchange {
    pub(crate) fn new(random: &mut Random, snapshot_depth: usize) -> Self {
        let mut new = Self {
            bids: BTreeMap::new(),
            asks: BTreeMap::new(),
            sequence: 1_000 + random.next() % 1_000,
            changes: Vec::new(),
            middle: 10_000,
            snapshot_depth,
        };
        for _ in 0..60 {
            new.step(random);
        }
        new
    }

    /// Best first.
    pub(crate) fn bids(&self) -> Vec<Level> {
        self.bids.iter().rev().map(|(price, amount)| Level::new(*price, *amount)).collect()
    }

    /// Best first.
    pub(crate) fn asks(&self) -> Vec<Level> {
        self.asks.iter().map(|(price, amount)| Level::new(*price, *amount)).collect()
    }

    /// Restarts the engine: the same orders, sequence 1.
    pub(crate) fn restart(&mut self) {
        self.sequence = 1;
    }

    pub(crate) fn snapshot(&self, random: &mut Random) -> String {
        let side = |random: &mut Random, levels: Vec<Level>| -> String {
            let levels = levels.iter().take(self.snapshot_depth);
            pairs(&levels.map(|l| (spell(random, l.price), spell(random, l.amount))).collect::<Vec<_>>())
        };
        let (asks, bids) = (side(random, self.asks()), side(random, self.bids()));
        format!(r#"{{"btczar.ob-snap":{{"asks":{asks},"bids":{bids},"sequence":{}}}}}"#, self.sequence)
    }

    /// Makes one change, and returns its increment.
    pub(crate) fn step(&mut self, random: &mut Random) -> String {
        self.sequence += 1;
        if random.once_in(20) {
            self.middle += random.below(9) as i64 - 4;
        }
        let reach = if random.once_in(5) { 400 } else { 12 };
        let (down, away) = (random.once_in(2), random.below(reach) as i64);
        let ticks = if down { self.middle - 1 - away } else { self.middle + 1 + away };
        // Some prices are finer than others, so that the scale must follow.
        let price = if random.once_in(9) {
            dec(&format!("{ticks}e-2")) + dec("0.0004")
        } else {
            dec(&format!("{ticks}e-2"))
        };
        let own = if down { &self.bids } else { &self.asks };
        let exists = own.contains_key(&price);
        let amount = if random.once_in(if exists { 2 } else { 8 }) {
            Decimal::ZERO
        } else {
            dec(&format!("{}e-{}", 1 + random.below(1_000), random.below(6)))
        };
        // Levels that would cross the new price were matched, so they are removed.
        let mut changes = Vec::new();
        let crossed: Vec<Decimal> = if amount.is_zero() {
            Vec::new()
        } else if down {
            self.asks.range(..=price).map(|(ask, _)| *ask).collect()
        } else {
            self.bids.range(price..).map(|(bid, _)| *bid).collect()
        };
        for other in crossed {
            changes.push(Change { is_bid: !down, price: other, amount: Decimal::ZERO });
        }
        changes.push(Change { is_bid: down, price, amount });
        for change in &changes {
            let side = if change.is_bid { &mut self.bids } else { &mut self.asks };
            if change.amount.is_zero() {
                side.remove(&change.price)
            } else {
                side.insert(change.price, change.amount)
            };
        }
        let frame = self.tell(random, &changes);
        self.changes = changes;
        frame
    }

    fn tell(&self, random: &mut Random, changes: &[Change]) -> String {
        let mut fields = vec![format!("\"sequence\":{}", self.sequence)];
        for (name, down) in [("asks", false), ("bids", true)] {
            let mut list = Vec::new();
            for Change { price, amount, .. } in changes.iter().filter(|change| change.is_bid == down) {
                let price = quoted(random, *price);
                let amount = match (amount.is_zero(), random.below(5)) {
                    (true, 0) => "null".into(),
                    (true, 1) => "0".into(),
                    (true, 2) => "\"0.0\"".into(),
                    (true, _) => "\"\"".into(),
                    (false, _) => quoted(random, *amount),
                };
                list.push(format!("[{price},{amount}]"));
            }
            match list.as_slice() {
                [] => {}
                [one] if !random.once_in(4) => fields.push(format!("\"{name}\":{one}")),
                _ => fields.push(format!("\"{name}\":[{}]", list.join(","))),
            }
        }
        if random.once_in(2) {
            fields.reverse();
        }
        let space = if random.once_in(10) { " " } else { "" };
        format!("{{\"btczar.ob-inc\":{space}{{{}}}}}", fields.join(","))
    }
}

fn quoted(random: &mut Random, value: Decimal) -> String {
    let text = spell(random, value);
    if random.once_in(10) { text } else { format!("\"{text}\"") }
}

/// A value in one of its spellings.
fn spell(random: &mut Random, value: Decimal) -> String {
    let short = value.normalize();
    match random.below(10) {
        0 => format!("{short}"),
        1 => format!("{}e-{}", short.mantissa(), short.scale()),
        2 if short.scale() > 0 => format!("{short}00"),
        _ if short.scale() == 0 => format!("{short}.0"),
        _ => format!("{short}"),
    }
}

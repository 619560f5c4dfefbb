//! Quotes: the price of a pair, valid for a short time.

use super::{Cabital, command::Command, failure::Pa, terms::Pair};
use crate::base::money;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// How many quotes are kept. Older ones are forgotten; they are expired in any case.
const MOST: usize = 10_000;

/// A quote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Quote {
    pub(super) pair: Pair,
    pub(super) reversed: Decimal,
    /// In seconds.
    pub(super) valid_until: i64,
}

/// Its form on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct View {
    quote: String,
    valid_until: i64,
    quote_id: String,
    valid_interval: i64,
    reversed_quote: String,
}

/// All quotes that are kept.
#[derive(Debug)]
pub(super) struct Quotes {
    /// How long a quote is valid, in seconds.
    pub(super) valid_s: i64,
    by_id: BTreeMap<String, Quote>,
    order: VecDeque<String>,
    /// The id of the newest one of each pair, and its second.
    newest: BTreeMap<String, (i64, String)>,
}

impl Quotes {
    pub(super) fn new(valid_s: i64) -> Self {
        Self { valid_s, by_id: BTreeMap::new(), order: VecDeque::new(), newest: BTreeMap::new() }
    }

    pub(super) fn get(&self, id: &str) -> Option<&Quote> {
        self.by_id.get(id)
    }
}

/// Gives the quote of a pair, in Cabital's own order. In one second all callers get the same one, unless the price was
/// changed.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct MakeQuote {
    /// In either order.
    pub(super) pair: String,
}

impl Command for MakeQuote {
    const NAME: &'static str = "cabital_make_quote";
    type Answer = Result<View, Pa>;

    fn run(self, cabital: &mut Cabital, at_ms: i64) -> Self::Answer {
        let (pair, _) = cabital.terms.pair(&self.pair)?;
        let (pair, name) = (*pair, pair.name());
        let reversed = pair.reversed().ok_or(Pa::WRONG_CONFIGURATION)?;
        let quotes = &mut cabital.quotes;
        let now_s = at_ms.div_euclid(1000);
        let newest = quotes.newest.get(&name).filter(|(second, _)| *second >= now_s).cloned();
        let is_same = |id: &str| quotes.by_id.get(id).is_some_and(|quote| quote.pair == pair);
        let (second, id) = match newest {
            Some((second, id)) if is_same(&id) => (second, id),
            Some((second, _)) => (second + 1, quote_id(second + 1, &name)),
            None => (now_s, quote_id(now_s, &name)),
        };
        let valid_until = second.saturating_add(quotes.valid_s);
        let quote = Quote { pair, reversed, valid_until };
        if quotes.by_id.insert(id.clone(), quote).is_none() {
            quotes.order.push_back(id.clone());
        }
        if quotes.order.len() > MOST
            && let Some(oldest) = quotes.order.pop_front()
        {
            quotes.by_id.remove(&oldest);
        }
        quotes.newest.insert(name, (second, id.clone()));
        Ok(View {
            quote: money::padded(pair.quote, 0),
            valid_until,
            quote_id: id,
            valid_interval: quotes.valid_s,
            reversed_quote: money::padded(reversed, 0),
        })
    }
}

/// `20220217160254:BTC-EUR:Customer`.
fn quote_id(second: i64, pair: &str) -> String {
    let at = jiff::Timestamp::from_second(second).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let at = jiff::tz::Offset::UTC.to_datetime(at);
    let (date, time) = (at.date(), at.time());
    format!(
        "{:04}{:02}{:02}{:02}{:02}{:02}:{pair}:Customer",
        date.year(),
        date.month(),
        date.day(),
        time.hour(),
        time.minute(),
        time.second()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cabital::PairOrder;
    use crate::cabital::terms::SetRate;

    #[test]
    fn a_quote_is_named_by_its_second_and_its_pair() {
        // The documents' sample: valid for 10 s, until 1645113784.
        let mut cabital = Cabital::new(1, 10, PairOrder::default());
        let quote = MakeQuote { pair: "EUR-BTC".to_owned() }.run(&mut cabital, 1_645_113_774_999).unwrap();
        assert_eq!(quote.quote_id, "20220217160254:BTC-EUR:Customer");
        assert_eq!((quote.valid_until, quote.valid_interval), (1_645_113_784, 10));
        let same = MakeQuote { pair: "BTC-EUR".to_owned() }.run(&mut cabital, 1_645_113_774_000).unwrap();
        assert_eq!(same, quote);
        let later = MakeQuote { pair: "BTC-EUR".to_owned() }.run(&mut cabital, 1_645_113_775_000).unwrap();
        assert_eq!(later.quote_id, "20220217160255:BTC-EUR:Customer");
    }

    #[test]
    fn a_new_price_never_changes_a_quote_that_was_given() {
        let mut cabital = Cabital::new(1, 10, PairOrder::default());
        let quote =
            |cabital: &mut Cabital| MakeQuote { pair: "BTC-EUR".to_owned() }.run(cabital, 5_000).unwrap();
        let first = quote(&mut cabital);
        let set = SetRate { pair: "BTC-EUR".to_owned(), quote: Decimal::new(3_711_264, 2) };
        assert!(set.run(&mut cabital, 5_000));
        let second = quote(&mut cabital);
        assert_eq!((second.quote.as_str(), second.reversed_quote.as_str()), ("37112.64", "0.00002721"));
        assert_ne!(first.quote_id, second.quote_id);
        assert_eq!(money::padded(cabital.quotes.get(&first.quote_id).unwrap().pair.quote, 0), first.quote);
        assert_eq!(quote(&mut cabital), second);
    }
}

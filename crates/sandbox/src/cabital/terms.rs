//! Currencies and pairs with their limits, fees and rates. They begin with those of the documents' sample of the
//! configuration ("Partner Configuration").

use super::{Cabital, command::Command, failure::Pa};
use crate::base::{
    id::Code,
    money::{self, exact, exact_option},
};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A kind of transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum TransactionKind {
    /// A transfer from the partner to Cabital.
    Credit,
    /// A transfer from Cabital to the partner.
    Debit,
    /// A conversion of one currency into another.
    Conversion,
}

/// Who pays a fee, and how it is computed. `Debug` and JSON show it as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferFee {
    /// Whether the customer pays it. If not, the partner does, and the customer's amount is not reduced.
    pub customer: bool,
    /// Whether `value` is a percentage of the amount; if not, it is an amount.
    pub percent: bool,
    /// The amount, or the percentage: 0.1 is 0.1 %.
    #[serde(with = "exact")]
    pub value: Decimal,
    /// The smallest fee, if it is a percentage.
    #[serde(default, with = "exact_option")]
    pub min: Option<Decimal>,
    /// The largest fee, if it is a percentage.
    #[serde(default, with = "exact_option")]
    pub max: Option<Decimal>,
}

impl TransferFee {
    /// The fee of an amount, cut to the currency's digits.
    pub(super) fn of(&self, amount: Decimal, precision: u32) -> Option<Decimal> {
        if !self.percent {
            return Some(self.value);
        }
        let fee =
            money::mul(money::mul(amount, self.value)?, Decimal::new(1, 2))?.trunc_with_scale(precision);
        let fee = self.min.map_or(fee, |min| fee.max(min));
        Some(self.max.map_or(fee, |max| fee.min(max)))
    }
}

/// What a kind of transaction allows. `None` means no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limit {
    pub(super) allow: bool,
    pub(super) min: Option<Decimal>,
    pub(super) max: Option<Decimal>,
}

impl Limit {
    /// Refuses an amount outside of the limits.
    pub(super) fn check(&self, amount: Decimal) -> Result<(), Pa> {
        if self.min.is_some_and(|min| amount < min) {
            return Err(Pa::BELOW_MINIMUM);
        }
        if self.max.is_some_and(|max| amount > max) {
            return Err(Pa::ABOVE_MAXIMUM);
        }
        Ok(())
    }
}

/// A currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Currency {
    /// Its name in the ledger, in lower case.
    pub(super) code: Code,
    pub(super) is_crypto: bool,
    /// Digits after the point (the documents' list of display rules).
    pub(super) precision: u32,
    /// How it is paid in and out.
    pub(super) method: &'static str,
    pub(super) credit: Limit,
    pub(super) debit: Limit,
    pub(super) conversion: Limit,
    pub(super) fee: Option<TransferFee>,
    /// The fee without the partner's terms: it is shown only.
    pub(super) original_fee: Decimal,
}

impl Currency {
    pub(super) fn symbol(&self) -> String {
        symbol(self.code)
    }

    pub(super) fn limit(&self, kind: TransactionKind) -> &Limit {
        match kind {
            TransactionKind::Credit => &self.credit,
            TransactionKind::Debit => &self.debit,
            TransactionKind::Conversion => &self.conversion,
        }
    }

    fn limit_mut(&mut self, kind: TransactionKind) -> &mut Limit {
        match kind {
            TransactionKind::Credit => &mut self.credit,
            TransactionKind::Debit => &mut self.debit,
            TransactionKind::Conversion => &mut self.conversion,
        }
    }

    /// An amount above zero with no more digits than the currency has; not above the largest supply.
    pub(super) fn amount(&self, text: &str) -> Option<Decimal> {
        let money::Parsed::Exact(amount) = money::parse(text) else { return None };
        let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let fits = amount > Decimal::ZERO && amount <= money::MAX_SUPPLY;
        (is_plain && fits && money::fraction_digits(amount) <= self.precision).then_some(amount)
    }
}

/// The symbol of a currency on the wire: its code in upper case.
pub(super) fn symbol(code: Code) -> String {
    code.to_ascii_uppercase()
}

/// Two currencies in Cabital's own order, and their prices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) left: Code,
    pub(super) right: Code,
    /// What one of the left currency costs in the right one.
    pub(super) quote: Decimal,
}

/// The difference between both directions, in percent. In the documents' samples it is about 1 %.
const SPREAD: Decimal = Decimal::from_parts(101, 0, 0, false, 2);
/// Digits of a reversed quote.
const REVERSED_DIGITS: u32 = 8;

impl Pair {
    pub(super) fn name(&self) -> String {
        format!("{}-{}", symbol(self.left), symbol(self.right))
    }

    /// What one of the right currency costs in the left one.
    pub(super) fn reversed(&self) -> Option<Decimal> {
        money::div_down(SPREAD, self.quote, REVERSED_DIGITS).filter(|price| !price.is_zero())
    }
}

/// All terms.
#[derive(Debug)]
pub(super) struct Terms {
    pub(super) currencies: Vec<Currency>,
    pub(super) pairs: Vec<Pair>,
    /// Whether a kind is switched off for all currencies.
    pub(super) switched_off: BTreeMap<TransactionKind, bool>,
}

const fn dec(digits: u32, scale: u32) -> Decimal {
    Decimal::from_parts(digits, 0, 0, false, scale)
}

/// The values of a currency in the documents' sample: code, digits, method, smallest and largest debit, smallest and
/// largest conversion, fee and original fee.
type Row = (&'static str, u32, &'static str, (Decimal, u32), (Decimal, u32), Option<Decimal>, Decimal);

const CURRENCIES: [Row; 5] = [
    ("eth", 8, "ERC20", (dec(2, 2), 0), (dec(2, 3), 100), Some(dec(25, 5)), dec(1, 3)),
    ("btc", 8, "BTC", (dec(1, 3), 0), (dec(2, 4), 5), Some(dec(2, 5)), dec(1, 4)),
    ("usdt", 6, "ERC20", (dec(40, 0), 0), (dec(10, 0), 200_000), Some(dec(99, 2)), dec(10, 0)),
    ("eur", 2, "SEPA", (dec(25, 0), 50_000), (dec(10, 0), 200_000), None, dec(25, 1)),
    ("gbp", 2, "FPS", (dec(20, 0), 40_000), (dec(10, 0), 200_000), None, dec(25, 1)),
];

const PAIRS: [(&str, &str, Decimal); 9] = [
    ("btc", "eur", dec(5_661_416, 2)),
    ("eth", "eur", dec(1_854_838_709, 6)),
    ("eur", "usdt", dec(1_085, 3)),
    ("btc", "gbp", dec(4_855_839, 2)),
    ("eth", "gbp", dec(1_590_909_090, 6)),
    ("gbp", "usdt", dec(1_265, 3)),
    ("btc", "eth", dec(30_522_417, 6)),
    ("btc", "usdt", dec(61_426_365, 3)),
    ("eth", "usdt", dec(20_125, 1)),
];

impl Default for Terms {
    fn default() -> Self {
        let currency = |(code, precision, method, debit, conversion, fee, original_fee): &Row| {
            let limit = |(min, max): (Decimal, u32)| Limit {
                allow: true,
                min: Some(min),
                max: (max > 0).then(|| Decimal::from(max)),
            };
            let fixed = |value| TransferFee { customer: true, percent: false, value, min: None, max: None };
            Some(Currency {
                code: Code::new(code)?,
                is_crypto: fee.is_some(),
                precision: *precision,
                method,
                credit: Limit { allow: true, min: None, max: None },
                debit: limit(*debit),
                conversion: limit(*conversion),
                fee: fee.map(fixed),
                original_fee: *original_fee,
            })
        };
        let pair = |(left, right, quote): &(&str, &str, Decimal)| {
            Some(Pair { left: Code::new(left)?, right: Code::new(right)?, quote: *quote })
        };
        Self {
            currencies: CURRENCIES.iter().filter_map(currency).collect(),
            pairs: PAIRS.iter().filter_map(pair).collect(),
            switched_off: BTreeMap::new(),
        }
    }
}

impl Terms {
    /// The currency of a symbol, which is in upper case.
    pub(super) fn currency(&self, symbol: &str) -> Result<&Currency, Pa> {
        let is_it = |currency: &&Currency| currency.symbol() == symbol;
        self.currencies.iter().find(is_it).ok_or(Pa::WRONG_SYMBOL)
    }

    pub(super) fn by_code(&self, code: Code) -> Option<&Currency> {
        self.currencies.iter().find(|currency| currency.code == code)
    }

    /// The pair of two symbols `A-B`, in either order, and whether that is Cabital's own order.
    pub(super) fn pair(&self, name: &str) -> Result<(&Pair, bool), Pa> {
        let (left, right) = name.split_once('-').ok_or(Pa::NO_PAIR)?;
        let (left, right) = (self.currency(left)?.code, self.currency(right)?.code);
        let is_it =
            |pair: &&Pair| [(pair.left, pair.right), (pair.right, pair.left)].contains(&(left, right));
        let pair = self.pairs.iter().find(is_it).ok_or(Pa::NO_PAIR)?;
        Ok((pair, pair.left == left))
    }

    /// Refuses a transaction that is switched off, for all currencies or for this one.
    pub(super) fn is_available(&self, kind: TransactionKind, currency: &Currency) -> Result<(), Pa> {
        if self.switched_off.get(&kind).copied().unwrap_or_default() {
            return Err(Pa::KIND_UNAVAILABLE);
        }
        if currency.limit(kind).allow { Ok(()) } else { Err(Pa::CURRENCY_UNAVAILABLE) }
    }
}

/// Switches a kind of transaction on or off: for all currencies (PA005), or for one (PA006). False if there is no such
/// currency.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SetAvailable {
    pub(crate) kind: TransactionKind,
    pub(crate) symbol: Option<String>,
    pub(crate) allow: bool,
}

impl Command for SetAvailable {
    const NAME: &'static str = "cabital_set_available";
    type Answer = bool;

    fn run(self, cabital: &mut Cabital, _at_ms: i64) -> bool {
        let terms = &mut cabital.terms;
        let Some(symbol) = self.symbol else {
            terms.switched_off.insert(self.kind, !self.allow);
            return true;
        };
        let found = terms.currencies.iter_mut().find(|currency| currency.symbol() == symbol);
        let Some(currency) = found else { return false };
        currency.limit_mut(self.kind).allow = self.allow;
        true
    }
}

/// Sets the fee of debits of a currency; false if there is no such currency.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SetFee {
    pub(crate) symbol: String,
    pub(crate) fee: Option<TransferFee>,
}

impl Command for SetFee {
    const NAME: &'static str = "cabital_set_fee";
    type Answer = bool;

    fn run(self, cabital: &mut Cabital, _at_ms: i64) -> bool {
        let found = cabital.terms.currencies.iter_mut().find(|currency| currency.symbol() == self.symbol);
        let Some(currency) = found else { return false };
        currency.fee = self.fee;
        true
    }
}

/// Sets the price of a pair in Cabital's own order, for new quotes; false if there is no such pair, or the price is not
/// above zero.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SetRate {
    pub(crate) pair: String,
    #[serde(with = "exact")]
    pub(crate) quote: Decimal,
}

impl Command for SetRate {
    const NAME: &'static str = "cabital_set_rate";
    type Answer = bool;

    fn run(self, cabital: &mut Cabital, _at_ms: i64) -> bool {
        let found = cabital.terms.pairs.iter_mut().find(|pair| pair.name() == self.pair);
        let fits = self.quote > Decimal::ZERO && money::fraction_digits(self.quote) <= REVERSED_DIGITS;
        let Some(pair) = found.filter(|_| fits && self.quote <= money::MAX_SUPPLY) else { return false };
        pair.quote = self.quote;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_currencies_and_pairs_are_those_of_the_documents() {
        let terms = Terms::default();
        let digits: Vec<_> = terms.currencies.iter().map(|c| (c.symbol(), c.precision)).collect();
        let wanted = [("ETH", 8), ("BTC", 8), ("USDT", 6), ("EUR", 2), ("GBP", 2)];
        assert_eq!(digits, wanted.map(|(symbol, digits)| (symbol.to_owned(), digits)));
        let names: Vec<_> = terms.pairs.iter().map(Pair::name).collect();
        assert_eq!(names.len(), 9);
        assert!(names.contains(&"EUR-USDT".to_owned()) && !names.contains(&"EUR-GBP".to_owned()));
        assert_eq!(
            terms.pair("USDT-EUR").map(|(pair, own)| (pair.name(), own)),
            Ok(("EUR-USDT".into(), false))
        );
        assert_eq!(terms.pair("EUR-GBP").unwrap_err(), Pa::NO_PAIR);
        assert_eq!(terms.pair("EURUSDT").unwrap_err(), Pa::NO_PAIR);
        assert_eq!(terms.pair("eur-USDT").unwrap_err(), Pa::WRONG_SYMBOL);
    }

    #[test]
    fn a_reversed_quote_has_eight_digits_and_is_worse_than_the_reciprocal() {
        let code = |text| Code::new(text).unwrap();
        // The quote of the documents' sample; theirs is 0.00002724.
        let pair = Pair { left: code("btc"), right: code("eur"), quote: dec(3_711_264, 2) };
        assert_eq!(pair.reversed().unwrap().to_string(), "0.00002721");
        for pair in Terms::default().pairs {
            assert!(money::mul(pair.quote, pair.reversed().unwrap()).unwrap() > Decimal::ONE, "{pair:?}");
        }
    }

    #[test]
    fn an_amount_has_no_more_digits_than_its_currency() {
        let terms = Terms::default();
        let amount = |symbol: &str, text: &str| terms.currency(symbol).unwrap().amount(text).is_some();
        assert!(amount("BTC", "0.00000001") && amount("USDT", "1.000001") && amount("EUR", "10.50"));
        assert!(amount("EUR", "10.500"), "zeros at the end do not count");
        for (symbol, text) in [
            ("BTC", "0.000000001"),
            ("USDT", "1.0000001"),
            ("EUR", "0.001"),
            ("EUR", "0"),
            ("EUR", "-1"),
            ("EUR", "1e2"),
            ("EUR", "+1"),
            ("EUR", " 1"),
            ("EUR", ""),
            ("EUR", "1000000000001"),
        ] {
            assert!(!amount(symbol, text), "{symbol} {text}");
        }
    }

    #[test]
    fn fees_are_fixed_or_a_cut_percentage_between_two_bounds() {
        let fixed = TransferFee { customer: true, percent: false, value: dec(99, 2), min: None, max: None };
        assert_eq!(fixed.of(dec(5, 0), 6), Some(dec(99, 2)));
        let percent = TransferFee { percent: true, value: dec(1, 1), ..fixed };
        assert_eq!(percent.of(dec(123_456, 2), 2), Some(dec(123, 2)));
        let bounded = TransferFee { min: Some(dec(2, 0)), max: Some(dec(3, 0)), ..percent };
        assert_eq!(
            [1_000, 2_500, 9_000].map(|amount| bounded.of(dec(amount, 0), 2)),
            [Some(dec(2, 0)), Some(dec(25, 1)), Some(dec(3, 0))]
        );
    }
}

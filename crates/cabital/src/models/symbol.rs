//! Currencies and pairs of them, and how many digits an amount has.

use capecrypto_models::{
    Arg, Decimal, Malformed,
    param::{Param, Place},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::{borrow::Cow, fmt, str::FromStr, sync::Arc};

/// The decimal places of each currency (documents: "币种金额显示规范列表", the list of display precisions). What is longer is cut
/// off, never rounded.
const PRECISION: [(&str, u32); 5] = [("BTC", 8), ("ETH", 8), ("USDT", 6), ("EUR", 2), ("GBP", 2)];

/// A currency's code in capital letters, such as `BTC`.
///
/// `parse` takes the currencies of the documents: BTC, ETH, USDT, EUR and GBP. For another one that [`Config`](super::Config) lists,
/// use [`listed`](Self::listed).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Symbol(Arc<str>);

fn is_code(text: &str) -> bool {
    (2..=10).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

impl Symbol {
    /// The currencies of the documents.
    pub fn known() -> impl Iterator<Item = Self> {
        PRECISION.iter().map(|(code, _)| Self((*code).into()))
    }

    /// A currency that the documents do not have, and that Cabital lists.
    ///
    /// # Errors
    /// The text is not 2 to 10 capital letters and digits.
    pub fn listed(text: &str) -> Result<Self, Malformed> {
        if is_code(text) {
            return Ok(Self(text.into()));
        }
        let cut: String = text.chars().take(32).flat_map(char::escape_debug).collect();
        Err(Malformed::new(
            format!("'{cut}' is not the code of a currency"),
            "give 2 to 10 capital letters and digits, such as BTC",
        ))
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// How many decimal places an amount of it has; `None` for a currency that the documents do not have.
    ///
    /// ```
    /// use cabital::models::Symbol;
    /// let places = |code: &str| code.parse::<Symbol>().map(|symbol| symbol.decimal_places());
    /// assert_eq!((places("BTC"), places("USDT"), places("EUR")), (Ok(Some(8)), Ok(Some(6)), Ok(Some(2))));
    /// ```
    pub fn decimal_places(&self) -> Option<u32> {
        PRECISION.iter().find(|(code, _)| *code == &*self.0).map(|(_, places)| *places)
    }

    /// The amount without the digits that it does not have: cut off, never rounded.
    #[must_use]
    pub fn truncate(&self, amount: Decimal) -> Decimal {
        self.decimal_places().map_or(amount, |places| amount.trunc_with_scale(places))
    }
}

impl FromStr for Symbol {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let symbol = Self::listed(text)?;
        if symbol.decimal_places().is_some() {
            return Ok(symbol);
        }
        Err(Malformed::new(
            format!("the documents do not know the currency {text}"),
            "give BTC, ETH, USDT, EUR or GBP, or Symbol::listed for one that the partner configuration lists",
        ))
    }
}

impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Symbol({})", self.0)
    }
}

impl PartialEq<str> for Symbol {
    fn eq(&self, other: &str) -> bool {
        &*self.0 == other
    }
}

impl PartialEq<&str> for Symbol {
    fn eq(&self, other: &&str) -> bool {
        &*self.0 == *other
    }
}

impl Serialize for Symbol {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// Any text of 1 to 64 characters, because an answer may have a currency of next year.
impl<'de> Deserialize<'de> for Symbol {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        if (1..=64).contains(&text.len()) {
            return Ok(Self(text.as_ref().into()));
        }
        Err(D::Error::custom("this is not the code of a currency"))
    }
}

impl Param for Symbol {
    fn write(&self, place: &mut dyn Place) {
        place.text(&self.0);
    }
}

impl From<Symbol> for Arg<Symbol> {
    fn from(symbol: Symbol) -> Self {
        Self::good(symbol)
    }
}

impl From<&Symbol> for Arg<Symbol> {
    fn from(symbol: &Symbol) -> Self {
        Self::good(symbol.clone())
    }
}

/// Two currencies, written `BTC-EUR`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Pair {
    left: Symbol,
    right: Symbol,
}

impl Pair {
    /// A pair of two different currencies.
    ///
    /// # Errors
    /// Both are the same.
    pub fn new(left: Symbol, right: Symbol) -> Result<Self, Malformed> {
        if left == right {
            return Err(Malformed::new(
                format!("{left} stands on both sides"),
                "give two currencies, such as BTC-EUR",
            ));
        }
        Ok(Self { left, right })
    }

    /// The left one.
    pub fn left(&self) -> &Symbol {
        &self.left
    }

    /// The right one.
    pub fn right(&self) -> &Symbol {
        &self.right
    }

    /// The same in the other order.
    #[must_use]
    pub fn reversed(&self) -> Self {
        Self { left: self.right.clone(), right: self.left.clone() }
    }

    /// Whether both have the same currencies, in any order.
    pub fn is_same(&self, other: &Self) -> bool {
        *self == *other || *self == other.reversed()
    }

    /// The other currency than this one; `None` if it is not in the pair.
    pub fn other(&self, one: &Symbol) -> Option<&Symbol> {
        match () {
            () if *one == self.left => Some(&self.right),
            () if *one == self.right => Some(&self.left),
            () => None,
        }
    }

    /// Reads a pair of any currencies, as Cabital writes it.
    pub(crate) fn of_listed(text: &str) -> Result<Self, Malformed> {
        let (left, right) = text.split_once('-').ok_or_else(|| {
            Malformed::new("it is not a pair", "give two codes with a hyphen between them, such as BTC-EUR")
        })?;
        Self::new(Symbol::listed(left)?, Symbol::listed(right)?)
    }
}

impl FromStr for Pair {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let Self { left, right } = Self::of_listed(text)?;
        Self::new(left.as_str().parse()?, right.as_str().parse()?)
    }
}

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.left, self.right)
    }
}

impl fmt::Debug for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pair({self})")
    }
}

impl Param for Pair {
    fn write(&self, place: &mut dyn Place) {
        place.text(&self.to_string());
    }
}

impl From<Pair> for Arg<Pair> {
    fn from(pair: Pair) -> Self {
        Self::good(pair)
    }
}

impl From<&Pair> for Arg<Pair> {
    fn from(pair: &Pair) -> Self {
        Self::good(pair.clone())
    }
}

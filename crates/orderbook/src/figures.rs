//! What is calculated from a live book. Nothing is rounded, except where the caller says to how many decimal places.

use crate::{Best, Book, BookSide, NotLive};
use capecrypto_models::{Decimal, dec, decimal};
use std::fmt::{self, Write};

impl Best {
    /// Ask minus bid, in quote currency. `None` if a side is empty, or if no [`Decimal`] holds the value exactly.
    pub fn spread(&self) -> Option<Decimal> {
        decimal::sum(self.ask?.price, -self.bid?.price)
    }

    /// The price in the middle of bid and ask. `None` if a side is empty, or if no [`Decimal`] holds the value exactly.
    pub fn mid(&self) -> Option<Decimal> {
        decimal::product(decimal::sum(self.ask?.price, self.bid?.price)?, dec!(0.5))
    }

    /// The mid price weighted by the amounts of the best levels: (bid × ask's amount + ask × bid's amount) / (both
    /// amounts). It is nearer to the ask when more is bid than asked. Rounded to `places` decimal places, half to even.
    ///
    /// `None` if a side is empty, or if the calculation needs more than 28 digits.
    pub fn microprice(&self, places: u32) -> Option<Decimal> {
        let (bid, ask) = (self.bid?, self.ask?);
        let weighted =
            decimal::sum(decimal::product(bid.price, ask.amount)?, decimal::product(ask.price, bid.amount)?)?;
        decimal::quotient(weighted, decimal::sum(bid.amount, ask.amount)?, places)
    }
}

/// What an order that takes an amount from one side would trade, before fees. [`Book::sweep`] makes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sweep {
    /// Amount that the known levels can fill, in base currency.
    pub amount: Decimal,
    /// What that amount costs or brings: the sum of price × amount, in quote currency.
    pub notional: Decimal,
    /// Price of the last level that is needed; `None` if the side is empty.
    pub worst: Option<Decimal>,
    /// Amount that the known levels cannot fill; zero if they can fill all of it. [`Book::depth`] says whether the exchange
    /// may have more levels.
    pub missing: Decimal,
}

impl Sweep {
    /// The volume-weighted average price, rounded to `places` decimal places, half to even.
    ///
    /// `None` if nothing can be filled, or if the calculation needs more than 28 digits.
    pub fn average_price(&self, places: u32) -> Option<Decimal> {
        decimal::quotient(self.notional, self.amount, places)
    }
}

/// Why a figure cannot be given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FigureError {
    /// The book is not live.
    #[error(transparent)]
    NotLive(#[from] NotLive),
    /// The amount is zero or below.
    #[error("the amount {0} is not above zero; give the amount of the order in base currency")]
    Amount(Decimal),
    /// The exact value has more than 28 digits.
    #[error(
        "the value needs more than 28 digits; ask for a smaller amount, fewer levels or fewer decimal places"
    )]
    TooManyDigits,
}

impl Book {
    /// What an order of this amount, in base currency, would take from that side: a buyer takes asks, a seller takes bids.
    ///
    /// ```
    /// # use capecrypto_orderbook::{Book, BookSide};
    /// # use capecrypto_models::dec;
    /// # let mut book = Book::new("btczar".parse()?);
    /// # let frame = br#"{"btczar.ob-snap":{"asks":[["101","1"],["102","3"]],"bids":[["99","1"]],"sequence":1}}"#;
    /// # let _ = book.apply_frame(frame)?;
    /// # assert!(book.confirmed());
    /// let buy = book.sweep(BookSide::Ask, dec!(2))?; // asks: 1 at 101, 3 at 102
    /// assert_eq!((buy.notional, buy.worst), (dec!(203), Some(dec!(102))));
    /// assert_eq!(buy.average_price(2), Some(dec!(101.50)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`FigureError::NotLive`] instead of old prices; [`FigureError::Amount`] if the amount is not above zero;
    /// [`FigureError::TooManyDigits`] where the exact sum does not fit.
    pub fn sweep(&self, side: BookSide, amount: Decimal) -> Result<Sweep, FigureError> {
        let levels = self.levels(side)?;
        if amount <= Decimal::ZERO {
            return Err(FigureError::Amount(amount));
        }
        let mut sweep =
            Sweep { amount: Decimal::ZERO, notional: Decimal::ZERO, worst: None, missing: amount };
        for level in levels {
            if sweep.missing.is_zero() {
                break;
            }
            sweep.fill(level.price, level.amount.min(sweep.missing)).ok_or(FigureError::TooManyDigits)?;
        }
        Ok(sweep)
    }

    /// The amounts of the best levels of both sides, against each other: (bids − asks) / (bids + asks), from −1 (only
    /// asks) to 1 (only bids). At most `levels` levels a side count. Rounded to `places` decimal places, half to even;
    /// `None` if both sides are empty or `levels` is zero.
    ///
    /// # Errors
    /// [`FigureError::NotLive`] instead of an old figure; [`FigureError::TooManyDigits`] where an exact sum does not fit.
    pub fn imbalance(&self, levels: usize, places: u32) -> Result<Option<Decimal>, FigureError> {
        let sum = |side| {
            let amounts = self.levels(side)?.take(levels).map(|level| level.amount);
            amounts.into_iter().try_fold(Decimal::ZERO, decimal::sum).ok_or(FigureError::TooManyDigits)
        };
        let (bids, asks) = (sum(BookSide::Bid)?, sum(BookSide::Ask)?);
        let all = decimal::sum(bids, asks).ok_or(FigureError::TooManyDigits)?;
        if all.is_zero() {
            return Ok(None);
        }
        let more = decimal::sum(bids, -asks).ok_or(FigureError::TooManyDigits)?;
        decimal::quotient(more, all, places).map(Some).ok_or(FigureError::TooManyDigits)
    }

    /// A number by which two observers can tell whether they have the same book. The exchange sends no such number; this
    /// one is ours. Compare it at the same [sequence](Self::sequence) and with the same `levels` a side, because two
    /// snapshots can be cut at different depths.
    ///
    /// It is the 64-bit FNV-1a hash of this ASCII text: for each bid and then each ask, best first, `price:amount;`, with a
    /// `|` between the sides. Numbers have no exponent and no zeros at the end of a fraction: `840000:0.25;`.
    ///
    /// # Errors
    /// [`NotLive`] instead of an old figure.
    pub fn checksum(&self, levels: usize) -> Result<u64, NotLive> {
        let mut hash = Fnv1a::new();
        for (index, side) in [self.bids()?, self.asks()?].into_iter().enumerate() {
            if index > 0 {
                hash.add(b"|");
            }
            for level in side.take(levels) {
                hash.number(level.price, b":");
                hash.number(level.amount, b";");
            }
        }
        Ok(hash.0)
    }
}

impl Sweep {
    /// Adds a fill; `None` if a sum does not fit.
    fn fill(&mut self, price: Decimal, amount: Decimal) -> Option<()> {
        let notional = decimal::product(price, amount)?;
        *self = Self {
            amount: decimal::sum(self.amount, amount)?,
            notional: decimal::sum(self.notional, notional)?,
            worst: Some(price),
            missing: decimal::sum(self.missing, -amount)?,
        };
        Some(())
    }
}

/// The hash FNV-1a with 64 bits.
struct Fnv1a(u64);

impl Fnv1a {
    fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
        }
    }

    fn number(&mut self, number: Decimal, end: &[u8]) {
        // Adding to a hash never fails.
        let _ = write!(self, "{}", number.normalize());
        self.add(end);
    }
}

impl Write for Fnv1a {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.add(text.as_bytes());
        Ok(())
    }
}

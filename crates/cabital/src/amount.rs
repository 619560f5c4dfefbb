//! Amounts with their currency, checked before they are sent.

use crate::models::Symbol;
use capecrypto_models::{Arg, Decimal, Malformed};

/// An amount of a currency: above zero, and with no more digits than the currency has.
///
/// ```
/// use cabital::Amount;
/// use capecrypto_models::dec;
/// assert!(Amount::new("BTC", dec!(0.00000001)).is_ok());
/// assert!(Amount::new("EUR", dec!(0.001)).is_err());   // euros have two digits
/// assert_eq!(Amount::truncated("EUR", dec!(1.999)).map(|euros| euros.get()), Ok(dec!(1.99)));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Amount {
    symbol: Symbol,
    amount: Decimal,
}

impl Amount {
    /// An amount as it is.
    ///
    /// # Errors
    /// The currency is malformed, the amount is not above zero, or it has more digits than the currency.
    pub fn new(symbol: impl Into<Arg<Symbol>>, amount: Decimal) -> Result<Self, Malformed> {
        let symbol = symbol.into().value().map_err(Clone::clone)?.clone();
        if amount <= Decimal::ZERO {
            return Err(Malformed::new(format!("{amount} is not above zero"), "give a positive amount"));
        }
        if let Some(places) = symbol.decimal_places()
            && amount.normalize().scale() > places
        {
            return Err(Malformed::new(
                format!("{amount} has more than {places} decimal places, and {symbol} has no more"),
                format!("give {}, or another amount with at most {places}", symbol.truncate(amount)),
            ));
        }
        Ok(Self { symbol, amount })
    }

    /// An amount whose further digits are cut off, never rounded.
    ///
    /// # Errors
    /// The currency is malformed, or nothing is left of the amount.
    pub fn truncated(symbol: impl Into<Arg<Symbol>>, amount: Decimal) -> Result<Self, Malformed> {
        let symbol = symbol.into().value().map_err(Clone::clone)?.clone();
        let amount = symbol.truncate(amount);
        Self::new(symbol, amount)
    }

    /// The currency.
    pub fn symbol(&self) -> &Symbol {
        &self.symbol
    }

    /// The amount.
    pub fn get(&self) -> Decimal {
        self.amount
    }
}

impl From<Result<Amount, Malformed>> for AmountArg {
    fn from(amount: Result<Amount, Malformed>) -> Self {
        Self(amount)
    }
}

impl From<Amount> for AmountArg {
    fn from(amount: Amount) -> Self {
        Self(Ok(amount))
    }
}

impl From<&Amount> for AmountArg {
    fn from(amount: &Amount) -> Self {
        Self(Ok(amount.clone()))
    }
}

/// A code and a decimal, such as `("BTC", dec!(0.5))`.
impl From<(&str, Decimal)> for AmountArg {
    fn from((symbol, amount): (&str, Decimal)) -> Self {
        Self(Amount::new(symbol, amount))
    }
}

impl From<(&Symbol, Decimal)> for AmountArg {
    fn from((symbol, amount): (&Symbol, Decimal)) -> Self {
        Self(Amount::new(symbol, amount))
    }
}

/// An [`Amount`] as an argument. A malformed one is refused when the request is sent.
#[derive(Debug, Clone)]
pub struct AmountArg(pub(crate) Result<Amount, Malformed>);

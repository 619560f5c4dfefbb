//! Checks an order against the rules of its market, before it is sent.

use super::{CreateOrder, Positive};
use capecrypto_models::{Decimal, Market, MarketId, MarketState};
use std::fmt;

/// Checks orders against a market's rules. Implemented by [`Market`].
///
/// Nothing calls it by itself, and nothing is rounded by itself: [`Market::round_down`] and [`Market::round_price`] do this
/// if you call them.
pub trait MarketRules {
    /// Compares an order with the market's rules: smallest volume, lowest and highest price, fraction digits, whether the
    /// market is open (documents: "Market"). The volume of a market order is checked too.
    ///
    /// Rules can change: the answer of `ListMarkets` says what they were when it was read.
    ///
    /// # Errors
    /// All violations at once, each with value, limit and remedy.
    fn check(&self, order: &CreateOrder) -> Result<(), Violations>;
}

/// One rule that an order does not meet. `Display` says the value, the limit and the remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Violation {
    /// The order is for another market, so nothing else was compared.
    OtherMarket {
        /// The market of the order; `None` if the order names none that is valid.
        order: Option<MarketId>,
        /// The market whose rules were asked.
        rules: MarketId,
    },
    /// The market cannot be traded now.
    NotOpen {
        /// Its state.
        state: MarketState,
    },
    /// The volume is zero or below.
    VolumeNotPositive {
        /// The order's volume, in base currency.
        volume: Decimal,
    },
    /// The volume is below the market's smallest.
    VolumeTooSmall {
        /// The order's volume, in base currency.
        volume: Decimal,
        /// The market's `min_amount`.
        least: Decimal,
    },
    /// The volume has too many fraction digits.
    VolumeTooPrecise {
        /// The order's volume, in base currency.
        volume: Decimal,
        /// The market's `amount_precision`, in fraction digits.
        most_digits: u32,
    },
    /// The price is zero or below.
    PriceNotPositive {
        /// The order's price, in quote currency.
        price: Decimal,
    },
    /// The price is below the market's lowest.
    PriceTooLow {
        /// The order's price, in quote currency.
        price: Decimal,
        /// The market's `min_price`.
        least: Decimal,
    },
    /// The price is above the market's highest.
    PriceTooHigh {
        /// The order's price, in quote currency.
        price: Decimal,
        /// The market's `max_price`, which is not 0: 0 means that there is no highest price.
        most: Decimal,
    },
    /// The price has too many fraction digits.
    PriceTooPrecise {
        /// The order's price, in quote currency.
        price: Decimal,
        /// The market's `price_precision`, in fraction digits.
        most_digits: u32,
    },
}

/// All rules that an order does not meet, at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violations(Vec<Violation>);

impl Violations {
    /// All of them: first the market, then the volume, then the price.
    pub fn all(&self) -> &[Violation] {
        &self.0
    }
}

impl MarketRules for Market {
    fn check(&self, order: &CreateOrder) -> Result<(), Violations> {
        let market = order.market.value().ok();
        if market != Some(&self.id) {
            let other = Violation::OtherMarket { order: market.cloned(), rules: self.id.clone() };
            return Err(Violations(vec![other]));
        }
        let mut violations = Vec::new();
        if matches!(
            self.state,
            MarketState::Disabled | MarketState::Locked | MarketState::Sale | MarketState::Presale
        ) {
            violations.push(Violation::NotOpen { state: self.state.clone() });
        }
        check_volume(self, order.volume.get(), &mut violations);
        if let Some(price) = order.price.map(Positive::get) {
            check_price(self, price, &mut violations);
        }
        if violations.is_empty() { Ok(()) } else { Err(Violations(violations)) }
    }
}

fn check_volume(market: &Market, volume: Decimal, violations: &mut Vec<Violation>) {
    let (least, most_digits) = (market.min_amount, market.amount_precision);
    if volume <= Decimal::ZERO {
        violations.push(Violation::VolumeNotPositive { volume });
    } else if volume < least {
        violations.push(Violation::VolumeTooSmall { volume, least });
    }
    if fraction_digits(volume) > most_digits {
        violations.push(Violation::VolumeTooPrecise { volume, most_digits });
    }
}

fn check_price(market: &Market, price: Decimal, violations: &mut Vec<Violation>) {
    let (least, most_digits) = (market.min_price, market.price_precision);
    if price <= Decimal::ZERO {
        violations.push(Violation::PriceNotPositive { price });
    } else if price < least {
        violations.push(Violation::PriceTooLow { price, least });
    }
    if let Some(most) = market.price_cap().filter(|most| price > *most) {
        violations.push(Violation::PriceTooHigh { price, most });
    }
    if fraction_digits(price) > most_digits {
        violations.push(Violation::PriceTooPrecise { price, most_digits });
    }
}

/// Zeros at the end do not count: the exchange accepts them.
fn fraction_digits(number: Decimal) -> u32 {
    number.normalize().scale()
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherMarket { order: Some(order), rules } => {
                write!(
                    f,
                    "the order is for {order}, and these are the rules of {rules}; use the rules of {order}"
                )
            }
            Self::OtherMarket { order: None, rules } => {
                write!(f, "the order does not name a valid market; for these rules it has to be {rules}")
            }
            Self::NotOpen { state } => {
                write!(f, "the market's state is {state}, so it takes no orders; wait until it is enabled")
            }
            Self::VolumeNotPositive { volume } => {
                write!(f, "volume {volume} is not above zero; give a positive volume")
            }
            Self::VolumeTooSmall { volume, least } => {
                write!(f, "volume {volume} is below the smallest volume {least}; give at least {least}")
            }
            Self::VolumeTooPrecise { volume, most_digits } => {
                let digits = fraction_digits(*volume);
                write!(
                    f,
                    "volume {volume} has {digits} fraction digits, and the market takes {most_digits}; round it with Market::round_down"
                )
            }
            Self::PriceNotPositive { price } => {
                write!(f, "price {price} is not above zero; give a positive price")
            }
            Self::PriceTooLow { price, least } => {
                write!(f, "price {price} is below the lowest price {least}; give at least {least}")
            }
            Self::PriceTooHigh { price, most } => {
                write!(f, "price {price} is above the highest price {most}; give at most {most}")
            }
            Self::PriceTooPrecise { price, most_digits } => {
                let digits = fraction_digits(*price);
                write!(
                    f,
                    "price {price} has {digits} fraction digits, and the market takes {most_digits}; round it with Market::round_price"
                )
            }
        }
    }
}

/// A single violation is printed in one line, several in a line each.
impl fmt::Display for Violations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [one] = self.0.as_slice() {
            return one.fmt(f);
        }
        write!(f, "the order does not meet {} rules of its market", self.0.len())?;
        self.0.iter().try_for_each(|each| write!(f, "\n    {each}"))
    }
}

impl std::error::Error for Violations {}

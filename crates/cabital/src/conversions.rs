//! Conversions: one currency into another, at the price of a quote (documents: "账户转换货币").

mod submit;

pub use submit::{Converted, UnknownConversion};

use crate::{
    Amount, AmountArg, Convention, PARTNER,
    codes::CODES,
    models::{AccountId, ConversionMade, Pair, Quote, Symbol},
};
use capecrypto_models::{
    Arg, Decimal, Malformed, decimal,
    param::{Fields, Name, Param, Params, Place},
};
use capecrypto_rest::{Checks, endpoints};

endpoints! { PARTNER signed; codes CODES; hints crate::codes::hint; probe capecrypto_probe::Probe;
    POST "/accounts/{account_id}/conversions" CreateConversion -> ConversionMade,
        same_key checked unreviewed("the answer has an id and a status alone");
}

/// What is converted: one amount is given, and the other follows from the quote. It is cut off at the currency's last digit, never
/// rounded.
///
/// The amount's own currency tells the direction:
///
/// ```
/// # let quote = r#"{"quote":"61426.365","reversed_quote":"0.00001627","quote_id":"20210416225049:BTC-USDT:Customer",
/// #     "valid_until":1618613459,"valid_interval":10}"#;
/// # let quote: cabital::models::Quote = serde_json::from_str(quote).unwrap();
/// use cabital::conversions::Conversion;
/// use capecrypto_models::dec;
/// let buy = Conversion::buy(("BTC", dec!(0.001)), &quote);            // 0.001 BTC for USDT
/// assert_eq!(buy.sides()?.sold.get(), dec!(61.426365));
/// let spend = Conversion::sell(("USDT", dec!(61.426365)), &quote);    // BTC for 61.426365 USDT
/// assert_eq!(spend.sides()?.bought.get(), dec!(0.001));
/// # Ok::<(), capecrypto_models::Malformed>(())
/// ```
///
/// The currency whose amount was given decides which limit counts (`major_ccy`).
#[derive(Debug, Clone)]
pub struct Conversion {
    amount: AmountArg,
    buys: bool,
    quote: Quote,
    convention: Convention,
}

/// Both sides of a conversion.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sides {
    /// What the account gets.
    pub bought: Amount,
    /// What the account gives.
    pub sold: Amount,
    /// The currency whose amount was given.
    pub major: Symbol,
    /// The pair as it is sent.
    pub pair: Pair,
    /// The price as it is sent.
    pub price: Decimal,
}

impl Conversion {
    /// Buys this amount, and pays with the other currency of the quote.
    pub fn buy(amount: impl Into<AmountArg>, quote: &Quote) -> Self {
        Self { amount: amount.into(), buys: true, quote: quote.clone(), convention: Convention::default() }
    }

    /// Sells this amount, and gets the other currency of the quote.
    pub fn sell(amount: impl Into<AmountArg>, quote: &Quote) -> Self {
        Self { buys: false, ..Self::buy(amount, quote) }
    }

    /// Orders the pair in another way than the default.
    #[must_use = "the changed conversion is returned"]
    pub fn convention(self, convention: Convention) -> Self {
        Self { convention, ..self }
    }

    /// The quote.
    pub fn quote(&self) -> &Quote {
        &self.quote
    }

    /// Whether the amount that is bought was given.
    pub(crate) fn buys(&self) -> bool {
        self.buys
    }

    /// Both sides, with pair and price as they are sent.
    ///
    /// # Errors
    /// The amount is malformed, its currency is not in the quote, or nothing would be left of the other side.
    pub fn sides(&self) -> Result<Sides, Malformed> {
        let given = self.amount.0.clone()?;
        let own = self.quote.pair().ok_or_else(|| {
            Malformed::new("the id of the quote names no pair", "get a quote with partner::GetQuote")
        })?;
        let other = own.other(given.symbol()).cloned().ok_or_else(|| {
            Malformed::new(
                format!("the quote is for {own}, and the amount is in {}", given.symbol()),
                format!("give an amount in {} or {}, or get another quote", own.left(), own.right()),
            )
        })?;
        let (bought, sold) = if self.buys { (given.symbol(), &other) } else { (&other, given.symbol()) };
        let wanted = Pair::new(bought.clone(), sold.clone())?;
        let (pair, price) = match self.convention {
            Convention::BoughtSold if wanted == own => (wanted, self.quote.quote),
            Convention::BoughtSold => (wanted, self.quote.reversed_quote),
            Convention::Quoted => (own, self.quote.quote),
        };
        // The price is that of the left currency, in the right one.
        let raw = if given.symbol() == pair.left() {
            decimal::product(given.get(), price)
        } else {
            quotient(given.get(), price, &other)
        };
        let raw = raw.ok_or_else(|| {
            Malformed::new(
                "the other side has too many digits, or the price is zero",
                "give an amount with fewer digits",
            )
        })?;
        let computed = Amount::truncated(&other, raw).map_err(|_| {
            Malformed::new(
                format!("nothing is left of the other side, {raw} {other}, when it is cut off"),
                "give a larger amount",
            )
        })?;
        let major = given.symbol().clone();
        let (bought, sold) = if self.buys { (given, computed) } else { (computed, given) };
        Ok(Sides { bought, sold, major, pair, price })
    }
}

/// The quotient, cut off at the last digit of the currency. A division may round up at its 28th digit, so the result is checked.
fn quotient(amount: Decimal, price: Decimal, symbol: &Symbol) -> Option<Decimal> {
    let places = symbol.decimal_places().unwrap_or(8);
    let cut = amount.checked_div(price)?.trunc_with_scale(places);
    let is_too_much = decimal::product(cut, price).is_some_and(|back| back > amount);
    if is_too_much { decimal::sum(cut, -Decimal::new(1, places)) } else { Some(cut) }
}

/// Converts money of an account (documents: "账户转换货币").
///
/// The quote must not have expired by Cabital's clock. After an unknown outcome the request is sent once more with the same nonce, which
/// Cabital takes once. If the outcome stays [`Unknown`](capecrypto_rest::Outcome::Unknown), no documented call tells what became of it:
/// [`submit`](Self::submit) adds the balances before and after.
///
/// ```no_run
/// # async fn example(cabital: cabital::Cabital) -> Result<(), capecrypto_rest::Error> {
/// use cabital::{conversions::{Conversion, Converted, CreateConversion}, partner::GetQuote};
/// use capecrypto_models::dec;
/// let quote = cabital.send(GetQuote::new("BTC-USDT")).await?;
/// let conversion = Conversion::buy(("BTC", dec!(0.001)), &quote);
/// let request = CreateConversion::new("6d92e7b4-715c-4ce3-a028-19f1c8c9fa6c", conversion);
/// match request.submit(&cabital).await {
///     Converted::Made(made) => println!("{}", made.id),
///     Converted::NotDone(error) => println!("nothing was converted: {error}"),
///     Converted::Unknown(unknown) => println!("look at the balances: {unknown:?}"),
///     _ => {}
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "a request does nothing until it is sent"]
pub struct CreateConversion {
    account_id: Arg<AccountId>,
    conversion: Conversion,
}

/// The reason why a conversion cannot be sent.
struct Refused(Malformed);

impl Param for Refused {
    fn write(&self, place: &mut dyn Place) {
        place.refuse(self.0.clone());
    }
}

impl Params for CreateConversion {
    fn write_fields(&self, fields: &mut dyn Fields) {
        fields.field(Name::new("account_id"), &self.account_id);
        let sides = match self.conversion.sides() {
            Ok(sides) => sides,
            Err(reason) => return fields.field(Name::new("amount"), &Refused(reason)),
        };
        fields.field(Name::new("quote_id"), &self.conversion.quote.quote_id);
        fields.field(Name::new("quote"), &sides.price);
        fields.field(Name::new("pair"), &sides.pair);
        fields.field(Name::new("buy_amount"), &sides.bought.get());
        fields.field(Name::new("sell_amount"), &sides.sold.get());
        fields.field(Name::new("major_ccy"), &sides.major);
    }
}

impl CreateConversion {
    /// Converts this in this account.
    pub fn new(account: impl Into<Arg<AccountId>>, conversion: Conversion) -> Self {
        Self { account_id: account.into(), conversion }
    }

    /// What is converted.
    pub fn conversion(&self) -> &Conversion {
        &self.conversion
    }

    fn check_arguments(&self, checks: &mut Checks<'_>) {
        let quote = &self.conversion.quote;
        if checks.now().is_some_and(|now| !quote.is_valid_at(now)) {
            let why = format!("the quote expired at {}", quote.valid_until);
            checks.refuse("quote_id", why, "get a new quote, and send the request before it expires");
        }
    }
}

#[cfg(test)]
mod samples {
    use super::*;
    use crate::accounts::samples::ACCOUNT;
    use capecrypto_models::dec;
    use capecrypto_probe::{PartnerSeed, Samples};

    impl Samples for CreateConversion {
        fn smallest() -> Self {
            let quote = r#"{"quote":"61426.365","reversed_quote":"0.00001627969","quote_id":"20210416225049:BTC-USDT:Customer",
                "valid_until":99999999999,"valid_interval":10}"#;
            let quote: Quote = serde_json::from_str(quote).unwrap();
            Self::new(ACCOUNT, Conversion::buy(("BTC", dec!(0.001)), &quote))
        }
        fn answered_to_partner(seed: &PartnerSeed) -> Vec<Self> {
            let quote: Quote = serde_json::from_str(seed.quote).unwrap();
            vec![
                Self::new(seed.account, Conversion::buy(("BTC", dec!(0.001)), &quote)),
                Self::new(seed.account, Conversion::sell(("BTC", dec!(0.001)), &quote)),
            ]
        }
    }
}

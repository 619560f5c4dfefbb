//! A conversion, with all that can be told about its end.

use super::CreateConversion;
use crate::{
    Cabital,
    accounts::ListBalances,
    models::{Balances, ConversionMade, Symbol},
};
use capecrypto_models::Decimal;
use capecrypto_rest::{Error, Outcome};

/// What became of a conversion.
#[derive(Debug)]
#[non_exhaustive]
pub enum Converted {
    /// Cabital answered. Look at the status: the documents show `SUCCESS` alone.
    Made(ConversionMade),
    /// Nothing was converted: it was not sent, or Cabital refused it.
    NotDone(Error),
    /// It may have been converted. No documented call reads a conversion, so this stays unknown.
    Unknown(Box<UnknownConversion>),
}

/// A conversion that may have been made, and the balances around it.
#[derive(Debug)]
#[non_exhaustive]
pub struct UnknownConversion {
    /// Why it is unknown. Its intent stays open in the log.
    pub error: Error,
    /// The balances before it was sent.
    pub before: Balances,
    /// The balances after it, or why they could not be read.
    pub after: Result<Balances, Error>,
}

impl UnknownConversion {
    /// By how much the balance of a currency has changed. Other transactions of the customer change it too, so this is a hint and no
    /// proof. `None` if one of the two is not known.
    pub fn change(&self, symbol: &Symbol) -> Option<Decimal> {
        let after = self.after.as_ref().ok()?.of(symbol)?;
        after.checked_sub(self.before.of(symbol)?)
    }
}

impl CreateConversion {
    /// Reads the balances and sends the conversion. If its outcome stays unknown, the balances are read again.
    pub async fn submit(&self, cabital: &Cabital) -> Converted {
        // Without the balances before it, an unknown conversion would tell nothing.
        let before = match cabital.send(ListBalances::new(self.account_id.clone())).await {
            Ok(before) => before,
            Err(error) => return Converted::NotDone(error),
        };
        self.submit_after(cabital, before).await
    }

    /// The same after the balances were read.
    pub(crate) async fn submit_after(&self, cabital: &Cabital, before: Balances) -> Converted {
        let error = match cabital.send(self.clone()).await {
            Ok(made) => return Converted::Made(made),
            Err(error) => error,
        };
        if error.outcome() != Outcome::Unknown {
            return Converted::NotDone(error);
        }
        let after = cabital.send(ListBalances::new(self.account_id.clone())).await;
        Converted::Unknown(Box::new(UnknownConversion { error, before, after }))
    }
}

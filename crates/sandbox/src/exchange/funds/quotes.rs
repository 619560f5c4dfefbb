//! Quotes: fees of withdrawals that the exchange keeps to for a while.

use super::Funds;
use crate::{
    base::{
        id::{AccountId, Code},
        money::exact_option,
    },
    exchange::{
        catalogue::Currency,
        command::{Command, Holds, Replayable, replayable},
        desk::Desk,
    },
};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;

/// How long a quote is valid (documents: "Withdraw quote").
const VALID_MS: i64 = 90_000;
/// The sort of uuids for quotes, see `Desk::uuid`.
const UUIDS: u64 = 22;

/// One quote. It can be used once, which is our reading.
#[derive(Debug, Clone)]
pub(crate) struct Quote {
    pub(crate) id: Uuid,
    account: AccountId,
    pub(crate) currency: Code,
    pub(crate) fee: Decimal,
    pub(crate) blockchain: String,
    pub(crate) created_ms: i64,
    pub(crate) expires_ms: i64,
    lightning: bool,
    used: bool,
}

/// Why a quote cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum QuoteRefused {
    /// There is none with that id for this account, currency and network, or it was used.
    Unknown,
    Expired,
}

/// Every quote, and the fees that the next ones name.
#[derive(Debug, Default)]
pub(crate) struct Quotes {
    all: BTreeMap<Uuid, Quote>,
    /// Set by the control door. Without an entry a quote names the currency's own fee.
    fees: BTreeMap<Code, Decimal>,
}

impl Quotes {
    /// The fee that a quote promised, if it is valid for this withdrawal.
    pub(crate) fn fee(
        &self,
        id: &str,
        (account, currency, lightning): (AccountId, Code, bool),
        at_ms: i64,
    ) -> Result<(Uuid, Decimal), QuoteRefused> {
        let quote = Uuid::parse_str(id).ok().and_then(|id| self.all.get(&id));
        let quote = quote.filter(|quote| {
            !quote.used && (quote.account, quote.currency, quote.lightning) == (account, currency, lightning)
        });
        match quote {
            None => Err(QuoteRefused::Unknown),
            Some(quote) if at_ms >= quote.expires_ms => Err(QuoteRefused::Expired),
            Some(quote) => Ok((quote.id, quote.fee)),
        }
    }

    /// Marks a quote as used.
    pub(crate) fn spend(&mut self, id: Uuid) {
        if let Some(quote) = self.all.get_mut(&id) {
            quote.used = true;
        }
    }
}

/// The fee of a withdrawal without a quote.
pub(crate) fn usual_fee(currency: &Currency, lightning: bool) -> Decimal {
    currency.lightning_fee.filter(|_| lightning).unwrap_or(currency.withdraw_fee)
}

/// The commands of this file.
pub(super) fn commands<E: Holds<Funds>>() -> [Replayable<E>; 2] {
    [replayable::<E, MakeQuote>(), replayable::<E, SetQuotedFee>()]
}

/// Makes a quote; `None` if there is no such currency.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct MakeQuote {
    pub(crate) account: AccountId,
    pub(crate) currency: Code,
    pub(crate) lightning: bool,
}

impl Command for MakeQuote {
    const NAME: &'static str = "make_quote";
    type Part = Funds;
    type Answer = Option<Quote>;

    fn run(self, funds: &mut Funds, desk: &mut Desk, at_ms: i64) -> Option<Quote> {
        let Self { account, currency, lightning } = self;
        let known = desk.catalogue.currency(&currency)?;
        let set = funds.quotes.fees.get(&currency).copied();
        let quote = Quote {
            id: desk.uuid(UUIDS, funds.next_id()),
            account,
            currency,
            fee: set.unwrap_or_else(|| usual_fee(&known, lightning)),
            blockchain: if lightning { "lightning".to_owned() } else { known.network().to_owned() },
            created_ms: at_ms,
            expires_ms: at_ms.saturating_add(VALID_MS),
            lightning,
            used: false,
        };
        funds.quotes.all.insert(quote.id, quote.clone());
        Some(quote)
    }
}

/// Sets the fee that the next quotes of a currency name; `None` for the currency's own.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SetQuotedFee {
    pub(crate) currency: Code,
    #[serde(with = "exact_option")]
    pub(crate) fee: Option<Decimal>,
}

impl Command for SetQuotedFee {
    const NAME: &'static str = "set_quoted_fee";
    type Part = Funds;
    type Answer = ();

    fn run(self, funds: &mut Funds, _desk: &mut Desk, _at_ms: i64) {
        match self.fee {
            Some(fee) => funds.quotes.fees.insert(self.currency, fee),
            None => funds.quotes.fees.remove(&self.currency),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::demo;

    #[test]
    fn a_quote_holds_for_90_seconds_for_its_owner_and_once() {
        let (mut funds, mut desk) = (Funds::default(), Desk::new(1));
        desk.catalogue = demo::catalogue().into();
        let [btc, eth] = ["btc", "eth"].map(|code| Code::new(code).unwrap());
        let mine = AccountId(1);
        let fee = Decimal::new(3, 4);
        SetQuotedFee { currency: btc, fee: Some(fee) }.run(&mut funds, &mut desk, 0);
        let make = MakeQuote { account: mine, currency: btc, lightning: false };
        let quote = make.run(&mut funds, &mut desk, 1_000).unwrap();
        SetQuotedFee { currency: btc, fee: None }.run(&mut funds, &mut desk, 2_000);
        let id = quote.id.to_string();
        let ask = |funds: &Funds, what, at_ms| funds.quotes.fee(&id, what, at_ms).map(|(_, fee)| fee);
        assert_eq!(ask(&funds, (mine, btc, false), 90_999), Ok(fee));
        assert_eq!(ask(&funds, (mine, btc, false), 91_000), Err(QuoteRefused::Expired));
        for other in [(AccountId(2), btc, false), (mine, eth, false), (mine, btc, true)] {
            assert_eq!(ask(&funds, other, 1_000), Err(QuoteRefused::Unknown));
        }
        funds.quotes.spend(quote.id);
        assert_eq!(ask(&funds, (mine, btc, false), 1_000), Err(QuoteRefused::Unknown));
        let make = MakeQuote { account: mine, currency: btc, lightning: true };
        let quote = make.run(&mut funds, &mut desk, 1_000).unwrap();
        assert_eq!((quote.fee, quote.blockchain.as_str()), (Decimal::new(1, 8), "lightning"));
    }
}

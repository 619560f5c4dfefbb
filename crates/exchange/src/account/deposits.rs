//! Deposits, and the addresses for them.

use crate::{ACCOUNT, args};
use capecrypto_auth::Environment;
use capecrypto_models::{
    Arg, CurrencyId, Deposit, DepositAddress, DepositId, DepositState, Txid,
    param::{Param, Place},
};
use capecrypto_rest::{Checks, Client, Error, Mismatch, Page, Paged, Paging, endpoints, request};
use std::time::Duration;
use tokio::time::Instant;

endpoints! { ACCOUNT signed; hints crate::hints::hint; probe capecrypto_probe::Probe;
    GET "/account/deposit_address/{currency}" GetDepositAddress -> DepositAddress, reviewed;
    GET "/account/deposits/{id}"              GetDeposit        -> Deposit, checked reviewed;
    GET "/account/deposits"                   ListDeposits      -> Page<Deposit>, paged reviewed;
}

request! {
    /// Reads the address for deposits of a currency (documents: "Deposit address"). The first request makes the exchange
    /// create the address, and its answer has none yet. Ask again after a few seconds, or use
    /// [`until_ready`](Self::until_ready).
    pub struct GetDepositAddress {
        currency: Arg<CurrencyId>,
    }
}

/// The wait before the second question, and the longest wait between two questions.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

impl GetDepositAddress {
    /// The address for this currency, such as `btc`.
    pub fn new(currency: impl Into<Arg<CurrencyId>>) -> Self {
        Self::with(currency.into())
    }

    /// Asks until the exchange has created the address, for at most `within`; the documents say that it takes a few seconds.
    ///
    /// It asks at once, then after 0.5 s, and waits twice as long each time, up to 5 s. It asks once more when `within` is
    /// over; that last question takes at most as long as any call of the client.
    ///
    /// # Errors
    /// [`AddressError::NotReady`] if there is no address when `within` is over; [`AddressError::Call`] if a question fails.
    ///
    /// ```no_run
    /// # async fn example(client: capecrypto_rest::Client) -> Result<(), capecrypto_exchange::account::AddressError> {
    /// use capecrypto_exchange::account::GetDepositAddress;
    /// let address = GetDepositAddress::new("xrp").until_ready(&client, std::time::Duration::from_secs(30)).await?;
    /// println!("{:?}, tag {:?}", address.without_tag(), address.tag());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn until_ready(
        self,
        client: &Client,
        within: Duration,
    ) -> Result<DepositAddress, AddressError> {
        let started = Instant::now();
        let mut wait = FIRST_WAIT;
        let mut asked = 0;
        loop {
            let answer = client.send(self.clone()).await;
            asked += 1;
            match answer {
                Ok(address) if address.is_ready() => return Ok(address),
                Ok(_) => {}
                Err(error) if is_empty(&error) => {}
                Err(error) => return Err(AddressError::Call(error)),
            }
            let left = within.saturating_sub(started.elapsed());
            if left.is_zero() {
                return Err(AddressError::NotReady { asked, waited: started.elapsed() });
            }
            tokio::time::sleep(wait.min(left)).await;
            wait = wait.saturating_mul(2).min(LONGEST_WAIT);
        }
    }

    #[inline]
    fn review_answer(&self, answer: &mut DepositAddress, _: &Environment) -> Result<(), Mismatch> {
        match self.currency.value().map(|currency| answer.is_for(currency)) {
            Ok(Some(false)) => Err(Mismatch { field: "currency" }),
            _ => Ok(()),
        }
    }
}

/// Whether a successful answer has no content: "the result may return empty", as the documents say.
fn is_empty(error: &Error) -> bool {
    error.status().is_some_and(|status| (200..300).contains(&status))
        && error.body().is_some_and(|body| matches!(body.trim_ascii(), b"" | b"null" | b"\"\""))
}

/// Why there is no address for deposits.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// The exchange did not create it in time. It may still do it: ask again later.
    #[error(
        "the exchange has not created the address after {} s, asked {asked} times; ask again later, or check that \
         deposits of this currency are enabled",
        waited.as_secs()
    )]
    NotReady {
        /// How many times it was asked.
        asked: u32,
        /// For how long.
        waited: Duration,
    },
    /// A question failed.
    #[error(transparent)]
    Call(#[from] Error),
}

request! {
    /// Reads one deposit (documents: "Deposit by ID"). The older version has the same call by transaction id (its documents:
    /// "Deposit history by txid").
    pub struct GetDeposit {
        id: Key,
    }
}

/// By what a deposit is found.
#[derive(Debug, Clone)]
enum Key {
    Id(Arg<DepositId>),
    Txid(Arg<Txid>),
}

impl Param for Key {
    fn write(&self, place: &mut dyn Place) {
        match self {
            Self::Id(id) => id.write(place),
            Self::Txid(txid) => txid.write(place),
        }
    }
}

impl GetDeposit {
    /// The deposit with this number. The older version refuses it: use [`by_txid`](Self::by_txid) there.
    pub fn by_id(id: impl Into<Arg<DepositId>>) -> Self {
        Self::with(Key::Id(id.into()))
    }

    /// The deposit with this transaction id; only for the older version. It has 1 to 128 characters out of A-Z, a-z, 0-9, `_`
    /// and `-`, because it is part of the path. On the current version use [`ListDeposits::txid`].
    pub fn by_txid(txid: impl Into<Arg<Txid>>) -> Self {
        Self::with(Key::Txid(txid.into()))
    }

    /// The same path has another meaning in each version, so the wrong key would be answered as not found.
    #[inline]
    fn check_arguments(&self, checks: &mut Checks<'_>) {
        match (&self.id, checks.environment().is_legacy()) {
            (Key::Id(_), true) => checks.refuse(
                "id",
                "the older version finds a deposit by its transaction id only",
                "use GetDeposit::by_txid",
            ),
            (Key::Txid(_), false) => checks.refuse(
                "id",
                "the current version finds a deposit by its number only",
                "use GetDeposit::by_id, or list the deposits with ListDeposits::txid",
            ),
            _ => {}
        }
    }

    #[inline]
    fn review_answer(&self, deposit: &mut Deposit, _: &Environment) -> Result<(), Mismatch> {
        match &self.id {
            Key::Id(id) => Mismatch::check("id", id.value().ok(), Some(&deposit.id)),
            Key::Txid(txid) => same_txid(txid.value().ok(), deposit),
        }
    }
}

/// Compares transaction ids without their case: on some chains both spellings are the same id.
fn same_txid(asked: Option<&Txid>, deposit: &Deposit) -> Result<(), Mismatch> {
    match (asked, &deposit.txid) {
        (Some(asked), Some(txid)) if !asked.as_str().eq_ignore_ascii_case(txid) => {
            Err(Mismatch { field: "txid" })
        }
        _ => Ok(()),
    }
}

request! {
    /// Lists the account's deposits, newest first (documents: "Deposit history").
    #[derive(Default)]
    pub struct ListDeposits {}
    optional {
        /// Only this currency.
        currency: Arg<CurrencyId>,
        /// Only deposits in this state.
        state: DepositState,
        /// Only the deposits of this transaction.
        txid: Arg<Txid>,
    }
    pages Paging<100>, "1 to 100, 100 when left out";
}

impl ListDeposits {
    /// All deposits.
    pub fn new() -> Self {
        Self::with()
    }

    #[inline]
    fn review_answer(&self, page: &mut Page<Deposit>, _: &Environment) -> Result<(), Mismatch> {
        args::only(
            "currency",
            args::given(self.currency.as_ref()),
            page.iter().map(|deposit| Some(&deposit.currency)),
        )?;
        args::only("state", self.state.as_ref(), page.iter().map(|deposit| Some(&deposit.state)))?;
        page.iter().try_for_each(|deposit| same_txid(args::given(self.txid.as_ref()), deposit))
    }
}

impl Paged for ListDeposits {
    type Row = Deposit;
    type Key = DepositId;

    fn key(row: &Deposit) -> DepositId {
        row.id
    }
}

#[cfg(test)]
mod samples {
    use super::*;
    use capecrypto_probe::{Samples, Seed};

    impl Samples for GetDepositAddress {
        fn smallest() -> Self {
            Self::new("btc")
        }
    }

    impl Samples for GetDeposit {
        fn smallest() -> Self {
            Self::by_id(7)
        }
        fn answered(seed: &Seed) -> Self {
            Self::by_id(seed.deposit)
        }
    }

    impl Samples for ListDeposits {
        fn smallest() -> Self {
            Self::new()
        }
        fn fullest() -> Self {
            Self::new().currency("btc").state("accepted").txid("302b0494").limit(100).page(1)
        }
    }
}

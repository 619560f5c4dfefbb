//! Following a withdrawal until it is final.

use super::ListWithdrawals;
use capecrypto_models::{Arg, CurrencyId, Withdrawal, WithdrawalId};
use capecrypto_rest::{Client, Error, Polling};

/// Follows a withdrawal in the account's history until it is final. No stream tells of withdrawals, so it asks again and again.
#[derive(Debug, Clone)]
#[must_use = "nothing is followed until `until_final` is called"]
pub struct FollowWithdrawal {
    id: WithdrawalId,
    currency: Option<CurrencyId>,
}

/// What was seen of a withdrawal.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FollowedWithdrawal {
    /// It is final: paid out ([`is_success`](capecrypto_models::WithdrawalState::is_success)), or it ended otherwise.
    Final(Box<Withdrawal>),
    /// The time is over, and it was not final when it was last seen.
    StillOpen(Box<Withdrawal>),
    /// The time is over, and the history did not have it. That does not say that it does not exist.
    NotSeen,
}

impl FollowWithdrawal {
    /// The withdrawal with this number.
    pub fn new(id: impl Into<WithdrawalId>) -> Self {
        Self { id: id.into(), currency: None }
    }

    /// Sets its currency, so that less of the history is read.
    pub fn currency(self, currency: CurrencyId) -> Self {
        Self { currency: Some(currency), ..self }
    }

    /// Asks until it is final or the time is over, and then once more. Bank transfers and confirmations on a blockchain take minutes to days, so
    /// choose the time accordingly.
    ///
    /// # Errors
    /// As [`Client::poll`].
    pub async fn until_final(&self, client: &Client, polling: Polling) -> Result<FollowedWithdrawal, Error> {
        let look = || async { Ok(self.look(client).await?.filter(|row| row.state.is_final())) };
        let last = match client.poll(polling, look).await? {
            Some(ended) => Some(ended),
            None => self.look(client).await?,
        };
        Ok(match last.map(Box::new) {
            Some(row) if row.state.is_final() => FollowedWithdrawal::Final(row),
            Some(row) => FollowedWithdrawal::StillOpen(row),
            None => FollowedWithdrawal::NotSeen,
        })
    }

    /// Reads the history until the withdrawal is found.
    async fn look(&self, client: &Client) -> Result<Option<Withdrawal>, Error> {
        let list = ListWithdrawals::new().limit(100);
        let list = match &self.currency {
            Some(currency) => list.currency(Arg::good(currency.clone())),
            None => list,
        };
        let mut rows = client.items(list);
        while let Some(row) = rows.try_next().await? {
            if row.id == self.id {
                return Ok(Some(row));
            }
        }
        Ok(None)
    }
}

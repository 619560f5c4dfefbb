//! A transfer, watched until it has ended.

use super::GetTransfer;
use crate::{
    Cabital,
    models::{AccountId, Transfer, TransferId},
};
use capecrypto_models::Arg;
use capecrypto_rest::{Error, Polling};
use std::time::Duration;

/// Reads a transfer again and again until it has ended.
#[derive(Debug, Clone)]
#[must_use = "nothing is read until `until_final` is called"]
pub struct FollowTransfer {
    request: GetTransfer,
    stuck_after: Duration,
}

/// How a transfer was found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FollowedTransfer {
    /// It has ended.
    Final(Box<Transfer>),
    /// It is on its way, for longer than was set: ask Cabital to look into it.
    Stuck(Box<Transfer>),
    /// It is on its way, or in a status that this version does not know, and the time is over.
    Open(Box<Transfer>),
}

impl FollowTransfer {
    /// Watches this transfer. It counts as stuck after an hour; the documents say "not long".
    pub fn new(account: impl Into<Arg<AccountId>>, transfer: impl Into<Arg<TransferId>>) -> Self {
        Self { request: GetTransfer::new(account, transfer), stuck_after: Duration::from_secs(3_600) }
    }

    /// Sets the age from which a transfer on its way counts as stuck.
    pub fn stuck_after(self, age: Duration) -> Self {
        Self { stuck_after: age, ..self }
    }

    /// Reads it until it has ended, is stuck, or the time is over.
    ///
    /// # Errors
    /// As [`Cabital::send`].
    pub async fn until_final(&self, cabital: &Cabital, polling: Polling) -> Result<FollowedTransfer, Error> {
        let read = || async {
            let transfer = cabital.send(self.request.clone()).await?;
            let is_over = transfer.status.is_final() || transfer.is_stuck(cabital.now(), self.stuck_after);
            Ok(is_over.then_some(transfer))
        };
        let transfer = match cabital.partner().poll(polling, read).await? {
            Some(transfer) => transfer,
            None => cabital.send(self.request.clone()).await?,
        };
        let is_stuck = transfer.is_stuck(cabital.now(), self.stuck_after);
        let transfer = Box::new(transfer);
        Ok(match () {
            () if transfer.status.is_final() => FollowedTransfer::Final(transfer),
            () if is_stuck => FollowedTransfer::Stuck(transfer),
            () => FollowedTransfer::Open(transfer),
        })
    }
}

//! A transfer, with all that can be told about its end.

use super::CreateTransfer;
use crate::{
    Amount, Cabital, PartnerCode,
    models::{ExternalId, Reconciliation, TransferMade},
    partner::GetReconciliation,
};
use capecrypto_rest::{Error, Outcome, Polling};
use std::time::Duration;

/// How long a transfer is looked for that must be there if it was made.
const YOUNG: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(500);

/// What became of a transfer.
#[derive(Debug)]
#[non_exhaustive]
pub enum Submitted {
    /// Cabital answered. Look at the status: the transfer may be on its way, or have failed.
    Made(TransferMade),
    /// Its answer was lost, or it was sent before; this is the transfer with its external id.
    Found(Box<Reconciliation>),
    /// This request moved nothing: it was not sent, Cabital refused it, or its id or conversion belongs to another transfer. The error
    /// says what Cabital answered.
    NotDone(Error),
    /// It may have been made, and cannot be found yet. Read it later by its external id, and do not send it with another one.
    Unknown(Error),
}

impl CreateTransfer {
    /// Sends it. If the answer does not tell what became of it, the transfer is read by its external id.
    ///
    /// It is safe to call it again with the same external id: Cabital takes each only once.
    pub async fn submit(&self, cabital: &Cabital) -> Submitted {
        let error = match cabital.send(self.clone()).await {
            Ok(made) => return Submitted::Made(made),
            Err(error) => error,
        };
        let is_repeated = PartnerCode::of(&error) == Some(PartnerCode::RepeatedTransfer);
        if error.outcome() != Outcome::Unknown && !is_repeated {
            return Submitted::NotDone(error);
        }
        let Ok(external_id) = self.external_id.value() else { return Submitted::NotDone(error) };
        let intent = error.intent();
        // After a doubtful first attempt, the transfer may be a moment younger than its refusal.
        let is_young = is_repeated && error.outcome() == Outcome::Unknown;
        let looks = Polling::within(if is_young { YOUNG } else { Duration::ZERO }).pauses(PAUSE, PAUSE);
        let found = cabital.partner().poll(looks, || look_up(cabital, external_id)).await;
        let (submitted, note) = match found {
            Ok(Some(found)) if self.is_this(&found) => {
                (Submitted::Found(Box::new(found)), "found by its external id")
            }
            // The id is taken by another transfer, so that this one cannot have been made.
            Ok(Some(_)) => (Submitted::NotDone(error), "its external id belongs to another transfer"),
            // The id is free, so what was used before is the conversion.
            Ok(None) if is_repeated && self.conversion_id.is_some() => {
                (Submitted::NotDone(error), "its conversion was used before")
            }
            Ok(None) | Err(_) => return Submitted::Unknown(error),
        };
        if let Some(intent) = intent
            && let Err(why) = cabital.intents().close(intent, note).await
        {
            tracing::warn!(%intent, %why, "the end of a transfer could not be noted; its intent stays open");
        }
        submitted
    }

    /// Whether a transfer is the one that this request asks for.
    pub(crate) fn is_this(&self, found: &Reconciliation) -> bool {
        let amount = self.amount.0.as_ref().ok();
        let conversion = self.conversion_id.as_ref().and_then(|id| id.value().ok());
        self.account_id.value().ok() == Some(&found.account_id)
            && amount.map(Amount::symbol) == Some(&found.symbol)
            && amount.map(Amount::get) == Some(found.instructed_amount)
            && found.direction == self.direction
            && conversion == found.conversion_id.as_ref()
    }
}

/// Reads a transfer by its external id; `None` if Cabital does not have it.
pub(crate) async fn look_up(
    cabital: &Cabital,
    external_id: &ExternalId,
) -> Result<Option<Reconciliation>, Error> {
    match cabital.send(GetReconciliation::new(external_id)).await {
        Ok(found) => Ok(Some(found)),
        // Only Cabital's own code says that there is none.
        Err(error) if PartnerCode::of(&error) == Some(PartnerCode::UnknownTransfer) => Ok(None),
        Err(error) => Err(error),
    }
}

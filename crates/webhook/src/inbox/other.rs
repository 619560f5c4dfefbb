//! Events of other senders, which this crate cannot read: only their keys, times and texts count here.

use super::{
    Claim, Claimed, Entry, Failure, Inbox, Kept, Next, Put, Queue, Queued, Store, Taken, Ticket, Work,
};
use crate::EventKey;
use capecrypto_models::Timestamp;

impl<S: Store> Inbox<S> {
    /// Takes a delivery of another sender, after you have verified it: like [`take`](Inbox::take), for an event that this crate does not
    /// know. Make the key with [`EventKey::other`]. `time` is the one that the delivery itself proves, such as a signed one; without it,
    /// the event is never stale and never forgotten.
    ///
    /// # Errors
    /// The store's. Answer 503: then the event comes again.
    pub async fn take_other(
        &self,
        key: &EventKey,
        time: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Taken<'_, S>, S::Error> {
        let stale = self.other_stale(time, now);
        let claim = Claim {
            key,
            reference: None,
            opens: false,
            time,
            now,
            until: now.checked_add(self.lease).unwrap_or(now),
            attempts: self.attempts,
            only_known: stale.is_some(),
        };
        Ok(match self.store.claim(&claim).await? {
            Claimed::Yes { attempt, known } => {
                Taken::Run(self.other_work(Ticket { key: key.clone(), attempt }, known).await?)
            }
            Claimed::Running(until) => Taken::Running(until),
            Claimed::Finished => Taken::Finished,
            Claimed::Dead => Taken::Dead,
            Claimed::Unknown => Taken::Stale(stale.unwrap_or(now)),
        })
    }

    fn other_stale(&self, time: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
        time.filter(|time| now.checked_sub(self.keep).is_some_and(|oldest| *time < oldest))
    }

    async fn other_work(&self, ticket: Ticket, known: Vec<super::Known>) -> Result<Work<'_, S>, S::Error> {
        Ok(Work {
            store: &self.store,
            attempts: self.attempts,
            backoff: self.backoff,
            closes: None,
            ticket,
            known,
            transaction: self.store.begin().await?,
        })
    }
}

impl<S: Queue> Inbox<S> {
    /// Keeps a delivery of another sender for later: like [`put`](Inbox::put). Use an inbox and a store for this sender alone, because
    /// [`next`](Inbox::next) cannot read its events; [`next_other`](Self::next_other) gives them back.
    ///
    /// # Errors
    /// The store's. Answer 503: then the event comes again.
    pub async fn put_other(
        &self,
        key: &EventKey,
        time: Option<Timestamp>,
        json: &str,
        now: Timestamp,
    ) -> Result<Kept, S::Error> {
        let stale = self.other_stale(time, now);
        let entry =
            Entry { key, reference: None, opens: false, time, json, now, only_known: stale.is_some() };
        Ok(match self.store.put(&entry).await? {
            Put::New => Kept::New,
            Put::Known => Kept::Known,
            Put::Unknown => Kept::Stale(stale.unwrap_or(now)),
        })
    }

    /// Gives the event that is due for the longest time as a value that `read` makes of its text, or `None` if none is due. A text that
    /// cannot be read counts as a failed attempt.
    ///
    /// # Errors
    /// The store's.
    pub async fn next_other<T>(
        &self,
        now: Timestamp,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<(T, Work<'_, S>)>, S::Error> {
        let until = now.checked_add(self.lease).unwrap_or(now);
        let next = Next { now, until, attempts: self.attempts };
        while let Some(Queued { ticket, json, known }) = self.store.next(&next).await? {
            if let Some(event) = read(&json) {
                return Ok(Some((event, self.other_work(ticket, known).await?)));
            }
            let again = now.checked_add(self.backoff.longest).unwrap_or(now);
            let reason = "the event cannot be read";
            let failure = Failure { ticket: &ticket, reason, now, attempts: self.attempts, again };
            self.store.fail(&failure).await?;
        }
        Ok(None)
    }
}

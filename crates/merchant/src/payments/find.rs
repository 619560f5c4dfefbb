//! Looking for a payment reference whose creation has an unknown outcome.

use super::ListPaymentReferences;
use crate::forms::OnDeposit;
use capecrypto_models::{Arg, CurrencyId, Decimal, PaymentReference, Timestamp, Uid, decimal};
use capecrypto_rest::{Client, Error, Intent, Page, UnreadableRow};
use std::time::Duration;

/// How long before it was sent a reference may have been made: times on the wire are cut to the second, and the clocks may differ a
/// little.
const BEFORE: Duration = Duration::from_secs(5);
/// How long after it was sent a reference may have been made.
const AFTER: Duration = Duration::from_secs(120);

/// Looks for a payment reference whose creation has an unknown outcome, in the list of references.
///
/// The exchange keeps no key of ours with a reference, so this can only report which references fit: those for the account, the
/// currency and the amount that were made within the time. The rest is compared where both sides have it; see
/// [`PaymentReferenceCandidate`]. Nothing is decided here, and nothing is sent again.
#[derive(Debug, Clone)]
#[must_use = "a search does nothing until `find` is called"]
pub struct FindPaymentReference {
    uid: Uid,
    currency: CurrencyId,
    expected_amount: Option<Decimal>,
    action: Option<OnDeposit>,
    from: Timestamp,
    to: Timestamp,
}

/// A payment reference that may be the one that is looked for: account and currency are the same, and no other amount is named.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PaymentReferenceCandidate {
    /// The payment reference.
    pub reference: PaymentReference,
    /// Whether it has the amount; `None` if the list does not show one. The documents' own sample of the list leaves it out.
    pub same_amount: Option<bool>,
    /// Whether it has the action that was set; `None` if one of the two has none.
    pub same_action: Option<bool>,
    /// Whether the exchange says when it was made. If not, its time was not compared.
    pub has_time: bool,
}

/// The result of a search: what fits, and how much was looked at.
///
/// If there is no candidate, the reference was probably not created. The documents do not promise that a new reference is in the
/// list at once, so search several times. An [unreadable](Self::unreadable) row may be the reference, too.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PaymentReferenceCandidates {
    /// The references that fit, in the order of the list. More than one means that an equal one was made about then. A single one
    /// may be that equal one, and yours was not made: leave out those that you know from elsewhere, such as those of your orders.
    pub candidates: Vec<PaymentReferenceCandidate>,
    /// Start of the time that was compared with `created_at`.
    pub from: Timestamp,
    /// End of that time.
    pub to: Timestamp,
    /// Number of rows of the list that were compared.
    pub rows: u64,
    /// Rows that could not be read.
    pub unreadable: Vec<UnreadableRow>,
}

impl FindPaymentReference {
    /// Looks for a reference for this account, currency and expected amount (`None`: without one) that was sent at this time of the
    /// exchange's clock. It may have been made from 5 seconds before to 2 minutes after; [`window`](Self::window) sets another
    /// time.
    pub fn new(uid: Uid, currency: CurrencyId, expected_amount: Option<Decimal>, sent_at: Timestamp) -> Self {
        let from = sent_at.checked_sub(BEFORE).unwrap_or(sent_at);
        let to = sent_at.checked_add(AFTER).unwrap_or(sent_at);
        Self { uid, currency, expected_amount, action: None, from, to }
    }

    /// Looks for the reference of an open intent, for example after the program was restarted. `None` if the intent is of another
    /// call. Use a client that acts for the same account as the intent ([`Intent::acting_as`]).
    pub fn of_intent(intent: &Intent) -> Option<Self> {
        if intent.call() != "CreatePaymentReference" {
            return None;
        }
        let uid = intent.argument("uid")?.parse().ok()?;
        let currency = intent.argument("currency")?.parse().ok()?;
        let amount = match intent.argument("expected_amount") {
            Some(amount) => Some(decimal::parse(&amount).ok()?),
            None => None,
        };
        Some(Self::new(uid, currency, amount, intent.at()))
    }

    /// Sets the time in which it may have been made, both ends included.
    pub fn window(self, from: Timestamp, to: Timestamp) -> Self {
        Self { from, to, ..self }
    }

    /// Sets the action.
    pub fn deposit_action(self, action: OnDeposit) -> Self {
        Self { action: Some(action), ..self }
    }

    /// Reads the list and reports what fits. It reads page after page, until all references for the account were read, or until a
    /// page that is sorted by time ends before the start of the time.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn find(&self, client: &Client) -> Result<PaymentReferenceCandidates, Error> {
        let list = ListPaymentReferences::new().uid(Arg::good(self.uid.clone())).limit(100);
        let mut pages = client.pages(list);
        let mut found = PaymentReferenceCandidates {
            candidates: Vec::new(),
            from: self.from,
            to: self.to,
            rows: 0,
            unreadable: Vec::new(),
        };
        // The time of the last row, as long as the rows are sorted by time, the newest first.
        let mut last = Some(None);
        while let Some(page) = pages.try_next().await? {
            found.rows += u64::try_from(page.len()).unwrap_or(u64::MAX);
            last = last.and_then(|last| sorted_after(last, &page));
            let is_older = |time: Timestamp| time.as_unix_seconds() < self.from.as_unix_seconds();
            let ended = last.flatten().is_some_and(is_older);
            found.unreadable.extend(page.unreadable);
            found.candidates.extend(page.items.into_iter().filter_map(|row| self.candidate(row)));
            if ended {
                break;
            }
        }
        Ok(found)
    }

    fn candidate(&self, reference: PaymentReference) -> Option<PaymentReferenceCandidate> {
        let is_in_time = |time: Timestamp| {
            (self.from.as_unix_seconds()..=self.to.as_unix_seconds()).contains(&time.as_unix_seconds())
        };
        let same_amount = match (self.expected_amount, reference.expected_amount) {
            (Some(asked), Some(came)) => Some(asked == came),
            (None, Some(_)) => Some(false),
            (_, None) => None,
        };
        let fits = reference.uid == self.uid
            && reference.currency == self.currency
            && same_amount != Some(false)
            && reference.created_at.is_none_or(is_in_time);
        let same_action = match (&self.action, &reference.deposit_action) {
            (Some(asked), Some(came)) => Some(asked.compare(came).is_ok()),
            _ => None,
        };
        let has_time = reference.created_at.is_some();
        fits.then_some(PaymentReferenceCandidate { reference, same_amount, same_action, has_time })
    }
}

/// The time of the page's last row, if each row was made before the one in front of it; `None` if not.
fn sorted_after(mut last: Option<Timestamp>, page: &Page<PaymentReference>) -> Option<Option<Timestamp>> {
    for row in page {
        let made = row.created_at.filter(|made| last.is_none_or(|last| *made <= last))?;
        last = Some(made);
    }
    Some(last)
}

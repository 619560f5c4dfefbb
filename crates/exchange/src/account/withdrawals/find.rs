//! Looking for a withdrawal whose outcome is unknown.

use super::{ListWithdrawals, is_amount};
use capecrypto_models::{Arg, BeneficiaryId, CurrencyId, Decimal, Sensitive, Timestamp, Withdrawal};
use capecrypto_rest::{Client, Error, Page, UnreadableRow};
use std::time::Duration;

/// How long before it was sent a withdrawal may have been made: times on the wire are cut to the second, and the clocks may
/// differ a little.
const BEFORE: Duration = Duration::from_secs(5);
/// How long after it was sent a withdrawal may have been made.
const AFTER: Duration = Duration::from_secs(120);

/// Looks for a withdrawal whose outcome is unknown, in the account's history.
///
/// The exchange keeps no key of ours with a withdrawal, so this can only report which withdrawals fit: those of the currency
/// and the amount that were made within the time. The documents do not say whether the history shows the amount with the fee
/// or without it, so a row fits in both cases. Destination and note are compared too where both sides have them; see
/// [`WithdrawalCandidate`]. Nothing is decided here, and nothing is sent again.
///
/// [`CreateWithdrawal::search`](super::CreateWithdrawal::search) makes one from the request.
#[derive(Debug, Clone)]
#[must_use = "a search does nothing until `find` is called"]
pub struct FindWithdrawal {
    currency: CurrencyId,
    amount: Decimal,
    fee_on_top: bool,
    from: Timestamp,
    to: Timestamp,
    beneficiary: Option<BeneficiaryId>,
    rid: Option<Sensitive<String>>,
    note: Option<Sensitive<String>>,
}

/// A withdrawal that may be the one that is looked for: currency and amount are the same.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WithdrawalCandidate {
    /// The withdrawal.
    pub withdrawal: Withdrawal,
    /// Whether its destination (`rid`) is the address that was set, or the beneficiary's number. `None` if that cannot be told,
    /// for example if the history shows an address, and only the beneficiary's number is known.
    pub same_destination: Option<bool>,
    /// Whether its note is the one that is looked for; `None` if one of the two has none.
    pub same_note: Option<bool>,
    /// Whether the exchange says when it was made. If not, its time was not compared.
    pub has_time: bool,
}

/// The result of a search: what fits, and how much was looked at.
///
/// If there is no candidate, the withdrawal was probably not created. The documents do not promise that a new withdrawal is in
/// the history at once, so search several times. An [unreadable](Self::unreadable) row may be the withdrawal, too.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct WithdrawalCandidates {
    /// The withdrawals that fit, in the order of the history. More than one means that an equal one was made about then.
    pub candidates: Vec<WithdrawalCandidate>,
    /// Start of the time that was compared with `created_at`.
    pub from: Timestamp,
    /// End of that time.
    pub to: Timestamp,
    /// Number of rows of the history that were compared.
    pub rows: u64,
    /// Rows that could not be read.
    pub unreadable: Vec<UnreadableRow>,
}

impl FindWithdrawal {
    /// Looks for a withdrawal of this currency and amount that was sent at this time of the exchange's clock. It may have been
    /// made from 5 seconds before to 2 minutes after; [`window`](Self::window) sets another time.
    pub fn new(currency: CurrencyId, amount: Decimal, sent_at: Timestamp) -> Self {
        let from = sent_at.checked_sub(BEFORE).unwrap_or(sent_at);
        let to = sent_at.checked_add(AFTER).unwrap_or(sent_at);
        Self { currency, amount, fee_on_top: false, from, to, beneficiary: None, rid: None, note: None }
    }

    /// Sets the time in which it may have been made, both ends included.
    pub fn window(self, from: Timestamp, to: Timestamp) -> Self {
        Self { from, to, ..self }
    }

    /// Also accepts a withdrawal whose amount is this one and the fee together, as for a lightning payment.
    pub fn fee_on_top(self) -> Self {
        Self { fee_on_top: true, ..self }
    }

    /// Sets the beneficiary. The history may show its number as the destination (`rid`).
    pub fn beneficiary(self, beneficiary: BeneficiaryId) -> Self {
        Self { beneficiary: Some(beneficiary), ..self }
    }

    /// Sets the destination, which is the beneficiary's address on a blockchain, or the invoice of a lightning payment.
    pub fn rid(self, rid: impl Into<Sensitive<String>>) -> Self {
        Self { rid: Some(rid.into()), ..self }
    }

    /// Sets the note.
    pub fn note(self, note: impl Into<Sensitive<String>>) -> Self {
        Self { note: Some(note.into()), ..self }
    }

    /// Reads the history and reports what fits. It reads page after page, until all withdrawals of the currency were read, or
    /// until a page that is sorted by time ends before the start of the time.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn find(&self, client: &Client) -> Result<WithdrawalCandidates, Error> {
        let list = ListWithdrawals::new().currency(Arg::good(self.currency.clone())).limit(100);
        let mut pages = client.pages(list);
        let mut found = WithdrawalCandidates {
            candidates: Vec::new(),
            from: self.from,
            to: self.to,
            rows: 0,
            unreadable: Vec::new(),
        };
        let mut newest_first = NewestFirst::default();
        while let Some(page) = pages.try_next().await? {
            found.rows += u64::try_from(page.len()).unwrap_or(u64::MAX);
            let ended = newest_first.ends_before(&page, self.from);
            found.unreadable.extend(page.unreadable);
            found.candidates.extend(page.items.into_iter().filter_map(|row| self.candidate(row)));
            if ended {
                break;
            }
        }
        Ok(found)
    }

    fn candidate(&self, withdrawal: Withdrawal) -> Option<WithdrawalCandidate> {
        let is_in_time = |time: Timestamp| {
            (self.from.as_unix_seconds()..=self.to.as_unix_seconds()).contains(&time.as_unix_seconds())
        };
        let fits = withdrawal.currency == self.currency
            && self.is_amount(&withdrawal)
            && withdrawal.created_at.is_none_or(is_in_time);
        fits.then(|| WithdrawalCandidate {
            same_destination: self.same_destination(&withdrawal),
            same_note: same(self.note.as_ref(), withdrawal.note.as_ref()),
            has_time: withdrawal.created_at.is_some(),
            withdrawal,
        })
    }

    fn is_amount(&self, withdrawal: &Withdrawal) -> bool {
        let net = withdrawal.fee.and_then(|fee| withdrawal.amount.checked_sub(fee));
        is_amount(withdrawal, self.amount) || (self.fee_on_top && net == Some(self.amount))
    }

    fn same_destination(&self, withdrawal: &Withdrawal) -> Option<bool> {
        let shown = withdrawal.rid.as_ref()?.expose();
        let number = self.beneficiary.as_ref().map(BeneficiaryId::to_string);
        if number.as_ref() == Some(shown) {
            return Some(true);
        }
        match (&self.rid, number) {
            // An address may be followed by a tag, and be written in another case.
            (Some(rid), _) => Some(same_address(rid.expose(), shown)),
            (None, Some(_)) if shown.bytes().all(|byte| byte.is_ascii_digit()) => Some(false),
            (None, _) => None,
        }
    }
}

fn same_address(one: &str, other: &str) -> bool {
    let bare = |text: &str| text.split_once('?').map_or(text, |(bare, _)| bare).to_owned();
    one == other || bare(one).eq_ignore_ascii_case(&bare(other))
}

fn same(wanted: Option<&Sensitive<String>>, came: Option<&Sensitive<String>>) -> Option<bool> {
    Some(wanted? == came?)
}

/// Whether the rows so far were sorted by time, the newest first.
struct NewestFirst {
    so_far: bool,
    last: Option<Timestamp>,
}

impl Default for NewestFirst {
    fn default() -> Self {
        Self { so_far: true, last: None }
    }
}

impl NewestFirst {
    /// Adds a page, and says whether every later row must have been made before this time.
    fn ends_before(&mut self, page: &Page<Withdrawal>, time: Timestamp) -> bool {
        for row in page {
            let sorted = row.created_at.is_some_and(|made| self.last.is_none_or(|last| made <= last));
            self.so_far &= sorted;
            self.last = row.created_at;
        }
        self.so_far && self.last.is_some_and(|last| last.as_unix_seconds() < time.as_unix_seconds())
    }
}

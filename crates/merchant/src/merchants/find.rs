//! Finding a merchant by its e-mail, for example after a creation whose outcome is unknown.

use super::{CreateMerchant, GetMerchant, ListMerchants};
use crate::find::{FoundByEmail, Wanted};
use capecrypto_models::{Sensitive, Timestamp};
use capecrypto_rest::{Client, Error};

/// Looks for merchants by their e-mail. It walks the whole list. A row that does not tell its e-mail is read on its own with
/// [`GetMerchant`]; if the exchange does not tell it there either, nothing is claimed: see [`FoundByEmail::undecided`].
#[derive(Debug, Clone)]
#[must_use = "a search does nothing until `find` is called"]
pub struct FindMerchant(Wanted);

impl FindMerchant {
    /// Looks for merchants with this e-mail; upper and lower case are the same.
    pub fn by_email(email: impl Into<Sensitive<String>>) -> Self {
        Self(Wanted::new(email.into()))
    }

    /// Does not read rows that tell no e-mail and were created before this time of the exchange's clock. Rows that tell their
    /// e-mail are compared anyway.
    pub fn created_since(self, time: Timestamp) -> Self {
        Self(self.0.created_since(time))
    }

    /// Reads the list and reports what was found.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn find(&self, client: &Client) -> Result<FoundByEmail, Error> {
        self.0.find(client, ListMerchants::new().limit(1_000), GetMerchant::new).await
    }
}

impl CreateMerchant {
    /// Looks for the merchant that this request may have created: after the outcome `Unknown`, before it is sent again.
    ///
    /// # Errors
    /// As [`Client::send`]; kind `InvalidArgument` if this request's e-mail is not valid, so that it was never sent.
    pub async fn find(&self, client: &Client) -> Result<FoundByEmail, Error> {
        match self.search() {
            Some(search) => search.find(client).await,
            None => Err(crate::find::never_sent()),
        }
    }

    /// What to look for if the outcome of this request is unknown: its e-mail, and if the exchange does not tell that of a
    /// merchant, the registration number too. [`created_since`](FindMerchant::created_since) with the time before the request
    /// was sent ([`Client::now`]) makes it faster.
    ///
    /// `None` if the e-mail is not valid, so that the request cannot be sent.
    pub fn search(&self) -> Option<FindMerchant> {
        let email = self.business.email.value().ok()?;
        Some(FindMerchant(Wanted::new(email.as_str().into()).sent(self.business.facts())))
    }
}

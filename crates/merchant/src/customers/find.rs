//! Finding a customer by its e-mail, for example after a creation whose outcome is unknown.

use super::{CreateCustomer, GetCustomer, ListCustomers, Who};
use crate::find::{Facts, FoundByEmail, Wanted};
use capecrypto_models::{Arg, EntityType, Sensitive, Timestamp, Uid};
use capecrypto_rest::{Client, Error};

/// Looks for customers by their e-mail, which the exchange takes once for each merchant.
///
/// It walks the whole list. A row that does not tell its e-mail, as in the documents' example, is read on its own with
/// [`GetCustomer`]; so this can take many requests. [`created_since`](Self::created_since) limits it to new rows. If the exchange does not tell the
/// e-mail there either, nothing is claimed: see [`FoundByEmail::undecided`].
#[derive(Debug, Clone)]
#[must_use = "a search does nothing until `find` is called"]
pub struct FindCustomer {
    wanted: Wanted,
    merchant_uid: Option<Arg<Uid>>,
}

impl FindCustomer {
    /// Looks for customers with this e-mail; upper and lower case are the same.
    pub fn by_email(email: impl Into<Sensitive<String>>) -> Self {
        Self { wanted: Wanted::new(email.into()), merchant_uid: None }
    }

    /// Only among the customers of this merchant. Aggregators alone may set it.
    pub fn merchant_uid(self, merchant_uid: impl Into<Arg<Uid>>) -> Self {
        Self { merchant_uid: Some(merchant_uid.into()), ..self }
    }

    /// Does not read rows that tell no e-mail and were created before this time of the exchange's clock. Rows that tell their
    /// e-mail are compared anyway.
    pub fn created_since(self, time: Timestamp) -> Self {
        Self { wanted: self.wanted.created_since(time), ..self }
    }

    /// Reads the list and reports what was found.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn find(&self, client: &Client) -> Result<FoundByEmail, Error> {
        let list = ListCustomers { merchant_uid: self.merchant_uid.clone(), ..ListCustomers::new() };
        self.wanted.find(client, list.limit(1_000), GetCustomer::new).await
    }
}

impl CreateCustomer {
    /// Looks for the customer that this request may have created: after the outcome `Unknown`, before it is sent again.
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
    /// customer, the day of birth or the registration number too. [`created_since`](FindCustomer::created_since) with the time
    /// before the request was sent ([`Client::now`]) makes it faster.
    ///
    /// `None` if the e-mail is not valid, so that the request cannot be sent.
    pub fn search(&self) -> Option<FindCustomer> {
        let (email, facts) = match &self.who {
            Who::Individual(individual) => {
                let person = individual.person();
                let key = person.born().map(|day| day.to_string().into());
                (&person.email, Facts { entity: EntityType::Individual, key })
            }
            Who::Business(business) => (&business.email, business.facts()),
        };
        let email = email.value().ok()?;
        let wanted = Wanted::new(email.as_str().into()).sent(facts);
        Some(FindCustomer { wanted, merchant_uid: self.merchant_uid.clone() })
    }
}

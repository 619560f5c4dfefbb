//! Looking for customers and merchants by their e-mail, which is the only key that a creation sets.

use capecrypto_models::{Arg, Customer, EntityType, Sensitive, Timestamp, Uid};
use capecrypto_rest::{Client, Endpoint, Error, InvalidArgument, Paged, UnreadableRow};

/// The result of a search by e-mail: what was found, and what could not be decided.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct FoundByEmail {
    /// Those that have the e-mail.
    pub found: Vec<Customer>,
    /// Those whose e-mail the exchange does not tell, neither in the list nor in the answer for the one, and that nothing else
    /// rules out. Each of them may be the one.
    pub undecided: Vec<Customer>,
    /// Rows of the list that could not be read. Each of them may be the one.
    pub unreadable: Vec<UnreadableRow>,
    /// Number of rows that were compared.
    pub rows: u64,
}

impl FoundByEmail {
    /// Whether nobody has the e-mail. `None` if that cannot be decided, because the exchange does not tell the e-mail of some.
    ///
    /// If the answer to a creation was lost a moment ago, the exchange may still be at work: somebody who is not in the list yet
    /// may appear.
    pub fn is_absent(&self) -> Option<bool> {
        match (self.found.is_empty(), self.undecided.is_empty() && self.unreadable.is_empty()) {
            (false, _) => Some(false),
            (true, true) => Some(true),
            (true, false) => None,
        }
    }
}

/// What is known of the customer that is looked for.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    email: Sensitive<String>,
    created_since: Option<Timestamp>,
    /// The facts that a creation sent.
    sent: Option<Facts>,
}

/// Facts that a creation sends and the exchange may tell, each as it is compared.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    pub(crate) entity: EntityType,
    /// The day of birth of a person, or the registration number of a business.
    pub(crate) key: Option<Sensitive<String>>,
}

impl Wanted {
    pub(crate) fn new(email: Sensitive<String>) -> Self {
        Self { email, created_since: None, sent: None }
    }

    pub(crate) fn created_since(self, time: Timestamp) -> Self {
        Self { created_since: Some(time), ..self }
    }

    pub(crate) fn sent(self, facts: Facts) -> Self {
        Self { sent: Some(facts), ..self }
    }

    /// Walks the list, and reads each row on its own that does not tell its e-mail.
    pub(crate) async fn find<L, G>(
        &self,
        client: &Client,
        list: L,
        get: impl Fn(Arg<Uid>) -> G,
    ) -> Result<FoundByEmail, Error>
    where
        L: Paged<Row = Customer> + 'static,
        G: Endpoint<Response = Customer> + 'static,
    {
        let mut rows = client.items(list);
        let mut result =
            FoundByEmail { found: Vec::new(), undecided: Vec::new(), unreadable: Vec::new(), rows: 0 };
        while let Some(row) = rows.try_next().await? {
            result.rows += 1;
            match row.has_email(self.email.expose()) {
                Some(true) => result.found.push(row),
                Some(false) => {}
                None if self.rules_out(&row) => {}
                None => self.read(client, row, &get, &mut result).await?,
            }
        }
        result.unreadable = rows.unreadable().to_vec();
        Ok(result)
    }

    async fn read<G>(
        &self,
        client: &Client,
        row: Customer,
        get: impl Fn(Arg<Uid>) -> G,
        result: &mut FoundByEmail,
    ) -> Result<(), Error>
    where
        G: Endpoint<Response = Customer> + 'static,
    {
        let whole = match client.send(get(row.uid.clone().into())).await {
            Ok(whole) => whole,
            // It was in the list a moment ago, so this does not prove that it is another one.
            Err(error) if error.is_not_found() => row,
            Err(error) => return Err(error),
        };
        match whole.has_email(self.email.expose()) {
            Some(true) => result.found.push(whole),
            Some(false) => {}
            None if self.rules_out(&whole) => {}
            None => result.undecided.push(whole),
        }
        Ok(())
    }

    /// Whether something else than the e-mail proves that it is another one.
    fn rules_out(&self, row: &Customer) -> bool {
        // Times may be cut to the second.
        let earlier = |time: Timestamp| {
            row.created_at.is_some_and(|created| created.as_unix_seconds() < time.as_unix_seconds())
        };
        self.created_since.is_some_and(earlier) || self.sent.as_ref().is_some_and(|sent| sent.contradict(row))
    }
}

/// The error of a search for a request that cannot have been sent.
pub(crate) fn never_sent() -> Error {
    let why = "an argument of it is not valid, so it was never sent";
    InvalidArgument::new("request", why, "send the request: its error names the argument").into()
}

impl Facts {
    fn contradict(&self, row: &Customer) -> bool {
        let other_entity =
            row.entity_type.as_ref().is_some_and(|entity| entity.is_known() && *entity != self.entity);
        let came = match self.entity {
            EntityType::Individual => row.profile.as_ref().and_then(|profile| profile.dob.clone()),
            _ => row
                .business_profile
                .as_ref()
                .and_then(|profile| profile.registration_number.as_deref().map(Sensitive::from)),
        };
        let other_key = match (&self.key, came) {
            (Some(sent), Some(came)) => !self.is_same(sent.expose(), came.expose()),
            _ => false,
        };
        other_entity || other_key
    }

    fn is_same(&self, sent: &str, came: &str) -> bool {
        // A day may come with a time behind it. A number of a register may come with other spaces or case.
        let plain = |text: &str| text.split_whitespace().collect::<String>().to_lowercase();
        match self.entity {
            EntityType::Individual => came.starts_with(sent),
            _ => plain(came) == plain(sent),
        }
    }
}

//! Customers of merchants and aggregators (documents: "Customers Management").
//!
//! A customer is a person ([`Individual`]) or a business ([`Business`]). After its creation its documents are uploaded
//! ([`documents`](crate::documents)); [`GetCustomer`] tells how far the verification is. [`acting_as`] does anything else for a
//! customer.
//!
//! [`acting_as`]: capecrypto_rest::Client::acting_as

mod find;

pub use crate::find::FoundByEmail;
pub use find::FindCustomer;

use crate::{
    PERSONA, PERSONAL,
    forms::{Business, Individual, WebhookSettings},
};
use capecrypto_auth::Environment;
use capecrypto_models::{
    Arg, Customer, EntityType, Text, Uid,
    param::{Fields, Name, Params},
};
use capecrypto_rest::{Checks, Mismatch, Page, Paged, Paging, endpoints, request};

endpoints! { PERSONA signed; hints crate::hints::hint; probe capecrypto_probe::Probe;
    POST "/resource/customers"       CreateCustomer -> Customer, checked secrets(PERSONAL) reviewed;
    GET  "/resource/customers"       ListCustomers  -> Page<Customer>,
        paged secrets(PERSONAL) unreviewed("a row does not tell its merchant");
    GET  "/resource/customers/{uid}" GetCustomer    -> Customer, secrets(PERSONAL) reviewed;
    PUT  "/resource/customers/{uid}" UpdateCustomer -> Customer, checked secrets(PERSONAL) reviewed;
}

/// Creates a customer, a person or a business (documents: "Create Individual Customer", "Create Business Customer").
///
/// The form is checked before it is sent, and everything that is wrong is reported at once, each with its path
/// (`ubos[1].dob`). Values that this version does not know are sent with a warning ([`Reply::warnings`]).
///
/// It is sent at most once. With the outcome `Unknown` the customer may exist or not: [`find`](Self::find) looks for it by its
/// e-mail, which the exchange takes once for each merchant. Your own key, `custom_id`, can be set by [`UpdateCustomer`] only.
///
/// [`Reply::warnings`]: capecrypto_rest::Reply::warnings
#[derive(Debug, Clone)]
#[must_use = "a request does nothing until it is sent"]
pub struct CreateCustomer {
    who: Who,
    merchant_uid: Option<Arg<Uid>>,
    webhook: Option<WebhookSettings>,
}

#[derive(Debug, Clone)]
enum Who {
    Individual(Box<Individual>),
    Business(Box<Business>),
}

impl CreateCustomer {
    /// A person.
    pub fn individual(individual: Individual) -> Self {
        Self { who: Who::Individual(Box::new(individual)), merchant_uid: None, webhook: None }
    }

    /// A business.
    pub fn business(business: Business) -> Self {
        Self { who: Who::Business(Box::new(business)), merchant_uid: None, webhook: None }
    }

    /// The merchant to create the customer for, if an aggregator sends the request; its own customer when left out.
    pub fn merchant_uid(self, merchant_uid: impl Into<Arg<Uid>>) -> Self {
        Self { merchant_uid: Some(merchant_uid.into()), ..self }
    }

    /// Where webhooks about the customer go (documents of 2026-04).
    pub fn webhook(self, webhook: WebhookSettings) -> Self {
        Self { webhook: Some(webhook), ..self }
    }

    fn entity(&self) -> EntityType {
        match self.who {
            Who::Individual(_) => EntityType::Individual,
            Who::Business(_) => EntityType::Business,
        }
    }

    fn check_arguments(&self, checks: &mut Checks<'_>) {
        match &self.who {
            Who::Individual(individual) => individual.check(checks),
            Who::Business(business) => business.check(checks),
        }
    }

    /// Does not compare personal data: a recording leaves them out, and then they would not be those that were sent.
    fn review_answer(&self, answer: &mut Customer, _: &Environment) -> Result<(), Mismatch> {
        Mismatch::check("entity_type", Some(&self.entity()), answer.entity_type.as_ref())
    }
}

impl Params for CreateCustomer {
    fn write_fields(&self, fields: &mut dyn Fields) {
        fields.field(Name::new("entity_type"), &self.entity());
        match &self.who {
            Who::Individual(individual) => individual.write_fields(fields),
            Who::Business(business) => business.write_fields(fields),
        }
        fields.field(Name::new("merchant_uid"), &self.merchant_uid);
        fields.field(Name::new("webhook"), &self.webhook);
    }
}

request! {
    /// Lists customers (documents: "List Customers"). Merchants see their own, aggregators also those of their merchants.
    ///
    /// A row is short: the documents' example has no e-mail. [`GetCustomer`] has the rest.
    #[derive(Default)]
    pub struct ListCustomers {}
    optional {
        /// Only the customers of this merchant. Aggregators alone may set it.
        merchant_uid: Arg<Uid>,
    }
    pages Paging<1_000>, "1 to 1,000; 100 when left out";
}

impl ListCustomers {
    /// All customers.
    pub fn new() -> Self {
        Self::with()
    }
}

impl Paged for ListCustomers {
    type Row = Customer;
    type Key = Uid;

    fn key(row: &Customer) -> Uid {
        row.uid.clone()
    }
}

request! {
    /// Reads one customer, with everything that is known of it (documents: "Get Customer by UID").
    pub struct GetCustomer {
        uid: Arg<Uid>,
    }
}

impl GetCustomer {
    /// The customer with this uid.
    pub fn new(uid: impl Into<Arg<Uid>>) -> Self {
        Self::with(uid.into())
    }

    fn review_answer(&self, answer: &mut Customer, _: &Environment) -> Result<(), Mismatch> {
        Mismatch::check("uid", self.uid.value().ok(), Some(&answer.uid))
    }
}

request! {
    /// Changes your own data about a customer (documents: "Update Customer"). What is left out stays as it is; the data of the
    /// person or the business cannot be changed. It is sent at most once.
    pub struct UpdateCustomer {
        uid: Arg<Uid>,
    }
    optional {
        /// Your own key for the customer: 1 to 255 characters.
        custom_id: String,
        /// Where an external service verifies the customer: 1 to 2,048 characters. It is never shown, because whoever knows such
        /// an address can often use it.
        external_verification_url: Arg<Text<2_048>>,
        /// Where webhooks about the customer go (documents of 2026-04).
        webhook: WebhookSettings,
    }
}

impl UpdateCustomer {
    /// The customer with this uid. Set at least one of the values.
    pub fn new(uid: impl Into<Arg<Uid>>) -> Self {
        Self::with(uid.into())
    }

    fn check_arguments(&self, checks: &mut Checks<'_>) {
        if self.custom_id.is_none() && self.external_verification_url.is_none() && self.webhook.is_none() {
            checks.refuse(
                "custom_id",
                "nothing is to be changed",
                "set custom_id, external_verification_url or webhook",
            );
        }
        if let Some(custom_id) = &self.custom_id
            && let Err(reason) = custom_id.parse::<Text<255>>()
        {
            let (why, remedy) = reason.into_parts();
            checks.refuse("custom_id", why, remedy);
        }
    }

    fn review_answer(&self, answer: &mut Customer, _: &Environment) -> Result<(), Mismatch> {
        Mismatch::check("uid", self.uid.value().ok(), Some(&answer.uid))?;
        Mismatch::check("custom_id", self.custom_id.as_ref(), answer.custom_id.as_ref())
    }
}

#[cfg(test)]
pub(crate) mod samples {
    use super::*;
    use crate::forms::{
        Address, BusinessProfile, Company, Destination, License, OnDeposit, Pep, Person, Ubo,
    };
    use capecrypto_models::dec;
    use capecrypto_probe::{Samples, Seed};

    /// A person who is not from South Africa, so that no identity number is needed.
    fn person(name: &str) -> Person {
        Person {
            first_name: name.into(),
            last_name: "Okonkwo".into(),
            dob: "1990-01-15".into(),
            email: format!("{name}@example.com").into(),
            address: Address {
                street: "7 Marina Road".into(),
                postcode: "101241".into(),
                city: "Lagos".into(),
                country: "NG".into(),
            },
            nationality: "NG".into(),
            occupation: "Software Engineer".into(),
            source_of_funds: "Salary or Wages".into(),
            pep: Pep::none(),
        }
    }

    fn company() -> Company {
        Company {
            company_name: "Baobab Payments Ltd".into(),
            registration_number: "RC-1234567".into(),
            registration_country: "NGA".into(),
            industry: "Financial Services".into(),
            purpose_of_account: "Payments of merchants".into(),
            expected_monthly_volume_usd: dec!(50_000),
        }
    }

    pub(crate) fn smallest_business(name: &str) -> Business {
        Business {
            account_name: "Baobab".into(),
            email: format!("{name}@baobab.example").into(),
            phone_number: "+2348012345678".into(),
            profile: BusinessProfile::new(company()),
            ubos: vec![Ubo::new(person("Ngozi"), "A01234567", 60)],
        }
    }

    pub(crate) fn fullest_business(name: &str) -> Business {
        let profile = BusinessProfile::new(company())
            .jurisdictions_of_operation(["NG", "GH"])
            .website("https://baobab.example")
            .employee_count(25)
            .address("1 Broad Street")
            .city("Ikoyi")
            .postcode("106104")
            .country("NG")
            .license(License::licensed("L-12345", ["NG"]));
        let pep = Pep::by_occupation("Judge until 2020")
            .and_by_relation("Sister of a senator")
            .and_prominent("Bishop");
        let full = Ubo::new(Person { pep, ..person("Chidi") }, "A09876543", dec!(39.5))
            .phone_number("+2348087654321")
            .director(true)
            .authorized_signatory(false);
        Business {
            profile,
            ubos: vec![full, Ubo::new(person("Ngozi"), "A01234567", 60)],
            ..smallest_business(name)
        }
    }

    fn webhook() -> WebhookSettings {
        WebhookSettings::hmac("https://baobab.example/webhooks/7f3c", "a-long-random-secret")
    }

    impl Samples for CreateCustomer {
        const MADE: &[&str] = &["is_pep_occupation", "is_pep_related", "is_pip"];

        fn smallest() -> Self {
            Self::individual(Individual::new(person("amara"), "+2348012345678", "NG"))
        }
        fn fullest() -> Self {
            let pep = Pep::by_occupation("Member of parliament")
                .and_by_relation("Son of a mayor")
                .and_prominent("Editor");
            let person =
                Person { pep, nationality: "ZA".into(), dob: "1980-01-01".into(), ..person("emeka") };
            let individual = Individual::new(person, "+27821234567", "ZA")
                .account_name("Emeka's account")
                .id_number("8001015009087")
                .sa_id_number("8001015009087")
                .doc_type("Passport")
                .doc_number("M12345678")
                .doc_expire("2999-12-31")
                .doc_country("ZA")
                .deposit_action(OnDeposit::convert_and_withdraw("zar", Destination::Beneficiary(456.into())));
            Self::individual(individual).merchant_uid("CCT1234567").webhook(webhook())
        }
        fn alternatives() -> Vec<Self> {
            let business = Self::business(fullest_business("alternative"));
            vec![
                Self::business(smallest_business("small")),
                business.merchant_uid("CCT1234567").webhook(webhook()),
            ]
        }
        fn answered(_: &Seed) -> Self {
            Self::business(fullest_business("answered"))
        }
    }

    impl Samples for ListCustomers {
        fn smallest() -> Self {
            Self::new()
        }
        fn fullest() -> Self {
            Self::new().merchant_uid("CCT1234567").limit(1_000).page(1)
        }
    }

    impl Samples for GetCustomer {
        fn smallest() -> Self {
            Self::new("CCT1234567")
        }
        fn answered(seed: &Seed) -> Self {
            Self::new(seed.business)
        }
    }

    impl Samples for UpdateCustomer {
        const MADE: &[&str] = &["custom_id"];

        fn smallest() -> Self {
            Self::new("CCT1234567").custom_id("CUST-001")
        }
        fn fullest() -> Self {
            Self::smallest().external_verification_url("https://kyc.example/s/8c1f").webhook(webhook())
        }
        fn answered(seed: &Seed) -> Self {
            Self::new(seed.business).custom_id("CUST-001-UPDATED")
        }
    }
}

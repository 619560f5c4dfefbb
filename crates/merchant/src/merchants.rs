//! Merchants of an aggregator (documents: "Merchant Management (Aggregators Only)"). Only aggregators may send these calls.

mod find;

pub use crate::find::FoundByEmail;
pub use find::FindMerchant;

use crate::{
    PERSONA, PERSONAL,
    forms::{Business, WebhookSettings},
};
use capecrypto_auth::Environment;
use capecrypto_models::{
    Arg, Customer, EntityType, Uid,
    param::{Fields, Name, Params},
};
use capecrypto_rest::{Checks, Mismatch, Page, Paged, Paging, endpoints, request};

endpoints! { PERSONA signed; hints crate::hints::hint; probe capecrypto_probe::Probe;
    POST "/resource/merchants"                 CreateMerchant        -> Customer, checked secrets(PERSONAL) reviewed;
    GET  "/resource/merchants"                 ListMerchants         -> Page<Customer>,
        paged secrets(PERSONAL) unreviewed("the list has no filter");
    GET  "/resource/merchants/{uid}"           GetMerchant           -> Customer, secrets(PERSONAL) reviewed;
    GET  "/resource/merchants/{uid}/customers" ListMerchantCustomers -> Page<Customer>,
        paged secrets(PERSONAL) unreviewed("a row does not tell its merchant");
}

/// Creates a merchant (documents of 2026-04: "Create Merchant"). The form is that of a business customer, and is checked in the
/// same way. The answer has the uid of the merchant and of each owner.
///
/// It is sent at most once. With the outcome `Unknown` the merchant may exist or not: [`find`](Self::find) looks for it by its
/// e-mail.
#[derive(Debug, Clone)]
#[must_use = "a request does nothing until it is sent"]
pub struct CreateMerchant {
    business: Box<Business>,
    webhook: Option<WebhookSettings>,
}

impl CreateMerchant {
    /// A merchant that is this business.
    pub fn new(business: Business) -> Self {
        Self { business: Box::new(business), webhook: None }
    }

    /// Where webhooks about the merchant go.
    pub fn webhook(self, webhook: WebhookSettings) -> Self {
        Self { webhook: Some(webhook), ..self }
    }

    fn check_arguments(&self, checks: &mut Checks<'_>) {
        self.business.check(checks);
    }

    fn review_answer(&self, answer: &mut Customer, _: &Environment) -> Result<(), Mismatch> {
        Mismatch::check("entity_type", Some(&EntityType::Business), answer.entity_type.as_ref())
    }
}

impl Params for CreateMerchant {
    fn write_fields(&self, fields: &mut dyn Fields) {
        fields.field(Name::new("entity_type"), &EntityType::Business);
        self.business.write_fields(fields);
        fields.field(Name::new("webhook"), &self.webhook);
    }
}

request! {
    /// Lists the aggregator's merchants (documents: "List Merchants").
    #[derive(Default)]
    pub struct ListMerchants {}
    pages Paging<1_000>, "1 to 1,000; 100 when left out";
}

impl ListMerchants {
    /// All merchants.
    pub fn new() -> Self {
        Self::with()
    }
}

impl Paged for ListMerchants {
    type Row = Customer;
    type Key = Uid;

    fn key(row: &Customer) -> Uid {
        row.uid.clone()
    }
}

request! {
    /// Reads one merchant, with its verification and that of its owners (documents of 2026-04: "Get Merchant").
    pub struct GetMerchant {
        uid: Arg<Uid>,
    }
}

impl GetMerchant {
    /// The merchant with this uid.
    pub fn new(uid: impl Into<Arg<Uid>>) -> Self {
        Self::with(uid.into())
    }

    fn review_answer(&self, answer: &mut Customer, _: &Environment) -> Result<(), Mismatch> {
        Mismatch::check("uid", self.uid.value().ok(), Some(&answer.uid))
    }
}

request! {
    /// Lists the customers of one merchant (documents: "List Merchant's Customers").
    pub struct ListMerchantCustomers {
        uid: Arg<Uid>,
    }
    pages Paging<1_000>, "1 to 1,000; 100 when left out";
}

impl ListMerchantCustomers {
    /// The customers of the merchant with this uid.
    pub fn new(uid: impl Into<Arg<Uid>>) -> Self {
        Self::with(uid.into())
    }
}

impl Paged for ListMerchantCustomers {
    type Row = Customer;
    type Key = Uid;

    fn key(row: &Customer) -> Uid {
        row.uid.clone()
    }
}

#[cfg(test)]
mod samples {
    use super::*;
    use crate::customers::samples::{fullest_business, smallest_business};
    use capecrypto_probe::{Samples, Seed};

    impl Samples for CreateMerchant {
        fn smallest() -> Self {
            Self::new(smallest_business("merchant-small"))
        }
        fn fullest() -> Self {
            let webhook =
                WebhookSettings::plain_text("https://baobab.example/webhooks/81ad", "a-long-random-secret");
            Self::new(fullest_business("merchant-full")).webhook(webhook)
        }
        fn answered(_: &Seed) -> Self {
            Self::new(fullest_business("merchant-answered"))
        }
    }

    impl Samples for ListMerchants {
        fn smallest() -> Self {
            Self::new()
        }
        fn fullest() -> Self {
            Self::new().limit(1_000).page(1)
        }
    }

    impl Samples for GetMerchant {
        fn smallest() -> Self {
            Self::new("CCT7654321")
        }
        fn answered(seed: &Seed) -> Self {
            Self::new(seed.merchant)
        }
    }

    impl Samples for ListMerchantCustomers {
        fn smallest() -> Self {
            Self::new("CCT7654321")
        }
        fn fullest() -> Self {
            Self::smallest().limit(1_000).page(1)
        }
        fn answered(seed: &Seed) -> Self {
            Self::new(seed.merchant)
        }
    }
}

#![doc = include_str!("../README.md")]

use capecrypto_auth::Service;

/// Documents for the verification of persons and businesses.
pub const VERIFICATION: Service = Service::new("verification", "/api/v2/verification");

/// The account: payment references.
pub const ACCOUNT: Service = Service::new("account", "/api/v2/atlas").older("/api/v2/trade");

/// The persona service: sub-accounts, customers, merchants and the account's webhook.
pub const PERSONA: Service = Service::new("persona", "/api/v2/persona");

/// Names of personal data of customers and merchants: recordings and intents leave out their values.
const PERSONAL: &str = "email phone_number account_name first_name last_name dob address postcode city country nationality \
    country_of_residence id_number sa_id_number occupation source_of_funds doc_number doc_country pep_occupation_data \
    pep_related_data pip_data external_verification_url number description tax_id url secret";

pub mod account_webhook;
pub mod customers;
pub mod documents;
mod find;
pub mod forms;
mod hints;
pub mod lists;
pub mod merchants;
pub mod payments;
pub mod requirements;
pub mod sub_accounts;

/// The sections, as the specification names them: the tests leave out a section that is not named here.
#[cfg(test)]
const SECTIONS: [capecrypto_probe::Section; 6] = [
    ("account_webhook", account_webhook::probe),
    ("customers", customers::probe),
    ("documents", documents::probe),
    ("merchants", merchants::probe),
    ("payments", payments::probe),
    ("sub_accounts", sub_accounts::probe),
];

#[cfg(test)]
mod tests;

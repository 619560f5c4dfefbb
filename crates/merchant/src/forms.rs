//! Values that several calls send. Their constructors take what belongs together, so that half of it cannot be sent.

mod amount;
mod business;
mod contact;
mod country;
mod deposit_action;
pub(crate) mod identity;
mod individual;
mod json_text;
mod person;
mod ubo;
mod webhook_settings;

pub use amount::Amount;
pub use business::{Business, BusinessProfile, Company, License};
pub use contact::{Email, PhoneNumber};
pub use country::Country;
pub use deposit_action::{Destination, OnDeposit, Percent};
pub use individual::Individual;
pub use json_text::JsonText;
pub use person::{Address, BirthDate, Pep, Person};
pub use ubo::Ubo;
pub use webhook_settings::WebhookSettings;

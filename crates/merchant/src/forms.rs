//! Values that several calls send. Their constructors take what belongs together, so that half of it cannot be sent.

mod deposit_action;
mod webhook_settings;

pub use deposit_action::{Destination, OnDeposit, Percent};
pub use webhook_settings::WebhookSettings;

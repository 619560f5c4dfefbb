//! Beneficiaries as the exchange's web pages make them, and the pins that it sends by e-mail.

use super::{
    control::{Control, ControlError, unreadable},
    operation::Operation,
};
use crate::{
    base::id::Code,
    exchange::funds::beneficiaries::{AddBeneficiary, Start},
};
use serde::Deserialize;
use serde_json::json;

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        library: "add_beneficiary",
        method: "POST",
        path: "beneficiaries",
        about: r#"`{"account"}`: adds an active beneficiary for btc with a made-up address; answers with its number"#,
        run: |control, input| {
            let id = control.add_beneficiary(&input.read::<Owner>()?.account)?;
            Ok(json!({ "id": id }))
        },
    },
    Operation {
        library: "add_pending_beneficiary",
        method: "POST",
        path: "beneficiaries/pending",
        about: r#"`{"account","pin"}`: the same, `pending` until it is activated with this pin, as the web pages of the exchange make it"#,
        run: |control, input| {
            let NewPending { account, pin } = input.read()?;
            Ok(json!({ "id": control.add_pending_beneficiary(&account, &pin)? }))
        },
    },
    Operation {
        library: "beneficiary_pin",
        method: "GET",
        path: "beneficiaries/{id}/pin",
        about: "the pin of a pending beneficiary, which the exchange sends by e-mail",
        run: |control, input| {
            let id = input.segment.parse().map_err(|_| unreadable())?;
            Ok(json!({ "pin": control.beneficiary_pin(id)? }))
        },
    },
];

#[derive(Deserialize)]
struct Owner {
    account: String,
}

#[derive(Deserialize)]
struct NewPending {
    account: String,
    pin: String,
}

impl Control {
    /// Adds an active beneficiary for btc with a made-up address to an account, and returns its number.
    ///
    /// # Errors
    /// An unknown account, or an exchange without btc.
    pub fn add_beneficiary(&self, account: &str) -> Result<u64, ControlError> {
        self.made_up_beneficiary(account, Start::Active)
    }

    /// The same, but `pending` until it is activated with this pin, as a beneficiary is that was made on the web pages.
    ///
    /// # Errors
    /// An unknown account, an exchange without btc, or a pin that is not 1 to 20 digits.
    pub fn add_pending_beneficiary(&self, account: &str, pin: &str) -> Result<u64, ControlError> {
        if !(1..=20).contains(&pin.len()) || !pin.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(ControlError::InvalidPin);
        }
        self.made_up_beneficiary(account, Start::Pending(Some(pin.to_owned())))
    }

    /// The pin of a pending beneficiary, which the exchange sends by e-mail.
    ///
    /// # Errors
    /// No beneficiary of that number is pending.
    pub fn beneficiary_pin(&self, id: u64) -> Result<String, ControlError> {
        let pin = self.host.read(|exchange| exchange.funds().beneficiaries.pin(id).map(str::to_owned));
        pin.ok_or(ControlError::UnknownBeneficiary)
    }

    fn made_up_beneficiary(&self, account: &str, start: Start) -> Result<u64, ControlError> {
        let account = self.account(account)?;
        let currency = Code::new("btc").and_then(|code| self.host.catalogue.currency(&code));
        let currency = currency.ok_or(ControlError::UnknownCurrency)?.id;
        Ok(self.host.command(AddBeneficiary { account, currency, start }))
    }
}

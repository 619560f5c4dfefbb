//! The lightning node outside.

use super::{
    control::{Control, ControlError},
    operation::{Operation, done},
};
use crate::exchange::funds::lightning::{FailOutside, MakeOutsideInvoice, PayFromOutside};
use serde::Deserialize;
use serde_json::json;

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        library: "outside_invoice",
        method: "POST",
        path: "lightning/invoices",
        about: r#"`{"amount_sats","description"}`: makes an invoice of a node outside, valid for an hour; without an amount the payer chooses it; answers with `bolt`"#,
        run: |control, input| {
            let NewInvoice { amount_sats, description } = input.read()?;
            let bolt = control.outside_invoice(amount_sats, &description.unwrap_or_default())?;
            Ok(json!({ "bolt": bolt }))
        },
    },
    Operation {
        library: "pay_invoice",
        method: "POST",
        path: "lightning/pay",
        about: r#"`{"bolt"}`: the node outside pays an account's invoice; answers with the number of the deposit"#,
        run: |control, input| Ok(json!({ "id": control.pay_invoice(&input.read::<Bolt>()?.bolt)? })),
    },
    Operation {
        library: "fail_lightning",
        method: "POST",
        path: "lightning",
        about: r#"`{"fail"}`: whether payments to the outside fail from now on"#,
        run: |control, input| {
            control.fail_lightning(input.read::<Fail>()?.fail);
            done()
        },
    },
];

#[derive(Deserialize)]
struct NewInvoice {
    amount_sats: Option<u64>,
    description: Option<String>,
}

#[derive(Deserialize)]
struct Bolt {
    bolt: String,
}

#[derive(Deserialize)]
struct Fail {
    fail: bool,
}

impl Control {
    /// Makes an invoice of a node outside, valid for an hour, and returns its text. Without an amount the payer chooses it.
    ///
    /// # Errors
    /// [`ControlError::InvalidInvoice`] if the description has more than 639 bytes, or the amount is zero or too large.
    pub fn outside_invoice(
        &self,
        amount_sats: Option<u64>,
        description: &str,
    ) -> Result<String, ControlError> {
        if amount_sats == Some(0) {
            return Err(ControlError::InvalidInvoice);
        }
        let command = MakeOutsideInvoice { sats: amount_sats, description: description.to_owned() };
        self.host.command(command).ok_or(ControlError::InvalidInvoice)
    }

    /// Lets the node outside pay an account's invoice. Returns the number of the deposit.
    ///
    /// # Errors
    /// [`ControlError::InvalidInvoice`] if no account has the invoice, or it is expired or paid.
    pub fn pay_invoice(&self, bolt: &str) -> Result<u64, ControlError> {
        let command = PayFromOutside { bolt: bolt.to_owned() };
        self.host.command(command).map_err(|_| ControlError::InvalidInvoice)
    }

    /// Sets whether payments to the outside fail from now on. Those that are on their way are not changed.
    pub fn fail_lightning(&self, fail: bool) {
        self.host.command(FailOutside(fail));
    }
}

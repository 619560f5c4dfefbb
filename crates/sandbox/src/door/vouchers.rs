//! Vouchers.

use super::{
    control::{Control, ControlError},
    operation::{Operation, done},
};
use crate::{
    base::money::{self, exact},
    exchange::funds::vouchers::{CURRENCY, IssueVoucher, LIFETIME_MS},
};
use rust_decimal::Decimal;
use serde::Deserialize;

pub(super) const OPERATIONS: &[Operation] = &[Operation {
    library: "issue_voucher, issue_voucher_for",
    method: "POST",
    path: "vouchers",
    about: r#"`{"pin","amount"}`: a voucher of that many zar; with `"lifetime_ms"` it expires that much later, else after three years. The payment method 7 redeems it"#,
    run: |control, input| {
        let NewVoucher { pin, amount, lifetime_ms } = input.read()?;
        control.issue_voucher_for(&pin, amount, lifetime_ms.unwrap_or(LIFETIME_MS))?;
        done()
    },
}];

#[derive(Deserialize)]
struct NewVoucher {
    pin: String,
    #[serde(with = "exact")]
    amount: Decimal,
    lifetime_ms: Option<i64>,
}

impl Control {
    /// Issues a voucher of that many zar, which can be redeemed for three years.
    ///
    /// # Errors
    /// As [`issue_voucher_for`](Self::issue_voucher_for).
    pub fn issue_voucher(&self, pin: &str, amount: Decimal) -> Result<(), ControlError> {
        self.issue_voucher_for(pin, amount, LIFETIME_MS)
    }

    /// Issues a voucher that expires `lifetime_ms` milliseconds later, on the exchange's clock.
    ///
    /// # Errors
    /// The exchange has no zar; the amount is not above zero or has more digits than zar; the pin is empty
    /// ([`ControlError::Invalid`]), or another voucher has it ([`ControlError::Taken`]).
    pub fn issue_voucher_for(
        &self,
        pin: &str,
        amount: Decimal,
        lifetime_ms: i64,
    ) -> Result<(), ControlError> {
        let currency = self.host.catalogue.currency(CURRENCY).ok_or(ControlError::UnknownCurrency)?;
        if amount <= Decimal::ZERO || money::fraction_digits(amount) > currency.precision {
            return Err(ControlError::InvalidAmount);
        }
        if pin.is_empty() {
            return Err(ControlError::Invalid);
        }
        let is_new = self.host.command(IssueVoucher { pin: pin.to_owned(), amount, lifetime_ms });
        if is_new { Ok(()) } else { Err(ControlError::Taken) }
    }
}

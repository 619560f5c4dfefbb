//! What a whole invoice says, once its checksum and its signature are checked.

use super::Bolt11;
use crate::{Malformed, Sensitive, Timestamp};
use lightning_invoice::{Bolt11Invoice, Bolt11InvoiceDescriptionRef, ParseOrSemanticError};
use std::{fmt, time::Duration};

/// What an invoice says, after its checksum and its signature were checked: see [`Bolt11::verify`].
///
/// `Debug` shows the times only.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct VerifiedInvoice {
    /// The payment's hash, as 64 hexadecimal digits. Whoever was paid can show the number that it was made from.
    pub payment_hash: String,
    /// The node that is paid: its public key, as 66 hexadecimal digits.
    pub payee: String,
    /// What the invoice is for; `None` if it has only a hash of a longer text.
    pub description: Option<Sensitive<String>>,
    /// When it was made, to the second.
    pub created_at: Timestamp,
    /// The last moment at which it can be paid, to the second.
    pub expires_at: Timestamp,
}

impl VerifiedInvoice {
    /// Whether it can no longer be paid at this time.
    pub fn is_expired(&self, at: Timestamp) -> bool {
        at > self.expires_at
    }
}

impl fmt::Debug for VerifiedInvoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedInvoice")
            .field("created_at", &self.created_at)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

impl Bolt11 {
    /// Checks the checksum and the signature, and reads the rest of the invoice.
    ///
    /// # Errors
    /// [`Malformed`] if a character was changed, the signature is not the payee's, or a part that BOLT 11 requires is
    /// missing. The text is not quoted.
    pub fn verify(&self) -> Result<VerifiedInvoice, Malformed> {
        const REMEDY: &str = "ask the payee for the invoice again, and do not pay this one";
        let invoice: Bolt11Invoice = self.as_str().parse().map_err(|error| {
            let why = match error {
                ParseOrSemanticError::ParseError(_) => "its checksum or its form is wrong, so it was changed",
                ParseOrSemanticError::SemanticError(_) => {
                    "its signature is wrong, or it has a part that is missing or not known"
                }
            };
            Malformed::new(why, REMEDY)
        })?;
        let time = |since_epoch: Duration| {
            let seconds = i64::try_from(since_epoch.as_secs()).unwrap_or(i64::MAX);
            Timestamp::from_unix_seconds(seconds)
        };
        // An expiry beyond the last time that can be written never comes.
        let expires = invoice.expires_at().unwrap_or(Duration::MAX).min(Duration::from_secs(LAST_SECOND));
        Ok(VerifiedInvoice {
            payment_hash: invoice.payment_hash().to_string(),
            payee: invoice.get_payee_pub_key().to_string(),
            description: match invoice.description() {
                Bolt11InvoiceDescriptionRef::Direct(text) => Some(Sensitive::new(text.as_inner().0.clone())),
                Bolt11InvoiceDescriptionRef::Hash(_) => None,
            },
            created_at: time(invoice.duration_since_epoch())?,
            expires_at: time(expires)?,
        })
    }
}

/// The end of the year 9999, in seconds since 1970.
const LAST_SECOND: u64 = 253_402_300_799;

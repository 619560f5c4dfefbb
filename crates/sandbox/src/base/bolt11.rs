//! Lightning invoices as text (BOLT 11), made and read by the crate that lightning nodes use, so that other programs can read
//! the sandbox's invoices. They are for `regtest`, a network on one machine, so that they have no value anywhere else.

use bitcoin::{
    hashes::{Hash, sha256},
    secp256k1::{Secp256k1, SecretKey},
};
use lightning_invoice::{
    Bolt11Invoice, Bolt11InvoiceDescriptionRef, Currency, InvoiceBuilder, PaymentSecret,
};
use std::time::Duration;

/// The longest description in bytes: an invoice has no room for more.
pub(crate) const LONGEST_DESCRIPTION: usize = 639;
/// The usual number of blocks for the last step of a payment.
const FINAL_BLOCKS: u64 = 18;

/// What an invoice is made from.
#[derive(Debug)]
pub(crate) struct NewInvoice<'a> {
    /// The key of the node that is paid.
    pub(crate) node: [u8; 32],
    /// The number whose hash names the payment.
    pub(crate) preimage: [u8; 32],
    pub(crate) payment_secret: [u8; 32],
    /// `None` if the payer chooses the amount.
    pub(crate) amount_msat: Option<u64>,
    pub(crate) description: &'a str,
    pub(crate) created_s: u64,
    pub(crate) expires_after_s: u64,
}

/// What an invoice says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Invoice {
    /// Its text.
    pub(crate) bolt: String,
    /// In hexadecimal digits.
    pub(crate) payment_hash: String,
    pub(crate) amount_msat: Option<u64>,
    /// Empty if the invoice has only a hash of a longer text.
    pub(crate) description: String,
    pub(crate) expires_ms: i64,
}

/// Why a text is no invoice that can be paid here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoInvoice {
    /// It is malformed, or its checksum or its signature is wrong.
    Invalid,
    /// It is for another network than `regtest`.
    WrongNetwork,
}

/// Makes an invoice. `None` if the description is too long, or a key is not valid.
pub(crate) fn make(new: &NewInvoice<'_>) -> Option<Invoice> {
    let key = SecretKey::from_slice(&new.node).ok()?;
    let builder = InvoiceBuilder::new(Currency::Regtest)
        .description(new.description.to_owned())
        .payment_hash(sha256::Hash::hash(&new.preimage))
        .payment_secret(PaymentSecret(new.payment_secret))
        .duration_since_epoch(Duration::from_secs(new.created_s))
        .expiry_time(Duration::from_secs(new.expires_after_s))
        .min_final_cltv_expiry_delta(FINAL_BLOCKS);
    let builder = match new.amount_msat {
        Some(amount) => builder.amount_milli_satoshis(amount),
        None => builder,
    };
    let secp = Secp256k1::signing_only();
    let invoice = builder.build_signed(|hash| secp.sign_ecdsa_recoverable(hash, &key)).ok()?;
    Some(facts(invoice.to_string(), &invoice))
}

/// Reads an invoice and checks its checksum and its signature.
pub(crate) fn read(text: &str) -> Result<Invoice, NoInvoice> {
    let invoice: Bolt11Invoice = text.parse().map_err(|_| NoInvoice::Invalid)?;
    if invoice.currency() != Currency::Regtest {
        return Err(NoInvoice::WrongNetwork);
    }
    Ok(facts(text.to_owned(), &invoice))
}

fn facts(bolt: String, invoice: &Bolt11Invoice) -> Invoice {
    let expires = invoice.expires_at().unwrap_or(Duration::MAX).as_millis();
    Invoice {
        bolt,
        payment_hash: invoice.payment_hash().to_string(),
        amount_msat: invoice.amount_milli_satoshis(),
        description: match invoice.description() {
            Bolt11InvoiceDescriptionRef::Direct(text) => text.as_inner().0.clone(),
            Bolt11InvoiceDescriptionRef::Hash(_) => String::new(),
        },
        expires_ms: i64::try_from(expires).unwrap_or(i64::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(amount_msat: Option<u64>, description: &str) -> NewInvoice<'_> {
        NewInvoice {
            node: [1; 32],
            preimage: [2; 32],
            payment_secret: [3; 32],
            amount_msat,
            description,
            created_s: 1_700_000_000,
            expires_after_s: 3_600,
        }
    }

    #[test]
    fn what_is_made_is_read_back() {
        for amount in [None, Some(1_000), Some(250_000_000), Some(4_000_000_000), Some(1)] {
            let made = make(&new(amount, "one cup of coffee")).unwrap();
            assert!(made.bolt.starts_with("lnbcrt"), "{}", made.bolt);
            assert_eq!(read(&made.bolt), Ok(made.clone()));
            assert_eq!(read(&made.bolt.to_uppercase()).unwrap().payment_hash, made.payment_hash);
            assert_eq!((made.amount_msat, made.expires_ms), (amount, 1_700_003_600_000));
            assert_eq!(made.description, "one cup of coffee");
        }
        let again = make(&new(Some(5_000), "x")).unwrap();
        assert_eq!(make(&new(Some(5_000), "x")), Some(again), "the same from the same keys");
        assert!(make(&new(None, &"x".repeat(LONGEST_DESCRIPTION))).is_some());
        assert_eq!(make(&new(None, &"x".repeat(LONGEST_DESCRIPTION + 1))), None);
    }

    #[test]
    fn what_was_changed_or_is_for_another_network_is_refused() {
        let made = make(&new(Some(250_000_000), "x")).unwrap().bolt;
        for changed in
            [made.replacen("2500u", "2600u", 1), made.replace('q', "p"), made.split_at(50).0.to_owned()]
        {
            assert_eq!(read(&changed), Err(NoInvoice::Invalid), "{changed}");
        }
        // An example of BOLT 11.
        let live = "lnbc2500u1pvjluezsp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygspp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdq5xysxxatsyp3k7enxv4jsxqzpu9qrsgquk0rl77nj30yxdy8j9vdx85fkpmdla2087ne0xh8nhedh8w27kyke0lp53ut353s06fv3qfegext0eh0ymjpf39tuven09sam30g4vgpfna3rh";
        assert_eq!(read(live), Err(NoInvoice::WrongNetwork));
    }
}

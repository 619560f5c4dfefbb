//! Lightning invoices as text (BOLT 11): the network and the amount, which stand before the last `1`.
//!
//! They are read here without another library, so that an amount is always compared before money is sent. The checksum,
//! the signature and the times are read by the feature `bolt11`.

use crate::{
    Arg, Malformed, Sats,
    param::{Param, Place},
};
use std::{fmt, str::FromStr};

#[cfg(feature = "bolt11")]
mod verified;
#[cfg(feature = "bolt11")]
pub use verified::VerifiedInvoice;

/// The longest text that is taken, in bytes: what other implementations take.
const LONGEST: usize = 7_089;
/// The shortest part after the `1`: time (7), signature (104) and checksum (6).
const LEAST_DATA: usize = 117;
/// The characters after the `1`.
const CHARSET: &str = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const MSAT_PER_SAT: u64 = 1_000;
const MSAT_PER_BTC: u64 = 100_000_000_000;

/// The network that a lightning invoice is for. The exchange's is [`Bitcoin`](Self::Bitcoin).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LightningNetwork {
    /// Bitcoin itself: `lnbc`.
    Bitcoin,
    /// The test network: `lntb`.
    Testnet,
    /// The signed test network: `lntbs`.
    Signet,
    /// A network on one machine: `lnbcrt`. The sandbox uses it, so that its invoices have no value anywhere else.
    Regtest,
    /// Another simulated network: `lnsb`.
    Simnet,
}

/// The prefixes. A longer one stands before the one that it begins with.
const PREFIXES: [(&str, LightningNetwork); 5] = [
    ("lnbcrt", LightningNetwork::Regtest),
    ("lntbs", LightningNetwork::Signet),
    ("lnbc", LightningNetwork::Bitcoin),
    ("lntb", LightningNetwork::Testnet),
    ("lnsb", LightningNetwork::Simnet),
];

impl LightningNetwork {
    /// How an invoice of this network begins, such as `lnbc`.
    pub fn prefix(self) -> &'static str {
        PREFIXES.iter().find(|(_, network)| *network == self).map_or("", |(prefix, _)| prefix)
    }
}

/// A lightning invoice as text (BOLT 11), such as `lnbc2500u1…`. It is kept and sent exactly as given.
///
/// Network and amount are read from the text. The checksum and the signature are checked by `verify`, with the feature
/// `bolt11`.
///
/// `Debug` shows the network and the amount only, and no error quotes the text, because it says who pays whom for what.
///
/// ```
/// use capecrypto_models::{Bolt11, LightningNetwork, Sats};
/// # let text = format!("lnbc2500u1{}", "q".repeat(117));
/// let invoice: Bolt11 = text.parse()?;
/// assert_eq!(invoice.network(), LightningNetwork::Bitcoin);
/// assert_eq!(invoice.amount()?, Some(Sats::new(250_000)));
/// # Ok::<(), capecrypto_models::Malformed>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Bolt11 {
    text: Box<str>,
    network: LightningNetwork,
    amount_msat: Option<u64>,
}

impl Bolt11 {
    /// The text, as it was given.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The network that it is for.
    pub fn network(&self) -> LightningNetwork {
        self.network
    }

    /// The amount in thousandths of a satoshi; `None` if the payer chooses the amount.
    pub fn amount_msat(&self) -> Option<u64> {
        self.amount_msat
    }

    /// The amount; `None` if the payer chooses the amount.
    ///
    /// # Errors
    /// [`Malformed`] if the amount has a fraction of a satoshi: nothing is rounded.
    pub fn amount(&self) -> Result<Option<Sats>, Malformed> {
        match self.amount_msat {
            Some(msat) if !msat.is_multiple_of(MSAT_PER_SAT) => Err(Malformed::new(
                format!("its amount is {msat} msat, which is not a whole number of satoshi"),
                "ask for an invoice over whole satoshi",
            )),
            msat => Ok(msat.map(|msat| Sats::new(msat / MSAT_PER_SAT))),
        }
    }

    /// Whether it is the same invoice as this text. Capital letters, as in a QR code, mean the same.
    pub fn is(&self, text: &str) -> bool {
        self.text.eq_ignore_ascii_case(text)
    }
}

/// A refusal. It must not quote the text.
fn refused(why: &'static str, remedy: &'static str) -> Malformed {
    Malformed::new(why, remedy)
}

impl FromStr for Bolt11 {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        const WHOLE: &str =
            "give the whole text of a lightning invoice: it begins with lnbc and has letters and digits only";
        if text.is_empty() {
            return Err(refused("it is empty", WHOLE));
        }
        if text.len() > LONGEST {
            return Err(refused("it is longer than 7,089 bytes", WHOLE));
        }
        if !text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(refused(
                "it has a character other than letters and digits",
                "give the invoice alone, without `lightning:`, spaces or line breaks",
            ));
        }
        let lower = text.to_ascii_lowercase();
        if text != lower && text != text.to_ascii_uppercase() {
            return Err(refused(
                "it has small and capital letters",
                "give it as it was made, in one of both",
            ));
        }
        let Some((head, data)) = lower.rsplit_once('1') else {
            return Err(refused("it has no `1` after its amount, so it is not a lightning invoice", WHOLE));
        };
        let Some((amount, network)) =
            PREFIXES.iter().find_map(|(prefix, network)| Some((head.strip_prefix(prefix)?, *network)))
        else {
            return Err(refused("it does not begin like an invoice of a bitcoin network", WHOLE));
        };
        if data.len() < LEAST_DATA || !data.chars().all(|letter| CHARSET.contains(letter)) {
            return Err(refused("it is cut off, or a character was changed", WHOLE));
        }
        Ok(Self { amount_msat: amount_msat(amount)?, text: text.into(), network })
    }
}

/// The amount before the `1`: a number of bitcoin, with a letter for a part of it (`m`, `u`, `n` or `p`).
fn amount_msat(text: &str) -> Result<Option<u64>, Malformed> {
    let wrong = || refused("its amount cannot be read", "ask for another invoice");
    if text.is_empty() {
        return Ok(None);
    }
    let (digits, unit) = match text.strip_suffix(['m', 'u', 'n', 'p']) {
        Some(digits) => (digits, text.chars().next_back()),
        None => (text, None),
    };
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
    let number: u64 = digits.parse().ok().filter(|_| is_number).ok_or_else(wrong)?;
    let msat = match unit {
        None => number.checked_mul(MSAT_PER_BTC),
        Some('m') => number.checked_mul(MSAT_PER_BTC / 1_000),
        Some('u') => number.checked_mul(MSAT_PER_BTC / 1_000_000),
        Some('n') => number.checked_mul(MSAT_PER_BTC / 1_000_000_000),
        // Ten of the smallest unit are one thousandth of a satoshi, and a smaller part cannot be paid.
        Some(_) => number.is_multiple_of(10).then_some(number / 10),
    };
    msat.map(Some).ok_or_else(wrong)
}

impl fmt::Debug for Bolt11 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bolt11")
            .field("network", &self.network)
            .field("amount_msat", &self.amount_msat)
            .finish_non_exhaustive()
    }
}

impl Param for Bolt11 {
    fn write(&self, place: &mut dyn Place) {
        place.sensitive();
        place.text(&self.text);
    }
}

impl From<Bolt11> for Arg<Bolt11> {
    fn from(invoice: Bolt11) -> Self {
        Self::good(invoice)
    }
}

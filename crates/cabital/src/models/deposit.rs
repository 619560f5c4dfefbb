//! How money comes into an account.

use super::Symbol;
use capecrypto_models::{
    Arg, Malformed, Sensitive, open_enum,
    param::{Param, Place},
};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

open_enum! {
    /// How money comes in (documents: `deposit_methods`).
    pub enum DepositMethod {
        /// Euros.
        Sepa = "SEPA",
        /// Pounds.
        Fps = "FPS",
        /// Ether and its tokens, on their own chain.
        Erc20 = "ERC20",
        /// Bitcoin, on its own chain.
        Btc = "BTC",
        /// Solana's chain. Only older documents have it.
        Sol = "SOL",
    }
}

/// Where to send money for an account (documents: "账户单币入账信息").
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DepositInformation {
    /// The currency.
    pub symbol: Symbol,
    /// The method.
    pub method: DepositMethod,
    /// The account at Cabital's bank.
    pub meta: DepositMeta,
}

/// An account at Cabital's bank. SEPA has [`iban`](Self::iban) and [`bic`](Self::bic), FPS has
/// [`account_number`](Self::account_number) and [`sort_code`](Self::sort_code).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DepositMeta {
    /// Whose account it is.
    pub account_name: String,
    /// What the sender must write as the reference. It tells whose money it is.
    pub ref_code: Sensitive<String>,
    /// The bank.
    pub bank_name: String,
    /// The bank's address.
    pub bank_address: String,
    /// The bank's country.
    pub bank_country: String,
    /// The number of the account, as it came. [`checked_iban`](Self::checked_iban) compares its check digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iban: Option<Sensitive<String>>,
    /// The bank's code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bic: Option<String>,
    /// The number of the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_number: Option<Sensitive<String>>,
    /// The bank's code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sort_code: Option<Sensitive<String>>,
}

impl DepositMeta {
    /// The IBAN, if there is one. Check it before you show it to a customer: money sent to a wrong one may be lost.
    ///
    /// # Errors
    /// Its check digits are wrong. The reason does not quote it.
    pub fn checked_iban(&self) -> Option<Result<Iban, Malformed>> {
        self.iban.as_ref().map(|iban| iban.expose().parse())
    }
}

/// The number of a bank account (ISO 13616) with right check digits. `Debug` and errors do not show it.
///
/// ```
/// use cabital::models::Iban;
/// assert!("CH18 0879 9927 5113 7981 4".parse::<Iban>().is_ok());
/// assert!("CH18 0879 9927 5113 7981 5".parse::<Iban>().is_err());
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Iban(Sensitive<String>);

impl Iban {
    /// The number without spaces. Use it only where it is needed.
    pub fn as_str(&self) -> &str {
        self.0.expose()
    }

    /// The code of its country, such as `CH`.
    pub fn country(&self) -> &str {
        self.as_str().get(..2).unwrap_or_default()
    }
}

impl FromStr for Iban {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let plain: String = text.chars().filter(|c| *c != ' ').collect();
        let refused = |why: &'static str| {
            Err(Malformed::new(why, "compare it with the paper, such as CH18 0879 9927 5113 7981 4"))
        };
        let (Some(country), Some(check), Some(rest)) = (plain.get(..2), plain.get(2..4), plain.get(4..))
        else {
            return refused("it is too short for an IBAN (the value is not shown)");
        };
        let upper = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
        let good = (15..=34).contains(&plain.len())
            && country.bytes().all(|byte| byte.is_ascii_uppercase())
            && check.bytes().all(|byte| byte.is_ascii_digit())
            && rest.bytes().all(upper);
        if !good {
            return refused("it does not have the form of an IBAN (the value is not shown)");
        }
        // The first four characters go to the end, letters count from 10, and the whole is 1 modulo 97.
        let digits = rest.bytes().chain(country.bytes()).chain(check.bytes());
        let remainder = digits.fold(0_u32, |remainder, byte| match byte {
            b'0'..=b'9' => (remainder * 10 + u32::from(byte - b'0')) % 97,
            letter => (remainder * 100 + u32::from(letter.saturating_sub(b'A')) + 10) % 97,
        });
        // Check digits are 98 less a remainder. 00, 01 and 99 are 1 modulo 97 too, and no bank gives them.
        if remainder == 1 && !matches!(check, "00" | "01" | "99") {
            Ok(Self(plain.into()))
        } else {
            refused("its check digits are wrong (the value is not shown)")
        }
    }
}

impl fmt::Debug for Iban {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Iban(…)")
    }
}

impl Param for Iban {
    fn write(&self, place: &mut dyn Place) {
        place.sensitive();
        place.text(self.as_str());
    }
}

impl From<Iban> for Arg<Iban> {
    fn from(iban: Iban) -> Self {
        Self::good(iban)
    }
}

//! Accounts: balances, how money comes in, and the comparison of names (documents: "账户操作相关", account operations, and "Connect").

use crate::{
    PARTNER,
    args::{Birthday, CountryCode},
    codes::CODES,
    models::{
        AccountDetail, AccountId, Balance, Balances, DepositInformation, DepositMethod, IdDocument,
        NameMatch, Symbol,
    },
};
use capecrypto_auth::Environment;
use capecrypto_models::{
    Arg, Text,
    param::{Fields, Name, Param, Params, Place},
};
use capecrypto_rest::{Checks, Mismatch, endpoints, request};
use std::fmt;

endpoints! { PARTNER signed; codes CODES; hints crate::codes::hint; probe capecrypto_probe::Probe;
    GET "/accounts/{account_id}/balances"                            ListBalances -> Balances,
        unreviewed("the answer does not name the account");
    GET "/accounts/{account_id}/balances/{symbol}"                   GetBalance -> Balance, reviewed;
    GET "/accounts/{account_id}/balances/{symbol}/deposit/{method?}" GetDepositInformation -> DepositInformation,
        checked secrets("ref_code iban account_number sort_code") reviewed;
    GET "/accounts/{account_id}/detail"                              GetAccountDetail -> AccountDetail,
        secrets("email_address ext_id kyc_token") unreviewed("the answer does not name the account");
    PUT "/accounts/{account_id}/match"                               MatchName -> NameMatch,
        same_key checked secrets("name id issued_by dob") unreviewed("the answer does not name the customer");
}

request! {
    /// Lists the available balances of an account (documents: "账户可用余额列表").
    pub struct ListBalances {
        account_id: Arg<AccountId>,
    }
}

impl ListBalances {
    /// The balances of this account.
    pub fn new(account: impl Into<Arg<AccountId>>) -> Self {
        Self::with(account.into())
    }
}

request! {
    /// Reads the available balance of a currency (documents: "账户可用余额单币").
    pub struct GetBalance {
        account_id: Arg<AccountId>,
        symbol: Arg<Symbol>,
    }
}

impl GetBalance {
    /// The balance of this account in this currency.
    pub fn new(account: impl Into<Arg<AccountId>>, symbol: impl Into<Arg<Symbol>>) -> Self {
        Self::with(account.into(), symbol.into())
    }

    fn review_answer(&self, balance: &mut Balance, _: &Environment) -> Result<(), Mismatch> {
        Mismatch::check("code", self.symbol.value().ok(), Some(&balance.symbol))
    }
}

request! {
    /// Reads where to send money for an account (documents: "账户单币入账信息"). Cabital takes EUR and GBP in this way.
    ///
    /// Compare the check digits of an IBAN before you show it:
    /// [`checked_iban`](crate::models::DepositMeta::checked_iban).
    pub struct GetDepositInformation {
        account_id: Arg<AccountId>,
        symbol: Arg<Symbol>,
    }
    optional {
        /// The method, such as `SEPA`; the usual one of the currency when left out.
        method: DepositMethod,
    }
}

impl GetDepositInformation {
    /// Where money of this currency goes.
    pub fn new(account: impl Into<Arg<AccountId>>, symbol: impl Into<Arg<Symbol>>) -> Self {
        Self::with(account.into(), symbol.into())
    }

    /// Euros, by SEPA.
    pub fn sepa(account: impl Into<Arg<AccountId>>) -> Self {
        Self::new(account, "EUR").method(DepositMethod::Sepa)
    }

    /// Pounds, by FPS.
    pub fn fps(account: impl Into<Arg<AccountId>>) -> Self {
        Self::new(account, "GBP").method(DepositMethod::Fps)
    }

    fn check_arguments(&self, checks: &mut Checks<'_>) {
        let is_coin = |symbol: &Symbol| ["BTC", "ETH", "USDT"].iter().any(|coin| *symbol == **coin);
        if self.symbol.value().is_ok_and(is_coin) {
            checks.refuse("symbol", "deposits of a coin have no bank account", "give EUR or GBP");
        }
    }

    fn review_answer(&self, answer: &mut DepositInformation, _: &Environment) -> Result<(), Mismatch> {
        Mismatch::check("symbol", self.symbol.value().ok(), Some(&answer.symbol))?;
        Mismatch::check("method", self.method.as_ref(), Some(&answer.method))
    }
}

request! {
    /// Reads the state of the connection and the customer's second factor (documents: "User connection status").
    pub struct GetAccountDetail {
        account_id: Arg<AccountId>,
    }
}

impl GetAccountDetail {
    /// What Cabital says about this account.
    pub fn new(account: impl Into<Arg<AccountId>>) -> Self {
        Self::with(account.into())
    }
}

/// A person, as the document of identity has it. `Debug` shows nothing of it.
#[derive(Clone)]
pub struct Identity {
    /// The whole name, 1 to 255 characters. The documents state no limits for texts; these are ours.
    pub name: Arg<Text<255>>,
    /// The number of the document, 1 to 255 characters.
    pub id: Arg<Text<255>>,
    /// The kind of document.
    pub id_document: IdDocument,
    /// The country that gave it out: three letters by ISO 3166-1, such as `ZAF`.
    pub issued_by: Arg<CountryCode>,
    /// The birthday, such as `1985-05-15`. It must not be in the future.
    pub dob: Arg<Birthday>,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity(…)")
    }
}

/// A value that is personal only together with a name.
struct Personal<'a>(&'a dyn Param);

impl Param for Personal<'_> {
    fn write(&self, place: &mut dyn Place) {
        place.sensitive();
        self.0.write(place);
    }
}

impl Params for Identity {
    fn write_fields(&self, fields: &mut dyn Fields) {
        fields.field(Name::new("name"), &self.name);
        fields.field(Name::new("id"), &self.id);
        fields.field(Name::new("id_document"), &Personal(&self.id_document));
        fields.field(Name::new("issued_by"), &self.issued_by);
        fields.field(Name::new("dob"), &self.dob);
    }
}

/// Compares the customer's name with the one that Cabital has (documents: "Name match"). Only an account that is CREATED or
/// MISMATCHED may be matched; another one is refused.
///
/// After an unknown outcome it is sent once more with the same nonce. The state of the account tells what became of it:
/// [`GetAccountDetail`].
///
/// ```
/// use cabital::{accounts::{Identity, MatchName}, models::IdDocument};
/// let jane = Identity {
///     name: "Jane Doe".into(),
///     id: "8505155800088".into(),
///     id_document: IdDocument::Id,
///     issued_by: "ZAF".into(),
///     dob: "1985-05-15".into(),
/// };
/// let request = MatchName::new("6d92e7b4-715c-4ce3-a028-19f1c8c9fa6c", jane);
/// assert!(!format!("{request:?}").contains("Jane"));
/// ```
#[derive(Debug, Clone)]
#[must_use = "a request does nothing until it is sent"]
pub struct MatchName {
    account_id: Arg<AccountId>,
    identity: Identity,
}

impl Params for MatchName {
    fn write_fields(&self, fields: &mut dyn Fields) {
        fields.field(Name::new("account_id"), &self.account_id);
        self.identity.write_fields(fields);
    }
}

impl MatchName {
    /// Compares this person with the owner of the account.
    pub fn new(account: impl Into<Arg<AccountId>>, identity: Identity) -> Self {
        Self { account_id: account.into(), identity }
    }

    fn check_arguments(&self, checks: &mut Checks<'_>) {
        if let Ok(dob) = self.identity.dob.value() {
            dob.check("dob", checks);
        }
    }
}

#[cfg(test)]
pub(crate) mod samples {
    use super::*;
    use capecrypto_probe::{PartnerSeed, Samples};

    /// The account of the documents' samples.
    pub(crate) const ACCOUNT: &str = "6d92e7b4-715c-4ce3-a028-19f1c8c9fa6c";

    impl Samples for ListBalances {
        fn smallest() -> Self {
            Self::new(ACCOUNT)
        }
        fn fullest() -> Self {
            Self::new(ACCOUNT)
        }
        fn answered_to_partner(seed: &PartnerSeed) -> Vec<Self> {
            vec![Self::new(seed.account)]
        }
    }

    impl Samples for GetBalance {
        fn smallest() -> Self {
            Self::new(ACCOUNT, "BTC")
        }
        fn answered_to_partner(seed: &PartnerSeed) -> Vec<Self> {
            vec![Self::new(seed.account, "BTC")]
        }
    }

    impl Samples for GetDepositInformation {
        fn smallest() -> Self {
            Self::new(ACCOUNT, "EUR")
        }
        fn fullest() -> Self {
            Self::sepa(ACCOUNT)
        }
        fn answered_to_partner(seed: &PartnerSeed) -> Vec<Self> {
            vec![Self::sepa(seed.account), Self::fps(seed.account), Self::new(seed.account, "EUR")]
        }
    }

    impl Samples for GetAccountDetail {
        fn smallest() -> Self {
            Self::new(ACCOUNT)
        }
        fn fullest() -> Self {
            Self::new(ACCOUNT)
        }
        fn answered_to_partner(seed: &PartnerSeed) -> Vec<Self> {
            vec![Self::new(seed.account)]
        }
    }

    impl Samples for MatchName {
        fn smallest() -> Self {
            let identity = Identity {
                name: "Canary Doe".into(),
                id: "canary-8505155800088".into(),
                id_document: IdDocument::DriverLicense,
                issued_by: "ZAF".into(),
                dob: "1985-05-15".into(),
            };
            Self::new(ACCOUNT, identity)
        }
        fn answered_to_partner(seed: &PartnerSeed) -> Vec<Self> {
            vec![Self { account_id: seed.to_match.into(), ..Self::smallest() }]
        }
    }
}

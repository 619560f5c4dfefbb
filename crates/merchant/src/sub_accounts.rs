//! Sub-accounts (documents: "Sub-Accounts").

use crate::{PERSONA, forms::OnDeposit};
use capecrypto_auth::Environment;
use capecrypto_models::SubAccount;
use capecrypto_rest::{Checks, Mismatch, endpoints, request};

endpoints! { PERSONA signed; hints crate::hints::hint; probe capecrypto_probe::Probe;
    POST "/resource/sub_accounts" CreateSubAccount -> SubAccount, checked reviewed;
}

request! {
    /// Creates a sub-account, which inherits the account's verification (documents: "Create Sub-Account"). The request is sent
    /// at most once.
    pub struct CreateSubAccount {
        account_name: String,
    }
    optional {
        /// What happens to deposits; they stay in the sub-account when left out.
        deposit_action: OnDeposit,
        /// Further data, as JSON text.
        data: String,
    }
}

impl CreateSubAccount {
    /// A sub-account with this name, of 1 to 100 characters.
    pub fn new(account_name: impl Into<String>) -> Self {
        Self::with(account_name.into())
    }

    fn check_arguments(&self, checks: &mut Checks<'_>) {
        if !(1..=100).contains(&self.account_name.chars().count()) {
            checks.refuse(
                "account_name",
                "it does not have 1 to 100 characters",
                "give a name of that length",
            );
        }
    }

    fn review_answer(&self, answer: &mut SubAccount, _: &Environment) -> Result<(), Mismatch> {
        Mismatch::check("account_name", Some(&self.account_name), Some(&answer.account_name))
    }
}

#[cfg(test)]
mod samples {
    use super::*;
    use crate::forms::Destination;
    use capecrypto_models::dec;
    use capecrypto_probe::Samples;

    impl Samples for CreateSubAccount {
        fn smallest() -> Self {
            Self::new("Trading Account 1")
        }
        fn fullest() -> Self {
            let to = Destination::Beneficiary(789.into());
            let action = OnDeposit::convert_and_withdraw("zar", to).max_slippage(dec!(1.5));
            Self::new("Conversion").deposit_action(action.beneficiary_amount(dec!(10))).data("{}")
        }
    }
}

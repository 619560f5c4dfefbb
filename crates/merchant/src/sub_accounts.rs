//! Sub-accounts (documents: "Sub-Accounts").
//!
//! A sub-account is an account of its own: its balances, orders, deposits and events are not those of the account that
//! manages it. It has no key and cannot log in: [`Client::acting_as`] gives a client that acts for it.

use crate::{
    PERSONA,
    forms::{JsonText, OnDeposit, WebhookSettings},
};
use capecrypto_auth::Environment;
use capecrypto_models::{
    Arg, DepositActionKind, Malformed, SubAccount, Text, Uid,
    param::{Param, Place},
};
use capecrypto_rest::{Checks, Client, Error, Mismatch, Nothing, Page, Paged, Paging, endpoints, request};
use std::str::FromStr;

endpoints! { PERSONA signed; hints crate::hints::hint; probe capecrypto_probe::Probe;
    POST   "/resource/sub_accounts"       CreateSubAccount -> SubAccount, secrets("url data") reviewed;
    GET    "/resource/sub_accounts"       ListSubAccounts  -> Page<SubAccount>,
        paged unreviewed("the request names no account");
    GET    "/resource/sub_accounts/{uid}" GetSubAccount    -> SubAccount, reviewed;
    PUT    "/resource/sub_accounts/{uid}" UpdateSubAccount -> SubAccount, checked reviewed;
    DELETE "/resource/sub_accounts/{uid}" DeleteSubAccount -> Nothing, unreviewed("the answer has no body");
}

/// Name of a sub-account: 1 to 100 characters on one line. It arrives exactly as it is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountName(Box<str>);

impl AccountName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AccountName {
    type Err = Malformed;

    fn from_str(name: &str) -> Result<Self, Malformed> {
        // A name is no secret: unlike `Text` it is shown.
        name.parse::<Text<100>>().map(|name| Self(name.as_str().into()))
    }
}

impl Param for AccountName {
    fn write(&self, place: &mut dyn Place) {
        place.text(&self.0);
    }
}

request! {
    /// Creates a sub-account, which has the verification of the account that manages it (documents: "Create Sub-Account").
    ///
    /// The request is sent at most once. With the outcome `Unknown` the sub-account may exist or not: [`find`](Self::find) lists
    /// those that this request may have made. The documents do not say that names are unique, so sending it again may make a
    /// second one.
    ///
    /// ```
    /// use capecrypto_merchant::{forms::{Destination, OnDeposit}, sub_accounts::CreateSubAccount};
    /// use capecrypto_models::dec;
    /// let till = CreateSubAccount::new("Till 1").deposit_action(OnDeposit::aggregate());
    /// // What arrives is sold for rand, which go to a beneficiary.
    /// let to_bank = OnDeposit::convert_and_withdraw("zar", Destination::Beneficiary(789.into()));
    /// let shop = CreateSubAccount::new("Web shop").deposit_action(to_bank.max_slippage(dec!(1.5)));
    /// # let _ = (till, shop);
    /// ```
    pub struct CreateSubAccount {
        account_name: Arg<AccountName>,
    }
    optional {
        /// What happens to deposits; they stay in the sub-account when left out.
        deposit_action: OnDeposit,
        /// Where webhooks about the sub-account go. Without it they go to the webhook of the account that manages it. The
        /// documents have this since April 2026.
        webhook: WebhookSettings,
        /// Further data of your own, as JSON text. No answer of the documents has it.
        data: Arg<JsonText>,
    }
}

impl CreateSubAccount {
    /// A sub-account with this name.
    pub fn new(account_name: impl Into<Arg<AccountName>>) -> Self {
        Self::with(account_name.into())
    }

    /// Looks for sub-accounts that this request may have made: after the outcome `Unknown`, before it is sent again. They have
    /// the same name. There may be several, and older ones and deleted ones may be among them: compare
    /// [`created_at`](SubAccount::created_at) and [`state`](SubAccount::state).
    ///
    /// The client must act for the same account as the one that sent the request.
    ///
    /// Rows that cannot be read are in [`Page::unreadable`]: one of them may be the sub-account. If the answer was lost a moment
    /// ago, the exchange may still be at work; a list without the sub-account does not prove that it will not appear.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn find(&self, client: &Client) -> Result<Page<SubAccount>, Error> {
        let mut found = client.items(ListSubAccounts::new().limit(1_000)).try_collect().await?;
        found.retain(|row| self.may_have_made(row));
        // The exchange's total counts all rows, not those that were found.
        found.total = None;
        Ok(found)
    }

    fn may_have_made(&self, row: &SubAccount) -> bool {
        // A server may cut off spaces at the ends.
        self.account_name.value().is_ok_and(|name| name.as_str().trim() == row.account_name.trim())
    }

    fn review_answer(&self, answer: &mut SubAccount, _: &Environment) -> Result<(), Mismatch> {
        if !self.may_have_made(answer) {
            return Err(Mismatch { field: "account_name" });
        }
        match (&self.deposit_action, &answer.deposit_action) {
            (Some(asked), Some(came)) => asked.compare(came),
            _ => Ok(()),
        }
    }
}

request! {
    /// Lists the account's sub-accounts (documents: "List Sub-Accounts"). Those of its sub-accounts are not among them: a client
    /// that acts for the sub-account lists these.
    ///
    /// The documents do not say whether deleted ones are in the list, nor in which order it is.
    #[derive(Default)]
    pub struct ListSubAccounts {}
    pages Paging<1_000>, "1 to 1,000, 100 when left out";
}

impl ListSubAccounts {
    /// All sub-accounts.
    pub fn new() -> Self {
        Self::with()
    }
}

impl Paged for ListSubAccounts {
    type Row = SubAccount;
    type Key = Uid;

    fn key(row: &SubAccount) -> Uid {
        row.uid.clone()
    }
}

request! {
    /// Reads one sub-account (documents: "Get Sub-Account by UID"). One that another account manages is not found.
    pub struct GetSubAccount {
        uid: Arg<Uid>,
    }
}

impl GetSubAccount {
    /// The sub-account with this uid.
    pub fn new(uid: impl Into<Arg<Uid>>) -> Self {
        Self::with(uid.into())
    }

    fn review_answer(&self, answer: &mut SubAccount, _: &Environment) -> Result<(), Mismatch> {
        Mismatch::check("uid", self.uid.value().ok(), Some(&answer.uid))
    }
}

/// What shall happen to the deposits of a sub-account that exists. The documents allow fewer actions here than at its creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubAccountDeposits {
    /// They stay in the sub-account.
    Keep,
    /// They go to the account that manages it.
    TransferToParent,
}

impl Param for SubAccountDeposits {
    fn write(&self, place: &mut dyn Place) {
        place.text(match self {
            Self::Keep => "none",
            Self::TransferToParent => "transfer_to_parent",
        });
    }
}

request! {
    /// Changes what happens to the deposits of a sub-account (documents: "Update Sub-Account"). Its name cannot be changed.
    ///
    /// The request is sent at most once, because it decides where money goes: a repetition could undo a change that was made
    /// in between. With the outcome `Unknown`, [`GetSubAccount`] tells whether it was done.
    pub struct UpdateSubAccount {
        uid: Arg<Uid>,
    }
    optional {
        /// What shall happen to deposits. Without it nothing is changed.
        deposits as "deposit_action": SubAccountDeposits,
    }
}

impl UpdateSubAccount {
    /// A change of the sub-account with this uid.
    pub fn new(uid: impl Into<Arg<Uid>>) -> Self {
        Self::with(uid.into())
    }

    fn check_arguments(&self, checks: &mut Checks<'_>) {
        if self.deposits.is_none() {
            checks.warn(
                "deposit_action",
                "nothing is changed",
                "set what shall happen to deposits with `deposits`",
            );
        }
    }

    fn review_answer(&self, answer: &mut SubAccount, _: &Environment) -> Result<(), Mismatch> {
        Mismatch::check("uid", self.uid.value().ok(), Some(&answer.uid))?;
        let asked = self.deposits.map(|deposits| match deposits {
            SubAccountDeposits::Keep => DepositActionKind::None,
            SubAccountDeposits::TransferToParent => DepositActionKind::Aggregate,
        });
        let came = answer.deposit_action.as_ref().map(|action| &action.action);
        Mismatch::check("deposit_action", asked.as_ref(), came)
    }
}

request! {
    /// Deletes a sub-account (documents: "Delete Sub-Account"): its state becomes `deleted`, and nobody can act for it any more.
    /// The documents do not say what happens to money in it: move it first.
    ///
    /// The request is sent at most once. With the outcome `Unknown`, [`GetSubAccount`] tells: if its state is `deleted`, or it is
    /// not found any more, it was done.
    pub struct DeleteSubAccount {
        uid: Arg<Uid>,
    }
}

impl DeleteSubAccount {
    /// The sub-account with this uid.
    pub fn new(uid: impl Into<Arg<Uid>>) -> Self {
        Self::with(uid.into())
    }
}

#[cfg(test)]
mod samples {
    use super::*;
    use crate::forms::Destination;
    use capecrypto_models::dec;
    use capecrypto_probe::{Samples, Seed};

    impl Samples for CreateSubAccount {
        fn smallest() -> Self {
            Self::new("Trading Account 1")
        }
        fn fullest() -> Self {
            let to = Destination::Beneficiary(789.into());
            let action = OnDeposit::convert_and_withdraw("zar", to).max_slippage(dec!(1.5));
            let webhook = WebhookSettings::hmac("https://merchant.example/canary-url", "canary-secret");
            Self::new("Conversion")
                .deposit_action(action.beneficiary_amount(dec!(10)))
                .webhook(webhook)
                .data(r#"{"branch":"canary-data"}"#)
        }
    }

    impl Samples for ListSubAccounts {
        fn smallest() -> Self {
            Self::new()
        }
        fn fullest() -> Self {
            Self::new().limit(1_000).page(1)
        }
    }

    impl Samples for GetSubAccount {
        fn smallest() -> Self {
            Self::new("CCT1234567")
        }
        fn answered(seed: &Seed) -> Self {
            Self::new(seed.sub_account)
        }
    }

    impl Samples for UpdateSubAccount {
        fn smallest() -> Self {
            Self::new("CCT1234567")
        }
        fn fullest() -> Self {
            Self::smallest().deposits(SubAccountDeposits::TransferToParent)
        }
        fn answered(seed: &Seed) -> Self {
            Self::new(seed.sub_account).deposits(SubAccountDeposits::Keep)
        }
    }

    impl Samples for DeleteSubAccount {
        fn smallest() -> Self {
            Self::new("CCT1234567")
        }
        fn answered(seed: &Seed) -> Self {
            Self::new(seed.sub_account_to_delete)
        }
    }
}

//! What the partner says about a transfer that a customer asked for at Cabital.

use super::ReportResult as Report;
use crate::{
    Cabital,
    models::{AccountId, TransferId},
};
use capecrypto_models::{
    Arg, Malformed, Sensitive, Text, open_enum,
    param::{Fields, Name, Param, Params, Place},
};
use capecrypto_rest::{Error, Polling};

open_enum! {
    /// How a transfer ended at the partner.
    pub enum TransferResult {
        /// The money was moved.
        Success = "SUCCESS",
        /// It could not be moved.
        Failed = "FAILED",
        /// It was cancelled.
        Cancel = "CANCEL",
    }
}

/// Tells Cabital how a transfer ended that a customer asked for there (documents: "划转结果通知"). Cabital has told of it by a
/// callback.
///
/// A failure and a cancellation need a message, so that neither can be made without one. Cabital has received the report when it
/// answers 200; until then it is repeated, which does no harm: [`until_received`](Self::until_received).
#[derive(Debug, Clone)]
#[must_use = "a request does nothing until it is sent"]
pub struct ReportResult {
    account_id: Arg<AccountId>,
    transfer_id: Arg<TransferId>,
    status: TransferResult,
    message: Option<Arg<Text<150>>>,
    data: Vec<(&'static str, Sensitive<String>)>,
}

/// The members of `data`. Nobody knows what they hold, so `Debug` does not show them.
struct Data<'a>(&'a [(&'static str, Sensitive<String>)]);

impl Params for Data<'_> {
    fn write_fields(&self, fields: &mut dyn Fields) {
        for (name, value) in self.0 {
            fields.field(Name::new(name), value.expose());
        }
    }
}

/// Left out if it is empty.
impl Param for Data<'_> {
    fn write(&self, place: &mut dyn Place) {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        let is_repeated =
            |(at, (name, _)): (usize, &(&str, _))| self.0.iter().skip(at + 1).any(|(other, _)| other == name);
        match self.0.iter().find(|(name, _)| name.is_empty() || !name.chars().all(plain)) {
            None if self.0.iter().enumerate().any(is_repeated) => {
                place.refuse(Malformed::new("a name stands in it twice", "give each name once"));
            }
            Some(_) => place.refuse(Malformed::new(
                "a name in it has a character that names do not have",
                "give names out of A-Z, a-z, 0-9, '_', '-' and '.'",
            )),
            None if self.0.is_empty() => place.absent(),
            None => place.object(self),
        }
    }
}

impl Params for ReportResult {
    fn write_fields(&self, fields: &mut dyn Fields) {
        fields.field(Name::new("account_id"), &self.account_id);
        fields.field(Name::new("transfer_id"), &self.transfer_id);
        fields.field(Name::new("status"), &self.status);
        fields.field(Name::new("message"), &self.message);
        fields.field(Name::new("data"), &Data(&self.data));
    }
}

impl Report {
    fn new(
        account: impl Into<Arg<AccountId>>,
        transfer: impl Into<Arg<TransferId>>,
        status: TransferResult,
        message: Option<Arg<Text<150>>>,
    ) -> Self {
        Self { account_id: account.into(), transfer_id: transfer.into(), status, message, data: Vec::new() }
    }

    /// The money was moved.
    pub fn success(account: impl Into<Arg<AccountId>>, transfer: impl Into<Arg<TransferId>>) -> Self {
        Self::new(account, transfer, TransferResult::Success, None)
    }

    /// It could not be moved, for this reason of 1 to 150 characters.
    pub fn failed(
        account: impl Into<Arg<AccountId>>,
        transfer: impl Into<Arg<TransferId>>,
        message: impl Into<Arg<Text<150>>>,
    ) -> Self {
        Self::new(account, transfer, TransferResult::Failed, Some(message.into()))
    }

    /// It was cancelled, for this reason of 1 to 150 characters.
    pub fn cancelled(
        account: impl Into<Arg<AccountId>>,
        transfer: impl Into<Arg<TransferId>>,
        message: impl Into<Arg<Text<150>>>,
    ) -> Self {
        Self::new(account, transfer, TransferResult::Cancel, Some(message.into()))
    }

    /// Sets the message, 1 to 150 characters.
    pub fn message(self, message: impl Into<Arg<Text<150>>>) -> Self {
        Self { message: Some(message.into()), ..self }
    }

    /// Adds further data, as a text, each name once. The documents do not describe it, and `Debug` does not show it.
    pub fn data(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.data.push((name, value.into().into()));
        self
    }

    /// Reports it again and again until Cabital answers 200, and answers whether it did in time.
    ///
    /// # Errors
    /// Cabital refuses the report, or an argument is malformed; or the last error if the time is over.
    pub async fn until_received(&self, cabital: &Cabital, polling: Polling) -> Result<bool, Error> {
        let report = || async {
            let reply = cabital.reply(self.clone()).await?;
            Ok((reply.status == 200).then_some(()))
        };
        cabital.partner().poll(polling, report).await.map(|received| received.is_some())
    }
}

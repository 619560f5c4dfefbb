//! Lines of an account's history.

use super::{
    control::{Control, ControlError},
    operation::Operation,
};
use crate::exchange::funds::AddTransaction;
use serde::Deserialize;
use serde_json::json;

pub(super) const OPERATIONS: &[Operation] = &[Operation {
    library: "add_transaction",
    method: "POST",
    path: "transactions",
    about: r#"`{"account","transaction":{"type", …}}`: adds a line to the history, with the documents' fields; answers with its number"#,
    run: |control, input| {
        let NewTransaction { account, transaction } = input.read()?;
        Ok(json!({ "id": control.add_transaction(&account, transaction.get())? }))
    },
}];

#[derive(Deserialize)]
struct NewTransaction {
    account: String,
    transaction: Box<serde_json::value::RawValue>,
}

impl Control {
    /// Adds a line to an account's history and returns its number. The line is a JSON object with the documents' fields
    /// ("Transaction"); its number and `created_at` are set by the sandbox.
    ///
    /// # Errors
    /// An unknown account, or [`ControlError::InvalidTransaction`].
    pub fn add_transaction(&self, account: &str, transaction: &str) -> Result<u64, ControlError> {
        let account = self.account(account)?;
        let fields = serde_json::from_str(transaction).map_err(|_| ControlError::InvalidTransaction)?;
        self.host.command(AddTransaction { account, fields }).ok_or(ControlError::InvalidTransaction)
    }
}

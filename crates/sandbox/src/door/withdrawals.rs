//! Withdrawals: their states, the fees of quotes, one-time codes, and levels of verification.

use super::{
    control::{Control, ControlError},
    operation::{Operation, done},
};
use crate::{
    api::params::Value,
    base::money::{self, Parsed},
    exchange::{
        funds::{
            otp::SetOneTimeCode,
            quotes::SetQuotedFee,
            withdrawals::{HoldWithdrawal, MoveWithdrawal, NotMoved, WithdrawalState},
        },
        people::{SetLevel, VERIFIED},
    },
};
use rust_decimal::Decimal;
use serde::Deserialize;

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        library: "move_withdrawal",
        method: "POST",
        path: "withdrawals/{id}",
        about: r#"`{"state"}`: brings a withdrawal into a state and moves its money; its walk goes on from there, unless the state is no part of it"#,
        run: |control, input| {
            control.move_withdrawal(input.number()?, input.read::<NewState>()?.state)?;
            done()
        },
    },
    Operation {
        library: "hold_withdrawal",
        method: "POST",
        path: "withdrawals/{id}/hold",
        about: r#"`{"held"}`: stops the walk of a withdrawal, or lets it go on; then the time of its state begins again"#,
        run: |control, input| {
            control.hold_withdrawal(input.number()?, input.read::<Hold>()?.held)?;
            done()
        },
    },
    Operation {
        library: "set_quoted_fee",
        method: "POST",
        path: "quoted_fee",
        about: r#"`{"currency","fee"}`: the fee that the next quotes name; `null` for the currency's own"#,
        run: |control, input| {
            let QuotedFee { currency, fee } = input.read()?;
            let fee = fee.map(|fee| match Value::from_json(&fee).as_decimal() {
                Parsed::Exact(fee) => Ok(fee),
                _ => Err(ControlError::InvalidAmount),
            });
            control.set_quoted_fee(&currency, fee.transpose()?)?;
            done()
        },
    },
    Operation {
        library: "set_one_time_code",
        method: "POST",
        path: "one_time_code",
        about: r#"`{"account","code"}`: the code for withdrawals in profile `legacy`; `123456` if none is set"#,
        run: |control, input| {
            let OneTimeCode { account, code } = input.read()?;
            control.set_one_time_code(&account, &code)?;
            done()
        },
    },
    Operation {
        library: "set_verification_level",
        method: "POST",
        path: "verification_level",
        about: r#"`{"account","level"}`: 0 to 3, and 3 at the start; decides about payment methods and limits; with 0, deposits, withdrawals and trading are 403. A sub-account has that of the account that manages it"#,
        run: |control, input| {
            let Level { account, level } = input.read()?;
            control.set_verification_level(&account, level)?;
            done()
        },
    },
];

#[derive(Deserialize)]
struct NewState {
    state: WithdrawalState,
}

#[derive(Deserialize)]
struct Hold {
    held: bool,
}

#[derive(Deserialize)]
struct QuotedFee {
    currency: String,
    /// Text or number; read without rounding.
    fee: Option<Box<serde_json::value::RawValue>>,
}

#[derive(Deserialize)]
struct OneTimeCode {
    account: String,
    code: String,
}

#[derive(Deserialize)]
struct Level {
    account: String,
    level: u8,
}

impl From<NotMoved> for ControlError {
    fn from(why: NotMoved) -> Self {
        match why {
            NotMoved::Unknown => Self::UnknownWithdrawal,
            NotMoved::Ended => Self::WithdrawalEnded,
        }
    }
}

impl Control {
    /// Brings a withdrawal into a state, and moves its money if that is an end: `Succeed` pays it out, `Rejected`, `Canceled`
    /// and `Failed` give it back. From the other states its walk goes on, unless the state is no part of it.
    ///
    /// # Errors
    /// An unknown withdrawal, or one that has ended.
    pub fn move_withdrawal(&self, id: u64, state: WithdrawalState) -> Result<(), ControlError> {
        Ok(self.host.command(MoveWithdrawal { id, state })?)
    }

    /// Stops the walk of a withdrawal, or lets it go on. Then the time of its state begins again.
    ///
    /// # Errors
    /// An unknown withdrawal.
    pub fn hold_withdrawal(&self, id: u64, held: bool) -> Result<(), ControlError> {
        Ok(self.host.command(HoldWithdrawal { id, held })?)
    }

    /// Sets the fee that the next quotes of a currency name; `None` for the currency's own.
    ///
    /// # Errors
    /// An unknown currency, or a fee that is negative or has more digits than the currency.
    pub fn set_quoted_fee(&self, currency: &str, fee: Option<Decimal>) -> Result<(), ControlError> {
        let currency = self.host.catalogue.currency(currency).ok_or(ControlError::UnknownCurrency)?;
        let bad = |fee: Decimal| fee < Decimal::ZERO || money::fraction_digits(fee) > currency.precision;
        if fee.is_some_and(bad) {
            return Err(ControlError::InvalidAmount);
        }
        self.host.command(SetQuotedFee { currency: currency.id, fee });
        Ok(())
    }

    /// Sets the one-time code that an account must give with a withdrawal in profile `legacy`. It is `123456` if none is set,
    /// and stays valid.
    ///
    /// # Errors
    /// An unknown account.
    pub fn set_one_time_code(&self, account: &str, code: &str) -> Result<(), ControlError> {
        let account = self.account(account)?;
        self.host.command(SetOneTimeCode { account, code: code.to_owned() });
        Ok(())
    }

    /// Sets an account's level of verification, from 0 (none) to 3 (full, the level at the start). It decides which payment
    /// methods the account may use, and its limits: nothing, 10 %, 50 %, or all of the currency's. With level 0 the calls about
    /// withdrawals and beneficiaries are refused (403 `account.withdraw.not_permitted`), those about deposits and vouchers too
    /// (403 `account.deposit.not_permitted`), and so are the history and trading (403 `market.trade.not_permitted`).
    ///
    /// # Errors
    /// An unknown account, or a level above 3 or a sub-account, which has the level of the account that manages it
    /// ([`ControlError::Invalid`]).
    pub fn set_verification_level(&self, account: &str, level: u8) -> Result<(), ControlError> {
        let account = self.account(account)?;
        if level > VERIFIED || self.host.people.inherits_level(account) {
            return Err(ControlError::Invalid);
        }
        self.host.command(SetLevel { account, level });
        Ok(())
    }
}

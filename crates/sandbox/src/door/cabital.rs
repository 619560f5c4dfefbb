//! Cabital: what its customers, its staff and its time do.

use super::{
    control::{Control, ControlError},
    faults::NewFault,
    money::{JournalEntry, Ledger, exact_amount, journal_of, ledger_of},
    operation::{Operation, answer, done},
};
use crate::{
    base::id::AccountId,
    cabital::{
        Callback, CallbackKind, ConnectionState, MatchOutcome, Pa, TransactionKind, TransferDirection,
        TransferFee, TransferStatus,
        accounts::{AddAccount, PlanMatch, SetAccountLimit, SetBalance, SetOtp, SetState},
        callbacks::SetCallbackUrl,
        conversions::PlanConversion,
        room::Room,
        terms::{SetAvailable, SetFee, SetRate},
        transfers::{CustomerTransfer, EndTransfer, PlanTransfer},
    },
    host::faults::{Fault, FaultKind},
};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{json, value::RawValue};
use std::fmt;
use uuid::Uuid;

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        library: "cabital().add_account",
        method: "POST",
        path: "cabital/accounts",
        about: r#"`{"user_ext_ref","state","link_mode"}`: opens an account without money; `CREATED` and not in link mode if these are left out; answers with its id"#,
        run: |control, input| {
            let NewAccount { user_ext_ref, state, link_mode } = input.read()?;
            let state = state.unwrap_or(ConnectionState::Created);
            Ok(json!({ "account_id": control.cabital().add_account(&user_ext_ref, state, link_mode)? }))
        },
    },
    Operation {
        library: "cabital().set_balance",
        method: "POST",
        path: "cabital/balance",
        about: r#"`{"account","symbol","amount"}`: sets what the account has available"#,
        run: |control, input| {
            let NewBalance { account, symbol, amount } = input.read()?;
            control.cabital().set_balance(&account, &symbol, exact_amount(&amount)?)?;
            done()
        },
    },
    Operation {
        library: "cabital().set_state",
        method: "POST",
        path: "cabital/state",
        about: r#"`{"account","state"}`: brings the connection into a state, such as `MATCHED` or `UNLINKED`, and tells the partner"#,
        run: |control, input| {
            let NewState { account, state } = input.read()?;
            control.cabital().set_state(&account, state)?;
            done()
        },
    },
    Operation {
        library: "cabital().set_one_time_code",
        method: "POST",
        path: "cabital/otp",
        about: r#"`{"account","code","required","lifetime_ms"}`: the code of the authenticator, `123456` if none is set; `null` removes the authenticator. `required` refuses debits without a code. After `lifetime_ms` the code is wrong"#,
        run: |control, input| {
            let NewOtp { account, code, required, lifetime_ms } = input.read()?;
            control.cabital().set_one_time_code(&account, code.as_deref(), required, lifetime_ms)?;
            done()
        },
    },
    Operation {
        library: "cabital().set_account_limit",
        method: "POST",
        path: "cabital/limit",
        about: r#"`{"account","symbol","daily"}`: the most that the account may move in a day (`PA020`); `null` removes the limit"#,
        run: |control, input| {
            let NewLimit { account, symbol, daily } = input.read()?;
            let daily = daily.as_deref().map(exact_amount).transpose()?;
            control.cabital().set_account_limit(&account, &symbol, daily)?;
            done()
        },
    },
    Operation {
        library: "cabital().plan_match",
        method: "POST",
        path: "cabital/match",
        about: r#"`{"account","outcome":{"result","mismatch_fields"}}`: the outcome of the next name match, `PASS`, `MISMATCH` or `PENDING`; without a plan it is `PASS`"#,
        run: |control, input| {
            let NewMatch { account, outcome } = input.read()?;
            control.cabital().plan_match(&account, outcome)?;
            done()
        },
    },
    Operation {
        library: "cabital().set_available",
        method: "POST",
        path: "cabital/available",
        about: r#"`{"kind","symbol","allow"}`: switches `credit`, `debit` or `conversion` on or off for a currency (`PA006`), or without a symbol for all (`PA005`)"#,
        run: |control, input| {
            let NewAvailable { kind, symbol, allow } = input.read()?;
            control.cabital().set_available(kind, symbol.as_deref(), allow)?;
            done()
        },
    },
    Operation {
        library: "cabital().set_fee",
        method: "POST",
        path: "cabital/fee",
        about: r#"`{"symbol","fee":{"customer","percent","value","min","max"}}`: the fee of debits, paid by the customer or the partner; `null` for none"#,
        run: |control, input| {
            let NewFee { symbol, fee } = input.read()?;
            control.cabital().set_fee(&symbol, fee)?;
            done()
        },
    },
    Operation {
        library: "cabital().set_quote",
        method: "POST",
        path: "cabital/quote",
        about: r#"`{"pair","quote"}`: the price in the next quotes of a pair in Cabital's own order"#,
        run: |control, input| {
            let NewQuote { pair, quote } = input.read()?;
            control.cabital().set_quote(&pair, exact_amount(&quote)?)?;
            done()
        },
    },
    Operation {
        library: "cabital().plan_transfer",
        method: "POST",
        path: "cabital/transfers/next",
        about: r#"`{"status","succeeds_after_ms"}`: what the next transfer of the partner becomes instead of `SUCCESS`; one that is `PROCESSING` may succeed that much later"#,
        run: |control, input| {
            let NewPlan { status, succeeds_after_ms } = input.read()?;
            control.cabital().plan_transfer(status, succeeds_after_ms);
            done()
        },
    },
    Operation {
        library: "cabital().plan_conversion",
        method: "POST",
        path: "cabital/conversions/next",
        about: r#"`{"status"}`: what the next conversion becomes instead of `SUCCESS`; then no money moves"#,
        run: |control, input| {
            let NewPlan { status, .. } = input.read()?;
            control.cabital().plan_conversion(status);
            done()
        },
    },
    Operation {
        library: "cabital().customer_transfer",
        method: "POST",
        path: "cabital/transfers",
        about: r#"`{"account","symbol","direction","amount"}`: the customer asks for a transfer; the partner is told, and it waits for the partner's result; answers with its id"#,
        run: |control, input| {
            let NewTransfer { account, symbol, direction, amount } = input.read()?;
            let amount = exact_amount(&amount)?;
            let id = control.cabital().customer_transfer(&account, &symbol, direction, amount)?;
            Ok(json!({ "transfer_id": id }))
        },
    },
    Operation {
        library: "cabital().end_transfer",
        method: "POST",
        path: "cabital/transfers/end",
        about: r#"`{"transfer_id","status"}`: ends a transfer that is `PROCESSING`, and moves its money"#,
        run: |control, input| {
            let NewEnd { transfer_id, status } = input.read()?;
            control.cabital().end_transfer(&transfer_id, status)?;
            done()
        },
    },
    Operation {
        library: "cabital().set_callback_url",
        method: "POST",
        path: "cabital/callbacks",
        about: r#"`{"url","kind"}`: where callbacks go; `null` ends them. The kind is `account`, `link` or `transfer`; all of them if it is left out"#,
        run: |control, input| {
            let NewUrl { url, kind } = input.read()?;
            control.cabital().set_callback_url(kind, url.as_deref())?;
            done()
        },
    },
    Operation {
        library: "cabital().callbacks",
        method: "GET",
        path: "cabital/callbacks/{after}",
        about: "up to 1,000 callbacks after that number, oldest first, with their attempts",
        run: |control, input| answer(&control.cabital().callbacks(input.number()?)),
    },
    Operation {
        library: "cabital().inject, cabital().fail_next_with",
        method: "POST",
        path: "cabital/faults",
        about: r#"the same as `POST faults` for Cabital's calls; or `{"code","method","path","times"}` answers with that business error"#,
        run: |control, input| {
            match input.read::<NewCode>() {
                Ok(NewCode { code, method, path, times }) => {
                    let fault = Fault { method, path, times: times.unwrap_or(1), ..code_fault(&code)? };
                    control.cabital().inject(fault);
                }
                Err(_) => control.cabital().inject(input.read::<NewFault>()?.fault()?),
            }
            done()
        },
    },
    Operation {
        library: "cabital().clear_faults",
        method: "POST",
        path: "cabital/faults/clear",
        about: "removes the faults of Cabital's calls",
        run: |control, _| {
            control.cabital().clear_faults();
            done()
        },
    },
    Operation {
        library: "cabital().ledger",
        method: "GET",
        path: "cabital/ledger",
        about: "Cabital's balances, and each currency's sum",
        run: |control, _| answer(&control.cabital().ledger()),
    },
    Operation {
        library: "cabital().journal",
        method: "GET",
        path: "cabital/journal/{after}",
        about: "up to 1,000 movements of Cabital's money after that number, oldest first",
        run: |control, input| answer(&control.cabital().journal(input.number()?)),
    },
];

#[derive(Deserialize)]
struct NewAccount {
    user_ext_ref: String,
    state: Option<ConnectionState>,
    #[serde(default)]
    link_mode: bool,
}

#[derive(Deserialize)]
struct NewBalance {
    account: String,
    symbol: String,
    amount: Box<RawValue>,
}

#[derive(Deserialize)]
struct NewState {
    account: String,
    state: ConnectionState,
}

#[derive(Deserialize)]
struct NewOtp {
    account: String,
    code: Option<String>,
    #[serde(default)]
    required: bool,
    lifetime_ms: Option<i64>,
}

#[derive(Deserialize)]
struct NewLimit {
    account: String,
    symbol: String,
    daily: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
struct NewMatch {
    account: String,
    outcome: MatchOutcome,
}

#[derive(Deserialize)]
struct NewAvailable {
    kind: TransactionKind,
    symbol: Option<String>,
    allow: bool,
}

#[derive(Deserialize)]
struct NewFee {
    symbol: String,
    fee: Option<TransferFee>,
}

#[derive(Deserialize)]
struct NewQuote {
    pair: String,
    quote: Box<RawValue>,
}

#[derive(Deserialize)]
struct NewPlan {
    status: TransferStatus,
    succeeds_after_ms: Option<i64>,
}

#[derive(Deserialize)]
struct NewTransfer {
    account: String,
    symbol: String,
    direction: TransferDirection,
    amount: Box<RawValue>,
}

#[derive(Deserialize)]
struct NewEnd {
    transfer_id: String,
    status: TransferStatus,
}

#[derive(Deserialize)]
struct NewUrl {
    url: Option<String>,
    kind: Option<CallbackKind>,
}

#[derive(Deserialize)]
struct NewCode {
    code: String,
    method: Option<String>,
    path: Option<String>,
    times: Option<u32>,
}

/// A fault that answers the next call with a business error.
fn code_fault(code: &str) -> Result<Fault, ControlError> {
    let pa = Pa::find(code).ok_or(ControlError::UnknownCode)?;
    let content_type = Some("application/json".to_owned());
    Ok(Fault::next(FaultKind::Answer { status: pa.status().as_u16(), body: pa.body(), content_type }))
}

/// The control door of Cabital's side.
#[derive(Clone)]
pub struct CabitalControl {
    control: Control,
}

impl fmt::Debug for CabitalControl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CabitalControl").finish_non_exhaustive()
    }
}

impl Control {
    /// The control door of Cabital's side. The clock is the same as the exchange's.
    #[must_use]
    pub fn cabital(&self) -> CabitalControl {
        CabitalControl { control: self.clone() }
    }
}

impl From<Pa> for ControlError {
    fn from(pa: Pa) -> Self {
        match pa {
            Pa::NO_ACCOUNT => Self::UnknownCabitalAccount,
            Pa { code, .. } => Self::Cabital(code),
        }
    }
}

fn account(id: &str) -> Result<Uuid, ControlError> {
    id.parse().map_err(|_| ControlError::UnknownCabitalAccount)
}

/// An error if a symbol or a pair is not known.
fn known(is_known: bool, otherwise: Pa) -> Result<(), ControlError> {
    if is_known { Ok(()) } else { Err(otherwise.into()) }
}

impl CabitalControl {
    fn room(&self) -> &Room {
        &self.control.host.cabital
    }

    /// Opens an account without money, and returns its id. `user_ext_ref` is the partner's own name for the customer. In link
    /// mode its callbacks are sent with PUT.
    ///
    /// # Errors
    /// [`ControlError::Taken`] if the reference is taken, empty, or longer than 50 characters.
    pub fn add_account(
        &self,
        user_ext_ref: &str,
        state: ConnectionState,
        link_mode: bool,
    ) -> Result<String, ControlError> {
        let command = AddAccount { user_ext_ref: user_ext_ref.to_owned(), state, link_mode };
        self.room().command(command).map(|id| id.to_string()).ok_or(ControlError::Taken)
    }

    /// Sets what an account has available of a currency.
    ///
    /// # Errors
    /// An unknown account or symbol (`PA015`), or an amount below zero or with too many digits (`PA028`).
    pub fn set_balance(&self, id: &str, symbol: &str, amount: Decimal) -> Result<(), ControlError> {
        let command = SetBalance { account: account(id)?, symbol: symbol.to_owned(), amount };
        Ok(self.room().command(command)?)
    }

    /// Brings the connection of an account into a state. If the state is new, the partner is told by a callback.
    ///
    /// # Errors
    /// An unknown account.
    pub fn set_state(&self, id: &str, state: ConnectionState) -> Result<(), ControlError> {
        Ok(self.room().command(SetState { account: account(id)?, state })?)
    }

    /// Sets the one-time code of an account, `123456` at the start; `None` removes the authenticator. With `required`, debits
    /// without a code are refused. After `lifetime_ms` on the exchange's clock the code is wrong.
    ///
    /// # Errors
    /// An unknown account.
    pub fn set_one_time_code(
        &self,
        id: &str,
        code: Option<&str>,
        required: bool,
        lifetime_ms: Option<i64>,
    ) -> Result<(), ControlError> {
        let (account, code) = (account(id)?, code.map(str::to_owned));
        Ok(self.room().command(SetOtp { account, code, required, lifetime_ms })?)
    }

    /// Sets the most that an account may move of a currency in a day by UTC; `None` removes the limit.
    ///
    /// # Errors
    /// An unknown account or symbol.
    pub fn set_account_limit(
        &self,
        id: &str,
        symbol: &str,
        daily: Option<Decimal>,
    ) -> Result<(), ControlError> {
        let command = SetAccountLimit { account: account(id)?, symbol: symbol.to_owned(), daily };
        Ok(self.room().command(command)?)
    }

    /// Plans the outcome of the next name match of an account, after those that are planned already. Without a plan it passes.
    ///
    /// # Errors
    /// An unknown account.
    pub fn plan_match(&self, id: &str, outcome: MatchOutcome) -> Result<(), ControlError> {
        Ok(self.room().command(PlanMatch { account: account(id)?, outcome })?)
    }

    /// Switches a kind of transaction on or off, for one currency or for all.
    ///
    /// # Errors
    /// An unknown symbol.
    pub fn set_available(
        &self,
        kind: TransactionKind,
        symbol: Option<&str>,
        allow: bool,
    ) -> Result<(), ControlError> {
        let command = SetAvailable { kind, symbol: symbol.map(str::to_owned), allow };
        known(self.room().command(command), Pa::WRONG_SYMBOL)
    }

    /// Sets the fee of debits of a currency; `None` for no fee.
    ///
    /// # Errors
    /// An unknown symbol.
    pub fn set_fee(&self, symbol: &str, fee: Option<TransferFee>) -> Result<(), ControlError> {
        known(self.room().command(SetFee { symbol: symbol.to_owned(), fee }), Pa::WRONG_SYMBOL)
    }

    /// Sets the price in the next quotes of a pair, which is named in Cabital's own order. Quotes that were given are not
    /// changed.
    ///
    /// # Errors
    /// An unknown pair, or a price that is not above zero or has more than 8 digits after the point (`PA018`).
    pub fn set_quote(&self, pair: &str, quote: Decimal) -> Result<(), ControlError> {
        known(self.room().command(SetRate { pair: pair.to_owned(), quote }), Pa::NO_PAIR)
    }

    /// Plans what the next transfer of the partner becomes instead of `SUCCESS`, after those that are planned already. One that
    /// is `PROCESSING` succeeds `succeeds_after_ms` later, or waits for [`end_transfer`](Self::end_transfer).
    pub fn plan_transfer(&self, status: TransferStatus, succeeds_after_ms: Option<i64>) {
        self.room().command(PlanTransfer { status, succeeds_after_ms });
    }

    /// Plans what the next conversion becomes instead of `SUCCESS`, after those that are planned already. No money moves then.
    pub fn plan_conversion(&self, status: TransferStatus) {
        self.room().command(PlanConversion(status));
    }

    /// A customer asks for a transfer in Cabital's own program. The partner is told by a callback, and has to report the
    /// result. Returns the id of the transfer.
    ///
    /// # Errors
    /// An unknown account, or a business error such as `PA002`.
    pub fn customer_transfer(
        &self,
        id: &str,
        symbol: &str,
        direction: TransferDirection,
        amount: Decimal,
    ) -> Result<String, ControlError> {
        let (account, symbol, amount) = (account(id)?, symbol.to_owned(), amount.to_string());
        let command = CustomerTransfer { account, symbol, direction, amount };
        Ok(self.room().command(command)?.to_string())
    }

    /// Ends a transfer that is `PROCESSING`, and moves its money.
    ///
    /// # Errors
    /// [`ControlError::UnknownTransfer`], [`ControlError::TransferEnded`]
    pub fn end_transfer(&self, transfer_id: &str, status: TransferStatus) -> Result<(), ControlError> {
        let transfer = transfer_id.parse().map_err(|_| ControlError::UnknownTransfer)?;
        match self.room().command(EndTransfer { transfer, status }) {
            None => Err(ControlError::UnknownTransfer),
            Some(false) => Err(ControlError::TransferEnded),
            Some(true) => Ok(()),
        }
    }

    /// Sets where the callbacks of a kind, or of all kinds, go; `None` ends them. Callbacks on their way keep their URL.
    ///
    /// # Errors
    /// [`ControlError::NotLoopback`] if the URL does not lead to this machine, or to a host that
    /// [`Builder::webhook_host`](crate::Builder::webhook_host) allows.
    pub fn set_callback_url(
        &self,
        kind: Option<CallbackKind>,
        url: Option<&str>,
    ) -> Result<(), ControlError> {
        if !url.is_none_or(|url| self.room().may_tell(url)) {
            return Err(ControlError::NotLoopback);
        }
        self.room().command(SetCallbackUrl { kind, url: url.map(str::to_owned) });
        Ok(())
    }

    /// Up to 1,000 callbacks whose number is above `after`, oldest first.
    #[must_use]
    pub fn callbacks(&self, after: u64) -> Vec<Callback> {
        self.room().callbacks(after)
    }

    /// Plans a fault for Cabital's calls. Paths are those after `/api/v1`, such as `/accounts/{account_id}/transfers`.
    pub fn inject(&self, fault: Fault) {
        self.control.host.cabital_faults.add(fault);
    }

    /// Answers Cabital's next call with a business error, such as `PA021`; it is not carried out.
    ///
    /// # Errors
    /// [`ControlError::UnknownCode`]
    pub fn fail_next_with(&self, code: &str) -> Result<(), ControlError> {
        self.inject(code_fault(code)?);
        Ok(())
    }

    /// Removes every planned fault of Cabital's calls.
    pub fn clear_faults(&self) {
        self.control.host.cabital_faults.clear();
    }

    /// Every balance, named by the id of its account, and the proof that each currency sums to zero.
    #[must_use]
    pub fn ledger(&self) -> Ledger {
        self.room().read_ledger(|books, accounts, currencies| {
            let members = accounts.iter().map(|(id, uuid)| (*id, uuid.to_string(), Some(uuid.to_string())));
            ledger_of(books, members, currencies)
        })
    }

    /// Up to 1,000 movements of money whose number is above `after`, oldest first.
    #[must_use]
    pub fn journal(&self, after: u64) -> Vec<JournalEntry> {
        self.room().read_ledger(|books, accounts, _| {
            let name = |id: AccountId| {
                let account = accounts.iter().find(|(known, _)| *known == id);
                account.map(|(_, uuid)| uuid.to_string()).unwrap_or_default()
            };
            journal_of(books, after, name)
        })
    }
}

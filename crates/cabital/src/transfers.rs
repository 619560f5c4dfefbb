//! Transfers between Cabital and the partner's account of the same person (documents: "账户双向划转" and what is around it).

mod follow;
mod report;
pub(crate) mod submit;

pub use follow::{FollowTransfer, FollowedTransfer};
pub use report::{ReportResult, TransferResult};
pub use submit::Submitted;

use crate::{
    Amount, AmountArg, PARTNER,
    args::{OneTimeCode, Second, given, only},
    codes::CODES,
    light::Part,
    models::{
        AccountId, ConversionId, Direction, ExternalId, Symbol, Transfer, TransferId, TransferList,
        TransferMade,
    },
};
use capecrypto_auth::Environment;
use capecrypto_models::{
    Arg, Timestamp,
    param::{Bound, Fields, Name, Params},
};
use capecrypto_rest::{Checks, Cursored, Limit, Mismatch, Nothing, endpoints, request};

endpoints! { PARTNER signed; codes CODES; hints crate::codes::hint; probe capecrypto_probe::Probe;
    GET  "/accounts/{account_id}/transfers"               ListTransfers -> TransferList,
        checked secrets("external_ref_id") reviewed;
    GET  "/accounts/{account_id}/transfers/{transfer_id}" GetTransfer -> Transfer,
        secrets("external_ref_id") reviewed;
    POST "/accounts/{account_id}/transfers"               CreateTransfer -> TransferMade,
        same_key secrets("otp") reviewed;
    PUT  "/accounts/{account_id}/transfers/{transfer_id}" ReportResult -> Nothing,
        idempotent secrets("message") unreviewed("only the status matters");
}

request! {
    /// Lists the transfers of an account (documents: "账户划转列表"). [`Cabital::items`](crate::Cabital::items) reads all parts.
    pub struct ListTransfers {
        account_id: Arg<AccountId>,
    }
    optional {
        /// Only this direction.
        direction: Direction,
        /// Only this currency.
        symbol: Arg<Symbol>,
        /// The place where the list continues, from an earlier answer. Cabital begins with the newest when left out.
        cursor: String,
        /// Most rows of a part, 1 to 30; 10 when left out.
        page_size: Limit<30>,
        /// Only those with a conversion, or only those without.
        has_conversion: bool,
        /// Only those made at this time or later. It is sent in seconds.
        created_from: Moment<false>,
        /// Only those made until this time. It is sent in seconds.
        created_to: Moment<true>,
    }
}

/// The start, or with `END` the end, of a range of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment<const END: bool>(Timestamp);

impl<const END: bool> From<Timestamp> for Moment<END> {
    fn from(time: Timestamp) -> Self {
        Self(time)
    }
}

impl<const END: bool> capecrypto_models::param::Param for Moment<END> {
    fn write(&self, place: &mut dyn capecrypto_models::param::Place) {
        Second { time: self.0, bound: if END { Bound::To } else { Bound::From } }.write(place);
    }
}

impl ListTransfers {
    /// All transfers of this account.
    pub fn new(account: impl Into<Arg<AccountId>>) -> Self {
        Self::with(account.into())
    }

    fn check_arguments(&self, checks: &mut Checks<'_>) {
        if let (Some(Moment(from)), Some(Moment(to))) = (self.created_from, self.created_to)
            && to < from
        {
            checks.refuse("created_to", "it is before created_from", "give the earlier time as created_from");
        }
    }

    fn review_answer(&self, list: &mut TransferList, _: &Environment) -> Result<(), Mismatch> {
        let rows = || list.transfers().iter();
        only("direction", self.direction.as_ref(), rows().map(|row| row.direction.clone()))?;
        only("symbol", given(self.symbol.as_ref()), rows().map(|row| row.symbol.clone()))?;
        only("conversion_id", self.has_conversion.as_ref(), rows().map(|row| row.conversion_id.is_some()))?;
        // The wire has whole seconds.
        let seconds = |moment: Timestamp| moment.as_unix_seconds();
        let outside = |row: &Transfer| {
            let at = seconds(row.created_at);
            self.created_from.is_some_and(|Moment(from)| at < seconds(from))
                || self.created_to.is_some_and(|Moment(to)| at > seconds(to) + 1)
        };
        if rows().any(outside) { Err(Mismatch { field: "created_at" }) } else { Ok(()) }
    }
}

impl Cursored for ListTransfers {
    type Row = Transfer;
    type Key = TransferId;

    fn set_cursor(&mut self, cursor: &str) {
        self.cursor = Some(cursor.to_owned());
    }

    fn part(answer: TransferList) -> (Vec<Transfer>, Option<String>) {
        answer.into_parts()
    }

    fn key(row: &Transfer) -> TransferId {
        row.transfer_id.clone()
    }
}

request! {
    /// Reads one transfer (documents: "账户划转详情").
    pub struct GetTransfer {
        account_id: Arg<AccountId>,
        transfer_id: Arg<TransferId>,
    }
}

impl GetTransfer {
    /// The transfer with this id. By your own id it is read with
    /// [`GetReconciliation`](crate::partner::GetReconciliation).
    pub fn new(account: impl Into<Arg<AccountId>>, transfer: impl Into<Arg<TransferId>>) -> Self {
        Self::with(account.into(), transfer.into())
    }

    fn review_answer(&self, transfer: &mut Transfer, _: &Environment) -> Result<(), Mismatch> {
        Mismatch::check("transfer_id", self.transfer_id.value().ok(), Some(&transfer.transfer_id))
    }
}

/// Moves money between Cabital and the partner (documents: "账户双向划转").
///
/// Your own id is needed, because it is the only key by which a transfer whose answer was lost is found again. After an unknown outcome
/// the request is sent once more with the same nonce, and [`submit`](Self::submit) reads the transfer by its id.
///
/// A customer with a second factor ([`otp_ready`](crate::models::AccountDetail::otp_ready)) gives a code, which lives 30 seconds. The
/// repetition may come too late for it: then PA008 refuses the repetition, which says nothing about the first request.
///
/// ```no_run
/// # async fn example(cabital: cabital::Cabital) {
/// use cabital::{models::ExternalId, transfers::{CreateTransfer, Submitted}};
/// use capecrypto_models::dec;
/// let id = ExternalId::random(); // keep it first
/// let account = "6d92e7b4-715c-4ce3-a028-19f1c8c9fa6c";
/// let transfer = CreateTransfer::to_partner(account, ("USDT", dec!(1002.865)), &id).otp("123456");
/// match transfer.submit(&cabital).await {
///     Submitted::Made(made) => println!("{} is {}", made.transfer_id, made.status),
///     Submitted::Found(found) => println!("its answer was lost; {} is {}", found.transfer_id, found.status),
///     Submitted::NotDone(error) => println!("nothing was moved: {error}"),
///     Submitted::Unknown(error) => println!("ask again later for {id}: {error}"),
///     _ => {}
/// }
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "a request does nothing until it is sent"]
pub struct CreateTransfer {
    account_id: Arg<AccountId>,
    amount: AmountArg,
    direction: Direction,
    external_id: Arg<ExternalId>,
    otp: Option<Arg<OneTimeCode>>,
    conversion_id: Option<Arg<ConversionId>>,
}

impl Params for CreateTransfer {
    fn write_fields(&self, fields: &mut dyn Fields) {
        fields.field(Name::new("account_id"), &self.account_id);
        fields.field(Name::new("amount"), &Part(&self.amount, Amount::get));
        if self.amount.0.is_ok() {
            fields.field(Name::new("symbol"), &Part(&self.amount, |amount| amount.symbol().clone()));
        }
        fields.field(Name::new("otp"), &self.otp);
        fields.field(Name::new("direction"), &self.direction);
        fields.field(Name::new("conversion_id"), &self.conversion_id);
        fields.field(Name::new("external_id"), &self.external_id);
    }
}

impl CreateTransfer {
    fn new(
        account: Arg<AccountId>,
        amount: AmountArg,
        direction: Direction,
        external_id: Arg<ExternalId>,
    ) -> Self {
        Self { account_id: account, amount, direction, external_id, otp: None, conversion_id: None }
    }

    /// From Cabital to the partner (`DEBIT`).
    pub fn to_partner(
        account: impl Into<Arg<AccountId>>,
        amount: impl Into<AmountArg>,
        external_id: impl Into<Arg<ExternalId>>,
    ) -> Self {
        Self::new(account.into(), amount.into(), Direction::Debit, external_id.into())
    }

    /// From the partner to Cabital (`CREDIT`).
    pub fn to_cabital(
        account: impl Into<Arg<AccountId>>,
        amount: impl Into<AmountArg>,
        external_id: impl Into<Arg<ExternalId>>,
    ) -> Self {
        Self::new(account.into(), amount.into(), Direction::Credit, external_id.into())
    }

    /// Sets the code of the customer's authenticator, 6 to 8 digits.
    pub fn otp(self, code: impl Into<Arg<OneTimeCode>>) -> Self {
        Self { otp: Some(code.into()), ..self }
    }

    /// Moves what this conversion bought. A conversion is used once, and not more than it bought is moved. See
    /// [`ConvertAndTransfer`](crate::ConvertAndTransfer).
    pub fn conversion(self, id: impl Into<Arg<ConversionId>>) -> Self {
        Self { conversion_id: Some(id.into()), ..self }
    }

    fn review_answer(&self, answer: &mut TransferMade, _: &Environment) -> Result<(), Mismatch> {
        let asked = self.external_id.value().ok().map(ExternalId::as_str);
        Mismatch::check("external_id", asked.as_ref(), answer.external_id.as_deref().as_ref())?;
        let amount = self.amount.0.as_ref().ok().map(Amount::get);
        Mismatch::check("instructed_amount", amount.as_ref(), Some(&answer.instructed_amount))
    }
}

#[cfg(test)]
mod samples {
    use super::*;
    use crate::accounts::samples::ACCOUNT;
    use capecrypto_models::dec;
    use capecrypto_probe::{PartnerSeed, Samples, time};

    const TRANSFER: &str = "4c416854-8970-4838-99ad-febc437ac81d";

    impl Samples for ListTransfers {
        fn smallest() -> Self {
            Self::new(ACCOUNT)
        }
        fn fullest() -> Self {
            let list = Self::new(ACCOUNT).direction(Direction::Debit).symbol("USDT").cursor("-1");
            list.page_size(30).has_conversion(true).created_from(time(0)).created_to(time(1))
        }
        fn answered_to_partner(seed: &PartnerSeed) -> Vec<Self> {
            let own = Self::new(seed.account);
            let full = own.clone().direction(Direction::Debit).symbol("ETH").cursor("-1").page_size(30);
            vec![own, full.has_conversion(true).created_from(time(0))]
        }
    }

    impl Samples for GetTransfer {
        fn smallest() -> Self {
            Self::new(ACCOUNT, TRANSFER)
        }
        fn answered_to_partner(seed: &PartnerSeed) -> Vec<Self> {
            vec![Self::new(seed.account, seed.transfer)]
        }
    }

    impl Samples for CreateTransfer {
        fn smallest() -> Self {
            Self::to_partner(ACCOUNT, ("USDT", dec!(1002.865)), "adb8f31d-7a71-4003-85d7-3ac58158461f")
        }
        fn fullest() -> Self {
            Self::smallest().otp("004217").conversion("d81adf6d-0322-41d7-8c32-669203e35f11")
        }
        fn answered_to_partner(seed: &PartnerSeed) -> Vec<Self> {
            let debit = Self::to_partner(seed.account, ("ETH", dec!(0.1)), "the-probe-1").otp("123456");
            let credit = Self::to_cabital(seed.account, ("EUR", dec!(100)), "the-probe-2");
            vec![debit.conversion(seed.conversion), credit]
        }
    }

    impl Samples for ReportResult {
        fn smallest() -> Self {
            Self::success(ACCOUNT, TRANSFER)
        }
        fn fullest() -> Self {
            Self::failed(ACCOUNT, TRANSFER, "canary: the bank of Jane Doe").data("reason", "R-7")
        }
        fn answered_to_partner(seed: &PartnerSeed) -> Vec<Self> {
            vec![Self::failed(seed.account, seed.reported, "the bank is closed").data("reason", "R-7")]
        }
    }
}

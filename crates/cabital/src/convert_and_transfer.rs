//! Conversion and transfer as one piece of work (documents: "C+T"): for a currency that cannot be moved, it is converted first, and what
//! was bought is moved.

mod notes;

use crate::{
    Amount, AmountArg, Cabital,
    accounts::ListBalances,
    args::OneTimeCode,
    conversions::{Conversion, Converted, CreateConversion, UnknownConversion},
    models::{
        AccountId, Balances, ConversionId, ConversionMade, ConversionStatus, ExternalId, Reconciliation,
        TransferMade,
    },
    transfers::{CreateTransfer, Submitted, submit::look_up},
};
use capecrypto_models::{Arg, Malformed};
use capecrypto_rest::{Error, IntentLogError, InvalidArgument};
use notes::{Bought, Notes, is_of_work};

/// Converts, and moves what was bought to the partner.
///
/// It is safe to call [`run`](Self::run) again with the same external id, also after a crash: nothing is converted twice, and nothing is
/// moved twice. Two notes in the client's [`IntentLog`](capecrypto_rest::IntentLog) tell how far the work came: the first is made before
/// anything is converted, the second when the conversion's answer is there. So use a log that outlives the process, such as a
/// [`FileIntentLog`](capecrypto_rest::FileIntentLog), and keep the external id.
///
/// * Once the answer of the conversion was noted, the work ends with one transfer.
/// * If it was not, nobody can tell whether the conversion was made, because no documented call reads one: the work ends with
///   [`ConversionUnknown`](Done::ConversionUnknown), and no second conversion is made for this external id.
/// * A transfer that is there already with this external id is taken for this work's if it is of the same account and currency and, where
///   the amount was given ([`amount`](Self::amount), [`Conversion::buy`]), of the same amount.
///
/// ```no_run
/// # async fn example(cabital: cabital::Cabital) -> Result<(), Box<dyn std::error::Error>> {
/// use cabital::{ConvertAndTransfer, convert_and_transfer::Done, conversions::Conversion, models::ExternalId, partner::GetQuote};
/// use capecrypto_models::dec;
/// let id: ExternalId = "order-4711".parse()?; // your own, kept in your database
/// let quote = cabital.send(GetQuote::new("BTC-EUR")).await?;
/// let conversion = Conversion::sell(("BTC", dec!(0.01)), &quote);
/// let work = ConvertAndTransfer::new("6d92e7b4-715c-4ce3-a028-19f1c8c9fa6c", conversion, &id).otp("123456");
/// match work.run(&cabital).await {
///     Done::Transferred(transfer) => println!("{} is {}", transfer.id(), transfer.status()),
///     Done::Nothing(error) => println!("nothing was done, try again with a new quote: {error}"),
///     other => println!("{other:?}; run it again with the same id"),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "nothing is done until `run` is called"]
pub struct ConvertAndTransfer {
    account: Arg<AccountId>,
    conversion: Conversion,
    external_id: Arg<ExternalId>,
    amount: Option<AmountArg>,
    otp: Option<Arg<OneTimeCode>>,
}

/// How the work stands.
#[derive(Debug)]
#[non_exhaustive]
pub enum Done {
    /// There is one transfer. Look at its status.
    Transferred(TransferDone),
    /// Nothing was converted, and nothing was moved. It may be run again, with a new quote.
    Nothing(Error),
    /// This run did nothing, because it could not ask whether an earlier run has done all of it. Run it again with the same external id.
    NotLookedUp(Error),
    /// It may have been converted. Nothing was moved. Look at the balances, and then [`forget`] the work.
    ConversionUnknown(Box<UnknownConversion>),
    /// The program ended while it converted, so that it may have been converted. Nothing was moved. Look at the balances, and then
    /// [`forget`] the work.
    ConversionInterrupted {
        /// The balances of the two currencies before it: code and amount, as they were noted.
        before: Vec<(String, String)>,
        /// The balances now.
        after: Result<Balances, Error>,
    },
    /// The conversion has another status than SUCCESS. Nothing was moved; a further run tries to.
    NotSuccessful(ConversionMade),
    /// It was converted, and nothing was moved, for this reason. A further run moves it.
    NotTransferred {
        /// The conversion.
        conversion: ConversionId,
        /// Why it was not moved.
        error: Error,
    },
    /// It was converted, and it may have been moved. A further run finds out.
    TransferUnknown {
        /// The conversion.
        conversion: ConversionId,
        /// Why it is unknown.
        error: Error,
    },
    /// Another run of the same work is in progress.
    Busy,
    /// A note could not be kept, so the work stopped. If there is a conversion, keep its id: the log does not have it.
    NotKept {
        /// Why.
        error: IntentLogError,
        /// The conversion, if it was made.
        conversion: Option<ConversionMade>,
    },
}

/// The transfer at the end of the work.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransferDone {
    /// It was made now.
    Made(TransferMade),
    /// It was found by its external id: its answer was lost, or an earlier run made it.
    Found(Box<Reconciliation>),
}

impl TransferDone {
    /// The transfer's id.
    pub fn id(&self) -> &crate::models::TransferId {
        match self {
            Self::Made(made) => &made.transfer_id,
            Self::Found(found) => &found.transfer_id,
        }
    }

    /// The transfer's status.
    pub fn status(&self) -> &crate::models::TransferStatus {
        match self {
            Self::Made(made) => &made.status,
            Self::Found(found) => &found.status,
        }
    }
}

impl ConvertAndTransfer {
    /// Converts, and moves all that is bought, under this external id.
    pub fn new(
        account: impl Into<Arg<AccountId>>,
        conversion: Conversion,
        external_id: impl Into<Arg<ExternalId>>,
    ) -> Self {
        Self { account: account.into(), conversion, external_id: external_id.into(), amount: None, otp: None }
    }

    /// Moves only this much of what is bought. More than is bought is refused before anything is converted.
    pub fn amount(self, amount: impl Into<AmountArg>) -> Self {
        Self { amount: Some(amount.into()), ..self }
    }

    /// Sets the code of the customer's authenticator for the transfer. It lives 30 seconds.
    pub fn otp(self, code: impl Into<Arg<OneTimeCode>>) -> Self {
        Self { otp: Some(code.into()), ..self }
    }

    /// Does what is left of the work, and says how it stands.
    pub async fn run(&self, cabital: &Cabital) -> Done {
        let external_id = match self.external_id.value() {
            Ok(external_id) => external_id,
            Err(reason) => return Done::Nothing(refused("external_id", reason).into()),
        };
        let notes = Notes::new(cabital, external_id);
        match notes.read().await {
            Err(error) => return Done::NotKept { error, conversion: None },
            Ok(noted) if noted.is_begun() => {
                return finish(cabital, &notes, noted, self.otp.as_ref()).await;
            }
            Ok(_) => {}
        }
        // Not before: what was begun goes on with its own amounts.
        let (account, moved) = match self.checked() {
            Ok(checked) => checked,
            Err(refused) => return Done::Nothing(refused.into()),
        };
        // The work may be done already, so that its notes are closed.
        match look_up(cabital, external_id).await {
            Ok(None) => {}
            Ok(Some(found)) => return self.earlier(found, account, &moved),
            Err(error) => return Done::NotLookedUp(error),
        }
        let before = match cabital.send(ListBalances::new(account)).await {
            Ok(before) => before,
            Err(error) => return Done::Nothing(error),
        };
        match notes.begin(account, &self.conversion, &before).await {
            Ok(true) => {}
            Ok(false) => return Done::Busy,
            Err(error) => return Done::NotKept { error, conversion: None },
        }
        let request = CreateConversion::new(account, self.conversion.clone());
        let made = match request.submit_after(cabital, before).await {
            Converted::Made(made) => made,
            Converted::NotDone(error) => {
                notes.close("nothing was converted").await;
                return Done::Nothing(error);
            }
            Converted::Unknown(unknown) => return Done::ConversionUnknown(unknown),
        };
        let bought = Bought { account: account.clone(), conversion: made.id.clone(), amount: moved };
        if let Err(error) = notes.converted(&bought).await {
            return Done::NotKept { error, conversion: Some(made) };
        }
        if made.status != ConversionStatus::Success {
            return Done::NotSuccessful(made);
        }
        transfer(cabital, &notes, bought, self.otp.as_ref()).await
    }

    /// The account and what is moved, if all arguments can be sent.
    fn checked(&self) -> Result<(&AccountId, Amount), InvalidArgument> {
        let account = self.account.value().map_err(|reason| refused("account_id", reason))?;
        if let Some(Err(reason)) = self.otp.as_ref().map(Arg::value) {
            return Err(refused("otp", reason));
        }
        let bought = self.conversion.sides().map_err(|reason| refused("conversion", &reason))?.bought;
        let moved = match &self.amount {
            None => bought,
            Some(AmountArg(Err(reason))) => return Err(refused("amount", reason)),
            Some(AmountArg(Ok(amount))) if amount.symbol() != bought.symbol() => {
                let why = format!("it is in {}, and {} is bought", amount.symbol(), bought.symbol());
                return Err(InvalidArgument::new("amount", why, "give it in the currency that is bought"));
            }
            Some(AmountArg(Ok(amount))) if amount.get() > bought.get() => {
                let why = format!("it is more than the {} that are bought", bought.get());
                return Err(InvalidArgument::new("amount", why, "move at most what is bought"));
            }
            Some(AmountArg(Ok(amount))) => amount.clone(),
        };
        Ok((account, moved))
    }

    /// The transfer of an earlier run, or why the external id cannot be used.
    fn earlier(&self, found: Reconciliation, account: &AccountId, moved: &Amount) -> Done {
        // An amount that follows from the quote may differ, because the earlier run may have had another one.
        let is_given = self.amount.is_some() || self.conversion.buys();
        if is_of_work(&found, Some(account))
            && found.symbol == *moved.symbol()
            && (!is_given || found.instructed_amount == moved.get())
        {
            return Done::Transferred(TransferDone::Found(Box::new(found)));
        }
        let Reconciliation { instructed_amount, symbol, .. } = found;
        let why = format!("another transfer has it already, of {instructed_amount} {symbol}");
        Done::Nothing(InvalidArgument::new("external_id", why, "give each transfer an id of its own").into())
    }
}

fn refused(name: &'static str, reason: &Malformed) -> InvalidArgument {
    InvalidArgument::new(name, reason.why().to_owned(), reason.remedy().to_owned())
}

/// Does what is left of a work that was begun earlier, for example after a restart. `None` if the log has no note of it. A new code of
/// the customer may be needed.
pub async fn resume(
    cabital: &Cabital,
    external_id: &ExternalId,
    otp: Option<Arg<OneTimeCode>>,
) -> Option<Done> {
    let notes = Notes::new(cabital, external_id);
    match notes.read().await {
        Err(error) => Some(Done::NotKept { error, conversion: None }),
        Ok(noted) if noted.is_begun() => Some(finish(cabital, &notes, noted, otp.as_ref()).await),
        Ok(_) => None,
    }
}

/// The external ids of all work that was begun and has not ended.
///
/// # Errors
/// The log cannot be read.
pub async fn unfinished(cabital: &Cabital) -> Result<Vec<ExternalId>, IntentLogError> {
    notes::unfinished(cabital).await
}

/// Closes the notes of a work, after a person has looked into it. Another run with the same external id would convert again.
///
/// # Errors
/// The log cannot be read.
pub async fn forget(cabital: &Cabital, external_id: &ExternalId) -> Result<(), IntentLogError> {
    let notes = Notes::new(cabital, external_id);
    notes.read().await?;
    notes.close("a person has looked into it").await;
    Ok(())
}

/// Goes on where an earlier run stopped.
async fn finish(
    cabital: &Cabital,
    notes: &Notes<'_>,
    noted: notes::Noted,
    otp: Option<&Arg<OneTimeCode>>,
) -> Done {
    // The earlier run may have come further than its notes.
    match look_up(cabital, notes.external_id()).await {
        Ok(None) => {}
        // It belongs to something else, so it does not end this work.
        Ok(Some(found)) if !noted.is_ended_by(&found) => {}
        Ok(Some(found)) => {
            notes.close("its transfer was found").await;
            return Done::Transferred(TransferDone::Found(Box::new(found)));
        }
        Err(error) => {
            return match noted.bought {
                Some(bought) => Done::TransferUnknown { conversion: bought.conversion, error },
                None => interrupted(cabital, noted).await,
            };
        }
    }
    match noted.bought {
        Some(bought) => transfer(cabital, notes, bought, otp).await,
        None => interrupted(cabital, noted).await,
    }
}

async fn interrupted(cabital: &Cabital, noted: notes::Noted) -> Done {
    let after = cabital.send(ListBalances::new(noted.account)).await;
    Done::ConversionInterrupted { before: noted.before, after }
}

async fn transfer(
    cabital: &Cabital,
    notes: &Notes<'_>,
    bought: Bought,
    otp: Option<&Arg<OneTimeCode>>,
) -> Done {
    let Bought { account, conversion, amount } = bought;
    let request = CreateTransfer::to_partner(&account, &amount, notes.external_id()).conversion(&conversion);
    let request = match otp {
        Some(code) => request.otp(code.clone()),
        None => request,
    };
    let transfer = match request.submit(cabital).await {
        Submitted::Made(made) => TransferDone::Made(made),
        Submitted::Found(found) => TransferDone::Found(found),
        Submitted::NotDone(error) => return Done::NotTransferred { conversion, error },
        Submitted::Unknown(error) => return Done::TransferUnknown { conversion, error },
    };
    notes.close("its transfer was made").await;
    Done::Transferred(transfer)
}

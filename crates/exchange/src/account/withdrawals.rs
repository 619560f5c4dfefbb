//! Withdrawals: money that leaves the account.

mod answer;
mod find;
mod follow;

pub use answer::NewWithdrawal;
pub use find::{FindWithdrawal, WithdrawalCandidate, WithdrawalCandidates};
pub use follow::{FollowWithdrawal, FollowedWithdrawal};

use crate::{
    ACCOUNT,
    account::quotes::Quoted,
    args::{self, Positive, Text},
};
use capecrypto_auth::Environment;
use capecrypto_models::{
    Arg, BeneficiaryId, CurrencyId, Decimal, Malformed, OneTimeCode, Timestamp, Withdrawal, WithdrawalId,
    WithdrawalState,
    param::{Param, Place},
};
use capecrypto_rest::{Checks, Client, Error, Mismatch, Objection, Page, Paged, Paging, endpoints, request};

endpoints! { ACCOUNT signed; hints crate::hints::hint; probe capecrypto_probe::Probe;
    POST "/account/withdraws" CreateWithdrawal -> NewWithdrawal, checked secrets("otp note rid") reviewed;
    GET  "/account/withdraws" ListWithdrawals  -> Page<Withdrawal>, paged secrets("rid note") reviewed;
}

/// The note of a faster withdrawal of rand.
const SAME_DAY: &str = "same_day_rtc";

request! {
    /// Withdraws money to a beneficiary (documents: "New withdrawal"). The account must have two-factor authentication on.
    ///
    /// The amount is what leaves the account: by the server family, the fee is taken out of it. The answer says that the
    /// withdrawal was created, not that it was paid: see [`FollowWithdrawal`].
    ///
    /// The request is sent at most once, and never repeated, because no key of ours is kept with a withdrawal. After
    /// [`Outcome::Unknown`](capecrypto_rest::Outcome::Unknown) it may have been created. Look for it with
    /// [`find`](Self::find), and do not send it again before you know.
    ///
    /// ```no_run
    /// # async fn example(client: capecrypto_rest::Client) -> Result<(), capecrypto_rest::Error> {
    /// use capecrypto_exchange::account::{CreateWithdrawal, FollowWithdrawal, GetWithdrawQuote};
    /// use capecrypto_rest::{Outcome, Polling};
    /// let quote = client.send(GetWithdrawQuote::new("btc")).await?;
    /// let withdrawal = CreateWithdrawal::new("btc", 7, capecrypto_models::dec!(0.5)).quote(quote);
    /// let sent_at = client.now();
    /// match client.send(withdrawal.clone()).await {
    ///     Ok(created) => {
    ///         if let Some(id) = created.id() {
    ///             let an_hour = Polling::within(std::time::Duration::from_secs(3_600));
    ///             println!("{:?}", FollowWithdrawal::new(id).until_final(&client, an_hour).await?);
    ///         }
    ///     }
    ///     Err(error) if error.outcome() == Outcome::Unknown => {
    ///         let found = withdrawal.find(&client, sent_at).await?;
    ///         println!("{error}; it may be one of {:?}", found.candidates);
    ///     }
    ///     Err(error) => println!("nothing was withdrawn: {error}"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # The older version
    ///
    /// It needs a one-time code ([`otp`](Self::otp)), and has no quotes. The current version takes no code. Sending a request
    /// without the code to the older version, or with it to the current one, is refused before anything is sent.
    pub struct CreateWithdrawal {
        beneficiary as "beneficiary_id": Arg<BeneficiaryId>,
        currency: Arg<CurrencyId>,
        amount: Positive,
        note: Note,
    }
    optional {
        /// Keeps to the fee of this quote. It must be for the same currency and, by the client's clock, not expired when the
        /// request is sent. If the answer has details, compare their fee with the quote's.
        ///
        /// The documents tell to submit the quote's id, and do not list it as a parameter.
        quote as "quote_id" (current_only): Quoted,
        /// The one-time code of your authenticator, 6 to 8 digits. Only the older version takes it, and needs it.
        otp: Arg<OneTimeCode>,
    }
}

/// The note of a withdrawal.
#[derive(Debug, Clone)]
enum Note {
    Nothing,
    SameDay,
    Own(Arg<Text<256>>),
    /// Your own note beside the one for a faster withdrawal.
    Both,
}

impl Note {
    fn text(&self) -> Option<&str> {
        match self {
            Self::Nothing | Self::Both => None,
            Self::SameDay => Some(SAME_DAY),
            Self::Own(text) => text.value().ok().map(Text::as_str),
        }
    }
}

impl Param for Note {
    fn write(&self, place: &mut dyn Place) {
        match self {
            Self::Nothing => place.absent(),
            Self::SameDay => place.text(SAME_DAY),
            Self::Own(text) => text.write(place),
            Self::Both => place.refuse(Malformed::new(
                "a same-day withdrawal already has the note 'same_day_rtc'",
                "leave the note out, or use CreateWithdrawal::new",
            )),
        }
    }
}

/// Whether a withdrawal is over this amount. The server family shows the amount with the fee, and the documents do not say it,
/// so the amount without the fee is accepted too.
fn is_amount(withdrawal: &Withdrawal, asked: Decimal) -> bool {
    let gross = withdrawal.fee.and_then(|fee| withdrawal.amount.checked_add(fee));
    withdrawal.amount == asked || gross == Some(asked)
}

impl CreateWithdrawal {
    /// A withdrawal of this amount, above zero, to the beneficiary with this number, which must be active and for this currency.
    pub fn new(
        currency: impl Into<Arg<CurrencyId>>,
        beneficiary: impl Into<Arg<BeneficiaryId>>,
        amount: Decimal,
    ) -> Self {
        Self::with(beneficiary.into(), currency.into(), amount.into(), Note::Nothing)
    }

    /// A withdrawal of rand that arrives on the same day, for a higher fee (the note `same_day_rtc`). The documents offer it
    /// for rand only.
    pub fn same_day_rtc(beneficiary: impl Into<Arg<BeneficiaryId>>, amount: Decimal) -> Self {
        Self::with(beneficiary.into(), "zar".into(), amount.into(), Note::SameDay)
    }

    /// Sets a note, 1 to 256 characters without control characters. The documents offer it for rand only, so it is refused for
    /// another currency.
    #[must_use = "a setter returns the changed request"]
    pub fn note(mut self, note: impl Into<Arg<Text<256>>>) -> Self {
        self.note = match self.note {
            Note::Nothing | Note::Own(_) => Note::Own(note.into()),
            Note::SameDay | Note::Both => Note::Both,
        };
        self
    }

    /// Looks for withdrawals that this request may have made, after the outcome `Unknown`: see [`search`](Self::search).
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn find(&self, client: &Client, sent_at: Timestamp) -> Result<WithdrawalCandidates, Error> {
        match self.search(sent_at) {
            Some(search) => search.find(client).await,
            None => Err(args::never_sent()),
        }
    }

    /// What to look for if the outcome of this request is unknown. More can be set, such as the address that the money goes to.
    /// `sent_at` is the time shortly before it was sent ([`Client::now`]). Keep it, with this request's arguments, where it survives a crash.
    ///
    /// `None` if an argument is not valid, so that the request cannot be sent.
    pub fn search(&self, sent_at: Timestamp) -> Option<FindWithdrawal> {
        let (currency, beneficiary) = (self.currency.value().ok()?, self.beneficiary.value().ok()?);
        let search = FindWithdrawal::new(currency.clone(), self.amount.get(), sent_at);
        let search = search.beneficiary(beneficiary.clone());
        Some(match self.note.text() {
            Some(note) => search.note(note),
            None => search,
        })
    }

    #[inline]
    fn check_arguments(&self, checks: &mut Checks<'_>) {
        let currency = self.currency.value().ok();
        let has_note = matches!(self.note, Note::Own(_));
        if has_note && currency.is_some_and(|currency| *currency != *"zar") {
            checks.refuse("note", "the documents offer a note for zar only", "leave it out");
        }
        if let Some(quote) = &self.quote {
            quote.check(checks, currency, Some(self.amount.get()));
        }
        match (checks.environment().is_legacy(), &self.otp) {
            (true, None) => checks.refuse(
                "otp",
                "the older version of the exchange needs a one-time code",
                "set it with `otp`, or use the current version",
            ),
            (false, Some(_)) => checks.refuse(
                "otp",
                "the current version of the exchange takes no one-time code",
                "leave it out",
            ),
            _ => {}
        }
    }

    /// Compares what the request fixed. An answer without details cannot be compared.
    #[inline]
    fn review_answer(&self, answer: &mut NewWithdrawal, _: &Environment) -> Result<(), Objection> {
        let Some(withdrawal) = answer.details() else { return Ok(()) };
        Mismatch::check("currency", self.currency.value().ok(), Some(&withdrawal.currency))?;
        if !is_amount(withdrawal, self.amount.get()) {
            return Err(Mismatch { field: "amount" }.into());
        }
        let note = withdrawal.note.as_ref().map(|note| note.expose().as_str());
        Mismatch::check("note", self.note.text().as_ref(), note.as_ref())?;
        if withdrawal.state == WithdrawalState::Rejected {
            return Err(Objection::Refused(
                "the exchange accepted the request and then rejected the withdrawal",
            ));
        }
        Ok(())
    }
}

request! {
    /// Lists the account's withdrawals, lightning payments among them (documents: "Withdrawal history"). The documents name no
    /// order; the server family begins with the newest.
    #[derive(Default)]
    pub struct ListWithdrawals {}
    optional {
        /// Only this currency.
        currency: Arg<CurrencyId>,
        /// Only withdrawals in this state.
        state: WithdrawalState,
        /// Only withdrawals to this address on a blockchain.
        rid: Arg<Text<7_089>>,
    }
    pages Paging<100>, "1 to 100, 100 when left out";
}

impl ListWithdrawals {
    /// All withdrawals.
    pub fn new() -> Self {
        Self::with()
    }

    #[inline]
    fn review_answer(&self, page: &mut Page<Withdrawal>, _: &Environment) -> Result<(), Mismatch> {
        let rows = || page.iter();
        args::only("currency", args::given(self.currency.as_ref()), rows().map(|row| Some(&row.currency)))?;
        args::only("state", self.state.as_ref(), rows().map(|row| Some(&row.state)))?;
        let rid = args::given(self.rid.as_ref()).map(Text::as_str);
        let came = rows().map(|row| row.rid.as_ref().map(|rid| rid.expose().as_str()));
        came.into_iter().try_for_each(|came| Mismatch::check("rid", rid.as_ref(), came.as_ref()))
    }
}

impl Paged for ListWithdrawals {
    type Row = Withdrawal;
    type Key = WithdrawalId;

    fn key(row: &Withdrawal) -> WithdrawalId {
        row.id
    }
}

#[cfg(test)]
mod samples {
    use super::*;
    use capecrypto_models::WithdrawQuote;
    use capecrypto_probe::{Samples, Seed};

    fn quote() -> WithdrawQuote {
        let quote = r#"{"id":"2f1c-7","currency":"zar","fee":"8","expires_at":"9999-01-01T00:00:00Z"}"#;
        serde_json::from_str(quote).unwrap()
    }

    impl Samples for CreateWithdrawal {
        fn smallest() -> Self {
            Self::new("btc", 7, Decimal::new(5, 1))
        }
        fn fullest() -> Self {
            Self::new("zar", 7, Decimal::from(1_000)).note("canary for Jane").quote(quote())
        }
        fn older() -> Option<Self> {
            let older = Self::new("zar", 7, Decimal::from(1_000)).note("canary for Jane");
            Some(older.otp("004217"))
        }
        fn answered(seed: &Seed) -> Self {
            Self::new("btc", seed.payee, Decimal::new(5, 1))
        }
    }

    impl Samples for ListWithdrawals {
        fn smallest() -> Self {
            Self::new()
        }
        fn fullest() -> Self {
            Self::new().currency("btc").state("succeed").rid("bc1canary").limit(100).page(1)
        }
    }
}

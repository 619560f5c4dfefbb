//! Payment references: codes that customers give with their deposits (documents: "Create payment reference" and what follows it).
//!
//! Only merchants and aggregators may make and read them. The older version of the exchange does not have these calls.

mod find;

pub use find::{FindPaymentReference, PaymentReferenceCandidate, PaymentReferenceCandidates};

use crate::{
    ACCOUNT,
    forms::{Amount, OnDeposit, WebhookSettings},
};
use capecrypto_auth::Environment;
use capecrypto_models::{
    Arg, CurrencyId, Decimal, PaymentReference, PaymentReferenceId, Timestamp, Uid,
    param::{Fields, Name, Params},
};
use capecrypto_rest::{
    Checks, Client, Error, InvalidArgument, Mismatch, Page, Paged, Paging, endpoints, request,
};

endpoints! { ACCOUNT signed; hints crate::hints::hint; probe capecrypto_probe::Probe;
    POST "/account/payments"      CreatePaymentReference -> PaymentReference,
        checked secrets("webhook_url") reviewed;
    GET  "/account/payments"      ListPaymentReferences  -> Page<PaymentReference>,
        checked paged secrets("webhook_url") reviewed;
    GET  "/account/payments/{id}" GetPaymentReference    -> PaymentReference,
        checked secrets("webhook_url") reviewed;
}

/// Creates a payment reference: a code that a customer gives with a deposit, and what happens to this deposit (documents: "Create
/// payment reference").
///
/// The request is sent at most once. After [`Outcome::Unknown`](capecrypto_rest::Outcome::Unknown) the reference may exist. Look
/// for it with [`find`](Self::find), and do not send it again before you know: two references for one payment are two codes that a
/// customer can use.
///
/// ```no_run
/// # async fn example(client: capecrypto_rest::Client) -> Result<(), capecrypto_rest::Error> {
/// use capecrypto_merchant::{
///     forms::{Destination, OnDeposit, WebhookSettings},
///     payments::CreatePaymentReference,
/// };
/// use capecrypto_models::dec;
/// use capecrypto_rest::Outcome;
/// let to_bank = OnDeposit::aggregate_convert_and_withdraw("zar", Destination::Beneficiary(456.into()));
/// let payment = CreatePaymentReference::new("CCT1234567", "btc")
///     .expected_amount(dec!(0.015))
///     .deposit_action(to_bank.max_slippage(dec!(0.5)))
///     .webhook(WebhookSettings::hmac("https://merchant.example/webhooks", "a long random text"));
/// let sent_at = client.now();
/// match client.send(payment.clone()).await {
///     Ok(made) => println!("the customer gives the code {}", made.reference),
///     Err(error) if error.outcome() == Outcome::Unknown => {
///         let found = payment.find(&client, sent_at).await?;
///         println!("{error}; it may be one of {:?}", found.candidates);
///     }
///     Err(error) => println!("there is no new reference: {error}"),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "a request does nothing until it is sent"]
pub struct CreatePaymentReference {
    uid: Arg<Uid>,
    currency: Arg<CurrencyId>,
    expected_amount: Option<Amount>,
    deposit_action: Option<OnDeposit>,
    webhook: Option<WebhookSettings>,
}

/// By hand, because one value has three fields of the body.
impl Params for CreatePaymentReference {
    fn write_fields(&self, fields: &mut dyn Fields) {
        fields.field(Name::new("uid"), &self.uid);
        fields.field(Name::new("currency"), &self.currency);
        fields.field(Name::new("expected_amount"), &self.expected_amount);
        fields.field(Name::new("deposit_action"), &self.deposit_action);
        if let Some(webhook) = &self.webhook {
            webhook.write_as(["webhook_url", "webhook_secret", "webhook_protocol"], fields);
        }
    }
}

impl CreatePaymentReference {
    /// A reference for a deposit of this currency into this account, which must belong to the merchant or aggregator. An individual
    /// customer must be verified before.
    pub fn new(customer: impl Into<Arg<Uid>>, currency: impl Into<Arg<CurrencyId>>) -> Self {
        Self {
            uid: customer.into(),
            currency: currency.into(),
            expected_amount: None,
            deposit_action: None,
            webhook: None,
        }
    }

    /// The amount that the customer will deposit, in the currency of the deposit; above zero. The documents do not say what the
    /// exchange does with another amount.
    pub fn expected_amount(self, amount: impl Into<Amount>) -> Self {
        Self { expected_amount: Some(amount.into()), ..self }
    }

    /// What happens to the deposit; it stays in the account when left out.
    pub fn deposit_action(self, action: OnDeposit) -> Self {
        Self { deposit_action: Some(action), ..self }
    }

    /// Where the webhooks of this reference go. When left out, they go to the customer's address, or to the merchant's.
    pub fn webhook(self, webhook: WebhookSettings) -> Self {
        Self { webhook: Some(webhook), ..self }
    }

    /// Looks for references that this request may have made, after the outcome `Unknown`: see [`search`](Self::search).
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn find(
        &self,
        client: &Client,
        sent_at: Timestamp,
    ) -> Result<PaymentReferenceCandidates, Error> {
        match self.search(sent_at) {
            Some(search) => search.find(client).await,
            None => {
                let why = "an argument of it is not valid, so it was never sent";
                Err(InvalidArgument::new("request", why, "send the request: its error names the argument")
                    .into())
            }
        }
    }

    /// What to look for if the outcome of this request is unknown. `sent_at` is the time shortly before it was sent
    /// ([`Client::now`]). The client's intent log has this time and the arguments too:
    /// [`FindPaymentReference::of_intent`].
    ///
    /// `None` if an argument is not valid, so that the request cannot be sent.
    pub fn search(&self, sent_at: Timestamp) -> Option<FindPaymentReference> {
        let (uid, currency) = (self.uid.value().ok()?.clone(), self.currency.value().ok()?.clone());
        let search = FindPaymentReference::new(uid, currency, self.amount(), sent_at);
        Some(match &self.deposit_action {
            Some(action) => search.deposit_action(action.clone()),
            None => search,
        })
    }

    fn amount(&self) -> Option<Decimal> {
        self.expected_amount.map(Amount::get)
    }

    fn check_arguments(&self, checks: &mut Checks<'_>) {
        current_only(checks, "CreatePaymentReference");
    }

    /// The answer may leave out the amount, as the documents' own sample does.
    fn review_answer(&self, answer: &mut PaymentReference, _: &Environment) -> Result<(), Mismatch> {
        Mismatch::check("uid", self.uid.value().ok(), Some(&answer.uid))?;
        Mismatch::check("currency", self.currency.value().ok(), Some(&answer.currency))?;
        Mismatch::check("expected_amount", self.amount().as_ref(), answer.expected_amount.as_ref())?;
        match (&self.deposit_action, &answer.deposit_action) {
            (Some(asked), Some(answered)) => asked.compare(answered),
            // The documents: null if not configured.
            (Some(asked), None) if asked.does_something() => Err(Mismatch { field: "deposit_action" }),
            _ => Ok(()),
        }
    }
}

/// Refuses a call in the older version of the exchange, which does not have it.
fn current_only(checks: &mut Checks<'_>, call: &'static str) {
    if checks.environment().is_legacy() {
        let why = "the older version of the exchange does not have this call";
        checks.refuse(call, why, "use an environment of the current version");
    }
}

request! {
    /// Lists the payment references for all accounts that belong to the merchant or aggregator (documents: "List payment
    /// references"). The documents name no order.
    #[derive(Default)]
    pub struct ListPaymentReferences {}
    optional {
        /// Only those for this account.
        uid: Arg<Uid>,
    }
    pages Paging<100>, "1 to 100; the documents name no default";
}

impl ListPaymentReferences {
    /// All payment references.
    pub fn new() -> Self {
        Self::with()
    }

    fn check_arguments(&self, checks: &mut Checks<'_>) {
        current_only(checks, "ListPaymentReferences");
    }

    fn review_answer(&self, page: &mut Page<PaymentReference>, _: &Environment) -> Result<(), Mismatch> {
        let asked = self.uid.as_ref().and_then(|uid| uid.value().ok());
        page.iter().try_for_each(|row| Mismatch::check("uid", asked, Some(&row.uid)))
    }
}

impl Paged for ListPaymentReferences {
    type Row = PaymentReference;
    type Key = PaymentReferenceId;

    /// No order is documented. If it is by the last change, a reference moves when its deposit comes.
    const REORDERS: bool = true;

    fn key(row: &PaymentReference) -> PaymentReferenceId {
        row.id
    }
}

request! {
    /// Reads one payment reference (documents: "Get payment reference by id"). The answer has no secret, unless
    /// [`with_secret`](Self::with_secret) asks for it.
    pub struct GetPaymentReference {
        id: Arg<PaymentReferenceId>,
        secret as "includeSecret": Option<bool>,
    }
}

impl GetPaymentReference {
    /// The payment reference with this number. Its code is not its number.
    pub fn new(id: impl Into<Arg<PaymentReferenceId>>) -> Self {
        Self::with(id.into(), None)
    }

    /// Asks for the secret of its webhooks too. Only the account that made the reference gets it. It is never printed, and no
    /// recording has it.
    pub fn with_secret(self) -> Self {
        Self { secret: Some(true), ..self }
    }

    fn check_arguments(&self, checks: &mut Checks<'_>) {
        current_only(checks, "GetPaymentReference");
    }

    fn review_answer(&self, answer: &mut PaymentReference, _: &Environment) -> Result<(), Mismatch> {
        Mismatch::check("id", self.id.value().ok(), Some(&answer.id))
    }
}

#[cfg(test)]
pub(crate) mod samples {
    use super::*;
    use crate::forms::Destination;
    use capecrypto_models::dec;
    use capecrypto_probe::{Samples, Seed};

    /// The request of the documents' sample.
    pub(crate) fn documented() -> CreatePaymentReference {
        let to = Destination::Beneficiary(456.into());
        let action = OnDeposit::aggregate_convert_and_withdraw("zar", to).max_slippage(dec!(0.5));
        let webhook = WebhookSettings::hmac("https://merchant.com/webhooks/deposits", "my_secret_key");
        let request = CreatePaymentReference::new("ID123456789", "zar").expected_amount(dec!(100));
        request.deposit_action(action).webhook(webhook)
    }

    impl Samples for CreatePaymentReference {
        fn smallest() -> Self {
            Self::new("ID123456789", "btc")
        }
        fn fullest() -> Self {
            documented()
        }
        fn answered(seed: &Seed) -> Self {
            let to = Destination::Beneficiary(456.into());
            let action = OnDeposit::convert_and_withdraw("usdc", to).beneficiary_amount(dec!(250));
            let webhook = WebhookSettings::plain_text("https://merchant.example/hooks", "canary");
            let request = Self::new(seed.customer, "btc").expected_amount(dec!(0.015));
            request.deposit_action(action).webhook(webhook)
        }
    }

    impl Samples for ListPaymentReferences {
        fn smallest() -> Self {
            Self::new()
        }
        fn fullest() -> Self {
            Self::new().uid("ID123456789").limit(100).page(1)
        }
    }

    impl Samples for GetPaymentReference {
        fn smallest() -> Self {
            Self::new(123)
        }
        fn fullest() -> Self {
            Self::smallest().with_secret()
        }
        fn answered(seed: &Seed) -> Self {
            Self::new(seed.payment_reference).with_secret()
        }
    }
}

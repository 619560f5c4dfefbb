//! Invoices and payments of the lightning network.

use super::{Country, FindWithdrawal, WithdrawalCandidates, quotes::Quoted};
use crate::{
    ACCOUNT,
    args::{self, Text},
};
use capecrypto_auth::Environment;
use capecrypto_models::{
    Arg, Bolt11, CurrencyId, Decimal, DocumentType, LightningAddress, LightningInvoice, LightningNetwork,
    LightningPayment, Malformed, Sats, Sensitive, Timestamp, VaspId,
    param::{Fields, Name, Param, Params, Place},
};
use capecrypto_rest::{Checks, Client, Error, Mismatch, endpoints, object, request};

endpoints! { ACCOUNT signed; hints crate::hints::hint; probe capecrypto_probe::Probe;
    POST "/account/lightning/invoices" CreateLightningInvoice -> LightningInvoice,
        in_query checked secrets("bolt description member_description") reviewed;
    POST "/account/lightning/pays"     PayLightning           -> LightningPayment,
        in_query checked secrets("bolt address description member_description") reviewed;
}

/// The longest description that an invoice can hold, in bytes (BOLT 11).
const LONGEST_DESCRIPTION: usize = 639;

/// An amount of the lightning network: at least one satoshi, and not more than there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Amount(Sats);

/// 21 million bitcoin.
const ALL_THERE_ARE: Sats = Sats::new(2_100_000_000_000_000);

impl Param for Amount {
    fn write(&self, place: &mut dyn Place) {
        let Self(sats) = *self;
        if sats == Sats::new(0) || sats > ALL_THERE_ARE {
            let remedy = "give an amount in satoshi, of at least 1 and at most 21 million bitcoin";
            return place.refuse(Malformed::new(format!("{sats} cannot be paid"), remedy));
        }
        place.number(&sats.get());
    }
}

/// The currency of the network.
fn bitcoin() -> Option<CurrencyId> {
    "btc".parse().ok()
}

/// A part of a whole: above 0, and at most 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share(Decimal);

impl From<Decimal> for Share {
    fn from(share: Decimal) -> Self {
        Self(share)
    }
}

impl Param for Share {
    fn write(&self, place: &mut dyn Place) {
        if self.0 > Decimal::ZERO && self.0 <= Decimal::ONE {
            return self.0.write(place);
        }
        let remedy = "give a number above 0 and at most 1, where 1 is 100 %";
        place.refuse(Malformed::new(format!("{} is not a part of the whole", self.0), remedy));
    }
}

fn check_length(description: Option<&Arg<Text<LONGEST_DESCRIPTION>>>, checks: &mut Checks<'_>) {
    let text = description.and_then(|description| description.value().ok()).map_or("", Text::as_str);
    if text.len() > LONGEST_DESCRIPTION {
        let why = format!("it is {} bytes long", text.len());
        checks.refuse(
            "description",
            why,
            "give at most 639 bytes; most letters outside of English take two or more",
        );
    }
}

request! {
    /// Creates an invoice, to receive bitcoin over the lightning network (documents: "Create a Lightning invoice"). It expires
    /// after one hour.
    ///
    /// The answer is refused as a mismatch if its amount, or the amount in the invoice's own text, is not the one asked for.
    ///
    /// **After an unknown outcome** the invoice may exist. Nobody has its text, so nobody can pay it, and it expires: create a
    /// new one. The request is sent at most once. No call lists the invoices; a paid one is a deposit in the history, found by
    /// your `member_description`.
    pub struct CreateLightningInvoice {
        amount: Amount,
    }
    optional {
        /// Part of the amount to convert to fiat when the invoice is paid: above 0, at most 1 (1 is 100 %). The converted amount
        /// must reach the least order of the market, such as `btczar`; otherwise the exchange refuses the invoice.
        conversion_percent: Share,
        /// What the payer sees: 1 to 639 bytes without control characters. The exchange writes `Cape Crypto Invoice` if it is
        /// left out.
        description: Arg<Text<LONGEST_DESCRIPTION>>,
        /// Your own note: 1 to 255 characters without control characters. The limit is ours.
        member_description: Arg<Text<255>>,
    }
}

impl CreateLightningInvoice {
    /// An invoice over this amount: at least one satoshi.
    pub fn new(amount: Sats) -> Self {
        Self::with(Amount(amount))
    }

    #[inline]
    fn check_arguments(&self, checks: &mut Checks<'_>) {
        check_length(self.description.as_ref(), checks);
    }

    #[inline]
    fn review_answer(&self, invoice: &mut LightningInvoice, _: &Environment) -> Result<(), Mismatch> {
        let Amount(asked) = self.amount;
        let msat = asked.get().checked_mul(1_000);
        Mismatch::check("amount", Some(&asked), Some(&invoice.amount))?;
        Mismatch::check("amount_msat", msat.as_ref(), invoice.amount_msat.as_ref())?;
        let share = self.conversion_percent.map(|Share(share)| share);
        Mismatch::check("conversion_percent", share.as_ref(), invoice.conversion_percent.as_ref())?;
        // A text of a form that this version does not know is not compared: the payer's wallet reads it.
        match invoice.invoice() {
            Ok(text) if text.amount_msat() != msat => Err(Mismatch { field: "bolt" }),
            _ => Ok(()),
        }
    }
}

object! {
    /// The recipient of a payment, as the travel rule asks for it (documents: "Recipient Data Fields" of "New lightning
    /// payment"). `Debug` and errors never show it.
    pub struct LightningRecipient {
        first_name: Option<Arg<Text<255>>>,
        last_name: Option<Arg<Text<255>>>,
    }
    optional {
        /// The company that the person acts for: 1 to 255 characters on one line. The limit is ours.
        company_name: Arg<Text<255>>,
        /// Where the recipient lives: 1 to 255 characters on one line. The limit is ours.
        address: Arg<Text<255>>,
        /// The country's code, such as `ZA`.
        country: Arg<Country>,
        /// Kind of the identity document, such as `Passport`. In other calls the same name means a person or a company.
        identity_type: DocumentType,
    }
}

impl LightningRecipient {
    /// A person: 1 to 255 characters for each name. The limit is ours.
    pub fn person(first_name: impl Into<Arg<Text<255>>>, last_name: impl Into<Arg<Text<255>>>) -> Self {
        Self::with(Some(first_name.into()), Some(last_name.into()))
    }

    /// A company: 1 to 255 characters. The limit is ours.
    pub fn company(company_name: impl Into<Arg<Text<255>>>) -> Self {
        Self::with(None, None).company_name(company_name)
    }
}

object! {
    /// What the travel rule asks about a payment (documents: "Travel Rule Fields" of "New lightning payment"). The older version
    /// does not have it and refuses it.
    pub struct LightningTravelRule {
        is_own: bool,
        recipient_data: Option<LightningRecipient>,
    }
    optional {
        /// Whether the recipient alone has the wallet's keys.
        is_unhosted: bool,
        /// The company that has the wallet's keys: its number in [`ListVasps`](crate::public::ListVasps).
        vasp_id: Arg<VaspId>,
    }
}

impl LightningTravelRule {
    /// The wallet that is paid belongs to the account's holder.
    pub fn own_wallet() -> Self {
        Self::with(true, None)
    }

    /// The wallet that is paid belongs to somebody else.
    pub fn wallet_of(recipient: LightningRecipient) -> Self {
        Self::with(false, Some(recipient))
    }
}

/// The field `data`: the travel rule, and once more who is paid.
#[derive(Debug, Clone)]
struct Data {
    rule: Option<LightningTravelRule>,
    bolt: Option<Arg<Bolt11>>,
    address: Option<Arg<LightningAddress>>,
}

impl Params for Data {
    fn write_fields(&self, fields: &mut dyn Fields) {
        if let Some(rule) = &self.rule {
            rule.write_fields(fields);
        }
        // A malformed one is already refused as `bolt` or `address` of the request.
        let bolt = args::given(self.bolt.as_ref()).map(|bolt| -> &dyn Param { bolt });
        let address = args::given(self.address.as_ref()).map(|address| -> &dyn Param { address });
        if let Some(target) = bolt.or(address) {
            fields.field(Name::new("address"), target);
        }
    }
}

impl Param for Data {
    fn write(&self, place: &mut dyn Place) {
        place.object(self);
    }
}

request! {
    /// Pays over the lightning network (documents: "New lightning payment"). The request is sent at most once.
    ///
    /// The answer says that the exchange **accepted** the payment, not that the recipient has the money: the list of withdrawals
    /// tells how it ended.
    ///
    /// Before anything is sent, the amount in the invoice's own text is compared with the given one. An invoice of another
    /// network than bitcoin is refused, except for an exchange on this machine, such as the sandbox. With the feature `bolt11`,
    /// the checksum and the signature of the invoice are checked too.
    ///
    /// **After an unknown outcome** do not pay another invoice for the same thing: both may be paid. First look for the payment
    /// with [`find`](Self::find). An invoice can be paid only once, so paying the same invoice again cannot pay twice. A
    /// payment to an address can be made twice.
    pub struct PayLightning {
        bolt: Option<Arg<Bolt11>>,
        address (current_only): Option<Arg<LightningAddress>>,
        amount: Amount,
        data (current_only): Option<Data>,
    }
    optional {
        /// Keeps to the fee of this quote, which is made for the invoice: see
        /// [`GetWithdrawQuote::lightning`](crate::account::GetWithdrawQuote::lightning). It must not be expired, by the client's clock,
        /// when the request is sent. The older version has no quotes.
        quote as "quote_id" (current_only): Quoted,
        /// Your own note: 1 to 255 characters without control characters. The limit is ours.
        member_description: Arg<Text<255>>,
        /// What the recipient sees, if there is a way to show it: 1 to 639 bytes without control characters.
        description: Arg<Text<LONGEST_DESCRIPTION>>,
    }
}

impl PayLightning {
    /// Pays this invoice, such as `lnbc2500u1…`. The amount must be the one of the invoice; if the invoice has none, the given
    /// one is paid.
    pub fn invoice(bolt: impl Into<Arg<Bolt11>>, amount: Sats) -> Self {
        Self::with(Some(bolt.into()), None, Amount(amount), None)
    }

    /// Pays this amount to an address, such as `name@example.com`. The older version can pay invoices only.
    ///
    /// The documents mention addresses, but name the parameter only inside of `data`. It is sent there, and as `address` in the
    /// query.
    pub fn address(address: impl Into<Arg<LightningAddress>>, amount: Sats) -> Self {
        let address = address.into();
        let data = Data { rule: None, bolt: None, address: Some(address.clone()) };
        Self::with(None, Some(address), Amount(amount), Some(data))
    }

    /// Adds what the travel rule asks for. The older version does not have it.
    #[must_use = "a setter returns the changed request"]
    pub fn travel_rule(mut self, rule: LightningTravelRule) -> Self {
        let (bolt, address) = (self.bolt.clone(), self.address.clone());
        self.data = Some(Data { rule: Some(rule), bolt, address });
        self
    }

    /// Looks for payments that this request may have made, after the outcome `Unknown`: see [`search`](Self::search). A payment
    /// of the same invoice has [`same_destination`](super::WithdrawalCandidate::same_destination).
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn find(&self, client: &Client, sent_at: Timestamp) -> Result<WithdrawalCandidates, Error> {
        match self.search(sent_at) {
            Some(search) => search.find(client).await,
            None => Err(args::never_sent()),
        }
    }

    /// What to look for if the outcome of this request is unknown: a withdrawal of bitcoin to this invoice or address, with the fee
    /// included in its amount or not. `sent_at` is the time shortly before it was sent
    /// ([`Client::now`](capecrypto_rest::Client::now)). Keep it where it survives a crash, together with the invoice.
    ///
    /// `None` if an argument is not valid, so that the request cannot be sent.
    pub fn search(&self, sent_at: Timestamp) -> Option<FindWithdrawal> {
        let bolt = args::given(self.bolt.as_ref()).map(Bolt11::as_str);
        let target = bolt.or_else(|| args::given(self.address.as_ref()).map(LightningAddress::as_str))?;
        let Amount(sats) = self.amount;
        let search = FindWithdrawal::new(bitcoin()?, sats.to_btc(), sent_at);
        Some(search.fee_on_top().rid(target))
    }

    #[inline]
    fn check_arguments(&self, checks: &mut Checks<'_>) {
        check_length(self.description.as_ref(), checks);
        if let Some(quote) = &self.quote {
            // The fee comes on top of the amount, so any fee leaves the amount whole.
            quote.check(checks, bitcoin().as_ref(), None);
        }
        if let Some(invoice) = args::given(self.bolt.as_ref()) {
            self.check_invoice(invoice, checks);
        }
        let rule = self.data.as_ref().and_then(|data| data.rule.as_ref());
        if rule.is_some_and(|rule| rule.is_unhosted == Some(true) && rule.vasp_id.is_some()) {
            let why = "`vasp_id` was given too, and an unhosted wallet has no company";
            checks.warn("data.is_unhosted", why, "give one of both");
        }
    }

    fn check_invoice(&self, invoice: &Bolt11, checks: &mut Checks<'_>) {
        let Amount(given) = self.amount;
        match invoice.amount() {
            Err(fraction) => {
                let (why, remedy) = fraction.into_parts();
                checks.refuse("bolt", why, remedy);
            }
            Ok(Some(own)) if own != given => checks.refuse(
                "amount",
                format!("the invoice is over {own}, and {given} was given"),
                "check both: give the amount of the invoice, in satoshi and not in bitcoin",
            ),
            Ok(_) => {}
        }
        let is_local = checks.environment().origin().is_loopback();
        if invoice.network() != LightningNetwork::Bitcoin && !is_local {
            let why = format!("it is for another network ({:?})", invoice.network());
            checks.refuse("bolt", why, "give an invoice of bitcoin itself: it begins with lnbc");
        }
        #[cfg(feature = "bolt11")]
        if let Err(refused) = invoice.verify() {
            let (why, remedy) = refused.into_parts();
            checks.refuse("bolt", why, remedy);
        }
    }

    #[inline]
    fn review_answer(&self, payment: &mut LightningPayment, _: &Environment) -> Result<(), Mismatch> {
        let Amount(asked) = self.amount;
        Mismatch::check("amount", Some(&asked), Some(&payment.amount))?;
        let differs = |asked: &str, came: Option<&Sensitive<String>>| {
            came.is_some_and(|came| !came.expose().eq_ignore_ascii_case(asked))
        };
        if args::given(self.bolt.as_ref()).is_some_and(|bolt| differs(bolt.as_str(), payment.bolt.as_ref())) {
            return Err(Mismatch { field: "bolt" });
        }
        let address = args::given(self.address.as_ref());
        if address.is_some_and(|address| differs(address.as_str(), payment.address.as_ref())) {
            return Err(Mismatch { field: "address" });
        }
        Ok(())
    }
}

/// The documents' own example. It has both a company and an unhosted wallet, which is a warning.
#[cfg(test)]
pub(crate) fn documented_rule() -> LightningTravelRule {
    let recipient =
        LightningRecipient::person("John", "Doe").company_name("Acme Corp").address("123 Main St");
    let recipient = recipient.country("US").identity_type("Passport");
    LightningTravelRule::wallet_of(recipient).is_unhosted(true).vasp_id(123_u64)
}

#[cfg(test)]
pub(crate) mod samples {
    use super::*;
    use capecrypto_models::WithdrawQuote;
    use capecrypto_probe::{Samples, Seed};

    /// An example of BOLT 11, over 250,000 satoshi.
    pub(crate) const COFFEE: &str = "lnbc2500u1pvjluezsp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygspp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdq5xysxxatsyp3k7enxv4jsxqzpu9qrsgquk0rl77nj30yxdy8j9vdx85fkpmdla2087ne0xh8nhedh8w27kyke0lp53ut353s06fv3qfegext0eh0ymjpf39tuven09sam30g4vgpfna3rh";

    fn quote() -> WithdrawQuote {
        let quote =
            r#"{"id":"2f1c-7","currency":"btc","fee":"0.00000001","expires_at":"9999-01-01T00:00:00Z"}"#;
        serde_json::from_str(quote).unwrap()
    }

    impl Samples for CreateLightningInvoice {
        fn smallest() -> Self {
            Self::new(Sats::new(1_000))
        }
        fn fullest() -> Self {
            Self::new(Sats::new(250_000))
                .conversion_percent(Decimal::new(5, 1))
                .description("Rooibos, 1 kg")
                .member_description("invoice 2026-17")
        }
        fn answered(_: &Seed) -> Self {
            Self::fullest()
        }
    }

    impl Samples for PayLightning {
        /// An address is sent in `data` once more.
        const MADE: &[&str] = &["data"];

        fn smallest() -> Self {
            Self::address("name@example.com", Sats::new(1_000))
        }
        fn fullest() -> Self {
            Self::invoice(COFFEE, Sats::new(250_000))
                .travel_rule(documented_rule())
                .quote(quote())
                .member_description("rent")
                .description("for March")
        }
        fn answered(_: &Seed) -> Self {
            Self::smallest().member_description("rent").description("for March")
        }
    }
}

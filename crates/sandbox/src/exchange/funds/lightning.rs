//! Lightning: invoices of accounts, payments of accounts, and a node outside that pays and is paid.
//!
//! A payment is a withdrawal with other steps. If it succeeds and the invoice is another account's, that account has a deposit
//! at the same moment. An invoice is paid once: while a payment of it is on its way, it cannot be paid again.

use super::{
    Funds,
    deposits::{Coming, DepositState, Origin},
    limits,
    quotes::{self, QuoteRefused},
    withdrawals::{Payout, Step, WithdrawalState},
};
use crate::{
    base::{
        bolt11::{self, NewInvoice, NoInvoice},
        id::{AccountId, Code},
        ledger::Refused,
        money::{self, exact_option},
    },
    exchange::{
        catalogue::{Currency, Market},
        command::{Command, Holds, Replayable, replayable},
        desk::{Desk, Sale},
        history::fields,
    },
};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// The currency of the network.
pub(crate) const BTC: &str = "btc";
/// How long an invoice can be paid (documents: "Create a Lightning invoice").
const VALID_S: u64 = 3_600;
/// What the payer sees if the account says nothing (documents: "Create a Lightning invoice").
const DESCRIPTION: &str = "Cape Crypto Invoice";
/// How long a payment is `submitted`, and how long it is `processing`. The documents name no times; these are ours.
const SUBMITTED_MS: u32 = 5_000;
const PROCESSING_MS: u32 = 10_000;

/// The sorts of uuids that keys are made from; see `Desk::uuid`.
const NODES: u64 = 31;
const PREIMAGES: u64 = 32;
const SECRETS: u64 = 33;
/// The numbers of the exchange's node and of the node outside.
const OUR_NODE: u64 = 1;
const OUTSIDE_NODE: u64 = 2;

/// A number of satoshi as bitcoin.
fn btc(sats: u64) -> Decimal {
    Decimal::try_from_i128_with_scale(i128::from(sats), 8).unwrap_or(Decimal::MAX)
}

/// 32 bytes that look random, and are the same for the same seed.
fn bytes(desk: &Desk, sort: u64, number: u64) -> [u8; 32] {
    let halves = [2 * number, 2 * number + 1].map(|number| desk.uuid(sort, number).into_bytes());
    std::array::from_fn(|place| halves.as_flattened().get(place).copied().unwrap_or_default())
}

/// Makes an invoice of one of the two nodes. `None` if the description is too long.
fn make(
    desk: &Desk,
    node: u64,
    number: u64,
    sats: Option<u64>,
    description: &str,
    at_ms: i64,
) -> Option<bolt11::Invoice> {
    bolt11::make(&NewInvoice {
        node: bytes(desk, NODES, node),
        preimage: bytes(desk, PREIMAGES, number),
        payment_secret: bytes(desk, SECRETS, number),
        amount_msat: match sats {
            Some(sats) => Some(sats.checked_mul(1_000)?),
            None => None,
        },
        description,
        created_s: u64::try_from(at_ms.div_euclid(1_000)).unwrap_or_default(),
        expires_after_s: VALID_S,
    })
}

/// An account's invoice.
#[derive(Debug, Clone)]
pub(crate) struct Invoice {
    id: u64,
    account: AccountId,
    pub(crate) bolt: String,
    pub(crate) sats: u64,
    /// The part that is sold when it is paid.
    pub(crate) conversion: Option<Decimal>,
    pub(crate) description: String,
    pub(crate) note: Option<String>,
    pub(crate) created_ms: i64,
    pub(crate) expires_ms: i64,
}

/// A payment that was accepted.
#[derive(Debug, Clone)]
pub(crate) struct Payment {
    /// The number of its withdrawal.
    pub(crate) id: u64,
    pub(crate) target: Target,
    pub(crate) sats: u64,
    pub(crate) description: Option<String>,
    pub(crate) note: Option<String>,
    pub(crate) created_ms: i64,
}

/// Who is paid.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Target {
    Bolt(String),
    Address(String),
}

/// Every invoice and every payment.
#[derive(Debug, Default)]
pub(crate) struct Lightning {
    /// The invoices of accounts, by their payment hash.
    invoices: BTreeMap<String, Invoice>,
    /// The payment hashes that cannot be paid: they are paid, or a payment is on its way.
    taken: BTreeSet<String>,
    /// The payments of invoices that are on their way, by the number of their withdrawal, with their payment hash.
    on_their_way: BTreeMap<u64, String>,
    /// Whether payments to the outside fail.
    outside_fails: bool,
}

/// Why an invoice is not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotMade {
    NoCurrency,
    OverLimit,
    /// The converted part is below the least order of the market, or there is no market.
    ConversionTooSmall,
    TooLongDescription,
}

/// Why an invoice cannot be paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotPaid {
    NoCurrency,
    Disabled,
    NotReadable(NoInvoice),
    AmountDiffers,
    Expired,
    /// It is paid, or a payment of it is on its way.
    AlreadyPaid,
    OwnInvoice,
    OverLimit,
    OverWithdrawalLimit,
    Quote(QuoteRefused),
    Insufficient,
}

impl From<Refused> for NotPaid {
    fn from(_: Refused) -> Self {
        Self::Insufficient
    }
}

/// The market in which bitcoin is sold for fiat.
fn fiat_market(desk: &Desk) -> Option<Arc<Market>> {
    let is_fiat = |code: &Code| desk.catalogue.currency(code).is_some_and(|currency| !currency.is_coin());
    desk.catalogue.markets().into_iter().find(|market| market.base == *BTC && is_fiat(&market.quote))
}

/// The bitcoin that are sold when an invoice is paid, cut to the digits of the market.
fn converted(market: &Market, sats: u64, share: Decimal) -> Option<Decimal> {
    let volume = money::mul(btc(sats), share)?.trunc_with_scale(market.amount_precision);
    (volume >= market.min_amount).then_some(volume)
}

fn bitcoin(desk: &Desk) -> Option<Arc<Currency>> {
    desk.catalogue.currency(BTC).filter(|currency| currency.lightning_fee.is_some())
}

impl Funds {
    /// Looks at the payments that are on their way. Of those that have ended, the paid invoices are credited, and the others can
    /// be paid again.
    pub(super) fn follow_payments(&mut self, desk: &mut Desk, at_ms: i64) {
        let ended: Vec<(u64, bool)> = self
            .lightning
            .on_their_way
            .keys()
            .filter_map(|id| match self.withdrawals.get(*id)?.state {
                WithdrawalState::Succeed => Some((*id, true)),
                state => state.is_end().then_some((*id, false)),
            })
            .collect();
        for (payment, is_paid) in ended {
            let Some(hash) = self.lightning.on_their_way.remove(&payment) else { continue };
            if is_paid {
                self.take_payment(&hash, desk, at_ms);
            } else {
                self.lightning.taken.remove(&hash);
            }
        }
    }

    /// Credits an invoice that was paid, and sells the part to convert. The answer is the number of the deposit; `None` if the
    /// invoice is nobody's here.
    fn take_payment(&mut self, hash: &str, desk: &mut Desk, at_ms: i64) -> Option<u64> {
        let invoice = self.lightning.invoices.get(hash)?.clone();
        let currency = Code::new(BTC)?;
        let coming = Coming {
            account: invoice.account,
            currency,
            amount: btc(invoice.sats),
            fee: Decimal::ZERO,
            state: DepositState::Accepted,
            origin: Origin {
                txid: Some(hash.to_owned()),
                invoice: Some(invoice.bolt.clone()),
                ..Origin::lightning()
            },
            // What is sold by the invoice's own wish is not moved by a payment reference or a deposit action too.
            reference: invoice.conversion.is_none().then(|| invoice.description.clone()),
            is_settled: invoice.conversion.is_some(),
            more: fields([
                ("description", invoice.description.clone().into()),
                ("member_description", invoice.note.clone().into()),
            ]),
        };
        let deposit = self.add_deposit(coming, desk, at_ms).ok()?;
        self.lightning.taken.insert(hash.to_owned());
        let market = fiat_market(desk).zip(invoice.conversion);
        if let Some((market, share)) = market
            && let Some(volume) = converted(&market, invoice.sats, share)
        {
            let name = format!("lightning-{}", invoice.id);
            desk.sell(Sale { account: invoice.account, market: market.id, volume, name });
        }
        Some(deposit)
    }
}

/// The commands of this file.
pub(super) fn commands<E: Holds<Funds>>() -> [Replayable<E>; 5] {
    [
        replayable::<E, CreateInvoice>(),
        replayable::<E, PayOut>(),
        replayable::<E, MakeOutsideInvoice>(),
        replayable::<E, PayFromOutside>(),
        replayable::<E, FailOutside>(),
    ]
}

/// Makes an invoice of an account.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CreateInvoice {
    pub(crate) account: AccountId,
    /// At least 1.
    pub(crate) sats: u64,
    /// Above 0, and at most 1.
    #[serde(with = "exact_option")]
    pub(crate) conversion: Option<Decimal>,
    pub(crate) description: Option<String>,
    pub(crate) note: Option<String>,
}

impl Command for CreateInvoice {
    const NAME: &'static str = "create_invoice";
    type Part = Funds;
    type Answer = Result<Invoice, NotMade>;

    fn run(self, funds: &mut Funds, desk: &mut Desk, at_ms: i64) -> Self::Answer {
        let Self { account, sats, conversion, description, note } = self;
        let currency = bitcoin(desk).ok_or(NotMade::NoCurrency)?;
        if currency.lightning_max_deposit.is_some_and(|most| btc(sats) > most) {
            return Err(NotMade::OverLimit);
        }
        if let Some(share) = conversion {
            let market = fiat_market(desk).ok_or(NotMade::ConversionTooSmall)?;
            converted(&market, sats, share).ok_or(NotMade::ConversionTooSmall)?;
        }
        let description = description.unwrap_or_else(|| DESCRIPTION.to_owned());
        let id = funds.next_id();
        let text =
            make(desk, OUR_NODE, id, Some(sats), &description, at_ms).ok_or(NotMade::TooLongDescription)?;
        let invoice = Invoice {
            id,
            account,
            bolt: text.bolt,
            sats,
            conversion,
            description,
            note,
            created_ms: at_ms,
            expires_ms: text.expires_ms,
        };
        funds.lightning.invoices.insert(text.payment_hash, invoice.clone());
        Ok(invoice)
    }
}

/// Pays an invoice or an address. What the travel rule says is not kept, because it is personal.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PayOut {
    pub(crate) account: AccountId,
    pub(crate) target: Target,
    /// At least 1.
    pub(crate) sats: u64,
    pub(crate) quote: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) note: Option<String>,
    /// The account's level of verification.
    pub(crate) level: u8,
}

impl Command for PayOut {
    const NAME: &'static str = "pay_lightning";
    type Part = Funds;
    type Answer = Result<Payment, NotPaid>;

    fn run(self, funds: &mut Funds, desk: &mut Desk, at_ms: i64) -> Self::Answer {
        let Self { account, target, sats, quote, description, note, level } = self;
        let currency = bitcoin(desk).ok_or(NotPaid::NoCurrency)?;
        if !currency.withdrawal_enabled {
            return Err(NotPaid::Disabled);
        }
        let text = match &target {
            Target::Bolt(bolt) => Some(payable(&funds.lightning, bolt, sats, at_ms)?),
            Target::Address(_) => None,
        };
        let payee = text.as_ref().and_then(|text| funds.lightning.invoices.get(&text.payment_hash));
        if payee.is_some_and(|payee| payee.account == account) {
            return Err(NotPaid::OwnInvoice);
        }
        if currency.lightning_max_withdraw.is_some_and(|most| btc(sats) > most) {
            return Err(NotPaid::OverLimit);
        }
        let quoted = quote.map(|id| funds.quotes.fee(&id, (account, currency.id, true), at_ms));
        let quoted = quoted.transpose().map_err(NotPaid::Quote)?;
        let fee = quoted.map_or_else(|| quotes::usual_fee(&currency, true), |(_, fee)| fee);
        let amount = money::add(btc(sats), fee).ok_or(NotPaid::Insufficient)?;
        if desk.balance(account, currency.id).available < amount {
            return Err(NotPaid::Insufficient);
        }
        let moved: Vec<_> = funds.withdrawals.moved(account, currency.id).collect();
        if !limits::allows(&currency, level, &moved, amount, at_ms) {
            return Err(NotPaid::OverWithdrawalLimit);
        }
        let fails = payee.is_none() && funds.lightning.outside_fails;
        let end = if fails { WithdrawalState::Failed } else { WithdrawalState::Succeed };
        let description = description.or_else(|| text.as_ref().map(|text| text.description.clone()));
        let receiver = match &target {
            Target::Bolt(_) => Value::Null,
            Target::Address(address) => address.as_str().into(),
        };
        let id = funds.next_id();
        let payout = Payout {
            account,
            currency: currency.id,
            amount,
            fee,
            rid: match &target {
                Target::Bolt(text) | Target::Address(text) => text.clone(),
            },
            note: None,
            txid: text.as_ref().map(|text| text.payment_hash.clone()),
            on_chain: true,
            steps: vec![Step::to(WithdrawalState::Processing, SUBMITTED_MS), Step::to(end, PROCESSING_MS)],
            line: fields([
                ("blockchain_key", "lightning".into()),
                ("blockchain_name", "Lightning".into()),
                ("description", description.clone().into()),
                ("member_description", note.clone().into()),
                ("receiver", receiver),
            ]),
        };
        funds.withdrawals.begin(id, payout, desk, at_ms)?;
        if let Some((quote, _)) = quoted {
            funds.quotes.spend(quote);
        }
        if let Some(text) = text {
            funds.lightning.taken.insert(text.payment_hash.clone());
            funds.lightning.on_their_way.insert(id, text.payment_hash);
        }
        Ok(Payment { id, target, sats, description, note, created_ms: at_ms })
    }
}

/// Reads an invoice, if it can be paid with this amount.
fn payable(lightning: &Lightning, bolt: &str, sats: u64, at_ms: i64) -> Result<bolt11::Invoice, NotPaid> {
    let text = bolt11::read(bolt).map_err(NotPaid::NotReadable)?;
    if text.amount_msat.is_some_and(|msat| Some(msat) != sats.checked_mul(1_000)) {
        return Err(NotPaid::AmountDiffers);
    }
    if lightning.taken.contains(&text.payment_hash) {
        return Err(NotPaid::AlreadyPaid);
    }
    if at_ms > text.expires_ms {
        return Err(NotPaid::Expired);
    }
    Ok(text)
}

/// Makes an invoice of the node outside; `None` if the description is too long.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct MakeOutsideInvoice {
    /// `None` if the payer chooses the amount.
    pub(crate) sats: Option<u64>,
    pub(crate) description: String,
}

impl Command for MakeOutsideInvoice {
    const NAME: &'static str = "make_outside_invoice";
    type Part = Funds;
    /// Its text.
    type Answer = Option<String>;

    fn run(self, funds: &mut Funds, desk: &mut Desk, at_ms: i64) -> Option<String> {
        let id = funds.next_id();
        make(desk, OUTSIDE_NODE, id, self.sats, &self.description, at_ms).map(|invoice| invoice.bolt)
    }
}

/// The node outside pays an invoice of an account. The answer is the number of the deposit.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PayFromOutside {
    pub(crate) bolt: String,
}

impl Command for PayFromOutside {
    const NAME: &'static str = "pay_from_outside";
    type Part = Funds;
    type Answer = Result<u64, NotPaid>;

    fn run(self, funds: &mut Funds, desk: &mut Desk, at_ms: i64) -> Self::Answer {
        let text = bolt11::read(&self.bolt).map_err(NotPaid::NotReadable)?;
        let invoice = funds.lightning.invoices.get(&text.payment_hash);
        // Only the exchange's own invoices can be paid to it.
        let sats = invoice.ok_or(NotPaid::NotReadable(NoInvoice::Invalid))?.sats;
        let text = payable(&funds.lightning, &self.bolt, sats, at_ms)?;
        funds.take_payment(&text.payment_hash, desk, at_ms).ok_or(NotPaid::OverLimit)
    }
}

/// Lets payments to the outside fail, or succeed again. Payments that are on their way are not changed.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct FailOutside(pub(crate) bool);

impl Command for FailOutside {
    const NAME: &'static str = "fail_outside";
    type Part = Funds;
    type Answer = ();

    fn run(self, funds: &mut Funds, _desk: &mut Desk, _at_ms: i64) {
        funds.lightning.outside_fails = self.0;
    }
}

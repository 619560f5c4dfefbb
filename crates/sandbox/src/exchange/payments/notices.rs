//! What webhooks tell: the documents' "Webhook Payload Examples", with the fields in their order. A field without a value is absent.
//! The documents name the events of deposits and not their fields; those are ours.

use super::{Parts, reference::PaymentReference, walk::Walk};
use crate::{
    base::{clock::iso_ms, money},
    exchange::{
        funds::deposits::{Deposited, News},
        notice::{Notice, Webhook},
    },
};
use rust_decimal::Decimal;
use serde_json::Value as Json;

type Fields = Vec<(&'static str, Json)>;

/// With two digits after the point at least, as in the documents' samples.
fn amount(amount: Decimal) -> Json {
    money::padded(amount, 2).into()
}

/// The fields without those that have no value.
fn present(fields: impl IntoIterator<Item = (&'static str, Json)>) -> Fields {
    fields.into_iter().filter(|(_, value)| !value.is_null()).collect()
}

fn blockchain(deposit: &Deposited) -> Option<String> {
    deposit.origin.blockchain.as_ref().map(|blockchain| blockchain.key.clone())
}

/// An event of a deposit, whatever it is for.
pub(super) fn deposit(news: News, deposit: &Deposited, own: Option<Webhook>, parts: &Parts<'_>) -> Notice {
    let event = match news {
        News::Accepted => "deposit.accepted",
        News::Rejected => "deposit.rejected",
        News::TravelRuleRequired => "deposit.travel_rule_required",
    };
    let fields = vec![
        ("deposit_id", deposit.id.into()),
        ("uid", parts.uid(deposit.account).into()),
        ("amount", amount(deposit.amount)),
        ("currency", deposit.currency.to_string().into()),
    ];
    Notice { account: deposit.account, own, event, fields }
}

/// An event of a payment reference.
fn about(reference: &PaymentReference, event: &'static str, fields: Fields) -> Notice {
    let terms = &reference.terms;
    Notice { account: terms.account, own: terms.webhook.clone(), event, fields }
}

/// The fields that most events begin with.
fn beginning(reference: &PaymentReference, deposit: u64, parts: &Parts<'_>) -> [(&'static str, Json); 4] {
    [
        ("payment_reference_id", reference.id.into()),
        ("reference", reference.code.as_str().into()),
        ("uid", parts.uid(reference.terms.account).into()),
        ("deposit_id", deposit.into()),
    ]
}

/// "Event 1: Deposit Matched".
pub(super) fn matched(reference: &PaymentReference, deposit: &Deposited, parts: &Parts<'_>) -> Notice {
    let own = [
        ("amount", amount(deposit.amount)),
        ("currency", deposit.currency.to_string().into()),
        ("deposit_blockchain", blockchain(deposit).into()),
        ("txid", deposit.origin.txid.clone().into()),
        ("invoice", deposit.origin.invoice.clone().into()),
        ("created_at", iso_ms(parts.at_ms).into()),
    ];
    let fields = present(beginning(reference, deposit.id, parts).into_iter().chain(own));
    about(reference, "payment_reference.deposit_matched", fields)
}

/// "Event 2: Completed" or "Event 3: Failed".
pub(super) fn ended(reference: &PaymentReference, parts: &Parts<'_>) -> Notice {
    let walk = reference.walk.as_ref();
    let number = |id: fn(&Walk) -> Option<u64>| Json::from(walk.and_then(id));
    let text = |text: fn(&Walk) -> &Option<String>| Json::from(walk.and_then(|walk| text(walk).clone()));
    let blockchain = ("deposit_blockchain", text(|walk| &walk.deposit.blockchain));
    let invoice = ("invoice", text(|walk| &walk.deposit.invoice));
    let time = ("created_at", Json::from(iso_ms(parts.at_ms)));
    let (event, own) = match &reference.error {
        None => (
            "payment_reference.completed",
            vec![
                ("internal_transfer_id", number(|walk| walk.transfer)),
                ("order_id", number(|walk| walk.order)),
                ("withdraw_id", number(|walk| walk.withdrawal)),
                blockchain,
                invoice,
                ("withdraw_blockchain", text(|walk| &walk.withdraw_blockchain)),
                time,
            ],
        ),
        Some(error) => {
            ("payment_reference.failed", vec![("error", error.as_str().into()), blockchain, invoice, time])
        }
    };
    let deposit = walk.map_or(0, |walk| walk.deposit.id);
    let fields = present(beginning(reference, deposit, parts).into_iter().chain(own));
    about(reference, event, fields)
}

/// "Event 4: Duplicate Deposit". Its fields have other names than those of the other events.
pub(super) fn duplicate(
    reference: &PaymentReference,
    original: u64,
    deposit: &Deposited,
    parts: &Parts<'_>,
) -> Notice {
    let fields = vec![
        ("reference", reference.code.as_str().into()),
        ("member_uid", parts.uid(reference.terms.account).into()),
        ("currency_id", deposit.currency.to_string().into()),
        ("amount", amount(deposit.amount)),
        ("original_deposit_id", original.into()),
        ("duplicate_deposit_id", deposit.id.into()),
        ("duplicate_count", reference.usage_count.saturating_sub(1).into()),
        ("timestamp", iso_ms(parts.at_ms).into()),
    ];
    about(reference, "payment_reference.duplicate_deposit", fields)
}

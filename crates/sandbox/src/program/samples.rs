//! Events with realistic values. They are written from the documents, not from the client's crates, so that the two can disagree.

use crate::base::clock;
use serde_json::{Value as Json, json};

/// The fields of an event, in the documents' order.
pub(super) type Fields = Vec<(String, Json)>;

/// The events that the documents name, and what they tell.
pub(super) const EVENTS: [&str; 7] = [
    "payment_reference.deposit_matched",
    "payment_reference.completed",
    "payment_reference.failed",
    "payment_reference.duplicate_deposit",
    "deposit.travel_rule_required",
    "deposit.accepted",
    "deposit.rejected",
];

/// The fields of an event at this time; `None` if the documents do not name it. The number of the deposit follows from the time, so
/// that each one is a new event. The fields of the three events of a deposit are our guess: no document describes them.
pub(super) fn fields(event: &str, now_ms: i64) -> Option<Fields> {
    let (time, deposit) = (clock::iso_ms(now_ms), now_ms.div_euclid(10).rem_euclid(100_000_000));
    let payment = [
        ("payment_reference_id", json!(123)),
        ("reference", json!("PAY-ABC123")),
        ("uid", json!("ID123456789")),
        ("deposit_id", json!(deposit)),
    ];
    let chain = ("deposit_blockchain", json!("ethereum-erc20"));
    let created = ("created_at", json!(time));
    let fields = match event {
        "payment_reference.deposit_matched" => Vec::from(payment)
            .into_iter()
            .chain([
                ("amount", json!("100.00")),
                ("currency", json!("usd")),
                chain,
                ("txid", json!("0x5c504ed432cb51138bcf09aa5e8a410dd4a1e204ef84bfed1be16dfba1b22060")),
                created,
            ])
            .collect(),
        "payment_reference.completed" => Vec::from(payment)
            .into_iter()
            .chain([
                ("internal_transfer_id", json!(202)),
                ("order_id", json!(789)),
                ("withdraw_id", json!(101)),
                chain,
                ("withdraw_blockchain", json!("bitcoin")),
                created,
            ])
            .collect(),
        "payment_reference.failed" => Vec::from(payment)
            .into_iter()
            .chain([("error", json!("Insufficient liquidity for market order on btcusd")), chain, created])
            .collect(),
        "payment_reference.duplicate_deposit" => vec![
            ("reference", json!("PAY-ABC123")),
            ("member_uid", json!("ID123456789")),
            ("currency_id", json!("usd")),
            ("amount", json!("100.00")),
            ("original_deposit_id", json!(456)),
            ("duplicate_deposit_id", json!(deposit)),
            ("duplicate_count", json!(1)),
            ("timestamp", json!(time)),
        ],
        name if EVENTS.contains(&name) => vec![
            ("deposit_id", json!(deposit)),
            ("uid", json!("ID123456789")),
            ("amount", json!("100.00")),
            ("currency", json!("usd")),
        ],
        _ => return None,
    };
    Some(fields.into_iter().map(|(name, value): (&str, Json)| (name.to_owned(), value)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_event_has_fields_and_each_moment_another_deposit() {
        for event in EVENTS {
            let (one, other) = (fields(event, 1_000_000).unwrap(), fields(event, 1_000_010).unwrap());
            assert!(one.len() >= 4, "{event}");
            let names = |fields: &Fields| fields.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
            assert_eq!(names(&one), names(&other));
            assert_ne!(one, other, "{event}");
        }
        assert_eq!(fields("payment_reference.lost", 0), None);
    }
}

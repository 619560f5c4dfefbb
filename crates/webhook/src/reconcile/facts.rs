//! Which events the exchange's answers show. No I/O.

use super::Why;
use crate::{Event, EventKey, WebhookEvent};
use capecrypto_models::{
    Deposit, DepositEventKind, DepositState, PaymentReference, PaymentReferenceState, Timestamp, Uid,
};
use serde::Serialize;
use serde_json::{Map, Value};

/// An event that an answer shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fact {
    pub(super) event: WebhookEvent,
    pub(super) key: EventKey,
    /// When it happened, or some time before. `None` if the inbox cannot have forgotten it.
    pub(super) happened: Option<Timestamp>,
}

/// What an answer shows, in the order in which it happened.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) told: Vec<Fact>,
    pub(super) untold: Vec<Why>,
}

impl Facts {
    /// Adds the event of these fields. Absent ones are left out, as the exchange does.
    fn tell(&mut self, event: &str, happened: Option<Timestamp>, fields: Fields) {
        let mut object = Map::from_iter([("event".to_owned(), Value::from(event))]);
        object.extend(fields.0);
        let text = Value::Object(object).to_string();
        match WebhookEvent::from_json(text.as_bytes()) {
            Ok(event) => self.told.push(Fact { key: EventKey::of(&event), event, happened }),
            Err(_) => self.untold.push(Why::Unusable),
        }
    }

    /// Whether these are all events of a payment reference, from the match to the end.
    pub(super) fn is_whole(&self) -> bool {
        let has = |is: fn(&WebhookEvent) -> bool| self.told.iter().any(|fact| is(&fact.event));
        has(|event| matches!(event, WebhookEvent::DepositMatched(_))) && has(Event::closes)
    }
}

/// The fields of an event.
struct Fields(Map<String, Value>);

impl Fields {
    fn with(mut self, name: &str, value: impl Serialize) -> Self {
        // `Null` also stands for what cannot be written; then the event cannot be read, and is reported.
        let value = serde_json::to_value(value).unwrap_or_default();
        if !value.is_null() {
            self.0.insert(name.to_owned(), value);
        }
        self
    }
}

/// The fields that all events of a payment reference have.
fn of_payment(reference: &PaymentReference) -> Fields {
    Fields(Map::new())
        .with("payment_reference_id", reference.id)
        .with("reference", &reference.reference)
        .with("uid", &reference.uid)
        .with("deposit_id", reference.deposit_id)
}

/// Whether the deposit has to be read too, because the event of its match has its amount.
pub(super) fn needs_deposit(reference: &PaymentReference) -> bool {
    reference.deposit_id.is_some() && reference.state != PaymentReferenceState::PendingDeposit
}

/// Whether the row of a list lacks what the answer for the single payment reference may have.
pub(super) fn is_short(reference: &PaymentReference) -> bool {
    reference.state.has_deposit() && reference.deposit_id.is_none()
}

/// What a payment reference shows that is awaited, with the deposit that it names.
///
/// An awaited one may be told its last event whatever its age is, because the store forgets nothing of it. Its match is
/// treated like a deposit, which may be forgotten: an earlier version did so.
pub(super) fn of_reference(reference: &PaymentReference, deposit: Option<&Deposit>) -> Facts {
    let mut facts = Facts::default();
    if let Some(count) = reference.usage_count.filter(|count| *count > 1) {
        facts.untold.push(Why::UsedOften(count));
    }
    if !reference.state.is_known() {
        facts.untold.push(Why::UnknownState(reference.state.as_str().into()));
    }
    let id = match (reference.deposit_id, &reference.state) {
        (Some(id), PaymentReferenceState::PendingDeposit) => {
            facts.untold.push(Why::Contradiction(id));
            return facts;
        }
        (Some(id), _) => id,
        (None, state) => {
            if state.has_deposit() {
                facts.untold.push(Why::NoDepositNumber);
            }
            return facts;
        }
    };
    let deposit = deposit.filter(|deposit| deposit.id == id);
    let blockchain = deposit.and_then(|deposit| deposit.blockchain.as_ref());
    match deposit {
        Some(deposit) => {
            let fields = of_payment(reference)
                .with("amount", deposit.amount)
                .with("currency", &deposit.currency)
                .with("deposit_blockchain", blockchain)
                .with("txid", &deposit.txid);
            facts.tell("payment_reference.deposit_matched", Some(deposit.created_at), fields);
        }
        None => facts.untold.push(Why::NoDeposit(id)),
    }
    let fields = of_payment(reference).with("deposit_blockchain", blockchain);
    match reference.state {
        PaymentReferenceState::Completed => {
            let fields = fields
                .with("internal_transfer_id", reference.internal_transfer_id)
                .with("order_id", reference.order_id)
                .with("withdraw_id", reference.withdraw_id);
            facts.tell("payment_reference.completed", None, fields);
        }
        PaymentReferenceState::Failed => {
            facts.tell("payment_reference.failed", None, fields.with("error", &reference.error));
        }
        _ => {}
    }
    facts
}

/// What a deposit into an account shows. The account is not in the answer.
pub(super) fn of_deposit(deposit: &Deposit, uid: Option<&Uid>) -> Facts {
    let mut facts = Facts::default();
    let (kind, happened) = match &deposit.state {
        state if state.is_credited() => {
            // It is accepted when it is completed, or later.
            let completed = deposit.completed_at.unwrap_or(deposit.created_at);
            (DepositEventKind::Accepted, completed.max(deposit.created_at))
        }
        DepositState::Rejected => (DepositEventKind::Rejected, deposit.created_at),
        DepositState::OnHoldTravelRuleCustomer => (DepositEventKind::TravelRuleRequired, deposit.created_at),
        state => {
            if !state.is_known() {
                facts.untold.push(Why::UnknownState(state.as_str().into()));
            }
            return facts;
        }
    };
    let mut fields = Fields(Map::new()).with("deposit_id", deposit.id).with("uid", uid);
    if let Ok(Value::Object(row)) = serde_json::to_value(deposit) {
        fields.0.extend(row.into_iter().filter(|(name, _)| name != "id"));
    }
    facts.tell(kind.name(), Some(happened), fields);
    facts
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn with(mut row: Value, more: Value) -> Value {
        let Value::Object(more) = more else { panic!("no object") };
        row.as_object_mut().unwrap().extend(more);
        row
    }

    fn reference(state: &str, more: Value) -> PaymentReference {
        let row = json!({
            "id": 123, "reference": "PAY-1", "uid": "CCT1234567", "currency": "btc", "state": state,
            "created_at": "2026-03-01T08:00:00Z", "updated_at": "2026-03-02T08:00:00Z",
        });
        serde_json::from_value(with(row, more)).unwrap()
    }

    fn deposit(state: &str, more: Value) -> Deposit {
        let row = json!({
            "id": 456, "currency": "btc", "amount": "0.0150000000000000001", "fee": "0.0", "txid": "tx1",
            "blockchain": "bitcoin", "confirmations": 1, "state": state, "created_at": "2026-03-01T09:00:00Z",
        });
        serde_json::from_value(with(row, more)).unwrap()
    }

    fn keys(facts: &Facts) -> Vec<&str> {
        facts.told.iter().map(|fact| fact.key.as_str()).collect()
    }

    const MATCHED: &str = "payment_reference.deposit_matched/PAY-1/456";
    const COMPLETED: &str = "payment_reference.completed/PAY-1/456";
    const FAILED: &str = "payment_reference.failed/PAY-1/456";

    #[test]
    fn each_state_of_a_payment_reference_shows_its_events() {
        let accepted = deposit("accepted", json!({}));
        for state in PaymentReferenceState::KNOWN.iter().copied().chain(["expired"]) {
            let unknown = (state == "expired").then(|| Why::UnknownState("expired".into()));
            let without = of_reference(&reference(state, json!({})), None);
            let with = reference(state, json!({"deposit_id": 456}));
            let unread = of_reference(&with, None);
            let with = of_reference(&with, Some(&accepted));
            assert!(without.told.is_empty(), "{state}");
            let mut expected = match state {
                "pending_deposit" | "expired" => vec![],
                _ => vec![Why::NoDepositNumber],
            };
            expected.extend(unknown.clone());
            assert_eq!(without.untold, expected, "{state}");

            let last: &[&str] = match state {
                "completed" => &[COMPLETED],
                "failed" => &[FAILED],
                _ => &[],
            };
            if state == "pending_deposit" {
                assert_eq!((keys(&with), &with.untold), (vec![], &vec![Why::Contradiction(456.into())]));
                continue;
            }
            assert_eq!(keys(&with), [&[MATCHED], last].concat(), "{state}");
            assert_eq!(with.untold, Vec::from_iter(unknown.clone()), "{state}");
            // The last event needs no deposit.
            assert_eq!(keys(&unread), last, "{state}");
            let missing = unknown.into_iter().chain([Why::NoDeposit(456.into())]);
            assert_eq!(unread.untold, Vec::from_iter(missing), "{state}");
        }
    }

    #[test]
    fn an_event_has_what_is_known_and_no_time() {
        let ids = json!({"deposit_id": 456, "order_id": 7, "withdraw_id": 8, "internal_transfer_id": 9});
        let facts = of_reference(&reference("completed", ids), Some(&deposit("collected", json!({}))));
        let json = |at: usize| serde_json::to_value(&facts.told[at].event).unwrap();
        assert_eq!(
            json(0),
            json!({
                "event": "payment_reference.deposit_matched", "payment_reference_id": 123, "reference": "PAY-1",
                "uid": "CCT1234567", "deposit_id": 456, "amount": "0.0150000000000000001", "currency": "btc",
                "deposit_blockchain": "bitcoin", "txid": "tx1",
            })
        );
        assert_eq!(
            json(1),
            json!({
                "event": "payment_reference.completed", "payment_reference_id": 123, "reference": "PAY-1",
                "uid": "CCT1234567", "deposit_id": 456, "internal_transfer_id": 9, "order_id": 7, "withdraw_id": 8,
                "deposit_blockchain": "bitcoin",
            })
        );
        let times: Vec<_> = facts.told.iter().map(|fact| fact.happened).collect();
        assert_eq!(times, [Some("2026-03-01T09:00:00Z".parse().unwrap()), None]);

        let failed = reference("failed", json!({"deposit_id": 456, "error": "no liquidity"}));
        let WebhookEvent::Failed(failed) = &of_reference(&failed, None).told[0].event else { panic!() };
        assert_eq!((failed.error.as_deref(), failed.created_at), (Some("no liquidity"), None));
    }

    #[test]
    fn further_deposits_are_only_counted() {
        for (count, untold) in [(0, vec![]), (1, vec![]), (3, vec![Why::UsedOften(3)])] {
            let used = reference("pending_deposit", json!({"usage_count": count}));
            assert_eq!(of_reference(&used, None), Facts { told: vec![], untold }, "{count}");
        }
    }

    #[test]
    fn another_deposit_is_not_taken_for_the_one_that_is_named() {
        let named = reference("pending_withdraw", json!({"deposit_id": 457}));
        let facts = of_reference(&named, Some(&deposit("accepted", json!({}))));
        assert_eq!(facts, Facts { told: vec![], untold: vec![Why::NoDeposit(457.into())] });
    }

    #[test]
    fn the_deposit_is_read_only_if_an_event_needs_it() {
        for (state, id, needs, short) in [
            ("pending_deposit", Value::Null, false, false),
            ("pending_deposit", 456.into(), false, false),
            ("pending_withdraw", Value::Null, false, true),
            ("pending_withdraw", 456.into(), true, false),
            ("completed", 456.into(), true, false),
            ("expired", 456.into(), true, false),
            ("expired", Value::Null, false, false),
        ] {
            let row = reference(state, json!({"deposit_id": id}));
            assert_eq!((needs_deposit(&row), is_short(&row)), (needs, short), "{row:?}");
        }
    }

    #[test]
    fn each_state_of_a_deposit_shows_its_event() {
        for state in DepositState::KNOWN.iter().copied().chain(["lost"]) {
            let facts = of_deposit(&deposit(state, json!({})), None);
            let expected: &[&str] = match state {
                "accepted" | "collected" => &["deposit.accepted/456"],
                "rejected" => &["deposit.rejected/456"],
                "on_hold_travel_rule_customer" => &["deposit.travel_rule_required/456"],
                _ => &[],
            };
            assert_eq!(keys(&facts), expected, "{state}");
            let unknown = (state == "lost").then(|| Why::UnknownState("lost".into()));
            assert_eq!(facts.untold, Vec::from_iter(unknown));
        }
    }

    #[test]
    fn a_deposits_event_has_its_row_and_its_account() {
        let completed = json!({"completed_at": "2026-03-04T09:00:00Z"});
        let uid: Uid = "CCT1234567".parse().unwrap();
        let facts = of_deposit(&deposit("accepted", completed.clone()), Some(&uid));
        assert_eq!(facts.told[0].happened, Some("2026-03-04T09:00:00Z".parse().unwrap()));
        let WebhookEvent::Deposit(event) = &facts.told[0].event else { panic!() };
        assert_eq!(event.kind(), DepositEventKind::Accepted);
        let row: Value = serde_json::from_str(event.json()).unwrap();
        assert_eq!(
            (&row["deposit_id"], &row["uid"], row.get("id")),
            (&456.into(), &"CCT1234567".into(), None)
        );
        assert_eq!((&row["amount"], &row["state"]), (&"0.0150000000000000001".into(), &"accepted".into()));
        // Only an accepted one was certainly not told before it was completed.
        let held = of_deposit(&deposit("rejected", completed), None);
        assert_eq!(held.told[0].happened, Some("2026-03-01T09:00:00Z".parse().unwrap()));
    }
}

//! The events of webhooks, against the specification and by hand.

use capecrypto_models::{DepositEventKind, WebhookEvent, dec};
use capecrypto_testkit::{Covered, Fixtures, Spec, assert_no_findings, probe};
use serde_json::{Value, json};

/// Reads an event and writes it again. A known name must not end as `Unknown`, which keeps everything.
fn trip(body: &[u8]) -> Result<Value, String> {
    let event = WebhookEvent::from_json(body).map_err(|error| error.to_string())?;
    let is_unknown = matches!(event, WebhookEvent::Unknown(_));
    if is_unknown && Spec::cape().webhook(event.name()).is_some() {
        return Err(format!("models::WebhookEvent has no variant for {}", event.name()));
    }
    serde_json::to_value(event).map_err(|error| error.to_string())
}

#[test]
fn every_event_is_as_specified() {
    let (spec, fixtures) = (Spec::cape(), Fixtures::cape());
    let mut findings = probe::covered(&spec, Covered::Webhooks, WebhookEvent::KNOWN);
    for event in &spec.webhooks {
        findings.extend(probe::webhook(&spec, &fixtures, &event.name, &trip));
    }
    assert_no_findings(findings);
    for event in &spec.webhooks {
        for fixture in fixtures.received(&event.id) {
            let read = format!("{:?}", WebhookEvent::from_json(fixture.text.as_bytes()).unwrap());
            let variant = format!("WebhookEvent::{}", read.split('(').next().unwrap());
            assert_eq!(
                event.sdk, variant,
                "correct x-sdk of {} in docs/api/cape/webhook-events.yaml",
                event.name
            );
        }
    }
}

fn event(name: &str) -> Value {
    let spec = Spec::cape();
    let fixtures = Fixtures::cape();
    fixtures.received(&spec.webhook(name).unwrap().id).next().unwrap().json().unwrap()
}

fn read(event: &Value) -> Result<WebhookEvent, String> {
    WebhookEvent::from_json(event.to_string().as_bytes()).map_err(|error| error.to_string())
}

#[test]
fn the_duplicate_has_other_names_on_the_wire_and_the_same_here() {
    let WebhookEvent::DuplicateDeposit(twice) = read(&event("payment_reference.duplicate_deposit")).unwrap()
    else {
        panic!("another event")
    };
    assert_eq!((twice.uid.as_str(), twice.currency.as_str()), ("ID123456789", "usd"));
    assert_eq!((twice.amount, twice.duplicate_count), (dec!(100.00), 1));
    assert_eq!((twice.original_deposit_id.get(), twice.duplicate_deposit_id.get()), (456, 789));
    let event = WebhookEvent::DuplicateDeposit(twice);
    assert_eq!(event.reference(), Some("PAY-ABC123"));
    assert_eq!(event.created_at(), Some("2025-01-17T10:15:00Z".parse().unwrap()));
}

#[test]
fn absent_keys_stay_absent() {
    let mut plain = event("payment_reference.completed");
    plain.as_object_mut().unwrap().retain(|key, _| {
        ["event", "payment_reference_id", "reference", "uid", "deposit_id"].contains(&key.as_str())
    });
    let read = read(&plain).unwrap();
    assert_eq!(read.created_at(), None);
    assert_eq!(serde_json::to_value(read).unwrap(), plain);
}

#[test]
fn what_is_not_described_is_kept_letter_by_letter() {
    for (name, kind) in [
        ("deposit.travel_rule_required", Some(DepositEventKind::TravelRuleRequired)),
        ("deposit.accepted", Some(DepositEventKind::Accepted)),
        ("deposit.rejected", Some(DepositEventKind::Rejected)),
        ("payment_reference.refunded", None),
    ] {
        let body = format!(r#"{{ "amount": 1.50, "event":"{name}","by":{{"name":"Jane"}} }}"#);
        let event = WebhookEvent::from_json(format!(" {body}\n").as_bytes()).unwrap();
        let json = match &event {
            WebhookEvent::Deposit(event) => (Some(event.kind()), event.json()),
            WebhookEvent::Unknown(event) => (None, event.json()),
            other => panic!("{other:?}"),
        };
        assert_eq!((event.name(), json), (name, (kind, body.as_str())));
        assert_eq!(serde_json::to_string(&event).unwrap(), body);
        assert!(!format!("{event:?}").contains("Jane"), "{event:?}");
        let inside: Vec<WebhookEvent> = serde_json::from_str(&format!("[{body}]")).unwrap();
        assert_eq!(inside, [event]);
    }
}

#[test]
fn an_error_names_the_field_and_quotes_no_value() {
    let mut wrong = event("payment_reference.deposit_matched");
    for (field, value, words) in [
        ("deposit_id", json!("c4nary"), "`deposit_id` cannot be read"),
        ("amount", json!({ "c4nary": 1 }), "`amount` cannot be read"),
        ("created_at", json!("c4nary"), "`created_at` cannot be read"),
        ("event", json!(["c4nary"]), "`event` cannot be read"),
        ("event", json!(""), "no `event`"),
    ] {
        let before = std::mem::replace(&mut wrong[field], value);
        let error = read(&wrong).unwrap_err();
        assert!(error.contains(words) && !error.contains("c4nary"), "{error}");
        wrong[field] = before;
    }
    wrong.as_object_mut().unwrap().remove("deposit_id");
    assert!(read(&wrong).unwrap_err().contains("missing field `deposit_id`"));
    for body in [&b"c4nary"[..], b"", b"[]", b"\"c4nary\"", b"{\"c4nary\":", b"\xff", b"{}", b"null"] {
        let error = WebhookEvent::from_json(body).unwrap_err().to_string();
        assert!(error.starts_with("the body is not an event: ") && !error.contains("c4nary"), "{error}");
    }
    let twice = br#"{"event":"deposit.accepted","event":"deposit.rejected"}"#;
    assert!(WebhookEvent::from_json(twice).is_err(), "two names");
}

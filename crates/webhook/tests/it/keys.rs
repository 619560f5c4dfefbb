//! The key of an event.

use capecrypto_models::{DepositEventKind, DepositId, WebhookEvent};
use capecrypto_testkit::Fixtures;
use capecrypto_webhook::{EventKey, testing};
use proptest::prelude::*;
use std::collections::HashSet;

fn key(body: &str) -> EventKey {
    EventKey::of(&WebhookEvent::from_json(body.as_bytes()).unwrap())
}

#[test]
fn the_documents_events_have_these_keys() {
    let fixtures = Fixtures::cape();
    for (operation, name, expected) in [
        ("deposit_matched_event", "event", "payment_reference.deposit_matched/PAY-ABC123/456"),
        ("payment_completed_event", "event", "payment_reference.completed/PAY-ABC123/456"),
        ("payment_failed_event", "event", "payment_reference.failed/PAY-ABC123/456"),
        ("duplicate_deposit_event", "event", "payment_reference.duplicate_deposit/PAY-ABC123/789/1"),
        ("deposit_accepted_event", "composed", "deposit.accepted/456"),
    ] {
        assert_eq!(key(fixtures.text(operation, name)).as_str(), expected);
    }
}

#[test]
fn what_is_known_without_a_webhook_has_the_key_of_the_webhook() {
    let (reference, deposit) = ("PAY-ABC123", DepositId::new(456));
    for (built, sample) in [
        (EventKey::deposit_matched(reference, deposit), testing::deposit_matched()),
        (EventKey::completed(reference, deposit), testing::completed()),
        (EventKey::failed(reference, deposit), testing::failed()),
        (
            EventKey::deposit(DepositEventKind::Rejected, deposit),
            testing::deposit(DepositEventKind::Rejected),
        ),
    ] {
        assert_eq!(built, EventKey::of(&sample.event().unwrap()));
    }
}

#[test]
fn a_key_of_another_sender_tells_all_parts_apart_and_can_be_stored() {
    let many = ["a", "b", "c", "d"];
    let keys = [
        EventKey::other("x.y", &[]),
        EventKey::other("x.y", &["a"]),
        EventKey::other("x.y", &["a", "b"]),
        EventKey::other("x.y", &["a", "b", "c"]),
        EventKey::other("x.y", &many),
        EventKey::other("x.y", &["a", "b", "cd", ""]),
        EventKey::other("x.y", &["a", "b", "c", "e"]),
        EventKey::other("x.z", &many),
        EventKey::other("x.y", &["a/b"]),
        EventKey::other("x.y", &["é".repeat(500).as_str()]),
    ];
    assert_eq!(keys.iter().collect::<HashSet<_>>().len(), keys.len());
    for key in keys {
        assert_eq!(key.as_str().parse(), Ok(key.clone()));
    }
}

#[test]
fn the_same_event_at_another_time_is_the_same_event() {
    let later = testing::completed().at("2026-01-01T00:00:00Z".parse().unwrap()).with("new_field", true);
    assert_eq!(key(&later.body()), key(&testing::completed().body()));
}

#[test]
fn each_part_of_a_key_tells_events_apart() {
    let further = testing::duplicate_deposit;
    let all = [
        testing::deposit_matched(),
        testing::completed(),
        testing::failed(),
        testing::completed().reference("PAY-2"),
        testing::completed().deposit(DepositId::new(457)),
        further(),
        further().reference("PAY-2"),
        further().deposit(DepositId::new(790)),
        further().with("duplicate_count", 2),
        testing::deposit(DepositEventKind::Accepted),
        testing::deposit(DepositEventKind::Rejected),
        testing::deposit(DepositEventKind::TravelRuleRequired),
        testing::deposit(DepositEventKind::Accepted).deposit(DepositId::new(1)),
        testing::named("a"),
        testing::named("b"),
        testing::named("a").with("n", 1),
    ];
    let keys: HashSet<EventKey> = all.iter().map(|sample| key(&sample.body())).collect();
    assert_eq!(keys.len(), all.len());
}

#[test]
fn an_event_of_a_deposit_is_known_by_its_number_or_by_its_body() {
    for (body, expected) in [
        (r#"{"event":"deposit.accepted","deposit_id":7,"id":8}"#, "deposit.accepted/7"),
        (r#"{"event":"deposit.accepted","deposit_id":"7"}"#, "deposit.accepted/7"),
        (r#"{"event":"deposit.accepted","id":8}"#, "deposit.accepted/8"),
        (r#"{"event":"deposit.accepted","deposit_id":null,"id":8}"#, "deposit.accepted/8"),
    ] {
        assert_eq!(key(body).as_str(), expected, "{body}");
    }
    for body in [
        r#"{"event":"deposit.accepted"}"#,
        r#"{"event":"deposit.accepted","id":"x7"}"#,
        r#"{"event":"deposit.accepted","id":-7}"#,
        r#"{"event":"deposit.accepted","id":1.5}"#,
        r#"{"event":"deposit.accepted","id":{"id":7}}"#,
        r#"{"event":"deposit.accepted","id":99999999999999999999}"#,
        r#"{"event":"deposit.accepted","id":1,"id":2}"#,
    ] {
        assert!(key(body).as_str().starts_with("deposit.accepted/sha256:"), "{body}");
    }
}

#[test]
fn an_unknown_event_is_known_by_its_body() {
    // Computed with another implementation of SHA-256.
    let expected = "order.created/sha256:c49f4ca77a02745a743c662d39346298ff80cb985b8058f901e17c4cc00541d0";
    assert_eq!(key(r#"{"event":"order.created","n":1}"#).as_str(), expected);
    assert_eq!(key(" {\"event\":\"order.created\",\"n\":1}\r\n").as_str(), expected);
    assert_ne!(key(r#"{"event":"order.created", "n":1}"#).as_str(), expected);
}

#[test]
fn a_long_or_strange_part_is_still_a_short_and_plain_key() {
    let deposit = DepositId::new(1);
    let escaped = EventKey::completed("PAY/1 %é:", deposit);
    assert_eq!(escaped.as_str(), "payment_reference.completed/PAY%2F1%20%25%C3%A9%3A/1");
    assert!(EventKey::completed(&"x".repeat(96), deposit).as_str().contains(&"x".repeat(96)));
    let long = EventKey::completed(&"x".repeat(97), deposit);
    // Computed with another implementation of SHA-256.
    let digest = "19a8f07eeb7f3d0c0b7377e37d72eccde144cefeb44beac9c3227131a526688d";
    assert_eq!(long.as_str(), format!("payment_reference.completed/sha256:{digest}/1"));
    // 33 bytes that need 99 characters.
    assert!(EventKey::completed(&" ".repeat(33), deposit).as_str().contains("/sha256:"));
    let name = "n".repeat(500_000);
    assert!(key(&testing::named(&name).body()).as_str().len() < 200);
}

#[test]
fn a_text_that_is_no_key_is_refused() {
    for wrong in ["", "a", "a b/c", "a/\n", "é/1", &format!("a/{}", "x".repeat(400))] {
        assert!(wrong.parse::<EventKey>().is_err(), "{wrong}");
    }
}

proptest! {
    #[test]
    fn different_references_have_different_keys(a in any::<String>(), b in any::<String>(), id in any::<u64>()) {
        let key = |reference: &str| EventKey::completed(reference, DepositId::new(id));
        prop_assert_eq!(key(&a) == key(&b), a == b);
        prop_assert!(key(&a).as_str().len() <= 387);
        prop_assert_eq!(key(&a).as_str().matches('/').count(), 2);
        prop_assert_eq!(key(&a).as_str().parse(), Ok(key(&a)));
    }
}

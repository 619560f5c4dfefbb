//! What users get for their tests.

use capecrypto_models::{DepositEventKind, DepositId, Timestamp, WebhookEvent, dec};
use capecrypto_testkit::Fixtures;
use capecrypto_webhook::{Verifier, testing};
use serde_json::Value;

#[test]
fn the_samples_have_the_documents_fields_in_their_order() {
    let fixtures = Fixtures::cape();
    for (operation, sample) in [
        ("deposit_matched_event", testing::deposit_matched()),
        ("payment_completed_event", testing::completed()),
        ("payment_failed_event", testing::failed()),
        ("duplicate_deposit_event", testing::duplicate_deposit()),
    ] {
        let names = |text: &str| -> Vec<String> {
            let found = text.split('"').skip(1).step_by(2).zip(text.split('"').skip(2).step_by(2));
            found.filter(|(_, after)| after.starts_with(':')).map(|(name, _)| name.to_owned()).collect()
        };
        let mut documented = names(fixtures.text(operation, "event"));
        // Only for lightning, and these samples came on Ethereum.
        documented.retain(|name| name != "invoice");
        assert_eq!(names(&sample.body()), documented, "{operation}");
    }
}

#[test]
fn every_known_event_has_a_sample_that_is_verified() {
    let mut samples = vec![
        testing::deposit_matched(),
        testing::completed(),
        testing::failed(),
        testing::duplicate_deposit(),
    ];
    samples.extend(
        [DepositEventKind::TravelRuleRequired, DepositEventKind::Accepted, DepositEventKind::Rejected]
            .map(testing::deposit),
    );
    let verifier = Verifier::hmac("a", "s").unwrap();
    let names: Vec<String> = samples
        .iter()
        .map(|sample| {
            let delivery = sample.signed("s");
            let verified = verifier.verify(&delivery.headers(), delivery.body.as_bytes()).unwrap();
            assert_eq!(Ok(&verified.event), sample.event().as_ref());
            verified.event.name().to_owned()
        })
        .collect();
    assert_eq!(names, WebhookEvent::KNOWN);
}

#[test]
fn the_setters_know_the_names_on_the_wire() {
    let time: Timestamp = "2026-03-04T05:06:07Z".parse().unwrap();
    let set = |sample: testing::Sample| {
        let sample =
            sample.reference("PAY-9").uid("ID9").deposit(DepositId::new(9)).amount(dec!(1.50), "zar");
        sample.at(time).event().unwrap()
    };
    let WebhookEvent::DuplicateDeposit(further) = set(testing::duplicate_deposit()) else { panic!() };
    assert_eq!((further.reference.as_str(), further.uid.as_str()), ("PAY-9", "ID9"));
    assert_eq!((further.duplicate_deposit_id.get(), further.original_deposit_id.get()), (9, 456));
    assert_eq!((further.amount, further.currency.as_str()), (dec!(1.50), "zar"));
    assert_eq!(further.created_at, Some(time));
    let WebhookEvent::DepositMatched(matched) = set(testing::deposit_matched()) else { panic!() };
    assert_eq!((matched.deposit_id.get(), matched.uid.as_str()), (9, "ID9"));
    assert_eq!((matched.currency.as_str(), matched.created_at), ("zar", Some(time)));
    // It has no amount, and gets none.
    let WebhookEvent::Failed(failed) = set(testing::failed()) else { panic!() };
    assert_eq!((failed.reference.as_str(), failed.deposit_id.get()), ("PAY-9", 9));
    assert!(!testing::failed().amount(dec!(1), "zar").body().contains("amount"));
}

#[test]
fn any_field_can_be_set_and_left_out() {
    let sample = testing::named("x\"y").with("a\"b", "c\"d").with("a\"b", 1).with("gone", 1).without("gone");
    let body: Value = serde_json::from_str(&sample.body()).unwrap();
    assert_eq!(body, serde_json::json!({"event": "x\"y", "a\"b": 1}));
}

#[test]
fn a_secret_that_no_header_can_have_is_refused() {
    assert!(testing::completed().plain_text("a\nb").is_err());
}

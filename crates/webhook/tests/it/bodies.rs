//! Bodies that are no event, and events that nobody knows.

use capecrypto_models::WebhookEvent;
use capecrypto_webhook::{Rejection, Verified, Verifier, testing};

const SECRET: &str = "s";

fn signed(body: &[u8]) -> Result<Verified, Rejection> {
    let header = testing::sign(SECRET, body);
    Verifier::hmac("a", SECRET).unwrap().verify_values([header.as_bytes()], body)
}

#[test]
fn a_signed_body_that_is_no_event_is_told_apart() {
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    for (body, expected) in [
        (b"".as_slice(), Rejection::Empty),
        (b" \r\n\t", Rejection::Empty),
        (b"\xff\xfe{}", Rejection::NotUtf8),
        (b"{\"event\":\"\xc3\x28\"}", Rejection::NotUtf8),
        // The beginning of what gzip writes.
        (b"\x1f\x8b\x08\x00\x00\x00\x00\x00", Rejection::NotUtf8),
        (b"event=payment_reference.completed", Rejection::NotJson),
        (b"<html>502</html>", Rejection::NotJson),
        (b"{\"event\":\"x\"", Rejection::NotJson),
        (b"{\"event\":\"x\"} {}", Rejection::NotJson),
        (b"{\"event\":\"x\",\"n\":NaN}", Rejection::NotJson),
        (deep.as_bytes(), Rejection::NoEvent),
        (b"null", Rejection::NoEvent),
        (b"[]", Rejection::NoEvent),
        (b"\"payment_reference.completed\"", Rejection::NoEvent),
        (b"{}", Rejection::NoEvent),
        (b"{\"event\":null}", Rejection::NoEvent),
        (b"{\"event\":\"\"}", Rejection::NoEvent),
        (b"{\"event\":{}}", Rejection::NoEvent),
        (b"{\"event\":\"x\",\"event\":\"y\"}", Rejection::NoEvent),
    ] {
        let refused = signed(body).unwrap_err();
        assert_eq!(refused, expected, "{}", body[..body.len().min(60)].escape_ascii());
        assert_eq!(refused.status(), 400);
    }
}

#[test]
fn a_known_event_without_a_field_names_the_field() {
    let body = testing::completed().without("deposit_id").body();
    let refused = signed(body.as_bytes()).unwrap_err();
    assert!(matches!(refused, Rejection::Unreadable(_)) && refused.status() == 400);
    assert!(refused.to_string().contains("deposit_id"), "{refused}");
}

#[test]
fn who_does_not_know_the_secret_learns_nothing_of_the_body() {
    let verifier = Verifier::hmac("a", SECRET).unwrap();
    let header = testing::sign("another", b"");
    for body in [b"".as_slice(), b"\xff", b"{}", b"null"] {
        let refused = verifier.verify_values([header.as_bytes()], body);
        assert_eq!(refused, Err(Rejection::WrongSignature));
    }
}

#[test]
fn an_unknown_event_comes_whole() {
    let body = testing::named("order.filled").with("n", "0012").with("deep", vec![1, 2]).body();
    let WebhookEvent::Unknown(event) = signed(body.as_bytes()).unwrap().event else { panic!("known") };
    assert_eq!((event.name(), event.json()), ("order.filled", body.as_str()));
}

#[test]
fn numbers_are_read_from_text_too() {
    let as_text =
        testing::duplicate_deposit().with("duplicate_deposit_id", "789").with("duplicate_count", "1");
    let verified = signed(as_text.body().as_bytes()).unwrap();
    assert_eq!(verified.event, testing::duplicate_deposit().event().unwrap());
    assert_eq!(verified.key.as_str(), "payment_reference.duplicate_deposit/PAY-ABC123/789/1");
}

#[test]
fn a_body_that_was_parsed_and_written_again_is_refused() {
    let delivery = testing::completed().signed(SECRET);
    let verifier = Verifier::hmac("a", SECRET).unwrap();
    let spaced = delivery.body.replace("\":", "\": ");
    assert_eq!(testing::completed().event(), WebhookEvent::from_json(spaced.as_bytes()), "the same event");
    let refused = verifier.verify(&delivery.headers(), spaced.as_bytes()).unwrap_err();
    assert_eq!(refused, Rejection::WrongSignature);
    assert!(refused.to_string().contains("written again"), "{refused}");
}

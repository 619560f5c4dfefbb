//! The signature: known answers, several secrets, one header.

use capecrypto_testkit::Fixtures;
use capecrypto_webhook::{HEADER, MAX_BODY, Rejection, Verifier, testing};
use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;

#[test]
fn the_signature_is_that_of_rfc_4231() {
    // Test case 2, as base64.
    let (secret, body) = ("Jefe", b"what do ya want for nothing?");
    let header = "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=";
    assert_eq!(testing::sign(secret, body), header);
    let verifier = Verifier::hmac("Jefe's", secret).unwrap();
    let name = verifier.authenticate([header.as_bytes()], body).unwrap();
    assert_eq!(name.as_deref(), Some("Jefe's"));
}

#[test]
fn the_documents_payloads_are_verified_as_they_are_printed() {
    // Computed with another implementation of HMAC and base64.
    let signed = [
        ("deposit_matched_event", "8Sv1GuhImBYKfJTd6qOy6RIDakEY6oMln8hLhuMWUI4="),
        ("payment_completed_event", "By3U2Jl5h4MW+e6g7S7DymdtKIlmPlyCEmAsbkQFz4s="),
        ("payment_failed_event", "XPCQwLMZn/+fNitwzPCrKGTUoqXLEt2HZNUwbx6vReE="),
        ("duplicate_deposit_event", "EmD0QapnraUt3sbhwed/8FK4B+ypP13L1yrhUK0bKjo="),
    ];
    let (fixtures, verifier) = (Fixtures::cape(), Verifier::hmac("now", "my_secret_key").unwrap());
    for (operation, header) in signed {
        let body = fixtures.text(operation, "event");
        let verified = verifier.verify_values([header.as_bytes()], body.as_bytes()).unwrap();
        assert_eq!(verified.event.reference(), Some("PAY-ABC123"), "{operation}");
        assert_eq!(verified.secret_name.as_deref(), Some("now"));
    }
}

#[test]
fn each_secret_of_a_rotation_is_named() {
    let verifier =
        Verifier::hmac("a", "first").unwrap().also("b", "second").unwrap().also("c", "third").unwrap();
    for (name, secret) in [("a", "first"), ("b", "second"), ("c", "third")] {
        let delivery = testing::completed().signed(secret);
        let verified = verifier.verify(&delivery.headers(), delivery.body.as_bytes()).unwrap();
        assert_eq!(verified.secret_name.as_deref(), Some(name));
    }
    let forged = testing::completed().signed("fourth");
    let refused = verifier.verify(&forged.headers(), forged.body.as_bytes());
    assert_eq!(refused, Err(Rejection::WrongSignature));
    // Once the old one is removed, it is worth nothing.
    let old = testing::completed().signed("first");
    let later = Verifier::hmac("b", "second").unwrap().also("c", "third").unwrap();
    assert_eq!(later.verify(&old.headers(), old.body.as_bytes()), Err(Rejection::WrongSignature));

    let plain = Verifier::plain_text("a", "first").unwrap().also("b", "second").unwrap();
    let delivery = testing::completed().plain_text("second").unwrap();
    let verified = plain.verify(&delivery.headers(), delivery.body.as_bytes()).unwrap();
    assert_eq!(verified.secret_name.as_deref(), Some("b"));
}

#[test]
fn a_secret_that_is_given_twice_has_the_first_name() {
    let verifier = Verifier::hmac("a", "same").unwrap().also("b", "same").unwrap();
    let delivery = testing::completed().signed("same");
    let verified = verifier.verify(&delivery.headers(), delivery.body.as_bytes()).unwrap();
    assert_eq!(verified.secret_name.as_deref(), Some("a"));
}

#[test]
fn there_is_one_header() {
    let delivery = testing::failed().signed("s");
    for verifier in [Verifier::hmac("a", "s").unwrap(), Verifier::plain_text("a", "s").unwrap()] {
        let check = |headers: &HeaderMap| verifier.verify(headers, delivery.body.as_bytes()).unwrap_err();
        assert_eq!(check(&HeaderMap::new()), Rejection::Missing);
        // Also if both values are right.
        for second in
            [delivery.header.clone().unwrap(), HeaderValue::from_static("s"), HeaderValue::from_static("")]
        {
            let mut headers = delivery.headers();
            headers.append(HEADER, second);
            assert_eq!(check(&headers), Rejection::Several);
        }
    }
}

#[test]
fn each_protocol_takes_its_own_header_only() {
    let (hmac, plain) =
        (Verifier::hmac("a", "s3cret").unwrap(), Verifier::plain_text("a", "s3cret").unwrap());
    let (signed, text) =
        (testing::completed().signed("s3cret"), testing::completed().plain_text("s3cret").unwrap());
    let bare = testing::completed().unauthenticated();
    let check = |verifier: &Verifier, delivery: &testing::Delivery| {
        verifier.verify(&delivery.headers(), delivery.body.as_bytes()).map(|verified| verified.secret_name)
    };
    assert!(check(&hmac, &signed).is_ok() && check(&plain, &text).is_ok());
    assert_eq!(check(&hmac, &text), Err(Rejection::Malformed));
    assert_eq!(check(&plain, &signed), Err(Rejection::WrongSignature));
    assert_eq!(
        (check(&hmac, &bare), check(&plain, &bare)),
        (Err(Rejection::Missing), Err(Rejection::Missing))
    );
    let open = Verifier::unauthenticated();
    for delivery in [&signed, &text, &bare] {
        assert_eq!(check(&open, delivery), Ok(None));
    }
}

#[test]
fn a_body_above_the_limit_is_refused_before_anything_else() {
    let most = vec![b' '; MAX_BODY];
    let more = vec![b' '; MAX_BODY + 1];
    for verifier in [
        Verifier::hmac("a", "s").unwrap(),
        Verifier::plain_text("a", "s").unwrap(),
        Verifier::unauthenticated(),
    ] {
        // Neither the missing header nor the missing event is told.
        assert_eq!(verifier.verify_values([], &more), Err(Rejection::TooLarge(MAX_BODY + 1)));
        assert_ne!(verifier.verify_values([], &most), Err(Rejection::TooLarge(MAX_BODY)));
    }
    assert_eq!(Rejection::TooLarge(MAX_BODY + 1).status(), 413);
    assert!(Rejection::TooLarge(0).to_string().contains(&MAX_BODY.to_string()));
    let header = testing::sign("s", &most);
    let verifier = Verifier::hmac("a", "s").unwrap();
    assert!(verifier.authenticate([header.as_bytes()], &most).is_ok());
}

proptest! {
    #[test]
    fn only_what_was_signed_with_a_known_secret_is_accepted(
        body in proptest::collection::vec(any::<u8>(), 0..400),
        other in proptest::collection::vec(any::<u8>(), 0..400),
        secrets in proptest::collection::hash_set("[!-~]{1,80}", 2..5),
    ) {
        let mut secrets: Vec<String> = secrets.into_iter().collect();
        let unknown = secrets.pop().unwrap();
        let mut verifier = Verifier::hmac("0", secrets[0].as_str()).unwrap();
        for (index, secret) in secrets.iter().enumerate().skip(1) {
            verifier = verifier.also(&index.to_string(), secret.as_str()).unwrap();
        }
        for (index, secret) in secrets.iter().enumerate() {
            let header = testing::sign(secret, &body);
            let name = verifier.authenticate([header.as_bytes()], &body).unwrap();
            prop_assert_eq!(name, Some(index.to_string().into()));
            if other != body {
                prop_assert_eq!(verifier.authenticate([header.as_bytes()], &other), Err(Rejection::WrongSignature));
            }
        }
        let forged = testing::sign(&unknown, &body);
        prop_assert_eq!(verifier.authenticate([forged.as_bytes()], &body), Err(Rejection::WrongSignature));
    }

    #[test]
    fn no_header_and_no_body_ends_in_a_panic(
        header in proptest::collection::vec(any::<u8>(), 0..60),
        body in proptest::collection::vec(any::<u8>(), 0..60),
    ) {
        let verifier = Verifier::hmac("a", "s").unwrap();
        prop_assert!(verifier.verify_values([header.as_slice()], &body).is_err());
        let refused = Verifier::unauthenticated().verify_values([], &body);
        prop_assert_eq!(refused.map_err(|refused| refused.status()).err(), Some(400));
    }
}

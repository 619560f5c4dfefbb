//! Secrets are checked when they are given, and never shown.

use capecrypto_models::Sensitive;
use capecrypto_webhook::{PostgresStore, RedisError, Rejection, SecretError, SqliteError, Verifier, testing};

#[test]
fn a_secret_that_cannot_be_right_is_refused_without_repeating_it() {
    for plain in [false, true] {
        let new = |name: &str, secret: String| {
            if plain { Verifier::plain_text(name, secret) } else { Verifier::hmac(name, secret) }
        };
        assert_eq!(new("a", String::new()).unwrap_err(), SecretError::Empty("a".into()));
        for bad in [" ", " canary", "canary ", "canary\n", "\tcanary", "canary\r\n", "canary\u{a0}"] {
            let error = new("a", bad.to_owned()).unwrap_err();
            assert_eq!(error, SecretError::EdgeSpace("a".into()), "{bad:?}");
            assert!(!format!("{error} {error:?}").contains("canary"));
        }
        let good = new("a", "inner space, ünïcode".to_owned()).unwrap();
        assert_eq!(new("", "x".to_owned()).unwrap_err(), SecretError::Nameless);
        assert_eq!(good.clone().also("a", "y").unwrap_err(), SecretError::SameName("a".into()));
        assert_eq!(good.clone().also("b", "").unwrap_err(), SecretError::Empty("b".into()));
        assert_eq!(good.also("b", "y").unwrap().names().collect::<Vec<_>>(), ["a", "b"]);
    }
    let open = Verifier::unauthenticated().also("a", "canary").unwrap_err();
    assert_eq!(open, SecretError::Unused("a".into()));
}

#[test]
fn what_the_exchange_answers_is_taken_as_it_is() {
    let secret: Sensitive<String> = "wh_secret_abc123xyz".into();
    let delivery = testing::completed().signed(secret.expose());
    let verifier = Verifier::hmac("reference 123", secret).unwrap();
    assert!(verifier.verify(&delivery.headers(), delivery.body.as_bytes()).is_ok());
}

#[test]
fn nothing_shows_a_secret_or_a_body() {
    let verifier = Verifier::hmac("shown", "canary-1").unwrap().also("too", "canary-2").unwrap();
    assert_eq!(format!("{verifier:?}"), r#"Verifier { protocol: "hmac", names: ["shown", "too"], .. }"#);
    let plain = Verifier::plain_text("shown", "canary-1").unwrap();
    assert_eq!(format!("{plain:?}"), r#"Verifier { protocol: "plain_text", names: ["shown"], .. }"#);
    assert!(format!("{:?}", Verifier::unauthenticated()).contains("none"));

    let delivery = testing::completed().plain_text("canary-1").unwrap();
    assert!(!format!("{delivery:?} {:?}", delivery.headers()).contains("canary"));

    let open = Verifier::unauthenticated();
    let mut refused: Vec<Rejection> = [
        "canary",
        "{\"canary\":1}",
        "{\"event\":[\"canary\"]}",
        "{\"event\":\"payment_reference.completed\",\"reference\":\"canary\"}",
        "{\"event\":\"payment_reference.completed\",\"payment_reference_id\":\"canary\"}",
    ]
    .iter()
    .map(|body| open.verify_values([], body.as_bytes()).unwrap_err())
    .collect();
    refused.push(open.verify_values([], b"canary\xff").unwrap_err());
    refused.push(verifier.verify_values([b"canary".as_slice()], b"canary").unwrap_err());
    refused.push(plain.verify_values([b"canary".as_slice()], b"canary").unwrap_err());
    for rejection in refused {
        assert!(!format!("{rejection} {rejection:?}").contains("canary"), "{rejection}");
    }
}

/// A `main` that answers an error prints its `Debug`.
#[test]
fn what_a_main_prints_of_an_error_names_the_remedy() {
    let secret = Verifier::hmac("2026", "").unwrap_err();
    assert_eq!(format!("{secret:?}"), format!("SecretError({secret})"));
    let address = PostgresStore::connect("postgres://user:canary@@:x/shop", "inbox").unwrap_err();
    let shown = format!("{address:?}");
    assert!(shown.contains("give postgres://user:password@host:5432/database"), "{shown}");
    assert!(!shown.contains("canary"), "{shown}");
    assert_eq!(format!("{:?}", RedisError::Prefix), format!("RedisError({})", RedisError::Prefix));
    assert_eq!(format!("{:?}", SqliteError::Busy), format!("SqliteError({})", SqliteError::Busy));
}

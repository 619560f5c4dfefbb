use capecrypto_auth::{CapeSigner, Credentials, CredentialsError, Environment, KeyKind, Sign, ToSign};

#[test]
fn what_cannot_be_a_key_is_refused_without_repeating_it() {
    for bad in [
        "",
        " canary",
        "canary ",
        "can\tary",
        "canary\n",
        "canary\r\n",
        "can\0ary",
        "canaryé",
        "canary\u{200b}",
        "\u{7f}canary",
        "\"canary\"",
        "'canary'",
    ] {
        for (key, secret, what) in [(bad, "good", "API key"), ("good", bad, "API secret")] {
            let error = Credentials::new(key, secret).unwrap_err();
            let text = format!("{error} {error:?}");
            assert!(text.contains(what), "{text}");
            assert!(!text.contains("canary"), "{text}");
        }
    }
    assert_eq!(Credentials::new(" ", "x").unwrap_err(), CredentialsError::EdgeSpace("API key"));
    let quoted = Credentials::new("'canary'", "x").unwrap_err();
    assert_eq!(quoted, CredentialsError::Quoted("API key"));
    assert!(quoted.to_string().contains("without them"), "{quoted}");
    assert!(Credentials::new("canary'", "can\"ary").is_ok(), "a single mark may be part of a key");
}

/// A `main` that answers an error prints its `Debug`.
#[test]
fn what_a_main_prints_of_an_error_names_the_remedy() {
    let shown = format!("{:?}", CredentialsError::Missing("CAPE_API_KEY"));
    assert!(shown.contains("set CAPE_API_KEY and CAPE_API_SECRET"), "{shown}");
    let shown = format!("{:?}", Environment::local("nowhere").unwrap_err());
    assert!(shown.contains("give scheme, host and perhaps a port"), "{shown}");
}

#[test]
fn nothing_prints_a_key_or_a_secret() {
    let credentials = Credentials::new("canary-key", "canary-secret").unwrap();
    let signer = CapeSigner::new(&credentials);
    let request = ToSign {
        nonce: 1,
        unix_millis: 1,
        method: "POST",
        path_and_query: "/x?voucher_pin=canary",
        body: b"canary",
        acting_as: Some("canary"),
    };
    let headers = signer.sign(&request);
    let printed = format!("{credentials:?} {signer:?} {request:?} {headers:?} {headers:#?}");
    assert!(!printed.contains("canary"), "{printed}");
    assert!(!printed.contains(&signer.signature(1)), "{printed}");
    assert!(printed.contains("x-auth-signature: (hidden)"));
}

#[test]
fn sandbox_keys_are_told_apart_by_their_beginning() {
    assert_eq!(Credentials::new("sandbox_abc", "x").unwrap().kind(), KeyKind::Sandbox);
    assert_eq!(Credentials::new("asandbox_abc", "x").unwrap().kind(), KeyKind::Real);
}

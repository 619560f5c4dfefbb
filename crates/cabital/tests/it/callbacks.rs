//! Callbacks: who sent them, what they say, and whether they came before.

use crate::ACCOUNT;
use cabital::{
    Scheme,
    callbacks::{Callback, MAX_BODY, Rejection, Verifier},
    models::ConnectionState,
};
use capecrypto_auth::Credentials;
use capecrypto_models::Timestamp;
use capecrypto_testkit::{Fixtures, Spec, assert_no_findings, probe};
use capecrypto_webhook::{Inbox, MemoryStore, Taken};
use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use std::fmt::Write as _;

pub(crate) const BODY: &str = r#"{"account_uuid":"6d92e7b4-715c-4ce3-a028-19f1c8c9fa6c","user_ext_ref":"canary-42","staus":"MATCHED","event_time":"2022-03-01T10:03:00Z"}"#;
pub(crate) const PATH: &str = "/cabital/events?from=cabital";
pub(crate) const NOW: i64 = 1_646_128_980;

pub(crate) fn now() -> Timestamp {
    Timestamp::from_unix_seconds(NOW).unwrap()
}

pub(crate) fn verifier() -> Verifier {
    Verifier::new(&Credentials::new("partner-key", "s3cr3t").unwrap(), Scheme::default())
}

/// The headers of a delivery, signed here by hand.
pub(crate) fn headers(secret: &str, seconds: &str, nonce: &str, method: &str, body: &str) -> HeaderMap {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{seconds}{method}{nonce}{PATH}{body}").as_bytes());
    let signature = mac.finalize().into_bytes().iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    });
    let mut headers = HeaderMap::new();
    let parts = [
        ("ACCESS-KEY", "partner-key"),
        ("ACCESS-TIMESTAMP", seconds),
        ("ACCESS-NONCE", nonce),
        ("ACCESS-SIGN", &signature),
    ];
    for (name, value) in parts {
        headers.insert(http::HeaderName::try_from(name).unwrap(), value.parse().unwrap());
    }
    headers
}

fn signed(body: &str) -> HeaderMap {
    headers("s3cr3t", &NOW.to_string(), "n-1", "POST", body)
}

fn rejected(headers: &HeaderMap, body: &str) -> Rejection {
    verifier().verify("POST", PATH, headers, body.as_bytes(), now()).unwrap_err()
}

#[test]
fn what_cabital_signed_is_taken_and_read() {
    let verified = verifier().verify("POST", PATH, &signed(BODY), BODY.as_bytes(), now()).unwrap();
    let Callback::Connection(event) = &verified.event else { panic!("{verified:?}") };
    assert_eq!((event.account_uuid.as_str(), &event.status), (ACCOUNT, &ConnectionState::Matched));
    assert_eq!((verified.time, verified.secret_name.as_deref()), (Some(now()), Some("1")));
    assert_eq!(&*verified.body, BODY);
    assert_eq!(
        verified.key.as_str(),
        "cabital.connection/6d92e7b4-715c-4ce3-a028-19f1c8c9fa6c/MATCHED/2022-03-01T10%3A03%3A00Z"
    );
    assert!(!format!("{verified:?}").contains("canary"));
    // The other spelling is the same event.
    let other = BODY.replace("staus", "status");
    let same = verifier().verify("POST", PATH, &signed(&other), other.as_bytes(), now()).unwrap();
    assert_eq!(same.key, verified.key);
}

#[test]
fn any_change_is_refused() {
    assert_eq!(
        rejected(&headers("other", &NOW.to_string(), "n-1", "POST", BODY), BODY),
        Rejection::WrongSignature
    );
    assert_eq!(
        rejected(&headers("s3cr3t", &NOW.to_string(), "n-1", "PUT", BODY), BODY),
        Rejection::WrongSignature
    );
    assert_eq!(rejected(&signed(BODY), &BODY.replace("MATCHED", "LINKED")), Rejection::WrongSignature);
    let elsewhere = verifier().verify("POST", "/other", &signed(BODY), BODY.as_bytes(), now());
    assert_eq!(elsewhere.unwrap_err(), Rejection::WrongSignature);
    for name in ["ACCESS-KEY", "ACCESS-TIMESTAMP", "ACCESS-NONCE", "ACCESS-SIGN"] {
        let mut changed = signed(BODY);
        changed.remove(name);
        assert_eq!(rejected(&changed, BODY), Rejection::Header(name));
        let mut twice = signed(BODY);
        let value = twice[name].clone();
        twice.append(http::HeaderName::try_from(name).unwrap(), value);
        assert_eq!(rejected(&twice, BODY), Rejection::Header(name));
        let mut other = signed(BODY);
        other.insert(http::HeaderName::try_from(name).unwrap(), "7".parse().unwrap());
        assert_eq!(rejected(&other, BODY).status(), 401, "{name}");
    }
    for strange in ["+1646128980", "01646128980", "1646128980.0", "soon"] {
        let refused = rejected(&headers("s3cr3t", strange, "n-1", "POST", BODY), BODY);
        assert_eq!(refused, Rejection::Header("ACCESS-TIMESTAMP"), "{strange}");
    }
    let large = "x".repeat(MAX_BODY + 1);
    assert_eq!(rejected(&signed(BODY), &large).status(), 413);
}

#[test]
fn the_signed_time_counts_for_48_hours() {
    let at = |seconds: i64| {
        let headers = headers("s3cr3t", &(NOW + seconds).to_string(), "n-1", "POST", BODY);
        verifier().verify("POST", PATH, &headers, BODY.as_bytes(), now()).map(|_| ())
    };
    for good in [0, 30, -60, -24 * 3_600, -48 * 3_600] {
        assert_eq!(at(good), Ok(()), "{good}");
    }
    assert_eq!(at(31), Err(Rejection::Early));
    assert_eq!(at(-48 * 3_600 - 1), Err(Rejection::Late));
}

#[tokio::test]
async fn an_event_is_given_once_and_a_nonce_stands_for_one_content() {
    let (verifier, inbox) = (verifier(), Inbox::new(MemoryStore::new()));
    let verify =
        |headers: &HeaderMap| verifier.verify("POST", PATH, headers, BODY.as_bytes(), now()).unwrap();
    let Taken::Run(work) = inbox.take(&verify(&signed(BODY)), now()).await.unwrap() else {
        panic!("it is new")
    };
    work.finish(now()).await.unwrap();
    // The same delivery, and one that was signed afresh, as a later repetition may be.
    for headers in [signed(BODY), headers("s3cr3t", &(NOW - 7).to_string(), "n-2", "POST", BODY)] {
        assert!(matches!(inbox.take(&verify(&headers), now()).await.unwrap(), Taken::Finished));
    }
    // The same nonce with another content.
    let other = BODY.replace("MATCHED", "UNLINKED");
    let reused = verifier.verify("POST", PATH, &signed(&other), other.as_bytes(), now());
    assert_eq!(reused.unwrap_err(), Rejection::NonceReused);
}

#[test]
fn a_key_can_be_changed_without_losing_a_callback() {
    let old = Credentials::new("partner-key", "s3cr3t").unwrap();
    let new = Credentials::new("new-key", "other").unwrap();
    let verifier = Verifier::new(&new, Scheme::default()).also(&old, Scheme::default());
    let verified = verifier.verify("POST", PATH, &signed(BODY), BODY.as_bytes(), now()).unwrap();
    assert_eq!(verified.secret_name.as_deref(), Some("2"));
    let only_new = Verifier::new(&new, Scheme::default());
    assert_eq!(
        only_new.verify("POST", PATH, &signed(BODY), BODY.as_bytes(), now()).unwrap_err(),
        Rejection::UnknownKey
    );
    assert!(!format!("{verifier:?}").contains("s3cr3t"));
}

#[test]
fn each_callback_is_as_specified() {
    let (spec, fixtures) = (Spec::cabital(), Fixtures::cabital());
    let read = |body: &[u8]| match Callback::from_json(body).map_err(|error| error.to_string())? {
        Callback::Connection(event) => serde_json::to_value(event).map_err(|error| error.to_string()),
        Callback::Transfer(event) => serde_json::to_value(event).map_err(|error| error.to_string()),
        other => Err(format!("{other:?}")),
    };
    assert_no_findings(probe::webhook(&spec, &fixtures, "account", &read));
    assert_no_findings(probe::webhook(&spec, &fixtures, "transfer", &read));
    for webhook in &spec.webhooks {
        for fixture in fixtures.received(&webhook.id) {
            let shown = format!("{:?}", Callback::from_json(fixture.text.as_bytes()).unwrap());
            assert_no_findings(probe::hidden(&webhook.schema, &webhook.id, &fixture.json().unwrap(), &shown));
        }
    }
}

#[test]
fn what_is_not_known_is_kept_and_what_is_broken_is_refused() {
    let strange = r#"{"hello":"canary"}"#;
    let Callback::Unknown(json) = Callback::from_json(strange.as_bytes()).unwrap() else {
        panic!("it is known")
    };
    assert_eq!(json.as_str(), strange);
    let key = Callback::from_json(strange.as_bytes()).unwrap().key();
    assert!(key.as_str().starts_with("cabital.unknown/") && !key.as_str().contains("canary"));
    for broken in
        ["", "[]", "null", "{", "\"x\"", r#"{"transfer_id":"a"}"#, r#"{"account_uuid":"a","event_time":"x"}"#]
    {
        assert!(Callback::from_json(broken.as_bytes()).is_err(), "{broken}");
    }
    assert!(Callback::from_json(b"\xff").is_err());
}

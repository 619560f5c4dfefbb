//! The receiver's answers.

use crate::callbacks::{BODY, NOW, PATH, headers, now, verifier};
use cabital::callbacks::{Callback, Incoming, MAX_BODY, Receiver, Rejection};
use capecrypto_auth::{Clock, ManualTime};
use capecrypto_webhook::{Inbox, MemoryStore};
use http::HeaderMap;
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

/// A clock that stands still.
fn clock() -> (Clock, ManualTime) {
    Clock::manual(u64::try_from(NOW).unwrap() * 1_000)
}

fn signed(nonce: &str, body: &str) -> HeaderMap {
    headers("s3cr3t", &NOW.to_string(), nonce, "POST", body)
}

#[tokio::test]
async fn each_event_is_handled_once_and_a_failure_is_told() {
    let runs = Arc::new(AtomicU32::new(0));
    let seen = Arc::clone(&runs);
    let handler = move |incoming: Incoming| {
        let run = seen.fetch_add(1, Ordering::Relaxed) + 1;
        async move {
            assert_eq!((incoming.attempt, incoming.signed_at), (run, now()));
            assert!(matches!(incoming.callback, Callback::Connection(_)));
            if run == 1 { Err("the database is down") } else { Ok(()) }
        }
    };
    let receiver = Receiver::new(verifier(), Inbox::new(MemoryStore::new()), handler).clock(clock().0);
    let receive = async |nonce| {
        let answer = receiver.receive("POST", PATH, &signed(nonce, BODY), BODY.as_bytes()).await;
        (answer.status, answer.text)
    };
    assert_eq!(receive("n-1").await, (503, "the handler has failed: send it again"));
    assert_eq!(receive("n-2").await, (200, "handled"));
    assert_eq!(receive("n-2").await, (200, "handled before"));
    assert_eq!(receive("n-3").await, (200, "handled before"));
    assert_eq!(runs.load(Ordering::Relaxed), 2);
    assert!(!format!("{receiver:?}").contains("s3cr3t"));
}

#[tokio::test]
async fn what_is_refused_has_the_statuses_of_the_exchanges_receiver() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let tell = Arc::clone(&told);
    let handler = |_: Incoming| async { Ok::<(), &str>(()) };
    let receiver = Receiver::new(verifier(), Inbox::new(MemoryStore::new()), handler)
        .clock(clock().0)
        .on_rejection(move |rejection| tell.lock().unwrap().push(rejection.clone()));
    let receive = async |headers: HeaderMap, body: &str| {
        receiver.receive("POST", PATH, &headers, body.as_bytes()).await.status
    };
    assert_eq!(receive(HeaderMap::new(), BODY).await, 401);
    assert_eq!(receive(signed("n-1", BODY), "{}").await, 401);
    assert_eq!(receive(signed("n-1", "[]"), "[]").await, 400);
    let large = "x".repeat(MAX_BODY + 1);
    assert_eq!(receive(signed("n-1", &large), &large).await, 413);
    assert_eq!(
        *told.lock().unwrap(),
        [
            Rejection::Header("ACCESS-KEY"),
            Rejection::WrongSignature,
            Rejection::Unreadable(cabital::callbacks::Unreadable::NotAnObject),
            Rejection::TooLarge(MAX_BODY + 1),
        ]
    );
    let mut encoded = signed("n-1", BODY);
    encoded.insert("content-encoding", "gzip".parse().unwrap());
    assert_eq!(receive(encoded, BODY).await, 400);
    assert_eq!(receive(signed("n-1", BODY), BODY).await, 200, "a refused delivery uses nothing up");
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_takes_too_long_is_cut_off_and_another_one_is_not_started_beside_it() {
    let (clock, time) = clock();
    let handler = |incoming: Incoming| async move {
        if incoming.attempt == 1 {
            std::future::pending::<()>().await;
        }
        Ok::<(), &str>(())
    };
    let receiver = Receiver::new(verifier(), Inbox::new(MemoryStore::new()), handler).clock(clock);
    let (headers, other) = (signed("n-1", BODY), signed("n-2", BODY));
    let first = receiver.receive("POST", PATH, &headers, BODY.as_bytes());
    let second = async {
        tokio::task::yield_now().await;
        receiver.receive("POST", PATH, &other, BODY.as_bytes()).await
    };
    let (first, second) = tokio::join!(first, second);
    assert_eq!((first.status, second.status), (503, 503));
    assert!(second.text.starts_with("another delivery"), "{}", second.text);
    time.advance(Duration::from_secs(1));
    assert_eq!(receiver.receive("POST", PATH, &headers, BODY.as_bytes()).await.text, "handled");
}

#[test]
fn both_spellings_may_stand_in_one_body_unless_amounts_differ() {
    let body = |more: &str| {
        format!(
            r#"{{"transfer_id":"4c416854-8970-4838-99ad-febc437ac81d",{more},"symbol":"EUR","direction":"debit",
                "created_at":1633445162,"status":"PROCESSING"}}"#
        )
    };
    let read = |more: &str| Callback::from_json(body(more).as_bytes());
    for more in [
        r#""amount":"5""#,
        r#""instructed_amount":"5""#,
        r#""amount":"5","instructed_amount":"5.00""#,
        r#""instructed_amount":5,"amount":"5""#,
        r#""amount":"5","instructed_amount":null"#,
        r#""amount":"5","account_id":"6d92e7b4-715c-4ce3-a028-19f1c8c9fa6c","account_uuid":"6d92e7b4-715c-4ce3-a028-19f1c8c9fa6c""#,
    ] {
        let Ok(Callback::Transfer(event)) = read(more) else { panic!("{more}: {:?}", read(more)) };
        assert_eq!(event.amount, capecrypto_models::dec!(5), "{more}");
    }
    for more in [
        r#""amount":"5","instructed_amount":"6""#,
        r#""amount":null"#,
        r#""amount":"5","account_id":"6d92e7b4-715c-4ce3-a028-19f1c8c9fa6c","account_uuid":"7d92e7b4-715c-4ce3-a028-19f1c8c9fa6c""#,
    ] {
        assert!(read(more).is_err(), "{more}");
    }
    let both = BODY.replace(r#""staus":"MATCHED""#, r#""staus":"MATCHED","status":"CREATED""#);
    let Ok(Callback::Connection(event)) = Callback::from_json(both.as_bytes()) else { panic!("{both}") };
    assert_eq!(event.status, "MATCHED");
    let detail =
        r#"{"account_status":"CREATED","match_status":"MATCHED","otp_ready":true,"email_address":"a@b.c"}"#;
    let detail: cabital::models::AccountDetail = serde_json::from_str(detail).unwrap();
    assert_eq!(detail.status, "MATCHED");
}

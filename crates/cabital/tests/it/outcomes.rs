//! What is known of a write, and how a transfer is found again.

use crate::{
    ACCOUNT, client,
    fake::{Fake, Fault},
    quote,
};
use cabital::{
    Again, HttpError, PartnerCode,
    accounts::ListBalances,
    conversions::{Conversion, Converted, CreateConversion},
    models::TransferStatus,
    transfers::{CreateTransfer, FollowTransfer, FollowedTransfer, ListTransfers, ReportResult, Submitted},
};
use capecrypto_models::dec;
use capecrypto_rest::{Kind, Outcome, Polling};
use std::time::Duration;
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{body_json_string, method, query_param},
};

fn transfer(id: &str) -> CreateTransfer {
    CreateTransfer::to_partner(ACCOUNT, ("EUR", dec!(12.5)), id)
}

/// The n-th POST meets this fault.
fn at_post(number: u32, fault: Fault) -> impl FnMut(&str, &str) -> Fault + Send + 'static {
    let mut posts = 0;
    move |method, _| {
        posts += u32::from(method == "POST");
        if method == "POST" && posts == number { fault } else { Fault::None }
    }
}

#[tokio::test]
async fn a_transfer_whose_answer_was_lost_is_found_by_its_external_id() {
    let fake = Fake::start().await;
    let cabital = client(&fake.origin);
    for (id, fault) in
        [("a-1", Fault::LostAfter), ("a-2", Fault::StatusAfter(500)), ("a-3", Fault::StatusAfter(503))]
    {
        fake.plan(at_post(1, fault));
        let Submitted::Found(found) = transfer(id).submit(&cabital).await else { panic!("{id}") };
        assert_eq!(found.external_id.as_deref(), Some(id));
        let state = fake.state();
        let posts: Vec<_> = state.requests.iter().filter(|(method, ..)| method == "POST").collect();
        let [.., (_, _, first), (_, _, second)] = &posts[..] else { panic!("{posts:?}") };
        assert_eq!(first, second, "the nonce is kept");
    }
    assert_eq!(fake.state().transfers.len(), 3);
    assert!(cabital.intents().open().await.unwrap().is_empty());
    // Sent again by another program, with another nonce: PA029, and it is the same transfer.
    fake.plan(|_, _| Fault::None);
    assert!(matches!(transfer("a-1").submit(&client(&fake.origin)).await, Submitted::Found(_)));
    // Another transfer with the same id is refused.
    let other = CreateTransfer::to_partner(ACCOUNT, ("EUR", dec!(13)), "a-1");
    let Submitted::NotDone(error) = other.submit(&cabital).await else { panic!("it was done") };
    assert_eq!(PartnerCode::of(&error), Some(PartnerCode::RepeatedTransfer));
    assert_eq!(fake.state().transfers.len(), 3);
}

#[tokio::test]
async fn one_that_never_arrived_is_made_by_the_repetition_and_one_that_cannot_be_found_stays_unknown() {
    let fake = Fake::start().await;
    let cabital = client(&fake.origin);
    fake.plan(at_post(1, Fault::LostBefore));
    assert!(matches!(transfer("b-1").submit(&cabital).await, Submitted::Made(_)));
    fake.plan(|method, _| if method == "POST" { Fault::LostBefore } else { Fault::None });
    let Submitted::Unknown(error) = transfer("b-2").submit(&cabital).await else { panic!("it is known") };
    assert_eq!((error.outcome(), error.attempts()), (Outcome::Unknown, 2));
    assert_eq!(cabital.intents().open().await.unwrap().len(), 1);
    // Sending it again is safe.
    fake.plan(|_, _| Fault::None);
    assert!(matches!(transfer("b-2").submit(&cabital).await, Submitted::Made(_)));
    assert_eq!(fake.state().transfers.len(), 2);
}

#[tokio::test]
async fn a_conversion_that_was_used_before_is_a_refusal() {
    let fake = Fake::start().await;
    let cabital = client(&fake.origin);
    let conversion = Conversion::buy(("EUR", dec!(100)), &quote("BTC-EUR", "38921.55", "0.00002569"));
    let Converted::Made(made) = CreateConversion::new(ACCOUNT, conversion).submit(&cabital).await else {
        panic!("it was not converted");
    };
    assert!(matches!(transfer("c-1").conversion(&made.id).submit(&cabital).await, Submitted::Made(_)));
    for fault in [Fault::None, Fault::StatusBefore(503)] {
        fake.plan(at_post(1, fault));
        let Submitted::NotDone(error) = transfer("c-2").conversion(&made.id).submit(&cabital).await else {
            panic!("{fault:?}");
        };
        assert_eq!(PartnerCode::of(&error).unwrap().again(), Again::AfterLooking);
    }
    let more = CreateTransfer::to_partner(ACCOUNT, ("EUR", dec!(100.01)), "c-3");
    let Submitted::NotDone(error) =
        more.conversion("d81adf6d-0322-41d7-8c32-669203e35f11").submit(&cabital).await
    else {
        panic!("it was done");
    };
    assert_eq!(PartnerCode::of(&error), Some(PartnerCode::UnusableConversion));
}

#[tokio::test]
async fn a_code_that_comes_too_late_for_the_repetition_says_nothing_about_the_first_request() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(502))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    let late = ResponseTemplate::new(400).set_body_string(r#"{"code":"PA008","message":"wrong code"}"#);
    Mock::given(method("POST")).respond_with(late).mount(&server).await;
    let none = ResponseTemplate::new(404).set_body_string(r#"{"code":"PA030"}"#);
    Mock::given(method("GET")).respond_with(none).mount(&server).await;
    let submitted = transfer("d-1").otp("123456").submit(&client(&server.uri())).await;
    let Submitted::Unknown(error) = submitted else { panic!("{submitted:?}") };
    assert_eq!((PartnerCode::of(&error), error.outcome()), (Some(PartnerCode::WrongOtp), Outcome::Unknown));
    assert!(!format!("{error} {error:?}").contains("123456"));
}

#[tokio::test]
async fn an_answer_about_something_else_is_not_taken() {
    let server = MockServer::start().await;
    let fixtures = capecrypto_testkit::Fixtures::cabital();
    // The documents' own sample of the answer belongs to another request.
    let sample = fixtures.text("create_transfer", "response");
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(200).set_body_string(sample))
        .mount(&server)
        .await;
    let error = client(&server.uri()).send(transfer("d-2")).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::Mismatch, Outcome::Unknown));
}

#[tokio::test]
async fn errors_are_typed() {
    let server = MockServer::start().await;
    for (status, body, code, http) in [
        (
            400,
            r#"{"code":"PA001","message":"canary"}"#,
            Some(PartnerCode::UnknownAccount),
            HttpError::BadParameters,
        ),
        (401, r#"{"message":"canary"}"#, None, HttpError::BadSignature),
        (403, r#"{"code":"PA013","message":"canary"}"#, Some(PartnerCode::Unlinked), HttpError::Unlinked),
        (406, "", None, HttpError::NotJson),
        (409, "", None, HttpError::NonceUsed),
        (400, r#"{"code":"PA777"}"#, Some(PartnerCode::from("PA777")), HttpError::BadParameters),
    ] {
        let answer = ResponseTemplate::new(status).set_body_string(body);
        Mock::given(method("GET")).respond_with(answer).up_to_n_times(1).mount(&server).await;
        let error = client(&server.uri()).send(ListBalances::new(ACCOUNT)).await.unwrap_err();
        assert_eq!(
            (PartnerCode::of(&error), HttpError::of(&error)),
            (code.clone(), Some(http)),
            "{status} {body}"
        );
        assert_eq!(error.hint().is_some(), code.is_some_and(|code| code.is_known()), "{body}");
        assert_eq!(error.body().map(<[u8]>::len), Some(body.len()));
        assert!(!format!("{error:?}").contains("canary"), "{error:?}");
    }
}

#[tokio::test]
async fn the_list_is_read_to_its_end_with_its_filters() {
    let server = MockServer::start().await;
    let row = |id: &str| {
        format!(
            r#"{{"transfer_id":"{id}","instructed_amount":"1","customer_fee":"0","actual_amount":"1","symbol":"EUR","direction":"debit",
                "created_at":1633445162,"status":"SUCCESS","transfer_by":"PARTNER"}}"#
        )
    };
    let part = |cursor: &str, rows: &[&str]| {
        let rows: Vec<String> = rows.iter().map(|id| row(id)).collect();
        let text =
            format!(r#"{{"pagination_response":{{"cursor":"{cursor}"}},"transfers":[{}]}}"#, rows.join(","));
        ResponseTemplate::new(200).set_body_string(text)
    };
    let second = Mock::given(query_param("cursor", "20")).and(query_param("page_size", "2"));
    second.respond_with(part("-1", &["c"])).mount(&server).await;
    Mock::given(query_param("page_size", "2")).respond_with(part("20", &["a", "b"])).mount(&server).await;
    let list =
        ListTransfers::new(ACCOUNT).page_size(2).direction("DEBIT").symbol("EUR").has_conversion(false);
    let cabital = client(&server.uri());
    let rows = cabital.items(list.clone()).try_collect().await.unwrap();
    assert_eq!(rows.iter().map(|row| row.transfer_id.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
    // A server that ignores the filter is found out.
    for wrong in [list.clone().direction("CREDIT"), list.clone().symbol("BTC"), list.has_conversion(true)] {
        assert_eq!(cabital.send(wrong).await.unwrap_err().kind(), Kind::Mismatch);
    }
}

#[tokio::test]
async fn a_result_is_reported_until_it_is_received() {
    let server = MockServer::start().await;
    for status in [503, 500, 502, 202] {
        Mock::given(method("PUT"))
            .respond_with(ResponseTemplate::new(status))
            .up_to_n_times(1)
            .mount(&server)
            .await;
    }
    let body = r#"{"status":"FAILED","message":"the bank is closed"}"#;
    Mock::given(method("PUT"))
        .and(body_json_string(body))
        .respond_with(ResponseTemplate::new(200))
        .mount(&server)
        .await;
    let report = ReportResult::failed(ACCOUNT, "4c416854-8970-4838-99ad-febc437ac81d", "the bank is closed");
    let pause = Duration::from_millis(100);
    let polling = Polling::within(Duration::from_secs(20)).pauses(pause, pause);
    assert!(report.until_received(&client(&server.uri()), polling).await.unwrap());
    assert_eq!(server.received_requests().await.unwrap().len(), 5);
}

#[tokio::test]
async fn a_transfer_that_is_on_its_way_for_too_long_is_told() {
    let server = MockServer::start().await;
    let row = r#"{"transfer_id":"4c416854-8970-4838-99ad-febc437ac81d","instructed_amount":"1","customer_fee":"0","actual_amount":"1",
        "symbol":"EUR","direction":"DEBIT","created_at":1633445162,"status":"STATUS","transfer_by":"PARTNER"}"#;
    let follow = FollowTransfer::new(ACCOUNT, "4c416854-8970-4838-99ad-febc437ac81d");
    let cabital = client(&server.uri());
    for (status, is_final) in [("PROCESSING", false), ("CANCEL", true), ("FAILED", true), ("SUCCESS", true)] {
        let answer = ResponseTemplate::new(200).set_body_string(row.replace("STATUS", status));
        Mock::given(method("GET")).respond_with(answer).up_to_n_times(1).mount(&server).await;
        let found = follow.until_final(&cabital, Polling::within(Duration::ZERO)).await.unwrap();
        match found {
            FollowedTransfer::Final(transfer) => assert!(is_final && transfer.status == status),
            FollowedTransfer::Stuck(transfer) => assert_eq!(transfer.status, TransferStatus::Processing),
            other => panic!("{status}: {other:?}"),
        }
    }
}

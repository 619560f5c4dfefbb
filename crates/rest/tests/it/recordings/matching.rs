//! Which entry answers a call, and what the error says if there is none.

use super::replaying_client;
use crate::calls::{CreateOrder, ListOrders, Note, get};
use capecrypto_rest::{Client, Error, Kind, Outcome, RecordedCall, Recording, Replay};
use http::Method;

const ORDERS: &str = "/api/v2/atlas/market/orders";

fn answer(id: u64) -> String {
    format!(r#"{{"id":{id},"market":"btczar"}}"#)
}

fn placed(asking: &str, id: u64) -> RecordedCall {
    RecordedCall::new(Method::POST, ORDERS, 201).asking(asking).unwrap().body(&answer(id))
}

async fn refusal(client: &Client, request: impl capecrypto_rest::Endpoint) -> Error {
    let error = client.send(request).await.err().unwrap();
    assert_eq!((error.kind(), error.outcome()), (Kind::NotRecorded, Outcome::NotSent), "{error}");
    assert!(!error.is_safe_to_retry());
    error
}

#[tokio::test]
async fn equal_entries_are_used_in_order_and_each_once() {
    let path = format!("{ORDERS}/7");
    let mut recording = Recording::new();
    for id in [1, 2, 3] {
        recording = recording.answer(Method::GET, &path, 200, &answer(id));
    }
    let replay = Replay::new(recording);
    let client = replaying_client(&replay);
    for id in [1, 2, 3] {
        assert_eq!(replay.unused().calls().len() + usize::try_from(id).unwrap(), 4);
        assert_eq!(client.send(get("7")).await.unwrap().id, id);
    }
    let error = refusal(&client, get("7")).await.to_string();
    assert!(error.contains("number 1") && error.contains("used already"), "{error}");
}

#[tokio::test]
async fn members_and_parameters_have_no_order_and_numbers_have_digits() {
    let body = r#"{"note":"good","volume":"0.00001","market":"btczar"}"#;
    let client = replaying_client(
        Recording::new()
            .with(placed(body, 1))
            .answer(
                Method::GET,
                &format!("{ORDERS}?state[]=wait&page=2&state[]=done&market=btczar"),
                200,
                "[]",
            )
            .with(RecordedCall::new(Method::POST, "/raw", 200).asking(r#"{"a":1.10}"#).unwrap()),
    );
    assert_eq!(client.send(CreateOrder::new()).await.unwrap().id, 1);
    let list = ListOrders {
        market: Some("btczar".to_owned()),
        states: vec!["wait", "done"],
        page: Some(2),
        ..ListOrders::default()
    };
    let other_order = ListOrders { states: vec!["done", "wait"], ..list.clone() };
    assert!(refusal(&client, other_order).await.to_string().contains("in the query, at state[];"));
    client.send(list).await.unwrap();
    let raw = async |text: &str| {
        let body: Box<serde_json::value::RawValue> = serde_json::from_str(text).unwrap();
        client.raw(Method::POST, "/raw").json(&body).send().await
    };
    assert_eq!(raw(r#"{"a":1.1}"#).await.unwrap_err().kind(), Kind::NotRecorded);
    raw(r#"{ "a" : 1.10 }"#).await.unwrap();
}

#[tokio::test]
async fn the_mark_fits_any_value() {
    let marked = r#"{"market":"btczar","volume":"[sensitive]","note":"good"}"#;
    let client = replaying_client(
        Recording::new()
            .with(placed(marked, 1))
            .answer(Method::GET, "/raw/[sensitive]?a=[sensitive]&b=1", 200, "")
            .with(RecordedCall::new(Method::POST, "/raw", 200).asking(r#"["[sensitive]"]"#).unwrap()),
    );
    let other = client.send(CreateOrder { note: Note("other"), ..CreateOrder::new() }).await.unwrap_err();
    assert!(other.to_string().contains("at .note;"), "{other}");
    client.send(CreateOrder::new()).await.unwrap();
    client.raw(Method::GET, "/raw/x").query("a", "y").query("b", "1").send().await.unwrap();
    client.raw(Method::POST, "/raw").json(&[[1]]).send().await.unwrap();
}

#[tokio::test]
async fn what_differs_is_named_and_its_value_is_not() {
    let client = replaying_client(
        Recording::new()
            .with(placed(r#"{"market":"btczar","volume":"1","note":"canary"}"#, 1))
            .answer(Method::GET, &format!("{ORDERS}/7"), 200, "")
            .answer(Method::GET, &format!("{ORDERS}?market=canary&page=1"), 200, "[]"),
    );
    let error =
        refusal(&client, CreateOrder { note: Note("canary"), ..CreateOrder::new() }).await.to_string();
    for part in [
        "CreateOrder (POST /market/orders)",
        "no answer is left for POST /api/v2/atlas/market/orders;",
        "number 1, sends something else at .volume;",
        "record the call",
    ] {
        assert!(error.contains(part), "{error}");
    }
    let error = refusal(&client, CreateOrder { market: "ethzar", ..CreateOrder::new() }).await.to_string();
    assert!(error.contains("at .market, .note, .volume;") && !error.contains("canary"), "{error}");
    let error = refusal(&client, get("8")).await.to_string();
    assert!(
        error.contains("orders/8; the nearest entry, number 2, is GET /api/v2/atlas/market/orders/7;"),
        "{error}"
    );
    let list = ListOrders { market: Some("other-canary".to_owned()), ..ListOrders::default() };
    let error = refusal(&client, list).await.to_string();
    assert!(
        error.contains("orders?market; the nearest entry, number 3, differs in the query, at market, page;"),
        "{error}"
    );
    assert!(!error.contains("canary"), "{error}");
    let error =
        refusal(&client, crate::calls::DeleteThing { id: 1, why: "canary".to_owned() }).await.to_string();
    assert!(error.contains("no similar entry") && !error.contains("canary"), "{error}");
    let error = refusal(&replaying_client(Recording::new()), get("8")).await.to_string();
    assert!(error.contains("the recording is empty"), "{error}");
}

use crate::calls::{CreateOrder, DeleteThing, ListOrders, Note, get, millis};
use capecrypto_auth::{Environment, TimeUnit};
use capecrypto_rest::{Endpoint, InvalidArgument, InvalidArguments, Prepared, TimeRange};
use proptest::prelude::*;

fn prepare<E: Endpoint>(request: &E) -> Result<Prepared, InvalidArguments> {
    Prepared::new(request, &Environment::live())
}

#[test]
fn a_post_is_a_json_body_in_the_fields_order() {
    let prepared = prepare(&CreateOrder::new().post_only(true)).unwrap();
    assert_eq!(prepared.path, "/api/v2/atlas/market/orders");
    assert_eq!(prepared.query, "");
    let body = String::from_utf8(prepared.body.unwrap()).unwrap();
    assert_eq!(body, r#"{"market":"btczar","volume":"0.00001","post_only":true,"note":"good"}"#);
}

#[test]
fn a_get_is_a_query_with_lists_spelt_out() {
    let request = ListOrders {
        market: Some("a&b=c d%+é".to_owned()),
        states: vec!["wait", "done"],
        page: Some(2),
        ..ListOrders::default()
    };
    let prepared = prepare(&request).unwrap();
    assert_eq!(prepared.body, None);
    assert_eq!(prepared.query, "market=a%26b%3Dc+d%25%2B%C3%A9&state%5B%5D=wait&state%5B%5D=done&page=2");
    assert_eq!(prepare(&ListOrders::default()).unwrap().query, "");
}

#[test]
fn a_delete_has_path_and_query() {
    let prepared = prepare(&DeleteThing { id: 7, why: "x".to_owned() }).unwrap();
    assert_eq!(
        (prepared.path.as_str(), prepared.query.as_str()),
        ("/api/v2/atlas/account/things/7", "why=x")
    );
    assert_eq!(prepared.body, None);
}

#[test]
fn times_are_written_in_the_environments_unit_and_a_range_never_shrinks() {
    let request = ListOrders {
        times: TimeRange::default().from(millis(1_001)).to(millis(1_999)),
        ..ListOrders::default()
    };
    assert_eq!(prepare(&request).unwrap().query, "time_from=1001&time_to=1999");
    let seconds = Environment::live().with_time_unit(TimeUnit::Seconds);
    assert_eq!(Prepared::new(&request, &seconds).unwrap().query, "time_from=1&time_to=2");
    let exact = ListOrders {
        times: TimeRange::default().from(millis(2_000)).to(millis(2_000)),
        ..ListOrders::default()
    };
    assert_eq!(Prepared::new(&exact, &seconds).unwrap().query, "time_from=2&time_to=2");
    assert_eq!(Prepared::new(&exact, &Environment::legacy()).unwrap().path, "/api/v2/trade/market/orders");
}

#[test]
fn a_refused_argument_is_named_with_reason_and_remedy() {
    let bad = CreateOrder { note: Note("bad"), ..CreateOrder::new() };
    let refused = prepare(&bad).unwrap_err();
    assert_eq!(refused.all(), [InvalidArgument::new("note", "it is bad; very", "give a good one")]);
    let refused = prepare(&CreateOrder::new().post_only(false)).unwrap_err();
    assert_eq!(refused.to_string(), "post_only: it is false; leave it out");
}

#[test]
fn no_id_leaves_the_path_of_its_call() {
    for bad in ["..", ".", "", "%2e%2e", "1\n2", "a/b", "a?b", "a#b", "\\", "cancel/../1", "é"] {
        let refused = prepare(&get(bad)).unwrap_err();
        assert_eq!(refused.all()[0].argument, "id", "{bad}");
    }
    assert!(prepare(&get(&"a".repeat(10_240))).is_err());
    for a in 0..128_u8 {
        for b in 0..128_u8 {
            let id: String = [char::from(a), char::from(b)].iter().collect();
            if let Ok(prepared) = prepare(&get(&id)) {
                let url = url::Url::parse(&format!("https://host{}", prepared.path)).unwrap();
                assert_eq!(url.path(), format!("/api/v2/atlas/market/orders/{id}"), "{id:?}");
            }
        }
    }
}

#[test]
fn it_prints_no_values() {
    let request = ListOrders { market: Some("canary".to_owned()), ..ListOrders::default() };
    assert!(!format!("{:?}", prepare(&request).unwrap()).contains("canary"));
}

proptest! {
    #[test]
    fn whatever_stands_in_the_query_arrives_as_it_was(text in any::<String>()) {
        let request = ListOrders { market: Some(text.clone()), page: Some(1), ..ListOrders::default() };
        let query = prepare(&request).unwrap().query;
        let read: Vec<_> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        prop_assert_eq!(read, [("market".to_owned(), text), ("page".to_owned(), "1".to_owned())]);
    }
}

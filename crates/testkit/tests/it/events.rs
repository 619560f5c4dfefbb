//! Payloads of the websocket, with forms that REST does not have: frames, other names, single items, sums.

use crate::toy::{Exact, assert_found, faults, fixture, fixtures, spec, trip};
use capecrypto_testkit::{Fault, Fixtures, assert_no_findings, probe};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json, value::RawValue};
use std::collections::BTreeMap;

type Pair = (Exact, Exact);

fn rows<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<Pair>>, D::Error> {
    let raw = Box::<RawValue>::deserialize(deserializer)?;
    if raw.get() == "null" {
        return Ok(None);
    }
    let many = serde_json::from_str::<Vec<Pair>>(raw.get());
    let one = |_| serde_json::from_str::<Pair>(raw.get()).map(|pair| vec![pair]);
    many.or_else(one).map(Some).map_err(serde::de::Error::custom)
}

#[derive(Debug, Serialize, Deserialize)]
struct Change {
    sequence: u64,
    #[serde(alias = "title")]
    name: Option<String>,
    #[serde(default, deserialize_with = "rows")]
    rows: Option<Vec<Pair>>,
}

fn change(body: &[u8]) -> Result<Value, String> {
    trip::<Change>(body)
}

#[test]
fn a_bare_item_and_another_name_are_the_same_thing() {
    assert_no_findings(probe::event(&spec(), &fixtures(), "Change", &change));
}

#[test]
fn one_form_only_is_too_strict() {
    let found = probe::event(&spec(), &fixtures(), "Change", &|body| {
        let input: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        if input["rows"][0].is_array() { Err("nested".to_owned()) } else { change(body) }
    });
    assert_found(&found, Fault::TooStrict, &["/rows: [[\"1\",\"2\"]] in its place"]);
    let found = probe::event(&spec(), &fixtures(), "Change", &|body| {
        let input: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        if input.get("name").is_some() { Err("title".to_owned()) } else { change(body) }
    });
    assert_found(&found, Fault::TooStrict, &["title under its other name name"]);
}

#[test]
fn a_map_that_may_be_a_list_is_read_in_both_forms() {
    let map = trip::<BTreeMap<String, Pair>>;
    let either = |body: &[u8]| map(body).or_else(|_| trip::<Vec<Pair>>(body));
    assert_no_findings(probe::event(&spec(), &fixtures(), "Either", &either));
    let found = probe::event(&spec(), &fixtures(), "Either", &map);
    assert_found(&found, Fault::TooStrict, &["either/list.json: is refused", "[] in its place"]);
}

#[derive(Debug, Serialize, Deserialize)]
struct Sum {
    all: Exact,
    free: Exact,
    held: Exact,
}

#[test]
fn a_sum_is_kept_in_balance_while_its_parts_change() {
    let sum = |body: &[u8]| -> Result<Value, String> {
        let back = trip::<Sum>(body)?;
        let number = |key: &str| back[key].as_str().unwrap().parse::<f64>().unwrap();
        let (all, parts) = (number("all"), number("free") + number("held"));
        if (all - parts).abs() > all * 1e-9 { Err("does not add up".to_owned()) } else { Ok(back) }
    };
    assert_no_findings(probe::event(&spec(), &fixtures(), "Sum", &sum));
}

#[test]
fn what_only_repeats_may_be_dropped_or_kept() {
    let kept = |body: &[u8]| -> Result<Value, String> {
        let mut back = trip::<Sum>(body)?;
        back["again"] = json!(true);
        Ok(back)
    };
    assert_no_findings(probe::event(&spec(), &fixtures(), "Sum", &kept));
}

#[test]
fn a_frame_of_another_topic_is_named() {
    for frame in [
        r#"{"btczar.trades":{"sequence":1}}"#,
        r#"{".change":{"sequence":1}}"#,
        r#"{"a.change":{},"b":1}"#,
        "[]",
    ] {
        let fixtures: Fixtures = [fixture("change", "event", frame)].into_iter().collect();
        let found = probe::event(&spec(), &fixtures, "Change", &change);
        assert_eq!(faults(&found), [Fault::NoFixture], "{frame}");
    }
    assert_found(&probe::event(&spec(), &fixtures(), "Gone", &change), Fault::NotInSpec, &["Gone"]);
}

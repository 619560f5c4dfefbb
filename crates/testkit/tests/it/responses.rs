//! How the client reads an answer: one mistake in each test.

use crate::toy::{Exact, ROW, Row, assert_found, faults, fixture, fixtures, flag, id, spec, time, trip};
use capecrypto_testkit::{Fault, Finding, Fixtures, assert_no_findings, probe};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn check(round_trip: &dyn Fn(&[u8]) -> Result<Value, String>) -> Vec<Finding> {
    probe::response(&spec(), &fixtures(), "get_row", round_trip)
}

/// The good client, with a change to its output.
fn altered(change: impl Fn(&mut Value)) -> Vec<Finding> {
    check(&|body| {
        let mut value = trip::<Row>(body)?;
        change(&mut value);
        Ok(value)
    })
}

/// The good client, but it refuses some input.
fn refusing(bad: impl Fn(&Value) -> bool) -> Vec<Finding> {
    check(&|body| {
        let input: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        if bad(&input) { Err("too strict".to_owned()) } else { trip::<Row>(body) }
    })
}

/// The good client, with a change to its input.
fn lenient(patch: impl Fn(&mut Value)) -> Vec<Finding> {
    check(&|body| {
        trip::<Row>(body).or_else(|error| {
            let mut input: Value = serde_json::from_slice(body).map_err(|_| error)?;
            if input.is_object() {
                patch(&mut input);
            }
            trip::<Row>(input.to_string().as_bytes())
        })
    })
}

#[test]
fn a_good_client_has_no_findings() {
    assert_no_findings(check(&trip::<Row>));
}

#[test]
fn a_misspelt_field() {
    #[derive(Serialize, Deserialize)]
    struct Typo {
        #[serde(default, deserialize_with = "id")]
        id: Option<u64>,
        price: Exact,
        fees: Option<Exact>,
        state: String,
        #[serde(deserialize_with = "time")]
        at: Value,
        #[serde(default, deserialize_with = "flag")]
        open: Option<bool>,
        levels: Option<Vec<(Exact, Exact)>>,
        by_name: Option<BTreeMap<String, (Exact, Exact)>>,
    }
    let found = check(&trip::<Typo>);
    assert_eq!(faults(&found), [Fault::Changed]);
    assert_found(&found, Fault::Changed, &["/fee", "was lost"]);
}

#[test]
fn a_made_up_field() {
    assert_found(&altered(|row| row["extra"] = json!(1)), Fault::Changed, &["/extra", "made up"]);
}

#[test]
fn an_optional_field_that_must_be_there() {
    assert_found(&refusing(|row| row.get("fee").is_none()), Fault::TooStrict, &["without fee"]);
    let null = refusing(|row| row.get("fee").is_some_and(Value::is_null));
    assert_found(&null, Fault::TooStrict, &["/fee: null in its place"]);
}

#[test]
fn a_required_field_that_may_be_missing() {
    let absent = lenient(|row| {
        row.as_object_mut().map(|row| row.entry("price").or_insert(json!("0")));
    });
    assert_found(&absent, Fault::TooLax, &["without price"]);
    let null = lenient(|row| {
        if row["price"].is_null() {
            row["price"] = json!("0");
        }
    });
    assert_found(&null, Fault::TooLax, &["/price: null in its place"]);
}

#[test]
fn a_closed_enum() {
    let closed = refusing(|row| row["state"] != "new" && row["state"] != "old");
    assert_found(&closed, Fault::TooStrict, &["a_value_of_next_year"]);
    let folded = altered(|row| {
        if row["state"] != "new" {
            row["state"] = json!("unknown");
        }
    });
    assert_found(&folded, Fault::Changed, &["/state", "a_value_of_next_year"]);
    // Byte for byte: another case is another value.
    let lower = altered(|row| row["state"] = json!(row["state"].as_str().unwrap().to_lowercase()));
    assert_found(&lower, Fault::Changed, &["Next Year / 2"]);
}

#[test]
fn decimals_that_are_too_strict_or_lossy() {
    let text_only = refusing(|row| row["price"].is_number());
    assert_found(&text_only, Fault::TooStrict, &["/price: 1.5 in its place", "/price: 1e+21 in its place"]);
    let number_only = refusing(|row| row["fee"].is_string());
    assert_found(&number_only, Fault::TooStrict, &["/fee: \"1.5\" in its place"]);
    let plain_only = refusing(|row| row["price"].as_str().is_some_and(|text| text.contains('e')));
    assert_found(&plain_only, Fault::TooStrict, &["/price: \"1.0e-07\" in its place"]);
    let float = altered(|row| row["price"] = json!(row["price"].as_str().unwrap().parse::<f64>().unwrap()));
    assert_found(&float, Fault::Changed, &["/price was \"1234567890.123456789012345678\" and came back as"]);
    let rounds = lenient(|row| {
        let text = row["price"].as_str().unwrap_or_default().to_owned();
        row["price"] = json!(text.get(..28).unwrap_or(&text));
    });
    assert_found(&rounds, Fault::TooLax, &["1234567890.1234567890123456789"]);
    let inner = refusing(|row| row["levels"][0][1].is_number());
    assert_found(&inner, Fault::TooStrict, &["/levels[][1]: 1.5 in its place"]);
    let mapped = refusing(|row| row["by_name"]["x"][0].is_number());
    assert_found(&mapped, Fault::TooStrict, &["/by_name{}[0]: 1.5 in its place"]);
}

#[test]
fn times_ids_and_flags_in_one_form_only() {
    let iso_only = refusing(|row| row["at"].is_number());
    assert_found(
        &iso_only,
        Fault::TooStrict,
        &["/at: 1702021619 in its place", "/at: 1702021619125 in its place"],
    );
    let seconds = altered(|row| {
        if row["at"].is_number() {
            row["at"] = json!(row["at"].as_i64().unwrap() / 1_000_000);
        }
    });
    assert_found(&seconds, Fault::Changed, &["/at was", "ms"]);
    let number_only = refusing(|row| row["id"].is_string());
    assert_found(&number_only, Fault::TooStrict, &["/id: \"9007199254740993\" in its place"]);
    let float = altered(|row| row["id"] = json!(row["id"].as_f64().map(|id| format!("{id}"))));
    assert_found(&float, Fault::Changed, &["9007199254740993"]);
    let flag_only = refusing(|row| row["open"] == "false");
    assert_found(&flag_only, Fault::TooStrict, &["/open: \"false\" in its place"]);
}

#[test]
fn a_strangers_field_that_does_harm() {
    let strict = refusing(|row| row.get("a_field_of_next_year").is_some());
    assert_eq!(faults(&strict), [Fault::TooStrict]);
    assert_found(&strict, Fault::TooStrict, &["an unknown field"]);
}

#[test]
fn bodies_that_are_no_answer() {
    let nothing = check(&|body| if body.is_empty() { Ok(Value::Null) } else { trip::<Row>(body) });
    assert_found(&nothing, Fault::TooLax, &["an empty body"]);
    let html = check(&|body| if body.starts_with(b"<") { Ok(Value::Null) } else { trip::<Row>(body) });
    assert_found(&html, Fault::TooLax, &["HTML"]);
    let cut = check(&|body| trip::<Row>(body).or_else(|_| trip::<Row>(&[body, b"}"].concat())));
    assert_found(&cut, Fault::TooLax, &["cut off"]);
    let short = lenient(|row| row["levels"] = json!([]));
    assert_found(&short, Fault::TooLax, &["/levels[]: one value short"]);
}

#[test]
fn fixtures_and_spec_that_do_not_cover_each_other() {
    let spec = spec();
    let none = probe::response(&spec, &Fixtures::default(), "get_row", &trip::<Row>);
    assert_found(&none, Fault::NoFixture, &["get_row", "composed.json"]);

    let less = ROW.replace("\"fee\":1e-8,", "\"fee\":null,");
    let fixtures = |text: &str| [fixture("get_row", "response", text)].into_iter().collect::<Fixtures>();
    let found = probe::response(&spec, &fixtures(&less), "get_row", &trip::<Row>);
    assert_eq!(faults(&found), [Fault::NotShown]);
    assert_found(&found, Fault::NotShown, &["/fee", "no fixture"]);

    let more = ROW.replace("\"fee\"", "\"new_field\":1,\"fee\"");
    let found = probe::response(&spec, &fixtures(&more), "get_row", &trip::<Row>);
    assert_found(&found, Fault::NotInSpec, &["/new_field", "docs/api/cape/"]);

    let broken = probe::response(&spec, &fixtures("{"), "get_row", &trip::<Row>);
    assert_found(&broken, Fault::NoFixture, &["get_row/response.json"]);
}

#[test]
fn an_answer_of_which_only_the_status_counts() {
    let fixtures: Fixtures = [fixture("create_row", "composed", "200")].into_iter().collect();
    let any = probe::response(&spec(), &fixtures, "create_row", &|_| Ok(Value::Null));
    assert_no_findings(any);
    let strict = probe::response(&spec(), &fixtures, "create_row", &|_| Err("no".to_owned()));
    assert_found(&strict, Fault::TooStrict, &["create_row/composed.json"]);
}

#[test]
fn an_object_that_may_stand_alone_in_a_list_is_read_in_both_forms() {
    let yaml = crate::toy::YAML.replace("    Row:\n", "    Row:\n      x-or-list: true\n");
    let spec = capecrypto_testkit::Spec::parse(&yaml).unwrap();
    let fixtures: Fixtures =
        [fixture("get_row", "object", ROW), fixture("get_row", "list", &format!("[{ROW}]"))]
            .into_iter()
            .collect();
    let check = |round_trip: &dyn Fn(&[u8]) -> Result<Value, String>| {
        probe::response(&spec, &fixtures, "get_row", round_trip)
    };
    let both = |most: usize| {
        move |body: &[u8]| match serde_json::from_slice::<Vec<Value>>(body) {
            Ok(list) if (1..=most).contains(&list.len()) => trip::<Row>(list[0].to_string().as_bytes()),
            Ok(_) => Err("not a list of one".to_owned()),
            Err(_) => trip::<Row>(body),
        }
    };
    assert_no_findings(check(&both(1)));
    assert_found(&check(&trip::<Row>), Fault::TooStrict, &["get_row"]);
    assert_found(&check(&both(2)), Fault::TooLax, &["get_row"]);
}

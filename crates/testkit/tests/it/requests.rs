//! What a call sends.

use crate::toy::{assert_found, fixtures, spec};
use capecrypto_testkit::{
    Fault, Finding, assert_no_findings,
    probe::{self, Sent},
};
use serde_json::json;

fn get(query: &[(&str, &str)]) -> Sent {
    Sent {
        method: "GET".to_owned(),
        service: "trade".to_owned(),
        path: "/rows/7".to_owned(),
        query: query.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        body: None,
    }
}

fn post(body: serde_json::Value) -> Sent {
    Sent { method: "POST".to_owned(), path: "/rows".to_owned(), body: Some(body), ..get(&[]) }
}

fn get_row(smallest: Sent, fullest: Sent) -> Vec<Finding> {
    probe::request(&spec(), "get_row", &smallest, &fullest)
}

fn create_row(smallest: serde_json::Value, fullest: serde_json::Value) -> Vec<Finding> {
    probe::request(&spec(), "create_row", &post(smallest), &post(fullest))
}

const SINCE: (&str, &str) = ("since", "1702021619000");

#[test]
fn exact_samples_are_fine() {
    assert_no_findings(get_row(get(&[]), get(&[SINCE])));
    let full = json!({"price": "1.5", "state": "new", "note": "a"});
    assert_no_findings(create_row(json!({"price": "1", "state": "old"}), full));
}

#[test]
fn missing_and_strange_keys_are_named() {
    assert_found(&get_row(get(&[]), get(&[])), Fault::MissingKey, &["'since'", "fullest"]);
    assert_found(&get_row(get(&[SINCE]), get(&[SINCE])), Fault::StrangeKey, &["smallest", "optional"]);
    let small = json!({"price": "1", "state": "old"});
    let full = json!({"price": "1.5", "state": "new", "note": "a"});
    let typo = json!({"prize": "1.5", "state": "new", "note": "a"});
    let found = create_row(small, typo);
    assert_found(&found, Fault::MissingKey, &["'price'"]);
    assert_found(&found, Fault::StrangeKey, &["'prize'"]);
    assert_found(&create_row(json!({"price": "1"}), full), Fault::MissingKey, &["'state'"]);
}

#[test]
fn exactly_one_of_two_alternatives_is_sent() {
    let since = "- { name: since, in: query, schema: { type: integer, x-time: milliseconds } }";
    let after = format!(
        "{since}\n        - {{ name: after, in: query, x-instead-of: since, schema: {{ type: string }} }}"
    );
    let spec = capecrypto_testkit::Spec::parse(&crate::toy::YAML.replace(since, &after)).unwrap();
    let request = |smallest: &[(&str, &str)], fullest: &[(&str, &str)]| {
        probe::request(&spec, "get_row", &get(smallest), &get(fullest))
    };
    let after = ("after", "x");
    assert_no_findings(request(&[after], &[SINCE]));
    assert_no_findings(request(&[SINCE], &[after]));
    assert_found(&request(&[SINCE], &[SINCE]), Fault::MissingKey, &["no sample", "'after'"]);
    assert_found(&request(&[after], &[SINCE, after]), Fault::StrangeKey, &["fullest", "both"]);
    assert_found(&request(&[], &[SINCE]), Fault::MissingKey, &["smallest", "'since'"]);
}

#[test]
fn a_body_of_two_forms_has_the_keys_of_one_of_them() {
    let one = "required: [price, state]
              properties:
                price: { type: string, format: decimal }
                state: { type: string, x-open-enum: [new, old] }
                note: { type: string }";
    let body = format!("type: object\n              {one}");
    let two = |old: &str| {
        let forms = "oneOf: [{ $ref: '#/components/schemas/New' }, { $ref: '#/components/schemas/Old' }]
              discriminator: { propertyName: state }";
        let schemas = format!(
            "schemas:
    New: {{ type: object, required: [price, state], properties: {{ price: {{ type: string, format: decimal }}, \
             state: {{ type: string, x-open-enum: [new] }} }} }}
    Old: {{ type: object, required: [note, state], properties: {{ {old}, note: {{ type: string }}, \
             state: {{ type: string, x-open-enum: [old] }} }} }}"
        );
        assert!(crate::toy::YAML.contains(&body));
        capecrypto_testkit::Spec::parse(
            &crate::toy::YAML.replace(&body, forms).replacen("schemas:", &schemas, 1),
        )
    };
    let spec = two("price: { type: string, format: decimal }").unwrap();
    let new = json!({"price": "1", "state": "new"});
    let all = json!({"price": "1", "state": "new", "note": "a"});
    let request = |smallest| probe::request(&spec, "create_row", &post(smallest), &post(all.clone()));
    let further = |sent| probe::request_form(&spec, "create_row", &post(sent));
    assert_no_findings(request(new.clone()));
    assert_no_findings(request(json!({"state": "old", "note": "a"})));
    assert_found(&request(json!({"state": "old"})), Fault::MissingKey, &["smallest", "'note'"]);
    assert_found(&request(all.clone()), Fault::StrangeKey, &["smallest", "'note'"]);
    assert_no_findings(further(json!({"state": "old", "note": "a", "price": "1"})));
    assert_found(&further(json!({"state": "old", "price": "1"})), Fault::MissingKey, &["further", "'note'"]);
    assert_found(&further(all.clone()), Fault::StrangeKey, &["further", "'note'"]);
    let only_new = probe::request(&spec, "create_row", &post(new.clone()), &post(new));
    assert_found(&only_new, Fault::MissingKey, &["fullest", "'note'"]);
    assert!(two("price: { type: boolean }").unwrap_err().contains("'price' is not the same"));
}

#[test]
fn the_wrong_place_is_named() {
    let mut in_body = get(&[]);
    in_body.body = Some(json!({"since": 1_702_021_619_000_i64}));
    assert_found(&get_row(get(&[]), in_body), Fault::WrongPlace, &["'since'", "belongs in the query"]);
}

#[test]
fn the_wrong_target_is_named() {
    let with = |change: fn(&mut Sent)| {
        let mut sent = get(&[]);
        change(&mut sent);
        get_row(sent, get(&[SINCE]))
    };
    for found in [
        with(|sent| sent.method = "POST".to_owned()),
        with(|sent| sent.service = "account".to_owned()),
        with(|sent| sent.path = "/rows".to_owned()),
        with(|sent| sent.path = "/rows/".to_owned()),
        with(|sent| sent.path = "/rows/{id}".to_owned()),
        with(|sent| sent.path = "/rows/7/8".to_owned()),
    ] {
        assert_found(&found, Fault::WrongTarget, &["get_row", "smallest"]);
    }
}

#[test]
fn wrong_forms_are_named() {
    // Seconds instead of milliseconds would filter nothing, without an error.
    assert_found(&get_row(get(&[]), get(&[("since", "1702021619")])), Fault::WrongForm, &["milliseconds"]);
    let small = json!({"price": "1", "state": "old"});
    let with = |price, state, note| json!({"price": price, "state": state, "note": note});
    let found = create_row(small.clone(), with(json!(1.5), json!("new"), json!("a")));
    assert_found(&found, Fault::WrongForm, &["'price'", "as text"]);
    let found = create_row(small.clone(), with(json!("1.5"), json!("newest"), json!("a")));
    assert_found(&found, Fault::WrongForm, &["'state'", "x-open-enum"]);
    let found = create_row(small, with(json!("1.5"), json!("new"), json!(null)));
    assert_found(&found, Fault::WrongForm, &["'note'"]);
}

#[test]
fn a_call_of_another_name_is_named() {
    let found = probe::request(&spec(), "gone", &get(&[]), &get(&[]));
    assert_found(&found, Fault::NotInSpec, &["gone"]);
}

#[test]
fn a_request_equals_its_fixture_by_value() {
    let check = |body| probe::request_fixture(&spec(), &fixtures(), "create_row", "request", &post(body));
    assert_no_findings(check(json!({"price": "1.5", "state": "new"})));
    assert_found(&check(json!({"price": "1.6", "state": "new"})), Fault::Changed, &["1.6"]);
    assert_found(&check(json!({"price": "1.5", "state": "new", "x": 1})), Fault::Changed, &["made up"]);
    assert_found(&check(json!({"price": "1.5"})), Fault::Changed, &["/state"]);
    let found = probe::request_fixture(&spec(), &fixtures(), "create_row", "gone", &post(json!({})));
    assert_found(&found, Fault::NoFixture, &["gone"]);
    let found = probe::request_fixture(&spec(), &fixtures(), "create_row", "request", &get(&[]));
    assert_found(&found, Fault::MissingKey, &["no body"]);
}

#[test]
fn what_is_nested_is_looked_into() {
    let nested = "note: { type: array, items: { type: object, required: [who], properties: { who: { type: string }, when: { type: string, x-time: iso } } } }";
    let yaml = crate::toy::YAML.replace("note: { type: string }", nested);
    let spec = capecrypto_testkit::Spec::parse(&yaml).unwrap();
    let note = |note: serde_json::Value| {
        let small = json!({"price": "1", "state": "old"});
        let full = json!({"price": "1", "state": "old", "note": note});
        probe::request(&spec, "create_row", &post(small), &post(full))
    };
    assert_no_findings(note(json!([{"who": "a", "when": "2023-12-08T08:46:59Z"}, {"who": "b"}])));
    assert_found(&note(json!([{"who": "a"}, {"wo": "b"}])), Fault::StrangeKey, &["'note[1].wo'"]);
    assert_found(&note(json!([{"when": "2023-12-08T08:46:59Z"}])), Fault::MissingKey, &["'note[0].who'"]);
    assert_found(&note(json!([{"who": "a", "when": 7}])), Fault::WrongForm, &["'note[0].when'", "ISO"]);
    assert_found(&note(json!(["a"])), Fault::WrongForm, &["'note[0]'", "an object"]);
}

#[test]
fn a_sample_sends_the_maximum_and_numbers_of_the_list() {
    let with = |schema: &str| {
        let yaml = crate::toy::YAML.replace("note: { type: string }", &format!("note: {schema}"));
        capecrypto_testkit::Spec::parse(&yaml).unwrap()
    };
    let maximum = with("{ type: integer, maximum: 100 }");
    let listed = with("{ type: integer, enum: [1, 5] }");
    let sent = |spec, note: i64| {
        let small = json!({"price": "1", "state": "old"});
        let full = json!({"price": "1", "state": "old", "note": note});
        probe::request(spec, "create_row", &post(small), &post(full))
    };
    assert_no_findings(sent(&maximum, 100));
    assert_found(&sent(&maximum, 99), Fault::WrongForm, &["the maximum, 100"]);
    assert_no_findings(sent(&listed, 5));
    assert_found(&sent(&listed, 7), Fault::WrongForm, &["[1, 5]"]);
}

#[test]
fn what_only_the_older_environment_has_needs_a_sample_of_its_own() {
    let yaml = crate::toy::YAML.replace("note: { type: string }", "note: { x-only: legacy, type: string }");
    let spec = capecrypto_testkit::Spec::parse(&yaml).unwrap();
    let small = || post(json!({"price": "1", "state": "old"}));
    let with_note = || post(json!({"price": "1", "state": "old", "note": "a"}));
    let check = |fullest: Sent, older: Option<Sent>| {
        let mut found = probe::request(&spec, "create_row", &small(), &fullest);
        found.extend(probe::older_request(&spec, "create_row", older.as_ref()));
        found
    };
    assert_no_findings(check(small(), Some(with_note())));
    assert_found(&check(with_note(), Some(with_note())), Fault::StrangeKey, &["fullest", "'note'"]);
    assert_found(&check(small(), None), Fault::MissingKey, &["older", "no sample"]);
    assert_found(&check(small(), Some(small())), Fault::MissingKey, &["older", "'note'"]);
    assert_no_findings(probe::older_request(&crate::toy::spec(), "create_row", None));
    // A call that only the older environment has is checked like any other one.
    let yaml = yaml.replace("x-sdk: rows::CreateRow", "x-sdk: rows::CreateRow\n      x-only: legacy");
    let spec = capecrypto_testkit::Spec::parse(&yaml).unwrap();
    assert_no_findings(probe::request(&spec, "create_row", &small(), &with_note()));
    assert_no_findings(probe::older_request(&spec, "create_row", None));
}

//! The set of calls, and what was forgotten.

use crate::toy::{assert_found, faults, fixture, fixtures, spec};
use capecrypto_testkit::{
    Fault, Fixtures, Spec, assert_no_findings,
    probe::{self, Covered, Who},
};

const BOTH: [(&str, &str, &str); 2] = [("trade", "GET", "/rows/{id}"), ("trade", "POST", "/rows")];

#[test]
fn the_same_set_on_both_sides_is_fine() {
    assert_no_findings(probe::calls(&spec(), Who::Client("client"), BOTH));
}

#[test]
fn a_call_that_is_missing_on_either_side_is_named() {
    let less = probe::calls(&spec(), Who::Client("client"), [BOTH[0]]);
    assert_eq!(faults(&less), [Fault::NotInCode]);
    assert_found(
        &less,
        Fault::NotInCode,
        &["create_row", "rows::CreateRow", "client: POST /rows", "client/src/rows.rs"],
    );
    let less = probe::calls(&spec(), Who::Server("sandbox"), [BOTH[0]]);
    assert_found(&less, Fault::NotInCode, &["sandbox/src/api/ a route"]);

    let more =
        probe::calls(&spec(), Who::Server("sandbox"), BOTH.into_iter().chain([("trade", "DELETE", "/rows")]));
    assert_eq!(faults(&more), [Fault::NotInSpec]);
    assert_found(&more, Fault::NotInSpec, &["sandbox: DELETE /rows", "cargo xtask codegen"]);
}

#[test]
fn another_service_is_another_call() {
    let moved = probe::calls(&spec(), Who::Client("client"), [BOTH[0], ("account", "POST", "/rows")]);
    assert_eq!(faults(&moved), [Fault::NotInSpec, Fault::NotInCode]);
}

#[test]
fn a_call_that_stands_twice_is_named() {
    let twice = probe::calls(&spec(), Who::Client("client"), [BOTH[0], BOTH[1], BOTH[1]]);
    assert_found(&twice, Fault::StrangeKey, &["twice"]);
}

#[test]
fn what_the_table_says_of_a_call_must_be_true() {
    let described =
        |name, signed, idempotent| probe::described(&spec(), "create_row", name, signed, idempotent);
    assert_no_findings(described("capecrypto_x::rows::CreateRow", true, false));
    assert_found(&described("x::rows::NewRow", true, false), Fault::WrongDescription, &["rows::NewRow"]);
    assert_found(&described("x::rows::CreateRow", false, false), Fault::WrongDescription, &["signed"]);
    assert_found(&described("x::rows::CreateRow", true, true), Fault::WrongDescription, &["idempotent"]);
    assert_found(&probe::described(&spec(), "gone", "x", true, true), Fault::NotInSpec, &["gone"]);
}

#[test]
fn a_call_without_samples_is_named() {
    let spec = spec();
    assert_no_findings(probe::covered(&spec, Covered::Requests, ["get_row", "create_row"]));
    let less = probe::covered(&spec, Covered::Responses, ["get_row"]);
    assert_found(&less, Fault::NotProbed, &["create_row", "probe::response"]);
    let other = probe::covered(&spec, Covered::Events, ["Change", "Either", "Sum", "Gone"]);
    assert_found(&other, Fault::NotInSpec, &["Gone"]);
}

#[test]
fn a_fixture_that_nothing_claims_is_named() {
    assert_no_findings(probe::fixtures(&spec(), &fixtures()));
    let with = |extra| fixtures().iter().cloned().chain([extra]).collect::<Fixtures>();
    let orphan = with(fixture("gone", "response", "{}"));
    assert_found(&probe::fixtures(&spec(), &orphan), Fault::NoFixture, &["gone/response.json"]);
    let broken = with(fixture("get_row", "broken", "{"));
    assert_found(&probe::fixtures(&spec(), &broken), Fault::NoFixture, &["get_row/broken.json"]);
    let strange =
        with(fixture("create_row", "request_strange", r#"{"price":"1","state":"new","prize":"1"}"#));
    assert_found(&probe::fixtures(&spec(), &strange), Fault::NotInSpec, &["prize"]);
    let no_body = with(fixture("get_row", "request", "{}"));
    assert_found(&probe::fixtures(&spec(), &no_body), Fault::NotInSpec, &["no body"]);
}

#[test]
fn an_unsound_spec_is_refused() {
    let refused = |from: &str, to: &str, word: &str| {
        let yaml = crate::toy::YAML;
        assert!(yaml.contains(from), "{from}");
        let error = Spec::parse(&yaml.replacen(from, to, 1)).unwrap_err();
        assert!(error.contains(word), "{error}");
    };
    refused("x-service: trade", "x-service: persona", "persona");
    refused("x-open-enum", "x-opn-enum", "x-opn-enum");
    refused("x-id: number", "x-id: numeric", "x-id");
    refused("x-time: milliseconds", "x-time: ms", "x-time");
    refused("$ref: \"#/components/schemas/Row\"", "$ref: \"#/components/schemas/Gone\"", "points nowhere");
    refused("/Pair\" } }", "/Pair\", type: [array, \"null\"] } }", "does not replace the type");
    refused("operationId: get_row", "operationId: create_row", "twice");
    refused("/rows/{id}", "/rows/{row}", "row");
    refused("x-sdk: rows::GetRow", "x-sdk: \"\"", "x-sdk");
    refused("format: decimal }\n        fee", "}\n        fee", "format: decimal");
    refused("required: [price, state, at]", "required: [price, state, when]", "when");
}

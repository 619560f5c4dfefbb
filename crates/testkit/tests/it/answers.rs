//! What a server answers, against the spec.

use crate::toy::{ROW, YAML, assert_found, faults, spec};
use capecrypto_testkit::{Fault, Finding, Spec, assert_no_findings, probe};

fn row(change: impl Fn(String) -> String) -> Vec<Finding> {
    probe::answer(&spec(), "get_row", 200, [], change(ROW.to_owned()).as_bytes())
}

#[test]
fn a_full_answer_as_specified_is_fine() {
    assert_no_findings(row(|row| row));
}

#[test]
fn a_misspelt_field_is_named() {
    let misspelt = row(|row| row.replace("\"fee\"", "\"fees\""));
    assert_found(&misspelt, Fault::WrongAnswer, &["get_row: answer at .fees", "does not know it"]);
    assert_found(&misspelt, Fault::ProvesNothing, &[".fee", "missing"]);
}

#[test]
fn a_required_field_that_is_missing_is_named() {
    let without = row(|row| row.replace("\"state\":\"new\",", ""));
    assert_found(&without, Fault::WrongAnswer, &[".state", "required"]);
}

#[test]
fn each_form_is_held() {
    for (right, wrong, wanted) in [
        ("\"id\":7", "\"id\":true", "an id"),
        ("\"id\":7", "\"id\":\"x\"", "an id"),
        ("\"price\":\"1.50\"", "\"price\":\"1.5 ZAR\"", "a decimal"),
        ("\"price\":\"1.50\"", "\"price\":\"\"", "a decimal"),
        ("\"state\":\"new\"", "\"state\":\"newer\"", "x-open-enum"),
        ("\"at\":\"2023-12-08T08:46:59+01:00\"", "\"at\":1702021619", "ISO 8601"),
        ("\"open\":\"true\"", "\"open\":\"yes\"", "true or false"),
        ("\"by_name\":{\"x\":[\"1\",\"2\"]}", "\"by_name\":[]", "an object"),
        ("[\"1.0\",\"2.0\"]", "[\"1.0\"]", "with as many places"),
        ("[\"1.0\",\"2.0\"]", "[\"1.0\",\"two\"]", "a decimal"),
        ("\"levels\":[[\"1.0\",\"2.0\"],[\"3.0\",4]]", "\"levels\":{}", "a list"),
    ] {
        let found = row(|row| {
            assert!(row.contains(right), "{right}");
            row.replace(right, wrong)
        });
        assert_found(&found, Fault::WrongAnswer, &[wanted]);
    }
}

#[test]
fn null_wants_a_type_that_has_it() {
    let null = |yaml: &str| {
        let row = ROW.replace("\"fee\":1e-8", "\"fee\":null");
        probe::answer(&Spec::parse(yaml).unwrap(), "get_row", 200, [], row.as_bytes())
    };
    assert_found(&null(YAML), Fault::WrongAnswer, &[".fee", "null"]);
    let fee = "fee: { type: [string, number]";
    assert!(YAML.contains(fee));
    // Null is allowed, but no row has a value, so the check proves nothing.
    let nullable = null(&YAML.replace(fee, "fee: { type: [string, number, \"null\"]"));
    assert_eq!(faults(&nullable), [Fault::ProvesNothing]);
    let sometimes = YAML.replace(fee, "fee: { x-sometimes: true, type: [string, number, \"null\"]");
    assert_no_findings(null(&sometimes));
}

#[test]
fn a_list_without_a_full_row_proves_nothing() {
    let levels = "[[\"1.0\",\"2.0\"],[\"3.0\",4]]";
    let empty = row(|row| row.replace(levels, "[]"));
    assert_found(&empty, Fault::ProvesNothing, &[".levels", "empty"]);
    let map = row(|row| row.replace("{\"x\":[\"1\",\"2\"]}", "{}"));
    assert_found(&map, Fault::ProvesNothing, &[".by_name", "empty"]);
}

#[test]
fn one_full_row_of_a_list_is_enough() {
    let rows = "{ type: array, items: { $ref: \"#/components/schemas/Row\" } }";
    let list = YAML.replacen("schema: { $ref: \"#/components/schemas/Row\" }", &format!("schema: {rows}"), 1);
    let spec = Spec::parse(&list).unwrap();
    let answer = |body: &str| probe::answer(&spec, "get_row", 200, [], body.as_bytes());
    let short = ROW.replace("\"fee\":1e-8,", "");
    assert_no_findings(answer(&format!("[{short},{ROW}]")));
    assert_found(&answer(&format!("[{short},{short}]")), Fault::ProvesNothing, &["[0].fee"]);
    assert_found(&answer("[]"), Fault::ProvesNothing, &["empty"]);
}

#[test]
fn another_status_or_no_json_is_named() {
    let other = probe::answer(&spec(), "get_row", 201, [], ROW.as_bytes());
    assert_found(&other, Fault::WrongAnswer, &["201", "[200]"]);
    assert_found(&row(|_| "<html>".to_owned()), Fault::WrongAnswer, &["not JSON"]);
    assert_found(&probe::answer(&spec(), "gone", 200, [], b"1"), Fault::NotInSpec, &["gone"]);
    assert_no_findings(probe::answer(&spec(), "create_row", 201, [], b"anything: no schema"));
}

#[test]
fn a_code_that_the_spec_does_not_have_under_its_status_is_named() {
    let yaml = YAML.replace(
        "\"201\": { description: Nothing. }",
        "\"201\": { description: Nothing. }\n        \"422\": { description: Refused., x-codes: [row.bad] }",
    );
    let spec = Spec::parse(&yaml).unwrap();
    assert_no_findings(probe::codes(&spec, "create_row", [(422, "row.bad")]));
    for other in [(422, "row.worse"), (401, "row.bad")] {
        assert_found(&probe::codes(&spec, "create_row", [other]), Fault::WrongAnswer, &[other.1]);
    }
    assert_no_findings(probe::statuses(&spec, &[], &[]));
    let missing = probe::statuses(&spec, &[422], &[401]);
    assert_eq!(missing.len(), 3, "the other call lacks 422, both lack 401: {missing:?}");
}

#[test]
fn what_only_the_current_environment_has_is_refused_for_the_older_one() {
    let note = "note: { type: string }";
    let only = Spec::parse(&YAML.replace(note, "note: { x-only: current, type: string }")).unwrap();
    assert_no_findings(probe::only(&only, "create_row", Some("note")));
    assert_no_findings(probe::only(&only, "get_row", None::<&str>));
    assert_found(&probe::only(&only, "create_row", None::<&str>), Fault::WrongDescription, &["note"]);
    assert_found(&probe::only(&only, "create_row", Some("price")), Fault::WrongDescription, &["price"]);
    assert_found(&probe::only(&spec(), "get_row", Some("since")), Fault::WrongDescription, &["since"]);
    for wrong in ["x-only: newer", "x-only: 1"] {
        let yaml = YAML.replace(note, &format!("note: {{ {wrong}, type: string }}"));
        assert!(Spec::parse(&yaml).unwrap_err().contains("x-only"));
    }
}

#[test]
fn a_client_need_not_have_what_it_does_not_offer() {
    use probe::Who;
    let spec = Spec::parse(&YAML.replace("x-sdk: rows::CreateRow", "x-sdk: \"-\"")).unwrap();
    let one = [("trade", "GET", "/rows/{id}")];
    assert_no_findings(probe::calls(&spec, Who::Client("client"), one));
    assert_eq!(faults(&probe::calls(&spec, Who::Server("server"), one)), [Fault::NotInCode]);
}

#[test]
fn a_row_of_places_says_what_further_places_are() {
    let yaml = YAML.replacen("      items: {}\n", "", 1);
    assert!(Spec::parse(&yaml).unwrap_err().contains("without items"));
}

#[test]
fn a_header_that_the_spec_promises_is_sent() {
    let row = "\"200\": { description: It, content";
    assert!(YAML.contains(row));
    let headers = "headers: { Total: { schema: { type: integer } } }";
    let yaml = YAML.replace(row, &format!("\"200\": {{ description: It, {headers}, content"));
    let spec = Spec::parse(&yaml).unwrap();
    let with = |headers: &[&'static str]| {
        probe::answer(&spec, "get_row", 200, headers.iter().copied(), ROW.as_bytes())
    };
    assert_no_findings(with(&["total", "date"]));
    assert_found(&with(&["date"]), Fault::WrongAnswer, &["the header Total is missing"]);
}

#[test]
fn what_the_probe_does_not_understand_is_refused() {
    let typed = "open: { type: [boolean, string] }";
    assert!(YAML.contains(typed));
    for (untyped, word) in [
        ("open: { oneOf: [{ type: boolean }, { type: string }] }", "discriminator"),
        ("open: { oneOf: [{ type: boolean }], discriminator: { propertyName: x } }", "objects only"),
        ("open: { anyOf: [{ type: boolean }, { type: string }] }", "anyOf"),
        ("open: { allOf: [{ type: boolean }] }", "allOf"),
        ("open: { description: something }", "no type"),
    ] {
        let error = Spec::parse(&YAML.replace(typed, untyped)).unwrap_err();
        assert!(error.contains(word), "{error}");
    }
    Spec::parse(&YAML.replace(typed, "open: { x-any: true }")).unwrap();
}

#[test]
fn what_is_sensitive_does_not_show() {
    let state = "state: { type: string, x-open-enum: [new, old] }";
    let secret = Spec::parse(&YAML.replace(state, "state: { type: string, x-sensitive: true }")).unwrap();
    let schema = secret.operation("get_row").unwrap().response.as_ref().unwrap();
    let value = serde_json::from_str(&ROW.replace("\"new\"", "\"canary\"")).unwrap();
    assert_no_findings(probe::hidden(schema, "get_row", &value, "Row { state: Sensitive(…) }"));
    let shown = probe::hidden(schema, "get_row", &value, "Row { state: \"canary\" }");
    assert_found(&shown, Fault::Shown, &[".state", "Sensitive"]);
}

#[test]
fn what_is_sensitive_is_not_recorded() {
    let state = "state: { type: string, x-open-enum: [new, old] }";
    let texts = "state: { type: array, items: { type: string, x-sensitive: true } }";
    for marked in ["state: { type: string, x-sensitive: true }", texts] {
        let secret = Spec::parse(&YAML.replace(state, marked)).unwrap();
        let schema = secret.operation("get_row").unwrap().response.as_ref().unwrap();
        assert_no_findings(probe::unrecorded(schema, "get_row", &|name| name == "state"));
        let shown = probe::unrecorded(schema, "get_row", &|name| name == "fee");
        assert_found(&shown, Fault::Shown, &["\"state\"", "secrets"]);
    }
}

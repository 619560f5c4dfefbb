use super::{
    homes::{Sources, check as homes},
    whole::{lost, not_listed, parts, state},
    *,
};
use crate::{enums, events, finding::Finding, lists, streams};
use std::collections::BTreeSet;

/// The columns, and rows with: system, kind, method, path, operation, section, parameters, sdk, state.
fn table(rows: &[[&str; 9]]) -> String {
    let mut text =
        "system\tkind\tmethod\tpath\toperation\tsection\tparameters\tsdk\tsandbox\tstate\n".to_owned();
    for [before @ .., state] in rows {
        text.push_str(&format!("{}\t-\t{state}\n", before.join("\t")));
    }
    text
}

const ROWS: [[&str; 9]; 9] = [
    ["cape-current", "rest", "GET", "/api/v2/things/{id}", "One", "Things / One (L12)", "-", "-", "open"],
    ["cape-legacy", "rest", "GET", " /things/:uid ", "One", "Things (L3)", "-", "-", "open"],
    ["cape-current", "rest", "POST", "/persona/things", "New", "Things (new)", "-", "things::New", "done"],
    ["cape-current", "model", "-", "-", "Thing", "-", "-", "models::Thing", "done"],
    ["cape-current", "stream", "SUBSCRIBE", "/ws ?stream={market}.rows", "Rows", "-", "-", "-", "open"],
    ["cape-legacy", "stream", "SUBSCRIBE", "/ws ?stream=gone", "Gone", "-", "-", "Event::Gone", "done"],
    ["cape-current", "webhook-event", "POST", "your url", "thing.moved", "Events", "-", "-", "open"],
    ["cape-current", "webhook-event", "POST", "your url", "thing.lost", "Events", "-", "old::Name", "done"],
    ["cabital-seed", "rest", "GET", "/things/{id}", "One", "-", "-", "-", "open"],
];

fn call(method: &str, path: &str, sdk: &str, section: &str) -> Call {
    Call::example(method, path, sdk, section)
}

fn topic() -> Vec<Topic> {
    streams::topics("channels: { rows: { address: \"{market}.rows\", x-section: Rows, x-sdk: Event::Rows, x-since: 0.1.0 } }")
        .unwrap()
}

fn event() -> Vec<Event> {
    let text = "webhooks: { thing.moved: { post: { tags: [Events], x-sdk: Event::Moved, x-section: -, x-since: 0.2.0,
                requestBody: { content: { application/json: { schema: { $ref: Moved } } } } } } }";
    events::events(&serde_norway::from_str(text).unwrap()).unwrap()
}

fn told(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(|Finding { place, problem, fix }| format!("{place}: {problem}; {fix}")).collect()
}

#[test]
fn calls_and_topics_are_found_however_their_path_is_written_and_counted_once() {
    let calls = [call("get", "/things/{thing}", "things::Get", "One")];
    let (text, coverage) = filled(&table(&ROWS), &calls, &topic(), &event()).unwrap();
    assert_eq!((coverage.named, coverage.here), (2, 1));
    let both = coverage.places("get", "/things/{thing}");
    assert_eq!((both.text().as_str(), both.version()), ("L12, older L3", "both"));
    let current = coverage.places("POST", "/things");
    assert_eq!((current.text().as_str(), current.version()), ("no line", "current"));
    let nowhere = coverage.places("GET", "/things");
    assert_eq!((nowhere.text().as_str(), nowhere.version()), ("-", "-"));
    let states: Vec<&str> = rows(&text).unwrap().iter().map(|row| row.state).collect();
    assert_eq!(states, ["done", "done", "done", "done", "done", "done", "done", "done", "open"]);
    assert_eq!(text.matches("things::Get\tyes").count(), 2);
    assert!(text.contains("\tEvent::Rows\tyes\t") && text.contains("\tmodels::Thing\t-\t"));
    assert!(text.contains("\tEvent::Moved\t-\tdone"), "whether the sandbox sends an event is kept by hand");
    assert_eq!(filled(&text, &calls, &topic(), &event()).unwrap(), (text, coverage));
}

#[test]
fn a_broken_row_is_named() {
    let text = table(&ROWS);
    assert!(filled(&text.replace("\tstate", ""), &[], &[], &[]).unwrap_err().contains("'state'"));
    let short = text.replace("cape-current\tmodel\t-", "cape-current\tmodel");
    assert!(filled(&short, &[], &[], &[]).unwrap_err().contains("line 5"));
    assert!(rows(&text.replace("\tparameters", "\tvalues")).unwrap_err().contains("'parameters'"));
}

#[test]
fn what_was_here_and_is_not_in_the_specification_any_more_is_told() {
    let text = table(&ROWS);
    let rows = rows(&text).unwrap();
    let found = told(&lost(&rows, &[], &topic(), &event()));
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(
        found[0].starts_with("docs/api/inventory.tsv:4: 'New' (POST /persona/things, Things (new)) is done")
    );
    assert!(found[0].contains("its operation in docs/api/cape/"), "{}", found[0]);
    assert!(
        found[1].contains("'Gone' (gone, -) is done") && found[1].contains(streams::STREAMS),
        "{}",
        found[1]
    );
    assert!(found[2].contains("'thing.lost' (an event, Events) is done"), "{}", found[2]);
    // A call that only the local exchange has is not here.
    assert_eq!(lost(&rows, &[call("POST", "/things", "-", "New")], &topic(), &event()).len(), 3);
    assert_eq!(lost(&rows, &[call("POST", "/things", "things::New", "New")], &topic(), &event()).len(), 2);
}

#[test]
fn a_call_without_a_row_is_told() {
    let text = table(&ROWS);
    let rows = rows(&text).unwrap();
    let told =
        |path: &str, section: &str| told(&not_listed(&rows, &[call("GET", path, "things::Get", section)]));
    assert!(told("/things/{id}", "One").is_empty() && told("/time", "-").is_empty());
    let missing = told("/time", "Time");
    assert!(missing[0].contains("no row") && missing[0].contains("x-section: \"-\""), "{missing:?}");
    for section in ["-", "Two", "One, Two"] {
        let wrong = told("/things/{id}", section);
        assert!(wrong[0].contains("the inventory has 'One'"), "{wrong:?}");
    }
}

#[test]
fn a_lost_row_and_a_row_of_no_part_are_told() {
    let repository = std::fs::read_to_string(crate::workspace::root().join(INVENTORY)).unwrap();
    assert!(parts(&rows(&repository).unwrap()).is_empty());
    for line in repository.lines().skip(1) {
        let less = repository.replacen(&format!("{line}\n"), "", 1);
        let found = told(&parts(&rows(&less).unwrap()));
        assert!(found.len() == 1 && found[0].contains("bring the row back"), "{line}: {found:?}");
    }
    let strange = repository.replacen("cabital-seed\tlist", "cabital-seed\ttable", 1);
    let found = told(&parts(&rows(&strange).unwrap()));
    assert!(found.len() == 2 && found[1].contains("cabital-seed/table, which nobody counts"), "{found:?}");
}

#[test]
fn a_state_is_done_or_open_or_a_reason() {
    let of = |system: &str, kind: &str, written: &str| {
        let text = table(&[[system, kind, "-", "-", "Things", "-", "-", "-", written]]);
        let found: Vec<Finding> = rows(&text).unwrap().iter().filter_map(state).collect();
        told(&found)
    };
    assert!(of("cape-legacy", "list", "done").is_empty());
    assert!(of("cape-legacy", "list", "no: only the exchange needs it").is_empty());
    assert!(of("cape-current", "callback", "open").is_empty());
    for wrong in ["open", "no: why", "later", ""] {
        assert_eq!(of("cape-legacy", "list", wrong).len(), 1, "{wrong}");
    }
    assert!(of("cape-legacy", "rest", "open")[0].contains("its route in crates/sandbox/src/api/"));
}

#[test]
fn a_list_and_a_model_have_a_home_with_the_same_values() {
    let files = [(
        "crates/models/src/thing.rs".to_owned(),
        "open_enum! {\n    pub enum Kind {\n        /// Like \"B\" = \"c\".\n        A = \"a\" | \"first\",\n        B = \"b\",\n    }\n}\n\
         pub enum Kinds { A = \"x\" }\npub struct Thing {}\npub enum Period { One }\nconst fn minutes() { 5; 1_440; \"1m\" }\n"
            .to_owned(),
    )];
    let lists = lists::read().unwrap();
    let enums = enums::read(&files);
    let statuses = BTreeSet::from(["404".to_owned()]);
    let partner_statuses = BTreeSet::from(["409".to_owned()]);
    let sources = Sources {
        files: &files,
        enums: &enums,
        lists: &lists,
        statuses: &statuses,
        partner_statuses: &partner_statuses,
    };
    let told = |kind: &str, sdk: &str, values: &str| {
        let text = table(&[["cape-current", kind, "-", "-", "Things", "-", values, sdk, "done"]]);
        told(&homes(&rows(&text).unwrap(), &sources))
    };
    let funds = lists.sources_of_funds.join("; ");
    for (kind, sdk, values) in [
        ("model", "models::Thing", "-"),
        ("list", "models::Kind", "b; a"),
        ("list", "models::Kind + b", "a"),
        ("list", "models::Period", "minutes 5,1440; stream 1m"),
        ("list", "lists::SourceOfFunds", &funds),
        ("list", "lists::Occupation", "759 values, in a file (2 written twice: Baker, Zoologist)"),
        ("list", "lists::Holder::Business", &lists.document_types("business").join("; ")),
        ("list", "spec::responses", "404 (not there)"),
        ("rest", "nowhere::At", "-"),
    ] {
        assert!(told(kind, sdk, values).is_empty(), "{:?}", told(kind, sdk, values));
    }
    for (kind, sdk, values, problem) in [
        ("model", "-", "-", "'Things' has no home"),
        ("model", "things::Thing", "-", "in things::Thing, which does not exist"),
        ("list", "-", "a; b", "'Things' has no home"),
        ("list", "models::Thin", "a; b", "which does not exist"),
        ("list", "models::Kind", "a", "does not have what crates/models/src/thing.rs has: b"),
        ("list", "models::Kind", "a; b; c", "has values that crates/models/src/thing.rs does not have: c"),
        ("list", "models::Kind + first", "a; b", "does not have: first"),
        ("list", "models::Kind", "a; c", "only the documents have c; only crates/models/src/thing.rs has b"),
        ("list", "models::Period", "minutes 5,7", "does not have: 7"),
        ("list", "lists::SourceOfFunds", "Gifts", "only"),
        ("list", "lists::Occupation", "many", "does not tell its numbers"),
        ("list", "lists::Occupation", "759 values (2 written twice: Baker, Ghost)", "has Ghost"),
        (
            "list",
            "lists::Occupation",
            "758 values (2 written twice: Baker, Zoologist)",
            "has 756 different values",
        ),
        ("list", "lists::Holder::Ubo", "Passport", "document-types.tsv"),
        ("list", "spec::responses", "404; 418", "does not describe: 418"),
    ] {
        let told = told(kind, sdk, values);
        assert!(told.len() == 1 && told[0].contains(problem), "{sdk} {values}: {told:?}");
    }
}

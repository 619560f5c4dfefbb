//! Events that the exchange sends to a merchant's server.

use crate::toy::{Exact, YAML, assert_found, faults, fixture, fixtures, id, spec, trip};
use capecrypto_testkit::{Covered, Fault, Fixtures, Spec, assert_no_findings, probe};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::Value;

#[derive(Debug, Serialize, Deserialize)]
struct Moved {
    event: String,
    #[serde(deserialize_with = "number")]
    id: u64,
    price: Option<Exact>,
}

fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    id(deserializer)?.ok_or_else(|| D::Error::custom("no number"))
}

fn moved(body: &[u8]) -> Result<Value, String> {
    trip::<Moved>(body)
}

/// Keeps everything, but wants a name.
fn seen(body: &[u8]) -> Result<Value, String> {
    let event: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    if event["event"].is_string() { Ok(event) } else { Err("no name".to_owned()) }
}

#[test]
fn a_whole_body_is_read_and_written_without_loss() {
    assert_no_findings(probe::webhook(&spec(), &fixtures(), "row.moved", &moved));
    assert_no_findings(probe::webhook(&spec(), &fixtures(), "row.seen", &seen));
    assert_no_findings(probe::covered(&spec(), Covered::Webhooks, ["row.moved", "row.seen"]));
    assert_no_findings(probe::fixtures(&spec(), &fixtures()));
}

#[test]
fn a_removed_event_or_field_is_found() {
    let changed = |old: &str, new: &str| {
        assert!(YAML.contains(old), "{old}");
        Spec::parse(&YAML.replace(old, new))
    };
    let price = "        id: { type: [integer, string], x-id: number }\n        price: { type: [string, number], format: decimal }\n    Seen:";
    let less =
        changed(price, &price.replace("        price: { type: [string, number], format: decimal }\n", ""));
    let found = probe::webhook(&less.unwrap(), &fixtures(), "row.moved", &moved);
    assert_found(&found, Fault::NotInSpec, &["row.moved", "/price", "docs/api/cape/"]);

    let found = probe::covered(&spec(), Covered::Webhooks, ["row.moved"]);
    assert_found(&found, Fault::NotProbed, &["row.seen", "probe::webhook"]);
    let found = probe::covered(&spec(), Covered::Webhooks, ["row.moved", "row.seen", "row.gone"]);
    assert_found(&found, Fault::NotInSpec, &["row.gone"]);

    for (old, new, word) in [
        ("  row.moved:\n", "  row.gone:\n", "`event`"),
        ("const: row.moved", "const: row.seen", "`const`"),
        ("x-open-enum: [row.seen]", "x-open-enum: [row.moved]", "row.seen"),
        ("required: [event, id]", "required: [id]", "required `event`"),
        ("operationId: row_moved", "operationId: row_seen", "twice"),
        ("x-sdk: Told::Moved", "x-skd: Told::Moved", "x-sdk"),
    ] {
        let error = changed(old, new).unwrap_err();
        assert!(error.contains(word), "{error}");
    }
}

#[test]
fn an_open_event_must_be_kept_whole() {
    let dropping = |body: &[u8]| {
        let mut event = seen(body)?;
        if let Some(fields) = event.as_object_mut() {
            fields.retain(|name, _| name == "event");
        }
        Ok(event)
    };
    let found = probe::webhook(&spec(), &fixtures(), "row.seen", &dropping);
    assert_found(&found, Fault::Changed, &["/by", "was lost"]);
}

#[test]
fn a_fixture_of_another_event_is_named() {
    for body in [r#"{"event":"row.seen","id":7}"#, "[]", "{"] {
        let fixtures: Fixtures = [fixture("row_moved", "event", body)].into_iter().collect();
        let found = probe::webhook(&spec(), &fixtures, "row.moved", &moved);
        assert_eq!(faults(&found).first(), Some(&Fault::NoFixture), "{body}");
    }
    assert_found(&probe::webhook(&spec(), &fixtures(), "row.gone", &moved), Fault::NotInSpec, &["row.gone"]);
}

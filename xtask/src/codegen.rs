//! Generates from the spec's sections and the description of the websocket: the joined file, docs/ENDPOINTS.md, and three
//! columns of the inventory. From the lists: the tables of the SDK and of the sandbox.

use crate::{
    bundle::{self, BUNDLE, FOLDER},
    finding::Finding,
    inventory::{Coverage, INVENTORY, filled},
    lists,
    streams::{self, STREAMS, Topic},
    workspace::root,
};
use serde_norway::Value;
use std::fmt::Write as _;

const TABLE: &str = "docs/ENDPOINTS.md";

/// Writes the generated files, or (with `check`) compares them.
pub(crate) fn run(check: bool) -> Vec<Finding> {
    let spec = match bundle::read() {
        Ok(spec) => spec,
        Err(findings) => return findings,
    };
    let lists = match lists::read() {
        Ok(lists) => lists,
        Err(finding) => return vec![finding],
    };
    let mut findings =
        serde_norway::from_str(&spec).map_or_else(|_| Vec::new(), |spec| lists.compared(&spec));
    let generated = match generated(spec) {
        Ok(generated) => generated.into_iter().chain(lists.tables()),
        Err(finding) => return vec![finding],
    };
    for (file, wanted) in generated {
        let found = std::fs::read_to_string(root().join(file)).unwrap_or_default();
        if check {
            findings.extend(compare(file, &wanted, &found));
        } else if wanted != found
            && let Err(error) = std::fs::write(root().join(file), wanted)
        {
            findings.push(Finding::new(file, error.to_string(), "make the file writable"));
        }
    }
    findings
}

/// What is generated from the joined file and the current inventory: each file with its text.
fn generated(spec: String) -> Result<[(&'static str, String); 3], Finding> {
    let wrong = |error: String| Finding::new(BUNDLE, error, format!("correct its section in {FOLDER}/"));
    let inventory = std::fs::read_to_string(root().join(INVENTORY))
        .map_err(|error| Finding::new(INVENTORY, error.to_string(), "bring the file back"))?;
    let keys: Vec<_> =
        calls(&spec).map_err(wrong)?.into_iter().map(|call| (call.method, call.path, call.sdk)).collect();
    let topics = streams::read().map_err(|error| Finding::new(STREAMS, error, "correct the channel"))?;
    let named: Vec<_> = topics.iter().map(|topic| (topic.address.clone(), topic.sdk.clone())).collect();
    let events: Vec<_> =
        events(&spec).map_err(wrong)?.into_iter().map(|event| (event.name, event.sdk)).collect();
    let (filled, coverage) = filled(&inventory, &keys, &named, &events)
        .map_err(|error| Finding::new(INVENTORY, error, format!("fix {INVENTORY}")))?;
    let table = table(&spec, &topics, &coverage).map_err(wrong)?;
    Ok([(BUNDLE, spec), (TABLE, table), (INVENTORY, filled)])
}

/// A finding if a generated file differs from what the generator writes.
fn compare(place: &str, wanted: &str, found: &str) -> Option<Finding> {
    if wanted == found {
        return None;
    }
    let line = wanted.lines().zip(found.lines()).take_while(|(left, right)| left == right).count() + 1;
    let sources = match lists::TABLES.contains(&place) {
        true => format!("{}/", lists::FOLDER),
        false => format!("{FOLDER}/ or {STREAMS}"),
    };
    let problem = format!("differs from {sources} (from line {line} on)");
    Some(Finding::new(place, problem, "cargo xtask codegen"))
}

/// The text of ENDPOINTS.md, in the order of the spec's tags and paths, then of the topics.
fn table(spec: &str, topics: &[Topic], coverage: &Coverage) -> Result<String, String> {
    let (calls, events) = (calls(spec)?, events(spec)?);
    let spec: Value = serde_norway::from_str(spec).map_err(|error| error.to_string())?;
    let mut out = format!(
        "<!-- @generated from {FOLDER}/ and {STREAMS} by `cargo xtask codegen`. Edit these, not this file. -->\n# Endpoints\n\n\
         {} calls. Paths stand behind the version prefix of their service (`x-services` in the spec). A retried call\n\
         is sent again after a failure that leaves its outcome open; all others are sent once.\n",
        calls.len()
    );
    let Coverage { named, here, .. } = coverage;
    let _ = writeln!(
        out,
        "\nOf the {named} calls that the exchange's documents name, {here} are here ([inventory](api/inventory.tsv)). The others can be sent by `raw`.\n\
         The column Documents has the line in the current documents and in the older ones. The sandbox has every call of the table."
    );
    for tag in spec.get("tags").and_then(Value::as_sequence).into_iter().flatten() {
        let tag = tag.get("name").and_then(Value::as_str).unwrap_or_default();
        if events.iter().any(|event| event.tag == tag) {
            continue;
        }
        let _ = write!(
            out,
            "\n## {tag}\n\n| Section of the documents | Documents | Call | Service | Method and path | Type | Version | Signed | Retried | Since |\n\
             | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n"
        );
        for call in calls.iter().filter(|call| call.tag == tag) {
            let yes = |flag| if flag { "yes" } else { "no" };
            let Call { section, id, service, method, path, sdk, signed, retried, since, .. } = call;
            let places = coverage.places(method, path);
            // `x-only` is what the code obeys, and the inventory is what the documents say.
            if call.only.as_ref().is_some_and(|only| only.replace("legacy", "older") != places.version()) {
                let says = places.version();
                return Err(format!("{id}: x-only is {:?}, and the inventory says '{says}'", call.only));
            }
            let _ = writeln!(
                out,
                "| {section} | {} | {id} | {service} | `{method} {path}` | `{sdk}` | {} | {} | {} | {since} |",
                places.text(),
                places.version(),
                yes(*signed),
                yes(*retried)
            );
        }
    }
    if let Some(call) = calls.iter().find(|call| !out.contains(&format!("\n## {}\n", call.tag))) {
        return Err(format!("{}: the tag '{}' is not in the list of tags", call.id, call.tag));
    }
    out.push_str(
        "\n## Websocket\n\n| Section of the documents | Topic | Payload | Event | Signed | Since |\n\
         | --- | --- | --- | --- | --- | --- |\n",
    );
    for Topic { address, section, sdk, since, payloads, signed } in topics {
        let signed = if *signed { "yes" } else { "no" };
        let payloads = payloads.join(", ");
        let _ = writeln!(out, "| {section} | `{address}` | {payloads} | `{sdk}` | {signed} | {since} |");
    }
    out.push_str(
        "\n## Webhook events\n\n| Section of the documents | Event | Payload | Type | Since |\n\
         | --- | --- | --- | --- | --- |\n",
    );
    for Event { name, section, payload, sdk, since, .. } in &events {
        let _ = writeln!(out, "| {section} | `{name}` | {payload} | `{sdk}` | {since} |");
    }
    Ok(out)
}

/// An event that the exchange sends to a merchant's server.
struct Event {
    tag: String,
    name: String,
    section: String,
    payload: String,
    sdk: String,
    since: String,
}

/// The events of the specification, in its order.
fn events(spec: &str) -> Result<Vec<Event>, String> {
    let spec: Value = serde_norway::from_str(spec).map_err(|error| error.to_string())?;
    let event = |(name, item): (&str, &Value)| {
        let node = item.get("post").ok_or_else(|| format!("the webhook {name} has no post"))?;
        let given = |key: &str, found: Option<&Value>| {
            let found = found.and_then(Value::as_str).map(str::to_owned);
            found.ok_or_else(|| format!("the webhook {name}: {key} is missing"))
        };
        let text = |key: &str| given(key, node.get(key));
        let body = node.get("requestBody").and_then(|body| body.get("content")?.get("application/json"));
        let schema = body.and_then(|body| body.get("schema")?.get("$ref"));
        let payload = given("a $ref in its body", schema)?;
        Ok(Event {
            tag: given("tags", node.get("tags").and_then(|tags| tags.get(0)))?,
            name: name.to_owned(),
            section: text("x-section")?,
            payload: payload.rsplit('/').next().unwrap_or_default().to_owned(),
            sdk: text("x-sdk")?,
            since: text("x-since")?,
        })
    };
    members(&spec, "webhooks").map(event).collect()
}

/// The calls that the client offers, in the specification's order.
fn calls(spec: &str) -> Result<Vec<Call>, String> {
    let spec: Value = serde_norway::from_str(spec).map_err(|error| error.to_string())?;
    let mut calls = Vec::new();
    for (path, item) in members(&spec, "paths") {
        for (method, node) in item.as_mapping().into_iter().flatten() {
            if let Some(method @ ("get" | "post" | "put" | "patch" | "delete")) = method.as_str() {
                calls.push(Call::read(path, method, node)?);
            }
        }
    }
    // Some calls are in the spec only for the local exchange.
    calls.retain(|call| call.sdk != "-");
    Ok(calls)
}

struct Call {
    tag: String,
    section: String,
    id: String,
    service: String,
    method: String,
    path: String,
    sdk: String,
    since: String,
    /// The only version that has the call (`x-only`).
    only: Option<String>,
    signed: bool,
    retried: bool,
}

impl Call {
    fn read(path: &str, method: &str, node: &Value) -> Result<Self, String> {
        let place = format!("{} {path}", method.to_uppercase());
        let text = |key: &str| {
            let found = node.get(key).and_then(Value::as_str).map(str::to_owned);
            found.ok_or_else(|| format!("{place}: {key} is missing"))
        };
        let tag = node.get("tags").and_then(|tags| tags.get(0)).and_then(Value::as_str);
        let open = node.get("security").and_then(Value::as_sequence).is_some_and(Vec::is_empty);
        let idempotent = node.get("x-idempotent").and_then(Value::as_bool).unwrap_or(false);
        Ok(Self {
            tag: tag.map(str::to_owned).ok_or_else(|| format!("{place}: tags is missing"))?,
            section: text("x-section")?,
            id: text("operationId")?,
            service: text("x-service")?,
            method: method.to_uppercase(),
            path: path.to_owned(),
            sdk: text("x-sdk")?,
            since: text("x-since")?,
            only: text("x-only").ok(),
            signed: !open,
            retried: method == "get" || idempotent,
        })
    }
}

fn members<'a>(spec: &'a Value, key: &str) -> impl Iterator<Item = (&'a str, &'a Value)> {
    let members = spec.get(key).and_then(Value::as_mapping).into_iter().flatten();
    members.filter_map(|(key, value)| Some((key.as_str()?, value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = r##"
tags: [{ name: Rows }, { name: Events }]
webhooks:
  row.moved:
    post:
      tags: [Events]
      x-sdk: Event::Moved
      x-section: Moved row
      x-since: "0.2.0"
      requestBody: { content: { application/json: { schema: { $ref: "#/components/schemas/Moved" } } } }
paths:
  /rows:
    post:
      tags: [Rows]
      operationId: create_row
      x-service: trade
      x-sdk: rows::CreateRow
      x-section: New row
      x-since: "0.1.0"
    get:
      tags: [Rows]
      operationId: list_rows
      x-service: trade
      x-sdk: rows::ListRows
      x-section: Rows
      x-since: "0.2.0"
      security: []
"##;

    fn topics() -> Vec<Topic> {
        streams::topics(
            "channels: { rows: { address: x.rows, x-section: Rows, x-sdk: Event::Rows, x-since: 0.1.0 } }",
        )
        .unwrap()
    }

    #[test]
    fn each_call_is_a_row_in_the_specs_order() {
        let table = table(SMALL, &topics(), &Coverage::default()).unwrap();
        let rows: Vec<&str> = table.lines().filter(|line| line.contains("_row")).collect();
        assert_eq!(
            rows,
            [
                "| New row | - | create_row | trade | `POST /rows` | `rows::CreateRow` | - | yes | no | 0.1.0 |",
                "| Rows | - | list_rows | trade | `GET /rows` | `rows::ListRows` | - | no | yes | 0.2.0 |",
            ]
        );
        assert!(
            table.contains("| Rows | `x.rows` |  | `Event::Rows` | no | 0.1.0 |")
                && table.contains("2 calls")
        );
        assert!(table.contains("| Moved row | `row.moved` | Moved | `Event::Moved` | 0.2.0 |"));
        assert!(!table.contains("\n## Events\n"), "{table}");
        let less = self::table(&SMALL.replace("rows::ListRows", "\"-\""), &[], &Coverage::default()).unwrap();
        assert!(!less.contains("list_rows") && less.contains("1 calls"));
    }

    #[test]
    fn a_version_that_the_inventory_does_not_confirm_is_an_error() {
        let only = SMALL.replace("      security: []", "      security: []\n      x-only: legacy");
        let error = table(&only, &[], &Coverage::default()).unwrap_err();
        assert!(error.contains("list_rows: x-only") && error.contains("'-'"), "{error}");
    }

    #[test]
    fn a_stale_table_names_the_command() {
        let wanted = table(SMALL, &topics(), &Coverage::default()).unwrap();
        assert_eq!(compare(TABLE, &wanted, &wanted), None);
        let stale = wanted.replace("0.2.0", "0.1.0");
        let finding = compare(TABLE, &wanted, &stale).unwrap();
        assert_eq!(finding.fix, "cargo xtask codegen");
        assert!(finding.problem.contains("line 15"), "{}", finding.problem);
        assert!(compare(TABLE, &wanted, "").is_some());
    }

    #[test]
    fn an_incomplete_event_is_named() {
        for (old, new, word) in [
            ("    post:\n      tags: [Events]", "    put:\n      tags: [Events]", "post"),
            ("x-sdk: Event::Moved", "x-skd: Event::Moved", "x-sdk"),
            ("schema: { $ref: \"#/components/schemas/Moved\" }", "schema: {}", "$ref"),
        ] {
            let error = table(&SMALL.replace(old, new), &[], &Coverage::default()).unwrap_err();
            assert!(error.contains(word) && error.contains("row.moved"), "{error}");
        }
    }

    #[test]
    fn an_incomplete_entry_is_named() {
        for (without, word) in [
            ("      x-since: \"0.2.0\"\n", "x-since"),
            ("      x-sdk: rows::ListRows\n", "x-sdk"),
            ("      operationId: list_rows\n", "operationId"),
        ] {
            let error = table(&SMALL.replace(without, ""), &[], &Coverage::default()).unwrap_err();
            assert!(error.contains(word) && error.contains("GET /rows"), "{error}");
        }
        let error = table(&SMALL.replace("{ name: Rows }, ", ""), &[], &Coverage::default()).unwrap_err();
        assert!(error.contains("'Rows'"), "{error}");
    }
}

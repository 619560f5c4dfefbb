//! The tables of the calls: docs/ENDPOINTS.md.

use crate::{
    bundle::{FOLDER, PARTNER_FOLDER},
    calls::Call,
    events::Event,
    inventory::Coverage,
    streams::{STREAMS, Topic},
};
use serde_norway::Value;
use std::fmt::Write as _;

/// The generated file.
pub(crate) const TABLE: &str = "docs/ENDPOINTS.md";

/// The text of ENDPOINTS.md, in the order of the spec's tags and paths, then of the topics.
pub(crate) fn table(
    spec: &Value,
    calls: &[Call],
    topics: &[Topic],
    events: &[Event],
    coverage: &Coverage,
) -> Result<String, String> {
    // Some calls are in the spec only for the local exchange.
    let calls: Vec<&Call> = calls.iter().filter(|call| call.is_offered()).collect();
    let mut out = format!(
        "<!-- @generated from {FOLDER}/ and {STREAMS} by `cargo xtask codegen`. Edit these, not this file. -->\n# Endpoints\n\n\
         {} calls. Paths stand behind the version prefix of their service (`x-services` in the spec). A retried call\n\
         is sent again after a failure that leaves its outcome open; all others are sent once.\n",
        calls.len()
    );
    let Coverage { named, here, .. } = coverage;
    let covered = match named == here {
        true => format!(
            "All {named} calls that the exchange's documents name are here ([inventory](api/inventory.tsv))."
        ),
        false => format!(
            "Of the {named} calls that the exchange's documents name, {here} are here ([inventory](api/inventory.tsv)). The \
             others can be sent by `raw`."
        ),
    };
    let _ = writeln!(
        out,
        "\n{covered}\n\
         The column Documents has the line in the current documents and in the older ones; a call with `-` is not in them, but the servers of this\n\
         family have it. The sandbox has every call of the table."
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
    for Event { name, section, payload, sdk, since, .. } in events {
        let _ = writeln!(out, "| {section} | `{name}` | {payload} | `{sdk}` | {since} |");
    }
    Ok(out)
}

/// The tables of Cabital's partner API.
pub(crate) fn partner_table(spec: &Value, calls: &[Call], events: &[Event]) -> Result<String, String> {
    let mut out = format!(
        "\n# Endpoints of Cabital's partner API\n\n{} calls, from {PARTNER_FOLDER}/. Two of them are addresses for a customer's browser, which the client makes\n\
         and does not open. A call with `same nonce` is sent once more after a failure that leaves its outcome open, with the same nonce and bytes.\n",
        calls.len()
    );
    for tag in spec.get("tags").and_then(Value::as_sequence).into_iter().flatten() {
        let tag = tag.get("name").and_then(Value::as_str).unwrap_or_default();
        if events.iter().any(|event| event.tag == tag) {
            continue;
        }
        let _ = write!(
            out,
            "\n## {tag} (Cabital)\n\n| Section of the documents | Call | Service | Method and path | Type | Signed | Retried | Since |\n\
             | --- | --- | --- | --- | --- | --- | --- | --- |\n"
        );
        for call in calls.iter().filter(|call| call.tag == tag) {
            let Call { section, id, service, method, path, sdk, signed, retried, same_key, since, .. } = call;
            let signed = if *signed { "yes" } else { "no" };
            let retried = match (retried, same_key) {
                (true, _) => "yes",
                (false, true) => "same nonce",
                (false, false) => "no",
            };
            let _ = writeln!(
                out,
                "| {section} | {id} | {service} | `{method} {path}` | `{sdk}` | {signed} | {retried} | {since} |"
            );
        }
    }
    if let Some(call) = calls.iter().find(|call| !out.contains(&format!("\n## {} (Cabital)\n", call.tag))) {
        return Err(format!("{}: the tag '{}' is not in the list of tags", call.id, call.tag));
    }
    out.push_str(
        "\n## Callbacks (Cabital)\n\n| Section of the documents | Callback | Payload | Type | Since |\n| --- | --- | --- | --- | --- |\n",
    );
    for Event { name, section, payload, sdk, since, .. } in events {
        let _ = writeln!(out, "| {section} | `{name}` | {payload} | `{sdk}` | {since} |");
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{calls::calls, events::events, streams};

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

    fn written(spec: &str, topics: &[Topic]) -> Result<String, String> {
        let spec = serde_norway::from_str(spec).unwrap();
        table(&spec, &calls(&spec)?, topics, &events(&spec)?, &Coverage::default())
    }

    fn topics() -> Vec<Topic> {
        streams::topics(
            "channels: { rows: { address: x.rows, x-section: Rows, x-sdk: Event::Rows, x-since: 0.1.0 } }",
        )
        .unwrap()
    }

    #[test]
    fn each_call_is_a_row_in_the_specs_order() {
        let table = written(SMALL, &topics()).unwrap();
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
        let less = written(&SMALL.replace("rows::ListRows", "\"-\""), &[]).unwrap();
        assert!(!less.contains("list_rows") && less.contains("1 calls"));
    }

    #[test]
    fn a_version_that_the_inventory_does_not_confirm_is_an_error() {
        let only = SMALL.replace("      security: []", "      security: []\n      x-only: legacy");
        let error = written(&only, &[]).unwrap_err();
        assert!(error.contains("list_rows: x-only") && error.contains("'-'"), "{error}");
    }

    #[test]
    fn an_incomplete_entry_is_named() {
        for (without, word) in [
            ("      x-since: \"0.2.0\"\n", "x-since"),
            ("      x-sdk: rows::ListRows\n", "x-sdk"),
            ("      operationId: list_rows\n", "operationId"),
        ] {
            let error = written(&SMALL.replace(without, ""), &[]).unwrap_err();
            assert!(error.contains(word) && error.contains("GET /rows"), "{error}");
        }
        let error = written(&SMALL.replace("{ name: Rows }, ", ""), &[]).unwrap_err();
        assert!(error.contains("'Rows'"), "{error}");
    }
}

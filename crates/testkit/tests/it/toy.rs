//! A small spec with one field of each kind, and a correct client for it.

use capecrypto_testkit::{Fault, Finding, Fixture, Fixtures, Spec};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::{Value, value::RawValue};
use std::collections::BTreeMap;

pub(crate) const YAML: &str = r##"
x-services: { trade: {} }
paths:
  /rows/{id}:
    get:
      operationId: get_row
      summary: One row.
      x-service: trade
      x-sdk: rows::GetRow
      x-section: Row
      x-since: "0.1.0"
      parameters:
        - { name: id, in: path, required: true, schema: { type: integer, x-id: number } }
        - { name: since, in: query, schema: { type: integer, x-time: milliseconds } }
      responses:
        "200": { description: It, content: { application/json: { schema: { $ref: "#/components/schemas/Row" } } } }
  /rows:
    post:
      operationId: create_row
      summary: A new row.
      x-service: trade
      x-sdk: rows::CreateRow
      x-section: New row
      x-since: "0.1.0"
      requestBody:
        content:
          application/json:
            schema:
              type: object
              required: [price, state]
              properties:
                price: { type: string, format: decimal }
                state: { type: string, x-open-enum: [new, old] }
                note: { type: string }
      responses:
        "201": { description: Nothing. }
webhooks:
  row.moved:
    post:
      operationId: row_moved
      x-sdk: Told::Moved
      x-section: Moved row
      x-since: "0.1.0"
      requestBody: { content: { application/json: { schema: { $ref: "#/components/schemas/Moved" } } } }
  row.seen:
    post:
      operationId: row_seen
      x-sdk: Told::Seen
      x-section: Seen row
      x-since: "0.1.0"
      requestBody: { content: { application/json: { schema: { $ref: "#/components/schemas/Seen" } } } }
components:
  schemas:
    Moved:
      type: object
      required: [event, id]
      properties:
        event: { type: string, const: row.moved }
        id: { type: [integer, string], x-id: number }
        price: { type: [string, number], format: decimal }
    Seen:
      type: object
      required: [event]
      properties:
        event: { type: string, x-open-enum: [row.seen] }
      additionalProperties: true
    Row:
      type: object
      required: [price, state, at]
      properties:
        id: { type: [integer, string], x-id: number }
        price: { type: [string, number], format: decimal }
        fee: { type: [string, number], format: decimal }
        state: { type: string, x-open-enum: [new, old] }
        at: { type: string, x-time: iso }
        open: { type: [boolean, string] }
        levels: { type: array, items: { $ref: "#/components/schemas/Pair" } }
        by_name: { type: object, additionalProperties: { $ref: "#/components/schemas/Pair" } }
    Pair:
      type: array
      items: {}
      prefixItems:
        - { type: [string, number], format: decimal }
        - { type: [string, number], format: decimal }
    Change:
      x-channel: "{market}.change"
      type: object
      required: [sequence]
      properties:
        sequence: { type: integer }
        name: { type: string, x-alias: title }
        rows: { type: array, items: { $ref: "#/components/schemas/Pair" }, x-one-or-many: true }
    Either:
      x-channel: either
      type: object
      x-or-list: true
      additionalProperties: { $ref: "#/components/schemas/Pair" }
    Sum:
      x-channel: sum
      x-adds-up: { total: all, parts: [free, held] }
      x-ignored: [again]
      type: object
      required: [all, free, held]
      properties:
        all: { type: [string, number], format: decimal }
        free: { type: [string, number], format: decimal }
        held: { type: [string, number], format: decimal }
"##;

pub(crate) const ROW: &str = r#"{"id":7,"price":"1.50","fee":1e-8,"state":"new","at":"2023-12-08T08:46:59+01:00",
 "open":"true","levels":[["1.0","2.0"],["3.0",4]],"by_name":{"x":["1","2"]}}"#;

pub(crate) fn spec() -> Spec {
    Spec::parse(YAML).unwrap()
}

pub(crate) fn fixture(operation: &str, name: &str, text: &str) -> Fixture {
    Fixture { operation: operation.to_owned(), name: name.to_owned(), text: text.to_owned() }
}

pub(crate) fn fixtures() -> Fixtures {
    [
        fixture("get_row", "response", ROW),
        fixture("create_row", "request", r#"{"price":"1.50","state":"new"}"#),
        fixture("change", "event", r#"{"btczar.change":{"sequence":1,"title":"a","rows":["1","2"]}}"#),
        fixture("either", "map", r#"{"either":{"x":["1","2"]}}"#),
        fixture("either", "list", r#"{"either":[["1","2"]]}"#),
        fixture("row_moved", "event", r#"{"event":"row.moved","id":7,"price":"1.5"}"#),
        fixture("row_seen", "composed", r#"{"event":"row.seen","by":{"name":"x"}}"#),
        fixture("sum", "event", r#"{"sum":{"all":"3.0","free":"1.0","held":"2","again":true}}"#),
    ]
    .into_iter()
    .collect()
}

/// A decimal of at most 28 digits, by its text.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Exact(String);

impl<'de> Deserialize<'de> for Exact {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let text = raw.get().trim_matches('"');
        let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
        let digits = mantissa.bytes().filter(u8::is_ascii_digit).count();
        let good = mantissa.bytes().all(|b| b.is_ascii_digit() || b == b'.') && digits > 0 && digits <= 28;
        match exponent.trim_start_matches('+').parse::<i64>() {
            Ok(-28..=28) if good => Ok(Self(text.to_owned())),
            _ => Err(D::Error::custom(format!("{text} is not a decimal"))),
        }
    }
}

/// A time or id: text or number, with a shape that it must have.
pub(crate) fn shaped<'de, D: Deserializer<'de>>(
    deserializer: D,
    good: fn(&str) -> bool,
) -> Result<Value, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    if good(&text) && !value.is_null() {
        Ok(value)
    } else {
        Err(D::Error::custom(format!("{text} is malformed")))
    }
}

pub(crate) fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
    shaped(deserializer, |text| text.starts_with(|c: char| c.is_ascii_digit()))
}

pub(crate) fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    match Option::<Value>::deserialize(deserializer)? {
        None => Ok(None),
        Some(Value::String(text)) => text.parse().map(Some).map_err(D::Error::custom),
        Some(Value::Number(number)) => Ok(number.as_u64()),
        Some(other) => Err(D::Error::custom(format!("{other} is not an id"))),
    }
}

pub(crate) fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    match Option::<Value>::deserialize(deserializer)? {
        None => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(flag)),
        Some(Value::String(text)) => text.parse().map(Some).map_err(D::Error::custom),
        Some(other) => Err(D::Error::custom(format!("{other} is not a flag"))),
    }
}

/// A correct type of the client.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    #[serde(default, deserialize_with = "id")]
    pub(crate) id: Option<u64>,
    pub(crate) price: Exact,
    pub(crate) fee: Option<Exact>,
    pub(crate) state: String,
    #[serde(deserialize_with = "time")]
    pub(crate) at: Value,
    #[serde(default, deserialize_with = "flag")]
    pub(crate) open: Option<bool>,
    pub(crate) levels: Option<Vec<(Exact, Exact)>>,
    pub(crate) by_name: Option<BTreeMap<String, (Exact, Exact)>>,
}

/// Reads a body with a type and writes it again.
pub(crate) fn trip<T: for<'de> Deserialize<'de> + Serialize>(body: &[u8]) -> Result<Value, String> {
    let read: T = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    serde_json::to_value(read).map_err(|error| error.to_string())
}

/// The faults of the findings, each once.
pub(crate) fn faults(findings: &[Finding]) -> Vec<Fault> {
    let mut faults: Vec<Fault> = findings.iter().map(|finding| finding.fault).collect();
    faults.dedup();
    faults
}

/// Asserts that a finding has this fault, and that the findings' texts together have each of these words.
#[track_caller]
pub(crate) fn assert_found(findings: &[Finding], fault: Fault, words: &[&str]) {
    let text: Vec<String> = findings.iter().map(ToString::to_string).collect();
    let text = text.join("\n");
    assert!(findings.iter().any(|finding| finding.fault == fault), "no {fault:?} in\n{text}");
    for word in words {
        assert!(text.contains(word), "'{word}' is not in\n{text}");
    }
}

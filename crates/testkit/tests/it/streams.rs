//! The description of a websocket: each check of it finds its fault.

use crate::toy::{assert_found, faults, spec};
use capecrypto_testkit::{
    Fault, Finding, Streams, assert_no_findings,
    probe::{self, Heard, Named, Topics},
};
use serde_json::Value;

const YAML: &str = r##"
servers:
  current: { host: example.org, pathname: /new }
  legacy: { host: example.org, pathname: /old, x-only: legacy }
channels:
  public:
    address: /public
    bindings: { ws: { query: { $ref: "#/components/schemas/Query" } } }
    messages: { ask: { $ref: "#/components/messages/ask" }, error: { $ref: "#/components/messages/error" }, pong: { $ref: "#/components/messages/pong" } }
  private:
    address: /private
    bindings: { ws: { query: { $ref: "#/components/schemas/Query" }, headers: { required: [X-Key] } } }
    messages: { ask: { $ref: "#/components/messages/ask" }, error: { $ref: "#/components/messages/error" } }
  changes:
    address: "{market}.change"
    x-sdk: Event::Change
    x-section: Changes
    x-since: "0.1.0"
    parameters: { market: { enum: [btczar, ethzar] } }
    messages: { change: { $ref: "#/components/messages/change" } }
  eithers:
    address: either
    x-sdk: Event::Either
    x-section: "-"
    x-since: "0.1.0"
    messages: { either: { $ref: "#/components/messages/either" } }
  sums:
    address: sum
    x-sdk: Event::Sum
    x-section: Sums
    x-since: "0.1.0"
    messages: { sum: { $ref: "#/components/messages/sum" } }
operations:
  ask:
    action: receive
    channel: { $ref: "#/channels/public" }
    security: []
    messages: [{ $ref: "#/channels/public/messages/ask" }]
    reply: { messages: [{ $ref: "#/channels/public/messages/error" }, { $ref: "#/channels/public/messages/pong" }] }
  ask_signed:
    action: receive
    channel: { $ref: "#/channels/private" }
    security: [{ $ref: "#/components/securitySchemes/signed" }]
    messages: [{ $ref: "#/channels/private/messages/ask" }]
    reply: { messages: [{ $ref: "#/channels/private/messages/error" }] }
  send_change: { action: send, channel: { $ref: "#/channels/changes" }, security: [] }
  send_either: { action: send, channel: { $ref: "#/channels/eithers" }, security: [] }
  send_sum: { action: send, channel: { $ref: "#/channels/sums" }, security: [{ $ref: "#/components/securitySchemes/signed" }] }
components:
  schemas: { Query: { properties: { stream: {} } } }
  messages:
    ask:
      x-max-bytes: 512
      payload: { properties: { event: { const: subscribe }, streams: {} } }
      examples: [{ name: one, payload: { event: subscribe, streams: [sum, btczar.change] } }]
    error:
      payload: { additionalProperties: false, properties: { error: { type: string } } }
      examples: [{ name: one, payload: { error: It is bad. } }]
    pong: { payload: { const: pong }, examples: [{ name: one, payload: pong }] }
    change:
      payload:
        schemaFormat: application/vnd.oai.openapi;version=3.1.0
        schema: { additionalProperties: false, patternProperties: { '^[^.]+\.change$': { $ref: "./cape.openapi.yaml#/components/schemas/Change" } } }
      examples: [{ name: one, payload: { btczar.change: { sequence: 1, rows: ["1", "2"] } } }]
    either:
      payload:
        schemaFormat: application/vnd.oai.openapi;version=3.1.0
        schema: { additionalProperties: false, properties: { either: { $ref: "./cape.openapi.yaml#/components/schemas/Either" } } }
      examples: [{ name: one, payload: { either: { x: ["1", "2"] } } }]
    sum:
      payload:
        schemaFormat: application/vnd.oai.openapi;version=3.1.0
        schema: { additionalProperties: false, properties: { sum: { $ref: "./cape.openapi.yaml#/components/schemas/Sum" } } }
      examples: [{ name: one, payload: { sum: { all: "3", free: "1", held: "2" } } }]
"##;

/// The description after changes to its text.
fn changed(changes: &[(&str, &str)]) -> Result<Streams, String> {
    let mut text = YAML.to_owned();
    for (old, new) in changes {
        assert!(text.contains(old), "{old}");
        text = text.replace(old, new);
    }
    Streams::parse(&text)
}

fn streams() -> Streams {
    changed(&[]).unwrap()
}

const NAMES: [&str; 4] = ["either", "sum", "btczar.change", "ethzar.change"];

fn parse(name: &str) -> Option<String> {
    NAMES.contains(&name).then(|| name.to_owned())
}

fn made(name: &str) -> Named {
    (name.to_owned(), name == "sum")
}

fn read(frame: &[u8]) -> Result<Heard, String> {
    if frame == b"pong" {
        return Ok(None);
    }
    let frame: Value = serde_json::from_slice(frame).map_err(|error| error.to_string())?;
    let (topic, body) = frame.as_object().and_then(|frame| frame.iter().next()).ok_or("no object")?;
    match topic.as_str() {
        "error" => Ok(None),
        "sum" if body.get("all").is_none() => Err("no sum".to_owned()),
        "sum" => Ok(Some((topic.clone(), "Event::Sum".to_owned()))),
        "either" => Ok(Some((topic.clone(), "Event::Either".to_owned()))),
        _ => Ok(Some((topic.clone(), "Event::Change".to_owned()))),
    }
}

fn client() -> Topics<'static> {
    Topics { place: "the toy", made: NAMES.into_iter().map(made).collect(), parse: &parse, read: &read }
}

/// The findings about the topics after changes to the description.
fn found(changes: &[(&str, &str)]) -> Vec<Finding> {
    probe::streams(&spec(), &changed(changes).unwrap(), &client())
}

#[test]
fn a_true_description_has_no_findings() {
    assert_no_findings(found(&[]));
    let streams = streams();
    assert_eq!(streams.topic("ethzar.change").unwrap().names(), ["btczar.change", "ethzar.change"]);
    assert!(streams.topic("xrpzar.change").is_none(), "the enum has all markets");
    assert_eq!(streams.connections[0].requests[0].max_bytes, Some(512));
}

#[test]
fn a_topic_that_one_side_lacks_is_named() {
    let mut less = client();
    less.made.retain(|(name, _)| name != "either");
    less.parse = &|name| parse(name).filter(|_| name != "either");
    let findings = probe::streams(&spec(), &streams(), &less);
    assert_eq!(faults(&findings), [Fault::NotInCode]);
    assert_found(
        &findings,
        Fault::NotInCode,
        &["either", "the client has not", "remove the channel eithers"],
    );

    let mut more = client();
    more.made.push(("new".to_owned(), false));
    let findings = probe::streams(&spec(), &streams(), &more);
    assert_eq!(faults(&findings), [Fault::NotInSpec]);
    assert_found(&findings, Fault::NotInSpec, &["new", "the file has not", "docs/api/cape.asyncapi.yaml"]);
}

#[test]
fn a_value_of_a_parameter_that_one_side_lacks_is_named() {
    let findings = found(&[("enum: [btczar, ethzar]", "enum: [btczar]")]);
    assert_found(&findings, Fault::NotInSpec, &["ethzar.change", "value of its parameter"]);
    let findings = found(&[("enum: [btczar, ethzar]", "enum: [btczar, ethzar, xrpzar]")]);
    assert_found(&findings, Fault::NotInCode, &["xrpzar.change", "does not know this name"]);
}

#[test]
fn a_name_that_is_read_otherwise_is_named() {
    let mut other = client();
    other.parse = &|name| parse(if name == "ethzar.change" { "btczar.change" } else { name });
    let findings = probe::streams(&spec(), &streams(), &other);
    assert_eq!(faults(&findings), [Fault::WrongTarget]);
    assert_found(&findings, Fault::WrongTarget, &["reads it as btczar.change", "ethzar.change"]);
}

#[test]
fn a_topic_of_the_account_that_is_public_and_the_reverse_are_named() {
    let public = "channel: { $ref: \"#/channels/either";
    let private = "channel: { $ref: \"#/channels/sums\" }, security: [{ $ref: \"#/components/securitySchemes/signed\" }]";
    let findings = found(&[(private, "channel: { $ref: \"#/channels/sums\" }, security: []")]);
    assert_found(&findings, Fault::WrongDescription, &["sum", "the account's, the file says it is public"]);
    assert_eq!(findings.len(), 1);
    let signed = format!("{public}s\" }}, security: [{{}}]");
    let findings = found(&[(&format!("{public}s\" }}, security: []"), &signed)]);
    assert_found(&findings, Fault::WrongDescription, &["either", "security of the operation", "eithers"]);
}

#[test]
fn a_payload_that_is_missing_or_of_another_topic_is_named() {
    let findings = found(&[("schemas/Sum", "schemas/Gone")]);
    assert_found(&findings, Fault::NotInSpec, &["its payload Gone", "add the component Gone"]);
    assert_found(&findings, Fault::NotInSpec, &["Sum", "no message of the file has it"]);
    let findings = found(&[("schemas/Sum", "schemas/Either")]);
    assert_found(&findings, Fault::WrongTarget, &["its key is 'sum', but Either belongs to either"]);
    let findings = found(&[("\\.change$", "\\.changes$")]);
    assert_found(&findings, Fault::WrongTarget, &["'^[^.]+\\.change$'", "x-channel"]);
    let findings =
        found(&[("sum: { $ref: \"./cape.openapi.yaml#/components/schemas/Sum\" }", "sum: { type: string }")]);
    assert_found(&findings, Fault::SpecUnsound, &["sums: sum", "needs a schema"]);
}

#[test]
fn an_example_that_is_missing_or_wrong_is_named() {
    let findings =
        found(&[("examples: [{ name: one, payload: { either: { x: [\"1\", \"2\"] } } }]", "examples: []")]);
    assert_eq!(faults(&findings), [Fault::NoFixture]);
    let sum = "{ sum: { all: \"3\", free: \"1\", held: \"2\" } }";
    let findings = found(&[(sum, "{ sums: {} }")]);
    assert_found(&findings, Fault::WrongForm, &["sum: example one", "the form of its message"]);
    let findings = found(&[(sum, "{ sum: { free: \"1\", held: \"2\" } }")]);
    assert_found(&findings, Fault::TooStrict, &["the client does not read it: no sum"]);
    assert_found(&findings, Fault::WrongAnswer, &["at .all: it is required and missing"]);
    let findings = found(&[(sum, "{ sum: { all: \"3\", free: \"1\", held: \"2\", new: 1 } }")]);
    assert_found(&findings, Fault::WrongAnswer, &["at .new: the spec does not know it"]);
    let findings = found(&[("rows: [\"1\", \"2\"]", "rows: [\"1\"]")]);
    assert_found(&findings, Fault::WrongAnswer, &["change: example one", ".rows"]);
    let findings = found(&[("{ btczar.change: {", "{ nozar.change: {")]);
    assert_found(&findings, Fault::WrongTarget, &["a frame of nozar.change"]);
    let findings = found(&[("streams: [sum, btczar.change]", "streams: [sum, gone]")]);
    assert_eq!(findings.len(), 1, "once, although both connections have it");
    assert_found(&findings, Fault::NotInSpec, &["ask: example one", "\"gone\""]);
    let findings = found(&[("event: subscribe,", "event: hello,")]);
    assert_found(&findings, Fault::WrongForm, &["ask: example one"]);
}

#[test]
fn another_event_or_an_answer_that_is_an_event_is_named() {
    let findings = found(&[("x-sdk: Event::Sum", "x-sdk: Event::Sums")]);
    assert_eq!(faults(&findings), [Fault::WrongDescription]);
    assert_found(&findings, Fault::WrongDescription, &["makes it Event::Sum, the file says Event::Sums"]);
    let mut other = client();
    other.read = &|frame| read(if frame == b"pong" { b"{\"sum\":{\"all\":1}}" } else { frame });
    let findings = probe::streams(&spec(), &streams(), &other);
    assert_found(&findings, Fault::WrongTarget, &["pong: example one", "Event::Sum"]);
}

#[test]
fn an_older_example_may_have_other_forms_but_no_other_fields() {
    let older = |all: &str| {
        let sum = format!("[{{ name: legacy, payload: {{ sum: {{ all: {all}, again: 1 }} }} }}]");
        found(&[("[{ name: one, payload: { sum: { all: \"3\", free: \"1\", held: \"2\" } } }]", &sum)])
    };
    assert_no_findings(older("3"));
    assert_found(&older("3, new: 1"), Fault::WrongAnswer, &["the spec does not know the field: /new"]);
}

#[test]
fn another_server_is_named() {
    let good = [("current", "example.org", "/new"), ("legacy", "example.org", "/old")];
    assert_no_findings(probe::servers(&streams(), "the toy", good));
    let findings = probe::servers(&streams(), "the toy", [good[0], ("legacy", "example.org", "/older")]);
    assert_found(&findings, Fault::NotInSpec, &["server legacy", "example.org/older", "correct the toy"]);
    assert_found(&findings, Fault::NotInCode, &["server legacy", "example.org/old"]);
}

#[test]
fn a_handshake_with_another_path_query_or_header_is_named() {
    let found = |connection: &str, target: &str, headers: &[&str]| {
        probe::handshake(&streams(), "current", connection, target, headers.iter().copied())
    };
    assert_no_findings(found("public", "/new/public?stream=either&stream=btczar.change", &["host"]));
    assert_no_findings(found("private", "/new/private?stream=sum", &["host", "x-key"]));
    for (connection, target, headers, fault, words) in [
        ("public", "/old/public", &[][..], Fault::WrongTarget, "the path is /old/public"),
        ("public", "/new/public?streams=either", &[], Fault::StrangeKey, "'streams=either'"),
        ("public", "/new/public?either", &[], Fault::StrangeKey, "'either'"),
        ("public", "/new/public?stream=gone", &[], Fault::NotInSpec, "'gone'"),
        ("public", "/new/public?stream=sum", &[], Fault::WrongPlace, "'sum' is the account's"),
        ("public", "/new/public", &["X-Key"], Fault::StrangeKey, "X-Key"),
        ("private", "/new/private", &[], Fault::MissingKey, "X-Key"),
        ("gone", "/new/gone", &[], Fault::NotInSpec, "no such channel"),
    ] {
        let findings = found(connection, target, headers);
        assert_eq!(faults(&findings), [fault], "{target}");
        assert_found(&findings, fault, &[words]);
    }
}

#[test]
fn frames_of_a_server_are_compared() {
    let (change, either) = (r#"{"ethzar.change":{"sequence":1}}"#, r#"{"either":{}}"#);
    let sum = r#"{"sum":{"all":"3","free":"1","held":"2"}}"#;
    let found = |is_legacy, more: &[(&str, &str)]| {
        let sent = [("public", change), ("private", either), ("private", sum), ("public", "pong")];
        probe::frames(&spec(), &streams(), "the toy", is_legacy, sent.iter().chain(more).copied())
    };
    assert_no_findings(found(false, &[]));
    for (connection, frame, fault, words) in [
        ("public", sum, Fault::WrongPlace, "it is the account's, and was sent on public"),
        ("public", r#"{"new":1}"#, Fault::NotInSpec, "no message of the file: {\"new\":1}"),
        ("public", r#"{"either":{},"sum":{}}"#, Fault::NotInSpec, "no message"),
        ("public", r#"{"error":7}"#, Fault::NotInSpec, "no message"),
        ("private", "pong", Fault::NotInSpec, "no message of the file: pong"),
        ("gone", "pong", Fault::NotInSpec, "no such connection"),
        ("public", r#"{"btczar.change":{"sequence":"x"}}"#, Fault::WrongAnswer, "at .sequence"),
    ] {
        let findings = found(false, &[(connection, frame)]);
        assert_eq!(faults(&findings), [fault], "{frame}");
        assert_found(&findings, fault, &[words]);
    }
    let strange = r#"{"btczar.change":{"sequence":"x","new":1}}"#;
    assert_found(&found(true, &[("public", strange)]), Fault::WrongAnswer, &["the field: /new"]);
    let silent =
        probe::frames(&spec(), &streams(), "the toy", false, [("public", change), ("public", either)]);
    assert_eq!(faults(&silent), [Fault::NotInCode]);
    assert_found(&silent, Fault::NotInCode, &["the toy: sum", "never sent"]);
}

#[test]
fn what_a_server_confirms_is_compared() {
    let found = |connection, names: &[&str]| {
        probe::confirmed(&streams(), "the toy", connection, names.iter().copied())
    };
    let public = ["btczar.change", "ethzar.change", "either"];
    assert_no_findings(found("public", &public));
    assert_no_findings(found("private", &NAMES));
    assert_found(
        &found("private", &public),
        Fault::WrongDescription,
        &["the toy: sum", "does not confirm it on private"],
    );
    assert_found(&found("public", &NAMES), Fault::WrongDescription, &["the toy: sum", "it is the account's"]);
}

#[test]
fn a_description_that_breaks_its_own_rules_is_refused() {
    for (old, new, words) in [
        ("address: either", "address: sum", "another channel has the address 'sum'"),
        (
            "messages: { either: { $ref: \"#/components/messages/either\" } }",
            "messages: { sum: { $ref: \"#/components/messages/sum\" } }",
            "sum: two topics have this message",
        ),
        ("address: either\n", "title: x\n", "eithers: address is missing"),
        ("    x-sdk: Event::Either\n", "", "eithers: x-sdk is missing"),
        ("    x-section: Sums\n", "", "sums: x-section is missing"),
        ("pathname: /new", "path: /new", "current: pathname is missing"),
        ("x-only: legacy", "x-only: older", "legacy: x-only is current or legacy"),
        ("enum: [btczar, ethzar]", "enum: []", "the parameter market needs an enum or examples"),
        ("\"{market}.change\"", "\"{pair}.change\"", "changes: the address has {\"pair\"}"),
        ("  send_sum: { action: send,", "  send_sum: { action: receive,", "must be send"),
        (
            "channel: { $ref: \"#/channels/sums\" }",
            "channel: { $ref: \"#/channels/eithers\" }",
            "more than one operation",
        ),
        (
            "channel: { $ref: \"#/channels/eithers\" }",
            "channel: {}",
            "eithers: no operation has this channel",
        ),
        (
            "$ref: \"#/channels/changes\" }, security: []",
            "$ref: \"#/channels/changes\" }",
            "changes: its operation has no security",
        ),
        (", headers: { required: [X-Key] }", "", "private: a signed connection has headers"),
        (", { $ref: \"#/channels/public/messages/pong\" }", "", "public: nobody sends its message pong"),
        (
            "messages: { sum: { $ref: \"#/components/messages/sum\" } }",
            "messages: {}",
            "sums: it has no messages",
        ),
        ("messages/sum\"", "messages/gone\"", "points nowhere"),
        (
            "./cape.openapi.yaml#/components/schemas/Sum",
            "#/components/schemas/Query",
            "must be a schema of the spec",
        ),
        (
            "{ $ref: \"./cape.openapi.yaml#/components/schemas/Sum\" }",
            "{ type: object }",
            "write the schema in the spec",
        ),
        ("openapi;version=3.1.0", "openapi;version=3.0.0", "needs schemaFormat"),
        ("payload: { const: pong }", "payload: {}", "pong: its payload must be a word"),
        (
            "additionalProperties: false, properties: { sum",
            "properties: { sum",
            "additionalProperties: false",
        ),
        ("[{ name: one, payload: pong }]", "[{ name: one }]", "pong: an example has no payload"),
        ("[{ name: one, payload: pong }]", "[{ payload: pong }]", "pong: name is missing"),
    ] {
        let error = changed(&[(old, new)]).map(|_| ()).expect_err(words);
        assert!(error.contains(words), "{words}: {error}");
    }
}

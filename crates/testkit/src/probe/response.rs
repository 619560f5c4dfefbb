//! Checks how the client reads answers and events: it must read and write every fixture without loss, and accept
//! everything that a tolerant reader must accept.

use crate::{
    Fault, Finding, Fixture, Fixtures, SPEC_FILE, Spec,
    canon::{Strangers, canonical, differences},
    cases::{Expect, cases, fields},
    exact,
    probe::operation,
    schema::{Kind, Schema},
};
use serde_json::Value;

/// Reads a document with the client's type and writes it again.
type RoundTrip<'a> = &'a dyn Fn(&[u8]) -> Result<Value, String>;

/// Checks the type of a call's answer with every fixture of an answer.
///
/// `round_trip` reads the body with the client's type and writes it again; its error is shown. The comparison is by
/// meaning: decimals by value, times by instant, and an optional field that is null may be left out.
pub fn response(spec: &Spec, fixtures: &Fixtures, call: &str, round_trip: RoundTrip<'_>) -> Vec<Finding> {
    let operation = match operation(spec, call) {
        Ok(operation) => operation,
        Err(findings) => return findings,
    };
    let mut check = Check { what: call.to_owned(), round_trip, findings: Vec::new() };
    let Some(schema) = &operation.response else {
        // Only the status counts, so the client must accept every body.
        for fixture in fixtures.received(call) {
            if let Err(error) = round_trip(fixture.text.as_bytes()) {
                check.report(Fault::TooStrict, &fixture.path(), format!("is refused: {error}"));
            }
        }
        return check.findings;
    };
    let mut documents = Vec::new();
    for fixture in fixtures.received(call) {
        match fixture.json() {
            Ok(document) => documents.push((fixture, fixture.text.clone(), document)),
            Err(error) => check.report(Fault::NoFixture, &fixture.path(), error),
        }
    }
    check.all(schema, call, &documents);
    check.findings
}

/// Checks the type of a websocket topic's payload like [`response`]. The payload is named by its component:
/// `event(&spec, &fixtures, "StreamOrder", …)`.
///
/// Fixtures are whole frames; `round_trip` gets the payload below the topic's key.
pub fn event(spec: &Spec, fixtures: &Fixtures, schema: &str, round_trip: RoundTrip<'_>) -> Vec<Finding> {
    let Some(channel) = spec.channel(schema) else {
        return vec![Finding::new(
            Fault::NotInSpec,
            schema,
            "the spec has no schema of this name with an x-channel",
            format!("add the component {schema} with an x-channel to {SPEC_FILE}"),
        )];
    };
    let mut check = Check { what: schema.to_owned(), round_trip, findings: Vec::new() };
    let mut documents = Vec::new();
    let folder = channel.folder();
    for fixture in fixtures.received(&folder) {
        let frame = fixture.json();
        let payload = frame.as_ref().ok().and_then(Value::as_object).filter(|frame| frame.len() == 1);
        match payload.and_then(|frame| frame.iter().next()) {
            Some((topic, payload)) if channel.is_named(topic) => {
                documents.push((fixture, exact::write(payload), payload.clone()));
            }
            _ => {
                check.report(
                    Fault::NoFixture,
                    &fixture.path(),
                    format!("is not a frame of {}", channel.topic),
                );
            }
        }
    }
    check.all(&channel.schema, &folder, &documents);
    check.findings
}

/// Checks the type of a webhook's event like [`response`]. Fixtures are whole bodies, and each is of this event.
pub fn webhook(spec: &Spec, fixtures: &Fixtures, name: &str, round_trip: RoundTrip<'_>) -> Vec<Finding> {
    let Some(event) = spec.webhook(name) else {
        return vec![Finding::new(
            Fault::NotInSpec,
            name,
            "the spec has no webhook of this name",
            format!("add it to the webhooks of {SPEC_FILE}, or remove it from the client"),
        )];
    };
    let mut check = Check { what: name.to_owned(), round_trip, findings: Vec::new() };
    let mut documents = Vec::new();
    for fixture in fixtures.received(&event.id) {
        match fixture.json() {
            Ok(document) if event.is_nameless || document.get("event").is_some_and(|event| event == name) => {
                documents.push((fixture, fixture.text.clone(), document));
            }
            Ok(_) => check.report(Fault::NoFixture, &fixture.path(), format!("its `event` is not {name}")),
            Err(error) => check.report(Fault::NoFixture, &fixture.path(), error),
        }
    }
    check.all(&event.schema, &event.id, &documents);
    check.findings
}

struct Check<'a> {
    what: String,
    round_trip: RoundTrip<'a>,
    findings: Vec<Finding>,
}

impl Check<'_> {
    fn report(&mut self, fault: Fault, place: &str, problem: String) {
        let remedy = match fault {
            Fault::NoFixture => format!("fix crates/testkit/fixtures/{place}"),
            Fault::NotShown => format!("add a fixture with the field below crates/testkit/fixtures/{place}"),
            Fault::NotInSpec => format!("add the field to the schema of {} in {SPEC_FILE}", self.what),
            Fault::TooLax => format!("make the type that reads {} refuse it", self.what),
            _ => format!("fix the type that reads {}, or its schema in {SPEC_FILE}", self.what),
        };
        self.findings.push(Finding::new(fault, format!("{}: {place}", self.what), problem, remedy));
    }

    fn all(&mut self, schema: &Schema, folder: &str, documents: &[(&Fixture, String, Value)]) {
        if documents.is_empty() {
            let place = format!("crates/testkit/fixtures/{folder}");
            self.findings.push(Finding::new(
                Fault::NoFixture,
                self.what.clone(),
                "there is no fixture to check with",
                format!("add {place}/response.json from the documents, or composed.json from their table"),
            ));
            return;
        }
        let values: Vec<Value> = documents.iter().map(|(_, _, value)| value.clone()).collect();
        let (fields, shown) = fields(schema, &values);
        for field in fields.difference(&shown) {
            self.report(Fault::NotShown, folder, format!("the documented field {field} is in no fixture"));
        }
        for (fixture, text, value) in documents {
            self.document(schema, &fixture.path(), text, value);
        }
    }

    fn document(&mut self, schema: &Schema, place: &str, text: &str, value: &Value) {
        let known = canonical(schema, value, Strangers::Drop);
        for stranger in differences(&known, &canonical(schema, value, Strangers::Keep)) {
            self.report(Fault::NotInSpec, place, format!("the spec does not know the field: {stranger}"));
        }
        let before = self.findings.len();
        self.trip(schema, place, "", text, value);
        // A fixture that fails unchanged would fail in every variation too; report it once.
        if self.findings.len() > before {
            return;
        }
        for case in cases(schema, value) {
            let text = exact::write(&case.document);
            match case.expect {
                Expect::Kept => self.trip(schema, place, &case.what, &text, &case.document),
                Expect::Refused => self.refused(place, &case.what, &text),
            }
        }
        if matches!(schema.kind, Kind::Object(_) | Kind::List(_) | Kind::Map { .. } | Kind::Tuple(_)) {
            let end = text.trim_end();
            let cut = end.char_indices().next_back().map_or(0, |(index, _)| index);
            self.refused(place, "cut off before its last character", end.get(..cut).unwrap_or_default());
        }
        self.refused(place, "an empty body", "");
        self.refused(place, "an HTML page", "<html><body>Bad gateway</body></html>");
    }

    fn trip(&mut self, schema: &Schema, place: &str, change: &str, text: &str, value: &Value) {
        let with = if change.is_empty() { String::new() } else { format!("with {change}: ") };
        match (self.round_trip)(text.as_bytes()) {
            Err(error) => self.report(Fault::TooStrict, place, format!("{with}is refused: {error}")),
            Ok(back) => {
                let expected = canonical(schema, value, Strangers::Drop);
                for difference in differences(&expected, &canonical(schema, &back, Strangers::Keep)) {
                    self.report(Fault::Changed, place, format!("{with}{difference}"));
                }
            }
        }
    }

    fn refused(&mut self, place: &str, change: &str, text: &str) {
        if (self.round_trip)(text.as_bytes()).is_ok() {
            self.report(Fault::TooLax, place, format!("with {change}: is accepted, but must be an error"));
        }
    }
}

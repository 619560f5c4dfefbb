//! Checks the frames that a server sends on the websocket.

use crate::{
    Fault, Finding, Message, SPEC_FILE, STREAMS_FILE, Spec, Streams,
    canon::{Strangers, canonical, differences},
    probe::answer::{Misfit, misfits},
    schema::Schema,
};
use serde_json::Value;

/// A frame that a server sent: the id of the connection, and the text.
pub type SentFrame<'a> = (&'a str, &'a str);

/// Compares the frames of a server with the description: each is a message of the file, on a connection that may have it, and
/// each message of a topic was sent at least once. The payload of a current server must match its schema; an older one may
/// write values in other forms, but no other fields.
pub fn frames<'a>(
    spec: &Spec,
    streams: &Streams,
    who: &str,
    is_legacy: bool,
    sent: impl IntoIterator<Item = SentFrame<'a>>,
) -> Vec<Finding> {
    let (mut findings, mut seen) = (Vec::new(), Vec::new());
    for (on, text) in sent {
        let Some(connection) = streams.connection(on) else {
            let remedy = format!("add the channel to {STREAMS_FILE}, or correct the test");
            findings.push(Finding::new(Fault::NotInSpec, on, "the file has no such connection", remedy));
            continue;
        };
        let frame = serde_json::from_str(text).unwrap_or_else(|_| Value::from(text));
        let Some((topic, message)) = streams.message(connection, &frame) else {
            let start: String = text.chars().take(80).collect();
            let problem = format!("the frame is no message of the file: {start}");
            let remedy = format!("add its channel or message to {STREAMS_FILE}, or correct {who}");
            findings.push(Finding::new(Fault::NotInSpec, format!("{who}: {on}"), problem, remedy));
            continue;
        };
        seen.push(&message.id);
        let place = format!("{who}: {}", message.id);
        if topic.is_some_and(|topic| topic.private) && connection.headers.is_empty() {
            let problem = format!("it is the account's, and was sent on {on}");
            let remedy = format!("correct {who}, or the security of the operation in {STREAMS_FILE}");
            findings.push(Finding::new(Fault::WrongPlace, place.clone(), problem, remedy));
        }
        findings.extend(form(spec, message, &frame, is_legacy, (&place, who)));
    }
    let all = streams.topics.iter().flat_map(|topic| &topic.messages);
    for message in all.filter(|message| !seen.contains(&&message.id)) {
        let place = format!("{who}: {}", message.id);
        let remedy = format!("let {who} send it, or remove it from {STREAMS_FILE}");
        findings.push(Finding::new(Fault::NotInCode, place, "the message was never sent", remedy));
    }
    findings
}

/// Compares what a server confirms, after a client asked for every topic of the description on this connection: all of them,
/// but topics of the account only on the private connection.
pub fn confirmed<'a>(
    streams: &Streams,
    who: &str,
    connection: &str,
    names: impl IntoIterator<Item = &'a str>,
) -> Vec<Finding> {
    let confirmed: Vec<&str> = names.into_iter().collect();
    let is_signed = streams.connection(connection).is_some_and(|connection| !connection.headers.is_empty());
    let mut findings = Vec::new();
    for topic in &streams.topics {
        let wanted = is_signed || !topic.private;
        for name in topic.names().into_iter().filter(|name| confirmed.contains(&name.as_str()) != wanted) {
            let problem = match wanted {
                true => format!("the server does not confirm it on {connection}"),
                false => format!("the server confirms it on {connection}, but it is the account's"),
            };
            let remedy = format!(
                "correct {who}, or the security of the operation with the channel {} in {STREAMS_FILE}",
                topic.id
            );
            findings.push(Finding::new(Fault::WrongDescription, format!("{who}: {name}"), problem, remedy));
        }
    }
    findings
}

/// Compares the payload of a frame with its schema, for the current server or for an older one.
pub(crate) fn form(
    spec: &Spec,
    message: &Message,
    frame: &Value,
    is_legacy: bool,
    (place, who): (&str, &str),
) -> Vec<Finding> {
    let schema = message.schema().and_then(|schema| spec.channel(schema)).map(|channel| &channel.schema);
    let Some((schema, payload)) = schema.zip(below(frame)) else { return Vec::new() };
    let problems = if is_legacy { strangers(schema, payload) } else { wrong(schema, payload) };
    let remedy = format!("correct {who}, or the schema in {SPEC_FILE}");
    let finding = |problem| Finding::new(Fault::WrongAnswer, place, problem, remedy.clone());
    problems.into_iter().map(finding).collect()
}

fn wrong(schema: &Schema, payload: &Value) -> Vec<String> {
    let problem = |Misfit { path, problem }| format!("at {path}: {problem}");
    misfits(schema, payload).into_iter().map(problem).collect()
}

fn strangers(schema: &Schema, payload: &Value) -> Vec<String> {
    let known = canonical(schema, payload, Strangers::Drop);
    let strange = differences(&known, &canonical(schema, payload, Strangers::Keep));
    strange.into_iter().map(|stranger| format!("the spec does not know the field: {stranger}")).collect()
}

/// What is below the only key of a frame.
fn below(frame: &Value) -> Option<&Value> {
    let frame = frame.as_object().filter(|frame| frame.len() == 1)?;
    frame.values().next()
}

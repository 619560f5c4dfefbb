//! Compares the topics of a client with the description of the websocket.

use crate::{
    Body, Fault, Finding, Message, SPEC_FILE, STREAMS_FILE, Spec, Stream, Streams, exact,
    probe::frames::form,
    streams::{captures, pattern},
};
use serde_json::Value;
use std::collections::BTreeSet;

/// A topic of the client: its name on the wire, and whether it is the account's.
pub type Named = (String, bool);

/// What a client makes of a frame: the name of its topic, and the event, such as `Event::Book`. `None` for an answer of the
/// exchange.
pub type Heard = Option<(String, String)>;

/// The topics of a client.
#[allow(missing_debug_implementations, reason = "it holds functions")]
pub struct Topics<'a> {
    /// Where its topics are, for messages.
    pub place: &'a str,
    /// Each topic at least once, with each value of a parameter that has only some.
    pub made: Vec<Named>,
    /// Reads a name, and writes it again.
    pub parse: &'a dyn Fn(&str) -> Option<String>,
    /// Reads a frame.
    pub read: &'a dyn Fn(&[u8]) -> Result<Heard, String>,
}

/// Compares the topics of a client with the description, in both directions: names, whether they are the account's, payloads,
/// events. The client must read every example.
pub fn streams(spec: &Spec, streams: &Streams, client: &Topics<'_>) -> Vec<Finding> {
    let mut check = Check { spec, streams, findings: Vec::new() };
    check.made(client);
    for topic in &streams.topics {
        check.names(topic, client);
        for message in &topic.messages {
            check.payload(topic, message);
            check.examples(message, Some(topic), client);
        }
    }
    // Both connections have the same messages; each is looked at once.
    let mut seen = BTreeSet::new();
    for connection in &streams.connections {
        for message in connection.replies.iter().filter(|message| seen.insert(&message.id)) {
            check.examples(message, None, client);
        }
        for message in connection.requests.iter().filter(|message| seen.insert(&message.id)) {
            check.requests(message);
        }
    }
    check.payloads_are_used();
    check.findings
}

struct Check<'a> {
    spec: &'a Spec,
    streams: &'a Streams,
    findings: Vec<Finding>,
}

impl Check<'_> {
    fn report(
        &mut self,
        fault: Fault,
        place: impl Into<String>,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.findings.push(Finding::new(fault, place, problem, remedy));
    }

    /// Every topic of the client is in the file, and the reverse.
    fn made(&mut self, client: &Topics<'_>) {
        let place = client.place;
        for (name, private) in &client.made {
            match self.streams.topic(name) {
                None => {
                    let remedy = format!(
                        "add a channel with this address (or the value of its parameter) to {STREAMS_FILE}, or correct {place}"
                    );
                    self.report(
                        Fault::NotInSpec,
                        name,
                        "the client has this topic, the file has not",
                        remedy,
                    );
                }
                Some(topic) if topic.private != *private => {
                    let says = |private| if private { "the account's" } else { "public" };
                    let (client, file) = (says(*private), says(topic.private));
                    let problem = format!("the client says it is {client}, the file says it is {file}");
                    let remedy = format!(
                        "correct the security of the operation with the channel {} in {STREAMS_FILE}, or {place}",
                        topic.id
                    );
                    self.report(Fault::WrongDescription, name, problem, remedy);
                }
                Some(_) => {}
            }
        }
        for topic in &self.streams.topics {
            if !client.made.iter().any(|(name, _)| captures(&topic.address, name).is_some()) {
                let remedy =
                    format!("add it to {place}, or remove the channel {} from {STREAMS_FILE}", topic.id);
                self.report(
                    Fault::NotInCode,
                    &topic.address,
                    "the file has this topic, the client has not",
                    remedy,
                );
            }
        }
    }

    /// The client reads every name of the file, also those in the keys of frames, as the topic that makes the name.
    fn names(&mut self, topic: &Stream, client: &Topics<'_>) {
        let mut templates = vec![topic.address.clone()];
        for message in &topic.messages {
            let channel = message.schema().and_then(|schema| self.spec.channel(schema));
            templates.extend(channel.map(|channel| channel.topic.clone()));
        }
        templates.dedup();
        for template in templates {
            for (name, wanted) in topic.filled(&template).into_iter().zip(topic.names()) {
                let remedy =
                    format!("correct {}, or the channel {} in {STREAMS_FILE}", client.place, topic.id);
                match (client.parse)(&name) {
                    None => self.report(Fault::NotInCode, name, "the client does not know this name", remedy),
                    Some(made) if made != wanted => {
                        let problem = format!("the client reads it as {made}, the file says {wanted}");
                        self.report(Fault::WrongTarget, name, problem, remedy);
                    }
                    Some(_) => {}
                }
            }
        }
    }

    /// The payload's schema exists, is the payload of a topic, and of this one.
    fn payload(&mut self, topic: &Stream, message: &Message) {
        let place = format!("{}: {}", topic.id, message.id);
        let Body::Frame { key, schema: Some(schema) } = &message.body else {
            let remedy = format!("refer to the schema of its payload in {STREAMS_FILE}");
            return self.report(
                Fault::SpecUnsound,
                place,
                "a frame of a topic needs a schema of the spec",
                remedy,
            );
        };
        let Some(channel) = self.spec.channel(schema) else {
            let remedy = format!(
                "add the component {schema} with an x-channel to {SPEC_FILE}, or correct {STREAMS_FILE}"
            );
            let problem = format!("its payload {schema} is no schema of the spec with an x-channel");
            return self.report(Fault::NotInSpec, place, problem, remedy);
        };
        let wanted = pattern(&channel.topic);
        if *key != wanted {
            let problem =
                format!("its key is '{key}', but {schema} belongs to {} ('{wanted}')", channel.topic);
            let remedy =
                format!("correct the key or the schema in {STREAMS_FILE}, or the x-channel in {SPEC_FILE}");
            self.report(Fault::WrongTarget, place, problem, remedy);
        }
    }

    fn payloads_are_used(&mut self) {
        let topics = self.streams.topics.iter().flat_map(|topic| &topic.messages);
        let replies = self.streams.connections.iter().flat_map(|connection| &connection.replies);
        let used: Vec<&str> = topics.chain(replies).filter_map(Message::schema).collect();
        for channel in self.spec.channels.iter().filter(|channel| !used.contains(&channel.name.as_str())) {
            let problem =
                format!("the spec has this payload of {}, no message of the file has it", channel.topic);
            let remedy =
                format!("add a message with it to {STREAMS_FILE}, or remove its x-channel in {SPEC_FILE}");
            self.report(Fault::NotInSpec, &channel.name, problem, remedy);
        }
    }

    /// The examples of what the exchange sends, to a topic (or as an answer).
    fn examples(&mut self, message: &Message, topic: Option<&Stream>, client: &Topics<'_>) {
        self.has_examples(message);
        for (name, content) in &message.examples {
            let place = format!("{}: example {name}", message.id);
            let remedy = format!("correct the example in {STREAMS_FILE}, or what reads it in the client");
            if !message.is(content) {
                self.report(Fault::WrongForm, place, "it does not have the form of its message", remedy);
                continue;
            }
            let text = match content {
                Value::String(word) => word.clone(),
                content => exact::write(content),
            };
            match ((client.read)(text.as_bytes()), topic) {
                (Err(error), _) => {
                    self.report(
                        Fault::TooStrict,
                        &place,
                        format!("the client does not read it: {error}"),
                        remedy,
                    );
                }
                (Ok(None), None) => {}
                (Ok(Some((heard, event))), Some(topic)) => {
                    if self.streams.topic(&heard).map(|heard| &heard.id) != Some(&topic.id) {
                        let problem = format!("the client takes it for a frame of {heard}");
                        self.report(Fault::WrongTarget, &place, problem, remedy);
                    } else if event != topic.sdk {
                        let problem = format!("the client makes it {event}, the file says {}", topic.sdk);
                        let remedy =
                            format!("correct the x-sdk of the channel {} in {STREAMS_FILE}", topic.id);
                        self.report(Fault::WrongDescription, &place, problem, remedy);
                    }
                }
                (Ok(heard), _) => {
                    let problem = format!("the client makes it {heard:?}");
                    self.report(Fault::WrongTarget, &place, problem, remedy);
                }
            }
            let is_legacy = name.starts_with("legacy");
            self.findings.extend(form(self.spec, message, content, is_legacy, (&place, "the example")));
        }
    }

    fn has_examples(&mut self, message: &Message) {
        if message.examples.is_empty() {
            let remedy = format!("add one to the message {} in {STREAMS_FILE}", message.id);
            self.report(Fault::NoFixture, &message.id, "there is no example to check with", remedy);
        }
    }

    /// The examples of what a client sends: they have the form of the message, and ask for topics of the file.
    fn requests(&mut self, message: &Message) {
        self.has_examples(message);
        for (name, content) in &message.examples {
            let place = format!("{}: example {name}", message.id);
            let remedy = format!("correct the example in {STREAMS_FILE}");
            let names = content.get("streams").and_then(Value::as_array).into_iter().flatten();
            let is_strange =
                |name: &&Value| name.as_str().is_none_or(|name| self.streams.topic(name).is_none());
            let strange = names.into_iter().find(is_strange);
            if let Some(strange) = strange {
                let problem = format!("it asks for {strange}, which is no topic of the file");
                self.report(Fault::NotInSpec, place, problem, remedy);
            } else if !message.is(content) {
                self.report(Fault::WrongForm, place, "it does not have the form of its message", remedy);
            }
        }
    }
}

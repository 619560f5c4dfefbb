//! Reads the description of the websocket, `docs/api/cape.asyncapi.yaml`, into plain structs.

use crate::schema::{Only, resolve, texts};
use serde_json::{Map, Value};
use std::{collections::BTreeSet, fs};

/// Where to correct the description, for messages.
pub const STREAMS_FILE: &str = "docs/api/cape.asyncapi.yaml";

/// Where the payload schemas are, as the description refers to them.
const SCHEMAS: &str = "./cape.openapi.yaml#/components/schemas/";

/// The rules by which the payload schemas are written.
const FORMAT: &str = "application/vnd.oai.openapi;version=3.1.0";

/// The whole description.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Streams {
    /// Where each environment has the websocket.
    pub servers: Vec<Server>,
    /// The public and the private connection.
    pub connections: Vec<Connection>,
    /// Everything that can be subscribed to.
    pub topics: Vec<Stream>,
}

/// The websocket of an environment.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Server {
    /// `current` or `legacy`.
    pub id: String,
    /// The host.
    pub host: String,
    /// The path that stands before the address of a connection.
    pub path: String,
    /// The only environment that has it.
    pub only: Option<Only>,
}

/// A way to connect.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Connection {
    /// `public` or `private`.
    pub id: String,
    /// The path below the server's.
    pub address: String,
    /// The parameters that the handshake's query may have.
    pub query: Vec<String>,
    /// The headers that the handshake must have, besides those of the protocol.
    pub headers: Vec<String>,
    /// What a client may send.
    pub requests: Vec<Message>,
    /// What the exchange answers.
    pub replies: Vec<Message>,
}

/// A topic.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Stream {
    /// The channel's key in the file.
    pub id: String,
    /// Its name on the wire, such as `{market}.ob-inc`.
    pub address: String,
    /// Whether it is the account's.
    pub private: bool,
    /// The client's event, such as `Event::Book`.
    pub sdk: String,
    /// The values that each parameter may have; if the file has only examples, these.
    pub parameters: Vec<Values>,
    /// What the exchange sends.
    pub messages: Vec<Message>,
}

/// A parameter of a topic's name.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Values {
    /// Its name.
    pub name: String,
    /// Its values.
    pub values: Vec<String>,
    /// Whether it has no other values.
    pub closed: bool,
}

/// A message of either side.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Message {
    /// Its key in the file.
    pub id: String,
    /// What it consists of.
    pub body: Body,
    /// `x-max-bytes`: the largest size that the exchange reads.
    pub max_bytes: Option<usize>,
    /// Its examples: name and content.
    pub examples: Vec<(String, Value)>,
}

/// What a message consists of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// A bare word, which is not JSON.
    Word(String),
    /// A request of the client, by its event.
    Request(String),
    /// An object with one key.
    Frame {
        /// The key, as an expression that starts with `^` if the key has parameters.
        key: String,
        /// The schema of what is below the key, in the spec; `None` if it is plain text.
        schema: Option<String>,
    },
}

impl Streams {
    /// The description of this repository.
    ///
    /// # Panics
    /// If it cannot be read, or breaks its own rules; the message says where.
    pub fn cape() -> Self {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/api/cape.asyncapi.yaml");
        let text = fs::read_to_string(path).map_err(|error| error.to_string());
        match text.and_then(|text| Self::parse(&text)) {
            Ok(streams) => streams,
            Err(error) => panic!("{STREAMS_FILE}: {error}"),
        }
    }

    /// Reads a description from YAML.
    ///
    /// # Errors
    /// The text is not YAML, or breaks the rules that the description itself states; the message says where.
    pub fn parse(yaml: &str) -> Result<Self, String> {
        let root: Value = serde_norway::from_str(yaml).map_err(|error| error.to_string())?;
        let servers = each(&root, "servers").map(|(id, node)| server(id, node)).collect::<Result<_, _>>()?;
        let (mut connections, mut topics) = (Vec::new(), Vec::<Stream>::new());
        let mut addresses = BTreeSet::new();
        for (id, node) in each(&root, "channels") {
            let address = text(node, "address", id)?;
            if !addresses.insert(address.clone()) {
                return Err(format!("{id}: another channel has the address '{address}' too"));
            }
            let operation = operation(&root, id)?;
            if address.starts_with('/') {
                connections.push(connection(&root, id, address, node, operation)?);
            } else {
                topics.push(topic(&root, id, address, node, operation)?);
            }
        }
        let mut messages = BTreeSet::new();
        match topics.iter().flat_map(|topic| &topic.messages).find(|message| !messages.insert(&message.id)) {
            Some(message) => Err(format!("{}: two topics have this message", message.id)),
            None => Ok(Self { servers, connections, topics }),
        }
    }

    /// The topic that a name belongs to. A parameter must have one of its values, if these are all.
    pub fn topic(&self, name: &str) -> Option<&Stream> {
        self.topics.iter().find(|topic| topic.is_named(name))
    }

    /// The message that a frame of a connection is; and its topic, if it has one.
    pub(crate) fn message<'a>(
        &'a self,
        connection: &'a Connection,
        frame: &Value,
    ) -> Option<(Option<&'a Stream>, &'a Message)> {
        let of = |messages: &'a [Message]| messages.iter().find(|message| message.is(frame));
        let topic = || self.topics.iter().find_map(|topic| Some((Some(topic), of(&topic.messages)?)));
        of(&connection.replies).map(|reply| (None, reply)).or_else(topic)
    }

    /// The connection with this id.
    pub fn connection(&self, id: &str) -> Option<&Connection> {
        self.connections.iter().find(|connection| connection.id == id)
    }
}

impl Stream {
    /// Its names, with every value of its parameters: `btczar.kline-1m`, `btczar.kline-5m`, and so on.
    pub fn names(&self) -> Vec<String> {
        self.filled(&self.address)
    }

    /// A template, such as the key of a message, with every value of the parameters.
    pub(crate) fn filled(&self, template: &str) -> Vec<String> {
        let mut filled = vec![template.to_owned()];
        for Values { name, values, .. } in &self.parameters {
            let with = |text: &String| {
                values.iter().map(|value| text.replace(&format!("{{{name}}}"), value)).collect::<Vec<_>>()
            };
            filled = filled.iter().flat_map(with).collect();
        }
        filled
    }

    fn is_named(&self, name: &str) -> bool {
        let Some(found) = captures(&self.address, name) else { return false };
        found.iter().all(|(parameter, value)| {
            let known = self.parameters.iter().find(|known| known.name == *parameter);
            known.is_none_or(|known| !known.closed || known.values.iter().any(|known| known == value))
        })
    }
}

impl Message {
    /// The schema of its payload in the spec.
    pub(crate) fn schema(&self) -> Option<&str> {
        match &self.body {
            Body::Frame { schema, .. } => schema.as_deref(),
            Body::Word(_) | Body::Request(_) => None,
        }
    }

    /// Whether a message of the wire is this one.
    pub(crate) fn is(&self, content: &Value) -> bool {
        match &self.body {
            Body::Word(word) => content == word,
            Body::Request(event) => content.get("event").is_some_and(|found| found == event),
            Body::Frame { key, schema } => {
                let Some((found, below)) = content
                    .as_object()
                    .filter(|frame| frame.len() == 1)
                    .and_then(|frame| frame.iter().next())
                else {
                    return false;
                };
                fits(key, found) && (schema.is_some() || below.is_string())
            }
        }
    }
}

/// The parameters of a name, if it has the form of a template such as `{market}.kline-{period}`.
pub(crate) fn captures<'a>(template: &'a str, name: &'a str) -> Option<Vec<(&'a str, &'a str)>> {
    let (mut template, mut name, mut found) = (template, name, Vec::new());
    while let Some((before, rest)) = template.split_once('{') {
        let (parameter, after) = rest.split_once('}')?;
        let rest = name.strip_prefix(before)?;
        let end = after.split('{').next().and_then(|next| next.chars().next());
        let length = end.map_or(Some(rest.len()), |end| rest.find(end))?;
        let (value, tail) = rest.split_at_checked(length).filter(|(value, _)| !value.is_empty())?;
        found.push((parameter, value));
        (template, name) = (after, tail);
    }
    (template == name).then_some(found)
}

/// The expression for the keys of a template: `^[^.]+\.ob-snap$` for `{market}.ob-snap`. A template without parameters is
/// its own key.
pub(crate) fn pattern(template: &str) -> String {
    if !template.contains('{') {
        return template.to_owned();
    }
    let mut pattern = "^".to_owned();
    for (at, part) in template.split(['{', '}']).enumerate() {
        // Every second part is the name of a parameter.
        if at % 2 == 0 { pattern.push_str(&part.replace('.', "\\.")) } else { pattern.push_str("[^.]+") }
    }
    pattern.push('$');
    pattern
}

/// Whether a key matches an expression that [`pattern`] made.
fn fits(expression: &str, key: &str) -> bool {
    let Some(inside) = expression.strip_prefix('^').and_then(|rest| rest.strip_suffix('$')) else {
        return expression == key;
    };
    captures(&inside.replace("[^.]+", "{}").replace("\\.", "."), key).is_some()
}

fn each<'a>(node: &'a Value, key: &str) -> impl Iterator<Item = (&'a str, &'a Value)> {
    node.get(key).and_then(Value::as_object).into_iter().flatten().map(|(key, value)| (key.as_str(), value))
}

fn text(node: &Value, key: &str, place: &str) -> Result<String, String> {
    let found = node.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    found.map(str::to_owned).ok_or_else(|| format!("{place}: {key} is missing"))
}

fn server(id: &str, node: &Value) -> Result<Server, String> {
    let only = Only::read(node.get("x-only"), id)?;
    Ok(Server { id: id.to_owned(), host: text(node, "host", id)?, path: text(node, "pathname", id)?, only })
}

/// The only operation of a channel. It says who sends, and whether a signature is needed.
fn operation<'a>(root: &'a Value, channel: &str) -> Result<&'a Value, String> {
    let target = format!("#/channels/{channel}");
    let mut found = each(root, "operations").map(|(_, node)| node);
    let mut found =
        found.by_ref().filter(|node| node.pointer("/channel/$ref") == Some(&target.clone().into()));
    match (found.next(), found.next()) {
        (Some(operation), None) => Ok(operation),
        (None, _) => Err(format!("{channel}: no operation has this channel")),
        _ => Err(format!("{channel}: more than one operation has this channel")),
    }
}

fn expect_action(operation: &Value, action: &str, place: &str) -> Result<(), String> {
    match operation.get("action").and_then(Value::as_str) {
        Some(found) if found == action => Ok(()),
        found => Err(format!("{place}: the action of its operation is {found:?}, but must be {action}")),
    }
}

fn is_signed(operation: &Value, place: &str) -> Result<bool, String> {
    let security = operation.get("security").and_then(Value::as_array);
    security
        .map(|list| !list.is_empty())
        .ok_or_else(|| format!("{place}: its operation has no security; write [] if no signature is needed"))
}

fn connection(
    root: &Value,
    id: &str,
    address: String,
    node: &Value,
    operation: &Value,
) -> Result<Connection, String> {
    expect_action(operation, "receive", id)?;
    let binding = |part: &str| {
        let Some(node) = node.pointer(&format!("/bindings/ws/{part}")) else { return Ok(Map::new()) };
        resolve(root, node, id).map(|(_, node)| node)
    };
    let query = binding("query")?.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    let headers = texts(binding("headers")?.get("required"));
    if is_signed(operation, id)? == headers.is_empty() {
        return Err(format!(
            "{id}: a signed connection has headers in its handshake, and another one has none"
        ));
    }
    let messages = |list: Option<&Value>| -> Result<Vec<Message>, String> {
        let list = list.and_then(Value::as_array).into_iter().flatten();
        list.map(|node| message(root, node, id)).collect()
    };
    let requests = messages(operation.get("messages"))?;
    let replies = messages(operation.pointer("/reply/messages"))?;
    for (known, _) in each(node, "messages") {
        if !requests.iter().chain(&replies).any(|message| message.id == known) {
            return Err(format!("{id}: nobody sends its message {known}; name it in the operation"));
        }
    }
    Ok(Connection {
        id: id.to_owned(),
        address,
        query: query.keys().cloned().collect(),
        headers,
        requests,
        replies,
    })
}

fn topic(root: &Value, id: &str, address: String, node: &Value, operation: &Value) -> Result<Stream, String> {
    expect_action(operation, "send", id)?;
    text(node, "x-section", id)?;
    text(node, "x-since", id)?;
    let mut parameters = Vec::new();
    for (name, node) in each(node, "parameters") {
        let (_, node) = resolve(root, node, &format!("{id}/{name}"))?;
        let all = texts(node.get("enum"));
        let values = if all.is_empty() { texts(node.get("examples")) } else { all.clone() };
        if values.is_empty() {
            return Err(format!("{id}: the parameter {name} needs an enum or examples"));
        }
        parameters.push(Values { name: name.to_owned(), values, closed: !all.is_empty() });
    }
    let in_address: BTreeSet<&str> =
        address.split('{').skip(1).filter_map(|part| part.split('}').next()).collect();
    if in_address != parameters.iter().map(|parameter| parameter.name.as_str()).collect() {
        return Err(format!("{id}: the address has {in_address:?}, but `parameters` has others"));
    }
    let messages: Vec<Message> =
        each(node, "messages").map(|(_, node)| message(root, node, id)).collect::<Result<_, _>>()?;
    if messages.is_empty() {
        return Err(format!("{id}: it has no messages"));
    }
    Ok(Stream {
        id: id.to_owned(),
        private: is_signed(operation, id)?,
        sdk: text(node, "x-sdk", id)?,
        address,
        parameters,
        messages,
    })
}

fn message(root: &Value, node: &Value, place: &str) -> Result<Message, String> {
    let (_, resolved) = resolve(root, node, place)?;
    // A reference to a channel's message leads on to a component, whose key is the name that all use.
    let id = last_step(root, node).ok_or_else(|| format!("{place}: refer to a message in components"))?;
    let mut examples = Vec::new();
    for example in resolved.get("examples").and_then(Value::as_array).into_iter().flatten() {
        let content = example.get("payload").cloned();
        examples.push((
            text(example, "name", &id)?,
            content.ok_or_else(|| format!("{id}: an example has no payload"))?,
        ));
    }
    let max_bytes = resolved.get("x-max-bytes").and_then(Value::as_u64);
    let body = resolved.get("payload").ok_or_else(|| format!("{id}: payload is missing"))?;
    let body = self::body(body, &id)?;
    Ok(Message { id, body, max_bytes: max_bytes.and_then(|bytes| bytes.try_into().ok()), examples })
}

/// The last name of a chain of references.
fn last_step(root: &Value, node: &Value) -> Option<String> {
    let target = node.get("$ref")?.as_str()?;
    let next = root.pointer(target.strip_prefix('#')?)?;
    last_step(root, next).or_else(|| target.rsplit('/').next().map(str::to_owned))
}

fn body(payload: &Value, place: &str) -> Result<Body, String> {
    let frame = payload.get("schema").unwrap_or(payload);
    if let Some(word) = frame.get("const").and_then(Value::as_str) {
        return Ok(Body::Word(word.to_owned()));
    }
    if let Some(event) = frame.pointer("/properties/event") {
        return Ok(Body::Request(text(event, "const", place)?));
    }
    let mut keys = each(frame, "properties").chain(each(frame, "patternProperties"));
    let (Some((key, below)), None) = (keys.next(), keys.next()) else {
        return Err(format!("{place}: its payload must be a word, a request, or an object with one key"));
    };
    if frame.get("additionalProperties") != Some(&Value::Bool(false)) {
        return Err(format!("{place}: write additionalProperties: false, because a frame has one key"));
    }
    let schema = match below.get("$ref").and_then(Value::as_str) {
        Some(target) => {
            let schema = target
                .strip_prefix(SCHEMAS)
                .ok_or_else(|| format!("{place}: {target} must be a schema of the spec: {SCHEMAS}NAME"))?;
            if payload.get("schemaFormat").and_then(Value::as_str) != Some(FORMAT) {
                return Err(format!("{place}: a schema of the spec needs schemaFormat: {FORMAT}"));
            }
            Some(schema.to_owned())
        }
        None if below.get("type").and_then(Value::as_str) == Some("string") => None,
        None => return Err(format!("{place}: write the schema in the spec, and refer to it: {SCHEMAS}NAME")),
    };
    Ok(Body::Frame { key: key.to_owned(), schema })
}

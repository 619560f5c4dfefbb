//! Reads the spec, `docs/api/cape.openapi.yaml`, into plain structs.

use crate::{
    schema::{Kind, Only, Schema, resolve, texts},
    streams::captures,
};
use serde_json::{Map, Value};
use std::{collections::BTreeSet, fs};

/// Where to correct the spec, for messages. The file that is read is generated from this folder, so a correction takes
/// effect only after the command.
pub const SPEC_FILE: &str = "docs/api/cape/ or docs/api/cabital/ (then run `cargo xtask codegen`)";

/// The whole spec.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Spec {
    /// Every call.
    pub operations: Vec<Operation>,
    /// Every websocket payload.
    pub channels: Vec<Channel>,
    /// Every event that the exchange sends to a merchant's server.
    pub webhooks: Vec<Webhook>,
}

/// One call.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Operation {
    /// `operationId`.
    pub id: String,
    /// `x-service`.
    pub service: String,
    /// The HTTP method, in upper case.
    pub method: String,
    /// The path without the version prefix: `/market/orders/{id}`.
    pub path: String,
    /// The client's type, such as `trading::CreateOrder`.
    pub sdk: String,
    /// The heading in the documents.
    pub section: String,
    /// The first version that has it.
    pub since: String,
    /// Whether it needs a signature.
    pub signed: bool,
    /// Whether it may be sent again: reads, and calls marked as idempotent.
    pub idempotent: bool,
    /// `x-same-key`: whether it may be sent again with the same nonce only.
    pub same_key: bool,
    /// Parameters of path and query.
    pub parameters: Vec<Parameter>,
    /// The request's body.
    pub body: Option<Schema>,
    /// The body of the successful answer, as the client reads it; `None` if only the status counts.
    pub response: Option<Schema>,
    /// Every answer, by status.
    pub answers: Vec<Answer>,
    /// The only environment that has the call; `None` means both.
    pub only: Option<Only>,
}

impl Operation {
    /// Whether the client has a type for it.
    pub fn is_offered(&self) -> bool {
        self.sdk != "-"
    }

    /// The answer with this status, if the spec has it.
    pub fn answer(&self, status: u16) -> Option<&Answer> {
        self.answers.iter().find(|answer| answer.status == status)
    }
}

/// An answer that a call may give.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The schema of its body, if it is described.
    pub schema: Option<Schema>,
    /// `x-codes`: the error codes known.
    pub codes: Vec<String>,
    /// Names of its headers.
    pub headers: Vec<String>,
}

/// A parameter outside of the body.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Parameter {
    /// Its name on the wire.
    pub name: String,
    /// Whether it is in path, query or header.
    pub place: Place,
    /// The only environment that has it; `None` means both.
    pub only: Option<Only>,
    /// Whether it is required.
    pub required: bool,
    /// `x-optional`: the last part of the path, which may be left out.
    pub may_be_left_out: bool,
    /// `x-instead-of`: the parameter that it stands for. Exactly one of the two is sent.
    pub instead_of: Option<String>,
    /// Its values.
    pub schema: Schema,
}

/// The place of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Place {
    Path,
    Query,
    Header,
}

/// The payload of a websocket topic.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Channel {
    /// The component's name, such as `StreamOrder`.
    pub name: String,
    /// The topic, such as `{market}.ob-inc`.
    pub topic: String,
    /// The payload below the topic's key.
    pub schema: Schema,
}

impl Channel {
    /// The folder of its fixtures: the name in snake case.
    pub fn folder(&self) -> String {
        let mut folder = String::new();
        for letter in self.name.chars() {
            if letter.is_ascii_uppercase() && !folder.is_empty() {
                folder.push('_');
            }
            folder.push(letter.to_ascii_lowercase());
        }
        folder
    }

    /// Whether a frame's key belongs to this topic.
    pub fn is_named(&self, key: &str) -> bool {
        captures(&self.topic, key).is_some()
    }
}

/// An event that the exchange sends to a merchant's server.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Webhook {
    /// Its name, such as `payment_reference.completed`.
    pub name: String,
    /// `operationId`, which is also the folder of its fixtures.
    pub id: String,
    /// The client's type, such as `WebhookEvent::Completed`.
    pub sdk: String,
    /// Its body.
    pub schema: Schema,
    /// `x-nameless`: whether its body does not say which event it is.
    pub is_nameless: bool,
}

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

impl Spec {
    /// The spec of this repository.
    ///
    /// # Panics
    /// If it cannot be read, or breaks its own rules; the message says where.
    pub fn cape() -> Self {
        Self::of_file("cape.openapi.yaml")
    }

    /// The spec of Cabital's partner API.
    ///
    /// # Panics
    /// If it cannot be read, or breaks its own rules; the message says where.
    pub fn cabital() -> Self {
        Self::of_file("cabital.openapi.yaml")
    }

    fn of_file(name: &str) -> Self {
        let path = format!("{}/../../docs/api/{name}", env!("CARGO_MANIFEST_DIR"));
        let text = fs::read_to_string(path).map_err(|error| error.to_string());
        match text.and_then(|text| Self::parse(&text)) {
            Ok(spec) => spec,
            Err(error) => panic!("docs/api/{name}: {error}; correct it in {SPEC_FILE}"),
        }
    }

    /// Reads a spec from YAML.
    ///
    /// # Errors
    /// The text is not YAML, or breaks the rules that the spec itself states; the message says where.
    pub fn parse(yaml: &str) -> Result<Self, String> {
        let root: Value = serde_norway::from_str(yaml).map_err(|error| error.to_string())?;
        let mut operations = Vec::new();
        for (path, item) in members(&root, "/paths") {
            for (method, node) in METHODS.iter().filter_map(|method| Some((*method, item.get(*method)?))) {
                operations.push(operation(&root, path, method, node)?);
            }
        }
        let mut channels = Vec::new();
        for (name, node) in members(&root, "/components/schemas") {
            let schema = Schema::read(&root, node, name)?;
            if let Some(topic) = node.get("x-channel").and_then(Value::as_str) {
                channels.push(Channel { name: name.clone(), topic: topic.to_owned(), schema });
            }
        }
        let webhooks = members(&root, "/webhooks").map(|(name, item)| webhook(&root, name, item));
        let webhooks = webhooks.collect::<Result<Vec<_>, _>>()?;
        let mut ids = BTreeSet::new();
        let mut all = operations.iter().map(|call| &call.id).chain(webhooks.iter().map(|event| &event.id));
        match all.find(|id| !ids.insert(*id)) {
            Some(twice) => Err(format!("operationId {twice} is used twice")),
            None => Ok(Self { operations, channels, webhooks }),
        }
    }

    /// Keeps only the calls of these modules of the client.
    #[must_use]
    pub fn of(mut self, modules: &[&str]) -> Self {
        self.operations
            .retain(|call| call.sdk.split("::").next().is_some_and(|module| modules.contains(&module)));
        self
    }

    /// A call by its operationId.
    pub fn operation(&self, id: &str) -> Option<&Operation> {
        self.operations.iter().find(|operation| operation.id == id)
    }

    /// A call by service, method and path.
    pub fn find(&self, service: &str, method: &str, path: &str) -> Option<&Operation> {
        self.operations
            .iter()
            .find(|call| call.service == service && call.method == method && call.path == path)
    }

    /// An event by its name.
    pub fn webhook(&self, name: &str) -> Option<&Webhook> {
        self.webhooks.iter().find(|event| event.name == name)
    }

    /// A websocket payload by its component's name.
    pub fn channel(&self, name: &str) -> Option<&Channel> {
        self.channels.iter().find(|channel| channel.name == name)
    }
}

fn webhook(root: &Value, name: &str, item: &Value) -> Result<Webhook, String> {
    let place = format!("webhook {name}");
    let node = item.get("post").ok_or_else(|| format!("{place}: it has no post"))?;
    let text = |key: &str| {
        let found = node.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        found.map(str::to_owned).ok_or_else(|| format!("{place}: {key} is missing"))
    };
    let body = node.get("requestBody").ok_or_else(|| format!("{place}: requestBody is missing"))?;
    let schema =
        json_schema(root, body, &place)?.ok_or_else(|| format!("{place}: its body has no schema"))?;
    let event = match &schema.kind {
        Kind::Object(object) => object.property("event").filter(|event| event.required),
        _ => None,
    };
    let names = event.map(|event| match &event.schema.kind {
        Kind::OpenEnum(names) => names.clone(),
        _ => event.schema.constant.clone().into_iter().collect(),
    });
    let is_nameless = node.get("x-nameless").is_some_and(|mark| mark == true);
    if !is_nameless && !names.is_some_and(|names| names.iter().any(|known| known == name)) {
        let remedy = "write `const`, or `x-open-enum` if several events share the schema";
        return Err(format!("{place}: its body must have a required `event` with this name: {remedy}"));
    }
    text("x-section")?;
    text("x-since")?;
    Ok(Webhook { name: name.to_owned(), id: text("operationId")?, sdk: text("x-sdk")?, schema, is_nameless })
}

fn members<'a>(root: &'a Value, pointer: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    root.pointer(pointer).and_then(Value::as_object).into_iter().flatten()
}

fn operation(root: &Value, path: &str, method: &str, node: &Value) -> Result<Operation, String> {
    let place = format!("{} {path}", method.to_uppercase());
    let text = |key: &str| {
        let found = node.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        found.map(str::to_owned).ok_or_else(|| format!("{place}: {key} is missing"))
    };
    let service = text("x-service")?;
    if root.pointer(&format!("/x-services/{service}")).is_none() {
        return Err(format!("{place}: x-services has no path for the service '{service}'"));
    }
    let mut parameters = Vec::new();
    for parameter in node.get("parameters").and_then(Value::as_array).into_iter().flatten() {
        parameters.push(self::parameter(root, parameter, &place)?);
    }
    let in_template: BTreeSet<&str> =
        path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
    let in_path = parameters.iter().filter(|p| p.place == Place::Path).map(|p| p.name.as_str()).collect();
    if in_template != in_path {
        return Err(format!("{place}: the path has {in_template:?}, the parameters have {in_path:?}"));
    }
    let body = match node.pointer("/requestBody") {
        None => None,
        Some(body) => json_schema(root, body, &format!("{place} body"))?,
    };
    let mut answers = Vec::new();
    for (status, node) in node.get("responses").and_then(Value::as_object).into_iter().flatten() {
        answers.push(answer(root, status, node, &place)?);
    }
    // What a browser opens is answered with a redirect.
    let most = if node.get("x-url").is_some_and(|mark| mark == true) { 400 } else { 300 };
    let good = answers.iter().find(|answer| (200..most).contains(&answer.status));
    let good = good.ok_or_else(|| format!("{place}: no successful response"))?;
    let response = good.schema.clone().filter(|schema| !schema.unread);
    let open = node.get("security").is_some_and(|security| security == &Value::Array(Vec::new()));
    let marked = node.get("x-idempotent").is_some_and(|mark| mark == true);
    let read = Operation {
        id: text("operationId")?,
        service,
        method: method.to_uppercase(),
        path: path.to_owned(),
        sdk: text("x-sdk")?,
        section: text("x-section")?,
        since: text("x-since")?,
        signed: !open,
        idempotent: method == "get" || marked,
        same_key: node.get("x-same-key").is_some_and(|mark| mark == true),
        parameters,
        body,
        response,
        answers,
        only: Only::read(node.get("x-only"), &place)?,
    };
    text("summary")?;
    match read.body.as_ref().map(|body| &body.kind) {
        None | Some(Kind::Object(_)) => Ok(read),
        Some(_) => Err(format!("{place}: the body is not an object")),
    }
}

fn parameter(root: &Value, node: &Value, place: &str) -> Result<Parameter, String> {
    let (_, node) = resolve(root, node, place)?;
    let name = texts(node.get("name")).pop().ok_or_else(|| format!("{place}: a parameter without a name"))?;
    let stands = match node.get("in").and_then(Value::as_str) {
        Some("path") => Place::Path,
        Some("query") => Place::Query,
        Some("header") => Place::Header,
        other => {
            return Err(format!("{place}: {name} is in {other:?}, but must be in path, query or header"));
        }
    };
    let schema = node.get("schema").ok_or_else(|| format!("{place}: {name} has no schema"))?;
    let required = node.get("required").is_some_and(|required| required == true);
    if stands == Place::Path && !required {
        return Err(format!("{place}: {name} is in the path, so it must be required"));
    }
    let place = format!("{place} {name}");
    Ok(Parameter {
        schema: Schema::read(root, schema, &place)?,
        only: Only::read(node.get("x-only"), &place)?,
        may_be_left_out: node.get("x-optional").is_some_and(|mark| mark == true),
        instead_of: node.get("x-instead-of").and_then(Value::as_str).map(str::to_owned),
        name,
        place: stands,
        required,
    })
}

fn answer(root: &Value, status: &str, node: &Value, place: &str) -> Result<Answer, String> {
    let place = format!("{place} response {status}");
    let status = status.parse().map_err(|_| format!("{place}: a status must be a number"))?;
    let (_, resolved) = resolve(root, node, &place)?;
    let headers = resolved.get("headers").and_then(Value::as_object);
    Ok(Answer {
        status,
        schema: json_schema(root, node, &place)?,
        codes: texts(resolved.get("x-codes")),
        headers: headers.into_iter().flatten().map(|(name, _)| name.clone()).collect(),
    })
}

/// The JSON schema of a body, if it has one.
fn json_schema(root: &Value, node: &Value, place: &str) -> Result<Option<Schema>, String> {
    let (_, node): (_, Map<String, Value>) = resolve(root, node, place)?;
    let forms = ["application/json", "multipart/form-data"];
    let schema = node
        .get("content")
        .and_then(|content| forms.into_iter().find_map(|form| content.get(form)?.get("schema")));
    schema.map(|schema| Schema::read(root, schema, place)).transpose()
}

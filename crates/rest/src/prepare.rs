//! Turns a request's parameters into path, query and body.
//!
//! Paths are built here only. Each value is written directly to its destination, so that no copy of a pin or a secret
//! stays in an intermediate map.

use crate::{Call, Checks, Endpoint, Form, InvalidArgument, InvalidArguments, Warning};
use capecrypto_auth::{Environment, TimeUnit};
use capecrypto_models::{
    Malformed, Sensitive, Timestamp, Upload,
    param::{Bound, Fields, Name, Param, Params, Place, Unit},
};
use std::{
    fmt::{self, Write as _},
    io::Write as _,
};

/// Capacity that is enough for most bodies, so that writing them does not reallocate.
const USUAL_BODY: usize = 256;

/// A request as it would be sent to an environment, without the signature.
///
/// `Debug` shows only method and path, because query and body may hold pins and invoices.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Prepared {
    /// The call.
    pub call: Call,
    /// Path from the host's root.
    pub path: String,
    /// Query string without the question mark; empty if there is none.
    pub query: String,
    /// JSON body.
    pub body: Option<Vec<u8>>,
    /// Fields of a form.
    pub form: Vec<Part>,
    /// Arguments that are sent although they may be wrong.
    pub warnings: Vec<Warning>,
}

/// A field of a form.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Part {
    /// Its name.
    pub name: &'static str,
    /// Its content.
    pub content: PartContent,
}

/// Content of a field of a form.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PartContent {
    /// Text.
    Text(String),
    /// A file.
    File(Upload),
}

/// Prints only the size, because the content may be personal.
impl fmt::Debug for PartContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "Text({} bytes)", text.len()),
            Self::File(file) => write!(f, "{file:?}"),
        }
    }
}

/// Prints only the name.
impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Part({})", self.name)
    }
}

impl Prepared {
    /// Checks a request and writes it out. What depends on the time, such as the end of a quote, is not checked here.
    ///
    /// # Errors
    /// Every argument that cannot be sent.
    pub fn new<E: Endpoint>(request: &E, environment: &Environment) -> Result<Self, InvalidArguments> {
        Self::with_secrets(request, environment, None, false).map(|(prepared, _)| prepared)
    }

    /// Like `new`, at a time; also returns the sensitive values if `keep` is set.
    pub(crate) fn with_secrets<E: Endpoint>(
        request: &E,
        environment: &Environment,
        now: Option<Timestamp>,
        keep: bool,
    ) -> Result<(Self, Vec<Sensitive<String>>), InvalidArguments> {
        let call = E::CALL;
        let older = environment.is_legacy();
        let template = if older { call.older_path } else { call.path };
        let mut writer = Writer {
            template,
            form: call.form,
            older,
            unit: environment.time_unit(),
            segments: Vec::new(),
            query: form_urlencoded::Serializer::new(String::new()),
            body: Vec::new(),
            parts: Vec::new(),
            at: Vec::new(),
            secrets: keep.then(Vec::new),
            checks: Checks::new(environment, now),
        };
        if call.form == Form::Json {
            writer.body.reserve(USUAL_BODY);
            writer.body.push(b'{');
        }
        request.write_fields(&mut writer);
        request.check(&mut writer.checks);
        let base = environment.path(call.service);
        let values: usize = writer.segments.iter().map(|(_, value)| value.len()).sum();
        let mut path = String::with_capacity(base.len() + template.len() + values);
        path.push_str(base);
        writer.fill(&mut path);
        let Writer { mut query, mut body, parts, checks, secrets, .. } = writer;
        InvalidArguments::none(checks.refused)?;
        // With `QueryAndJson` there is a body only if there is an object.
        let body = (!body.is_empty()).then(|| {
            body.push(b'}');
            body
        });
        let prepared =
            Self { call, path, query: query.finish(), body, form: parts, warnings: checks.warnings };
        Ok((prepared, secrets.unwrap_or_default()))
    }
}

/// Joins path and query string, as in the request line.
pub(crate) fn join(mut path: String, query: &str) -> String {
    if !query.is_empty() {
        path.reserve_exact(1 + query.len());
        path.push('?');
        path.push_str(query);
    }
    path
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Prepared({} {})", self.call.method, self.call.path)
    }
}

/// Whether a path's template has a place of this name.
fn in_path(template: &str, name: &str) -> bool {
    let mut rest = template;
    while let Some((_, after)) = rest.split_once('{') {
        match after.split_once('}') {
            Some((place, _)) if place.trim_end_matches('?') == name => return true,
            _ => rest = after,
        }
    }
    false
}

/// Most characters of a value in a path. The longest ids are those of transactions: 66 on Ethereum, 88 on Solana.
const LONGEST_SEGMENT: usize = 128;

/// Whether a value may be a segment of a path. Escaping is not enough: `..` has nothing to escape, and would turn the
/// cancellation of one order into that of all orders.
fn is_segment(value: &str) -> bool {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    (1..=LONGEST_SEGMENT).contains(&value.len()) && value.chars().all(good)
}

/// Writes a request's values into path, query, body or form.
struct Writer<'e> {
    template: &'static str,
    form: Form,
    older: bool,
    unit: TimeUnit,
    segments: Vec<(&'static str, String)>,
    query: form_urlencoded::Serializer<'static, String>,
    /// JSON without the last brace.
    body: Vec<u8>,
    parts: Vec<Part>,
    /// The way to the argument that is being written.
    at: Vec<Step>,
    /// Sensitive values, if they are to be kept.
    secrets: Option<Vec<Sensitive<String>>>,
    checks: Checks<'e>,
}

/// A step on the way to an argument.
enum Step {
    Name(&'static str),
    Index(usize),
}

impl Writer<'_> {
    /// The path of the argument that is being written, such as `ubos[1].dob`. It is put together only if something is wrong.
    fn path(&self) -> String {
        let mut path = String::new();
        for step in &self.at {
            // Writing into memory cannot fail.
            let _written = match step {
                Step::Name(name) if path.is_empty() => write!(path, "{name}"),
                Step::Name(name) => write!(path, ".{name}"),
                Step::Index(index) => write!(path, "[{index}]"),
            };
        }
        path
    }

    fn refuse(&mut self, reason: Malformed) {
        let refused = InvalidArgument::because(self.path(), reason);
        self.checks.refused.push(refused);
    }

    /// Writes the path, with its places filled in. A value that was refused is not reported again.
    fn fill(&mut self, path: &mut String) {
        let mut rest = self.template;
        while let Some((before, after)) = rest.split_once('{') {
            let (place, after) = after.split_once('}').unwrap_or((after, ""));
            let name = place.trim_end_matches('?');
            path.push_str(before);
            match self.segments.iter().find(|(field, _)| *field == name) {
                Some((_, value)) => path.push_str(value),
                // A last segment that may be left out goes with its slash.
                None if place.ends_with('?') && after.is_empty() => {
                    path.truncate(path.trim_end_matches('/').len());
                }
                None if self.checks.refused.iter().any(|refused| refused.argument == name) => {}
                None => self.checks.refuse(
                    name.to_owned(),
                    "the path needs it, but the request does not have it",
                    "set it, or report this as a defect of the request's type",
                ),
            }
            rest = after;
        }
        path.push_str(rest);
    }

    /// Writes a comma into the JSON body if the next value is not the first of its object or list.
    fn separate(&mut self) {
        if !matches!(self.body.last(), Some(b'{' | b'[') | None) {
            self.body.push(b',');
        }
    }

    /// Writes the name of a member. Names are words of our own code, so they have nothing to escape.
    fn json_key(&mut self, name: &'static str) {
        debug_assert!(
            name.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\')),
            "{name}"
        );
        self.body.reserve(name.len() + 3);
        self.body.push(b'"');
        self.body.extend_from_slice(name.as_bytes());
        self.body.extend_from_slice(b"\":");
    }

    fn json_text(&mut self, text: &str) {
        // Writing text into memory cannot fail.
        let _written = serde_json::to_writer(&mut self.body, text);
    }
}

impl Fields for Writer<'_> {
    fn field(&mut self, name: Name, value: &dyn Param) {
        self.at.push(Step::Name(name.current()));
        let spot = match name.of(self.older) {
            None => Spot::Unknown,
            Some(wire) if in_path(self.template, wire) => Spot::Segment(wire),
            Some(wire) => match self.form {
                Form::Query | Form::QueryAndJson => Spot::Query(wire),
                Form::Json => Spot::Key(wire),
                Form::Multipart => Spot::Part(wire),
            },
        };
        value.write(&mut Slot { writer: self, spot, sensitive: false });
        self.at.pop();
    }
}

/// The members of an object in the JSON body.
struct Members<'w, 'e> {
    writer: &'w mut Writer<'e>,
    /// Whether the object is sensitive as a whole.
    sensitive: bool,
}

impl Fields for Members<'_, '_> {
    fn field(&mut self, name: Name, value: &dyn Param) {
        self.writer.at.push(Step::Name(name.current()));
        let spot = name.of(self.writer.older).map_or(Spot::Unknown, Spot::Key);
        value.write(&mut Slot { writer: self.writer, spot, sensitive: self.sensitive });
        self.writer.at.pop();
    }
}

/// Where one value goes.
#[derive(Clone, Copy)]
enum Spot {
    /// A place in the path.
    Segment(&'static str),
    /// The query.
    Query(&'static str),
    /// A member of a JSON object.
    Key(&'static str),
    /// An element of a JSON list.
    Element,
    /// A field of a form.
    Part(&'static str),
    /// Nowhere, because the older version does not know the name.
    Unknown,
}

struct Slot<'w, 'e> {
    writer: &'w mut Writer<'e>,
    spot: Spot,
    /// Whether the value that is written here must never be shown.
    sensitive: bool,
}

impl Slot<'_, '_> {
    /// Begins a JSON value.
    fn begin(&mut self) {
        self.writer.separate();
        if let Spot::Key(name) = self.spot {
            self.writer.json_key(name);
        }
    }

    /// Writes a value that has no quotes in JSON.
    fn bare(&mut self, value: &dyn fmt::Display) {
        match self.spot {
            Spot::Key(_) | Spot::Element => {
                if self.sensitive {
                    self.keep(&value.to_string());
                }
                self.begin();
                // Writing into memory cannot fail.
                let _written = write!(self.writer.body, "{value}");
            }
            _ => self.put_text(&value.to_string()),
        }
    }

    /// The same for a value whose text is known.
    fn bare_text(&mut self, text: &'static str) {
        match self.spot {
            Spot::Key(_) | Spot::Element => {
                if self.sensitive {
                    self.keep(text);
                }
                self.begin();
                self.writer.body.extend_from_slice(text.as_bytes());
            }
            _ => self.put_text(text),
        }
    }

    /// Keeps a sensitive value, so that a recorder can leave it out.
    fn keep(&mut self, text: &str) {
        if let Some(secrets) = &mut self.writer.secrets {
            secrets.push(text.into());
        }
    }

    fn put_text(&mut self, text: &str) {
        if self.sensitive {
            self.keep(text);
        }
        match self.spot {
            Spot::Segment(name) if is_segment(text) => self.writer.segments.push((name, text.to_owned())),
            Spot::Segment(_) => self.writer.refuse(Malformed::new(
                "it would change the path",
                "give 1 to 128 characters out of A-Z, a-z, 0-9, '_' and '-'",
            )),
            Spot::Query(name) => {
                self.writer.query.append_pair(name, text);
            }
            Spot::Key(_) | Spot::Element => {
                self.begin();
                self.writer.json_text(text);
            }
            Spot::Part(name) => {
                self.writer.parts.push(Part { name, content: PartContent::Text(text.to_owned()) });
            }
            Spot::Unknown => self.writer.refuse(Malformed::new(
                "the older version of the exchange does not know it",
                "leave it out, or use the current version",
            )),
        }
    }

    fn unsupported(&mut self, what: &str) {
        match self.spot {
            Spot::Unknown => self.put_text(""),
            _ => self.writer.refuse(Malformed::new(
                format!("{what} cannot stand here"),
                "report this as a defect of the request's type",
            )),
        }
    }
}

impl Place for Slot<'_, '_> {
    fn absent(&mut self) {
        // In a list, `null` keeps the positions of the other elements.
        if matches!(self.spot, Spot::Element) {
            self.bare_text("null");
        }
    }

    fn text(&mut self, text: &str) {
        self.put_text(text);
    }

    fn number(&mut self, number: &dyn fmt::Display) {
        self.bare(number);
    }

    fn flag(&mut self, flag: bool) {
        self.bare_text(if flag { "true" } else { "false" });
    }

    fn time(&mut self, time: Timestamp, bound: Bound, unit: Unit) {
        let millis = time.as_unix_millis();
        // A time finer than the unit is rounded so that the range gets larger, never smaller.
        let finer = Timestamp::from_unix_millis(millis).is_ok_and(|cut| cut < time);
        let millis = millis + i64::from(finer && bound == Bound::To);
        let seconds = unit == Unit::Seconds || self.writer.unit == TimeUnit::Seconds;
        self.bare(&match (seconds, bound) {
            (false, _) => millis,
            (true, Bound::From) => millis.div_euclid(1_000),
            (true, Bound::To) => -(-millis).div_euclid(1_000),
        });
    }

    fn list(&mut self, length: usize, write: &mut dyn FnMut(usize, &mut dyn Place)) {
        let spot = match self.spot {
            // A list is written as one parameter for each element, so an empty list is not written.
            Spot::Query(_) | Spot::Part(_) => self.spot,
            Spot::Key(_) | Spot::Element => Spot::Element,
            Spot::Segment(_) | Spot::Unknown => return self.unsupported("a list"),
        };
        let in_json = matches!(spot, Spot::Element);
        if in_json {
            self.begin();
            self.writer.body.push(b'[');
        }
        for index in 0..length {
            self.writer.at.push(Step::Index(index));
            write(index, &mut Slot { writer: self.writer, spot, sensitive: self.sensitive });
            self.writer.at.pop();
        }
        if in_json {
            self.writer.body.push(b']');
        }
    }

    fn object(&mut self, object: &dyn Params) {
        if let (Spot::Query(name), Form::QueryAndJson) = (self.spot, self.writer.form) {
            if self.writer.body.is_empty() {
                self.writer.body.push(b'{');
            }
            self.spot = Spot::Key(name);
        }
        if !matches!(self.spot, Spot::Key(_) | Spot::Element) {
            return self.unsupported("an object");
        }
        self.begin();
        self.writer.body.push(b'{');
        object.write_fields(&mut Members { writer: self.writer, sensitive: self.sensitive });
        self.writer.body.push(b'}');
    }

    fn file(&mut self, file: &Upload) {
        match self.spot {
            Spot::Part(name) => {
                self.writer.parts.push(Part { name, content: PartContent::File(file.clone()) });
            }
            _ => self.unsupported("a file"),
        }
    }

    fn refuse(&mut self, reason: Malformed) {
        self.writer.refuse(reason);
    }

    fn sensitive(&mut self) {
        self.sensitive = true;
    }

    fn warn(&mut self, reason: Malformed) {
        let warning = Warning::because(self.writer.path(), reason);
        self.writer.checks.warnings.push(warning);
    }
}

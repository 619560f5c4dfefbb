//! Schemas of the spec, with resolved references and with their marks.

use serde_json::{Map, Value};

/// The form of a value on the wire.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Schema {
    /// The component's name, if it has one.
    pub name: Option<String>,
    /// The kind of value.
    pub kind: Kind,
    /// May be written as JSON text.
    pub as_text: bool,
    /// May be written as a JSON number.
    pub as_number: bool,
    /// May be null even where it is required. Optional properties may always be null.
    pub nullable: bool,
    /// `x-unread`: the client does not read it.
    pub unread: bool,
    /// `x-any-case`: an enumeration that may be written in small or capital letters.
    pub any_case: bool,
    /// `x-sensitive`: a secret or a person's data.
    pub sensitive: bool,
    /// `maximum`, of a whole number.
    pub maximum: Option<i64>,
    /// `enum`, of whole numbers; empty if every number is allowed.
    pub numbers: Vec<i64>,
    /// `const`, of text: the only value.
    pub constant: Option<String>,
}

/// The kinds of values in the spec.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Kind {
    /// Anything.
    Any,
    /// Text, kept unchanged.
    Text,
    /// True or false.
    Flag,
    /// A whole number.
    Integer,
    /// `format: decimal`.
    Decimal {
        /// `x-empty`: the meaning of empty text, if it is allowed.
        empty: Option<String>,
    },
    /// `x-time`.
    Time(Unit),
    /// `x-open-enum` with the values known today.
    OpenEnum(Vec<String>),
    /// `x-id`: a number (which may be written as text), or any text.
    Id {
        /// Whether it is a number.
        number: bool,
    },
    /// An object with named properties.
    Object(Object),
    /// An object with any keys.
    Map {
        /// The schema of the values.
        values: Box<Schema>,
        /// `x-or-list`: may also be a list of the values.
        or_list: bool,
    },
    /// A list.
    List(Box<Schema>),
    /// `prefixItems`: a list in which each position has its own meaning.
    Tuple(Vec<Schema>),
}

/// `x-only`: the only environment that has a call, a parameter or a property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Only {
    Current,
    Legacy,
}

impl Only {
    pub(crate) fn read(mark: Option<&Value>, place: &str) -> Result<Option<Self>, String> {
        match mark.map(Value::as_str) {
            None => Ok(None),
            Some(Some("current")) => Ok(Some(Self::Current)),
            Some(Some("legacy")) => Ok(Some(Self::Legacy)),
            Some(_) => Err(format!("{place}: x-only is current or legacy")),
        }
    }
}

/// How the exchange writes a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Unit {
    Iso,
    Seconds,
    Milliseconds,
}

/// An object's properties.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct Object {
    /// The properties.
    pub properties: Vec<Property>,
    /// `x-ignored`: properties that only repeat others, and that a client may drop.
    pub ignored: Vec<String>,
    /// `x-adds-up`: a total, and its parts.
    pub adds_up: Option<(String, Vec<String>)>,
    /// `x-or-list`: may also be a list with this object alone.
    pub or_list: bool,
    /// `additionalProperties: true`: other properties are kept as they came.
    pub open: bool,
    /// `oneOf`: the forms that it may have. `properties` then has those of all of them.
    pub forms: Option<Forms>,
}

/// The forms of an object, such as a person or a business.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Forms {
    /// `discriminator`: the property whose value tells the form.
    pub told_by: String,
    /// Each value with its form.
    pub each: Vec<(String, Object)>,
}

/// One property.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Property {
    /// Its name on the wire.
    pub name: String,
    /// Its other names.
    pub aliases: Vec<String>,
    /// Whether it is required.
    pub required: bool,
    /// `x-one-or-many`: whether a single item may be sent instead of the list.
    pub one_or_many: bool,
    /// `x-sometimes`: most answers do not have it.
    pub sometimes: bool,
    /// The only environment that has it; `None` means both.
    pub only: Option<Only>,
    /// Its values.
    pub schema: Schema,
}

impl Property {
    /// Its name, then its other names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.name.as_str()).chain(self.aliases.iter().map(String::as_str))
    }
}

impl Object {
    /// The form that a value has; the object itself if it has only one.
    pub fn form_of(&self, value: Option<&Value>) -> &Self {
        let Some(forms) = &self.forms else { return self };
        let told = value.and_then(|value| value.get(&forms.told_by)).and_then(Value::as_str);
        forms.each.iter().find(|(name, _)| Some(name.as_str()) == told).map_or(self, |(_, form)| form)
    }

    /// The property with that name or alias.
    pub fn property(&self, name: &str) -> Option<&Property> {
        self.properties.iter().find(|property| property.names().any(|known| known == name))
    }
}

const MARKS: [&str; 17] = [
    "x-open-enum",
    "x-any-case",
    "x-list",
    "x-time",
    "x-id",
    "x-alias",
    "x-one-or-many",
    "x-empty",
    "x-adds-up",
    "x-ignored",
    "x-channel",
    "x-or-list",
    "x-sometimes",
    "x-unread",
    "x-only",
    "x-sensitive",
    "x-any",
];

impl Schema {
    /// Reads a schema.
    ///
    /// # Errors
    /// The spec breaks its own rules, for example by a dangling reference, an unknown mark, or a fraction without
    /// `format: decimal`; the message says where.
    pub fn read(spec: &Value, node: &Value, place: &str) -> Result<Self, String> {
        Self::read_within(spec, node, place, 0)
    }

    fn read_within(spec: &Value, node: &Value, place: &str, depth: usize) -> Result<Self, String> {
        if depth > 16 {
            return Err(format!("{place}: the schema refers to itself"));
        }
        let (name, node) = resolve(spec, node, place)?;
        let inner =
            |node: &Value, key: &str| Self::read_within(spec, node, &format!("{place}/{key}"), depth + 1);
        if let Some(mark) = node.keys().find(|key| key.starts_with("x-") && !MARKS.contains(&key.as_str())) {
            return Err(format!(
                "{place}: the probe does not know the mark '{mark}'; use one of: {}",
                MARKS.join(", ")
            ));
        }
        // Refuse what the probe does not understand; otherwise the schema would accept every value.
        if let Some(word) = ["anyOf", "allOf", "not"].into_iter().find(|word| node.contains_key(*word)) {
            return Err(format!(
                "{place}: the probe does not know {word}; write the type with the marks that it knows"
            ));
        }
        let mut types = texts(node.get("type"));
        let nullable = types.iter().any(|kind| kind == "null");
        types.retain(|kind| kind != "null");
        let maximum = node.get("maximum").and_then(Value::as_i64);
        let numbers = node.get("enum").and_then(Value::as_array);
        let numbers = numbers.into_iter().flatten().filter_map(Value::as_i64).collect();
        let unread = node.get("x-unread").is_some_and(|mark| mark == true);
        let is = |kind: &str| types.iter().any(|known| known == kind);
        let items = || node.get("items").ok_or_else(|| format!("{place}: a list without items"));

        let kind = if let Some(forms) = node.get("oneOf").and_then(Value::as_array) {
            Kind::Object(one_of(&node, forms, place, &inner)?)
        } else if node.get("format").is_some_and(|format| format == "decimal") {
            Kind::Decimal { empty: node.get("x-empty").and_then(Value::as_str).map(str::to_owned) }
        } else if let Some(unit) = node.get("x-time") {
            Kind::Time(match unit.as_str() {
                Some("iso") => Unit::Iso,
                Some("seconds") => Unit::Seconds,
                Some("milliseconds") => Unit::Milliseconds,
                _ => return Err(format!("{place}: x-time must be iso, seconds or milliseconds, not {unit}")),
            })
        } else if node.contains_key("x-open-enum") {
            Kind::OpenEnum(texts(node.get("x-open-enum")))
        } else if let Some(id) = node.get("x-id") {
            match id.as_str() {
                Some("number") => Kind::Id { number: true },
                Some("text") => Kind::Id { number: false },
                _ => return Err(format!("{place}: x-id must be number or text, not {id}")),
            }
        } else if let Some(places) = node.get("prefixItems").and_then(Value::as_array) {
            // `items` is required, because it says what further positions contain.
            items()?;
            Kind::Tuple(places.iter().map(|item| inner(item, "prefixItems")).collect::<Result<_, _>>()?)
        } else if is("array") {
            Kind::List(Box::new(inner(items()?, "items")?))
        } else if let Some(values) = node.get("additionalProperties").filter(|values| !values.is_boolean()) {
            Kind::Map {
                values: Box::new(inner(values, "additionalProperties")?),
                or_list: node.get("x-or-list").is_some_and(|mark| mark == true),
            }
        } else if is("object") {
            Kind::Object(object(&node, place, &inner)?)
        } else if is("boolean") {
            Kind::Flag
        } else if is("integer") {
            Kind::Integer
        } else if is("number") {
            return Err(format!("{place}: a number that is not an integer needs format: decimal"));
        } else if is("string") {
            Kind::Text
        } else if node.get("x-any").is_some_and(|mark| mark == true) {
            Kind::Any
        } else if types.is_empty() {
            return Err(format!(
                "{place}: there is no type; write one, or x-any: true if every value is allowed"
            ));
        } else {
            return Err(format!("{place}: the probe does not know the type {types:?}"));
        };
        Ok(Self {
            name,
            kind,
            as_text: is("string"),
            as_number: is("number") || is("integer"),
            nullable,
            unread,
            any_case: node.get("x-any-case").is_some_and(|mark| mark == true),
            sensitive: node.get("x-sensitive").is_some_and(|mark| mark == true),
            maximum,
            numbers,
            constant: node.get("const").and_then(Value::as_str).map(str::to_owned),
        })
    }
}

fn object(
    node: &Map<String, Value>,
    place: &str,
    inner: &dyn Fn(&Value, &str) -> Result<Schema, String>,
) -> Result<Object, String> {
    let required = texts(node.get("required"));
    let mut properties = Vec::new();
    for (name, value) in node.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let schema = inner(value, name)?;
        let one_or_many = value.get("x-one-or-many").is_some_and(|mark| mark == true);
        if one_or_many && !matches!(schema.kind, Kind::List(_)) {
            return Err(format!("{place}/{name}: x-one-or-many is allowed only on a list"));
        }
        properties.push(Property {
            name: name.clone(),
            aliases: texts(value.get("x-alias")),
            required: required.contains(name),
            one_or_many,
            sometimes: value.get("x-sometimes").is_some_and(|mark| mark == true),
            only: Only::read(value.get("x-only"), &format!("{place}/{name}"))?,
            schema,
        });
    }
    let adds_up = node.get("x-adds-up").map(|sum| {
        (sum.get("total").and_then(Value::as_str).unwrap_or_default().to_owned(), texts(sum.get("parts")))
    });
    let or_list = node.get("x-or-list").is_some_and(|mark| mark == true);
    let open = node.get("additionalProperties").is_some_and(|others| others == true);
    let ignored = texts(node.get("x-ignored"));
    let object = Object { properties, ignored, adds_up, or_list, open, forms: None };
    let in_sum = object.adds_up.iter().flat_map(|(total, parts)| std::iter::once(total).chain(parts));
    match required.iter().chain(in_sum).find(|name| object.property(name).is_none()) {
        Some(name) => {
            Err(format!("{place}: '{name}' is in `required` or `x-adds-up`, but is not a property"))
        }
        None => Ok(object),
    }
}

/// Reads `oneOf`: objects that differ in the value of one property. A property of two of them must be the same in both.
fn one_of(
    node: &Map<String, Value>,
    forms: &[Value],
    place: &str,
    inner: &dyn Fn(&Value, &str) -> Result<Schema, String>,
) -> Result<Object, String> {
    let told_by = node.get("discriminator").and_then(|told| told.get("propertyName")).and_then(Value::as_str);
    let told_by =
        told_by.ok_or_else(|| format!("{place}: oneOf needs a discriminator with a propertyName"))?;
    let (mut all, mut each) = (Object::default(), Vec::new());
    for form in forms {
        let Kind::Object(form) = inner(form, "oneOf")?.kind else {
            return Err(format!("{place}: oneOf is known for objects only"));
        };
        let told = form.property(told_by).filter(|told| told.required).map(|told| &told.schema.kind);
        match told {
            Some(Kind::OpenEnum(values)) if values.len() == 1 => {
                each.extend(values.iter().map(|value| (value.clone(), form.clone())));
            }
            _ => {
                return Err(format!(
                    "{place}: each form needs '{told_by}' in `required`, as an x-open-enum of one value"
                ));
            }
        }
        for property in form.properties {
            add_property(&mut all, property, place)?;
        }
    }
    // Required in all forms.
    for property in &mut all.properties {
        let required = |(_, form): &(_, Object)| form.property(&property.name).is_some_and(|p| p.required);
        property.required = each.iter().all(required);
    }
    all.forms = Some(Forms { told_by: told_by.to_owned(), each });
    Ok(all)
}

/// Adds a property of a form to those of the other forms.
fn add_property(all: &mut Object, property: Property, place: &str) -> Result<(), String> {
    let Some(known) = all.properties.iter_mut().find(|known| known.name == property.name) else {
        all.properties.push(property);
        return Ok(());
    };
    match (&mut known.schema.kind, property.schema.kind) {
        (Kind::OpenEnum(values), Kind::OpenEnum(more)) => values.extend(more),
        (known, other) if *known == other => {}
        _ => {
            return Err(format!("{place}: '{}' is not the same in all forms of the oneOf", property.name));
        }
    }
    Ok(())
}

/// Resolves a reference: the node that it points to, with the notes and marks beside the reference in place of its own.
///
/// Other keys beside a reference do not replace those of the schema: in JSON Schema both count. A value that one of the two
/// does not allow is not allowed, so that `null` beside a schema without it allows nothing more.
pub(crate) fn resolve(
    spec: &Value,
    node: &Value,
    place: &str,
) -> Result<(Option<String>, Map<String, Value>), String> {
    let own = node.as_object().ok_or_else(|| format!("{place}: expected an object"))?;
    let Some(target) = own.get("$ref").and_then(Value::as_str) else { return Ok((None, own.clone())) };
    let found = target.strip_prefix('#').and_then(|pointer| spec.pointer(pointer));
    let found = found.ok_or_else(|| format!("{place}: {target} points nowhere"))?;
    let (name, mut node) = resolve(spec, found, target)?;
    let is_note = |key: &str| key.starts_with("x-") || ["description", "summary"].contains(&key);
    if let Some(key) = own.keys().find(|key| !is_note(key) && node.contains_key(key.as_str())) {
        return Err(format!(
            "{place}: {key} beside a reference does not replace the {key} of {target}; write the schema out here"
        ));
    }
    node.extend(
        own.iter().filter(|(key, _)| *key != "$ref").map(|(key, value)| (key.clone(), value.clone())),
    );
    Ok((name.or_else(|| target.rsplit('/').next().map(str::to_owned)), node))
}

/// One text or a list of texts.
pub(crate) fn texts(node: Option<&Value>) -> Vec<String> {
    match node {
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

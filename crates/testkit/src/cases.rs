//! Test cases made from one good document: what a tolerant reader must accept, and what it must refuse.

use crate::{
    canon::is_bare_item,
    exact::number,
    schema::{Kind, Object, Property, Schema},
};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What a reader must do with a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expect {
    /// Read it, and write it again with the same meaning.
    Kept,
    /// Refuse it.
    Refused,
}

/// One changed document.
#[derive(Debug)]
pub(crate) struct Case {
    /// The change in words, for messages.
    pub(crate) what: String,
    pub(crate) document: Value,
    pub(crate) expect: Expect,
}

/// All cases of a document. A field that is in several items of a list is changed in only one of them.
pub(crate) fn cases<'a>(schema: &'a Schema, document: &'a Value) -> Vec<Case> {
    let mut maker = Maker { document, done: BTreeSet::new(), cases: Vec::new() };
    maker.walk(schema, &Place::default());
    maker.cases
}

/// A number with 28 digits, which must be kept, and one with 29, which must be refused and not rounded.
const DIGITS_28: &str = "1234567890.123456789012345678";
const DIGITS_29: &str = "1234567890.1234567890123456789";

struct Maker<'a> {
    document: &'a Value,
    done: BTreeSet<String>,
    cases: Vec<Case>,
}

#[derive(Debug, Clone, Default)]
struct Place<'a> {
    /// JSON pointer.
    pointer: String,
    /// The pointer without list positions and map keys: for messages, and to change each field only once.
    field: String,
    /// The sum that this field is the total or a part of.
    sum: Option<Sum<'a>>,
}

#[derive(Debug, Clone)]
struct Sum<'a> {
    object: String,
    field: &'a str,
    total: &'a str,
    parts: &'a [String],
}

impl Place<'_> {
    fn below(&self, key: &str, field: &str) -> Self {
        let key = key.replace('~', "~0").replace('/', "~1");
        Self {
            pointer: format!("{}/{key}", self.pointer),
            field: format!("{}{field}", self.field),
            sum: None,
        }
    }

    fn shown(&self) -> &str {
        if self.field.is_empty() { "the whole" } else { &self.field }
    }
}

impl<'a> Maker<'a> {
    fn add(&mut self, place: &Place<'_>, what: &str, expect: Expect, change: impl FnOnce(&mut Value)) {
        let mut document = self.document.clone();
        if let Some(value) = document.pointer_mut(&place.pointer) {
            change(value);
            self.cases.push(Case { what: format!("{}: {what}", place.shown()), document, expect });
        }
    }

    /// A case with another value at the place, which must be kept.
    fn kept(&mut self, place: &Place<'_>, value: Value) {
        let what = format!("{} in its place", crate::exact::write(&value));
        self.add(place, &what, Expect::Kept, |slot| *slot = value);
        if let (Some(sum), Some(case)) = (&place.sum, self.cases.last_mut()) {
            sum.balance(&mut case.document);
        }
    }

    fn refused(&mut self, place: &Place<'_>, value: Value) {
        let what = format!("{} in its place", crate::exact::write(&value));
        self.add(place, &what, Expect::Refused, |slot| *slot = value);
    }

    fn walk(&mut self, schema: &'a Schema, place: &Place<'_>) {
        let document = self.document;
        let Some(value) = document.pointer(&place.pointer).filter(|value| !value.is_null()) else { return };
        if !self.done.insert(place.field.clone()) {
            return;
        }
        match &schema.kind {
            Kind::Any | Kind::Text => {}
            Kind::Flag => self.flag(schema, place),
            Kind::Integer => self.whole_numbers(schema, place, "7"),
            // Above 2^53, so that reading it as a float would change it.
            Kind::Id { number: true } => self.whole_numbers(schema, place, "9007199254740993"),
            Kind::Id { number: false } => {
                self.kept(place, json!("302b0494-1a06_4089"));
                if schema.as_number {
                    self.kept(place, number("173757"));
                }
            }
            Kind::Decimal { empty } => self.decimals(schema, empty.as_deref(), place),
            Kind::Time(_) => self.times(place),
            Kind::OpenEnum(_) => {
                self.kept(place, json!("a_value_of_next_year"));
                self.kept(place, json!("Next Year / 2"));
            }
            Kind::Object(object) => self.object(object, value, place),
            Kind::Map { values, or_list } => {
                self.kept(place, json!({}));
                if *or_list {
                    self.kept(place, json!([]));
                }
                self.refused(place, json!(true));
                for index in 0..value.as_array().map_or(0, Vec::len) {
                    self.walk(values, &place.below(&index.to_string(), "{}"));
                }
                for key in value.as_object().into_iter().flat_map(|map| map.keys()) {
                    self.walk(values, &place.below(key, "{}"));
                }
            }
            Kind::List(items) => {
                self.kept(place, json!([]));
                self.refused(place, json!(true));
                for index in 0..value.as_array().map_or(0, Vec::len) {
                    self.walk(items, &place.below(&index.to_string(), "[]"));
                }
            }
            Kind::Tuple(places) => {
                self.add(place, "one value short", Expect::Refused, |slot| {
                    slot.as_array_mut().and_then(Vec::pop);
                });
                self.refused(place, json!(true));
                for (index, item) in places.iter().enumerate() {
                    self.walk(item, &place.below(&index.to_string(), &format!("[{index}]")));
                }
            }
        }
    }

    fn flag(&mut self, schema: &Schema, place: &Place<'_>) {
        for flag in [true, false] {
            self.kept(place, json!(flag));
            if schema.as_text {
                self.kept(place, json!(flag.to_string()));
            }
        }
        self.refused(place, json!("perhaps"));
    }

    fn whole_numbers(&mut self, schema: &Schema, place: &Place<'_>, digits: &str) {
        self.kept(place, number(digits));
        if schema.as_text {
            self.kept(place, json!(digits));
        }
        self.refused(place, json!("seven"));
        self.refused(place, json!(true));
    }

    fn decimals(&mut self, schema: &Schema, empty: Option<&str>, place: &Place<'_>) {
        for digits in ["1.5", "0.0", "15e-1", "1.0e-07", "1e+21", DIGITS_28] {
            self.kept(place, json!(digits));
            if schema.as_number {
                self.kept(place, number(digits));
            }
        }
        if empty.is_some() {
            self.kept(place, json!(""));
        }
        for digits in [DIGITS_29, "1e-40"] {
            self.refused(place, json!(digits));
            self.refused(place, number(digits));
        }
        self.refused(place, json!("12,5"));
        self.refused(place, json!(true));
    }

    fn times(&mut self, place: &Place<'_>) {
        for text in [
            "2023-12-08T08:46:59+01:00",
            "2023-12-08T07:46:59Z",
            "2023-12-08T07:46:59.125Z",
            "1702021619",
            "1702021619125",
        ] {
            self.kept(place, json!(text));
        }
        for digits in ["1702021619", "1702021619125"] {
            self.kept(place, number(digits));
        }
        self.refused(place, json!("yesterday"));
        self.refused(place, json!(true));
    }

    fn object(&mut self, object: &'a Object, value: &'a Value, place: &Place<'_>) {
        self.refused(place, json!(true));
        if object.or_list && value.is_object() {
            self.kept(place, json!([value]));
            self.refused(place, json!([]));
            self.refused(place, json!([value, value]));
        }
        self.add(place, "an unknown field", Expect::Kept, |slot| {
            if let Some(map) = slot.as_object_mut() {
                map.insert("a_field_of_next_year".to_owned(), json!({ "x": [1, null] }));
            }
        });
        for property in &object.properties {
            let Some(name) = property.names().find(|name| value.get(name).is_some()) else { continue };
            let mut inner = place.below(name, &format!("/{}", property.name));
            inner.sum = object.adds_up.as_ref().and_then(|(total, parts)| {
                let in_it = total == name || parts.iter().any(|part| part == name);
                let whole = parts.iter().chain([total]).all(|field| value.get(field).is_some());
                let object = place.pointer.clone();
                (in_it && whole).then_some(Sum { object, field: name, total, parts })
            });
            self.property(property, name, place, &inner);
        }
    }

    fn property(&mut self, property: &'a Property, name: &str, object: &Place<'_>, place: &Place<'_>) {
        if !self.done.insert(format!("{} as a property", place.field)) {
            self.walk(&property.schema, place);
            return;
        }
        let expect = if property.required { Expect::Refused } else { Expect::Kept };
        let take = |slot: &mut Value| slot.as_object_mut().and_then(|map| map.remove(name));
        self.add(object, &format!("without {name}"), expect, |slot| drop(take(slot)));
        self.add(place, "null in its place", expect, |slot| *slot = Value::Null);
        for other in property.names().filter(|other| *other != name) {
            self.add(object, &format!("{name} under its other name {other}"), Expect::Kept, |slot| {
                if let (Some(value), Some(map)) = (take(slot), slot.as_object_mut()) {
                    map.insert(other.to_owned(), value);
                }
            });
        }
        match &property.schema.kind {
            Kind::List(items) if property.one_or_many => self.one_or_many(items, place),
            _ => self.walk(&property.schema, place),
        }
    }

    fn one_or_many(&mut self, items: &'a Schema, place: &Place<'_>) {
        let Some(value) = self.document.pointer(&place.pointer) else { return };
        let bare = is_bare_item(items, value);
        let Some(item) = (if bare { Some(value) } else { value.get(0) }) else { return };
        self.kept(place, json!([]));
        self.kept(place, item.clone());
        self.kept(place, json!([item]));
        self.refused(place, json!(true));
        if bare {
            self.walk(items, &Place { field: format!("{}[]", place.field), ..place.clone() });
        } else {
            self.walk(items, &place.below("0", "[]"));
        }
    }
}

impl Sum<'_> {
    /// Makes the amounts add up again after one of them was changed: the changed value becomes the total and one part, and
    /// the other parts become zero.
    fn balance(&self, document: &mut Value) {
        let Some(map) = document.pointer_mut(&self.object).and_then(Value::as_object_mut) else { return };
        let Some(amount) = map.get(self.field).cloned() else { return };
        let chosen =
            if self.field == self.total { self.parts.first().map(String::as_str) } else { Some(self.field) };
        for part in self.parts {
            let value = if Some(part.as_str()) == chosen { amount.clone() } else { json!("0") };
            map.insert(part.clone(), value);
        }
        map.insert(self.total.to_owned(), amount);
    }
}

/// Every documented field, and the fields that are in a document: `(all, shown)`.
pub(crate) fn fields(schema: &Schema, documents: &[Value]) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut all, mut shown) = (BTreeSet::new(), BTreeSet::new());
    list_fields(schema, "", &mut all);
    for document in documents {
        show_fields(schema, document, "", &mut shown);
    }
    (all, shown)
}

fn list_fields(schema: &Schema, place: &str, all: &mut BTreeSet<String>) {
    match &schema.kind {
        Kind::Object(object) => {
            for property in &object.properties {
                let place = format!("{place}/{}", property.name);
                list_fields(&property.schema, &place, all);
                all.insert(place);
            }
        }
        Kind::Map { values, .. } => list_fields(values, &format!("{place}{{}}"), all),
        Kind::List(items) => list_fields(items, &format!("{place}[]"), all),
        _ => {}
    }
}

fn show_fields(schema: &Schema, value: &Value, place: &str, shown: &mut BTreeSet<String>) {
    match (&schema.kind, value) {
        (Kind::Object(object), Value::Object(map)) => {
            for (property, value) in
                map.iter().filter_map(|(key, value)| Some((object.property(key)?, value)))
            {
                let place = format!("{place}/{}", property.name);
                if !value.is_null() {
                    show_fields(&property.schema, value, &place, shown);
                    shown.insert(place);
                }
            }
        }
        (Kind::Map { values, .. }, Value::Object(map)) => {
            map.values().for_each(|value| show_fields(values, value, &format!("{place}{{}}"), shown));
        }
        (Kind::List(items), Value::Array(list)) => {
            list.iter().for_each(|item| show_fields(items, item, &format!("{place}[]"), shown));
        }
        _ => {}
    }
}

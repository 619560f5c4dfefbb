//! From a request's fields to path, query and body.
//!
//! The one place where paths are built. The fields are written straight to where they go: no copy of a pin or a
//! secret is left behind in some map.

use crate::{Call, Endpoint, InvalidArgument};
use capecrypto_auth::{Environment, TimeUnit};
use serde::{
    Serialize,
    ser::{self, Impossible, SerializeSeq, SerializeStruct, Serializer},
};
use std::fmt;
use url::form_urlencoded;

/// Name of a newtype that holds Unix milliseconds, for the start of a range: written in the environment's unit,
/// rounded down.
pub const INSTANT_FROM: &str = "$capecrypto::from";
/// The same for the end of a range: rounded up, so that the range never becomes smaller than asked for.
pub const INSTANT_TO: &str = "$capecrypto::to";

/// Room for most bodies, so that they are written without moving.
const USUAL_BODY: usize = 256;

/// A request as it would be sent to an environment, less the signature.
///
/// `Debug` shows method and path only: query and body may hold pins and invoices.
#[derive(Clone, PartialEq, Eq)]
pub struct Prepared {
    /// The call.
    pub call: Call,
    /// Path from the host's root.
    pub path: String,
    /// Query string without the question mark; empty where there is none.
    pub query: String,
    /// JSON body.
    pub body: Option<Vec<u8>>,
}

impl Prepared {
    /// Checks a request and writes it out.
    ///
    /// # Errors
    /// [`InvalidArgument`] for the first argument that cannot be sent.
    pub fn new<E: Endpoint>(request: &E, environment: &Environment) -> Result<Self, InvalidArgument> {
        request.check(environment)?;
        let call = E::CALL;
        let has_body = matches!(call.method, "POST" | "PUT" | "PATCH");
        let mut fields = Fields {
            template: call.path,
            segments: Vec::new(),
            query: form_urlencoded::Serializer::new(String::new()),
            body: has_body.then(|| {
                let mut body = Vec::with_capacity(USUAL_BODY);
                body.push(b'{');
                body
            }),
            unit: environment.time_unit(),
        };
        request.serialize(&mut fields).map_err(|Refused(argument)| argument)?;
        let base = environment.path(call.service);
        let values: usize = fields.segments.iter().map(|(_, value)| value.len()).sum();
        let mut path = String::with_capacity(base.len() + call.path.len() + values);
        path.push_str(base);
        fill(&mut path, call.path, &fields.segments)?;
        let body = fields.body.map(|mut body| {
            body.push(b'}');
            body
        });
        Ok(Self { call, path, query: fields.query.finish(), body })
    }
}

/// Path with query string, as it stands in the request line.
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
            Some((place, _)) if place == name => return true,
            _ => rest = after,
        }
    }
    false
}

fn fill(
    path: &mut String,
    template: &str,
    segments: &[(&'static str, String)],
) -> Result<(), InvalidArgument> {
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        let Some((_, value)) = segments.iter().find(|(field, _)| *field == name) else {
            return Err(InvalidArgument::new(
                name.to_owned(),
                "the path needs it and the request has none",
                "set it, or report this as a defect of the request's type",
            ));
        };
        path.push_str(before);
        path.push_str(value);
        rest = after;
    }
    path.push_str(rest);
    Ok(())
}

/// Escaping is not enough for a path: `..` needs none, and turns one order's cancellation into everyone's.
fn check_segment(argument: &'static str, value: &str) -> Result<(), InvalidArgument> {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if (1..=64).contains(&value.len()) && value.chars().all(good) {
        return Ok(());
    }
    Err(InvalidArgument::new(
        argument,
        "it would change the path it stands in",
        "give 1 to 64 characters out of A-Z, a-z, 0-9, '_' and '-'",
    ))
}

/// An argument that refused to be written.
#[derive(Debug)]
struct Refused(InvalidArgument);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Refused {}

impl ser::Error for Refused {
    /// A checked argument says `why; remedy`; its name is added where the field is known.
    fn custom<T: fmt::Display>(reason: T) -> Self {
        Self(refusal("", &reason.to_string()))
    }
}

fn refusal(argument: &'static str, reason: &str) -> InvalidArgument {
    let (why, remedy) = reason.rsplit_once("; ").unwrap_or((reason, "give another value"));
    InvalidArgument::new(argument, why.to_owned(), remedy.to_owned())
}

fn named(argument: &'static str) -> impl Fn(Refused) -> Refused {
    move |Refused(refused)| Refused(InvalidArgument { argument: argument.into(), ..refused })
}

/// Takes a request's fields to where they belong.
struct Fields {
    template: &'static str,
    segments: Vec<(&'static str, String)>,
    query: form_urlencoded::Serializer<'static, String>,
    body: Option<Vec<u8>>,
    unit: TimeUnit,
}

impl SerializeStruct for &mut Fields {
    type Ok = ();
    type Error = Refused;

    fn serialize_field<T: ?Sized + Serialize>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), Refused> {
        if in_path(self.template, key) {
            let mut texts = value.serialize(Texts { unit: self.unit }).map_err(named(key))?;
            let text = texts.pop().unwrap_or_default();
            check_segment(key, &text).map_err(Refused)?;
            self.segments.push((key, text));
        } else if let Some(body) = &mut self.body {
            if body.len() > 1 {
                body.push(b',');
            }
            let written = serde_json::to_writer(&mut *body, key).and_then(|()| {
                body.push(b':');
                serde_json::to_writer(&mut *body, value)
            });
            written.map_err(|error| Refused(refusal(key, &error.to_string())))?;
        } else {
            for text in value.serialize(Texts { unit: self.unit }).map_err(named(key))? {
                self.query.append_pair(key, &text);
            }
        }
        Ok(())
    }

    fn end(self) -> Result<(), Refused> {
        Ok(())
    }
}

/// A field's value as text: none for an absent one, several for a list.
#[derive(Clone, Copy)]
struct Texts {
    unit: TimeUnit,
}

impl Texts {
    fn instant(self, name: &str, text: String) -> String {
        match (self.unit, text.parse::<i64>()) {
            (TimeUnit::Seconds, Ok(millis)) if name == INSTANT_FROM => millis.div_euclid(1_000).to_string(),
            (TimeUnit::Seconds, Ok(millis)) => (-(-millis).div_euclid(1_000)).to_string(),
            _ => text,
        }
    }
}

struct List {
    each: Texts,
    texts: Vec<String>,
}

impl SerializeSeq for List {
    type Ok = Vec<String>;
    type Error = Refused;

    fn serialize_element<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Refused> {
        self.texts.extend(value.serialize(self.each)?);
        Ok(())
    }

    fn end(self) -> Result<Vec<String>, Refused> {
        Ok(self.texts)
    }
}

fn unsupported<T>(what: &str) -> Result<T, Refused> {
    Err(ser::Error::custom(format!(
        "{what} cannot stand here; report this as a defect of the request's type"
    )))
}

macro_rules! as_text {
    ($($method:ident: $ty:ty),+) => {
        $(fn $method(self, value: $ty) -> Result<Self::Ok, Refused> {
            Ok(vec![value.to_string()])
        })+
    };
}

macro_rules! refuse_scalars {
    ($($method:ident: $ty:ty),+) => {
        $(fn $method(self, _: $ty) -> Result<Self::Ok, Refused> {
            unsupported(stringify!($ty))
        })+
    };
}

/// What neither a request nor a parameter can be.
macro_rules! refuse_compounds {
    () => {
        fn serialize_unit_variant(
            self,
            _: &'static str,
            _: u32,
            variant: &'static str,
        ) -> Result<Self::Ok, Refused> {
            variant.serialize(self)
        }
        fn serialize_newtype_variant<T: ?Sized + Serialize>(
            self,
            _: &'static str,
            _: u32,
            _: &'static str,
            _: &T,
        ) -> Result<Self::Ok, Refused> {
            unsupported("a variant with content")
        }
        fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Refused> {
            unsupported("a tuple")
        }
        fn serialize_tuple_struct(
            self,
            _: &'static str,
            _: usize,
        ) -> Result<Self::SerializeTupleStruct, Refused> {
            unsupported("a tuple")
        }
        fn serialize_tuple_variant(
            self,
            _: &'static str,
            _: u32,
            _: &'static str,
            _: usize,
        ) -> Result<Self::SerializeTupleVariant, Refused> {
            unsupported("a variant with content")
        }
        fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Refused> {
            unsupported("a map")
        }
        fn serialize_struct_variant(
            self,
            _: &'static str,
            _: u32,
            _: &'static str,
            _: usize,
        ) -> Result<Self::SerializeStructVariant, Refused> {
            unsupported("a variant with content")
        }
        fn serialize_bytes(self, _: &[u8]) -> Result<Self::Ok, Refused> {
            unsupported("bytes")
        }
    };
}

impl<'a> Serializer for &'a mut Fields {
    type Ok = ();
    type Error = Refused;
    type SerializeSeq = Impossible<(), Refused>;
    type SerializeTuple = Impossible<(), Refused>;
    type SerializeTupleStruct = Impossible<(), Refused>;
    type SerializeTupleVariant = Impossible<(), Refused>;
    type SerializeMap = Impossible<(), Refused>;
    type SerializeStruct = &'a mut Fields;
    type SerializeStructVariant = Impossible<(), Refused>;

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, Refused> {
        Ok(self)
    }
    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Refused> {
        Ok(())
    }
    fn serialize_newtype_struct<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Refused> {
        value.serialize(self)
    }
    fn serialize_none(self) -> Result<(), Refused> {
        unsupported("nothing")
    }
    fn serialize_unit(self) -> Result<(), Refused> {
        unsupported("nothing")
    }
    fn serialize_some<T: ?Sized + Serialize>(self, value: &T) -> Result<(), Refused> {
        value.serialize(self)
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, Refused> {
        unsupported("a list")
    }
    refuse_scalars!(
        serialize_bool: bool, serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_f32: f32,
        serialize_f64: f64, serialize_char: char, serialize_str: &str
    );
    refuse_compounds!();
}

impl Serializer for Texts {
    type Ok = Vec<String>;
    type Error = Refused;
    type SerializeSeq = List;
    type SerializeTuple = Impossible<Vec<String>, Refused>;
    type SerializeTupleStruct = Impossible<Vec<String>, Refused>;
    type SerializeTupleVariant = Impossible<Vec<String>, Refused>;
    type SerializeMap = Impossible<Vec<String>, Refused>;
    type SerializeStruct = Impossible<Vec<String>, Refused>;
    type SerializeStructVariant = Impossible<Vec<String>, Refused>;

    fn serialize_newtype_struct<T: ?Sized + Serialize>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<Vec<String>, Refused> {
        let texts = value.serialize(self)?;
        Ok(match name {
            INSTANT_FROM | INSTANT_TO => texts.into_iter().map(|text| self.instant(name, text)).collect(),
            _ => texts,
        })
    }
    fn serialize_none(self) -> Result<Vec<String>, Refused> {
        Ok(Vec::new())
    }
    fn serialize_unit(self) -> Result<Vec<String>, Refused> {
        Ok(Vec::new())
    }
    fn serialize_some<T: ?Sized + Serialize>(self, value: &T) -> Result<Vec<String>, Refused> {
        value.serialize(self)
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<List, Refused> {
        Ok(List { each: self, texts: Vec::new() })
    }
    fn serialize_unit_struct(self, _: &'static str) -> Result<Vec<String>, Refused> {
        unsupported("a struct")
    }
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeStruct, Refused> {
        unsupported("a struct")
    }
    as_text!(
        serialize_bool: bool, serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_char: char,
        serialize_str: &str
    );
    refuse_scalars!(serialize_f32: f32, serialize_f64: f64);
    refuse_compounds!();
}

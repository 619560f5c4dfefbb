//! How values are written into a request: into its path, its query, its body.
//!
//! A value writes itself into a [`Place`], or tells the place why it cannot be sent. The sender of the request decides what
//! a place is. The value only says what it is: text, a number, a time, a list, an object.

use crate::{Arg, Decimal, Malformed, Sensitive, Timestamp, Upload};
use std::fmt;
use zeroize::Zeroize;

/// A value that can be part of a request.
pub trait Param {
    /// Writes the value with one call to the place, or refuses it. Warnings may be added.
    fn write(&self, place: &mut dyn Place);
}

/// Named values: a whole request, or an object in its body.
pub trait Params {
    /// Writes each value.
    fn write_fields(&self, fields: &mut dyn Fields);
}

/// Where one value of a request goes.
pub trait Place {
    /// There is no value, so the name is left out too.
    fn absent(&mut self);
    /// Text.
    fn text(&mut self, text: &str);
    /// A number, bare in JSON.
    fn number(&mut self, number: &dyn fmt::Display);
    /// True or false.
    fn flag(&mut self, flag: bool);
    /// A time, sent as a number.
    fn time(&mut self, time: Timestamp, bound: Bound, unit: Unit);
    /// A list of `length` values; `write` is called with each index.
    fn list(&mut self, length: usize, write: &mut dyn FnMut(usize, &mut dyn Place));
    /// An object.
    fn object(&mut self, object: &dyn Params);
    /// A file, if the call takes one.
    fn file(&mut self, file: &Upload);
    /// The value cannot be sent.
    fn refuse(&mut self, reason: Malformed);
    /// The value is sent, but it may be wrong.
    fn warn(&mut self, reason: Malformed);
    /// The value that follows is secret: it must never be shown or kept.
    fn sensitive(&mut self) {}
}

/// Where named values go.
pub trait Fields {
    /// Writes a value under a name.
    fn field(&mut self, name: Name, value: &dyn Param);
}

/// A parameter's name, which may differ between the two versions of the documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Name {
    current: &'static str,
    older: Option<&'static str>,
}

impl Name {
    /// The same name in both versions.
    pub const fn new(name: &'static str) -> Self {
        Self { current: name, older: Some(name) }
    }

    /// The same parameter with another name in the older version.
    #[must_use]
    pub const fn older(self, older: &'static str) -> Self {
        Self { older: Some(older), ..self }
    }

    /// The same parameter, which the older version does not know.
    #[must_use]
    pub const fn current_only(self) -> Self {
        Self { older: None, ..self }
    }

    /// The name in the current version.
    pub const fn current(self) -> &'static str {
        self.current
    }

    /// The name in one of the versions; `None` where that version does not know the parameter.
    pub const fn of(self, is_older: bool) -> Option<&'static str> {
        if is_older { self.older } else { Some(self.current) }
    }
}

/// Which end of a range a time is. A time that is finer than the server's unit is rounded so that the range gets
/// larger, never smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// The start: rounded down.
    From,
    /// The end: rounded up.
    To,
}

/// Unit of a time that is sent as a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// The unit that the server uses in most calls.
    OfTheServer,
    /// Seconds: this call uses them on every server.
    Seconds,
}

impl Param for str {
    fn write(&self, place: &mut dyn Place) {
        place.text(self);
    }
}

impl Param for String {
    fn write(&self, place: &mut dyn Place) {
        place.text(self);
    }
}

impl Param for bool {
    fn write(&self, place: &mut dyn Place) {
        place.flag(*self);
    }
}

impl Param for u32 {
    fn write(&self, place: &mut dyn Place) {
        place.number(self);
    }
}

impl Param for u64 {
    fn write(&self, place: &mut dyn Place) {
        place.number(self);
    }
}

/// Written as text, so that no float on the way can round it.
impl Param for Decimal {
    fn write(&self, place: &mut dyn Place) {
        place.text(&self.to_string());
    }
}

impl<T: Param + ?Sized> Param for &T {
    fn write(&self, place: &mut dyn Place) {
        (**self).write(place);
    }
}

impl<T: Param> Param for Option<T> {
    fn write(&self, place: &mut dyn Place) {
        match self {
            Some(value) => value.write(place),
            None => place.absent(),
        }
    }
}

impl<T: Param> Param for Vec<T> {
    fn write(&self, place: &mut dyn Place) {
        place.list(self.len(), &mut |index, place| match self.get(index) {
            Some(value) => value.write(place),
            None => place.absent(),
        });
    }
}

impl<T: Param> Param for Arg<T> {
    fn write(&self, place: &mut dyn Place) {
        match self.value() {
            Ok(value) => value.write(place),
            Err(reason) => place.refuse(reason.clone()),
        }
    }
}

/// The value is written. A refusal or warning about it is passed on without its reason, which may quote the value.
impl<T: Zeroize + Param> Param for Sensitive<T> {
    fn write(&self, place: &mut dyn Place) {
        place.sensitive();
        self.expose().write(&mut Discreet(place));
    }
}

/// A place that removes the reasons from refusals and warnings.
struct Discreet<'a>(&'a mut dyn Place);

impl Discreet<'_> {
    fn without_value(reason: &Malformed) -> Malformed {
        Malformed::new("it is malformed (the value is not shown)", reason.remedy().to_owned())
    }
}

impl Place for Discreet<'_> {
    fn absent(&mut self) {
        self.0.absent();
    }
    fn text(&mut self, text: &str) {
        self.0.text(text);
    }
    fn number(&mut self, number: &dyn fmt::Display) {
        self.0.number(number);
    }
    fn flag(&mut self, flag: bool) {
        self.0.flag(flag);
    }
    fn time(&mut self, time: Timestamp, bound: Bound, unit: Unit) {
        self.0.time(time, bound, unit);
    }
    fn list(&mut self, length: usize, write: &mut dyn FnMut(usize, &mut dyn Place)) {
        self.0.list(length, &mut |index, place| write(index, &mut Discreet(place)));
    }
    fn object(&mut self, object: &dyn Params) {
        self.0.object(object);
    }
    fn file(&mut self, file: &Upload) {
        self.0.file(file);
    }
    fn refuse(&mut self, reason: Malformed) {
        self.0.refuse(Self::without_value(&reason));
    }
    fn warn(&mut self, reason: Malformed) {
        self.0.warn(Self::without_value(&reason));
    }
    fn sensitive(&mut self) {
        self.0.sensitive();
    }
}
